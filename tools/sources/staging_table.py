"""One table from raw cells to typed rows: read every cell, check every row, keep the usable rows in file order.

Everything is SQL over whole columns; no row passes through Python. The staging table ``stage_<table>`` holds the typed
values, and ``bad_<column>`` for each column that can have a problem: the number of the reason, 0 for none. The table
``left_out_<table>`` holds the rows that are left out, each with the number of its reason.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import duckdb

from domain.data_audit import EXACT_REPEAT
from domain.errors import DataError
from domain.tables import Column, Table
from tools.sources.column_formats import ColumnExpressions, ColumnFormat
from tools.sources.column_matching import ColumnMatch
from tools.sources.mapping import MAY_BE_UNKNOWN, TableMapping, is_unknown
from tools.sources.parse import SQL_TYPES, amount_currency, column_expressions
from tools.sources.raw_tables import RawTable, error_summary
from tools.sources.reasons import REQUIRED_IS_EMPTY, repeated_key
from tools.sql import sql_identifier, sql_string

AMOUNT_COLUMNS = {"accounts": "arr", "invoices": "amount"}
"""By table: the column that is also kept in the home currency, as ``<column>_home``."""


@dataclass(frozen=True)
class LeftOutReason:
    """The reason for leaving out a row; ``column`` is the one at fault, where there is one."""

    column: str | None
    text: str


@dataclass(frozen=True)
class ReadPlan:
    """The rows of a table that are read, and the ranges of its cells."""

    keep: str = "true"
    """A condition over v_ columns."""
    limits: Mapping[str, Sequence[tuple[str, str]]] = field(default_factory=dict)
    """(condition over v_ columns, reason) per column."""


@dataclass
class StagingTable:
    """A table on its way from the source to the typed table. ``cell_reasons`` and ``row_reasons`` are numbered from 1."""

    table: Table
    raw_table: RawTable
    columns: ColumnMatch
    mapped: TableMapping
    formats: dict[str, ColumnFormat]
    notices: list[str] = field(default_factory=list)
    cell_reasons: dict[str, list[str]] = field(default_factory=dict)
    row_reasons: list[LeftOutReason] = field(default_factory=list)
    left_out_count: int = 0
    """The number of rows that are left out."""
    sql: str = ""
    """The query that read it, for ``--explain``."""
    aggregate_sql: str = ""
    """The query that made one row an account of it, for ``--explain``; empty for a table that was not aggregated."""
    repeats: tuple[int, tuple[int, ...]] = (0, ())
    """Rows that the fast path left out because they are equal to earlier ones: how many, and the first row numbers."""
    usage_days: int | None = None
    """Usage with types of its own and rows on one weekday: its recent days, as `usage_grain.find_days` yields them."""
    days_of_row: int = 1
    """Usage: the days that one row stands for."""
    fast_path: bool = False
    """True while the typed table is filled directly, without a staging table."""

    @property
    def name(self) -> str:
        """The relation with the typed values."""
        return sql_identifier(self.table.name if self.fast_path else f"stage_{self.table.name}")

    @property
    def is_aggregated(self) -> bool:
        """True for usage with types of its own: it is aggregated to one row an account in place, and never copied.

        Not where days without a row are filled: those rows have to go somewhere.
        """
        return self.table.name == "usage" and bool(self.raw_table.types) and self.mapped.no_row == "unknown"

    @property
    def left_out_table(self) -> str:
        """The temporary table with the rows left out."""
        return sql_identifier(f"left_out_{self.table.name}")

    @property
    def columns_with_problems(self) -> list[str]:
        """The columns that have a problem number."""
        return [name for name, reasons in self.cell_reasons.items() if reasons]

    def usable_cells(self, replaced: Mapping[str, str], names: Sequence[str]) -> list[str]:
        """Expressions over the staging table ``s``: each cell, or NULL where it cannot be used.

        ``replaced`` gives another expression for a column, with {} or {0} for its cell.
        """
        cells = []
        for column in self.table.columns:
            if column.name not in names:
                continue
            cell = f"s.{sql_identifier(column.name)}"
            if not column.required and self.cell_reasons.get(column.name):
                cell = f"CASE WHEN s.{sql_identifier('bad_' + column.name)} = 0 THEN {cell} END"
            cells.append(f"{replaced.get(column.name, '{}').format(cell)} AS {sql_identifier(column.name)}")
        return cells

    @property
    def kept_condition(self) -> str:
        """A condition over the staging table ``s``: the row is not left out."""
        return f"s.row_no NOT IN (SELECT row_no FROM {self.left_out_table})" if self.left_out_count else "true"


@dataclass(frozen=True)
class RowRule:
    """A row for which ``condition`` holds over the staging table ``s`` is left out."""

    column: str | None
    condition: str
    reason: str


def table_expressions(
    staging: StagingTable, wanted: Collection[str], fast_path: bool = False
) -> dict[str, ColumnExpressions]:
    """By column that the source has: the expressions that read it; choices first, because a score depends on the kind."""
    return {
        column.name: column_expressions(
            staging.table.name, column, cell, replace(staging.formats[column.name], fast_path=fast_path)
        )
        for column in _choices_first(staging.table.columns)
        if column.name in wanted and (cell := _source_cell(column, staging)) is not None
    }


def staging_sql(staging: StagingTable, plan: ReadPlan) -> str:
    """The query of all cells as typed values with their problem numbers. Sets ``cell_reasons``."""
    table = staging.table
    expressions = table_expressions(staging, table.names)
    named = _currency_sql(table, expressions)
    cells = []
    for column in table.columns:
        value, problems = "NULL", []
        if column.name in expressions:
            value = f"v_{column.name}"
            problems = [
                *required_problem(column),
                *expressions[column.name].problems,
                *plan.limits.get(column.name, ()),
            ]
        if column.name == AMOUNT_COLUMNS.get(table.name) and "currency" in expressions:
            problems.append((f"{named} <> upper(t_currency)", "the amount names another currency than its row"))
        if column.name == "currency":
            value = f"coalesce({value}, {named})"
        staging.cell_reasons[column.name] = [reason for _, reason in problems]
        cells.append(f"CAST({value} AS {SQL_TYPES[column.kind]}) AS {sql_identifier(column.name)}")
        if problems:
            whens = " ".join(f"WHEN {condition} THEN {number}" for number, (condition, _) in enumerate(problems, 1))
            cells.append(f"CAST(CASE {whens} ELSE 0 END AS UTINYINT) AS {sql_identifier('bad_' + column.name)}")
    return f"SELECT row_no, {', '.join(cells)} FROM ({layered_query(staging.raw_table, expressions)}) WHERE {plan.keep}"


def read_into_staging(
    connection: duckdb.DuckDBPyConnection, staging: StagingTable, plan: ReadPlan, copied: bool = True
) -> None:
    """Create the staging table. With ``copied`` false it is a view, for a table that is only aggregated."""
    staging.sql = staging_sql(staging, plan)
    try:
        connection.execute(f"CREATE OR REPLACE TEMP {'TABLE' if copied else 'VIEW'} {staging.name} AS {staging.sql}")
    except duckdb.IOException as error:
        raise DataError(
            f"{staging.raw_table.full_name} cannot be read: {error_summary(error)}. Export it again."
        ) from error


def _currency_sql(table: Table, expressions: dict[str, ColumnExpressions]) -> str:
    price = AMOUNT_COLUMNS.get(table.name)
    return amount_currency(f"p_{price}") if price in expressions and expressions[price].parts else "NULL"


def _choices_first(columns: tuple[Column, ...]) -> list[Column]:
    return sorted(columns, key=lambda column: column.kind != "choice")


def _source_cell(column: Column, staging: StagingTable) -> str | None:
    if is_unknown(staging.mapped.constants.get(column.name, "known")):
        return "CAST(NULL AS VARCHAR)"
    if column.name in staging.mapped.constants:
        return sql_string(staging.mapped.constants[column.name])
    index = staging.columns.position.get(column.name)
    if index is None:
        return None
    if (other := staging.columns.fallbacks.get(column.name)) is not None:
        return f"coalesce(nullif(trim({staging.raw_table.text(index)}), ''), {staging.raw_table.text(other)})"
    as_it_is = staging.formats[column.name].typed and column.kind not in ("id", "text", "choice")
    return f"c{index}" if as_it_is else staging.raw_table.text(index)


def required_problem(column: Column) -> list[tuple[str, str]]:
    """The problem of an empty cell that must not be empty."""
    if not column.required or column.name in MAY_BE_UNKNOWN:
        return []
    return [(f"t_{column.name} IS NULL", REQUIRED_IS_EMPTY)]


def layered_query(raw_table: RawTable, expressions: dict[str, ColumnExpressions], more: str = "") -> str:
    """Text, then parts, then values, each in a query around the one before: DuckDB computes every layer once.

    The kind of a survey comes one layer early, because the meaning of its score depends on it. ``more`` is a further
    column of the source, after a comma.
    """
    texts = ", ".join(f"{item.text} AS t_{name}" for name, item in expressions.items())
    parts = "".join(f", {item.parts} AS p_{name}" for name, item in expressions.items() if item.parts)
    first = {name: item for name, item in expressions.items() if name == "kind"}
    kinds = "".join(f", {item.value} AS v_{name}" for name, item in first.items())
    values = ", ".join(f"{item.value} AS v_{name}" for name, item in expressions.items() if name not in first)
    query = f"SELECT row_no, {texts}{more} FROM {raw_table.relation}"
    query = f"SELECT *{parts}{kinds} FROM ({query})"
    return f"SELECT *, {values} FROM ({query})"


def leave_out_rows(
    connection: duckdb.DuckDBPyConnection,
    staging: StagingTable,
    rules: Sequence[RowRule],
    joins: str = "",
    may_repeat: bool = True,
) -> None:
    """Leave out rows with an unusable required cell, rows that break a rule, then repeats; the first reason counts.

    A repeat has the key of an earlier row, or in a table without a key all its cells. ``may_repeat`` false: such a table
    is known to have none.
    """
    staging.row_reasons = []
    whens = []
    for column in staging.table.columns:
        if column.required and staging.cell_reasons.get(column.name):
            start = len(staging.row_reasons)
            staging.row_reasons += [LeftOutReason(column.name, text) for text in staging.cell_reasons[column.name]]
            bad = f"s.{sql_identifier('bad_' + column.name)}"
            whens.append(f"WHEN {bad} > 0 THEN {start} + {bad}")
    for rule in rules:
        staging.row_reasons.append(LeftOutReason(rule.column, rule.reason))
        whens.append(f"WHEN {rule.condition} THEN {len(staging.row_reasons)}")
    cases = f"CASE {' '.join(whens)} ELSE 0 END"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {staging.left_out_table} AS SELECT * FROM"
        f" (SELECT s.row_no, CAST({cases} AS INTEGER) AS reason FROM {staging.name} s {joins}) WHERE reason > 0"
    )
    if staging.table.key and staging.table.name != "accounts":
        _leave_out_repeats(connection, staging, staging.table.key)
    elif not staging.table.key and may_repeat and has_exact_repeats(connection, staging.raw_table):
        _leave_out_exact_repeats(connection, staging)
    row = connection.execute(f"SELECT count(*) FROM {staging.left_out_table}").fetchone()
    staging.left_out_count = int(row[0]) if row else 0


def _leave_out_repeats(connection: duckdb.DuckDBPyConnection, staging: StagingTable, key: str) -> None:
    """Leave out all but the first kept row of each key: a row with another problem never takes the place of a good one."""
    unique = f"SELECT count({sql_identifier(key)}) = count(DISTINCT {sql_identifier(key)}) FROM {staging.name}"
    if (connection.execute(unique).fetchone() or (False,))[0]:
        return
    staging.row_reasons.append(LeftOutReason(key, repeated_key(key)))
    connection.execute(
        f"INSERT INTO {staging.left_out_table} SELECT row_no, {len(staging.row_reasons)} FROM (SELECT s.row_no,"
        f" row_number() OVER (PARTITION BY s.{sql_identifier(key)} ORDER BY s.row_no) AS place FROM {staging.name} s"
        f" ANTI JOIN {staging.left_out_table} v USING (row_no)) WHERE place > 1"
    )


def has_exact_repeats(connection: duckdb.DuckDBPyConnection, raw_table: RawTable) -> bool:
    """True where two rows of the source may be equal in all their columns, those that are not read included."""
    different = f"SELECT count(*) = count(DISTINCT {row_hash(raw_table)}) FROM {raw_table.relation}"
    return not (connection.execute(different).fetchone() or (True,))[0]


def row_hash(raw_table: RawTable) -> str:
    """A number that two equal rows of the source have in common."""
    return f"hash({_all_cells(raw_table)})"


def _all_cells(raw_table: RawTable, alias: str = "") -> str:
    return ", ".join(f"{alias}c{index}" for index in range(len(raw_table.header)))


def _leave_out_exact_repeats(connection: duckdb.DuckDBPyConnection, staging: StagingTable) -> None:
    """Leave out all but the first of the kept rows that are equal cell by cell."""
    staging.row_reasons.append(LeftOutReason(None, EXACT_REPEAT))
    connection.execute(
        f"INSERT INTO {staging.left_out_table} SELECT row_no, {len(staging.row_reasons)} FROM (SELECT s.row_no,"
        f" row_number() OVER (PARTITION BY {_all_cells(staging.raw_table, 'r.')} ORDER BY s.row_no) AS place"
        f" FROM {staging.name} s JOIN {staging.raw_table.relation} r ON r.row_no = s.row_no"
        f" ANTI JOIN {staging.left_out_table} v ON v.row_no = s.row_no) WHERE place > 1"
    )


def insert_rows(
    connection: duckdb.DuckDBPyConnection,
    staging: StagingTable,
    replaced: dict[str, str],
    added: Sequence[str] = (),
    joins: str = "",
) -> None:
    """Fill the typed table. ``replaced`` gives another expression for a column, ``added`` further ones at the end."""
    names = [column.name for column in staging.table.columns]
    connection.execute(
        f"INSERT INTO {sql_identifier(staging.table.name)} SELECT {', '.join([*staging.usable_cells(replaced, names), 's.row_no', *added])}"
        f" FROM {staging.name} s {joins} WHERE {staging.kept_condition} ORDER BY s.row_no"
    )
