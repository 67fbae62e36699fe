"""Points at which a command changes something that lasts, and ``kill -9`` at one of them; for processes of tests only.

A point is a statement of SQLite that writes, in any file, or a rename of a file or folder.
"""

import os
import signal
import sqlite3
import threading
from collections.abc import Callable
from typing import Any

WRITES = ("insert", "update", "delete", "replace", "begin", "commit")
"""First words of the statements that count. Tables are created before the week, so that is left out."""


def watch_points(kill_at: int, points: str | None) -> None:
    """Count the points of this process from 1 on, and end it just before the one numbered ``kill_at``; 0 for none.

    With ``points``, each point is written to that file, one line each.
    """
    lock = threading.Lock()
    log = os.open(points, os.O_WRONLY | os.O_CREAT | os.O_APPEND) if points else None
    reached = 0

    def reach(point: str) -> None:
        nonlocal reached
        with lock:
            reached += 1
            if log is not None:
                os.write(log, (" ".join(point.split())[:80] + "\n").encode())
            if reached == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)
                signal.pause()

    _watch_statements(reach)
    for name in ("rename", "replace"):
        setattr(os, name, _watched(getattr(os, name), name, reach))


def _watch_statements(reach: Callable[[str], None]) -> None:
    connect: Callable[..., sqlite3.Connection] = sqlite3.connect

    def trace(statement: str) -> None:
        if statement.lstrip().lower().startswith(WRITES):
            reach(statement)

    def connect_watched(*given: Any, **named: Any) -> sqlite3.Connection:
        connection = connect(*given, **named)
        connection.set_trace_callback(trace)
        return connection

    sqlite3.connect = connect_watched


def _watched(change: Callable[..., Any], name: str, reach: Callable[[str], None]) -> Callable[..., Any]:
    home = os.environ.get("HOME") or "/nowhere"  # caches of compiled templates are there; they are no part of a week

    def change_watched(*given: Any, **named: Any) -> Any:
        if not str(given[0]).startswith(home):
            reach(f"{name} {given[0]}")
        return change(*given, **named)

    return change_watched
