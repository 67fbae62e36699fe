"""Servers as they are: the right answer in another wrapping is used, what is refused is left out, one prompt costs itself."""

import asyncio
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from agents.answer_text import json_values, only_thoughts, parse_text_calls
from agents.briefer import Briefer
from agents.conversation import Message, ModelAnswer
from agents.model_client import OpenAIClient
from domain.configuration import ModelSettings
from domain.drafting import DraftingRecord
from domain.errors import (
    AnswerRefused,
    ModelError,
    ModelLoading,
    OverBudget,
    PromptTooLong,
    RequestRejected,
    ServerFailed,
    ThoughtTooLong,
)
from tests.builders import SHIPPED
from tests.model_server import Behaviour, ModelServer, answers, completion_body, fails, sends
from tests.server_manners import (
    FILTERED,
    LOADING,
    OVERLOADED_IN_200,
    TOO_LONG,
    answer_manners,
    call_manners,
    has,
    prompt_manners,
    refuses_when,
    wants,
    with_thoughts,
)
from tools.planning.briefing import BriefingFact

RIGHT = '{"sentences": ["{F1}."]}'
FACTS = (BriefingFact(id="F1", kind="decide", text="10 save plays wait for a decision"),)
CALL = ("why_at_risk", {"account": "Baobab (Ltd) {Zoë}"})
TOOLS = ({"type": "function", "function": {"name": "why_at_risk", "parameters": {"type": "object"}}},)
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}
ANSWER_MANNERS, CALL_MANNERS = answer_manners(RIGHT), call_manners(*CALL)
PAGE = Path(__file__).parents[2] / "docs" / "model.md"


@pytest.fixture(scope="module", autouse=True)
def _nobody_to_trust(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Load no certificates: reading them takes most of the time, and nothing here is encrypted."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("SSL_CERT_FILE", raising=False)
        patch.setenv("SSL_CERT_DIR", str(tmp_path_factory.mktemp("certificates")))
        yield


def settings(**values: Any) -> ModelSettings:
    model = SHIPPED.model.model_copy(update={"name": "small"})
    plain = {name: value for name, value in values.items() if not hasattr(getattr(model, name), "value")}
    numbers = {
        name: getattr(model, name).model_copy(update={"value": value})
        for name, value in values.items()
        if name not in plain
    }
    return model.model_copy(update={**plain, **numbers})


class Time:
    """A clock that moves only by pauses."""

    def __init__(self) -> None:
        self.now, self.pauses = 0.0, list[float]()

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


class Calls:
    """A client for one test: each question is one word, so that a server can tell them apart."""

    def __init__(self, server: ModelServer, time: Time | None = None, **values: Any) -> None:
        self.time = time or Time()
        self.heard: list[tuple[str, float, str]] = []
        self.client = OpenAIClient(
            settings(**values),
            server.url,
            None,
            lambda *call: self.heard.append(call),
            self.time.clock,
            self.time.sleep,
        )

    async def _one(self, word: str, schema: Mapping[str, Any] | None, tools: Any) -> ModelAnswer | ModelError:
        try:
            return await self.client.complete(
                "small", (Message("system", "Rules."), Message("user", word)), schema, tools
            )
        except ModelError as error:
            return error

    def ask(self, *words: str, schema: Any = SCHEMA, tools: Any = (), at_once: bool = False) -> list[Any]:
        async def work() -> list[Any]:
            try:
                if at_once:
                    return list(await asyncio.gather(*(self._one(word, schema, tools) for word in words)))
                return [await self._one(word, schema, tools) for word in words]
            finally:
                await self.client.close()

        return asyncio.run(work())


def briefing(server: ModelServer, **values: Any) -> DraftingRecord:
    """The record of a briefing by the model behind this server."""
    calls = Calls(server, **values)
    configuration = SHIPPED.model_copy(update={"model": calls.client.settings})

    async def work() -> DraftingRecord:
        try:
            return (await Briefer(configuration, frozenset(), calls.client).write(FACTS)).drafting
        finally:
            await calls.client.close()

    return asyncio.run(work())


# the right answer in another wrapping ----------------------------------------------------------------------------------


@pytest.mark.parametrize("manner", ANSWER_MANNERS)
def test_the_right_answer_is_used_at_the_first_try_whatever_the_manner(manner: str) -> None:
    with ModelServer(otherwise=ANSWER_MANNERS[manner]) as server:
        drafting = briefing(server, reasoning_effort="low" if "effort" in manner else None)
    assert (drafting.outcome, drafting.rounds) == ("first_try", 1), drafting
    assert len(server.asked) <= 3


@pytest.mark.parametrize("manner", CALL_MANNERS)
def test_the_call_of_a_tool_is_understood_whatever_the_manner(manner: str) -> None:
    with ModelServer(otherwise=CALL_MANNERS[manner]) as server:
        (answer,) = Calls(server).ask("why?", schema=None, tools=TOOLS)
    (call,) = answer.calls
    assert (call.name, json_values(call.arguments)) == (CALL[0], [CALL[1]])
    assert len(server.asked) <= 3


def test_every_manner_has_a_row_in_the_documentation() -> None:
    rows = set(re.findall(r"^\| ([^|]+?) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    others = {
        "the model is still loading",
        "the length spent on thoughts",
        "a schema that is not kept",
        "an error inside a 200",
    }
    assert {*ANSWER_MANNERS, *CALL_MANNERS, *prompt_manners(), *others} - rows == set()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"a": 1}', [{"a": 1}]),
        ('<think>{"a": 1}</think>{"a": 2}', [{"a": 2}]),
        ('{"a": "</think>"}', [{"a": "</think>"}]),
        ('first {"a": 1} then {"a": {"b": 2}}', [{"a": {"b": 2}}, {"a": 1}]),
        ('{broken {"a": 1}', [{"a": 1}]),
    ],
)
def test_json_is_found_in_a_text_the_likeliest_first(text: str, found: list[Any]) -> None:
    assert json_values(text) == found


