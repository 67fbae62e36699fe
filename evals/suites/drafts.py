"""Suite ``drafts``: the text of a model, and the checks that have to catch its faults.

Three parts. Sentences of drafts for people: each one that no fact supports has to be marked. A scripted model makes one fault at a
time, and each has to be refused under its own code; this needs no model. A real model, live or recorded, drafts the plays for the ten
accounts of the sample review, and all four texts for two of them; these are judged.
"""

import asyncio
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import yaml

from agents.conversation import ModelClient
from agents.play_drafter import PlayDrafter
from agents.text_drafter import TextDrafter
from domain.configuration import Configuration, DraftKind
from domain.drafting import DraftAction, PlayDraft
from domain.save_play import SavePlay
from domain.text_drafts import DRAFT_TITLES, TextDraft
from evals.agent_outputs import build_drafter
from evals.case_portfolio import score_cases
from evals.cases import FIXTURES, AccountCase, read_cases
from evals.engine import Judgement, Question, ReportProgress, Verdict, answer_questions
from evals.figures import CaseResult, Figure, SuiteResult, mean_figure, question_figures, share_figure
from evals.suites.ask import open_sample_context
from evals.suites.plays import named_must_haves, read_play_cases, specific_share
from tools.evidence.causes import diagnose
from tools.evidence.dossier import build_dossiers, load_people
from tools.planning.intervention_plan import at_risk_ids
from tools.save_play.builder import build_play, draft_choices
from tools.save_play.context import PlayContext
from tools.save_play.draft_claims import check_text, claims_of
from tools.save_play.draft_record import DraftRecord, draft_record
from tools.save_play.verification import check_draft, verify_play

SAYS = "Drafts: each fault of a scripted model is refused under its own code; plays of a real model are complete and verified."
FAULT_CASES = ("two_causes_service_then_rival", "budget_cut_asks_for_discount")
PLAYS = 10
PLAYS_WITH_TEXTS = 2
"""All four texts of two plays: a small model needs about a minute for each."""


# one fault at a time ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class DraftFault:
    """A fault of a model, and the code under which the checks refuse it. ``code`` is None for a draft without fault."""

    name: str
    code: str | None
    make: Callable[[PlayDraft, PlayContext], PlayDraft]


@dataclass(frozen=True)
class PlayTampering:
    """A change to a finished play, and the code under which the checks report it."""

    name: str
    code: str
    make: Callable[[SavePlay], SavePlay]


def _with_first_touch(**changes: object) -> Callable[[PlayDraft, PlayContext], PlayDraft]:
    return lambda draft, _: draft.model_copy(update={"first_touch": draft.first_touch.model_copy(update=changes)})


def _with_address(
    change: Callable[[tuple[DraftAction, ...]], tuple[DraftAction, ...]],
) -> Callable[[PlayDraft, PlayContext], PlayDraft]:
    return lambda draft, _: draft.model_copy(update={"address": change(draft.address)})


def _use_other_playbook(draft: PlayDraft, context: PlayContext) -> PlayDraft:
    """A draft with an action from another cause's playbook."""
    other = next(
        book for name, book in sorted(context.configuration.playbooks.items()) if name != context.playbook.cause
    )
    line = draft.first_touch.model_copy(update={"action": other.phase("stabilise")[0].id})
    return draft.model_copy(update={"first_touch": line})


DRAFT_FAULTS: tuple[DraftFault, ...] = (
    DraftFault("a careful draft", None, lambda draft, _: draft),
    DraftFault("an action of another playbook", "action_unknown", _use_other_playbook),
    DraftFault("an action twice", "action_twice", _with_address(lambda lines: (lines[0], lines[0], *lines[2:]))),
    DraftFault("an owner who does not do this", "owner_not_allowed", _with_first_touch(owner="nobody")),
    DraftFault("a date outside the phase", "date_not_allowed", lambda draft, context: draft.model_copy(
        update={"first_touch": draft.first_touch.model_copy(update={"due": context.today + timedelta(days=200)})})),
    DraftFault("too few actions", "phase_too_thin", _with_address(lambda lines: lines[:1])),
)  # fmt: skip


