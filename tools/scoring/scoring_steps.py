"""The steps from typed tables to scores: find what was stated, measure, add up, score, load past weeks.

Every statement that decides a score is run by way of ``SqlLog``, so that it can be shown as it was run.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import compress

import duckdb

from domain.churn_settings import ChurnSettings
from domain.data_audit import DataAudit
from domain.score_configuration import CATEGORIES, Category, ScoreConfiguration, ScoringSettings
from tools.engine import StepWatcher
from tools.scoring.churn_odds import (
    ChurnOdds,
    Learned,
    Slopes,
    chance_columns,
    level_sql,
    odds_sql,
    prior_slopes,
    term_odds_sql,
    terms_sql,
)
from tools.scoring.churn_rate import ChurnRate
from tools.scoring.score_sql import (
    ATTRIBUTES,
    NUMERIC_COLUMNS,
    ODDS_COLUMNS,
    REPORTED_COLUMNS,
    SCORED_COLUMNS,
    category_sums_sql,
    labelled_sql,
    measured_columns,
    numeric_scores_sql,
    scored_sql,
    side_by_side_sql,
    signal_table_sql,
    size_sql,
    snapshot_columns,
)
from tools.scoring.snapshots import Snapshot, saved_shares
from tools.scoring.source_shares import SourceShares
from tools.signals import (
    OBSERVED_ON,
    TEXT_COLUMNS,
    category_signals_sql,
    category_sql,
    match_sql,
    single_line_sql,
    usage_by_account_sql,
)
from tools.signals.own_signals import observed_on, own_signals_in, own_signals_sql, sources_of
from tools.signals.plain_text import plain_text_query
from tools.signals.registry import EARLIER_DAYS
from tools.signals.statements import Statement, StatementFinder, TextRow, by_signal
from tools.sources import Portfolio
from tools.sql import sql_files, sql_string


@dataclass
class SqlLog:
    """Runs the statements that decide a score, and remembers each with what it was for."""

    connection: duckdb.DuckDBPyConnection
    statements: list[tuple[str, str]] = field(default_factory=list)

    def create(self, what: str, kind: str, name: str, sql: str) -> None:
        """Make a temporary table or view of what a select statement yields."""
        text = f"create or replace temp {kind} {name} as {sql}"
        self.connection.execute(text)
        self.statements.append((what, text))


def sort_accounts(connection: duckdb.DuckDBPyConnection) -> None:
    """Bring ``accounts`` into the order of their ids."""
    # Most exports are sorted already: looking costs one pass, sorting would copy the table.
    places = "select account_id < lag(account_id) over () as goes_down from accounts"
    if connection.execute(f"select bool_or(goes_down) from ({places})").fetchone() != (False,):
        connection.execute("create or replace table accounts as select * from accounts order by account_id")


def aggregate_usage(log: SqlLog, portfolio: Portfolio, as_of: date) -> None:
    """Make ``usage_by_account``, unless reading made it or the signals were measured at a server."""
    if portfolio.warehouse is None and not portfolio.usage_aggregated:
        log.create("usage as one row an account", "table", "usage_by_account", usage_by_account_sql(as_of))


def _texts_sql() -> str:
    """A select of every text: account, day, table, row and the text."""
    return " union all ".join(
        f"select account_id, {day} as on_day, {sql_string(table)} as source, row_no, "
        f"{whole.format(**{name: name for name in names})} as text from {table} "
        f"where coalesce({', '.join(names)}) is not null"
        for table, (day, names, whole) in TEXT_COLUMNS.items()
    )


def find_statements(
    connection: duckdb.DuckDBPyConnection, configuration: ScoreConfiguration, as_of: date, few: bool
) -> list[Statement]:
    """Find stated intents in the texts of the window.

    Preparing an expression is costly: each is used once, and for ``few`` texts the search for any phrase is left out.
    """
    window = int(configuration.wording.window_days.value)
    finder = StatementFinder(configuration.wording)
    each = ", ".join(match_sql("line", pattern) for pattern in finder.filters.values())
    recent = f"from ({_texts_sql()}) where text <> '' and date_diff('day', on_day, ?) between 0 and ?"
    shown = plain_text_query(f"select * {recent}", "text")
    texts = connection.execute(
        f"with lines as materialized (select * exclude (shown), {single_line_sql('shown')} as line from ({shown})), "
        f"read as materialized (select * exclude (line), [{each}] as phrased from lines "
        f"where {'true' if few else match_sql('line', finder.filter)}) "
        "from read where list_contains(phrased, true) order by source, account_id, on_day, text, row_no",
        [as_of, window],
    ).fetchall()
    return list(
        finder.find(
            TextRow(account, on, table, row, text, tuple(compress(finder.filters, phrased)))
            for account, on, table, row, text, phrased in texts
        )
    )


def load_statements(
    connection: duckdb.DuckDBPyConnection, found: Sequence[Statement], configuration: ScoreConfiguration
) -> None:
    """Put the statements that count into the table ``statements``, by the signal that each counts for."""
    connection.execute(
        "create or replace temp table statements (account_id varchar, intent varchar, date date, source varchar, row_no bigint)"
    )
    counted = by_signal(found, configuration.wording)
    if counted:
        rows = [(s.account_id, signal, s.on, s.table, s.row) for (_, signal), each in counted.items() for s in each]
        columns = list(zip(*rows, strict=True))
        connection.execute(
            "insert into statements select unnest(?), unnest(?), unnest(?), unnest(?), unnest(?)",
            [list(column) for column in columns],
        )


def score_accounts(
    log: SqlLog,
    portfolio: Portfolio,
    configuration: ScoreConfiguration,
    as_of: date,
    has_month: bool,
    watch: StepWatcher,
    shares: SourceShares,
) -> list[str]:
    """Make ``measured`` and ``scores``. Returns the names of the tables with the signals, in the order of the accounts."""
    connection, scoring = portfolio.connection, configuration.scoring
    parts, sums = _measure(log, portfolio, configuration, as_of, has_month, watch, shares)
    log.create(
        "the signals side by side", "view", "measured", side_by_side_sql(scoring, measured_columns(scoring), parts)
    )
    with watch("scoring", connection):
        numeric_scores = numeric_scores_sql(configuration, [*parts, *sums], shares)
        log.create("health, risk and the rules that fire", "table", "scores", numeric_scores)
        _check_row_order(connection, parts, [*sums, "scores"])
        for name in sums:
            connection.execute(f"drop table {name}")
    return parts


def week_sql(log: SqlLog, configuration: ScoreConfiguration, parts: Sequence[str], shares: SourceShares) -> str:
    """The statement that yields what the history keeps of the week."""
    scores = [f"scores.{name}" for name in NUMERIC_COLUMNS]
    scoring = configuration.scoring
    saved_columns = [*scores, *(name for name in measured_columns(scoring) if name not in NUMERIC_COLUMNS)]
    saved = side_by_side_sql(scoring, saved_columns, [*parts, "scores"])
    week = labelled_sql(configuration, saved, snapshot_columns(scoring), shares)
    log.statements.append(("what the history keeps of the week", week))
    return week


_BESIDE = "(select scores.rowid as place, scores.risk, scores.renewal_in_days, terms.term_days from scores positional join terms)"


def weigh_prior(log: SqlLog, churn: ChurnSettings) -> None:
    """Make ``prior_odds``: the odds by the configured slopes, whatever was fitted."""
    log.create("the odds of the prior", "table", "prior_odds", odds_sql(churn, prior_slopes(churn), _BESIDE))


def weigh_year(log: SqlLog, churn: ChurnSettings, slopes: Slopes) -> None:
    """Make ``year_odds``: the odds of leaving within a usual term."""
    log.create("the odds of a year", "table", "year_odds", term_odds_sql(churn, slopes, _BESIDE))


def find_level(log: SqlLog, table: str, decision: str, share: float) -> float:
    """The level of one horizon: the one at which the mean chance over a table of odds is ``share``."""
    query = level_sql(table, decision, share)
    log.statements.append((f"the level at which the mean chance is {share:.4f}", query))
    (level,) = log.connection.execute(query).fetchall()[0]
    return float(level)


def find_terms(log: SqlLog, configuration: ScoreConfiguration, as_of: date) -> None:
    """Make ``terms``: days of the running contract of every account."""
    log.create("the terms of the contracts", "table", "terms", terms_sql(configuration.scoring.churn, as_of))


def weigh_odds(
    log: SqlLog,
    configuration: ScoreConfiguration,
    learned: Learned,
    rate: ChurnRate,
    parts: Sequence[str],
    shares: SourceShares,
) -> ChurnOdds:
    """Make ``odds`` and ``scored``: the chance of leaving of every account, so that their mean is the base's churn rate."""
    churn, connection = configuration.scoring.churn, log.connection
    log.create("what decisions and risk add to the odds", "table", "odds", odds_sql(churn, learned.slopes, _BESIDE))
    _check_row_order(connection, ["terms"], ["odds"])
    shown = find_level(log, "odds", "decision_odds", rate.within(churn.horizon_weeks.value))
    order = find_level(log, "odds", "order_decision_odds", rate.within(churn.order_weeks.value))
    odds = ChurnOdds(learned.slopes, rate, shown, order, learned.note, learned.checked)
    columns = [*(f"scores.{name}" for name in NUMERIC_COLUMNS), *(f"odds.{name}" for name in ODDS_COLUMNS)]
    tables = ["scores", "odds", *(name for name in parts if name == "month_health")]
    scored = side_by_side_sql(configuration.scoring, columns, tables)
    labelled = labelled_sql(configuration, scored, (*ATTRIBUTES, *SCORED_COLUMNS), shares, chance_columns(odds))
    log.create("the names of bands and tiers, the chance of leaving and money", "view", "scored", labelled)
    return odds


