"""The weekly at-risk review: four phases, two decisions by people.

The text reader has new texts read by the model, where the team switched that on. The churn predictor, the health scorer and
the capacity analyzer judge; the play drafter writes plays, the briefer the briefing.

    (read texts) -> identify risk -> diagnose causes -> plan plays -> [people decide] -> assign and track -> [people close]

State holds ids and hashes; rows, plays and decisions live in the store. Node names are public: a paused review finds
its place by them, so renaming one needs a new VERSION.
"""

from langgraph.graph import END, START, StateGraph

from graph.context import ReviewContext, ReviewState
from graph.gates import people_close, people_decide, publish_for_decision
from graph.phase_1_identify import follow_trends, identify_risk
from graph.phase_1_read import read_texts
from graph.phase_2_diagnose import find_causes, measure_load
from graph.phase_3_plan import (
    choose_accounts,
    draft_play,
    fan_out_drafts,
    plan_plays,
    write_briefing,
)
from graph.phase_4_assign import assign_actions, publish_review

VERSION = "v2"


def weekly_review() -> StateGraph[ReviewState, ReviewContext]:
    """Graph of the review. The caller has to compile it with a checkpointer."""
    graph = StateGraph(ReviewState, context_schema=ReviewContext)

    # 1 Risk identification
    graph.add_node("read_texts", read_texts)
    graph.add_node("identify_risk", identify_risk)
    graph.add_node("follow_trends", follow_trends)
    # 2 Root cause analysis
    graph.add_node("find_causes", find_causes)
    graph.add_node("measure_load", measure_load)
    # 3 Intervention planning
    graph.add_node("choose_accounts", choose_accounts)
    graph.add_node("draft_play", draft_play)
    graph.add_node("plan_plays", plan_plays)
    graph.add_node("write_briefing", write_briefing)
    graph.add_node("present_plays", publish_for_decision)
    graph.add_node("people_decide", people_decide)
    # 4 Assignment and tracking
    graph.add_node("assign_actions", assign_actions)
    graph.add_node("present_actions", publish_for_decision)
    graph.add_node("people_close", people_close)
    graph.add_node("publish", publish_review)

    graph.add_edge(START, "read_texts")
    graph.add_edge("read_texts", "identify_risk")
    graph.add_edge("identify_risk", "follow_trends")
    graph.add_edge("follow_trends", "find_causes")
    graph.add_edge("follow_trends", "measure_load")
    graph.add_edge(["find_causes", "measure_load"], "choose_accounts")
    graph.add_conditional_edges("choose_accounts", fan_out_drafts, ["draft_play", "plan_plays"])
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
