"""``kill -9`` at any moment: the review still comes out, byte for byte, and nothing is done twice."""

import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.running import DONE, REFUSED, WAITING, Moment, Said, at_once, killed, says, there_is
from tests.e2e.worlds import FIRST, SECOND, UNOWNED, W47, W48, Place, Shelf, Wishes


def whole_or_absent(place: Place, finished: Place) -> None:
    """Nobody ever sees half a review: either its folder is not there, or every page of it is."""
    pages = place.pages(W48)
    if pages:
        assert set(pages) == set(finished.pages(W48))
        assert pages["review.html"].rstrip().endswith(b"</html>")


POINTS: tuple[tuple[str, Callable[[Place], Moment]], ...] = (
    ("registered", lambda _: says("1 Risk identification")),
    ("list made", lambda _: says("churn predictor:")),
    ("diagnosing", lambda _: says("2 Root cause analysis")),
    ("planning", lambda _: says("3 Intervention planning")),
    ("decided", lambda _: says("Decisions by people")),
    ("assigning", lambda _: says("4 Assignment and tracking")),
    ("writing the pages", lambda place: there_is(place.out, f".{W48}.*.aside/**/*.csv")),
    ("pages written", lambda place: there_is(place.out, f"{W48}/review.html")),
)


@pytest.fixture(scope="module")
def battered(shelf: Shelf, desk: Path, desk_first: Place, desk_second: Place) -> tuple[Place, dict[str, Said]]:
    """One review, killed at every point in turn; each time ``resume`` goes on, until it is killed again."""

    def make(place: Place) -> dict[str, Said]:
        desk_first.copied(place.folder)
        go: list[str | Path] = [*place.asked(desk, SECOND, "--approve", "all"), "--verbose"]
        for _, moment in POINTS:
            killed(go, moment(place))
            whole_or_absent(place, desk_second)
            go = ["resume", W48, "--store", place.store, "--verbose"]
        return {"resume": place.run("resume", W48)}

    return shelf.place("battered", make)


def test_a_review_killed_at_eight_points_ends_like_an_undisturbed_one(
    battered: tuple[Place, dict[str, Said]], desk_second: Place
) -> None:
    place, said = battered
    said["resume"].ended(DONE)
    assert place.repeatable(W48) == desk_second.repeatable(W48)


def test_no_action_is_in_the_store_twice(battered: tuple[Place, dict[str, Said]], desk_second: Place) -> None:
    assert battered[0].actions() == desk_second.actions()
    assert len(battered[0].document(W48)["actions"]) > 0


def test_nothing_half_written_is_left_beside_the_review(battered: tuple[Place, dict[str, Said]]) -> None:
    assert battered[0].leftovers() == []
    assert [path.name for path in (battered[0].store / "history").iterdir() if path.suffix != ".parquet"] == []


def test_a_review_killed_before_it_began_is_unknown_and_runs_when_asked_again(
    shelf: Shelf, desk: Path, desk_first: Place, tmp_path: Path
) -> None:
    place = Place(tmp_path / "fresh")
    go = place.asked(desk, FIRST, "--approve", "none")
    killed(go, there_is(place.folder, "store/saveplay.db"))
    assert "no review has been run in this store yet" in place.run("resume", W47).refusal
    assert place.leftovers() == []
    place.review(desk, FIRST, "--approve", "none")
    assert place.document(W47)["state"] == "closed"
    assert place.document(W47)["portfolio"] == desk_first.document(W47)["portfolio"]


def forget_the_last_steps(place: Place, kept: int) -> None:
    """The state that a kill leaves between a step and its checkpoint: what the step wrote is there, no more."""
    with closing(sqlite3.connect(place.store / "checkpoints.db")) as connection, connection:
        ids = [row[0] for row in connection.execute("select checkpoint_id from checkpoints order by checkpoint_id")]
        assert len(ids) > kept
        for table in ("checkpoints", "writes"):
            connection.executemany(f"delete from {table} where checkpoint_id = ?", [(each,) for each in ids[kept:]])


