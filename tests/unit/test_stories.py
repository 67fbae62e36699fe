"""The stories of the week: at most three, each about what happened, with accounts, money, proposal and owner."""

from datetime import timedelta

import pytest

from domain.plan import UncoveredAccount
from domain.review import Review
from tests.sample_review import sample_review
from tools.planning.stories import week_stories


def by_kind(review: Review) -> dict[str, str]:
    """Words of the stories, by kind."""
    return {story.kind: f"{story.title} {story.detail} {story.proposal}" for story in week_stories(review)}


def test_a_week_has_at_most_one_story_of_each_kind() -> None:
    stories = week_stories(sample_review())
    assert len(stories) <= 3
    assert len({story.kind for story in stories}) == len(stories)


def test_the_largest_account_that_came_onto_the_list_is_the_change_of_the_week() -> None:
    review = sample_review()
    lines = [line.model_copy(update={"change": "unchanged"}) for line in review.at_risk]
    small, large = sorted((line for line in lines if line.arr), key=lambda line: line.arr or 0)[:2]
    moved = {small.account_id, large.account_id}
    changed = tuple(line.model_copy(update={"change": "new"}) if line.account_id in moved else line for line in lines)
    nobody_left = review.followup.model_copy(update={"outcomes": ()})
    told = by_kind(review.model_copy(update={"at_risk": changed, "followup": nobody_left}))
    assert told["change"].startswith(f"{large.name} came onto the list")


def test_a_lost_customer_comes_before_every_other_change() -> None:
    review = sample_review()
    outcome = review.followup.outcomes[0].model_copy(update={"status": "lost", "note": "Left on 20 Nov."})
    follow_up = review.followup.model_copy(update={"outcomes": (outcome,)})
    told = by_kind(review.model_copy(update={"followup": follow_up}))
    assert told["change"] == f"{outcome.name} is lost Left on 20 Nov. Say what we learnt, and offer the way back."


def test_critical_accounts_that_nothing_covers_are_the_decision_of_the_week() -> None:
    review = sample_review()
    line = review.intervention_plan[0]
    needs = review.needs.model_copy(
        update={"uncovered": (UncoveredAccount(account_id=line.account_id, name=line.name, lacks="3 hours"),)}
    )
    story = next(s for s in week_stories(review.model_copy(update={"needs": needs})) if s.kind == "decision")
    assert story.title == "1 critical account without cover"
    assert story.arr == line.arr
    assert line.name in story.detail


def test_without_a_shortage_the_play_with_the_most_to_gain_is_the_decision() -> None:
    review = sample_review()
    covered = review.model_copy(update={"needs": review.needs.model_copy(update={"uncovered": ()})})
    best = max(review.plays, key=lambda play: play.expected_value.value or 0)
    assert by_kind(covered)["decision"].startswith(f"{best.name}: the play with the most to gain")


def test_a_quiet_week_has_no_story() -> None:
    review = sample_review()
    quiet = review.model_copy(
        update={
            "incidents": (),
            "at_risk": (),
            "plays": (),
            "needs": review.needs.model_copy(update={"uncovered": ()}),
            "followup": review.followup.model_copy(update={"outcomes": ()}),
        }
    )
    assert week_stories(quiet) == ()


@pytest.mark.parametrize("state", ["waiting_for_decisions", "closed"])
def test_the_first_step_of_the_story_has_an_owner_and_a_date(state: str) -> None:
    review = sample_review(state)
    for story in week_stories(review):
        if story.by is not None:
            assert story.owner != ""
            assert story.by - review.as_of < timedelta(days=60)
