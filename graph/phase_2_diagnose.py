"""Phase 2, root cause analysis: the health scorer finds why, the capacity analyzer who has hours free."""

from agents.capacity_analyzer import assess_capacity
from agents.health_scorer import diagnose_accounts, find_patterns
from domain.phase_results import CapacityResult, DiagnoseResult, IdentifyResult
from graph.context import ReviewContext, ReviewState, StateUpdate, review_node, save_result
from graph.workload import actions_besides


@review_node("2 Root cause analysis", "health scorer")
def find_causes(state: ReviewState, context: ReviewContext) -> StateUpdate:
    """Cause, driver, pillar, difficulty and time to churn of each account on the list; what they have in common."""
    identified = context.result(state, "identified", IdentifyResult)
    asked = {dossier.account_id: dossier for dossier in identified.asked}
    others = (*identified.dossiers, *identified.ahead_dossiers, *identified.running_dossiers)
    listed = [asked.pop(dossier.account_id, dossier) for dossier in others]
    causes = diagnose_accounts([*listed, *asked.values()], context.configuration)
    common = find_patterns(
        identified.dossiers,
        causes,
        identified.population,
        identified.people,
        context.configuration,
        identified.incidents,
    )
    return save_result(context, state, "diagnosed", DiagnoseResult(causes=causes, patterns=common))


@review_node("2 Root cause analysis", "capacity analyzer")
def measure_load(state: ReviewState, context: ReviewContext) -> StateUpdate:
    """Load of each CSM before this week's plays, overload warnings, handovers that would help."""
    identified = context.result(state, "identified", IdentifyResult)
    promised = actions_besides(context.earlier_reviews(identified.as_of).open_actions(), (), identified.plan_rows)
    lines, moves = assess_capacity(identified, promised, (), context.configuration)
    return save_result(context, state, "analysed", CapacityResult(capacity=lines, handovers=moves))
