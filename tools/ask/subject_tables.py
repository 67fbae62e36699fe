"""Tables behind the subjects of a question: their rows, fields, groups, amounts and columns. SQL expressions only; no I/O.

Rows are ``r``; the account beside them is ``s`` (scored), ``c`` (compared) and ``m`` (measured), so that every filter on
accounts also filters them. Rows that the store or Python holds are written to a table of the connection first.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from domain.configuration import Subject

Shown = Literal["text", "words", "quoted", "name", "person", "money", "day", "number", "count"]


@dataclass(frozen=True)
class Column:
    """One column of the rows as they are shown."""

    title: str
    sql: str
    shown: Shown = "text"


@dataclass(frozen=True)
class SubjectTable:
    """One subject. ``fields`` may be filtered and grouped by, ``amounts`` summed; ``day`` is the day of a row."""

    one: str
    many: str
    rows: str
    """FROM expression; ``{table}`` is the input table where it is one."""
    source: str
    fields: Mapping[str, str]
    columns: tuple[Column, ...]
    order: str
    table: str | None = None
    """Input table that it reads; None: the rows are written for the question."""
    day: str | None = None
    day_title: str = ""
    """The event of the day, where the subject does not say it: opened, due, left."""
    amounts: Mapping[str, str] = field(default_factory=dict)
    money: tuple[str, ...] = ()
    """Amounts in the home currency."""
    owner_title: str = "owner"
    """The word before a colleague whose rows are asked for."""
    averaged: tuple[str, ...] = ()
    """Amounts of which nobody wants the sum."""
    of_many: tuple[str, ...] = ()
    """Amounts that say something about many rows only: no row is filtered by them."""
    past: bool = True
    """False: days ahead are meant when no year is given."""
    keeps_former: bool = False
    """True if rows of lost customers count."""


_ACCOUNT = Column("id", "r.account_id")
_NAME = Column("account", "s.name", "name")
_ROW_NAME = Column("account", "coalesce(s.name, r.account_name)", "name")

_CONTACT = "(select any_value(k.name) from {contacts} k where k.contact_id = r.contact_id)"
_OPEN_TICKET = (
    "case when r.closed_at is not null or r.status = 'closed' then 'closed' when r.status = 'open' then 'open' "
    "when (select count(closed_at) from {table}) > 0 then 'open' else 'unknown' end"
)
_INVOICE_STATE = (
    "case when r.status = 'paid' or r.paid_on <= cast({as_of} as date) then 'paid' when r.status = 'failed' then 'failed' "
    "when coalesce(r.amount_home, 1) <= 0 then 'credit' when r.due_date < cast({as_of} as date) then 'overdue' "
    "when r.due_date is null then 'unknown' else 'open' end"
)

SUBJECTS: Mapping[Subject, SubjectTable] = {
    "actions": SubjectTable(
        one="action", many="actions", rows="asked_actions r", source="the actions that people approved, with their progress",
        fields={"state": "r.state", "owner": "r.owner", "owner_id": "r.owner_id", "kind": "r.kind"},
        columns=(
            _ACCOUNT, _ROW_NAME, Column("action", "r.title", "words"), Column("owner", "r.owner", "name"),
            Column("due", "r.due", "day"), Column("status", "r.state"), Column("review", "r.review_id"),
        ),
        order="r.due, r.account_id, r.action_id", day="r.due", day_title="due", amounts={"hours": "r.hours"}, past=False,
        keeps_former=True,
    ),
    "people": SubjectTable(
        one="contact", many="contacts", rows="{table} r", table="contacts", source="contacts",
        fields={
            "role": "r.role", "title": "r.title", "email": "r.email", "contact": "lower(strip_accents(r.name))",
            "state": "case when r.status = 'departed' or r.departed_on is not null then 'left' when r.status is null then 'unknown' else 'active' end",
        },
        columns=(
            _ACCOUNT, _NAME, Column("name", "r.name", "name"), Column("title", "r.title", "words"),
            Column("role", "replace(r.role, '_', ' ')"), Column("status", "case when r.status = 'departed' then 'left' else r.status end"),
            Column("left on", "r.departed_on", "day"),
        ),
        order="s.arr desc nulls last, r.account_id, r.contact_id", day="r.departed_on", day_title="left",
    ),
    "incidents": SubjectTable(
        one="account", many="accounts that report a shared problem", rows="asked_incidents r", source="tickets and notes",
        fields={"incident": "r.incident"},
        columns=(
            _ACCOUNT, _NAME, Column("problem", "r.incident", "words"), Column("ARR", "cast(s.arr as double)", "money"),
            Column("reports", "r.reports", "count"), Column("renewal", "s.renewal_date", "day"),
        ),
        order="s.arr desc nulls last, r.account_id", amounts={"arr": "cast(s.arr as double)"}, money=("arr",), past=False,
    ),
    "plays": SubjectTable(
        one="play", many="plays", rows="asked_plays r", source="the approved plays of the kept reviews, and outcomes",
        fields={"state": "r.state", "cause": "r.cause", "outcome": "r.outcome"},
        columns=(
            _ACCOUNT, _ROW_NAME, Column("cause", "r.cause_label"), Column("began", "r.began", "day"), Column("status", "r.state"),
            Column("actions done", "r.done", "words"), Column("since then", "r.outcome"),
        ),
        order="r.began desc, r.account_id", day="r.began", day_title="began", keeps_former=True,
    ),
    "renewals": SubjectTable(
        one="renewal", many="renewals", rows="(select account_id, renewal_date from scored where renewal_date is not null) r",
        source="accounts and the scores", fields={},
        columns=(
            _ACCOUNT, _NAME, Column("renewal", "r.renewal_date", "day"), Column("ARR", "cast(s.arr as double)", "money"),
            Column("segment", "s.segment"), Column("CSM", "s.csm_id", "person"),
            Column("health", "s.health", "number"), Column("risk", "s.risk", "number"), Column("priority", "s.intervention_tier"),
        ),
        order="r.renewal_date, r.account_id", day="r.renewal_date", amounts={"arr": "cast(s.arr as double)"}, money=("arr",), past=False,
    ),
    "quotations": SubjectTable(
        one="statement", many="statements", rows="asked_quotations r", source="the statements found in notes, tickets and surveys",
        fields={"kind": "r.kind"},
        columns=(
            _ACCOUNT, _NAME, Column("on", "r.day", "day"), Column("about", "replace(r.kind, '_', ' ')"),
            Column("words", "r.quote", "quoted"), Column("source", "r.source"),
        ),
        order="r.day desc, r.account_id, r.source", day="r.day",
    ),
    "tickets": SubjectTable(
        one="ticket", many="tickets", rows="{table} r", table="tickets", source="tickets",
        fields={
            "priority": "r.priority", "escalated": "cast(r.escalated as varchar)", "sla_breached": "cast(r.sla_breached as varchar)",
            "state": _OPEN_TICKET, "id": "upper(r.ticket_id)",
        },
        columns=(
            _ACCOUNT, _NAME, Column("ticket", "r.ticket_id"), Column("subject", "r.subject", "quoted"), Column("priority", "r.priority"),
            Column("opened", "r.opened_at", "day"), Column("closed", "r.closed_at", "day"),
            Column("escalated", "case when r.escalated then 'escalated' else '' end"),
        ),
        order="r.opened_at desc nulls last, r.ticket_id", day="r.opened_at", day_title="opened",
        amounts={"age": "date_diff('day', r.opened_at, coalesce(r.closed_at, cast({as_of} as date)))", "satisfaction": "r.csat"},
        averaged=("age", "satisfaction"),
    ),
    "invoices": SubjectTable(
        one="invoice", many="invoices", rows="{table} r", table="invoices", source="invoices",
        fields={"state": _INVOICE_STATE, "id": "upper(r.invoice_id)"},
        columns=(
            _ACCOUNT, _NAME, Column("invoice", "r.invoice_id"), Column("due", "r.due_date", "day"),
            Column("amount", "cast(r.amount_home as double)", "money"), Column("status", _INVOICE_STATE),
            Column("days overdue", "case when r.paid_on is null and coalesce(r.status, '') <> 'paid' and r.due_date < cast({as_of} as date) then date_diff('day', r.due_date, cast({as_of} as date)) end", "count"),
        ),
        order="r.due_date nulls last, r.invoice_id", day="r.due_date", day_title="due",
        amounts={"amount": "cast(r.amount_home as double)"}, money=("amount",),
    ),
    "outcomes": SubjectTable(
        one="outcome", many="outcomes", rows="{table} r", table="outcomes", source="outcomes",
        fields={"kind": "r.kind"},
        columns=(
            _ACCOUNT, Column("account", "coalesce(s.name, (select max(f.name) from former f where f.account_id = r.account_id))", "name"),
            Column("on", "r.date", "day"), Column("outcome", "r.kind"), Column("ARR change", "cast(r.arr_change as double)", "money"),
        ),
        order="r.date desc, r.account_id", day="r.date", amounts={"change": "cast(r.arr_change as double)"}, money=("change",),
        keeps_former=True,
    ),
    "surveys": SubjectTable(
        one="survey answer", many="survey answers", rows="{table} r", table="surveys", source="surveys",
        fields={
            "kind": "lower(r.kind)", "comment": "nullif(trim(r.comment), '')",
            "state": "case when lower(r.kind) <> 'nps' then null when r.score >= 9 then 'promoter' when r.score >= 7 then 'passive' when r.score >= 0 then 'detractor' end",
        },
        columns=(
            _ACCOUNT, _NAME, Column("on", "r.date", "day"), Column("survey", "upper(r.kind)"), Column("score", "r.score", "number"),
            Column("comment", "r.comment", "quoted"), Column("by", _CONTACT, "words"),
        ),
        order="r.date desc, r.account_id, r.row_no", day="r.date",
        amounts={"score": "r.score", "nps": "case when lower(r.kind) = 'nps' then case when r.score >= 9 then 100 when r.score >= 7 then 0 when r.score >= 0 then -100 end end"},
        averaged=("score", "nps"), of_many=("nps",),
    ),
    "touchpoints": SubjectTable(
        one="touchpoint", many="touchpoints", rows="{table} r", table="touchpoints", source="touchpoints",
        fields={
            "kind": "r.kind", "owner_id": "r.person_id", "owner": "(select any_value(p.name) from people p where p.person_id = r.person_id)",
            "state": "case when r.attended then 'held' when r.attended = false then 'missed' when r.outbound and r.responded_at is null then 'not answered' when r.outbound then 'answered' else 'from them' end",
        },
        columns=(
            _ACCOUNT, _NAME, Column("on", "r.date", "day"), Column("kind", "replace(r.kind, '_', ' ')"), Column("with", _CONTACT, "words"),
            Column("our person", "(select any_value(p.name) from people p where p.person_id = r.person_id)", "words"),
            Column("answered on", "r.responded_at", "day"),
        ),
        order="r.date desc, r.account_id, r.row_no", day="r.date", owner_title="by",
    ),
    "notes": SubjectTable(
        one="note", many="notes", rows="{table} r", table="notes", source="notes",
        fields={
            "owner": "r.author", "owner_id": "(select any_value(p.person_id) from people p where lower(p.name) = lower(r.author))",
        },
        columns=(
            _ACCOUNT, _NAME, Column("on", "r.date", "day"), Column("author", "r.author", "words"), Column("note", "r.text", "quoted"),
            Column("pulse", "r.pulse", "count"),
        ),
        order="r.date desc, r.account_id, r.row_no", day="r.date", amounts={"pulse": "r.pulse"}, averaged=("pulse",), owner_title="by",
    ),
    "goals": SubjectTable(
        one="goal", many="goals", rows="{table} r", table="goals", source="goals", fields={"state": "r.status"},
        columns=(
            _ACCOUNT, _NAME, Column("goal", "r.goal", "quoted"), Column("due", "r.due_date", "day"),
            Column("status", "replace(r.status, '_', ' ')"),
        ),
        order="r.due_date nulls last, r.account_id, r.row_no", day="r.due_date", day_title="due", past=False,
    ),
    "colleagues": SubjectTable(
        one="colleague", many="colleagues", rows="(select *, cast(null as varchar) as account_id from people) r", source="people",
        fields={"role": "r.role", "owner_id": "r.person_id", "manager": "r.manager_id"},
        columns=(
            Column("id", "r.person_id"), Column("name", "r.name", "name"), Column("role", "replace(r.role, '_', ' ')"),
            Column("reports to", "(select any_value(p.name) from people p where p.person_id = r.manager_id)", "words"),
            Column("hours a week", "r.weekly_hours", "number"),
        ),
        order="r.name, r.person_id", amounts={"hours": "r.weekly_hours"}, keeps_former=True, owner_title="",
    ),
}  # fmt: skip
"""Every subject but accounts, which ``run_query`` answers."""
