"""Suite ``worlds``: simulated portfolios whose truth is known. Did the review see it coming, and was it worth the hours?

A world is written as exports on each review date, read and scored by the product as any customer base, and compared with
what would have happened in the 26 weeks after. Simple ways of choosing accounts work on the same exports.
"""

import math
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from domain.configuration import Configuration
from evals.engine import Tell
from evals.figures import CaseResult, Comparison, Figure, SuiteResult, Unit, mean, paired, share
from evals.policies import (
    Vector,
    by_arr,
    by_last_answer,
    by_regression,
    by_renewal,
    by_usage_drop,
    features,
    fit_logistic,
)
from evals.staging import write_tables
from evals.world import Play, TrueAccount, World, simulate
from tools.base import CustomerBase, Row, read_base
from tools.causes import diagnose
from tools.dossier import dossiers
from tools.history import History
from tools.portfolio_plan import at_risk_ids

SAYS = "Simulated customer bases with known truth: what the weekly list caught, what it missed, and what it was worth."
SEEDS = (11, 12, 13)
FITTED_ON = 7
"""The world that the regression learns from; never one of those it is judged on."""
ACCOUNTS = 400
LIST = 25
HORIZON = timedelta(weeks=26)
"""How far ahead a churn counts as foreseen: what a play of eight weeks and a renewal cycle can still change."""
FIRST_WEEK, LAST_WEEK, EVERY = 20, 54, 4
"""Review dates, in weeks from the start of a world; the last leaves the horizon within the world."""
STEADY_WEEKS = (36, 37, 45, 46)
"""Weeks that follow one another, just after New Year and in spring, to see how many tiers flip without news."""
PLAYS_A_REVIEW = 10
HOURS_A_PLAY = 20.0
"""CSM hours of one save play over eight weeks, for every way of choosing alike; about the library's mean."""
REST = timedelta(weeks=26)
"""An account that had a play is not given another within this time."""
KINDS = {
    "champion_leaves": "relationship_erosion",
    "product_gap": "product_fit",
    "service_failure": "service_failure",
    "value_doubt": "value_gap",
    "price_pressure": "commercial_friction",
    "competitor": "competitive_displacement",
    "reorganisation": "customer_side_change",
}
"""The world's conditions and what the product calls them; the only place that knows both."""
AGAINST = {cause: kind for kind, cause in KINDS.items()}
REVIEW = "the review"


@dataclass(frozen=True)
class Week:
    """One review date of one world: what was concluded, and what was true."""

    unit: str
    day: date
    steady: bool
    listed: tuple[str, ...]
    causes: Mapping[str, tuple[str, str | None]]
    scored: tuple[Row, ...]
    rankings: Mapping[str, tuple[str, ...]]


@dataclass
class Played:
    """What one way of choosing did in one world."""

    plays: dict[str, list[Play]] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    """Account to the review in which its first play began."""
    hours: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Told:
    """All that one world tells."""

    seed: int
    units: Mapping[str, Mapping[str, float]]
    """Figure to value by review date."""
    ways: Mapping[str, Mapping[str, Mapping[str, float]]]
    """Way of choosing to figure to value by review date."""
    forecasts: tuple[tuple[float, bool], ...]
    """Churn probability as shown, and whether it came so."""
    causes: tuple[tuple[bool, bool], ...]
    """For each listed account in real trouble: cause right, cause among two."""
    flips: Mapping[str, float]
    """Share of tiers that flipped without news, by review date."""
    unseen: tuple[str, ...]


def run_worlds(configuration: Configuration, tell: Tell, seeds: Sequence[int] = SEEDS) -> SuiteResult:
    """Run every world, two at a time, and put them together."""
    told = []
    with ProcessPoolExecutor(max_workers=2, mp_context=get_context("spawn")) as pool:
        tell("worlds", 0, len(seeds))
        for result in pool.map(_run, [(seed, configuration) for seed in seeds]):
            told.append(result)
            tell("worlds", len(told), len(seeds))
    return together(told)


def _run(job: tuple[int, Configuration]) -> Told:
    seed, configuration = job
    return told_by(simulate(seed, ACCOUNTS), configuration, regression())


def regression() -> Vector:
    """An afternoon's model: fitted on a world of its own, on what was known then and what came of it."""
    world = simulate(FITTED_ON, ACCOUNTS)
    samples, labels = [], []
    for week in range(FIRST_WEEK, LAST_WEEK + 1, EVERY * 2):
        day = world.first + timedelta(weeks=week)
        names, numbers = features(world.known_on(day), day)
        gone = leavers(world, day)
        samples.append(numbers)
        labels.append([float(name in gone) for name in names])
    return fit_logistic(np.vstack(samples), np.concatenate([np.asarray(each) for each in labels]))


