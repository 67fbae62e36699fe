"""Facts of record about one account: tickets, quotations, people, invoices, goals, meetings, promises, usage, renewal.

Each fact has an id that lasts from week to week and does not depend on the order of rows. Plans cite facts by id.
"""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from domain.record import Record
from domain.statements import StatementMode

FactSide = Literal["theirs", "ours"]
"""Whose doing the fact is: the customer's, or ours."""
FactTone = Literal["bad", "good", "neutral"]


class FactSource(Record):
    """Where a fact is on record. The row number is looked up when it is shown."""

    table: str
    key: str
    """Id of the row, or a digest of its content where the table has no ids."""


class _Fact(Record):
    id: str
    """``<kind>:<key>``, for example ``ticket:T-22263``."""
    on: date | None
    """Day of the fact's own row, not of the export."""
    side: FactSide
    tone: FactTone
    source: FactSource


class TicketFact(_Fact):
    """One support ticket."""

    kind: Literal["ticket"] = "ticket"
    ticket_id: str
    subject: str | None
    open: bool | None
    """None where the data cannot say whether it is closed."""
    closed_on: date | None
    age_days: int | None
    """Days from opening to closing, or to the review while it is open."""
    priority: str | None
    escalated: bool | None
    sla_breached: bool | None


class QuotationFact(_Fact):
    """One sentence in the customer's words, or noted about them, verbatim."""

    kind: Literal["quotation"] = "quotation"
    text: str
    """At most 200 characters."""
    speaker: str | None
    recorded_by: str | None
    """Person who wrote it down, where that is not the speaker: the author of a note."""
    language: str | None
    """ISO 639-1 code; None when unknown."""
    says: str | None
    """Kind of the statement; None for a sentence that nothing understood."""
    mode: StatementMode | None
    read_by: str | None
    read_on: date | None = None
    """Day on which a person read it."""
    since: str | None = None
    """Words of the text that say since when, as a model read them."""


class ContactFact(_Fact):
    """One person of the customer, on record or named in a text."""

    kind: Literal["contact"] = "contact"
    contact_id: str | None
    """None for somebody whom only a text names, as "the new CFO"."""
    name: str | None
    role: str | None
    title: str | None
    status: Literal["active", "departed", "new", "unknown"]
    departed_on: date | None
    last_answered: date | None
    last_met: date | None
    waiting_since: date | None
    """Day of their first message that has had no answer from us since; None if they do not wait."""
    named_in: str | None
    """Id of the quotation that names them, where no contact record does."""


class InvoiceFact(_Fact):
    """One invoice that is due, overdue, failed or paid late."""

    kind: Literal["invoice"] = "invoice"
    invoice_id: str
    amount: float
    currency: str | None
    status: str | None
    due_on: date | None
    days_overdue: int | None
    """Negative before the due date."""


class GoalFact(_Fact):
    """One goal of the customer."""

    kind: Literal["goal"] = "goal"
    goal: str
    status: str | None
    due_on: date | None


class MeetingFact(_Fact):
    """One meeting or call with the customer, held or missed."""

    kind: Literal["meeting"] = "meeting"
    meeting: str
    """Kind of touchpoint: ``exec_meeting``, ``qbr``, ``call`` or ``training``."""
    attended: bool | None
    contact_id: str | None
    person_id: str | None


class PromiseFact(_Fact):
    """Something we promised: an open action of an earlier week, or a sentence in which we promise it."""

    kind: Literal["promise"] = "promise"
    text: str
    due_on: date | None
    owner: str | None
    kept: bool | None
    """None while it is open or unknown."""


class UsageFact(_Fact):
    """A measure of usage between two dates."""

    kind: Literal["usage"] = "usage"
    measure: str
    """Column of the usage table, for example ``active_users``."""
    from_on: date
    to_on: date
    from_value: float
    to_value: float
    seats: int | None
    turned_on: date | None
    """Day from which the value has stood where it is; None while it still moves."""


class RenewalFact(_Fact):
    """The renewal of the contract."""

    kind: Literal["renewal"] = "renewal"
    renewal_on: date | None
    days: int | None
    """Days from the review; negative when overdue."""


class IncidentFact(_Fact):
    """Part of this account in an incident that several accounts report."""

    kind: Literal["incident"] = "incident"
    incident_id: str
    tied_by: tuple[str, ...]
    """Ids of the account's own facts that tie it to the incident."""


Fact = Annotated[
    TicketFact
    | QuotationFact
    | ContactFact
    | InvoiceFact
    | GoalFact
    | MeetingFact
    | PromiseFact
    | UsageFact
    | RenewalFact
    | IncidentFact,
    Field(discriminator="kind"),
]


class UnreadText(Record):
    """One text that is newer than the last review and in which nothing was understood: a person has to read it."""

    id: str = ""
    """``text:`` and a digest of account, table, key and text; empty in a review of an older version."""
    account_id: str
    table: str
    key: str
    on: date
    text: str
    """The text as it was written, shortened where it is long."""
    recorded_by: str | None
    looked_at_by: str | None = None
    """Model that read it and found no statement in it; None where no model has."""


class IncidentReport(Record):
    """One ticket or one sentence of a note that reports an incident."""

    account_id: str
    fact: str
    """Id of the ticket or the quotation."""
    on: date
    text: str
    """Subject of the ticket, or the sentence of the note."""
    words: tuple[str, ...]
    """Words of the incident that stand in the row."""
    escalated: bool
    open: bool | None
    """None for a note, and where the data cannot say whether a ticket is closed."""


class IncidentAccount(Record):
    """One account of an incident."""

    account_id: str
    name: str
    arr: float | None
    """In the home currency; None where nobody knows it."""
    reports: int


class Incident(Record):
    """The same thing reported by several accounts in the same weeks."""

    id: str
    """``incident:`` and a digest of the word that was reported first: it stays while more words and accounts are added."""
    title: str
    """The words, and what happens with them in one phrase, where one is common to several accounts."""
    words: tuple[str, ...]
    """Words and numbers that tie the reports, for example ``5.2`` and ``E-417``."""
    """The first one was reported first."""
    account_ids: tuple[str, ...]
    """By ARR, the largest first."""
    arr: float
    """Sum over the accounts of which it is known, in the home currency."""
    facts: tuple[str, ...]
    """Ids of the reports: tickets and quotations."""
    accounts: tuple[IncidentAccount, ...]
    """In the order of ``account_ids``."""
    reports: tuple[IncidentReport, ...]
    """The rows that tie it, newest first; at most as many as ``configs/facts.yaml`` says."""
    earlier: int
    """Number of accounts that used these words in the time before the incident."""
    escalated: int
    """Number of reports that were escalated."""
    first_on: date
    last_on: date
    open: bool | None
    """True while at least one report is open; None where the data cannot say."""
    owner: str | None
    """Person id of who owns it with us; None: to be assigned."""

    @property
    def unknown_arr(self) -> int:
        """Number of accounts whose ARR is unknown: they are not in the sum."""
        return sum(account.arr is None for account in self.accounts)
