"""The customer base of one review date, scored in the engine; only aggregates and the accounts under review leave it.

One rule: no Python loop over all accounts. In the connection: the eleven inputs, ``statements``, a table of signals a
category, ``scores``, ``measured``, ``scored``, ``previous`` (last reviewed week), ``compared``. ``accounts``, the
signals and ``scores`` hold the same accounts in the same order; ``measured`` and ``scored`` are views that put them
side by side.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import compress
from typing import TYPE_CHECKING, Any, Generic

import duckdb
from typing_extensions import TypeVar

from domain.configuration import CATEGORIES, Configuration, ConfigurationT, ScoreConfiguration
from domain.data_audit import DataAudit
from tools.engine import EngineLimits, StepWatcher, no_watcher
from tools.scoring import week_over_week
from tools.scoring.calibration import fit_churn_curve
from tools.scoring.score_sql import (
    ATTRIBUTES,
    DETAIL_COLUMNS,
    FORMER_CUSTOMERS_SQL,
    MEASURED_COLUMNS,
    NUMERIC_COLUMNS,
    REPORTED_COLUMNS,
    SCORED_COLUMNS,
    SNAPSHOT_COLUMNS,
    ChurnCurve,
    category_sums_sql,
    detail_sql,
    labelled_sql,
    numeric_scores_sql,
    scored_sql,
    side_by_side_sql,
    signal_coverage_sql,
    signal_table_sql,
    size_sql,
)
from tools.scoring.snapshots import Snapshot, SnapshotStore, latest_reviewed, snapshot_month_ago
from tools.signals import (
    FEW_TEXTS,
    OBSERVED_ON,
    TEXT_COLUMNS,
    category_signals_sql,
    category_sql,
    match_sql,
    single_line_sql,
    usage_by_account_sql,
)
from tools.signals.statements import Statement, StatementFinder, TextRow
from tools.sources import Portfolio, TableRead, TextFilter, open_portfolio

if TYPE_CHECKING:
    from tools.sources.warehouse import Warehouse

Row = dict[str, Any]
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
    """Every statement that reads or measures, with what it is for."""
    week: str = ""
    """The statement that yields what the history keeps of this week."""

    def full_table(self, table: str) -> str:
        """What stands after FROM to have every column of an input table, for the accounts that were picked."""
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
        """Whether last week was scored by another configuration."""
        return self.previous is not None and self.previous.scoring_hash != self.configuration.scoring_hash

    def close(self) -> None:
        """Give back the engine, and the server if there is one."""
        self.connection.close()
        if self.warehouse is not None:
            self.warehouse.server.close()

    def keep(self, history: SnapshotStore, review_id: str, *, reviewed: bool) -> None:
        """Keep this week's scores of every account, without one passing through here."""
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
        watch=watch,
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
    _sort_accounts(connection)
    with watch("finding what was stated", connection):
        few = sum(portfolio.audit.source(name).rows for name in TEXT_COLUMNS) <= FEW_TEXTS
        statements = _find_statements(connection, configuration, as_of, few)
    curve = fit_churn_curve(connection, snapshots, configuration.scoring, as_of)
    scoring = configuration.scoring
    month = snapshot_month_ago(snapshots, as_of, scoring.velocity_window, int(scoring.velocity_days.value))
    if month is not None:
        load_week(connection, "month", month, configuration, curve)
    week = _score(portfolio, configuration, as_of, curve, month is not None, watch)
    previous = latest_reviewed(snapshots)
    with watch("comparing with last week", connection):
        if previous is not None:
            load_week(connection, "previous", previous, configuration, curve)
        compared = week_over_week.comparison_sql(configuration.scoring, previous is not None)
        connection.execute(f"create or replace temp {'table' if previous else 'view'} compared as {compared}")
    base = ScoredBase(connection, configuration, portfolio.audit, as_of, curve, snapshots, previous, week=week)
    base.whole, base.warehouse, base.reads = portfolio.whole, portfolio.warehouse, portfolio.reads
    base.sent = _executed_sql(portfolio, configuration, as_of)
    base.statements = statements
    return base