def _with_action(**changes: object) -> Callable[[SavePlay], SavePlay]:
    def change(play: SavePlay) -> SavePlay:
        phase = play.phases[1]
        actions = (phase.actions[0].model_copy(update=changes), *phase.actions[1:])
        phases = (play.phases[0], phase.model_copy(update={"actions": actions}), play.phases[2])
        return play.model_copy(update={"phases": phases})

    return change


def _with_evidence(**changes: object) -> Callable[[SavePlay], SavePlay]:
    return lambda play: play.model_copy(
        update={"evidence": (play.evidence[0].model_copy(update=changes), *play.evidence[1:])}
    )


PLAY_TAMPERINGS: tuple[PlayTampering, ...] = (
    PlayTampering("another owner in a finished play", "owner_unknown", _with_action(owner="Konstanze Birkholz")),
    PlayTampering("a citation that does not exist", "evidence_unknown", _with_action(evidence=("E88",))),
    PlayTampering("another reason in a finished play", "action_differs", _with_action(because=("They are happy.",))),
    PlayTampering("another purpose in a finished play", "action_differs", _with_action(purpose="Because we say so.")),
    PlayTampering("another value in the evidence", "evidence_differs", _with_evidence(statement="Everything is fine.")),
    PlayTampering(
        "another ARR in the header", "header_differs", lambda play: play.model_copy(update={"arr": (play.arr or 0) + 1})
    ),
    PlayTampering("no walk-away criteria", "walk_away_missing", lambda play: play.model_copy(update={"walk_away": ()})),
    PlayTampering(
        "no success criteria", "success_missing", lambda play: play.model_copy(update={"success_criteria": ()})
    ),
)


@dataclass(frozen=True)
class RefusalCodes:
    """Codes that the checks reported for a draft or a play, each once."""

    codes: tuple[str, ...]


class RefusedByCode(Question):
    """The fault is reported under its own code, and a careful draft is not refused."""

    figure_name, description = (
        "refused",
        "each fault of a scripted model is refused under its own code; a careful draft is not refused",
    )

    def verdict(self, case: DraftFault | PlayTampering, got: RefusalCodes) -> Verdict:
        right = case.code in got.codes if case.code else not got.codes
        return right, f"expected {case.code or 'no fault'}, got {', '.join(got.codes) or 'none'}"


def faultless_draft(context: PlayContext) -> PlayDraft:
    """A draft without a fault: the first actions offered, on the first day."""

    def line(place: str, number: int) -> DraftAction:
        option = context.options[place][number]
        return DraftAction(
            action=option.action.id,
            owner=option.owners[0],
            due=option.days[0],
        )

    def several(place: str) -> tuple[DraftAction, ...]:
        fewest, _ = context.count(place)
        taken = first.action
        offered = [n for n, option in enumerate(context.options[place]) if option.action.id != taken]
        return tuple(line(place, n) for n in offered[:fewest])

    first = line("first_touch", 0)
    return PlayDraft(
        first_touch=first,
        stabilise=several("stabilise"),
        address=several("address"),
        rebuild=several("rebuild"),
    )


def judge_scripted_faults(
    configuration: Configuration, cases: Sequence[AccountCase] | None = None
) -> tuple[CaseResult, ...]:
    """Results of every fault for two accounts."""
    chosen = [case for case in (cases or read_cases()) if case.name in FAULT_CASES]
    judgements = []
    with tempfile.TemporaryDirectory(prefix="saveplay-eval-") as scratch:
        portfolio = score_cases(chosen, Path(scratch), configuration)
        drafter = build_drafter(portfolio.base, load_people(portfolio.base), None)
        portfolio.base.select_accounts([case.name for case in chosen])
        details = portfolio.base.signal_details()
        for dossier in build_dossiers(portfolio.base, [case.name for case in chosen], portfolio.history, details):
            context = drafter.play_context(dossier, diagnose(dossier, configuration.causes, configuration.scoring))
            judgements += _judge_faults(dossier.account_id, context, drafter)
        portfolio.base.close()
    return answer_questions("drafts", judgements, (RefusedByCode(),), lambda got: {"refused for": ", ".join(got.codes)})


