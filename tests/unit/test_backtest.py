"""The look back on kept weeks: the list against simple rules, the chances against what came, and honest silence before that."""

from datetime import timedelta
from pathlib import Path

import pytest

from tests.builders import AS_OF, PortfolioBuilder, ScoredPortfolio
from tools.scoring.backtest import LIST_RULE, backtest
from tools.scoring.snapshots import SnapshotStore
from tools.wording import review_id_of

LEFT_WEEK = 10
"""Weeks before today in which the troubled account left."""


def world(weeks_ago: int) -> PortfolioBuilder:
    """Forty healthy accounts; one in trouble near its renewal, which has left since."""
    found = PortfolioBuilder(AS_OF - timedelta(weeks=weeks_ago)).with_sources_connected()
    for number in range(40):
        found.account(f"A-{number:02d}", arr=90_000 + number, renewal=250 + number + 7 * weeks_ago)
    if weeks_ago > LEFT_WEEK:
        found.account("gone", arr=60_000, renewal=40 + 7 * (weeks_ago - LEFT_WEEK)).tickets("gone", *[3] * 8)
    else:
        found.outcome("gone", "churned", 7 * (LEFT_WEEK - weeks_ago), -60_000)
    return found


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> ScoredPortfolio:
    history = SnapshotStore(tmp_path_factory.mktemp("history"))
    for weeks in (30, 28, 20, 14, 6):
        past = world(weeks).score(history=history)
        past.save(review_id_of(past.base.as_of))
    return world(0).score(history=history)


def test_the_list_would_have_had_the_account_that_left_and_the_largest_would_not(scored: ScoredPortfolio) -> None:
    found = backtest(scored.base)
    rules = {rule.name: rule for rule in found.rules}
    assert (found.weeks, found.accounts_left) == (2, 1)
    assert (rules[LIST_RULE].arr_caught, rules[LIST_RULE].leavers_caught) == (1.0, 1.0)
    assert rules["largest ARR"].arr_caught == 0.0
    assert rules[LIST_RULE].lead_weeks == 20


def test_every_account_week_whose_horizon_has_passed_is_in_one_band(scored: ScoredPortfolio) -> None:
    found = backtest(scored.base)
    assert sum(band.account_weeks for band in found.bands) == 4 * 42
    assert all(band.low <= band.said <= band.high for band in found.bands)
    assert sum(round(band.came * band.account_weeks) for band in found.bands) == 2, (
        "within 13 weeks: from weeks 20 and 14"
    )


def test_with_young_weeks_only_there_is_no_look_back_and_it_says_why(tmp_path: Path) -> None:
    history = SnapshotStore(tmp_path)
    past = world(6).score(history=history)
    past.save(review_id_of(past.base.as_of))
    found = backtest(world(0).score(history=history).base)
    assert (found.weeks, found.rules, found.bands) == (0, (), ())
    assert "No kept week is old enough" in found.note
