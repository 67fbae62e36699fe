"""The whole data location as typed tables in one in-memory connection, with the audit of what was read."""

import hashlib
import shutil
import tempfile
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from domain.audit import DataAudit, LeftOut, SourceAudit
from domain.errors import DataError
from domain.tables import TABLES, Table
from tools.sources import report
from tools.sources.clean import PRICES, Stage, judge, read_stage, store
from tools.sources.csvfile import digest_file
from tools.sources.ids import case_twins, create_macros, match_references, refuse_repeated_accounts
from tools.sources.locate import Place, find_table, open_place, read_raw
from tools.sources.mapping import TableMapping, read_mapping
from tools.sources.money import currency_of, in_major_units, note_dollar_signs, refuse_unknown_currency, store_rates
from tools.sources.names import match_columns
from tools.sources.parse import SQL_TYPES
from tools.sources.raw import literal, quoted
from tools.sources.renewals import take_renewals
from tools.sources.rules import limits, not_yet, row_rules
from tools.sources.styles import column_styles

_REFERRED_TO = ("accounts", "people", "contacts")
_ACCOUNTS = "LEFT JOIN accounts a ON a.account_id = s.account_id"


@dataclass(frozen=True)
class Portfolio:
    """``connection`` holds one typed table for each of the eleven names; absent ones are empty."""

    connection: duckdb.DuckDBPyConnection
    audit: DataAudit


@dataclass(frozen=True)
class _Read:
    """One table, read."""

    source: SourceAudit
    left_out: tuple[LeftOut, ...]


@dataclass(frozen=True)
class _Review:
    """What the caller asked for."""

    as_of: date
    home_currency: str
    lookback_days: Mapping[str, int]


def open_portfolio(
    location: str,
    *,
    as_of: date,
    home_currency: str,
    rates: Mapping[str, float],
    lookback_days: Mapping[str, int] = {},
    memory_limit: str | None = None,
) -> Portfolio:
    """Read, clean and judge all the data at ``location`` as it was known on ``as_of``.

    ``rates`` are home-currency units per unit of a currency. Rows of a table dated more than ``lookback_days`` before
    ``as_of`` are not loaded. Raises DataError or ConfigurationError if the data cannot be used as a whole.
    """
    review = _Review(as_of, home_currency, lookback_days)
    scratch = Path(tempfile.mkdtemp(prefix="saveplay-"))
    connection = _connect(memory_limit)
    try:
        store_rates(connection, home_currency, rates)
        place = open_place(location, connection, scratch)
        audit = _read_all(connection, place, review)
    except BaseException:
        connection.close()
        raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return Portfolio(connection, audit)


def _connect(memory_limit: str | None) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(":memory:", config={"autoinstall_known_extensions": "false"})
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET threads = 1")
    connection.execute("SET enable_progress_bar = false")
    spill = Path(tempfile.gettempdir()) / f"saveplay-spill-{uuid.uuid4().hex}"
    connection.execute(f"SET temp_directory = {literal(str(spill))}")
    if memory_limit:
        connection.execute("SET memory_limit = ?", [memory_limit])
    create_macros(connection)
    for table in TABLES.values():
        connection.execute(f"CREATE TABLE {quoted(table.name)} ({_definition(table)})")
    return connection


def _definition(table: Table) -> str:
    columns = [f"{quoted(column.name)} {SQL_TYPES[column.kind]}" for column in table.columns]
    home = [f"{PRICES[table.name]}_home DECIMAL(18,2)"] if table.name in PRICES else []
    return ", ".join([*columns, "row_no BIGINT", *home])


def _read_all(connection: duckdb.DuckDBPyConnection, place: Place, review: _Review) -> DataAudit:
    """The tables that others refer to first, then one at a time, so that only one large file is held as text."""
    mapping = read_mapping(place.mapping_path)
    names = {name: find_table(place, name, mapping.table(name).source) for name in TABLES}
    known: dict[str, Stage] = {}
    for name in _REFERRED_TO:
        if found := names[name]:
            known[name] = _read_stage(connection, place, TABLES[name], found, mapping.table(name), review)
    match_references(connection, known, known.values())
    take_renewals(connection, place, known["accounts"], mapping.table("accounts"), review.as_of)
    done: dict[str, _Read] = {}
    for name in (*_REFERRED_TO, *(other for other in TABLES if other not in _REFERRED_TO)):
        stage = known.get(name)
        if stage is None and (found := names[name]):
            stage = _read_stage(connection, place, TABLES[name], found, mapping.table(name), review)
            match_references(connection, known, [stage])
        if stage is not None:
            done[name] = _finish(connection, stage, mapping.table(name), review)
    _drop_temporary(connection)
    if place.database:
        connection.execute("DETACH source")
    if place.mapping_path.exists():
        place.digests[place.mapping_path.name] = digest_file(place.mapping_path)
    sources = tuple(done[name].source if name in done else report.absent(TABLES[name]) for name in TABLES)
    left_out = tuple(entry for name in TABLES if name in done for entry in done[name].left_out)
    return DataAudit(sources=sources, left_out=left_out, fingerprint=_fingerprint(place))


