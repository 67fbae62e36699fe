"""Running plays over four weeks: they say where they stand, and no decision loses or doubles an open action.

The small team decides in week 48: one play continues, one is stopped, one is deferred, one account's new play is rejected
and one is deferred. Week 49 brings a new fact for the play that continues. In week 50 the deferred plays come back.
"""

import csv
import io
import json
import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.commands import DONE, WAITING, CommandResult
from tests.e2e.shared_stores import SECOND_DAY, W47, W48, WORTH_IT, SharedStores, StoreFolder

THIRD_DAY, FOURTH_DAY = "2026-11-30", "2026-12-07"
W49, W50 = "2026-W49", "2026-W50"
pytestmark = pytest.mark.long


@dataclass(frozen=True)
class Weeks:
    """The store after the fourth week waits for decisions, with the accounts of each decision of week 48."""

    place: StoreFolder
    continued: str
    stopped: str
    deferred: str
    new_rejected: str
    new_deferred: str
    before: dict[str, Any]
    """Week 48 while it waited for decisions."""

    def review(self, review_id: str) -> dict[str, Any]:
        return self.place.document(review_id)

    def rows(self, review_id: str, name: str) -> list[dict[str, str]]:
        return self.place.table(review_id, name)


def decisions(review_id: str, plays: list[dict[str, Any]], **more: Any) -> str:
    content = {"review": review_id, "decided_by": "Marguerite Oyelaran", "others": "approve", "budget": 5000}
    return yaml.safe_dump({**content, "plays": plays, "close": {"owners": {"TF-1268": "P-19"}}, **more})


@pytest.fixture(scope="module")
def weeks(shared_stores: SharedStores, team_data: Path, team_first_week: StoreFolder) -> Weeks:
    def make(place: StoreFolder) -> dict[str, CommandResult]:
        team_first_week.copy_to(place.folder)
        data = place.folder / "data"
        shutil.copytree(team_data, data)
        first = next(row for row in place.table(W47, "actions.csv") if row["kind"] == "play")
        place.run("done", first["id"], "--on", "2026-11-16", "--note", "They want a date", "--by", "Ines").check_exit(
            DONE
        )
        place.review(data, SECOND_DAY, code=WAITING)
        before = place.document(W48)
        running = [account for account in before["running"] if account != first["account_id"]]
        new = [play["account_id"] for play in before["plays"] if play["account_id"] not in before["running"]]
        named = {
            first["account_id"]: {"decision": "continue"},
            running[0]: {"decision": "stop", "reason": "Their new CFO asked for a pause"},
            running[1]: {"decision": "defer", "until": FOURTH_DAY, "reason": "Year-end freeze"},
            new[0]: {"decision": "reject", "reason": "The sponsor renewed by phone"},
            new[1]: {"decision": "defer", "until": FOURTH_DAY},
        }
        plays = [{"account": account, **said} for account, said in named.items()]
        plays += [
            {"account": play["account_id"], "decision": "approve", "reason": WORTH_IT}
            for play in before["plays"]
            if play["account_id"] not in named
        ]
        file = place.folder / "w48.yaml"
        file.write_text(decisions(W48, plays), encoding="utf-8")
        place.run("decide", W48, "--file", file).check_exit(DONE)
        with (data / "notes.csv").open("a", encoding="utf-8") as notes:
            header = next(csv.reader(io.StringIO((data / "notes.csv").read_text(encoding="utf-8"))))
            cells = {
                "account_id": first["account_id"], "date": "2026-11-26", "author": "Sadia Karim", "author_id": "P-12",
                "text": "A new CFO started on Monday and reviews every contract with us.",
            }  # fmt: skip
            csv.writer(notes, lineterminator="\n").writerow([cells.get(name, "") for name in header])
        place.review(data, THIRD_DAY, code=WAITING)
        plays = [{"account": first["account_id"], "decision": "change", "reason": WORTH_IT}]
        file.write_text(decisions(W49, plays, rest="reject"), encoding="utf-8")
        place.run("decide", W49, "--file", file).check_exit(DONE)
        place.review(data, FOURTH_DAY, code=WAITING)
        chosen = [first["account_id"], *running[:2], *new[:2]]
        return {"said": CommandResult(DONE, json.dumps({"accounts": chosen, "before": before}), "")}

    place, kept = shared_stores.place("running-plays", make)
    said = json.loads(kept["said"].out)
    return Weeks(place, *said["accounts"], said["before"])


