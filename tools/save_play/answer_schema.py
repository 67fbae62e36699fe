"""The JSON schemas of answers. That of a draft is built for one account: only what the context offers can be chosen. Pure.

Kept to what servers share: objects with every key required, arrays with a count, ``anyOf`` and ``enum``; no pattern, no
length, no reference.
"""

from collections.abc import Sequence
from typing import Any, get_args

from domain.drafting import FIRST_TOUCH
from domain.playbook import PHASES
from domain.statements import StatementMode
from tools.save_play.context import ActionOption, PlayContext
from tools.save_play.doubts import MIN_FACTS
from tools.save_play.own_steps import MAX_OWN_STEPS, may_add_steps, own_verbs

JsonSchema = dict[str, Any]


def draft_schema(context: PlayContext) -> JsonSchema:
    """Schema of a draft for this account. What cites facts is the same for every account; code checks the ids."""
    own = {"own_steps": _list(_own_step(context), 0, MAX_OWN_STEPS)} if may_add_steps(context) else {}
    return _object(
        doubt={"anyOf": [{"type": "null"}, _doubt(context)]},
        first_touch=_choices(context.options[FIRST_TOUCH]),
        **{phase: _list(_choices(context.options[phase]), *context.count(phase)) for phase in PHASES},
        **own,
    )


def _doubt(context: PlayContext) -> JsonSchema:
    causes = {"type": "string", "enum": list(context.configuration.causes.causes)}
    return _object(cause=causes, because=_list(_sentence("Id of a fact, as F2 or E1."), MIN_FACTS, 4))


def _own_step(context: PlayContext) -> JsonSchema:
    return _object(
        verb={"type": "string", "enum": list(own_verbs(context))},
        about=_sentence("Id of a fact, as F2; empty: none."),
        person=_sentence("Id of a contact's fact, or who of ours; empty: nobody."),
        owner=_sentence("Who of ours does it."),
        due=_sentence("A working day, as 2026-11-27."),
        because=_list(_sentence("Id of a fact."), 0, 3),
    )


def briefing_schema(facts: int, most: int) -> JsonSchema:
    """Schema of a briefing with at most ``most`` sentences."""
    return _object(sentences=_list(_sentence("One sentence with slots for facts."), min(3, facts), most))


def sections_schema() -> JsonSchema:
    """Schema of a draft for people: the same for every account and every kind."""
    sentence = _sentence("One sentence with slots for facts, steps and people.")
    section = _object(heading=_sentence("A few words."), sentences=_list(sentence, 1, 12))
    return _object(sections=_list(section, 1, 8))


def reading_schema(kinds: Sequence[str], most: int) -> JsonSchema:
    """Schema of what a text states: the same for every text. Optional words are empty instead of missing."""
    statement = _object(
        quotation=_sentence("One sentence of the text, letter by letter."),
        kind={"type": "string", "enum": list(kinds)},
        mode={"type": "string", "enum": list(get_args(StatementMode))},
        speaker=_sentence("Name of the customer's person who says it, as in the text; empty if unknown."),
        since=_sentence("Words of the text that say since when; empty if there are none."),
    )
    return _object(statements=_list(statement, 0, most))


def _object(**properties: JsonSchema) -> JsonSchema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _sentence(what: str) -> JsonSchema:
    return {"type": "string", "description": what}


def _list(items: JsonSchema, fewest: int, most: int) -> JsonSchema:
    return {"type": "array", "items": items, "minItems": fewest, "maxItems": most}


def _choices(options: tuple[ActionOption, ...]) -> JsonSchema:
    return {"anyOf": [_choice(option) for option in options]}


def _choice(option: ActionOption) -> JsonSchema:
    return _object(
        action={"type": "string", "enum": [option.action.id]},
        owner={"type": "string", "enum": list(option.owners)},
        due={"type": "string", "enum": [day.isoformat() for day in option.days]},
    )