def _finish(connection: duckdb.DuckDBPyConnection, stage: Stage, mapped: TableMapping, review: _Review) -> "_Read":
    """Judge the rows, store the good ones, and account for the others."""
    if stage.table.name == "accounts":
        _keep_accounts(connection, stage, mapped, review)
    else:
        _keep_rows(connection, stage, mapped, review)
    filled = set(stage.columns.position) | set(mapped.constants)
    if mapped.renewals:
        filled.add("renewal_date")
    source = report.connected(connection, stage, review.as_of, mapped.exported_on, filled)
    left_out = report.left_out(connection, stage)
    if stage.table.name not in _REFERRED_TO:
        _drop_temporary(connection, stage.table.name)
    return _Read(source, left_out)


def _read_stage(
    connection: duckdb.DuckDBPyConnection, place: Place, table: Table, name: str, mapped: TableMapping, review: _Review
) -> Stage:
    raw = read_raw(place, connection, name, f"raw_{table.name}")
    columns = match_columns(table, raw.header, mapped, raw.location)
    styles, notices = column_styles(connection, table, columns, raw, mapped)
    keep = "true"
    days = review.lookback_days.get(table.name)
    if table.dated and days is not None:
        keep = f"(v_{table.dated} IS NULL OR date_diff('day', v_{table.dated}, DATE '{review.as_of}') <= {int(days)})"
    rules = limits(table.name, dict(mapped.units))
    stage = read_stage(connection, table, raw, columns, mapped, styles, keep, rules)
    stage.notices += notices
    return stage


def _keep_accounts(connection: duckdb.DuckDBPyConnection, stage: Stage, mapped: TableMapping, review: _Review) -> None:
    refuse_repeated_accounts(connection, stage)
    judge(connection, stage, row_rules(stage.table, review.as_of))
    _refuse_no_accounts(connection, stage)
    _forget_unknown_parents(connection, stage)
    stage.notices += case_twins(connection, stage)
    _store_money(connection, stage, mapped, review, "")
    row = connection.execute("SELECT count(*) FROM accounts WHERE renewal_date IS NULL").fetchone()
    if row and row[0]:
        stage.notices.append(f"renewal_date: empty for {row[0]} accounts; they are kept with the date unknown.")


def _refuse_no_accounts(connection: duckdb.DuckDBPyConnection, stage: Stage) -> None:
    row = connection.execute(
        f"SELECT count(*), count(*) FILTER (WHERE row_no NOT IN (SELECT row_no FROM {stage.verdict})) FROM {stage.name}"
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
    reasons.append("no such account")
    kept = f"SELECT account_id FROM {stage.name} WHERE row_no NOT IN (SELECT row_no FROM {stage.verdict})"
    connection.execute(
        f"UPDATE {stage.name} SET bad_parent_account_id = {len(reasons)}"
        f" WHERE parent_account_id IS NOT NULL AND parent_account_id NOT IN ({kept})"
    )


def _keep_rows(connection: duckdb.DuckDBPyConnection, stage: Stage, mapped: TableMapping, review: _Review) -> None:
    name = stage.table.name
    if name == "people":
        judge(connection, stage, [])
        store(connection, stage, {})
        return
    joins = f"{_ACCOUNTS} LEFT JOIN stage_accounts f ON f.account_id = s.account_id"
    judge(connection, stage, row_rules(stage.table, review.as_of), joins)
    _store_money(connection, stage, mapped, review, _ACCOUNTS)


def _store_money(
    connection: duckdb.DuckDBPyConnection, stage: Stage, mapped: TableMapping, review: _Review, joins: str
) -> None:
    name = stage.table.name
    replaced = not_yet(name, review.as_of)
    minor = [column for column, unit in mapped.units.items() if unit == "minor"]
    currency = currency_of(name, review.home_currency)
    for column in minor:
        replaced[column] = in_major_units("{0}", currency)
    if name not in PRICES:
        store(connection, stage, replaced, (), joins if minor else "")
        return
    amount = PRICES[name]
    refuse_unknown_currency(connection, stage, currency, joins)
    own = replaced.get(amount, "{0}").format(f"s.{quoted(amount)}")
    home = f"CAST(CAST({own} AS DECIMAL(18,2)) * r.rate AS DECIMAL(18,2))"
    replaced["currency"] = currency
    store(connection, stage, replaced, (home,), f"{joins} LEFT JOIN rates r ON r.code = {currency}")
    note_dollar_signs(connection, stage)


def _drop_temporary(connection: duckdb.DuckDBPyConnection, table: str = "") -> None:
    """Leave nothing in the connection but the eleven tables (and, with ``table``, what else is still needed)."""
    rows = connection.execute("SELECT table_name FROM duckdb_tables() WHERE temporary ORDER BY 1").fetchall()
    for (name,) in rows:
        if not table or (table in name and name != "rates"):
            connection.execute(f"DROP TABLE {quoted(name)}")


def _fingerprint(place: Place) -> str:
    lines = "".join(f"{name}\0{digest}\n" for name, digest in sorted(place.digests.items()))
    return hashlib.sha256(lines.encode()).hexdigest()