def open_ids(review: dict[str, Any], account: str) -> set[str]:
    return {step["id"] for step in review["running"][account]["steps"] if step["state"] in ("open", "late")}


def actions(review: dict[str, Any], account: str) -> list[dict[str, Any]]:
    return [action for action in review["actions"] if action["account_id"] == account]


def crm(review: dict[str, Any], account: str) -> dict[str, str]:
    return {row["field"]: row["value"] for row in review["crm_updates"] if row["account_id"] == account}


def test_a_running_play_says_what_was_done_with_its_note_and_what_is_next(weeks: Weeks) -> None:
    standing = weeks.before["running"][weeks.continued]
    done = [step for step in standing["steps"] if step["state"] == "done"]
    assert [(step["done_on"], step["note"]) for step in done] == [("2026-11-16", "They want a date")]
    assert standing["proposal"] == "continue"
    assert "1 of " in standing["why"]
    page = next(
        p
        for name, p in weeks.place.pages(W48).items()
        if name.startswith("plays/") and weeks.continued.lower() in name.lower()
    )
    assert "They want a date" in page.decode()


def test_continue_keeps_every_id_owner_and_date(weeks: Weeks) -> None:
    now = {action["id"]: action for action in actions(weeks.review(W48), weeks.continued)}
    then = {action["id"]: action for action in actions(weeks.review(W47), weeks.continued)}
    assert set(now) == set(then)
    parts = ("owner", "due", "title", "action", "purpose")
    assert {i: [a[part] for part in parts] for i, a in now.items()} == {
        i: [a[part] for part in parts] for i, a in then.items()
    }


def test_what_happens_to_open_actions_is_said_before_anybody_decides(weeks: Weeks) -> None:
    said = weeks.before["consequences"][weeks.stopped]
    count = len(open_ids(weeks.before, weeks.stopped))
    assert said["reject"].startswith(f"{count} open actions are closed with your reason")
    assert "The primary action stays: " in said["reject"]
    assert f"{count} open actions wait until that day" in said["defer"]
    assert "The primary action stays: " in weeks.before["consequences"][weeks.new_rejected]["reject"]


def test_a_stopped_play_closes_its_open_actions_with_the_reason_and_keeps_the_primary_action(weeks: Weeks) -> None:
    review = weeks.review(W48)
    closed = {each["id"]: each for each in review["closed_actions"] if each["account_id"] == weeks.stopped}
    assert set(closed) == open_ids(weeks.before, weeks.stopped)
    assert {each["note"] for each in closed.values()} == {
        "Stopped by Marguerite Oyelaran: Their new CFO asked for a pause"
    }
    assert [each["kind"] for each in actions(review, weeks.stopped)] == ["primary"]
    assert crm(review, weeks.stopped)["Save_Play_Status"] == "rejected"
    assert crm(review, weeks.stopped)["Next_Action_Due"] == actions(review, weeks.stopped)[0]["due"]
    listed = {row["id"]: row for row in weeks.rows(W48, "actions.csv")}
    assert {listed[each]["status"] for each in closed} == {"dropped"}
    calendars = b"".join(page for name, page in weeks.place.pages(W48).items() if name.endswith(".ics"))
    spoken = [each for each in closed.values() if each["channel"] in ("call", "meeting")]
    assert calendars.count(b"STATUS:CANCELLED") >= len(spoken)
    late = weeks.review(W49)["followup"]["commitments"]
    assert not [each for each in late if each["action_id"] in closed], "and nobody is asked about them again"


