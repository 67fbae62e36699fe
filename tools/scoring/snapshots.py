"""The snapshot history: one Parquet file a week, written under another name and renamed, read and never recomputed.

"Last week" is the latest of these files. A file carries its review date and the hash of the configuration that made it. A file that
cannot be read is set aside under another name and reported, and the review goes on without that week.
Machines that share a store keep the files in its database; each reads from copies in a folder of its own.
"""

import hashlib
import os
import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from domain.errors import InputError
from tools.places import file_mode, make_private_file, make_private_folder, translate_disk_errors
from tools.scoring.source_shares import SourceShares, shares_from_text
from tools.sql import sql_path, sql_string

if TYPE_CHECKING:
    from tools.store.postgres import Postgres

_WEEK = re.compile(r"\d{4}-W\d\d")
_SET_ASIDE = ".bad"
"""Ending of a week that cannot be read."""


@dataclass(frozen=True)
class Snapshot:
    """One week of scores of the whole base."""

    path: Path
    review_id: str
    as_of: date
    scoring_hash: str
    reviewed: bool
    """False when it was filled in from past data before the first review."""


class SnapshotStore:
    """The snapshots in one folder, oldest first."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = str(folder)
        """The place as messages name it."""
        self._unreadable: set[str] = set()
        """Weeks that this process could not read."""

    def notices(self) -> tuple[str, ...]:
        """One sentence for each file that is not used: weeks that were set aside, and files that are no week."""
        set_aside = {path.name.partition(".")[0] for path in self.folder.glob("*.parquet" + _SET_ASIDE)}
        bad = {week for week in set_aside if not self._file(week).exists()} | self._unreadable
        strange = [path.name for path in sorted(self.folder.glob("*.parquet")) if not _WEEK.fullmatch(path.stem)]
        return (
            *(
                f"The week {week} of the history cannot be read and is left out of trends and comparisons; put a copy back as "
                f"history/{week}.parquet, or delete history/{week}.parquet{_SET_ASIDE}."
                for week in sorted(bad)
            ),
            *(f"history/{name} is no week and is not read; move it to another folder." for name in strange),
        )

    def set_aside_damaged(self) -> bool:
        """Read every week in full and set the damaged ones aside. True if there were any."""
        with duckdb.connect(":memory:") as connection:
            found = [
                snapshot for snapshot in self.snapshots(connection, date.max) if not is_whole(connection, snapshot)
            ]
        for snapshot in found:
            self._set_aside(snapshot.path)
        return bool(found)

    def _set_aside(self, path: Path) -> None:
        """Rename a week that cannot be read; in a folder that is read-only it is just not used."""
        self._unreadable.add(path.stem)
        with suppress(OSError):
            path.rename(path.with_name(path.name + _SET_ASIDE))

    def _weeks_here(self) -> list[Path]:
        """The files of weeks, oldest first."""
        return [path for path in sorted(self.folder.glob("*.parquet")) if _WEEK.fullmatch(path.stem)]

    def has(self, review_id: str) -> bool:
        """True if the week was saved."""
        return self._file(review_id).exists()

    def snapshots(self, connection: duckdb.DuckDBPyConnection, before: date) -> list[Snapshot]:
        """All snapshots dated before ``before``, oldest first."""
        found = []
        for path in self._weeks_here():
            snapshot = _read_footer(connection, path)
            if snapshot is None:
                self._set_aside(path)
            elif snapshot.as_of < before:
                found.append(snapshot)
        return sorted(found, key=lambda snapshot: snapshot.as_of)

    def save(
        self,
        connection: duckdb.DuckDBPyConnection,
        week: str,
        review_id: str,
        as_of: date,
        scoring_hash: str,
        reviewed: bool,
        max_weeks: int,
        sources: str | None = None,
    ) -> None:
        """Write what the statement ``week`` yields, one row an account, replacing the week if it is there.

        ``sources`` says how much of each source could be read. The oldest weeks beyond ``max_weeks`` are deleted.
        """
        known = {"as_of": str(as_of), "scoring_hash": scoring_hash, "reviewed": str(reviewed).lower()}
        known |= {"sources": sources} if sources is not None else {}
        facts = ", ".join(f"{key}: {sql_string(value)}" for key, value in known.items())
        with translate_disk_errors(self._file(review_id), "cannot write the week"):
            aside = self._aside(review_id)
            try:
                make_private_file(aside)
                connection.execute(
                    f"copy (select * from ({week}) order by account_id) to {sql_path(aside)} "
                    f"(format parquet, kv_metadata {{{facts}}})"
                )
                aside.chmod(file_mode(self.folder))  # DuckDB writes a new file
                self._keep(aside, Snapshot(self._file(review_id), review_id, as_of, scoring_hash, reviewed), max_weeks)
            finally:
                with suppress(OSError):
                    aside.unlink(missing_ok=True)

    def _keep(self, aside: Path, snapshot: Snapshot, max_weeks: int) -> None:
        """Move the new file into its place, and delete the oldest weeks."""
        aside.replace(snapshot.path)
        for old in self._weeks_here()[:-max_weeks]:
            old.unlink(missing_ok=True)

    def _file(self, review_id: str) -> Path:
        return self.folder / f"{review_id}.parquet"

    def _aside(self, review_id: str) -> Path:
        """Path to which a week is written before it is renamed. Makes the folder."""
        make_private_folder(self.folder)
        return self.folder / f".{review_id}.{os.getpid()}.aside"

    def health_series(
        self, connection: duckdb.DuckDBPyConnection, snapshots: list[Snapshot], accounts: list[str]
    ) -> dict[str, list[tuple[date, float | None]]]:
        """Health by week of a few accounts, oldest first."""
        series: dict[str, list[tuple[date, float | None]]] = {account: [] for account in accounts}
        for snapshot in snapshots:
            rows = connection.execute(
                "select account_id, health from read_parquet(?) where account_id in (select unnest(?))",
                [str(snapshot.path), accounts],
            ).fetchall()
            for account, value in rows:
                series[account].append((snapshot.as_of, value))
        return series

    def account_weeks(self, connection: duckdb.DuckDBPyConnection, account: str) -> list[dict[str, Any]]:
        """Every kept week of one account, oldest first, as it was reported then; ``reconfigured`` marks a new scoring.

        Empty when no week knows the account.
        """
        found: list[dict[str, Any]] = []
        before: str | None = None
        for snapshot in self.snapshots(connection, date.max):
            cursor = connection.execute(
                f"select {', '.join(ACCOUNT_WEEK_COLUMNS)} from read_parquet(?) where account_id = ?",
                [str(snapshot.path), account],
            )
            names = [column[0] for column in cursor.description or ()]
            changed = before is not None and snapshot.scoring_hash != before
            before = snapshot.scoring_hash
            for row in cursor.fetchall():
                week = {"review_id": snapshot.review_id, "as_of": snapshot.as_of, "reviewed": snapshot.reviewed}
                values = dict(zip(names, row, strict=True))
                found.append({**week, **values, "scoring_hash": snapshot.scoring_hash, "reconfigured": changed})
        return found


def _read_footer(connection: duckdb.DuckDBPyConnection, path: Path) -> Snapshot | None:
    """The week in a file; None if the file is damaged or no week. Raises PlaceError if the system does not let it be read."""
    query = "select decode(key), decode(value) from parquet_kv_metadata(?)"
    try:
        with translate_disk_errors(path, "cannot read the week"):
            facts = dict(connection.execute(query, [str(path)]).fetchall())
        as_of = date.fromisoformat(facts["as_of"])
        return Snapshot(path, path.stem, as_of, facts["scoring_hash"], facts["reviewed"] == "true")
    except (duckdb.Error, KeyError, ValueError):
        return None


def saved_shares(connection: duckdb.DuckDBPyConnection, snapshot: Snapshot) -> SourceShares:
    """The sources as they were connected and read in that week; all of them for a week that was saved without."""
    query = "select decode(value) from parquet_kv_metadata(?) where decode(key) = 'sources'"
    row = connection.execute(query, [str(snapshot.path)]).fetchone()
    return shares_from_text(row[0] if row else None)


def is_whole(connection: duckdb.DuckDBPyConnection, snapshot: Snapshot) -> bool:
    """True if every column of the week can be read."""
    try:
        connection.execute("select bit_xor(hash(week)) from read_parquet(?) week", [str(snapshot.path)]).fetchall()
    except duckdb.Error:
        return False
    return True


_TABLE = """
create table if not exists snapshots (review_id text primary key, as_of text not null, scoring_hash text not null,
    reviewed boolean not null, digest text not null, body bytea not null);
