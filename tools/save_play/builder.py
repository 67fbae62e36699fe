"""The save play made of chosen actions: people, dates, sentences, criteria, cadence, money.

Pure: a play is a function of its frame and its lines, so that a verifier can make it again and compare.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from domain.dossier import Person
from domain.drafting import DraftAction, PlayDraft
from domain.evidence import Evidence
from domain.plan import TBD
from domain.playbook import PHASES, Criterion, Phase, PlaybookAction
from domain.save_play import Cadence, PlayAction, PlayPhase, SavePlay, SuccessCriterion, WalkAwayCriterion
from tools.evidence.causes import UNDETERMINED
from tools.save_play.context import PlayContext
from tools.save_play.expected_value import SaveRecord, expected_value
from tools.save_play.selection import (
    adverse_signals,
    build_phase,
    choose_actions,
    concession_cost,
    due_date,
    find_contact,
    owner_placeholders,
    supporting_evidence,
)
from tools.save_play.sentence_rules import render_sentence


@dataclass(frozen=True)
class ChosenAction:
    """One chosen action. What is None follows the library: its owner, its date, its evidence, its purpose."""

    action: PlaybookAction
    owner: Person | None = None
    due: date | None = None
    evidence: tuple[str, ...] | None = None
    why: str | None = None


PlayChoices = Mapping[Phase, list[ChosenAction]]


def library_choices(frame: PlayContext) -> PlayChoices:
    """The choices of the playbook drafter: the best supported actions of each phase."""
    chosen = choose_actions(
        frame.playbook,
        frame.tier,
        frame.finding.difficulty,
        adverse_signals(frame.dossier),
        frame.configuration.review.play_phases,
        frame.excluded,
    )
    return {phase: [ChosenAction(action) for action in chosen[phase]] for phase in PHASES}


def draft_choices(frame: PlayContext, draft: PlayDraft) -> PlayChoices:
    """The choices of a model; only for a draft that was checked against the play context."""
    return {phase: [_draft_choice(frame, phase, chosen) for chosen in draft.phase(phase)] for phase in PHASES}


def _draft_choice(frame: PlayContext, phase: Phase, chosen: DraftAction) -> ChosenAction:
    action = next(action for action in frame.playbook.phase(phase) if action.id == chosen.action)
    return ChosenAction(action, frame.owners[chosen.owner][1], chosen.due, chosen.evidence, chosen.why)


def build_play(frame: PlayContext, lines: PlayChoices, draft: PlayDraft | None = None) -> SavePlay:
    """The play, not yet verified and without a version."""
    dossier, finding, playbook = frame.dossier, frame.finding, frame.playbook
    settings = frame.configuration.review
    phases = tuple(
        build_phase(
            phase,
            settings.play_phases[phase],
            [_play_action(frame, phase, line) for line in lines[phase]],
            frame.created,
            frame.schedule_scale,
        )
        for phase in PHASES
    )
    actions = [line.action for phase in PHASES for line in lines[phase]]
    csm = frame.team.by_role.get("csm")
    return SavePlay(
        account_id=dossier.account_id,
        name=dossier.name,
        arr=dossier.arr,
        currency=frame.configuration.scoring.money.home,
        contract_arr=dossier.contract_arr,
        contract_currency=dossier.contract_currency,
        risk_level=dossier.risk_tier,
        intervention_tier=dossier.intervention_tier or "medium",
        renewal_date=dossier.renewal_date,
        renewal_in_days=dossier.renewal_in_days,
        created=frame.created,
        owner=csm.name if csm else TBD,
        owner_id=csm.person_id if csm else None,
        drafted_by="model" if draft else "playbook",
        drafted_note=f"From the playbook “{playbook.label}”.",
        draft=draft,
        verified=False,
        violations=(),
        cause=finding.category,
        cause_label=finding.label,
        root_cause=_root_cause(frame, draft),
        opening=render_sentence(draft.opening, frame.words, ()) if draft and draft.opening is not None else "",
        questions=(finding.would_tell_apart, *playbook.questions),
        evidence=_play_evidence(frame, phases, draft),
        phases=phases,
        success_criteria=_success_criteria(frame),
        walk_away=tuple(
            WalkAwayCriterion(
                when=item.when.format_map(frame.words),
                exit=item.exit.format_map(frame.words),
                way_back=item.way_back.format_map(frame.words),
            )
            for item in playbook.walk_away
        ),
        cadence=_cadence(frame),
        escalation=_escalation(frame),
        expected_value=expected_value(
            dossier.arr,
            dossier.churn_probability,
            finding.difficulty,
            sum(action.effort_hours for action in actions),
            concession_cost(actions, dossier.arr, settings),
            frame.records.get(finding.category, SaveRecord()),
            settings,
        ),
        version="",
        status="proposed",
    )


def _play_action(frame: PlayContext, phase: Phase, line: ChosenAction) -> PlayAction:
    """One line of the plan: the library's action with real people and a real date."""
    action, dossier = line.action, frame.dossier
    due = line.due or due_date(phase, action, frame.created, frame.schedule_scale, frame.calendar)
    usual = frame.team.by_role.get(action.owner_role)
    person = line.owner or usual
    words = frame.words
    if person is not None and person != usual:
        words = {**words, **dict.fromkeys(owner_placeholders(action.owner_role, frame.playbook), person.name)}
    contact = find_contact(dossier, "champion", "economic_buyer", "exec_sponsor", "user")
    return PlayAction(
        id=action.id,
        title=action.title,
        action=action.what.format_map(words),
        owner=person.name if person else TBD,
        owner_id=person.person_id if person else None,
        owner_role=action.owner_role,
        due=due,
        follow_up=frame.calendar.follow_up(due, frame.created),
        purpose=render_sentence(line.why, frame.words, dossier.evidence)
        if line.why is not None
        else action.purpose.format_map(frame.words),
        metric=action.metric.format_map(frame.words),
        evidence=line.evidence if line.evidence is not None else supporting_evidence(dossier, action, frame.finding),
        effort_hours=action.effort_hours,
        channel=action.channel,
        customer_facing=action.customer_facing,
        contact=contact.name if contact and action.customer_facing else None,
    )


