"""One process at a time on one review: a lock file beside a store in a folder, a lock of the session in a database.

Either is free again when its process ends, however it ends.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from domain.errors import BusyError

if TYPE_CHECKING:
    from tools.store.postgres import Postgres


@contextmanager
def lock_review(folder: Path, review_id: str, wait_seconds: float = 0.0) -> Iterator[None]:
    """Hold the review for the length of the block. Raises BusyError when another process has it."""
    from filelock import FileLock, Timeout

    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / f"{review_id}.lock")
    try:
        lock.acquire(timeout=wait_seconds)
    except Timeout:
        raise _busy(review_id) from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def lock_review_in(database: "Postgres", review_id: str, wait_seconds: float = 0.0) -> Iterator[None]:
    """Hold the review for the length of the block. Raises BusyError when another process has it.

    The lock belongs to the session that also writes to the store: who loses it can write no more.
    """
    if not database.lock(f"review {review_id}", wait_seconds):
        raise _busy(review_id)
    try:
        yield
    finally:
        database.unlock(f"review {review_id}")


def _busy(review_id: str) -> BusyError:
    return BusyError(f"another process is working on {review_id}; wait until it is done, then try again")
