"""Agreements of a save play: what it has to reach by when, and when it ends. Pure.

Each is made of terms of ``configs/plan.yaml`` and facts of the account; code computes the numbers and writes the words.
"""

from collections.abc import Sequence
from datetime import date, timedelta

from domain.facts import ContactFact, QuotationFact
from domain.plan_language import Exit, FactQuery, Measure, Target
from domain.play_edits import TargetChange
from domain.playbook import Criterion, WalkAway
from domain.save_play import SuccessCriterion, WalkAwayCriterion
from tools.evidence.fact_words import fact_name
from tools.save_play.context import PlayContext
from tools.save_play.fact_tests import passes
from tools.wording import capitalize_first, format_number

_MET = ("active", "on_record", "met")


def success_criteria(context: PlayContext) -> tuple[SuccessCriterion, ...]:
    """The success table, by date; what people changed stands as they changed it."""
    found = [success_criterion(context, item) for item in context.playbook.success]
    return tuple(sorted(found, key=lambda item: (item.by, item.name)))


def success_criterion(context: PlayContext, item: Criterion) -> SuccessCriterion:
    """One criterion with its date, and its number beyond today's value."""
    if not item.measure:
        return _older_criterion(context, item)
    change = context.edits.targets.get(item.name, TargetChange())
    fact_id, words = _words_for(context, item.of, item.of_else)
    measure = context.configuration.plan.measures[item.measure]
    target = Target(
        measure=item.measure,
        of=fact_id,
        at_least=change.at_least if change.at_least is not None else _number_to_reach(context, item, measure),
        today=_number_today(context, item),
        state=change.state or item.state,
        by=change.by or _last_day(context, item.week),
    )
    return SuccessCriterion(
        name=item.name,
        metric=measure.says.format_map({**context.words, "of": words}),
        target=_target_words(context, target, measure),
        by=target.by,
        week=item.week,
        terms=target,
    )


def _older_criterion(context: PlayContext, item: Criterion) -> SuccessCriterion:
    """The criterion of a library of an older version, in its own words."""
    target = item.target.format_map(context.words)
    if item.health_target:
        measure = Measure(says="Health", number="at least {at_least} of 100, from {today} today")
        count = item.model_copy(update={"count": "health"})
        goal, today = _number_to_reach(context, count, measure), context.dossier.health
        terms = Target(measure="health", at_least=goal, today=today, by=context.created)
        target = f"{target} ({_target_words(context, terms, measure)})"
    by = _last_day(context, item.week)
    return SuccessCriterion(
        name=item.name, metric=item.metric.format_map(context.words), target=target, by=by, week=item.week
    )


def walk_away(context: PlayContext) -> tuple[WalkAwayCriterion, ...]:
    """The conditions that end the play, each with its exit and its way back."""
    return tuple(_walk_away(context, item) for item in context.playbook.walk_away)


def _walk_away(context: PlayContext, item: WalkAway) -> WalkAwayCriterion:
    fact_id, about = _words_for(context, item.about, item.about_else)
    terms, words = context.configuration.plan, {**context.words, "about": about}
    if item.when not in terms.conditions:  # sentences of a library of an older version
        said = {part: getattr(item, part).format_map(words) for part in ("when", "exit", "way_back")}
        return WalkAwayCriterion(**said)
    return WalkAwayCriterion(
        when=capitalize_first(terms.conditions[item.when].says.format_map(words)),
        exit=terms.exits[item.exit].says.format_map(words),
        way_back=terms.ways_back[item.way_back].says.format_map(words),
        terms=Exit(when=item.when, about=fact_id, exit=item.exit, way_back=item.way_back),
    )


def _words_for(context: PlayContext, queries: Sequence[FactQuery], otherwise: str) -> tuple[str | None, str]:
    """Id and words of the first fact that fits; a quotation stands beside what it is about."""
    fact = context.facts.first(queries)
    if fact is None:
        return None, otherwise
    name = fact_name(fact)
    return fact.id, f"{otherwise} ({name})" if isinstance(fact, QuotationFact) else name


def _number_today(context: PlayContext, item: Criterion) -> float | None:
    if item.count == "health":
        return context.dossier.health
    if item.count == "people":
        facts = context.facts.facts
        return float(sum(1 for fact in facts if isinstance(fact, ContactFact) and passes(fact, _MET)))
    return None


def _number_to_reach(context: PlayContext, item: Criterion, measure: Measure) -> float | None:
    """A number beyond today's value. For health the next band: from red also some points, in green staying there."""
    today = _number_today(context, item)
    if item.count == "people":
        return max((today or 0) + measure.beyond, measure.at_least)
    if item.count == "health":
        floors = [band.starts_at for band in context.configuration.scoring.health_bands]
        if today is None:
            return floors[1]
        goal = next((floor for floor in floors if floor > today), floors[-1])
        return max(goal, min(today + context.configuration.review.health_gain.value, floors[-1]))
    return None


def _target_words(context: PlayContext, target: Target, measure: Measure) -> str:
    if target.at_least is None:
        return context.configuration.plan.results[target.state].says if target.state else ""
    words = {"at_least": format_number(target.at_least, 0), "today": format_number(target.today or 0, 0)}
    if target.today is None and measure.unknown:
        return measure.unknown.format_map(words)
    is_kept = target.today is not None and target.today >= target.at_least
    return (measure.kept if is_kept and measure.kept else measure.number).format_map(words)


def _last_day(context: PlayContext, week: int) -> date:
    """The working day by which a week of the play ends, drawn together before a near renewal. The first week keeps its length."""
    last = week * 7 - 1
    days = last if week == 1 else round(7 + (last - 7) * context.schedule_scale)
    calendar = context.calendar
    day = max(context.created + timedelta(days=days), context.created)
    return max(calendar.on_or_before(day), calendar.on_or_after(context.created))
