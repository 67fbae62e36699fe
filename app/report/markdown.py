"""Markdown that hostile names and quotations cannot break.

Every value a template prints is escaped, unless it is ``Markup``: already Markdown of our own. Signs are escaped with a
backslash, so that "A & B" reads the same in the file and on the page. Only the begin of a tag, which no name of a customer
needs, becomes an entity: not every reader of Markdown knows a backslash before "<".
"""

import re
from collections.abc import Iterable
from datetime import date
from functools import lru_cache

from markupsafe import Markup

from app.report import formatting
from tools.wording import UNKNOWN

_SPECIAL = re.compile(r"([\\`*_\[\]|~]|<(?![A-Za-z/!?])|&(?=#?\w+;))")
"""Signs of Markdown, a lone "<", and an ampersand that would be read as an entity."""
_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_BLOCK = re.compile(r"^(\s*)([#+=-]+(?=\s|$)|>)")
_NUMBERED = re.compile(r"^(\s*\d+)([.)])(?=\s|$)")
_NEEDS_NO_ESCAPE = re.compile(
    r"(?!\d+[.)](?:\s|$))"  # no item of a numbered list
    r"(?!.*(?:://|(?i:www)\.))"  # no address
    r"[A-Za-z0-9][A-Za-z0-9 ,.:;?()'%/-]*"
)
"""Nothing in it means anything in Markdown or HTML: most cells of a table and most sentences."""
_ADDRESS = re.compile(r"(:)(?=//)|(?<=www)(\.)", re.IGNORECASE)
_EMPTY_CELL = "\N{EN DASH}"


def display_text(value: object) -> str:
    """Any value as people read it: never a Python name."""
    if value is None:
        return UNKNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return formatting.number(value)
    return formatting.REGION_FORMAT.get().table_day(value) if isinstance(value, date) else str(value)


def escape(value: object) -> Markup:
    """Text that shows in Markdown exactly as it is written, on one line."""
    return value if isinstance(value, Markup) else Markup(_escape_cell(value))


def _escape_cell(value: object) -> str:
    if type(value) is str:  # most are
        return _escaped(value)
    return value if isinstance(value, Markup) else _escaped(display_text(value))


@lru_cache(maxsize=8192)
def _escaped(written: str) -> str:
    """Names, days and tiers come back in table after table."""
    return written if _NEEDS_NO_ESCAPE.fullmatch(written) else escape_markdown(written)


def escape_markdown(written: str) -> str:
    """Text with a backslash before whatever Markdown could take for its own."""
    text = _TAG.sub("&lt;", _SPECIAL.sub(r"\\\1", formatting.single_line(written)))
    text = _NUMBERED.sub(r"\1\\\2", _BLOCK.sub(r"\1\\\2", text))
    return _ADDRESS.sub(lambda found: "\\" + found.group(0), text)


def row(cells: Iterable[object]) -> Markup:
    """One line of a table."""
    shown = [_escape_cell(cell).strip() or _EMPTY_CELL for cell in cells]
    return Markup(f"| {' | '.join(shown)} |")


def head(*titles: str) -> Markup:
    """The two opening lines of a table; a title ending in ``:`` heads a column of numbers."""
    rule = "|".join(" ---: " if title.endswith(":") else " --- " for title in titles)
    return Markup(f"{row(title.rstrip(':') for title in titles)}\n|{rule}|")
