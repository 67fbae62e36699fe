"""At-risk rules and intervention tiers: every rule on both sides of its boundary, from the rows of an export."""

import pytest

from tests.builders import BEST, SHIPPED, WORST, PortfolioBuilder, ScoredPortfolio, score_signals
from tools.planning.intervention_plan import at_risk_ids

STATED = {
    "gap": "They cannot go live without the missing approval chain, it is a blocker.",
    "value_doubt": "They do not see the value any more.",
    "budget_cut": "Their budget was cut by a third.",
    "new_owners": "They were acquired by a competitor of theirs.",
}


def fired(scored: ScoredPortfolio, account: str) -> tuple[str | None, str | None]:
    """The intervention tier and the rule behind it."""
    return scored[account]["intervention_tier"], scored[account]["rule"]


@pytest.fixture(scope="module")
def base() -> ScoredPortfolio:
    """One healthy customer per story, with one problem each."""
    world = PortfolioBuilder().with_sources_connected()
    for days in (90, 91):
        world.healthy_account(f"escalated {days} days ago").ticket(
            f"escalated {days} days ago", days, closed=days, escalated=True
        )
    for days in (60, 61):
        world.healthy_account(f"overdue {days} days").invoice(f"overdue {days} days", days)
    world.healthy_account("failed").invoice("failed", 10, status="failed")
    world.healthy_account("failed and made good").invoice("failed and made good", 10, paid=5, status="failed")
    before = (35, 40, 50, 60, 70, 80, 90, 100, 110)
    world.healthy_account("six tickets after three a month").tickets(
        "six tickets after three a month", 1, 2, 3, 4, 5, 6, *before
    )
    world.healthy_account("five tickets after three a month").tickets(
        "five tickets after three a month", 1, 2, 3, 4, 5, *before
    )
    world.healthy_account("five tickets after none").tickets("five tickets after none", 1, 2, 3, 4, 5)
    world.healthy_account("four tickets after none").tickets("four tickets after none", 1, 2, 3, 4)
    for name, now, then in (
        ("users down 30 %", 70, 100), ("users down 30.1 %", 69.9, 100), ("users down from 5", 3, 5),
        ("users down from 4.9", 3, 4.9),
    ):  # fmt: skip
        world.account(name, seats=int(now)).contact(name, "champion")
        world.usage(name, [then] * 4 + [now] * 4, logins=now * 5, core_actions=300, features_used=9)
    for name, days, renewal, arr in (
        ("executive met 89 days ago", 89, 100, 50_000), ("executive met 90 days ago", 90, 100, 50_000),
        ("executive and renewal in 180", 90, 180, 50_000), ("executive and renewal in 181", 90, 181, 50_000),
        ("executive, small business", 90, 100, 19_999), ("executive, no second sign", 400, 100, 50_000),
    ):  # fmt: skip
        world.account(name, renewal=renewal, arr=arr).contact(name, "champion").touch(name, days, "exec_meeting")
        world.touch(name, 5, "training", attended=True)
        if "no second sign" not in name:
            world.survey(name, 10, 0)
    for name, text in STATED.items():
        for renewal in (90, 91, 180, 181):
            world.healthy_account(f"{name}, renewal in {renewal}", renewal=renewal)
            world.note(f"{name}, renewal in {renewal}", text, 20)
    for pulse, renewal in ((2, 120), (2, 121), (3, 120)):
        world.healthy_account(f"pulse {pulse}, renewal in {renewal}", renewal=renewal)
        world.note(f"pulse {pulse}, renewal in {renewal}", "Our call.", 5, pulse=pulse)
    for name, score, days, renewal in (
        ("detractor", 6, 10, 90), ("passive", 7, 10, 90), ("detractor, renewal in 91", 6, 10, 91),
        ("answer of 90 days ago", 6, 90, 90), ("answer of 91 days ago", 6, 91, 90),
    ):  # fmt: skip
        world.healthy_account(name, renewal=renewal)
        world.tables["surveys"].pop()
        world.survey(name, days, score)
    for days in (90, 91):
        world.healthy_account(f"evaluating {days} days ago")
        world.note(f"evaluating {days} days ago", "They are evaluating other vendors.", days)
        world.healthy_account(f"quiet, renewal in {days}", renewal=days)
    world.healthy_account("quiet, renewal overdue", renewal=-1).healthy_account("quiet, renewal today", renewal=0)
    world.healthy_account("no renewal known", renewal=None)
    return world.score()


