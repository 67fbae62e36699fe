"""A cache of the values that were made last."""

from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class RecentCache(Generic[K, V]):
    """The last few values by key. Safe for threads; ``make`` runs outside the lock and may run twice for one key."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._values: dict[K, V] = {}
        self._lock = Lock()

    def get(self, key: K, make: Callable[[], V]) -> V:
        """The value of a key, made if it is not kept. Raises what ``make`` raises, and keeps nothing then."""
        with self._lock:
            if key in self._values:
                return self._values[key]
        made = make()
        with self._lock:
            if key not in self._values:
                for old in list(self._values)[: -self._size + 1]:
                    del self._values[old]  # a thread may still read it: it is freed when nobody does
            return self._values.setdefault(key, made)
