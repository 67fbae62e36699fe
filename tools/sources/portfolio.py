"""The whole data location as typed tables in one in-memory connection, with the audit of what was read.

Order of the work: open the tables, try the fast path for those with types, validate the others (accounts before the
tables that belong to them), audit each one.
"""

import hashlib
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from domain.data_audit import DataAudit, LeftOutRows, SourceAudit
from domain.own_signals import OWN_ACCOUNTS, own_tables
from domain.score_configuration import Signal
from domain.tables import TABLES, Table
from tools.engine import EngineLimits, StepWatcher, no_watcher, open_engine
from tools.signals.sql_columns import columns_read
from tools.sources import table_audit
from tools.sources.column_matching import match_columns
from tools.sources.csv_file import digest_file
from tools.sources.currencies import CurrencyRates
from tools.sources.damaged_files import name_damaged_file
from tools.sources.deleted_rows import (
    ignored_mark_notices,
    keep_deleted_accounts,
    without_deleted_rows,
)
from tools.sources.fast_path import all_columns_sql, allows_fast_path, read_fast_path, tables_with_faults
from tools.sources.format_inference import infer_formats
from tools.sources.left_out_limits import LeftOutLimits, given_up_audit, tables_to_give_up, with_shares
from tools.sources.mapping import SourceMapping, TableMapping, read_mapping
from tools.sources.parse import SQL_TYPES
from tools.sources.read_request import ReadRequest, TextFilter
from tools.sources.renewals import fill_renewal_dates
from tools.sources.salesforce_ids import case_duplicate_notices, create_id_macro, match_references
from tools.sources.source_location import SourceLocation, find_table, has_types, open_location, read_raw
from tools.sources.staging_table import AMOUNT_COLUMNS, StagingTable, read_into_staging
from tools.sources.usage_by_account import fill_days_without_row, read_usage_fast, set_usage_grain
from tools.sources.validated_path import read_validated
from tools.sql import sql_identifier
from tools.wording import plural

if TYPE_CHECKING:
    from tools.sources.warehouse import Warehouse

_REFERENCED = ("accounts", "people", "contacts")


@dataclass(frozen=True)
class TableRead:
    """The part of one table that was read, for ``--explain``."""

    table: str
    location: str
    columns: tuple[str, ...]
    """Columns of the source that were read."""
    since: date | None
    """Rows dated earlier were not read; None where the table has no look-back."""
    copied: bool
    """False for a table that was only aggregated where it is."""
    sql: str
    """The query that read it; empty where a server did."""


@dataclass(frozen=True)
class Portfolio:
    """``connection`` holds one typed relation for each of the eleven names; absent ones are empty.

    A table from a typed source holds only the columns that the signals read, and of its texts only those that a phrase
    was found in.
    """

    connection: duckdb.DuckDBPyConnection
    audit: DataAudit
    full_table_sql: Mapping[str, str] = field(default_factory=dict)
    """By table: SQL that can follow FROM and yields all columns; absent where the relation has them all."""
    reads: tuple[TableRead, ...] = ()
    usage_aggregated: bool = False
    """True where usage is in the connection as one row an account already (``usage_by_account``)."""
    usage_sql: str = ""
    """The query that made it so."""
    warehouse: "Warehouse | None" = None
    """The server that measured the signals (table ``warehouse_signals``); of the other tables only texts were fetched."""


