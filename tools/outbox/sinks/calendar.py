"""Calendar over CalDAV: one event a hold. Its UID is our key: created with ``If-None-Match``, changed with ``If-Match``.

Times are written in UTC, because some calendars read rules of time zones an hour off. A hold that is taken back stays as a
cancelled event with a higher SEQUENCE, so that every client removes it.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from urllib.parse import quote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from icalendar import Calendar as Component
from icalendar import Event

from domain.errors import DeliveryRefused
from domain.outbox import Content, Found, OutboxItem
from tools.outbox.http import Receiver, Response
from tools.outbox.sinks.sink import Guarantee
from tools.outbox.text import plain

_SEQUENCE_FROM = 10_000
"""Above the SEQUENCE of the files in ``calendar/``, which counts days since 2020."""
_STAMP = datetime(2020, 1, 1, tzinfo=UTC)
_SHORTEST = 5
"""Minutes of the shortest event."""


class Calendar:
    """Collections of a CalDAV server: one for everybody, or one a person."""

    guarantee: Guarantee = "once, by the receiver's key"
    looks = True
    has_tasks = False

    def __init__(self, receiver: Receiver, people: Mapping[str, str]) -> None:
        self._receiver, self._people = receiver, people

    def fields(self, content: Content) -> Content:
        """Parts of the event that people see; they may add reminders or change its colour."""
        starts, ends = _times(content)
        return {"summary": plain(content["title"]), "description": _description(content), "starts": starts.isoformat(),
                "ends": ends.isoformat()}  # fmt: skip

    def find(self, item: OutboxItem) -> Found | None:
        """The event as the server holds it."""
        path = self._path(item)
        answer = self._receiver.call("GET", path, accept=(404, 410))
        return None if answer.status in (404, 410) else _read(answer, path)

    def put(self, item: OutboxItem, found: Found | None) -> tuple[str, str | None]:
        """Create the event, or change the one that was found."""
        assert item.desired is not None
        return self._write(item, item.desired, found, cancelled=False)

    def take_back(self, item: OutboxItem, found: Found | None) -> None:
        """Cancel the event."""
        content = item.sent or item.tried
        assert content is not None
        self._write(item, content, found, cancelled=True)

    def _write(
        self, item: OutboxItem, content: Content, found: Found | None, *, cancelled: bool
    ) -> tuple[str, str | None]:
        body = _event_file(item, content, cancelled)
        condition = {"If-Match": found.version} if found is not None and found.version else {"If-None-Match": "*"}
        headers = {"Content-Type": "text/calendar; charset=utf-8", **condition}
        path = self._path(item)
        answer = self._receiver.call("PUT", path, body, headers)
        return path, answer.headers.get("etag")

    def _path(self, item: OutboxItem) -> str:
        """A cancelled or changed hold stays in the collection that it was made in."""
        if item.remote_id:
            return item.remote_id
        owner = str((item.desired or item.sent or item.tried or {}).get("owner_id") or "")
        collection = self._people.get(owner, "").strip("/")
        folder = f"{self._receiver.path}/{quote(collection)}" if collection else self._receiver.path
        return f"{folder}/{sha256(item.key.encode()).hexdigest()[:32]}.ics"


def _event_file(item: OutboxItem, content: Content, cancelled: bool) -> bytes:
    starts, ends = _times(content)
    event = Event()
    event.add("uid", content["uid"])
    event.add("dtstamp", _STAMP)
    event.add("sequence", _SEQUENCE_FROM + item.revision)
    event.add("summary", plain(content["title"]))
    event.add("description", _description(content))
    event.add("dtstart", starts)
    event.add("dtend", ends)
    event.add("status", "CANCELLED" if cancelled else "CONFIRMED")
    calendar = Component()
    calendar.add("prodid", "-//saveplay//weekly at-risk review//EN")
    calendar.add("version", "2.0")
    calendar.add_component(event)
    return bytes(calendar.to_ical())


def _times(content: Content) -> tuple[datetime, datetime] | tuple[date, date]:
    day = date.fromisoformat(content["on"])
    try:
        begins = time.fromisoformat(content["starts"])
    except ValueError:
        return day, day + timedelta(days=1)
    try:
        zone = ZoneInfo(content["time_zone"])
    except (ZoneInfoNotFoundError, ValueError, OSError):
        zone = ZoneInfo("UTC")
    start = datetime.combine(day, begins, zone).astimezone(UTC)
    return start, start + timedelta(minutes=max(int(content["minutes"]), _SHORTEST))


def _description(content: Content) -> str:
    lines = [content["note"], f"Account: {content['name']}", f"Owner: {content['owner']}"]
    if content["attendees"]:
        lines.append("With: " + ", ".join(content["attendees"]))
    return "\n".join(plain(line) for line in lines if line)


def _read(answer: Response, path: str) -> Found:
    """The event in an answer. Raises DeliveryRefused for a file that holds no event."""
    try:
        event = Component.from_ical(answer.body).walk("VEVENT")[0]
        content = {
            "summary": str(event.get("summary", "")),
            "description": str(event.get("description", "")),
            "starts": event.decoded("dtstart").isoformat(),
            "ends": event.decoded("dtend").isoformat(),
        }
        cancelled = str(event.get("status", "")) == "CANCELLED"
    except (ValueError, IndexError, KeyError):
        raise DeliveryRefused("the calendar holds something else than an event under this name", 200) from None
    return Found(remote_id=path, version=answer.headers.get("etag"), content=content, is_taken_back=cancelled)
