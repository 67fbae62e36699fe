"""Phase 4, assignment and tracking: the capacity analyzer hands out what was approved; then everything is published."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import cast

from agents.capacity_analyzer import build_actions
from agents.churn_predictor import profile_for
from domain.configuration import Configuration
from domain.decisions import Decisions
from domain.dossier import Dossier
from domain.phase_results import AssignResult, EarlierRun, IdentifyResult, PlanResult, RunningPlay, RunningPlays, Trends
from domain.playbook import Role
from domain.portfolio import WorkflowRule
from domain.save_play import SavePlay
from domain.tracking import Action, CrmUpdate, Metrics
from graph.context import ReviewContext, ReviewState, StateUpdate, review_node, save_result
from graph.decision_preview import DecisionPreview
from graph.review_document import review_document
from tools.planning import metrics
from tools.planning.agenda import build_next_agenda
from tools.planning.assignment import action_id, assign_csm, crm_updates, touchpoints
from tools.planning.decisions import AppliedDecisions
from tools.planning.follow_up import apply_progress
from tools.planning.primary_actions import replaced_primary_actions
from tools.save_play.selection import account_team


@review_node("4 Assignment and tracking", "capacity analyzer")
def assign_actions(state: ReviewState, context: ReviewContext) -> StateUpdate:
    """Action lists, CRM updates, calendar holds and next week's agenda, from what people approved."""
    store, review_id = context.store, state["review_id"]
    identified = context.result(state, "identified", IdentifyResult)
    planned = context.result(state, "planned", PlanResult)
    decided, decision = _apply_decisions(context, state), _stored_decision(context, review_id, "plan")
    assigned, actions = _assignments(context, state, decided, {})
    running = _running(context, identified, planned, decided)
    with store.transaction():
        is_first = not store.has(review_id, "assigned")
        _save_actions(context, identified, actions)
        store.settle_proposals(review_id, [proposal.account_id for proposal in identified.proposals])
        store.save(review_id, "running", running)
        if is_first and decision.unattended:  # recorded before there were plays, so its own entry names none
            changes = [
                {"account": play.account_id, "before": "proposed", "after": play.status} for play in decided.plays
            ]
            store.log_list(review_id, decision.decided_by, "applied", "changes", changes, unattended=True)
        return save_result(context, state, "assigned", assigned)


@review_node("4 Assignment and tracking", "publisher")
def publish_review(state: ReviewState, context: ReviewContext) -> StateUpdate:
    """Owners named at the close go into the lists; the whole review is written."""
    review_id, results = state["review_id"], state["results"]
    close = _stored_decision(context, review_id, "close").close
    if close is not None and close.owners:
        assigned, actions = _assignments(context, state, _apply_decisions(context, state), close.owners)
        with context.store.transaction():
            _save_actions(context, context.result(state, "identified", IdentifyResult), actions)
            results = results | {"assigned": context.save_result(review_id, "assigned", assigned)}
    context.publish(review_document(context, {**state, "results": results}))
    context.store.set_state(review_id, "closed")  # last, so that a closed review always has its pages
    return {"results": results}


def _assignments(
    context: ReviewContext, state: ReviewState, decided: AppliedDecisions, owners: dict[str, str]
) -> tuple[AssignResult, list[Action]]:
    """The approved work, and its actions together with those that ended."""
    identified = context.result(state, "identified", IdentifyResult)
    planned = context.result(state, "planned", PlanResult)
    states = context.result(state, "trends", Trends).states
    assigned = _build_assignments(context, identified, planned, states, decided, owners)
    dropped = _dropped_actions(context, identified, decided, planned)
    return assigned, [*assigned.actions, *dropped]


