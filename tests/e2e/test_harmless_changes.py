"""The same facts written in another way: order, encoding, separators, dates, kinds of file. The review must not notice."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.commands import DONE, PORTFOLIO, saveplay
from tests.e2e.shared_stores import SECOND_DAY, W48
from tests.harmless_changes import write_variant

NAMED = {
    "row numbers": ("evidence[].rows[].row", "statements[].row"),
    "source names": ("evidence[].source", "data.sources[].location"),
    "fingerprint of the files": ("data.fingerprint",),
    "examples of rows left out": ("data.rows_left_out[].examples",),
    "columns that nothing reads": ("data.sources[].columns_ignored",),
    "notes on how a file was read": ("data.sources[].notices",),
}
"""All that may differ in ``review.json``. Versions of plays are not among it: approval binds to content, not to places."""
QUICK = (0, 1, 3, 9)
"""Rows in another order; another separator and suffix; Parquet; DuckDB with rows, columns and dates in another order."""


def reviewed(location: str, folder: Path) -> dict[str, Any]:
    """The document of a review of the sample's second week in a store of its own."""
    arguments = ["--data", location, "--as-of", SECOND_DAY, "--out", folder / "out", "--store", folder / "store"]
    saveplay("review", *arguments, "--approve", "all").check_exit(DONE)
    document: dict[str, Any] = json.loads((folder / "out" / W48 / "review.json").read_text(encoding="utf-8"))
    return document


@pytest.fixture(scope="module")
def as_it_is(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    return reviewed(str(PORTFOLIO), tmp_path_factory.mktemp("sample"))


@pytest.fixture(scope="module")
def written_otherwise(tmp_path_factory: pytest.TempPathFactory) -> Any:
    @cache
    def reviewed_variant(seed: int) -> tuple[str, dict[str, Any]]:
        folder = tmp_path_factory.mktemp(f"variant-{seed}")
        location, variant = write_variant(seed, PORTFOLIO, folder / "data")
        return str(variant), reviewed(location, folder)

    return reviewed_variant


def without_named(value: Any, path: str = "") -> Any:
    """The document without what may differ. A row without an id is named by its number."""
    named = [each for paths in NAMED.values() for each in paths]
    if isinstance(value, dict):
        return {
            key: without_named(each, f"{path}.{key}")
            for key, each in value.items()
            if not any(f"{path}.{key}".endswith(f".{name}") for name in named)
        }
    if isinstance(value, list):
        return [without_named(each, f"{path}[]") for each in value]
    is_number = path.endswith("evidence[].rows[].key") and str(value).startswith("row ")
    return "row" if is_number else value


def differences(first: Any, second: Any, path: str = "") -> list[str]:
    """The paths at which two documents differ, with both values."""
    if isinstance(first, dict) and isinstance(second, dict):
        keys = sorted({*first, *second})
        return [each for key in keys for each in differences(first.get(key), second.get(key), f"{path}.{key}")]
    if isinstance(first, list) and isinstance(second, list) and len(first) == len(second):
        return [
            d for at, pair in enumerate(zip(first, second, strict=True)) for d in differences(*pair, f"{path}[{at}]")
        ]
    return [] if first == second else [f"{path}: {str(first)[:80]} / {str(second)[:80]}"]


def check_equal(seed: int, as_it_is: Mapping[str, Any], written_otherwise: Any) -> None:
    said, document = written_otherwise(seed)
    found = differences(without_named(as_it_is), without_named(document))
    assert found == [], f"variant {seed} ({said}): {found[:5]}"
    assert all(play["version"] for play in document["plays"])


@pytest.mark.long
@pytest.mark.parametrize("seed", QUICK)
def test_the_same_facts_written_otherwise_give_the_same_review(
    seed: int, as_it_is: Mapping[str, Any], written_otherwise: Any
) -> None:
    check_equal(seed, as_it_is, written_otherwise)


@pytest.mark.long
@pytest.mark.parametrize("seed", [seed for seed in range(100) if seed not in QUICK])
def test_none_of_a_hundred_ways_to_write_the_same_facts_changes_the_review(
    seed: int, as_it_is: Mapping[str, Any], written_otherwise: Any
) -> None:
    check_equal(seed, as_it_is, written_otherwise)
