"""The plan of a push: what would change at each receiver, and a hash that names exactly this plan. Pure."""

import hashlib
import json
from collections.abc import Iterable, Mapping

from domain.outbox import ChangeKind, OutboxItem, OutboxSettings, PlannedChange, PushPlan, SinkName, SinkSettings
from tools.outbox.text import plain

_NOTES = {
    "unknown": "no answer last time",
    "refused": "refused last time",
    "retry": "not delivered yet",
    "sending": "begun, not answered",
    "conflict": "changed there by people",
}


def push_plan(review_id: str, items: Iterable[OutboxItem], settings: OutboxSettings) -> PushPlan:
    """The changes of one review at the receivers that are on, sorted by receiver and key."""
    sinks = settings.on()
    ours = [item for item in items if item.review_id == review_id and item.sink in sinks]
    changes = [
        change for item in sorted(ours, key=lambda item: (item.sink, item.key)) if (change := _change(item)) is not None
    ]
    return PushPlan(review_id=review_id, changes=tuple(changes), hash=_hash(review_id, changes, sinks))


def _hash(review_id: str, changes: Iterable[PlannedChange], sinks: Mapping[SinkName, SinkSettings]) -> str:
    """Covers what is sent and where to; changes that are left alone do not count."""
    sent = [[each.key, each.change, each.desired_hash, each.revision] for each in changes if each.change != "leave"]
    used = {each.sink for each in changes if each.change != "leave"}
    places = {name: sinks[name].model_dump(mode="json") for name in sorted(used)}
    return _text_hash(json.dumps([review_id, sent, places], sort_keys=True, ensure_ascii=False))


def _text_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def place_hashes(changes: Iterable[PlannedChange], settings: OutboxSettings) -> dict[str, str]:
    """By receiver of these changes a hash of where they go: its address, people and fields."""
    used = {each.sink for each in changes if each.change != "leave"}
    return {name: place_hash(settings.sinks[name]) for name in sorted(used)}


def place_hash(sink: SinkSettings) -> str:
    """Hash of where a receiver's items go, and how."""
    return _text_hash(sink.model_dump_json())


def change_of(item: OutboxItem) -> ChangeKind | None:
    """Planned change of an item; None for one that never left and is no longer wanted."""
    if item.desired is None:
        if not item.is_ours_there:
            return None
        return "conflict" if item.state == "conflict" else "take back"
    if item.is_settled:
        return "leave"
    if item.state == "conflict":
        return "conflict"
    return "create" if item.sent is None else "update"


def _change(item: OutboxItem) -> PlannedChange | None:
    change = change_of(item)
    if change is None:
        return None
    note = _NOTES.get(item.state, "") if change != "leave" else ""
    line = f"{change}: {_label(item)}" + (f" ({note})" if note else "")
    return PlannedChange(
        key=item.key, sink=item.sink, change=change, line=line, desired_hash=item.desired_hash,
        revision=item.revision, state=item.state,
    )  # fmt: skip


def _label(item: OutboxItem) -> str:
    content = item.desired or item.sent or item.tried or {}
    why = f", because: {plain(item.reason, 120)}" if item.desired is None and item.reason else ""
    if item.kind == "field":
        return f"{plain(content['account'], 80)}: {content['field']} = {plain(content['value'], 120)}{why}"
    if item.kind == "action":
        what = f"{plain(content['title'], 120)} for {plain(content['account'], 80)}"
        return f"task of {plain(item.target, 80)}: {what}, due {content['due']}{why}"
    if item.kind == "hold":
        return f"calendar of {plain(item.target, 80)}: {plain(content['title'], 120)} on {content['on']}{why}"
    if item.kind == "digest":
        return f"digest of {content['review']} in {plain(item.target, 80)}{why}"
    if item.kind == "note":
        return f"note on {plain(content['account'], 80)}: play {content['decision']} by {plain(content['by'], 80)}{why}"
    if item.kind == "message":
        return f"message to {plain(item.target, 120)}: {plain('; '.join(content['lines']), 400)}{why}"
    return f"mail to {plain(item.target, 120)}: preparation of the next meeting{why}"
