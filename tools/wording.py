"""How values and dates are put into words, with their unit. Pure; English."""

from datetime import date

from domain.configuration import Unit

_STEPS = {0: "An active champion is known", 1: "No champion is named", 2: "The champion left and nobody took over"}


def format_number(value: float, places: int = 1) -> str:
    """A number without needless decimals."""
    text = f"{value:,.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def format_value(value: float | None, unit: Unit) -> str:
    """A value with its unit; ``unknown`` for None. Changes keep their sign."""
    if value is None:
        return "unknown"
    if unit == "percent":
        return f"{format_number(value)} %"
    if unit == "percent_change":
        return f"{'+' if value > 0 else ''}{format_number(value)} %"
    if unit == "days":
        return f"{format_number(value)} {'day' if abs(value) == 1 else 'days'}"
    if unit == "ratio":
        return f"{format_number(value)} times"
    if unit == "score_10":
        return f"{format_number(value)} of 10"
    if unit == "score_10_change":
        return f"{'+' if value > 0 else ''}{format_number(value)} points"
    if unit == "score_5":
        return f"{format_number(value)} of 5"
    if unit == "step":
        return _STEPS.get(int(value), format_number(value))
    return format_number(value)


def format_unsigned(value: float, unit: Unit) -> str:
    """The value as a sentence carries it: a change loses its sign, since the verb tells the direction."""
    if unit in ("percent_change", "score_10_change"):
        return format_value(abs(value), unit).lstrip("+")
    return format_value(value, unit)


def capitalize_first(text: str) -> str:
    """The text with its first letter in upper case; the other letters stay."""
    return text[:1].upper() + text[1:]


def format_money(amount: float, currency: str) -> str:
    """An amount with its currency, without cents."""
    return f"{currency} {amount:,.0f}"


def review_id_of(as_of: date) -> str:
    """The ISO week of a review, ``2026-W48``."""
    return f"{as_of:%G-W%V}"


def plural(count: int, one: str, many: str | None = None) -> str:
    """A count with its noun."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def format_day(value: date) -> str:
    """A date as people say it."""
    return f"{value:%a} {value.day} {value:%b %Y}"


ROLE_NAMES = {
    "csm": "CSM",
    "cs_manager": "CS manager",
    "exec_sponsor": "executive sponsor",
    "support_lead": "support lead",
    "product": "product manager",
    "billing": "billing",
}
"""Roles of ours as people say them."""
