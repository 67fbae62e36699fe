"""Tickets: ordinary ones, bad ones when support fails, ones about a missing capability, and storms after releases."""

import math
import random
from collections.abc import Sequence
from datetime import date, timedelta

from evals.world import assumptions
from evals.world.levels import condition_strength
from evals.world.model import AccountLife, DatedRow, Row, interpolate
from evals.world.words_tickets import BAD, GAP, ORDINARY, STORM


def ticket_entries(life: AccountLife, rng: random.Random) -> list[DatedRow]:
    """All tickets of an account by the day they were opened."""
    normal = assumptions.TICKETS_LEAST + assumptions.TICKETS_A_SEAT * life.facts.seats
    normal = min(normal, assumptions.TICKETS_MOST)
    tickets = []
    gaps = [one for one in life.hidden if one.condition.kind == "product_gap"]
    for week, care in enumerate(life.levels["care"]):
        start = life.span.start_of(week)
        if start >= life.ends:
            break
        for _ in range(_count(normal * interpolate(1.0, 1 + assumptions.TICKETS_MORE, care), rng)):
            tickets.append(_ordinary(life, start + timedelta(days=rng.randrange(7)), care, rng))
        missing = sum(condition_strength(one.condition, start) * one.loudness["gap_tickets"] for one in gaps)
        for _ in range(_count(assumptions.GAP_TICKETS * missing, rng)):
            tickets.append(_ticket(life, start + timedelta(days=rng.randrange(5)), GAP, 0.9, rng))
    tickets += _storm(life, rng)
    tickets = sorted((t for t in tickets if life.begins <= t.day < life.ends), key=lambda entry: entry.day)
    return [
        DatedRow(entry.day, {"ticket_id": f"{life.facts.account_id}-T{number}"} | entry.row, entry.later)
        for number, entry in enumerate(tickets, start=1)
    ]


def _count(mean: float, rng: random.Random) -> int:
    """Number of tickets in a week: a Poisson draw with this mean, at most eight."""
    draw, count, chance = rng.random(), 0, math.exp(-mean)
    while draw >= chance and count < 8:
        draw, count = draw - chance, count + 1
        chance *= mean / count
    return count


def _ordinary(life: AccountLife, day: date, care: float, rng: random.Random) -> DatedRow:
    bad = rng.random() > care
    return _ticket(life, day, BAD if bad else ORDINARY, 0.0 if bad else care, rng)


def _storm(life: AccountLife, rng: random.Random) -> list[DatedRow]:
    """Many tickets after a release that are answered and have no further effect."""
    entries = []
    for week in range(assumptions.RELEASE_EVERY_WEEKS // 2, life.span.weeks, assumptions.RELEASE_EVERY_WEEKS):
        if rng.random() >= assumptions.RELEASE_STORM:
            continue
        for _ in range(rng.randint(*assumptions.STORM_TICKETS)):
            day = life.span.start_of(week) + timedelta(days=rng.randrange(assumptions.STORM_DAYS))
            quality = (rng.random() < assumptions.STORM_BREACHED, rng.random() < assumptions.STORM_ESCALATED)
            entries.append(_ticket(life, day, STORM, 0.8, rng, quality))
    return entries


def _ticket(
    life: AccountLife,
    day: date,
    texts: Sequence[tuple[str, str]],
    care: float,
    rng: random.Random,
    quality: tuple[bool, bool] | None = None,
) -> DatedRow:
    """A ticket whose breach, escalation, closing and rating become known over time."""
    subject, body = rng.choice(texts)
    open_days = round(rng.expovariate(1 / interpolate(*assumptions.TICKET_DAYS, care)))
    breached = rng.random() < interpolate(*assumptions.BREACHED, care)
    escalated = rng.random() < interpolate(*assumptions.ESCALATED, care)
    if quality:
        breached, escalated = quality
    row = {
        "account_id": life.facts.account_id,
        "opened_at": str(day),
        "closed_at": "",
        "priority": rng.choices(["low", "normal", "high", "urgent"], [3 * care, 6, interpolate(1, 4, care), 0.3])[0],
        "escalated": "false",
        "sla_breached": "false",
        "csat": "",
        "subject": subject,
        "body": body,
    }
    later: list[tuple[date, Row]] = []
    if breached:
        later.append((day + timedelta(days=2), {"sla_breached": "true"}))
    if escalated:
        later.append((day + timedelta(days=rng.randint(1, 5)), {"escalated": "true"}))
    closed = day + timedelta(days=max(open_days, 3 if breached else 0))
    later.append((closed, {"closed_at": str(closed)}))
    if rng.random() < assumptions.CSAT_GIVEN:
        rating = rng.choice([4, 4, 5, 5, 5, 3]) if rng.random() < care else rng.choice([1, 1, 2, 2, 3])
        later.append((closed + timedelta(days=1), {"csat": str(rating)}))
    return DatedRow(day, row, tuple(later))
