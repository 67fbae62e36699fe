"""Whole reviews with a language model that works, fails, is absent or is slow.

The processes and the connection are real; the model is a scripted local server.
"""

import json
import os
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.commands import DONE, WAITING, CommandResult, kill_when, saveplay
from tests.e2e.shared_stores import FIRST_DAY, W47, SharedStores, StoreFolder
from tests.model_server import (
    Behaviour,
    ModelServer,
    answers_from_request,
    fails,
    never_answers,
    refused_address,
    well_behaved,
)

pytestmark = pytest.mark.long

MODEL, KEY = "gpt-5-mini", "sk-nobody-may-see-this-key"
PLAYS = 10
THOUGHT = 1.0
"""Seconds that the slow model takes for an answer."""


def model_at(url: str, **more: str) -> dict[str, str]:
    """The environment of a review with a model."""
    return {"SAVEPLAY_MODEL": MODEL, "SAVEPLAY_MODEL_URL": url, "OPENAI_API_KEY": KEY, **more}


def served(
    place: StoreFolder, desk: Path, behaviour: Behaviour, *approve: str, code: int, **more: str
) -> dict[str, CommandResult]:
    """One review with such a server; the requests to the server are saved beside the review."""
    with ModelServer(otherwise=behaviour) as server:
        said = place.review(desk, FIRST_DAY, *approve, code=code, env=model_at(server.url, **more))
    asked = [
        {"at": each.at, "answered": each.answered, "wanted": sorted((each.schema or {}).get("properties", ()))}
        for each in server.asked
    ]
    (place.folder / "asked.json").write_text(json.dumps(asked))
    return {"review": said}


def asked_of(place: StoreFolder, what: str) -> list[dict[str, Any]]:
    """The requests for a draft (``summary``) or for a briefing (``sentences``)."""
    return [each for each in json.loads((place.folder / "asked.json").read_text()) if what in each["wanted"]]


def calls_of(place: StoreFolder) -> list[dict[str, Any]]:
    return list(json.loads((place.out / W47 / "run.json").read_text())["model_calls"])


@pytest.fixture(scope="session")
def failing(shared_stores: SharedStores, team_data: Path) -> tuple[StoreFolder, CommandResult]:
    """A review with a server that always fails, waiting for decisions."""
    place, said = shared_stores.place("model-fails", lambda place: served(place, team_data, fails(500), code=WAITING))
    return place, said["review"]


@pytest.fixture(scope="session")
def absent(shared_stores: SharedStores, team_data: Path) -> tuple[StoreFolder, CommandResult]:
    """A review with an address without a server, everything approved."""

    def make(place: StoreFolder) -> Mapping[str, CommandResult]:
        return {
            "review": place.review(team_data, FIRST_DAY, "--approve", "all", code=DONE, env=model_at(refused_address()))
        }

    place, said = shared_stores.place("model-absent", make)
    return place, said["review"]


@pytest.fixture(scope="session")
def slow(shared_stores: SharedStores, team_data: Path) -> StoreFolder:
    """A review with a model that works but is slow."""
    behaviour = answers_from_request(well_behaved, after=THOUGHT)
    return shared_stores.place(
        "model-slow",
        lambda place: served(place, team_data, behaviour, "--approve", "all", code=DONE, PYTHONHASHSEED="1", TZ="UTC"),
    )[0]


@pytest.fixture(scope="session")
def quick(shared_stores: SharedStores, team_data: Path) -> StoreFolder:
    """The same review with the same model but fast, in a new store."""
    more = {"PYTHONHASHSEED": "2", "TZ": "Pacific/Auckland"}
    return shared_stores.place(
        "model-quick",
        lambda place: served(
            place, team_data, answers_from_request(well_behaved), "--approve", "all", code=DONE, **more
        ),
    )[0]


# without a model that works ------------------------------------------------------------------------------------------


