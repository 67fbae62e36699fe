"""The weekly at-risk review: four phases, three agents and a drafter, two decisions by people.

    identify risk -> diagnose causes -> plan plays -> [people decide] -> assign and track -> [people close]

State holds ids and hashes; rows, plays and decisions live in the store. Node names are public: a paused review finds
its place by them, so renaming one needs a new VERSION.
"""

from langgraph.graph import END, START, StateGraph

from graph.context import ReviewContext, ReviewState
from graph.gates import people_close, people_decide, present
from graph.phase_1_identify import churn_predictor_identifies, health_scorer_follows_trends
from graph.phase_2_diagnose import capacity_analyzer_measures_load, health_scorer_finds_causes
from graph.phase_3_plan import (
    churn_predictor_chooses,
    churn_predictor_plans,
    each_account,
    play_drafter_briefs,
    play_drafter_drafts,
)
from graph.phase_4_assign import capacity_analyzer_assigns, publish

VERSION = "v2"


def weekly_review() -> StateGraph[ReviewState, ReviewContext]:
    """The graph, not yet compiled: the caller brings the checkpointer."""
    graph = StateGraph(ReviewState, context_schema=ReviewContext)

    # 1 Risk identification
    graph.add_node("identify_risk", churn_predictor_identifies)
    graph.add_node("follow_trends", health_scorer_follows_trends)
    # 2 Root cause analysis
    graph.add_node("find_causes", health_scorer_finds_causes)
    graph.add_node("measure_load", capacity_analyzer_measures_load)
    # 3 Intervention planning
    graph.add_node("choose_accounts", churn_predictor_chooses)
    graph.add_node("draft_play", play_drafter_drafts)
    graph.add_node("plan_plays", churn_predictor_plans)
    graph.add_node("write_briefing", play_drafter_briefs)
    graph.add_node("present_plays", present)
    graph.add_node("people_decide", people_decide)
    # 4 Assignment and tracking
    graph.add_node("assign_actions", capacity_analyzer_assigns)
    graph.add_node("present_actions", present)
    graph.add_node("people_close", people_close)
    graph.add_node("publish", publish)

    graph.add_edge(START, "identify_risk")
    graph.add_edge("identify_risk", "follow_trends")
    graph.add_edge("follow_trends", "find_causes")
    graph.add_edge("follow_trends", "measure_load")
    graph.add_edge(["find_causes", "measure_load"], "choose_accounts")
    graph.add_conditional_edges("choose_accounts", each_account, ["draft_play", "plan_plays"])
    graph.add_edge("draft_play", "plan_plays")
    graph.add_edge("plan_plays", "write_briefing")
    graph.add_edge("write_briefing", "present_plays")
    graph.add_edge("present_plays", "people_decide")
    graph.add_edge("people_decide", "assign_actions")
    graph.add_edge("assign_actions", "present_actions")
    graph.add_edge("present_actions", "people_close")
    graph.add_edge("people_close", "publish")
    graph.add_edge("publish", END)
    return graph
