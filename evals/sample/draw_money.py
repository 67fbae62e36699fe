"""Invoices, goals and outcomes."""

import random
from datetime import timedelta

from evals.sample.customer import Row, SampleCustomer
from evals.sample.dates import LAST_DAY, ago, days_ago
from evals.sample.draw_customers import was_customer
from evals.sample.words_notes import GOALS


def invoice_rows(customer: SampleCustomer, rng: random.Random) -> list[Row]:
    """Quarterly invoices (small customers pay once a year), oldest first, the next one open."""
    if "invoices" in customer.missing:
        return []
    step = 91 if customer.arr >= 9_000 else 365
    latest = customer.billing.due_days if customer.billing else rng.randint(1, step - 16)
    amount = f"{customer.arr * min(step, 364) / 364:.2f}"
    rows = []
    for days in range(latest + 4 * step, latest - step - 1, -step):
        if not -50 < days < 420 or not was_customer(customer, max(days, 0)):
            continue
        status, paid = "paid", str(ago(max(days - rng.randint(-6, 8), 0)))
        if customer.story == "late_payer":
            paid = str(ago(days - 14))
        if days < 0:
            status, paid = "open", ""
        elif customer.billing and days == latest:
            status = customer.billing.status
            paid = "" if customer.billing.paid_days is None else str(ago(customer.billing.paid_days))
        row = {"account_id": customer.account_id, "due_date": str(ago(days)), "amount": amount}
        rows.append(row | {"currency": customer.currency, "status": status, "paid_on": paid})
    return rows


def goal_rows(customer: SampleCustomer, rng: random.Random) -> list[Row]:
    """Goals of the customer and their status today."""
    if "goals" in customer.missing or customer.ended:
        return []
    rows = []
    for goal, status in zip(rng.sample(GOALS, len(customer.goals)), customer.goals, strict=True):
        due = rng.randint(-150, -20) if status in ("met", "missed") else rng.randint(15, 160)
        if status == "behind":
            due = rng.randint(-12, 70)
        row = {"account_id": customer.account_id, "goal": goal, "due_date": str(LAST_DAY + timedelta(due))}
        rows.append(row | {"status": status})
    return rows


def outcome_rows(customer: SampleCustomer, rng: random.Random) -> list[Row]:
    """Past renewals at each anniversary, now and then an expansion, and the scripted outcomes."""
    rows = list(customer.scenes.get("outcomes", []))
    if customer.renewal and not customer.ended:
        signed = days_ago(customer.renewal) + 365 + rng.randint(0, 20)
        if 8 < signed < 420 and ago(signed) > customer.started + timedelta(200):
            rows.append(_outcome(customer, signed, "renewed", 0))
    if customer.story == "healthy" and rng.random() < 0.15 and customer.started < ago(300):
        rows.append(_outcome(customer, rng.randint(40, 280), "expanded", round(customer.arr * 0.12, -2)))
    if customer.story in ("lukewarm", "price_pressure") and rng.random() < 0.3 and customer.started < ago(300):
        rows.append(_outcome(customer, rng.randint(150, 300), "contracted", -round(customer.arr * 0.1, -2)))
    return sorted(rows, key=lambda row: row["date"])


def _outcome(customer: SampleCustomer, days: int, kind: str, change: float) -> Row:
    row = {"account_id": customer.account_id, "date": str(ago(days))}
    return row | {"kind": kind, "arr_change": f"{change:.0f}"}
