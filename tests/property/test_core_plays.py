"""Properties of every save play, every calendar day and every weekly choice of plays."""

from datetime import date, timedelta
from itertools import combinations, pairwise, product
from typing import get_args

import holidays
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.plan import TBD
from domain.playbook import Difficulty, Playbook, PlayTier
from domain.save_play import SavePlay
from tests.builders import CALENDAR, SHIPPED, SIGNALS, WORST, build_context, build_play, made_up_team
from tools.evidence.causes import UNDETERMINED
from tools.planning.allocation import Allocation, PlayCandidate, allocate
from tools.save_play.expected_value import SaveRecord, save_probability
from tools.save_play.verification import verify_play

CAUSES = (*SHIPPED.causes.causes, UNDETERMINED)
TIERS = get_args(PlayTier)
DIFFICULTIES = get_args(Difficulty)
RENEWALS = (None, -40, -1, 0, 1, 7, 14, 30, 55, 56, 90, 200)
DAYS = st.dates(date(2026, 1, 1), date(2027, 12, 31))
TROUBLES = st.sets(st.sampled_from(SIGNALS)).map(lambda names: {name: WORST[name] for name in names})
PLAYS = {
    "category": st.sampled_from(CAUSES),
    "difficulty": st.sampled_from(DIFFICULTIES),
    "intervention_tier": st.sampled_from(TIERS),
    "renewal_in_days": st.none() | st.integers(-60, 300),
    "created": DAYS,
    "values": TROUBLES,
}
many = settings(max_examples=150)


def book_of(play: SavePlay) -> Playbook:
    return SHIPPED.playbooks["diagnosis" if play.cause == UNDETERMINED else play.cause]


def dates(play: SavePlay) -> list[date]:
    return [action.due for phase in play.phases for action in phase.actions]


@pytest.mark.parametrize("cause", CAUSES)
def test_a_play_is_fit_to_be_read_for_every_tier_difficulty_and_renewal(cause: str) -> None:
    for tier, difficulty, renewal in product(TIERS, DIFFICULTIES, RENEWALS):
        play = build_play(cause, difficulty=difficulty, intervention_tier=tier, renewal_in_days=renewal)
        assert play.verified, (tier, difficulty, renewal, play.violations)


@many
@given(st.fixed_dictionaries(PLAYS))
def test_whatever_is_wrong_with_the_account_its_play_is_fit_to_be_read(facts: dict) -> None:  # type: ignore[type-arg]
    drafter, context = build_context(**facts)
    play = drafter.from_playbook(context)
    assert play.violations == ()
    assert verify_play(play, context) == ()


@many
@given(st.fixed_dictionaries(PLAYS))
def test_the_dates_of_a_play_run_forward_through_its_phases_on_working_days(facts: dict) -> None:  # type: ignore[type-arg]
    play = build_play(**facts)
    assert dates(play) == sorted(dates(play))
    assert all(CALENDAR.is_working(day) and day >= play.created for day in dates(play))
    assert all(CALENDAR.is_working(criterion.by) for criterion in play.success_criteria)
    cadence = play.cadence
    assert all(map(CALENDAR.is_working, (cadence.next_check, cadence.manager_review, cadence.decision_point)))
    assert play.created < cadence.manager_review <= cadence.decision_point


@many
@given(st.fixed_dictionaries(PLAYS))
def test_the_first_thing_that_a_customer_hears_is_a_voice(facts: dict) -> None:  # type: ignore[type-arg]
    play = build_play(**facts)
    touches = [action for phase in play.phases for action in phase.actions if action.customer_facing]
    first_day = min(action.due for action in touches)
    assert {"call", "meeting"} & {action.channel for action in touches if action.due == first_day}
    if facts["intervention_tier"] == "critical":
        assert first_day <= CALENDAR.on_or_after(play.created + timedelta(days=2))


@many
@given(st.fixed_dictionaries(PLAYS))
def test_every_action_is_followed_up_before_its_date_as_far_as_a_working_day_is_left(facts: dict) -> None:  # type: ignore[type-arg]
    play = build_play(**facts)
    for phase in play.phases:
        for action in phase.actions:
            before = CALENDAR.before(action.due)
            assert (
                action.follow_up == before if before >= play.created else play.created <= action.follow_up <= action.due
            )


def test_a_play_is_followed_up_on_working_days_even_when_it_starts_on_a_sunday() -> None:
    play = build_play(created=date(2026, 11, 22), intervention_tier="critical")
    days = [action.follow_up for phase in play.phases for action in phase.actions]
    assert [day for day in days if not CALENDAR.is_working(day)] == []


@pytest.mark.parametrize("cause", CAUSES)
def test_an_executive_or_a_manager_opens_the_play_of_a_critical_account_and_billing_one_about_a_payment(
    cause: str,
) -> None:
    leaders = {"exec_sponsor", "cs_manager"} | ({"billing"} if cause == "commercial_friction" else set())
    for troubles in ({}, WORST):
        play = build_play(cause, intervention_tier="critical", values=troubles)
        book = {action.id: action for action in book_of(play).stabilise}
        opening = [action for action in play.phases[0].actions if book[action.id].first_touch]
        assert [action.owner_role in leaders for action in opening] == [True], troubles


@given(st.fixed_dictionaries(PLAYS))
@settings(max_examples=20)
def test_a_play_without_people_names_nobody_and_is_still_complete(facts: dict) -> None:  # type: ignore[type-arg]
    stranger = {"P-99": made_up_team()["P-1"].model_copy(update={"person_id": "P-99", "role": "billing"})}
    play = build_play(**facts, people=stranger)
    assert play.verified
    assert {action.owner for phase in play.phases for action in phase.actions} <= {TBD, stranger["P-99"].name}


