"""Running plays: where they stand, what moved, what is proposed; and what a decision leaves behind."""

from datetime import date, timedelta
from typing import Any

import pytest

from domain.decisions import Decisions, PlayDecision
from domain.errors import DecisionError
from domain.facts import FactSource, InvoiceFact, QuotationFact, TicketFact
from domain.phase_results import RunningPlay
from domain.running_play import Deferral, PlayProgress
from domain.tracking import Action, Decision
from tests.builders import AS_OF, CALENDAR, SHIPPED, build_dossier, build_play
from tools.planning.assignment import crm_updates, play_actions, touchpoints
from tools.planning.decisions import AppliedDecisions, check_deferral, decision_for_rest
from tools.planning.follow_up import apply_progress
from tools.planning.next_steps import closed_actions, consequences, deferrals_of, deferred_actions
from tools.planning.running_play import PlayChange, WeekOfPlay, play_progress, snapshot, with_marks

LAST_WEEK = AS_OF - timedelta(days=7)
PLAY = build_play(account_id="A-1", created=LAST_WEEK)
STEPS = [action for phase in PLAY.phases for action in phase.actions]
ACTIONS = play_actions(PLAY, "2026-W47", LAST_WEEK, SHIPPED.tiers)
SOURCE = FactSource(table="tickets", key="T-1")


def ticket(**changes: Any) -> TicketFact:
    known = {
        "id": "ticket:T-1", "on": LAST_WEEK - timedelta(days=9), "side": "theirs", "tone": "bad", "source": SOURCE, "ticket_id": "T-1",
        "subject": "Sync fails", "open": True, "closed_on": None, "age_days": 16, "priority": "high", "escalated": False,
        "sla_breached": False,
    }  # fmt: skip
    return TicketFact.model_validate({**known, **changes})


def said(on: date, text: str = "We are looking at others.") -> QuotationFact:
    return QuotationFact(
        id=f"quote:{text[:8]}", on=on, side="theirs", tone="bad", source=FactSource(table="notes", key="n"), text=text,
        speaker=None, recorded_by="Ines", language="en", says="evaluating_alternatives", mode="asserted", read_by=None,
    )  # fmt: skip


def invoice() -> InvoiceFact:
    return InvoiceFact(
        id="invoice:I-1", on=LAST_WEEK, side="theirs", tone="bad", source=FactSource(table="invoices", key="I-1"),
        invoice_id="I-1", amount=4000, currency="EUR", status="open", due_on=LAST_WEEK, days_overdue=0,
    )  # fmt: skip


def running(**changes: Any) -> RunningPlay:
    seen = snapshot(
        "2026-W47", LAST_WEEK, build_dossier({}, account_id="A-1", facts=(ticket(), invoice())), "Service", ()
    )
    facts = {
        "account_id": "A-1", "name": "Northwind", "arr": 1.0, "cause": PLAY.cause, "created": LAST_WEEK, "origin": "2026-W47",
        "actions": {phase.phase: tuple(a.id for a in phase.actions) for phase in PLAY.phases},
        "dates": {a.id: a.due for a in STEPS}, "health": 40.0, "steps": {a.id: a for a in STEPS}, "seen": seen,
    }  # fmt: skip
    return RunningPlay.model_validate({**facts, **changes})


def standing(
    done: dict[str, date] | None = None, change: PlayChange | None = None, facts: Any = (), **dossier: Any
) -> PlayProgress:
    """The play in its second week."""
    week = WeekOfPlay(
        as_of=AS_OF, settings=SHIPPED.review, currency="EUR", incidents=(),
        progress={action: ("done", on) for action, on in (done or {}).items()},
        notes=dict.fromkeys(done or {}, "They want a date"), outcomes={}, deferrals={},
    )  # fmt: skip
    now = build_dossier({}, **{"account_id": "A-1", "at_risk": True, "facts": facts, **dossier})
    return play_progress(running(), ACTIONS, now, week, change)


