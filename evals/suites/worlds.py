"""Suite ``worlds``: simulated portfolios with known truth. Were churns foreseen, and were the plays worth the hours?

A world is written as exports on each review date. The product reads and scores them like any customer base. Its list is
compared with what would have happened in the next 26 weeks, and with simple selection policies on the same exports.
"""

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from domain.configuration import Configuration
from evals.engine import ReportProgress
from evals.figures import (
    CaseResult,
    Comparison,
    Figure,
    SuiteResult,
    Unit,
    mean_figure,
    paired_difference,
    share_figure,
)
from evals.policies import Vector
from evals.policy_value import REVIEW_POLICY, policy_results
from evals.simulated_weeks import (
    ACCOUNTS_PER_WORLD,
    CAUSE_BY_CONDITION,
    HORIZON,
    LIST_LENGTH,
    REVIEW_WEEKS,
    STEADY_WEEKS,
    SimulatedWeek,
    fit_regression,
    future_churn,
    review_week,
)
from evals.world import TrueAccount, World, simulate
from tools.scoring.snapshots import SnapshotStore

SAYS = "Simulated customer bases with known truth: churn that the weekly list caught and missed, and the value of the plays."
SEEDS = (11, 12, 13)


@dataclass(frozen=True)
class WorldResult:
    """Results of one world. ``unseen`` names the accounts that left without ever being listed."""

    seed: int
    units: Mapping[str, Mapping[str, float]]
    """Value by figure name and review date."""
    ways: Mapping[str, Mapping[str, Mapping[str, float]]]
    """Value by policy, figure name and review date."""
    forecasts: tuple[tuple[float, bool], ...]
    """Shown churn probability, and True if the account did churn."""
    causes: tuple[tuple[bool, bool], ...]
    """For each listed account in real trouble: first cause right, one of the first two causes right."""
    flips: Mapping[str, float]
    """Share of risk tiers that flipped without news, by review date."""
    unseen: tuple[str, ...]


