"""Questions that people ask, what they say along with them, and the answers they get."""

from datetime import date
from typing import Literal

from domain.configuration import InterventionTier, QuestionKind
from domain.diagnosis import CapacityLine, CauseFinding
from domain.drafting import TokenUsage
from domain.evidence import Evidence
from domain.plan import PlanLine
from domain.portfolio import AccountMovement
from domain.record import Record
from domain.save_play import SavePlay
from domain.tracking import Commitment

AnswerKind = QuestionKind | Literal["which_account", "unknown_account", "unclear"]


class UserStatement(Record):
    """Something that whoever asks said about the account: evidence from them, never part of a score."""

    signal: str
    says: str
    quote: str


class ParsedQuestion(Record):
    """What a question asks for, as far as it can be told without a model."""

    kind: QuestionKind | None
    tier: InterventionTier | None
    segment: str | None
    csm_id: str | None
    month: int | None
    """Month of the renewal that the question names, 1 to 12."""
    said: tuple[UserStatement, ...]
    tried: tuple[str, ...]
    """What was tried before, in words."""


class AccountCandidate(Record):
    """An account that a question may mean."""

    account_id: str
    name: str
    arr: float
    currency: str
    renewal_date: date | None
    segment: str | None
    why: str
    """What in the question speaks for it."""


class AnswerPart(Record):
    """One answer. What does not belong to its kind is empty."""

    kind: AnswerKind
    sentences: tuple[str, ...]
    account_id: str | None = None
    name: str | None = None
    candidates: tuple[AccountCandidate, ...] = ()
    """Whom the question may mean, when it has to be asked back."""
    said: tuple[UserStatement, ...] = ()
    cause: CauseFinding | None = None
    evidence: tuple[Evidence, ...] = ()
    play: SavePlay | None = None
    plan: tuple[PlanLine, ...] = ()
    movements: tuple[AccountMovement, ...] = ()
    capacity: tuple[CapacityLine, ...] = ()
    commitments: tuple[Commitment, ...] = ()

    @property
    def needs_clarification(self) -> bool:
        """Whether people have to say more."""
        return self.kind in ("which_account", "unknown_account", "unclear")


class QuestionAnswer(Record):
    """The answer to one question. The same data, history, configuration and recorded model give the same answer."""

    question: str
    as_of: date
    parts: tuple[AnswerPart, ...]
    answered_by: Literal["rules", "model"]
    model: str | None = None
    steps: tuple[str, ...] = ()
    """The tools that were used, with what they were given."""
    tokens: TokenUsage = TokenUsage()
    note: str = ""
    """Why the rules took over from the model, if they did."""
    proposed: str = ""
    """Where the asked-for play was put before a decision, if it was."""


class PlayRequest(Record):
    """A play that somebody asked for, to be put before the next decision."""

    account_id: str
    question: str
    by: str
    on: date
    said: tuple[UserStatement, ...]
    tried: tuple[str, ...]
