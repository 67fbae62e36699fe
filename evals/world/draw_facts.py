"""The fixed facts of an account, and its contacts over time."""

import math
import random
from dataclasses import replace
from datetime import date, timedelta

from evals.world import assumptions
from evals.world.model import AccountFacts, DrawnCondition, WorldContact, WorldSpan, draw_later_day, random_stream
from evals.world.names import company_name, contact_name, contact_title
from evals.world.staff import CSMS, SPONSORS


def draw_facts(seed: int, number: int, span: WorldSpan) -> AccountFacts:
    """The facts of the account with that number."""
    account_id = f"W-{number + 1:04d}"
    rng = random_stream(seed, account_id, "facts")
    arr = _first_arr(rng)
    segment = next(name for name, least in assumptions.SEGMENTS if arr >= least)
    started = _start(rng, span)
    sources = random_stream(seed, account_id, "sources")
    return AccountFacts(
        number=number,
        account_id=account_id,
        name=company_name(seed, number),
        first_arr=arr,
        segment=segment,
        seats=max(5, round(arr / rng.uniform(*assumptions.SEAT_PRICE))),
        started=started,
        renewals=_renewals(started, span),
        renewal_known=rng.random() >= assumptions.RENEWAL_UNKNOWN,
        csm_id="" if rng.random() < assumptions.NO_CSM else rng.choice(CSMS),
        sponsor_id=rng.choice(SPONSORS) if segment == "Enterprise" and rng.random() < assumptions.SPONSORED else "",
        missing=frozenset(name for name, share in assumptions.MISSING.items() if sources.random() < share),
        has_champion=sources.random() >= assumptions.NO_CHAMPION,
        season=rng.uniform(*assumptions.SEASON_DEPTH) if rng.random() < assumptions.SEASONAL else 0.0,
        season_peak=rng.randint(1, 365),
    )


def _first_arr(rng: random.Random) -> float:
    drawn = rng.lognormvariate(math.log(assumptions.ARR_MEDIAN), assumptions.ARR_SIGMA)
    return float(round(min(max(drawn, assumptions.ARR_LEAST), assumptions.ARR_MOST), -2))


def _start(rng: random.Random, span: WorldSpan) -> date:
    if rng.random() < assumptions.NEW_CUSTOMERS:
        return span.first + timedelta(days=rng.randrange(span.weeks * 7))
    return span.first - timedelta(days=365 * rng.randint(*assumptions.AGE_YEARS) - rng.randrange(365))


def _renewals(started: date, span: WorldSpan) -> tuple[date, ...]:
    """Every anniversary within the world, and the next one after it."""
    years = range(started.year + 1, span.end.year + 3)
    days = [date(year, started.month, min(started.day, 28)) for year in years]
    after = next(day for day in days if day > span.end)
    return tuple(day for day in days if span.first <= day <= after)


def draw_contacts(
    seed: int, facts: AccountFacts, hidden: tuple[DrawnCondition, ...], span: WorldSpan
) -> tuple[WorldContact, ...]:
    """Contacts of the account over time: present, leaving, and successors."""
    rng = random_stream(seed, facts.account_id, "contacts")
    roles = ["champion"] * facts.has_champion + ["economic_buyer"] * (rng.random() < 0.9)
    roles += ["exec_sponsor"] * (facts.segment == "Enterprise" or rng.random() < 0.25)
    roles += ["user"] * rng.randint(1, 3)
    people = [_contact(seed, facts, slot, role, facts.started) for slot, role in enumerate(roles)]
    for one in hidden:
        people = _apply_departures(seed, facts, people, one, rng)
    people = [_turnover(person, span, rng) for person in people]
    return tuple(_role_change(seed, facts, people, span, rng))


def _contact(seed: int, facts: AccountFacts, slot: int, role: str, since: date) -> WorldContact:
    title = contact_title(role, slot, facts.number)
    contact_id = f"{facts.account_id}-C{slot + 1}"
    return WorldContact(contact_id, contact_name(seed, facts.number, slot), title, role, since)


def _apply_departures(
    seed: int, facts: AccountFacts, people: list[WorldContact], one: DrawnCondition, rng: random.Random
) -> list[WorldContact]:
    """Departures caused by a condition, and the successor when the condition ends."""
    condition = one.condition
    roles = {"champion_leaves": ("champion",), "reorganisation": ("exec_sponsor", "economic_buyer")}
    candidates = [
        person
        for role in roles.get(condition.kind, ())
        for person in people
        if person.role == role and person.left is None
    ]
    delay = assumptions.LEFT_AFTER_DAYS if condition.kind == "champion_leaves" else assumptions.REORG_LEFT_AFTER_DAYS
    left = draw_later_day(condition.began, delay, rng)
    recorded = draw_later_day(left, assumptions.RECORDED_AFTER_DAYS, rng)
    noticed = rng.random() < assumptions.RECORDED and one.loudness["departure"] > 0
    if not candidates or left <= facts.started:
        return people
    gone = replace(candidates[0], left=left, recorded=recorded if noticed else None)
    people = [gone if person is candidates[0] else person for person in people]
    if condition.ended and condition.visible:
        people.append(_contact(seed, facts, len(people), gone.role, max(condition.ended, left)))
    return people


def _turnover(person: WorldContact, span: WorldSpan, rng: random.Random) -> WorldContact:
    """The contact, perhaps with an ordinary change of job. Not for the champion."""
    happens = rng.random() < assumptions.TURNOVER * span.weeks / 52
    left = max(span.first, person.since) + timedelta(days=rng.randrange(7, span.weeks * 7))
    recorded = draw_later_day(left, assumptions.RECORDED_AFTER_DAYS, rng)
    if not happens or person.left or person.role == "champion":
        return person
    return replace(person, left=left, recorded=recorded)


def _role_change(
    seed: int, facts: AccountFacts, people: list[WorldContact], span: WorldSpan, rng: random.Random
) -> list[WorldContact]:
    """A champion who moves within the company and hands over well; the CRM may show it as a departure."""
    happens = rng.random() < assumptions.ROLE_CHANGE * span.weeks / 52
    day = span.first + timedelta(days=rng.randrange(14, span.weeks * 7))
    recorded = draw_later_day(day, assumptions.RECORDED_AFTER_DAYS, rng)
    as_left = rng.random() < assumptions.ROLE_CHANGE_AS_LEFT
    champion = next((p for p in people if p.role == "champion" and p.left is None), None)
    if not happens or champion is None or day <= champion.since:
        return people
    changed = replace(champion, left=day, recorded=recorded) if as_left else replace(champion, moved=day)
    successor = _contact(seed, facts, len(people), "champion", day - timedelta(days=7))
    return [changed if person is champion else person for person in people] + [successor]
