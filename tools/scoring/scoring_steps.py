"""The steps from typed tables to scores: find what was stated, measure, add up, score, load past weeks.

Every statement that decides a score is run by way of ``SqlLog``, so that it can be shown as it was run.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

import duckdb

from domain.configuration import CATEGORIES, ScoreConfiguration
from domain.data_audit import DataAudit
from domain.statements import Statement
from tools.engine import StepWatcher
from tools.reading.reader import StatementReader, TextRow
from tools.reading.text_search import search_sql
from tools.scoring.score_sql import (
    ATTRIBUTES,
    FORMER_CUSTOMERS_SQL,
    MEASURED_COLUMNS,
    NUMERIC_COLUMNS,
    REPORTED_COLUMNS,
    SCORED_COLUMNS,
    SNAPSHOT_COLUMNS,
    ChurnCurve,
    category_sums_sql,
    labelled_sql,
    numeric_scores_sql,
    scored_sql,
    side_by_side_sql,
    signal_table_sql,
    size_sql,
)
from tools.scoring.snapshots import Snapshot
from tools.signals import (
    OBSERVED_ON,
    TEXT_COLUMNS,
    TEXT_KEYS,
    category_signals_sql,
    category_sql,
    match_sql,
    single_line_sql,
    usage_by_account_sql,
)
from tools.signals.plain_text import plain_text_query
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
    """Leave in ``accounts`` those that are still customers, in the order of their ids."""
    # Most exports are sorted already: looking costs one pass, sorting would copy the table.
    connection.execute(f"delete from accounts where account_id in ({FORMER_CUSTOMERS_SQL})")
    places = "select account_id < lag(account_id) over () as goes_down from accounts"
    if connection.execute(f"select bool_or(goes_down) from ({places})").fetchone() != (False,):
        connection.execute("create or replace table accounts as select * from accounts order by account_id")


def _texts_sql() -> str:
    """A select of every text: account, day, table, key, row and the text."""
    return " union all ".join(
        f"select account_id, {day} as on_day, {sql_string(table)} as source, cast({TEXT_KEYS[table]} as varchar) as text_key, "
        f"row_no, {whole.format(**{name: name for name in names})} as text from {table} "
        f"where coalesce({', '.join(names)}) is not null"
        for table, (day, names, whole) in TEXT_COLUMNS.items()
    )


def find_statements(
    connection: duckdb.DuckDBPyConnection, configuration: ScoreConfiguration, as_of: date, few: bool
) -> list[Statement]:
    """Read the texts of the window; what is asserted goes into the table ``statements``, by the signals that it feeds.

    Preparing an expression is costly: for ``few`` texts only the first step of the search is done in the engine.
    """
    window = int(configuration.wording.window_days.value)
    reader = StatementReader(configuration.wording)
    search = reader.search
    wanted = match_sql("line", search.stems) if few else search_sql("line", search)
    recent = f"from ({_texts_sql()}) where text <> '' and date_diff('day', on_day, ?) between 0 and ?"
    shown = plain_text_query(f"select * {recent}", "text")
    texts = connection.execute(
        f"with lines as materialized (select * exclude (shown), {single_line_sql('shown')} as line from ({shown})) "
        f"select account_id, on_day, source, coalesce(text_key, ''), row_no, text from lines where {wanted} "
        "order by source, account_id, on_day, text, row_no",
        [as_of, window],
    ).fetchall()
    found = list(reader.read(TextRow(*row) for row in texts))
    kinds = configuration.wording.kinds
    stated = sorted(
        {
            (said.account_id, signal, said.on, said.table, said.row)
            for said in found
            if said.mode == "asserted"
            for signal in kinds[said.kind].signals
        }
    )
    connection.execute(
        "create or replace temp table statements (account_id varchar, signal varchar, date date, source varchar, row_no bigint)"
    )
    if stated:
        columns = [list(column) for column in zip(*stated, strict=True)]
        connection.execute(
            "insert into statements select unnest(?), unnest(?), unnest(?), unnest(?), unnest(?)", columns
        )
    return found


def score_accounts(
    log: SqlLog,
    portfolio: Portfolio,
    configuration: ScoreConfiguration,
    as_of: date,
    curve: ChurnCurve,
    has_month: bool,
    watch: StepWatcher,
) -> str:
    """Make ``measured``, ``scores`` and ``scored``; the statement that yields what the history keeps of the week."""
    connection, scoring = portfolio.connection, configuration.scoring
    parts, sums = _measure(log, portfolio, configuration, as_of, has_month, watch)
    log.create("the signals side by side", "view", "measured", side_by_side_sql(scoring, MEASURED_COLUMNS, parts))
    with watch("scoring", connection):
        numeric_scores = numeric_scores_sql(configuration, [*parts, *sums], curve)
        log.create("health, risk, the rules that fire and money", "table", "scores", numeric_scores)
        _check_row_order(connection, parts, [*sums, "scores"])
        for name in sums:
            connection.execute(f"drop table {name}")
    scores = [f"scores.{name}" for name in NUMERIC_COLUMNS]
    scored = side_by_side_sql(scoring, scores, ["scores", *(name for name in parts if name == "month_health")])
    labelled = labelled_sql(configuration, scored, (*ATTRIBUTES, *SCORED_COLUMNS))
    log.create("the names of bands and tiers", "view", "scored", labelled)
    saved_columns = [*scores, *(name for name in MEASURED_COLUMNS if name not in NUMERIC_COLUMNS)]
    week = labelled_sql(configuration, side_by_side_sql(scoring, saved_columns, [*parts, "scores"]), SNAPSHOT_COLUMNS)
    log.statements.append(("what the history keeps of the week", week))
    return week


_STATED_JOIN = f"left join ({category_sql('stated')}) stated on stated.account_id = part.account_id"


def _measure(
    log: SqlLog,
    portfolio: Portfolio,
    configuration: ScoreConfiguration,
    as_of: date,
    has_month: bool,
    watch: StepWatcher,
) -> tuple[list[str], list[str]]:
    """Run the file of each category, and sum up what it adds to both scores.

    Returns the names of the tables with the signals and of those with the sums, all in the order of the accounts: every
    file yields each account once, so that sorted results can be put side by side without a join.
    """
    connection, seen = portfolio.connection, source_dates(portfolio.audit)
    groups: dict[str, Sequence[str]] = {category: (category,) for category in CATEGORIES}
    sources = {}
    if portfolio.warehouse is not None:
        groups = {"measured": CATEGORIES}
        sources["measured"] = f"(from warehouse_signals semi join accounts using (account_id)) part {_STATED_JOIN}"
    else:
        if not portfolio.usage_aggregated:
            log.create("usage as one row an account", "table", "usage_by_account", usage_by_account_sql(as_of))
        for category in CATEGORIES:
            sources[category] = f"({category_signals_sql(category, as_of, seen, configuration.windows)}) part"
        sources["sentiment"] += f" {_STATED_JOIN}"
    for name, categories in groups.items():
        with watch(f"measuring {name}", connection):
            part, table = signal_table_sql(configuration.scoring, categories, sources[name]), f"{name}_signals"
            log.create(f"measuring {name}", "table", table, f"{part} order by account_id")
            sums = category_sums_sql(configuration, categories, table, as_of)
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
    }


def _columns_not_saved(connection: duckdb.DuckDBPyConnection, table: str) -> str:
    """Columns for what a past week did not measure, a signal that is new since then: unknown for every account."""
    saved = {row[0] for row in connection.execute(f"describe {table}").fetchall()}
    days = set(OBSERVED_ON.values())
    missing = [name for name in MEASURED_COLUMNS if name not in saved]
    return "".join(f", cast(null as {'date' if name in days else 'double'}) as {name}" for name in missing)


def load_week(
    log: SqlLog,
    name: str,
    snapshot: Snapshot,
    configuration: ScoreConfiguration,
    curve: ChurnCurve,
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
    unmeasured = _columns_not_saved(log.connection, f"{name}_then")
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
    scored = scored_sql(configuration, f"{name}_measured", snapshot.as_of, curve, "reported_velocity")
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
        read.append(("usage as one row an account", usage_by_account_sql(as_of)))
    return [*read, *log.statements]
