"""Rows that the store or Python holds, written to tables of the connection, so that one engine answers every question.

``asked_actions``, ``asked_plays``, ``asked_incidents``, ``asked_quotations`` and ``asked_causes``; temporary, never kept.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from domain.configuration import Subject
from graph.ask_context import AskContext
from tools.planning.follow_up import apply_progress

_MOST_DONE = 4
Columns = Mapping[str, str]
"""Type of each column, by its name."""


def write_rows(context: AskContext, subject: Subject, fields: Iterable[str]) -> None:
    """Write the tables that a query on this subject with these fields reads; each once for a context."""
    wanted = (
        {subject} | ({"incidents"} if "incident" in fields else set()) | ({"causes"} if "cause" in fields else set())
    )
    for name in wanted & _WRITERS.keys():
        if name not in context.written:
            columns, rows = _WRITERS[name](context)
            _write(context, f"asked_{name}", columns, rows)
            context.written.add(name)


def _write(context: AskContext, table: str, columns: Columns, rows: Sequence[Sequence[Any]]) -> None:
    parts = ", ".join(f"unnest(?::{kind}[]) as {name}" for name, kind in columns.items())
    lists = [[row[place] for row in rows] for place in range(len(columns))]
    context.base.connection.execute(f"create or replace temp table {table} as select {parts}", lists)


def _actions(context: AskContext) -> tuple[Columns, list[tuple[Any, ...]]]:
    """Every action that people approved, as it is now."""
    progress, settings = context.store.progress(), context.configuration.review
    current = [
        apply_progress(a, progress, context.as_of, settings) for a in context.store.actions_before(context.as_of)
    ]
    columns = {
        "action_id": "varchar", "account_id": "varchar", "account_name": "varchar", "title": "varchar", "owner": "varchar",
        "owner_id": "varchar", "due": "date", "state": "varchar", "kind": "varchar", "hours": "double", "review_id": "varchar",
    }  # fmt: skip
    return columns, [
        (a.id, a.account_id, a.account_name, a.title, a.owner, a.owner_id, a.due, a.status, a.kind, a.effort_hours, a.review_id)
        for a in current
    ]  # fmt: skip


def _plays(context: AskContext) -> tuple[Columns, list[tuple[Any, ...]]]:
    """Every approved play of the kept reviews, with what was done and what became of the account."""
    columns = {
        "account_id": "varchar", "account_name": "varchar", "cause": "varchar", "cause_label": "varchar", "began": "date",
        "state": "varchar", "outcome": "varchar", "done": "varchar",
    }  # fmt: skip
    return columns, [
        (p.account_id, p.name, p.cause, p.label, p.began, p.state, p.outcome, "; ".join(p.done[:_MOST_DONE])) for p in context.plays
    ]  # fmt: skip


def _incidents(context: AskContext) -> tuple[Columns, list[tuple[Any, ...]]]:
    columns = {"account_id": "varchar", "incident": "varchar", "reports": "integer", "first_on": "date"}
    return columns, [
        (account.account_id, incident.title, account.reports, incident.first_on)
        for incident in context.incidents
        for account in incident.accounts
    ]


def _quotations(context: AskContext) -> tuple[Columns, list[tuple[Any, ...]]]:
    columns = {"account_id": "varchar", "kind": "varchar", "day": "date", "quote": "varchar", "source": "varchar"}
    return columns, [(s.account_id, s.intent, s.on, s.quote, f"{s.table} {s.row}") for s in context.base.statements]


def _causes(context: AskContext) -> tuple[Columns, list[tuple[Any, ...]]]:
    columns = {"account_id": "varchar", "cause": "varchar"}
    return columns, list((context.diagnosed or {}).items())


_WRITERS: Mapping[str, Callable[[AskContext], tuple[Columns, Sequence[Sequence[Any]]]]] = {
    "actions": _actions, "plays": _plays, "incidents": _incidents, "quotations": _quotations, "causes": _causes,
}  # fmt: skip
