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

from domain.audit import DataAudit, LeftOut, SourceAudit
from domain.errors import DataError
from domain.tables import TABLES, Table
from tools.engine import EngineLimits, Watch, engine, unwatched
from tools.signals import READS
from tools.sources import report
from tools.sources.by_account import ACCOUNTS, LEFT_OUT_ACCOUNTS, quick_usage, reduce_usage, usage_counts
from tools.sources.clean import PRICES, Plan, Stage, judge, read_stage, store
from tools.sources.csvfile import digest_file
from tools.sources.fast_path import TextFilter, can_be_quick, faulty, read_quickly, whole_sql
from tools.sources.ids import case_twins, create_macros, match_references, refuse_repeated_accounts
from tools.sources.locate import Place, find_table, has_types, open_place, read_raw
from tools.sources.mapping import TableMapping, read_mapping
from tools.sources.money import Money, currency_of, in_major_units, note_dollar_signs, refuse_unknown_currency
from tools.sources.names import match_columns
from tools.sources.parse import SQL_TYPES
from tools.sources.raw import quoted
from tools.sources.renewals import take_renewals
from tools.sources.rules import first_day, limits, not_yet, row_rules
from tools.sources.styles import column_styles

if TYPE_CHECKING:
    from tools.sources.warehouse import Warehouse

_REFERRED_TO = ("accounts", "people", "contacts")


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
    usage_reduced: bool = False
    """Whether usage is in the connection as one row an account already (``usage_by_account``)."""
    warehouse: "Warehouse | None" = None
    """The server that measured the signals (``warehouse_signals``); of the other tables it has brought only texts."""


@dataclass(frozen=True)
class _Review:
    """What the caller asked for."""

    as_of: date
    money: Money
    lookback_days: Mapping[str, int]
    texts: TextFilter | None
    watch: Watch

    def since(self, table: Table) -> date | None:
        """The first day that is read of a table."""
        return first_day(table, self.as_of, self.lookback_days)

    def plan(self, stage: Stage) -> Plan:
        """Which rows are read, and what their cells are held to."""
        since, keep = self.since(stage.table), "true"
        if since is not None:
            day = f"v_{stage.table.dated}"
            keep = f"({day} IS NULL OR {day} >= DATE '{since}')"
        return Plan(keep, limits(stage.table.name, dict(stage.mapped.units)))


def open_portfolio(
    location: str,
    *,
    as_of: date,
    home_currency: str,
    rates: Mapping[str, float],
    lookback_days: Mapping[str, int] = {},
    texts: TextFilter | None = None,
    limits: EngineLimits = EngineLimits(),
    watch: Watch = unwatched,
) -> Portfolio:
    """Read, clean and judge all the data at ``location`` as it was known on ``as_of``.

    ``rates`` are home-currency units per unit of a currency. Rows of a table dated more than ``lookback_days`` before
    ``as_of`` are not loaded. Raises DataError or ConfigurationError if the data cannot be used as a whole.
    """
    review = _Review(as_of, Money(home_currency, rates), lookback_days, texts, watch)
    scratch = Path(tempfile.mkdtemp(prefix="saveplay-"))
    connection = engine(limits)
    try:
        create_macros(connection)
        for table in TABLES.values():
            connection.execute(f"CREATE TABLE {quoted(table.name)} ({_definition(table)})")
        if "://" in location and not location.startswith("duckdb:"):
            return _from_server(location, connection, review)
        place = open_place(location, connection, scratch)
        return _read_all(connection, place, review)
    except BaseException:
        connection.close()
        raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _from_server(location: str, connection: duckdb.DuckDBPyConnection, review: _Review) -> Portfolio:
    from tools.sources.warehouse import read_warehouse

    warehouse, audit = read_warehouse(
        location, connection, review.as_of, review.money, review.lookback_days, review.texts, review.watch
    )
    reads = tuple(
        TableRead(name, source.name, source.columns, warehouse.since(source.table), False, "")
        for name, source in warehouse.sources.items()
        if source.name is not None
    )
    return Portfolio(connection, audit, reads=reads, warehouse=warehouse)


def _definition(table: Table) -> str:
    columns = [f"{quoted(column.name)} {SQL_TYPES[column.kind]}" for column in table.columns]
    home = [f"{PRICES[table.name]}_home DECIMAL(18,2)"] if table.name in PRICES else []
    return ", ".join([*columns, "row_no BIGINT", *home])


