"""The leader sees at the desk what the team's tools would get, releases exactly that, and sees what became of each item."""

import os
import re
import shutil
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from html import unescape
from pathlib import Path

import pytest
import yaml

from tests.e2e.commands import DONE, ROOT, saveplay
from tests.e2e.shared_stores import SECOND_DAY, W48, SharedStores, StoreFolder
from tests.receivers import SECRETS, Receivers, outbox_yaml, serve_receivers
from tests.served_desk import LEADER, ServedClient, csrf_token, running_desk, sign_in_by_link, start_desk

pytestmark = pytest.mark.servers

NAMES = ("webhook", "calendar", "hubspot", "slack", "asana")
PLAN = re.compile(r'name="plan" value="([0-9a-f]{16})"')
PAGE = f"/r/{W48}/send"
PATIENCE_SECONDS = 180


@pytest.fixture
def there() -> Iterator[Receivers]:
    with serve_receivers() as receivers:
        yield receivers


@pytest.fixture
def closed(tmp_path: Path, shared_stores: SharedStores, team_data: Path, there: Receivers) -> StoreFolder:
    """A closed week of the small team, with all receivers on; one company is missing in HubSpot."""

    def make(place: StoreFolder) -> None:
        shutil.copytree(ROOT / "configs", place.folder / "configs")
        (place.folder / "configs" / "outbox.yaml").write_text(yaml.safe_dump(outbox_yaml("http://127.0.0.1:9", *NAMES)))
        place.review(team_data, SECOND_DAY, "--configs", place.folder / "configs", "--approve", "all")

    place = shared_stores.place("closed-with-receivers", make)[0].copy_to(tmp_path / "place")
    configs = place.folder / "configs"
    (configs / "outbox.yaml").write_text(yaml.safe_dump(outbox_yaml(there.url, *NAMES, deadline=60)))
    with closing(sqlite3.connect(place.store / "saveplay.db")) as database, database:
        old = str(shared_stores.root / "closed-with-receivers")
        database.execute("update reviews set request = replace(request, ?, ?)", [old, str(place.folder)])
    accounts = sorted({update["account_id"] for update in place.document(W48)["crm_updates"]})
    there.companies = {account: {} for account in accounts[1:]}
    return place


def wait_for(client: ServedClient, is_so: Callable[[str], bool]) -> str:
    """The page as soon as it says something."""
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        page = unescape(client.get(PAGE).text)
        if is_so(page):
            return page
        time.sleep(0.1)
    raise AssertionError(page[-3000:])


def test_the_leader_releases_what_was_shown_and_sees_what_needs_a_person(closed: StoreFolder, there: Receivers) -> None:
    with running_desk(closed.store, env=SECRETS) as served:
        leader = sign_in_by_link(served.leader_link)
        page = leader.get(PAGE).text
        [shown] = PLAN.findall(page)
        said = saveplay("push", W48, "--store", closed.store, env=SECRETS).check_exit(DONE).out
        assert f"--send --plan {shown}" in said, "the desk and the command line show one plan"
        mark = csrf_token(page)

        refused = leader.post(PAGE, data={"csrf": mark, "plan": "0" * 16})
        assert refused.status_code == 409
        assert "read what stands now" in refused.text
        foreign = leader.post(PAGE, data={"csrf": "another session", "plan": shown})
        assert foreign.status_code == 403
        assert there.calls == [], "nothing leaves without the release of what was shown"

        assert leader.post(PAGE, data={"csrf": mark, "plan": shown}).status_code == 303
        page = wait_for(leader, lambda page: "need a person" in page and "Sending in the background" not in page)
        assert set(there.created.values()) == {1}
        assert "no company with account_id" in page
        assert "Correct what the receiver names" in page
        assert len(there.asana) == len(closed.document(W48)["actions"])

        missing = next(
            iter({each["account_id"] for each in closed.document(W48)["crm_updates"]} - set(there.companies))
        )
        there.companies[missing] = {}  # a person makes the company
        [rest] = PLAN.findall(leader.get(PAGE).text)
        assert leader.post(PAGE, data={"csrf": mark, "plan": rest}).status_code == 303
        wait_for(leader, lambda page: "Everything is there as decided" in page)
        assert set(there.created.values()) == {1}
        assert there.companies[missing]
        assert not any(secret in page for secret in SECRETS.values())
        leader.close()
    for path in closed.folder.rglob("*"):
        if path.is_file():
            assert not any(secret.encode() in path.read_bytes() for secret in SECRETS.values()), path
    events = closed._rows("select who, facts from audit where what = 'released' order by seq")
    assert [who for who, _ in events] == [LEADER, LEADER]
    assert all('"way": "desk"' in facts for _, facts in events)


def test_a_desk_that_is_killed_while_it_sends_goes_on_after_its_start(closed: StoreFolder, there: Receivers) -> None:
    accounts = {update["account_id"] for update in closed.document(W48)["crm_updates"]}
    there.companies = {account: {} for account in accounts}
    desk = start_desk(closed.store, env=SECRETS)
    leader = sign_in_by_link(desk.leader_link)
    page = leader.get(PAGE).text
    assert leader.post(PAGE, data={"csrf": csrf_token(page), "plan": PLAN.findall(page)[0]}).status_code == 303
    until = time.monotonic() + PATIENCE_SECONDS
    while there.writes < 5 and time.monotonic() < until:
        time.sleep(0.01)
    os.kill(desk.process.pid, signal.SIGKILL)
    desk.stop()
    leader.close()
    sent = there.writes
    with running_desk(closed.store, env=SECRETS) as served:
        leader = sign_in_by_link(served.leader_link)
        wait_for(leader, lambda page: "Everything is there as decided" in page)
        leader.close()
    assert there.writes > sent, "it was killed before the end"
    assert set(there.created.values()) == {1}
    with closing(sqlite3.connect(closed.store / "saveplay.db")) as database:
        assert database.execute("select count(*) from audit where what = 'released'").fetchone() == (1,)


def test_without_a_token_nothing_is_released_and_the_variable_is_named(closed: StoreFolder, there: Receivers) -> None:
    with running_desk(closed.store) as served:
        leader = sign_in_by_link(served.leader_link)
        page = leader.get(PAGE).text
        said = leader.post(PAGE, data={"csrf": csrf_token(page), "plan": PLAN.findall(page)[0]})
        assert said.status_code == 422
        assert (
            "_TOKEN is not set" in said.text or "_SECRET is not set" in said.text or "_PASSWORD is not set" in said.text
        )
        leader.close()
    assert there.calls == []
    assert closed._rows("select * from audit where what = 'released'") == []
