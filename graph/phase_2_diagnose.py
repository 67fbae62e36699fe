"""Phase 2, root cause analysis: the health scorer finds why, the capacity analyzer who has the hands free."""

from agents.capacity_analyzer import assess
from agents.health_scorer import deep_dive, patterns
from domain.phases import Analysed, Diagnosed, Identified
from domain.review import Action
from graph.context import ReviewContext, ReviewState, Update, as_of, kept, step
from tools.store.review_store import Store


@step("2 Root cause analysis", "health scorer")
def health_scorer_finds_causes(state: ReviewState, context: ReviewContext) -> Update:
    """Cause, driver, pillar, difficulty and time to churn of each account on the list; what they have in common."""
    identified = context.result(state["review_id"], "identified", Identified)
    asked = {dossier.account_id: dossier for dossier in identified.asked}
    listed = [asked.pop(dossier.account_id, dossier) for dossier in identified.dossiers]
    causes = deep_dive([*listed, *asked.values()], context.configuration)
    common = patterns(identified.dossiers, causes, identified.population, identified.people, context.configuration)
    return kept(context, state, "diagnosed", Diagnosed(causes=causes, patterns=common))


@step("2 Root cause analysis", "capacity analyzer")
def capacity_analyzer_measures_load(state: ReviewState, context: ReviewContext) -> Update:
    """Load of each CSM before this week's plays, overload warnings, handovers that would help."""
    identified = context.result(state["review_id"], "identified", Identified)
    lines, moves = assess(identified, open_actions(context.store, state), (), context.configuration)
    return kept(context, state, "analysed", Analysed(capacity=lines, handovers=moves))


def open_actions(store: Store, state: ReviewState) -> list[Action]:
    """Actions of earlier reviews that are not done."""
    day, progress = as_of(state), store.progress()
    found = []
    for action in store.actions_before(day):
        done = progress.get(action.id, ("open", None))
        settled = done[0] != "open" and (done[1] is None or done[1] <= day)
        if not settled and action.status != "dropped":
            found.append(action)
    return found


def finished(store: Store, state: ReviewState) -> set[tuple[str, str]]:
    """Account and playbook action of everything that earlier reviews approved and somebody has done."""
    day, progress = as_of(state), store.progress()
    found = set()
    for action in store.actions_before(day):
        said, on = progress.get(action.id, ("open", None))
        if said == "done" and action.playbook_action and (on is None or on <= day):
            found.add((action.account_id, action.playbook_action))
    return found