def run_worlds(
    configuration: Configuration, report_progress: ReportProgress, seeds: Sequence[int] = SEEDS
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


# one world -------------------------------------------------------------------------------------------------------------


def review_world(world: World, configuration: Configuration, weights: Vector) -> WorldResult:
    """Results of one world over all its review dates."""
    weeks: list[SimulatedWeek] = []
    with tempfile.TemporaryDirectory(prefix="saveplay-eval-") as scratch:
        history = SnapshotStore(Path(scratch) / "history")
        for number in sorted({*REVIEW_WEEKS, *STEADY_WEEKS}):
            weeks.append(review_week(world, number, configuration, history, Path(scratch) / str(number), weights))
    reviews = [week for week in weeks if not week.steady]
    return WorldResult(
        seed=world.seed,
        units=_list_figures(world, reviews),
        ways=policy_results(world, reviews),
        forecasts=tuple(forecast for week in reviews for forecast in _forecasts(world, week)),
        causes=tuple(found for week in reviews for found in _causes_found(world, week)),
        flips=_flips(world, weeks),
        unseen=_never_listed(world, reviews),
    )


def _list_figures(world: World, weeks: Sequence[SimulatedWeek]) -> dict[str, dict[str, float]]:
    """Values by figure name: precision, recall and ARR caught by review date, weeks before churn by account."""
    found: dict[str, dict[str, float]] = {
        "precision": {},
        "recall": {},
        "arr_caught": {},
        "in_trouble": {},
        "lift": {},
        "concentration": {},
    }
    first_seen: dict[str, date] = {}
    for week in weeks:
        gone = future_churn(world, week.day)
        hits = [account for account in week.listed if account in gone]
        found["precision"][week.unit] = len(hits) / max(len(week.listed), 1)
        troubled = [a for a in week.listed if a in gone or world.true_condition(a, week.day) is not None]
        found["in_trouble"][week.unit] = len(troubled) / max(len(week.listed), 1)
        if gone:
            found["recall"][week.unit] = len(hits) / len(gone)
            found["arr_caught"][week.unit] = sum(gone[a] for a in hits) / sum(gone.values())
            found["lift"][week.unit] = _lift(week, gone)
        for account in week.listed:
            first_seen.setdefault(account, week.day)
        found["concentration"][week.unit] = _concentration(week)
    ends = {account.account_id: account.churned_on for account in world.accounts}
    found["lead_weeks"] = {
        f"world {world.seed}, {account}": (end - seen).days / 7
        for account, seen in first_seen.items()
        if (end := ends[account]) is not None and end > seen
    }
    return found


def _lift(week: SimulatedWeek, gone: Mapping[str, float]) -> float:
    """Churn rate of the tenth with the highest risk, divided by the churn rate of the whole base."""
    ordered = sorted(week.scored, key=lambda row: (-row["risk"], row["account_id"]))
    top = ordered[: max(len(ordered) // 10, 1)]
    return (sum(row["account_id"] in gone for row in top) / len(top)) / (len(gone) / len(ordered))


def _concentration(week: SimulatedWeek) -> float:
    """Share of all ARR in the 25 largest accounts."""
    sizes = sorted((float(row["arr"]) for row in week.scored), reverse=True)
    return sum(sizes[:LIST_LENGTH]) / sum(sizes)


def _forecasts(world: World, week: SimulatedWeek) -> Iterable[tuple[float, bool]]:
    """Shown probability and outcome per account, for the next renewal or 90 days, whichever comes first."""
    ends = {account.account_id: account.churned_on for account in world.accounts}
    for row in week.scored:
        days = row["renewal_in_days"]
        until = week.day + timedelta(days=90 if days is None or days < 0 else min(90, int(days)))
        end = ends[row["account_id"]]
        yield row["churn_probability"], end is not None and week.day < end <= until + timedelta(days=7)


def _causes_found(world: World, week: SimulatedWeek) -> Iterable[tuple[bool, bool]]:
    for account, (first, second) in week.causes.items():
        kind = world.true_condition(account, week.day)
        if kind is not None:
            yield first == CAUSE_BY_CONDITION[kind], CAUSE_BY_CONDITION[kind] in (first, second)


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


# together --------------------------------------------------------------------------------------------------------------


def combine_worlds(results: Sequence[WorldResult], cases: Sequence[CaseResult]) -> SuiteResult:
    """The result of all worlds together."""
    if not results:
        return SuiteResult(suite="worlds", model="none", says=SAYS, figures=(), cases=tuple(cases))

    def units(name: str) -> dict[str, float]:
        return {key: value for each in results for key, value in each.units.get(name, {}).items()}

    causes = [found for each in results for found in each.causes]
    units_of_flips = {unit: value for each in results for unit, value in each.flips.items()}
    unseen = [line for each in results for line in each.unseen]
    figures = (
        mean_figure(
            "arr_caught",
            f"share of the ARR lost within 26 weeks that was on the list of {LIST_LENGTH} accounts",
            units("arr_caught"),
        ),
        mean_figure(
            "recall",
            f"share of the accounts lost within 26 weeks that were on the list of {LIST_LENGTH}",
            units("recall"),
        ),
        mean_figure(
            "precision",
            "share of the listed accounts that left within 26 weeks when nothing was done",
            units("precision"),
        ),
        mean_figure(
            "in_trouble", "share of the listed accounts that left or had a hidden problem", units("in_trouble")
        ),
        mean_figure("lead_weeks", "weeks from the first listing to the churn", units("lead_weeks"), "weeks"),
        mean_figure("lift", "churn rate of the riskiest tenth, divided by the base rate", units("lift"), "times"),
        share_figure(
            "cause",
            "first cause right, of listed accounts with a hidden problem",
            sum(a for a, _ in causes),
            len(causes),
        ),
        share_figure(
            "cause_in_two",
            "first cause or runner-up right, of the same accounts",
            sum(b for _, b in causes),
            len(causes),
        ),
        _brier(results),
        _brier_skill(results),
        mean_figure(
            "flips", "share of risk tiers that differ from the week before without news", units_of_flips, better="lower"
        ),
    )
    comparisons, held = _comparisons(results), float(np.mean(list(units("concentration").values())))
    return SuiteResult(
        suite="worlds",
        model="none",
        says=SAYS,
        figures=figures,
        cases=tuple(cases),
        comparisons=comparisons,
        notes=(
            *_policies_not_beaten(comparisons, held),
            *_reliability(results),
            *(f"Never listed: {line}." for line in unseen),
        ),
    )


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
    if found:
        found.append(
            f"The largest {LIST_LENGTH} accounts of these worlds hold {held:.0%} of all ARR. A team that looks after these alone catches "
            "about that share of the lost ARR. It knows nothing in advance, and its list is the same every week."
        )
    return found


def _brier(results: Sequence[WorldResult]) -> Figure:
    squares = {
        f"world {each.seed}": float(np.mean([(p - came) ** 2 for p, came in each.forecasts])) for each in results
    }
    says = "mean squared error of the shown churn probability (estimate, not calibrated)"
    return mean_figure("brier", says, squares, "score", "lower")


def _brier_skill(results: Sequence[WorldResult]) -> Figure:
    """Brier skill: 1 is perfect, 0 is no better than the base rate for every account."""
    skills = {}
    for each in results:
        came = np.asarray([float(c) for _, c in each.forecasts])
        error = np.mean([(p - c) ** 2 for p, c in each.forecasts])
        skills[f"world {each.seed}"] = float(1 - error / max(float(np.var(came)), 1e-9))
    return mean_figure(
        "brier_skill", "improvement of this error over the base rate for every account", skills, "score", gated=False
    )


def _reliability(results: Sequence[WorldResult]) -> list[str]:
    """Notes on calibration: shown and observed churn rate in five bands."""
    every = [forecast for each in results for forecast in each.forecasts]
    lines = []
    for low, high in ((0.0, 0.05), (0.05, 0.15), (0.15, 0.3), (0.3, 0.5), (0.5, 1.01)):
        band = [(p, came) for p, came in every if low <= p < high]
        if band:
            shown, came = float(np.mean([p for p, _ in band])), float(np.mean([c for _, c in band]))
            lines.append(f"Calibration: of {len(band)} forecasts of about {shown:.0%}, {came:.1%} came true.")
    return lines


def _comparisons(results: Sequence[WorldResult]) -> tuple[Comparison, ...]:
    review = _policy_units(results, REVIEW_POLICY)
    found = []
    for name in results[0].ways:
        policy = _policy_units(results, name)
        figures = tuple(mean_figure(key, says, policy[key], unit, gated=False) for key, says, unit in _COMPARED)
        found.append(
            Comparison(
                name=name, figures=figures, difference=_differences(review, policy) if name != REVIEW_POLICY else ()
            )
        )
    return tuple(sorted(found, key=lambda policy: (-policy.figures[0].value, policy.name)))


_COMPARED: tuple[tuple[str, str, Unit], ...] = (
    ("arr_caught", f"share of the ARR lost within 26 weeks, among the first {LIST_LENGTH}", "share"),
    ("leavers_caught", f"share of the accounts lost within 26 weeks, among the first {LIST_LENGTH}", "share"),
    ("arr_kept", "ARR kept per review", "currency"),
    ("kept_per_hour", "ARR kept per CSM hour", "currency an hour"),
)


def _policy_units(results: Sequence[WorldResult], name: str) -> dict[str, dict[str, float]]:
    keys = [key for key, _, _ in _COMPARED]
    return {key: {unit: value for each in results for unit, value in each.ways[name][key].items()} for key in keys}


def _differences(
    review: Mapping[str, Mapping[str, float]], policy: Mapping[str, Mapping[str, float]]
) -> tuple[Figure, ...]:
    found = []
    for key, says, unit in _COMPARED:
        pair = paired_difference(review[key], policy[key])
        if pair is not None:
            middle, low, high = (round(value, 6) for value in pair)
            n = len(set(review[key]) & set(policy[key]))
            found.append(Figure(name=key, says=says, value=middle, low=low, high=high, n=n, unit=unit, gated=False))
    return tuple(found)
