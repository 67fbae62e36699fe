"""Model client: every behaviour of a server gives one answer or one error of the error tree, within the time limit.

The server is real and local (``tests/model_server.py``); only the clock and the pauses are faked.
"""

import asyncio
import json
import tracemalloc
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from agents.briefer import Briefer
from agents.conversation import CallListener, Message, ModelAnswer, ToolCall
from agents.model_client import OpenAIClient
from domain.configuration import ModelSettings
from domain.drafting import DraftingRecord
from domain.errors import (
    AnswerRefused,
    AnswerTooLarge,
    AnswerTruncated,
    ModelError,
    OverBudget,
    RateLimited,
    RequestRejected,
    ServerFailed,
    TimedOut,
    Unreachable,
)
from domain.token_usage import TokenUsage
from tests.builders import SHIPPED
from tests.model_server import (
    Behaviour,
    ModelServer,
    ReceivedRequest,
    ResponseWriter,
    answers,
    answers_from_request,
    breaks_off,
    calls_a_tool,
    completion_body,
    compressed_answer,
    content_filtered,
    fails,
    hangs_up,
    huge_answer,
    knows_no_schemas,
    nested_answer,
    nested_body,
    never_answers,
    proxy_page,
    refused_address,
    refuses,
    sends,
    sends_bytes,
    sends_bytes_slowly,
    sends_without_end,
    stops_short,
    without_choices,
    without_usage,
)
from tools.planning.briefing import BriefingFact
from tools.save_play.answer_schema import briefing_schema

KEY = "sk-a-key-that-nobody-may-see"
TALK = (Message("system", "Answer in JSON."), Message("user", "What next?"))
SCHEMA = briefing_schema(3, 6)
ATTEMPTS = 3
"""Calls including the two retries of the shipped configuration."""


