"""The renewal view: every account in one row, ARR added up to the cent, unknown counted apart, outcomes and retention."""

import random
from datetime import date, timedelta

import pytest

from app.report.csv_files import renewal_accounts_csv, renewals_csv
from app.report.renewal_text import chart_title, headline, outcome_parts, rows
from domain.plan import TBD
from domain.renewals import PlayCommitment, RenewalAccount, RenewalView
from graph.review_history import RENEWAL_INTENT
from tests.builders import AS_OF, SHIPPED, PortfolioBuilder
from tools.scoring.renewal_view import renewal_view

YEAR_END = (date(2026, 12, 31) - AS_OF).days


def view_of(world: PortfolioBuilder, *on_plays: tuple[str, int]) -> RenewalView:
    """The view; ``on_plays``: account and days ago on which a step brought the intent in writing."""
    said = [PlayCommitment(account_id=account, on=AS_OF - timedelta(days=ago)) for account, ago in on_plays]
    return renewal_view(world.score().base, said)


def account(view: RenewalView, account_id: str) -> RenewalAccount:
    return next(each for period in view.periods for each in period.listed if each.account_id == account_id)


def test_every_account_is_in_exactly_one_row_and_the_rows_add_up_to_the_base() -> None:
    world = (
        PortfolioBuilder().account("soon", arr=10.10, renewal=3).account("new_year", arr=20.20, renewal=YEAR_END + 1)
    )
    world.account("late", arr=30.30, renewal=-2).account("undated", arr=40.40, renewal=None)
    world.account("far", arr=50.50, renewal=400).account("long_ago", arr=60.60, renewal=-700)
    view = view_of(world)
    where = {each.account_id: period.id for period in view.periods for each in period.listed}
    assert where == {
        "soon": "2026-11", "new_year": "2027-01", "late": "overdue", "undated": "unknown", "far": "later", "long_ago": "unknown",
    }  # fmt: skip
    assert sum(period.accounts for period in view.periods) == 6
    assert round(sum(period.arr for period in view.periods), 2) == 212.10
    assert (view.total.accounts, view.total.arr) == (3, 60.60), "what is later or undated is not up for renewal"


def test_the_view_has_the_running_quarter_and_the_three_after_it_also_over_a_new_year() -> None:
    view = view_of(PortfolioBuilder().account("A"))
    months = [period.id for period in view.periods if period.quarter]
    assert months == [f"2026-{m}" for m in (10, 11, 12)] + [f"2027-0{m}" for m in range(1, 10)]
    assert [quarter.id for quarter in view.quarters] == ["2026-Q4", "2027-Q1", "2027-Q2", "2027-Q3"]
    assert (view.first, view.last) == (date(2026, 10, 1), date(2027, 9, 30))


def test_unknown_arr_is_counted_and_is_in_no_sum() -> None:
    world = PortfolioBuilder().account("known", arr=10_000, renewal=30).account("A", arr=None, renewal=30)  # type: ignore[arg-type]
    view = view_of(world)
    december = view.period("2026-12")
    assert (december.accounts, december.arr, december.unknown_arr) == (2, 10_000, 1)
    assert account(view, "A").expected_arr is None
    assert any("ARR unknown: 1 account" in note for note in view.notes)


def test_expected_is_arr_times_the_chance_of_staying_that_holds_the_renewal() -> None:
    world = PortfolioBuilder()
    for name, renewal in (("soon", 121), ("half", 122), ("half_end", 212), ("year", 213)):
        world.account(name, arr=100_000, renewal=renewal)
    scored = world.score()
    view = renewal_view(scored.base, [])
    found = {name: account(view, name) for name in ("soon", "half", "half_end", "year")}
    assert {name: each.chance_weeks for name, each in found.items()} == {
        "soon": 13, "half": 26, "half_end": 26, "year": 52,
    }  # fmt: skip
    assert found["soon"].chance_of_leaving == scored["soon"]["churn_probability"]
    assert found["half"].chance_of_leaving == scored["half"]["order_probability"]
    assert (found["year"].chance_of_leaving or 0) > scored["year"]["order_probability"]
    for each in found.values():
        assert each.chance_of_leaving is not None
        assert each.expected_arr == pytest.approx(100_000 * (1 - each.chance_of_leaving), abs=0.01)


def test_a_renewal_on_record_is_committed_and_counts_whole() -> None:
    world = PortfolioBuilder().account("A", arr=80_000, renewal=11).outcome("A", "renewed", 3)
    view = view_of(world)
    december = view.period("2026-12")
    assert (december.committed_accounts, december.committed_arr, december.expected_arr) == (1, 80_000, 80_000)
    november = view.period("2026-11").outcomes
    assert november is not None
    assert november.renewed_accounts == 0, "it is counted once, where its renewal is"


def test_the_renewal_of_a_year_ago_commits_nobody_to_the_next_one() -> None:
    world = PortfolioBuilder().account("A", renewal=10).outcome("A", "renewed", 355)
    assert view_of(world).total.committed_accounts == 0


def test_a_monthly_contract_is_committed_only_for_the_renewal_that_was_recorded() -> None:
    world = PortfolioBuilder().account("old", renewal=20, term_months=1).outcome("old", "renewed", 16)
    world.account("new", renewal=5, term_months=1).outcome("new", "renewed", 2)
    view = view_of(world)
    assert account(view, "old").commitment == ""
    assert account(view, "new").commitment == "outcome"


