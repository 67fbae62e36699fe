"""The customer base of one review date, scored in the engine; only aggregates and the accounts under review leave it.

One rule: no Python loop over all accounts. In the connection: the eleven inputs, ``statements``, a table of signals a
category, ``scores``, ``odds``, ``measured``, ``scored``, ``previous`` (the week compared with), ``compared``,
``former`` (lost customers). ``accounts``, the
signals and ``scores`` hold the same accounts in the same order; ``measured`` and ``scored`` are views that put them
side by side.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic

import duckdb
from typing_extensions import TypeVar

from domain.data_audit import DataAudit
from domain.readings import PeoplesReadings
from domain.record import Row as Row
from domain.score_configuration import ConfigurationT, ScoreConfiguration
from tools.engine import EngineLimits, StepWatcher, no_watcher
from tools.scoring import week_over_week
from tools.scoring.churn_learning import learn_slopes
from tools.scoring.churn_odds import ChurnOdds, chance_sql
from tools.scoring.churn_rate import churn_rate, rate_of
from tools.scoring.former_customers import FormerCustomers, leave_out_former_customers
from tools.scoring.past_weeks import PastWeeks, load_past_weeks
from tools.scoring.peoples_readings import apply_readings
from tools.scoring.score_sql import (
    DETAIL_COLUMNS,
    detail_sql,
    signal_coverage_sql,
)
from tools.scoring.scoring_steps import (
    SqlLog,
    aggregate_usage,
    executed_sql,
    find_level,
    find_statements,
    find_terms,
    load_statements,
    load_week,
    score_accounts,
    sort_accounts,
    week_sql,
    weigh_odds,
    weigh_prior,
)
from tools.scoring.snapshots import Snapshot, SnapshotStore, saved_shares, snapshot_month_ago, week_to_compare
from tools.scoring.source_shares import ALL_SOURCES, SourceShares, source_shares
from tools.signals import (
    FEW_TEXTS,
    TEXT_COLUMNS,
)
from tools.signals.statements import Statement, StatementFinder
from tools.sources import Portfolio, TableRead, TextFilter, open_portfolio
from tools.sources.damaged_files import name_damaged_file
from tools.sources.left_out_limits import LeftOutLimits
from tools.wording import review_id_of

if TYPE_CHECKING:
    from domain.configuration import Configuration
    from tools.sources.warehouse import Warehouse

ConfigurationT_co = TypeVar("ConfigurationT_co", bound=ScoreConfiguration, default="Configuration", covariant=True)


@dataclass
class ScoredBase(Generic[ConfigurationT_co]):
    """The scored base. Built by ``score_base``; its methods answer the questions of the four phases.

    It carries the configuration that it was scored with: the whole one, unless nothing but scores is wanted.
    """

    connection: duckdb.DuckDBPyConnection
    configuration: ConfigurationT_co
    audit: DataAudit
    as_of: date
    odds: ChurnOdds
    past: PastWeeks
    """Kept weeks whose horizon has passed; the table ``past`` is there if there are any."""
    snapshots: list[Snapshot]
    previous: Snapshot | None
    statements: list[Statement] = field(default_factory=list)
    """The statements that count: found in texts, read by a model and said by people, without those that somebody marked as
    wrong. Of a model also those that are not asserted; they count for no signal."""
    people: PeoplesReadings = field(default_factory=PeoplesReadings)
    """People's readings of texts by the day of the review."""
    full_table_sql: Mapping[str, str] = field(default_factory=dict)
    """By table: FROM expression that gives every column; only tables of which the connection holds some columns."""
    warehouse: "Warehouse | None" = None
    """The server that holds the rows; None when the connection holds them."""
    selected: tuple[str, ...] = ()
    """The accounts in the table ``picked``."""
    fetched_tables: set[str] = field(default_factory=set)
    """Tables whose rows were fetched from the server for the accounts in ``picked``."""
    reads: Sequence[TableRead] = ()
    executed_statements: Sequence[tuple[str, str]] = ()
    """Purpose and SQL of every statement that reads, measures, scores or compares."""
    location: str = "the data"
    """The last part of the data's path, for messages."""
    snapshot_sql: str = ""
    """Select of the columns that the history keeps of this week, one row for each account."""
    source_shares: SourceShares = ALL_SOURCES
    """The sources that the team has, and how much of each could be read."""
    history_notices: tuple[str, ...] = ()
    """Weeks of the history that could not be read."""
    former: FormerCustomers = field(default_factory=FormerCustomers)
    """Accounts that are not among those scored, because they left."""

    def full_table(self, table: str) -> str:
        """FROM expression that gives every column of an input table, for the accounts in ``picked``."""
        if self.warehouse is None or table in ("accounts", "people", "outcomes"):
            return self.full_table_sql.get(table, table)
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
        """Close the connection, and the one to the server if there is one."""
        self.connection.close()
        if self.warehouse is not None:
            self.warehouse.server.close()

    def save_scores(self, history: SnapshotStore, review_id: str, *, reviewed: bool) -> None:
        """Save this week's scores of every account; written by the engine, no row is loaded into Python."""
        scoring_hash = self.configuration.scoring_hash
        max_weeks = int(self.configuration.scoring.history_weeks.value)
        week, sources = self.snapshot_sql, self.source_shares.text
        history.save(self.connection, week, review_id, self.as_of, scoring_hash, reviewed, max_weeks, sources)

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """Rows of a query, each a dictionary by column name."""
        with name_damaged_file(self.location):
            cursor = self.connection.execute(sql, list(parameters))
            names = [column[0] for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def select_accounts(self, accounts: Sequence[str]) -> None:
        """Write the accounts under review to the table ``picked``. What was fetched for the same accounts stays."""
        if self.selected == tuple(accounts) and accounts:
            return
        self.selected = tuple(accounts)
        self.fetched_tables.clear()
        self.connection.execute(
            "create or replace temp table picked as select unnest(?) as account_id", [list(accounts)]
        )

    def signal_details(self) -> dict[str, list[Row]]:
        """By account: one row for each signal, with value, component, share and points, in the configured order."""
        return self._details("measured", self.as_of, self.source_shares)

    def previous_details(self, previous: Snapshot) -> dict[str, list[Row]]:
        """The same as it was in the week before, under today's configuration."""
        return self._details("previous_measured", previous.as_of, saved_shares(self.connection, previous))

    def _details(self, source: str, as_of: date, shares: SourceShares) -> dict[str, list[Row]]:
        sql = detail_sql(self.configuration, source, as_of, "picked", shares)
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
"""A base loaded with the scoring configuration only."""


def read_base(
    location: str,
    as_of: date,
    configuration: ConfigurationT,
    history: SnapshotStore,
    limits: EngineLimits = EngineLimits(),
    watch: StepWatcher = no_watcher,
    people: PeoplesReadings = PeoplesReadings(),
) -> ScoredBase[ConfigurationT]:
    """Read the data at ``location`` as it was known on ``as_of``, and score it with what ``people`` said about texts.

    Raises DataError or ConfigurationError when the data cannot be used.
    """
    scoring = configuration.scoring

    def read() -> ScoredBase[ConfigurationT]:
        portfolio = open_portfolio(
            location,
            as_of=as_of,
            home_currency=scoring.money.home,
            rates=scoring.money.rates,
            lookback_days=scoring.lookback_days,
            texts=TextFilter(
                StatementFinder(configuration.wording).filter, int(configuration.wording.window_days.value)
            ),
            windows=configuration.windows,
            limits=limits,
            watcher=watch,
            left_out=LeftOutLimits(
                {table: limit.value for table, limit in scoring.left_out_limits.items()},
                int(scoring.left_out_minimum.value),
            ),
            own=scoring.own_signals,
        )
        return score_base(portfolio, configuration, as_of, history, watch, people)

    name = Path(location).name
    try:
        base = read()
    except duckdb.Error:
        # A past week may be damaged below its footer; only reading it shows that. Otherwise it is a file of the data.
        history.set_aside_damaged()
        with name_damaged_file(name):
            base = read()
    base.location = name
    return base


def score_base(
    portfolio: Portfolio,
    configuration: ConfigurationT,
    as_of: date,
    history: SnapshotStore,
    watch: StepWatcher = no_watcher,
    people: PeoplesReadings = PeoplesReadings(),
) -> ScoredBase[ConfigurationT]:
    """Measure the signals, score, compare with last week: all calculations of phase 1."""
    connection = portfolio.connection
    # A week that was run before, on whatever day, is not compared with itself.
    own = review_id_of(as_of)
    snapshots = [week for week in history.snapshots(connection, as_of) if week.review_id != own]
    log = SqlLog(connection)
    aggregate_usage(log, portfolio, as_of)
    location = portfolio.audit.source("accounts").location
    on_server = portfolio.warehouse is not None
    former = leave_out_former_customers(connection, configuration.scoring, as_of, on_server, location)
    sort_accounts(connection)
    with watch("finding what was stated", connection):
        has_few_texts = sum(portfolio.audit.source(name).rows for name in TEXT_COLUMNS) <= FEW_TEXTS
        found = find_statements(connection, configuration, as_of, has_few_texts)
        window = int(configuration.wording.window_days.value)
        statements = apply_readings(found, people, connection, portfolio.warehouse, (as_of, window))
        load_statements(connection, statements, configuration)
    scoring = configuration.scoring
    month_ago = snapshot_month_ago(snapshots, as_of, scoring.velocity_window, int(scoring.velocity_days.value))
    if month_ago is not None:
        load_week(log, "month", month_ago, configuration)
    shares = source_shares(portfolio.audit, scoring)
    parts = score_accounts(log, portfolio, configuration, as_of, month_ago is not None, watch, shares)
    with watch("weighing the odds", connection):
        rate = churn_rate(connection, scoring.churn, as_of)
        find_terms(log, configuration, as_of)
        past = load_past_weeks(connection, snapshots, scoring.churn, as_of, int(scoring.renewal_question_after.value))
        odds = weigh_odds(log, configuration, learn_slopes(connection, past, scoring.churn, rate), rate, parts, shares)
    snapshot_sql = week_sql(log, configuration, parts, shares)
    previous = week_to_compare(snapshots)
    with watch("comparing with last week", connection):
        if previous is not None:
            load_week(log, "previous", previous, configuration)
        compared = week_over_week.comparison_sql(configuration.scoring, previous is not None)
        log.create("this week against last week", "table" if previous else "view", "compared", compared)
    return ScoredBase(
        connection=connection,
        configuration=configuration,
        audit=portfolio.audit,
        as_of=as_of,
        odds=odds,
        past=past,
        snapshots=snapshots,
        previous=previous,
        statements=statements,
        people=people,
        full_table_sql=portfolio.full_table_sql,
        warehouse=portfolio.warehouse,
        reads=portfolio.reads,
        executed_statements=executed_sql(portfolio, log, as_of),
        snapshot_sql=snapshot_sql,
        source_shares=shares,
        history_notices=history.notices(),
        former=former,
    )


def chances_of_prior(base: ScoreOnlyBase) -> tuple[float, ...]:
    """The chance of leaving within the shorter horizon as it would be without any outcome, by account id."""
    churn = base.configuration.scoring.churn
    log = SqlLog(base.connection)
    weigh_prior(log, churn)
    level = find_level(log, "prior_odds", "decision_odds", rate_of(0, 0.0, churn).within(churn.horizon_weeks.value))
    chance = chance_sql(level, "decision_odds")
    rows = base.rows(f"select {chance} as p from accounts positional join prior_odds order by accounts.account_id")
    return tuple(row["p"] for row in rows)


def signal_coverage(base: ScoreOnlyBase) -> list[tuple[str, int, int, int]]:
    """For each signal its name and the number of known, stale and unknown accounts."""
    row = base.rows(signal_coverage_sql(base.configuration, base.as_of))[0]
    found = []
    for name in base.configuration.scoring.signals:
        known, stale = row[f"known_{name}"], row[f"stale_{name}"]
        found.append((name, known, stale, row["accounts"] - known - stale))
    return found
