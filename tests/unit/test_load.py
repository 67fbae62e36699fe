"""Load: plays beyond the hours wait in order, and each account keeps one dated primary action."""

from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from agents.churn_predictor import intervention_plan
from domain.decisions import Decisions, PlayDecision
from domain.dossier import Person
from domain.phase_results import PlanResult, PlanRow
from domain.plan import ResourceNeeds, WaitingPlay
from domain.save_play import SavePlay
from domain.tracking import Action
from tests.builders import AS_OF, CALENDAR, SHIPPED, build_play, made_up_team
from tests.unit.test_core_decisions import line
from tools.planning.allocation import PlayCandidate, allocate
from tools.planning.capacity import play_hours
from tools.planning.decisions import AppliedDecisions, apply_decisions, check_decisions
from tools.planning.next_steps import closed_actions
from tools.planning.primary_actions import EarlierPrimaryActions, earlier_primary_actions
from tools.planning.waiting import HoursThere, list_waiting

PEOPLE = made_up_team()
NEXT = AS_OF + timedelta(days=7)


# --- which plays wait, and what that means ---


def candidate(account: str, hours: float, **facts: Any) -> PlayCandidate:
    known = {"value": 100.0, "hours": {"P-1": hours}, "budget": 0.0, "critical": False}
    return PlayCandidate(account, **{**known, **facts})


def test_a_play_that_runs_comes_before_a_more_valuable_new_one() -> None:
    plays = [candidate("new", 4, value=900.0, critical=True), candidate("runs", 4, fixed=True)]
    assert allocate(plays, {"P-1": 6}, 0).chosen == ("runs",)


def test_what_runs_may_take_more_hours_than_there_are_and_then_nothing_new_begins() -> None:
    found = allocate([candidate("runs", 8, fixed=True), candidate("new", 1)], {"P-1": 6}, 0)
    assert (found.chosen, found.hours_left["P-1"]) == (("runs",), -2)


def waiting_of(*plays: SavePlay, free: float, people: dict[str, Person] = PEOPLE) -> tuple[WaitingPlay, ...]:
    """Plays that wait when every colleague but P-1 has all hours that the plays ask for."""
    asked = {person for play in plays for person in play_hours(play, AS_OF, SHIPPED.review)}
    hours = dict.fromkeys(asked, 999.0) | {"P-1": free}
    chosen = allocate(
        [
            PlayCandidate(
                each.account_id, each.expected_value.value, play_hours(each, AS_OF, SHIPPED.review), 0.0, False
            )
            for each in plays
        ],
        hours,
        1e9,
    )
    return list_waiting(plays, HoursThere(chosen, hours, people, (), AS_OF, SHIPPED.review), NEXT)


def test_a_waiting_play_says_what_it_lacks_what_frees_it_and_whose_hours_it_breaks() -> None:
    plays = [build_play(account_id="A-1", csm_id="P-1"), build_play("value_gap", account_id="A-2", csm_id="P-1")]
    (wait,) = waiting_of(*plays, free=play_hours(plays[1], AS_OF, SHIPPED.review)["P-1"])
    assert (wait.place, wait.until, "CSM hours" in wait.lacks) == (1, NEXT, True)
    assert "waits instead" in wait.frees
    assert PEOPLE["P-1"].name in wait.breaks
    assert PEOPLE["P-1"].name not in wait.lacks + wait.frees


WAITS = build_play(account_id="A-1", intervention_tier="critical")
FITS = build_play("value_gap", account_id="A-2")


def plan() -> PlanResult:
    wait = WaitingPlay(account_id="A-1", name="A-1", place=1, lacks="2 CSM hours", frees="", breaks="Csm 1", until=NEXT)
    needs = ResourceNeeds(
        roles=(), budget=0, budget_needed=0, currency="EUR", chosen=("A-2",), postponed=("A-1",), waiting=(wait,),
        uncovered=(), note="",
    )  # fmt: skip
    return PlanResult(
        intervention_plan=(line("A-1", "critical"), line("A-2"), line("A-3")), plays=(WAITS, FITS), origins={}, needs=needs,
        capacity=(), handovers=(), escalations=(), owners_to_assign=(), prework=(), agenda=(), next_step="",
    )  # fmt: skip


def decide(*plays: PlayDecision, **facts: Any) -> AppliedDecisions:
    given = Decisions(review="2026-W48", decided_by="Ines", plays=plays, **facts)
    check_decisions(given, plan(), {}, PEOPLE, CALENDAR)
    return apply_decisions(given, plan(), PEOPLE, "EUR", CALENDAR)


