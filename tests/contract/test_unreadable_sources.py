"""A source that is mostly unreadable is not good news: the run stops, or goes on without it, and says so either way."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from domain.errors import ConfigurationError, DataError
from domain.review import Review
from tests.builders import AS_OF, SHIPPED, PortfolioBuilder, score_folder, with_scoring
from tests.e2e.commands import DONE, REFUSED, saveplay
from tools.scoring.portfolio_summary import data_report

TODAY = AS_OF.isoformat()


def world(rows: int) -> PortfolioBuilder:
    """Four accounts with usage, surveys, touchpoints and as many tickets, one in ten of them escalated and open."""
    made = PortfolioBuilder()
    for number in range(4):
        made.healthy_account(f"A{number}").survey(f"A{number}", 120, 8).survey(f"A{number}", 9, 5, kind="csat")
        made.touch(f"A{number}", 12, "email", outbound=True, responded=11).outcome(f"A{number}", "renewed", 90)
    for number in range(rows):
        is_open = number % 10 == 0
        made.ticket(f"A{number % 4}", number % 60, closed=None if is_open else 0, escalated=is_open)
    return made


def spoil(folder: Path, share: float, table: str = "tickets", column: str = "opened_at") -> Path:
    """Make this share of the rows of a table unreadable, spread over the file."""
    head, *lines = (folder / f"{table}.csv").read_text(encoding="utf-8").splitlines()
    place, written = head.split(",").index(column), [head]
    for number, line in enumerate(lines):
        cells = line.split(",")
        if number * 37 % 100 < 100 * share:
            cells[place] = "someday"
        written.append(",".join(cells))
    (folder / f"{table}.csv").write_text("\n".join(written) + "\n", encoding="utf-8")
    return folder


def go_on_without(folder: Path, table: str = "tickets") -> Path:
    """Let the run go on where this table is mostly unreadable."""
    (folder / "mapping.yaml").write_text(f"tables: {{{table}: {{when_unreadable: not_connected}}}}\n")
    return folder


def test_a_table_of_which_most_rows_are_left_out_stops_the_run(tmp_path: Path) -> None:
    folder = spoil(world(100).write(tmp_path), 0.98)
    with pytest.raises(DataError) as refused:
        score_folder(folder)
    assert (
        "tickets.csv: 98 of 100 rows could not be used (98 %, at most 50 % may be): 98 rows: opened_at: not a date"
        in str(refused.value)
    )
    assert "tables.tickets.when_unreadable: not_connected in mapping.yaml" in str(refused.value)


def test_by_choice_it_counts_as_not_connected_and_the_weight_of_its_signals_as_unknown(tmp_path: Path) -> None:
    whole = score_folder(world(100).write(tmp_path / "whole"))
    found = score_folder(go_on_without(spoil(world(100).write(tmp_path / "spoilt"), 0.98)))
    report = data_report(found.base)
    assert {
        name: found.values["A0"][name] for name in ("ticket_spike", "escalations", "open_escalations")
    } == dict.fromkeys(("ticket_spike", "escalations", "open_escalations"))
    assert (whole["A0"]["coverage"], whole["A0"]["confidence"]) == (pytest.approx(0.95, abs=0.05), "high")
    assert found["A0"]["coverage"] < whole["A0"]["coverage"] - 0.14
    assert found["A0"]["confidence"] == "medium"
    (gap,) = [gap for gap in report.gaps if gap.subject == "tickets"]
    assert gap.message.startswith("tickets is treated as not connected, because 98 % of its rows could not be used")
    assert report.left_out_note == "Not usable by table: tickets 98 %."


def test_below_the_limit_it_counts_for_what_was_read(tmp_path: Path) -> None:
    whole = score_folder(world(100).write(tmp_path / "whole"))["A0"]
    found = score_folder(spoil(world(100).write(tmp_path / "spoilt"), 0.4))
    report = data_report(found.base)
    assert found.base.audit.source("tickets").share_left_out == 0.4
    assert whole["coverage"] - 0.1 < found["A0"]["coverage"] < whole["coverage"] - 0.05
    assert (whole["confidence"], found["A0"]["confidence"]) == ("high", "medium")
    (gap,) = [gap for gap in report.gaps if gap.kind == "unreadable"]
    assert (
        "40 % of the rows of tickets could not be used: what is measured from it counts 60 % towards coverage"
        in gap.message
    )


def test_a_few_bad_rows_change_neither_coverage_nor_confidence(tmp_path: Path) -> None:
    whole = score_folder(world(100).write(tmp_path / "whole"))["A0"]
    found = score_folder(spoil(world(100).write(tmp_path / "spoilt"), 0.04))["A0"]
    assert (found["coverage"], found["confidence"]) == (whole["coverage"], whole["confidence"])


def test_a_short_list_with_bad_rows_stops_nothing(tmp_path: Path) -> None:
    found = score_folder(spoil(world(10).write(tmp_path), 0.6))
    assert found.base.audit.source("tickets").share_left_out == 0.7
    assert found["A0"]["confidence"] == "medium"


def test_rows_after_the_review_and_rows_of_lost_accounts_say_nothing_against_their_table(tmp_path: Path) -> None:
    made = world(10)
    for number in range(60):
        made.ticket("A0", -1 - number).ticket("BAD", 3, closed=2)
    made.account("BAD", arr="plenty")  # type: ignore[arg-type]
    found = score_folder(made.write(tmp_path), configuration=with_scoring({"left_out_limits": limits(accounts=1)}))
    audit = found.base.audit.source("tickets")
    assert (audit.rows, audit.rows_left_out, audit.share_left_out) == (10, 120, 0)


def limits(**by_table: float) -> Mapping[str, object]:
    """The shipped limits with others for some tables."""
    shipped = {name: limit.model_dump() for name, limit in SHIPPED.scoring.left_out_limits.items()}
    return shipped | {name: {**shipped["default"], "value": value} for name, value in by_table.items()}


def test_the_limit_is_one_for_each_table(tmp_path: Path) -> None:
    folder = spoil(world(100).write(tmp_path), 0.4)
    with pytest.raises(DataError, match=r"tickets\.csv: 40 of 100 rows .*at most 30 % may be"):
        score_folder(folder, configuration=with_scoring({"left_out_limits": limits(tickets=0.3)}))
    assert score_folder(folder, configuration=with_scoring({"left_out_limits": limits(surveys=0.3)}))["A0"]["health"]


def test_a_base_without_a_fifth_of_its_accounts_stops_whatever_the_mapping_says(tmp_path: Path) -> None:
    made = world(4)
    for number in range(30):
        made.account(f"B{number}", arr="plenty")  # type: ignore[arg-type]
    folder = made.write(tmp_path)
    with pytest.raises(DataError, match=r"accounts\.csv: 30 of 34 rows .*Mend the file or the mapping$"):
        score_folder(folder)
    with pytest.raises(ConfigurationError, match="without accounts there is no review"):
        score_folder(go_on_without(folder, "accounts"))


def test_usage_that_is_given_up_leaves_no_signal_behind(tmp_path: Path) -> None:
    made = world(4)
    for age in range(60):
        made.usage("A0", [5], last=age)
    found = score_folder(go_on_without(spoil(made.write(tmp_path), 0.9, "usage", "date"), "usage"))
    assert found.values["A1"]["active_users_trend"] is None
    assert found.values["A0"]["feature_breadth"] is None
    assert found.base.audit.source("usage").given_up


# --- the sample, read at 2 % and at 60 % ---


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    """A copy of the sample portfolio."""
    folder = tmp_path / "sample"
    folder.mkdir()
    for path in Path("examples/portfolio").glob("*.csv"):
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


def reviewed(folder: Path, place: Path) -> tuple[Review, dict[str, str]]:
    """The review of the folder, and what stands on the first page above the first section, by file."""
    asked = ("review", "--data", str(folder), "--as-of", TODAY, "--approve", "all", "--store", str(place / "store"))
    assert saveplay(*asked, "--out", str(place / "out")).code == DONE
    made = place / "out" / "2026-W48"
    pages = {}
    for page, below in (("review.md", "## Portfolio risk"), ("review.html", 'id="briefing"')):
        text = (made / page).read_text(encoding="utf-8")
        pages[page] = text[: text.index(below)]
    return Review.model_validate_json((made / "review.json").read_text(encoding="utf-8")), pages


def coverage_of(folder: Path) -> dict[str, float]:
    """Coverage by account."""
    rows = json.loads(saveplay("score", "--data", str(folder), "--as-of", TODAY, "--json").out)
    return {row["account_id"]: row["coverage"] for row in rows}


@pytest.mark.long
@pytest.mark.timeout(120)
def test_the_sample_with_two_per_cent_of_its_tickets_stops_and_goes_on_only_when_told(
    sample: Path, tmp_path: Path
) -> None:
    whole = coverage_of(sample)
    folder = spoil_tickets(sample, 0.98)
    asked = ("review", "--data", str(folder), "--as-of", TODAY, "--store", str(tmp_path / "none"))
    assert saveplay(*asked, "--out", str(tmp_path / "none")).code == REFUSED
    assert not list((tmp_path / "none").glob("20*")), "no review is written"
    refused = saveplay("check", "--data", str(folder), "--as-of", TODAY)
    assert refused.code == REFUSED
    assert "rows could not be used (98 %, at most 50 % may be)" in refused.err
    found = saveplay("check", "--data", str(go_on_without(folder)), "--as-of", TODAY)
    assert found.code == DONE
    assert "Not usable by table: tickets 98 %" in found.out
    rows = json.loads(saveplay("score", "--data", str(folder), "--as-of", TODAY, "--json").out)
    assert {row["confidence"] for row in rows} == {"medium", "low"}
    assert max(row["coverage"] for row in rows) < 0.9
    assert all(row["coverage"] <= whole[row["account_id"]] for row in rows)
    review, pages = reviewed(folder, tmp_path)
    assert review.data.left_out_note.startswith("Not usable by table: tickets 98 %, notes ")
    assert all(review.data.left_out_note in page for page in pages.values())
    assert {line.confidence for line in review.at_risk} <= {"medium", "low"}
    (gap,) = [gap for gap in review.data.gaps if gap.subject == "tickets" and "not connected" in gap.message]
    assert gap.message.startswith("tickets is treated as not connected, because 98 % of its rows could not be used")


@pytest.mark.long
@pytest.mark.timeout(120)
def test_the_sample_with_sixty_per_cent_of_its_tickets_says_so_on_the_first_page(sample: Path, tmp_path: Path) -> None:
    whole = coverage_of(sample)
    folder = spoil_tickets(sample, 0.4)
    review, pages = reviewed(folder, tmp_path)
    assert 0.4 < review.data.sources[3].share_left_out < 0.45
    note = review.data.left_out_note
    assert note.startswith("Not usable by table: tickets 4")
    assert all(note in page for page in pages.values())
    said = " ".join(saveplay("check", "--data", str(folder), "--as-of", TODAY).out.split())
    assert note in said
    assert "of the rows of tickets could not be used: what is measured from it counts" in said
    now = coverage_of(folder)
    assert sum(now[account] < whole[account] for account in whole) > len(whole) / 2
    assert {line.confidence for line in review.at_risk} <= {"medium", "low"}
    assert any(gap.kind == "unreadable" and gap.subject == "tickets" for gap in review.data.gaps)


def spoil_tickets(folder: Path, share: float) -> Path:
    """Make this share of the tickets unreadable, whatever commas their texts have."""
    import csv

    with (folder / "tickets.csv").open(encoding="utf-8-sig", newline="") as file:
        head, *rows = list(csv.reader(file))
    for number, row in enumerate(rows):
        if number * 37 % 100 < 100 * share:
            row[head.index("opened_at")] = "someday"
    with (folder / "tickets.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([head, *rows])
    return folder
