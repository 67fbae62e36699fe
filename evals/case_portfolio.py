"""Writes cases as a portfolio of real files with our team, and lets the product read and score it like any export."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from domain.configuration import Configuration
from domain.errors import SaveplayError
from evals.cases import AccountCase, CaseAccount, CaseCustomer, Row, case_rows
from evals.sample.write import COLUMNS, write_csv
from tools.scoring.scored_base import ScoredBase, read_base
from tools.scoring.snapshots import SnapshotStore
from tools.wording import review_id_of

STAFF_ROWS = (
    ("S-1", "Ana Ferreira", "csm", "S-3", 35),
    ("S-2", "Ben Okafor", "csm", "S-3", 35),
    ("S-3", "Carla Weiss", "cs_manager", "", 35),
    ("S-4", "Dinesh Rao", "exec_sponsor", "", 5),
    ("S-5", "Elif Kaya", "support_lead", "", 20),
    ("S-6", "Farah Haddad", "product", "", 10),
    ("S-7", "Goran Novak", "billing", "", 10),
)
"""Our people in every portfolio: id, name, role, manager, weekly hours."""
NEIGHBOUR_ID = "neighbour"
MONTH_DAYS = 28


@dataclass(frozen=True)
class CasePortfolio:
    """A portfolio on disk, and its scored base on the review date of its cases."""

    cases: tuple[AccountCase, ...]
    tables: Mapping[str, Sequence[Row]]
    base: ScoredBase
    history: SnapshotStore


def group_cases(cases: Iterable[AccountCase]) -> list[tuple[AccountCase, ...]]:
    """Groups of cases that can share a portfolio, in a fixed order."""
    groups: dict[tuple[object, ...], list[AccountCase]] = {}
    for case in cases:
        groups.setdefault(case.surroundings, []).append(case)
    return [tuple(group) for _, group in sorted(groups.items(), key=lambda item: str(item[0]))]


def score_cases(cases: Sequence[AccountCase], folder: Path, configuration: Configuration) -> CasePortfolio:
    """Write one portfolio for cases of one group and score it. Raises a SaveplayError when the data cannot be read."""
    first = cases[0]
    tables = portfolio_tables(cases)
    write_tables(tables, folder / "data")
    history = SnapshotStore(folder / "history")
    if first.month_ago:
        before = first.as_of - timedelta(days=MONTH_DAYS)
        past = read_base(str(folder / "data"), before, configuration, history)
        past.save_scores(history, review_id_of(before), reviewed=False)
        past.connection.close()
    base = read_base(str(folder / "data"), first.as_of, configuration, history)
    return CasePortfolio(tuple(cases), tables, base, history)


def score_cases_apart(
    cases: Sequence[AccountCase], folder: Path, configuration: Configuration
) -> list[CasePortfolio | dict[str, str]]:
    """Score the cases together, or one by one if that fails. A case that cannot be read gives {name: reason} instead."""
    try:
        return [score_cases(cases, folder, configuration)]
    except SaveplayError as error:
        if len(cases) == 1:
            return [{cases[0].name: str(error)}]
        return [
            portfolio for case in cases for portfolio in score_cases_apart([case], folder / case.name, configuration)
        ]


def portfolio_tables(cases: Sequence[AccountCase]) -> dict[str, list[Row]]:
    """Rows by table: the cases, their related accounts, and a quiet neighbour that proves which sources are connected."""
    first = cases[0]
    tables: dict[str, list[Row]] = {name: [] for name in COLUMNS}
    tables["people"] = [dict(zip(COLUMNS["people"], _person(*line), strict=True)) for line in STAFF_ROWS]
    for case in cases:
        others = [(f"{case.account_id}-{n}", other) for n, other in enumerate(case.also, start=1)]
        parents = [account_id for account_id, other in others if other.parent]
        _add(tables, case, case.account_id, case, parents[0] if parents else None)
        for account_id, other in others:
            _add(tables, other, account_id, case, case.account_id if other.child else None)
    _add_neighbour(tables, first)
    return {name: [] if name in first.not_connected else rows for name, rows in tables.items()}


def _person(person_id: str, name: str, role: str, manager: str, hours: int) -> tuple[Any, ...]:
    return (person_id, name, f"{person_id.lower()}@ours.example", role, manager, hours)


def _add(
    tables: dict[str, list[Row]], customer: CaseCustomer, account_id: str, case: AccountCase, parent: str | None
) -> None:
    facts = customer.account
    tables["accounts"].append(_account_row(facts, account_id, case.as_of, parent))
    for name, rows in case_rows(customer, account_id, case.as_of, case.stale).items():
        tables[name] += rows


def _account_row(facts: CaseAccount, account_id: str, as_of: date, parent: str | None) -> Row:
    days, started = facts.renewal_in_days, facts.started_ago
    return {
        "account_id": account_id,
        "name": facts.name or account_id.replace("_", " ").capitalize(),
        "arr": facts.arr,
        "currency": facts.currency,
        "renewal_date": None if days is None else as_of + timedelta(days=days),
        "segment": facts.segment,
        "csm_id": "S-1" if facts.owner else None,
        "exec_sponsor_id": "S-4",
        "lifecycle_stage": facts.lifecycle_stage,
        "started_on": None if started is None else as_of - timedelta(days=started),
        "seats": facts.seats,
        "parent_account_id": parent,
    }


def _add_neighbour(tables: dict[str, list[Row]], case: AccountCase) -> None:
    """Add a quiet account with rows of the review date, or as old as the case says that a source is."""

    def on(table: str) -> date:
        return case.as_of - timedelta(days=case.stale.get(table, 0))

    tables["accounts"].append(_account_row(CaseAccount(renewal_in_days=300), NEIGHBOUR_ID, case.as_of, None))
    quiet = case_rows(CaseCustomer(), NEIGHBOUR_ID, case.as_of, case.stale)
    long_ago = case.as_of - timedelta(days=300)
    quiet["tickets"].append({**quiet["tickets"][0], "ticket_id": "T-n", "opened_at": on("tickets"), "closed_at": None})
    quiet["touchpoints"] += [{**quiet["touchpoints"][0], "date": day} for day in (on("touchpoints"), long_ago)]
    quiet["invoices"].append(
        {**quiet["invoices"][0], "invoice_id": "I-n", "due_date": on("invoices"), "paid_on": on("invoices")}
    )
    for name, rows in quiet.items():
        tables[name] += rows


def write_tables(tables: Mapping[str, Sequence[Row]], folder: Path) -> None:
    """Write one CSV file per table that has rows. A row of usage is one day, also where there is one a week."""
    for name, rows in tables.items():
        if rows:
            write_csv(folder / f"{name}.csv", COLUMNS[name], [_texts(row) for row in rows])
    (folder / "mapping.yaml").write_text("tables: {usage: {dated_by: day}}\n", encoding="utf-8")


def _texts(row: Row) -> dict[str, str]:
    return {key: _text(value) for key, value in row.items()}


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)
