"""Locations of a store, a folder or a PostgreSQL database, with its tables, locks, history and checkpoints."""

import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager, contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import platformdirs

from domain.errors import InputError

if TYPE_CHECKING:
    from langgraph.checkpoint.base import BaseCheckpointSaver

    from tools.scoring.snapshots import SnapshotStore
    from tools.store.postgres import Postgres, PostgresAddress
    from tools.store.review_store import ReviewStore

_SCHEMES = ("postgresql", "postgres")


class StoreLocation(Protocol):
    """The location of a store. Reading creates nothing; opening the store and saving history create what is missing."""

    def exists(self) -> bool:
        """True when there is a store at this location."""

    def store(self, clock: Callable[[], str]) -> "ReviewStore":
        """The store, created when there is none."""

    def check_writable(self) -> None:
        """Open all that a step of a review writes to. Raises InputError before anything is stored."""

    def history(self) -> "SnapshotStore":
        """The scores of earlier weeks."""

    def alone(self, review_id: str, wait_seconds: float = 0.0) -> AbstractContextManager[None]:
        """Hold a review for the length of the block. Raises BusyError when another process has it."""

    def saver(self) -> "AbstractAsyncContextManager[BaseCheckpointSaver[Any]]":
        """The checkpoints of LangGraph: how far each review has come."""

    def close(self) -> None:
        """Close what was opened."""


