"""Outgoing items of an invented week, and a push of them in the process of the test."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from domain.outbox import OutboxItem, OutboxSettings, PushReport, Wanted
from tools.outbox.plan import push_plan
from tools.outbox.push import Push, release, report, save_wanted
from tools.outbox.settings import open_sinks
from tools.store.outbox_store import OutboxStore
from tools.store.review_store import ReviewStore

WEEK = "2026-W48"


def action(number: int, sink: str, title: str = "Call the sponsor", review: str = WEEK, week: str = "") -> Wanted:
    content: dict[str, Any] = {
        "id": f"{review}.acc-{number}{week}.call", "review": review, "account_id": f"acc-{number}", "account": f"Account {number}",
        "title": title, "action": "Call the sponsor about the outage.", "purpose": "Trust", "owner": "Dana",
        "owner_id": "p1", "due": "2026-11-25", "urgency": "urgent",
    }  # fmt: skip
    return _wanted(f"action:{content['id']}@{sink}", sink, "action", content)


def field(number: int, value: str, name: str = "Risk_Tier") -> Wanted:
    content = {"account_id": f"acc-{number}", "account": f"Account {number}", "field": name, "value": value}
    return _wanted(f"field:acc-{number}:{name}@hubspot", "hubspot", "field", content)


def note(number: int, reason: str = "They wait for us", review: str = WEEK) -> Wanted:
    content = {
        "review": review, "on": "2026-11-23", "account_id": f"acc-{number}", "account": f"Account {number}",
        "decision": "approve", "by": "Lee", "reason": reason, "until": None, "cause": "Service failure",
        "first": "Call the sponsor (Dana, 2026-11-25)",
    }  # fmt: skip
    return _wanted(f"note:{review}:acc-{number}@hubspot", "hubspot", "note", content)


def hold(number: int, title: str = "Executive call", week: str = "", sink: str = "calendar") -> Wanted:
    content = {
        "uid": f"hold-{number}{week}@saveplay", "account_id": f"acc-{number}", "name": f"Account {number}", "kind": "meeting",
        "title": title, "on": "2026-11-26", "starts": "10:00", "minutes": 30, "time_zone": "Europe/Berlin", "owner": "Dana",
        "owner_id": "p1", "attendees": ["Robin"], "note": "Bring the figures.", "follow_up": None,
    }  # fmt: skip
    return _wanted(f"hold:{content['uid']}@{sink}", sink, "hold", content)


def digest(title: str = "Two accounts report the same outage", week: str = "") -> Wanted:
    story = {"title": title, "detail": "Since Tuesday", "next": "Call both", "owner": "Dana", "by": "2026-11-24"}
    content = {"review": WEEK, "as_of": "2026-11-23", "at_risk": 9, "actions": 30, "stories": [story]}
    return _wanted(f"digest:{WEEK}{week}:C1@slack", "slack", "digest", content)


def preread(to: str = "dana@example.com") -> Wanted:
    content = {
        "review": WEEK,
        "to": to,
        "actions": [{"title": "Call", "account": "Account 1", "due": "2026-11-25"}],
        "agenda": [],
    }
    return _wanted(f"preread:{WEEK}:p1@mail", "mail", "preread", content)


def _wanted(key: str, sink: str, kind: str, content: dict[str, Any]) -> Wanted:
    return Wanted.model_validate({"key": key, "sink": sink, "kind": kind, "target": "Dana", "content": content})


def push(
    store: ReviewStore, settings: OutboxSettings, wanted: Sequence[Wanted], review: str = WEEK, worker: str = "one"
) -> PushReport:
    """Everything that one push does: store, plan, release, send."""
    names = list(settings.on())
    save_wanted(store, review, wanted, names, "Lee")
    plan = push_plan(review, OutboxStore(store).items(), settings)
    release(store, plan.hash, review, settings, "Lee")
    run(store, settings, plan.hash, worker)
    return report(store, review, plan, names)


def run(store: ReviewStore, settings: OutboxSettings, plan_hash: str, worker: str) -> None:
    sinks = open_sinks(settings, settings.on())
    Push(store, sinks, settings, worker, "Lee", lambda: datetime.now(UTC), time.sleep).run(plan_hash)


def stored(store: ReviewStore, wanted: Wanted) -> OutboxItem:
    found = OutboxStore(store).find(wanted.key)
    assert found is not None
    return found
