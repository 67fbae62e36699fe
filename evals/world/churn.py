"""Churn of an account: a weekly hazard with fixed draws, and the effect of plays on it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

from evals.world import assumptions
from evals.world.model import AccountFacts, DrawnCondition, SimulatedPlay, TrueCondition, WorldSpan, random_stream

ChurnDraws = tuple[tuple[float, int], ...]


def draw_churn(seed: int, facts: AccountFacts, span: WorldSpan) -> ChurnDraws:
    """For each week: the random draw that decides, and the day of the week on which the customer would tell us."""
    rng = random_stream(seed, facts.account_id, "fate")
    return tuple((rng.random(), int(5 * rng.random())) for _ in range(span.weeks))


def churn_day(
    facts: AccountFacts,
    hidden: Sequence[DrawnCondition],
    fate: ChurnDraws,
    span: WorldSpan,
    plays: Sequence[SimulatedPlay] = (),
) -> date | None:
    """The day on which the account leaves, or None if it stays until the end. Plays never raise the hazard."""
    hidden = [_end_if_cured(one, plays) for one in hidden]
    most = 1.0 - (1.0 - assumptions.BASE_DECISION) * (1.0 - assumptions.HAZARD_DECISION) ** len(hidden)
    for week, (draw, weekday) in enumerate(fate):
        start = span.start_of(week)
        if draw >= most or start < facts.started:  # most: no week of this account can be more dangerous
            continue
        renewal = _renewal_decided(facts, start)
        if draw < _hazard([one.condition for one in hidden], start, renewal is not None, plays):
            day = start + timedelta(days=weekday)
            return min(day, renewal) if renewal else day
    return None


def _renewal_decided(facts: AccountFacts, start: date) -> date | None:
    """The renewal that is decided in this week, or None."""
    last = start + timedelta(weeks=assumptions.DECISION_WEEKS)
    return next((renewal for renewal in facts.renewals if start <= renewal < last), None)


def _hazard(conditions: Sequence[TrueCondition], start: date, decision: bool, plays: Sequence[SimulatedPlay]) -> float:
    """Probability (0 to 1) of leaving in the week that begins on that day."""
    stays = 1.0 - (assumptions.BASE_DECISION if decision else assumptions.BASE_ELSEWHERE)
    for condition in conditions:
        if condition.active_on(start):
            most = assumptions.HAZARD_DECISION if decision else assumptions.HAZARD_ELSEWHERE
            stays *= 1.0 - most * condition.severity * _age(condition, start) * _play_factor(condition, start, plays)
    return 1.0 - stays


def _age(condition: TrueCondition, day: date) -> float:
    """Share (0 to 1) of its full hazard that a condition has reached on that day."""
    grown = min(1.0, (day - condition.began).days / 7 / assumptions.HAZARD_GROWS_WEEKS)
    return assumptions.HAZARD_YOUNG + (1.0 - assumptions.HAZARD_YOUNG) * grown


def _play_factor(condition: TrueCondition, day: date, plays: Sequence[SimulatedPlay]) -> float:
    """Factor on the hazard of the best play that works on that day; plays do not add up."""
    return min((_factor(condition, play) for play in plays if _in_effect(play, day)), default=1.0)


def _in_effect(play: SimulatedPlay, day: date) -> bool:
    begins = play.on + timedelta(days=assumptions.PLAY_STARTS_DAYS)
    return begins <= day < begins + timedelta(weeks=assumptions.PLAY_LASTS_WEEKS)


def _factor(condition: TrueCondition, play: SimulatedPlay) -> float:
    if not condition.active_on(play.on):
        return 1.0
    if play.against is None:
        return assumptions.PLAY_GENERAL
    return assumptions.PLAY_RIGHT if play.against == condition.kind else assumptions.PLAY_WRONG


def _end_if_cured(one: DrawnCondition, plays: Sequence[SimulatedPlay]) -> DrawnCondition:
    """The same condition, with an earlier end if a matching play cures it."""
    condition = one.condition
    wait = timedelta(days=assumptions.PLAY_STARTS_DAYS, weeks=assumptions.PLAY_CURES_AFTER_WEEKS)
    ends = [play.on + wait for play in plays if play.against == condition.kind and condition.active_on(play.on)]
    if not one.curable or not ends:
        return one
    ended = min(ends) if condition.ended is None else min(*ends, condition.ended)
    return DrawnCondition(
        TrueCondition(condition.kind, condition.began, ended, condition.severity, condition.visible), one.loudness, True
    )


def leave_chance(
    facts: AccountFacts,
    hidden: Sequence[DrawnCondition],
    span: WorldSpan,
    since: date,
    until: date,
    plays: Sequence[SimulatedPlay] = (),
) -> float:
    """The true probability (0 to 1) of leaving between the two days with these plays, for an account that is there on the first.

    Nothing is drawn here: the condition and its course are as they are, the hazard of each week counts, and a cure by the
    right play counts with its probability.
    """
    targeted = any(play.against == one.condition.kind for play in plays for one in hidden)
    if not targeted:
        return _chance(facts, hidden, span, since, until, plays)
    cured, ill = ([replace(one, curable=curable) for one in hidden] for curable in (True, False))
    share = assumptions.PLAY_CURES
    with_cure, without = (_chance(facts, each, span, since, until, plays) for each in (cured, ill))
    return share * with_cure + (1 - share) * without


def _chance(
    facts: AccountFacts,
    hidden: Sequence[DrawnCondition],
    span: WorldSpan,
    since: date,
    until: date,
    plays: Sequence[SimulatedPlay],
) -> float:
    conditions = [_end_if_cured(one, plays).condition for one in hidden]
    stays = 1.0
    for week in range(span.week_of(since), span.weeks):
        start = span.start_of(week)
        if start >= until:
            break
        if start >= facts.started:
            stays *= 1.0 - _hazard(conditions, start, _renewal_decided(facts, start) is not None, plays)
    return 1.0 - stays
