"""Rules for every request and headers of every answer, on any route. Plain ASGI."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit

_log = logging.getLogger("saveplay.desk")

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

MAX_REQUEST_BYTES = 1_000_000
"""Bytes of a request; the texts of a whole meeting are far smaller."""
BODY_SECONDS = 10.0
"""Seconds for the whole body of a request: a megabyte at 100 kB/s, slower than a phone on a bad day."""
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
SECURITY_HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cache-control": "no-store",
}
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


class SecurityMiddleware:
    """Refuses what comes for another host, from another site, or too large; adds the headers to what goes out."""

    def __init__(self, app: App, hosts: tuple[str, ...] = (), fault_page: Callable[[], str] = str) -> None:
        self._app, self._fault_page = app, fault_page
        self._hosts = {*_LOOPBACK, *hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        refusal = self._refusal(scope["method"], scope["path"], headers)
        if refusal:
            status, reason = refusal
            await _send_plain_text(send, status, reason)
            return
        await self._answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the whole body, then pass the request on; add the headers to its answer.

        Nothing of the desk waits for a client that sends slowly: no thread, no turn and no store is taken before.
        """
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await _read_body(receive)
        except TimeoutError:
            await _send_plain_text(send, 408, f"the request did not arrive within {BODY_SECONDS:.0f} seconds")
            return
        if body is None:
            return
        if len(body) > MAX_REQUEST_BYTES:
            await _send_plain_text(send, 413, f"the request has more than {MAX_REQUEST_BYTES:,} bytes")
            return
        await self._pass_on(scope, _replay(body, receive), send)

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun, since = [False], perf_counter()

        async def with_headers(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                begun[0] = True
                took = f"desk;dur={(perf_counter() - since) * 1000:.1f}"
                message["headers"] = [*message["headers"], (b"server-timing", took.encode())]
                own = {name.lower() for name, _ in message["headers"]}
                more = [(k.encode(), v.encode()) for k, v in SECURITY_HEADERS.items() if k.encode() not in own]
                message["headers"] = [*message["headers"], *more]
            await send(message)

        try:
            await self._app(scope, receive, with_headers)
        except Exception:
            _log.exception("%s %s failed", scope["method"], scope["path"])
            if begun[0]:
                raise
            await self._send_failure(scope, with_headers)

    async def _send_failure(self, scope: Scope, send: Send) -> None:
        """The answer to a failure of the desk, as JSON or as a page; the cause is in the log."""
        if scope["path"].startswith("/api/"):
            body, kind = (
                b'{"error": "failed", "message": "something went wrong; it is in the log of the server"}',
                b"application/json",
            )
        else:
            body, kind = self._fault_page().encode(), b"text/html; charset=utf-8"
        await send({"type": "http.response.start", "status": 500, "headers": [(b"content-type", kind)]})
        await send({"type": "http.response.body", "body": body})

    def _refusal(self, method: str, path: str, headers: dict[str, str]) -> tuple[int, str] | None:
        host = headers.get("host", "")
        if host.rpartition(":")[0] not in self._hosts and host not in self._hosts:
            return 421, "this desk does not answer under that name; set address in configs/desk.yaml"
        length = headers.get("content-length", "0")
        if length.isdecimal() and (len(length) > 12 or int(length) > MAX_REQUEST_BYTES):
            return 413, f"the request has more than {MAX_REQUEST_BYTES:,} bytes"
        # A browser never sends a token by itself, but it does send a saved password for a proxy.
        has_token = path.startswith("/api/") and headers.get("authorization", "").lower().startswith("bearer ")
        if method not in SAFE_METHODS and not has_token and _is_cross_site(headers, host):
            return 403, "this came from another site and was refused"
        return None


def _is_cross_site(headers: dict[str, str], host: str) -> bool:
    """True when the headers of the browser name another site. A browser without them sends no cookie across sites."""
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return True
    origin = headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != host


async def _read_body(receive: Receive) -> bytes | None:
    """The whole body, or its beginning when that is already too large; None when the client has gone."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if len(body) > MAX_REQUEST_BYTES or not message.get("more_body", False):
            return bytes(body)


def _replay(body: bytes, receive: Receive) -> Receive:
    """The body as one message, then what the client does next."""
    rest = [body]

    async def replayed() -> MutableMapping[str, Any]:
        if rest:
            return {"type": "http.request", "body": rest.pop(), "more_body": False}
        return await receive()

    return replayed


async def _send_plain_text(send: Send, status: int, text: str) -> None:
    headers = [(name.encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]
    headers += [(b"content-type", b"text/plain; charset=utf-8")]
    if status in (408, 413):  # the rest of the body is not read
        headers += [(b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": (text + "\n").encode()})
