"""Questions about many things on the sample portfolio: rows with their sources, the weeks before, and a model that fills the query in.

Real: the sample, five kept weeks, the store, the engine, HTTP. Scripted: the model.
"""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.model_client import OpenAIClient
from domain.questions import QuestionAnswer
from evals.ask_oracle import run_oracle
from evals.suites.ask import open_sample_context, save_sample_actions, save_sample_plays, shown_text
from graph.ask_context import AskContext
from graph.ask_conversation import answer_follow_up
from tests.builders import SHIPPED
from tests.e2e.commands import PORTFOLIO, saveplay
from tests.model_server import ModelServer, answers, calls_a_tool, fails


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AskContext]:
    """The sample with five weeks before it, actions of last week and plays of the summer."""
    context = open_sample_context(tmp_path_factory.mktemp("asking"), SHIPPED, None, weeks=5)
    save_sample_actions(context)
    save_sample_plays(context)
    yield context
    context.store.close()


def asked(context: AskContext, question: str, *earlier: str) -> QuestionAnswer:
    async def answer() -> QuestionAnswer:
        try:
            return await answer_follow_up(question, context, earlier)
        finally:
            if context.client is not None:
                await context.client.close()

    return asyncio.run(answer())


@pytest.mark.parametrize(
    ("question", "sentence", "row"),
    [
        ("how many open urgent tickets do we have?", "Tickets, open, urgent: 4 tickets of 4 accounts.", "T-22653"),
        ("total amount of overdue invoices", "Amount: EUR 140,101.", "INV-21405"),
        ("what does Sadia still have to do this week?", "4 actions of 3 accounts.", "Write two pages for their review"),
        ("quels champions sont partis ?", "Contacts, champions, left: 5 contacts of 5 accounts.", "Hamza Tanaka"),
        ("which plays were started in July?", "6 plays of 6 accounts.", "Pair Anders Falk with their new CFO"),
        ("who mentioned a budget cut in November?", "6 statements of 3 accounts.", "“All software budgets were cut by 20 %"),
        ("accounts in the E-417 incident that renew in the next 6 months", "5 accounts", "Verbena Water"),
        ("how did Hinode Robotics develop over the last weeks?", "health 78 on 19 Oct 2026, 57 on 23 Nov 2026", "2026-11-02"),
        ("compare this week with two weeks ago", "35 accounts at risk then, 38 now", "EUR 3,098,704"),
        ("who reports to Tobias Wren?", "4 people report to Tobias Wren (people).", "Emeka Nwosu"),
        ("what share of our ARR is at risk?", "42.3 % of the ARR: EUR 3,768,364 of EUR 8,901,867; 28.6 % of the accounts: 38 of 133.", "TF-1253"),
        ("invoices falling due from 8 to 12 December 2026", "due from 8 Dec 2026 to 12 Dec 2026", "TF-1055"),
        ("did Zephyrine already renew?", "Outcomes, Zephyrine Labs", "2026-11-20"),
        ("did we lose anybody this month?", "1 customer lost this month", "Pembridge Water"),
        ("parent of Tamarind Iberia?", "Tamarind Iberia belongs to Tamarind Facilities; no account belongs to it (accounts).", ""),
        ("what is our NPS this quarter?", "NPS (promoters less detractors, %): 42.86.", "Tiryns Insurance Brokers"),
        ("how many QBRs did we have in Q3 2026?", "98 touchpoints of 94 accounts", "Quarrystone Facilities"),
        ("what is the last note about Solvanta?", "shown: the newest.", "Jonas Cohen asked bluntly"),
        ("goals that are behind", "Goals, behind: 30 goals of 27 accounts.", "2026-11-21"),
        ("total seats of SMB accounts", "Total seats: 546, over 25 accounts", "Pelagia Insurance Brokers"),
        ("who has the most seats?", "Highest seats: Cormorant Security AB, 620.", "TF-1040"),
        ("how many hours a week does Nele Hartog work?", "Hours: 0.", "Ruth Castellanos"),
        ("how many hours does our support have per week?", "Colleagues, in support: 2 colleagues.", "Grace Otieno"),
        ("how many people are on Ruth's team?", "5 people report to Ruth Castellanos (people).", "Nele Hartog"),
        ("meetings next week", "Nothing that is dated after 23 Nov 2026 is read.", ""),
        ("which CSM has the lowest average health?", "Sadia Karim has the lowest average: 72.7.", "72.7"),
        ("Enterprise accounts without a QBR", "Without QBRs on record, Enterprise: 2 accounts", "TF-1361"),
        ("unanswered emails since October", "e-mails, not answered: 26 touchpoints of 18 accounts.", "Bramble Publishing"),
        ("emails not answered by Nimbara", "Nimbara Textiles, e-mails, not answered: 0 touchpoints", ""),
        ("has Nimbara replied to us yet?", "Last heard from them on 13 Nov 2026.", "2026-10-22"),
        ("when did we last meet Nimbara?", "Yara Keller (IT Manager) wrote on 23 Oct and has waited 31 days", "2026-10-22"),
        ("did Nimbara pay us?", "No overdue invoice of Nimbara Textiles is on record.", "INV-21633"),
        ("what has worked for relationship erosion before?", "3 plays for relationship erosion ended", "Kingfisher"),
    ],
)  # fmt: skip
def test_a_question_about_many_things_is_answered_with_its_rows(
    sample: AskContext, question: str, sentence: str, row: str
) -> None:
    text = shown_text(asked(sample, question))
    assert sentence in text
    assert row in text


