"""The whole data location as typed tables in one in-memory connection, with the audit of what was read."""

import hashlib
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from domain.data_audit import DataAudit, LeftOutRows, SourceAudit
from domain.errors import DataError
from domain.tables import TABLES, Table
from tools.engine import EngineLimits, StepWatcher, no_watcher, open_engine
from tools.signals.sql_columns import signal_inputs
from tools.sources import table_audit
from tools.sources.column_matching import match_columns
from tools.sources.csv_file import digest_file
from tools.sources.currencies import (
    CurrencyRates,
    in_major_units,
    refuse_unknown_currency,
    report_dollar_signs,
    row_currency,
)
from tools.sources.fast_path import TextFilter, all_columns_sql, allows_fast_path, read_fast_path, tables_with_faults
from tools.sources.format_inference import infer_formats
from tools.sources.mapping import TableMapping, read_mapping
from tools.sources.parse import SQL_TYPES
from tools.sources.raw_tables import sql_identifier
from tools.sources.renewals import fill_renewal_dates
from tools.sources.salesforce_ids import (
    case_duplicate_notices,
    create_id_macro,
    match_references,
    refuse_repeated_accounts,
)
from tools.sources.source_location import SourceLocation, find_table, has_types, open_location, read_raw
from tools.sources.staging_table import AMOUNT_COLUMNS, ReadPlan, StagingTable, insert_rows, leave_out_rows, read_stage
from tools.sources.usage_by_account import (
    JOIN_ACCOUNTS,
    JOIN_ALL_ACCOUNTS,
    aggregate_usage,
    read_usage_fast,
    usage_counts,
)
from tools.sources.validation_rules import first_day_read, hide_future, row_rules, value_limits

if TYPE_CHECKING:
    from tools.sources.warehouse import Warehouse

_REFERENCED = ("accounts", "people", "contacts")


@dataclass(frozen=True)
class TableRead:
    """What was read of one table: for whoever asks what a review costs."""

    table: str
    location: str
    columns: tuple[str, ...]
    """Columns of the source that were read."""
    since: date | None
    """Rows dated earlier were not read; None where the table has no look-back."""
    copied: bool
    """False for a table that was only aggregated where it is."""
    sql: str


@dataclass(frozen=True)
class Portfolio:
    """``connection`` holds one typed relation for each of the eleven names; absent ones are empty.

    A table from a typed source holds only the columns that the signals read, and of its texts only those that a phrase
    was found in.
    """

    connection: duckdb.DuckDBPyConnection
    audit: DataAudit
    whole: Mapping[str, str] = field(default_factory=dict)
    """By table: SQL that stands after FROM and yields all its columns; absent where the relation has them all."""
    reads: tuple[TableRead, ...] = ()
    usage_aggregated: bool = False
    """Whether usage is in the connection as one row an account already (``usage_by_account``)."""
    warehouse: "Warehouse | None" = None
    """The server that measured the signals (``warehouse_signals``); of the other tables it has brought only texts."""


