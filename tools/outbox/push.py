"""The push: claim an item, look it up, send it, record what came of it. The one place that tries again.

Each item is claimed and marked before its call goes out, so that a machine that dies leaves behind what it may have sent.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.errors import DecisionError, DeliveryError
from domain.outbox import (
    Delivery,
    Found,
    OutboxItem,
    OutboxSettings,
    PushPlan,
    PushReport,
    SinkName,
    Wanted,
    seconds_after,
)
from tools.outbox.attempt import after, begun, delivery_of, is_certain, next_step
from tools.outbox.desired import Mark, action_id_of, items_after_marks, merge
from tools.outbox.plan import change_of, place_hash, place_hashes, push_plan
from tools.outbox.sinks.sink import BatchSink, Sink, Written
from tools.store.outbox_store import OutboxStore
from tools.store.review_store import ReviewStore

RELEASED = "released"
"""Audit entry of a plan that a person released."""
_LONGEST_NAP = 1.0
"""Seconds between two looks at what other machines have freed."""


def save_wanted(
    store: ReviewStore, review_id: str, wanted: Sequence[Wanted], sinks: Sequence[SinkName], by: str
) -> None:
    """Store what a closed review wants of each receiver. Doing it twice changes nothing."""
    outbox = OutboxStore(store)
    with store.transaction():
        changed = merge(outbox.items(), wanted, review_id, sinks)
        outbox.save_decided(changed)
        if changed:
            store.log_list(
                review_id, by, "outgoing items", "items", [[item.key, item.desired_hash] for item in changed]
            )


def save_marked(store: ReviewStore, action_ids: Collection[str]) -> None:
    """Store what marks of people change at receivers, in the transaction of the caller that stored the marks."""
    outbox = OutboxStore(store)
    named = set(action_ids)
    items = [item for item in outbox.items() if item.kind == "action" and action_id_of(item) in named]
    if items:
        actions = {action_id: store.action(action_id) for action_id in {action_id_of(item) for item in items}}
        outbox.save_decided(items_after_marks(items, actions, marks_of(store)))


def marks_of(store: ReviewStore) -> dict[str, Mark]:
    """Remarks of people about actions, by action id."""
    notes = store.progress_notes()
    return {action_id: Mark(state, notes.get(action_id, "")) for action_id, (state, _) in store.progress().items()}


def release(store: ReviewStore, plan_hash: str, review_id: str, settings: OutboxSettings, by: str) -> PushPlan:
    """Release exactly the plan that somebody saw. A plan that was released before goes on where it stopped.

    Raises DecisionError when what would be sent, or where it would go, is not what was shown.
    """
    outbox = OutboxStore(store)
    with store.transaction():
        items = outbox.items()
        plan = push_plan(review_id, items, settings)
        if plan.hash != plan_hash:
            if released_by(store, review_id, plan_hash, settings) and _has_released(items, review_id, plan_hash):
                return plan
            raise DecisionError(
                f"the plan of {review_id} is not {plan_hash} any more; look at it again: saveplay push {review_id}"
            )
        meant = {each.key for each in plan.changes if each.change != "leave"}
        # An item that a machine holds keeps its state; the release says only that it may go on.
        released = [
            item.model_copy(update={"released": plan_hash, "state": "revoking" if item.desired is None else "approved"})
            for item in items
            if item.key in meant
        ]
        outbox.save_decided(released)
        if released:
            places = place_hashes(plan.changes, settings)
            store.log(review_id, by, RELEASED, plan=plan_hash, changes=len(released), places=places)
    return plan


def released_by(store: ReviewStore, review_id: str, plan_hash: str, settings: OutboxSettings) -> str | None:
    """The person who released a plan. None if nobody did, or if its receivers are others today than were shown then."""
    found = [line for line in store.audit(review_id) if line["what"] == RELEASED and line.get("plan") == plan_hash]
    if not found:
        return None
    now: dict[str, str] = {name: place_hash(sink) for name, sink in settings.on().items()}
    shown: dict[str, str] = found[-1].get("places", {})
    return str(found[-1]["who"]) if shown and all(now.get(name) == place for name, place in shown.items()) else None


def _has_released(items: Iterable[OutboxItem], review_id: str, plan_hash: str) -> bool:
    return any(item.released == plan_hash and item.review_id == review_id for item in items)


@dataclass(frozen=True)
class Push:
    """One machine's share of a released plan."""

    store: ReviewStore
    sinks: Mapping[SinkName, Sink]
    settings: OutboxSettings
    worker: str
    by: str
    now: Callable[[], datetime]
    sleep: Callable[[float], None]

    def run(self, plan_hash: str) -> None:
        """Deliver what is released, until nothing is due or the deadline of the push is reached."""
        outbox = OutboxStore(self.store)
        ends = seconds_after(self.now(), self.settings.deadline.value)
        while (moment := seconds_after(self.now(), 0)) < ends:
            until = seconds_after(self.now(), self.settings.lease.value)
            item = outbox.claim_next(plan_hash, self.worker, moment, until)
            if item is not None:
                self._deliver(item, moment, until)
                continue
            waits = outbox.waits(plan_hash)
            if not waits or waits[0] >= ends:
                return
            seconds = (datetime.fromisoformat(waits[0]) - self.now()).total_seconds() if waits[0] else 0.0
            self.sleep(min(max(seconds, 0.01), _LONGEST_NAP))

    def _deliver(self, item: OutboxItem, now: str, until: str) -> None:
        sink = self.sinks[item.sink]
        most = sink.batched.get(item.kind, 1) if isinstance(sink, BatchSink) and item.desired is not None else 1
        if most > 1 and isinstance(sink, BatchSink):
            self._deliver_batch([item, *OutboxStore(self.store).claim_like(item, most - 1, until, now)], sink)
            return
        try:
            found = sink.find(item) if sink.looks else None
        except DeliveryError as error:
            self._record([(item, delivery_of(error))])
            return
        self._carry_on(item, found)

    def _carry_on(self, item: OutboxItem, found: Found | None) -> None:
        """Next move for one item, from what was found."""
        sink, attempt = self.sinks[item.sink], item
        try:
            step = next_step(item, found, sink)
            if step in ("put", "take back"):
                attempt = self._begun(item, found)
                if not self._save([attempt]):
                    return  # another machine holds it by now, or people decided anew
            delivery = _carry_out(sink, step, item, found)
        except DeliveryError as error:
            delivery = delivery_of(error)
            attempt = _as_before(attempt, item, error)
        self._record([(attempt, delivery)])

    def _deliver_batch(self, items: Sequence[OutboxItem], sink: BatchSink) -> None:
        """The same for many items: one call that looks, one that writes, and an answer for each."""
        try:
            found = sink.find_many(items)
        except DeliveryError as error:
            self._record([(item, delivery_of(error)) for item in items])
            return
        known = {item.key: item for item in items}
        self._record(
            [(known[key], delivery_of(each)) for key, each in found.items() if isinstance(each, DeliveryError)]
        )
        begun_items = []
        for item in items:
            at_receiver = found.get(item.key)
            if isinstance(at_receiver, DeliveryError):
                continue
            if next_step(item, at_receiver, sink) == "put":
                begun_items.append(self._begun(item, at_receiver))
            else:
                self._carry_on(item, at_receiver)
        attempts = self._save(begun_items)
        if attempts:
            there = {key: each for key, each in found.items() if isinstance(each, Found)}
            self._record(_written(attempts, known, there, sink))

    def _begun(self, item: OutboxItem, found: Found | None) -> OutboxItem:
        lease = seconds_after(self.now(), self.settings.lease.value)  # counts from here: looking took its time
        return begun(item, found).model_copy(update={"claimed_until": lease})

    def _save(self, attempts: Sequence[OutboxItem]) -> list[OutboxItem]:
        """Mark items as sent out. Returns those that are still ours and still what was released."""
        outbox = OutboxStore(self.store)
        with self.store.database.writing():
            return [
                attempt for attempt in attempts if self._is_unchanged(attempt) and outbox.update(attempt, self.worker)
            ]

    def _is_unchanged(self, attempt: OutboxItem) -> bool:
        stored = OutboxStore(self.store).find(attempt.key)
        released = (attempt.released, attempt.revision)
        return stored is not None and (stored.released, stored.revision) == released

    def _record(self, deliveries: Sequence[tuple[OutboxItem, Delivery]]) -> None:
        """Store what became of attempts, each with its audit entry."""
        outbox = OutboxStore(self.store)
        if not deliveries:
            return
        with self.store.transaction():
            for attempt, delivery in deliveries:
                stored = outbox.find(attempt.key)
                if stored is None or stored.claimed_by != self.worker:
                    continue
                stored = stored.model_copy(update={"tried": attempt.tried})
                item = after(stored, attempt, delivery, self.now(), self.settings)
                outbox.update(item, self.worker)
                self.store.log(
                    item.review_id, self.by, f"outgoing: {delivery.outcome}", key=item.key, sink=item.sink,
                    hash=attempt.desired_hash, remote_id=delivery.remote_id, plan=attempt.released, error=delivery.error,
                )  # fmt: skip


