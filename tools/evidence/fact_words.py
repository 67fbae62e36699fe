"""Facts in words: the short name that a step uses, and the clause that plans and pages give. Pure.

Outsiders' words stand only in quotation marks, with who said them and when. Names and numbers of records stand in one line,
without quotation marks of their own.
"""

import re
from collections.abc import Callable
from datetime import date

from domain.facts import (
    ContactFact,
    Fact,
    GoalFact,
    IncidentFact,
    InvoiceFact,
    MeetingFact,
    PromiseFact,
    QuotationFact,
    RenewalFact,
    TicketFact,
    UsageFact,
)
from tools.wording import format_date, format_number, format_short_day, plain_name, plural, quote, safe_name

_WHOLE = 200
"""Letters of a quotation in a reason: the longest that is kept."""

_FIRST_WORDS = 40
"""Letters of a quotation where the title above has more of it."""


def short_day(day: date | None) -> str:
    """A day without its year."""
    return format_short_day(day) if day else "an unknown day"


DayWords = Callable[[date | None], str]
"""Words for a day; None is an unknown day."""


def fact_name(fact: Fact) -> str:
    """The fact as a step names it, for example ``T-22263 “SSO with enforced MFA - when?”``."""
    match fact:
        case TicketFact():
            number = plain_name(fact.ticket_id)
            return f"{number} {quote(fact.subject)}" if fact.subject else number
        case QuotationFact():
            return quote(fact.text.rstrip(" ."))
        case ContactFact():
            return person_name(fact, with_title=False)
        case InvoiceFact():
            return f"invoice {plain_name(fact.invoice_id)} over {invoice_amount(fact)}"
        case GoalFact():
            return f"the goal {quote(fact.goal)}"
        case MeetingFact():
            return f"the {meeting_name(fact)} of {short_day(fact.on)}"
        case PromiseFact():
            return f"our promise {quote(fact.text.rstrip(' .'))}"
        case UsageFact():
            measure = fact.measure.replace("_", " ")
            return f"{measure}, {_number(fact.from_value)} to {_number(fact.to_value)} since {short_day(fact.from_on)}"
        case RenewalFact():
            return f"the renewal on {format_date(fact.renewal_on)}" if fact.renewal_on else "the renewal"
        case IncidentFact():
            return "the shared incident"


def short_name(fact: Fact) -> str:
    """The fact as a sentence calls it under a title that names it in full: by its number, or by its first words."""
    match fact:
        case TicketFact():
            return plain_name(fact.ticket_id)
        case QuotationFact():
            return quote(fact.text.rstrip(" ."), _FIRST_WORDS)
        case InvoiceFact():
            return f"invoice {plain_name(fact.invoice_id)}"
        case GoalFact():
            return f"the goal {quote(fact.goal, _FIRST_WORDS)}"
        case UsageFact():
            return fact.measure.replace("_", " ")
        case _:
            return fact_name(fact)


def fact_reason(fact: Fact, day: DayWords = short_day) -> str:
    """The fact as a clause: what happened, when, and who says so. ``day`` writes a day, or that it is unknown."""
    match fact:
        case TicketFact():
            return _ticket(fact, day)
        case QuotationFact():
            return f"{quote(fact.text, _WHOLE)} ({_source_of(fact, day)})"
        case ContactFact():
            return _contact(fact, day)
        case InvoiceFact():
            return _invoice(fact, day)
        case GoalFact():
            due = f", due {day(fact.due_on)}" if fact.due_on else ""
            return (
                f"the goal {quote(fact.goal, _WHOLE)} is {(fact.status or 'of unknown status').replace('_', ' ')}{due}"
            )
        case MeetingFact():
            happened = "was missed" if fact.attended is False else "took place"
            return f"the {meeting_name(fact)} of {day(fact.on)} {happened}"
        case PromiseFact():
            due = f", due {day(fact.due_on)}" if fact.due_on else ""
            return f"we promised {quote(fact.text)} ({day(fact.on)}{due})"
        case UsageFact():
            return _usage(fact, day)
        case RenewalFact():
            return _renewal(fact)
        case IncidentFact():
            return "they reported the incident that other customers report, too"


