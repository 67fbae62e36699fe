"""Results of phase 1, risk identification: the at-risk list, the portfolio in numbers, alerts, and gaps in the data.

Health is 0 to 100, high is good; risk is 0 to 100, high is bad. Money is in the home currency unless a field says otherwise.
"""

from datetime import date
from typing import Literal

from domain.data_audit import LeftOutRows, SourceAudit
from domain.evidence import Contribution, Evidence
from domain.record import Record
from domain.score_configuration import InterventionTier

HealthBand = Literal["red", "yellow", "green", "not_scored"]
RiskTier = Literal["low", "medium", "high", "critical"]
RiskChange = Literal["baseline", "new", "worsened", "improved", "resolved", "unchanged"]


class BandOverride(Record):
    """A person's own health band for an account, shown beside the computed one and never instead of it."""

    band: Literal["red", "yellow", "green"]
    reason: str
    by: str
    """Name of the person who set it."""
    until: date
    """Last day on which it counts."""


class ChurnParts(Record):
    """The chance of leaving in parts: the chance of the base, and the two factors on its odds. They multiply to the whole."""

    base: float
    """Chance, 0 to 1, of an account without risk and without a renewal decision in the horizon."""
    decision_factor: float
    """Factor on the odds for a renewal decision in the horizon; 1 without one."""
    risk_factor: float
    """Factor on the odds for the risk of the account; 1 at risk 0."""


class AtRiskAccount(Record):
    """One line of the at-risk list."""

    rank: int
    """Its place on the meeting list, counted together with the accounts of ``ahead``."""
    account_id: str
    name: str
    segment: str
    arr: float | None
    """Yearly revenue in the home currency; None where nobody knows it."""
    currency: str
    """Home currency, three letters."""
    contract_arr: float | None
    """Yearly revenue in the currency of the contract."""
    contract_currency: str
    renewal_date: date | None
    renewal_in_days: int | None
    """Calendar days from the review to the renewal; negative when overdue."""
    csm: str | None
    """Name of the customer success manager; None when the data names nobody."""
    csm_id: str | None
    lifecycle_stage: str | None
    parent_account_id: str | None
    health: float | None
    """0 to 100, high is good; None when not scored."""
    health_band: HealthBand
    override: BandOverride | None
    coverage: float
    """Share of the health weight that is known, 0 to 1."""
    confidence: Literal["high", "medium", "low"]
    velocity: float | None
    """Points of health a day, against the snapshot of about 30 days before; negative means falling."""
    velocity_band: Literal["alarm", "concern", "stable", "improving", "unknown"]
    risk_score: float
    """0 to 100, high is bad."""
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
    risk_tier: RiskTier
    intervention_tier: InterventionTier
    reasons: tuple[str, ...]
    """Sentences on why it is listed: rules that hold, then the evidence that adds most risk."""
    contributions: tuple[Contribution, ...]
    evidence: tuple[Evidence, ...]
    change: RiskChange
    change_note: str
    """One sentence on what changed since last week."""
    risk_change: float | None
    """Points of risk since last week; positive is worse."""
    health_change: float | None
    """Points of health since last week; negative is worse."""
    health_history: tuple[tuple[date, float | None], ...]
    """Day and health of each weekly snapshot, oldest first, ending with this week."""
    in_meeting: bool
    """True if its rank is within the number of accounts that the profile puts on the agenda."""


class AheadAccount(Record):
    """One account on the meeting list that is not at risk: nothing seen, but much to lose and a decision ahead."""

    rank: int
    """Its place on the list, counted together with the accounts at risk."""
    account_id: str
    name: str
    segment: str
    arr: float | None
    """Yearly revenue in the home currency; None where nobody knows it."""
    currency: str
    renewal_date: date | None
    renewal_in_days: int | None
    csm: str | None
    csm_id: str | None
    health: float | None
    """0 to 100, high is good; None when not scored."""
    health_band: HealthBand
    risk_score: float
    """0 to 100, high is bad."""
    churn_probability: float
    """Chance of leaving within ``churn_horizon_weeks``, 0 to 1."""
    churn_horizon_weeks: int
    order_probability: float
    """Chance of leaving within ``order_horizon_weeks``, 0 to 1."""
    order_horizon_weeks: int
    churn_parts: ChurnParts | None
    calibrated: bool
    expected_churn_arr: float | None
    """ARR × ``churn_probability``; None where the ARR is unknown."""
    reason: str
    action: str
    owner: str
    by: date
    in_meeting: bool


ListedAccount = AtRiskAccount | AheadAccount
"""One line of the meeting list."""


class OverdueRenewal(Record):
    """One account whose renewal date has passed."""

    account_id: str
    name: str
    arr: float | None
    currency: str
    renewal_date: date
    days_overdue: int
    at_risk: bool
    owner: str
    action: str
    by: date
    note: str
    """A question about the data when the date is long past; empty otherwise."""


class TierCount(Record):
    """Accounts and ARR of one part of the portfolio: a tier, a segment or a band."""

    name: str
    accounts: int
    arr: float
    at_risk_accounts: int
    at_risk_arr: float
    unknown_arr: int = 0
    """Accounts whose ARR is unknown: they are in no sum."""
    at_risk_unknown_arr: int = 0
    """Those of them that are at risk."""


