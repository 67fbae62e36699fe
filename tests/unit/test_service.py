"""Operations that command line and desk share: a change and its line in the audit log are written together."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from pydantic import ValidationError

from app.decision_file import read_decisions
from app.parsing import first_problem, future_note, parse_date, parse_review_date
from app.service import record_decisions, record_unattended_decisions, save_override, waiting_gate
from app.wiring import StoreSession, open_store
from domain.decisions import CloseDecision, Decisions, PlayDecision
from domain.errors import DecisionError, InputError
from domain.portfolio import BandOverride

W48, MONDAY = "2026-W48", date(2026, 11, 23)


@pytest.fixture
def session(tmp_path: Path) -> Iterator[StoreSession]:
    with open_store(str(tmp_path)) as opened:
        opened.store.start(W48, MONDAY, {})
        yield opened


def audit_lines(session: StoreSession) -> list[tuple[str, str]]:
    return [(line["who"], line["what"]) for line in session.store.audit(W48)]


def decisions_by(name: str) -> Decisions:
    plays = (PlayDecision(account="A-1", decision="approve"),)
    return Decisions(review=W48, decided_by=name, plays=plays, budget=900, close=CloseDecision(owners={"A-1": "P-1"}))


def test_a_decision_is_recorded_with_what_was_decided(session: StoreSession) -> None:
    record_decisions(session, W48, "plan", decisions_by("Dana"))
    (line,) = session.store.audit(W48)
    assert (line["what"], line["plays"], line["budget"]) == ("decided", {"A-1": "approve"}, 900)


def test_a_second_decision_leaves_neither_itself_nor_a_line(session: StoreSession) -> None:
    record_decisions(session, W48, "close", decisions_by("Dana"))
    with pytest.raises(DecisionError, match="already decided"):
        record_decisions(session, W48, "close", decisions_by("Marc"))
    assert audit_lines(session) == [("Dana", "closed")]


def test_unattended_decisions_are_kept_for_both_gates_or_for_none(session: StoreSession) -> None:
    record_decisions(session, W48, "close", decisions_by("Dana"))
    with pytest.raises(DecisionError):
        record_unattended_decisions(session, W48, decisions_by("nobody"))
    assert session.store.decision(W48, "plan") is None
    assert audit_lines(session) == [("Dana", "closed")]


def test_an_override_is_logged_with_the_one_before(session: StoreSession) -> None:
    for band in ("red", "green"):
        override = BandOverride(band=band, reason="so", by="Dana", until=date(2026, 12, 7))
        save_override(session, "A-1", override, MONDAY, W48)
    before = [line["before"] and line["before"]["band"] for line in session.store.audit(W48)]
    assert before == [None, "red"]


@pytest.mark.parametrize(("state", "gate"), [("waiting:plan", "plan"), ("waiting:close", "close"), ("closed", None)])
def test_the_state_of_a_review_names_the_gate_that_waits(session: StoreSession, state: str, gate: str | None) -> None:
    session.store.set_state(W48, state)
    assert waiting_gate(session, W48) == gate


def test_an_interrupted_review_has_to_be_resumed_first(session: StoreSession) -> None:
    with pytest.raises(DecisionError, match="saveplay resume 2026-W48"):
        waiting_gate(session, W48)


def test_a_date_that_is_none_is_refused_with_the_name_of_the_field() -> None:
    assert parse_date("2026-11-23", "--as-of") == MONDAY
    with pytest.raises(InputError, match=r"^due '23\.11\.' is not a date; write it like 2026-11-23$"):
        parse_date("23.11.", "due")


@pytest.mark.parametrize(
    ("content", "whole", "message"),
    [
        ({"account": "A-1", "decision": "approve", "colour": "red"}, "", "colour: Extra inputs are not permitted"),
        ({"account": "A-1", "decision": "reject"}, "", "A-1: a rejection needs a reason"),
        ({"account": "A-1", "decision": "reject"}, "the file", "the file: A-1: a rejection needs a reason"),
    ],
)
def test_what_a_record_refuses_is_said_in_one_sentence(content: dict[str, str], whole: str, message: str) -> None:
    with pytest.raises(ValidationError) as refused:
        PlayDecision.model_validate(content)
    assert first_problem(refused.value, whole) == message


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("1989-12-31", "--as-of 1989-12-31 is before 1990; write the day of the review, like 2026-11-23"),
        ("0001-01-01", "--as-of 0001-01-01 is before 1990; write the day of the review, like 2026-11-23"),
        ("2027-11-25", "--as-of 2027-11-25 is more than a year after today, 2026-11-23; write the day of the review"),
        ("9999-12-31", "--as-of 9999-12-31 is more than a year after today, 2026-11-23; write the day of the review"),
        ("2026-11-31", "--as-of '2026-11-31' is not a date; write it like 2026-11-23"),
    ],
)
def test_a_review_date_that_no_review_has_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(InputError) as refused:
        parse_review_date(text, MONDAY)
    assert str(refused.value) == sentence


@pytest.mark.parametrize("text", ["1990-01-01", "2026-11-23", "2027-11-24"])
def test_a_review_of_the_past_or_of_the_coming_year_is_taken(text: str) -> None:
    assert parse_review_date(text, MONDAY) == date.fromisoformat(text)


def test_a_review_that_is_dated_ahead_says_so_first() -> None:
    assert future_note(MONDAY, MONDAY) == ""
    assert future_note(date(2026, 11, 24), MONDAY) == (
        "2026-11-24 is 1 day after today: what happens until then is not in the data."
    )


def test_a_decisions_file_cannot_declare_itself_unattended(tmp_path: Path) -> None:
    file = tmp_path / "decisions.yaml"
    file.write_text("review: 2026-W48\ndecided_by: Dana\nrest: approve\nunattended: true\n", encoding="utf-8")
    with pytest.raises(DecisionError, match=r"^decisions\.yaml: unattended: this is recorded by --approve all or none"):
        read_decisions(file, "2026-W48")
