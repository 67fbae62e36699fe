"""All ten simulated worlds: what the evaluation has to show before a change of scoring, order or diagnosis is good.

Run by ``make servers``; ``make eval`` judges as many of them as fit its time.
"""

import pytest

from evals.figures import SuiteResult
from evals.suites.worlds import SEEDS, run_worlds
from tests.builders import SHIPPED

pytestmark = [pytest.mark.long, pytest.mark.timeout(880)]


@pytest.fixture(scope="module")
def ten_worlds() -> SuiteResult:
    found = run_worlds(SHIPPED, lambda *_: None, SEEDS)
    assert [case.error for case in found.cases if case.error] == []
    return found


@pytest.mark.parametrize(
    ("figure", "least", "lower_end"),
    [("kept_times_window", 1.25, 1.0), ("kept_times_largest", 1.5, 1.0), ("kept_times_regression", 1.0, 1.0),
     ("programme_times_window", 1.25, 1.0), ("programme_times_largest", 1.5, 1.0), ("programme_times_regression", 1.0, 0.9)],
)  # fmt: skip
def test_an_hour_of_a_csm_keeps_more_than_by_a_simple_rule(
    ten_worlds: SuiteResult, figure: str, least: float, lower_end: float
) -> None:
    found = ten_worlds.figure(figure)
    assert found.value >= least
    assert found.low > lower_end


def test_the_chance_of_leaving_tells_who_leaves(ten_worlds: SuiteResult) -> None:
    assert ten_worlds.figure("auc").value >= 0.80
    assert ten_worlds.figure("auc_in_quartiles").value >= 0.75


def test_the_chance_is_better_than_one_rate_without_any_outcome_and_not_worse_with_them(
    ten_worlds: SuiteResult,
) -> None:
    without = ten_worlds.figure("brier_skill_prior")
    assert without.low > 0
    assert ten_worlds.figure("brier_skill").value >= without.value


def test_what_leaves_lies_in_the_interval_of_expected_churn_in_seven_of_ten_worlds(ten_worlds: SuiteResult) -> None:
    assert ten_worlds.figure("worlds_in_interval").value >= 0.7
    assert ten_worlds.figure("interval_holds").value >= 0.65


def test_causes_are_named_when_known_and_then_mostly_right(ten_worlds: SuiteResult) -> None:
    assert ten_worlds.figure("cause_when_named").value >= 0.85
    assert ten_worlds.figure("cause_named").value >= 0.50
    assert ten_worlds.figure("false_naming").value < 0.20
