"""The team's own database or cluster: the signals are measured there, and one row an account comes back.

Nothing is written to the server. Besides that row an account, only this leaves it: the customer success people, the
outcomes (a calibration learns from them), the few texts in which a phrase was found, and later the rows of the accounts
under review.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb

from domain.data_audit import UNKNOWN_PREFIX, DataAudit, LeftOutRows, SourceAudit
from domain.errors import DataError
from domain.own_signals import OWN_ACCOUNTS, own_tables
from domain.score_configuration import CATEGORIES, Signal
from domain.tables import TABLES, Column, Table
from tools.engine import StepWatcher
from tools.signals import (
    CONTEXT_COLUMNS,
    INTENTS,
    OBSERVED_ON,
    TEXT_COLUMNS,
    category_signals_sql,
    last_signs_sql,
    usage_by_account_sql,
)
from tools.signals.own_signals import observed_on, own_signals_sql
from tools.sources import table_audit
from tools.sources.currencies import CurrencyRates
from tools.sources.dialects import MATCH_PLACEHOLDER, translate_sql
from tools.sources.left_out_limits import LeftOutLimits, given_up_audit, tables_to_give_up, with_shares
from tools.sources.mapping import FILE_NAME, SourceMapping, TableMapping, read_mapping
from tools.sources.parse import SQL_TYPES, clean_text
from tools.sources.read_request import TextFilter
from tools.sources.reasons import (
    NO_SUCH_ACCOUNT,
)
from tools.sources.server_audit import count_statement, found_recent_rows, left_out_entry, server_audit
from tools.sources.server_rows import ServerRows
from tools.sources.server_tables import ServerTable, match_server_table
from tools.sources.servers import DatabaseServer, open_server, url_parameter
from tools.sources.source_location import SourceLocation, find_table
from tools.sources.staging_table import AMOUNT_COLUMNS
from tools.sources.usage_grain import UsageGrain, choose_grain
from tools.sql import sql_date, sql_identifier, sql_string, sql_strings


@dataclass
class Warehouse:
    """A server with the tables in it, and every statement that was sent to it."""

    server: DatabaseServer
    rows: ServerRows
    mapping: SourceMapping = field(default_factory=SourceMapping)
    statements: list[tuple[str, str]] = field(default_factory=list)
    """(purpose, text) of each statement, in the order they were sent."""
    tables: Mapping[str, Table] = field(default_factory=lambda: TABLES)
    """The tables that are read, those of own signals among them."""

    def fetch(
        self,
        what: str,
        sql: str,
        connection: duckdb.DuckDBPyConnection,
        name: str,
        columns: Sequence[tuple[str, str]],
        pattern: str = "",
    ) -> None:
        """Run a statement written in the embedded engine's dialect; its answer becomes a temporary table there."""
        text = translate_sql(sql, self.server.dialect, pattern)
        self.statements.append((what, text))
        self.server.fetch(text, connection, name, columns)

    def audit(self, connection: duckdb.DuckDBPyConnection, name: str) -> tuple[SourceAudit, tuple[LeftOutRows, ...]]:
        """The audit of a table, and what was left out of it. Raises DataError for an amount that has no rate."""
        source = self.rows.sources[name]
        if source.name is None:
            return table_audit.absent_audit(source.table), ()
        found = self._count(connection, name)
        if name == "usage":
            if found_recent_rows(found).repeats:  # some of them may be equal in all columns: those count once
                self.rows = replace(self.rows, usage_may_repeat=True)
                found = self._count(connection, name)
            grain, _ = choose_grain(source.mapped, found_recent_rows(found), source.name, self.rows.as_of)
            self.rows = replace(self.rows, usage_grain=grain)
        return server_audit(self.rows, name, found)

    def _count(self, connection: duckdb.DuckDBPyConnection, name: str) -> dict[str, Any]:
        statement = count_statement(self.rows, name)
        self.fetch(f"counting {name}", statement.sql, connection, "warehouse_counts", statement.columns)
        row = connection.execute("select * from warehouse_counts").fetchone() or ()
        return dict(zip([column for column, _ in statement.columns], row, strict=True))

    def give_up(
        self, audits: Mapping[str, SourceAudit], left_out: Sequence[LeftOutRows], limits: LeftOutLimits
    ) -> dict[str, SourceAudit]:
        """The audits with the share left out of each table. From here on, tables above their limit have no rows.

        Raises DataError for such a table where the mapping does not say that the run goes on without it.
        """
        audit = with_shares(DataAudit(sources=tuple(audits.values()), left_out=tuple(left_out), fingerprint=""))
        given_up = tables_to_give_up(audit, limits, self.mapping)
        absent = {name: match_server_table(self.tables[name], None, [], TableMapping()) for name in given_up}
        grain = UsageGrain() if "usage" in given_up else self.rows.usage_grain
        self.rows = replace(self.rows, sources={**self.rows.sources, **absent}, usage_grain=grain)
        return {each.table: given_up_audit(each) if each.table in given_up else each for each in audit.sources}

    def measure(
        self,
        connection: duckdb.DuckDBPyConnection,
        seen: Mapping[str, date | None],
        windows: Mapping[str, int],
        own: Mapping[str, Signal],
        sources: Mapping[str, SourceAudit],
    ) -> list[LeftOutRows]:
        """Fetch one row an account into the tables ``accounts`` and ``warehouse_signals``.

        ``own`` are the team's own signals, and ``sources`` the audits of the tables that they are measured from. Returns the parents that were set to unknown: they can be checked only when all accounts are there. Raises
        DataError for an account id that is there twice, and where there are no accounts.
        """
        parts = [self.rows.with_clause([name for name in self.tables if name not in ("people", "accounts")])]
        parts.append(f"usage_by_account as ({usage_by_account_sql(self.rows.as_of)})")
        parts += [f"{c}_signals as ({category_signals_sql(c, self.rows.as_of, seen, windows)})" for c in CATEGORIES]
        parts.append(f"last_signs as ({last_signs_sql(self.rows.as_of)})")
        parts += [f"own_signals as ({own_signals_sql(own, self.rows.as_of, sources)})"] if own else []
        accounts = TABLES["accounts"]
        days = [*sorted(set(OBSERVED_ON.values())), *map(observed_on, own), "last_used_on", "last_billed_on"]
        measured = [name for name in (*OBSERVED_ON, *own, *CONTEXT_COLUMNS) if name not in INTENTS]
        chosen = [f"a.{name}" for name in (*accounts.names, "arr_home")]
        chosen += [f"cast({name} as double) as {name}" for name in measured] + days
        columns = [(column.name, SQL_TYPES[column.kind]) for column in accounts.columns] + [
            ("arr_home", "DECIMAL(18,2)")
        ]
        columns += [(name, "DOUBLE") for name in measured] + [(name, "DATE") for name in days]
        measured_parts = [*(f"{c}_signals" for c in CATEGORIES), "last_signs", *(["own_signals"] if own else [])]
        joins = " ".join(f"join {c} on {c}.account_id = a.account_id" for c in measured_parts)
        sql = ",\n".join(parts) + f"\nselect {', '.join(chosen)} from accounts a {joins}"
        self.fetch("measuring", sql, connection, "warehouse_rows", columns)
        _refuse_bad_accounts(connection, str(self.rows.sources["accounts"].name))
        connection.execute(
            "create or replace table accounts as select "
            + ", ".join(_clean_cell(column) for column in accounts.columns)
            + ", row_number() over (order by account_id) + 1 as row_no, arr_home from warehouse_rows order by account_id"
        )
        rest = ", ".join(["arr_home", *measured, *days])
        connection.execute(
            f"create or replace temp table warehouse_signals as select account_id, {rest} from warehouse_rows"
        )
        connection.execute("drop table warehouse_rows")
        return self._clear_unknown_parents(connection)

    def _clear_unknown_parents(self, connection: duckdb.DuckDBPyConnection) -> list[LeftOutRows]:
        """Set a parent to NULL that is not among the accounts."""
        unknown = "parent_account_id is not null and parent_account_id not in (select account_id from accounts)"
        ((count,),) = connection.execute(f"select count(*) from accounts where {unknown}").fetchall()
        if not count:
            return []
        connection.execute(f"update accounts set parent_account_id = null where {unknown}")
        reason = UNKNOWN_PREFIX + NO_SUCH_ACCOUNT
        return [left_out_entry(self.rows.sources["accounts"], "parent_account_id", reason, count)]

    def texts(self, connection: duckdb.DuckDBPyConnection, wanted: TextFilter) -> None:
        """Fetch the texts in which a phrase was found, and no others, into the tables that hold texts."""
        first = self.rows.as_of - timedelta(days=wanted.window_days)
        present = [name for name in TEXT_COLUMNS if self.rows.sources[name].name]
        if not present:
            return
        each = []
        for name in present:
            day, names, whole = TEXT_COLUMNS[name]
            line = whole.format(**{column: column for column in names})
            each.append(f"select account_id, {day} as on_day, {sql_string(name)} as source, {line} as line from {name}")
        sql = (
            f"{self.rows.with_clause(present)} select account_id, on_day, source, line from ({' union all '.join(each)}) texts"
            f" where on_day >= {sql_date(first)} and on_day <= {sql_date(self.rows.as_of)} and {MATCH_PLACEHOLDER}"
        )
        columns = [("account_id", "VARCHAR"), ("on_day", "DATE"), ("source", "VARCHAR"), ("line", "VARCHAR")]
        self.fetch("finding phrases", sql, connection, "warehouse_texts", columns, wanted.pattern)
        # A server has no row numbers; the order of day and text gives the same ones every time.
        place = "row_number() over (partition by source, account_id order by on_day, line)"
        for name in present:
            day, names, _ = TEXT_COLUMNS[name]
            connection.execute(
                f"insert into {name} (account_id, {day}, {names[-1]}, row_no) select account_id, on_day,"
                f" {clean_text('line')}, {place} from warehouse_texts where source = {sql_string(name)} order by account_id"
            )
        connection.execute("drop table warehouse_texts")

    def fetch_rows(
        self, connection: duckdb.DuckDBPyConnection, name: str, accounts: Sequence[str] | None, into: str
    ) -> None:
        """Fetch the usable rows of ``accounts`` (None: of all) with every column into a new table ``into``.

        Rows are numbered within an account (within a key for tables without accounts) in the order of their columns.
        """
        table = self.tables[name]
        columns = [(column.name, SQL_TYPES[column.kind]) for column in table.columns]
        columns += [(f"{AMOUNT_COLUMNS[name]}_home", "DECIMAL(18,2)")] if name in AMOUNT_COLUMNS else []
        chosen = ", ".join(f"t.{column}" for column, _ in columns)
        ids = sql_strings(accounts or ())
        only = f" where t.account_id in ({ids})" if accounts is not None else ""
        sql = f"{self.rows.with_clause([name])} select {chosen} from {name} t{only}"
        self.fetch(f"fetching {name}", sql, connection, "warehouse_answer", columns)
        by = "account_id" if "account_id" in table.names else table.key
        order = ", ".join(column.name for column in table.columns)
        cells = ", ".join(_clean_cell(column) for column in table.columns)
        home = f", {AMOUNT_COLUMNS[name]}_home" if name in AMOUNT_COLUMNS else ""
        connection.execute(
            f"create or replace table {sql_identifier(into)} as select {cells}, row_number() over (partition by {by} order by"
            f" {order}) as row_no{home} from warehouse_answer order by all"
        )
        connection.execute("drop table warehouse_answer")

    def fingerprint(self, connection: duckdb.DuckDBPyConnection) -> str:
        """SHA-256 over the one row an account that came back, in any order of rows."""
        digest = hashlib.sha256()
        for name in ("accounts", "warehouse_signals"):
            row = connection.execute(f"select count(*), bit_xor(hash(t)) from {name} t").fetchone()
            digest.update(repr(row).encode())
        return digest.hexdigest()