def _judge_faults(account: str, context: PlayContext, drafter: PlayDrafter) -> list[Judgement]:
    found = []
    for fault in DRAFT_FAULTS:
        draft = fault.make(faultless_draft(context), context)
        codes = [violation.code for violation in check_draft(draft, context)]
        if not codes:
            codes = [v.code for v in verify_play(build_play(context, draft_choices(context, draft), draft), context)]
        refused = RefusalCodes(tuple(dict.fromkeys(codes)))
        found.append(Judgement(f"{fault.name} ({account})", "A fault that a model can make.", fault, refused))
    play = drafter.from_playbook(context)
    for change in PLAY_TAMPERINGS:
        codes = [violation.code for violation in verify_play(change.make(play), context)]
        refused = RefusalCodes(tuple(dict.fromkeys(codes)))
        found.append(Judgement(f"{change.name} ({account})", "A play changed after it was drafted.", change, refused))
    return found


# sentences of drafts for people -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class HonestSentences:
    """Sentences about one account of the sample: what no fact supports, and what should have no mark."""

    account: str
    unsupported: tuple[str, ...]
    honest_a: tuple[str, ...]
    honest_b: tuple[str, ...]


def read_draft_sentences() -> HonestSentences:
    """The sentences of ``evals/fixtures/draft_sentences.yaml``."""
    given = yaml.safe_load((FIXTURES / "draft_sentences.yaml").read_text("utf-8"))
    unsupported = tuple(text for texts in given["unsupported"].values() for text in texts)
    return HonestSentences(given["account"], unsupported, tuple(given["honest"]["a"]), tuple(given["honest"]["b"]))


@contextmanager
def sample_context(configuration: Configuration, account: str) -> Iterator[tuple[PlayContext, SavePlay]]:
    """One account of the sample's second week, with the play that the playbook gives it."""
    with tempfile.TemporaryDirectory(prefix="saveplay-eval-") as scratch:
        sample = open_sample_context(Path(scratch), configuration, None)
        sample.base.select_accounts([account])
        (dossier,) = build_dossiers(sample.base, [account], sample.history, sample.base.signal_details())
        drafter = build_drafter(sample.base, load_people(sample.base), None)
        context = drafter.play_context(dossier, diagnose(dossier, configuration.causes, configuration.scoring))
        try:
            yield context, drafter.from_playbook(context)
        finally:
            sample.base.close()
            sample.store.close()


def judge_draft_sentences(configuration: Configuration) -> tuple[Figure, ...]:
    """Shares of sentences that are marked as they should be: of a draft that the customer reads, and of an internal one."""
    sentences = read_draft_sentences()
    with sample_context(configuration, sentences.account) as (context, play):
        mail, track = (draft_record(context, play, kind) for kind in ("follow_up_email", "talk_track"))

        def marked(texts: Sequence[str], record: DraftRecord) -> int:
            return sum(bool(claims_of(check_text(text, record))) for text in texts)

        caught = marked(sentences.unsupported, mail)
        honest = (*sentences.honest_a, *sentences.honest_b)
        unmarked = len(honest) - marked(honest, track)
    return (
        share_figure(
            "marked", "sentences of drafts without a fact that are marked", caught, len(sentences.unsupported)
        ),
        share_figure("unmarked", "honest sentences of drafts without a mark", unmarked, len(honest)),
    )


# a real model ----------------------------------------------------------------------------------------------------------


