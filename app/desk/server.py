"""The desk as one ASGI application: who comes in, the pages, the forms, the API, what is told when something is wrong."""

import hmac
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from time import monotonic
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.exceptions import HTTPException

from app.desk.loaded_review import ReviewCache
from app.desk.render import CONTENT_TYPES, gzip_asset, read_asset, render_page
from app.desk.review_runner import ReviewRunner
from app.desk.security import SecurityMiddleware
from app.desk.sessions import COOKIE, PeopleCache, Session, Sessions, SignInAttempts, find_member
from app.desk.settings import DeskSettings
from app.desk.store_pool import StorePool
from app.wiring import StoreSession, utc_now
from domain.desk import Member
from domain.errors import (
    BusyError,
    InputError,
    NotAllowed,
    SaveplayError,
    StaleDecision,
    StoreError,
    UnknownReference,
)
from tools.store.desk_store import DeskStore

_log = logging.getLogger("saveplay.desk")
STATUS_CODES = (
    (StaleDecision, 409), (UnknownReference, 404), (NotAllowed, 403), (BusyError, 503), (StoreError, 503), (InputError, 422),
)  # fmt: skip
"""What an error of the tree is over HTTP."""


@dataclass
class DeskApp:
    """What every request uses."""

    store: str | None
    settings: DeskSettings
    clock: Callable[[], str] = utc_now
    store_pool: StorePool = field(init=False)
    review_cache: ReviewCache = field(default_factory=ReviewCache)
    runner: ReviewRunner = field(init=False)
    sign_in_attempts: SignInAttempts = field(init=False)
    people_cache: PeopleCache = field(default_factory=PeopleCache)
    form_key: bytes = b""
    """What the marks of forms behind a proxy are made with; the store's own, read when it is needed first."""

    def __post_init__(self) -> None:
        self.store_pool = StorePool(self.store)
        self.runner = ReviewRunner(self.store_pool)
        self.sign_in_attempts = SignInAttempts(self.settings.tries_a_minute, monotonic)

    def sessions(self, place: StoreSession) -> Sessions:
        """The door of the store."""
        return Sessions(DeskStore(place.store), self.settings, self.clock)

    def today(self, zone: str) -> date:
        """The day it is where the team is."""
        try:
            return datetime.fromisoformat(self.clock()).astimezone(ZoneInfo(zone)).date()
        except (ZoneInfoNotFoundError, ValueError, OSError):
            return datetime.fromisoformat(self.clock()).date()

    @property
    def is_secure(self) -> bool:
        """Whether the desk is reached by https, so that its cookie goes nowhere else."""
        return self.settings.address.startswith("https://")


def get_desk(request: Request) -> DeskApp:
    """The desk that answers."""
    found: DeskApp = request.app.state.desk
    return found


class NotSignedIn(Exception):
    """Nobody has signed in. Pages lead to the door; the API says 401."""


def current_session(request: Request) -> Session:
    """Who is at the desk. Raises NotIn."""
    desk = get_desk(request)
    with desk.store_pool.borrow() as place:
        found = desk.sessions(place).session(request.cookies.get(COOKIE))
        if found is None:
            found = proxy_session(request, desk, place)
    if found is None:
        raise NotSignedIn
    request.state.member = found.member
    request.state.session = found
    return found


def proxy_session(request: Request, desk: DeskApp, place: StoreSession) -> Session | None:
    """Whom a trusted proxy says it is: a session without a cookie, because the proxy vouches for each request.

    Raises NotAllowed for somebody whom the desk is not for, and when the header stands there twice: one is a client's.
    """
    proxy = desk.settings.proxy
    if proxy is None or request.client is None or not proxy.is_trusted(request.client.host):
        return None
    said = request.headers.getlist(proxy.header)
    if not said:
        return None
    if len(said) > 1:
        raise NotAllowed(f"the proxy has to remove {proxy.header} from what clients send")
    member = find_member(said[0], desk.settings, desk.people_cache.people(place))
    # The proxy's own cookie may come along from another site: the mark of a form is nothing that could be guessed.
    desk.form_key = desk.form_key or place.store.audit_key()
    return Session(member, hmac.digest(desk.form_key, f"form:{said[0]}".encode(), "sha256").hex(), "")


