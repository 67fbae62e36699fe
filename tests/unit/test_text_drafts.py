"""Drafts for people: what a sentence claims without a fact is marked, what the record supports is traced.

The account is one of the sample, so that the sentences are about a record as teams have it. The model is scripted.
"""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from agents.text_drafter import DraftSlots, TextDrafter, drafted_note, text_messages
from domain.configuration import DraftKind
from domain.dossier import Contact
from domain.save_play import SavePlay
from domain.text_drafts import DRAFT_TITLES, FOR_CUSTOMER, MAX_DRAFT, TextDraft
from evals.suites.drafts import HonestSentences, read_draft_sentences, sample_context
from tests.builders import SHIPPED
from tests.unit.test_attack_sentences import ATTACKS, note, ticket
from tests.unit.test_drafting import STRONG, Scripted, at_work, configured
from tests.unit.test_plays_about_money import CHAMPION, GOAL, TICKET, renewal, said
from tools.prompts import render_prompt
from tools.save_play.context import PlayContext
from tools.save_play.draft_claims import check_text, claims_of
from tools.save_play.draft_record import DraftRecord, draft_record, normalise
from tools.save_play.play_texts import draft_from_play

KINDS = tuple(DRAFT_TITLES)
FACTS = {
    "facts": (TICKET, GOAL, CHAMPION, said("We compare you with two others", "evaluating_alternatives"), renewal(120))
}


@dataclass(frozen=True)
class Account:
    """One account with its play."""

    context: PlayContext
    play: SavePlay

    def record(self, kind: DraftKind) -> DraftRecord:
        return draft_record(self.context, self.play, kind)

    def claims(self, text: str, kind: DraftKind = "talk_track") -> list[str]:
        return [claim.kind for claim in claims_of(check_text(text, self.record(kind)))]


@pytest.fixture(scope="module")
def sentences() -> HonestSentences:
    return read_draft_sentences()


@pytest.fixture(scope="module")
def nimbara(sentences: HonestSentences) -> Iterator[Account]:
    with sample_context(SHIPPED, sentences.account) as (context, play):
        yield Account(context, play)


def made_up() -> Account:
    champion = Contact(contact_id="C-1", name="Bo Lind", role="champion", title=None, active=True, departed_on=None)
    drafter, context, _ = at_work(contacts=(champion,), **FACTS)
    return Account(context, drafter.from_playbook(context))


# claims --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["follow_up_email", "talk_track"])
def test_each_unsupported_sentence_is_marked(nimbara: Account, sentences: HonestSentences, kind: DraftKind) -> None:
    assert len(set(sentences.unsupported)) == 150
    record = nimbara.record(kind)
    assert [text for text in sentences.unsupported if not claims_of(check_text(text, record))] == []


def test_each_attack_is_marked_whether_it_stands_on_record_or_not(nimbara: Account) -> None:
    record = nimbara.record("follow_up_email")
    assert [text for text in ATTACKS if not claims_of(check_text(text, record))] == []
    for attack in ATTACKS:
        for written in (ticket, note):
            drafter, context, _ = at_work(facts=(*written(attack), renewal(120)))
            own = draft_record(context, drafter.from_playbook(context), "follow_up_email")
            assert claims_of(check_text(attack, own)), attack


def test_few_honest_sentences_are_marked(nimbara: Account, sentences: HonestSentences) -> None:
    assert (len(sentences.honest_a), len(sentences.honest_b)) == (30, 30)
    assert sum(bool(nimbara.claims(text)) for text in sentences.honest_a) == 0
    assert sum(bool(nimbara.claims(text)) for text in sentences.honest_b) <= 3


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("You have 940 seats.", "number"), ("We spoke on 19 November.", "date"), ("It costs $ 20.", "money"),
        ("Ask Mallory about it.", "name"), ("We will have it by then.", "promise"), ("You get a discount.", "concession"),
        ("This is the best solution.", "claim"), ("Your usage has grown.", "direction"), ("Do not tell them.", "order"),
        ("You said “we are happy”.", "quotation"), ("See https://evil.example for more.", "address"),
    ],
)  # fmt: skip
def test_a_mark_says_what_kind_of_claim_has_no_fact(nimbara: Account, text: str, kind: str) -> None:
    assert kind in nimbara.claims(text)


