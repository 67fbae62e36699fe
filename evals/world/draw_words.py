"""Surveys and notes: what customers answer and what CSMs write down."""

import random
from collections.abc import Sequence
from datetime import date, timedelta

from evals.world import rules, words_ordinary
from evals.world.course import spoken_chance
from evals.world.model import Entry, Life, between, later_by, workday
from evals.world.staff import person_name
from evals.world.words_conditions import COMMENTS, NOTES


def note_entries(life: Life, rng: random.Random) -> list[Entry]:
    """A note every two to four weeks, about what is wrong if somebody says so, else about the day."""
    entries, said = [], list[str]()
    day = later_by(life.begins, rules.NOTE_EVERY_DAYS, rng)
    while day < life.ends:
        entries.append(_note(life, workday(day), said, rng))
        day = later_by(day, rules.NOTE_EVERY_DAYS, rng)
    return entries


def _note(life: Life, day: date, said: list[str], rng: random.Random) -> Entry:
    kind = _spoken(life, day, rng)
    ordinary = words_ordinary.MISLEADING if rng.random() < rules.MISLEADING else words_ordinary.NOTES
    pool = NOTES[kind] if kind else ordinary
    text = rng.choice([line for line in pool if line not in said[-6:]])
    said.append(text)
    felt = 0.6 * life.level("mood", day) + 0.4 * life.level("bond", day)
    pulse = round(rng.gauss(between(rules.PULSE_BEST, rules.PULSE_WORST, felt), rules.PULSE_NOISE))
    row = {
        "account_id": life.facts.account_id,
        "date": str(day),
        "text": text.replace("{who}", _who(life, day, kind, rng)),
        "author": person_name(life.facts.csm_id) or "CS pool",
        "pulse": str(min(max(pulse, 1), 5)) if rng.random() < rules.PULSE_GIVEN else "",
    }
    return Entry(day, row)


def _spoken(life: Life, day: date, rng: random.Random) -> str | None:
    """The kind of the condition that is spoken of, if any is."""
    said = [kind for kind, chance in spoken_chance(life, day) if rng.random() < chance]
    return said[0] if said else None


def _who(life: Life, day: date, kind: str | None, rng: random.Random) -> str:
    """The first name of whom the note is about."""
    if kind == "champion_leaves":
        gone = [c for c in life.contacts if c.role == "champion" and c.left and c.left <= day]
        return gone[-1].name.split()[0] if gone else "our main contact"
    there = [contact for contact in life.contacts if contact.present_on(day)]
    return rng.choice(there).name.split()[0] if there else "our contact"


def survey_entries(life: Life, rng: random.Random) -> list[Entry]:
    """The answers to a survey about every quarter, as far as somebody answers."""
    entries = []
    person = rng.gauss(0, rules.NPS_PERSON)
    day = life.begins + timedelta(days=rng.randrange(rules.SURVEY_EVERY_DAYS[1]))
    while day < life.ends:
        if rng.random() < rules.SURVEY_ANSWERED * between(1.0, 0.4, life.level("bond", day)):
            entries.append(_answer(life, day, person, rng))
        day = later_by(day, rules.SURVEY_EVERY_DAYS, rng)
    return entries


def _answer(life: Life, day: date, person: float, rng: random.Random) -> Entry:
    mood = life.level("mood", day)
    mean = between(rules.NPS_BEST, rules.NPS_WORST, mood) + person
    score = min(max(round(rng.gauss(mean, rules.NPS_NOISE)), 0), 10)
    if rng.random() < rules.GRUMPY:
        score = rng.randint(2, 6)
    kind = "csat" if rng.random() < rules.CSAT_SURVEYS else "nps"
    there = [c for c in life.contacts if c.present_on(day)] if "contacts" not in life.facts.missing else []
    row = {
        "account_id": life.facts.account_id,
        "date": str(day),
        "kind": kind,
        "score": str(max(1, round(score / 2)) if kind == "csat" else score),
        "comment": _comment(life, day, score, rng) if rng.random() < rules.COMMENTED else "",
        "contact_id": rng.choice(there).contact_id if there else "",
    }
    return Entry(day, row)


def _comment(life: Life, day: date, score: int, rng: random.Random) -> str:
    kind = _spoken(life, day, rng)
    fitting: Sequence[str] = words_ordinary.COMMENTS_BAD
    if score >= 7:
        fitting = words_ordinary.COMMENTS_GOOD if score >= 9 else words_ordinary.COMMENTS_FAIR
    return rng.choice(COMMENTS[kind] if kind else fitting)