def test_open_actions_of_a_deferred_play_move_and_are_not_late_the_next_week(weeks: Weeks) -> None:
    was, review = weeks.review(W47), weeks.review(W48)
    waiting = {each["id"]: each for each in actions(review, weeks.deferred) if each["status"] == "deferred"}
    assert set(waiting) == open_ids(weeks.before, weeks.deferred)
    assert min(each["due"] for each in waiting.values()) >= FOURTH_DAY
    assert {each["deferred_until"] for each in waiting.values()} == {FOURTH_DAY}
    old = {each["id"]: each["due"] for each in actions(was, weeks.deferred)}
    assert all(each["due"] > old[each["id"]] for each in waiting.values())
    next_week = {each["action_id"]: each["status"] for each in weeks.review(W49)["followup"]["commitments"]}
    assert {next_week[each] for each in waiting} == {"deferred"}
    assert weeks.deferred not in {play["account_id"] for play in weeks.review(W49)["plays"]}
    again = {each["id"] for each in actions(weeks.review(W49), weeks.deferred)}
    assert again >= set(waiting), "the third week lists them again"


@pytest.mark.parametrize("review_id", [W48, W49])
def test_whatever_was_rejected_or_deferred_has_an_owner_a_next_step_a_date_and_a_crm_row(
    weeks: Weeks, review_id: str
) -> None:
    review = weeks.review(review_id)
    left = {weeks.deferred, weeks.new_deferred} | ({weeks.stopped, weeks.new_rejected} if review_id == W48 else set())
    for account in sorted(left):
        steps = [each for each in actions(review, account) if each["kind"] in ("primary", "look_again")]
        assert len(steps) == 1, account
        assert steps[0]["owner"]
        assert steps[0]["due"] > review["as_of"]
        fields = crm(review, account)
        assert fields["Save_Play_Status"] in ("rejected", "deferred")
        assert fields["Next_Action_Due"]
    kinds = {each["account_id"]: each["kind"] for each in review["actions"] if each["kind"] == "look_again"}
    assert {weeks.deferred, weeks.new_deferred} <= set(kinds)
    agenda = " ".join(point for item in review["next_agenda"] for point in item["points"])
    assert agenda.count("deferred") >= 2


def test_a_new_decisive_fact_proposes_a_changed_play_and_says_which(weeks: Weeks) -> None:
    standing = weeks.review(W49)["running"][weeks.continued]
    assert standing["proposal"] == "change"
    assert "A new CFO started on Monday" in standing["why"]
    assert standing["adds"]
    assert any("A new CFO started on Monday" in move["text"] for move in standing["moves"])


def test_a_changed_play_keeps_the_ids_of_steps_that_stay_and_closes_the_others(weeks: Weeks) -> None:
    review = weeks.review(W49)
    mine = {each["id"] for each in actions(review, weeks.continued)}
    before = open_ids(review, weeks.continued)
    closed = {each["id"] for each in review["closed_actions"] if each["account_id"] == weeks.continued}
    assert before == (before & mine) | closed
    assert not mine & closed
    assert {each.split(".")[0] for each in mine} <= {W47, W49}
    assert len({each["playbook_action"] for each in actions(review, weeks.continued)}) == len(mine), (
        "nothing is doubled"
    )


def test_a_play_that_nobody_named_goes_on(weeks: Weeks) -> None:
    review = weeks.review(W49)
    decided = {each["subject"]: each for each in review["decisions"]}
    gone_on = [account for account in review["running"] if decided[account]["decision"] == "continue"]
    assert gone_on
    for account in gone_on:
        assert open_ids(review, account) <= {each["id"] for each in actions(review, account)}


def test_deferred_plays_come_back_on_their_day(weeks: Weeks) -> None:
    review = weeks.review(W50)
    back = {play["account_id"] for play in review["plays"]}
    assert {weeks.deferred, weeks.new_deferred} <= back
    standing = review["running"][weeks.deferred]
    assert standing["why"].startswith("Back today: deferred by Marguerite Oyelaran on 23 Nov.")
    assert not [step for step in standing["steps"] if step["state"] in ("late", "deferred")]
    assert {step["id"].split(".")[0] for step in standing["steps"]} == {W47}


def test_no_open_action_is_lost_or_doubled_over_the_weeks(weeks: Weeks) -> None:
    for review_id in (W48, W49):
        review = weeks.review(review_id)
        ids = Counter(each["id"] for each in (*review["actions"], *review["closed_actions"]))
        assert max(ids.values()) == 1
        for account in review["running"]:
            assert open_ids(review, account) <= set(ids), account
