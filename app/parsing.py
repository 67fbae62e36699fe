"""Parsing of what people type, and one message for what a record refuses. The command line and the desk use the same."""

from datetime import date
from typing import TYPE_CHECKING, Literal

from domain.errors import InputError

if TYPE_CHECKING:
    from pydantic import ValidationError

    from tools.sources.action_list import ListLayout


def parse_date(text: str, what: str) -> date:
    """An ISO date; ``what`` names the option or field. Raises InputError."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InputError(f"{what} {text!r} is not a date; write it like 2026-11-23") from None


def parse_list_layout(columns: str | None, dates: str | None) -> "ListLayout":
    """The layout of an imported list from ``--columns id=Kennung,status=Status`` and ``--dates``. Raises InputError."""
    from tools.sources.action_list import ListLayout

    orders: dict[str | None, Literal["day_first", "month_first"] | None] = {
        None: None,
        "day_first": "day_first",
        "month_first": "month_first",
    }
    if dates not in orders:
        raise InputError(f"--dates {dates!r}: use day_first or month_first")
    pairs = [pair.partition("=") for pair in columns.split(",")] if columns else []
    named = {name.strip(): header.strip() for name, _, header in pairs}
    wrong = [name for name, header in named.items() if name not in ("id", "status", "done_on") or not header]
    if wrong or len(named) < len(pairs):
        raise InputError(f"--columns {columns!r}: write it like id=Kennung,status=Status,done_on=Datum")
    return ListLayout(named, orders[dates])


def first_problem(error: "ValidationError", whole: str = "") -> str:
    """The first problem of a record as "key: message".

    A problem of the whole record has no key: ``whole`` takes its place, or nothing does.
    """
    problem = error.errors()[0]
    where = ".".join(str(key) for key in problem["loc"]) or whole
    message = problem["msg"].removeprefix("Value error, ")
    return f"{where}: {message}" if where else message
