"""The limits that pages and charts state are those of the configuration that the review was made with."""

import json
import re
import shutil
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from urllib.parse import urlencode

import pytest

from app.report import render_files
from domain.review import Review
from graph.review_document import thresholds_of
from tests.desk_in_process import InProcessDesk
from tests.e2e.commands import ROOT
from tests.e2e.shared_stores import FIRST_DAY, W47, StoreFolder
from tests.sample_review import THRESHOLDS, sample_review
from tools.configuration import read_configuration

CHANGES = {
    "scoring.yaml": (
        ("at_risk_above: {value: 60,", "at_risk_above: {value: 63.7,"),
        ("{name: yellow, starts_at: 60}", "{name: yellow, starts_at: 55.5}"),
        ("{name: green, starts_at: 80}", "{name: green, starts_at: 77.7}"),
        ("velocity_alarm: {value: -0.5,", "velocity_alarm: {value: -0.37,"),
    ),
    "review.yaml": (
        ("planning_days: {value: 14,", "planning_days: {value: 11,"),
        ("red_account_limit: {value: 4,", "red_account_limit: {value: 3,"),
    ),
    "tiers.yaml": (
        ("watch_renewal_within: {value: 90,", "watch_renewal_within: {value: 83,"),
        ("critical: {days: 2,", "critical: {days: 3,"),
        ("high: {days: 7,", "high: {days: 8,"),
        ("medium: {days: 28,", "medium: {days: 26,"),
    ),
}
STATED = (
    "risk above 63.7", "red below 55.5, yellow from 55.5, green from 77.7", "falls by 0.37 points a day",
    "the coming 11 days", "can carry 3 red accounts",
    "immediate within 72 hours, urgent within 8 days, standard within 26 days", "A renewal within 83 days is watched",
)  # fmt: skip
SHIPPED = (
    "above 60", "below 60", "from 60 to the right", "yellow from 60", "green from 80", "falls by 0.5 points", "coming 14 days", "coming two weeks",
    "4 red accounts", "immediate (within 48 hours)", "Due within 48 hours", "(within 7 days)", "(within 28 days)",
    "A renewal within 90 days",
)  # fmt: skip
PAGES = ("week", "meeting", "capacity", "follow-up", "metrics", "data", "ask")


def plain(page: str) -> str:
    """The words of a page, without the texts that customers and playbooks wrote."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", page)).split())


def assert_charts_are_drawn_at_the_odd_values(page: str) -> None:
    for chart in re.findall(r'<svg class="chart history".*?</svg>', page):
        ticks = re.findall(r'text-anchor="end">([\d.]+)</text>', chart)
        assert {"0", "55.5", "77.7"} <= set(ticks)
        assert not {"60", "80"} & set(ticks)
    for spark in re.findall(r'<svg class="spark".*?</svg>', page):
        assert re.search(r'<line [^>]*y1="12.7"[^>]*class="limit"', spark)


@pytest.fixture(scope="module")
def odd(team_data: Path, tmp_path_factory: pytest.TempPathFactory) -> StoreFolder:
    """A review of the small team under a configuration of odd values."""
    root = tmp_path_factory.mktemp("thresholds")
    shutil.copytree(ROOT / "configs", root / "configs")
    for name, changes in CHANGES.items():
        text = (root / "configs" / name).read_text(encoding="utf-8")
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new)
        (root / "configs" / name).write_text(text, encoding="utf-8")
    place = StoreFolder(root / "place")
    place.review(team_data, FIRST_DAY, "--configs", root / "configs", "--backfill", "3", "--approve", "all")
    return place


@pytest.fixture(scope="module")
def odd_desk(odd: StoreFolder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcessDesk]:
    found = InProcessDesk(odd.copy_to(tmp_path_factory.mktemp("desk") / "place").store)
    yield found
    found.close()


def test_the_document_has_the_limits_of_the_configuration(odd: StoreFolder) -> None:
    assert odd.document(W47)["thresholds"] == {
        "at_risk_above": 63.7, "health_bands": [["red", 0], ["yellow", 55.5], ["green", 77.7]],
        "velocity_alarm": -0.37, "planning_days": 11, "red_account_limit": 3,
        "urgency_days": {"immediate": 3, "urgent": 8, "standard": 26}, "watch_renewal_within": 83,
    }  # fmt: skip


def test_the_sample_review_has_the_shipped_limits() -> None:
    assert thresholds_of(read_configuration(ROOT / "configs")) == THRESHOLDS


def test_the_published_pages_state_the_odd_values_and_no_shipped_ones(odd: StoreFolder) -> None:
    pages = odd.pages(W47)
    for name in ("review.html", "review.md"):
        words = plain(pages[name].decode()) if name.endswith("html") else pages[name].decode().replace("\\", "")
        assert [sentence for sentence in STATED if sentence not in words] == []
        assert "immediate (within 72 hours)" in words
    for name in ("review.html", "review.md", "managers/capacity.html", "managers/capacity.md", "standup.md"):
        words = plain(pages[name].decode())
        assert [limit for limit in SHIPPED if limit in words] == [], name
    html = pages["review.html"].decode()
    assert "at risk above 63.7" in html
    assert "at risk from 63.7 to the right" in html
    assert "Due within 72 hours" in html
    assert_charts_are_drawn_at_the_odd_values(html)
    accounts = "".join(page.decode() for name, page in pages.items() if name.startswith("accounts/"))
    assert 'class="chart history"' in accounts
    assert_charts_are_drawn_at_the_odd_values(accounts)
    assert "red is below 55.5" in pages["managers/capacity.html"].decode()
    assert "Hours are those of the coming 11 days" in pages["managers/capacity.md"].decode()


def test_the_pages_of_the_desk_state_the_odd_values_and_no_shipped_ones(
    odd: StoreFolder, odd_desk: InProcessDesk
) -> None:
    review = odd.document(W47)
    browser = odd_desk.browser(odd_desk.member("leader"))
    account = urlencode({"account": review["plays"][0]["account_id"]})
    addresses = [*PAGES, f"account?{account}", f"play?{account}"]
    pages = {address: browser.get(f"/r/{W47}/{address}").text for address in addresses}
    for address, page in pages.items():
        assert [limit for limit in SHIPPED if limit in plain(page)] == [], address
        assert_charts_are_drawn_at_the_odd_values(page)
    assert 'class="chart history"' in pages[f"account?{account}"]
    assert [sentence for sentence in STATED if sentence not in plain(pages["data"])] == []
    assert "Hours of the coming 11 days" in pages["capacity"]
    assert "more than 3 red accounts" in pages["capacity"]


def test_an_older_review_loads_and_nothing_is_stated_that_it_does_not_know() -> None:
    stored = json.loads(sample_review("closed").model_dump_json())
    del stored["thresholds"]
    older = Review.model_validate(stored)
    assert older.thresholds is None
    pages = {name: content.decode() for name, content in render_files(older).items()}
    words = plain(pages["review.html"])
    assert "at risk above" not in words
    assert 'class="zone"' not in pages["review.html"]
    assert "band-red" not in "".join(re.findall(r'<svg class="chart history".*?</svg>', "".join(pages.values())))
    assert "is watched, also when" not in words
    assert "red is below" not in pages["managers/capacity.html"]
