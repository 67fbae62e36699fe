"""Promises of ours: open actions of earlier weeks, and sentences in which we promise something. Pure."""

from collections.abc import Collection, Mapping

from domain.fact_settings import PromiseSettings
from domain.facts import FactSource, PromiseFact
from domain.statements import Statement
from domain.tracking import Action
from tools.evidence.account_record import AccountRecord


def promise_facts(record: AccountRecord, settings: PromiseSettings, kinds: Collection[str]) -> tuple[PromiseFact, ...]:
    """Open actions, those due first at the top, then promises in texts, newest first."""
    actions = sorted(record.actions, key=lambda action: (action.due, action.id))
    stated = [each for each in record.statements if each.kind in kinds and each.mode == "asserted"]
    facts = [_of_action(action, record) for action in actions] + [_of_statement(each) for each in stated]
    unique: Mapping[str, PromiseFact] = {fact.id: fact for fact in facts}
    return tuple(unique.values())[: int(settings.per_account.value)]


def _of_action(action: Action, record: AccountRecord) -> PromiseFact:
    return PromiseFact(
        id=f"promise:{action.id}",
        on=action.due,
        side="ours",
        tone="bad" if action.due < record.as_of else "neutral",
        source=FactSource(table="actions", key=action.id),
        text=action.title,
        due_on=action.due,
        owner=action.owner,
        kept=None,
    )


def _of_statement(statement: Statement) -> PromiseFact:
    return PromiseFact(
        id=f"promise:{statement.id.removeprefix('quote:')}",
        on=statement.on,
        side="ours",
        tone="neutral",
        source=FactSource(table=statement.table, key=statement.key),
        text=statement.quotation,
        due_on=None,
        owner=statement.recorded_by,
        kept=None,
    )