def _score(
    portfolio: Portfolio,
    configuration: ScoreConfiguration,
    as_of: date,
    curve: ChurnCurve,
    has_month: bool,
    watch: StepWatcher,
) -> str:
    """Make ``measured``, ``scores`` and ``scored``; the statement that yields what the history keeps of the week."""
    connection, scoring = portfolio.connection, configuration.scoring
    parts, sums = _measure(portfolio, configuration, as_of, has_month, watch)
    connection.execute("create or replace temp view measured as " + side_by_side_sql(scoring, MEASURED_COLUMNS, parts))
    with watch("scoring", connection):
        judged = numeric_scores_sql(configuration, [*parts, *sums], curve)
        connection.execute("create or replace temp table scores as " + judged)
        _check_row_order(connection, parts, [*sums, "scores"])
        for name in sums:
            connection.execute(f"drop table {name}")
    scores = [f"scores.{name}" for name in NUMERIC_COLUMNS]
    scored = side_by_side_sql(scoring, scores, ["scores", *(name for name in parts if name == "month_health")])
    connection.execute(
        "create or replace temp view scored as " + labelled_sql(configuration, scored, (*ATTRIBUTES, *SCORED_COLUMNS))
    )
    told = [*scores, *(name for name in MEASURED_COLUMNS if name not in NUMERIC_COLUMNS)]
    return labelled_sql(configuration, side_by_side_sql(scoring, told, [*parts, "scores"]), SNAPSHOT_COLUMNS)


def _executed_sql(portfolio: Portfolio, configuration: ScoreConfiguration, as_of: date) -> list[tuple[str, str]]:
    if portfolio.warehouse is not None:
        return portfolio.warehouse.sent
    seen = _source_dates(portfolio.audit)
    sent = [(f"reading {read.table}", read.sql) for read in portfolio.reads]
    sent.append(("bringing usage to one row an account", usage_by_account_sql(as_of)))
    return sent + [
        (f"measuring {each}", category_signals_sql(each, as_of, seen, configuration.windows)) for each in CATEGORIES
    ]


def _sort_accounts(connection: duckdb.DuckDBPyConnection) -> None:
    """Leave in ``accounts`` those that are still customers, in the order of their ids."""
    connection.execute(f"delete from accounts where account_id in ({FORMER_CUSTOMERS_SQL})")
    places = "select account_id < lag(account_id) over () as goes_down from accounts"
    if connection.execute(f"select bool_or(goes_down) from ({places})").fetchone() != (False,):
        connection.execute("create or replace table accounts as select * from accounts order by account_id")


_STATED_JOIN = f"left join ({category_sql('stated')}) stated on stated.account_id = part.account_id"


def _measure(
    portfolio: Portfolio, configuration: ScoreConfiguration, as_of: date, has_month: bool, watch: StepWatcher
) -> tuple[list[str], list[str]]:
    """Run the file of each category, and sum up what it adds to both scores.

    Returns the names of the tables with the signals and of those with the sums, all in the order of the accounts. Every
    file yields each account once: results in the order of their ids need no join to stand side by side.
    """
    connection, seen = portfolio.connection, _source_dates(portfolio.audit)
    groups: dict[str, Sequence[str]] = {category: (category,) for category in CATEGORIES}
    sources = {}
    if portfolio.warehouse is not None:
        groups = {"measured": CATEGORIES}
        sources["measured"] = f"(from warehouse_signals semi join accounts using (account_id)) part {_STATED_JOIN}"
    else:
        if not portfolio.usage_aggregated:
            connection.execute("create or replace temp table usage_by_account as " + usage_by_account_sql(as_of))
        for category in CATEGORIES:
            sources[category] = f"({category_signals_sql(category, as_of, seen, configuration.windows)}) part"
        sources["sentiment"] += f" {_STATED_JOIN}"
    for name, categories in groups.items():
        with watch(f"measuring {name}", connection):
            part, table = signal_table_sql(configuration.scoring, categories, sources[name]), f"{name}_signals"
            connection.execute(f"create or replace temp table {table} as {part} order by account_id")
            sums = category_sums_sql(configuration, categories, table, as_of)
            connection.execute(f"create or replace temp table {name}_sums as {sums}")
    parts = [f"{name}_signals" for name in groups]
    if has_month:
        health = "select a.account_id, m.health from accounts a left join month m on m.account_id = a.account_id"
        connection.execute(f"create or replace temp table month_health as {health} order by account_id")
        parts.append("month_health")
    return parts, [f"{name}_sums" for name in groups]


def _check_row_order(connection: duckdb.DuckDBPyConnection, parts: Sequence[str], worked_out: Sequence[str]) -> None:
    """Rows are put side by side by their place: what was measured must name the same account there, place by place.

    What was worked out row by row from that carries the ``place`` it came from.
    """
    differs = [f"accounts.account_id is distinct from {name}.account_id" for name in parts]
    differs += [f"{name}.rowid is distinct from {name}.place" for name in worked_out]
    beside = " positional join ".join(["accounts", *parts, *worked_out])
    if connection.execute(f"select count(*) from {beside} where {' or '.join(differs)}").fetchone() != (0,):
        raise RuntimeError("accounts and their signals are not in the same order; scores would land on other accounts")


