"""Evidence: what a number about an account rests on, down to the rows of the input."""

from datetime import date
from typing import Literal

from domain.record import Record

Direction = Literal["worse", "better", "steady"]


class SourceRow(Record):
    """One row of the input that a number rests on."""

    table: str
    row: int
    """Row in the source file, the header being row 1."""
    on: date | None
    key: str
    """The row's own id (ticket, invoice, contact) or its date."""
    text: str
    """What the row says, in a few words; for text rows a short quotation."""


class Evidence(Record):
    """One fact about one account, and where it comes from."""

    id: str
    """E1, E2, … within the account, in order of weight."""
    signal: str
    category: str
    pillar: str
    statement: str
    """One sentence with value, unit and direction; holds no internal score."""
    value: float | None
    shown: str
    """The value with its unit, as people read it."""
    unit: str
    direction: Direction
    """Worse or better than it should be, or steady."""
    observed_on: date | None
    source: str
    """File or table it was read from."""
    rows: tuple[SourceRow, ...]
    row_count: int
    """Number of rows behind the value; ``rows`` shows at most twelve of them."""
    risk_points: float
    """What this fact adds to the risk score."""


class Contribution(Record):
    """What one signal adds to a score. The contributions of a score sum to it exactly."""

    signal: str
    label: str
    category: str
    value: float | None
    shown: str
    component: float | None
    """0 to 100, high is good; unknown when missing or stale."""
    weight: float
    """Share of the score, 0 to 1, after unknown signals gave theirs away."""
    health_points: float
    risk_points: float
    health_change: float | None
    """Points of health gained or lost since last week through this signal."""
    observed_on: date | None
    age_days: int | None
    state: Literal["known", "stale", "unknown"]