def _written(
    attempts: Sequence[OutboxItem], known: Mapping[str, OutboxItem], there: Mapping[str, Found], sink: BatchSink
) -> list[tuple[OutboxItem, Delivery]]:
    """Write many items in one call. Returns what became of each."""
    answers: Mapping[str, Written | DeliveryError]
    try:
        answers = sink.put_many([(attempt, there.get(attempt.key)) for attempt in attempts])
    except DeliveryError as error:
        answers = dict.fromkeys((attempt.key for attempt in attempts), error)
    found = []
    for attempt in attempts:
        answer = answers[attempt.key]
        if isinstance(answer, DeliveryError):
            found.append((_as_before(attempt, known[attempt.key], answer), delivery_of(answer)))
        else:
            remote_id, version = answer
            found.append((attempt, Delivery(outcome="sent", remote_id=remote_id, remote_version=version)))
    return found


def _as_before(attempt: OutboxItem, item: OutboxItem, error: DeliveryError) -> OutboxItem:
    """An attempt that failed; without a trace if it is certain that nothing arrived."""
    return attempt.model_copy(update={"tried": item.tried}) if attempt is not item and is_certain(error) else attempt


def _carry_out(sink: Sink, step: str, item: OutboxItem, found: Found | None) -> Delivery:
    """Call the receiver where the step asks for it. Raises a DeliveryError."""
    if step == "put":
        remote_id, version = sink.put(item, found)
        return Delivery(outcome="sent", remote_id=remote_id, remote_version=version)
    if step == "take back":
        sink.take_back(item, found)
        return Delivery(outcome="taken back")
    if step == "is there":
        assert found is not None
        return Delivery(outcome="sent", remote_id=found.remote_id, remote_version=found.version)
    if step == "is gone":
        return Delivery(outcome="taken back")
    if step == "hold back":
        return Delivery(outcome="held back", error="it may have arrived; nobody can look, so it is not sent again")
    what = "people changed it there" if found is not None else "people removed it there"
    return Delivery(outcome="conflict", error=f"{what}; it is left as it is")


def report(store: ReviewStore, review_id: str, plan: PushPlan, sinks: Sequence[SinkName]) -> PushReport:
    """Result of a push, with every item that is still open."""
    items = {item.key: item for item in OutboxStore(store).items()}
    meant = [items[each.key] for each in plan.changes if each.change != "leave"]
    unfinished = [
        item
        for item in items.values()
        if item.review_id == review_id and item.sink in sinks and change_of(item) not in (None, "leave")
    ]
    return PushReport(
        review_id=review_id,
        sent=sum(item.state == "sent" for item in meant),
        taken_back=sum(item.state == "revoked" for item in meant),
        left=sum(each.change == "leave" for each in plan.changes),
        open=tuple(sorted(unfinished, key=lambda item: item.key)),
    )
