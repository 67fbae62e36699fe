"""What the tests look at, made once a run by real processes: portfolios, stores with a week or two in them.

A place that tests share is only read; whoever wants to go on from it copies it. The folder is shared by all xdist
workers of a run, under a lock.
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
"""The two files that may hold clock times and paths."""
FILES_PEOPLE_EDIT = ("decisions.yaml",)
"""The one that people fill in and the review only keeps."""

ATTEMPTS = 5
"""How often a world with kills in it is begun before the test fails."""
UNOWNED_ACCOUNT = "TF-1268"
"""The critical account that nobody owns in the cut-out."""
TEAM_ACCOUNTS = (
    "TF-1052", "TF-1040", "TF-1409", "TF-1037", UNOWNED_ACCOUNT, "TF-1256", "TF-1370", "TF-1133", "TF-1337", "TF-1097",
    "TF-1253", "TF-1145", "TF-1061", "TF-1160", "TF-1328", "TF-1007", "TF-1049", "TF-1187", "TF-1094", "TF-1001",
    "TF-1010", "TF-1019",
)  # fmt: skip
"""A desk of one team: the ten worst, two that turn bad, resolved ones, hostile names, a few healthy ones."""


@dataclass(frozen=True)
class StoreFolder:
    """A store and the folder that its reviews are written into."""

    folder: Path

    @property
    def store(self) -> Path:
        return self.folder / "store"

    @property
    def out(self) -> Path:
        return self.folder / "reviews"

    def asked(self, data: Path | str, day: str, *more: str | Path) -> list[str | Path]:
        """The arguments of a review here."""
        return ["review", "--data", data, "--as-of", day, "--out", self.out, "--store", self.store, *more]

    def review(
        self, data: Path | str, day: str, *more: str | Path, code: int = DONE, env: Mapping[str, str] | None = None
    ) -> CommandResult:
        """Run a review here."""
        return saveplay(*self.asked(data, day, *more), env=env).ended(code)

    def run(self, *arguments: str | Path) -> CommandResult:
        """Run any other command on this store."""
        return saveplay(*arguments, "--store", self.store)

    def pages(self, review_id: str) -> dict[str, bytes]:
        """Every file of a review by its relative path."""
        folder = self.out / review_id
        return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}

    def digests(self, review_id: str) -> dict[str, str]:
        """Digest of every file that has to be the same each time."""
        pages = self.pages(review_id).items()
        return {
            name: hashlib.sha256(content).hexdigest()
            for name, content in pages
            if name not in (*FILES_WITH_TIMES, *FILES_PEOPLE_EDIT)
        }

    def document(self, review_id: str) -> dict[str, Any]:
        """``review.json``."""
        return json.loads((self.out / review_id / "review.json").read_text(encoding="utf-8"))

    def table(self, review_id: str, name: str) -> list[dict[str, str]]:
        """One of the CSV files."""
        with (self.out / review_id / name).open(newline="", encoding="utf-8-sig") as handle:
            return list(csv.DictReader(handle))

    def stray_files(self) -> list[str]:
        """What lies beside the reviews and is none."""
        if not self.out.exists():
            return []
        return [path.name for path in self.out.iterdir() if not re.fullmatch(r"\d{4}-W\d\d", path.name)]

    def actions(self) -> list[tuple[Any, ...]]:
        """Every action in the store as it is kept there."""
        return self._rows("select action_id, approved_in, body from actions order by action_id, approved_in")

    def registered(self) -> list[str]:
        """The reviews that the store knows of."""
        return [review_id for (review_id,) in self._rows("select review_id from reviews order by review_id")]

    def decided(self, review_id: str) -> list[str]:
        """The gates of a review that the store holds a decision for."""
        return [gate for (gate,) in self._rows(f"select gate from decisions where review_id = '{review_id}'")]

    def audit(self, review_id: str) -> list[tuple[str, str]]:
        """What was done to a review, and by whom, oldest first."""
        return self._rows(f"select what, who from audit where review_id = '{review_id}' order by seq")

    def progress(self) -> dict[str, tuple[str, str | None]]:
        """State and day of every action that somebody reported on."""
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
            return []  # the process has not made the table yet
        finally:
            connection.close()

    def copied(self, folder: Path) -> "StoreFolder":
        """The same history in another folder. Its old reviews still know the old folder; new ones go into the new."""
        shutil.copytree(self.folder, folder)
        return StoreFolder(folder)


@dataclass(frozen=True)
class SharedStores:
    """Where shared things are put: each is made once a run, by whoever needs it first."""

    root: Path

    def place(
        self, name: str, make: Callable[[StoreFolder], Mapping[str, CommandResult] | None]
    ) -> tuple[StoreFolder, dict[str, CommandResult]]:
        """A place, and what was said while it was made."""
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
    """What was said while the place was made. A kill that came too late proves nothing: the place is made anew."""
    for attempt in range(1, ATTEMPTS + 1):
        shutil.rmtree(folder, ignore_errors=True)
        try:
            return make(StoreFolder(folder)) or {}
        except EndedTooEarly:
            if attempt == ATTEMPTS:
                raise
    raise AssertionError("the last attempt returns or raises")


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> SharedStores:
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
    """A CSV file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as handle:
        csv.writer(handle, lineterminator="\n").writerows([header, *rows])