def test_each_step_says_whether_it_is_done_late_or_open() -> None:
    first, *others = sorted(ACTIONS, key=lambda action: (action.due, action.id))
    found = standing({first.id: first.due})
    assert (found.steps[0].state, found.steps[0].done_on, found.steps[0].note) == (
        "done",
        first.due,
        "They want a date",
    )
    late = [step for step in found.steps if step.state == "late"]
    assert {step.id for step in late} == {action.id for action in others if action.due < AS_OF}
    assert all(step.days_late == (AS_OF - step.due).days for step in late)
    assert found.proposal == "continue"
    assert f"1 of {len(ACTIONS)} steps is done" in found.why
    assert found.week == 2


def test_what_moved_is_new_changed_or_settled_and_nothing_that_only_grew_older() -> None:
    older = ticket(age_days=23)
    assert standing(facts=(older, invoice())).moves == ()
    closed = ticket(open=False, closed_on=AS_OF, tone="good")
    texts = [move.text for move in standing(facts=(closed, said(AS_OF), said(LAST_WEEK, "Old words."))).moves]
    assert texts[0].startswith("They said: “We are looking at others.”")
    assert any(text.startswith("Closed: T-1 “Sync fails”") for text in texts)
    assert any(text.startswith("Invoice I-1 of EUR 4,000 is no longer open") for text in texts)
    assert not any("Old words" in text for text in texts), "what was said before is no news"


def test_an_escalation_is_news_and_stands_in_the_proposal() -> None:
    found = standing(facts=(ticket(escalated=True), invoice()))
    assert [move.kind for move in found.moves] == ["changed"]
    assert found.why.startswith("Escalated: T-1 “Sync fails”")


def test_a_play_that_recovered_is_proposed_to_stop() -> None:
    found = standing(facts=(ticket(), invoice()), at_risk=False, health_band="green")
    assert found.proposal == "stop"
    assert "no longer at risk" in found.why


def test_a_change_names_its_reason_the_new_steps_and_those_that_end() -> None:
    other = build_play("value_gap", account_id="A-1")
    found = standing(change=PlayChange("The cause moved from service to value.", other))
    assert (found.proposal, found.why) == ("change", "The cause moved from service to value.")
    assert found.adds
    assert found.ends
    assert set(found.ends) <= {step.title for step in found.steps}


def test_marks_of_the_meeting_count_at_once() -> None:
    found = standing()
    marked = with_marks(found, {found.steps[0].id: ("done", found.steps[0].due)}, AS_OF)
    assert marked.steps[0].state == "done"
    assert with_marks(marked, {}, AS_OF).steps[0].state in ("late", "open")


def test_the_effect_of_each_decision_is_said_first() -> None:
    found = standing()
    effect = consequences(PLAY, found, None, AS_OF + timedelta(days=7))
    count = len(ACTIONS)
    assert effect.continue_ == f"{count} open actions go on with the same ids, owners and dates."
    assert effect.reject.startswith(f"{count} open actions are closed with your reason: ")
    assert effect.reject.endswith("looks at the account again by 30 Nov.")
    assert "none is late before" in effect.defer
    assert consequences(PLAY, None, None, AS_OF).reject.startswith("No play. ")


DECIDED = Decision(subject="A-1", decision="defer", by="Ines", reason="Freeze", until=date(2026, 12, 7))


def deferral() -> Deferral:
    plays = [PLAY.model_copy(update={"status": "deferred"})]
    (found,) = deferrals_of(plays, {"A-1": DECIDED}, AS_OF, ())
    return found


