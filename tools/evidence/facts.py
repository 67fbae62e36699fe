"""Facts of record about one account under review, each with an id that lasts. Pure.

A fact says what is on record; it adds nothing to a score. Plans cite facts by id, so a fact that another one names is
always there with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from domain.fact_settings import FactSettings
from domain.facts import Fact, FactSource, Incident, IncidentFact, QuotationFact, TicketFact, UnreadText
from tools.evidence.account_record import AccountRecord, quotation_id, row_key, sentences, text_of
from tools.evidence.fact_money import goal_facts, invoice_facts, renewal_facts
from tools.evidence.fact_people import contact_facts, meeting_facts
from tools.evidence.fact_tickets import ticket_fact, ticket_facts
from tools.evidence.fact_usage import usage_facts
from tools.evidence.promises import promise_facts
from tools.evidence.quotations import QuotationFinder, plain_quotation
from tools.evidence.speakers import Speakers
from tools.evidence.unread_texts import unread_texts


@dataclass(frozen=True)
class AccountFacts:
    """Knowledge about one account, and the texts that a person still has to read."""

    facts: tuple[Fact, ...]
    unread: tuple[UnreadText, ...]


class FactBuilder:
    """Builds the facts of one account after the other."""

    def __init__(self, settings: FactSettings, incidents: Sequence[Incident] = ()) -> None:
        self._settings = settings
        self._incidents = incidents
        self._quotations = QuotationFinder(settings)

    def speakers(self, record: AccountRecord) -> Speakers:
        """The contacts of the account, by whom a sentence may be spoken."""
        return Speakers(record.of("contacts"), self._settings.quotations)

    def build(self, record: AccountRecord) -> AccountFacts:
        """All facts by kind, in each kind those that matter most first."""
        settings, speakers = self._settings, self.speakers(record)
        named = self._quotations.named_people(record, speakers)
        tied_tickets, tied_quotations, tied = self._incident_facts(record, speakers)
        quotations = {fact.id: fact for fact in self._quotations.find(record, speakers)}
        quotations |= {fact.id: fact for _, fact in named if fact.id not in quotations}
        quotations |= {fact.id: fact for fact in tied_quotations if fact.id not in quotations}
        tickets = {fact.id: fact for fact in ticket_facts(record, settings.tickets)}
        tickets |= {fact.id: fact for fact in tied_tickets if fact.id not in tickets}
        facts: list[Fact] = [
            *quotations.values(),
            *tickets.values(),
            *promise_facts(record, settings.promises, settings.quotations.promise_kinds),
            *(person for person, _ in named),
            *contact_facts(record, settings.people),
            *meeting_facts(record, settings.meetings),
            *invoice_facts(record, settings.money),
            *renewal_facts(record),
            *goal_facts(record, settings.goals),
            *usage_facts(record, settings.usage),
            *tied,
        ]
        return AccountFacts(tuple(facts), unread_texts(record, settings.unread))

    def _incident_facts(
        self, record: AccountRecord, speakers: Speakers
    ) -> tuple[list[TicketFact], list[QuotationFact], list[IncidentFact]]:
        """The account's part in each incident, with its tickets and sentences that tie it."""
        tickets, quotations, tied = [], [], []
        by_ticket = {row_key(row): row for row in record.of("tickets")}
        for incident in self._incidents:
            reports = [report for report in incident.reports if report.account_id == record.account_id]
            if not reports:
                continue
            wanted = {report.fact for report in reports}
            own_tickets = [
                ticket_fact(by_ticket[key], record) for key in sorted(by_ticket) if f"ticket:{key}" in wanted
            ]
            own_quotations = self._quoted(record, speakers, wanted)
            tied.append(_incident_fact(record, incident, sorted(fact.id for fact in (*own_tickets, *own_quotations))))
            tickets += own_tickets
            quotations += own_quotations
        return tickets, quotations, tied

    def _quoted(self, record: AccountRecord, speakers: Speakers, wanted: set[str]) -> list[QuotationFact]:
        """The sentences of notes with one of these ids."""
        longest = int(self._settings.quotations.longest.value)
        found = []
        for row in record.of("notes"):
            for sentence in sentences(text_of(row)):
                if quotation_id(record.account_id, "notes", row_key(row), "", sentence) in wanted:
                    found.append(plain_quotation(sentence, row, record.account_id, speakers, "bad", longest))
        return found


def _incident_fact(record: AccountRecord, incident: Incident, tied_by: Sequence[str]) -> IncidentFact:
    on = max(report.on for report in incident.reports if report.account_id == record.account_id)
    key = incident.id.removeprefix("incident:")
    return IncidentFact(
        id=f"incident:{record.account_id}:{key}",
        on=on,
        side="ours",
        tone="bad",
        source=FactSource(table="incidents", key=incident.id),
        incident_id=incident.id,
        tied_by=tuple(tied_by),
    )
