"""Playbooks: the actions that a team may take against one cause, written by people in ``configs/playbooks/``.

A save play is chosen from one playbook. Words in braces are filled with names when the play is drafted. No others exist:
{account}, {contact}, {champion}, {executive} (of the customer), {csm}, {manager}, {our_executive}, {specialist}, {renewal};
and for the places of a step {about}, {with} and {amount}.
"""

import re
from typing import Literal, Self

from pydantic import ConfigDict, Field, field_validator, model_validator

from domain.plan_language import AmountKind, DateAnchor, FactQuery, PersonQuery
from domain.record import Record
from domain.tables import Role

Phase = Literal["stabilise", "address", "rebuild"]
Difficulty = Literal["easy", "moderate", "hard"]
PlayTier = Literal["critical", "high", "medium"]
Channel = Literal["call", "meeting", "email", "document", "internal"]
SPOKEN_CHANNELS: tuple[Channel, ...] = ("call", "meeting")
"""Channels on which two people talk."""

DIAGNOSIS = "diagnosis"
"""The playbook that finds the cause where the evidence names none."""
PHASES: tuple[Phase, ...] = ("stabilise", "address", "rebuild")
NAME_SLOTS = frozenset(
    {"account", "contact", "champion", "executive", "csm", "manager", "our_executive", "specialist", "renewal"}
)
"""Slots that names fill, the same in every text about an account."""
SLOTS = NAME_SLOTS | {"about", "with", "amount"}
"""Slots of a playbook's texts: names, and the places of one step."""


def _check_slots(text: str) -> str:
    unknown = set(re.findall(r"{([^}]*)}", text)) - SLOTS
    if unknown:
        raise ValueError(f"unknown slot {sorted(unknown)[0]!r}; known: {', '.join(sorted(SLOTS))}")
    return text


class PlaybookAction(Record):
    """One action of a playbook, in one phase: a step with open places, which the facts of an account fill."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    id: str = Field(pattern=r"^[a-z]+(-[a-z0-9]+)+$")
    title: str = Field(max_length=90, description="A short imperative.")
    what: str = Field(min_length=20, max_length=420, description="What exactly is done, in one or two sentences.")
    owner_role: Role
    days: tuple[int, int] = Field(description="First and last calendar day after the play starts.")
    effort_hours: float = Field(gt=0, le=40, description="Hours of the owner.")
    channel: Channel
    customer_facing: bool = Field(description="Whether the customer sees or hears it.")
    purpose: str = Field(min_length=20, max_length=300, description="How this addresses the cause.")
    metric: str = Field(min_length=5, max_length=160, description="The measure it should move.")
    first_touch: bool = Field(default=False, description="May open the play: a call or a meeting, by day 2.")
    signals: tuple[str, ...] = Field(default=(), description="Signals that make it apt; empty: always apt.")
    needed_by: tuple[str, ...] = Field(default=(), description="Signals that make it indispensable; still always apt.")
    tiers: tuple[PlayTier, ...] = ("critical", "high", "medium")
    difficulty: tuple[Difficulty, ...] = ("easy", "moderate", "hard")
    concession: bool = Field(default=False, description="Gives money away: only within the owner's authority.")
    verb: str = Field(default="", description="A verb of plan.yaml; empty in a library of an older version.")
    about: tuple[FactQuery, ...] = Field(default=(), description="What the step is about: the first that fits.")
    about_else: str = Field(default="", max_length=60, description="Words where no fact fits; empty: not offered then.")
    person: tuple[PersonQuery, ...] = Field(default=(), alias="with", description="With whom: the first that fits.")
    because: tuple[FactQuery, ...] = Field(default=(), description="Facts that call for it, beside what it is about.")
    asks: tuple[str, ...] = Field(default=(), description="Questions of plan.yaml that it has to answer.")
    result: str | None = Field(default=None, description="A result of plan.yaml that people can see.")
    amount: AmountKind | None = Field(default=None, description="A number that code computes for {amount}.")
    by: DateAnchor | None = Field(default=None, description="A date that it has to come before.")
    after: tuple[str, ...] = Field(
        default=(), description="Actions whose result it needs: the first of them in the play comes before it."
    )
    within_days: int | None = Field(
        default=None, ge=1, le=30, description="Days after that action by which it is due, or the next working day."
    )

    _slots = field_validator("title", "what", "purpose", "metric")(_check_slots)

    @property
    def plain_title(self) -> str:
        """The title without an account: its places hold general words."""
        words = dict.fromkeys(SLOTS, "the account")
        return self.title.format_map(
            {**words, "about": self.about_else or "the matter", "with": "them", "amount": "fewer"}
        )

    @model_validator(mode="after")
    def _a_first_touch_is_spoken(self) -> Self:
        if self.days[0] > self.days[1] or self.days[0] < 0:
            raise ValueError(f"{self.id}: days must run forward from 0")
        if self.first_touch and (self.channel not in SPOKEN_CHANNELS or self.days[1] > 2):
            raise ValueError(f"{self.id}: a first touch is a call or a meeting within two days")
        return self


class Criterion(Record):
    """One line of the success table: a measure of ``plan.yaml``, of what, and the number or the state to reach."""

    name: str
    measure: str = Field(default="", description="A measure of plan.yaml; empty in a library of an older version.")
    of: tuple[FactQuery, ...] = Field(default=(), description="The fact that is measured: the first that fits.")
    of_else: str = Field(default="", max_length=60, description="Words where no fact fits.")
    state: str | None = Field(default=None, description="A result of plan.yaml.")
    count: Literal["health", "people"] | None = Field(
        default=None, description="A number that code computes, beyond today's value."
    )
    week: int = Field(ge=1, le=12, description="Week of the play by whose end it is judged.")
    metric: str = Field(default="", description="Words of a library of an older version; else empty.")
    target: str = Field(default="", description="Words of a library of an older version; else empty.")
    health_target: bool = Field(
        default=False, description="Of a library of an older version: the health goal is added."
    )

    _slots = field_validator("metric", "target")(_check_slots)

    @model_validator(mode="after")
    def _one_target(self) -> Self:
        if not self.measure and self.metric and self.target:
            return self
        if not self.measure or (self.state is None) == (self.count is None):
            raise ValueError(f"{self.name}: name a measure, and either a state or a count")
        return self


class WalkAway(Record):
    """Condition, agreed in advance, for ending a play, and how to end it well.

    All are terms of ``plan.yaml``; in a library of an older version they are sentences.
    """

    when: str = Field(description="A condition.")
    about: tuple[FactQuery, ...] = Field(default=(), description="The fact that it is about: the first that fits.")
    about_else: str = Field(default="", max_length=60, description="Words where no fact fits.")
    exit: str = Field(description="The graceful exit.")
    way_back: str = Field(description="What would bring the customer back.")

    _slots = field_validator("when", "exit", "way_back")(_check_slots)


class Situation(Record):
    """Actions for a situation that cuts across causes: they are offered beside those of the cause's playbook."""

    situation: str = Field(pattern="^[a-z_]+$", description="The name of the file in ``configs/situations/``.")
    label: str
    when: tuple[FactQuery, ...] = Field(min_length=1, description="It holds when any of these places can be filled.")
    stabilise: tuple[PlaybookAction, ...] = ()
    address: tuple[PlaybookAction, ...] = ()
    rebuild: tuple[PlaybookAction, ...] = ()

    def phase(self, name: Phase) -> tuple[PlaybookAction, ...]:
        """The actions of one phase, in the order of the file."""
        actions: tuple[PlaybookAction, ...] = getattr(self, name)
        return actions

    @property
    def actions(self) -> tuple[PlaybookAction, ...]:
        """Every action, phase by phase."""
        return (*self.stabilise, *self.address, *self.rebuild)


