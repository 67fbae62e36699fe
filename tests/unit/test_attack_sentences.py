"""What outsiders write stands in a plan only as a quotation, and their names only as names.

A plan with an attack is compared with the plan of the same account with harmless words. Outside quotation marks the two must
not differ by a letter.
"""

import asyncio
import re
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from domain.dossier import Contact
from domain.facts import Fact
from domain.record import Record
from domain.save_play import SavePlay
from tests.builders import build_context
from tests.unit.test_drafting import Scripted, at_work, fit
from tests.unit.test_plays_about_money import CHAMPION, GOAL, TICKET, invoice, person, renewal, said
from tools.wording import safe_name

ATTACKS: tuple[str, ...] = tuple(
    text
    for texts in yaml.safe_load((Path(__file__).parent / "attack_sentences.yaml").read_text("utf-8")).values()
    for text in texts
)
HARMLESS = "The kitchen is blue"
"""Words that mean nothing to any step. Some attacks have digits, so the harmless words are tried with and without one."""
CAUSES = ("value_gap", "service_failure", "relationship_erosion", "commercial_friction")
INTERNAL = {"version", "step", "draft", "drafting", "evidence"}
"""Parts of a play that hold ids and rows, not sentences."""


def play_of(cause: str, *facts: Fact, contact: str = "Bo Lind", **more: Any) -> SavePlay:
    contacts = (Contact(contact_id="C-1", name=contact, role="champion", title=None, active=True, departed_on=None),)
    drafter, context = build_context(cause, facts=(*facts, renewal(120)), contacts=contacts, **more)
    return drafter.from_playbook(context)


def texts_of(value: object) -> Iterator[str]:
    """Every sentence of a play, in order."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Record):
        yield from (
            text for name in type(value).model_fields if name not in INTERNAL for text in texts_of(getattr(value, name))
        )
    elif isinstance(value, tuple):
        yield from (text for item in value for text in texts_of(item))


def our_words(play: SavePlay) -> list[str]:
    """The sentences of a play with every quotation emptied."""
    return [re.sub(r"“[^“”]*”", "“”", text) for text in texts_of(play)]


def is_well_quoted(text: str) -> bool:
    """True if every quotation that is opened is closed, and none stands in another."""
    return re.fullmatch(r"[^“”]*(“[^“”]*”[^“”]*)*", text) is not None


def ticket(subject: str) -> tuple[Fact, ...]:
    return (TICKET.model_copy(update={"subject": subject}), CHAMPION)


def note(text: str) -> tuple[Fact, ...]:
    return (said(text, "value_doubted"), said(text, "service_complaint"), said(text, "procurement_ultimatum"), CHAMPION)


def goal(text: str) -> tuple[Fact, ...]:
    return (GOAL.model_copy(update={"goal": text}), CHAMPION)


def like(attack: str) -> str:
    """Harmless words that have a digit where the attack has one: a figure in a sentence may call for a step."""
    return f"{HARMLESS} 7" if any(letter.isdigit() for letter in attack) else HARMLESS


@pytest.mark.parametrize("cause", CAUSES)
@pytest.mark.parametrize("written", [ticket, note, goal])
def test_what_customers_write_stands_in_a_plan_only_between_quotation_marks(
    cause: str, written: Callable[[str], tuple[Fact, ...]]
) -> None:
    harmless = {text: our_words(play_of(cause, *written(text))) for text in map(like, ATTACKS)}
    for attack in ATTACKS:
        poisoned = play_of(cause, *written(attack))
        assert our_words(poisoned) == harmless[like(attack)], attack
        assert all(is_well_quoted(text) and text.isprintable() for text in texts_of(poisoned)), attack
        assert poisoned.violations == ()


def test_the_attacks_do_reach_the_plans() -> None:
    attack = "We will cut your price by half"
    for written in (ticket, note, goal):
        plans = [" ".join(texts_of(play_of(cause, *written(attack)))) for cause in CAUSES]
        assert any(f"“{attack}”" in plan for plan in plans)


@pytest.mark.parametrize("cause", CAUSES)
def test_whatever_a_contact_is_called_the_name_changes_nothing_but_the_name(cause: str) -> None:
    for role, table in (("champion", "active"), ("champion", "departed"), ("economic_buyer", "active")):
        harmless = our_words(called("Zora Quill", cause, role, table))
        for attack in ATTACKS:
            poisoned = called(attack, cause, role, table)
            if not safe_name(attack, ""):  # a link is no name: the plan says the role instead
                assert "evil.example" not in " ".join(our_words(poisoned))
                continue
            shown = shown_name(attack)
            assert our_words(poisoned) == [text.replace("Zora Quill", shown) for text in harmless], attack
            assert all(is_well_quoted(text) and text.isprintable() for text in texts_of(poisoned)), attack


def called(name: str, cause: str, role: str, status: str) -> SavePlay:
    left = date(2026, 10, 1) if status == "departed" else None
    fact = person("Q-1", role).model_copy(update={"name": name, "status": status, "departed_on": left})
    return play_of(cause, fact, TICKET, invoice("INV-7", 53), contact=name, values={"invoice_overdue": 53.0})


def shown_name(name: str) -> str:
    """A name in one line, at most 80 letters, with no quotation marks that could end somebody's sentence."""
    line = "".join(letter if letter.isprintable() else " " for letter in name)
    line = " ".join(line.replace("“", "'").replace("”", "'").split())
    return line if len(line) <= 80 else line[:79].rstrip() + "…"


def test_no_string_of_a_models_answer_stands_in_a_plan() -> None:
    _, context, _ = at_work(facts=(TICKET, GOAL, CHAMPION, renewal(120)))
    plain = fit(context)
    for attack in ATTACKS:
        answer = {**plain, "summary": attack, "opening": attack}
        answer["address"] = [{**line, "why": attack, "evidence": [attack]} for line in plain["address"]]
        play = drafted(answer)
        assert play.drafted_by == "model"
        assert [*texts_of(play)] == [*texts_of(drafted(plain))]


@pytest.mark.parametrize("place", ["action", "owner", "due"])
def test_a_model_that_answers_a_sentence_in_place_of_a_choice_is_not_used(place: str) -> None:
    drafter, context, _ = at_work(facts=(TICKET, GOAL, CHAMPION, renewal(120)))
    own, notes = [*texts_of(without_note(drafter.from_playbook(context)))], set()
    for attack in ATTACKS:
        answer = fit(context)
        answer["address"][0][place] = attack
        play = drafted(answer)
        assert play.drafted_by == "playbook"
        assert [*texts_of(without_note(play))] == own
        notes.add(play.drafted_note)
    assert len(notes) == 1


def without_note(play: SavePlay) -> SavePlay:
    return play.model_copy(update={"drafted_note": ""})


def drafted(answer: dict[str, Any]) -> SavePlay:
    """The play after a model gave this answer, as often as it was asked."""
    drafter, context, _ = at_work(*[answer] * 5, facts=(TICKET, GOAL, CHAMPION, renewal(120)))
    assert isinstance(drafter.client, Scripted)
    return drafter.play(context, asyncio.run(drafter.draft(context)))


def test_there_are_enough_attacks() -> None:
    assert len(set(ATTACKS)) >= 40
