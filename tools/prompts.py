"""The one reader of ``prompts/``: Jinja2 templates rendered strictly, so that the same values give the same bytes."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

PROMPTS_FOLDER = Path(__file__).resolve().parent.parent / "prompts"


_instead: ContextVar[Path | None] = ContextVar("prompts", default=None)
"""Folder whose prompts come before the shipped ones of the same name."""


@contextmanager
def prompts_from(folder: Path | None) -> Iterator[None]:
    """Use the prompts of a folder instead of those of the same name, to compare two wordings."""
    before = _instead.set(folder)
    try:
        yield
    finally:
        _instead.reset(before)


@cache
def _environment(instead: Path | None) -> Environment:
    # Plain text for a model, never HTML: escaping would show it entities instead of letters.
    return Environment(
        loader=FileSystemLoader([instead, PROMPTS_FOLDER] if instead else [PROMPTS_FOLDER]),
        undefined=StrictUndefined,
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def render_prompt(name: str, **values: Any) -> str:
    """The prompt ``prompts/<name>.j2`` with its values. A value that the template lacks is an error, not a blank."""
    return _environment(_instead.get()).get_template(f"{name}.j2").render(**values)


def short_hash(*texts: str) -> str:
    """Hash of the texts: twelve hexadecimal digits."""
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:12]


def prompt_texts() -> tuple[str, ...]:
    """Text of every prompt file, in the order of their names."""
    return tuple(path.read_text(encoding="utf-8") for path in sorted(PROMPTS_FOLDER.glob("*.j2")))
