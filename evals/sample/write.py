"""CSV files with the same bytes on every machine."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from evals.sample.customer import Row

COLUMNS: dict[str, tuple[str, ...]] = {
    "accounts": (
        "account_id",
        "name",
        "arr",
        "currency",
        "renewal_date",
        "segment",
        "csm_id",
        "exec_sponsor_id",
        "lifecycle_stage",
        "started_on",
        "seats",
        "parent_account_id",
    ),
    "people": ("person_id", "name", "email", "role", "manager_id", "weekly_hours"),
    "usage": ("account_id", "date", "active_users", "logins", "core_actions", "features_used"),
    "tickets": (
        "ticket_id",
        "account_id",
        "opened_at",
        "closed_at",
        "priority",
        "escalated",
        "sla_breached",
        "csat",
        "subject",
        "body",
    ),
    "invoices": ("invoice_id", "account_id", "due_date", "amount", "currency", "status", "paid_on"),
    "surveys": ("account_id", "date", "kind", "score", "comment", "contact_id"),
    "contacts": ("contact_id", "account_id", "name", "title", "role", "status", "departed_on", "email"),
    "touchpoints": ("account_id", "date", "kind", "outbound", "attended", "responded_at", "contact_id", "person_id"),
    "goals": ("account_id", "goal", "due_date", "status"),
    "notes": ("account_id", "date", "text", "author", "pulse"),
    "outcomes": ("account_id", "date", "kind", "arr_change"),
}


def write_csv(path: Path, columns: Sequence[str], rows: Sequence[Row], encoding: str = "utf-8") -> None:
    """Write one CSV file with these columns. Lines end with a newline on every machine."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.getvalue().encode(encoding))
