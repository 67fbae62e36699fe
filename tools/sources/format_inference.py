"""The way dates and numbers of a column are written, where mapping.yaml does not say it: proven by cells without doubt.

One cell like 31/12/2026 proves the order of the whole column, as long as no other cell proves the opposite. A cell that
is no date in any order (31/02/2026) proves nothing.
"""

import duckdb

from domain.tables import Table
from tools.sources.column_formats import ColumnFormat
from tools.sources.column_matching import ColumnMatch
from tools.sources.empty_cells import PLACEHOLDER_DAYS
from tools.sources.mapping import FILE_NAME, MINOR_UNITS, TableMapping
from tools.sources.raw_tables import INTEGERS, NUMERIC, RawTable
from tools.sql import sql_strings

_MONTHS = {
    "1[3-9]|2[0-8]": "0?[1-9]|1[0-2]",
    "29|30": "0?[13-9]|1[0-2]",
    "31": "0?[13578]|1[02]",
}
"""By day: the months that have it. 29 February is left out: it is a date in leap years only."""
# A number above 12 cannot be a month, so the other one is; a comma before one or two last digits cannot mark thousands.
_REST_OF_DATE = "[/.-]([0-9]{4}|[0-9]{2})([ T,]|$)"
_DAY_FIRST = f"'^({'|'.join(f'({day})[/.-]({month})' for day, month in _MONTHS.items())}){_REST_OF_DATE}'"
_MONTH_FIRST = f"'^({'|'.join(f'({month})[/.-]({day})' for day, month in _MONTHS.items())}){_REST_OF_DATE}'"
_COMMA_DECIMAL = r"'(^|[^0-9,.])([0-9]+|[0-9]{1,3}([. ][0-9]{3})+),[0-9]{1,2}([^0-9,.]|$)'"
_POINT_DECIMAL = r"'(^|[^0-9,.])([0-9]+|[0-9]{1,3}([, ][0-9]{3})+)\.[0-9]{1,2}([^0-9,.]|$)'"
CSAT_NAMES = frozenset({"csat", "score"})
_PLAIN = {
    # Days that stand for "no date" are outside 1901 to 2899, or among the placeholders: those are read with care.
    "date": "'(19(0[1-9]|[1-9][0-9])|2[0-8][0-9]{2})-[0-9]{2}-[0-9]{2}'",
    "number": r"'[0-9]{1,15}(\.[0-9]+)?'",
    "integer": "'[0-9]{1,15}'",
    "money": r"'[0-9]{1,12}(\.[0-9]{1,2})?'",
}
_NOTICES = {
    "day_first": "{}: dates read day first, as 31/12 in the column shows.",
    "month_first": "{}: dates read month first, as 12/31 in the column shows.",
    "comma": "{}: the comma read as the decimal mark, as 1.234,50 in the column shows.",
    "point": "{}: the point read as the decimal mark, as 1,234.50 in the column shows.",
}


def infer_formats(
    connection: duckdb.DuckDBPyConnection, table: Table, columns: ColumnMatch, raw_table: RawTable, mapped: TableMapping
) -> tuple[dict[str, ColumnFormat], tuple[str, ...]]:
    """The format of every column of the table, and a notice for each one that was inferred."""
    kinds = {column.name: column.kind for column in table.columns}
    typed = {
        name: raw_table.type_of(index)
        for name, index in columns.position.items()
        if raw_table.types
        and name not in columns.fallbacks
        and type_fits(kinds[name], raw_table.type_of(index), mapped.units.get(name))
        and not (kinds[name] in ("flag", "number") and name in mapped.values)
    }
    written = {name: index for name, index in columns.position.items() if name not in typed}
    dates = [name for name in written if kinds[name] == "date" and mapped.date_order is None]
    texts = {name: index for name, index in written.items() if not raw_table.is_number(index)}
    amounts = [name for name in texts if kinds[name] == "money" and mapped.decimal is None]
    straight = [name for name in texts if _may_be_plain(name, kinds[name], mapped) and name not in columns.fallbacks]
    tests = dict.fromkeys(dates, (_DAY_FIRST, _MONTH_FIRST)) | dict.fromkeys(amounts, (_COMMA_DECIMAL, _POINT_DECIMAL))
    counts = _count_matches(connection, raw_table, columns, tests, {name: _PLAIN[kinds[name]] for name in straight})
    order = {name: way for name in dates if (way := _proven_format(counts, name, ("day_first", "month_first")))}
    decimal = {name: way for name in amounts if (way := _proven_format(counts, name, ("comma", "point")))}
    formats = {
        name: ColumnFormat(
            date_order=mapped.date_order or order.get(name),
            decimal=mapped.decimal or decimal.get(name),
            unit=mapped.units.get(name),
            numeric=name in columns.position and raw_table.is_number(columns.position[name]),
            plain=name in straight and counts[name, "plain"] == 0,
            values=mapped.values.get(name, {}),
            typed=typed.get(name),
        )
        for name in kinds
    }
    notices = [_NOTICES[shown].format(name) for name, shown in {**order, **decimal}.items() if shown != "point"]
    notices += [f"{name}: read as {unit} ({FILE_NAME})." for name, unit in mapped.units.items()]
    return formats, tuple(notices)


