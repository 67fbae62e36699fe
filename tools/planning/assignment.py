"""From approved plays and plan lines to work: actions, CRM updates, calendar holds. Pure and idempotent by id."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from domain.configuration import Configuration, HoldKind, ReviewSettings
from domain.dossier import Person
from domain.plan import TBD, PlanLine, Urgency
from domain.playbook import SPOKEN_CHANNELS
from domain.portfolio import AccountMovement, AtRiskAccount
from domain.running_play import Deferral
from domain.save_play import SavePlay
from domain.score_configuration import TierSettings
from domain.tracking import Action, CalendarHold, CrmUpdate
from tools.working_days import WorkingDays

WAITING_STATUSES = ("open", "late", "missed", "deferred")
"""States of an action that still has to be done, now or later."""


def action_id(review_id: str, account_id: str, name: str) -> str:
    """The same approved thing has the same id, however often it is written."""
    return f"{review_id}.{account_id}.{name}"


def action_urgency(due: date, as_of: date, tiers: TierSettings) -> Urgency:
    """The most urgent word whose time, as the tiers give it, still holds the date."""
    days = (due - as_of).days
    words: tuple[Urgency, ...] = ("immediate", "urgent")
    return next((word for word in words if days <= _longest_days(word, tiers)), "standard")


def _longest_days(urgency: Urgency, tiers: TierSettings) -> int:
    """Calendar days of the longest deadline with this urgency; -1 if no tier has it."""
    return max((due.days for due in tiers.due.values() if due.urgency == urgency), default=-1)


def play_actions(play: SavePlay, review_id: str, as_of: date, tiers: TierSettings) -> list[Action]:
    """One action per line of an approved play; ``review_id`` is the review that first approved it."""
    return [
        Action(
            id=action_id(line.began or review_id, play.account_id, line.id),
            review_id=line.began or review_id,
            account_id=play.account_id,
            account_name=play.name,
            owner=line.owner,
            owner_id=line.owner_id,
            due=line.due,
            follow_up=line.follow_up,
            kind="diagnosis" if play.cause == "undetermined" else "play",
            title=line.title,
            action=line.whole,
            purpose=line.purpose,
            phase=phase.phase,
            urgency=action_urgency(line.due, as_of, tiers),
            effort_hours=line.effort_hours,
            channel=line.channel,
            playbook_action=line.id,
            contact=line.contact,
        )
        for phase in play.phases
        for line in phase.actions
    ]


def assign_csm(play: SavePlay, person: Person) -> SavePlay:
    """The play of an account that had no CSM, with the person who was named at the close."""
    phases = []
    for phase in play.phases:
        lines = [
            line.model_copy(update={"owner": person.name, "owner_id": person.person_id})
            if line.owner_id is None and line.owner_role == "csm"
            else line
            for line in phase.actions
        ]
        phases.append(phase.model_copy(update={"actions": tuple(lines)}))
    return play.model_copy(update={"owner": person.name, "owner_id": person.person_id, "phases": tuple(phases)})


def plan_line_action(
    line: PlanLine,
    review_id: str,
    csm: Person | None,
    calendar: WorkingDays,
    as_of: date,
    configuration: Configuration,
) -> Action:
    """The primary action of an account without a play. The secondary one is named in the plan and no commitment of its own."""
    origin = line.since or review_id
    return Action(
        id=action_id(origin, line.account_id, "primary"),
        review_id=origin,
        account_id=line.account_id,
        account_name=line.name,
        owner=line.owner,
        owner_id=csm.person_id if csm else None,
        due=line.by,
        follow_up=calendar.follow_up(line.by, as_of) if line.by >= as_of else None,  # what is late is in the follow-up
        kind="primary",
        title=line.action,
        action=f"{line.action} for {line.name}."
        + (f" If that does not settle it: {line.secondary}." if line.secondary else ""),
        purpose="; ".join(line.why),
        phase=line.tier,
        urgency=action_urgency(line.by, as_of, configuration.tiers),
        effort_hours=configuration.review.primary_action_hours.value,
        channel="call",
        playbook_action=None,
        contact=None,
    )


def assign_owner_actions(
    accounts: Sequence[tuple[str, str]],
    review_id: str,
    manager: Person | None,
    calendar: WorkingDays,
    as_of: date,
    settings: ReviewSettings,
) -> list[Action]:
    """For each account (id and name) that nobody owns: a manager names an owner, by the next working day as shipped."""
    due = calendar.add_working_days(as_of, int(settings.assign_owner_working_days.value))
    return [
        Action(
            id=action_id(review_id, account, "assign-owner"),
            review_id=review_id,
            account_id=account,
            account_name=name,
            owner=manager.name if manager else TBD,
            owner_id=manager.person_id if manager else None,
            due=due,
            follow_up=calendar.follow_up(due, as_of),
            kind="assign_owner",
            title="Assign an owner",
            action=f"Name the owner of {name} in the CRM and hand the plan over in person.",
            purpose="An account that nobody owns is not followed up.",
            phase="stabilise",
            urgency="immediate",
            effort_hours=settings.assign_owner_hours.value,
            channel="internal",
            playbook_action=None,
            contact=None,
        )
        for account, name in accounts
    ]


def crm_updates(
    plays: Sequence[SavePlay],
    lines: Sequence[PlanLine],
    at_risk: Mapping[str, AtRiskAccount],
    resolved: Sequence[AccountMovement],
    actions: Sequence[Action],
    reasons: Mapping[str, str],
    deferrals: Sequence[Deferral] = (),
) -> tuple[CrmUpdate, ...]:
    """Fields to set for every decided account, and the flag to clear for accounts no longer at risk.

    ``reasons``: why a play was rejected or deferred, by account; ``deferrals``: plays that wait for a later day.
    """
    found: list[CrmUpdate] = []
    first: dict[str, Action] = {}
    for action in sorted(actions, key=lambda action: (action.due, action.id)):
        if action.status in WAITING_STATUSES:
            first.setdefault(action.account_id, action)

    def put(account: str, name: str, field: str, value: str, reason: str) -> None:
        found.append(CrmUpdate(account_id=account, name=name, field=field, value=value, reason=reason))

    for play in plays:
        line = at_risk.get(play.account_id)
        is_watched = play.intervention_tier == "watch"
        put(play.account_id, play.name, "At_Risk", str(not is_watched).lower(), "Decided in the weekly review")
        put(play.account_id, play.name, "Risk_Tier", play.risk_level, "Risk score of this week; high is bad")
        if line is not None:
            put(play.account_id, play.name, "Health_Band", line.health_band, "Health of this week; high is good")
        put(play.account_id, play.name, "Intervention_Tier", play.intervention_tier, "First rule that holds")
        put(
            play.account_id, play.name, "Root_Cause", play.cause, "Ranked hypothesis, to be confirmed in the first call"
        )
        why = reasons.get(play.account_id) or "Decided by people"
        put(play.account_id, play.name, "Save_Play_Status", play.status, why)
    decided = {play.account_id for play in plays}
    for each in deferrals:
        if each.account_id not in decided:
            put(each.account_id, each.name, "Save_Play_Status", "deferred", reasons.get(each.account_id, ""))
    for plan_line in lines:
        at = plan_line.tier != "watch"
        put(plan_line.account_id, plan_line.name, "At_Risk", str(at).lower(), "; ".join(plan_line.why))
        put(plan_line.account_id, plan_line.name, "Intervention_Tier", plan_line.tier, "First rule that holds")
    subjects = [each.account_id for each in plays] + [each.account_id for each in lines]
    for account in dict.fromkeys([*subjects, *(each.account_id for each in deferrals)]):
        upcoming = first.get(account)
        if upcoming is not None:
            put(account, upcoming.account_name, "Next_Action", f"{upcoming.title} ({upcoming.owner})", upcoming.id)
            put(account, upcoming.account_name, "Next_Action_Due", upcoming.due.isoformat(), upcoming.id)
    for movement in resolved:
        put(movement.account_id, movement.name, "At_Risk", "false", movement.note)
    return tuple(sorted(found, key=lambda update: update.account_id))


@dataclass(frozen=True)
class HoldRequest:
    """A calendar hold that has a day but no time yet."""

    on: date
    uid: str
    kind: HoldKind
    title: str
    """Without the account's name."""
    owner_id: str | None
    owner: str
    account_id: str
    account_name: str
    attendees: tuple[str, ...] = ()
    follow_up: date | None = None


