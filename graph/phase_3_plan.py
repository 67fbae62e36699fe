"""Phase 3, intervention planning: the churn predictor plans, the play drafter drafts the plays, then people decide."""

from collections.abc import Mapping, Sequence
from datetime import date

from langgraph.types import Send

from agents.briefer import Briefer
from agents.churn_predictor import intervention_plan, list_unowned, plan_escalations, profile_for
from agents.play_drafter import name_words
from domain.phase_results import DiagnoseResult, DraftResult, IdentifyResult, PlanResult, Trends
from domain.plan import TBD, PlanLine
from domain.running_play import Consequences, PlayProgress
from domain.save_play import SavePlay
from domain.tracking import Action
from graph.context import ReviewContext, ReviewState, StateUpdate, review_node, save_result
from graph.save_play_planner import SavePlayPlanner, draft_key, save_free_hours
from graph.workload import most_free_person, plan_workload
from tools.planning.agenda import build_agenda, build_prework
from tools.planning.briefing import briefing_facts
from tools.planning.next_steps import consequences, line_consequences, next_review_day
from tools.wording import format_day, plural


@review_node("3 Intervention planning", "churn predictor")
def choose_accounts(state: ReviewState, context: ReviewContext) -> StateUpdate:
    """Choose the accounts that get a new save play: the worst ones without a running play."""
    identified = context.result(state, "identified", IdentifyResult)
    save_free_hours(context, identified)
    return {"to_draft": SavePlayPlanner(context, state, identified).to_draft()}


def fan_out_drafts(state: ReviewState) -> list[Send] | str:
    """One draft an account, side by side; the client limits how many run at once."""
    return [Send("draft_play", {**state, "to_draft": [account]}) for account in state["to_draft"]] or "plan_plays"


@review_node("3 Intervention planning", "play drafter")
async def draft_play(state: ReviewState, context: ReviewContext) -> StateUpdate:
    """Draft the play of one account with the model, and store the draft, also one that failed. Does nothing without a model."""
    if context.client is None:
        return {}
    (account,) = state["to_draft"]
    planner = SavePlayPlanner(context, state, context.result(state, "identified", IdentifyResult))
    play_context = planner.play_context(planner.dossiers[account])
    earlier = context.store.find(state["review_id"], draft_key(account), DraftResult)
    drafted = await planner.drafter.draft(play_context, earlier)
    context.store.save(state["review_id"], draft_key(account), drafted)
    return {}


@review_node("3 Intervention planning", "churn predictor")
def plan_plays(state: ReviewState, context: ReviewContext) -> StateUpdate:
    """Build the plan line of every account and the plays of the worst, and choose the plays that fit hours and budget."""
    configuration, calendar = context.configuration, context.calendar
    identified = context.result(state, "identified", IdentifyResult)
    diagnosed = context.result(state, "diagnosed", DiagnoseResult)
    trends = context.result(state, "trends", Trends)
    profile = profile_for(configuration, identified.portfolio.accounts)
    planner = SavePlayPlanner(context, state, identified)

    plays, unchanged = planner.plays(), planner.unchanged_plays()
    progress = planner.progress(plays)
    earlier = context.earlier_reviews(identified.as_of).primary_actions()
    plan = intervention_plan(
        identified.plan_rows, identified.people, configuration, calendar, identified.as_of, earlier
    )
    workload = plan_workload(context, identified, plays)
    capacity, needs = workload.capacity, workload.needs
    next_review = next_review_day(identified.as_of, profile.interval_days, calendar)
    planned = PlanResult(
        intervention_plan=plan,
        plays=plays,
        origins=planner.origins(),
        needs=needs,
        capacity=capacity,
        handovers=workload.handovers,
        escalations=plan_escalations(planner.dossiers, plays, calendar, configuration.review),
        owners_to_assign=list_unowned(plan, most_free_person(capacity)),
        prework=build_prework(identified, diagnosed, configuration),
        agenda=build_agenda(identified, trends, capacity, plays, needs, plan, configuration, profile),
        next_step=_next_step(plan),
        progress=progress,
        unchanged=unchanged,
        consequences=_effects(context, identified, plays, plan, progress, next_review),
        deferred=tuple(planner.deferred[account] for account in sorted(planner.deferred)),
        situations=planner.situations(),
    )
    return save_result(context, state, "planned", planned)


def _effects(
    context: ReviewContext,
    identified: IdentifyResult,
    plays: Sequence[SavePlay],
    plan: Sequence[PlanLine],
    progress: Mapping[str, PlayProgress],
    next_review: date,
) -> dict[str, Consequences]:
    """Effect of each decision that people take by name: on plays, and on critical accounts without one."""
    waiting: dict[str, list[Action]] = {}
    for action in context.earlier_reviews(identified.as_of).open_actions():
        waiting.setdefault(action.account_id, []).append(action)
    lines, hours = {line.account_id: line for line in plan}, context.configuration.review.primary_action_hours.value
    found = {
        account: line_consequences(line, hours, next_review, waiting.get(account, ()))
        for account, line in lines.items()
        if line.tier == "critical"
    }
    for play in plays:
        account = play.account_id
        found[account] = consequences(
            play, progress.get(account), lines.get(account), next_review, waiting.get(account, ())
        )
    return found


@review_node("3 Intervention planning", "play drafter")
async def write_briefing(state: ReviewState, context: ReviewContext) -> StateUpdate:
    """The briefing: what changed, why, and what to decide, in a few sentences."""
    identified = context.result(state, "identified", IdentifyResult)
    diagnosed = context.result(state, "diagnosed", DiagnoseResult)
    planned = context.result(state, "planned", PlanResult)
    briefer = Briefer(context.configuration, _names_to_hide(identified), context.client)
    briefing = await briefer.write(briefing_facts(identified, diagnosed, planned))
    note = identified.data.ends_note
    if note:  # before everything else, whoever writes the rest
        briefing = briefing.model_copy(update={"sentences": (note, *briefing.sentences)})
    return save_result(context, state, "briefing", briefing)


def _names_to_hide(identified: IdentifyResult) -> frozenset[str]:
    """The words of all names of people and accounts; the model gets placeholders instead."""
    people = [person.name for person in identified.people.values()]
    return name_words([*people, *identified.account_names])


def _next_step(plan: Sequence[PlanLine]) -> str:
    unowned = sum(1 for line in plan if line.owner == TBD)
    critical = [line.by for line in plan if line.tier == "critical"]
    text = (
        f"Critical accounts first, by {format_day(max(critical))}. " if critical else "No critical account this week. "
    )
    if unowned:
        text += f"Assign an owner to {plural(unowned, 'account')} in the CRM. "
    return text + "Schedule the outreach, and track it in the action lists."
