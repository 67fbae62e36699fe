"""One request of somebody who is in: who they are, the store that is theirs meanwhile, the review they look at."""

import secrets
from collections.abc import AsyncIterator, Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from fastapi import Request
from fastapi.concurrency import contextmanager_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse
from markupsafe import Markup
from starlette.concurrency import run_in_threadpool

from app.desk.desk_app import DeskApp, ReviewNotReady, current_session, get_desk
from app.desk.loaded_review import STAGES, LoadedReview, MeetingState, review_progress
from app.desk.operations import DeskOperations, check_role
from app.desk.region_format import region_format
from app.desk.render import render_page
from app.desk.sessions import Session
from app.report.formatting import REGION_FORMAT
from app.wiring import StoreSession
from domain.desk import DeskRole, EntryPoint, Member
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


_MAX_FRAGMENTS = 300
"""Parts of pages that are kept ready for one review."""


@dataclass
class RequestContext:
    """A request with all that answering it needs."""

    request: Request
    desk: DeskApp
    store_session: StoreSession
    session: Session

    @property
    def member(self) -> Member:
        """Who asks."""
        return self.session.member

    @property
    def operations(self) -> DeskOperations:
        """What they may do."""
        return DeskOperations(self.store_session, self.member, self.desk.clock)

    def load_review(self, review_id: str) -> LoadedReview:
        """A review. Raises UnknownReference, and Preparing when it is not far enough."""
        try:
            found = self.desk.review_cache.load_review(self.store_session, review_id)
        except UnknownReference:
            if review_id not in self.desk.runner.progress:
                raise
            found = None  # it is to be begun in a moment
        if found is None:
            raise ReviewNotReady(review_id)
        return found

    def show(self, template: str, status: int = 200, **given: object) -> HTMLResponse:
        """A page of no review in particular."""
        reviews = [review_id for review_id, _, _ in self.store_session.store.reviews()][::-1]
        usual = {
            "member": self.member,
            "csrf": self.session.csrf,
            "path": self.request.url.path,
            "query": dict(self.request.query_params),
            "reviews": reviews,
            "loaded": None,
            "progress": None,
            "job": None,
            "nav": [(name, title) for name, title, role in NAV if self.member.is_at_least(role)],
        }
        return HTMLResponse(self._render(template, {**usual, **given}), status)

    def _render(self, template: str, given: Mapping[str, object]) -> str:
        """A template, with numbers and dates as where the reader is."""
        there = REGION_FORMAT.set(region_format(self._languages))
        try:
            return render_page(template, **given)
        finally:
            REGION_FORMAT.reset(there)

    @property
    def _languages(self) -> str:
        return self.request.headers.get("accept-language", "")[:200]

    def render_review(self, loaded: LoadedReview, template: str, status: int = 200, **given: object) -> HTMLResponse:
        """A page of a review."""
        zone = loaded.review.time_zone
        usual = {
            "loaded": loaded,
            "view": loaded.view,
            "review": loaded.review,
            "currency": loaded.review.portfolio.currency,
            "progress": review_progress(self.store_session, loaded.review_id),
            "stages": STAGES,
            "job": self.desk.runner.progress.get(loaded.review_id),
            "table": MeetingState.read(self.store_session, loaded),
            "today": self.desk.today(zone),
            "state": f"{self.store_session.store.revision()}.{self.desk.runner.changes}",
        }
        return self.show(template, status, **{**usual, **given})

    def cached_fragment(self, loaded: LoadedReview, template: str, key: Hashable, **given: object) -> Markup:
        """A part of a page that is the same for everybody in a region, filled once for the same key."""
        kept, name = loaded.fragments, (template, key, self._languages)
        if name not in kept:
            usual = {"loaded": loaded, "currency": loaded.review.portfolio.currency, "csrf": ""}
            filled = self._render(template, {**usual, **given})
            if len(kept) >= _MAX_FRAGMENTS:
                kept.clear()
            kept[name] = Markup(filled)
        return kept[name]

    def back(self, to: str, **query: str) -> RedirectResponse:
        """After a form: the page to see what came of it. Only a path of this desk is gone to."""
        parts = urlsplit(to)
        path = to if to.startswith("/") and not to.startswith(("//", "/\\")) and not parts.netloc else "/"
        return RedirectResponse(path + (("&" if "?" in path else "?") + urlencode(query) if query else ""), 303)


class require_role:  # noqa: N801  read as a sentence at each route: Depends(may("leader"))
    """Opens a visit for whoever has at least this role. The roles of all routes are read off these."""

    way: EntryPoint = "desk"

    def __init__(self, role: DeskRole, what: str = "this page") -> None:
        self.role, self.what = role, what

    async def __call__(self, request: Request) -> AsyncIterator[RequestContext]:
        """The visit, for the length of the request. Raises NotIn, NotAllowed and BusyError."""
        async with (
            get_desk(request).store_pool.wait_turn(),
            contextmanager_in_threadpool(self._open_context(request)) as context,
        ):
            yield context

    @contextmanager
    def _open_context(self, request: Request) -> Iterator[RequestContext]:
        session = current_session(request)
        check_role(session.member, self.role, self.what)
        desk = get_desk(request)
        with desk.store_pool.borrow() as store_session:
            store_session.store.way = self.way
            yield RequestContext(request, desk, store_session, session)


async def read_form(request: Request) -> dict[str, list[str]]:
    """What a form of ours sent. Raises NotAllowed when it does not carry the session's own mark."""
    # Who came in by `may` is known already: whoever holds a store does not wait for a second one.
    known = getattr(request.state, "session", None)
    session = known if isinstance(known, Session) else await run_in_threadpool(current_session, request)
    sent = await request.form(max_files=0, max_fields=2000)
    given: dict[str, list[str]] = {}
    for name, value in sent.multi_items():
        given.setdefault(name, []).append(str(value))
    mark = given.pop("csrf", [""])[0]
    if not secrets.compare_digest(mark.encode(), session.csrf.encode()):
        raise NotAllowed("this form is from another session; open the page again and send it from there")
    return given
