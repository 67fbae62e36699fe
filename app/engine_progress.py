"""Progress of long queries: rows and time left. Nothing here reaches a result."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

QUIET_SECONDS = 2.0
"""Seconds before the first line about a step."""
TERMINAL_SECONDS, LOG_SECONDS = 0.5, 10.0
"""Seconds between two lines: where the last line can be overwritten, and where each line stays."""


@dataclass
class EngineProgress:
    """A watcher around every step of the engine; records how long each step took.

    ``overwrite`` writes over the last line; without it, each line goes to ``say``.
    """

    say: Callable[[str], None]
    overwrite: Callable[[str], None] | None = None
    steps: list[tuple[str, float]] = field(default_factory=list)
    _said: set[str] = field(default_factory=set)

    def say_once(self, text: str) -> None:
        """Print a remark, unless it was printed before."""
        if text not in self._said:
            self._said.add(text)
            self.say(text)

    @contextmanager
    def __call__(self, what: str, connection: "duckdb.DuckDBPyConnection", rows: int = 0) -> Iterator[None]:
        """Watch one step over ``rows`` rows. A query that Ctrl-C interrupted raises KeyboardInterrupt."""
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
        if over.wait(QUIET_SECONDS):
            return
        print_line = self.overwrite or self.say
        while True:
            print_line(progress_line(what, connection.query_progress(), rows, time.perf_counter() - start))
            if over.wait(TERMINAL_SECONDS if self.overwrite else LOG_SECONDS):
                break
        if self.overwrite:
            self.overwrite("")


def progress_line(what: str, percent: float, rows: int, seconds: float) -> str:
    """One line: the step, how much of it is done, and about how long the rest takes."""
    share = min(max(percent, 0.0), 100.0)
    of = f" of {rows:,} rows" if rows else ""
    if share < 1:
        return f"  {what}{of}, {seconds:.0f} s so far"
    left = seconds * (100 - share) / share
    return f"  {what}: {share:.0f} %{of}, about {max(left, 1):.0f} s left"
