"""Builds what a review needs from its request: configuration, store, history, calendar, data, graph, pages.

The only module that reads the clock and the environment and opens files for a review.
"""

import os
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.engine_progress import EngineProgress
from app.stores import StoreLocation, open_location
from app.timing import Timing
from domain.errors import ConfigurationError, InputError
from domain.readings import PeoplesReadings
from domain.score_configuration import ConfigurationFiles
from tools.configuration import (
    files_of_an_older_form,
    parse_configuration,
    parse_kept_configuration,
    read_configuration_files,
    with_newer_files,
)
from tools.wording import review_id_of

if TYPE_CHECKING:
    from agents.conversation import CallListener, ModelClient
    from domain.configuration import Configuration
    from domain.score_configuration import ConfigurationT
    from graph.context import ReviewContext
    from tools.engine import StepWatcher
    from tools.scoring.scored_base import ScoredBase
    from tools.scoring.snapshots import SnapshotStore
    from tools.store.review_store import ReviewStore

BACKFILL_STEP_DAYS = 7
READ_AGAIN = "data read again"
"""Audit entry of a review whose data changed after its start."""


def utc_now() -> str:
    """The current time in UTC. Only the audit log, run.json and the desk use it; no result depends on it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


@dataclass(frozen=True)
class ReviewRequest:
    """The request that started a review. It is stored, so that ``resume`` and ``decide`` need only the review id."""

    data: str
    as_of: date
    out: str
    configs: str | None

    def to_stored(self) -> dict[str, Any]:
        """The request in the form that the store keeps."""
        return {"data": self.data, "as_of": self.as_of.isoformat(), "out": self.out, "configs": self.configs}

    @classmethod
    def from_stored(cls, stored: dict[str, Any]) -> "ReviewRequest":
        """The request from its stored form."""
        return cls(stored["data"], date.fromisoformat(stored["as_of"]), stored["out"], stored["configs"])


@dataclass
class StoreSession:
    """An open store, with what this process has loaded for its reviews."""

    at: StoreLocation
    store: "ReviewStore"
    preloaded_bases: dict[str, "ScoredBase"] = field(default_factory=dict)
    """Scored bases by review, read when a review was started, so that the first step need not read them again."""

    contexts: dict[str, "ReviewContext"] = field(default_factory=dict)
    """The context of each review's steps, built once in a process."""
    configurations: "dict[str | None, Configuration]" = field(default_factory=dict)
    """Configurations by folder; None is the shipped one. Stored ones are under the hash of their files."""
    configuration_files: dict[str | None, ConfigurationFiles] = field(default_factory=dict)
    """The files of a configuration folder as this process read them."""
    _locked: set[str] = field(default_factory=set, repr=False)
    _locks: ExitStack = field(default_factory=ExitStack, repr=False)

    def history(self) -> "SnapshotStore":
        """The scores of earlier weeks."""
        return self.at.history()

    def people(self, as_of: date, besides: str = "") -> PeoplesReadings:
        """Readings of texts by people and by a model that a review of this day knows.

        ``besides`` is a review that is about to start: what was read for an earlier run of it is not known yet.
        """
        from tools.store.reading_store import ReadingStore

        store = ReadingStore(self.store)
        return store.said_by(as_of).model_copy(update={"by_model": store.read_by_model(as_of, besides)})

    def lock_review(self, review_id: str) -> None:
        """Lock the review until the store is closed. Raises BusyError when another process holds the lock.

        The lock covers all steps: between two steps another process could start the same week again. What a step writes to is
        opened first: a right that is missing shows before anything is stored.
        """
        if review_id not in self._locked:
            self.at.check_writable()
            self._locks.enter_context(self.at.alone(review_id))
            self._locked.add(review_id)

    def close(self) -> None:
        """Release the locks and close the store."""
        self._locks.close()
        self.store.close()

    def configuration(self, request: ReviewRequest) -> "Configuration":
        """The configuration of a review with the model of the environment, read once in a process."""
        if request.configs not in self.configurations:
            self.configurations[request.configs] = apply_environment(parse_configuration(self.files_of(request)))
        return self.configurations[request.configs]

    def files_of(self, request: ReviewRequest) -> ConfigurationFiles:
        """The configuration files of a request, read once in a process."""
        if request.configs not in self.configuration_files:
            self.configuration_files[request.configs] = read_configuration_files(configuration_folder(request))
        return self.configuration_files[request.configs]

    def review_files(self, review_id: str) -> ConfigurationFiles:
        """The configuration files that a review began with; today's for one begun before these were stored."""
        kept = self.store.find(review_id, "configuration", ConfigurationFiles)
        return kept or self.files_of(ReviewRequest.from_stored(self.store.request(review_id)[0]))

    def keep_configuration(self, review_id: str, request: ReviewRequest) -> None:
        """Store the configuration that a review begins with: it holds to its end, whatever changes on disk."""
        kept = self.store.save(review_id, "configuration", self.files_of(request))
        self.configurations[kept] = self.configuration(request)

    def review_configuration(self, review_id: str) -> "Configuration":
        """The configuration that a review began with; today's for a review that was begun before these were stored."""
        if not self.store.has(review_id, "configuration"):
            return self.configuration(ReviewRequest.from_stored(self.store.request(review_id)[0]))
        files, kept = self.store.get_with_hash(review_id, "configuration", ConfigurationFiles)
        if kept not in self.configurations:
            self.configurations[kept] = apply_environment(parse_kept_configuration(files))
        return self.configurations[kept]


