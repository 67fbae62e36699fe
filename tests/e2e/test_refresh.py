"""A daily re-score between two reviews: alerts and moves of critical accounts, and a review that it does not touch."""

# ruff: noqa: F811  (fixtures are imported by name)

import csv
import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from app.wiring import open_store
from tests.databases import LocalPostgres
from tests.desk_in_process import monday_store, own_copy  # noqa: F401  fixtures
from tests.e2e.commands import CAN_FORK, DONE, REFUSED, WAITING, CommandResult, saveplay
from tests.e2e.shared_stores import SECOND_DAY, W48, StoreFolder

KILLED = -9
TUESDAY, WEDNESDAY = "2026-11-24", "2026-11-25"


@pytest.fixture(scope="module")
def calm_account(monday_store: StoreFolder) -> str:
    """A customer of the team with a CSM who is not critical on Monday."""
    critical = {
        line["account_id"] for line in monday_store.document(W48)["intervention_plan"] if line["tier"] == "critical"
    }
    assert "TF-1010" not in critical
    return "TF-1010"


@pytest.fixture(scope="module")
def tuesday_data(team_data: Path, calm_account: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data of the team with a ticket that was escalated on Tuesday."""
    folder = tmp_path_factory.mktemp("tuesday") / "data"
    shutil.copytree(team_data, folder)
    file = folder / "tickets.csv"
    with file.open(encoding="utf-8-sig", newline="") as handle:
        rows = list(csv.DictReader(handle))
    new = dict.fromkeys(rows[0], "") | {
        "ticket_id": "T-99001", "account_id": calm_account, "opened_at": TUESDAY, "priority": "urgent", "escalated": "true",
        "sla_breached": "false", "subject": "Payroll export <b>stands still</b>", "body": "Nobody was paid today.",
    }  # fmt: skip
    with file.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, list(rows[0]))
        writer.writeheader()
        writer.writerows([*rows, new])
    return folder


def refresh(place: StoreFolder, data: Path, day: str, *more: str) -> CommandResult:
    return place.run("refresh", "--data", data, "--as-of", day, *more)


def day_files(place: StoreFolder, day: str) -> dict[str, bytes]:
    folder = place.out / "stand-up" / day
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())} if folder.exists() else {}


def day_record(place: StoreFolder, day: str) -> dict[str, Any]:
    return json.loads(day_files(place, day)["stand-up.json"])


def untouched(place: StoreFolder) -> dict[str, Any]:
    """All of a review that a refresh must leave as it is."""
    history = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (place.store / "history").glob("*")}
    tables = ("reviews", "decisions", "choices", "actions", "progress", "overrides", "proposals", "notes")
    return {
        "pages": place.pages(W48),
        "history": history,
        "rows": {table: sorted(map(str, place._rows(f"select * from {table}"))) for table in tables},
        "results": place._rows("select kind, body from documents where kind not like 'day:%' order by review_id, kind"),
    }


def refreshed(place: StoreFolder) -> list[tuple[str, str]]:
    return [entry for entry in place.audit(W48) if entry[0] == "refreshed"]


def test_an_account_that_turns_critical_between_two_mondays_is_an_alert_with_owner_and_first_step(
    monday_store: StoreFolder, tuesday_data: Path, calm_account: str, tmp_path: Path
) -> None:
    place = own_copy(monday_store, tmp_path / "place")
    before = untouched(place)
    said = refresh(place, tuesday_data, TUESDAY).check_exit(DONE)
    record = day_record(place, TUESDAY)
    (alert,) = [account for account in record["critical"] if account["new_since_look"]]
    assert alert["account_id"] == calm_account
    assert alert["new_since_review"]
    assert "A ticket was escalated" in " ".join(alert["why"])
    assert alert["owner"] != "TBD"
    assert alert["first_step"]["title"]
    assert alert["first_step"]["by"] > TUESDAY
    assert any("T-99001" in move["text"] or "stands still" in move["text"] for move in alert["moves"])
    assert f"ALERT {alert['name']}" in said.out
    page = day_files(place, TUESDAY)["stand-up.html"].decode()
    assert "<b>stands still</b>" not in page
    assert alert["first_step"]["title"] in page
    assert untouched(place) == before
    assert refreshed(place) == [("refreshed", "command line")]
    assert place.run("audit", "verify").code == DONE


def test_a_day_that_is_scored_twice_has_the_same_bytes_and_one_audit_entry(
    monday_store: StoreFolder, tuesday_data: Path, tmp_path: Path
) -> None:
    place = own_copy(monday_store, tmp_path / "place")
    refresh(place, tuesday_data, TUESDAY).check_exit(DONE)
    files, days = day_files(place, TUESDAY), place._rows("select kind, body from documents where kind like 'day:%'")
    refresh(place, tuesday_data, TUESDAY).check_exit(DONE)
    assert day_files(place, TUESDAY) == files
    assert place._rows("select kind, body from documents where kind like 'day:%'") == days
    assert len(refreshed(place)) == 1


@pytest.mark.long
def test_the_second_day_tells_what_moved_since_yesterday_and_since_monday(
    monday_store: StoreFolder, team_data: Path, tuesday_data: Path, calm_account: str, tmp_path: Path
) -> None:
    place = own_copy(monday_store, tmp_path / "place")
    refresh(place, tuesday_data, TUESDAY).check_exit(DONE)
    refresh(place, tuesday_data, WEDNESDAY).check_exit(DONE)
    record = day_record(place, WEDNESDAY)
    assert (record["last_look"], record["review_as_of"]) == (TUESDAY, SECOND_DAY)
    account = next(each for each in record["critical"] if each["account_id"] == calm_account)
    assert (account["new_since_look"], account["new_since_review"]) == (False, True), (
        "yesterday's alert is no alert today"
    )
    assert len(account["moves"]) < len(account["moves_since_review"])
    # The ticket turns out to be a mistake: the account is named as one that is no longer critical.
    refresh(place, team_data, "2026-11-26").check_exit(DONE)
    gone = day_record(place, "2026-11-26")["no_longer"]
    assert [each["account_id"] for each in gone] == [calm_account]


def test_a_day_before_the_review_or_after_the_next_one_is_refused_and_nothing_is_written(
    monday_store: StoreFolder, team_data: Path, tmp_path: Path
) -> None:
    place = own_copy(monday_store, tmp_path / "place")
    early = refresh(place, team_data, "2026-11-22").check_exit(REFUSED)
    assert "is before the newest review, 2026-W48 of 2026-11-23" in early.refusal
    late = refresh(place, team_data, "2026-12-08").check_exit(REFUSED)  # a note on the future may stand before it
    assert "is after the next review, which was due on 2026-12-07; run it first" in late.err
    assert place.stray_files() == []
    assert refreshed(place) == []
    nowhere = StoreFolder(tmp_path / "nowhere")
    assert "no review has been run" in refresh(nowhere, team_data, TUESDAY).check_exit(REFUSED).refusal
    assert not nowhere.folder.exists()


@pytest.mark.long
def test_the_next_review_is_the_same_with_and_without_the_days_between(
    monday_store: StoreFolder, team_data: Path, tuesday_data: Path, tmp_path: Path
) -> None:
    looked, not_looked = (own_copy(monday_store, tmp_path / name) for name in ("looked", "not"))
    for day in (TUESDAY, WEDNESDAY):
        refresh(looked, tuesday_data, day).check_exit(DONE)
    for place in (looked, not_looked):
        place.run("decide", W48, "--approve", "all").check_exit(DONE)
        place.review(tuesday_data, "2026-11-30", code=WAITING)
    assert looked.digests(W48) == not_looked.digests(W48)
    assert looked.digests("2026-W49") == not_looked.digests("2026-W49")
    assert day_files(looked, TUESDAY), "closing the review leaves the days alone"
    assert "is before the newest review" in refresh(looked, team_data, "2026-11-26").check_exit(REFUSED).refusal


@pytest.mark.long
@pytest.mark.skipif(not CAN_FORK, reason="counts in forked processes, on Linux only")
def test_a_refresh_killed_at_any_of_its_writes_leaves_a_whole_day_or_none(
    monday_store: StoreFolder, tuesday_data: Path, tmp_path: Path
) -> None:
    def run(place: StoreFolder, kill_at: int = 0, points: Path | None = None) -> CommandResult:
        env = {"SAVEPLAY_TESTS_KILL_AT": str(kill_at), "SAVEPLAY_TESTS_MODULE": "app.cli"}
        env |= {"SAVEPLAY_TESTS_POINTS": str(points)} if points else {}
        return saveplay("refresh", "--data", tuesday_data, "--as-of", TUESDAY, "--store", place.store, env=env)

    whole = own_copy(monday_store, tmp_path / "whole")
    run(whole, points=tmp_path / "points").check_exit(DONE)
    points = (tmp_path / "points").read_text(encoding="utf-8").splitlines()
    assert len(points) >= 4
    for number in range(1, len(points) + 1):
        place = own_copy(monday_store, tmp_path / str(number))
        assert run(place, kill_at=number).code == KILLED, points[number - 1]
        days = place._rows("select count(*) from documents where kind like 'day:%'")
        assert days == [(len(refreshed(place)),)], "the day and its audit entry are there together, or neither"
        run(place).check_exit(DONE)
        assert day_files(place, TUESDAY) == day_files(whole, TUESDAY), points[number - 1]
        assert untouched(place)["rows"] == {**untouched(whole)["rows"], "reviews": untouched(place)["rows"]["reviews"]}
        assert [path.name for path in (place.out / "stand-up").iterdir()] == [TUESDAY]
        assert len(refreshed(place)) == 1
        with open_store(str(place.store)) as session:
            assert session.store.verify_audit().faults == ()
        shutil.rmtree(place.folder)


@pytest.mark.servers
def test_a_store_in_postgresql_keeps_the_day_that_a_folder_keeps(
    postgres: LocalPostgres, monday_store: StoreFolder, team_data: Path, tuesday_data: Path, tmp_path: Path
) -> None:
    url, cache = postgres.new_database(), {"SAVEPLAY_CACHE": str(tmp_path / "copies")}
    place = StoreFolder(tmp_path / "machine")
    for day, more in (("2026-11-16", ["--approve", "all"]), (SECOND_DAY, [])):
        arguments = ["review", "--data", team_data, "--as-of", day, "--out", place.out, "--store", url, *more]
        assert saveplay(*arguments, env=cache).code in (DONE, WAITING)
    folder = StoreFolder(tmp_path / "folder")
    folder.review(team_data, "2026-11-16", "--approve", "all")
    folder.review(team_data, SECOND_DAY, code=WAITING)
    for _ in range(2):
        saveplay("refresh", "--data", tuesday_data, "--as-of", TUESDAY, "--store", url, env=cache).check_exit(DONE)
    refresh(folder, tuesday_data, TUESDAY).check_exit(DONE)
    assert day_files(place, TUESDAY) == day_files(folder, TUESDAY)
    assert saveplay("audit", "verify", "--store", url, env=cache).code == DONE
