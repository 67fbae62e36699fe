"""Phase 2, root cause analysis: the health scorer finds why, the capacity analyzer who has the hands free."""

from agents.capacity_analyzer import assess_capacity
from agents.health_scorer import diagnose_accounts, find_patterns
from domain.phase_results import CapacityResult, DiagnoseResult, IdentifyResult
from domain.tracking import Action
from graph.context import ReviewContext, ReviewState, StateUpdate, review_date, review_node, save_result
from tools.store.review_store import ReviewStore


@review_node("2 Root cause analysis", "health scorer")
def find_causes(state: ReviewState, context: ReviewContext) -> StateUpdate:
    """Cause, driver, pillar, difficulty and time to churn of each account on the list; what they have in common."""
    identified = context.result(state["review_id"], "identified", IdentifyResult)
    asked = {dossier.account_id: dossier for dossier in identified.asked}
    listed = [asked.pop(dossier.account_id, dossier) for dossier in identified.dossiers]
    causes = diagnose_accounts([*listed, *asked.values()], context.configuration)
    common = find_patterns(identified.dossiers, causes, identified.population, identified.people, context.configuration)
    return save_result(context, state, "diagnosed", DiagnoseResult(causes=causes, patterns=common))


@review_node("2 Root cause analysis", "capacity analyzer")
def measure_load(state: ReviewState, context: ReviewContext) -> StateUpdate:
    """Load of each CSM before this week's plays, overload warnings, handovers that would help."""
    identified = context.result(state["review_id"], "identified", IdentifyResult)
    lines, moves = assess_capacity(identified, open_actions(context.store, state), (), context.configuration)
    return save_result(context, state, "analysed", CapacityResult(capacity=lines, handovers=moves))


def open_actions(store: ReviewStore, state: ReviewState) -> list[Action]:
    """Actions of earlier reviews that are not done."""
    day, progress = review_date(state), store.progress()
    found = []
    for action in store.actions_before(day):
        done = progress.get(action.id, ("open", None))
        settled = done[0] != "open" and (done[1] is None or done[1] <= day)
        if not settled and action.status != "dropped":
            found.append(action)
    return found


def completed_actions(store: ReviewStore, state: ReviewState) -> set[tuple[str, str]]:
    """Account and playbook action of everything that earlier reviews approved and somebody has done."""
    day, progress = review_date(state), store.progress()
    found = set()
    for action in store.actions_before(day):
        said, on = progress.get(action.id, ("open", None))
        if said == "done" and action.playbook_action and (on is None or on <= day):
            found.add((action.account_id, action.playbook_action))
    return found