def create_app(desk: DeskApp) -> FastAPI:
    """The application over one store."""
    from app.desk import api, forms, live_updates, pages, sign_in
    from app.desk.request_context import ReviewNotReady

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        desk.runner.start()
        yield
        desk.runner.stop()
        desk.store_pool.close()

    app = FastAPI(
        title="saveplay", version="1", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url="/api/openapi.json"
    )
    app.state.desk = desk
    for router in (sign_in.router, pages.router, forms.router, live_updates.router, api.router):
        app.include_router(router)
    app.get("/static/{digest}/{name}", include_in_schema=False)(_static)
    app.add_exception_handler(NotSignedIn, _on_not_signed_in)
    app.add_exception_handler(SaveplayError, _on_saveplay_error)
    app.add_exception_handler(ReviewNotReady, _on_not_ready)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    host = urlsplit(desk.settings.address).netloc
    app.add_middleware(
        SecurityMiddleware, hosts=tuple(filter(None, (host, host.rpartition(":")[0]))), fault_page=_fault_page
    )
    return app


def _static(request: Request, digest: str, name: str) -> Response:
    headers = {"cache-control": "public, max-age=31536000, immutable", "vary": "accept-encoding"}
    content = read_asset(name)
    if content is None:
        raise HTTPException(404)
    if "gzip" in request.headers.get("accept-encoding", ""):
        content, headers["content-encoding"] = gzip_asset(name), "gzip"
    return Response(content, media_type=CONTENT_TYPES[name.rpartition(".")[2]], headers=headers)


def is_api(request: Request) -> bool:
    """Whether a program asks, not a browser."""
    return request.url.path.startswith("/api/")


async def _on_not_signed_in(request: Request, error: Exception) -> Response:
    if is_api(request):
        return JSONResponse({"error": "not_signed_in", "message": "send a token: Authorization: Bearer …"}, 401)
    if request.method != "GET":
        return error_response(
            request, 401, "Your session has ended", "Sign in again; what you typed is still on the page before."
        )
    return Response(status_code=303, headers={"location": "/sign-in"})


async def _on_not_ready(request: Request, error: Exception) -> Response:
    review_id = str(error)
    progress = get_desk(request).runner.progress.get(review_id)
    if is_api(request):
        said = {"error": "preparing", "message": progress.says if progress else "the review is being prepared"}
        return JSONResponse(said, 503, headers={"retry-after": "2"})
    return HTMLResponse(
        render_page("preparing.html", review_id=review_id, progress=progress, path=request.url.path), 200
    )


async def _on_saveplay_error(request: Request, error: Exception) -> Response:
    status = next((code for kind, code in STATUS_CODES if isinstance(error, kind)), 500)
    if status == 403:
        member = getattr(request.state, "member", None)
        _log_refusal(request, member, str(error))
    if status == 500:
        _log.error("%s %s: %s", request.method, request.url.path, error)
    titles = {
        409: "Somebody was faster", 404: "There is no such thing", 403: "Not for your role", 422: "This cannot be done as it is",
        503: "Busy just now", 500: "Something went wrong",
    }  # fmt: skip
    return error_response(request, status, titles[status], str(error))


def _log_refusal(request: Request, member: Member | None, why: str) -> None:
    """Every refusal is in the audit log."""
    who = member.name if member else "somebody"
    with get_desk(request).store_pool.borrow() as place:
        place.store.way = "API" if is_api(request) else "desk"
        place.store.log("", who, "refused", path=request.url.path, why=why)


async def _on_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    said = {
        404: "There is no such page.",
        405: "This address does not take that.",
        429: "Too many attempts; wait a minute.",
    }
    return error_response(request, error.status_code, str(error.detail), said.get(error.status_code, ""))


async def _on_invalid_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    problem = error.errors()[0]
    where = ".".join(str(key) for key in problem["loc"] if key not in ("body", "query"))
    return error_response(request, 422, "This cannot be read", f"{where or 'the request'}: {problem['msg']}")


def _fault_page() -> str:
    message = "It is in the log of the server. Nothing was half done."
    return render_page("trouble.html", title="Something went wrong", message=message, status=500, back="/", path="")


def error_response(request: Request, status: int, title: str, message: str) -> Response:
    """An error as whoever asked reads it: JSON for a program, a page with a way back for people."""
    if is_api(request):
        kinds = {401: "not_signed_in", 403: "not_allowed", 404: "not_found", 409: "stale", 422: "cannot", 503: "busy"}
        return JSONResponse({"error": kinds.get(status, "failed"), "message": message or title}, status)
    came = urlsplit(request.headers.get("referer", ""))
    back = came.path + (f"?{came.query}" if came.query else "") if status == 409 else ""
    body = render_page(
        "trouble.html", title=title, message=message, status=status, back=back or "/", path=request.url.path
    )
    return HTMLResponse(body, status)
