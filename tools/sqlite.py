"""One SQLite file: statements and transactions. Several processes may have it open; one at a time writes."""

import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from domain.errors import StoreError

Row = dict[str, Any]

_PATIENCE_SECONDS = 30
"""How long a write waits for those of other processes."""


class Sqlite:
    """The store's file in a folder, which is made."""

    counted = "integer primary key"
    """The type of a column that numbers its rows."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.name = f"{folder.name}/"
        self._connection = sqlite3.connect(
            folder / "saveplay.db", timeout=_PATIENCE_SECONDS, isolation_level=None, check_same_thread=False
        )
        self._connection.row_factory = sqlite3.Row
        self._write_ahead()

    def _write_ahead(self) -> None:
        """Let readers read while somebody writes. Two processes that open a new file at once may both want to say so."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not self._is_write_ahead():
            if time.monotonic() >= deadline:
                raise StoreError(f"{self.name} is locked by another process; try again when that has ended")
            time.sleep(0.02)

    def _is_write_ahead(self) -> bool:
        try:
            self._connection.execute("pragma journal_mode = wal")
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                return False
            raise
        return True

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