"""
_UPSERT = (
    "insert into snapshots values (:review_id, :as_of, :scoring_hash, :reviewed, :digest, :body) on conflict (review_id) "
    "do update set as_of = excluded.as_of, scoring_hash = excluded.scoring_hash, reviewed = excluded.reviewed, "
    "digest = excluded.digest, body = excluded.body"
)


def create_table(database: "Postgres") -> None:
    """Create the table of the weeks if it is missing. Raises InputError if the user has no right to."""
    database.create(_TABLE)


class SharedSnapshotStore(SnapshotStore):
    """The snapshots in a database. ``folder`` holds this machine's copies; what it lacks is fetched when it is read."""

    def __init__(self, folder: Path, database: "Postgres") -> None:
        super().__init__(folder)
        self.name = database.name
        self._database = database

    def has(self, review_id: str) -> bool:
        """True if the week was saved."""
        return any(row["review_id"] == review_id for row in self._weeks())

    def snapshots(self, connection: duckdb.DuckDBPyConnection, before: date) -> list[Snapshot]:
        """All snapshots dated before ``before``, oldest first. Raises InputError when copies cannot be kept here."""
        weeks = [week for week in self._weeks() if date.fromisoformat(week["as_of"]) < before]
        found = [self._copied(week) for week in weeks if week["review_id"] not in self._unreadable]
        return sorted((week for week in found if week is not None), key=lambda snapshot: snapshot.as_of)

    def _keep(self, aside: Path, snapshot: Snapshot, max_weeks: int) -> None:
        """Into the database first: a copy of what is not in there would be of no use."""
        body = aside.read_bytes()
        week = {
            "review_id": snapshot.review_id, "as_of": snapshot.as_of.isoformat(), "reviewed": snapshot.reviewed,
            "scoring_hash": snapshot.scoring_hash, "digest": hashlib.sha256(body).hexdigest(), "body": body,
        }  # fmt: skip
        create_table(self._database)
        with self._database.writing():
            self._database.execute(_UPSERT, week)
            known = sorted(row["review_id"] for row in self._database.rows("select review_id from snapshots", {}))
            old = [{"review_id": review_id} for review_id in known[:-max_weeks]]
            self._database.execute_each("delete from snapshots where review_id = :review_id", old)
        super()._keep(aside, snapshot, max_weeks)

    def _weeks(self) -> list[dict[str, Any]]:
        """Each week without its scores."""
        if not self._database.has_tables("snapshots"):
            return []
        return self._database.rows("select review_id, as_of, scoring_hash, reviewed, digest from snapshots", {})

    def _copied(self, week: dict[str, Any]) -> Snapshot | None:
        """The week with its file, fetched unless it is here, whole and the latest. None when it is gone meanwhile."""
        path = self._file(week["review_id"])
        if not path.exists() or hashlib.sha256(path.read_bytes()).hexdigest() != week["digest"]:
            query = "select * from snapshots where review_id = :review_id"
            fetched = self._database.rows(query, {"review_id": week["review_id"]})
            if not fetched:
                return None
            (week,) = fetched
            aside = self._aside(week["review_id"])
            aside.write_bytes(week["body"])
            aside.replace(path)
        as_of = date.fromisoformat(week["as_of"])
        return Snapshot(path, week["review_id"], as_of, week["scoring_hash"], week["reviewed"])

    def _aside(self, review_id: str) -> Path:
        """Path to which a copy is written before it is renamed. Makes the folder, for this user alone."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            why = f"{error.strerror}; name another folder with SAVEPLAY_CACHE"
            raise InputError(f"cannot keep copies of past weeks in {self.folder}: {why}") from None
        return super()._aside(review_id)


ACCOUNT_WEEK_COLUMNS = (
    "name",
    "health",
    "health_band",
    "coverage",
    "risk",
    "risk_tier",
    "at_risk",
    "rule",
    "intervention_tier",
)
"""The columns that the history shows of a week."""


def week_to_compare(snapshots: list[Snapshot]) -> Snapshot | None:
    """The latest week that was reviewed; before the first review, the latest that was filled in."""
    reviewed = [snapshot for snapshot in snapshots if snapshot.reviewed]
    return next(reversed(reviewed or snapshots), None)


def snapshot_month_ago(
    snapshots: list[Snapshot], as_of: date, window: tuple[int, int], days: int = 30
) -> Snapshot | None:
    """The snapshot nearest to so many days back within the window, the older one on a tie."""
    near = [s for s in snapshots if window[0] <= (as_of - s.as_of).days <= window[1]]
    return min(near, key=lambda s: (abs((as_of - timedelta(days=days) - s.as_of).days), s.as_of), default=None)
