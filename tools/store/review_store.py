"""The small relational store: reviews, phase results, decisions, actions, progress, overrides, the audit log.

Every write is an upsert by a business key, so that doing it twice is doing it once. The SQL is the portable core that
SQLite and PostgreSQL share, with parameters like ``:this``; dates are ISO text. What has an order for people is sorted
here: databases sort text each in its own way. Times come from the caller's clock and stay in the audit log: nothing
that is decided or drafted depends on them.
"""

import hashlib
import json
import os
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any, Protocol, TypeVar

from domain.decisions import Decisions
from domain.desk import AuditAnchor, AuditEntry, EntryPoint
from domain.errors import DecisionError, UnknownReference
from domain.portfolio import BandOverride
from domain.questions import PlayRequest
from domain.record import Record
from domain.tracking import Action
from tools.store import audit_chain

R = TypeVar("R", bound=Record)
Row = dict[str, Any]

_SCHEMA = """
create table if not exists reviews (review_id text primary key, as_of text not null, request text not null,
    state text not null, run integer not null);
create table if not exists documents (review_id text, kind text, body text not null, primary key (review_id, kind));
create table if not exists decisions (review_id text, gate text, body text not null, primary key (review_id, gate));
create table if not exists actions (action_id text, approved_in text, approved_on text not null, body text not null,
    primary key (action_id, approved_in));
create table if not exists progress (action_id text primary key, state text not null, on_day text, note text not null,
    said_by text not null);
create table if not exists overrides (account_id text, set_on text, body text not null, primary key (account_id, set_on));
create table if not exists proposals (account_id text primary key, on_day text not null, body text not null,
    settled text);
create table if not exists audit (seq {counted}, at text not null, review_id text not null, who text not null,
    what text not null, facts text not null);
create table if not exists chain (seq integer primary key, mac text not null);
create table if not exists keys (digest text primary key, kind text not null, body text not null,
    expires text not null);
create table if not exists choices (review_id text, run integer, account_id text, number integer not null,
    body text not null, primary key (review_id, run, account_id));
create table if not exists notes (seq {counted}, review_id text not null, account_id text not null, at text not null,
    who text not null, body text not null);
create table if not exists views (who text, name text, query text not null, primary key (who, name));
create table if not exists answers (call text primary key, asked text not null, status integer not null,
    body text not null, at text not null);
"""
_UPSERT = {
    "review": "insert into reviews values (:review_id, :as_of, :request, 'running', :run) on conflict (review_id) do "
    "update set as_of = excluded.as_of, request = excluded.request, state = excluded.state, run = excluded.run",
    "document": "insert into documents values (:review_id, :kind, :body) on conflict (review_id, kind) do update set "
    "body = excluded.body",
    "action": "insert into actions values (:action_id, :approved_in, :approved_on, :body) on conflict (action_id, "
    "approved_in) do update set approved_on = excluded.approved_on, body = excluded.body",
    "progress": "insert into progress values (:action_id, :state, :on_day, :note, :said_by) on conflict (action_id) do "
    "update set state = excluded.state, on_day = excluded.on_day, note = excluded.note, said_by = excluded.said_by",
    "proposal": "insert into proposals values (:account_id, :on_day, :body, null) on conflict (account_id) do update "
    "set on_day = excluded.on_day, body = excluded.body, settled = null",
    "override": "insert into overrides values (:account_id, :set_on, :body) on conflict (account_id, set_on) do update "
    "set body = excluded.body",
}


class Database(Protocol):
    """What a store asks of a database: `tools.store.sqlite` and `tools.store.postgres` have one each."""

    name: str
    """As people are told where the store is."""
    counted: str
    """The type of a column that numbers its rows; the one thing that each database writes in its own way."""

    def create(self, tables: str) -> None:
        """Make those tables that are not there."""

    def rows(self, sql: str, values: Mapping[str, Any]) -> list[Row]:
        """What a query finds."""

    def execute(self, sql: str, values: Mapping[str, Any]) -> int:
        """Carry out a change; returns how many rows it changed."""

    def execute_each(self, sql: str, values: Sequence[Mapping[str, Any]]) -> None:
        """Carry out a change for each of the rows."""

    def writing(self) -> AbstractContextManager[None]:
        """All or nothing, and one process after the other."""

    def reading(self) -> AbstractContextManager[None]:
        """Everything that is read in the block is of one moment. Nothing is written in it."""

    def close(self) -> None:
        """Give the connection back."""


