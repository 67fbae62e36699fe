"""Sessions, one-time links and tokens of a store. Every key is random, and only its digest is kept.

A browser has one cookie with a random id; the member behind it is in the store, so that a session can be ended. A
program has a token. Each request finds out again who the member is now: a person who has gone, or whose role was lowered,
keeps nothing of what they had.
"""

import secrets
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from app.desk.settings import DeskSettings
from app.wiring import StoreSession
from domain.desk import DESK_ROLES, Credential, CredentialKind, DeskRole, Member, SignInWay
from domain.dossier import Person
from domain.errors import InputError, NotAllowed
from domain.phase_results import IdentifyResult
from tools.store.desk_store import DeskStore, credential_number

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


People = Mapping[str, Person]


@dataclass(frozen=True)
class Sessions:
    """Creates and reads the keys of one store."""

    store: DeskStore
    settings: DeskSettings
    clock: Callable[[], str]
    people: Callable[[], People | None] = lambda: None
    """Our own people by id, of the newest review that has any; None before the first review."""
    random: Callable[[], str] = lambda: secrets.token_urlsafe(32)

    @classmethod
    def of(
        cls, store_session: StoreSession, settings: DeskSettings, clock: Callable[[], str], people: "PeopleCache"
    ) -> "Sessions":
        """The keys of an open store."""
        return cls(DeskStore(store_session.store), settings, clock, lambda: people.people(store_session))

    def start_session(self, member: Member, way: SignInWay = "link", name: str = "") -> Session:
        """A new session; ``name`` is the sign-in name of somebody who came in by OpenID."""
        now, secret, csrf = self.clock(), self.random(), self.random()
        body = {"member": member.model_dump(), "csrf": csrf, "way": way, "name": name, "since": now}
        with self.store.store.transaction():
            self.store.delete_expired_keys(now)
            self.store.save_key("session", secret, body, expiry_time(now, hours=self.settings.session_hours))
            self.store.store.log("", member.name, "signed in", role=member.role)
        return Session(member, csrf, secret)

    def find_session(self, secret: str | None) -> Session | None:
        """The session of a cookie; None when it has ended. It ends when its person is nobody any more."""
        found = self.store.credential("session", secret, self.clock()) if secret else None
        if found is None:
            return None
        member = current_member(found, self.settings, self.people())
        if member is None:
            self._end_session_of_nobody(found)
            return None
        return Session(member, found.csrf, secret or "")

    def _end_session_of_nobody(self, found: Credential) -> None:
        with self.store.store.transaction():
            if self.store.delete_credential("session", found.number):
                why = "neither desk.yaml nor the newest review's people name them"
                self.store.store.log("", found.member.name, "session ended", number=found.number, why=why)

    def end_session(self, session: Session) -> None:
        """End a session, for every copy of its cookie."""
        with self.store.store.transaction():
            self.store.delete_key("session", session.secret)
            self.store.store.log("", session.member.name, "signed out")

    def create_link(self, member: Member, by: str) -> str:
        """The key of a one-time link for somebody. Raises InputError for a person who is not in the data."""
        return self._create_key("link", member, by, expiry_time(self.clock(), minutes=self.settings.link_minutes))

    def redeem_link(self, key: str) -> Member | None:
        """The member of a one-time link, which is used up; None for a used or unknown one."""
        found = self.store.consume_link(key, self.clock())
        return current_member(found, self.settings, self.people()) if found else None

    def create_token(self, member: Member, by: str, days: int) -> str:
        """A token for a program that acts for somebody. Raises InputError for a person who is not in the data."""
        return self._create_key("token", member, by, expiry_time(self.clock(), days=min(days, _MAX_TOKEN_DAYS)))

    def find_token_owner(self, token: str) -> Member | None:
        """The member of a token as they are now; None for an unknown one, and when its person has gone."""
        found = self.store.credential("token", token, self.clock())
        return current_member(found, self.settings, self.people()) if found else None

    def end_credential(self, kind: CredentialKind, number: str, by: str) -> None:
        """End a session, an unopened link or a token. Raises InputError when there is none with this number."""
        with self.store.store.transaction():
            found = self._credential(kind, number)
            self.store.delete_credential(kind, number)
            what = "revoked a token" if kind == "token" else f"ended a {kind}"
            member = found.member
            self.store.store.log("", by, what, number=number, name=member.name, role=member.role)

    def remove_person(self, kind: CredentialKind, number: str, by: str) -> None:
        """End every session, link and token of the person who has this one. Raises InputError for an unknown number."""
        with self.store.store.transaction():
            member = self._credential(kind, number).member
            ended = {"session": 0, "link": 0, "token": 0}
            for each in self.store.credentials(self.clock()):
                if each.is_of(member):
                    ended[each.kind] += self.store.delete_credential(each.kind, each.number)
            self.store.store.log(
                "", by, "removed a person", name=member.name, person=member.person_id,
                sessions=ended["session"], links=ended["link"], tokens=ended["token"],
            )  # fmt: skip

    def _credential(self, kind: CredentialKind, number: str) -> Credential:
        for each in self.store.credentials(self.clock()):
            if (each.kind, each.number) == (kind, number):
                return each
        raise InputError(f"there is no such {kind}; it was ended already, or it ran out")

    def _create_key(self, kind: CredentialKind, member: Member, by: str, expires: str) -> str:
        secret, people = self.random(), self.people()
        if people is not None and member.person_id is not None and member.person_id not in people:
            raise InputError(f"nobody in the newest review's people has the id {member.person_id!r}")
        body = {
            "member": member.model_dump(), "by": by, "since": self.clock(),
            "held": present_role(member, self.settings, people or {}),
        }  # fmt: skip
        with self.store.store.transaction():
            self.store.save_key(kind, secret, body, expires)
            self.store.store.log("", by, f"made a {kind}", name=member.name, role=member.role, expires=expires)
        return secret


