"""A week run again: open, chosen, decided, closed, on another day, on other data. Nothing that people decided is lost
without a word, and nothing is compared with itself."""

import json
import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.desk_in_process import InProcessDesk, monday_store, own_copy  # noqa: F401  fixture
from tests.e2e.commands import DONE, WAITING, CommandResult, saveplay
from tests.e2e.shared_stores import (
    SECOND_DAY,
    UNOWNED_ACCOUNT,
    W47,
    W48,
    MeetingWishes,
    SharedStores,
    StoreFolder,
    read_csv_rows,
    write_csv_rows,
)

pytestmark = pytest.mark.long

NEXT_WEEK, W49 = "2026-11-30", "2026-W49"


def run_again(place: StoreFolder, data: Path, day: str = SECOND_DAY, *more: str, code: int = WAITING) -> CommandResult:
    return place.review(data, day, "--again", *more, code=code)


def choose(place: StoreFolder, decisions: list[dict[str, Any]]) -> None:
    """Make choices at the desk, without recording them."""
    inside = InProcessDesk(place.store)
    program = inside.token_client(inside.member("leader"))
    for decision in decisions:
        answer = program.post(f"/api/v1/reviews/{W48}/choices", json={"decision": decision})
        assert answer.status_code == 200, answer.text
    inside.close()


def choices(place: StoreFolder) -> dict[str, tuple[str, str]]:
    """The pending choices as the desk shows them: decision and person, by account."""
    inside = InProcessDesk(place.store)
    answer = inside.token_client(inside.member("leader")).get(f"/api/v1/reviews/{W48}/choices").json()
    inside.close()
    return {account: (each["decision"]["decision"], each["by"]) for account, each in answer["choices"].items()}


def log(place: StoreFolder, what: str) -> list[dict[str, Any]]:
    """The facts of the audit entries of W48 that say this, oldest first."""
    with closing(sqlite3.connect(place.store / "saveplay.db")) as connection:
        rows = connection.execute(
            "select facts, who from audit where review_id = ? and what = ? order by seq", (W48, what)
        )
        return [{**json.loads(facts), "who": who} for facts, who in rows]


def said_of(wishes: MeetingWishes, place: StoreFolder) -> list[dict[str, Any]]:
    versions = {play["account_id"]: play["version"] for play in place.document(W48)["plays"]}
    return [
        {
            "reason": "Worth it",
            **each,
            **({"version": versions[each["account"]]} if each["account"] in versions else {}),
        }
        for each in wishes.content["plays"]
    ]


@pytest.fixture
def open_week(monday_store: StoreFolder, tmp_path: Path) -> StoreFolder:  # noqa: F811
    """The second week, waiting for decisions."""
    return own_copy(monday_store, tmp_path / "week")


def test_an_open_week_may_be_run_again_and_is_compared_with_the_week_before(
    open_week: StoreFolder, team_data: Path
) -> None:
    before = open_week.digests(W48)
    open_week.review(team_data, SECOND_DAY, code=WAITING)
    assert open_week.digests(W48) == before
    assert open_week.document(W48)["previous_review_id"] == W47


@pytest.fixture(scope="module")
def chosen_week(
    shared_stores: SharedStores,
    team_data: Path,
    monday_store: StoreFolder,  # noqa: F811
    meeting_wishes: MeetingWishes,
) -> tuple[StoreFolder, dict[str, CommandResult]]:
    """The second week with choices about every play: a daily job runs into it, then it is run again on purpose."""

    def make(place: StoreFolder) -> dict[str, CommandResult]:
        own_copy(monday_store, place.folder)
        choose(place, said_of(meeting_wishes, place))
        go = place.review_arguments(team_data, SECOND_DAY)
        said = {"daily": saveplay(*go), "unattended": saveplay(*go, "--approve", "all")}
        return {**said, "again": run_again(place, team_data)}

    return shared_stores.place("chosen-again", make)


