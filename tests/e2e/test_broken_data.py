"""Ten folders with export faults: the run stops with one sentence and writes nothing, or only bad rows are left out."""

from collections.abc import Callable
from dataclasses import dataclass
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
