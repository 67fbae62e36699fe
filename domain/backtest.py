"""A look back on the team's own kept weeks: who would have been listed, who left, and how honest the chances were."""

from datetime import date

from domain.record import Record


class RuleResult(Record):
    """Catch of one way of choosing accounts in the kept weeks."""

    name: str
    arr_caught: float | None
    """Share, 0 to 1, of the ARR that left within the horizon and was among the first accounts; None when nothing left."""
    leavers_caught: float | None
    """The same, counted in accounts and weeks."""
    lead_weeks: float | None
    """Mean weeks from the first listing to the loss, of accounts that were listed and left."""


class ReliabilityBand(Record):
    """Account-weeks of one band of chances: what was said and what came."""

    low: float
    high: float
    account_weeks: int
    said: float
    """Mean chance, 0 to 1."""
    came: float
    """Share of the account-weeks after which the account left."""


class Backtest(Record):
    """The look back. The list uses the chances of today's odds on what was known then."""

    weeks: int
    first: date | None
    last: date | None
    list_horizon_weeks: int
    chance_horizon_weeks: int
    list_size: int
    accounts_left: int
    """Accounts that left within the list's horizon after at least one kept week."""
    rules: tuple[RuleResult, ...]
    """The meeting's own order first."""
    bands: tuple[ReliabilityBand, ...]
    note: str
    """Basis of the look back, or the reason why there is none."""