def open_warehouse(
    location: str,
    as_of: date,
    rates: CurrencyRates,
    lookback_days: Mapping[str, int],
    known: Mapping[str, Table] = TABLES,
) -> Warehouse:
    """Connect and find the tables. Raises DataError, ConfigurationError or InputError."""
    server = open_server(location)
    try:
        mapping = _mapping_of(location)
        sources = _find_sources(server, mapping, location, known)
        rows = ServerRows(as_of, rates, lookback_days, sources, server.table_sql)
        return Warehouse(server, rows, mapping, tables=known)
    except BaseException:
        server.close()
        raise


def _mapping_of(location: str) -> SourceMapping:
    """The mapping that ``mapping=`` of the URL names."""
    given = url_parameter(location, "mapping")
    mapping_path = Path(given) if given else Path("no mapping")
    if given and not mapping_path.exists():
        raise DataError(f"mapping={given}: there is no such file. Give the path of a mapping.yaml, or leave it out.")
    return read_mapping(mapping_path)


def _find_sources(
    server: DatabaseServer, mapping: SourceMapping, location: str, known: Mapping[str, Table]
) -> dict[str, ServerTable]:
    """By table: the server's table that holds it, by the mapping or by name."""
    tables = server.tables()
    readable = [name for name, columns in tables.items() if columns]
    catalogue = SourceLocation(Path(location.partition(":")[0]), readable, True, Path(), {})
    locked = SourceLocation(catalogue.path, [name for name in tables if name not in readable], True, Path(), {})
    sources = {}
    for name, table in known.items():
        mapped, place = mapping.of(table), "accounts" if name == OWN_ACCOUNTS else name
        _refuse_locked(locked, catalogue, place, mapped.source)
        found = find_table(catalogue, place, mapped.source)
        sources[name] = match_server_table(table, found, tables.get(found or "", []), mapped)
    return sources


