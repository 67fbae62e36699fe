"""Facts of one account by topic: renewal, owner, people, tickets, what they said, what we owe them. Pure.

Every line is a fact of record with its day and its source; a topic without any says so.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from domain.configuration import FactTopic
from domain.dossier import Dossier, Person
from domain.facts import (
    ContactFact,
    Fact,
    GoalFact,
    Incident,
    InvoiceFact,
    MeetingFact,
    PromiseFact,
    QuotationFact,
    TicketFact,
    UsageFact,
)
from domain.questions import AnswerTable
from tools.evidence.fact_text import FactText
from tools.wording import format_date, format_money, plain_name, plural

_MOST = 12


@dataclass(frozen=True)
class AccountFacts:
    """The record of one account, in words."""

    dossier: Dossier
    people: Mapping[str, Person]
    incidents: Sequence[Incident]
    as_of: date
    currency: str
    only_open: bool = False
    """True: of tickets only those that are open."""
    parent: str | None = None
    """Name of the account that it belongs to."""
    children: Sequence[str] = ()
    """Names of the accounts that belong to it."""

    def about(self, topic: FactTopic) -> tuple[list[str], tuple[AnswerTable, ...]]:
        """Sentences on one topic, and the rows that they rest on."""
        return _TOPICS[topic](self)

    def renewal(self) -> tuple[list[str], tuple[AnswerTable, ...]]:
        """Day of the renewal."""
        dossier = self.dossier
        if dossier.renewal_date is None:
            return [f"The renewal date of {dossier.name} is unknown."], ()
        days = (dossier.renewal_date - self.as_of).days
        when = f"in {plural(days, 'day')}" if days >= 0 else f"{plural(-days, 'day')} ago: the renewal is overdue"
        return [f"{dossier.name} renews on {format_date(dossier.renewal_date)}, {when} (accounts)."], ()

    def owner(self) -> tuple[list[str], tuple[AnswerTable, ...]]:
        """CSM, the CSM's manager, and the executive sponsor."""
        dossier = self.dossier
        csm = self.people.get(dossier.csm_id or "")
        if dossier.csm_id is None:
            first = f"{dossier.name} has no CSM."
        else:
            manager = self.people.get((csm.manager_id if csm else None) or "")
            first = f"{csm.name if csm else dossier.csm_id} is the CSM of {dossier.name}{f', in the team of {manager.name}' if manager else ''} (accounts)."
        return [first, *self.sponsor()[0]], ()

    def sponsor(self) -> tuple[list[str], tuple[AnswerTable, ...]]:
        """Our executive sponsor."""
        sponsor = self.dossier.exec_sponsor_id
        if sponsor is None:
            return [f"{self.dossier.name} has no executive sponsor with us."], ()
        name = self.people[sponsor].name if sponsor in self.people else sponsor
        return [f"Our executive sponsor for {self.dossier.name} is {name} (accounts)."], ()

    def amount(self) -> tuple[list[str], tuple[AnswerTable, ...]]:
        """ARR, segment and stage."""
        d = self.dossier
        contract = ""
        if d.contract_arr is not None and d.contract_currency != self.currency:
            contract = f" ({format_money(d.contract_arr, d.contract_currency)} in the contract)"
        stage = f", {d.lifecycle_stage}" if d.lifecycle_stage else ""
        return [
            f"{d.name}: ARR {format_money(d.arr, self.currency)}{contract}, segment {d.segment}{stage} (accounts)."
        ], ()

    def health(self) -> tuple[list[str], tuple[AnswerTable, ...]]:
        """Health and risk now, last week, and over the kept weeks."""
        d = self.dossier
        now = "not scored" if d.health is None else f"{d.health:.0f} of 100, {d.health_band}"
        sentences = [
            f"{d.name} is {'at risk' if d.at_risk else 'not at risk'}: health {now} (high is good), risk {d.risk:.0f} (high is bad)."
        ]
        if d.health_then is not None and d.risk_then is not None:
            sentences.append(
                f"At the review before: health {d.health_then:.0f}, risk {d.risk_then:.0f}; since then {d.change}."
            )
        rows = tuple((str(day), "not scored" if value is None else f"{value:.0f}") for day, value in d.health_history)
        table = AnswerTable(
            title="Health by week", columns=("week", "health"), rows=rows, source="the kept weeks of the history"
        )
        return sentences, (table,) if len(rows) > 1 else ()

    def people_there(self) -> tuple[list[str], tuple[AnswerTable, ...]]:
        """Contacts at the customer, and their champion."""
        contacts = self.dossier.contacts
        champions = [c for c in contacts if c.role == "champion"]
        first = [f"{plural(len(contacts), 'contact')} of {self.dossier.name} on record (contacts)."] if contacts else []
        for champion in champions[:3]:
            left = f"left on {format_date(champion.departed_on)}" if champion.departed_on else "is gone"
            first.append(f"Champion: {plain_name(champion.name)}, who {'is there' if champion.active else left}.")
        if not champions:
            first.append(f"No champion of {self.dossier.name} is on record.")
        rows = tuple(
            (
                plain_name(c.name),
                plain_name(c.title) or "",
                (c.role or "").replace("_", " "),
                "active" if c.active else "left",
            )
            for c in contacts[: 3 * _MOST]
        )
        table = AnswerTable(title="People", columns=("name", "title", "role", "status"), rows=rows, source="contacts")
        return first, ((table,) if rows else ()) + self._table("Last met and heard", ContactFact)

    def tickets(self) -> tuple[list[str], tuple[AnswerTable, ...]]:
        """Open and escalated tickets."""
        found = [fact for fact in self.dossier.facts if isinstance(fact, TicketFact)]
        opened = sum(fact.open is True for fact in found)
        escalated = sum(fact.escalated is True for fact in found)
        if not found:
            return [f"No open or recent ticket of {self.dossier.name} is on record."], ()
        says = f"{self.dossier.name}: {plural(opened, 'open ticket')}, {escalated} escalated."
        if self.only_open:
            newest = [fact for fact in self._newest(TicketFact) if isinstance(fact, TicketFact) and fact.open is True]
            return [says], self._table_of("Open tickets", newest)
        return [says], self._table("Tickets", TicketFact)

    def said(self) -> tuple[list[str], tuple[AnswerTable, ...]]:
        """The customer's own words."""
        found = self._newest(QuotationFact)
        if not found:
            return [f"Nothing that {self.dossier.name} said is on record."], ()
        return [f"{plural(len(found), 'statement')} of {self.dossier.name} on record, newest first."], self._table(
            "What they said", QuotationFact
        )

    def met(self) -> tuple[list[str], tuple[AnswerTable, ...]]:
        """The last meeting, the last word of theirs, and who of them waits for an answer from us."""
        attended = [f for f in self._newest(MeetingFact) if isinstance(f, MeetingFact) and f.attended]
        contacts = [f for f in self.dossier.facts if isinstance(f, ContactFact) and (f.last_met or f.last_answered)]
        days = [f.last_met for f in contacts if f.last_met] + [f.on for f in attended if f.on]
        first = (
            f"The last meeting with {self.dossier.name} was on {format_date(max(days))}."
            if days
            else f"No meeting with {self.dossier.name} is on record."
        )
        heard = [f.last_answered for f in contacts if f.last_answered]
        more = [f"Last heard from them on {format_date(max(heard))}."] if heard else []
        text = FactText.of(self.dossier.facts, self.incidents, self.as_of)
        waiting = [
            (each.waiting_since, text.sentence(each))
            for each in self.dossier.facts
            if isinstance(each, ContactFact) and each.waiting_since and each.status != "departed"
        ]
        return [first, *more, *(sentence for _, sentence in sorted(waiting))], self._table(
            "Meetings", MeetingFact
        ) + self._table("Last met and heard", ContactFact)

    def owed(self) -> tuple[list[str], tuple[AnswerTable, ...]]:
        """Open promises of ours."""
        found = [fact for fact in self.dossier.facts if isinstance(fact, PromiseFact)]
        late = sum(1 for fact in found if fact.due_on and fact.due_on < self.as_of)
        if not found:
            return [f"No open promise to {self.dossier.name} is on record."], ()
        return [f"We owe {self.dossier.name} {plural(len(found), 'thing')}, {late} of them late."], self._table(
            "What we owe", PromiseFact
        )

    def invoices(self) -> tuple[list[str], tuple[AnswerTable, ...]]:
        """Invoices that are overdue, failed or open."""
        found = [fact for fact in self.dossier.facts if isinstance(fact, InvoiceFact)]
        overdue = [fact for fact in found if (fact.days_overdue or 0) > 0]
        first = (
            f"{plural(len(overdue), 'overdue invoice')} of {self.dossier.name}."
            if overdue
            else f"No overdue invoice of {self.dossier.name} is on record."
        )
        return [first], self._table("Invoices", InvoiceFact)

    def usage(self) -> tuple[list[str], tuple[AnswerTable, ...]]:
        """Usage against before."""
        table = self._table("Usage", UsageFact)
        return (
            [row[1] for row in table[0].rows[:2]] if table else [f"No usage of {self.dossier.name} is on record."]
        ), table

    def goals(self) -> tuple[list[str], tuple[AnswerTable, ...]]:
        """Goals and where they stand."""
        table = self._table("Goals", GoalFact)
        return [
            f"{plural(len(table[0].rows), 'goal')} of {self.dossier.name} on record."
            if table
            else f"No goal of {self.dossier.name} is on record."
        ], table

    def family(self) -> tuple[list[str], tuple[AnswerTable, ...]]:
        """The account that it belongs to, and those that belong to it."""
        name = self.dossier.name
        above = f"{name} belongs to {self.parent}" if self.parent else f"{name} belongs to no other account"
        below = (
            f"{', '.join(self.children)} belong{'s' if len(self.children) == 1 else ''} to it"
            if self.children
            else "no account belongs to it"
        )
        return [f"{above}; {below} (accounts)."], ()

    def _newest(self, kind: type) -> list[Fact]:
        found = [fact for fact in self.dossier.facts if isinstance(fact, kind)]
        return sorted(found, key=lambda fact: fact.on or date.min, reverse=True)

    def _table(self, title: str, kind: type) -> tuple[AnswerTable, ...]:
        return self._table_of(title, self._newest(kind))

    def _table_of(self, title: str, facts: Sequence[Fact]) -> tuple[AnswerTable, ...]:
        text = FactText.of(self.dossier.facts, self.incidents, self.as_of)
        found = facts[:_MOST]
        rows = tuple((str(f.on or "unknown"), text.sentence(f), f"{f.source.table} {f.source.key}") for f in found)
        tables = ", ".join(sorted({fact.source.table for fact in found}))
        return (AnswerTable(title=title, columns=("on", "fact", "source"), rows=rows, source=tables),) if rows else ()


_TOPICS: Mapping[FactTopic, Callable[[AccountFacts], tuple[list[str], tuple[AnswerTable, ...]]]] = {
    "renewal": AccountFacts.renewal, "owner": AccountFacts.owner, "sponsor": AccountFacts.sponsor, "amount": AccountFacts.amount,
    "people": AccountFacts.people_there, "tickets": AccountFacts.tickets, "said": AccountFacts.said, "met": AccountFacts.met,
    "owed": AccountFacts.owed, "health": AccountFacts.health, "invoices": AccountFacts.invoices, "usage": AccountFacts.usage,
    "goals": AccountFacts.goals, "family": AccountFacts.family,
}  # fmt: skip
