"""Plays about value, money and a lapsed contract: steps that name the account's own invoices, goals, sentences and people."""

from datetime import date, timedelta
from typing import Any

from domain.dossier import Contact
from domain.facts import ContactFact, Fact, FactSource, GoalFact, InvoiceFact, QuotationFact, RenewalFact, TicketFact
from domain.save_play import PlayAction, SavePlay
from tests.builders import AS_OF, build_play

DOUBT = "Nobody here can say what we get for it."
DEMAND = "We need a better price or we go to tender."
PAYMENT = {"invoice_overdue": 53.0}


def record(table: str, key: str, tone: str = "bad", on: date = AS_OF - timedelta(days=10)) -> dict[str, Any]:
    return {
        "id": f"{table}:{key}",
        "on": on,
        "side": "theirs",
        "tone": tone,
        "source": FactSource(table=table, key=key),
    }


def said(text: str, kind: str) -> QuotationFact:
    return QuotationFact(
        **record("quote", kind), text=text, speaker="Ana", recorded_by="Kim", language="en", says=kind,
        mode="asserted", read_by="phrases",
    )  # fmt: skip


def person(name: str, role: str) -> ContactFact:
    return ContactFact(
        **record("contact", name, "neutral"), contact_id=name, name=name, role=role, title=None, status="active",
        departed_on=None, last_answered=None, last_met=None, waiting_since=None, named_in=None,
    )  # fmt: skip


def invoice(number: str, days_overdue: int) -> InvoiceFact:
    due = AS_OF - timedelta(days=days_overdue)
    return InvoiceFact(
        **record("invoice", number), invoice_id=number, amount=5_000, currency="EUR", status="open", due_on=due,
        days_overdue=days_overdue,
    )  # fmt: skip


def renewal(days: int) -> RenewalFact:
    return RenewalFact(**record("renewal", "A-1"), renewal_on=AS_OF + timedelta(days=days), days=days)


GOAL = GoalFact(**record("goal", "close"), goal="Close the books in five days", status="missed", due_on=AS_OF)
TICKET = TicketFact(
    **record("ticket", "T-9"), ticket_id="T-9", subject="Export fails", open=True, closed_on=None, age_days=20,
    priority="high", escalated=True, sla_breached=False,
)  # fmt: skip
BUYER, CHAMPION = person("Ana Ruiz", "economic_buyer"), person("Bo Lind", "champion")


def play(cause: str, *facts: Fact, days: int = 120, **more: Any) -> SavePlay:
    contacts = (Contact(contact_id="C-1", name="Bo Lind", role="champion", title=None, active=True, departed_on=None),)
    return build_play(cause, facts=(*facts, renewal(days)), renewal_in_days=days, contacts=contacts, **more)


def steps(save_play: SavePlay) -> list[PlayAction]:
    return [action for phase in save_play.phases for action in phase.actions]


def test_two_accounts_with_the_same_cause_get_steps_about_their_own_facts() -> None:
    doubting = play("value_gap", said(DOUBT, "value_doubted"), GOAL, BUYER, CHAMPION)
    blocked = play("value_gap", TICKET, said("The report is missing.", "feature_gap"), BUYER, CHAMPION)
    assert any("“Nobody here can say what we get for it”" in step.title + step.action for step in steps(doubting))
    assert any("the goal “Close the books in five days”" in step.title + step.action for step in steps(doubting))
    assert any("T-9 “Export fails”" in step.title for step in steps(blocked))
    assert len({step.id for step in steps(doubting)} & {step.id for step in steps(blocked)}) <= len(steps(blocked)) - 3
    assert doubting.violations == blocked.violations == ()


def test_billing_opens_where_an_invoice_is_overdue_and_nobody_speaks_of_value_before() -> None:
    late = play("commercial_friction", invoice("INV-7", 53), TICKET, BUYER, CHAMPION, values=PAYMENT)
    first = next(step for step in steps(late) if step.customer_facing)
    assert (first.owner_role, first.channel) == ("billing", "call")
    assert "invoice INV-7 over EUR 5,000" in first.title
    assert not any("value" in step.action for step in late.phases[0].actions)


def test_the_answer_to_a_demand_comes_after_our_limits_are_known() -> None:
    pressed = play("commercial_friction", said(DEMAND, "procurement_ultimatum"), BUYER, CHAMPION)
    due = {step.id: step.due for step in steps(pressed)}
    assert due["cf-get-the-limits-in-writing"] < due["cf-answer-the-demand"]


def test_the_person_who_pays_is_in_every_play_about_value_and_money() -> None:
    known = (BUYER, CHAMPION, GOAL, said(DOUBT, "value_doubted"), invoice("INV-7", 53))
    for cause in ("value_gap", "commercial_friction"):
        for tier in ("critical", "high", "medium"):
            met = [step.contact for step in steps(play(cause, *known, values=PAYMENT, intervention_tier=tier))]
            assert "Ana Ruiz" in met


def test_the_next_invoice_is_announced_before_it_is_due() -> None:
    due = AS_OF + timedelta(days=15)
    announced = play("commercial_friction", invoice("INV-8", -15), BUYER, CHAMPION)
    step = next(step for step in steps(announced) if step.id == "cf-announce-the-next-invoice")
    assert step.due <= due - timedelta(days=10)


def test_a_lapsed_contract_gets_an_extension_or_a_bridge_this_week_and_then_a_decision() -> None:
    for tier in ("critical", "high", "medium"):
        lapsed = play("value_gap", GOAL, BUYER, CHAMPION, days=-21, intervention_tier=tier)
        week, later = lapsed.phases[0].actions, lapsed.phases[1].actions
        assert any("extension or a bridge" in step.action for step in week if step.contact == "Ana Ruiz")
        assert any(step.id == "cl-sign-or-end" for step in later)
        assert min(step.due for step in steps(lapsed)) >= AS_OF
        assert lapsed.violations == ()


def test_a_contract_that_runs_gets_no_bridge() -> None:
    assert not any(step.id.startswith("cl-") for step in steps(play("value_gap", GOAL, BUYER, CHAMPION)))