@contextmanager
def open_store(given: str | None) -> Iterator[StoreSession]:
    """Open the store for the length of the block. Raises InputError when it cannot be opened."""
    with open_location(given) as at:
        opened = StoreSession(at, at.store(utc_now))
        try:
            yield opened
        finally:
            opened.close()


def configuration_folder(request: ReviewRequest) -> Path | None:
    """The configuration folder of a request; None for the shipped one."""
    return Path(request.configs) if request.configs else None


def configuration_notice(session: StoreSession, review_id: str) -> str:
    """A sentence when the configuration files on disk are not those that the review began with; else empty."""
    files = session.store.find(review_id, "configuration", ConfigurationFiles)
    if files is None:
        return ""
    request = ReviewRequest.from_stored(session.store.request(review_id)[0])
    name = request.configs or "configs"
    try:
        kept = with_newer_files(files)
        changed = read_configuration_files(configuration_folder(request)) != kept
    except ConfigurationError as error:
        return f"{name} cannot be read now ({error}); {review_id} goes on with the configuration of its start"
    old = files_of_an_older_form(kept) if changed else []
    if old:
        return (
            f"{review_id} began under an older version; it goes on with the configuration of its start, and with the "
            f"shipped {', '.join(old[:3])}{' and the library' if len(old) > 3 else ''}, whose form is new"
        )
    return f"{name} changed since {review_id} began; it goes on with the configuration of its start" if changed else ""


def apply_environment(configuration: "Configuration") -> "Configuration":
    """The configuration with the model that the environment names.

    Raises ConfigurationError when a server or a fast model is named without a model.
    """
    model = configuration.model
    given: dict[str, object] = {
        "name": os.environ.get("SAVEPLAY_MODEL") or model.name,
        "fast_name": os.environ.get("SAVEPLAY_FAST_MODEL") or model.fast_name,
        "url": os.environ.get("SAVEPLAY_MODEL_URL") or model.url,
    }
    if given["name"] is None and (os.environ.get("SAVEPLAY_MODEL_URL") or given["fast_name"]):
        raise ConfigurationError("a model's server is named but no model: set SAVEPLAY_MODEL, or name in model.yaml")
    at_once = os.environ.get("SAVEPLAY_MODEL_AT_ONCE", "")
    if at_once:
        if not at_once.isdecimal() or int(at_once) < 1:
            raise ConfigurationError(f"SAVEPLAY_MODEL_AT_ONCE is a number of calls from 1 on, not {at_once!r}")
        given["at_once"] = model.at_once.model_copy(update={"value": float(at_once)})
    return configuration.model_copy(update={"model": model.model_copy(update=given)})


def model_client(configuration: "Configuration", heard: "CallListener") -> "ModelClient | None":
    """The language model, or None when none is configured."""
    if configuration.model.name is None:
        return None
    from agents.model_client import OpenAIClient

    url, key = configuration.model.url, os.environ.get("OPENAI_API_KEY")
    return OpenAIClient(configuration.model, url.strip() if url else None, key.strip() if key else None, heard)


def absolute_location(location: str) -> str:
    """A data location with absolute paths, so that it is valid in every working folder. Raises InputError."""
    if "://" not in location:
        try:
            return str(Path(location).resolve())
        except (OSError, RuntimeError, ValueError):
            raise InputError(
                f"{location!r} is a link that leads to itself, or no path at all; name another --data"
            ) from None
    return re.sub(r"(?<=[?&])(mapping|folder)=([^&]*)", lambda at: f"{at[1]}={Path(at[2]).resolve()}", location)


def load_scored_base(
    request: ReviewRequest,
    configuration: "ConfigurationT",
    history: "SnapshotStore",
    watch: "StepWatcher | None" = None,
    people: PeoplesReadings = PeoplesReadings(),
) -> "ScoredBase[ConfigurationT]":
    """Read the data as of the review date, and score it with what people said about texts."""
    from tools.engine import EngineLimits, no_watcher
    from tools.scoring.scored_base import read_base

    limits = EngineLimits.from_environment()
    base = read_base(request.data, request.as_of, configuration, history, limits, watch or no_watcher, people)
    if isinstance(watch, EngineProgress):
        for notice in base.history_notices:
            watch.say_once(notice)
    return base


