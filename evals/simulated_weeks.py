"""One review date of a simulated world: the product's conclusions from the exports, and the choice of each policy."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from domain.configuration import Configuration
from evals.case_portfolio import write_tables
from evals.policies import (
    Vector,
    features,
    fit_logistic,
    rank_by_arr,
    rank_by_csm_rating,
    rank_by_regression,
    rank_by_renewal,
    rank_by_usage_drop,
)  # fmt: skip
from evals.world import World, simulate
from tools.evidence.causes import diagnose
from tools.evidence.dossier import build_dossiers
from tools.planning.intervention_plan import at_risk_ids
from tools.scoring.scored_base import Row, ScoredBase, read_base
from tools.scoring.snapshots import SnapshotStore
from tools.wording import review_id_of

TRAINING_SEED = 7
"""Seed of the world that the regression is fitted on; never one of the worlds that are judged."""
ACCOUNTS_PER_WORLD = 400
LIST_LENGTH = 25
HORIZON = timedelta(weeks=26)
"""A churn within this time counts as foreseen: a play of eight weeks and a renewal cycle can still change it."""
REVIEW_WEEKS = range(20, 55, 4)
"""Review dates, in weeks from the start of a world; the horizon of the last one still lies within the world."""
STEADY_WEEKS = (36, 37, 45, 46)
"""Two pairs of consecutive weeks, after New Year and in spring, to count tiers that flip without news."""
CAUSE_BY_CONDITION = {
    "champion_leaves": "relationship_erosion",
    "product_gap": "product_fit",
    "service_failure": "service_failure",
    "value_doubt": "value_gap",
    "price_pressure": "commercial_friction",
    "competitor": "competitive_displacement",
    "reorganisation": "customer_side_change",
}
"""The product's cause for each condition of the world. The only place that knows both."""


@dataclass(frozen=True)
class SimulatedWeek:
    """One review date of one world. ``causes`` holds cause and runner-up by account, ``rankings`` account ids by policy."""

    unit: str
    day: date
    steady: bool
    listed: tuple[str, ...]
    causes: Mapping[str, tuple[str, str | None]]
    scored: tuple[Row, ...]
    rankings: Mapping[str, tuple[str, ...]]


def fit_regression() -> Vector:
    """Weights of a simple churn regression, fitted on a separate world: what was known then, and who left later."""
    world = simulate(TRAINING_SEED, ACCOUNTS_PER_WORLD)
    samples, labels = [], []
    for week in REVIEW_WEEKS[::2]:
        day = world.first + timedelta(weeks=week)
        names, numbers = features(world.known_on(day), day)
        gone = future_churn(world, day)
        samples.append(numbers)
        labels.append([float(name in gone) for name in names])
    return fit_logistic(np.vstack(samples), np.concatenate([np.asarray(each) for each in labels]))


def future_churn(world: World, day: date, horizon: timedelta = HORIZON) -> dict[str, float]:
    """ARR on the day, by account id, of the accounts that leave within the horizon if nothing is done."""
    return {
        account.account_id: account.arr_on(day)
        for account in world.accounts
        if account.churned_on is not None and day < account.churned_on <= day + horizon
    }


def review_week(
    world: World,
    number: int,
    configuration: Configuration,
    history: SnapshotStore,
    folder: Path,
    weights: Vector,
) -> SimulatedWeek:
    """Write the exports of that week, let the product score them, and rank the accounts by every policy."""
    day = world.first + timedelta(weeks=number)
    tables = world.known_on(day)
    write_tables(tables, folder)
    base = read_base(str(folder), day, configuration, history)
    base.save_scores(history, review_id_of(day), reviewed=True)
    scored = tuple(base.rows("select * from scored order by account_id"))
    listed = tuple(at_risk_ids(base, LIST_LENGTH))
    planned = number in REVIEW_WEEKS
    causes = _diagnose_listed(base, listed, history) if planned else {}
    base.close()
    by_health = sorted(
        scored, key=lambda row: (math.inf if row["health"] is None else row["health"], row["account_id"])
    )
    rankings = {
        "largest ARR first": rank_by_arr(tables, day),
        "nearest renewal first": rank_by_renewal(tables, day),
        "lowest health first": [row["account_id"] for row in by_health],
        "deepest usage drop first": rank_by_usage_drop(tables, day),
        "lowest CSM rating first": rank_by_csm_rating(tables, day),
        "logistic regression × ARR": rank_by_regression(tables, day, weights),
    }
    return SimulatedWeek(
        unit=f"world {world.seed}, week {number}",
        day=day,
        steady=not planned,
        listed=listed,
        causes=causes,
        scored=scored,
        rankings={name: tuple(ranking) for name, ranking in rankings.items()},
    )


def _diagnose_listed(
    base: ScoredBase, listed: Sequence[str], history: SnapshotStore
) -> dict[str, tuple[str, str | None]]:
    base.select_accounts(listed)
    found = build_dossiers(base, listed, history, base.signal_details()) if listed else []
    findings = [diagnose(dossier, base.configuration.causes, base.configuration.scoring) for dossier in found]
    return {finding.account_id: (finding.category, finding.runner_up) for finding in findings}
