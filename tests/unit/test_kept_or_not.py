"""A process that is killed at any statement leaves a change together with its audit entry, or neither."""

import os
import signal
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from app.desk.sessions import Sessions
from app.desk.settings import DeskSettings
from app.service import (
    import_action_states,
    record_decisions,
    record_unattended_decisions,
    save_override,
    save_proposal,
    set_action_state,
)
from app.stores import FolderLocation
from app.wiring import StoreSession, utc_now
from domain.decisions import CloseDecision, Decisions, PlayDecision
from domain.desk import Member
from domain.portfolio import BandOverride
from domain.questions import PlayRequest
from domain.record import Row
from tests.sample_review import sample_review
from tools.store.desk_store import DeskStore
from tools.store.review_store import ReviewStore
from tools.store.sqlite import Sqlite

W48, MONDAY = "2026-W48", date(2026, 11, 23)
ACTIONS = sample_review(state="closed").actions[:5]
LEADER = Member(name="Dana", role="leader")
KILLED, ENDED = 77, 0
Change = Callable[[StoreSession], object]


class FailingSqlite(Sqlite):
    """A database whose process dies at a numbered statement, as by ``kill -9``."""

    def __init__(self, folder: Path, statements: int) -> None:
        super().__init__(folder)
        self._left = statements

    def _count(self) -> None:
        self._left -= 1
        if self._left < 0:
            os._exit(KILLED)

    def execute(self, sql: str, values: Mapping[str, Any]) -> int:
        self._count()
        return super().execute(sql, values)

    def execute_each(self, sql: str, values: Sequence[Mapping[str, Any]]) -> None:
        self._count()
        super().execute_each(sql, values)

    def rows(self, sql: str, values: Mapping[str, Any]) -> list[Row]:
        self._count()
        return super().rows(sql, values)


def decisions(close: bool = False) -> Decisions:
    plays = (PlayDecision(account="A-1", decision="approve"), PlayDecision(account="A-2", decision="approve"))
    return Decisions(review=W48, decided_by="Dana", plays=plays, close=CloseDecision() if close else None)


def sessions(session: StoreSession) -> Sessions:
    return Sessions(DeskStore(session.store), DeskSettings(), utc_now)


def override(session: StoreSession) -> None:
    save_override(session, "A-1", BandOverride(band="red", reason="so", by="Dana", until=MONDAY), MONDAY)


def propose(session: StoreSession) -> None:
    save_proposal(session, PlayRequest(account_id="A-1", question="Save A-1", by="Dana", on=MONDAY, said=(), tried=()))


def mark_all(session: StoreSession) -> None:
    states = [(action.id, "done", MONDAY) for action in ACTIONS]
    import_action_states(session, states, "Dana", "", "actions.csv")


def choose(session: StoreSession) -> None:
    DeskStore(session.store).save_choice(W48, 1, decisions().plays[0], "Dana", 0)


CHANGES: dict[str, tuple[Change, str, str, int]] = {
    "decide": (lambda s: record_decisions(s, W48, "plan", decisions()), "decisions", "decided", 1),
    "close": (lambda s: record_decisions(s, W48, "close", decisions(close=True)), "decisions", "closed", 1),
    "unattended": (lambda s: record_unattended_decisions(s, W48, decisions()), "decisions", "decided", 2),
    "done": (lambda s: set_action_state(s, ACTIONS[0].id, "done", MONDAY, "Dana", ""), "progress", "done", 1),
    "import": (mark_all, "progress", "imported", len(ACTIONS)),
    "override": (override, "overrides", "override", 1),
    "propose": (propose, "proposals", "proposed", 1),
    "choose": (choose, "choices", "chose", 1),
    "note": (lambda s: DeskStore(s.store).save_note(W48, "A-1", "Dana", "now", "Hm"), "notes", "wrote down", 1),
    "session": (lambda s: sessions(s).start_session(LEADER), "keys", "signed in", 1),
    "token": (lambda s: sessions(s).create_token(LEADER, "Dana", 3), "keys", "made a token", 1),
    "link": (lambda s: sessions(s).create_link(LEADER, "Dana"), "keys", "made a link", 1),
}
"""Operation, the table it changes, the audit entry it writes, and the rows of a finished change."""


def prepare(folder: Path) -> None:
    """A store with a started review, its actions and an audit key."""
    store = ReviewStore(folder, utc_now)
    store.start(W48, MONDAY, {})
    store.save_actions(W48, MONDAY, ACTIONS)
    store.log(W48, "Dana", "started")
    store.close()


def run_killed(folder: Path, change: Change, statements: int) -> int:
    """Run the change in a process of its own that dies after so many statements. Returns its exit code."""
    process = os.fork()
    if process == 0:
        code = 1
        try:
            location = FolderLocation(folder)
            database = FailingSqlite(folder, 10_000)
            session = StoreSession(location, ReviewStore(database, utc_now))
            database._left = statements
            change(session)
            code = ENDED
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_killed_at_any_statement_is_kept_with_its_entry_or_not_at_all(name: str, tmp_path: Path) -> None:
    change, table, what, rows = CHANGES[name]
    prepare(tmp_path)
    kills, code = 0, KILLED
    while code == KILLED:
        code = run_killed(tmp_path, change, kills)
        if code == -signal.SIGSEGV:  # a fork of a process with threads of libraries may die before it does anything
            code = run_killed(tmp_path, change, kills)
        assert code in (KILLED, ENDED), "the operation failed on its own"
        database = Sqlite(tmp_path)
        changed = database.rows(f"select count(*) as n from {table}{CONDITION.get(table, '')}", {})[0]["n"]
        entries = database.rows("select count(*) as n from audit where what = :what", {"what": what})[0]["n"]
        store = ReviewStore(database, utc_now)
        assert store.verify_audit().is_sound
        store.close()
        assert (changed, bool(entries)) == ((rows, True) if code == ENDED else (0, False)), f"killed at {kills}"
        kills += 1
    assert kills > 3, "the change has fewer statements than it must have"


CONDITION = {"keys": " where kind not in ('audit', 'audit-head', 'audit-keys')"}
"""Rows of a table that are the change."""
