"""Whatever a value, a name or a path contains, the embedded engine reads it as that and as nothing else."""

import math
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.sql import sql_date, sql_files, sql_identifier, sql_number, sql_path, sql_string, sql_strings

HOSTILE = (
    "'",
    "''",
    "'; drop table accounts; --",
    "\\",
    "\\'",
    '"',
    '"; --',
    "/*",
    "$$",
    "\0",
    "{0}",
    "?",
    "a\nb",
    "’",
    "",
)
TEXTS = st.one_of(st.sampled_from(HOSTILE), st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
FILE_NAMES = ("it's.parquet", "week[1].parquet", "all*.parquet", "what?.parquet", "a'; drop table a; --.parquet")


@pytest.fixture(scope="module")
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:") as connection:
        yield connection


@given(TEXTS, st.lists(TEXTS, min_size=1, max_size=4))
def test_a_string_comes_back_as_it_was_given(engine: duckdb.DuckDBPyConnection, text: str, more: list[str]) -> None:
    assert engine.execute(f"select {sql_string(text)}, [{sql_strings(more)}]").fetchall() == [(text, more)]


@given(TEXTS.filter(bool))
def test_a_name_is_never_more_than_a_name(engine: duckdb.DuckDBPyConnection, name: str) -> None:
    described = engine.execute(f"select 1 as {sql_identifier(name)}").description
    assert [column[0] for column in described or ()] == [name]


@given(st.one_of(st.none(), st.dates()), st.floats(allow_nan=False, allow_infinity=False))
def test_days_and_numbers_come_back_to_the_last_bit(
    engine: duckdb.DuckDBPyConnection, day: date | None, number: float
) -> None:
    ((found_day, found, kind),) = engine.execute(
        f"select {sql_date(day)}, {sql_number(number)} as number, typeof({sql_number(number)})"
    ).fetchall()
    assert (found_day, found, kind) == (day, number, "DOUBLE")
    assert math.copysign(1, found) == math.copysign(1, number) or number == 0


@pytest.mark.parametrize("name", FILE_NAMES)
def test_a_file_is_written_and_read_under_exactly_its_own_name(
    engine: duckdb.DuckDBPyConnection, tmp_path: Path, name: str
) -> None:
    for number, file in enumerate((tmp_path / name, tmp_path / "week1.parquet", tmp_path / "alls.parquet")):
        engine.execute(f"copy (select {number} as n) to {sql_path(file)} (format parquet)")
    assert (tmp_path / name).is_file()
    assert engine.execute(f"select n from read_parquet({sql_files([tmp_path / name])})").fetchall() == [(0,)]
