"""The review as the pages walk through it: look-ups by account, groups and counts. No wording and no markup here."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from app.report.file_names import person_stem, stems
from domain.configuration import InterventionTier
from domain.diagnosis import CauseFinding, Pattern
from domain.facts import UnreadText
from domain.plan import AgendaItem, PlanLine, Prework
from domain.portfolio import AheadAccount, AtRiskAccount
from domain.review import Review
from domain.save_play import SavePlay
from domain.tracking import Action, CalendarHold, Decision
from tools.evidence.fact_text import FactLine, FactText

_TIERS: tuple[InterventionTier, ...] = ("critical", "high", "medium", "watch")
_PERSONAL_PATTERNS = frozenset({"csm", "person", "owner"})
_BLOCKS = (
    ("overview", ("portfolio", "overview")),
    ("new", ("new", "degradation")),
    ("follow-up", ("prior", "follow")),
    ("deep-dives", ("deep", "dive")),
    ("resources", ("resource", "budget")),
    ("next-steps", ("assignment", "next step")),
)


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


def _owner_key(name: str, person_id: str | None) -> str | tuple[str]:
    """The key of an owner: the id, or the name of one who has none."""
    return person_id or (name,)


def _by_owner(things: Iterable[_Owned]) -> dict[str | tuple[str], list[_Owned]]:
    found: dict[str | tuple[str], list[_Owned]] = {}
    for each in things:
        found.setdefault(_owner_key(each.owner, each.owner_id), []).append(each)
    return found


@dataclass(frozen=True)
class ReviewView:
    """One review, indexed."""

    review: Review

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

    def has_play(self, account_id: str) -> bool:
        """True when the page has a section about the account."""
        return account_id in self._accounts_with_play

    @cached_property
    def _accounts_with_play(self) -> frozenset[str]:
        return frozenset(play.account_id for play in self.review.plays)

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
        return FactText.of(facts, self.review.incidents, self.review.as_of).groups()

    def closed_by_owner(self, person: FileOwner) -> list[Action]:
        """Actions of one person that the decisions of this review closed."""
        return [each for each in self.review.closed_actions if person.is_owner(each.owner, each.owner_id)]

    def closed_of(self, account_id: str) -> list[Action]:
        """Actions of one account that the decisions of this review closed."""
        return [action for action in self.review.closed_actions if action.account_id == account_id]

    def next_steps_of(self, account_id: str) -> list[Action]:
        """The next step of an account whose play was rejected or deferred."""
        play = next((play for play in self.review.plays if play.account_id == account_id), None)
        if play is not None and play.status not in ("rejected", "deferred"):
            return []
        return [a for a in self.review.actions if a.account_id == account_id and a.kind in ("look_again", "primary")]

    def unread_texts(self, account_id: str) -> list[UnreadText]:
        """Texts of one account since the last review that nothing understood."""
        return [text for text in self.review.unread_texts if text.account_id == account_id]

    @cached_property
    def agenda_blocks(self) -> dict[str, AgendaItem]:
        """Agenda items by the section of the page that holds their material."""
        found: dict[str, AgendaItem] = {}
        for item in self.review.agenda:
            section = next((s for s, words in _BLOCKS if any(w in item.title.lower() for w in words)), None)
            if section:
                found.setdefault(section, item)
        return found

    def section(self, item: AgendaItem) -> str:
        """The section of the page that an agenda item leads to."""
        return next((section for section, each in self.agenda_blocks.items() if each is item), "overview")

    def plan(self, tier: InterventionTier) -> list[PlanLine]:
        """The intervention plan of one tier."""
        return [line for line in self.review.intervention_plan if line.tier == tier]

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
    def commitment_counts(self) -> Counter[str]:
        """Commitments of earlier reviews by what became of them."""
        return Counter(commitment.status for commitment in self.review.followup.commitments)

    @cached_property
    def overloaded(self) -> int:
        """Number of overloaded CSMs; their names are for managers."""
        return sum(line.overloaded for line in self.review.capacity)

    def patterns(self, *, personal: bool) -> list[Pattern]:
        """Patterns about people, which are for managers, or all the others."""
        return [p for p in self.review.patterns if (p.kind in _PERSONAL_PATTERNS) == personal]

    @cached_property
    def undecided(self) -> list[SavePlay]:
        """Plays that nobody has decided on."""
        return [play for play in self.ranked_plays if play.status == "proposed"]

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
        """At-risk accounts of the worst risk or intervention tier."""
        return [a for a in self.review.at_risk if "critical" in (a.risk_tier, a.intervention_tier)]
