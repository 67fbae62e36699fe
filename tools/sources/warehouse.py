"""The team's own database or cluster: the signals are measured there, and one row an account comes back.

Every input table becomes a common table expression of one statement, so that reading rights are enough. What else
leaves the server: our own people, the outcomes (what a calibration learns from), the few texts in which a phrase was
found, and, when they are known, the rows of the accounts under review.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb

from domain.configuration import CATEGORIES
from domain.data_audit import FUTURE_DATED, DataAudit, LeftOutRows, SourceAudit
from domain.errors import DataError
from domain.tables import TABLES, Column, Table
from tools.engine import StepWatcher
from tools.signals import (
    CONTEXT_COLUMNS,
    INTENTS,
    OBSERVED_ON,
    TEXT_COLUMNS,
    category_signals_sql,
    usage_by_account_sql,
)
from tools.sources import table_audit, words
from tools.sources.column_matching import match_columns
from tools.sources.currencies import CurrencyRates
from tools.sources.dialects import MATCH_PLACEHOLDER, translate_sql
from tools.sources.fast_path import TextFilter
from tools.sources.format_inference import type_fits
from tools.sources.mapping import FILE_NAME, TableMapping, read_mapping
from tools.sources.parse import SQL_TYPES, clean_text
from tools.sources.raw_tables import sql_identifier, sql_string
from tools.sources.servers import DatabaseServer, open_server, url_parameter
from tools.sources.source_location import SourceLocation, find_table
from tools.sources.staging_table import AMOUNT_COLUMNS
from tools.sources.validation_rules import first_day_read, hide_future, value_limits

_JOIN_ACCOUNT = (
    " left join accounts known on known.account_id = c.v_account_id"
    " left join (select distinct account_id as every_id from accounts__judged) every_one"
    " on every_one.every_id = c.v_account_id"
)
"""A row's account: among those kept, and among all that the accounts table names."""

_EMPTY = "empty, and it is required"
_NO_SUCH_ACCOUNT = "no such account"
_LEFT_OUT = "its account was left out"


@dataclass(frozen=True)
class _ServerTable:
    """One of our tables at the server; ``name`` is None where it has none."""

    table: Table
    name: str | None
    cells: Mapping[str, str]
    """By column: the value, in the embedded engine's dialect."""
    unreadable: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """By column: when the source holds something that is no value of ours (over the source), and the reason to tell."""
    ignored: tuple[str, ...] = ()
    exported_on: date | None = None
    columns: tuple[str, ...] = ()


