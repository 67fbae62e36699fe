"""Agenda, CRM file and comparison as people read them: nothing twice, nothing that contradicts itself."""

# ruff: noqa: F811  (fixtures are imported by name)

import csv
import re
from collections import Counter
from pathlib import Path

import pytest

from tests.desk_in_process import meeting_decisions, monday_by_file, monday_store  # noqa: F401  fixtures
from tests.e2e.commands import WAITING
from tests.e2e.shared_stores import (  # noqa: F401  fixtures
    SECOND_DAY,
    W48,
    StoreFolder,
    shared_stores,
    team_data,
    team_first_week,
)


@pytest.mark.parametrize("name", ["agenda.md", "next_agenda.md"])
def test_no_account_stands_twice_in_a_block_of_an_agenda(monday_by_file: StoreFolder, name: str) -> None:
    text = (monday_by_file.out / W48 / name).read_text(encoding="utf-8")
    for block in text.split("\n## ")[1:]:
        points = [line for line in block.splitlines() if line.startswith("- ")]
        assert [point for point, count in Counter(points).items() if count > 1] == []
        if "Deep dive" in block or "New at-risk" in block:
            names = Counter(point.partition(":")[0] for point in points)
            assert [name for name, count in names.items() if count > 1] == [], block


def test_the_crm_file_has_one_state_for_each_field_of_an_account(monday_by_file: StoreFolder) -> None:
    with (monday_by_file.out / W48 / "crm_updates.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows
    fields = Counter((row["account_id"], row["field"]) for row in rows)
    assert [field for field, count in fields.items() if count > 1] == []


def test_no_markdown_file_holds_an_entity_but_for_the_begin_of_a_tag(monday_by_file: StoreFolder) -> None:
    found = [
        path.name
        for path in sorted((monday_by_file.out / W48).rglob("*.md"))
        if re.search(r"(?<!\\)&(amp|gt|quot|#\d+);", path.read_text(encoding="utf-8"))
    ]
    assert found == []


@pytest.mark.long
def test_a_first_review_after_a_backfill_is_compared_with_it(team_data: Path, tmp_path: Path) -> None:
    filled, alone = StoreFolder(tmp_path / "filled"), StoreFolder(tmp_path / "alone")
    filled.review(team_data, SECOND_DAY, "--backfill", "1", code=WAITING)
    alone.review(team_data, SECOND_DAY, code=WAITING)
    compared, first = filled.document(W48), alone.document(W48)
    assert next(step["name"] for step in compared["portfolio"]["bridge"]) == "opening"
    assert first["portfolio"]["bridge"] == []
    assert (compared["baseline"], first["baseline"]) == (False, True)
    assert {line["change"] for line in first["at_risk"]} == {"baseline"}
    assert {line["change"] for line in compared["at_risk"]} & {"unchanged", "new", "worsened", "improved"}
    assert compared["followup"]["baseline"], "nothing was promised in a week that nobody reviewed"
    assert any("compared with the week before, which was filled in" in note for note in compared["notes"])
