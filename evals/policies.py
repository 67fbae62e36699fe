"""Simple selection policies that the review has to beat. They see the same exports and nothing else.

Each policy ranks every account; the first ones get a play. The policies share no code and no number with the product.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

Row = Mapping[str, str]
Tables = Mapping[str, Sequence[Row]]
Vector = NDArray[np.float64]
NO_RENEWAL_DAYS = 9999.0


def current_customers(tables: Tables) -> list[Row]:
    """Account rows without those that have churned."""
    gone = {row["account_id"] for row in tables["outcomes"] if row["kind"] == "churned"}
    return [row for row in tables["accounts"] if row["account_id"] not in gone]


def rank_by_arr(tables: Tables, day: date) -> list[str]:
    """The largest contracts first."""
    return _ranked({row["account_id"]: float(row["arr"]) for row in current_customers(tables)})


def rank_by_renewal_window(tables: Tables, day: date, nearest: int, farthest: int) -> list[str]:
    """The largest contracts whose renewal lies so many days ahead, both inclusive; then all others by size."""
    inside = {
        row["account_id"]: nearest <= _days_to(row["renewal_date"], day) <= farthest
        for row in current_customers(tables)
    }
    by_size = rank_by_arr(tables, day)
    return [a for a in by_size if inside[a]] + [a for a in by_size if not inside[a]]


def rank_by_renewal(tables: Tables, day: date) -> list[str]:
    """The nearest renewals first."""
    return _ranked({row["account_id"]: -_days_to(row["renewal_date"], day) for row in current_customers(tables)})


def rank_by_usage_drop(tables: Tables, day: date) -> list[str]:
    """The deepest drop of active users first: the last four weeks compared with the four weeks before."""
    change = usage_change(tables, day)
    return _ranked({row["account_id"]: -change.get(row["account_id"], 0.0) for row in current_customers(tables)})


def rank_by_csm_rating(tables: Tables, day: date) -> list[str]:
    """The lowest CSM rating first: the measure of health before there was a score. Without a rating: 3.5 of 5."""
    pulse: dict[str, tuple[str, float]] = {}
    for row in tables["notes"]:
        if row["pulse"]:
            pulse[row["account_id"]] = max(pulse.get(row["account_id"], ("", 0.0)), (row["date"], float(row["pulse"])))
    return _ranked(
        {row["account_id"]: -pulse.get(row["account_id"], ("", 3.5))[1] for row in current_customers(tables)}
    )


def usage_change(tables: Tables, day: date) -> dict[str, float]:
    """Relative change of active users, by account; accounts without a usage feed are left out."""
    now: dict[str, list[float]] = {}
    before: dict[str, list[float]] = {}
    for row in tables["usage"]:
        age = (day - date.fromisoformat(row["date"])).days
        if row["active_users"] and 0 <= age < 56:
            (now if age < 28 else before).setdefault(row["account_id"], []).append(float(row["active_users"]))
    return {
        account: (sum(values) / len(values)) / (sum(before[account]) / len(before[account])) - 1
        for account, values in now.items()
        if account in before and sum(before[account]) > 0
    }


def _ranked(scores: Mapping[str, float]) -> list[str]:
    return [account for account, _ in sorted(scores.items(), key=lambda item: (-item[1], item[0]))]


def _days_to(text: str, day: date) -> float:
    return float((date.fromisoformat(text) - day).days) if text else NO_RENEWAL_DAYS


# an afternoon's model --------------------------------------------------------------------------------------------------

FEATURE_COUNT = 12


def features(tables: Tables, day: date) -> tuple[list[str], Vector]:
    """Features that an analyst would build in an afternoon: account ids, and one row of numbers per account."""
    change = usage_change(tables, day)
    tickets = _count_recent(tables["tickets"], "opened_at", day, 30)
    escalated = _count_recent([t for t in tables["tickets"] if t["escalated"] == "true"], "opened_at", day, 90)
    touched = _count_recent(tables["touchpoints"], "date", day, 60)
    departed = _count_recent([c for c in tables["contacts"] if c["departed_on"]], "departed_on", day, 120)
    late = _count_recent([i for i in tables["invoices"] if i["status"] in ("open", "failed")], "due_date", day, 120)
    nps = {
        r["account_id"]: float(r["score"])
        for r in sorted(tables["surveys"], key=lambda r: r["date"])
        if r["kind"] == "nps"
    }
    pulse = {r["account_id"]: float(r["pulse"]) for r in sorted(tables["notes"], key=lambda r: r["date"]) if r["pulse"]}
    names, rows = [], []
    for row in current_customers(tables):
        account = row["account_id"]
        renewal = _days_to(row["renewal_date"], day)
        names.append(account)
        rows.append(
            [
                1.0, math.log10(max(float(row["arr"]), 1.0)) - 4.5, float(0 <= renewal <= 90), float(0 <= renewal <= 182),
                max(min(change.get(account, 0.0), 1.0), -1.0), min(tickets.get(account, 0), 8) / 4,
                float(escalated.get(account, 0) > 0), min(touched.get(account, 0), 8) / 4,
                float(departed.get(account, 0) > 0), float(late.get(account, 0) > 0),
                (nps.get(account, 8.0) - 8.0) / 3, pulse.get(account, 4.0) - 4.0,
            ]
        )  # fmt: skip
    return names, np.asarray(rows, dtype=float).reshape(len(names), FEATURE_COUNT)


def _count_recent(rows: Sequence[Row], column: str, day: date, days: int) -> dict[str, int]:
    first, last = (day - timedelta(days=days)).isoformat(), day.isoformat()
    found: dict[str, int] = {}
    for row in rows:
        if first <= row[column] <= last:
            found[row["account_id"]] = found.get(row["account_id"], 0) + 1
    return found


def fit_logistic(samples: Vector, labels: Vector, ridge: float = 1.0) -> Vector:
    """Weights of a logistic regression, by Newton's method with a ridge penalty."""
    weights = np.zeros(samples.shape[1])
    for _ in range(25):
        chance = 1 / (1 + np.exp(-samples @ weights))
        slope = samples.T @ (labels - chance) - ridge * weights
        curvature = (samples * (chance * (1 - chance))[:, None]).T @ samples + ridge * np.eye(len(weights))
        step = np.linalg.solve(curvature, slope)
        weights += step
        if float(np.abs(step).max()) < 1e-8:
            break
    return np.asarray(weights)


def rank_by_regression(tables: Tables, day: date, weights: Vector) -> list[str]:
    """Chance of leaving times ARR, largest first, by a regression fitted on another world."""
    names, numbers = features(tables, day)
    chance = 1 / (1 + np.exp(-numbers @ weights))
    arr = {row["account_id"]: float(row["arr"]) for row in tables["accounts"]}
    return _ranked({name: float(p) * arr[name] for name, p in zip(names, chance, strict=True)})
