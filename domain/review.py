"""The weekly review as one document: the content of ``review.json`` and the only source of every page.

Health is 0 to 100, high is good. Risk is 0 to 100, high is bad. ``None`` means unknown, never zero.
Money is in the home currency (``portfolio.currency``) unless a field says otherwise, in units with two decimals.
"""

from datetime import date
from typing import Literal

from pydantic import Field

from domain.backtest import Backtest
from domain.diagnosis import CapacityLine, CauseFinding, Handover, Pattern
from domain.facts import Fact, Incident, UnreadText
from domain.plan import AgendaItem, Briefing, DraftingSummary, Escalation, PlanLine, Prework, ResourceNeeds, Story
from domain.portfolio import (
    AheadAccount,
    Alert,
    AtRiskAccount,
    DataReport,
    ListedAccount,
    MatrixCell,
    OverdueRenewal,
    PortfolioSummary,
    TierCount,
    WorkflowRule,
)
from domain.readings import ReadingCounts, ReadingReport
from domain.record import Record
from domain.renewals import RenewalView
from domain.running_play import Consequences, Deferral, PlayProgress
from domain.save_play import SavePlay
from domain.statements import Statement
from domain.tracking import Action, CalendarHold, CrmUpdate, Decision, Followup, Metrics, UnownedItem

Urgency = Literal["immediate", "urgent", "standard"]
ReviewStatus = Literal["waiting_for_decisions", "waiting_for_close", "closed"]


class Thresholds(Record):
    """The limits of the configuration that the pages state and the charts draw."""

    at_risk_above: float
    """Risk, 0 to 100: above it an account is at risk."""
    health_bands: tuple[tuple[str, float], ...]
    """Name and lowest health of each band, 0 to 100, rising."""
    velocity_alarm: float
    """Points of health a day, negative: as fast or faster is an alarm."""
    planning_days: int
    """Calendar days that capacity is counted for."""
    red_account_limit: int
    """Red accounts that one CSM can carry."""
    urgency_days: dict[Urgency, int]
    """Calendar days to the due date of an action, by urgency; the shortest where tiers differ."""
    watch_renewal_within: int
    """Days to a renewal from which an account is watched that is not at risk."""


class Review(Record):
    """Whole review of one week. The same data, history and configuration give the same document."""

    review_id: str
    """ISO week, ``2026-W48``."""
    as_of: date
    state: ReviewStatus
    profile: str
    profile_note: str
    config_hash: str
    """Hash of all files under ``configs/``."""
    baseline: bool
    """True for the first review: there is no earlier week to compare with."""
    previous_review_id: str | None
    configuration_changed: bool
    """True if scoring, tiers or phrases differ from those of the last review."""
    drafter_note: str
    drafting: DraftingSummary | None = None
    briefing: Briefing | None = None
    stories: tuple[Story, ...] = ()
    """At most three: an incident, a change, a decision."""
    holidays_note: str
    time_zone: str
    """IANA name, for example ``Europe/Berlin``; times in the document are in it."""
    data: DataReport
    thresholds: Thresholds | None = None
    """``None`` in a review of an older version: nothing is stated or drawn then."""
    portfolio: PortfolioSummary
    at_risk: tuple[AtRiskAccount, ...]
    """The accounts at risk on the meeting list, by rank."""
    ahead: tuple[AheadAccount, ...] = ()
    """The other accounts on the meeting list, by rank."""
    overdue: tuple[OverdueRenewal, ...] = ()
    """Renewals whose date has passed, at risk or not, largest ARR first."""
    backtest: Backtest | None = None
    """Look back on the kept weeks; None in a review of an older version."""
    renewals: RenewalView | None = None
    """Renewals of four quarters by month; None in a review of an older version."""
    list_note: str = ""
    """Sentences on the order of the list and on who is on it."""
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
    running: dict[str, PlayProgress] = {}
    """By account: where a play that runs since an earlier week stands, and what is proposed."""
    unchanged_plays: dict[str, SavePlay] = {}
    """By account: the running play as it is, where ``plays`` proposes a changed one."""
    consequences: dict[str, Consequences] = {}
    """By account with a play, or critical without one: what each decision does to it and to its open actions."""
    deferred: tuple[Deferral, ...] = ()
    """Plays that are deferred to a later day: not decided today, and with a next step."""
    escalations: tuple[Escalation, ...]
    decisions: tuple[Decision, ...]
    actions: tuple[Action, ...]
    closed_actions: tuple[Action, ...] = ()
    """Actions of earlier weeks that the decisions of this review closed, each with its reason."""
    crm_updates: tuple[CrmUpdate, ...]
    touchpoints: tuple[CalendarHold, ...]
    """Calendar holds of approved plays; not the input table of the same name."""
    owners_to_assign: tuple[UnownedItem, ...]
    followup: Followup
    metrics: Metrics
    agenda: tuple[AgendaItem, ...]
    next_agenda: tuple[AgendaItem, ...]
    prework: tuple[Prework, ...]
    matrix: tuple[MatrixCell, ...]
    workflow: tuple[WorkflowRule, ...]
    notes: tuple[str, ...] = Field(default=())
    facts: dict[str, tuple[Fact, ...]] = {}
    """Facts of record by account, for the accounts that are looked at: the list, and what people asked about."""
    statements: tuple[Statement, ...] = ()
    """Statements of these accounts, by account, newest first."""
    unread_texts: tuple[UnreadText, ...] = ()
    """Texts of these accounts since the last review that nothing understood, by account, newest first."""
    reading: ReadingCounts = ReadingCounts()
    """Texts that people had read by this review, and statements that they had marked as wrong, of all accounts."""
    model_reading: ReadingReport = ReadingReport()
    """Texts that a model read for this review, and what came of them; nothing where the team has reading switched off."""
    incidents: tuple[Incident, ...] = ()
    """The same thing reported by several accounts in the same weeks, the largest by ARR first."""

    @property
    def listed(self) -> list[ListedAccount]:
        """The whole list of the meeting, by rank."""
        both: list[ListedAccount] = [*self.at_risk, *self.ahead]
        return sorted(both, key=lambda line: line.rank)
