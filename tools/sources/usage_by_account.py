"""Usage from a typed source: one row an account, in a single pass over the rows, which are never copied.

Usage is the one table that grows with accounts times days. One pass gives the signals all they need; the audit reads only
the days, and only a table with faults is read again, to name them.
"""

from collections.abc import Sequence
from datetime import date, timedelta

import duckdb

from tools.signals import USAGE_COLUMNS, usage_by_account_sql
from tools.sources.parse import SQL_TYPES
from tools.sources.salesforce_ids import match_column, match_notices
from tools.sources.staging_table import StagingTable, leave_out_rows
from tools.sources.table_audit import RowCounts
from tools.sources.validation_rules import row_rules
from tools.sql import sql_date

JOIN_ACCOUNTS = "LEFT JOIN accounts a ON a.account_id = s.account_id"
JOIN_ALL_ACCOUNTS = " LEFT JOIN stage_accounts f ON f.account_id = s.account_id"
_JOIN_ID_MATCHES = "LEFT JOIN usage_id_matches t ON t.given = s.account_id"


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
    connection.execute(f"CREATE TEMP VIEW usage AS {staging.sql}")
    # A day up to 1 January 1970 means "no date", and is for the path that names the row.
    undated = f"{day} IS NULL OR CAST({day} AS DATE) > {sql_date(as_of)} OR {day} < DATE '1970-01-02'"
    undated = f"SELECT EXISTS (SELECT 1 FROM {staging.raw_table.relation} WHERE {undated})"
    if (connection.execute(undated).fetchone() or (True,))[0]:
        return False
    _aggregate(connection, staging, as_of, _filled_columns(connection, staging))
    return True


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
    _create_usage_view(connection, staging, as_of, "s.account_id", "")
    _aggregate(connection, staging, as_of)
    if _match_ids(connection, staging, accounts):
        _create_usage_view(connection, staging, as_of, "coalesce(t.known, s.account_id)", _JOIN_ID_MATCHES)
        _aggregate(connection, staging, as_of)
    some_left_out = accounts.left_out_count > 0
    joins = JOIN_ACCOUNTS + (JOIN_ALL_ACCOUNTS if some_left_out else "")
    leave_out_rows(connection, staging, row_rules(staging.table, as_of, some_left_out), joins)


def fill_days_without_row(connection: duckdb.DuckDBPyConnection, staging: StagingTable, last: date) -> None:
    """Add a row of zeros, without a number, for each day of an account without one: from its first row up to ``last``."""
    position = staging.columns.position
    cells = ", ".join("0" if name in position else "NULL" for name in _AGES)
    connection.execute(
        f"INSERT INTO usage (account_id, date, {', '.join(_AGES)}) SELECT account_id, date, {cells} FROM (SELECT account_id,"
        f" CAST(unnest(generate_series(min(date), {sql_date(last)}, INTERVAL 1 DAY)) AS DATE) AS date FROM usage GROUP BY"
        " account_id) d ANTI JOIN usage u USING (account_id, date)"
    )


def usage_counts(connection: duckdb.DuckDBPyConnection, fast_path: bool) -> RowCounts:
    """The number of rows that belong to accounts, and their first and last day. On the fast path every row has an account."""
    of_accounts = "" if fast_path else " u SEMI JOIN accounts a ON a.account_id = u.account_id"
    counts = connection.execute(f"SELECT count(*), min(date), max(date) FROM usage{of_accounts}").fetchone()
    filled = connection.execute(f"SELECT {', '.join(f'count({age})' for age in _AGES.values())} FROM usage_by_account")
    empty = tuple(name for name, count in zip(_AGES, filled.fetchone() or (), strict=True) if not count)
    rows, first, last = counts or (0, None, None)
    return RowCounts(rows, first, last, empty)


_AGES = {
    "active_users": "age_last_row", "core_actions": "age_last_actions", "logins": "age_last_logins",
    "features_used": "age_last_features",
}  # fmt: skip
"""By column of usage: the column of ``usage_by_account`` that is filled where it is."""


def _create_usage_view(
    connection: duckdb.DuckDBPyConnection, staging: StagingTable, as_of: date, account: str, join: str
) -> None:
    """A view of the usable cells up to the review date, with ``unusual``: 1 for a row with a cell that cannot be used."""
    names = [column.name for column in staging.table.columns if column.name != "account_id"]
    flags = [f"s.bad_{name} > 0" for name in staging.columns_with_problems if name not in staging.table.required]
    unusual = f"CASE WHEN {' OR '.join(flags)} THEN 1 ELSE 0 END" if flags else "0"
    connection.execute(
        f"CREATE OR REPLACE TEMP VIEW usage AS SELECT {account} AS account_id, {', '.join(staging.usable_cells({}, names))},"
        f" s.row_no, {unusual} AS unusual FROM {staging.name} s {join} WHERE s.date <= {sql_date(as_of)}"
    )


def _aggregate(
    connection: duckdb.DuckDBPyConnection, staging: StagingTable, as_of: date, filled: Sequence[str] = ()
) -> None:
    staging.aggregate_sql = usage_by_account_sql(as_of, "unusual", filled)
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
