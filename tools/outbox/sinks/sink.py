"""Interface of a receiver: look up an item by our key, write it, take it back.

A sink turns content into the receiver's fields and calls the receiver once. It never tries again and stores nothing:
`tools.outbox.push` decides both.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol, runtime_checkable

from domain.errors import DeliveryError
from domain.outbox import Content, Found, OutboxItem

Guarantee = Literal["once, by the receiver's key", "once, by looking first", "at most once", "at least once"]


class Sink(Protocol):
    """One receiver."""

    guarantee: Guarantee
    """Guarantee after crashes and lost answers; printed with every plan."""
    looks: bool
    """True if an item can be looked up by our key."""
    has_tasks: bool
    """True if people close tasks there, and the status comes back."""

    def fields(self, content: Content) -> Content:
        """The fields that are compared: as the receiver should show them."""

    def find(self, item: OutboxItem) -> Found | None:
        """Content that the receiver holds under the item's key; None without any. Raises a DeliveryError."""

    def put(self, item: OutboxItem, found: Found | None) -> tuple[str, str | None]:
        """Create or change. Returns id and version at the receiver. Raises a DeliveryError."""

    def take_back(self, item: OutboxItem, found: Found | None) -> None:
        """Remove, cancel or close with a reason. Raises a DeliveryError."""


Written = tuple[str, str | None]
"""Id and version at the receiver."""


@runtime_checkable
class BatchSink(Sink, Protocol):
    """A receiver that takes many items of a kind in one call and answers for each of them."""

    batched: Mapping[str, int]
    """Kind of item to the most that one call takes."""

    def find_many(self, items: Sequence[OutboxItem]) -> Mapping[str, Found | DeliveryError | None]:
        """``find`` for items of one kind, by key. Raises a DeliveryError that counts for all."""

    def put_many(self, items: Sequence[tuple[OutboxItem, Found | None]]) -> Mapping[str, Written | DeliveryError]:
        """``put`` for items of one kind, by key, each with what was found. Raises a DeliveryError that counts for all."""
