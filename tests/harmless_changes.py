"""Seeded changes of a folder of exports that no review may notice: the same facts, written in another way."""

import csv
import io
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import duckdb
import yaml

from domain.tables import TABLES

Rows = list[dict[str, str]]
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "cp1252")
DELIMITERS = (",", ";", "\t", "|")
DATE_FORMATS = {
    "iso": "%Y-%m-%d",
    "iso with a time": "%Y-%m-%dT00:00:00Z",
    "year first": "%Y/%m/%d",
    "digits": "%Y%m%d",
    "month in words": "%d %b %Y",
    "day first": "%d.%m.%Y",
    "month first": "%m/%d/%Y",
}
PROOFS: Mapping[str, tuple[str, Callable[[date], bool]]] = {
    "day first": ("day_first", lambda day: day.day > 12),
    "month first": ("month_first", lambda day: day.day > 12),
}
"""By format: its name in mapping.yaml, and the days that show it without a mapping."""


@dataclass
class Variant:
    """One way to write the exports. Every table is written the same way, apart from the order of its rows."""

    kind: str = "csv"
    encoding: str = "utf-8"
    delimiter: str = ","
    line_end: str = "\n"
    dates: str = "iso"
    quoted: bool = False
    rows_shuffled: bool = False
    columns_shuffled: bool = False
    more_columns: bool = False
    blank_lines: bool = False
    spaced_names: bool = False
    names_separator: bool = False
    typed: bool = True
    suffix: str = ".csv"
    mapped: bool = False
    said: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return ", ".join(self.said) or "nothing"


def variant(seed: int) -> Variant:
    """The variant of a seed: one to four changes at once."""
    chance, made = random.Random(seed), Variant()
    made.kind = ("csv", "csv", "csv", "parquet", "duckdb")[seed % 5]
    made.said.append(made.kind)
    for change in chance.sample(_CHANGES, chance.choice((1, 2, 3, 4))):
        change(chance, made)
    return made


def _encoding(chance: random.Random, made: Variant) -> None:
    made.encoding = chance.choice(ENCODINGS[1:])
    made.said.append(made.encoding)


def _delimiter(chance: random.Random, made: Variant) -> None:
    made.delimiter = chance.choice(DELIMITERS[1:])
    made.names_separator = chance.random() < 0.3
    made.suffix = chance.choice((".csv", ".tsv", ".txt"))
    made.said.append(f"separated by {made.delimiter!r}{', and says so' if made.names_separator else ''} {made.suffix}")


def _dates(chance: random.Random, made: Variant) -> None:
    made.dates, made.mapped = chance.choice([*DATE_FORMATS][1:]), chance.random() < 0.5
    made.said.append(f"dates {made.dates}{' (mapping)' if made.mapped else ''}")


def _row_order(_: random.Random, made: Variant) -> None:
    made.rows_shuffled = True
    made.said.append("rows shuffled")


def _column_order(_: random.Random, made: Variant) -> None:
    made.columns_shuffled = True
    made.said.append("columns shuffled")


def _more_columns(_: random.Random, made: Variant) -> None:
    made.more_columns = True
    made.said.append("more columns")


def _lines(chance: random.Random, made: Variant) -> None:
    made.line_end, made.blank_lines = chance.choice(("\r\n", "\n")), chance.random() < 0.7
    made.said.append(f"lines end with {made.line_end!r}{', blank ones between and after' if made.blank_lines else ''}")


def _quotes(_: random.Random, made: Variant) -> None:
    made.quoted = True
    made.said.append("everything quoted")


def _names(_: random.Random, made: Variant) -> None:
    made.spaced_names = True
    made.said.append("names like Account ID")


def _texts_only(_: random.Random, made: Variant) -> None:
    made.typed = False
    made.said.append("all columns text")


_CHANGES = (
    _encoding, _delimiter, _dates, _row_order, _row_order, _column_order, _more_columns, _lines, _quotes, _names, _texts_only,
)  # fmt: skip


def write_variant(seed: int, source: Path, target: Path) -> tuple[str, Variant]:
    """Write the exports of ``source`` in another way. Returns the location to review, and the variant."""
    chance, made = random.Random(seed * 7919), variant(seed)
    target.mkdir(parents=True)
    tables = {path.stem: _read(path) for path in sorted(source.glob("*.csv"))}
    mapping: dict[str, dict[str, str]] = {}
    for name, rows in tables.items():
        if made.rows_shuffled:
            chance.shuffle(rows)
        order = PROOFS.get(made.dates)
        if made.kind == "csv" or not made.typed:
            if order and (
                made.mapped or not all(_is_shown(rows, column, order[1]) for column in _dates_of(name, rows))
            ):
                mapping[name] = {"date_order": order[0]}
            columns = [column for column in _dates_of(name, rows) if not _has_slashed_cell(rows, column)]
            rows[:] = [_with_dates(columns, row, DATE_FORMATS[made.dates]) for row in rows]
        names = [*rows[0]]
        if made.columns_shuffled:
            chance.shuffle(names)
        if made.more_columns:
            names.insert(chance.randrange(len(names)), "Internal remark")
            rows[:] = [{**row, "Internal remark": chance.choice(("", "x", '1" pipe', "äöü"))} for row in rows]
        tables[name] = [{column: row[column] for column in names} for row in rows]
    if mapping:
        (target / "mapping.yaml").write_text(yaml.safe_dump({"tables": mapping}))
    if made.kind == "csv":
        for name, rows in tables.items():
            _write_csv(made, rows, target / f"{name}{made.suffix}", chance)
        return str(target), made
    return _write_typed(made, tables, target), made