@pytest.fixture(scope="module", autouse=True)
def _nobody_to_trust(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Load no certificates: reading them takes most of the time, and nothing here is encrypted."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("SSL_CERT_FILE", raising=False)
        patch.setenv("SSL_CERT_DIR", str(tmp_path_factory.mktemp("certificates")))
        yield


def settings(**values: float) -> ModelSettings:
    """The shipped settings with other values."""
    model = SHIPPED.model
    changed = {name: getattr(model, name).model_copy(update={"value": value}) for name, value in values.items()}
    return model.model_copy(update=changed)


class Time:
    """A clock that moves only by pauses or by hand."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.pauses: list[float] = []

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


@asynccontextmanager
async def connected(
    to: ModelServer | str,
    time: Time | None = None,
    *,
    key: str | None = KEY,
    heard: CallListener = lambda *_: None,
    spent: int = 0,
    **values: float,
) -> AsyncIterator[OpenAIClient]:
    """A client that is open during the block."""
    time, url = time or Time(), to if isinstance(to, str) else to.url
    client = OpenAIClient(settings(**values), url, key, heard, time.clock, time.sleep, spent)
    try:
        yield client
    finally:
        if client._server is not None:
            await client._server.close()


Came = ModelAnswer | ModelError


async def came_of(client: OpenAIClient, *more: Any) -> Came:
    """The answer, or the error of the tree. Any other exception is a fault of the product."""
    try:
        return await client.complete("small", TALK, *more)
    except ModelError as error:
        return error


def ask(
    to: ModelServer | str,
    time: Time | None = None,
    *,
    times: int = 1,
    schema: Mapping[str, Any] | None = None,
    between: Callable[[], None] = lambda: None,
    **more: Any,
) -> list[Came]:
    """Results of so many calls, one after the other."""

    async def work() -> list[Came]:
        found: list[Came] = []
        async with connected(to, time, **more) as client:
            for _ in range(times):
                found.append(await came_of(client, schema))
                between()
        return found

    return asyncio.run(work())


def at_the_same_time(to: ModelServer, calls: int, **more: Any) -> list[Came]:
    """Results of so many calls, all started at once."""

    async def work() -> list[Came]:
        async with connected(to, **more) as client:
            return list(await asyncio.gather(*(came_of(client) for _ in range(calls))))

    return asyncio.run(work())


def kinds(found: Sequence[Came]) -> list[type]:
    return [type(each) for each in found]


def formats(server: ModelServer) -> list[str]:
    """The requested answer format of each request."""
    return [asked.body.get("response_format", {}).get("type", "none") for asked in server.asked]


def one_choice(choice: Any) -> Behaviour:
    return sends({**completion_body(), "choices": [choice]})


# every misbehaviour has its error ------------------------------------------------------------------------------------

ONCE: dict[str, tuple[Behaviour, type[ModelError]]] = {
    "declines": (refuses(), AnswerRefused),
    "is stopped by a filter": (content_filtered("{}"), AnswerRefused),
    "runs into the length limit": (stops_short(), AnswerTruncated),
    "writes ten megabytes": (huge_answer(), AnswerTooLarge),
    "sends bytes without an end": (sends_without_end(), AnswerTooLarge),
    "nests its answer a hundred thousand deep": (nested_answer(), AnswerTooLarge),
    "does not take the request": (fails(400), RequestRejected),
    "does not take the key": (fails(401), RequestRejected),
    "does not let us in": (fails(403), RequestRejected),
    "does not know the model": (fails(404), RequestRejected),
    "cannot process the request": (fails(422), RequestRejected),
    "sends us elsewhere": (sends_bytes(b"", status=302, location="http://127.0.0.1:9/"), RequestRejected),
}
"""Errors after which a retry would not help."""

AGAIN: dict[str, tuple[Behaviour, type[ModelError]]] = {
    "has had too many calls": (fails(429), RateLimited),
    "fails": (fails(500), ServerFailed),
    "is overloaded": (fails(503), ServerFailed),
    "gave up waiting itself": (fails(504), TimedOut),
    "closes the connection at once": (hangs_up(), Unreachable),
    "closes the connection half-way": (breaks_off(), Unreachable),
    "sends a web page": (proxy_page(), ServerFailed),
    "sends nothing": (sends_bytes(b""), ServerFailed),
    "sends half of a JSON document": (sends_bytes(b'{"choices": ['), ServerFailed),
    "sends bytes that are no text": (sends_bytes(b'{"id": "\xff\xfe"}'), ServerFailed),
    "nests its response without an end": (nested_body(), ServerFailed),
    "sends a list": (sends_bytes(b"[]"), ServerFailed),
    "sends an error with status 200": (sends({"error": {"message": "no"}}), ServerFailed),
    "sends no choice": (without_choices(), ServerFailed),
    "sends choices under names": (sends({**completion_body("{}"), "choices": {"first": {}}}), ServerFailed),
    "sends a choice that is none": (one_choice(None), ServerFailed),
    "sends a choice without a message": (one_choice({"index": 0, "finish_reason": "stop"}), ServerFailed),
    "sends a message that is a text": (one_choice({"index": 0, "message": "hello"}), ServerFailed),
}
"""Errors after which a retry may help."""


@pytest.mark.parametrize("server", ONCE)
def test_a_server_that_asking_again_does_not_mend_is_asked_once(server: str) -> None:
    behaviour, expected = ONCE[server]
    time = Time()
    with ModelServer(otherwise=behaviour) as told:
        assert kinds(ask(told, time)) == [expected]
    assert len(told.asked) == 1
    assert time.pauses == []


@pytest.mark.parametrize("server", AGAIN)
def test_a_server_that_may_recover_is_asked_as_often_as_configured_and_not_once_more(server: str) -> None:
    behaviour, expected = AGAIN[server]
    time = Time()
    with ModelServer(otherwise=behaviour) as told:
        assert kinds(ask(told, time)) == [expected]
    assert len(told.asked) == ATTEMPTS, "one retry layer only"
    assert time.pauses == [0.5, 1.0]


@pytest.mark.parametrize(
    "behaviour", [never_answers(), sends_bytes_slowly()], ids=["says nothing", "says one byte after the other"]
)
def test_a_server_that_does_not_come_to_an_end_is_left_when_the_time_is_up(behaviour: Behaviour) -> None:
    with ModelServer(otherwise=behaviour) as told:
        assert kinds(ask(told, timeout=0.15, retries=1)) == [TimedOut]
    assert len(told.asked) == 2


@pytest.mark.parametrize(
    "url", [None, "localhost:1", "nowhere", "http://[", "http://127.0.0.1:1/v1\n", "ftp://127.0.0.1/v1"]
)
def test_a_server_that_is_not_there_is_unreachable_however_its_address_is_misspelt(url: str | None) -> None:
    (error,) = ask(url or refused_address())
    assert type(error) is Unreachable
    assert "SAVEPLAY_MODEL_URL" in str(error)


def test_an_error_says_where_to_look_and_keeps_its_status() -> None:
    for status, place in ((401, "OPENAI_API_KEY"), (403, "OPENAI_API_KEY"), (404, "SAVEPLAY_MODEL")):
        with ModelServer(fails(status)) as told:
            (error,) = ask(told)
        assert isinstance(error, RequestRejected)
        assert error.status == status
        assert place in str(error)


def test_a_server_that_comes_back_is_heard() -> None:
    calls: list[tuple[str, float, str]] = []
    with ModelServer(fails(500), fails(429), hangs_up(), answers("{}")) as told:
        (answer,) = ask(told, retries=3, heard=lambda *call: calls.append(call))
    assert answer == ModelAnswer("{}", 100, 50)
    assert calls == [
        ("small", 0.0, outcome) for outcome in ("server_failed", "rate_limited", "unreachable", "answered")
    ]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('{"sentences": ["It', "not_json"),
        ("I would call them first.", "not_json"),
        ("", "not_json"),
        (None, "not_json"),
        ([{"type": "text", "text": "{}"}], "wrong_shape"),
        ('{"a":' * 20_000, "not_json"),
        ("\ud800", "not_json"),
        ("[]", "wrong_shape"),
        ('{"sentences": "one"}', "wrong_shape"),
    ],
    ids=[
        "half of it", "prose", "nothing", "null", "a list of parts", "one object in the other without an end",
        "half a character", "another type", "text for a list",
    ],
)  # fmt: skip
def test_an_answer_of_no_use_is_sent_back_twice_and_then_done_without(text: Any, code: str) -> None:
    named = SHIPPED.model_copy(update={"model": SHIPPED.model.model_copy(update={"name": "small"})})
    facts = (BriefingFact(id="F1", kind="decide", text="10 save plays wait for a decision"),)

    async def work() -> DraftingRecord:
        async with connected(told) as client:
            return (await Briefer(named, frozenset(), client).write(facts)).drafting

    with ModelServer(otherwise=answers(text)) as told:
        drafting = asyncio.run(work())
    assert [fault.code for fault in drafting.refused] == [code] * 3
    assert (drafting.outcome, drafting.error, drafting.rounds) == ("fell_back", None, 3)
    assert drafting.tokens == TokenUsage(read=300, written=150, calls=3)
    assert len(told.asked) == 3


# pauses --------------------------------------------------------------------------------------------------------------


def test_the_pause_doubles_from_attempt_to_attempt() -> None:
    time = Time()
    with ModelServer(otherwise=fails(500)) as told:
        ask(told, time, retries=4, retry_first_wait=1)
    assert time.pauses == [1, 2, 4, 8]
    assert len(told.asked) == 5


@pytest.mark.parametrize(
    ("status", "said", "pauses"),
    [
        (429, "3", [3, 3]),
        (503, "3", [3, 3]),
        (429, "0", [0, 0]),
        (429, "0.25", [0.25, 0.25]),
        (429, "-5", [0, 0]),
        (429, "20", [20, 20]),
        (429, "20.5", []),
        (503, "86400", []),
        (429, "inf", []),
        (429, "nan", [0.5, 1.0]),
        (429, "soon", [0.5, 1.0]),
        (429, "", [0.5, 1.0]),
        (429, "Wed, 21 Oct 2026 07:28:00 GMT", [0.5, 1.0]),
    ],
)
def test_a_server_is_given_the_time_that_it_asks_for_unless_that_is_too_long(
    status: int, said: str, pauses: list[float]
) -> None:
    time = Time()
    with ModelServer(otherwise=fails(status, retry_after=said)) as told:
        assert kinds(ask(told, time)) == [RateLimited if status == 429 else ServerFailed]
    assert time.pauses == pauses
    assert len(told.asked) == len(pauses) + 1


def test_a_doubled_pause_beyond_the_longest_ends_the_attempts() -> None:
    time = Time()
    with ModelServer(otherwise=fails(500)) as told:
        assert kinds(ask(told, time, retries=5, retry_first_wait=15)) == [ServerFailed]
    assert time.pauses == [15]
    assert len(told.asked) == 2


# the breaker ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("behaviour", "expected", "requests"),
    [
        (hangs_up(), Unreachable, ATTEMPTS),
        (fails(500), ServerFailed, ATTEMPTS),
        (fails(429), RateLimited, ATTEMPTS),
        (fails(429, retry_after="600"), RateLimited, 1),
        (proxy_page(), ServerFailed, ATTEMPTS),
        (fails(401), RequestRejected, 1),
        (fails(404), RequestRejected, 1),
    ],
    ids=["unreachable", "failing", "limited", "limited for long", "no model", "wrong key", "unknown model"],
)
def test_a_server_that_is_of_no_use_is_not_asked_for_the_other_plays(
    behaviour: Behaviour, expected: type[ModelError], requests: int
) -> None:
    with ModelServer(otherwise=behaviour) as told:
        assert kinds(ask(told, times=4)) == [expected] * 4
    assert len(told.asked) == requests


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        (refuses(), AnswerRefused),
        (stops_short(), AnswerTruncated),
        (huge_answer(300_000), AnswerTooLarge),
        (fails(408), TimedOut),
    ],
    ids=["declined", "cut short", "too large", "too slow"],
)
def test_one_play_that_fails_does_not_take_the_model_from_the_others(
    first: Behaviour, expected: type[ModelError]
) -> None:
    with ModelServer(first, otherwise=answers("{}")) as told:
        assert kinds(ask(told, times=2, retries=0)) == [expected, ModelAnswer]
    assert len(told.asked) == 2


def test_a_play_that_waits_in_line_is_not_sent_to_a_server_that_refused_the_one_before() -> None:
    with ModelServer(otherwise=fails(401)) as told:
        assert kinds(at_the_same_time(told, 6, at_once=1)) == [RequestRejected] * 6
    assert len(told.asked) == 1


# the budget ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("behaviour", "first"),
    [
        (answers("{}"), ModelAnswer),
        (refuses(), AnswerRefused),
        (stops_short(), AnswerTruncated),
        (huge_answer(300_000), AnswerTooLarge),
    ],
    ids=["answered", "declined", "cut short", "too large"],
)
def test_when_the_tokens_of_the_review_are_spent_nothing_more_is_asked(behaviour: Behaviour, first: type) -> None:
    with ModelServer(otherwise=behaviour) as told:
        assert kinds(ask(told, times=4, budget_tokens=300)) == [first, first, OverBudget, OverBudget]
    assert len(told.asked) == 2, "two calls of 150 tokens each"


def test_tokens_that_an_earlier_process_spent_count_too() -> None:
    with ModelServer(otherwise=answers("{}")) as told:
        assert kinds(ask(told, times=2, budget_tokens=300, spent=200)) == [ModelAnswer, OverBudget]


def test_a_server_that_does_not_count_tokens_has_them_estimated() -> None:
    with ModelServer(otherwise=without_usage('{"a": "bcde"}' * 100)) as told:
        first, second = ask(told, times=2, budget_tokens=300)
    assert first == ModelAnswer('{"a": "bcde"}' * 100, 0, 325)
    assert type(second) is OverBudget


@pytest.mark.parametrize("count", ["1e999", "-1e999", "NaN", '"many"', "null", "-5", "[]", "1.5"])
def test_an_odd_count_of_tokens_costs_no_answer(count: str) -> None:
    body = json.dumps(completion_body("{}")).replace('"prompt_tokens": 100', f'"prompt_tokens": {count}').encode()
    with ModelServer(otherwise=sends_bytes(body)) as told:
        (answer,) = ask(told)
    assert isinstance(answer, ModelAnswer)
    assert answer.text == "{}"
    assert answer.read >= 0
    assert answer.written >= 0


def test_when_the_seconds_of_the_review_are_over_nothing_more_is_asked() -> None:
    time = Time()

    def pass_by() -> None:
        time.now += 600

    with ModelServer(otherwise=answers("{}")) as told:
        time.now += 100_000  # the time starts with the first call
        found = ask(told, time, times=4, between=pass_by, budget_seconds=1200)
    assert kinds(found) == [ModelAnswer, ModelAnswer, OverBudget, OverBudget]
    assert len(told.asked) == 2


def test_pauses_between_attempts_come_out_of_the_same_seconds() -> None:
    time = Time()
    with ModelServer(otherwise=fails(500)) as told:
        assert kinds(ask(told, time, retries=5, retry_first_wait=5, budget_seconds=12)) == [OverBudget]
    assert time.pauses == [5, 10]
    assert len(told.asked) == 2


# side by side --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at_once", [1, 3])
def test_a_server_never_gets_more_calls_at_once_than_configured(at_once: int) -> None:
    with ModelServer(otherwise=answers_from_request(lambda _: "{}", after=0.02)) as told:
        found = at_the_same_time(told, 9, at_once=at_once)
    assert kinds(found) == [ModelAnswer] * 9
    assert len(told.asked) == 9
    assert told.most_at_once == at_once


# how much is read ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "behaviour",
    [huge_answer(30_000_000), sends_without_end(), sends_without_end(status=500)],
    ids=["an answer", "no answer", "an error"],
)
def test_of_a_response_without_an_end_only_the_beginning_is_read(behaviour: Behaviour) -> None:
    with ModelServer(otherwise=behaviour) as told:
        assert isinstance(ask(told, retries=0)[0], ModelError)
    assert told.asked[0].sent < 15_000_000, "what the network holds in between, but not all of it"


def test_a_small_response_cannot_unpack_to_a_large_one() -> None:
    with ModelServer(answers("{}"), otherwise=compressed_answer()) as told:
        ask(told)  # everything that is needed is loaded now
        tracemalloc.start()
        try:
            (error,) = ask(told, retries=0)
            most = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert isinstance(error, ModelError)
    assert most < 4_000_000


def test_of_an_answer_that_is_too_long_only_the_beginning_is_kept() -> None:
    with ModelServer(answers("ab" * 2_000)) as told:
        (error,) = ask(told, answer_bytes=3_999)
    assert isinstance(error, AnswerTooLarge)
    assert error.answer == ModelAnswer("ab" * 1_000, 100, 50)


def test_an_answer_of_exactly_the_longest_length_is_taken() -> None:
    with ModelServer(answers("ab" * 2_000)) as told:
        assert kinds(ask(told, answer_bytes=4_000)) == [ModelAnswer]


# servers without structured output -----------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 422])
def test_a_server_that_knows_no_schemas_is_told_once_and_from_then_on_in_words(status: int) -> None:
    first = sends({"error": {"message": "response_format: json_schema is not supported"}}, status)
    with ModelServer(first, otherwise=answers("{}")) as told:
        assert kinds(ask(told, times=3, schema=SCHEMA)) == [ModelAnswer] * 3
    assert formats(told) == ["json_schema", "json_object", "json_object", "json_object"]
    assert told.asked[0].schema == SCHEMA
    assert told.asked[0].body["messages"] == [message.to_openai() for message in TALK]
    rules, question = told.asked[1].body["messages"]
    assert rules["content"].startswith(TALK[0].content)
    assert json.dumps(SCHEMA, separators=(",", ":")) in rules["content"]
    assert question == TALK[1].to_openai()
    assert told.asked[1].body["messages"] == told.asked[3].body["messages"]


@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [(stops_short(), AnswerTruncated), (refuses(), AnswerRefused)],
    ids=["cut short", "declined"],
)
def test_that_a_server_knows_no_schemas_is_remembered_also_when_the_answer_is_of_no_use(
    behaviour: Behaviour, expected: type[ModelError]
) -> None:
    with ModelServer(otherwise=knows_no_schemas(behaviour)) as told:
        assert kinds(ask(told, times=2, schema=SCHEMA)) == [expected] * 2
    assert formats(told) == ["json_schema", "json_object", "json_object"]


def test_a_server_that_refuses_every_format_without_a_reason_is_asked_in_words_and_then_no_more() -> None:
    with ModelServer(otherwise=fails(400)) as told:
        assert kinds(ask(told, schema=SCHEMA)) == [RequestRejected]
    assert formats(told) == ["json_schema", "json_object", "none"]


def test_ten_plays_at_once_before_a_server_that_knows_no_schemas_all_get_their_answer() -> None:
    async def work(url: str) -> list[Came]:
        async with connected(url) as client:
            return list(await asyncio.gather(*[came_of(client, SCHEMA) for _ in range(10)]))

    with ModelServer(otherwise=knows_no_schemas(answers("{}"))) as told:
        assert kinds(asyncio.run(work(told.url))) == [ModelAnswer] * 10


def test_a_server_that_fixes_its_own_temperature_is_asked_without_one_from_then_on() -> None:
    def fixed(asked: ReceivedRequest, line: ResponseWriter) -> None:
        words = {"error": {"message": "Unsupported value: 'temperature' does not support 0", "code": None}}
        refusal = sends_bytes(json.dumps(words).encode(), status=400)
        (refusal if "temperature" in asked.body else answers("{}"))(asked, line)

    with ModelServer(otherwise=fixed) as told:
        assert kinds(ask(told, times=2, schema=SCHEMA)) == [ModelAnswer] * 2
    assert formats(told) == ["json_schema"] * 3
    assert ["temperature" in asked.body for asked in told.asked] == [True, False, False]
    assert "seed" in told.asked[-1].body


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_wrong_key_or_name_is_not_taken_for_a_lack_of_schemas(status: int) -> None:
    with ModelServer(otherwise=fails(status)) as told:
        assert kinds(ask(told, schema=SCHEMA)) == [RequestRejected]
    assert formats(told) == ["json_schema"]


def test_a_server_that_knows_schemas_is_asked_with_them_every_time() -> None:
    with ModelServer(otherwise=answers("{}")) as told:
        ask(told, times=2, schema=SCHEMA)
    assert formats(told) == ["json_schema", "json_schema"]
    assert told.asked[0].body["response_format"]["json_schema"]["strict"] is True


# what is sent --------------------------------------------------------------------------------------------------------


def test_the_key_goes_into_the_authorization_and_nowhere_else() -> None:
    clients: list[str] = []

    async def work() -> list[Came]:
        async with connected(told) as client:
            clients.append(repr(client))
            return [await came_of(client), await came_of(client)]

    echo = sends_bytes(json.dumps({"error": {"message": f"Incorrect API key provided: {KEY}"}}).encode(), status=401)
    with ModelServer(answers("{}"), echo) as told:
        _, error = asyncio.run(work())
    asked = told.asked[0]
    assert asked.headers.pop("authorization") == f"Bearer {KEY}"
    assert KEY not in json.dumps([asked.path, asked.headers, asked.body])
    assert isinstance(error, RequestRejected)
    assert KEY not in str(error), "also when the server says it again"
    assert KEY not in clients[0]


def test_a_server_of_ones_own_needs_no_key() -> None:
    with ModelServer(answers("{}")) as told:
        assert kinds(ask(told, key=None)) == [ModelAnswer]


def test_the_conversation_is_sent_as_it_was_given_with_the_settings_of_the_configuration() -> None:
    wanted = (ToolCall("call-7", "find_account", '{"name": "Zoë"}'), ToolCall("call-8", "count", "{}"))
    talk = (
        Message("system", "Rules.\n"),
        Message("user", 'Zoë’s «account» {E1} \\ "quoted" \u2028 <b>'),
        Message("assistant", "", wanted),
        Message("tool", "[]", answers="call-7"),
    )
    tools = ({"type": "function", "function": {"name": "find_account", "parameters": {"type": "object"}}},)

    async def work() -> ModelAnswer:
        async with connected(told) as client:
            return await client.complete("small", talk, tools=tools)

    with ModelServer(calls_a_tool("find_account", '{"name": "Zoë"}')) as told:
        answer = asyncio.run(work())
    (asked,) = told.asked
    assert asked.path == "/v1/chat/completions"
    assert {name: asked.body[name] for name in ("model", "messages", "temperature", "seed", "tools")} == {
        "model": "small",
        "messages": [
            {"role": "system", "content": "Rules.\n"},
            {"role": "user", "content": "Zoë’s «account» {E1} \\ \"quoted\" \u2028 <b>"},
            {"role": "assistant", "content": "", "tool_calls": [
                {"id": "call-7", "type": "function",
                 "function": {"name": "find_account", "arguments": '{"name": "Zoë"}'}},
                {"id": "call-8", "type": "function", "function": {"name": "count", "arguments": "{}"}},
            ]},
            {"role": "tool", "content": "[]", "tool_call_id": "call-7"},
        ],
        "temperature": 0, "seed": 7, "tools": list(tools),
    }  # fmt: skip
    assert answer == ModelAnswer("", 100, 50, (ToolCall("call-1", "find_account", '{"name": "Zoë"}'),))


def test_no_answer_may_be_longer_than_configured() -> None:
    with ModelServer(otherwise=answers("{}")) as told:
        ask(told, schema=SCHEMA, answer_tokens=321)
    assert told.asked[0].body["max_completion_tokens"] == 321


@pytest.mark.parametrize("status", [400, 422])
def test_a_server_that_cannot_be_made_to_call_a_tool_is_told_once_and_may_choose_from_then_on(status: int) -> None:
    tools = ({"type": "function", "function": {"name": "count", "parameters": {"type": "object"}}},)

    async def work() -> list[Came]:
        async with connected(told) as client:
            return [await came_of(client, None, tools) for _ in range(3)]

    words = sends({"error": {"message": "tool_choice: 'required' is not supported"}}, status)
    with ModelServer(words, otherwise=calls_a_tool("count", "{}")) as told:
        assert kinds(asyncio.run(work())) == [ModelAnswer] * 3
    assert [asked.body.get("tool_choice") for asked in told.asked] == ["required", "auto", "auto", "auto"]


def test_the_same_client_serves_a_review_that_goes_on_in_another_event_loop() -> None:
    body = json.dumps(completion_body("{}")).encode()
    with ModelServer(otherwise=sends_bytes(body, connection="close")) as told:
        client = OpenAIClient(settings(), told.url, KEY)
        assert kinds([asyncio.run(came_of(client)) for _ in range(2)]) == [ModelAnswer] * 2
