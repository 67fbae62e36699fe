"""The quick way in, for a source with types of its own: one pass, only the columns that the signals read, no copy as text.

It holds for a table in which every cell can be used and every row belongs to an account. Whether that is so is asked
afterwards, at once for all tables; one with a fault is read again the careful way, which names each row and reason.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import duckdb

from domain.tables import TABLES, Column, Table
from tools.signals import FEW_TEXTS, READS, TEXTS, matching, on_one_line
from tools.sources.clean import PRICES, Plan, Stage, layers, readings_of, required
from tools.sources.money import Money
from tools.sources.parse import LONG_TEXTS, SQL_TYPES, clean_text, clean_texts
from tools.sources.raw import literal, quoted
from tools.sources.rules import not_yet


@dataclass(frozen=True)
class TextFilter:
    """Which texts are wanted: those of the last ``window_days`` days that match ``pattern``, without regard to case."""

    pattern: str
    window_days: int


def can_be_quick(stage: Stage) -> bool:
    """Whether every column has a type that fits and nothing about it has to be translated."""
    mapped = stage.mapped
    translated = mapped.constants or mapped.values or mapped.units or mapped.renewals
    return not translated and all(stage.styles[name].typed for name in stage.columns.position)


def quick_sql(
    stage: Stage, plan: Plan, as_of: date, money: Money, texts: TextFilter | None, wanted: Sequence[str]
) -> str:
    """The typed table as it will be, and for each row whether it is ``odd``: something in it cannot be used."""
    table = stage.table
    readings = readings_of(stage, wanted, quick=True)
    many = stage.raw.rows == 0 or stage.raw.rows > FEW_TEXTS
    said = _said(table, readings, texts, as_of) if texts and many and table.name in TEXTS else None
    found = said.cells if said else {}
    cells, odd = [], []
    for column in table.columns:
        if column.name not in wanted:
            continue
        value = found.get(column.name, _plain(column, readings))
        cells.append(f"CAST({value} AS {SQL_TYPES[column.kind]}) AS {quoted(column.name)}")
        if column.name in readings:
            problems = [*required(column), *readings[column.name].problems, *plan.limits.get(column.name, ())]
            odd += [condition for condition, _ in problems]
    if table.dated:
        odd.append(f"v_{table.dated} > DATE '{as_of}'")
    flag = f"coalesce({' OR '.join(f'({condition})' for condition in odd)}, false) AS odd"
    source = f"SELECT * FROM ({layers(stage.raw, readings)}) WHERE {plan.keep}"
    for columns in said.columns if said else ():
        source = f"SELECT *, {columns} FROM ({source})"
    inner = f"SELECT row_no, {', '.join(cells)}, {flag} FROM ({source})"
    return f"SELECT {', '.join(_outer(table, as_of, money, wanted))}, s.row_no, s.odd FROM ({inner}) s"


def _outer(table: Table, as_of: date, money: Money, wanted: Sequence[str]) -> list[str]:
    """The cells over ``s``: without what had not happened yet, amounts also in the home currency."""
    replaced = not_yet(table.name, as_of)
    own = f"coalesce(s.currency, {literal(money.home)})" if table.name == "accounts" else "s.currency"
    currency = f"upper({own})"  # an invoice without one has that of its account: the careful way
    if table.name in PRICES:
        replaced["currency"] = currency
    cells = [
        f"{replaced.get(name, '{0}').format(f's.{quoted(name)}')} AS {quoted(name)}"
        for name in table.names
        if name in wanted
    ]
    if table.name in PRICES:
        cells.append(f"{money.at_home(f's.{PRICES[table.name]}', currency)} AS {PRICES[table.name]}_home")
    return cells


def _plain(column: Column, readings: Mapping[str, object]) -> str:
    if column.name not in readings:
        return "NULL"
    return clean_text(f"v_{column.name}") if column.name in LONG_TEXTS else f"v_{column.name}"


@dataclass(frozen=True)
class _Said:
    """What is kept of the texts of a table: ``columns`` to add layer by layer, and the ``cells`` that come of them."""

    columns: tuple[str, ...]
    cells: dict[str, str]


def _said(table: Table, readings: Mapping[str, object], texts: TextFilter, as_of: date) -> _Said:
    """Of a text, nothing but that it is there, unless a phrase is found in it. Old texts are not looked at."""
    day, names, whole = TEXTS[table.name]
    there = [name for name in names if name in readings]
    if not there:
        return _Said((), {})
    first = as_of - timedelta(days=texts.window_days)
    recent = f"v_{day} BETWEEN DATE '{first}' AND DATE '{as_of}'"
    clean = ", ".join(f"CASE WHEN {recent} THEN {clean_texts(f'v_{name}')} END AS l_{name}" for name in there)
    line = whole.format(**{name: f"l_{name}" if name in there else "NULL" for name in names})
    cells = {name: f"CASE WHEN has_said THEN l_{name} WHEN v_{name} IS NOT NULL THEN '' END" for name in there}
    return _Said((clean, f"{on_one_line(line)} AS line", f"{matching('line', texts.pattern)} AS has_said"), cells)


def read_quickly(
    connection: duckdb.DuckDBPyConnection, stage: Stage, plan: Plan, as_of: date, money: Money, texts: TextFilter | None
) -> None:
    """Make the table, in the order of the source."""
    name = stage.table.name
    stage.sql = quick_sql(stage, plan, as_of, money, texts, sorted(READS[name]))
    connection.execute(f"DROP TABLE {quoted(name)}")
    connection.execute(f"CREATE TABLE {quoted(name)} AS {stage.sql}")


def whole_sql(stage: Stage, plan: Plan, as_of: date, money: Money) -> str:
    """What stands after FROM to have every column of a table that was read quickly."""
    return f"({quick_sql(stage, plan, as_of, money, None, stage.table.names)})"


def faulty(connection: duckdb.DuckDBPyConnection, stages: Sequence[Stage]) -> set[str]:
    """The tables among ``stages`` (read quickly) that hold something which has to be looked at row by row."""
    names = {stage.table.name for stage in stages}
    found = {name for name in sorted(names) if _any(connection, _odd(name))}
    if "accounts" in found:
        return names
    held = sorted({"usage_by_account" if name == "usage" else name for name in names - {"accounts"}})
    if held:
        ids = " UNION ALL ".join(f"SELECT {place} AS place, account_id FROM {name}" for place, name in enumerate(held))
        rows = connection.execute(
            f"SELECT DISTINCT place FROM ({ids}) s ANTI JOIN accounts a ON a.account_id = s.account_id"
        ).fetchall()
        found |= {held[place].removesuffix("_by_account") for (place,) in rows}
    if {"touchpoints", "contacts"} <= names and _any(connection, _CONTACT_IDS):
        found.add("touchpoints")
    return found


_CONTACT_IDS = (
    "SELECT count(DISTINCT length(contact_id)) > 1 FROM (SELECT contact_id FROM touchpoints UNION ALL"
    " SELECT contact_id FROM contacts) WHERE length(contact_id) IN (15, 18)"
)
"""Whether contacts are written with Salesforce ids of both lengths."""


def _odd(name: str) -> str:
    """A query for whether any row of a table is odd, repeats its key, or has an amount in an unknown currency."""
    if name == "usage":
        return "SELECT bool_or(any_unusual > 0) FROM usage_by_account"
    tests = ["bool_or(odd)"]
    if name in PRICES:
        tests.append(f"count({PRICES[name]}) <> count({PRICES[name]}_home)")
    if key := TABLES[name].key:
        tests.append(f"count(*) <> count(DISTINCT {key})")
    if name == "accounts":
        tests.append("count(*) = 0")
        tests.append("bool_or(length(account_id) IN (15, 18)) AND min(length(account_id)) <> max(length(account_id))")
        tests.append(
            "count(parent_account_id) > 0 AND (SELECT count(*) FROM accounts c ANTI JOIN accounts p ON"
            " p.account_id = c.parent_account_id WHERE c.parent_account_id IS NOT NULL) > 0"
        )
    return f"SELECT {' OR '.join(f'coalesce({test}, false)' for test in tests)} FROM {quoted(name)}"


def _any(connection: duckdb.DuckDBPyConnection, query: str) -> bool:
    row = connection.execute(query).fetchone()
    return bool(row and row[0])
