"""Questions about actions, people, tickets, invoices and the weeks before: subject, filters and days that the grammar reads."""

from datetime import date

import pytest

from app.desk.answers import answer_for
from domain.configuration import Subject
from domain.desk import Member
from domain.questions import AnswerPart, AnswerTable, FilterDraft, PortfolioQuery, QueryDraft, QuestionAnswer
from tests.builders import SHIPPED
from tests.unit.test_ask_query import PEOPLE
from tools.ask.parse_query import QuestionTerms, parse_query
from tools.ask.query_draft import DraftCheck
from tools.ask.run_query import ACCOUNT_FIELDS
from tools.ask.subject_tables import SUBJECTS

TODAY = date(2026, 11, 23)
TERMS = QuestionTerms(
    PEOPLE,
    ("Enterprise", "Mid-market", "SMB"),
    TODAY,
    "EUR",
    asker="P-2",
    causes={key: rule.label for key, rule in SHIPPED.causes.causes.items()},
    incidents={"release 5.2, E-417": ("5.2", "E-417")},
)


def read(question: str) -> PortfolioQuery:
    return parse_query(question, SHIPPED.asking, TERMS)


@pytest.mark.parametrize(
    ("question", "subject"),
    [
        ("which Enterprise accounts are at risk?", "accounts"),
        ("number of open actions by owner", "actions"),
        ("which champions left?", "people"),
        ("quels champions sont partis ?", "people"),
        ("what shared problems do customers report?", "incidents"),
        ("how many save plays are running?", "plays"),
        ("renewals in January by month", "renewals"),
        ("what did customers say about competitors?", "quotations"),
        ("welche Tickets sind noch offen?", "tickets"),
        ("wie viele Rechnungen sind überfällig?", "invoices"),
        ("which customers shrank at their last renewal?", "outcomes"),
        ("what did detractors write in the last survey?", "surveys"),
        ("how many QBRs did we have last month?", "touchpoints"),
        ("emails nobody answered", "touchpoints"),
        ("Notizen zu Hinode", "notes"),
        ("quels objectifs sont en retard ?", "goals"),
        ("weekly hours of Emeka", "colleagues"),
        ("accounts with an NPS below 7", "accounts"),
        ("which CSM has the most goals behind?", "goals"),
        ("accounts with overdue invoices", "accounts"),
        ("customers in the E-417 incident", "accounts"),
        ("which customers have the most open tickets?", "tickets"),
        ("who left the at-risk list since October?", "accounts"),
    ],
)
def test_the_subject_is_what_is_asked_for_and_not_what_it_has(question: str, subject: str) -> None:
    assert read(question).subject == subject


@pytest.mark.parametrize(
    ("question", "says"),
    [
        ("open urgent tickets", "open; urgent"),
        ("escalated tickets since October", "escalated; opened since 1 Oct 2026"),
        ("tickets opened in November", "opened from 1 Nov 2026 to 30 Nov 2026"),
        ("how many tickets did Enterprise customers open in November?", "Enterprise; opened from 1 Nov 2026 to 30 Nov 2026"),
        ("tickets of the last 30 days", "opened from 24 Oct 2026 to 23 Nov 2026"),
        ("offene Tickets seit dem 3. Oktober", "open; opened since 3 Oct 2026"),
        ("what does Sadia still have to do this week?", "due until 29 Nov 2026; open; owner Sadia Karim"),
        ("invoices more than 30 days overdue", "due before 24 Oct 2026; overdue"),
        ("champions at Mid-market accounts renewing in January", "Mid-market; champions; renewal from 1 Jan 2027 to 31 Jan 2027"),
        ("plays for relationship erosion", "cause relationship erosion"),
        ("contacts called Mansour", "called Mansour"),
        ("which of Diego's accounts did nobody touch in the last 10 days?", "CSM Diego Marin; not touched since 13 Nov 2026"),
        ("accounts with invoices more than 30 days overdue", "with an invoice more than 30 days overdue"),
        ("accounts without an active champion", "without an active champion"),
        ("renewals before 15 December", "renewal from 23 Nov 2026 to 14 Dec 2026"),
        ("renewals in the first quarter of 2027", "renewal from 1 Jan 2027 to 31 Mar 2027"),
        ("QBRs in Q3", "QBRs; from 1 Jul 2026 to 30 Sep 2026"),
        ("NPS of 6 or lower in November", "NPS; NPS of 6 or lower; from 1 Nov 2026 to 30 Nov 2026"),
        ("detractors since September with comments", "detractors (0 to 6); since 1 Sep 2026; with a comment"),
        ("notes by Sadia this month", "by Sadia Karim; from 1 Nov 2026 to 30 Nov 2026"),
        ("goals that are behind", "behind"),
        ("unanswered emails since October", "e-mails; not answered; since 1 Oct 2026"),
        ("calls they did not answer in November", "calls; from 1 Nov 2026 to 30 Nov 2026; not answered"),
        ("customers with no call in the last 60 days", "without calls since 24 Sep 2026"),
        ("Enterprise accounts without a QBR", "Enterprise; without QBRs on record"),
        ("accounts with falling usage", "with falling usage"),
    ],
)  # fmt: skip
def test_filters_and_days_are_read_as_they_are_said(question: str, says: str) -> None:
    query = read(question)
    assert "; ".join(sorted(condition.says for condition in query.conditions)) == says
    assert query.unapplied == ()