class ModelAnswered(Question):
    """The model answered today's prompt."""

    figure_name, description = (
        "answered",
        "the model answered today's prompt (replay: today's prompt equals the recorded one)",
    )

    def verdict(self, case: str, got: SavePlay) -> Verdict:
        error = got.drafting.error
        why = "the prompt differs from the recorded one: check prompts/ and run `make record`"
        return error is None, f"{error}: {got.drafting.reason} ({why})" if error else "answered"


class PlayVerified(Question):
    """The play that people get is complete and verified."""

    figure_name, description = "verified", "the play that people get is complete and has no violation"

    def verdict(self, case: str, got: SavePlay) -> Verdict:
        lacks = [] if got.verified else [violation.code for violation in got.violations]
        lacks += [phase.phase for phase in got.phases if len(phase.actions) < 3]
        return not lacks, ", ".join(lacks) or "complete"


@dataclass(frozen=True)
class ModelText:
    """A text for people as the model drafted it, with the record that its sentences are checked against."""

    draft: TextDraft
    record: DraftRecord


@dataclass(frozen=True)
class ModelDrafts:
    """The plays of a model, and texts about the first of them."""

    plays: tuple[SavePlay, ...]
    texts: tuple[ModelText, ...]
    by_playbook: tuple[SavePlay, ...]
    """The plays of the same accounts without a model."""

    def judgements(self) -> list[Judgement]:
        """The plays to be judged."""
        return [Judgement(play.name, f"Cause: {play.cause_label}.", play.account_id, play) for play in self.plays]


def draft_with_model(configuration: Configuration, client: ModelClient, report_progress: ReportProgress) -> ModelDrafts:
    """Plays for the ten accounts of the sample review, and texts about the first two."""
    with tempfile.TemporaryDirectory(prefix="saveplay-eval-") as scratch:
        sample = open_sample_context(Path(scratch), configuration, None)
        base, history = sample.base, sample.history
        accounts = at_risk_ids(base, PLAYS)
        base.select_accounts(accounts)
        found = build_dossiers(base, accounts, history, base.signal_details())
        drafter = build_drafter(base, load_people(base), client)
        contexts = [drafter.play_context(d, diagnose(d, configuration.causes, configuration.scoring)) for d in found]
        drafts = asyncio.run(_draft_all(drafter, contexts, client, report_progress))
        base.close()
        sample.store.close()
    return drafts


async def _draft_all(
    drafter: PlayDrafter, contexts: Sequence[PlayContext], client: ModelClient, report_progress: ReportProgress
) -> ModelDrafts:
    done = 0

    def drafted() -> None:
        nonlocal done
        done += 1
        report_progress("drafts", done, len(contexts) + PLAYS_WITH_TEXTS * len(DRAFT_TITLES))

    async def play_for(context: PlayContext) -> SavePlay:
        found = await drafter.draft(context)
        drafted()
        return drafter.play(context, found)

    async def text_for(context: PlayContext, play: SavePlay, kind: DraftKind) -> ModelText:
        draft = await TextDrafter(drafter.configuration, client).draft(context, play, kind)
        drafted()
        return ModelText(draft, draft_record(context, play, kind))

    try:
        plays = await asyncio.gather(*(play_for(context) for context in contexts))
        first = list(zip(contexts, plays, strict=True))[:PLAYS_WITH_TEXTS]
        texts = await asyncio.gather(*(text_for(*each, kind) for each in first for kind in DRAFT_TITLES))
        return ModelDrafts(tuple(plays), tuple(texts), tuple(map(drafter.from_playbook, contexts)))
    finally:
        await client.close()


def must_have_figures(drafts: ModelDrafts) -> tuple[Figure, ...]:
    """Must-haves of a leader, as far as steps name them: by the model's plays and by the playbook's of the same accounts."""
    wanted = {case.account: case for half in read_play_cases().values() for case in half}
    ways = (
        ("must_haves", "the model's plays", drafts.plays),
        ("must_haves_playbook", "the playbook's plays", drafts.by_playbook),
    )
    return tuple(
        mean_figure(name, f"what a leader wants named, named in steps of {who}",
                    {play.account_id: named_must_haves(wanted[play.account_id], play) for play in plays if play.account_id in wanted})
        for name, who, plays in ways
    )  # fmt: skip


