"""The templates of the desk, with filters and macros of the review page. Every value is escaped."""

import gzip
import hashlib
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, FileSystemLoader

from app.report.rendering import html_environment

_HERE = Path(__file__).parent
_REPORT = _HERE.parent / "report" / "templates"
STATIC = _HERE / "static"
_STYLES = (_REPORT / "style.css", _REPORT / "charts.css", STATIC / "desk.css", _REPORT / "print.css")
CONTENT_TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}


@lru_cache(64)
def read_asset(name: str) -> bytes | None:
    """A file that the pages use, or None. The style sheet is that of the review page and what the desk adds to it."""
    if name == "desk.css":
        return b"\n".join(path.read_bytes() for path in _STYLES)
    path = STATIC / name
    return path.read_bytes() if path.parent == STATIC and path.suffix in (".js", ".svg") and path.is_file() else None


@lru_cache(64)
def gzip_asset(name: str) -> bytes | None:
    """The same, compressed. Safe over https because the files hold no secrets."""
    content = read_asset(name)
    return gzip.compress(content, mtime=0) if content is not None else None


@cache
def asset_url(name: str) -> str:
    """The address of a file; it has a digest, so that a browser may cache it forever."""
    content = read_asset(name)
    assert content is not None, name
    return f"/static/{hashlib.sha256(content).hexdigest()[:12]}/{name}"


@cache
def page_environment() -> Environment:
    """The environment of the pages."""
    found = html_environment(ChoiceLoader([FileSystemLoader(_HERE / "templates"), FileSystemLoader(_REPORT)]))
    found.globals["asset"] = asset_url
    return found


def render_page(template: str, /, **given: Any) -> str:
    """One page, filled."""
    return page_environment().get_template(template).render(given)
