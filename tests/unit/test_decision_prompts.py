"""Questions in the terminal: a reason is asked for by the same rule as everywhere else, until there is one."""

import io

import pytest
from rich.console import Console

from app.decision_prompts import prompt_for_play
from domain.decisions import PlayDecision
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
