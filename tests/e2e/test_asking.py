"""`saveplay ask` on the sample portfolio, with real processes and without a model."""

import json
from pathlib import Path

import pytest

from tests.e2e.commands import saveplay

SAMPLE = Path(__file__).resolve().parent.parent.parent / "examples" / "portfolio"
ON = ("--data", str(SAMPLE), "--as-of", "2026-11-23")


@pytest.fixture(scope="module")
def waiting_review(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a review that waits for decisions."""
    folder = tmp_path_factory.mktemp("asking")
    ran = saveplay("review", *ON, "--store", str(folder / "store"), "--out", str(folder / "out"))
    assert ran.code == 3, ran.err
    return folder


def test_an_answer_is_one_document_with_play_evidence_and_what_the_asker_said(tmp_path: Path) -> None:
    store = tmp_path / "nothing"
    ran = saveplay(
        "ask", "save play for TF-1001, they are talking to a competitor", *ON, "--store", str(store), "--json"
    )
    assert ran.code == 0, ran.err
    answered = json.loads(ran.out)
    (part,) = answered["parts"]
    assert part["play"]["verified"]
    assert part["play"]["cause"] == "competitive_displacement"
    assert [fact["id"] for fact in part["evidence"]][:2] == ["A1", "A2"]
    assert {said["signal"] for said in part["said"]} == {"evaluating_alternatives", "competitor_named"}
    assert not store.exists(), "asking makes no store"


def test_a_question_that_could_mean_several_accounts_is_asked_back_and_waits() -> None:
    ran = saveplay("ask", "build a save play for Jasperine", *ON)
    assert ran.code == 3
    assert "Jasperine Telecom" in ran.out
    assert "Jasperine & Pillai Payments AB" in ran.out


def test_an_asked_for_play_is_put_before_the_decision_that_waits_and_nothing_else_changes(waiting_review: Path) -> None:
    review = waiting_review / "out" / "2026-W48" / "review.json"
    before = json.loads(review.read_text(encoding="utf-8"))
    question = "save play for TF-1001, they are talking to a competitor"
    only_asked = saveplay("ask", question, *ON, "--store", str(waiting_review / "store"))
    assert only_asked.code == 0
    assert json.loads(review.read_text(encoding="utf-8")) == before

    asked = saveplay("ask", question, *ON, "--store", str(waiting_review / "store"), "--propose", "--by", "Ruth")
    assert asked.code == 0, asked.err
    assert "put before the decision of 2026-W48" in asked.out
    after = json.loads(review.read_text(encoding="utf-8"))
    new = [play for play in after["plays"] if play["asked"]]
    assert [play["account_id"] for play in new] == ["TF-1001"]
    assert question in new[0]["asked"]
    assert [play for play in after["plays"] if not play["asked"]] == before["plays"]
    assert after["at_risk"] == before["at_risk"]
    assert "TF-1001" in (waiting_review / "out" / "2026-W48" / "decisions.yaml").read_text(encoding="utf-8")

    decided = saveplay("decide", "2026-W48", "--approve", "all", "--store", str(waiting_review / "store"))
    assert decided.code == 0, decided.err
    closed = json.loads(review.read_text(encoding="utf-8"))
    assert any(action["account_id"] == "TF-1001" for action in closed["actions"])


@pytest.mark.parametrize(
    ("question", "says"), [("", "the question is empty"), ("x" * 3000, "at most 2000")], ids=["empty", "endless"]
)
def test_a_question_that_is_none_is_refused_in_one_sentence(question: str, says: str) -> None:
    ran = saveplay("ask", question, *ON)
    assert ran.code == 2
    assert says in ran.err
    assert ran.out == ""