_STATED_JOIN = f"left join ({category_sql('stated')}) stated on stated.account_id = part.account_id"


def _measure(
    log: SqlLog,
    portfolio: Portfolio,
    configuration: ScoreConfiguration,
    as_of: date,
    has_month: bool,
    watch: StepWatcher,
    shares: SourceShares,
) -> tuple[list[str], list[str]]:
    """Run the file of each category, and sum up what it adds to both scores.

    Returns the names of the tables with the signals and of those with the sums, all in the order of the accounts: every
    file yields each account once, so that sorted results can be put side by side without a join.
    """
    connection, seen = portfolio.connection, source_dates(portfolio.audit)
    groups: dict[str, Sequence[Category]] = {category: (category,) for category in CATEGORIES}
    sources = {}
    if portfolio.warehouse is not None:
        groups = {"measured": CATEGORIES}
        sources["measured"] = f"(from warehouse_signals semi join accounts using (account_id)) part {_STATED_JOIN}"
    else:
        for category in CATEGORIES:
            sources[category] = f"({category_signals_sql(category, as_of, seen, configuration.windows)}) part"
        sources["sentiment"] += f" {_STATED_JOIN}"
        for category in CATEGORIES:
            if own := own_signals_in(configuration.scoring.signals, (category,)):
                measured = own_signals_sql(own, as_of, sources_of(portfolio.audit))
                sources[category] += f" left join ({measured}) own on own.account_id = part.account_id"
    for name, categories in groups.items():
        with watch(f"measuring {name}", connection):
            part, table = signal_table_sql(configuration.scoring, categories, sources[name]), f"{name}_signals"
            log.create(f"measuring {name}", "table", table, f"{part} order by account_id")
            sums = category_sums_sql(configuration, categories, table, as_of, shares)
            log.create(f"adding up {name}", "table", f"{name}_sums", sums)
    parts = [f"{name}_signals" for name in groups]
    if has_month:
        health = "select a.account_id, m.health from accounts a left join month m on m.account_id = a.account_id"
        log.create("health about a month ago", "table", "month_health", f"{health} order by account_id")
        parts.append("month_health")
    return parts, [f"{name}_sums" for name in groups]


