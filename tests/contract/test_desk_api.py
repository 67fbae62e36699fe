"""The desk's API: it follows its own description, does each thing once, and decides like people at the desk."""

# ruff: noqa: F811  (fixtures are imported by name)

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, settings
from schemathesis import checks

from tests.desk_in_process import (  # noqa: F401  fixtures
    DESK_URL,
    MEMBER_NAMES,
    InProcessDesk,
    MeetingDecisions,
    meeting_decisions,
    monday_by_file,
    monday_store,
    own_copy,
)
from tests.e2e.shared_stores import W47, W48, StoreFolder, shared_stores, team_data, team_first_week  # noqa: F401  fixtures
from tests.served_desk import LEADER, ServedClient, running_desk

pytestmark = pytest.mark.timeout(400)
API = f"/api/v1/reviews/{W48}"
EXAMPLES = 12
"""Number of generated calls per operation; more found no other faults and take seconds."""


@pytest.fixture
def fresh(monday_store: StoreFolder, tmp_path: Path) -> Iterator[InProcessDesk]:
    """A new desk for one test."""
    inside = InProcessDesk(own_copy(monday_store, tmp_path / "place").store)
    yield inside
    inside.close()


@pytest.fixture
def program(fresh: InProcessDesk) -> TestClient:
    """A client with a leader's token for that desk."""
    return fresh.token_client(fresh.member("leader"))


@pytest.fixture
def plays(monday_store: StoreFolder) -> list[dict[str, Any]]:
    """The plays that wait, in the order of the meeting."""
    found: list[dict[str, Any]] = monday_store.document(W48)["plays"]
    return found


def approve(play: dict[str, Any], seen: int = 0, **more: Any) -> dict[str, Any]:
    """Body of a call that approves a play in the version that was read."""
    decision = {"account": play["account_id"], "decision": "approve", "version": play["version"], "reason": "worth it"}
    return {"decision": {**decision, **more}, "seen": seen}


# the description -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def probed(monday_store: StoreFolder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcessDesk]:
    """A desk for generated calls."""
    inside = InProcessDesk(own_copy(monday_store, tmp_path_factory.mktemp("probed") / "place").store)
    yield inside
    inside.close()


@pytest.fixture(scope="module")
def described(probed: InProcessDesk, monday_store: StoreFolder) -> tuple[Any, dict[str, str]]:
    """The API schema with ids of this store, and the headers of a leader's program."""
    description = probed.anonymous_client().get("/api/openapi.json").json()
    ids = {
        "review_id": [W48, W47, "2020-W01"],
        "action_id": [monday_store.actions()[0][0], monday_store.actions()[5][0], "nothing"],
        "account": [play["account_id"] for play in monday_store.document(W48)["plays"][:2]],
    }
    for operations in description["paths"].values():
        for operation in operations.values():
            for parameter in operation.get("parameters", ()):
                if parameter["in"] == "path":
                    parameter["schema"]["enum"] = ids[parameter["name"]]
    schema = schemathesis.openapi.from_dict(description)
    schema.app = probed.app
    headers = {"authorization": f"Bearer {probed.token(probed.member('leader'))}", "host": DESK_URL.partition("//")[2]}
    return schema, headers


def test_whatever_a_program_sends_is_answered_as_described_and_never_by_a_fault(
    described: tuple[Any, dict[str, str]], probed: InProcessDesk
) -> None:
    schema, headers = described
    tried: dict[str, set[int]] = {}

    for found in schema.get_all_operations():
        operation = found.ok()

        def call(case: Any) -> None:
            answer = case.call(headers=headers)
            tried.setdefault(case.operation.label, set()).add(answer.status_code)
            case.validate_response(
                answer,
                checks=[
                    checks.not_a_server_error,
                    schemathesis.specs.openapi.checks.status_code_conformance,
                    schemathesis.specs.openapi.checks.content_type_conformance,
                    schemathesis.specs.openapi.checks.response_schema_conformance,
                ],
            )

        test = schemathesis_test(operation, call)
        test()
    assert len(tried) == len([1 for path in schema.raw_schema["paths"].values() for _ in path])
    assert {200, 422} <= set().union(*tried.values())
    with probed.desk.store_pool.borrow() as place:
        assert place.store.verify_audit().is_sound


