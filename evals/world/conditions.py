"""Hidden conditions of an account: kind, time, severity, duration, and visibility in the data."""

import random
from datetime import timedelta

from evals.world import assumptions
from evals.world.model import AccountFacts, DrawnCondition, TrueCondition, WorldSpan, random_stream


def draw_conditions(seed: int, facts: AccountFacts, span: WorldSpan) -> tuple[DrawnCondition, ...]:
    """The conditions of an account, oldest first."""
    rng = random_stream(seed, facts.account_id, "conditions")
    if rng.random() >= assumptions.CONDITION_SHARE:
        return ()
    earliest = max(-assumptions.WARM_UP_WEEKS, (facts.started - span.first).days // 7 + assumptions.FIRST_WEEKS_CALM)
    week = rng.randint(-assumptions.WARM_UP_WEEKS, span.weeks - 3)
    weeks = [week, week + rng.randint(*assumptions.SECOND_AFTER_WEEKS)]
    kinds = _two_kinds(rng)
    count = 2 if rng.random() < assumptions.SECOND_CONDITION else 1
    conditions = [_condition(kind, at, span, rng) for kind, at in zip(kinds, weeks, strict=True)]
    fits = [c for c, at in zip(conditions[:count], weeks, strict=False) if earliest <= at < span.weeks]
    return tuple(_draw_traces(seed, facts, index, condition) for index, condition in enumerate(fits))


def _two_kinds(rng: random.Random) -> list[str]:
    first = rng.choices(assumptions.KINDS, [assumptions.KIND_SHARE[kind] for kind in assumptions.KINDS])[0]
    others = [kind for kind in assumptions.KINDS if kind != first]
    return [first, rng.choices(others, [assumptions.KIND_SHARE[kind] for kind in others])[0]]


def _condition(kind: str, week: int, span: WorldSpan, rng: random.Random) -> TrueCondition:
    """Draw one condition. ``ended`` is None if the end lies after the world."""
    began = span.start_of(week) + timedelta(days=rng.randrange(7))
    least, most = assumptions.SEVERITY_RANGE
    severity = least + (most - least) * rng.betavariate(*assumptions.SEVERITY_SHAPE)
    lasts = rng.randint(
        *(assumptions.HEALS_AFTER_WEEKS if rng.random() < assumptions.HEALS else assumptions.LASTS_WEEKS)
    )
    ended = began + timedelta(weeks=lasts)
    visible = rng.random() >= assumptions.INVISIBLE
    return TrueCondition(kind, began, ended if ended <= span.end else None, round(severity, 3), visible)


def _draw_traces(seed: int, facts: AccountFacts, index: int, condition: TrueCondition) -> DrawnCondition:
    """Draw how strongly each channel shows the condition, and if the right play would end it."""
    rng = random_stream(seed, facts.account_id, f"loudness {index}")
    drawn = {
        name: 0.0 if rng.random() < assumptions.MUTE else rng.uniform(*assumptions.LOUDNESS)
        for name in assumptions.CHANNELS
    }
    if not condition.visible:
        trace = {name: assumptions.INVISIBLE_TRACE if name in assumptions.LEVELS else 0.0 for name in drawn}
        drawn = {name: loud * trace[name] for name, loud in drawn.items()}
    curable = random_stream(seed, facts.account_id, f"cure {index}").random() < assumptions.PLAY_CURES
    return DrawnCondition(condition, drawn, curable)