def _check_row_order(connection: duckdb.DuckDBPyConnection, parts: Sequence[str], worked_out: Sequence[str]) -> None:
    """Compare the account of every row, place by place. Raises RuntimeError when a table is in another order.

    Tables worked out row by row have no account id: they carry the ``place`` of the row they came from.
    """
    # A positional join would put scores on the wrong accounts without any error, so this is checked in every run. It
    # costs one pass over the ids.
    differs = [f"accounts.account_id is distinct from {name}.account_id" for name in parts]
    differs += [f"{name}.rowid is distinct from {name}.place" for name in worked_out]
    beside = " positional join ".join(["accounts", *parts, *worked_out])
    if connection.execute(f"select count(*) from {beside} where {' or '.join(differs)}").fetchone() != (0,):
        raise RuntimeError("accounts and their signals are not in the same order; scores would land on other accounts")


def source_dates(audit: DataAudit) -> dict[str, date | None]:
    """Last day of each source, and first day of the touchpoints: parameters of the SQL of the signals."""
    return {
        "tickets_seen": audit.source("tickets").seen_until,
        "touchpoints_seen": audit.source("touchpoints").seen_until,
        "touchpoints_from": audit.source("touchpoints").first_date,
        "invoices_seen": audit.source("invoices").seen_until,
        "contacts_seen": audit.source("contacts").seen_until,
        "goals_seen": audit.source("goals").seen_until,
    }


