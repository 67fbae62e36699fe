"""One customer of the sample: facts, four hidden levels over time, and the rows that its story adds.

The hidden levels (use, care, mood, bond) are 1.0 when all is well; rows are drawn from them with noise and delay.
"""

from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise

from evals.sample.dates import ago, weekday_days_ago

Row = dict[str, str]


@dataclass(frozen=True)
class LevelCurve:
    """A level over time: points (days ago, level), oldest first, straight lines between them."""

    points: tuple[tuple[float, float], ...] = ((0.0, 1.0),)

    def level_at(self, days: float) -> float:
        """The level so many days ago."""
        if days >= self.points[0][0]:
            return self.points[0][1]
        for (far, high), (near, low) in pairwise(self.points):
            if near <= days <= far:
                return high + (low - high) * (far - days) / (far - near)
        return self.points[-1][1]


def falling_level(onset: float, low: float, over: float = 28.0) -> LevelCurve:
    """All well until ``onset`` days ago, then down to ``low`` within ``over`` days."""
    return LevelCurve(((onset + 1, 1.0), (onset, 1.0), (max(onset - over, 0.0), low), (-60, low)))


def constant_level(level: float) -> LevelCurve:
    """The same level all the time."""
    return LevelCurve(((900.0, level), (-60.0, level)))


@dataclass
class SampleContact:
    """One person at the customer."""

    contact_id: str
    name: str
    title: str
    role: str
    email: str
    departed_days: int | None = None


@dataclass
class LatestInvoice:
    """The latest important invoice: due date and payment in days ago, and its status."""

    due_days: int
    status: str = "paid"
    paid_days: int | None = None


@dataclass
class SampleCustomer:
    """A customer with its story. ``ended`` stops all rows; ``missing`` names the tables that have no rows for it."""

    account_id: str
    name: str
    arr: int
    currency: str
    renewal: date | None
    segment: str
    csm_id: str
    sponsor_id: str
    started: date
    seats: int
    stage: str = "live"
    parent_id: str = ""
    contacts: list[SampleContact] = field(default_factory=list)
    story: str = "healthy"
    cause: str = "none"
    since: date | None = None
    outlook: str = "renews"
    use: LevelCurve = field(default_factory=LevelCurve)
    care: LevelCurve = field(default_factory=LevelCurve)
    mood: LevelCurve = field(default_factory=LevelCurve)
    bond: LevelCurve = field(default_factory=LevelCurve)
    exec_days: int | None = 40
    nps_days: int | None = 45
    note_days: int = 10
    billing: LatestInvoice | None = None
    goals: tuple[str, ...] = ("met", "on_track")
    season: float = 0.0
    daily: bool = False
    usage_until: int = 0
    ended: int = 0
    missing: set[str] = field(default_factory=set)
    scenes: dict[str, list[Row]] = field(default_factory=dict)

    def set_truth(self, story: str, cause: str, since_days: int, outlook: str) -> None:
        """Set the truth about the customer. It is written to ``truth/`` only, never to an input row."""
        self.story, self.cause, self.since, self.outlook = story, cause, ago(since_days), outlook

    def contact_name(self, role: str, days: int | None = None) -> str:
        """Name of the contact in that role, else of any contact who was present."""
        there = [c for c in self.contacts if days is None or c.departed_days is None or c.departed_days < days]
        there = there or self.contacts
        return next((c.name for c in there if c.role == role), there[-1].name)

    def contact_leaves(self, role: str, days: int) -> None:
        """Let the contacts in that role leave the company so many days ago."""
        for contact in self.contacts:
            if contact.role == role:
                contact.departed_days = days

    def add_row(self, table: str, row: Row) -> None:
        """Add one scripted row to a table."""
        self.scenes.setdefault(table, []).append({"account_id": self.account_id} | row)

    def note(self, days: int, text: str, pulse: int | None = None) -> None:
        """Add a scripted note of the CSM."""
        row = {
            "date": ago(weekday_days_ago(days)).isoformat(),
            "text": self.with_names(text),
            "author": "",
            "pulse": str(pulse or ""),
        }
        self.add_row("notes", row)

    def with_names(self, text: str, days: int | None = None) -> str:
        """The sentence with contact names filled in; with ``days``, only of contacts present so many days ago."""
        roles = {"champ": "champion", "buyer": "economic_buyer", "user": "user"}
        return text.format(**{key: self.contact_name(role, days) for key, role in roles.items()})

    def survey(self, days: int, score: int, comment: str) -> None:
        """Add a scripted NPS answer; random answers end well before it."""
        row = {"date": ago(days).isoformat(), "kind": "nps", "score": str(score), "comment": comment}
        self.add_row("surveys", row | {"contact_id": self.contacts[0].contact_id})

    def ticket(
        self,
        days: int,
        text: tuple[str, str],
        *,
        priority: str = "high",
        escalated: bool = False,
        breached: bool = False,
        closed: int | None = None,
        csat: int | None = None,
    ) -> None:
        """Add a scripted ticket, opened and closed so many days ago."""
        row = {
            "opened_at": ago(days).isoformat(),
            "closed_at": "" if closed is None else ago(closed).isoformat(),
            "priority": priority,
            "escalated": str(escalated).lower(),
            "sla_breached": str(breached).lower(),
            "csat": "" if csat is None else str(csat),
            "subject": text[0],
            "body": text[1],
        }
        self.add_row("tickets", row)

    def outcome(self, days: int, kind: str, change: int = 0) -> None:
        """Add a scripted outcome."""
        self.add_row("outcomes", {"date": ago(days).isoformat(), "kind": kind, "arr_change": str(change)})