def present_role(member: Member, settings: DeskSettings, people: People) -> DeskRole | None:
    """Role that desk.yaml or the data give a member now; None when neither knows them."""
    person = people.get(member.person_id) if member.person_id else None
    names = {normalise_name(name) for name in (member.name, person.email if person else None) if name}
    for role, listed in settings.roles.items():
        if names & set(map(normalise_name, listed)):
            return role
    return ROLE_BY_JOB.get(person.role, "viewer") if person else None


def current_member(found: Credential, settings: DeskSettings, people: People | None) -> Member | None:
    """The member of a session, link or token as they are now; None when they are nobody any more.

    A sign-in by OpenID is looked up again. A link gives the role that its maker chose, for as long as its person is in the
    data. A token keeps its role until its person has less than when it was made.
    """
    member = found.member
    if found.way == "OpenID":
        try:
            return find_member(found.name, settings, people or {})
        except NotAllowed:
            return member if people is None else None  # nobody can be looked up while there are no people
    if people is None and member.person_id is not None:
        return member
    if member.person_id is not None and member.person_id not in (people or {}):
        return None
    if found.kind != "token" or found.held is None:
        return member
    now = present_role(member, settings, people or {})
    if now is None:
        return None
    if DESK_ROLES.index(now) >= DESK_ROLES.index(found.held):
        return member
    return member.model_copy(update={"role": min(member.role, now, key=DESK_ROLES.index)})


def normalise_name(name: str) -> str:
    """A sign-in name as it is compared: case counts for nothing in ASCII. Beyond it letters that look alike fold into
    one another (a Kelvin sign into a k), so there it counts. Nothing is taken away: a name with a blank or a control
    character more is another one."""
    return name.lower() if name.isascii() else name


def find_member(name: str, settings: DeskSettings, people: People) -> Member:
    """The member of a sign-in name (mostly an address). Raises NotAllowed for a name without access.

    An address of several people names none of them, so that nobody acts as somebody else.
    """
    wanted = normalise_name(name)
    if not wanted or len(wanted) > MAX_NAME_LENGTH or not wanted.isprintable():
        raise NotAllowed("the name you signed in under is empty, too long or cannot be printed")
    ours = [each for each in people.values() if each.email and normalise_name(each.email) == wanted]
    person = ours[0] if len(ours) == 1 else None
    shown = (person.name.strip()[:MAX_NAME_LENGTH] if person else "") or name
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
        self._kept: tuple[tuple[str, int], People] | None = None

    def people(self, store_session: StoreSession) -> People | None:
        """Our own people, by id: of the review before while the newest is being prepared; None before the first."""
        for review_id, _, _ in reversed(store_session.store.reviews()):
            run, kept = (review_id, store_session.store.request(review_id)[2]), self._kept
            if kept is not None and run == kept[0]:
                return kept[1]
            identified = store_session.store.find(review_id, "identified", IdentifyResult)
            if identified is not None:
                self._kept = run, identified.people
                return identified.people
        return self._kept[1] if self._kept is not None else None


class LastUses:
    """Time of the last request with each session or token, in memory of this process."""

    _MOST = 10_000

    def __init__(self) -> None:
        self._times: dict[str, str] = {}

    def note(self, secret: str, now: str) -> None:
        """Remember a request."""
        if len(self._times) >= self._MOST:
            self._times.clear()
        self._times[credential_number(secret)] = now

    def time(self, number: str) -> str:
        """ISO time in UTC; empty when this process has seen none."""
        return self._times.get(number, "")


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
