"""Exports of a smaller sister company in the formats of the source systems, with their usual traps.

The tables are drawn as for the portfolio. Then each table is written in the format of its source system.
"""

import random
from collections.abc import Sequence
from pathlib import Path

from evals.sample.customer import Row, SampleCustomer
from evals.sample.customer_scripts import EXPORT_SCRIPTS
from evals.sample.draw_customers import draw_customers
from evals.sample.exports_crm import account_file, contact_file, event_file, opportunity_file, user_file
from evals.sample.exports_mapping import MAPPING
from evals.sample.exports_other import invoice_file, survey_file, ticket_file, usage_file
from evals.sample.portfolio import draw_tables
from evals.sample.write import write_csv


def write_exports(folder: Path, seed: int) -> Sequence[SampleCustomer]:
    """Write all files below the folder and return the customers, for the truth."""
    customers = draw_customers(EXPORT_SCRIPTS, seed + 1, "SF")
    for customer in customers:
        customer.currency = "EUR"
    tables = draw_tables(customers, seed + 1)
    rng = random.Random(f"{seed}/exports")
    files: dict[str, tuple[list[Row], str]] = {
        "Account.csv": (account_file(tables["accounts"], rng, seed), "utf-8-sig"),
        "Opportunity.csv": (opportunity_file(tables["accounts"], rng, seed), "utf-8"),
        "Contact.csv": (contact_file(tables["contacts"], seed), "latin-1"),
        "User.csv": (user_file(tables["people"], seed), "utf-8"),
        "Event.csv": (event_file(tables["touchpoints"], seed), "utf-8"),
        "tickets.csv": (ticket_file(tables["tickets"], rng, seed), "utf-8"),
        "invoices.csv": (invoice_file(tables["invoices"], rng, seed), "utf-8"),
        "usage_export.csv": (usage_file(tables["usage"], seed), "utf-8"),
        "survey_responses.csv": (survey_file(tables["surveys"], seed), "utf-8-sig"),
    }
    for name, (rows, encoding) in files.items():
        write_csv(folder / name, list(rows[0]), rows, encoding)
    (folder / "mapping.yaml").write_bytes(MAPPING.encode())
    return customers
