"""Churn probability from risk: a stated prior until enough outcomes are known, then a curve that rises with risk."""

from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import AS_OF, PRIOR, SHIPPED, PortfolioBuilder, score_signals
from tools.scoring.calibration import fit_platt
from tools.scoring.portfolio_summary import summarize_portfolio
from tools.scoring.score_sql import ChurnCurve
from tools.scoring.snapshots import SnapshotStore


@pytest.fixture(scope="module")
def three_months_ago(tmp_path_factory: pytest.TempPathFactory) -> SnapshotStore:
    """History with sixty customers ninety days ago, of which the last twenty had an escalation."""
    world = PortfolioBuilder(AS_OF - timedelta(days=90)).with_sources_connected()
    for number in range(60):
        world.account(f"A-{number}")
        if number >= 40:
            world.ticket(f"A-{number}", 5, escalated=True)
    return world.score(history=SnapshotStore(tmp_path_factory.mktemp("history"))).save("2026-W35").history


def curve_after(history: SnapshotStore, outcomes: int, churned: int) -> ChurnCurve:
    """The curve after the last ``churned`` of the sixty left and others renewed, ``outcomes`` in all."""
    world = PortfolioBuilder()
    for number in range(60 - outcomes, 60):
        world.account(f"A-{number}").outcome(f"A-{number}", "churned" if number >= 60 - churned else "renewed", 0)
    return world.account("another").score(history=history).base.curve


def test_with_49_outcomes_the_prior_stands_and_says_so(three_months_ago: SnapshotStore) -> None:
    assert curve_after(three_months_ago, 49, 15) == ChurnCurve(PRIOR.slope, PRIOR.midpoint, 49, calibrated=False)


def test_with_50_outcomes_the_curve_is_fitted_and_rises_with_risk(three_months_ago: SnapshotStore) -> None:
    curve = curve_after(three_months_ago, 50, 15)
    assert (curve.outcomes, curve.calibrated, curve.slope > 0) == (50, True, True)


def test_where_nobody_or_everybody_left_there_is_nothing_to_fit(three_months_ago: SnapshotStore) -> None:
    assert not curve_after(three_months_ago, 55, 0).calibrated
    assert not curve_after(three_months_ago, 55, 55).calibrated


def test_an_outcome_without_a_score_from_before_does_not_count(tmp_path: Path) -> None:
    assert curve_after(SnapshotStore(tmp_path), 55, 20).outcomes == 0


def test_every_summary_of_an_uncalibrated_review_says_uncalibrated() -> None:
    summary = summarize_portfolio(PortfolioBuilder().account("A").score().base)
    assert not summary.calibrated
    assert "uncalibrated" in summary.calibration_note


cases = st.lists(st.tuples(st.floats(0, 100), st.booleans()), min_size=2, max_size=120)


@given(cases)
def test_no_curve_is_taken_that_falls_with_risk(pairs: list[tuple[float, bool]]) -> None:
    fitted = fit_platt(pairs)
    assert fitted is None or fitted[0] > 0


def test_outcomes_that_contradict_the_risk_give_no_curve() -> None:
    assert fit_platt([(risk, risk < 50) for risk in range(0, 100, 2)]) is None


def test_outcomes_that_follow_the_risk_give_back_the_share_that_left() -> None:
    pairs = [(20.0, n < 1) for n in range(20)] + [(80.0, n < 15) for n in range(20)]
    fitted = fit_platt(pairs)
    assert fitted is not None
    rows = score_signals([{"escalations": 2, "days_silent": 28, "nps": 0}, {}])
    assert rows[0]["churn_probability"] > rows[1]["churn_probability"]


def test_the_probability_rises_with_risk_and_costs_the_arr() -> None:
    rows = score_signals({"days_silent": days, "escalations": days / 14} for days in range(0, 29, 2))
    risks = [row["risk"] for row in rows]
    chances = [row["churn_probability"] for row in rows]
    assert risks == sorted(risks)
    assert all(after >= before for before, after in pairwise(chances))
    assert [float(row["expected_churn_arr"]) for row in rows] == [
        pytest.approx(float(row["arr"]) * row["churn_probability"], abs=0.006) for row in rows
    ]


def test_the_prior_is_what_the_configuration_says() -> None:
    assert (PRIOR.slope, PRIOR.midpoint) == (SHIPPED.scoring.churn_slope.value, SHIPPED.scoring.churn_midpoint.value)
    (row,) = score_signals([{}])
    assert row["churn_probability"] == pytest.approx(0.0076, abs=0.0001)
