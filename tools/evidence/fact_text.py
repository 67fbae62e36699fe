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
    GoalFact,
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
from tools.wording import capitalize_first, format_date, format_number, format_short_day, plain_name, plural, quote

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
_MEETINGS = {"exec_meeting": "executive meeting", "qbr": "QBR", "call": "call", "training": "training"}
_WHOLE = 200
"""Letters of a quotation, a subject or a goal; the facts hold none that is longer."""
_SOURCES = {"notes": "note", "surveys": "survey", "tickets": "ticket"}
_MEASURES = {"active_users": "active users", "logins": "logins", "core_actions": "core actions"}


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
        if isinstance(fact, QuotationFact):
            return self._quotation(fact)
        if isinstance(fact, TicketFact):
            return self._ticket(fact)
        if isinstance(fact, ContactFact):
            return self._contact(fact)
        if isinstance(fact, MeetingFact):
            return self._meeting(fact)
        if isinstance(fact, InvoiceFact):
            return self._invoice(fact)
        if isinstance(fact, RenewalFact):
            return self._renewal(fact)
        if isinstance(fact, GoalFact):
            status = (fact.status or "status unknown").replace("_", " ")
            return f"Goal {quote(fact.goal, _WHOLE)}: {status}{self._due(fact.due_on)}."
        if isinstance(fact, PromiseFact):
            owner = f", {plain_name(fact.owner)}" if fact.owner else ""
            late = " (late)" if fact.due_on and fact.due_on < self.as_of else ""
            return f"We promised: {fact.text.rstrip('.')}{owner}{self._due(fact.due_on)}{late}."
        if isinstance(fact, UsageFact):
            return self._usage(fact)
        return self._incident(fact)

    def day(self, on: date | None) -> str:
        """A day; its year only where it is not the year of the review."""
        if on is None:
            return "an unknown day"
        return format_short_day(on) if on.year == self.as_of.year else format_date(on)

    def _due(self, on: date | None) -> str:
        return f", due {self.day(on)}" if on else ""

    def _quotation(self, fact: QuotationFact) -> str:
        source = _SOURCES.get(fact.source.table, fact.source.table)
        if fact.source.table == "tickets":
            source += f" {plain_name(fact.source.key)}"
        by = f" by {plain_name(fact.recorded_by)}" if fact.recorded_by else ""
        where = f"{source}{by}, {self.day(fact.on)}{self._reader(fact)}"
        speaker = f"{plain_name(fact.speaker)}, " if fact.speaker and fact.speaker not in fact.text else ""
        mode = "" if fact.mode in (None, "asserted") else f" [{str(fact.mode).replace('_', ' ')}]"
        return f"{quote(fact.text, _WHOLE)}{mode} ({speaker}{where})"

    def _reader(self, fact: QuotationFact) -> str:
        """Who said what the sentence means, where that was a person."""
        kind, _, name = (fact.read_by or "").partition(":")
        if kind != "person":
            return ""
        return f"; read by {plain_name(name)} on {self.day(fact.read_on)} as {str(fact.says).replace('_', ' ')}"

    def _ticket(self, fact: TicketFact) -> str:
        subject = f" {quote(fact.subject, _WHOLE)}" if fact.subject else ""
        state = [] if not fact.escalated else ["escalated"]
        if fact.open is None:
            state.append("open or closed is unknown")
        elif fact.open:
            state.append(f"open for {plural(fact.age_days or 0, 'day')}")
        else:
            state.append(f"closed on {self.day(fact.closed_on)}")
        state += [f"priority {fact.priority}"] if fact.priority in ("high", "urgent") else []
        state += ["answered later than agreed"] if fact.sla_breached else []
        return f"{plain_name(fact.ticket_id)}{subject} of {self.day(fact.on)}: {', '.join(state)}."

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

    def _meeting(self, fact: MeetingFact) -> str:
        people = (f for f in self.facts if isinstance(f, ContactFact) and f.contact_id is not None)
        name = next((f.name for f in people if f.contact_id == fact.contact_id), None)
        with_whom = f" with {plain_name(name)}" if name else ""
        what = f"{capitalize_first(_MEETINGS.get(fact.meeting, fact.meeting))} on {self.day(fact.on)}{with_whom}"
        return f"{what}: the customer did not come." if fact.attended is False else f"{what}."

    def _invoice(self, fact: InvoiceFact) -> str:
        amount = f"{fact.currency or ''} {format_number(fact.amount, 2)}".strip()
        days = fact.days_overdue
        due = self.day(fact.due_on)
        if fact.status == "paid":
            state = f"was paid {plural(days or 0, 'day')} late (due {due})"
        elif fact.status == "failed":
            state = f"failed; it was due on {due}" if (days or 0) >= 0 else f"failed; it is due on {due}"
        elif days is not None and days > 0:
            state = f"is {plural(days, 'day')} overdue (due {due})"
        else:
            state = f"is due on {due}"
        return f"Invoice {plain_name(fact.invoice_id)} of {amount} {state}."

    def _renewal(self, fact: RenewalFact) -> str:
        if fact.days is None:
            return "The day of the renewal is unknown."
        if fact.days < 0:
            return f"The renewal of {self.day(fact.renewal_on)} is {plural(-fact.days, 'day')} overdue."
        return f"Renewal on {self.day(fact.renewal_on)}, in {plural(fact.days, 'day')}."

    def _usage(self, fact: UsageFact) -> str:
        what = capitalize_first(_MEASURES.get(fact.measure, fact.measure.replace("_", " ")))
        now = format_number(fact.to_value, 0)
        seats = f" of {plural(fact.seats, 'seat')}" if fact.seats else ""
        if fact.tone == "neutral":
            return f"{what}: {now}{seats}, much as on {self.day(fact.from_on)}."
        verb = "fell" if fact.to_value < fact.from_value else "rose"
        moved = f"{what} {verb} from {format_number(fact.from_value, 0)} ({self.day(fact.from_on)}) to {now}{seats}"
        if fact.turned_on:
            return f"{moved}; they have stood there since {self.day(fact.turned_on)}."
        return f"{moved} ({self.day(fact.to_on)}); no week shows that the {'fall' if verb == 'fell' else 'rise'} has stopped."

    def _incident(self, fact: IncidentFact) -> str:
        incident = self.incidents.get(fact.incident_id)
        if incident is None:
            return "Reports the same as other accounts."
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