def text_figures(texts: Sequence[ModelText]) -> tuple[Figure, ...]:
    """Figures about texts for people: whose words they are, and how many of the model's sentences no fact supports."""
    by_model = [each for each in texts if each.draft.made_by]
    lines = [line for each in by_model for line in check_text(each.draft.text, each.record)]
    sentences = [sentence for line in lines for sentence in line]
    marked = [sentence for sentence in sentences if sentence.claims]
    kept = share_figure("texts_kept", "texts for people that use the model's words", len(by_model), len(texts))
    if not sentences:
        return (kept,)
    says, unmarked = "sentences in the model's texts without a mark", len(sentences) - len(marked)
    return kept, share_figure("texts_unmarked", says, unmarked, len(sentences))


def drafting_figures(plays: Sequence[SavePlay], seconds: Mapping[str, float]) -> tuple[Figure, ...]:
    """Figures about drafting: outcome, specific steps, tokens, seconds per call and cost. ``seconds`` is empty in a replay."""
    outcomes = [play.drafting.outcome for play in plays]
    n = len(plays)
    total = {play.account_id: specific_share(play) for play in plays}
    found = [
        share_figure("first_try", "drafts that passed every check at the first try", outcomes.count("first_try"), n),
        share_figure("kept", "plays that use the model's choices: at the first try or repaired",
              sum(outcome in ("first_try", "repaired") for outcome in outcomes), n),
        mean_figure("specific", "share of a play's steps that name a fact of the account", total),
        mean_figure("tokens", "tokens read and written per play",
             {p.account_id: float(p.drafting.tokens.read + p.drafting.tokens.written) for p in plays}, "tokens", "lower",
             gated=False),
    ]  # fmt: skip
    if seconds:
        found.append(mean_figure("latency", "seconds per call", seconds, "seconds", "lower", gated=False))
    costs = [play.drafting.cost for play in plays]
    if all(cost is not None for cost in costs) and any(costs):
        by_account = {play.account_id: float(play.drafting.cost or 0.0) for play in plays}
        found.append(
            mean_figure(
                "cost",
                "cost of a play, in the currency of the price table",
                by_account,
                "currency",
                "lower",
                gated=False,
            )
        )
    return tuple(found)


def run_drafts(
    configuration: Configuration,
    client: ModelClient | None,
    model: str,
    report_progress: ReportProgress,
    seconds: Callable[[], Mapping[str, float]] = dict,
) -> SuiteResult:
    """Judge the scripted faults and, with a client, the ten plays of the sample with texts about two."""
    results = judge_scripted_faults(configuration)
    says = {RefusedByCode.figure_name: RefusedByCode.description}
    figures = judge_draft_sentences(configuration)
    if client is not None:
        drafts = draft_with_model(configuration, client, report_progress)
        results += answer_questions("drafts", drafts.judgements(), (ModelAnswered(), PlayVerified()), _describe_play)
        says |= {
            ModelAnswered.figure_name: ModelAnswered.description,
            PlayVerified.figure_name: PlayVerified.description,
        }
        figures += (*drafting_figures(drafts.plays, seconds()), *must_have_figures(drafts), *text_figures(drafts.texts))
    results = tuple(sorted(results, key=lambda case: case.name))
    return SuiteResult(
        suite="drafts", model=model, says=SAYS, figures=(*question_figures(results, says), *figures), cases=results
    )


def _describe_play(play: SavePlay) -> dict[str, str]:
    return {
        "outcome": play.drafting.outcome,
        "answers": str(play.drafting.rounds),
        "refused": ", ".join(dict.fromkeys(fault.code for fault in play.drafting.refused)) or "nothing",
        "cause": play.cause,
    }