class Playbook(Record):
    """All actions for one cause, or, for ``diagnosis``, for finding the cause."""

    cause: str = Field(pattern="^[a-z_]+$", description="The name of the file; a cause of ``causes.yaml``.")
    label: str
    specialist: Role = Field(description="The role that {specialist} names.")
    escalation: tuple[str, ...] = Field(
        default=(), description="When to involve whom, for this cause beside the others."
    )
    focus: str = Field(min_length=40, description="What a play for this cause is about, and what it must not become.")
    questions: tuple[str, ...] = Field(min_length=3, description="What to ask to confirm or reject this cause.")
    stabilise: tuple[PlaybookAction, ...] = Field(min_length=3)
    address: tuple[PlaybookAction, ...] = Field(min_length=3)
    rebuild: tuple[PlaybookAction, ...] = Field(min_length=3)
    success: tuple[Criterion, ...] = Field(min_length=3)
    walk_away: tuple[WalkAway, ...] = Field(min_length=3)

    @field_validator("escalation")
    @classmethod
    def _known_slots(cls, texts: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_check_slots(text) for text in texts)

    def phase(self, name: Phase) -> tuple[PlaybookAction, ...]:
        """The actions of one phase, in the order of the file."""
        actions: tuple[PlaybookAction, ...] = getattr(self, name)
        return actions

    @property
    def actions(self) -> tuple[PlaybookAction, ...]:
        """Every action, phase by phase."""
        return (*self.stabilise, *self.address, *self.rebuild)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        ids = [action.id for action in self.actions]
        if len(ids) != len(set(ids)):
            raise ValueError("an action id stands twice")
        phases = {action.id: place for place, phase in enumerate(PHASES) for action in self.phase(phase)}
        for action in self.actions:
            for other in action.after:
                if other == action.id or phases.get(other, 0) > phases[action.id]:
                    raise ValueError(f"{action.id}: after: {other!r} is not of this or an earlier phase")
        for tier in ("critical", "high", "medium"):
            for difficulty in ("easy", "moderate", "hard"):
                fitting = [a for a in self.stabilise if tier in a.tiers and difficulty in a.difficulty]
                if not any(action.first_touch for action in fitting):
                    raise ValueError(f"no first touch for a {tier} account with a {difficulty} save")
        return self