@pytest.mark.parametrize(
    ("question", "words"),
    [("the zodiac sign of Hinode Robotics", "“zodiac”"), ("the shoe size of Sadia Karim", "“shoe”, “size”"), ("invoices that smell", "“smell”")],
)  # fmt: skip
def test_a_question_that_is_read_in_part_is_not_answered_with_something_else(
    sample: AskContext, question: str, words: str
) -> None:
    (part,) = asked(sample, question).parts
    assert part.kind == "unclear"
    assert words in part.sentences[0]


@pytest.mark.parametrize(
    "question",
    [
        "Enterprise accounts except the zodiac ones",
        "open tickets but not those of Brazil",
        "accounts with no notes since September",
    ],
)
def test_a_word_that_turns_a_question_round_is_never_left_out(sample: AskContext, question: str) -> None:
    (part,) = asked(sample, question).parts
    assert part.kind == "unclear"
    assert not part.tables


def test_two_questions_in_one_sentence_get_two_answers(sample: AskContext) -> None:
    first, second = asked(
        sample, "how many hours a week does Hannah Brandt work, and how many accounts does she have?"
    ).parts
    assert "Hours: 32." in first.sentences[0] + first.sentences[-1]
    assert second.sentences[0].startswith("CSM Hannah Brandt: ")


def test_the_person_of_the_first_question_takes_the_place_of_the_pronoun_and_of_no_other_letters(
    sample: AskContext,
) -> None:
    question = "how many hours a week does Diego Marin work, and when did he write the last note?"
    _, second = asked(sample, question).parts
    assert "Notes, by Diego Marin" in second.sentences[0]


def test_months_keep_their_order_and_none_is_said_to_have_the_most(sample: AskContext) -> None:
    (part,) = asked(sample, "accounts at risk by month").parts
    assert not any("has the most" in sentence for sentence in part.sentences)


def test_a_sentence_that_is_read_whole_is_one_question(sample: AskContext) -> None:
    (part,) = asked(sample, "when does Hinode Robotics renew, and who owns it?").parts
    assert "Hinode Robotics renews on 5 Feb 2027" in part.sentences[0]
    assert any("Sadia Karim is the CSM" in sentence for sentence in part.sentences)


def test_of_open_tickets_only_those_that_are_open_are_shown(sample: AskContext) -> None:
    (part,) = asked(sample, "open tickets jasperine & pillai").parts
    (table,) = part.tables
    assert len(table.rows) == 4
    assert all("closed" not in row[1] for row in table.rows)


def test_the_owners_of_the_list_before_are_shown_without_a_word_that_was_not_understood(sample: AskContext) -> None:
    answer = asked(sample, "who owns them?", "Enterprise accounts at risk over 150k")
    text = shown_text(answer)
    assert "Sadia Karim" in text
    assert "No filter understands" not in text
    assert "Enterprise" in answer.carried


def test_a_week_that_is_not_kept_is_said(sample: AskContext) -> None:
    text = shown_text(asked(sample, "compare this week with three months ago"))
    assert "No week of 23 Aug 2026 is kept; compared with the oldest kept week, of 19 Oct 2026." in text


def test_a_cause_without_a_review_that_found_causes_is_said_and_not_dropped(sample: AskContext) -> None:
    text = shown_text(asked(sample, "Enterprise accounts with cause product fit"))
    assert "Not applied, because no review in the store has found causes yet: “cause product fit”." in text


def test_hostile_words_of_customers_stand_in_quotation_marks(sample: AskContext) -> None:
    (part,) = asked(sample, "tickets opened in November").parts
    (table,) = part.tables
    place = table.columns.index("subject")
    assert all(row[place].startswith("“") and row[place].endswith("”") for row in table.rows)


# a model ----------------------------------------------------------------------------------------------------------

QUESTION = "huge Enterprise tickets that burn"
GOOD = {
    "fits": True, "subject": "tickets", "measure": "list", "amount": "", "group": "", "sort": "", "ascending": False, "top": 0,
    "history": "", "since": "",
    "filters": [
        {"field": "segment", "op": "is", "value": "Enterprise", "words": "Enterprise"},
        {"field": "escalated", "op": "is", "value": "true", "words": "burn"},
    ],
}  # fmt: skip
WRONG = {**GOOD, "filters": [*GOOD["filters"], {"field": "region", "op": "is", "value": "EMEA", "words": "huge"}]}  # type: ignore[misc]


