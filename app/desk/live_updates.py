"""Server-sent events for open pages: something was decided, done or finished, on any server."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from app.desk.desk_app import DeskApp, current_session, get_desk
from app.desk.sessions import Session

router = APIRouter(include_in_schema=False)
_EVERY_SECONDS = 1.0
_LONGEST_SECONDS = 300
"""A stream ends after five minutes and the browser opens another: so that a session that has ended is noticed."""


def desk_state(desk: DeskApp) -> str:
    """A text that changes with every change in the store and every step of this desk's jobs."""
    with desk.store_pool.borrow() as store_session:
        return f"{store_session.store.revision()}.{desk.changes}"


class StatePoller:
    """Reads the store once a second for all open pages together."""

    def __init__(self) -> None:
        self._state = ""
        self._looked = 0.0
        self._lock = asyncio.Lock()

    async def state(self, desk: DeskApp) -> str:
        """The state, at most a second old."""
        async with self._lock:
            clock = asyncio.get_running_loop().time()
            if clock - self._looked >= _EVERY_SECONDS or not self._state:
                self._state = await run_in_threadpool(desk_state, desk)
                self._looked = clock
            return self._state


@router.get("/live")
async def stream_changes(request: Request, _: Annotated[Session, Depends(current_session)]) -> StreamingResponse:
    """Server-sent events: one at the beginning, then one after each change."""
    desk = get_desk(request)
    if not hasattr(request.app.state, "pulse"):
        request.app.state.pulse = StatePoller()
    pulse: StatePoller = request.app.state.pulse

    async def events() -> AsyncIterator[str]:
        last = ""
        for _ in range(int(_LONGEST_SECONDS / _EVERY_SECONDS)):
            state = await pulse.state(desk)
            if state != last:
                last = state
                yield f"event: state\ndata: {state}\n\n"
            else:
                yield ": still here\n\n"
            if await request.is_disconnected() or request.app.state.desk.runner.stopping:
                return
            await asyncio.sleep(_EVERY_SECONDS)

    return StreamingResponse(events(), media_type="text/event-stream", headers={"x-accel-buffering": "no"})
