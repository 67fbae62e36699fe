"""One request of somebody who is in: who they are, the store that is theirs meanwhile, the review they look at."""

from collections.abc import AsyncIterator, Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from fastapi import Request
from fastapi.concurrency import contextmanager_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse
from markupsafe import Markup

from app.desk.acting import Acting, require
from app.desk.door import Session
from app.desk.reading import STAGES, Book, Table, standing_of
from app.desk.region import region_of
from app.desk.render import page
from app.desk.server import Desk, desk_of, session_of
from app.report.wording import REGION
from app.wiring import Workplace
from domain.desk import DeskRole, Member, Way
from domain.errors import NotAllowed, UnknownReference

NAV: tuple[tuple[str, str, DeskRole], ...] = (
    ("week", "This week", "viewer"),
    ("meeting", "Meeting", "viewer"),
    ("follow-up", "Follow-up", "viewer"),
    ("capacity", "Capacity", "manager"),
    ("metrics", "Metrics", "viewer"),
    ("data", "Data", "viewer"),
    ("what-if", "What if", "viewer"),
    ("ask", "Ask", "viewer"),
)


_PIECES = 300
"""Parts of pages that are kept ready for one review."""


class Preparing(Exception):
    """The review is not far enough to be shown."""

    def __init__(self, review_id: str) -> None:
        super().__init__(review_id)
        self.review_id = review_id


@dataclass
class Visit:
    """A request with all that answering it needs."""

    request: Request
    desk: Desk
    place: Workplace
    session: Session

    @property
    def member(self) -> Member:
        """Who asks."""
        return self.session.member

    @property
    def acting(self) -> Acting:
        """What they may do."""
        return Acting(self.place, self.member, self.desk.clock)

    def book(self, review_id: str) -> Book:
        """A review. Raises UnknownReference, and Preparing when it is not far enough."""
        try:
            found = self.desk.library.book(self.place, review_id)
        except UnknownReference:
            if review_id not in self.desk.runner.progress:
                raise
            found = None  # it is to be begun in a moment
        if found is None:
            raise Preparing(review_id)
        return found

    def show(self, template: str, status: int = 200, **given: object) -> HTMLResponse:
        """A page of no review in particular."""
        reviews = [review_id for review_id, _, _ in self.place.store.reviews()][::-1]
        usual = {
            "member": self.member,
            "csrf": self.session.csrf,
            "path": self.request.url.path,
            "query": dict(self.request.query_params),
            "reviews": reviews,
            "book": None,
            "standing": None,
            "progress": None,
            "nav": [(name, title) for name, title, role in NAV if self.member.is_at_least(role)],
        }
        return HTMLResponse(self._filled(template, {**usual, **given}), status)

    def _filled(self, template: str, given: Mapping[str, object]) -> str:
        """A template, with numbers and dates as where the reader is."""
        there = REGION.set(region_of(self._languages))
        try:
            return page(template, **given)
        finally:
            REGION.reset(there)

    @property
    def _languages(self) -> str:
        return self.request.headers.get("accept-language", "")[:200]

    def show_of(self, book: Book, template: str, status: int = 200, **given: object) -> HTMLResponse:
        """A page of a review."""
        zone = book.review.time_zone
        usual = {
            "book": book,
            "view": book.view,
            "review": book.review,
            "currency": book.review.portfolio.currency,
            "standing": standing_of(self.place, book.review_id),
            "stages": STAGES,
            "progress": self.desk.runner.progress.get(book.review_id),
            "table": Table.of(self.place, book),
            "today": self.desk.today(zone),
            "state": f"{self.place.store.revision()}.{self.desk.runner.changes}",
        }
        return self.show(template, status, **{**usual, **given})

    def piece(self, book: Book, template: str, key: Hashable, **given: object) -> Markup:
        """A part of a page that is the same for everybody in a region, filled once for the same key."""
        kept, name = book.pieces, (template, key, self._languages)
        if name not in kept:
            usual = {"book": book, "currency": book.review.portfolio.currency, "csrf": ""}
            filled = self._filled(template, {**usual, **given})
            if len(kept) >= _PIECES:
                kept.clear()
            kept[name] = Markup(filled)
        return kept[name]

    def back(self, to: str, **query: str) -> RedirectResponse:
        """After a form: the page to see what came of it. Only a path of this desk is gone to."""
        parts = urlsplit(to)
        path = to if to.startswith("/") and not to.startswith(("//", "/\\")) and not parts.netloc else "/"
        return RedirectResponse(path + (("&" if "?" in path else "?") + urlencode(query) if query else ""), 303)


class may:  # noqa: N801  read as a sentence at each route: Depends(may("leader"))
    """Opens a visit for whoever has at least this role. The roles of all routes are read off these."""

    way: Way = "desk"

    def __init__(self, role: DeskRole, what: str = "this page") -> None:
        self.role, self.what = role, what

    async def __call__(self, request: Request) -> AsyncIterator[Visit]:
        """The visit, for the length of the request. Raises NotIn, NotAllowed and BusyError."""
        async with desk_of(request).places.turn(), contextmanager_in_threadpool(self._visit(request)) as visit:
            yield visit

    @contextmanager
    def _visit(self, request: Request) -> Iterator[Visit]:
        session = session_of(request)
        require(session.member, self.role, self.what)
        desk = desk_of(request)
        with desk.places.one() as place:
            place.store.way = self.way
            yield Visit(request, desk, place, session)


async def form_of(request: Request) -> dict[str, list[str]]:
    """What a form of ours sent. Raises NotAllowed when it does not carry the session's own mark."""
    import secrets

    from starlette.concurrency import run_in_threadpool

    # Who came in by `may` is known already: whoever holds a store does not wait for a second one.
    known = getattr(request.state, "session", None)
    session = known if isinstance(known, Session) else await run_in_threadpool(session_of, request)
    sent = await request.form(max_files=0, max_fields=2000)
    given: dict[str, list[str]] = {}
    for name, value in sent.multi_items():
        given.setdefault(name, []).append(str(value))
    mark = given.pop("csrf", [""])[0]
    if not secrets.compare_digest(mark.encode(), session.csrf.encode()):
        raise NotAllowed("this form is from another session; open the page again and send it from there")
    return given
