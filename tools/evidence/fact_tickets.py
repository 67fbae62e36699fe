"""Facts about support tickets: those that are open, escalated or just closed. Pure."""

from domain.fact_settings import TicketFactSettings
from domain.facts import FactTone, TicketFact
from tools.evidence.account_record import AccountRecord, days_between, newest_first, row_key, source_of
from tools.signals.registry import InputRow

_URGENT = ("high", "urgent")
_BAD_CSAT, _GOOD_CSAT = 2, 4
_RANK = {"urgent": 0, "high": 1, "normal": 2, "low": 3}


def ticket_facts(record: AccountRecord, settings: TicketFactSettings) -> tuple[TicketFact, ...]:
    """Open and escalated tickets first, then those with trouble that were closed lately."""
    found = {}
    for row in record.of("tickets"):
        closed = row.columns.get("closed_at")
        closed_days = days_between(closed, record.as_of)
        if closed_days is None or (closed_days <= settings.closed_within.value and _was_trouble(row)):
            fact = ticket_fact(row, record)
            found[fact.id] = fact
    return tuple(sorted(found.values(), key=_by_weight)[: int(settings.per_account.value)])


def ticket_fact(row: InputRow, record: AccountRecord) -> TicketFact:
    """The fact of one ticket."""
    columns, key = row.columns, row_key(row)
    closed = columns.get("closed_at")
    is_open = closed is None if record.closing_is_known else None
    return TicketFact(
        id=f"ticket:{key}",
        on=row.on,
        side="ours" if is_open else "theirs",
        tone=_tone(row, is_open),
        source=source_of(row),
        ticket_id=key,
        subject=columns.get("subject"),
        open=is_open,
        closed_on=closed,
        age_days=days_between(row.on, closed or record.as_of),
        priority=columns.get("priority"),
        escalated=columns.get("escalated"),
        sla_breached=columns.get("sla_breached"),
    )


def _tone(row: InputRow, is_open: bool | None) -> FactTone:
    columns = row.columns
    if columns.get("escalated") or columns.get("sla_breached") or (is_open and columns.get("priority") in _URGENT):
        return "bad"
    return "good" if is_open is False and (columns.get("csat") or 0) >= _GOOD_CSAT else "neutral"


def _was_trouble(row: InputRow) -> bool:
    """True for a closed ticket that is worth a word: urgent, escalated, late, or badly rated."""
    columns = row.columns
    rated = columns.get("csat")
    late = columns.get("escalated") or columns.get("sla_breached")
    return bool(late) or columns.get("priority") in _URGENT or (rated is not None and rated <= _BAD_CSAT)


def is_serious(row: InputRow, as_of_open: bool) -> bool:
    """True for a ticket whose words matter: escalated, or open and urgent."""
    return bool(row.columns.get("escalated")) or (as_of_open and row.columns.get("priority") in _URGENT)


def _by_weight(fact: TicketFact) -> tuple[bool, bool, int, int, str]:
    """Open ones first, of these the escalated and urgent; then the newest."""
    return (not fact.open, not fact.escalated, _RANK.get(fact.priority or "", 4), newest_first(fact.on), fact.id)
