"""The figures of all simulated worlds together: means with intervals over worlds, comparisons, and notes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from evals.figures import (
    CaseResult,
    Comparison,
    Figure,
    SuiteResult,
    Unit,
    mean_figure,
    paired_difference,
    ratio_figure,
    share_figure,
)
from evals.forecasts import reliability
from evals.simulated_weeks import LIST_LENGTH, REGRESSION_POLICY, RENEWAL_WINDOW_POLICY, REVIEW_POLICY

SAYS = "Simulated customer bases with known truth: churn that the weekly list caught and missed, and the value of the plays."


@dataclass(frozen=True)
class WorldResult:
    """Results of one world. ``unseen`` names the accounts that left without ever being listed."""

    seed: int
    figures: Mapping[str, float]
    """Mean over the review dates, by figure name."""
    ways: Mapping[str, Mapping[str, float]]
    """Value by policy and figure name."""
    forecasts: tuple[tuple[float, float], ...]
    """Shown and true probability of leaving within 13 weeks."""
    causes: tuple[tuple[bool, bool, bool], ...]
    """For each listed account in real trouble: named, first cause right, one of the first two right."""
    named_without_trouble: tuple[bool, ...]
    held: tuple[bool, ...]
    """By review date: the ARR that left lies in the interval that was shown."""
    flips: Mapping[str, float]
    """Share of risk tiers that flipped without news, by review date."""
    concentration: float
    """Share of all ARR in the largest accounts."""
    unseen: tuple[str, ...]


_MEANS: tuple[tuple[str, str, Unit], ...] = (
    (
        "arr_caught",
        f"share of the ARR expected to be lost within 26 weeks that was on the list of {LIST_LENGTH}",
        "share",
    ),
    ("recall", f"share of the expected losses within 26 weeks that were on the list of {LIST_LENGTH}", "share"),
    ("precision", "chance of leaving within 26 weeks of a listed account when nothing is done", "share"),
    ("in_trouble", "share of the listed accounts that had a hidden problem", "share"),
    ("lead_weeks", "weeks from the first listing to the churn", "weeks"),
    ("auc", "AUC of the chance of leaving within 13 weeks", "score"),
    ("auc_in_quartiles", "the same within each quartile of ARR", "score"),
    ("auc_later", "AUC of the chance of leaving within 26 weeks", "score"),
    ("brier_skill", "Brier skill of the 13 weeks: improvement over one rate for everybody", "score"),
    ("brier_skill_prior", "the same without any outcome: the prior at 10 % a year", "score"),
    ("brier_skill_later", "Brier skill of the 26 weeks", "score"),
    ("lift", "churn rate of the tenth with the highest chance, divided by the base rate", "times"),
)
_COMPARED: tuple[tuple[str, str, Unit], ...] = (
    ("arr_caught", f"share of the ARR lost within 26 weeks, among the first {LIST_LENGTH}", "share"),
    ("leavers_caught", f"share of the accounts lost within 26 weeks, among the first {LIST_LENGTH}", "share"),
    ("arr_kept", "ARR kept by the ten plays of a review", "currency"),
    ("kept_per_hour", "ARR kept per CSM hour, each review by itself", "currency an hour"),
    (
        "programme_per_hour",
        "ARR kept per CSM hour, review after review, one play an account in 26 weeks",
        "currency an hour",
    ),
)


def combine_worlds(results: Sequence[WorldResult], cases: Sequence[CaseResult]) -> SuiteResult:
    """The result of all worlds together."""
    if not results:
        return SuiteResult(suite="worlds", model="none", says=SAYS, figures=(), cases=tuple(cases))
    comparisons = _comparisons(results)
    return SuiteResult(
        suite="worlds",
        model="none",
        says=SAYS,
        figures=(*_money(results), *_means(results), *_others(results), *_cause_figures(results)),
        cases=tuple(cases),
        comparisons=comparisons,
        notes=(
            *_policies_not_beaten(comparisons, float(np.mean([each.concentration for each in results]))),
            *_reliability(results),
            *(f"Never listed: {line}." for each in results for line in each.unseen),
        ),
    )


def _by_world(results: Sequence[WorldResult], value: Callable[[WorldResult], float]) -> dict[str, float]:
    return {f"world {each.seed}": value(each) for each in results}


def _kept(results: Sequence[WorldResult], policy: str, figure: str = "kept_per_hour") -> dict[str, float]:
    return _by_world(results, lambda each: each.ways[policy][figure])


def _money(results: Sequence[WorldResult]) -> tuple[Figure, ...]:
    """ARR kept per CSM hour, the main figure, and how many times that of the simple rules."""
    against = (("window", RENEWAL_WINDOW_POLICY), ("largest", "largest ARR first"), ("regression", REGRESSION_POLICY))
    review, programme = _kept(results, REVIEW_POLICY), _kept(results, REVIEW_POLICY, "programme_per_hour")
    return (
        mean_figure("kept_per_hour", "ARR kept per CSM hour by the ten plays of a review", review, "currency an hour"),
        *(
            ratio_figure(f"kept_times_{key}", f"the same divided by that of “{policy}”", review, _kept(results, policy))
            for key, policy in against
        ),
        *(
            ratio_figure(
                f"programme_times_{key}",
                f"the same review after review, one play an account in 26 weeks, divided by that of “{policy}”",
                programme,
                _kept(results, policy, "programme_per_hour"),
            )
            for key, policy in against
        ),
    )


def _means(results: Sequence[WorldResult]) -> tuple[Figure, ...]:
    return tuple(
        mean_figure(name, says, {f"world {r.seed}": r.figures[name] for r in results if name in r.figures}, unit)
        for name, says, unit in _MEANS
    )


def _others(results: Sequence[WorldResult]) -> tuple[Figure, ...]:
    """Figures of which less is better, and those that say how sure the forecast was."""
    units_of_flips = {unit: value for each in results for unit, value in each.flips.items()}
    held = [held for each in results for held in each.held]

    def lower(name: str, says: str, unit: Unit = "score") -> Figure:
        return mean_figure(name, says, _by_world(results, lambda each: each.figures[name]), unit, "lower")

    return (
        lower("brier", "mean squared error of the chance within 13 weeks"),
        lower("calibration_error", "mean distance between shown and true chance over the bands"),
        share_figure(
            "interval_holds", "review dates on which what left lies in the 80 % interval of expected churn", sum(held), len(held),
            gated=False,
        ),
        share_figure(
            "worlds_in_interval", "worlds in which it does on most review dates",
            sum(sum(each.held) * 2 > len(each.held) for each in results), len(results), gated=False,
        ),
        mean_figure(
            "flips", "share of risk tiers that differ from the week before without news", units_of_flips, better="lower"
        ),
        lower("actions_per_csm", "actions of the intervention plan a CSM and week", "count"),
    )  # fmt: skip


def _cause_figures(results: Sequence[WorldResult]) -> tuple[Figure, ...]:
    causes = [found for each in results for found in each.causes]
    free = [named for each in results for named in each.named_without_trouble]
    return (
        share_figure("cause", "first cause right, of listed accounts with a hidden problem", sum(right for _, right, _ in causes), len(causes)),
        share_figure("cause_in_two", "first cause or runner-up right, of the same accounts", sum(two for _, _, two in causes), len(causes)),
        share_figure("cause_named", "of the same accounts, a cause is named", sum(named for named, _, _ in causes), len(causes), gated=False),
        share_figure(
            "cause_when_named", "named causes that are right",
            sum(right for named, right, _ in causes if named), sum(named for named, _, _ in causes), gated=False,
        ),
        share_figure("false_naming", "listed accounts without a problem that are given a cause", sum(free), len(free), gated=False, better="lower"),
    )  # fmt: skip


def _policies_not_beaten(comparisons: Sequence[Comparison], held: float) -> list[str]:
    """Notes on the policies that the review does not beat, with the known reason."""
    found = []
    for policy in comparisons:
        for figure in policy.difference:
            if (
                figure.name in ("arr_caught", "kept_per_hour")
                and figure.low <= 0
                and not policy.name.startswith(REVIEW_POLICY)
            ):
                verdict = "loses to" if figure.high < 0 else "does not clearly beat"
                found.append(f"The review {verdict} “{policy.name}” on {figure.says}.")
    found.append(f"The largest {LIST_LENGTH} accounts of these worlds hold {held:.0%} of all ARR.")
    return found


def _reliability(results: Sequence[WorldResult]) -> list[str]:
    """Notes on calibration: shown and true churn rate in bands."""
    shown, true = (np.asarray(side) for side in zip(*(f for each in results for f in each.forecasts), strict=True))
    return [
        f"Chance of leaving within 13 weeks, {name}: {n:,} forecasts of {told:.1%} on average, true {came:.1%}."
        for name, n, told, came in reliability(shown, true)
    ]


def _comparisons(results: Sequence[WorldResult]) -> tuple[Comparison, ...]:
    found = []
    for name in results[0].ways:
        figures = tuple(
            mean_figure(key, says, _by_world(results, lambda each: each.ways[name][key]), unit, gated=False)  # noqa: B023
            for key, says, unit in _COMPARED
        )
        found.append(
            Comparison(
                name=name, figures=figures, difference=_differences(results, name) if name != REVIEW_POLICY else ()
            )
        )
    return tuple(sorted(found, key=lambda policy: (-policy.figures[-2].value, policy.name)))


def _differences(results: Sequence[WorldResult], policy: str) -> tuple[Figure, ...]:
    found = []
    for key, says, unit in _COMPARED:
        review = _by_world(results, lambda each: each.ways[REVIEW_POLICY][key])  # noqa: B023
        other = _by_world(results, lambda each: each.ways[policy][key])  # noqa: B023
        pair = paired_difference(review, other)
        if pair is not None:
            middle, low, high = (round(value, 6) for value in pair)
            found.append(
                Figure(name=key, says=says, value=middle, low=low, high=high, n=len(results), unit=unit, gated=False)
            )
    return tuple(found)
