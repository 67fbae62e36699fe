"""The save play of one account: phases of actions, criteria, cadence and expected value. A result of phase 3."""

from datetime import date
from typing import Literal

from domain.diagnosis import CauseDoubt
from domain.drafting import DraftingRecord, PlayDraft, Violation
from domain.evidence import Evidence
from domain.plan_language import Exit, Step, Target
from domain.play_edits import NO_EDITS, PlayEdits
from domain.portfolio import RiskTier
from domain.record import Record
from domain.score_configuration import InterventionTier


class PlayAction(Record):
    """One line of a save play."""

    id: str
    """Id in the playbook."""
    title: str
    action: str
    """The activity, in one sentence."""
    detail: str = ""
    """The rest of it, which a page may fold away."""
    owner: str
    """A person's name, or ``TBD``."""
    owner_id: str | None
    owner_role: str
    due: date
    follow_up: date
    """Working day before the due date on which the owner is asked."""
    purpose: str
    metric: str
    """Measure that the action should change."""
    evidence: tuple[str, ...]
    """Ids of the evidence that calls for it."""
    effort_hours: float
    """Hours of the owner."""
    channel: str
    customer_facing: bool
    """True if the customer sees or hears it."""
    contact: str | None
    because: tuple[str, ...] = ()
    """Reasons in words, one for each fact in ``step.because``."""
    asks: tuple[str, ...] = ()
    """Questions that the step has to answer."""
    result: str = ""
    """Result that people can see when it is done."""
    step: Step | None = None
    """The step in the plan language; None in a play of an older version."""
    after: str = ""
    """Words for the step whose result it needs, as "after step 2"; empty where it waits for none."""
    reworded_by: str = ""
    """Of reviews of an older version, in which people rewrote ``action``; else empty. Their words are remarks now."""
    began: str = ""
    """Id of the review that first approved the step, for a step that goes on; it begins the id of its action."""

    @property
    def whole(self) -> str:
        """The activity with its detail."""
        return f"{self.action} {self.detail}".strip()


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
    """Week of the play, 1 to 12, by whose end it is judged."""
    terms: Target | None = None
    """The same in the plan language; None in a play of an older version."""


class WalkAwayCriterion(Record):
    """Condition for ending the play, how to end it, and what would bring the customer back."""

    when: str
    exit: str
    way_back: str
    terms: Exit | None = None
    """The same in the plan language; None in a play of an older version."""


class Cadence(Record):
    """Dates of the follow-up of a play."""

    weekly_check: str
    """Weekday name."""
    next_check: date
    manager_review: date
    decision_point: date
    note: str


class ExpectedValue(Record):
    """Expected value of a play: ARR × churn probability × save probability − cost, in the home currency."""

    arr: float | None
    churn_probability: float
    """0 to 1."""
    save_probability: float
    """0 to 1."""
    save_low: float
    save_high: float
    """90 % interval of the save probability, 0 to 1."""
    save_basis: str
    """Source of the save probability: the prior, or the prior and the number of outcomes."""
    hours: float
    cost: float
    """Hours × hourly rate, plus concessions."""
    value: float
    """May be negative. With an unknown ARR only the cost is in it: the least that it can be."""


class SavePlay(Record):
    """Whole plan for one account."""

    account_id: str
    name: str
    arr: float | None
    currency: str
    contract_arr: float | None
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
    """Answer of the model, with its placeholders; None when the text is the playbook's."""
    origin: str = ""
    """Id of the review that first approved the play; empty for a play of this review."""
    asked: str = ""
    """Person and question, if somebody asked for the play; otherwise empty."""
    verified: bool
    """True if no check found a violation."""
    violations: tuple[Violation, ...]
    cause: str
    cause_label: str
    root_cause: str
    """Diagnosis in two or three sentences that cite evidence ids."""
    opening: str = ""
    """First words to the customer; empty when the first action has them."""
    doubt: CauseDoubt | None = None
    """Another cause that the model proposes; None where it has no doubt, or no model was asked."""
    questions: tuple[str, ...]
    """Questions for the first conversation."""
    evidence: tuple[Evidence, ...]
    phases: tuple[PlayPhase, ...]
    success_criteria: tuple[SuccessCriterion, ...]
    walk_away: tuple[WalkAwayCriterion, ...]
    cadence: Cadence
    escalation: tuple[str, ...]
    """Sentences on when to involve whom."""
    expected_value: ExpectedValue
    edits: PlayEdits = NO_EDITS
    """Changes of people that stay with the play."""
    version: str
    """Hash of the plan; a decision about another version is refused."""
    status: Literal["proposed", "approved", "edited", "rejected", "deferred"]
