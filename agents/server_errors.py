"""Errors of a model server: its status and its own words, sorted into the error tree. Pure.

Only what is about the server ends the model for a review; what is about one prompt costs that prompt.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, isnan
from typing import Any

from domain.errors import (
    AnswerRefused,
    ModelError,
    ModelLoading,
    PromptTooLong,
    RateLimited,
    RequestRejected,
    ServerFailed,
    TimedOut,
)
from tools.wording import quote

_MAX_DETAIL = 500
_MAX_SHOWN = 160
_ABOUT_THE_REQUEST = (400, 413, 422)
"""The request was not understood or not taken. Every other 4xx is about the server, the key or the model's name."""
_HINTS = {401: "see OPENAI_API_KEY", 403: "see OPENAI_API_KEY", 404: "see SAVEPLAY_MODEL"}
_WHERE_MESSAGES_ARE = ("message", "msg", "detail", "error", "errors", "title")
_FILTER = re.compile(
    r"content[ _](filter|management|policy)|responsible_?ai|invalid_prompt|moderation|flagged|safety (system|setting|filter)"
)
_LENGTH = re.compile(
    r"context_length_exceeded|exceed_context_size|(maximum )?context (length|size|window)|too many (input )?tokens"
    r"|(prompt|input|request) (is )?too (long|large)|max_model_len|maximum (prompt|input) length"
)
_UNKNOWN_MODEL = re.compile(
    r"model_not_found|not a valid model|model\b.{0,80}\b(does not exist|not found|not loaded)|unknown model|invalid model"
)
_LOADING = re.compile(r"load(ing)?\b.{0,40}\bmodel|model\b.{0,60}\b(loading|not ready|starting)|warming up")
_NUMBER = r"(\d[\d,]*)"
_WINDOWS = re.compile(rf"context (?:length|size|window)\D{{0,30}}{_NUMBER}")
_READ = re.compile(
    rf"\(?{_NUMBER} (?:tokens )?(?:in|from) (?:the |your )?(?:messages|prompt|input)|{_NUMBER} (?:input|prompt) tokens"
)
_MOST_WRITTEN = re.compile(rf"at most {_NUMBER} (?:completion|output) tokens")


@dataclass(frozen=True)
class Refusal:
    """An answer of the server that is an error: HTTP status, its words, and the pause that it asks for."""

    status: int
    words: str
    wait: float | None = None

    @property
    def lower(self) -> str:
        """The words in small letters."""
        return self.words.lower()


def read_refusal(status: int, body: Any, headers: Mapping[str, str]) -> Refusal:
    """The refusal in a response."""
    return Refusal(status, " ".join(dict.fromkeys(_texts(body)))[:_MAX_DETAIL], _retry_after(body, headers))


def parse_body(text: str) -> Any:
    """The body of an error as JSON, else as text without markup."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return re.sub(r"<[^<>]{0,200}>", " ", text[: 4 * _MAX_DETAIL])


def _texts(body: Any, depth: int = 4) -> list[str]:
    """The server's sentences, from the shapes that servers use: nothing that it repeats of the prompt."""
    if isinstance(body, str):
        return [body.strip()[:_MAX_DETAIL]] if body.strip() else []
    if isinstance(body, list) and depth:
        return [text for item in body[:5] for text in _texts(item, depth - 1)]
    if not isinstance(body, dict) or not depth:
        return []
    found = [text for key in _WHERE_MESSAGES_ARE for text in _texts(body.get(key), depth - 1)]
    named = [str(body[key]) for key in ("code", "param") if isinstance(body.get(key), str)]
    place = [str(part) for part in body["loc"][-1:]] if isinstance(body.get("loc"), list) else []
    return [*found, *(f"({name[:60]})" for name in [*named, *place])]


def error_of(refusal: Refusal) -> ModelError:
    """The error of the tree for a refusal. Its message shows the server's own words."""
    status, said = refusal.status, _shown(refusal)
    if 400 <= status < 500 and _FILTER.search(refusal.lower):
        return AnswerRefused(f"a filter of the model's server refused the request{said}")
    if status in _ABOUT_THE_REQUEST and (status == 413 or _LENGTH.search(refusal.lower)):
        return PromptTooLong(f"the request is too long for the model's server{said}")
    if status == 429:
        return _with_wait(RateLimited(f"the model's server has had too many calls (429){said}"), refusal)
    if status in (408, 504):
        return TimedOut(f"the model's server gave up waiting ({status}){said}")
    if status == 503 and _LOADING.search(refusal.lower):
        return _with_wait(ModelLoading(f"the model's server is still loading the model{said}"), refusal)
    if status >= 500:
        return _with_wait(ServerFailed(f"the model's server failed ({status}){said}"), refusal)
    hint = _HINTS.get(status)
    message = f"the model's server refused the call ({status}{f'; {hint}' if hint else ''}){said}"
    return RequestRejected(message, status, about_server=is_about_server(refusal))


def is_about_server(refusal: Refusal) -> bool:
    """True if every other request would be refused, too: a wrong key, address or name of a model."""
    return refusal.status not in _ABOUT_THE_REQUEST or bool(_UNKNOWN_MODEL.search(refusal.lower))


def room_for_answer(refusal: Refusal, asked: int) -> int | None:
    """Tokens that are left for an answer, where the server says so in its refusal; None where that helps nothing."""
    if refusal.status not in _ABOUT_THE_REQUEST:
        return None
    most = _MOST_WRITTEN.search(refusal.lower)
    window, read = _WINDOWS.search(refusal.lower), _READ.search(refusal.lower)
    if most:
        room = _number(most)
    elif window and read:
        room = _number(window) - _number(read) - 1
    else:
        return None
    return room if 0 < room < asked else None


def _number(found: re.Match[str]) -> int:
    return int(next(group for group in found.groups() if group).replace(",", ""))


def _shown(refusal: Refusal) -> str:
    return f": {quote(refusal.words, _MAX_SHOWN)}" if refusal.words else ""


def _with_wait(error: Any, refusal: Refusal) -> ModelError:
    error.wait = refusal.wait
    assert isinstance(error, ModelError)
    return error


def _retry_after(body: Any, headers: Mapping[str, str]) -> float | None:
    """Seconds that the server asks to wait; None when it does not say. Some say in the body how long loading takes."""
    estimated = body.get("estimated_time") if isinstance(body, dict) else None
    try:
        wait = float(headers.get("retry-after", estimated))  # type: ignore[arg-type]
    except (KeyError, ValueError, TypeError):
        return None
    return None if isnan(wait) else max(wait, 0.0)


def error_in_reply(reply: Any) -> Refusal | None:
    """The error that a server put into a response with status 200; None when there is none."""
    if not isinstance(reply, dict):
        return None
    choices = reply.get("choices")
    first = choices[0] if isinstance(choices, Sequence) and choices and isinstance(choices[0], dict) else {}
    found = reply.get("error") or first.get("error") or (reply if reply.get("object") == "error" else None)
    if not found:
        return None
    code = found.get("code") if isinstance(found, dict) else None
    number = code if isinstance(code, int | float) and not isinstance(code, bool) and isfinite(code) else 500
    status = int(number) if 400 <= number < 600 else 500
    return read_refusal(status, found, {})