def open_portfolio(
    location: str,
    *,
    as_of: date,
    home_currency: str,
    rates: Mapping[str, float],
    lookback_days: Mapping[str, int] = {},
    texts: TextFilter | None = None,
    windows: Mapping[str, int] = {},
    limits: EngineLimits = EngineLimits(),
    watcher: StepWatcher = no_watcher,
    left_out: LeftOutLimits = LeftOutLimits(),
    own: Mapping[str, Signal] = {},
) -> Portfolio:
    """Read, clean and validate all the data at ``location`` as it was known on ``as_of``.

    ``rates`` are home-currency units per unit of a currency. Rows of a table dated more than ``lookback_days`` before
    ``as_of`` are not loaded; ``windows`` are the days that signals look back, for a server that measures them. ``own`` are
    the team's own signals, whose tables are read too. Raises DataError or ConfigurationError if the data cannot be used as
    a whole, or more of a table than ``left_out`` allows.
    """
    tables = {**TABLES, **own_tables((each.table, each.own) for each in own.values() if each.own)}
    rates_now = CurrencyRates(home_currency, rates)
    request = ReadRequest(as_of, rates_now, lookback_days, texts, windows, watcher, left_out, tables, own)
    scratch = Path(tempfile.mkdtemp(prefix="saveplay-"))
    connection = open_engine(limits)
    try:
        create_id_macro(connection)
        for table in tables.values():
            connection.execute(f"CREATE TABLE {sql_identifier(table.name)} ({_column_definitions(table)})")
        if "://" in location and not location.startswith("duckdb:"):
            return _from_server(location, connection, request)
        with name_damaged_file(Path(location).name):
            source = open_location(location, connection, scratch)
            mapping = read_mapping(source.mapping_path)
            names = {name: find_table(source, name, mapping.of(table).source) for name, table in tables.items()}
            if OWN_ACCOUNTS in names:
                names[OWN_ACCOUNTS] = names["accounts"]
            return _SourceReader(connection, source, request, mapping, names).read()
    except BaseException:
        connection.close()
        raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _from_server(location: str, connection: duckdb.DuckDBPyConnection, request: ReadRequest) -> Portfolio:
    from tools.sources.warehouse import read_warehouse

    warehouse, audit = read_warehouse(
        location,
        connection,
        request.as_of,
        request.rates,
        request.lookback_days,
        request.texts,
        request.windows,
        request.watcher,
        request.left_out,
        request.own,
    )
    reads = tuple(
        TableRead(name, source.name, source.columns, warehouse.rows.since(source.table), False, "")
        for name, source in warehouse.rows.sources.items()
        if source.name is not None
    )
    return Portfolio(connection, audit, reads=reads, warehouse=warehouse)


def _column_definitions(table: Table) -> str:
    columns = [f"{sql_identifier(column.name)} {SQL_TYPES[column.kind]}" for column in table.columns]
    home = [f"{AMOUNT_COLUMNS[table.name]}_home DECIMAL(18,2)"] if table.name in AMOUNT_COLUMNS else []
    return ", ".join([*columns, "row_no BIGINT", *home])


