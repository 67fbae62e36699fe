"""Records of the review desk: members and roles, pending decisions, notes, audit entries."""

from datetime import date
from typing import Literal

from pydantic import Field

from domain.decisions import PlayDecision
from domain.record import Record

DeskRole = Literal["viewer", "csm", "manager", "leader"]
DESK_ROLES: tuple[DeskRole, ...] = ("viewer", "csm", "manager", "leader")
"""From fewest to most rights. Each role includes those before it, except that a CSM acts for their own accounts only."""
EntryPoint = Literal["command line", "desk", "API"]


class Member(Record):
    """Person or program that uses the desk."""

    name: str = Field(min_length=1, max_length=120)
    role: DeskRole
    person_id: str | None = None
    """Id in the table ``people`` of the data; a CSM without one owns no account."""

    def is_at_least(self, role: DeskRole) -> bool:
        """True if the member's role includes ``role``."""
        return DESK_ROLES.index(self.role) >= DESK_ROLES.index(role)


class PendingDecision(Record):
    """Choice about one play or plan line. It takes effect when a leader records the decisions."""

    decision: PlayDecision
    by: str
    number: int
    """1 for the first choice about the account in this run of the review, then 2, 3, …: a change has to name the latest."""


class MeetingNote(Record):
    """One line of notes from the meeting."""

    account_id: str
    """Empty for a note about the whole review."""
    by: str
    at: str
    """ISO time in UTC."""
    text: str


class AuditEntry(Record):
    """One entry of the audit log: who did what, when, by which interface."""

    seq: int
    """1, 2, … over all reviews."""
    at: str
    """ISO time in UTC."""
    review_id: str
    who: str
    what: str
    facts: dict[str, object]
    """Details as JSON; ``way`` is the interface, ``account`` the account if there is one."""


class AuditAnchor(Record):
    """Head of the audit chain at one moment. Kept elsewhere, it shows whether the newest entries were cut off."""

    entries: int
    """Number of entries in the chain."""
    seq: int
    """Number of the newest entry, 0 for none."""
    mac: str
    """Hash of the newest entry: 64 hexadecimal digits."""
    on: date | None = None