def write_team_data(folder: Path, days: int = 0) -> Path:
    """The sample portfolio of a few accounts, one critical one without an owner, all dates moved by ``days``."""
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
def first_week(shelf: SharedStores) -> StoreFolder:
    """The first review of the sample portfolio, everything approved."""

    def make(place: StoreFolder) -> None:
        place.review(PORTFOLIO, FIRST_DAY, "--approve", "all", env={"PYTHONHASHSEED": "1", "TZ": "Pacific/Auckland"})

    return shelf.place("first-week", make)[0]


@pytest.fixture(scope="session")
def both_weeks(shelf: SharedStores, first_week: StoreFolder) -> StoreFolder:
    """The second review, on the history of the first."""

    def make(place: StoreFolder) -> None:
        first_week.copied(place.folder)
        place.review(PORTFOLIO, SECOND_DAY, "--approve", "all", env={"PYTHONHASHSEED": "1", "TZ": "Pacific/Auckland"})

    return shelf.place("both-weeks", make)[0]


# the cut-out ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def desk(shelf: SharedStores) -> Path:
    """The data of a small team, with a critical account that nobody owns."""

    def make(place: StoreFolder) -> None:
        write_team_data(place.folder)

    return shelf.place("desk", make)[0].folder


OVERRIDES = (("TF-1409", "yellow", "2026-11-20"), ("TF-1040", "green", "2026-12-31"))
"""Account, band and end date of what CSMs said before the first review."""


@pytest.fixture(scope="session")
def desk_first(shelf: SharedStores, desk: Path) -> StoreFolder:
    """The first review of the small team, with two overrides, everything approved."""

    def make(place: StoreFolder) -> None:
        for account, band, until in OVERRIDES:
            reason = ("--reason", "The sponsor told me on the phone", "--by", "Sadia Karim")
            place.run("override", account, "--band", band, "--until", until, "--on", "2026-11-10", *reason).ended(DONE)
        place.review(desk, FIRST_DAY, "--approve", "all")

    return shelf.place("desk-first", make)[0]


@pytest.fixture(scope="session")
def desk_second(shelf: SharedStores, desk: Path, desk_first: StoreFolder) -> StoreFolder:
    """The second review of the small team, everything approved, undisturbed."""

    def make(place: StoreFolder) -> None:
        desk_first.copied(place.folder)
        place.review(desk, SECOND_DAY, "--approve", "all")

    return shelf.place("desk-second", make)[0]


