"""History of past weeks: read back unchanged from a folder or from a database that several machines share."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from app.stores import open_location
from domain.errors import InputError
from tests.builders import AS_OF, SHIPPED, PortfolioBuilder, ScoredPortfolio
from tests.databases import run_sql
from tools.scoring.snapshots import SharedSnapshotStore, SnapshotStore

MAX_WEEKS = int(SHIPPED.scoring.history_weeks.value)


@pytest.fixture(scope="module")
def scored() -> ScoredPortfolio:
    return PortfolioBuilder().with_sources_connected().healthy_account("A").score()


@pytest.fixture
def history(store_location: str) -> Iterator[SnapshotStore]:
    with open_location(store_location) as place:
        yield place.history()


def keep(
    history: SnapshotStore, scored: ScoredPortfolio, weeks_ago: int, *, made_by: str = "shipped", reviewed: bool = True
) -> str:
    """Save a week under its id, like a week that was scored then."""
    day = AS_OF - timedelta(weeks=weeks_ago)
    history.save(scored.base.connection, scored.base.snapshot_sql, f"{day:%G-W%V}", day, made_by, reviewed, MAX_WEEKS)
    return f"{day:%G-W%V}"


def kept(history: SnapshotStore, before: date = date.max) -> list[str]:
    with duckdb.connect(":memory:") as connection:
        return [snapshot.review_id for snapshot in history.snapshots(connection, before)]


def test_weeks_are_told_oldest_first_with_what_they_were_made_by(
    history: SnapshotStore, scored: ScoredPortfolio
) -> None:
    keep(history, scored, 1, made_by="other")
    keep(history, scored, 3, reviewed=False)
    keep(history, scored, 2)
    with duckdb.connect(":memory:") as connection:
        told = history.account_weeks(connection, "A")
        assert history.account_weeks(connection, "nobody") == []
    assert [week["review_id"] for week in told] == ["2026-W45", "2026-W46", "2026-W47"]
    assert [(week["reviewed"], week["reconfigured"]) for week in told] == [(False, False), (True, False), (True, True)]
    assert {week["health"] for week in told} == {scored["A"]["health"]}


def test_a_week_that_is_scored_again_replaces_itself(history: SnapshotStore, scored: ScoredPortfolio) -> None:
    for made_by in ("shipped", "other"):
        keep(history, scored, 1, made_by=made_by)
    with duckdb.connect(":memory:") as connection:
        assert [snapshot.scoring_hash for snapshot in history.snapshots(connection, AS_OF)] == ["other"]


def test_a_week_is_known_when_it_has_been_kept(history: SnapshotStore, scored: ScoredPortfolio) -> None:
    assert not history.has("2026-W47")
    assert keep(history, scored, 1) == "2026-W47"
    assert history.has("2026-W47")
    assert kept(history, AS_OF) == ["2026-W47"]
    assert kept(history, AS_OF - timedelta(weeks=1)) == []


def test_two_years_of_weeks_are_kept(history: SnapshotStore, scored: ScoredPortfolio) -> None:
    names = [keep(history, scored, weeks) for weeks in range(MAX_WEEKS + 2, 0, -1)]
    assert kept(history) == names[2:]
    assert sorted(path.stem for path in history.folder.iterdir()) == names[2:]


# several machines ----------------------------------------------------------------------------------------------------


@pytest.fixture
def machines(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[SnapshotStore, SnapshotStore]]:
    """Two machines with one database, each with its own folder for copies."""
    with open_location(postgres_url) as one, open_location(postgres_url) as other:
        monkeypatch.setenv("SAVEPLAY_CACHE", str(tmp_path / "one"))
        first = one.history()
        monkeypatch.setenv("SAVEPLAY_CACHE", str(tmp_path / "other"))
        yield first, other.history()


def copies(history: SnapshotStore) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(history.folder.iterdir())}


def test_what_one_machine_keeps_the_other_reads(
    machines: tuple[SnapshotStore, SnapshotStore], scored: ScoredPortfolio
) -> None:
    one, other = machines
    keep(one, scored, 2)
    keep(other, scored, 1)
    assert kept(one) == kept(other) == ["2026-W46", "2026-W47"]
    assert copies(one) == copies(other)
    assert one.folder != other.folder
    assert one.folder.stat().st_mode & 0o777 == 0o700


def test_a_machine_without_copies_fetches_them_once(
    machines: tuple[SnapshotStore, SnapshotStore], scored: ScoredPortfolio
) -> None:
    one, other = machines
    keep(one, scored, 1)
    kept(other)
    before = other.folder / "2026-W47.parquet"
    changed = before.stat().st_mtime_ns, before.stat().st_ino
    kept(other)
    assert (before.stat().st_mtime_ns, before.stat().st_ino) == changed


def test_a_week_that_another_machine_scored_again_is_fetched_again(
    machines: tuple[SnapshotStore, SnapshotStore], scored: ScoredPortfolio
) -> None:
    one, other = machines
    keep(one, scored, 1)
    kept(other)
    again = PortfolioBuilder().with_sources_connected().healthy_account("A").healthy_account("B").score()
    keep(one, again, 1, made_by="other")
    with duckdb.connect(":memory:") as connection:
        assert [week["scoring_hash"] for week in other.account_weeks(connection, "B")] == ["other"]


@pytest.mark.parametrize("damage", [b"", b"PAR1 half of a file"])
def test_a_copy_that_is_damaged_is_fetched_again(
    machines: tuple[SnapshotStore, SnapshotStore], scored: ScoredPortfolio, damage: bytes
) -> None:
    one, _ = machines
    keep(one, scored, 1)
    whole = copies(one)
    (one.folder / "2026-W47.parquet").write_bytes(damage)
    assert kept(one) == ["2026-W47"]
    assert copies(one) == whole


def test_a_copy_of_a_week_that_the_database_does_not_have_is_not_believed(
    machines: tuple[SnapshotStore, SnapshotStore], postgres_url: str, scored: ScoredPortfolio
) -> None:
    one, other = machines
    keep(one, scored, 1)
    run_sql(postgres_url, "drop schema saveplay cascade")
    assert kept(one) == kept(other) == []
    assert not one.has("2026-W47")


def test_a_place_where_no_copies_can_be_kept_is_refused(
    machines: tuple[SnapshotStore, SnapshotStore],
    postgres_url: str,
    tmp_path: Path,
    scored: ScoredPortfolio,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keep(machines[0], scored, 1)
    (tmp_path / "file").touch()
    monkeypatch.setenv("SAVEPLAY_CACHE", str(tmp_path / "file"))
    with open_location(postgres_url) as place:
        assert isinstance(place.history(), SharedSnapshotStore)
        with pytest.raises(
            InputError, match=r"cannot keep copies of past weeks in .*; name another folder with SAVEPLAY"
        ):
            kept(place.history())
