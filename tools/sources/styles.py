"""How dates and numbers of a column are written where mapping.yaml does not say: shown by cells without doubt."""

import duckdb

from domain.tables import Table
from tools.sources.mapping import FILE_NAME, TableMapping
from tools.sources.names import Columns
from tools.sources.raw import Raw
from tools.sources.reading import Style

_DAY_FIRST = "'^(1[3-9]|2[0-9]|3[01])[/.-][0-9]{1,2}[/.-]([0-9]{4}|[0-9]{2})([ T,]|$)'"
_MONTH_FIRST = "'^[0-9]{1,2}[/.-](1[3-9]|2[0-9]|3[01])[/.-]([0-9]{4}|[0-9]{2})([ T,]|$)'"
_COMMA_DECIMAL = r"'(^|[^0-9,.])([0-9]+|[0-9]{1,3}([. ][0-9]{3})+),[0-9]{1,2}([^0-9,.]|$)'"
_POINT_DECIMAL = r"'(^|[^0-9,.])([0-9]+|[0-9]{1,3}([, ][0-9]{3})+)\.[0-9]{1,2}([^0-9,.]|$)'"
_NOTICES = {
    "day_first": "{}: dates read day first, as 31/12 in the column shows.",
    "month_first": "{}: dates read month first, as 12/31 in the column shows.",
    "comma": "{}: the comma read as the decimal mark, as 1.234,50 in the column shows.",
    "point": "{}: the point read as the decimal mark, as 1,234.50 in the column shows.",
}


def column_styles(
    connection: duckdb.DuckDBPyConnection, table: Table, columns: Columns, raw: Raw, mapped: TableMapping
) -> tuple[dict[str, Style], tuple[str, ...]]:
    """The style of every column of the table and a notice for each one that was inferred."""
    kinds = {column.name: column.kind for column in table.columns}
    dates = [name for name in columns.position if kinds[name] == "date" and mapped.date_order is None]
    amounts = [
        name
        for name, index in columns.position.items()
        if kinds[name] == "money" and mapped.decimal is None and index not in raw.numeric
    ]
    order = _shown(connection, raw, columns, dates, (_DAY_FIRST, _MONTH_FIRST), ("day_first", "month_first"))
    decimal = _shown(connection, raw, columns, amounts, (_COMMA_DECIMAL, _POINT_DECIMAL), ("comma", "point"))
    styles = {
        name: Style(
            date_order=mapped.date_order or order.get(name),
            decimal=mapped.decimal or decimal.get(name),
            unit=mapped.units.get(name),
            numeric=columns.position.get(name) in raw.numeric,
            values=mapped.values.get(name, {}),
        )
        for name in kinds
    }
    notices = [_NOTICES[shown].format(name) for name, shown in {**order, **decimal}.items() if shown != "point"]
    notices += [f"{name}: read as {unit} ({FILE_NAME})." for name, unit in mapped.units.items()]
    return styles, tuple(notices)


def _shown(
    connection: duckdb.DuckDBPyConnection,
    raw: Raw,
    columns: Columns,
    names: list[str],
    patterns: tuple[str, str],
    meanings: tuple[str, str],
) -> dict[str, str]:
    """The meaning that at least one cell of a column proves and none disproves."""
    if not names:
        return {}
    tests = ", ".join(
        f"count(*) FILTER (WHERE regexp_matches(trim(c{columns.position[name]}), {pattern}))"
        for name in names
        for pattern in patterns
    )
    counts = connection.execute(f"SELECT {tests} FROM {raw.relation}").fetchone() or ()
    shown = {}
    for index, name in enumerate(names):
        first, second = counts[2 * index], counts[2 * index + 1]
        if bool(first) != bool(second):
            shown[name] = meanings[0] if first else meanings[1]
    return shown
