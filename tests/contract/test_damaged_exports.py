"""Exports damaged as programs, disks and people damage them: a result or one sentence that names the file, never more."""

import csv
import os
import shutil
import time
from contextlib import closing
from functools import cache
from pathlib import Path

import duckdb
import pytest

from app.summary_text import data_report_text, scores_text
from domain.errors import InputError
from tests.builders import AS_OF, NO_HISTORY, SHIPPED
from tests.e2e.commands import DONE, EXPORTS, PORTFOLIO, REFUSED, WAITING, saveplay
from tests.mutations import mutate
from tools.scoring.portfolio_summary import data_report
from tools.scoring.scored_base import read_base

SECONDS = 30
"""Time limit of one read; an intact sample takes under one."""
BATCH = 25


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rows of fifteen accounts of the sample in all eleven tables."""
    folder = tmp_path_factory.mktemp("small") / "data"
    folder.mkdir()
    with (PORTFOLIO / "accounts.csv").open(encoding="utf-8", newline="") as stream:
        chosen = {row["account_id"] for row in list(csv.DictReader(stream))[:15]}
    for path in PORTFOLIO.glob("*.csv"):
        with path.open(encoding="utf-8", newline="") as source, (folder / path.name).open("w", newline="") as target:
            reader = csv.DictReader(source)
            writer = csv.DictWriter(target, list(reader.fieldnames or ()), lineterminator="\n")
            writer.writeheader()
            writer.writerows(row for row in reader if row.get("account_id", "") in chosen or path.stem == "people")
    return folder


@pytest.fixture(scope="module")
def typed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The sample as Parquet files, and as one DuckDB file."""
    parquet, database = tmp_path_factory.mktemp("parquet") / "data", tmp_path_factory.mktemp("duckdb") / "data"
    parquet.mkdir()
    database.mkdir()
    with duckdb.connect(str(database / "portfolio.db")) as connection:
        for path in sorted(PORTFOLIO.glob("*.csv")):
            connection.execute(f"CREATE TABLE {path.stem} AS FROM read_csv('{path}')")
            connection.execute(f"COPY {path.stem} TO '{parquet / path.stem}.parquet'")
    return {"parquet": parquet, "duckdb": database}


def check_and_score(location: Path) -> str:
    """What ``check`` and ``score`` do with the data: the report, or the sentence of the refusal."""
    try:
        with closing(read_base(str(location), AS_OF, SHIPPED, NO_HISTORY)) as base:
            scores = scores_text(base), base.rows("from scored order by account_id")
            assert all(scores)
            return data_report_text(data_report(base), AS_OF)
    except InputError as error:
        message = str(error)
        assert "\n" not in message
        assert len(message) < 1200
        return f"refused: {message}"


def check_damage(seed: int, source: Path, folder: Path) -> None:
    """Damage a copy once and read it."""
    target = folder / f"copy-{seed}"
    what = mutate(seed, source, target)
    names = {path.name for path in (*source.iterdir(), *target.iterdir())}
    location = target / "portfolio.db" if (source / "portfolio.db").exists() else target
    start = time.monotonic()
    try:
        said = check_and_score(location)
    except Exception as error:
        raise AssertionError(f"{what}: {type(error).__name__}: {error}") from error
    assert time.monotonic() - start < SECONDS, what
    if said.startswith("refused: "):
        # A folder of Parquet files and a table of a database have names of their own.
        stems = {name.split(".")[0] for name in names}
        assert any(name in said for name in names | stems | {target.name}), f"{what}: {said}"


@pytest.mark.parametrize("seed", range(60))
def test_a_damaged_export_gives_a_result_or_one_sentence_that_names_the_file(
    seed: int, small: Path, tmp_path: Path
) -> None:
    check_damage(seed, small, tmp_path)


@cache
def _source(name: str) -> Path:
    return {"sample": PORTFOLIO, "exports": EXPORTS}[name]


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("source", "first"),
    [
        *(("sample", first) for first in range(1000, 1200, BATCH)),
        *(("exports", first) for first in range(2000, 2150, BATCH)),
        *(("parquet", first) for first in range(3000, 3100, BATCH)),
        *(("duckdb", first) for first in range(4000, 4050, BATCH)),
    ],
)
def test_five_hundred_kinds_of_damage_give_a_result_or_one_sentence(
    source: str, first: int, typed: dict[str, Path], tmp_path: Path
) -> None:
    for seed in range(first, first + BATCH):
        check_damage(seed, typed.get(source) or _source(source), tmp_path)


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("first", range(5000, 5040, 10))
def test_a_whole_review_of_damaged_exports_ends_with_pages_or_one_sentence(first: int, tmp_path: Path) -> None:
    for seed in range(first, first + 10):
        target = tmp_path / f"copy-{seed}"
        what = mutate(seed, PORTFOLIO if seed % 2 else EXPORTS, target)
        places = ("--out", tmp_path / f"out-{seed}", "--store", tmp_path / f"store-{seed}")
        said = saveplay("review", "--data", target, "--as-of", AS_OF.isoformat(), *places)
        assert said.code in (DONE, REFUSED, WAITING), f"{what}: {said.err[-2000:]}"
        assert "Traceback" not in said.err, f"{what}: {said.err[-2000:]}"


