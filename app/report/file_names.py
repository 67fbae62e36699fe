"""File names and anchors made from ids and names that strangers wrote.

Only small ASCII letters, digits and hyphens come out, so no name leaves its folder, on any operating system.
"""

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable

from domain.plan import TBD

_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)$")
_LONGEST = 48


def slug(text: str) -> str:
    """The letters and digits of a text, in lower case, joined by hyphens; may be empty."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:_LONGEST].strip("-")


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:6]


def _is_faithful(text: str, stem: str) -> bool:
    return bool(stem) and stem == text.lower().replace("_", "-") and not _RESERVED.match(stem)


def stems(ids: Iterable[str]) -> dict[str, str]:
    """One stem for every id; an id that cannot be shown as it is, or shares its stem, gets part of its hash."""
    known = sorted(set(ids))
    shared = Counter(slug(text) for text in known)
    return {text: _stem(text, shared) for text in known}


def _stem(text: str, shared: Counter[str]) -> str:
    stem = slug(text)
    if shared[stem] == 1 and _is_faithful(text, stem):
        return stem
    return f"{stem or 'x'}-{_short_hash(text)}"


def person_stem(name: str, person_id: str | None) -> str:
    """A stem that people recognise, ending in the person's id so that namesakes do not meet."""
    if person_id is None:
        return "unassigned" if name == TBD else f"{slug(name) or 'person'}-{_short_hash(name)}"
    tail = next(iter(stems([person_id]).values()))
    return f"{slug(name) or 'person'}-{tail}"
