"""The place of each table: a file of a folder, or a table of a DuckDB file.

Digests are made here, so that a review can say later which data it saw.
"""

from dataclasses import dataclass
from hashlib import sha256
from itertools import accumulate
from pathlib import Path

import duckdb

from domain.errors import ConfigurationError, DataError
from tools.sources.csv_file import open_csv
from tools.sources.mapping import FILE_NAME
from tools.sources.raw_tables import RawTable, error_summary, load_csv, open_relation
from tools.sql import sql_files, sql_identifier, sql_path

_SUFFIXES = (".csv", ".tsv", ".txt", ".parquet")
_DATABASES = (".db", ".duckdb")
_DATABASE_HEADERS = 3 * 4096
"""Bytes: the main header of a DuckDB file and its two database headers."""


@dataclass
class SourceLocation:
    """An open folder or database: ``names`` of its files or tables, ``digests`` by name of what was read from it."""

    path: Path
    names: list[str]
    database: bool
    scratch: Path
    digests: dict[str, str]

    @property
    def mapping_path(self) -> Path:
        """mapping.yaml beside the data."""
        return (self.path.parent if self.database else self.path) / FILE_NAME


def open_location(location: str, connection: duckdb.DuckDBPyConnection, scratch: Path) -> SourceLocation:
    """Open a folder or a DuckDB file. Raises DataError for a location that is neither."""
    is_url = location.startswith("duckdb:")
    if "://" in location and not is_url:
        raise DataError(f"{location.partition(':')[0]}:// is not a data location; give a folder or duckdb:///path.db.")
    path = _database_path(location) if is_url else Path(location).expanduser()
    if not path.exists():
        raise DataError(f"{location} does not exist. Give a folder of CSV or Parquet files, or a DuckDB file.")
    if path.is_dir():
        return SourceLocation(path, _files(path), False, scratch, {})
    if not path.is_file():  # a pipe would be waited for
        raise DataError(
            f"{path.name} is neither a folder nor a file. Give a folder of CSV or Parquet files, or a DuckDB file."
        )
    if is_url or path.suffix.lower() in _DATABASES:
        return _attach(path, connection, scratch)
    raise DataError(f"{path.name} is neither a folder nor a DuckDB file (.db, .duckdb). Give the folder it lies in.")


def _database_path(location: str) -> Path:
    """``duckdb:///x.db`` is relative and ``duckdb:////x.db`` absolute; a path that fits only one way is taken so."""
    rest = location.removeprefix("duckdb:")
    if not rest.startswith("///"):
        return Path(rest.removeprefix("//"))
    written = Path(rest.removeprefix("///"))
    rooted = Path("/") / written
    return rooted if not written.exists() and rooted.exists() else written


def _files(folder: Path) -> list[str]:
    """Files of a kind that can be read, and folders of Parquet files, each of which is one table."""
    return sorted(item.name for item in folder.iterdir() if _is_file(item) or (item.is_dir() and _parquet_files(item)))


def _is_file(path: Path) -> bool:
    return path.is_file() and path.name.lower().endswith(_SUFFIXES)


def _parquet_files(folder: Path) -> list[Path]:
    """The Parquet files of a table that is written as a folder, in the order of their paths."""
    return sorted(path for path in folder.rglob("*.parquet") if path.is_file())


def _attach(path: Path, connection: duckdb.DuckDBPyConnection, scratch: Path) -> SourceLocation:
    try:
        connection.execute(f"ATTACH {sql_path(path)} AS source (READ_ONLY)")
        rows = connection.execute(
            "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = 'source' UNION ALL"
            " SELECT schema_name, view_name FROM duckdb_views() WHERE database_name = 'source' AND NOT internal"
            " ORDER BY 1, 2"
        ).fetchall()
    except duckdb.Error as error:
        raise DataError(f"{path.name} cannot be opened as a DuckDB file: {error_summary(error)}.") from error
    names = [table if schema == "main" else f"{schema}.{table}" for schema, table in rows]
    return SourceLocation(path, names, True, scratch, {path.name: _digest_database(path)})


def _digest_database(path: Path) -> str:
    """SHA-256 of the headers and the size: every checkpoint changes a header, and a database may be too large to read whole."""
    with path.open("rb") as stream:
        return sha256(stream.read(_DATABASE_HEADERS) + str(path.stat().st_size).encode()).hexdigest()


def _digest_parquet(paths: list[Path]) -> str:
    """SHA-256 of the footers and sizes. A footer holds the size, minimum and maximum of every piece of a column.

    The last 8 bytes of a Parquet file are the length of the footer (4 bytes, little-endian) and a magic word.
    """
    digest = sha256()
    for path in paths:
        size = path.stat().st_size
        with path.open("rb") as stream:
            stream.seek(max(size - 8, 0))
            length = int.from_bytes(stream.read(4), "little")
            stream.seek(max(size - 8 - length, 0))
            digest.update(f"{path.name}\0{size}\0".encode() + stream.read())
    return digest.hexdigest()


