"""The snapshot history: one Parquet file a week, written aside and renamed, read and never recomputed.

What "last week" means is this. A file carries its review date and the hash of the configuration that made it.
"""

import os
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb

from tools.scoring import SNAPSHOT_COLUMNS

KEPT_WEEKS = 104


@dataclass(frozen=True)
class Snapshot:
    """One week of scores of the whole base."""

    path: Path
    review_id: str
    as_of: date
    scoring_hash: str
    reviewed: bool
    """False when it was filled in from past data before the first review."""


class History:
    """The snapshots in one folder, oldest first."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def snapshots(self, connection: duckdb.DuckDBPyConnection, before: date) -> list[Snapshot]:
        """All snapshots dated before ``before``, oldest first."""
        found = []
        for path in sorted(self.folder.glob("*.parquet")):
            rows = connection.execute(
                "select decode(key), decode(value) from parquet_kv_metadata(?)", [str(path)]
            ).fetchall()
            facts = dict(rows)
            as_of = date.fromisoformat(facts["as_of"])
            if as_of < before:
                reviewed = facts["reviewed"] == "true"
                found.append(Snapshot(path, path.stem, as_of, facts["scoring_hash"], reviewed))
        return sorted(found, key=lambda snapshot: snapshot.as_of)

    def save(
        self, connection: duckdb.DuckDBPyConnection, review_id: str, as_of: date, scoring_hash: str, reviewed: bool
    ) -> None:
        """Write ``measured`` and ``scored`` of this week, replacing the week if it is there."""
        self.folder.mkdir(parents=True, exist_ok=True)
        aside = self.folder / f".{review_id}.{os.getpid()}.aside"
        columns = ", ".join(f"s.{name}" if name in _OF_SCORED else f"m.{name}" for name in SNAPSHOT_COLUMNS)
        facts = f"as_of: '{as_of}', scoring_hash: '{scoring_hash}', reviewed: '{str(reviewed).lower()}'"
        connection.execute(
            f"copy (select {columns} from measured m join scored s on s.account_id = m.account_id order by account_id) "
            f"to '{_quoted(aside)}' (format parquet, kv_metadata {{{facts}}})"
        )
        aside.replace(self.folder / f"{review_id}.parquet")
        for old in sorted(self.folder.glob("*.parquet"))[:-KEPT_WEEKS]:
            old.unlink()

    def history_of(
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

    def weeks_of(self, connection: duckdb.DuckDBPyConnection, account: str) -> list[dict[str, Any]]:
        """Every kept week of one account, oldest first, as it was reported then; ``reconfigured`` marks a new scoring.

        Empty when no week knows the account.
        """
        found: list[dict[str, Any]] = []
        before: str | None = None
        for snapshot in self.snapshots(connection, date.max):
            cursor = connection.execute(
                f"select {', '.join(TOLD)} from read_parquet(?) where account_id = ?", [str(snapshot.path), account]
            )
            names = [column[0] for column in cursor.description or ()]
            changed = before is not None and snapshot.scoring_hash != before
            before = snapshot.scoring_hash
            for row in cursor.fetchall():
                week = {"review_id": snapshot.review_id, "as_of": snapshot.as_of, "reviewed": snapshot.reviewed}
                told = dict(zip(names, row, strict=True))
                found.append({**week, **told, "scoring_hash": snapshot.scoring_hash, "reconfigured": changed})
        return found


TOLD = ("name", "health", "health_band", "coverage", "risk", "risk_tier", "at_risk", "rule", "intervention_tier")
"""What the history tells about a week."""
_OF_SCORED = {
    "health", "health_band", "coverage", "confidence", "velocity", "velocity_band", "risk", "score_tier", "risk_tier",
    "flagged", "alarm", "at_risk", "rule", "intervention_tier",
}  # fmt: skip


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def last_review(snapshots: list[Snapshot]) -> Snapshot | None:
    """The latest week that was reviewed."""
    return next((snapshot for snapshot in reversed(snapshots) if snapshot.reviewed), None)


def month_ago(snapshots: list[Snapshot], as_of: date, window: tuple[int, int]) -> Snapshot | None:
    """The snapshot nearest to 30 days back within the window, the older one on a tie."""
    near = [s for s in snapshots if window[0] <= (as_of - s.as_of).days <= window[1]]
    return min(near, key=lambda s: (abs((as_of - timedelta(days=30) - s.as_of).days), s.as_of), default=None)