class FolderLocation:
    """A store in a folder, for one machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def folder(self) -> Path:
        """The folder."""
        return self._folder

    @property
    def checkpoints(self) -> Path:
        """The file with the checkpoints of LangGraph."""
        return self._folder / "checkpoints.db"

    def exists(self) -> bool:
        """True when there is a store at this location."""
        return (self._folder / "saveplay.db").exists()

    def store(self, clock: Callable[[], str]) -> "ReviewStore":
        """The store, created when there is none."""
        from tools.store.audit_key import is_kept_outside
        from tools.store.review_store import ReviewStore

        keys = Path(platformdirs.user_config_dir("saveplay", appauthor=False)) / "audit-keys"
        return ReviewStore(self._folder, clock, key_folder=keys if is_kept_outside(self._folder) else None)

    def check_writable(self) -> None:
        """Open the file of the checkpoints as well."""
        from tools.store.sqlite import DAMAGED_CHECKPOINTS, open_connection

        open_connection(self.checkpoints, DAMAGED_CHECKPOINTS).close()

    def history(self) -> "SnapshotStore":
        """The scores of earlier weeks."""
        from tools.scoring.snapshots import SnapshotStore

        return SnapshotStore(self._folder / "history")

    def alone(self, review_id: str, wait_seconds: float = 0.0) -> AbstractContextManager[None]:
        """Hold a review for the length of the block. Raises BusyError when another process has it."""
        from tools.store.locks import lock_review

        return lock_review(self._folder / "locks", review_id, wait_seconds)

    @asynccontextmanager
    async def saver(self) -> "AsyncIterator[BaseCheckpointSaver[Any]]":
        """The checkpoints of LangGraph: how far each review has come."""
        from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

        from tools.store.sqlite import DAMAGED_CHECKPOINTS, open_connection, translate_sqlite_errors

        path = self.checkpoints
        open_connection(path, DAMAGED_CHECKPOINTS).close()  # waits for other processes; LangGraph would fail at once
        with translate_sqlite_errors(path, DAMAGED_CHECKPOINTS):
            async with AsyncSqliteSaver.from_conn_string(str(path)) as saver:
                await saver.setup()
                yield saver

    def close(self) -> None:
        """Do nothing: the store closes its own files."""


class DatabaseLocation:
    """A store in a PostgreSQL database, for several machines. One connection serves all but the checkpoints."""

    def __init__(self, url: str) -> None:
        self._url = url

    @cached_property
    def _address(self) -> "PostgresAddress":
        from tools.store.postgres import read_address

        return read_address(self._url)

    @cached_property
    def _database(self) -> "Postgres":
        from tools.store.postgres import Postgres

        return Postgres(self._address)

    def exists(self) -> bool:
        """True when there is a store at this location."""
        return self._database.has_tables("reviews")

    def store(self, clock: Callable[[], str]) -> "ReviewStore":
        """The store, created when there is none."""
        from tools.store.review_store import ReviewStore

        is_new = not self.exists()
        store = ReviewStore(self._database, clock)
        if is_new:  # whoever may create tables creates all of them, so that others need rights on rows only
            self.check_writable()
        return store

    def check_writable(self) -> None:
        """Create the tables of history and checkpoints that are missing or of an earlier version, and check the rights.

        Raises InputError when the user lacks a right, before anything is stored.
        """
        from tools.scoring.snapshots import create_table

        create_table(self._database)
        if self._checkpoint_version() < _newest_checkpoint_version():
            self._set_up_checkpoints()
        self._database.check_rights()

    def _checkpoint_version(self) -> int:
        """Number of the newest step that the tables of the checkpoints have had; -1 for none."""
        if not self._database.has_tables("checkpoint_migrations"):
            return -1
        found = self._database.rows("select max(v) as v from checkpoint_migrations", {})[0]["v"]
        return -1 if found is None else int(found)

    def _set_up_checkpoints(self) -> None:
        from langgraph.checkpoint.postgres import PostgresSaver

        from tools.store.postgres import translate_errors

        with translate_errors(self._address), self._database.changing_tables():
            PostgresSaver(self._database.connection).setup()

    def history(self) -> "SnapshotStore":
        """The scores of earlier weeks, with copies in a folder of this machine."""
        from tools.scoring.snapshots import SharedSnapshotStore

        usual = platformdirs.user_cache_dir("saveplay", appauthor=False)
        folder = Path(os.environ.get("SAVEPLAY_CACHE") or usual)
        return SharedSnapshotStore(folder / self._address.digest, self._database)

    def alone(self, review_id: str, wait_seconds: float = 0.0) -> AbstractContextManager[None]:
        """Hold a review for the length of the block. Raises BusyError when another process has it."""
        from tools.store.locks import lock_review_in

        return lock_review_in(self._database, review_id, wait_seconds)

    @asynccontextmanager
    async def saver(self) -> "AsyncIterator[BaseCheckpointSaver[Any]]":
        """Checkpointer in which LangGraph keeps how far each review is.

        Raises InputError when it cannot be opened, and the errors of `translate_errors` while it is open.
        """
        from tools.store.postgres import DRIVER_MISSING, connect_async, translate_errors

        try:
            from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
        except ImportError:
            raise InputError(DRIVER_MISSING) from None
        if self._checkpoint_version() < _newest_checkpoint_version():
            self._set_up_checkpoints()
        with translate_errors(self._address):
            async with await connect_async(self._address) as connection:
                yield AsyncPostgresSaver(connection)

    def close(self) -> None:
        """Close the connection when there is one."""
        if "_database" in self.__dict__:
            self._database.close()


def _newest_checkpoint_version() -> int:
    """Number of the newest step of the checkpoints' tables that this LangGraph knows."""
    from tools.store.postgres import DRIVER_MISSING

    try:
        from langgraph.checkpoint.postgres import PostgresSaver
    except ImportError:
        raise InputError(DRIVER_MISSING) from None
    return len(PostgresSaver.MIGRATIONS) - 1


@contextmanager
def open_location(given: str | None) -> Iterator[StoreLocation]:
    """The location of the store for the block: ``--store``, else ``SAVEPLAY_STORE``, else the user's data folder.

    Raises InputError for a URL that is not PostgreSQL.
    """
    chosen = given or os.environ.get("SAVEPLAY_STORE")
    location = (
        _parse_location(chosen)
        if chosen
        else FolderLocation(Path(platformdirs.user_data_dir("saveplay", appauthor=False)))
    )
    try:
        yield location
    finally:
        location.close()


def _parse_location(chosen: str) -> FolderLocation | DatabaseLocation:
    scheme, _, rest = chosen.partition(":")
    if "://" not in chosen and scheme.lower() not in _SCHEMES:
        return FolderLocation(Path(chosen))
    if scheme not in _SCHEMES or not rest.startswith("//"):
        # the rest is not repeated: it may hold a password
        raise InputError(f"--store {scheme}:…: a store is a folder or a URL like postgresql://user@host/database")
    return DatabaseLocation(chosen)
