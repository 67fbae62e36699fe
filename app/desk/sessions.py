"""Sessions, one-time links and tokens of a store. Every key is random, and only its digest is kept.

A browser has one cookie with a random id; the member behind it is in the store, so that a session can be ended. A
program has a token.
"""

import secrets
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from app.desk.settings import DeskSettings
from app.wiring import StoreSession
from domain.desk import DeskRole, Member
from domain.dossier import Person
from domain.errors import NotAllowed
from domain.phase_results import IdentifyResult
from tools.store.desk_store import CredentialKind, DeskStore

COOKIE = "saveplay-desk"
_MAX_TOKEN_DAYS = 366
"""Days; a token is valid for a year at most."""
MAX_NAME_LENGTH = 120
"""Characters of a sign-in name, and of a name that is shown."""
ROLE_BY_JOB: dict[str, DeskRole] = {"csm": "csm", "cs_manager": "manager"}
"""Desk role by job in the data; leaders are only named in desk.yaml or by an invitation."""


@dataclass(frozen=True)
class Session:
    """A signed-in member."""

    member: Member
    csrf: str
    """Form token of this session; a page of another site cannot know it."""
    secret: str = field(repr=False)


def expiry_time(now: str, **delta: float) -> str:
    """A time from now on, as text that sorts."""
    return (datetime.fromisoformat(now) + timedelta(**delta)).astimezone(UTC).isoformat(timespec="milliseconds")


@dataclass(frozen=True)
class Sessions:
    """Creates and reads the keys of one store."""

    store: DeskStore
    settings: DeskSettings
    clock: Callable[[], str]
    random: Callable[[], str] = lambda: secrets.token_urlsafe(32)

    def start_session(self, member: Member) -> Session:
        """A new session."""
        now, secret, csrf = self.clock(), self.random(), self.random()
        body = {"member": member.model_dump(), "csrf": csrf}
        with self.store.store.transaction():
            self.store.delete_expired_keys(now)
            self.store.save_key("session", secret, body, expiry_time(now, hours=self.settings.session_hours))
            self.store.store.log("", member.name, "signed in", role=member.role)
        return Session(member, csrf, secret)

    def find_session(self, secret: str | None) -> Session | None:
        """The session of a cookie; None when it has ended."""
        body = self.store.find_key("session", secret, self.clock()) if secret else None
        return Session(Member.model_validate(body["member"]), body["csrf"], secret or "") if body else None

    def end_session(self, session: Session) -> None:
        """End a session, for every copy of its cookie."""
        with self.store.store.transaction():
            self.store.delete_key("session", session.secret)
            self.store.store.log("", session.member.name, "signed out")

    def create_link(self, member: Member, by: str) -> str:
        """The key of a one-time link for somebody."""
        return self._create_key("link", member, by, expiry_time(self.clock(), minutes=self.settings.link_minutes))

    def redeem_link(self, key: str) -> Member | None:
        """The member of a one-time link, which is used up; None for a used or unknown one."""
        body = self.store.consume_key("link", key, self.clock())
        return Member.model_validate(body) if body else None

    def create_token(self, member: Member, by: str, days: int) -> str:
        """A token for a program that acts for somebody."""
        return self._create_key("token", member, by, expiry_time(self.clock(), days=min(days, _MAX_TOKEN_DAYS)))

    def find_token_owner(self, token: str) -> Member | None:
        """The member of a token; None for an unknown one."""
        body = self.store.find_key("token", token, self.clock())
        return Member.model_validate(body) if body else None

    def _create_key(self, kind: CredentialKind, member: Member, by: str, expires: str) -> str:
        secret = self.random()
        with self.store.store.transaction():
            self.store.save_key(kind, secret, member.model_dump(), expires)
            self.store.store.log("", by, f"made a {kind}", name=member.name, role=member.role, expires=expires)
        return secret


def normalise_name(name: str) -> str:
    """A sign-in name as it is compared: case counts for nothing in ASCII. Beyond it letters that look alike fold into
    one another (a Kelvin sign into a k), so there it counts."""
    name = name.strip()
    return name.lower() if name.isascii() else name


def find_member(name: str, settings: DeskSettings, people: Mapping[str, Person]) -> Member:
    """The member of a sign-in name (mostly an address). Raises NotAllowed for a name without access.

    An address of several people names none of them, so that nobody acts as somebody else.
    """
    wanted = normalise_name(name)
    if not wanted or len(wanted) > MAX_NAME_LENGTH or not wanted.isprintable():
        raise NotAllowed("the name you signed in under is empty, too long or cannot be printed")
    ours = [each for each in people.values() if each.email and normalise_name(each.email) == wanted]
    person = ours[0] if len(ours) == 1 else None
    shown = (person.name.strip()[:MAX_NAME_LENGTH] if person else "") or name.strip()
    person_id = person.person_id if person else None
    for role, names in settings.roles.items():
        if wanted in map(normalise_name, names):
            return Member(name=shown, role=role, person_id=person_id)
    if person is not None:
        return Member(name=shown, role=ROLE_BY_JOB.get(person.role, "viewer"), person_id=person_id)
    if settings.otherwise == "viewer":
        return Member(name=shown, role="viewer")
    if ours:
        raise NotAllowed(f"{shown} is the address of {len(ours)} people in the data; each needs one of their own")
    raise NotAllowed(f"{shown} is not one of the people of this desk; ask whoever runs it")


class PeopleCache:
    """The people of the newest review that has any; read once for each run."""

    def __init__(self) -> None:
        self._kept: tuple[tuple[str, int], Mapping[str, Person]] = (("", 0), {})

    def people(self, store_session: StoreSession) -> Mapping[str, Person]:
        """Our own people, by id: of the review before while the newest is being prepared."""
        for review_id, _, _ in reversed(store_session.store.reviews()):
            run = (review_id, store_session.store.request(review_id)[2])
            known, people = self._kept
            if run == known:
                return people
            identified = store_session.store.find(review_id, "identified", IdentifyResult)
            if identified is not None:
                self._kept = run, identified.people
                return identified.people
        return {}


class SignInAttempts:
    """Sign-in attempts by address within the last minute, in memory of this process."""

    def __init__(self, most: int, seconds: Callable[[], float]) -> None:
        self._most, self._seconds = most, seconds
        self._tries: dict[str, deque[float]] = {}
        self._lock = threading.Lock()

    def exceeds_limit(self, address: str) -> bool:
        """Count an attempt; True when there were too many."""
        now = self._seconds()
        with self._lock:
            if len(self._tries) > 10_000:
                self._tries = {key: tries for key, tries in self._tries.items() if tries and now - tries[-1] < 60}
            tries = self._tries.setdefault(address, deque())
            while tries and now - tries[0] > 60:
                tries.popleft()
            tries.append(now)
            return len(tries) > self._most

    def reset_attempts(self, address: str) -> None:
        """Forget the attempts after a sign-in; a whole office may share one address."""
        with self._lock:
            self._tries.pop(address, None)
