"""The sample: reproducible, complete, with few bad rows, and without its truth in the input files."""

import csv
from pathlib import Path

import pytest

from domain.tables import TABLES
from evals.sample import write_sample
from evals.sample.customer import LevelCurve, falling_level
from evals.sample.salesforce import long_id

EXAMPLES = Path(__file__).parents[2] / "examples"
GENERATED = ("portfolio", "exports", "truth")


def contents(folder: Path) -> dict[str, bytes]:
    """Content of every generated file below a folder, by relative path."""
    files = (path for name in GENERATED for path in (folder / name).rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample")
    write_sample(folder)
    return folder


def test_the_same_seed_gives_the_same_bytes_and_another_seed_other_ones(sample: Path, tmp_path: Path) -> None:
    write_sample(tmp_path / "again")
    write_sample(tmp_path / "other", seed=7)
    assert contents(tmp_path / "again") == contents(sample)
    assert contents(tmp_path / "other") != contents(sample)


def test_the_examples_are_what_the_generator_writes(sample: Path) -> None:
    assert contents(EXAMPLES) == contents(sample)


@pytest.mark.parametrize("name", TABLES)
def test_every_table_is_there_with_our_column_names_and_no_others(sample: Path, name: str) -> None:
    rows = rows_of(sample / "portfolio" / f"{name}.csv")
    assert rows
    # A ticket's status says less than the day it was closed, which the sample has.
    own = [c.name for c in TABLES[name].columns if c.missed and (name, c.name) != ("tickets", "status")]
    assert list(rows[0]) == own


def test_no_account_is_there_twice(sample: Path) -> None:
    ids = [row["account_id"] for row in rows_of(sample / "portfolio" / "accounts.csv")]
    assert len({account.casefold() for account in ids}) == len(ids) >= 135


def test_few_rows_lack_a_required_value_or_belong_to_nobody(sample: Path) -> None:
    known = {row["account_id"] for row in rows_of(sample / "portfolio" / "accounts.csv")}
    for name, table in TABLES.items():
        rows = rows_of(sample / "portfolio" / f"{name}.csv")
        needed = [column for column in table.required if (name, column) != ("accounts", "renewal_date")]
        bad = [
            row
            for row in rows
            if not all(row[column] for column in needed)
            or row.get("account_id", min(known)) not in known
            or any(
                column.kind == "date" and row[column.name] and not _iso(row[column.name]) for column in table.columns
            )
        ]
        assert len(bad) <= 0.01 * len(rows), name


def _iso(text: str) -> bool:
    return len(text) == 10 and text[4] == text[7] == "-" and text[5:7] <= "12"


def test_the_truth_is_kept_apart_from_the_input(sample: Path) -> None:
    truth = rows_of(sample / "truth" / "portfolio.csv")
    stories = {row["story"] for row in truth if "_" in row["story"]}
    assert len(stories) > 30
    for path in [*(sample / "portfolio").iterdir(), *(sample / "exports").iterdir()]:
        text = path.read_bytes().decode("latin-1")
        assert not [story for story in stories if story in text], path.name
        assert "story" not in text.splitlines()[0]


def test_most_accounts_are_well_and_enough_are_not(sample: Path) -> None:
    causes = [row["true_cause"] for row in rows_of(sample / "truth" / "portfolio.csv")]
    assert causes.count("none") >= 90
    assert len(set(causes) - {"none"}) == 7


def test_something_happens_between_the_two_reviews(sample: Path) -> None:
    stories = {row["story"] for row in rows_of(sample / "truth" / "portfolio.csv")}
    assert len([story for story in stories if story.startswith("new_")]) >= 5
    assert len([story for story in stories if story.startswith("resolved_")]) >= 3
    between = [
        row["kind"]
        for row in rows_of(sample / "portfolio" / "outcomes.csv")
        if "2026-11-16" < row["date"] <= "2026-11-22"
    ]
    assert "churned" in between
    assert "renewed" in between


def test_a_long_salesforce_id_ends_with_the_right_check_characters() -> None:
    assert long_id("001D000000IqhSL") == "001D000000IqhSLIAZ"
    assert long_id("001A0000006Vm9r") == "001A0000006Vm9rIAC"


def test_a_level_is_kept_outside_its_points_and_straight_between_them() -> None:
    curve = LevelCurve(((20, 1.0), (10, 0.5), (0, 0.7)))
    assert [curve.level_at(days) for days in (90, 20, 15, 10, 5, 0, -9)] == pytest.approx(
        [1, 1, 0.75, 0.5, 0.6, 0.7, 0.7]
    )
    assert falling_level(30, 0.2).level_at(31) == 1.0
    assert falling_level(30, 0.2).level_at(0) == pytest.approx(0.2)
