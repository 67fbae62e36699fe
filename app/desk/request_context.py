"""One request of a signed-in member: the member, the store session, and the pages rendered for it."""

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
from app.desk.operations import DeskOperations
from app.desk.region_format import region_format
from app.desk.render import render_page
from app.desk.sessions import Session
from app.report.formatting import REGION_FORMAT
from app.wiring import StoreSession
from domain.desk import DeskRole, EntryPoint, Member, check_role
from domain.errors import NotAllowed, UnknownReference

NAV: tuple[tuple[str, str, DeskRole], ...] = (
    ("week", "This week", "viewer"),
    ("meeting", "Meeting", "viewer"),
    ("stand-up", "Stand-up", "viewer"),
    ("my-week", "My week", "csm"),
    ("follow-up", "Follow-up", "viewer"),
    ("capacity", "Capacity", "manager"),
    ("renewals", "Renewals", "viewer"),
    ("metrics", "Metrics", "viewer"),
    ("data", "Data", "viewer"),
    ("what-if", "What if", "viewer"),
    ("ask", "Ask", "viewer"),
)


_MAX_FRAGMENTS = 300
"""Rendered parts of pages that are kept for one review."""


@dataclass
class RequestContext:
    """A request with the desk, the store session and the member."""

    request: Request
    desk: DeskApp
    store_session: StoreSession
    session: Session

    @property
    def member(self) -> Member:
        """The signed-in member."""
        return self.session.member

    @property
    def operations(self) -> DeskOperations:
        """The operations of the member."""
        return DeskOperations(self.store_session, self.member, self.desk.clock, self.desk.score_cache)

    def load_review(self, review_id: str) -> LoadedReview:
        """A review. Raises UnknownReference, and ReviewNotReady while it has no results to show."""
        try:
            found = self.desk.review_cache.load_review(self.store_session, review_id)
        except UnknownReference:
            if review_id not in self.desk.runner.progress:
                raise
            found = None  # a job that starts this review is waiting
        if found is None:
            raise ReviewNotReady(review_id)
        return found

    def show(self, template: str, status: int = 200, **given: object) -> HTMLResponse:
        """A page that is not about one review."""
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
        """A template with numbers and dates in the reader's region."""
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
            "state": f"{self.store_session.store.revision()}.{self.desk.changes}",
        }
        return self.show(template, status, **{**usual, **given})

    def cached_fragment(self, loaded: LoadedReview, template: str, key: Hashable, **given: object) -> Markup:
        """A part of a page that is equal for all readers of a region, rendered once for each key."""
        kept, name = loaded.fragments, (template, key, self._languages)
        if name not in kept:
            usual = {"loaded": loaded, "currency": loaded.review.portfolio.currency, "csrf": ""}
            filled = self._render(template, {**usual, **given})
            if len(kept) >= _MAX_FRAGMENTS:
                kept.clear()
            kept[name] = Markup(filled)
        return kept[name]

    def back(self, to: str, **query: str) -> RedirectResponse:
        """The redirect after a form. Only to a path of this desk; else to the home page."""
        parts = urlsplit(to)
        path = to if to.startswith("/") and not to.startswith(("//", "/\\")) and not parts.netloc else "/"
        return RedirectResponse(path + (("&" if "?" in path else "?") + urlencode(query) if query else ""), 303)


class require_role:  # noqa: N801  reads as a sentence at each route: Depends(require_role("leader"))
    """Open a request for a member with at least this role. Tests read the role of every route from these."""

    way: EntryPoint = "desk"

    def __init__(self, role: DeskRole, what: str = "this page") -> None:
        self.role, self.what = role, what

    async def __call__(self, request: Request) -> AsyncIterator[RequestContext]:
        """The context, for the length of the request. Raises NotSignedIn, NotAllowed and BusyError."""
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
    """The fields of a form. Raises NotAllowed when it does not have the form token of the session."""
    # require_role has found the session: a request that holds a store must not wait for a second one.
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