def _save_actions(context: ReviewContext, identified: IdentifyResult, actions: Sequence[Action]) -> None:
    """Store the actions. Those that an earlier run of this week approved, and this one did not, stay as dropped."""
    store, review_id = context.store, identified.review_id
    earlier = store.find(review_id, "earlier_run", EarlierRun) or EarlierRun()
    lost = set(earlier.actions) - {action.id for action in actions}
    gone = [  # an action of an earlier week that is not decided now is as that week left it
        each.model_copy(update={"status": "dropped"})
        for each in store.actions_of(review_id)
        if each.id in lost and each.review_id == review_id
    ]
    store.save_actions(review_id, identified.as_of, [*actions, *gone])
    ended = {action.id for action in (*actions, *gone) if action.status == "dropped"}
    ids = tuple(sorted(ended & set(earlier.actions)))
    newly = [action_id for action_id in ids if action_id not in earlier.dropped]
    if ids != earlier.dropped:
        store.save(review_id, "earlier_run", earlier.model_copy(update={"dropped": ids}))
    if newly:
        decided_by = _stored_decision(context, review_id, "plan").decided_by
        store.log_list(review_id, decided_by, "dropped actions", "actions", newly, why="not approved again")


def _apply_decisions(context: ReviewContext, state: ReviewState) -> AppliedDecisions:
    """The decisions applied, as people saw them when they decided."""
    return DecisionPreview(context, state).apply(_stored_decision(context, state["review_id"], "plan"))


def _stored_decision(context: ReviewContext, review_id: str, gate: str) -> Decisions:
    decision = context.store.decision(review_id, gate)
    assert decision is not None, f"{gate} is decided before this step runs"
    return decision


def _build_assignments(
    context: ReviewContext,
    identified: IdentifyResult,
    planned: PlanResult,
    states: Mapping[str, int],
    decided: AppliedDecisions,
    owners: dict[str, str],
) -> AssignResult:
    """Everything that follows from what people approved. ``owners``: account to person, as named at the close."""
    configuration, team = context.configuration, identified.people
    proposed = build_actions(decided, identified, context.calendar, planned.origins, owners, configuration)
    progress, settings = context.store.progress(), configuration.review
    actions = tuple(apply_progress(action, progress, identified.as_of, settings) for action in proposed)
    plays = tuple(
        assign_csm(play, team[owners[play.account_id]]) if play.account_id in owners else play for play in decided.plays
    )
    approved = [play for play in plays if play.status in ("approved", "edited")]
    updates = _crm_updates(identified, decided, approved, actions)
    profile = profile_for(configuration, identified.portfolio.accounts)
    next_review = context.calendar.on_or_after(identified.as_of + timedelta(days=profile.interval_days))
    return AssignResult(
        plays=plays,
        decisions=decided.record,
        actions=actions,
        crm_updates=updates,
        touchpoints=touchpoints(approved, actions, team, configuration),
        owners_to_assign=tuple(item for item in planned.owners_to_assign if item.account_id not in owners),
        next_agenda=build_next_agenda(actions, plays, next_review, configuration, profile),
        workflow=_workflow(context.configuration, states),
        metrics=_metrics(context, identified, planned, owners, actions, updates),
    )


def _crm_updates(
    identified: IdentifyResult, decided: AppliedDecisions, approved: Sequence[SavePlay], actions: Sequence[Action]
) -> tuple[CrmUpdate, ...]:
    """CRM fields to set. The flag of accounts that left the list is cleared only if plan lines were approved."""
    lines = {line.account_id: line for line in identified.at_risk}
    moves = identified.portfolio.movements if decided.lines else ()
    resolved = [move for move in moves if move.change == "resolved"]
    return crm_updates(approved, decided.lines, lines, resolved, actions)


def _metrics(
    context: ReviewContext,
    identified: IdentifyResult,
    planned: PlanResult,
    owners: dict[str, str],
    actions: Sequence[Action],
    updates: Sequence[CrmUpdate],
) -> Metrics:
    earlier = context.earlier_reviews(identified.as_of)
    records = earlier.save_records(identified.outcomes)
    history = earlier.metrics_history(identified, records)
    named = {account: identified.people[person].name for account, person in owners.items()}
    commitments, settings = identified.followup.commitments, context.configuration.review
    process = metrics.process_metrics(
        planned.intervention_plan, named, actions, updates, history, commitments, settings
    )
    outcome = metrics.outcome_metrics(history, settings)
    labels: dict[str, str] = {cause: rule.label for cause, rule in context.configuration.causes.causes.items()}
    return metrics.build_metrics([*process, *outcome], records, labels, identified.portfolio.calibrated)