def find_table(source: SourceLocation, table: str, wanted: str | None) -> str | None:
    """The name of the file or table that holds ``table``; None where there is none and mapping.yaml names none.

    Raises DataError where two files fit or there are no accounts, ConfigurationError for a wrong name in mapping.yaml.
    """
    if wanted is not None:
        return _find_named(source, table, wanted)
    stems = [name for name in source.names if _table_stem(source, name) == table]
    if len(stems) > 1:
        raise DataError(
            f"{' and '.join(stems)} both hold {table}. Remove one, or say under"
            f" tables.{table}.from in {FILE_NAME} which one is meant."
        )
    if not stems and table == "accounts":
        raise DataError(
            f"{source.path.name}: there is no accounts table ({_found_names(source)}). Add accounts.csv, or name the file or"
            f" table that holds the accounts under tables.accounts.from in {FILE_NAME}."
        )
    return stems[0] if stems else None


def _table_stem(source: SourceLocation, name: str) -> str:
    plain = name.rsplit(".", 1)
    return (plain[-1] if source.database else plain[0]).casefold()


def _find_named(source: SourceLocation, table: str, wanted: str) -> str:
    exact = [name for name in source.names if name == wanted]
    if not source.database and "/" in wanted and _lies_inside(source.path, wanted):
        exact = [wanted]
    loose = [name for name in source.names if wanted.casefold() in (name.casefold(), _table_stem(source, name))]
    hits = exact or loose
    if len(hits) == 1:
        return hits[0]
    problem = f"{' and '.join(hits)} both fit" if hits else f"there is no such file or table ({_found_names(source)})"
    raise ConfigurationError(f"{FILE_NAME}: tables.{table}.from: {wanted}: {problem}.")


def _lies_inside(folder: Path, wanted: str) -> bool:
    try:
        path = (folder / wanted).resolve()
    except (OSError, RuntimeError, ValueError):  # a link that leads to itself, a name that no file can have
        return False
    return path.is_file() and path.is_relative_to(folder.resolve()) and path.name.lower().endswith(_SUFFIXES)


def _found_names(source: SourceLocation) -> str:
    names = ", ".join(source.names[:20]) or "nothing that can be read"
    return f"found: {names}" + (" and more" if len(source.names) > 20 else "")


def read_raw(source: SourceLocation, connection: duckdb.DuckDBPyConnection, name: str, alias: str) -> RawTable:
    """Open the file or table as a relation. Raises DataError for one that is broken."""
    if source.database:
        return _database_table(source, connection, name)
    path = source.path / name
    try:
        if path.is_dir() or path.suffix.lower() == ".parquet":
            return _parquet(source, connection, name, path)
        file, source.digests[name] = open_csv(path, path.name, source.scratch)
    except OSError as error:
        raise DataError(f"{path.name} cannot be read: {error.strerror}. Check the rights of the file.") from error
    return load_csv(connection, file, alias)


def has_types(source: SourceLocation, name: str | None) -> bool:
    """True for a source with types of its own: a database or Parquet."""
    return name is not None and (source.database or not name.lower().endswith((".csv", ".tsv", ".txt")))


def _database_table(source: SourceLocation, connection: duckdb.DuckDBPyConnection, name: str) -> RawTable:
    parts = name.split(".", 1) if "." in name and name in source.names else [name]
    parts = parts if len(parts) == 2 else ["main", name]
    table = ".".join(sql_identifier(part) for part in ("source", *parts))
    try:
        connection.execute(f"SELECT rowid FROM {table} LIMIT 0")
        row_no = "rowid + 2"
    except duckdb.Error:
        row_no = "row_number() OVER () + 1"  # a view has no row ids
    return open_relation(connection, table, row_no, parts[-1], database=source.path.name)


def _parquet(source: SourceLocation, connection: duckdb.DuckDBPyConnection, name: str, path: Path) -> RawTable:
    """One file, or a folder of files with the same columns, with row numbers as if all were one file."""
    paths = _parquet_files(path) if path.is_dir() else [path]
    empty = next((each for each in paths if each.stat().st_size == 0), None)
    if empty is not None:
        raise DataError(f"{empty.name} is empty (0 bytes). Export it again, or remove it.")
    source.digests[name] = _digest_parquet(paths)
    files = sql_files(paths)
    try:
        counts = connection.execute(f"SELECT num_rows FROM parquet_file_metadata({files})").fetchall()
    except duckdb.Error as error:
        raise DataError(f"{path.name} cannot be read: {error_summary(error)}. Export it again.") from error
    before = list(accumulate((int(row[0]) for row in counts), initial=0))
    if len(paths) == 1:
        return open_relation(
            connection, f"read_parquet({files})", "file_row_number + 2", path.name, before[-1], files=files
        )
    row_no = f"list_extract({before[:-1]}, CAST(file_index AS INTEGER) + 1) + file_row_number + 2"
    query = f"read_parquet({files}, hive_partitioning = false, union_by_name = true)"
    return open_relation(connection, query, row_no, path.name, before[-1], files=files)
