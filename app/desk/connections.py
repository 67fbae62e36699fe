"""Connections of slow clients: each costs a socket for a limited time, and nothing else.

The server gives a connection no time limit of its own before the first request, nor while an answer is being taken.
"""

import asyncio
from contextlib import suppress

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 20.0
"""Seconds from the connection, or from the first byte of a further request, to the end of the request's head."""
ANSWER_SECONDS = 120.0
"""Seconds to take an answer that does not fit into the buffers: 120 kB, the largest page, at 1 kB/s."""


class DeskConnection(H11Protocol):
    """One connection: closed when a head does not end, or when an answer is not taken."""

    _head_timer: asyncio.TimerHandle | None = None
    _answer_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in the base
        """Wait for the head of the first request."""
        super().connection_made(transport)
        self._wait_for_head()

    def data_received(self, data: bytes) -> None:
        """Read; a head that has begun has to end in time."""
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._head_timer = _stopped(self._head_timer)
        elif self._head_timer is None:
            self._wait_for_head()

    def pause_writing(self) -> None:
        """The client takes its answer more slowly than it is made."""
        super().pause_writing()
        if self._answer_timer is None:
            self._answer_timer = self.loop.call_later(ANSWER_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """The client has taken nearly all."""
        super().resume_writing()
        self._answer_timer = _stopped(self._answer_timer)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop both clocks."""
        self._head_timer = _stopped(self._head_timer)
        self._answer_timer = _stopped(self._answer_timer)
        super().connection_lost(exc)

    def _wait_for_head(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self.transport.abort)


def _stopped(timer: asyncio.TimerHandle | None) -> asyncio.TimerHandle | None:
    """Stop a clock; None, which takes its place."""
    if timer is not None:
        timer.cancel()
    return None


def allow_many_connections() -> None:
    """Let this process hold as many sockets as the system allows it; the usual limit of 1,024 is a first offer."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