def leavers(world: World, day: date, horizon: timedelta = HORIZON) -> dict[str, float]:
    """Accounts that will leave within the horizon if nothing is done, with their ARR on that day."""
    return {
        account.account_id: account.arr_on(day)
        for account in world.accounts
        if account.churned_on is not None and day < account.churned_on <= day + horizon
    }


# one world -------------------------------------------------------------------------------------------------------------


def told_by(world: World, configuration: Configuration, weights: Vector) -> Told:
    """Every review date of one world."""
    planned = set(range(FIRST_WEEK, LAST_WEEK + 1, EVERY))
    weeks: list[Week] = []
    with tempfile.TemporaryDirectory(prefix="saveplay-eval-") as scratch:
        history = History(Path(scratch) / "history")
        for number in sorted(planned | set(STEADY_WEEKS)):
            weeks.append(_week(world, number, configuration, history, Path(scratch) / str(number), weights, planned))
    reviews = [week for week in weeks if not week.steady]
    return Told(
        seed=world.seed,
        units=_foreseen(world, reviews),
        ways=_ways(world, reviews),
        forecasts=tuple(forecast for week in reviews for forecast in _forecasts(world, week)),
        causes=tuple(found for week in reviews for found in _causes_found(world, week)),
        flips=_flips(world, weeks),
        unseen=_unseen(world, reviews),
    )


def _week(
    world: World,
    number: int,
    configuration: Configuration,
    history: History,
    folder: Path,
    weights: Vector,
    planned: set[int],
) -> Week:
    day = world.first + timedelta(weeks=number)
    tables = world.known_on(day)
    write_tables(tables, folder)
    base = read_base(str(folder), day, configuration, history)
    history.save(base.connection, f"{day:%G-W%V}", day, configuration.scoring_hash, reviewed=True)
    scored = tuple(base.rows("select * from scored order by account_id"))
    listed = tuple(at_risk_ids(base, LIST))
    causes = _diagnosed(base, listed, history) if number in planned else {}
    base.connection.close()
    by_health = sorted(
        scored, key=lambda row: (math.inf if row["health"] is None else row["health"], row["account_id"])
    )
    rankings = {
        "largest ARR first": by_arr(tables, day),
        "nearest renewal first": by_renewal(tables, day),
        "lowest health first": [row["account_id"] for row in by_health],
        "deepest usage drop first": by_usage_drop(tables, day),
        "lowest CSM rating first": by_last_answer(tables, day),
        "logistic regression × ARR": by_regression(tables, day, weights),
    }
    return Week(
        unit=f"world {world.seed}, week {number}",
        day=day,
        steady=number not in planned,
        listed=listed,
        causes=causes,
        scored=scored,
        rankings={name: tuple(ranking) for name, ranking in rankings.items()},
    )


def _diagnosed(base: CustomerBase, listed: Sequence[str], history: History) -> dict[str, tuple[str, str | None]]:
    base.pick(listed)
    found = dossiers(base, listed, history, base.details()) if listed else []
    findings = [diagnose(dossier, base.configuration.causes, base.configuration.scoring) for dossier in found]
    return {finding.account_id: (finding.category, finding.runner_up) for finding in findings}


def _foreseen(world: World, weeks: Sequence[Week]) -> dict[str, dict[str, float]]:
    """Precision, recall and ARR caught of the list, by review date; weeks before churn, by account."""
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
        gone = leavers(world, week.day)
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


