"""Value of a selection policy: ARR caught by its first 25 accounts, and ARR kept by the plays of a small team.

Both are expected over the true probabilities of the world, and every policy's plays are aimed by the same diagnosis.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from evals.simulated_weeks import CAUSE_BY_CONDITION, LIST_LENGTH, REVIEW_POLICY, SimulatedWeek
from evals.world import SimulatedPlay, World

PLAYS_A_REVIEW = 10
HOURS_A_PLAY = 20.0
"""CSM hours of one save play over eight weeks, the same for every policy; about the mean of the playbooks."""
PLAY_PAUSE = timedelta(weeks=26)
"""Time after a play in which the account gets no other play."""
CONDITION_BY_CAUSE = {cause: kind for kind, cause in CAUSE_BY_CONDITION.items()}
Aim = Callable[[SimulatedWeek, str], str | None]
"""The kind of condition that a play is made against, or None for general attention."""


@dataclass
class PolicyRun:
    """Plays of one policy in one world, and the ARR that they keep."""

    plays: dict[str, list[SimulatedPlay]] = field(default_factory=dict)
    kept: float = 0.0
    hours: float = 0.0


def policy_results(world: World, weeks: Sequence[SimulatedWeek]) -> dict[str, dict[str, float]]:
    """Figures of the world by policy: caught by the first 25 accounts, and kept by the plays."""
    found = {name: _run_policy(world, weeks, name, diagnosed_kind) for name in weeks[0].rankings}
    found["the review's list, no diagnosis"] = _run_policy(world, weeks, REVIEW_POLICY, lambda week, account: None)
    found["the review's list, true cause"] = _run_policy(
        world, weeks, REVIEW_POLICY, lambda week, account: world.true_condition(account, week.day)
    )
    return found


def diagnosed_kind(week: SimulatedWeek, account: str) -> str | None:
    """The condition that the product's diagnosis means."""
    return CONDITION_BY_CAUSE.get(week.causes.get(account, ("", None))[0])


def _run_policy(world: World, weeks: Sequence[SimulatedWeek], name: str, aim: Aim) -> dict[str, float]:
    run = PolicyRun()
    caught: list[float] = []
    leavers: list[float] = []
    for week in weeks:
        first = week.rankings[name][:LIST_LENGTH]
        arr = {row["account_id"]: float(row["arr"]) for row in week.scored}
        caught.append(_share(first, {a: arr[a] * week.later[a] for a in arr}))
        leavers.append(_share(first, week.later))
        _start_plays(world, week, name, aim, run)
    return {
        "arr_caught": sum(caught) / len(caught),
        "leavers_caught": sum(leavers) / len(leavers),
        "arr_kept": run.kept / len(weeks),
        "kept_per_hour": run.kept / run.hours if run.hours else 0.0,
    }


def _share(accounts: Sequence[str], weights: Mapping[str, float]) -> float:
    return sum(weights[account] for account in accounts) / sum(weights.values())


def _start_plays(world: World, week: SimulatedWeek, name: str, aim: Aim, run: PolicyRun) -> None:
    """Start ten plays among the accounts that had no play in the last 26 weeks, first come first served.

    The review takes the ten with the most to gain of the first 25 such accounts, as its plays are chosen.
    """
    free = [
        account
        for account in week.rankings[name]
        if not any(week.day - play.on < PLAY_PAUSE for play in run.plays.get(account, ()))
    ]
    if name == REVIEW_POLICY:
        free = sorted(free[:LIST_LENGTH], key=lambda account: -week.gains[account])
    arr = {row["account_id"]: float(row["arr"]) for row in week.scored}
    for account in free[:PLAYS_A_REVIEW]:
        earlier = run.plays.setdefault(account, [])
        play = SimulatedPlay(on=week.day, against=aim(week, account))
        before = world.leave_chance(account, week.day, world.end, earlier)
        after = world.leave_chance(account, week.day, world.end, [*earlier, play])
        run.kept += arr[account] * (before - after)
        run.hours += HOURS_A_PLAY
        earlier.append(play)
