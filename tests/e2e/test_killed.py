"""``kill -9`` at any moment: the review is still completed, byte for byte, and nothing is done twice."""

import json
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.commands import (
    DONE,
    REFUSED,
    WAITING,
    CommandResult,
    KillCondition,
    file_exists,
    has_printed,
    kill_when,
    race_commands,
)
from tests.e2e.shared_stores import SECOND_DAY, UNOWNED_ACCOUNT, W47, W48, MeetingWishes, SharedStores, StoreFolder

pytestmark = pytest.mark.long


def whole_or_absent(place: StoreFolder, finished: StoreFolder) -> None:
    """Check that no half review is visible: either its folder does not exist, or it has every page."""
    pages = place.pages(W48)
    if pages:
        assert set(pages) == set(finished.pages(W48))
        assert pages["review.html"].rstrip().endswith(b"</html>")


POINTS: tuple[tuple[str, Callable[[StoreFolder], KillCondition]], ...] = (
    ("list made", lambda _: has_printed("churn predictor:")),
    ("planning", lambda _: has_printed("3 Intervention planning")),
    ("assigning", lambda _: has_printed("4 Assignment and tracking")),
    ("writing the pages", lambda place: file_exists(place.out, f".{W48}.*.aside/**/*.csv")),
    ("pages written", lambda place: file_exists(place.out, f"{W48}/review.html")),
)


@pytest.fixture(scope="module")
def battered(
    shared_stores: SharedStores, team_data: Path, team_first_week: StoreFolder, team_second_week: StoreFolder
) -> tuple[StoreFolder, dict[str, CommandResult]]:
    """One review, killed at one point after the other; each time ``resume`` continues until the next kill."""

    def make(place: StoreFolder) -> dict[str, CommandResult]:
        team_first_week.copy_to(place.folder)
        go: list[str | Path] = [*place.review_arguments(team_data, SECOND_DAY, "--approve", "all"), "--verbose"]
        for _, moment in POINTS:
            kill_when(go, moment(place))
            whole_or_absent(place, team_second_week)
            go = ["resume", W48, "--store", place.store, "--verbose"]
        return {"resume": place.run("resume", W48)}

    return shared_stores.place("battered", make)


def test_a_review_killed_at_one_step_after_the_other_ends_like_an_undisturbed_one(
    battered: tuple[StoreFolder, dict[str, CommandResult]], team_second_week: StoreFolder
) -> None:
    place, said = battered
    said["resume"].check_exit(DONE)
    assert place.digests(W48) == team_second_week.digests(W48)


def test_no_action_is_in_the_store_twice(
    battered: tuple[StoreFolder, dict[str, CommandResult]], team_second_week: StoreFolder
) -> None:
    assert battered[0].actions() == team_second_week.actions()
    assert len(battered[0].document(W48)["actions"]) > 0


def test_nothing_half_written_is_left_beside_the_review(battered: tuple[StoreFolder, dict[str, CommandResult]]) -> None:
    assert battered[0].stray_files() == []
    assert [path.name for path in (battered[0].store / "history").iterdir() if path.suffix != ".parquet"] == []


def test_a_review_killed_before_it_began_is_unknown_and_runs_when_asked_again(
    restarted_review: tuple[StoreFolder, dict[str, CommandResult]], team_first_week: StoreFolder
) -> None:
    place, said = restarted_review
    assert "no review has been run in this store yet" in said["resume"].refusal
    said["review"].check_exit(DONE)
    assert place.document(W47)["portfolio"] == team_first_week.document(W47)["portfolio"]
    assert place.stray_files() == []


def forget_the_last_steps(place: StoreFolder, review_id: str, kept: int) -> None:
    """Recreate the state of a kill between a step and its checkpoint: only the output of the step exists."""
    with closing(sqlite3.connect(place.store / "checkpoints.db")) as connection, connection:
        steps = "select checkpoint_id from checkpoints where thread_id like ? order by checkpoint_id"
        ids = [row[0] for row in connection.execute(steps, [f"%{review_id}%"])]
        assert len(ids) > kept
        for table in ("checkpoints", "writes"):
            connection.executemany(f"delete from {table} where checkpoint_id = ?", [(each,) for each in ids[kept:]])


@pytest.fixture(scope="module")
def resumed(shared_stores: SharedStores, waiting_review: tuple[StoreFolder, CommandResult]) -> dict[str, CommandResult]:
    """The review that waits: somebody fills in half the form; a kill took back its last steps; then ``resume``.

    ``sheet`` holds the form as it was left and as it is found.
    """

    def make(_: StoreFolder) -> dict[str, CommandResult]:
        place = StoreFolder(waiting_review[0].folder.parent)
        sheet = place.out / W48 / "decisions.yaml"
        sheet.write_text(sheet.read_text(encoding="utf-8").replace("decision:\n", "decision: approve\n", 3), "utf-8")
        left = sheet.read_text(encoding="utf-8")
        forget_the_last_steps(place, W48, kept=2)
        said = place.run("resume", W48)
        return {"resume": said, "sheet": CommandResult(0, left, sheet.read_text(encoding="utf-8"))}

    return shared_stores.place("resumed", make)[1]


