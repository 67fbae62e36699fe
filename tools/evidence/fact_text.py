"""Facts in plain English: one sentence each, in the groups in which people read them. Pure.

A quotation is copied word for word, between quotation marks that nothing in it can end; everything around it is ours.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from domain.facts import (
    ContactFact,
    Fact,
    FactTone,
    Incident,
    IncidentFact,
    InvoiceFact,
    MeetingFact,
    PromiseFact,
    QuotationFact,
    RenewalFact,
    TicketFact,
    UsageFact,
)
from tools.evidence.fact_words import fact_reason
from tools.wording import capitalize_first, format_date, format_short_day, plain_name, plural, quote

FactGroup = Literal["said", "open", "people", "money", "usage"]
GROUP_TITLES: dict[FactGroup, str] = {
    "said": "What they said",
    "open": "Open with us",
    "people": "People",
    "money": "Money",
    "usage": "Usage and goals",
}
_MOST: dict[FactGroup, int] = {"said": 7, "open": 8, "people": 7, "money": 4, "usage": 4}
_ROLES = {"economic_buyer": "economic buyer", "exec_sponsor": "executive sponsor", "champion": "champion"}
_WHOLE = 200
"""Letters of a quotation, a subject or a goal; the facts hold none that is longer."""


@dataclass(frozen=True)
class FactLine:
    """One fact as a page shows it."""

    id: str
    text: str
    tone: FactTone


@dataclass(frozen=True)
class FactText:
    """Words for the facts of one account on the day of the review."""

    as_of: date
    facts: Sequence[Fact]
    incidents: Mapping[str, Incident]

    @classmethod
    def of(cls, facts: Sequence[Fact], incidents: Iterable[Incident], as_of: date) -> "FactText":
        """For the facts of one account."""
        return cls(as_of, facts, {incident.id: incident for incident in incidents})

    def groups(self) -> list[tuple[str, list[FactLine]]]:
        """Title and lines of each group that has any, in the order in which people read them."""
        found: dict[FactGroup, list[FactLine]] = {group: [] for group in GROUP_TITLES}
        for fact in sorted(self.facts, key=_weight):
            if group := self._group(fact):
                found[group].append(FactLine(fact.id, self.sentence(fact), fact.tone))
        return [(GROUP_TITLES[group], lines[: _MOST[group]]) for group, lines in found.items() if lines]

    def leading(self) -> tuple[str, ...]:
        """The sentences that a person would open with: the incident, their words, what is open, who waits or left."""
        chosen: list[Fact] = []
        for test, most in _LEADING:
            chosen += [fact for fact in self.facts if test(fact)][:most]
        return tuple(self.sentence(fact) for fact in chosen)

    def _group(self, fact: Fact) -> FactGroup | None:
        if isinstance(fact, QuotationFact):
            return "said"
        if isinstance(fact, TicketFact):
            return "open" if fact.open is not False or fact.escalated else None
        if isinstance(fact, PromiseFact | IncidentFact):
            return "open"
        if isinstance(fact, ContactFact):
            return "open" if fact.waiting_since else "people"
        if isinstance(fact, MeetingFact):
            return "people" if fact.attended is False or fact.meeting == "exec_meeting" else None
        return "money" if isinstance(fact, InvoiceFact | RenewalFact) else "usage"

    def sentence(self, fact: Fact) -> str:
        """The fact in one sentence."""
        if isinstance(fact, IncidentFact) and fact.incident_id in self.incidents:
            return self._incident(fact, self.incidents[fact.incident_id])
        if isinstance(fact, ContactFact):
            return self._contact(fact)
        return f"{capitalize_first(fact_reason(fact, self.day))}{self._more(fact)}."

    def _more(self, fact: Fact) -> str:
        """Words that only a page adds to the clause that plans use."""
        if isinstance(fact, QuotationFact):
            return self._reader(fact)
        if isinstance(fact, PromiseFact):
            owner = f", {plain_name(fact.owner)}" if fact.owner else ""
            return owner + (", late" if fact.due_on and fact.due_on < self.as_of else "")
        if isinstance(fact, TicketFact):
            priority = f", priority {fact.priority}" if fact.priority in ("high", "urgent") else ""
            return priority + (", open or closed is unknown" if fact.open is None else "")
        if isinstance(fact, MeetingFact):
            people = (f for f in self.facts if isinstance(f, ContactFact) and f.contact_id is not None)
            name = next((f.name for f in people if f.contact_id == fact.contact_id), None)
            return f", with {plain_name(name)}" if name else ""
        if isinstance(fact, UsageFact) and fact.tone == "neutral":
            return ", much the same"
        if isinstance(fact, UsageFact) and fact.turned_on is None:
            return f"; no week shows that the {'fall' if fact.to_value < fact.from_value else 'rise'} has stopped"
        return ""

    def day(self, on: date | None) -> str:
        """A day; its year only where it is not the year of the review."""
        if on is None:
            return "an unknown day"
        return format_short_day(on) if on.year == self.as_of.year else format_date(on)

    def _reader(self, fact: QuotationFact) -> str:
        """The person or the model that read the sentence, where one did."""
        kind, _, name = (fact.read_by or "").partition(":")
        says = str(fact.says).replace("_", " ")
        if kind == "model":
            since = f" ({quote(fact.since)})" if fact.since else ""
            return f"; read by {plain_name(name)} as {says}{since}"
        return f"; read by {plain_name(name)} on {self.day(fact.read_on)} as {says}" if kind == "person" else ""

    def _contact(self, fact: ContactFact) -> str:
        if fact.named_in is not None:
            where = next((f for f in self.facts if f.id == fact.named_in), None)
            return f"{capitalize_first(plain_name(fact.title) or 'somebody new')}: named on {self.day(where.on if where else fact.on)}, not yet among the contacts."  # fmt: skip
        person = self._person(fact)
        if fact.status == "departed":
            return f"{person} left{f' on {self.day(fact.departed_on)}' if fact.departed_on else ''}."
        if fact.waiting_since:
            days = (self.as_of - fact.waiting_since).days
            return f"{person} wrote on {self.day(fact.waiting_since)} and has waited {plural(days, 'day')}: no answer from us is on record."  # fmt: skip
        if not fact.last_met and not fact.last_answered:
            return f"{person}: no meeting and no answer is on record."
        met = f"last met {self.day(fact.last_met)}" if fact.last_met else "no meeting on record"
        heard = f"last heard from {self.day(fact.last_answered)}" if fact.last_answered else "no answer on record"
        return f"{person}: {met}, {heard}."

    @staticmethod
    def _person(fact: ContactFact) -> str:
        marks = [mark for mark in (plain_name(fact.title), _ROLES.get(fact.role or "")) if mark]
        known = f" ({', '.join(marks)})" if marks else ""
        return f"{plain_name(fact.name) or 'Somebody'}{known}"

    def _incident(self, fact: IncidentFact, incident: Incident) -> str:
        others = plural(len(incident.account_ids) - 1, "other account")
        mine = plural(len(fact.tied_by), "report")
        return f"Incident {quote(incident.title, _WHOLE)}: {mine} of theirs, shared with {others} since {self.day(incident.first_on)}."


def _is_bad(fact: Fact) -> bool:
    return fact.tone == "bad"


def _weight(fact: Fact) -> int:
    """Order within a group; the order of the facts decides between equals."""
    if isinstance(fact, IncidentFact):
        return 0
    if isinstance(fact, TicketFact):
        return 1 if fact.escalated else 5
    if isinstance(fact, ContactFact):
        if fact.waiting_since:
            return 2 if fact.role in _ROLES else 6
        return 2 if fact.status in ("new", "departed") else 7
    return 3 if isinstance(fact, PromiseFact | UsageFact) else 4


_LEADING: tuple[tuple[Callable[[Fact], bool], int], ...] = (
    (lambda fact: isinstance(fact, IncidentFact), 1),
    (lambda fact: isinstance(fact, QuotationFact) and _is_bad(fact), 2),
    (lambda fact: isinstance(fact, TicketFact) and fact.open is True and _is_bad(fact), 2),
    (lambda fact: isinstance(fact, ContactFact) and fact.waiting_since is not None and fact.role in _ROLES, 1),
    (lambda fact: isinstance(fact, ContactFact) and fact.status in ("departed", "new"), 2),
    (lambda fact: isinstance(fact, InvoiceFact | UsageFact) and _is_bad(fact), 2),
)
"""Which facts lead an answer, and at most how many of each."""
