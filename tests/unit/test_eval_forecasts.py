"""Figures of probabilities that luck does not move, and the true chances of a simulated world that they are held against."""

from datetime import timedelta

import numpy as np
import pytest

from evals.forecasts import auc_within_quartiles, brier_skill, calibration_error, expected_auc, reliability
from evals.world import SimulatedPlay, World, simulate

TRUE = np.asarray([0.01, 0.02, 0.05, 0.10, 0.30, 0.60])


@pytest.fixture(scope="module")
def world() -> World:
    return simulate(5)


def test_one_rate_for_everybody_has_no_skill_and_ranks_nothing() -> None:
    flat = np.full_like(TRUE, TRUE.mean())
    assert brier_skill(flat, TRUE) == pytest.approx(0)
    assert expected_auc(flat, TRUE) == pytest.approx(0.5)


def test_the_true_chances_have_the_best_skill_and_no_calibration_error() -> None:
    assert brier_skill(TRUE, TRUE) > max(brier_skill(TRUE * 1.5, TRUE), brier_skill(TRUE / 2, TRUE), 0)
    assert calibration_error(TRUE, TRUE) == pytest.approx(0)
    assert calibration_error(TRUE / 2, TRUE) > 0.01


def test_a_ranking_that_is_turned_round_has_the_opposite_auc() -> None:
    assert expected_auc(TRUE, TRUE) + expected_auc(-TRUE, TRUE) == pytest.approx(1)
    assert expected_auc(TRUE, TRUE) > 0.7


def test_size_alone_ranks_nothing_within_quartiles_of_size() -> None:
    rng = np.random.default_rng(1)
    size = np.repeat([1.0, 10.0, 100.0, 1000.0], 200)
    true = size / 2000 + 0.01
    assert expected_auc(size, true) > 0.6
    assert auc_within_quartiles(size, true * rng.uniform(0.5, 1.5, 800), size) == pytest.approx(0.5, abs=0.01)


def test_every_forecast_is_in_one_band() -> None:
    assert sum(count for _, count, _, _ in reliability(TRUE, TRUE)) == len(TRUE)


def test_as_many_accounts_leave_as_their_true_chances_say(world: World) -> None:
    since = world.first + timedelta(weeks=20)
    there = [a for a in world.accounts if a.churned_on is None or a.churned_on > since]
    expected = sum(world.leave_chance(a.account_id, since, world.end) for a in there)
    left = sum(a.churned_on is not None for a in there)
    assert left == pytest.approx(expected, rel=0.25)


def test_the_right_play_lowers_the_true_chance_most_and_none_raises_it(world: World) -> None:
    day = world.first + timedelta(weeks=30)
    troubled = [(a.account_id, kind) for a in world.accounts if (kind := world.true_condition(a.account_id, day))]
    assert len(troubled) > 20
    for account, kind in troubled:
        wrong = "price_pressure" if kind != "price_pressure" else "competitor"
        none, general, missed, right = (
            world.leave_chance(account, day, world.end, plays)
            for plays in ((), *((SimulatedPlay(day, against),) for against in (None, wrong, kind)))
        )
        assert right <= general <= missed <= none + 1e-12 or missed <= general <= none
        assert right <= min(general, missed) + 1e-12
