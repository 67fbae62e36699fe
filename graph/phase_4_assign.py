"""Phase 4, assignment and tracking: the capacity analyzer hands out what was approved; then everything is published."""

from collections.abc import Mapping, Sequence
from typing import cast

from agents.capacity_analyzer import build_actions
from agents.churn_predictor import profile_for
from domain.configuration import Configuration
from domain.decisions import Decisions
from domain.dossier import Dossier
from domain.phase_results import (
    AssignResult,
    DiagnoseResult,
    EarlierRun,
    IdentifyResult,
    PlanResult,
    RunningPlay,
    RunningPlays,
    Trends,
)
from domain.portfolio import WorkflowRule
from domain.running_play import Deferral, PlaySnapshot
from domain.save_play import SavePlay
from domain.tables import Role
from domain.tracking import Action, CrmUpdate, Metrics
from graph.context import ReviewContext, ReviewState, StateUpdate, review_node, save_result
from graph.decision_preview import DecisionPreview
from graph.review_document import review_document
from tools.planning import metrics
from tools.planning.agenda import build_next_agenda
from tools.planning.assignment import assign_csm, crm_updates, touchpoints
from tools.planning.decisions import AppliedDecisions
from tools.planning.follow_up import apply_progress
from tools.planning.next_steps import (
    LeftAccounts,
    closed_actions,
    deferral_note,
    deferrals_of,
    deferred_actions,
    next_review_day,
)
from tools.planning.running_play import snapshot
from tools.save_play.selection import account_team


@review_node("4 Assignment and tracking", "capacity analyzer")
def assign_actions(state: ReviewState, context: ReviewContext) -> StateUpdate:
    """Action lists, CRM updates, calendar holds and next week's agenda, from what people approved."""
    store, review_id = context.store, state["review_id"]
    identified = context.result(state, "identified", IdentifyResult)
    decided, decision = _apply_decisions(context, state), _stored_decision(context, review_id, "plan")
    assigned, actions = _assignments(context, state, decided, {})
    running = _running(context, state, decided, assigned)
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
    """Owners named at the close go into the lists; the whole review is written. Who runs the graph closes the review then."""
    review_id, results = state["review_id"], state["results"]
    close = _stored_decision(context, review_id, "close").close
    if close is not None and close.owners:
        assigned, actions = _assignments(context, state, _apply_decisions(context, state), close.owners)
        with context.store.transaction():
            _save_actions(context, context.result(state, "identified", IdentifyResult), actions)
            results = results | {"assigned": context.save_result(review_id, "assigned", assigned)}
    context.publish(review_document(context, {**state, "results": results}))
    return {"results": results}


def _assignments(
    context: ReviewContext, state: ReviewState, decided: AppliedDecisions, owners: dict[str, str]
) -> tuple[AssignResult, list[Action]]:
    """The approved work, and its actions together with those that ended."""
    identified = context.result(state, "identified", IdentifyResult)
    planned = context.result(state, "planned", PlanResult)
    states = context.result(state, "trends", Trends).states
    unattended = _stored_decision(context, state["review_id"], "plan").unattended
    assigned = _build_assignments(context, identified, planned, states, decided, owners, leaves_steps=not unattended)
    return assigned, [*assigned.actions, *assigned.closed_actions]


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
    *,
    leaves_steps: bool,
) -> AssignResult:
    """Everything that follows from what people approved. ``owners``: account to person, as named at the close.

    ``leaves_steps``: what people rejected or deferred leaves a next step; without people, nothing is handed out for it.
    """
    configuration, team, calendar, as_of = context.configuration, identified.people, context.calendar, identified.as_of
    profile, settings = profile_for(configuration, identified.portfolio.accounts), configuration.review
    next_review = next_review_day(as_of, profile.interval_days, calendar)
    waiting = context.earlier_reviews(as_of).open_actions()
    put_off = [play for play in decided.plays if play.account_id not in decided.waited]
    deferrals = deferrals_of(put_off, decided.by_account, as_of, planned.deferred)
    proposed = [*build_actions(decided, identified, calendar, _origins(decided), owners, configuration)]
    proposed += deferred_actions(deferrals, waiting, as_of, calendar)
    if leaves_steps:
        csms = {row.account_id: row.csm_id for row in identified.plan_rows}
        csms |= {play.account_id: play.owner_id for play in decided.plays}
        named = {account: person for account, person in (csms | owners).items() if person}
        lines = {line.account_id: line for line in planned.intervention_plan}
        left = LeftAccounts(identified.review_id, as_of, next_review, calendar, configuration, team, named, lines)
        proposed += left.actions(decided)
    progress = context.store.progress()
    actions = tuple(
        apply_progress(action, progress, as_of, settings)
        for action in sorted(proposed, key=lambda action: (action.owner, action.due, action.id))
    )
    closed = closed_actions(decided, waiting, {action.id for action in actions}, planned.progress, as_of)
    plays = tuple(
        assign_csm(play, team[owners[play.account_id]]) if play.account_id in owners else play for play in decided.plays
    )
    approved = [play for play in plays if play.status in ("approved", "edited")]
    ended = [play for play in plays if play.status == "rejected" and play.origin]
    updates = _crm_updates(identified, decided, plays if leaves_steps else approved, actions, deferrals)
    return AssignResult(
        plays=plays,
        decisions=decided.record,
        actions=actions,
        crm_updates=updates,
        touchpoints=touchpoints(approved, actions, team, configuration, ended, closed),
        owners_to_assign=tuple(item for item in planned.owners_to_assign if item.account_id not in owners),
        next_agenda=build_next_agenda(actions, plays, next_review, configuration, profile, deferrals),
        workflow=_workflow(context.configuration, states),
        metrics=_metrics(context, identified, planned, owners, actions, updates),
        closed_actions=tuple(closed),
        deferred=deferrals,
    )


