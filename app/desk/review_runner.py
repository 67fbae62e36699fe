"""Continues reviews in the background, one after the other, each under its lock.

At the start and from time to time, a server takes every review that was decided and has not gone on.
"""

from datetime import date

from app.desk.background_jobs import BackgroundJobs, Job
from app.desk.loaded_review import review_progress
from app.desk.store_pool import StorePool
from app.refresh import refresh, write_day
from app.service import start_review
from app.timing import Timing
from app.wiring import ReviewRequest, StoreSession, run_review


class ReviewRunner(BackgroundJobs):
    """Continues and starts reviews."""

    def __init__(self, pool: StorePool) -> None:
        super().__init__(pool, "saveplay-desk-runner")

    def resume_review(self, review_id: str) -> None:
        """Continue a review as far as its decisions allow."""
        self._enqueue(review_id, _resume(review_id))

    def start_week(self, review_id: str, request: ReviewRequest, by: str, again: bool = False, weeks: int = 0) -> None:
        """Start the review of a week; with ``again`` also a week that was started before.

        ``weeks``: past weeks that are filled in first, for trends.

        If somebody else has started it in the meantime, it is continued with its decisions.
        """

        def job(store_session: StoreSession, timing: Timing) -> None:
            store_session.lock_review(review_id)
            if again or review_id not in [begun for begun, _, _ in store_session.store.reviews()]:
                start_review(store_session, request, review_id, weeks, timing, by=by, again=again)
            run_review(store_session, review_id, timing)

        self._enqueue(review_id, job)

    def refresh_day(self, review_id: str, day: date, by: str) -> None:
        """Score a day between two reviews, and write its files. Its status is under ``refresh:<review id>``."""

        def job(store_session: StoreSession, _: Timing) -> None:
            write_day(store_session, refresh(store_session, None, day, by), None)

        self._enqueue(f"refresh:{review_id}", job)

    def _left_behind(self) -> list[tuple[str, Job]]:
        """Reviews that were started or decided and wait for no decision."""
        with self._pool.borrow() as store_session:
            return [
                (review_id, _resume(review_id))
                for review_id, _, state in store_session.store.reviews()
                if state != "closed"
                and self._may_be_taken(review_id)
                and review_progress(store_session, review_id).stage in ("preparing", "working", "finishing")
            ]


def _resume(review_id: str) -> Job:
    def job(store_session: StoreSession, timing: Timing) -> None:
        run_review(store_session, review_id, timing)

    return job


def next_week_request(store_session: StoreSession, review_id: str, as_of: date) -> ReviewRequest:
    """The request of a further week: the same data, configuration and folder as a review before."""
    before = ReviewRequest.from_stored(store_session.store.request(review_id)[0])
    return ReviewRequest(before.data, as_of, before.out, before.configs)
