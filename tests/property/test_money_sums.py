"""Money is summed exactly: the order of the rows and the number of threads change no byte of a total."""

import random
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.tables import TABLES
from tests.builders import (
    AS_OF,
    NO_HISTORY,
    SHIPPED,
    PortfolioBuilder,
    ScoredPortfolio,
    compare_weeks,
    fetch_rows,
    score_folder,
)
from tools.planning.intervention_plan import count_plan_totals
from tools.scoring.portfolio_summary import csm_books, opportunity_matrix, summarize_portfolio
from tools.scoring.scored_base import ScoredBase, score_base
from tools.scoring.week_over_week import BRIDGE_SQL
from tools.sources import Portfolio

MONEY = ("arr", "contract_arr", "expected_churn_arr", "arr_then", "reported_arr")


@pytest.fixture(scope="module")
def portfolio() -> ScoredPortfolio:
    """The example portfolio, scored for these tests alone, since they change its tables."""
    return score_folder(Path(__file__).parents[2] / "examples" / "portfolio")


def totals(base: ScoredBase) -> str:
    """Every total that a review has, as it is written."""
    found = [summarize_portfolio(base), *csm_books(base), *opportunity_matrix(base), *count_plan_totals(base)]
    return "\n".join(record.model_dump_json() for record in found)


def scored_again(scored: ScoredPortfolio, order: str, threads: int) -> ScoredBase:
    """The same rows in another order, scored with so many threads."""
    connection = scored.base.connection
    connection.execute(f"set threads = {threads}")
    for name in TABLES:
        connection.execute(f"create or replace table {name} as select * from {name} order by {order}")
    return score_base(Portfolio(connection, scored.base.audit), SHIPPED, AS_OF, NO_HISTORY)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("order", ["row_no", "row_no desc", "hash(row_no)"])
def test_every_total_has_the_same_bytes_in_any_order_and_with_any_threads(
    portfolio: ScoredPortfolio, order: str, threads: int
) -> None:
    before = totals(portfolio.base)
    try:
        assert totals(scored_again(portfolio, order, threads)) == before
    finally:
        portfolio.base.connection.execute("set threads = 1")


def test_no_money_is_a_double_where_it_is_summed(portfolio: ScoredPortfolio) -> None:
    for table in ("scored", "compared"):
        kinds = {row["column_name"]: row["column_type"] for row in portfolio.base.rows(f"describe {table}")}
        assert {kinds[name] for name in MONEY if name in kinds} == {"DECIMAL(18,2)"}, table


changes = st.lists(st.decimals(-9_999, 9_999, places=2), min_size=2, max_size=12)


@pytest.mark.long
@settings(max_examples=15)
@given(changes, st.integers())
def test_the_change_of_a_contract_is_the_exact_sum_of_its_parts(parts: list[Decimal], seed: int) -> None:
    world = PortfolioBuilder().account("A", arr=1_000_000)
    for place, part in enumerate(parts):
        world.outcome("A", "expanded", place + 1, float(part))
    total = float(sum(parts))
    expected = round(100 * total / (1_000_000 - total) * 1e6) / 1e6
    straight, shuffled = world.score(), world.score(shuffled=random.Random(seed))
    assert (
        straight.measured["A"]["arr_trend"] == shuffled.measured["A"]["arr_trend"] == pytest.approx(expected, abs=1e-6)
    )


def test_a_bridge_over_many_rows_has_the_same_bytes_with_one_and_with_two_threads() -> None:
    rows = [
        {"account_id": f"A-{n:05d}", "arr": Decimal(n) / 100 + Decimal("0.10"), "at_risk": n % 3 > 0,
         "reported_arr": Decimal(n) / 100, "reported_at_risk": n % 2 > 0}
        for n in range(4_000)
    ]  # fmt: skip
    found = []
    for threads, rows_now in ((1, rows), (2, rows[::-1])):
        weeks = compare_weeks(rows, rows_now)
        weeks.execute(f"set threads = {threads}")
        found.append(sorted((row["step"], row["arr"], row["accounts"]) for row in fetch_rows(weeks, BRIDGE_SQL)))
    assert repr(found[0]) == repr(found[1])
