"""Edits of a play before it is recorded: replaced and reworded actions, new checks, and the effect on the load."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.timing import Timing
from app.wiring import build_context, open_store
from domain.decisions import PlayDecision
from domain.errors import DecisionError
from domain.save_play import PlayAction, SavePlay
from graph.decision_preview import DecisionPreview
from tests.e2e.commands import DONE, CommandResult
from tests.e2e.shared_stores import W48, MeetingWishes, StoreFolder


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


def test_words_of_ones_own_stand_as_they_are_typed_with_who_typed_them(table: DecisionPreview, play: SavePlay) -> None:
    action = steps(play)[0]
    edited = table.play(edit(play, wording={action.id: "Call  them\nbefore lunch"}))
    changed = next(each for each in steps(edited) if each.id == action.id)
    assert (changed.action, changed.reworded_by) == ("Call them before lunch", "Ines")
    assert edited.verified


def test_a_number_that_the_record_does_not_hold_is_named_and_one_that_it_holds_is_not(
    table: DecisionPreview, play: SavePlay
) -> None:
    action = steps(play)[0]
    unsaid = table.play(edit(play, wording={action.id: "Offer them 41.7 % off for 3,999 seats"}))
    assert not unsaid.verified
    (fault,) = unsaid.violations
    assert fault.code == "number_untraced"
    assert "41.7" in fault.message
    known = f"Speak about the EUR {play.arr:,.0f} before {play.phases[0].ends}"
    assert table.play(edit(play, wording={action.id: known})).verified


@pytest.mark.parametrize("words", ["", "   ", "x" * 601])
def test_a_wording_is_neither_empty_nor_a_document(table: DecisionPreview, play: SavePlay, words: str) -> None:
    with pytest.raises(DecisionError, match="the wording has 1 to 600 characters"):
        table.play(edit(play, wording={steps(play)[0].id: words}))


def test_what_is_rejected_or_deferred_asks_for_no_hours(table: DecisionPreview) -> None:
    def asked(decisions: list[PlayDecision]) -> float:
        return sum(line.hours_asked for line in table.load(decisions).capacity)

    plays = table.planned.plays
    none = [PlayDecision(account=play.account_id, decision="reject", reason="No") for play in plays]
    assert asked([]) == sum(line.hours_asked for line in table.planned.capacity)
    assert asked(none[:1]) < asked([])
    assert asked(none) == 0
    assert table.load(none).needs.chosen == ()


def test_an_exchange_and_own_words_in_a_decisions_file_are_carried_out(
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
        "wording": {worded.id: "Call them first thing"},
    }  # fmt: skip
    plays = [said, *(each for each in meeting_wishes.content["plays"] if each["account"] != play.account_id)]
    place.run("decide", W48, "--file", meeting_wishes.file(tmp_path / "plan.yaml", plays=plays)).check_exit(DONE)
    actions = {row["playbook_action"]: row for row in _actions(place, play.account_id)}
    assert new in actions
    assert old.id not in actions
    assert actions[worded.id]["action"] == "Call them first thing"


def _actions(place: StoreFolder, account: str) -> list[dict[str, str]]:
    import json

    bodies = [json.loads(body) for _, approved_in, body in place.actions() if approved_in == W48]
    return [body for body in bodies if body["account_id"] == account and body["status"] != "dropped"]
