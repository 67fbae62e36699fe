"""A filled-in action list, read as the data files are: the same encodings, delimiters, dates and row numbers."""

import shutil
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Literal

import duckdb

from domain.errors import DataError, InputError
from domain.tables import Column, Table
from tools.engine import EngineLimits, open_engine
from tools.sources.column_formats import ColumnFormat
from tools.sources.column_matching import ColumnMatch
from tools.sources.csv_file import open_csv
from tools.sources.dates import UNKNOWN_ORDER
from tools.sources.format_inference import infer_formats
from tools.sources.mapping import TableMapping, name_key
from tools.sources.raw_tables import RawTable, load_csv
from tools.sources.staging_table import StagingTable, layered_query, table_expressions

LONGEST_FIELD = 131_072
"""Characters. Excel's longest cell has 32,767; a longer field is a quotation that was never closed."""
_LIST = Table(
    "actions",
    (
        Column("id", "text", True),
        Column("status", "text", True),
        Column("done_on", "date"),
        Column("due", "date"),
        Column("follow_up", "date"),
    ),
)
"""The columns that are read. The planned dates only show the order of day and month: one program wrote them all."""
_DATE = "'[0-9]{1,4}[./-][0-9]{1,2}[./-][0-9]{1,4}([ T].*)?'"


@dataclass(frozen=True)
class ListLayout:
    """The part of a list's layout that a person has to give: other names of columns, and the order of day and month."""

    columns: Mapping[str, str] = field(default_factory=dict)
    """By column (id, status, done_on): its name in the file."""
    date_order: Literal["day_first", "month_first"] | None = None


@dataclass(frozen=True)
class ActionLine:
    """One line with something in it. ``problem`` says why the line cannot be used."""

    row: int
    action_id: str
    status: str
    done_on: date | None
    problem: str | None = None


def read_action_lines(file: Path, layout: ListLayout, known: Collection[str]) -> list[ActionLine]:
    """The lines of a list in the order of the file. ``known`` ids of actions help to say which column is meant.

    Raises InputError for a file that is no list, for columns that are not found, and for dates that could be two.
    """
    if not file.exists():
        raise InputError(f"{file} does not exist; name the filled-in actions.csv of a review")
    if not file.is_file():
        raise InputError(f"{file} is not a file; name the filled-in actions.csv of a review")
    scratch = Path(tempfile.mkdtemp(prefix="saveplay-"))
    connection = open_engine(EngineLimits())
    try:
        opened, _ = open_csv(file, file.name, scratch)
        raw = load_csv(connection, opened, "action_list")
        columns = _match_columns(connection, raw, layout, known)
        lines = _typed_lines(connection, raw, columns, layout)
    except OSError as error:
        raise InputError(f"{file.name} cannot be read: {error.strerror}") from None
    finally:
        connection.close()
        shutil.rmtree(scratch, ignore_errors=True)
    malformed = [ActionLine(bad.row, "", "", None, bad.reason) for bad in raw.malformed_rows]
    return sorted([*lines, *malformed], key=lambda line: line.row)


# columns --------------------------------------------------------------------------------------------------------------


def _match_columns(
    connection: duckdb.DuckDBPyConnection, raw: RawTable, layout: ListLayout, known: Collection[str]
) -> ColumnMatch:
    """The columns by the names of the layout, or by their own. Raises InputError that says what was found."""
    position: dict[str, int] = {}
    for column in _LIST.columns:
        named = layout.columns.get(column.name)
        hits = [place for place, name in enumerate(raw.header) if name_key(name) == name_key(named or column.name)]
        if len(hits) > 1:
            raise InputError(f"{raw.location}: {len(hits)} columns are named {raw.header[hits[0]]!r}; keep one of them")
        if named is not None and not hits:
            raise InputError(f"{raw.location}: no column {named!r}, which --columns names; found {_found(raw)}")
        if hits:
            position[column.name] = hits[0]
    if len(set(position.values())) < len(position):
        raise InputError(f"{raw.location}: --columns names one column twice; give each its own")
    _ask_for_missing(connection, raw, position, known)
    return ColumnMatch(position, ())


