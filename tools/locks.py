"""One process at a time on one review: a lock file beside the store."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from domain.errors import BusyError


@contextmanager
def alone(folder: Path, review_id: str, wait_seconds: float = 0.0) -> Iterator[None]:
    """Hold the review for the length of the block. Raises BusyError when another process has it."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / f"{review_id}.lock")
    try:
        with lock.acquire(timeout=wait_seconds):
            yield
    except Timeout:
        raise BusyError(f"another process is working on {review_id}; wait until it is done, then try again") from None