def backfill(
    request: ReviewRequest,
    configuration: "Configuration",
    session: StoreSession,
    weeks: int,
    watch: "StepWatcher | None" = None,
) -> None:
    """Score past weeks from the dated rows, so that the first review has trends. Weeks with scores are left alone."""
    from datetime import timedelta

    history = session.history()
    for back in range(weeks, 0, -1):
        day = request.as_of - timedelta(days=BACKFILL_STEP_DAYS * back)
        if not history.has(review_id_of(day)):
            past = ReviewRequest(request.data, day, request.out, request.configs)
            base = load_scored_base(past, configuration, history, watch, session.people(day))
            base.save_scores(history, review_id_of(day), reviewed=False)
            base.close()


def build_context(session: StoreSession, review_id: str, timing: Timing) -> "ReviewContext":
    """The context that the nodes of the graph use. Raises UnknownReference for a review that was never started."""
    from app.publishing import review_publisher
    from graph.context import ReviewContext
    from tools.working_days import WorkingDays

    if review_id not in session.contexts:
        request = ReviewRequest.from_stored(session.store.request(review_id)[0])
        configuration = session.review_configuration(review_id)
        history = session.history()

        def load_base() -> "ScoredBase":
            base = session.preloaded_bases.pop(review_id, None)
            if base is None:
                base = load_scored_base(request, configuration, history, people=session.people(request.as_of))
                log_changed_data(session, review_id, base.audit.fingerprint, timing)
            return base

        session.contexts[review_id] = ReviewContext(
            configuration=configuration,
            store=session.store,
            history=history,
            calendar=WorkingDays(configuration.review),
            load_base=load_base,
            publish=review_publisher(Path(request.out), session.store, timing, review_id),
            progress=timing,
            client=model_client(configuration, timing.called),
        )
    return session.contexts[review_id]


def log_changed_data(session: StoreSession, review_id: str, fingerprint: str, timing: Timing) -> None:
    """Say and log that the data of a review changed after it was started; it goes on with what is there now."""
    read = [line for line in session.store.audit(review_id) if line["what"] in ("started", READ_AGAIN)]
    before = str(read[-1].get("fingerprint", "")) if read else ""
    if before and before != fingerprint:
        timing.say(f"the data changed since {review_id} was started; it is read again as it is now")
        session.store.log(review_id, "saveplay", READ_AGAIN, before=before, fingerprint=fingerprint)


def run_review(session: StoreSession, review_id: str, timing: Timing) -> str | None:
    """Run the review as far as decisions allow. Returns the gate it waits at, or None when it is closed.

    A closed review is left as it is: none of its steps is run on today's data. Raises UnknownReference for a review that was never started, BusyError when another process runs it.
    """
    session.store.request(review_id)
    session.lock_review(review_id)
    stored, state, run = session.store.request(review_id)
    if state == "closed":
        return None
    notice = configuration_notice(session, review_id)
    if notice:
        timing.say(notice)
    import asyncio

    request = ReviewRequest.from_stored(stored)
    gate = asyncio.run(_run_graph(session, request.as_of, review_id, run, timing))
    if gate is None:
        from app.closing import close_review
        from graph.review_document import review_document

        context = build_context(session, review_id, timing)
        review = review_document(context, context.stored_state(review_id))
        close_review(session.store, review, configuration_folder(request), timing)
    return gate


async def _run_graph(session: StoreSession, as_of: date, review_id: str, run: int, timing: Timing) -> str | None:
    os.environ["LANGGRAPH_STRICT_MSGPACK"] = "true"  # read when langgraph is first imported
    os.environ["LANGSMITH_TRACING"] = "false"  # nothing about a customer is sent to a tracing service
    context = build_context(session, review_id, timing)
    try:
        return await _run_graph_steps(session, as_of, review_id, run, context)
    finally:
        if context.client is not None:
            await context.client.close()


async def _run_graph_steps(
    session: StoreSession, as_of: date, review_id: str, run: int, context: "ReviewContext"
) -> str | None:
    from langgraph.types import Command

    from graph.weekly_review import VERSION, weekly_review

    thread = f"weekly-review:{VERSION}:{review_id}:{run}"
    config: Any = {"configurable": {"thread_id": thread}, "recursion_limit": 50}
    async with session.at.saver() as saver:
        graph = weekly_review().compile(checkpointer=saver)
        while True:
            snapshot = await graph.aget_state(config)
            waiting = [i.value["gate"] for task in snapshot.tasks for i in task.interrupts]
            if not snapshot.created_at:
                step: Any = {"review_id": review_id, "as_of": as_of.isoformat(), "results": {}, "to_draft": []}
            elif not snapshot.tasks:  # not `next`: that is empty as well after a kill between a step and its checkpoint
                return None
            elif not waiting:
                step = None
            elif session.store.decision(review_id, waiting[0]) is not None:
                step = Command(resume=True)
            else:
                session.store.set_state(review_id, f"waiting:{waiting[0]}")
                return str(waiting[0])
            await graph.ainvoke(step, config, context=context, durability="sync")
