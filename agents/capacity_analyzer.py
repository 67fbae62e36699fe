"""The capacity analyzer: who has hours free (phase 2), and who does what by when (phase 4)."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import date

from domain.configuration import Configuration
from domain.diagnosis import CapacityLine, Handover
from domain.phase_results import CsmBook, IdentifyResult
from domain.plan import TBD, ResourceNeeds, RoleNeed, UncoveredAccount
from domain.save_play import SavePlay
from domain.tracking import Action
from tools.planning.allocation import Allocation
from tools.planning.assignment import assign_csm, assign_owner_actions, plan_line_action, play_actions
from tools.planning.capacity import (
    CompletedActions,
    capacity_lines,
    committed_hours,
    free_hours,
    planning_end,
    propose_handovers,
    requested_hours,
)
from tools.planning.decisions import AppliedDecisions
from tools.planning.waiting import HoursThere, list_waiting
from tools.save_play.expected_value import budget_needed
from tools.wording import plural
from tools.working_days import WorkingDays

_ROLES = ("csm", "cs_manager", "exec_sponsor", "support_lead", "product", "billing")


def free_hours_by_person(
    identified: IdentifyResult,
    open_actions: Sequence[Action],
    configuration: Configuration,
    plays: Sequence[SavePlay] = (),
) -> dict[str, float]:
    """Hours that each of our people has left for these plays in the planning period."""
    committed = _committed(identified, open_actions, plays, configuration)
    by_person: dict[str, CsmBook] = {book.csm_id: book for book in identified.books if book.csm_id}
    return {
        person_id: free_hours(
            person,
            by_person.get(person_id) if person.role == "csm" else None,
            committed.get(person_id, 0.0),
            configuration.review,
        )
        for person_id, person in identified.people.items()
    }


def _committed(
    identified: IdentifyResult,
    open_actions: Sequence[Action],
    plays: Sequence[SavePlay],
    configuration: Configuration,
) -> dict[str, float]:
    """Hours by person of open actions and of the primary actions of accounts without a play."""
    hours = committed_hours(open_actions, identified.as_of, configuration.review)
    for owner in _owners_of_primary_actions(identified, plays, configuration):
        hours[owner] = hours.get(owner, 0.0) + configuration.review.primary_action_hours.value
    return hours


def _owners_of_primary_actions(
    identified: IdentifyResult, plays: Sequence[SavePlay], configuration: Configuration
) -> list[str]:
    """The CSM of each account at risk that has no play and whose primary action is due in the planning period.

    The first action of a play is the primary action of its account.
    """
    with_play, tiers = {play.account_id for play in plays}, configuration.tiers
    return [
        row.csm_id
        for row in identified.plan_rows
        if row.csm_id
        and row.account_id not in with_play
        and row.tier != "watch"
        and tiers.due[row.tier].days <= configuration.review.planning_days.value
    ]


def assess_capacity(
    identified: IdentifyResult,
    open_actions: Sequence[Action],
    plays: Sequence[SavePlay],
    configuration: Configuration,
    done: CompletedActions = (),
) -> tuple[tuple[CapacityLine, ...], tuple[Handover, ...]]:
    """Load of each CSM, overload warnings, and handovers that would help."""
    settings = configuration.review
    lines = capacity_lines(
        identified.books,
        identified.people,
        _committed(identified, open_actions, plays, configuration),
        requested_hours(plays, identified.as_of, settings, done),
        settings,
    )
    counts = actions_a_week(plays, open_actions, identified, configuration, done)
    lines = tuple(
        line.model_copy(update={"actions_a_week": counts.get(line.person_id, 0.0)})
        if line.weekly_hours is not None
        else line
        for line in lines
    )
    return lines, propose_handovers(lines, identified.movable, settings)


def actions_a_week(
    plays: Sequence[SavePlay],
    open_actions: Sequence[Action],
    identified: IdentifyResult,
    configuration: Configuration,
    done: CompletedActions = (),
) -> dict[str, float]:
    """Actions a week by person within the planning period: of plays, of the plan lines without a play, and what is open."""
    settings = configuration.review
    end = planning_end(identified.as_of, settings)
    with_play = {play.account_id for play in plays}
    owners = [
        action.owner_id
        for play in plays
        for phase in play.phases
        for action in phase.actions
        if action.due <= end and (play.account_id, action.id) not in done
    ]
    owners += _owners_of_primary_actions(identified, plays, configuration)
    owners += [each.owner_id for each in open_actions if each.due <= end and each.account_id not in with_play]
    weeks = settings.planning_days.value / 7
    return {owner: round(count / weeks, 1) for owner, count in Counter(filter(None, owners)).items()}


def resource_needs(
    plays: Sequence[SavePlay],
    allocation: Allocation,
    free: Mapping[str, float],
    identified: IdentifyResult,
    configuration: Configuration,
    next_review: date,
    fixed: Collection[str] = (),
    done: CompletedActions = (),
) -> ResourceNeeds:
    """Hours by role and budget that the plays ask for, what fits, what waits, and what is not covered."""
    settings, currency = configuration.review, configuration.scoring.money.home
    chosen = set(allocation.chosen)
    postponed = [play for play in plays if play.account_id not in chosen]
    there = HoursThere(allocation, free, identified.people, fixed, identified.as_of, settings, done)
    waiting = list_waiting(plays, there, next_review)
    critical = {play.account_id for play in postponed if play.intervention_tier == "critical"}
    uncovered = tuple(
        UncoveredAccount(account_id=each.account_id, name=each.name, lacks=each.lacks)
        for each in waiting
        if each.account_id in critical
    )
    budget = sum(budget_needed(play.expected_value, settings) for play in plays)
    note = f"{plural(len(chosen), 'play')} of {len(plays)} fit into the coming {settings.planning_days.value:.0f} days."
    if waiting:
        note += f" {plural(len(waiting), 'play')} {'waits' if len(waiting) == 1 else 'wait'} for hours or budget."
    costly = [
        play.name for play in postponed if play.expected_value.value <= 0 and play.intervention_tier != "critical"
    ]
    if costly:
        note += f" Expected to cost more than they keep: {', '.join(costly)}."
    return ResourceNeeds(
        roles=tuple(_role_need(role, plays, allocation, free, identified, configuration, done) for role in _ROLES),
        budget=settings.weekly_budget.value,
        budget_needed=round(budget, 2),
        currency=currency,
        chosen=tuple(play.account_id for play in plays if play.account_id in chosen),
        postponed=tuple(play.account_id for play in postponed),
        waiting=waiting,
        uncovered=uncovered,
        note=note,
    )


def _role_need(
    role: str,
    plays: Sequence[SavePlay],
    allocation: Allocation,
    free: Mapping[str, float],
    identified: IdentifyResult,
    configuration: Configuration,
    done: CompletedActions,
) -> RoleNeed:
    members = [person.person_id for person in identified.people.values() if person.role == role]
    asked = requested_hours(plays, identified.as_of, configuration.review, done)
    hours = sum(asked.get(member, 0.0) for member in members) + asked.get(f"role:{role}", 0.0)
    return RoleNeed(
        role=role,
        people=len(members),
        hours_needed=round(hours, 2),
        hours_free=round(sum(max(free[member], 0.0) for member in members), 2) if members else None,
        value_of_one_more_hour=max((allocation.value_per_hour.get(member, 0.0) for member in members), default=0.0),
    )


def build_actions(
    decided: AppliedDecisions,
    identified: IdentifyResult,
    calendar: WorkingDays,
    origins: Mapping[str, str],
    assigned_owners: Mapping[str, str],
    configuration: Configuration,
) -> tuple[Action, ...]:
    """The actions of everything that was approved, by owner and date.

    ``origins``: account to the review in which its running play began.
    """
    people, as_of, review_id = identified.people, identified.as_of, identified.review_id
    found: list[Action] = []
    approved = [play for play in decided.plays if play.status in ("approved", "edited")]
    for play in approved:
        named = people.get(assigned_owners.get(play.account_id, ""))
        play = assign_csm(play, named) if named else play
        found += play_actions(play, origins.get(play.account_id, review_id), as_of, configuration.tiers)
    rows = {row.account_id: row for row in identified.plan_rows}
    for line in decided.lines:
        csm = people.get(assigned_owners.get(line.account_id) or rows[line.account_id].csm_id or "")
        owned = line.model_copy(update={"owner": csm.name}) if csm else line
        found.append(plan_line_action(owned, review_id, csm, calendar, as_of, configuration))
    unowned = [(play.account_id, play.name) for play in approved if play.owner == TBD]
    unowned += [(line.account_id, line.name) for line in decided.lines if line.owner == TBD]
    manager = next((person for person in people.values() if person.role == "cs_manager"), None)
    still = [pair for pair in unowned if pair[0] not in assigned_owners]
    found += assign_owner_actions(still, review_id, manager, calendar, as_of, configuration.review)
    return tuple(sorted(found, key=lambda action: (action.owner, action.due, action.id)))
