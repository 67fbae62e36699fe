"""Results of phase 3, intervention planning: the plan, the resources it needs, agenda, briefing and preparation."""

from datetime import date
from typing import Literal

from domain.drafting import DraftingRecord
from domain.record import Record
from domain.score_configuration import InterventionTier
from domain.token_usage import TokenUsage

Urgency = Literal["immediate", "urgent", "standard"]
TBD = "TBD"
"""Owner of what nobody owns yet."""


class PlanLine(Record):
    """One account in the intervention plan."""

    tier: InterventionTier
    account_id: str
    name: str
    arr: float | None
    why: tuple[str, ...]
    """Reasons, strongest first."""
    action: str
    """Primary action."""
    secondary: str | None
    owner: str
    """A person's name, or ``TBD``."""
    by: date
    """Last working day for the primary action."""
    urgency: Urgency
    rule: str
    """Id of the first tier rule that holds; see ``configs/tiers.yaml``."""
    since: str | None = None
    """Review that asked for the action first, when it is still open; its date stays."""


class RoleNeed(Record):
    """Hours of one role that this week's plays need."""

    role: str
    people: int
    hours_needed: float
    hours_free: float | None
    value_of_one_more_hour: float
    """Expected value of one more hour of this role, in the home currency."""


class UncoveredAccount(Record):
    """Critical account that the hours or the budget do not cover, and what is missing."""

    account_id: str
    name: str
    lacks: str


class WaitingPlay(Record):
    """Play beyond the hours or the budget: it does not start unless somebody approves it by name."""

    account_id: str
    name: str
    place: int
    """1 is the first to start when hours are free."""
    lacks: str
    frees: str
    """Condition under which it could start."""
    breaks: str = ""
    """People who would have more hours asked than free; for managers, because it names them."""
    until: date
    """Day of the next review, which weighs it again."""


class ResourceNeeds(Record):
    """Hours and budget that the plays need."""

    roles: tuple[RoleNeed, ...]
    budget: float
    """Available a week, in the home currency."""
    budget_needed: float
    currency: str
    chosen: tuple[str, ...]
    """Ids of the accounts whose plays fit this week."""
    postponed: tuple[str, ...]
    """Ids of the accounts whose plays do not fit."""
    waiting: tuple[WaitingPlay, ...] = ()
    """The same plays, in the order in which they would start."""
    uncovered: tuple[UncoveredAccount, ...]
    note: str


class AgendaItem(Record):
    """One block of the meeting with its content for this week."""

    starts: str
    """H:MM after the start of the meeting."""
    ends: str
    minutes: int
    title: str
    lead: str
    points: tuple[str, ...]
    account_ids: tuple[str, ...]


class Escalation(Record):
    """One escalation of a play: condition, person and date."""

    account_id: str
    name: str
    when: str
    to: str
    by: date


class DraftingSummary(Record):
    """Drafting of this week's plays and the briefing: results, tokens and cost. Shares are 0 to 1."""

    model: str | None
    drafted: int
    """Plays drafted this week, without those that run from an earlier week."""
    first_try: int
    repaired: int
    in_part: int
    """Plays with the model's choices and the playbook's words for sentences that did not pass."""
    fell_back: int
    share_first_try: float | None
    share_repaired: float | None
    share_in_part: float | None
    share_fell_back: float | None
    tokens: TokenUsage
    cost: float | None
    """In ``currency``; None when the configuration has no price for the model."""
    currency: str
    reasons: tuple[str, ...]
    """Reasons for using the playbook's play, each with its count."""


class Briefing(Record):
    """Opening of the meeting in a few sentences: changes, causes and decisions."""

    sentences: tuple[str, ...]
    drafted_by: Literal["rules", "model"]
    drafting: DraftingRecord


class Story(Record):
    """One thing that happened since the last review and that the meeting has to know first."""

    kind: Literal["incident", "change", "decision"]
    title: str
    """The event, in at most a dozen words."""
    detail: str
    """The reports behind it, the reason, or the shortage."""
    account_ids: tuple[str, ...]
    """Largest ARR first."""
    arr: float | None
    """Sum over the accounts of which it is known, in the home currency; None where none is known."""
    proposal: str
    owner: str
    """A person's name, or ``TBD``."""
    by: date | None


class Prework(Record):
    """Preparation of one CSM for the meeting."""

    person_id: str
    person: str
    account_ids: tuple[str, ...]
    questions: tuple[tuple[str, str], ...]
    """Pairs of account id and question."""
