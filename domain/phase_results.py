"""What each phase hands to the next. Kept in the store, never in the graph's state."""

from datetime import date

from domain.configuration import InterventionTier, Size
from domain.diagnosis import CapacityLine, CauseFinding, Handover, Pattern
from domain.dossier import Dossier, Person
from domain.drafting import DraftingRecord, PlayDraft
from domain.plan import AgendaItem, Escalation, PlanLine, Prework, ResourceNeeds
from domain.portfolio import Alert, AtRiskAccount, DataReport, MatrixCell, PortfolioSummary, TierCount, WorkflowRule
from domain.questions import PlayRequest
from domain.record import Record
from domain.save_play import SavePlay
from domain.tracking import Action, CalendarHold, CrmUpdate, Decision, Followup, Metrics, UnownedItem


class PlanRow(Record):
    """One account of the intervention plan as the engine hands it over."""

    account_id: str
    name: str
    arr: float
    size: Size
    tier: InterventionTier
    rule: str | None
    csm_id: str | None
    exec_sponsor_id: str | None
    renewal_date: date | None
    renewal_in_days: int | None
    velocity_alarm: bool
    risk: float
    values: dict[str, float | None]
    """What the rules of tiers and actions ask for; unknown is None."""
    top: tuple[str, ...]
    """Sentences of the heaviest evidence, at most two."""


class CsmBook(Record):
    """The book of one CSM, counted in the engine; ``csm_id`` None is the accounts without an owner."""

    csm_id: str | None
    accounts: int
    arr: float
    red_accounts: int
    at_risk_accounts: int
    at_risk_arr: float
    by_size: dict[Size, int]


class MovableAccount(Record):
    """An account that could change hands: not red, not at risk, no renewal soon."""

    account_id: str
    name: str
    arr: float
    csm_id: str
    size: Size


class PortfolioCounts(Record):
    """How the whole base divides, for telling what is common among accounts at risk from what is common anyway."""

    segments: dict[str, int]
    csms: dict[str, int]


class IdentifyResult(Record):
    """Phase 1: who is at risk, what changed, how sure the numbers are."""

    review_id: str
    as_of: date
    profile: str
    baseline: bool
    previous_review_id: str | None
    previous_as_of: date | None
    configuration_changed: bool
    data: DataReport
    portfolio: PortfolioSummary
    at_risk: tuple[AtRiskAccount, ...]
    dossiers: tuple[Dossier, ...]
    plan_rows: tuple[PlanRow, ...]
    plan_totals: tuple[TierCount, ...]
    people: dict[str, Person]
    books: tuple[CsmBook, ...]
    movable: tuple[MovableAccount, ...]
    population: PortfolioCounts
    followup: Followup
    standing_now: dict[str, float | None]
    """Health of every account that an earlier review had at risk, as far as it is still a customer."""
    asked: tuple[Dossier, ...] = ()
    """Accounts that somebody asked a play for, with what they said about them."""
    proposals: tuple[PlayRequest, ...] = ()
    outcomes: dict[str, str]
    """Latest outcome, since it was first found at risk, of every account that an earlier review had at risk."""


class Trends(Record):
    """Phase 1, health scorer: what fell, which states started a workflow, where the chances are."""

    alerts: tuple[Alert, ...]
    states: dict[str, int]
    """How many accounts each workflow state holds now."""
    matrix: tuple[MatrixCell, ...]


class AtRiskEntry(Record):
    """One account at risk in one review, as later reviews need it."""

    account_id: str
    name: str
    arr: float
    churn_probability: float
    health: float | None


class AtRiskSnapshot(Record):
    """Who was at risk in one review."""

    review_id: str
    as_of: date
    at_risk: tuple[AtRiskEntry, ...]


class RunningPlay(Record):
    """An approved play that later reviews carry on instead of drafting anew."""

    account_id: str
    name: str
    arr: float
    cause: str
    created: date
    origin: str
    """The review that first approved it; its actions carry that id."""
    actions: dict[str, tuple[str, ...]]
    """Action ids of the library, by phase."""
    dates: dict[str, date] = {}
    """Due date by action, as it was approved."""
    owners: dict[str, str] = {}
    """Person by action, where it is not the usual owner."""
    health: float | None


class RunningPlays(Record):
    """The plays running after one review."""

    plays: tuple[RunningPlay, ...]


class DiagnoseResult(Record):
    """Phase 2, health scorer: why."""

    causes: tuple[CauseFinding, ...]
    patterns: tuple[Pattern, ...]


class CapacityResult(Record):
    """Phase 2, capacity analyzer: who has the hands free."""

    capacity: tuple[CapacityLine, ...]
    handovers: tuple[Handover, ...]


class DraftResult(Record):
    """What the model made of one account: a draft that passed every check, or none and the reason."""

    draft: PlayDraft | None
    drafting: DraftingRecord


class PlanResult(Record):
    """Phase 3: what is proposed."""

    intervention_plan: tuple[PlanLine, ...]
    plays: tuple[SavePlay, ...]
    origins: dict[str, str]
    """For plays that go on: the review in which they began."""
    needs: ResourceNeeds
    capacity: tuple[CapacityLine, ...]
    handovers: tuple[Handover, ...]
    escalations: tuple[Escalation, ...]
    owners_to_assign: tuple[UnownedItem, ...]
    prework: tuple[Prework, ...]
    agenda: tuple[AgendaItem, ...]
    next_step: str


class AssignResult(Record):
    """Phase 4: what was approved, as work for people."""

    plays: tuple[SavePlay, ...]
    decisions: tuple[Decision, ...]
    actions: tuple[Action, ...]
    crm_updates: tuple[CrmUpdate, ...]
    touchpoints: tuple[CalendarHold, ...]
    owners_to_assign: tuple[UnownedItem, ...]
    next_agenda: tuple[AgendaItem, ...]
    workflow: tuple[WorkflowRule, ...]
    metrics: Metrics
