"""The week between two Mondays at the desk: a day is scored, an alert appears, a CSM acts, and the next Monday shows it."""

# ruff: noqa: F811  (fixtures are imported by name)

import csv
import re
import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.browser.test_desk_monday import MANAGER, Room, browser, hears, says, was_not_loaded_again  # noqa: F401
from tests.desk_in_process import monday_store, own_copy  # noqa: F401  fixtures
from tests.e2e.commands import DONE
from tests.e2e.shared_stores import (  # noqa: F401  fixtures
    W48,
    StoreFolder,
    shared_stores,
    team_data,
    team_first_week,
)
from tests.served_desk import BROWSER_REQUIRED, CHROMIUM, LEADER, running_desk

pytestmark = [
    pytest.mark.browser,
    pytest.mark.servers,
    pytest.mark.timeout(400),  # a test may wait for a shared store that another worker creates
    pytest.mark.skipif(not CHROMIUM.exists() and not BROWSER_REQUIRED, reason="Chromium is not installed"),
]
CALM, TUESDAY, W49 = "TF-1010", "2026-11-24", "2026-W49"
"""An account that is not critical on Monday, and the day on which a ticket of it is escalated."""


@pytest.fixture
def decided(
    monday_store: StoreFolder, team_data: Path, browser: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Room]:
    """The desk after a Monday on which everything was approved; on Tuesday a ticket is escalated."""
    place = own_copy(monday_store, tmp_path_factory.mktemp("between") / "place")
    place.run("decide", W48, "--approve", "all").check_exit(DONE)
    data = place.folder / "data"
    shutil.copytree(team_data, data)
    with (data / "tickets.csv").open(encoding="utf-8-sig", newline="") as handle:
        columns = list(csv.DictReader(handle).fieldnames or ())
    new = dict.fromkeys(columns, "") | {
        "ticket_id": "T-99001", "account_id": CALM, "opened_at": TUESDAY, "priority": "urgent", "escalated": "true",
        "sla_breached": "false", "subject": "Payroll export stands still", "body": "Nobody was paid today.",
    }  # fmt: skip
    with (data / "tickets.csv").open("a", encoding="utf-8", newline="") as handle:
        csv.DictWriter(handle, columns).writerow(new)
    with closing(sqlite3.connect(place.store / "saveplay.db")) as connection, connection:
        connection.execute("update reviews set request = replace(request, ?, ?)", [str(team_data), str(data)])
    with running_desk(place.store) as desk:
        room = Room(desk, browser, place)
        yield room
        room.leave()


def test_three_people_get_through_the_week_between_two_mondays(decided: Room) -> None:
    at, review = decided.desk.at, decided.place.document(W48)
    owners = Counter(
        action["owner_id"] for action in review["actions"] if action["status"] == "open" and action["owner_id"]
    )
    csm = owners.most_common(1)[0][0]
    name = next(action["owner"] for action in review["actions"] if action["owner_id"] == csm)
    leader = decided.somebody(LEADER)
    manager, worker = decided.somebody(MANAGER, "manager"), decided.somebody(name, "csm", csm)
    for page in (leader, manager, worker):
        page.set_default_timeout(120_000)  # a day is scored, and a week prepared, while they wait

    # Before anybody scored a day, the page says so; a CSM can read it and cannot score one.
    worker.goto(f"{at}/r/{W48}/stand-up")
    says(worker, "No day was scored since the review")
    assert worker.get_by_role("button", name="Score the day").count() == 0
    leader.goto(f"{at}/r/{W48}/stand-up")
    hears(leader)

    # A day after the next review is refused in words; Tuesday is scored in the background, and everybody sees the alert.
    manager.goto(f"{at}/r/{W48}/stand-up")
    manager.get_by_label("Day to score").fill("2026-12-31")
    manager.get_by_role("button", name="Score the day").click()
    says(manager, "is after the next review, which was due on 2026-12-07", "body")
    manager.goto(f"{at}/r/{W48}/stand-up")
    manager.get_by_label("Day to score").fill(TUESDAY)
    manager.get_by_role("button", name="Score the day").click()
    says(manager, "1 account newly critical since 23 Nov")
    says(leader, "1 account newly critical since 23 Nov")
    assert was_not_loaded_again(leader)
    alert = manager.locator("#alerts .card")
    assert alert.count() == 1
    assert re.search(r"Why: A ticket was escalated.*First step: \w.*Owner: \w", alert.inner_text(), re.DOTALL)
    assert (decided.place.out / "stand-up" / TUESDAY / "stand-up.html").exists()
    assert ("refreshed", MANAGER) in decided.place.audit(W48)

    # The CSM does one thing and says why another one is late.
    worker.goto(f"{at}/r/{W48}/my-week")
    tasks = worker.locator("li[data-action]")
    first = tasks.first.get_attribute("data-action")
    worker.locator(f"li[data-action='{first}'] button", has_text="Done").click()
    worker.locator(f"li[data-action='{first}']").wait_for(state="detached")

    # The renewal view leads to the accounts behind a month.
    manager.goto(f"{at}/r/{W48}/renewals")
    month = manager.locator("a[href^='#renewals-']").first
    target = str(month.get_attribute("href"))
    month.click()
    assert manager.locator(f"{target} tbody tr").count() >= 1

    # The next Monday opens with what came of it, and the days between have changed nothing of the review before.
    before = decided.place.digests(W48)
    leader.goto(f"{at}/r/{W48}/week")
    leader.get_by_label("Review date").fill("2026-11-30")
    leader.get_by_role("button", name="Open it").click()
    leader.wait_for_url(re.compile(f"{W49}/week"))
    says(leader, "At-risk review of Mon 30 Nov 2026", "h1")
    leader.goto(f"{at}/r/{W49}/follow-up")
    says(leader, "What was promised before")
    assert decided.place.progress()[str(first)][0] == "done"
    assert decided.place.digests(W48) == before
    manager.goto(f"{at}/r/{W49}/stand-up")
    says(manager, "No day was scored since the review of Mon 30 Nov 2026")
    manager.goto(f"{at}/r/{W48}/stand-up")
    says(manager, "1 account newly critical since 23 Nov")
    assert manager.get_by_role("button", name="Score the day").count() == 0, "a past week is not scored again"
