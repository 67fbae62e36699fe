"""Changes of people to a save play. Every term is a choice from the account's own facts, people and the vocabulary.

Only a remark holds free words. It stands apart from the checked plan, with the name of who wrote it.
"""

from datetime import date

from pydantic import ConfigDict, Field

from domain.days import PlausibleDay
from domain.record import Record

MAX_ADDED = 6
"""Steps that people may add to one play: a play holds about ten."""
MAX_REMARK = 600
"""Characters of a remark: a few sentences."""


class AddedStep(Record):
    """Step that a person adds to a play."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    verb: str = Field(description="A verb of plan.yaml.")
    about: str | None = Field(default=None, description="Id of a fact of the account, as ticket:T-22263.")
    person: str | None = Field(default=None, alias="with", description="Id of a contact's fact, or of a colleague.")
    asks: tuple[str, ...] = Field(default=(), max_length=6, description="Questions of plan.yaml.")
    because: tuple[str, ...] = Field(default=(), max_length=3, description="Ids of facts that call for it.")
    result: str | None = Field(default=None, description="A result of plan.yaml.")
    owner: str = Field(description="Person id of who does it.")
    by: PlausibleDay
    model: str = Field(default="", max_length=120, description="Model that added it; empty: a person did.")


class TargetChange(Record):
    """Change of one success criterion."""

    by: PlausibleDay | None = None
    at_least: float | None = Field(default=None, ge=0, le=1e9, allow_inf_nan=False)
    state: str | None = Field(default=None, description="A result of plan.yaml.")


class Remark(Record):
    """A person's own words about a step, or about the whole play."""

    text: str
    by: str
    on: date
    at: str = ""
    """Id of the action; empty: the whole play."""
    untraced: tuple[str, ...] = ()
    """Numbers in it that the record of the account does not hold. They are pointed out, not refused."""


class PlayEdits(Record):
    """Everything that people changed in a play beside owners, dates and the choice of steps. It goes on with the play."""

    by: str = ""
    cause: str = ""
    """Cause that people named instead of the review's; empty: as the review found it."""
    added: tuple[AddedStep, ...] = ()
    people: dict[str, str] = {}
    """By action: with whom it is done."""
    after: dict[str, str] = {}
    """By action: the action whose result it needs."""
    targets: dict[str, TargetChange] = {}
    """By name of a success criterion."""
    remarks: tuple[Remark, ...] = ()


NO_EDITS = PlayEdits()
