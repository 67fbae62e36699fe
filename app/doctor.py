"""`saveplay doctor`: checks what a review needs, and says how to mend what is wrong. It calls no model."""

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date
from pathlib import Path

import duckdb

from app.stores import FolderLocation, StoreLocation, open_location
from app.wiring import ReviewRequest, absolute_location, apply_environment, load_scored_base, utc_now
from domain.doctor import Check, DoctorReport
from domain.errors import SaveplayError
from tools.configuration import read_configuration
from tools.places import is_open_to_others
from tools.scoring.snapshots import is_whole
from tools.store.review_store import ReviewStore
from tools.store.sqlite import DAMAGED_CHECKPOINTS, DAMAGED_STORE, translate_sqlite_errors
from tools.store.versions import stored_version
from tools.wording import plural

_LEAST_FREE = 500_000_000
"""Bytes of free disk below which a person is warned."""


def examine(store: str | None, configs: str | None, data: str | None, today: date) -> DoctorReport:
    """Check store, history, checkpoints, audit log, configuration, model settings, rights, disk, and the data if named."""
    checks: list[Check] = []
    with open_location(store) as location:
        checks += _attempt("store", lambda: _check_store(location))
        if isinstance(location, FolderLocation):
            checks += [*_check_rights(location.folder), *_check_disk(location.folder)]
            checks += _attempt("checkpoints", lambda: _check_checkpoints(location.checkpoints))
        checks += _attempt("history", lambda: _check_history(location))
    checks += _attempt("configuration", lambda: _check_configuration(configs))
    if data is not None:
        checks += _attempt("data", lambda: _check_data(data, configs, today))
    return DoctorReport(checks=tuple(checks))


def _attempt(part: str, check: Callable[[], Iterator[Check]]) -> list[Check]:
    """The checks of one part; an error of the tree becomes a check that failed."""
    found: list[Check] = []
    try:
        found.extend(check())
    except SaveplayError as error:
        problem, _, mend = str(error).partition("; ")
        found.append(Check.model_validate({"part": part, "is_fine": False, "found": f"{problem}.", "mend": mend}))
    return found


def _check_store(location: StoreLocation) -> Iterator[Check]:
    if not location.exists():
        yield Check(part="store", is_fine=True, found="There is no store yet; the first review makes it.")
        return
    if isinstance(location, FolderLocation):
        _quick_check(location.folder / "saveplay.db", DAMAGED_STORE)
    with closing(location.store(utc_now)) as store:
        reviews, actions = store.reviews(), store.action_ids()
        version, name = stored_version(store.database), store.database.name
        counts = f"{plural(len(reviews), 'review')}, {plural(len(actions), 'action')}"
        yield Check(part="store", is_fine=True, found=f"{name} is whole (version {version}): {counts}.")
        yield from _attempt("audit", lambda: _check_audit(store))


def _quick_check(path: Path, damaged: str) -> None:
    """Let SQLite check a file. Raises PlaceError if it is damaged."""
    with (
        translate_sqlite_errors(path, damaged),
        closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=rw", uri=True)) as database,
    ):
        said = str(database.execute("pragma quick_check(1)").fetchone()[0])
        if said != "ok":
            error = sqlite3.DatabaseError(said)
            error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
            raise error


def _check_audit(store: ReviewStore) -> Iterator[Check]:
    verdict, place = store.verify_audit(), store.audit_key_place()
    if verdict.is_sound:
        yield Check(
            part="audit",
            is_fine=True,
            found=f"{plural(verdict.entries, 'audit entry', 'audit entries')}, each as written.",
        )
    else:
        yield Check(
            part="audit", is_fine=False, found=f"The audit log is not as it was written: {'; '.join(verdict.faults[:3])}.",
            mend="Compare it with a copy and an anchor: saveplay audit verify --anchor FILE.",
        )  # fmt: skip
    yield Check(part="audit key", is_fine=True, found=place.sentence)


def _check_rights(folder: Path) -> Iterator[Check]:
    if not folder.exists():
        return
    within = [folder, *(folder / name for name in ("saveplay.db", "checkpoints.db", "history", "locks"))]
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        yield Check(
            part="rights",
            is_fine=False,
            found=f"You may not read and write {folder}.",
            mend=f"Get the rights: chown or chmod u+rwX {folder}.",
        )
        return
    is_open = [path.name for path in within if is_open_to_others(path)]
    if is_open and is_open_to_others(folder):
        yield Check(
            part="rights", is_fine=False, found=f"Others on this machine can look into {folder} ({', '.join(is_open)}).",
            mend=f"If that is not meant: chmod -R go-rwx {folder}",
        )  # fmt: skip
    else:
        yield Check(part="rights", is_fine=True, found=f"{folder} is open to its owner only.")


def _check_disk(folder: Path) -> Iterator[Check]:
    there = next(path for path in (folder.resolve(), *folder.resolve().parents) if path.exists())
    free = shutil.disk_usage(there).free
    said = f"{free / 1e9:,.1f} GB are free for {folder}."
    yield Check(
        part="disk", is_fine=free >= _LEAST_FREE, found=said, mend="" if free >= _LEAST_FREE else "Free some space."
    )


def _check_checkpoints(path: Path) -> Iterator[Check]:
    if path.exists():
        _quick_check(path, DAMAGED_CHECKPOINTS)
        yield Check(part="checkpoints", is_fine=True, found="checkpoints.db is whole.")


def _check_history(location: StoreLocation) -> Iterator[Check]:
    if not location.exists():
        return
    history = location.history()
    with duckdb.connect(":memory:") as connection:
        weeks = history.snapshots(connection, date.max)
        bad = [week for week in weeks if not is_whole(connection, week)]
    for week in bad:
        yield Check(
            part="history", is_fine=False, found=f"The week {week.review_id} of the history is damaged.",
            mend=f"Put a copy back as history/{week.path.name}, or delete it: reviews do without this week.",
        )  # fmt: skip
    for notice in history.notices():
        found, _, mend = notice.partition("; ")
        yield Check(part="history", is_fine=False, found=f"{found}.", mend=mend)
    yield Check(
        part="history", is_fine=True, found=f"{plural(len(weeks) - len(bad), 'week')} of the history can be read."
    )


def _check_configuration(configs: str | None) -> Iterator[Check]:
    configuration = apply_environment(read_configuration(Path(configs) if configs else None))
    yield Check(part="configuration", is_fine=True, found=f"The configuration can be read ({configuration.hash[:12]}).")
    model = configuration.model
    said = (
        f"The model is {model.name}; it was not called."
        if model.name
        else "No model is named: plays come from the playbooks."
    )
    yield Check(part="model", is_fine=True, found=said)
    if model.reads and model.reading is not None and model.name:
        reader = model.model_for("reading")
        is_measured = reader in model.reading.measured
        yield Check(
            part="model",
            is_fine=is_measured,
            found=f"Reading is on: whole texts of customers are sent to {reader}"
            + ("." if is_measured else ", which has not passed the suite reading."),
            mend=""
            if is_measured
            else "Measure it: saveplay eval --suite reading --model live; or set reading: enabled: false.",
        )


def _check_data(data: str, configs: str | None, today: date) -> Iterator[Check]:
    from tools.scoring.snapshots import SnapshotStore

    configuration = read_configuration(Path(configs) if configs else None)
    request = ReviewRequest(absolute_location(data), today, "", configs)
    base = load_scored_base(request, configuration, SnapshotStore(Path("/nonexistent")))
    rows = base.audit.rows
    base.close()
    yield Check(part="data", is_fine=True, found=f"The data can be read: {rows:,} rows. For details: saveplay check.")
