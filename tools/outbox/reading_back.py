"""Reading back: what receivers hold against what they were sent, and tasks that people closed there."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import NamedTuple

from domain.errors import DeliveryError
from domain.outbox import Difference, Found, OutboxItem, SinkName
from tools.outbox.sinks.sink import Sink
from tools.outbox.text import plain


class ClosedThere(NamedTuple):
    """A task that a person closed at a receiver."""

    action_id: str
    on: date
    sink: SinkName


class ReadBack(NamedTuple):
    """Result of reading back."""

    looked_at: int
    not_readable: int
    """Items of receivers that cannot be asked: webhook and mail."""
    differences: list[Difference]
    closed: list[ClosedThere]


def read_back(items: Iterable[OutboxItem], sinks: Mapping[SinkName, Sink]) -> ReadBack:
    """Look up every item that a receiver should hold, or should no longer hold."""
    looked, blind, differences, closed = 0, 0, list[Difference](), list[ClosedThere]()
    for item in items:
        sink = sinks.get(item.sink)
        if sink is None or not item.is_ours_there:
            continue
        if not sink.looks:
            blind += 1
            continue
        looked += 1
        try:
            found = sink.find(item)
        except DeliveryError as error:
            differences.append(_difference(item, "not readable", str(error)))
            continue
        differences += _compare(item, found, sink)
        if found is not None and found.done_on and item.kind == "action" and not found.is_taken_back and item.desired:
            closed.append(ClosedThere(str(item.desired["id"]), found.done_on, item.sink))
    return ReadBack(looked, blind, differences, closed)


def _compare(item: OutboxItem, found: Found | None, sink: Sink) -> list[Difference]:
    if found is None:
        return [_difference(item, "missing", "nothing is there under our key")]
    if found.is_taken_back and item.desired is not None:
        return [_difference(item, "changed by people", "it is cancelled there")]
    ours = [sink.fields(content) for content in (item.sent, item.tried) if content is not None]
    if found.content not in ours:
        return [_difference(item, "changed by people", plain(_changed(found, ours[0]), 200))]
    return []


def _changed(found: Found, ours: Mapping[str, object]) -> str:
    """The first field that differs, as it is there."""
    name = next((name for name in ours if found.content.get(name) != ours[name]), "")
    return f"{name} is now {found.content.get(name)!r}"


def _difference(item: OutboxItem, what: str, line: str) -> Difference:
    return Difference.model_validate({"key": item.key, "sink": item.sink, "found": what, "line": line})
