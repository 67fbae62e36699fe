"""Decisions of people, their consequences, and the follow-up of last week's actions."""

from datetime import date, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from agents.capacity_analyzer import build_actions
from domain.decisions import CloseDecision, Decisions, PlayDecision
from domain.errors import DecisionError
from domain.phase_results import IdentifyResult, PlanResult, PlanRow
from domain.plan import TBD, PlanLine, ResourceNeeds
from domain.save_play import SavePlay
from domain.tracking import Action
from tests.builders import AS_OF, CALENDAR, SHIPPED, build_finding, build_play, made_up_team
from tools.planning.assignment import action_id, action_urgency
from tools.planning.decisions import AppliedDecisions, apply_decisions, check_decisions, unowned_critical
from tools.planning.follow_up import AccountStatus, account_outcome, commitment_status, learnings, list_commitments
from tools.planning.metrics import ReviewHistory, outcome_metrics
from tools.working_days import WorkingDays

PEOPLE = made_up_team()
WEDNESDAY = AS_OF + timedelta(days=2)


def line(account: str, tier: str = "high", **facts: Any) -> PlanLine:
    known = {
        "name": account, "arr": 10_000, "why": ("A reason",), "action": "Call", "secondary": None, "owner": "Csm 1",
        "by": WEDNESDAY, "urgency": "urgent", "rule": "usage_down",
    }  # fmt: skip
    return PlanLine(tier=tier, account_id=account, **{**known, **facts})


def planned(*plays: SavePlay, lines: tuple[PlanLine, ...] = ()) -> PlanResult:
    needs = ResourceNeeds(
        roles=(), budget=0, budget_needed=0, currency="EUR", chosen=(), postponed=(), uncovered=(), note="",
    )  # fmt: skip
    return PlanResult(
        intervention_plan=(*(line(p.account_id, p.intervention_tier, owner=p.owner) for p in plays), *lines),
        plays=plays, origins={}, needs=needs, capacity=(), handovers=(), escalations=(), owners_to_assign=(),
        prework=(), agenda=(), next_step="",
    )  # fmt: skip


PLAY = build_play(account_id="A-1", intervention_tier="critical")
OTHER = build_play("value_gap", account_id="A-2")
PLAN = planned(PLAY, OTHER, lines=(line("A-3"), line("A-4", secondary="Write")))
FIRST = PLAY.phases[0].actions[0]
LAST = PLAY.phases[-1].actions[-1]


def decisions(*plays: PlayDecision, **facts: Any) -> Decisions:
    return Decisions(
        review="2026-W48", decided_by="Ines", plays=plays, **{"rest": "reject", "others": "reject", **facts}
    )


def decide(*plays: PlayDecision, **facts: Any) -> AppliedDecisions:
    given = decisions(*plays, **facts)
    check_decisions(given, PLAN, {}, PEOPLE, CALENDAR)
    return apply_decisions(given, PLAN, PEOPLE, "EUR", WorkingDays(SHIPPED.review))


def work(decided: AppliedDecisions, owners: dict[str, str] | None = None) -> tuple[Action, ...]:
    """The actions that phase 4 creates from the decisions."""
    rows = [
        PlanRow(
            account_id=item.account_id, name=item.name, arr=item.arr, size="mid_market", tier=item.tier, rule=item.rule,
            csm_id="P-1" if item.owner != TBD else None, exec_sponsor_id=None, renewal_date=None, renewal_in_days=None,
            velocity_alarm=False, risk=70, values={}, top=(),
        )
        for item in decided.lines
    ]  # fmt: skip
    identified = IdentifyResult.model_construct(people=PEOPLE, as_of=AS_OF, review_id="2026-W48", plan_rows=tuple(rows))
    return build_actions(decided, identified, CALENDAR, {}, owners or {}, SHIPPED)


def approve(account: str = "A-1", **facts: Any) -> PlayDecision:
    return PlayDecision(account=account, decision="approve", **facts)


def edit(**facts: Any) -> PlayDecision:
    return PlayDecision(account="A-1", decision="edit", **facts)


def actions_of(play: SavePlay) -> dict[str, Any]:
    return {action.id: action for phase in play.phases for action in phase.actions}


# --- only what people approved ---


def test_only_plays_that_people_approved_become_actions() -> None:
    found = work(decide(approve(), PlayDecision(account="A-2", decision="defer", until=date(2026, 12, 7))))
    assert {action.account_id for action in found} == {"A-1"}
    assert {action.playbook_action for action in found} == set(actions_of(PLAY))


