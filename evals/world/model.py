"""Records of the simulated world: hidden truth, plays, and rows whose cells become known over time."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

Row = dict[str, str]


@dataclass(frozen=True)
class TrueCondition:
    """A real problem of an account, visible or not. ``ended`` is None while it lasts."""

    kind: str
    began: date
    ended: date | None
    severity: float
    visible: bool

    def active_on(self, day: date) -> bool:
        """True if the condition has begun and has not ended."""
        return self.began <= day and (self.ended is None or day < self.ended)


@dataclass(frozen=True)
class TrueAccount:
    """The truth about an account if nobody intervenes."""

    account_id: str
    name: str
    arr: float
    arr_steps: tuple[tuple[date, float], ...]
    renewals: tuple[date, ...]
    conditions: tuple[TrueCondition, ...]
    churned_on: date | None

    def arr_on(self, day: date) -> float:
        """ARR on a day; before the first and after the last day of the account the nearest value."""
        known = [arr for since, arr in self.arr_steps if since <= day]
        return known[-1] if known else self.arr_steps[0][1]


@dataclass(frozen=True)
class SimulatedPlay:
    """A play for an account on a day, against a kind of condition, or None without a diagnosis."""

    on: date
    against: str | None


class DatedRow(NamedTuple):
    """A row with the day from which it exists, and the cells that become known later, oldest first."""

    day: date
    row: Row
    later: tuple[tuple[date, Row], ...] = ()

    def as_of(self, day: date) -> Row:
        """The row in an export of that day."""
        row = dict(self.row)
        for known, cells in self.later:
            if known <= day:
                row.update(cells)
        return row


@dataclass(frozen=True)
class WorldSpan:
    """Time span of the world: ``first`` is its first day, ``end`` the day after its last week."""

    first: date
    end: date
    weeks: int

    def start_of(self, week: int) -> date:
        """The first day of a week."""
        return self.first + timedelta(weeks=week)

    def week_of(self, day: date) -> int:
        """Number of the week of a day; a day outside the world belongs to the nearest week."""
        return min(max((day - self.first).days // 7, 0), self.weeks - 1)

    def sunday_of(self, week: int) -> date:
        """The Sunday within a week."""
        return self.start_of(week) + timedelta(days=6 - self.first.weekday())


@dataclass(frozen=True)
class AccountFacts:
    """Facts of an account that do not change."""

    number: int
    account_id: str
    name: str
    first_arr: float
    segment: str
    seats: int
    started: date
    renewals: tuple[date, ...]
    renewal_known: bool
    csm_id: str
    sponsor_id: str
    missing: frozenset[str]
    has_champion: bool
    season: float
    season_peak: int


@dataclass(frozen=True)
class DrawnCondition:
    """A condition, its visibility in each channel, and if the right play would end it."""

    condition: TrueCondition
    loudness: Mapping[str, float]
    curable: bool


@dataclass(frozen=True)
class WorldContact:
    """A contact. ``recorded``: day on which the CRM shows the departure. ``moved``: day of a move to another job."""

    contact_id: str
    name: str
    title: str
    role: str
    since: date
    left: date | None = None
    recorded: date | None = None
    moved: date | None = None

    def present_on(self, day: date) -> bool:
        """True if the contact works there on that day."""
        return self.since <= day and (self.left is None or day < self.left)


@dataclass(frozen=True)
class AccountLife:
    """Everything about one account that the tables are drawn from."""

    facts: AccountFacts
    span: WorldSpan
    hidden: tuple[DrawnCondition, ...]
    fate: tuple[tuple[float, int], ...]
    churned_on: date | None
    arr_steps: tuple[tuple[date, float], ...]
    contacts: tuple[WorldContact, ...]
    levels: Mapping[str, tuple[float, ...]]

    @property
    def begins(self) -> date:
        """The first day with rows."""
        return max(self.facts.started, self.span.first)

    @property
    def ends(self) -> date:
        """The first day without rows."""
        return self.churned_on or self.span.end

    def level(self, name: str, day: date) -> float:
        """A hidden level on a day, 1 when all is well."""
        return self.levels[name][self.span.week_of(day)]


def random_stream(seed: int, account_id: str, what: str) -> random.Random:
    """Random generator for one purpose of one account, independent of all other draws."""
    return random.Random(f"{seed}/{account_id}/{what}")


def weekday_on_or_before(day: date) -> date:
    """The same day, or the Friday before a weekend."""
    return day - timedelta(days=max(0, day.weekday() - 4))


def draw_later_day(day: date, days: tuple[int, int], rng: random.Random) -> date:
    """A day so many days later, drawn evenly from the two bounds."""
    return day + timedelta(days=rng.randint(*days))


def interpolate(at_one: float, at_zero: float, level: float) -> float:
    """Linear interpolation between the values at level 0 and level 1."""
    return at_zero + (at_one - at_zero) * level
