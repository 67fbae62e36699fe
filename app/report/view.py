"""The review as the pages walk through it: look-ups by account, groups and counts. No wording and no markup here."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from app.report.file_names import person_stem, stems
from app.report.formatting import counted
from domain.diagnosis import CauseFinding, Pattern
from domain.facts import UnreadText
from domain.plan import AgendaItem, PlanLine, Prework, WaitingPlay
from domain.portfolio import AheadAccount, AtRiskAccount
from domain.review import Review
from domain.save_play import PlayAction, SavePlay
from domain.score_configuration import InterventionTier
from domain.tracking import Action, CalendarHold, Decision
from tools.evidence.fact_text import FactLine, FactText

_TIERS: tuple[InterventionTier, ...] = ("critical", "high", "medium", "watch")
_PERSONAL_PATTERNS = frozenset({"csm", "person", "owner"})
_BLOCKS = (
    ("briefing", ("portfolio", "overview")),
    ("new", ("new", "degradation")),
    ("follow-up", ("prior", "follow")),
    ("decide", ("deep", "dive")),
    ("resources", ("resource", "budget")),
    ("next-steps", ("assignment", "next step")),
)
"""Section of the page for an agenda item, by words in its title."""


@dataclass(frozen=True)
class ToDo:
    """One thing that the meeting has to do, and where the accounts behind it are."""

    text: str
    place: str
    """Where to look: ``decide``, ``resources``, ``owners``, ``capacity`` or ``overdue``; each page knows its address."""


@dataclass(frozen=True, order=True)
class FileOwner:
    """Somebody who gets files of their own."""

    name: str
    person_id: str | None

    @property
    def stem(self) -> str:
        """The name of their files."""
        return person_stem(self.name, self.person_id)

    def is_owner(self, owner: str, owner_id: str | None) -> bool:
        """True when an owner is this person: by id where there is one, else by name."""
        return owner_id == self.person_id and (owner_id is not None or owner == self.name)


_Owned = TypeVar("_Owned", Action, CalendarHold)
_Key = TypeVar("_Key")
_Thing = TypeVar("_Thing")


def _owner_key(name: str, person_id: str | None) -> str | tuple[str]:
    """The key of an owner: the id, or the name of one who has none."""
    return person_id or (name,)


def _grouped(pairs: Iterable[tuple[_Key, _Thing]]) -> dict[_Key, list[_Thing]]:
    found: dict[_Key, list[_Thing]] = {}
    for key, thing in pairs:
        found.setdefault(key, []).append(thing)
    return found


def _by_owner(things: Iterable[_Owned]) -> dict[str | tuple[str], list[_Owned]]:
    return _grouped((_owner_key(each.owner, each.owner_id), each) for each in things)


@dataclass(frozen=True)
class ReviewView:
    """One review, indexed."""

    review: Review
    root: str = ""
    """Path from the page to the folder of the review: empty, or ``../``."""

    @cached_property
    def lines(self) -> dict[str, AtRiskAccount]:
        """At-risk lines by account."""
        return {line.account_id: line for line in self.review.at_risk}

    @cached_property
    def ahead(self) -> dict[str, AheadAccount]:
        """Lines of the list that are not at risk, by account."""
        return {line.account_id: line for line in self.review.ahead}

    @cached_property
    def causes(self) -> dict[str, CauseFinding]:
        """Causes by account."""
        return {cause.account_id: cause for cause in self.review.causes}

    @cached_property
    def decisions(self) -> dict[str, Decision]:
        """The last decision on every subject."""
        return {decision.subject: decision for decision in self.review.decisions}

    @cached_property
    def ranked_plays(self) -> tuple[SavePlay, ...]:
        """The plays, in the order of the list."""
        last = len(self.review.listed) + 1
        rank = {line.account_id: line.rank for line in self.review.listed}
        return tuple(sorted(self.review.plays, key=lambda play: (rank.get(play.account_id, last), play.account_id)))

    @cached_property
    def _stems(self) -> dict[str, str]:
        return stems([*self.lines, *self.ahead, *(play.account_id for play in self.review.plays)])

    def stem(self, account_id: str) -> str:
        """The file name and anchor of an account that has a line or a play."""
        return self._stems[account_id]

    def has_page(self, account_id: str) -> bool:
        """True when there is a page about the account: it is on the list or has a play."""
        return account_id in self._stems

    @cached_property
    def plays(self) -> dict[str, SavePlay]:
        """Plays by account."""
        return {play.account_id: play for play in self.review.plays}

    @cached_property
    def account_pages(self) -> tuple[str, ...]:
        """Accounts with a page of their own, sorted."""
        return tuple(sorted(self._stems))

    def first_step(self, play: SavePlay) -> PlayAction | None:
        """The step of a play that is due first."""
        steps = [step for phase in play.phases for step in phase.actions]
        return min(steps, key=lambda step: step.due) if steps else None

    def steps_of(self, play: SavePlay) -> int:
        """Number of steps of a play."""
        return sum(len(phase.actions) for phase in play.phases)

    def name(self, account_id: str) -> str:
        """The name of an account, or its id when nothing names it."""
        return self._names.get(account_id, account_id)

    @cached_property
    def _names(self) -> dict[str, str]:
        review = self.review
        return (
            {line.account_id: line.name for line in review.intervention_plan}
            | {play.account_id: play.name for play in review.plays}
            | {line.account_id: line.name for line in self.review.listed}
            | {account.account_id: account.name for incident in review.incidents for account in incident.accounts}
        )

    def person(self, person_id: str | None) -> str | None:
        """The name of one of our people who has something to do in this review, or the id."""
        names = {person.person_id: person.name for person in self.people}
        return names.get(person_id, person_id) if person_id else None

    def fact_groups(self, account_id: str) -> list[tuple[str, list[FactLine]]]:
        """The facts of one account in the groups in which people read them."""
        facts = self.review.facts.get(account_id, ())
        if account_id in self.review.running:  # the steps of the play stand above them
            facts = tuple(fact for fact in facts if fact.source.table != "actions")
        return FactText.of(facts, self.review.incidents, self.review.as_of).groups()

    def closed_by_owner(self, person: FileOwner) -> list[Action]:
        """Actions of one person that the decisions of this review closed."""
        return [each for each in self.review.closed_actions if person.is_owner(each.owner, each.owner_id)]

    def closed_of(self, account_id: str) -> list[Action]:
        """Actions of one account that the decisions of this review closed."""
        return [action for action in self.review.closed_actions if action.account_id == account_id]

    def next_steps_of(self, account_id: str) -> list[Action]:
        """The next step of an account whose play was rejected or deferred."""
        play = self.plays.get(account_id)
        if play is not None and play.status not in ("rejected", "deferred"):
            return []
        return [a for a in self._actions_by_account.get(account_id, []) if a.kind in ("look_again", "primary")]

    @cached_property
    def _actions_by_account(self) -> dict[str, list[Action]]:
        return _grouped((action.account_id, action) for action in self.review.actions)

    def unread_texts(self, account_id: str) -> list[UnreadText]:
        """Texts of one account since the last review that nothing understood."""
        return self._unread_texts.get(account_id, [])

    @cached_property
    def _unread_texts(self) -> dict[str, list[UnreadText]]:
        return _grouped((text.account_id, text) for text in self.review.unread_texts)

    def section(self, item: AgendaItem) -> str:
        """The section of the page that an agenda item leads to."""
        title = item.title.lower()
        return next((section for section, words in _BLOCKS if any(word in title for word in words)), "briefing")

    def plan(self, tier: InterventionTier) -> list[PlanLine]:
        """The intervention plan of one tier."""
        return [line for line in self.review.intervention_plan if line.tier == tier]

    def plan_line(self, account_id: str) -> PlanLine | None:
        """The line of the intervention plan about an account."""
        return self._plan_lines.get(account_id)

    @cached_property
    def _plan_lines(self) -> dict[str, PlanLine]:
        return {line.account_id: line for line in self.review.intervention_plan}

    @property
    def tiers(self) -> tuple[InterventionTier, ...]:
        """Intervention tiers, worst first."""
        return _TIERS

    @cached_property
    def unattended(self) -> bool:
        """True when every decision was made by a setting and none by a person."""
        return bool(self.review.decisions) and all(decision.unattended for decision in self.review.decisions)

    @cached_property
    def at_risk_change(self) -> float | None:
        """Change in ARR at risk since last week; unknown in the first review."""
        bridge = {step.name: step.arr for step in self.review.portfolio.bridge}
        return bridge["closing"] - bridge["opening"] if {"opening", "closing"} <= bridge.keys() else None

    @cached_property
    def accounts_change(self) -> int | None:
        """Change in the number of accounts at risk since last week; unknown in the first review."""
        bridge = {step.name: step.accounts for step in self.review.portfolio.bridge}
        return bridge["closing"] - bridge["opening"] if {"opening", "closing"} <= bridge.keys() else None

    @cached_property
    def late_commitments(self) -> int:
        """Commitments of earlier reviews that are late or missed."""
        return self.commitment_counts["late"] + self.commitment_counts["missed"]

    @cached_property
    def kept_commitments(self) -> int:
        """Commitments of earlier reviews that were done, in time or late."""
        return self.commitment_counts["done"] + self.commitment_counts["done_late"]

    @cached_property
    def plan_count_text(self) -> str:
        """Accounts of the plan by priority: 16 critical, 19 high."""
        return ", ".join(f"{count.accounts} {count.name}" for count in self.review.plan_counts)

    @property
    def to_do_title(self) -> str:
        """Heading of what is to be done, by the state of the review."""
        titles = {"waiting_for_decisions": "Decide today", "waiting_for_close": "Before the close"}
        return titles.get(self.review.state, "Still open")

    @cached_property
    def to_do(self) -> list[ToDo]:
        """Open decisions and people who need help, each with the place of the accounts behind it."""
        review, needs = self.review, self.review.needs
        budget = needs.budget_needed > needs.budget
        found = [
            (len(self.undecided), counted(len(self.undecided), "play") + " to decide", "decide"),
            (len(needs.uncovered), counted(len(needs.uncovered), "critical account") + " without cover", "resources"),
            (int(budget), "More budget asked for than there is", "resources"),
            (len(review.owners_to_assign), counted(len(review.owners_to_assign), "account") + " without an owner", "owners"),
            (self.overloaded, counted(self.overloaded, "CSM") + " over capacity", "capacity"),
            (len(review.overdue), counted(len(review.overdue), "renewal") + " overdue", "overdue"),
        ]  # fmt: skip
        return [ToDo(text, address) for count, text, address in found if count]

    @cached_property
    def commitment_counts(self) -> Counter[str]:
        """Commitments of earlier reviews by what became of them."""
        return Counter(commitment.status for commitment in self.review.followup.commitments)

    @cached_property
    def overloaded(self) -> int:
        """Number of overloaded CSMs; their names are for managers."""
        return sum(line.overloaded for line in self.review.capacity)

    @cached_property
    def actions_a_week(self) -> tuple[float, float] | None:
        """Actions that a CSM gets a week, on average and at most; None when no load is known."""
        known = [line.actions_a_week for line in self.review.capacity if line.actions_a_week is not None]
        return (sum(known) / len(known), max(known)) if known else None

    def patterns(self, *, personal: bool) -> list[Pattern]:
        """Patterns about people, which are for managers, or all the others."""
        return [p for p in self.review.patterns if (p.kind in _PERSONAL_PATTERNS) == personal]

    @cached_property
    def waiting(self) -> dict[str, WaitingPlay]:
        """Plays beyond the hours, by account."""
        return {each.account_id: each for each in self.review.needs.waiting}

    def waits(self, play: SavePlay) -> bool:
        """True while nobody decided otherwise about a play beyond the hours."""
        return play.account_id in self.waiting and play.status in ("proposed", "deferred")

    @cached_property
    def undecided(self) -> list[SavePlay]:
        """Plays that wait for a decision; those beyond the hours wait for hours."""
        return [play for play in self.ranked_plays if play.status == "proposed" and not self.waits(play)]

    @cached_property
    def people(self) -> list[FileOwner]:
        """Everybody who owns something or prepares something in this review."""
        review = self.review
        found = {
            FileOwner(step.owner, step.owner_id) for play in review.plays for p in play.phases for step in p.actions
        }
        found |= {FileOwner(each.owner, each.owner_id) for each in (*review.actions, *review.closed_actions)}
        found |= {FileOwner(hold.owner, hold.owner_id) for hold in review.touchpoints}
        found |= {FileOwner(each.person, each.person_id) for each in review.prework}
        return sorted(found, key=lambda person: (person.name, person.person_id or ""))

    def actions_of(self, person: FileOwner) -> list[Action]:
        """The actions of one person, soonest first."""
        mine = self._actions.get(_owner_key(person.name, person.person_id), [])
        return sorted(mine, key=lambda action: (action.due, action.account_name, action.id))

    def accounts_of(self, person: FileOwner) -> frozenset[str]:
        """Accounts of the review that the person owns as their CSM, or has a line of the plan for."""
        listed = self._listed_by_csm.get(_owner_key(person.name, person.person_id), [])
        return frozenset((*listed, *self._planned_by_name.get(person.name, [])))

    @cached_property
    def _listed_by_csm(self) -> dict[str | tuple[str], list[str]]:
        return _grouped((_owner_key(line.csm or "", line.csm_id), line.account_id) for line in self.review.listed)

    @cached_property
    def _planned_by_name(self) -> dict[str, list[str]]:
        return _grouped((line.owner, line.account_id) for line in self.review.intervention_plan)

    @cached_property
    def _actions(self) -> dict[str | tuple[str], list[Action]]:
        return _by_owner(self.review.actions)

    def count_proposed(self, person: FileOwner) -> int:
        """Number of this person's actions in plays that wait for a decision."""
        steps = (step for play in self.undecided for phase in play.phases for step in phase.actions)
        return sum(person.is_owner(step.owner, step.owner_id) for step in steps)

    def touchpoints_of(self, person: FileOwner) -> list[CalendarHold]:
        """The calendar holds of one person."""
        mine = self._touchpoints.get(_owner_key(person.name, person.person_id), [])
        return sorted(mine, key=lambda each: (each.on, each.starts, each.uid))

    @cached_property
    def _touchpoints(self) -> dict[str | tuple[str], list[CalendarHold]]:
        return _by_owner(self.review.touchpoints)

    @cached_property
    def standup(self) -> list[tuple[str, list[Action]]]:
        """Unfinished actions that are late, due on the day of the review, and due in the six days after it."""
        today = self.review.as_of
        waiting = sorted(
            (a for a in self.review.actions if a.status in ("open", "late", "missed")),
            key=lambda a: (a.due, a.owner, a.id),
        )
        return [
            ("Late", [a for a in waiting if a.due < today]),
            ("Due today", [a for a in waiting if a.due == today]),
            ("Due this week", [a for a in waiting if 0 < (a.due - today).days < 7]),
        ]

    def open_commitments(self, account_id: str) -> list[str]:
        """Titles of what was promised for an account and is not done."""
        waiting = ("open", "late", "missed")
        found = (c for c in self.review.followup.commitments if c.account_id == account_id and c.status in waiting)
        return [f"{c.title} ({c.owner}, due {c.due.isoformat()}, {c.status})" for c in found]

    def prework_of(self, person: FileOwner) -> Prework | None:
        """The preparation of one person, or None."""
        return next((each for each in self.review.prework if each.person_id == person.person_id), None)

    @cached_property
    def critical(self) -> list[AtRiskAccount]:
        """At-risk accounts of critical priority."""
        return [a for a in self.review.at_risk if a.intervention_tier == "critical"]