def schemathesis_test(operation: Any, call: Any) -> Any:
    """A property test over calls of one operation, with the same calls in every run."""
    from hypothesis import given

    limits = settings(
        max_examples=EXAMPLES, derandomize=True, database=None, deadline=None, phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    return limits(given(case=operation.as_strategy())(call_with(call)))


def call_with(call: Any) -> Any:
    def each(case: Any) -> None:
        call(case)

    return each


def test_the_description_names_every_refusal_with_what_it_looks_like(fresh: InProcessDesk) -> None:
    description = fresh.anonymous_client().get("/api/openapi.json").json()
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            assert {"200", "401", "403", "404", "409", "422", "503"} <= set(operation["responses"]), (method, path)
            assert operation["summary"], path
            if method == "post":
                assert "Idempotency-Key" in {each["name"] for each in operation["parameters"]}, path


# repeated calls ------------------------------------------------------------------------------------------------------


def test_the_same_key_and_call_again_give_the_same_answer_and_are_done_once(
    fresh: InProcessDesk, program: TestClient, plays: list[dict[str, Any]]
) -> None:
    key = {"idempotency-key": "one"}
    first = program.post(f"{API}/choices", json=approve(plays[0]), headers=key)
    again = [program.post(f"{API}/choices", json=approve(plays[0]), headers=key) for _ in range(3)]
    assert first.status_code == 200
    assert [(each.status_code, each.content) for each in again] == [(200, first.content)] * 3
    assert ("idempotent-replay" in first.headers, again[0].headers["idempotent-replay"]) == (False, "true")
    assert [entry["what"] for entry in fresh.audit()].count("chose") == 1


@pytest.mark.parametrize("what", ["note", "mark", "override"])
def test_every_kind_of_call_is_done_once_a_key(
    fresh: InProcessDesk, program: TestClient, monday_store: StoreFolder, what: str
) -> None:
    action, account = monday_store.actions()[0][0], monday_store.document(W48)["plays"][0]["account_id"]
    calls: dict[str, tuple[str, dict[str, Any], str]] = {
        "note": (f"{API}/notes", {"text": "They called"}, "wrote down"),
        "mark": (f"/api/v1/actions/{action}", {"state": "done", "on": "2026-11-20"}, "done"),
        "override": (
            f"{API}/overrides/{account}",
            {"band": "red", "reason": "so", "until": str(date.today() + timedelta(days=9))},
            "override",
        ),
    }
    path, body, logged = calls[what]
    before = [entry["what"] for entry in fresh.audit()].count(logged)
    said = [program.post(path, json=body, headers={"idempotency-key": "k"}).json() for _ in range(3)]
    assert said[0] == said[1] == said[2]
    assert [entry["what"] for entry in fresh.audit()].count(logged) == before + 1


def test_a_key_that_was_used_for_another_call_is_refused(program: TestClient, plays: list[dict[str, Any]]) -> None:
    key = {"idempotency-key": "one"}
    assert program.post(f"{API}/choices", json=approve(plays[0]), headers=key).status_code == 200
    others = [
        program.post(f"{API}/choices", json=approve(plays[1]), headers=key),
        program.post(f"{API}/choices", json=approve(plays[0], reason="another"), headers=key),
        program.post(f"{API}/notes", json={"text": "They called"}, headers=key),
    ]
    assert [(each.status_code, each.json()["error"]) for each in others] == [(409, "stale")] * 3


def test_a_call_that_was_refused_may_be_sent_again_with_its_key_once_it_is_right(
    program: TestClient, plays: list[dict[str, Any]]
) -> None:
    key = {"idempotency-key": "one"}
    assert program.post(f"{API}/choices", json=approve(plays[0], seen=7), headers=key).status_code == 409
    assert program.post(f"{API}/choices", json=approve(plays[0]), headers=key).status_code == 200


def test_the_keys_of_two_people_are_two_keys(fresh: InProcessDesk, plays: list[dict[str, Any]]) -> None:
    key = {"idempotency-key": "one"}
    for role in ("leader", "manager"):
        answer = fresh.token_client(fresh.member(role)).post(f"{API}/notes", json={"text": f"by a {role}"}, headers=key)
        assert (answer.status_code, "idempotent-replay" in answer.headers) == (200, False)


def test_a_key_sent_twice_at_once_is_done_once(fresh: InProcessDesk, monday_store: StoreFolder) -> None:
    leader = fresh.member("leader")
    token = fresh.token(leader)
    headers = {"authorization": f"Bearer {token}", "idempotency-key": "one"}
    with ThreadPoolExecutor(8) as threads:
        said = list(
            threads.map(
                lambda _: fresh.anonymous_client().post(f"{API}/notes", json={"text": "They called"}, headers=headers),
                range(8),
            )
        )
    assert {each.status_code for each in said} == {200}
    assert sum("idempotent-replay" not in each.headers for each in said) == 1
    assert [entry["what"] for entry in fresh.audit()].count("wrote down") == 1


# stale versions ------------------------------------------------------------------------------------------------------


def test_a_choice_over_one_that_was_not_read_is_refused(program: TestClient, plays: list[dict[str, Any]]) -> None:
    play = plays[0]
    assert program.post(f"{API}/choices", json=approve(play)).json()["number"] == 1
    late = program.post(f"{API}/choices", json=approve(play))
    assert (late.status_code, late.json()["error"]) == (409, "stale")
    assert f"{MEMBER_NAMES['leader']} decided meanwhile" in late.json()["message"]
    assert program.post(f"{API}/choices", json=approve(play, seen=2)).status_code == 409
    assert program.post(f"{API}/choices", json=approve(play, seen=1)).json()["number"] == 2


@pytest.mark.parametrize("version", ["0" * 12, "", None])
def test_a_choice_about_another_play_than_the_one_that_stands_is_refused(
    program: TestClient, plays: list[dict[str, Any]], version: str | None
) -> None:
    answer = program.post(f"{API}/choices", json=approve(plays[0], version=version))
    assert (answer.status_code, answer.json()["error"]) == (409, "stale")
    assert program.get(f"{API}/choices").json()["choices"] == {}


def test_of_many_who_choose_at_once_one_is_taken(fresh: InProcessDesk, plays: list[dict[str, Any]]) -> None:
    programs = [fresh.token_client(fresh.member("leader")) for _ in range(6)]
    with ThreadPoolExecutor(6) as threads:
        said = list(threads.map(lambda each: each.post(f"{API}/choices", json=approve(plays[0])).status_code, programs))
    assert sorted(said) == [200, 409, 409, 409, 409, 409]
    assert [entry["what"] for entry in fresh.audit()].count("chose") == 1


def test_a_plan_is_recorded_once_and_only_when_every_play_has_a_decision(
    program: TestClient, plays: list[dict[str, Any]]
) -> None:
    early = program.post(f"{API}/plan", json={"others": "approve"})
    assert (early.status_code, early.json()["error"]) == (422, "cannot")
    for play in plays:
        assert program.post(f"{API}/choices", json=approve(play)).status_code == 200
    assert program.post(f"{API}/plan", json={"others": "approve"}).json() == {"recorded": len(plays)}
    twice = program.post(f"{API}/plan", json={"others": "approve"})
    late = program.post(f"{API}/choices", json=approve(plays[0], seen=1))
    assert (twice.status_code, late.status_code) == (409, 409)


def test_what_is_no_amount_is_refused_and_nothing_is_recorded(
    fresh: InProcessDesk, program: TestClient, plays: list[dict[str, Any]]
) -> None:
    for play in plays:
        assert program.post(f"{API}/choices", json=approve(play)).status_code == 200
    headers, taken = {"content-type": "application/json"}, []
    for body in ('{"others": "approve", "budget": %s}', '{"others": "approve", "hours": {"csm": %s}}'):
        for number in ("NaN", "Infinity", "-1", "1e300", '"much"'):
            answer = program.post(f"{API}/plan", content=body % number, headers=headers)
            if answer.status_code != 422:
                taken.append((body % number, answer.status_code))
    assert taken == []
    assert "decided" not in [entry["what"] for entry in fresh.audit() if entry["review_id"] == W48]


# the same result as the command line ---------------------------------------------------------------------------------


def test_what_a_program_decides_is_what_a_decisions_file_decides(
    monday_store: StoreFolder, monday_by_file: StoreFolder, meeting_decisions: MeetingDecisions, tmp_path: Path
) -> None:
    by_program = own_copy(monday_store, tmp_path / "program")
    decide_by_program(by_program, meeting_decisions)
    one, other = monday_by_file.document(W48), by_program.document(W48)
    assert {decision["by"] for decision in other["decisions"]} == {LEADER}
    for part in ("decisions", "actions", "plays", "touchpoints", "crm_updates", "state"):
        assert other[part] == one[part], part
    assert other == one
    assert by_program.actions() == monday_by_file.actions()
    assert by_program.digests(W48) == monday_by_file.digests(W48)


def decide_by_program(place: StoreFolder, meant: MeetingDecisions) -> None:
    """Make the same decisions through the API of a served desk, one call each, until the week is closed."""
    with running_desk(place.store) as served:
        headers = {"authorization": f"Bearer {served.token(LEADER, 'leader')}"}
        with ServedClient(base_url=served.at, headers=headers, timeout=60, trust_env=False) as program:
            for decision in meant.plays:
                program.post(f"{API}/choices", json={"decision": decision}).raise_for_status()
            program.post(f"{API}/plan", json={"others": meant.others, "budget": meant.budget}).raise_for_status()
            until(program, "closing")
            program.post(f"{API}/close", json=meant.close).raise_for_status()
            until(program, "closed")
            written(place)


def until(program: Any, stage: str) -> None:
    """Wait until the review has reached the stage."""
    deadline = time.monotonic() + 60
    while (at := {each["review_id"]: each["stage"] for each in program.get("/api/v1/reviews").json()}[W48]) != stage:
        assert time.monotonic() < deadline, at
        time.sleep(0.1)


def written(place: StoreFolder) -> None:
    """Wait until the pages are written, which happens shortly after the store closes the week."""
    deadline = time.monotonic() + 30
    while place.document(W48)["state"] != "closed":
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_program_reads_the_review_as_its_file_holds_it(program: TestClient, monday_store: StoreFolder) -> None:
    found = program.get(API).json()
    assert found == json.loads((monday_store.out / W48 / "review.json").read_text(encoding="utf-8"))


def test_a_program_finds_every_account_page_by_page(program: TestClient) -> None:
    first = program.get(f"{API}/accounts?show=all").json()
    rows = [
        row for page in range(1, first["pages"] + 1)
        for row in program.get(f"{API}/accounts?show=all&page={page}").json()["rows"]
    ]  # fmt: skip
    assert len({row["account_id"] for row in rows}) == len(rows) == first["accounts"] > 15


def test_a_program_reads_the_log_and_that_it_is_sound(program: TestClient) -> None:
    assert program.post(f"{API}/notes", json={"text": "They called"}).status_code == 200
    found = program.get("/api/v1/audit?most=1").json()
    assert found["verdict"]["faults"] == []
    [line] = found["lines"]
    assert (line["what"], line["who"], line["facts"]["way"]) == ("wrote down", MEMBER_NAMES["leader"], "API")
    older = program.get(f"/api/v1/audit?before={line['seq']}").json()["lines"]
    assert max(each["seq"] for each in older) < line["seq"]
