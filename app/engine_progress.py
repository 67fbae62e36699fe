"""How far long work is, for whoever waits: on standard error, with rows and time left. Nothing here reaches a result."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

QUIET_SECONDS = 2.0
"""Seconds before anything is said about a step."""
TERMINAL_SECONDS, LOG_SECONDS = 0.5, 10.0
"""Seconds between two lines: written over each other on a terminal, one below the other elsewhere."""


@dataclass
class EngineProgress:
    """Called around every step of the engine; keeps how long each took."""

    say: Callable[[str], None]
    steps: list[tuple[str, float]] = field(default_factory=list)

    @contextmanager
    def __call__(self, what: str, connection: "duckdb.DuckDBPyConnection", rows: int = 0) -> Iterator[None]:
        """Watch one step over so many rows; an interrupted one ends as a keyboard interrupt."""
        start, over = time.perf_counter(), threading.Event()
        watcher = threading.Thread(target=self._print_lines, args=(what, connection, rows, start, over), daemon=True)
        watcher.start()
        try:
            yield
        except RuntimeError as error:
            if "interrupted" in str(error):
                raise KeyboardInterrupt from None
            raise
        finally:
            over.set()
            watcher.join()
            self.steps.append((what, time.perf_counter() - start))

    def _print_lines(
        self, what: str, connection: "duckdb.DuckDBPyConnection", rows: int, start: float, over: threading.Event
    ) -> None:
        terminal = sys.stderr.isatty()
        said = False
        if over.wait(QUIET_SECONDS):
            return
        while True:
            text = progress_line(what, connection.query_progress(), rows, time.perf_counter() - start)
            if terminal:
                sys.stderr.write(f"\r{text:<100}")
                sys.stderr.flush()
            else:
                self.say(text)
            said = True
            if over.wait(TERMINAL_SECONDS if terminal else LOG_SECONDS):
                break
        if terminal and said:
            sys.stderr.write("\r" + " " * 100 + "\r")
            sys.stderr.flush()


def progress_line(what: str, percent: float, rows: int, seconds: float) -> str:
    """One line: what, how much of it, and about how long it will still take."""
    share = min(max(percent, 0.0), 100.0)
    of = f" of {rows:,} rows" if rows else ""
    if share < 1:
        return f"  {what}{of}, {seconds:.0f} s so far"
    left = seconds * (100 - share) / share
    return f"  {what}: {share:.0f} %{of}, about {max(left, 1):.0f} s left"
