"""Audit log of a store: every change is written in one transaction with an entry, and the entry is linked to the chain.

The store keeps the newest link a second time, in ``keys``, so that an end that was cut off shows.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any

from domain.desk import AuditAnchor, EntryPoint
from domain.record import Row
from tools.store import audit_chain, content
from tools.store.audit_key import KeyPlace, fingerprint
from tools.store.database import Database


class AuditedStore(ABC):
    """Transactions, and the audit log that covers what they change."""

    def __init__(self, database: Database, clock: Callable[[], str], way: EntryPoint) -> None:
        self._database: Database = database
        self._clock = clock
        self.way: EntryPoint = way
        """Interface that audit entries name: command line, desk or API."""
        self._changed: dict[tuple[str, content.Key], None] = {}
        """Content that the running transaction changed and no audit entry covers yet, in order."""
        self._depth = 0

    @abstractmethod
    def audit_keys(self) -> list[bytes]:
        """Keys of the chain that are known here, the one in use first."""

    @abstractmethod
    def audit_key_place(self) -> KeyPlace:
        """Where the key in use is."""

    def audit_key(self) -> bytes:
        """Key of the chain that is in use."""
        return self.audit_keys()[0]

    @property
    def database(self) -> Database:
        """The database under this store."""
        return self._database

    def _rows(self, sql: str, **values: Any) -> list[Row]:
        return self._database.rows(sql, values)

    def _row(self, sql: str, **values: Any) -> Row | None:
        return next(iter(self._rows(sql, **values)), None)

    def reading(self) -> AbstractContextManager[None]:
        """One moment for all reads in the block, whatever others write. Nothing may be written in it."""
        return self._database.reading()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Transaction for the block: all its writes are kept or none. May be nested; the outermost block decides.

        Content that changed and that no entry of the block covers gets an entry of its own at the end.
        """
        with self._database.writing():
            self._depth += 1
            try:
                yield
                if self._depth == 1 and self._changed:
                    tables = sorted({table for table, _ in self._changed})
                    reviews = {
                        str(key[0]) for table, key in self._changed if table in ("decisions", "actions", "choices")
                    }
                    self.log(reviews.pop() if len(reviews) == 1 else "", "saveplay", f"stored {', '.join(tables)}")
            finally:
                self._depth -= 1
                if not self._depth:
                    self._changed.clear()

    def changed(self, table: str, *key: Any) -> None:
        """Note that content changed in this transaction. The next audit entry carries its hash."""
        self._changed[table, key] = None

    def log(self, review_id: str, who: str, what: str, **facts: Any) -> None:
        """Add one entry to the audit log, with time and interface, and its link to the chain. ``facts`` have to be JSON.

        The entry carries the hashes of what the transaction has changed before it.
        """
        with self.transaction():  # one writer at a time: two entries with the same predecessor would break the chain
            head = self._begin_cover()
            hashes: dict[str, list[list[Any]]] = {}
            for table in sorted({table for table, _ in self._changed}):
                keys = [key for name, key in self._changed if name == table]
                hashes[table] = content.hash_contents(self._database, table, keys)
            self._changed.clear()
            covered = {"content": hashes} if hashes else {}
            self._add_entry(head, review_id, who, what, {"way": self.way, **facts, **covered})

    def _begin_cover(self) -> AuditAnchor | None:
        """Head of the chain that the store keeps beside the chain, made at the first entry. None when it is lost or unreadable.

        A lost head is not made again while entries have hashes: that somebody removed it has to show.
        """
        if (row := self._row("select body from keys where digest = 'audit-head'")) is not None:
            with suppress(ValueError):
                return AuditAnchor.model_validate_json(row["body"])
            return None
        if self._row("select seq from audit where facts like '%\"content\": {%' limit 1") is not None:
            return None
        head = self.chain_head()
        insert = "insert into keys values ('audit-head', 'audit-head', :body, '9999')"
        self._database.execute(insert, {"body": head.model_dump_json()})
        uncovered = content.hash_everything(self._database)
        for table, key in self._changed:
            hashes = [each for each in uncovered.get(table, []) if tuple(each[:-1]) != key]
            uncovered = {**uncovered, table: hashes} if table in uncovered else uncovered
        uncovered = {table: hashes for table, hashes in uncovered.items() if hashes}
        # Fingerprints of keys are written with the first entry that has hashes: such a store has begun before.
        is_again = bool(self._key_epochs())
        if uncovered or is_again:
            facts = {"way": self.way, "content": uncovered}
            what = content.COVER_BEGAN_AGAIN if is_again else content.COVER_BEGAN
            return self._add_entry(head, "", "saveplay", what, facts)
        return head

    def _add_entry(
        self, kept: AuditAnchor | None, review_id: str, who: str, what: str, facts: Row
    ) -> AuditAnchor | None:
        """Write an entry and its link. Returns the new head; that in ``keys`` is moved on only if it was the newest link's."""
        row = {"at": self._clock(), "review_id": review_id, "who": who, "what": what}
        # The columns are listed because the database itself gives the number (``seq``).
        self._database.execute(
            "insert into audit (at, review_id, who, what, facts) values (:at, :review_id, :who, :what, :facts)",
            {**row, "facts": json.dumps(facts, sort_keys=True)},
        )
        # Read back, so that the hash covers exactly what is stored, with its number.
        line = self._row("select * from audit order by seq desc limit 1")
        newest = self._row("select seq, mac from chain order by seq desc limit 1") or {"seq": 0}
        assert line is not None
        before = newest.get("mac", audit_chain.GENESIS_MAC)
        mac = audit_chain.entry_mac(self._key_from(line["seq"]), before, line)
        self._database.execute("insert into chain values (:seq, :mac)", {"seq": line["seq"], "mac": mac})
        if kept is None or (kept.seq, kept.mac) != (newest["seq"], before):
            return kept
        head = AuditAnchor(entries=kept.entries + 1, seq=line["seq"], mac=mac)
        update = "update keys set body = :body where digest = 'audit-head'"
        self._database.execute(update, {"body": head.model_dump_json()})
        return head

    def _key_from(self, seq: int) -> bytes:
        """The key in use. Its fingerprint is kept with the number of its first entry, so that a check knows which key to take."""
        key = self.audit_key()
        epochs = self._key_epochs()
        if not epochs or epochs[-1][1] != fingerprint(key):
            # Entries from before the first fingerprint were written with whatever key was in use then.
            body = json.dumps([*epochs, [seq, fingerprint(key)]])
            self._database.execute(
                "insert into keys values ('audit-keys', 'audit-keys', :body, '9999') on conflict (digest) do update set "
                "body = excluded.body",
                {"body": body},
            )
        return key

    def _key_epochs(self) -> list[tuple[int, str]]:
        """Number of the first entry of each key, and the fingerprint of the key, oldest first."""
        row = self._row("select body from keys where digest = 'audit-keys'")
        try:
            return [(int(seq), str(name)) for seq, name in json.loads(row["body"])] if row else []
        except (TypeError, ValueError):
            return []  # changed by hand: every entry is then checked with the keys that are known

    def verify_audit(
        self, anchor: AuditAnchor | None = None, published: Sequence[tuple[str, AuditAnchor]] = ()
    ) -> audit_chain.ChainReport:
        """Check the whole audit log, and the tables against it; with an ``anchor``, also that nothing was cut off since.

        ``published`` are further anchors with the file of each.
        """
        with self.reading():
            lines = self._rows("select * from audit order by seq")
            links = [(row["seq"], row["mac"]) for row in self._rows("select * from chain order by seq")]
            kept = self._row("select body from keys where digest = 'audit-head'")
            stored = content.hash_everything(self._database)
            epochs = self._key_epochs()
        # A key outside the store is set on purpose: then entries without any chain mean that somebody removed it.
        place = self.audit_key_place()
        is_begun = place.kind == "environment" or (place.kind == "file" and bool(epochs))
        known = self.audit_keys()
        keys = {fingerprint(key): key for key in reversed(known)}
        if place.kind == "environment":
            keys = _keys_besides_the_set_one(fingerprint(known[0]), keys, epochs)
        report = audit_chain.verify_chain(keys, epochs, lines, links, anchor, is_begun)
        found = content.check_content(lines, stored, is_begun=kept is not None)
        faults = [*report.faults, *audit_chain.head_faults(kept["body"] if kept else None, links, lines, stored)]
        faults += [
            f"the log was removed or cut off before entry {line['seq']} ({line['at']}), and work went on"
            for line in lines
            if line["what"] == content.COVER_BEGAN_AGAIN
        ]
        for file, earlier in published:
            faults += [f"{file}: {fault}" for fault in audit_chain.anchor_faults(earlier, dict(links), report.head)]
        counts = {"covered": found.covered, "uncovered": found.uncovered}
        return report.model_copy(update={"faults": (*faults, *found.faults), **counts})

    def chain_head(self) -> AuditAnchor:
        """Number and hash of the newest entry of the chain; keep it elsewhere as an anchor."""
        row = self._row("select count(*) as entries, max(seq) as seq from chain") or {"entries": 0, "seq": None}
        mac = self._row("select mac from chain order by seq desc limit 1")
        return AuditAnchor(
            entries=row["entries"], seq=row["seq"] or 0, mac=mac["mac"] if mac else audit_chain.GENESIS_MAC
        )


def _keys_besides_the_set_one(
    name: str, keys: Mapping[str, bytes], epochs: Sequence[tuple[int, str]]
) -> dict[str, bytes]:
    """The keys that count when one is set: it, and those that were in use only before it.

    A key that lies on the disk must not confirm what was written after a better one was set.
    """
    names = [each for _, each in epochs]
    if name not in names:
        return {name: keys[name]}
    later = set(names[names.index(name) + 1 :]) - {name}
    return {each: key for each, key in keys.items() if each not in later}