@dataclass
class Warehouse:
    """A server with our tables in it, and every statement that was sent to it."""

    server: DatabaseServer
    as_of: date
    money: CurrencyRates
    lookback_days: Mapping[str, int]
    sources: dict[str, _ServerTable]
    sent: list[tuple[str, str]] = field(default_factory=list)
    """What each statement was for, and its text."""

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
        self.sent.append((what, text))
        self.server.fetch(text, connection, name, columns)

    # the tables as common table expressions --------------------------------------------------------------------------

    def since(self, table: Table) -> date | None:
        """The first day that is read of a table."""
        return first_day_read(table, self.as_of, self.lookback_days)

    def with_clause(self, names: Sequence[str]) -> str:
        """``with …``: accounts and the named tables, each holding the rows and cells that can be used."""
        ordered = ["accounts", *(name for name in names if name != "accounts")]
        return "with " + ",\n".join(
            f"{name}__judged as ({self._checked_rows(name)}),\n{name} as ({self._kept(name)})" for name in ordered
        )

    def _checked_rows(self, name: str) -> str:
        """Every row of the look-back with its problem (0 is none) and the flags of cells that cannot be used."""
        source = self.sources[name]
        table = source.table
        if source.name is None:
            nothing = ", ".join(f"cast(null as {SQL_TYPES[c.kind]}) as {c.name}" for c in table.columns)
            home = f", cast(null as decimal(18, 2)) as {AMOUNT_COLUMNS[name]}_home" if name in AMOUNT_COLUMNS else ""
            return f"select {nothing}{home}, 0 as problem, 1 as place from (select 1 as one) nothing where one = 0"
        cells_of = [f"{source.cells[name]} as v_{name}" for name in table.names]
        cells_of += [f"case when {test} then 1 else 0 end as u_{name}" for name, (test, _) in source.unreadable.items()]
        values = ", ".join(cells_of)
        since = self.since(table)
        bound = f" where v_{table.date_column} is null or v_{table.date_column} >= date '{since}'" if since else ""
        cells = f"select * from (select {values} from {self.server.quoted(source.name)} origin) given{bound}"
        of_account = "account_id" in table.names and name not in ("accounts", "usage")
        join = _JOIN_ACCOUNT if of_account else ""
        own = {"currency": self._currency(name)} if name in AMOUNT_COLUMNS else {}
        columns = [f"{own.get(each, f'c.v_{each}')} as {each}" for each in table.names]
        columns += [
            f"{_first_problem(tests)} as bad_{column}" for column, tests in self._optional_tests(source).items()
        ]
        columns.append(f"{_first_problem([(test, why) for _, test, why in self._problems(source)])} as problem")
        if name in AMOUNT_COLUMNS:
            home = self.money.home_amount(f"c.v_{AMOUNT_COLUMNS[name]}", self._currency(name))
            columns.append(f"{home} as {AMOUNT_COLUMNS[name]}_home")
        place = "1"
        if table.key and name != "accounts":
            order = ", ".join(f"c.v_{column.name}" for column in table.columns if column.name != table.key)
            place = f"row_number() over (partition by c.v_{table.key} order by {order})"
        return f"select {', '.join(columns)}, {place} as place from ({cells}) c{join}"

    def _currency(self, name: str) -> str:
        """The currency of a row: its own, else its account's, else ours."""
        of_account = "" if name == "accounts" else "upper(known.currency), "
        return f"coalesce(upper(c.v_currency), {of_account}{sql_string(self.money.home)})"

    def _problems(self, source: _ServerTable) -> list[tuple[str, str, str]]:
        """Column, condition and reason for leaving out a row; the first that holds counts."""
        table, found = source.table, []
        tests = self._tests(source)
        for column in table.columns:
            if not column.required or column.name == "renewal_date":
                continue
            found += [(column.name, test, why) for test, why in tests.get(column.name, ())]
            found.append((column.name, f"c.v_{column.name} is null", _EMPTY))
        if table.date_column:
            found.append((table.date_column, f"c.v_{table.date_column} > date '{self.as_of}'", FUTURE_DATED))
        if "account_id" in table.names and table.name not in ("accounts", "usage"):
            found.append(("account_id", "every_one.every_id is null", _NO_SUCH_ACCOUNT))
            found.append(("account_id", "known.account_id is null", _LEFT_OUT))
        return found

    def _tests(self, source: _ServerTable) -> dict[str, list[tuple[str, str]]]:
        """Per column when its cell cannot be used, and why; the first that holds counts."""
        found: dict[str, list[tuple[str, str]]] = {}
        for name, (_, why) in source.unreadable.items():
            found.setdefault(name, []).append((f"c.u_{name} = 1", why))
        for name, rules in value_limits(source.table.name, {}).items():
            if name in source.columns:
                found.setdefault(name, []).extend((test.replace("v_", "c.v_"), why) for test, why in rules)
        return found

    def _optional_tests(self, source: _ServerTable) -> dict[str, list[tuple[str, str]]]:
        """The same for the columns that a row can do without."""
        return {name: tests for name, tests in self._tests(source).items() if name not in source.table.required}

    def _kept(self, name: str) -> str:
        source = self.sources[name]
        hidden = hide_future(name, self.as_of)
        flagged = self._optional_tests(source)
        cells = []
        for column in source.table.columns:
            cell = f"s.{column.name}"
            cell = f"case when s.bad_{column.name} = 0 then {cell} end" if column.name in flagged else cell
            cells.append(f"{hidden.get(column.name, '{0}').format(cell).replace(chr(34), '')} as {column.name}")
        if name in AMOUNT_COLUMNS:
            cells.append(f"s.{AMOUNT_COLUMNS[name]}_home as {AMOUNT_COLUMNS[name]}_home")
        return f"select {', '.join(cells)} from {name}__judged s where s.problem = 0 and s.place = 1"

    # what is asked ---------------------------------------------------------------------------------------------------

    def audit(self, connection: duckdb.DuckDBPyConnection, name: str) -> tuple[SourceAudit, tuple[LeftOutRows, ...]]:
        """What there is of a table and what of it cannot be used. Raises DataError for an amount that has no rate."""
        source = self.sources[name]
        if source.name is None:
            return table_audit.absent_audit(source.table), ()
        problems = self._problems(source)
        flags = [
            (column, number, why)
            for column, tests in self._optional_tests(source).items()
            for number, (_, why) in enumerate(tests, 1)
        ]
        counts = ["sum(case when s.problem = 0 and s.place = 1 then 1 else 0 end) as kept"]
        counts.append("sum(case when s.problem = 0 and s.place > 1 then 1 else 0 end) as repeated")
        for number in range(1, len(problems) + 1):
            counts.append(f"sum(case when s.problem = {number} then 1 else 0 end) as problem_{number}")
        for column, number, _ in flags:
            bad = f"s.problem = 0 and s.bad_{column} = {number}"
            counts.append(f"sum(case when {bad} then 1 else 0 end) as bad_{column}_{number}")
        good = "s.problem = 0 and s.place = 1"
        for day in source.table.freshness_columns:
            seen = f"case when {good} and s.{day} <= date '{self.as_of}' then s.{day} end"
            counts += [f"min({seen}) as first_{day}", f"max({seen}) as last_{day}"]
        if name in AMOUNT_COLUMNS:
            amount = AMOUNT_COLUMNS[name]
            counts.append(
                f"sum(case when {good} and s.{amount} is not null and s.{amount}_home is null then 1 else 0 end) as rateless"
            )
        joins = ""
        if name == "usage":  # its rows are joined to accounts only here: the signals join what is one row an account
            joins = _JOIN_ACCOUNT.replace("c.v_account_id", "s.account_id")
            counts.append(f"sum(case when {good} and every_one.every_id is null then 1 else 0 end) as strangers")
            gone = "every_one.every_id is not null and known.account_id is null"
            counts.append(f"sum(case when {good} and {gone} then 1 else 0 end) as of_left_out")
        columns = [
            (count.rsplit(" as ", 1)[1], "DATE" if count.startswith(("min(", "max(")) else "BIGINT") for count in counts
        ]
        sql = f"{self.with_clause([name])} select {', '.join(counts)} from {name}__judged s{joins}"
        self.fetch(f"counting {name}", sql, connection, "warehouse_counts", columns)
        row = connection.execute("select * from warehouse_counts").fetchone() or ()
        found = dict(zip([column for column, _ in columns], row, strict=True))
        return self._build_audit(source, found, problems, flags)

    def _build_audit(
        self,
        source: _ServerTable,
        found: Mapping[str, Any],
        problems: Sequence[tuple[str, str, str]],
        flags: Sequence[tuple[str, int, str]],
    ) -> tuple[SourceAudit, tuple[LeftOutRows, ...]]:
        table, name = source.table, source.table.name
        if found.get("rateless"):
            raise DataError(
                f"{source.name}: {found['rateless']} rows are in a currency without a rate. Add it to"
                " configs/scoring.yaml: money.rates (home-currency units for 1 unit)."
            )
        reasons = [(column, reason, found[f"problem_{n}"] or 0) for n, (column, _, reason) in enumerate(problems, 1)]
        if name == "usage":
            reasons.append(("account_id", _NO_SUCH_ACCOUNT, found["strangers"] or 0))
            reasons.append(("account_id", _LEFT_OUT, found["of_left_out"] or 0))
        if table.key:
            reasons.append(
                (table.key, f"this {table.key} is there already; the first row is kept", found["repeated"] or 0)
            )
        gone = sum(count for _, _, count in reasons)
        reasons += [
            (column, table_audit.UNKNOWN_PREFIX + why, found[f"bad_{column}_{n}"] or 0) for column, n, why in flags
        ]
        left_out = tuple(self._entry(name, column, reason, count) for column, reason, count in reasons if count)
        days = [found[f"{end}_{day}"] for day in table.freshness_columns for end in ("first", "last")]
        known = [day for day in days if day is not None]
        last = max(known, default=None)
        exported = source.exported_on
        return (
            SourceAudit(
                table=name,
                connected=True,
                location=str(source.name),
                rows=int((found["kept"] or 0) - (found.get("strangers") or 0) - (found.get("of_left_out") or 0)),
                rows_left_out=int(gone),
                first_date=min(known, default=None),
                last_date=last,
                seen_until=min(exported, self.as_of) if exported else last,
                columns=source.columns,
                columns_absent=tuple(c.name for c in table.columns if not c.required and c.name not in source.columns),
                columns_ignored=source.ignored,
            ),
            left_out,
        )

    def measure(
        self, connection: duckdb.DuckDBPyConnection, seen: Mapping[str, date | None], windows: Mapping[str, int]
    ) -> list[LeftOutRows]:
        """Bring one row an account: the table ``accounts``, and ``warehouse_signals`` with what the files measure.

        Returns what of the accounts turned out to be unknown only when all of them were there.
        """
        parts = [self.with_clause([name for name in TABLES if name not in ("people", "accounts")])]
        parts.append(f"usage_by_account as ({usage_by_account_sql(self.as_of)})")
        parts += [f"{c}_signals as ({category_signals_sql(c, self.as_of, seen, windows)})" for c in CATEGORIES]
        accounts = TABLES["accounts"]
        days = sorted(set(OBSERVED_ON.values()))
        measured = [name for name in (*OBSERVED_ON, *CONTEXT_COLUMNS) if name not in INTENTS]
        chosen = [f"a.{name}" for name in (*accounts.names, "arr_home")]
        chosen += [f"cast({name} as double) as {name}" for name in measured] + days
        columns = [(column.name, SQL_TYPES[column.kind]) for column in accounts.columns] + [
            ("arr_home", "DECIMAL(18,2)")
        ]
        columns += [(name, "DOUBLE") for name in measured] + [(name, "DATE") for name in days]
        joins = " ".join(f"join {c}_signals on {c}_signals.account_id = a.account_id" for c in CATEGORIES)
        sql = ",\n".join(parts) + f"\nselect {', '.join(chosen)} from accounts a {joins}"
        self.fetch("measuring", sql, connection, "warehouse_rows", columns)
        _refuse_bad_accounts(connection, str(self.sources["accounts"].name))
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
        strange = "parent_account_id is not null and parent_account_id not in (select account_id from accounts)"
        ((count,),) = connection.execute(f"select count(*) from accounts where {strange}").fetchall()
        if not count:
            return []
        connection.execute(f"update accounts set parent_account_id = null where {strange}")
        return [self._entry("accounts", "parent_account_id", table_audit.UNKNOWN_PREFIX + _NO_SUCH_ACCOUNT, count)]

    def _entry(self, name: str, column: str, reason: str, count: int) -> LeftOutRows:
        examples = (f"{self.sources[name].name}: {count} rows",)
        return LeftOutRows(table=name, column=column, reason=reason, rows=count, examples=examples)

    def texts(self, connection: duckdb.DuckDBPyConnection, wanted: TextFilter) -> None:
        """Put the texts in which a phrase was found, and no others, into the tables of texts."""
        first = self.as_of - timedelta(days=wanted.window_days)
        there = [name for name in TEXT_COLUMNS if self.sources[name].name]
        if not there:
            return
        every = []
        for name in there:
            day, names, whole = TEXT_COLUMNS[name]
            line = whole.format(**{column: column for column in names})
            every.append(f"select account_id, {day} as on_day, '{name}' as source, {line} as line from {name}")
        sql = (
            f"{self.with_clause(there)} select account_id, on_day, source, line from ({' union all '.join(every)}) texts"
            f" where on_day >= date '{first}' and on_day <= date '{self.as_of}' and {MATCH_PLACEHOLDER}"
        )
        columns = [("account_id", "VARCHAR"), ("on_day", "DATE"), ("source", "VARCHAR"), ("line", "VARCHAR")]
        self.fetch("finding phrases", sql, connection, "warehouse_texts", columns, wanted.pattern)
        place = "row_number() over (partition by source, account_id order by on_day, line)"
        for name in there:
            day, names, _ = TEXT_COLUMNS[name]
            connection.execute(
                f"insert into {name} (account_id, {day}, {names[-1]}, row_no) select account_id, on_day,"
                f" {clean_text('line')}, {place} from warehouse_texts where source = '{name}' order by account_id"
            )
        connection.execute("drop table warehouse_texts")

    def fetch_rows(
        self, connection: duckdb.DuckDBPyConnection, name: str, accounts: Sequence[str] | None, into: str
    ) -> None:
        """Bring the rows of some accounts (of all without ``accounts``) with every column, in an order of their own."""
        table = TABLES[name]
        columns = [(column.name, SQL_TYPES[column.kind]) for column in table.columns]
        columns += [(f"{AMOUNT_COLUMNS[name]}_home", "DECIMAL(18,2)")] if name in AMOUNT_COLUMNS else []
        chosen = ", ".join(f"t.{column}" for column, _ in columns)
        ids = ", ".join(sql_string(account) for account in accounts or ())
        only = f" where t.account_id in ({ids})" if accounts is not None else ""
        sql = f"{self.with_clause([name])} select {chosen} from {name} t{only}"
        self.fetch(f"bringing {name}", sql, connection, "warehouse_answer", columns)
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
        """SHA-256 over the one row an account that came back."""
        digest = hashlib.sha256()
        for name in ("accounts", "warehouse_signals"):
            row = connection.execute(f"select count(*), bit_xor(hash(t)) from {name} t").fetchone()
            digest.update(repr(row).encode())
        return digest.hexdigest()


