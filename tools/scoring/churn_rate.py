"""The yearly churn rate of a base: its own losses of the last year, held to a usual rate while they are few.

Pure but for one query that returns four numbers. One rule: a time from which those who left are no longer in the data
is not counted as a time without losses.
"""

from dataclasses import dataclass
from datetime import date

import duckdb

from domain.churn_settings import ChurnSettings
from tools.sql import sql_date, sql_number

_DAYS_A_YEAR = 365
_WEEKS_A_YEAR = 365 / 7
_MOST = 0.95
"""The rate stays below 1, so that every chance has odds."""


@dataclass(frozen=True)
class ChurnRate:
    """Share of the accounts that leave in a year, and what it rests on."""

    yearly: float
    usual: float
    """The rate that the configuration states."""
    left: int
    """Accounts that left in the last year, as far as the data has them."""
    account_years: float
    """Account-years in which these losses were seen; 0 when nobody who left is in the data."""
    weight: float
    """Account-years that the usual rate counts for."""

    @property
    def own(self) -> bool:
        """True if losses of the team's own are in the rate."""
        return self.account_years > 0

    @property
    def uncertainty(self) -> float:
        """Standard error of the rate as a share of it: that of a count of losses, the usual ones included."""
        losses = self.yearly * (self.account_years + self.weight)
        return float(max(losses, 1.0) ** -0.5)

    def within(self, weeks: float) -> float:
        """Share of the accounts that leave within so many weeks."""
        return float(1 - (1 - self.yearly) ** (weeks / _WEEKS_A_YEAR))


def losses_sql(settings: ChurnSettings, as_of: date) -> str:
    """One row: accounts today, accounts that left in the last year, and days since the first of these losses."""
    day, span = sql_date(as_of), sql_number(settings.rate_days.value)
    left = f"kind = 'churned' and date <= {day} and date_diff('day', date, {day}) < {span}"
    return (
        f"select (select count(*) from accounts) as accounts, count(distinct account_id) as lost, "
        f"max(date_diff('day', date, {day})) as days from outcomes where {left}"
    )


def churn_rate(connection: duckdb.DuckDBPyConnection, settings: ChurnSettings, as_of: date) -> ChurnRate:
    """The rate on ``as_of``. Accounts that have left must be gone from ``accounts``."""
    accounts, lost, days = connection.execute(losses_sql(settings, as_of)).fetchall()[0]
    # Many exports drop an account some weeks after it left, together with its outcome. The span is therefore counted from the
    # oldest loss that is still there, and that loss, which only opens the span, is not counted.
    return rate_of(int(lost), (accounts + lost / 2) * (days or 0) / _DAYS_A_YEAR, settings)


def rate_of(left: int, account_years: float, settings: ChurnSettings) -> ChurnRate:
    """The rate of ``left`` losses in so many account-years, the first of which opened the span."""
    usual, weight = settings.yearly_rate.value, settings.rate_weight.value
    counted = max(left - 1, 0) + usual * weight
    yearly = min(counted / (account_years + weight), _MOST)
    return ChurnRate(round(yearly, 9), usual, left, round(account_years, 6), weight)
