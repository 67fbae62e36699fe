"""Locks of a review: one process works on it at a time. A lock file for a store in a folder, an advisory lock in PostgreSQL.

Both are released by the system when their process ends, even after ``kill -9``, so no stale lock has to be cleaned up.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from domain.errors import BusyError
from tools.places import file_mode, make_private_folder, translate_os_errors

if TYPE_CHECKING:
    from tools.store.postgres import Postgres


@contextmanager
def lock_review(folder: Path, review_id: str, wait_seconds: float = 0.0) -> Iterator[None]:
    """Hold the lock file of a review during the block; ``folder`` is created.

    Waits up to ``wait_seconds``, then raises BusyError. Raises PlaceError if the lock file cannot be written.
    """
    from filelock import FileLock, Timeout

    path = folder / f"{review_id}.lock"
    with translate_os_errors(path, "cannot lock the review with", "--store"):
        make_private_folder(folder)
        lock = FileLock(path, mode=file_mode(folder))
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
    """Hold the advisory lock of a review during the block. Waits up to ``wait_seconds``, then raises BusyError.

    The lock belongs to the session that also writes to the store. A process that loses the session loses both, so it cannot
    write to a review that another process has taken over.
    """
    if not database.lock(f"review {review_id}", wait_seconds):
        raise _busy(review_id)
    try:
        yield
    finally:
        database.unlock(f"review {review_id}")


def _busy(review_id: str) -> BusyError:
    return BusyError(f"another process is working on {review_id}; wait until it is done, then try again")
