"""Plays beyond the hours or the budget: their order, what each lacks, what would let it start, whose hours it breaks.

Pure. A play that waits is never approved with the rest; people may approve it by name.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from domain.configuration import ReviewSettings
from domain.dossier import Person
from domain.plan import WaitingPlay
from domain.save_play import SavePlay
from tools.planning.allocation import Allocation
from tools.planning.capacity import CompletedActions, play_hours
from tools.save_play.expected_value import budget_needed
from tools.wording import ROLE_NAMES, format_money, format_number

_WORTH = "an expected value above its cost"


@dataclass(frozen=True)
class HoursThere:
    """The hours that the choice was made from. ``fixed``: accounts whose play runs in any case."""

    allocation: Allocation
    free: Mapping[str, float]
    people: Mapping[str, Person]
    fixed: Collection[str]
    as_of: date
    settings: ReviewSettings
    done: CompletedActions = ()

    def asked(self, play: SavePlay) -> dict[str, float]:
        """Hours by person of one play; what nobody is named for limits nothing."""
        hours = play_hours(play, self.as_of, self.settings, self.done)
        return {person: asked for person, asked in hours.items() if not person.startswith("role:")}

    def short(self, play: SavePlay) -> dict[str, float]:
        """Hours that each person lacks for the play, of those who lack more than the tolerance."""
        left, slack = self.allocation.hours_left, self.settings.hours_tolerance.value
        found = {}
        for person, asked in sorted(self.asked(play).items()):
            there = left.get(person, 0.0)
            if asked - there > 1e-6:
                found[person] = round(asked - there + (slack if self.free.get(person, 0.0) > 0 else 0.0), 2)
        return found

    def role(self, person: str) -> str:
        """The role of a person, in words."""
        known = self.people.get(person)
        return ROLE_NAMES.get(known.role, known.role) if known else "unknown"

    def colleague(self, person: str, hours: float) -> float | None:
        """Most hours that somebody else of the same role has left, if they are enough."""
        own, left = self.people.get(person), self.allocation.hours_left
        others = [
            round(left.get(each.person_id, 0.0), 2)
            for each in self.people.values()
            if own is not None and each.role == own.role and each.person_id != person
        ]
        return max((there for there in others if there >= hours), default=None)


def list_waiting(plays: Sequence[SavePlay], there: HoursThere, next_review: date) -> tuple[WaitingPlay, ...]:
    """The plays that do not fit, critical ones first, then by expected value."""
    chosen = set(there.allocation.chosen)
    outside = [play for play in plays if play.account_id not in chosen]
    outside.sort(key=lambda p: (p.intervention_tier != "critical", -p.expected_value.value, p.account_id))
    return tuple(
        WaitingPlay(
            account_id=play.account_id,
            name=play.name,
            place=place,
            lacks=missing_resources(play, there),
            frees=_what_frees(play, plays, there),
            breaks=_whose_hours(play, there),
            until=next_review,
        )
        for place, play in enumerate(outside, 1)
    )


def missing_resources(play: SavePlay, there: HoursThere) -> str:
    """Hours by role and budget that the play lacks."""
    found = [f"{format_number(hours)} {there.role(person)} hours" for person, hours in there.short(play).items()]
    budget = budget_needed(play.expected_value, there.settings)
    if budget > there.allocation.budget_left:
        found.append(f"{format_money(budget - there.allocation.budget_left, play.currency)} of budget")
    return ", ".join(found) or _WORTH


def _what_frees(play: SavePlay, plays: Sequence[SavePlay], there: HoursThere) -> str:
    short = there.short(play)
    if missing_resources(play, there) == _WORTH:
        return "It costs more than it is expected to keep; a better chance or fewer hours would change that."
    found = []
    for person, hours in short.items():
        free, role = there.colleague(person, hours), there.role(person)
        if free is not None:
            found.append(f"Another {role} has {format_number(free)} hours free and could take a step.")
        elif other := _could_give_way(play, person, plays, there):
            found.append(f"It starts if the play of {other.name} waits instead.")
        else:
            found.append(f"It starts when {format_number(hours)} more {role} hours are free.")
    return " ".join(dict.fromkeys(found)) or "It starts with more budget."


def _could_give_way(wanted: SavePlay, person: str, plays: Sequence[SavePlay], there: HoursThere) -> SavePlay | None:
    """The new play of least value that leaves this person enough hours when it waits instead."""
    needed = there.asked(wanted)[person] - there.allocation.hours_left.get(person, 0.0)
    able = [
        play
        for play in plays
        if play.account_id in there.allocation.chosen
        and play.account_id not in there.fixed
        and there.asked(play).get(person, 0.0) >= needed
    ]
    return min(able, key=lambda play: (play.expected_value.value, play.account_id), default=None)


def _whose_hours(play: SavePlay, there: HoursThere) -> str:
    """People who would have more hours asked than free, with both numbers."""
    found = []
    for person, hours in there.short(play).items():
        known, free = there.people.get(person), max(there.free.get(person, 0.0), 0.0)
        name = known.name if known else person
        found.append(
            f"{name} ({there.role(person)}) would be asked for {format_number(free + hours)} hours of {format_number(free)}"
        )
    return "; ".join(found)
