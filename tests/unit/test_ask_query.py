"""Questions about many accounts: the filters, figures and order that the grammar reads, and what it does not understand."""

from datetime import date

import pytest

from domain.dossier import Person
from tests.builders import SHIPPED
from tools.ask.find_people import named_people
from tools.ask.parse_query import QuestionTerms, parse_query
from tools.ask.parse_question import find_statements

PEOPLE = {
    person_id: Person(person_id=person_id, name=name, email=None, role=role, manager_id=None, weekly_hours=None)  # type: ignore[arg-type]
    for person_id, name, role in (
        ("P-1", "Sadia Karim", "csm"), ("P-2", "Diego Marin", "csm"), ("P-3", "Anders Falk", "exec_sponsor"),
        ("P-4", "Ruth Castellanos", "cs_manager"), ("P-5", "Philippa Grant", "product"),
    )
}  # fmt: skip
TERMS = QuestionTerms(PEOPLE, ("Enterprise", "Mid-market", "SMB"), date(2026, 11, 23), "EUR", asker="P-2")


def understood(question: str) -> str:
    query = parse_query(question, SHIPPED.asking, TERMS)
    return "; ".join(sorted(condition.says for condition in query.conditions))


@pytest.mark.parametrize(
    ("question", "says"),
    [
        ("Enterprise accounts renewing before February owned by Sadia",
         "CSM Sadia Karim; Enterprise; renewal from 23 Nov 2026 to 31 Jan 2027"),
        ("accounts over 100k that are at risk", "ARR above EUR 100,000; at risk"),
        ("customers between 50k and 80k", "ARR from EUR 50,000 to EUR 80,000"),
        ("accounts of Anders Falk without a CSM", "executive sponsor Anders Falk; without a CSM"),
        ("red accounts in Ruth Castellanos' team", "red health; team of Ruth Castellanos"),
        ("my accounts that are red", "CSM Diego Marin; red health"),
        ("rote Kunden, die im Januar verlängern", "red health; renewal from 1 Jan 2027 to 31 Jan 2027"),
        ("accounts renewing in the next 30 days", "renewal from 23 Nov 2026 to 23 Dec 2026"),
        ("accounts with health below 60", "health below 60"),
    ],
)  # fmt: skip
def test_a_filter_is_read_as_it_is_said(question: str, says: str) -> None:
    assert understood(question) == says


def test_a_filter_that_nothing_understands_is_named_and_not_dropped() -> None:
    query = parse_query("at-risk accounts in Brazil", SHIPPED.asking, TERMS)
    assert query.unapplied == ("brazil",)


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("how many accounts are at risk", ("count", None, None, "arr")),
        ("total ARR by segment", ("sum", "segment", None, "arr")),
        ("median ARR per CSM", ("median", "csm", None, "arr")),
        ("the three biggest accounts", ("list", None, 3, "arr")),
        ("top 5 accounts sorted by renewal", ("list", None, 5, "renewal")),
    ],
)
def test_measure_group_number_and_order_are_read(
    question: str, expected: tuple[str, str | None, int | None, str]
) -> None:
    query = parse_query(question, SHIPPED.asking, TERMS)
    assert (query.measure, query.group, query.top, query.sort) == expected


@pytest.mark.parametrize(
    ("words", "who"),
    [
        ("what is Sadia late with?", ["P-1"]),
        ("Diego's customers", ["P-2"]),
        ("S. Karim and D. Marin", ["P-1", "P-2"]),
        ("accounts of Sadai Karim", ["P-1"]),
        ("customers in Marino", []),
        ("We grant Hinode a discount", []),
    ],
)
def test_people_are_found_by_the_names_that_people_use_and_not_by_a_common_word(words: str, who: list[str]) -> None:
    assert [named.person.person_id for named in named_people(words, PEOPLE)] == who


@pytest.mark.parametrize(
    "question", ["is the champion at Hinode gone?", "has their CFO left?", "ist ihr Champion gegangen?"]
)
def test_a_question_is_not_taken_as_a_statement(question: str) -> None:
    assert find_statements(question, SHIPPED)[0] == ()


def test_a_reason_in_a_question_is_still_heard() -> None:
    said, _ = find_statements("is Hinode at risk now that their champion left?", SHIPPED)
    assert [statement.signal for statement in said] == ["champion_status"]
