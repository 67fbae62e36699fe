"""Results that each phase passes to the next. They are in the store; the graph's state has only ids and hashes."""

from datetime import date

from domain.backtest import Backtest
from domain.desk import PendingDecision
from domain.diagnosis import CapacityLine, CauseDoubt, CauseFinding, Handover, Pattern
from domain.dossier import Dossier, Person
from domain.drafting import DraftingRecord, PlayDraft
from domain.facts import Incident
from domain.plan import AgendaItem, Escalation, PlanLine, Prework, ResourceNeeds
from domain.play_edits import NO_EDITS, PlayEdits
from domain.portfolio import (
    AheadAccount,
    Alert,
    AtRiskAccount,
    DataReport,
    MatrixCell,
    OverdueRenewal,
    PortfolioSummary,
    TierCount,
    WorkflowRule,
)
from domain.questions import PlayRequest
from domain.readings import ReadingCounts
from domain.record import Record
from domain.renewals import RenewalView
from domain.running_play import Consequences, Deferral, PlayProgress, PlaySnapshot
from domain.save_play import PlayAction, SavePlay
from domain.score_configuration import InterventionTier, Size
from domain.tracking import Action, CalendarHold, CrmUpdate, Decision, Followup, Metrics, UnownedItem


class PlanRow(Record):
    """One account of the intervention plan, as read from the scored base."""

    account_id: str
    name: str
    arr: float | None
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
    """Values that the rules of tiers and actions use, by name; None when unknown."""
    top: tuple[str, ...]
    """Up to two sentences of evidence, those with most risk points."""


class CsmBook(Record):
    """Counts of the accounts of one CSM; ``csm_id`` None: accounts without an owner."""

    csm_id: str | None
    accounts: int
    arr: float
    red_accounts: int
    at_risk_accounts: int
    at_risk_arr: float
    unknown_arr: int = 0
    """Accounts whose ARR is unknown: they are in no sum."""
    at_risk_unknown_arr: int = 0
    """Those of them that are at risk."""
    by_size: dict[Size, int]


class MovableAccount(Record):
    """Account that another CSM could take over: green, not at risk, no renewal soon."""

    account_id: str
    name: str
    arr: float | None
    csm_id: str
    size: Size


class PortfolioCounts(Record):
    """Accounts of the whole portfolio by segment and by CSM. Patterns among at-risk accounts are compared with them."""

    segments: dict[str, int]
    csms: dict[str, int]


class IdentifyResult(Record):
    """Result of phase 1: at-risk accounts, changes since last week, and the state of the data."""

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
    """Of the accounts in ``at_risk``, in their order."""
    plan_rows: tuple[PlanRow, ...]
    plan_totals: tuple[TierCount, ...]
    people: dict[str, Person]
    books: tuple[CsmBook, ...]
    movable: tuple[MovableAccount, ...]
    population: PortfolioCounts
    followup: Followup
    standing_now: dict[str, float | None]
    """Health now of each account that was at risk in an earlier review and is still a customer."""
    incidents: tuple[Incident, ...] = ()
    """The same thing reported by several accounts, the largest first."""
    asked: tuple[Dossier, ...] = ()
    """Dossiers of accounts for which somebody requested a play, with that person's statements as evidence."""
    proposals: tuple[PlayRequest, ...] = ()
    ahead: tuple[AheadAccount, ...] = ()
    """Accounts on the meeting list that are not at risk."""
    ahead_dossiers: tuple[Dossier, ...] = ()
    running_dossiers: tuple[Dossier, ...] = ()
    """Accounts that are not on the list and have a play that runs."""
    overdue: tuple[OverdueRenewal, ...] = ()
    list_note: str = ""
    backtest: Backtest | None = None
    reading: ReadingCounts = ReadingCounts()
    """Texts that people had read by then, and statements that they had marked as wrong."""
    outcomes: dict[str, str]
    """Latest outcome of each account of an earlier at-risk list, since the account was first on it."""
    renewals: RenewalView | None = None
    """None in a review of an older version."""

    @property
    def all_dossiers(self) -> tuple[Dossier, ...]:
        """The dossiers of the list, at risk or not, of running plays and of requests."""
        return (*self.dossiers, *self.ahead_dossiers, *self.running_dossiers, *self.asked)

    @property
    def account_names(self) -> list[str]:
        """Names of all accounts that the review may speak of."""
        return [*(row.name for row in self.plan_rows), *(each.name for each in self.all_dossiers)]


class Trends(Record):
    """Result of phase 1, health scorer: alerts, workflow states and the risk × opportunity matrix."""

    alerts: tuple[Alert, ...]
    states: dict[str, int]
    """Number of accounts in each workflow state."""
    matrix: tuple[MatrixCell, ...]


class AtRiskEntry(Record):
    """One account at risk in one review, as later reviews need it."""

    account_id: str
    name: str
    arr: float | None
    churn_probability: float
    health: float | None


