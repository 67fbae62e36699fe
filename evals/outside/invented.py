"""Three invented tables with one row an account and known drivers of churn; ``python -m evals.outside.invented`` writes them.

One rule: the same seed gives the same bytes. Each table has a column that drives nothing.
"""

import csv
import math
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from pathlib import Path
from random import Random

FOLDER = Path(__file__).parent / "tables"
AS_OF = date(2026, 11, 16)
Row = dict[str, str | int | float]


def _phone_lines(rng: Random) -> tuple[Row, float]:
    """The monthly contract and the first year matter only together."""
    contract = rng.choices(["Monthly", "One year", "Two years"], [50, 30, 20])[0]
    months, calls = min(int(rng.expovariate(1 / 24)) + 1, 90), min(int(rng.expovariate(1 / 1.3)), 9)
    together = contract == "Monthly" and months <= 12
    row: Row = {"Contract": contract, "Months": months, "Service calls": calls}
    row |= {"Monthly charge": round(rng.uniform(15, 95), 2), "Newsletter": rng.choice(["Yes", "No"])}
    return row, -2.7 + 3.2 * together + 0.45 * max(calls - 2, 0)


def _bank(rng: Random) -> tuple[Row, float]:
    """Inactive members, holders of one product and those who complained leave; each counts for itself."""
    products, active = rng.choices([1, 2, 3, 4], [45, 40, 10, 5])[0], rng.random() < 0.6
    complaints, change = rng.choices([0, 1, 2], [80, 15, 5])[0], round(rng.gauss(-2, 22), 1)
    row: Row = {"Products": products, "Active": "yes" if active else "no", "Complaints": complaints}
    row |= {"Balance change": change, "Card": rng.choice(["yes", "no"])}
    return row, -3.0 + 1.3 * (not active) + 0.9 * (products == 1) + 1.2 * complaints - 0.02 * change


def _app(rng: Random) -> tuple[Row, float]:
    """Weeks without a sign-in, failed payments and few minutes a week drive it; the country does not."""
    silent, minutes = min(int(rng.expovariate(1 / 12)), 120), round(rng.lognormvariate(4, 0.8))
    failed = rng.choices([0, 1, 2, 3], [78, 14, 6, 2])[0]
    row: Row = {"Last sign-in": (AS_OF - timedelta(days=silent)).isoformat(), "Minutes a week": minutes}
    row |= {"Failed payments": failed, "Country": rng.choice(["DE", "FR", "NL"])}
    return row, -3.0 + 0.055 * min(silent, 45) + 0.9 * failed + 0.9 * (minutes < 30)


TABLES: Mapping[str, tuple[int, int, Callable[[Random], tuple[Row, float]]]] = {
    "phone_lines": (700, 41, _phone_lines),
    "bank": (600, 42, _bank),
    "app": (600, 43, _app),
}
"""By name: rows, seed, and the draw of one account with the log-odds that it leaves."""


def write_invented(folder: Path = FOLDER) -> None:
    """Write the three tables as CSV."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, (count, seed, draw) in TABLES.items():
        rng = Random(seed)
        rows = [_account(number, rng, draw) for number in range(1, count + 1)]
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)


def _account(number: int, rng: Random, draw: Callable[[Random], tuple[Row, float]]) -> Row:
    row, odds = draw(rng)
    left = rng.random() < 1 / (1 + math.exp(-odds))
    return {"Customer": f"C-{number:04d}", **row, "Left": "Yes" if left else "No"}


if __name__ == "__main__":
    write_invented()
