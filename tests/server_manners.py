"""Manners of real model servers, each a behaviour for ``ModelServer``. docs/model.md has a row for each.

The texts of refusals are those that people report; the answer inside is right, so a client that copes gets it.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from tests.model_server import Behaviour, ReceivedRequest, ResponseWriter, answers, completion_body, sends, sends_bytes

Test = Callable[[Mapping[str, Any]], bool]


def refuses_when(test: Test, message: Any, then: Behaviour, status: int = 400, body: Any = None) -> Behaviour:
    """Send an error for requests that meet the test, else follow ``then``. ``body`` replaces the usual shape of an error."""
    said = body if body is not None else {"error": {"message": message, "type": "invalid_request_error", "code": None}}

    def behave(asked: ReceivedRequest, line: ResponseWriter) -> None:
        (sends(said, status) if test(asked.body) else then)(asked, line)

    return behave


def wants(kind: str) -> Test:
    """The request asks for this response format."""
    return lambda body: (body.get("response_format") or {}).get("type") == kind


def has(*names: str) -> Test:
    """The request has one of these keys."""
    return lambda body: any(name in body for name in names)


def _has_system(body: Mapping[str, Any]) -> bool:
    return any(message["role"] == "system" for message in body["messages"])


def _field_not_permitted(*names: str) -> Any:
    return {"detail": [{"type": "extra_forbidden", "loc": ["body", name], "msg": "Extra inputs are not permitted"} for name in names]}  # fmt: skip


def with_thoughts(text: str, **more: Any) -> Behaviour:
    """Send an answer whose thoughts stand apart from its text."""
    return sends(completion_body(text, message={"reasoning_content": "First I look at the facts."}, **more))


def streams(*pieces: Mapping[str, Any]) -> Behaviour:
    """Send the answer as a stream of events."""
    lines = [f"data: {json.dumps(piece)}\n\n" for piece in pieces]
    return sends_bytes("".join([": ping\n\n", *lines, "data: [DONE]\n\n"]).encode(), "text/event-stream")


def _pieces(text: str) -> list[dict[str, Any]]:
    cuts = [text[start : start + 7] for start in range(0, len(text), 7)]
    said: list[dict[str, Any]] = [
        {"choices": [{"index": 0, "delta": {"role": "assistant", "content": cut}, "finish_reason": None}]}
        for cut in cuts
    ]
    said.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    return [*said, {"choices": [], "usage": {"prompt_tokens": 100, "completion_tokens": 50}}]


def answer_manners(right: str) -> dict[str, Behaviour]:
    """By name: servers that give the right answer in their own manner."""
    done = answers(right)
    either = wants("json_schema"), wants("json_object")
    return {
        "thoughts before the answer": answers(f"<think>\nMaybe {{first}} …\n</think>\n\n{right}"),
        "the beginning of the thoughts cut off": answers(f"Okay, the account.\n</think>\n{right}"),
        "the answer within the thoughts": answers(f"<think>\n{right}\n</think>"),
        "an answer in prose": answers(f"Here is the briefing:\n\n{right}\n\nTell me if it has to change."),
        "an answer in a fence": answers(f"Sure!\n```json\n{right}\n```\nDone."),
        "a draft and then the answer": answers(f'{{"sentences": "?"}} no, rather {right}'),
        "an answer in parts": answers([{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": right}]),
        "thoughts apart (reasoning_content)": with_thoughts(right),
        "the answer among the thoughts only": sends(completion_body(None, message={"reasoning_content": right})),
        "a key that nobody asked for": answers(json.dumps({**json.loads(right), "explanation": "because"})),
        "the answer under a name": answers(json.dumps({"answer": json.loads(right)})),
        "no json_schema": refuses_when(either[0], "response_format of type json_schema is not supported", done),
        "json_schema only, but not this one": refuses_when(
            either[1], None, refuses_when(either[0], None, done, body={"error": "Error compiling grammar: too complex"}),
            body={"error": "'response_format.type' must be 'json_schema' or 'text'"},
        ),
        "no response_format": refuses_when(has("response_format"), "Unrecognized request argument: response_format", done),
        "no max_completion_tokens": refuses_when(
            has("max_completion_tokens"), "Unrecognized request argument supplied: max_completion_tokens", done),
        "no seed, no max_completion_tokens": refuses_when(
            has("seed", "max_completion_tokens"), None, done, 422, _field_not_permitted("seed", "max_completion_tokens")),
        "no temperature": refuses_when(
            has("temperature"), "Unsupported value: 'temperature' does not support 0 with this model.", done),
        "no reasoning_effort": refuses_when(has("reasoning_effort"), "Unsupported parameter: 'reasoning_effort'", done),
        "no system role": refuses_when(_has_system, "System role not supported", done),
        "streams whatever is asked": streams(*_pieces(right)),
        "takes only streams": refuses_when(
            lambda body: not body.get("stream"), "This model only supports stream=true", streams(*_pieces(right))),
        "a smaller window": refuses_when(
            lambda body: body.get("max_completion_tokens", 0) > 2295,
            "This model's maximum context length is 4096 tokens. However, you requested 7800 tokens (1800 in the messages, "
            "6000 in the completion).", done),
        "sends text/plain": sends_bytes(json.dumps(completion_body(right)).encode(), "text/plain"),
    }  # fmt: skip


def call_manners(name: str, arguments: Mapping[str, Any]) -> dict[str, Behaviour]:
    """By name: servers that make a call of a tool in their own manner."""
    given = json.dumps(arguments)
    python = ", ".join(f"{key}={value!r}" for key, value in arguments.items())
    tags = "".join(f"<parameter={key}>\n{value}\n</parameter>\n" for key, value in arguments.items())
    made = {"id": "call-1", "type": "function", "function": {"name": name, "arguments": dict(arguments)}}
    written = answers(json.dumps({"name": name, "arguments": arguments}))
    return {
        "a call as Hermes writes it": answers(f'<tool_call>\n{{"name": "{name}", "arguments": {given}}}\n</tool_call>'),
        "a call as Llama writes it": answers(f'{{"type": "function", "name": "{name}", "parameters": {given}}}'),
        "a call as Mistral writes it": answers(f'[TOOL_CALLS] [{{"name": "{name}", "arguments": {given}}}]'),
        "a call as Qwen writes it": answers(f"✿FUNCTION✿: {name}\n✿ARGS✿: {given}\n✿RESULT✿"),
        "a call as Qwen Coder writes it": answers(f"<tool_call>\n<function={name}>\n{tags}</function>\n</tool_call>"),
        "a call as DeepSeek writes it": answers(f"<｜tool▁call▁begin｜>function<｜tool▁sep｜>{name}\n```json\n{given}\n```"),
        "a call in Python": answers(f"<|python_start|>[{name}({python})]<|python_end|>"),
        "a call after thoughts": answers(f'<think>other_tool()?</think>{{"name": "{name}", "arguments": {given}}}'),
        "arguments that are no text": sends(completion_body(None, message={"tool_calls": [made]})),
        "tool_choice is not taken": refuses_when(
            lambda body: body.get("tool_choice") == "required", "tool_choice 'required' is not supported", written),
        "no parallel_tool_calls": refuses_when(
            has("parallel_tool_calls"), "Unknown parameter: 'parallel_tool_calls'.", written),
        "no tools": refuses_when(has("tools"), "registry.ollama.ai/library/small does not support tools", written),
    }  # fmt: skip


FILTERED = {
    "error": {
        "message": "The response was filtered due to the prompt triggering the content management policy.",
        "code": "content_filter", "param": "prompt", "status": 400,
    }
}  # fmt: skip
TOO_LONG = {
    "error": {"message": "the request exceeds the available context size (4096 tokens), try increasing it", "code": 400}
}
LOADING = {"error": {"message": "Loading model", "type": "unavailable_error", "code": 503}}
OVERLOADED_IN_200 = {"id": "x", "choices": None, "error": {"message": "Provider returned error", "code": 502}}


def prompt_manners() -> dict[str, Behaviour]:
    """By name: servers that refuse one prompt, whatever is left out of the request."""
    return {
        "one prompt is filtered": sends(FILTERED, 400),
        "one prompt is flagged by moderation": sends({"error": {"message": "Input was flagged", "code": 403}}, 403),
        "one prompt is too long": sends(TOO_LONG, 400),
        "one prompt is too large (413)": sends_bytes(b"<html>Request Entity Too Large</html>", "text/html", 413),
        "one prompt is refused without a reason": sends({"error": {}}, 400),
        "a filter answers with status 200": sends({"error": {**FILTERED["error"], "code": 400}, "choices": []}),
    }
