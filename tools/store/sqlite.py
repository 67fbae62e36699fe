"""SQLite file of a store: statements and transactions. Several processes may have it open; one at a time writes."""

import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from domain.errors import StoreError
from domain.record import Row

_WAIT_SECONDS = 30
"""Longest wait of a write for the writes of other processes."""
_RETRY_SECONDS = 0.02
_PAGE_BYTES = 16_384
"""The result of a phase may take some megabytes; with SQLite's default of 4,096 bytes, writing it takes twice as long."""


def open_connection(path: Path) -> sqlite3.Connection:
    """Open a file, created if missing, in write-ahead mode: reading goes on while another process writes.

    Raises StoreError when the file stays locked for 30 s. Switching a new file to write-ahead mode does not respect the timeout:
    of two processes that do it at once, one gets "locked" immediately. So the switch is retried here.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, timeout=_WAIT_SECONDS, isolation_level=None, check_same_thread=False)
    connection.execute(f"pragma page_size = {_PAGE_BYTES}")  # only a new file takes it
    deadline = time.monotonic() + _WAIT_SECONDS
    while not _is_write_ahead(connection):
        if time.monotonic() >= deadline:
            connection.close()
            raise StoreError(f"{path.parent.name}/ is locked by another process; try again when that has ended")
        time.sleep(_RETRY_SECONDS)
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
    """Database of a store in a folder; the folder is created."""

    identity_column = "integer primary key"

    def __init__(self, folder: Path) -> None:
        self.name = f"{folder.name}/"
        self._connection = open_connection(folder / "saveplay.db")
        self._connection.row_factory = sqlite3.Row

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def is_usable(self) -> bool:
        """True: a file stays open."""
        return True

    def check_rights(self) -> None:
        """Do nothing: the first write of a step shows whether the file can be written to."""

    def create(self, tables: str) -> None:
        """Create the tables that are missing."""
        self._connection.executescript(tables)

    def rows(self, sql: str, values: Mapping[str, Any]) -> list[Row]:
        """The rows that a query returns."""
        return [dict(row) for row in self._connection.execute(sql, values)]

    def execute(self, sql: str, values: Mapping[str, Any]) -> int:
        """Run one change and return the number of rows it changed."""
        return self._connection.execute(sql, values).rowcount

    def execute_each(self, sql: str, values: Sequence[Mapping[str, Any]]) -> None:
        """Run one change for each set of values."""
        self._connection.executemany(sql, values)

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
        self._connection.execute(begin)
        try:
            yield
        except BaseException:
            self._connection.execute("rollback")
            raise
        self._connection.execute("commit")
