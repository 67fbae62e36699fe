"""Contacts and touchpoints: people, meetings and answers."""

import random

from evals.sample.customer import Row, SampleContact, SampleCustomer
from evals.sample.dates import ago, weekday_days_ago
from evals.sample.draw_customers import was_customer


def contact_rows(customer: SampleCustomer) -> list[Row]:
    """The people at the customer."""
    if "contacts" in customer.missing:
        return []
    return [
        {
            "contact_id": contact.contact_id,
            "account_id": customer.account_id,
            "name": contact.name,
            "title": contact.title,
            "role": contact.role,
            "status": "active" if contact.departed_days is None else "departed",
            "departed_on": "" if contact.departed_days is None else str(ago(contact.departed_days)),
            "email": contact.email,
        }
        for contact in customer.contacts
    ]


def touch_rows(customer: SampleCustomer, rng: random.Random) -> list[Row]:
    """Weekly to monthly touchpoints of the CSM, and executive meetings every quarter."""
    if "touchpoints" in customer.missing:
        return []
    rhythm = {"Enterprise": 8, "Mid-market": 12, "SMB": 24}[customer.segment]
    rows = []
    days = rng.randint(1, rhythm)
    while days < 420:
        if was_customer(customer, days):
            rows.append(_touch(customer, weekday_days_ago(days), rng))
        days += max(3, round(rng.gauss(rhythm, rhythm / 4)))
    return sorted(rows + _executive(customer, rng), key=lambda row: (row["date"], row["kind"]))


def _executive(customer: SampleCustomer, rng: random.Random) -> list[Row]:
    rows = []
    days = customer.exec_days
    while days is not None and days < 420:
        days = weekday_days_ago(days)
        if was_customer(customer, days):
            kind = "exec_meeting" if customer.segment == "Enterprise" and rng.random() < 0.5 else "qbr"
            who = customer.sponsor_id if kind == "exec_meeting" and customer.sponsor_id else customer.csm_id
            there = [c for c in _present(customer, days) if c.role in ("economic_buyer", "exec_sponsor", "champion")]
            contact = rng.choice(there or customer.contacts)
            met = {"kind": kind, "outbound": "true", "attended": "true", "responded_at": ""}
            rows.append(_row(customer, days, contact, who, met))
        days += rng.randint(78, 92)
    return rows


def _touch(customer: SampleCustomer, days: int, rng: random.Random) -> Row:
    bond = customer.bond.level_at(days)
    kind = rng.choices(["call", "email", "training"], [5, 5, 0.6])[0]
    outbound = rng.random() < 0.75 + 0.25 * (1 - bond)
    answers = rng.random() < 0.97 * bond
    there = _present(customer, days) or customer.contacts
    contact = rng.choice(there if bond > 0.6 else there[:1])
    attended = "" if kind == "email" else str(rng.random() < 0.35 + 0.63 * bond).lower()
    delay = round(rng.expovariate(1.0 / (0.6 + 5 * (1 - bond))))
    responded = str(ago(days - delay)) if outbound and answers and delay <= days and kind == "email" else ""
    if kind != "email" and attended == "true" and outbound:
        responded = str(ago(days))
    facts = {"kind": kind, "outbound": str(outbound).lower(), "attended": attended, "responded_at": responded}
    return _row(customer, days, contact, customer.csm_id, facts)


def _present(customer: SampleCustomer, days: int) -> list[SampleContact]:
    return [c for c in customer.contacts if c.departed_days is None or c.departed_days < days]


def _row(customer: SampleCustomer, days: int, contact: SampleContact, person: str, facts: Row) -> Row:
    """A touchpoint with somebody. ``facts``: kind, outbound, attended and responded_at."""
    with_whom = "" if "contacts" in customer.missing else contact.contact_id
    day = {"account_id": customer.account_id, "date": str(ago(days))}
    return day | facts | {"contact_id": with_whom, "person_id": person}
