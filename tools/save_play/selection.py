"""Building a save play: which actions fit, who does them, by when.

Pure. The cause decides the playbook; evidence, tier and difficulty decide the actions; people come from the data.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Protocol

from domain.configuration import PhaseSettings, ReviewSettings
from domain.diagnosis import CauseFinding
from domain.dossier import Contact, Dossier, Person
from domain.evidence import SourceRow
from domain.plan_language import Step
from domain.play_edits import NO_EDITS
from domain.playbook import PHASES, Phase, Playbook, PlaybookAction, PlayTier
from domain.save_play import PlayAction, PlayPhase, SavePlay
from domain.tables import Role
from tools.wording import plain_name, safe_name
from tools.working_days import WorkingDays

_ROLE_WORDS = {
    "csm": "the CSM (to be assigned)",
    "cs_manager": "the CS manager (to be assigned)",
    "exec_sponsor": "our executive sponsor (to be assigned)",
    "support_lead": "the support lead (to be assigned)",
    "product": "the product manager (to be assigned)",
    "billing": "the billing team (to be assigned)",
}


def owner_placeholders(role: Role, playbook: Playbook) -> tuple[str, ...]:
    """The placeholders of a sentence that name the person with the role."""
    named: dict[str, Role] = {
        "csm": "csm",
        "manager": "cs_manager",
        "our_executive": "exec_sponsor",
        "specialist": playbook.specialist,
    }
    return tuple(slot for slot, own in named.items() if own == role)


def replace_name(text: str, old: str, new: str) -> str:
    """The text with one name for another; a word that only begins with the name stays, and so does a quotation."""
    quotation_or_name = rf"“[^”]*”|(?<!\w){re.escape(old)}(?!\w)"
    return re.sub(quotation_or_name, lambda found: new if found[0] == old else found[0], text)


def unassigned_role(role: str) -> str:
    """Name of a role in a sentence until a person is named."""
    return _ROLE_WORDS[role]


@dataclass(frozen=True)
class Team:
    """Our people around one account."""

    by_role: Mapping[Role, Person | None]

    def name(self, role: Role) -> str:
        """The person's name, or what the role is called until somebody is named."""
        person = self.by_role.get(role)
        return person.name if person else _ROLE_WORDS[role]


class OwnedAccount(Protocol):
    """An account with the ids of its own people."""

    @property
    def csm_id(self) -> str | None:
        """The CSM."""

    @property
    def exec_sponsor_id(self) -> str | None:
        """The executive sponsor."""


def account_team(
    dossier: OwnedAccount, people: Mapping[str, Person], free_hours: Mapping[str, float] | None = None
) -> Team:
    """The people of an account: its CSM and sponsor, the CSM's manager, and of each other role who has most hours free.

    Between equals the order of the ids decides, also where no hours are known.
    """
    free, of_role = free_hours or {}, dict[Role, list[Person]]()
    for person in sorted(people.values(), key=lambda person: (-free.get(person.person_id, 0.0), person.person_id)):
        of_role.setdefault(person.role, []).append(person)
    csm = people.get(dossier.csm_id or "")
    sponsor = people.get(dossier.exec_sponsor_id or "")
    manager = people.get(csm.manager_id or "") if csm else None

    def first(role: Role) -> Person | None:
        return next(iter(of_role.get(role, [])), None)

    has_hours = csm is not None and csm.weekly_hours != 0  # somebody on leave owns the account, but cannot act
    return Team(
        {
            "csm": csm if has_hours else manager if csm else None,
            "cs_manager": manager if manager and manager.role == "cs_manager" else first("cs_manager"),
            "exec_sponsor": sponsor or first("exec_sponsor"),
            "support_lead": first("support_lead"),
            "product": first("product"),
            "billing": first("billing"),
        }
    )


def find_contact(dossier: Dossier, *roles: str) -> Contact | None:
    """The first active contact in one of the roles, in the order of the roles."""
    for role in roles:
        for contact in dossier.contacts:
            if contact.active and contact.role == role:
                return contact
    return None


def placeholder_values(dossier: Dossier, team: Team, playbook: Playbook) -> dict[str, str]:
    """The names that the library's sentences are filled with."""
    main = find_contact(dossier, "champion", "economic_buyer", "exec_sponsor", "user")
    executive = find_contact(dossier, "exec_sponsor", "economic_buyer")
    champions = [contact for contact in dossier.contacts if contact.role == "champion"]
    champion = next((c for c in champions if c.active), champions[0] if champions else None)
    renewal = dossier.renewal_date.isoformat() if dossier.renewal_date else "the renewal"
    return {
        "account": safe_name(dossier.name, plain_name(dossier.account_id)),
        "contact": safe_name(main.name, "their main contact") if main else "their main contact (to be found)",
        "executive": safe_name(executive.name, "their executive")
        if executive
        else "their executive sponsor (to be found)",
        "champion": safe_name(champion.name, "their champion") if champion else "their champion (to be found)",
        "csm": team.name("csm"),
        "manager": team.name("cs_manager"),
        "our_executive": team.name("exec_sponsor"),
        "specialist": team.name(playbook.specialist),
        "renewal": renewal,
    }


