"""Renewals of the running quarter and the three after it: up for renewal, expected, at risk, committed, and what came of it.

Money is in the home currency, in units with two decimals. An account whose ARR is unknown is counted and is in no sum.
"""

from datetime import date

from domain.record import Record
from domain.score_configuration import InterventionTier


class PlayCommitment(Record):
    """Intent to renew in writing, as the result of a step of a play."""

    account_id: str
    on: date


class RenewalOutcomes(Record):
    """Outcomes of one period, by the day they were recorded for. A renewal on record for a date to come is *committed* instead."""

    renewed_accounts: int = 0
    renewed_arr: float = 0.0
    """ARR today of the accounts that renewed."""
    lost_accounts: int = 0
    lost_arr: float = 0.0
    """ARR that churned accounts had."""
    contracted_arr: float = 0.0
    """ARR that contractions and renewals at a lower price took away; positive."""
    expanded_arr: float = 0.0
    """ARR that expansions and renewals at a higher price brought."""
    unknown_amounts: int = 0
    """Outcomes without an amount: they are in no sum."""


class RenewalSums(Record):
    """Sums over the accounts whose next renewal falls into one period."""

    accounts: int
    arr: float
    unknown_arr: int = 0
    """Accounts of which the ARR is unknown."""
    expected_arr: float | None
    """Sum of ARR × chance of staying; a renewal on record counts whole. None where the date is unknown or further away."""
    at_risk_accounts: int
    at_risk_arr: float
    at_risk_unknown_arr: int = 0
    committed_accounts: int
    committed_arr: float
    committed_unknown_arr: int = 0
    outcomes: RenewalOutcomes | None = None
    """None for a period that has not begun."""


class RenewalAccount(Record):
    """One account of a period."""

    account_id: str
    name: str
    arr: float | None
    renewal_date: date | None
    csm_id: str | None
    csm: str | None
    risk: float
    """0 to 100, high is bad."""
    at_risk: bool
    priority: InterventionTier | None
    chance_of_leaving: float | None
    """0 to 1, within ``chance_weeks``; None where no chance of the review holds this renewal."""
    chance_weeks: int | None
    expected_arr: float | None
    committed_on: date | None
    commitment: str
    """``outcome``: a renewal on record; ``play``: intent to renew in writing, the result of a play's step; else empty."""


class RenewalPeriod(RenewalSums):
    """One row of the view."""

    id: str
    """A month such as ``2026-12``, or ``overdue``, ``later`` or ``unknown``."""
    quarter: str
    """A quarter such as ``2026-Q4``; empty for the other rows."""
    listed: tuple[RenewalAccount, ...] = ()
    """The accounts by ARR, at most as many as a table of the plan has; the sums are complete."""


class RenewalQuarter(RenewalSums):
    """Sums of one quarter."""

    id: str
    """Such as ``2026-Q4``."""


class Retention(Record):
    """Gross and net retention of the year up to the review."""

    since: date
    """The customers of this day are compared with today."""
    accounts: int
    starting_arr: float
    kept_arr: float
    """ARR that is left of it, each account counted with at most what it had."""
    arr_now: float
    """The same accounts today, with what they grew by."""
    lost_accounts: int
    lost_arr: float
    gross: float | None
    """``kept_arr`` / ``starting_arr``, 0 to 1; None without any ARR to compare."""
    net: float | None
    """``arr_now`` / ``starting_arr``."""
    unknown_accounts: int
    """Customers of that day whose ARR, or the amount of a change, is unknown: they are in neither share."""
    without_start: int
    """Accounts without a start date: they count as customers of that day."""
    definition: str


class RenewalView(Record):
    """The renewal view of one review. Every account is in exactly one period, so that ARR and accounts add up to the base."""

    first: date
    last: date
    """Last day of the last quarter."""
    periods: tuple[RenewalPeriod, ...]
    """Overdue renewals, the months, renewals after them, and accounts whose renewal date is unknown."""
    quarters: tuple[RenewalQuarter, ...]
    total: RenewalSums
    """Overdue renewals and all months."""
    retention: Retention
    notes: tuple[str, ...]
    """Definitions of the columns, in sentences."""

    def period(self, name: str) -> RenewalPeriod:
        """One row by its id."""
        return next(each for each in self.periods if each.id == name)
