"""The calendar against a real CalDAV server: Radicale, started as a process."""

import importlib.util
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.outbox import OutboxSettings
from tests.outgoing import WEEK, hold, push, stored
from tests.receivers import SECRETS, outbox_yaml
from tools.outbox.http import Receiver, basic
from tools.outbox.reading_back import read_back
from tools.outbox.settings import open_sinks
from tools.store.outbox_store import OutboxStore
from tools.store.review_store import ReviewStore

pytestmark = pytest.mark.skipif(importlib.util.find_spec("radicale") is None, reason="Radicale is not installed")
SECRET = SECRETS["SAVEPLAY_CALENDAR_PASSWORD"]
_WAIT_SECONDS = 20


@pytest.fixture
def calendar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """URL of an empty collection."""
    monkeypatch.setenv("SAVEPLAY_CALENDAR_PASSWORD", SECRET)
    (tmp_path / "users").write_text(f"saveplay:{SECRET}\n")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = {
        "server-hosts": f"127.0.0.1:{port}", "storage-filesystem-folder": str(tmp_path / "calendars"),
        "auth-type": "htpasswd", "auth-htpasswd-filename": str(tmp_path / "users"), "auth-htpasswd-encryption": "plain",
    }  # fmt: skip
    command = [sys.executable, "-m", "radicale", *(f"--{name}={value}" for name, value in options.items())]
    server = subprocess.Popen(command, stderr=subprocess.DEVNULL, env=os.environ | {"RADICALE_CONFIG": ""})
    try:
        deadline = time.monotonic() + _WAIT_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                assert time.monotonic() < deadline, "Radicale did not start"
                time.sleep(0.05)
        url = f"http://127.0.0.1:{port}/saveplay/holds/"
        Receiver(url, 10, basic("saveplay", SECRET)).call("MKCALENDAR", "/saveplay/holds/")
        yield url
    finally:
        server.kill()
        server.wait()


def test_a_hold_is_created_changed_left_to_people_and_cancelled_on_a_real_server(calendar: str, tmp_path: Path) -> None:
    content = outbox_yaml("http://127.0.0.1", "calendar")
    content["sinks"]["calendar"]["url"] = calendar
    settings = OutboxSettings.model_validate(content)
    store = ReviewStore(tmp_path / "store", lambda: "2026-11-23T10:00:00.000+00:00")
    assert push(store, settings, [hold(1), hold(2)]).open == ()
    assert push(store, settings, [hold(1, "Moved call"), hold(2)]).open == ()
    server = Receiver(calendar, 10, basic("saveplay", SECRET))
    place = str(stored(store, hold(1)).remote_id)
    body = server.call("GET", place).body
    assert b"SUMMARY:Moved call" in body
    assert b"DTSTART:20261126T090000Z" in body
    assert read_back(OutboxStore(store).items(), open_sinks(settings, ["calendar"])).differences == []

    server.call("PUT", place, body.replace(b"Moved call", b"Coffee"), {"Content-Type": "text/calendar"})
    changed = push(store, settings, [hold(1, "Third title"), hold(2)])
    assert [item.state for item in changed.open] == ["conflict"]
    assert b"SUMMARY:Coffee" in server.call("GET", place).body

    done = push(store, settings, [hold(1, "Third title")], review=WEEK)
    assert done.taken_back == 1
    assert b"STATUS:CANCELLED" in server.call("GET", str(stored(store, hold(2)).remote_id)).body
    assert len(list((tmp_path / "calendars" / "collection-root" / "saveplay" / "holds").glob("*.ics"))) == 2
    store.close()
