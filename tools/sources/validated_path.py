"""The validated path: every cell of a table is read with its reason for refusal, and every row is kept or left out with one.

It is the path of CSV files, and of every table that the fast path refuses. It is slower and never stops at a bad row: what
is left out goes into the audit with its row number. Accounts come first, because every other row belongs to one.
"""

import duckdb

from domain.errors import DataError
from tools.sources import table_audit
from tools.sources.currencies import (
    in_major_units,
    refuse_unknown_currency,
    report_dollar_signs,
    report_minor_units,
    row_currency,
)
from tools.sources.mapping import MINOR_UNITS
from tools.sources.read_request import ReadRequest
from tools.sources.reasons import NO_SUCH_ACCOUNT
from tools.sources.salesforce_ids import match_references, refuse_repeated_accounts
from tools.sources.staging_table import AMOUNT_COLUMNS, StagingTable, insert_rows, leave_out_rows, read_into_staging
from tools.sources.usage_by_account import aggregate_usage, join_accounts
from tools.sources.usage_grain import may_repeat_days
from tools.sources.validation_rules import hide_future, row_rules
from tools.sql import sql_identifier


def read_validated(
    connection: duckdb.DuckDBPyConnection, known: dict[str, StagingTable], staging: StagingTable, request: ReadRequest
) -> None:
    """Read and check every cell and row of one table, and insert the rows that are kept into its typed table.

    ``known`` are the staging tables of accounts, people and contacts, whose cells are read already. Raises DataError where
    the accounts cannot be used at all, or an amount has no rate.
    """
    name = staging.table.name
    if name == "accounts":
        _insert_accounts(connection, staging, request)
        return
    if staging.is_aggregated:
        read_into_staging(connection, staging, request.plan(staging), copied=False)
        aggregate_usage(connection, staging, known["accounts"], request.as_of)
        return
    if name not in known:
        read_into_staging(connection, staging, request.plan(staging))
        match_references(connection, known, [staging])
    if name == "people":
        leave_out_rows(connection, staging, [])
    else:
        some_left_out = known["accounts"].left_out_count > 0
        joins = join_accounts(some_left_out)
        # Of usage, the days of an account tell sooner than all cells of all rows that none is there twice.
        may_repeat = name != "usage" or may_repeat_days(connection, staging.name, request.as_of)
        leave_out_rows(connection, staging, row_rules(staging.table, request.as_of, some_left_out), joins, may_repeat)
    _insert_kept_rows(connection, staging, request)


def _insert_accounts(connection: duckdb.DuckDBPyConnection, staging: StagingTable, request: ReadRequest) -> None:
    refuse_repeated_accounts(connection, staging)
    leave_out_rows(connection, staging, row_rules(staging.table, request.as_of))
    _refuse_no_accounts(connection, staging)
    _clear_unknown_parents(connection, staging)
    _insert_kept_rows(connection, staging, request)


def _refuse_no_accounts(connection: duckdb.DuckDBPyConnection, staging: StagingTable) -> None:
    """Raise DataError, with the reasons, where no account can be used."""
    row = connection.execute(
        f"SELECT count(*), count(*) FILTER (WHERE {staging.kept_condition}) FROM {staging.name} s"
    ).fetchone() or (0, 0)
    if row[1]:
        return
    entries = table_audit.collect_left_out(connection, staging)
    why = "; ".join(f"{item.reason} ({item.examples[0]})" for item in entries) or "it has only a header line"
    raise DataError(
        f"{staging.raw_table.location}: there are no accounts to review: {why}. Export the accounts again and run again."
    )


def _clear_unknown_parents(connection: duckdb.DuckDBPyConnection, staging: StagingTable) -> None:
    """Mark a parent that is not among the kept accounts as unknown; the account itself is kept."""
    reasons = staging.cell_reasons["parent_account_id"]
    if not reasons:
        return
    # One more reason at the end of the list, so that the audit counts these cells like any other that cannot be used.
    reasons.append(NO_SUCH_ACCOUNT)
    kept = f"SELECT account_id FROM {staging.name} s WHERE {staging.kept_condition}"
    connection.execute(
        f"UPDATE {staging.name} SET bad_parent_account_id = {len(reasons)}"
        f" WHERE parent_account_id IS NOT NULL AND parent_account_id NOT IN ({kept})"
    )


def _insert_kept_rows(connection: duckdb.DuckDBPyConnection, staging: StagingTable, request: ReadRequest) -> None:
    replaced, added, joins = _amount_cells(staging, request)
    name = staging.table.name
    if name in AMOUNT_COLUMNS:
        refuse_unknown_currency(connection, staging, request.rates, row_currency(name, request.rates), joins)
    insert_rows(connection, staging, replaced, added, joins)
    if name in AMOUNT_COLUMNS:
        report_dollar_signs(connection, staging)
        report_minor_units(connection, staging)


def _amount_cells(staging: StagingTable, request: ReadRequest) -> tuple[dict[str, str], tuple[str, ...], str]:
    """Replacements by column (``{0}`` is the cell of the staging table ``s``), the home amount, and the joins they need."""
    name = staging.table.name
    replaced = hide_future(name, request.as_of, {*staging.columns.position, *staging.mapped.constants})
    minor = {column: unit for column, unit in staging.mapped.units.items() if unit in MINOR_UNITS}
    currency = row_currency(name, request.rates)
    for column, unit in minor.items():
        replaced[column] = in_major_units("{0}", currency, unit)
    account = "" if name == "accounts" else join_accounts()
    if name not in AMOUNT_COLUMNS:
        return replaced, (), account if minor else ""
    own = replaced.get(AMOUNT_COLUMNS[name], "{0}").format(f"s.{sql_identifier(AMOUNT_COLUMNS[name])}")
    replaced["currency"] = currency
    return replaced, (f"{request.rates.home_amount(own, currency)} AS {AMOUNT_COLUMNS[name]}_home",), account
