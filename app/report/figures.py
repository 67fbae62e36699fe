"""Which numbers of the review each chart shows."""

from markupsafe import Markup

from app.report import charts
from domain.review import AtRisk, CapacityLine, Review


def scatter(review: Review) -> Markup:
    """Risk and ARR of the accounts at risk and the largest others."""
    return charts.scatter(review.portfolio.scatter, review.portfolio.currency)


def bridge(review: Review) -> Markup:
    """ARR at risk, last week to this week."""
    steps = [(step.name, step.arr, step.accounts) for step in review.portfolio.bridge]
    return charts.bridge(steps, review.portfolio.currency)


def history(line: AtRisk) -> Markup:
    """Health of one account over the weeks."""
    return charts.history(line.health_history, line.name)


def capacity(review: Review) -> Markup:
    """Hours and red accounts of every CSM."""
    return charts.capacity([_load(line) for line in review.capacity])


def _load(line: CapacityLine) -> charts.Load:
    there = None if line.hours_free is None else line.hours_committed + line.hours_free
    return line.name, line.hours_committed, line.hours_asked, there, line.red_accounts, line.overloaded
