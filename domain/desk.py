"""Records of the review desk: members and roles, pending decisions, notes, audit entries."""

from datetime import date
from typing import Literal

from pydantic import Field

from domain.decisions import PlayDecision
from domain.errors import NotAllowed
from domain.record import Record

DeskRole = Literal["viewer", "csm", "manager", "leader"]
DESK_ROLES: tuple[DeskRole, ...] = ("viewer", "csm", "manager", "leader")
"""From fewest to most rights. Each role includes those before it, except that a CSM acts for their own accounts only."""
EntryPoint = Literal["command line", "desk", "API", "MCP"]
ROLE_NAMES: dict[DeskRole, str] = {
    "viewer": "a viewer", "csm": "a CSM", "manager": "a manager", "leader": "a leader",
}  # fmt: skip
CredentialKind = Literal["session", "link", "token", "sign-in"]
SignInWay = Literal["link", "OpenID"]
"""The way a session began; behind a proxy there are no sessions."""


class Member(Record):
    """Person or program that uses the desk."""

    name: str = Field(min_length=1, max_length=120)
    role: DeskRole
    person_id: str | None = None
    """Id in the table ``people`` of the data; a CSM without one owns no account."""

    def is_at_least(self, role: DeskRole) -> bool:
        """True if the member's role includes ``role``."""
        return DESK_ROLES.index(self.role) >= DESK_ROLES.index(role)


def check_role(member: Member, role: DeskRole, what: str) -> None:
    """Raises NotAllowed when the member's role is too low."""
    if not member.is_at_least(role):
        raise NotAllowed(f"{what} is for {ROLE_NAMES[role]}; {member.name} is {ROLE_NAMES[member.role]} here")


class Credential(Record):
    """Session, unopened link or token of a member, without its secret."""

    kind: CredentialKind
    number: str
    """First 8 hexadecimal digits of the secret's digest."""
    member: Member
    """The member as they were when it was made."""
    since: str = ""
    """ISO time in UTC; empty when an earlier version made it."""
    expires: str
    """ISO time in UTC."""
    by: str = ""
    """The person who made a link or a token."""
    way: SignInWay | None = None
    """The way in, of a session."""
    name: str = ""
    """Sign-in name, of a session by OpenID: the member is looked up by it on each request."""
    held: DeskRole | None = None
    """Role that the settings or the data gave the member when a token was made; None when neither knew them."""
    csrf: str = ""
    """Form token, of a session."""

    def is_of(self, member: Member) -> bool:
        """True if it is of the same person: by id, or by name."""
        ids = self.member.person_id, member.person_id
        return self.member.name == member.name or (ids[0] is not None and ids[0] == ids[1])


class PendingDecision(Record):
    """Choice about one play or plan line. It takes effect when a leader records the decisions."""

    decision: PlayDecision
    by: str
    number: int
    """1 for the first choice about the account in this run of the review, then 2, 3, …: a change has to name the latest.
    A number never comes twice, also after a choice was taken back."""
    place: int = 0
    """Place among all choices of this run, in the order in which they were made; 0 in stores of an older version."""
    before: "PendingDecision | None" = None
    """The choice that this one replaced, which comes back when this one is taken back; None for the first."""


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