def test_a_kill_between_a_step_and_its_checkpoint_does_not_end_the_review(resumed: dict[str, CommandResult]) -> None:
    """The time window is milliseconds, so the state is recreated by hand: the list exists and nothing after it."""
    assert "waiting for decisions" in resumed["resume"].check_exit(WAITING).err


def test_a_half_filled_decisions_file_survives_a_resume(resumed: dict[str, CommandResult]) -> None:
    assert "decision: approve" in resumed["sheet"].out
    assert resumed["sheet"].err == resumed["sheet"].out


@pytest.fixture(scope="module")
def interrupted_meeting(
    shared_stores: SharedStores, team_data: Path, team_first_week: StoreFolder, meeting_wishes: MeetingWishes
) -> tuple[StoreFolder, dict[str, CommandResult]]:
    """A decision with a file, where every process involved is killed once."""

    def make(place: StoreFolder) -> dict[str, CommandResult]:
        team_first_week.copy_to(place.folder)
        file = meeting_wishes.file(place.folder / "decisions.yaml")
        decide: list[str | Path] = ["decide", W48, "--file", file, "--store", place.store]
        kill_when(place.review_arguments(team_data, SECOND_DAY), file_exists(place.out, f".{W48}.*.aside/**/*.html"))
        said = {"waiting": place.run("resume", W48)}
        kill_when(decide, lambda _: "plan" in place.decided(W48))
        said["resumed"] = place.run("resume", W48)
        if said["resumed"].code == WAITING:
            kill_when(decide, lambda _: "close" in place.decided(W48))
        said["end"] = place.run("resume", W48)
        (place.folder / "before.json").write_text(json.dumps(place.digests(W48)))
        between_the_renames(place)
        said["renamed"] = place.run("resume", W48)
        return said

    return shared_stores.place("interrupted-meeting", make)


def between_the_renames(place: StoreFolder) -> None:
    """Recreate the state in which the old folder is moved away and the new one is not yet in its place."""
    (place.out / W48).joinpath("decisions.yaml").write_text("review: 2026-W48\n", encoding="utf-8")
    (place.out / W48).rename(place.out / f".{W48}.4711.old")
    (place.out / f".{W48}.4711.aside").mkdir()
    (place.out / f".{W48}.4711.aside" / "review.html").write_text("half a")


def test_a_review_killed_while_it_writes_the_pages_to_decide_from_asks_again(
    interrupted_meeting: tuple[StoreFolder, dict[str, CommandResult]],
) -> None:
    said = interrupted_meeting[1]["waiting"].check_exit(WAITING)
    assert "waiting for decisions on the plays" in said.err


def test_no_decision_is_lost_when_the_process_that_took_it_is_killed(
    interrupted_meeting: tuple[StoreFolder, dict[str, CommandResult]], decided: StoreFolder
) -> None:
    place, said = interrupted_meeting
    said["end"].check_exit(DONE)
    subjects = {d["subject"]: d["by"] for d in place.document(W48)["decisions"]}
    assert set(subjects.values()) == {"Marguerite Oyelaran"}
    assert place.digests(W48) == decided.digests(W48)
    assert place.actions() == decided.actions()
    assert place.stray_files() == []
    assert UNOWNED_ACCOUNT in subjects


def test_a_kill_between_the_two_renames_loses_neither_the_review_nor_what_people_added(
    interrupted_meeting: tuple[StoreFolder, dict[str, CommandResult]],
) -> None:
    place, said = interrupted_meeting
    said["renamed"].check_exit(DONE)
    assert place.digests(W48) == json.loads((place.folder / "before.json").read_text())
    assert place.stray_files() == []
    assert "decisions.yaml" in place.pages(W48), "what a person had filled in is gone"


def test_of_two_processes_on_one_review_one_wins_and_the_other_says_so(
    shared_stores: SharedStores, team_data: Path, team_first_week: StoreFolder, team_second_week: StoreFolder
) -> None:
    def make(place: StoreFolder) -> dict[str, CommandResult]:
        team_first_week.copy_to(place.folder)
        go = place.review_arguments(team_data, SECOND_DAY, "--approve", "all")
        return dict(zip(("one", "other"), race_commands((go, None), (go, None)), strict=True))

    place, said = shared_stores.place("two-at-once", make)
    winner, loser = sorted(said.values(), key=lambda each: each.code)
    assert (winner.code, loser.code) == (DONE, REFUSED), (winner.err, loser.err)
    assert re.search("another process is working on 2026-W48", loser.refusal)
    assert place.digests(W48) == team_second_week.digests(W48)
    assert place.actions() == team_second_week.actions()
    assert place.stray_files() == []
