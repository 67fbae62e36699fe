"""The two decisions by people. A decision is stored first; the graph only looks whether it is there."""

from typing import Literal

from langgraph.runtime import Runtime
from langgraph.types import interrupt

from domain.phase_results import EarlierRun, PlanResult
from graph.context import ReviewContext, ReviewState, StateUpdate, review_node
from graph.review_document import review_document
from tools.planning.decisions import unchanged_choices
from tools.store.desk_store import DeskStore

Gate = Literal["plan", "close"]


@review_node("Decisions by people", "the page")
def publish_for_decision(state: ReviewState, context: ReviewContext) -> StateUpdate:
    """Write the pages that people decide from; left out when the decision is already there."""
    gate: Gate = "close" if "assigned" in state["results"] else "plan"
    if gate == "plan":
        _carry_choices(state, context)
    if context.store.decision(state["review_id"], gate) is None:
        context.publish(review_document(context, state))
    return {}


def _carry_choices(state: ReviewState, context: ReviewContext) -> None:
    """Give the choices of an earlier run of this week to this run, where people decide on the same as then."""
    store, review_id = context.store, state["review_id"]
    earlier = store.find(review_id, "earlier_run", EarlierRun)
    if earlier is None or not earlier.choices:
        return
    planned = context.result(state, "planned", PlanResult)
    carried = unchanged_choices(earlier.choices, planned)
    kept = [choice.decision.account for choice in carried]
    asked = sorted({choice.decision.account for choice in earlier.choices} - set(kept))
    with store.transaction():
        DeskStore(store).carry_choices(review_id, store.request(review_id)[2], carried)
        store.save(review_id, "earlier_run", earlier.model_copy(update={"choices": ()}))
        store.log_list(review_id, "saveplay", "carried over", "accounts", kept, asked_again=asked)


async def people_decide(state: ReviewState, *, runtime: Runtime[ReviewContext]) -> StateUpdate:
    """Wait until each play is approved, edited, rejected or deferred."""
    return _wait_for_decision(state, runtime.context, "plan")


async def people_close(state: ReviewState, *, runtime: Runtime[ReviewContext]) -> StateUpdate:
    """Wait until the meeting is closed: critical accounts owned, immediate actions dated."""
    return _wait_for_decision(state, runtime.context, "close")


def _wait_for_decision(state: ReviewState, context: ReviewContext, gate: Gate) -> StateUpdate:
    if context.store.decision(state["review_id"], gate) is None:
        interrupt({"gate": gate, "review": state["review_id"]})
    return {}
