"""Phase 1, risk identification: the at-risk list, the portfolio in numbers, alerts, and what the data lack."""

from datetime import date
from typing import Literal

from domain.configuration import InterventionTier
from domain.data_audit import LeftOutRows, SourceAudit
from domain.evidence import Contribution, Evidence
from domain.record import Record

HealthBand = Literal["red", "yellow", "green", "not_scored"]
RiskTier = Literal["low", "medium", "high", "critical"]
RiskChange = Literal["baseline", "new", "worsened", "improved", "resolved", "unchanged"]


class BandOverride(Record):
    """A CSM's own judgement of the band, shown beside the computed one and never instead of it."""

    band: Literal["red", "yellow", "green"]
    reason: str
    by: str
    until: date


class AtRiskAccount(Record):
    """One line of the at-risk list."""

    rank: int
    account_id: str
    name: str
    segment: str
    arr: float
    """In the home currency."""
    currency: str
    contract_arr: float
    contract_currency: str
    renewal_date: date | None
    renewal_in_days: int | None
    """Negative when overdue."""
    csm: str | None
    """Name; ``None`` when the data names nobody."""
    csm_id: str | None
    lifecycle_stage: str | None
    parent_account_id: str | None
    health: float | None
    health_band: HealthBand
    override: BandOverride | None
    coverage: float
    """Share of the health weight that is known, 0 to 1."""
    confidence: Literal["high", "medium", "low"]
    velocity: float | None
    """Points of health a day over about 30 days; negative is falling."""
    velocity_band: Literal["alarm", "concern", "stable", "improving", "unknown"]
    risk_score: float
    churn_probability: float
    calibrated: bool
    expected_churn_arr: float
    risk_tier: RiskTier
    intervention_tier: InterventionTier
    reasons: tuple[str, ...]
    """Why it is on the list, strongest first: flags, then the heaviest evidence."""
    contributions: tuple[Contribution, ...]
    evidence: tuple[Evidence, ...]
    change: RiskChange
    change_note: str
    """What moved since last week, in one sentence."""
    risk_change: float | None
    health_change: float | None
    health_history: tuple[tuple[date, float | None], ...]
    """Weekly snapshots, oldest first, ending with this week."""
    in_meeting: bool
    """Within the number of accounts that the profile puts on the agenda."""


class TierCount(Record):
    """Accounts and money of one slice of the portfolio."""

    name: str
    accounts: int
    arr: float
    at_risk_accounts: int
    at_risk_arr: float


class BridgeStep(Record):
    """One bar of the at-risk ARR bridge; the steps from ``opening`` sum to ``closing``."""

    name: Literal["opening", "configuration", "entered", "left", "gone", "arr_changed", "exchange_rates", "closing"]
    arr: float
    accounts: int
    account_ids: tuple[str, ...]


class AccountMovement(Record):
    """One account whose standing changed since last week."""

    account_id: str
    name: str
    arr: float
    change: RiskChange
    note: str


class PortfolioSummary(Record):
    """The customer base in numbers."""

    accounts: int
    currency: str
    arr: float
    at_risk_accounts: int
    arr_at_risk: float
    expected_churn_arr: float
    calibrated: bool
    calibration_note: str
    by_tier: tuple[TierCount, ...]
    """By risk tier; the at-risk figures sum to ``arr_at_risk``."""
    by_segment: tuple[TierCount, ...]
    by_band: tuple[TierCount, ...]
    bridge: tuple[BridgeStep, ...]
    """Empty in the first review."""
    movements: tuple[AccountMovement, ...]
    """New, worsened, improved and resolved accounts, by ARR."""
    not_scored: int
    overdue_renewals: int
    scatter: tuple[tuple[str, float, float, RiskTier], ...]
    """Account name, risk, ARR, tier: the at-risk accounts and the largest others, for the chart."""


class DataGap(Record):
    """Something that is not known, and what that costs."""

    kind: Literal["not_connected", "stale_source", "column_absent", "signal", "accounts"]
    subject: str
    message: str
    accounts: int
    """How many accounts it touches."""


class SignalCoverage(Record):
    """For how many accounts a signal is known."""

    signal: str
    label: str
    category: str
    known: int
    stale: int
    unknown: int


class DataReport(Record):
    """What the review rests on, and what it lacks."""

    sources: tuple[SourceAudit, ...]
    gaps: tuple[DataGap, ...]
    rows_left_out: tuple[LeftOutRows, ...]
    share_left_out: float
    signal_coverage: tuple[SignalCoverage, ...]
    fingerprint: str


class Alert(Record):
    """A state that somebody should act on, and the workflow that it starts."""

    kind: str
    account_id: str
    name: str
    message: str
    crm_field: str
    crm_value: str
    task: str
    on: date


class MatrixCell(Record):
    """One field of the risk × opportunity matrix."""

    risk: Literal["high", "medium", "low"]
    opportunity: Literal["high", "medium", "low"]
    accounts: int
    arr: float
    examples: tuple[str, ...]
    play: str


class WorkflowRule(Record):
    """One line of the alert and workflow checklist for operations."""

    state: str
    crm_field: str
    crm_value: str
    alert: str
    task: str
    accounts_now: int
