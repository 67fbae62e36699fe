"""``kill -9`` at the desk's server at any moment of the Monday, and two servers on one store: nothing is lost or doubled."""

# ruff: noqa: F811  (fixtures are imported by name)

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.databases import SERVERS
from tests.desk_in_process import (  # noqa: F401  fixtures
    InProcessDesk,
    MeetingDecisions,
    meeting_decisions,
    monday_by_file,
    monday_store,
    own_copy,
)
from tests.e2e.commands import DONE, REFUSED, WAITING, saveplay
from tests.e2e.shared_stores import FIRST_DAY, SECOND_DAY, W47, W48, StoreFolder
from tests.served_desk import LEADER, ServedClient, ServedDesk, running_desk, start_desk

pytestmark = pytest.mark.long

KILLS = 20
"""Number of kills. Twenty starts of a server take a minute, so these tests run with those that need servers."""
MARKED = 6
"""Number of actions reported done in the follow-up."""
SECOND_LEADER = "Ruth Castellanos"
PATIENCE = 60


@dataclass
class Monday:
    """A meeting whose server is killed repeatedly and started again each time."""

    place: StoreFolder
    token: str
    desk: ServedDesk
    answers: dict[str, httpx.Response] = field(default_factory=dict)
    """Answer to each call, by idempotency key."""
    kills: int = 0

    def send(self, key: str, path: str, body: Any) -> httpx.Response | None:
        """Send one call with its idempotency key. Returns None when the server died before it answered."""
        headers = {"authorization": f"Bearer {self.token}", "idempotency-key": key}
        try:
            answer = httpx.post(self.desk.at + path, json=body, headers=headers, timeout=PATIENCE, trust_env=False)
        except httpx.TransportError:
            return None
        self.answers[key] = answer
        return answer

    def kill(self) -> None:
        """``kill -9``, and start the server again."""
        self.desk.process.kill()
        assert self.desk.process.wait(10) == -9
        self.kills += 1
        self.desk = listening(start_desk(self.place.store))

    def call(self, key: str, path: str, body: Any, delays: list[float]) -> None:
        """Send a call until it is answered. The server is killed after each of the delays, counted from the sending."""
        for delay in delays:
            with ThreadPoolExecutor(1) as threads:
                sent = threads.submit(self.send, key, path, body) if key not in self.answers else None
                time.sleep(delay)
                self.kill()
                if sent is not None:
                    sent.result()
        if key not in self.answers:
            self.send(key, path, body)
        assert self.answers[key].status_code == 200, (key, self.answers[key].text)

    def until(self, stage: str) -> None:
        """Wait until the review has reached the stage."""
        wait_until(lambda: stage_of(self.desk, self.token) == stage, stage)


