"""Phase 3, intervention planning: the churn predictor plans, the play drafter writes, then people decide."""

from collections.abc import Sequence

from agents.capacity_analyzer import assess, free_by_person, needs
from agents.churn_predictor import allocate_plays, escalations, intervention_plan, owners_to_assign, profile_for
from agents.play_drafter import PlayDrafter
from domain.phases import Diagnosed, Identified, Planned, Trends
from domain.playbook import PHASES
from domain.review import Action, PlanLine, SavePlay
from graph.context import ReviewContext, ReviewState, Update, kept, step
from graph.past import previous_running, records
from graph.phase_2_diagnose import finished, open_actions
from tools.causes import UNDETERMINED
from tools.meeting import agenda, prework
from tools.wording import day as in_words
from tools.wording import plural


@step("3 Intervention planning", "churn predictor")
def churn_predictor_plans(state: ReviewState, context: ReviewContext) -> Update:
    """A line for every account of the plan, a save play for the top accounts, what fits into hours and budget."""
    store, configuration = context.store, context.configuration
    identified = context.result(state["review_id"], "identified", Identified)
    diagnosed = context.result(state["review_id"], "diagnosed", Diagnosed)
    trends = context.result(state["review_id"], "trends", Trends)
    promised = open_actions(store, state)
    profile = profile_for(configuration, identified.portfolio.accounts)
    plays, origins = draft_plays(context, identified, diagnosed, profile.deep_dives)
    plan = intervention_plan(identified.plan_rows, identified.people, configuration, context.calendar, identified.as_of)
    done = finished(store, state)
    free = free_by_person(identified, _without(promised, plays), configuration)
    allocation = allocate_plays(
        plays, free, configuration.review.weekly_budget.value, configuration, identified.as_of, done
    )
    asked = needs(plays, allocation, free, identified, configuration, done)
    lines, moves = assess(identified, _without(promised, plays), plays, configuration, done)
    freest = max((line for line in lines if not line.overloaded), key=lambda line: line.hours_free or 0.0, default=None)
    dossiers = {dossier.account_id: dossier for dossier in identified.dossiers}
    planned = Planned(
        intervention_plan=plan,
        plays=plays,
        origins=origins,
        needs=asked,
        capacity=lines,
        handovers=moves,
        escalations=escalations(dossiers, plays, context.calendar),
        owners_to_assign=owners_to_assign(plan, freest.name if freest else None),
        prework=prework(identified, diagnosed, configuration),
        agenda=agenda(identified, trends, lines, plays, asked, plan, configuration, profile),
        next_step=_next_step(plan),
    )
    return kept(context, state, "planned", planned)


def draft_plays(
    context: ReviewContext, identified: Identified, diagnosed: Diagnosed, count: int
) -> tuple[tuple[SavePlay, ...], dict[str, str]]:
    """A play for each of the top accounts; one that already runs for the same cause goes on with its own dates."""
    drafter = PlayDrafter(context.configuration, context.calendar, identified.people, records(context, identified))
    running = previous_running(context, identified.as_of)
    findings = {finding.account_id: finding for finding in diagnosed.causes}
    plays, origins = [], {}
    for dossier in identified.dossiers[:count]:
        finding, old = findings[dossier.account_id], running.get(dossier.account_id)
        if old is not None and old.cause == finding.category:
            name = "diagnosis" if old.cause == UNDETERMINED else old.cause
            book = context.configuration.playbooks[name]
            chosen = {phase: [a for a in book.phase(phase) if a.id in old.actions.get(phase, ())] for phase in PHASES}
            play = drafter.assemble(dossier, finding, old.created, book, chosen, identified.as_of)
            note = f"{play.drafted_note} Running since {old.origin}; approving it means going on."
            plays.append(play.model_copy(update={"drafted_note": note}))
            origins[dossier.account_id] = old.origin
            continue
        play = drafter.draft(dossier, finding, identified.as_of)
        if old is not None:
            note = f"{play.drafted_note} The cause changed since {old.origin}; this replaces the play that runs."
            play = play.model_copy(update={"drafted_note": note})
        plays.append(play)
    return tuple(plays), origins


def _without(promised: Sequence[Action], plays: Sequence[SavePlay]) -> list[Action]:
    """Open actions of accounts that have no play this week; the others are counted with the play."""
    again = {play.account_id for play in plays}
    return [action for action in promised if action.account_id not in again]


def _next_step(plan: Sequence[PlanLine]) -> str:
    unowned = sum(1 for line in plan if line.owner == "TBD")
    critical = [line.by for line in plan if line.tier == "critical"]
    text = f"Critical accounts first, by {in_words(max(critical))}. " if critical else "No critical account this week. "
    if unowned:
        text += f"Assign an owner to {plural(unowned, 'account')} in the CRM. "
    return text + "Schedule the outreach, and track it in the action lists."
