"""Two machines push, both are killed at random moments, and receivers lose answers: nothing is doubled, nothing is lost."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from domain.outbox import OutboxSettings, Wanted
from tests.outgoing import WEEK, action, digest, field, hold, note, run
from tests.receivers import SECRETS, Receivers, no_fault, outbox_yaml, random_faults, serve_receivers
from tools.outbox.plan import push_plan
from tools.outbox.push import release, report, save_wanted
from tools.outbox.reading_back import read_back
from tools.outbox.settings import open_sinks
from tools.store.outbox_store import OutboxStore
from tools.store.review_store import ReviewStore

ROOT = Path(__file__).parents[2]
NAMES = ("webhook", "calendar", "hubspot", "slack", "asana")
TWO = 2


class Forker:
    """The process that forks pushes."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.outbox_worker"]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, env=environment, text=True
        )

    def start(self, **asked: Any) -> int:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())


@contextmanager
def forker() -> Iterator[Forker]:
    opened = Forker()
    try:
        yield opened
    finally:
        assert opened.process.stdin
        opened.process.stdin.close()
        opened.process.wait(10)
        assert opened.process.stdout
        opened.process.stdout.close()


def week(number: int) -> list[Wanted]:
    """Work of one round: new tasks, holds and a digest, and fields that change."""
    name = f"-{number}"
    return [
        *(action(each, sink, week=name) for each in range(4) for sink in ("hubspot", "asana", "webhook")),
        *(field(each, f"value {number}") for each in range(4)),
        *(note(each, review=f"{WEEK}{name}") for each in range(4)),
        *(hold(each, week=name) for each in range(4)), digest(week=name),
    ]  # fmt: skip


def kill_pushes(tmp_path: Path, kills: int, seed: int, share: float) -> tuple[Receivers, int]:
    """Push round after round, killing both machines until ``kills`` are done. Returns the receivers and the kills that hit."""
    chosen, done, hits, number = random.Random(seed), 0, 0, 0
    folder = tmp_path / "store"
    store = ReviewStore(folder, lambda: "2026-11-23T10:00:00.000+00:00")
    wanted: list[Wanted] = []
    with serve_receivers() as there, forker() as forks:
        there.companies = {f"acc-{each}": {"risk_tier": "low"} for each in range(4)}
        content = outbox_yaml(there.url, *NAMES, timeout=0.3, lease=1)
        settings = OutboxSettings.model_validate(content)
        while done < kills:
            number += 1
            wanted = [each for each in wanted if each.kind != "field"] + week(number)
            save_wanted(store, WEEK, wanted, NAMES, "Lee")
            plan = push_plan(WEEK, OutboxStore(store).items(), settings)
            release(store, plan.hash, WEEK, settings, "Lee")
            there.fault = random_faults(seed + number, share)
            for _ in range(min(10, kills - done)):
                both = [
                    forks.start(store=str(folder), settings=content, plan=plan.hash, worker=f"w{done}.{each}")
                    for each in range(TWO)
                ]
                for child in both:
                    time.sleep(chosen.uniform(0.0, 0.12))
                    with suppress(ProcessLookupError):
                        os.kill(child, signal.SIGKILL)
                        hits += 1
                done += 1
            there.fault = no_fault
            time.sleep(0.02)  # a call that a killed machine sent out may still be on its way
            run(store, settings, plan.hash, "last")
            left = report(store, WEEK, plan, NAMES).open
            assert left == (), [(item.key, item.state, item.last_error) for item in left]
        items = OutboxStore(store).items()
        found = read_back(items, open_sinks(settings, NAMES))
        assert found.differences == []
        expected = {each.key for each in wanted if each.sink in ("hubspot", "asana", "slack") and each.kind != "field"}
        assert {key for key in there.created if "@" in key} == expected  # none lost
        assert len(there.links) == len(there.notes) == sum(each.kind == "note" for each in wanted)
        assert len(there.events) == sum(each.kind == "hold" for each in wanted)
        assert {name["risk_tier"] for name in there.companies.values()} == {f"value {number}"}
        assert {event["key"] for event in there.webhooks.values()} == {
            each.key for each in wanted if each.sink == "webhook"
        }
        assert store.verify_audit().faults == ()
    store.close()
    return there, hits


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)


def test_twenty_kills_of_two_machines_double_nothing_and_lose_nothing(tmp_path: Path) -> None:
    there, hits = kill_pushes(tmp_path, 20, seed=3, share=0.1)
    assert hits > 0
    assert {key: count for key, count in there.created.items() if count > 1} == {}


@pytest.mark.long
def test_two_hundred_kills_of_two_machines_double_nothing_and_lose_nothing(tmp_path: Path) -> None:
    there, hits = kill_pushes(tmp_path, 200, seed=11, share=0.15)
    print(f"{hits} processes killed, {there.writes} writes, {len(there.created)} things created")
    assert {key: count for key, count in there.created.items() if count > 1} == {}
