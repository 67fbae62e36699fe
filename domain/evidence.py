"""Evidence: sentences about known signals of an account, with the input rows behind them."""

from datetime import date
from typing import Literal

from domain.record import Record

Direction = Literal["worse", "better", "steady"]


class SourceRow(Record):
    """One input row behind a number."""

    table: str
    row: int
    """Row number in the source file; the header is row 1."""
    on: date | None
    key: str
    """Id of the row (ticket, invoice, contact), or its date."""
    text: str
    """Content of the row in a few words; for text rows a short quotation."""


class Evidence(Record):
    """One sentence about one known signal of one account, with its source."""

    id: str
    """E1, E2, … within the account, by risk points, highest first."""
    signal: str
    category: str
    pillar: str
    statement: str
    """The sentence, with value, unit and direction; contains no internal score."""
    value: float | None
    """In ``unit``."""
    shown: str
    """Value with its unit, as text."""
    unit: str
    direction: Direction
    """Compared with the normal range: worse, better or steady."""
    observed_on: date | None
    source: str
    """File or table of the input."""
    rows: tuple[SourceRow, ...]
    row_count: int
    """Number of rows behind the value; ``rows`` has at most twelve of them."""
    risk_points: float
    """Points of the risk score from this signal."""


class Contribution(Record):
    """Part of the scores that comes from one signal. All parts of a score sum to it exactly."""

    signal: str
    label: str
    category: str
    value: float | None
    shown: str
    component: float | None
    """0 to 100, high is good; None when the value is missing or stale."""
    weight: float
    """Share of the health score, 0 to 1, after the weight of unknown signals was shared out."""
    health_points: float
    risk_points: float
    health_change: float | None
    """Points of health gained or lost since last week by this signal."""
    observed_on: date | None
    age_days: int | None
    """Days from ``observed_on`` to the review."""
    state: Literal["known", "stale", "unknown"]
