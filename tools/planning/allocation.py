"""Choice of the plays that run this week: most expected value within people's hours and the budget, critical accounts first.

Pure. A small integer programme, solved by HiGHS; the same plays give the same choice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import highspy
import numpy as np

_TIE_BREAK = 1e-6


@dataclass(frozen=True)
class PlayCandidate:
    """One play that could run: what it is worth and what it takes."""

    account_id: str
    value: float
    hours: Mapping[str, float]
    """By person."""
    budget: float
    critical: bool
    fixed: bool = False
    """True if it runs already, or if people decided on it: it is not weighed."""


@dataclass(frozen=True)
class Allocation:
    """The choice, and what one more hour of a person would add (from the relaxed problem)."""

    chosen: tuple[str, ...]
    value_per_hour: Mapping[str, float]
    hours_left: Mapping[str, float]
    budget_left: float


def allocate(plays: Sequence[PlayCandidate], free: Mapping[str, float], budget: float) -> Allocation:
    """The most valuable set within ``free`` hours by person and the ``budget``.

    A critical play outweighs any number of others; a play worth less than its cost runs only if it is critical.
    Fixed plays come first, also beyond the hours. People who are not in ``free`` have no hours.
    """
    people = sorted({person for play in plays for person in play.hours} | set(free))
    limits = [max(free.get(person, 0.0), 0.0) for person in people] + [max(budget, 0.0)]
    uses = [[play.hours.get(person, 0.0) for person in people] + [play.budget] for play in plays]
    if not plays:
        return Allocation((), dict.fromkeys(people, 0.0), dict(zip(people, limits, strict=False)), budget)
    picked = [play.fixed for play in plays]
    duals = [0.0] * len(limits)
    if not all(picked):
        picked, duals = _choose_among_open(plays, uses, _left(limits, uses, picked))
    left = _left(limits, uses, picked)
    return Allocation(
        chosen=tuple(play.account_id for play, take in zip(plays, picked, strict=True) if take),
        value_per_hour={person: round(max(duals[i], 0.0), 2) for i, person in enumerate(people)},
        hours_left={person: round(left[i], 2) for i, person in enumerate(people)},
        budget_left=round(left[-1], 2),
    )


def _left(limits: Sequence[float], uses: Sequence[Sequence[float]], picked: Sequence[bool]) -> list[float]:
    """Hours by person and budget after the picked plays; below zero when fixed plays ask for more than there is."""
    return [
        limit - sum(row[i] for row, take in zip(uses, picked, strict=True) if take) for i, limit in enumerate(limits)
    ]


def _choose_among_open(
    plays: Sequence[PlayCandidate], uses: Sequence[Sequence[float]], left: Sequence[float]
) -> tuple[list[bool], list[float]]:
    """All plays that run, fixed ones included, and the price of each limit."""
    open_plays = [rank for rank, play in enumerate(plays) if not play.fixed]
    limits, asked = [max(limit, 0.0) for limit in left], [uses[rank] for rank in open_plays]
    values = [plays[rank].value for rank in open_plays]
    bonus = sum(abs(value) for value in values) + 1.0
    worth = [plays[rank].value + (bonus if plays[rank].critical else 0.0) - rank * _TIE_BREAK for rank in open_plays]
    solution, _ = _solve(worth, asked, limits, whole=True)
    _, duals = _solve(values, asked, limits, whole=False)
    taken = {rank for rank, take in zip(open_plays, solution, strict=True) if take > 0.5}
    return [play.fixed or rank in taken for rank, play in enumerate(plays)], duals


def _solve(
    worth: Sequence[float], uses: Sequence[Sequence[float]], limits: Sequence[float], *, whole: bool
) -> tuple[list[float], list[float]]:
    """Maximise ``worth`` · x, ``uses`` · x ≤ ``limits``, 0 ≤ x ≤ 1; x whole or relaxed. Solution and row prices."""
    solver = highspy.Highs()  # type: ignore[no-untyped-call]
    for option, value in (("output_flag", False), ("threads", 1), ("random_seed", 0), ("mip_rel_gap", 0.0)):
        solver.setOptionValue(option, value)
    count = len(worth)
    solver.addVars(count, np.zeros(count), np.ones(count))
    solver.changeColsCost(count, np.arange(count, dtype=np.int32), np.asarray(worth, dtype=np.double))
    solver.changeObjectiveSense(highspy.ObjSense.kMaximize)
    if whole:
        kinds = np.full(count, highspy.HighsVarType.kInteger)
        solver.changeColsIntegrality(count, np.arange(count, dtype=np.int32), kinds)
    for row, limit in enumerate(limits):
        coefficients = np.asarray([use[row] for use in uses], dtype=np.double)
        index = np.arange(count, dtype=np.int32)
        solver.addRow(-highspy.kHighsInf, limit, count, index, coefficients)
    solver.run()
    solution = solver.getSolution()
    return list(solution.col_value), [] if whole else list(solution.row_dual)
