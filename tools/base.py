"""The customer base of one review date, scored in the engine; only aggregates and the accounts under review leave it.

One rule: no Python loop over all accounts. Tables in the connection: the eleven inputs, ``statements``, ``signals``,
``measured``, ``scored``, ``previous`` (last reviewed week), ``compared``.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import duckdb

from domain.audit import DataAudit
from domain.configuration import Configuration
from tools import changes
from tools.calibration import fit
from tools.history import History, Snapshot, last_review, month_ago
from tools.scoring import DETAILS, SCORES, ChurnCurve, detail_sql, measured_sql, scored_sql, size_sql, state_counts_sql
from tools.signals import signals_sql
from tools.signals.statements import Statement, StatementFinder, TextRow
from tools.sources import Portfolio, open_portfolio

Row = dict[str, Any]


@dataclass
class CustomerBase:
    """The scored base. Built by ``score_base``; its methods answer the questions of the four phases."""

    connection: duckdb.DuckDBPyConnection
    configuration: Configuration
    audit: DataAudit
    as_of: date
    curve: ChurnCurve
    snapshots: list[Snapshot]
    previous: Snapshot | None
    statements: list[Statement] = field(default_factory=list)

    @property
    def configuration_changed(self) -> bool:
        """Whether last week was scored by another configuration."""
        return self.previous is not None and self.previous.scoring_hash != self.configuration.scoring_hash

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """The answer of the engine as a list of rows by column name."""
        cursor = self.connection.execute(sql, list(parameters))
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def pick(self, accounts: Sequence[str]) -> None:
        """Name the accounts under review: the table ``picked``."""
        self.connection.execute(
            "create or replace temp table picked as select unnest(?) as account_id", [list(accounts)]
        )

    def details(self, source: str = "measured", as_of: date | None = None) -> dict[str, list[Row]]:
        """Per picked account one row a signal: value, component, share and points, in the order of configuration."""
        sql = detail_sql(self.configuration.scoring, source, as_of or self.as_of, "picked")
        signals = self.configuration.scoring.signals
        return {
            row["account_id"]: [
                {"signal": name, "health": row["health"], "risk": row["risk"]}
                | {detail: row[f"{detail}__{name}"] for detail in DETAILS}
                for name in signals
            ]
            for row in self.rows(sql)
        }


def read_base(location: str, as_of: date, configuration: Configuration, history: History) -> CustomerBase:
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
    )
    return score_base(portfolio, configuration, as_of, history)


def score_base(portfolio: Portfolio, configuration: Configuration, as_of: date, history: History) -> CustomerBase:
    """Measure the signals, find last week, score: the whole of phase 1's arithmetic."""
    connection = portfolio.connection
    snapshots = history.snapshots(connection, as_of)
    statements = _state(connection, configuration, as_of)
    connection.execute("create or replace temp table signals as " + signals_sql(as_of, _seen(portfolio.audit)))
    curve = fit(connection, snapshots, configuration.scoring, as_of)
    month = month_ago(snapshots, as_of, configuration.scoring.velocity_window)
    if month is not None:
        _load(connection, "month", month, configuration, curve)
    connection.execute(
        "create or replace temp table measured as " + measured_sql(configuration.scoring, "month" if month else None)
    )
    connection.execute("create or replace temp table scored as " + scored_sql(configuration, "measured", as_of, curve))
    previous = last_review(snapshots)
    if previous is not None:
        _load(connection, "previous", previous, configuration, curve)
    connection.execute(
        "create or replace temp table compared as " + changes.compared_sql(configuration.scoring, previous is not None)
    )
    base = CustomerBase(connection, configuration, portfolio.audit, as_of, curve, snapshots, previous)
    base.statements = statements
    return base


def coverage(base: CustomerBase) -> list[tuple[str, int, int, int]]:
    """Per signal: known, stale, unknown accounts."""
    row = base.rows(state_counts_sql(base.configuration, base.as_of))[0]
    found = []
    for name in base.configuration.scoring.signals:
        known, stale = row[f"known_{name}"], row[f"stale_{name}"]
        found.append((name, known, stale, row["accounts"] - known - stale))
    return found


def _seen(audit: DataAudit) -> dict[str, date | None]:
    return {
        "tickets_seen": audit.source("tickets").seen_until,
        "touchpoints_seen": audit.source("touchpoints").seen_until,
        "touchpoints_from": audit.source("touchpoints").first_date,
        "invoices_seen": audit.source("invoices").seen_until,
    }


_TEXTS = """
    select account_id, date as on_day, 'notes' as source, row_no, text from notes
    union all
    select account_id, opened_at, 'tickets', row_no, concat_ws('. ', subject, body) from tickets
    where subject is not null or body is not null
    union all
    select account_id, date, 'surveys', row_no, comment from surveys where comment is not null"""


def _state(connection: duckdb.DuckDBPyConnection, configuration: Configuration, as_of: date) -> list[Statement]:
    """Find stated intents in the texts of the window and put them into the table ``statements``."""
    window = int(configuration.wording.window_days.value)
    finder = StatementFinder(configuration.wording)
    texts = connection.execute(
        f"select * from ({_TEXTS}) where date_diff('day', on_day, ?) between 0 and ? and "
        "regexp_matches(regexp_replace(text, '\\s+', ' ', 'g'), ?, 'i') "
        "order by source, row_no",
        [as_of, window, finder.filter],
    ).fetchall()
    found = list(finder.find(TextRow(*row) for row in texts))
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


_REPORTED = (*SCORES[:-2], "reported_arr", "reported_at_risk")


def _load(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    snapshot: Snapshot,
    configuration: Configuration,
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
    connection.execute(
        f"create or replace temp view {name}_measured as select * exclude ({', '.join(_REPORTED)}) "
        f"replace ({size} as size) from {name}_then"
    )
    if snapshot.scoring_hash == configuration.scoring_hash:
        connection.execute(f"create or replace temp table {name} as select * from {name}_then")
        return
    scored = scored_sql(configuration, f"{name}_measured", snapshot.as_of, curve, "reported_velocity")
    connection.execute(
        f"create or replace temp table {name} as select r.*, t.reported_arr, t.reported_at_risk "
        f"from ({scored}) r join {name}_then t on t.account_id = r.account_id"
    )
