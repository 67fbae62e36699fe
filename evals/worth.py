"""What a way of choosing accounts was worth: ARR caught by its first 25, and kept by the plays of a small team."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from evals.weeks import KINDS, LIST, Week, leavers
from evals.world import Play, World

PLAYS_A_REVIEW = 10
HOURS_A_PLAY = 20.0
"""CSM hours of one save play over eight weeks, for every way of choosing alike; about the library's mean."""
REST = timedelta(weeks=26)
"""An account that had a play is not given another within this time."""
AGAINST = {cause: kind for kind, cause in KINDS.items()}
REVIEW = "the review"


@dataclass
class Played:
    """What one way of choosing did in one world."""

    plays: dict[str, list[Play]] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    """Account to the review in which its first play began."""
    hours: dict[str, float] = field(default_factory=dict)


def ways(world: World, weeks: Sequence[Week]) -> dict[str, dict[str, dict[str, float]]]:
    """Each way of choosing: what its first 25 caught, and what its plays kept."""
    names = (REVIEW, *weeks[0].rankings)
    found = {name: _judged_way(world, weeks, name, _general) for name in names[1:]}
    found[REVIEW] = _judged_way(world, weeks, REVIEW, _diagnosed_kind)
    found["the review's list, no diagnosis"] = _judged_way(world, weeks, REVIEW, _general)
    found["the review's list, true cause"] = _judged_way(
        world, weeks, REVIEW, lambda week, account: world.true_condition(account, week.day)
    )
    return found


def _general(week: Week, account: str) -> str | None:
    return None


def _diagnosed_kind(week: Week, account: str) -> str | None:
    return AGAINST.get(week.causes.get(account, ("", None))[0])


def _judged_way(
    world: World, weeks: Sequence[Week], name: str, against: Callable[[Week, str], str | None]
) -> dict[str, dict[str, float]]:
    caught, found = {}, {}
    done = Played()
    for week in weeks:
        order = week.listed if name == REVIEW else week.rankings[name]
        gone = leavers(world, week.day)
        if gone:
            caught[week.unit] = sum(gone.get(account, 0.0) for account in order[:LIST]) / sum(gone.values())
            found[week.unit] = sum(account in gone for account in order[:LIST]) / len(gone)
        _play(week, order, against, done)
    kept = _kept(world, done)
    return {
        "arr_caught": caught,
        "leavers_caught": found,
        "arr_kept": {week.unit: kept.get(week.unit, 0.0) for week in weeks},
        "kept_per_hour": {
            week.unit: kept.get(week.unit, 0.0) / done.hours[week.unit] for week in weeks if done.hours.get(week.unit)
        },
    }


def _play(week: Week, order: Sequence[str], against: Callable[[Week, str], str | None], done: Played) -> None:
    """The first ten of the list that had no play lately."""
    free = [a for a in order if not any(week.day - play.on < REST for play in done.plays.get(a, ()))]
    for account in free[:PLAYS_A_REVIEW]:
        done.plays.setdefault(account, []).append(Play(on=week.day, against=against(week, account)))
        done.units.setdefault(account, week.unit)
        done.hours[week.unit] = done.hours.get(week.unit, 0.0) + HOURS_A_PLAY


def _kept(world: World, done: Played) -> dict[str, float]:
    """ARR of accounts that would have left within the world and, with their plays, did not; by review."""
    found: dict[str, float] = {}
    for account in world.accounts:
        plays = done.plays.get(account.account_id)
        if plays and account.churned_on is not None and world.churned_on(account.account_id, plays) is None:
            unit = done.units[account.account_id]
            found[unit] = found.get(unit, 0.0) + account.arr_on(account.churned_on - timedelta(days=1))
    return found
