"""Rows that a source keeps although they are deleted there, or replaced by a newer version: left out and counted.

A column counts only by its name, and only where mapping.yaml does not use it. One rule: a row without a mark is kept.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import duckdb

from domain.data_audit import DELETED_AT_SOURCE, LeftOutRows
from tools.sources.column_matching import ColumnMatch
from tools.sources.mapping import name_key
from tools.sources.raw_tables import RawTable
from tools.sql import sql_identifier, sql_strings

_DELETED_WHEN_TRUE = ("isdeleted", "fivetrandeleted")
_DELETED_WHEN_FALSE = ("fivetranactive",)
_MAY_MEAN_DELETED = (
    "deleted",
    "deletedat",
    "datedeleted",
    "sdcdeletedat",
    "archived",
    "isarchived",
    "archivedat",
    "istest",
)
"""Columns, as name_key() writes them, that may mean the same; nobody knows without asking."""
_TRUE, _FALSE = ("true", "t", "1", "1.0", "yes", "y"), ("false", "f", "0", "0.0", "no", "n")
_EXAMPLES = 5


@dataclass(frozen=True)
class DeletionMark:
    """A column of the source that marks deleted rows; ``words`` are its texts of such a row, in lower case."""

    index: int
    name: str
    words: tuple[str, ...]

    def condition(self, cell: str) -> str:
        """True for a deleted row, in any engine; ``cell`` is an expression of any type."""
        return f"coalesce(lower(trim(cast({cell} as varchar))), '') in ({sql_strings(self.words)})"


def deletion_marks(header: Sequence[str], used: Collection[int]) -> tuple[DeletionMark, ...]:
    """The columns that mark deleted rows, without those whose indexes are ``used`` for something else."""
    found = []
    for index, name in enumerate(header):
        key = name_key(name)
        if index in used:
            continue
        if key in _DELETED_WHEN_TRUE:
            found.append(DeletionMark(index, name, _TRUE))
        elif key in _DELETED_WHEN_FALSE:
            found.append(DeletionMark(index, name, _FALSE))
    return tuple(found)


def ignored_mark_notices(ignored: Sequence[str]) -> list[str]:
    """A warning for each column that may mark deleted rows and is not read."""
    return [
        f"{name}: this column is not read; if it marks rows that do not count, leave them out of the export."
        for name in ignored
        if name_key(name) in _MAY_MEAN_DELETED
    ]


def without_deleted_rows(
    connection: duckdb.DuckDBPyConnection, raw_table: RawTable, columns: ColumnMatch
) -> tuple[RawTable, ColumnMatch]:
    """The table without its deleted rows, which it then counts in ``deleted``; the marks are no longer ignored columns."""
    marks = deletion_marks(raw_table.header, columns.used)
    if not marks:
        return raw_table, columns
    read = {mark.name for mark in marks}
    columns = replace(columns, ignored=tuple(name for name in columns.ignored if name not in read))
    conditions = [mark.condition(f"c{mark.index}") for mark in marks]
    which = " ".join(f"WHEN {condition} THEN {place}" for place, condition in enumerate(conditions))
    groups = connection.execute(
        f"SELECT CASE {which} END AS mark, count(*), min(row_no, {_EXAMPLES}) FROM {raw_table.relation}"
        f" WHERE {' OR '.join(conditions)} GROUP BY 1 ORDER BY 1"
    ).fetchall()
    kept = " AND ".join(f"NOT {condition}" for condition in conditions)
    deleted = tuple((marks[place].name, count, tuple(rows)) for place, count, rows in groups)
    if not deleted:
        return raw_table, columns
    relation = f"(SELECT * FROM {raw_table.relation} WHERE {kept})"
    return replace(raw_table, relation=relation, deleted=deleted), columns


def keep_deleted_accounts(connection: duckdb.DuckDBPyConnection, raw_table: RawTable, columns: ColumnMatch) -> None:
    """Make the table ``deleted_accounts`` of the ids of deleted accounts; their rows in other tables are no faults."""
    query = "SELECT CAST(NULL AS VARCHAR) AS account_id WHERE false"
    if (
        conditions := [mark.condition(f"c{mark.index}") for mark in deletion_marks(raw_table.header, columns.used)]
    ) and ("account_id" in columns.position):
        cell = raw_table.text(columns.position["account_id"])
        deleted = " OR ".join(conditions)
        query = f"SELECT DISTINCT trim({cell}) AS account_id FROM {raw_table.relation} WHERE {deleted}"
    connection.execute(f"CREATE OR REPLACE TEMP TABLE deleted_accounts AS {query}")


def deleted_entries(table: str, raw_table: RawTable) -> list[LeftOutRows]:
    """Records of the deleted rows, one for each column that marks them."""
    return [
        LeftOutRows(
            table=table,
            column=name,
            reason=DELETED_AT_SOURCE,
            rows=count,
            examples=tuple(f"{raw_table.location} row {row}" for row in rows),
        )
        for name, count, rows in raw_table.deleted
    ]


def server_condition(marks: Sequence[DeletionMark]) -> str:
    """True for a deleted row of a server's table; empty without marks."""
    return " or ".join(mark.condition(sql_identifier(mark.name)) for mark in marks)