def with_model(sample: AskContext, server: ModelServer) -> AskContext:
    settings = SHIPPED.model.model_copy(update={"name": "small", "url": server.url, "retries": SHIPPED.model.retries.model_copy(update={"value": 0})})  # fmt: skip
    sample.base.configuration = SHIPPED.model_copy(update={"model": settings})
    sample.client = OpenAIClient(settings, server.url, "key-of-the-test")
    return sample


@pytest.fixture
def modelled(sample: AskContext) -> Iterator[AskContext]:
    yield sample
    sample.client, sample.base.configuration = None, SHIPPED


def test_the_model_fills_in_the_query_and_code_runs_it(modelled: AskContext) -> None:
    with ModelServer(answers(json.dumps(GOOD))) as server:
        answer = asked(with_model(modelled, server), QUESTION)
    assert answer.answered_by == "model"
    assert answer.steps == ("query(tickets: Segment Enterprise, escalated true)",)
    (part,) = answer.parts
    assert "Tickets, segment Enterprise, escalated true" in part.sentences[1]
    assert "“huge”" in part.sentences[0], "a word that neither the grammar nor the model took is said first"


def test_a_fault_goes_back_by_name_and_the_second_answer_counts(modelled: AskContext) -> None:
    with ModelServer(answers(json.dumps(WRONG)), answers(json.dumps(GOOD))) as server:
        answer = asked(with_model(modelled, server), QUESTION)
        assert "tickets have no field 'region'" in server.asked[1].last
    assert answer.answered_by == "model"
    assert answer.tokens.calls == 2


def test_after_two_rounds_of_faults_the_reading_of_the_grammar_stands(modelled: AskContext) -> None:
    with ModelServer(otherwise=answers(json.dumps(WRONG))) as server:
        answer = asked(with_model(modelled, server), QUESTION)
        assert len(server.asked) == 3, "the question and two rounds of repair"
    assert answer.answered_by == "rules"
    assert "unknown_field" in answer.note
    assert "Enterprise" in answer.parts[0].sentences[1]


def test_a_model_that_fails_leaves_the_grammar_to_answer(modelled: AskContext) -> None:
    with ModelServer(otherwise=fails(500)) as server:
        answer = asked(with_model(modelled, server), QUESTION)
    assert answer.answered_by == "rules"
    assert answer.note.startswith("The grammar answered")
    assert answer.parts


def test_what_the_grammar_understands_whole_asks_no_model(modelled: AskContext) -> None:
    with ModelServer(otherwise=fails(500)) as server:
        answer = asked(with_model(modelled, server), "open tickets of Enterprise accounts")
        assert server.asked == []
    assert answer.answered_by == "rules"


NO_QUERY = {**GOOD, "fits": False, "filters": []}


def test_rows_that_the_grammar_found_are_not_replaced_by_a_tool_that_a_model_guesses(modelled: AskContext) -> None:
    with ModelServer(answers(json.dumps(NO_QUERY)), calls_a_tool("late_commitments", "{}")) as server:
        answer = asked(with_model(modelled, server), QUESTION)
        assert len(server.asked) == 1
    (part,) = answer.parts
    assert answer.answered_by == "rules"
    assert part.query is not None
    assert part.query.subject == "tickets"


def test_a_question_that_only_the_model_understood_says_first_how_it_was_taken(modelled: AskContext) -> None:
    with ModelServer(
        calls_a_tool("late_commitments", "{}"), otherwise=calls_a_tool("late_commitments", "{}")
    ) as server:
        answer = asked(with_model(modelled, server), "anything fishy going on with our word to them?")
    (part,) = answer.parts
    assert part.kind == "late"
    assert part.sentences[0] == (
        "The model took this as a question about what was promised and is late; it may not be what you ask."
    )


def test_a_tool_that_the_grammar_would_choose_as_well_needs_no_such_sentence(modelled: AskContext) -> None:
    with ModelServer(otherwise=calls_a_tool("changes_since_last_week", "{}")) as server:
        answer = asked(with_model(modelled, server), "what changed since last week, in the north?")
    assert all(not part.taken_as for part in answer.parts)


@pytest.mark.long
def test_the_right_query_answers_nine_of_ten_questions_about_many_things() -> None:
    found = run_oracle(SHIPPED)
    assert found.right / found.questions >= 0.9, found.faults


def test_the_command_line_shows_the_rows_of_another_subject(tmp_path: Path) -> None:
    on = ("--data", str(PORTFOLIO), "--as-of", "2026-11-23", "--store", str(tmp_path / "store"))
    ran = saveplay("ask", "open urgent tickets by account", *on)
    assert ran.code == 0, ran.err
    assert "Tickets by account (from tickets of 23 Nov 2026)" in ran.out
    assert "Zenobia Robotics AB" in ran.out
