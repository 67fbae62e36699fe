"""The desk of one store: what every request uses, and who is signed in."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from time import monotonic
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fastapi import Request

from app.desk.loaded_review import ReviewCache
from app.desk.outgoing_sender import OutgoingSender
from app.desk.review_runner import ReviewRunner
from app.desk.score_table import ScoreCache
from app.desk.sessions import COOKIE, LastUses, PeopleCache, Session, Sessions, SignInAttempts, find_member
from app.desk.settings import DeskSettings
from app.desk.store_pool import StorePool
from app.wiring import StoreSession, utc_now
from domain.errors import NotAllowed


@dataclass
class DeskApp:
    """The parts that every request shares."""

    store: str | None
    settings: DeskSettings
    clock: Callable[[], str] = utc_now
    configs: str | None = None
    """Configuration folder of the first review; None is the shipped one. Later reviews keep their own."""
    store_pool: StorePool = field(init=False)
    review_cache: ReviewCache = field(default_factory=ReviewCache)
    score_cache: ScoreCache = field(default_factory=ScoreCache)
    runner: ReviewRunner = field(init=False)
    sender: OutgoingSender = field(init=False)
    sign_in_attempts: SignInAttempts = field(init=False)
    people_cache: PeopleCache = field(default_factory=PeopleCache)
    last_uses: LastUses = field(default_factory=LastUses)
    form_key: bytes = b""
    """Key of the form tokens behind a proxy: the store's own, read at first use."""

    def __post_init__(self) -> None:
        self.store_pool = StorePool(self.store)
        self.runner = ReviewRunner(self.store_pool)
        self.sender = OutgoingSender(self.store_pool)
        self.sign_in_attempts = SignInAttempts(self.settings.tries_a_minute, monotonic)

    def sessions(self, store_session: StoreSession) -> Sessions:
        """The sessions and keys of the store."""
        return Sessions.of(store_session, self.settings, self.clock, self.people_cache)

    def today(self, zone: str) -> date:
        """Today in the time zone of the team; in UTC for an unknown zone."""
        try:
            return datetime.fromisoformat(self.clock()).astimezone(ZoneInfo(zone)).date()
        except (ZoneInfoNotFoundError, ValueError, OSError):
            return datetime.fromisoformat(self.clock()).date()

    @property
    def changes(self) -> int:
        """Grows whenever a job of this desk starts, makes progress or ends."""
        return self.runner.changes + self.sender.changes

    @property
    def is_secure(self) -> bool:
        """True when the desk is reached by https; its cookie is then sent by https only."""
        return self.settings.address.startswith("https://")


def get_desk(request: Request) -> DeskApp:
    """The desk of the application that answers."""
    found: DeskApp = request.app.state.desk
    return found


class NotSignedIn(Exception):
    """Nobody has signed in. Pages redirect to /sign-in; the API answers 401."""


class ReviewNotReady(Exception):
    """The review has no results to show yet. Pages show its progress; the API answers 503."""

    def __init__(self, review_id: str) -> None:
        super().__init__(review_id)
        self.review_id = review_id


def current_session(request: Request) -> Session:
    """The session of the request. Raises NotSignedIn."""
    desk = get_desk(request)
    with desk.store_pool.borrow() as store_session:
        store_session.store.way = "desk"
        found = desk.sessions(store_session).find_session(request.cookies.get(COOKIE))
        if found is not None:
            desk.last_uses.note(found.secret, desk.clock())
        else:
            found = proxy_session(request, desk, store_session)
    if found is None:
        raise NotSignedIn
    request.state.member = found.member
    request.state.session = found
    return found


def proxy_session(request: Request, desk: DeskApp, store_session: StoreSession) -> Session | None:
    """A session without a cookie, for the person that a trusted proxy names in its header.

    Raises NotAllowed for somebody without access, and when the header comes twice: one of them is from a client.
    """
    proxy = desk.settings.proxy
    if proxy is None or request.client is None or not proxy.is_trusted(request.client.host):
        return None
    said = request.headers.getlist(proxy.header)
    if not said:
        return None
    if len(said) > 1:
        raise NotAllowed(f"the proxy has to remove {proxy.header} from what clients send")
    member = find_member(said[0], desk.settings, desk.people_cache.people(store_session) or {})
    # The proxy's own cookie is also sent by forms of another site, so the form token must not be guessable.
    desk.form_key = desk.form_key or store_session.store.audit_key()
    return Session(member, hmac.digest(desk.form_key, f"form:{said[0]}".encode(), "sha256").hex(), "")


def is_api(request: Request) -> bool:
    """True for a call of the API."""
    return request.url.path.startswith("/api/")
