"""The save play made of chosen actions: people, dates, sentences, criteria, cadence, money.

Pure: the same context and choices always give the same play; the verifier builds it again and compares.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from domain.dossier import Person
from domain.drafting import DraftAction, PlayDraft
from domain.evidence import Evidence
from domain.plan import TBD
from domain.plan_language import Step
from domain.playbook import PHASES, Phase, PlaybookAction
from domain.save_play import Cadence, PlayAction, PlayPhase, SavePlay
from tools.evidence.causes import UNDETERMINED
from tools.evidence.fact_words import fact_name, short_name
from tools.save_play.added_steps import added_id
from tools.save_play.agreements import success_criteria, walk_away
from tools.save_play.context import PlayContext
from tools.save_play.expected_value import SaveRecord, chance_to_work_on, expected_value
from tools.save_play.selection import (
    adverse_signals,
    build_phase,
    choose_actions,
    concession_cost,
    find_contact,
    owner_placeholders,
    replace_name,
    supporting_evidence,
    unassigned_role,
)
from tools.save_play.step_order import number_steps
from tools.wording import safe_name


@dataclass(frozen=True)
class ChosenAction:
    """One chosen action. A field that is None follows the playbook: its owner, its date, the action it waits for."""

    action: PlaybookAction
    owner: Person | None = None
    due: date | None = None
    after: str | None = None
    """Action whose result it needs; empty: it waits for none."""
    kept: PlayAction | None = None
    """The step as people approved it in an earlier week; its words, owner and facts stay."""


_DECISION_BEFORE_WEEK_END = 3
"""Days: a play that starts on a Monday is decided on the Friday of its decision week."""
_REVIEW_BEFORE_WEEK_END = 4
"""Days: the manager's review comes on the Thursday, a day before a decision of the same week."""
_SHORTEST_NOTICE = 2
"""Days from today to a decision at the earliest, so that people can prepare it."""
_EXECUTIVE_ROLES = frozenset({"economic_buyer", "exec_sponsor"})

PlayChoices = Mapping[Phase, list[ChosenAction]]


def playbook_choices(context: PlayContext) -> PlayChoices:
    """The choices of the playbook drafter: the best supported actions of each phase."""
    chosen = choose_actions(
        {phase: context.usable(phase) for phase in PHASES},
        context.tier,
        adverse_signals(context.dossier),
        context.configuration.review.play_phases,
        context.steps,
    )
    return {phase: [ChosenAction(action) for action in chosen[phase]] for phase in PHASES}


def draft_choices(context: PlayContext, draft: PlayDraft) -> PlayChoices:
    """The choices of a model; only for a draft that was checked against the play context.

    Its own steps are the added ones of the context.
    """
    choices = {phase: [_draft_choice(context, phase, chosen) for chosen in draft.phase(phase)] for phase in PHASES}
    for added in context.edits.added:
        phase, name = context.phase_on(added.by), added_id(added)
        action = next(action for action in context.library(phase) if action.id == name)
        choices[phase].append(ChosenAction(action, context.people[added.owner], added.by))
    return choices


def _draft_choice(context: PlayContext, phase: Phase, chosen: DraftAction) -> ChosenAction:
    action = next(action for action in context.library(phase) if action.id == chosen.action)
    return ChosenAction(action, context.owners[chosen.owner][1], chosen.due)


def build_play(context: PlayContext, choices: PlayChoices, draft: PlayDraft | None = None) -> SavePlay:
    """The play, not yet verified and without a version."""
    dossier, finding, playbook = context.dossier, context.finding, context.playbook
    settings = context.configuration.review
    made = _play_actions(context, choices)
    phases = number_steps(
        build_phase(
            phase,
            settings.play_phases[phase],
            [made[choice.action.id] for choice in choices[phase]],
            context.created,
            context.schedule_scale,
        )
        for phase in PHASES
    )
    actions = [choice.action for phase in PHASES for choice in choices[phase]]
    csm = context.team.by_role.get("csm")
    return SavePlay(
        account_id=dossier.account_id,
        name=dossier.name,
        arr=dossier.arr,
        currency=context.configuration.scoring.money.home,
        contract_arr=dossier.contract_arr,
        contract_currency=dossier.contract_currency,
        risk_level=dossier.risk_tier,
        intervention_tier=dossier.intervention_tier or "medium",
        renewal_date=dossier.renewal_date,
        renewal_in_days=dossier.renewal_in_days,
        created=context.created,
        owner=csm.name if csm else TBD,
        owner_id=csm.person_id if csm else None,
        drafted_by="model" if draft else "playbook",
        drafted_note=f"From the playbook “{playbook.label}”.",
        draft=draft,
        verified=False,
        violations=(),
        cause=finding.category,
        cause_label=finding.label,
        root_cause=_root_cause(context),
        questions=(finding.would_tell_apart, *playbook.questions),
        evidence=_play_evidence(context, phases),
        phases=phases,
        success_criteria=success_criteria(context),
        walk_away=walk_away(context),
        cadence=_cadence(context),
        escalation=_escalation(context),
        expected_value=expected_value(
            dossier.arr,
            chance_to_work_on(dossier),
            finding.category,
            finding.difficulty,
            sum(action.effort_hours for action in actions),
            concession_cost(actions, dossier.arr or 0.0, settings),
            context.records.get(finding.category, SaveRecord()),
            settings,
        ),
        edits=context.edits,
        version="",
        status="proposed",
    )