@pytest.mark.parametrize("text", ["", "no", "{" * 100_000, "<think>" * 50_000, '{"a":' * 50_000, "</think>" * 50_000])
def test_a_text_of_no_use_is_given_up_at_once(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        json_values(text)
    assert parse_text_calls(text, ["why_at_risk"]) == ()
    only_thoughts(text)


@pytest.mark.parametrize(
    "text",
    [
        "why_at_risk is a tool, and {} is an object",
        "why_at_risk(__import__('os').system('true'))",
        "other(account='Baobab')",
        '{"name": "delete_account", "arguments": {}}',
        "<function=delete_account></function>",
    ],
)
def test_what_is_no_call_of_a_known_tool_is_none(text: str) -> None:
    assert parse_text_calls(text, ["why_at_risk"]) == ()


# what a server refuses -------------------------------------------------------------------------------------------------


def keys(server: ModelServer) -> list[set[str]]:
    return [set(asked.body) - {"model", "messages"} for asked in server.asked]


def test_what_a_server_names_is_left_out_from_then_on_and_nothing_else() -> None:
    said = {"detail": [{"loc": ["body", "seed"], "msg": "Extra inputs are not permitted", "input": "temperature"}]}
    with ModelServer(otherwise=refuses_when(has("seed"), None, answers('{"a": "b"}'), 422, said)) as server:
        assert all(isinstance(each, ModelAnswer) for each in Calls(server).ask("one", "two"))
    whole = {"max_completion_tokens", "temperature", "seed", "response_format"}
    assert keys(server) == [whole, whole - {"seed"}, whole - {"seed"}]


def test_one_silent_refusal_that_goes_away_teaches_nothing_and_a_second_one_does() -> None:
    silent = refuses_when(wants("json_schema"), "no", answers('{"a": "b"}'))
    with ModelServer(fails(400), answers('{"a": "b"}'), otherwise=answers('{"a": "b"}')) as once:
        Calls(once).ask("one", "two")
    with ModelServer(otherwise=silent) as always:
        Calls(always).ask("one", "two", "three")
    formats = [[asked.body["response_format"]["type"] for asked in server.asked] for server in (once, always)]
    assert formats[0] == ["json_schema", "json_object", "json_schema"]
    assert formats[1] == ["json_schema", "json_object", "json_schema", "json_object", "json_object"]


def test_without_any_response_format_the_schema_stands_in_the_rules() -> None:
    with ModelServer(otherwise=ANSWER_MANNERS["no response_format"]) as server:
        briefing(server)
    assert "response_format" not in server.asked[-1].body
    assert '"sentences"' in server.asked[-1].body["messages"][0]["content"]


def test_a_server_that_ignores_the_schema_gets_it_in_words_with_the_next_request() -> None:
    with ModelServer(answers('{"text": "All is well."}'), otherwise=answers(RIGHT)) as server:
        drafting = briefing(server)
    assert (drafting.outcome, drafting.rounds) == ("repaired", 2)
    first, second = (asked.body["messages"][0]["content"] for asked in server.asked)
    assert second.startswith(first)
    assert "additionalProperties" in second
    assert server.asked[1].schema is not None


def test_the_room_that_a_server_leaves_for_an_answer_is_used() -> None:
    with ModelServer(otherwise=ANSWER_MANNERS["a smaller window"]) as server:
        briefing(server)
    assert [asked.body["max_completion_tokens"] for asked in server.asked] == [6000, 4096 - 1800 - 1]


def test_the_servers_own_words_are_shown_in_one_line_and_cannot_end_their_quotation() -> None:
    said = {"error": {"message": "no such\nthing” as “foo", "type": "x"}}
    with ModelServer(otherwise=sends(said, 401)) as server:
        (error,) = Calls(server).ask("one")
    assert str(error) == "the model's server refused the call (401; see OPENAI_API_KEY): “no such thing' as 'foo”"


# one prompt costs itself -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("manner", prompt_manners())
@pytest.mark.parametrize("at_once", [False, True])
def test_a_prompt_that_is_refused_costs_itself_and_not_the_others(manner: str, at_once: bool) -> None:
    behaviour = prompt_manners()[manner]

    def behave(asked: Any, line: Any) -> None:
        (behaviour if asked.last == "poison" else answers('{"a": "b"}'))(asked, line)

    with ModelServer(otherwise=behave) as server:
        calls = Calls(server)
        found = calls.ask("one", "poison", "two", "poison", "three", at_once=at_once)
    assert [isinstance(each, ModelAnswer) for each in found] == [True, False, True, False, True]
    assert not any(isinstance(each, ServerFailed) for each in found)
    assert calls.client.manners.lacks == frozenset()
    assert calls.time.pauses == []


@pytest.mark.parametrize(
    ("body", "status", "expected"),
    [
        (FILTERED, 400, AnswerRefused),
        (TOO_LONG, 400, PromptTooLong),
        ({"error": {"message": "model 'small' not found", "code": "model_not_found"}}, 400, RequestRejected),
        ({"error": {"message": "small is not a valid model ID", "code": 400}}, 400, RequestRejected),
        ({"error": {"message": "Insufficient credits"}}, 402, RequestRejected),
    ],
)
def test_what_is_about_the_server_ends_the_model_and_what_is_about_a_prompt_does_not(
    body: Any, status: int, expected: type[ModelError]
) -> None:
    with ModelServer(sends(body, status), otherwise=answers('{"a": "b"}')) as server:
        found = Calls(server).ask("one", "two")
    ends = expected is RequestRejected
    assert type(found[0]) is expected
    assert isinstance(found[1], RequestRejected if ends else ModelAnswer)
    assert len(server.asked) == (1 if ends else 2)


# waiting, thinking, errors with status 200 -----------------------------------------------------------------------------


def test_a_model_that_is_loading_is_waited_for_with_progress() -> None:
    with ModelServer(*[sends(LOADING, 503)] * 4, otherwise=answers('{"a": "b"}')) as server:
        calls = Calls(server, retries=0)
        (answer,) = calls.ask("one")
    assert isinstance(answer, ModelAnswer)
    assert calls.time.pauses == [0.5, 1, 2, 4]
    assert [(seconds, what) for _, seconds, what in calls.heard] == [
        (0, "loading"), (0.5, "loading"), (1.5, "loading"), (3.5, "loading"), (0, "answered"),
    ]  # fmt: skip


def test_a_model_that_never_finishes_loading_is_given_up_after_the_configured_time() -> None:
    with ModelServer(otherwise=sends(LOADING, 503)) as server:
        calls = Calls(server, loading_wait=30)
        found = calls.ask("one", "two")
    assert [type(each) for each in found] == [ModelLoading, ModelLoading]
    assert "still loading the model: “Loading model”" in str(found[0])
    assert 30 <= calls.time.now < 30 + 20 + 1
    assert max(calls.time.pauses) <= SHIPPED.model.retry_longest_wait.value


def test_waiting_for_a_model_ends_with_the_seconds_of_the_review() -> None:
    with ModelServer(otherwise=sends({**LOADING, "estimated_time": 19.5}, 503)) as server:
        calls = Calls(server, budget_seconds=40)
        (found,) = calls.ask("one")
    assert isinstance(found, OverBudget)
    assert calls.time.pauses == [19.5] * 3


def test_calls_side_by_side_wait_in_one_line_for_a_model_that_is_loading() -> None:
    with ModelServer(*[sends(LOADING, 503)] * 6, otherwise=answers('{"a": "b"}')) as server:
        calls = Calls(server)
        found = calls.ask(*"abcd", at_once=True)
    assert all(isinstance(each, ModelAnswer) for each in found)
    assert sum(calls.time.pauses) < 10


@pytest.mark.parametrize(
    "behaviour",
    [with_thoughts("", reason="length"), answers("<think>Well, the account", reason="length")],
    ids=["apart", "in the text"],
)
def test_a_length_spent_on_thoughts_is_said_and_its_tokens_count(behaviour: Behaviour) -> None:
    with ModelServer(otherwise=behaviour) as server:
        calls = Calls(server)
        (error,) = calls.ask("one")
    assert isinstance(error, ThoughtTooLong)
    assert "still thinking" in str(error)
    assert calls.client.tokens_used == 150


def test_an_error_inside_a_200_is_the_error_that_it_says() -> None:
    asked_wrongly = {"object": "error", "message": "Unknown field response_format", "code": 400}
    with ModelServer(sends(OVERLOADED_IN_200), sends(asked_wrongly), otherwise=answers('{"a": "b"}')) as server:
        calls = Calls(server)
        (answer,) = calls.ask("one")
    assert isinstance(answer, ModelAnswer)
    assert calls.time.pauses == [0.5]
    assert [(asked.body.get("response_format") or {}).get("type") for asked in server.asked] == ["json_schema"] * 2 + ["json_object"]  # fmt: skip


# cost and effort -------------------------------------------------------------------------------------------------------


def test_tokens_read_from_the_cache_cost_what_the_table_says() -> None:
    usage = {"prompt_tokens": 1000, "completion_tokens": 100, "prompt_tokens_details": {"cached_tokens": 800}}
    with ModelServer(otherwise=sends({**completion_body(RIGHT), "usage": usage})) as server:
        drafting = briefing(server, name="gpt-5-mini", fast_name=None)
    assert drafting.cost == pytest.approx((200 * 0.25 + 800 * 0.025 + 100 * 2) / 1e6)


@pytest.mark.parametrize("cached", [-5, 2000, "many", None, [1]])
def test_an_odd_count_of_cached_tokens_makes_nothing_cheaper_than_free(cached: Any) -> None:
    usage = {"prompt_tokens": 1000, "completion_tokens": 0, "prompt_tokens_details": {"cached_tokens": cached}}
    with ModelServer(otherwise=sends({**completion_body('{"a": "b"}'), "usage": usage})) as server:
        (answer,) = Calls(server).ask("one")
    assert 0 <= answer.cached <= 1000


def test_an_effort_is_sent_only_where_the_configuration_names_one() -> None:
    with ModelServer(otherwise=answers('{"a": "b"}')) as server:
        Calls(server).ask("one")
        Calls(server, reasoning_effort="low").ask("two")
    assert [asked.body.get("reasoning_effort") for asked in server.asked] == [None, "low"]
