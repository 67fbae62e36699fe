"""Effect of renewals on the ARR, and the rows of outcomes and invoices."""

import random
from datetime import date, timedelta

from evals.world import assumptions
from evals.world.levels import condition_strength
from evals.world.model import (
    AccountFacts,
    AccountLife,
    DatedRow,
    DrawnCondition,
    Row,
    WorldSpan,
    draw_later_day,
    random_stream,
)

Steps = tuple[tuple[date, float], ...]


def arr_steps(
    seed: int, facts: AccountFacts, hidden: tuple[DrawnCondition, ...], churned_on: date | None, span: WorldSpan
) -> Steps:
    """Dates with the ARR that is valid from then on. Every renewal is a step, even without a change."""
    steps = [(facts.started, facts.first_arr)]
    for renewal in facts.renewals:
        rng = random_stream(seed, facts.account_id, f"renewal {renewal}")
        if renewal >= span.end or (churned_on and churned_on <= renewal):
            break
        trouble = max((condition_strength(one.condition, renewal) for one in hidden), default=0.0)
        steps.append((renewal, float(round(steps[-1][1] * (1 + _change(trouble, rng)), -2))))
    return tuple(steps)


def _change(trouble: float, rng: random.Random) -> float:
    """Relative change of the ARR at a renewal: troubled accounts shrink, healthy accounts sometimes grow."""
    draw, more, less = rng.random(), rng.uniform(*assumptions.EXPANSION), rng.uniform(*assumptions.CONTRACTION)
    if draw < assumptions.CONTRACTS + (assumptions.CONTRACTS_TROUBLED - assumptions.CONTRACTS) * trouble:
        return -less
    return more if draw > 1 - assumptions.EXPANDS * (1 - trouble) else 0.0


def outcome_entries(life: AccountLife, _rng: random.Random) -> list[DatedRow]:
    """One row per renewal within the world, and one for the churn."""
    rows = []
    for (_, before), (day, after) in zip(life.arr_steps, life.arr_steps[1:], strict=False):
        kind = "renewed" if after == before else "expanded" if after > before else "contracted"
        rows.append(_outcome(life, day, kind, after - before))
    if life.churned_on:
        rows.append(_outcome(life, life.churned_on, "churned", -life.arr_steps[-1][1]))
    return rows


def _outcome(life: AccountLife, day: date, kind: str, change: float) -> DatedRow:
    row = {"account_id": life.facts.account_id, "date": str(day), "kind": kind, "arr_change": f"{change:.0f}"}
    return DatedRow(day, row)


def invoice_entries(life: AccountLife, rng: random.Random) -> list[DatedRow]:
    """Invoices each quarter (small customers: each year), open until they are paid."""
    step = 91 if life.facts.first_arr >= assumptions.QUARTERLY_FROM else 365
    due = life.begins + timedelta(days=rng.randrange(step))
    entries: list[DatedRow] = []
    while due < life.ends:
        entries.append(_invoice(life, due, len(entries) + 1, step, rng))
        due += timedelta(days=step)
    return entries


def _invoice(life: AccountLife, due: date, number: int, step: int, rng: random.Random) -> DatedRow:
    arr = next(arr for since, arr in reversed(life.arr_steps) if since <= due)
    row = {
        "invoice_id": f"{life.facts.account_id}-I{number}",
        "account_id": life.facts.account_id,
        "due_date": str(due),
        "amount": f"{arr * min(step, 364) / 364:.2f}",
        "currency": "EUR",
        "status": "open",
        "paid_on": "",
    }
    late = rng.random() < 1 - (1 - assumptions.LATE_PAPERWORK) * life.level("pay", due)
    on_time, slow = draw_later_day(due, assumptions.PAID_DAYS, rng), draw_later_day(due, assumptions.LATE_DAYS, rng)
    failed, again = rng.random() < assumptions.PAYMENT_FAILED, rng.randint(7, 14)
    paid = slow if late else on_time
    later: list[tuple[date, Row]] = []
    if failed:
        later.append((due, {"status": "failed"}))
        paid = max(paid, due + timedelta(days=again))
    later.append((paid, {"status": "paid", "paid_on": str(paid)}))
    return DatedRow(due, row, tuple(later))