def test_a_server_that_fails_ends_no_review(failing: tuple[StoreFolder, CommandResult]) -> None:
    place, said = failing
    assert said.code == WAITING
    assert "server failed" in said.err
    review = place.document(W47)
    assert review["state"] == "waiting_for_decisions"
    assert len(review["plays"]) == PLAYS
    assert calls_of(place)
    assert {call["outcome"] for call in calls_of(place)} == {"server_failed"}


def test_a_server_that_is_not_there_ends_no_review(absent: tuple[StoreFolder, CommandResult]) -> None:
    place, said = absent
    assert said.code == DONE
    review = place.document(W47)
    assert review["state"] == "closed"
    assert len(review["plays"]) == PLAYS
    assert review["actions"]
    assert {call["outcome"] for call in calls_of(place)} == {"unreachable"}


@pytest.mark.parametrize(
    ("which", "error", "reason"),
    [("failing", "server_failed", "the model's server failed (500)"),
     ("absent", "unreachable", "the model's server cannot be reached")],
)  # fmt: skip
def test_every_play_is_complete_from_the_playbook_and_says_why(
    which: str, error: str, reason: str, request: pytest.FixtureRequest
) -> None:
    place: StoreFolder = request.getfixturevalue(which)[0]
    review = place.document(W47)
    for play in review["plays"]:
        assert (play["drafted_by"], play["verified"], play["violations"]) == ("playbook", True, [])
        assert (play["drafting"]["outcome"], play["drafting"]["error"]) == ("fell_back", error)
        assert reason in play["drafted_note"]
        assert [phase["phase"] for phase in play["phases"]] == ["stabilise", "address", "rebuild"]
    note, drafting = review["drafter_note"], review["drafting"]
    assert MODEL in note
    assert f"{PLAYS} came from the playbook library" in note
    assert reason in note
    assert (drafting["drafted"], drafting["fell_back"], drafting["share_fell_back"]) == (PLAYS, PLAYS, 1)
    assert drafting["tokens"] == {"read": 0, "written": 0, "calls": 0}
    assert (review["briefing"]["drafted_by"], review["briefing"]["drafting"]["error"]) == ("rules", error)
    assert review["briefing"]["sentences"]
    assert "came from the playbook library" in place.pages(W47)["review.md"].decode()


def test_a_server_that_fails_is_left_alone_after_one_round_of_attempts(
    failing: tuple[StoreFolder, CommandResult],
) -> None:
    place, _ = failing
    assert 3 <= len(asked_of(place, "first_touch")) <= 8 * 3, "eight calls at once, three attempts each"
    assert asked_of(place, "sentences") == [], "the briefing does not ask again"


def test_which_way_the_model_fails_makes_no_difference_to_the_plan(
    failing: tuple[StoreFolder, CommandResult], absent: tuple[StoreFolder, CommandResult]
) -> None:
    how = {"drafting", "drafted_note", "version", "status"}
    plans = [
        [{key: value for key, value in play.items() if key not in how} for play in place.document(W47)["plays"]]
        for place, _ in (failing, absent)
    ]
    assert plans[0] == plans[1]


# with a model --------------------------------------------------------------------------------------------------------


def test_a_model_that_answers_well_drafts_every_play_and_every_play_is_verified(slow: StoreFolder) -> None:
    review = slow.document(W47)
    assert len(review["plays"]) == PLAYS
    for play in review["plays"]:
        assert (play["drafted_by"], play["verified"], play["violations"]) == ("model", True, [])
        assert play["drafting"]["outcome"] == "first_try", play["drafting"]["refused"]
        assert play["drafting"]["model"] == MODEL
        assert MODEL in play["drafted_note"]
        assert play["opening"] == ""
        assert all(action["step"]["verb"] for phase in play["phases"] for action in phase["actions"])
    assert (review["briefing"]["drafted_by"], review["briefing"]["drafting"]["outcome"]) == ("model", "first_try")


