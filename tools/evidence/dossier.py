"""The dossier of each account under review: attributes, contributions, evidence with its rows, people on both sides.

Everything that the later phases need is gathered here once, so that nothing after phase 1 reads the data again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from domain.dossier import Contact, Dossier, Person
from domain.evidence import Contribution, Evidence
from domain.facts import Incident
from domain.portfolio import RiskChange
from domain.tables import Table
from domain.tracking import Action
from tools.evidence.account_record import AccountRecord
from tools.evidence.evidence import build_contributions, build_evidence, exact_parts
from tools.evidence.facts import FactBuilder
from tools.evidence.statement_rows import statement_records
from tools.scoring.churn_forecast import churn_parts
from tools.scoring.scored_base import Row, ScoredBase
from tools.scoring.snapshots import SnapshotStore
from tools.signals import TEXT_COLUMNS
from tools.signals.plain_text import plain_text
from tools.signals.registry import InputRow
from tools.signals.statements import Statement as FoundStatement
from tools.signals.statements import by_signal
from tools.wording import known_amount

_QUERIES = {
    "usage": "select t.*, t.date as on_day from {usage} t semi join picked p on p.account_id = t.account_id "
    "where t.row_no is not null",  # a day that was filled with zeros has no row in the file
    "tickets": "select t.*, t.opened_at as on_day from {tickets} t semi join picked p on p.account_id = t.account_id",
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


@dataclass(frozen=True)
class Known:
    """Knowledge besides the data: actions that are still open, incidents, and how long texts are new."""

    incidents: tuple[Incident, ...] = ()
    open_actions: Sequence[Action] = ()
    new_days: int = 7
    """Days for which a text is new where there is no last review."""


def build_dossiers(
    base: ScoredBase,
    accounts: Sequence[str],
    history: SnapshotStore,
    details: Mapping[str, list[Row]],
    known: Known = Known(),
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
    facts = _FactSources(base, known)
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
        dossier = _dossier(
            base, scored[account], measured[account], moved[account], contributions, evidence, rows, series
        )
        found.append(facts.add(dossier, rows))
    return found


class _FactSources:
    """Builds the facts of the accounts under review from the rows that their dossiers are made of."""

    def __init__(self, base: ScoredBase, known: Known) -> None:
        self._as_of, self._known = base.as_of, known
        self._builder = FactBuilder(base.configuration.facts, known.incidents)
        self._longest = int(base.configuration.facts.quotations.longest.value)
        self._last_review = base.previous.as_of if base.previous else base.as_of - timedelta(days=known.new_days)
        self._closing_is_known = "closed_at" not in base.audit.source("tickets").columns_absent
        seats = base.rows(
            "select a.account_id, a.seats from accounts a semi join picked p on p.account_id = a.account_id"
        )
        self._seats = {row["account_id"]: row["seats"] for row in seats}
        self._found: dict[str, list[FoundStatement]] = {}
        for statement in base.statements:
            self._found.setdefault(statement.account_id, []).append(statement)
        self._read_texts: dict[str, set[str]] = {}
        for reading in base.people.readings:
            self._read_texts.setdefault(reading.account_id, set()).add(reading.text_id)
        self._model_read: dict[str, dict[str, str]] = {}
        for each in base.people.by_model:
            if not each.failed:
                self._model_read.setdefault(each.account_id, {})[each.text_id] = each.model
        self._actions: dict[str, list[Action]] = {}
        for action in known.open_actions:
            self._actions.setdefault(action.account_id, []).append(action)

    def add(self, dossier: Dossier, rows: Sequence[InputRow]) -> Dossier:
        """The dossier with its facts, its statements, and the texts that a person has to read."""
        by_table: dict[str, list[InputRow]] = {}
        for row in rows:
            by_table.setdefault(row.table, []).append(row)
        record = AccountRecord(
            account_id=dossier.account_id,
            as_of=self._as_of,
            rows=by_table,
            actions=self._actions.get(dossier.account_id, ()),
            seats=self._seats.get(dossier.account_id),
            # A renewal so long past that it is a question about the data is no fact of the account.
            renewal_date=None if dossier.renewal_in_days is None else dossier.renewal_date,
            last_review=self._last_review,
            closing_is_known=self._closing_is_known,
            read_texts=frozenset(self._read_texts.get(dossier.account_id, ())),
            model_read=self._model_read.get(dossier.account_id, {}),
        )
        speakers = self._builder.speakers(record)
        found = self._found.get(dossier.account_id, ())
        statements = statement_records(found, by_table, speakers, self._longest)
        built = self._builder.build(replace(record, statements=statements))
        return dossier.model_copy(update={"facts": built.facts, "statements": statements, "unread_texts": built.unread})


def _by_account(rows: list[Row]) -> dict[str, Row]:
    return {row["account_id"]: row for row in rows}


def _last_health_points(base: ScoredBase) -> dict[str, dict[str, float]]:
    """Health points by signal last week, under today's configuration."""
    if base.previous is None:
        return {}
    details = base.previous_details(base.previous)
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
    queries = {**_QUERIES, **{name: _own_query(table) for name, table in base.configuration.scoring.own_tables.items()}}
    places = {table: base.full_table(table) for table in queries}
    for table, query in queries.items():
        written = TEXT_COLUMNS[table][1] if table in TEXT_COLUMNS else ()
        for row in base.rows(f"{query.format(**places)} order by t.account_id, t.row_no"):
            row |= {name: plain_text(row[name]) for name in written if row.get(name)}
            found.setdefault(row["account_id"], []).append(InputRow(table, row["row_no"], row["on_day"], row))
    return found


def _own_query(table: Table) -> str:
    """The rows of a table that own signals are measured from."""
    day = "t.date" if table.date_column else "cast(null as date)"
    return f"select t.*, {day} as on_day from {{{table.name}}} t semi join picked p on p.account_id = t.account_id"


def _statements_by_account(base: ScoredBase, accounts: set[str]) -> dict[str, dict[str, list[InputRow]]]:
    found: dict[str, dict[str, list[InputRow]]] = {}
    for (account, signal), statements in by_signal(base.statements, base.configuration.wording).items():
        if account in accounts:
            rows = [InputRow(each.table, each.row, each.on, {"quote": each.quote}) for each in statements]
            found.setdefault(account, {})[signal] = rows
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
        arr=known_amount(scored["arr"]),
        contract_arr=known_amount(scored["contract_arr"]),
        expected_churn_arr=known_amount(scored["expected_churn_arr"]),
        renewal_in_days=int(scored["renewal_in_days"]) if scored["renewal_in_days"] is not None else None,
        calibrated=base.odds.checked,
        churn_horizon_weeks=int(base.configuration.scoring.churn.horizon_weeks.value),
        order_horizon_weeks=int(base.configuration.scoring.churn.order_weeks.value),
        churn_parts=churn_parts(base.odds, scored),
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
    "churn_probability", "order_probability",
)  # fmt: skip
