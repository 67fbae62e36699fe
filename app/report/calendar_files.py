"""Calendar holds as iCalendar files, one a person.

UID, DTSTAMP and SEQUENCE come from the review, so sending a hold again updates it and the bytes repeat. Nobody is
invited by importing a file: the other attendees are named in the description.

Clock changes are written as rules that come back every year. Outlook does not read lists of single days (RDATE) and is
an hour off after the next change (iCalcreator#86 and #106, biweekly#76). Times of a zone without such a rule are in UTC.
"""

from calendar import monthrange
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from icalendar import Alarm, Calendar, Event, Timezone, TimezoneDaylight, TimezoneStandard

from app.report import formatting
from domain.tracking import CalendarHold

_REMIND_AT = time(9)
_EPOCH = date(2020, 1, 1)
_RULE_YEARS = 5
"""Years from that of the review on in which a clock change has to follow one rule."""
_RULES_FROM = 1970
"""Year of the first clock change in a file; programs expect it before any event."""
_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


def zone_or_utc(name: str) -> tzinfo:
    """The named time zone, or UTC when there is none of that name."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def calendar_file(touchpoints: Sequence[CalendarHold], person: str, as_of: date) -> bytes:
    """The holds of one person, at least one."""
    calendar = Calendar()
    calendar.add("prodid", "-//saveplay//weekly at-risk review//EN")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", f"Save plays: {formatting.single_line(person)}")
    for touchpoint in touchpoints:
        calendar.add_component(_event(touchpoint, as_of))
    named = (_time_zone_rules(name, as_of.year) for name in sorted(calendar.get_missing_tzids()))
    calendar.subcomponents[:0] = [rules for rules in named if rules is not None]
    return bytes(calendar.to_ical())


@dataclass(frozen=True)
class ClockChange:
    """One clock change of a zone."""

    local: datetime
    """Wall clock at which it happens, as it shows before the change."""
    before: timedelta
    after: timedelta
    """Offsets from UTC."""
    name: str
    """Name of the time after it, like CEST."""

    @property
    def places(self) -> set[int]:
        """Places of its weekday in the month: 1 to 5 from the beginning, -1 for the last."""
        last = self.local.day + 7 > monthrange(self.local.year, self.local.month)[1]
        return {(self.local.day - 1) // 7 + 1} | ({-1} if last else set())

    @property
    def key(self) -> tuple[object, ...]:
        """Everything that has to be equal every year, but for the place of the weekday."""
        return self.local.month, self.local.weekday(), self.local.time(), self.before, self.after, self.name


def clock_changes(zone: tzinfo, year: int) -> Iterator[ClockChange]:
    """The clock changes of a year, to the minute."""
    low, end = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
    while low < end:
        high = low + timedelta(days=1)
        before, after = low.astimezone(zone).utcoffset(), high.astimezone(zone).utcoffset()
        if before is not None and after is not None and before != after:
            minutes = range(24 * 60 + 1)
            found = next(m for m in minutes if (low + timedelta(minutes=m)).astimezone(zone).utcoffset() != before)
            moment = low + timedelta(minutes=found)
            name = moment.astimezone(zone).tzname() or ""
            yield ClockChange((moment + before).replace(tzinfo=None), before, after, name)
        low = high


@lru_cache(maxsize=8)
def _time_zone_rules(name: str, year: int) -> Timezone | None:
    """A time zone with clock changes that come back every year; None for a zone whose changes follow no such rule."""
    zone = ZoneInfo(name)
    years = [list(clock_changes(zone, each)) for each in range(year, year + _RULE_YEARS)]
    if any([change.key for change in each] != [change.key for change in years[0]] for each in years):
        return None
    rules = Timezone()
    rules.add("tzid", name)
    for same in zip(*years, strict=True):
        places = set.intersection(*(change.places for change in same))
        if not places:
            return None
        rules.add_component(_yearly(same[0], min(places)))
    if not years[0]:
        winter = datetime(year, 1, 1, tzinfo=zone)
        offset = winter.utcoffset() or timedelta()
        rules.add_component(
            _part(
                TimezoneStandard(),
                datetime.combine(date(_RULES_FROM, 1, 1), time()),
                offset,
                offset,
                winter.tzname() or name,
            )
        )
    return rules


def _yearly(change: ClockChange, place: int) -> TimezoneStandard | TimezoneDaylight:
    """A clock change on the weekday at this place of its month, every year."""
    month, weekday = change.local.month, change.local.weekday()
    days = [date(_RULES_FROM, month, day) for day in range(1, monthrange(_RULES_FROM, month)[1] + 1)]
    fitting = [day for day in days if day.weekday() == weekday]
    first = datetime.combine(fitting[place if place < 0 else place - 1], change.local.time())
    part = TimezoneDaylight() if change.after > change.before else TimezoneStandard()
    part = _part(part, first, change.before, change.after, change.name)
    part.add("rrule", {"freq": "yearly", "bymonth": month, "byday": f"{place}{_WEEKDAYS[weekday]}"})
    return part


def _part(
    part: TimezoneStandard | TimezoneDaylight, first: datetime, before: timedelta, after: timedelta, name: str
) -> TimezoneStandard | TimezoneDaylight:
    part.add("dtstart", first)
    part.add("tzoffsetfrom", before)
    part.add("tzoffsetto", after)
    part.add("tzname", name)
    return part


def _event(touchpoint: CalendarHold, as_of: date) -> Event:
    event = Event()
    event.add("uid", touchpoint.uid)
    event.add("dtstamp", datetime.combine(as_of, time(), UTC))
    event.add("sequence", (as_of - _EPOCH).days)
    event.add("summary", formatting.single_line(touchpoint.title).strip())
    if touchpoint.cancelled:
        event.add("status", "CANCELLED")
    event.add("description", _description(touchpoint))
    event.add("categories", [formatting.word(touchpoint.kind)])
    for name, moment in _event_times(touchpoint, as_of).items():
        event.add(name, moment)
    if not touchpoint.cancelled:
        event.add_component(_reminder(touchpoint))
    return event


def _event_times(touchpoint: CalendarHold, as_of: date) -> dict[str, date | datetime]:
    try:
        starts = time.fromisoformat(touchpoint.starts)
    except ValueError:
        return {"dtstart": touchpoint.on, "dtend": touchpoint.on + timedelta(days=1)}
    zone = zone_or_utc(touchpoint.time_zone)
    start = datetime.combine(touchpoint.on, starts, zone)
    if isinstance(zone, ZoneInfo) and _time_zone_rules(zone.key, as_of.year) is None:
        start = start.astimezone(UTC)
    return {"dtstart": start, "dtend": start + timedelta(minutes=max(touchpoint.minutes, 5))}


def _description(touchpoint: CalendarHold) -> str:
    lines = [touchpoint.note, f"Account: {touchpoint.name}", f"Owner: {touchpoint.owner}"]
    if touchpoint.attendees:
        lines.append(f"With: {formatting.listed(touchpoint.attendees)}")
    if touchpoint.follow_up:
        lines.append(f"Asked about on: {formatting.day(touchpoint.follow_up)}")
    return "\n".join(formatting.single_line(line) for line in lines if line)


def _reminder(touchpoint: CalendarHold) -> Alarm:
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", f"Coming up: {formatting.single_line(touchpoint.title).strip()}")
    if touchpoint.follow_up and touchpoint.follow_up < touchpoint.on:
        moment = datetime.combine(touchpoint.follow_up, _REMIND_AT, zone_or_utc(touchpoint.time_zone))
        alarm.add("trigger", moment.astimezone(UTC), parameters={"VALUE": "DATE-TIME"})
    else:
        alarm.add("trigger", timedelta(minutes=-30))
    return alarm
