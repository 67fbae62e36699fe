"""Working days: weekends and public holidays skipped, by the ``holidays`` library, plus the company's own days off."""

from datetime import date, timedelta

import holidays

from domain.configuration import ReviewSettings
from domain.errors import ConfigurationError

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday")


class WorkingDays:
    """The calendar of one team. Days are passed in; nothing reads the clock."""

    def __init__(self, settings: ReviewSettings) -> None:
        try:
            self._holidays = holidays.country_holidays(settings.holiday_country, subdiv=settings.holiday_subdivision)
        except NotImplementedError:
            raise ConfigurationError(
                f"review.yaml: holiday_country: no holidays are known for {settings.holiday_country!r} "
                f"{settings.holiday_subdivision or ''}; use an ISO country code such as DE, US or GB"
            ) from None
        self._own = frozenset(settings.company_holidays)
        self._known: dict[date, bool] = {}
        place = settings.holiday_country + (f"-{settings.holiday_subdivision}" if settings.holiday_subdivision else "")
        self.note = f"Dates skip weekends, public holidays of {place} and {len(self._own)} company holidays."

    def is_working(self, day: date) -> bool:
        """True if people work on that day."""
        known = self._known.get(day)
        if known is None:
            known = self._known[day] = day.weekday() < 5 and day not in self._holidays and day not in self._own
        return known

    def on_or_after(self, day: date) -> date:
        """The first working day from ``day`` on."""
        while not self.is_working(day):
            day += timedelta(days=1)
        return day

    def on_or_before(self, day: date) -> date:
        """The last working day up to ``day``."""
        while not self.is_working(day):
            day -= timedelta(days=1)
        return day

    def before(self, day: date) -> date:
        """The working day before ``day``."""
        return self.on_or_before(day - timedelta(days=1))

    def follow_up(self, due: date, created: date) -> date:
        """The working day before ``due`` on which the owner is asked, but not before the plan exists."""
        return min(max(self.before(due), self.on_or_after(created)), max(due, self.on_or_after(created)))

    def add_working_days(self, day: date, count: int) -> date:
        """``count`` working days after ``day``."""
        for _ in range(count):
            day = self.on_or_after(day + timedelta(days=1))
        return day

    def next_weekday(self, name: str, day: date) -> date:
        """The first such weekday from ``day`` on, moved to the next working day when it is a holiday."""
        ahead = (_WEEKDAYS.index(name) - day.weekday()) % 7
        return self.on_or_after(day + timedelta(days=ahead))