def _lift(week: Week, gone: Mapping[str, float]) -> float:
    """Churn among the tenth with the highest risk over churn in the whole base."""
    ordered = sorted(week.scored, key=lambda row: (-row["risk"], row["account_id"]))
    top = ordered[: max(len(ordered) // 10, 1)]
    return (sum(row["account_id"] in gone for row in top) / len(top)) / (len(gone) / len(ordered))


def _concentration(week: Week) -> float:
    """Share of all ARR that the largest 25 accounts hold."""
    sizes = sorted((float(row["arr"]) for row in week.scored), reverse=True)
    return sum(sizes[:LIST]) / sum(sizes)


def _forecasts(world: World, week: Week) -> Iterable[tuple[float, bool]]:
    """The shown probability is for the next renewal or 90 days, whichever comes first."""
    ends = {account.account_id: account.churned_on for account in world.accounts}
    for row in week.scored:
        days = row["renewal_in_days"]
        until = week.day + timedelta(days=90 if days is None or days < 0 else min(90, int(days)))
        end = ends[row["account_id"]]
        yield row["churn_probability"], end is not None and week.day < end <= until + timedelta(days=7)


def _causes_found(world: World, week: Week) -> Iterable[tuple[bool, bool]]:
    for account, (first, second) in week.causes.items():
        kind = world.true_condition(account, week.day)
        if kind is not None:
            yield first == KINDS[kind], KINDS[kind] in (first, second)


def _flips(world: World, weeks: Sequence[Week]) -> dict[str, float]:
    """Risk tiers that differ from the week before although nothing began, ended or came to light at the account."""
    found = {}
    accounts = {account.account_id: account for account in world.accounts}
    for before, after in pairwise(weeks):
        if (after.day - before.day).days != 7:
            continue
        tiers = {row["account_id"]: row["risk_tier"] for row in before.scored}
        calm = [
            row["risk_tier"] != tiers[row["account_id"]]
            for row in after.scored
            if row["account_id"] in tiers and not _news(accounts[row["account_id"]], after.day)
        ]
        found[after.unit] = sum(calm) / len(calm)
    return found


def _news(account: TrueAccount, day: date) -> bool:
    """Whether something began or ended at the account within eight weeks, about as long as it takes to show."""
    turns = [
        turn for condition in account.conditions for turn in (condition.began, condition.ended) if turn is not None
    ]
    return any(-7 < (day - turn).days < 56 for turn in turns)


def _unseen(world: World, weeks: Sequence[Week]) -> tuple[str, ...]:
    """Accounts that left within the horizon of some review and were on no list before they did."""
    found = []
    for account in world.accounts:
        end = account.churned_on
        before = [week for week in weeks if end is not None and week.day < end <= week.day + HORIZON]
        if before and not any(account.account_id in week.listed for week in before):
            conditions = ", ".join(sorted({c.kind for c in account.conditions})) or "no condition"
            found.append(f"world {world.seed}, {account.account_id}: left {end}, {conditions}, ARR {account.arr:,.0f}")
    return tuple(found)


# what it is worth ------------------------------------------------------------------------------------------------------


def _ways(world: World, weeks: Sequence[Week]) -> dict[str, dict[str, dict[str, float]]]:
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
    plays = sum(done.hours.values()) / HOURS_A_PLAY
    return {
        "arr_caught": caught,
        "leavers_caught": found,
        "arr_kept": {week.unit: kept.get(week.unit, 0.0) for week in weeks},
        "kept_per_hour": {
            week.unit: kept.get(week.unit, 0.0) / done.hours[week.unit] for week in weeks if done.hours.get(week.unit)
        },
        "plays": {f"world {world.seed}": plays},
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


# together --------------------------------------------------------------------------------------------------------------


def together(told: Sequence[Told]) -> SuiteResult:
    """All worlds as one result."""

    def units(name: str) -> dict[str, float]:
        return {key: value for each in told for key, value in each.units.get(name, {}).items()}

    causes = [found for each in told for found in each.causes]
    units_of_flips = {unit: value for each in told for unit, value in each.flips.items()}
    unseen = [line for each in told for line in each.unseen]
    figures = (
        mean("arr_caught", f"ARR that left within 26 weeks and stood on the list of {LIST}", units("arr_caught")),
        mean("recall", f"accounts that left within 26 weeks and stood on the list of {LIST}", units("recall")),
        mean("precision", "accounts of the list that left within 26 weeks when nothing was done", units("precision")),
        mean("in_trouble", "accounts of the list that left or had a hidden condition", units("in_trouble")),
        mean("lead_weeks", "weeks from the first list to the churn", units("lead_weeks"), "weeks"),
        mean("lift", "churn among the riskiest tenth, as times the base rate", units("lift"), "times"),
        share(
            "cause", "cause right, of listed accounts with a hidden condition", sum(a for a, _ in causes), len(causes)
        ),
        share("cause_in_two", "cause or runner-up right", sum(b for _, b in causes), len(causes)),
        _brier(told),
        _skill(told),
        mean("flips", "risk tiers that differ from the week before without news", units_of_flips, better="lower"),
    )
    comparisons, held = _comparisons(told), float(np.mean(list(units("concentration").values())))
    return SuiteResult(
        suite="worlds",
        model="none",
        says=SAYS,
        figures=figures,
        cases=(_sane(told),),
        comparisons=comparisons,
        notes=(*_beaten_by(comparisons, held), *_reliability(told), *(f"Never listed: {line}." for line in unseen)),
    )


def _beaten_by(comparisons: Sequence[Comparison], held: float) -> list[str]:
    """Where the review does not beat a simple way, in plain words, with what is known about why."""
    found = []
    for way in comparisons:
        for figure in way.difference:
            if figure.name in ("arr_caught", "kept_per_hour") and figure.low <= 0 and not way.name.startswith(REVIEW):
                verdict = "loses to" if figure.high < 0 else "does not clearly beat"
                found.append(f"The review {verdict} “{way.name}” on {figure.says}.")
    if found:
        found.append(
            f"The largest {LIST} accounts of these worlds hold {held:.0%} of all ARR: whoever looks after them alone catches "
            "about that share of whatever leaves, knows nothing of it beforehand, and names the same accounts every week."
        )
    return found


def _brier(told: Sequence[Told]) -> Figure:
    squares = {f"world {each.seed}": float(np.mean([(p - came) ** 2 for p, came in each.forecasts])) for each in told}
    says = "mean squared error of the churn probability as shown (uncalibrated prior)"
    return mean("brier", says, squares, "score", "lower")


def _skill(told: Sequence[Told]) -> Figure:
    """1 is perfect, 0 no better than telling everybody the base rate."""
    skills = {}
    for each in told:
        came = np.asarray([float(c) for _, c in each.forecasts])
        error = np.mean([(p - c) ** 2 for p, c in each.forecasts])
        skills[f"world {each.seed}"] = float(1 - error / max(float(np.var(came)), 1e-9))
    return mean("brier_skill", "improvement of that over telling everybody the base rate", skills, "score", gated=False)


def _reliability(told: Sequence[Told]) -> list[str]:
    """Shown against observed, in five bands."""
    every = [forecast for each in told for forecast in each.forecasts]
    lines = []
    for low, high in ((0.0, 0.05), (0.05, 0.15), (0.15, 0.3), (0.3, 0.5), (0.5, 1.01)):
        band = [(p, came) for p, came in every if low <= p < high]
        if band:
            shown, came = float(np.mean([p for p, _ in band])), float(np.mean([c for _, c in band]))
            lines.append(f"Calibration: where {shown:.0%} was shown, {came:.1%} left ({len(band)} forecasts).")
    return lines


def _comparisons(told: Sequence[Told]) -> tuple[Comparison, ...]:
    ours = _way(told, REVIEW)
    found = []
    for name in told[0].ways:
        theirs = _way(told, name)
        figures = tuple(mean(key, says, theirs[key], unit, gated=False) for key, says, unit in _COMPARED)
        found.append(
            Comparison(name=name, figures=figures, difference=_differences(ours, theirs) if name != REVIEW else ())
        )
    return tuple(sorted(found, key=lambda way: (-way.figures[0].value, way.name)))


_COMPARED: tuple[tuple[str, str, Unit], ...] = (
    ("arr_caught", f"ARR that left within 26 weeks, among the first {LIST}", "share"),
    ("leavers_caught", f"accounts that left within 26 weeks, among the first {LIST}", "share"),
    ("arr_kept", "ARR kept a review", "currency"),
    ("kept_per_hour", "ARR kept an hour of a CSM", "currency an hour"),
)


def _way(told: Sequence[Told], name: str) -> dict[str, dict[str, float]]:
    keys = [key for key, _, _ in _COMPARED]
    return {key: {unit: value for each in told for unit, value in each.ways[name][key].items()} for key in keys}


def _differences(
    ours: Mapping[str, Mapping[str, float]], theirs: Mapping[str, Mapping[str, float]]
) -> tuple[Figure, ...]:
    found = []
    for key, says, unit in _COMPARED:
        pair = paired(ours[key], theirs[key])
        if pair is not None:
            middle, low, high = (round(value, 6) for value in pair)
            n = len(set(ours[key]) & set(theirs[key]))
            found.append(Figure(name=key, says=says, value=middle, low=low, high=high, n=n, unit=unit, gated=False))
    return tuple(found)


def _sane(told: Sequence[Told]) -> CaseResult:
    """A case for the gate: every world told something."""
    wanted = len(range(FIRST_WEEK, LAST_WEEK + 1, EVERY))
    lacking = [str(each.seed) for each in told if len(each.units["precision"]) != wanted]
    return CaseResult(
        name="every world was reviewed",
        note="A world that fails to run must not raise the averages.",
        checks=(),
        error=f"worlds {', '.join(lacking)}" if lacking else None,
    )
