"""The play drafter: turns a cause into a plan for one account, chosen by the playbook's order or by a model.

Code fills the steps with the account's facts and writes every sentence; a model only chooses among them. Its answer is
checked and sent back with its faults named; if it still does not pass, the playbook's own plan takes its place.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from agents.conversation import Message, ModelClient
from agents.repair_loop import RepairLoop, parse_answer
from domain.configuration import Configuration
from domain.diagnosis import CauseFinding
from domain.dossier import Dossier, Person
from domain.drafting import FIRST_TOUCH, DraftingRecord, DraftOutcome, PlayDraft, Violation
from domain.phase_results import DraftResult, RunningPlay
from domain.plan import DraftingSummary
from domain.plan_language import Step
from domain.playbook import PHASES, Phase, PlaybookAction
from domain.save_play import SavePlay
from domain.token_usage import TokenUsage
from tools.evidence.fact_words import fact_reason
from tools.prompts import render_prompt
from tools.save_play.answer_schema import draft_schema
from tools.save_play.builder import ChosenAction, PlayChoices, build_play, draft_choices, playbook_choices, step_words
from tools.save_play.context import ActionOption, PlayContext
from tools.save_play.doubts import check_doubt
from tools.save_play.expected_value import SaveRecord
from tools.save_play.own_steps import MAX_OWN_STEPS, facts_for_prompt, may_add_steps, own_verbs, with_own_steps
from tools.save_play.prompt_facts import Anonymiser
from tools.save_play.selection import play_version
from tools.save_play.verification import check_draft, verify_play
from tools.wording import plural
from tools.working_days import WorkingDays

NO_MODEL_NOTE = "Save plays are drafted from the playbook library; no language model is configured."
_QUOTE_LENGTH = 160
_OFFER_REASON_LENGTH = 90
"""Letters of the reason that a model reads with a step: enough to tell steps apart, and a small model reads it in seconds."""
_TEXT_TABLES = ("tickets", "notes", "surveys")


@dataclass(frozen=True)
class PlayDrafter:
    """Drafts plays. ``records`` are the known outcomes of earlier plays by cause.

    ``client`` is the language model, or None; ``today`` is the day of the review.
    """

    configuration: Configuration
    calendar: WorkingDays
    people: Mapping[str, Person]
    records: Mapping[str, SaveRecord]
    today: date
    client: ModelClient | None = None
    free_hours: Mapping[str, float] = field(default_factory=dict)
    """By person: hours left for save plays; among specialists who has more comes first."""

    def play_context(
        self,
        dossier: Dossier,
        finding: CauseFinding,
        created: date | None = None,
        tried: Sequence[str] = (),
        excluded: frozenset[str] = frozenset(),
    ) -> PlayContext:
        """Everything that the play of one account may use."""
        return PlayContext(
            dossier=dossier,
            finding=finding,
            configuration=self.configuration,
            calendar=self.calendar,
            people=self.people,
            created=created or self.today,
            today=self.today,
            records=self.records,
            excluded=excluded,
            tried=tuple(tried),
            free_hours=self.free_hours,
        )

    # from the library ------------------------------------------------------------------------------------------------

    def from_playbook(self, context: PlayContext, drafting: DraftingRecord | None = None) -> SavePlay:
        """A complete, verified play in the library's own words."""
        play = build_play(context, playbook_choices(context))
        note = play.drafted_note
        if drafting is not None and drafting.outcome == "fell_back":
            note = f"{note} The model's draft was not used: {drafting.reason}"
        return self.verify(
            play.model_copy(update={"drafting": drafting or DraftingRecord(), "drafted_note": note}), context
        )

    def continue_play(self, context: PlayContext, choices: PlayChoices, origin: str) -> SavePlay:
        """A play that already runs, with its own actions and dates."""
        play = build_play(context, choices)
        note = f"{play.drafted_note} Running since {origin}; approving it means going on."
        update = {"drafting": DraftingRecord(outcome="goes_on"), "drafted_note": note, "origin": origin}
        return self.verify(play.model_copy(update=update), context)

    def verify(self, play: SavePlay, context: PlayContext) -> SavePlay:
        """The play with whatever is wrong with it, and its version."""
        violations = verify_play(play, context)
        play = play.model_copy(update={"violations": violations, "verified": not violations})
        return play.model_copy(update={"version": play_version(play)})

    # chosen by a model ----------------------------------------------------------------------------------------------

    async def draft(self, context: PlayContext, earlier: DraftResult | None = None) -> DraftResult:
        """The model's draft for the account. Never raises for what a model does.

        ``earlier``: the draft of an earlier run; used again if it passed and the same was asked of the same model.
        """
        assert self.client is not None, "without a model nothing is drafted"
        loop = RepairLoop(self.client, self.configuration, "drafting", draft_messages(context), draft_schema(context))
        if earlier is not None and earlier.draft is not None and loop.is_same_request(earlier.drafting):
            return earlier
        draft = await loop.run(
            lambda text: parse_answer(text, PlayDraft).choices_only(), lambda answer: self._check(answer, context)
        )
        if draft is None:
            return DraftResult(draft=None, drafting=loop.drafting)
        doubt, refused = check_doubt(draft.doubt, context, facts_for_prompt(context), loop.drafting.model or "")
        draft = draft.model_copy(update={"doubt": None})
        return DraftResult(draft=draft, drafting=loop.drafting, doubt=doubt, doubt_refused=refused)

    def play(self, context: PlayContext, drafted: DraftResult | None) -> SavePlay:
        """The play: the model's choices when they were fit, else the library's, with the reason."""
        if drafted is None or drafted.draft is None:
            return self.from_playbook(context, drafted.drafting if drafted else None)
        play = self._play(context, drafted.draft, drafted.drafting)
        return self.verify(play.model_copy(update={"doubt": drafted.doubt}), context)

    def _play(self, context: PlayContext, draft: PlayDraft, drafting: DraftingRecord) -> SavePlay:
        context = with_own_steps(context, draft)
        play = build_play(context, draft_choices(context, draft), draft)
        how = "verified at first try" if drafting.outcome == "first_try" else f"verified after {_repairs(drafting)}"
        note = f"{play.drafted_note[:-1]}, chosen by {drafting.model}; {how}."
        return play.model_copy(update={"drafting": drafting, "drafted_note": note})

    def _check(self, draft: PlayDraft, context: PlayContext) -> list[Violation]:
        found = check_draft(draft, context)
        if found:
            return found
        own = with_own_steps(context, draft)
        play = build_play(own, draft_choices(own, draft), draft)
        return list(verify_play(play, own))


