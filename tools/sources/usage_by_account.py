"""Usage from a typed source: one row an account, in a single pass over the rows, which are never copied.

Usage is the one table that grows with accounts times days. One pass gives the signals all they need; the audit reads only
the days, and only a table with faults is read again, to name them.
"""

from collections.abc import Sequence
from datetime import date, timedelta

import duckdb

from domain.data_audit import EXACT_REPEAT
from domain.tables import TABLES
from tools.signals import USAGE_COLUMNS, usage_by_account_sql
from tools.signals.registry import needed_columns
from tools.sources.parse import SQL_TYPES
from tools.sources.salesforce_ids import match_column, match_notices
from tools.sources.staging_table import StagingTable, has_exact_repeats, leave_out_rows
from tools.sources.table_audit import RowCounts
from tools.sources.usage_grain import (
    UsageGrain,
    choose_grain,
    count_repeats,
    days_by_account_sql,
    days_of_row,
    describe_rows,
    find_days,
    is_one_weekday,
    recent_days_sql,
    recent_rows,
    starts_week,
)
from tools.sources.validation_rules import row_rules
from tools.sql import sql_date

_ADDED_COLUMNS = ("row_no", "unusual")
_JOIN_ID_MATCHES = "LEFT JOIN usage_id_matches t ON t.given = s.account_id"


def join_accounts(some_left_out: bool = False, account: str = "s.account_id") -> str:
    """Join the kept accounts ``a``, and where some are left out also all accounts ``f``, by the id ``account``."""
    kept = f"LEFT JOIN accounts a ON a.account_id = {account}"
    return f"{kept} LEFT JOIN stage_accounts f ON f.account_id = {account}" if some_left_out else kept


def read_usage_fast(
    connection: duckdb.DuckDBPyConnection, staging: StagingTable, since: date | None, as_of: date
) -> bool:
    """Make the view ``usage`` of the cells as they are, and the table ``usage_by_account``.

    Returns False, and makes only the view, where a row has no day or one after the review: the aggregate would miss such
    rows, and nobody would count them.
    """
    position = staging.columns.position
    cells, numbers = [], []
    for column in staging.table.columns:
        there = column.name in position
        cell = f"CAST({f'c{position[column.name]}' if there else 'NULL'} AS {SQL_TYPES[column.kind]})"
        cells.append(f"{cell} AS {column.name}")
        if column.kind == "number" and there:
            numbers.append(cell)
    # For DuckDB, NaN is above all numbers: the upper bound finds it too.
    unusual = " OR ".join(f"NOT {number} BETWEEN 0 AND 1e300" for number in numbers) or "false"
    day = f"c{position['date']}"
    first = f" AND {day} >= {sql_date(since)}" if since else ""
    staging.sql = (
        f"SELECT {', '.join(cells)}, row_no, CASE WHEN {unusual} THEN 1 ELSE 0 END AS unusual FROM {staging.raw_table.relation}"
        f" WHERE {day} < {sql_date(as_of + timedelta(days=1))}{first}"
    )
    connection.execute("DROP TABLE usage")
    is_as_read = _create_views(connection, staging, staging.sql, as_of)
    # A day up to 1 January 1970 means "no date", and is for the path that names the row.
    undated = f"{day} IS NULL OR CAST({day} AS DATE) > {sql_date(as_of)} OR {day} < DATE '1970-01-02'"
    undated = f"SELECT EXISTS (SELECT 1 FROM {staging.raw_table.relation} WHERE {undated})"
    if (connection.execute(undated).fetchone() or (True,))[0]:
        return False
    # The footers of the files speak of their rows. A week that has not ended is such a row, and has no values.
    filled = _filled_columns(connection, staging) if is_as_read else ()
    _aggregate(connection, staging, as_of, filled)
    # Rows that are equal in all columns count once, and the validated path names them.
    return not (count_repeats(connection, "usage_by_account") and has_exact_repeats(connection, staging.raw_table))


def _create_views(connection: duckdb.DuckDBPyConnection, staging: StagingTable, sql: str, as_of: date) -> bool:
    """Make the view ``usage_as_read``, and the view ``usage`` with weeks dated by their last day. True if both are equal."""
    connection.execute(f"CREATE OR REPLACE TEMP VIEW usage_as_read AS {sql}")
    may_be_weeks = staging.mapped.dated_by in (None, "first_day_of_week")
    weeks = may_be_weeks and is_one_weekday(connection, "usage_as_read", as_of)
    staging.usage_days = find_days(connection, "usage_as_read", as_of) if weeks else None
    found = describe_rows(0, staging.usage_days or 0)
    grain = UsageGrain(starts_week=starts_week(staging.mapped.dated_by, found))
    rows = "SELECT * FROM usage_as_read" if grain.is_daily else grain.daily_sql("usage_as_read", as_of, _ADDED_COLUMNS)
    connection.execute(f"CREATE OR REPLACE TEMP VIEW usage AS {rows}")
    return grain.is_daily


