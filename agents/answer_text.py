"""The JSON and the tool calls in the text of an answer, whatever a model wraps around them. Pure.

What a model thought aloud counts only where nothing else is left. What is found is not checked here: whoever asked does.
"""

import ast
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from agents.conversation import ToolCall

_MAX_STARTS = 60
"""Braces at which JSON is looked for: an answer of nothing but braces is not read for minutes."""
_MAX_CALL_OFFSET = 2000
_MAX_CALL_LENGTH = 4000
_MAX_GAP = 40
"""Letters between the name of a tool and its arguments: marks, and words such as ARGS."""
_THOUGHT_START = re.compile(r"\s*<(?:think|thinking|thought|reasoning)>", re.IGNORECASE)
_THOUGHT_END = re.compile(r"^.*</(?:think|thinking|thought|reasoning)>", re.DOTALL | re.IGNORECASE)
_PARAMETER = re.compile(r"<parameter=(\w+)>(.*?)(?:</parameter>|(?=<parameter=)|\Z)", re.DOTALL)
_BETWEEN = {"args", "arguments", "json", "parameters"}
_NAME_KEYS, _ARGUMENT_KEYS = ("name", "function", "tool", "tool_name"), ("arguments", "parameters", "args", "input")


def without_thoughts(text: str) -> str:
    """The text after what the model thought aloud; servers may have cut off where the thought begins."""
    return _THOUGHT_END.sub("", text).strip()


def only_thoughts(text: str) -> bool:
    """True if the text begins with a thought that never ends."""
    return bool(_THOUGHT_START.match(text)) and not _THOUGHT_END.match(text)


def json_values(text: str) -> list[Any]:
    """JSON values of the text, the likeliest first. Raises ValueError when there is none.

    The whole text, else the objects behind the thoughts, else those within them; of several the last is the likeliest,
    because what a model corrected comes later.
    """
    said = without_thoughts(text)
    for whole in (text, said):
        try:
            return [json.loads(_without_fence(whole.strip()))]
        except (ValueError, RecursionError) as error:
            reason = str(error)
    found = [*_embedded(said)] or [*_embedded(text)]
    if not found:
        raise ValueError(reason)
    return found[::-1]


def _without_fence(text: str) -> str:
    if text.startswith("```") and text.endswith("```"):
        return text[3:-3].removeprefix("json")
    return text


def _embedded(text: str) -> Iterator[dict[str, Any]]:
    """Each outermost object in the text, in order."""
    decoder, at = json.JSONDecoder(), text.find("{")
    for _ in range(_MAX_STARTS):
        if at < 0:
            return
        try:
            found, at = decoder.raw_decode(text, at)
            yield found
            at = text.find("{", at)
        except (ValueError, RecursionError):
            at = text.find("{", at + 1)


# calls of tools, written as text ---------------------------------------------------------------------------------------


def parse_text_calls(text: str, tools: Sequence[str]) -> tuple[ToolCall, ...]:
    """The call of a tool that a model wrote as text, where a server would have made it; none when there is none.

    Read are objects with a name (Hermes, Mistral, Llama), a name before its arguments (Qwen, DeepSeek), tags (Qwen Coder)
    and Python (Llama, Gemma).
    """
    said = without_thoughts(text) or text
    for read in (_object_call, _tagged_call, _python_call, _named_call):
        found = read(said, tools) if tools else None
        if found is not None:
            name, arguments = found
            return (ToolCall("written", name, json.dumps(arguments)),)
    return ()


Call = tuple[str, Any]


def _object_call(text: str, tools: Sequence[str]) -> Call | None:
    """``{"name": "why_at_risk", "arguments": {...}}``, alone, in tags, in a list or within another object."""
    decoder, at, starts = json.JSONDecoder(), text.find("{"), 0
    while 0 <= at < _MAX_CALL_OFFSET and starts < _MAX_STARTS:
        try:
            found, _ = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            found = None
        name = next((found[key] for key in _NAME_KEYS if key in found), None) if isinstance(found, dict) else None
        if isinstance(name, str) and name in tools:
            return name, _arguments(found)
        at, starts = text.find("{", at + 1), starts + 1
    return None


def _arguments(found: dict[str, Any]) -> Any:
    given: Any = next((found[key] for key in _ARGUMENT_KEYS if key in found), {})
    if not isinstance(given, str):
        return given
    try:
        return json.loads(given)
    except (ValueError, RecursionError):
        return given


def _tagged_call(text: str, tools: Sequence[str]) -> Call | None:
    """``<function=why_at_risk><parameter=account>Baobab</parameter></function>``."""
    for opened in re.finditer(r"<function=(\w+)>", text[:_MAX_CALL_OFFSET]):
        if opened[1] in tools:
            inner = text[opened.end() : opened.end() + _MAX_CALL_LENGTH].split("</function>")[0]
            given: dict[str, str] = {name: value.strip() for name, value in _PARAMETER.findall(inner)}
            return (opened[1], given) if given or not inner.strip() else None
    return None


def _python_call(text: str, tools: Sequence[str]) -> Call | None:
    """``why_at_risk(account="Baobab")``, with keywords and literals only; nothing is ever run."""
    for opened in re.finditer(r"\b(\w+)\(", text[:_MAX_CALL_OFFSET]):
        if opened[1] not in tools:
            continue
        rest = text[opened.start() : opened.start() + _MAX_CALL_LENGTH]
        for closed in [mark.end() for mark in re.finditer(r"\)", rest)][:10]:
            try:
                found = ast.parse(rest[:closed], mode="eval").body
                if isinstance(found, ast.Call) and not found.args and all(each.arg for each in found.keywords):
                    return opened[1], {str(each.arg): ast.literal_eval(each.value) for each in found.keywords}
            except (SyntaxError, ValueError, MemoryError, RecursionError):
                continue
    return None


def _named_call(text: str, tools: Sequence[str]) -> Call | None:
    """A tool's name and then its arguments as JSON, with marks or a fence between: ``why_at_risk\\n{"account": "Baobab"}``."""
    for opened in re.finditer(r"\b\w+\b", text[:_MAX_CALL_OFFSET]):
        start = text.find("{", opened.end(), opened.end() + _MAX_GAP)
        between = text[opened.end() : start].casefold()
        if opened[0] in tools and start >= 0 and set(re.findall(r"\w+", between)) <= _BETWEEN:
            try:
                return opened[0], json.JSONDecoder().raw_decode(text, start)[0]
            except (ValueError, RecursionError):
                continue
    return None