def _repairs(drafting: DraftingRecord) -> str:
    return plural(drafting.rounds - 1, "repair")


def draft_messages(context: PlayContext) -> tuple[Message, Message]:
    """Messages for the model: the rules, which never change, then the cause, the account last."""
    dossier, finding, settings = context.dossier, context.finding, context.configuration
    phases = settings.review.play_phases
    titles: dict[str, str] = {phase: phases[phase].title for phase in PHASES}
    titles[FIRST_TOUCH] = "First touch of the customer"
    plain = Anonymiser.of(context)
    offers = [
        (
            place,
            titles[place],
            *context.count(place),
            [_offer(context, each, plain) for each in context.options[place]],
        )
        for place in (FIRST_TOUCH, *PHASES)
    ]
    account = render_prompt(
        "draft_account",
        label=finding.label,
        offers=offers,
        size=dossier.size.replace("_", " "),
        tier=context.tier,
        renewal=renewal_words(dossier),
        difficulty=finding.difficulty,
        reasoning=finding.reasoning,
        runner_up=finding.runner_up_label,
        evidence=context.evidence,
        facts=[(each.handle, plain(each.sentence)) for each in facts_for_prompt(context)],
        tried=context.tried,
        quotes=customer_quotes(dossier, int(settings.model.quotes.value), plain),
        own_people=own_people(context) if may_add_steps(context) else [],
        last_day=context.last_day,
    )
    rules = render_prompt(
        "draft_rules",
        causes=[(name, rule.label) for name, rule in settings.causes.causes.items()],
        verbs=own_verbs(context) if may_add_steps(context) else {},
        most=MAX_OWN_STEPS,
    )
    return Message("system", rules), Message("user", account)


def renewal_words(dossier: Dossier) -> str:
    """Distance to the renewal, in words."""
    days = dossier.renewal_in_days
    return "renewal date unknown" if days is None else f"renewal in {days} days" if days >= 0 else "renewal overdue"


def own_people(context: PlayContext) -> list[tuple[str, str]]:
    """Handle and role of each colleague who may do a step."""
    return [(handle, role.replace("_", " ")) for handle, (role, person) in context.owners.items() if person is not None]


def _offer(context: PlayContext, option: ActionOption, plain: Anonymiser) -> tuple[ActionOption, str, list[str]]:
    """One step as the model reads it: without names, and with one short reason."""
    step = context.steps[option.action.id] or Step(verb=option.action.verb, because=())
    words = {**context.role_words, **step_words(context, option.action, step)}
    if step.person is not None:
        words["with"] = context.role_of(step.person)
    title, *reasons = map(plain, (option.action.title.format_map(words), *_offer_reason(context, step)))
    return option, title, [_shorten(reason) for reason in reasons]


