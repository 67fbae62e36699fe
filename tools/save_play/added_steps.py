"""Steps that people or a model add to a play, as actions of the library with their places filled. Pure.

An added step holds no free words: a verb of the vocabulary words it, and facts and people of the account fill its places.
"""

import hashlib
import re
from collections.abc import Mapping
from datetime import date

from domain.dossier import Person
from domain.facts import ContactFact
from domain.plan_language import PlanVocabulary, Step, StepPerson, Verb
from domain.play_edits import AddedStep
from domain.playbook import PlaybookAction
from tools.evidence.fact_words import person_name
from tools.save_play.binding import AccountFacts
from tools.wording import plain_name

_PURPOSE = "People who know the account want this step."
_PURPOSE_OF_MODEL = "The facts under Why call for it."
_BY_PEOPLE = "People added this step to the play."
_NO_SLOT = re.compile(r"[{}]")
_REASONS = 3


def added_id(added: AddedStep) -> str:
    """Id of the step: the same step on another day, or of another owner, keeps it."""
    content = f"{added.verb}|{added.about or ''}|{added.person or ''}"
    return f"added-{added.verb.replace('_', '-')}-{hashlib.sha256(content.encode()).hexdigest()[:8]}"


def find_person(named: str | None, facts: AccountFacts, people: Mapping[str, Person]) -> StepPerson | None:
    """The person of an id: a contact's fact, or a colleague; None where nobody has it."""
    fact = facts.by_id(named)
    if isinstance(fact, ContactFact):
        return StepPerson(name=person_name(fact, with_title=False), fact=fact.id, person_id=None)
    ours = people.get(named or "")
    return StepPerson(name=plain_name(ours.name), fact=None, person_id=ours.person_id) if ours else None


def added_action(
    added: AddedStep, vocabulary: PlanVocabulary, people: Mapping[str, Person], created: date
) -> PlaybookAction:
    """The step as an action of the library."""
    verb: Verb = vocabulary.verbs[added.verb]
    words = verb.words(about=added.about is not None, person=added.person is not None)
    is_internal = verb.channel == "internal" or added.person in people
    day = max((added.by - created).days, 0)
    who = _NO_SLOT.sub(
        " ", f"{plain_name(added.model)} chose this step beside those on offer." if added.model else _BY_PEOPLE
    )
    return PlaybookAction(
        id=added_id(added),
        title=words,
        what=f"{words}. {who}",
        owner_role=people[added.owner].role,
        days=(day, day),
        effort_hours=verb.hours,
        channel="internal" if is_internal else verb.channel,
        customer_facing=not is_internal,
        purpose=_PURPOSE_OF_MODEL if added.model else _PURPOSE,
        metric=vocabulary.results[added.result].says if added.result else "The step is done",
        concession=verb.concession,
        verb=added.verb,
    )


def added_step(added: AddedStep, facts: AccountFacts, people: Mapping[str, Person]) -> Step:
    """The step in the plan language."""
    because = dict.fromkeys((*([added.about] if added.about else []), *added.because))
    return Step(
        verb=added.verb,
        about=added.about,
        person=find_person(added.person, facts, people),
        asks=added.asks,
        because=tuple(because)[:_REASONS],
        result=added.result,
    )
