"""Plays for a service failure, an eroded relationship and a shared incident: steps about the account's own facts."""

from datetime import date

import pytest

from domain.facts import (
    ContactFact,
    Fact,
    FactSource,
    GoalFact,
    IncidentFact,
    InvoiceFact,
    MeetingFact,
    PromiseFact,
    QuotationFact,
    RenewalFact,
    TicketFact,
)
from domain.save_play import PlayAction, SavePlay
from tests.builders import AS_OF, build_context

ROW = FactSource(table="notes", key="1")


def ticket(number: str, *, is_open: bool = True, escalated: bool = False, late: bool = False) -> TicketFact:
    return TicketFact(
        id=f"ticket:{number}", on=date(2026, 11, 2), side="theirs", tone="bad", source=ROW, ticket_id=number,
        subject="Invoices stuck", open=is_open, closed_on=None if is_open else date(2026, 11, 9), age_days=7,
        priority="high", escalated=escalated, sla_breached=late,
    )  # fmt: skip


def contact(name: str | None, role: str, status: str = "active", *, met: bool = False) -> ContactFact:
    day = date(2026, 10, 9)
    return ContactFact.model_validate({
        "id": f"contact:{name or 'new'}", "on": day, "side": "theirs", "tone": "neutral", "source": ROW,
        "contact_id": name, "name": name, "role": role, "title": "CFO" if role == "economic_buyer" else None,
        "status": status, "departed_on": day if status == "departed" else None, "last_answered": None,
        "last_met": day if met else None, "waiting_since": None, "named_in": None if name else "quote:1",
    })  # fmt: skip


def quotation(text: str, says: str) -> QuotationFact:
    return QuotationFact(
        id=f"quote:{says}", on=date(2026, 11, 10), side="theirs", tone="bad", source=ROW, text=text, speaker=None,
        recorded_by="Ana Diaz", language="en", says=says, mode="asserted", read_by="phrases",
    )  # fmt: skip


def invoice(days_overdue: int) -> InvoiceFact:
    return InvoiceFact(
        id="invoice:INV-7", on=None, side="theirs", tone="neutral", source=ROW, invoice_id="INV-7", amount=5000,
        currency="EUR", status="open", due_on=AS_OF, days_overdue=days_overdue,
    )  # fmt: skip


RENEWAL = RenewalFact(
    id="renewal", on=None, side="theirs", tone="neutral", source=ROW, renewal_on=date(2027, 3, 1), days=98
)
INCIDENT = IncidentFact(
    id="incident:1", on=AS_OF, side="ours", tone="bad", source=ROW, incident_id="incident:1", tied_by=("ticket:T-1",)
)
PROMISE = PromiseFact(
    id="promise:1", on=AS_OF, side="ours", tone="bad", source=ROW, text="We send a training plan.",
    due_on=date(2026, 11, 27), owner=None, kept=None,
)  # fmt: skip
GOAL = GoalFact(
    id="goal:1",
    on=None,
    side="theirs",
    tone="bad",
    source=ROW,
    goal="Close in three days",
    status="behind",
    due_on=None,
)
MISSED_QBR = MeetingFact(
    id="meeting:1", on=date(2026, 10, 15), side="theirs", tone="bad", source=ROW, meeting="qbr", attended=False,
    contact_id=None, person_id=None,
)  # fmt: skip
CHAMPION, BUYER, USER = contact("Greta", "champion"), contact("Vikram", "economic_buyer"), contact("Yara", "user")
RIVAL = quotation("We look at two other vendors.", "evaluating_alternatives")
ACCOUNTS: dict[str, tuple[tuple[Fact, ...], tuple[Fact, ...]]] = {
    "service_failure": (
        (RENEWAL, CHAMPION, BUYER, ticket("T-1", escalated=True), quotation("Nobody helps us.", "service_complaint")),
        (RENEWAL, CHAMPION, BUYER, ticket("T-2", late=True), RIVAL, invoice(20), GOAL),
    ),
    "relationship_erosion": (
        (RENEWAL, contact("Greta", "champion", "departed"), contact(None, "economic_buyer", "new"), USER, invoice(-40)),
        (RENEWAL, CHAMPION, BUYER, MISSED_QBR, PROMISE, GOAL),
    ),
}


