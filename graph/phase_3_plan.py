"""Phase 3, intervention planning: the churn predictor plans, the play drafter writes, then people decide."""

from collections.abc import Sequence

from langgraph.types import Send

from agents.briefer import Briefer
from agents.capacity_analyzer import assess_capacity, free_hours_by_person, resource_needs
from agents.churn_predictor import allocate_plays, intervention_plan, list_unowned, plan_escalations, profile_for
from agents.play_drafter import PlayDrafter, add_note, name_words, running_choices
from domain.dossier import Dossier
from domain.phase_results import DiagnoseResult, DraftResult, IdentifyResult, PlanResult, RunningPlay, Trends
from domain.plan import PlanLine
from domain.save_play import SavePlay
from domain.tracking import Action
from graph.context import ReviewContext, ReviewState, StateUpdate, review_node, save_result
from graph.phase_2_diagnose import completed_actions, open_actions
from graph.review_history import running_plays, save_records
from tools.ask.user_statements import excluded_actions
from tools.planning.agenda import build_agenda, build_prework
from tools.planning.briefing import briefing_facts
from tools.save_play.context import PlayContext
from tools.wording import format_day, plural


@review_node("3 Intervention planning", "churn predictor")
def choose_accounts(state: ReviewState, context: ReviewContext) -> StateUpdate:
    """The accounts that get a new save play: the worst ones without a play that goes on."""
    identified = context.result(state["review_id"], "identified", IdentifyResult)
    desk = SavePlayPlanner(context, state, identified)
    return {"to_draft": [d.account_id for d in desk.accounts if desk.goes_on(d) is None]}


def fan_out_drafts(state: ReviewState) -> list[Send] | str:
    """One draft an account, side by side; the client bounds how many at once. Nothing to draft without a model."""
    return [Send("draft_play", {**state, "to_draft": [account]}) for account in state["to_draft"]] or "plan_plays"


@review_node("3 Intervention planning", "play drafter")
async def draft_play(state: ReviewState, context: ReviewContext) -> StateUpdate:
    """One account: ask, check, repair; what came of it is kept at once, also when it is of no use."""
    if context.client is None:
        return {}
    (account,) = state["to_draft"]
    desk = SavePlayPlanner(context, state, context.result(state["review_id"], "identified", IdentifyResult))
    frame = desk.frame(next(dossier for dossier in desk.accounts if dossier.account_id == account))
    earlier = context.store.find(state["review_id"], draft_key(account), DraftResult)
    drafted = await desk.drafter.draft(frame, earlier)
    context.store.save(state["review_id"], draft_key(account), drafted)
    return {}


@review_node("3 Intervention planning", "churn predictor")
def plan_plays(state: ReviewState, context: ReviewContext) -> StateUpdate:
    """A line for every account of the plan, a save play for the top accounts, what fits into hours and budget."""
    store, configuration = context.store, context.configuration
    identified = context.result(state["review_id"], "identified", IdentifyResult)
    diagnosed = context.result(state["review_id"], "diagnosed", DiagnoseResult)
    trends = context.result(state["review_id"], "trends", Trends)
    promised = open_actions(store, state)
    profile = profile_for(configuration, identified.portfolio.accounts)
    desk = SavePlayPlanner(context, state, identified)
    plays = tuple(desk.play(dossier) for dossier in desk.accounts)
    origins = {d.account_id: old.origin for d in desk.accounts if (old := desk.goes_on(d)) is not None}
    plan = intervention_plan(identified.plan_rows, identified.people, configuration, context.calendar, identified.as_of)
    done = completed_actions(store, state)
    free = free_hours_by_person(identified, actions_without_play(promised, plays), configuration)
    allocation = allocate_plays(
        plays, free, configuration.review.weekly_budget.value, configuration, identified.as_of, done
    )
    asked = resource_needs(plays, allocation, free, identified, configuration, done)
    lines, moves = assess_capacity(identified, actions_without_play(promised, plays), plays, configuration, done)
    freest = max((line for line in lines if not line.overloaded), key=lambda line: line.hours_free or 0.0, default=None)
    dossiers = {dossier.account_id: dossier for dossier in desk.accounts}
    planned = PlanResult(
        intervention_plan=plan,
        plays=plays,
        origins=origins,
        needs=asked,
        capacity=lines,
        handovers=moves,
        escalations=plan_escalations(dossiers, plays, context.calendar),
        owners_to_assign=list_unowned(plan, freest.name if freest else None),
        prework=build_prework(identified, diagnosed, configuration),
        agenda=build_agenda(identified, trends, lines, plays, asked, plan, configuration, profile),
        next_step=_next_step(plan),
    )
    return save_result(context, state, "planned", planned)


