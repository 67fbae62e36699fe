"""Capacity: overload, hours, and quiet accounts that may be handed over."""

from types import SimpleNamespace
from typing import Any

import pytest

from agents.capacity_analyzer import actions_a_week
from domain.diagnosis import CapacityLine, Handover
from domain.phase_results import CsmBook, MovableAccount
from tests.builders import AS_OF, SHIPPED, PortfolioBuilder, ScoredPortfolio, build_play, made_up_team
from tests.sample_review import sample_review
from tools.planning.capacity import capacity_lines, free_hours, propose_handovers, requested_hours
from tools.scoring.portfolio_summary import csm_books, movable_accounts

SETTINGS = SHIPPED.review
PEOPLE = made_up_team()


def book(person: str, *, red: int = 0, accounts: int = 10, size: str = "mid_market") -> CsmBook:
    return CsmBook(
        csm_id=person, accounts=accounts, arr=100_000, red_accounts=red, at_risk_accounts=red, at_risk_arr=red * 10_000,
        by_size={"enterprise": 0, "mid_market": 0, "small_business": 0, size: accounts},
    )  # fmt: skip


def lines(
    *found: CsmBook, committed: dict[str, float] | None = None, asked: dict[str, float] | None = None
) -> dict[str, CapacityLine]:
    return {line.person_id: line for line in capacity_lines(found, PEOPLE, committed or {}, asked or {}, SETTINGS)}


@pytest.mark.parametrize(("red", "overloaded"), [(4, False), (5, True)])
def test_more_than_four_red_accounts_are_an_overload(red: int, overloaded: bool) -> None:
    line = lines(book("P-1", red=red))["P-1"]
    assert (line.overloaded, "more than 4 red accounts" in line.note.lower()) == (overloaded, overloaded)


def test_plays_that_ask_more_hours_than_are_free_are_an_overload() -> None:
    free = lines(book("P-1"))["P-1"].hours_free
    assert free is not None
    assert not lines(book("P-1"), asked={"P-1": free})["P-1"].overloaded
    assert lines(book("P-1"), asked={"P-1": free + 0.1})["P-1"].overloaded


def test_free_hours_are_a_share_of_what_the_book_leaves_less_what_is_promised() -> None:
    person = PEOPLE["P-1"].model_copy(update={"weekly_hours": 40})
    assert free_hours(person, book("P-1", accounts=20), 3, SETTINGS) == pytest.approx((40 - 20 * 0.5) * 0.4 * 2 - 3)
    unknown = person.model_copy(update={"weekly_hours": None})
    assert free_hours(unknown, None, 0, SETTINGS) == pytest.approx(SETTINGS.default_weekly_hours["csm"] * 0.4 * 2)
    assert free_hours(person, book("P-1", accounts=500), 2, SETTINGS) == -2


def test_hours_are_asked_only_for_what_falls_into_the_planning_period() -> None:
    play = build_play(created=AS_OF)
    near = [a for phase in play.phases for a in phase.actions if (a.due - AS_OF).days <= 14]
    assert sum(requested_hours([play], AS_OF, SETTINGS).values()) == pytest.approx(sum(a.effort_hours for a in near))


def test_an_owner_who_is_not_among_our_people_is_shown_with_unknown_hours() -> None:
    line = lines(book("P-77", red=9))["P-77"]
    assert (line.hours_free, line.overloaded, line.name) == (None, False, "P-77 (not in people)")


# --- handovers ---


def quiet(number: int, **facts: Any) -> MovableAccount:
    return MovableAccount(
        account_id=f"A-{number}", name=f"A-{number}", arr=10_000, csm_id="P-1", **{"size": "mid_market", **facts}
    )


def proposed(giver: CsmBook, taker: CsmBook, accounts: list[MovableAccount]) -> tuple[Handover, ...]:
    return propose_handovers(list(lines(giver, taker).values()), accounts, SETTINGS)


def test_an_overloaded_csm_is_offered_a_warm_handover_with_the_receivers_load_after_it() -> None:
    first, second = proposed(book("P-1", red=5), book("P-7", accounts=4), [quiet(1), quiet(2), quiet(3)])
    assert (first.from_person, first.to_person, first.warm_handover) == (PEOPLE["P-1"].name, PEOPLE["P-7"].name, True)
    assert (first.receiver_accounts_after, second.receiver_accounts_after) == (5, 6)
    assert second.receiver_hours_after is not None
    assert first.receiver_hours_after is not None
    assert second.receiver_hours_after < first.receiver_hours_after


def test_without_an_overload_nothing_changes_hands() -> None:
    assert proposed(book("P-1", red=4), book("P-7"), [quiet(1)]) == ()


def test_an_overloaded_receiver_receives_nothing() -> None:
    assert proposed(book("P-1", red=5), book("P-7", red=5), [quiet(1)]) == ()


def test_a_handover_never_takes_more_hours_than_the_receiver_has() -> None:
    found = proposed(book("P-1", red=5), book("P-7", accounts=75), [quiet(n, size="enterprise") for n in range(2)])
    assert [move.account_id for move in found if (move.receiver_hours_after or 0) < 0] == []


@pytest.fixture(scope="module")
def base() -> ScoredPortfolio:
    world = PortfolioBuilder().with_sources_connected()
    for renewal in (-1, 0, 60, 61):
        world.healthy_account(f"renewal in {renewal}", renewal=renewal)
    world.healthy_account("at risk").ticket("at risk", 5, escalated=True)
    world.account("not scored").account("red").survey("red", 3, 0).note("red", "Bad.", pulse=1).goal("red", "missed")
    world.usage("red", [9, 9, 9, 9, 0, 0, 0, 0], logins=1).healthy_account("no renewal known", renewal=None)
    return world.healthy_account("somebody else's", csm_id="P-7").score()


def test_only_green_quiet_accounts_with_a_distant_renewal_may_change_hands(base: ScoredPortfolio) -> None:
    found = {account.account_id for account in movable_accounts(base.base, ["P-1"])}
    assert found == {"renewal in 61", "no renewal known"}


def test_the_books_count_every_account_once(base: ScoredPortfolio) -> None:
    found = {line.csm_id: line for line in csm_books(base.base)}
    assert sum(line.accounts for line in found.values()) == len(base.accounts)
    assert found["P-1"].red_accounts == sum(row["health_band"] == "red" for row in base.accounts.values())


def test_a_week_of_actions_counts_plays_plan_lines_and_what_is_open_and_no_account_twice() -> None:
    """The line of an account with a play adds nothing: its primary action is part of the play."""
    review = sample_review()
    play = review.plays[0]
    row = SimpleNamespace(account_id=play.account_id, csm_id="P-1", tier="critical")
    other = SimpleNamespace(account_id="other", csm_id="P-1", tier="critical")
    watched = SimpleNamespace(account_id="third", csm_id="P-1", tier="watch")
    identified: Any = SimpleNamespace(as_of=review.as_of, plan_rows=(row, other, watched))
    alone = actions_a_week((), (), identified, SHIPPED)
    weeks = SHIPPED.review.planning_days.value / 7
    assert alone == {"P-1": 2 / weeks}
    with_play = actions_a_week((play,), (), identified, SHIPPED)
    mine = [
        a for phase in play.phases for a in phase.actions if a.owner_id == "P-1" and (a.due - review.as_of).days <= 14
    ]
    assert with_play["P-1"] == round((1 + len(mine)) / weeks, 1)
