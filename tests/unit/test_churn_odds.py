"""The chance of leaving: for a stated horizon, with the mean of the base's own churn rate, rising with risk and with a renewal."""

import math
import random
from collections.abc import Iterable
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import AS_OF, SHIPPED, PortfolioBuilder, ScoredPortfolio
from tools.scoring.churn_forecast import churn_interval
from tools.scoring.churn_odds import ChurnOdds, Slopes
from tools.scoring.churn_rate import rate_of
from tools.scoring.portfolio_summary import summarize_portfolio

CHURN = SHIPPED.scoring.churn
few = settings(max_examples=15)


def base_of(renewals: Iterable[int | None], **attributes: Any) -> PortfolioBuilder:
    """Accounts that renew in so many days; the first has an escalated ticket, and so the only risk."""
    world = PortfolioBuilder().with_sources_connected()
    for number, renewal in enumerate(renewals):
        world.account(f"A-{number}", renewal=renewal, **attributes)
    return world.ticket("A-0", 5, escalated=True)


def chances(scored: ScoredPortfolio) -> dict[str, float]:
    return {account: row["churn_probability"] for account, row in scored.accounts.items()}


@few
@given(st.lists(st.none() | st.integers(-40, 400), min_size=2, max_size=40))
def test_the_mean_chance_of_a_base_is_its_churn_rate_for_both_horizons(renewals: list[int | None]) -> None:
    scored = base_of(renewals).score()
    rows, rate = list(scored.accounts.values()), scored.base.odds.rate
    for column, weeks in (("churn_probability", 13), ("order_probability", 26)):
        assert sum(row[column] for row in rows) / len(rows) == pytest.approx(rate.within(weeks), abs=2e-5)


def test_without_outcomes_ten_percent_of_the_accounts_leave_in_a_year() -> None:
    rate = base_of([100, 200]).score().base.odds.rate
    assert (rate.yearly, rate.own) == (0.1, False)
    assert 1 - (1 - rate.within(13)) ** 4 == pytest.approx(0.1, abs=0.001)


def test_a_renewal_decision_counts_only_within_the_horizon_and_its_lead() -> None:
    scored = base_of([300, -3, 0, 121, 122, 212, 213, None]).score()
    rows = [scored[f"A-{number}"] for number in range(1, 8)]
    assert [row["decision_odds"] for row in rows] == [2.0, 2.0, 2.0, 0.0, 0.0, 0.0, 0.8]
    assert [row["order_decision_odds"] for row in rows] == [2.0, 2.0, 2.0, 2.0, 2.0, 0.0, 0.8]


def test_an_account_with_more_risk_is_likelier_to_leave_and_the_parts_multiply_to_the_chance() -> None:
    scored = base_of([60, 60, 300]).score()
    assert scored["A-0"]["risk"] > scored["A-1"]["risk"] == 0
    assert scored["A-0"]["churn_probability"] > scored["A-1"]["churn_probability"] > scored["A-2"]["churn_probability"]
    parts = scored.dossier("A-0").churn_parts
    assert parts is not None
    odds = parts.base / (1 - parts.base) * parts.decision_factor * parts.risk_factor
    assert odds / (1 + odds) == pytest.approx(scored["A-0"]["churn_probability"], abs=1e-4)


def test_one_decision_of_a_monthly_contract_adds_less_than_one_of_a_year() -> None:
    world = (
        base_of([300])
        .account("month", renewal=20, started_on=AS_OF - timedelta(days=10))
        .account("quarter", renewal=80, started_on=AS_OF - timedelta(days=11))
    )
    scored = (
        world.account("year", renewal=20, started_on=AS_OF - timedelta(days=345))
        .account("old", renewal=20, started_on=AS_OF - timedelta(days=900))
        .score()
    )
    added = [scored[name]["decision_odds"] for name in ("month", "quarter", "year", "old")]
    assert added == sorted(added)
    assert added[0] == added[1] == pytest.approx(math.log(1 + (math.e**2 - 1) * 121 / 365), abs=1e-6)
    assert added[2:] == [2.0, 2.0]


