"""Decisions of people: exactly the approved actions are carried out, and the store keeps who approved them."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.commands import DONE, REFUSED, WAITING, CommandResult
from tests.e2e.shared_stores import (
    NEW_DATE,
    NEW_OWNER,
    SECOND_DAY,
    UNOWNED_ACCOUNT,
    W47,
    W48,
    MeetingWishes,
    SharedStores,
    StoreFolder,
    wishes_for,
)


@pytest.fixture(scope="module")
def meeting(
    shared_stores: SharedStores, team_data: Path, team_first_week: StoreFolder
) -> tuple[StoreFolder, dict[str, CommandResult]]:
    """The meeting of the small team with all its typical mistakes, step by step in one store."""

    def make(place: StoreFolder) -> dict[str, CommandResult]:
        team_first_week.copy_to(place.folder)
        said = {"review": place.review(team_data, SECOND_DAY, code=WAITING)}
        wanted, sheet = wishes_for(place.document(W48)), place.out / W48 / "decisions.yaml"
        versions = {play["account_id"]: play["version"] for play in place.document(W48)["plays"]}
        stale = [{**each, "version": "0" * 12} for each in wanted.content["plays"]]
        read = [{**each, "version": versions.get(each["account"])} for each in wanted.content["plays"]]

        def decide(name: str, **changes: Any) -> CommandResult:
            return place.run("decide", W48, "--file", wanted.file(place.folder / f"{name}.yaml", **changes))

        said["unfilled"] = place.run("decide", W48, "--file", sheet)
        said["stale"] = decide("stale", plays=stale)
        silent = [{**each, "reason": ""} if each["decision"] in ("approve", "edit") else each for each in read]
        said["silent"] = decide("silent", plays=silent)
        said["silent rest"] = decide("silent-rest", plays=[], rest="approve")
        said["no terminal"] = place.run("decide", W48)
        said["plan"] = decide("plan", plays=read, close=None)
        said["unowned"] = decide("unowned", close={})
        said["close"] = decide("close")
        said["twice"] = decide("twice", decided_by="Somebody Else")
        return said

    return shared_stores.place("meeting", make)


def test_a_review_that_waits_says_for_what_and_how_to_answer(waiting_review: tuple[StoreFolder, CommandResult]) -> None:
    place, said = waiting_review
    assert said.code == WAITING
    assert "waiting for decisions on the plays" in said.err
    sheet = place.folder.parent / "reviews" / W48 / "decisions.yaml"
    assert f"saveplay decide {W48} --file {sheet}" in said.err
    assert sheet.exists()
    assert said.out.startswith(W48)
    assert "waiting for" not in said.out, "results on standard output, progress on standard error"


def test_while_it_waits_there_is_a_template_and_nothing_to_carry_out(
    waiting_review: tuple[StoreFolder, CommandResult],
) -> None:
    place, _ = waiting_review
    review = place.document(W48)
    template = yaml.safe_load((place.out / W48 / "decisions.yaml").read_text(encoding="utf-8"))
    waiting = {each["account_id"] for each in review["needs"]["waiting"]}
    asked = [play["account_id"] for play in review["plays"] if play["account_id"] not in waiting]
    assert [each["account"] for each in template["plays"]] == asked
    assert {each["decision"] for each in template["plays"]} == {None}
    assert review["state"] == "waiting_for_decisions"
    assert (review["actions"], review["crm_updates"], review["touchpoints"], review["decisions"]) == ([], [], [], [])
    assert place.table(W48, "actions.csv") == place.table(W48, "crm_updates.csv") == []


@pytest.mark.parametrize(
    ("case", "says"),
    [
        ("unfilled", r"decisions\.yaml line \d+: decided_by"),
        ("stale", r"TF-\d+: the play changed since it was read"),
        ("silent", r"TF-\d+: this is a hard save; say why it is worth it"),
        ("silent rest", r"rest: approve is not enough for TF-\d+"),
        ("no terminal", r"saveplay decide 2026-W48 --file .*--approve all"),
        ("unowned", rf"critical accounts without an owner: {UNOWNED_ACCOUNT}"),
        ("twice", r"2026-W48 waits for nothing: it is closed"),
    ],
)
def test_what_cannot_be_carried_out_is_refused_with_the_reason(
    meeting: tuple[StoreFolder, dict[str, CommandResult]], case: str, says: str
) -> None:
    assert re.search(says, meeting[1][case].refusal)


def test_the_close_waits_until_the_critical_account_has_an_owner(
    meeting: tuple[StoreFolder, dict[str, CommandResult]],
) -> None:
    _, said = meeting
    assert said["plan"].code == WAITING
    assert "close of the meeting" in said["plan"].err
    assert said["unowned"].code == REFUSED
    assert said["close"].code == DONE


def expected_actions(review: dict[str, Any], wanted: MeetingWishes) -> set[tuple[str, str]]:
    """Account and name of every action that was approved or said, from the pages that people read before the decision."""
    found: set[tuple[str, str]] = set()
    for play in review["plays"]:
        if play["account_id"] in (*wanted.approved, wanted.edited):
            ids = {action["id"] for phase in play["phases"] for action in phase["actions"]}
            gone = {wanted.dropped} if play["account_id"] == wanted.edited else set()
            found |= {(play["account_id"], name) for name in ids - gone}
    plays = {play["account_id"] for play in review["plays"]}
    for line in review["intervention_plan"]:
        if line["account_id"] not in plays and line["account_id"] != wanted.no_outreach:
            found.add((line["account_id"], "primary"))
    running = set(review["running"])
    lines = {line["account_id"] for line in review["intervention_plan"]}
    found.add((wanted.rejected, "primary" if wanted.rejected in lines else "look-again"))
    found |= {(wanted.deferred, "look-again"), (wanted.no_outreach, "look-again")}
    if wanted.deferred in running:
        found |= {(wanted.deferred, step["action"]) for step in review["running"][wanted.deferred]["steps"]}
    return found


def test_only_what_people_approved_is_carried_out(
    meeting: tuple[StoreFolder, dict[str, CommandResult]],
    waiting_review: tuple[StoreFolder, CommandResult],
    meeting_wishes: MeetingWishes,
) -> None:
    review = meeting[0].document(W48)
    done = {(action["account_id"], action["id"].split(".", 2)[2]) for action in review["actions"]}
    assert done == expected_actions(waiting_review[0].document(W48), meeting_wishes)
    refused = {meeting_wishes.rejected, meeting_wishes.deferred, meeting_wishes.no_outreach}
    held = [each for each in review["touchpoints"] if each["account_id"] in refused and not each["cancelled"]]
    assert {each["account_id"] for each in held} <= {meeting_wishes.deferred}, "what is put off is held on its new day"
    asked = [each for each in review["actions"] if each["account_id"] in refused and each["status"] == "open"]
    assert {each["kind"] for each in asked} == {"primary", "look_again"}, "a next step, and nothing of the play"
    assert {row["account_id"] for row in review["crm_updates"]} >= refused


def test_edits_reach_the_person_and_the_date(
    meeting: tuple[StoreFolder, dict[str, CommandResult]], meeting_wishes: MeetingWishes
) -> None:
    review = meeting[0].document(W48)
    mine = [
        a
        for a in review["actions"]
        if a["account_id"] == meeting_wishes.edited and a["playbook_action"] == meeting_wishes.moved
    ]
    assert [(action["owner_id"], action["due"]) for action in mine] == [(NEW_OWNER, NEW_DATE)]
    assert all(action["follow_up"] <= action["due"] for action in review["actions"] if action["follow_up"])
    play = next(play for play in review["plays"] if play["account_id"] == meeting_wishes.edited)
    decision = next(decision for decision in review["decisions"] if decision["subject"] == meeting_wishes.edited)
    assert play["status"] == "edited"
    assert len(decision["changes"]) == 3


def test_every_decision_is_kept_with_who_and_why(
    meeting: tuple[StoreFolder, dict[str, CommandResult]], meeting_wishes: MeetingWishes
) -> None:
    review = meeting[0].document(W48)
    kept = {decision["subject"]: decision for decision in review["decisions"]}
    assert {decision["by"] for decision in kept.values()} == {"Marguerite Oyelaran"}
    assert kept[meeting_wishes.rejected]["reason"] == "The sponsor already agreed to renew"
    assert kept[meeting_wishes.deferred]["until"] == "2026-12-07"
    assert kept["budget"]["amount"] == 5000
    assert kept["close"]["changes"] == [f"owner of {UNOWNED_ACCOUNT} is {NEW_OWNER}"]
    log = meeting[0].pages(W48)["audit.jsonl"].decode()
    assert log.count("Marguerite Oyelaran") == 2
    assert "Somebody Else" not in log


def test_the_owner_named_at_the_close_gets_the_work(meeting: tuple[StoreFolder, dict[str, CommandResult]]) -> None:
    review = meeting[0].document(W48)
    play = next(play for play in review["plays"] if play["account_id"] == UNOWNED_ACCOUNT)
    assert play["owner_id"] == NEW_OWNER
    assert [item for item in review["owners_to_assign"] if item["account_id"] == UNOWNED_ACCOUNT] == []
    mine = [action for action in review["actions"] if action["account_id"] == UNOWNED_ACCOUNT]
    assert NEW_OWNER in {action["owner_id"] for action in mine}
    assert [action["title"] for action in mine if action["owner"] == "TBD"] == []
    assert [hold["title"] for hold in review["touchpoints"] if hold["owner"] == "TBD"] == []


def test_the_plan_names_the_owner_named_at_the_close(meeting: tuple[StoreFolder, dict[str, CommandResult]]) -> None:
    review = meeting[0].document(W48)
    play = next(play for play in review["plays"] if play["account_id"] == UNOWNED_ACCOUNT)
    line = next(line for line in review["intervention_plan"] if line["account_id"] == UNOWNED_ACCOUNT)
    assert line["owner"] == play["owner"] != "TBD"


def test_the_same_decisions_in_one_file_beforehand_give_the_same_pages(
    meeting: tuple[StoreFolder, dict[str, CommandResult]], decided: StoreFolder
) -> None:
    assert decided.digests(W48) == meeting[0].digests(W48)
    assert decided.actions() == meeting[0].actions()


def test_approving_nothing_carries_out_nothing(restarted_review: tuple[StoreFolder, dict[str, CommandResult]]) -> None:
    place, said = restarted_review
    said["review"].check_exit(DONE)
    review = place.document(W47)
    assert review["state"] == "closed"
    assert len(review["plays"]) == 10
    assert (review["actions"], review["crm_updates"], review["touchpoints"]) == ([], [], [])
    assert {play["status"] for play in review["plays"]} == {"rejected"}
    assert place.table(W47, "actions.csv") == place.table(W47, "crm_updates.csv") == []
    assert not any(b"BEGIN:VEVENT" in content for content in place.pages(W47).values())


# two people, half-filled forms ---------------------------------------------------------------------------------------


def test_the_second_person_who_decides_is_told_that_it_is_too_late(
    overruled_decisions: tuple[StoreFolder, dict[str, CommandResult]],
) -> None:
    """A decision stays valid when its process was killed before it was carried out."""
    place, said = overruled_decisions
    log = [line for line in place.audit(W48) if line[0] == "decided"]
    assert (said["second"].code, [who for _, who in log if "none" in who]) == (REFUSED, []), said["second"].err