def test_a_kill_between_a_step_and_its_checkpoint_does_not_end_the_review(
    shelf: Shelf, desk: Path, desk_first: Place
) -> None:
    """A window of milliseconds, so the state is made by hand: the list is made, and nothing after it is known."""

    def make(place: Place) -> dict[str, Said]:
        place.review(desk, FIRST, code=WAITING)
        forget_the_last_steps(place, kept=2)
        return {"resume": place.run("resume", W47)}

    place, said = shelf.place("between", make)
    assert place.document(W47)["state"] == "waiting_for_decisions"
    said["resume"].ended(WAITING)


@pytest.fixture(scope="module")
def interrupted_meeting(shelf: Shelf, desk: Path, desk_first: Place, wanted: Wishes) -> tuple[Place, dict[str, Said]]:
    """People decide with a file, and every process around it is killed once."""

    def make(place: Place) -> dict[str, Said]:
        desk_first.copied(place.folder)
        file = wanted.file(place.folder / "decisions.yaml")
        decide: list[str | Path] = ["decide", W48, "--file", file, "--store", place.store]
        killed(place.asked(desk, SECOND), there_is(place.out, f".{W48}.*.aside/**/*.html"))
        said = {"waiting": place.run("resume", W48)}
        killed(decide, lambda _: "plan" in place.decided(W48))
        said["resumed"] = place.run("resume", W48)
        if said["resumed"].code == WAITING:
            killed(decide, lambda _: "close" in place.decided(W48))
        said["end"] = place.run("resume", W48)
        return said

    return shelf.place("interrupted-meeting", make)


def test_a_review_killed_while_it_writes_the_pages_to_decide_from_asks_again(
    interrupted_meeting: tuple[Place, dict[str, Said]],
) -> None:
    said = interrupted_meeting[1]["waiting"].ended(WAITING)
    assert "waiting for decisions on the plays" in said.err


def test_no_decision_is_lost_when_the_process_that_took_it_is_killed(
    interrupted_meeting: tuple[Place, dict[str, Said]], decided: Place
) -> None:
    place, said = interrupted_meeting
    said["end"].ended(DONE)
    subjects = {d["subject"]: d["by"] for d in place.document(W48)["decisions"]}
    assert set(subjects.values()) == {"Marguerite Oyelaran"}
    assert place.repeatable(W48) == decided.repeatable(W48)
    assert place.actions() == decided.actions()
    assert place.leftovers() == []
    assert UNOWNED in subjects


def test_a_kill_between_the_two_renames_loses_neither_the_review_nor_what_people_added(
    shelf: Shelf, interrupted_meeting: tuple[Place, dict[str, Said]], desk_second: Place, tmp_path: Path
) -> None:
    """The folder has been moved away and the new one not yet put in its place: the state is made by hand."""
    place = interrupted_meeting[0]
    before = place.repeatable(W48)
    (place.out / W48).joinpath("decisions.yaml").write_text("review: 2026-W48\n", encoding="utf-8")
    (place.out / W48).rename(place.out / f".{W48}.4711.old")
    (place.out / f".{W48}.4711.aside").mkdir()
    (place.out / f".{W48}.4711.aside" / "review.html").write_text("half a")
    place.run("resume", W48).ended(DONE)
    assert place.repeatable(W48) == before
    assert place.leftovers() == []
    assert "decisions.yaml" in place.pages(W48), "what a person had filled in is gone"


def test_of_two_processes_on_one_review_one_wins_and_the_other_says_so(
    shelf: Shelf, desk: Path, desk_first: Place, desk_second: Place
) -> None:
    def make(place: Place) -> dict[str, Said]:
        desk_first.copied(place.folder)
        go = place.asked(desk, SECOND, "--approve", "all")
        return dict(zip(("one", "other"), at_once(go, go), strict=True))

    place, said = shelf.place("two-at-once", make)
    winner, loser = sorted(said.values(), key=lambda each: each.code)
    assert (winner.code, loser.code) == (DONE, REFUSED), (winner.err, loser.err)
    assert re.search("another process is working on 2026-W48", loser.refusal)
    assert place.repeatable(W48) == desk_second.repeatable(W48)
    assert place.actions() == desk_second.actions()
    assert place.leftovers() == []
