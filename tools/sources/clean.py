"""One table from raw text to typed rows: read every cell, judge every row, keep the good ones in file order.

Everything is SQL over whole columns. ``stage`` holds typed values with a problem number a column (0 is none);
``verdict`` holds the rows that are left out, each with the number of its reason.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import duckdb

from domain.tables import Column, Table
from tools.sources.mapping import TableMapping
from tools.sources.names import Columns
from tools.sources.parse import SQL_TYPES, currency_named, reading
from tools.sources.raw import Raw, literal, quoted
from tools.sources.reading import Reading, Style

PRICES = {"accounts": "arr", "invoices": "amount"}


@dataclass(frozen=True)
class Reason:
    """Why a row is left out, or a cell set to unknown."""

    column: str | None
    text: str


@dataclass
class Stage:
    """A table being cleaned."""

    table: Table
    raw: Raw
    columns: Columns
    constants: dict[str, str]
    notices: list[str] = field(default_factory=list)
    cell_reasons: dict[str, list[str]] = field(default_factory=dict)
    row_reasons: list[Reason] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The temporary table with the typed values."""
        return quoted(f"stage_{self.table.name}")

    @property
    def verdict(self) -> str:
        """The temporary table with the rows left out."""
        return quoted(f"verdict_{self.table.name}")


@dataclass(frozen=True)
class Rule:
    """A row for which ``condition`` holds over the stage ``s`` is left out."""

    column: str | None
    condition: str
    reason: str


def read_stage(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    raw: Raw,
    columns: Columns,
    mapped: TableMapping,
    styles: dict[str, Style],
    keep: str,
    limits: dict[str, Sequence[tuple[str, str]]],
) -> Stage:
    """Read all cells. ``keep`` is a condition over v_ columns; ``limits`` are (condition, reason) per column."""
    stage = Stage(table, raw, columns, mapped.constants)
    readings = {
        column.name: reading(table.name, column, cell, styles[column.name])
        for column in _choices_first(table.columns)
        if (cell := _cell(column, columns, mapped)) is not None
    }
    named = _currency_named(table, readings)
    cells = []
    for column in table.columns:
        value, problems = "NULL", []
        if column.name in readings:
            value = f"v_{column.name}"
            problems = [*_required(column), *readings[column.name].problems, *limits.get(column.name, ())]
        if column.name == PRICES.get(table.name) and "currency" in readings:
            problems.append((f"{named} <> upper(t_currency)", "the amount names another currency than its row"))
        if column.name == "currency":
            value = f"coalesce({value}, {named})"
        stage.cell_reasons[column.name] = [reason for _, reason in problems]
        whens = " ".join(f"WHEN {condition} THEN {number}" for number, (condition, _) in enumerate(problems, 1))
        code = f"CASE {whens} ELSE 0 END" if problems else "0"
        cells.append(f"CAST({value} AS {SQL_TYPES[column.kind]}) AS {quoted(column.name)}")
        cells.append(f"CAST({code} AS UTINYINT) AS {quoted('bad_' + column.name)}")
    query = f"SELECT row_no, {', '.join(cells)} FROM ({_layers(raw, readings)}) WHERE {keep}"
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {stage.name} AS {query}")
    return stage


def _currency_named(table: Table, readings: dict[str, Reading]) -> str:
    price = PRICES.get(table.name)
    return currency_named(f"p_{price}") if price in readings and readings[price].parts else "NULL"


def _choices_first(columns: tuple[Column, ...]) -> list[Column]:
    return sorted(columns, key=lambda column: column.kind != "choice")


def _cell(column: Column, columns: Columns, mapped: TableMapping) -> str | None:
    if column.name in mapped.constants:
        return literal(mapped.constants[column.name])
    index = columns.position.get(column.name)
    return None if index is None else f"c{index}"


def _required(column: Column) -> list[tuple[str, str]]:
    if not column.required or column.name == "renewal_date":
        return []
    return [(f"t_{column.name} IS NULL", "empty, and it is required")]


def _layers(raw: Raw, readings: dict[str, Reading]) -> str:
    """Text, then parts, then values: choices before the rest, because a score depends on the kind of survey."""
    texts = ", ".join(f"{item.text} AS t_{name}" for name, item in readings.items())
    parts = "".join(f", {item.parts} AS p_{name}" for name, item in readings.items() if item.parts)
    first = {name: item for name, item in readings.items() if name == "kind"}
    kinds = "".join(f", {item.value} AS v_{name}" for name, item in first.items())
    values = ", ".join(f"{item.value} AS v_{name}" for name, item in readings.items() if name not in first)
    query = f"SELECT row_no, {texts} FROM {raw.relation}"
    query = f"SELECT *{parts}{kinds} FROM ({query})"
    return f"SELECT *, {values} FROM ({query})"


def judge(connection: duckdb.DuckDBPyConnection, stage: Stage, rules: Sequence[Rule], joins: str = "") -> None:
    """Leave out rows with an unusable required cell, rows that break a rule, then repeated keys."""
    stage.row_reasons = []
    whens = []
    for column in stage.table.columns:
        if column.required:
            start = len(stage.row_reasons)
            stage.row_reasons += [Reason(column.name, text) for text in stage.cell_reasons[column.name]]
            bad = f"s.{quoted('bad_' + column.name)}"
            whens.append(f"WHEN {bad} > 0 THEN {start} + {bad}")
    for rule in rules:
        stage.row_reasons.append(Reason(rule.column, rule.reason))
        whens.append(f"WHEN {rule.condition} THEN {len(stage.row_reasons)}")
    cases = f"CASE {' '.join(whens)} ELSE 0 END"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {stage.verdict} AS SELECT * FROM"
        f" (SELECT s.row_no, CAST({cases} AS INTEGER) AS reason FROM {stage.name} s {joins}) WHERE reason > 0"
    )
    if stage.table.key and stage.table.name != "accounts":
        _leave_out_repeats(connection, stage, stage.table.key)


def _leave_out_repeats(connection: duckdb.DuckDBPyConnection, stage: Stage, key: str) -> None:
    stage.row_reasons.append(Reason(key, f"this {key} is there already; the first row is kept"))
    connection.execute(
        f"INSERT INTO {stage.verdict} SELECT row_no, {len(stage.row_reasons)} FROM (SELECT s.row_no,"
        f" row_number() OVER (PARTITION BY s.{quoted(key)} ORDER BY s.row_no) AS place FROM {stage.name} s"
        f" ANTI JOIN {stage.verdict} v USING (row_no)) WHERE place > 1"
    )


def store(
    connection: duckdb.DuckDBPyConnection,
    stage: Stage,
    replaced: dict[str, str],
    added: Sequence[str] = (),
    joins: str = "",
) -> None:
    """Fill the typed table. ``replaced`` gives another expression for a column, ``added`` further ones at the end."""
    cells = []
    for column in stage.table.columns:
        name = quoted(column.name)
        good = f"s.{name}" if column.required else f"CASE WHEN s.{quoted('bad_' + column.name)} = 0 THEN s.{name} END"
        cells.append(replaced.get(column.name, "{}").format(good))
    connection.execute(
        f"INSERT INTO {quoted(stage.table.name)} SELECT {', '.join([*cells, 's.row_no', *added])} FROM {stage.name} s"
        f" {joins} WHERE s.row_no NOT IN (SELECT row_no FROM {stage.verdict}) ORDER BY s.row_no"
    )