def open_warehouse(location: str, as_of: date, money: CurrencyRates, lookback_days: Mapping[str, int]) -> Warehouse:
    """Connect and find our tables. Raises DataError, ConfigurationError or InputError."""
    server = open_server(location)
    try:
        given = url_parameter(location, "mapping")
        mapping_path = Path(given) if given else Path("no mapping")
        if given and not mapping_path.exists():
            raise DataError(f"mapping={given}: there is no such file")
        mapping = read_mapping(mapping_path)
        tables = server.tables()
        place = SourceLocation(Path(location.partition(":")[0]), list(tables), True, Path(), {})
        sources = {}
        for name, table in TABLES.items():
            mapped = mapping.table(name)
            found = find_table(place, name, mapped.source)
            sources[name] = _match_table(table, found, tables.get(found or "", []), mapped)
        return Warehouse(server, as_of, money, lookback_days, sources)
    except BaseException:
        server.close()
        raise


def _match_table(table: Table, name: str | None, columns: list[tuple[str, str]], mapped: TableMapping) -> _ServerTable:
    if name is None:
        return _ServerTable(table, None, {column.name: _null_cell(column) for column in table.columns})
    if mapped.units or mapped.renewals:
        what = "units" if mapped.units else "renewals"
        raise DataError(
            f"{FILE_NAME}: tables.{table.name}.{what}: not on a database; make a view that holds them ready"
        )
    header = [column for column, _ in columns]
    matched = match_columns(table, header, mapped, name)
    cells, unread, filled = {}, {}, []
    for column in table.columns:
        if column.name in mapped.constants:
            cells[column.name] = f"cast({sql_string(mapped.constants[column.name])} as {SQL_TYPES[column.kind]})"
        elif (index := matched.position.get(column.name)) is None:
            cells[column.name] = _null_cell(column)
            continue
        else:
            theirs, kind = columns[index]
            if not type_fits(column.kind, kind, None):
                raise DataError(
                    f"{name}.{theirs} is {kind.strip('()').lower()}, and {table.name}.{column.name} is a {column.kind}: make a view"
                    f" that casts it, and name the view in {FILE_NAME} (tables.{table.name}.from)"
                )
            cell = _cell(table, column, sql_identifier(theirs), kind, mapped.values.get(column.name, {}))
            cells[column.name] = cell
            if why := _loss_reason(column, kind):
                written = _trimmed_text(sql_identifier(theirs)) if column.kind == "choice" else sql_identifier(theirs)
                unread[column.name] = (f"{written} is not null and {cell} is null", why)
        filled.append(column.name)
    return _ServerTable(table, name, cells, unread, matched.ignored, mapped.exported_on, tuple(filled))


