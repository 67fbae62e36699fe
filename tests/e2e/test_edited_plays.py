"""Edits of a play before it is recorded: steps, causes, people, criteria and remarks, new checks, and the effect on the load."""

import io
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from rich.console import Console

from app.edit_prompts import EditPrompts
from app.timing import Timing
from app.wiring import build_context, open_store
from domain.decisions import PlayDecision
from domain.errors import DecisionError, EditError
from domain.play_edits import AddedStep, TargetChange
from domain.save_play import PlayAction, SavePlay
from graph.decision_preview import DecisionPreview
from tests.e2e.commands import DONE, CommandResult
from tests.e2e.shared_stores import W48, MeetingWishes, StoreFolder
from tools.save_play.added_steps import added_id


@pytest.fixture(scope="module")
def table(
    waiting_review: tuple[StoreFolder, CommandResult], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DecisionPreview]:
    """The decision preview of the second week of the small team."""
    place = StoreFolder(waiting_review[0].folder.parent).copy_to(tmp_path_factory.mktemp("edits") / "world")
    with open_store(str(place.store)) as opened:
        context = build_context(opened, W48, Timing())
        yield DecisionPreview(context, context.stored_state(W48))


@pytest.fixture(scope="module")
def play(table: DecisionPreview) -> SavePlay:
    return table.planned.plays[1]


def steps(play: SavePlay) -> list[PlayAction]:
    return [action for phase in play.phases for action in phase.actions]


def edit(play: SavePlay, **changes: object) -> PlayDecision:
    return PlayDecision(account=play.account_id, decision="edit", by="Ines", **changes)  # type: ignore[arg-type]


def test_an_exchanged_action_brings_its_own_owner_date_and_words_and_still_passes_every_check(
    table: DecisionPreview, play: SavePlay
) -> None:
    old = play.phases[1].actions[0]
    new = table.replacement_actions(play.account_id, old.id)[0]
    edited = table.play(edit(play, swap={old.id: new.id}))
    assert old.id not in {action.id for action in steps(edited)}
    (came,) = [action for action in edited.phases[1].actions if action.id == new.id]
    assert came.title == table.replacement_titles(play.account_id, old.id)[new.id]
    assert came.owner_role == new.owner_role
    assert "{" not in came.title + came.action
    assert edited.violations == ()
    assert edited.version != play.version


def test_only_what_the_library_has_for_the_phase_takes_the_place_of_an_action(
    table: DecisionPreview, play: SavePlay
) -> None:
    first, later = play.phases[0].actions[0], play.phases[2].actions[0]
    with pytest.raises(DecisionError, match="cannot be replaced by 'free-lunch'; the playbook has"):
        table.play(edit(play, swap={first.id: "free-lunch"}))
    with pytest.raises(DecisionError, match="cannot be replaced"):
        table.play(edit(play, swap={first.id: later.id}))
    with pytest.raises(DecisionError, match="has no action 'nothing'"):
        table.play(edit(play, swap={"nothing": later.id}))


def test_two_actions_are_not_both_exchanged_for_the_same_one(table: DecisionPreview, play: SavePlay) -> None:
    one, two = play.phases[1].actions[:2]
    new = table.replacement_actions(play.account_id, one.id)[0]
    with pytest.raises(DecisionError, match="cannot be replaced"):
        table.play(edit(play, swap={one.id: new.id, two.id: new.id}))


def test_a_remark_stands_as_it_is_typed_with_who_typed_it_and_leaves_the_checked_step_alone(
    table: DecisionPreview, play: SavePlay
) -> None:
    action = steps(play)[0]
    edited = table.play(edit(play, remarks={action.id: "Call  them\nbefore lunch", "play": "They are kind people"}))
    assert next(each for each in steps(edited) if each.id == action.id) == action
    assert [(remark.at, remark.text, remark.by) for remark in edited.edits.remarks] == [
        ("", "They are kind people", "Ines"), (action.id, "Call them before lunch", "Ines"),
    ]  # fmt: skip
    assert edited.verified
    assert edited.version != play.version


def test_a_number_that_the_record_does_not_hold_is_pointed_out_and_not_refused(
    table: DecisionPreview, play: SavePlay
) -> None:
    action = steps(play)[0]
    edited = table.play(edit(play, remarks={action.id: "Offer them 41.7 % off for 3,999 seats"}))
    assert edited.verified
    assert edited.edits.remarks[0].untraced == ("41.7", "3999")
    known = f"Speak about the EUR {play.arr:,.0f} before {play.phases[0].ends}"
    assert table.play(edit(play, remarks={action.id: known})).edits.remarks[0].untraced == ()


