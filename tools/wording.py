"""Plain English for values, money, counts and dates, written in the international way. Pure.

The pages of the review add the reader's region on top (``app/report/formatting.py``); files, prompts and the terminal
use these as they are.
"""

import re
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from domain.score_configuration import Unit

if TYPE_CHECKING:
    from domain.portfolio import PortfolioSummary

UNKNOWN = "unknown"
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_NO_NAME = re.compile(r"^\s*[=+@]|://|\bwww\.", re.IGNORECASE)
"""A formula of a spreadsheet, or a link: whoever reads a plan must neither open nor repeat it."""
_STEPS = {0: "An active champion is known", 1: "No champion is named", 2: "The champion left and nobody took over"}


def format_number(value: float, places: int = 1) -> str:
    """A number with at most ``places`` decimals: 1,234.5, and 0 for what rounds to nothing."""
    text = f"{value:,.{places}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def format_value(value: float | None, unit: Unit) -> str:
    """A value with its unit; ``unknown`` for None. Changes keep their sign."""
    if value is None:
        return UNKNOWN
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


def times_text(count: float) -> str:
    """A number of times in words: "once", "twice", "3 times"."""
    return "once" if count == 1 else "twice" if count == 2 else f"{format_number(count)} times"


def capitalize_first(text: str) -> str:
    """The text with its first letter in upper case; the other letters stay."""
    return text[:1].upper() + text[1:]


def format_money(amount: float | None, currency: str) -> str:
    """An amount with its currency, without cents; unknown for None."""
    if amount is None:
        return "unknown"
    return f"{currency} {format_number(amount, 0)}"


def format_arr(arr: float | None, currency: str) -> str:
    """The ARR of an account where no column says that it is one."""
    return "ARR unknown" if arr is None else format_money(arr, currency)


def format_total(amount: float, accounts: int, unknown: int, currency: str) -> str:
    """The ARR of some accounts, with the number of those whose ARR nobody knows: they are not in the sum."""
    if not unknown:
        return format_money(amount, currency)
    return UNKNOWN if unknown >= accounts else f"{format_money(amount, currency)} and {format_number(unknown)} unknown"


def arr_at_risk_text(portfolio: "PortfolioSummary") -> str:
    """The ARR at risk and the ARR of the base: sums over the accounts of which it is known."""
    has_none = 0 < portfolio.at_risk_accounts == portfolio.at_risk_unknown_arr
    at_risk = UNKNOWN if has_none else format_money(portfolio.arr_at_risk, portfolio.currency)
    return f"{at_risk} of {format_money(portfolio.arr, portfolio.currency)} ARR"


def unknown_arr_text(portfolio: "PortfolioSummary") -> str:
    """Accounts that those sums leave out, in brackets behind their number; empty where the sums are complete."""
    if not portfolio.unknown_arr:
        return ""
    return f" (ARR unknown for {portfolio.unknown_arr:,}, {portfolio.at_risk_unknown_arr:,} of them at risk)"


def known_amount(value: Decimal | float | None) -> float | None:
    """An amount from the engine; None where nobody knows it, which is not zero."""
    return None if value is None else float(value)


def quote(text: str | None, limit: int = 90) -> str:
    """Outsiders' words between quotation marks, in one line, shortened at a word: nothing in them can end the quotation."""
    line = _one_line(text)
    if len(line) > limit:
        line = line[:limit].rsplit(" ", 1)[0] + " …"
    return f"“{line}”"


def plain_name(text: str | None, limit: int = 80) -> str:
    """A name or a number of a record in one line: nothing in it can end or begin a quotation."""
    line = _one_line(text)
    return line if len(line) <= limit else f"{line[: limit - 1].rstrip()}…"


def safe_name(text: str | None, otherwise: str) -> str:
    """A name that a plan may say; ``otherwise`` where the record holds a link or a formula instead of a name."""
    name = plain_name(text)
    return otherwise if not name or _NO_NAME.search(name) else name


def _one_line(text: str | None) -> str:
    text = text or ""
    printable = text if text.isprintable() else "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(printable.replace("“", "'").replace("”", "'").split())


def review_id_of(as_of: date) -> str:
    """The ISO week of a review, ``2026-W48``."""
    return f"{as_of:%G-W%V}"


def plural(count: int, one: str, many: str | None = None) -> str:
    """A count with its noun: 1 account, 2,500 accounts."""
    return f"{format_number(count, 0)} {noun_for(count, one, many)}"


def noun_for(count: int, one: str, many: str | None = None) -> str:
    """The form of a noun that goes with a count."""
    return one if count == 1 else many or one + "s"


def format_date(value: date) -> str:
    """A date without its weekday: 23 Nov 2026."""
    return f"{format_short_day(value)} {value.year}"


def format_day(value: date) -> str:
    """A date with its weekday: Mon 23 Nov 2026."""
    return f"{WEEKDAYS[value.weekday()]} {format_short_day(value)} {value.year}"


def format_short_day(value: date) -> str:
    """A date without its year: 23 Nov."""
    return f"{value.day} {MONTHS[value.month - 1]}"


ROLE_NAMES = {
    "csm": "CSM",
    "cs_manager": "CS manager",
    "exec_sponsor": "executive sponsor",
    "support_lead": "support lead",
    "product": "product manager",
    "billing": "billing",
}
"""Job roles of our own people."""


def expected_churn_text(numbers: "PortfolioSummary") -> str:
    """Expected churn with horizon, interval and basis; without them in a review of an older version."""
    amount = format_money(numbers.expected_churn_arr, numbers.currency)
    low, high = numbers.expected_churn_low, numbers.expected_churn_high
    if low is None or high is None:
        return amount + ("" if numbers.calibrated else " (uncalibrated)")
    span = f"80 % interval {format_money(low, numbers.currency)} to {format_money(high, numbers.currency)}"
    return f"{amount} in {numbers.churn_horizon_weeks} weeks ({span}; {numbers.churn_basis})"
