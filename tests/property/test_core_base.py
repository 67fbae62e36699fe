"""Properties of every customer base: order, future rows and a second run change nothing, and money adds up."""

import random
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.dossier import Dossier
from domain.facts import Fact, InvoiceFact
from domain.tables import TABLES
from tests.builders import AS_OF, NO_HISTORY, SHIPPED, PortfolioBuilder, ScoredPortfolio, compare_weeks, fetch_rows
from tools.scoring.portfolio_summary import summarize_portfolio
from tools.scoring.score_sql import ATTRIBUTES, SCORE_COLUMNS, scored_sql
from tools.scoring.scored_base import score_base
from tools.scoring.week_over_week import BRIDGE_SQL
from tools.sources import Portfolio

# --- order and repetition ---


@pytest.fixture(scope="module")
def example_said(example: ScoredPortfolio) -> tuple[Any, Any]:
    return said(example)


def said(scored: ScoredPortfolio) -> tuple[Any, Any]:
    """All scores, and the dossiers of the accounts at risk."""
    return dict(scored.accounts), scored.dossiers(scored.at_risk())


def scored_again(scored: ScoredPortfolio, order: str) -> ScoredPortfolio:
    """The same typed rows, scored again in another order."""
    connection = scored.base.connection
    for name in TABLES:
        connection.execute(f"create or replace table {name} as select * from {name} order by {order}")
    return ScoredPortfolio(score_base(Portfolio(connection, scored.base.audit), SHIPPED, AS_OF, NO_HISTORY), NO_HISTORY)


@pytest.mark.parametrize("order", ["hash(row_no)", "row_no desc"])
def test_the_order_of_the_rows_of_a_real_export_changes_no_score_and_no_evidence(
    example: ScoredPortfolio, example_said: tuple[Any, Any], order: str
) -> None:
    assert said(scored_again(example, order)) == example_said


def test_summed_up_category_by_category_or_all_in_one_statement_a_base_has_the_same_scores(
    example: ScoredPortfolio,
) -> None:
    base = example.base
    names = ", ".join((*ATTRIBUTES, *SCORE_COLUMNS))
    at_once = scored_sql(base.configuration, "measured", base.as_of)
    assert base.rows(f"select {names} from scored order by account_id") == base.rows(
        f"from ({at_once}) order by account_id"
    )


DAYS = st.sampled_from([0, 3, 10, 27, 28, 30, 60, 89, 90])
NAMES = st.sampled_from(["A", "B", "C"])
TEXTS = st.sampled_from(["Evaluating other vendors.", "All calm.", "What do we actually get?\nCorvane called."])
EVENTS: dict[str, st.SearchStrategy[Callable[[PortfolioBuilder], Any]]] = {
    "ticket": st.builds(
        lambda a, d, e, p: lambda w: w.ticket(a, d, escalated=e, priority=p, csat=3), NAMES, DAYS, st.booleans(),
        st.sampled_from(["high", "low"]),
    ),
    "survey": st.builds(lambda a, d, s: lambda w: w.survey(a, d, s), NAMES, DAYS, st.integers(0, 10)),
    "touch": st.builds(
        lambda a, d, k, o, t: lambda w: w.touch(a, d, k, outbound=o, attended=t), NAMES, DAYS,
        st.sampled_from(["call", "email", "exec_meeting"]), st.booleans(), st.none() | st.booleans(),
    ),
    "note": st.builds(lambda a, d, t, p: lambda w: w.note(a, t, d, pulse=p), NAMES, DAYS, TEXTS, st.integers(1, 5)),
    "invoice": st.builds(lambda a, d: lambda w: w.invoice(a, d, amount=123.45), NAMES, DAYS),
    "usage": st.builds(lambda a, u: lambda w: w.usage(a, u), NAMES, st.lists(st.integers(0, 9), max_size=6)),
}  # fmt: skip
histories = st.lists(st.one_of(*EVENTS.values()), min_size=10, max_size=40)


def world_of(events: list[Callable[[PortfolioBuilder], Any]]) -> PortfolioBuilder:
    world = PortfolioBuilder().account("A").account("B", arr=150_000, renewal=40).account("C", arr=9_000, renewal=-3)
    for event in events:
        event(world)
    return world


@settings(max_examples=3)
@given(histories, st.integers())
def test_rows_of_the_same_day_may_come_in_any_order(events: list[Callable[[PortfolioBuilder], Any]], seed: int) -> None:
    world = world_of(events)
    assert said(world.score()) == said(world.score(shuffled=random.Random(seed)))


def test_typed_rows_and_their_csv_files_give_the_same_scores(tmp_path: Path) -> None:
    world = (
        PortfolioBuilder()
        .with_sources_connected()
        .healthy_account("A")
        .healthy_account("B", arr=31_234.57, currency="USD", renewal=12)
    )
    world.ticket("A", 4, escalated=True, body="Evaluating other vendors.").invoice("B", 33, status="failed")
    # The rows of usage are a week apart; in a file they would count on the last day of their week.
    (tmp_path / "mapping.yaml").write_text("tables: {usage: {dated_by: day}}\n", encoding="utf-8")
    by_rows, by_files = world.score(), world.score_files(tmp_path)
    assert by_rows.accounts == by_files.accounts
    assert by_rows.dossiers(["A", "B"]) == by_files.dossiers(["A", "B"])


# --- nothing reads the future ---


