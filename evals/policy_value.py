"""Value of a selection policy: ARR caught by its first 25 accounts, and ARR kept by the plays of a small team."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from evals.simulated_weeks import CAUSE_BY_CONDITION, LIST_LENGTH, SimulatedWeek, future_churn
from evals.world import SimulatedPlay, World

PLAYS_A_REVIEW = 10
HOURS_A_PLAY = 20.0
"""CSM hours of one save play over eight weeks, the same for every policy; about the mean of the playbooks."""
PLAY_PAUSE = timedelta(weeks=26)
"""Time after a play in which the account gets no other play."""
CONDITION_BY_CAUSE = {cause: kind for kind, cause in CAUSE_BY_CONDITION.items()}
REVIEW_POLICY = "the review"


@dataclass
class PolicyRun:
    """Plays and hours of one policy in one world."""

    plays: dict[str, list[SimulatedPlay]] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    """Review in which the account's first play began, by account id."""
    hours: dict[str, float] = field(default_factory=dict)


def policy_results(world: World, weeks: Sequence[SimulatedWeek]) -> dict[str, dict[str, dict[str, float]]]:
    """Figures by policy, figure name and review: caught by the first 25 accounts, and kept by the plays."""
    names = (REVIEW_POLICY, *weeks[0].rankings)
    found = {name: _run_policy(world, weeks, name, _no_diagnosis) for name in names[1:]}
    found[REVIEW_POLICY] = _run_policy(world, weeks, REVIEW_POLICY, _diagnosed_kind)
    found["the review's list, no diagnosis"] = _run_policy(world, weeks, REVIEW_POLICY, _no_diagnosis)
    found["the review's list, true cause"] = _run_policy(
        world, weeks, REVIEW_POLICY, lambda week, account: world.true_condition(account, week.day)
    )
    return found


def _no_diagnosis(week: SimulatedWeek, account: str) -> str | None:
    return None


def _diagnosed_kind(week: SimulatedWeek, account: str) -> str | None:
    return CONDITION_BY_CAUSE.get(week.causes.get(account, ("", None))[0])


def _run_policy(
    world: World, weeks: Sequence[SimulatedWeek], name: str, against: Callable[[SimulatedWeek, str], str | None]
) -> dict[str, dict[str, float]]:
    caught, found = {}, {}
    done = PolicyRun()
    for week in weeks:
        order = week.listed if name == REVIEW_POLICY else week.rankings[name]
        gone = future_churn(world, week.day)
        if gone:
            caught[week.unit] = sum(gone.get(account, 0.0) for account in order[:LIST_LENGTH]) / sum(gone.values())
            found[week.unit] = sum(account in gone for account in order[:LIST_LENGTH]) / len(gone)
        _start_plays(week, order, against, done)
    kept = _kept_arr(world, done)
    return {
        "arr_caught": caught,
        "leavers_caught": found,
        "arr_kept": {week.unit: kept.get(week.unit, 0.0) for week in weeks},
        "kept_per_hour": {
            week.unit: kept.get(week.unit, 0.0) / done.hours[week.unit] for week in weeks if done.hours.get(week.unit)
        },
    }


def _start_plays(
    week: SimulatedWeek, order: Sequence[str], against: Callable[[SimulatedWeek, str], str | None], done: PolicyRun
) -> None:
    """Start plays for the first ten accounts of the list that had no play in the last 26 weeks."""
    free = [a for a in order if not any(week.day - play.on < PLAY_PAUSE for play in done.plays.get(a, ()))]
    for account in free[:PLAYS_A_REVIEW]:
        done.plays.setdefault(account, []).append(SimulatedPlay(on=week.day, against=against(week, account)))
        done.units.setdefault(account, week.unit)
        done.hours[week.unit] = done.hours.get(week.unit, 0.0) + HOURS_A_PLAY


def _kept_arr(world: World, done: PolicyRun) -> dict[str, float]:
    """ARR by review of the accounts that would have left but stayed because of their plays."""
    found: dict[str, float] = {}
    for account in world.accounts:
        plays = done.plays.get(account.account_id)
        if plays and account.churned_on is not None and world.churned_on(account.account_id, plays) is None:
            unit = done.units[account.account_id]
            found[unit] = found.get(unit, 0.0) + account.arr_on(account.churned_on - timedelta(days=1))
    return found
