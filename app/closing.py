"""Close of a review: its state and what other tools should then hold are stored in one transaction.

A review counts as closed only with its outgoing items: a process that dies before leaves a review that ``resume`` closes.
"""

from collections.abc import Mapping
from pathlib import Path

from app.timing import Timing
from domain.dossier import Person
from domain.errors import ConfigurationError
from domain.outbox import OutboxSettings, Wanted
from domain.phase_results import IdentifyResult
from domain.review import Review
from tools.outbox.desired import wanted_items
from tools.outbox.push import marks_of, save_wanted
from tools.outbox.settings import read_outbox_settings
from tools.store.review_store import ReviewStore


def close_review(store: ReviewStore, review: Review, configs: Path | None, timing: Timing) -> None:
    """Set the review to closed, together with what its receivers should hold. Doing it twice changes nothing.

    An ``outbox.yaml`` that cannot be read does not keep people from closing: it is said, and the next push stores the items.
    """
    review_id = review.review_id
    try:
        settings = read_outbox_settings(configs)
    except ConfigurationError as error:
        timing.say(f"{error}; nothing is prepared for other tools until it is corrected: saveplay push {review_id}")
        settings = None
    with store.transaction():
        if settings is not None and settings.on():
            save_wanted(
                store, review_id, wanted_of(store, review, settings), list(settings.on()), _decided_by(store, review_id)
            )
        store.set_state(review_id, "closed")


def wanted_of(store: ReviewStore, review: Review, settings: OutboxSettings) -> list[Wanted]:
    """Everything that a closed review says to the receivers that are on."""
    people: Mapping[str, Person] = store.get(review.review_id, "identified", IdentifyResult).people
    addresses = {person: each.email for person, each in people.items() if each.email}
    return wanted_items(review, settings, addresses, marks_of(store))


def _decided_by(store: ReviewStore, review_id: str) -> str:
    decision = store.decision(review_id, "close")
    assert decision is not None, "a review ends only after its close was decided"
    return decision.decided_by
