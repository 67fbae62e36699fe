"""Decisions of people about a review, as in ``decisions.yaml``. Each is checked here before the review continues."""

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from domain.days import PlausibleDay
from domain.record import Record


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
        default_factory=dict, description="For edit: action id to what is to be done, in a person's own words."
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

    @model_validator(mode="after")
    def _complete(self) -> Self:
        changed = bool(self.owners or self.dates or self.drop or self.swap or self.wording)
        if self.decision == "reject" and not self.reason.strip():
            raise ValueError(f"{self.account}: a rejection needs a reason")
        if self.decision == "defer" and self.until is None:
            raise ValueError(f"{self.account}: a deferral needs a date (until: 2026-12-07)")
        if self.decision == "edit" and not changed:
            raise ValueError(f"{self.account}: an edit names owners, dates, drop, swap or wording")
        if self.decision != "edit" and changed:
            raise ValueError(f"{self.account}: owners, dates, drop, swap and wording belong to an edit")
        return self


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
