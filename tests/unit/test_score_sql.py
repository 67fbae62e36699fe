"""The SQL of a score, as it is run: every statement can be read, and a change of one shows up in review.

``tests/golden/score.sql`` has the statements of the shipped configuration. After a wanted change, write it anew with
``SAVEPLAY_WRITE_GOLDEN=1 python -m pytest tests/unit/test_score_sql.py`` and read the difference.
"""

import os
import re
from pathlib import Path

import duckdb
import pytest

from tests.builders import AS_OF, PortfolioBuilder, ScoredPortfolio
from tools.scoring.snapshots import SnapshotStore
from tools.sql_layout import lay_out_sql
from tools.wording import review_id_of

GOLDEN = Path(__file__).parents[1] / "golden" / "score.sql"


def world(as_of_days_ago: int = 0) -> PortfolioBuilder:
    return PortfolioBuilder(PortfolioBuilder().day(as_of_days_ago)).with_sources_connected().healthy_account("A")


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> ScoredPortfolio:
    """A base with a week before and a month before, so that every statement is there."""
    history = SnapshotStore(tmp_path_factory.mktemp("history"))
    for weeks in (4, 1):
        past = world(weeks * 7).score(history=history)
        past.save(review_id_of(past.base.as_of))
    return world().score(history=history)


def test_the_statements_of_the_shipped_configuration_are_those_that_were_reviewed(scored: ScoredPortfolio) -> None:
    text = "\n".join(f"-- {what}\n{lay_out_sql(sql)};\n" for what, sql in scored.base.executed_statements)
    text = re.sub(r"read_parquet\(\['[^']*/([^/']*)'\]\)", r"read_parquet(['\1'])", text)
    if os.environ.get("SAVEPLAY_WRITE_GOLDEN"):
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8"), "the SQL of a score changed; see the docstring of this module"


def test_every_step_of_a_score_can_be_read(scored: ScoredPortfolio) -> None:
    steps = [what for what, _ in scored.base.executed_statements]
    assert {"measuring usage", "adding up commercial", "health, risk and the rules that fire"} <= set(steps)
    assert {
        "what decisions and risk add to the odds",
        "what the history keeps of the week",
        "this week against last week",
    } <= set(steps)
    assert {"loading 2026-W47", "loading 2026-W44", "health about a month ago"} <= set(steps)


def test_the_statement_that_is_shown_yields_what_was_scored(scored: ScoredPortfolio) -> None:
    kept = next(sql for what, sql in scored.base.executed_statements if what == "what the history keeps of the week")
    assert scored.base.rows(lay_out_sql(kept)) == scored.base.rows(kept) != []


def test_a_layout_changes_nothing_but_blanks(scored: ScoredPortfolio) -> None:
    for _, sql in scored.base.executed_statements:
        assert re.sub(r"\s+", "", lay_out_sql(sql)) == re.sub(r"\s+", "", sql)


@pytest.mark.parametrize(
    "sql",
    [
        'select \'a  b,\n from (\' as odd, "a  column" from (select 1 as "a  column")',
        "select " + ", ".join(f"'  {n}  ' as c{n}" for n in range(30)),
        "select 1 -- a comment, with (\n+ 2 as three /* and, another */ where 2 between 1 and 3 and 'x;' <> ';'",
        "select case when 1 = 1 then 'end' else '--' end as word, [1, 2][1] as first, {'a': 1}.a as member",
    ],
)
def test_quotes_and_comments_survive_a_layout(sql: str) -> None:
    with duckdb.connect(":memory:") as connection:
        assert connection.execute(lay_out_sql(sql)).fetchall() == connection.execute(sql).fetchall()


def test_the_review_date_of_the_golden_file_is_the_one_of_the_tests() -> None:
    assert f"DATE '{AS_OF}'" in GOLDEN.read_text(encoding="utf-8")