def test_what_nobody_named_follows_the_rest() -> None:
    statuses = {play.account_id: play.status for play in decide(approve()).plays}
    assert statuses == {"A-1": "approved", "A-2": "rejected"}
    assert {play.status for play in decide(rest="approve").plays} == {"approved"}


def test_primary_actions_without_a_play_are_approved_together_or_one_by_one() -> None:
    assert {item.account_id for item in decide(others="approve").lines} == {"A-3", "A-4"}
    assert {item.account_id for item in decide(approve("A-3")).lines} == {"A-3"}
    assert [action.kind for action in work(decide(approve("A-4")))] == ["primary"]


def test_every_decision_is_recorded_with_who_and_which_version() -> None:
    first = decide(approve()).record[0]
    assert (first.subject, first.decision, first.by, first.play_version) == ("A-1", "approve", "Ines", PLAY.version)


def others_record(*plays: PlayDecision, **facts: Any) -> list[tuple[str, str, float | None]]:
    record = decide(*plays, **facts).record
    return [(each.decision, each.reason, each.amount) for each in record if each.subject == "others"]


def test_rejecting_the_primary_actions_is_recorded_as_a_rejection() -> None:
    assert others_record(approve()) == [("reject", "2 primary actions for accounts without a play, left out", 0)]
    assert others_record(approve("A-3"), others="reject")[0][1].startswith("1 primary action for")


@pytest.mark.parametrize("others", ["approve", None])
def test_approving_the_primary_actions_is_recorded_with_how_many(others: str | None) -> None:
    expected = [("approve", "2 primary actions for accounts without a play", 2)]
    assert others_record(rest="approve", others=others) == expected


def test_nothing_is_recorded_about_the_others_when_nothing_was_decided_about_them() -> None:
    assert others_record(approve(), others=None) == []
    assert others_record(approve("A-3"), approve("A-4"), others="approve") == []


def test_nothing_undecided_passes_when_people_are_to_be_asked() -> None:
    with pytest.raises(DecisionError, match="1 play not decided: A-2"):
        decide(approve(), rest="ask")


# --- edits ---


def edited(**facts: Any) -> SavePlay:
    return decide(edit(**facts)).plays[0]


def test_an_edit_gives_an_action_another_owner() -> None:
    action = actions_of(edited(owners={FIRST.id: "P-7"}))[FIRST.id]
    assert (action.owner_id, action.owner) == ("P-7", PEOPLE["P-7"].name)


def test_an_edit_leaves_an_action_out() -> None:
    assert set(actions_of(edited(drop=(FIRST.id,)))) == set(actions_of(PLAY)) - {FIRST.id}


def test_an_edit_moves_a_date_and_keeps_the_order_of_dates() -> None:
    moved = AS_OF + timedelta(days=4)
    phase = edited(dates={FIRST.id: moved}).phases[0]
    assert {action.id: action.due for action in phase.actions}[FIRST.id] == moved
    assert [action.due for action in phase.actions] == sorted(action.due for action in phase.actions)


@pytest.mark.parametrize("days", [-5, 7])
def test_a_moved_date_moves_its_follow_up_to_the_working_day_before(days: int) -> None:
    moved = CALENDAR.on_or_after(LAST.due + timedelta(days=days))
    action = actions_of(edited(dates={LAST.id: moved}))[LAST.id]
    assert action.follow_up == CALENDAR.before(moved)


def test_an_edited_play_is_another_version_with_its_changes_in_words() -> None:
    decided = decide(edit(drop=(FIRST.id,)))
    assert decided.plays[0].version != PLAY.version
    assert decided.record[0].changes == (f"{FIRST.id} is left out",)


@pytest.mark.parametrize(
    ("decision", "reason"),
    [
        (edit(owners={FIRST.id: "P-99"}), "no colleague has the id"),
        (edit(owners={"no-such-action": "P-1"}), "has no action 'no-such-action'"),
        (edit(dates={FIRST.id: date(2026, 11, 28)}), "a day off"),
        (edit(dates={FIRST.id: date(2026, 11, 20)}), "past"),
        (edit(drop=tuple(actions_of(PLAY))), "is a rejection"),
        (approve(version="0123456789ab"), "read it again"),
        (approve("A-9"), "neither a play nor a plan line"),
        (PlayDecision(account="A-3", decision="edit", drop=("x",)), "has no play to edit"),
    ],
)
def test_a_decision_that_cannot_be_carried_out_is_refused_by_account_and_rule(
    decision: PlayDecision, reason: str
) -> None:
    with pytest.raises(DecisionError, match=reason) as caught:
        decide(decision)
    assert decision.account in str(caught.value)


