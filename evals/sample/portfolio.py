"""The eleven tables of the portfolio, drawn customer by customer, and the truth about each customer."""

import random
from collections.abc import Sequence

from evals.sample.customer import Row, SampleCustomer
from evals.sample.draw_money import goal_rows, invoice_rows, outcome_rows
from evals.sample.draw_people import contact_rows, touch_rows
from evals.sample.draw_support import ticket_rows
from evals.sample.draw_usage import usage_rows
from evals.sample.draw_words import note_rows, survey_rows
from evals.sample.staff import sample_staff

Tables = dict[str, list[Row]]
_DRAWN = {
    "usage": usage_rows,
    "tickets": ticket_rows,
    "invoices": invoice_rows,
    "surveys": survey_rows,
    "touchpoints": touch_rows,
    "goals": goal_rows,
    "notes": note_rows,
    "outcomes": outcome_rows,
}


def draw_tables(customers: Sequence[SampleCustomer], seed: int) -> Tables:
    """All tables. Each customer and table has its own random generator, so that no story changes another."""
    tables: Tables = {"accounts": [_account(c) for c in customers], "people": sample_staff()}
    for name, draw in _DRAWN.items():
        tables[name] = [row for c in customers for row in draw(c, random.Random(f"{seed}/{c.account_id}/{name}"))]
    tables["contacts"] = [row for c in customers for row in contact_rows(c)]
    _number(tables["tickets"], "ticket_id", "T", "opened_at")
    _number(tables["invoices"], "invoice_id", "INV", "due_date")
    return tables


def truth_rows(customers: Sequence[SampleCustomer]) -> list[Row]:
    """The truth about each customer, one row each."""
    return [
        {
            "account_id": c.account_id,
            "story": c.story,
            "true_cause": c.cause,
            "hidden_since": "" if c.since is None else str(c.since),
            "what_will_happen": c.outlook,
        }
        for c in customers
    ]


def _account(c: SampleCustomer) -> Row:
    return {
        "account_id": c.account_id,
        "name": c.name,
        "arr": str(c.arr),
        "currency": c.currency,
        "renewal_date": "" if c.renewal is None else str(c.renewal),
        "segment": c.segment,
        "csm_id": c.csm_id,
        "exec_sponsor_id": c.sponsor_id,
        "lifecycle_stage": c.stage,
        "started_on": str(c.started),
        "seats": str(c.seats),
        "parent_account_id": c.parent_id,
    }


def _number(rows: list[Row], column: str, prefix: str, by: str) -> None:
    """Number the rows by date, as a ticket or billing system would."""
    for number, row in enumerate(sorted(rows, key=lambda row: (row[by], row["account_id"]))):
        row[column] = f"{prefix}-{20417 + 2 * number}"