def person_name(fact: ContactFact, with_title: bool = True) -> str:
    """Name, with title if wanted, or the role that a text proves, as "the new CFO"."""
    title = plain_name(fact.title)
    if not fact.name:
        known = title or (fact.role or "decision maker").replace("_", " ")
        return f"the new {re.sub('^(the )?new ', '', known, flags=re.IGNORECASE)}"
    name = safe_name(fact.name, f"their {(fact.role or 'contact').replace('_', ' ')}")
    return f"{name} ({title})" if title and with_title else name


def invoice_amount(fact: InvoiceFact) -> str:
    """The amount with its currency, without cents."""
    return f"{fact.currency or ''} {format_number(fact.amount, 0)}".strip()


def _ticket(fact: TicketFact, day: DayWords) -> str:
    state = f"open {plural(fact.age_days, 'day')}" if fact.open and fact.age_days is not None else ""
    state = state or ("open" if fact.open else f"closed {day(fact.closed_on)}" if fact.closed_on else "")
    marks = [
        mark
        for mark, true in (
            ("escalated", fact.escalated),
            ("service level missed", fact.sla_breached),
        )
        if true
    ]
    details = ", ".join([f"opened {day(fact.on)}", *marks, *([state] if state else [])])
    return f"{fact_name(fact)} ({details})"


def _source_of(fact: QuotationFact, day: DayWords) -> str:
    said = plain_name(fact.speaker)
    noted = f"noted by {plain_name(fact.recorded_by)}" if fact.recorded_by and fact.recorded_by != fact.speaker else ""
    where = {"tickets": f"ticket {plain_name(fact.source.key)}", "surveys": "survey"}.get(fact.source.table, "a note")
    who = ", ".join(part for part in (said, noted) if part) or where
    language = f", {fact.language}" if fact.language not in (None, "en") else ""
    mode = "" if fact.mode in (None, "asserted") else f", {str(fact.mode).replace('_', ' ')}"
    return f"{who}, {day(fact.on)}{language}{mode}"


def _contact(fact: ContactFact, day: DayWords) -> str:
    name = person_name(fact)
    if fact.status == "departed":
        return f"{name} left{f' on {day(fact.departed_on)}' if fact.departed_on else ''}"
    if fact.waiting_since is not None:
        return f"{name} wrote on {day(fact.waiting_since)} and has no answer from us"
    if fact.status == "new":
        return f"{name} has taken over" if fact.name else f"there is a {name.removeprefix('the ')}"
    if fact.last_met is not None:
        return f"{name} met us last on {day(fact.last_met)}"
    return f"{name} has not met us on record"


def _invoice(fact: InvoiceFact, day: DayWords) -> str:
    name, late = fact_name(fact), fact.days_overdue or 0
    due = f" on {day(fact.due_on)}" if fact.due_on else ""
    if fact.status == "paid":
        return f"{name} was paid {plural(late, 'day')} late"
    if fact.status == "failed":
        return f"the payment of {name} failed{due}"
    if late > 0:
        return f"{name} is {plural(late, 'day')} overdue"
    return f"{name} is due {day(fact.due_on)}" if fact.due_on else name


def _usage(fact: UsageFact, day: DayWords) -> str:
    measure, now = fact.measure.replace("_", " "), _number(fact.to_value)
    seats = f" of {_number(fact.seats)} seats" if fact.seats and fact.measure == "active_users" else ""
    verb = "fell" if fact.to_value < fact.from_value else "rose" if fact.to_value > fact.from_value else "stayed"
    since = f" and held since {day(fact.turned_on)}" if fact.turned_on and verb == "fell" else ""
    return (
        f"{measure} {verb} from {_number(fact.from_value)} ({day(fact.from_on)}) to {now}{seats}"
        f" ({day(fact.to_on)}){since}"
    )


def _renewal(fact: RenewalFact) -> str:
    if fact.days is None or fact.renewal_on is None:
        return "the renewal date is not known"
    if fact.days < 0:
        return f"the renewal was due on {format_date(fact.renewal_on)}, {plural(-fact.days, 'day')} ago"
    return f"the renewal is on {format_date(fact.renewal_on)}, in {plural(fact.days, 'day')}"


def meeting_name(fact: MeetingFact) -> str:
    """Kind of a meeting in words."""
    return {"exec_meeting": "executive meeting", "qbr": "QBR"}.get(fact.meeting, fact.meeting.replace("_", " "))


def _number(value: float) -> str:
    return format_number(value, 0)
