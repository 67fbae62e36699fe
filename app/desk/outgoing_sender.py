"""Sends released plans in the background, apart from the reviews: a slow receiver must not hold up a meeting.

What was released and is not finished is found again after a server has ended; another machine may send the same plan.
"""

from datetime import UTC, datetime

from app.desk.background_jobs import BackgroundJobs, Job
from app.desk.store_pool import StorePool
from app.outgoing import deliver_outgoing, outbox_settings
from app.timing import Timing
from app.wiring import StoreSession
from domain.errors import ConfigurationError, UnknownReference
from domain.outbox import seconds_after
from tools.outbox.push import released_by
from tools.store.outbox_store import OutboxStore


class OutgoingSender(BackgroundJobs):
    """Sends released plans."""

    def __init__(self, pool: StorePool) -> None:
        super().__init__(pool, "saveplay-desk-sender")

    def send(self, review_id: str, plan_hash: str, by: str) -> None:
        """Send a plan that was released."""
        self._enqueue(review_id, _delivery(review_id, plan_hash, by))

    def _left_behind(self) -> list[tuple[str, Job]]:
        """Plans that were released for the receivers as they are today, and that nobody sends."""
        found = []
        with self._pool.borrow() as store_session:
            store = store_session.store
            for review_id, plan_hash in OutboxStore(store).left_released(seconds_after(datetime.now(UTC), 0)):
                by = _released_by(store_session, review_id, plan_hash) if self._may_be_taken(review_id) else None
                if by is not None:
                    found.append((review_id, _delivery(review_id, plan_hash, by)))
        return found


def _released_by(store_session: StoreSession, review_id: str, plan_hash: str) -> str | None:
    try:
        settings = outbox_settings(store_session, review_id, None)
    except (ConfigurationError, UnknownReference):
        return None
    return released_by(store_session.store, review_id, plan_hash, settings)


def _delivery(review_id: str, plan_hash: str, by: str) -> Job:
    def job(store_session: StoreSession, timing: Timing) -> None:
        deliver_outgoing(store_session, plan_hash, outbox_settings(store_session, review_id, None), by)

    return job
