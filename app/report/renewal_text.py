"""Wording of the renewal view: titles that say their message, names of periods, what came of a month. Pure."""

from collections.abc import Iterator
from datetime import date

from app.report import formatting
from domain.renewals import RenewalAccount, RenewalOutcomes, RenewalPeriod, RenewalQuarter, RenewalView
from tools.wording import format_short_day

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def headline(view: RenewalView, currency: str) -> str:
    """The whole view in one sentence."""
    total, until = view.total, month_name(view.last)
    if not total.accounts:
        return f"Nothing is up for renewal until the end of {until}."
    found = (
        f"{formatting.rounded_money(total.arr, currency)} in {formatting.counted(total.accounts, 'account')} is up for renewal "
        f"until the end of {until}"
    )
    if total.expected_arr is not None:
        found += f"; {formatting.rounded_money(total.expected_arr, currency)} of it is expected to stay"
    return f"{found}."


def chart_title(view: RenewalView, currency: str) -> str:
    """The message of the chart: the month with most at risk."""
    months = [period for period in view.periods if period.quarter]
    worst = max(months, key=lambda period: period.at_risk_arr, default=None)
    if worst is None or not worst.at_risk_arr:
        return "No renewal of these four quarters is at risk"
    return (
        f"Most is at risk in {period_name(worst)}: {formatting.rounded_money(worst.at_risk_arr, currency)} "
        f"of {formatting.rounded_money(worst.arr, currency)}"
    )


def month_name(on: date) -> str:
    """A month with its year: Dec 2026."""
    return f"{_MONTHS[on.month - 1]} {on.year}"


def period_name(period: RenewalPeriod) -> str:
    """A row as people say it."""
    if period.quarter:
        return month_name(date.fromisoformat(f"{period.id}-01"))
    return {"overdue": "Overdue", "later": "Later", "unknown": "Date unknown"}[period.id]


def quarter_name(quarter: RenewalQuarter) -> str:
    """A quarter as people say it: Q4 2026."""
    year, _, number = quarter.id.partition("-")
    return f"{number} {year}"


def rows(view: RenewalView) -> Iterator[tuple[str, RenewalPeriod | RenewalQuarter]]:
    """The rows of the table with their names: overdue, each quarter after its months, later, unknown."""
    quarters = {quarter.id: quarter for quarter in view.quarters}
    for number, period in enumerate(view.periods):
        yield period_name(period), period
        following = view.periods[number + 1].quarter if number + 1 < len(view.periods) else ""
        if period.quarter and period.quarter != following:
            yield quarter_name(quarters[period.quarter]), quarters[period.quarter]


def expected_share(period: RenewalPeriod | RenewalQuarter) -> str:
    """Share of the ARR up for renewal that is expected to stay; empty where there is none."""
    if period.expected_arr is None or not period.arr:
        return ""
    return formatting.percent(period.expected_arr / period.arr)


def expected(period: RenewalPeriod | RenewalQuarter, currency: str) -> str:
    """ARR expected to stay; words where there is no forecast, or no ARR to make one of."""
    if period.expected_arr is None:
        return "not forecast"
    if period.accounts and period.unknown_arr == period.accounts:
        return formatting.money(None, currency)
    return formatting.money(period.expected_arr, currency)


def outcome_parts(found: RenewalOutcomes | None, currency: str) -> list[str]:
    """Outcomes of a month, in a few words each; empty while nothing came."""
    if found is None:
        return []
    parts = []
    if found.renewed_accounts:
        parts.append(f"{found.renewed_accounts} renewed ({formatting.rounded_money(found.renewed_arr, currency)})")
    if found.lost_accounts:
        parts.append(f"{found.lost_accounts} lost ({formatting.rounded_money(found.lost_arr, currency)})")
    if found.contracted_arr:
        parts.append(f"contracted by {formatting.rounded_money(found.contracted_arr, currency)}")
    if found.expanded_arr:
        parts.append(f"expanded by {formatting.rounded_money(found.expanded_arr, currency)}")
    if found.unknown_amounts:
        parts.append(f"{formatting.counted(found.unknown_amounts, 'amount')} unknown")
    return parts


def commitment(account: RenewalAccount) -> str:
    """Commitment of the account with its date; empty without."""
    if account.committed_on is None:
        return ""
    what = "Renewal on record" if account.commitment == "outcome" else "Intent in writing (play)"
    return f"{what}, {format_short_day(account.committed_on)}"


def chance(account: RenewalAccount) -> str:
    """The chance of leaving with its horizon."""
    if account.chance_of_leaving is None or account.chance_weeks is None:
        return ""
    return f"{formatting.percent(account.chance_of_leaving, 1)} in {account.chance_weeks} weeks"
