"""Charts of the review, each with its numbers."""

from collections.abc import Sequence
from datetime import date

from markupsafe import Markup

from app.report import charts
from app.report.renewal_text import period_name
from app.report.threshold_text import red_below
from domain.diagnosis import CapacityLine
from domain.portfolio import AtRiskAccount
from domain.renewals import RenewalView
from domain.review import Review


def draw_scatter(review: Review) -> Markup:
    """Risk and ARR of the accounts at risk and the largest others."""
    at_risk_above = review.thresholds.at_risk_above if review.thresholds else None
    return charts.scatter_chart(review.portfolio.scatter, review.portfolio.currency, at_risk_above)


def draw_bridge(review: Review) -> Markup:
    """ARR at risk, last week to this week."""
    steps = [(step.name, step.arr, step.accounts) for step in review.portfolio.bridge]
    return charts.bridge_chart(steps, review.portfolio.currency)


def draw_health(review: Review, line: AtRiskAccount) -> Markup:
    """Health of one account over the weeks."""
    return draw_weeks(review, line.health_history, line.name)


def draw_weeks(review: Review, values: Sequence[tuple[date, float | None]], name: str) -> Markup:
    """Weekly health over the bands of the review's configuration."""
    return charts.health_chart(values, name, review.thresholds.health_bands if review.thresholds else ())


def draw_sparkline(review: Review, line: AtRiskAccount) -> Markup:
    """Health of one account over the weeks, in the size of a word."""
    return charts.sparkline(line.health_history, red_below(review.thresholds))


def draw_capacity(review: Review) -> Markup:
    """Hours and red accounts of every CSM."""
    return charts.capacity_chart([_csm_load(line) for line in review.capacity])


def draw_renewals(view: RenewalView, currency: str) -> Markup:
    """ARR up for renewal by month: at risk, committed and expected."""
    bars = [
        charts.RenewalBar(
            period_name(period), period.arr, period.at_risk_arr, period.committed_arr, period.expected_arr or 0.0
        )
        for period in view.periods
        if period.quarter or (period.id == "overdue" and period.accounts)
    ]
    return charts.renewals_chart(bars, currency)


def _csm_load(line: CapacityLine) -> charts.CsmLoad:
    there = None if line.hours_free is None else line.hours_committed + line.hours_free
    return line.name, line.hours_committed, line.hours_asked, there, line.red_accounts, line.overloaded
