"""200 times ``kill -9``, spread over every statement and rename of a week: nothing is lost, repeated or unexplained.

Each command of a week is first run undisturbed, and the points at which it writes are counted (`kill_points`). Then it is
killed just before one of them, on a copy of the same store, and people go on as they would: ``resume``, or the command again.
"""

# ruff: noqa: F811  (fixtures are imported by name)

import csv
import json
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.wiring import open_store
from tests.desk_in_process import MeetingDecisions, meeting_decisions, monday_store, own_copy  # noqa: F401  fixtures
from tests.e2e.commands import CAN_FORK, DONE, REFUSED, WAITING, CommandResult, saveplay
from tests.e2e.shared_stores import SECOND_DAY, W48, SharedStores, StoreFolder

pytestmark = [pytest.mark.long, pytest.mark.skipif(not CAN_FORK, reason="counts in forked processes, on Linux only")]
KILLS = 200
MOST_KILLS = {"desk": 20}
"""Limit for the command whose way to the end takes four times as long as that of the others."""
KILLED = -9
AT_ONCE = 2
RENAMES = ("rename ", "replace ")


@dataclass(frozen=True)
class Command:
    """One command of a week."""

    before: StoreFolder
    """The store before it; only copied."""
    arguments: Callable[[StoreFolder], list[str | Path]]
    go_on: Callable[["Command", StoreFolder], None]
    """What people do after the kill, until the work of the command is done."""
    ends: int
    module: str = "app.cli"

    def run(self, place: StoreFolder, kill_at: int = 0, points: Path | None = None) -> CommandResult:
        """Run it in a store, and kill it at a point."""
        env = {"SAVEPLAY_TESTS_KILL_AT": str(kill_at), "SAVEPLAY_TESTS_MODULE": self.module}
        return saveplay(
            *self.arguments(place), env={**env, **({"SAVEPLAY_TESTS_POINTS": str(points)} if points else {})}
        )


def again(command: Command, place: StoreFolder) -> None:
    """The same command once more."""
    command.run(place).check_exit(command.ends)


def resume_or_begin(command: Command, place: StoreFolder) -> None:
    """``resume``; the review again when it had not begun."""
    said = place.run("resume", W48)
    if said.code == REFUSED:
        assert "no review '2026-W48'" in said.refusal
        said = command.run(place)
    said.check_exit(command.ends)


def decide_to_the_end(command: Command, place: StoreFolder) -> None:
    """``resume``, and the decision again while the review asks for it."""
    said = place.run("resume", W48)
    for _ in range(2):
        if said.code == WAITING:
            said = command.run(place) if "decide" in map(str, command.arguments(place)) else decide(place)
    said.check_exit(DONE)


def decide(place: StoreFolder) -> CommandResult:
    return place.run("decide", W48, "--file", place.folder / "decisions.yaml")


def meet_to_the_end(command: Command, place: StoreFolder) -> None:
    """The meeting goes on at the desk, and the review after it."""
    for _ in range(3):
        command.run(place).check_exit(DONE)
        if place.run("resume", W48).code == DONE:
            return
    raise AssertionError("the review does not end")


