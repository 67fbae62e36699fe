"""Lower bound of the time: read the columns that the signals need and the source has. ``python -m bench.column_scan FOLDER``."""

import sys
from pathlib import Path

import duckdb

from domain.tables import TABLES
from tools.signals.sql_columns import signal_inputs


def scan_columns(folder: Path) -> None:
    """Read every needed column once. The hash prevents an answer from the statistics in the file."""
    with duckdb.connect(":memory:", config={"threads": 1}) as connection:
        for name in TABLES:
            path = folder / name
            files = f"{path}/*.parquet" if path.is_dir() else f"{path}.parquet"
            there = connection.execute(f"describe from read_parquet('{files}')").fetchall()
            columns = sorted(signal_inputs(name) & {column for column, *_ in there})
            key = "person_id" if name == "people" else "account_id"
            most = ", ".join(f"max({column})" for column in columns)
            connection.execute(f"select {most} from read_parquet('{files}') where hash({key}) <> 42").fetchall()


if __name__ == "__main__":
    scan_columns(Path(sys.argv[1]))
