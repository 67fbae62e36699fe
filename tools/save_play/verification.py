"""Checks of a save play before people read it. Pure; each violation has a code and says what to change.

Twice over: rules that a play must keep, whoever drafted it, and then the play is made again from the evidence, the
library and the choices, and compared. A draft is checked before it becomes a play at all.
"""

from collections.abc import Iterator
from datetime import date, timedelta

from domain.configuration import Configuration
from domain.drafting import FIRST_TOUCH, DraftAction, PlayDraft, Violation
from domain.evidence import Evidence
from domain.facts import ContactFact
from domain.plan_language import StepPerson
from domain.playbook import PHASES, SPOKEN_CHANNELS, Phase
from domain.save_play import ExpectedValue, PlayAction, PlayPhase, SavePlay
from tools.save_play.builder import ChosenAction, PlayChoices, build_play, draft_choices, playbook_choices
from tools.save_play.context import PlayContext
from tools.save_play.doubts import unfounded
from tools.save_play.editing import edited_context
from tools.save_play.own_steps import own_step_faults

MINIMUM_ACTIONS = 3
_EDITED = ("edited",)
_HEADER = (
    "account_id", "name", "arr", "currency", "contract_arr", "contract_currency", "risk_level", "intervention_tier", "renewal_date",
    "renewal_in_days", "created", "owner", "owner_id", "drafted_by", "cause", "cause_label",
)  # fmt: skip


def verify_play(play: SavePlay, context: PlayContext) -> tuple[Violation, ...]:
    """Violations of the play, in a fixed order; empty if it passes."""
    context = edited_context(context, play.edits)
    found = [
        *_actions(play, context),
        *_first_touch(play, context.configuration),
        *_owners(play, context),
        *_dates(play, context),
        *_cited(play),
        *_criteria(play),
        *_people(play, context),
        *_order(play),
        *_doubt(play, context),
    ]
    if play.draft is not None:
        found += check_draft(play.draft, context)
    if not any(violation.code in ("action_not_of_cause", "action_unknown", "owner_unknown") for violation in found):
        found += _differences(play, build_play(context, _play_choices(play, context), play.draft), context)
    return tuple(found)


# a draft, before it becomes a play ---------------------------------------------------------------------------------


def check_draft(draft: PlayDraft, context: PlayContext) -> list[Violation]:
    """Violations of the draft: choices that were not offered."""
    found = list(_check_choices(FIRST_TOUCH, (draft.first_touch,), context))
    seen = {draft.first_touch.action}
    for phase in PHASES:
        lines: tuple[DraftAction, ...] = getattr(draft, phase)
        found += _check_choices(phase, lines, context)
        for line in lines:
            if line.action in seen:
                others = [o.action.id for o in context.options[phase] if o.action.id not in {a.action for a in lines}]
                instead = f"; choose {others[0]} instead" if others else "; leave it out"
                found.append(_violation("action_twice", f"{phase}: {line.action} is chosen twice{instead}"))
            seen.add(line.action)
    return [*found, *own_step_faults(draft, context)]


def _violation(code: str, message: str) -> Violation:
    return Violation(code=code, message=message)


def _check_choices(place: str, lines: tuple[DraftAction, ...], context: PlayContext) -> Iterator[Violation]:
    offered = {option.action.id: option for option in context.options[place]}
    fewest, most = context.count(place)
    if not fewest <= len(lines) <= most:
        code = "phase_too_thin" if len(lines) < fewest else "phase_too_full"
        yield _violation(code, f"{place} has {len(lines)} actions; choose {fewest} to {most}")
    for line in lines:
        option = offered.get(line.action)
        if option is None:
            yield _violation(
                "action_unknown",
                f"{place}: {_quote_input(line.action)} is not offered; choose from {', '.join(offered)}",
            )
            continue
        where = f"{place}, {line.action}"
        if line.owner not in option.owners:
            wanted = ", ".join(option.owners)
            yield _violation(
                "owner_not_allowed", f"{where}: {_quote_input(line.owner)} does not do this; choose {wanted}"
            )
        if line.due not in option.days:
            yield _violation("date_not_allowed", f"{where}: {line.due} is not offered; choose {_days(option.days)}")


def _quote_input(text: str) -> str:
    """Text that a model typed, short and without control characters."""
    plain = "".join(letter for letter in text if letter.isprintable())
    return f"“{plain[:40]}”"


def _days(days: tuple[date, ...]) -> str:
    return days[0].isoformat() if len(days) == 1 else f"a working day from {days[0]} to {days[-1]}"


# rules for every play ------------------------------------------------------------------------------------------------


def _all_actions(play: SavePlay) -> Iterator[PlayAction]:
    for phase in play.phases:
        yield from phase.actions