def _null_cell(column: Column) -> str:
    return f"cast(null as {SQL_TYPES[column.kind]})"


def _cell(table: Table, column: Column, cell: str, kind: str, values: Mapping[str, str]) -> str:
    """The value of a cell, in what all engines share."""
    text = _trimmed_text(cell)
    if values:
        whens = " ".join(
            f"when {sql_string(theirs.strip().lower())} then {sql_string(ours)}" for theirs, ours in values.items()
        )
        text = f"case lower({text}) {whens} else {text} end"
    if column.kind in ("id", "text"):
        return text
    if column.kind == "choice":
        known = {**words.SYNONYMS.get((table.name, column.name), {}), **{choice: choice for choice in column.choices}}
        whens = " ".join(f"when {sql_string(theirs)} then {sql_string(ours)}" for theirs, ours in known.items())
        return f"case replace(replace(lower({text}), ' ', '_'), '-', '_') {whens} end"
    if column.kind == "date" and kind.startswith("TIMESTAMP"):
        return f"cast({cell} as date)"
    if column.kind == "number" and kind in ("FLOAT", "DOUBLE"):
        return f"case when {cell} >= -1e300 and {cell} <= 1e300 then cast({cell} as double) end"
    return f"cast({cell} as {SQL_TYPES[column.kind]})"


