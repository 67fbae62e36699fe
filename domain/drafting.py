"""Answers of a language model, and the record of how a text was drafted.

For a save play the model chooses among steps that code has filled with facts; none of its words stand in the plan. For the
briefing it writes sentences with placeholders in braces: ``{F2}`` is filled with the fact of that id. Of a text it copies sentences.
"""

from collections.abc import Callable
from datetime import date
from typing import Any, Literal

from pydantic import field_validator

from domain.playbook import PHASES, Phase
from domain.record import Record
from domain.token_usage import TokenUsage

DraftOutcome = Literal["first_try", "repaired", "in_part", "fell_back", "playbook", "goes_on"]
"""``in_part``: of reviews of an older version, in which a model wrote sentences. ``goes_on``: an earlier play runs on."""
FIRST_TOUCH = "first_touch"


class DraftAction(Record):
    """One step that the model chose. ``evidence`` and ``why`` are of reviews of an older version and else empty."""

    action: str
    """Id in the playbook."""
    owner: str
    """Handle of a person in the prompt: ``csm``, ``product_2``; never a name."""
    due: date
    evidence: tuple[str, ...] = ()
    why: str | None = None


class DoubtDraft(Record):
    """Doubt of the model about the cause, as it answered: nothing in it is checked yet."""

    cause: str
    """Id of another cause."""
    because: tuple[str, ...]
    """Ids of facts in the prompt: ``F2``, ``E1``."""


class OwnStepDraft(Record):
    """Step that a model adds to the offered ones: a choice of verb, facts and people, without a word of its own."""

    verb: str
    """A verb of ``configs/plan.yaml``."""
    about: str = ""
    """Id of a fact in the prompt; empty: about nothing in particular."""
    person: str = ""
    """Id of a contact's fact in the prompt, or a handle such as ``product``; empty: with nobody."""
    owner: str
    """Handle of who does it."""
    due: date
    because: tuple[str, ...] = ()
    """Ids of facts in the prompt."""


class PlayDraft(Record):
    """Answer of the model for one save play. ``summary`` and ``opening`` are of reviews of an older version and else empty."""

    summary: str | None = None
    opening: str | None = None
    first_touch: DraftAction
    stabilise: tuple[DraftAction, ...]
    address: tuple[DraftAction, ...]
    rebuild: tuple[DraftAction, ...]
    own_steps: tuple[OwnStepDraft, ...] = ()
    """Steps beside the offered ones; only of a model that may add some."""
    doubt: DoubtDraft | None = None
    """None once the answer is read: what holds of it stands in the play as a ``CauseDoubt``."""

    @field_validator("doubt", mode="before")
    @classmethod
    def _readable_doubt(cls, given: Any) -> Any:
        """A doubt of another shape is none: it costs no plan."""
        if isinstance(given, DoubtDraft):
            return given
        is_whole = isinstance(given, dict) and isinstance(given.get("cause"), str)
        because = given.get("because") if is_whole else None
        if not isinstance(because, list | tuple) or not all(isinstance(each, str) for each in because):
            return None
        return {"cause": given["cause"], "because": because}

    def phase(self, name: Phase) -> tuple[DraftAction, ...]:
        """The actions of one phase; the first touch opens phase 1."""
        chosen: tuple[DraftAction, ...] = getattr(self, name)
        return (self.first_touch, *chosen) if name == PHASES[0] else chosen

    def choices_only(self) -> "PlayDraft":
        """The choices without any words: an answer may carry text that nobody asked for."""
        return PlayDraft(
            first_touch=_choice(self.first_touch),
            stabilise=tuple(map(_choice, self.stabilise)),
            address=tuple(map(_choice, self.address)),
            rebuild=tuple(map(_choice, self.rebuild)),
            own_steps=self.own_steps,
            doubt=self.doubt,
        )


def _choice(line: DraftAction) -> DraftAction:
    return DraftAction(action=line.action, owner=line.owner, due=line.due)


class BriefingDraft(Record):
    """Answer of the model for the briefing: sentences with placeholders of facts, ``{F2}``."""

    sentences: tuple[str, ...]

    def map_sentences(self, change: Callable[[str], str]) -> "BriefingDraft":
        """Copy with each sentence replaced by ``change(text)``."""
        return BriefingDraft(sentences=tuple(map(change, self.sentences)))


class StatementAnswer(Record):
    """One statement that a model says stands in a text. Nothing of it is checked."""

    quotation: str
    kind: str
    mode: str
    speaker: str | None = None
    since: str | None = None


class ReadingAnswer(Record):
    """Answer of the model for one text."""

    statements: tuple[StatementAnswer, ...]


class Violation(Record):
    """Fault of a draft or a play."""

    code: str
    message: str
    """One sentence: the fault and what to change."""
    at: str = ""
    """Place of a sentence: ``summary``, ``opening`` or the id of the action; empty for a choice."""


class DraftingRecord(Record):
    """Record of how a text was drafted, shown to its readers."""

    outcome: DraftOutcome = "playbook"
    model: str | None = None
    rounds: int = 0
    """Number of answers that were asked for."""
    reason: str = ""
    """Reason for using the playbook's words; empty otherwise."""
    error: str | None = None
    """Code of a failed call: ``timed_out``, ``refused`` and so on; None when the text itself was the problem."""
    refused: tuple[Violation, ...] = ()
    """Faults of the answers that were sent back."""
    tokens: TokenUsage = TokenUsage()
    cost: float | None = 0.0
    """In the currency of the price table; None when the table has no price for the model."""
    prompt_hash: str | None = None
    answer_hash: str | None = None
