"""Interface that a store asks of a database; `tools.store.sqlite` and `tools.store.postgres` implement it."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from domain.record import Row


class Database(Protocol):
    """One connection. SQL is the core that SQLite and PostgreSQL share, with parameters like ``:this``."""

    name: str
    """Address for messages to people; holds no password."""
    identity_column: str
    """SQL type of a column that numbers its rows from 1; the only type that the two databases spell differently."""

    def columns(self) -> Mapping[str, tuple[str, ...]]:
        """Names of the columns by table, in their order."""

    def upgrading(self) -> AbstractContextManager[None]:
        """Transaction for a block that makes or changes tables; one process at a time."""

    def rows(self, sql: str, values: Mapping[str, Any]) -> list[Row]:
        """The rows that a query returns."""

    def execute(self, sql: str, values: Mapping[str, Any]) -> int:
        """Run one change and return the number of rows it changed."""

    def execute_each(self, sql: str, values: Sequence[Mapping[str, Any]]) -> None:
        """Run one change for each set of values."""

    def writing(self) -> AbstractContextManager[None]:
        """Transaction for a block: all of it is kept or nothing; one process writes at a time. May be nested."""

    def reading(self) -> AbstractContextManager[None]:
        """One moment for a block: later writes of others are not seen. Nothing may be written in it."""

    def is_usable(self) -> bool:
        """False when the connection was lost; it does not come back."""

    def check_rights(self) -> None:
        """Raise InputError when a table may not be written to."""

    def close(self) -> None:
        """Close the connection."""