def _filled_columns(connection: duckdb.DuckDBPyConnection, staging: StagingTable) -> list[str]:
    """The measures that have a value in every row, as the footers of Parquet files say; none for another source."""
    raw_table = staging.raw_table
    if not raw_table.files:
        return []
    found = connection.execute(
        "SELECT path_in_schema FROM parquet_metadata("
        f"{raw_table.files}) GROUP BY 1 HAVING sum(stats_null_count) = 0 AND count(stats_null_count) = count(*)"
        f" AND sum(num_values) = {raw_table.rows}"
    ).fetchall()
    complete = {name for (name,) in found}
    position = staging.columns.position
    return [name for name in USAGE_COLUMNS if name in position and raw_table.header[position[name]] in complete]


def aggregate_usage(
    connection: duckdb.DuckDBPyConnection, staging: StagingTable, accounts: StagingTable, as_of: date
) -> None:
    """Make the view ``usage`` of the cells that can be used and the table ``usage_by_account``, and leave out the rows
    without a kept account.
    """
    connection.execute("DROP TABLE usage")
    account, join = "s.account_id", ""
    _create_usage_view(connection, staging, as_of, account, join)
    _aggregate(connection, staging, as_of)
    if _match_ids(connection, staging, accounts):
        account, join = "coalesce(t.known, s.account_id)", _JOIN_ID_MATCHES
        _create_usage_view(connection, staging, as_of, account, join)
        _aggregate(connection, staging, as_of)
    some_left_out = accounts.left_out_count > 0
    joins = f"{join} {join_accounts(some_left_out, account)}"
    has_repeats = count_repeats(connection, "usage_by_account") > 0
    leave_out_rows(connection, staging, row_rules(staging.table, as_of, some_left_out), joins, has_repeats)
    repeated = [place for place, reason in enumerate(staging.row_reasons, 1) if reason.text == EXACT_REPEAT]
    if repeated:
        once = f"s.row_no NOT IN (SELECT row_no FROM {staging.left_out_table} WHERE reason = {repeated[0]})"
        _create_usage_view(connection, staging, as_of, account, join, once)
        _aggregate(connection, staging, as_of)


def fill_days_without_row(connection: duckdb.DuckDBPyConnection, staging: StagingTable, last: date) -> None:
    """Add a row of zeros, without a number, for each day of an account without one: from its first row up to ``last``.

    Where a row is a week, for each week.
    """
    cells = ", ".join("0" if name in _columns_given(staging) else "NULL" for name in _AGES)
    connection.execute(
        f"INSERT INTO usage (account_id, date, {', '.join(_AGES)}) SELECT account_id, date, {cells} FROM (SELECT account_id,"
        f" CAST(unnest(generate_series(min(date), {sql_date(last)}, INTERVAL {staging.days_of_row} DAY)) AS DATE) AS date"
        " FROM usage GROUP BY account_id) d ANTI JOIN usage u USING (account_id, date)"
    )


def set_usage_grain(connection: duckdb.DuckDBPyConnection, staging: StagingTable, as_of: date) -> RowCounts:
    """Bring ``usage`` to one row an account and day, and count what was read. Raises DataError where that is refused."""
    read = "usage_as_read" if staging.is_aggregated else "usage"
    if staging.is_aggregated:
        found = recent_rows(connection, "usage_by_account", staging.usage_days)
    else:
        repeats = count_repeats(connection, days_by_account_sql(read, as_of))
        found = describe_rows(repeats, find_days(connection, read, as_of))
    grain, notices = choose_grain(staging.mapped, found, staging.raw_table.location, as_of)
    staging.notices += notices
    staging.days_of_row = days_of_row(staging.mapped.dated_by, grain)
    counts = _usage_counts(connection, staging, read)
    rows = _with_users(staging, read) if grain.counts_users else read
    if not staging.is_aggregated and not grain.is_daily:
        connection.execute(f"CREATE OR REPLACE TABLE usage AS {grain.daily_sql(rows, as_of, ('row_no',))}")
    elif grain.repeats or grain.counts_users:  # of weeks the view knows already
        daily = grain.daily_sql(rows, as_of, _ADDED_COLUMNS)
        connection.execute(f"CREATE OR REPLACE TEMP VIEW usage AS {daily}")
        _aggregate(connection, staging, as_of)
    first, last = grain.shown_days(counts.first, counts.last, as_of)
    return RowCounts(counts.rows, first, last, _empty_columns(connection, staging))


