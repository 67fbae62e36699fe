"""What the nodes share: a small state that is saved after each step, and a context that never is."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from time import perf_counter
from typing import Annotated, Protocol, TypedDict, TypeVar

from langgraph.runtime import Runtime

from agents.model_client import ModelClient
from domain.configuration import Configuration
from domain.record import Record
from domain.review import Review
from tools.scoring.scored_base import ScoredBase
from tools.scoring.snapshots import SnapshotStore
from tools.store.review_store import ReviewStore
from tools.working_days import WorkingDays

R = TypeVar("R", bound=Record)


def merge_results(left: dict[str, str], right: dict[str, str]) -> dict[str, str]:
    """Both; what was written last stands."""
    return {**left, **right}


class ReviewState(TypedDict):
    """Ids and hashes only: what is behind them is in the store."""

    review_id: str
    as_of: str
    results: Annotated[dict[str, str], merge_results]
    """Phase result to the hash of its content. Each writer adds its own key."""
    to_draft: list[str]
    """Accounts that get a new save play this week."""


class ProgressListener(Protocol):
    """Where the review is, for people who watch."""

    def starts(self, phase: str, agent: str) -> None:
        """A step begins."""

    def ends(self, phase: str, agent: str, seconds: float) -> None:
        """A step is done."""


@dataclass
class ReviewContext:
    """Everything a node may use. Built by the wiring, passed in again on every resume."""

    configuration: Configuration
    store: ReviewStore
    history: SnapshotStore
    calendar: WorkingDays
    load: Callable[[], ScoredBase]
    publish: Callable[[Review], None]
    progress: ProgressListener
    client: ModelClient | None = None
    _base: ScoredBase | None = field(default=None, repr=False)
    _results: dict[str, Record] = field(default_factory=dict, repr=False)

    def base(self) -> ScoredBase:
        """The scored customer base; read once a process."""
        if self._base is None:
            self._base = self.load()
        return self._base

    def keep(self, review_id: str, kind: str, record: Record) -> str:
        """Store the result of a step; this process need not read it again. Returns the hash of its content."""
        digest = self.store.save(review_id, kind, record)
        self._results[kind] = record
        return digest

    def result(self, review_id: str, kind: str, model: type[R]) -> R:
        """The result of an earlier step. Raises UnknownReference when that step has not run."""
        found = self._results.get(kind)
        if not isinstance(found, model):
            found = self.store.get(review_id, kind, model)
            self._results[kind] = found
        return found


StateUpdate = Mapping[str, object]


class ReviewNode(Protocol):
    """A node of the graph."""

    def __call__(self, state: ReviewState, *, runtime: Runtime[ReviewContext]) -> Awaitable[StateUpdate]:
        """Do the step and say what changed in the state."""


def save_result(context: ReviewContext, state: ReviewState, kind: str, record: Record) -> StateUpdate:
    """Store the result of a step and note its hash in the state."""
    return {"results": {kind: context.keep(state["review_id"], kind, record)}}


def review_date(state: ReviewState) -> date:
    """The review date."""
    return date.fromisoformat(state["as_of"])


NodeWork = Callable[[ReviewState, ReviewContext], StateUpdate | Awaitable[StateUpdate]]


def review_node(phase: str, agent: str) -> Callable[[NodeWork], ReviewNode]:
    """A node from a plain or async function of state and context, with its progress shown."""

    def make(work: NodeWork) -> ReviewNode:
        async def node(state: ReviewState, *, runtime: Runtime[ReviewContext]) -> StateUpdate:
            context = runtime.context
            context.progress.starts(phase, agent)
            began = perf_counter()
            made = work(state, context)
            update = await made if isinstance(made, Awaitable) else made
            context.progress.ends(phase, agent, perf_counter() - began)
            return update

        node.__name__ = work.__name__
        node.__doc__ = work.__doc__
        return node

    return make