def test_the_same_account_gets_the_same_play_and_another_account_another_version() -> None:
    assert build_play() == build_play()
    assert build_play().version != build_play(arr=60_000).version


@given(DAYS, st.integers(0, 30), st.sampled_from(["monday", "tuesday", "wednesday", "thursday", "friday"]))
@settings(max_examples=200)
def test_the_calendar_never_gives_a_weekend_or_a_holiday(day: date, count: int, weekday: str) -> None:
    german = holidays.country_holidays("DE")
    found = [
        CALENDAR.on_or_after(day), CALENDAR.on_or_before(day), CALENDAR.before(day),
        CALENDAR.add_working_days(day, count + 1), CALENDAR.next_weekday(weekday, day),
    ]  # fmt: skip
    for one in found:
        assert one.weekday() < 5
        assert one not in german
        assert one not in SHIPPED.review.company_holidays
    assert CALENDAR.before(day) < day <= CALENDAR.on_or_after(day) < CALENDAR.add_working_days(day, count + 2)


candidates = st.lists(
    st.builds(
        lambda value, hours, budget, critical: (value, hours, budget, critical),
        st.integers(-3_000, 60_000),
        st.dictionaries(
            st.sampled_from(["ann", "ben", "cleo"]), st.sampled_from([0.5, 1.0, 2.5, 4.0, 6.0]), max_size=3
        ),
        st.sampled_from([0.0, 500.0, 2_000.0, 4_500.0]),
        st.booleans(),
    ),
    max_size=8,
).map(lambda rows: [PlayCandidate(f"A-{n}", *row) for n, row in enumerate(rows)])
free_hours = st.fixed_dictionaries({name: st.sampled_from([-2.0, 0.0, 3.0, 6.5, 12.0]) for name in ("ann", "ben")})
budgets = st.sampled_from([0.0, 1_000.0, 5_000.0, 9_000.0])


def fits(plays: list[PlayCandidate], free: dict[str, float], budget: float) -> bool:
    used: dict[str, float] = {}
    for play in plays:
        for person, hours in play.hours.items():
            used[person] = used.get(person, 0.0) + hours
    enough_hours = all(hours <= max(free.get(person, 0.0), 0.0) + 1e-9 for person, hours in used.items())
    return enough_hours and sum(play.budget for play in plays) <= budget + 1e-9


def chosen(plays: list[PlayCandidate], allocation: Allocation) -> list[PlayCandidate]:
    return [play for play in plays if play.account_id in allocation.chosen]


def greedy(plays: list[PlayCandidate], free: dict[str, float], budget: float) -> list[PlayCandidate]:
    """Critical plays first, then by value, each taken when it still fits."""
    taken: list[PlayCandidate] = []
    for play in sorted(plays, key=lambda play: (not play.critical, -play.value)):
        if (play.critical or play.value > 0) and fits([*taken, play], free, budget):
            taken.append(play)
    return taken


def worth(plays: list[PlayCandidate]) -> tuple[int, float]:
    return sum(play.critical for play in plays), sum(play.value for play in plays)


@settings(max_examples=100)
@given(candidates, free_hours, budgets)
def test_a_week_never_promises_more_hours_or_money_than_there_are_and_beats_the_greedy_choice(
    plays: list[PlayCandidate], free: dict[str, float], budget: float
) -> None:
    taken = chosen(plays, allocate(plays, free, budget))
    assert fits(taken, free, budget)
    critical, value = worth(taken)
    least_critical, least_value = worth(greedy(plays, free, budget))
    assert critical >= least_critical
    assert critical > least_critical or value >= least_value - 1e-3
    assert all(play.critical or play.value >= 0 for play in taken)


@settings(max_examples=100)
@given(candidates, free_hours, budgets)
def test_as_many_critical_plays_run_as_any_choice_could_cover(
    plays: list[PlayCandidate], free: dict[str, float], budget: float
) -> None:
    critical = [play for play in plays if play.critical]
    most = max(
        size
        for size in range(len(critical) + 1)
        for some in combinations(critical, size)
        if fits(list(some), free, budget)
    )
    assert sum(play.critical for play in chosen(plays, allocate(plays, free, budget))) == most


@settings(max_examples=50)
@given(candidates, free_hours, budgets)
def test_the_same_plays_give_the_same_choice_in_whatever_order_people_are_named(
    plays: list[PlayCandidate], free: dict[str, float], budget: float
) -> None:
    assert allocate(plays, free, budget) == allocate(plays, dict(reversed(free.items())), budget)


@given(st.sampled_from(DIFFICULTIES), st.integers(0, 200), st.integers(0, 200))
@settings(max_examples=200)
def test_a_save_is_never_certain_nor_hopeless_and_its_mean_lies_in_its_interval(
    difficulty: Difficulty, saved: int, lost: int
) -> None:
    chance = save_probability("value_gap", difficulty, SaveRecord(saved, lost), SHIPPED.review)
    assert 0 < chance.mean < 1
    assert 0 <= chance.low <= chance.mean <= chance.high <= 1


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_outcomes_move_the_belief_in_saving_the_right_way(difficulty: Difficulty) -> None:
    means = [
        save_probability("value_gap", difficulty, SaveRecord(saved, 20 - saved), SHIPPED.review).mean
        for saved in range(21)
    ]
    assert all(after > before for before, after in pairwise(means))


def test_a_hard_save_is_believed_less_than_an_easy_one() -> None:
    unknown = save_probability("undetermined", "easy", SaveRecord(), SHIPPED.review).mean
    easy, moderate, hard = (
        save_probability("value_gap", level, SaveRecord(), SHIPPED.review).mean for level in DIFFICULTIES
    )
    assert (easy, moderate, hard) == (0.7, 0.5, 0.25)
    assert unknown < hard, "while the cause is not known, a play aims at nothing"