def test_a_daily_job_does_not_take_the_choices_of_an_open_meeting(
    chosen_week: tuple[StoreFolder, dict[str, CommandResult]], meeting_wishes: MeetingWishes
) -> None:
    said, count = chosen_week[1], len(meeting_wishes.content["plays"])
    expected = f"{W48} has {count} choices; add --again to run it anew; choices on unchanged plays are carried over"
    assert said["daily"].refusal == expected
    assert said["unattended"].refusal == expected


def test_choices_about_unchanged_plays_are_there_in_the_new_run(
    chosen_week: tuple[StoreFolder, dict[str, CommandResult]], meeting_wishes: MeetingWishes
) -> None:
    place, said = chosen_week
    wanted = {each["account"]: each["decision"] for each in meeting_wishes.content["plays"]}
    assert {account: decision for account, (decision, _) in choices(place).items()} == wanted
    assert f"{W48} is run anew; it had {len(wanted)} choices" in said["again"].err
    (entry,) = log(place, "started again")
    assert set(entry["choices"]) == set(wanted)
    assert log(place, "carried over")[0]["asked_again"] == []


def test_choices_about_plays_that_other_data_changed_are_asked_again(
    open_week: StoreFolder, team_data: Path, meeting_wishes: MeetingWishes, tmp_path: Path
) -> None:
    choose(open_week, said_of(meeting_wishes, open_week))
    changed = meeting_wishes.approved[1]
    data = shutil.copytree(team_data, tmp_path / "other")
    header, rows = read_csv_rows(data / "accounts.csv")
    at = header.index("arr")
    write_csv_rows(
        data / "accounts.csv",
        header,
        [[*row[:at], str(float(row[at]) + 10) if row[0] == changed else row[at], *row[at + 1 :]] for row in rows],
    )
    run_again(open_week, data)
    assert set(choices(open_week)) == {each["account"] for each in meeting_wishes.content["plays"]} - {changed}
    assert log(open_week, "carried over")[0]["asked_again"] == [changed]


def test_a_decided_week_that_is_run_again_keeps_its_decisions_as_choices(
    open_week: StoreFolder, team_data: Path, meeting_wishes: MeetingWishes, tmp_path: Path
) -> None:
    plays = {play["account_id"] for play in open_week.document(W48)["plays"]}
    unnamed = next(each["account"] for each in meeting_wishes.content["plays"] if each["account"] in plays)
    named = [each for each in meeting_wishes.content["plays"] if each["account"] != unnamed]
    file = meeting_wishes.file(tmp_path / "decisions.yaml", plays=named, rest="reject", close=None)
    open_week.run("decide", W48, "--file", file).check_exit(WAITING)
    decided = log(open_week, "decided")[0]
    rest = "continue" if unnamed in open_week.document(W48)["running"] else "reject"
    wanted = {**{each["account"]: each["decision"] for each in named}, unnamed: rest}
    assert {each["account"]: each["after"]["decision"] for each in decided["changes"]} == wanted
    refused = saveplay(*open_week.review_arguments(team_data, SECOND_DAY)).refusal
    actions = len(open_week.document(W48)["actions"])
    assert refused.startswith(f"{W48} has {len(plays)} decisions and ")
    assert actions > 0
    assert "approved actions; add --again" in refused
    run_again(open_week, team_data)
    assert choices(open_week) == {account: (decision, "Marguerite Oyelaran") for account, decision in wanted.items()}


