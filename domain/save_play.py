"""Phase 3, the save play of one account: phases, criteria, cadence and expected value."""

from datetime import date
from typing import Literal

from domain.configuration import InterventionTier
from domain.drafting import DraftingRecord, PlayDraft, Violation
from domain.evidence import Evidence
from domain.portfolio import RiskTier
from domain.record import Record


class PlayAction(Record):
    """One line of a save play."""

    id: str
    """Id in the playbook library."""
    title: str
    action: str
    owner: str
    """A person's name, or ``TBD``."""
    owner_id: str | None
    owner_role: str
    due: date
    follow_up: date
    """The working day before the due date on which the owner is asked."""
    purpose: str
    metric: str
    evidence: tuple[str, ...]
    effort_hours: float
    channel: str
    customer_facing: bool
    contact: str | None
    reworded_by: str = ""
    """Who wrote ``action`` in their own words; empty when it is the library's."""


class PlayPhase(Record):
    """One of the three phases of a save play."""

    phase: Literal["stabilise", "address", "rebuild"]
    title: str
    starts: date
    ends: date
    actions: tuple[PlayAction, ...]


class SuccessCriterion(Record):
    """One line of the success table."""

    name: str
    metric: str
    target: str
    by: date
    week: int


class WalkAwayCriterion(Record):
    """When the play is ended, how, and what would bring the customer back."""

    when: str
    exit: str
    way_back: str


class Cadence(Record):
    """How the play is followed up."""

    weekly_check: str
    """Weekday name."""
    next_check: date
    manager_review: date
    decision_point: date
    note: str


class ExpectedValue(Record):
    """ARR × churn probability × save probability − cost, in the home currency."""

    arr: float
    churn_probability: float
    save_probability: float
    save_low: float
    save_high: float
    """90 % interval of the save probability."""
    save_basis: str
    """Prior, or prior and how many outcomes."""
    hours: float
    cost: float
    value: float


class SavePlay(Record):
    """The whole plan for one account."""

    account_id: str
    name: str
    arr: float
    currency: str
    contract_arr: float
    contract_currency: str
    risk_level: RiskTier
    intervention_tier: InterventionTier
    renewal_date: date | None
    renewal_in_days: int | None
    created: date
    owner: str
    owner_id: str | None
    drafted_by: Literal["playbook", "model"]
    drafted_note: str
    drafting: DraftingRecord = DraftingRecord()
    draft: PlayDraft | None = None
    """What the model answered, with its slots; None when the playbook's own words stand."""
    asked: str = ""
    """Who asked for it and with what words, when it is here because somebody asked."""
    verified: bool
    violations: tuple[Violation, ...]
    cause: str
    cause_label: str
    root_cause: str
    """The diagnosis in two or three sentences, citing evidence ids."""
    opening: str = ""
    """What is said first to the customer; empty when the playbook's first action says it."""
    questions: tuple[str, ...]
    """What to ask in the first conversation."""
    evidence: tuple[Evidence, ...]
    phases: tuple[PlayPhase, ...]
    success_criteria: tuple[SuccessCriterion, ...]
    walk_away: tuple[WalkAwayCriterion, ...]
    cadence: Cadence
    escalation: tuple[str, ...]
    """When to involve whom: the escalation pathway."""
    expected_value: ExpectedValue
    version: str
    """Hash of the plan; a decision binds to it."""
    status: Literal["proposed", "approved", "edited", "rejected", "deferred"]