def test_ids_and_numbers_of_the_record_are_known(table: DecisionPreview, play: SavePlay) -> None:
    facts = table.edit_context(play.account_id).dossier.facts
    ticket = next(fact for fact in facts if fact.kind == "ticket")
    said = f"{ticket.ticket_id} of {ticket.on} first"
    assert table.play(edit(play, remarks={"play": said})).edits.remarks[0].untraced == ()


@pytest.mark.parametrize("words", ["", "   ", "x" * 601])
def test_a_remark_is_neither_empty_nor_a_document(table: DecisionPreview, play: SavePlay, words: str) -> None:
    with pytest.raises(EditError, match="a remark has 1 to 600 characters") as error:
        table.play(edit(play, remarks={steps(play)[0].id: words}))
    assert [field for field, _ in error.value.faults] == [f"remarks.{steps(play)[0].id}"]


def added(play: SavePlay, table: DecisionPreview, **terms: object) -> AddedStep:
    """A step about the first ticket or quotation of the account, with somebody who is there."""
    facts = table.edit_context(play.account_id).dossier.facts
    about = next(fact.id for fact in facts if fact.kind in ("ticket", "quotation", "usage"))
    person = next(fact.id for fact in facts if fact.kind == "contact" and fact.status != "departed")
    usual = {"verb": "meet", "about": about, "person": person, "asks": ("what_works",)}
    owner = next(step.owner_id for step in steps(play) if step.owner_id)
    day = table.context.calendar.on_or_after(table.identified.as_of)
    return AddedStep.model_validate({**usual, "owner": owner, "by": day, **terms})


def test_a_step_that_people_add_is_worded_by_code_and_passes_the_same_checks(
    table: DecisionPreview, play: SavePlay
) -> None:
    new = added(play, table)
    edited = table.play(edit(play, add=(new,)))
    (came,) = [step for step in steps(edited) if step.id == added_id(new)]
    assert came.title.startswith("Meet ")
    assert "{" not in came.title
    assert (came.owner_id, came.due) == (new.owner, new.by)
    assert len(came.because) == 1
    assert came.asks == ("What works for you today?",)
    assert edited.violations == ()
    assert edited.version != play.version


@pytest.mark.parametrize(
    ("terms", "field", "reason"),
    [
        ({"verb": "sing"}, "verb", "no verb of plan.yaml"),
        ({"about": "ticket:T-0"}, "about", "the account has no fact"),
        ({"person": "contact:nobody"}, "with", "nobody of theirs or ours"),
        ({"person": None}, "with", "say with whom"),
        ({"owner": "P-0"}, "owner", "no colleague has the id"),
        ({"owner": ""}, "owner", "say who does it"),
        ({"by": date(2026, 11, 1)}, "by", "is past"),
        ({"by": date(2026, 12, 25)}, "by", "is a day off"),
        ({"asks": ("why_not",)}, "asks", "no question of plan.yaml"),
        ({"result": "riches"}, "result", "no result of plan.yaml"),
    ],
)
def test_what_is_wrong_with_an_added_step_names_its_field(
    table: DecisionPreview, play: SavePlay, terms: dict[str, object], field: str, reason: str
) -> None:
    with pytest.raises(EditError, match=reason) as error:
        table.play(edit(play, add=(added(play, table, **terms),)))
    assert f"add.1.{field}" in [name for name, _ in error.value.faults]


def test_no_step_is_added_twice(table: DecisionPreview, play: SavePlay) -> None:
    new = added(play, table)
    with pytest.raises(EditError, match="the play has this step already"):
        table.play(edit(play, add=(new, new)))


def test_another_cause_plans_the_play_again_and_says_what_was_kept(table: DecisionPreview, play: SavePlay) -> None:
    other = next(cause for cause in ("value_gap", "product_fit") if cause != play.cause)
    edited = table.play(edit(play, cause=other))
    assert edited.cause == other
    assert "Ines names this cause" in edited.root_cause
    assert f"Ines changed the cause from {play.cause_label} to {edited.cause_label}" in edited.drafted_note
    assert edited.violations == ()
    with pytest.raises(EditError, match="no cause is called 'bad_luck'"):
        table.play(edit(play, cause="bad_luck"))


def test_a_criterion_gets_another_day_and_number_but_none_that_is_reached_already(
    table: DecisionPreview, play: SavePlay
) -> None:
    health = next(each for each in play.success_criteria if each.name == "Health target")
    assert health.terms is not None
    later = table.context.calendar.on_or_after(health.by + timedelta(days=7))
    edited = table.play(edit(play, targets={"Health target": TargetChange(by=later, at_least=99)}))
    changed = next(each for each in edited.success_criteria if each.name == "Health target")
    assert (changed.by, changed.target[:15]) == (later, "At least 99 of ")
    assert edited.violations == ()
    for change in (TargetChange(at_least=0), TargetChange(at_least=101), TargetChange(by=date(2026, 1, 5))):
        with pytest.raises(EditError):
            table.play(edit(play, targets={"Health target": change}))


