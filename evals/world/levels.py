"""Strength of a condition on a day, and the hidden levels that follow from it."""

from datetime import date, timedelta

from evals.world import assumptions
from evals.world.model import AccountFacts, AccountLife, DrawnCondition, TrueCondition, WorldSpan, random_stream


def condition_strength(condition: TrueCondition, day: date) -> float:
    """Strength from 0 to the severity: it grows after the beginning and fades after the end."""
    if day < condition.began:
        return 0.0
    until = day if condition.ended is None else min(day, condition.ended)
    age = (until - condition.began).days / 7
    full = condition.severity * min(1.0, (age + 1) / assumptions.RAMP_WEEKS[condition.kind])
    weeks_over = (day - until).days / 7
    return full * max(0.0, 1.0 - weeks_over / assumptions.FADE_WEEKS)


def hidden_levels(
    seed: int, facts: AccountFacts, hidden: tuple[DrawnCondition, ...], span: WorldSpan
) -> dict[str, tuple[float, ...]]:
    """Hidden levels by name, one value per week of the world; 1 when all is well."""
    levels = {name: [1.0] * span.weeks for name in assumptions.LEVELS}
    for week in _quiet_weeks(seed, facts, span):
        levels["bond"][week] = assumptions.QUIET_BOND
    for name, weeks in levels.items():
        _lower(name, weeks, hidden, span)
    return {name: tuple(weeks) for name, weeks in levels.items()}


def _lower(name: str, weeks: list[float], hidden: tuple[DrawnCondition, ...], span: WorldSpan) -> None:
    """Lower the level in the weeks in which a condition is felt."""
    for one in hidden:
        effect = assumptions.EFFECTS[one.condition.kind].get(name)
        if effect is None:
            continue
        for week in range(span.weeks):
            felt = condition_strength(one.condition, span.start_of(week - effect.delay) + timedelta(days=6))
            weeks[week] *= max(0.0, 1.0 - effect.depth * felt * one.loudness[name])


def _quiet_weeks(seed: int, facts: AccountFacts, span: WorldSpan) -> range:
    """Weeks in which nobody answers for harmless reasons; perhaps none."""
    rng = random_stream(seed, facts.account_id, "quiet")
    if rng.random() >= assumptions.QUIET_SPELLS * span.weeks / 52:
        return range(0)
    begin = rng.randrange(span.weeks)
    return range(begin, min(span.weeks, begin + rng.randint(*assumptions.QUIET_WEEKS)))


def mention_chances(life: AccountLife, day: date) -> list[tuple[str, float]]:
    """Kind of each condition, with the probability that a text of that day mentions it."""
    heard = day - timedelta(weeks=assumptions.WORDS_DELAY_WEEKS)
    return [
        (kind, assumptions.WORDS_CHANCE[kind] * condition_strength(one.condition, heard) * one.loudness["words"])
        for one in life.hidden
        for kind in [one.condition.kind]
    ]
