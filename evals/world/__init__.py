"""A simulated customer base with known hidden truth, to judge a churn review.

It shares no rule and no number with the product. All its numbers are in ``evals.world.assumptions``.
"""

from evals.world.model import SimulatedPlay, TrueAccount, TrueCondition
from evals.world.simulation import World, simulate

__all__ = ["SimulatedPlay", "TrueAccount", "TrueCondition", "World", "simulate"]
