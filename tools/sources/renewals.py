"""The renewal date of an account from its opportunities: the earliest open one to come, else the latest overdue one."""

from datetime import date

import duckdb

from domain.tables import Column, Table
from tools.sources.column_matching import match_columns
from tools.sources.deleted_rows import ignored_mark_notices, without_deleted_rows
from tools.sources.format_inference import infer_formats
from tools.sources.mapping import FILE_NAME, RenewalMapping, TableMapping
from tools.sources.reasons import NO_SUCH_ACCOUNT
from tools.sources.salesforce_ids import match_column
from tools.sources.source_location import SourceLocation, find_table, read_raw
from tools.sources.staging_table import ReadPlan, RowRule, StagingTable, leave_out_rows, read_into_staging
from tools.sources.table_audit import collect_left_out, shorten
from tools.sql import sql_date, sql_string

_TYPES_NAMED = 3
_OPPORTUNITIES = Table(
    "renewals",
    (
        Column("account", "id", True),
        Column("date", "date", True),
        Column("closed", "flag"),
        Column("type", "text"),
    ),
)


def fill_renewal_dates(
    connection: duckdb.DuckDBPyConnection,
    source: SourceLocation,
    accounts: StagingTable,
    mapped: TableMapping,
    as_of: date,
) -> None:
    """Set renewal_date in the staging table of the accounts; its notices then list what was taken and what was not read.

    Does nothing where mapping.yaml has no ``renewals``.
    """
    given = mapped.renewals
    if given is None:
        return
    staging, notices = _validate_opportunities(connection, source, accounts, mapped, given)
    several = _set_renewal_dates(connection, staging, accounts, as_of)
    location = staging.raw_table.location
    accounts.notices += [*notices, f"renewal_date: taken from {location} ({FILE_NAME})."]
    if several:
        accounts.notices.append(
            f"renewal_date: {several} accounts have several open renewals in {location}; the earliest on or after"
            f" {as_of} was taken, else the latest overdue one."
        )
    for entry in collect_left_out(connection, staging):
        accounts.notices.append(
            f"renewal_date: {entry.rows} rows of {location} not read: {entry.reason} ({entry.examples[0]})."
        )


def _validate_opportunities(
    connection: duckdb.DuckDBPyConnection,
    source: SourceLocation,
    accounts: StagingTable,
    mapped: TableMapping,
    given: RenewalMapping,
) -> tuple[StagingTable, list[str]]:
    """The staging table of the opportunities, its unusable rows left out, and the notices of reading it."""
    name = find_table(source, "accounts.renewals", given.source)
    assert name is not None
    raw_table = read_raw(source, connection, name, "raw_renewals")
    own_mapping = _as_mapping(given, mapped)
    columns = match_columns(_OPPORTUNITIES, raw_table.header, own_mapping, raw_table.location)
    raw_table, columns = without_deleted_rows(connection, raw_table, columns)
    formats, notices = infer_formats(connection, _OPPORTUNITIES, columns, raw_table, own_mapping)
    staging = StagingTable(_OPPORTUNITIES, raw_table, columns, own_mapping, formats)
    read_into_staging(connection, staging, ReadPlan())
    passed_over = _pass_over_types(connection, staging, given)
    match_column(connection, staging.name, "account", accounts.name, "account_id")
    known = f"SELECT account_id FROM {accounts.name} WHERE account_id IS NOT NULL"
    rules = [RowRule("account", f"s.account NOT IN ({known})", NO_SUCH_ACCOUNT)]
    # An opportunity is taken only where it is known to be open: a closed one is a renewal that is over.
    if "closed" in staging.columns_with_problems:
        rules.insert(0, RowRule("closed", "s.bad_closed > 0", "closed or open is not known"))
    leave_out_rows(connection, staging, rules)
    return staging, [*raw_table.notices, *notices, *passed_over, *ignored_mark_notices(columns.ignored)]


def _pass_over_types(connection: duckdb.DuckDBPyConnection, staging: StagingTable, given: RenewalMapping) -> list[str]:
    """Remove opportunities of another type than ``renewal_type``, compared without case. Returns a notice that counts them."""
    if not given.renewal_type or not given.type:
        return []
    other = f"lower(trim(type)) IS DISTINCT FROM {sql_string(given.renewal_type.strip().lower())}"
    groups = connection.execute(
        f"SELECT coalesce(type, 'no type'), count(*) AS n FROM {staging.name} WHERE {other} GROUP BY 1 ORDER BY n DESC, 1"
    ).fetchall()
    if not groups:
        return []
    connection.execute(f"DELETE FROM {staging.name} WHERE {other}")
    named = ", ".join(f"{count} {shorten(kind)}" for kind, count in groups[:_TYPES_NAMED])
    more = f" and {len(groups) - _TYPES_NAMED} more types" if len(groups) > _TYPES_NAMED else ""
    return [
        f"renewal_date: {sum(count for _, count in groups)} rows of {staging.raw_table.location} passed over, because"
        f" {given.type} is not {given.renewal_type.strip()}: {named}{more}."
    ]


def _as_mapping(given: RenewalMapping, mapped: TableMapping) -> TableMapping:
    columns = {"account": given.account, "date": given.date, "closed": given.closed, "type": given.type}
    return TableMapping(
        columns={name: source_column for name, source_column in columns.items() if source_column},
        date_order=mapped.date_order,
        decimal=mapped.decimal,
    )


def _set_renewal_dates(
    connection: duckdb.DuckDBPyConnection, staging: StagingTable, accounts: StagingTable, as_of: date
) -> int:
    """Set the dates. Returns the number of accounts that had several open renewals."""
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE picked AS SELECT account, count(*) AS open,"
        f" coalesce(min(date) FILTER (WHERE date >= {sql_date(as_of)}), max(date)) AS date FROM {staging.name}"
        f" WHERE NOT coalesce(closed, false) AND row_no NOT IN (SELECT row_no FROM {staging.left_out_table}) GROUP BY account"
    )
    connection.execute(
        f"UPDATE {accounts.name} AS s SET renewal_date = picked.date FROM picked WHERE s.account_id = picked.account"
    )
    row = connection.execute("SELECT count(*) FROM picked WHERE open > 1").fetchone()
    connection.execute("DROP TABLE picked")
    return int(row[0]) if row else 0
