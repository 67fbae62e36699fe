"""Where a running play stands: its steps, what moved at the account since the last review, and what is proposed.

Read before the meeting and kept with the plan; nothing here decides anything.
"""

from datetime import date
from typing import Literal

from domain.facts import Fact, FactTone
from domain.record import Record

StepState = Literal["done", "done_late", "open", "late", "deferred", "dropped"]
MoveKind = Literal["new", "changed", "settled", "figure"]
Proposal = Literal["continue", "change", "stop"]


class PlaySnapshot(Record):
    """One account as the last review saw it, kept so that the next one can say what moved."""

    review_id: str
    as_of: date
    cause_label: str
    health: float | None
    """0 to 100, high is good."""
    risk: float
    """0 to 100, high is bad."""
    arr: float | None
    """In the home currency."""
    renewal_date: date | None
    situations: tuple[str, ...]
    """Ids of the situations that held."""
    facts: tuple[Fact, ...]


class StepProgress(Record):
    """One step of a running play and its state on the day of the review."""

    id: str
    """Id of the action; it stays the same as long as the play runs."""
    action: str
    """Id of the step in the play."""
    title: str
    owner: str
    due: date
    state: StepState
    done_on: date | None
    days_late: int
    """Calendar days after the due date: until it was done, or until the review; 0 when it is not late."""
    moved_from: date | None = None
    """Due date before the last review moved it; None when it did not."""
    note: str = ""
    """Note of the person who marked it."""
    result: str = ""
    """Result that the plan asks for."""


class AccountMove(Record):
    """One thing that moved at the account since the last review."""

    kind: MoveKind
    text: str
    """One sentence; outsiders' words stand in quotation marks."""
    tone: FactTone
    fact: str | None
    """Id of the fact; None for a figure such as health."""
    steps: tuple[str, ...] = ()
    """Titles of the steps that rest on the fact."""


class PlayProgress(Record):
    """Where one running play stands, with the proposal for the meeting."""

    account_id: str
    origin: str
    """Id of the review that first approved it."""
    created: date
    week: int
    """Week of the play, from 1."""
    since: date | None
    """Day of the review that the moves are counted from; None where that review kept no picture of the account."""
    steps: tuple[StepProgress, ...]
    """By due date."""
    moves: tuple[AccountMove, ...]
    """Bad news first, figures last."""
    proposal: Proposal
    why: str
    """Reason of the proposal, in one or two sentences."""
    adds: tuple[str, ...] = ()
    """Titles of the steps that the changed play adds; empty where no change is proposed."""
    ends: tuple[str, ...] = ()
    """Titles of open steps that the changed play leaves out."""

    def of(self, *states: StepState) -> list[StepProgress]:
        """The steps in one of these states."""
        return [step for step in self.steps if step.state in states]

    @property
    def next_step(self) -> StepProgress | None:
        """The open step that is due first, late ones included."""
        waiting = self.of("late", "open", "deferred")
        return min(waiting, key=lambda step: (step.due, step.id)) if waiting else None


class Consequences(Record):
    """Effect of each decision on the account and its open actions, shown before anybody decides."""

    approve: str
    continue_: str = ""
    """Empty for a play that does not run yet."""
    defer: str
    reject: str


class Deferral(Record):
    """A play that people put off. Until its day the account keeps an owner, a next step and a date."""

    account_id: str
    name: str
    since: date
    """Day of the review that deferred it."""
    until: date
    by: str
    reason: str