@pytest.mark.parametrize(
    ("question", "field", "inside", "outside"),
    [
        ("accounts with more than 300 seats", "seats", (300.1, 301), (299, 300)),
        ("accounts with at least 300 seats", "seats", (300, 301), (299,)),
        ("accounts with fewer than 300 seats", "seats", (299,), (300, 301)),
        ("accounts with at most 300 seats", "seats", (299, 300), (301,)),
        ("Kunden mit höchstens 300 Lizenzen", "seats", (300,), (301,)),
        ("clients avec plus de 300 licences", "seats", (301,), (300,)),
        ("clientes con menos de 300 licencias", "seats", (299,), (300,)),
        ("accounts with an NPS of 6 or lower", "nps", (0, 6), (6.5, 7)),
        ("accounts with an NPS of 9 or higher", "nps", (9, 10), (8.9,)),
        ("accounts with a pulse between 2 and 3", "csm_pulse", (2, 3), (1, 3.5)),
        ("accounts with health below 60", "health", (59.9,), (60,)),
        ("accounts with usage down by more than 30 %", "active_users_trend", (-31, -80), (-29, 5)),
        ("accounts with seat utilisation under 40 percent", "seat_utilisation", (39,), (40,)),
        ("accounts whose chance of leaving is above 10 %", "chance", (10.1,), (10,)),
    ],
)
def test_a_figure_is_bounded_as_it_is_said(
    question: str, field: str, inside: tuple[float, ...], outside: tuple[float, ...]
) -> None:
    (condition,) = read(question).conditions
    low = -1e9 if condition.low is None else condition.low
    high = 1e9 if condition.high is None else condition.high
    assert condition.field == field
    assert isinstance(low, float | int)
    assert isinstance(high, float | int)
    assert all(low <= value < high for value in inside)
    assert not any(low <= value < high for value in outside)
    assert read(question).unapplied == ()


def test_an_amount_of_money_beside_at_risk_is_no_risk_score() -> None:
    assert [each.field for each in read("midmarket at risk > 60k").conditions] == ["arr", "at_risk", "segment"]


@pytest.mark.parametrize(
    ("question", "sort", "ascending", "top", "group", "measure"),
    [
        ("which account has the most seats?", "seats", False, 1, None, "list"),
        ("the 3 accounts with the lowest NPS", "nps", True, 3, None, "list"),
        ("which customers have the lowest health?", "health", True, 10, None, "list"),
        ("top 5 accounts by seats", "seats", False, 5, None, "list"),
        ("which CSM has the lowest average health?", "health", True, 10, "csm", "average"),
        ("which segment has the most ARR?", "arr", False, 10, "segment", "sum"),
        ("seats by segment", "arr", False, None, "segment", "sum"),
        ("average pulse by segment", "arr", False, None, "segment", "average"),
    ],
)
def test_the_highest_and_the_lowest_are_asked_for_by_figure(
    question: str, sort: str, ascending: bool, top: int | None, group: str | None, measure: str
) -> None:
    query = read(question)
    assert (query.sort, query.ascending, query.group, query.measure) == (sort, ascending, group, measure)
    assert group is not None or query.top == top


@pytest.mark.parametrize(
    ("question", "top"),
    [
        ("the last note on renewals", 1),
        ("last 3 notes", 3),
        ("latest notes", None),
        ("last QBR", 1),
        ("last three calls", 3),
    ],
)
def test_the_newest_rows_are_asked_for_by_number(question: str, top: int | None) -> None:
    query = read(question)
    assert (query.sort, query.ascending, query.top) == ("day", False, top)


@pytest.mark.parametrize(
    ("question", "history", "since"),
    [
        ("who joined the list in the last three weeks?", "joined", date(2026, 11, 2)),
        ("wer ist in den letzten zwei Wochen neu auf der Liste?", "joined", date(2026, 11, 9)),
        ("who left the at-risk list since October?", "left", date(2026, 10, 1)),
        ("compare this week with two weeks ago", "compare", date(2026, 11, 9)),
        ("are we better or worse than three weeks ago?", "compare", date(2026, 11, 2)),
        ("how did the portfolio develop over the last weeks?", "course", None),
        ("evolución de la cartera en las últimas semanas", "course", None),
        ("which accounts are at risk?", None, None),
        ("compare Sadia and Diego", None, None),
    ],
)
def test_a_question_about_the_weeks_before_names_the_other_week(
    question: str, history: str | None, since: date | None
) -> None:
    query = read(question)
    assert (query.history, query.since) == (history, since)


