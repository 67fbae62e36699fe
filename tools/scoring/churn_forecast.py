"""The churn that a base can expect: interval, parts of one account's chance, and the sentences about both.

Pure arithmetic over sums that the engine made.
"""

import math
from typing import Any

from domain.churn_settings import ChurnSettings
from domain.portfolio import ChurnParts
from tools.scoring.churn_odds import ChurnOdds
from tools.scoring.churn_rate import ChurnRate
from tools.wording import plural

_Z80 = 1.2815515655446004
"""Normal quantile of the ends of an 80 % interval."""

SPREAD_SQL = (
    "coalesce(sum(cast(round(cast(arr as double) * cast(arr as double) * churn_probability * (1 - churn_probability), 2) "
    "as decimal(38, 2))), 0)"
)
"""Variance of the ARR that leaves when each account leaves or stays by itself."""


def churn_interval(expected: float, spread: float, rate: ChurnRate) -> tuple[float, float]:
    """The 80 % interval of the ARR that leaves, in units with two decimals.

    The sum of unequal chances (Poisson-binomial, weighted by ARR) plus the uncertainty of the rate, as the gamma
    distribution with that mean and variance: never below zero, with the long upper end that a few large accounts make. Its
    quantiles are Wilson and Hilferty's.
    """
    if expected <= 0:
        return 0.0, 0.0
    variance = spread + (expected * rate.uncertainty) ** 2
    ninth = variance / expected**2 / 9
    low, high = (expected * max(1 - ninth + z * math.sqrt(ninth), 0.0) ** 3 for z in (-_Z80, _Z80))
    return round(low, 2), round(high, 2)


def churn_parts(odds: ChurnOdds, scored: dict[str, Any]) -> ChurnParts:
    """The parts of one account's chance within the horizon that is shown."""
    return ChurnParts(
        base=round(1 / (1 + math.exp(-odds.shown_level)), 6),
        decision_factor=round(math.exp(scored["decision_odds"]), 4),
        risk_factor=round(math.exp(scored["risk_odds"]), 4),
    )


def churn_basis(odds: ChurnOdds) -> str:
    """A clause that stands beside every expected churn."""
    if odds.checked:
        return "checked against your renewals"
    return f"estimate from a churn rate of {odds.rate.yearly:.1%} a year".replace("%", " %").replace(".0 ", " ")


def churn_note(odds: ChurnOdds, settings: ChurnSettings) -> str:
    """Three sentences: how the chance is made, where the rate comes from, what the test said."""
    weeks, lead = settings.horizon_weeks.value, plural(int(settings.decision_lead.value), "day")
    made = (
        f"The chance of leaving is for the next {weeks:.0f} weeks: it rises with risk, and with a renewal that is overdue "
        f"or at most {lead} after that time."
    )
    return f"{made} {_rate_sentence(odds.rate)} {odds.note}".rstrip()


def _rate_sentence(rate: ChurnRate) -> str:
    usual = f"{rate.usual:.0%}".replace("%", " %")
    yearly = f"{rate.yearly:.1%}".replace("%", " %")
    if not rate.own:
        return f"Over all accounts it is {usual} a year, a usual rate, because the data has nobody who left in the last year."
    return (
        f"Over all accounts it is {yearly} a year: {plural(rate.left, 'account')} left in the last year that the data "
        f"has, and a usual rate of {usual} counts like {rate.weight:.0f} account-years."
    )
