"""Open places of a step: what fills them, when a step is not offered, and which of two facts comes first."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.dossier import Contact, Person
from domain.facts import Fact, MeetingFact, PromiseFact, UsageFact
from domain.plan_language import FactQuery, PersonQuery, Step, StepPerson
from domain.playbook import PHASES, PlaybookAction
from domain.tables import Role
from tests.builders import AS_OF, SHIPPED, build_context, made_up_team
from tests.unit.test_plays_about_money import (
    BUYER,
    CHAMPION,
    DOUBT,
    GOAL,
    TICKET,
    invoice,
    person,
    play,
    record,
    renewal,
    said,
    steps,
)
from tools.evidence.fact_words import fact_name, fact_reason
from tools.save_play.binding import AccountFacts, bind
from tools.save_play.fact_tests import TESTS, passes
from tools.save_play.selection import replace_name, suitable_actions
from tools.wording import quote

GONE = person("Cora Moss", "champion").model_copy(update={"status": "departed", "departed_on": AS_OF})
WAITING = person("Dora Nash", "user").model_copy(update={"waiting_since": AS_OF - timedelta(days=9)})
NEW_CFO = person("", "").model_copy(
    update={
        "id": "contact:cfo",
        "contact_id": None,
        "name": None,
        "role": None,
        "title": "new CFO",
        "status": "new",
        "named_in": "q",
    }
)
USAGE = UsageFact(
    **record("usage", "active_users"), measure="active_users", from_on=AS_OF - timedelta(days=60), to_on=AS_OF,
    from_value=120, to_value=45, seats=200, turned_on=None,
)  # fmt: skip
PROMISE = PromiseFact(**record("promise", "p"), text="The export comes.", due_on=AS_OF, owner="Kim", kept=None)
MEETING = MeetingFact(**record("meeting", "m"), meeting="qbr", attended=False, contact_id=None, person_id=None)
EVERY_FACT: tuple[Fact, ...] = (
    BUYER, CHAMPION, GONE, WAITING, NEW_CFO, GOAL, TICKET, USAGE, PROMISE, MEETING, invoice("INV-7", 53),
    invoice("INV-8", -15), said(DOUBT, "value_doubted"), said("The new CFO wants 3 offers.", "new_decision_maker"),
)  # fmt: skip


def action(**places: Any) -> PlaybookAction:
    """An action of the library with these open places and no others."""
    plain = SHIPPED.playbooks["value_gap"].stabilise[0]
    none = {"about": (), "about_else": "", "person": (), "because": (), "amount": None, "by": None}
    return plain.model_copy(update={**none, **places})


def place(kind: str, *tests: str, **more: Any) -> FactQuery:
    return FactQuery.model_validate({"kind": kind, "is": tests, **more})


def nobody(_: Role) -> StepPerson | None:
    return None


def bound(facts: tuple[Fact, ...], **places: Any) -> Step | None:
    return bind(action(**places), AccountFacts(facts), nobody)


def their(*tests: str, **more: Any) -> tuple[PersonQuery, ...]:
    return (PersonQuery(contact=place("contact", *tests, **more)),)


# what fills a place --------------------------------------------------------------------------------------------------


def test_the_place_of_somebody_who_left_is_filled_only_by_somebody_who_left() -> None:
    assert bound((BUYER, CHAMPION, WAITING), person=their("departed")) is None
    step = bound((BUYER, CHAMPION, GONE), person=their("departed"))
    assert step is not None
    assert step.person == StepPerson(name="Cora Moss", fact=GONE.id, person_id=None)


@pytest.mark.parametrize("test", ["departed", "new", "waiting"])
def test_nobody_stands_in_for_somebody_who_left_came_or_waits(test: str) -> None:
    assert bound((BUYER, CHAMPION), person=their(test)) is None


def test_the_main_contact_stands_in_where_nobody_of_a_role_is_known() -> None:
    step = bound((CHAMPION,), person=their("active", role=("economic_buyer",)))
    assert step is not None
    assert step.person is None


def test_a_step_for_an_executive_is_not_handed_to_the_champion_when_no_executive_is_known() -> None:
    champion = Contact(contact_id="C-1", name="Ann Lee", title=None, role="champion", active=True, departed_on=None)
    drafter, context = build_context("product_fit", intervention_tier="critical", contacts=(champion,))
    steps = [step for phase in drafter.from_playbook(context).phases for step in phase.actions]
    called = next(step for step in steps if step.id == "pf-executive-promises-an-answer")
    assert "their executive sponsor (to be found)" in called.title
    assert called.contact is None
    assert any("Ann Lee" in step.action for step in steps), "others stand in for the main contact"


def test_somebody_who_left_is_never_asked_to_act() -> None:
    step = bound((GONE,), person=their("active", role=("champion",)))
    assert step is not None
    assert step.person is None


def test_without_a_fact_and_without_other_words_a_step_is_not_offered() -> None:
    about = (place("invoice", "overdue"),)
    assert bound((TICKET, invoice("INV-8", -15)), about=about) is None
    assert bound((TICKET,), about=about, about_else="the open invoices") is not None
    step = bound((TICKET, invoice("INV-7", 53)), about=about)
    assert step is not None
    assert step.about == "invoice:INV-7"


def test_the_first_alternative_that_any_fact_fits_is_what_a_step_is_about() -> None:
    about = (place("ticket", "closed"), place("goal"), place("ticket", "open"))
    assert getattr(bound((TICKET, GOAL), about=about), "about", None) == GOAL.id
    assert getattr(bound((TICKET,), about=about), "about", None) == TICKET.id


def test_an_amount_that_no_row_supports_is_not_named() -> None:
    assert bound((TICKET,), amount="seats_in_use") is None
    step = bound((TICKET, USAGE), amount="seats_in_use")
    assert step is not None
    assert step.amount is not None
    assert (step.amount.shown, step.amount.fact) == ("45", USAGE.id)
    assert bound((TICKET,), about=(place("ticket"),), amount="amount_due") is None


def test_what_a_step_is_about_is_its_first_reason_and_no_reason_stands_there_twice() -> None:
    step = bound((TICKET, GOAL), about=(place("ticket"),), because=(place("goal"), place("ticket", "open")))
    assert step is not None
    assert step.because == (TICKET.id, GOAL.id)


def test_an_escalated_ticket_comes_before_an_old_one_and_words_of_the_customer_before_both_age_and_order() -> None:
    old = TICKET.model_copy(update={"id": "ticket:T-1", "ticket_id": "T-1", "age_days": 300, "escalated": False})
    named = old.model_copy(update={"id": "ticket:T-2", "subject": "Reconciliation report", "age_days": 2})
    spoken = said("Without the reconciliation we cannot close.", "feature_gap")
    facts = AccountFacts((old, named, TICKET, spoken), decisive=(spoken.id,))
    assert [fact.id for fact in facts.find(place("ticket", "open"))] == [TICKET.id, "ticket:T-2", "ticket:T-1"]


def test_who_decides_comes_before_who_uses_in_the_order_that_the_place_names() -> None:
    facts = AccountFacts((WAITING, CHAMPION, BUYER))
    found = facts.find(place("contact", "active", role=("economic_buyer", "champion", "user")))
    assert [fact.id for fact in found] == [BUYER.id, CHAMPION.id, WAITING.id]


def test_a_reason_that_is_no_longer_on_record_is_left_out() -> None:
    assert AccountFacts((TICKET,)).all_of(("goal:gone", TICKET.id)) == [TICKET]


@settings(max_examples=40)
@given(st.permutations(EVERY_FACT))
def test_the_order_of_the_rows_changes_no_step(facts: list[Fact]) -> None:
    for cause in ("value_gap", "relationship_erosion"):
        for each in SHIPPED.playbooks[cause].actions:
            in_order = bind(each, AccountFacts(EVERY_FACT, ("quote:value_doubted",)), nobody)
            assert bind(each, AccountFacts(facts, ("quote:value_doubted",)), nobody) == in_order


def test_another_accounts_facts_make_other_steps() -> None:
    other = TICKET.model_copy(update={"id": "ticket:X-1", "ticket_id": "X-1", "subject": "Log-in fails"})
    one, two = (play("service_failure", each, CHAMPION) for each in (TICKET, other))
    assert any("T-9 “Export fails”" in step.action for step in steps(one))
    assert not any("T-9" in step.action or "Export" in step.action for step in steps(two))
    assert any("X-1 “Log-in fails”" in step.action for step in steps(two))


# tests on facts ------------------------------------------------------------------------------------------------------

DONE = TICKET.model_copy(update={"open": False, "escalated": None, "priority": "low"})
UNKNOWN = TICKET.model_copy(update={"open": None, "subject": None, "sla_breached": None, "priority": None})
PAID = invoice("INV-1", 10).model_copy(update={"status": "paid"})


@pytest.mark.parametrize(
    ("fact", "holds", "fails"),
    [
        (TICKET, ("open", "escalated", "urgent", "bad", "theirs"), ("closed", "late", "asked_again", "good", "ours")),
        (TICKET.model_copy(update={"subject": "AW: Export"}), ("asked_again",), ()),
        (DONE, ("closed",), ("open", "escalated", "urgent")),
        (UNKNOWN, (), ("open", "closed", "late", "urgent", "asked_again")),
        (CHAMPION, ("active", "on_record", "never_met"), ("departed", "new", "waiting", "met")),
        (GONE, ("departed",), ("active", "new")),
        (WAITING, ("waiting", "active"), ()),
        (NEW_CFO, ("new", "active"), ("on_record", "departed")),
        (invoice("INV-7", 53), ("overdue",), ("coming", "failed")),
        (invoice("INV-8", -15), ("coming",), ("overdue",)),
        (PAID, (), ("overdue", "coming", "failed")),
        (GOAL, ("missed", "behind"), ("on_track",)),
        (MEETING, ("missed",), ("held",)),
        (PROMISE, ("open",), ("broken",)),
        (USAGE, ("fallen", "falling"), ("stopped", "stopped_falling")),
        (renewal(-3), ("overdue",), ("ahead", "unknown")),
        (renewal(0), ("ahead",), ("overdue",)),
        (said("It costs 30 % more.", "price"), ("asserted", "with_figure", "understood"), ()),
    ],
    ids=lambda value: value.id if hasattr(value, "id") else None,
)  # fmt: skip
def test_a_test_says_yes_only_for_what_is_on_record(fact: Fact, holds: tuple[str, ...], fails: tuple[str, ...]) -> None:
    assert all(passes(fact, (test,)) for test in holds)
    assert not any(passes(fact, (test,)) for test in fails)


def test_a_test_that_a_kind_of_fact_does_not_have_is_an_error_and_no_silent_no() -> None:
    assert "overdue" not in TESTS["ticket"]
    with pytest.raises(KeyError):
        passes(TICKET, ("overdue",))


# facts in words ------------------------------------------------------------------------------------------------------


def test_a_quotation_is_shortened_at_a_word() -> None:
    assert quote("We need a better price", 12) == "“We need a …”"
    assert quote("We need a better price", 22) == "“We need a better price”"
    assert quote("Donaudampfschifffahrt", 5) == "“Donau …”"
    assert quote(None) == "“”"


def test_a_sentence_stands_with_who_said_it_who_noted_it_and_when() -> None:
    spoken = said(DOUBT, "value_doubted")
    assert fact_reason(spoken) == f"“{DOUBT}” (Ana, noted by Kim, 13 Nov)"
    nobody_known = spoken.model_copy(update={"speaker": None, "recorded_by": None, "language": "de"})
    assert fact_reason(nobody_known) == f"“{DOUBT}” (a note, 13 Nov, de)"


def test_a_new_cfo_whom_only_a_text_names_is_called_the_new_cfo() -> None:
    assert fact_name(NEW_CFO) == "the new CFO"
    assert fact_reason(NEW_CFO) == "there is a new CFO"
    step = bound((NEW_CFO, CHAMPION), person=their("new"))
    assert step is not None
    assert step.person == StepPerson(name="the new CFO", fact="contact:cfo", person_id=None)


@pytest.mark.parametrize(
    ("fact", "reason"),
    [
        (TICKET, "T-9 “Export fails” (opened 13 Nov, escalated, open 20 days)"),
        (GONE, "Cora Moss left on 23 Nov"),
        (WAITING, "Dora Nash wrote on 14 Nov and has no answer from us"),
        (invoice("INV-7", 53), "invoice INV-7 over EUR 5,000 is 53 days overdue"),
        (invoice("INV-8", -15), "invoice INV-8 over EUR 5,000 is due 8 Dec"),
        (GOAL, "the goal “Close the books in five days” is missed, due 23 Nov"),
        (MEETING, "the QBR of 13 Nov was missed"),
        (PROMISE, "we promised “The export comes.” (13 Nov, due 23 Nov)"),
        (USAGE, "active users fell from 120 (24 Sep) to 45 of 200 seats (23 Nov)"),
        (renewal(-1), "the renewal was due on 22 Nov 2026, 1 day ago"),
    ],
)  # fmt: skip
def test_each_fact_says_what_happened_and_when(fact: Fact, reason: str) -> None:
    assert fact_reason(fact) == reason


def test_a_sentence_of_the_customer_keeps_its_words_when_another_colleague_takes_the_step() -> None:
    text = "Kim calls Ana about “Kim never calls, and Kimberly is gone” and asks Kim."
    assert (
        replace_name(text, "Kim", "Lee") == "Lee calls Ana about “Kim never calls, and Kimberly is gone” and asks Lee."
    )


# choice and dates ----------------------------------------------------------------------------------------------------


def test_nothing_is_done_twice_with_the_same_person() -> None:
    for cause in ("value_gap", "service_failure", "relationship_erosion", "commercial_friction", "product_fit"):
        done = [
            (step.step.verb, step.step.person)
            for step in steps(play(cause, *EVERY_FACT, intervention_tier="critical"))
            if step.step is not None and step.step.verb and step.step.person is not None and step.step.person.fact
        ]
        assert len(done) == len(set(map(str, done))), cause


def test_a_step_about_a_fact_comes_before_one_that_fits_any_account_and_money_comes_last() -> None:
    anything = action(concession=False, signals=()).model_copy(update={"id": "vg-any"})
    about = anything.model_copy(update={"id": "vg-fact"})
    gift = anything.model_copy(update={"id": "vg-gift", "concession": True})
    filled = {
        "vg-any": Step(verb="call", because=()),
        "vg-fact": Step(verb="call", about=GOAL.id, because=(GOAL.id,)),
        "vg-gift": Step(verb="offer", about=GOAL.id, because=(GOAL.id,)),
    }
    tier, difficulty = anything.tiers[0], anything.difficulty[0]
    found = suitable_actions([gift, anything, about], tier, difficulty, {}, filled)
    assert [each.id for each in found] == ["vg-fact", "vg-any", "vg-gift"]
    assert suitable_actions([about], tier, difficulty, {}, {"vg-fact": None}) == []


def test_an_invoice_is_announced_before_its_due_date_and_not_after_it() -> None:
    for days in (12, 15, 30):
        announced = play("commercial_friction", invoice("INV-8", -days), BUYER, CHAMPION)
        step = next((each for each in steps(announced) if each.id == "cf-announce-the-next-invoice"), None)
        assert step is not None
        assert AS_OF <= step.due < AS_OF + timedelta(days=days)
    late = play("commercial_friction", invoice("INV-8", 15), BUYER, CHAMPION)
    assert not any("INV-8" in step.action for step in steps(late) if step.id == "cf-announce-the-next-invoice")


def test_a_renewal_that_is_past_brings_nothing_forward() -> None:
    _, lapsed = build_context("commercial_friction", facts=(BUYER, CHAMPION, renewal(-21)), renewal_in_days=-21)
    _, far = build_context("commercial_friction", facts=(BUYER, CHAMPION, renewal(300)), renewal_in_days=300)
    anchored = [(phase, each) for phase in PHASES for each in far.library(phase) if each.by]
    assert anchored
    for phase, each in anchored:
        if each.by is not None and each.by.before == "renewal":
            assert lapsed.due_date(phase, each) == far.due_date(phase, each)


def test_a_colleague_without_hours_owns_the_account_but_the_manager_acts() -> None:
    team: dict[str, Person] = made_up_team()
    away = {**team, "P-1": team["P-1"].model_copy(update={"weekly_hours": 0})}
    unknown = {**team, "P-1": team["P-1"].model_copy(update={"weekly_hours": None})}
    assert "Csm 1" in {step.owner for step in steps(play("value_gap", GOAL, CHAMPION, people=unknown))}
    absent = play("value_gap", GOAL, CHAMPION, people=away)
    assert "Csm 1" not in {step.owner for step in steps(absent)}
    assert "Cs Manager 2" in {step.owner for step in steps(absent) if step.owner_role == "csm"}
    assert not any("Csm 1" in step.action for step in steps(absent))
    assert absent.violations == ()


def test_a_date_of_the_fact_is_the_one_that_it_is_about() -> None:
    facts = AccountFacts((TICKET, invoice("INV-8", -15), GOAL))
    assert facts.date_of("invoice:INV-8") == AS_OF + timedelta(days=15)
    assert facts.date_of(GOAL.id) == AS_OF
    assert facts.date_of(TICKET.id) is None


def test_a_play_for_an_unclear_cause_opens_with_the_questions_and_takes_up_what_speaks_for_either_cause() -> None:
    facts = (TICKET, GOAL, said("The report is missing.", "feature_gap"), said(DOUBT, "value_doubted"), BUYER, CHAMPION)
    drafter, alone = build_context("undetermined", facts=facts)
    two = replace(alone, finding=alone.finding.model_copy(update={"candidates": ("product_fit", "value_gap")}))
    found = drafter.from_playbook(two)
    prefixes = [action.id.split("-")[0] for action in steps(found)]
    assert next(action.id for action in steps(found) if action.customer_facing).startswith("dx-")
    assert {"dx", "pf", "vg"} <= set(prefixes) <= {"dx", "pf", "vg", "wa"}
    assert found.violations == ()
    assert all(action.step is not None and action.step.is_specific for action in steps(found) if action.id[:2] != "dx")
    assert {action.id.split("-")[0] for action in steps(drafter.from_playbook(alone))} <= {"dx", "wa"}
