"""The fact about usage: from how many active users to how many, since when, and whether the fall has stopped. Pure.

The same weeks always give the same answer: weeks end on the day of the review, and a level is the median of a few weeks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import fmean, median

from domain.fact_settings import UsageFactSettings
from domain.facts import FactSource, FactTone, UsageFact
from tools.evidence.account_record import AccountRecord

_MEASURE = "active_users"
_LEVEL_WEEKS = 3


@dataclass(frozen=True)
class Week:
    """The mean of one week. ``ends`` is its last day."""

    ends: date
    mean: float


def usage_facts(record: AccountRecord, settings: UsageFactSettings) -> tuple[UsageFact, ...]:
    """Active users from–to; nothing when fewer weeks are known than a level needs."""
    weeks = weekly_means(record, int(settings.weeks.value))
    if len(weeks) < 2 * _LEVEL_WEEKS:
        return ()
    seen = max(row.on for row in record.of("usage") if row.on and row.columns.get(_MEASURE) is not None)
    now = median(week.mean for week in weeks[-_LEVEL_WEEKS:])
    start = _last_week_before_move(weeks, now, settings)
    steady = _steady_since(weeks, settings)
    moved = abs(now - start.mean) > settings.moved.value * max(start.mean, 1.0)
    tone: FactTone = "neutral" if not moved else "bad" if now < start.mean else "good"
    return (
        UsageFact(
            id=f"usage:{record.account_id}:{_MEASURE}",
            on=seen,
            side="theirs",
            tone=tone,
            source=FactSource(table="usage", key=record.account_id),
            measure=_MEASURE,
            from_on=start.ends,
            to_on=seen,
            from_value=round(start.mean, 1),
            to_value=round(now, 1),
            seats=record.seats,
            turned_on=steady.ends if steady and moved and steady.ends > start.ends else None,
        ),
    )


def weekly_means(record: AccountRecord, most: int) -> list[Week]:
    """Mean of each week with a value, oldest first; at most ``most`` weeks before the review."""
    values: dict[int, list[float]] = {}
    for row in record.of("usage"):
        value = row.columns.get(_MEASURE)
        if row.on is not None and value is not None and 0 <= (age := row.age(record.as_of) // 7) < most:
            values.setdefault(age, []).append(float(value))
    return [
        Week(record.as_of - timedelta(days=7 * age), fmean(sorted(values[age]))) for age in sorted(values, reverse=True)
    ]


def _last_week_before_move(weeks: Sequence[Week], now: float, settings: UsageFactSettings) -> Week:
    """The last week at the level from which usage moved: the highest before a fall, the lowest before a rise.

    Its value is the median of the weeks up to it, so that one odd week is no level.
    """
    levels = [median(w.mean for w in weeks[max(0, i - 1) : i + 2]) for i in range(len(weeks))]
    early = levels[: -_LEVEL_WEEKS + 1]
    top, bottom = max(early), min(early)
    fell = top - now >= now - bottom
    extreme = top if fell else bottom
    near = settings.steady.value * max(abs(extreme), 1.0)
    index = max(i for i, level in enumerate(early) if abs(level - extreme) <= near)
    return Week(weeks[index].ends, median(w.mean for w in weeks[max(0, index - _LEVEL_WEEKS + 1) : index + 1]))


def _steady_since(weeks: Sequence[Week], settings: UsageFactSettings) -> Week | None:
    """The first week from which every later one is at the same level; None while usage still moves."""
    least = int(settings.steady_weeks.value)
    for index in range(len(weeks) - least + 1):
        rest = weeks[index:]
        level = fmean(week.mean for week in rest)
        within = settings.steady.value * max(level, 1.0)
        if all(abs(week.mean - level) <= within for week in rest) and not _drifts(rest, settings.drift.value * level):
            return weeks[index]
    return None


def _drifts(weeks: Sequence[Week], most: float) -> bool:
    """True if the first and the second half of the weeks are at different levels: a slow fall has not stopped."""
    half = len(weeks) // 2
    return abs(fmean(w.mean for w in weeks[:half]) - fmean(w.mean for w in weeks[-half:])) > most