def test_the_version_that_was_read_is_accepted() -> None:
    assert decide(approve(version=PLAY.version)).plays[0].status == "approved"


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"decision": "reject"}, "a rejection needs a reason"),
        ({"decision": "reject", "reason": "  "}, "a rejection needs a reason"),
        ({"decision": "defer"}, "a deferral needs a date"),
        ({"decision": "edit"}, "an edit names owners, dates, drop, swap, cause"),
        ({"decision": "approve", "drop": ("x",)}, "belong to an edit"),
    ],
)
def test_an_incomplete_decision_is_refused(facts: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        PlayDecision(account="A-1", **facts)


def test_an_account_is_decided_once() -> None:
    with pytest.raises(ValidationError, match="A-1 is decided twice"):
        decisions(approve(), approve())


# --- approvals that need a reason ---

HARD_SAVE = {"A-1": build_finding("service_failure", "hard")}
UNVERIFIED = planned(PLAY, OTHER.model_copy(update={"verified": False}))


def check(*plays: PlayDecision, plan: PlanResult = PLAN, **facts: Any) -> None:
    check_decisions(decisions(*plays, **facts), plan, HARD_SAVE, PEOPLE, CALENDAR)


@pytest.mark.parametrize("decision", [approve(), approve(reason="  "), edit(drop=(FIRST.id,))])
def test_a_hard_save_is_approved_with_a_reason_only(decision: PlayDecision) -> None:
    with pytest.raises(DecisionError, match="A-1: this is a hard save; say why it is worth it"):
        check(decision)
    check(decision.model_copy(update={"reason": "Their largest site renews with us"}))


def test_a_play_that_failed_a_check_is_approved_with_a_reason_only() -> None:
    with pytest.raises(DecisionError, match="A-2: the play did not pass every check; say why it may go out"):
        check(approve("A-2"), plan=UNVERIFIED)
    check(approve("A-2", reason="Read and corrected by hand"), plan=UNVERIFIED)


def test_approving_the_rest_names_the_accounts_that_need_a_reason_of_their_own() -> None:
    with pytest.raises(DecisionError, match="rest: approve is not enough for A-1, A-2: a hard save"):
        check(plan=UNVERIFIED, rest="approve")
    check(approve(reason="Worth it"), approve("A-2", reason="Read"), plan=UNVERIFIED, rest="approve")


def test_what_is_not_approved_needs_no_further_reason() -> None:
    check(PlayDecision(account="A-1", decision="defer", until=date(2026, 12, 7)), plan=UNVERIFIED)
    check(plan=UNVERIFIED, rest="reject")


def test_an_unattended_run_gives_no_reasons() -> None:
    check(plan=UNVERIFIED, rest="approve", unattended=True)


# --- the close ---


ORPHAN = build_play(account_id="A-1", intervention_tier="critical", csm_id=None)


def orphaned(*lines: PlanLine) -> tuple[PlanResult, AppliedDecisions]:
    plan = planned(ORPHAN, lines=lines)
    return plan, apply_decisions(
        decisions(rest="approve", others="approve"), plan, PEOPLE, "EUR", WorkingDays(SHIPPED.review)
    )


def test_a_critical_account_without_an_owner_holds_the_close_until_one_is_named() -> None:
    plan, decided = orphaned(line("A-5", "critical", owner=TBD), line("A-6", "high", owner=TBD))
    assert unowned_critical(plan, decided, {}) == ["A-1", "A-5"]
    assert unowned_critical(plan, decided, CloseDecision(owners={"A-1": "P-7", "A-5": "P-1"}).owners) == []


def test_for_an_account_that_nobody_owns_a_manager_names_an_owner_by_the_next_working_day() -> None:
    (action,) = [item for item in work(orphaned()[1]) if item.kind == "assign_owner"]
    assert (action.owner_id, action.due, action.urgency) == ("P-2", CALENDAR.add_working_days(AS_OF, 1), "immediate")


def test_an_owner_named_at_the_close_carries_the_actions_that_waited_for_one() -> None:
    found = work(orphaned()[1], {"A-1": "P-7"})
    assert [action.title for action in found if action.kind == "assign_owner"] == []
    assert [action.title for action in found if action.owner == TBD] == []


# --- ids ---


def test_the_same_approved_thing_has_the_same_id_however_often_it_is_handed_out() -> None:
    first, second = (work(decide(approve(), others="approve")) for _ in range(2))
    ids = [action.id for action in first]
    assert ids == [action.id for action in second]
    assert len(set(ids)) == len(ids)
    assert action_id("2026-W48", "A-1", FIRST.id) in ids


def test_an_edit_does_not_rename_the_actions_it_keeps() -> None:
    kept = {action.id for action in work(decide(edit(drop=(LAST.id,))))}
    assert kept == {action.id for action in work(decide(approve()))} - {action_id("2026-W48", "A-1", LAST.id)}


def test_every_action_has_a_working_day_and_immediate_ones_are_due_within_two_days() -> None:
    found = work(decide(rest="approve", others="approve"))
    assert all(CALENDAR.is_working(action.due) for action in found)
    assert {(action.due - AS_OF).days <= 2 for action in found if action.urgency == "immediate"} == {True}


# --- the follow-up ---


DUE = AS_OF


@pytest.mark.parametrize(
    ("today", "done", "status"),
    [(0, None, "open"), (1, None, "late"), (7, None, "late"), (8, None, "missed"), (0, 0, "done"), (5, 0, "done"),
     (5, 1, "done_late"), (20, 15, "done_late"), (5, 6, "late"), (-3, None, "open")],
)  # fmt: skip
def test_a_promise_is_open_until_its_day_late_for_a_week_and_then_missed(
    today: int, done: int | None, status: str
) -> None:
    done_on = None if done is None else DUE + timedelta(days=done)
    assert commitment_status(DUE, done_on, False, DUE + timedelta(days=today), SHIPPED.review) == status


def test_a_dropped_promise_is_neither_kept_nor_missed() -> None:
    assert commitment_status(DUE, None, True, DUE + timedelta(days=30), SHIPPED.review) == "dropped"


def test_what_is_done_after_the_review_is_not_known_in_it() -> None:
    actions = work(decide(approve()))
    later = {actions[0].id: ("done", actions[0].due + timedelta(days=9))}
    found = {item.action_id: item for item in list_commitments(actions, later, actions[0].due, SHIPPED.review)}
    assert (found[actions[0].id].status, found[actions[0].id].done_on) == ("open", None)


@pytest.mark.parametrize(
    ("kind", "at_risk", "is_customer", "status"),
    [("churned", False, False, "lost"), ("renewed", True, True, "saved"), ("expanded", False, True, "saved"),
     (None, False, True, "recovered"), (None, True, True, "in_play"), (None, False, False, "left_list")],
)  # fmt: skip
def test_what_became_of_an_account_is_said_in_one_word(
    kind: str | None, at_risk: bool, is_customer: bool, status: str
) -> None:
    now = AccountStatus(kind, at_risk, is_customer, 50, 70)
    assert account_outcome("A-1", "Northwind", 10, now, ()).status == status


def test_those_who_kept_their_promises_are_thanked_and_silent_losses_are_asked_about() -> None:
    actions = work(decide(approve()))
    done = {action.id: ("done", action.due) for action in actions}
    items = list_commitments(actions, done, date(2027, 3, 1), SHIPPED.review)
    saved = account_outcome("A-1", "Northwind", 10, AccountStatus("renewed", False, True, 50, 70), items)
    lost = account_outcome("A-2", "Contoso", 10, AccountStatus("churned", False, False, 50, None), ())
    assert saved.people == tuple(sorted({action.owner for action in actions}))
    said = " ".join(learnings(items, [saved, lost]))
    assert "Saved: Northwind" in said
    assert "Lost before anything was done: Contoso" in said


@pytest.mark.parametrize(
    ("days", "word"), [(0, "immediate"), (2, "immediate"), (3, "urgent"), (7, "urgent"), (8, "standard")]
)
def test_how_urgent_an_action_is_follows_the_deadlines_of_the_tiers(days: int, word: str) -> None:
    assert action_urgency(AS_OF + timedelta(days=days), AS_OF, SHIPPED.tiers) == word


def test_the_targets_say_what_is_tested() -> None:
    history = ReviewHistory({}, {}, {}, {}, None, {})
    figures = {figure.id: figure.target for figure in outcome_metrics(history, SHIPPED.review)}
    assert figures["kept"] == "50 % or more"
    assert figures["churn_at_risk"] == "under 35 %"
    assert figures["health_regained"] == "+15 points"


@pytest.mark.parametrize(("accounts", "days"), [(20, 14), (99, 14), (100, 7), (2_000, 7)])
def test_small_teams_meet_every_second_week_and_others_every_week(accounts: int, days: int) -> None:
    assert SHIPPED.review.profile_for(accounts).interval_days == days
