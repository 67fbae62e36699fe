"""Any source as one relation with the row number that a person sees; rows of the wrong shape are set aside."""

import re
from dataclasses import dataclass, field

import duckdb

from domain.errors import DataError
from tools.sources.csv_file import CsvFile
from tools.sql import sql_identifier, sql_path, sql_string

TOO_LONG = "the row or a field in it is longer than 1,000,000 characters"
INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")
NUMERIC = (*INTEGERS, "FLOAT", "DOUBLE", "DECIMAL")


@dataclass(frozen=True)
class MalformedRow:
    """A record of a CSV file with another number of fields than the header, or a broken quotation."""

    row: int
    reason: str
    text: str


@dataclass(frozen=True)
class RawTable:
    """``relation`` yields ``row_no`` and ``c0``, ``c1``, …: texts, or the ``types`` of a source that has types.

    ``row_no`` counts as a spreadsheet does: 1 is the header, 2 the first row.
    """

    relation: str
    location: str
    header: list[str]
    types: tuple[str, ...] = ()
    malformed_rows: tuple[MalformedRow, ...] = ()
    notices: tuple[str, ...] = ()
    temporary_tables: tuple[str, ...] = field(default=())
    files: str = ""
    """The Parquet files, as the engine takes them; empty for every other source."""
    rows: int = 0
    """The number of rows where the source gives it; 0 where it does not."""
    deleted: tuple[tuple[str, int, tuple[int, ...]], ...] = ()
    """Rows that the source marks as deleted and ``relation`` does not yield: the column, how many, the first row numbers."""
    database: str = ""
    """The name of the database file that holds the table; empty for a file of its own."""

    @property
    def full_name(self) -> str:
        """The name by which a person finds a damaged table: with the database file, if it is in one."""
        return _full_name(self.location, self.database)

    def type_of(self, index: int) -> str:
        """The engine's name of a column's type; text in a CSV file."""
        return self.types[index] if self.types else "VARCHAR"

    def text(self, index: int) -> str:
        """The cell as text, as an expression over ``relation``."""
        return f"c{index}" if not self.types else as_text(f"c{index}", self.types[index])

    def is_number(self, index: int) -> bool:
        """True where the source says that the column is a number."""
        return self.type_of(index).startswith(NUMERIC)


def _full_name(location: str, database: str) -> str:
    return f"{location} in {database}" if database else location


def error_summary(error: duckdb.Error) -> str:
    """The first line of an error of DuckDB, without the folders of file names: they may be private."""
    return re.sub(r"([\"'])[^\"']*/", r"\1", str(error).splitlines()[0]).rstrip(".!")


def load_csv(connection: duckdb.DuckDBPyConnection, file: CsvFile, name: str) -> RawTable:
    """Read the file into a temporary table. Raises DataError for a file that is truncated or cannot be read."""
    # Strict first: it reports broken quotations as rejects. Its state machine gives up on some files that the other reads.
    for strict in ("true", "false"):
        try:
            _read(connection, file, name, strict)
            break
        except duckdb.InvalidInputException as error:
            if strict == "false" or "state machine" not in str(error):
                raise DataError(
                    f"{file.location} cannot be read as CSV: {error_summary(error)}. Export it again as CSV (UTF-8)."
                ) from error
    rejects = connection.execute(
        f"SELECT line, min_by(error_type::VARCHAR, error_type::VARCHAR), any_value(csv_line), max(column_idx)"
        f" FROM {sql_identifier(name + '_errors')} WHERE error_type::VARCHAR <> 'CAST' GROUP BY line ORDER BY line"
    ).fetchall()
    kept = _count(connection, f"SELECT count(*) FROM {sql_identifier(name)}")
    shift = file.header_row - 1
    bad = tuple(
        MalformedRow(line + shift, _shape_problem(kind, len(file.header)), text or "")
        for line, kind, text, _ in rejects
    )
    _refuse_truncated(file, bad, [row[1] for row in rejects], kept)
    skipped = sorted({row.row for row in bad} | set(file.blank_rows))
    return RawTable(
        relation=_number_rows(connection, name, skipped, file.header_row),
        location=file.location,
        header=file.header,
        malformed_rows=bad,
        notices=file.notices,
        temporary_tables=tuple(name + kind for kind in ("", "_errors", "_scans", "_gaps")),
    )


