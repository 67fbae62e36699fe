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
class Programme:
    """Plays of one policy over all review dates of a world."""

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
    """Figures of one policy. Kept per hour: each review by itself. Programme: one after the other, with a pause between plays."""
    run = Programme()
    caught, leavers, kept = 0.0, 0.0, 0.0
    for week in weeks:
        first = week.rankings[name][:LIST_LENGTH]
        arr = {row["account_id"]: float(row["arr"]) for row in week.scored}
        caught += _share(first, {a: arr[a] * week.later[a] for a in arr})
        leavers += _share(first, week.later)
        kept += sum(_kept(world, week, arr, account, aim, ()) for account in _candidates(week, name)[:PLAYS_A_REVIEW])
        _start_plays(world, week, name, aim, run)
    return {
        "arr_caught": caught / len(weeks),
        "leavers_caught": leavers / len(weeks),
        "arr_kept": kept / len(weeks),
        "kept_per_hour": kept / (len(weeks) * PLAYS_A_REVIEW * HOURS_A_PLAY),
        "programme_per_hour": run.kept / run.hours if run.hours else 0.0,
    }


def _candidates(week: SimulatedWeek, name: str) -> list[str]:
    """The accounts that may get a play, best first: of the review, those on its list, by what a play is expected to keep."""
    if name != REVIEW_POLICY:
        return list(week.rankings[name])
    return sorted(week.listed, key=lambda account: -week.gains[account])


def _kept(
    world: World,
    week: SimulatedWeek,
    arr: Mapping[str, float],
    account: str,
    aim: Aim,
    earlier: Sequence[SimulatedPlay],
) -> float:
    """ARR that one more play is expected to keep until the end of the world."""
    play = SimulatedPlay(on=week.day, against=aim(week, account))
    before = world.leave_chance(account, week.day, world.end, earlier)
    return arr[account] * (before - world.leave_chance(account, week.day, world.end, [*earlier, play]))


def _share(accounts: Sequence[str], weights: Mapping[str, float]) -> float:
    return sum(weights[account] for account in accounts) / sum(weights.values())


def _start_plays(world: World, week: SimulatedWeek, name: str, aim: Aim, run: Programme) -> None:
    """Start at most ten plays, for accounts that had none in the last 26 weeks."""
    arr = {row["account_id"]: float(row["arr"]) for row in week.scored}
    free = [
        account
        for account in _candidates(week, name)
        if not any(week.day - play.on < PLAY_PAUSE for play in run.plays.get(account, ()))
    ]
    for account in free[:PLAYS_A_REVIEW]:
        earlier = run.plays.setdefault(account, [])
        run.kept += _kept(world, week, arr, account, aim, earlier)
        run.hours += HOURS_A_PLAY
        earlier.append(SimulatedPlay(on=week.day, against=aim(week, account)))
