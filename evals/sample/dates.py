"""Calendar of the sample: the last day with rows, the Sundays before it, and days counted back from it."""

from datetime import date, timedelta

LAST_DAY = date(2026, 11, 22)
WEEKS = 60
DAILY_WEEKS = 26
RELEASE_DAY = date(2026, 10, 19)


def ago(days: float) -> date:
    """The day that lies so many days before the last day with rows (negative: after it)."""
    return LAST_DAY - timedelta(days=round(days))


def days_ago(day: date) -> int:
    """Number of days between this day and the last day with rows."""
    return (LAST_DAY - day).days


def weekday_days_ago(days: int) -> int:
    """Days ago of the same day, or of the Friday before a weekend. The last day with rows is a Sunday."""
    return days + {0: 2, 1: 1}.get(days % 7, 0)


def sunday_offsets() -> list[int]:
    """Days ago of each of the sixty Sundays, oldest first."""
    return [7 * week for week in range(WEEKS - 1, -1, -1)]
