"""The desk as one ASGI application: pages, forms, live updates, API and static files."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from app.desk import (
    api,
    draft_pages,
    first_run,
    forms,
    live_updates,
    outgoing_pages,
    pages,
    renewal_pages,
    sign_in,
    stand_up_pages,
)
from app.desk.desk_app import DeskApp
from app.desk.errors import add_error_handlers, fault_page
from app.desk.render import CONTENT_TYPES, gzip_asset, read_asset
from app.desk.security import SecurityMiddleware


def create_app(desk: DeskApp) -> FastAPI:
    """The application over one store."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        desk.runner.start()
        desk.sender.start()
        yield
        desk.sender.stop_accepting()
        desk.runner.stop()
        desk.sender.stop()
        desk.store_pool.close()

    app = FastAPI(
        title="saveplay", version="1", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url="/api/openapi.json"
    )
    app.state.desk = desk
    of_the_week = (pages, renewal_pages, stand_up_pages, first_run, forms, draft_pages, outgoing_pages)
    for part in (sign_in, *of_the_week, live_updates, api):
        app.include_router(part.router)
    app.get("/static/{digest}/{name}", include_in_schema=False)(_static)
    add_error_handlers(app)
    host = urlsplit(desk.settings.address).netloc
    app.add_middleware(
        SecurityMiddleware, hosts=tuple(filter(None, (host, host.rpartition(":")[0]))), fault_page=fault_page
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
