"""What a save play for one account may be made of: its evidence, its library, its people, its days.

Pure. The playbook drafter, the model and the verifier all work inside the same frame.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property

from domain.configuration import Configuration
from domain.dossier import Dossier, Person
from domain.drafting import FIRST_TOUCH
from domain.playbook import PHASES, Phase, Playbook, PlaybookAction, PlayTier, Role
from domain.review import CauseFinding, Evidence
from tools.evidence.causes import UNDETERMINED
from tools.save_play.expected_value import Record
from tools.save_play.selection import PER_PHASE, Team, adverse, due_date, fitting, opening, pace, slots, team_of, window
from tools.working_days import WorkingDays

MOST_OPTIONS = 5
"""Actions offered a phase: beyond five the evidence no longer tells them apart."""
_MOST_PEOPLE = 3


@dataclass(frozen=True)
class Option:
    """One action of the library that fits, with who may own it and on which days."""

    action: PlaybookAction
    owners: tuple[str, ...]
    """Handles, the usual owner first."""
    days: tuple[date, ...]


@dataclass(frozen=True)
class Frame:
    """One account and everything its play may use.

    ``created`` is the day the play starts, ``today`` the review: they differ when a play goes on. ``excluded`` are
    actions that were tried already and must not be offered again; ``tried`` says so in words.
    """

    dossier: Dossier
    finding: CauseFinding
    configuration: Configuration
    calendar: WorkingDays
    people: Mapping[str, Person]
    created: date
    today: date
    records: Mapping[str, Record] = field(default_factory=dict)
    excluded: frozenset[str] = frozenset()
    tried: tuple[str, ...] = ()

    @cached_property
    def playbook(self) -> Playbook:
        """The library for the cause; the diagnosis when it is undetermined."""
        name = "diagnosis" if self.finding.category == UNDETERMINED else self.finding.category
        return self.configuration.playbooks[name]

    @cached_property
    def tier(self) -> PlayTier:
        """How urgent: what is not critical or high is treated as medium."""
        tier = self.dossier.intervention_tier
        return tier if tier in ("critical", "high") else "medium"

    @cached_property
    def team(self) -> Team:
        """Our people around the account."""
        return team_of(self.dossier, self.people)

    @cached_property
    def words(self) -> dict[str, str]:
        """What the name slots are filled with."""
        return slots(self.dossier, self.team, self.playbook.cause)

    @cached_property
    def speed(self) -> float:
        """How much of the eight weeks fits before the renewal."""
        return pace(self.dossier.renewal_in_days)

    @cached_property
    def owners(self) -> dict[str, tuple[Role, Person | None]]:
        """Handle to role and person: ``csm``, ``product``, ``product_2``; None where nobody is named yet."""
        found: dict[str, tuple[Role, Person | None]] = {}
        for role, usual in self.team.by_role.items():
            found[role] = (role, usual)
            if role in ("csm", "exec_sponsor", "cs_manager"):
                continue  # these belong to the account, the others to their trade
            others = [p for p in self.people.values() if p.role == role and usual and p.person_id != usual.person_id]
            others.sort(key=lambda person: person.person_id)
            for number, person in enumerate(others[: _MOST_PEOPLE - 1], start=2):
                found[f"{role}_{number}"] = (role, person)
        return found

    def handles(self, role: Role) -> tuple[str, ...]:
        """Who may own an action of this role."""
        return tuple(handle for handle, (own, _) in self.owners.items() if own == role)

    @cached_property
    def evidence(self) -> tuple[Evidence, ...]:
        """The facts that are worth a line in the dossier: what speaks against the account first."""
        limit = int(self.configuration.model.evidence_lines.value)
        worse = [fact for fact in self.dossier.evidence if fact.direction == "worse"]
        better = [fact for fact in self.dossier.evidence if fact.direction == "better"]
        chosen = [*worse[: limit - 2], *better[:2]] if better else worse[:limit]
        order = {fact.id: place for place, fact in enumerate(self.dossier.evidence)}
        return tuple(sorted(chosen, key=lambda fact: order[fact.id]))

    @cached_property
    def options(self) -> dict[str, tuple[Option, ...]]:
        """What may be chosen: the first touch, then each phase."""
        against, difficulty = adverse(self.dossier), self.finding.difficulty
        found: dict[str, tuple[Option, ...]] = {}
        for phase in PHASES:
            usable = [
                action
                for action in fitting(self.playbook.phase(phase), self.tier, difficulty, against)
                if action.id not in self.excluded
            ]
            if phase == PHASES[0]:
                touches = [action for action in usable if action.first_touch]
                first = opening(touches, self.tier, against)
                touches.sort(key=lambda action: action.id != first.id)
                usable = [action for action in usable if not action.first_touch]
                usable += touches[3:]
                found[FIRST_TOUCH] = tuple(self._option(phase, action) for action in touches[:3])
            found[phase] = tuple(self._option(phase, action) for action in usable[:MOST_OPTIONS])
        return found

    def count(self, place: str) -> tuple[int, int]:
        """Fewest and most actions to choose for a place of the draft."""
        available = len(self.options[place])
        if place == FIRST_TOUCH:
            return 1, 1
        wanted = (2, 3) if place == PHASES[0] else (PER_PHASE["address"], PER_PHASE["address"])
        return min(wanted[0], available), min(wanted[1], available)

    def _option(self, phase: Phase, action: PlaybookAction) -> Option:
        return Option(action, self.handles(action.owner_role), self._days(phase, action))

    def _days(self, phase: Phase, action: PlaybookAction) -> tuple[date, ...]:
        """Working days of the action's window; what is written comes after the first conversation."""
        first, last = window(phase, action.days, self.created, self.speed)
        first = max(first, self.today)
        if phase == PHASES[0] and not action.first_touch and action.customer_facing:
            first = max(first, self._touched_by)
        days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        working = tuple(day for day in days if self.calendar.is_working(day))
        usual = due_date(phase, action, self.created, self.speed, self.calendar)
        return working or (max(usual, self.calendar.on_or_after(first)),)

    @cached_property
    def _touched_by(self) -> date:
        """The last day on which the customer is first spoken to."""
        touches = [action for action in self.playbook.stabilise if action.first_touch]
        ends = [window("stabilise", action.days, self.created, self.speed)[1] for action in touches]
        return max((self.calendar.on_or_after(end) for end in ends), default=self.created)
