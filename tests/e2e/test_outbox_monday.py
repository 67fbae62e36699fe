"""A Monday against all fakes: push, tasks closed there, three changed decisions, a rerun week, taken back, read back equal."""

import json
import os
import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.commands import DONE, REFUSED, ROOT, saveplay
from tests.e2e.shared_stores import NEW_DATE, W48, wishes_for
from tests.receivers import SECRETS, Receivers, outbox_yaml, serve_receivers

NAMES = ("webhook", "calendar", "hubspot", "slack", "asana")
HASH = re.compile(r"--send --plan ([0-9a-f]{16})")


class Monday:
    """A store, its receivers, and the commands of one person."""

    def __init__(self, folder: Path, there: Receivers) -> None:
        self.store, self.configs, self.there = folder / "store", folder / "configs", there
        self.env = {**SECRETS, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
        shutil.copytree(ROOT / "configs", self.configs)
        (self.configs / "outbox.yaml").write_text(yaml.safe_dump(outbox_yaml(there.url, *NAMES, deadline=60)))

    def push(self, *more: str, code: int = DONE) -> str:
        arguments = ("push", W48, "--store", self.store, "--configs", self.configs, *more)
        done = saveplay(*arguments, env=self.env).check_exit(code)
        assert not any(secret in done.out + done.err for secret in SECRETS.values())
        return done.out + done.err

    def send(self) -> str:
        [shown] = HASH.findall(self.push())
        return self.push("--send", "--plan", shown)

    def review(self) -> dict[str, Any]:
        shown: dict[str, Any] = json.loads(saveplay("show", W48, "--store", self.store, "--json").check_exit(DONE).out)
        return shown

    def tasks(self) -> dict[str, dict[str, Any]]:
        """Tasks of Asana by our key."""
        return {task["external"]["gid"]: task for task in self.there.asana.values()}

    def task(self, action_id: str) -> dict[str, Any]:
        return self.tasks()[f"action:{action_id}@asana"]

    def note(self, account: str) -> str:
        return self.there.notes[f"note:{W48}:{account}@hubspot"]["hs_note_body"]

    def done_here(self) -> set[str]:
        with closing(sqlite3.connect(self.store / "saveplay.db")) as database:
            return {row[0] for row in database.execute("select action_id from progress where state = 'done'")}


@pytest.mark.long
@pytest.mark.timeout(1200)  # four rounds of hundreds of calls, one after the other
def test_a_monday_goes_out_comes_back_and_is_taken_back_when_decisions_change(tmp_path: Path, team_data: Path) -> None:
    with serve_receivers() as there:
        monday = Monday(tmp_path, there)
        week = (
            "review",
            "--data",
            team_data,
            "--as-of",
            "2026-11-23",
            "--store",
            monday.store,
            "--out",
            tmp_path / "out",
        )
        saveplay(*week, "--configs", monday.configs, "--approve", "all").check_exit(DONE)
        review = monday.review()
        there.companies = {update["account_id"]: {} for update in review["crm_updates"]}

        assert "not" in monday.push("--send", "--plan", "0" * 16, code=REFUSED)
        assert there.calls == []
        monday.send()
        assert set(there.created.values()) == {1}
        assert "nothing would be sent" in monday.push()
        assert ", 0 differ" in monday.push("--check")
        assert len(there.asana) == len(review["actions"])
        assert len(there.events) == len(review["touchpoints"])

        first, second = next(iter(there.asana.values())), list(there.tasks.items())[1]
        first.update(completed=True, completed_at="2026-11-24T09:00:00.000Z")
        second[1].update(hs_task_status="COMPLETED", hs_task_completion_date="2026-11-25T09:00:00Z")
        ids = {first["external"]["gid"], second[0]}
        assert monday.push("--check").count("recorded: ") == len(ids)
        assert monday.done_here() == {name.partition("@")[0].removeprefix("action:") for name in ids}

        wishes = wishes_for(review)
        changed = ("--again", "--approve", wishes.file(tmp_path / "decisions.yaml"))
        saveplay(*week, "--configs", monday.configs, *changed).check_exit(DONE)
        for update in monday.review()["crm_updates"]:
            there.companies.setdefault(update["account_id"], {})
        monday.send()
        assert set(there.created.values()) == {1}
        assert ", 0 differ" in monday.push("--check")
        assert monday.task(f"{W48}.{wishes.edited}.{wishes.moved}")["due_on"] == NEW_DATE
        assert monday.task(f"{W48}.{wishes.edited}.{wishes.dropped}")["name"].startswith("Taken back: ")
        assert f"play rejected by {wishes.content['decided_by']}" in monday.note(wishes.rejected)
        assert "play deferred until 2026-12-07" in monday.note(wishes.deferred)
        assert "play approved with changes" in monday.note(wishes.edited)
        of_rejected = [task for key, task in monday.tasks().items() if f".{wishes.rejected}." in key]
        assert sum(task["name"].startswith("Taken back: ") for task in of_rejected) > 2

        saveplay(*week, "--configs", monday.configs, "--again", "--approve", "none").check_exit(DONE)
        for update in monday.review()["crm_updates"]:
            there.companies.setdefault(update["account_id"], {})
        monday.send()
        assert set(there.created.values()) == {1}
        assert ", 0 differ" in monday.push("--check")
        now = {action["id"] for action in monday.review()["actions"]}
        left = {t["external"]["gid"] for t in there.asana.values() if not t["name"].startswith("Taken back: ")}
        kept = {f"action:{name}@asana" for name in now}
        assert kept <= left
        assert left - kept <= {key.replace("@hubspot", "@asana") for key in ids}
        assert any(b"STATUS:CANCELLED" in body for _, body in there.events.values())
        for path in tmp_path.rglob("*"):
            if path.is_file():
                assert not any(secret.encode() in path.read_bytes() for secret in SECRETS.values())
