"""Exports of other systems, databases and Parquet files give the same review."""

from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.e2e.commands import EXPORTS, PORTFOLIO, WAITING
from tests.e2e.shared_stores import FIRST_DAY, SECOND_DAY, W47, W48, SharedStores, StoreFolder

pytestmark = pytest.mark.long


def test_exports_with_other_column_names_run_to_the_end(shared_stores: SharedStores) -> None:
    def make(place: StoreFolder) -> None:
        place.review(EXPORTS, SECOND_DAY, "--approve", "all")

    place, _ = shared_stores.place("exports", make)
    review = place.document(W48)
    assert review["state"] == "closed"
    connected = {each["table"]: each["connected"] for each in review["data"]["sources"]}
    assert {table for table, there in connected.items() if not there} == {"notes", "goals", "outcomes"}
    assert {gap["subject"] for gap in review["data"]["gaps"] if gap["kind"] == "not_connected"} >= {
        "notes", "goals", "outcomes",
    }  # fmt: skip
    assert review["portfolio"]["accounts"] == 40
    assert review["at_risk"]
    assert review["plays"]
    assert all(line["renewal_date"] for line in review["at_risk"]), "from the opportunities"
    assert max(line["arr"] for line in review["at_risk"]) < 1_000_000, "ours, not what the customer earns"
    assert review["actions"]
    assert {action["owner"] for action in review["actions"]} - {"TBD"}


def as_database(path: Path) -> str:
    """The portfolio as a database with text columns only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(path)) as connection:
        for file in sorted(PORTFOLIO.glob("*.csv")):
            rows = f"read_csv('{file}', all_varchar = true, header = true)"
            connection.execute(f"create table {file.stem} as select * from {rows}")
    return f"duckdb:///{path}"


def as_parquet(folder: Path) -> str:
    """The portfolio as Parquet, with guessed types."""
    folder.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as connection:
        for file in sorted(PORTFOLIO.glob("*.csv")):
            connection.execute(
                f"copy (select * from read_csv('{file}', header = true)) to '{folder / file.stem}.parquet' (format parquet)"
            )
    return str(folder)


def same_for_people(review: dict[str, Any]) -> list[dict[str, Any]]:
    """The at-risk list without file names."""
    lines = []
    for line in review["at_risk"]:
        evidence = [{k: v for k, v in fact.items() if k != "source"} for fact in line["evidence"]]
        lines.append({**line, "evidence": evidence})
    return lines


@pytest.mark.parametrize("kind", ["database", "parquet"])
def test_a_database_and_parquet_give_the_same_list_as_the_folder(
    shared_stores: SharedStores, first_week: StoreFolder, kind: str
) -> None:
    def make(place: StoreFolder) -> None:
        made = as_database(place.folder / "portfolio.db") if kind == "database" else as_parquet(place.folder / "data")
        place.review(made, FIRST_DAY, code=WAITING)

    place, _ = shared_stores.place(f"from-{kind}", make)
    theirs, ours = place.document(W47), first_week.document(W47)
    assert [line["account_id"] for line in theirs["at_risk"]] == [line["account_id"] for line in ours["at_risk"]]
    assert same_for_people(theirs) == same_for_people(ours)
    assert theirs["portfolio"] == ours["portfolio"]
    assert theirs["causes"] == ours["causes"]
    left_out = {each["table"]: each["rows_left_out"] for each in ours["data"]["sources"]}
    assert {each["table"]: each["rows_left_out"] for each in theirs["data"]["sources"]} == left_out
