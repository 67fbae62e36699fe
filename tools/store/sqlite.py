"""SQLite file of a store: statements and transactions. Several processes may have it open; one at a time writes.

Errors of SQLite become errors of `domain.errors` here, and only here.
"""

import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from domain.errors import BusyError, PlaceError, StoreError
from domain.record import Row
from tools.places import make_private_file, make_private_folder, translate_os_errors

_WAIT_SECONDS = 30
"""Longest wait of a write for the writes of other processes."""
_RETRY_SECONDS = 0.02
_PAGE_BYTES = 16_384
"""The result of a phase may take some megabytes; with SQLite's default of 4,096 bytes, writing it takes twice as long."""
_TOO_LARGE = (
    "a part of the review is larger than the 1 GB that SQLite keeps in one place, because tens of thousands of accounts are at"
    " risk at once; look at what `saveplay check` says about the data, or review the base in parts"
)
_REASONS = {
    sqlite3.SQLITE_TOOBIG: _TOO_LARGE,
    sqlite3.SQLITE_FULL: "the disk is full; free some space, then run the command again: what was finished is kept",
    sqlite3.SQLITE_IOERR: "the disk cannot be read or written, or the limit on file sizes is reached; check the disk, then run "
    "the command again: what was finished is kept",
    sqlite3.SQLITE_READONLY: "it is read-only; ask its owner for the right to write, or name another place with --store",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened; check that its folder can be read and written, or name another place with --store",
    sqlite3.SQLITE_PERM: "you have no right to use it; ask its owner for the right, or name another place with --store",
    sqlite3.SQLITE_AUTH: "you have no right to use it; ask its owner for the right, or name another place with --store",
}
DAMAGED_STORE = (
    "it is damaged, or not a database of saveplay; put back a copy of it, or name another place with --store"
)
DAMAGED_CHECKPOINTS = (
    "it is damaged, or not a file of saveplay; move it away, then run `saveplay resume`: decisions and results are in "
    "saveplay.db, and an open review is worked out again from its data"
)


def open_connection(path: Path, damaged: str = DAMAGED_STORE) -> sqlite3.Connection:
    """Open a file, created if missing, in write-ahead mode: reading goes on while another process writes.

    ``damaged`` is said of a file that is not a database. Raises PlaceError, or StoreError when the file stays locked for 30 s.
    Switching a new file to write-ahead mode does not respect the timeout: of two processes that do it at once, one gets "locked"
    immediately. So the switch is retried here.
    """
    with translate_os_errors(path.parent, "cannot use the store", "--store"):
        make_private_folder(path.parent)
        make_private_file(path)
    with translate_sqlite_errors(path, damaged):
        connection = sqlite3.connect(path, timeout=_WAIT_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            connection.execute(f"pragma page_size = {_PAGE_BYTES}")  # only a new file takes it
            deadline = time.monotonic() + _WAIT_SECONDS
            while not _is_write_ahead(connection):
                if time.monotonic() >= deadline:
                    raise StoreError(f"{path.parent.name}/ is locked by another process; try again when that has ended")
                time.sleep(_RETRY_SECONDS)
        except BaseException:
            connection.close()
            raise
    return connection


def _is_write_ahead(connection: sqlite3.Connection) -> bool:
    try:
        connection.execute("pragma journal_mode = wal")
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            return False
        raise
    return True


@contextmanager
def translate_sqlite_errors(path: Path, damaged: str = DAMAGED_STORE) -> Iterator[None]:
    """Raise what SQLite says of the file in the block as PlaceError, or BusyError when another process wrote for over 30 s.

    Errors of statements that are wrong in themselves go through: they are faults of the program.
    """
    place = f"{path.parent.name}/{path.name}"
    try:
        yield
    except OverflowError:  # over 2 GB, which the driver refuses before SQLite sees it
        raise PlaceError(f"cannot use {place}: {_TOO_LARGE}") from None
    except sqlite3.DatabaseError as error:
        code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
        if code == sqlite3.SQLITE_BUSY:
            raise BusyError(f"another process is writing to {place}; wait until it is done, then try again") from None
        if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_FORMAT):
            raise PlaceError(f"cannot use {place}: {damaged}") from None
        if code in _REASONS:
            raise PlaceError(f"cannot use {place}: {_REASONS[code]}") from None
        if str(error).startswith(("no such table", "no such column")):
            what = str(error).removeprefix("no such ").replace(":", "")
            raise PlaceError(f"cannot use {place}: the {what} is missing; {damaged.partition('; ')[2]}") from None
        raise


class Sqlite:
    """Database of a store in a folder; the folder is created. Each method raises the errors of `translate_sqlite_errors`."""

    identity_column = "integer primary key"

    def __init__(self, folder: Path) -> None:
        self.name = f"{folder.name}/"
        self._path = folder / "saveplay.db"
        self._connection = open_connection(self._path)
        self._connection.row_factory = sqlite3.Row

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def columns(self) -> dict[str, tuple[str, ...]]:
        """Names of the columns by table."""
        found: dict[str, tuple[str, ...]] = {}
        query = (
            "select t.name as place, c.name as name from sqlite_master t join pragma_table_info(t.name) c "
            "where t.type = 'table' and t.name not like 'sqlite~_%' escape '~' order by t.name, c.cid"
        )
        for row in self.rows(query, {}):
            found[row["place"]] = (*found.get(row["place"], ()), row["name"])
        return found

    def is_usable(self) -> bool:
        """True: a file stays open."""
        return True

    def check_rights(self) -> None:
        """Do nothing: the first write of a step shows whether the file can be written to."""

    def rows(self, sql: str, values: Mapping[str, Any]) -> list[Row]:
        """The rows that a query returns."""
        with translate_sqlite_errors(self._path):
            return [dict(row) for row in self._connection.execute(sql, values)]

    def execute(self, sql: str, values: Mapping[str, Any]) -> int:
        """Run one change and return the number of rows it changed."""
        with translate_sqlite_errors(self._path):
            return self._connection.execute(sql, values).rowcount

    def execute_each(self, sql: str, values: Sequence[Mapping[str, Any]]) -> None:
        """Run one change for each set of values."""
        with translate_sqlite_errors(self._path):
            self._connection.executemany(sql, values)

    @contextmanager
    def upgrading(self) -> Iterator[None]:
        """Transaction for a block that makes or changes tables; one process at a time."""
        with self.writing():
            yield

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Transaction for the block. One process writes at a time."""
        # The lock is taken at the start: a transaction that reads first and locks later may fail instead of waiting.
        with self._transaction("begin immediate"):
            yield

    @contextmanager
    def reading(self) -> Iterator[None]:
        """One moment for all reads in the block."""
        with self._transaction("begin"):
            yield

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[None]:
        if self._connection.in_transaction:  # nested: the outer block commits
            yield
            return
        self.execute(begin, {})
        try:
            yield
            self.execute("commit", {})
        except BaseException:
            if self._connection.in_transaction:  # on a full disk, SQLite itself may have ended it
                with suppress(sqlite3.Error):
                    self._connection.execute("rollback")
            raise
