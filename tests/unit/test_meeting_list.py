"""The list of the meeting: most ARR that can still be kept comes first, drawn from everybody, and nobody critical is missing."""

import pytest

from domain.configuration import Configuration, ReviewProfile
from tests.builders import SHIPPED, PortfolioBuilder, ScoredPortfolio
from tools.planning.meeting_list import MeetingList, meeting_list, read_overdue

LITERAL = SHIPPED.model_copy(update={"review": SHIPPED.review.model_copy(update={"list_order": "risk_times_arr"})})


def profile(size: int, *, whole: bool = False) -> ReviewProfile:
    return SHIPPED.review.profiles[0].model_copy(update={"list_size": size, "all_yellow_and_red": whole})


def listed(
    world: PortfolioBuilder, size: int = 25, configuration: Configuration = SHIPPED, whole: bool = False
) -> MeetingList:
    return meeting_list(world.score(configuration).base, profile(size, whole=whole))


def connected() -> PortfolioBuilder:
    """Sources with rows up to today, of an account that is never on a list."""
    world = PortfolioBuilder().with_sources_connected()
    world.tables["accounts"][0]["renewal_date"] = world.day(-300)
    return world


def healthy(**renewals: int | None) -> PortfolioBuilder:
    world = connected()
    for name, renewal in renewals.items():
        world.healthy_account(name, renewal=renewal)
    return world


def test_a_healthy_account_is_ahead_only_when_its_renewal_can_still_be_changed_and_is_decided_in_the_horizon() -> None:
    found = listed(healthy(today=0, soon=27, month=28, half_year=212, later=213, unknown=None, overdue=-5))
    assert set(found.account_ids) == found.ahead == {"month", "half_year"}


def test_an_account_at_risk_is_listed_unless_its_renewal_is_too_near() -> None:
    world = healthy(soon=27, month=28, later=300, unknown=None, overdue=-5)
    for name in ("soon", "month", "later", "unknown", "overdue"):
        world.tickets(name, *[3] * 8)
    found = listed(world)
    assert set(found.account_ids) == {"month", "later", "unknown", "overdue"}
    assert found.ahead == frozenset()


def test_the_order_is_arr_times_the_chance_of_leaving_with_ties_by_id() -> None:
    world = healthy().healthy_account("large", arr=300_000, renewal=100).healthy_account("b", arr=40_000, renewal=100)
    world.healthy_account("a", arr=40_000, renewal=100).healthy_account("late", arr=40_000, renewal=300)
    world.ticket("late", 3, escalated=True)
    scored = world.score()
    losses = {a: float(r["arr"]) * r["order_probability"] for a, r in scored.accounts.items()}
    found = meeting_list(scored.base, profile(25)).account_ids
    assert found[0] == "large"
    assert list(found) == sorted(found, key=lambda account: (-losses[account], account))
    assert found.index("a") + 1 == found.index("b")


def test_everybody_critical_is_appended_and_counted() -> None:
    world = (
        healthy(big=100).healthy_account("small", arr=1_000, renewal=300).healthy_account("now", arr=1_000, renewal=5)
    )
    world.ticket("small", 3, escalated=True).ticket("now", 3, escalated=True)
    found = listed(world, 1)
    assert found.account_ids[0] == "big"
    assert sorted(found.account_ids[1:]) == sorted(found.appended) == ["now", "small"]


def test_a_small_team_sees_every_yellow_and_red_account() -> None:
    world = healthy(calm=300)
    world.healthy_account("yellow", renewal=300).survey("yellow", 2, 6).note("yellow", "So so.", 1, pulse=3).goal(
        "yellow", "missed"
    )
    for row in world.tables["usage"]:
        row["active_users"] = 15.5 if row["date"] > world.day(28) else row["active_users"]
    scored = world.score()
    assert scored["yellow"]["health_band"] in ("yellow", "red")
    assert not scored["yellow"]["at_risk"]
    assert meeting_list(scored.base, profile(25)).account_ids == ()
    whole = meeting_list(scored.base, profile(0, whole=True))
    assert (whole.account_ids, whole.ahead) == (("yellow",), {"yellow"})


@pytest.fixture(scope="module")
def risky() -> ScoredPortfolio:
    world = PortfolioBuilder().with_sources_connected()
    for name, arr, renewal in (
        ("small", 20_000, 200), ("large", 90_000, 200), ("b, as large", 90_000, 200), ("overdue", 1_000, -300),
    ):  # fmt: skip
        world.healthy_account(name, arr=arr, renewal=renewal).ticket(name, 10, escalated=True)
    return (
        world.healthy_account("watched, overdue", arr=5_000, renewal=-2)
        .healthy_account("a question", arr=900_000, renewal=-400)
        .healthy_account("ahead", renewal=90)
        .score(LITERAL)
    )


def test_the_literal_order_has_accounts_at_risk_only_overdue_first_then_risk_times_arr(risky: ScoredPortfolio) -> None:
    assert meeting_list(risky.base, profile(25)).account_ids == ("overdue", "b, as large", "large", "small")
    assert meeting_list(risky.base, profile(1)).account_ids[0] == "overdue"


def test_every_overdue_renewal_is_in_its_own_section_at_risk_or_not(risky: ScoredPortfolio) -> None:
    found = [(row["account_id"], row["days_overdue"], row["at_risk"]) for row in read_overdue(risky.base)]
    assert found == [("watched, overdue", 2, False), ("overdue", 300, True), ("a question", 400, False)]
