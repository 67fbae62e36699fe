"""A person's reading of a text counts from then on, and a statement marked as wrong counts no more."""

from collections.abc import Iterator
from datetime import date, timedelta
from random import Random
from typing import Any

import pytest

from app.stores import open_location
from domain.dossier import Dossier
from domain.facts import QuotationFact, UnreadText
from domain.readings import NOTHING_TO_NOTE, PeoplesReadings, PersonsReading, WrongMark, count_readings
from domain.statements import Statement
from evals.people_labels import labelled_sentences
from tests.builders import AS_OF, SHIPPED, PortfolioBuilder
from tools.evidence.fact_text import FactText
from tools.evidence.statement_kinds import reading_choices
from tools.store.reading_store import ReadingStore
from tools.store.review_store import ReviewStore

BILL = "They want to send us a bill for the hours that the repair cost."
GAP = "Without an audit export the roll-out is blocked, this is a showstopper."
NONE = PeoplesReadings()


def portfolio(*notes: str, days_ago: int = 3) -> PortfolioBuilder:
    made = PortfolioBuilder().account("A", seats=400).with_sources_connected()
    for text in notes:
        made.note("A", text, days_ago, author="Diego Marin")
    return made


def dossier(made: PortfolioBuilder, people: PeoplesReadings = NONE, **how: Any) -> Dossier:
    return made.score(people=people, **how).dossier("A")


def read(text: UnreadText, kind: str | None, **changed: Any) -> PersonsReading:
    said = {"quotation": text.text, "kind": kind, "by": "Sadia Karim", "on": AS_OF + timedelta(days=1), **changed}
    return PersonsReading(
        text_id=text.id, account_id=text.account_id, table=text.table, key=text.key, written_on=text.on, **said
    )


def wrong(statement: Statement, **changed: Any) -> WrongMark:
    return WrongMark(
        statement_id=statement.id, account_id=statement.account_id, kind=statement.kind, table=statement.table,
        key=statement.key, written_on=statement.on, quotation=statement.quotation, read_by=statement.read_by,
        by="Diego Marin", on=AS_OF, **changed,
    )  # fmt: skip


def said(*records: PersonsReading | WrongMark) -> PeoplesReadings:
    readings = tuple(each for each in records if isinstance(each, PersonsReading))
    return PeoplesReadings(readings=readings, marks=tuple(each for each in records if isinstance(each, WrongMark)))


def stated(found: Dossier, signal: str) -> float | None:
    return found.values.get(signal)


def test_what_a_person_says_that_a_text_means_counts_like_what_phrases_find() -> None:
    made = portfolio(BILL)
    (text,) = dossier(made).unread_texts
    found = dossier(made, said(read(text, "value_doubted")))
    assert (stated(dossier(made), "value_doubted"), stated(found, "value_doubted")) == (0, 1)
    assert found.unread_texts == ()
    (statement,) = found.statements
    assert (statement.kind, statement.quotation, statement.mode) == ("value_doubted", BILL, "asserted")
    assert (statement.read_by, statement.read_on) == ("person:Sadia Karim", AS_OF + timedelta(days=1))
    evidence = found.evidence_for("value_doubted")
    assert evidence is not None
    assert BILL[:40] in evidence.rows[0].text


def test_a_quotation_that_a_person_read_says_who_read_it_and_when() -> None:
    made = portfolio(BILL)
    (text,) = dossier(made).unread_texts
    facts = dossier(made, said(read(text, "value_doubted"))).facts
    (quoted,) = [fact for fact in facts if isinstance(fact, QuotationFact)]
    assert "read by Sadia Karim on 24 Nov as value doubted" in FactText.of(facts, (), AS_OF).sentence(quoted)


