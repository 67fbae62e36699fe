"""From risk to churn probability: a stated prior until enough outcomes are known, then a curve fitted to them.

Each renewal or churn is paired with the account's risk in the snapshot nearest to the configured lead before it. Two parameters are
fitted by Newton's method on the log-likelihood (Platt's method, with his smoothed targets), and only a curve that
rises with risk is taken.
"""

import math
from datetime import date

import duckdb

from domain.configuration import ScoringSettings
from tools.scoring.score_sql import ChurnCurve
from tools.scoring.snapshots import Snapshot

_MAX_ITERATIONS = 60


def fit_churn_curve(
    connection: duckdb.DuckDBPyConnection, snapshots: list[Snapshot], scoring: ScoringSettings, as_of: date
) -> ChurnCurve:
    """The curve to use on ``as_of``."""
    prior = ChurnCurve(scoring.churn_slope.value, scoring.churn_midpoint.value, 0, False)
    usable = [snapshot for snapshot in snapshots if snapshot.scoring_hash]
    pairs = _pairs(connection, usable, scoring, as_of) if usable else []
    churned = sum(1 for _, gone in pairs if gone)
    if len(pairs) < scoring.outcomes_to_calibrate.value or not 0 < churned < len(pairs):
        return ChurnCurve(prior.slope, prior.midpoint, len(pairs), False)
    fitted = fit_platt(pairs, scoring.calibration_minimum_slope.value)
    if fitted is None:
        return ChurnCurve(prior.slope, prior.midpoint, len(pairs), False)
    return ChurnCurve(round(fitted[0], 9), round(fitted[1], 9), len(pairs), True)


def _pairs(
    connection: duckdb.DuckDBPyConnection, snapshots: list[Snapshot], scoring: ScoringSettings, as_of: date
) -> list[tuple[float, bool]]:
    outcomes = connection.execute(
        "select account_id, date, max(case when kind = 'churned' then 1 else 0 end) from outcomes "
        "where kind in ('renewed', 'churned') and date <= ? group by account_id, date order by account_id, date",
        [as_of],
    ).fetchall()
    lead, (latest, earliest) = scoring.calibration_lead.value, scoring.calibration_window
    wanted: dict[Snapshot, list[tuple[str, bool]]] = {}
    for account, on, gone in outcomes:
        near = [s for s in snapshots if latest <= (on - s.as_of).days <= earliest]
        if near:
            snapshot = min(near, key=lambda s: abs((on - s.as_of).days - lead))
            wanted.setdefault(snapshot, []).append((account, bool(gone)))
    pairs = []
    for snapshot, cases in wanted.items():
        rows = connection.execute(
            "select account_id, risk from read_parquet(?) where account_id in (select unnest(?))",
            [str(snapshot.path), [account for account, _ in cases]],
        ).fetchall()
        risk = dict(rows)
        pairs += [(risk[account], gone) for account, gone in cases if account in risk]
    return sorted(pairs)


def fit_platt(pairs: list[tuple[float, bool]], minimum_slope: float = 0.0) -> tuple[float, float] | None:
    """Slope (log-odds per risk point) and midpoint (risk points) of the logistic curve.

    None when it rises by no more than ``minimum_slope`` (log-odds per 100 risk points).
    """
    gone = sum(1 for _, churned in pairs if churned)
    high, low = (gone + 1) / (gone + 2), 1 / (len(pairs) - gone + 2)
    # Targets of 0 and 1 would pull the slope to infinity when risk separates the cases; Platt's are a little inside.
    a, b = 0.0, math.log((gone + 1) / (len(pairs) - gone + 1))
    for _ in range(_MAX_ITERATIONS):
        gradient_a = gradient_b = 0.0
        aa = bb = 1e-9
        ab = 0.0
        for risk, churned in pairs:
            x = risk / 100
            p = 1 / (1 + math.exp(-(a * x + b)))
            error, spread = (high if churned else low) - p, p * (1 - p)
            gradient_a += error * x
            gradient_b += error
            aa, ab, bb = aa + spread * x * x, ab + spread * x, bb + spread
        determinant = aa * bb - ab * ab
        step_a = (gradient_a * bb - gradient_b * ab) / determinant
        step_b = (gradient_b * aa - gradient_a * ab) / determinant
        # A Newton step may overshoot on few cases; bounded, it comes back in the next round.
        a, b = a + max(-4.0, min(4.0, step_a)), b + max(-4.0, min(4.0, step_b))
        if abs(step_a) + abs(step_b) < 1e-9:
            break
    return (a / 100, -b / a * 100) if a > minimum_slope else None