@pytest.mark.parametrize("unattended", [True, False])
def test_approving_all_leaves_a_play_that_waits_and_keeps_its_primary_action(unattended: bool) -> None:
    found = decide(rest="approve", others="approve", unattended=unattended)
    assert {play.account_id: play.status for play in found.plays} == {"A-1": "deferred", "A-2": "approved"}
    assert {each.account_id for each in found.lines} == {"A-1", "A-3"}
    put_off = next(each for each in found.record if each.subject == "A-1")
    assert (put_off.until, "2 CSM hours" in put_off.reason) == (NEXT, True)


def test_a_play_that_waits_needs_no_decision_and_starts_when_somebody_names_it() -> None:
    fits = PlayDecision(account="A-2", decision="approve")
    assert {p.account_id: p.status for p in decide(fits, others="reject").plays}["A-1"] == "deferred"
    named = decide(fits, PlayDecision(account="A-1", decision="approve"), others="approve")
    assert {p.account_id: p.status for p in named.plays}["A-1"] == "approved"
    assert {each.account_id for each in named.lines} == {"A-3"}


# --- one primary action an account ---

CALL = next(rule.action for rule in SHIPPED.tiers.actions if rule.id == "support_spike")


def spike(**values: float) -> PlanRow:
    return PlanRow(
        account_id="A-1", name="A-1", arr=10_000, size="mid_market", tier="high", rule="support_spike", csm_id="P-1",
        exec_sponsor_id=None, renewal_date=None, renewal_in_days=None, velocity_alarm=False, risk=70,
        values={"ticket_spike": 3.0, **values}, top=(),
    )  # fmt: skip


def primary(title: str = CALL, review: str = "2026-W47", due: date = AS_OF - timedelta(days=2)) -> Action:
    return Action(
        id=f"{review}.A-1.primary", review_id=review, account_id="A-1", account_name="A-1", owner="Csm 1", owner_id="P-1",
        due=due, follow_up=None, kind="primary", title=title, action=title, purpose="", phase="high", urgency="urgent",
        effort_hours=1, channel="call", playbook_action=None, contact=None,
    )  # fmt: skip


def planned_line(earlier: EarlierPrimaryActions, **values: float) -> Any:
    (found,) = intervention_plan([spike(**values)], PEOPLE, SHIPPED, CALENDAR, AS_OF, earlier)
    return found


def test_an_open_primary_action_goes_on_with_its_date_instead_of_being_asked_again() -> None:
    going_on = planned_line(earlier_primary_actions([primary()], {}, AS_OF))
    assert (going_on.since, going_on.by) == ("2026-W47", AS_OF - timedelta(days=2))


def test_another_action_that_fits_better_begins_anew_and_takes_the_place_of_the_open_one() -> None:
    old = primary("Win-back call")
    assert planned_line(earlier_primary_actions([old], {}, AS_OF)).since is None
    closed = closed_actions(decided(lines=("A-1",)), [old], {"2026-W48.A-1.primary"}, {}, AS_OF)
    assert [(each.id, each.status) for each in closed] == [(old.id, "dropped")]
    assert closed_actions(decided(lines=("A-1",)), [old], {old.id}, {}, AS_OF) == []


def test_the_open_primary_action_of_an_account_with_a_play_is_part_of_the_play() -> None:
    (closed,) = closed_actions(decided(plays=("A-1",)), [primary()], (), {}, AS_OF)
    assert closed.note == "The first action of the save play takes its place"
    assert closed_actions(decided(plays=("A-2",)), [primary()], (), {}, AS_OF) == []


def decided(plays: tuple[str, ...] = (), lines: tuple[str, ...] = ()) -> Any:
    """Decisions that approve the plays and plan lines of these accounts."""
    approved = tuple(SimpleNamespace(account_id=account, status="approved") for account in plays)
    return AppliedDecisions(approved, tuple(SimpleNamespace(account_id=account) for account in lines), ())  # type: ignore[arg-type]


def test_what_was_done_lately_is_not_asked_again_at_once() -> None:
    done = {primary().id: ("done", AS_OF - timedelta(days=3))}
    earlier = earlier_primary_actions([primary()], done, AS_OF)
    pause = timedelta(days=SHIPPED.review.primary_again_after.value)
    assert planned_line(earlier).by >= AS_OF - timedelta(days=3) + pause
    other = planned_line(earlier, nps=2.0)
    assert (other.action != CALL, other.by < AS_OF + pause) == (True, True)