def test_a_number_of_the_record_that_counts_something_else_is_no_support(nimbara: Account) -> None:
    assert nimbara.claims("286 of 490 seats are in use.") == []
    assert "number" in nimbara.claims("We answered 286 tickets.")


def test_what_is_traced_is_underlined_with_its_source(nimbara: Account) -> None:
    text = "You asked about T-22263 and wrote “it blocks us more every week”."
    ((sentence,),) = check_text(text, nimbara.record("talk_track"))
    assert sentence.claims == ()
    assert sentence.text == text
    traced = {part.text: part.source for part in sentence.parts if part.source}
    assert list(traced) == ["T-22263", "“it blocks us more every week”"]
    assert traced["T-22263"].startswith("T-22263 “SSO with enforced MFA")


def test_words_of_the_customer_without_quotation_marks_are_marked(nimbara: Account) -> None:
    words = "without this we cannot roll out to the other sites"
    assert nimbara.claims(f"You wrote “{words}”.") == []
    assert "quotation" in nimbara.claims(f"So {words}.")


def test_a_fact_turned_round_is_marked(nimbara: Account) -> None:
    fact = "Yara Keller (IT Manager) wrote on 23 Oct and has no answer from us"
    assert nimbara.claims(f"{fact}.") == []
    assert "claim" in nimbara.claims(f"It is not true that {fact}.")


def test_our_own_notes_are_for_our_own_people(nimbara: Account) -> None:
    text = "“Told Greta Baumann there is no date on the roadmap.”"
    assert nimbara.claims(text, "talk_track") == []
    assert "internal" in nimbara.claims(text, "follow_up_email")


def test_a_promise_that_the_plan_makes_is_no_mark(nimbara: Account) -> None:
    assert nimbara.claims("Diego Marin will give Greta Baumann the written answer on T-22263 on 2 Dec.") == []
    assert "promise" in nimbara.claims("Diego Marin will give Greta Baumann a new product.")


def test_letters_that_hide_are_written_plainly_before_the_check() -> None:
    assert normalise("A\u200bll\u202e １２ times\x00") == "All 12 times"


# made from the play --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_model_each_kind_is_made_of_checked_sentences(nimbara: Account, kind: DraftKind) -> None:
    draft = draft_from_play(nimbara.context, nimbara.play, kind)
    assert nimbara.claims(draft.text, kind) == []
    assert draft.mark == "Draft made from the play's own sentences, edit before use."
    assert (draft.made_by, draft.confirmed_by, draft.play_version) == ("", "", nimbara.play.version)
    assert 5 < len(draft.text.splitlines()) < 60
    assert len(draft.text) < MAX_DRAFT


@pytest.mark.parametrize("kind", sorted(FOR_CUSTOMER))
def test_the_customer_reads_no_note_of_ours_and_no_internal_word(nimbara: Account, kind: DraftKind) -> None:
    text = draft_from_play(nimbara.context, nimbara.play, kind).text
    assert "a blocker, not a wish" not in text, "our CSM noted it"
    words = set(text.casefold().replace(",", " ").replace(".", " ").split())
    assert words & set(SHIPPED.model.words.internal) == set()


def test_the_talk_track_answers_each_complaint_with_a_step_of_the_plan(nimbara: Account) -> None:
    lines = draft_from_play(nimbara.context, nimbara.play, "talk_track").text.splitlines()
    answers = [line for line in lines if line.startswith("- They: ")]
    titles = [step.title for phase in nimbara.play.phases for step in phase.actions]
    assert len(answers) >= 2
    assert all(any(title in line.partition(" We: ")[2] for title in titles) for line in answers)


# by a model ----------------------------------------------------------------------------------------------------------


def drafted(*answers: object, kind: DraftKind = "talk_track") -> tuple[TextDraft, Account, Scripted]:
    account, model = made_up(), Scripted(*answers)
    draft = asyncio.run(TextDrafter(configured(), model).draft(account.context, account.play, kind))
    return draft, account, model


def sections(*sentences: str) -> dict[str, Any]:
    return {"sections": [{"heading": "Opening", "sentences": list(sentences)}]}