@review_node("3 Intervention planning", "play drafter")
async def write_briefing(state: ReviewState, context: ReviewContext) -> StateUpdate:
    """What changed, why, what to decide, in a few sentences."""
    review_id = state["review_id"]
    identified = context.result(review_id, "identified", IdentifyResult)
    diagnosed = context.result(review_id, "diagnosed", DiagnoseResult)
    facts = briefing_facts(identified, diagnosed, context.result(review_id, "planned", PlanResult))
    people = [person.name for person in identified.people.values()]
    names = name_words([*people, *(row.name for row in identified.plan_rows)])
    briefing = await Briefer(context.configuration, names, context.client).write(facts)
    return save_result(context, state, "briefing", briefing)


class SavePlayPlanner:
    """The drafter at work on one review: who gets a play, what runs already, what was drafted."""

    def __init__(self, context: ReviewContext, state: ReviewState, identified: IdentifyResult) -> None:
        configuration = context.configuration
        self.context, self.review_id = context, identified.review_id
        self.drafter = PlayDrafter(
            configuration=configuration,
            calendar=context.calendar,
            people=identified.people,
            records=save_records(context, identified),
            today=identified.as_of,
            names=name_words([row.name for row in identified.plan_rows]),
            client=context.client,
        )
        diagnosed = context.result(identified.review_id, "diagnosed", DiagnoseResult)
        self.findings = {finding.account_id: finding for finding in diagnosed.causes}
        self.running = running_plays(context, identified.as_of)
        self.done = completed_actions(context.store, state)
        deep_dives = profile_for(configuration, identified.portfolio.accounts).deep_dives
        asked = {dossier.account_id: dossier for dossier in identified.asked}
        worst = [asked.pop(dossier.account_id, dossier) for dossier in identified.dossiers[:deep_dives]]
        self.accounts = (*worst, *asked.values())
        self.asked = {proposal.account_id: proposal for proposal in identified.proposals}

    def goes_on(self, dossier: Dossier) -> RunningPlay | None:
        """The play that runs for the account, when the cause is still the same."""
        old = self.running.get(dossier.account_id)
        same = old is not None and old.cause == self.findings[dossier.account_id].category
        return old if same and dossier.account_id not in self.asked else None

    def frame(self, dossier: Dossier) -> PlayContext:
        """What the account's play may be made of."""
        old = self.goes_on(dossier)
        done = sorted(action for account, action in self.done if account == dossier.account_id)
        titles = {a.id: a.title for book in self.context.configuration.playbooks.values() for a in book.actions}
        proposal = self.asked.get(dossier.account_id)
        said = proposal.tried if proposal else ()
        return self.drafter.frame(
            dossier,
            self.findings[dossier.account_id],
            created=old.created if old else None,
            tried=[*said, *(titles[action] for action in done if action in titles)],
            excluded=excluded_actions(self.context.configuration, said),
        )

    def play(self, dossier: Dossier) -> SavePlay:
        """The play of one account, from what was drafted or from what runs."""
        frame, old = self.frame(dossier), self.goes_on(dossier)
        if old is not None:
            return self.drafter.goes_on(frame, running_choices(frame, old.actions, old.dates, old.owners), old.origin)
        drafted = self.context.store.find(self.review_id, draft_key(dossier.account_id), DraftResult)
        play = self.drafter.play(frame, drafted)
        replaced, proposal = self.running.get(dossier.account_id), self.asked.get(dossier.account_id)
        if proposal is not None:
            words = f"{proposal.by} on {proposal.on}: “{proposal.question}”"
            play = add_note(play.model_copy(update={"asked": words}), "Here because somebody asked for it.")
        if replaced is not None:
            why = "" if proposal is not None else f"The cause changed since {replaced.origin}; this"
            play = add_note(play, f"{why or 'It'} replaces the play that runs.")
        return play


def draft_key(account_id: str) -> str:
    """Where the draft of one account is kept."""
    return f"draft:{account_id}"


def actions_without_play(promised: Sequence[Action], plays: Sequence[SavePlay]) -> list[Action]:
    """Open actions of accounts that have no play this week; the others are counted with the play."""
    again = {play.account_id for play in plays}
    return [action for action in promised if action.account_id not in again]


def _next_step(plan: Sequence[PlanLine]) -> str:
    unowned = sum(1 for line in plan if line.owner == "TBD")
    critical = [line.by for line in plan if line.tier == "critical"]
    text = (
        f"Critical accounts first, by {format_day(max(critical))}. " if critical else "No critical account this week. "
    )
    if unowned:
        text += f"Assign an owner to {plural(unowned, 'account')} in the CRM. "
    return text + "Schedule the outreach, and track it in the action lists."
