"""Typed sources: read directly when they have no faults, validated when they have, with the same review as from CSV
files in both cases. A database is measured in place."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from app.engine_progress import progress_line
from domain.errors import ConfigurationError, DataError, InputError
from domain.tables import TABLES
from tests import databases
from tests.builders import AS_OF, NO_HISTORY, SHIPPED, PortfolioBuilder, insert_columns, score_folder
from tests.e2e.commands import ROOT
from tests.engines import parquet_bases as bases
from tools.engine import EngineLimits, open_engine
from tools.evidence.dossier import build_dossiers
from tools.scoring.scored_base import ScoredBase, read_base, score_base
from tools.signals.sql_columns import signal_inputs
from tools.sources import TextFilter, open_portfolio
from tools.sources.parse import SQL_TYPES


def customers() -> PortfolioBuilder:
    world = PortfolioBuilder().with_sources_connected().person("P-1", "csm")
    world.healthy_account("well").healthy_account("leaving")
    world.note("leaving", "They are evaluating   alternatives\nbefore the renewal.", days_ago=9, pulse=2)
    world.ticket("leaving", 20, escalated=True, priority="urgent", body="Budget cut next year.")
    world.touch("leaving", 12, "email", outbound=True).touch("leaving", 100, "call", attended=True)
    world.account("silent").usage("silent", [9, 8, 0, 0]).invoice("silent", 40).survey("silent", 30, 3)
    return world.account("gone").outcome("gone", "churned", 20, -500)


def faults(world: PortfolioBuilder) -> PortfolioBuilder:
    """Other tables that a warehouse may contain."""
    world.add("usage", account_id="well", date=world.day(3), active_users=-4)
    world.add("usage", account_id="stranger", date=world.day(3), active_users=4)
    world.add("usage", account_id="well", date=world.day(-9), active_users=4)
    world.add("usage", account_id="well", date=None, active_users=4)
    world.note("well", "Nothing.", pulse=11).note("stranger", "Hello.").survey("well", 4, 77)
    world.ticket("well", 9, priority="sooner", csat=7).ticket("well", 9, csat=0.5)
    world.survey("well", 9, 4, kind="ces").touch("well", 9, "lunch").contact("well", "gatekeeper")
    world.add("usage", account_id="well", date=world.day(5), active_users=float("nan"))
    world.invoice("well", 3, currency=None).add("tickets", **world.tables["tickets"][0])
    return world.account("child", parent_account_id="nobody")


def as_parquet(world: PortfolioBuilder, folder: Path, parts: int = 1) -> Path:
    """Write Parquet files; usage becomes a folder with so many parts."""
    folder.mkdir(parents=True)
    with duckdb.connect() as connection:
        for table in TABLES.values():
            rows = world.tables[table.name]
            if not rows:
                continue
            kinds = {column.name: SQL_TYPES[column.kind] for column in table.columns}
            insert_columns(connection, table.name, kinds, rows)
            filled = [c for c in kinds if any(row.get(c) is not None for row in rows)]
            if table.name == "usage" and parts > 1:
                (folder / "usage").mkdir()
                for part in range(parts):
                    mine = f"select {', '.join(filled)} from usage where rowid % {parts} = {part}"
                    connection.execute(f"copy ({mine}) to '{folder}/usage/{part}.parquet' (format parquet)")
            else:
                connection.execute(
                    f"copy (select {', '.join(filled)} from {table.name}) to '{folder / table.name}.parquet' (format parquet)"
                )
    return folder


def in_words(base: ScoredBase) -> dict[str, Any]:
    """All conclusions and messages, without file names and row positions."""
    accounts = [row["account_id"] for row in base.rows("select account_id from scored order by account_id")]
    base.select_accounts(accounts)
    evidence = {
        (d.account_id, e.signal): (e.statement, e.value, e.row_count, sorted(row.text for row in e.rows))
        for d in build_dossiers(base, accounts, NO_HISTORY, base.signal_details())
        for e in d.evidence
    }
    left_out = sorted((e.table, e.column, e.reason, e.rows) for e in base.audit.left_out)
    seen = [(s.table, s.rows, s.rows_left_out, s.first_date, s.seen_until) for s in base.audit.sources]
    scores = base.rows("from scored order by account_id")
    return {"scores": scores, "evidence": evidence, "left out": left_out, "seen": seen}


@pytest.fixture(params=["clean", "faulty"])
def world(request: pytest.FixtureRequest) -> PortfolioBuilder:
    return customers() if request.param == "clean" else faults(customers())


@pytest.mark.parametrize("parts", [1, 3])
def test_typed_files_say_what_csv_files_say(world: PortfolioBuilder, parts: int, tmp_path: Path) -> None:
    typed = score_folder(as_parquet(world, tmp_path / "typed", parts))
    assert in_words(typed.base) == in_words(world.score_files(tmp_path / "csv").base)


def test_a_database_says_what_csv_files_say(
    world: PortfolioBuilder, tmp_path: Path, postgres: databases.LocalPostgres
) -> None:
    url = postgres.new_database()
    bases.load_into_postgres(as_parquet(world, tmp_path / "typed"), url)
    base = read_base(url, AS_OF, SHIPPED, NO_HISTORY)
    ours = in_words(world.score_files(tmp_path / "csv").base)
    theirs = in_words(base)
    base.close()
    assert theirs["scores"] == ours["scores"]
    assert theirs["evidence"] == ours["evidence"]
    assert theirs["left out"] == ours["left out"]
    assert theirs["seen"] == ours["seen"]


def test_rows_of_a_table_in_parts_are_counted_through(tmp_path: Path) -> None:
    world = customers().add("usage", account_id="well", date=AS_OF, active_users=4)
    world.add("usage", account_id="stranger", date=AS_OF, active_users=4)
    assert len(world.tables["usage"]) % 2 == 0, "the last row is the last of the second part"
    base = score_folder(as_parquet(world, tmp_path / "typed", parts=2)).base
    (entry,) = (e for e in base.audit.left_out if e.table == "usage")
    assert entry.reason == "no such account"
    assert entry.examples == (f"usage row {len(world.tables['usage']) + 1}: 'stranger'",)


def test_a_source_is_not_read_again_to_measure_and_score_it(tmp_path: Path) -> None:
    folder = as_parquet(customers(), tmp_path / "typed")
    wanted = TextFilter(90)
    money = SHIPPED.scoring.money
    portfolio = open_portfolio(
        str(folder), as_of=AS_OF, home_currency=money.home, rates=money.rates, lookback_days={"usage": 91}, texts=wanted
    )
    shutil.rmtree(folder)
    base = score_base(portfolio, SHIPPED, AS_OF, NO_HISTORY)
    assert len(base.rows("from scored")) == 4


def test_only_the_columns_and_weeks_that_are_needed_are_read(tmp_path: Path) -> None:
    base = score_folder(as_parquet(customers(), tmp_path / "typed")).base
    reads = {read.table: read for read in base.reads}
    assert all(set(read.columns) <= signal_inputs(name) for name, read in reads.items())
    assert "name" not in reads["contacts"].columns
    assert {name: (AS_OF - read.since).days for name, read in reads.items() if read.since} == {
        name: days for name, days in SHIPPED.scoring.lookback_days.items() if name in reads
    }
    assert [name for name, read in reads.items() if not read.copied] == ["usage"]


def test_a_text_column_where_a_date_belongs_is_refused_by_a_database_with_the_cure(
    postgres: databases.LocalPostgres,
) -> None:
    url = postgres.new_database()
    databases.run_sql(url, "create table accounts (account_id text, name text, arr numeric, renewal_date text)")
    with pytest.raises(DataError, match=r"public.accounts.renewal_date is varchar.*make a view that casts it"):
        read_base(url, AS_OF, SHIPPED, NO_HISTORY)


def test_a_database_needs_no_more_than_the_right_to_read_and_keeps_no_password(
    postgres: databases.LocalPostgres,
) -> None:
    url = postgres.new_database()
    databases.run_sql(url, "create table accounts (account_id text, name text, arr numeric, renewal_date date)")
    databases.run_sql(url, "insert into accounts values ('A', 'A Ltd', 1000, date '2027-01-01')")
    for given in (url.replace("postgres@", "postgres:secret@"), f"{url}?password=secret"):
        with pytest.raises(InputError, match="leave the password out of the URL"):
            read_base(given, AS_OF, SHIPPED, NO_HISTORY)
    base = read_base(url, AS_OF, SHIPPED, NO_HISTORY)
    assert base.warehouse is not None
    with pytest.raises(DataError, match="read-only transaction"):
        base.warehouse.server.fetch(
            "insert into accounts values ('B') returning 1", base.connection, "x", [("a", "INT")]
        )
    base.close()
    with pytest.raises(DataError, match="the database does not answer"):
        read_base("postgresql://nobody@127.0.0.1:1/nothing", AS_OF, SHIPPED, NO_HISTORY)


@pytest.mark.parametrize(
    ("environment", "says"),
    [({"SAVEPLAY_MEMORY": "plenty"}, "a size like 600MB"), ({"SAVEPLAY_THREADS": "0"}, "a whole number from 1")],
)
def test_limits_that_are_none_are_named(
    environment: dict[str, str], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=says):
        open_engine(EngineLimits.from_environment())


def test_progress_tells_rows_and_time_left() -> None:
    assert (
        progress_line("reading usage", 25.0, 50_000_000, 10.0)
        == "  reading usage: 25 % of 50,000,000 rows, about 30 s left"
    )
    assert progress_line("reading usage", -1.0, 0, 3.0) == "  reading usage, 3 s so far"


def test_an_interrupted_score_leaves_nothing_half_written(tmp_path: Path) -> None:
    folder = as_parquet(customers(), tmp_path / "typed")
    with duckdb.connect() as connection:  # enough usage to interrupt the run
        rows = "select 'well' as account_id, date '2026-11-23' - (i % 90)::int as date, i % 7 as active_users from range(20000000) t(i)"
        connection.execute(f"copy ({rows}) to '{folder}/usage.parquet' (format parquet)")
    out = tmp_path / "out"
    command = [sys.executable, "-m", "app.cli", "score", "--data", str(folder), "--as-of", "2026-11-23"]
    command += ["--store", str(tmp_path / "store"), "--parquet", str(out / "scores.parquet")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)}
    process = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        cwd=tmp_path,
        preexec_fn=lambda: signal.signal(
            signal.SIGINT, signal.SIG_DFL
        ),  # the signal is ignored when the tests run in the background
    )
    wait_for(lambda: reads(process.pid, "usage.parquet"))
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert said.strip().endswith("`saveplay resume` goes on")
    assert not list(out.glob("**/*"))
    assert not list(tmp_path.glob("saveplay-spill*"))


def reads(pid: int, name: str) -> bool:
    """True if any process has the file open."""
    try:
        return any(os.readlink(each).endswith(name) for each in Path(f"/proc/{pid}/fd").iterdir())
    except FileNotFoundError:  # the process closed a file during the search
        return False


def wait_for(condition: Callable[[], bool], seconds: float = 30) -> None:
    start = time.monotonic()
    while not condition():
        assert time.monotonic() - start < seconds
        time.sleep(0.02)
