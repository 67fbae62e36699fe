"""Reviews of one store as one member may read them. Read-only: the single write, a proposal, is in `app.questions`.

A store that is not there is not made. The latest review is the newest one with results: one that is being prepared is named.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from app.desk.loaded_review import LoadedReview, ReviewCache
from app.desk.score_table import ScoreCache, ScoreTable, TableQuery
from app.desk.sessions import PeopleCache, Sessions
from app.desk.settings import DeskSettings
from app.desk.store_pool import StorePool
from app.questions import BaseCache, name_account
from app.report.view import ReviewView
from app.stores import open_location
from app.wiring import StoreSession, utc_now
from domain.desk import Member
from domain.dossier import Person
from domain.errors import InputError, NotAllowed, UnknownReference
from domain.plan import TBD
from domain.review import Review
from tools.wording import format_date, plain_name

LATEST = "latest"
_MAX_NAMED = 5
_NO_STORE = (
    "there is no review to read: no store is at this place yet. Run `saveplay review` first, "
    "or start the server with the store that has the reviews: saveplay mcp --store STORE"
)
_NO_REVIEW = "there is no review to read yet: no review in this store has results. Run `saveplay review` first"


@dataclass
class ReviewService:
    """One store and what was loaded from it: shared by all calls."""

    store: str | None
    settings: DeskSettings = field(default_factory=DeskSettings)
    clock: Callable[[], str] = utc_now
    reviews: ReviewCache = field(default_factory=ReviewCache)
    scores: ScoreCache = field(default_factory=ScoreCache)
    people: PeopleCache = field(default_factory=PeopleCache)
    base: BaseCache = field(default_factory=BaseCache)
    """Base that questions are answered from."""
    _pool: StorePool | None = None

    def check_store(self) -> None:
        """Raise InputError when there is no store; it is not made."""
        if self._pool is None:
            with open_location(self.store) as location:
                if not location.exists():
                    raise InputError(_NO_STORE)
            self._pool = StorePool(self.store)

    @contextmanager
    def borrow(self) -> Iterator[StoreSession]:
        """An open store for the block. Raises InputError without one, BusyError when all are taken for too long."""
        self.check_store()
        assert self._pool is not None
        with self._pool.borrow() as session:
            session.store.way = "MCP"
            yield session

    def token_owner(self, token: str) -> Member | None:
        """The member of a token of the desk, as they are now; None for an unknown or expired one."""
        with self.borrow() as session:
            return Sessions.of(session, self.settings, self.clock, self.people).find_token_owner(token)

    @contextmanager
    def reader(self, member: Member, review_id: str = LATEST) -> Iterator["ReviewReader"]:
        """A review for the block. Raises UnknownReference for an unknown one, InputError while none has results."""
        with self.borrow() as session:
            loaded, about = self._load(session, review_id)
            yield ReviewReader(self, session, member, loaded, about)

    def _load(self, session: StoreSession, review_id: str) -> tuple[LoadedReview, str]:
        if review_id != LATEST:
            found = self.reviews.load_review(session, review_id)
            if found is None:
                raise InputError(f"{review_id} is being prepared; ask again in a minute, or read an earlier review")
            return found, f"{review_id}, as of {format_date(found.review.as_of)}."
        waiting: list[str] = []
        for name, _, _ in reversed(session.store.reviews()):
            found = self.reviews.load_review(session, name)
            if found is not None:
                note = f" {', '.join(waiting)} is being prepared." if waiting else ""
                return found, f"{name}, the latest review, as of {format_date(found.review.as_of)}.{note}"
            waiting.append(name)
        raise InputError(_NO_REVIEW)

    def today(self, zone: str) -> date:
        """Today in the time zone of the team; in UTC for an unknown zone."""
        now = datetime.fromisoformat(self.clock())
        try:
            return now.astimezone(ZoneInfo(zone)).date()
        except (ZoneInfoNotFoundError, ValueError, OSError):
            return now.astimezone(UTC).date()

    def close(self) -> None:
        """Close the stores that are free."""
        if self._pool is not None:
            self._pool.close()


@dataclass(frozen=True)
class ReviewReader:
    """One review as one member may read it."""

    service: ReviewService
    session: StoreSession
    member: Member
    loaded: LoadedReview
    about: str
    """The sentence with which every answer begins."""

    @cached_property
    def review(self) -> Review:
        """The review; below a manager without figures about our own people."""
        return self.loaded.review if self.member.is_at_least("manager") else self.loaded.public_review

    @cached_property
    def view(self) -> ReviewView:
        """The same, indexed."""
        return ReviewView(self.review)

    @cached_property
    def scores(self) -> ScoreTable:
        """The scores of all accounts in the week."""
        return self.service.scores.scores(self.session, self.loaded)

    @property
    def today(self) -> date:
        """Today, or the day of the review where that is later."""
        return max(self.service.today(self.review.time_zone), self.review.as_of)

    @property
    def currency(self) -> str:
        """The home currency."""
        return self.review.portfolio.currency

    def account_id(self, words: str) -> str:
        """The account with this id or name. Raises UnknownReference that lists who may be meant."""
        words = words.strip()
        if not words:
            raise InputError("say which account: its id or its name; find_accounts lists them")
        if words in self.loaded.view.lines or self.scores.account(words) is not None:
            return words
        near = self.scores.page(TableQuery(show="all", search=words), _MAX_NAMED).rows
        exact = [row for row in near if words.casefold() in (str(row["name"]).casefold(), row["account_id"].casefold())]
        chosen = exact if len(exact) == 1 else near
        if len(chosen) == 1:
            return str(chosen[0]["account_id"])
        if chosen:
            raise UnknownReference(_which(words, [(row["account_id"], row["name"]) for row in chosen]))
        found = name_account(words, self.loaded.request, store=self.service.store, cache=self.service.base)
        if isinstance(found, str):
            return found
        if found.candidates:
            raise UnknownReference(_which(words, [(each.account_id, each.name) for each in found.candidates]))
        shown = plain_name(words, 60)
        raise UnknownReference(
            f"no account “{shown}” in {self.loaded.review_id}; look for a part of its name with find_accounts"
        )

    def person(self, words: str, what: str) -> Person:
        """One of ours, by id, name or "me". Below a manager only the member: figures about colleagues are not theirs.

        Raises NotAllowed and UnknownReference.
        """
        wanted = words.strip().casefold()
        people, mine = self.loaded.people, self.member.person_id
        if wanted in ("me", "my", "i", "mine"):
            if mine is None or mine not in people:
                raise InputError(
                    f"{plain_name(self.member.name)} is nobody in the data, so “me” means nobody: name a person by id or name, "
                    "or start saveplay mcp with --person ID (over HTTP: a token made with --person ID)"
                )
            return people[mine]
        named = [each for each in people.values() if wanted in (each.person_id.casefold(), each.name.casefold())]
        is_own = len(named) == 1 and named[0].person_id == mine
        if not is_own and not self.member.is_at_least("manager"):
            raise NotAllowed(f"{what} of a colleague is for managers and leaders; ask about an account, or say “me”")
        if len(named) != 1:
            known = ", ".join(f"{each.name} ({each.person_id})" for each in _by_name(people.values())[:10])
            raise UnknownReference(f"nobody of ours is “{plain_name(words, 60)}”; for example: {known}")
        return named[0]


def owner_name(name: str) -> str:
    """The name of an owner in one line; words where nobody owns it yet."""
    return "nobody yet" if name == TBD else plain_name(name)


def _by_name(people: Iterable[Person]) -> list[Person]:
    return sorted(people, key=lambda each: (each.name, each.person_id))


def _which(words: str, found: list[tuple[str, str]]) -> str:
    named = ", ".join(f"{account_id} ({plain_name(name)})" for account_id, name in found)
    return f"“{plain_name(words, 60)}” may mean {named}; call again with one of the ids"
