"""Expected value of a save play, and the probability of a save. Pure arithmetic."""

import math
from dataclasses import dataclass

from domain.configuration import ReviewSettings
from domain.dossier import Dossier
from domain.playbook import Difficulty
from domain.save_play import ExpectedValue
from tools.evidence.causes import UNDETERMINED

_Z90 = 1.6448536269514722
_Z95 = 1.959963984540054


@dataclass(frozen=True)
class SaveRecord:
    """Earlier plays for one cause: how many saved the account, and how many did not."""

    saved: int = 0
    lost: int = 0


def wilson_interval(successes: float, trials: float, z: float) -> tuple[float, float]:
    """Wilson's score interval for a share; (0, 1) without trials."""
    if trials <= 0:
        return 0.0, 1.0
    share = successes / trials
    spread = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    middle = share + z * z / (2 * trials)
    scale = 1 + z * z / trials
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)


def wilson_interval_95(successes: float, trials: float) -> tuple[float, float]:
    """The 95 % interval of a share."""
    return wilson_interval(successes, trials, _Z95)


@dataclass(frozen=True)
class SaveChance:
    """Probability that a play saves the account: mean, 90 % interval, and the cases behind it in words."""

    mean: float
    low: float
    high: float
    basis: str


def save_probability(cause: str, difficulty: Difficulty, record: SaveRecord, settings: ReviewSettings) -> SaveChance:
    """Probability that a play saves the account.

    While the cause is undetermined the prior is its own: such a play aims at nothing yet. The mean is that of a Beta distribution: the prior of the difficulty plus the outcomes known for the cause. The
    interval is Wilson's over the same (prior and known) cases.
    """
    unknown = cause == UNDETERMINED and UNDETERMINED in settings.save_priors
    prior = settings.save_priors["undetermined" if unknown else difficulty]
    saved, lost = prior.saved + record.saved, prior.lost + record.lost
    low, high = wilson_interval(saved, saved + lost, _Z90)
    known = record.saved + record.lost
    basis = f"prior for a {difficulty} save" if not unknown else "prior for a save without a known cause"
    basis += f" and {known} known outcomes of this cause" if known else ""
    return SaveChance(saved / (saved + lost), low, high, basis)


def chance_to_work_on(dossier: Dossier) -> float:
    """The chance of leaving that a play can lower: within the longer horizon, since a play takes eight weeks."""
    return dossier.churn_probability if dossier.order_probability is None else dossier.order_probability


def expected_value(
    arr: float | None,
    churn_probability: float,
    cause: str,
    difficulty: Difficulty,
    hours: float,
    concessions: float,
    record: SaveRecord,
    settings: ReviewSettings,
) -> ExpectedValue:
    """ARR × churn probability × save probability − cost; cost is hours × rate + concessions."""
    chance = save_probability(cause, difficulty, record, settings)
    cost = round(hours * settings.hourly_rate.value + concessions, 2)
    return ExpectedValue(
        arr=arr,
        churn_probability=churn_probability,
        save_probability=round(chance.mean, 6),
        save_low=round(chance.low, 6),
        save_high=round(chance.high, 6),
        save_basis=chance.basis,
        hours=round(hours, 2),
        cost=cost,
        value=round((arr or 0.0) * churn_probability * chance.mean - cost, 2),
    )


def budget_needed(value: ExpectedValue, settings: ReviewSettings) -> float:
    """Money that a play takes beside people's hours, in the home currency: its cost less hours × rate."""
    return round(value.cost - value.hours * settings.hourly_rate.value, 2)