def _read_all(connection: duckdb.DuckDBPyConnection, place: Place, review: _Review) -> Portfolio:
    """Tables with types of their own first, all the quick way; then those that need care, accounts before the others."""
    mapping = read_mapping(place.mapping_path)
    names = {name: find_table(place, name, mapping.table(name).source) for name in TABLES}
    opened: dict[str, Stage] = {}

    def opened_stage(name: str) -> Stage | None:
        if name not in opened and (found := names[name]) is not None:
            opened[name] = _open_stage(connection, place, TABLES[name], found, mapping.table(name))
        return opened.get(name)

    typed = [stage for name, found in names.items() if has_types(place, found) and (stage := opened_stage(name))]
    quick = _take_quickly(connection, typed, review)
    done: dict[str, SourceAudit] = {}
    left_out: dict[str, tuple[LeftOut, ...]] = {}
    known: dict[str, Stage] = {}
    for name in _REFERRED_TO:
        if stage := opened_stage(name):
            known[name] = stage
            if not stage.quick:
                with review.watch(f"reading {name}", connection):
                    read_stage(connection, stage, review.plan(stage))
    match_references(connection, known, [stage for stage in known.values() if not stage.quick])
    take_renewals(connection, place, known["accounts"], mapping.table("accounts"), review.as_of)
    for name in (*_REFERRED_TO, *(other for other in TABLES if other not in _REFERRED_TO)):
        if (stage := opened_stage(name)) is None:
            continue
        if not stage.quick:
            with review.watch(f"reading {name} with care", connection):
                _take_with_care(connection, known, stage, review)
        done[name] = _audited(connection, stage, review)
        left_out[name] = () if stage.quick else report.left_out(connection, stage)
        if name not in _REFERRED_TO and not stage.is_reduced and not stage.quick:
            _forget(connection, stage)
    for stage in known.values():
        if not stage.quick:
            _forget(connection, stage)
    if place.mapping_path.exists():
        place.digests[place.mapping_path.name] = digest_file(place.mapping_path)
    reduced = any(stage.is_reduced for stage in opened.values())
    if place.database and not quick and not reduced:
        connection.execute("DETACH source")
    return Portfolio(
        connection,
        DataAudit(
            sources=tuple(done.get(name) or report.absent(TABLES[name]) for name in TABLES),
            left_out=tuple(entry for name in TABLES for entry in left_out.get(name, ())),
            fingerprint=_fingerprint(place),
        ),
        whole={
            stage.table.name: whole_sql(stage, review.plan(stage), review.as_of, review.money)
            for stage in quick
            if stage.table.name != "accounts" and not stage.is_reduced
        },
        reads=tuple(_read_of(opened[name], review) for name in TABLES if name in opened),
        usage_reduced=reduced,
    )


def _open_stage(
    connection: duckdb.DuckDBPyConnection, place: Place, table: Table, name: str, mapped: TableMapping
) -> Stage:
    raw = read_raw(place, connection, name, f"raw_{table.name}")
    columns = match_columns(table, raw.header, mapped, raw.location)
    styles, notices = column_styles(connection, table, columns, raw, mapped)
    return Stage(table, raw, columns, mapped, styles, list(notices))


def _take_quickly(connection: duckdb.DuckDBPyConnection, typed: list[Stage], review: _Review) -> list[Stage]:
    """Read what can be read quickly; what turns out to need care is put back. Returns those that stand."""
    tried = [stage for stage in typed if stage.table.name != "people" and can_be_quick(stage)]
    if not any(stage.table.name == "accounts" for stage in tried):
        return []
    refused = set()
    for stage in tried:
        stage.quick = True
        with review.watch(f"reading {stage.table.name}", connection, stage.raw.rows):
            if not stage.is_reduced:
                read_quickly(connection, stage, review.plan(stage), review.as_of, review.money, review.texts)
            elif not quick_usage(connection, stage, review.since(stage.table), review.as_of):
                refused.add("usage")
    with review.watch("looking for faults", connection):
        refused |= faulty(connection, [stage for stage in tried if stage.table.name not in refused])
    if "accounts" in refused:
        refused = {stage.table.name for stage in tried}
    for stage in tried:
        name = stage.table.name
        if name in refused:
            stage.quick = False
            connection.execute(f"DROP {'VIEW' if stage.is_reduced else 'TABLE'} {quoted(name)}")
            connection.execute(f"CREATE TABLE {quoted(name)} ({_definition(stage.table)})")
        elif not stage.is_reduced:
            connection.execute(f"ALTER TABLE {quoted(name)} DROP COLUMN odd")
    return [stage for stage in tried if stage.quick]


def _take_with_care(
    connection: duckdb.DuckDBPyConnection, known: dict[str, Stage], stage: Stage, review: _Review
) -> None:
    """Read every cell, judge every row, store the good ones."""
    name = stage.table.name
    if name == "accounts":
        _keep_accounts(connection, stage, review)
        return
    if stage.is_reduced:
        read_stage(connection, stage, review.plan(stage), copied=False)
        reduce_usage(connection, stage, known["accounts"], review.as_of)
        return
    if name not in known:
        read_stage(connection, stage, review.plan(stage))
        match_references(connection, known, [stage])
    if name == "people":
        judge(connection, stage, [])
    else:
        some_left_out = known["accounts"].judged > 0
        joins = ACCOUNTS + (LEFT_OUT_ACCOUNTS if some_left_out else "")
        judge(connection, stage, row_rules(stage.table, review.as_of, some_left_out), joins)
    _store(connection, stage, review)


