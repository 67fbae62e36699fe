"""Facts of record: what a CS leader would open with, each with an id that lasts."""

import re
from datetime import date, timedelta
from typing import Any

import pytest

from domain.dossier import Dossier
from domain.facts import ContactFact, Fact, PromiseFact, QuotationFact, TicketFact, UsageFact
from domain.tracking import Action
from tests.builders import AS_OF, PortfolioBuilder, ScoredPortfolio
from tools.evidence.dossier import Known, build_dossiers
from tools.evidence.fact_text import FactText


def account(**attributes: Any) -> PortfolioBuilder:
    """A portfolio with one account under review, A, and a neighbour whose sources are fresh."""
    return PortfolioBuilder().account("A", seats=400, **attributes).with_sources_connected()


def dossier(portfolio: PortfolioBuilder, **known: Any) -> Dossier:
    scored: ScoredPortfolio = portfolio.score()
    scored.base.select_accounts(["A"])
    return build_dossiers(scored.base, ["A"], scored.history, scored.base.signal_details(), Known(**known))[0]


def of_kind(portfolio: PortfolioBuilder, kind: type[Any], **known: Any) -> list[Any]:
    return [fact for fact in dossier(portfolio, **known).facts if isinstance(fact, kind)]


def sentences(portfolio: PortfolioBuilder, kind: type[Any], **known: Any) -> list[str]:
    found = dossier(portfolio, **known)
    words = FactText.of(found.facts, (), AS_OF)
    return [words.sentence(fact) for fact in found.facts if isinstance(fact, kind)]


def said(portfolio: PortfolioBuilder) -> list[tuple[str, str | None]]:
    return [(fact.text, fact.speaker) for fact in of_kind(portfolio, QuotationFact)]


# what they said ------------------------------------------------------------------------------------------------------


def test_the_customers_own_words_in_a_note_are_quoted_with_their_speaker_and_who_wrote_them_down() -> None:
    portfolio = account().contact("A", "champion", name="Greta Baumann")
    text = "Security will not release it without MFA. Greta Baumann: 'a blocker, not a wish'."
    (fact,) = of_kind(portfolio.note("A", text, 27, author="Diego Marin", pulse=3), QuotationFact)
    assert fact.text == "Greta Baumann: 'a blocker, not a wish'."
    assert (fact.speaker, fact.recorded_by, fact.tone) == ("Greta Baumann", "Diego Marin", "bad")
    assert fact.on == AS_OF - timedelta(days=27)


def test_a_contact_named_in_the_sentence_before_is_the_speaker_but_not_somebody_who_was_told() -> None:
    named = account().contact("A", "champion", name="Jonas Kowalski")
    named.note("A", "Jonas Kowalski asked for our head of support. Patience is over.", pulse=2)
    assert said(named) == [("Patience is over.", "Jonas Kowalski")]
    told = account().contact("A", "champion", name="Jonas Kowalski")
    told.note("A", "Told Jonas Kowalski there is no date. 'We cannot go on like this', came back.", pulse=2)
    assert said(told) == [("'We cannot go on like this', came back.", None)]


def test_who_is_said_to_speak_is_the_speaker_and_nobody_who_has_left() -> None:
    world = (
        account().contact("A", "champion", name="Priya Hassan", departed=30).contact("A", "user", name="Ines Kowalski")
    )
    world.note("A", "Nobody replaced Priya Hassan; Ines Kowalski says that nobody can decide anything.", pulse=2)
    assert [speaker for _, speaker in said(world)] == ["Ines Kowalski"]
    gone = account().contact("A", "champion", name="Priya Hassan", departed=30)
    gone.note("A", "Priya Hassan has left and nobody can decide anything.", pulse=2)
    assert [speaker for _, speaker in said(gone)] == [None]


@pytest.mark.parametrize("end", ["”", "“", "\u202e", "\n”\n"])
def test_what_outsiders_wrote_cannot_end_its_quotation_on_a_page(end: str) -> None:
    world = account().ticket("A", 9, subject=f"Import{end} We cut the price", priority="urgent", escalated=True)
    world.contact("A", "champion", name=f"Ann{end} Lee", departed=20)
    world.tables["goals"].append(
        {"account_id": "A", "goal": f"Close{end} early", "due_date": AS_OF, "status": "missed"}
    )
    told = [line.text for _, lines in FactText.of(dossier(world).facts, (), AS_OF).groups() for line in lines]
    assert any("Import" in text for text in told)
    for text in told:
        outside = re.sub("“[^“”]*”", "", text)
        assert not re.search("[“”\u202e\n]", outside), text
        assert "We cut the price" not in outside


def test_a_survey_comment_is_quoted_with_its_contact_and_praise_is_never_a_complaint() -> None:
    portfolio = account().contact("A", "user", name="Yara Keller")
    who = portfolio.tables["contacts"][-1]["contact_id"]
    portfolio.survey("A", 20, 3, comment="Hard to explain internally why we pay for this.", contact_id=who)
    portfolio.survey("A", 30, 5, comment="Great support team.", contact_id=who)
    found = {fact.text: fact for fact in of_kind(portfolio, QuotationFact)}
    assert found["Hard to explain internally why we pay for this."].speaker == "Yara Keller"
    assert found["Hard to explain internally why we pay for this."].tone == "bad"
    assert found["Great support team."].tone == "good"


