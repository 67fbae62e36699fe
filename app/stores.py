"""Where a store is, a folder or a PostgreSQL database, and what belongs to it: tables, locks, history, checkpoints."""

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
    """Where a store is. Looking makes nothing; opening the store and saving its history make what is missing."""

    def exists(self) -> bool:
        """Whether a store has been made here."""

    def store(self, clock: Callable[[], str]) -> "ReviewStore":
        """The store, made when there is none."""

    def history(self) -> "SnapshotStore":
        """The scores of the weeks before."""

    def alone(self, review_id: str, wait_seconds: float = 0.0) -> AbstractContextManager[None]:
        """Hold a review for the length of the block. Raises BusyError when another process has it."""

    def saver(self) -> "AbstractAsyncContextManager[BaseCheckpointSaver[Any]]":
        """Where LangGraph keeps how far each review is."""

    def close(self) -> None:
        """Give back what was opened."""


class FolderLocation:
    """A store in a folder: for one machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def exists(self) -> bool:
        """Whether a store has been made here."""
        return (self._folder / "saveplay.db").exists()

    def store(self, clock: Callable[[], str]) -> "ReviewStore":
        """The store, made when there is none."""
        from tools.store.review_store import ReviewStore

        return ReviewStore(self._folder, clock)

    def history(self) -> "SnapshotStore":
        """The scores of the weeks before."""
        from tools.scoring.snapshots import SnapshotStore

        return SnapshotStore(self._folder / "history")

    def alone(self, review_id: str, wait_seconds: float = 0.0) -> AbstractContextManager[None]:
        """Hold a review for the length of the block. Raises BusyError when another process has it."""
        from tools.store.locks import lock_review

        return lock_review(self._folder / "locks", review_id, wait_seconds)

    @asynccontextmanager
    async def saver(self) -> "AsyncIterator[BaseCheckpointSaver[Any]]":
        """Where LangGraph keeps how far each review is."""
        from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

        from tools.store.sqlite import open_connection

        path = self._folder / "checkpoints.db"
        open_connection(path).close()  # made as patiently as the store; LangGraph asks once
        async with AsyncSqliteSaver.from_conn_string(str(path)) as saver:
            yield saver

    def close(self) -> None:
        """Nothing is open but what the store closes."""


class DatabaseLocation:
    """A store in a PostgreSQL database: for several machines. One session does everything but the checkpoints."""

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
        """Whether a store has been made here."""
        return self._database.has_tables("reviews")

    def store(self, clock: Callable[[], str]) -> "ReviewStore":
        """The store, made when there is none."""
        from tools.store.review_store import ReviewStore

        return ReviewStore(self._database, clock)

    def history(self) -> "SnapshotStore":
        """The scores of the weeks before; copies of them are kept in a folder of this machine."""
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
        """Where LangGraph keeps how far each review is. Raises InputError when it cannot be opened, and
        the errors of `translate_errors` while it is open."""
        from tools.store.postgres import DRIVER_MISSING, connect_async, translate_errors

        try:
            from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
        except ImportError:
            raise InputError(DRIVER_MISSING) from None
        with translate_errors(self._address):
            async with await connect_async(self._address) as connection:
                saver = AsyncPostgresSaver(connection)
                with self._database.changing_tables():
                    await saver.setup()
                yield saver

    def close(self) -> None:
        """End the session."""
        if "_database" in self.__dict__:
            self._database.close()


@contextmanager
def open_location(given: str | None) -> Iterator[StoreLocation]:
    """The place of the store for the length of the block: ``--store``, ``SAVEPLAY_STORE``, else the user's data folder.

    Raises InputError for a kind of place that is none.
    """
    chosen = given or os.environ.get("SAVEPLAY_STORE")
    place = (
        _parse_location(chosen)
        if chosen
        else FolderLocation(Path(platformdirs.user_data_dir("saveplay", appauthor=False)))
    )
    try:
        yield place
    finally:
        place.close()


def _parse_location(chosen: str) -> FolderLocation | DatabaseLocation:
    scheme, _, rest = chosen.partition(":")
    if "://" not in chosen and scheme.lower() not in _SCHEMES:
        return FolderLocation(Path(chosen))
    if scheme not in _SCHEMES or not rest.startswith("//"):
        # what follows is not repeated: it may hold a password
        raise InputError(f"--store {scheme}:…: a store is a folder or a URL like postgresql://user@host/database")
    return DatabaseLocation(chosen)
