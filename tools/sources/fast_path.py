"""The quick way in, for a source with types of its own: one pass, only the columns that the signals read, no copy as text.

It holds for a table in which every cell can be used and every row belongs to an account. Whether that is so is asked
afterwards, at once for all tables; one with a fault is read again the careful way, which names each row and reason.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import duckdb

from domain.tables import TABLES, Column, Table
from tools.signals import FEW_TEXTS, TEXT_COLUMNS, match_sql, single_line_sql
from tools.signals.sql_columns import signal_inputs
from tools.sources.currencies import CurrencyRates
from tools.sources.parse import LONG_TEXT_COLUMNS, SQL_TYPES, clean_long_text, clean_text
from tools.sources.raw_tables import sql_identifier, sql_string
from tools.sources.staging_table import (
    AMOUNT_COLUMNS,
    ReadPlan,
    StagingTable,
    layered_query,
    required_problem,
    table_expressions,
)
from tools.sources.validation_rules import hide_future


@dataclass(frozen=True)
class TextFilter:
    """Which texts are wanted: those of the last ``window_days`` days that match ``pattern``, without regard to case."""

    pattern: str
    window_days: int


def allows_fast_path(stage: StagingTable) -> bool:
    """Whether every column has a type that fits and nothing about it has to be translated."""
    mapped = stage.mapped
    translated = mapped.constants or mapped.values or mapped.units or mapped.renewals
    return not translated and all(stage.styles[name].typed for name in stage.columns.position)


def fast_path_sql(
    stage: StagingTable,
    plan: ReadPlan,
    as_of: date,
    money: CurrencyRates,
    texts: TextFilter | None,
    wanted: Sequence[str],
) -> str:
    """The typed table as it will be, and for each row whether it is ``odd``: something in it cannot be used."""
    table = stage.table
    readings = table_expressions(stage, wanted, quick=True)
    many = stage.raw.rows == 0 or stage.raw.rows > FEW_TEXTS
    said = _text_expressions(table, readings, texts, as_of) if texts and many and table.name in TEXT_COLUMNS else None
    found = said.cells if said else {}
    cells, odd = [], []
    for column in table.columns:
        if column.name not in wanted:
            continue
        value = found.get(column.name, _cell_value(column, readings))
        cells.append(f"CAST({value} AS {SQL_TYPES[column.kind]}) AS {sql_identifier(column.name)}")
        if column.name in readings:
            problems = [*required_problem(column), *readings[column.name].problems, *plan.limits.get(column.name, ())]
            odd += [condition for condition, _ in problems]
    if table.date_column:
        odd.append(f"v_{table.date_column} > DATE '{as_of}'")
    flag = f"coalesce({' OR '.join(f'({condition})' for condition in odd)}, false) AS odd"
    source = f"SELECT * FROM ({layered_query(stage.raw, readings)}) WHERE {plan.keep}"
    for columns in said.columns if said else ():
        source = f"SELECT *, {columns} FROM ({source})"
    inner = f"SELECT row_no, {', '.join(cells)}, {flag} FROM ({source})"
    return f"SELECT {', '.join(_final_cells(table, as_of, money, wanted))}, s.row_no, s.odd FROM ({inner}) s"


def _final_cells(table: Table, as_of: date, money: CurrencyRates, wanted: Sequence[str]) -> list[str]:
    """The cells over ``s``: without what had not happened yet, amounts also in the home currency."""
    replaced = hide_future(table.name, as_of)
    own = f"coalesce(s.currency, {sql_string(money.home)})" if table.name == "accounts" else "s.currency"
    currency = f"upper({own})"  # an invoice without one has that of its account: the careful way
    if table.name in AMOUNT_COLUMNS:
        replaced["currency"] = currency
    cells = [
        f"{replaced.get(name, '{0}').format(f's.{sql_identifier(name)}')} AS {sql_identifier(name)}"
        for name in table.names
        if name in wanted
    ]
    if table.name in AMOUNT_COLUMNS:
        cells.append(
            f"{money.home_amount(f's.{AMOUNT_COLUMNS[table.name]}', currency)} AS {AMOUNT_COLUMNS[table.name]}_home"
        )
    return cells


def _cell_value(column: Column, readings: Mapping[str, object]) -> str:
    if column.name not in readings:
        return "NULL"
    return clean_text(f"v_{column.name}") if column.name in LONG_TEXT_COLUMNS else f"v_{column.name}"


@dataclass(frozen=True)
class _TextExpressions:
    """What is kept of the texts of a table: ``columns`` to add layer by layer, and the ``cells`` that come of them."""

    columns: tuple[str, ...]
    cells: dict[str, str]


def _text_expressions(table: Table, readings: Mapping[str, object], texts: TextFilter, as_of: date) -> _TextExpressions:
    """Of a text, nothing but that it is there, unless a phrase is found in it. Old texts are not looked at."""
    day, names, whole = TEXT_COLUMNS[table.name]
    there = [name for name in names if name in readings]
    if not there:
        return _TextExpressions((), {})
    first = as_of - timedelta(days=texts.window_days)
    recent = f"v_{day} BETWEEN DATE '{first}' AND DATE '{as_of}'"
    clean = ", ".join(f"CASE WHEN {recent} THEN {clean_long_text(f'v_{name}')} END AS l_{name}" for name in there)
    line = whole.format(**{name: f"l_{name}" if name in there else "NULL" for name in names})
    cells = {name: f"CASE WHEN has_said THEN l_{name} WHEN v_{name} IS NOT NULL THEN '' END" for name in there}
    return _TextExpressions(
        (clean, f"{single_line_sql(line)} AS line", f"{match_sql('line', texts.pattern)} AS has_said"), cells
    )


def read_fast_path(
    connection: duckdb.DuckDBPyConnection,
    stage: StagingTable,
    plan: ReadPlan,
    as_of: date,
    money: CurrencyRates,
    texts: TextFilter | None,
) -> None:
    """Make the table, in the order of the source."""
    name = stage.table.name
    stage.sql = fast_path_sql(stage, plan, as_of, money, texts, sorted(signal_inputs(name)))
    connection.execute(f"DROP TABLE {sql_identifier(name)}")
    connection.execute(f"CREATE TABLE {sql_identifier(name)} AS {stage.sql}")


def all_columns_sql(stage: StagingTable, plan: ReadPlan, as_of: date, money: CurrencyRates) -> str:
    """What stands after FROM to have every column of a table that was read quickly."""
    return f"({fast_path_sql(stage, plan, as_of, money, None, stage.table.names)})"


def tables_with_faults(connection: duckdb.DuckDBPyConnection, stages: Sequence[StagingTable]) -> set[str]:
    """The tables among ``stages`` (read quickly) that hold something which has to be looked at row by row."""
    names = {stage.table.name for stage in stages}
    found = {name for name in sorted(names) if _is_true(connection, _fault_query(name))}
    if "accounts" in found:
        return names
    held = sorted({"usage_by_account" if name == "usage" else name for name in names - {"accounts"}})
    if held:
        ids = " UNION ALL ".join(f"SELECT {place} AS place, account_id FROM {name}" for place, name in enumerate(held))
        rows = connection.execute(
            f"SELECT DISTINCT place FROM ({ids}) s ANTI JOIN accounts a ON a.account_id = s.account_id"
        ).fetchall()
        found |= {held[place].removesuffix("_by_account") for (place,) in rows}
    if {"touchpoints", "contacts"} <= names and _is_true(connection, _CONTACT_IDS):
        found.add("touchpoints")
    return found


_CONTACT_IDS = (
    "SELECT count(DISTINCT length(contact_id)) > 1 FROM (SELECT contact_id FROM touchpoints UNION ALL"
    " SELECT contact_id FROM contacts) WHERE length(contact_id) IN (15, 18)"
)
"""Whether contacts are written with Salesforce ids of both lengths."""


def _fault_query(name: str) -> str:
    """A query for whether any row of a table is odd, repeats its key, or has an amount in an unknown currency."""
    if name == "usage":
        return "SELECT bool_or(any_unusual > 0) FROM usage_by_account"
    tests = ["bool_or(odd)"]
    if name in AMOUNT_COLUMNS:
        tests.append(f"count({AMOUNT_COLUMNS[name]}) <> count({AMOUNT_COLUMNS[name]}_home)")
    if key := TABLES[name].key:
        tests.append(f"count(*) <> count(DISTINCT {key})")
    if name == "accounts":
        tests.append("count(*) = 0")
        tests.append("bool_or(length(account_id) IN (15, 18)) AND min(length(account_id)) <> max(length(account_id))")
        tests.append(
            "count(parent_account_id) > 0 AND (SELECT count(*) FROM accounts c ANTI JOIN accounts p ON"
            " p.account_id = c.parent_account_id WHERE c.parent_account_id IS NOT NULL) > 0"
        )
    return f"SELECT {' OR '.join(f'coalesce({test}, false)' for test in tests)} FROM {sql_identifier(name)}"


def _is_true(connection: duckdb.DuckDBPyConnection, query: str) -> bool:
    row = connection.execute(query).fetchone()
    return bool(row and row[0])