def _with_users(staging: StagingTable, read: str) -> str:
    """The rows that were read, with ``user_id``, which is no column of the data model."""
    raw_table, index = staging.raw_table, staging.columns.user
    assert index is not None
    return f"(SELECT u.*, {raw_table.text(index)} AS user_id FROM {read} u JOIN {raw_table.relation} r ON r.row_no = u.row_no)"


def _columns_given(staging: StagingTable) -> set[str]:
    """The columns of usage that the source has. Where it has users, active users are counted from them."""
    counted = ["active_users"] if staging.mapped.user_id else []
    return {*staging.columns.position, *staging.mapped.constants, *counted}


def _empty_columns(connection: duckdb.DuckDBPyConnection, staging: StagingTable) -> tuple[str, ...]:
    """The columns that the source has, that signals need, and that no row fills."""
    given = _columns_given(staging)
    names = [name for name in needed_columns(TABLES["usage"]) if name in given]
    cells = [_AGES[name] for name in names] if staging.is_aggregated else names
    table = "usage_by_account" if staging.is_aggregated else "usage"
    counts = (
        connection.execute(f"SELECT {', '.join(f'count({cell})' for cell in cells)} FROM {table}") if names else None
    )
    found = counts.fetchone() if counts else ()
    return tuple(name for name, count in zip(names, found or (), strict=True) if not count)


_AGES = {
    "active_users": "age_last_row", "core_actions": "age_last_actions", "logins": "age_last_logins",
    "features_used": "age_last_features",
}  # fmt: skip
"""By column of usage: the column of ``usage_by_account`` that is filled where it is."""


def _usage_counts(connection: duckdb.DuckDBPyConnection, staging: StagingTable, read: str) -> RowCounts:
    """The number of rows that belong to accounts, and their first and last day. On the fast path every row has an account."""
    all_belong = staging.fast_path or not staging.is_aggregated
    of_accounts = "" if all_belong else " u SEMI JOIN accounts a ON a.account_id = u.account_id"
    counts = connection.execute(f"SELECT count(*), min(date), max(date) FROM {read}{of_accounts}").fetchone()
    return RowCounts(*(counts or (0, None, None)))


def _create_usage_view(
    connection: duckdb.DuckDBPyConnection,
    staging: StagingTable,
    as_of: date,
    account: str,
    join: str,
    condition: str = "true",
) -> None:
    """Views of the usable cells up to the review date, with ``unusual``: 1 for a row with a cell that cannot be used."""
    names = [column.name for column in staging.table.columns if column.name != "account_id"]
    flags = [f"s.bad_{name} > 0" for name in staging.columns_with_problems if name not in staging.table.required]
    unusual = f"CASE WHEN {' OR '.join(flags)} THEN 1 ELSE 0 END" if flags else "0"
    _create_views(
        connection,
        staging,
        f"SELECT {account} AS account_id, {', '.join(staging.usable_cells({}, names))}, s.row_no, {unusual} AS unusual"
        f" FROM {staging.name} s {join} WHERE s.date <= {sql_date(as_of)} AND {condition}",
        as_of,
    )


def _aggregate(
    connection: duckdb.DuckDBPyConnection, staging: StagingTable, as_of: date, filled: Sequence[str] = ()
) -> None:
    staging.aggregate_sql = usage_by_account_sql(as_of, filled, recent_days_sql("age"))
    connection.execute(f"CREATE OR REPLACE TEMP TABLE usage_by_account AS {staging.aggregate_sql}")


def _match_ids(connection: duckdb.DuckDBPyConnection, staging: StagingTable, accounts: StagingTable) -> bool:
    """True where ids are written in another length than in accounts; ``usage_id_matches`` then has both forms."""
    # The aggregate has each id once: matching is done there, and not on every row of usage.
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE usage_ids AS SELECT account_id AS given, account_id FROM usage_by_account"
    )
    counts = match_column(connection, "usage_ids", "account_id", accounts.name, "account_id")
    if counts:
        connection.execute(
            "CREATE OR REPLACE TEMP TABLE usage_id_matches AS SELECT given, account_id AS known FROM usage_ids"
            " WHERE given <> account_id"
        )
        staging.notices += match_notices("account_id", "accounts", counts)
    connection.execute("DROP TABLE usage_ids")
    return bool(counts)
