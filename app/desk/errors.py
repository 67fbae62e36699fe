"""Answers to requests that fail: an error page for people, JSON for programs."""

import logging
from urllib.parse import urlsplit

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.exceptions import HTTPException

from app.desk.desk_app import NotSignedIn, ReviewNotReady, get_desk, is_api
from app.desk.render import render_page
from domain.desk import Member
from domain.errors import (
    BusyError,
    InputError,
    NotAllowed,
    PlaceError,
    SaveplayError,
    StaleDecision,
    StoreError,
    UnknownReference,
)

_log = logging.getLogger("saveplay.desk")
STATUS_CODES = (
    (StaleDecision, 409), (UnknownReference, 404), (NotAllowed, 403), (BusyError, 503), (StoreError, 503), (PlaceError, 503),
    (InputError, 422),
)  # fmt: skip
"""The HTTP status of each kind of error; 500 for any other."""


def add_error_handlers(app: FastAPI) -> None:
    """Answer every known error of the application."""
    app.add_exception_handler(NotSignedIn, _on_not_signed_in)
    app.add_exception_handler(SaveplayError, _on_saveplay_error)
    app.add_exception_handler(ReviewNotReady, _on_not_ready)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)


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
    job = get_desk(request).runner.progress.get(review_id)
    if is_api(request):
        said = {"error": "preparing", "message": job.message if job else "the review is being prepared"}
        return JSONResponse(said, 503, headers={"retry-after": "2"})
    return HTMLResponse(render_page("preparing.html", review_id=review_id, job=job, path=request.url.path), 200)


async def _on_saveplay_error(request: Request, error: Exception) -> Response:
    status = next((code for kind, code in STATUS_CODES if isinstance(error, kind)), 500)
    if status == 403:
        member = getattr(request.state, "member", None)
        _log_refusal(request, member, str(error))
    if status == 500 or isinstance(error, StoreError | PlaceError):
        _log.error("%s %s: %s", request.method, request.url.path, error)
    titles = {
        409: "Somebody was faster", 404: "There is no such thing", 403: "Not for your role", 422: "This cannot be done as it is",
        503: "Busy just now", 500: "Something went wrong",
    }  # fmt: skip
    message = error.public_message if isinstance(error, SaveplayError) else str(error)
    return error_response(request, status, titles[status], message)


def _log_refusal(request: Request, member: Member | None, why: str) -> None:
    """Write the refusal into the audit log."""
    who = member.name if member else "somebody"
    with get_desk(request).store_pool.borrow() as store_session:
        store_session.store.way = "API" if is_api(request) else "desk"
        store_session.store.log("", who, "refused", path=request.url.path, why=why)


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


def error_response(request: Request, status: int, title: str, message: str) -> Response:
    """The answer to a failed request: JSON for the API, else a page with a link back."""
    if is_api(request):
        kinds = {401: "not_signed_in", 403: "not_allowed", 404: "not_found", 409: "stale", 422: "cannot", 503: "busy"}
        return JSONResponse({"error": kinds.get(status, "failed"), "message": message or title}, status)
    came = urlsplit(request.headers.get("referer", ""))
    back = came.path + (f"?{came.query}" if came.query else "") if status == 409 else ""
    body = render_page(
        "trouble.html", title=title, message=message, status=status, back=back or "/", path=request.url.path
    )
    return HTMLResponse(body, status)


def fault_page() -> str:
    """The page for a failure of the desk itself."""
    message = "It is in the log of the server. Nothing was half done."
    return render_page("trouble.html", title="Something went wrong", message=message, status=500, back="/", path="")
