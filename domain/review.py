"""The weekly review as one document: what ``review.json`` holds and every page is made from.

Health is 0 to 100, high is good. Risk is 0 to 100, high is bad. ``None`` is unknown, never zero.
Money is in the home currency (``portfolio.currency``) unless a field says otherwise; amounts are in units, two decimals.
"""

from datetime import date
from typing import Literal

from pydantic import Field

from domain.data_audit import LeftOutRows, SourceAudit
from domain.drafting import DraftingRecord, PlayDraft, TokenUsage, Violation
from domain.record import Record

HealthBand = Literal["red", "yellow", "green", "not_scored"]
RiskTier = Literal["low", "medium", "high", "critical"]
InterventionTier = Literal["critical", "high", "medium", "watch"]
RiskChange = Literal["baseline", "new", "worsened", "improved", "resolved", "unchanged"]
Direction = Literal["worse", "better", "steady"]
ReviewStatus = Literal["waiting_for_decisions", "waiting_for_close", "closed"]
Urgency = Literal["immediate", "urgent", "standard"]
DecisionKind = Literal["approve", "edit", "reject", "defer"]


class SourceRow(Record):
    """One row of the input that a number rests on."""

    table: str
    row: int
    """Row in the source file, the header being row 1."""
    on: date | None
    key: str
    """The row's own id (ticket, invoice, contact) or its date."""
    text: str
    """What the row says, in a few words; for text rows a short quotation."""


class Evidence(Record):
    """One fact about one account, and where it comes from."""

    id: str
    """E1, E2, … within the account, in order of weight."""
    signal: str
    category: str
    pillar: str
    statement: str
    """One sentence with value, unit and direction; holds no internal score."""
    value: float | None
    shown: str
    """The value with its unit, as people read it."""
    unit: str
    direction: Direction
    """Worse or better than it should be, or steady."""
    observed_on: date | None
    source: str
    """File or table it was read from."""
    rows: tuple[SourceRow, ...]
    row_count: int
    """Number of rows behind the value; ``rows`` shows at most twelve of them."""
    risk_points: float
    """What this fact adds to the risk score."""


class Contribution(Record):
    """What one signal adds to a score. The contributions of a score sum to it exactly."""

    signal: str
    label: str
    category: str
    value: float | None
    shown: str
    component: float | None
    """0 to 100, high is good; unknown when missing or stale."""
    weight: float
    """Share of the score, 0 to 1, after unknown signals gave theirs away."""
    health_points: float
    risk_points: float
    health_change: float | None
    """Points of health gained or lost since last week through this signal."""
    observed_on: date | None
    age_days: int | None
    state: Literal["known", "stale", "unknown"]


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


class PlanLine(Record):
    """One account in the intervention plan."""

    tier: InterventionTier
    account_id: str
    name: str
    arr: float
    why: tuple[str, ...]
    action: str
    secondary: str | None
    owner: str
    """A person's name, or ``TBD``."""
    by: date
    urgency: Urgency
    rule: str
    """Id of the tier rule that fired first."""


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


class RoleNeed(Record):
    """Hours that this week's plays ask of one role."""

    role: str
    people: int
    hours_needed: float
    hours_free: float | None
    value_of_one_more_hour: float
    """Expected value that one more hour of this role would add."""


class UncoveredAccount(Record):
    """A critical account that the hours or the budget do not cover, and what it would take."""

    account_id: str
    name: str
    lacks: str


class ResourceNeeds(Record):
    """What carrying out the plays takes."""

    roles: tuple[RoleNeed, ...]
    budget: float
    budget_needed: float
    currency: str
    chosen: tuple[str, ...]
    """Accounts whose plays fit this week."""
    postponed: tuple[str, ...]
    uncovered: tuple[UncoveredAccount, ...]
    note: str


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


class Decision(Record):
    """What people decided about one play, or about the close of the review."""

    subject: str
    """An account id, ``budget``, ``hours`` or ``close``."""
    decision: DecisionKind | Literal["close"]
    by: str
    reason: str
    until: date | None = None
    amount: float | None = None
    changes: tuple[str, ...] = ()
    """For an edit: what was changed, in words."""
    play_version: str | None = None
    unattended: bool = False


class Action(Record):
    """One thing that one person does by one day, because people approved it."""

    id: str
    review_id: str
    account_id: str
    account_name: str
    owner: str
    owner_id: str | None
    due: date
    follow_up: date | None
    kind: Literal["play", "primary", "secondary", "assign_owner", "diagnosis"]
    title: str
    action: str
    purpose: str
    phase: str
    urgency: Urgency
    effort_hours: float
    channel: str
    playbook_action: str | None
    contact: str | None
    status: Literal["open", "done", "done_late", "late", "missed", "dropped"] = "open"
    done_on: date | None = None


class CrmUpdate(Record):
    """One field of one account to be set in the CRM."""

    account_id: str
    name: str
    field: str
    value: str
    reason: str


class CalendarHold(Record):
    """A calendar hold."""

    uid: str
    account_id: str
    name: str
    kind: Literal["customer_call", "executive_call", "manager_review", "weekly_check", "decision_point", "action"]
    title: str
    on: date
    starts: str
    """HH:MM in the team's time zone."""
    minutes: int
    time_zone: str
    owner: str
    owner_id: str | None
    attendees: tuple[str, ...]
    note: str
    follow_up: date | None


