"""Decisions with care: taken back with one key, critical accounts seen before they are approved, nothing approved unseen."""

# ruff: noqa: F811  (fixtures are imported by name)

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from app.timing import Timing
from app.wiring import open_store, run_review
from domain.desk import Member
from tests.desk_in_process import InProcessDesk, SignedInBrowser, evidence_mark, monday_store, own_copy  # noqa: F401
from tests.e2e.shared_stores import (  # noqa: F401  fixtures
    W48,
    StoreFolder,
    shared_stores,
    team_data,
    team_first_week,
)
from tools.planning.decisions import LEFT_OUT
from tools.store.desk_store import DeskStore

MEETING = f"/r/{W48}/meeting"
SECOND = Member(name="Anders Falk", role="leader")
WORTH_IT = "Worth it: they answered last week"


@pytest.fixture
def desk(monday_store: StoreFolder, tmp_path: Path) -> Iterator[InProcessDesk]:
    inside = InProcessDesk(own_copy(monday_store, tmp_path / "place").store)
    yield inside
    inside.close()


@pytest.fixture
def leader(desk: InProcessDesk) -> SignedInBrowser:
    return desk.browser(desk.member("leader"))


@pytest.fixture(scope="module")
def review(monday_store: StoreFolder) -> dict[str, Any]:
    return monday_store.document(W48)


@pytest.fixture(scope="module")
def play(review: dict[str, Any]) -> dict[str, Any]:
    """A critical play."""
    return next(each for each in review["plays"] if each["intervention_tier"] == "critical")


def page_of(browser: SignedInBrowser, account: str) -> str:
    answer = browser.get(f"{MEETING}?account={quote(account)}")
    assert answer.status_code == 200
    text: str = answer.text
    return text


def decide(browser: SignedInBrowser, play: dict[str, Any], decision: str, seen: int = 0, **more: str) -> Any:
    usual = {"account": play["account_id"], "version": play["version"], "decision": decision, "seen": str(seen)}
    given = {"evidence": evidence_mark(page_of(browser, play["account_id"])), "reason": WORTH_IT, **more}
    return browser.send(f"/r/{W48}/choices", {**usual, **given})


def undo(browser: SignedInBrowser, account: str, seen: int) -> Any:
    return browser.send(f"/r/{W48}/undo", {"account": account, "seen": str(seen), "next": MEETING})


def choices(desk: InProcessDesk) -> dict[str, tuple[str, str, int]]:
    """Decision, person and number of each choice."""
    with desk.desk.store_pool.borrow() as session:
        found = DeskStore(session.store).choices(W48, session.store.request(W48)[2])
    return {account: (each.decision.decision, each.by, each.number) for account, each in found.items()}


# taking back ---------------------------------------------------------------------------------------------------------


def test_a_decision_says_that_it_was_taken_and_is_taken_back(
    desk: InProcessDesk, leader: SignedInBrowser, play: dict[str, Any]
) -> None:
    account = play["account_id"]
    assert "Your last decision" not in page_of(leader, account)
    assert decide(leader, play, "reject").status_code == 303
    taken = page_of(leader, account)
    assert "Your last decision" in taken
    assert 'data-key="u"' in taken
    assert undo(leader, account, 1).headers["location"] == MEETING
    assert choices(desk) == {}
    assert "Your last decision" not in page_of(leader, account)
    entry = desk.audit()[-1]
    assert (entry["what"], entry["who"], entry["account"]) == ("took back", leader.session.member.name, account)
    assert (entry["before"]["decision"], entry["after"]) == ("reject", None)
    with desk.desk.store_pool.borrow() as session:
        assert session.store.verify_audit().is_sound


def test_taking_back_brings_back_what_somebody_else_had_decided(
    desk: InProcessDesk, leader: SignedInBrowser, play: dict[str, Any]
) -> None:
    assert decide(desk.browser(SECOND), play, "defer", until="2026-12-07").status_code == 303
    assert decide(leader, play, "reject", 1).status_code == 303
    assert undo(leader, play["account_id"], 2).status_code == 303
    assert choices(desk) == {play["account_id"]: ("defer", SECOND.name, 3)}
    assert undo(leader, play["account_id"], 3).status_code == 303
    assert choices(desk) == {}


