"""Stores that earlier commits made: each opens, shows what it held, takes the decisions it waits for, and goes on next week."""

import json
import shutil
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path

import pytest
import yaml

from tests.e2e.commands import DONE, ROOT, WAITING, saveplay
from tests.receivers import outbox_yaml

pytestmark = pytest.mark.long

EARLIER = Path(__file__).parents[1] / "stores"
W47, W48, W49 = "2026-W47", "2026-W48", "2026-W49"


@pytest.fixture(params=sorted(path.stem for path in EARLIER.glob("*.zip")))
def earlier(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The folder of a store of an earlier commit, with data and output on this machine."""
    store = tmp_path / "store"
    with zipfile.ZipFile(EARLIER / f"{request.param}.zip") as packed:
        packed.extractall(store)
    with closing(sqlite3.connect(store / "saveplay.db")) as database:
        for review_id, asked in database.execute("select review_id, request from reviews").fetchall():
            here = {"data": str(EARLIER / "portfolio"), "out": str(tmp_path / "reviews")}
            row = (json.dumps({**json.loads(asked), **here}, sort_keys=True), review_id)
            database.execute("update reviews set request = ? where review_id = ?", row)
        database.commit()
    return store


def test_an_earlier_store_shows_its_reviews_takes_decisions_and_goes_on(earlier: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(earlier / "saveplay.db")) as database:
        approved = {row[0] for row in database.execute("select action_id from actions")}
        decided = database.execute("select review_id, gate, body from decisions").fetchall()
    shown = json.loads(saveplay("show", W47, "--store", earlier, "--json").check_exit(DONE).out)
    assert shown["state"] == "closed"
    assert {action["id"] for action in shown["actions"]} == approved
    waiting = json.loads(saveplay("show", W48, "--store", earlier, "--json").check_exit(DONE).out)
    assert waiting["state"] == "waiting_for_decisions"
    assert [item["status"] for item in waiting["followup"]["commitments"]].count("done_late") == 1

    saveplay("decide", W48, "--approve", "all", "--store", earlier).check_exit(DONE)
    after = json.loads(saveplay("show", W48, "--store", earlier, "--json").check_exit(DONE).out)
    assert (after["state"], len(after["actions"]) > 0) == ("closed", True)
    action = after["actions"][0]["id"]
    saveplay("done", action, "--on", "2026-11-26", "--by", "Dana", "--store", earlier).check_exit(DONE)

    out = ("--out", tmp_path / "reviews", "--store", earlier)
    saveplay("review", "--data", EARLIER / "portfolio", "--as-of", "2026-11-30", *out).check_exit(WAITING)
    following = json.loads(saveplay("show", W49, "--store", earlier, "--json").check_exit(DONE).out)
    assert following["previous_review_id"] == W48
    assert {c["action_id"]: c["done_on"] for c in following["followup"]["commitments"]}[action] == "2026-11-26"
    with closing(sqlite3.connect(earlier / "saveplay.db")) as database:
        assert set(decided) <= set(database.execute("select review_id, gate, body from decisions"))
        assert dict(database.execute("select name, value from meta"))["schema_version"] == "3"


def test_what_a_closed_review_of_an_earlier_store_says_is_what_its_own_commit_wrote(earlier: Path) -> None:
    with closing(sqlite3.connect(earlier / "saveplay.db")) as database:
        query = "select body from documents where review_id = ? and kind = 'identified'"
        identified = json.loads(database.execute(query, (W47,)).fetchone()[0])
    shown = json.loads(saveplay("show", W47, "--store", earlier, "--json").check_exit(DONE).out)
    for figure in ("arr", "arr_at_risk", "at_risk_accounts", "expected_churn_arr"):
        assert shown["portfolio"][figure] == identified["portfolio"][figure]
    assert [(a["account_id"], a["risk_score"], a["health"]) for a in shown["at_risk"]] == [
        (a["account_id"], a["risk_score"], a["health"]) for a in identified["at_risk"]
    ]


def test_a_push_settles_what_an_earlier_version_closed(earlier: Path, tmp_path: Path) -> None:
    configs = tmp_path / "configs"
    shutil.copytree(ROOT / "configs", configs)
    (configs / "outbox.yaml").write_text(yaml.safe_dump(outbox_yaml("http://127.0.0.1:9", "asana")))
    push = ("push", W47, "--store", earlier, "--configs", configs)
    shown = saveplay(*push).check_exit(DONE).out
    review = json.loads(saveplay("show", W47, "--store", earlier, "--json").check_exit(DONE).out)
    with closing(sqlite3.connect(earlier / "saveplay.db")) as database:
        done = {row[0] for row in database.execute("select action_id from progress where state = 'done'")}
    open_actions = [action["id"] for action in review["actions"] if action["id"] not in done]
    assert f"{len(open_actions)} to create" in shown
    assert len(open_actions) < len(review["actions"]), "what is done needs no task any more"
    assert saveplay(*push).check_exit(DONE).out == shown