# each kind of fault that the mutations found, by itself ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (
            f"ticket_id,account_id,{'x' * 140_000}\n",
            "tickets.csv row 1: a column name has more than 131,072 characters",
        ),
        ("sep=;\n", "tickets.csv row 2: the header line is blank"),
        (",,,\n", "tickets.csv row 1: the header line is blank"),
        ("\n" * 9 + " \n\n", "blank"),
    ],
)
def test_a_header_that_names_no_columns_is_refused_with_its_row(small: Path, content: str, says: str) -> None:
    whole = (small / "tickets.csv").read_bytes()
    try:
        (small / "tickets.csv").write_text(content)
        assert says in check_and_score(small)
    finally:
        (small / "tickets.csv").write_bytes(whole)


def test_a_damaged_page_of_a_parquet_file_is_named_although_it_is_read_late(
    typed: dict[str, Path], tmp_path: Path
) -> None:
    for table in ("notes", "usage", "accounts"):
        content = bytearray((typed["parquet"] / f"{table}.parquet").read_bytes())
        content[40 : len(content) // 2] = bytes(len(content) // 2 - 40)
        folder = tmp_path / table
        folder.mkdir()
        for path in typed["parquet"].iterdir():
            (folder / path.name).write_bytes(content if path.stem == table else path.read_bytes())
        assert f"refused: {table}.parquet is damaged and cannot be read" in check_and_score(folder)


def test_a_damaged_block_of_a_duckdb_file_is_named(typed: dict[str, Path], tmp_path: Path) -> None:
    content = bytearray((typed["duckdb"] / "portfolio.db").read_bytes())
    content[len(content) // 3 : -4096] = bytes(len(content) - len(content) // 3 - 4096)
    (tmp_path / "portfolio.db").write_bytes(content)
    said = check_and_score(tmp_path / "portfolio.db")
    assert said.startswith("refused: ")
    assert "cannot be" in said
    assert "portfolio.db" in said
    assert str(tmp_path) not in said


def test_the_names_of_a_damaged_header_fit_into_one_sentence(small: Path) -> None:
    whole = (small / "people.csv").read_bytes()
    try:
        (small / "people.csv").write_text(",".join(f"{'x' * 300}{place}" for place in range(50)) + "\n")
        said = check_and_score(small)
        assert "people.csv: the column person_id is missing" in said
        assert len(said) < 1000
    finally:
        (small / "people.csv").write_bytes(whole)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("name", ["mapping.yaml", "tickets.csv", "notes.parquet", "data.db"])
def test_a_pipe_among_the_exports_is_never_waited_for(name: str, tmp_path: Path) -> None:
    (tmp_path / "accounts.csv").write_text("account_id,name,arr,renewal_date\nA1,Northwind,82000,2027-01-15\n")
    os.mkfifo(tmp_path / name)
    assert check_and_score(tmp_path)
    said = check_and_score(tmp_path / name)
    assert said.startswith(f"refused: {name} is neither a folder nor")
    if name == "mapping.yaml":
        assert check_and_score(tmp_path) == "refused: mapping.yaml is not a file; put a file there, or remove it"


def test_a_link_that_leads_to_itself_is_refused_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "accounts.csv").write_text("account_id,name,arr,renewal_date\nA1,Northwind,82000,2027-01-15\n")
    (tmp_path / "tickets.csv").symlink_to(tmp_path / "tickets.csv")
    (tmp_path / "mapping.yaml").write_text("tables: {notes: {from: ./tickets.csv}}\n")
    assert "tables.notes.from: ./tickets.csv: there is no such file" in check_and_score(tmp_path)
    assert "loop" in saveplay("check", "--data", tmp_path / "loop").refusal


def test_days_that_only_the_engine_knows_are_no_days(small: Path, tmp_path: Path) -> None:
    odd = ("2026-11-23 (BC)", "0000-01-01", "01.01.0000", "9999-12-31T23:59:59-14:00", "infinity", "-infinity")
    folder = tmp_path / "csv"
    shutil.copytree(small, folder)
    rows = "".join(f"I{number},A1,100,{day}\n" for number, day in enumerate(odd))
    header = (folder / "accounts.csv").read_text().splitlines()[1].split(",")[0]
    (folder / "invoices.csv").write_text("invoice_id,account_id,amount,due_date\n" + rows.replace("A1", header))
    assert not check_and_score(folder).startswith("refused")
    for kind in ("DATE", "TIMESTAMP"):
        for table, column in (("invoices", "due_date"), ("usage", "date")):
            typed = tmp_path / f"{kind}-{table}"
            shutil.copytree(small, typed)
            (typed / f"{table}.csv").unlink()
            days = "'infinity', '-infinity', '0044-03-15 (BC)', '20000-01-01', '2026-11-01'"
            duckdb.execute(
                f"COPY (SELECT 'I' || row_number() OVER () AS invoice_id, '{header}' AS account_id, 5 AS amount,"
                f" 3 AS active_users, CAST(unnest([{days}]) AS {kind}) AS {column}) TO '{typed / table}.parquet'"
            )
            assert not check_and_score(typed).startswith("refused")
