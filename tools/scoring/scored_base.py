"""The customer base of one review date, scored in the engine; only aggregates and the accounts under review leave it.

One rule: no Python loop over all accounts. In the connection: the eleven inputs, ``statements``, a table of signals a
category, ``scores``, ``measured``, ``scored``, ``previous`` (last reviewed week), ``compared``. ``accounts``, the
signals and ``scores`` hold the same accounts in the same order; ``measured`` and ``scored`` are views that put them
side by side.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, Generic

import duckdb
from typing_extensions import TypeVar

from domain.configuration import Configuration, ConfigurationT, ScoreConfiguration
from domain.data_audit import DataAudit
from domain.record import Row as Row
from tools.engine import EngineLimits, StepWatcher, no_watcher
from tools.scoring import week_over_week
from tools.scoring.calibration import fit_churn_curve
from tools.scoring.score_sql import (
    DETAIL_COLUMNS,
    ChurnCurve,
    detail_sql,
    signal_coverage_sql,
)
from tools.scoring.scoring_steps import (
    SqlLog,
    executed_sql,
    find_statements,
    load_week,
    score_accounts,
    sort_accounts,
)
from tools.scoring.snapshots import Snapshot, SnapshotStore, latest_reviewed, snapshot_month_ago
from tools.signals import (
    FEW_TEXTS,
    TEXT_COLUMNS,
)
from tools.signals.statements import Statement, StatementFinder
from tools.sources import Portfolio, TableRead, TextFilter, open_portfolio

if TYPE_CHECKING:
    from tools.sources.warehouse import Warehouse

ConfigurationT_co = TypeVar("ConfigurationT_co", bound=ScoreConfiguration, default=Configuration, covariant=True)


@dataclass
class ScoredBase(Generic[ConfigurationT_co]):
    """The scored base. Built by ``score_base``; its methods answer the questions of the four phases.

    It carries the configuration that it was scored with: the whole one, unless nothing but scores is wanted.
    """

    connection: duckdb.DuckDBPyConnection
    configuration: ConfigurationT_co
    audit: DataAudit
    as_of: date
    curve: ChurnCurve
    snapshots: list[Snapshot]
    previous: Snapshot | None
    statements: list[Statement] = field(default_factory=list)
    whole: Mapping[str, str] = field(default_factory=dict)
    """By table: what stands after FROM to have all its columns, where the connection holds only some."""
    warehouse: "Warehouse | None" = None
    """The server that holds the rows, where the connection does not."""
    fetched_tables: set[str] = field(default_factory=set)
    """The tables whose rows were brought from there for the picked accounts."""
    reads: Sequence[TableRead] = ()
    sent: Sequence[tuple[str, str]] = ()
    """Every statement that reads, measures, scores or compares, with what it is for."""
    week: str = ""
    """The statement that yields what the history keeps of this week."""

    def full_table(self, table: str) -> str:
        """SQL that can follow FROM and yields every column of an input table, for the selected accounts."""
        if self.warehouse is None or table in ("accounts", "people", "outcomes"):
            return self.whole.get(table, table)
        name = f"picked_{table}"
        if table not in self.fetched_tables:
            picked = [row["account_id"] for row in self.rows("select account_id from picked order by account_id")]
            self.warehouse.fetch_rows(self.connection, table, picked, name)
            self.fetched_tables.add(table)
        return name

    @property
    def configuration_changed(self) -> bool:
        """True if last week was scored by another configuration."""
        return self.previous is not None and self.previous.scoring_hash != self.configuration.scoring_hash

    def close(self) -> None:
        """Give back the engine, and the server if there is one."""
        self.connection.close()
        if self.warehouse is not None:
            self.warehouse.server.close()

    def save_scores(self, history: SnapshotStore, review_id: str, *, reviewed: bool) -> None:
        """Save this week's scores of every account; written by the engine, no row is loaded into Python."""
        scoring_hash = self.configuration.scoring_hash
        max_weeks = int(self.configuration.scoring.history_weeks.value)
        history.save(self.connection, self.week, review_id, self.as_of, scoring_hash, reviewed, max_weeks)

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """The answer of the engine as a list of rows by column name."""
        cursor = self.connection.execute(sql, list(parameters))
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def select_accounts(self, accounts: Sequence[str]) -> None:
        """Name the accounts under review: the table ``picked``."""
        self.fetched_tables.clear()
        self.connection.execute(
            "create or replace temp table picked as select unnest(?) as account_id", [list(accounts)]
        )

    def signal_details(self, source: str = "measured", as_of: date | None = None) -> dict[str, list[Row]]:
        """Per picked account one row a signal: value, component, share and points, in the order of configuration."""
        sql = detail_sql(self.configuration, source, as_of or self.as_of, "picked")
        signals = self.configuration.scoring.signals
        return {
            row["account_id"]: [
                {"signal": name, "health": row["health"], "risk": row["risk"]}
                | {detail: row[f"{detail}__{name}"] for detail in DETAIL_COLUMNS}
                for name in signals
            ]
            for row in self.rows(sql)
        }