def test_a_step_waits_for_another_and_is_shown_after_it(table: DecisionPreview, play: SavePlay) -> None:
    first, last = play.phases[0].actions[0], play.phases[1].actions[-1]
    edited = table.play(edit(play, after={last.id: first.id}))
    changed = next(step for step in steps(edited) if step.id == last.id)
    assert changed.after == "after step 1"
    assert edited.violations == ()
    with pytest.raises(EditError, match="before the step that it waits for"):
        table.play(edit(play, after={first.id: last.id}))


def test_nobody_who_left_is_met(table: DecisionPreview) -> None:
    for play in table.planned.plays:
        facts = table.edit_context(play.account_id).dossier.facts
        gone = [fact.id for fact in facts if fact.kind == "contact" and fact.status == "departed"]
        if gone:
            with pytest.raises(EditError, match="left"):
                table.play(edit(play, people={steps(play)[0].id: gone[0]}))


def test_what_is_rejected_or_deferred_asks_for_no_hours(table: DecisionPreview) -> None:
    def asked(decisions: list[PlayDecision]) -> float:
        return sum(line.hours_asked for line in table.load(decisions).capacity)

    plays = table.planned.plays
    none = [PlayDecision(account=play.account_id, decision="reject", reason="No") for play in plays]
    assert asked([]) == sum(line.hours_asked for line in table.planned.capacity)
    assert asked(none[:1]) < asked([])
    assert asked(none) == 0
    assert table.load(none).needs.chosen == ()


def test_an_exchange_and_a_remark_in_a_decisions_file_are_carried_out(
    waiting_review: tuple[StoreFolder, CommandResult],
    meeting_wishes: MeetingWishes,
    table: DecisionPreview,
    play: SavePlay,
    tmp_path: Path,
) -> None:
    place = StoreFolder(waiting_review[0].folder.parent).copy_to(tmp_path / "world")
    old, worded = play.phases[1].actions[0], play.phases[0].actions[0]
    new = table.replacement_actions(play.account_id, old.id)[0].id
    said = {
        "account": play.account_id, "decision": "edit", "by": "Sadia Karim", "swap": {old.id: new},
        "remarks": {worded.id: "Call them first thing"},
    }  # fmt: skip
    plays = [said, *(each for each in meeting_wishes.content["plays"] if each["account"] != play.account_id)]
    place.run("decide", W48, "--file", meeting_wishes.file(tmp_path / "plan.yaml", plays=plays)).check_exit(DONE)
    actions = {row["playbook_action"]: row for row in _actions(place, play.account_id)}
    assert new in actions
    assert old.id not in actions
    assert actions[worded.id]["action"] == worded.whole


def _actions(place: StoreFolder, account: str) -> list[dict[str, str]]:
    import json

    bodies = [json.loads(body) for _, approved_in, body in place.actions() if approved_in == W48]
    return [body for body in bodies if body["account_id"] == account and body["status"] != "dropped"]


def test_in_the_terminal_a_step_is_added_by_numbers_and_a_wrong_date_is_said(
    table: DecisionPreview, play: SavePlay, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = io.StringIO()
    day = table.context.calendar.on_or_after(table.identified.as_of)
    wrong, right = ("1\n0\n1\n1\n1\n0\n1\n" + on + "\n" for on in ("2026-11-01", f"{day}"))
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{wrong}{right}9\n1\nThey like Sven\n10\n"))
    given = EditPrompts(play, table, Console(file=output, markup=False, width=200), "Ines").ask()
    assert "Not taken. add.1.by: 2026-11-01 is past." in output.getvalue()
    assert [added["by"] for added in given["add"]] == [f"{day}"]
    assert given["remarks"] == {"play": "They like Sven"}
    assert table.play(edit(play, **given)).verified


def test_a_step_whose_predecessor_is_left_out_waits_for_none_and_still_passes(table: DecisionPreview) -> None:
    for play in table.planned.plays:
        waiting = [step for step in steps(play) if step.step and step.step.after]
        for step in waiting[:1]:
            assert step.step is not None
            edited = table.play(edit(play, drop=(step.step.after,)))
            assert next(each for each in steps(edited) if each.id == step.id).after == ""
            assert edited.violations == () or all(v.code == "phase_too_thin" for v in edited.violations)
