"""The plan language: what a step of a save play is made of. Every term is a choice that code checks; none is free text.

A playbook action has open places (``FactQuery``, ``PersonQuery``). For one account, code fills them with facts by id, and the
result is a ``Step``. The wording of verbs, questions and results is in ``configs/plan.yaml``.
"""

import re
from datetime import date
from typing import Literal, Self

from pydantic import ConfigDict, Field, model_validator

from domain.record import Record
from domain.tables import Role

FactKind = Literal[
    "ticket", "quotation", "contact", "invoice", "goal", "meeting", "promise", "usage", "renewal", "incident"
]
AmountKind = Literal["seats_in_use", "contract_amount", "amount_due"]
Anchor = Literal["about", "renewal"]


class FactQuery(Record):
    """An open place for a fact: which facts of an account may fill it. All conditions have to hold."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    kind: FactKind
    tests: tuple[str, ...] = Field(default=(), alias="is")
    """Names of tests, for example ``open`` or ``overdue``; the list is in ``tools/save_play/fact_tests.py``."""
    says: tuple[str, ...] = ()
    """For quotations: kinds of statements, one of which it has to be."""
    role: tuple[str, ...] = ()
    """For contacts: their roles; the first role that anybody has is preferred."""


class PersonQuery(Record):
    """An open place for a person: of the customer (a contact) or of ours (a role)."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    contact: FactQuery | None = None
    ours: Role | None = None

    @model_validator(mode="after")
    def _one_side(self) -> Self:
        if (self.contact is None) == (self.ours is None):
            raise ValueError("name either a contact or one of our roles")
        if self.contact is not None and self.contact.kind != "contact":
            raise ValueError("the contact of a step is a fact of the kind contact")
        return self


class DateAnchor(Record):
    """A date that the step has to come before."""

    before: Anchor
    """``about``: the date of the fact that the step is about; ``renewal``: the renewal."""
    days: int = Field(ge=0, le=90, description="Calendar days between the step and that date.")


class Amount(Record):
    """A number that code computed from a fact."""

    kind: AmountKind
    fact: str
    value: float
    shown: str


class StepPerson(Record):
    """Person that a step is done with."""

    name: str
    """Words of the sentence: a name, or a role that a fact proves, as "the new CFO"."""
    fact: str | None
    """Id of the contact's fact; None for a colleague."""
    person_id: str | None
    """Id of a colleague; None for somebody of the customer or a role nobody has."""


class Step(Record):
    """A step of one account's plan: a playbook action with its places filled."""

    verb: str
    about: str | None = None
    """Id of the fact that the step is about."""
    person: StepPerson | None = None
    asks: tuple[str, ...] = ()
    """Ids of questions in ``configs/plan.yaml``."""
    because: tuple[str, ...]
    """Ids of the facts that call for the step."""
    result: str | None = None
    amount: Amount | None = None
    after: str | None = None
    """Id of the action of the same play whose result this step needs."""

    @property
    def is_specific(self) -> bool:
        """True if it names a fact beyond the account's own header, so that another account has another step."""
        return self.about is not None or bool(self.because)


class Target(Record):
    """A goal of a play, in terms that code checks. ``at_least`` is a number, ``state`` a result of ``plan.yaml``."""

    measure: str
    """Id of a measure in ``configs/plan.yaml``."""
    of: str | None = None
    """Id of the fact that is measured."""
    at_least: float | None = None
    today: float | None = None
    """Value of the measure today; None where it has none or is unknown."""
    state: str | None = None
    by: date


class Exit(Record):
    """Condition for ending a play, in terms that code checks: ids in ``configs/plan.yaml``, and the fact it is about."""

    when: str
    about: str | None = None
    exit: str
    way_back: str


class Worded(Record):
    """One term of the vocabulary with its wording."""

    says: str = Field(min_length=3, max_length=200)


class Verb(Worded):
    """An activity of a step, with the wording and the hours of a step that a person adds."""

    step: str = Field(
        default="", max_length=90, description="Words of a step: {with} and {about}; [ ] is left out without a fact."
    )
    """Empty in a vocabulary of an older version: people cannot add a step with it."""
    channel: Literal["call", "meeting", "email", "document", "internal"] = "internal"
    hours: float = Field(default=1, gt=0, le=16, description="Usual hours of the owner.")
    concession: bool = Field(default=False, description="Gives money away.")

    @property
    def needs_person(self) -> bool:
        """True if the step makes no sense without somebody it is done with."""
        return "{with}" in self._always

    @property
    def needs_fact(self) -> bool:
        """True if the step makes no sense without something that it is about."""
        return "{about}" in self._always

    @property
    def _always(self) -> str:
        return re.sub(r"\[[^]]*\]", "", self.step)

    def words(self, about: bool, person: bool) -> str:
        """The words of a step, with the parts in brackets that have a fact or a person."""
        missing = [slot for slot, known in (("{about}", about), ("{with}", person)) if not known]
        kept = re.sub(r"\[([^]]*)\]", lambda part: "" if any(s in part[1] for s in missing) else part[1], self.step)
        return " ".join(kept.split())


class Measure(Worded):
    """A measure of success: ``says`` with {of}, and the words for its number, {at_least} and {today}."""

    number: str = Field(default="", max_length=90)
    kept: str = Field(default="", max_length=90, description="Words where it only has to stay as it is.")
    unknown: str = Field(default="", max_length=90, description="Words where today's value is not known.")
    beyond: int = Field(default=1, ge=1, le=50, description="By how much a count has to pass today's value.")
    at_least: int = Field(default=1, ge=1, le=100, description="The smallest count that will do.")


class PlanVocabulary(Record):
    """The closed vocabulary of plans: ``configs/plan.yaml``. A team adds its own terms."""

    verbs: dict[str, Verb]
    questions: dict[str, Worded]
    results: dict[str, Worded]
    measures: dict[str, Measure] = {}
    """These four are empty in a vocabulary of an older version."""
    conditions: dict[str, Worded] = {}
    exits: dict[str, Worded] = {}
    ways_back: dict[str, Worded] = {}
