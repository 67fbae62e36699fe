"""What must hold for the progress of actions, on every day that a review may have."""

from collections.abc import Mapping
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.tracking import Action
from tests.builders import SHIPPED
from tools.planning.follow_up import apply_progress, completed_actions, list_commitments, open_actions

DAY = date(2026, 11, 23)
STATES = st.sampled_from(["open", "done", "dropped"])
DATES = st.integers(-40, 40).map(lambda days: DAY + timedelta(days=days))
IDS = [f"W47.A-{number}.call" for number in range(6)]


def action(name: str, due: date, status: str) -> Action:
    return Action.model_validate(
        {
            "id": name, "review_id": "W47", "account_id": name.split(".")[1], "account_name": "Northwind", "owner": "Ana",
            "owner_id": "P1", "due": due, "follow_up": None, "kind": "play", "title": "Call", "action": "Call them.",
            "purpose": "Hear it.", "phase": "stabilise", "urgency": "urgent", "effort_hours": 1, "channel": "call",
            "playbook_action": "call", "contact": None, "status": status,
        }
    )  # fmt: skip


ACTIONS = st.fixed_dictionaries({name: st.tuples(DATES, st.sampled_from(["open", "dropped"])) for name in IDS}).map(
    lambda found: [action(name, due, status) for name, (due, status) in found.items()]
)
PROGRESS = st.dictionaries(st.sampled_from(IDS), st.tuples(STATES, DATES | st.none()))


def known_on(progress: Mapping[str, tuple[str, date | None]], day: date) -> dict[str, tuple[str, date | None]]:
    return {name: (state, on) for name, (state, on) in progress.items() if on is None or on <= day}


@given(ACTIONS, PROGRESS, DATES)
def test_progress_dated_after_the_day_never_counts(
    actions: list[Action], progress: dict[str, tuple[str, date | None]], day: date
) -> None:
    known, settings = known_on(progress, day), SHIPPED.review
    assert open_actions(actions, progress, day) == open_actions(actions, known, day)
    assert completed_actions(actions, progress, day) == completed_actions(actions, known, day)
    assert list_commitments(actions, progress, day, settings) == list_commitments(actions, known, day, settings)


@given(ACTIONS, PROGRESS, DATES)
def test_all_readers_of_progress_agree_on_what_is_open(
    actions: list[Action], progress: dict[str, tuple[str, date | None]], day: date
) -> None:
    still_open = {each.id for each in open_actions(actions, progress, day)}
    by_action = {each.id for each in actions if apply_progress(each, progress, day, SHIPPED.review).status in UNSETTLED}
    commitments = list_commitments(actions, progress, day, SHIPPED.review)
    assert still_open == by_action == {each.action_id for each in commitments if each.status in UNSETTLED}
    done = {account for account, _ in completed_actions(actions, progress, day)}
    assert not done & {each.account_id for each in actions if each.id in still_open}


UNSETTLED = ("open", "late", "missed")
