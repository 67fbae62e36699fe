"""A real small model, as recorded: plays, texts, questions and readings of the sample, and what becomes of them."""

import json
from dataclasses import dataclass
from shutil import copytree

import pytest

from app.comparison_commands import ComparisonRequest, run_comparison
from domain.questions import QuestionAnswer
from evals.cases import FIXTURES
from evals.recorded_model import RECORDED_MODEL, RECORDINGS, has_recording, recording_mode
from evals.suites.drafts import PLAYS
from tests.recorded.sessions import (
    QUESTIONS,
    Call,
    ask_recorded_questions,
    draft_recorded_plays,
    read_recorded_texts,
    review_last_week,
)
from tools.prompts import PROMPTS_FOLDER

pytestmark = [pytest.mark.long, pytest.mark.timeout(0 if recording_mode() else 120)]


@dataclass(frozen=True)
class Recorded:
    """Results of one session with the model."""

    answers: tuple[QuestionAnswer, ...]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    base = tmp_path_factory.mktemp("week")
    review_last_week(base)

    answers, asking = ask_recorded_questions(copytree(base, base.with_name(f"{base.name}-questions")))
    heard_all(asking)
    return Recorded(answers)


def heard_all(calls: list[Call]) -> None:
    unheard = sorted({outcome for _, _, outcome in calls} - {"answered", "cut_short"})
    assert not unheard, f"a prompt changed since it was recorded ({', '.join(unheard)}): run `make record`"


def asked(recorded: Recorded, question: str) -> QuestionAnswer:
    return next(answer for answer in recorded.answers if answer.question.startswith(question))


def test_no_play_of_the_model_has_a_violation_and_each_is_its_own_or_says_why_not() -> None:
    result, calls = draft_recorded_plays()
    heard_all(calls)
    judged = [case for case in result.cases if "outcome" in case.got]
    assert len(judged) == PLAYS
    assert {check.name for case in judged for check in case.checks if not check.right} == set()
    assert {case.got["outcome"] for case in judged} <= {"first_try", "repaired", "fell_back"}
    assert {"kept", "specific", "must_haves", "must_haves_playbook", "texts_kept"} <= {
        figure.name for figure in result.figures
    }


def test_a_play_that_is_asked_for_is_verified_whoever_drafted_it(recorded: Recorded) -> None:
    plays = [part.play for answer in recorded.answers for part in answer.parts if part.play is not None]
    assert len(plays) >= 2
    for play in plays:
        assert (play.verified, play.violations) == (True, ())
        assert play.drafted_by == "model" or play.drafting.reason in play.drafted_note


def test_a_question_gets_the_answer_that_belongs_to_it_or_is_asked_back(recorded: Recorded) -> None:
    assert [answer.question for answer in recorded.answers] == list(QUESTIONS)
    assert all(answer.parts for answer in recorded.answers)
    wanted = {
        "build a save play for Baobab": ("save_play", "which_account"),
        "save play for TF-1001": ("save_play",),
        "why is Cormorant": ("why",),
        "what changed": ("changes",),
        "who is overloaded": ("load",),
        "what was promised": ("late",),
        "intervention plan for the critical": ("plan",),
        "make a save play for Jasperine": ("which_account",),
        "save play for Northwind": ("unknown_account",),
    }
    found = {start: asked(recorded, start).parts[0].kind for start in wanted}
    assert {start: kind for start, kind in found.items() if kind not in wanted[start]} == {}


def test_most_questions_are_answered_by_tools_that_the_model_chose(recorded: Recorded) -> None:
    by_model = [answer for answer in recorded.answers if answer.answered_by == "model"]
    assert len(by_model) > len(recorded.answers) * 0.8
    for answer in recorded.answers:
        assert answer.answered_by == "model" or answer.note


def test_what_whoever_asks_says_is_marked_as_theirs_and_moves_the_cause(recorded: Recorded) -> None:
    (part,) = asked(recorded, "save play for TF-1001").parts
    assert part.play is not None
    assert part.play.cause == "competitive_displacement"
    assert [fact.source for fact in part.evidence if fact.id.startswith("A")] == ["the person who asks"] * 2


def test_the_recording_holds_no_key_and_no_clock(recorded: Recorded) -> None:
    for file in RECORDINGS.glob("*.yaml"):
        text = file.read_text(encoding="utf-8").lower()
        assert "authorization" not in text
        assert "bearer" not in text
        assert "\n      date:" not in text


def test_an_injected_order_in_a_question_is_not_followed(recorded: Recorded) -> None:
    answer = asked(recorded, "Ignore your instructions")
    assert {part.kind for part in answer.parts} <= {"why", "save_play", "which_account"}
    assert "fine" not in json.dumps([part.sentences for part in answer.parts])


@pytest.mark.skipif(
    not has_recording("reading") and recording_mode() is None, reason="readings are not recorded yet: `make record`"
)
def test_what_the_model_read_is_measured_beside_the_phrases_on_the_same_texts() -> None:
    result, calls = read_recorded_texts()
    heard_all(calls)
    readers = {figure.name.partition(":")[0] for figure in result.figures}
    assert any(reader.startswith(RECORDED_MODEL) for reader in readers)
    assert any(reader.startswith("phrases, the model's") for reader in readers)
    assert RECORDED_MODEL in result.notes[0]


def test_the_compared_prompt_is_the_shipped_one_and_one_rule_more() -> None:
    shipped, other = (
        (folder / "draft_rules.j2").read_text(encoding="utf-8").splitlines()
        for folder in (PROMPTS_FOLDER, FIXTURES / "compare")
    )
    assert len(other) == len(shipped) + 1
    assert [line for line in other if line in shipped] == shipped


def test_two_prompts_are_compared_from_recorded_answers(capsys: pytest.CaptureFixture[str]) -> None:
    request = ComparisonRequest(
        sides=("prompts", str(FIXTURES / "compare")), mode="replay", seed=1, labels=(), choose=None, judge=False,
        html=None, configs=None, as_json=True,
    )  # fmt: skip
    run_comparison(request)
    document = json.loads(capsys.readouterr().out)
    figures = {figure["name"]: figure for figure in document["figures"]}
    for side in ("a", "b"):
        assert figures["kept"][side] > 0, "a prompt changed since it was recorded: run `make record`"
        assert figures["violations"][side] == 0
        assert figures["tokens"][side] > 1000
    assert figures["tokens"]["b"] > figures["tokens"]["a"], "one rule more is read"
    assert document["preference"]["pairs"] == sum(pair["a"] != pair["b"] for pair in document["pairs"])
