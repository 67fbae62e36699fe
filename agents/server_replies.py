"""The answer in the response of a model server: in one piece or streamed, as text, parts, thoughts or calls of tools. Pure.

A response may hold anything. What is no answer raises ServerFailed; nothing else escapes.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from agents.answer_text import only_thoughts, parse_text_calls, without_thoughts
from agents.conversation import ModelAnswer, ModelRequest, ToolCall
from agents.server_errors import error_in_reply
from domain.configuration import ModelSettings
from domain.errors import AnswerRefused, AnswerTooLarge, AnswerTruncated, ModelError, ServerFailed, ThoughtTooLong

_LETTERS_A_TOKEN = 4
_MAX_KEPT = 2000
_TEXT_PARTS = ("text", "output_text")
_NO_ANSWER = "the model's server sent what is no answer"


def parse_reply(text: str) -> dict[str, Any]:
    """The response as one object, its pieces joined when it was streamed. Raises ServerFailed."""
    try:
        found = _join_stream(text) if text.lstrip().startswith(("data:", "event:", ":")) else json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ServerFailed(f"{_NO_ANSWER} ({type(error).__name__})") from None
    if not isinstance(found, dict):
        raise ServerFailed(_NO_ANSWER)
    return found


def _join_stream(text: str) -> dict[str, Any]:
    """One response of all pieces of a stream. Raises ValueError."""
    whole: dict[str, Any] = {}
    message: dict[str, Any] = {"content": "", "reasoning_content": ""}
    calls: dict[int, dict[str, Any]] = {}
    reason = None
    for line in text.splitlines():
        data = line.removeprefix("data:").strip()
        if not line.startswith("data:") or data == "[DONE]":
            continue
        piece = json.loads(data)
        if not isinstance(piece, dict) or error_in_reply(piece):
            return piece if isinstance(piece, dict) else {}
        whole |= {key: piece[key] for key in ("usage",) if piece.get(key)}
        for choice in _sequence(piece.get("choices"))[:1]:
            delta = choice.get("delta") or choice.get("message") or {} if isinstance(choice, dict) else {}
            reason = choice.get("finish_reason") or reason if isinstance(choice, dict) else reason
            _add_delta(message, calls, delta if isinstance(delta, dict) else {})
    if calls:
        message["tool_calls"] = [calls[number] for number in sorted(calls)]
    return {**whole, "choices": [{"message": message, "finish_reason": reason}]}


def _add_delta(message: dict[str, Any], calls: dict[int, dict[str, Any]], delta: Mapping[str, Any]) -> None:
    message["content"] += _text_of(delta.get("content"))
    message["reasoning_content"] += _thoughts_of(delta)
    for piece in _sequence(delta.get("tool_calls")):
        made = piece.get("function") if isinstance(piece, dict) else None
        if isinstance(made, dict):
            number = piece.get("index") if isinstance(piece.get("index"), int) else 0
            call = calls.setdefault(number, {"id": piece.get("id") or "", "function": {"name": "", "arguments": ""}})
            for part in ("name", "arguments"):
                call["function"][part] += str(made.get(part) or "")


def read_answer(reply: Mapping[str, Any], call: ModelRequest, settings: ModelSettings) -> ModelAnswer:
    """The answer in a response. Raises ModelError; a partial answer goes with the error, so that its tokens count."""
    try:
        choice = reply["choices"][0]
        message, reason = choice["message"], choice.get("finish_reason")
        said, refusal, thoughts = _text_of(message.get("content")), message.get("refusal"), _thoughts_of(message)
    except (AttributeError, LookupError, TypeError):
        raise ServerFailed(_NO_ANSWER) from None
    text = said if said.strip() or reason == "length" else thoughts
    text = text.encode("utf-8", "replace").decode()  # no half characters
    calls = _made_calls(message) or parse_text_calls(text, call.tool_names)
    answer = ModelAnswer(text, *_tokens(reply, said + thoughts), calls, _cached_tokens(reply))
    fault = _fault_of(answer, refusal, reason, said, thoughts, settings)
    if fault is not None:
        raise fault
    return answer


def _fault_of(
    answer: ModelAnswer, refusal: Any, reason: Any, said: str, thoughts: str, settings: ModelSettings
) -> ModelError | None:
    """Reason for which an answer is unusable whatever it says; None without one."""
    if refusal or reason == "content_filter":
        return AnswerRefused("the model declined to answer", answer)
    if len(answer.text) > settings.answer_bytes.value:
        return AnswerTooLarge("the answer is far too long; answer with the one JSON object only", _beginning(answer))
    if reason == "length" and not answer.calls:
        if only_thoughts(said) or (thoughts and not without_thoughts(said)):
            why = "the answer stopped at the length limit while the model was still thinking; think less, answer sooner"
            return ThoughtTooLong(why, _beginning(answer))
        return AnswerTruncated("the answer stopped at the length limit; write shorter sentences", _beginning(answer))
    return None


def _beginning(answer: ModelAnswer) -> ModelAnswer:
    """The beginning of an answer that is too long to keep."""
    return ModelAnswer(answer.text[:_MAX_KEPT], answer.read, answer.written, cached=answer.cached)


def _sequence(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else ()


def _text_of(content: Any) -> str:
    """The text of a message, which some servers send in parts; thoughts among the parts are left out."""
    if isinstance(content, str):
        return content
    parts = [part for part in _sequence(content) if isinstance(part, dict) and part.get("type", "text") in _TEXT_PARTS]
    return "".join(str(part["text"]) for part in parts if isinstance(part.get("text"), str))


def _thoughts_of(message: Mapping[str, Any]) -> str:
    """Thoughts that a server sends apart from the text."""
    for key in ("reasoning_content", "reasoning"):
        if isinstance(message.get(key), str):
            return str(message[key])
    return ""


def _made_calls(message: Mapping[str, Any]) -> tuple[ToolCall, ...]:
    """The tools that a message calls; none when they are of an odd shape."""
    found = []
    for number, call in enumerate(_sequence(message.get("tool_calls")), start=1):
        made = call.get("function") if isinstance(call, dict) else None
        if not isinstance(made, dict) or not isinstance(made.get("name"), str):
            return ()
        given = made.get("arguments") or "{}"  # some servers send an object instead of its text
        arguments = given if isinstance(given, str) else json.dumps(given)
        found.append(ToolCall(str(call.get("id") or f"call-{number}"), made["name"], arguments))
    return tuple(found)


def _tokens(reply: Mapping[str, Any], text: str) -> tuple[int, int]:
    """Tokens read and written as the server counts them, else an estimate of what was written."""
    try:
        usage = reply["usage"]
        return max(int(usage["prompt_tokens"]), 0), max(int(usage["completion_tokens"]), 0)
    except (AttributeError, LookupError, TypeError, ValueError, OverflowError):
        return 0, len(text) // _LETTERS_A_TOKEN


def _cached_tokens(reply: Mapping[str, Any]) -> int:
    try:
        usage = reply["usage"]
        return min(max(int(usage["prompt_tokens_details"]["cached_tokens"]), 0), max(int(usage["prompt_tokens"]), 0))
    except (LookupError, TypeError, ValueError, OverflowError):
        return 0
