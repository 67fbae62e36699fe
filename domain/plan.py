"""Phase 3, intervention planning: the plan, the resources it needs, and what is prepared for the meeting."""

from datetime import date
from typing import Literal

from domain.configuration import InterventionTier
from domain.drafting import DraftingRecord, TokenUsage
from domain.record import Record

Urgency = Literal["immediate", "urgent", "standard"]
TBD = "TBD"
"""Owner of what nobody owns yet."""


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
