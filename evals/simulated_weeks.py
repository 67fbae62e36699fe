"""One review date of a simulated world: the product's conclusions from the exports, and the choice of each policy."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from domain.configuration import Configuration, ReviewProfile
from domain.diagnosis import CauseFinding
from evals.case_portfolio import write_tables
from evals.policies import (
    Tables,
    Vector,
    features,
    fit_logistic,
    rank_by_arr,
    rank_by_csm_rating,
    rank_by_regression,
    rank_by_renewal,
    rank_by_renewal_window,
    rank_by_usage_drop,
)  # fmt: skip
from evals.world import World, simulate
from tools.evidence.causes import diagnose
from tools.evidence.dossier import build_dossiers
from tools.planning.intervention_plan import read_plan_scores
from tools.planning.meeting_list import meeting_list
from tools.save_play.expected_value import SaveRecord, save_probability
from tools.scoring.portfolio_summary import summarize_portfolio
from tools.scoring.scored_base import Row, ScoredBase, chances_of_prior, read_base
from tools.scoring.snapshots import SnapshotStore
from tools.wording import review_id_of

TRAINING_SEED = 7
"""Seed of the world that the regression is fitted on; never one of the worlds that are judged."""
ACCOUNTS_PER_WORLD = 400
LIST_LENGTH = 25
HORIZON = timedelta(weeks=26)
"""A churn within this time counts as foreseen: a play of eight weeks and a renewal cycle can still change it."""
SOON = timedelta(weeks=13)
"""The horizon of the probability that is shown."""
RENEWAL_WINDOW = (28, 212)
"""Days to the renewal, both inclusive: the window of the review itself, so that only what it adds is compared."""
REVIEW_POLICY = "the review"
RENEWAL_WINDOW_POLICY = "renewal window × ARR"
REGRESSION_POLICY = "logistic regression × ARR"
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
    """One review date of one world, as the product saw it and as it truly was."""

    unit: str
    day: date
    steady: bool
    """Only to count tiers that flip: no truth, no diagnosis, no ranking."""
    listed: tuple[str, ...]
    """The meeting list, at risk or not."""
    actions: int
    """Actions that the review hands to CSMs when everything is approved, without plays: one primary action an account."""
    causes: Mapping[str, tuple[str, ...]]
    """Cause and runner-up by account, of every account; after an undetermined cause the two that it may be."""
    gains: Mapping[str, float]
    """ARR that a play is expected to keep, by account, as the product sees it."""
    scored: tuple[Row, ...]
    without_outcomes: tuple[float, ...]
    """Chance of leaving within the shorter horizon by the prior alone, in the order of ``scored``."""
    interval: tuple[float, float]
    """The 80 % interval of the ARR that leaves within the shorter horizon."""
    soon: Mapping[str, float]
    """True probability of leaving within the shorter horizon, by account; if nothing is done."""
    later: Mapping[str, float]
    """The same within the longer horizon."""
    rankings: Mapping[str, tuple[str, ...]]
    """Account ids by policy."""


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
    planned = number in REVIEW_WEEKS
    findings = _diagnose_all(base, [row["account_id"] for row in scored], history) if planned else {}
    profile = configuration.review.profile_for(len(scored))
    listed = meeting_list(base, profile.model_copy(update={"list_size": LIST_LENGTH})).account_ids
    summary = summarize_portfolio(base)
    week = SimulatedWeek(
        unit=f"world {world.seed}, week {number}",
        day=day,
        steady=not planned,
        listed=listed,
        actions=len(read_plan_scores(base)),
        causes={
            account: (each.category, *(each.candidates or filter(None, (each.runner_up,))))
            for account, each in findings.items()
        },
        gains=_gains(scored, findings, configuration),
        scored=scored,
        without_outcomes=chances_of_prior(base),
        interval=(summary.expected_churn_low or 0.0, summary.expected_churn_high or 0.0),
        soon=_true_chances(world, scored, day, SOON) if planned else {},
        later=_true_chances(world, scored, day, HORIZON) if planned else {},
        rankings=_rankings(tables, day, scored, weights, _whole_order(base, profile)) if planned else {},
    )
    base.close()
    return week


def _rankings(
    tables: Tables, day: date, scored: Sequence[Row], weights: Vector, review: tuple[str, ...]
) -> dict[str, tuple[str, ...]]:
    by_health = sorted(
        scored, key=lambda row: (math.inf if row["health"] is None else row["health"], row["account_id"])
    )
    by_risk = sorted(scored, key=lambda row: (-row["risk"] * float(row["arr"]), row["account_id"]))
    rankings = {
        REVIEW_POLICY: review,
        "risk × ARR of accounts at risk": [row["account_id"] for row in by_risk if row["at_risk"]],
        "risk × ARR of everybody": [row["account_id"] for row in by_risk],
        "largest ARR first": rank_by_arr(tables, day),
        RENEWAL_WINDOW_POLICY: rank_by_renewal_window(tables, day, *RENEWAL_WINDOW),
        "nearest renewal first": rank_by_renewal(tables, day),
        "lowest health first": [row["account_id"] for row in by_health],
        "deepest usage drop first": rank_by_usage_drop(tables, day),
        "lowest CSM rating first": rank_by_csm_rating(tables, day),
        REGRESSION_POLICY: rank_by_regression(tables, day, weights),
    }
    return {name: tuple(ranking) for name, ranking in rankings.items()}


def _whole_order(base: ScoredBase, profile: ReviewProfile) -> tuple[str, ...]:
    """The order of the meeting list, continued to its end."""
    everybody = profile.model_copy(update={"list_size": ACCOUNTS_PER_WORLD, "all_yellow_and_red": False})
    listing = meeting_list(base, everybody)
    return tuple(account for account in listing.account_ids if account not in listing.appended)


def _true_chances(world: World, scored: Sequence[Row], day: date, horizon: timedelta) -> dict[str, float]:
    return {row["account_id"]: world.leave_chance(row["account_id"], day, day + horizon) for row in scored}


def _diagnose_all(base: ScoredBase, accounts: Sequence[str], history: SnapshotStore) -> dict[str, CauseFinding]:
    """The product's diagnosis of every account, so that each policy's plays are aimed alike."""
    base.select_accounts(accounts)
    found = build_dossiers(base, accounts, history, base.signal_details())
    findings = [diagnose(dossier, base.configuration.causes, base.configuration.scoring) for dossier in found]
    return {finding.account_id: finding for finding in findings}


def _gains(
    scored: Sequence[Row], findings: Mapping[str, CauseFinding], configuration: Configuration
) -> dict[str, float]:
    rows = {row["account_id"]: row for row in scored}
    found = {}
    for account, finding in findings.items():
        chance = save_probability(finding.category, finding.difficulty, SaveRecord(), configuration.review)
        found[account] = float(rows[account]["arr"]) * rows[account]["order_probability"] * chance.mean
    return found
