"""The tables of a server: which of them hold the data, and the SQL that reads each cell, in what all engines share.

A server has types of its own, so that reading a cell is a cast; texts are only trimmed and choices looked up. A column
whose type does not fit is an error, for the team to solve with a view.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from domain.errors import DataError
from domain.tables import Column, Table
from tools.sources import words
from tools.sources.column_matching import match_columns
from tools.sources.deleted_rows import DeletionMark, deletion_marks
from tools.sources.empty_cells import empty_words, real_day
from tools.sources.format_inference import type_fits
from tools.sources.mapping import FILE_NAME, TableMapping, is_unknown
from tools.sources.parse import SQL_TYPES
from tools.sources.reasons import NOT_A_NUMBER, NOT_AN_AMOUNT, unknown_choice
from tools.sources.salesforce_ids import REFERENCED_TABLES
from tools.sql import sql_identifier, sql_string, sql_strings


@dataclass(frozen=True)
class ServerTable:
    """One table as the server has it; ``name`` is None where it has none, and then every cell is NULL."""

    table: Table
    name: str | None
    cells: Mapping[str, str]
    """By column: the value, as an expression in the embedded engine's dialect."""
    unreadable: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """By column: (condition over the server's table, reason) for a cell that is filled and cannot be read."""
    ignored: tuple[str, ...] = ()
    exported_on: date | None = None
    columns: tuple[str, ...] = ()
    all_columns: tuple[str, ...] = ()
    """Every column of the server's table, whether it is read or not."""
    marks: tuple[DeletionMark, ...] = ()
    """Columns that mark deleted rows."""
    mapped: TableMapping = field(default_factory=TableMapping)
    user: str | None = None
    """The column with the user of a row of usage, where mapping.yaml names one."""


def match_server_table(
    table: Table, name: str | None, columns: list[tuple[str, str]], mapped: TableMapping
) -> ServerTable:
    """Match the columns (name, type) of the server's table ``name``; without a name every cell is NULL.

    Raises DataError for a column whose type does not fit, and for what a mapping can only do with files.
    """
    if name is None:
        return ServerTable(table, None, {column.name: _null_cell(column) for column in table.columns})
    if mapped.units or mapped.renewals:
        what = "units" if mapped.units else "renewals"
        raise DataError(
            f"{FILE_NAME}: tables.{table.name}.{what}: not on a database; make a view that holds them ready"
        )
    if mapped.no_row == "zero":
        raise DataError(
            f"{FILE_NAME}: tables.{table.name}.no_row: not on a database; make a view with a row for each day"
        )
    if number := next(
        (c.name for c in table.columns if c.kind == "number" and c.name in mapped.values and not c.words), None
    ):
        raise DataError(
            f"{FILE_NAME}: tables.{table.name}.values.{number}: not on a database; make a view that translates it"
        )
    matched = match_columns(table, [column for column, _ in columns], mapped, name)
    cells, unreadable, filled = {}, {}, []
    for column in table.columns:
        if is_unknown(mapped.constants.get(column.name, "known")):
            cells[column.name] = _null_cell(column)
        elif column.name in mapped.constants:
            cells[column.name] = f"cast({sql_string(mapped.constants[column.name])} as {SQL_TYPES[column.kind]})"
        elif (index := matched.position.get(column.name)) is None:
            cells[column.name] = _null_cell(column)
            continue
        else:
            own_name, kind = columns[index]
            _refuse_unfit_type(table, column, name, own_name, kind)
            origin = sql_identifier(own_name)
            cell = _cell(table, column, origin, kind, mapped.values.get(column.name, {}))
            if (other := matched.fallbacks.get(column.name)) is not None:
                _refuse_unfit_type(table, column, name, *columns[other])
                cell = f"coalesce({cell}, {_cell(table, column, sql_identifier(columns[other][0]), columns[other][1], {})})"
            cells[column.name] = cell
            if reason := _loss_reason(column, kind):
                translated = mapped.values.get(column.name, {})
                written = _written_text(column, origin, translated) if column.kind == "choice" else origin
                unreadable[column.name] = (f"{written} is not null and {cell} is null", reason)
        filled.append(column.name)
    header = tuple(column for column, _ in columns)
    marks = deletion_marks(header, matched.used)
    read = {mark.name for mark in marks}
    ignored = tuple(column for column in matched.ignored if column not in read)
    user = None if matched.user is None else header[matched.user]
    if user and "active_users" not in filled:
        filled.append("active_users")
    return ServerTable(
        table, name, cells, unreadable, ignored, mapped.exported_on, tuple(filled), header, marks, mapped, user
    )


