"""Adapter for the CSV files that the fightchurn simulator writes in a live simulation: accounts, subscriptions, events.

The files have no header. Their columns are, in order: account_id, channel, date_of_birth, geography; account_id, plan,
start_date, end_date, mrr, quantity, units, bill_period_months, discount; account_id, event_time, event_type, user_id, value.
One rule: nothing later than the review date gets into the data; only the list of those who left looks ahead.
"""

import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from domain.errors import InputError

_DAYS_OF_EVENTS = 120


@dataclass(frozen=True)
class Subscription:
    """One term of one account."""

    account: str
    starts: date
    ends: date | None
    mrr: float
    months: int


@dataclass(frozen=True)
class ConvertedBase:
    """A folder in the product's form, its own signals, and who left within the horizon."""

    signals: dict[str, Any]
    left: dict[str, bool]


def convert_fightchurn(source: Path, as_of: date, horizon_days: int, target: Path) -> ConvertedBase:
    """Write accounts, outcomes and events as of a day. Raises InputError where a kind of file is missing."""
    by_account: dict[str, list[Subscription]] = {}
    for each in _subscriptions(source):
        if each.starts <= as_of + timedelta(days=horizon_days):
            by_account.setdefault(each.account, []).append(each)
    target.mkdir(parents=True, exist_ok=True)
    accounts, outcomes, left = [], [], {}
    for account, terms in sorted(by_account.items()):
        known = sorted((term for term in terms if term.starts <= as_of), key=lambda term: term.starts)
        if not known:
            continue
        last, end = known[-1], known[-1].ends
        if end is not None and end <= as_of:  # terms follow each other without a gap
            outcomes.append((account, end, "churned"))
        later = max(terms, key=lambda term: term.starts)
        gone = later.ends is not None and later.ends <= as_of + timedelta(days=horizon_days)
        left[account] = gone
        accounts.append((account, account, 12 * last.mrr, end, last.months, known[0].starts))
    current = {account for account, *_ in accounts} - {account for account, *_ in outcomes}
    _write(
        target / "accounts.csv", ("account_id", "name", "arr", "renewal_date", "term_months", "started_on"), accounts
    )
    _write(target / "outcomes.csv", ("account_id", "date", "kind"), outcomes)
    kinds = _write_events(source, as_of, target)
    return ConvertedBase(
        {f"own_event_{kind}": _trend(kind) for kind in kinds}, {a: gone for a, gone in left.items() if a in current}
    )


def _trend(kind: str) -> dict[str, Any]:
    """The own signal of one type of event. Which types are good news is not in the files: fewer counts as worse for all."""
    what = f"Events of type {kind}"
    return {
        "label": f"{what} against the four weeks before", "category": "usage", "pillar": "adoption", "table": "own_events",
        "unit": "percent_change", "worse_when": "lower", "points": [[-50, 0], [-30, 10], [-10, 60], [0, 85], [15, 100]],
        "weight": {"default": 10}, "risk": 10, "window_days": 28, "fresh": {"days": 7, "counted_from": "source"},
        "own": {"column": f"event {kind}", "take": "change"},
        "says": {"worse": f"{what} fell {{value}}", "better": f"{what} rose {{value}}", "steady": f"{what} held ({{value}})"},
        "why": "Falling use of a part of the product.",
    }  # fmt: skip


def _rows(source: Path, kind: str) -> Iterator[list[str]]:
    files = sorted(path for path in source.glob("*.csv") if kind in path.name)
    if not files:
        raise InputError(f"{source.name}: there is no file *{kind}*.csv; the simulator writes one")
    for path in files:
        with path.open(encoding="utf-8", newline="") as file:
            yield from (row for row in csv.reader(file) if row and row[0].strip().isdigit())


def _subscriptions(source: Path) -> Iterator[Subscription]:
    for row in _rows(source, "subscription"):
        end = row[3].strip()
        months = int(float(row[7])) if len(row) > 7 and row[7] not in ("", "NULL") else 1
        ends = None if end in ("", "NULL", "None") else date.fromisoformat(end[:10])
        yield Subscription(row[0], date.fromisoformat(row[2][:10]), ends, float(row[4]), months)


def _write_events(source: Path, as_of: date, target: Path) -> list[str]:
    """Write the number of events a day and type, for some months before the review. Returns the types."""
    first = as_of - timedelta(days=_DAYS_OF_EVENTS)
    counts: dict[tuple[str, date], Counter[str]] = {}
    for row in _rows(source, "event"):
        day = date.fromisoformat(row[1][:10])
        if first <= day <= as_of:
            counts.setdefault((row[0], day), Counter())[row[2].strip()] += 1
    kinds = sorted({kind for found in counts.values() for kind in found})
    head = ("account_id", "date", *(f"event {kind}" for kind in kinds))
    rows = [(account, day, *(counts[account, day][kind] for kind in kinds)) for account, day in sorted(counts)]
    _write(target / "own_events.csv", head, rows)
    return kinds


def _write(path: Path, head: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(head)
        writer.writerows(["" if cell is None else cell for cell in row] for row in rows)
