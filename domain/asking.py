"""Questions that people ask, what they say along with them, and the answers they get."""

from datetime import date
from typing import Literal

from domain.configuration import AskKind, Tier
from domain.drafting import Tokens
from domain.model import Record
from domain.review import CapacityLine, CauseFinding, Commitment, Evidence, Movement, PlanLine, SavePlay

PartKind = AskKind | Literal["which_account", "unknown_account", "unclear"]


class Said(Record):
    """Something that whoever asks said about the account: evidence from them, never part of a score."""

    signal: str
    says: str
    quote: str


class Reading(Record):
    """What a question asks for, as far as it can be told without a model."""

    kind: AskKind | None
    tier: Tier | None
    segment: str | None
    csm_id: str | None
    month: int | None
    """Month of the renewal that the question names, 1 to 12."""
    said: tuple[Said, ...]
    tried: tuple[str, ...]
    """What was tried before, in words."""


class Candidate(Record):
    """An account that a question may mean."""

    account_id: str
    name: str
    arr: float
    currency: str
    renewal_date: date | None
    segment: str | None
    why: str
    """What in the question speaks for it."""


class Part(Record):
    """One answer. What does not belong to its kind is empty."""

    kind: PartKind
    sentences: tuple[str, ...]
    account_id: str | None = None
    name: str | None = None
    candidates: tuple[Candidate, ...] = ()
    """Whom the question may mean, when it has to be asked back."""
    said: tuple[Said, ...] = ()
    cause: CauseFinding | None = None
    evidence: tuple[Evidence, ...] = ()
    play: SavePlay | None = None
    plan: tuple[PlanLine, ...] = ()
    movements: tuple[Movement, ...] = ()
    capacity: tuple[CapacityLine, ...] = ()
    commitments: tuple[Commitment, ...] = ()

    @property
    def asks_back(self) -> bool:
        """Whether people have to say more."""
        return self.kind in ("which_account", "unknown_account", "unclear")


class Answered(Record):
    """The answer to one question. The same data, history, configuration and recorded model give the same answer."""

    question: str
    as_of: date
    parts: tuple[Part, ...]
    answered_by: Literal["rules", "model"]
    model: str | None = None
    steps: tuple[str, ...] = ()
    """The tools that were used, with what they were given."""
    tokens: Tokens = Tokens()
    note: str = ""
    """Why the rules took over from the model, if they did."""
    proposed: str = ""
    """Where the asked-for play was put before a decision, if it was."""


class Proposal(Record):
    """A play that somebody asked for, to be put before the next decision."""

    account_id: str
    question: str
    by: str
    on: date
    said: tuple[Said, ...]
    tried: tuple[str, ...]
