"""Comparison with earlier weeks: velocity, alarms, new and former at-risk accounts, and the at-risk ARR bridge."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.stores import open_location
from tests.builders import (
    AS_OF,
    BEST,
    SHIPPED,
    PortfolioBuilder,
    ScoredPortfolio,
    compare_weeks,
    fetch_rows,
    score_signals,
    scoring_setting,
    with_scoring,
)
from tools.scoring.portfolio_summary import at_risk_bridge, summarize_portfolio
from tools.scoring.snapshots import Snapshot, SnapshotStore, snapshot_month_ago, week_to_compare
from tools.wording import review_id_of

LAST_WEEK = AS_OF - timedelta(days=7)


@pytest.fixture
def history(store_location: str) -> Iterator[SnapshotStore]:
    """The history of a new store, in a folder or in a database."""
    with open_location(store_location) as place:
        yield place.history()


# --- velocity ---


def snapshot(days_ago: int, *, reviewed: bool = True) -> Snapshot:
    return Snapshot(Path(f"{days_ago}.parquet"), f"week {days_ago}", AS_OF - timedelta(days=days_ago), "hash", reviewed)


def month_before(*days_ago: int) -> int | None:
    found = snapshot_month_ago([snapshot(days) for days in sorted(days_ago, reverse=True)], AS_OF, (25, 35))
    return None if found is None else (AS_OF - found.as_of).days


def test_a_month_ago_is_between_25_and_35_days_back() -> None:
    assert [month_before(days) for days in (24, 25, 35, 36)] == [None, 25, 35, None]


def test_the_week_nearest_to_thirty_days_back_counts_and_of_two_the_older() -> None:
    assert month_before(28, 35) == 28
    assert month_before(28, 32) == 32


def test_last_week_is_the_last_one_that_was_reviewed() -> None:
    assert week_to_compare([snapshot(14), snapshot(7, reviewed=False)]) == snapshot(14)
    filled_in = [snapshot(14, reviewed=False), snapshot(7, reviewed=False)]
    assert week_to_compare(filled_in) == filled_in[1], (
        "before the first review, with the latest week that was filled in"
    )
    assert week_to_compare([]) is None


FALLS = {
    16: "alarm", 15: "alarm", 14.99: "concern", 6: "concern", 5.99: "stable", 0: "stable", -6: "stable",
    -6.01: "improving",
}  # fmt: skip


def test_fifteen_points_in_thirty_days_are_an_alarm_and_six_a_concern() -> None:
    worn = {**BEST, "active_users_trend": -20, "csm_pulse": 3}
    now = score_signals([worn])[0]["health"]
    rows = score_signals({**worn, "health_month_ago": now + fall} for fall in FALLS)
    assert [row["velocity_band"] for row in rows] == list(FALLS.values())
    assert {row["velocity_band"] for row in rows if row["at_risk"]} == {"alarm"}


def test_an_account_at_risk_by_a_velocity_alarm_alone_is_at_least_medium() -> None:
    (row,) = score_signals([{**BEST, "health_month_ago": 100 + 20}])
    assert (row["risk"], row["score_tier"], row["risk_tier"], row["intervention_tier"]) == (
        0,
        "low",
        "medium",
        "medium",
    )


def test_velocity_is_unknown_without_a_snapshot_of_a_month_ago() -> None:
    (row,) = score_signals([BEST])
    assert (row["velocity"], row["velocity_band"]) == (None, "unknown")


# --- two weeks ---


def troubled(world: PortfolioBuilder, name: str, **attributes: Any) -> PortfolioBuilder:
    return world.healthy_account(name, **attributes).ticket(name, 10, escalated=True)


@pytest.fixture(scope="module")
def weeks(shared_store_location: str) -> Iterator[ScoredPortfolio]:
    """This week with some changes, scored after last week with the same customers was saved."""
    with open_location(shared_store_location) as place:
        yield two_weeks(place.history())


def two_weeks(history: SnapshotStore) -> ScoredPortfolio:
    last = (
        PortfolioBuilder(LAST_WEEK).with_sources_connected().healthy_account("fell ill").healthy_account("still well")
    )
    for name in ("recovered", "churned", "disappeared", "still ill", "grew", "got worse", "got better"):
        troubled(last, name)
    last.ticket("got better", 10, escalated=True, priority="urgent")
    last.score(history=history).save("2026-W47")
    now = (
        PortfolioBuilder()
        .with_sources_connected()
        .healthy_account("recovered")
        .healthy_account("still well")
        .healthy_account("churned")
        .outcome("churned", "churned", 1)
    )
    for name, arr in (("fell ill", 50_000), ("still ill", 50_000), ("grew", 70_000.5), ("got better", 50_000)):
        troubled(now, name, arr=arr)
    troubled(now, "got worse").note("got worse", "They are evaluating other vendors.")
    return troubled(now, "arrived ill", arr=30_000).score(history=history)


@pytest.mark.parametrize(
    ("account", "change"),
    [("fell ill", "new"), ("arrived ill", "new"), ("recovered", "resolved"), ("churned", "gone"),
     ("disappeared", "gone"), ("still ill", "unchanged"), ("still well", "unchanged"), ("got worse", "worsened"),
     ("got better", "improved")],
)  # fmt: skip
def test_every_account_has_one_change_since_last_week(weeks: ScoredPortfolio, account: str, change: str) -> None:
    assert weeks.compared[account]["change"] == change


def test_the_bridge_leads_from_last_weeks_at_risk_arr_to_this_weeks(weeks: ScoredPortfolio) -> None:
    steps = {step.name: step.arr for step in at_risk_bridge(weeks.base)}
    assert steps == {
        "opening": 350_000, "exchange_rates": 0, "configuration": 0, "entered": 80_000, "left": -50_000,
        "gone": -100_000, "arr_changed": 20_000.5, "closing": 300_000.5,
    }  # fmt: skip
    assert steps["closing"] == summarize_portfolio(weeks.base).arr_at_risk


def test_the_changes_by_signal_of_a_real_account_sum_to_the_change_of_its_health(weeks: ScoredPortfolio) -> None:
    dossier = weeks.dossier("got worse")
    assert dossier.health is not None
    assert dossier.health_then is not None
    moved = sum(round((part.health_change or 0) * 1e6) for part in dossier.contributions)
    assert moved == round((dossier.health - dossier.health_then) * 1e6) != 0


def test_the_first_review_is_a_baseline_without_invented_changes() -> None:
    first = troubled(PortfolioBuilder().with_sources_connected(), "ill").healthy_account("well").score()
    assert {account: row["change"] for account, row in first.compared.items()} == {
        "ill": "baseline", "neighbour": "unchanged", "well": "unchanged",
    }  # fmt: skip
    assert at_risk_bridge(first.base) == ()
    assert not any(row["fell"] for row in first.compared.values())


# --- degradation ---


def health_of(account: str, health: float) -> dict[str, Any]:
    band = "red" if health < 60 else "yellow" if health < 80 else "green"
    return {"account_id": account, "health": health, "health_band": band}


@pytest.mark.parametrize(
    ("then", "now", "alert"),
    [(95, 85, False), (95, 84.9, True), (60, 59.9, True), (59.9, 50, False), (80, 79.9, False)],
)
def test_more_than_ten_points_in_a_week_or_a_fall_into_red_is_an_alert(then: float, now: float, alert: bool) -> None:
    weeks = compare_weeks([health_of("A", then)], [health_of("A", now)])
    assert fetch_rows(weeks, "select fell from compared") == [{"fell": alert}]


@pytest.mark.parametrize(
    ("then", "now", "change"),
    [(50, 54.9, "unchanged"), (50, 55, "worsened"), (55, 50, "improved"), (54.9, 50, "unchanged")],
)
def test_five_points_of_risk_are_a_change_and_less_is_noise(then: float, now: float, change: str) -> None:
    rows = [{"account_id": "A", "at_risk": True, "risk": risk} for risk in (then, now)]
    assert fetch_rows(compare_weeks(rows[:1], rows[1:]), "select change from compared") == [{"change": change}]


def test_another_tier_is_a_change_however_small_the_step() -> None:
    then = {"account_id": "A", "at_risk": True, "risk": 64.9, "risk_tier": "medium"}
    weeks = compare_weeks([then], [{**then, "risk": 65, "risk_tier": "high"}])
    assert fetch_rows(weeks, "select change from compared") == [{"change": "worsened"}]


def test_a_health_that_was_unknown_in_either_week_did_not_fall() -> None:
    unknown = {"account_id": "A", "health": None, "health_band": "not_scored"}
    for then, now in ((unknown, health_of("A", 10)), (health_of("A", 90), unknown)):
        assert fetch_rows(compare_weeks([then], [now]), "select fell from compared") == [{"fell": False}]


# --- a change of configuration is not a change of customers ---


def customers(as_of: date) -> PortfolioBuilder:
    """The same customers on any review date; only the date differs."""
    world = PortfolioBuilder(as_of).with_sources_connected()
    troubled(world, "escalated").healthy_account("well").healthy_account("unhappy")
    world.tables["surveys"].pop()
    world.tables["notes"].pop()
    world.survey("unhappy", 20, 0).note("unhappy", "A calm week.", pulse=1)
    world.account("distant", renewal=100).contact("distant", "champion").touch("distant", 100, "exec_meeting")
    world.touch("distant", 5, "training", attended=True)
    return world.account("dollars", arr=31_234.57, currency="USD").ticket("dollars", 5, escalated=True)


@pytest.fixture(scope="module")
def weeks_before(tmp_path_factory: pytest.TempPathFactory) -> SnapshotStore:
    """The same customers 37, 30 and 7 days ago, under the shipped configuration."""
    history = SnapshotStore(tmp_path_factory.mktemp("weeks"))
    for days in (37, 30, 7):
        day = AS_OF - timedelta(days=days)
        customers(day).score(SHIPPED, history).save(review_id_of(day))
    return history


@pytest.fixture(scope="module")
def only_last_week(tmp_path_factory: pytest.TempPathFactory) -> SnapshotStore:
    return customers(LAST_WEEK).score(SHIPPED, SnapshotStore(tmp_path_factory.mktemp("last"))).save("2026-W47").history


def moved_steps(scored: ScoredPortfolio) -> dict[str, float]:
    return {
        step.name: step.arr
        for step in at_risk_bridge(scored.base)
        if step.arr and step.name not in ("opening", "closing")
    }


def changes(scored: ScoredPortfolio) -> set[str]:
    return {row["change"] for row in scored.compared.values()}


MORE_SENTIMENT = {"usage": 10, "support": 5, "sentiment": 70, "relationship": 10, "commercial": 5}
WEIGHTS = {"category_weights": {**SHIPPED.scoring.category_weights, "mid_market": MORE_SENTIMENT}}


def test_without_any_change_nothing_moves(only_last_week: SnapshotStore) -> None:
    this = customers(AS_OF).score(SHIPPED, only_last_week)
    assert (moved_steps(this), changes(this)) == ({}, {"unchanged"})


@pytest.mark.parametrize(
    "change",
    [scoring_setting("at_risk_above", 20), scoring_setting("risk_scale", 30), scoring_setting("renewal_step", 3), WEIGHTS,
     scoring_setting("small_business_below", 60_000), scoring_setting("enterprise_above", 40_000)],
    ids=["threshold", "scale", "renewal", "weights", "small business", "enterprise"],
)  # fmt: skip
def test_a_change_of_configuration_moves_only_its_own_step_of_the_bridge(
    only_last_week: SnapshotStore, change: dict[str, Any]
) -> None:
    this = customers(AS_OF).score(with_scoring(change), only_last_week)
    assert this.base.configuration_changed
    assert set(moved_steps(this)) <= {"configuration"}
    assert changes(this) == {"unchanged"}


def test_a_change_of_weights_raises_no_velocity_alarm_for_the_week_before(weeks_before: SnapshotStore) -> None:
    this = customers(AS_OF).score(with_scoring(WEIGHTS), weeks_before)
    assert this["unhappy"]["velocity"] == 0
    assert (set(moved_steps(this)) - {"configuration"}, changes(this)) == (set(), {"unchanged"})


def test_a_change_of_exchange_rates_moves_only_its_own_step(only_last_week: SnapshotStore) -> None:
    money = SHIPPED.scoring.money.model_dump()
    weak_dollar = {"money": {**money, "rates": {**money["rates"], "USD": 0.8}}}
    this = customers(AS_OF).score(with_scoring(weak_dollar), only_last_week)
    assert moved_steps(this) == {
        "exchange_rates": pytest.approx(round(31_234.57 * 0.8, 2) - round(31_234.57 * 0.86, 2))
    }
    assert changes(this) == {"unchanged"}


def test_the_same_rates_convert_an_amount_to_the_same_cent_every_week(tmp_path: Path) -> None:
    history = SnapshotStore(tmp_path / "history")
    amounts = {f"A-{n}": 1000 + n / 100 for n in range(0, 400, 7)}
    for folder, day in (("then", LAST_WEEK), ("now", AS_OF)):
        world = PortfolioBuilder(day).with_sources_connected()
        for number, (name, arr) in enumerate(amounts.items()):
            world.account(name, arr=arr, currency=("USD", "GBP", "SEK", "JPY")[number % 4])
            world.ticket(name, 5, escalated=True)
        this = world.score_files(tmp_path / folder, history=history)
        if day == LAST_WEEK:
            this.save("2026-W47")
    assert moved_steps(this) == {}


def test_every_score_remembers_the_configuration_that_made_it(history: SnapshotStore) -> None:
    scored = PortfolioBuilder(LAST_WEEK).account("A").score(with_scoring({}, "other"), history).save("2026-W47")
    (kept,) = history.snapshots(scored.base.connection, AS_OF)
    assert (kept.as_of, kept.scoring_hash, kept.reviewed) == (LAST_WEEK, "other", True)


def test_a_week_is_not_its_own_past(history: SnapshotStore) -> None:
    scored = PortfolioBuilder().account("A").score(history=history).save("2026-W48")
    assert history.snapshots(scored.base.connection, AS_OF) == []


# --- one account's history ---


def test_an_account_is_told_week_by_week_with_filled_in_weeks_and_changes_of_the_scoring_marked(tmp_path: Path) -> None:
    history = SnapshotStore(tmp_path)
    weeks = ((21, SHIPPED, False), (14, SHIPPED, True), (7, with_scoring(scoring_setting("at_risk_above", 55)), True))
    for days, configuration, reviewed in weeks:
        day = AS_OF - timedelta(days=days)
        base = PortfolioBuilder(day).healthy_account("A").healthy_account(f"only {days}").score(configuration).base
        base.save_scores(history, f"{day:%G-W%V}", reviewed=reviewed)
    told = history.account_weeks(PortfolioBuilder().score().base.connection, "A")
    assert [(AS_OF - week["as_of"]).days for week in told] == [21, 14, 7]
    assert [(week["reviewed"], week["reconfigured"]) for week in told] == [(False, False), (True, False), (True, True)]
    assert all(week["health_band"] == "green" for week in told)
    assert [
        week["review_id"] for week in history.account_weeks(PortfolioBuilder().score().base.connection, "only 14")
    ] == [told[1]["review_id"]]
    assert history.account_weeks(PortfolioBuilder().score().base.connection, "nobody") == []