def touchpoints(
    plays: Sequence[SavePlay],
    actions: Sequence[Action],
    people: Mapping[str, Person],
    configuration: Configuration,
    ended: Sequence[SavePlay] = (),
    closed: Sequence[Action] = (),
) -> tuple[CalendarHold, ...]:
    """Calendar holds: spoken actions of the plays, weekly checks, manager reviews and decision points.

    The holds of plays that ``ended`` and of ``closed`` actions come once more, as cancelled: an event that is only left
    out stays in people's calendars.
    """
    executives = {person.person_id for person in people.values() if person.role == "exec_sponsor"}

    def spoken(wanted: Sequence[Action]) -> list[HoldRequest]:
        return [
            _action_hold(action, "executive_call" if action.owner_id in executives else "customer_call")
            for action in wanted
            if action.channel in SPOKEN_CHANNELS and action.playbook_action
        ]

    requests = spoken([action for action in actions if action.status in ("open", "deferred")])
    requests += [hold for play in plays for hold in _cadence_holds(play)]
    gone = spoken(closed) + [hold for play in ended for hold in _cadence_holds(play)]
    cancelled = (hold.model_copy(update={"cancelled": True}) for hold in _schedule_holds(gone, configuration))
    return (*_schedule_holds(requests, configuration), *cancelled)