@dataclass
class _SourceReader:
    """One read of a folder or a DuckDB file into the typed tables of ``connection``."""

    connection: duckdb.DuckDBPyConnection
    source: SourceLocation
    request: ReadRequest
    mapping: SourceMapping
    names: Mapping[str, str | None]
    """By table: the file or table that holds it; None where there is none."""
    opened: dict[str, StagingTable] = field(default_factory=dict)
    left_out: dict[str, tuple[LeftOutRows, ...]] = field(default_factory=dict)
    audits: dict[str, SourceAudit] = field(default_factory=dict)

    def read(self) -> Portfolio:
        """Read all tables: on the fast path where the source has types, on the validated path everything else."""
        fast = self._read_fast()
        self._read_referenced()
        for name in (*_REFERENCED, *(other for other in self.request.tables if other not in _REFERENCED)):
            if staging := self._open(name):
                self._finish(staging)
        for staging in self._known().values():
            if not staging.fast_path:
                _drop_temporary_tables(self.connection, staging)
        if self.source.mapping_path.exists():
            self.source.digests[self.source.mapping_path.name] = digest_file(self.source.mapping_path)
        self.connection.execute("DROP TABLE IF EXISTS deleted_accounts")
        # What stays where it is (tables of the fast path, usage) is read again later: the file then has to stay attached.
        if self.source.database and not fast and not self._usage_aggregated():
            self.connection.execute("DETACH source")
        return self._portfolio(fast)

    def _open(self, name: str) -> StagingTable | None:
        """Open a table once; None where the source does not have it."""
        found = self.names[name]
        if name not in self.opened and found is not None:
            table = self.request.tables[name]
            self.opened[name] = _open_staging(self.connection, self.source, table, found, self.mapping.of(table))
        return self.opened.get(name)

    def _known(self) -> dict[str, StagingTable]:
        """The opened tables that other tables refer to."""
        return {name: self.opened[name] for name in _REFERENCED if name in self.opened}

    def _usage_aggregated(self) -> bool:
        return any(staging.is_aggregated for staging in self.opened.values())

    def _read_fast(self) -> list[StagingTable]:
        names = [name for name, found in self.names.items() if has_types(self.source, found)]
        typed = [staging for name in names if (staging := self._open(name))]
        return _try_fast_path(self.connection, typed, self.request)

    def _read_referenced(self) -> None:
        """Read the cells of accounts, people and contacts, and match their ids, before any row is checked against them."""
        for name in _REFERENCED:
            if (staging := self._open(name)) and not staging.fast_path:
                with self.request.watcher(f"reading {name}", self.connection), _named(staging):
                    read_into_staging(self.connection, staging, self.request.plan(staging))
        known = self._known()
        match_references(self.connection, known, [staging for staging in known.values() if not staging.fast_path])
        accounts = self.mapping.table("accounts")
        fill_renewal_dates(self.connection, self.source, known["accounts"], accounts, self.request.as_of)

    def _finish(self, staging: StagingTable) -> None:
        """Validate a table that did not take the fast path, and write its audit."""
        name = staging.table.name
        if not staging.fast_path:
            with self.request.watcher(f"validating {name}", self.connection), _named(staging):
                read_validated(self.connection, self._known(), staging, self.request)
        counts = set_usage_grain(self.connection, staging, self.request.as_of) if name == "usage" else None
        self.audits[name] = _audit_table(self.connection, staging, self.request, counts)
        if staging.mapped.no_row == "zero" and (last := self.audits[name].seen_until):
            fill_days_without_row(self.connection, staging, last)
        if staging.fast_path:
            self.left_out[name] = table_audit.left_out_on_fast_path(staging)
        else:
            self.left_out[name] = table_audit.collect_left_out(self.connection, staging)
            if name not in _REFERENCED and not staging.is_aggregated:
                _drop_temporary_tables(self.connection, staging)

    def _portfolio(self, fast: list[StagingTable]) -> Portfolio:
        request = self.request
        audit = self._audit()
        given_up = [source.table for source in audit.sources if source.given_up]
        return Portfolio(
            self.connection,
            audit,
            full_table_sql={
                staging.table.name: all_columns_sql(staging, request.plan(staging), request.as_of, request.rates)
                for staging in fast
                if staging.table.name not in ("accounts", *given_up) and not staging.is_aggregated
            },
            reads=tuple(_table_read(self.opened[name], request) for name in request.tables if name in self.opened),
            usage_aggregated=self._usage_aggregated(),
            usage_sql=self.opened["usage"].aggregate_sql if "usage" in self.opened else "",
        )

    def _audit(self) -> DataAudit:
        """The audit of all tables. A table of which too much was left out stops the run, or is emptied and given up."""
        tables = self.request.tables
        audit = with_shares(
            DataAudit(
                sources=tuple(self.audits.get(name) or table_audit.absent_audit(tables[name]) for name in tables),
                left_out=tuple(entry for name in tables for entry in self.left_out.get(name, ())),
                fingerprint=_fingerprint(self.source),
            )
        )
        given_up = tables_to_give_up(audit, self.request.left_out, self.mapping)
        for name in given_up:
            if self.opened[name].is_aggregated:
                self.connection.execute("DELETE FROM usage_by_account")
            _recreate_table(self.connection, self.opened[name])
        sources = tuple(given_up_audit(each) if each.table in given_up else each for each in audit.sources)
        return audit.model_copy(update={"sources": sources})


def _open_staging(
    connection: duckdb.DuckDBPyConnection, source: SourceLocation, table: Table, name: str, mapped: TableMapping
) -> StagingTable:
    with name_damaged_file(name if not source.database else source.path.name):
        raw_table = read_raw(source, connection, name, f"raw_{table.name}")
    columns = match_columns(table, raw_table.header, mapped, raw_table.location)
    with name_damaged_file(raw_table.full_name):
        if table.name == "accounts":
            keep_deleted_accounts(connection, raw_table, columns)
        raw_table, columns = without_deleted_rows(connection, raw_table, columns)
        formats, notices = infer_formats(connection, table, columns, raw_table, mapped)
    return StagingTable(table, raw_table, columns, mapped, formats, [*notices, *ignored_mark_notices(columns.ignored)])


def _named(staging: StagingTable) -> AbstractContextManager[None]:
    """A block in which an error of a damaged file names the file or table that is read."""
    return name_damaged_file(staging.raw_table.full_name)


