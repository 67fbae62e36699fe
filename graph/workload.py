"""The work that plays bring: which of them fit, who is overloaded, which accounts could change hands.

Used when plays are planned and again for each preview of decisions, so that both say the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from agents.capacity_analyzer import assess_capacity, free_hours_by_person, resource_needs
from agents.churn_predictor import allocate_plays
from domain.diagnosis import CapacityLine, Handover
from domain.phase_results import IdentifyResult
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


def plan_workload(context: ReviewContext, identified: IdentifyResult, plays: Sequence[SavePlay]) -> Workload:
    """The workload if exactly these plays run."""
    configuration = context.configuration
    earlier = context.earlier_reviews(identified.as_of)
    promised, done = actions_without_play(earlier.open_actions(), plays), earlier.completed_actions()
    free = free_hours_by_person(identified, promised, configuration)
    budget = configuration.review.weekly_budget.value
    allocation = allocate_plays(plays, free, budget, configuration, identified.as_of, done)
    lines, handovers = assess_capacity(identified, promised, plays, configuration, done)
    needs = resource_needs(plays, allocation, free, identified, configuration, done)
    return Workload(lines, handovers, needs)


def actions_without_play(promised: Sequence[Action], plays: Sequence[SavePlay]) -> list[Action]:
    """Open actions of accounts that have no play this week; the others are counted with the play."""
    with_play = {play.account_id for play in plays}
    return [action for action in promised if action.account_id not in with_play]


def most_free_person(lines: Sequence[CapacityLine]) -> str | None:
    """The CSM with the most hours free; None if everybody is overloaded."""
    able = [line for line in lines if not line.overloaded]
    freest = max(able, key=lambda line: line.hours_free or 0.0, default=None)
    return freest.name if freest else None
