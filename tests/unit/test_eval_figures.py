"""Figures of an evaluation: intervals of shares, comparison by pairs, and the check against the baseline."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import ConfigurationError
from evals.baseline import Baseline, accept_results, compare_with_baseline, read_baseline, regressions, write_baseline
from evals.evaluation import Evaluation
from evals.figures import (
    CaseResult,
    Check,
    Figure,
    SuiteResult,
    mean_figure,
    mean_interval,
    paired_difference,
    question_figures,
    share_figure,
)
from evals.page import evaluation_page
from tools.save_play.expected_value import wilson_interval_95


def case(name: str, error: str | None = None, got: dict[str, str] | None = None, **checks: bool) -> CaseResult:
    found = tuple(Check(name=key, right=right, why=f"{key} of {name}") for key, right in checks.items())
    return CaseResult(name=name, note="", checks=found, error=error, got=got or {})


def evaluation(
    *cases: CaseResult, way: str = "playbook", model: str = "none", figures: tuple[Figure, ...] = ()
) -> Evaluation:
    own = question_figures(cases, {"tier": "the tier is right", "cause": "the cause is right"}) if cases else ()
    suite = SuiteResult(suite="accounts", model=model, says="", figures=(*own, *figures), cases=cases)
    return Evaluation(way=way, model=model, scoring_hash="a", prompts_hash="b", suites=(suite,))


def against(now: Evaluation, before: Evaluation) -> list[tuple[str, str, bool]]:
    return [
        (change.kind, change.name, change.gated) for change in compare_with_baseline(now, accept_results(before, None))
    ]


# intervals -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("right", "n", "low", "high"),
    [(0, 0, 0.0, 1.0), (0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (81, 263, 0.2553, 0.3662), (5, 10, 0.2366, 0.7634)],
)
def test_the_interval_of_a_share_is_wilsons(right: int, n: int, low: float, high: float) -> None:
    assert wilson_interval_95(right, n) == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_a_share_lies_in_its_interval_and_the_interval_between_none_and_all(counts: tuple[int, int]) -> None:
    right, n = counts
    figure = share_figure("tier", "", right, n)
    assert 0 <= figure.low <= figure.value + 1e-6
    assert figure.value - 1e-6 <= figure.high <= 1


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40))
def test_the_interval_of_a_mean_holds_it_and_repeats(values: list[float]) -> None:
    low, high = mean_interval(values)
    assert (low, high) == mean_interval(values)
    assert min(values) - 1e-6 <= low <= high <= max(values) + 1e-6


def test_pairs_are_compared_with_themselves_only() -> None:
    assert paired_difference({"a": 3.0, "b": 5.0, "x": 99.0}, {"a": 2.0, "b": 4.0, "y": -99.0}) == (1.0, 1.0, 1.0)
    assert paired_difference({"a": 1.0}, {"b": 1.0}) is None


# counting ------------------------------------------------------------------------------------------------------------


def test_a_case_that_could_not_be_judged_counts_as_wrong_in_all_that_applies_to_it() -> None:
    cases = (case("a", tier=True, cause=True), case("b", error="it raised", tier=True))
    found = {figure.name: (figure.value, figure.n) for figure in question_figures(cases, {"tier": "", "cause": ""})}
    assert found == {"all_right": (0.5, 2), "tier": (0.5, 2), "cause": (1.0, 1)}


def test_a_question_that_no_case_answers_has_no_figure() -> None:
    assert [f.name for f in question_figures((case("a", tier=True),), {"tier": "", "cause": ""})] == [
        "all_right",
        "tier",
    ]


# the gate ------------------------------------------------------------------------------------------------------------


def test_nothing_changed_is_no_change() -> None:
    before = evaluation(case("a", tier=True, cause=False))
    assert against(before, before) == []


def test_a_case_that_was_right_and_is_wrong_is_worse_by_name() -> None:
    before = evaluation(*(case(f"c{n}", tier=True) for n in range(50)))
    now = evaluation(case("c0", tier=False), *(case(f"c{n}", tier=True) for n in range(1, 50)))
    assert against(now, before) == [("worse", "c0", True)]


def test_a_case_that_is_gone_or_raises_is_worse() -> None:
    before = evaluation(case("a", tier=True), case("b", tier=True), case("c", tier=True))
    now = evaluation(case("a", tier=True), case("b", error="it raised", tier=False))
    assert {change for change in against(now, before) if change[1] in "abc"} == {
        ("worse", "b", True),
        ("worse", "c", True),
    }


def test_what_got_right_is_better_and_never_gated() -> None:
    before = evaluation(case("a", tier=False))
    assert ("better", "a", False) in against(evaluation(case("a", tier=True)), before)


def test_scores_that_moved_are_told_in_one_line_also_when_no_conclusion_flips() -> None:
    before = evaluation(
        case("a", got={"health": "70.0", "risk": "10.0"}, tier=True), case("b", got={"health": "not scored"}, tier=True)
    )
    now = evaluation(
        case("a", got={"health": "66.5", "risk": "10.0"}, tier=True), case("b", got={"health": "not scored"}, tier=True)
    )
    (change,) = compare_with_baseline(now, accept_results(before, None))
    assert (change.kind, change.message) == ("moved", "health moved in 1 of 2 cases, most in a (-3.5)")


def test_a_figure_with_parts_is_compared_part_by_part() -> None:
    units = {f"week {n}": n / 100 for n in range(20)}
    before = evaluation(figures=(mean_figure("recall", "", units),))
    slightly = {name: value - 0.01 for name, value in units.items()}
    assert against(evaluation(figures=(mean_figure("recall", "", slightly),)), before) == [("worse", "recall", True)]
    noisy = {name: value + (0.05 if n % 2 else -0.05) for n, (name, value) in enumerate(units.items())}
    assert against(evaluation(figures=(mean_figure("recall", "", noisy),)), before) == []


def test_a_figure_without_parts_has_to_leave_its_interval() -> None:
    before = evaluation(figures=(share_figure("kept", "", 80, 100),))
    assert against(evaluation(figures=(share_figure("kept", "", 75, 100),)), before) == []
    assert against(evaluation(figures=(share_figure("kept", "", 60, 100),)), before) == [("worse", "kept", True)]


def test_where_lower_is_better_more_is_worse() -> None:
    before = evaluation(figures=(mean_figure("brier", "", {"a": 0.1, "b": 0.2}, "score", "lower"),))
    now = evaluation(figures=(mean_figure("brier", "", {"a": 0.2, "b": 0.3}, "score", "lower"),))
    assert against(now, before) == [("worse", "brier", True)]


def test_what_is_not_gated_is_told_and_lets_pass() -> None:
    before = evaluation(figures=(mean_figure("tokens", "", {"a": 100.0}, "tokens", "lower", gated=False),))
    changes = compare_with_baseline(
        evaluation(figures=(mean_figure("tokens", "", {"a": 900.0}, "tokens", "lower", gated=False),)),
        accept_results(before, None),
    )
    assert [change.kind for change in changes] == ["worse"]
    assert regressions(changes) == ()


def test_a_live_model_is_judged_by_its_figures_not_case_by_case() -> None:
    before = evaluation(case("a", tier=True), case("b", tier=True), way="live", model="m")
    now = evaluation(case("a", tier=False), case("b", tier=True), way="live", model="m")
    assert against(now, before) == []


def test_a_gated_figure_that_is_gone_is_worse() -> None:
    before = evaluation(figures=(share_figure("kept", "", 8, 10),))
    assert against(evaluation(), before) == [("worse", "kept", True)]


def test_a_suite_without_a_baseline_says_so_and_lets_pass() -> None:
    (change,) = compare_with_baseline(evaluation(case("a", tier=True)), Baseline(suites={}))
    assert (change.kind, change.gated) == ("moved", False)
    assert "--accept" in change.message


def test_accepting_one_suite_keeps_the_others_and_repeats_byte_for_byte(tmp_path: Path) -> None:
    first = accept_results(evaluation(case("a", tier=True)), None)
    both = accept_results(evaluation(case("a", tier=True), model="m"), first)
    assert sorted(both.suites) == ["accounts/m", "accounts/none"]
    for name in ("one", "two"):
        write_baseline(both, tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert read_baseline(tmp_path / "one") == both


@pytest.mark.parametrize("content", ["", "{}", '{"suites": {"a": 3}}', "not json"])
def test_a_file_that_is_no_baseline_is_refused_with_what_to_do(tmp_path: Path, content: str) -> None:
    path = tmp_path / "baseline.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigurationError, match="--accept"):
        read_baseline(path)


# the page ------------------------------------------------------------------------------------------------------------


def test_the_page_shows_what_is_worse_first_and_runs_nothing() -> None:
    before = evaluation(case("fine", tier=True), case("<script>alert(1)</script>", tier=True))
    now = evaluation(case("fine", tier=True), case("<script>alert(1)</script>", tier=False))
    page = evaluation_page(now, compare_with_baseline(now, accept_results(before, None)))
    assert page == evaluation_page(now, compare_with_baseline(now, accept_results(before, None)))
    assert "1 result is worse than the baseline" in page
    assert "<script" not in page
    assert page.index("&lt;script&gt;") < page.index("fine</summary>")
