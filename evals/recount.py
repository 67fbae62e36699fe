"""Independent count of the signals, row by row in plain Python, to check the evidence that plays cite.

Written from the definitions, not from the product's SQL; shares no code with it. Unclear cases are not counted.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

Row = Mapping[str, Any]
Rows = Mapping[str, Sequence[Row]]


def recount_signals(rows: Rows, as_of: date) -> dict[str, float]:
    """Value by signal, for the signals that can be counted from the rows of one account."""
    found = {name: count(rows, as_of) for name, count in SIGNAL_COUNTERS.items()}
    return {name: value for name, value in found.items() if value is not None}


def _age(row: Row, column: str, as_of: date) -> int | None:
    day = row.get(column)
    return (as_of - day).days if isinstance(day, date) else None


def _recent(rows: Sequence[Row], column: str, as_of: date, days: int) -> list[Row]:
    ages = [(row, _age(row, column, as_of)) for row in rows]
    return [row for row, age in ages if age is not None and 0 <= age <= days]


def _escalations(rows: Rows, as_of: date) -> float | None:
    return float(sum(bool(t["escalated"]) for t in _recent(rows["tickets"], "opened_at", as_of, 90)))


def _open_escalations(rows: Rows, as_of: date) -> float | None:
    opened = [t for t in rows["tickets"] if t["escalated"] and (_age(t, "opened_at", as_of) or 0) >= 0]
    return float(sum(t.get("closed_at") is None or t["closed_at"] > as_of for t in opened))


def _breaches(rows: Rows, as_of: date) -> float | None:
    return float(sum(bool(t["sla_breached"]) for t in _recent(rows["tickets"], "opened_at", as_of, 90)))


def _trend(rows: Rows, as_of: date) -> float | None:
    ages = [(_age(row, "date", as_of), row["active_users"]) for row in rows["usage"]]
    now = [users for age, users in ages if age is not None and 0 <= age < 28]
    before = [users for age, users in ages if age is not None and 28 <= age < 56]
    if len(now) < 4 or len(before) < 4 or not sum(before):
        return None
    return float((sum(now) / len(now) / (sum(before) / len(before)) - 1) * 100)


def _nps(rows: Rows, as_of: date) -> float | None:
    answers = [r for r in _recent(rows["surveys"], "date", as_of, 90) if r["kind"] == "nps"]
    return float(max(answers, key=lambda r: r["date"])["score"]) if answers else None


def _pulse(rows: Rows, as_of: date) -> float | None:
    notes = [n for n in _recent(rows["notes"], "date", as_of, 30) if n.get("pulse") is not None]
    return float(max(notes, key=lambda n: n["date"])["pulse"]) if notes else None


def _unpaid(rows: Rows, as_of: date) -> list[Row]:
    return [
        i for i in rows["invoices"]
        if i["status"] in ("open", "failed") and float(i.get("amount", 1)) > 0 and (i.get("paid_on") is None or i["paid_on"] > as_of)
    ]  # fmt: skip


def _failed(rows: Rows, as_of: date) -> float | None:
    return float(sum(i["status"] == "failed" for i in _unpaid(rows, as_of)))


def _overdue(rows: Rows, as_of: date) -> float | None:
    ages = [_age(i, "due_date", as_of) or 0 for i in _unpaid(rows, as_of)]
    return float(max([0, *ages]))


def _goals(rows: Rows, as_of: date) -> float | None:
    known = [g["status"] for g in rows["goals"] if g.get("status")]
    behind = sum(status in ("behind", "missed") for status in known)
    return behind / len(known) * 100 if known else None


def _missed(rows: Rows, as_of: date) -> float | None:
    spoken = ("exec_meeting", "qbr", "call", "training")
    recent = _recent(rows["touchpoints"], "date", as_of, 90)
    return float(sum(t["kind"] in spoken and t.get("attended") is False for t in recent))


def _csat(rows: Rows, as_of: date) -> float | None:
    rated = [float(t["csat"]) for t in _recent(rows["tickets"], "opened_at", as_of, 90) if t.get("csat") is not None]
    return sum(rated) / len(rated) if rated else None


def _spike(rows: Rows, as_of: date) -> float | None:
    """Tickets of the last 30 days against a usual month: a third of the 90 days before, at least 1. From 5 tickets on."""
    ages = [_age(ticket, "opened_at", as_of) for ticket in rows["tickets"]]
    now = sum(age is not None and 0 <= age <= 30 for age in ages)
    before = sum(age is not None and 30 < age <= 120 for age in ages)
    return now / max(before / 3, 1) if now >= 5 else None


SIGNAL_COUNTERS: dict[str, Callable[[Rows, date], float | None]] = {
    "escalations": _escalations,
    "open_escalations": _open_escalations,
    "sla_breaches": _breaches,
    "support_csat": _csat,
    "ticket_spike": _spike,
    "active_users_trend": _trend,
    "nps": _nps,
    "csm_pulse": _pulse,
    "payment_failed": _failed,
    "invoice_overdue": _overdue,
    "goals_behind": _goals,
    "missed_meetings": _missed,
}
