"""Results of phase 2, root cause analysis: causes, patterns across accounts, and the load of each CSM."""

from typing import Literal

from domain.record import Record


class CauseFinding(Record):
    """Most likely cause of the risk of one account, with the runner-up."""

    account_id: str
    name: str
    category: str
    """One of the seven causes, or ``undetermined``."""
    label: str
    confidence: Literal["high", "medium", "low"]
    score: float
    """Points of the evidence for this cause; ``configs/causes.yaml`` has them by signal."""
    runner_up: str | None
    runner_up_label: str | None
    candidates: tuple[str, ...] = ()
    """Of an undetermined cause: the one or two causes that it may be, the likelier first."""
    would_tell_apart: str
    """Question whose answer decides between cause and runner-up."""
    reasoning: str
    pillar: str
    pillar_note: str
    driver: Literal["usage", "engagement", "sentiment", "financial", "unknown"]
    driver_note: str
    difficulty: Literal["easy", "moderate", "hard"]
    difficulty_note: str
    time_to_churn: tuple[int, int] | None
    """Earliest and latest, in days from the review; None when it cannot be estimated."""
    time_to_churn_note: str
    evidence: tuple[str, ...]
    """Ids of the evidence for the cause, for example E1."""


class CauseDoubt(Record):
    """Another cause that a model proposes after it read the facts. It changes nothing until a person takes it over."""

    cause: str
    """One of the seven causes, and not the one of the play."""
    label: str
    because: tuple[str, ...]
    """Ids of at least two facts or pieces of evidence of the account."""
    reasons: tuple[str, ...]
    """The same facts in words, as code writes them."""
    question: str
    """Question whose answer tells the two causes apart."""
    model: str


class Pattern(Record):
    """Something that several at-risk accounts have in common, more often than the whole portfolio."""

    kind: str
    subject: str
    accounts: int
    arr: float
    unknown_arr: int = 0
    """Accounts whose ARR is unknown: they are in no sum."""
    message: str
    account_ids: tuple[str, ...]


class CapacityLine(Record):
    """Load of one CSM. For managers only: it is on no page that all can read."""

    person_id: str
    name: str
    accounts: int
    arr: float
    red_accounts: int
    at_risk_accounts: int
    at_risk_arr: float
    unknown_arr: int = 0
    """Accounts whose ARR is unknown: they are in no sum."""
    at_risk_unknown_arr: int = 0
    """Those of them that are at risk."""
    weekly_hours: float | None
    """Working hours a week."""
    hours_committed: float
    """Hours of open actions and of primary actions without a play, due within the planning period (`planning_days`)."""
    hours_free: float | None
    """Hours left for save plays in the planning period, before this week's plays."""
    hours_asked: float
    """Hours that this week's plays need in the planning period."""
    actions_a_week: float | None = None
    """Actions that the person gets a week in the planning period; plays that wait give none. None when unknown."""
    overloaded: bool
    """True if there are too many red accounts or too few hours."""
    note: str


class Handover(Record):
    """Proposal to move one account to another CSM."""

    account_id: str
    name: str
    arr: float | None
    from_person: str
    to_person: str
    receiver_accounts_after: int
    receiver_red_after: int
    receiver_hours_after: float | None
    reason: str
    warm_handover: bool
    """True if both CSMs should introduce the change together."""
