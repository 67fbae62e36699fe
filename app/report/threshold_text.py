"""Sentences about the limits of a review, from the configuration that it was made with.

Every function takes the thresholds of the review, and says nothing when an older review has none.
"""

from app.report.formatting import counted, number, word
from domain.review import Thresholds, Urgency

_HOURS_UP_TO_DAYS = 3
"""A time of so many days is given in hours."""


def time_span(days: int) -> str:
    """A time of whole days: 48 hours, 7 days."""
    return counted(days * 24, "hour") if days <= _HOURS_UP_TO_DAYS else counted(days, "day")


def urgency(name: Urgency, thresholds: Thresholds | None) -> str:
    """An urgency with the time that it leaves: immediate (within 48 hours)."""
    days = thresholds.urgency_days.get(name) if thresholds else None
    return word(name) if days is None else f"{word(name)} (within {time_span(days)})"


def planning_period(thresholds: Thresholds | None) -> str:
    """The time that capacity is counted for: the coming 14 days."""
    return f"the coming {counted(thresholds.planning_days, 'day')}" if thresholds else "the planning period"


def red_below(thresholds: Thresholds | None) -> float | None:
    """The health below which an account is red."""
    return thresholds.health_bands[1][1] if thresholds and len(thresholds.health_bands) > 1 else None


def red_limit(thresholds: Thresholds | None) -> str:
    """The load at which a CSM is over the limit: more than 4 red accounts, or hours."""
    if thresholds is None:
        return "red accounts, or hours"
    return f"more than {counted(thresholds.red_account_limit, 'red account')}, or hours"


def threshold_sentences(thresholds: Thresholds | None) -> list[str]:
    """Every limit of the review, one sentence each."""
    if thresholds is None:
        return []
    first, *others = thresholds.health_bands
    bands = [f"{word(name)} from {number(starts, 2)}" for name, starts in others]
    due = [f"{word(name)} within {time_span(days)}" for name, days in thresholds.urgency_days.items()]
    red = f"{word(first[0])} below {number(others[0][1], 2)}" if others else word(first[0])
    return [
        f"An account is at risk with a risk above {number(thresholds.at_risk_above, 2)}, or by a rule of its tier.",
        f"Health is {', '.join([red, *bands])}.",
        f"Health that falls by {number(-thresholds.velocity_alarm, 2)} points a day or faster is an alarm.",
        f"Capacity is counted for {planning_period(thresholds)}; "
        f"a CSM can carry {counted(thresholds.red_account_limit, 'red account')}.",
        f"Actions are due by urgency: {', '.join(due)}.",
        f"A renewal within {counted(thresholds.watch_renewal_within, 'day')} is watched, also when the account is not at risk.",
    ]
