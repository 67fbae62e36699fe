"""Parsing of what people type, and one message for what a record refuses. The command line and the desk use the same."""

from datetime import date
from typing import TYPE_CHECKING, Literal

from domain.errors import InputError

if TYPE_CHECKING:
    from pydantic import ValidationError

    from tools.sources.action_list import ListLayout

LONGEST_AHEAD_DAYS = 366
"""Days that a review may be dated ahead: a year, for trying out a plan."""


_NO_DATE = "this is no date; write it like 2026-11-23"


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


def parse_review_date(text: str, today: date) -> date:
    """The date of a review. Raises InputError for one that no review has: before 1990, or more than a year from today.

    The first and last years of the calendar have no room for the weeks that a review looks back and plans ahead.
    """
    from domain.days import EARLIEST_DAY  # here, because --help loads no pydantic

    day = parse_date(text, "--as-of")
    if day < EARLIEST_DAY:
        raise InputError(f"--as-of {day} is before {EARLIEST_DAY.year}; write the day of the review, like {today}")
    if (day - today).days > LONGEST_AHEAD_DAYS:
        raise InputError(f"--as-of {day} is more than a year after today, {today}; write the day of the review")
    return day


def future_note(day: date, today: date) -> str:
    """The sentence that comes first when a review is dated after today; empty otherwise."""
    days = (day - today).days
    if days < 1:
        return ""
    return f"{day} is {days} {'day' if days == 1 else 'days'} after today: what happens until then is not in the data."


def field_problems(error: "ValidationError") -> list[tuple[str, str]]:
    """Every problem of an edit: its field, as ``add.1.by``, and what is wrong in plain words. Rows count from 1."""
    plain = {
        "date_from_datetime_parsing": _NO_DATE,
        "date_parsing": _NO_DATE,
        "date_type": _NO_DATE,
        "float_parsing": "this is no number",
        "missing": "say which",
    }
    found = []
    for problem in error.errors():
        keys = [str(key + 1) if isinstance(key, int) else str(key) for key in problem["loc"]]
        found.append((".".join(keys), plain.get(problem["type"], problem["msg"].removeprefix("Value error, "))))
    return found


def first_problem(error: "ValidationError", whole: str = "") -> str:
    """The first problem of a record as "key: message".

    A problem of the whole record has no key: ``whole`` takes its place, or nothing does.
    """
    problem = error.errors()[0]
    where = ".".join(str(key) for key in problem["loc"]) or whole
    message = problem["msg"].removeprefix("Value error, ")
    return f"{where}: {message}" if where else message
