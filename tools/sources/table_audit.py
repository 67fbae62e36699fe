"""The rows and cells that a table could not use, as audit records with examples a person can find in the file."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import duckdb

from domain.data_audit import EXACT_REPEAT, UNKNOWN_PREFIX, LeftOutRows, SourceAudit
from domain.tables import Table
from tools.signals.registry import needed_columns
from tools.sources.deleted_rows import deleted_entries
from tools.sources.reasons import NO_SUCH_ACCOUNT
from tools.sources.scales import right_advice
from tools.sources.staging_table import StagingTable
from tools.sql import sql_date, sql_identifier

_EXAMPLES = 5
_EXAMPLE_LENGTH = 60


def row_example(location: str, row: int, value: str | None) -> str:
    """An example like: file.csv row 12: 'value'. Shortened, with control characters escaped."""
    return f"{location} row {row}: '{shorten(value or '')}'"


def shorten(value: str) -> str:
    """A text of the data for a message: short, with control characters escaped."""
    text = "".join(character if character.isprintable() else repr(character)[1:-1] for character in value)
    return text if len(text) <= _EXAMPLE_LENGTH else text[: _EXAMPLE_LENGTH - 1] + "…"


def collect_left_out(connection: duckdb.DuckDBPyConnection, staging: StagingTable) -> tuple[LeftOutRows, ...]:
    """Records of rows of the wrong shape, of rows left out, then of cells set to unknown, in the order of the reasons."""
    found = [*_malformed_rows(staging), *deleted_entries(staging.table.name, staging.raw_table)]
    found += [*_left_out_rows(connection, staging), *_unknown_cells(connection, staging)]
    return with_right_advice(found)


def left_out_on_fast_path(staging: StagingTable) -> tuple[LeftOutRows, ...]:
    """Records of rows that are left out without a fault: deleted at the source, and repeated."""
    entries = deleted_entries(staging.table.name, staging.raw_table)
    if count := staging.repeats[0]:
        examples = tuple(f"{staging.raw_table.location} row {row}" for row in staging.repeats[1])
        entries.append(
            LeftOutRows(table=staging.table.name, column=None, reason=EXACT_REPEAT, rows=count, examples=examples)
        )
    return tuple(entries)


def with_right_advice(found: Sequence[LeftOutRows]) -> tuple[LeftOutRows, ...]:
    """The records of one table, none of which gives an advice that other cells of its column disprove."""
    reasons: dict[str | None, list[str]] = {}
    for item in found:
        reasons.setdefault(item.column, []).append(item.reason)
    right = ((item, right_advice(item.column, item.reason, reasons[item.column])) for item in found)
    return tuple(
        item if item.reason == reason else item.model_copy(update={"reason": reason}) for item, reason in right
    )


def rows_left_out(staging: StagingTable) -> int:
    """The number of records that are not in the typed table, without those older than the look-back."""
    deleted = sum(count for _, count, _ in staging.raw_table.deleted)
    return len(staging.raw_table.malformed_rows) + deleted + staging.left_out_count + staging.repeats[0]


def _malformed_rows(staging: StagingTable) -> list[LeftOutRows]:
    found: dict[str, list[str]] = {}
    for row in staging.raw_table.malformed_rows:
        found.setdefault(row.reason, []).append(row_example(staging.raw_table.location, row.row, row.text))
    return [
        LeftOutRows(
            table=staging.table.name, column=None, reason=reason, rows=len(rows), examples=tuple(rows[:_EXAMPLES])
        )
        for reason, rows in found.items()
    ]


def _left_out_rows(connection: duckdb.DuckDBPyConnection, staging: StagingTable) -> list[LeftOutRows]:
    groups = connection.execute(
        f"SELECT reason, count(*), min(row_no, {_EXAMPLES}) FROM {staging.left_out_table} GROUP BY reason ORDER BY reason"
    ).fetchall()
    found = []
    for number, count, rows in groups:
        reason = staging.row_reasons[number - 1]
        if reason.text == NO_SUCH_ACCOUNT:
            found += _rows_without_account(connection, staging, reason.column, number)
            continue
        found.append(_left_out_entry(connection, staging, reason.column, reason.text, count, rows))
    return found


_LIKELY_CAUSES = {
    "a spreadsheet wrote this id as a power of ten; format the column as text and export again": "regexp_full_match"
    "(s.account_id, '[0-9][.,]?[0-9]*[eE][+][0-9]+')",
    "it looks like an account id that lost its leading zeros; format the column as text and export again": "ltrim"
    "(s.account_id, '0') IN (SELECT ltrim(account_id, '0') FROM accounts)",
    "it differs from an account id only by capital letters": "length(s.account_id) >= 15 AND lower(s.account_id) IN (SELECT lower(account_id) FROM accounts)",
}
"""By cause: the condition of a row without an account. Such an id is a guess, and never matched."""


def _rows_without_account(
    connection: duckdb.DuckDBPyConnection, staging: StagingTable, column: str | None, number: int
) -> list[LeftOutRows]:
    """The rows without an account, apart by the likely cause."""
    whens = " ".join(
        f"WHEN {test.replace('s.account_id', f's.{column}')} THEN {place}"
        for place, test in enumerate(_LIKELY_CAUSES.values(), 1)
    )
    groups = connection.execute(
        f"SELECT CASE {whens} ELSE 0 END AS cause, count(*), min(s.row_no, {_EXAMPLES}) FROM {staging.name} s"
        f" SEMI JOIN (FROM {staging.left_out_table} WHERE reason = {number}) l ON l.row_no = s.row_no GROUP BY 1 ORDER BY 1"
    ).fetchall()
    causes = ("", *(f": {cause}" for cause in _LIKELY_CAUSES))
    return [
        _left_out_entry(connection, staging, column, NO_SUCH_ACCOUNT + causes[cause], count, rows)
        for cause, count, rows in groups
    ]


def _unknown_cells(connection: duckdb.DuckDBPyConnection, staging: StagingTable) -> list[LeftOutRows]:
    kept = f"{staging.name} s WHERE {staging.kept_condition}"
    names = [
        column.name
        for column in staging.table.columns
        if not column.required and column.name in staging.columns_with_problems
    ]
    if not names:
        return []
    highest = ", ".join(f"max({sql_identifier('bad_' + name)})" for name in names)
    flags = connection.execute(f"SELECT {highest} FROM {kept}").fetchone() or ()
    found = []
    for name, worst in zip(names, flags, strict=True):
        if not worst:
            continue
        bad = sql_identifier("bad_" + name)
        groups = connection.execute(
            f"SELECT {bad}, count(*), min(row_no, {_EXAMPLES}) FROM {kept} AND {bad} > 0 GROUP BY 1 ORDER BY 1"
        ).fetchall()
        for number, count, rows in groups:
            reason = UNKNOWN_PREFIX + staging.cell_reasons[name][number - 1]
            found.append(_left_out_entry(connection, staging, name, reason, count, rows))
    return found


def _left_out_entry(
    connection: duckdb.DuckDBPyConnection,
    staging: StagingTable,
    column: str | None,
    reason: str,
    count: int,
    rows: list[int],
) -> LeftOutRows:
    texts: dict[int, str | None] = {}
    if column in staging.columns.position:
        cell = staging.raw_table.text(staging.columns.position[column])
        chosen = ", ".join(str(row) for row in rows)
        query = f"SELECT row_no, left({cell}, 200) FROM {staging.raw_table.relation} WHERE row_no IN ({chosen})"
        texts = dict(connection.execute(query).fetchall())
    constant = staging.mapped.constants.get(column or "")
    examples = tuple(row_example(staging.raw_table.location, row, texts.get(row, constant)) for row in sorted(rows))
    return LeftOutRows(table=staging.table.name, column=column, reason=reason, rows=count, examples=examples)


def absent_audit(table: Table) -> SourceAudit:
    """The audit of a table that is not connected."""
    return SourceAudit(
        table=table.name,
        connected=False,
        location="",
        rows=0,
        rows_left_out=0,
        first_date=None,
        last_date=None,
        seen_until=None,
        columns=(),
        columns_absent=tuple(column.name for column in table.columns if not column.required),
        columns_ignored=(),
    )


@dataclass(frozen=True)
class RowCounts:
    """The number of rows and the first and last day of a table."""

    rows: int
    first: date | None
    last: date | None
    empty: tuple[str, ...] = ()
    """Columns that signals need and no row fills."""


def connected_audit(
    connection: duckdb.DuckDBPyConnection,
    staging: StagingTable,
    as_of: date,
    filled: set[str],
    counts: RowCounts | None = None,
) -> SourceAudit:
    """The audit of a table that was read into its typed table."""
    table, exported_on = staging.table, staging.mapped.exported_on
    found = counts or _counts(connection, table, as_of, filled)
    left_out = rows_left_out(staging)
    # A table of which no row could be used has seen nothing, whenever it was exported.
    is_seen = found.rows > 0 or left_out == 0
    return SourceAudit(
        table=table.name,
        connected=True,
        location=staging.raw_table.location,
        rows=found.rows,
        rows_left_out=left_out,
        first_date=found.first,
        last_date=found.last,
        seen_until=min(exported_on, as_of) if exported_on and is_seen else found.last,
        columns=tuple(column.name for column in table.columns if column.name in filled),
        columns_absent=tuple(c.name for c in table.columns if c.missed and not c.required and c.name not in filled),
        columns_ignored=staging.columns.ignored,
        columns_empty=found.empty if found.rows else (),
        notices=(*staging.raw_table.notices, *staging.notices),
    )


def _counts(connection: duckdb.DuckDBPyConnection, table: Table, as_of: date, filled: set[str]) -> RowCounts:
    columns = ["count(*)"]
    for name in table.freshness_columns:
        day = f"CASE WHEN {sql_identifier(name)} <= {sql_date(as_of)} THEN {sql_identifier(name)} END"
        columns += [f"min({day})", f"max({day})"]
    needed = [name for name in needed_columns(table) if name in filled]
    chosen = ", ".join([*columns, *(f"count({sql_identifier(name)})" for name in needed)])
    row = connection.execute(f"SELECT {chosen} FROM {sql_identifier(table.name)}").fetchone() or (0,)
    days = [day for day in row[1 : len(columns)] if day is not None]
    empty = tuple(name for name, count in zip(needed, row[len(columns) :], strict=False) if not count)
    return RowCounts(int(row[0]), min(days, default=None), max(days, default=None), empty)