def _play_actions(context: PlayContext, choices: PlayChoices) -> dict[str, PlayAction]:
    """By id: the actions with people and dates. A step comes after the one whose result it needs."""
    chosen = {choice.action.id: (phase, choice) for phase in PHASES for choice in choices[phase]}
    made: dict[str, PlayAction] = {}

    def make(action_id: str, waiting: frozenset[str]) -> PlayAction:
        if action_id not in made:
            phase, choice = chosen[action_id]
            wanted = choice.action.after if choice.after is None else (choice.after,)
            others = (context.edits.after.get(action_id, each) for each in ("", *wanted))
            after = next((each for each in others if each in chosen and each not in waiting), None)
            earlier = make(after, waiting | {after}).due if after else None
            made[action_id] = _play_action(context, phase, choice, after, earlier)
        return made[action_id]

    for action_id in chosen:
        make(action_id, frozenset({action_id}))
    return made


def _play_action(
    context: PlayContext, phase: Phase, choice: ChosenAction, after: str | None, earlier: date | None
) -> PlayAction:
    """The playbook's action with real people and a real date, after the day of the step that it waits for."""
    action, dossier = choice.action, context.dossier
    due = choice.due or context.due_date(phase, action)
    if choice.kept is not None:
        return _kept_action(context, choice, choice.kept, due)
    if earlier is not None and choice.due is None and due <= earlier:
        due = context.calendar.on_or_after(earlier + timedelta(days=1))
    if earlier is not None and choice.due is None and action.within_days is not None:
        # "Within a day of the call" is due a day after the call; a day that a model chose stays as it is.
        due = min(due, context.calendar.on_or_after(earlier + timedelta(days=action.within_days)))
    due = max(due, earlier or due)
    step = context.steps[action.id] or Step(verb=action.verb, because=())
    if after is not None:
        step = step.model_copy(update={"after": after})
    default_owner = context.team.by_role.get(action.owner_role)
    person = choice.owner or default_owner
    words = context.words_for(action)
    if person is not None and person != default_owner:
        placeholders = owner_placeholders(action.owner_role, context.book_of(action))
        words = {**words, **dict.fromkeys(placeholders, person.name)}
    contact = find_contact(dossier, *_stand_in_roles(action))
    met = (
        step.person.name
        if step.person and step.person.fact
        else safe_name(contact.name, "their contact")
        if contact
        else None
    )
    words = {**words, **step_words(context, action, step)}
    about, vocabulary = context.facts.by_id(step.about), context.configuration.plan
    # A title that names the fact in full is enough: the sentence under it calls it by its number or first words.
    short = {**words, "about": short_name(about)} if about and "{about}" in action.title else words
    what, detail = _split_sentences(action.what)
    return PlayAction(
        id=action.id,
        title=action.title.format_map(words),
        action=what.format_map(short),
        detail=detail.format_map(short),
        owner=person.name if person else TBD,
        owner_id=person.person_id if person else None,
        owner_role=action.owner_role,
        due=due,
        follow_up=context.calendar.follow_up(due, context.created),
        purpose=action.purpose.format_map(words),
        metric=action.metric.format_map(words),
        evidence=supporting_evidence(dossier, action, context.finding),
        effort_hours=action.effort_hours,
        channel=action.channel,
        customer_facing=action.customer_facing,
        contact=met if action.customer_facing else None,
        because=tuple(said for fact_id in step.because if (said := context.reason(fact_id)) is not None),
        asks=tuple(vocabulary.questions[name].says for name in step.asks),
        result=vocabulary.results[step.result].says if step.result else "",
        step=step,
    )


def _split_sentences(text: str) -> tuple[str, str]:
    """The first sentence of a playbook's text, and the rest."""
    first, *rest = re.split(r"(?<=[.?]) (?=[A-Z{])", text, maxsplit=1)
    return first, rest[0] if rest else ""


