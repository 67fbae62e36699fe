"""Ten folders with export faults: the run stops with one sentence and writes nothing, or only bad rows are left out."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.commands import DONE, CommandResult, saveplay
from tests.e2e.shared_stores import SECOND_DAY, W48, SharedStores, StoreFolder

ACCOUNTS = (
    "account_id,name,arr,renewal_date,csm_id\n"
    "A1,Northwind,82000,2026-12-15,P1\nA2,Contoso,12000,2027-03-01,P1\nA3,Fabrikam,40000,2027-01-10,\n"
)
PEOPLE = "person_id,name,role\nP1,Hannah Brandt,csm\nP2,Ruth Castellanos,cs_manager\n"
TICKETS = (
    "ticket_id,account_id,opened_at,escalated,subject\n"
    "T1,A1,2026-11-01,true,Slow\nT2,A2,2026-11-02,false,Down\nT3,A1,2026-11-20,false,Again\n"
)
USAGE = "account_id,date,active_users\nA1,2026-11-16,20\nA1,2026-11-22,19\nA2,2026-11-22,4\n"

LeftOut = tuple[str, str, int]
"""Rows that were left out: table, a part of the reason, number of rows."""


@dataclass(frozen=True)
class Broken:
    """A faulty folder and the expected result."""

    name: str
    files: dict[str, str | bytes]
    refused: str = ""
    """A part of the sentence with which the run stops; empty when the run continues."""
    left_out: tuple[LeftOut, ...] = ()
    holds: Callable[[dict[str, Any]], bool] = lambda review: review["portfolio"]["accounts"] == 3


def source(review: dict[str, Any], table: str) -> dict[str, Any]:
    return next(each for each in review["data"]["sources"] if each["table"] == table)


TABLE = (
    Broken("a truncated file", {"tickets.csv": TICKETS + 'T4,A1,2026-11-03,false,"it bro'},
           refused="tickets.csv row 5: the file is truncated"),
    Broken("the wrong encoding", {"accounts.csv": ACCOUNTS.replace("Contoso", "Café Zürich").encode("cp1252")},
           holds=lambda review: "Not UTF-8: read as Windows-1252." in source(review, "accounts")["notices"]),
    Broken("the same account twice", {"accounts.csv": ACCOUNTS + "A1,Northwind Ltd,90000,2027-01-15,P1\n"},
           refused="the account id A1 is there twice, in rows 2 and 5"),
    Broken("a missing column", {"accounts.csv": ACCOUNTS.replace("arr", "value")},
           refused="accounts.csv: the column arr is missing"),
    Broken("text in a number", {"accounts.csv": ACCOUNTS + "A4,Adatum,lots,2027-01-15,P1\n",
                                "usage.csv": USAGE + "A3,2026-11-22,many\n"},
           left_out=(("accounts", "not an amount", 1), ("usage", "not a number", 1))),
    Broken("two columns for one field", {"accounts.csv": ACCOUNTS.replace("csm_id", "Account ID")},
           refused="both fit account_id"),
    Broken("dates in the future", {"tickets.csv": TICKETS + "T4,A2,2027-05-01,true,Tomorrow\n"},
           left_out=(("tickets", "dated after the review date", 1),),
           holds=lambda review: "A2" not in {line["account_id"] for line in review["at_risk"]}),
    Broken("an empty table", {"usage.csv": USAGE.splitlines(keepends=True)[0]},
           holds=lambda review: source(review, "usage")["rows"] == 0 and source(review, "usage")["connected"]),
    Broken("a field of ten megabytes", {"tickets.csv": TICKETS + f'T4,A1,2026-11-03,false,"{"x" * 10_000_000}"\n'},
           left_out=(("tickets", "longer than 1,000,000 characters", 1),)),
    Broken("no accounts", {"accounts.csv": ACCOUNTS.splitlines(keepends=True)[0]},
           refused="there are no accounts to review"),
)  # fmt: skip
STOPPED = [each for each in TABLE if each.refused]
WENT_ON = [each for each in TABLE if not each.refused]


def ran(shared_stores: SharedStores, broken: Broken) -> tuple[StoreFolder, CommandResult]:
    """The review of the broken folder."""

    def make(place: StoreFolder) -> dict[str, CommandResult]:
        data = place.folder / "data"
        data.mkdir(parents=True)
        sound = {"accounts.csv": ACCOUNTS, "people.csv": PEOPLE, "tickets.csv": TICKETS, "usage.csv": USAGE}
        for name, content in {**sound, **broken.files}.items():
            (data / name).write_bytes(content.encode() if isinstance(content, str) else content)
        return {"review": saveplay(*place.review_arguments(data, SECOND_DAY, "--approve", "all"))}

    place, said = shared_stores.place("broken-" + broken.name.replace(" ", "-"), make)
    return place, said["review"]


@pytest.mark.parametrize("broken", STOPPED, ids=lambda broken: broken.name)
def test_what_cannot_be_trusted_stops_the_run_with_one_sentence_and_writes_nothing(
    shared_stores: SharedStores, broken: Broken
) -> None:
    place, said = ran(shared_stores, broken)
    message = said.refusal
    assert broken.refused in message
    assert str(place.folder) not in message
    assert not place.out.exists()
    assert not list((place.store / "history").glob("*"))
    assert place.registered() == []


@pytest.mark.parametrize("broken", WENT_ON, ids=lambda broken: broken.name)
def test_bad_rows_are_left_out_and_reported_and_the_rest_goes_on(shared_stores: SharedStores, broken: Broken) -> None:
    place, said = ran(shared_stores, broken)
    said.check_exit(DONE)
    review = place.document(W48)
    found = [(each["table"], each["reason"], each["rows"]) for each in review["data"]["rows_left_out"]]
    assert len(found) == len(broken.left_out), found
    for (table, reason, rows), (in_table, because, count) in zip(sorted(found), sorted(broken.left_out), strict=True):
        assert (table, rows) == (in_table, count)
        assert because in reason
    assert broken.holds(review)
    unusable = [reason for _, reason, _ in found if not reason.startswith(("value set to", "dated after"))]
    assert (review["data"]["share_left_out"] > 0) == bool(unusable)
    escalated = {line["account_id"] for line in review["intervention_plan"] if line["tier"] == "critical"}
    assert escalated == {"A1"}, "the sound rows count"
    for each in review["data"]["rows_left_out"]:
        assert all(len(example) < 200 for example in each["examples"])
        assert each["examples"]
        assert each["examples"][0].split()[0].endswith(".csv")


HOSTILE_COMMANDS = {
    "a mapping with a day that does not exist": (
        {"data/mapping.yaml": "tables:\n  usage:\n    exported_on: 2026-02-30\n"},
        ("check", "--data", "data", "--as-of", "2026-11-23"),
        "mapping.yaml line 3: tables.usage.exported_on: 2026-02-30 is not a date that exists",
    ),
    "decisions that are nested without end": (
        {"decisions.yaml": "review: 2026-W48\nplays: " + "[" * 100_000},
        ("review", "--data", "data", "--as-of", "2026-11-23", "--approve", "decisions.yaml"),
        "decisions.yaml line 2: plays.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0: "
        "nested more than 32 levels deep",
    ),
    "a configuration with an endless number": (
        {
            "configs/scoring.yaml": "money: " + "9" * 5000 + "\n",
            "configs/tiers.yaml": "rules: []\n",
            "configs/phrases/kinds.yaml": "read: [en]\n",
            "configs/phrases/en.yaml": "kinds: {}\n",
        },
        ("score", "--data", "data", "--as-of", "2026-11-23", "--configs", "configs"),
        "scoring.yaml line 1: money: a number of more than 18 digits; put an id in quotation marks",
    ),
    "desk settings with an alias": (
        {"configs/desk.yaml": "roles: {leader: &a [dana@example.com], viewer: *a}\n"},
        ("serve", "--configs", "configs", "--port", "0"),
        "desk.yaml line 1: roles.viewer: *a repeats another part; write it out",
    ),
    "the first day of the calendar": (
        {},
        ("review", "--data", "data", "--as-of", "0001-01-01", "--backfill", "104"),
        "--as-of 0001-01-01 is before 1990; write the day of the review, like ",
    ),
    "the last day of the calendar": (
        {},
        ("review", "--data", "data", "--as-of", "9999-12-31"),
        "--as-of 9999-12-31 is more than a year after today, ",
    ),
    "a score of the year 2199": (
        {},
        ("score", "--data", "data", "--as-of", "2199-01-01"),
        "--as-of 2199-01-01 is more than a year after today, ",
    ),
}


@pytest.mark.parametrize(("files", "arguments", "sentence"), HOSTILE_COMMANDS.values(), ids=[*HOSTILE_COMMANDS])
def test_hostile_settings_and_dates_are_refused_by_the_command_in_one_sentence(
    tmp_path: Path, files: dict[str, str], arguments: tuple[str, ...], sentence: str
) -> None:
    for name, text in {"data/accounts.csv": ACCOUNTS, "data/tickets.csv": TICKETS, **files}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    result = saveplay(*arguments, env={"SAVEPLAY_STORE": str(tmp_path / "store")}, cwd=tmp_path)
    assert result.refusal.startswith(sentence)
    assert not (tmp_path / "reviews").exists()


def test_the_first_sentence_says_that_the_data_end_long_before_the_review(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    for name, text in {
        "accounts.csv": ACCOUNTS,
        "people.csv": PEOPLE,
        "tickets.csv": TICKETS,
        "usage.csv": USAGE,
    }.items():
        (data / name).write_text(text, encoding="utf-8")
    note = "The data ends on 22 Nov 2026, 15 days before this review."

    def reviewed(day: str, week: str) -> tuple[str, str, str, dict[str, Any]]:
        result = saveplay("review", "--data", data, "--as-of", day, "--approve", "all", "--store", tmp_path / "store",
                          "--out", tmp_path / "out").check_exit(DONE)  # fmt: skip
        folder = tmp_path / "out" / week
        page, text = ((folder / name).read_text(encoding="utf-8") for name in ("review.html", "review.md"))
        return result.out, page, text, json.loads((folder / "review.json").read_text(encoding="utf-8"))

    terminal, page, text, review = reviewed("2026-12-06", "2026-W49")
    assert "The data ends on" not in terminal + page + text
    assert review["data"]["ends_note"] == ""
    terminal, page, text, review = reviewed("2026-12-07", "2026-W50")
    assert terminal.startswith(note)
    assert text.split("\n\n")[1].startswith(note)
    assert f'<div class="banner warning"><p>{note}</p></div>' in page
    assert review["briefing"]["sentences"][0] == note
    checked = saveplay("check", "--data", data, "--as-of", "2026-12-07").check_exit(DONE)
    assert checked.out.startswith(note)
