"""Builds everything once, from what was asked: configuration, store, history, calendar, data, graph, pages.

The only place that knows the clock, the environment and the file system together.
"""

import os
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.stores import StorePlace, store_at
from app.timing import Timing
from domain.configuration import Configuration
from domain.errors import ConfigurationError
from tools.configuration import read_configuration
from tools.wording import review_id_of

if TYPE_CHECKING:
    from agents.model_client import Heard, ModelClient
    from domain.configuration import Settings
    from graph.context import ReviewContext
    from tools.engine import Watch
    from tools.scoring.scored_base import CustomerBase
    from tools.scoring.snapshots import History
    from tools.store.review_store import Store

BACKFILL_STEP_DAYS = 7


def now() -> str:
    """The clock; only the audit log and run.json may see it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


@dataclass(frozen=True)
class Request:
    """What a review was asked for; remembered, so that ``resume`` and ``decide`` need only the review id."""

    data: str
    as_of: date
    out: str
    configs: str | None

    def kept(self) -> dict[str, Any]:
        """As the store keeps it."""
        return {"data": self.data, "as_of": self.as_of.isoformat(), "out": self.out, "configs": self.configs}

    @classmethod
    def of(cls, kept: dict[str, Any]) -> "Request":
        """As it was kept."""
        return cls(kept["data"], date.fromisoformat(kept["as_of"]), kept["out"], kept["configs"])


@dataclass
class Workplace:
    """One store, opened."""

    at: StorePlace
    store: "Store"
    loaded: dict[str, "CustomerBase"] = field(default_factory=dict)
    """Customer bases that were read while a review was started, so that they are not read twice."""

    contexts: dict[str, "ReviewContext"] = field(default_factory=dict)
    """What the steps of a review use, by review; built once a process."""
    configurations: dict[str | None, Configuration] = field(default_factory=dict)
    """By folder; None is the shipped one."""
    _held: set[str] = field(default_factory=set, repr=False)
    _until_closed: ExitStack = field(default_factory=ExitStack, repr=False)

    def history(self) -> "History":
        """The scores of the weeks before."""
        return self.at.history()

    def hold(self, review_id: str) -> None:
        """Have the review to ourselves until the store is closed. Raises BusyError when another process has it.

        Until then, not for one step: between two steps another process could begin the same week anew.
        """
        if review_id not in self._held:
            self._until_closed.enter_context(self.at.alone(review_id))
            self._held.add(review_id)

    def close(self) -> None:
        """Let go of every review, and close the store."""
        self._until_closed.close()
        self.store.close()

    def configuration(self, request: Request) -> Configuration:
        """The configuration that the review runs with, read once."""
        if request.configs not in self.configurations:
            folder = Path(request.configs) if request.configs else None
            self.configurations[request.configs] = with_environment(read_configuration(folder))
        return self.configurations[request.configs]


@contextmanager
def workplace(given: str | None) -> Iterator[Workplace]:
    """Open the store for the length of the block. Raises InputError when it cannot be opened."""
    with store_at(given) as at:
        opened = Workplace(at, at.store(now))
        try:
            yield opened
        finally:
            opened.close()


def with_environment(configuration: Configuration) -> Configuration:
    """The configuration with the model that the environment names. Raises ConfigurationError for half a model."""
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


def model_client(configuration: Configuration, heard: "Heard") -> "ModelClient | None":
    """The language model, or None when none is configured."""
    if configuration.model.name is None:
        return None
    from agents.model_client import OpenAIClient

    url, key = configuration.model.url, os.environ.get("OPENAI_API_KEY")
    return OpenAIClient(configuration.model, url.strip() if url else None, key.strip() if key else None, heard)


def absolute(location: str) -> str:
    """A data location that still means the same when called from another folder."""
    if "://" not in location:
        return str(Path(location).resolve())
    return re.sub(r"(?<=[?&])(mapping|folder)=([^&]*)", lambda at: f"{at[1]}={Path(at[2]).resolve()}", location)


def load_base(
    request: Request, configuration: "Settings", history: "History", watch: "Watch | None" = None
) -> "CustomerBase[Settings]":
    """Read the data and score it."""
    from tools.engine import EngineLimits, unwatched
    from tools.scoring.scored_base import read_base

    limits = EngineLimits.of_environment()
    return read_base(request.data, request.as_of, configuration, history, limits, watch or unwatched)


def backfill(
    request: Request, configuration: Configuration, history: "History", weeks: int, watch: "Watch | None" = None
) -> None:
    """Score past weeks from the dated rows, so that trends exist from the first review on. Never reviewed weeks."""
    from datetime import timedelta

    for back in range(weeks, 0, -1):
        day = request.as_of - timedelta(days=BACKFILL_STEP_DAYS * back)
        if not history.has(review_id_of(day)):
            past = Request(request.data, day, request.out, request.configs)
            base = load_base(past, configuration, history, watch)
            base.keep(history, review_id_of(day), reviewed=False)
            base.close()


def context_for(place: Workplace, review_id: str, timing: Timing) -> "ReviewContext":
    """What the nodes of the graph use. Raises UnknownReference for a review that was never started."""
    from app.publishing import publisher
    from graph.context import ReviewContext
    from tools.working_days import WorkingDays

    if review_id not in place.contexts:
        request = Request.of(place.store.request(review_id)[0])
        configuration = place.configuration(request)
        history = place.history()
        place.contexts[review_id] = ReviewContext(
            configuration=configuration,
            store=place.store,
            history=history,
            calendar=WorkingDays(configuration.review),
            load=lambda: place.loaded.pop(review_id, None) or load_base(request, configuration, history),
            publish=publisher(Path(request.out), place.store, timing, review_id),
            progress=timing,
            client=model_client(configuration, timing.called),
        )
    return place.contexts[review_id]


def run_review(place: Workplace, review_id: str, timing: Timing) -> str | None:
    """Run the review as far as decisions allow. Returns the gate it waits at, or None when it is closed.

    Raises UnknownReference for a review that was never started, BusyError when another process runs it.
    """
    place.store.request(review_id)
    place.hold(review_id)
    kept, _, run = place.store.request(review_id)
    import asyncio

    return asyncio.run(_drive(place, Request.of(kept).as_of, review_id, run, timing))


async def _drive(place: Workplace, as_of: date, review_id: str, run: int, timing: Timing) -> str | None:
    os.environ["LANGGRAPH_STRICT_MSGPACK"] = "true"  # read when langgraph is first imported
    os.environ["LANGSMITH_TRACING"] = "false"  # nothing about a customer is sent to a tracing service
    context = context_for(place, review_id, timing)
    try:
        return await _driven(place, as_of, review_id, run, context)
    finally:
        if context.client is not None:
            await context.client.close()


async def _driven(place: Workplace, as_of: date, review_id: str, run: int, context: "ReviewContext") -> str | None:
    from langgraph.types import Command

    from graph.weekly_review import VERSION, weekly_review

    thread = f"weekly-review:{VERSION}:{review_id}:{run}"
    config: Any = {"configurable": {"thread_id": thread}, "recursion_limit": 50}
    async with place.at.saver() as saver:
        graph = weekly_review().compile(checkpointer=saver)
        while True:
            snapshot = await graph.aget_state(config)
            waiting = [i.value["gate"] for task in snapshot.tasks for i in task.interrupts]
            if not snapshot.created_at:
                step: Any = {"review_id": review_id, "as_of": as_of.isoformat(), "results": {}, "to_draft": []}
            elif not snapshot.tasks:  # `next` is empty, too, when a kill came between a step and its checkpoint
                return None
            elif not waiting:
                step = None
            elif place.store.decision(review_id, waiting[0]) is not None:
                step = Command(resume=True)
            else:
                place.store.set_state(review_id, f"waiting:{waiting[0]}")
                return str(waiting[0])
            await graph.ainvoke(step, config, context=context, durability="sync")
