"""The door: who comes in, with which key, and for how long. Every key is random, and only its digest is kept.

A browser holds one cookie with a random id that says nothing; what it stands for is kept in the store and can be taken
back. A program holds a token.
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
"""Days; a token is good for a year at most."""
MAX_NAME_LENGTH = 120
"""Characters of a sign-in name, and of a name that is shown."""
ROLE_BY_JOB: dict[str, DeskRole] = {"csm": "csm", "cs_manager": "manager"}
"""What the people of the data are at the desk; nobody leads the meeting by a row in an export."""


@dataclass(frozen=True)
class Session:
    """Somebody who is in."""

    member: Member
    csrf: str
    """What every form of this session carries; a page of another site cannot know it."""
    secret: str = field(repr=False)


def expiry_time(now: str, **delta: float) -> str:
    """A time from now on, as text that sorts."""
    return (datetime.fromisoformat(now) + timedelta(**delta)).astimezone(UTC).isoformat(timespec="milliseconds")


@dataclass(frozen=True)
class Sessions:
    """Makes and reads the keys of one store."""

    store: DeskStore
    settings: DeskSettings
    clock: Callable[[], str]
    random: Callable[[], str] = lambda: secrets.token_urlsafe(32)

    def start_session(self, member: Member) -> Session:
        """A new session."""
        now, secret, csrf = self.clock(), self.random(), self.random()
        self.store.delete_expired_keys(now)
        body = {"member": member.model_dump(), "csrf": csrf}
        self.store.save_key("session", secret, body, expiry_time(now, hours=self.settings.session_hours))
        self.store.store.log("", member.name, "signed in", role=member.role)
        return Session(member, csrf, secret)

    def find_session(self, secret: str | None) -> Session | None:
        """The session of a cookie, while it is good."""
        body = self.store.find_key("session", secret, self.clock()) if secret else None
        return Session(Member.model_validate(body["member"]), body["csrf"], secret or "") if body else None

    def end_session(self, session: Session) -> None:
        """End a session, for every copy of its cookie."""
        self.store.delete_key("session", session.secret)
        self.store.store.log("", session.member.name, "signed out")

    def create_link(self, member: Member, by: str) -> str:
        """The key of a one-time link for somebody."""
        return self._create_key("link", member, by, expiry_time(self.clock(), minutes=self.settings.link_minutes))

    def redeem_link(self, key: str) -> Member | None:
        """Whom a one-time link lets in; once."""
        body = self.store.consume_key("link", key, self.clock())
        return Member.model_validate(body) if body else None

    def create_token(self, member: Member, by: str, days: int) -> str:
        """A token for a program that acts for somebody."""
        return self._create_key("token", member, by, expiry_time(self.clock(), days=min(days, _MAX_TOKEN_DAYS)))

    def find_token_owner(self, token: str) -> Member | None:
        """For whom a program acts."""
        body = self.store.find_key("token", token, self.clock())
        return Member.model_validate(body) if body else None

    def _create_key(self, kind: CredentialKind, member: Member, by: str, expires: str) -> str:
        secret = self.random()
        with self.store.store.together():
            self.store.save_key(kind, secret, member.model_dump(), expires)
            self.store.store.log("", by, f"made a {kind}", name=member.name, role=member.role, expires=expires)
        return secret


def normalise_name(name: str) -> str:
    """A sign-in name as it is compared: case counts for nothing in ASCII. Beyond it letters that look alike fold into
    one another (a Kelvin sign into a k), so there it counts."""
    name = name.strip()
    return name.lower() if name.isascii() else name


def find_member(name: str, settings: DeskSettings, people: Mapping[str, Person]) -> Member:
    """Who somebody is that signed in under a name (an address, mostly). Raises NotAllowed when the desk is not for them.

    An address that stands at several people names none of them: nobody acts as somebody else.
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
    """The people of the newest review that got as far as having any; read once for each run of it."""

    def __init__(self) -> None:
        self._kept: tuple[tuple[str, int], Mapping[str, Person]] = (("", 0), {})

    def people(self, store_session: StoreSession) -> Mapping[str, Person]:
        """Ours, by id. While the newest review is being prepared they are those of the one before."""
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
    """How often somebody at an address tried to come in within the last minute. In memory, one a process."""

    def __init__(self, most: int, seconds: Callable[[], float]) -> None:
        self._most, self._seconds = most, seconds
        self._tries: dict[str, deque[float]] = {}
        self._lock = threading.Lock()

    def exceeds_limit(self, address: str) -> bool:
        """Count an attempt; whether it has to wait."""
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
        """Somebody came in from there: the attempts so far were no guesses. A whole office may have one address."""
        with self._lock:
            self._tries.pop(address, None)
