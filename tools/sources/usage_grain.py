"""The grain of usage: what its rows stand for, and how they become one row an account and day.

The signals average over recorded days, so two rows of a day would halve it, and a week that is still running would look
like a fall. Pure, except for the query that looks. One rule: what was assumed is said, and mapping.yaml decides.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import duckdb

from domain.errors import DataError
from tools.signals.registry import USAGE_WINDOW_DAYS
from tools.sources.mapping import FILE_NAME, DatedBy, TableMapping
from tools.sql import sql_date
from tools.wording import format_date, plural

RECENT_DAYS = 2 * USAGE_WINDOW_DAYS
"""Days of usage that averages are made of; only these are looked at."""
_WEEK = 7
_WEEKS_TO_TELL = 4
"""Different days, all on one weekday, that show that rows are weeks; fewer can be on it by chance."""
_ADDED = ("active_users", "logins", "core_actions")
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True)
class RecentRows:
    """Rows of usage in the last RECENT_DAYS days."""

    repeats: int
    """Rows beyond the first of an account and day."""
    newest: int | None
    """Age in days of the newest row; None without rows."""
    days: int
    """The number of different days."""
    same_weekday: bool
    """True where all rows are dated on one weekday."""


@dataclass(frozen=True)
class UsageGrain:
    """The steps that bring usage to one row an account and day; by default none."""

    repeats: bool = False
    """True where several rows of a day were found."""
    counts_users: bool = False
    """True where ``user_id`` is counted: the number of different users of a day."""
    starts_week: bool = False
    """True where a row is dated by the first day of its week. It then counts on the last one."""

    @property
    def is_daily(self) -> bool:
        """True where the rows can be used as they are."""
        return not (self.repeats or self.counts_users or self.starts_week)

    def daily_sql(self, rows: str, as_of: date, others: Sequence[str] = ()) -> str:
        """One row an account and day of ``rows``, which can stand after FROM; ``others``: further columns, by their highest.

        A week that has not ended on ``as_of`` has no values.
        """
        day, today = "u.date", sql_date(as_of)
        cell = {name: f"u.{name}" for name in (*_ADDED, "features_used")}
        if self.starts_week:
            # The rows of a week that has not ended stay, without values: their account may still be one that nobody knows.
            ends = f"u.date + {_WEEK - 1}"
            day = f"case when {ends} <= {today} then {ends} else {today} end"
            cell = {name: f"case when {ends} <= {today} then {value} end" for name, value in cell.items()}
        if self.repeats or self.counts_users:
            highest = {name: f"max({value})" for name, value in cell.items() if name not in _ADDED}
            cell = {name: f"sum({cell[name]})" for name in _ADDED} | highest
        if self.counts_users:
            # A row of somebody who did nothing that day may be there as well: with zero active users.
            active = f"u.date <= {today}" if not self.starts_week else f"u.date + {_WEEK - 1} <= {today}"
            users = f"count(distinct case when {active} and coalesce(u.active_users, 1) > 0 then u.user_id end)"
            seen = f"count(case when {active} then 1 end) > 0"
            cell["active_users"] = f"case when {seen} then cast({users} as double) end"
        cells = ", ".join(f"{value} as {name}" for name, value in cell.items())
        if not (self.repeats or self.counts_users):
            more = "".join(f", u.{name}" for name in others)
            return f"select u.account_id, {day} as date, {cells}{more} from {rows} u"
        more = "".join(f", max(u.{name}) as {name}" for name in others)
        return f"select u.account_id, {day} as date, {cells}{more} from {rows} u group by u.account_id, {day}"

    def shown_days(self, first: date | None, last: date | None, as_of: date) -> tuple[date | None, date | None]:
        """The first and last day that the rows count on, of those that they are dated."""
        if not self.starts_week or first is None or last is None:
            return first, last
        first, last = first + timedelta(days=_WEEK - 1), last + timedelta(days=_WEEK - 1)
        return first, last if last <= as_of else last - timedelta(days=_WEEK)


def count_repeats(connection: duckdb.DuckDBPyConnection, usage_by_account: str) -> int:
    """Recent rows beyond the first of an account and day, from ``recent_rows`` and ``recent_days`` of each account."""
    row = connection.execute(
        f"select coalesce(sum(recent_rows - bit_count(recent_days)), 0) from {usage_by_account}"
    ).fetchone()
    return int(row[0]) if row else 0


def may_repeat_days(connection: duckdb.DuckDBPyConnection, rows: str, as_of: date) -> bool:
    """False where no two rows are of one account and day. A row from outside the last four months counts as a repeat."""
    places = [
        f"bit_or(case when age between {first} and {first + 62} then cast(1 as bigint) << (age - {first}) end)"
        for first in (0, 63)
    ]
    days = " - ".join(f"coalesce(bit_count({place}), 0)" for place in places)
    aged = f"select account_id, date_diff('day', date, {sql_date(as_of)}) as age from {rows}"
    query = f"select exists (select 1 from ({aged}) group by account_id having count(*) - {days} > 0)"
    return bool((connection.execute(query).fetchone() or (True,))[0])


def recent_rows(connection: duckdb.DuckDBPyConnection, usage_by_account: str, days: int | None) -> RecentRows:
    """The recent rows, from ``recent_rows`` and ``recent_days`` of each account; ``days`` where they are known already."""
    repeats = count_repeats(connection, usage_by_account)
    if days is None:
        row = connection.execute(f"select bit_or(recent_days) from {usage_by_account}").fetchone()
        days = int(row[0] or 0) if row else 0
    return describe_rows(repeats, days)


def is_one_weekday(connection: duckdb.DuckDBPyConnection, rows: str, as_of: date) -> bool:
    """True where all recent rows are dated on one weekday. Of daily rows, only the first few are looked at."""
    recent = f"date between {sql_date(as_of - timedelta(days=RECENT_DAYS - 1))} and {sql_date(as_of)}"
    first = connection.execute(f"select date from {rows} where {recent} limit 1").fetchone()
    if first is None:
        return False
    other = f"date_diff('day', {sql_date(first[0])}, date) % {_WEEK} <> 0"
    return connection.execute(f"select date from {rows} where {recent} and {other} limit 1").fetchone() is None


def find_days(connection: duckdb.DuckDBPyConnection, rows: str, as_of: date) -> int:
    """The recent days with rows, each a bit in the place of its age. Only the dates are read."""
    first = sql_date(as_of - timedelta(days=RECENT_DAYS - 1))
    age = f"date_diff('day', date, {sql_date(as_of)})"
    row = connection.execute(
        f"select {recent_days_sql(age)} from {rows} where date between {first} and {sql_date(as_of)}"
    ).fetchone()
    return int(row[0] or 0) if row else 0


def describe_rows(repeats: int, days: int) -> RecentRows:
    """The rows by the number of repeats and by their days, as `find_days` yields them."""
    if not days:
        return RecentRows(repeats, None, 0, False)
    newest = (days & -days).bit_length() - 1
    of_weekday = sum(1 << age for age in range(newest, RECENT_DAYS, _WEEK))
    return RecentRows(repeats, newest, days.bit_count(), days & of_weekday == days)


def recent_days_sql(age: str) -> str:
    """The recent days with rows as bits, in the embedded engine; ``age`` is a day's age, not below 0."""
    return f"bit_or(case when {age} < {RECENT_DAYS} then cast(1 as bigint) << {age} end)"


