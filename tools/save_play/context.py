"""Everything that a save play for one account may use: its evidence, its playbook, its people, its days.

Pure. The playbook drafter, the model and the verifier all work with the same context.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from itertools import zip_longest

from domain.configuration import Configuration
from domain.diagnosis import CauseFinding
from domain.dossier import Dossier, Person
from domain.drafting import FIRST_TOUCH
from domain.evidence import Evidence
from domain.facts import ContactFact, QuotationFact
from domain.plan_language import Step, StepPerson
from domain.play_edits import NO_EDITS, AddedStep, PlayEdits
from domain.playbook import DIAGNOSIS, PHASES, Phase, Playbook, PlaybookAction, PlayTier, Situation
from domain.tables import Role
from tools.evidence.causes import UNDETERMINED
from tools.evidence.fact_words import fact_reason
from tools.save_play.added_steps import added_action, added_id, added_step, find_person
from tools.save_play.binding import AccountFacts, bind
from tools.save_play.expected_value import SaveRecord
from tools.save_play.selection import (
    Team,
    account_team,
    action_window,
    adverse_signals,
    choose_first_touch,
    due_date,
    placeholder_values,
    schedule_scale,
    suitable_actions,
)
from tools.working_days import WorkingDays

_ROLE_WORDS = {
    "contact": "their main contact", "champion": "their champion", "executive": "their executive", "csm": "the CSM",
    "manager": "the CS manager", "our_executive": "our executive", "specialist": "our specialist",
    "renewal": "the renewal", "account": "the account",
}  # fmt: skip
MAX_OPTIONS = 5
"""Actions offered a phase: beyond five the evidence no longer tells them apart."""
_MAX_PEOPLE = 3


_OUR_ROLES: Mapping[Role, str] = {
    "csm": "our CSM", "cs_manager": "our CS manager", "exec_sponsor": "our executive", "support_lead": "our support lead",
    "product": "our product manager", "billing": "our billing colleague",
}  # fmt: skip


def our_role(person: Person, csm_id: str | None) -> str:
    """The role of one of ours at an account whose CSM is ``csm_id``, for readers who must not see names."""
    return "another CSM" if person.role == "csm" and person.person_id != csm_id else _OUR_ROLES[person.role]


@dataclass(frozen=True)
class ActionOption:
    """One action of the playbook that fits, with its possible owners and days."""

    action: PlaybookAction
    owners: tuple[str, ...]
    """Handles, the usual owner first."""
    days: tuple[date, ...]


class _Steps(dict[str, Step | None]):
    """Steps by action, filled when they are asked for: most of the library is not."""

    def __init__(self, fill: Callable[[str], Step | None]) -> None:
        super().__init__()
        self._fill = fill

    def __missing__(self, action_id: str) -> Step | None:
        self[action_id] = self._fill(action_id)
        return self[action_id]


@dataclass(frozen=True)
class PlayContext:
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
    records: Mapping[str, SaveRecord] = field(default_factory=dict)
    excluded: frozenset[str] = frozenset()
    tried: tuple[str, ...] = ()
    free_hours: Mapping[str, float] = field(default_factory=dict)
    """By person: hours left in the planning period."""
    edits: PlayEdits = NO_EDITS
    """Changes of people to the play."""

    @cached_property
    def playbook(self) -> Playbook:
        """The playbook for the cause; the diagnosis when it is undetermined."""
        name = DIAGNOSIS if self.finding.category == UNDETERMINED else self.finding.category
        return self.configuration.playbooks[name]

    @cached_property
    def facts(self) -> AccountFacts:
        """The account's facts of record, those that decided the cause first."""
        dossier = self.dossier
        return AccountFacts(dossier.facts, decisive_facts(dossier), (dossier.contract_arr, dossier.contract_currency))

    @cached_property
    def situations(self) -> tuple[Situation, ...]:
        """The situations that hold for the account beside the cause."""
        library = self.configuration.situations.values()
        return tuple(situation for situation in library if self.facts.first(situation.when) is not None)

    @cached_property
    def steps(self) -> Mapping[str, Step | None]:
        """By action: its places filled for this account; None where it cannot be offered."""
        return _Steps(self._step_of)

    def _step_of(self, action_id: str) -> Step | None:
        added = self.added_of(action_id)
        if added is not None:
            return self._with_chosen_person(action_id, added_step(added, self.facts, self.people))
        return self._with_chosen_person(action_id, bind(self._actions[action_id], self.facts, self._colleague))

    @property
    def known_actions(self) -> frozenset[str]:
        """Ids of all actions that the library has for the cause."""
        return frozenset(self._actions)

    @property
    def last_day(self) -> date:
        """The last day of the last phase."""
        settings = self.configuration.review.play_phases[PHASES[-1]]
        return action_window(PHASES[-1], settings.days, self.created, self.schedule_scale)[1]

    @cached_property
    def _actions(self) -> dict[str, PlaybookAction]:
        return {action.id: action for phase in PHASES for action in self.library(phase)}

    def _with_chosen_person(self, action_id: str, step: Step | None) -> Step | None:
        named = self.edits.people.get(action_id)
        chosen = find_person(named, self.facts, self.people) if named else None
        return step if step is None or chosen is None else step.model_copy(update={"person": chosen})

    def library(self, phase: Phase) -> tuple[PlaybookAction, ...]:
        """Every action that a play for this cause may have in a phase, also of situations that no longer hold, and those added."""
        situations = self.configuration.situations.values()
        others = self.configuration.causes.causes if self.finding.category == UNDETERMINED else ()
        return (
            *(action for situation in situations for action in situation.phase(phase)),
            *self.playbook.phase(phase),
            *(action for name in others for action in self._actions_of_other(name, phase)),
            *(action for at, action in self._added if at == phase),
        )

    def _actions_of_other(self, name: str, phase: Phase) -> list[PlaybookAction]:
        """The actions for a cause that is only possible: nothing that opens a play or gives money away."""
        actions = self.configuration.playbooks[name].phase(phase)
        return [action for action in actions if not (action.first_touch or action.concession)]

    def book_of(self, action: PlaybookAction) -> Playbook:
        """The playbook that an action comes from; that of the cause for one of a situation."""
        return self._books.get(action.id, self.playbook)

    @cached_property
    def _books(self) -> dict[str, Playbook]:
        books = self.configuration.playbooks.values() if self.finding.category == UNDETERMINED else ()
        return {action.id: book for book in books for phase in PHASES for action in book.phase(phase)}

    @cached_property
    def _added(self) -> tuple[tuple[Phase, PlaybookAction], ...]:
        """Steps that people added, each with its phase."""
        vocabulary = self.configuration.plan
        return tuple(
            (self.phase_on(each.by), added_action(each, vocabulary, self.people, self.created))
            for each in self.edits.added
        )

    def phase_on(self, day: date) -> Phase:
        """The phase of the play in which a day lies; the last one for later days."""
        settings = self.configuration.review.play_phases
        ends = {p: action_window(p, settings[p].days, self.created, self.schedule_scale)[1] for p in PHASES}
        return next((phase for phase in PHASES if day <= ends[phase]), PHASES[-1])

    def added_of(self, action_id: str) -> AddedStep | None:
        """The step that a person added under this id."""
        return next((each for each in self.edits.added if added_id(each) == action_id), None)

    def usable(self, phase: Phase) -> list[PlaybookAction]:
        """The actions of a phase that fit the account today, the best first.

        While the cause is undetermined, the steps of the diagnosis and those for each cause that it may be take turns; the
        latter only where a fact calls for them.
        """
        if phase not in self._usable:
            here = (a for situation in self.situations for a in situation.phase(phase))
            turns = [self._fitting((*here, *self.playbook.phase(phase)))]
            for name in self.finding.candidates if self.finding.category == UNDETERMINED else ():
                others = self._fitting(self._actions_of_other(name, phase))
                turns.append([action for action in others if (step := self.steps[action.id]) and step.is_specific])
            self._usable[phase] = [action for turn in zip_longest(*turns) for action in turn if action is not None]
        return list(self._usable[phase])

    def _fitting(self, actions: Sequence[PlaybookAction]) -> list[PlaybookAction]:
        signals = adverse_signals(self.dossier)
        fitting = suitable_actions(actions, self.tier, self.finding.difficulty, signals, self.steps)
        return [action for action in fitting if action.id not in self.excluded]

    @cached_property
    def _usable(self) -> dict[Phase, list[PlaybookAction]]:
        return {}

    def reason(self, fact_id: str) -> str | None:
        """The fact in words; None where it is no longer on record."""
        if fact_id not in self._reasons:
            fact = self.facts.by_id(fact_id)
            self._reasons[fact_id] = fact_reason(fact) if fact else None
        return self._reasons[fact_id]

    @cached_property
    def _reasons(self) -> dict[str, str | None]:
        return {}

    @cached_property
    def role_words(self) -> dict[str, str]:
        """Roles for the placeholders of the sentences, for readers who must not see names."""
        return {**dict.fromkeys(self.words, "the account"), **_ROLE_WORDS}

    def role_of(self, person: StepPerson) -> str:
        """The role of a step's person, for readers who must not see names."""
        fact = self.facts.by_id(person.fact)
        if isinstance(fact, ContactFact):
            return f"their {(fact.role or 'contact').replace('_', ' ')}" if fact.name else person.name
        ours = self.people.get(person.person_id or "")
        return our_role(ours, self.dossier.csm_id) if ours else "our colleague"

    def _colleague(self, role: Role) -> StepPerson | None:
        person = self.team.by_role.get(role)
        return StepPerson(name=self.team.name(role), fact=None, person_id=person.person_id if person else None)

    @cached_property
    def tier(self) -> PlayTier:
        """Urgency of the account: everything that is not critical or high counts as medium."""
        tier = self.dossier.intervention_tier
        return tier if tier in ("critical", "high") else "medium"

    @cached_property
    def team(self) -> Team:
        """Our people around the account."""
        return account_team(self.dossier, self.people, self.free_hours)

    @cached_property
    def words(self) -> dict[str, str]:
        """Names for the placeholders of the sentences."""
        return placeholder_values(self.dossier, self.team, self.playbook)

    def words_for(self, action: PlaybookAction) -> dict[str, str]:
        """The same for one action: {specialist} is that of its own playbook."""
        return {**self.words, "specialist": self.team.name(self.book_of(action).specialist)}

    @cached_property
    def schedule_scale(self) -> float:
        """Share of the play's usual time that fits before the renewal."""
        return schedule_scale(self.dossier.renewal_in_days, self.configuration.review)

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
            for number, person in enumerate(others[: _MAX_PEOPLE - 1], start=2):
                found[f"{role}_{number}"] = (role, person)
        return found

    def owner_handles(self, role: Role) -> tuple[str, ...]:
        """Handles of the people who may own an action of this role, the usual owner first."""
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
    def options(self) -> dict[str, tuple[ActionOption, ...]]:
        """Actions on offer: the first touch, then each phase."""
        against = adverse_signals(self.dossier)
        found: dict[str, tuple[ActionOption, ...]] = {}
        for phase in PHASES:
            usable = self.usable(phase)
            if phase == PHASES[0]:
                touches = [action for action in usable if action.first_touch]
                first = choose_first_touch(touches, self.tier, against, self.steps)
                touches.sort(key=lambda action: action.id != first.id)
                usable = [action for action in usable if not action.first_touch]
                usable += touches[3:]
                found[FIRST_TOUCH] = tuple(self._option(phase, action) for action in touches[:3])
            found[phase] = tuple(self._option(phase, action) for action in usable[:MAX_OPTIONS])
        return found

    def count(self, place: str) -> tuple[int, int]:
        """Fewest and most actions to choose for a place of the draft."""
        available = len(self.options[place])
        if place == FIRST_TOUCH:
            return 1, 1
        phase = next(phase for phase in PHASES if phase == place)
        most = self.configuration.review.play_phases[phase].actions
        if phase == PHASES[0]:  # the first touch is chosen apart, and one further action may be left out
            return min(most - 2, available), min(most - 1, available)
        return min(most, available), min(most, available)

    def _option(self, phase: Phase, action: PlaybookAction) -> ActionOption:
        return ActionOption(action, self.owner_handles(action.owner_role), self._days(phase, action))

    def _days(self, phase: Phase, action: PlaybookAction) -> tuple[date, ...]:
        """Working days of the action's window; what is written comes after the first conversation."""
        first, last = action_window(phase, action.days, self.created, self.schedule_scale)
        first = max(first, self.today)
        if phase == PHASES[0] and not action.first_touch and action.customer_facing:
            first = max(first, self._first_touch_deadline)
        days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        working = tuple(day for day in days if self.calendar.is_working(day))
        usual = due_date(phase, action, self.created, self.schedule_scale, self.calendar)
        return working or (max(usual, self.calendar.on_or_after(first)),)

    def due_date(self, phase: Phase, action: PlaybookAction) -> date:
        """The usual day of the action, brought forward where it has to come before a date of record."""
        usual = due_date(phase, action, self.created, self.schedule_scale, self.calendar)
        step = self.steps[action.id]
        if action.by is None or step is None:
            return usual
        anchor = self.facts.date_of(step.about) if action.by.before == "about" else self.dossier.renewal_date
        if anchor is None:
            return usual
        latest = self.calendar.on_or_before(anchor - timedelta(days=action.by.days))
        first = self.calendar.on_or_after(max(self.created, self.today))
        return usual if latest < first else min(usual, latest)  # a date that is past brings nothing forward

    @cached_property
    def _first_touch_deadline(self) -> date:
        """The last day on which the customer is first spoken to."""
        touches = [action for action in self.library(PHASES[0]) if action.first_touch]
        ends = [action_window("stabilise", action.days, self.created, self.schedule_scale)[1] for action in touches]
        return max((self.calendar.on_or_after(end) for end in ends), default=self.created)


def decisive_facts(dossier: Dossier) -> tuple[str, ...]:
    """Ids of the facts that decide what a plan is about: bad news in the customer's own words, the newest first, then noted."""

    def is_noted(fact: QuotationFact) -> bool:
        return fact.recorded_by is not None and fact.speaker is None

    quotations = [fact for fact in dossier.facts if isinstance(fact, QuotationFact)]
    said = [
        fact for fact in quotations if fact.tone == "bad" and fact.on is not None and fact.mode in (None, "asserted")
    ]
    ordered = sorted(said, key=lambda fact: (is_noted(fact), -_day_number(fact.on), fact.id))
    return tuple(fact.id for fact in ordered)


def _day_number(day: date | None) -> int:
    return day.toordinal() if day else 0