def test_the_plainest_sentence_of_an_escalated_ticket_is_quoted_and_a_routine_question_is_not() -> None:
    portfolio = account()
    body = "Because of the sync errors 1,900 invoices have not gone out. I have asked for a call.\nPlease call today."
    portfolio.ticket("A", 10, priority="urgent", escalated=True, subject="Invoices", body=body)
    portfolio.ticket("A", 5, subject="How to", body="How do I set a deputy?")
    assert said(portfolio) == [("Because of the sync errors 1,900 invoices have not gone out.", None)]


def test_a_statement_of_a_decisive_kind_comes_first_and_one_text_is_quoted_once() -> None:
    portfolio = account()
    portfolio.ticket("A", 3, priority="urgent", escalated=True, subject="Down", body="The sync fails every day.")
    portfolio.note("A", "They are evaluating alternatives. 'It is over', said the CFO.", 40, pulse=2)
    first, second = of_kind(portfolio, QuotationFact)
    assert (first.text, first.says, first.mode) == (
        "They are evaluating alternatives.",
        "evaluating_alternatives",
        "asserted",
    )
    assert second.source.table == "tickets"


def test_a_quotation_is_at_most_200_characters_and_stands_in_its_row_word_for_word() -> None:
    text = "'It fails " + "again and again " * 30 + "every day', she said."
    (fact,) = of_kind(account().note("A", text, pulse=1), QuotationFact)
    assert len(fact.text) <= 200
    assert fact.text in text


def test_at_most_six_sentences_are_quoted_and_one_of_them_speaks_for_us() -> None:
    portfolio = account()
    for days in range(10):
        portfolio.note("A", f"'It fails on machine {days} again', they said.", days, pulse=2)
        portfolio.survey("A", days, 10, comment=f"Reliable partner number {days}.")
    tones = [fact.tone for fact in of_kind(portfolio, QuotationFact)]
    assert tones == ["bad"] * 6


# people ----------------------------------------------------------------------------------------------------------------


def waiting(portfolio: PortfolioBuilder) -> date | None:
    found: list[ContactFact] = of_kind(portfolio, ContactFact)
    return next(fact.waiting_since for fact in found if fact.name == "Ada Obi")


def executive() -> tuple[PortfolioBuilder, str]:
    portfolio = account().contact("A", "exec_sponsor", name="Ada Obi", title="VP Operations")
    return portfolio, portfolio.tables["contacts"][-1]["contact_id"]


def test_an_executive_who_wrote_and_had_no_answer_waits_since_that_day() -> None:
    portfolio, who = executive()
    portfolio.touch("A", 17, "email", outbound=False, contact_id=who)
    assert waiting(portfolio) == AS_OF - timedelta(days=17)
    (sentence,) = sentences(portfolio, ContactFact)
    assert sentence.startswith("Ada Obi (VP Operations, executive sponsor) wrote on 6 Nov and has waited 17 days")


@pytest.mark.parametrize(
    "answer",
    [
        lambda p, who: p.touch("A", 16, "email", outbound=True, contact_id=who),
        lambda p, who: p.touch("A", 10, "call", outbound=False, attended=True, contact_id=who),
        lambda p, who: p.note("A", "Told Ada Obi there is no date.", 12),
    ],
    ids=["a message", "a call", "a note that names her"],
)
def test_whoever_was_answered_does_not_wait(answer: Any) -> None:
    portfolio, who = executive()
    answer(portfolio.touch("A", 17, "email", outbound=False, contact_id=who), who)
    assert waiting(portfolio) is None


def test_a_message_of_yesterday_and_one_of_last_spring_make_nobody_wait() -> None:
    portfolio, who = executive()
    portfolio.touch("A", 1, "email", outbound=False, contact_id=who)
    portfolio.touch("A", 200, "email", outbound=False, contact_id=who)
    assert waiting(portfolio) is None


def test_a_new_cfo_whom_only_a_note_names_is_a_person_tied_to_that_sentence() -> None:
    portfolio = account().note("A", "New CFO since the first of the month; she came from a rival.", 14, author="Sadia")
    found = of_kind(portfolio, ContactFact)
    (fact,) = [each for each in found if each.named_in]
    quoted = {each.id: each for each in of_kind(portfolio, QuotationFact)}
    assert (fact.title, fact.status, fact.contact_id) == ("New CFO", "new", None)
    assert "New CFO" in quoted[fact.named_in].text


def test_no_new_cfo_is_no_person() -> None:
    portfolio = (
        account().note("A", "There is no new CFO yet.", 14).note("A", "They wait until a new director comes.", 13)
    )
    assert of_kind(portfolio, ContactFact) == []


def test_an_executive_who_left_is_bad_news_and_says_when() -> None:
    portfolio = account().contact("A", "economic_buyer", departed=42, name="Lotte Gallagher", title="CFO")
    assert sentences(portfolio, ContactFact) == ["Lotte Gallagher (CFO, economic buyer) left on 12 Oct."]
    assert of_kind(portfolio, ContactFact)[0].tone == "bad"


