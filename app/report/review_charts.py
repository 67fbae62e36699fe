"""Which numbers of the review each chart shows."""

from markupsafe import Markup

from app.report import charts
from domain.diagnosis import CapacityLine
from domain.portfolio import AtRiskAccount
from domain.review import Review


def draw_scatter(review: Review) -> Markup:
    """Risk and ARR of the accounts at risk and the largest others."""
    return charts.scatter_chart(review.portfolio.scatter, review.portfolio.currency)


def draw_bridge(review: Review) -> Markup:
    """ARR at risk, last week to this week."""
    steps = [(step.name, step.arr, step.accounts) for step in review.portfolio.bridge]
    return charts.bridge_chart(steps, review.portfolio.currency)


def draw_health(line: AtRiskAccount) -> Markup:
    """Health of one account over the weeks."""
    return charts.health_chart(line.health_history, line.name)


def draw_capacity(review: Review) -> Markup:
    """Hours and red accounts of every CSM."""
    return charts.capacity_chart([_csm_load(line) for line in review.capacity])


def _csm_load(line: CapacityLine) -> charts.CsmLoad:
    there = None if line.hours_free is None else line.hours_committed + line.hours_free
    return line.name, line.hours_committed, line.hours_asked, there, line.red_accounts, line.overloaded