def _read(connection: duckdb.DuckDBPyConnection, file: CsvFile, name: str, strict: str) -> None:
    columns = ", ".join(f"'c{index}': 'VARCHAR'" for index in range(len(file.header)))
    for table in (name, name + "_errors", name + "_scans"):
        connection.execute(f"DROP TABLE IF EXISTS {sql_identifier(table)}")
    connection.execute(
        f"CREATE TEMP TABLE {sql_identifier(name)} AS SELECT * FROM read_csv({sql_path(file.path)},"
        f" columns = {{{columns}}}, header = true, auto_detect = false, delim = {sql_string(file.delimiter)},"
        f" quote = '\"', escape = '\"', strict_mode = {strict}, store_rejects = true,"
        f" rejects_table = {sql_string(name + '_errors')}, rejects_scan = {sql_string(name + '_scans')})"
    )


def _count(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0


def _shape_problem(kind: str, fields: int) -> str:
    if kind in ("MISSING COLUMNS", "TOO MANY COLUMNS"):
        return f"wrong number of fields (the header has {fields})"
    if kind == "LINE SIZE OVER MAXIMUM":
        return TOO_LONG
    return "a quotation mark that does not close or is in a wrong place"


def _refuse_truncated(file: CsvFile, bad: tuple[MalformedRow, ...], kinds: list[str], kept: int) -> None:
    """Raise DataError where the file breaks off: half of an export would look like accounts that went silent.

    A file is truncated where its last record is bad, and a quote is open or the record is short without a newline.
    """
    before = (
        kept + len({row.row for row in bad}) + len([row for row in file.blank_rows if not bad or row < bad[-1].row])
    )
    ends_badly = bool(bad) and bad[-1].row >= before + file.header_row
    open_quote = ends_badly and file.has_open_quote
    short = ends_badly and kinds[-1] == "MISSING COLUMNS" and not file.ends_with_newline
    if open_quote or short:
        what = "a quotation mark opened there is never closed" if open_quote else "the last row breaks off"
        raise DataError(
            f"{file.location} row {bad[-1].row}: the file is truncated ({what}). Export it again and compare the sizes."
        )


def _number_rows(connection: duckdb.DuckDBPyConnection, name: str, skipped: list[int], header_row: int) -> str:
    """A relation with spreadsheet row numbers. The n-th kept record has header_row + n + the skipped records before it."""
    if not skipped:
        return f"(SELECT rowid + {header_row + 1} AS row_no, * FROM {sql_identifier(name)})"
    # One row per run of skipped records; an ASOF join then finds the gap before each record without sorting it again.
    gaps = sql_identifier(name + "_gaps")
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {gaps} AS SELECT row - {header_row} - n AS kept_before, max(n) AS n FROM"
        " (SELECT row, row_number() OVER (ORDER BY row) AS n FROM (SELECT unnest(?::BIGINT[]) AS row)) GROUP BY ALL",
        [skipped],
    )
    return (
        f"(SELECT r.place + {header_row} + coalesce(g.n, 0) AS row_no, r.* EXCLUDE (place) FROM"
        f" (SELECT rowid + 1 AS place, * FROM {sql_identifier(name)}) r ASOF LEFT JOIN {gaps} g ON r.place > g.kept_before)"
    )


def open_relation(
    connection: duckdb.DuckDBPyConnection,
    query: str,
    row_no: str,
    location: str,
    rows: int = 0,
    database: str = "",
    files: str = "",
) -> RawTable:
    """A Parquet file or a database table, given as ``FROM``-able SQL; nothing of it is copied.

    ``row_no`` is the expression of the row number; row 1 is the header.
    """
    try:
        described = connection.execute(f"DESCRIBE SELECT * FROM {query}").fetchall()
    except duckdb.Error as error:
        where = _full_name(location, database)
        raise DataError(f"{where} cannot be read: {error_summary(error)}. Export it again.") from error
    header = [str(row[0]) for row in described]
    cells = ", ".join(f"{sql_identifier(column)} AS c{index}" for index, column in enumerate(header))
    relation = f"(SELECT {row_no} AS row_no, {cells} FROM {query})"
    types = tuple(str(row[1]) for row in described)
    return RawTable(relation, location, header, types, rows=rows, database=database, files=files)


def as_text(cell: str, kind: str) -> str:
    """A typed cell as a person would write it: 12 and not 12.0."""
    if kind in ("FLOAT", "DOUBLE"):
        whole = f"isfinite({cell}) AND {cell} = trunc({cell}) AND abs({cell}) < 1e15"
        digits = f"CAST(CAST({cell} AS BIGINT) AS VARCHAR)"
        return f"CASE WHEN {whole} THEN {digits} ELSE CAST({cell} AS VARCHAR) END"
    if kind == "BLOB":
        return f"decode({cell})"
    return cell if kind == "VARCHAR" else f"CAST({cell} AS VARCHAR)"
