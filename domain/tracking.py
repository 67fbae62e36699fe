"""Results of phase 4, assignment and tracking: decisions, actions, CRM updates, calendar holds, follow-up and metrics."""

from datetime import date
from typing import Literal

from domain.configuration import HoldKind
from domain.plan import Urgency
from domain.record import Record

DecisionKind = Literal["approve", "edit", "reject", "defer", "continue"]
ActionStatus = Literal["open", "done", "done_late", "late", "missed", "dropped", "deferred"]


class Decision(Record):
    """Decision of people about one play, the budget, the hours or the close of the review."""

    subject: str
    """An account id, ``budget``, ``hours``, ``others`` (primary actions that nobody named) or ``close``."""
    decision: DecisionKind | Literal["close"]
    by: str
    reason: str
    until: date | None = None
    """For a deferral: the day on which it comes back."""
    amount: float | None = None
    """Approved budget in the home currency, approved hours, or number of approved primary actions."""
    changes: tuple[str, ...] = ()
    """For an edit: one sentence for each change."""
    play_version: str | None = None
    unattended: bool = False
    """True if nobody was asked: ``--approve all`` or ``none``."""


class Action(Record):
    """One thing that one person does by one day. It exists only after people approved it."""

    id: str
    """``<review>.<account>.<action>``: the same in every run of the week."""
    review_id: str
    account_id: str
    account_name: str
    owner: str
    owner_id: str | None
    due: date
    follow_up: date | None
    kind: Literal["play", "primary", "secondary", "assign_owner", "diagnosis", "look_again"]
    """``look_again``: the next step of an account whose play was rejected or deferred."""
    title: str
    action: str
    purpose: str
    phase: str
    urgency: Urgency
    effort_hours: float
    """Hours of the owner."""
    channel: str
    playbook_action: str | None
    contact: str | None
    status: ActionStatus = "open"
    done_on: date | None = None
    deferred_until: date | None = None
    """Day on which a deferred play comes back; its open actions are not late before."""
    note: str = ""
    """Why it was closed or deferred; otherwise empty."""


class CrmUpdate(Record):
    """One field of one account to be set in the CRM."""

    account_id: str
    name: str
    field: str
    value: str
    reason: str


class CalendarHold(Record):
    """Calendar hold of one person."""

    uid: str
    account_id: str
    name: str
    kind: HoldKind
    title: str
    on: date
    starts: str
    """HH:MM in ``time_zone``."""
    minutes: int
    time_zone: str
    owner: str
    owner_id: str | None
    attendees: tuple[str, ...]
    note: str
    follow_up: date | None
    cancelled: bool = False
    """True for the hold of an action or a play that these decisions ended: calendars remove it."""


class UnownedItem(Record):
    """Account or action without an owner."""

    account_id: str
    name: str
    what: str
    proposal: str | None
    """Name of the CSM with the most free hours among those who are not overloaded; None when there is none."""


class Commitment(Record):
    """One action of an earlier review and its status now."""

    action_id: str
    review_id: str
    account_id: str
    account_name: str
    owner: str
    owner_id: str | None
    title: str
    due: date
    status: ActionStatus
    done_on: date | None
    note: str = ""


class AccountOutcome(Record):
    """Development of one account that had a play in the last review."""

    account_id: str
    name: str
    arr: float | None
    status: Literal["saved", "lost", "recovered", "in_play", "left_list"]
    health_before: float | None
    health_now: float | None
    note: str
    people: tuple[str, ...]
    """People who did the actions, to be thanked if the account was saved."""


class SettledPlay(Record):
    """One play that ended well or badly, on one line: what it was about, what was done, what was learnt."""

    account_id: str
    name: str
    arr: float | None
    status: Literal["saved", "lost", "recovered"]
    review_id: str
    """Review that first saw this outcome."""
    on: date
    """Day of that review."""
    cause: str
    """Cause of the play, in words."""
    origin: str
    """Review that first approved the play."""
    begun: date
    steps: int
    steps_done: int
    people: tuple[str, ...]
    """People who did its steps."""
    learnt: str
    """Newest note that somebody left at a step; without one, how far the play had come."""


class SettledPlays(Record):
    """Every play that has ended so far, newest first; kept with each review."""

    plays: tuple[SettledPlay, ...]


class PersonFollowup(Record):
    """Number of commitments of one person by status."""

    person: str
    person_id: str | None
    done: int
    done_late: int
    late: int
    missed: int
    open: int


class Followup(Record):
    """Follow-up of last week's commitments."""

    baseline: bool
    """True if there is no earlier review, so nothing to follow up."""
    previous_review_id: str | None
    previous_as_of: date | None
    commitments: tuple[Commitment, ...]
    by_person: tuple[PersonFollowup, ...]
    outcomes: tuple[AccountOutcome, ...]
    learnings: tuple[str, ...]
    settled: tuple[SettledPlay, ...] = ()
    """Saves and losses of this and of earlier reviews, newest first."""


class Metric(Record):
    """One process or outcome figure with its target."""

    id: str
    kind: Literal["process", "outcome"]
    label: str
    value: float | None
    shown: str
    target: str
    met: bool | None
    """None when there is no value or no target."""
    count: int
    """Number of cases behind the figure."""
    low: float | None
    high: float | None
    """95 % interval of a share, 0 to 1; None for other figures."""
    note: str


class Metrics(Record):
    """Figures on whether the review itself works."""

    figures: tuple[Metric, ...]
    save_rates: tuple[Metric, ...]
    """By cause."""
    save_rates_by_step: tuple[Metric, ...] = ()
    """By step of the playbooks: of the plays with an outcome in which it was done. Most cases first."""
    note: str
