"""Suite ``worlds``: simulated portfolios with known truth. Were churns foreseen, and were the plays worth the hours?

A world is written as exports on each review date. The product reads and scores them like any customer base. What it says is
compared with the true probabilities of the world, and its list with simple policies on the same exports. A figure
of a world is the mean of its review dates; intervals are over worlds.
"""

import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from domain.configuration import Configuration
from evals.engine import ReportProgress
from evals.figures import CaseResult, SuiteResult
from evals.forecasts import Vector, auc_within_quartiles, brier_skill, calibration_error, expected_auc, expected_brier
from evals.policies import Vector as Weights
from evals.policy_value import policy_results
from evals.simulated_weeks import (
    ACCOUNTS_PER_WORLD,
    CAUSE_BY_CONDITION,
    HORIZON,
    LIST_LENGTH,
    REVIEW_WEEKS,
    SOON,
    STEADY_WEEKS,
    SimulatedWeek,
    fit_regression,
    future_churn,
    review_week,
)
from evals.suites.world_figures import WorldResult, combine_worlds
from evals.world import TrueAccount, World, simulate
from tools.scoring.snapshots import SnapshotStore

SEEDS = (11, 12, 13, 14, 15, 16, 17, 18, 19, 20)
SEEDS_IN_BRIEF = SEEDS[:4]
"""The worlds of ``make eval``: as many as fit its time. All of them are judged in ``make servers``."""


def run_worlds(
    configuration: Configuration, report_progress: ReportProgress, seeds: Sequence[int] = SEEDS_IN_BRIEF
) -> SuiteResult:
    """Run the worlds, two at a time, and combine them. A world that fails is named and left out of the figures."""
    results: list[WorldResult | str] = []
    with ProcessPoolExecutor(max_workers=2, mp_context=get_context("spawn")) as pool:
        report_progress("worlds", 0, len(seeds))
        for result in pool.map(_run_world, [(seed, configuration) for seed in seeds]):
            results.append(result)
            report_progress("worlds", len(results), len(seeds))
    cases = [
        CaseResult(
            name=f"world {seed}",
            note="A world that cannot be reviewed must not raise the averages.",
            checks=(),
            error=result if isinstance(result, str) else None,
        )
        for seed, result in zip(seeds, results, strict=True)
    ]
    return combine_worlds([result for result in results if isinstance(result, WorldResult)], cases)


def _run_world(job: tuple[int, Configuration]) -> WorldResult | str:
    seed, configuration = job
    try:
        return review_world(simulate(seed, ACCOUNTS_PER_WORLD), configuration, fit_regression())
    except Exception as error:  # noqa: BLE001 - whatever the product raises on a world is a finding about that world
        return f"{type(error).__name__}: {error}"


def review_world(world: World, configuration: Configuration, weights: Weights) -> WorldResult:
    """Results of one world over all its review dates."""
    weeks: list[SimulatedWeek] = []
    with tempfile.TemporaryDirectory(prefix="saveplay-eval-") as scratch:
        history = SnapshotStore(Path(scratch) / "history")
        for number in sorted({*REVIEW_WEEKS, *STEADY_WEEKS}):
            weeks.append(review_week(world, number, configuration, history, Path(scratch) / str(number), weights))
    reviews = [week for week in weeks if not week.steady]
    return WorldResult(
        seed=world.seed,
        figures=_figures(world, reviews),
        ways=policy_results(world, reviews),
        forecasts=tuple(forecast for week in reviews for forecast in _forecasts(week)),
        causes=tuple(found for week in reviews for found in _causes_found(world, week)),
        named_without_trouble=tuple(named for week in reviews for named in _named_without_trouble(world, week)),
        held=tuple(_interval_holds(world, week) for week in reviews),
        flips=_flips(world, weeks),
        concentration=float(np.mean([_concentration(week) for week in reviews])),
        unseen=_never_listed(world, reviews),
    )


def _figures(world: World, weeks: Sequence[SimulatedWeek]) -> dict[str, float]:
    """Mean over the review dates, by figure name."""
    found: dict[str, list[float]] = {}
    for week in weeks:
        for name, value in (_list_figures(world, week) | _forecast_figures(week)).items():
            found.setdefault(name, []).append(value)
    means = {name: float(np.mean(values)) for name, values in found.items()}
    lead = _lead_weeks(world, weeks)
    return means | ({"lead_weeks": float(np.mean(lead))} if lead else {})


def _list_figures(world: World, week: SimulatedWeek) -> dict[str, float]:
    arr = {row["account_id"]: float(row["arr"]) for row in week.scored}
    lost = sum(arr[a] * week.later[a] for a in arr)
    first = week.listed[:LIST_LENGTH]
    troubled = [world.true_condition(a, week.day) is not None for a in week.listed]
    csms = len({row["csm_id"] for row in week.scored if row["csm_id"]})
    return {
        "arr_caught": sum(arr[a] * week.later[a] for a in first) / lost,
        "recall": sum(week.later[a] for a in first) / sum(week.later.values()),
        "precision": float(np.mean([week.later[a] for a in first])),
        "in_trouble": float(np.mean(troubled)),
        "listed": float(len(week.listed)),
        "actions_per_csm": week.actions / max(csms, 1),
    }


