"""Messages to a language model, its answer, and the interface of a client. Records only; nothing here calls a server."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol


@dataclass(frozen=True)
class ToolCall:
    """A tool that the model wants to use."""

    id: str
    name: str
    arguments: str
    """JSON, as the model wrote it: not yet checked."""


@dataclass(frozen=True)
class Message:
    """One turn of the conversation."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str
    calls: tuple[ToolCall, ...] = ()
    answers: str | None = None
    """For the role ``tool``: id of the call that this answers."""

    def to_openai(self) -> dict[str, Any]:
        """The message in the format of the OpenAI interface."""
        body: dict[str, Any] = {"role": self.role, "content": self.content}
        if self.calls:
            body["tool_calls"] = [
                {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
                for call in self.calls
            ]
        if self.answers is not None:
            body["tool_call_id"] = self.answers
        return body


@dataclass(frozen=True)
class ModelAnswer:
    """Answer of the model, with the tokens that it took."""

    text: str
    read: int
    written: int
    calls: tuple[ToolCall, ...] = ()
    cached: int = 0
    """Tokens read that the server had in its cache; part of ``read``."""


@dataclass(frozen=True)
class ModelRequest:
    """One question to the model."""

    model: str
    messages: Sequence[Message]
    schema: Mapping[str, Any] | None = None
    tools: Sequence[Mapping[str, Any]] = ()

    @property
    def tool_names(self) -> list[str]:
        """Names of the tools that may be called."""
        return [str(tool["function"]["name"]) for tool in self.tools]


class ModelClient(Protocol):
    """Something that answers. Raises ModelError and nothing else."""

    async def complete(
        self,
        model: str,
        messages: Sequence[Message],
        schema: Mapping[str, Any] | None = None,
        tools: Sequence[Mapping[str, Any]] = (),
    ) -> ModelAnswer:
        """One answer: JSON of the schema when one is given, or calls of the tools."""

    async def close(self) -> None:
        """Give the connections back."""


CallListener = Callable[[str, float, str], None]
"""Told of every call: model, seconds, what came of it."""
