"""Which conditions an account gets, when, how bad, for how long, and how loudly they show."""

import random
from datetime import timedelta

from evals.world import rules
from evals.world.model import Condition, Facts, Hidden, Span, stream


def draw_conditions(seed: int, facts: Facts, span: Span) -> tuple[Hidden, ...]:
    """The conditions of an account, oldest first."""
    rng = stream(seed, facts.account_id, "conditions")
    if rng.random() >= rules.CONDITION_SHARE:
        return ()
    earliest = max(-rules.WARM_UP_WEEKS, (facts.started - span.first).days // 7 + rules.FIRST_WEEKS_CALM)
    week = rng.randint(-rules.WARM_UP_WEEKS, span.weeks - 3)
    weeks = [week, week + rng.randint(*rules.SECOND_AFTER_WEEKS)]
    kinds = _two_kinds(rng)
    count = 2 if rng.random() < rules.SECOND_CONDITION else 1
    conditions = [_condition(kind, at, span, rng) for kind, at in zip(kinds, weeks, strict=True)]
    fits = [c for c, at in zip(conditions[:count], weeks, strict=False) if earliest <= at < span.weeks]
    return tuple(_hide(seed, facts, index, condition) for index, condition in enumerate(fits))


def _two_kinds(rng: random.Random) -> list[str]:
    first = rng.choices(rules.KINDS, [rules.KIND_SHARE[kind] for kind in rules.KINDS])[0]
    others = [kind for kind in rules.KINDS if kind != first]
    return [first, rng.choices(others, [rules.KIND_SHARE[kind] for kind in others])[0]]


def _condition(kind: str, week: int, span: Span, rng: random.Random) -> Condition:
    """One condition; its end is only told if it lies within the world."""
    began = span.start_of(week) + timedelta(days=rng.randrange(7))
    least, most = rules.SEVERITY_RANGE
    severity = least + (most - least) * rng.betavariate(*rules.SEVERITY_SHAPE)
    lasts = rng.randint(*(rules.HEALS_AFTER_WEEKS if rng.random() < rules.HEALS else rules.LASTS_WEEKS))
    ended = began + timedelta(weeks=lasts)
    visible = rng.random() >= rules.INVISIBLE
    return Condition(kind, began, ended if ended <= span.end else None, round(severity, 3), visible)


def _hide(seed: int, facts: Facts, index: int, condition: Condition) -> Hidden:
    """Draw how loudly each channel shows it, and whether the right play would end it."""
    rng = stream(seed, facts.account_id, f"loudness {index}")
    drawn = {name: 0.0 if rng.random() < rules.MUTE else rng.uniform(*rules.LOUDNESS) for name in rules.CHANNELS}
    if not condition.visible:
        trace = {name: rules.INVISIBLE_TRACE if name in rules.LEVELS else 0.0 for name in drawn}
        drawn = {name: loud * trace[name] for name, loud in drawn.items()}
    curable = stream(seed, facts.account_id, f"cure {index}").random() < rules.PLAY_CURES
    return Hidden(condition, drawn, curable)
