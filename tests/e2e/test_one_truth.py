"""One number has one value in every output of a review: page, Markdown, stand-up, lists, files of people."""

import csv
import io
import re
from typing import Any

import pytest

from tests.e2e.shared_stores import W48, StoreFolder

Review = dict[str, Any]


@pytest.fixture(scope="module")
def files(both_weeks: StoreFolder) -> dict[str, str]:
    return {name: content.decode("utf-8", "replace") for name, content in both_weeks.pages(W48).items()}


@pytest.fixture(scope="module")
def document(both_weeks: StoreFolder) -> Review:
    return both_weeks.document(W48)


@pytest.fixture(scope="module")
def page(files: dict[str, str]) -> str:
    """The words of the page, without its tags."""
    return " ".join(re.sub(r"<style.*?</style>|<[^>]+>", " ", files["review.html"], flags=re.DOTALL).split())


def count(text: str, pattern: str) -> int:
    """The number in the one place where a pattern stands."""
    (found,) = set(re.findall(pattern, text))
    return int(str(found).replace(",", ""))


def test_the_number_of_critical_accounts_is_the_same_everywhere(
    document: Review, files: dict[str, str], page: str
) -> None:
    critical = next(c["accounts"] for c in document["plan_counts"] if c["name"] == "critical")
    listed = [row for row in csv.DictReader(io.StringIO(files["list.csv"])) if row["priority"] == "critical"]
    assert len(listed) == critical
    assert sum(line["intervention_tier"] == "critical" for line in document["at_risk"]) == critical
    assert count(page, r"(\d+) critical, of") == critical
    assert count(page, r"Intervention plan (\d+) critical") == critical
    assert count(files["standup.md"], r"(\d+) critical accounts") == critical
    assert count(files["review.md"], r"\*\*Critical:\*\* (\d+) accounts") == critical


def test_the_arr_at_risk_and_its_accounts_are_the_same_everywhere(
    document: Review, files: dict[str, str], page: str
) -> None:
    portfolio = document["portfolio"]
    amount, accounts = f"{portfolio['arr_at_risk']:,.0f}", portfolio["at_risk_accounts"]
    for text in (page, files["review.md"], files["standup.md"]):
        assert amount in text
    assert count(files["review.md"], rf"ARR at risk \| \w+ {amount} in (\d+) accounts") == accounts
    assert count(page, r"Accounts at risk (\d+) ") == accounts
    assert sum(c["accounts"] for c in document["plan_counts"] if c["name"] != "watch") == accounts


def test_overload_counts_as_the_managers_page_counts(document: Review, files: dict[str, str], page: str) -> None:
    overloaded = sum(line["overloaded"] for line in document["capacity"])
    assert count(files["review.md"], r"(\d+) of \d+ CSMs? are over the limit") == overloaded
    if overloaded:
        assert count(page, r"(\d+) CSMs? over capacity") == overloaded
    else:
        assert "over capacity" not in page


def test_late_commitments_are_counted_once(document: Review, files: dict[str, str], page: str) -> None:
    late = sum(c["status"] in ("late", "missed") for c in document["followup"]["commitments"])
    assert count(page, r"Late commitments (\d+) ") == late
    assert count(files["review.md"], r"done, (\d+) late or missed") == late
    rows = list(csv.DictReader(io.StringIO(files["commitments.csv"])))
    assert sum(row["status"] in ("late", "missed") for row in rows) == late


def test_after_the_close_nothing_waits_for_a_decision(document: Review, files: dict[str, str]) -> None:
    assert document["state"] == "closed"
    for name, text in files.items():
        if name.endswith((".html", ".md")):
            assert not re.search(r"waits? for a decision|to decide today|waiting for the decisions", text), name


def test_every_action_stands_in_one_list_of_one_person(document: Review, files: dict[str, str]) -> None:
    lists = "".join(text for name, text in files.items() if name.startswith("actions/"))
    for action in document["actions"]:
        shown = len(re.findall(re.escape(f"{action['id']} |"), lists))
        assert shown == (action["status"] in ("open", "late", "missed")), action["id"]