AHEAD = st.integers(1, 400).map(lambda days: -days)
FUTURE: dict[str, st.SearchStrategy[Callable[[PortfolioBuilder], Any]]] = {
    "ticket": st.builds(
        lambda a, d: lambda w: w.ticket(a, d, escalated=True, priority="urgent", csat=1), NAMES, AHEAD
    ),
    "survey": st.builds(lambda a, d, k: lambda w: w.survey(a, d, 1, k), NAMES, AHEAD, st.sampled_from(["nps", "csat"])),
    "touch": st.builds(lambda a, d: lambda w: w.touch(a, d, "exec_meeting", attended=True), NAMES, AHEAD),
    "missed": st.builds(lambda a, d: lambda w: w.touch(a, d, "call", attended=False, outbound=True), NAMES, AHEAD),
    "note": st.builds(lambda a, d: lambda w: w.note(a, "They are evaluating other vendors.", d, pulse=1), NAMES, AHEAD),
    "usage": st.builds(
        lambda a, d: lambda w: w.add("usage", account_id=a, date=w.day(d), active_users=0, logins=0), NAMES, AHEAD
    ),
    "outcome": st.builds(lambda a, d: lambda w: w.outcome(a, "churned", d, -500), NAMES, AHEAD),
    "invoice": st.builds(lambda a, d: lambda w: w.invoice(a, d, amount=9_999), NAMES, AHEAD),
}  # fmt: skip


def present() -> PortfolioBuilder:
    """Three customers with rows in every table, none after today."""
    world = PortfolioBuilder().with_sources_connected()
    for name in ("A", "B", "C"):
        world.healthy_account(name).touch(name, 20, "email", outbound=True).invoice(name, 20)
        world.ticket(name, 8, escalated=True, priority="high", csat=3).outcome(name, "renewed", 100)
    return world


@pytest.fixture(scope="module")
def today(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any]:
    return said(present().score_files(tmp_path_factory.mktemp("today")))


@settings(max_examples=2)
@given(st.tuples(*(st.lists(event, min_size=1, max_size=3) for event in FUTURE.values())))
def test_rows_dated_after_the_review_change_no_score_and_no_evidence(
    today: tuple[Any, Any],
    tmp_path_factory: pytest.TempPathFactory,
    ahead: tuple[list[Callable[[PortfolioBuilder], Any]], ...],
) -> None:
    world = present()
    for event in chain(*ahead):
        event(world)
    scores, dossiers = said(world.score_files(tmp_path_factory.mktemp("later")))
    assert scores == today[0]
    assert [without_coming_invoices(d) for d in dossiers] == [without_coming_invoices(d) for d in today[1]]


def without_coming_invoices(dossier: Dossier) -> Dossier:
    """An invoice that falls due after the review is written today: it is a fact, and changes no score."""
    return dossier.model_copy(update={"facts": tuple(f for f in dossier.facts if not _is_coming(f))})


def _is_coming(fact: Fact) -> bool:
    return isinstance(fact, InvoiceFact) and fact.days_overdue is not None and fact.days_overdue < 0


def test_what_is_settled_after_the_review_is_open_on_its_day(tmp_path: Path, today: tuple[Any, Any]) -> None:
    world, tomorrow = present(), AS_OF + timedelta(days=1)
    for ticket in world.tables["tickets"]:
        if ticket["closed_at"] is None:
            ticket["closed_at"] = tomorrow
    for invoice in world.tables["invoices"]:
        if invoice["paid_on"] is None:
            invoice.update(paid_on=tomorrow, status="paid")
    for contact in world.tables["contacts"]:
        contact.update(departed_on=tomorrow, status="departed")
    for touch in world.tables["touchpoints"]:
        if touch["kind"] == "email":
            touch["responded_at"] = tomorrow
    scores, dossiers = said(world.score_files(tmp_path))
    assert scores == today[0]
    assert [d.values for d in dossiers] == [d.values for d in today[1]]
    assert [d.contacts for d in dossiers] == [d.contacts for d in today[1]]


# --- money ---


def cents(amount: float) -> int:
    return round(amount * 100)


@pytest.mark.parametrize("slices", ["by_tier", "by_segment", "by_band"])
def test_every_division_of_the_portfolio_sums_to_the_whole_in_cents(example: ScoredPortfolio, slices: str) -> None:
    whole = summarize_portfolio(example.base)
    parts = getattr(whole, slices)
    assert sum(cents(part.at_risk_arr) for part in parts) == cents(whole.arr_at_risk) > 0
    assert sum(cents(part.arr) for part in parts) == cents(whole.arr)
    assert sum(part.accounts for part in parts) == whole.accounts
    assert sum(part.at_risk_accounts for part in parts) == whole.at_risk_accounts == len(example.at_risk())


def test_the_expected_loss_is_the_sum_over_the_accounts(example: ScoredPortfolio) -> None:
    total = sum(row["expected_churn_arr"] for row in example.accounts.values())
    assert Decimal(str(summarize_portfolio(example.base).expected_churn_arr)) == total


amounts = st.decimals(0, 999_999, places=2)
accounts = st.dictionaries(
    st.sampled_from([f"A-{n}" for n in range(8)]),
    st.fixed_dictionaries(
        {"arr": amounts, "at_risk": st.booleans(), "reported_arr": amounts, "reported_at_risk": st.booleans()}
    ),
)


@settings(max_examples=15)
@given(accounts, accounts)
def test_the_bridge_from_last_week_to_this_one_closes_to_the_cent(
    then: dict[str, dict[str, Any]], now: dict[str, dict[str, Any]]
) -> None:
    weeks = compare_weeks(*([{"account_id": a, **facts} for a, facts in week.items()] for week in (then, now)))
    steps = {row["step"]: row["arr"] or Decimal(0) for row in fetch_rows(weeks, BRIDGE_SQL)}
    reported = sum(row["reported_arr"] for row in then.values() if row["reported_at_risk"])
    closing = sum(row["arr"] for row in now.values() if row["at_risk"])
    assert steps.get("opening", 0) == reported
    assert steps.pop("closing", 0) == closing == sum(steps.values())
