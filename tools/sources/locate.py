"""Where each table is: a file of a folder, or a table of a DuckDB file. Nothing is read but names and bytes."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import duckdb

from domain.errors import ConfigurationError, DataError
from tools.sources.csvfile import digest_file, open_csv
from tools.sources.mapping import FILE_NAME
from tools.sources.raw import Raw, literal, load_csv, load_relation, plainly, quoted

_SUFFIXES = (".csv", ".tsv", ".txt", ".parquet")
_DATABASES = (".db", ".duckdb")


@dataclass
class Place:
    """A folder or a database, opened: ``names`` are the files or tables in it, ``digests`` of the files read."""

    path: Path
    names: list[str]
    database: bool
    scratch: Path
    digests: dict[str, str]

    @property
    def mapping_path(self) -> Path:
        """mapping.yaml beside the data."""
        return (self.path.parent if self.database else self.path) / FILE_NAME


def open_place(location: str, connection: duckdb.DuckDBPyConnection, scratch: Path) -> Place:
    """The data location. Raises DataError if it is not there or not a folder or DuckDB file."""
    is_url = location.startswith("duckdb:")
    if "://" in location and not is_url:
        raise DataError(f"{location.partition(':')[0]}:// is not a data location; give a folder or duckdb:///path.db.")
    path = _database_path(location) if is_url else Path(location).expanduser()
    if not path.exists():
        raise DataError(f"{location} does not exist. Give a folder of CSV or Parquet files, or a DuckDB file.")
    if path.is_dir():
        return Place(path, _files(path), False, scratch, {})
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
    return sorted(item.name for item in folder.iterdir() if item.is_file() and item.name.lower().endswith(_SUFFIXES))


def _attach(path: Path, connection: duckdb.DuckDBPyConnection, scratch: Path) -> Place:
    try:
        connection.execute(f"ATTACH {literal(str(path))} AS source (READ_ONLY)")
        rows = connection.execute(
            "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = 'source' UNION ALL"
            " SELECT schema_name, view_name FROM duckdb_views() WHERE database_name = 'source' AND NOT internal"
            " ORDER BY 1, 2"
        ).fetchall()
    except duckdb.Error as error:
        raise DataError(f"{path.name} cannot be opened as a DuckDB file: {plainly(error)}.") from error
    names = [table if schema == "main" else f"{schema}.{table}" for schema, table in rows]
    return Place(path, names, True, scratch, {path.name: digest_file(path)})


def find_table(place: Place, table: str, wanted: str | None) -> str | None:
    """The name of the file or table that holds ``table``; None if the place has none and none was asked for."""
    if wanted is not None:
        return _find_named(place, table, wanted)
    stems = [name for name in place.names if _stem(place, name) == table]
    if len(stems) > 1:
        raise DataError(
            f"{' and '.join(stems)} both hold {table}. Remove one, or say under"
            f" tables.{table}.from in {FILE_NAME} which one is meant."
        )
    if not stems and table == "accounts":
        raise DataError(
            f"{place.path.name}: there is no accounts table ({_known(place)}). Add accounts.csv, or name the file or"
            f" table that holds the accounts under tables.accounts.from in {FILE_NAME}."
        )
    return stems[0] if stems else None


def _stem(place: Place, name: str) -> str:
    plain = name.rsplit(".", 1)
    return (plain[-1] if place.database else plain[0]).casefold()


def _find_named(place: Place, table: str, wanted: str) -> str:
    exact = [name for name in place.names if name == wanted]
    if not place.database and "/" in wanted and _lies_inside(place.path, wanted):
        exact = [wanted]
    loose = [name for name in place.names if wanted.casefold() in (name.casefold(), _stem(place, name))]
    hits = exact or loose
    if len(hits) == 1:
        return hits[0]
    problem = f"{' and '.join(hits)} both fit" if hits else f"there is no such file or table ({_known(place)})"
    raise ConfigurationError(f"{FILE_NAME}: tables.{table}.from: {wanted}: {problem}.")


def _lies_inside(folder: Path, wanted: str) -> bool:
    path = (folder / wanted).resolve()
    return path.is_file() and path.is_relative_to(folder.resolve()) and path.name.lower().endswith(_SUFFIXES)


def _known(place: Place) -> str:
    names = ", ".join(place.names[:20]) or "nothing that can be read"
    return f"found: {names}" + (" and more" if len(place.names) > 20 else "")


def read_raw(place: Place, connection: duckdb.DuckDBPyConnection, name: str, alias: str) -> Raw:
    """The file or table as text. Raises DataError for a broken one."""
    if place.database:
        parts = name.split(".", 1) if "." in name and name in place.names else [name]
        parts = parts if len(parts) == 2 else ["main", name]
        return load_relation(connection, ".".join(quoted(part) for part in ("source", *parts)), alias, parts[-1])
    path = place.path / name
    try:
        if path.suffix.lower() == ".parquet":
            place.digests[name] = digest_file(path)
            return load_relation(
                connection, f"read_parquet({literal(str(_plain(path, place.scratch)))})", alias, path.name
            )
        file, place.digests[name] = open_csv(path, path.name, place.scratch)
    except OSError as error:
        raise DataError(f"{path.name} cannot be read: {error.strerror}.") from error
    return load_csv(connection, file, alias)


def _plain(path: Path, scratch: Path) -> Path:
    """A path without the characters that DuckDB takes for wildcards."""
    if path.stat().st_size == 0:
        raise DataError(f"{path.name} is empty (0 bytes). Export it again, or remove it.")
    if not set(str(path)) & set("*?[]{}"):
        return path
    return Path(shutil.copy(path, scratch / f"{len(list(scratch.iterdir()))}.parquet"))
