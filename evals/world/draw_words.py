"""Surveys and notes: answers of customers, and notes of CSMs."""

import random
from collections.abc import Sequence
from datetime import date, timedelta

from evals.world import assumptions, words_ordinary
from evals.world.levels import mention_chances
from evals.world.model import AccountLife, DatedRow, draw_later_day, interpolate, weekday_on_or_before
from evals.world.staff import world_staff_name
from evals.world.words_conditions import COMMENTS, NOTES


def note_entries(life: AccountLife, rng: random.Random) -> list[DatedRow]:
    """A note every two to four weeks, about a condition if somebody mentions it, else an ordinary one."""
    entries, said = [], list[str]()
    day = draw_later_day(life.begins, assumptions.NOTE_EVERY_DAYS, rng)
    while day < life.ends:
        entries.append(_note(life, weekday_on_or_before(day), said, rng))
        day = draw_later_day(day, assumptions.NOTE_EVERY_DAYS, rng)
    return entries


def _note(life: AccountLife, day: date, said: list[str], rng: random.Random) -> DatedRow:
    kind = _condition_mentioned(life, day, rng)
    ordinary = words_ordinary.MISLEADING if rng.random() < assumptions.MISLEADING else words_ordinary.NOTES
    pool = NOTES[kind] if kind else ordinary
    text = rng.choice([line for line in pool if line not in said[-6:]])
    said.append(text)
    felt = 0.6 * life.level("mood", day) + 0.4 * life.level("bond", day)
    pulse = round(
        rng.gauss(interpolate(assumptions.PULSE_BEST, assumptions.PULSE_WORST, felt), assumptions.PULSE_NOISE)
    )
    row = {
        "account_id": life.facts.account_id,
        "date": str(day),
        "text": text.replace("{who}", _first_name(life, day, kind, rng)),
        "author": world_staff_name(life.facts.csm_id) or "CS pool",
        "pulse": str(min(max(pulse, 1), 5)) if rng.random() < assumptions.PULSE_GIVEN else "",
    }
    return DatedRow(day, row)


def _condition_mentioned(life: AccountLife, day: date, rng: random.Random) -> str | None:
    """Kind of the condition that is mentioned, or None."""
    said = [kind for kind, chance in mention_chances(life, day) if rng.random() < chance]
    return said[0] if said else None


def _first_name(life: AccountLife, day: date, kind: str | None, rng: random.Random) -> str:
    """First name of the person in the note."""
    if kind == "champion_leaves":
        gone = [c for c in life.contacts if c.role == "champion" and c.left and c.left <= day]
        return gone[-1].name.split()[0] if gone else "our main contact"
    there = [contact for contact in life.contacts if contact.present_on(day)]
    return rng.choice(there).name.split()[0] if there else "our contact"


def survey_entries(life: AccountLife, rng: random.Random) -> list[DatedRow]:
    """Survey answers about every quarter, when somebody answers."""
    entries = []
    person = rng.gauss(0, assumptions.NPS_PERSON)
    day = life.begins + timedelta(days=rng.randrange(assumptions.SURVEY_EVERY_DAYS[1]))
    while day < life.ends:
        if rng.random() < assumptions.SURVEY_ANSWERED * interpolate(1.0, 0.4, life.level("bond", day)):
            entries.append(_answer(life, day, person, rng))
        day = draw_later_day(day, assumptions.SURVEY_EVERY_DAYS, rng)
    return entries


def _answer(life: AccountLife, day: date, person: float, rng: random.Random) -> DatedRow:
    mood = life.level("mood", day)
    mean = interpolate(assumptions.NPS_BEST, assumptions.NPS_WORST, mood) + person
    score = min(max(round(rng.gauss(mean, assumptions.NPS_NOISE)), 0), 10)
    if rng.random() < assumptions.GRUMPY:
        score = rng.randint(2, 6)
    kind = "csat" if rng.random() < assumptions.CSAT_SURVEYS else "nps"
    there = [c for c in life.contacts if c.present_on(day)] if "contacts" not in life.facts.missing else []
    row = {
        "account_id": life.facts.account_id,
        "date": str(day),
        "kind": kind,
        "score": str(max(1, round(score / 2)) if kind == "csat" else score),
        "comment": _comment(life, day, score, rng) if rng.random() < assumptions.COMMENTED else "",
        "contact_id": rng.choice(there).contact_id if there else "",
    }
    return DatedRow(day, row)


def _comment(life: AccountLife, day: date, score: int, rng: random.Random) -> str:
    kind = _condition_mentioned(life, day, rng)
    fitting: Sequence[str] = words_ordinary.COMMENTS_BAD
    if score >= 7:
        fitting = words_ordinary.COMMENTS_GOOD if score >= 9 else words_ordinary.COMMENTS_FAIR
    return rng.choice(COMMENTS[kind] if kind else fitting)