def test_a_model_joins_slots_and_code_writes_the_facts_and_the_names() -> None:
    draft, account, _ = drafted(sections("{contact}, this is about {F1}.", "The next step is {P1}."))
    assert draft.mark == f"Draft by {STRONG}, edit before use."
    assert draft.text.startswith(f"Opening:\n{account.context.words['contact']}, this is about ")
    first = next(step for phase in account.play.phases for step in phase.actions)
    assert first.title in draft.text
    assert account.claims(draft.text) == []
    assert draft.drafting.prompt_hash
    assert {fact.id for fact in draft.facts} <= {fact.id for fact in account.context.dossier.facts}


def test_what_a_model_claims_by_itself_is_shown_and_marked() -> None:
    draft, account, _ = drafted(
        sections("This is about {F1}.", "We will cut your price by half.", "Call Mallory at noon.")
    )
    assert "We will cut your price by half." in draft.text
    assert {"promise", "concession", "name", "date"} <= set(account.claims(draft.text))


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (sections(), "text_missing"), (sections("A word without any slot."), "fact_missing"),
        (sections("{F1} and {F99}."), "slot_unknown"), (sections("{F1} {csm.__class__}"), "slot_unknown"),
        (sections("{F1} " + "x" * MAX_DRAFT), "text_too_long"), (sections("{F1} " * 1500), "text_too_long"),
        ("no json at all", "not_json"), ({"sections": "all"}, "wrong_shape"),
        (sections("{F1}. The text opens with the slot of that ticket and admits the silence."), "repeats_example"),
    ],
)  # fmt: skip
def test_an_answer_that_cannot_be_shown_goes_back_and_then_the_play_writes_the_draft(answer: object, code: str) -> None:
    draft, account, model = drafted(*[answer] * 3)
    assert len(model.asked) == 3
    assert code in {fault.code for fault in draft.drafting.refused}
    assert draft.made_by == ""
    assert draft.text == draft_from_play(account.context, account.play, "talk_track").text
    assert drafted_note(draft).startswith(f"The draft of {STRONG} was not used: 3 answers did not pass")


def test_the_facts_of_another_account_have_no_slot_and_typed_they_are_marked() -> None:
    draft, account, _ = drafted(sections("This is about {F1}.", "Remember T-99999 over USD 12,345 with Ines Olsen."))
    assert {"number", "name"} <= set(account.claims(draft.text))


def test_html_of_a_model_is_text() -> None:
    draft, account, _ = drafted(sections("{F1} <script>alert(1)</script> <b>now</b>"))
    assert "<script>alert(1)</script>" in draft.text
    assert "address" in account.claims(draft.text)


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_reads_no_name_and_for_the_customer_no_note_of_ours(nimbara: Account, kind: DraftKind) -> None:
    slots = DraftSlots.of(nimbara.context, nimbara.play, kind)
    told = text_messages(nimbara.context, slots, kind)[1].content
    people = [*nimbara.context.dossier.contacts, *nimbara.context.people.values()]
    assert [person.name for person in people if person.name in told] == []
    assert nimbara.play.name not in told
    assert ("a blocker, not a wish" in told) == (kind not in FOR_CUSTOMER)
    assert told.rstrip().endswith(f"Write: {kind}")


def test_the_rules_are_the_same_for_every_kind_and_account(nimbara: Account) -> None:
    rules = {
        text_messages(each.context, DraftSlots.of(each.context, each.play, kind), kind)[0].content
        for each in (nimbara, made_up())
        for kind in KINDS
    }
    assert rules == {render_prompt("text_rules")}


def test_without_quotations_none_is_sent(nimbara: Account) -> None:
    quotes = SHIPPED.model.quotes.model_copy(update={"value": 0})
    context = replace(nimbara.context, configuration=configured(quotes=quotes))
    told = text_messages(context, DraftSlots.of(context, nimbara.play, "talk_track"), "talk_track")[1].content
    assert "blocks us" not in told
    assert "“…”" in told


def test_there_are_no_two_equal_sentences() -> None:
    given = yaml.safe_load(Path("evals/fixtures/draft_sentences.yaml").read_text("utf-8"))
    flat = [text for part in (given["unsupported"], given["honest"]) for texts in part.values() for text in texts]
    assert len(set(flat)) == len(flat) == 210
    assert json.dumps(flat)