def draft(cause: str, *facts: Fact, tier: str = "high") -> SavePlay:
    drafter, context = build_context(cause)
    dossier = context.dossier.model_copy(update={"facts": facts, "intervention_tier": tier})
    return drafter.from_playbook(drafter.play_context(dossier, context.finding))


def steps(play: SavePlay) -> dict[str, PlayAction]:
    return {action.id: action for phase in play.phases for action in phase.actions}


@pytest.mark.parametrize("cause", ACCOUNTS)
@pytest.mark.parametrize("tier", ["critical", "high", "medium"])
def test_two_accounts_with_the_same_cause_and_other_facts_get_other_steps(cause: str, tier: str) -> None:
    one, other = (draft(cause, *facts, tier=tier) for facts in ACCOUNTS[cause])
    assert one.violations == other.violations == ()
    assert len(steps(one).keys() - steps(other).keys()) >= 3
    assert {step.whole for step in steps(one).values()} & {step.whole for step in steps(other).values()} == set()


@pytest.mark.parametrize("cause", ACCOUNTS)
def test_most_steps_of_each_phase_name_more_than_renewal_and_usage(cause: str) -> None:
    for facts in ACCOUNTS[cause]:
        for phase in draft(cause, *facts).phases:
            named = [
                any(not fact.startswith(("renewal", "usage")) for fact in (a.step.because if a.step else ()))
                for a in phase.actions
            ]
            assert sum(named) >= len(named) * 2 / 3


@pytest.mark.parametrize("cause", ACCOUNTS)
@pytest.mark.parametrize("facts", [(), (RENEWAL,), (RENEWAL, USER)])
def test_a_play_can_be_made_from_almost_no_facts(cause: str, facts: tuple[Fact, ...]) -> None:
    play = draft(cause, *facts)
    assert play.violations == ()
    assert min(len(phase.actions) for phase in play.phases) >= 3


@pytest.mark.parametrize("cause", ACCOUNTS)
def test_the_economic_buyer_is_asked_for_the_renewal(cause: str) -> None:
    for facts in ACCOUNTS[cause]:
        asked = [
            action for action in steps(draft(cause, *facts)).values() if action.step and action.step.verb == "renew"
        ]
        assert [action.contact for action in asked] in (["Vikram"], ["the new CFO"])


def test_a_shared_incident_has_one_owner_one_fix_and_one_message() -> None:
    found = steps(draft("service_failure", RENEWAL, CHAMPION, BUYER, USER, ticket("T-1", escalated=True), INCIDENT))
    assert {
        "si-tell-them-it-is-known",
        "si-confirm-the-one-fix",
        "si-send-the-one-report",
        "sf-written-recovery-plan",
    } <= found.keys()
    assert found["sf-fix-in-their-order"].title == "Fix the shared incident first"


def test_an_account_outside_the_incident_hears_nothing_of_it() -> None:
    found = steps(draft("service_failure", RENEWAL, CHAMPION, BUYER, ticket("T-1", escalated=True)))
    assert [name for name in found if name.startswith("si-")] == []


def test_only_somebody_who_left_is_asked_as_the_one_who_left() -> None:
    left = steps(draft("relationship_erosion", RENEWAL, contact("Greta", "champion", "departed"), USER, BUYER))
    assert left["re-find-the-departed-champion"].contact == "Greta"
    stayed = steps(draft("relationship_erosion", RENEWAL, CHAMPION, USER, BUYER))
    assert not {"re-find-the-departed-champion", "re-call-after-departure"} & stayed.keys()


def test_a_person_whom_only_a_note_names_is_new_and_has_no_name() -> None:
    found = steps(draft("relationship_erosion", *ACCOUNTS["relationship_erosion"][0], tier="medium"))
    announced = found["re-announce-the-invoice"]
    assert announced.title == "Announce invoice INV-7 over EUR 5,000 to the new CFO"
    assert "there is a new CFO" in found["re-welcome-the-successor"].because