def _play_evidence(frame: PlayContext, phases: tuple[PlayPhase, ...], draft: PlayDraft | None) -> tuple[Evidence, ...]:
    """Evidence of the play: everything that is bad news, and everything that the plan cites."""
    named = {fact for phase in phases for action in phase.actions for fact in action.evidence}
    named |= set(frame.finding.evidence)
    texts = " ".join(draft.wording().values()) if draft else ""
    return tuple(
        fact
        for fact in frame.dossier.evidence
        if fact.direction == "worse" or fact.id in named or f"{{{fact.id}}}" in texts
    )


def _root_cause(frame: PlayContext, draft: PlayDraft | None) -> str:
    finding = frame.finding
    own = draft.summary if draft else None
    says = finding.reasoning if own is None else render_sentence(own, frame.words, frame.dossier.evidence)
    text = f"{says} Confidence: {finding.confidence}."
    if finding.runner_up_label and finding.category != UNDETERMINED:
        text += f" Runner-up: {finding.runner_up_label}."
    return text


def _success_criteria(frame: PlayContext) -> tuple[SuccessCriterion, ...]:
    found = [success_criterion(frame, item) for item in frame.playbook.success]
    return tuple(sorted(found, key=lambda item: (item.by, item.name)))


def success_criterion(frame: PlayContext, item: Criterion) -> SuccessCriterion:
    """The criterion for one account, with its date; a health target gets the goal in figures."""
    days = item.week * 7 - 1 if item.week == 1 else round(7 + (item.week * 7 - 8) * frame.schedule_scale)
    calendar = frame.calendar
    by = max(calendar.on_or_before(frame.created + timedelta(days=days)), calendar.on_or_after(frame.created))
    target = item.target.format_map(frame.words)
    if item.health_target:
        target = f"{target} ({_health_target(frame)})"
    return SuccessCriterion(
        name=item.name, metric=item.metric.format_map(frame.words), target=target, by=by, week=item.week
    )


def _health_target(frame: PlayContext) -> str:
    floors = [band.starts_at for band in frame.configuration.scoring.health_bands]
    health = frame.dossier.health
    if health is None:
        return f"at least {floors[1]:.0f} of 100 once enough is known; not scored today"
    gain = frame.configuration.review.health_gain.value
    goal = next((floor for floor in floors if floor > health), 100.0)
    goal = max(goal, min(health + gain, 100.0)) if health < floors[-1] else max(health, goal - gain)
    return f"at least {goal:.0f} of 100, from {health:.0f} today; high is good"


def _cadence(frame: PlayContext) -> Cadence:
    settings, days = frame.configuration.review, frame.calendar
    created, today, dossier = frame.created, frame.today, frame.dossier
    decision = created + timedelta(days=int(settings.decision_week.value) * 7 - 3)
    note = f"Weekly touch with {dossier.name} until health is back in its band."
    left = dossier.renewal_in_days
    if dossier.renewal_date is not None and left is not None and 0 <= left < settings.renewal_near_days.value:
        decision = max(
            dossier.renewal_date - timedelta(days=int(settings.decide_before_renewal.value)), today + timedelta(days=2)
        )
        note += " The decision point is drawn forward because the renewal is near."
    review = created + timedelta(days=int(settings.manager_review_week.value) * 7 - 4)
    decision = days.on_or_before(decision) if days.on_or_before(decision) > today else days.add_working_days(today, 2)
    while review < today:
        review += timedelta(days=int(settings.manager_review_every.value))
    return Cadence(
        weekly_check=settings.weekly_check.capitalize(),
        next_check=days.next_weekday(settings.weekly_check, today + timedelta(days=1)),
        manager_review=min(days.on_or_after(review), decision),
        decision_point=decision,
        note=note,
    )


def _escalation(frame: PlayContext) -> tuple[str, ...]:
    """When to involve whom."""
    team, steps = frame.team, []
    if frame.dossier.intervention_tier == "critical":
        steps.append(
            f"At once: {team.name('exec_sponsor')} speaks with their executive; {team.name('cs_manager')} is informed."
        )
    else:
        steps.append(f"No answer to two attempts on two channels: {team.name('cs_manager')} calls.")
    steps += [text.format_map(frame.words) for text in frame.playbook.escalation]
    steps.append(f"Two weekly checks without movement: {team.name('exec_sponsor')} takes the next conversation.")
    return tuple(steps)
