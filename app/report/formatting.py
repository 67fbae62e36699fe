"""Figures, dates and states as the pages write them: the wording of ``tools/wording.py`` in the reader's region.

Pure functions. Unknown is the word "unknown", never a zero and never a Python ``None``.
"""

import re
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date

from domain.portfolio import AheadAccount, AtRiskAccount, PortfolioSummary
from domain.save_play import SavePlay
from domain.tracking import Action
from tools.wording import ROLE_NAMES, UNKNOWN, capitalize_first, format_day, format_number, format_short_day, noun_for

MINUS = "\N{MINUS SIGN}"
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff]+")
_DIRECTION_CONTROLS = re.compile("[\u202a-\u202e\u2066-\u2069\u200e\u200f]")

WORDS = {
    "not_scored": "not scored",
    **{role: ROLE_NAMES[role] for role in ("csm", "cs_manager", "exec_sponsor", "support_lead")},
    "opening": "Last week",
    "configuration": "Configuration",
    "entered": "Entered",
    "left": "Left the list",
    "gone": "Customer gone",
    "arr_changed": "ARR changed",
    "exchange_rates": "Exchange rates",
    "closing": "This week",
    "stabilise": "Stabilise",
    "address": "Address",
    "rebuild": "Rebuild",
    "in_play": "still in play",
    "left_list": "left the list",
    "done_late": "done late",
    "assign_owner": "assign an owner",
    "waiting_for_decisions": "Waiting for decisions",
    "waiting_for_close": "Waiting for the close",
    "closed": "Closed",
    "model": "a model, checked against the evidence",
    "playbook": "the playbook",
    "baseline": "first review",
    "approve": "approved",
    "continue": "continues",
    "look_again": "look at the account again",
    "edit": "approved with changes",
    "reject": "rejected",
    "defer": "deferred",
    "close": "closed",
    "edited": "approved with changes",
    "not_connected": "not connected",
    "stale_source": "source too old",
    "column_absent": "column absent",
    "unreadable": "not readable",
    "others": "All other accounts",
    "budget": "Budget",
    "hours": "Hours",
    "evaluating": "evaluating alternatives",
    "silence": "gone silent",
    "overdue": "renewal overdue",
    "payment": "payment failed",
    "escalation": "ticket escalated",
    "champion": "champion left",
}
PHASE_TITLES = {
    "stabilise": "Phase 1: Stabilise (Week 1)",
    "address": "Phase 2: Address (Weeks 2-4)",
    "rebuild": "Phase 3: Rebuild (Weeks 4-8)",
}


@dataclass(frozen=True)
class RegionFormat:
    """Numbers and dates as in the reader's region, in English."""

    group: str = ","
    decimal: str = "."
    table_day: Callable[[date], str] = date.isoformat
    """A date in a table."""
    day: Callable[[date], str] = format_day
    """A date with its weekday."""
    short_day: Callable[[date], str] = format_short_day

    def number(self, text: str) -> str:
        """A number that Python wrote with commas and a point."""
        if (self.group, self.decimal) == (",", "."):
            return text
        return text.translate({ord(","): self.group, ord("."): self.decimal})


_DEFAULT_FORMAT = RegionFormat()
REGION_FORMAT: ContextVar[RegionFormat] = ContextVar("region", default=_DEFAULT_FORMAT)
"""Files have one format for everybody; a page of the desk has that of its reader."""


def _regional(text: str) -> str:
    """A number of the plain wording as the reader's region writes it, with a real minus sign."""
    return REGION_FORMAT.get().number(text).replace("-", MINUS)


def word(key: object) -> str:
    """A state of the review in words people use; ``None`` is unknown."""
    return UNKNOWN if key is None else WORDS.get(str(key), str(key).replace("_", " "))


def capital(text: str) -> str:
    """The text with its first letter raised and the others left alone."""
    return capitalize_first(text)


def single_line(text: object) -> str:
    """Text on one line without control or direction-changing characters."""
    if isinstance(text, str) and text.isascii() and text.isprintable():
        return text
    return _DIRECTION_CONTROLS.sub("", _CONTROLS.sub(" ", str(text)))


def number(value: float | None, digits: int = 1) -> str:
    """A figure with at most ``digits`` decimals and a real minus sign."""
    return UNKNOWN if value is None else _regional(format_number(value, digits))


def score(value: float | None) -> str:
    """A score of 0 to 100 with one decimal, so that columns line up."""
    return UNKNOWN if value is None else _regional(f"{value:.1f}")


def signed(value: float | None, digits: int = 1) -> str:
    """A change with its sign."""
    text = number(value, digits)
    return text if value is None or text.startswith(MINUS) or text == "0" else f"+{text}"


def percent(share: float | None, digits: int = 0) -> str:
    """A share of 0 to 1 as a percentage."""
    return UNKNOWN if share is None else f"{number(share * 100, digits)} %"


def money(amount: float | None, currency: str) -> str:
    """An amount in whole units, such as EUR 82,400."""
    if amount is None:
        return UNKNOWN
    text = number(abs(amount), 0)
    return f"{MINUS if amount < 0 and text != '0' else ''}{currency} {text}"


def total(amount: float, accounts: int, missing: int, currency: str) -> str:
    """The ARR of some accounts, with the number of those whose ARR nobody knows."""
    if not missing:
        return money(amount, currency)
    return UNKNOWN if missing >= accounts else f"{money(amount, currency)} and {number(missing)} unknown"


