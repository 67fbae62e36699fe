"""Moves of an account since the last review: facts that are new, changed or settled, and figures. Pure.

Only what a person would call news is listed: an open ticket that grew a week older is none.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from domain.dossier import Dossier
from domain.facts import (
    ContactFact,
    Fact,
    FactTone,
    GoalFact,
    Incident,
    InvoiceFact,
    MeetingFact,
    PromiseFact,
    QuotationFact,
    TicketFact,
    UsageFact,
)
from domain.running_play import AccountMove, MoveKind, PlaySnapshot
from tools.evidence.fact_text import FactText
from tools.wording import format_date, format_money, format_number, plain_name

_TONES: tuple[FactTone, ...] = ("bad", "neutral", "good")
_Change = tuple[MoveKind, str, FactTone]


def account_moves(
    before: PlaySnapshot,
    dossier: Dossier,
    incidents: Iterable[Incident],
    as_of: date,
    resting: Mapping[str, Sequence[str]],
    currency: str,
) -> tuple[AccountMove, ...]:
    """The moves, bad news first and figures last. ``resting``: fact id to the titles of the open steps that rest on it."""
    known = {fact.id: fact for fact in before.facts}
    words = FactText.of(dossier.facts, incidents, as_of)
    found = []
    met = {fact.contact_id for fact in dossier.facts if isinstance(fact, MeetingFact) and fact.id not in known}
    for fact in dossier.facts:
        if isinstance(fact, ContactFact) and fact.contact_id in met and fact.status == "active":
            continue  # the meeting says it
        change = _change(known.get(fact.id), fact, before.as_of)
        if change is not None:
            kind, label, tone = change
            text = f"{label}: {words.sentence(fact)}"
            found.append(_move(kind, text, tone, fact.id, resting))
    current = {fact.id for fact in dossier.facts}
    for fact in before.facts:
        if fact.id not in current and isinstance(fact, InvoiceFact):
            amount = format_money(fact.amount, fact.currency or "in an unknown currency:")
            text = f"Invoice {plain_name(fact.invoice_id)} of {amount} is no longer open; it was due on {words.day(fact.due_on)}."
            found.append(_move("settled", text, "good", fact.id, resting))
    found.sort(key=lambda move: _TONES.index(move.tone))
    return (*found, *_figures(before, dossier, currency))


def _move(kind: MoveKind, text: str, tone: FactTone, fact: str, resting: Mapping[str, Sequence[str]]) -> AccountMove:
    return AccountMove(kind=kind, text=text, tone=tone, fact=fact, steps=tuple(resting.get(fact, ())))


def _change(was: Fact | None, now: Fact, since: date) -> _Change | None:
    """Kind, label and tone of a change that people would call news; None for any other."""
    if isinstance(now, PromiseFact) and now.source.table == "actions":
        return None  # the play's own steps
    if was is None:
        return _news(now, since)
    if isinstance(now, TicketFact) and isinstance(was, TicketFact):
        return _ticket(was, now)
    if isinstance(now, ContactFact) and isinstance(was, ContactFact):
        return _contact(was, now)
    if isinstance(now, InvoiceFact) and isinstance(was, InvoiceFact):
        return _invoice(was, now)
    if isinstance(now, GoalFact) and isinstance(was, GoalFact) and now.status != was.status:
        return "changed", f"Goal, {(was.status or 'unknown').replace('_', ' ')} last week", now.tone
    if isinstance(now, MeetingFact) and isinstance(was, MeetingFact) and now.attended != was.attended:
        return "changed", "Now on record", now.tone
    return None


def _news(fact: Fact, since: date) -> _Change | None:
    """A fact that the last review did not have: news when its own day is later, or when it is a new person."""
    if isinstance(fact, ContactFact):
        left = fact.departed_on is not None and fact.departed_on > since
        if left or fact.status == "new" or fact.named_in is not None:
            return "new", "Left" if left else "New person", fact.tone
        return None
    if isinstance(fact, InvoiceFact) and fact.tone != "bad":
        return None  # its day came into view, which is no news
    if isinstance(fact, UsageFact) or fact.on is None or fact.on <= since:
        return None
    label = "They said" if isinstance(fact, QuotationFact) else "New"
    return "new", label, fact.tone


def _ticket(was: TicketFact, now: TicketFact) -> _Change | None:
    if was.open is not False and now.open is False:
        return "settled", "Closed", "good"
    if was.open is False and now.open:
        return "changed", "Open again", "bad"
    if now.escalated and not was.escalated:
        return "changed", "Escalated", "bad"
    if now.sla_breached and not was.sla_breached:
        return "changed", "Overdue for an answer", "bad"
    return None


def _contact(was: ContactFact, now: ContactFact) -> _Change | None:
    if now.status == "departed" and was.status != "departed":
        return "changed", "Left", "bad"
    if was.waiting_since and not now.waiting_since:
        return "settled", "Answered", "good"
    if now.waiting_since and now.waiting_since != was.waiting_since:
        return "changed", "Waits for us", "bad"
    if now.last_met and now.last_met != was.last_met:
        return "changed", "Met", "good"
    if now.last_answered and now.last_answered != was.last_answered:
        return "changed", "Heard from", "good"
    return None


def _invoice(was: InvoiceFact, now: InvoiceFact) -> _Change | None:
    then, today = was.days_overdue or 0, now.days_overdue or 0
    if then <= 0 < today:
        return "changed", "Overdue now", "bad"
    if now.status != was.status:
        return "changed", "Now", now.tone
    return None


def _figures(before: PlaySnapshot, dossier: Dossier, currency: str) -> list[AccountMove]:
    """Usage, health, risk, ARR and the renewal date, where they are not what they were."""
    found = [*_usage(before, dossier)]
    for name, was, now, rising in (
        ("Health", before.health, dossier.health, "good"),
        ("Risk", before.risk, dossier.risk, "bad"),
    ):
        if was is not None and now is not None and round(was) != round(now):
            found.append(_figure(f"{name} {was:.0f} → {now:.0f}", now > was, rising == "good"))
    if before.arr is not None and dossier.arr is not None and before.arr != dossier.arr:
        text = f"ARR {format_money(before.arr, currency)} → {format_money(dossier.arr, currency)}"
        found.append(_figure(text, dossier.arr > before.arr, True))
    if before.renewal_date != dossier.renewal_date:
        days = [format_date(day) if day else "unknown" for day in (before.renewal_date, dossier.renewal_date)]
        found.append(AccountMove(kind="figure", text=f"Renewal {days[0]} → {days[1]}", tone="neutral", fact=None))
    return found


def _usage(before: PlaySnapshot, dossier: Dossier) -> list[AccountMove]:
    then = {fact.measure: fact for fact in before.facts if isinstance(fact, UsageFact)}
    found = []
    for now in dossier.facts:
        was = then.get(now.measure) if isinstance(now, UsageFact) else None
        if isinstance(now, UsageFact) and was is not None and round(was.to_value) != round(now.to_value):
            name = now.measure.replace("_", " ").capitalize()
            text = f"{name} {format_number(was.to_value, 0)} → {format_number(now.to_value, 0)}"
            found.append(_figure(text, now.to_value > was.to_value, True).model_copy(update={"fact": now.id}))
    return found


def _figure(text: str, rose: bool, rising_is_good: bool) -> AccountMove:
    return AccountMove(kind="figure", text=text, tone="good" if rose == rising_is_good else "bad", fact=None)
