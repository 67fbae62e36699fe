"""Processor time of a whole review by part, without imports. ``python -m bench.review_parts FOLDER NEW``.

The review runs twice in one process, each time into a new store in the folder NEW, and the second run is measured.
Time that belongs to two parts counts for the inner one. Prints processor seconds as JSON. Nothing is deleted (see
``bench.measure.measure_all``).
"""

import contextlib
import functools
import gc
import inspect
import io
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import app.cli
import app.commands
import app.publishing
import app.report
import app.wiring
import tools.scoring.scored_base
import tools.store.review_store
from app.timing import Timing
from bench import portfolio


class PartTimer:
    """Processor seconds by part. While an inner part runs, the clock of the outer part stops."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._open: list[str] = []
        self._since = 0.0

    def enter(self, part: str) -> None:
        """Begin a part."""
        self._count()
        self._open.append(part)

    def leave(self) -> None:
        """End the part and continue with the outer one."""
        self._count()
        self._open.pop()

    def _count(self) -> None:
        now = time.process_time()
        if self._open:
            self.seconds[self._open[-1]] = self.seconds.get(self._open[-1], 0.0) + now - self._since
        self._since = now

    def watch(self, owner: Any, name: str, part: str) -> None:
        """Count the time of every call of a function or method for a part."""
        function: Callable[..., Any] = getattr(owner, name)

        @functools.wraps(function)
        def counted(*given: Any, **named: Any) -> Any:
            self.enter(part)
            try:
                return function(*given, **named)
            finally:
                self.leave()

        setattr(owner, name, counted)


def review_once(folder: Path, out: Path) -> None:
    """Run one review without a model, with every decision made."""
    arguments = ["review", "--data", str(folder), "--as-of", portfolio.AS_OF.isoformat(), "--approve", "all"]
    sys.argv = ["saveplay", *arguments, "--store", f"{out}/store", "--out", f"{out}/out"]
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        try:
            app.cli.app()
        except SystemExit as end:
            if end.code:
                raise


def measure_parts(folder: Path, new: Path) -> dict[str, float]:
    """Seconds by part; ``asking`` is the queries on the scored base, ``phases`` the work of the agents.

    Time outside the functions named here counts for the graph and the store.
    """
    gc.disable()  # like the command line
    parts = PartTimer()
    review_once(folder, new / "first")
    parts.watch(tools.scoring.scored_base, "read_base", "scoring")
    parts.watch(tools.scoring.scored_base.ScoredBase, "rows", "asking")
    parts.watch(tools.scoring.scored_base.ScoredBase, "save_scores", "history")
    parts.watch(app.wiring.StoreSession, "configuration", "configuration")
    parts.watch(app.commands, "print_outcome", "screen")
    parts.watch(app.report, "render_files", "pages")
    parts.watch(app.publishing, "replace_folder", "pages")
    for name, member in list(vars(tools.store.review_store.ReviewStore).items()):
        if inspect.isfunction(member) and not name.startswith("_"):
            parts.watch(tools.store.review_store.ReviewStore, name, "graph and store")
    begins, ends = Timing.on_start, Timing.on_end

    def starts(self: Timing, phase: str, agent: str) -> None:
        begins(self, phase, agent)
        parts.enter("phases")

    def is_over(self: Timing, phase: str, agent: str, seconds: float) -> None:
        parts.leave()
        ends(self, phase, agent, seconds)

    Timing.on_start, Timing.on_end = starts, is_over  # type: ignore[method-assign]
    parts.enter("graph and store")
    review_once(folder, new / "second")
    parts.leave()
    return parts.seconds


if __name__ == "__main__":
    found = measure_parts(Path(sys.argv[1]), Path(sys.argv[2]))
    print(json.dumps({name: round(seconds, 3) for name, seconds in found.items()}))