def _forecast_figures(week: SimulatedWeek) -> dict[str, float]:
    """Quality of the probabilities of one review date, for both horizons, and by the prior alone."""
    shown, order = _column(week, "churn_probability"), _column(week, "order_probability")
    prior, size, risk = np.asarray(week.without_outcomes), _column(week, "arr"), _column(week, "risk")
    soon, later = (np.asarray([each[r["account_id"]] for r in week.scored]) for each in (week.soon, week.later))
    return {
        "auc": expected_auc(shown, soon),
        "auc_in_quartiles": auc_within_quartiles(shown, soon, size),
        "auc_of_risk": expected_auc(risk, soon),
        "brier": expected_brier(shown, soon),
        "brier_skill": brier_skill(shown, soon),
        "brier_skill_prior": brier_skill(prior, soon),
        "calibration_error": calibration_error(shown, soon),
        "auc_later": expected_auc(order, later),
        "brier_skill_later": brier_skill(order, later),
        "lift": _lift(shown, soon),
    }


def _column(week: SimulatedWeek, name: str) -> Vector:
    return np.asarray([float(row[name]) for row in week.scored])


def _lift(shown: Vector, true: Vector) -> float:
    """Churn rate of the tenth with the highest probability, divided by the churn rate of the whole base."""
    top = np.argsort(-shown, kind="stable")[: max(len(shown) // 10, 1)]
    return float(true[top].mean() / true.mean())


def _concentration(week: SimulatedWeek) -> float:
    """Share of all ARR in the 25 largest accounts."""
    sizes = sorted((float(row["arr"]) for row in week.scored), reverse=True)
    return sum(sizes[:LIST_LENGTH]) / sum(sizes)


def _lead_weeks(world: World, weeks: Sequence[SimulatedWeek]) -> list[float]:
    """Weeks from the first listing to the churn, of each account that left after it was listed."""
    first_seen: dict[str, date] = {}
    for week in weeks:
        for account in week.listed:
            first_seen.setdefault(account, week.day)
    ends = {account.account_id: account.churned_on for account in world.accounts}
    return [(end - seen).days / 7 for a, seen in first_seen.items() if (end := ends[a]) is not None and end > seen]


def _forecasts(week: SimulatedWeek) -> Iterable[tuple[float, float]]:
    """Shown and true probability of every account, for the shorter horizon."""
    for row in week.scored:
        yield row["churn_probability"], week.soon[row["account_id"]]


def _interval_holds(world: World, week: SimulatedWeek) -> bool:
    """True if the ARR that did leave within the shorter horizon lies in the interval that was shown."""
    low, high = week.interval
    present = {row["account_id"] for row in week.scored}
    left = sum(arr for account, arr in future_churn(world, week.day, SOON).items() if account in present)
    return low <= left <= high


def _causes_found(world: World, week: SimulatedWeek) -> Iterable[tuple[bool, bool, bool]]:
    """For each listed account in real trouble: a cause is named, it is right, it or the runner-up (or one of two) is right."""
    for account in week.listed:
        first, *others = week.causes[account]
        kind = world.true_condition(account, week.day)
        if kind is not None:
            right = CAUSE_BY_CONDITION[kind]
            yield first in CAUSE_BY_CONDITION.values(), first == right, right in (first, *others)


def _named_without_trouble(world: World, week: SimulatedWeek) -> Iterable[bool]:
    """For each listed account without trouble: True if a cause is named all the same."""
    for account in week.listed:
        if world.true_condition(account, week.day) is None:
            yield week.causes[account][0] in CAUSE_BY_CONDITION.values()


def _flips(world: World, weeks: Sequence[SimulatedWeek]) -> dict[str, float]:
    """Share of risk tiers, by review date, that differ from the week before although the account had no news."""
    found = {}
    accounts = {account.account_id: account for account in world.accounts}
    for before, after in pairwise(weeks):
        if (after.day - before.day).days != 7:
            continue
        tiers = {row["account_id"]: row["risk_tier"] for row in before.scored}
        calm = [
            row["risk_tier"] != tiers[row["account_id"]]
            for row in after.scored
            if row["account_id"] in tiers and not _had_news(accounts[row["account_id"]], after.day)
        ]
        found[after.unit] = sum(calm) / len(calm)
    return found


def _had_news(account: TrueAccount, day: date) -> bool:
    """True if a condition began or ended in the last eight weeks, about the time it takes to show."""
    turns = [
        turn for condition in account.conditions for turn in (condition.began, condition.ended) if turn is not None
    ]
    return any(-7 < (day - turn).days < 56 for turn in turns)


def _never_listed(world: World, weeks: Sequence[SimulatedWeek]) -> tuple[str, ...]:
    """Accounts that left within the horizon of a review and were never listed before."""
    found = []
    for account in world.accounts:
        end = account.churned_on
        before = [week for week in weeks if end is not None and week.day < end <= week.day + HORIZON]
        if before and not any(account.account_id in week.listed for week in before):
            conditions = ", ".join(sorted({c.kind for c in account.conditions})) or "no condition"
            found.append(f"world {world.seed}, {account.account_id}: left {end}, {conditions}, ARR {account.arr:,.0f}")
    return tuple(found)