@pytest.mark.parametrize(
    "question", ["who owns the red accounts", "which accounts are owned by Sadia", "red accounts listed by ARR"]
)
def test_a_word_that_was_understood_in_another_form_is_not_said_to_be_unknown(question: str) -> None:
    assert read(question).unapplied == ()


def test_a_word_that_nothing_understands_is_named_also_for_other_subjects() -> None:
    assert read("open tickets in Brazil").unapplied == ("brazil",)


def test_every_filter_of_the_configuration_is_a_field_that_the_engine_knows() -> None:
    for subject, rule in SHIPPED.asking.subjects.items():
        table = SUBJECTS[subject]
        known = table.fields.keys() | ACCOUNT_FIELDS.keys() | {"day"}
        assert {each.field for each in rule.filters} <= known, subject
        assert rule.groups.keys() <= table.fields.keys() | {"account", "month", "owner"}, subject
        assert rule.amounts.keys() <= table.amounts.keys(), subject
    assert SHIPPED.asking.figures.keys() <= ACCOUNT_FIELDS.keys() | SHIPPED.scoring.signals.keys()


@pytest.mark.parametrize(
    ("subject", "column"), [("actions", "owner"), ("touchpoints", "our person"), ("notes", "author")]
)
@pytest.mark.parametrize(("role", "sees"), [("viewer", False), ("csm", True), ("manager", True)])
def test_a_viewer_sees_rows_without_the_colleague(role: str, sees: bool, subject: Subject, column: str) -> None:
    assert column in {each.title for each in SUBJECTS[subject].columns}
    table = AnswerTable(
        title="Rows",
        columns=("what", column, "on"),
        rows=(("Call", "Sadia Karim", "2026-12-01"),),
        source="rows",
    )
    part = AnswerPart(kind="list", sentences=("1 row.",), query=PortfolioQuery(subject=subject), tables=(table,))
    answer = QuestionAnswer(question="open actions", as_of=TODAY, parts=(part,), answered_by="rules")
    member = Member(name="Reader", role=role, person_id=None)  # type: ignore[arg-type]
    (shown,) = answer_for(member, answer, colleague_named=False).parts
    assert ("Sadia Karim" in str(shown.tables)) is sees


# a query that a model filled in -----------------------------------------------------------------------------------


def checked(question: str, draft: QueryDraft) -> tuple[list[str], PortfolioQuery | None]:
    check = DraftCheck(question, SHIPPED.asking, TERMS, lambda words: None, None, read(question))
    return [fault.code for fault in check(draft)], check.query


def draft(*filters: FilterDraft, **more: object) -> QueryDraft:
    given = {"fits": True, "subject": "accounts", "measure": "list", "filters": filters}
    return QueryDraft.model_validate({**given, **more})


def one(field: str, value: str, words: str, op: str = "is") -> FilterDraft:
    return FilterDraft.model_validate({"field": field, "op": op, "value": value, "words": words})


@pytest.mark.parametrize(
    ("question", "wrong", "code"),
    [
        ("accounts in Brazil", draft(one("region", "Brazil", "Brazil")), "unknown_field"),
        ("accounts of Bob", draft(one("csm", "Bob", "Bob")), "unknown_person"),
        ("accounts of Anders", draft(one("csm", "Anders Falk", "Anders")), "unknown_person"),
        ("accounts in Brazil", draft(one("segment", "Enterprise", "Brazil big")), "words_not_in_question"),
        ("big deals in Brazil", draft(one("segment", "Brazil", "Brazil")), "unknown_value"),
        ("open tickets of Hinode", draft(one("account", "Hinode", "Hinode"), subject="tickets"), "unknown_account"),
        ("accounts renewing soon", draft(one("renewal", "soon", "soon", "below")), "no_day"),
        ("big accounts in Brazil", draft(group="region"), "unknown_group"),
        ("red Enterprise accounts", draft(one("band", "red", "red")), "filter_left_out"),
    ],
)  # fmt: skip
def test_a_fault_of_the_models_query_goes_back_by_name(question: str, wrong: QueryDraft, code: str) -> None:
    codes, query = checked(question, wrong)
    assert code in codes
    assert query is None


def test_a_models_query_says_what_it_left_out() -> None:
    codes, query = checked("what huge deals in Brazil run with Sadia", draft(one("csm", "Sadia Karim", "Sadia"), one("arr", "100000", "huge deals", "at_least")))  # fmt: skip
    assert codes == []
    assert query is not None
    assert [condition.says for condition in query.conditions] == ["CSM Sadia Karim", "ARR from 100,000"]
    assert "brazil" in query.unapplied
    assert "huge" not in query.unapplied