def columns_not_saved(connection: duckdb.DuckDBPyConnection, table: str, scoring: ScoringSettings) -> str:
    """Columns for what a past week did not measure, a signal that is new since then: unknown for every account."""
    saved = {row[0] for row in connection.execute(f"describe {table}").fetchall()}
    days = {*OBSERVED_ON.values(), *map(observed_on, scoring.own_signals)}
    missing = [name for name in measured_columns(scoring) if name not in saved]
    earlier = {name: source for name, source in EARLIER_DAYS.items() if source in saved}
    cells = [earlier.get(name, f"cast(null as {'date' if name in days else 'double'})") for name in missing]
    return "".join(f", {cell} as {name}" for cell, name in zip(cells, missing, strict=True))


def load_week(
    log: SqlLog,
    name: str,
    snapshot: Snapshot,
    configuration: ScoreConfiguration,
) -> None:
    """A past week as a table; scored again from its own signals when the configuration has changed since."""
    # Both weeks are compared in today's exchange rates, else a moving currency would look like a moving customer.
    what = f"loading {snapshot.review_id}"
    rates = configuration.scoring.money.rates
    rate = " ".join(f"when {sql_string(currency)} then {value}" for currency, value in sorted(rates.items()))
    today = f"round(cast(contract_arr * case contract_currency {rate} else 1 end as decimal(38, 8)), 2)"
    log.create(
        what,
        "table",
        f"{name}_then",
        f"select * replace (cast({today} as decimal(18, 2)) as arr), "
        f"arr as reported_arr, at_risk as reported_at_risk, velocity as reported_velocity from read_parquet({sql_files([snapshot.path])})",
    )
    size = size_sql(configuration.scoring, "arr")
    unmeasured = columns_not_saved(log.connection, f"{name}_then", configuration.scoring)
    log.create(
        what,
        "view",
        f"{name}_measured",
        f"select * exclude ({', '.join(REPORTED_COLUMNS)}, reported_arr, "
        f"reported_at_risk) replace ({size} as size){unmeasured} from {name}_then",
    )
    if snapshot.scoring_hash == configuration.scoring_hash:
        log.create(what, "table", f"{name}", f"select * from {name}_then")
        return
    shares = saved_shares(log.connection, snapshot)
    scored = scored_sql(configuration, f"{name}_measured", snapshot.as_of, "reported_velocity", shares)
    log.create(
        what,
        "table",
        f"{name}",
        f"select r.*, t.reported_arr, t.reported_at_risk "
        f"from ({scored}) r join {name}_then t on t.account_id = r.account_id",
    )


def executed_sql(portfolio: Portfolio, log: SqlLog, as_of: date) -> list[tuple[str, str]]:
    """Every statement from reading to comparing, with what it was for."""
    if portfolio.warehouse is not None:
        return [*portfolio.warehouse.statements, *log.statements]
    read = [(f"reading {each.table}", each.sql) for each in portfolio.reads]
    if portfolio.usage_aggregated:  # done while reading
        read.append(("usage as one row an account", portfolio.usage_sql))
    return [*read, *log.statements]
