"""Coverage is of what is connected: a source the team lacks is said once, one without rows on an account is its own gap."""

from pathlib import Path

import duckdb
import pytest

from tests.builders import PortfolioBuilder, ScoredPortfolio, with_scoring
from tools.scoring.portfolio_summary import data_report
from tools.scoring.score_sql import scored_sql
from tools.scoring.snapshots import SnapshotStore, saved_shares

GIVEN = {"logins": 60, "core_actions": 120, "features_used": 9}


def used(world: PortfolioBuilder, account: str, **cells: object) -> PortfolioBuilder:
    """An account in steady use for ten weeks."""
    return world.account(account, seats=20, **cells).usage(account, [16] * 10, **GIVEN)  # type: ignore[arg-type]


def note(found: ScoredPortfolio) -> str:
    """The sentence on what health rests on."""
    return data_report(found.base).health_note


def test_health_is_scored_on_accounts_usage_and_outcomes_and_says_on_what_it_rests(tmp_path: Path) -> None:
    world = used(used(PortfolioBuilder(), "A1"), "A2").outcome("A1", "renewed", 100).outcome("A2", "renewed", 200)
    found = world.score_files(tmp_path)
    assert found["A1"]["health_band"] == "green"
    assert (found["A1"]["coverage"], found["A1"]["confidence"]) == (1, "low")
    assert note(found) == "Health rests on usage and outcomes, 32 % of the intended weight."


@pytest.mark.parametrize(
    ("arr", "share"), [((50_000,), "30 %"), ((200_000,), "25 %"), ((5_000, 200_000), "25 to 40 % (by size of account)")]
)
def test_the_share_is_that_of_the_sizes_that_the_base_has(tmp_path: Path, arr: tuple[int, ...], share: str) -> None:
    world = PortfolioBuilder()
    for number, each in enumerate(arr):
        used(world, f"A{number}", arr=each)
    assert note(world.score_files(tmp_path)) == f"Health rests on usage alone, {share} of the intended weight."


def test_a_source_that_has_nothing_on_an_account_is_a_gap_of_that_account(tmp_path: Path) -> None:
    world = used(used(PortfolioBuilder(), "A1"), "A2").survey("A1", 10, 9).survey("A1", 100, 8)
    world.goal("A1", "met").touch("A1", 5, "exec_meeting", attended=True)
    found = world.score_files(tmp_path)
    assert found["A1"]["coverage"] > found["A2"]["coverage"]
    assert found["A2"]["coverage"] == pytest.approx(0.494, abs=0.001), "usage, of usage, surveys, touchpoints and goals"


def test_under_half_of_the_connected_weight_an_account_is_not_scored(tmp_path: Path) -> None:
    world = used(PortfolioBuilder(), "A1").account("A2").survey("A2", 10, 9)
    found = world.score_files(tmp_path)
    assert (found["A1"]["health"] is None, found["A2"]["health"], found["A2"]["health_band"]) == (
        False,
        None,
        "not_scored",
    )
    (gap,) = [gap for gap in data_report(found.base).gaps if gap.subject == "health"]
    assert gap.message == "Health is not scored for 1 account: under 50% of the connected weight is known."


def test_accounts_alone_are_not_scored_and_the_page_says_why(tmp_path: Path) -> None:
    found = PortfolioBuilder().account("A1").score_files(tmp_path)
    assert (found["A1"]["health"], found["A1"]["coverage"], found["A1"]["risk"]) == (None, 0, 0)
    assert note(found) == "Health is not scored: no source that it is measured from is connected."


def test_a_base_with_every_source_says_nothing_about_what_it_rests_on() -> None:
    world = PortfolioBuilder().with_sources_connected().healthy_account("A1").outcome("A1", "renewed", 30)
    assert note(world.score()) == ""


def test_a_stale_source_is_connected_so_that_coverage_falls(tmp_path: Path) -> None:
    fresh = used(PortfolioBuilder(), "A1").ticket("A1", 1, closed=0)
    stale = used(PortfolioBuilder(), "A1").ticket("A1", 30, closed=29)
    assert fresh.score_files(tmp_path / "1")["A1"]["coverage"] > stale.score_files(tmp_path / "2")["A1"]["coverage"]


def test_a_stated_intent_needs_any_table_with_texts(tmp_path: Path) -> None:
    world = used(PortfolioBuilder(), "A1").ticket("A1", 1, closed=0, body="All fine.")
    assert "usage and tickets, " in note(world.score_files(tmp_path))
    assert world.score_files(tmp_path / "2")["A1"]["coverage"] > 0.6


def test_a_past_week_is_scored_again_with_the_sources_that_it_had(tmp_path: Path) -> None:
    history = SnapshotStore(tmp_path / "history")
    used(PortfolioBuilder(), "A1").score_files(tmp_path / "data", history=history).save("2026-W47")
    (week,) = history.snapshots(duckdb.connect(), used(PortfolioBuilder(), "A1").as_of.replace(year=2027))
    with duckdb.connect() as connection:
        shares = saved_shares(connection, week)
        assert set(shares.by_table) == {"accounts", "usage"}
        connection.execute(f"create table saved as from read_parquet('{week.path}')")
        changed = with_scoring({"confidence_high": {"value": 0.9, "unit": "share", "why": "for this test only"}})
        columns = (
            "* exclude (health, health_band, coverage, confidence, velocity_band, risk, score_tier, risk_tier, flagged,"
        )
        columns += " alarm, at_risk, rule, intervention_tier)"
        connection.execute(f"create view signals as select {columns} from saved")
        base = used(PortfolioBuilder(), "A1").score_files(tmp_path / "data").base
        sql = scored_sql(changed, "signals", base.as_of, "velocity", shares)
        assert connection.execute(f"select coverage, health is null from ({sql})").fetchone() == (1.0, False)