def _refuse_locked(locked: SourceLocation, readable: SourceLocation, table: str, wanted: str | None) -> None:
    """Raise DataError where the only table that fits may not be read: it must not count as one that the team has not."""
    fits = (wanted or table).casefold()

    def fitting(catalogue: SourceLocation) -> list[str]:
        return [name for name in catalogue.names if fits in (name.casefold(), name.rsplit(".", 1)[-1].casefold())]

    if fitting(locked) and not fitting(readable):
        name = fitting(locked)[0]
        raise DataError(
            f"{name} is there, but may not be read: grant the user of --data SELECT on it, or name another table under"
            f" tables.{table}.from in {FILE_NAME}"
        )


def _clean_cell(column: Column) -> str:
    """The cell for the embedded engine: a text loses its control characters there, because engines differ in patterns."""
    return f"{clean_text(column.name)} as {column.name}" if column.kind == "text" else column.name


def _refuse_bad_accounts(connection: duckdb.DuckDBPyConnection, location: str) -> None:
    """Raise DataError for a repeated account id, and where there are no accounts."""
    row = connection.execute(
        "select account_id from warehouse_rows group by account_id having count(*) > 1 order by 1 limit 1"
    ).fetchone()
    if row is not None:
        raise DataError(
            f"{location}: the account id {row[0]} is there twice. Which one is right is not ours to guess: remove one of"
            " the rows and run again."
        )
    if connection.execute("select count(*) from warehouse_rows").fetchone() == (0,):
        raise DataError(f"{location}: there are no accounts to review. Check the rows and the mapping.")


