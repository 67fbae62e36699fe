"""Quality of probabilities against the true ones of a simulated world: AUC, Brier skill and reliability by band.

Everything is expected over the true probabilities and not over one throw of the dice, so that luck moves no figure.
"""

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
BANDS = (0.0, 0.01, 0.02, 0.05, 0.10, 0.20, 1.01)
"""Limits of the bands of shown probabilities."""


def expected_auc(shown: Vector, true: Vector) -> float:
    """Chance that an account that leaves was shown a higher probability than one that stays; ties count half."""
    order = np.argsort(shown, kind="stable")
    values, leaves = shown[order], true[order]
    stays = 1 - leaves
    _, first = np.unique(values, return_index=True)
    group_leaves, group_stays = np.add.reduceat(leaves, first), np.add.reduceat(stays, first)
    below = np.concatenate([[0.0], np.cumsum(group_stays)[:-1]])
    return float((group_leaves * (below + group_stays / 2)).sum() / (leaves.sum() * stays.sum()))


def auc_within_quartiles(shown: Vector, true: Vector, size: Vector) -> float:
    """Mean AUC of the four quartiles of size, in which size itself tells nothing."""
    parts = np.array_split(np.argsort(size, kind="stable"), 4)
    return float(np.mean([expected_auc(shown[part], true[part]) for part in parts]))


def expected_brier(shown: Vector, true: Vector) -> float:
    """Mean squared error that is to be expected."""
    return float(np.mean(true * (1 - shown) ** 2 + (1 - true) * shown**2))


def brier_skill(shown: Vector, true: Vector) -> float:
    """Improvement over the base rate for every account: 1 is perfect, 0 no better."""
    rate = float(np.mean(true))
    return 1 - expected_brier(shown, true) / expected_brier(np.full_like(true, rate), true)


def calibration_error(shown: Vector, true: Vector) -> float:
    """Mean distance between shown and true rate over the bands, weighted by accounts."""
    return sum(n * abs(told - came) for _, n, told, came in reliability(shown, true)) / len(shown)


def reliability(shown: Vector, true: Vector) -> Sequence[tuple[str, int, float, float]]:
    """For each band that has accounts: its name, accounts, mean shown and mean true probability."""
    found = []
    for low, high in itertools.pairwise(BANDS):
        inside = (shown >= low) & (shown < high)
        if inside.any():
            name = f"{low:.0%} to {min(high, 1):.0%}"
            found.append((name, int(inside.sum()), float(shown[inside].mean()), float(true[inside].mean())))
    return found
