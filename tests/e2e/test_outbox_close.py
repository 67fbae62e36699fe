"""The close stores what other tools should hold: whole without a push, and whole or not at all when the process is killed."""

import json
import shutil
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.wiring import open_store
from domain.outbox import OutboxSettings
from tests.databases import SERVERS, LocalPostgres, run_sql
from tests.e2e.commands import CAN_FORK, DONE, ROOT, WAITING, saveplay
from tests.e2e.shared_stores import SECOND_DAY, W48
from tests.outgoing import action, field, hold, note, push
from tests.receivers import SECRETS, outbox_yaml, serve_receivers

NAMES = ("webhook", "calendar", "hubspot", "slack", "asana")
ITEMS = "select key, desired_hash, state, released from outbox order by key"
KILLED = -9


def configs_with_receivers(folder: Path) -> Path:
    """The shipped configuration with all receivers on, at an address where nobody answers."""
    shutil.copytree(ROOT / "configs", folder)
    (folder / "outbox.yaml").write_text(yaml.safe_dump(outbox_yaml("http://127.0.0.1:9", *NAMES)))
    return folder


def read(store: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(store / "saveplay.db")) as database:
        return database.execute(query).fetchall()


def is_whole(rows: Iterable[tuple[Any, ...]], review: dict[str, Any]) -> bool:
    """True if every action, CRM field, hold and decided play, and the digest, is there for each of its receivers, and nobody released it."""
    found = list(rows)
    fields = {(each["account_id"], each["field"]) for each in review["crm_updates"]}
    decided = {each["subject"] for each in review["decisions"]} & {play["account_id"] for play in review["plays"]}
    expected = 3 * len(review["actions"]) + 2 * len(fields) + 2 * len(review["touchpoints"]) + len(decided) + 2
    assert decided
    assert {(state, released) for _, _, state, released in found} == {("planned", "")}
    return len(found) == expected


def week(tmp_path: Path, data: Path, *more: str | Path) -> tuple[str | Path, ...]:
    out = ("--out", tmp_path / "out", "--configs", configs_with_receivers(tmp_path / "configs"))
    return ("review", "--data", data, "--as-of", SECOND_DAY, *out, *more)


@pytest.mark.long
def test_after_the_close_all_is_there_though_nobody_pushed(tmp_path: Path, team_data: Path) -> None:
    store = tmp_path / "store"
    saveplay(*week(tmp_path, team_data, "--store", store, "--approve", "all")).check_exit(DONE)
    review = json.loads(saveplay("show", W48, "--store", store, "--json").check_exit(DONE).out)
    before = read(store, ITEMS)
    assert is_whole(before, review)
    saveplay("push", W48, "--store", store, env=SECRETS).check_exit(DONE)
    assert read(store, ITEMS) == before, "a look at the plan changes nothing"

    action = review["actions"][0]["id"]
    dropped = "select desired, reason, revision from outbox where key like 'action:" + action + "@%'"
    progress = tmp_path / "progress.csv"
    progress.write_text(f"id,status,done_on\n{action},dropped,{SECOND_DAY}\n")
    mark = ("--on", SECOND_DAY, "--note", "They signed", "--by", "Dana")
    saveplay("done", "--import", progress, *mark, "--store", store).check_exit(DONE)
    assert set(read(store, dropped)) == {(None, "They signed", 2)}
    shown = saveplay("push", W48, "--store", store, env=SECRETS).check_exit(DONE).out
    assert read(store, ITEMS) != before
    assert set(read(store, dropped)) == {(None, "They signed", 2)}, shown
    with open_store(str(store)) as session:
        assert session.store.verify_audit().faults == ()


def test_settings_that_cannot_be_read_do_not_keep_people_from_closing(tmp_path: Path, team_data: Path) -> None:
    store = tmp_path / "store"
    arguments = week(tmp_path, team_data, "--store", store, "--approve", "all")
    path = tmp_path / "configs" / "outbox.yaml"
    good = path.read_text()
    path.write_text("hosts: {}\n")
    done = saveplay(*arguments).check_exit(DONE)
    assert "outbox.yaml" in done.err
    assert f"saveplay push {W48}" in done.err
    assert read(store, ITEMS) == []
    path.write_text(good)
    saveplay("push", W48, "--store", store).check_exit(DONE)
    review = json.loads(saveplay("show", W48, "--store", store, "--json").check_exit(DONE).out)
    assert is_whole(read(store, ITEMS), review)


