"""Suite ``outside``: tables of another shape, scored with own signals by configuration alone, beside simple rules.

The three tables are invented and their drivers are known (``evals/outside/invented.py``). One rule: the card is not fitted;
the rules beside it may be, each on the half of the table that it is not judged on.
"""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from domain.configuration import Configuration
from evals.engine import ReportProgress
from evals.figures import CaseResult, Check, Figure, SuiteResult
from evals.forecasts import Vector, brier_skill, expected_auc, reliability
from evals.outside.invented import FOLDER, TABLES
from evals.outside.table import OutsideResult, score_table
from evals.policies import fit_logistic

SAYS = "Invented tables with one row an account: own signals by configuration alone, beside simple rules."
CARDS = tuple(FOLDER / f"{name}.yaml" for name in TABLES)
_DRAWS, _SEED = 500, 20261123
_WARNS = 70.0
"""A component below this is a warning, as severity_below in scoring.yaml."""


def run_outside(
    configuration: Configuration, report_progress: ReportProgress, cards: Sequence[Path] = CARDS
) -> SuiteResult:
    """Score each table with its card, and once without the pairs where the card has some."""
    found: list[SuiteResult] = []
    with tempfile.TemporaryDirectory(prefix="saveplay-eval-") as scratch:
        for number, card in enumerate(cards):
            report_progress("outside", number, len(cards))
            result = score_table(card, configuration, Path(scratch) / f"{number}-with")
            alone = score_table(card, configuration, Path(scratch) / f"{number}-without", with_pairs=False)
            found.append(table_result(result, alone))
    report_progress("outside", len(cards), len(cards))
    return SuiteResult(
        suite="outside",
        model="none",
        says=SAYS,
        figures=tuple(figure for each in found for figure in each.figures),
        cases=tuple(case for each in found for case in each.cases),
        notes=tuple(note for each in found for note in each.notes),
    )


def table_result(result: OutsideResult, without_pairs: OutsideResult | None) -> SuiteResult:
    """The figures, the questions and the notes of one table."""
    return SuiteResult(
        suite="outside",
        model="none",
        says=result.says,
        figures=tuple(_figures(result, without_pairs or result)),
        cases=(_case(result),),
        notes=(*_reliability_notes(result), _signal_note(result)),
    )


def _figures(result: OutsideResult, without_pairs: OutsideResult) -> list[Figure]:
    """Quality of the card on one table, and of what is simpler."""
    name, left = result.name, result.left
    auc = {
        "auc": ("AUC of the chance of leaving, by the card", result.chance),
        "auc_without_pairs": ("the same card without pairs", without_pairs.chance),
        "auc_of_warnings": ("number of own signals that warn", _warnings(result)),
        "auc_of_best_signal": ("the best own signal alone, chosen in hindsight", _best_signal(result)),
        "auc_of_regression": ("a regression on the same signals, fitted on the other half", _regression(result)),
    }
    found = [
        _bootstrap(f"{name}_{key}", f"{name}: {says}", shown, left, expected_auc, gated=key == "auc")
        for key, (says, shown) in auc.items()
        if key != "auc_without_pairs" or not np.array_equal(shown, result.chance)
    ]
    skill = "Brier skill: improvement over the table's rate for everybody"
    found.append(_bootstrap(f"{name}_brier_skill", f"{name}: {skill}", result.chance, left, brier_skill, gated=True))
    return found


def _bootstrap(
    name: str, says: str, shown: Vector, left: Vector, measure: Callable[[Vector, Vector], float], *, gated: bool
) -> Figure:
    """A measure with its 95 % interval over draws of accounts, with a fixed seed."""
    rng = np.random.default_rng(_SEED)
    drawn = []
    for _ in range(_DRAWS):
        chosen = rng.integers(0, len(left), size=len(left))
        if 0 < left[chosen].sum() < len(left):
            drawn.append(measure(shown[chosen], left[chosen]))
    low, high = np.quantile(drawn, (0.025, 0.975))
    return Figure(
        name=name, says=says, value=round(measure(shown, left), 6), low=round(float(low), 6), high=round(float(high), 6),
        n=len(left), unit="score", gated=gated,
    )  # fmt: skip


def _warnings(result: OutsideResult) -> Vector:
    return np.asarray(sum((component < _WARNS).astype(float) for component in result.components.values()))


def _badness(component: Vector) -> Vector:
    """0 to 100, high is bad; an unknown one stands in the middle of those that are known."""
    known = component[~np.isnan(component)]
    middle = float(np.median(known)) if len(known) else 100.0
    return np.asarray(100 - np.where(np.isnan(component), middle, component))


def signal_aucs(result: OutsideResult) -> Mapping[str, float]:
    """AUC of each own signal alone."""
    return {name: expected_auc(_badness(each), result.left) for name, each in result.components.items()}


def _best_signal(result: OutsideResult) -> Vector:
    alone = signal_aucs(result)
    return _badness(result.components[max(sorted(alone), key=lambda name: alone[name])])


def _regression(result: OutsideResult) -> Vector:
    """Chance of each account by a regression that was fitted on the half of the table that it is not in."""
    samples = np.column_stack([np.ones(len(result.left)), *(_badness(c) / 100 for c in result.components.values())])
    halves = np.arange(len(result.left)) % 2 == 0
    chance = np.zeros(len(result.left))
    for half in (halves, ~halves):
        weights = fit_logistic(samples[~half], result.left[~half])
        chance[half] = 1 / (1 + np.exp(-samples[half] @ weights))
    return chance


def _case(result: OutsideResult) -> CaseResult:
    """The questions that an own signal has to answer with yes."""
    shown = {fact.signal: fact for fact in result.evidence}
    own = list(result.components)
    silent = [name for name in own if not result.points[name]]
    unseen = [name for name in own if name not in shown or not shown[name].rows]
    alone = max(signal_aucs(result).values())
    checks = (
        Check(name="scored", right=not silent, why=f"own signals without points: {', '.join(silent) or 'none'}"),
        Check(name="evidence", right=not unseen, why=f"own signals without a row: {', '.join(unseen) or 'none'}"),
        Check(
            name="ranking",
            right=expected_auc(result.chance, result.left) > alone,
            why=f"the card ranks better than its best signal alone ({alone:.3f})",
        ),
    )
    first = result.evidence[0] if result.evidence else None
    return CaseResult(
        name=result.name, note=result.says, checks=checks, got={"first": first.statement if first else "no evidence"}
    )


def _reliability_notes(result: OutsideResult) -> list[str]:
    return [
        f"{result.name}: shown {band}: {count} accounts, {shown:.1%} shown and {came:.1%} left"
        for band, count, shown, came in reliability(result.chance, result.left)
    ]


def _signal_note(result: OutsideResult) -> str:
    alone = ", ".join(f"{name} {value:.2f}" for name, value in signal_aucs(result).items())
    return f"{result.name}: AUC of each signal alone: {alone}"