def _workflow(configuration: Configuration, states: Mapping[str, int]) -> tuple[WorkflowRule, ...]:
    return tuple(
        WorkflowRule(
            state=rule.state,
            crm_field=rule.crm_field,
            crm_value=rule.crm_value,
            alert=rule.alert,
            task=rule.task,
            accounts_now=states.get(rule.id, 0),
        )
        for rule in configuration.review.workflow
    )


def _dropped_actions(
    context: ReviewContext, identified: IdentifyResult, decided: AppliedDecisions, planned: PlanResult
) -> list[Action]:
    """Open actions of plays that were rejected or replaced because the cause changed, and primary actions that a play or
    another action takes the place of.
    """
    ended = {play.account_id for play in decided.plays if play.status == "rejected"}
    replaced = {play.account_id for play in decided.plays if play.status in ("approved", "edited")}
    ended |= {account for account in replaced if account not in planned.origins}
    still_open = context.earlier_reviews(identified.as_of).open_actions()
    gone = [action for action in still_open if action.account_id in ended and action.playbook_action]
    lines = {
        line.account_id: action_id(line.since or identified.review_id, line.account_id, "primary")
        for line in decided.lines
    }
    gone += replaced_primary_actions(still_open, replaced, lines)
    return [action.model_copy(update={"status": "dropped"}) for action in gone]


def _running(
    context: ReviewContext, identified: IdentifyResult, planned: PlanResult, decided: AppliedDecisions
) -> RunningPlays:
    """The plays that run from now on: those approved today, and earlier ones that were neither decided again nor ended."""
    dossiers = {dossier.account_id: dossier for dossier in identified.all_dossiers}
    earlier = context.earlier_reviews(identified.as_of).running_plays()
    decided_now = {play.account_id for play in decided.plays}
    running = {account: play for account, play in earlier.items() if account not in decided_now}
    for play in decided.plays:
        if play.status in ("approved", "edited"):
            continued = earlier.get(play.account_id) if play.account_id in planned.origins else None
            origin = planned.origins.get(play.account_id, identified.review_id)
            dossier = dossiers[play.account_id]
            running[play.account_id] = _running_play(play, dossier, origin, continued, identified)
    return RunningPlays(plays=tuple(running[account] for account in sorted(running)))


def _running_play(
    play: SavePlay, dossier: Dossier, origin: str, continued: RunningPlay | None, identified: IdentifyResult
) -> RunningPlay:
    """The play as later reviews need it. ``continued``: the same play as the review before left it, if it goes on."""
    actions = [action for phase in play.phases for action in phase.actions]
    return RunningPlay(
        account_id=play.account_id,
        name=play.name,
        arr=play.arr,
        cause=play.cause,
        created=play.created,
        origin=origin,
        actions={phase.phase: tuple(action.id for action in phase.actions) for phase in play.phases},
        dates={action.id: action.due for action in actions},
        owners=_unusual_owners(play, dossier, identified),
        edits=play.edits,
        health=continued.health if continued is not None else dossier.health,
    )


def _unusual_owners(play: SavePlay, dossier: Dossier, identified: IdentifyResult) -> dict[str, str]:
    """Person by action where somebody else than the account's own CSM, manager or sponsor does it.

    A specialist is always named: who has most hours free changes from week to week.
    """
    own = {"csm", "cs_manager", *(["exec_sponsor"] if dossier.exec_sponsor_id else [])}
    team = account_team(dossier, identified.people).by_role
    usual = {role: person.person_id for role, person in team.items() if person and role in own}
    return {
        action.id: action.owner_id
        for phase in play.phases
        for action in phase.actions
        if action.owner_id is not None and action.owner_id != usual.get(cast("Role", action.owner_role))
    }
