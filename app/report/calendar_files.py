"""Calendar holds as iCalendar files, one a person.

UID, DTSTAMP and SEQUENCE come from the review, so sending a hold again updates it and the bytes repeat. Nobody is
invited by importing a file: the other attendees are named in the description.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from icalendar import Alarm, Calendar, Event, Timezone

from app.report import formatting
from domain.tracking import CalendarHold

_REMIND_AT = time(9)
_EPOCH = date(2020, 1, 1)


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
    calendar.subcomponents[:0] = [_time_zone_rules(name, as_of) for name in sorted(calendar.get_missing_tzids())]
    return bytes(calendar.to_ical())


@lru_cache(maxsize=8)
def _time_zone_rules(name: str, as_of: date) -> Timezone:
    """A time zone as a calendar carries it; worked out once for everybody."""
    return Timezone.from_tzid(name, first_date=as_of - timedelta(days=366), last_date=as_of + timedelta(days=731))


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
    for name, moment in _event_times(touchpoint).items():
        event.add(name, moment)
    if not touchpoint.cancelled:
        event.add_component(_reminder(touchpoint))
    return event


def _event_times(touchpoint: CalendarHold) -> dict[str, date | datetime]:
    try:
        starts = time.fromisoformat(touchpoint.starts)
    except ValueError:
        return {"dtstart": touchpoint.on, "dtend": touchpoint.on + timedelta(days=1)}
    start = datetime.combine(touchpoint.on, starts, zone_or_utc(touchpoint.time_zone))
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