def test_intent_in_writing_on_a_play_commits_and_leaves_the_chance_alone() -> None:
    world = PortfolioBuilder().account("A", arr=80_000, renewal=60).account("B", arr=80_000, renewal=60)
    view = view_of(world, ("A", 4))
    assert account(view, "A").commitment == "play"
    assert account(view, "A").committed_on == AS_OF - timedelta(days=4)
    assert account(view, "A").expected_arr == account(view, "B").expected_arr
    assert view.period("2027-01").committed_arr == 80_000


def test_the_result_of_a_step_that_commits_is_one_of_the_plan_language() -> None:
    assert RENEWAL_INTENT in SHIPPED.plan.results


def test_outcomes_stand_in_their_month_with_losses_at_the_arr_that_was_lost() -> None:
    world = PortfolioBuilder().account("kept", arr=70_000, renewal=350).outcome("kept", "renewed", 10, 5_000)
    world.account("gone", arr=40_000, renewal=10).outcome("gone", "churned", 5, -40_000)
    world.account("zeroed", arr=0, renewal=10).outcome("zeroed", "churned", 5, -9_000)
    world.account("less", arr=10_000, renewal=100).outcome("less", "contracted", 3, -2_000)
    world.account("who_knows", arr=10_000, renewal=100).outcome("who_knows", "expanded", 3, None)
    view = view_of(world)
    found = view.period("2026-11").outcomes
    assert found is not None
    assert (found.renewed_accounts, found.renewed_arr) == (1, 70_000)
    assert (found.lost_accounts, found.lost_arr) == (2, 49_000)
    assert (found.contracted_arr, found.expanded_arr, found.unknown_amounts) == (2_000, 5_000, 1)
    assert view.period("2026-12").outcomes is None, "it has not begun"
    assert view.quarters[0].outcomes == found
    assert len(outcome_parts(found, "EUR")) == 5


def test_outcomes_are_in_the_home_currency() -> None:
    world = (
        PortfolioBuilder().account("A", arr=100_000, currency="USD", renewal=300).outcome("A", "expanded", 3, 10_000)
    )
    found = view_of(world).period("2026-11").outcomes
    assert found is not None
    assert found.expanded_arr == pytest.approx(10_000 * SHIPPED.scoring.money.rates["USD"])


def test_gross_retention_leaves_growth_out_and_net_counts_it() -> None:
    world = PortfolioBuilder()
    old = {"started_on": AS_OF - timedelta(days=900)}
    world.account("same", arr=100_000, **old)
    world.account("grew", arr=130_000, **old).outcome("grew", "expanded", 50, 30_000)
    world.account("shrank", arr=60_000, **old).outcome("shrank", "contracted", 50, -40_000)
    world.account("gone", arr=100_000, **old).outcome("gone", "churned", 50, -100_000)
    world.account("young", arr=500_000, started_on=AS_OF - timedelta(days=100))
    world.account("partial", arr=100_000, **old).outcome("partial", "expanded", 50, None)
    found = view_of(world).retention
    assert (found.accounts, found.starting_arr) == (4, 400_000)
    assert (found.gross, found.net) == (0.65, 0.725)
    assert (found.lost_accounts, found.lost_arr, found.unknown_accounts) == (1, 100_000, 1)


def test_the_order_of_the_rows_and_the_number_of_threads_change_no_byte() -> None:
    world = PortfolioBuilder()
    for number in range(300):
        world.account(f"A-{number:04d}", arr=1_000 + number / 7, renewal=number - 20, term_months=12)
        world.outcome(
            f"A-{number:04d}", ("renewed", "churned", "expanded", "contracted")[number % 4], number % 90 + 1, 9.35
        )
    straight = world.score()
    before = renewal_view(straight.base, []).model_dump_json()
    shuffled = world.score(shuffled=random.Random(5))
    shuffled.base.connection.execute("set threads = 2")
    assert renewal_view(shuffled.base, []).model_dump_json() == before


def test_retention_without_anything_to_compare_is_unknown_and_no_number() -> None:
    found = view_of(PortfolioBuilder().account("young", started_on=AS_OF - timedelta(days=9))).retention
    assert (found.gross, found.net) == (None, None)


def test_the_list_of_a_row_is_cut_at_the_configured_length_and_its_sums_are_not() -> None:
    most = int(SHIPPED.review.plan_rows_per_tier.value)
    world = PortfolioBuilder()
    for number in range(most + 5):
        world.account(f"A-{number:04d}", arr=1_000 + number, renewal=30)
    december = view_of(world).period("2026-12")
    assert len(december.listed) == most
    assert december.accounts == most + 5
    assert december.listed[0].arr == 1_000 + most + 4


def test_titles_say_their_message_and_the_tables_have_a_row_each() -> None:
    quiet = view_of(PortfolioBuilder().account("A", renewal=None))
    assert headline(quiet, "EUR") == "Nothing is up for renewal until the end of Sep 2027."
    assert chart_title(quiet, "EUR") == "No renewal of these four quarters is at risk"
    world = PortfolioBuilder().with_sources_connected().account("A", arr=90_000, renewal=30).tickets("A", *[3] * 8)
    world.account("=cmd", arr=1_000, renewal=30, csm_id=None)
    view = view_of(world)
    assert chart_title(view, "EUR") == "Most is at risk in Dec 2026: EUR 90k of EUR 91k"
    assert len(list(rows(view))) == len(view.periods) + 4
    assert len(renewals_csv(view).decode().splitlines()) == len(view.periods) + 1
    table = renewal_accounts_csv(view).decode()
    assert "'=cmd" in table
    assert TBD in table