def test_deferred_actions_move_by_the_days_of_the_pause_and_are_not_late() -> None:
    moved = deferred_actions([deferral()], ACTIONS, AS_OF, CALENDAR)
    assert len(moved) == len(ACTIONS)
    for was, now in zip(ACTIONS, moved, strict=True):
        assert now.id == was.id
        assert now.due >= date(2026, 12, 7)
        assert CALENDAR.is_working(now.due)
        next_week = apply_progress(now, {}, AS_OF + timedelta(days=7), SHIPPED.review)
        assert next_week.status == "deferred"
        assert apply_progress(now, {}, date(2026, 12, 7), SHIPPED.review).status == "open"
    again = deferred_actions([deferral()], moved, AS_OF + timedelta(days=7), CALENDAR)
    assert again == moved, "the week after they wait as they are"


def applied(status: str, decision: Decision, origin: str = "2026-W47") -> AppliedDecisions:
    return AppliedDecisions((PLAY.model_copy(update={"status": status, "origin": origin}),), (), (decision,))


def test_a_stopped_play_closes_its_open_actions_with_the_reason() -> None:
    stop = DECIDED.model_copy(update={"decision": "reject", "reason": "They renewed"})
    closed = closed_actions(applied("rejected", stop), ACTIONS, set(), {}, AS_OF)
    assert {each.id for each in closed} == {each.id for each in ACTIONS}
    assert {(each.status, each.note) for each in closed} == {("dropped", "Stopped by Ines: They renewed")}
    holds = touchpoints([], [], {}, SHIPPED, closed=closed)
    assert holds
    assert all(hold.cancelled for hold in holds)


def test_what_an_edit_leaves_out_of_a_running_play_is_closed_and_never_late() -> None:
    edit = DECIDED.model_copy(update={"decision": "edit", "reason": "Too early"})
    kept = {each.id for each in ACTIONS[1:]}
    (closed,) = closed_actions(applied("edited", edit), ACTIONS, kept, {}, AS_OF)
    assert (closed.id, closed.note) == (ACTIONS[0].id, "Left out by Ines: Too early")


def test_a_deferred_account_keeps_a_crm_row_with_the_reason_and_a_date() -> None:
    moved = [
        apply_progress(each, {}, AS_OF, SHIPPED.review)
        for each in deferred_actions([deferral()], ACTIONS, AS_OF, CALENDAR)
    ]
    rows = crm_updates([], [], {}, [], moved, {"A-1": "Deferred to 7 Dec by Ines: Freeze"}, [deferral()])
    fields = {row.field: (row.value, row.reason) for row in rows}
    assert fields["Save_Play_Status"] == ("deferred", "Deferred to 7 Dec by Ines: Freeze")
    assert fields["Next_Action_Due"][0] == min(each.due for each in moved).isoformat()


def test_a_done_action_is_no_next_action() -> None:
    first = min(ACTIONS, key=lambda each: (each.due, each.id))
    done = [_done(each) if each is first else each for each in ACTIONS]
    rows = crm_updates([PLAY], [], {}, [], done, {})
    assert first.id not in {row.reason for row in rows if row.field.startswith("Next_Action")}


def _done(action: Action) -> Action:
    return action.model_copy(update={"status": "done", "done_on": action.due})


def test_change_and_stop_are_words_for_approve_and_reject() -> None:
    assert PlayDecision.model_validate({"account": "A-1", "decision": "change"}).decision == "approve"
    assert PlayDecision.model_validate({"account": "A-1", "decision": "stop", "reason": "Left"}).decision == "reject"


def test_a_running_play_that_nobody_named_goes_on_and_a_new_one_is_rejected() -> None:
    rest = Decisions(review="2026-W48", decided_by="Ines", rest="reject")
    assert decision_for_rest("A-1", rest, {}, running=True).decision == "continue"
    assert decision_for_rest("A-1", rest, {}, running=False).decision == "reject"


def test_a_deferral_needs_a_day_that_is_still_to_come() -> None:
    with pytest.raises(DecisionError, match="defer it to a day after 2026-11-23"):
        check_deferral(PlayDecision(account="A-1", decision="defer", until=AS_OF), AS_OF)