def _actions(play: SavePlay, context: PlayContext) -> Iterator[Violation]:
    if tuple(phase.phase for phase in play.phases) != PHASES:
        yield _violation("phase_missing", f"a play has the phases {', '.join(PHASES)} in this order")
    for phase in play.phases:
        known = {action.id for action in context.library(phase.phase)}
        for action in phase.actions:
            if action.id not in known:
                yield _violation(
                    "action_not_of_cause",
                    f"{action.id} does not belong to {phase.phase} of the playbook {context.playbook.cause} or to a situation; choose from it",
                )
        if len(phase.actions) < MINIMUM_ACTIONS:
            yield _violation(
                "phase_too_thin", f"{phase.phase} has {len(phase.actions)} actions; it needs {MINIMUM_ACTIONS}"
            )


def _first_touch(play: SavePlay, configuration: Configuration) -> Iterator[Violation]:
    touches = [action for action in _all_actions(play) if action.customer_facing]
    if not touches:
        yield _violation("no_first_touch", "nobody speaks with the customer; add a call or a meeting")
        return
    first = min(touches, key=lambda action: (action.due, action.channel not in SPOKEN_CHANNELS))
    if first.channel not in SPOKEN_CHANNELS:
        yield _violation("first_touch_written", f"{first.id} comes first and is written; call or meet first")
    days = configuration.tiers.due[play.intervention_tier].days + int(configuration.review.first_touch_grace.value)
    limit = play.created + timedelta(days=days)
    if first.due > limit and play.drafting.outcome != "goes_on":  # people moved it since
        yield _violation("first_touch_late", f"{first.id} is due {first.due}; the tier asks for {limit}")


def _owners(play: SavePlay, context: PlayContext) -> Iterator[Violation]:
    allowed: dict[str, set[str | None]] = {}
    for role, person in context.owners.values():
        allowed.setdefault(role, set()).add(person.person_id if person else None)
    for action in _all_actions(play):
        person = context.people.get(action.owner_id or "")
        if action.owner_id is not None and (person is None or person.name != action.owner):
            yield _violation("owner_unknown", f"{action.id}: {action.owner} is no colleague; name a person")
        elif play.status not in _EDITED and action.owner_id not in allowed.get(action.owner_role, set()):
            yield _violation(
                "owner_not_of_account",
                f"{action.id}: {action.owner} does not do this for the account; ask its own team",
            )


def _dates(play: SavePlay, context: PlayContext) -> Iterator[Violation]:
    for phase in play.phases:
        last = date.min
        for action in phase.actions:
            if not context.calendar.is_working(action.due):
                yield _violation("not_a_working_day", f"{action.id} is due {action.due}, a day off")
            moved = play.drafting.outcome == "goes_on"  # by people, in an earlier week
            if action.due < play.created or (action.due > phase.ends + timedelta(days=5) and not moved):
                yield _violation("date_outside_phase", f"{action.id} is due {action.due}, outside {phase.phase}")
            if action.due < last:
                yield _violation("dates_out_of_order", f"{action.id} is due before the action ahead of it")
            last = action.due


def _cited(play: SavePlay) -> Iterator[Violation]:
    known = {fact.id for fact in play.evidence}
    for action in _all_actions(play):
        for evidence_id in action.evidence:
            if evidence_id not in known:
                yield _violation("evidence_unknown", f"{action.id} cites {evidence_id}, which does not exist")


def _people(play: SavePlay, context: PlayContext) -> Iterator[Violation]:
    """Nobody who left is met, unless the step asks for somebody who left."""
    library = {action.id: action for phase in PHASES for action in context.library(phase)}
    for action in _all_actions(play):
        person = action.step.person if action.step else None
        fact = context.facts.by_id(person.fact) if isinstance(person, StepPerson) else None
        places = library[action.id].person if action.id in library else ()
        asks_for_gone = any(place.contact and "departed" in place.contact.tests for place in places)
        if isinstance(fact, ContactFact) and fact.status == "departed" and not asks_for_gone:
            yield _violation("person_left", f"{action.id}: {action.contact} left; choose somebody who is there")


def _order(play: SavePlay) -> Iterator[Violation]:
    """A step that waits for another is not due before it."""
    dues = {action.id: action.due for action in _all_actions(play)}
    for action in _all_actions(play):
        after = action.step.after if action.step else None
        if after is not None and action.due < dues.get(after, date.max):
            yield _violation("before_its_step", f"{action.id} is due before {after}, whose result it needs")


def _doubt(play: SavePlay, context: PlayContext) -> Iterator[Violation]:
    for fault in unfounded(play.doubt, context) if play.doubt is not None else ():
        yield _violation("doubt_unfounded", f"the doubt about the cause: {fault}")


