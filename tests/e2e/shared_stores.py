"""Shared data of the end-to-end tests, created once per run by real processes: portfolios and stores with reviews.

Tests only read a shared store; a test that changes it makes a copy first. All xdist workers of a run share the folder,
under a lock.
"""

import csv
import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from filelock import FileLock

from tests.e2e.commands import DONE, PORTFOLIO, WAITING, CommandResult, EndedTooEarly, file_exists, kill_when, saveplay

FIRST_DAY, SECOND_DAY = "2026-11-16", "2026-11-23"
W47, W48 = "2026-W47", "2026-W48"
FILES_WITH_TIMES = ("run.json", "audit.jsonl")
"""The two files that may contain clock times and paths."""
FILES_PEOPLE_EDIT = ("decisions.yaml",)
"""The file that people fill in; the review never overwrites it."""

ATTEMPTS = 5
"""Number of attempts to create a store with a killed process before the test fails."""
UNOWNED_ACCOUNT = "TF-1268"
"""The critical account without an owner in the data of the small team."""
TEAM_ACCOUNTS = (
    "TF-1052", "TF-1040", "TF-1409", "TF-1037", UNOWNED_ACCOUNT, "TF-1256", "TF-1370", "TF-1133", "TF-1337", "TF-1097",
    "TF-1253", "TF-1145", "TF-1061", "TF-1160", "TF-1328", "TF-1007", "TF-1049", "TF-1187", "TF-1094", "TF-1001",
    "TF-1010", "TF-1019",
)  # fmt: skip
"""Accounts of the small team: the ten worst, two that turn bad, resolved ones, hostile names, some healthy ones."""


@dataclass(frozen=True)
class StoreFolder:
    """A folder with a store and with the reviews written from it."""

    folder: Path

    @property
    def store(self) -> Path:
        return self.folder / "store"

    @property
    def out(self) -> Path:
        return self.folder / "reviews"

    def review_arguments(self, data: Path | str, day: str, *more: str | Path) -> list[str | Path]:
        """Arguments of the command line for a review with this store."""
        return ["review", "--data", data, "--as-of", day, "--out", self.out, "--store", self.store, *more]

    def review(
        self, data: Path | str, day: str, *more: str | Path, code: int = DONE, env: Mapping[str, str] | None = None
    ) -> CommandResult:
        """Run a review with this store and check its exit code."""
        return saveplay(*self.review_arguments(data, day, *more), env=env).check_exit(code)

    def run(self, *arguments: str | Path) -> CommandResult:
        """Run any other command with this store."""
        return saveplay(*arguments, "--store", self.store)

    def pages(self, review_id: str) -> dict[str, bytes]:
        """Content of every file of a review, by relative path."""
        folder = self.out / review_id
        return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}

    def digests(self, review_id: str) -> dict[str, str]:
        """Digest of every file that must be the same in every run, by relative path."""
        pages = self.pages(review_id).items()
        return {
            name: hashlib.sha256(content).hexdigest()
            for name, content in pages
            if name not in (*FILES_WITH_TIMES, *FILES_PEOPLE_EDIT)
        }

    def document(self, review_id: str) -> dict[str, Any]:
        """Content of ``review.json``."""
        return json.loads((self.out / review_id / "review.json").read_text(encoding="utf-8"))

    def table(self, review_id: str, name: str) -> list[dict[str, str]]:
        """Rows of one of the CSV files."""
        with (self.out / review_id / name).open(newline="", encoding="utf-8-sig") as handle:
            return list(csv.DictReader(handle))

    def stray_files(self) -> list[str]:
        """Names beside the review folders that do not belong to a review."""
        if not self.out.exists():
            return []
        return [path.name for path in self.out.iterdir() if not re.fullmatch(r"\d{4}-W\d\d", path.name)]

    def actions(self) -> list[tuple[Any, ...]]:
        """Every row of the action table in the store."""
        return self._rows("select action_id, approved_in, body from actions order by action_id, approved_in")

    def registered(self) -> list[str]:
        """Ids of the reviews in the store."""
        return [review_id for (review_id,) in self._rows("select review_id from reviews order by review_id")]

    def decided(self, review_id: str) -> list[str]:
        """Gates of a review with a decision in the store."""
        return [gate for (gate,) in self._rows(f"select gate from decisions where review_id = '{review_id}'")]

    def audit(self, review_id: str) -> list[tuple[str, str]]:
        """Event and person of each audit entry of a review, oldest first."""
        return self._rows(f"select what, who from audit where review_id = '{review_id}' order by seq")

    def progress(self) -> dict[str, tuple[str, str | None]]:
        """State and day of every action with reported progress, by action id."""
        return {
            action: (state, on) for action, state, on in self._rows("select action_id, state, on_day from progress")
        }

    def _rows(self, query: str) -> list[tuple[Any, ...]]:
        import sqlite3

        database = self.store / "saveplay.db"
        if not database.exists():
            return []
        connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30)
        try:
            return connection.execute(query).fetchall()
        except sqlite3.OperationalError:
            return []  # the process has not created the table yet
        finally:
            connection.close()

    def copy_to(self, folder: Path) -> "StoreFolder":
        """Copy the store to another folder. Old reviews keep the old output folder; new reviews use the new one."""
        shutil.copytree(self.folder, folder)
        return StoreFolder(folder)


