"""The language model behind an OpenAI-compatible server: one call, one answer, or one error of the tree.

The only file that imports the ``openai`` package. One retry layer (this one; the SDK's own is off), one budget of time
and tokens a review, one breaker: a server that is not there or refuses the key is not asked again.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isnan
from time import monotonic
from typing import TYPE_CHECKING, Any, Literal, Protocol

from domain.configuration import ModelSettings
from domain.errors import (
    AnswerRefused,
    AnswerTooLarge,
    AnswerTruncated,
    ModelError,
    ModelUnavailable,
    OverBudget,
    RateLimited,
    RequestRejected,
    ServerFailed,
    TimedOut,
    Unreachable,
)

if TYPE_CHECKING:
    from openai import AsyncOpenAI

_BYTES_A_CHARACTER = 4
_MAX_CALL_OFFSET = 2000
_MAX_DETAIL = 500


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


@dataclass(frozen=True)
class ModelRequest:
    """One question to the model."""

    model: str
    messages: Sequence[Message]
    schema: Mapping[str, Any] | None
    tools: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class ServerLimits:
    """Features that a server does not support, learnt from its refusals."""

    schema: bool = False
    """JSON schemas: it gets the schema in words and is asked for plain JSON."""
    choice: bool = False
    """To be made to call a tool: it may choose."""
    sampling: bool = False
    """A temperature and a seed: it has its own."""

    def after(self, error: RequestRejected, call: ModelRequest) -> "ServerLimits | None":
        """The same with one more feature left out after this refusal; None if that would not help."""
        if error.status not in (400, 422):
            return None
        if not self.sampling and any(word in error.detail for word in ("temperature", "seed")):
            return replace(self, sampling=True)
        if call.schema is not None and not self.schema:
            return replace(self, schema=True)
        if call.tools and not self.choice:
            return replace(self, choice=True)
        return None

    def __or__(self, other: "ServerLimits") -> "ServerLimits":
        return ServerLimits(self.schema or other.schema, self.choice or other.choice, self.sampling or other.sampling)


@dataclass
class OpenAIClient:
    """A client for one review. ``clock`` and ``sleep`` are passed in, so that tests need not wait."""

    settings: ModelSettings
    url: str | None
    key: str | None = field(repr=False)
    on_call: CallListener = lambda *_: None
    clock: Callable[[], float] = monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    tokens_used: int = 0
    """Tokens of this process so far."""
    _started_at: float | None = None
    _fatal_error: ModelError | None = None
    plain: ServerLimits = ServerLimits()
    """Features that the server has refused so far."""
    _loop: asyncio.AbstractEventLoop | None = field(default=None, repr=False)
    _slots: asyncio.Semaphore | None = field(default=None, repr=False)
    _server: "AsyncOpenAI | None" = field(default=None, repr=False)

    async def complete(
        self,
        model: str,
        messages: Sequence[Message],
        schema: Mapping[str, Any] | None = None,
        tools: Sequence[Mapping[str, Any]] = (),
    ) -> ModelAnswer:
        """One answer, after as many attempts as are allowed."""
        loop = asyncio.get_running_loop()
        if self._slots is None or self._loop is not loop:  # connections and semaphores belong to one event loop
            self._loop, self._server = loop, None
            self._slots = asyncio.Semaphore(int(self.settings.at_once.value))
        async with self._slots:
            return await self._complete_with_retries(ModelRequest(model, messages, schema, tools))

    async def _complete_with_retries(self, call: ModelRequest) -> ModelAnswer:
        attempts, wait = int(self.settings.retries.value) + 1, self.settings.retry_first_wait.value
        for attempt in range(1, attempts + 1):
            self._check_budget()
            began = self.clock()
            try:
                answer = await self._answer(call)
            except ModelUnavailable as error:
                self.on_call(call.model, self.clock() - began, error.code)
                pause = wait if error.wait is None else error.wait
                if attempt == attempts or pause > self.settings.retry_longest_wait.value:
                    if not isinstance(error, TimedOut):
                        self._fatal_error = error
                    raise
                await self.sleep(pause)
                wait *= 2
            except ModelError as error:
                self.on_call(call.model, self.clock() - began, error.code)
                if isinstance(error, RequestRejected):
                    self._fatal_error = error
                raise
            else:
                self.on_call(call.model, self.clock() - began, "answered")
                return answer
        raise AssertionError("the last attempt returns or raises")

    def _check_budget(self) -> None:
        """Raises the error that made the server count as absent, or OverBudget."""
        if self._fatal_error is not None:
            raise self._fatal_error
        if self._started_at is None:
            self._started_at = self.clock()
        if self.tokens_used >= self.settings.budget_tokens.value:
            raise OverBudget(f"the review's {self.settings.budget_tokens.value:,.0f} tokens for the model are spent")
        if self.clock() - self._started_at >= self.settings.budget_seconds.value:
            raise OverBudget(f"the review's {self.settings.budget_seconds.value:,.0f} seconds for the model are over")

    async def _answer(self, call: ModelRequest) -> ModelAnswer:
        """One answer, without what this server has refused before; what it refuses now is left out next time."""
        while True:
            known = self.plain
            try:
                return await self._request(call, known)
            except RequestRejected as error:
                more = known.after(error, call)
                if more is None:
                    raise
                self.plain = self.plain | more

    async def _request(self, call: ModelRequest, plain: ServerLimits) -> ModelAnswer:
        import openai

        body: dict[str, Any] = {
            "model": call.model,
            "messages": [message.to_openai() for message in call.messages],
            "max_completion_tokens": int(self.settings.answer_tokens.value),
        }
        if not plain.sampling:
            body |= {"temperature": self.settings.temperature.value, "seed": int(self.settings.seed.value)}
        if call.schema is not None and plain.schema:
            body["messages"] = [message.to_openai() for message in _with_schema_text(call.messages, call.schema)]
            body["response_format"] = {"type": "json_object"}
        elif call.schema is not None:
            body["response_format"] = _strict_format(call.schema)
        if call.tools:
            choice = "auto" if plain.choice else "required"
            body |= {"tools": list(call.tools), "tool_choice": choice, "parallel_tool_calls": False}
            body["max_completion_tokens"] = int(self.settings.ask_tokens.value)
        try:
            reply = await asyncio.wait_for(self._open().chat.completions.create(**body), self.settings.timeout.value)
        except (openai.APITimeoutError, TimeoutError):
            raise TimedOut(f"the model did not answer within {self.settings.timeout.value:g} seconds") from None
        except openai.APIConnectionError as error:
            raise _connection_error(error) from None
        except openai.APIStatusError as error:
            raise _status_error(error) from None
        except (openai.OpenAIError, ValueError, RuntimeError, OSError) as error:
            raise ServerFailed(f"the model's server sent what is no answer ({type(error).__name__})") from None
        return self._read(reply, [tool["function"]["name"] for tool in call.tools])

    def _read(self, reply: Any, tools: Sequence[str]) -> ModelAnswer:
        """The answer in a reply that may hold anything; ``tools`` are the names of those that may be called."""
        try:
            choice = reply.choices[0]
            message, reason = choice.message, choice.finish_reason
            said, refusal = message.content, getattr(message, "refusal", None)
        except (AttributeError, LookupError, TypeError):
            raise ServerFailed("the model's server sent what is no answer") from None
        text, calls = said if isinstance(said, str) else "", _tool_calls(message)
        read, written = _token_usage(reply, text)
        self.tokens_used += read + written
        whole = text.encode("utf-8", "replace").decode()  # no half characters
        answer = ModelAnswer(whole, read, written, calls or parse_text_calls(whole, tools))
        if refusal or reason == "content_filter":
            raise AnswerRefused("the model declined to answer", answer)
        if len(answer.text) > self.settings.answer_bytes.value:
            raise AnswerTooLarge("the answer is far too long; answer with the one JSON object only", _truncate(answer))
        if reason == "length" and not answer.calls:
            raise AnswerTruncated("the answer stopped at the length limit; write shorter sentences", _truncate(answer))
        return answer

    def _open(self) -> "AsyncOpenAI":
        if self._server is None:
            import httpx2

            try:
                self._server = _build_client(self.url, self.key, self.settings)
            except (httpx2.InvalidURL, ValueError, TypeError, RuntimeError, OSError) as error:
                raise Unreachable(f"the model's server cannot be called ({error}); see SAVEPLAY_MODEL_URL") from None
        return self._server

    async def close(self) -> None:
        """Give the connections back; the next call opens new ones."""
        if self._server is not None:
            await self._server.close()
            self._server = None


def _build_client(url: str | None, key: str | None, settings: ModelSettings) -> "AsyncOpenAI":
    import httpx2
    from openai import AsyncOpenAI

    class Counted(httpx2.AsyncByteStream):
        """Reads no more of a response than any answer could be."""

        def __init__(self, stream: httpx2.AsyncByteStream) -> None:
            self.stream, self.left = stream, int(settings.answer_bytes.value) * _BYTES_A_CHARACTER

        async def __aiter__(self) -> AsyncIterator[bytes]:
            async for chunk in self.stream:
                self.left -= len(chunk)
                if self.left < 0:
                    raise AnswerTooLarge("the answer is far too long; answer with the one JSON object only")
                yield chunk

        async def aclose(self) -> None:
            await self.stream.aclose()

    async def counted(response: httpx2.Response) -> None:
        if response.headers.get("content-encoding", "identity") != "identity":
            raise ServerFailed("the model's server packs its answers, which nobody asked for")
        if isinstance(response.stream, httpx2.AsyncByteStream):
            response.stream = Counted(response.stream)

    http = httpx2.AsyncClient(
        timeout=settings.timeout.value,
        headers={"accept-encoding": "identity"},
        event_hooks={"response": [counted]},
    )
    return AsyncOpenAI(api_key=key or "none", base_url=url, max_retries=0, http_client=http)


def _truncate(answer: ModelAnswer) -> ModelAnswer:
    """The beginning of an answer that is too long to keep."""
    return ModelAnswer(answer.text[:2000], answer.read, answer.written)


def _tool_calls(message: Any) -> tuple[ToolCall, ...]:
    """The tools that a message calls; none when they are of an odd shape."""
    try:
        return tuple(
            ToolCall(str(call.id), str(call.function.name), str(call.function.arguments))
            for call in message.tool_calls or ()
        )
    except (AttributeError, TypeError):
        return ()


def _token_usage(reply: Any, text: str) -> tuple[int, int]:
    """Tokens read and written as the server counts them, else an estimate of what was written."""
    try:
        return max(int(reply.usage.prompt_tokens), 0), max(int(reply.usage.completion_tokens), 0)
    except (AttributeError, LookupError, TypeError, ValueError, OverflowError):
        return 0, len(text) // _BYTES_A_CHARACTER


def parse_text_calls(text: str, tools: Sequence[str]) -> tuple[ToolCall, ...]:
    """The call of a tool that a small model wrote as text, where a larger one would have made it."""
    decoder, at = json.JSONDecoder(), text.find("{")
    while tools and at >= 0 and at < _MAX_CALL_OFFSET:
        try:
            found, _ = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, dict) and found.get("name") in tools:
            arguments = found.get("arguments", found.get("parameters", {}))
            return (ToolCall("written", str(found["name"]), json.dumps(arguments)),)
        at = text.find("{", at + 1)
    return ()


def _strict_format(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": schema}}


def _with_schema_text(messages: Sequence[Message], schema: Mapping[str, Any]) -> list[Message]:
    """Messages for servers without structured output: the rules contain the schema."""
    text = json.dumps(schema, separators=(",", ":"))
    first = Message("system", f"{messages[0].content}\nAnswer with JSON of this schema:\n{text}\n")
    return [first, *messages[1:]]


def _connection_error(error: Exception) -> ModelError:
    """The connection failed; what we raised ourselves while reading comes back as it was."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ModelError):
            return cause
        cause = cause.__cause__ or cause.__context__
    return Unreachable("the model's server cannot be reached; see SAVEPLAY_MODEL_URL")


def _status_error(error: Any) -> ModelError:
    status = int(error.status_code)
    if status == 429:
        limited = RateLimited("the model's server has had too many calls (429)")
        limited.wait = _retry_after(error)
        return limited
    if status in (408, 504):
        return TimedOut(f"the model's server gave up waiting ({status})")
    if status >= 500:
        failed = ServerFailed(f"the model's server failed ({status})")
        failed.wait = _retry_after(error)
        return failed
    hint = {401: "see OPENAI_API_KEY", 403: "see OPENAI_API_KEY", 404: "see SAVEPLAY_MODEL"}.get(status)
    said = str(getattr(error, "message", "")).lower()[:_MAX_DETAIL]
    return RequestRejected(f"the model's server refused the call ({status}{f'; {hint}' if hint else ''})", status, said)


def _retry_after(error: Any) -> float | None:
    try:
        wait = float(error.response.headers["retry-after"])
    except (KeyError, ValueError, AttributeError):
        return None
    return None if isnan(wait) else max(wait, 0.0)