@pytest.fixture(scope="module")
def closed_week(
    shared_stores: SharedStores, team_data: Path, team_second_week: StoreFolder, meeting_wishes: MeetingWishes
) -> tuple[StoreFolder, dict[str, CommandResult]]:
    """A closed week: refused, run again two days later, decided otherwise; then the week after."""

    def make(place: StoreFolder) -> dict[str, CommandResult]:
        own_copy(team_second_week, place.folder)
        go = place.review_arguments(team_data, SECOND_DAY, "--approve", "all")
        said = {"refused": saveplay(*go)}
        began = next(each for each in place.document(W48)["actions"] if each["id"].startswith(W48) and each["phase"])
        done = next(each for each in place.document(W48)["actions"] if each["review_id"] == W48)["id"]
        place.run("done", done, "--on", "2026-11-24").check_exit(DONE)
        said["again"] = run_again(place, team_data, "2026-11-25")
        approved = [action for action, review_id, _ in place.actions() if review_id == W48]
        (place.folder / "first.json").write_text(json.dumps([done, began["account_id"], *approved]))
        reject = {"account": began["account_id"], "decision": "reject", "reason": "They renewed"}
        unowned = {"owners": {UNOWNED_ACCOUNT: "P-19"}}
        others = [
            {"account": each["account_id"], "decision": "approve", "reason": "Worth it"}
            for each in place.document(W48)["plays"]
            if each["account_id"] != began["account_id"]
        ]
        file = meeting_wishes.file(place.folder / "d.yaml", plays=[reject, *others], close=unowned)
        said["decided"] = place.run("decide", W48, "--file", file)
        place.review(team_data, NEXT_WEEK, code=WAITING)
        return said

    return shared_stores.place("closed-again", make)


def test_a_retried_job_does_not_take_the_decisions_of_a_closed_week(
    closed_week: tuple[StoreFolder, dict[str, CommandResult]],
) -> None:
    refused = closed_week[1]["refused"].refusal
    assert re.match(rf"{W48} has \d+ decisions and ", refused)
    assert "(closed on 20" in refused
    assert "add --again to run it anew" in refused


def test_a_week_run_again_on_another_day_is_not_compared_with_itself(
    closed_week: tuple[StoreFolder, dict[str, CommandResult]], team_second_week: StoreFolder
) -> None:
    document = closed_week[0].document(W48)
    assert document["as_of"] == "2026-11-25"
    assert document["previous_review_id"] == W47
    first = {each["action_id"] for each in team_second_week.document(W48)["followup"]["commitments"]}
    again = {each["action_id"] for each in document["followup"]["commitments"]}
    assert again == first, "what the week itself had approved is no commitment of an earlier week"


def test_the_week_after_follows_up_what_was_approved_again_and_says_what_was_dropped(
    closed_week: tuple[StoreFolder, dict[str, CommandResult]],
) -> None:
    place, said = closed_week
    said["decided"].check_exit(DONE)
    done, rejected, *first = json.loads((place.folder / "first.json").read_text())
    now = {each["id"] for each in place.document(W48)["actions"]}
    followed = {each["action_id"]: each["status"] for each in place.document(W49)["followup"]["commitments"]}
    own = {action for action in first if action.startswith(W48)} - {done}  # done before the day of the new run
    assert own <= set(followed), "nothing that people had approved is forgotten"
    dropped = own - now
    assert {action for action in dropped if rejected in action}
    assert {followed[action] for action in dropped} == {"dropped"}
    assert {action for entry in log(place, "dropped actions") for action in entry["actions"]} >= dropped


def test_what_was_replaced_is_in_the_audit_log(closed_week: tuple[StoreFolder, dict[str, CommandResult]]) -> None:
    entries = log(closed_week[0], "started again")
    assert re.match(r"\d+ decisions and ", entries[0]["replaced"])
    assert set(entries[0]["decisions"]) == {"plan", "close"}
    assert entries[0]["actions"]


def test_each_week_has_one_line_in_the_history_of_an_account(
    closed_week: tuple[StoreFolder, dict[str, CommandResult]],
) -> None:
    said = json.loads(closed_week[0].run("history", "TF-1052", "--json").check_exit(DONE).out)
    weeks = [week["review_id"] for week in (said["weeks"] if isinstance(said, dict) else said)]
    assert weeks == [W47, W48, W49]