def _trimmed_text(cell: str) -> str:
    return f"nullif(trim(cast({cell} as varchar)), '')"


def _loss_reason(column: Column, kind: str) -> str | None:
    """Why reading a cell of this type can lose what stands in it; None where it cannot."""
    if column.kind == "choice":
        return f"not one of {', '.join(column.choices)} (translate it under values in mapping.yaml)"
    return "not a number" if column.kind == "number" and kind in ("FLOAT", "DOUBLE") else None


def _first_problem(tests: Sequence[tuple[str, str]]) -> str:
    """The number of the first test that holds, from 1; 0 where none does."""
    whens = " ".join(f"when {test} then {number}" for number, (test, _) in enumerate(tests, 1))
    return f"case {whens} else 0 end" if whens else "0"


def _clean_cell(column: Column) -> str:
    """The cell as it is kept in the embedded engine: texts without control characters."""
    return f"{clean_text(column.name)} as {column.name}" if column.kind == "text" else column.name


def _refuse_bad_accounts(connection: duckdb.DuckDBPyConnection, location: str) -> None:
    row = connection.execute(
        "select account_id from warehouse_rows group by account_id having count(*) > 1 order by 1 limit 1"
    ).fetchone()
    if row is not None:
        raise DataError(
            f"{location}: the account id {row[0]} is there twice. Which one is right is not ours to guess: remove one of"
            " the rows and run again."
        )
    if connection.execute("select count(*) from warehouse_rows").fetchone() == (0,):
        raise DataError(f"{location}: there are no accounts to review.")


