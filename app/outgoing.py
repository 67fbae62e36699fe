"""The way out of a closed review: what its receivers should hold, its plan, its push, and what comes back. Prints nothing."""

import os
import socket
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from app.closing import wanted_of
from app.service import load_review_document, set_action_state
from app.wiring import ReviewRequest, StoreSession, configuration_folder
from domain.errors import DecisionError, UnknownReference
from domain.outbox import OutboxItem, OutboxSettings, PushPlan, PushReport, SinkName, SinkSettings
from domain.review import Review
from tools.outbox.desired import merge
from tools.outbox.plan import push_plan
from tools.outbox.push import Push, release, report, save_wanted
from tools.outbox.reading_back import ClosedThere, ReadBack, read_back
from tools.outbox.settings import open_sinks, read_outbox_settings
from tools.outbox.sinks.sink import Sink
from tools.store.outbox_store import OutboxStore

_GUARANTEES: dict[SinkName, str] = {
    "webhook": "once, if the receiver takes each webhook-id once",
    "calendar": "once, by the event's UID",
    "hubspot": "once, by a unique property",
    "slack": "once, by looking in the channel first",
    "asana": "once, by looking for our key first",
}

SINK_NAMES: dict[SinkName, str] = {
    "webhook": "Webhook", "calendar": "Calendar", "hubspot": "HubSpot", "slack": "Slack", "asana": "Asana", "mail": "Mail",
}  # fmt: skip
"""Receivers as people write them."""


def guarantee(name: SinkName, sink: SinkSettings) -> str:
    """Guarantee of this receiver after a crash or a lost answer."""
    return _GUARANTEES.get(name, sink.no_answer)


def outbox_settings(session: StoreSession, review_id: str, configs: str | None) -> OutboxSettings:
    """The receivers as they are configured today, in ``configs`` or in the folder that the review was started with."""
    if configs is not None:
        return read_outbox_settings(Path(configs))
    return read_outbox_settings(configuration_folder(ReviewRequest.from_stored(session.store.request(review_id)[0])))


def plan_outgoing(session: StoreSession, review_id: str, settings: OutboxSettings, by: str) -> PushPlan:
    """Return the plan of a closed review. Nothing is sent.

    The close stored what its receivers should hold; here it is brought to the receivers as they are configured today, which
    also settles reviews that an earlier version closed. Raises DecisionError for a review that is not closed.
    """
    check_closed(session, review_id)
    if settings.on():
        wanted = wanted_of(session.store, load_review_document(session, review_id), settings)
        save_wanted(session.store, review_id, wanted, list(settings.on()), by)
    return push_plan(review_id, OutboxStore(session.store).items(), settings)


def check_closed(session: StoreSession, review_id: str) -> None:
    """Raise DecisionError for a review that is not closed."""
    if session.store.request(review_id)[1] != "closed":
        raise DecisionError(
            f"{review_id} is not closed; nothing leaves before people decided: saveplay decide {review_id}"
        )


def preview_outgoing(
    session: StoreSession, review: Review, settings: OutboxSettings
) -> tuple[PushPlan, list[OutboxItem]]:
    """The plan that ``plan_outgoing`` would return for a closed review, and its items; nothing is stored."""
    items = {item.key: item for item in OutboxStore(session.store).items()}
    wanted = wanted_of(session.store, review, settings)
    items |= {item.key: item for item in merge(items.values(), wanted, review.review_id, list(settings.on()))}
    ours = [item for item in items.values() if item.review_id == review.review_id and item.sink in settings.on()]
    return push_plan(review.review_id, ours, settings), sorted(ours, key=lambda item: (item.sink, item.key))


def release_outgoing(
    session: StoreSession, review_id: str, plan_hash: str, settings: OutboxSettings, by: str
) -> PushPlan:
    """Release exactly the plan of this hash; nothing is sent yet. Raises DecisionError when it is not what would be sent."""
    with session.store.transaction():
        plan_outgoing(session, review_id, settings, by)
        return release(session.store, plan_hash, review_id, settings, by)


def deliver_outgoing(session: StoreSession, plan_hash: str, settings: OutboxSettings, by: str) -> None:
    """This machine's share of a released plan, until nothing is due or the deadline is reached. Raises ConfigurationError."""
    sinks = open_sinks(settings, settings.on())
    worker = f"{socket.gethostname()}:{os.getpid()}:{time.monotonic_ns()}"
    Push(session.store, sinks, settings, worker, by, lambda: datetime.now(UTC), time.sleep).run(plan_hash)


def send_outgoing(
    session: StoreSession, review_id: str, plan_hash: str, settings: OutboxSettings, by: str
) -> PushReport:
    """Send exactly the plan of this hash. Raises DecisionError when it is not what would be sent."""
    open_sinks(settings, settings.on())  # a token that is missing shows before anything is released
    plan = release(session.store, plan_hash, review_id, settings, by)
    deliver_outgoing(session, plan_hash, settings, by)
    return report(session.store, review_id, plan, list(settings.on()))


def check_outgoing(session: StoreSession, review_id: str, settings: OutboxSettings, by: str) -> ReadBack:
    """Read back what the receivers hold of this review, and record tasks that people closed there."""
    sinks = open_sinks(settings, settings.on())
    items = [item for item in OutboxStore(session.store).items() if item.review_id == review_id]
    found = read_back(items, sinks)
    recorded = record_closed(session, found.closed, sinks, by)
    return found._replace(closed=recorded)


def record_closed(
    session: StoreSession, closed: list[ClosedThere], sinks: Mapping[SinkName, Sink], by: str
) -> list[ClosedThere]:
    """Set actions to done that people closed elsewhere. Returns those that were open here."""
    progress, approved = session.store.progress(), session.store.approval_days()
    recorded = []
    for each in closed:
        if not sinks[each.sink].has_tasks or progress.get(each.action_id, ("open", None))[0] != "open":
            continue
        day = max(each.on, approved.get(each.action_id, each.on))  # nobody can do an action before it was approved
        try:
            set_action_state(session, each.action_id, "done", day, by, f"closed in {each.sink}")
        except UnknownReference:
            continue  # an action of a run that was replaced
        recorded.append(each._replace(on=day))
        progress[each.action_id] = ("done", day)
    return recorded
