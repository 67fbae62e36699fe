"""Surveys and notes: answers of customers and notes of CSMs, following the mood with some noise."""

import random
from datetime import date

from evals.sample import words_notes as words
from evals.sample.customer import Row, SampleCustomer
from evals.sample.dates import RELEASE_DAY, ago, days_ago, weekday_days_ago
from evals.sample.draw_customers import was_customer
from evals.sample.staff import sample_staff_name


def survey_rows(customer: SampleCustomer, rng: random.Random) -> list[Row]:
    """An NPS answer about every quarter; random answers end well before a scripted one."""
    if "surveys" in customer.missing:
        return []
    scripted = customer.scenes.get("surveys", [])
    newest = max((_days(row) for row in scripted), default=None)
    days = customer.nps_days if newest is None else newest + 92
    rows = list(scripted)
    while days is not None and days < 420:
        if was_customer(customer, days):
            rows.append(_answer(customer, days, rng))
        days += rng.randint(86, 98)
    if rng.random() < 0.25 and was_customer(customer, 60):
        score = (
            5
            if customer.mood.level_at(60) > 0.8 and rng.random() < 0.6
            else 4
            if customer.mood.level_at(60) > 0.7
            else 3
        )
        rows.append(_row(customer, rng.randint(20, 85), "csat", score, "", rng))
    return sorted(rows, key=lambda row: (row["date"], row["kind"]))


def note_rows(customer: SampleCustomer, rng: random.Random) -> list[Row]:
    """A note with a pulse every two or three weeks, and the scripted ones."""
    if "notes" in customer.missing:
        return []
    author = sample_staff_name(customer.csm_id) or "CS pool"
    rows = [row | {"author": author} for row in customer.scenes.get("notes", [])]
    taken = {_days(row) for row in rows}
    days, said = customer.note_days, list[str]()
    while days < 420:
        days = weekday_days_ago(days)
        if was_customer(customer, days) and not taken.intersection(range(days - 4, days + 5)):
            rows.append(_note(customer, days, author, said, rng))
        days += rng.randint(12, 27)
    return sorted(rows, key=lambda row: row["date"])


def _note(customer: SampleCustomer, days: int, author: str, said: list[str], rng: random.Random) -> Row:
    """A random note. ``said`` collects the sentences used, so that a sentence is not repeated soon."""
    mood = min(customer.mood.level_at(days), 0.35 + 0.65 * customer.bond.level_at(days))
    if mood > 0.9:
        pool, pulse = words.GOOD if rng.random() < 0.88 else words.DENIALS, rng.choice([4, 4, 5, 5])
    elif mood > 0.7:
        pool, pulse = words.MIXED, rng.choice([3, 3, 4])
    else:
        pool, pulse = words.BAD, rng.choice([1, 2, 2, 3])
    fresh = [
        line
        for line in pool
        if line not in said[-(len(pool) // 2) :] and ("5.2" not in line or ago(days + 4) > RELEASE_DAY)
    ]
    lines = rng.sample(fresh or pool, 2 if rng.random() < 0.3 and len(fresh) > 1 else 1)
    said += lines
    text = " ".join(customer.with_names(line, days) for line in lines)
    scored = str(pulse) if rng.random() < 0.93 else ""
    if rng.random() < 0.06:
        author, scored, text = "#cs-accounts", "", rng.choice(words.CHAT_OPENINGS) + text
    day = {"account_id": customer.account_id, "date": str(ago(days))}
    return day | {"text": text, "author": author, "pulse": scored}


def _answer(customer: SampleCustomer, days: int, rng: random.Random) -> Row:
    mood = customer.mood.level_at(days)
    if mood > 0.9:
        return _row(customer, days, "nps", rng.choice([8, 9, 9, 10, 10]), rng.choice(words.COMMENTS_GOOD), rng)
    if mood > 0.7:
        return _row(customer, days, "nps", rng.choice([7, 7, 8]), rng.choice(words.COMMENTS_FAIR), rng)
    return _row(customer, days, "nps", rng.choice([3, 4, 5, 6]), rng.choice(words.COMMENTS_BAD), rng)


def _row(customer: SampleCustomer, days: int, kind: str, score: int, comment: str, rng: random.Random) -> Row:
    who = [c for c in customer.contacts if c.departed_days is None or c.departed_days < days] or customer.contacts
    contact = "" if "contacts" in customer.missing else rng.choice(who).contact_id
    row = {"account_id": customer.account_id, "date": str(ago(days)), "kind": kind, "score": str(score)}
    return row | {"comment": comment, "contact_id": contact}


def _days(row: Row) -> int:
    return days_ago(date.fromisoformat(row["date"]))