def _criteria(play: SavePlay) -> Iterator[Violation]:
    if len(play.success_criteria) < 3:
        yield _violation("success_missing", "three success criteria are needed")
    if len(play.walk_away) < 3:
        yield _violation("walk_away_missing", "three walk-away criteria are needed")


# made again and compared -------------------------------------------------------------------------------------------


def _play_choices(play: SavePlay, context: PlayContext) -> PlayChoices:
    """The choices behind a play: the model's, the playbook's, or what people left of them."""
    if play.status not in _EDITED:
        if play.draft is not None and not has_unknown_ids(play.draft, context):
            return draft_choices(context, play.draft)
        if play.draft is None and play.drafting.outcome != "goes_on":
            return playbook_choices(context)
    changed = {*context.edits.people, *context.edits.after}
    return {
        phase.phase: [
            ChosenAction(
                next(known for known in context.library(phase.phase) if known.id == action.id),
                context.people.get(action.owner_id or ""),
                action.due,
                (action.step.after or "") if action.step and play.status in _EDITED else None,
                action if play.drafting.outcome == "goes_on" and action.id not in changed else None,
            )
            for action in phase.actions
        ]
        for phase in play.phases
    }


def has_unknown_ids(draft: PlayDraft, context: PlayContext) -> bool:
    """True if the draft names an action or an owner that the context does not have."""
    lines: list[tuple[Phase, DraftAction]] = [(phase, line) for phase in PHASES for line in draft.phase(phase)]
    known = {phase: {action.id for action in context.library(phase)} for phase in PHASES}
    return any(line.action not in known[phase] or line.owner not in context.owners for phase, line in lines)


def _differences(play: SavePlay, again: SavePlay, context: PlayContext) -> Iterator[Violation]:
    """Differences between the play and the one that its evidence, playbook and choices give."""
    for name in _HEADER:
        if getattr(play, name) != getattr(again, name):
            yield _mismatch("header_differs", name.replace("_", " "), getattr(again, name))
    if play.root_cause != again.root_cause:
        yield _mismatch("cause_differs", "root cause", again.root_cause)
    if play.opening != again.opening or play.questions != again.questions:
        yield _mismatch("opening_differs", "opening or questions", again.opening)
    edited = play.status in _EDITED
    yield from _evidence_differences(play.evidence, again.evidence if not edited else context.dossier.evidence, edited)
    money = ("arr", "churn_probability", "save_probability") if edited else tuple(ExpectedValue.model_fields)
    if any(getattr(play.expected_value, name) != getattr(again.expected_value, name) for name in money):
        yield _mismatch("money_differs", "expected value", again.expected_value.value)
    for phase, other in zip(play.phases, again.phases, strict=False):
        yield from _phase_differences(phase, other, edited)
    for name in ("success_criteria", "walk_away", "cadence", "escalation"):
        if getattr(play, name) != getattr(again, name):
            yield _violation(
                f"{name}_differs",
                f"{name.replace('_', ' ')}: not what the library gives on these dates; draft it again",
            )


def _mismatch(code: str, place: str, wanted: object) -> Violation:
    return _violation(code, f"{place}: the record says {str(wanted)[:160]}")


def _evidence_differences(
    given: tuple[Evidence, ...], wanted: tuple[Evidence, ...], edited: bool
) -> Iterator[Violation]:
    """Each fact as the record has it; after an edit the plan may show more facts than it still cites."""
    facts = {fact.id: fact for fact in wanted}
    if [fact.id for fact in given] != list(facts) and (not edited or {fact.id for fact in given} - set(facts)):
        yield _mismatch("evidence_differs", "evidence", ", ".join(facts))
    for fact in given:
        if fact.id in facts and fact != facts[fact.id]:
            yield _mismatch("evidence_differs", f"evidence {fact.id}", facts[fact.id].statement)


def _phase_differences(given: PlayPhase, wanted: PlayPhase, edited: bool) -> Iterator[Violation]:
    if (given.title, given.starts, given.ends) != (wanted.title, wanted.starts, wanted.ends):
        yield _mismatch("phase_differs", given.phase, f"{wanted.title}, {wanted.starts} to {wanted.ends}")
    actions = {action.id: action for action in wanted.actions}
    if [action.id for action in given.actions] != list(actions):
        yield _mismatch("actions_differ", given.phase, ", ".join(actions))
    for action in given.actions:
        other = actions.get(action.id)
        if other is None or action == other:
            continue
        for name in PlayAction.model_fields:
            if name != "began" and getattr(action, name) != getattr(other, name):
                yield _mismatch("action_differs", f"{action.id}, {name.replace('_', ' ')}", getattr(other, name))