class ReviewStore:
    """One store, in a database. A folder stands for the SQLite file in it."""

    def __init__(
        self,
        database: Database | Path,
        clock: Callable[[], str],
        way: EntryPoint = "command line",
        secret: Callable[[], str] = lambda: secrets.token_hex(32),
    ) -> None:
        if isinstance(database, Path):
            from tools.store.sqlite import Sqlite

            database = Sqlite(database)
        self._database: Database = database
        self._clock = clock
        self._secret = secret
        self.way: EntryPoint = way
        """From which way in what is logged is done."""
        database.create(_SCHEMA.format(counted=database.counted))

    def _rows(self, sql: str, **values: Any) -> list[Row]:
        return self._database.rows(sql, values)

    def _row(self, sql: str, **values: Any) -> Row | None:
        return next(iter(self._rows(sql, **values)), None)

    def reading(self) -> AbstractContextManager[None]:
        """Everything that is read in the block is of one moment, whatever others write. Nothing is written in it."""
        return self._database.reading()

    def together(self) -> AbstractContextManager[None]:
        """Everything that is written in the block is kept, or nothing of it."""
        return self._database.writing()

    @property
    def database(self) -> Database:
        """Where everything is."""
        return self._database

    def close(self) -> None:
        """Give the connection back."""
        self._database.close()

    # reviews ---------------------------------------------------------------------------------------------------------

    def start(self, review_id: str, as_of: date, request: Row) -> int:
        """Begin the week anew: what an earlier run of the same week left is replaced. Returns the run's number.

        What a model was paid for stays: a draft is used again when the same is asked of the same model.
        """
        with self._database.writing():
            last = self._row("select run from reviews where review_id = :review_id", review_id=review_id)
            for table, column in (("documents", "review_id"), ("decisions", "review_id"), ("actions", "approved_in")):
                spared = " and kind not like 'draft:%'" if table == "documents" else ""
                self._database.execute(
                    f"delete from {table} where {column} = :review_id{spared}", {"review_id": review_id}
                )
            run = (last["run"] if last else 0) + 1
            body = json.dumps(request, sort_keys=True)
            row = {"review_id": review_id, "as_of": as_of.isoformat(), "request": body, "run": run}
            self._database.execute(_UPSERT["review"], row)
        return run

    def request(self, review_id: str) -> tuple[Row, str, int]:
        """What was asked for, the state, and the run's number. Raises UnknownReference."""
        row = self._row("select * from reviews where review_id = :review_id", review_id=review_id)
        if row is None:
            known = [name for name, _, _ in self.reviews()][::-1]
            there = f"known: {', '.join(known[:5])}" if known else "no review has been run in this store yet"
            raise UnknownReference(f"no review {review_id!r} in {self._database.name}; {there}")
        return json.loads(row["request"]), row["state"], row["run"]

    def set_state(self, review_id: str, state: str) -> None:
        """Remember how far the review is."""
        with self._database.writing():
            values = {"state": state, "review_id": review_id}
            self._database.execute("update reviews set state = :state where review_id = :review_id", values)

    def reviews(self) -> list[tuple[str, date, str]]:
        """Id, date and state of every review, oldest first."""
        rows = self._rows("select * from reviews order by as_of")
        return [(row["review_id"], date.fromisoformat(row["as_of"]), row["state"]) for row in rows]

    # phase results ---------------------------------------------------------------------------------------------------

    def put(self, review_id: str, kind: str, record: Record) -> str:
        """Keep the result of a phase. Returns the hash of what is kept: 16 hexadecimal digits."""
        body = record.model_dump_json()
        with self._database.writing():
            self._database.execute(_UPSERT["document"], {"review_id": review_id, "kind": kind, "body": body})
        return _content_hash(body)

    def get(self, review_id: str, kind: str, model: type[R]) -> R:
        """The result of a phase. Raises UnknownReference when the phase has not finished."""
        return self.get_with_hash(review_id, kind, model)[0]

    def get_with_hash(self, review_id: str, kind: str, model: type[R]) -> tuple[R, str]:
        """The result of a phase with the hash of what is stored, computed like that of ``put``.

        Raises UnknownReference when the phase has not finished.
        """
        body = self._document(review_id, kind)
        if body is None:
            raise UnknownReference(f"{review_id} has no {kind} yet; run `saveplay resume {review_id}`")
        return model.model_validate_json(body), _content_hash(body)

    def find(self, review_id: str, kind: str, model: type[R]) -> R | None:
        """The result of a phase, or None."""
        body = self._document(review_id, kind)
        return model.model_validate_json(body) if body is not None else None

    def _document(self, review_id: str, kind: str) -> str | None:
        row = self._row(
            "select body from documents where review_id = :review_id and kind = :kind", review_id=review_id, kind=kind
        )
        return row["body"] if row else None

    def has(self, review_id: str, kind: str) -> bool:
        """Whether a phase has finished."""
        found = self._row(
            "select kind from documents where review_id = :review_id and kind = :kind", review_id=review_id, kind=kind
        )
        return found is not None

    def kinds(self, review_id: str) -> tuple[str, ...]:
        """The phase results that there are, by name; drafts left out."""
        rows = self._rows("select kind from documents where review_id = :review_id", review_id=review_id)
        return tuple(sorted(row["kind"] for row in rows if not row["kind"].startswith("draft:")))

    # decisions -------------------------------------------------------------------------------------------------------

    def decide(self, review_id: str, gate: str, decisions: Decisions) -> None:
        """Store a decision before anything resumes; once given, it stands. Raises DecisionError for a second one."""
        with self._database.writing():
            row = {"review_id": review_id, "gate": gate, "body": decisions.model_dump_json()}
            insert = "insert into decisions values (:review_id, :gate, :body) on conflict do nothing"
            if self._database.execute(insert, row) == 0:
                raise DecisionError(f"{review_id} was already decided; go on with: saveplay resume {review_id}")

    def decision(self, review_id: str, gate: str) -> Decisions | None:
        """What was decided at a gate, or None."""
        row = self._row(
            "select body from decisions where review_id = :review_id and gate = :gate", review_id=review_id, gate=gate
        )
        return Decisions.model_validate_json(row["body"]) if row else None

    # actions and progress --------------------------------------------------------------------------------------------

    def save_actions(self, review_id: str, on: date, actions: Iterable[Action]) -> None:
        """The approved actions of a review; each once, by its id, however often this is called."""
        with self._database.writing():
            self._database.execute("delete from actions where approved_in = :review_id", {"review_id": review_id})
            day = on.isoformat()
            rows = [
                {"action_id": a.id, "approved_in": review_id, "approved_on": day, "body": a.model_dump_json()}
                for a in actions
            ]
            self._database.execute_each(_UPSERT["action"], rows)

    def actions_before(self, as_of: date, account_id: str | None = None) -> list[Action]:
        """All actions that reviews before ``as_of`` approved, as the latest of them left each; by id.

        Of one account only, if one is named.
        """
        rows = self._rows(
            "select * from actions where approved_on < :as_of order by approved_on", as_of=as_of.isoformat()
        )
        named = json.dumps(account_id, ensure_ascii=False) if account_id is not None else ""
        latest = {row["action_id"]: row["body"] for row in rows if named in row["body"]}
        found = [Action.model_validate_json(latest[action_id]) for action_id in sorted(latest)]
        return [action for action in found if account_id is None or action.account_id == account_id]

    def action(self, action_id: str) -> Action:
        """One action, as the latest review that approved it left it. Raises UnknownReference."""
        rows = self._rows(
            "select body from actions where action_id = :action_id order by approved_on desc", action_id=action_id
        )
        if not rows:
            raise UnknownReference(_unknown_action(action_id, self.action_ids()))
        return Action.model_validate_json(rows[0]["body"])

    def action_ids(self) -> list[str]:
        """Every action there is."""
        return sorted(row["action_id"] for row in self._rows("select distinct action_id from actions"))

    def mark(
        self, marks: Sequence[tuple[str, str, date | None]] | Sequence[tuple[str, str, date]], note: str, by: str
    ) -> None:
        """Record progress, all or nothing: (action id, done, dropped or open, day). Raises UnknownReference."""
        known = set(self.action_ids())
        for action_id, _, _ in marks:
            if action_id not in known:
                raise UnknownReference(_unknown_action(action_id, sorted(known)))
        with self._database.writing():
            for action_id, state, on in marks:
                day = on.isoformat() if on else None
                row = {"action_id": action_id, "state": state, "on_day": day, "note": note, "said_by": by}
                self._database.execute(_UPSERT["progress"], row)

    def progress(self) -> dict[str, tuple[str, date | None]]:
        """State and day by action."""
        return {
            row["action_id"]: (row["state"], date.fromisoformat(row["on_day"]) if row["on_day"] else None)
            for row in self._rows("select * from progress")
        }

    # overrides -------------------------------------------------------------------------------------------------------

    def override(self, account_id: str, set_on: date, override: BandOverride) -> None:
        """A person's own judgement of a band, until a date."""
        with self._database.writing():
            row = {"account_id": account_id, "set_on": set_on.isoformat(), "body": override.model_dump_json()}
            self._database.execute(_UPSERT["override"], row)

    def overrides(self, as_of: date) -> dict[str, BandOverride]:
        """The overrides in force on ``as_of``, the latest of each account."""
        rows = self._rows("select * from overrides where set_on <= :as_of order by set_on", as_of=as_of.isoformat())
        found = {row["account_id"]: BandOverride.model_validate_json(row["body"]) for row in rows}
        return {account: item for account, item in found.items() if item.until >= as_of}

    # proposals -------------------------------------------------------------------------------------------------------

    def propose(self, proposal: PlayRequest) -> None:
        """A play that somebody asked for, to be put before the next decision; the latest of an account stands."""
        with self._database.writing():
            row = {"account_id": proposal.account_id, "on_day": proposal.on.isoformat()}
            self._database.execute(_UPSERT["proposal"], {**row, "body": proposal.model_dump_json()})

    def proposals(self, review_id: str, as_of: date) -> list[PlayRequest]:
        """What was asked for by ``as_of`` and no earlier review has decided, by account."""
        rows = self._rows(
            "select * from proposals where on_day <= :day and (settled is null or settled = :review_id)",
            day=as_of.isoformat(),
            review_id=review_id,
        )
        return [PlayRequest.model_validate_json(row["body"]) for row in sorted(rows, key=lambda row: row["account_id"])]

    def settle(self, review_id: str, accounts: Iterable[str]) -> None:
        """The review has decided on what was asked for these accounts."""
        with self._database.writing():
            self._database.execute_each(
                "update proposals set settled = :review_id where account_id = :account_id and settled is null",
                [{"review_id": review_id, "account_id": account} for account in accounts],
            )

    # audit -----------------------------------------------------------------------------------------------------------

    def log(self, review_id: str, who: str, what: str, **facts: Any) -> None:
        """One line of the audit log, with the time and the way in, joined to the audit_chain."""
        with self._database.writing():
            body = json.dumps({"way": self.way, **facts}, sort_keys=True)
            row = {"at": self._clock(), "review_id": review_id, "who": who, "what": what, "facts": body}
            self._database.execute(
                "insert into audit (at, review_id, who, what, facts) values (:at, :review_id, :who, :what, :facts)", row
            )
            line = self._row("select * from audit order by seq desc limit 1")
            head = self._row("select mac from chain order by seq desc limit 1")
            assert line is not None
            mac = audit_chain.entry_mac(self.audit_key(), head["mac"] if head else audit_chain.GENESIS_MAC, line)
            self._database.execute("insert into chain values (:seq, :mac)", {"seq": line["seq"], "mac": mac})

    def audit_lines(self, most: int, before: int | None = None) -> list[AuditEntry]:
        """The newest lines of the audit log over all reviews, newest first; those before a number if one is given."""
        rows = self._rows(
            "select * from audit where seq < :before order by seq desc limit :most",
            before=before if before is not None else 2**53,
            most=most,
        )
        return [AuditEntry(**{**row, "facts": json.loads(row["facts"])}) for row in rows]

    def account_audit(self, account_id: str, most: int) -> list[AuditEntry]:
        """The newest lines about one account, from every way in, newest first."""
        named = json.dumps(account_id)
        rows = self._rows("select * from audit order by seq desc")
        lines = (AuditEntry(**{**row, "facts": json.loads(row["facts"])}) for row in rows if named in row["facts"])
        return list(islice((line for line in lines if line.facts.get("account") == account_id), most))

    def audit_key(self) -> bytes:
        """What the chain is made with: SAVEPLAY_AUDIT_KEY, else a random key of this store, made at first use."""
        given = os.environ.get("SAVEPLAY_AUDIT_KEY")
        if given:
            return given.encode()
        with self._database.writing():
            row = self._row("select body from keys where kind = 'audit'")
            if row is None:
                row = {"digest": "audit", "kind": "audit", "body": self._secret(), "expires": "9999"}
                insert = "insert into keys values (:digest, :kind, :body, :expires) on conflict do nothing"
                self._database.execute(insert, row)
            return str(row["body"]).encode()

    def verify_audit(self, anchor: AuditAnchor | None = None) -> audit_chain.ChainReport:
        """Whether the audit log is as it was written, up to ``anchor`` at least."""
        with self.reading():
            lines = self._rows("select * from audit order by seq")
            links = self._rows("select * from chain order by seq")
        has_own_key = bool(os.environ.get("SAVEPLAY_AUDIT_KEY"))
        return audit_chain.verify_chain(
            self.audit_key(), lines, [(row["seq"], row["mac"]) for row in links], anchor, has_own_key
        )

    def head(self) -> AuditAnchor:
        """The newest entry of the audit_chain."""
        row = self._row("select count(*) as entries, max(seq) as seq from chain") or {"entries": 0, "seq": None}
        mac = self._row("select mac from chain order by seq desc limit 1")
        return AuditAnchor(
            entries=row["entries"], seq=row["seq"] or 0, mac=mac["mac"] if mac else audit_chain.GENESIS_MAC
        )

    def revision(self) -> int:
        """A number that grows with everything that anybody does: the newest line of the audit log."""
        row = self._row("select max(seq) as seq from audit")
        return int(row["seq"] or 0) if row else 0

    def audit(self, review_id: str) -> list[Row]:
        """The audit log of one review, oldest first."""
        rows = self._rows("select * from audit where review_id = :review_id order by seq", review_id=review_id)
        return [
            {"at": row["at"], "review": row["review_id"], "who": row["who"], "what": row["what"]}
            | json.loads(row["facts"])
            for row in rows
        ]


def _content_hash(body: str) -> str:
    """Hash by which a review knows a stored result: 16 hexadecimal digits. Open reviews hold such hashes: keep it."""
    return hashlib.sha256(body.encode()).hexdigest()[:16]


def _unknown_action(name: str, known: Sequence[str]) -> str:
    from rapidfuzz import process

    near = [match[0] for match in process.extract(name, known, limit=3, score_cutoff=60)]
    return f"no action {name!r}" + (f"; did you mean {', '.join(near)}?" if near else "; see actions.csv of the review")
