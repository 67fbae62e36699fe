"""Store sessions for many threads: each request has one to itself."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from queue import Empty, LifoQueue
from threading import Lock

from anyio.lowlevel import RunVar

from app.wiring import StoreSession, open_store
from domain.errors import BusyError, StoreError

MAX_STORES = 16
"""Stores open at once; further requests wait."""
_MAX_REQUESTS = MAX_STORES - 4
"""Requests that hold a store at once; the other stores serve short reads such as a session."""
_WAIT_SECONDS = 20.0
_TOO_BUSY = "the desk is too busy; try again in a moment"
_turns: RunVar[asyncio.Semaphore] = RunVar("saveplay-desk-turns")


class StorePool:
    """Open stores, lent to one request at a time."""

    def __init__(self, given: str | None) -> None:
        self._given = given
        self._free: LifoQueue[tuple[StoreSession, ExitStack]] = LifoQueue()
        self._opened = 0
        self._lock = Lock()

    @contextmanager
    def borrow(self) -> Iterator[StoreSession]:
        """A store for the length of the block. Raises BusyError when all are taken for too long."""
        store_session, stack = self._take()
        try:
            yield store_session
        except StoreError:
            self._discard(stack)
            raise
        except BaseException:
            self._free.put((store_session, stack))
            raise
        else:
            self._free.put((store_session, stack))

    @asynccontextmanager
    async def wait_turn(self) -> AsyncIterator[None]:
        """Waits until it is one's turn to hold a store, and holds no thread meanwhile: whoever has a store needs one
        to come to an end. Raises BusyError when it takes too long."""
        turns = _turns.get(None)
        if turns is None:
            turns = asyncio.Semaphore(_MAX_REQUESTS)
            _turns.set(turns)
        try:
            async with asyncio.timeout(_WAIT_SECONDS):
                await turns.acquire()
        except TimeoutError:
            raise BusyError(_TOO_BUSY) from None
        try:
            yield
        finally:
            turns.release()

    @contextmanager
    def open_separate(self) -> Iterator[StoreSession]:
        """A separate store, for work that locks a review."""
        with open_store(self._given) as store_session:
            yield store_session

    def _take(self) -> tuple[StoreSession, ExitStack]:
        while (free := self._take_free()) is not None:
            if free[0].store.database.is_usable():
                return free
            self._discard(free[1])  # for example after a restart of the database's server
        with self._lock:
            may_open = self._opened < MAX_STORES
            self._opened += may_open
        if may_open:
            stack = ExitStack()
            try:
                return stack.enter_context(open_store(self._given)), stack
            except BaseException:
                with self._lock:
                    self._opened -= 1
                raise
        try:
            freed = self._free.get(timeout=_WAIT_SECONDS)
        except Empty:
            raise BusyError(_TOO_BUSY) from None
        if freed[0].store.database.is_usable():
            return freed
        self._discard(freed[1])
        return self._take()

    def _take_free(self) -> tuple[StoreSession, ExitStack] | None:
        try:
            return self._free.get_nowait()
        except Empty:
            return None

    def _discard(self, stack: ExitStack) -> None:
        """Close a store whose database failed; the next one is opened anew."""
        with self._lock:
            self._opened -= 1
        try:
            stack.close()
        except StoreError:
            return

    def close(self) -> None:
        """Close those that are free."""
        while not self._free.empty():
            self._free.get()[1].close()
