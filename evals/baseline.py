"""Comparison with the committed baseline: pair by pair where the same cases were judged, else by interval.

Results that are computed without chance (accounts, questions, hostile texts, scripted drafts) are compared case by case.
The same case on both sides has no sampling error, so every case that was right and is wrong now is reported by name.
Figures of simulated worlds are compared review date by review date. The text of a live model varies from run to run, so
only its figures are compared, by interval.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from domain.errors import ConfigurationError
from domain.record import Record
from evals.cases import FIXTURES
from evals.evaluation import Evaluation
from evals.figures import CaseResult, Figure, SuiteResult, paired_difference

BASELINE = FIXTURES / "baseline.json"
_TINY = 1e-9
_SCORE_TOLERANCE = 0.05
"""Smallest change of health or risk, in points, that is reported as moved."""


class BaselineCase(Record):
    """One case of the baseline: result of each check by name, and the two scores as text."""

    right: Mapping[str, bool]
    health: str = ""
    risk: str = ""


class BaselineSuite(Record):
    """One suite of the baseline."""

    figures: Mapping[str, Figure]
    cases: Mapping[str, BaselineCase]


class Baseline(Record):
    """The last accepted results, by suite and model, such as ``drafts/none``."""

    suites: Mapping[str, BaselineSuite]


class BaselineChange(Record):
    """One difference from the baseline."""

    kind: Literal["worse", "better", "moved"]
    suite: str
    name: str
    message: str
    gated: bool


def read_baseline(path: Path = BASELINE) -> Baseline:
    """Read the accepted results. Raises ConfigurationError when the file is missing or not a baseline."""
    try:
        return Baseline.model_validate_json(path.read_text(encoding="utf-8"))
    except OSError:
        raise ConfigurationError(f"{path}: there is no baseline file; write one with --accept") from None
    except ValidationError as error:
        raise ConfigurationError(
            f"{path}: not a baseline: {error.errors()[0]['msg']}; write a new one with --accept"
        ) from None


def accept_results(evaluation: Evaluation, earlier: Baseline | None) -> Baseline:
    """The baseline with these results in place of the earlier results of the same suites and models."""
    known = dict(earlier.suites) if earlier else {}
    known |= {_suite_key(result): _baseline_suite(result) for result in evaluation.suites}
    return Baseline(suites={key: known[key] for key in sorted(known)})


def write_baseline(baseline: Baseline, path: Path) -> None:
    """Write the baseline as JSON. The same results give the same bytes."""
    body = json.dumps(baseline.model_dump(mode="json"), indent=1, ensure_ascii=False, sort_keys=True)
    path.write_text(body + "\n", encoding="utf-8")


def compare_with_baseline(evaluation: Evaluation, baseline: Baseline) -> tuple[BaselineChange, ...]:
    """Every difference from the baseline, worst first."""
    found: list[BaselineChange] = []
    for result in evaluation.suites:
        known = baseline.suites.get(_suite_key(result))
        if known is None:
            message = f"no baseline for {_suite_key(result)} yet; accept it with --accept"
            found.append(
                BaselineChange(kind="moved", suite=result.suite, name="baseline", message=message, gated=False)
            )
            continue
        if evaluation.way != "live" or result.model == "none":
            found += _case_changes(result, known)
        found += _figure_changes(result, known)
    order = {"worse": 0, "better": 1, "moved": 2}
    return tuple(sorted(found, key=lambda change: (order[change.kind], change.suite, change.name, change.message)))


def _suite_key(result: SuiteResult) -> str:
    return f"{result.suite}/{result.model}"


def _baseline_suite(result: SuiteResult) -> BaselineSuite:
    return BaselineSuite(
        figures={figure.name: figure for figure in result.figures},
        cases={
            case.name: BaselineCase(
                right={"judged": case.error is None} | {check.name: check.right for check in case.checks},
                health=case.got.get("health", ""),
                risk=case.got.get("risk", ""),
            )
            for case in result.cases
        },
    )


def _case_changes(result: SuiteResult, known: BaselineSuite) -> list[BaselineChange]:
    cases = {case.name: case for case in result.cases}
    found = [
        BaselineChange(kind="worse", suite=result.suite, name=name, message="the case no longer exists", gated=True)
        for name in sorted(set(known.cases) - set(cases))
    ]
    for name, before in sorted(known.cases.items()):
        if name in cases:
            found += _changes_of_case(result.suite, cases[name], before)
    return found + _moved_scores(result.suite, cases, known.cases)


def _changes_of_case(suite: str, case: CaseResult, before: BaselineCase) -> list[BaselineChange]:
    found = []
    if case.error is not None and before.right.get("judged", True):
        found.append(
            BaselineChange(kind="worse", suite=suite, name=case.name, message=f"not judged: {case.error}", gated=True)
        )
    for check in case.checks:
        was = before.right.get(check.name)
        if was is True and not check.right and case.error is None:
            message = f"{check.name}: {check.why}"
            found.append(BaselineChange(kind="worse", suite=suite, name=case.name, message=message, gated=True))
        if was is False and check.right:
            message = f"{check.name} is right now"
            found.append(BaselineChange(kind="better", suite=suite, name=case.name, message=message, gated=False))
    return found


def _moved_scores(
    suite: str, cases: Mapping[str, CaseResult], known: Mapping[str, BaselineCase]
) -> list[BaselineChange]:
    """At most one line per score: a change of weights is reported even if no conclusion changes."""
    found = []
    for what in ("health", "risk"):
        shifts = {
            name: shift
            for name, case in cases.items()
            if name in known and (shift := _shift(getattr(known[name], what), case.got.get(what, ""))) is not None
        }
        if shifts:
            most = max(sorted(shifts), key=lambda name: abs(shifts[name]))
            message = f"{what} moved in {len(shifts)} of {len(cases)} cases, most in {most} ({shifts[most]:+.1f})"
            found.append(BaselineChange(kind="moved", suite=suite, name=what, message=message, gated=False))
    return found


def _shift(before: str, after: str) -> float | None:
    try:
        shift = float(after) - float(before)
    except ValueError:
        return None
    return shift if abs(shift) >= _SCORE_TOLERANCE else None


def _figure_changes(result: SuiteResult, known: BaselineSuite) -> list[BaselineChange]:
    found = []
    for figure in result.figures:
        before = known.figures.get(figure.name)
        if before is not None:
            change = _change_of_figure(result.suite, figure, before)
            found += [change] if change else []
    now = {figure.name for figure in result.figures}
    found += [
        BaselineChange(kind="worse", suite=result.suite, name=name, message="the figure no longer exists", gated=True)
        for name, before in sorted(known.figures.items())
        if before.gated and name not in now
    ]
    return found


def _change_of_figure(suite: str, now: Figure, before: Figure) -> BaselineChange | None:
    sign = 1 if now.better == "higher" else -1
    pair = paired_difference(now.units, before.units)
    if pair is not None:
        middle, low, high = pair
        worse, better = (high < -_TINY, low > _TINY) if sign > 0 else (low > _TINY, high < -_TINY)
        how = f"{middle:+.4g} (95 % {low:+.4g} to {high:+.4g}, {len(set(now.units) & set(before.units))} pairs)"
    else:
        worse = now.value < before.low - _TINY if sign > 0 else now.value > before.high + _TINY
        better = now.value > before.high + _TINY if sign > 0 else now.value < before.low - _TINY
        how = f"baseline {before.value:.4g} (95 % {before.low:.4g} to {before.high:.4g})"
    if not (worse or better):
        return None
    message = f"{now.says}: {now.value:.4g}, {how}"
    return BaselineChange(
        kind="worse" if worse else "better", suite=suite, name=now.name, message=message, gated=worse and now.gated
    )


def regressions(changes: Sequence[BaselineChange]) -> tuple[BaselineChange, ...]:
    """The changes that block a merge until somebody accepts them."""
    return tuple(change for change in changes if change.kind == "worse" and change.gated)