def _may_be_plain(name: str, kind: str, mapped: TableMapping) -> bool:
    """True for a column that a cast may read. A satisfaction score may be a percentage or a word in any row: never."""
    told = name in mapped.units or name in mapped.values
    return kind in _PLAIN and not told and name not in CSAT_NAMES and mapped.decimal != "comma"


def type_fits(kind: str, source: str, unit: str | None) -> bool:
    """True where a column of this type at the source needs no reading of its text. ``kind`` is a kind of the data model."""
    taken: dict[str, tuple[str, ...]] = {
        "id": ("",),
        "text": ("",),
        "choice": ("VARCHAR", "ENUM"),
        "number": NUMERIC,
        "money": NUMERIC,
        "integer": INTEGERS,
        "date": ("DATE", "TIMESTAMP"),
        "flag": ("BOOLEAN",),
    }
    return source != "BLOB" and source.startswith(taken[kind]) and unit in (None, *MINOR_UNITS, "five")


def _count_matches(
    connection: duckdb.DuckDBPyConnection,
    raw_table: RawTable,
    columns: ColumnMatch,
    proofs: dict[str, tuple[str, str]],
    plain: dict[str, str],
) -> dict[tuple[str, str], int]:
    """One pass over the table: by column, the cells that prove the first or the second format, and those that are not plain."""
    keys: list[tuple[str, str]] = []
    tests = []
    for name, patterns in proofs.items():
        for way, pattern in zip(("first", "second"), patterns, strict=True):
            keys.append((name, way))
            proof = f"regexp_matches(w_{name}, {pattern})"
            # An ISO date proves no order, and most dates are written so.
            is_iso = plain.get(name) == _PLAIN["date"]
            tests.append(f"count(*) FILTER (WHERE {f'CASE WHEN NOT p_{name} THEN {proof} END' if is_iso else proof})")
    for name in plain:
        keys.append((name, "plain"))
        tests.append(f"count(*) FILTER (WHERE w_{name} <> '' AND NOT p_{name})")
    if not tests:
        return {}
    written = {name: f"trim({raw_table.text(columns.position[name])})" for name in {**proofs, **plain}}
    cells = ", ".join(f"{cell} AS w_{name}" for name, cell in written.items())
    are_plain = "".join(f", {_is_plain(f'w_{name}', pattern)} AS p_{name}" for name, pattern in plain.items())
    rows = f"SELECT *{are_plain} FROM (SELECT {cells} FROM {raw_table.relation})"
    found = connection.execute(f"SELECT {', '.join(tests)} FROM ({rows})").fetchone() or ()
    return dict(zip(keys, found, strict=True))


def _is_plain(cell: str, pattern: str) -> str:
    """A condition: a cast may read the cell."""
    day = f" AND {cell} NOT IN ({sql_strings(PLACEHOLDER_DAYS)})" if pattern == _PLAIN["date"] else ""
    return f"regexp_full_match({cell}, {pattern}){day}"


def _proven_format(counts: dict[tuple[str, str], int], name: str, meanings: tuple[str, str]) -> str | None:
    """The meaning that at least one cell of a column proves and none disproves."""
    first, second = counts[name, "first"], counts[name, "second"]
    return None if bool(first) == bool(second) else meanings[0] if first else meanings[1]
