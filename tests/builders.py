"""Builder of invented customer bases for tests, with dates in days before the review.

The configuration, the SQL of signals and scores, and the history files are real. ``PortfolioBuilder.score`` puts typed
rows directly into the engine (fast). ``PortfolioBuilder.score_files`` writes CSV files and reads them like the product.
``score_signals`` starts from signal values and returns scores.
"""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from agents.play_drafter import PlayDrafter
from domain.configuration import Configuration
from domain.data_audit import DataAudit, SourceAudit
from domain.diagnosis import CauseFinding
from domain.dossier import Dossier, Person
from domain.evidence import Contribution, Evidence
from domain.phase_results import PlanRow
from domain.readings import PeoplesReadings
from domain.save_play import SavePlay
from domain.tables import TABLES, Table
from tools.configuration import read_configuration
from tools.evidence.dossier import build_dossiers
from tools.planning.intervention_plan import build_plan_rows, read_plan_scores
from tools.save_play.context import PlayContext
from tools.scoring.churn_odds import ChurnOdds, prior_slopes
from tools.scoring.churn_rate import rate_of
from tools.scoring.past_weeks import PastWeeks
from tools.scoring.score_sql import ATTRIBUTES, scored_sql
from tools.scoring.scored_base import ScoredBase, read_base, score_base
from tools.scoring.snapshots import SnapshotStore
from tools.scoring.week_over_week import comparison_sql
from tools.signals import CONTEXT_COLUMNS, OBSERVED_ON
from tools.sources import Portfolio
from tools.sources.parse import SQL_TYPES
from tools.sources.staging_table import AMOUNT_COLUMNS
from tools.working_days import WorkingDays

AS_OF = date(2026, 11, 23)
"""A Monday."""
SHIPPED = read_configuration()
CALENDAR = WorkingDays(SHIPPED.review)
NO_HISTORY = SnapshotStore(Path("no-such-folder"))
PRIOR = ChurnOdds(prior_slopes(SHIPPED.scoring.churn), rate_of(0, 0, SHIPPED.scoring.churn), -5.0, -4.0)
SIGNALS = tuple(SHIPPED.scoring.signals)
LOWEST = {name: signal.points[0][0] for name, signal in SHIPPED.scoring.signals.items()}
HIGHEST = {name: signal.points[-1][0] for name, signal in SHIPPED.scoring.signals.items()}
WORST = {n: (LOWEST if s.worse_when == "lower" else HIGHEST)[n] for n, s in SHIPPED.scoring.signals.items()}
BEST = {n: (HIGHEST if s.worse_when == "lower" else LOWEST)[n] for n, s in SHIPPED.scoring.signals.items()}

Row = dict[str, Any]


def with_scoring(scoring: Mapping[str, Any], name: str = "changed", base: Configuration = SHIPPED) -> Configuration:
    """The configuration with other scoring settings and another hash, like an edited file."""
    data = {**base.scoring.model_dump(), **scoring}
    return base.model_copy(update={"scoring": type(base.scoring).model_validate(data), "scoring_hash": name})


def scoring_setting(name: str, value: float) -> dict[str, Any]:
    """Another value for one number of ``scoring.yaml``, for `with_scoring`."""
    return {name: {**getattr(SHIPPED.scoring, name).model_dump(), "value": value}}


