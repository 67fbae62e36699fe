"""Outgoing items of a store. A machine holds an item by a lease; what it writes counts only while the lease is its own."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from domain.outbox import OutboxItem
from domain.record import Row
from tools.store.review_store import ReviewStore

_JSON = ("desired", "sent", "tried")
_COLUMNS = tuple(OutboxItem.model_fields)
_INSERT = f"insert into outbox ({', '.join(_COLUMNS)}) values ({', '.join(f':{name}' for name in _COLUMNS)})"
_DECIDED = (
    "review_id", "target", "desired", "desired_hash", "revision", "reason", "released", "state", "last_error"
)  # fmt: skip
_SENDING = (
    "sent", "sent_hash", "tried", "before", "remote_id", "remote_version", "state", "tries", "next_at", "claimed_by",
    "claimed_until", "last_error", "released",
)  # fmt: skip
_OPEN = (
    "released = :plan and state in ('approved', 'sending', 'retry', 'revoking', 'unknown') "
    "and not (state = 'unknown' and next_at is null)"
)


class OutboxStore:
    """Outgoing items of one store."""

    def __init__(self, store: ReviewStore) -> None:
        self._store = store
        self._database = store.database

    def items(self) -> list[OutboxItem]:
        """All items, sorted by key."""
        found = [_item(row) for row in self._database.rows("select * from outbox", {})]
        return sorted(found, key=lambda item: item.key)

    def find(self, key: str) -> OutboxItem | None:
        """One item, or None."""
        rows = self._database.rows("select * from outbox where key = :key", {"key": key})
        return _item(rows[0]) if rows else None

    def save_decided(self, items: Iterable[OutboxItem]) -> None:
        """Save what is wanted of each item, in the transaction of the caller. What a running push writes is left alone."""
        update = ", ".join(f"{name} = excluded.{name}" for name in _DECIDED)
        with self._store.transaction():
            for item in items:
                self._database.execute(f"{_INSERT} on conflict (key) do update set {update}", _row(item))
                self._store.changed("outbox", item.key)

    def claim_next(self, plan: str, worker: str, now: str, until: str) -> OutboxItem | None:
        """Take the next released item that is due and that nobody holds. None when there is none."""
        return next(iter(self._claim("true", 1, plan, worker, now, until)), None)

    def claim_like(self, item: OutboxItem, most: int, until: str, now: str) -> list[OutboxItem]:
        """Take further items of the plan, receiver and kind of a claimed item, for its worker."""
        like = f"sink = '{item.sink}' and kind = '{item.kind}' and desired is not null"
        return self._claim(like, most, item.released, str(item.claimed_by), now, until) if most > 0 else []

    def _claim(self, which: str, most: int, plan: str, worker: str, now: str, until: str) -> list[OutboxItem]:
        is_free = "(claimed_until is null or claimed_until < :now) and (next_at is null or next_at <= :now)"
        values: dict[str, Any] = {"plan": plan, "now": now, "worker": worker, "until": until}
        with self._database.writing():
            rows = self._database.rows(
                f"select * from outbox where {_OPEN} and {is_free} and {which} order by next_at is not null, key limit {most}",
                values,
            )
            take = "update outbox set claimed_by = :worker, claimed_until = :until where key = :key"
            for row in rows:
                self._database.execute(take, {"worker": worker, "until": until, "key": row["key"]})
        return [_item({**row, "claimed_by": worker, "claimed_until": until}) for row in rows]

    def left_released(self, now: str) -> list[tuple[str, str]]:
        """Review and plan of items that were released and that nobody works on: an ended process left them."""
        rows = self._database.rows(
            "select distinct review_id, released from outbox where released <> '' and state in ('approved', 'sending', "
            "'revoking') and (claimed_until is null or claimed_until < :now) order by review_id, released",
            {"now": now},
        )
        return [(row["review_id"], row["released"]) for row in rows]

    def waits(self, plan: str) -> list[str]:
        """Moments at which the open items of a released plan may be taken: the end of a pause or of a lease."""
        rows = self._database.rows(f"select next_at, claimed_until from outbox where {_OPEN}", {"plan": plan})
        return sorted(max(row["next_at"] or "", row["claimed_until"] or "") for row in rows)

    def update(self, item: OutboxItem, worker: str) -> bool:
        """Save how far an item is. False, and nothing saved, if another machine holds it by now."""
        update = ", ".join(f"{name} = :{name}" for name in _SENDING)
        where = "key = :key and claimed_by = :holder"
        done = self._database.execute(f"update outbox set {update} where {where}", {**_row(item), "holder": worker})
        if done:
            self._store.changed("outbox", item.key)
        return bool(done)


def _row(item: OutboxItem) -> Row:
    row = item.model_dump()
    return row | {name: None if row[name] is None else json.dumps(row[name], sort_keys=True) for name in _JSON}


def _item(row: Mapping[str, Any]) -> OutboxItem:
    return OutboxItem(**{**row, **{name: json.loads(row[name]) if row[name] else None for name in _JSON}})
