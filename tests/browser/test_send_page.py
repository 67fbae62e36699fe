"""The page with what the team's tools would get, in a browser: read by everybody, on a phone, and released by its button."""

# ruff: noqa: F811  (fixtures are imported by name)

from pathlib import Path
from typing import Any

import pytest

from tests.browser.test_desk_care import looked_at
from tests.e2e.shared_stores import StoreFolder, shared_stores, team_data  # noqa: F401  fixtures
from tests.e2e.test_desk_release import PAGE, closed, there  # noqa: F401  fixtures
from tests.receivers import SECRETS, Receivers
from tests.served_desk import BROWSER_REQUIRED, CHROMIUM, chromium, open_sign_in_link, running_desk

pytestmark = [
    pytest.mark.browser,
    pytest.mark.servers,
    pytest.mark.timeout(400),
    pytest.mark.skipif(not CHROMIUM.exists() and not BROWSER_REQUIRED, reason="Chromium is not installed"),
]


@pytest.mark.parametrize("has_script", [True, False])
def test_the_leader_reads_and_releases_in_a_browser_with_and_without_a_script(
    has_script: bool, closed: StoreFolder, there: Receivers
) -> None:
    axe_playwright_python = pytest.importorskip("axe_playwright_python")
    axe = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
    with running_desk(closed.store, env=SECRETS) as served, chromium() as browser:
        context = browser.new_context(java_script_enabled=has_script)
        page: Any = open_sign_in_link(context, served.leader_link)
        if has_script:
            look = looked_at(page, served.at + PAGE, axe)
            found = (look.axe, look.hard_to_read, look.too_wide, look.noise, look.unseen, look.foreign)
            assert found == ([], [], [], [], [], [])
        page.goto(served.at + PAGE)
        page.get_by_role("button", name="Release and send").click()
        page.wait_for_load_state()
        for _ in range(60):
            if page.get_by_text("need a person").count() and not page.get_by_text("in the background").count():
                break
            page.wait_for_timeout(500)
            if not has_script:
                page.goto(served.at + PAGE)
        page.get_by_role("link", name="Show what to do").click()
        page.wait_for_load_state()
        assert page.locator("tbody tr", has_text="Correct what the receiver names").count() > 0
        context.close()
    assert set(there.created.values()) == {1}