def test_a_text_with_nothing_to_note_is_read_and_says_nothing_whatever_phrases_find_in_it() -> None:
    made = portfolio(BILL, GAP)
    (text,) = dossier(made).unread_texts
    (found,) = dossier(made).statements
    nothing = read(text, NOTHING_TO_NOTE)
    assert dossier(made, said(nothing)).unread_texts == ()
    assert [each.id for each in dossier(made, said(nothing)).statements] == [found.id]
    silenced = dossier(made, said(nothing.model_copy(update={"quotation": GAP})))
    assert silenced.statements == ()
    assert stated(silenced, "feature_gap") == 0


def test_a_kind_that_phrases_find_in_the_same_text_counts_once() -> None:
    made = portfolio(f"{GAP} {BILL}")
    text = UnreadText(
        id="text:1", account_id="A", table="notes", key="k", on=AS_OF - timedelta(days=3), text=BILL, recorded_by=None
    )
    found = dossier(made, said(read(text, "feature_gap"), read(text, "value_doubted", by="Dana")))
    assert stated(found, "feature_gap") == 1
    assert {each.kind: each.read_by for each in found.statements} == {
        "feature_gap": "person:Sadia Karim", "value_doubted": "person:Dana",
    }  # fmt: skip


def test_a_statement_that_is_marked_as_wrong_is_gone_from_signals_evidence_and_quotations() -> None:
    made = portfolio(GAP)
    (statement,) = dossier(made).statements
    found = dossier(made, said(wrong(statement)))
    assert (stated(dossier(made), "feature_gap"), stated(found, "feature_gap")) == (1, 0)
    assert found.statements == ()
    assert all(fact.says is None for fact in found.facts if isinstance(fact, QuotationFact))
    assert [text.text for text in found.unread_texts] == [GAP], "somebody can say what it means instead"


def test_a_mark_holds_for_one_sentence_and_one_kind_only() -> None:
    made = portfolio(GAP, "They cannot roll out without an integration, it is a blocker.")
    first, second = dossier(made).statements
    found = dossier(made, said(wrong(first)))
    assert [each.id for each in found.statements] == [second.id]
    assert len(dossier(made, said(wrong(first, reason="").model_copy(update={"kind": "budget_cut"}))).statements) == 2


def test_what_a_person_said_can_be_marked_as_wrong_too() -> None:
    made = portfolio(BILL)
    (text,) = dossier(made).unread_texts
    reading = read(text, "value_doubted")
    (statement,) = dossier(made, said(reading)).statements
    found = dossier(made, said(reading, wrong(statement)))
    assert (found.statements, stated(found, "value_doubted"), found.unread_texts) == ((), 0, ())


@pytest.mark.parametrize(
    "changed", [{"quotation": "Words that nobody wrote."}, {"written_on": AS_OF - timedelta(days=5)}]
)
def test_a_reading_whose_words_are_no_longer_in_the_data_does_not_count(changed: dict[str, Any]) -> None:
    made = portfolio(BILL)
    (text,) = dossier(made).unread_texts
    assert dossier(made, said(read(text, "value_doubted").model_copy(update=changed))).statements == ()


def test_a_reading_counts_as_long_as_a_statement_that_phrases_find() -> None:
    days = int(SHIPPED.wording.window_days.value)
    for days_ago, count in ((days, 1), (days + 1, 0)):
        made = portfolio(BILL, days_ago=days_ago)
        text = UnreadText(
            id="text:1", account_id="A", table="notes", key="k", on=AS_OF - timedelta(days=days_ago), text=BILL,
            recorded_by=None,
        )  # fmt: skip
        assert len(dossier(made, said(read(text, "value_doubted"))).statements) == count


def test_the_order_of_rows_changes_neither_the_id_of_a_text_nor_what_was_read() -> None:
    made = portfolio(BILL, "An odd call.", GAP)
    texts = dossier(made).unread_texts
    people = said(*(read(text, "budget_cut") for text in texts))
    plain, mixed = dossier(made, people), dossier(made, people, shuffled=Random(7))
    assert [each.id for each in texts] == [each.id for each in dossier(made, shuffled=Random(7)).unread_texts]
    assert [each.model_copy(update={"row": 0}) for each in plain.statements] == [
        each.model_copy(update={"row": 0}) for each in mixed.statements
    ]


