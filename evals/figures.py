"""Figures with 95 % intervals, and results of suites. Shares have a Wilson interval, means a bootstrap interval."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from domain.record import Record
from tools.save_play.expected_value import wilson_interval_95

Unit = Literal[
    "share", "weeks", "currency", "currency an hour", "score", "times", "seconds", "tokens", "words", "count"
]
_DRAWS = 2000
_SEED = 20261123


class Check(Record):
    """The answer to one question about one case."""

    name: str
    right: bool
    why: str
    """Expected and actual answer in words."""


class CaseResult(Record):
    """The result of one case."""

    name: str
    note: str
    """Reason for the expectation."""
    checks: tuple[Check, ...]
    error: str | None = None
    """Reason why the case could not be judged; then every check counts as wrong. None when it was judged."""
    got: Mapping[str, str] = {}
    """Conclusions as text, for the report and for the comparison with the baseline."""
    slices: Mapping[str, str] = {}
    """Kind of case by dimension, such as ``language: de``, for figures of a part of the cases."""

    @property
    def right(self) -> bool:
        """True if the case was judged and every check is right."""
        return self.error is None and all(check.right for check in self.checks)


class Figure(Record):
    """One number about a suite, with its 95 % interval."""

    name: str
    says: str
    value: float
    low: float
    high: float
    n: int
    unit: Unit = "share"
    better: Literal["higher", "lower"] = "higher"
    gated: bool = True
    units: Mapping[str, float] = {}
    """Values behind the mean, by name, so that two runs can be compared pair by pair. Empty for a share."""


class Comparison(Record):
    """Figures of one selection policy; all policies run on the same worlds."""

    name: str
    figures: tuple[Figure, ...]
    difference: tuple[Figure, ...] = ()
    """The review minus this policy, pair by pair."""


class SuiteResult(Record):
    """Result of one suite."""

    suite: str
    model: str
    says: str
    figures: tuple[Figure, ...]
    cases: tuple[CaseResult, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    notes: tuple[str, ...] = ()
    slices: Mapping[str, tuple[Figure, ...]] = {}
    """By dimension: the share of cases with everything right, one figure for each value. Never gated: slices are small."""

    def figure(self, name: str) -> Figure:
        """The figure of that name."""
        return next(figure for figure in self.figures if figure.name == name)


def share_figure(
    name: str, says: str, right: int, n: int, *, gated: bool = True, better: Literal["higher", "lower"] = "higher"
) -> Figure:
    """A share of cases with its Wilson interval."""
    low, high = wilson_interval_95(right, n)
    value = right / n if n else 0.0
    return Figure(
        name=name, says=says, value=_cut(value), low=_cut(low), high=_cut(high), n=n, gated=gated, better=better
    )


def mean_figure(
    name: str,
    says: str,
    units: Mapping[str, float],
    unit: Unit = "share",
    better: Literal["higher", "lower"] = "higher",
    *,
    gated: bool = True,
) -> Figure:
    """A mean of named values with its bootstrap interval."""
    values = [units[key] for key in sorted(units)]
    low, high = mean_interval(values)
    middle = float(np.mean(values)) if values else 0.0
    return Figure(
        name=name, says=says, value=_cut(middle), low=_cut(low), high=_cut(high), n=len(values), unit=unit,
        better=better, gated=gated, units={key: _cut(units[key]) for key in sorted(units)},
    )  # fmt: skip


def mean_interval(values: Sequence[float]) -> tuple[float, float]:
    """The 95 % bootstrap interval of the mean, with a fixed seed; (0, 0) without values."""
    if not values:
        return 0.0, 0.0
    sample = np.asarray(values, dtype=float)
    rng = np.random.default_rng(_SEED)
    means = sample[rng.integers(0, len(sample), size=(_DRAWS, len(sample)))].mean(axis=1)
    return float(np.quantile(means, 0.025)), float(np.quantile(means, 0.975))


def paired_difference(first: Mapping[str, float], second: Mapping[str, float]) -> tuple[float, float, float] | None:
    """Mean difference over the names that both have, and its 95 % interval; None when they have no name in common."""
    common = sorted(set(first) & set(second))
    if not common:
        return None
    differences = [first[key] - second[key] for key in common]
    low, high = mean_interval(differences)
    return float(np.mean(differences)), low, high


def ratio_figure(name: str, says: str, first: Mapping[str, float], second: Mapping[str, float]) -> Figure:
    """The mean of one divided by the mean of the other, over the same names, with its bootstrap interval."""
    common = sorted(set(first) & set(second))
    over, under = (np.asarray([side[key] for key in common]) for side in (first, second))
    chosen = np.random.default_rng(_SEED).integers(0, len(common), size=(_DRAWS, len(common)))
    ratios = over[chosen].mean(axis=1) / np.maximum(under[chosen].mean(axis=1), 1e-9)
    low, high = np.quantile(ratios, 0.025), np.quantile(ratios, 0.975)
    middle = over.mean() / max(under.mean(), 1e-9)
    return Figure(
        name=name, says=says, value=_cut(middle), low=_cut(low), high=_cut(high), n=len(common), unit="times", gated=False,
    )  # fmt: skip


def question_figures(cases: Sequence[CaseResult], says: Mapping[str, str]) -> tuple[Figure, ...]:
    """The share of cases with everything right, then one share per question, in the order of ``says``."""
    whole = share_figure(
        "all_right", "cases in which everything is right", sum(case.right for case in cases), len(cases)
    )
    found = [whole]
    for name, meaning in says.items():
        checks = [(case, check) for case in cases for check in case.checks if check.name == name]
        right = sum(check.right and case.error is None for case, check in checks)
        found.append(share_figure(name, meaning, right, len(checks)))
    return tuple(figure for figure in found if figure.n)


def slice_figures(cases: Sequence[CaseResult]) -> dict[str, tuple[Figure, ...]]:
    """By dimension: one share of right cases for each value, the most frequent first."""
    found: dict[str, dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
    for case in cases:
        for dimension, value in case.slices.items():
            found[dimension][value].append(case.right)
    return {
        dimension: tuple(
            share_figure(
                value, f"cases with everything right, {dimension} {value}", sum(right), len(right), gated=False
            )
            for value, right in sorted(values.items(), key=lambda item: (-len(item[1]), item[0]))
        )
        for dimension, values in sorted(found.items())
    }


def _cut(value: float) -> float:
    return round(float(value), 6)