def _try_fast_path(
    connection: duckdb.DuckDBPyConnection, typed: list[StagingTable], request: ReadRequest
) -> list[StagingTable]:
    """Read the typed tables on the fast path, and undo it for those with a fault. Returns the tables that stay read."""
    tried = [staging for staging in typed if staging.table.name != "people" and allows_fast_path(staging)]
    if not any(staging.table.name == "accounts" for staging in tried):
        return []
    refused = set()
    for staging in tried:
        staging.fast_path = True
        with request.watcher(f"reading {staging.table.name}", connection, staging.raw_table.rows), _named(staging):
            if not staging.is_aggregated:
                read_fast_path(connection, staging, request.plan(staging), request.as_of, request.rates, request.texts)
            elif not read_usage_fast(connection, staging, request.since(staging.table), request.as_of):
                refused.add("usage")
    with request.watcher("checking for faults", connection):
        refused |= tables_with_faults(connection, [staging for staging in tried if staging.table.name not in refused])
    # Every other table was checked against the accounts: when some of those are left out, the checks are void.
    if "accounts" in refused:
        refused = {staging.table.name for staging in tried}
    for staging in tried:
        if staging.table.name in refused:
            _undo_fast_path(connection, staging)
        elif not staging.is_aggregated:
            connection.execute(f"ALTER TABLE {sql_identifier(staging.table.name)} DROP COLUMN has_problem")
    return [staging for staging in tried if staging.fast_path]


def _undo_fast_path(connection: duckdb.DuckDBPyConnection, staging: StagingTable) -> None:
    """Put the empty typed table back, for the validated path to fill."""
    staging.fast_path, staging.repeats = False, (0, ())
    _recreate_table(connection, staging)


def _recreate_table(connection: duckdb.DuckDBPyConnection, staging: StagingTable) -> None:
    """The typed table without rows, in place of the one that is there."""
    name = sql_identifier(staging.table.name)
    connection.execute(f"DROP {'VIEW' if staging.is_aggregated else 'TABLE'} {name}")
    connection.execute(f"CREATE TABLE {name} ({_column_definitions(staging.table)})")


def _audit_table(
    connection: duckdb.DuckDBPyConnection,
    staging: StagingTable,
    request: ReadRequest,
    counts: table_audit.RowCounts | None,
) -> SourceAudit:
    name = staging.table.name
    filled = set(staging.columns.position) | set(staging.mapped.constants)
    if staging.mapped.renewals:
        filled.add("renewal_date")
    if staging.mapped.user_id:
        filled.add("active_users")
    if name == "accounts":
        staging.notices += case_duplicate_notices(connection, staging.name)
        row = connection.execute("SELECT count(*) FROM accounts WHERE renewal_date IS NULL").fetchone()
        if row and row[0]:
            staging.notices.append(f"renewal_date: empty for {row[0]} accounts; they are kept with the date unknown.")
        row = connection.execute("SELECT count(*) FROM accounts WHERE auto_renews").fetchone()
        if row and row[0]:
            staging.notices.append(
                f"auto_renews: {plural(row[0], 'account')} renew by themselves; a renewal date that is past counts as the"
                " next one, a whole number of terms later (term_months, else 12)."
            )
    return table_audit.connected_audit(connection, staging, request.as_of, filled, counts)


def _table_read(staging: StagingTable, request: ReadRequest) -> TableRead:
    wanted = columns_read(staging.table) if staging.fast_path else staging.table.names
    read = [staging.raw_table.header[index] for name, index in staging.columns.position.items() if name in wanted]
    columns = tuple(dict.fromkeys(read))
    return TableRead(
        staging.table.name,
        staging.raw_table.location,
        columns,
        request.since(staging.table),
        not staging.is_aggregated,
        staging.sql,
    )


def _drop_temporary_tables(connection: duckdb.DuckDBPyConnection, staging: StagingTable) -> None:
    """Drop the tables that were needed to read and validate one."""
    for name in (*map(sql_identifier, staging.raw_table.temporary_tables), staging.name, staging.left_out_table):
        connection.execute(f"DROP TABLE IF EXISTS {name}")


def _fingerprint(source: SourceLocation) -> str:
    lines = "".join(f"{name}\0{digest}\n" for name, digest in sorted(source.digests.items()))
    return hashlib.sha256(lines.encode()).hexdigest()
