"""The one place where statements found in texts meet what a model and people read, without what is wrong.

People's word goes before a model's, and a model's before the phrases' (``model_readings``). A reading counts only while its quotation still stands in the data, in a text of its account, table and day. A person's
reading holds for the whole text: it takes the place of the same kind, and "nothing to note" of every kind.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import TYPE_CHECKING

import duckdb

from domain.readings import NOTHING_TO_NOTE, ModelReading, PeoplesReadings, PersonsReading, WrongMark
from tools.scoring.model_readings import add_model_readings, texts_by_place
from tools.signals import TEXT_COLUMNS
from tools.signals.plain_text import plain_text
from tools.signals.statements import Statement, TextRow
from tools.sql import sql_string

if TYPE_CHECKING:
    from tools.sources.warehouse import Warehouse


def apply_readings(
    found: Sequence[Statement],
    people: PeoplesReadings,
    connection: duckdb.DuckDBPyConnection,
    warehouse: "Warehouse | None",
    window: tuple[date, int],
) -> list[Statement]:
    """The statements that count. ``window`` is the day of the review and for how many days a text counts."""
    as_of, days = window
    recent = [each for each in people.readings if 0 <= (as_of - each.written_on).days <= days]
    by_model = [each for each in people.by_model if each.statements and 0 <= (as_of - each.written_on).days <= days]
    texts = _read_texts(connection, warehouse, [*recent, *by_model]) if recent or by_model else []
    statements = add_model_readings(found, by_model, texts_by_place(texts))
    for reading in recent:
        row = next((text for text in texts if _is_text_of(text, reading)), None)
        if row is None:
            continue
        statements = [each for each in statements if not _is_replaced(each, reading, row)]
        if reading.kind != NOTHING_TO_NOTE:
            statements.append(_statement(reading, row))
    return [each for each in statements if not any(is_marked(each, mark) for mark in people.marks)]


def is_marked(statement: Statement, mark: WrongMark) -> bool:
    """True if a person marked this statement as wrong. One of the two quotations may be a part of the other."""
    place = (statement.account_id, statement.intent, statement.table, statement.on)
    if place != (mark.account_id, mark.kind, mark.table, mark.written_on):
        return False
    quoted, marked = _on_one_line(statement.quote), _on_one_line(mark.quotation)
    return marked in quoted or quoted in marked


def _statement(reading: PersonsReading, row: TextRow) -> Statement:
    assert reading.kind is not None
    return Statement(
        row.account_id, reading.kind, row.on, row.table, row.row, reading.quotation, f"person:{reading.by}", reading.on
    )


def _is_text_of(text: TextRow, reading: PersonsReading) -> bool:
    place = (reading.account_id, reading.table, reading.written_on)
    return (text.account_id, text.table, text.on) == place and _on_one_line(reading.quotation) in text.text


def _is_replaced(statement: Statement, reading: PersonsReading, row: TextRow) -> bool:
    place = (statement.account_id, statement.table, statement.on)
    if place != (row.account_id, row.table, row.on) or _on_one_line(statement.quote) not in row.text:
        return False
    return reading.kind in (NOTHING_TO_NOTE, statement.intent)


def _read_texts(
    connection: duckdb.DuckDBPyConnection,
    warehouse: "Warehouse | None",
    readings: Sequence[PersonsReading | ModelReading],
) -> list[TextRow]:
    """The texts of the accounts, tables and days of these readings, each on one line, by their place."""
    found: list[TextRow] = []
    for table in sorted({each.table for each in readings if each.table in TEXT_COLUMNS}):
        places = sorted({(each.account_id, each.written_on) for each in readings if each.table == table})
        source = table
        if warehouse is not None:  # of the server's texts the connection has only those with a phrase in them
            source = f"read_{table}"
            warehouse.fetch_rows(connection, table, sorted({account for account, _ in places}), source)
        found += _rows_of(connection, table, source, places)
    return found


def _rows_of(
    connection: duckdb.DuckDBPyConnection, table: str, source: str, places: Sequence[tuple[str, date]]
) -> Iterable[TextRow]:
    day, names, whole = TEXT_COLUMNS[table]
    text = whole.format(**{name: f"t.{name}" for name in names})
    rows = connection.execute(
        f"with wanted as (select unnest(?) as account_id, unnest(?) as on_day) "
        f"select t.account_id, t.{day}, {sql_string(table)}, t.row_no, {text} from {source} t semi join wanted w "
        f"on w.account_id = t.account_id and w.on_day = t.{day} where {text} <> '' order by 1, 2, 5, 4",
        [[account for account, _ in places], [on for _, on in places]],
    ).fetchall()
    return [TextRow(account, on, name, row, _on_one_line(plain_text(said))) for account, on, name, row, said in rows]


def _on_one_line(text: str) -> str:
    return " ".join(text.split())
