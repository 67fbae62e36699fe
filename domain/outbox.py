"""Records of the way out: what other tools should hold, what they were sent, and what a plan would change.

An item never leaves without a plan that a person released. ``None`` as wanted content means: take it back.
"""

import hashlib
import json
from datetime import date, datetime, timedelta
from typing import Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator, model_validator

from domain.record import Record
from domain.setting import Setting

SinkName = Literal["webhook", "calendar", "hubspot", "slack", "asana", "mail"]
ItemKind = Literal["action", "field", "hold", "digest", "preread", "message", "note"]
ItemState = Literal[
    "planned", "approved", "sending", "sent", "retry", "unknown", "refused", "conflict", "revoking", "revoked"
]
"""``unknown``: it went out and no answer came. ``refused``: the receiver said no. ``conflict``: a person changed it there."""
ChangeKind = Literal["create", "update", "leave", "take back", "conflict"]
_CLOCK = "^([01][0-9]|2[0-3]):[0-5][0-9]$"
Content = dict[str, Any]
"""Plain JSON that a sink turns into its receiver's own fields."""


def content_hash(content: Content | None) -> str | None:
    """16 hexadecimal digits of the content; None for content that is to be taken back."""
    if content is None:
        return None
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class OutboxItem(Record):
    """One thing that one receiver should hold, and how far it is. ``key`` is the same in every run and week."""

    key: str
    sink: SinkName
    kind: ItemKind
    target: str
    """Place or person at the receiver, for people to read."""
    review_id: str
    """Review that decided it last."""
    desired: Content | None
    desired_hash: str | None
    revision: int = 1
    """Rises with every change of what is wanted; receivers and calendars order by it."""
    reason: str = ""
    """Why it is taken back."""
    released: str = ""
    """Hash of the plan that a person released with this item; empty: nobody has."""
    sent: Content | None = None
    """Content that the receiver is known to hold from us."""
    sent_hash: str | None = None
    tried: Content | None = None
    """Content that went out last and may have arrived; None once that is known."""
    before: str | None = None
    """For a CRM field: the value that was there before ours."""
    remote_id: str | None = None
    remote_version: str | None = None
    state: ItemState = "planned"
    tries: int = 0
    next_at: str | None = None
    claimed_by: str | None = None
    claimed_until: str | None = None
    last_error: str = ""

    @property
    def is_settled(self) -> bool:
        """True if the receiver is known to hold exactly what is wanted."""
        return self.tried is None and self.desired_hash == self.sent_hash

    @property
    def is_ours_there(self) -> bool:
        """True if something of ours is, or may be, at the receiver."""
        return self.sent is not None or self.tried is not None


class Wanted(Record):
    """Content of one item after a closed review, or None with a reason, or ``keep``: as it is."""

    key: str
    sink: SinkName
    kind: ItemKind
    target: str
    content: Content | None
    reason: str = ""
    keep: bool = False


class PlannedChange(Record):
    """Change that a push would make to one item."""

    key: str
    sink: SinkName
    change: ChangeKind
    line: str
    """One line for people."""
    desired_hash: str | None
    revision: int
    state: ItemState


class Notice(Record):
    """One thing that one person is told: a reminder before a due date, or an alert."""

    id: str
    """The same in every run: it is told once."""
    person_id: str
    text: str
    critical: bool = False


class PushPlan(Record):
    """All changes of a push. ``hash`` covers exactly what would be sent, and where to."""

    review_id: str
    changes: tuple[PlannedChange, ...]
    hash: str


class Found(Record):
    """Content that a receiver holds under an item's key."""

    remote_id: str
    version: str | None = None
    content: Content
    """The fields that the sink compares."""
    done_on: date | None = None
    """Day on which a person closed the task there."""
    is_taken_back: bool = False
    """True if it is there in the form that taking back leaves: cancelled, or closed with our reason."""


