"""Tunable numbers of the configuration, and the ranges in which they make sense.

A number outside its range is refused when the file is read. Without that, a slip of the keyboard would end the review
hours later, or ask the calendar for a day that it does not have.
"""

from typing import Annotated

from pydantic import AfterValidator, Field

from domain.record import Record

MAX_DAYS = 3660
"""Ten years: longer than any contract, window or history that a review looks at."""
LARGEST = 1e12
"""Beyond it a float no longer holds two decimals, and no team has such a budget."""


class Setting(Record):
    """One tunable number with its unit and the reason for its default."""

    value: float = Field(ge=-LARGEST, le=LARGEST, allow_inf_nan=False)
    unit: str
    why: str = Field(min_length=10)


def _between(low: float, high: float) -> AfterValidator:
    def check(setting: Setting) -> Setting:
        if not low <= setting.value <= high:
            raise ValueError(f"{setting.value:,.10g} is outside {low:,.10g} to {high:,.10g} ({setting.unit})")
        return setting

    return AfterValidator(check)


Days = Annotated[Setting, _between(0, MAX_DAYS)]
SomeDays = Annotated[Setting, _between(1, MAX_DAYS)]
"""Days that something is divided by, or a window that must not be empty."""
Hours = Annotated[Setting, _between(0, 1000)]
Share = Annotated[Setting, _between(0, 1)]
SomeShare = Annotated[Setting, _between(0.01, 1)]
Factor = Annotated[Setting, _between(0, 100)]
Points = Annotated[Setting, _between(0, 100)]
Money = Annotated[Setting, _between(0, LARGEST)]
Count = Annotated[Setting, _between(0, 1_000_000)]
SomeCount = Annotated[Setting, _between(1, 1_000_000)]
Seconds = Annotated[Setting, _between(0, 86_400)]
Quantity = Annotated[Setting, _between(1, 1_000_000_000)]
"""Tokens, bytes or characters."""

Weeks = Annotated[Setting, _between(1, MAX_DAYS // 7)]
Temperature = Annotated[Setting, _between(0, 2)]
PlayWeek = Annotated[Setting, _between(1, 53)]
Tokens = Annotated[Setting, _between(0, 1_000_000_000)]
"""A budget; 0 means that no call is made."""

Day = Annotated[int, Field(ge=0, le=MAX_DAYS)]
"""Days in a plain number."""
Weight = Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)]
WeeklyHours = Annotated[float, Field(ge=0, le=168, allow_inf_nan=False)]
Week = Annotated[int, Field(ge=1, le=53)]
"""Week of a play."""
Minutes = Annotated[int, Field(ge=0, le=1440)]
Rows = Annotated[int, Field(ge=0, le=1_000_000)]
Price = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]
Number = Annotated[float, Field(ge=-LARGEST, le=LARGEST, allow_inf_nan=False)]
