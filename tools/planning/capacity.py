"""Capacity: hours committed and free, who is overloaded, and which quiet accounts could change hands. Pure."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta

from domain.configuration import ReviewSettings
from domain.diagnosis import CapacityLine, Handover
from domain.dossier import Person
from domain.phase_results import CsmBook, MovableAccount
from domain.save_play import SavePlay
from domain.tracking import Action
from tools.wording import plural

_WEEK = 7


def planning_end(as_of: date, settings: ReviewSettings) -> date:
    """The last day of the planning period."""
    return as_of + timedelta(days=int(settings.planning_days.value))


def committed_hours(open_actions: Sequence[Action], as_of: date, settings: ReviewSettings) -> dict[str, float]:
    """Hours by person that open actions of earlier reviews take until the end of the planning period."""
    hours: dict[str, float] = {}
    for action in open_actions:
        if action.owner_id and action.due <= planning_end(as_of, settings):
            hours[action.owner_id] = hours.get(action.owner_id, 0.0) + action.effort_hours
    return hours


CompletedActions = Collection[tuple[str, str]]
"""Account and playbook action of what running plays have behind them: it takes no more hours."""


def requested_hours(
    plays: Sequence[SavePlay], as_of: date, settings: ReviewSettings, done: CompletedActions = ()
) -> dict[str, float]:
    """Hours by person that these plays take until the end of the planning period."""
    hours: dict[str, float] = {}
    for play in plays:
        for person, asked in play_hours(play, as_of, settings, done).items():
            hours[person] = hours.get(person, 0.0) + asked
    return hours


def play_hours(play: SavePlay, as_of: date, settings: ReviewSettings, done: CompletedActions = ()) -> dict[str, float]:
    """Hours by person (or ``role:<role>`` where nobody is named) of one play within the planning period."""
    hours: dict[str, float] = {}
    for phase in play.phases:
        for action in phase.actions:
            if action.due <= planning_end(as_of, settings) and (play.account_id, action.id) not in done:
                key = action.owner_id or f"role:{action.owner_role}"
                hours[key] = round(hours.get(key, 0.0) + action.effort_hours, 4)
    return hours


def weekly_hours(person: Person, settings: ReviewSettings) -> float:
    """Contract hours a week: the person's own, or the role's default."""
    return person.weekly_hours if person.weekly_hours is not None else settings.default_weekly_hours[person.role]


def free_hours(person: Person, book: CsmBook | None, committed: float, settings: ReviewSettings) -> float:
    """Hours left for save plays in the planning period: contract, less the book, times the share, less promises."""
    weekly = weekly_hours(person, settings)
    if book is not None:
        weekly -= sum(settings.hours_per_account[size] * count for size, count in book.by_size.items())
    weeks = settings.planning_days.value / _WEEK
    return round(max(weekly, 0.0) * settings.intervention_share.value * weeks - committed, 2)


def capacity_lines(
    books: Sequence[CsmBook],
    people: Mapping[str, Person],
    committed: Mapping[str, float],
    asked: Mapping[str, float],
    settings: ReviewSettings,
) -> tuple[CapacityLine, ...]:
    """One line a CSM, most red accounts first."""
    by_person = {book.csm_id: book for book in books if book.csm_id}
    csms = [person for person in people.values() if person.role == "csm"]
    unknown = [owner for owner in by_person if owner not in people]
    lines = [_csm_line(p, by_person.get(p.person_id), committed, asked, settings) for p in csms]
    lines += [_unknown_owner_line(owner, by_person[owner]) for owner in unknown]
    return tuple(sorted(lines, key=lambda line: (-line.red_accounts, -line.at_risk_arr, line.person_id)))


def _csm_line(
    person: Person,
    book: CsmBook | None,
    committed: Mapping[str, float],
    asked: Mapping[str, float],
    settings: ReviewSettings,
) -> CapacityLine:
    promised = round(committed.get(person.person_id, 0.0), 2)
    wanted = round(asked.get(person.person_id, 0.0), 2)
    free = free_hours(person, book, promised, settings)
    red = book.red_accounts if book else 0
    limit = int(settings.red_account_limit.value)
    notes = []
    if red > limit:
        notes.append(f"more than {limit} red accounts")
    if free <= 0:
        notes.append("no hours free for save plays")
    elif wanted > free:
        notes.append(f"{wanted - free:.1f} hours more asked than free")
    return CapacityLine(
        person_id=person.person_id,
        name=person.name,
        accounts=book.accounts if book else 0,
        arr=book.arr if book else 0.0,
        red_accounts=red,
        at_risk_accounts=book.at_risk_accounts if book else 0,
        at_risk_arr=book.at_risk_arr if book else 0.0,
        unknown_arr=book.unknown_arr if book else 0,
        at_risk_unknown_arr=book.at_risk_unknown_arr if book else 0,
        weekly_hours=weekly_hours(person, settings),
        hours_committed=promised,
        hours_free=free,
        hours_asked=wanted,
        overloaded=red > limit or wanted > max(free, 0.0),
        note="; ".join(notes).capitalize(),
    )


def _unknown_owner_line(owner: str, book: CsmBook) -> CapacityLine:
    return CapacityLine(
        person_id=owner,
        name=f"{owner} (not in people)",
        accounts=book.accounts,
        arr=book.arr,
        red_accounts=book.red_accounts,
        at_risk_accounts=book.at_risk_accounts,
        at_risk_arr=book.at_risk_arr,
        unknown_arr=book.unknown_arr,
        at_risk_unknown_arr=book.at_risk_unknown_arr,
        weekly_hours=None,
        hours_committed=0.0,
        hours_free=None,
        hours_asked=0.0,
        overloaded=False,
        note="Hours unknown: this person is not among the people",
    )


def _hours_per_account(account: MovableAccount, settings: ReviewSettings) -> float:
    """Hours for save plays that one more account in the book takes away in the planning period."""
    weeks = settings.planning_days.value / _WEEK
    return settings.hours_per_account[account.size] * settings.intervention_share.value * weeks


def propose_handovers(
    lines: Sequence[CapacityLine], movable: Sequence[MovableAccount], settings: ReviewSettings
) -> tuple[Handover, ...]:
    """Quiet accounts of overloaded CSMs, offered to those with the most free hours; the receiver's load follows.

    Red accounts, accounts at risk and renewals within 60 days stay where they are.
    """
    names = {line.person_id: line.name for line in lines}
    free = {
        line.person_id: (line.hours_free or 0.0) - line.hours_asked for line in lines if line.hours_free is not None
    }
    count = {line.person_id: line.accounts for line in lines}
    reds = {line.person_id: line.red_accounts for line in lines}
    givers = [line for line in lines if line.overloaded]
    receivers = [line.person_id for line in lines if not line.overloaded and free.get(line.person_id, 0.0) > 0]
    found, most = [], int(settings.handovers_per_csm.value)
    for giver in givers:
        for account in [item for item in movable if item.csm_id == giver.person_id][:most]:
            cost = _hours_per_account(account, settings)
            able = [person for person in receivers if free[person] >= cost]
            if not able:
                break
            taker = max(able, key=lambda person: (free[person], person))
            free[taker] = round(free[taker] - cost, 2)
            count[taker] += 1
            found.append(
                Handover(
                    account_id=account.account_id,
                    name=account.name,
                    arr=account.arr,
                    from_person=giver.name,
                    to_person=names[taker],
                    receiver_accounts_after=count[taker],
                    receiver_red_after=reds[taker],
                    receiver_hours_after=free[taker],
                    reason=f"{giver.name} has {plural(giver.red_accounts, 'red account')}: {giver.note.lower()}.",
                    warm_handover=True,
                )
            )
    return tuple(found)
