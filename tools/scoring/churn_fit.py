"""The fit to the team's own weeks, and its test on the newest quarter, which the fit has not seen.

Apart from ``churn_learning``, because only a team with weeks that are old enough needs numpy.
"""

import math
from dataclasses import dataclass
from datetime import date

import duckdb
import numpy as np
from numpy.typing import NDArray

from domain.churn_settings import ChurnSettings
from tools.scoring.churn_odds import Learned, Slopes, decision_sql, prior_slopes
from tools.scoring.churn_rate import ChurnRate
from tools.scoring.past_weeks import PastWeeks
from tools.sql import sql_date

Vector = NDArray[np.float64]
_STEPS = 60
_WIDEST = 40.0


@dataclass(frozen=True)
class Cells:
    """Account-weeks counted by equal decision and risk: all that leaves the engine."""

    accounts_left: int
    """Accounts that left; each is counted once, however many weeks before it are there."""
    decision: Vector
    """Share of a whole decision that falls into the horizon, less for short terms; 0 to 1."""
    risk: Vector
    count: Vector
    left: Vector


def learn_from_weeks(
    connection: duckdb.DuckDBPyConnection, past: PastWeeks, churn: ChurnSettings, rate: ChurnRate
) -> Learned:
    """The slopes of a fit that beat the prior on the newest quarter, else those of the prior."""
    prior = prior_slopes(churn)
    (newest,) = connection.execute("select max(as_of) from past").fetchall()[0]
    train, test = _split(connection, churn, newest)
    enough = train.accounts_left >= churn.losses_to_learn.value and test.accounts_left >= churn.losses_to_test.value
    if not enough:
        note = (
            f"Estimate, not yet checked against your own renewals: {train.accounts_left} of {churn.losses_to_learn.value:.0f} losses "
            f"needed to learn from, {test.accounts_left} of {churn.losses_to_test.value:.0f} in the newest quarter to test on."
        )
        return Learned(prior, f"{note} {past.left_out}".strip(), False)
    return _tested(train, test, prior, churn, rate, past)


def _tested(
    train: Cells, test: Cells, prior: Slopes, churn: ChurnSettings, rate: ChurnRate, past: PastWeeks
) -> Learned:
    fitted = fit_slopes(train, prior, churn.learning_caution.value)
    share = rate.within(churn.horizon_weeks.value)
    before, after = (squared_error(test, slopes, share) for slopes in (prior, fitted))
    flat = squared_error(test, Slopes(0.0, 0.0), share)
    taken = after < before
    figures = (
        f"squared error {after:.5f} against {before:.5f} of the prior and {flat:.5f} of one rate for everybody, over "
        f"{test.count.sum():,.0f} account-weeks in which {test.accounts_left} accounts left"
    )
    if taken:
        slopes = f"decision {fitted.decision:.2f}, risk {fitted.risk:.3f} a point"
        note = f"Fitted to your own weeks ({slopes}) and tested on the newest quarter: {figures}."
    else:
        note = f"A fit to your own weeks was tested on the newest quarter and not taken: {figures}."
    checked = min(before, after) < flat
    if not checked:
        note += " Neither tells who leaves better than one rate, so the chances stay an estimate."
    return Learned(fitted if taken else prior, f"{note} {past.left_out}".strip(), checked)


def _split(connection: duckdb.DuckDBPyConnection, churn: ChurnSettings, newest: date) -> tuple[Cells, Cells]:
    """The weeks to learn from, whose horizon ended before the first week of the test, and the newest quarter."""
    quarter, soon = int(churn.test_weeks.value * 7), int(churn.horizon_weeks.value * 7)
    begins = f"{sql_date(newest)} - {quarter}"
    return (
        _cells(connection, churn, f"as_of + {soon} <= {begins}"),
        _cells(connection, churn, f"as_of > {begins}"),
    )


def _cells(connection: duckdb.DuckDBPyConnection, churn: ChurnSettings, where: str) -> Cells:
    prior = prior_slopes(churn)
    decision = decision_sql(churn, prior, churn.horizon_weeks.value)
    rows = connection.execute(
        f"select round({decision} / {max(prior.decision, 1e-9)}, 2) as d, round(risk) as r, count(*), count(*) filter (left_soon) "
        f"from past where {where} group by d, r order by d, r"
    ).fetchall()
    (gone,) = connection.execute(f"select count(distinct account_id) from past where left_soon and {where}").fetchall()[
        0
    ]
    columns = [np.asarray(column, dtype=float) for column in zip(*rows, strict=True)] if rows else [np.zeros(0)] * 4
    return Cells(int(gone), *columns)


def fit_slopes(cells: Cells, prior: Slopes, caution: float) -> Slopes:
    """The slopes by penalised likelihood, held to the prior and never negative.

    An account stands in many overlapping weeks, so account-weeks are weighed down until each loss counts once.
    """
    weight = cells.accounts_left / max(float(cells.left.sum()), 1.0)
    spread = np.asarray([max(prior.decision, 1e-3), max(prior.risk, 1e-5)]) / 2
    target = np.asarray([prior.decision, prior.risk])
    features = np.column_stack([np.ones_like(cells.risk), cells.decision, cells.risk])
    values = np.asarray([-4.0, *target])
    held = np.zeros(3, dtype=bool)
    for _ in range(3):  # at most both slopes end at zero
        values = _newton(features, cells, weight, target, caution / spread**2, values, held)
        negative = (values < 0) & np.asarray([False, True, True])
        if not negative.any():
            break
        held |= negative
        values[negative] = 0.0
    return Slopes(round(float(values[1]), 6), round(float(values[2]), 6), fitted=True)


def _newton(
    features: Vector,
    cells: Cells,
    weight: float,
    target: Vector,
    firm: Vector,
    start: Vector,
    held: NDArray[np.bool_],
) -> Vector:
    """The penalised maximum, with the ``held`` values left as they are."""
    values = start.copy()
    for _ in range(_STEPS):
        chance = 1 / (1 + np.exp(-np.clip(features @ values, -_WIDEST, _WIDEST)))
        slope = weight * features.T @ (cells.left - cells.count * chance)
        slope[1:] -= firm * (values[1:] - target)
        curvature = weight * (features * (cells.count * chance * (1 - chance))[:, None]).T @ features
        curvature[1:, 1:] += np.diag(firm)
        curvature += np.eye(3) * 1e-9
        free = ~held
        step = np.zeros(3)
        step[free] = np.linalg.solve(curvature[np.ix_(free, free)], slope[free])
        values += np.clip(step, -2.0, 2.0)
        if float(np.abs(step).max()) < 1e-9:
            break
    return values


def squared_error(cells: Cells, slopes: Slopes, share: float) -> float:
    """Mean squared error (Brier score) of the chances that these slopes give, with their mean at ``share``."""
    odds = slopes.decision * cells.decision + slopes.risk * cells.risk
    low, high = -_WIDEST, _WIDEST
    for _ in range(_STEPS):
        middle = (low + high) / 2
        mean = float((cells.count / (1 + np.exp(-(middle + odds)))).sum() / cells.count.sum())
        low, high = (middle, high) if mean < share else (low, middle)
    chance = 1 / (1 + np.exp(-((low + high) / 2 + odds)))
    errors = cells.left * (1 - chance) ** 2 + (cells.count - cells.left) * chance**2
    return math.fsum(errors.tolist()) / float(cells.count.sum())
