"""Contacts, touchpoints and goals."""

import random
from datetime import date, timedelta

from evals.world import assumptions
from evals.world.model import (
    AccountLife,
    DatedRow,
    Row,
    WorldContact,
    draw_later_day,
    interpolate,
    weekday_on_or_before,
)
from evals.world.words_ordinary import GOALS


def contact_entries(life: AccountLife, _rng: random.Random) -> list[DatedRow]:
    """Contacts as the CRM shows them."""
    return [_contact(life, contact) for contact in life.contacts]


def _contact(life: AccountLife, contact: WorldContact) -> DatedRow:
    row = {
        "contact_id": contact.contact_id,
        "account_id": life.facts.account_id,
        "name": contact.name,
        "title": contact.title,
        "role": contact.role,
        "status": "active",
        "departed_on": "",
        "email": f"{contact.name.lower().replace(' ', '.')}@{life.facts.account_id.lower()}.example",
    }
    later: list[tuple[date, Row]] = []
    if contact.moved:
        later.append((contact.moved, {"role": "user", "title": "Regional Lead"}))
    if contact.recorded:
        later.append((contact.recorded, {"status": "departed", "departed_on": str(contact.left)}))
    return DatedRow(contact.since, row, tuple(later))


def touch_entries(life: AccountLife, rng: random.Random) -> list[DatedRow]:
    """Calls, mails and trainings of the CSM, and business reviews."""
    rhythm = assumptions.TOUCH_EVERY_DAYS[life.facts.segment]
    entries = []
    day = life.begins + timedelta(days=rng.randint(1, rhythm))
    while day < life.ends:
        entries.append(_touch(life, weekday_on_or_before(day), rng))
        day += timedelta(days=max(3, round(rng.gauss(rhythm, rhythm / 4))))
    return sorted(entries + _reviews(life, rng), key=lambda entry: entry.day)


def _touch(life: AccountLife, day: date, rng: random.Random) -> DatedRow:
    kind = rng.choices(["call", "email", "training"], [5, 6, 0.6])[0]
    bond = life.level("bond", day)
    outbound = kind != "email" or rng.random() < interpolate(0.7, 1.0, bond)
    row = _row(life, day, kind, _contact_met(life, day, rng), life.facts.csm_id) | {"outbound": str(outbound).lower()}
    answered = rng.random() < assumptions.ANSWERED * bond
    attended = rng.random() < assumptions.ATTENDED * bond
    answer = day + timedelta(days=round(rng.expovariate(1 / interpolate(*assumptions.ANSWER_DAYS, bond))))
    if kind != "email":
        came = {"attended": str(attended).lower(), "responded_at": str(day) if attended else ""}
        return DatedRow(day, row | came)
    later = ((answer, {"responded_at": str(answer)}),) if outbound and answered else ()
    return DatedRow(day, row, later)


def _reviews(life: AccountLife, rng: random.Random) -> list[DatedRow]:
    """Business reviews. Small customers do not get them, unhappy customers postpone them."""
    if life.facts.segment == "SMB":
        return []
    entries = []
    day = life.begins + timedelta(days=rng.randint(1, assumptions.EXEC_EVERY_DAYS[1]))
    while day < life.ends:
        sponsored = bool(life.facts.sponsor_id) and rng.random() < 0.5
        kind = "exec_meeting" if sponsored else "qbr"
        person = life.facts.sponsor_id if sponsored else life.facts.csm_id
        row = _row(life, weekday_on_or_before(day), kind, _contact_met(life, day, rng), person)
        if rng.random() < assumptions.ATTENDED * life.level("bond", day):
            entries.append(
                DatedRow(
                    weekday_on_or_before(day),
                    row | {"attended": "true", "responded_at": str(weekday_on_or_before(day))},
                )
            )
        day = draw_later_day(day, assumptions.EXEC_EVERY_DAYS, rng)
    return entries


def _contact_met(life: AccountLife, day: date, rng: random.Random) -> str:
    """Id of a contact who is present according to the CRM; the champion twice as often as the others."""
    if "contacts" in life.facts.missing:
        return ""
    known = [c for c in life.contacts if c.since <= day and not (c.left and c.recorded and c.recorded <= day)]
    weights = [2 if contact.role == "champion" else 1 for contact in known]
    return rng.choices(known, weights)[0].contact_id if known else ""


def _row(life: AccountLife, day: date, kind: str, contact_id: str, person_id: str) -> Row:
    return {
        "account_id": life.facts.account_id,
        "date": str(day),
        "kind": kind,
        "outbound": "true",
        "attended": "",
        "responded_at": "",
        "contact_id": contact_id,
        "person_id": person_id,
    }


def goal_entries(life: AccountLife, rng: random.Random) -> list[DatedRow]:
    """Goals of the success plan; each goal is followed by another when it is due."""
    entries: list[DatedRow] = []
    for _ in range(rng.randint(*assumptions.GOALS_AT_ONCE)):
        day = life.begins - timedelta(days=rng.randrange(assumptions.GOAL_DAYS[0]))
        while day < life.ends:
            due = draw_later_day(day, assumptions.GOAL_DAYS, rng)
            used = [entry.row["goal"] for entry in entries]
            goal = rng.choice([text for text in GOALS if text not in used])
            entries.append(_goal(life, goal, max(day, life.facts.started), due, rng))
            day = due + timedelta(days=14)
    return sorted(entries, key=lambda entry: entry.day)


def _goal(life: AccountLife, goal: str, day: date, due: date, rng: random.Random) -> DatedRow:
    row = {"account_id": life.facts.account_id, "goal": goal, "due_date": str(due), "status": "on_track"}
    later: list[tuple[date, Row]] = []
    look = day + timedelta(days=assumptions.GOAL_CHECK_DAYS)
    while look < due and not later:
        if rng.random() < interpolate(*assumptions.BEHIND, life.level("plan", look)):
            later.append((look, {"status": "behind"}))
        look += timedelta(days=assumptions.GOAL_CHECK_DAYS)
    met = not later or rng.random() < assumptions.CATCHES_UP
    later.append((draw_later_day(due, assumptions.GOAL_JUDGED_DAYS, rng), {"status": "met" if met else "missed"}))
    return DatedRow(day, row, tuple(later))