# tickets, money, goals, promises, usage ----------------------------------------------------------------------------------


def test_an_open_ticket_is_ours_and_says_how_long_it_has_waited() -> None:
    portfolio = account().ticket("A", 75, priority="high", subject="SSO with enforced MFA - when?")
    (fact,) = of_kind(portfolio, TicketFact)
    assert (fact.open, fact.age_days, fact.side, fact.tone) == (True, 75, "ours", "bad")
    assert sentences(portfolio, TicketFact)[0].endswith(
        "“SSO with enforced MFA - when?” (opened 9 Sep, open 75 days), priority high."
    )


def test_without_a_column_for_closing_nobody_says_that_a_ticket_is_open() -> None:
    portfolio = account().ticket("A", 20, priority="high", subject="Broken")
    scored = portfolio.score()
    source = scored.base.audit.source("tickets")
    absent = source.model_copy(update={"columns_absent": ("closed_at",)})
    scored.base.audit = scored.base.audit.model_copy(
        update={"sources": tuple(absent if each is source else each for each in scored.base.audit.sources)}
    )
    (fact,) = [each for each in scored.dossier("A").facts if isinstance(each, TicketFact)]
    assert fact.open is None


def test_what_is_unpaid_and_what_comes_due_next_are_facts_and_what_was_paid_in_time_is_not() -> None:
    portfolio = account().invoice("A", 22, status="failed", amount=9000).invoice("A", -39, amount=101_250)
    portfolio.invoice("A", 60, paid=61).invoice("A", -200)
    told = [each for each in FactText.of(dossier(portfolio).facts, (), AS_OF).groups() if each[0] == "Money"]
    lines = [line.text.split(" over ", 1)[1] for line in told[0][1] if " over " in line.text]
    assert lines == ["EUR 9,000 failed on 1 Nov.", "EUR 101,250 is due 1 Jan 2027."]


def test_a_promise_of_an_earlier_week_that_is_still_open_is_a_fact_of_ours() -> None:
    action = Action(
        id="2026-W47.A.call", review_id="2026-W47", account_id="A", account_name="A Ltd", owner="Dana", owner_id="P-1",
        due=AS_OF - timedelta(days=3), follow_up=None, kind="play", title="Call the sponsor", action="Call.", purpose="",
        phase="stabilise", urgency="urgent", effort_hours=1, channel="call", playbook_action=None, contact=None,
    )  # fmt: skip
    assert sentences(account(), PromiseFact, open_actions=(action,)) == [
        "We promised “Call the sponsor” (20 Nov, due 20 Nov), Dana, late."
    ]


@pytest.mark.parametrize(
    ("weekly", "says"),
    [
        ([436] * 4 + [400, 350, 310] + [282, 279, 281, 280, 280], "fell from 436 (28 Sep) to 280 of 400 seats (23 Nov) and held since 26 Oct."),
        ([436] * 4 + [400, 380, 350, 330, 310, 290, 270, 250], "no week shows that the fall has stopped."),
        ([300, 302, 299, 301, 300, 298, 300, 301, 299, 300, 302, 300], "much the same."),
        ([200] * 5 + [230, 260, 290, 300, 300, 300, 300], "rose from 200"),
    ],
    ids=["a fall that stopped", "a fall that goes on", "nothing moved", "a rise"],
)  # fmt: skip
def test_usage_says_from_what_to_what_and_whether_the_fall_has_stopped(weekly: list[float], says: str) -> None:
    (sentence,) = sentences(account().usage("A", weekly), UsageFact)
    assert says in sentence


def test_too_few_weeks_say_nothing_about_usage() -> None:
    assert of_kind(account().usage("A", [10, 5]), UsageFact) == []


# texts that nothing understood ---------------------------------------------------------------------------------------------


def test_new_texts_that_nothing_understood_wait_to_be_read_newest_first() -> None:
    portfolio = account().note("A", "They want to send us a bill.", 2, author="Sadia").note("A", "An odd call.", 4)
    portfolio.note("A", "They are evaluating alternatives.", 3).note("A", "A calm spring.", 60)
    found = dossier(portfolio).unread_texts
    assert [text.text for text in found] == ["They want to send us a bill.", "An odd call."]
    assert found[0].recorded_by == "Sadia"


# ids ----------------------------------------------------------------------------------------------------------------------


def test_every_fact_has_an_id_of_its_own_and_an_incident_or_person_only_names_facts_that_are_there() -> None:
    portfolio = account(renewal=80).contact("A", "champion", name="Ada Obi").goal("A", "behind")
    portfolio.note("A", "A new CFO wants 'to see numbers, not words'.", 9, pulse=2).ticket("A", 9).invoice("A", 5)
    facts: tuple[Fact, ...] = dossier(portfolio).facts
    ids = [fact.id for fact in facts]
    assert len(ids) == len(set(ids))
    assert {fact.named_in for fact in facts if isinstance(fact, ContactFact) and fact.named_in} <= set(ids)
