"""Answers of a language model, and the record of how a text was drafted. The model chooses and phrases; it writes no fact.

Sentences have placeholders in braces: ``{E3}`` is filled with the evidence of that id, ``{contact}``, ``{csm}`` and others with
names. Numbers, dates, money, names and directions come from placeholders only.
"""

from collections.abc import Callable
from datetime import date
from typing import Literal

from domain.playbook import PHASES, Phase
from domain.record import Record

DraftOutcome = Literal["first_try", "repaired", "in_part", "fell_back", "playbook", "goes_on"]
"""``in_part``: the model's choices, with the playbook's words for sentences that did not pass. ``goes_on``: an earlier play runs on."""
FIRST_TOUCH = "first_touch"


class DraftAction(Record):
    """One action that the model chose from the playbook."""

    action: str
    """Id in the playbook."""
    owner: str
    """Handle of a person in the prompt: ``csm``, ``product_2``; never a name."""
    due: date
    evidence: tuple[str, ...]
    """Ids of the evidence that calls for it, for example E3."""
    why: str | None
    """One sentence with placeholders on how this addresses the cause. None: the playbook's own words."""


class PlayDraft(Record):
    """Answer of the model for one save play."""

    summary: str | None
    """Root cause in one or two sentences with placeholders. None: the words of the diagnosis."""
    opening: str | None
    """First words to the customer, with placeholders of names only. None: as in the first action."""
    first_touch: DraftAction
    stabilise: tuple[DraftAction, ...]
    address: tuple[DraftAction, ...]
    rebuild: tuple[DraftAction, ...]

    def phase(self, name: Phase) -> tuple[DraftAction, ...]:
        """The actions of one phase; the first touch opens phase 1."""
        chosen: tuple[DraftAction, ...] = getattr(self, name)
        return (self.first_touch, *chosen) if name == PHASES[0] else chosen

    def wording(self) -> dict[str, str]:
        """Sentences of the model by place: ``summary``, ``opening``, or the id of the action."""
        lines = {line.action: line.why for name in PHASES for line in self.phase(name)}
        found = {"summary": self.summary, "opening": self.opening, **lines}
        return {place: text for place, text in found.items() if text is not None}

    def map_sentences(self, change: Callable[[str, str], str | None]) -> "PlayDraft":
        """Copy with the same choices and each sentence replaced by ``change(place, text)``."""

        def at(place: str, text: str | None) -> str | None:
            return None if text is None else change(place, text)

        def line(chosen: DraftAction) -> DraftAction:
            return chosen.model_copy(update={"why": at(chosen.action, chosen.why)})

        return PlayDraft(
            summary=at("summary", self.summary),
            opening=at("opening", self.opening),
            first_touch=line(self.first_touch),
            stabilise=tuple(map(line, self.stabilise)),
            address=tuple(map(line, self.address)),
            rebuild=tuple(map(line, self.rebuild)),
        )


class BriefingDraft(Record):
    """Answer of the model for the briefing: sentences with placeholders of facts, ``{F2}``."""

    sentences: tuple[str, ...]

    def map_sentences(self, change: Callable[[str], str]) -> "BriefingDraft":
        """Copy with each sentence replaced by ``change(text)``."""
        return BriefingDraft(sentences=tuple(map(change, self.sentences)))


class TokenUsage(Record):
    """Tokens read and written, and number of calls."""

    read: int = 0
    written: int = 0
    calls: int = 0

    @property
    def total(self) -> int:
        """Tokens read and written."""
        return self.read + self.written

    def __add__(self, other: "TokenUsage") -> "TokenUsage":
        return TokenUsage(
            read=self.read + other.read, written=self.written + other.written, calls=self.calls + other.calls
        )


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