def signal_coverage(base: ScoreOnlyBase) -> list[tuple[str, int, int, int]]:
    """Per signal: known, stale, unknown accounts."""
    row = base.rows(signal_coverage_sql(base.configuration, base.as_of))[0]
    found = []
    for name in base.configuration.scoring.signals:
        known, stale = row[f"known_{name}"], row[f"stale_{name}"]
        found.append((name, known, stale, row["accounts"] - known - stale))
    return found


def _source_dates(audit: DataAudit) -> dict[str, date | None]:
    return {
        "tickets_seen": audit.source("tickets").seen_until,
        "touchpoints_seen": audit.source("touchpoints").seen_until,
        "touchpoints_from": audit.source("touchpoints").first_date,
        "invoices_seen": audit.source("invoices").seen_until,
    }


def _texts_sql() -> str:
    """Every text there is: account, day, table, row and the text."""
    return " union all ".join(
        f"select account_id, {day} as on_day, '{table}' as source, row_no, "
        f"{whole.format(**{name: name for name in names})} as text from {table} "
        f"where coalesce({', '.join(names)}) is not null"
        for table, (day, names, whole) in TEXT_COLUMNS.items()
    )


def _find_statements(
    connection: duckdb.DuckDBPyConnection, configuration: ScoreConfiguration, as_of: date, few: bool
) -> list[Statement]:
    """Find stated intents in the texts of the window and put them into the table ``statements``.

    Every expression is costly to prepare: each is asked once, and of ``few`` texts only those of the intents.
    """
    window = int(configuration.wording.window_days.value)
    finder = StatementFinder(configuration.wording)
    each = ", ".join(match_sql("line", pattern) for pattern in finder.filters.values())
    texts = connection.execute(
        f"with lines as materialized (select *, {single_line_sql('text')} as line from ({_texts_sql()}) "
        f"where text <> '' and date_diff('day', on_day, ?) between 0 and ?), "
        f"read as materialized (select * exclude (line), [{each}] as phrased from lines "
        f"where {'true' if few else match_sql('line', finder.filter)}) "
        "from read where list_contains(phrased, true) order by source, row_no",
        [as_of, window],
    ).fetchall()
    found = list(
        finder.find(
            TextRow(account, on, table, row, text, tuple(compress(finder.filters, phrased)))
            for account, on, table, row, text, phrased in texts
        )
    )
    connection.execute(
        "create or replace temp table statements (account_id varchar, intent varchar, date date, source varchar, row_no bigint)"
    )
    if found:
        columns = list(zip(*[(s.account_id, s.intent, s.on, s.table, s.row) for s in found], strict=True))
        connection.execute(
            "insert into statements select unnest(?), unnest(?), unnest(?), unnest(?), unnest(?)",
            [list(column) for column in columns],
        )
    return found


def _columns_not_saved(connection: duckdb.DuckDBPyConnection, table: str) -> str:
    """Columns for what a past week did not measure, a signal that is new since then: unknown for every account."""
    saved = {row[0] for row in connection.execute(f"describe {table}").fetchall()}
    days = set(OBSERVED_ON.values())
    missing = [name for name in MEASURED_COLUMNS if name not in saved]
    return "".join(f", cast(null as {'date' if name in days else 'double'}) as {name}" for name in missing)


def load_week(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    snapshot: Snapshot,
    configuration: ScoreConfiguration,
    curve: ChurnCurve,
) -> None:
    """A past week as a table; scored again from its own signals when the configuration has changed since."""
    path = str(snapshot.path).replace("'", "''")
    rates = configuration.scoring.money.rates
    rate = " ".join(f"when '{currency}' then {value}" for currency, value in sorted(rates.items()))
    today = f"round(cast(contract_arr * case contract_currency {rate} else 1 end as decimal(38, 8)), 2)"
    connection.execute(
        f"create or replace temp table {name}_then as select * replace (cast({today} as decimal(18, 2)) as arr), "
        f"arr as reported_arr, at_risk as reported_at_risk, velocity as reported_velocity from read_parquet('{path}')"
    )
    size = size_sql(configuration.scoring, "arr")
    unmeasured = _columns_not_saved(connection, f"{name}_then")
    connection.execute(
        f"create or replace temp view {name}_measured as select * exclude ({', '.join(REPORTED_COLUMNS)}, reported_arr, "
        f"reported_at_risk) replace ({size} as size){unmeasured} from {name}_then"
    )
    if snapshot.scoring_hash == configuration.scoring_hash:
        connection.execute(f"create or replace temp table {name} as select * from {name}_then")
        return
    scored = scored_sql(configuration, f"{name}_measured", snapshot.as_of, curve, "reported_velocity")
    connection.execute(
        f"create or replace temp table {name} as select r.*, t.reported_arr, t.reported_at_risk "
        f"from ({scored}) r join {name}_then t on t.account_id = r.account_id"
    )
