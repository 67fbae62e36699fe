"""A simulated customer world with a hidden truth, on which a churn review can be tried and judged.

It shares no rule and no number with any review. All its numbers are in ``evals.world.rules``.
"""

from evals.world.model import SimulatedPlay, TrueAccount, TrueCondition
from evals.world.simulation import World, simulate

__all__ = ["SimulatedPlay", "TrueAccount", "TrueCondition", "World", "simulate"]
