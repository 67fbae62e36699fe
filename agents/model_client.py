"""The language model behind an OpenAI-compatible server: one call, one answer, or one error of the tree.

The only file that imports the ``openai`` package. One retry layer (this one; the SDK's own is off), one budget of time
and tokens a review, one breaker: a server that is not there or refuses the key is not asked again. Features that a server
refuses are left out from then on (``server_manners``); a refusal of one prompt costs that prompt only.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING, Any

from agents.answer_text import json_values
from agents.conversation import CallListener, Message, ModelAnswer, ModelRequest
from agents.server_errors import Refusal, error_in_reply, error_of, parse_body, read_refusal, room_for_answer
from agents.server_manners import (
    Feature,
    ServerManners,
    is_grammar_of_one,
    named_features,
    request_body,
    unnamed_features,
)
from agents.server_replies import parse_reply, read_answer
from domain.configuration import ModelSettings
from domain.errors import (
    AnswerTooLarge,
    ModelError,
    ModelLoading,
    ModelUnavailable,
    OverBudget,
    RequestRejected,
    ServerFailed,
    TimedOut,
    Unreachable,
)

if TYPE_CHECKING:
    from openai import AsyncOpenAI

_BYTES_A_CHARACTER = 4
_SHORTEST_KEY = 8
"""Shorter keys are no secrets: servers of one's own take any word."""


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
    manners: ServerManners = field(default_factory=ServerManners)
    """Refusals of the server so far."""
    _started_at: float | None = None
    _loading_since: float | None = None
    _fatal_error: ModelError | None = None
    _loop: asyncio.AbstractEventLoop | None = field(default=None, repr=False)
    _slots: asyncio.Semaphore | None = field(default=None, repr=False)
    _waiting: asyncio.Lock | None = field(default=None, repr=False)
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
            self._loop, self._server, self._waiting = loop, None, asyncio.Lock()
            self._slots = asyncio.Semaphore(int(self.settings.at_once.value))
        async with self._slots:
            return await self._complete_with_retries(ModelRequest(model, messages, schema, tools))

    async def _complete_with_retries(self, call: ModelRequest) -> ModelAnswer:
        attempt, wait = 1, self.settings.retry_first_wait.value
        while True:
            self._check_budget()
            began = self.clock()
            try:
                answer = await self._answer(call)
            except ModelLoading as error:
                pause = wait if error.wait is None else error.wait
                await self._wait_for_model(call, error, min(pause, self.settings.retry_longest_wait.value))
                wait *= 2
            except ModelUnavailable as error:
                self.on_call(call.model, self.clock() - began, error.code)
                pause = wait if error.wait is None else error.wait
                if attempt > self.settings.retries.value or pause > self.settings.retry_longest_wait.value:
                    if not isinstance(error, TimedOut):
                        self._fatal_error = error
                    raise
                await self.sleep(pause)
                attempt, wait = attempt + 1, wait * 2
            except ModelError as error:
                self.on_call(call.model, self.clock() - began, error.code)
                if isinstance(error, RequestRejected) and error.about_server:
                    self._fatal_error = error
                raise
            else:
                self.on_call(call.model, self.clock() - began, "answered")
                self._loading_since = None
                return answer

    async def _wait_for_model(self, call: ModelRequest, error: ModelLoading, pause: float) -> None:
        """Pause until the server is asked again. All calls wait in one line, so that it is asked once a pause."""
        assert self._waiting is not None
        if self._loading_since is None:
            self._loading_since = self.clock()
        async with self._waiting:
            if self._loading_since is None:  # another call was answered meanwhile
                return
            self._check_budget()
            waited = self.clock() - self._loading_since
            self.on_call(call.model, waited, error.code)
            if waited >= self.settings.loading_wait.value:
                self._fatal_error = error
                raise error
            await self.sleep(pause)

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
        """One answer, asked without what the server refuses: for this call, and for the others if it named it."""
        room, guessed = None, frozenset[Feature]()
        while True:
            without = self.manners.lacks | guessed
            body = request_body(call, self.settings, without, room)
            reply = await self._send(body)
            if not isinstance(reply, Refusal):
                self.manners.suspect(guessed - self.manners.lacks)
                return self._read(reply, call)
            error = error_of(reply)
            asked = body.get("max_completion_tokens", body.get("max_tokens", 0))
            named = named_features(reply, body) - without
            if smaller := room_for_answer(reply, asked):
                room = smaller
            elif not isinstance(error, RequestRejected):
                raise error
            elif named and not is_grammar_of_one(reply):
                self.manners.learn(named)
            elif more := named or unnamed_features(reply, body):
                guessed |= more
            else:
                raise error

    async def _send(self, body: dict[str, Any]) -> dict[str, Any] | Refusal:
        """The response, or the refusal of the server, also one with status 200."""
        import openai

        extra = {name: body.pop(name) for name in ("stream",) if name in body}  # read whole, also when it is streamed
        try:
            create = self._open().chat.completions.with_raw_response.create
            response = await asyncio.wait_for(create(**body, extra_body=extra or None), self.settings.timeout.value)
            reply = parse_reply(self._without_key(response.http_response.text))
            return error_in_reply(reply) or reply
        except (openai.APITimeoutError, TimeoutError):
            raise TimedOut(f"the model did not answer within {self.settings.timeout.value:g} seconds") from None
        except openai.APIConnectionError as error:
            raise _connection_error(error) from None
        except openai.APIStatusError as error:
            said = parse_body(self._without_key(error.response.text))
            return read_refusal(error.status_code, said, error.response.headers)
        except (openai.OpenAIError, ValueError, RuntimeError, OSError) as error:
            raise ServerFailed(f"the model's server sent what is no answer ({type(error).__name__})") from None

    def _without_key(self, text: str) -> str:
        key = self.key or ""
        return text.replace(key, "…") if len(key) >= _SHORTEST_KEY else text

    def _read(self, reply: Mapping[str, Any], call: ModelRequest) -> ModelAnswer:
        """The answer in a response. Its tokens count also when it is of no use."""
        try:
            answer = read_answer(reply, call, self.settings)
        except ModelError as error:
            part = error.answer
            self.tokens_used += part.read + part.written if isinstance(part, ModelAnswer) else 0
            raise
        self.tokens_used += answer.read + answer.written
        if call.schema is not None and not _keeps_to(call.schema, answer.text):
            self.manners.learn(("obedience",))
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


def _keeps_to(schema: Mapping[str, Any], text: str) -> bool:
    """True if the text holds an object with the keys of the schema: a server that enforces schemas sends no other."""
    try:
        values = json_values(text)
    except ValueError:
        return False
    wanted = set(schema.get("required", ()))
    return any(isinstance(value, dict) and wanted <= set(value) for value in values)


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


def _connection_error(error: Exception) -> ModelError:
    """The connection failed; what we raised ourselves while reading comes back as it was."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ModelError):
            return cause
        cause = cause.__cause__ or cause.__context__
    return Unreachable("the model's server cannot be reached; see SAVEPLAY_MODEL_URL")
