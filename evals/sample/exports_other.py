"""Files of the other systems: Zendesk tickets, Stripe invoices, product analytics and a survey tool."""

import random
from collections.abc import Sequence
from datetime import UTC, date, datetime

from evals.sample.customer import Row
from evals.sample.salesforce import long_id, short_id

_STRIPE = {"failed": "uncollectible", "open": "open", "paid": "paid", "void": "void"}


def _day_first(day: str, clock: str = "") -> str:
    return f"{day[8:10]}/{day[5:7]}/{day[:4]}{clock}" if day else ""


def _epoch(day: str, hour: int = 12) -> int:
    made = date.fromisoformat(day)
    return int(datetime(made.year, made.month, made.day, hour, tzinfo=UTC).timestamp())


def ticket_file(tickets: Sequence[Row], rng: random.Random, seed: int) -> list[Row]:
    """Zendesk: day-first times, short ids, good or bad, two tickets without an organisation."""
    nobody = set(rng.sample(range(len(tickets) // 2), 2))
    rows = []
    for index, row in enumerate(tickets):
        clock = f" {rng.randint(7, 18):02}:{rng.randint(0, 59):02}"
        rating = "" if not row["csat"] else "good" if int(row["csat"]) > 3 else "bad"
        rows.append(
            {
                "Ticket ID": row["ticket_id"].split("-")[1],
                "Organization external ID": "" if index in nobody else short_id("001", row["account_id"], seed),
                "Created at": _day_first(row["opened_at"], clock),
                "Solved at": _day_first(row["closed_at"], clock),
                "Updated at": "22/11/2026 03:00",
                "Priority": row["priority"].capitalize(),
                "Escalated": row["escalated"],
                "SLA breached": row["sla_breached"],
                "Satisfaction": rating or ("offered" if row["closed_at"] else ""),
                "Subject": row["subject"],
                "Description": row["body"],
            }
        )
    return rows


def invoice_file(invoices: Sequence[Row], rng: random.Random, seed: int) -> list[Row]:
    """Stripe: cents, unix due dates, ISO payment times, the account in the metadata."""
    rows = []
    for row in invoices:
        token = random.Random(f"{seed}/cus/{row['account_id']}").getrandbits(40)
        paid = f"{row['paid_on']}T{rng.randint(6, 21):02}:{rng.randint(0, 59):02}:07Z" if row["paid_on"] else ""
        rows.append(
            {
                "id": f"in_1Q{row['invoice_id'].split('-')[1]}",
                "customer": f"cus_{token:010x}",
                "metadata[sf_account]": long_id(short_id("001", row["account_id"], seed)),
                "amount_due": str(round(float(row["amount"]) * 100)),
                "currency": row["currency"].lower(),
                "status": _STRIPE[row["status"]],
                "due_date": str(_epoch(row["due_date"])),
                "paid_at": paid,
            }
        )
    return rows


def usage_file(usage: Sequence[Row], seed: int) -> list[Row]:
    """Product analytics: times in milliseconds since 1970, and other column names."""
    return [
        {
            "org_key": long_id(short_id("001", row["account_id"], seed)),
            "period_end_ms": str(1000 * _epoch(row["date"])),
            "wau": row["active_users"],
            "sessions": row["logins"],
            "key_events": row["core_actions"],
            "modules_touched": row["features_used"],
        }
        for row in usage
    ]


def survey_file(surveys: Sequence[Row], seed: int) -> list[Row]:
    """Survey tool: one answer of one person per line, NPS only."""
    return [
        {
            "Submitted": _day_first(row["date"]),
            "Company": short_id("001", row["account_id"], seed),
            "Respondent": long_id(short_id("003", row["contact_id"], seed)),
            "How likely are you to recommend us? (0-10)": row["score"],
            "Why?": row["comment"],
        }
        for row in surveys
        if row["kind"] == "nps"
    ]
