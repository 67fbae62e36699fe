"""The report of an evaluation as one self-contained page: figures with intervals, comparisons, every case."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from evals.baseline import BaselineChange, regressions
from evals.evaluation import Evaluation
from evals.figures import Figure

_UNITS = {"share": "", "weeks": " weeks", "currency": " EUR", "currency an hour": " EUR/h", "score": "",
          "times": " times", "seconds": " s", "tokens": " tokens", "words": " words", "count": ""}  # fmt: skip


def format_value(value: float, figure: Figure) -> str:
    """A value with its unit, formatted for the report."""
    if figure.unit == "share":
        return f"{value:.1%}"
    if figure.unit in ("currency", "currency an hour", "tokens") and abs(value) >= 100:
        return f"{value:,.0f}{_UNITS[figure.unit]}"
    return f"{value:.3g}{_UNITS[figure.unit]}"


def format_interval(figure: Figure) -> str:
    """The 95 % interval of a figure, formatted for the report."""
    return f"{format_value(figure.low, figure)} to {format_value(figure.high, figure)}"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["shown"] = format_value
    environment.filters["interval"] = format_interval
    return environment


def evaluation_page(evaluation: Evaluation, changes: Sequence[BaselineChange]) -> str:
    """The report as HTML. The same evaluation and baseline give the same bytes."""
    return _environment().get_template("page.html.j2").render(
        evaluation=evaluation, changes=changes, regressions=regressions(changes)
    )  # fmt: skip
