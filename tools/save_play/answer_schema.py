"""The JSON schema of a draft, built for one account: only what the context offers can be chosen. Pure.

Kept to what servers share: objects with every key required, arrays with a count, ``anyOf`` and ``enum``; no pattern, no
length, no reference.
"""

from collections.abc import Sequence
from typing import Any

from domain.drafting import FIRST_TOUCH
from domain.playbook import PHASES
from tools.save_play.context import ActionOption, PlayContext

JsonSchema = dict[str, Any]


def draft_schema(context: PlayContext) -> JsonSchema:
    """Schema of a draft for this account."""
    evidence_ids = [item.id for item in context.evidence]
    return _object(
        summary=_sentence("The root cause in one or two sentences, with evidence slots."),
        opening=_sentence("What is said first to the customer, without any fact."),
        first_touch=_choices(context.options[FIRST_TOUCH], evidence_ids),
        **{phase: _list(_choices(context.options[phase], evidence_ids), *context.count(phase)) for phase in PHASES},
    )


def sentences_schema(places: Sequence[str]) -> JsonSchema:
    """Sentences to be written again, by place."""
    return _object(**{place: _sentence("One sentence with slots.") for place in places})


def briefing_schema(facts: int, most: int) -> JsonSchema:
    """Schema of a briefing with at most ``most`` sentences."""
    return _object(sentences=_list(_sentence("One sentence with slots for facts."), min(3, facts), most))


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


def _choices(options: tuple[ActionOption, ...], evidence_ids: list[str]) -> JsonSchema:
    return {"anyOf": [_choice(option, evidence_ids) for option in options]}


def _choice(option: ActionOption, evidence_ids: list[str]) -> JsonSchema:
    return _object(
        action={"type": "string", "enum": [option.action.id]},
        owner={"type": "string", "enum": list(option.owners)},
        due={"type": "string", "enum": [day.isoformat() for day in option.days]},
        evidence=_list({"type": "string", "enum": evidence_ids}, 1, 2)
        if evidence_ids
        else _list({"type": "string"}, 0, 0),
        why=_sentence("One sentence with slots: how this addresses the cause."),
    )