def test_the_last_decisions_are_taken_back_one_after_the_other(
    desk: InProcessDesk, leader: SignedInBrowser, review: dict[str, Any]
) -> None:
    names = []
    for each in review["plays"][:3]:
        assert decide(leader, each, "reject").status_code == 303
        names.append(each["account_id"])
    while names:
        page = unescape(page_of(leader, review["plays"][0]["account_id"]))
        form = page.partition('class="taken"')[2].partition("</form>")[0]
        last = re.search(r'name="account" value="([^"]+)"', form)
        assert last is not None
        assert last[1] == names.pop()
        assert undo(leader, last[1], 1).status_code == 303
    assert choices(desk) == {}


def test_two_people_at_once_are_told_who_was_faster(
    desk: InProcessDesk, leader: SignedInBrowser, play: dict[str, Any]
) -> None:
    account, other = play["account_id"], desk.browser(SECOND)
    assert decide(leader, play, "reject").status_code == 303
    assert decide(other, play, "defer", 1, until="2026-12-07").status_code == 303
    late = undo(leader, account, 1)
    assert late.status_code == 409
    assert f"{account}: {SECOND.name} decided meanwhile" in late.text
    assert choices(desk)[account][0] == "defer"
    assert undo(other, account, 2).status_code == 303
    late = undo(other, account, 2)
    assert late.status_code == 409
    assert "read what stands now" in late.text


def test_a_page_from_before_an_undo_overwrites_nothing(
    desk: InProcessDesk, leader: SignedInBrowser, play: dict[str, Any]
) -> None:
    """A number never comes twice: what was decided after the undo is not the choice that the old page showed."""
    account, other = play["account_id"], desk.browser(SECOND)
    assert decide(leader, play, "reject").status_code == 303  # the old page shows number 1
    assert undo(leader, account, 1).status_code == 303
    assert decide(other, play, "defer", 0, until="2026-12-07").status_code == 303
    assert choices(desk)[account][2] == 3
    assert decide(leader, play, "reject", 1).status_code == 409
    assert choices(desk)[account][:2] == ("defer", SECOND.name)


def test_recorded_decisions_are_not_taken_back(
    desk: InProcessDesk, leader: SignedInBrowser, review: dict[str, Any]
) -> None:
    decide_everything(desk, leader, review)
    assert leader.send(f"/r/{W48}/plan", {"others": "approve"}).status_code == 303
    late = undo(leader, review["plays"][0]["account_id"], 1)
    assert late.status_code == 409
    assert "are recorded; they cannot be taken back" in late.text
    assert 'data-key="u"' not in leader.get(MEETING).text


def test_a_program_takes_back_too_and_gets_what_stands_now(desk: InProcessDesk, play: dict[str, Any]) -> None:
    program, api = desk.token_client(desk.member("leader")), f"/api/v1/reviews/{W48}"
    decision = {"account": play["account_id"], "version": play["version"], "decision": "reject", "reason": "no"}
    assert program.post(f"{api}/choices", json={"decision": decision}).status_code == 200
    back = program.post(f"{api}/undo", json={"account": play["account_id"], "seen": 1})
    assert (back.status_code, back.json()) == (200, {"choice": None})
    again = program.post(f"{api}/undo", json={"account": play["account_id"], "seen": 1})
    assert (again.status_code, again.json()["error"]) == (409, "stale")


# seen before it is approved ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("decision", ["approve", "edit", "continue"])
def test_a_critical_account_is_approved_only_by_somebody_to_whom_its_evidence_was_served(
    desk: InProcessDesk, leader: SignedInBrowser, play: dict[str, Any], decision: str
) -> None:
    action = play["phases"][0]["actions"][0]["id"]
    more = {f"due:{action}": "2026-11-27"} if decision == "edit" else {}
    others = evidence_mark(page_of(desk.browser(SECOND), play["account_id"]))
    assert others
    for mark in ("", "0" * 64, others):
        refused = decide(leader, play, decision, evidence=mark, **more)
        assert refused.status_code == 422, "the mark of another person's page counts for nobody else"
        assert "open its page at the meeting and read the evidence" in unescape(refused.text)
    assert choices(desk) == {}


def test_with_its_page_a_critical_account_is_approved_and_without_it_rejected(
    desk: InProcessDesk, leader: SignedInBrowser, play: dict[str, Any]
) -> None:
    assert decide(leader, play, "reject", evidence="").status_code == 303
    assert decide(leader, play, "approve", 1).status_code == 303
    assert choices(desk)[play["account_id"]][0] == "approve"


