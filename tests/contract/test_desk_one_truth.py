"""One number has one value on every page of the desk: three weeks with rejected, deferred, edited and running plays."""

# ruff: noqa: F811  (fixtures are imported by name)

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract.test_desk_access import plain
from tests.desk_in_process import (  # noqa: F401  fixtures
    InProcessDesk,
    meeting_decisions,
    monday_by_file,
    monday_store,
    own_copy,
)
from tests.e2e.shared_stores import W47, W48, StoreFolder, shared_stores, team_data, team_first_week  # noqa: F401  fixtures

pytestmark = pytest.mark.timeout(400)
W49, THIRD_DAY = "2026-W49", "2026-11-30"
WEEKS = (W47, W48, W49)
PAGES = ("week", "meeting", "stand-up", "follow-up", "capacity", "renewals", "metrics", "data")


@pytest.fixture(scope="module")
def three_weeks(monday_by_file: StoreFolder, team_data: Path, tmp_path_factory: pytest.TempPathFactory) -> StoreFolder:
    place = own_copy(monday_by_file, tmp_path_factory.mktemp("three") / "weeks")
    place.review(team_data, THIRD_DAY, "--approve", "all")
    return place


@pytest.fixture(scope="module")
def pages(three_weeks: StoreFolder) -> Iterator[dict[str, dict[str, str]]]:
    """The words of every page, by week and page, as a leader sees them."""
    inside = InProcessDesk(three_weeks.store)
    browser = inside.browser(inside.member("leader"))
    yield {week: {page: plain(browser.get(f"/r/{week}/{page}").text) for page in PAGES} for week in WEEKS}
    inside.close()


@pytest.fixture(params=WEEKS)
def week(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def said(pages: dict[str, str], pattern: str, on: tuple[str, ...]) -> set[str]:
    """What stands at the pattern, over all pages; each page of ``on`` has to have it."""
    found = {name: set(re.findall(pattern, text)) for name, text in pages.items()}
    assert [name for name in on if not found[name]] == [], pattern
    return set().union(*found.values())


def critical(review: dict[str, Any]) -> int:
    return int(next(count["accounts"] for count in review["plan_counts"] if count["name"] == "critical"))


def test_the_weeks_have_plays_of_every_kind(three_weeks: StoreFolder) -> None:
    kinds = {play["status"] for week in WEEKS for play in three_weeks.document(week)["plays"]}
    assert {"approved", "edited", "rejected", "deferred"} <= kinds
    assert any(play["origin"] == W47 for play in three_weeks.document(W49)["plays"]), "one runs since the first week"


def test_critical_accounts_are_as_many_on_every_page(
    pages: dict[str, dict[str, str]], three_weeks: StoreFolder, week: str
) -> None:
    review, shown = three_weeks.document(week), pages[week]
    expected = {str(critical(review))}
    assert said(shown, r"(\d+) critical, of \d+", ("week",)) == expected
    assert said(shown, r"(\d+) critical accounts; \d+ without an owner", ("meeting",)) == expected
    assert said(shown, r"at the (\d+) critical accounts", ()) <= expected
    assert sum(line["intervention_tier"] == "critical" for line in review["at_risk"]) == critical(review)


def test_accounts_and_arr_at_risk_have_one_value(
    pages: dict[str, dict[str, str]], three_weeks: StoreFolder, week: str
) -> None:
    portfolio, shown = three_weeks.document(week)["portfolio"], pages[week]
    accounts, arr = str(portfolio["at_risk_accounts"]), portfolio["arr_at_risk"]
    assert said(shown, r"Accounts at risk (\d+)", ("week",)) == {accounts}
    assert said(shown, r"ARR is at risk \(\d+%\), in (\d+) accounts", ("meeting",)) == {accounts}
    assert said(shown, r"EUR ([\d,]+) of EUR [\d,]+ ARR is at risk", ("meeting",)) == {f"{arr:,.0f}"}
    assert said(shown, r"ARR at risk EUR (\d\.\d\dm)", ("week",)) == {f"{arr / 1e6:.2f}m"}


def test_late_commitments_have_one_value(pages: dict[str, dict[str, str]], three_weeks: StoreFolder, week: str) -> None:
    followup, shown = three_weeks.document(week)["followup"], pages[week]
    late = sum(each["status"] in ("late", "missed") for each in followup["commitments"])
    if not followup["commitments"]:
        assert said(shown, r"ommitments (\d+) of \d+", ()) == set()
        return
    assert said(shown, r"ommitments (\d+) of \d+", ("week",)) == {str(late)}
    (agenda,) = said(shown, r"Commitments: ([^.]*)\.", ("meeting",))
    assert sum(int(number) for number in re.findall(r"(\d+) (?:late|missed)", agenda)) == late


def test_plays_that_wait_and_people_over_the_limit_have_one_value(
    pages: dict[str, dict[str, str]], three_weeks: StoreFolder, week: str
) -> None:
    review, shown = three_weeks.document(week), pages[week]
    over = sum(line["overloaded"] for line in review["capacity"])
    assert said(shown, r"CSMs over their limit (\d+) of \d+", ("capacity",)) == {str(over)}
    assert said(shown, r"(\d+) CSMs? over capacity", ("week",) if over else ()) == ({str(over)} if over else set())
    uncovered = said(shown, r"Critical, not covered (\d+)", ("capacity",))
    without = said(shown, r"(\d+) critical accounts? without cover", ())
    assert without <= uncovered
    assert len(uncovered) == 1


def test_after_the_close_nothing_waits_for_a_decision(
    pages: dict[str, dict[str, str]], three_weeks: StoreFolder, week: str
) -> None:
    handed_out = {str(len(three_weeks.document(week)["actions"]))}
    assert said(pages[week], r"Closed\. (\d+) actions handed out", PAGES) == handed_out
    assert said(pages[week], r"This week's actions (\d+)", ("follow-up",)) == handed_out
    assert said(pages[week], r"\b(\d+) undecided", ()) <= {"0"}
    for text in pages[week].values():
        assert not re.search(r"waits? for a decision|to decide today|still undecided", text, re.IGNORECASE)
