"""Background thread that does one job after the other, and finds again what an ended server left."""

import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, SimpleQueue

from app.desk.store_pool import StorePool
from app.timing import Timing
from app.wiring import StoreSession
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


class BackgroundJobs(ABC):
    """Does one job at a time. A decision is saved before its job starts, so that a job that is lost can be found again."""

    def __init__(self, pool: StorePool, name: str) -> None:
        self._pool = pool
        self._jobs: SimpleQueue[tuple[str, Job] | None] = SimpleQueue()
        self._waiting: set[str] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
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
        for review_id, job in left:
            if self._stop.is_set():
                return
            self._run_job(review_id, job, swept=True)

    def _may_be_taken(self, review_id: str) -> bool:
        """True if no job of the review waits here, and its last one did not fail."""
        return review_id not in self._waiting and not (review_id in self.progress and self.progress[review_id].failed)

    @abstractmethod
    def _left_behind(self) -> list[tuple[str, Job]]:
        """Jobs that an ended server left, each with its review."""
