"""Checks of an edit, field by field: each fault names the field and says in plain words what is wrong. Pure.

The same checks serve the desk, the terminal and the decisions file.
"""

from collections.abc import Iterable, Iterator
from datetime import date

from domain.decisions import PlayDecision
from domain.facts import ContactFact
from domain.play_edits import MAX_REMARK, AddedStep, PlayEdits
from domain.save_play import SavePlay
from tools.save_play.agreements import success_criteria
from tools.save_play.context import PlayContext
from tools.save_play.editing import WHOLE_PLAY, actions_of, cause_label, edited_choices, edited_context, edits_of
from tools.wording import format_date, plain_name

Faults = Iterator[tuple[str, str]]
"""Pairs of the field of a decision, as ``dates.sf-call``, and what is wrong with it in plain words."""


def edit_faults(decision: PlayDecision, play: SavePlay, context: PlayContext) -> list[tuple[str, str]]:
    """Everything that is wrong with the fields of an edit. ``play`` is the play as it was read."""
    found = list(_cause_faults(decision, context))
    if found:
        return found  # without its cause the play has no steps to check
    edits = edits_of(decision, play, context, "")
    planned = edited_context(context, edits.model_copy(update={"added": play.edits.added, "targets": {}}))
    steps = {choice.action.id: choice for choices in edited_choices(play, {}, planned).values() for choice in choices}
    dues = {action.id: action.due for action in actions_of(play)} | dict(decision.dates)
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
    if decision.cause and cause_label(context, decision.cause) is None:
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
    if verb is None or not verb.step:
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
        for step in actions_of(play)
        if step.step is not None and step.id not in decision.drop
    }
    for number, added in enumerate(decision.add, 1):
        key = (added.verb, added.about, added.person)
        if key in has:
            yield f"add.{number}.verb", f"the play has this step already: {has[key]}"
        has[key] = "the step added before"


def _who(fact: str | None, person_id: str | None) -> str | None:
    return fact or person_id
