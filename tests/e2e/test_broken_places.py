"""Damaged files, full disks and places in the way: one sentence that names the file and says what to do, and exit code 2."""

import json
import os
import shutil
import sqlite3
import stat
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from domain.doctor import DoctorReport
from tests.e2e.commands import DONE, REFUSED, WAITING, CommandResult, clean_environment, command_line, saveplay
from tests.e2e.test_earlier_stores import EARLIER, W47, W48

pytestmark = pytest.mark.long

DATA = EARLIER / "portfolio"


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store and the pages of one closed week."""
    folder = tmp_path_factory.mktemp("sound")
    first_week = ("--as-of", "2026-11-16", "--backfill", "2", "--approve", "all")
    saveplay("review", "--data", DATA, *first_week, "--store", folder / "store", "--out", folder / "out").check_exit(
        DONE
    )
    return folder


@pytest.fixture
def place(sound: Path, tmp_path: Path) -> Path:
    """A copy of it, to be damaged."""
    shutil.copytree(sound, tmp_path / "place")
    return tmp_path / "place"


def next_week(place: Path) -> CommandResult:
    return saveplay(
        "review", "--data", DATA, "--as-of", "2026-11-23", "--store", place / "store", "--out", place / "out"
    )


def show(place: Path) -> CommandResult:
    return saveplay("show", W47, "--store", place / "store")


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:3000])


def overwrite_inside(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4:6000] = b"\xff" * 5996
    path.write_bytes(content)


def put_another_file(path: Path) -> None:
    path.write_text("These are not the scores of a week.", encoding="utf-8")


@pytest.mark.parametrize("damage", [cut_off, overwrite_inside, put_another_file])
def test_a_week_that_cannot_be_read_is_set_aside_and_said_and_the_review_goes_on(
    place: Path, damage: Callable[[Path], None]
) -> None:
    damage(place / "store" / "history" / "2026-W47.parquet")
    said = next_week(place).check_exit(WAITING)
    sentence = (
        "The week 2026-W47 of the history cannot be read and is left out of trends and comparisons; put a copy back"
    )
    assert said.err.count(sentence) == 1
    assert (place / "store" / "history" / "2026-W47.parquet.bad").exists()
    gaps = json.loads((place / "out" / W48 / "review.json").read_text())["data"]["gaps"]
    assert [gap["message"][: len(sentence)] for gap in gaps if gap["kind"] == "history"] == [sentence]
    found = saveplay("history", "TF-1340", "--store", place / "store").check_exit(DONE)
    assert "2026-W46" in found.out
    assert sentence in found.err


def test_a_file_in_the_history_that_is_no_week_is_named_and_left_alone(place: Path) -> None:
    songs = place / "store" / "history" / "songs.parquet"
    put_another_file(songs)
    said = next_week(place).check_exit(WAITING)
    assert said.err.count("history/songs.parquet is no week and is not read; move it to another folder.") == 1
    assert songs.exists()


def test_a_store_that_is_no_database_or_a_damaged_one_is_named(place: Path) -> None:
    database = place / "store" / "saveplay.db"
    for damaged in (b"no database at all " * 50, database.read_bytes()[:16_384] + b"\x77" * 400_000):
        database.write_bytes(damaged)
        assert show(place).refusal == (
            "cannot use store/saveplay.db: it is damaged, or not a database of saveplay; put back a copy of it, or name "
            "another place with --store"
        )


def test_damaged_checkpoints_are_named_and_without_them_no_decision_is_lost(place: Path) -> None:
    next_week(place).check_exit(WAITING)
    checkpoints = place / "store" / "checkpoints.db"
    checkpoints.write_bytes(b"no database at all " * 50)
    said = saveplay("decide", W48, "--approve", "all", "--store", place / "store")
    assert said.code == REFUSED
    assert (
        "cannot use store/checkpoints.db: it is damaged, or not a file of saveplay; move it away, then run" in said.err
    )
    assert "Traceback" not in said.err
    checkpoints.rename(place / "checkpoints.old")
    saveplay("resume", W48, "--store", place / "store").check_exit(WAITING)  # the plays are decided; the close is not
    saveplay("decide", W48, "--approve", "all", "--store", place / "store").check_exit(DONE)
    review = json.loads(saveplay("show", W48, "--store", place / "store", "--json").check_exit(DONE).out)
    assert review["state"] == "closed"
    assert review["actions"]


def test_a_file_where_the_store_should_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("mine")
    expected = (
        f"cannot use the store {tmp_path / 'store'}: a file is there, and a folder is needed; name another --store"
    )
    assert show(tmp_path).refusal == expected
    assert (tmp_path / "store").read_text() == "mine"


def test_a_table_that_somebody_deleted_is_named(place: Path) -> None:
    with closing(sqlite3.connect(place / "store" / "saveplay.db")) as database:
        database.execute("drop table documents")
    assert show(place).refusal.startswith(
        "cannot use store/saveplay.db: the table documents is missing; put back a copy"
    )


@pytest.mark.parametrize("blocks", [8, 40, 600, 1200])
def test_a_limit_on_files_ends_in_one_sentence_and_the_review_goes_on_without_it(tmp_path: Path, blocks: int) -> None:
    arguments = ["review", "--data", DATA, "--as-of", "2026-11-16", "--approve", "all", "--store", tmp_path / "store"]
    command = command_line([*arguments, "--out", tmp_path / "out"])
    limited = ["bash", "-c", f'ulimit -f {blocks}; exec "$@"', "limited", *command]
    said = subprocess.run(limited, env=clean_environment(), capture_output=True, text=True, timeout=110)
    assert said.returncode == REFUSED, said.stderr
    assert "Traceback" not in said.stderr
    assert [line for line in said.stderr.splitlines() if line.startswith("saveplay: ")] == said.stderr.splitlines()[-1:]
    again = saveplay(*arguments, "--out", tmp_path / "out")
    if again.code == REFUSED:  # the disk was full after the decisions were stored
        assert "`saveplay resume 2026-W47` goes on with it" in again.refusal
        again = saveplay("resume", "2026-W47", "--store", tmp_path / "store")
    again.check_exit(DONE)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
def test_output_to_a_full_disk_is_said(place: Path) -> None:
    with open("/dev/full", "w") as full:
        said = subprocess.run(
            command_line(["show", W47, "--store", place / "store"]), env=clean_environment(), stdout=full,
            stderr=subprocess.PIPE, text=True, timeout=110,
        )  # fmt: skip
    assert said.returncode == REFUSED
    assert said.stderr.count("\n") == 1
    assert "the disk is full; free some space" in said.stderr


@pytest.mark.skipif(os.name != "posix", reason="the system has no file modes")
def test_what_a_review_writes_is_for_its_owner_only(sound: Path) -> None:
    for path in [sound / "store", sound / "out", *(sound / "store").rglob("*"), *(sound / "out").rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


@pytest.mark.skipif(os.name != "posix", reason="the system has no file modes")
def test_a_folder_that_its_owner_opened_stays_open(place: Path) -> None:
    saveplay("review", "--data", DATA, "--as-of", "2026-11-23", "--approve", "all", "--store", place / "store",
             "--out", place / "out").check_exit(DONE)  # fmt: skip
    (place / "out" / W48).chmod(0o750)
    saveplay("resume", W48, "--store", place / "store").check_exit(DONE)
    assert stat.S_IMODE((place / "out" / W48).stat().st_mode) == 0o750
    assert stat.S_IMODE((place / "out" / W48 / "review.html").stat().st_mode) == 0o640


# saveplay doctor -----------------------------------------------------------------------------------------------------


def examine(place: Path, *more: str | Path) -> tuple[int, dict[str, list[tuple[bool, str]]]]:
    """Exit code of `saveplay doctor`, and its checks by part: fine or not, and what it found and advises."""
    said = saveplay("doctor", "--store", place / "store", "--json", *more)
    assert "Traceback" not in said.err
    report = DoctorReport.model_validate_json(said.out)
    found: dict[str, list[tuple[bool, str]]] = {}
    for check in report.checks:
        found.setdefault(check.part, []).append((check.is_fine, f"{check.found} {check.mend}"))
    return said.code, found


def test_doctor_finds_a_sound_installation_sound(place: Path) -> None:
    code, found = examine(place, "--data", DATA)
    assert code == DONE, found
    assert all(is_fine for checks in found.values() for is_fine, _ in checks)
    assert set(found) == {
        "store", "rights", "disk", "history", "checkpoints", "audit", "audit key", "configuration", "model", "data",
    }  # fmt: skip
    text = saveplay("doctor", "--store", place / "store").check_exit(DONE).out
    assert text.startswith("ok       store")
    assert "1 review" in text


def test_doctor_before_the_first_review_finds_nothing_wrong_and_makes_nothing(tmp_path: Path) -> None:
    assert examine(tmp_path)[0] == DONE
    assert not (tmp_path / "store").exists()


def test_doctor_names_everything_that_is_broken_and_how_to_mend_it(place: Path) -> None:
    store = place / "store"
    overwrite_inside(store / "history" / "2026-W45.parquet")
    cut_off(store / "history" / "2026-W46.parquet")
    put_another_file(store / "history" / "songs.parquet")
    (store / "checkpoints.db").write_bytes(b"no database at all " * 50)
    with closing(sqlite3.connect(store / "saveplay.db")) as database:
        database.execute("update audit set who = 'Nobody' where seq = 2")
        database.commit()
    store.chmod(0o755)
    code, found = examine(place, "--configs", place / "nothing")
    assert code == REFUSED
    problems = {part: " ".join(text for is_fine, text in checks if not is_fine) for part, checks in found.items()}
    for part, said in {
        "history": "2026-W45", "checkpoints": "move it away", "audit": "entry 2", "rights": "chmod -R go-rwx",
        "configuration": "nothing",
    }.items():  # fmt: skip
        assert said in problems[part]
    assert "history/2026-W46.parquet" in problems["history"]
    assert "songs.parquet" in problems["history"]


def test_doctor_says_that_the_database_is_damaged(place: Path) -> None:
    database = place / "store" / "saveplay.db"
    content = bytearray(database.read_bytes())
    content[-200_000:-100_000] = b"\x77" * 100_000
    database.write_bytes(bytes(content))
    code, found = examine(place)
    assert code == REFUSED
    assert "put back a copy" in found["store"][0][1]