def listening(desk: ServedDesk) -> ServedDesk:
    """Wait until the desk accepts connections: it prints its link shortly before."""

    def is_reached() -> bool:
        try:
            return httpx.get(f"{desk.at}/sign-in", trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    wait_until(is_reached, "the desk listens")
    return desk


def stage_of(desk: ServedDesk, token: str, review_id: str = W48) -> str:
    headers = {"authorization": f"Bearer {token}"}
    answer = httpx.get(f"{desk.at}/api/v1/reviews", headers=headers, timeout=PATIENCE, trust_env=False)
    return {each["review_id"]: each["stage"] for each in answer.raise_for_status().json()}[review_id]


def wait_until(there: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not there():
        assert time.monotonic() < deadline, f"it never comes to this: {what}"
        time.sleep(0.05)


def moments(choices: int) -> dict[str, list[float]]:
    """Moments of the twenty kills, drawn with a fixed seed: by call, seconds after it is sent.

    A choice or a mark takes some hundredths of a second; the work after plan and close takes a second or two.
    """
    drawn = random.Random(20261123)
    found: dict[str, list[float]] = {"plan": [], "close": []}
    for gate in found:
        found[gate] = [drawn.uniform(0, 0.08), drawn.uniform(0.05, 1.2), drawn.uniform(0.2, 2.0), drawn.uniform(0, 0.6)]
    calls = [f"choice {at}" for at in range(choices)] + [f"mark {at}" for at in range(MARKED)]
    for call in drawn.sample(calls, KILLS - 8):
        found[call] = [drawn.uniform(0, 0.06)]
    assert sum(map(len, found.values())) == KILLS
    return found


@pytest.fixture(scope="module")
def survived(
    monday_store: StoreFolder, meeting_decisions: MeetingDecisions, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Monday]:
    """The whole Monday at a desk whose server is killed twenty times."""
    place = own_copy(monday_store, tmp_path_factory.mktemp("killed") / "place")
    token = (
        saveplay("invite", LEADER, "--role", "leader", "--token", "--store", place.store).check_exit(DONE).out.strip()
    )
    day, dies = Monday(place, token, listening(start_desk(place.store))), moments(len(meeting_decisions.plays))
    api = f"/api/v1/reviews/{W48}"
    for at, decision in enumerate(meeting_decisions.plays):
        day.call(f"choice {at}", f"{api}/choices", {"decision": decision}, dies.get(f"choice {at}", []))
    day.call(
        "plan", f"{api}/plan", {"others": meeting_decisions.others, "budget": meeting_decisions.budget}, dies["plan"]
    )
    day.until("closing")
    day.call("close", f"{api}/close", meeting_decisions.close, dies["close"])
    day.until("closed")
    for at, action in enumerate(marked(place)):
        body = {"state": "done", "on": SECOND_DAY, "note": "Said so in the meeting"}
        day.call(f"mark {at}", f"/api/v1/actions/{action}", body, dies.get(f"mark {at}", []))
    yield day
    day.desk.stop()


def marked(place: StoreFolder) -> list[str]:
    """The actions that are reported done."""
    return [action for action, review_id, _ in place.actions() if review_id == W48][:MARKED]


@SERVERS
def test_the_server_was_killed_twenty_times_and_every_call_was_answered_well(
    survived: Monday, meeting_decisions: MeetingDecisions
) -> None:
    assert survived.kills == KILLS
    assert {answer.status_code for answer in survived.answers.values()} == {200}
    assert len(survived.answers) == len(meeting_decisions.plays) + 2 + MARKED


@SERVERS
def test_what_was_decided_stands_as_if_nobody_had_been_killed(survived: Monday, monday_by_file: StoreFolder) -> None:
    wait_until(lambda: survived.place.document(W48)["state"] == "closed", "the pages of the closed week")
    assert survived.place.document(W48) == monday_by_file.document(W48)
    assert survived.place.digests(W48) == monday_by_file.digests(W48)
    assert survived.place.stray_files() == []


@SERVERS
def test_no_action_was_handed_out_twice(survived: Monday, monday_by_file: StoreFolder) -> None:
    assert survived.place.actions() == monday_by_file.actions()
    assert len(survived.place.actions()) > 0


@SERVERS
def test_nothing_was_done_twice_and_the_log_is_sound(survived: Monday, meeting_decisions: MeetingDecisions) -> None:
    # What is marked is logged with the week that asked for it first.
    done = Counter(what for what, _ in survived.place.audit(W48))
    done["done"] += Counter(what for what, _ in survived.place.audit(W47))["done"]
    assert {what: done[what] for what in ("chose", "decided", "closed", "done")} == {
        "chose": len(meeting_decisions.plays), "decided": 1, "closed": 1, "done": MARKED,
    }  # fmt: skip
    assert {who for _, who in survived.place.audit(W48) if who not in ("command line", "saveplay")} == {LEADER}
    said = saveplay("audit", "verify", "--store", survived.place.store).check_exit(DONE)
    assert "each as it was written" in said.out


@SERVERS
def test_what_was_marked_is_done(survived: Monday) -> None:
    progress = survived.place.progress()
    assert {action: progress[action] for action in marked(survived.place)} == dict.fromkeys(
        marked(survived.place), ("done", SECOND_DAY)
    )


# another server finishes the work ------------------------------------------------------------------------------------


@pytest.fixture
def decided_only(
    monday_store: StoreFolder, meeting_decisions: MeetingDecisions, tmp_path: Path
) -> tuple[StoreFolder, str]:
    """A store whose desk died after the decision and before it was carried out, and a leader's token."""
    place = own_copy(monday_store, tmp_path / "place")
    inside = InProcessDesk(place.store)
    leader = inside.member("leader")
    program, api = inside.token_client(leader), f"/api/v1/reviews/{W48}"
    for decision in meeting_decisions.plays:
        assert program.post(f"{api}/choices", json={"decision": decision}).status_code == 200
    plan = {"others": meeting_decisions.others, "budget": meeting_decisions.budget}
    assert program.post(f"{api}/plan", json=plan).status_code == 200
    token = inside.token(leader)
    inside.close()
    return place, token


def test_a_decision_that_was_stored_and_not_carried_out_is_carried_out_by_whoever_serves_next(
    decided_only: tuple[StoreFolder, str], monday_by_file: StoreFolder
) -> None:
    place, token = decided_only
    assert [review_id for _, review_id, _ in place.actions() if review_id == W48] == []
    with running_desk(place.store) as desk:
        wait_until(lambda: stage_of(listening(desk), token) == "closing", "the close")
    ours = [action for action, review_id, _ in place.actions() if review_id == W48]
    expected = [action for action, review_id, _ in monday_by_file.actions() if review_id == W48]
    assert [action for action in ours if not action.endswith(".assign-owner")] == expected, "the close assigns that one"
    assert [what for what, _ in place.audit(W48)].count("decided") == 1


def test_whoever_decides_while_the_review_goes_on_is_told_so_and_changes_nothing(
    decided_only: tuple[StoreFolder, str], meeting_decisions: MeetingDecisions
) -> None:
    place, token = decided_only
    headers, tried = {"authorization": f"Bearer {token}"}, Counter[int]()
    file = meeting_decisions.wanted.file(place.folder / "otherwise.yaml", plays=None, close=None, rest="reject")
    with (
        running_desk(place.store) as desk,
        ThreadPoolExecutor(1) as threads,
        ServedClient(base_url=listening(desk).at, headers=headers, trust_env=False, timeout=PATIENCE) as program,
    ):
        on_the_side = threads.submit(place.run, "decide", W48, "--file", file)
        api = f"/api/v1/reviews/{W48}"
        calls = [
            ("choices", {"decision": meeting_decisions.plays[0], "seen": 1}),
            ("plan", {"others": "reject"}),
            ("close", {}),
        ]
        while stage_of(desk, token) == "working":
            for name, body in calls[: 2 if tried else 3]:
                answer = program.post(f"{api}/{name}", json=body).status_code
                if (name, answer) == ("close", 422):  # it came when the close is awaited, and names no owners
                    assert stage_of(desk, token) == "closing"
                else:
                    tried[answer] += 1
        wait_until(lambda: stage_of(desk, token) == "closing", "the close")
    assert tried, "it was over before anybody tried"
    assert set(tried) <= {409, 503}
    assert on_the_side.result().code in (REFUSED, WAITING), "it is refused, or finds that the close is what is awaited"
    assert [what for what, _ in place.audit(W48)].count("decided") == 1


# two servers ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Pair:
    """Two servers on one store, and a leader at each."""

    desks: tuple[ServedDesk, ServedDesk]
    tokens: tuple[str, str]
    review_id: str

    def both(self, path: str, body: Any) -> list[httpx.Response]:
        """Send the same call to both servers at the same time."""

        def send(at: int) -> httpx.Response:
            headers = {"authorization": f"Bearer {self.tokens[at]}"}
            url = f"{self.desks[at].at}/api/v1/reviews/{self.review_id}{path}"
            return httpx.post(url, json=body, headers=headers, timeout=PATIENCE, trust_env=False)

        with ThreadPoolExecutor(2) as threads:
            return list(threads.map(send, (0, 1)))

    def read(self, path: str) -> Any:
        """Read from the second server."""
        headers = {"authorization": f"Bearer {self.tokens[1]}"}
        return httpx.get(self.desks[1].at + path, headers=headers, timeout=PATIENCE, trust_env=False).json()

    def until(self, stage: str) -> None:
        """Wait until both servers show that the review has reached the stage."""
        both = list(zip(self.desks, self.tokens, strict=True))
        wait_until(lambda: all(stage_of(desk, token, self.review_id) == stage for desk, token in both), stage)


@pytest.fixture(params=["folder", pytest.param("database", marks=SERVERS)])
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Pair]:
    """Two servers on one store: in a folder, and in a database."""
    review_id = W48
    if request.param == "folder":
        place: StoreFolder = request.getfixturevalue("monday_store")
        store: Any = own_copy(place, tmp_path / "place").store
    else:
        store, review_id = request.getfixturevalue("postgres").new_database(), W47
        data = request.getfixturevalue("team_data")
        asked = ["review", "--data", data, "--as-of", FIRST_DAY, "--out", tmp_path / "reviews", "--store", store]
        saveplay(*asked).check_exit(WAITING)
    with ExitStack() as open_desks:
        one, other = (listening(open_desks.enter_context(running_desk(store))) for _ in range(2))
        tokens = (one.token(LEADER, "leader"), other.token(SECOND_LEADER, "leader"))
        yield Pair((one, other), tokens, review_id)


def test_of_two_leaders_at_two_servers_exactly_one_decides_each_thing(pair: Pair) -> None:
    review = pair.read(f"/api/v1/reviews/{pair.review_id}")
    winners: dict[str, str] = {}
    for play in review["plays"]:
        decision = {k: play[v] for k, v in (("account", "account_id"), ("version", "version"))}
        answers = pair.both("/choices", {"decision": {**decision, "decision": "approve", "reason": "Worth it"}})
        winners[play["account_id"]] = one_wins(answers)
    stands = pair.read(f"/api/v1/reviews/{pair.review_id}/choices")
    assert {account: choice["by"] for account, choice in stands["choices"].items()} == winners
    recorder = one_wins(pair.both("/plan", {"others": "approve"}))
    pair.until("closing")
    people = [line["account_id"] for line in review["intervention_plan"] if line["owner"] == "TBD"]
    closer = one_wins(pair.both("/close", {"owners": dict.fromkeys(people, "P-19")}))
    pair.until("closed")
    found = pair.read("/api/v1/audit?most=1000")
    assert found["verdict"]["faults"] == []
    log = [line for line in found["lines"] if line["review_id"] == pair.review_id]
    done = Counter(line["what"] for line in log)
    assert (done["chose"], done["decided"], done["closed"]) == (len(winners), 1, 1)
    assert [line["who"] for line in log if line["what"] in ("decided", "closed")] == [closer, recorder]
    closed = pair.read(f"/api/v1/reviews/{pair.review_id}")
    assert {each["subject"]: each["by"] for each in closed["decisions"] if each["subject"] in winners} == winners
    ids = [action["id"] for action in closed["actions"]]
    assert len(ids) == len(set(ids)) > 0


def one_wins(answers: list[httpx.Response]) -> str:
    """Name of the person whose call was accepted; the other got the answer that somebody was faster."""
    codes = sorted(answer.status_code for answer in answers)
    assert codes == [200, 409], [answer.text for answer in answers]
    loser = next(answer for answer in answers if answer.status_code == 409)
    assert loser.json()["error"] == "stale"
    return LEADER if answers[0].status_code == 200 else SECOND_LEADER


def test_a_hundred_people_at_once_are_all_answered(monday_store: StoreFolder, tmp_path: Path) -> None:
    """All clients reload after a decision, with only a few connections to the store."""
    place = own_copy(monday_store, tmp_path / "place")
    with running_desk(place.store) as desk:
        headers = {"authorization": f"Bearer {desk.token('Everybody', 'viewer')}"}
        limits = httpx.Limits(max_connections=100)
        at = listening(desk).at
        with ServedClient(base_url=at, headers=headers, timeout=PATIENCE, limits=limits, trust_env=False) as all_:
            begun = time.monotonic()
            with ThreadPoolExecutor(100) as threads:
                said = list(threads.map(lambda _: all_.get(f"/api/v1/reviews/{W48}/choices").status_code, range(300)))
        assert Counter(said) == {200: 300}
        assert time.monotonic() - begun < 20, "they waited for each other"
