"""State and context of the nodes: the small state is saved after each step, the context never."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from time import perf_counter
from typing import Annotated, Protocol, TypedDict, TypeVar

from langgraph.runtime import Runtime

from agents.conversation import ModelClient
from domain.configuration import Configuration
from domain.errors import StoreError
from domain.record import Record
from domain.review import Review
from graph.review_history import EarlierReviews
from tools.scoring.scored_base import ScoredBase
from tools.scoring.snapshots import SnapshotStore
from tools.store.review_store import ReviewStore
from tools.wording import review_id_of
from tools.working_days import WorkingDays

R = TypeVar("R", bound=Record)


def merge_results(left: dict[str, str], right: dict[str, str]) -> dict[str, str]:
    """Both; the later of two results of one kind wins."""
    return {**left, **right}


class ReviewState(TypedDict):
    """Ids and hashes only: the results themselves are in the store."""

    review_id: str
    as_of: str
    results: Annotated[dict[str, str], merge_results]
    """Kind of result to the hash of what is stored; compared when a later step reads it. Each writer adds its own key."""
    to_draft: list[str]
    """Accounts that get a new save play this week."""


class ProgressListener(Protocol):
    """Listener that shows people how far the review is."""

    def on_start(self, phase: str, agent: str) -> None:
        """A step begins."""

    def on_end(self, phase: str, agent: str, seconds: float) -> None:
        """A step is done."""


@dataclass
class ReviewContext:
    """Everything a node may use. Built by the wiring, passed in again on every resume."""

    configuration: Configuration
    store: ReviewStore
    history: SnapshotStore
    calendar: WorkingDays
    load_base: Callable[[], ScoredBase]
    publish: Callable[[Review], None]
    progress: ProgressListener
    client: ModelClient | None = None
    _base: ScoredBase | None = field(default=None, repr=False)
    _results: dict[str, tuple[Record, str]] = field(default_factory=dict, repr=False)
    """Result of a step and the hash of what is stored, by kind."""

    def base(self) -> ScoredBase:
        """The scored customer base; read once a process."""
        if self._base is None:
            self._base = self.load_base()
        return self._base

    def score_again(self) -> None:
        """Drop the scored base, also one that was read when the review was started: the next is read with what is known now."""
        self.base().close()
        self._base = None

    def save_result(self, review_id: str, kind: str, record: Record) -> str:
        """Store the result of a step; this process need not read it again. Returns the hash of its content."""
        digest = self.store.save(review_id, kind, record)
        self._results[kind] = (record, digest)
        return digest

    def result(self, state: ReviewState, kind: str, model: type[R]) -> R:
        """The result of an earlier step.

        Raises UnknownReference if that step has not run, StoreError if what is stored is not what the step wrote.
        """
        expected = state["results"].get(kind)
        found, digest = self._results.get(kind, (None, None))
        if not isinstance(found, model) or digest != (expected or digest):
            found, digest = self.store.get_with_hash(state["review_id"], kind, model)
            if expected is not None and digest != expected:
                raise StoreError(
                    f"the stored result {kind!r} of {state['review_id']} is not the one that this review went on with; "
                    f"run the week again with `saveplay review --as-of {state['as_of']}`"
                )
            self._results[kind] = (found, digest)
        return found

    def earlier_reviews(self, day: date) -> EarlierReviews:
        """The reviews before the one of ``day``, in weeks before it."""
        return EarlierReviews(self.store, self.configuration.review, day, own=review_id_of(day))

    def stored_state(self, review_id: str) -> ReviewState:
        """State to read a review outside its own run: it knows no hashes, so none is compared.

        Raises UnknownReference for a review that was never started.
        """
        as_of = self.store.request(review_id)[0]["as_of"]
        return ReviewState(review_id=review_id, as_of=as_of, results={}, to_draft=[])


StateUpdate = Mapping[str, object]


class ReviewNode(Protocol):
    """A node of the graph."""

    def __call__(self, state: ReviewState, *, runtime: Runtime[ReviewContext]) -> Awaitable[StateUpdate]:
        """Do the step and return what changes in the state."""


def save_result(context: ReviewContext, state: ReviewState, kind: str, record: Record) -> StateUpdate:
    """Store the result of a step and note its hash in the state."""
    return {"results": {kind: context.save_result(state["review_id"], kind, record)}}


def review_date(state: ReviewState) -> date:
    """The review date."""
    return date.fromisoformat(state["as_of"])


NodeWork = Callable[[ReviewState, ReviewContext], StateUpdate | Awaitable[StateUpdate]]


def review_node(phase: str, agent: str) -> Callable[[NodeWork], ReviewNode]:
    """A node from a plain or async function of state and context, with its progress shown."""

    def make(work: NodeWork) -> ReviewNode:
        async def node(state: ReviewState, *, runtime: Runtime[ReviewContext]) -> StateUpdate:
            context = runtime.context
            context.progress.on_start(phase, agent)
            began = perf_counter()
            made = work(state, context)
            update = await made if isinstance(made, Awaitable) else made
            context.progress.on_end(phase, agent, perf_counter() - began)
            return update

        node.__name__ = work.__name__
        node.__doc__ = work.__doc__
        return node

    return make
