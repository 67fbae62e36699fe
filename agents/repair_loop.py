"""A question to a model with its repair rounds: an answer that passes the checks, or none and the reason."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import ValidationError

from agents.answer_text import json_values, without_thoughts
from agents.conversation import Message, ModelAnswer, ModelClient
from domain.configuration import Configuration, ModelRole
from domain.drafting import DraftingRecord, Violation
from domain.errors import ModelError, NotJson, SchemaMismatch, UnusableAnswer
from domain.record import Record
from domain.token_usage import TokenUsage
from tools.prompts import render_prompt, short_hash
from tools.save_play.answer_schema import JsonSchema
from tools.wording import plural

D = TypeVar("D", bound=Record)
_MAX_FAULTS = 12


@dataclass
class RepairLoop:
    """One question to a model. ``run`` asks it; ``drafting`` says how it went."""

    client: ModelClient
    configuration: Configuration
    role: ModelRole
    messages: Sequence[Message]
    schema: JsonSchema
    drafting: DraftingRecord = field(init=False)
    _cached: int = 0
    """Tokens that the server read from its cache."""

    def __post_init__(self) -> None:
        name = self.configuration.model.model_for(self.role)
        assert name is not None, "a client without a model's name"
        texts = tuple(message.content for message in self.messages)
        self.drafting = DraftingRecord(model=name, prompt_hash=short_hash(*texts, json.dumps(self.schema)))

    def is_same_request(self, earlier: DraftingRecord) -> bool:
        """True if the same was asked of the same model before."""
        return (earlier.model, earlier.prompt_hash) == (self.drafting.model, self.drafting.prompt_hash)

    async def run(
        self,
        read: Callable[[str], D],
        check: Callable[[D], list[Violation]],
    ) -> D | None:
        """The first answer without a fault, or None; ``drafting`` says how it went.

        ``read`` makes a record of the text or raises BrokenAnswer; ``check`` names the faults of the record.
        """
        name, said = self.drafting.model or "", list(self.messages)
        for _ in range(int(self.configuration.model.repair_rounds.value) + 1):
            try:
                answer = await self.client.complete(name, said, self.schema)
            except UnusableAnswer as error:
                part = error.answer if isinstance(error.answer, ModelAnswer) else ModelAnswer("", 0, 0)
                self._record_usage(part)
                said, unfit = self._repair_messages(part, [Violation(code=error.code, message=str(error))])
            except ModelError as error:
                if isinstance(error.answer, ModelAnswer):
                    self._record_usage(error.answer)
                self.drafting = self.drafting.model_copy(
                    update={"outcome": "fell_back", "reason": f"{error}.", "error": error.code}
                )
                return None
            else:
                self._record_usage(answer)
                found, unfit = self._read(answer, read, check)
                if found is not None:
                    outcome = "first_try" if self.drafting.rounds == 1 else "repaired"
                    self.drafting = self.drafting.model_copy(update={"outcome": outcome})
                    return found
                said, unfit = self._repair_messages(answer, unfit)
        codes = ", ".join(dict.fromkeys(fault.code for fault in unfit))
        rounds = plural(self.drafting.rounds, "answer")
        update = {"outcome": "fell_back", "reason": f"{rounds} did not pass the checks, the last for: {codes}."}
        self.drafting = self.drafting.model_copy(update=update)
        return None

    def _read(
        self, answer: ModelAnswer, read: Callable[[str], D], check: Callable[[D], list[Violation]]
    ) -> tuple[D | None, list[Violation]]:
        """The record if it is fit, and its faults."""
        try:
            draft = read(answer.text)
        except UnusableAnswer as error:
            return None, [Violation(code=error.code, message=str(error))]
        unfit = check(draft)
        return (None, unfit) if unfit else (draft, [])

    def _repair_messages(self, answer: ModelAnswer, unfit: list[Violation]) -> tuple[list[Message], list[Violation]]:
        """The question again, with the last answer and its faults; what came before is left out to stay short."""
        kept = (*self.drafting.refused, *unfit)[:_MAX_FAULTS]
        self.drafting = self.drafting.model_copy(update={"refused": kept})
        faults = list(dict.fromkeys(fault.message for fault in unfit))[:_MAX_FAULTS]
        shown = without_thoughts(answer.text)[: int(self.configuration.model.answer_tokens.value) * 4]
        return [
            *self.messages,
            Message("assistant", shown or "(nothing)"),
            Message("user", render_prompt("draft_repair", faults=faults)),
        ], unfit

    def _record_usage(self, answer: ModelAnswer) -> None:
        old = self.drafting
        tokens = old.tokens + TokenUsage(read=answer.read, written=answer.written, calls=1)
        self._cached += answer.cached
        assert old.model is not None
        self.drafting = old.model_copy(
            update={
                "rounds": old.rounds + 1,
                "tokens": tokens,
                "cost": self.configuration.model.prices.cost(old.model, tokens.read, tokens.written, self._cached),
                "answer_hash": short_hash(answer.text),
            }
        )


def parse_answer(text: str, model: type[D]) -> D:
    """The answer as a record. Keys that nobody asked for are dropped. Raises NotJson or SchemaMismatch, saying where."""
    values = parse_json(text)
    faults = []
    for value in values:
        try:
            return _validate(value, model)
        except ValidationError as error:
            faults.append(error)
    first = faults[0].errors()[0]
    place = ".".join(str(key)[:40] for key in first["loc"][:6])
    raise SchemaMismatch(f"the answer does not fit the schema at {place or 'the top'}: {first['msg'][:120]}")


def _validate(value: Any, model: type[D]) -> D:
    """The record of a value, also where the value is wrapped in a list or under a name, or has keys too many."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, dict) and len(value) == 1 and not set(value) & set(model.model_fields):
        value = next(iter(value.values()))
    try:
        return model.model_validate(value)
    except ValidationError as error:
        extra = [fault["loc"] for fault in error.errors() if fault["type"] == "extra_forbidden"]
        if not extra:
            raise
        return model.model_validate(_without(value, frozenset(extra)))


def _without(value: Any, places: frozenset[tuple[int | str, ...]], at: tuple[int | str, ...] = ()) -> Any:
    """A copy of JSON without the keys at these places."""
    if isinstance(value, dict):
        kept = {key: item for key, item in value.items() if (*at, key) not in places}
        return {key: _without(item, places, (*at, key)) for key, item in kept.items()}
    if isinstance(value, list):
        return [_without(item, places, (*at, number)) for number, item in enumerate(value)]
    return value


def parse_json(text: str) -> list[Any]:
    """JSON values of the text, the likeliest first, whatever stands around them. Raises NotJson."""
    try:
        values = json_values(text)
        json.dumps(values, ensure_ascii=False).encode()  # half a character, written as an escape, is no text
    except (ValueError, RecursionError) as error:
        raise NotJson(f"the answer is not valid JSON ({str(error)[:80]}); answer with one JSON object only") from None
    return values
