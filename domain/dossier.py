"""Everything known about one account under review, with the people on both sides: the input of every judgement."""

from datetime import date
from typing import Literal

from domain.evidence import Contribution, Evidence
from domain.facts import Fact, UnreadText
from domain.portfolio import ChurnParts, HealthBand, RiskChange, RiskTier
from domain.record import Record
from domain.score_configuration import InterventionTier, Size
from domain.statements import Statement
from domain.tables import Role


class Person(Record):
    """Person of the team."""

    person_id: str
    name: str
    email: str | None
    role: Role
    manager_id: str | None
    weekly_hours: float | None
    """Working hours a week; None: the default of the role in ``configs/review.yaml``."""


class Contact(Record):
    """Person at the customer."""

    contact_id: str
    name: str
    title: str | None
    role: Literal["champion", "economic_buyer", "exec_sponsor", "user"] | None
    active: bool
    departed_on: date | None


class Dossier(Record):
    """One account under review: scores, changes, evidence, people and texts."""

    account_id: str
    name: str
    segment: str
    size: Size
    arr: float | None
    """In the home currency."""
    contract_arr: float | None
    contract_currency: str
    renewal_date: date | None
    renewal_in_days: int | None
    """Calendar days from the review; negative when overdue."""
    csm_id: str | None
    exec_sponsor_id: str | None
    lifecycle_stage: str | None
    parent_account_id: str | None
    health: float | None
    """0 to 100, high is good; None when not scored."""
    health_band: HealthBand
    coverage: float
    """Share of the health weight that is known, 0 to 1."""
    confidence: Literal["high", "medium", "low"]
    velocity: float | None
    """Points of health a day over about 30 days; negative means falling."""
    velocity_band: Literal["alarm", "concern", "stable", "improving", "unknown"]
    risk: float
    """0 to 100, high is bad."""
    score_tier: RiskTier
    """Tier of the score alone."""
    risk_tier: RiskTier
    """``score_tier``, but at least medium for an account at risk for another reason."""
    flagged: bool
    """True if a rule of ``configs/tiers.yaml`` puts it at risk."""
    alarm: bool
    """True if health falls at the speed of ``velocity_alarm`` or faster."""
    at_risk: bool
    rule: str | None
    """Id of the first tier rule that holds."""
    intervention_tier: InterventionTier | None
    churn_probability: float
    """Chance of leaving within ``churn_horizon_weeks``, 0 to 1."""
    churn_horizon_weeks: int | None = None
    """``None`` in a review of an older version, whose probability had no horizon; likewise the next three."""
    order_probability: float | None = None
    """Chance of leaving within ``order_horizon_weeks``, 0 to 1: the list is ordered by it."""
    order_horizon_weeks: int | None = None
    churn_parts: ChurnParts | None = None
    calibrated: bool
    """True if the chances were checked against the team's own renewals."""
    expected_churn_arr: float | None
    """ARR × ``churn_probability``; None where the ARR is unknown."""
    change: RiskChange
    risk_then: float | None
    """Risk last week, scored with today's configuration; likewise the next two."""
    health_then: float | None
    tier_then: RiskTier | None
    fell: bool
    """True if health lost more than ``degradation_points`` since last week, or fell into red."""
    values: dict[str, float | None]
    """Value by signal, and the context values that rules use; None when unknown or stale."""
    contributions: tuple[Contribution, ...]
    evidence: tuple[Evidence, ...]
    contacts: tuple[Contact, ...]
    texts: tuple[str, ...]
    """Subjects of recent tickets."""
    health_history: tuple[tuple[date, float | None], ...]
    facts: tuple[Fact, ...] = ()
    """Facts of record, by kind, those that matter most first."""
    statements: tuple[Statement, ...] = ()
    """Statements of the account, newest first."""
    unread_texts: tuple[UnreadText, ...] = ()
    """Texts since the last review that nothing understood, newest first."""

    def evidence_for(self, signal: str) -> Evidence | None:
        """Evidence of one signal; None when the signal is unknown."""
        return next((fact for fact in self.evidence if fact.signal == signal), None)