def _refuse_unfit_type(table: Table, column: Column, name: str, own_name: str, kind: str) -> None:
    if column.words:
        return  # its words are looked up in what is written, whatever the type
    is_nested = kind.startswith("(") and any(
        sign in kind for sign in ("json", "[]", "array", "map<", "struct", "bytea")
    )
    if is_nested or not type_fits(column.kind, kind, None):
        raise DataError(
            f"{name}.{own_name} is {kind.strip('()').lower()}, and {table.name}.{column.name} is a {column.kind}: make a view"
            f" that casts it, and name the view in {FILE_NAME} (tables.{table.name}.from)"
        )


def _null_cell(column: Column) -> str:
    return f"cast(null as {SQL_TYPES[column.kind]})"


def _cell(table: Table, column: Column, cell: str, kind: str, values: Mapping[str, str]) -> str:
    """The value of a cell. Only functions that every engine has: no TRY_CAST, no patterns, no lists."""
    text = _written_text(column, cell, values)
    if values:
        whens = " ".join(
            f"when {sql_string(word.strip().lower())} then {sql_string(meaning)}" for word, meaning in values.items()
        )
        text = f"case lower({text}) {whens} {'' if column.words else f'else {text} '}end"
    if column.kind in ("id", "text"):
        return _id_as_written(cell, kind, text) if column.name in REFERENCED_TABLES else text
    if column.words:
        return f"cast({text} as double)"
    if column.kind == "choice":
        known = words.choice_meanings(table.name, column)
        whens = " ".join(f"when {sql_string(word)} then {sql_string(choice)}" for word, choice in known.items())
        return f"case replace(replace(lower({text}), ' ', '_'), '-', '_') {whens} end"
    if column.kind == "date":
        return f"cast({real_day(cell)} as date)"
    # NaN and infinity are not values here. NaN is above all numbers for every engine, so that the bounds exclude both.
    if column.kind == "number" and kind.startswith(_MAY_BE_NAN):
        return f"case when {cell} >= -1e300 and {cell} <= 1e300 then cast({cell} as double) end"
    if column.kind == "money" and kind.startswith(_MAY_BE_NAN):
        return f"case when {cell} > -{_MOST_MONEY} and {cell} < {_MOST_MONEY} then cast({cell} as {SQL_TYPES[column.kind]}) end"
    return f"cast({cell} as {SQL_TYPES[column.kind]})"


def _id_as_written(cell: str, kind: str, text: str) -> str:
    """An id that rows of different tables share, without the ``.0`` of a program that made a number of it.

    Both sides lose it, the key and what refers to it, so that tables still meet by equal ids and no join is needed.
    """
    if kind.startswith(_MAY_BE_NAN):
        is_whole = f"{cell} = floor({cell}) and abs({cell}) < 1e15"
        return f"case when {is_whole} then cast(cast({cell} as bigint) as varchar) else {text} end"
    if kind != "VARCHAR":
        return text
    written = f"trim(cast({cell} as varchar))"
    before = f"left({written}, length({written}) - 2)"
    is_number = f"{written} like '_%.0' and translate({before}, '0123456789', '') = ''"
    return f"case when {is_number} then {before} else {text} end"


_MAY_BE_NAN = ("FLOAT", "DOUBLE", "DECIMAL")
_MOST_MONEY = "9999999999999999"
"""Largest amount of DECIMAL(18,2): a larger number would stop the whole statement."""


def _written_text(column: Column, cell: str, translated: Mapping[str, str]) -> str:
    """The trimmed text; NULL where it is empty or holds a word that means "no value"."""
    text = f"trim(cast({cell} as varchar))"
    names = ("", *empty_words(column, translated))
    return (
        f"nullif({text}, '')"
        if len(names) == 1
        else f"case when lower({text}) not in ({sql_strings(names)}) then {text} end"
    )


def _loss_reason(column: Column, kind: str) -> str | None:
    """The reason to give where a filled cell of this type has no value; None where every cell has one."""
    if column.words:
        return NOT_A_NUMBER
    if column.kind == "choice":
        return unknown_choice(column)
    if not kind.startswith(_MAY_BE_NAN):
        return None
    return {"number": NOT_A_NUMBER, "money": NOT_AN_AMOUNT}.get(column.kind)