@pytest.fixture(scope="session")
def waiting(shelf: SharedStores, desk: Path, desk_first: StoreFolder) -> tuple[StoreFolder, CommandResult]:
    """The second review of the small team, waiting for decisions; and what it said."""

    def make(place: StoreFolder) -> dict[str, CommandResult]:
        desk_first.copied(place.folder)
        said = place.review(desk, SECOND_DAY, code=WAITING)
        shutil.copytree(place.out, place.folder / "kept" / "reviews")
        return {"review": said}

    place, said = shelf.place("waiting", make)
    return StoreFolder(place.folder / "kept"), said["review"]


@pytest.fixture(scope="session")
def reborn(shelf: SharedStores, desk: Path) -> tuple[StoreFolder, dict[str, CommandResult]]:
    """A first review killed before it was registered, then run again with nothing approved."""

    def make(place: StoreFolder) -> dict[str, CommandResult]:
        go = place.asked(desk, FIRST_DAY, "--approve", "none")
        kill_when(go, file_exists(place.folder, "store/saveplay.db"))
        return {"resume": place.run("resume", W47), "review": saveplay(*go)}

    return shelf.place("reborn", make)


# decisions -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class MeetingWishes:
    """What the meeting wants: some of each decision."""

    approved: tuple[str, ...]
    edited: str
    rejected: str
    deferred: str
    no_outreach: str
    """An account without a play whose primary action is rejected."""
    moved: str
    dropped: str
    """Actions of the edited play: one gets another owner and date, one is left out."""
    content: dict[str, Any]
    """The decisions file."""

    def file(self, path: Path, **changes: Any) -> Path:
        """The decisions file on disk, with some of its keys changed (None leaves a key out)."""
        content = {key: value for key, value in {**self.content, **changes}.items() if value is not None}
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), encoding="utf-8")
        return path


NEW_OWNER, NEW_DATE = "P-19", "2026-12-02"


def wishes_for(review: Mapping[str, Any]) -> MeetingWishes:
    """Reject one play, defer one, edit one, approve the others; reject one primary action beside them."""
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
         "drop": [dropped]},
        {"account": rejected, "decision": "reject", "reason": "The sponsor already agreed to renew"},
        {"account": deferred, "decision": "defer", "until": "2026-12-07"},
        {"account": no_outreach, "decision": "reject", "reason": "Called last Friday"},
        *({"account": account, "decision": "approve"} for account in [UNOWNED_ACCOUNT, *rest]),
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
def wanted(waiting: tuple[StoreFolder, CommandResult]) -> MeetingWishes:
    """What the meeting of the small team wants."""
    return wishes_for(waiting[0].document(W48))


@pytest.fixture(scope="session")
def decided(shelf: SharedStores, desk: Path, desk_first: StoreFolder, wanted: MeetingWishes) -> StoreFolder:
    """The second review with those decisions, given beforehand in one file, undisturbed."""

    def make(place: StoreFolder) -> None:
        desk_first.copied(place.folder)
        place.review(desk, SECOND_DAY, "--approve", wanted.file(place.folder / "decisions.yaml"))

    return shelf.place("decided", make)[0]


@pytest.fixture(scope="session")
def too_late(shelf: SharedStores, desk: Path, desk_first: StoreFolder) -> tuple[StoreFolder, dict[str, CommandResult]]:
    """The second review, printed as JSON while it waits; the process that decided on it was killed before it could
    carry that out, and a second person decides otherwise."""

    def make(place: StoreFolder) -> dict[str, CommandResult]:
        desk_first.copied(place.folder)
        said = {"json": place.review(desk, SECOND_DAY, "--json", code=WAITING)}
        decide = ["decide", W48, "--store", place.store, "--approve"]
        kill_when([*decide, "all"], lambda _: "plan" in place.decided(W48))
        return {**said, "second": saveplay(*decide, "none")}

    return shelf.place("too-late", make)