def _action_hold(action: Action, kind: HoldKind) -> HoldRequest:
    return HoldRequest(
        on=action.due,
        uid=action.id,
        kind=kind,
        title=action.title,
        owner_id=action.owner_id,
        owner=action.owner,
        account_id=action.account_id,
        account_name=action.account_name,
        attendees=(action.contact,) if action.contact else (),
        follow_up=action.follow_up,
    )


def _cadence_holds(play: SavePlay) -> list[HoldRequest]:
    """The dates of the play's cadence, each held by the owner of the play."""
    cadence = play.cadence
    dates: tuple[tuple[HoldKind, date, str], ...] = (
        ("weekly_check", cadence.next_check, "Weekly check"),
        ("manager_review", cadence.manager_review, "Manager review"),
        ("decision_point", cadence.decision_point, "Decision point"),
    )
    return [
        HoldRequest(
            on=on,
            uid=f"{play.account_id}.{play.created}.{kind}",
            kind=kind,
            title=title,
            owner_id=play.owner_id,
            owner=play.owner,
            account_id=play.account_id,
            account_name=play.name,
        )
        for kind, on, title in dates
    ]


def _schedule_holds(requests: Sequence[HoldRequest], configuration: Configuration) -> tuple[CalendarHold, ...]:
    """The holds with their times: those of one person on one day follow one another from the first slot on."""
    holds = configuration.review.holds
    slot = timedelta(minutes=holds.slot_minutes.value)
    taken: dict[tuple[str, date], int] = {}
    found = []
    for request in sorted(requests, key=lambda request: (request.on, request.owner, request.uid)):
        place = taken.get((request.owner, request.on), 0)
        taken[request.owner, request.on] = place + 1
        starts = datetime.combine(request.on, holds.first_at) + slot * place
        found.append(
            CalendarHold(
                uid=f"{request.uid}@saveplay",
                account_id=request.account_id,
                name=request.account_name,
                kind=request.kind,
                title=f"{request.title}: {request.account_name}",
                on=request.on,
                starts=f"{starts:%H:%M}",
                minutes=holds.minutes[request.kind],
                time_zone=configuration.review.time_zone,
                owner=request.owner,
                owner_id=request.owner_id,
                attendees=request.attendees,
                note="Held by the weekly review; move it freely.",
                follow_up=request.follow_up,
            )
        )
    return tuple(found)
