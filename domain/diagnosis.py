"""Phase 2, root cause analysis: causes, what accounts have in common, and the load of each CSM."""

from typing import Literal

from domain.record import Record


class CauseFinding(Record):
    """The ranked hypothesis about why one account is at risk."""

    account_id: str
    name: str
    category: str
    """One of the seven causes, or ``undetermined``."""
    label: str
    confidence: Literal["high", "medium", "low"]
    score: float
    runner_up: str | None
    runner_up_label: str | None
    would_tell_apart: str
    """The question whose answer decides between cause and runner-up."""
    reasoning: str
    pillar: str
    pillar_note: str
    driver: Literal["usage", "engagement", "sentiment", "financial", "unknown"]
    driver_note: str
    difficulty: Literal["easy", "moderate", "hard"]
    difficulty_note: str
    time_to_churn: tuple[int, int] | None
    """Earliest and latest, in days from the review."""
    time_to_churn_note: str
    evidence: tuple[str, ...]
    """Evidence ids of the account."""


class Pattern(Record):
    """Something that several accounts at risk have in common."""

    kind: str
    subject: str
    accounts: int
    arr: float
    message: str
    account_ids: tuple[str, ...]


class CapacityLine(Record):
    """The load of one CSM. For managers; not for the public page."""

    person_id: str
    name: str
    accounts: int
    arr: float
    red_accounts: int
    at_risk_accounts: int
    at_risk_arr: float
    weekly_hours: float | None
    hours_committed: float
    """By open actions due within two weeks."""
    hours_free: float | None
    """For save plays in the coming two weeks, before this week's plays."""
    hours_asked: float
    """By this week's plays in the coming two weeks."""
    overloaded: bool
    note: str


class Handover(Record):
    """A proposal to move one account to another CSM."""

    account_id: str
    name: str
    arr: float
    from_person: str
    to_person: str
    receiver_accounts_after: int
    receiver_red_after: int
    receiver_hours_after: float | None
    reason: str
    warm_handover: bool
