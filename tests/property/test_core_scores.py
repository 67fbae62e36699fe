"""Properties of all scores: health and risk move in the right direction, add up and never jump."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.score_configuration import CATEGORIES, SIZES, BandLimits
from tests.builders import AS_OF, SHIPPED, SIGNALS, component_of, explain_signals, score_signals, with_scoring
from tools.evidence.evidence import build_contributions, exact_parts
from tools.scoring.health import band_sql, component_sql
from tools.scoring.tiers import score_tier_sql

few = settings(max_examples=3)
SCORING = SHIPPED.scoring
SMALL_STEP = 0.001
"""Share of the shortest distance between two breakpoints of a signal."""


def span(name: str) -> tuple[float, float]:
    points = SCORING.signals[name].points
    return points[0][0], points[-1][0]


def worse(name: str, value: float, by: float) -> float:
    return value + by if SCORING.signals[name].worse_when == "higher" else value - by


def shortest_gap(name: str) -> float:
    return min(after[0] - before[0] for before, after in pairwise(SCORING.signals[name].points))


def value_of(name: str) -> st.SearchStrategy[float]:
    first, last = span(name)
    return st.floats(first, last + (last - first) / 4).map(lambda value: round(value, 3))


attributes = {
    "size": st.sampled_from(SIZES),
    "renewal_in_days": st.none() | st.integers(-60, 400),
}
customer = st.fixed_dictionaries({**{name: st.none() | value_of(name) for name in SIGNALS}, **attributes})
known_customer = st.fixed_dictionaries({**{name: value_of(name) for name in SIGNALS}, **attributes})
customers = st.lists(customer, min_size=3, max_size=6)


def each_signal_worse(
    people: list[dict[str, Any]], by: Callable[[str], float]
) -> tuple[list[dict[str, Any]], list[tuple[int, str]]]:
    """Every customer once per known signal, with that signal worse."""
    rows, which = [], []
    for number, one in enumerate(people):
        for name in SIGNALS:
            if one[name] is not None:
                rows.append({**one, name: worse(name, one[name], by(name))})
                which.append((number, name))
    return rows, which


@few
@given(customers, st.floats(0.01, 1))
def test_when_any_one_signal_worsens_health_never_rises_and_risk_never_falls(
    base: list[dict[str, Any]], share: float
) -> None:
    changed, which = each_signal_worse(base, lambda name: share * (span(name)[1] - span(name)[0]))
    scores = score_signals([*base, *changed])
    for (number, name), after in zip(which, scores[len(base) :], strict=True):
        before = scores[number]
        assert after["risk"] >= before["risk"], name
        if before["health"] is not None:
            assert after["health"] <= before["health"], name


@few
@given(customers)
def test_a_small_step_of_any_one_signal_never_makes_risk_jump(base: list[dict[str, Any]]) -> None:
    changed, which = each_signal_worse(base, lambda name: SMALL_STEP * shortest_gap(name))
    scores = score_signals([*base, *changed])
    for (number, name), after in zip(which, scores[len(base) :], strict=True):
        assert abs(after["risk"] - scores[number]["risk"]) < 0.2, name


@few
@given(st.lists(customer, min_size=1, max_size=3))
def test_as_the_renewal_comes_nearer_risk_only_grows_and_no_day_makes_it_jump(base: list[dict[str, Any]]) -> None:
    days = range(200, -30, -1)
    scores = score_signals({**one, "renewal_in_days": left} for one in base for left in days)
    for first in range(0, len(scores), len(days)):
        risks = [row["risk"] for row in scores[first : first + len(days)]]
        steps = [after - before for before, after in pairwise(risks)]
        assert min(steps) >= 0
        assert max(steps) < 0.1


@few
@given(customers)
def test_contributions_sum_to_health_and_to_risk_in_millionths(base: list[dict[str, Any]]) -> None:
    for one, details in zip(base, explain_signals(base), strict=True):
        card = build_contributions(details, {}, SCORING, AS_OF, one)
        health, risk = details[0]["health"], details[0]["risk"]
        assert sum(round(part.risk_points * 1e6) for part in card) == round(risk * 1e6)
        if health is not None:
            assert sum(round(part.health_points * 1e6) for part in card) == round(health * 1e6)


@few
@given(st.lists(st.tuples(known_customer, known_customer), min_size=3, max_size=4))
def test_health_changes_by_signal_sum_to_the_change_of_health(weeks: list[tuple[dict[str, Any], ...]]) -> None:
    then = explain_signals(before for before, _ in weeks)
    now = explain_signals(after for _, after in weeks)
    for details_then, details_now, (_, after) in zip(then, now, weeks, strict=True):
        names = [row["signal"] for row in details_then]
        points = exact_parts([row["health_points"] for row in details_then], details_then[0]["health"])
        card = build_contributions(details_now, dict(zip(names, points, strict=True)), SCORING, AS_OF, after)
        moved = sum(round((part.health_change or 0) * 1e6) for part in card)
        assert moved == round(details_now[0]["health"] * 1e6) - round(details_then[0]["health"] * 1e6)


@few
@given(st.lists(known_customer, min_size=3, max_size=6), st.data())
def test_an_unknown_signal_counts_as_if_the_configuration_did_not_have_it(
    base: list[dict[str, Any]], data: st.DataObject
) -> None:
    left = dict(SCORING.signals)
    for category in CATEGORIES:
        mine = [name for name in SIGNALS if SCORING.signals[name].category == category]
        for name in data.draw(st.sets(st.sampled_from(mine), max_size=len(mine) - 1), label=category):
            del left[name]
    unknown = dict.fromkeys(set(SIGNALS) - set(left))
    whole = score_signals(base)
    blind = score_signals({**one, **unknown} for one in base)
    without = score_signals(
        ({**one, **unknown} for one in base),
        with_scoring({"signals": {name: signal.model_dump() for name, signal in left.items()}}),
    )
    for full, one, other in zip(whole, blind, without, strict=True):
        assert one["risk"] == other["risk"]
        if one["health"] is not None:
            assert one["health"] == other["health"]
        assert one["coverage"] < full["coverage"] if unknown else one["coverage"] == full["coverage"]


@few
@given(customers)
def test_scores_stay_between_0_and_100_and_an_unscored_health_has_its_own_band(base: list[dict[str, Any]]) -> None:
    for row in score_signals(base):
        assert 0 <= row["risk"] <= 100
        assert (row["health"] is None) == (row["coverage"] < SCORING.minimum_coverage.value)
        assert (row["health"] is None) == (row["health_band"] == "not_scored")
        assert row["health"] is None or 0 <= row["health"] <= 100


def engine_says(expression: str, column: str, values: list[float]) -> list[Any]:
    sql = f"select {expression} from (select unnest(?) as {column}, unnest(?) as place) order by place"
    return [row[0] for row in duckdb.execute(sql, [values, list(range(len(values)))]).fetchall()]


def bands_by_hand(bands: tuple[BandLimits, ...], score: float) -> list[str]:
    """Every band whose half-open range holds the score; the last range ends with 100 inside."""
    ends = [band.starts_at for band in bands[1:]] + [100.000001]
    return [band.name for band, end in zip(bands, ends, strict=True) if band.starts_at <= score < end]


TENTHS = [tenth / 10 for tenth in range(1001)]
MILLIONTH = 0.000001
EDGES = [
    edge + step
    for bands in (SCORING.health_bands, SCORING.risk_tiers)
    for edge in (band.starts_at for band in bands[1:])
    for step in (-MILLIONTH, 0, MILLIONTH)
]


@pytest.mark.parametrize("bands", [SCORING.health_bands, SCORING.risk_tiers], ids=["health", "risk"])
def test_every_tenth_and_every_edge_from_0_to_100_lies_in_exactly_one_band(bands: tuple[BandLimits, ...]) -> None:
    assert {len(bands_by_hand(bands, score)) for score in TENTHS + EDGES} == {1}


def test_the_engine_puts_every_health_into_the_band_that_holds_it() -> None:
    bands = SCORING.health_bands
    expression = band_sql("health", tuple((band.name, band.starts_at) for band in bands))
    assert engine_says(expression, "health", TENTHS + EDGES) == [bands_by_hand(bands, s)[0] for s in TENTHS + EDGES]


def test_the_engine_puts_every_risk_into_the_tier_that_holds_it() -> None:
    bands, expression = SCORING.risk_tiers, score_tier_sql(SCORING)
    assert engine_says(expression, "risk", TENTHS + EDGES) == [bands_by_hand(bands, s)[0] for s in TENTHS + EDGES]


@pytest.mark.parametrize("name", SIGNALS)
def test_a_component_is_its_breakpoints_joined_by_straight_lines_without_a_gap(name: str) -> None:
    points = SCORING.signals[name].points
    step = SMALL_STEP * shortest_gap(name)
    between = [(a[0] + b[0]) / 2 for a, b in pairwise(points)]
    values = (
        [v + move for v, _ in points for move in (-step, 0, step)] + between + [points[0][0] - 5, points[-1][0] + 5]
    )
    said = engine_says(component_sql(name, SCORING.signals[name]), name, values)
    assert said == pytest.approx([component_of(name, value) for value in values], abs=2e-6)
    assert said[1 : 3 * len(points) : 3] == [score for _, score in points]


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=40), st.floats(0, 100))
def test_parts_given_out_in_millionths_sum_to_the_whole_whatever_was_rounded(parts: list[float], total: float) -> None:
    shared = exact_parts(parts, round(total, 6))  # type: ignore[arg-type]
    assert sum(round(part * 1e6) for part in shared) == round(round(total, 6) * 1e6)


def test_an_unknown_whole_has_no_parts() -> None:
    assert exact_parts([1.0, None, 2.0], None) == [0.0, 0.0, 0.0]
