"""Tickets: a few per quarter while all is well, more and worse tickets when care is low."""

import random

from evals.sample.customer import Row, SampleCustomer
from evals.sample.dates import ago, sunday_offsets
from evals.sample.draw_customers import was_customer
from evals.sample.words_tickets import AREAS, CLOSERS


def ticket_rows(customer: SampleCustomer, rng: random.Random) -> list[Row]:
    """Drawn and scripted tickets of a customer, without ids."""
    if "tickets" in customer.missing:
        return []
    per_week = 0.05 + min(0.28, customer.seats / 900)
    favourites = rng.sample(sorted(AREAS), 3)
    rows = list(customer.scenes.get("tickets", []))
    for week in sunday_offsets():
        chance = per_week * (1 + 1.2 * (1 - customer.care.level_at(week)))
        for _ in range(2):
            days = week + rng.randint(0, 6)
            if rng.random() < chance / 2 and was_customer(customer, days):
                rows.append(_ticket(customer, days, rng.choice(favourites), rng))
    return sorted(rows, key=lambda row: (row["opened_at"], row["subject"]))


def _ticket(customer: SampleCustomer, days: int, area: str, rng: random.Random) -> Row:
    care = customer.care.level_at(days)
    subject, body = rng.choice(AREAS[area])
    closed = days - max(0, round(rng.expovariate(1 / (1.5 + 9 * (1 - care)))))
    stays_open = closed < 0
    bad = rng.random() > care
    rating = rng.choice([1, 2, 2, 3]) if bad else rng.choice([4, 4, 5, 5, 5])
    greeting = rng.choice(["", "", "Hello, ", "Hi team, ", "Good morning, ", "Dear support, "])
    return {
        "account_id": customer.account_id,
        "opened_at": ago(days).isoformat(),
        "closed_at": "" if stays_open else ago(closed).isoformat(),
        "priority": rng.choices(["low", "normal", "high", "urgent"], [3, 6, 1 + 3 * (1 - care), 0.15])[0],
        "escalated": str(days > 100 and rng.random() < 0.012).lower(),
        "sla_breached": str(rng.random() < 0.015 + 0.5 * (1 - care)).lower(),
        "csat": "" if stays_open or rng.random() < 0.45 else str(rating),
        "subject": subject,
        "body": greeting + body + rng.choice(CLOSERS),
    }