@dataclass(frozen=True)
class _ReadRequest:
    """What the caller asked for."""

    as_of: date
    money: CurrencyRates
    lookback_days: Mapping[str, int]
    texts: TextFilter | None
    windows: Mapping[str, int]
    watch: StepWatcher

    def since(self, table: Table) -> date | None:
        """The first day that is read of a table."""
        return first_day_read(table, self.as_of, self.lookback_days)

    def plan(self, stage: StagingTable) -> ReadPlan:
        """Which rows are read, and what their cells are held to."""
        since, keep = self.since(stage.table), "true"
        if since is not None:
            day = f"v_{stage.table.date_column}"
            keep = f"({day} IS NULL OR {day} >= DATE '{since}')"
        return ReadPlan(keep, value_limits(stage.table.name, dict(stage.mapped.units)))


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
    watch: StepWatcher = no_watcher,
) -> Portfolio:
    """Read, clean and judge all the data at ``location`` as it was known on ``as_of``.

    ``rates`` are home-currency units per unit of a currency. Rows of a table dated more than ``lookback_days`` before
    ``as_of`` are not loaded; ``windows`` are the days that signals look back, for a server that measures them. Raises DataError or ConfigurationError if the data cannot be used as a whole.
    """
    review = _ReadRequest(as_of, CurrencyRates(home_currency, rates), lookback_days, texts, windows, watch)
    scratch = Path(tempfile.mkdtemp(prefix="saveplay-"))
    connection = open_engine(limits)
    try:
        create_id_macro(connection)
        for table in TABLES.values():
            connection.execute(f"CREATE TABLE {sql_identifier(table.name)} ({_column_definitions(table)})")
        if "://" in location and not location.startswith("duckdb:"):
            return _from_server(location, connection, review)
        place = open_location(location, connection, scratch)
        return _read_all(connection, place, review)
    except BaseException:
        connection.close()
        raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _from_server(location: str, connection: duckdb.DuckDBPyConnection, review: _ReadRequest) -> Portfolio:
    from tools.sources.warehouse import read_warehouse

    warehouse, audit = read_warehouse(
        location,
        connection,
        review.as_of,
        review.money,
        review.lookback_days,
        review.texts,
        review.windows,
        review.watch,
    )
    reads = tuple(
        TableRead(name, source.name, source.columns, warehouse.since(source.table), False, "")
        for name, source in warehouse.sources.items()
        if source.name is not None
    )
    return Portfolio(connection, audit, reads=reads, warehouse=warehouse)


def _column_definitions(table: Table) -> str:
    columns = [f"{sql_identifier(column.name)} {SQL_TYPES[column.kind]}" for column in table.columns]
    home = [f"{AMOUNT_COLUMNS[table.name]}_home DECIMAL(18,2)"] if table.name in AMOUNT_COLUMNS else []
    return ", ".join([*columns, "row_no BIGINT", *home])


def _read_all(connection: duckdb.DuckDBPyConnection, place: SourceLocation, review: _ReadRequest) -> Portfolio:
    """Tables with types of their own first, all the quick way; then those that need care, accounts before the others."""
    mapping = read_mapping(place.mapping_path)
    names = {name: find_table(place, name, mapping.table(name).source) for name in TABLES}
    opened: dict[str, StagingTable] = {}

    def opened_stage(name: str) -> StagingTable | None:
        if name not in opened and (found := names[name]) is not None:
            opened[name] = _open_stage(connection, place, TABLES[name], found, mapping.table(name))
        return opened.get(name)

    typed = [stage for name, found in names.items() if has_types(place, found) and (stage := opened_stage(name))]
    quick = _try_fast_path(connection, typed, review)
    done: dict[str, SourceAudit] = {}
    left_out: dict[str, tuple[LeftOutRows, ...]] = {}
    known: dict[str, StagingTable] = {}
    for name in _REFERENCED:
        if stage := opened_stage(name):
            known[name] = stage
            if not stage.quick:
                with review.watch(f"reading {name}", connection):
                    read_stage(connection, stage, review.plan(stage))
    match_references(connection, known, [stage for stage in known.values() if not stage.quick])
    fill_renewal_dates(connection, place, known["accounts"], mapping.table("accounts"), review.as_of)
    for name in (*_REFERENCED, *(other for other in TABLES if other not in _REFERENCED)):
        if (stage := opened_stage(name)) is None:
            continue
        if not stage.quick:
            with review.watch(f"reading {name} with care", connection):
                _read_validated(connection, known, stage, review)
        done[name] = _audit_table(connection, stage, review)
        left_out[name] = () if stage.quick else table_audit.collect_left_out(connection, stage)
        if name not in _REFERENCED and not stage.is_aggregated and not stage.quick:
            _drop_temporary_tables(connection, stage)
    for stage in known.values():
        if not stage.quick:
            _drop_temporary_tables(connection, stage)
    if place.mapping_path.exists():
        place.digests[place.mapping_path.name] = digest_file(place.mapping_path)
    reduced = any(stage.is_aggregated for stage in opened.values())
    if place.database and not quick and not reduced:
        connection.execute("DETACH source")
    return Portfolio(
        connection,
        DataAudit(
            sources=tuple(done.get(name) or table_audit.absent_audit(TABLES[name]) for name in TABLES),
            left_out=tuple(entry for name in TABLES for entry in left_out.get(name, ())),
            fingerprint=_fingerprint(place),
        ),
        whole={
            stage.table.name: all_columns_sql(stage, review.plan(stage), review.as_of, review.money)
            for stage in quick
            if stage.table.name != "accounts" and not stage.is_aggregated
        },
        reads=tuple(_table_read(opened[name], review) for name in TABLES if name in opened),
        usage_aggregated=reduced,
    )