class UnownedItem(Record):
    """An account or action that nobody owns."""

    account_id: str
    name: str
    what: str
    proposal: str | None
    """Who could take it, by load."""


class Commitment(Record):
    """One action of an earlier review and what became of it."""

    action_id: str
    review_id: str
    account_id: str
    account_name: str
    owner: str
    owner_id: str | None
    title: str
    due: date
    status: Literal["open", "done", "done_late", "late", "missed", "dropped"]
    done_on: date | None


class AccountOutcome(Record):
    """What became of one account that the last review had a play for."""

    account_id: str
    name: str
    arr: float
    status: Literal["saved", "lost", "recovered", "in_play", "left_list"]
    health_before: float | None
    health_now: float | None
    note: str
    people: tuple[str, ...]
    """Who carried the actions: to be thanked when it was saved."""


class PersonFollowup(Record):
    """The commitments of one person, counted."""

    person: str
    person_id: str | None
    done: int
    done_late: int
    late: int
    missed: int
    open: int


class Followup(Record):
    """How last week's commitments went."""

    baseline: bool
    """No earlier review: there is nothing to follow up."""
    previous_review_id: str | None
    previous_as_of: date | None
    commitments: tuple[Commitment, ...]
    by_person: tuple[PersonFollowup, ...]
    outcomes: tuple[AccountOutcome, ...]
    learnings: tuple[str, ...]


class Metric(Record):
    """One process or outcome figure against its target."""

    id: str
    kind: Literal["process", "outcome"]
    label: str
    value: float | None
    shown: str
    target: str
    met: bool | None
    count: int
    """Number of cases behind the figure."""
    low: float | None
    high: float | None
    """95 % interval of a share."""
    note: str


class Metrics(Record):
    """Is the review itself working?"""

    figures: tuple[Metric, ...]
    save_rates: tuple[Metric, ...]
    """By cause."""
    note: str


class AgendaItem(Record):
    """One block of the meeting with this week's material."""

    starts: str
    """H:MM from the start of the meeting."""
    ends: str
    minutes: int
    title: str
    lead: str
    points: tuple[str, ...]
    account_ids: tuple[str, ...]


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


class Escalation(Record):
    """One path by which a play reaches somebody who can decide more."""

    account_id: str
    name: str
    when: str
    to: str
    by: date


class DraftingSummary(Record):
    """How this week's plays and the briefing were drafted, and what the model took."""

    model: str | None
    drafted: int
    """Plays drafted this week, without those that go on from an earlier one."""
    first_try: int
    repaired: int
    in_part: int
    """The model's choices, with the playbook's own words where its sentences did not pass."""
    fell_back: int
    share_first_try: float | None
    share_repaired: float | None
    share_in_part: float | None
    share_fell_back: float | None
    tokens: TokenUsage
    cost: float | None
    """In ``currency``; None when the model has no price in the configuration."""
    currency: str
    reasons: tuple[str, ...]
    """Why the playbook drafter took over, with how often."""


class Briefing(Record):
    """The meeting in a few sentences: what changed, why, what to decide."""

    sentences: tuple[str, ...]
    drafted_by: Literal["rules", "model"]
    drafting: DraftingRecord


class Prework(Record):
    """What one CSM prepares before the meeting."""

    person_id: str
    person: str
    account_ids: tuple[str, ...]
    questions: tuple[tuple[str, str], ...]
    """Account id and question."""


class Review(Record):
    """The whole weekly review. The same data, history and configuration give the same document."""

    review_id: str
    """ISO week, ``2026-W48``."""
    as_of: date
    state: ReviewStatus
    profile: str
    profile_note: str
    config_hash: str
    baseline: bool
    previous_review_id: str | None
    configuration_changed: bool
    drafter_note: str
    drafting: DraftingSummary | None = None
    briefing: Briefing | None = None
    holidays_note: str
    time_zone: str
    data: DataReport
    portfolio: PortfolioSummary
    at_risk: tuple[AtRiskAccount, ...]
    intervention_plan: tuple[PlanLine, ...]
    plan_counts: tuple[TierCount, ...]
    next_step: str
    alerts: tuple[Alert, ...]
    causes: tuple[CauseFinding, ...]
    patterns: tuple[Pattern, ...]
    capacity: tuple[CapacityLine, ...]
    handovers: tuple[Handover, ...]
    needs: ResourceNeeds
    plays: tuple[SavePlay, ...]
    escalations: tuple[Escalation, ...]
    decisions: tuple[Decision, ...]
    actions: tuple[Action, ...]
    crm_updates: tuple[CrmUpdate, ...]
    touchpoints: tuple[CalendarHold, ...]
    owners_to_assign: tuple[UnownedItem, ...]
    followup: Followup
    metrics: Metrics
    agenda: tuple[AgendaItem, ...]
    next_agenda: tuple[AgendaItem, ...]
    prework: tuple[Prework, ...]
    matrix: tuple[MatrixCell, ...]
    workflow: tuple[WorkflowRule, ...]
    notes: tuple[str, ...] = Field(default=())
