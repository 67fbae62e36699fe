"""Columns that the SQL files of the signals read and measure, taken from their text.

Pure text, read once. Two conventions make it possible, and every file keeps them: the last ``select`` begins a line of
its own and lists one column for each measured thing, named after ``as`` or after its dot; and each common table
expression begins with ``name as (`` and ends with ``)``, both on lines of their own.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache

from domain.score_configuration import CATEGORIES, Signal
from domain.tables import TABLES, Table
from tools.signals import TEXT_COLUMNS, category_sql
from tools.signals.registry import CONTEXT_COLUMNS, SIGNALS

_REGISTRY = "tools/signals/registry.py"
STATED_FILE = "stated"
_FILES = (*CATEGORIES, STATED_FILE)
_KEYS = frozenset(("account_id", "arr_home"))


def _plain(sql: str) -> str:
    """The text without comments and without what is in quotes."""
    return re.sub(r"--[^\n]*|'[^']*'", "", sql)


@cache
def output_columns(file: str) -> tuple[str, ...]:
    """The columns of a file's last select, without the keys, in their order."""
    last = re.split(r"^select$", _plain(category_sql(file)), flags=re.MULTILINE)[-1]
    listed = re.split(r"^from ", last, flags=re.MULTILINE)[0]
    names = [re.findall(r"\w+", column)[-1] for column in _top_level(listed)]
    return tuple(name for name in names if name not in _KEYS)


def _top_level(columns: str) -> Iterator[str]:
    """The listed columns: split at the commas outside parentheses."""
    depth, begin = 0, 0
    for place, sign in enumerate(columns):
        depth += {"(": 1, ")": -1}.get(sign, 0)
        if sign == "," and depth == 0:
            yield columns[begin:place]
            begin = place + 1
    yield columns[begin:]


@cache
def measured_in() -> dict[str, str]:
    """Every measured column and the file that measures it. Days of observation, which end in ``_on``, are none."""
    return {name: file for file in _FILES for name in output_columns(file) if not name.endswith("_on")}


@cache
def signal_inputs(table: str) -> frozenset[str]:
    """The columns of an input table that signals, phrases and calibration read, and the key that must not repeat.

    All columns of a table that no file reads, and of ``accounts``, which every later phase needs whole.
    """
    words = [words for tables, words in _selects() if table in tables]
    known = TABLES[table].names
    if not words or table == "accounts":
        return frozenset(known)
    read = set().union(*words)
    # An amount in the home currency is worked out while reading, from the amount and its currency.
    read |= {part for name in known if f"{name}_home" in read for part in (name, "currency")}
    if table in TEXT_COLUMNS:
        day, written, _ = TEXT_COLUMNS[table]
        read |= {day, *written}
    return frozenset(name for name in known if name in read or name == TABLES[table].key)


def columns_read(table: Table) -> frozenset[str]:
    """The columns of a table that signals read; of a table of the team's own, all of them."""
    return signal_inputs(table.name) if table.name in TABLES else frozenset(table.names)


@cache
def _selects() -> list[tuple[set[str], set[str]]]:
    """Every select of the files, one for each common table expression: the input tables and all words in it."""
    found = []
    for file in (*_FILES, "usage_by_account", "last_signs"):
        sql = _plain(category_sql(file))
        hidden = set(re.findall(r"\b(\w+) as \(", sql))  # a common table expression hides the table of the same name
        for block in re.split(r"^\),?$|^(?:with )?\w+ as \($", sql, flags=re.MULTILINE):
            found.append((set(re.findall(r"\b(?:from|join) (\w+)", block)) - hidden, set(re.findall(r"\w+", block))))
    return found


def registration_problem(signals: Mapping[str, Signal]) -> str | None:
    """The first piece that a signal lacks, with what to do; None when SQL, registry and scoring.yaml agree."""
    measured = measured_in()
    for name, file in measured.items():
        if name not in SIGNALS and name not in CONTEXT_COLUMNS:
            return f"{name} is measured in {file}.sql but not registered: add it to {_REGISTRY}"
    for name, entry in SIGNALS.items():
        if name not in measured:
            file = STATED_FILE if entry.is_stated else signals[name].category if name in signals else "<category>"
            return f"{name} is registered but not measured: add it to the last select of tools/signals/{file}.sql"
        if name not in signals:
            return (
                f"scoring.yaml: signals: {name} is registered but says nothing there: add it with its points and weight"
            )
    for name, signal in signals.items():
        if signal.own is not None:
            continue
        if name not in SIGNALS:
            return f"scoring.yaml: signals: {name} is not registered: add it to {_REGISTRY} and measure it in {signal.category}.sql"
        if problem := _entry_problem(name, signal):
            return problem
    return None


def _entry_problem(name: str, signal: Signal) -> str | None:
    entry, file = SIGNALS[name], measured_in()[name]
    if not entry.is_stated and file != signal.category:
        return f"scoring.yaml: signals: {name}: category is {signal.category}, but {file}.sql measures it"
    if entry.observed_on not in output_columns(signal.category):
        return f"{name} is observed on {entry.observed_on}: add that day to the last select of {signal.category}.sql"
    if entry.rows and signal.table not in entry.rows:
        return f"scoring.yaml: signals: {name}: table is {signal.table}, but its rows in {_REGISTRY} are of {', '.join(entry.rows)}"
    if problem := _window_problem(name, signal, file):
        return problem
    if not entry.rows and not entry.is_stated:
        return f"{name} names no rows behind it: add them to {_REGISTRY}"
    return None


def _window_problem(name: str, signal: Signal, file: str) -> str | None:
    """A window belongs to the SQL and to scoring.yaml, or to neither. Stated intents share the window of the texts."""
    asked = re.search(rf":window_{name}\b", category_sql(file)) is not None
    if asked and signal.window_days is None:
        return f"scoring.yaml: signals: {name}: window_days is missing, and {file}.sql asks for :window_{name}"
    if signal.window_days is not None and not asked and file != STATED_FILE:
        return f"scoring.yaml: signals: {name}: window_days does nothing: {file}.sql has no :window_{name}"
    return None
