"""Facts about people of the customer and meetings with them: who decides, who left, who waits for our answer. Pure."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any

from domain.fact_settings import MeetingSettings, PeopleSettings
from domain.facts import ContactFact, FactSource, FactTone, MeetingFact, QuotationFact
from tools.evidence.account_record import AccountRecord, content_digest, days_between, newest_first, row_key, source_of
from tools.signals.registry import InputRow

_MEETINGS = ("exec_meeting", "qbr", "call", "training")
_ROLE_RANK = {"economic_buyer": 0, "exec_sponsor": 1, "champion": 2}
_DECIDING = tuple(_ROLE_RANK)


def contact_facts(record: AccountRecord, settings: PeopleSettings) -> tuple[ContactFact, ...]:
    """Those who wait for us, decide, or left, and those who answered lately."""
    facts = [_contact_fact(row, record, settings) for row in record.of("contacts")]
    recent = record.as_of - timedelta(days=int(settings.answered_within.value))
    told = [
        fact
        for fact in facts
        if fact.waiting_since
        or fact.role in _DECIDING
        or fact.status == "departed"
        or (fact.last_answered is not None and fact.last_answered >= recent)
    ]
    return tuple(sorted(told, key=_by_importance)[: int(settings.per_account.value)])


def _contact_fact(row: InputRow, record: AccountRecord, settings: PeopleSettings) -> ContactFact:
    columns, key = row.columns, row_key(row)
    touches = [touch for touch in record.of("touchpoints") if touch.columns.get("contact_id") == key]
    met = _latest(touch.on for touch in touches if touch.columns.get("attended") and touch.columns["kind"] in _MEETINGS)
    answered = _latest(_answer_day(touch) for touch in touches)
    departed = columns.get("status") == "departed"
    waiting = None if departed else _waiting_since(str(columns.get("name") or ""), touches, record, settings)
    return ContactFact(
        id=f"contact:{key}",
        on=columns.get("departed_on") if departed else waiting or _latest((met, answered)),
        side="ours" if waiting else "theirs",
        tone="bad" if waiting or (departed and columns.get("role") in _DECIDING) else "neutral",
        source=source_of(row),
        contact_id=key,
        name=columns.get("name"),
        role=columns.get("role"),
        title=columns.get("title"),
        status="departed" if departed else "active",
        departed_on=columns.get("departed_on"),
        last_answered=answered,
        last_met=met,
        waiting_since=waiting,
        named_in=None,
    )


def _answer_day(touch: InputRow) -> date | None:
    """The day on which the contact came, answered or wrote by themselves."""
    columns = touch.columns
    if columns.get("attended") or columns.get("outbound") is False:
        return touch.on
    answered: date | None = columns.get("responded_at")
    return answered


def _waiting_since(
    name: str, touches: Sequence[InputRow], record: AccountRecord, settings: PeopleSettings
) -> date | None:
    """Day of the first message that had no answer from us: no message, call or meeting with them, and no note that names
    them since. None when it was answered, is too young, or so old that nobody waits any more."""
    ours = [touch.on for touch in touches if touch.on and _is_from_us(touch)]
    ours += [row.on for row in record.of("notes") if row.on and name and name in str(row.columns.get("text") or "")]
    written = [touch for touch in touches if touch.on and _is_message_to_us(touch)]
    open_messages = sorted(
        touch.on
        for touch in written
        if touch.on and touch.columns.get("responded_at") is None and not any(day >= touch.on for day in ours)
    )
    ages = {day: days_between(day, record.as_of) or 0 for day in open_messages}
    kept = [day for day in open_messages if ages[day] <= settings.waiting_until.value]
    return kept[0] if kept and ages[kept[0]] >= settings.waiting_from.value else None


def _is_message_to_us(touch: InputRow) -> bool:
    columns = touch.columns
    return columns.get("outbound") is False and columns.get("kind") in ("email", "call") and not columns.get("attended")


def _is_from_us(touch: InputRow) -> bool:
    return bool(touch.columns.get("outbound")) or bool(touch.columns.get("attended"))


def _latest(days: Iterable[date | None]) -> date | None:
    return max((day for day in days if day), default=None)


def _by_importance(fact: ContactFact) -> tuple[bool, bool, int, int, str]:
    decides = fact.role in _DECIDING
    return (not (fact.waiting_since and decides), not decides, _ROLE_RANK.get(fact.role or "", 3), newest_first(fact.on), fact.id)  # fmt: skip


def named_person(role: str, named_in: QuotationFact) -> ContactFact:
    """Somebody whom only a text names, by the new role: "new CFO"."""
    return ContactFact(
        id=f"contact:{content_digest(named_in.id, role.casefold())}",
        on=named_in.on,
        side="theirs",
        tone="neutral",
        source=FactSource(table=named_in.source.table, key=named_in.source.key),
        contact_id=None,
        name=None,
        role=None,
        title=role,
        status="new",
        departed_on=None,
        last_answered=None,
        last_met=None,
        waiting_since=None,
        named_in=named_in.id,
    )


def meeting_facts(record: AccountRecord, settings: MeetingSettings) -> tuple[MeetingFact, ...]:
    """The last meeting of each kind that took place, and the last ones that the customer missed."""
    meetings = sorted(
        (row for row in record.of("touchpoints") if row.on and row.columns.get("kind") in _MEETINGS),
        key=lambda row: (newest_first(row.on), str(row.columns["kind"]), str(row.columns.get("contact_id"))),
    )
    held: dict[str, InputRow] = {}
    for row in meetings:
        if row.columns.get("attended") and row.columns["kind"] != "training":
            held.setdefault(str(row.columns["kind"]), row)
    missed = [row for row in meetings if row.columns.get("attended") is False]
    missed = [row for row in missed if (days_between(row.on, record.as_of) or 0) <= settings.missed_within.value]
    facts = {
        fact.id: fact
        for fact in (
            *(_meeting_fact(row, "neutral") for row in held.values()),
            *(_meeting_fact(row, "bad") for row in missed[: int(settings.missed_per_account.value)]),
        )
    }
    return tuple(sorted(facts.values(), key=lambda fact: (newest_first(fact.on), fact.id)))


def _meeting_fact(row: InputRow, tone: FactTone) -> MeetingFact:
    columns: Any = row.columns
    key = content_digest(columns["account_id"], row.on, columns["kind"], columns.get("contact_id"), columns.get("person_id"))  # fmt: skip
    return MeetingFact(
        id=f"meeting:{key}",
        on=row.on,
        side="theirs" if tone == "bad" or columns.get("outbound") is False else "ours",
        tone=tone,
        source=source_of(row, key),
        meeting=columns["kind"],
        attended=columns.get("attended"),
        contact_id=columns.get("contact_id"),
        person_id=columns.get("person_id"),
    )