def test_the_review_says_who_drafted_and_what_it_took(slow: StoreFolder) -> None:
    review = slow.document(W47)
    drafting = review["drafting"]
    assert (drafting["model"], drafting["drafted"], drafting["first_try"]) == (MODEL, PLAYS, PLAYS)
    shares = [drafting[name] for name in ("share_first_try", "share_repaired", "share_fell_back")]
    assert shares == [1, 0, 0]
    each = [play["drafting"] for play in review["plays"]] + [review["briefing"]["drafting"]]
    assert drafting["tokens"]["calls"] == len(each)
    for kind in ("read", "written"):
        assert drafting["tokens"][kind] == sum(one["tokens"][kind] for one in each) > 0
    read, written = drafting["tokens"]["read"], drafting["tokens"]["written"]
    assert drafting["cost"] == pytest.approx((read * 0.25 + written * 2) / 1e6, abs=1e-4)
    assert drafting["currency"] == "USD"
    assert f"{MODEL} drafted {PLAYS} that passed every check at first try" in review["drafter_note"]


def test_every_call_of_the_model_is_in_the_record_of_the_run(slow: StoreFolder) -> None:
    calls = calls_of(slow)
    assert len(calls) == PLAYS + 1
    assert {(call["model"], call["outcome"]) for call in calls} == {(MODEL, "answered")}
    assert all(call["seconds"] >= THOUGHT for call in calls)


def test_the_same_answers_give_the_same_review_byte_by_byte(slow: StoreFolder, quick: StoreFolder) -> None:
    assert slow.pages(W47)["review.json"] == quick.pages(W47)["review.json"]
    assert slow.digests(W47) == quick.digests(W47)


def test_ten_plays_are_drafted_side_by_side(slow: StoreFolder) -> None:
    drafts = asked_of(slow, "first_touch")
    assert len(drafts) == PLAYS
    took = max(each["answered"] for each in drafts) - min(each["at"] for each in drafts)
    assert took < 2.8 * THOUGHT, "two waves of at most eight; one after the other it would be ten"


@pytest.mark.parametrize("which", ["failing", "absent", "slow"])
def test_the_key_is_written_nowhere(which: str, request: pytest.FixtureRequest) -> None:
    found = request.getfixturevalue(which)
    place, said = found if isinstance(found, tuple) else (found, None)
    files = [path for path in place.folder.rglob("*") if path.is_file()]
    assert any(path.suffix == ".db" for path in files)
    assert [os.path.relpath(path, place.folder) for path in files if KEY.encode() in path.read_bytes()] == []
    assert said is None or KEY not in said.out + said.err


def drafts_in(place: StoreFolder) -> int:
    """Number of finished drafts in the store."""
    database = place.store / "saveplay.db"
    if not database.exists():
        return 0
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        try:
            found = connection.execute("select count(*) from documents where kind like 'draft:%'").fetchone()
        except sqlite3.OperationalError:  # the tables are not created yet
            return 0
    return int(found[0])


def test_a_review_killed_while_drafts_are_under_way_asks_for_none_of_the_finished_ones_again(
    tmp_path: Path, team_data: Path
) -> None:
    place, finished = StoreFolder(tmp_path), 4
    quick = [answers_from_request(well_behaved)] * finished
    with ModelServer(*quick, otherwise=never_answers()) as server:
        environment = model_at(server.url, SAVEPLAY_MODEL_AT_ONCE="8")
        kill_when(
            place.review_arguments(team_data, FIRST_DAY, "--approve", "all"),
            lambda _: drafts_in(place) >= finished,
            environment,
        )
    with ModelServer(otherwise=answers_from_request(well_behaved)) as server:
        saveplay("resume", W47, "--store", place.store, env=model_at(server.url)).check_exit(DONE)
        drafts = [each for each in server.asked if "first_touch" in (each.schema or {}).get("properties", ())]
    assert len(drafts) == PLAYS - finished
    review = place.document(W47)
    assert [play["drafting"]["outcome"] for play in review["plays"]] == ["first_try"] * PLAYS