ScoreOnlyBase = ScoredBase[ScoreConfiguration]
"""One that need not know more than what makes a score."""


def read_base(
    location: str,
    as_of: date,
    configuration: ConfigurationT,
    history: SnapshotStore,
    limits: EngineLimits = EngineLimits(),
    watch: StepWatcher = no_watcher,
) -> ScoredBase[ConfigurationT]:
    """Read the data at ``location`` as it was known on ``as_of``, and score it.

    Raises DataError or ConfigurationError when the data cannot be used.
    """
    scoring = configuration.scoring
    portfolio = open_portfolio(
        location,
        as_of=as_of,
        home_currency=scoring.money.home,
        rates=scoring.money.rates,
        lookback_days=scoring.lookback_days,
        texts=TextFilter(StatementFinder(configuration.wording).filter, int(configuration.wording.window_days.value)),
        windows=configuration.windows,
        limits=limits,
        watcher=watch,
    )
    return score_base(portfolio, configuration, as_of, history, watch)


def score_base(
    portfolio: Portfolio,
    configuration: ConfigurationT,
    as_of: date,
    history: SnapshotStore,
    watch: StepWatcher = no_watcher,
) -> ScoredBase[ConfigurationT]:
    """Measure the signals, find last week, score: the whole of phase 1's arithmetic."""
    connection = portfolio.connection
    snapshots = history.snapshots(connection, as_of)
    log = SqlLog(connection)
    sort_accounts(connection)
    with watch("finding what was stated", connection):
        few = sum(portfolio.audit.source(name).rows for name in TEXT_COLUMNS) <= FEW_TEXTS
        statements = find_statements(connection, configuration, as_of, few)
    curve = fit_churn_curve(connection, snapshots, configuration.scoring, as_of)
    scoring = configuration.scoring
    month = snapshot_month_ago(snapshots, as_of, scoring.velocity_window, int(scoring.velocity_days.value))
    if month is not None:
        load_week(log, "month", month, configuration, curve)
    week = score_accounts(log, portfolio, configuration, as_of, curve, month is not None, watch)
    previous = latest_reviewed(snapshots)
    with watch("comparing with last week", connection):
        if previous is not None:
            load_week(log, "previous", previous, configuration, curve)
        compared = week_over_week.comparison_sql(configuration.scoring, previous is not None)
        log.create("this week against last week", "table" if previous else "view", "compared", compared)
    base = ScoredBase(connection, configuration, portfolio.audit, as_of, curve, snapshots, previous, week=week)
    base.whole, base.warehouse, base.reads = portfolio.full_table_sql, portfolio.warehouse, portfolio.reads
    base.sent = executed_sql(portfolio, log, as_of)
    base.statements = statements
    return base


def signal_coverage(base: ScoreOnlyBase) -> list[tuple[str, int, int, int]]:
    """Per signal: known, stale, unknown accounts."""
    row = base.rows(signal_coverage_sql(base.configuration, base.as_of))[0]
    found = []
    for name in base.configuration.scoring.signals:
        known, stale = row[f"known_{name}"], row[f"stale_{name}"]
        found.append((name, known, stale, row["accounts"] - known - stale))
    return found