def test_the_page_says_who_gets_how_much_work_before_the_decision(
    leader: SignedInBrowser, review: dict[str, Any]
) -> None:
    new = next(each for each in review["plays"] if each["account_id"] not in review["running"])
    actions = [action for phase in new["phases"] for action in phase["actions"]]
    effect = review["consequences"][new["account_id"]]["approve"]
    assert effect.startswith(f"{len(actions)} actions go to ")
    assert all(action["owner"] in effect for action in actions if action["owner"] != "TBD")
    assert f"{sum(action['effort_hours'] for action in actions):,.1f}".rstrip("0").rstrip(".") + " hours" in effect
    assert effect in unescape(page_of(leader, new["account_id"]))


# primary actions of accounts without a play --------------------------------------------------------------------------


def lines(review: dict[str, Any], *, critical: bool) -> list[str]:
    """Accounts of the plan without a play."""
    out = {each["account_id"] for each in (*review["plays"], *review["deferred"])}
    return [
        line["account_id"]
        for line in review["intervention_plan"]
        if line["account_id"] not in out and (line["tier"] == "critical") == critical
    ]


def decide_everything(desk: InProcessDesk, leader: SignedInBrowser, review: dict[str, Any]) -> None:
    for each in review["plays"]:
        assert decide(leader, each, "reject").status_code == 303
    for account in lines(review, critical=True):
        given = {"account": account, "decision": "approve", "seen": "0"}
        mark = {"evidence": evidence_mark(page_of(leader, account))}
        assert leader.send(f"/r/{W48}/choices", given).status_code == 422, "critical, and nobody saw its page"
        assert leader.send(f"/r/{W48}/choices", {**given, **mark}).status_code == 303


def test_critical_accounts_are_decided_by_name_and_others_are_taken_out_of_the_list(
    desk: InProcessDesk, leader: SignedInBrowser, review: dict[str, Any]
) -> None:
    critical, others = lines(review, critical=True), lines(review, critical=False)
    assert critical
    assert len(others) > 1
    for each in review["plays"]:
        assert decide(leader, each, "reject").status_code == 303
    left = leader.send(f"/r/{W48}/plan", {"others": "approve"})
    assert left.status_code == 422
    assert all(account in left.text for account in critical)
    for account in critical:
        mark = evidence_mark(page_of(leader, account))
        given = {"account": account, "decision": "approve", "seen": "0", "evidence": mark}
        assert leader.send(f"/r/{W48}/choices", given).status_code == 303
    page = leader.get(MEETING).text
    assert all(f'name="out" value="{account}"' in page for account in others)
    wrong = leader.send(f"/r/{W48}/plan", {"others": "approve", "out": "TF-NONE"})
    assert wrong.status_code == 422
    assert "TF-NONE is no account of the plan without a play" in wrong.text
    assert leader.send(f"/r/{W48}/plan", {"others": "approve", "out": others[0]}).status_code == 303
    with open_store(str(desk.store)) as session:
        assert run_review(session, W48, Timing()) == "close"
        kinds = {action.account_id: action.kind for action in session.store.actions_of(W48)}
        decided = session.store.decision(W48, "plan")
    assert kinds[others[0]] == "look_again", "what is taken out stays on the table"
    assert all(kinds.get(account) in ("primary", None) for account in [*critical, *others[1:]])
    assert decided is not None
    named = {each.account: (each.decision, each.reason, each.by) for each in decided.plays}
    assert named[others[0]] == ("reject", LEFT_OUT, leader.session.member.name)


def test_what_was_chosen_in_an_earlier_run_of_the_week_does_not_come_back(
    desk: InProcessDesk, leader: SignedInBrowser, play: dict[str, Any]
) -> None:
    account = play["account_id"]
    assert decide(desk.browser(SECOND), play, "defer", until="2026-12-07").status_code == 303
    assert decide(leader, play, "reject", 1).status_code == 303
    with desk.desk.store_pool.borrow() as session:
        store, run = DeskStore(session.store), session.store.request(W48)[2]
        store.carry_choices(W48, run + 1, list(store.choices(W48, run).values()))
        carried = store.choices(W48, run + 1)[account]
        assert (carried.decision.decision, carried.before) == ("reject", None)
        assert store.take_back_choice(W48, run + 1, account, SECOND.name, carried.number) is None
        assert store.choices(W48, run + 1) == {}
        assert session.store.verify_audit().is_sound
