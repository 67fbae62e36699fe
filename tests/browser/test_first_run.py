"""The first run: an empty store leads a newcomer to the first review, in a real browser, without any other help."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.served_desk import BROWSER_REQUIRED, CHROMIUM, ServedDesk, chromium, open_sign_in_link, running_desk

pytestmark = [
    pytest.mark.browser,
    pytest.mark.servers,
    pytest.mark.timeout(400),
    pytest.mark.skipif(not CHROMIUM.exists() and not BROWSER_REQUIRED, reason="Chromium is not installed"),
]
TOO_LONG = "x" * 3000
BAD_PLACES = {
    "/nowhere/at/all": "/nowhere/at/all does not exist. Give a folder",
    "/etc/hostname": "neither a folder nor a DuckDB file",
    "<script>window.stolen = 1</script>": "<script>window.stolen = 1</script> does not exist",
    "../../../../../../../../etc/ssl": "there is no accounts table",
    "a\u202eb": "This is no folder and no address of a database.",
    "postgresql://somebody:secret@127.0.0.1:1/x": "leave the password out of the URL",
    TOO_LONG: "cannot read xxx",
}
"""What somebody may name as their data, and a part of the answer."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[ServedDesk]:
    """A desk over an empty store, started in a folder of its own."""
    with running_desk(tmp_path / "store", cwd=tmp_path) as desk:
        yield desk


def fault_of(page: Any, place: str) -> str:
    page.get_by_label("Folder or address").fill(place)
    page.get_by_role("button", name="Check the data").click()
    shown: str = page.locator("[role=alert]").inner_text()
    return shown


def test_a_newcomer_gets_from_nothing_to_the_first_meeting(empty: ServedDesk, browser: Any, tmp_path: Path) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(60_000)
    page = open_sign_in_link(context, empty.leader_link)
    assert page.locator("h1").inner_text() == "There is no review in this store yet"
    commands = page.locator("main code").all_inner_texts()
    assert commands == ["saveplay demo saveplay-sample", "saveplay check --data ./exports"]
    page.get_by_role("button", name="Load the sample").click()
    page.get_by_text("11 of 11 sources are connected").wait_for()
    assert "saveplay review --data saveplay-sample/portfolio --as-of 2026-11-23 --backfill 4" in page.content()
    page.get_by_text("The sources as they were read").click()
    row = page.locator("tr", has=page.locator("th", has_text="usage"))
    assert "Aug 24, 2026" in row.locator("td[data-label='Read from']").inner_text(), "older rows are not read"
    page.get_by_label("Past weeks to fill in").fill("1")
    page.get_by_role("button", name="Start the first review").click()
    page.wait_for_url(re.compile("/r/2026-W48/week"))
    page.locator("h1", has_text="At-risk review of").wait_for(timeout=200_000)
    page.locator(".stage-deciding", has_not=page.locator(".progress")).wait_for(timeout=200_000)
    assert (tmp_path / "reviews" / "2026-W48" / "review.html").is_file()
    page.goto(empty.at)
    page.wait_for_url(re.compile("/r/2026-W48/week"))
    context.close()


def test_places_that_hold_no_data_are_told_plainly_and_nothing_is_started(
    empty: ServedDesk, browser: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "exports"
    folder.mkdir()
    (folder / "accounts.csv").write_text("account_id;name\n", encoding="utf-8")
    context = browser.new_context(java_script_enabled=False)
    context.set_default_timeout(30_000)
    with_script = browser.new_context()
    first = open_sign_in_link(with_script, empty.leader_link)
    context.add_cookies(first.context.cookies())
    page = context.new_page()
    page.goto(empty.at)
    for place, words in BAD_PLACES.items():
        shown = fault_of(page, place)
        assert "Nothing was started." in shown
        assert words in shown
        assert len(shown) < 600
    assert "accounts.csv" in fault_of(page, "exports"), "a file without a row says so"
    if os.geteuid() != 0:
        folder.chmod(0)
        assert "you have no right to use it" in fault_of(page, "exports")
        folder.chmod(0o700)
    page.get_by_label("Folder or address").fill("exports")
    page.get_by_label("Day of the review").fill("1066-10-14")
    page.get_by_role("button", name="Check the data").click()
    assert "is before 1990" in page.locator("[role=alert]").inner_text()
    assert not (tmp_path / "reviews").exists()
    with_script.close()
    context.close()


@pytest.mark.parametrize("role", ["viewer", "csm", "manager"])
def test_only_a_leader_starts_the_first_review(empty: ServedDesk, browser: Any, role: str) -> None:
    context = browser.new_context()
    context.set_default_timeout(30_000)
    page = open_sign_in_link(context, empty.link("Vera Onlooker", role))
    assert "A leader starts the first review" in page.locator("main").inner_text()
    assert page.locator("main form").count() == 0
    mark = page.locator("input[name=csrf]").first.get_attribute("value")
    for path in ("sample", "check", "start"):
        answer = page.request.post(
            f"{empty.at}/first-run/{path}", form={"csrf": mark or "", "data": "/etc", "as_of": "2026-11-23"}
        )
        assert answer.status == 403
    context.close()
