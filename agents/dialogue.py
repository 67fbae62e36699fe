"""A question to a model with its repair rounds: an answer that is fit, or none and the reason."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from pydantic import ValidationError

from agents.model_client import Answer, Message, ModelClient
from domain.configuration import Configuration, ModelRole
from domain.drafting import Drafting, Tokens, Violation
from domain.errors import BrokenAnswer, ModelError, NotJson, WrongShape
from domain.model import Record
from tools.draft_schema import Schema
from tools.prompts import hash_of, prompt
from tools.wording import plural

D = TypeVar("D", bound=Record)
_KEPT_FAULTS = 12


@dataclass
class Dialogue:
    """One question to a model, with its repair rounds: an answer that is fit, or none and the reason."""

    client: ModelClient
    configuration: Configuration
    role: ModelRole
    messages: Sequence[Message]
    schema: Schema
    drafting: Drafting = field(init=False)
    last: Record | None = None
    """The last answer that could be read, fit or not."""

    def __post_init__(self) -> None:
        name = self.configuration.model.model_for(self.role)
        assert name is not None, "a client without a model's name"
        texts = tuple(message.content for message in self.messages)
        self.drafting = Drafting(model=name, prompt_hash=hash_of(*texts, json.dumps(self.schema)))

    def repeats(self, earlier: Drafting) -> bool:
        """Whether the same was asked of the same model before."""
        return (earlier.model, earlier.prompt_hash) == (self.drafting.model, self.drafting.prompt_hash)

    async def settle(self, read: Callable[[str], D], check: Callable[[D], list[Violation]]) -> D | None:
        """The first answer without a fault, or None; ``drafting`` says how it went.

        ``read`` makes a record of the text or raises BrokenAnswer; ``check`` names the faults of the record.
        """
        name, said = self.drafting.model or "", list(self.messages)
        for _ in range(int(self.configuration.model.repair_rounds.value) + 1):
            try:
                answer = await self.client.complete(name, said, self.schema)
            except BrokenAnswer as error:
                part = error.answer if isinstance(error.answer, Answer) else Answer("", 0, 0)
                self._count(part)
                said, unfit = self._sent_back(part, [Violation(code=error.code, message=str(error))])
            except ModelError as error:
                if isinstance(error.answer, Answer):
                    self._count(error.answer)
                self.drafting = self.drafting.model_copy(
                    update={"outcome": "fell_back", "reason": f"{error}.", "error": error.code}
                )
                return None
            else:
                self._count(answer)
                found, unfit = self._read(answer, read, check)
                if found is not None:
                    outcome = "first_try" if self.drafting.rounds == 1 else "repaired"
                    self.drafting = self.drafting.model_copy(update={"outcome": outcome})
                    return found
                said, unfit = self._sent_back(answer, unfit)
        codes = ", ".join(dict.fromkeys(fault.code for fault in unfit))
        rounds = plural(self.drafting.rounds, "answer")
        update = {"outcome": "fell_back", "reason": f"{rounds} did not pass the checks, the last for: {codes}."}
        self.drafting = self.drafting.model_copy(update=update)
        return None

    def _read(
        self, answer: Answer, read: Callable[[str], D], check: Callable[[D], list[Violation]]
    ) -> tuple[D | None, list[Violation]]:
        try:
            draft = read(answer.text)
        except BrokenAnswer as error:
            return None, [Violation(code=error.code, message=str(error))]
        self.last = draft
        unfit = check(draft)
        return (None, unfit) if unfit else (draft, [])

    def _sent_back(self, answer: Answer, unfit: list[Violation]) -> tuple[list[Message], list[Violation]]:
        """The question again, with the last answer and its faults; what came before is left out to stay short."""
        kept = (*self.drafting.refused, *unfit)[:_KEPT_FAULTS]
        self.drafting = self.drafting.model_copy(update={"refused": kept})
        faults = list(dict.fromkeys(fault.message for fault in unfit))[:_KEPT_FAULTS]
        shown = answer.text[: int(self.configuration.model.answer_tokens.value) * 4]
        return [
            *self.messages,
            Message("assistant", shown or "(nothing)"),
            Message("user", prompt("draft_repair", faults=faults)),
        ], unfit

    def _count(self, answer: Answer) -> None:
        old = self.drafting
        tokens = old.tokens + Tokens(read=answer.read, written=answer.written, calls=1)
        assert old.model is not None
        self.drafting = old.model_copy(
            update={
                "rounds": old.rounds + 1,
                "tokens": tokens,
                "cost": self.configuration.model.prices.cost(old.model, tokens.read, tokens.written),
                "answer_hash": hash_of(answer.text),
            }
        )


def parsed(text: str, model: type[D]) -> D:
    """The answer as a record. Raises NotJson or WrongShape, saying where."""
    body = text.strip()
    if body.startswith("```") and body.endswith("```"):
        body = body[3:-3].removeprefix("json")
    try:
        content = json.loads(body)
        json.dumps(content, ensure_ascii=False).encode()  # half a character, written as an escape, is no text
    except (ValueError, RecursionError) as error:
        raise NotJson(f"the answer is not valid JSON ({str(error)[:80]}); answer with one JSON object only") from None
    try:
        return model.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(key)[:40] for key in first["loc"][:6])
        raise WrongShape(f"the answer does not fit the schema at {place or 'the top'}: {first['msg'][:120]}") from None
