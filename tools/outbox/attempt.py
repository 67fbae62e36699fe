"""Decisions about one attempt: what to do with what was found, and how far an item is afterwards. Pure."""

from datetime import datetime
from typing import Literal

from domain.errors import ChangedThere, DeliveryError, DeliveryRefused, NoAnswer, NotDelivered
from domain.outbox import Delivery, Found, ItemState, OutboxItem, OutboxSettings, content_hash, seconds_after
from tools.outbox.sinks.sink import Sink

Step = Literal["put", "take back", "is there", "is gone", "conflict", "hold back"]


def next_step(item: OutboxItem, found: Found | None, sink: Sink) -> Step:
    """Next step for a claimed item, from what the receiver holds. Never doubles and never overwrites people's work."""
    if not sink.looks:
        if item.tried is not None and item.tried == item.desired and sink.guarantee == "at most once":
            return "hold back"
        return "take back" if item.desired is None else "put"
    if found is None:
        return _without_found(item)
    if found.is_taken_back:
        return "is gone" if item.desired is None else "put"
    ours = [sink.fields(content) for content in (item.sent, item.tried) if content is not None]
    if item.desired is not None and found.content == sink.fields(item.desired):
        return "is there"
    if item.kind == "field" and ours and item.sent is None and item.before is not None:
        ours.append({"value": item.before})  # the first write went out and did not arrive
    if ours and found.content not in ours:
        # A field that is no longer ours needs no taking back; a task, a hold or a digest is a matter for people.
        return "is gone" if item.desired is None and item.kind == "field" else "conflict"
    return "take back" if item.desired is None else "put"


def _without_found(item: OutboxItem) -> Step:
    if item.desired is None:
        return "is gone"
    return "conflict" if item.sent is not None else "put"  # people removed what had arrived


def delivery_of(error: DeliveryError) -> Delivery:
    """The result that an error stands for."""
    if isinstance(error, NotDelivered):
        return Delivery(outcome="retry", wait=error.wait, error=str(error))
    if isinstance(error, NoAnswer):
        return Delivery(outcome="unknown", error=str(error))
    if isinstance(error, ChangedThere):
        return Delivery(outcome="conflict", error=str(error))
    return Delivery(outcome="refused", error=str(error))


def is_certain(error: DeliveryError) -> bool:
    """True if the error says that nothing arrived."""
    return isinstance(error, DeliveryRefused) or (isinstance(error, NotDelivered) and error.is_certain)


def begun(item: OutboxItem, found: Found | None) -> OutboxItem:
    """The item as it is stored before its call goes out; a field with the value that it replaces."""
    state: ItemState = "sending" if item.desired is not None else "revoking"
    tried = item.desired if item.desired is not None else item.tried
    before = item.before
    if item.kind == "field" and found is not None and not item.is_ours_there:
        before = str(found.content["value"])
    return item.model_copy(update={"state": state, "tried": tried, "tries": item.tries + 1, "before": before})


def after(
    stored: OutboxItem, attempt: OutboxItem, delivery: Delivery, now: datetime, settings: OutboxSettings
) -> OutboxItem:
    """The item after an attempt. ``stored`` is the row as it is now: what is wanted may have changed since ``attempt``."""
    free = {"claimed_by": None, "claimed_until": None, "last_error": delivery.error}
    item = stored.model_copy(update=free)
    if delivery.outcome == "sent":
        there = {
            "sent": attempt.desired, "sent_hash": content_hash(attempt.desired), "tried": None, "next_at": None,
            "tries": 0, "remote_id": delivery.remote_id or item.remote_id, "remote_version": delivery.remote_version,
        }  # fmt: skip
        item = item.model_copy(update=there)
        return item.model_copy(update={"state": "sent" if item.is_settled else "planned"})
    if delivery.outcome == "taken back":
        gone = {"sent": None, "sent_hash": None, "tried": None, "next_at": None, "tries": 0, "before": None}
        item = item.model_copy(update={**gone, "remote_version": None})
        return item.model_copy(update={"state": "revoked" if item.desired is None else "planned"})
    if delivery.outcome in ("refused", "conflict", "held back"):
        state = "unknown" if delivery.outcome == "held back" else delivery.outcome
        return item.model_copy(update={"state": state, "next_at": None, "tries": 0})
    wait = delivery.wait if delivery.wait is not None else _own_wait(item.tries, settings)
    return item.model_copy(update={"state": delivery.outcome, "next_at": seconds_after(now, wait)})


def _own_wait(tries: int, settings: OutboxSettings) -> float:
    """Pause after the ``tries``-th attempt, in seconds; it doubles."""
    return float(min(settings.first_wait.value * 2 ** max(tries - 1, 0), settings.longest_wait.value))
