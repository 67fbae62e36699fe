"""The two decisions by people. A decision is stored first; the graph only looks whether it is there."""

from typing import Literal

from langgraph.runtime import Runtime
from langgraph.types import interrupt

from graph.context import ReviewContext, ReviewState, StateUpdate, review_node
from graph.review_document import review_document

Gate = Literal["plan", "close"]


@review_node("Decisions by people", "the page")
def publish_for_decision(state: ReviewState, context: ReviewContext) -> StateUpdate:
    """Write the pages that people decide from; left out when the decision is already there."""
    gate: Gate = "close" if "assigned" in state["results"] else "plan"
    if context.store.decision(state["review_id"], gate) is None:
        context.publish(review_document(context, state))
    return {}


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
