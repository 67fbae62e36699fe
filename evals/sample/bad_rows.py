"""Bad rows, as in every real export: a few rows that cannot be used, and some with future dates."""

import random

from evals.sample.customer import Row
from evals.sample.dates import ago
from evals.sample.portfolio import Tables

_BROKEN = (
    ("usage", "date", "2026-13-02", 5),
    ("usage", "active_users", "#REF!", 4),
    ("usage", "account_id", "TF-9999", 4),
    ("tickets", "account_id", "", 2),
    ("tickets", "opened_at", "last Tuesday", 1),
    ("invoices", "amount", "n/a", 1),
    ("surveys", "score", "ten", 1),
    ("touchpoints", "date", "31.02.2026", 3),
    ("touchpoints", "kind", "???", 2),
    ("notes", "date", "yesterday", 2),
    ("contacts", "name", "", 1),
)


def add_bad_rows(tables: Tables, seed: int) -> None:
    """Make a few old rows unusable, so that no story is lost, and add a few rows dated after the last day."""
    rng = random.Random(f"{seed}/dirt")
    for table, column, value, count in _BROKEN:
        rows = [row for row in tables[table] if _date(row) < str(ago(120))]
        for row in rng.sample(rows, count):
            row[column] = value
    money = next(row for row in tables["accounts"] if row["currency"] == "EUR" and row["arr"].endswith("00"))
    money["arr"] = f"€{int(money['arr']):,}"
    _future(tables, rng)


def _future(tables: Tables, rng: random.Random) -> None:
    calm = [row for row in tables["touchpoints"] if row["kind"] == "call" and row["date"] > str(ago(20))]
    for row, days in zip(rng.sample(calm, 3), (-8, -2, -9), strict=True):
        tables["touchpoints"].append(row | {"date": str(ago(days)), "attended": "", "responded_at": ""})
    usage = [row for row in tables["usage"] if row["date"] == str(ago(0))]
    for row in rng.sample(usage, 2):
        tables["usage"].append(row | {"date": str(ago(-2)), "active_users": "0"})
    note = rng.choice(tables["notes"])
    tables["notes"].append(note | {"date": "2027-11-02", "text": "Typo in the year, of course: call moved to Friday."})


def _date(row: Row) -> str:
    return row.get("date") or row.get("opened_at") or row.get("due_date") or "0"