def days_by_account_sql(rows: str, as_of: date) -> str:
    """The count of `count_repeats`, from single rows."""
    aged = f"select account_id, date_diff('day', date, {sql_date(as_of)}) as age from {rows}"
    return (
        f"(select account_id, count(*) as recent_rows, {recent_days_sql('age')} as recent_days from ({aged})"
        f" where age between 0 and {RECENT_DAYS - 1} group by account_id)"
    )


def choose_grain(mapped: TableMapping, found: RecentRows, location: str, as_of: date) -> tuple[UsageGrain, list[str]]:
    """The grain by mapping.yaml, else by what was found, and what to tell about it.

    Raises DataError where there are several rows a day and mapping.yaml refuses them.
    """
    grain = UsageGrain(found.repeats > 0, mapped.repeats == "count_distinct", starts_week(mapped.dated_by, found))
    notices = []
    if found.repeats:
        several = (
            f"{plural(found.repeats, 'row')} of the last {RECENT_DAYS} days {'is' if found.repeats == 1 else 'are'} for an"
            " account and a day that another row is for"
        )
        if mapped.repeats == "refuse":
            raise DataError(
                f"{location}: {several}, and {FILE_NAME} refuses that (tables.usage.repeats). Export one row an account"
                " and day, or say add or count_distinct there."
            )
        notices.append(f"{several}: {_REPEATS_TEXT[mapped.repeats]}")
    if grain.starts_week:
        notices.append(_week_notice(mapped, found, as_of))
    return grain, notices


_COUNTED = "different users are counted (mapping.yaml), logins and core actions added up."
_ADDED_UP = "active users, logins and core actions are added up, of the features the highest number counts"
_REPEATS_TEXT = {
    "count_distinct": _COUNTED,
    "add": f"{_ADDED_UP} (mapping.yaml).",
    None: f"{_ADDED_UP}. Somebody who uses two of them is then counted twice: say add, count_distinct (with user_id) or"
    f" refuse under tables.usage.repeats in {FILE_NAME}.",
}


def starts_week(dated_by: DatedBy | None, found: RecentRows) -> bool:
    """True where a row is dated by the first day of its week: by mapping.yaml, else where all rows are on one weekday."""
    if dated_by is not None:
        return dated_by == "first_day_of_week"
    return found.same_weekday and found.days >= _WEEKS_TO_TELL


def days_of_row(dated_by: DatedBy | None, grain: UsageGrain) -> int:
    """The days that one row stands for."""
    return _WEEK if grain.starts_week or dated_by in ("first_day_of_week", "last_day_of_week") else 1


def _week_notice(mapped: TableMapping, found: RecentRows, as_of: date) -> str:
    newest = as_of - timedelta(days=found.newest or 0)
    ends = newest + timedelta(days=_WEEK - 1)
    told = f" ({FILE_NAME})"
    if mapped.dated_by is None:
        told = (
            f", because every row is dated on a {_WEEKDAYS[newest.weekday()]} (last_day_of_week or day under"
            f" tables.usage.dated_by in {FILE_NAME} if that is wrong)"
        )
    running = f" The week from {format_date(newest)} has not ended and is not counted." if ends > as_of else ""
    return f"a row is read as the week that begins on its date{told}.{running}"
