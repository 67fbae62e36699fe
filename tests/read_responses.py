"""Clients whose responses a test has to read: a request that nobody looks at proves nothing.

A response with status 500 fails the test at once. One that is still unread when the test ends fails it then.
"""

from functools import cache
from typing import Any

_READING = frozenset({"status_code", "text", "content", "json", "headers", "raise_for_status", "is_success"})
_unread: dict[int, Any] = {}


class ReadsResponses:
    """Mixed into a client of httpx: it notes each response until it is read."""

    fault_is_expected = False
    """True for the test that makes the desk fail."""

    def request(self, *given: Any, **options: Any) -> Any:
        """Send a request; an answer 500 is a fault of the desk, whatever was sent."""
        response = super().request(*given, **options)  # type: ignore[misc]
        what = f"{response.request.method} {response.request.url}: {response.status_code}"
        assert response.status_code != 500 or self.fault_is_expected, f"{what} {response.text[-500:]}"
        response.__class__ = _watched(type(response))
        _unread[id(response)] = (response, what)
        return response


@cache
def _watched(kind: type[Any]) -> type[Any]:
    """The same response, which is no longer unread once a test has looked at it."""

    class WatchedResponse(kind):  # type: ignore[misc, valid-type]
        def __getattribute__(self, name: str) -> Any:
            if name in _READING:
                _unread.pop(id(self), None)
            return super().__getattribute__(name)

    return WatchedResponse


def unread_responses() -> list[str]:
    """Requests whose responses nobody read since the last call."""
    found = [what for _, what in _unread.values()]
    _unread.clear()
    return found