def known_arr(amount: float | None, currency: str) -> str:
    """The ARR of an account where no column says that it is one."""
    return "ARR unknown" if amount is None else money(amount, currency)


def signed_money(amount: float, currency: str) -> str:
    """A change in money with its sign."""
    text = money(amount, currency)
    return text if text.startswith(MINUS) or round(amount) == 0 else f"+{text}"


def short_money(amount: float) -> str:
    """An amount for the axis of a chart: 820, 82k, 1.2m."""
    for size, unit in ((1e9, "bn"), (1e6, "m"), (1e3, "k")):
        if abs(amount) >= size * 0.9995:
            return f"{number(amount / size, 1)}{unit}"
    return number(amount, 0)


def rounded(amount: float | None) -> str:
    """An amount of money in three figures, as people say it: 820, 48k, 3.85m."""
    if amount is None:
        return UNKNOWN
    for size, unit in ((1e9, "bn"), (1e6, "m"), (1e3, "k")):
        if abs(amount) >= size * 0.9995:
            value = amount / size
            return f"{number(value, 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2)}{unit}"
    return number(amount, 0)


def rounded_money(amount: float | None, currency: str) -> str:
    """An amount in three figures with its currency: EUR 3.85m. Unknown for None."""
    return UNKNOWN if amount is None else f"{currency} {rounded(amount)}"


def rounded_change(amount: float | None) -> str:
    """A change of money in three figures with its sign: +254k."""
    if amount is None:
        return UNKNOWN
    return f"+{rounded(amount)}" if amount > 0 else rounded(amount)


def arr(line: AtRiskAccount | SavePlay) -> str:
    """ARR in the home currency, with the contract's own amount where that differs."""
    text = money(line.arr, line.currency)
    if line.contract_currency == line.currency or line.contract_arr is None:
        return text
    return f"{text} ({money(line.contract_arr, line.contract_currency)})"


def day(on: date | None) -> str:
    """A date with its weekday: Mon 23 Nov 2026."""
    return UNKNOWN if on is None else REGION_FORMAT.get().day(on)


def short_day(on: date | None) -> str:
    """A date of this season, for narrow places: 23 Nov."""
    return UNKNOWN if on is None else REGION_FORMAT.get().short_day(on)


def counted(count: int, noun: str, many: str | None = None) -> str:
    """A count with its noun: 1 account, 2,500 accounts."""
    return f"{number(count)} {noun_for(count, noun, many)}"


def in_days(days: int | None) -> str:
    """The distance of a day: in 21 days, today, overdue by 12 days."""
    if days is None:
        return UNKNOWN
    if days == 0:
        return "today"
    return f"in {counted(days, 'day')}" if days > 0 else f"overdue by {counted(-days, 'day')}"


def renewal(on: date | None, days: int | None) -> str:
    """A renewal date and how far away it is."""
    return UNKNOWN if on is None else f"{REGION_FORMAT.get().table_day(on)} ({in_days(days)})"


def span(days: tuple[int, int] | None) -> str:
    """A range of days from the review."""
    if days is None:
        return UNKNOWN
    first, last = days
    return counted(first, "day") if first == last else f"{first}\N{EN DASH}{counted(last, 'day')}"


def hours(value: float | None) -> str:
    """Working hours."""
    return UNKNOWN if value is None else f"{number(value)} h"


def listed(items: Iterable[object], none: str = "none") -> str:
    """Items with commas between them."""
    return ", ".join(str(item) for item in items) or none


def velocity(value: float | None, band: str) -> str:
    """Health points a day, with the word for it."""
    return UNKNOWN if value is None else f"{signed(value, 2)} a day ({word(band)})"


def probability(value: float, calibrated: bool, weeks: int | None) -> str:
    """A chance of leaving with its horizon; it says when nobody has checked it against renewals."""
    if weeks is None:  # a review of an older version
        return percent(value) if calibrated else f"{percent(value)} (uncalibrated)"
    return f"{percent(value, 1)} in {weeks} weeks" + ("" if calibrated else " (estimate)")


def churn_impact(portfolio: PortfolioSummary) -> str:
    """Expected churn with its interval, its horizon, and what it rests on."""
    p = portfolio
    if p.churn_horizon_weeks is None:
        return money(p.expected_churn_arr, p.currency) + ("" if p.calibrated else " (uncalibrated)")
    return (
        f"{money(p.expected_churn_arr, p.currency)} in {p.churn_horizon_weeks} weeks; {churn_range(p)}; {p.churn_basis}"
    )


def churn_range(portfolio: PortfolioSummary) -> str:
    """The 80 % interval of the expected churn, or its absence."""
    low, high = portfolio.expected_churn_low, portfolio.expected_churn_high
    if low is None or high is None:
        return "interval unknown"
    return f"80 % interval {money(low, portfolio.currency)} to {money(high, portfolio.currency)}"


def odds_factors(account: AtRiskAccount | AheadAccount) -> str:
    """The parts of a chance of leaving, in one sentence; empty for a review of an older version."""
    parts = account.churn_parts
    if parts is None:
        return ""
    return (
        f"{percent(parts.base, 2)} without risk and without a renewal decision; the odds × {number(parts.decision_factor)} "
        f"for the decision, × {number(parts.risk_factor)} for the risk."
    )


def is_late(action: Action, today: date) -> bool:
    """True for an action that is past its date and not done."""
    return action.status in ("late", "missed") or (action.status == "open" and action.due < today)