def test_a_healthy_customer_with_a_distant_renewal_is_left_in_peace(base: ScoredPortfolio) -> None:
    assert fired(base, "quiet, renewal in 91") == (None, None)
    assert base["quiet, renewal in 91"]["risk_tier"] == "low"


CRITICAL = {
    "escalated 90 days ago": "escalation",
    "failed": "payment_failed",
    "overdue 61 days": "payment_overdue",
    "detractor": "detractor_near_renewal",
    "answer of 90 days ago": "detractor_near_renewal",
    "evaluating 90 days ago": "evaluating",
}
HIGH = {
    "six tickets after three a month": "support_spike",
    "five tickets after none": "support_spike",
    "users down 30.1 %": "usage_down",
    "users down from 5": "usage_down",
    "executive met 90 days ago": "no_executive_touch",
    "executive and renewal in 180": "no_executive_touch",
    **{f"{name}, renewal in 90": f"{name}_soon" for name in STATED},
}
MEDIUM = {
    **{f"{name}, renewal in {days}": name for name in STATED for days in (91, 180)},
    "pulse 2, renewal in 120": "low_pulse",
}
NOT_FLAGGED = (
    "escalated 91 days ago", "failed and made good", "overdue 60 days", "passive", "detractor, renewal in 91",
    "answer of 91 days ago", "evaluating 91 days ago", "five tickets after three a month", "four tickets after none",
    "users down 30 %", "users down from 4.9", "executive met 89 days ago", "executive and renewal in 181",
    "executive, small business", "executive, no second sign", "pulse 2, renewal in 121", "pulse 3, renewal in 120",
    *(f"{name}, renewal in 181" for name in STATED),
)  # fmt: skip


@pytest.mark.parametrize(("account", "rule"), CRITICAL.items())
def test_just_inside_a_critical_rule_the_account_is_critical(base: ScoredPortfolio, account: str, rule: str) -> None:
    assert fired(base, account) == ("critical", rule)


@pytest.mark.parametrize(("account", "rule"), HIGH.items())
def test_just_inside_a_high_rule_the_account_is_high(base: ScoredPortfolio, account: str, rule: str) -> None:
    assert fired(base, account) == ("high", rule)


@pytest.mark.parametrize(("account", "rule"), MEDIUM.items())
def test_words_and_a_low_rating_put_an_account_at_risk_while_the_renewal_is_still_to_be_decided(
    base: ScoredPortfolio, account: str, rule: str
) -> None:
    assert fired(base, account) == ("medium", rule)


@pytest.mark.parametrize("account", NOT_FLAGGED)
def test_just_outside_a_rule_the_rule_does_not_flag_the_account(base: ScoredPortfolio, account: str) -> None:
    assert not base[account]["flagged"]


@pytest.mark.parametrize("account", [*CRITICAL, *HIGH, *MEDIUM])
def test_a_rule_puts_an_account_at_risk_at_least_medium_even_when_the_score_looks_fine(
    base: ScoredPortfolio, account: str
) -> None:
    assert base[account]["at_risk"]
    assert base[account]["risk_tier"] != "low"


@pytest.mark.parametrize(
    ("account", "tier"),
    [("quiet, renewal in 90", "watch"), ("quiet, renewal today", "watch"), ("quiet, renewal overdue", "watch"),
     ("quiet, renewal in 91", None), ("no renewal known", None)],
)  # fmt: skip
def test_a_quiet_account_is_watched_from_90_days_before_its_renewal_on(
    base: ScoredPortfolio, account: str, tier: str | None
) -> None:
    assert base[account]["intervention_tier"] == tier


def test_the_executive_rule_makes_an_account_high_when_something_else_put_it_at_risk() -> None:
    bad = {"days_silent": 28, "active_users_trend": -29, "champion_status": 2, "unanswered_outreach": 5}
    (row,) = score_signals([{**bad, "days_since_exec_touch": 95, "renewal_in_days": 300}])
    assert row["risk"] > 60
    assert (row["flagged"], row["intervention_tier"], row["rule"]) == (False, "high", "no_executive_touch")