def _open_stage(
    connection: duckdb.DuckDBPyConnection, place: SourceLocation, table: Table, name: str, mapped: TableMapping
) -> StagingTable:
    raw = read_raw(place, connection, name, f"raw_{table.name}")
    columns = match_columns(table, raw.header, mapped, raw.location)
    styles, notices = infer_formats(connection, table, columns, raw, mapped)
    return StagingTable(table, raw, columns, mapped, styles, list(notices))


def _try_fast_path(
    connection: duckdb.DuckDBPyConnection, typed: list[StagingTable], review: _ReadRequest
) -> list[StagingTable]:
    """Read what can be read quickly; what turns out to need care is put back. Returns those that stand."""
    tried = [stage for stage in typed if stage.table.name != "people" and allows_fast_path(stage)]
    if not any(stage.table.name == "accounts" for stage in tried):
        return []
    refused = set()
    for stage in tried:
        stage.quick = True
        with review.watch(f"reading {stage.table.name}", connection, stage.raw.rows):
            if not stage.is_aggregated:
                read_fast_path(connection, stage, review.plan(stage), review.as_of, review.money, review.texts)
            elif not read_usage_fast(connection, stage, review.since(stage.table), review.as_of):
                refused.add("usage")
    with review.watch("looking for faults", connection):
        refused |= tables_with_faults(connection, [stage for stage in tried if stage.table.name not in refused])
    if "accounts" in refused:
        refused = {stage.table.name for stage in tried}
    for stage in tried:
        name = stage.table.name
        if name in refused:
            stage.quick = False
            connection.execute(f"DROP {'VIEW' if stage.is_aggregated else 'TABLE'} {sql_identifier(name)}")
            connection.execute(f"CREATE TABLE {sql_identifier(name)} ({_column_definitions(stage.table)})")
        elif not stage.is_aggregated:
            connection.execute(f"ALTER TABLE {sql_identifier(name)} DROP COLUMN odd")
    return [stage for stage in tried if stage.quick]


def _read_validated(
    connection: duckdb.DuckDBPyConnection, known: dict[str, StagingTable], stage: StagingTable, review: _ReadRequest
) -> None:
    """Read every cell, judge every row, store the good ones."""
    name = stage.table.name
    if name == "accounts":
        _insert_accounts(connection, stage, review)
        return
    if stage.is_aggregated:
        read_stage(connection, stage, review.plan(stage), copied=False)
        aggregate_usage(connection, stage, known["accounts"], review.as_of)
        return
    if name not in known:
        read_stage(connection, stage, review.plan(stage))
        match_references(connection, known, [stage])
    if name == "people":
        leave_out_rows(connection, stage, [])
    else:
        some_left_out = known["accounts"].judged > 0
        joins = JOIN_ACCOUNTS + (JOIN_ALL_ACCOUNTS if some_left_out else "")
        leave_out_rows(connection, stage, row_rules(stage.table, review.as_of, some_left_out), joins)
    _insert_stage(connection, stage, review)


def _audit_table(connection: duckdb.DuckDBPyConnection, stage: StagingTable, review: _ReadRequest) -> SourceAudit:
    name = stage.table.name
    filled = set(stage.columns.position) | set(stage.mapped.constants)
    if stage.mapped.renewals:
        filled.add("renewal_date")
    if name == "accounts":
        stage.notices += case_duplicate_notices(connection, stage.name)
        row = connection.execute("SELECT count(*) FROM accounts WHERE renewal_date IS NULL").fetchone()
        if row and row[0]:
            stage.notices.append(f"renewal_date: empty for {row[0]} accounts; they are kept with the date unknown.")
    counts = usage_counts(connection, stage.quick) if stage.is_aggregated else None
    return table_audit.connected_audit(connection, stage, review.as_of, filled, counts)


