"""One SQLite file: statements and transactions. Several processes may have it open; one at a time writes."""

import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from domain.errors import StoreError

Row = dict[str, Any]

_WAIT_SECONDS = 30
"""How long a write waits for those of other processes."""
_PAGE_BYTES = 16_384
"""What is kept of a phase is up to some megabytes: with SQLite's own 4,096 bytes, writing it takes twice as long."""


def open_connection(path: Path) -> sqlite3.Connection:
    """A file, made when it is missing, in which readers read while somebody writes. Raises StoreError.

    SQLite answers "locked" at once, however long a write may wait, when two processes make a new file such a one at the
    same time: so it is asked again.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, timeout=_WAIT_SECONDS, isolation_level=None, check_same_thread=False)
    connection.execute(f"pragma page_size = {_PAGE_BYTES}")  # of a new file; an old one keeps its own
    deadline = time.monotonic() + _WAIT_SECONDS
    while not _is_write_ahead(connection):
        if time.monotonic() >= deadline:
            connection.close()
            raise StoreError(f"{path.parent.name}/ is locked by another process; try again when that has ended")
        time.sleep(0.02)
    return connection


def _is_write_ahead(connection: sqlite3.Connection) -> bool:
    try:
        connection.execute("pragma journal_mode = wal")
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            return False
        raise
    return True


class Sqlite:
    """The store's file in a folder, which is made."""

    counted = "integer primary key"
    """The type of a column that numbers its rows."""

    def __init__(self, folder: Path) -> None:
        self.name = f"{folder.name}/"
        self._connection = open_connection(folder / "saveplay.db")
        self._connection.row_factory = sqlite3.Row

    def close(self) -> None:
        """Give the connection back."""
        self._connection.close()

    def create(self, tables: str) -> None:
        """Make those tables that are not there."""
        self._connection.executescript(tables)

    def rows(self, sql: str, values: Mapping[str, Any]) -> list[Row]:
        """What a query finds."""
        return [dict(row) for row in self._connection.execute(sql, values)]

    def execute(self, sql: str, values: Mapping[str, Any]) -> int:
        """Carry out a change; returns how many rows it changed."""
        return self._connection.execute(sql, values).rowcount

    def execute_each(self, sql: str, values: Sequence[Mapping[str, Any]]) -> None:
        """Carry out a change for each of the rows."""
        self._connection.executemany(sql, values)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """All or nothing, and one process after the other."""
        with self._transaction("begin immediate"):
            yield

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Everything that is read in the block is of one moment."""
        with self._transaction("begin"):
            yield

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[None]:
        if self._connection.in_transaction:  # part of a larger one, which ends it
            yield
            return
        self._connection.execute(begin)
        try:
            yield
        except BaseException:
            self._connection.execute("rollback")
            raise
        self._connection.execute("commit")