def read_warehouse(
    location: str,
    connection: duckdb.DuckDBPyConnection,
    as_of: date,
    rates: CurrencyRates,
    lookback_days: Mapping[str, int],
    texts: TextFilter | None,
    windows: Mapping[str, int],
    watcher: StepWatcher,
    limits: LeftOutLimits = LeftOutLimits(),
    own: Mapping[str, Signal] = {},
) -> tuple[Warehouse, DataAudit]:
    """Measure at the server and fetch what the review needs. Raises DataError, ConfigurationError or InputError."""
    known = {**TABLES, **own_tables((each.table, each.own) for each in own.values() if each.own)}
    with watcher("looking for the tables", connection):
        warehouse = open_warehouse(location, as_of, rates, lookback_days, known)
    audits: dict[str, SourceAudit] = {}
    left_out: list[LeftOutRows] = []
    for name in known:
        with watcher(f"counting {name}", connection):
            audits[name], gone = warehouse.audit(connection, name)
            left_out += gone
    audits = warehouse.give_up(audits, left_out, limits)
    with watcher("measuring at the server", connection):
        seen = {
            "tickets_seen": audits["tickets"].seen_until,
            "touchpoints_seen": audits["touchpoints"].seen_until,
            "touchpoints_from": audits["touchpoints"].first_date,
            "invoices_seen": audits["invoices"].seen_until,
            "contacts_seen": audits["contacts"].seen_until,
            "goals_seen": audits["goals"].seen_until,
        }
        left_out += warehouse.measure(connection, seen, windows, own, audits)
    with watcher("finding phrases at the server", connection):
        if texts is not None:
            warehouse.texts(connection, texts)
        warehouse.fetch_rows(connection, "people", None, "people")
        warehouse.fetch_rows(connection, "outcomes", None, "outcomes")
    fingerprint = warehouse.fingerprint(connection)
    sources = tuple(audits[name] for name in known)
    return warehouse, DataAudit(sources=sources, left_out=tuple(left_out), fingerprint=fingerprint)