def adverse_signals(dossier: Dossier) -> dict[str, float]:
    """Signals that speak against the account, with the risk they add."""
    return {fact.signal: fact.risk_points for fact in dossier.evidence if fact.direction == "worse"}


def suitable_actions(
    actions: Sequence[PlaybookAction],
    tier: PlayTier,
    difficulty: str,
    against: Mapping[str, float],
    steps: Mapping[str, Step | None],
) -> list[PlaybookAction]:
    """Actions for this tier and difficulty whose evidence is present and whose places are filled, the best first.

    Value comes before price: what gives money away comes last. What names a fact of this account comes before what would fit
    any account, then what is best supported, then the order of the library.
    """
    usable = [
        action
        for action in actions
        if tier in action.tiers
        and difficulty in action.difficulty
        and (not action.signals or any(signal in against for signal in action.signals))
        and steps[action.id] is not None
    ]
    support = {action.id: max((against.get(s, 0.0) for s in action.signals), default=0.0) for action in usable}

    def rank(action: PlaybookAction) -> tuple[bool, bool, float]:
        specific = _is_specific(steps[action.id])
        return action.concession, not specific, 0.0 if specific else -support[action.id]

    return sorted(usable, key=rank)


def _is_specific(step: Step | None) -> bool:
    return step is not None and step.is_specific


def choose_actions(
    suitable: Mapping[Phase, Sequence[PlaybookAction]],
    tier: PlayTier,
    against: Mapping[str, float],
    phases: Mapping[Phase, PhaseSettings],
    steps: Mapping[str, Step | None],
) -> dict[Phase, list[PlaybookAction]]:
    """The actions of each phase; phase 1 opens with a first touch, led by an executive for critical accounts."""
    chosen: dict[Phase, list[PlaybookAction]] = {}
    for phase in PHASES:
        options = list(suitable[phase])
        picked: list[PlaybookAction] = []
        if phase == "stabilise":
            touches = [action for action in options if action.first_touch]
            picked.append(choose_first_touch(touches, tier, against, steps))
            # A second first touch is worth its time only where it is about something else than "how are you".
            options = [action for action in options if not action.first_touch or _is_specific(steps[action.id])]
            options.sort(key=lambda action: not _is_specific(steps[action.id]) and 1 + (not _is_shown(action)))
        options.sort(key=lambda action: not any(signal in against for signal in action.needed_by))
        earlier = [action for actions in chosen.values() for action in actions]
        chosen[phase] = _without_repetition(picked, options, phases[phase].actions, steps, earlier)
    return chosen


def _without_repetition(
    picked: Sequence[PlaybookAction],
    options: Sequence[PlaybookAction],
    most: int,
    steps: Mapping[str, Step | None],
    earlier: Sequence[PlaybookAction],
) -> list[PlaybookAction]:
    """The first ``most`` actions that differ; others only where there are not enough."""
    found = list(picked)
    later: list[PlaybookAction] = []
    for action in options:
        if len(found) >= most:
            break
        if any(action is other for other in found):
            continue
        repeats = any(_is_same_step(steps[action.id], steps[other.id]) for other in (*earlier, *found))
        (later if repeats else found).append(action)
    return [*found, *later[: max(most - len(found), 0)]]


def _is_same_step(one: Step | None, other: Step | None) -> bool:
    """True if two steps do the same thing with the same person; our own company is asked for an answer once."""
    if one is None or other is None or not one.verb or one.verb != other.verb:
        return False
    return one.person == other.person or one.verb == "get_answer"


def _is_shown(action: PlaybookAction) -> bool:
    """True if the customer sees it, or gets it in writing."""
    return action.channel == "document" or action.customer_facing


def choose_first_touch(
    touches: Sequence[PlaybookAction], tier: PlayTier, against: Mapping[str, float], steps: Mapping[str, Step | None]
) -> PlaybookAction:
    """The first touch: about a fact of this account if any is, then what the evidence asks for, then by tier.

    An executive opens for critical accounts and the CSM for others.
    """
    touches = [touch for touch in touches if _is_specific(steps[touch.id])] or touches
    supported = [touch for touch in touches if any(signal in against for signal in touch.signals)]
    if supported:
        return supported[0]
    wanted = ("exec_sponsor", "cs_manager") if tier == "critical" else ("csm",)
    return next((touch for touch in touches if touch.owner_role in wanted), touches[0])


