"""Steps that a model adds to those on offer: its choices turned into added steps, and what is wrong with them. Pure.

Verbs, facts and people are closed lists; code words the step. A step that gives money away is never a model's.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date

from domain.drafting import OwnStepDraft, PlayDraft, Violation
from domain.facts import ContactFact
from domain.play_edits import AddedStep, PlayEdits
from domain.playbook import PHASES
from tools.save_play.added_steps import added_id
from tools.save_play.context import PlayContext
from tools.save_play.prompt_facts import PromptFact, prompt_facts
from tools.wording import plain_name

MAX_OWN_STEPS = 3
"""Steps that a model may add to one play: a third of what the library gives it."""
_PLACE = "own_steps"


def may_add_steps(context: PlayContext) -> bool:
    """True if the model of this configuration may add steps."""
    return context.configuration.model.may_add_steps


def own_verbs(context: PlayContext) -> dict[str, str]:
    """Verbs that a model may use, with their words: those that have words for a step and give nothing away."""
    verbs = context.configuration.plan.verbs
    return {name: verb.says for name, verb in verbs.items() if verb.step and not verb.concession}


def facts_for_prompt(context: PlayContext) -> tuple[PromptFact, ...]:
    """The facts that a model reads before it plans."""
    return prompt_facts(context, int(context.configuration.model.evidence_lines.value))


def with_own_steps(context: PlayContext, draft: PlayDraft) -> PlayContext:
    """The context with the steps that the model added; only for a draft whose own steps have no fault."""
    if not draft.own_steps:
        return context
    facts = {each.handle: each.fact.id for each in facts_for_prompt(context)}
    added = tuple(step for each in draft.own_steps if (step := _added(each, context, facts)) is not None)
    return replace(context, edits=PlayEdits(added=added))


def _added(step: OwnStepDraft, context: PlayContext, facts: dict[str, str]) -> AddedStep | None:
    owner = context.owners.get(step.owner, (None, None))[1]
    if owner is None:
        return None
    with_whom = context.owners[step.person][1] if step.person in context.owners else None
    return AddedStep(
        verb=step.verb,
        about=facts.get(step.about),
        person=with_whom.person_id if with_whom else facts.get(step.person),
        because=tuple(dict.fromkeys(facts[each] for each in step.because if each in facts))[:3],
        owner=owner.person_id,
        by=step.due,
        model=context.configuration.model.model_for("drafting") or "",
    )


def own_step_faults(draft: PlayDraft, context: PlayContext) -> list[Violation]:
    """Everything that is wrong with the steps that a model added, by name."""
    if not draft.own_steps:
        return []
    if not may_add_steps(context):
        return [_fault("own_step_not_wanted", "leave this list empty; choose among the steps on offer")]
    found = []
    if len(draft.own_steps) > MAX_OWN_STEPS:
        found.append(_fault("phase_too_full", f"{len(draft.own_steps)} steps; at most {MAX_OWN_STEPS}"))
    facts = facts_for_prompt(context)
    for number, step in enumerate(draft.own_steps, 1):
        found += [_fault(code, f"step {number}: {what}") for code, what in _faults(step, context, facts)]
    return found or _twice(draft, context)


def _fault(code: str, what: str) -> Violation:
    return Violation(code=code, message=f"{_PLACE}: {what}")


def _said(text: str) -> str:
    return f"“{plain_name(text, 40)}”"


def _faults(step: OwnStepDraft, context: PlayContext, facts: Sequence[PromptFact]) -> Iterator[tuple[str, str]]:
    known, verbs = {each.handle: each.fact for each in facts}, own_verbs(context)
    verb = context.configuration.plan.verbs.get(step.verb)
    if verb is None or step.verb not in verbs:
        yield "verb_unknown", f"{_said(step.verb)} is no verb; choose from {', '.join(verbs)}"
    elif verb.needs_person and not step.person:
        yield "person_missing", f"{step.verb} needs a person"
    elif verb.needs_fact and not step.about:
        yield "fact_missing", f"{step.verb} needs a fact in about"
    for handle in filter(None, (step.about, *step.because)):
        if handle not in known:
            yield "fact_unknown", f"{_said(handle)} is no fact; use {', '.join(known)}"
    if not step.because and not step.about:
        yield "fact_missing", "name at least one fact in because"
    yield from _person_faults(step, context, known.get(step.person))
    if step.owner not in context.owners or context.owners[step.owner][1] is None:
        people = ", ".join(handle for handle, (_, person) in context.owners.items() if person is not None)
        yield "owner_not_allowed", f"{_said(step.owner)} cannot do this; choose {people}"
    yield from _day_faults(step.due, context)


def _person_faults(step: OwnStepDraft, context: PlayContext, fact: object) -> Iterator[tuple[str, str]]:
    if not step.person or (step.person in context.owners and context.owners[step.person][1] is not None):
        return
    if not isinstance(fact, ContactFact):
        yield (
            "person_unknown",
            f"{_said(step.person)} is nobody; use the fact of a contact, or {', '.join(context.owners)}",
        )
    elif fact.status == "departed":
        yield "person_left", f"{step.person} left; choose somebody who is there"


def _day_faults(day: date, context: PlayContext) -> Iterator[tuple[str, str]]:
    last = context.last_day
    first = max(context.today, context.created)
    if not first <= day <= last or not context.calendar.is_working(day):
        yield "date_not_allowed", f"{day} is not offered; choose a working day from {first} to {last}"


def _twice(draft: PlayDraft, context: PlayContext) -> list[Violation]:
    """Own steps that say what another step of the draft says."""
    own = with_own_steps(context, draft)
    chosen = [line.action for phase in PHASES for line in draft.phase(phase)]
    seen = {}
    for action in chosen:
        step = context.steps[action] if action in context.known_actions else None
        if step is not None and step.verb:
            seen[step.verb, step.about, step.person and (step.person.fact or step.person.person_id)] = action
    found = []
    for number, added in enumerate(own.edits.added, 1):
        key = (added.verb, added.about, added.person)
        if key in seen:
            found.append(_fault("action_twice", f"step {number}: {seen[key]} does this already; leave it out"))
        seen[key] = added_id(added)
    return found
