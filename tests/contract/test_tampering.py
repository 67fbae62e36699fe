"""Tampering with a store by somebody who can write to its tables: `audit verify` finds it, or it needs an outside anchor.

``docs/desk.md`` has the same table for people.
"""

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import pytest

from app.decision_file import unattended_decisions
from app.publishing import published_heads
from app.stores import open_location
from app.wiring import open_store
from domain.decisions import PlayDecision
from domain.portfolio import BandOverride
from domain.questions import PlayRequest
from domain.readings import PersonsReading, WrongMark
from tests.e2e.commands import DONE, REFUSED, ROOT, saveplay
from tests.sample_review import sample_review
from tools.store.desk_store import DeskStore
from tools.store.reading_store import ReadingStore
from tools.store.review_store import ReviewStore

MONDAY = date(2026, 11, 23)
W47, W48 = "2026-W47", "2026-W48"
LEADER, CSM = "Marguerite Oyelaran", "Sadia Karim"
ACTIONS = sample_review("closed").actions[:3]
FIRST_ACTION = ACTIONS[0].id
HEAD = "delete from keys where digest = 'audit-head'"


def fill(store: ReviewStore) -> None:
    """A week as people work on it. Decisions are entries 6 and 7."""
    desk = DeskStore(store)
    with store.transaction():
        store.start(W48, MONDAY, {"data": "exports", "as_of": str(MONDAY), "out": "reviews", "configs": None})
        store.log(W48, "command line", "started")
    store.propose(PlayRequest(account_id="A-3", question="Save A-3", by=CSM, on=MONDAY, said=(), tried=()))
    desk.save_choice(W48, 1, PlayDecision(account="A-1", decision="approve"), LEADER, 0)
    desk.save_choice(W48, 1, PlayDecision(account="A-2", decision="reject", reason="no"), LEADER, 0)
    desk.save_note(W48, "A-1", CSM, "2026-11-23T09:00:00", "They wait for the export")
    for gate, what in (("plan", "decided"), ("close", "closed")):
        with store.transaction():
            store.decide(W48, gate, unattended_decisions(W48, "all").model_copy(update={"decided_by": LEADER}))
            store.log(W48, LEADER, what, gate=gate)
    store.save_actions(W48, MONDAY, ACTIONS)
    store.settle_proposals(W48, ["A-3"])
    with store.transaction():
        store.mark([(FIRST_ACTION, "done", MONDAY)], "called", CSM)
        store.log("", CSM, "done", action=FIRST_ACTION)
    band = BandOverride(band="red", reason="The sponsor left", by=CSM, until=MONDAY + timedelta(days=30))
    with store.transaction():
        store.override("A-1", MONDAY, band)
        store.log("", CSM, "override", account="A-1")
    place = {"account_id": "A-1", "table": "notes", "key": "2026-11-20", "written_on": MONDAY}
    said = {**place, "quotation": "Not again.", "kind": "feature_gap", "by": CSM, "on": MONDAY}
    with store.transaction():
        ReadingStore(store).save_reading(PersonsReading(text_id="text:1", **said), MONDAY)
        ReadingStore(store).save_mark(WrongMark(statement_id="quote:1", read_by="phrases", **said), MONDAY)
        store.log("", CSM, "read", account="A-1")


