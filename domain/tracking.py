"""Phase 4, assignment and tracking: decisions, actions, CRM updates, calendar holds, follow-up and metrics."""

from datetime import date
from typing import Literal

from domain.configuration import HoldKind
from domain.plan import Urgency
from domain.record import Record

DecisionKind = Literal["approve", "edit", "reject", "defer"]


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
    kind: HoldKind
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
