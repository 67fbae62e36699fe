"""The dossier of each account under review: attributes, contributions, evidence with its rows, people on both sides.

Everything that the later phases need is gathered here once, so that nothing after phase 1 reads the data again.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from domain.dossier import Contact, Dossier, Person
from domain.evidence import Contribution, Evidence
from domain.portfolio import RiskChange
from tools.evidence.evidence import build_contributions, build_evidence, exact_parts
from tools.scoring.scored_base import Row, ScoredBase
from tools.scoring.snapshots import SnapshotStore
from tools.signals import TEXT_COLUMNS
from tools.signals.plain_text import plain_text
from tools.signals.registry import InputRow

_QUERIES = {
    "usage": "select t.*, t.date as on_day from {usage} t semi join picked p on p.account_id = t.account_id",
    "tickets": "select t.* exclude (body), t.opened_at as on_day from {tickets} t "
    "semi join picked p on p.account_id = t.account_id",
    "surveys": "select t.*, t.date as on_day from {surveys} t semi join picked p on p.account_id = t.account_id",
    "notes": "select t.*, t.date as on_day from {notes} t semi join picked p on p.account_id = t.account_id",
    "touchpoints": "select t.*, t.date as on_day, c.role as contact_role, c.name as contact_name from {touchpoints} t "
    "semi join picked p on p.account_id = t.account_id "
    "left join {contacts} c on c.contact_id = t.contact_id and c.account_id = t.account_id",
    "contacts": "select t.* replace (coalesce(t.status, case when t.departed_on is null then 'active' else 'departed' end) "
    "as status), t.contact_id as contact_id_own, t.departed_on as on_day from {contacts} t "
    "semi join picked p on p.account_id = t.account_id",
    "invoices": "select t.*, t.due_date as on_day from {invoices} t semi join picked p on p.account_id = t.account_id",
    "goals": "select t.*, cast(null as date) as on_day from {goals} t semi join picked p on p.account_id = t.account_id",
    "outcomes": "select t.*, t.date as on_day from {outcomes} t semi join picked p on p.account_id = t.account_id",
}


def load_people(base: ScoredBase) -> dict[str, Person]:
    """Our people by id."""
    rows = base.rows("select person_id, name, email, role, manager_id, weekly_hours from people order by person_id")
    return {row["person_id"]: Person(**row) for row in rows}


def build_dossiers(
    base: ScoredBase, accounts: Sequence[str], history: SnapshotStore, details: Mapping[str, list[Row]]
) -> list[Dossier]:
    """One dossier an account, in the order asked for. ``details`` are those of ``base.details`` for these accounts."""
    base.select_accounts(accounts)
    previous_points = _last_health_points(base)
    measured = _by_account(base.rows("select m.* from measured m semi join picked p on p.account_id = m.account_id"))
    scored = _by_account(base.rows("select s.* from scored s semi join picked p on p.account_id = s.account_id"))
    moved = _by_account(base.rows("select c.* from compared c semi join picked p on p.account_id = c.account_id"))
    input_rows = _input_rows(base)
    series = history.health_series(base.connection, base.snapshots, list(accounts))
    stated = _statements_by_account(base, set(accounts))
    sources = {source.table: source.location for source in base.audit.sources}
    found = []
    for account in accounts:
        contributions = build_contributions(
            details[account],
            previous_points.get(account, {}),
            base.configuration.scoring,
            base.as_of,
            measured[account],
        )
        rows = input_rows.get(account, [])
        evidence = build_evidence(
            contributions, rows, stated.get(account, {}), base.configuration.scoring, sources, base.as_of
        )
        found.append(
            _dossier(base, scored[account], measured[account], moved[account], contributions, evidence, rows, series)
        )
    return found


def _by_account(rows: list[Row]) -> dict[str, Row]:
    return {row["account_id"]: row for row in rows}


def _last_health_points(base: ScoredBase) -> dict[str, dict[str, float]]:
    """Health points by signal last week, under today's configuration."""
    if base.previous is None:
        return {}
    details = base.signal_details("previous_measured", base.previous.as_of)
    return {
        account: dict(
            zip(
                [row["signal"] for row in rows],
                exact_parts([row["health_points"] for row in rows], rows[0]["health"]),
                strict=True,
            )
        )
        for account, rows in details.items()
        if rows[0]["health"] is not None
    }


