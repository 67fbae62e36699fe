"""The work that plays bring: which of them fit, who is overloaded, which accounts could change hands.

Used when plays are planned and again for each preview of decisions, so that both say the same.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from agents.capacity_analyzer import assess_capacity, free_hours_by_person, resource_needs
from agents.churn_predictor import allocate_plays, profile_for
from domain.diagnosis import CapacityLine, Handover
from domain.phase_results import IdentifyResult, PlanRow
from domain.plan import ResourceNeeds
from domain.save_play import SavePlay
from domain.tracking import Action
from graph.context import ReviewContext


@dataclass(frozen=True)
class Workload:
    """Load of each CSM, handovers that would help, and the hours and budget that the plays ask for."""

    capacity: tuple[CapacityLine, ...]
    handovers: tuple[Handover, ...]
    needs: ResourceNeeds


def plan_workload(
    context: ReviewContext, identified: IdentifyResult, plays: Sequence[SavePlay], approved: Collection[str] = ()
) -> Workload:
    """The workload of these plays. ``approved``: accounts whose play people approved by name, also beyond the hours.

    Plays that run already come first. The load of each CSM is that of the plays that fit and of those approved.
    """
    configuration = context.configuration
    earlier = context.earlier_reviews(identified.as_of)
    promised = actions_besides(earlier.open_actions(), plays, identified.plan_rows)
    done = earlier.completed_actions()
    free = free_hours_by_person(identified, promised, configuration, plays)
    budget, fixed = configuration.review.weekly_budget.value, {*earlier.running_plays(), *approved}
    allocation = allocate_plays(plays, free, budget, configuration, identified.as_of, done, fixed)
    chosen = [play for play in plays if play.account_id in allocation.chosen]
    lines, handovers = assess_capacity(identified, promised, chosen, configuration, done)
    next_review = _next_review(context, identified)
    needs = resource_needs(plays, allocation, free, identified, configuration, next_review, fixed, done)
    return Workload(lines, handovers, needs)


def _next_review(context: ReviewContext, identified: IdentifyResult) -> date:
    profile = profile_for(context.configuration, identified.portfolio.accounts)
    return context.calendar.on_or_after(identified.as_of + timedelta(days=profile.interval_days))


def actions_besides(promised: Sequence[Action], plays: Sequence[SavePlay], rows: Sequence[PlanRow]) -> list[Action]:
    """Open actions that neither a play nor a plan line of this week counts already."""
    with_play, planned = {play.account_id for play in plays}, {row.account_id for row in rows}
    return [
        action
        for action in promised
        if action.account_id not in with_play and not (action.kind == "primary" and action.account_id in planned)
    ]


def most_free_person(lines: Sequence[CapacityLine]) -> str | None:
    """The CSM with the most hours free; None if everybody is overloaded."""
    able = [line for line in lines if not line.overloaded]
    freest = max(able, key=lambda line: line.hours_free or 0.0, default=None)
    return freest.name if freest else None
