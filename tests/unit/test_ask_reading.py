"""Reading of a question without a model: its kind, its slice, and the statements in it."""

import pytest

from domain.dossier import Person
from tests.builders import AS_OF, SHIPPED, build_dossier
from tools.ask.parse_question import find_statements, parse_question
from tools.ask.user_statements import add_statements, excluded_actions
from tools.evidence.causes import diagnose

PEOPLE = {
    person_id: Person(person_id=person_id, name=name, email=None, role="csm", manager_id=None, weekly_hours=None)
    for person_id, name in (("P-1", "Sadia Karim"), ("P-2", "Ruth Karim"), ("P-3", "Óscar Núñez"))
}
SEGMENTS = ("Enterprise", "Mid-market", "SMB")


def reading(question: str):  # type: ignore[no-untyped-def]
    return parse_question(question, SHIPPED, PEOPLE, SEGMENTS)


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("build a save play for Northwind", "save_play"),
        ("bild a svae play for Northwind", "save_play"),
        ("What should we do about Northwind?", "save_play"),
        ("how do we keep Northwind", "save_play"),
        ("Rettungsplan für Northwind", "save_play"),
        ("plan de sauvetage pour Northwind", "save_play"),
        ("why is Northwind at risk?", "why"),
        ("Warum ist Northwind gefährdet?", "why"),
        ("pourquoi Northwind ?", "why"),
        ("explain the risk of Northwind", "why"),
        ("What changed since last week?", "changes"),
        ("Was hat sich geändert?", "changes"),
        ("who got worse", "changes"),
        ("Who is overloaded?", "load"),
        ("who has time for another account", "load"),
        ("Wer ist überlastet?", "load"),
        ("what was promised and is late?", "late"),
        ("overdue actions of Sadia", "late"),
        ("Was ist überfällig?", "late"),
        ("intervention plan for Enterprise", "plan"),
        ("intervention plan for the critical tier", "plan"),
        ("Northwind", None),
        ("what is the weather like", None),
        ("", None),
        ("!!!???", None),
        ("\u202e\u200b", None),
    ],
)  # fmt: skip
def test_a_question_is_of_the_kind_that_its_words_say(question: str, kind: str | None) -> None:
    assert reading(question).kind == kind


@pytest.mark.parametrize(
    ("question", "tier", "segment", "csm"),
    [
        ("intervention plan for the critical accounts", "critical", None, None),
        ("plan for high risk accounts in Enterprise", "high", "Enterprise", None),
        ("plan for mid market", None, "Mid-market", None),
        ("plan for Sadia", None, None, "P-1"),
        ("plan for Sadia Karim", None, None, "P-1"),
        ("plan for Karim", None, None, None),
        ("plan for Oscar Nunez", None, None, "P-3"),
        ("plan for nobody", None, None, None),
    ],
)  # fmt: skip
def test_tier_segment_and_csm_are_understood_and_a_shared_surname_names_nobody(
    question: str, tier: str | None, segment: str | None, csm: str | None
) -> None:
    found = reading(question)
    assert (found.tier, found.segment, found.csm_id) == (tier, segment, csm)


@pytest.mark.parametrize(
    ("question", "month"),
    [
        ("the logistics customer renewing in January", 1),
        ("der Kunde mit Verlängerung im März", 3),
        ("renewing in may", 5),
        ("you may look", None),
        ("who renews in décembre", 12),
    ],
)
def test_the_month_of_a_renewal_is_understood_in_four_languages(question: str, month: int | None) -> None:
    assert reading(question).month == month


@pytest.mark.parametrize(
    ("question", "signals", "tried"),
    [
        ("save play for Northwind, they are talking to a competitor", {"evaluating_alternatives", "competitor_named"}, 0),
        ("save play for Northwind, they are not talking to a competitor", set(), 0),
        ("save Northwind, the CFO asks what they get for it", {"value_doubted"}, 0),
        ("save Northwind, we already offered a discount", set(), 1),
        ("save Northwind, they want a discount", {"budget_cut"}, 0),
        ("save Northwind, their budget was cut by half", {"budget_cut"}, 0),
        ("save Northwind. Their champion left and they have gone quiet", {"champion_status", "unanswered_outreach"}, 0),
        ("save Northwind, they do not answer any more", {"unanswered_outreach"}, 0),
        ("save Northwind, the new CFO reorganises everything", {"sponsor_changed", "reorganisation"}, 0),
        ("save Northwind, they were acquired", {"reorganisation"}, 0),
        ("save Northwind, the card was declined", {"payment_failed"}, 0),
        ("save Northwind after the second outage", {"escalations"}, 0),
        ("save Northwind, they are missing the SSO integration", {"feature_gap"}, 0),
        ("save Northwind", set(), 0),
    ],
)  # fmt: skip
def test_what_the_asker_says_is_heard_and_a_negation_switches_it_off(
    question: str, signals: set[str], tried: int
) -> None:
    said, before = find_statements(question, SHIPPED)
    assert {item.signal for item in said} == signals
    assert len(before) == tried
    assert all(item.quote in " ".join(question.split()) for item in said)


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        ("they are talking to a competitor", "competitive_displacement"),
        ("the CFO asks what they get for it", "value_gap"),
        ("their budget was cut", "commercial_friction"),
        ("a missing integration blocks them, they need the API", "product_fit"),
        ("they are being reorganised, a merger", "customer_side_change"),
        ("their champion left and they have gone quiet", "relationship_erosion"),
        ("there was a second outage and it was escalated", "service_failure"),
    ],
)  # fmt: skip
def test_what_is_said_about_a_quiet_account_decides_the_cause_but_never_a_score(words: str, cause: str) -> None:
    plain = build_dossier({}, as_of=AS_OF)
    said, _ = find_statements(words, SHIPPED)
    heard = add_statements(plain, said, SHIPPED, AS_OF)
    assert diagnose(heard, SHIPPED.causes, SHIPPED.scoring).category == cause
    assert (heard.risk, heard.health, heard.churn_probability) == (plain.risk, plain.health, plain.churn_probability)
    assert [part.risk_points for part in heard.contributions] == [part.risk_points for part in plain.contributions]
    first = heard.evidence[0]
    assert first.id == "A1"
    assert first.source == "the person who asks"
    assert first.statement.startswith("According to the person who asks")


def test_saying_nothing_changes_nothing() -> None:
    plain = build_dossier({"escalations": 3.0}, as_of=AS_OF)
    assert add_statements(plain, (), SHIPPED, AS_OF) is plain


def test_a_stated_evaluation_makes_the_account_urgent_and_words_never_make_it_less_urgent() -> None:
    said, _ = find_statements("they are talking to a competitor", SHIPPED)
    assert add_statements(build_dossier({}, as_of=AS_OF), said, SHIPPED, AS_OF).intervention_tier == "critical"
    mild, _ = find_statements("the CFO asks what they get for it", SHIPPED)
    urgent = build_dossier({}, as_of=AS_OF, intervention_tier="critical")
    assert add_statements(urgent, mild, SHIPPED, AS_OF).intervention_tier == "critical"


def test_after_an_offered_discount_no_action_gives_money_away() -> None:
    _, tried = find_statements("we already offered a discount", SHIPPED)
    left_out = excluded_actions(SHIPPED, tried)
    giving = {a.id for book in SHIPPED.playbooks.values() for a in book.actions if a.concession}
    assert left_out == giving
    assert giving
    assert excluded_actions(SHIPPED, ()) == frozenset()