def _table_read(stage: StagingTable, review: _ReadRequest) -> TableRead:
    wanted = signal_inputs(stage.table.name) if stage.quick else stage.table.names
    read = [stage.raw.header[index] for ours, index in stage.columns.position.items() if ours in wanted]
    columns = tuple(dict.fromkeys(read))
    return TableRead(
        stage.table.name, stage.raw.location, columns, review.since(stage.table), not stage.is_aggregated, stage.sql
    )


def _insert_accounts(connection: duckdb.DuckDBPyConnection, stage: StagingTable, review: _ReadRequest) -> None:
    refuse_repeated_accounts(connection, stage)
    leave_out_rows(connection, stage, row_rules(stage.table, review.as_of))
    _refuse_no_accounts(connection, stage)
    _clear_unknown_parents(connection, stage)
    _insert_stage(connection, stage, review)


def _refuse_no_accounts(connection: duckdb.DuckDBPyConnection, stage: StagingTable) -> None:
    row = connection.execute(
        f"SELECT count(*), count(*) FILTER (WHERE {stage.kept}) FROM {stage.name} s"
    ).fetchone() or (0, 0)
    if row[1]:
        return
    entries = table_audit.collect_left_out(connection, stage)
    why = "; ".join(f"{item.reason} ({item.examples[0]})" for item in entries) or "it has only a header line"
    raise DataError(
        f"{stage.raw.location}: there are no accounts to review: {why}. Export the accounts again and run again."
    )


def _clear_unknown_parents(connection: duckdb.DuckDBPyConnection, stage: StagingTable) -> None:
    reasons = stage.cell_reasons["parent_account_id"]
    if not reasons:
        return
    reasons.append("no such account")
    kept = f"SELECT account_id FROM {stage.name} s WHERE {stage.kept}"
    connection.execute(
        f"UPDATE {stage.name} SET bad_parent_account_id = {len(reasons)}"
        f" WHERE parent_account_id IS NOT NULL AND parent_account_id NOT IN ({kept})"
    )


def _insert_stage(connection: duckdb.DuckDBPyConnection, stage: StagingTable, review: _ReadRequest) -> None:
    replaced, added, joins = _amount_cells(stage, review)
    name = stage.table.name
    if name in AMOUNT_COLUMNS:
        refuse_unknown_currency(connection, stage, review.money, row_currency(name, review.money), joins)
    insert_rows(connection, stage, replaced, added, joins)
    if name in AMOUNT_COLUMNS:
        report_dollar_signs(connection, stage)


def _amount_cells(stage: StagingTable, review: _ReadRequest) -> tuple[dict[str, str], tuple[str, ...], str]:
    """What replaces a cell of the stage ``s``, the amount in the home currency, and the joins that both need."""
    name = stage.table.name
    replaced = hide_future(name, review.as_of)
    minor = [column for column, unit in stage.mapped.units.items() if unit == "minor"]
    currency = row_currency(name, review.money)
    for column in minor:
        replaced[column] = in_major_units("{0}", currency)
    account = "" if name == "accounts" else JOIN_ACCOUNTS
    if name not in AMOUNT_COLUMNS:
        return replaced, (), account if minor else ""
    own = replaced.get(AMOUNT_COLUMNS[name], "{0}").format(f"s.{sql_identifier(AMOUNT_COLUMNS[name])}")
    replaced["currency"] = currency
    return replaced, (f"{review.money.home_amount(own, currency)} AS {AMOUNT_COLUMNS[name]}_home",), account


def _drop_temporary_tables(connection: duckdb.DuckDBPyConnection, stage: StagingTable) -> None:
    """Drop what was needed to read and judge a table."""
    for name in (*map(sql_identifier, stage.raw.temporary_tables), stage.name, stage.verdict):
        connection.execute(f"DROP TABLE IF EXISTS {name}")


def _fingerprint(place: SourceLocation) -> str:
    lines = "".join(f"{name}\0{digest}\n" for name, digest in sorted(place.digests.items()))
    return hashlib.sha256(lines.encode()).hexdigest()
