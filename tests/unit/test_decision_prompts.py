"""Questions in the terminal: a reason is asked for by the same rule as everywhere else, until there is one."""

import io
from datetime import date

import pytest
from rich.console import Console

from app.decision_prompts import (
    Step,
    answer_in_turn,
    prompt_for_line,
    prompt_for_lines,
    prompt_for_others,
    prompt_for_play,
)
from domain.decisions import PlayDecision
from domain.desk import PendingDecision
from domain.plan import PlanLine
from tests.builders import build_finding, build_play

PLAY = build_play(account_id="A-1", intervention_tier="critical")


def answer(monkeypatch: pytest.MonkeyPatch, typed: str, difficulty: str, verified: bool = True) -> PlayDecision:
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    play = PLAY.model_copy(update={"verified": verified})
    finding = build_finding("service_failure", difficulty)
    return prompt_for_play(play, finding, "1 of 1", Console(file=io.StringIO(), markup=False))


@pytest.mark.parametrize(("difficulty", "verified"), [("hard", True), ("moderate", False)])
def test_a_reason_is_asked_for_until_it_is_given(
    monkeypatch: pytest.MonkeyPatch, difficulty: str, verified: bool
) -> None:
    decision = answer(monkeypatch, "approve\n\n  \nWorth it\n", difficulty, verified)
    assert (decision.decision, decision.reason) == ("approve", "Worth it")


def test_an_ordinary_approval_asks_for_no_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    assert answer(monkeypatch, "approve\n", "moderate").reason == ""


CHOICE = PendingDecision(
    decision=PlayDecision(account="A-1", decision="reject", reason="They renewed", version=PLAY.version),
    by="Dana",
    number=1,
)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [("\n", ("reject", "They renewed", "Dana")), ("approve\n", ("approve", "", ""))],
)
def test_a_choice_that_waits_is_shown_and_kept_unless_another_is_given(
    monkeypatch: pytest.MonkeyPatch, typed: str, expected: tuple[str, str, str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    shown = io.StringIO()
    finding = build_finding("service_failure", "moderate")
    decision = prompt_for_play(
        PLAY.model_copy(update={"verified": True}), finding, "1 of 1", Console(file=shown, markup=False), CHOICE
    )
    assert (decision.decision, decision.reason, decision.by) == expected
    assert decision.version == PLAY.version
    assert "Chosen already: reject, by Dana (They renewed)" in shown.getvalue()


@pytest.mark.parametrize(("typed", "kept"), [("\n", ["A-1"]), ("n\n", [])])
def test_choices_about_accounts_without_a_play_are_kept_together_or_not_at_all(
    monkeypatch: pytest.MonkeyPatch, typed: str, kept: list[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    shown = io.StringIO()
    found = prompt_for_lines({"A-1": CHOICE}, Console(file=shown, markup=False))
    assert [decision.account for decision in found] == kept
    assert "A-1: reject, by Dana (They renewed)" in shown.getvalue()


def test_what_is_changed_in_the_terminal_is_an_edit_and_nothing_changed_an_approval(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def decided(changes: dict[str, object]) -> PlayDecision:
        monkeypatch.setattr("sys.stdin", io.StringIO("edit\n"))
        console = Console(file=io.StringIO(), markup=False)
        return prompt_for_play(PLAY, build_finding("service_failure"), "1 of 1", console, None, lambda: changes)

    assert decided({"remarks": {"play": "They like us"}}).remarks == {"play": "They like us"}
    assert decided({}).decision == "approve"


# the keys of the desk, and taking back ---------------------------------------------------------------------------


def plan_line(account: str) -> PlanLine:
    return PlanLine(
        account_id=account, name=f"Name {account}", tier="critical", arr=9000.0, why=("Two escalations",), action="Call them",
        secondary="", owner="Sadia Karim", by=date(2026, 11, 25), urgency="immediate", rule="critical-1",
    )  # fmt: skip


def in_turn(monkeypatch: pytest.MonkeyPatch, typed: str) -> tuple[list[PlayDecision], str]:
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    shown = io.StringIO()
    console = Console(file=shown, markup=False, width=200)
    steps: list[Step] = [
        lambda undo: prompt_for_play(PLAY, build_finding("service_failure"), "1 of 1", console, can_undo=undo),
        lambda undo: prompt_for_line(plan_line("A-2"), ["An open fact"], "1 of 1", console, can_undo=undo),
    ]
    return answer_in_turn(steps, console), shown.getvalue()


def test_one_key_decides_and_u_takes_back_the_last_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    found, shown = in_turn(monkeypatch, "a\nu\nr\nNot now\na\n")
    assert [(each.account, each.decision, each.reason) for each in found] == [
        ("A-1", "reject", "Not now"),
        ("A-2", "approve", ""),
    ]
    assert "Taken back: approve A-1." in shown
    assert "Two escalations" in shown
    assert "An open fact" in shown, "the evidence comes before the question"


def test_before_the_first_choice_there_is_nothing_to_take_back(monkeypatch: pytest.MonkeyPatch) -> None:
    found, shown = in_turn(monkeypatch, "u\napprove\nd\n2026-12-07\n")
    assert [each.decision for each in found] == ["approve", "defer"]
    assert "Taken back" not in shown


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("y\n\n", (True, [])),
        ("y\n2\n", (True, ["B-2"])),
        ("y\n9 x\n1, 2\n", (True, ["B-1", "B-2"])),
        ("n\n", (False, [])),
    ],
)
def test_the_other_primary_actions_are_a_list_in_which_each_can_be_taken_out(
    monkeypatch: pytest.MonkeyPatch, typed: str, expected: tuple[bool, list[str]]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    shown = io.StringIO()
    assert prompt_for_others([plan_line("B-1"), plan_line("B-2")], Console(file=shown, markup=False)) == expected
    assert "2  Name B-2: Call them, Sadia Karim, by 25 Nov" in shown.getvalue()
