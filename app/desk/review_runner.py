"""Background thread that continues reviews, one after the other, each under its lock.

A decision is saved before its job starts. When a server stops in between, its jobs are found again: at the start and
from time to time, a server takes every review that was decided and has not gone on.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from queue import Empty, SimpleQueue

from app.desk.loaded_review import review_progress
from app.desk.store_pool import StorePool
from app.refresh import refresh, write_day
from app.service import start_review
from app.timing import Timing
from app.wiring import ReviewRequest, StoreSession, run_review
from domain.errors import BusyError, SaveplayError

SWEEP_SECONDS = 10.0
_SHUTDOWN_SECONDS = 10.0
_log = logging.getLogger("saveplay.desk")
Job = Callable[[StoreSession, Timing], None]


@dataclass
class JobStatus:
    """The job of a review, or the error that ended it."""

    message: str
    failed: bool = False


class ReviewRunner:
    """Does one job at a time."""

    def __init__(self, pool: StorePool) -> None:
        self._pool = pool
        self._jobs: SimpleQueue[tuple[str, Job] | None] = SimpleQueue()
        self._waiting: set[str] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="saveplay-desk-runner", daemon=True)
        self.progress: dict[str, JobStatus] = {}
        """By review; removed when the job succeeds."""
        self.changes = 0
        """Grows whenever a job starts, makes progress or ends."""

    def start(self) -> None:
        """Start the thread, first with the jobs that an ended server left."""
        self._thread.start()

    def stop_accepting(self) -> None:
        """Start no further job; the running one continues."""
        self._stop.set()
        self._jobs.put(None)

    def stop(self) -> None:
        """Start no further job, and wait up to ten seconds for the running one."""
        self.stop_accepting()
        if self._thread.is_alive():
            self._thread.join(_SHUTDOWN_SECONDS)

    @property
    def stopping(self) -> bool:
        """True while the desk is being closed."""
        return self._stop.is_set()

    def resume_review(self, review_id: str) -> None:
        """Continue a review as far as its decisions allow."""

        def job(store_session: StoreSession, timing: Timing) -> None:
            run_review(store_session, review_id, timing)

        self._enqueue(review_id, job)

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

    def _enqueue(self, review_id: str, job: Job) -> None:
        self._waiting.add(review_id)
        self._set_status(review_id, JobStatus("Waiting to be worked on"))
        self._jobs.put((review_id, job))

    def _work(self) -> None:
        self._resume_left_behind()
        while not self._stop.is_set():
            try:
                item = self._jobs.get(timeout=SWEEP_SECONDS)
            except Empty:
                self._resume_left_behind()
                continue
            if item is not None:
                self._run_job(*item)

    def _run_job(self, review_id: str, job: Job, swept: bool = False) -> None:
        self._set_status(review_id, JobStatus("Being worked on"))
        try:
            with self._pool.open_separate() as store_session:
                store_session.store.way = "desk"
                job(store_session, Timing(lambda line: self._set_status(review_id, JobStatus(line.strip()))))
            self._set_status(review_id, None)
        except BusyError as error:
            # Another process has the review; what it leaves is found at the next look.
            self._set_status(review_id, None if swept else JobStatus(error.public_message))
        except SaveplayError as error:
            _log.warning("working on %s ended: %s", review_id, error)
            self._set_status(review_id, JobStatus(error.public_message, failed=True))
        except Exception as error:  # noqa: BLE001  a job that fails must not end the thread
            _log.exception("working on %s failed", review_id)
            self._set_status(review_id, JobStatus(f"something went wrong ({type(error).__name__})", failed=True))
        finally:
            self._waiting.discard(review_id)

    def _set_status(self, review_id: str, progress: JobStatus | None) -> None:
        if progress is None:
            self.progress.pop(review_id, None)
        else:
            self.progress[review_id] = progress
        self.changes += 1

    def _resume_left_behind(self) -> None:
        try:
            left = self._left_behind()
        except SaveplayError as error:
            _log.warning("the store cannot be looked at: %s", error)
            return
        except Exception:  # noqa: BLE001  a look that fails must not end the thread: the next one may do
            _log.exception("the store cannot be looked at")
            return
        for review_id in left:
            if self._stop.is_set():
                return

            def job(store_session: StoreSession, timing: Timing, review_id: str = review_id) -> None:
                run_review(store_session, review_id, timing)

            self._run_job(review_id, job, swept=True)

    def _left_behind(self) -> list[str]:
        """Reviews that were started or decided and wait for no decision."""
        with self._pool.borrow() as store_session:
            return [
                review_id
                for review_id, _, state in store_session.store.reviews()
                if state != "closed"
                and review_id not in self._waiting
                and not (review_id in self.progress and self.progress[review_id].failed)
                and review_progress(store_session, review_id).stage in ("preparing", "working", "finishing")
            ]


def next_week_request(store_session: StoreSession, review_id: str, as_of: date) -> ReviewRequest:
    """The request of a further week: the same data, configuration and folder as a review before."""
    before = ReviewRequest.from_stored(store_session.store.request(review_id)[0])
    return ReviewRequest(before.data, as_of, before.out, before.configs)
