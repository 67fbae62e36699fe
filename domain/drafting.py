"""What a language model is asked for and what it answers. It chooses and phrases; it types no fact.

Sentences have slots in braces: ``{E3}`` is filled with the evidence of that id, ``{contact}``, ``{csm}`` and their like
with names. Numbers, dates, money, names and directions come from slots only.
"""

from collections.abc import Callable
from datetime import date
from typing import Literal

from domain.playbook import PHASES, Phase
from domain.record import Record

DraftOutcome = Literal["first_try", "repaired", "in_part", "fell_back", "playbook", "goes_on"]
"""``in_part``: the model's choices stand, and the playbook's own words where its sentences did not pass."""
FIRST_TOUCH = "first_touch"


class DraftAction(Record):
    """One action that the model chose from the library."""

    action: str
    """Id in the playbook."""
    owner: str
    """Handle of a person, as the dossier names them: ``csm``, ``product_2``."""
    due: date
    evidence: tuple[str, ...]
    """Ids of the evidence that calls for it."""
    why: str | None
    """One sentence with slots: how this addresses the cause at this account. None: the library's own words."""


class PlayDraft(Record):
    """One save play as the model answers it."""

    summary: str | None
    """The root cause in one or two sentences with slots. None: the diagnosis's own words."""
    opening: str | None
    """What is said first to the customer; slots of names only. None: as the first action says."""
    first_touch: DraftAction
    stabilise: tuple[DraftAction, ...]
    address: tuple[DraftAction, ...]
    rebuild: tuple[DraftAction, ...]

    def phase(self, name: Phase) -> tuple[DraftAction, ...]:
        """The actions of one phase; the first touch opens phase 1."""
        chosen: tuple[DraftAction, ...] = getattr(self, name)
        return (self.first_touch, *chosen) if name == PHASES[0] else chosen

    def wording(self) -> dict[str, str]:
        """Every sentence of the model, by place: ``summary``, ``opening``, or the action's id."""
        lines = {line.action: line.why for name in PHASES for line in self.phase(name)}
        found = {"summary": self.summary, "opening": self.opening, **lines}
        return {place: text for place, text in found.items() if text is not None}

    def map_sentences(self, change: Callable[[str, str], str | None]) -> "PlayDraft":
        """The same choices; each sentence as ``change(place, text)`` gives it."""

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
    """The meeting's briefing as the model answers it: sentences with slots for facts ``{F2}``."""

    sentences: tuple[str, ...]

    def map_sentences(self, change: Callable[[str], str]) -> "BriefingDraft":
        """Every sentence changed."""
        return BriefingDraft(sentences=tuple(map(change, self.sentences)))


class TokenUsage(Record):
    """What model calls took."""

    read: int = 0
    written: int = 0
    calls: int = 0

    @property
    def total(self) -> int:
        """Read and written together."""
        return self.read + self.written

    def __add__(self, other: "TokenUsage") -> "TokenUsage":
        return TokenUsage(
            read=self.read + other.read, written=self.written + other.written, calls=self.calls + other.calls
        )


class Violation(Record):
    """Something in a draft that must not stand."""

    code: str
    message: str
    """What is wrong and what to change."""
    at: str = ""
    """For a sentence of a draft: its place (``summary``, ``opening`` or the action's id); empty for a choice."""


class DraftingRecord(Record):
    """How a text came to be, so that readers know what they read."""

    outcome: DraftOutcome = "playbook"
    model: str | None = None
    rounds: int = 0
    """How many answers were asked for."""
    reason: str = ""
    """Why the playbook drafter took over; empty otherwise."""
    error: str | None = None
    """Code of what failed, where it was not the text: ``timed_out``, ``refused`` and so on."""
    refused: tuple[Violation, ...] = ()
    """What was wrong with the answers that were sent back."""
    tokens: TokenUsage = TokenUsage()
    cost: float | None = 0.0
    """In the currency of the price table; None when the model has no price there."""
    prompt_hash: str | None = None
    answer_hash: str | None = None
