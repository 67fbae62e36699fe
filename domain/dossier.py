"""What is known about one account under review, and the people on both sides: the input of every judgement."""

from datetime import date
from typing import Literal

from domain.configuration import InterventionTier, Size
from domain.evidence import Contribution, Evidence
from domain.playbook import Role
from domain.portfolio import HealthBand, RiskChange, RiskTier
from domain.record import Record


class Person(Record):
    """One of ours."""

    person_id: str
    name: str
    email: str | None
    role: Role
    manager_id: str | None
    weekly_hours: float | None


class Contact(Record):
    """One of theirs."""

    contact_id: str
    name: str
    title: str | None
    role: Literal["champion", "economic_buyer", "exec_sponsor", "user"] | None
    active: bool
    departed_on: date | None


class Dossier(Record):
    """One account under review."""

    account_id: str
    name: str
    segment: str
    size: Size
    arr: float
    """In the home currency."""
    contract_arr: float
    contract_currency: str
    renewal_date: date | None
    renewal_in_days: int | None
    csm_id: str | None
    exec_sponsor_id: str | None
    lifecycle_stage: str | None
    parent_account_id: str | None
    health: float | None
    health_band: HealthBand
    coverage: float
    confidence: Literal["high", "medium", "low"]
    velocity: float | None
    velocity_band: Literal["alarm", "concern", "stable", "improving", "unknown"]
    risk: float
    score_tier: RiskTier
    risk_tier: RiskTier
    flagged: bool
    alarm: bool
    at_risk: bool
    rule: str | None
    intervention_tier: InterventionTier | None
    churn_probability: float
    calibrated: bool
    expected_churn_arr: float
    change: RiskChange
    risk_then: float | None
    health_then: float | None
    tier_then: RiskTier | None
    fell: bool
    """Lost more than the alert's points since last week, or fell into red."""
    values: dict[str, float | None]
    """Fresh value by signal, and the context that rules use; unknown is None."""
    contributions: tuple[Contribution, ...]
    evidence: tuple[Evidence, ...]
    contacts: tuple[Contact, ...]
    texts: tuple[str, ...]
    """Subjects of recent tickets."""
    health_history: tuple[tuple[date, float | None], ...]

    def evidence_for(self, signal: str) -> Evidence | None:
        """The evidence of one signal, if it is known."""
        return next((fact for fact in self.evidence if fact.signal == signal), None)