class Delivery(Record):
    """Result of one attempt to deliver an item."""

    outcome: Literal["sent", "taken back", "retry", "unknown", "refused", "conflict", "held back"]
    """``held back``: it may have arrived, cannot be looked up, and is not sent twice."""
    remote_id: str | None = None
    remote_version: str | None = None
    wait: float | None = None
    """Seconds that the receiver asks to wait."""
    error: str = ""


class PushReport(Record):
    """Outcome of a push, row by row."""

    review_id: str
    sent: int
    taken_back: int
    left: int
    open: tuple[OutboxItem, ...]
    """Items that did not arrive, or of which that is not known."""


class Difference(Record):
    """A difference between an item and what its receiver holds."""

    key: str
    sink: SinkName
    found: Literal["missing", "changed by people", "not readable"]
    line: str


class SinkSettings(Record):
    """One receiver. Tokens and passwords are never here: they are read from the environment."""

    enabled: bool = False
    url: str
    sends: tuple[ItemKind, ...]
    user: str = ""
    place: str = ""
    """Channel (Slack), project (Asana), or sender's address (mail)."""
    account_key: str = ""
    """HubSpot: the unique company property that holds the account id."""
    task_key: str = ""
    """HubSpot: the unique task property that holds our key."""
    note_key: str = ""
    """HubSpot: the unique note property that holds our key."""
    people: dict[str, str] = Field(default_factory=dict)
    """Person id to the person's id at the receiver (calendar: to their collection)."""
    fields: dict[str, str] = Field(default_factory=dict)
    """CRM field to the property of the receiver."""
    no_answer: Literal["at most once", "at least once"] = "at most once"
    """Mail: what to do when no answer came and nobody can look."""


class ReminderSettings(Record):
    """When people are told, and who allowed it."""

    released_by: str = ""
    """Name of the leader who lets messages go without a look at each plan; empty: ``--plan HASH`` is needed."""
    quiet_from: str = Field(default="18:00", pattern=_CLOCK)
    quiet_until: str = Field(default="08:00", pattern=_CLOCK)
    """No message between these times of the person's own time zone, and none on a day off."""
    time_zones: dict[str, str] = Field(default_factory=dict)
    """Person id to IANA time zone; for everybody else that of ``review.yaml`` counts."""

    @field_validator("time_zones")
    @classmethod
    def _zones_are_known(cls, zones: dict[str, str]) -> dict[str, str]:
        for person, zone in zones.items():
            try:
                ZoneInfo(zone)
            except (ZoneInfoNotFoundError, ValueError, OSError):
                raise ValueError(f"{person}: there is no time zone {zone!r}; write it like Europe/Berlin") from None
        return zones


class OutboxSettings(Record):
    """``configs/outbox.yaml``."""

    hosts: tuple[str, ...]
    """Hosts that may be called; any other is refused before a connection is opened."""
    timeout: Setting
    lease: Setting
    deadline: Setting
    first_wait: Setting
    longest_wait: Setting
    desk: str = Field(default="", pattern=r"^(https?://[^\s<>|]+)?$")
    """Address of the review desk, for a line in the digest; empty: no line."""
    reminders: ReminderSettings = ReminderSettings()
    sinks: dict[SinkName, SinkSettings]

    @model_validator(mode="after")
    def _one_way_to_people(self) -> Self:
        ways = [name for name, sink in self.on().items() if "message" in sink.sends]
        if len(ways) > 1:
            raise ValueError(f"sinks: {' and '.join(ways)} both send message; choose one, so that nobody is told twice")
        return self

    @model_validator(mode="after")
    def _lease_is_longer(self) -> Self:
        if self.lease.value < 3 * self.timeout.value:
            raise ValueError("lease: must be at least three times the timeout, so that no two machines send one item")
        return self

    def on(self) -> dict[SinkName, SinkSettings]:
        """The receivers that are switched on."""
        return {name: sink for name, sink in self.sinks.items() if sink.enabled}


def seconds_after(now: datetime, seconds: float) -> str:
    """A moment as ISO text that sorts by time."""
    return (now + timedelta(seconds=seconds)).isoformat(timespec="milliseconds")
