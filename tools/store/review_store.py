"""Reviews, phase results, decisions, actions, progress, overrides and the audit log, in one relational store.

Every write is an upsert by a business key, so that a step repeated after a crash changes nothing. Lists for people are sorted
here, because databases sort text in different ways. Times come from the caller's clock and are only in the audit log: no
decision and no draft depends on them.
"""

import hashlib
import json
import os
import secrets
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from domain.decisions import Decisions
from domain.desk import AuditEntry, EntryPoint
from domain.errors import DecisionError, UnknownReference
from domain.portfolio import BandOverride
from domain.questions import PlayRequest
from domain.record import Record, Row
from domain.tracking import Action
from tools.store import content
from tools.store.audit_key import KeyPlace, read_or_make
from tools.store.audit_log import AuditedStore
from tools.store.database import Database
from tools.store.tables import UPSERT
from tools.store.versions import bring_up_to_date, find_value

R = TypeVar("R", bound=Record)
_ITEMS_PER_ENTRY = 200
"""Items of a list in one audit entry, so that an entry stays readable."""
_LARGEST_SEQ = 2**53
"""More than any number of an audit entry: every integer up to here is exact in both databases and in JSON."""


class ReviewStore(AuditedStore):
    """One store in a database; a folder means the SQLite file ``saveplay.db`` in it.

    ``clock`` gives the time of an audit entry as ISO text in UTC, ``way`` the interface in use, ``secret`` a new audit key,
    ``key_folder`` the folder outside the store for the file with its audit key; without one the store holds the key.
    Creating it makes the tables of a new store and brings an older store to the newest version.
    """

    def __init__(
        self,
        database: Database | Path,
        clock: Callable[[], str],
        way: EntryPoint = "command line",
        secret: Callable[[], str] = lambda: secrets.token_hex(32),
        key_folder: Path | None = None,
    ) -> None:
        if isinstance(database, Path):
            from tools.store.sqlite import Sqlite

            database = Sqlite(database)
        super().__init__(database, clock, way)
        self._secret = secret
        self._key_folder = key_folder
        bring_up_to_date(database)

    def close(self) -> None:
        """Close the connection."""
        self._database.close()

    # reviews ---------------------------------------------------------------------------------------------------------

    def start(self, review_id: str, as_of: date, request: Row) -> int:
        """Start a run of a week and return its number, 1 for the first. Results and decisions of an earlier run are deleted.

        Drafts of a model are kept, because they cost money: the same request to the same model uses them again. Approved
        actions and running plays are kept until people decide again: until then they are what was promised.
        """
        with self.transaction():
            last = self._row("select run from reviews where review_id = :review_id", review_id=review_id)
            for table, spared in (
                ("documents", " and kind <> 'running' and kind not like 'draft:%'"),
                ("decisions", ""),
            ):
                deleted = self._database.execute(
                    f"delete from {table} where review_id = :review_id{spared}", {"review_id": review_id}
                )
                if deleted and table == "decisions":
                    self.changed(table, review_id, "plan")
                    self.changed(table, review_id, "close")
            run = (last["run"] if last else 0) + 1
            body = json.dumps(request, sort_keys=True)
            row = {"review_id": review_id, "as_of": as_of.isoformat(), "request": body, "run": run}
            self._database.execute(UPSERT["review"], row)
        return run

    def request(self, review_id: str) -> tuple[Row, str, int]:
        """The request, the state and the number of the run. Raises UnknownReference."""
        row = self._row("select * from reviews where review_id = :review_id", review_id=review_id)
        if row is None:
            known = [name for name, _, _ in self.reviews()][::-1]
            there = f"known: {', '.join(known[:5])}" if known else "no review has been run in this store yet"
            unknown = UnknownReference(f"no review {review_id!r} in {self._database.name}; {there}")
            unknown.public = f"no review {review_id!r} in the store; {there}"
            raise unknown
        return json.loads(row["request"]), row["state"], row["run"]

    def set_state(self, review_id: str, state: str) -> None:
        """Record the progress of a review, for example ``waiting:plan``."""
        with self.transaction():
            values = {"state": state, "review_id": review_id}
            self._database.execute("update reviews set state = :state where review_id = :review_id", values)

    def reviews(self) -> list[tuple[str, date, str]]:
        """Id, date and state of every review, oldest first."""
        rows = self._rows("select * from reviews order by as_of")
        return [(row["review_id"], date.fromisoformat(row["as_of"]), row["state"]) for row in rows]

    # phase results ---------------------------------------------------------------------------------------------------

    def save(self, review_id: str, kind: str, record: Record) -> str:
        """Save the result of a phase. Returns the hash of its JSON: 16 hexadecimal digits."""
        body = record.model_dump_json()
        with self.transaction():
            self._database.execute(UPSERT["document"], {"review_id": review_id, "kind": kind, "body": body})
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
        """True if the phase has finished."""
        found = self._row(
            "select kind from documents where review_id = :review_id and kind = :kind", review_id=review_id, kind=kind
        )
        return found is not None

    def kinds(self, review_id: str) -> tuple[str, ...]:
        """Names of the phase results so far, sorted; drafts are left out."""
        rows = self._rows("select kind from documents where review_id = :review_id", review_id=review_id)
        return tuple(sorted(row["kind"] for row in rows if not row["kind"].startswith("draft:")))

    # decisions -------------------------------------------------------------------------------------------------------

    def decide(self, review_id: str, gate: str, decisions: Decisions) -> None:
        """Save the decision at a gate (``plan`` or ``close``), before the review continues. It is final.

        Raises DecisionError for a second one.
        """
        with self.transaction():
            row = {"review_id": review_id, "gate": gate, "body": decisions.model_dump_json()}
            # No update on conflict: of two people who decide at once, the first counts and the second gets the error.
            insert = "insert into decisions values (:review_id, :gate, :body) on conflict do nothing"
            if self._database.execute(insert, row) == 0:
                raise DecisionError(f"{review_id} was already decided; go on with: saveplay resume {review_id}")
            self.changed("decisions", review_id, gate)

    def decision(self, review_id: str, gate: str) -> Decisions | None:
        """The decision at a gate, or None."""
        row = self._row(
            "select body from decisions where review_id = :review_id and gate = :gate", review_id=review_id, gate=gate
        )
        return Decisions.model_validate_json(row["body"]) if row else None

    # actions and progress --------------------------------------------------------------------------------------------

    def save_actions(self, review_id: str, on: date, actions: Iterable[Action]) -> None:
        """Save the approved actions of a review, approved ``on`` that day; those of an earlier run are replaced."""
        with self.transaction():
            before = content.hash_content(self._database, "actions", (review_id,))
            self._database.execute("delete from actions where approved_in = :review_id", {"review_id": review_id})
            day = on.isoformat()
            rows = [
                {"action_id": a.id, "approved_in": review_id, "approved_on": day, "body": a.model_dump_json()}
                for a in actions
            ]
            self._database.execute_each(UPSERT["action"], rows)
            if content.hash_content(self._database, "actions", (review_id,)) != before:
                self.changed("actions", review_id)

    def actions_of(self, review_id: str) -> list[Action]:
        """Actions that this review stored, sorted by id, also those of an earlier run of its week."""
        rows = self._rows("select body from actions where approved_in = :review_id", review_id=review_id)
        return sorted((Action.model_validate_json(row["body"]) for row in rows), key=lambda action: action.id)

    def actions_before(self, as_of: date, account_id: str | None = None, besides: str = "") -> list[Action]:
        """Actions approved before ``as_of``, each as the latest review left it, sorted by id; of one account if given.

        ``besides`` is a review whose own approvals are left out: an earlier run of its week is nothing before it.
        """
        rows = self._rows(
            "select * from actions where approved_on < :as_of and approved_in <> :besides order by approved_on",
            as_of=as_of.isoformat(),
            besides=besides,
        )
        # Most rows are of other accounts: a text search rules them out before any JSON is parsed.
        named = json.dumps(account_id, ensure_ascii=False) if account_id is not None else ""
        latest = {row["action_id"]: row["body"] for row in rows if named in row["body"]}
        found = [Action.model_validate_json(latest[action_id]) for action_id in sorted(latest)]
        return [action for action in found if account_id is None or action.account_id == account_id]

    def action(self, action_id: str) -> Action:
        """One action, as the latest review that approved it left it. Raises UnknownReference with near ids."""
        rows = self._rows(
            "select body from actions where action_id = :action_id order by approved_on desc", action_id=action_id
        )
        if not rows:
            raise UnknownReference(_unknown_action(action_id, self.action_ids()))
        return Action.model_validate_json(rows[0]["body"])

    def action_ids(self) -> list[str]:
        """Ids of all actions, sorted."""
        return sorted(row["action_id"] for row in self._rows("select distinct action_id from actions"))

    def approval_days(self) -> dict[str, date]:
        """By action id the day of the review that first approved it."""
        rows = self._rows("select action_id, min(approved_on) as approved_on from actions group by action_id")
        return {row["action_id"]: date.fromisoformat(row["approved_on"]) for row in rows}

    def mark(
        self, marks: Sequence[tuple[str, str, date | None]] | Sequence[tuple[str, str, date]], note: str, by: str
    ) -> None:
        """Record progress, all or nothing: (action id, ``done``, ``dropped`` or ``open``, day). Raises UnknownReference."""
        known = set(self.action_ids())
        for action_id, _, _ in marks:
            if action_id not in known:
                raise UnknownReference(_unknown_action(action_id, sorted(known)))
        with self.transaction():
            for action_id, state, on in marks:
                day = on.isoformat() if on else None
                row = {"action_id": action_id, "state": state, "on_day": day, "note": note, "said_by": by}
                self._database.execute(UPSERT["progress"], row)
                self.changed("progress", action_id)

    def progress(self) -> dict[str, tuple[str, date | None]]:
        """State and day of each marked action, by action id."""
        return {
            row["action_id"]: (row["state"], date.fromisoformat(row["on_day"]) if row["on_day"] else None)
            for row in self._rows("select * from progress")
        }

    def progress_notes(self) -> dict[str, str]:
        """Notes of people who marked an action, by action id; without the empty ones."""
        rows = self._rows("select action_id, note from progress where note is not null and note <> ''")
        return {row["action_id"]: row["note"] for row in rows}

    # overrides -------------------------------------------------------------------------------------------------------

    def override(self, account_id: str, set_on: date, override: BandOverride) -> None:
        """Save a person's own health band for an account; one a day, the latest counts."""
        with self.transaction():
            row = {"account_id": account_id, "set_on": set_on.isoformat(), "body": override.model_dump_json()}
            self._database.execute(UPSERT["override"], row)
            self.changed("overrides", account_id, row["set_on"])

    def overrides(self, as_of: date) -> dict[str, BandOverride]:
        """Overrides in force on ``as_of``, the latest of each account, by account id."""
        rows = self._rows("select * from overrides where set_on <= :as_of order by set_on", as_of=as_of.isoformat())
        found = {row["account_id"]: BandOverride.model_validate_json(row["body"]) for row in rows}
        return {account: item for account, item in found.items() if item.until >= as_of}

    # proposals -------------------------------------------------------------------------------------------------------

    def propose(self, proposal: PlayRequest) -> None:
        """Save a requested play for the next decision; a later request for the same account replaces it."""
        with self.transaction():
            row = {"account_id": proposal.account_id, "on_day": proposal.on.isoformat()}
            self._database.execute(UPSERT["proposal"], {**row, "body": proposal.model_dump_json()})
            self.changed("proposals", proposal.account_id)
            self.log("", proposal.by, "proposed", account=proposal.account_id, question=proposal.question)

    def proposals(self, review_id: str, as_of: date) -> list[PlayRequest]:
        """Requests up to ``as_of`` that no earlier review has decided, sorted by account."""
        rows = self._rows(
            "select * from proposals where on_day <= :day and (settled is null or settled = :review_id)",
            day=as_of.isoformat(),
            review_id=review_id,
        )
        return [PlayRequest.model_validate_json(row["body"]) for row in sorted(rows, key=lambda row: row["account_id"])]

    def settle_proposals(self, review_id: str, accounts: Iterable[str]) -> None:
        """Mark the requests for these accounts as decided by this review."""
        with self.transaction():
            settle = "update proposals set settled = :review_id where account_id = :account_id and settled is null"
            for account in accounts:
                if self._database.execute(settle, {"review_id": review_id, "account_id": account}):
                    self.changed("proposals", account)

    # audit -----------------------------------------------------------------------------------------------------------

    def log_list(self, review_id: str, who: str, what: str, name: str, items: Sequence[Any], **facts: Any) -> None:
        """Add a list of any length to the audit log under ``name``, at most 200 items in an entry.

        The first entry has the other facts; further ones say which part of how many they are. Without items there is one.
        """
        parts = [items[at : at + _ITEMS_PER_ENTRY] for at in range(0, len(items), _ITEMS_PER_ENTRY)] or [[]]
        with self.transaction():
            for number, part in enumerate(parts, start=1):
                which = {"part": f"{number} of {len(parts)}"} if len(parts) > 1 else {}
                self.log(review_id, who, what, **(facts if number == 1 else {}), **which, **{name: list(part)})

    def audit_lines(self, most: int, before: int | None = None) -> list[AuditEntry]:
        """Up to ``most`` entries of all reviews, newest first; only those numbered below ``before`` if given."""
        rows = self._rows(
            "select * from audit where seq < :before order by seq desc limit :most",
            before=before if before is not None else _LARGEST_SEQ,
            most=most,
        )
        return [AuditEntry(**{**row, "facts": json.loads(row["facts"])}) for row in rows]

    def account_audit(self, account_id: str, most: int) -> list[AuditEntry]:
        """Up to ``most`` entries about one account, newest first."""
        named = json.dumps(account_id)
        rows = self._rows("select * from audit order by seq desc")
        lines = (AuditEntry(**{**row, "facts": json.loads(row["facts"])}) for row in rows if named in row["facts"])
        return list(islice((line for line in lines if line.facts.get("account") == account_id), most))

    def audit_keys(self) -> list[bytes]:
        """Keys of the chain that are known here, the one in use first; made at first use.

        In use is SAVEPLAY_AUDIT_KEY, else the key that the store itself holds, else the store's file in ``key_folder``.
        """
        given = os.environ.get("SAVEPLAY_AUDIT_KEY")
        found = [given.encode()] if given else []
        with self._database.writing():
            row = self._row("select body from keys where kind = 'audit'")
            if row is not None:
                found.append(str(row["body"]).encode())
            if self._key_file is not None and (self._key_file.exists() or not found):
                found += reversed(read_or_make(self._key_file, self._secret) or [])
            if not found:
                row = {"digest": "audit", "kind": "audit", "body": self._secret(), "expires": "9999"}
                insert = "insert into keys values (:digest, :kind, :body, :expires) on conflict do nothing"
                self._database.execute(insert, row)
                found.append(str(row["body"]).encode())
        return found

    def audit_key_place(self) -> KeyPlace:
        """Where the key of the chain is."""
        if os.environ.get("SAVEPLAY_AUDIT_KEY"):
            return KeyPlace(kind="environment")
        if self._row("select body from keys where kind = 'audit'") is not None or self._key_file is None:
            return KeyPlace(kind="store")
        return KeyPlace(kind="file", file=str(self._key_file))

    @cached_property
    def _key_file(self) -> Path | None:
        """File for the key of this store; None if the key is kept in the store."""
        name = find_value(self._database, "store_id")
        return self._key_folder / f"{name}.key" if self._key_folder is not None and name is not None else None

    def revision(self) -> int:
        """Number of the newest audit entry, 0 for none. It grows with every change, so pages use it to see changes."""
        row = self._row("select max(seq) as seq from audit")
        return int(row["seq"] or 0) if row else 0

    def audit(self, review_id: str) -> list[Row]:
        """Audit entries of one review, oldest first, as written to ``audit.jsonl``."""
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
