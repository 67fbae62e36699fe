"""Two machines remind the team, both are killed at random, and answers are lost: nobody is told a thing twice or misses one."""

import csv
import os
import random
import shutil
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.commands import DONE, REFUSED, ROOT, saveplay, start_command
from tests.e2e.shared_stores import SECOND_DAY
from tests.receivers import SECRETS, no_fault, outbox_yaml, random_faults, serve_receivers

PEOPLE = "people.csv"
ROUNDS = 6
AT = "2026-11-24T10:00+01:00"


def slack_users(data: Path) -> dict[str, str]:
    """A Slack user for each person of the data."""
    with (data / PEOPLE).open(newline="", encoding="utf-8") as handle:
        return {row["person_id"]: f"U{row['person_id']}" for row in csv.DictReader(handle)}


@pytest.mark.long
def test_two_machines_killed_while_they_remind_tell_everybody_once(tmp_path: Path, team_data: Path) -> None:
    store, configs = tmp_path / "store", tmp_path / "configs"
    shutil.copytree(ROOT / "configs", configs)
    with serve_receivers() as there:
        content: dict[str, Any] = outbox_yaml(there.url, "slack", timeout=1, lease=3, deadline=20)
        content["sinks"]["slack"] |= {"sends": ["message"], "people": slack_users(team_data)}
        (configs / "outbox.yaml").write_text(yaml.safe_dump(content))
        week = ("review", "--data", team_data, "--as-of", SECOND_DAY, "--store", store, "--out", tmp_path / "out")
        saveplay(*week, "--configs", configs, "--approve", "all").check_exit(DONE)
        remind = ("remind", "--as-of", AT, "--store", store)
        refused = saveplay(*remind, "--send", env=SECRETS).check_exit(REFUSED)
        assert "nobody released these messages" in refused.err
        content["reminders"] = {"released_by": "Marguerite Oyelaran"}
        (configs / "outbox.yaml").write_text(yaml.safe_dump(content))

        chosen, hits = random.Random(5), 0
        there.fault = random_faults(5, 0.2)
        for _ in range(ROUNDS):
            with open(os.devnull, "wb") as nowhere:
                both = [start_command([*remind, "--send"], nowhere.fileno(), nowhere.fileno(), SECRETS) for _ in "ab"]
                for machine in both:
                    time.sleep(chosen.uniform(0.4, 1.5))
                    hits += machine.poll() is None
                    with suppress(ProcessLookupError):
                        os.kill(machine.pid, signal.SIGKILL)
                    machine.wait(30)
        there.fault = no_fault
        saveplay(*remind, "--send", env=SECRETS).check_exit(DONE)
        assert "Nobody is to be told anything now" in saveplay(*remind, env=SECRETS).check_exit(DONE).out
    assert hits > 1
    assert {key: count for key, count in there.created.items() if count > 1} == {}
    people = [each["channel"] for each in there.messages]
    assert len(people) == len(set(people)) > 2, "one message a person"
    told = [(each["channel"], line) for each in there.messages for line in each["text"].splitlines()[1:]]
    assert len(told) == len(set(told))