def _ask_for_missing(
    connection: duckdb.DuckDBPyConnection, raw: RawTable, position: Mapping[str, int], known: Collection[str]
) -> None:
    """Raise InputError for a column that is not found, with the option that names it.

    Days under another name are asked for, too: without them every action would be done on the day of the import.
    """
    free = [place for place in range(len(raw.header)) if place not in position.values()]
    missing = [name for name in _LIST.required if name not in position]
    dated = [place for place in free if _holds_dates(connection, raw, place)] if "done_on" not in position else []
    if not missing and not dated:
        return
    named: dict[str, str] = {}
    if "id" in missing:
        named["id"] = next((raw.header[place] for place in free if _holds_ids(connection, raw, place, known)), "NAME")
    if "status" in missing:
        rest = [raw.header[place] for place in free if place not in dated and raw.header[place] != named.get("id")]
        named["status"] = rest[0] if len(rest) == 1 else "NAME"
    if dated and "NAME" not in named.values():
        named["done_on"] = raw.header[dated[-1]]
    shown = ",".join(f"{name}={header}" for name, header in named.items())
    option = f'"{shown}"' if " " in shown else shown
    first = missing[0] if missing else "done_on"
    raise InputError(f"{raw.location}: no column {first!r}; found {_found(raw)}: name them with --columns {option}")


def _found(raw: RawTable) -> str:
    names = [name if len(name) <= 40 else f"{name[:39]}…" for name in raw.header]
    return ", ".join(repr(name) for name in names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")


def _holds_dates(connection: duckdb.DuckDBPyConnection, raw: RawTable, place: int) -> bool:
    sql = f"SELECT bool_or(regexp_full_match(trim(c{place}), {_DATE})) FROM {raw.relation}"
    return bool((connection.execute(sql).fetchone() or (False,))[0])


def _holds_ids(connection: duckdb.DuckDBPyConnection, raw: RawTable, place: int, known: Collection[str]) -> bool:
    sql = f"SELECT bool_or(ltrim(trim(c{place}), '''') IN (SELECT unnest(?::VARCHAR[]))) FROM {raw.relation}"
    return bool((connection.execute(sql, [list(known)]).fetchone() or (False,))[0])


# cells ----------------------------------------------------------------------------------------------------------------


def _typed_lines(
    connection: duckdb.DuckDBPyConnection, raw: RawTable, columns: ColumnMatch, layout: ListLayout
) -> list[ActionLine]:
    """The lines with something in them. Raises InputError where the order of day and month is not known."""
    mapped = TableMapping(date_order=layout.date_order)
    formats, _ = infer_formats(connection, _LIST, columns, raw, mapped)
    staging = StagingTable(_LIST, raw, columns, mapped, _same_order(formats))
    expressions = table_expressions(staging, ("id", "status", "done_on"))
    day, problem = "NULL, NULL", "NULL"
    if "done_on" in expressions:
        day = "t_done_on, v_done_on"
        whens = " ".join(f"WHEN {test} THEN ?" for test, _ in expressions["done_on"].problems)
        problem = f"CASE {whens} END"
    reasons = [reason for _, reason in expressions["done_on"].problems] if "done_on" in expressions else []
    lengths = ", ".join(f"coalesce(length(c{place}), 0)" for place in range(len(raw.header)))
    rows = connection.execute(
        f"SELECT row_no, t_id, t_status, {day}, {problem}, longest FROM ({layered_query(raw, expressions)})"
        f" JOIN (SELECT row_no, greatest({lengths}, 0) AS longest FROM {raw.relation}) USING (row_no) ORDER BY row_no",
        reasons,
    ).fetchall()
    _refuse_unknown_order(raw, [row[0] for row in rows if row[5] and row[5].startswith(UNKNOWN_ORDER)])
    return [
        ActionLine(row, (action or "").lstrip("'").strip(), status or "", on, _cell_problem(text, reason, longest))
        for row, action, status, text, on, reason, longest in rows
        if action or status or text or longest > LONGEST_FIELD
    ]


def _same_order(formats: Mapping[str, ColumnFormat]) -> dict[str, ColumnFormat]:
    """The formats with the order of day and month that any column proves and none disproves."""
    orders = {item.date_order for item in formats.values()} - {None}
    order = orders.pop() if len(orders) == 1 else None
    return {name: replace(item, date_order=item.date_order or order) for name, item in formats.items()}


def _refuse_unknown_order(raw: RawTable, rows: list[int]) -> None:
    if rows:
        where = f"row {rows[0]}" if len(rows) == 1 else f"rows {', '.join(map(str, rows[:10]))}"
        more = f" and {len(rows) - 10} more" if len(rows) > 10 else ""
        raise DataError(
            f"{raw.location} {where}{more}: the order of day and month is not known; say it with --dates day_first or"
            " --dates month_first"
        )


def _cell_problem(day: str | None, reason: str | None, longest: int) -> str | None:
    if longest > LONGEST_FIELD:
        return f"a field has {longest:,} characters; is a quotation mark missing?"
    if reason is None:
        return None
    shown = repr(day if day is None or len(day) <= 40 else f"{day[:39]}…")
    return f"done_on {shown} is not a date that exists; write it like 2026-11-23"
