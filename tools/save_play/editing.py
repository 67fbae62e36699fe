"""Edits of a save play by people: checked field by field, then the play is made again from the library. Pure.

An edit chooses among the account's own facts, people and the vocabulary. Only remarks hold free words, apart from the plan.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from types import MappingProxyType

from domain.decisions import PlayDecision
from domain.facts import ContactFact
from domain.play_edits import MAX_REMARK, AddedStep, PlayEdits, Remark
from domain.playbook import PHASES, Phase
from domain.save_play import PlayAction, SavePlay
from tools.save_play.added_steps import added_id
from tools.save_play.builder import ChosenAction, build_play, playbook_choices
from tools.save_play.context import PlayContext
from tools.wording import format_date, format_number, plain_name, plural, quote

WHOLE_PLAY = "play"
"""Place of a remark about the whole play."""
Faults = Iterator[tuple[str, str]]
"""Pairs of the field of a decision, as ``dates.sf-call``, and what is wrong with it in plain words."""
_FIGURE = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?")


# the context of an edited play ------------------------------------------------------------------------------------


def edited_context(context: PlayContext, edits: PlayEdits) -> PlayContext:
    """The context with the changes of people: the cause that they named, the steps that they added."""
    if edits == context.edits:
        return context
    finding, label = context.finding, _cause_label(context, edits.cause)
    if edits.cause and label and edits.cause != finding.category:
        said = f"{edits.by} names this cause. The review found: {finding.label}."
        finding = finding.model_copy(
            update={
                "category": edits.cause,
                "label": label,
                "reasoning": said,
                "runner_up": finding.category,
                "runner_up_label": finding.label,
            }
        )
    return replace(context, finding=finding, edits=edits)


def _cause_label(context: PlayContext, cause: str) -> str | None:
    rule = context.configuration.causes.causes.get(cause)
    return rule.label if rule else None


def edits_of(decision: PlayDecision, play: SavePlay, context: PlayContext, by: str) -> PlayEdits:
    """The changes of a decision, on top of those that the play has already."""
    old, dropped = play.edits, set(decision.drop)
    added = {added_id(each): each for each in (*old.added, *decision.add)}
    remarks = [remark for remark in old.remarks if remark.at not in dropped]
    remarks += [_remark(text, place, by, play, context) for place, text in sorted(decision.own_words.items())]
    return PlayEdits(
        by=by,
        cause=decision.cause or old.cause,
        added=tuple(each for action, each in added.items() if action not in dropped),
        people=_left(old.people | decision.people, dropped),
        after=_left(old.after | decision.after, dropped),
        targets=old.targets | decision.targets,
        remarks=tuple(remarks),
    )


def _left(values: dict[str, str], dropped: set[str]) -> dict[str, str]:
    return {action: value for action, value in sorted(values.items()) if action not in dropped}


def _remark(text: str, place: str, by: str, play: SavePlay, context: PlayContext) -> Remark:
    words = plain_name(text, MAX_REMARK)
    known = set(_numbers_in(_record_of(play, context)))
    strange = tuple(dict.fromkeys(figure for figure in _numbers_in(words) if figure not in known))
    return Remark(text=words, by=by, on=context.today, at="" if place == WHOLE_PLAY else place, untraced=strange)


def _record_of(play: SavePlay, context: PlayContext) -> str:
    """Everything about the account that people can read, in one text: facts, evidence, rows, the plan."""
    said = [fact.model_dump_json() for fact in context.dossier.facts]
    said += [f"{item.statement} {item.shown}" for item in play.evidence]
    said += [f"{row.key} {row.text}" for item in play.evidence for row in item.rows]
    said += [f"{phase.starts} {phase.ends}" for phase in play.phases]
    said += [f"{each.due} {each.follow_up} {each.title} {each.whole} {each.effort_hours:g}" for each in _actions(play)]
    said += [f"{each.target} {each.metric} {each.by}" for each in play.success_criteria]
    said += [
        f"{amount:.2f} {format_number(amount, 0)}" for amount in (play.arr, play.contract_arr) if amount is not None
    ]
    said += [f"{play.renewal_date} {play.renewal_in_days} {play.name} {context.today}"]
    return " ".join(said)


def _numbers_in(text: str) -> list[str]:
    """The numbers in a text, without separators of thousands and without decimals that say nothing."""
    found = [figure.replace(",", "") for figure in _FIGURE.findall(text)]
    return [figure.rstrip("0").rstrip(".") if "." in figure else figure.lstrip("0") or "0" for figure in found]


# the play made again ----------------------------------------------------------------------------------------------


def edit_play(play: SavePlay, decision: PlayDecision, context: PlayContext, by: str) -> SavePlay:
    """The play with everything of the decision but owners, dates and dropped steps. Its fields were checked before."""
    edited = edited_context(context, edits_of(decision, play, context, by))
    choices = _choices(play, decision.swap, edited)
    made = build_play(edited, choices)
    note = made.drafted_note if edited.finding.category != play.cause else play.drafted_note
    update = {
        "drafted_by": made.drafted_by if edited.finding.category != play.cause else play.drafted_by,
        "drafted_note": f"{note} {_kept(play, made)}" if edited.finding.category != play.cause else note,
        "draft": None if edited.finding.category != play.cause else play.draft,
        "drafting": play.drafting,
        "asked": play.asked,
        "evidence": tuple(dict.fromkeys((*play.evidence, *made.evidence))),
        "version": play.version,
    }
    return made.model_copy(update=update)


def _choices(play: SavePlay, swap: Mapping[str, str], context: PlayContext) -> dict[Phase, list[ChosenAction]]:
    """The steps of the edited play: those that stay with their owner and date, the replacements, and the added ones."""
    known = {phase: {action.id: action for action in context.library(phase)} for phase in PHASES}
    phases = {phase.phase: phase.actions for phase in play.phases}
    stay = {action.id: action for action in _actions(play)}
    chosen: dict[Phase, list[ChosenAction]] = {phase: [] for phase in PHASES}
    if context.finding.category != play.cause:
        proposed = {
            phase: [choice.action.id for choice in choices] for phase, choices in playbook_choices(context).items()
        }
    else:
        proposed = {phase: [action.id for action in phases[phase]] for phase in PHASES}
    for phase in PHASES:
        for action_id in (swap.get(each, each) for each in proposed[phase]):
            old = stay.get(action_id)
            owner = context.people.get(old.owner_id or "") if old else None
            chosen[phase].append(ChosenAction(known[phase][action_id], owner, old.due if old else None))
    taken = {choice.action.id for choices in chosen.values() for choice in choices}
    for added in context.edits.added:
        phase = context.phase_on(added.by)
        if added_id(added) not in taken:
            action = known[phase][added_id(added)]
            chosen[phase].append(ChosenAction(action, context.people[added.owner], added.by))
    return chosen


def _kept(old: SavePlay, new: SavePlay) -> str:
    """Words for what a changed cause kept of the play."""
    before, now = [a.id for a in _actions(old)], {a.id: a.title for a in _actions(new)}
    kept = [now[action] for action in before if action in now]
    said = f"Kept: {'; '.join(kept)}." if kept else "No step was kept."
    return f"{new.edits.by} changed the cause from {old.cause_label} to {new.cause_label}. {said} {plural(len(now) - len(kept), 'step')} new."


def _actions(play: SavePlay) -> list[PlayAction]:
    return [action for phase in play.phases for action in phase.actions]


# the fields of an edit --------------------------------------------------------------------------------------------


def edit_faults(decision: PlayDecision, play: SavePlay, context: PlayContext) -> list[tuple[str, str]]:
    """Everything that is wrong with the fields of an edit. ``play`` is the play as it was read."""
    found = list(_cause_faults(decision, context))
    if found:
        return found  # without its cause the play has no steps to check
    edits = edits_of(decision, play, context, "")
    planned = edited_context(context, edits.model_copy(update={"added": play.edits.added, "targets": {}}))
    steps = {choice.action.id: choice for choices in _choices(play, {}, planned).values() for choice in choices}
    dues = {action.id: action.due for action in _actions(play)} | dict(decision.dates)
    found += _unknown_steps(decision, set(steps) | set(dues) | set(decision.swap.values()))
    found += [(f"dates.{each}", fault) for each, on in decision.dates.items() for fault in _day_faults(on, context)]
    found += [
        (f"owners.{each}", f"no colleague has the id {person!r}")
        for each, person in decision.owners.items()
        if person not in context.people
    ]
    found += [
        (f"people.{each}", fault) for each, who in decision.people.items() for fault in _person_faults(who, context)
    ]
    found += _order_faults(decision, edits, dues)
    found += _target_faults(decision, planned)
    found += [
        (f"remarks.{each}", f"a remark has 1 to {MAX_REMARK} characters")
        for each, text in decision.own_words.items()
        if not text.strip() or len(text) > MAX_REMARK
    ]
    for number, added in enumerate(decision.add, 1):
        found += [(f"add.{number}.{field}", fault) for field, fault in _added_faults(added, planned)]
    return [*found, *_twice(decision, play, planned)]


def _cause_faults(decision: PlayDecision, context: PlayContext) -> Faults:
    if decision.cause and _cause_label(context, decision.cause) is None:
        known = ", ".join(sorted(context.configuration.causes.causes))
        yield "cause", f"no cause is called {decision.cause!r}; choose one of {known}"


def _unknown_steps(decision: PlayDecision, known: set[str]) -> Faults:
    fields: dict[str, Iterable[str]] = {
        "owners": decision.owners, "dates": decision.dates, "drop": decision.drop, "people": decision.people,
        "after": decision.after, "remarks": decision.own_words,
    }  # fmt: skip
    for field, actions in fields.items():
        for action in actions:
            if action not in known and not (field == "remarks" and action == WHOLE_PLAY):
                yield f"{field}.{action}", f"the play has no action {action!r}; it has {', '.join(sorted(known))}"


def _day_faults(day: date, context: PlayContext) -> list[str]:
    if day < max(context.today, context.created):
        return [f"{day} is past"]
    return [] if context.calendar.is_working(day) else [f"{day} is a day off"]


def _person_faults(named: str, context: PlayContext) -> list[str]:
    fact = context.facts.by_id(named)
    if isinstance(fact, ContactFact):
        left = f" on {format_date(fact.departed_on)}" if fact.departed_on else ""
        return (
            [f"{plain_name(fact.name)} left{left}; choose somebody who is there"] if fact.status == "departed" else []
        )
    return [] if named in context.people else [f"nobody of theirs or ours has the id {named!r}"]


def _order_faults(decision: PlayDecision, edits: PlayEdits, dues: dict[str, date]) -> Faults:
    for action, other in decision.after.items():
        if not other:
            continue
        if other not in dues or other in decision.drop:
            yield f"after.{action}", f"the play has no action {other!r} to wait for"
        elif _waits_for(other, action, edits.after):
            yield f"after.{action}", "these two steps would wait for each other"
        elif action in dues and dues[action] < dues[other]:
            yield f"after.{action}", f"it is due on {dues[action]}, before the step that it waits for ({dues[other]})"


def _waits_for(action: str, wanted: str, after: dict[str, str]) -> bool:
    """True if the action is the wanted one, or waits for it in one or more steps."""
    seen: set[str] = set()
    while action and action not in seen:
        if action == wanted:
            return True
        seen.add(action)
        action = after.get(action, "")
    return False


def _target_faults(decision: PlayDecision, context: PlayContext) -> Faults:
    from tools.save_play.agreements import success_criteria

    known = {item.name: item.terms for item in success_criteria(context)}
    for name, change in decision.targets.items():
        terms = known.get(name)
        if terms is None:
            yield f"targets.{name}", f"the play has no such criterion; it has {', '.join(known)}"
            continue
        for fault in _day_faults(change.by, context) if change.by else []:
            yield f"targets.{name}.by", fault
        if change.at_least is not None and terms.at_least is None:
            yield f"targets.{name}.at_least", "this criterion has no number"
        elif change.at_least is not None and change.at_least <= (terms.today or 0):
            yield f"targets.{name}.at_least", f"{change.at_least:g} is not beyond today's value of {terms.today or 0:g}"
        elif change.at_least is not None and terms.measure == "health" and change.at_least > 100:
            yield f"targets.{name}.at_least", "health is at most 100"
        if change.state and change.state not in context.configuration.plan.results:
            yield f"targets.{name}.state", f"no result of plan.yaml is called {change.state!r}"


def _added_faults(added: AddedStep, context: PlayContext) -> Faults:
    vocabulary, facts = context.configuration.plan, context.facts
    verb = vocabulary.verbs.get(added.verb)
    if verb is None:
        yield "verb", f"no verb of plan.yaml is called {added.verb!r}; it has {', '.join(vocabulary.verbs)}"
    elif verb.needs_person and not added.person:
        yield "with", "say with whom"
    elif verb.needs_fact and not added.about:
        yield "about", "say what it is about"
    for field, named in (("about", (added.about,)), ("because", added.because)):
        for fact_id in named:
            if fact_id and facts.by_id(fact_id) is None:
                yield field, f"the account has no fact {fact_id!r}"
    for fault in _person_faults(added.person, context) if added.person else []:
        yield "with", fault
    for question in added.asks:
        if question not in vocabulary.questions:
            yield "asks", f"no question of plan.yaml is called {question!r}"
    if added.result and added.result not in vocabulary.results:
        yield "result", f"no result of plan.yaml is called {added.result!r}"
    if added.owner not in context.people:
        yield "owner", f"no colleague has the id {added.owner!r}" if added.owner else "say who does it"
    for fault in _day_faults(added.by, context):
        yield "by", fault


def _twice(decision: PlayDecision, play: SavePlay, context: PlayContext) -> Faults:
    """Added steps that the play has already, or that are added twice."""
    has = {
        (
            step.step.verb,
            step.step.about,
            _who(step.step.person.fact, step.step.person.person_id) if step.step.person else None,
        ): step.title
        for step in _actions(play)
        if step.step is not None and step.id not in decision.drop
    }
    for number, added in enumerate(decision.add, 1):
        key = (added.verb, added.about, added.person)
        if key in has:
            yield f"add.{number}.verb", f"the play has this step already: {has[key]}"
        has[key] = "the step added before"


def _who(fact: str | None, person_id: str | None) -> str | None:
    return fact or person_id


def describe_edit(decision: PlayDecision, titles: Mapping[str, str] = MappingProxyType({})) -> tuple[str, ...]:
    """The changes of an edit in words. ``titles``: words for a step instead of its id."""

    def name(action: str) -> str:
        return quote(titles[action]) if action in titles else "the play" if action == WHOLE_PLAY else action

    found = [f"cause is now {decision.cause.replace('_', ' ')}"] if decision.cause else []
    found += [f"owner of {name(action)} is now {person}" for action, person in sorted(decision.owners.items())]
    found += [f"{name(action)} is due {on}" for action, on in sorted(decision.dates.items())]
    found += [f"{name(old)} is replaced by {name(new)}" for old, new in sorted(decision.swap.items())]
    found += [f"{name(action)} is done with {person}" for action, person in sorted(decision.people.items())]
    found += [
        f"{name(action)} comes after {name(other) if other else 'no other step'}"
        for action, other in sorted(decision.after.items())
    ]
    found += [f"target of {criterion} is changed" for criterion in sorted(decision.targets)]
    found += [f"{name(added_id(added))} is added" for added in decision.add]
    found += [f"remark on {name(action)}" for action in sorted(decision.own_words)]
    return tuple(found + [f"{name(action)} is left out" for action in decision.drop])