def _input_rows(base: ScoredBase) -> dict[str, list[InputRow]]:
    found: dict[str, list[InputRow]] = {}
    places = {table: base.full_table(table) for table in _QUERIES}
    for table, query in _QUERIES.items():
        written = TEXT_COLUMNS[table][1] if table in TEXT_COLUMNS else ()
        for row in base.rows(f"{query.format(**places)} order by t.account_id, t.row_no"):
            row |= {name: plain_text(row[name]) for name in written if row.get(name)}
            found.setdefault(row["account_id"], []).append(InputRow(table, row["row_no"], row["on_day"], row))
    return found


def _statements_by_account(base: ScoredBase, accounts: set[str]) -> dict[str, dict[str, list[InputRow]]]:
    """By account and signal: the rows with an asserted statement that feeds it, each with its first sentence."""
    found: dict[str, dict[str, list[InputRow]]] = {}
    kinds = base.configuration.wording.kinds
    for said in base.statements:
        for signal in kinds[said.kind].signals if said.account_id in accounts and said.mode == "asserted" else ():
            rows = found.setdefault(said.account_id, {}).setdefault(signal, [])
            if all((row.table, row.row) != (said.table, said.row) for row in rows):
                rows.append(InputRow(said.table, said.row, said.on, {"quote": said.quotation}))
    return found


def _contacts(rows: Sequence[InputRow]) -> tuple[Contact, ...]:
    contacts = [row.columns for row in rows if row.table == "contacts"]
    return tuple(
        Contact(
            contact_id=contact["contact_id"],
            name=contact["name"],
            title=contact["title"],
            role=contact["role"],
            active=contact["status"] != "departed",
            departed_on=contact["departed_on"],
        )
        for contact in sorted(contacts, key=lambda contact: str(contact["contact_id"]))
    )


def _ticket_subjects(rows: Sequence[InputRow], as_of: date) -> tuple[str, ...]:
    """Subjects of recent tickets in alphabetical order, for the themes of the week."""
    return tuple(
        sorted(
            str(row.columns["subject"])
            for row in rows
            if row.table == "tickets" and row.columns.get("subject") and row.age(as_of) <= 90
        )
    )


def _dossier(
    base: ScoredBase,
    scored: Row,
    measured: Row,
    moved: Mapping[str, Any],
    contributions: tuple[Contribution, ...],
    evidence: tuple[Evidence, ...],
    rows: Sequence[InputRow],
    series: Mapping[str, list[tuple[date, float | None]]],
) -> Dossier:
    change: RiskChange = moved["change"] if moved["change"] != "gone" else "unchanged"
    return Dossier(
        **{name: scored[name] for name in _SCORE_FIELDS},
        arr=float(scored["arr"]),
        contract_arr=float(scored["contract_arr"]),
        expected_churn_arr=float(scored["expected_churn_arr"]),
        renewal_in_days=int(scored["renewal_in_days"]) if scored["renewal_in_days"] is not None else None,
        calibrated=base.curve.calibrated,
        change=change,
        risk_then=moved["risk_then"],
        health_then=moved["health_then"],
        tier_then=moved["tier_then"],
        fell=bool(moved["fell"]),
        values={
            **{each.signal: each.value for each in contributions},
            "renewal_in_days": scored["renewal_in_days"],
            "active_users_before": measured["active_users_before"],
            "amount_overdue": measured["amount_overdue"],
        },
        contributions=contributions,
        evidence=evidence,
        contacts=_contacts(rows),
        texts=_ticket_subjects(rows, base.as_of),
        health_history=(*series[scored["account_id"]], (base.as_of, scored["health"])),
    )


_SCORE_FIELDS = (
    "account_id", "name", "segment", "size", "contract_currency", "renewal_date", "csm_id", "exec_sponsor_id",
    "lifecycle_stage", "parent_account_id", "health", "health_band", "coverage", "confidence", "velocity",
    "velocity_band", "risk", "score_tier", "risk_tier", "flagged", "alarm", "at_risk", "rule", "intervention_tier",
    "churn_probability",
)  # fmt: skip
