"""Facts about money and goals: invoices, the renewal, what the customer wanted to reach. Pure."""

from domain.fact_settings import GoalSettings, MoneySettings
from domain.facts import FactSource, FactTone, GoalFact, InvoiceFact, RenewalFact
from tools.evidence.account_record import AccountRecord, content_digest, days_between, newest_first, row_key, source_of
from tools.signals.registry import InputRow

_GOAL_RANK = {"missed": 0, "behind": 1, "on_track": 2, "met": 3}
_GOAL_TONE: dict[str, FactTone] = {"missed": "bad", "behind": "bad", "met": "good"}


def invoice_facts(record: AccountRecord, settings: MoneySettings) -> tuple[InvoiceFact, ...]:
    """Unpaid invoices that are overdue or failed, then what comes due next, then what was paid late."""
    found = {fact.id: fact for row in record.of("invoices") if (fact := _invoice_fact(row, record, settings))}
    ordered = sorted(found.values(), key=lambda fact: (fact.tone != "bad", fact.status == "paid", -(fact.days_overdue or 0), fact.id))  # fmt: skip
    return tuple(ordered[: int(settings.invoices_per_account.value)])


def _invoice_fact(row: InputRow, record: AccountRecord, settings: MoneySettings) -> InvoiceFact | None:
    columns, key = row.columns, row_key(row)
    status, paid, amount = columns.get("status"), columns.get("paid_on"), columns.get("amount")
    if status == "void" or amount is None or amount <= 0:
        return None
    age = days_between(row.on, record.as_of)
    overdue = days_between(row.on, paid or record.as_of)
    if paid or status == "paid":
        late = overdue is not None and overdue >= settings.paid_late_by.value
        if not (paid and late and age is not None and age <= settings.paid_late_within.value):
            return None
    elif status != "failed" and (overdue is None or overdue < -settings.due_within.value):
        return None
    unpaid = not paid and status != "paid"
    return InvoiceFact(
        id=f"invoice:{key}",
        on=row.on,
        side="theirs",
        tone="bad" if unpaid and (status == "failed" or (overdue or 0) > 0) else "neutral",
        source=source_of(row),
        invoice_id=key,
        amount=float(amount),
        currency=columns.get("currency"),
        status=status,
        due_on=row.on,
        days_overdue=overdue,
    )


def goal_facts(record: AccountRecord, settings: GoalSettings) -> tuple[GoalFact, ...]:
    """Missed and late goals first. A goal has no id in the data: its id is a digest of its text."""
    found = {}
    for row in record.of("goals"):
        text, status = str(row.columns["goal"]), row.columns.get("status")
        key = content_digest(record.account_id, text)
        found[key] = GoalFact(
            id=f"goal:{key}",
            on=row.columns.get("due_date"),
            side="theirs",
            tone=_GOAL_TONE.get(status or "", "neutral"),
            source=source_of(row, key),
            goal=text,
            status=status,
            due_on=row.columns.get("due_date"),
        )
    ordered = sorted(found.values(), key=lambda fact: (_GOAL_RANK.get(fact.status or "", 4), newest_first(fact.on), fact.id))  # fmt: skip
    return tuple(ordered[: int(settings.per_account.value)])


def renewal_facts(record: AccountRecord) -> tuple[RenewalFact, ...]:
    """The renewal, if its day is known."""
    if record.renewal_date is None:
        return ()
    days = (record.renewal_date - record.as_of).days
    return (
        RenewalFact(
            id=f"renewal:{record.account_id}",
            on=record.renewal_date,
            side="theirs",
            tone="bad" if days < 0 else "neutral",
            source=FactSource(table="accounts", key=record.account_id),
            renewal_on=record.renewal_date,
            days=days,
        ),
    )