@pytest.fixture
def store(store_location: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[ReviewStore]:
    """A store with a whole week in it."""
    monkeypatch.delenv("SAVEPLAY_AUDIT_KEY", raising=False)
    with open_location(store_location) as place, closing(place.store(lambda: "2026-11-23T09:00:00")) as opened:
        fill(opened)
        yield opened


def faults_after(store: ReviewStore, *statements: str) -> tuple[str, ...]:
    for statement in statements:
        store.database.execute(statement, {})
    return store.verify_audit().faults


NOTICED = {
    "an entry is edited": (["update audit set who = 'Nobody' where seq = 6"], "entry 6 ("),
    "an entry is removed": (["delete from audit where seq = 6"], "entry 6 was removed"),
    "an entry is removed with its link": (
        [f"delete from {table} where seq = 6" for table in ("audit", "chain")], "entry 7 ("),
    "entries are cut off with their links": (
        [f"delete from {table} where seq > 5" for table in ("audit", "chain")], "the log was cut off: it ends at entry 5"),
    "the chain is emptied": (["delete from chain"], "the log was cut off: it ends at entry 0"),
    "the chain is cut off": (["delete from chain where seq > 9"], "the log was cut off: it ends at entry 9"),
    "the log and the chain are emptied": (
        ["delete from audit", "delete from chain"], "the log was cut off: it ends at entry 0"),
    "the log, the chain and the store's memory of them are emptied": (
        ["delete from audit", "delete from chain", HEAD], "the log is empty, and the store holds what people decided"),
    "the store's memory of the newest entry is removed": ([HEAD], "no longer holds the head of its chain"),
    "the store's memory of the newest entry is changed": (
        ["update keys set body = replace(body, '\"seq\":', '\"seq\":9') where digest = 'audit-head'"], "was cut off"),
    "the store's memory of the newest entry is made unreadable": (
        ["update keys set body = 'nothing' where digest = 'audit-head'"], "cannot be read: somebody changed it"),
    "the end is cut off in all three places": (
        ["delete from audit where seq > 5", "delete from chain where seq > 5", HEAD], "no longer holds the head"),
    "a decision is rewritten": (
        ["update decisions set body = replace(body, 'approve', 'reject') where gate = 'plan'"],
        f"the decision on the plan of {W48} is not the one that {LEADER} recorded at entry 6"),
    "another person is named for a decision": (
        [f"update decisions set body = replace(body, '{LEADER}', 'Nobody') where gate = 'close'"],
        f"the decision on the close of {W48} is not the one that {LEADER} recorded at entry 7"),
    "a decision is removed": (
        ["delete from decisions where gate = 'plan'"],
        f"the decision on the plan of {W48}, which {LEADER} recorded at entry 6, was removed"),
    "a decision is added": (
        [f"insert into decisions select '{W47}', gate, body from decisions where gate = 'plan'"],
        f"the decision on the plan of {W47} was added without an entry"),
    "a choice is rewritten": (
        ["update choices set body = replace(body, 'reject', 'approve') where account_id = 'A-2'"],
        f"the choice about A-2 in run 1 of {W48} is not the one that {LEADER} recorded"),
    "a choice is removed": (["delete from choices where account_id = 'A-1'"], "the choice about A-1 in run 1"),
    "a choice is moved to another account": (
        ["update choices set account_id = 'A-9' where account_id = 'A-1'"], "the choice about A-9 in run 1"),
    "an action is rewritten": (
        [f"update actions set body = replace(body, '{ACTIONS[1].title}', 'Do nothing')"], f"the list of actions of {W48}"),
    "an action is removed": (
        [f"delete from actions where action_id = '{FIRST_ACTION}'"], f"the list of actions of {W48} is not the one"),
    "an action is added": (
        ["insert into actions select 'X.1', approved_in, approved_on, body from actions where action_id = "
         f"'{FIRST_ACTION}'"], f"the list of actions of {W48} is not the one"),
    "an action is dated back": (["update actions set approved_on = '2026-01-01'"], f"the list of actions of {W48}"),
    "progress is rewritten": (
        ["update progress set state = 'dropped'"],
        f"the state of action {FIRST_ACTION} is not the one that {CSM} recorded"),
    "progress is dated back": (["update progress set on_day = '2026-11-01'"], f"the state of action {FIRST_ACTION}"),
    "progress is removed": (["delete from progress"], f"the state of action {FIRST_ACTION}, which {CSM} recorded"),
    "progress is added": (
        [f"insert into progress values ('{ACTIONS[1].id}', 'done', '2026-11-20', '', 'Nobody')"],
        f"the state of action {ACTIONS[1].id} was added without an entry"),
    "an override is rewritten": (
        ["update overrides set body = replace(body, 'red', 'green')"],
        f"the override of A-1 from {MONDAY} is not the one that {CSM} recorded"),
    "an override is dated back": (["update overrides set set_on = '2026-11-02'"], "the override of A-1 from 2026-11-02 was"),
    "a reading is rewritten": (
        ["update readings set body = replace(body, 'feature_gap', 'budget_cut')"],
        f"the reading of text:1 from {MONDAY} is not the one that {CSM} recorded"),
    "a mark on a statement is removed": (
        ["delete from wrong_marks"], f"the mark on statement quote:1 from {MONDAY}, which {CSM} recorded"),
    "a proposal is opened again": (["update proposals set settled = null"], "the play proposed for A-3 is not the one"),
    "a proposal is rewritten": (
        ["update proposals set body = replace(body, 'Save A-3', 'Give up')"], "the play proposed for A-3 is not the one"),
    "a note is rewritten": (["update notes set body = 'They are happy'"], f"note 1 is not the one that {CSM} recorded"),
    "a note is put into another mouth": ([f"update notes set who = '{LEADER}'"], "note 1 is not the one"),
    "a note is removed": (["delete from notes"], f"note 1, which {CSM} recorded at entry 5, was removed"),
    "the hash of a decision is taken out of its entry": (
        ["update audit set facts = replace(facts, '\"decisions\"', '\"nothing\"') where seq = 6"], "entry 6 ("),
}  # fmt: skip
"""Statements of somebody who can write to the tables, and what `audit verify` says."""


def test_a_store_that_nobody_touched_is_sound_and_all_of_it_is_covered(store: ReviewStore) -> None:
    verdict = store.verify_audit()
    assert verdict.faults == ()
    assert (verdict.covered, verdict.uncovered) == (11, 0)


@pytest.mark.parametrize("what", NOTICED)
def test_tampering_is_noticed_and_named(store: ReviewStore, what: str) -> None:
    statements, expected = NOTICED[what]
    found = faults_after(store, *statements)
    assert any(expected in fault for fault in found), found


@pytest.mark.parametrize("what", NOTICED)
def test_work_that_goes_on_does_not_hide_it(store: ReviewStore, what: str) -> None:
    faults_after(store, *NOTICED[what][0])
    store.log(W47, LEADER, "started")
    assert not store.verify_audit().is_sound


def test_a_log_that_was_emptied_with_the_names_of_its_keys_needs_an_anchor(store: ReviewStore) -> None:
    anchor = store.chain_head()
    emptied = "the log, the chain and the store's memory of them are emptied"
    faults_after(store, *NOTICED[emptied][0], "delete from keys where digest = 'audit-keys'")
    store.log(W47, LEADER, "started")
    assert store.verify_audit().is_sound
    assert store.verify_audit().uncovered > 0, "what was decided passes for older than the log, and that is said"
    assert not store.verify_audit(anchor).is_sound


FORGED = (
    "delete from audit where seq > 1",
    "delete from chain where seq > 1",
    "update keys set body = :body where digest = 'audit-head'",
    *(
        f"delete from {table}"
        for table in (
            "decisions",
            "choices",
            "notes",
            "actions",
            "progress",
            "overrides",
            "proposals",
            "readings",
            "wrong_marks",
        )
    ),
)
"""The store put back to its first entry in every place: only something outside can show it."""


def test_a_store_put_back_to_an_earlier_moment_needs_an_anchor(store: ReviewStore) -> None:
    anchor = store.chain_head()
    first = store.database.rows("select mac from chain where seq = 1", {})[0]["mac"]
    for statement in FORGED:
        store.database.execute(statement, {"body": json.dumps({"entries": 1, "seq": 1, "mac": first})})
    assert store.verify_audit().faults == ()
    assert [fault[:19] for fault in store.verify_audit(anchor).faults] == ["the log was cut off"]


def test_the_published_folder_of_a_review_is_such_an_anchor(store: ReviewStore, tmp_path: Path) -> None:
    request = {"data": "exports", "as_of": str(MONDAY), "out": str(tmp_path), "configs": None}
    with store.transaction():
        store.start(W48, MONDAY, request)
        store.log(W48, LEADER, "started again")
        store.set_state(W48, "closed")
    run = {"request": request, "audit_head": store.chain_head().model_dump(mode="json", exclude_none=True)}
    (tmp_path / W48).mkdir()
    (tmp_path / W48 / "run.json").write_text(json.dumps(run), encoding="utf-8")
    assert store.verify_audit(published=published_heads(store)).is_sound
    first = store.database.rows("select mac from chain where seq = 1", {})[0]["mac"]
    for statement in FORGED:
        store.database.execute(statement, {"body": json.dumps({"entries": 1, "seq": 1, "mac": first})})
    [found] = store.verify_audit(published=published_heads(store)).faults
    assert found.startswith(f"{tmp_path / W48 / 'run.json'}: the log was cut off")


def test_a_folder_of_another_store_or_one_that_cannot_be_read_is_no_anchor(store: ReviewStore, tmp_path: Path) -> None:
    store.database.execute("update reviews set request = replace(request, 'reviews', :out)", {"out": str(tmp_path)})
    store.set_state(W48, "closed")
    (tmp_path / W48).mkdir()
    for content in ("", "[]", "{}", '{"request": {"out": "elsewhere"}, "audit_head": {}}', "\ud800"):
        (tmp_path / W48 / "run.json").write_text(content, encoding="utf-8", errors="surrogatepass")
        assert published_heads(store) == []


def test_what_is_older_than_the_hashes_is_counted_and_covered_from_then_on(store: ReviewStore) -> None:
    """A store from before entries had hashes: the same tables, without the hashes in the log."""
    store.database.execute("delete from audit", {})
    store.database.execute("delete from chain", {})
    store.database.execute(HEAD, {})
    store.database.execute("delete from keys where digest = 'audit-keys'", {})
    insert = "insert into audit (at, review_id, who, what, facts) values ('2026-11-16', :id, 'Nobody', 'decided', '{}')"
    store.database.execute(insert, {"id": W48})
    assert (store.verify_audit().faults, store.verify_audit().uncovered) == ((), 11)
    with store.transaction():
        store.mark([(ACTIONS[1].id, "done", MONDAY)], "", CSM)
        store.log("", CSM, "done", action=ACTIONS[1].id)
    verdict = store.verify_audit()
    assert (verdict.faults, verdict.covered, verdict.uncovered, verdict.before_chain) == ((), 1, 11, 1)
    assert faults_after(store, "update progress set state = 'dropped'") != ()


def test_a_change_that_its_caller_does_not_log_gets_an_entry_all_the_same(store: ReviewStore) -> None:
    before = store.revision()
    store.mark([(ACTIONS[1].id, "done", MONDAY)], "", CSM)
    [line] = store.audit_lines(1)
    assert (line.seq, line.who, line.what) == (before + 1, "saveplay", "stored progress")
    assert store.verify_audit().is_sound


def test_the_same_actions_stored_again_after_a_crash_need_no_second_entry(store: ReviewStore) -> None:
    before = store.revision()
    store.save_actions(W48, MONDAY, ACTIONS)
    assert store.revision() == before


def test_what_is_undone_with_its_transaction_leaves_nothing_to_explain(store: ReviewStore) -> None:
    def work() -> None:
        with store.transaction():
            store.mark([(ACTIONS[1].id, "done", MONDAY)], "", CSM)
            raise RuntimeError("the power went out")

    with pytest.raises(RuntimeError):
        work()
    store.log("", CSM, "went home")
    assert store.verify_audit().is_sound
    assert "content" not in store.audit_lines(1)[0].facts


def test_the_command_names_what_was_changed_and_says_what_needs_an_anchor(tmp_path: Path) -> None:
    with open_store(str(tmp_path / "store")) as session:
        fill(session.store)
    sound = saveplay("audit", "verify", "--store", tmp_path / "store").check_exit(DONE)
    assert "show only against an anchor kept elsewhere" in sound.err
    with open_store(str(tmp_path / "store")) as session:
        session.store.database.execute("update decisions set body = replace(body, 'approve', 'reject')", {})
    said = saveplay("audit", "verify", "--store", tmp_path / "store").check_exit(REFUSED).out
    assert f"the decision on the plan of {W48} is not the one that {LEADER} recorded at entry 6" in said


def test_the_table_for_people_has_every_way_that_is_tried_here() -> None:
    page = (ROOT / "docs" / "desk.md").read_text(encoding="utf-8")
    table = page.partition("## What tampering shows")[2]
    assert [what for what in NOTICED if what not in table] == []