def schedule_scale(renewal_in_days: int | None, settings: ReviewSettings) -> float:
    """Share of the play's usual time that fits before the renewal: 1 if all of it does, never below the shortest."""
    if renewal_in_days is None or renewal_in_days < 0 or renewal_in_days >= settings.play_days:
        return 1.0
    return max(renewal_in_days / settings.play_days, settings.shortest_schedule.value)


def action_window(phase: Phase, days: tuple[int, int], created: date, speed: float) -> tuple[date, date]:
    """First and last calendar day, drawn together when the renewal is near; week 1 keeps its length."""
    start, end = days if phase == "stabilise" else (round(7 + (d - 7) * speed) for d in days)
    return created + timedelta(days=start), created + timedelta(days=max(start, end))


def due_date(phase: Phase, action: PlaybookAction, created: date, speed: float, calendar: WorkingDays) -> date:
    """The working day at the middle of the action's window, or the nearest one within it."""
    first, last = action_window(phase, action.days, created, speed)
    middle = first + (last - first) // 2
    due = calendar.on_or_before(middle)
    return due if due >= max(first, created) else calendar.on_or_after(middle)


def supporting_evidence(dossier: Dossier, action: PlaybookAction, finding: CauseFinding) -> tuple[str, ...]:
    """The evidence that calls for the action: its own signals where present, else the cause's strongest."""
    own = [fact.id for fact in dossier.evidence if fact.signal in action.signals and fact.direction == "worse"]
    return tuple(own[:3]) or finding.evidence[:2]


def build_phase(
    name: Phase, settings: PhaseSettings, actions: Sequence[PlayAction], created: date, speed: float
) -> PlayPhase:
    """One phase with its actions in the order of their dates."""
    starts, ends = action_window(name, settings.days, created, speed)
    as_usual = speed == 1 or name == "stabilise"
    title = settings.title if as_usual else f"{settings.title}, drawn together before the renewal"
    ordered = sorted(actions, key=lambda action: (action.due, action.id))
    return PlayPhase(phase=name, title=title, starts=starts, ends=ends, actions=tuple(ordered))


_DECIDED_PARTS = frozenset(
    {
        "account_id", "name", "arr", "currency", "contract_arr", "contract_currency", "risk_level", "intervention_tier",
        "renewal_date", "renewal_in_days", "created", "owner", "owner_id", "verified", "cause", "root_cause", "opening",
        "questions", "phases", "success_criteria", "walk_away", "cadence", "escalation", "expected_value",
    }
)  # fmt: skip
"""The parts of a play that people decide on. Listed, so that a part added later does not change every version."""
_NOT_DECIDED = {"phases": {"__all__": {"actions": {"__all__": {"began"}}}}}
"""Where a step comes from is shown and not decided."""
_DECIDED_EVIDENCE = frozenset({"id", "signal", "statement", "value", "shown", "unit", "direction", "observed_on"})
"""The parts of a piece of evidence that people read: no file name, no row number."""


def play_version(play: SavePlay) -> str:
    """Hash of the content that people decide on: 12 hexadecimal digits.

    The same customer data gives the same version, however its rows are ordered and in whichever file format they come.
    Stored decisions carry versions: another content of the hash makes every pending choice be asked for again.
    """
    content = play.model_dump(mode="json", include=set(_DECIDED_PARTS), exclude=_NOT_DECIDED)
    content["evidence"] = [
        {
            **fact.model_dump(mode="json", include=set(_DECIDED_EVIDENCE)),
            "keys": sorted(f"{row.table} {_source_key(row)}" for row in fact.rows),
        }
        for fact in play.evidence
    ]
    if play.edits != NO_EDITS:
        content["edits"] = play.edits.model_dump(mode="json")
        for added in content["edits"]["added"]:
            if not added["model"]:  # as before there were steps of a model: a person's step keeps its version
                del added["model"]
    body = json.dumps(content, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(body.encode()).hexdigest()[:12]


def _source_key(row: SourceRow) -> str:
    """Id or date of the row; a row that has neither is known by its content."""
    return row.text if row.key == f"row {row.row}" else row.key


def concession_cost(actions: Sequence[PlaybookAction], arr: float, settings: ReviewSettings) -> float:
    """Money set aside for concessions: the owner's authority, when the plan contains one."""
    return round(arr * settings.concession_share.value, 2) if any(action.concession for action in actions) else 0.0