def _kept_action(context: PlayContext, choice: ChosenAction, kept: PlayAction, due: date) -> PlayAction:
    """A step of an earlier week with its date; who took over the account takes over the step."""
    person = choice.owner or context.team.by_role.get(choice.action.owner_role)
    update: dict[str, object] = {
        "due": due,
        "follow_up": context.calendar.follow_up(due, context.created),
        "evidence": supporting_evidence(context.dossier, choice.action, context.finding),
    }
    if person is not None and person.person_id != kept.owner_id:
        name = unassigned_role(kept.owner_role) if kept.owner == TBD else kept.owner
        parts = ("title", "action", "detail", "purpose")
        texts = {part: replace_name(getattr(kept, part), name, person.name) for part in parts}
        update |= {"owner": person.name, "owner_id": person.person_id, **texts}
    return kept.model_copy(update=update)


def step_title(context: PlayContext, action: PlaybookAction) -> str:
    """The title of an action as the account's play shows it."""
    step = context.steps[action.id] or Step(verb=action.verb, because=())
    return action.title.format_map({**context.words_for(action), **step_words(context, action, step)})


def step_words(context: PlayContext, action: PlaybookAction, step: Step) -> dict[str, str]:
    """The words of a step's own places: what it is about, with whom, and the number that it names."""
    about = context.facts.by_id(step.about)
    return {
        "about": fact_name(about) if about else action.about_else,
        "with": step.person.name if step.person else context.words[_stand_in(action)],
        "amount": step.amount.shown if step.amount else "",
    }


def _stand_in(action: PlaybookAction) -> Literal["contact", "executive"]:
    """The word for a person whom nobody on record is: a step for an executive is not handed to somebody else."""
    wanted = {role for query in action.person if query.contact for role in query.contact.role}
    return "executive" if wanted and wanted <= _EXECUTIVE_ROLES else "contact"


def _stand_in_roles(action: PlaybookAction) -> tuple[str, ...]:
    is_executive = _stand_in(action) == "executive"
    return tuple(sorted(_EXECUTIVE_ROLES)) if is_executive else ("champion", "economic_buyer", "exec_sponsor", "user")


def _play_evidence(context: PlayContext, phases: tuple[PlayPhase, ...]) -> tuple[Evidence, ...]:
    """Evidence of the play: every item that is bad news, and every item that the plan cites."""
    cited = {evidence_id for phase in phases for action in phase.actions for evidence_id in action.evidence}
    cited |= set(context.finding.evidence)
    return tuple(item for item in context.dossier.evidence if item.direction == "worse" or item.id in cited)


def _root_cause(context: PlayContext) -> str:
    finding = context.finding
    if context.edits.cause == finding.category:
        return finding.reasoning  # said by people: the review's confidence is not theirs
    text = f"{finding.reasoning} Confidence: {finding.confidence}."
    if finding.runner_up_label and finding.category != UNDETERMINED:
        text += f" Runner-up: {finding.runner_up_label}."
    return text


def _cadence(context: PlayContext) -> Cadence:
    settings, days = context.configuration.review, context.calendar
    created, today, dossier = context.created, context.today, context.dossier
    decision = created + timedelta(days=int(settings.decision_week.value) * 7 - _DECISION_BEFORE_WEEK_END)
    note = f"Weekly touch with {context.words['account']} until health is back in its band."
    left = dossier.renewal_in_days
    if dossier.renewal_date is not None and left is not None and 0 <= left < settings.renewal_near_days.value:
        before_renewal = dossier.renewal_date - timedelta(days=int(settings.decide_before_renewal.value))
        decision = max(before_renewal, today + timedelta(days=_SHORTEST_NOTICE))
        note += " The decision point is drawn forward because the renewal is near."
    review = created + timedelta(days=int(settings.manager_review_week.value) * 7 - _REVIEW_BEFORE_WEEK_END)
    working = days.on_or_before(decision)
    decision = working if working > today else days.add_working_days(today, _SHORTEST_NOTICE)
    while review < today:
        review += timedelta(days=int(settings.manager_review_every.value))
    return Cadence(
        weekly_check=settings.weekly_check.capitalize(),
        next_check=days.next_weekday(settings.weekly_check, today + timedelta(days=1)),
        manager_review=min(days.on_or_after(review), decision),
        decision_point=decision,
        note=note,
    )


def _escalation(context: PlayContext) -> tuple[str, ...]:
    """Sentences on when to involve whom."""
    team, steps = context.team, []
    if context.dossier.intervention_tier == "critical":
        steps.append(
            f"At once: {team.name('exec_sponsor')} speaks with their executive; {team.name('cs_manager')} is informed."
        )
    else:
        steps.append(f"No answer to two attempts on two channels: {team.name('cs_manager')} calls.")
    steps += [text.format_map(context.words) for text in context.playbook.escalation]
    steps.append(f"Two weekly checks without movement: {team.name('exec_sponsor')} takes the next conversation.")
    return tuple(steps)