class BridgeStep(Record):
    """One step of the at-risk ARR bridge from last week; ``opening`` and the steps after it sum to ``closing``."""

    name: Literal["opening", "configuration", "entered", "left", "gone", "arr_changed", "exchange_rates", "closing"]
    arr: float
    """Change of the at-risk ARR; the total for ``opening`` and ``closing``."""
    accounts: int
    account_ids: tuple[str, ...]


class AccountMovement(Record):
    """One account that is new, worsened, improved or resolved since last week."""

    account_id: str
    name: str
    arr: float | None
    change: RiskChange
    note: str


class PortfolioSummary(Record):
    """The customer base in numbers."""

    accounts: int
    currency: str
    arr: float
    unknown_arr: int = 0
    """Accounts whose ARR is unknown: they are in no sum."""
    at_risk_accounts: int
    arr_at_risk: float
    at_risk_unknown_arr: int = 0
    """Those of them that are at risk."""
    expected_churn_arr: float
    """Sum of ARR × chance of leaving within ``churn_horizon_weeks``."""
    churn_horizon_weeks: int | None = None
    """``None`` in a review of an older version; likewise the next three."""
    expected_churn_low: float | None = None
    """Lower end of the 80 % interval of the ARR that leaves in that time."""
    expected_churn_high: float | None = None
    yearly_churn_rate: float | None = None
    """Share of the accounts that leave in a year, 0 to 1: the mean chance of leaving follows from it."""
    churn_basis: str = ""
    """A clause on what the chances rest on: an estimate from a rate, or checked against the team's renewals."""
    calibrated: bool
    """True if the chances were checked against the team's own renewals."""
    calibration_note: str
    """Sentences on the chances: how they are made, and what the test on the team's own weeks said."""
    by_tier: tuple[TierCount, ...]
    """By risk tier; the at-risk ARR sums to ``arr_at_risk``."""
    by_segment: tuple[TierCount, ...]
    by_band: tuple[TierCount, ...]
    bridge: tuple[BridgeStep, ...]
    """Steps in order; empty in the first review."""
    movements: tuple[AccountMovement, ...]
    """New, worsened, improved and resolved accounts, by ARR."""
    not_scored: int
    """Accounts whose coverage is too low for a health score."""
    overdue_renewals: int
    """Accounts whose renewal date has passed."""
    scatter: tuple[tuple[str, float, float, RiskTier], ...]
    """Points of the chart: account name, risk, ARR and tier of the at-risk accounts and the largest others."""


class DataGap(Record):
    """One gap in the data, and the signals or accounts that it affects."""

    kind: Literal["not_connected", "stale_source", "column_absent", "signal", "accounts", "history", "unreadable"]
    subject: str
    message: str
    accounts: int
    """Number of accounts concerned."""


class SignalCoverage(Record):
    """Number of accounts for which a signal is known, stale or unknown."""

    signal: str
    label: str
    category: str
    known: int
    stale: int
    unknown: int


class DataReport(Record):
    """Sources of the review and their gaps."""

    sources: tuple[SourceAudit, ...]
    gaps: tuple[DataGap, ...]
    rows_left_out: tuple[LeftOutRows, ...]
    share_left_out: float
    """Share of the rows that could not be used, 0 to 1."""
    signal_coverage: tuple[SignalCoverage, ...]
    fingerprint: str
    """SHA-256 of the data: the same for two reviews of the same data."""
    ends_note: str = ""
    """One sentence when the data end long before the review; empty otherwise."""
    health_note: str = ""
    """One sentence on the sources that health rests on, where some are not connected; empty otherwise."""
    left_out_note: str = ""
    """One sentence with the share of each table that could not be used; empty where every row could."""
    former_accounts: int = 0
    """Accounts that are not reviewed, because their latest outcome is a churn; in no other number."""
    former_arr: float = 0.0
    """Their ARR in the home currency; in no other sum."""
    former_note: str = ""
    """Accounts and ARR that are not reviewed because the accounts churned, and those that came back; empty without any."""
    read_from: dict[str, date] = {}
    """By table: the first day that is read, because nothing looks back further; older rows are in no count."""


class Alert(Record):
    """One account in a workflow state, with the CRM field and the task that the state asks for."""

    kind: str
    """Id of the rule under ``workflow`` in ``configs/review.yaml``."""
    account_id: str
    name: str
    message: str
    crm_field: str
    crm_value: str
    task: str
    on: date


class MatrixCell(Record):
    """One cell of the risk × opportunity matrix."""

    risk: Literal["high", "medium", "low"]
    opportunity: Literal["high", "medium", "low"]
    accounts: int
    arr: float
    unknown_arr: int = 0
    """Accounts whose ARR is unknown: they are in no sum."""
    examples: tuple[str, ...]
    play: str


class WorkflowRule(Record):
    """One line of the workflow checklist for operations."""

    state: str
    crm_field: str
    crm_value: str
    alert: str
    task: str
    accounts_now: int
