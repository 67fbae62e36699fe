"""Two weeks: what people say about texts in the first counts in the second, and what they mark as wrong is gone from it.

Everything is real; nothing is faked.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.commands import DONE, WAITING
from tests.e2e.shared_stores import SECOND_DAY, W47, W48, StoreFolder

BAD_INPUT = 2
BY = ("--by", "Sadia Karim", "--on", "2026-11-18")


def listed(place: StoreFolder, account: str) -> dict[str, Any]:
    return json.loads(place.run("read", account, "--json").check_exit(DONE).out)


def say(place: StoreFolder, text: dict[str, Any], statement: dict[str, Any]) -> None:
    """One text is read, one statement marked as wrong."""
    means = ("--text", text["id"], "--means", "evaluating_alternatives")
    said = place.run("read", text["account_id"], *means, *BY).check_exit(DONE).out
    assert "read by Sadia Karim on 18 Nov" in said
    place.run("read", statement["account_id"], "--wrong", statement["id"], "--reason", "A joke", *BY).check_exit(DONE)


@pytest.fixture(scope="module")
def first(team_first_week: StoreFolder) -> dict[str, Any]:
    return team_first_week.document(W47)


@pytest.fixture
def chosen(first: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """A text that nothing understood, and a statement of another account."""
    text = first["unread_texts"][0]
    statement = next(each for each in first["statements"] if each["account_id"] != text["account_id"])
    return text, statement


@pytest.mark.long
def test_what_was_said_in_one_week_counts_in_the_next_and_what_was_wrong_is_gone(
    team_first_week: StoreFolder, team_data: Path, tmp_path: Path, chosen: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    text, statement = chosen
    place = team_first_week.copy_to(tmp_path / "place")
    say(place, text, statement)
    after = listed(place, text["account_id"])
    assert text["id"] not in [each["id"] for each in after["unread"]]
    assert [(each["text_id"], each["kind"]) for each in after["readings"]] == [(text["id"], "evaluating_alternatives")]
    assert [each["statement_id"] for each in listed(place, statement["account_id"])["wrong"]] == [statement["id"]]

    scored = json.loads(place.run("score", "--data", team_data, "--as-of", SECOND_DAY, "--signals", "--json").out)
    row = next(each for each in scored if each["account_id"] == text["account_id"])
    assert row["signals"]["evaluating_alternatives"]["value"] >= 1
    place.review(team_data, SECOND_DAY, code=WAITING)
    review = place.document(W48)
    read = [each for each in review["statements"] if each["read_by"] == "person:Sadia Karim"]
    assert [(each["account_id"], each["kind"], each["read_on"]) for each in read] == [
        (text["account_id"], "evaluating_alternatives", "2026-11-18")
    ]
    assert statement["id"] not in [each["id"] for each in review["statements"]]
    assert statement["id"] not in [fact["id"] for facts in review["facts"].values() for fact in facts]
    assert (review["reading"]["texts"], review["reading"]["wrong_by_kind"]) == (1, {statement["kind"]: 1})
    pages = place.pages(W48)
    assert b"read by Sadia Karim on 18 Nov as evaluating alternatives" in b"".join(pages.values())
    asked = place.run("ask", f"why is {text['account_id']} at risk?", "--data", team_data, "--as-of", SECOND_DAY)
    assert "valuating alternatives" in asked.check_exit(DONE).out


@pytest.mark.long
def test_the_same_readings_in_another_order_give_the_same_bytes(
    team_first_week: StoreFolder, team_data: Path, tmp_path: Path, chosen: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    text, statement = chosen
    digests = []
    for name in ("one", "two"):
        place = team_first_week.copy_to(tmp_path / name)
        if name == "two":
            means = ("--text", text["id"], "--means", "budget_cut", "--by", "Dana")
            place.run("read", text["account_id"], *means).check_exit(DONE)
            place.run("read", text["account_id"], "--text", text["id"], "--undo", "--by", "Dana").check_exit(DONE)
        say(place, text, statement)
        place.review(team_data, SECOND_DAY, code=WAITING)
        digests.append(place.digests(W48))
    assert digests[0] == digests[1]


def test_the_first_week_run_again_without_what_was_said_later_is_the_same(
    team_first_week: StoreFolder, tmp_path: Path, first: dict[str, Any], chosen: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    text, _ = chosen
    place = team_first_week.copy_to(tmp_path / "place")
    place.run("read", text["account_id"], "--text", text["id"], "--means", "budget_cut", *BY).check_exit(DONE)
    place.run("read", text["account_id"], "--text", text["id"], "--undo", *BY).check_exit(DONE)
    assert listed(place, text["account_id"])["readings"] == []
    assert text["id"] in [each["id"] for each in listed(place, text["account_id"])["unread"]]
    shown = json.loads(place.run("show", W47, "--json").check_exit(DONE).out)
    assert shown["unread_texts"] == first["unread_texts"]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--means", "feature_gap"), "say what it is about: --text ID or --wrong STATEMENT"),
        (("--text", "text:0", "--means", "feature_gap"), "say who reads it: --by NAME"),
        (("--text", "text:0", *BY), "give --means KIND, or --undo"),
        (("--text", "text:0", "--means", "feature_gap", *BY), "has no text 'text:0'"),
        (("--wrong", "quote:0", *BY), "has no statement 'quote:0'"),
        (("--wrong", "quote:0", "--text", "text:0", *BY), "one at a time"),
        (("--review", "2026-W01"), "no review '2026-W01'"),
    ],
)
def test_options_that_do_not_fit_are_refused_and_say_what_to_do(
    team_first_week: StoreFolder, first: dict[str, Any], options: tuple[str, ...], reason: str
) -> None:
    said = team_first_week.run("read", first["unread_texts"][0]["account_id"], *options)
    assert reason in said.check_exit(BAD_INPUT).refusal
