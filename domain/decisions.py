"""Decisions of people about a review, as in ``decisions.yaml``. Each is checked here before the review continues."""

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from domain.days import PlausibleDay
from domain.play_edits import MAX_ADDED, AddedStep, TargetChange
from domain.record import Record

_EDITS = "owners, dates, drop, swap, cause, add, people, after, targets or remarks"


class PlayDecision(Record):
    """Decision about one save play."""

    account: str = Field(description="Account id.")
    decision: Literal["approve", "edit", "reject", "defer", "continue"] = Field(
        description="For a running play also continue, change (approve) and stop (reject)."
    )
    reason: str = ""
    until: PlausibleDay | None = Field(default=None, description="For defer: when it comes back.")
    owners: dict[str, str] = Field(default_factory=dict, description="For edit: action id to person id.")
    dates: dict[str, PlausibleDay] = Field(default_factory=dict, description="For edit: action id to a new due date.")
    drop: tuple[str, ...] = Field(default=(), description="For edit: action ids to leave out.")
    swap: dict[str, str] = Field(
        default_factory=dict,
        description="For edit: action id to the library action of the same phase that replaces it.",
    )
    wording: dict[str, str] = Field(
        default_factory=dict, description="As ``remarks``, under the name that files of an older version use."
    )
    cause: str = Field(default="", description="For edit: a cause of causes.yaml; the play is planned again for it.")
    add: tuple[AddedStep, ...] = Field(default=(), max_length=MAX_ADDED, description="For edit: steps to add.")
    people: dict[str, str] = Field(
        default_factory=dict, description="For edit: action id to the fact id of the contact whom it is done with."
    )
    after: dict[str, str] = Field(
        default_factory=dict, description="For edit: action id to the action whose result it needs; empty: none."
    )
    targets: dict[str, TargetChange] = Field(
        default_factory=dict, description="For edit: name of a success criterion to its change."
    )
    remarks: dict[str, str] = Field(
        default_factory=dict, description="For edit: action id, or play, to a remark in a person's own words."
    )
    by: str = Field(default="", description="Name of who decided this one; empty: ``decided_by`` of the file.")
    version: str | None = Field(
        default=None, description="Version of the play that was read; refused if the play changed since."
    )

    @field_validator("decision", mode="before")
    @classmethod
    def _running_words(cls, given: object) -> object:
        """The words that people use about a running play: change it, stop it."""
        return {"change": "approve", "stop": "reject"}.get(given, given) if isinstance(given, str) else given

    @field_validator("add")
    @classmethod
    def _added_by_people(cls, given: tuple[AddedStep, ...]) -> tuple[AddedStep, ...]:
        """A step of a decision is a person's, whatever the file says."""
        return tuple(step.model_copy(update={"model": ""}) for step in given)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        changed = bool(self.owners or self.dates or self.drop or self.replans)
        if self.decision == "reject" and not self.reason.strip():
            raise ValueError(f"{self.account}: a rejection needs a reason")
        if self.decision == "defer" and self.until is None:
            raise ValueError(f"{self.account}: a deferral needs a date (until: 2026-12-07)")
        if self.decision == "edit" and not changed:
            raise ValueError(f"{self.account}: an edit names {_EDITS}")
        if self.decision != "edit" and changed:
            raise ValueError(f"{self.account}: {_EDITS} belong to an edit")
        return self

    @property
    def own_words(self) -> dict[str, str]:
        """The remarks by action id, or ``play``."""
        return {**self.wording, **self.remarks}

    @property
    def replans(self) -> bool:
        """True if the edit changes more than owners and dates: the play is made again from the library."""
        parts = (self.swap, self.cause, self.add, self.people, self.after, self.targets, self.own_words)
        return any(parts)


class CloseDecision(Record):
    """Close of the meeting: owners for critical accounts without one, and notes."""

    owners: dict[str, str] = Field(
        default_factory=dict, description="Account id to person id, for accounts without one."
    )
    notes: str = ""


class Decisions(Record):
    """Decisions file. ``rest`` says what happens to plays that it does not name."""

    review: str
    decided_by: str = Field(min_length=1)
    plays: tuple[PlayDecision, ...] = ()
    rest: Literal["approve", "reject", "ask"] = Field(
        default="ask", description="What happens to plays not named: ask refuses the file and lists them."
    )
    others: Literal["approve", "reject"] | None = Field(
        default=None, description="Primary actions of accounts in the plan that have no play and are not named."
    )
    budget: float | None = Field(
        default=None, ge=0, lt=1e12, allow_inf_nan=False, description="Approved budget in the home currency."
    )
    hours: dict[str, Annotated[float, Field(ge=0, lt=1e6, allow_inf_nan=False)]] = Field(
        default_factory=dict, description="Approved hours by role."
    )
    close: CloseDecision | None = None
    unattended: bool = False

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        named = [play.account for play in self.plays]
        twice = sorted({account for account in named if named.count(account) > 1})
        if twice:
            raise ValueError(f"{twice[0]} is decided twice")
        return self
