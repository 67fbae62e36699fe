"""Running the MCP server: over stdio for the person at this machine, or over HTTP for holders of a token of the desk."""

import gc
import logging
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import anyio
import anyio.to_thread
from mcp.server.mcpserver import Context
from mcp.server.transport_security import TransportSecuritySettings
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from app.desk.security import MAX_REQUEST_BYTES, SecurityMiddleware
from app.desk.settings import DeskSettings, is_loopback, read_settings
from app.mcp.reader import ReviewService
from app.mcp.server import create_server
from app.output import print_progress
from domain.desk import DESK_ROLES, Member
from domain.errors import InputError, SaveplayError

PATH = "/mcp"
_STATUS_BUSY = 503


def serve_stdio(store: str | None, name: str, role: str, person: str | None) -> None:
    """Answer one client on standard input and output until it ends. Raises InputError for an unknown role."""
    if role not in DESK_ROLES:
        raise InputError(f"--role {role!r}: use {', '.join(DESK_ROLES)}")
    gc.enable()  # a short command needs no collection; this one may run for weeks
    _log_to_stderr()
    member = Member(name=name, role=role, person_id=person)
    service = ReviewService(store)
    server = create_server(service, lambda _: member)
    try:
        server.run("stdio")
    finally:
        service.close()


def serve_http(store: str | None, configs: str | None, host: str, port: int) -> None:
    """Answer clients with a token of the desk until Ctrl-C.

    Raises InputError without a store, and for an address that others can reach without `address` in desk.yaml: tokens travel
    in clear to this port, so something has to end TLS in front of it, and its name has to be known.
    """
    import uvicorn

    from app.desk.connections import DeskConnection, allow_many_connections

    settings = read_settings(Path(configs) if configs else None)
    if not is_loopback(host) and not settings.address.startswith("https://"):
        raise InputError(
            f"--host {host} is open to others: set address (https://…) in configs/desk.yaml first and end TLS in front "
            "(docs/desk-sign-in.md says how)"
        )
    gc.enable()
    _log_to_stderr()
    service = ReviewService(store, settings)
    service.check_store()
    config = uvicorn.Config(
        http_app(service), host=host, port=port, log_level="warning", access_log=False, server_header=False,
        proxy_headers=False, timeout_graceful_shutdown=3, lifespan="on", http=DeskConnection,
    )  # fmt: skip
    allow_many_connections()
    listening = config.bind_socket()
    listening.listen(128)
    address = f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{listening.getsockname()[1]}"
    print_progress(
        f"The MCP server is open at {settings.address or address}{PATH}. Each call needs a token of the desk:"
    )
    print_progress("  saveplay invite NAME --role viewer|csm|manager|leader --token")
    try:
        uvicorn.Server(config).run(sockets=[listening])
    except KeyboardInterrupt:  # Ctrl-C is the normal end
        pass
    finally:
        service.close()


def http_app(service: ReviewService) -> ASGIApp:
    """The server as an ASGI application: hosts and sites as on the desk, a token on every request, no session, JSON answers."""
    server = create_server(service, _token_member)
    inner = server.streamable_http_app(
        streamable_http_path=PATH,
        json_response=True,
        stateless_http=True,
        max_request_body_size=MAX_REQUEST_BYTES,
        # SecurityMiddleware checks host and origin for every address, also those behind a proxy.
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )
    return SecurityMiddleware(RequireToken(inner, service), hosts=_hosts(service.settings))


def _hosts(settings: DeskSettings) -> tuple[str, ...]:
    host = urlsplit(settings.address).netloc
    return tuple(filter(None, (host, host.rpartition(":")[0])))


def _token_member(ctx: Context[Any, Any]) -> Member:
    """The holder of the token of a request."""
    request = ctx.request_context.request
    assert isinstance(request, Request)
    found: Member = request.state.member
    return found


class RequireToken:
    """Refuses every HTTP request without a token of the desk; the token is looked up each time."""

    def __init__(self, app: ASGIApp, service: ReviewService) -> None:
        self._app, self._service = app, service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["path"].rstrip("/") != PATH:  # a client that looks for OAuth has to find none
            await JSONResponse({"error": "not_found", "message": f"the MCP server is at {PATH}"}, 404)(
                scope, receive, send
            )
            return
        kind, _, token = Request(scope).headers.get("authorization", "").partition(" ")
        member: Member | None = None
        if kind.lower() == "bearer" and token.strip():
            try:
                member = await anyio.to_thread.run_sync(self._service.token_owner, token.strip())
            except SaveplayError as error:
                said = {"error": "busy", "message": error.public_message}
                await JSONResponse(said, _STATUS_BUSY)(scope, receive, send)
                return
        if member is None:
            message = (
                "send a token of the desk: Authorization: Bearer …; saveplay invite NAME --role ROLE --token makes one"
            )
            answer = JSONResponse({"error": "not_signed_in", "message": message}, 401, {"www-authenticate": "Bearer"})
            await answer(scope, receive, send)
            return
        scope.setdefault("state", {})["member"] = member
        await self._app(scope, receive, send)


def _log_to_stderr() -> None:
    """Plain lines on standard error; standard output belongs to the protocol."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
