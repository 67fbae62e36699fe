"""One person's week: late first, then today, this week and next; every open action once."""

from datetime import date, timedelta

from app.report.my_week import MyWeek, week_of
from app.report.view import ReviewView
from tests.sample_review import sample_review

REVIEW = sample_review("closed")
VIEW = ReviewView(REVIEW)
NORA = next(person for person in VIEW.people if person.name == "Nora Lindqvist")


def ids(week: MyWeek) -> list[str]:
    return [task.id for _, tasks in week.groups for task in tasks]


def test_every_open_action_of_a_person_stands_once_and_none_of_anybody_else() -> None:
    found = ids(week_of(VIEW, NORA, REVIEW.as_of))
    assert len(found) == len(set(found))
    settled = ("done", "done_late", "dropped")
    own = {a.id for a in REVIEW.actions if a.owner_id == NORA.person_id and a.status not in settled}
    earlier = {
        c.action_id for c in REVIEW.followup.commitments if c.owner_id == NORA.person_id and c.status not in settled
    }
    assert set(found) == own | earlier
    assert own


def test_tasks_are_grouped_by_the_day_on_which_they_are_due() -> None:
    today = REVIEW.as_of
    week = week_of(VIEW, NORA, today)
    sunday = today + timedelta(days=6 - today.weekday())
    assert all(task.due < today for task in week.overdue)
    assert all(task.due == today for task in week.today)
    assert all(today < task.due <= sunday for task in week.this_week)
    assert all(sunday < task.due <= sunday + timedelta(days=7) for task in week.next_week)
    assert all(task.due > sunday + timedelta(days=7) for task in week.later)


def test_what_was_marked_since_the_review_counts() -> None:
    first, second = ids(week_of(VIEW, NORA, REVIEW.as_of))[:2]
    progress = {first: ("done", date(2026, 11, 24)), second: ("blocked", date(2026, 11, 24))}
    week = week_of(VIEW, NORA, REVIEW.as_of, progress)
    assert first not in ids(week)
    assert next(task for _, tasks in week.groups for task in tasks if task.id == second).blocked


def test_the_week_tells_what_changed_on_the_persons_accounts_only() -> None:
    week = week_of(VIEW, NORA, REVIEW.as_of)
    own = {line.account_id for line in REVIEW.listed if line.csm_id == NORA.person_id}
    own |= {line.account_id for line in REVIEW.intervention_plan if line.owner == NORA.name}
    assert {move.account_id for move in week.changed} <= own
    assert {play.account_id for play in week.plays} <= own
