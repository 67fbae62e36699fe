"""Parsing of what people type, and one message for what a record refuses. The command line and the desk use the same."""

from datetime import date
from typing import TYPE_CHECKING

from domain.errors import InputError

if TYPE_CHECKING:
    from pydantic import ValidationError


def parse_date(text: str, what: str) -> date:
    """An ISO date; ``what`` names the option or field. Raises InputError."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InputError(f"{what} {text!r} is not a date; write it like 2026-11-23") from None


def first_problem(error: "ValidationError", whole: str = "") -> str:
    """The first problem of a record as "key: message".

    A problem of the whole record has no key: ``whole`` takes its place, or nothing does.
    """
    problem = error.errors()[0]
    where = ".".join(str(key) for key in problem["loc"]) or whole
    message = problem["msg"].removeprefix("Value error, ")
    return f"{where}: {message}" if where else message
