"""The report of an evaluation as one self-contained page: figures with intervals, comparisons, every case."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from evals.figures import Figure
from evals.gate import Change, regressions
from evals.running import Evaluation

_UNITS = {"share": "", "weeks": " weeks", "currency": " EUR", "currency an hour": " EUR/h", "score": "",
          "times": " times", "seconds": " s", "tokens": " tokens"}  # fmt: skip


def shown(value: float, figure: Figure) -> str:
    """A value with its unit, as people read it."""
    if figure.unit == "share":
        return f"{value:.1%}"
    if figure.unit in ("currency", "currency an hour", "tokens") and abs(value) >= 100:
        return f"{value:,.0f}{_UNITS[figure.unit]}"
    return f"{value:.3g}{_UNITS[figure.unit]}"


def interval(figure: Figure) -> str:
    """The 95 % interval, as people read it."""
    return f"{shown(figure.low, figure)} to {shown(figure.high, figure)}"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["shown"] = shown
    environment.filters["interval"] = interval
    return environment


def evaluation_page(evaluation: Evaluation, changes: Sequence[Change]) -> str:
    """The page; the same evaluation and baseline give the same bytes."""
    return _environment().get_template("page.html.j2").render(
        evaluation=evaluation, changes=changes, regressions=regressions(changes)
    )  # fmt: skip