class PortfolioBuilder:
    """A customer base. Every method adds rows and returns the builder; ``days_ago`` counts back from the review."""

    def __init__(self, as_of: date = AS_OF) -> None:
        self.as_of = as_of
        self.tables: dict[str, list[Row]] = {name: [] for name in TABLES}

    def day(self, days_ago: int | None) -> date | None:
        return None if days_ago is None else self.as_of - timedelta(days=days_ago)

    def add(self, table: str, **cells: Any) -> "PortfolioBuilder":
        self.tables[table].append(cells)
        return self

    def _id(self, table: str) -> str:
        return f"{table[:2].upper()}-{len(self.tables[table]) + 1}"

    def account(
        self, account_id: str, *, arr: float = 50_000, renewal: int | None = 200, **cells: Any
    ) -> "PortfolioBuilder":
        """Add an account. ``renewal`` is in days after the review; negative means overdue."""
        on = None if renewal is None else self.as_of + timedelta(days=renewal)
        facts = {"name": f"{account_id} Ltd", "currency": "EUR", "csm_id": "P-1", "renewal_date": on}
        return self.add("accounts", account_id=account_id, arr=arr, **{**facts, **cells})

    def person(self, person_id: str, role: str, **cells: Any) -> "PortfolioBuilder":
        return self.add("people", person_id=person_id, **{"name": f"Person {person_id}", "role": role, **cells})

    def usage(self, account_id: str, weekly: Sequence[float], *, last: int = 0, **cells: Any) -> "PortfolioBuilder":
        """Add active users per week, oldest first; the last row is dated ``last`` days ago."""
        for weeks_ago, users in enumerate(reversed(weekly)):
            day = self.day(last + 7 * weeks_ago)
            self.add("usage", account_id=account_id, date=day, active_users=users, **cells)
        return self

    def ticket(self, account_id: str, days_ago: int, *, closed: int | None = None, **cells: Any) -> "PortfolioBuilder":
        facts = {"escalated": False, "sla_breached": False, "priority": "normal", "subject": "Question"}
        return self.add(
            "tickets", ticket_id=self._id("tickets"), account_id=account_id, opened_at=self.day(days_ago),
            closed_at=self.day(closed), **{**facts, **cells},
        )  # fmt: skip

    def tickets(self, account_id: str, *days_ago: int) -> "PortfolioBuilder":
        for days in days_ago:
            self.ticket(account_id, days, closed=days)
        return self

    def invoice(self, account_id: str, due: int, *, paid: int | None = None, **cells: Any) -> "PortfolioBuilder":
        facts = {"amount": 1000, "currency": "EUR", "status": "open" if paid is None else "paid"}
        return self.add(
            "invoices", invoice_id=self._id("invoices"), account_id=account_id, due_date=self.day(due),
            paid_on=self.day(paid), **{**facts, **cells},
        )  # fmt: skip

    def survey(
        self, account_id: str, days_ago: int, score: float, kind: str = "nps", **cells: Any
    ) -> "PortfolioBuilder":
        return self.add("surveys", account_id=account_id, date=self.day(days_ago), kind=kind, score=score, **cells)

    def contact(self, account_id: str, role: str, *, departed: int | None = None, **cells: Any) -> "PortfolioBuilder":
        contact_id = self._id("contacts")
        facts = {"name": f"Contact {contact_id}", "status": "active" if departed is None else "departed"}
        return self.add(
            "contacts", contact_id=contact_id, account_id=account_id, role=role, departed_on=self.day(departed),
            **{**facts, **cells},
        )  # fmt: skip

    def touch(
        self, account_id: str, days_ago: int, kind: str, *, responded: int | None = None, **cells: Any
    ) -> "PortfolioBuilder":
        return self.add(
            "touchpoints", account_id=account_id, date=self.day(days_ago), kind=kind,
            responded_at=self.day(responded), **cells,
        )  # fmt: skip

    def goal(self, account_id: str, status: str | None) -> "PortfolioBuilder":
        return self.add("goals", account_id=account_id, goal="Roll out", status=status)

    def note(self, account_id: str, text: str, days_ago: int = 5, **cells: Any) -> "PortfolioBuilder":
        return self.add("notes", account_id=account_id, date=self.day(days_ago), text=text, **cells)

    def outcome(self, account_id: str, kind: str, days_ago: int, arr_change: float | None = 0) -> "PortfolioBuilder":
        return self.add("outcomes", account_id=account_id, date=self.day(days_ago), kind=kind, arr_change=arr_change)

    def with_sources_connected(self, days_ago: int = 0) -> "PortfolioBuilder":
        """Add a quiet account whose rows prove that tickets, touchpoints and invoices were exported on that day."""
        self.account("neighbour").ticket("neighbour", days_ago, closed=days_ago)
        self.touch("neighbour", days_ago, "training", attended=True).touch(
            "neighbour", 300, "exec_meeting", attended=True
        )
        return self.invoice("neighbour", days_ago + 10, paid=days_ago)

    def healthy_account(self, account_id: str, *, users: float = 20, **attributes: Any) -> "PortfolioBuilder":
        """Add an account in good health with every source connected."""
        self.account(account_id, seats=int(users), **attributes)
        self.usage(account_id, [users] * 10, logins=users * 5, core_actions=users * 9, features_used=9)
        for role in ("champion", "economic_buyer", "user"):
            self.contact(account_id, role)
            who = self.tables["contacts"][-1]["contact_id"]
            self.touch(account_id, 10, "exec_meeting", attended=True, contact_id=who)
        self.survey(account_id, 20, 9).note(account_id, "A calm week.", pulse=5).goal(account_id, "met")
        return self.invoice(account_id, 40, paid=41)

    def score(
        self,
        configuration: Configuration = SHIPPED,
        history: SnapshotStore = NO_HISTORY,
        *,
        shuffled: Any = None,
        people: PeoplesReadings = PeoplesReadings(),
    ) -> "ScoredPortfolio":
        """Score typed rows directly in the engine. ``shuffled`` mixes the rows of each table."""
        connection = duckdb.connect(":memory:")
        audits = []
        for table in TABLES.values():
            rows = [{**row, "row_no": number} for number, row in enumerate(self.tables[table.name], start=2)]
            if shuffled is not None:
                shuffled.shuffle(rows)
            _create(connection, table, rows, configuration)
            audits.append(self._audit(table))
        portfolio = Portfolio(connection, DataAudit(sources=tuple(audits), left_out=(), fingerprint="made up"))
        return ScoredPortfolio(score_base(portfolio, configuration, self.as_of, history, people=people), history)

    def _audit(self, table: Table) -> SourceAudit:
        rows = self.tables[table.name]
        days = sorted(row[name] for row in rows for name in table.freshness_columns if row.get(name) is not None)
        return SourceAudit(
            table=table.name,
            connected=bool(rows),
            location=f"{table.name}.csv",
            rows=len(rows),
            rows_left_out=0,
            first_date=days[0] if days else None,
            last_date=days[-1] if days else None,
            seen_until=days[-1] if days else None,
            columns=tuple(column.name for column in table.columns),
            columns_absent=(),
            columns_ignored=(),
        )

    def write(self, folder: Path) -> Path:
        """Write one CSV file per table that has rows, without columns that no row fills."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, rows in self.tables.items():
            filled = [c.name for c in TABLES[name].columns if any(row.get(c.name) is not None for row in rows)]
            if rows:
                with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
                    writer = csv.DictWriter(file, filled, extrasaction="ignore")
                    writer.writeheader()
                    writer.writerows(rows)
        return folder

    def score_files(
        self, folder: Path, configuration: Configuration = SHIPPED, history: SnapshotStore = NO_HISTORY
    ) -> "ScoredPortfolio":
        """Write CSV files and let the product read and score them."""
        return score_folder(self.write(folder), self.as_of, configuration, history)


def score_folder(
    folder: Path, as_of: date = AS_OF, configuration: Configuration = SHIPPED, history: SnapshotStore = NO_HISTORY
) -> "ScoredPortfolio":
    """Read and score a folder of exports."""
    return ScoredPortfolio(read_base(str(folder), as_of, configuration, history), history)


def _create(
    connection: duckdb.DuckDBPyConnection, table: Table, rows: Sequence[Row], configuration: Configuration
) -> None:
    kinds = {column.name: SQL_TYPES[column.kind] for column in table.columns} | {"row_no": "BIGINT"}
    insert_columns(connection, table.name, kinds, rows)
    if table.name in AMOUNT_COLUMNS:
        money = configuration.scoring.money
        rates = " ".join(f"when '{code}' then {rate}" for code, rate in money.rates.items())
        home = f"cast({AMOUNT_COLUMNS[table.name]} * case currency {rates} else 1 end as decimal(18, 2))"
        connection.execute(f"alter table {table.name} add column {AMOUNT_COLUMNS[table.name]}_home decimal(18, 2)")
        connection.execute(f"update {table.name} set {AMOUNT_COLUMNS[table.name]}_home = {home}")


def insert_columns(
    connection: duckdb.DuckDBPyConnection, name: str, kinds: Mapping[str, str], rows: Sequence[Row]
) -> None:
    """Create a table with typed columns and fill it with the rows; missing cells are NULL."""
    connection.execute(f"create table {name} ({', '.join(f'{column} {kind}' for column, kind in kinds.items())})")
    if rows:
        cells = ", ".join(f"cast(unnest(?) as {kind})" for kind in kinds.values())
        values = [[_text(row.get(column)) for row in rows] for column in kinds]
        connection.execute(f"insert into {name} select {cells}", values)


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


@dataclass
class ScoredPortfolio:
    """A scored base with the queries that tests need."""

    base: ScoredBase
    history: SnapshotStore

    @cached_property
    def accounts(self) -> dict[str, Row]:
        """The rows of ``scored`` by account."""
        return {row["account_id"]: row for row in self.base.rows("select * from scored order by account_id")}

    @cached_property
    def measured(self) -> dict[str, Row]:
        """The raw signals by account, before stale ones are dropped."""
        return {row["account_id"]: row for row in self.base.rows("select * from measured order by account_id")}

    @cached_property
    def compared(self) -> dict[str, Row]:
        """The comparison of this week with the last one, by account."""
        return {row["account_id"]: row for row in self.base.rows("select * from compared order by account_id")}

    @cached_property
    def values(self) -> dict[str, dict[str, float | None]]:
        """Values of the fresh signals, by account and signal."""
        self.base.select_accounts(list(self.accounts))
        details = self.base.signal_details()
        return {account: {row["signal"]: row["value"] for row in rows} for account, rows in details.items()}

    def __getitem__(self, account_id: str) -> Row:
        return self.accounts[account_id]

    def dossier(self, account_id: str) -> Dossier:
        return self.dossiers([account_id])[0]

    def dossiers(self, accounts: Sequence[str]) -> list[Dossier]:
        self.base.select_accounts(accounts)
        return build_dossiers(self.base, accounts, self.history, self.base.signal_details())

    def plan(self) -> tuple[PlanRow, ...]:
        """The accounts of the intervention plan, in its order."""
        rows = read_plan_scores(self.base)
        self.base.select_accounts([row["account_id"] for row in rows])
        return build_plan_rows(self.base, rows, self.base.signal_details())

    def at_risk(self) -> list[str]:
        return [account for account, row in self.accounts.items() if row["at_risk"]]

    def save(self, review_id: str, *, reviewed: bool = True) -> "ScoredPortfolio":
        """Save this week in the history."""
        self.base.save_scores(self.history, review_id, reviewed=reviewed)
        return self


_ATTRIBUTES = {
    "account_id": "VARCHAR", "name": "VARCHAR", "segment": "VARCHAR", "size": "VARCHAR", "arr": "DECIMAL(18, 2)",
    "contract_arr": "DECIMAL(18, 2)", "contract_currency": "VARCHAR", "renewal_date": "DATE", "csm_id": "VARCHAR",
    "exec_sponsor_id": "VARCHAR", "lifecycle_stage": "VARCHAR", "parent_account_id": "VARCHAR", "started_on": "DATE",
    "health_month_ago": "DOUBLE",
}  # fmt: skip
_MEASURED = (
    _ATTRIBUTES
    | dict.fromkeys((*OBSERVED_ON, *CONTEXT_COLUMNS), "DOUBLE")
    | dict.fromkeys(OBSERVED_ON.values(), "DATE")
)
assert set(_ATTRIBUTES) == set(ATTRIBUTES)


def signals_row(number: int, cells: Mapping[str, Any]) -> Row:
    """One measured account: mid-market, no signal known, every source seen today; ``cells`` overwrite this."""
    facts: Row = {"account_id": f"A-{number:05d}", "name": f"Account {number}", "size": "mid_market", "arr": 50_000}
    facts |= dict.fromkeys(OBSERVED_ON.values(), AS_OF)
    facts |= {"contract_arr": 50_000, "contract_currency": "EUR", "segment": "mid_market"}
    return {**facts, **cells}


def _base_of_signals(rows: Iterable[Mapping[str, Any]], configuration: Configuration) -> ScoredBase:
    connection = duckdb.connect(":memory:")
    insert_columns(connection, "measured", _MEASURED, [signals_row(n, cells) for n, cells in enumerate(rows)])
    audit = DataAudit(sources=(), left_out=(), fingerprint="made up")
    return ScoredBase(connection, configuration, audit, AS_OF, PRIOR, PastWeeks(0), [], None)


def score_signals(rows: Iterable[Mapping[str, Any]], configuration: Configuration = SHIPPED) -> list[Row]:
    """Scores of accounts with given signals, one row each, in the given order."""
    sql = scored_sql(configuration, "measured", AS_OF)
    return _base_of_signals(rows, configuration).rows(f"select * from ({sql}) order by account_id")


def explain_signals(rows: Iterable[Mapping[str, Any]], configuration: Configuration = SHIPPED) -> list[list[Row]]:
    """Contributions of the signals to both scores, for accounts with given signals; one list per account."""
    base = _base_of_signals(rows, configuration)
    base.select_accounts([row["account_id"] for row in base.rows("select account_id from measured")])
    details = base.signal_details()
    return [details[account] for account in sorted(details)]


_WEEK = {
    "account_id": "VARCHAR", "name": "VARCHAR", "arr": "DECIMAL(18, 2)", "at_risk": "BOOLEAN", "risk": "DOUBLE",
    "health": "DOUBLE", "risk_tier": "VARCHAR", "health_band": "VARCHAR", "reported_at_risk": "BOOLEAN",
    "reported_arr": "DECIMAL(18, 2)",
}  # fmt: skip


def compare_weeks(then: Iterable[Row], now: Iterable[Row]) -> duckdb.DuckDBPyConnection:
    """Two weeks of scores side by side. ``reported_`` columns hold the values reported then, with the rules of then."""
    connection = duckdb.connect(":memory:")
    usual = {
        "arr": 1000,
        "at_risk": False,
        "risk": 50.0,
        "health": 70.0,
        "risk_tier": "medium",
        "health_band": "yellow",
    }
    for table, rows in (("previous", then), ("scored", now)):
        filled = [{**usual, "name": row["account_id"], **row} for row in rows]
        filled = [{"reported_at_risk": row["at_risk"], "reported_arr": row["arr"], **row} for row in filled]
        insert_columns(connection, table, _WEEK, filled)
    connection.execute("create table compared as " + comparison_sql(SHIPPED.scoring, has_previous=True))
    return connection


def fetch_rows(connection: duckdb.DuckDBPyConnection, sql: str) -> list[Row]:
    """Rows by column name."""
    cursor = connection.execute(sql)
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def made_up_team() -> dict[str, Person]:
    """One person of each role; two CSMs, the second without a manager."""
    roles = ("csm", "cs_manager", "exec_sponsor", "support_lead", "product", "billing", "csm")
    return {
        f"P-{number}": Person(
            person_id=f"P-{number}", name=f"{role.replace('_', ' ').title()} {number}", email=None, role=role,
            manager_id="P-2" if number == 1 else None, weekly_hours=38,
        )
        for number, role in enumerate(roles, start=1)
    }  # fmt: skip


def component_of(signal: str, value: float, configuration: Configuration = SHIPPED) -> float:
    """Component (0 to 100) of a value by the configured breakpoints, calculated independently of the product."""
    points = configuration.scoring.signals[signal].points
    return float(np.interp(value, [v for v, _ in points], [c for _, c in points]))


def build_dossier(values: Mapping[str, float], **facts: Any) -> Dossier:
    """A dossier with these signal values and no rows behind them."""
    scoring = SHIPPED.scoring
    line = scoring.severity_below.value
    parts, facts_found = [], []
    for name, signal in scoring.signals.items():
        value = values.get(name)
        component = None if value is None else component_of(name, value)
        points = 0.0 if component is None else signal.risk * max(line - component, 0) / line
        parts.append(
            Contribution(
                signal=name, label=signal.label, category=signal.category, value=value, shown=str(value),
                component=component, weight=0, health_points=0, risk_points=points, health_change=None,
                observed_on=AS_OF, age_days=0, state="unknown" if value is None else "known",
            )
        )  # fmt: skip
        if component is not None:
            facts_found.append(
                Evidence(
                    id=f"E{len(facts_found) + 1}", signal=name, category=signal.category, pillar=signal.pillar,
                    statement=f"{signal.label}: {value}.", value=value, shown=str(value), unit=signal.unit,
                    direction="worse" if component < line else "steady", observed_on=AS_OF, source="made up",
                    rows=(), row_count=0, risk_points=points,
                )
            )  # fmt: skip
    renewal = facts.get("renewal_in_days", 120)
    known = {
        "account_id": "A-1", "name": "Northwind", "segment": "mid_market", "size": "mid_market", "arr": 50_000,
        "contract_arr": 50_000, "contract_currency": "EUR", "renewal_in_days": renewal,
        "renewal_date": None if renewal is None else facts.get("as_of", AS_OF) + timedelta(days=renewal),
        "csm_id": "P-1", "exec_sponsor_id": "P-3", "lifecycle_stage": "live", "parent_account_id": None,
        "health": 55.0, "health_band": "red", "coverage": 0.9, "confidence": "high", "velocity": None,
        "velocity_band": "unknown", "risk": 70.0, "score_tier": "high", "risk_tier": "high", "flagged": True,
        "alarm": False, "at_risk": True, "rule": None, "intervention_tier": "high", "churn_probability": 0.4,
        "calibrated": False, "expected_churn_arr": 20_000, "change": "new", "risk_then": None, "health_then": None,
        "tier_then": None, "fell": False, "contacts": (), "texts": (), "health_history": (),
    }  # fmt: skip
    facts.pop("as_of", None)
    context = {name: values.get(name) for name in SIGNALS} | {"renewal_in_days": renewal}
    return Dossier(values=context, contributions=tuple(parts), evidence=tuple(facts_found), **{**known, **facts})


def build_finding(category: str, difficulty: str = "moderate", **facts: Any) -> CauseFinding:
    """A diagnosis in the form of the health scorer."""
    known = {
        "account_id": "A-1", "name": "Northwind", "label": category, "confidence": "medium", "score": 30,
        "runner_up": None, "runner_up_label": None, "would_tell_apart": "What changed?", "reasoning": "Because.",
        "pillar": "engagement", "pillar_note": "", "driver": "usage", "driver_note": "", "difficulty_note": "",
        "time_to_churn": None, "time_to_churn_note": "", "evidence": (),
    }  # fmt: skip
    return CauseFinding(category=category, difficulty=difficulty, **{**known, **facts})


def build_context(
    category: str = "service_failure", *, created: date = AS_OF, **facts: Any
) -> tuple[PlayDrafter, PlayContext]:
    """A drafter with the shipped playbooks, and the play context of an invented account."""
    people = facts.pop("people", None) or made_up_team()
    finding = build_finding(category, facts.pop("difficulty", "moderate"))
    dossier = build_dossier(facts.pop("values", {}), as_of=created, **facts)
    drafter = PlayDrafter(SHIPPED, CALENDAR, people, {}, created)
    return drafter, drafter.play_context(dossier, finding)


def build_play(category: str = "service_failure", *, created: date = AS_OF, **facts: Any) -> SavePlay:
    """A save play from the shipped playbooks for an invented account."""
    drafter, context = build_context(category, created=created, **facts)
    return drafter.from_playbook(context)