def read_warehouse(
    location: str,
    connection: duckdb.DuckDBPyConnection,
    as_of: date,
    money: CurrencyRates,
    lookback_days: Mapping[str, int],
    texts: TextFilter | None,
    windows: Mapping[str, int],
    watch: StepWatcher,
) -> tuple[Warehouse, DataAudit]:
    """Measure at the server and bring what the review needs. Raises DataError, ConfigurationError or InputError."""
    with watch("looking for the tables", connection):
        warehouse = open_warehouse(location, as_of, money, lookback_days)
    audits: dict[str, SourceAudit] = {}
    left_out: list[LeftOutRows] = []
    for name in TABLES:
        with watch(f"counting {name}", connection):
            audits[name], gone = warehouse.audit(connection, name)
            left_out += gone
    with watch("measuring at the server", connection):
        seen = {
            "tickets_seen": audits["tickets"].seen_until,
            "touchpoints_seen": audits["touchpoints"].seen_until,
            "touchpoints_from": audits["touchpoints"].first_date,
            "invoices_seen": audits["invoices"].seen_until,
        }
        left_out += warehouse.measure(connection, seen, windows)
    with watch("finding phrases at the server", connection):
        if texts is not None:
            warehouse.texts(connection, texts)
        warehouse.fetch_rows(connection, "people", None, "people")
        warehouse.fetch_rows(connection, "outcomes", None, "outcomes")
    fingerprint = warehouse.fingerprint(connection)
    return warehouse, DataAudit(
        sources=tuple(audits[name] for name in TABLES), left_out=tuple(left_out), fingerprint=fingerprint
    )