@pytest.fixture(scope="module")
def commands(
    shared_stores: SharedStores,
    team_data: Path,
    team_first_week: StoreFolder,
    monday_store: StoreFolder,
    meeting_decisions: MeetingDecisions,
) -> dict[str, Command]:
    """The commands of a week, each with the store before it."""

    def prepare(place: StoreFolder) -> None:
        first = own_copy(team_first_week, place.folder / "first")
        rows = first.table("2026-W47", "actions.csv")
        for row in rows[::2]:
            row.update(status="done", done_on="2026-11-20")
        with (first.folder / "progress.csv").open("w", newline="", encoding="utf-8") as handle:
            writer = csv.DictWriter(handle, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        until = (date.today() + timedelta(days=30)).isoformat()  # the desk begins an override on the day of the clock
        for name in ("monday", "decided", "planned"):
            ready = own_copy(monday_store, place.folder / name)
            meeting_decisions.wanted.file(ready.folder / "decisions.yaml")
            account = meeting_decisions.plays[0]["account"]
            wanted = {"account": account, "action": ready.actions()[0][0], "until": until, "plays": meeting_decisions.plays,
                      "others": meeting_decisions.others, "budget": meeting_decisions.budget,
                      "close": meeting_decisions.close}  # fmt: skip
            (ready.folder / "meeting.json").write_text(json.dumps(wanted), encoding="utf-8")
        kill_after_the_decision(ready_at(place, "decided"))
        meeting = meet(ready_at(place, "planned"))
        meeting.run(meeting.before).check_exit(DONE)
        assert meeting.before.run("resume", W48).code == WAITING

    root = shared_stores.place("every-statement", prepare)[0]
    first, monday = ready_at(root, "first"), ready_at(root, "monday")
    action = first.actions()[1][0]
    on = ("--on", "2026-11-20", "--by", "Sadia Karim")
    band = (
        "--band",
        "red",
        "--reason",
        "The sponsor left",
        "--until",
        "2026-12-31",
        "--on",
        "2026-11-20",
        "--by",
        "Sadia Karim",
    )
    return {
        "review": Command(
            first, lambda place: place.review_arguments(team_data, SECOND_DAY), resume_or_begin, WAITING),
        "override": Command(first, lambda place: ["override", "TF-1052", *band, "--store", place.store], again, DONE),
        "done": Command(first, lambda place: ["done", action, *on, "--store", place.store], again, DONE),
        "import": Command(
            first, lambda place: ["done", "--import", place.folder / "progress.csv", *on, "--store", place.store], again, DONE),
        "decide": Command(
            monday, lambda place: ["decide", W48, "--file", place.folder / "decisions.yaml", "--store", place.store],
            decide_to_the_end, DONE),
        "resume": Command(
            ready_at(root, "decided"), lambda place: ["resume", W48, "--store", place.store], decide_to_the_end, WAITING),
        "desk": meet(monday),
        "close at the desk": meet(ready_at(root, "planned")),
    }  # fmt: skip


def ready_at(root: StoreFolder, name: str) -> StoreFolder:
    return StoreFolder(root.folder / name)


def meet(before: StoreFolder) -> Command:
    """The meeting at the desk."""
    return Command(
        before,
        lambda place: [place.store, place.folder / "meeting.json"],
        meet_to_the_end,
        DONE,
        "tests.e2e.desk_meeting",
    )


def kill_after_the_decision(place: StoreFolder) -> None:
    """Decide the plan and be killed at the first write after the decision was stored."""
    spare = own_copy(place, place.folder / "spare")
    shutil.copy(place.folder / "decisions.yaml", spare.folder)
    file = spare.folder / "points"
    deciding = Command(
        spare, lambda at: ["decide", W48, "--file", at.folder / "decisions.yaml", "--store", at.store], again, DONE
    )
    deciding.run(spare, points=file).check_exit(DONE)
    points = file.read_text(encoding="utf-8").lower().splitlines()
    stored = next(n for n, point in enumerate(points) if point.startswith("insert into decisions"))
    committed = next(n for n, point in enumerate(points[stored:], stored) if point.startswith("commit"))
    assert deciding.run(place, kill_at=committed + 2).code == KILLED
    assert place.decided(W48) == ["plan"]
    shutil.rmtree(spare.folder)


@dataclass(frozen=True)
class Undisturbed:
    """A command that was not killed: the points at which it wrote, and all that it left."""

    points: list[str]
    state: dict[str, Any]


def state_of(place: StoreFolder) -> dict[str, Any]:
    """All that has to be the same after a kill: pages, and what people decided, each once."""
    events = Counter(what for what, _ in place.audit(W48) if what in ("decided", "closed"))
    return {
        "pages": place.digests(W48),
        "stray": place.stray_files(),
        "actions": place.actions(),
        "progress": place.progress(),
        "decided": place.decided(W48),
        "events": dict(events),
        "overrides": place._rows("select * from overrides order by account_id, set_on"),
        "choices": place._rows("select * from choices order by account_id"),
        "notes": place._rows("select account_id, who, body from notes"),
        "proposals": place._rows("select * from proposals order by account_id"),
        "state": place._rows("select review_id, state, run from reviews order by review_id"),
    }


def unexplained(place: StoreFolder) -> tuple[str, ...]:
    """Changes in the store without an audit entry, and entries without a change."""
    with open_store(str(place.store)) as session:
        return session.store.verify_audit().faults


@pytest.fixture(scope="module")
def undisturbed(commands: dict[str, Command], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Undisturbed]:
    """Each command, run to its end and gone on from, as after a kill."""
    found = {}
    for name, command in commands.items():
        place = own_copy(command.before, tmp_path_factory.mktemp("undisturbed") / "place")
        points = place.folder / "points"
        command.run(place, points=points).check_exit(command.ends)
        if command.go_on is not again:
            command.go_on(command, place)
        if name == "import":
            assert len(place.progress()) > 1, "the file has to report something"
        found[name] = Undisturbed(points.read_text(encoding="utf-8").splitlines(), state_of(place))
    return found


def share_kills(points: dict[str, list[str]], kills: int) -> dict[str, list[int]]:
    """The points to kill at: all of a small command; of a large one all renames, and the statements evenly."""
    chosen: dict[str, list[int]] = {}
    left = kills
    for place, name in enumerate(sorted(points, key=lambda name: len(points[name]))):
        share = min(len(points[name]), left // (len(points) - place), MOST_KILLS.get(name, kills))
        renames = [n for n, point in enumerate(points[name], start=1) if point.startswith(RENAMES)][:share]
        others = [n for n in range(1, len(points[name]) + 1) if n not in renames]
        wanted = share - len(renames)
        chosen[name] = sorted([*renames, *(others[len(others) * each // wanted] for each in range(wanted))])
        left -= len(chosen[name])
    return chosen


def test_the_kills_are_spread_over_all_that_writes(undisturbed: dict[str, Undisturbed]) -> None:
    chosen = share_kills({name: each.points for name, each in undisturbed.items()}, KILLS)
    assert sum(map(len, chosen.values())) == KILLS
    hit = {name: [undisturbed[name].points[number - 1] for number in numbers] for name, numbers in chosen.items()}
    renames = [point for each in undisturbed.values() for point in each.points if point.startswith(RENAMES)]
    assert sum(point.startswith(RENAMES) for points in hit.values() for point in points) == len(renames) > 0
    kinds = {point.split()[0].lower() for points in hit.values() for point in points}
    assert kinds >= {"begin", "insert", "update", "commit"}
    print({name: (len(undisturbed[name].points), len(numbers)) for name, numbers in chosen.items()})


@pytest.mark.parametrize(
    "name", ["review", "override", "done", "import", "decide", "resume", "desk", "close at the desk"]
)
def test_a_command_killed_at_any_of_its_writes_ends_as_if_it_had_not_been(
    name: str, commands: dict[str, Command], undisturbed: dict[str, Undisturbed], tmp_path: Path
) -> None:
    command, expected = commands[name], undisturbed[name]
    numbers = share_kills({each: undisturbed[each].points for each in commands}, KILLS)[name]

    def kill(number: int) -> list[str]:
        place = own_copy(command.before, tmp_path / str(number))
        at = f"{name}, point {number} ({expected.points[number - 1]})"
        said, earlier = command.run(place, kill_at=number), number
        while said.code == command.ends and earlier > 1:  # LangGraph writes in fewer statements when it is faster
            shutil.rmtree(place.folder)
            place, earlier = own_copy(command.before, place.folder), earlier * 3 // 4
            said = command.run(place, kill_at=earlier)
        if said.code != KILLED:
            return [f"{at}: not killed: {said.code} {said.err[-500:]}"]
        faults = [f"{at}: right after the kill: {fault}" for fault in unexplained(place)]
        command.go_on(command, place)
        faults += [f"{at}: {fault}" for fault in unexplained(place)]
        found = state_of(place)
        faults += [f"{at}: {part} differs" for part in found if found[part] != expected.state[part]]
        shutil.rmtree(place.folder)
        return faults

    assert failures(kill, numbers) == []


def failures(kill: Callable[[int], list[str]], numbers: Sequence[int]) -> list[str]:
    with ThreadPoolExecutor(AT_ONCE) as threads:
        return [fault for faults in threads.map(kill, numbers) for fault in faults]
