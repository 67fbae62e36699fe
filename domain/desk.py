"""The review desk: who may do what, and what is said at it before it is decided."""

from datetime import date
from typing import Literal

from pydantic import Field

from domain.decisions import PlayDecision
from domain.record import Record

DeskRole = Literal["viewer", "csm", "manager", "leader"]
DESK_ROLES: tuple[DeskRole, ...] = ("viewer", "csm", "manager", "leader")
"""From who may least to who may most; everybody may do what those before may, except acting for another CSM."""
EntryPoint = Literal["command line", "desk", "API"]


class Member(Record):
    """Somebody at the desk."""

    name: str = Field(min_length=1, max_length=120)
    role: DeskRole
    person_id: str | None = None
    """Who of ours they are, in the people of the data; a CSM without one owns nothing."""

    def is_at_least(self, role: DeskRole) -> bool:
        """Whether their role includes another one."""
        return DESK_ROLES.index(self.role) >= DESK_ROLES.index(role)


class PendingDecision(Record):
    """What was said about one play or plan line. It counts once a leader records the decisions."""

    decision: PlayDecision
    by: str
    number: int
    """1 for the first choice about the account in this run of the review, then 2, 3, …: what a change is checked against."""


class MeetingNote(Record):
    """One line written down in the meeting."""

    account_id: str
    """Empty for a note about the whole review."""
    by: str
    at: str
    text: str


class AuditEntry(Record):
    """One entry of the audit log: who did what, when, from which way in."""

    seq: int
    at: str
    review_id: str
    who: str
    what: str
    facts: dict[str, object]


class AuditAnchor(Record):
    """The head of the audit chain at one moment, kept elsewhere: it shows when the newest entries were cut off."""

    entries: int
    seq: int
    mac: str
    on: date | None = None
