"""The same definitions on the embedded engine, on PostgreSQL and on Spark: the same scores and the same audit."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests import databases
from tests.builders import AS_OF, NO_HISTORY, SHIPPED
from tests.engines import parquet_bases as bases
from tools.engine import EngineLimits
from tools.evidence.dossier import build_dossiers
from tools.scoring.scored_base import ScoredBase, read_base

pytestmark = pytest.mark.servers

LIMITS = EngineLimits(memory="2GB", threads=2)
ENGINES = ("postgres", "spark")


@dataclass
class Bases:
    """Result of the embedded engine for a folder, and the location of the same data for the other two."""

    embedded: ScoredBase
    urls: dict[str, str]


@pytest.fixture(scope="module", params=["clean", "dirty"])
def both(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, postgres: databases.LocalPostgres
) -> Bases:
    folder = bases.write_base(tmp_path_factory.mktemp("base") / request.param, dirty=request.param == "dirty")
    url = postgres.new_database()
    bases.load_into_postgres(folder, url)
    embedded = read_base(str(folder), AS_OF, SHIPPED, NO_HISTORY, LIMITS)
    return Bases(embedded, {"postgres": url, "spark": f"spark://local?folder={folder}"})


@pytest.fixture(scope="module", params=ENGINES)
def served(request: pytest.FixtureRequest, both: Bases) -> Iterator[ScoredBase]:
    if request.param == "spark" and os.environ.get("SAVEPLAY_REQUIRE_SPARK") != "1":
        pytest.importorskip("pyspark", reason="Spark is not installed")
    base = read_base(both.urls[request.param], AS_OF, SHIPPED, NO_HISTORY, LIMITS)
    yield base
    base.close()


def rows(base: ScoredBase, table: str) -> list[dict[str, Any]]:
    return base.rows(f"select * from {table} order by account_id")


@pytest.mark.parametrize("table", ["measured", "scored"])
def test_every_account_has_the_same_signals_and_scores(both: Bases, served: ScoredBase, table: str) -> None:
    ours, theirs = rows(both.embedded, table), rows(served, table)
    assert [row["account_id"] for row in ours] == [row["account_id"] for row in theirs]
    assert len(ours) > 15_000
    for mine, other in zip(ours, theirs, strict=True):
        different = {
            name
            for name, value in mine.items()
            if value != other[name] and not (isinstance(value, float) and other[name] == pytest.approx(value, abs=1e-9))
        }
        assert not different, (mine["account_id"], {name: (mine[name], other[name]) for name in different})


def test_the_same_sentences_are_found(both: Bases, served: ScoredBase) -> None:
    def said(base: ScoredBase) -> list[tuple[Any, ...]]:
        return sorted((s.account_id, s.kind, s.mode, s.on, s.table, s.quote, s.language) for s in base.statements)

    assert said(both.embedded) == said(served)
    assert len(said(served)) > 500


def test_the_same_rows_are_left_out_for_the_same_reasons(both: Bases, served: ScoredBase) -> None:
    def told(base: ScoredBase) -> list[tuple[Any, ...]]:
        return sorted((entry.table, entry.column or "", entry.reason, entry.rows) for entry in base.audit.left_out)

    def seen(base: ScoredBase) -> list[tuple[Any, ...]]:
        return [(s.table, s.connected, s.rows, s.rows_left_out, s.first_date, s.seen_until) for s in base.audit.sources]

    assert told(both.embedded) == told(served)
    assert seen(both.embedded) == seen(served)


def test_one_row_an_account_leaves_the_server_and_the_few_others_that_are_needed(
    both: Bases, served: ScoredBase
) -> None:
    assert served.warehouse is not None
    (accounts, outcomes, people) = (
        served.rows(f"select count(*) as n from {table}")[0]["n"] for table in ("accounts", "outcomes", "people")
    )
    former = served.rows("select count(distinct account_id) as n from outcomes where kind = 'churned'")[0]["n"]
    texts = served.rows(
        "select (select count(*) from notes) + (select count(*) from tickets) + (select count(*) from surveys) as n"
    )[0]["n"]
    counted = len([1 for what, _ in served.warehouse.statements if what.startswith("counting")])
    rows_of_usage = served.audit.source("usage").rows
    fetched = served.warehouse.server.rows_fetched
    assert fetched <= accounts + former + outcomes + people + texts + counted
    assert fetched < rows_of_usage / 2


def test_the_evidence_of_an_account_is_the_same(both: Bases, served: ScoredBase) -> None:
    worst = [
        row["account_id"]
        for row in both.embedded.rows("select account_id from scored order by risk desc, account_id limit 5")
    ]

    def told(base: ScoredBase) -> list[Any]:
        base.select_accounts(worst)
        found = build_dossiers(base, worst, NO_HISTORY, base.signal_details())
        return [
            (d.account_id, e.signal, e.statement, e.value, e.row_count, e.direction)
            for d in found
            for e in sorted(d.evidence, key=lambda fact: fact.signal)
        ]

    before = served.warehouse.server.rows_fetched if served.warehouse else 0
    assert told(both.embedded) == told(served)
    assert served.warehouse is not None
    assert served.warehouse.server.rows_fetched - before < 2_000, "the rows of five accounts"


def test_nothing_is_left_where_the_command_was_called(served: ScoredBase) -> None:
    assert not Path("spark-warehouse").exists()