def _read(path: Path) -> Rows:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _dates_of(table: str, rows: Rows) -> list[str]:
    return [column.name for column in TABLES[table].columns if column.kind == "date" and column.name in rows[0]]


def _is_shown(rows: Rows, column: str, proof: Callable[[date], bool]) -> bool:
    days = [day for row in rows if (day := _day(row[column]))]
    return not days or any(proof(day) for day in days)


def _day(cell: str) -> date | None:
    """The day of a cell; the sample has cells that are no day, and they stay as they are."""
    try:
        return date.fromisoformat(cell)
    except ValueError:
        return None


def _has_slashed_cell(rows: Rows, column: str) -> bool:
    """True if a dirty cell of the sample shows an order of day and month already: another one would contradict it."""
    return any("/" in row[column] for row in rows)


def _with_dates(columns: list[str], row: dict[str, str], how: str) -> dict[str, str]:
    days = {name: _day(row[name]) for name in columns}
    return {**row, **{name: day.strftime(how) for name, day in days.items() if day}}


def _shown_name(made: Variant, name: str) -> str:
    return name.replace("_", " ").title() if made.spaced_names else name


def _write_csv(made: Variant, rows: Rows, path: Path, chance: random.Random) -> None:
    text = io.StringIO(newline="")
    quoting = csv.QUOTE_ALL if made.quoted else csv.QUOTE_MINIMAL
    writer = csv.writer(text, delimiter=made.delimiter, lineterminator=made.line_end, quoting=quoting)
    if made.names_separator:
        text.write(f"sep={made.delimiter}{made.line_end}")
    writer.writerow([_shown_name(made, name) for name in rows[0]])
    for row in rows:
        writer.writerow(row.values())
        if made.blank_lines and chance.random() < 0.05:
            text.write(made.line_end)
    if made.blank_lines:
        text.write(made.line_end * 3)
    content = text.getvalue()
    try:
        path.write_bytes(content.encode(made.encoding))
    except UnicodeEncodeError:  # a hostile name that Windows-1252 has no letters for
        path.write_bytes(content.encode("utf-8"))


def _write_typed(made: Variant, tables: Mapping[str, Rows], target: Path) -> str:
    """Parquet files, or one DuckDB file, with types of their own or with texts only."""
    location = target / "portfolio.duckdb" if made.kind == "duckdb" else target
    with duckdb.connect(str(location) if made.kind == "duckdb" else ":memory:") as connection:
        for name, rows in tables.items():
            aside = target / f"{name}.aside"
            _write_csv(Variant(quoted=True), rows, aside, random.Random(0))
            columns = {column: _type(connection, name, column, rows) if made.typed else "VARCHAR" for column in rows[0]}
            quoted = ", ".join(f"'{column}': '{kind}'" for column, kind in columns.items())
            shown = ", ".join(f'"{column}" AS "{_shown_name(made, column)}"' for column in columns)
            query = (
                f"SELECT {shown} FROM read_csv('{aside}', columns = {{{quoted}}}, header = true, auto_detect = false,"
                " quote = '\"', escape = '\"', nullstr = '', allow_quoted_nulls = true, parallel = false)"
            )
            if made.kind == "duckdb":
                connection.execute(f"CREATE TABLE {name} AS {query}")
            else:
                connection.execute(f"COPY ({query}) TO '{target / name}.parquet'")
            aside.unlink()
    return str(location)


_TYPES: Mapping[str, str] = {
    "number": "DOUBLE", "money": "DECIMAL(18,2)", "integer": "BIGINT", "date": "DATE", "flag": "BOOLEAN",
}  # fmt: skip


def _type(connection: duckdb.DuckDBPyConnection, table: str, column: str, rows: Rows) -> str:
    """The type of a column; text where the sample has a cell that does not fit it."""
    kinds = {item.name: item.kind for item in TABLES[table].columns}
    kind = _TYPES.get(kinds.get(column, "text"), "VARCHAR")
    cells = [row[column] for row in rows if row[column]]
    fits = f"SELECT count(TRY_CAST(cell AS {kind})) = count(*) FROM (SELECT unnest(?::VARCHAR[]) AS cell)"
    return kind if connection.execute(fits, [cells]).fetchone() == (True,) else "VARCHAR"