@dataclass(frozen=True)
class SharedStores:
    """Folder of the shared data. Each part is created once per run, by the first test that needs it."""

    root: Path

    def place(
        self, name: str, make: Callable[[StoreFolder], Mapping[str, CommandResult] | None]
    ) -> tuple[StoreFolder, dict[str, CommandResult]]:
        """A shared store, and the output of the commands that created it."""
        folder, notes = self.root / name, self.root / f"{name}.json"
        with FileLock(self.root / f"{name}.lock"):
            if not notes.exists():
                said = _make_store(folder, make)
                notes.write_text(json.dumps({key: asdict(value) for key, value in said.items()}))
        return StoreFolder(folder), {
            key: CommandResult(**value) for key, value in json.loads(notes.read_text()).items()
        }


def _make_store(
    folder: Path, make: Callable[[StoreFolder], Mapping[str, CommandResult] | None]
) -> Mapping[str, CommandResult]:
    """Create the store and return the output. If a kill came too late, create the store again."""
    for attempt in range(1, ATTEMPTS + 1):
        shutil.rmtree(folder, ignore_errors=True)
        try:
            return make(StoreFolder(folder)) or {}
        except EndedTooEarly:
            if attempt == ATTEMPTS:
                raise
    raise AssertionError("the last attempt returns or raises")


@pytest.fixture(scope="session")
def shared_stores(tmp_path_factory: pytest.TempPathFactory) -> SharedStores:
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    root = shared / "saveplay-worlds"
    root.mkdir(exist_ok=True)
    return SharedStores(root)


# data ----------------------------------------------------------------------------------------------------------------


def read_csv_rows(path: Path) -> tuple[list[str], list[list[str]]]:
    """Header and rows of a CSV file."""
    with path.open(newline="", encoding="utf-8") as handle:
        header, *rows = list(csv.reader(handle))
    return header, rows