@pytest.mark.long
@pytest.mark.skipif(not CAN_FORK, reason="counts in forked processes, on Linux only")
def test_a_close_killed_at_any_of_its_writes_has_all_items_or_is_not_closed(tmp_path: Path, team_data: Path) -> None:
    start = tmp_path / "start"
    saveplay(*week(tmp_path, team_data, "--store", start / "store")).check_exit(WAITING)
    spare = tmp_path / "spare"
    shutil.copytree(start, spare)
    points = tmp_path / "points"
    decide = ("decide", W48, "--approve", "all", "--store")
    env = {"SAVEPLAY_TESTS_KILL_AT": "0", "SAVEPLAY_TESTS_POINTS": str(points)}
    saveplay(*decide, spare / "store", env=env).check_exit(DONE)
    review = json.loads(saveplay("show", W48, "--store", spare / "store", "--json").check_exit(DONE).out)
    expected = read(spare / "store", ITEMS)
    assert is_whole(expected, review)
    written = [line.lower() for line in points.read_text().splitlines()]
    first = next(n for n, line in enumerate(written, start=1) if line.startswith("insert into outbox"))
    kills = [first - 1, first, first + 1, (first + len(written)) // 2, *range(len(written) - 4, len(written) + 1)]
    open_after = 0
    for number in kills:
        place = tmp_path / str(number)
        shutil.copytree(start, place)
        said = saveplay(*decide, place / "store", env={"SAVEPLAY_TESTS_KILL_AT": str(number)})
        assert said.code in (KILLED, DONE), said.err  # LangGraph writes in fewer statements when it is faster
        state, items = read(place / "store", "select state from reviews")[0][0], read(place / "store", ITEMS)
        assert items == (expected if state == "closed" else []), f"killed before {written[number - 1]}"
        open_after += state != "closed"
        saveplay("resume", W48, "--store", place / "store").check_exit(DONE)
        assert read(place / "store", ITEMS) == expected
        assert read(place / "store", "select state from reviews") == [("closed",)]
        with open_store(str(place / "store")) as session:
            assert session.store.verify_audit().faults == ()
    assert open_after > 1, "the kills have to come before the close"


@SERVERS
def test_the_close_stores_the_same_items_in_a_shared_database(
    tmp_path: Path, team_data: Path, postgres: LocalPostgres
) -> None:
    url = postgres.new_database()
    arguments = week(tmp_path, team_data, "--approve", "all")
    saveplay(*arguments, "--store", url, env={"SAVEPLAY_CACHE": str(tmp_path / "cache")}).check_exit(DONE)
    saveplay(*arguments, "--store", tmp_path / "store").check_exit(DONE)
    assert sorted(run_sql(url, ITEMS.replace(" outbox ", " saveplay.outbox "))) == sorted(
        read(tmp_path / "store", ITEMS)
    )


@SERVERS
def test_a_shared_database_sends_what_a_folder_sends(
    tmp_path: Path, postgres: LocalPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**SECRETS, "SAVEPLAY_CACHE": str(tmp_path / "cache")}.items():
        monkeypatch.setenv(name, value)
    with serve_receivers() as there, open_store(postgres.new_database()) as session:
        there.companies = {f"acc-{number}": {"risk_tier": "low"} for number in range(3)}
        settings = OutboxSettings.model_validate(outbox_yaml(there.url, *NAMES))
        wanted = [
            *(action(n, sink) for n in range(3) for sink in ("hubspot", "asana")),
            field(1, "high"),
            note(2),
            hold(1),
        ]
        done = push(session.store, settings, wanted)
        assert (done.sent, done.open, set(there.created.values())) == (len(wanted), (), {1})
        done = push(session.store, settings, [])
        assert (done.taken_back, done.open) == (len(wanted), ())
        assert session.store.verify_audit().faults == ()