def test_an_account_at_risk_by_its_score_alone_is_medium() -> None:
    (row,) = score_signals([{"days_silent": 28, "active_users_trend": -29, "champion_status": 2}])
    assert row["risk"] > 60
    assert (row["at_risk"], row["intervention_tier"], row["rule"]) == (True, "medium", None)


def test_the_first_rule_that_holds_decides() -> None:
    (row,) = score_signals([{"escalations": 1, "payment_failed": 1, "ticket_spike": 3}])
    assert (row["rule"], row["intervention_tier"]) == ("escalation", "critical")


def test_an_unknown_signal_fires_no_rule() -> None:
    (row,) = score_signals([{}])
    assert (row["flagged"], row["at_risk"], row["intervention_tier"]) == (False, False, None)


def test_risk_of_exactly_60_is_not_yet_at_risk() -> None:
    line = SHIPPED.scoring.at_risk_above.value
    known = [{"champion_status": step / 1000, "days_silent": 28, "csm_pulse": 1} for step in range(0, 2001, 5)]
    rows = score_signals(known)
    assert {row["at_risk"] for row in rows if row["risk"] > line} == {True}
    assert {row["at_risk"] for row in rows if row["risk"] <= line} == {False}


SIZES = {19_999.99: "small_business", 20_000: "mid_market", 100_000: "mid_market", 100_000.01: "enterprise"}


def test_the_weights_of_an_account_follow_from_its_arr() -> None:
    world = PortfolioBuilder()
    for arr in SIZES:
        world.account(str(arr), arr=arr)
    assert {float(account): row["size"] for account, row in world.score().accounts.items()} == SIZES


def test_a_segment_in_the_data_is_shown_and_does_not_change_the_weights() -> None:
    row = PortfolioBuilder().account("A", arr=150_000, segment="Public sector").score()["A"]
    assert (row["segment"], row["size"]) == ("Public sector", "enterprise")


@pytest.mark.parametrize(
    ("trouble", "hurts_most"),
    [("active_users_trend", "small_business"), ("days_since_exec_touch", "enterprise")],
)
def test_falling_use_weighs_most_in_a_small_business_and_distance_in_an_enterprise(
    trouble: str, hurts_most: str
) -> None:
    sizes = ("enterprise", "mid_market", "small_business")
    rows = score_signals({**BEST, trouble: WORST[trouble], "size": size} for size in sizes)
    health = {size: row["health"] for size, row in zip(sizes, rows, strict=True)}
    assert min(health, key=lambda size: health[size]) == hurts_most


@pytest.fixture(scope="module")
def risky() -> ScoredPortfolio:
    world = PortfolioBuilder().with_sources_connected()
    for name, arr, renewal in (
        ("small", 20_000, 200), ("large", 90_000, 200), ("b, as large", 90_000, 200), ("overdue", 1_000, -300),
        ("long past", 1_500, -400),
    ):  # fmt: skip
        world.healthy_account(name, arr=arr, renewal=renewal).ticket(name, 10, escalated=True)
    return (
        world.healthy_account("watched", arr=70_000, renewal=80)
        .healthy_account("watched, overdue", arr=5_000, renewal=-2)
        .score()
    )


def test_the_list_starts_with_overdue_renewals_and_goes_on_by_risk_and_arr_with_ties_by_id(
    risky: ScoredPortfolio,
) -> None:
    assert at_risk_ids(risky.base, 25) == ["overdue", "b, as large", "large", "small", "long past"]


def test_an_overdue_renewal_is_never_cut_from_a_short_list(risky: ScoredPortfolio) -> None:
    assert at_risk_ids(risky.base, 1) == ["overdue"]


def test_an_overdue_renewal_that_is_only_watched_leads_its_tier_in_the_plan(risky: ScoredPortfolio) -> None:
    watched = [row for row in risky.plan() if row.tier == "watch"]
    assert [row.account_id for row in watched] == ["watched, overdue", "watched"]
    assert watched[0].renewal_in_days == -2