def write_csv_rows(path: Path, header: list[str], rows: Iterable[list[str]]) -> None:
    """Write a CSV file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as handle:
        csv.writer(handle, lineterminator="\n").writerows([header, *rows])


def write_team_data(folder: Path, days: int = 0) -> Path:
    """Write the sample portfolio of the small team, one critical account without an owner, dates moved by ``days``."""
    for source in sorted(PORTFOLIO.glob("*.csv")):
        header, rows = read_csv_rows(source)
        if "account_id" in header:
            place = header.index("account_id")
            rows = [row for row in rows if len(row) > place and row[place] in TEAM_ACCOUNTS]
        if source.name == "accounts.csv":
            owner = header.index("csm_id")
            rows = [[*row[:owner], "" if row[0] == UNOWNED_ACCOUNT else row[owner], *row[owner + 1 :]] for row in rows]
        write_csv_rows(folder / source.name, header, [[_shift_date(cell, days) for cell in row] for row in rows])
    return folder


def _shift_date(cell: str, days: int) -> str:
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", cell):
        return cell
    return (date.fromisoformat(cell) + timedelta(days=days)).isoformat()


# two weeks of the whole sample portfolio -----------------------------------------------------------------------------


@pytest.fixture(scope="session")
def first_week(shared_stores: SharedStores) -> StoreFolder:
    """The first review of the sample portfolio, everything approved."""

    def make(place: StoreFolder) -> None:
        place.review(PORTFOLIO, FIRST_DAY, "--approve", "all", env={"PYTHONHASHSEED": "1", "TZ": "Pacific/Auckland"})

    return shared_stores.place("first-week", make)[0]


@pytest.fixture(scope="session")
def both_weeks(shared_stores: SharedStores, first_week: StoreFolder) -> StoreFolder:
    """The second review, on the history of the first."""

    def make(place: StoreFolder) -> None:
        first_week.copy_to(place.folder)
        place.review(PORTFOLIO, SECOND_DAY, "--approve", "all", env={"PYTHONHASHSEED": "1", "TZ": "Pacific/Auckland"})

    return shared_stores.place("both-weeks", make)[0]


# the small team ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def team_data(shared_stores: SharedStores) -> Path:
    """The data of a small team, with a critical account without an owner."""

    def make(place: StoreFolder) -> None:
        write_team_data(place.folder)

    return shared_stores.place("desk", make)[0].folder


OVERRIDES = (("TF-1409", "yellow", "2026-11-20"), ("TF-1040", "green", "2026-12-31"))
"""Account, band and end date of the health overrides that CSMs set before the first review."""


@pytest.fixture(scope="session")
def team_first_week(shared_stores: SharedStores, team_data: Path) -> StoreFolder:
    """The first review of the small team, with two overrides, everything approved."""

    def make(place: StoreFolder) -> None:
        for account, band, until in OVERRIDES:
            reason = ("--reason", "The sponsor told me on the phone", "--by", "Sadia Karim")
            place.run("override", account, "--band", band, "--until", until, "--on", "2026-11-10", *reason).check_exit(
                DONE
            )
        place.review(team_data, FIRST_DAY, "--approve", "all")

    return shared_stores.place("desk-first", make)[0]


@pytest.fixture(scope="session")
def team_second_week(shared_stores: SharedStores, team_data: Path, team_first_week: StoreFolder) -> StoreFolder:
    """The second review of the small team, everything approved, without a kill."""

    def make(place: StoreFolder) -> None:
        team_first_week.copy_to(place.folder)
        place.review(team_data, SECOND_DAY, "--approve", "all")

    return shared_stores.place("desk-second", make)[0]


@pytest.fixture(scope="session")
def waiting_review(
    shared_stores: SharedStores, team_data: Path, team_first_week: StoreFolder
) -> tuple[StoreFolder, CommandResult]:
    """The second review of the small team, waiting for decisions, and the output of its command."""

    def make(place: StoreFolder) -> dict[str, CommandResult]:
        team_first_week.copy_to(place.folder)
        said = place.review(team_data, SECOND_DAY, code=WAITING)
        shutil.copytree(place.out, place.folder / "kept" / "reviews")
        return {"review": said}

    place, said = shared_stores.place("waiting", make)
    return StoreFolder(place.folder / "kept"), said["review"]


@pytest.fixture(scope="session")
def restarted_review(shared_stores: SharedStores, team_data: Path) -> tuple[StoreFolder, dict[str, CommandResult]]:
    """A first review that was killed before it was registered, then run again with nothing approved."""

    def make(place: StoreFolder) -> dict[str, CommandResult]:
        go = place.review_arguments(team_data, FIRST_DAY, "--approve", "none")
        kill_when(go, file_exists(place.folder, "store/saveplay.db"))
        return {"resume": place.run("resume", W47), "review": saveplay(*go)}

    return shared_stores.place("reborn", make)


# decisions -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class MeetingWishes:
    """Decisions that a meeting wants: some of each kind."""

    approved: tuple[str, ...]
    edited: str
    rejected: str
    deferred: str
    no_outreach: str
    """An account without a play, whose primary action is rejected."""
    moved: str
    dropped: str
    """Actions of the edited play: ``moved`` gets another owner and date, ``dropped`` is left out."""
    content: dict[str, Any]
    """Content of the decisions file."""

    def file(self, path: Path, **changes: Any) -> Path:
        """Write the decisions file with some keys changed (None leaves a key out)."""
        content = {key: value for key, value in {**self.content, **changes}.items() if value is not None}
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), encoding="utf-8")
        return path


NEW_OWNER, NEW_DATE = "P-19", "2026-12-02"
WORTH_IT = "The contract is worth the hours"
"""Reason of every approval: some of the plays are hard saves."""


def wishes_for(review: Mapping[str, Any]) -> MeetingWishes:
    """Decisions that reject, defer and edit one play each, approve the others, and reject one primary action."""
    accounts = [play["account_id"] for play in review["plays"] if play["account_id"] != UNOWNED_ACCOUNT]
    edited, rejected, deferred, *rest = accounts
    play = next(play for play in review["plays"] if play["account_id"] == edited)
    actions = [action["id"] for phase in play["phases"] for action in phase["actions"]]
    moved, dropped = actions[0], actions[-1]
    no_outreach = next(
        line["account_id"]
        for line in review["intervention_plan"]
        if line["tier"] != "critical" and line["account_id"] not in {*accounts, UNOWNED_ACCOUNT}
    )
    plays: list[dict[str, Any]] = [
        {"account": edited, "decision": "edit", "owners": {moved: NEW_OWNER}, "dates": {moved: NEW_DATE},
         "drop": [dropped], "reason": WORTH_IT},
        {"account": rejected, "decision": "reject", "reason": "The sponsor already agreed to renew"},
        {"account": deferred, "decision": "defer", "until": "2026-12-07"},
        {"account": no_outreach, "decision": "reject", "reason": "Called last Friday"},
        *({"account": account, "decision": "approve", "reason": WORTH_IT} for account in [UNOWNED_ACCOUNT, *rest]),
    ]  # fmt: skip
    content = {
        "review": review["review_id"],
        "decided_by": "Marguerite Oyelaran",
        "others": "approve",
        "budget": 5000,
        "plays": plays,
        "close": {"owners": {UNOWNED_ACCOUNT: NEW_OWNER}, "notes": "All critical accounts are owned."},
    }
    return MeetingWishes((UNOWNED_ACCOUNT, *rest), edited, rejected, deferred, no_outreach, moved, dropped, content)


@pytest.fixture(scope="session")
def meeting_wishes(waiting_review: tuple[StoreFolder, CommandResult]) -> MeetingWishes:
    """Decisions that the meeting of the small team wants."""
    return wishes_for(waiting_review[0].document(W48))


@pytest.fixture(scope="session")
def decided(
    shared_stores: SharedStores, team_data: Path, team_first_week: StoreFolder, meeting_wishes: MeetingWishes
) -> StoreFolder:
    """The second review with these decisions from a file, without a kill."""

    def make(place: StoreFolder) -> None:
        team_first_week.copy_to(place.folder)
        place.review(team_data, SECOND_DAY, "--approve", meeting_wishes.file(place.folder / "decisions.yaml"))

    return shared_stores.place("decided", make)[0]


@pytest.fixture(scope="session")
def overruled_decisions(
    shared_stores: SharedStores, team_data: Path, team_first_week: StoreFolder
) -> tuple[StoreFolder, dict[str, CommandResult]]:
    """The second review, where the process of the first decision was killed before it carried the decision out, and a
    second person then decides differently. Also the JSON output of the waiting review."""

    def make(place: StoreFolder) -> dict[str, CommandResult]:
        team_first_week.copy_to(place.folder)
        said = {"json": place.review(team_data, SECOND_DAY, "--json", code=WAITING)}
        decide = ["decide", W48, "--store", place.store, "--approve"]
        kill_when([*decide, "all"], lambda _: "plan" in place.decided(W48))
        return {**said, "second": saveplay(*decide, "none")}

    return shared_stores.place("too-late", make)