class AtRiskSnapshot(Record):
    """At-risk accounts of one review, kept for later reviews."""

    review_id: str
    as_of: date
    churn_horizon_weeks: int | None = None
    """Horizon of the chances of leaving; None in a review of an older version, whose chances had no horizon."""
    at_risk: tuple[AtRiskEntry, ...]


class RunningPlay(Record):
    """Approved play that later reviews continue instead of drafting a new one."""

    account_id: str
    name: str
    arr: float | None
    cause: str
    created: date
    origin: str
    """Id of the review that first approved it; the ids of its actions begin with it."""
    actions: dict[str, tuple[str, ...]]
    """Ids of playbook actions, by phase."""
    dates: dict[str, date] = {}
    """Approved due date by action."""
    owners: dict[str, str] = {}
    """Person id by action, where it is not the default owner."""
    edits: PlayEdits = NO_EDITS
    """Changes of people that go on with the play."""
    health: float | None
    steps: dict[str, PlayAction] = {}
    """The steps as they were approved, by action; empty in a review of an older version."""
    began: dict[str, str] = {}
    """By action: the review that first approved it, where that is not ``origin``."""
    moved: dict[str, date] = {}
    """By action: the due date that the last review moved."""
    seen: PlaySnapshot | None = None
    """The account as the last review saw it; None in a review of an older version."""

    def action_id(self, action: str) -> str:
        """Id of the action that a step of the play became."""
        return f"{self.began.get(action, self.origin)}.{self.account_id}.{action}"

    @property
    def action_ids(self) -> list[str]:
        """Ids of all its actions."""
        return [self.action_id(action) for actions in self.actions.values() for action in actions]


class RunningPlays(Record):
    """Plays that run after one review, and accounts whose play is deferred."""

    plays: tuple[RunningPlay, ...]
    deferred: tuple[Deferral, ...] = ()


class FreeHours(Record):
    """Hours that each of our people had left when the plays were planned. Kept, so that a play stays the same until it is decided."""

    by_person: dict[str, float] = {}


class EarlierRun(Record):
    """Earlier runs of a week that people started again, as far as the new run needs them."""

    choices: tuple[PendingDecision, ...] = ()
    """Choices and decisions of people that wait for the new plays. ``version`` is that of the play or plan line they read."""
    actions: tuple[str, ...] = ()
    """Ids of the actions that were approved, sorted."""
    dropped: tuple[str, ...] = ()
    """Ids of those that the new decisions did not approve again, sorted."""


class DiagnoseResult(Record):
    """Result of phase 2, health scorer: causes and patterns."""

    causes: tuple[CauseFinding, ...]
    patterns: tuple[Pattern, ...]


class CapacityResult(Record):
    """Result of phase 2, capacity analyzer: load and proposed handovers."""

    capacity: tuple[CapacityLine, ...]
    handovers: tuple[Handover, ...]


class DraftResult(Record):
    """Draft of the model for one account that passed every check, or None and the reason."""

    draft: PlayDraft | None
    drafting: DraftingRecord
    doubt: CauseDoubt | None = None
    """The model's doubt about the cause, as far as it holds."""
    doubt_refused: str = ""
    """Reason for dropping the model's doubt; empty where it had none, or it held."""


class PlanResult(Record):
    """Result of phase 3: the proposal to people."""

    intervention_plan: tuple[PlanLine, ...]
    plays: tuple[SavePlay, ...]
    origins: dict[str, str]
    """By account, for continued plays: the review in which they began."""
    needs: ResourceNeeds
    capacity: tuple[CapacityLine, ...]
    handovers: tuple[Handover, ...]
    escalations: tuple[Escalation, ...]
    owners_to_assign: tuple[UnownedItem, ...]
    prework: tuple[Prework, ...]
    agenda: tuple[AgendaItem, ...]
    next_step: str
    progress: dict[str, PlayProgress] = {}
    """By account: where its running play stands."""
    unchanged: dict[str, SavePlay] = {}
    """By account: the running play as it is, where ``plays`` has a changed one."""
    consequences: dict[str, Consequences] = {}
    """By account with a play: what each decision does."""
    deferred: tuple[Deferral, ...] = ()
    """Plays that people deferred to a later day; they are not on the table today."""
    situations: dict[str, tuple[str, ...]] = {}
    """By account with a play: ids of the situations that hold."""


class AssignResult(Record):
    """Result of phase 4: the approved plays as work for people."""

    plays: tuple[SavePlay, ...]
    decisions: tuple[Decision, ...]
    actions: tuple[Action, ...]
    crm_updates: tuple[CrmUpdate, ...]
    touchpoints: tuple[CalendarHold, ...]
    owners_to_assign: tuple[UnownedItem, ...]
    next_agenda: tuple[AgendaItem, ...]
    workflow: tuple[WorkflowRule, ...]
    metrics: Metrics
    closed_actions: tuple[Action, ...] = ()
    """Open actions of earlier weeks that these decisions closed, each with its reason."""
    deferred: tuple[Deferral, ...] = ()
    """Plays that wait for a later day after these decisions."""
