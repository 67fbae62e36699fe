"""Features of the chat interface that a model server lacks, and the request without them. Pure.

Learnt from the server's own words, or from the same silent refusal of two different requests. A request to a server that
lacks nothing is always the same.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

from agents.conversation import Message, ModelRequest
from agents.server_errors import Refusal, is_about_server
from domain.configuration import ModelSettings

Feature = Literal[
    "json_schema", "json_object", "obedience", "tools", "tool_choice", "parallel_tool_calls", "temperature", "seed",
    "reasoning_effort", "max_completion_tokens", "max_tokens", "whole_answer", "system_role",
]  # fmt: skip
"""``obedience``: answers keep to a schema that was sent. ``whole_answer``: an answer in one piece, not streamed."""
FEATURES: tuple[Feature, ...] = get_args(Feature)
_NAMED: dict[Feature, str] = {
    "json_schema": r"json_schema|response_?format|response format|structured output|guided|schema",
    "json_object": r"json_object|response_?format|response format|json mode",
    "tool_choice": r"tool_?choice|tool choice",
    "tools": r"tool",
    "parallel_tool_calls": r"parallel_tool_calls",
    "temperature": r"temperature",
    "seed": r"\bseed\b",
    "reasoning_effort": r"reasoning_?effort|reasoning effort",
    "max_completion_tokens": r"max_completion_tokens",
    "max_tokens": r"max_tokens",
    "whole_answer": r"\bstream(ing)?\b",
    "system_role": r"system (role|message|prompt)|role\W+system|(role|turn)s? must alternate",
}
"""Words in a refusal that name the feature."""
_GRAMMAR = re.compile(r"grammar")
_TWICE = 2


@dataclass
class ServerManners:
    """Features that one server lacks, learnt in one review."""

    lacks: frozenset[Feature] = frozenset()
    _suspected: Counter[frozenset[Feature]] = field(default_factory=Counter)

    def learn(self, features: Iterable[Feature]) -> None:
        """Note features that the server itself said it lacks."""
        self.lacks |= frozenset(features)

    def suspect(self, features: frozenset[Feature]) -> None:
        """Note features whose absence mended a refusal without a reason. The second time they count as lacking."""
        if features:
            self._suspected[features] += 1
            if self._suspected[features] >= _TWICE:
                self.learn(features)


def named_features(refusal: Refusal, body: dict[str, Any]) -> frozenset[Feature]:
    """Features of the request that the refusal names; none where it names none, or is about something else."""
    if refusal.status not in (400, 422) or is_about_server(refusal):
        return frozenset()
    said = refusal.lower
    found = {name for name in _sent(body) if name in _NAMED and re.search(_NAMED[name], said)}
    if "tool_choice" in found or "parallel_tool_calls" in found:
        found.discard("tools")
    if body.get("tool_choice") == "auto" and "tool_choice" in found:
        found = {*(found - {"tool_choice"}), "tools"}
    return frozenset(found)


def unnamed_features(refusal: Refusal, body: dict[str, Any]) -> frozenset[Feature]:
    """Features to try without after a refusal that gives no reason: those that servers lack most often."""
    if refusal.status not in (400, 422) or is_about_server(refusal):
        return frozenset()
    sent = _sent(body)
    guess: Sequence[Feature] = ("json_schema", "json_object", "tool_choice")
    return frozenset([feature for feature in guess if feature in sent][:1])


def _sent(body: dict[str, Any]) -> set[Feature]:
    """Features that a request uses."""
    found: set[Feature] = {name for name in FEATURES if name in body}
    wanted = body.get("response_format", {}).get("type")
    if wanted in ("json_schema", "json_object"):
        found.add(wanted)
    if not body.get("stream"):
        found.add("whole_answer")
    if any(message["role"] == "system" for message in body["messages"]):
        found.add("system_role")
    return found


def is_grammar_of_one(refusal: Refusal) -> bool:
    """True if the server could not make a grammar of this one schema; another schema may do."""
    return bool(_GRAMMAR.search(refusal.lower))


# the request -------------------------------------------------------------------------------------------------------------


def request_body(
    call: ModelRequest, settings: ModelSettings, lacks: frozenset[Feature], room: int | None = None
) -> dict[str, Any]:
    """The body of a request without the features that the server lacks. ``room`` is the largest answer that it allows."""
    body: dict[str, Any] = {
        "model": call.model,
        "messages": [message.to_openai() for message in _messages(call, lacks)],
    }
    limit = settings.ask_tokens if call.tools else settings.answer_tokens
    body["max_completion_tokens"] = int(limit.value) if room is None else room
    body |= {"temperature": settings.temperature.value, "seed": int(settings.seed.value)}
    if call.schema is not None:
        body |= _response_format(call.schema, lacks)
    if call.tools:
        choice = "auto" if "tool_choice" in lacks else "required"
        body |= {"tools": list(call.tools), "tool_choice": choice, "parallel_tool_calls": False}
    if settings.reasoning_effort is not None:
        body["reasoning_effort"] = settings.reasoning_effort
    if "max_completion_tokens" in lacks:
        body["max_tokens"] = body.pop("max_completion_tokens")
    if "whole_answer" in lacks:
        body["stream"] = True
    without = {"temperature", "seed", "reasoning_effort", "max_tokens", "parallel_tool_calls"} & lacks
    if "tools" in lacks:
        without |= {"tools", "tool_choice", "parallel_tool_calls"}
    return {name: value for name, value in body.items() if name not in without}


def _response_format(schema: Any, lacks: frozenset[Feature]) -> dict[str, Any]:
    if "json_schema" not in lacks:
        named = {"name": "answer", "strict": True, "schema": schema}
        return {"response_format": {"type": "json_schema", "json_schema": named}}
    return {} if "json_object" in lacks else {"response_format": {"type": "json_object"}}


def _messages(call: ModelRequest, lacks: frozenset[Feature]) -> Sequence[Message]:
    """The messages, with schema and tools in words for a server that does not take them otherwise."""
    messages = list(call.messages)
    if call.schema is not None and lacks & {"json_schema", "obedience"}:
        text = json.dumps(call.schema, separators=(",", ":"))
        messages[0] = _add_rule(messages[0], f"Answer with JSON of this schema:\n{text}\n")
    if call.tools and "tools" in lacks:
        text = json.dumps([tool["function"] for tool in call.tools], separators=(",", ":"))
        rule = f'Answer with JSON only: {{"name": ..., "arguments": {{...}}}}, one call of these functions:\n{text}\n'
        messages = [_as_text(message) for message in messages]
        messages[0] = _add_rule(messages[0], rule)
    if "system_role" in lacks and len(messages) > 1 and messages[0].role == "system":
        joined = f"{messages[0].content.rstrip()}\n\n{messages[1].content}"
        messages[:2] = [replace(messages[1], content=joined)]
    return messages


def _add_rule(message: Message, rule: str) -> Message:
    return replace(message, content=f"{message.content}\n{rule}")


def _as_text(message: Message) -> Message:
    """A turn of a conversation with tools, for a server that knows none."""
    if message.role == "tool":
        return Message("user", f"The function returned: {message.content}")
    calls = [json.dumps({"name": call.name, "arguments": call.arguments}) for call in message.calls]
    return Message(message.role, "\n".join([message.content, *calls]).strip()) if calls else message