def _offer_reason(context: PlayContext, step: Step) -> list[str]:
    """The first reason that the title does not name already; what the step is about where there is no other."""
    others = [fact_id for fact_id in step.because if fact_id != step.about]
    return [fact_reason(fact) for fact in context.facts.all_of(others or step.because)][:1]


def _shorten(reason: str) -> str:
    """The reason cut at a word; a quotation that is cut is closed again."""
    if len(reason) <= _OFFER_REASON_LENGTH:
        return reason
    cut = f"{reason[:_OFFER_REASON_LENGTH].rsplit(' ', 1)[0]} …"
    return f"{cut}”" if cut.rfind("“") > cut.rfind("”") else cut


def customer_quotes(dossier: Dossier, most: int | None, plain: Anonymiser) -> list[str]:
    """Texts of the customer behind the evidence, without personal data and in plain letters: nothing in them can close the fence
    around quotes.

    ``plain`` removes names that the model must not see.
    """
    texts = [
        row.text
        for fact in dossier.evidence
        if fact.direction == "worse"
        for row in fact.rows
        if row.table in _TEXT_TABLES
    ]
    clean = list(map(plain, texts))
    return list(dict.fromkeys(" ".join(text.split())[:_QUOTE_LENGTH] for text in clean if text.strip()))[:most]


def name_words(names: Sequence[str]) -> frozenset[str]:
    """The words of names, in small letters."""
    return frozenset(word.lower() for name in names for word in re.findall(r"[A-Za-zÀ-ÖØ-öø-ÿ]+", name))


def running_choices(context: PlayContext, old: RunningPlay) -> dict[Phase, list[ChosenAction]]:
    """The choices of a play that runs: its steps as they were approved, with their own dates and owners."""

    def choice(action: PlaybookAction) -> ChosenAction:
        owner = context.people.get(old.owners.get(action.id, ""))
        return ChosenAction(action, owner, old.dates.get(action.id), kept=old.steps.get(action.id))

    return {
        phase: [choice(action) for action in context.library(phase) if action.id in old.actions.get(phase, ())]
        for phase in PHASES
    }


def add_note(play: SavePlay, note: str) -> SavePlay:
    """The play with a further remark on how it came to be."""
    play = play.model_copy(update={"drafted_note": f"{play.drafted_note} {note}"})
    return play.model_copy(update={"version": play_version(play)})


def drafting_summary(
    plays: Sequence[DraftingRecord], briefing: DraftingRecord, configuration: Configuration
) -> DraftingSummary:
    """Counts of this week's drafts by outcome, with the tokens and the cost of the model."""
    new = [drafting for drafting in plays if drafting.outcome != "goes_on"]
    asked = [drafting for drafting in new if drafting.model]
    counts = Counter(drafting.outcome for drafting in asked)
    reasons = Counter(drafting.reason for drafting in asked if drafting.outcome == "fell_back")
    every = [*asked, briefing]
    costs = [drafting.cost for drafting in every]

    def share(outcome: DraftOutcome) -> float | None:
        return round(counts[outcome] / len(asked), 4) if asked else None

    return DraftingSummary(
        model=asked[0].model if asked else briefing.model,
        drafted=len(new),
        first_try=counts["first_try"],
        repaired=counts["repaired"],
        in_part=counts["in_part"],
        fell_back=counts["fell_back"],
        share_first_try=share("first_try"),
        share_repaired=share("repaired"),
        share_in_part=share("in_part"),
        share_fell_back=share("fell_back"),
        tokens=sum((drafting.tokens for drafting in every), TokenUsage()),
        cost=None if None in costs else round(sum(cost for cost in costs if cost is not None), 6),
        currency=configuration.model.prices.currency,
        reasons=tuple(f"{plural(count, 'play')}: {reason}" for reason, count in sorted(reasons.items())),
    )


def drafting_note(summary: DraftingSummary) -> str:
    """Sentence for the first page: who drafted the plays."""
    if summary.model is None:
        return NO_MODEL_NOTE
    if not summary.drafted:
        return f"No new save play this week; {summary.model} is configured."
    text = (
        f"Of {plural(summary.drafted, 'new save play')}, {summary.model} drafted {summary.first_try} that passed every "
        f"check at first try and {summary.repaired} after repair; {summary.fell_back} came from the playbook library."
    )
    return " ".join([text, *summary.reasons])