def test_a_person_chooses_among_the_kinds_of_the_configuration() -> None:
    choices = reading_choices(SHIPPED)
    assert list(choices)[-1] == NOTHING_TO_NOTE
    assert choices["feature_gap"] == "Blocking gap"


# kept ----------------------------------------------------------------------------------------------------------------

MONDAY = date(2026, 11, 23)
READING = PersonsReading(
    text_id="text:1", account_id="A-1", table="notes", key="2026-11-20", written_on=date(2026, 11, 20), quotation=BILL,
    kind="value_doubted", by="Sadia Karim", on=MONDAY + timedelta(days=1),
)  # fmt: skip
MARK = WrongMark(
    statement_id="quote:1", account_id="A-2", kind="feature_gap", table="tickets", key="T-1", written_on=MONDAY,
    quotation=GAP, read_by="phrases", by="Diego Marin", on=MONDAY, reason="A wish",
)  # fmt: skip


@pytest.fixture
def store(store_location: str) -> Iterator[ReviewStore]:
    with open_location(store_location) as place:
        store = place.store(lambda: "2026-11-23T09:00:00.000+00:00")
        yield store
        store.close()


def test_what_was_said_on_the_page_of_a_review_counts_in_it_and_in_later_ones(store: ReviewStore) -> None:
    kept = ReadingStore(store)
    kept.save_reading(READING, MONDAY)
    kept.save_mark(MARK, MONDAY)
    assert kept.said_by(MONDAY - timedelta(days=1)) == PeoplesReadings()
    assert kept.said_by(MONDAY) == kept.said_by(MONDAY + timedelta(days=70)) == said(READING, MARK)
    assert kept.said_by(MONDAY, "A-1") == said(READING)


def test_the_latest_choice_counts_and_earlier_weeks_keep_theirs(store: ReviewStore) -> None:
    kept, later = ReadingStore(store), MONDAY + timedelta(days=7)
    kept.save_reading(READING, MONDAY)
    kept.save_reading(READING.model_copy(update={"kind": "budget_cut", "by": "Dana"}), MONDAY)
    kept.save_reading(READING.model_copy(update={"kind": None}), later)
    assert [(each.kind, each.by) for each in kept.said_by(MONDAY).readings] == [("budget_cut", "Dana")]
    assert kept.said_by(later).readings == ()
    kept.save_mark(MARK, MONDAY)
    kept.save_mark(MARK.model_copy(update={"wrong": False}), later)
    assert (kept.said_by(MONDAY).marks, kept.said_by(later).marks) == ((MARK,), ())
    assert store.verify_audit().is_sound


def test_texts_and_wrong_statements_are_counted_by_kind() -> None:
    other = READING.model_copy(update={"text_id": "text:2", "kind": NOTHING_TO_NOTE})
    counted = count_readings(said(READING, other, MARK))
    assert (counted.texts, counted.by_kind) == (2, {"nothing_to_note": 1, "value_doubted": 1})
    assert (counted.wrong, counted.wrong_by_kind, counted.wrong_by_reader) == (1, {"feature_gap": 1}, {"phrases": 1})


def test_what_people_said_are_labels_to_measure_reading_with() -> None:
    other = READING.model_copy(update={"text_id": "text:2", "quotation": "All is well.", "kind": NOTHING_TO_NOTE})
    labels = labelled_sentences(said(READING, other, MARK))
    assert [(each.sentence, each.is_kind, each.is_not, each.read_by) for each in labels] == [
        ("All is well.", None, None, None),
        (BILL, "value_doubted", None, None),
        (GAP, None, "feature_gap", MARK.read_by),
    ]