def _origins(decided: AppliedDecisions) -> dict[str, str]:
    """Account to the review in which its play began, for plays that go on."""
    return {play.account_id: play.origin for play in decided.plays if play.origin}


def _crm_updates(
    identified: IdentifyResult,
    decided: AppliedDecisions,
    plays: Sequence[SavePlay],
    actions: Sequence[Action],
    deferrals: Sequence[Deferral],
) -> tuple[CrmUpdate, ...]:
    """CRM fields to set. The flag of accounts that left the list is cleared only if plan lines were approved."""
    lines = {line.account_id: line for line in identified.at_risk}
    moves = identified.portfolio.movements if decided.lines else ()
    resolved = [move for move in moves if move.change == "resolved"]
    reasons = {each.account_id: deferral_note(each) for each in deferrals}
    reasons |= {each.subject: f"{each.by}: {each.reason}" for each in decided.record if each.decision == "reject"}
    return crm_updates(plays, (*decided.lines, *decided.left), lines, resolved, actions, reasons, deferrals)


def _metrics(
    context: ReviewContext,
    identified: IdentifyResult,
    planned: PlanResult,
    owners: dict[str, str],
    actions: Sequence[Action],
    updates: Sequence[CrmUpdate],
) -> Metrics:
    earlier = context.earlier_reviews(identified.as_of)
    settled = identified.followup.settled
    records = earlier.save_records(identified.outcomes, settled)
    history = earlier.metrics_history(identified, records)
    named = {account: identified.people[person].name for account, person in owners.items()}
    commitments, settings = identified.followup.commitments, context.configuration.review
    process = metrics.process_metrics(
        planned.intervention_plan, named, actions, updates, history, commitments, settings
    )
    outcome = metrics.outcome_metrics(history, settings)
    labels: dict[str, str] = {cause: rule.label for cause, rule in context.configuration.causes.causes.items()}
    steps = {action.id: action.title for _, action in context.configuration.library}
    return metrics.build_metrics(
        [*process, *outcome],
        metrics.rates_by_cause(records, labels),
        metrics.rates_by_step(earlier.step_records(identified.outcomes, settled), steps),
        identified.portfolio.calibrated,
    )


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


def _running(
    context: ReviewContext, state: ReviewState, decided: AppliedDecisions, assigned: AssignResult
) -> RunningPlays:
    """The plays that run from now on: those approved today, those deferred, and earlier ones that were not decided again."""
    identified = context.result(state, "identified", IdentifyResult)
    planned, causes = context.result(state, "planned", PlanResult), context.result(state, "diagnosed", DiagnoseResult)
    dossiers = {dossier.account_id: dossier for dossier in identified.all_dossiers}
    labels = {finding.account_id: finding.label for finding in causes.causes}
    earlier = context.earlier_reviews(identified.as_of).running_plays()
    decided_now = {play.account_id for play in decided.plays}
    running = {account: play for account, play in earlier.items() if account not in decided_now}
    for play in decided.plays:
        account, old = play.account_id, earlier.get(play.account_id)
        if play.status in ("approved", "edited"):
            seen = snapshot(
                identified.review_id,
                identified.as_of,
                dossiers[account],
                labels[account],
                planned.situations.get(account, ()),
            )
            running[account] = _running_play(play, dossiers[account], seen, old if play.origin else None, identified)
        elif play.status == "deferred" and old is not None:
            running[account] = _waiting_play(old, assigned.actions)
    return RunningPlays(plays=tuple(running[account] for account in sorted(running)), deferred=assigned.deferred)


def _waiting_play(old: RunningPlay, actions: Sequence[Action]) -> RunningPlay:
    """A deferred play as it comes back: its open steps moved. The next look compares with the last one before it waited."""
    moved = {
        action.playbook_action: action.due
        for action in actions
        if action.account_id == old.account_id and action.deferred_until is not None and action.playbook_action
    }
    before = {step: due for step, due in old.dates.items() if step in moved}
    return old.model_copy(update={"dates": old.dates | moved, "moved": before})


def _running_play(
    play: SavePlay, dossier: Dossier, seen: PlaySnapshot, continued: RunningPlay | None, identified: IdentifyResult
) -> RunningPlay:
    """The play as later reviews need it. ``continued``: the same play as the review before left it, if it goes on."""
    actions = [action for phase in play.phases for action in phase.actions]
    origin, dates = play.origin or identified.review_id, {action.id: action.due for action in actions}
    before = continued.dates if continued is not None else {}
    return RunningPlay(
        account_id=play.account_id,
        name=play.name,
        arr=play.arr,
        cause=play.cause,
        created=play.created,
        origin=origin,
        actions={phase.phase: tuple(action.id for action in phase.actions) for phase in play.phases},
        dates=dates,
        owners=_unusual_owners(play, dossier, identified),
        edits=play.edits,
        health=continued.health if continued is not None else dossier.health,
        steps={action.id: action for action in actions},
        began={action.id: action.began for action in actions if action.began and action.began != origin},
        moved={step: before[step] for step, due in dates.items() if before.get(step, due) != due},
        seen=seen,
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
