"""The page on data names every key of mapping.yaml, and each of its examples is one that the product reads."""

import re
from pathlib import Path

import pytest
import yaml

from tests.builders import AS_OF
from tools.sources.mapping import RenewalMapping, SourceMapping, TableMapping
from tools.sources.usage_grain import RecentRows, choose_grain

PAGE = (Path(__file__).parents[2] / "docs" / "data.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"\| `(\w+: \{.*?\})`[ ,|]", PAGE)


def test_every_key_of_a_table_is_on_the_page() -> None:
    keys = {
        field.alias or name for model in (TableMapping, RenewalMapping) for name, field in model.model_fields.items()
    }
    assert {key for key in keys if not re.search(rf"\b{key}\b", PAGE)} == set()


def test_the_example_of_the_page_is_read() -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    tables = SourceMapping.model_validate(yaml.safe_load(block)).tables
    assert set(tables) == {"accounts", "usage", "invoices"}


@pytest.mark.parametrize("example", EXAMPLES)
def test_each_line_of_the_table_is_read(example: str) -> None:
    assert SourceMapping.model_validate({"tables": yaml.safe_load(f"{{{example}}}")}).tables


def test_there_is_a_line_for_each_key_that_says_what_rows_stand_for() -> None:
    assert len(EXAMPLES) == 7


def test_adding_up_that_was_asked_for_is_not_asked_about() -> None:
    found = RecentRows(repeats=3, newest=0, days=20, same_weekday=False)
    said, asked = (choose_grain(TableMapping(repeats=given), found, "usage.csv", AS_OF)[1] for given in ("add", None))
    assert ("count_distinct" in said[0], "count_distinct" in asked[0]) == (False, True)