def test_the_term_runs_from_the_last_renewal_that_the_outcomes_have() -> None:
    world = base_of([300]).account("A", renewal=20, started_on=AS_OF - timedelta(days=900)).outcome("A", "renewed", 70)
    assert world.score()["A"]["decision_odds"] < 2


def world_with_losses(accounts: int, lost_days_ago: Iterable[int]) -> PortfolioBuilder:
    world = base_of([200] * accounts)
    for number, days in enumerate(lost_days_ago):
        world.outcome(f"gone-{number}", "churned", days, -1000)
    return world


def test_the_own_losses_of_a_year_outweigh_the_usual_rate_when_there_are_many_accounts() -> None:
    few_lost = world_with_losses(400, [360, 200]).score().base.odds.rate
    many_lost = world_with_losses(400, range(1, 362, 6)).score().base.odds.rate
    assert few_lost.yearly < 0.03 < 0.1 < many_lost.yearly < 0.16


def test_losses_that_the_export_drops_after_some_weeks_are_not_read_as_a_quiet_year() -> None:
    """Eight lost in the last eight weeks, none before: an export that forgets them, not a base that lost 2 % a year."""
    rate = world_with_losses(400, range(0, 56, 7)).score().base.odds.rate
    assert 0.09 < rate.yearly < 0.14


def test_a_year_with_one_loss_in_a_small_team_stays_near_the_usual_rate() -> None:
    assert world_with_losses(20, [100]).score().base.odds.rate.yearly == pytest.approx(0.095, abs=0.01)


def test_expected_churn_says_its_horizon_its_interval_and_what_it_rests_on() -> None:
    summary = summarize_portfolio(base_of([30, 60, 200, 300]).score().base)
    assert summary.expected_churn_low is not None
    assert summary.expected_churn_high is not None
    assert summary.expected_churn_low < summary.expected_churn_arr < summary.expected_churn_high
    assert (summary.churn_horizon_weeks, summary.calibrated) == (13, False)
    assert summary.churn_basis == "estimate from a churn rate of 10 % a year"
    assert "next 13 weeks" in summary.calibration_note
    assert "not yet checked" in summary.calibration_note


def test_the_interval_of_one_large_account_is_wider_than_that_of_many_small_ones() -> None:
    rate = rate_of(0, 0, CHURN)
    (low, high), (near, far) = churn_interval(100.0, 90_000.0, rate), churn_interval(100.0, 900.0, rate)
    assert 0 <= low < near < 100 < far < high


def test_two_reviews_a_week_apart_differ_only_by_what_changed() -> None:
    """No renewal crosses the horizon and nothing new is seen: every chance stays. One new escalation moves its account."""
    renewals = [40, 100, 150, 300, 380]
    first = PortfolioBuilder(AS_OF - timedelta(days=7))
    for number, days in enumerate(renewals):
        first.account(f"A-{number}", renewal=days + 7)
    before, after = chances(first.score()), chances(_quiet(renewals).score())
    assert before == after
    worse = chances(_quiet(renewals).ticket("A-3", 2, escalated=True).score())
    moved = {account: worse[account] - after[account] for account in after}
    assert moved["A-3"] > 0.01
    assert all(-moved["A-3"] <= change <= 0 for account, change in moved.items() if account != "A-3")


def _quiet(renewals: Iterable[int]) -> PortfolioBuilder:
    world = PortfolioBuilder()
    for number, days in enumerate(renewals):
        world.account(f"A-{number}", renewal=days)
    return world


def test_the_same_base_in_another_order_of_rows_has_the_same_chances() -> None:
    world = base_of(range(0, 400, 7))
    assert chances(world.score()) == chances(world.score(shuffled=random.Random(5)))


def test_odds_that_rise_with_risk_give_chances_that_rise_with_risk() -> None:
    world = PortfolioBuilder().with_sources_connected()
    for number in range(8):
        world.account(f"A-{number}", renewal=300)
        for _ in range(number):
            world.ticket(f"A-{number}", 5, escalated=True)
    scored = world.score()
    rows = [scored[f"A-{number}"] for number in range(8)]
    assert all(b["churn_probability"] >= a["churn_probability"] for a, b in pairwise(rows))
    assert ChurnOdds(Slopes(2.0, 0.04), rate_of(0, 0, CHURN), -5.0, -4.0).checked is False