def _audited(connection: duckdb.DuckDBPyConnection, stage: Stage, review: _Review) -> SourceAudit:
    name = stage.table.name
    filled = set(stage.columns.position) | set(stage.mapped.constants)
    if stage.mapped.renewals:
        filled.add("renewal_date")
    if name == "accounts":
        stage.notices += case_twins(connection, stage.name)
        row = connection.execute("SELECT count(*) FROM accounts WHERE renewal_date IS NULL").fetchone()
        if row and row[0]:
            stage.notices.append(f"renewal_date: empty for {row[0]} accounts; they are kept with the date unknown.")
    counts = usage_counts(connection, stage.quick) if stage.is_reduced else None
    return report.connected(connection, stage, review.as_of, filled, counts)


def _read_of(stage: Stage, review: _Review) -> TableRead:
    wanted = READS.get(stage.table.name, frozenset(stage.table.names)) if stage.quick else stage.table.names
    read = [stage.raw.header[index] for ours, index in stage.columns.position.items() if ours in wanted]
    columns = tuple(dict.fromkeys(read))
    return TableRead(
        stage.table.name, stage.raw.location, columns, review.since(stage.table), not stage.is_reduced, stage.sql
    )


def _keep_accounts(connection: duckdb.DuckDBPyConnection, stage: Stage, review: _Review) -> None:
    refuse_repeated_accounts(connection, stage)
    judge(connection, stage, row_rules(stage.table, review.as_of))
    _refuse_no_accounts(connection, stage)
    _forget_unknown_parents(connection, stage)
    _store(connection, stage, review)


def _refuse_no_accounts(connection: duckdb.DuckDBPyConnection, stage: Stage) -> None:
    row = connection.execute(
        f"SELECT count(*), count(*) FILTER (WHERE {stage.kept}) FROM {stage.name} s"
    ).fetchone() or (0, 0)
    if row[1]:
        return
    entries = report.left_out(connection, stage)
    why = "; ".join(f"{item.reason} ({item.examples[0]})" for item in entries) or "it has only a header line"
    raise DataError(
        f"{stage.raw.location}: there are no accounts to review: {why}. Export the accounts again and run again."
    )


def _forget_unknown_parents(connection: duckdb.DuckDBPyConnection, stage: Stage) -> None:
    reasons = stage.cell_reasons["parent_account_id"]
    if not reasons:
        return
    reasons.append("no such account")
    kept = f"SELECT account_id FROM {stage.name} s WHERE {stage.kept}"
    connection.execute(
        f"UPDATE {stage.name} SET bad_parent_account_id = {len(reasons)}"
        f" WHERE parent_account_id IS NOT NULL AND parent_account_id NOT IN ({kept})"
    )


def _store(connection: duckdb.DuckDBPyConnection, stage: Stage, review: _Review) -> None:
    replaced, added, joins = _money(stage, review)
    name = stage.table.name
    if name in PRICES:
        refuse_unknown_currency(connection, stage, review.money, currency_of(name, review.money), joins)
    store(connection, stage, replaced, added, joins)
    if name in PRICES:
        note_dollar_signs(connection, stage)


def _money(stage: Stage, review: _Review) -> tuple[dict[str, str], tuple[str, ...], str]:
    """What replaces a cell of the stage ``s``, the amount in the home currency, and the joins that both need."""
    name = stage.table.name
    replaced = not_yet(name, review.as_of)
    minor = [column for column, unit in stage.mapped.units.items() if unit == "minor"]
    currency = currency_of(name, review.money)
    for column in minor:
        replaced[column] = in_major_units("{0}", currency)
    account = "" if name == "accounts" else ACCOUNTS
    if name not in PRICES:
        return replaced, (), account if minor else ""
    own = replaced.get(PRICES[name], "{0}").format(f"s.{quoted(PRICES[name])}")
    replaced["currency"] = currency
    return replaced, (f"{review.money.at_home(own, currency)} AS {PRICES[name]}_home",), account


def _forget(connection: duckdb.DuckDBPyConnection, stage: Stage) -> None:
    """Drop what was needed to read and judge a table."""
    for name in (*map(quoted, stage.raw.temporary), stage.name, stage.verdict):
        connection.execute(f"DROP TABLE IF EXISTS {name}")


def _fingerprint(place: Place) -> str:
    lines = "".join(f"{name}\0{digest}\n" for name, digest in sorted(place.digests.items()))
    return hashlib.sha256(lines.encode()).hexdigest()
