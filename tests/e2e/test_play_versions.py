"""An approval binds to what people read: the version of a play changes with its content, and with nothing else."""

import random
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from tests.e2e.commands import PORTFOLIO, WAITING
from tests.e2e.shared_stores import FIRST_DAY, W47, SharedStores, StoreFolder, read_csv_rows, write_csv_rows


def reorder_rows(source: Path, target: Path) -> None:
    """Write the same rows in another order."""
    header, rows = read_csv_rows(source)
    write_csv_rows(target / source.name, header, random.Random(source.name).sample(rows, len(rows)))


def write_parquet(source: Path, target: Path) -> None:
    """Write the same rows as a Parquet file of texts."""
    header, rows = read_csv_rows(source)
    usual = [row for row in rows if len(row) == len(header)]
    write_csv_rows(target / "aside" / source.name, header, usual)
    read = f"read_csv('{target / 'aside' / source.name}', all_varchar = true, header = true, delim = ',', quote = '\"')"
    duckdb.sql(f"copy (from {read}) to '{target / source.stem}.parquet' (format parquet)")


def versions(place: StoreFolder) -> dict[str, str]:
    return {play["account_id"]: play["version"] for play in place.document(W47)["plays"]}


@pytest.mark.parametrize("rewrite", [reorder_rows, write_parquet])
def test_the_same_rows_in_another_order_or_format_give_the_same_versions(
    shared_stores: SharedStores, first_week: StoreFolder, rewrite: Callable[[Path, Path], None], tmp_path: Path
) -> None:
    """The number of a row and the name of its file are nothing that people decide on."""
    data, place = tmp_path / "data", StoreFolder(tmp_path)
    for source in sorted(PORTFOLIO.glob("*.csv")):
        rewrite(source, data)
    place.review(data, FIRST_DAY, code=WAITING)
    assert versions(place) == versions(first_week)
