"""The fast path, for a source with types of its own: one pass, only the columns that the signals read, no copy as text.

It is right only for a table in which every cell can be used and every row belongs to an account. That is checked after
reading, once for all tables. A table with a fault is read again on the validated path, which names each row and reason.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import duckdb

from domain.tables import Column, Table
from tools.signals import FEW_TEXTS, TEXT_COLUMNS, match_sql, single_line_sql
from tools.signals.plain_text import plain_text_query
from tools.signals.sql_columns import columns_read
from tools.sources.currencies import CurrencyRates
from tools.sources.parse import LONG_TEXT_COLUMNS, SQL_TYPES, clean_long_text, clean_text
from tools.sources.read_request import TextFilter
from tools.sources.staging_table import (
    AMOUNT_COLUMNS,
    ReadPlan,
    StagingTable,
    layered_query,
    required_problem,
    row_hash,
    table_expressions,
)
from tools.sources.validation_rules import hide_future
from tools.sql import sql_date, sql_identifier, sql_string


def allows_fast_path(staging: StagingTable) -> bool:
    """True where every column has a type that fits, and mapping.yaml translates nothing of the table."""
    mapped = staging.mapped
    translated = mapped.constants or mapped.values or mapped.units or mapped.renewals or mapped.fallbacks
    if mapped.no_row == "zero":
        return False
    return not translated and all(staging.formats[name].typed for name in staging.columns.position)


def fast_path_sql(
    staging: StagingTable,
    plan: ReadPlan,
    as_of: date,
    rates: CurrencyRates,
    texts: TextFilter | None,
    wanted: Sequence[str],
    more: str = "",
) -> str:
    """The query of the typed table, with ``has_problem`` for each row: true where a cell cannot be used.

    ``more`` is a further column of the source, after a comma, with its name at the end.
    """
    table = staging.table
    expressions = table_expressions(staging, wanted, fast_path=True)
    # With few texts a search for all phrases costs more to prepare than it saves: then every text is kept.
    many = staging.raw_table.rows == 0 or staging.raw_table.rows > FEW_TEXTS
    is_searched = texts is not None and many and table.name in TEXT_COLUMNS
    search = _text_search(table, expressions, texts, as_of) if texts and is_searched else None
    found = search.cells if search else {}
    cells, faults = [], []
    for column in table.columns:
        if column.name not in wanted:
            continue
        value = found.get(column.name, _cell_value(column, expressions))
        cells.append(f"CAST({value} AS {SQL_TYPES[column.kind]}) AS {sql_identifier(column.name)}")
        if column.name in expressions:
            problems = [
                *required_problem(column),
                *expressions[column.name].problems,
                *plan.limits.get(column.name, ()),
            ]
            faults += [condition for condition, _ in problems]
    if table.date_column:
        faults.append(f"v_{table.date_column} > {sql_date(as_of)}")
    flag = f"coalesce({' OR '.join(f'({condition})' for condition in faults)}, false) AS has_problem"
    # coalesce: a condition over an empty cell is NULL, which is no problem.
    source = f"SELECT * FROM ({layered_query(staging.raw_table, expressions, more)}) WHERE {plan.keep}"
    searched = search.query(source) if search else source
    added = f", {more.split()[-1]}" if more else ""
    inner = f"SELECT row_no, {', '.join(cells)}, {flag}{added} FROM ({searched})"
    final = ", ".join(_final_cells(table, as_of, rates, wanted, expressions))
    return f"SELECT {final}, s.row_no, s.has_problem{added} FROM ({inner}) s"


def _final_cells(
    table: Table, as_of: date, rates: CurrencyRates, wanted: Sequence[str], columns: Collection[str]
) -> list[str]:
    """The cells over ``s``: without what happened after the review day, amounts also in the home currency."""
    replaced = hide_future(table.name, as_of, columns)
    own = f"coalesce(s.currency, {sql_string(rates.home)})" if table.name == "accounts" else "s.currency"
    currency = f"upper({own})"  # an invoice without one needs its account: that is for the validated path
    if table.name in AMOUNT_COLUMNS:
        replaced["currency"] = currency
    cells = [
        f"{replaced.get(name, '{0}').format(f's.{sql_identifier(name)}')} AS {sql_identifier(name)}"
        for name in table.names
        if name in wanted
    ]
    if table.name in AMOUNT_COLUMNS:
        cells.append(
            f"{rates.home_amount(f's.{AMOUNT_COLUMNS[table.name]}', currency)} AS {AMOUNT_COLUMNS[table.name]}_home"
        )
    return cells


def _cell_value(column: Column, expressions: Mapping[str, object]) -> str:
    if column.name not in expressions:
        return "NULL"
    return clean_text(f"v_{column.name}") if column.name in LONG_TEXT_COLUMNS else f"v_{column.name}"


@dataclass(frozen=True)
class _TextSearch:
    """The search in the texts of a table: the ``clean`` columns, the one ``text`` made of them, and the ``cells`` it yields."""

    clean: str
    text: str
    pattern: str
    cells: dict[str, str]

    def query(self, source: str) -> str:
        """The rows of ``source`` with the clean columns and with ``has_phrase``."""
        shown = plain_text_query(f"SELECT *, {self.clean} FROM ({source})", self.text)
        line = f"SELECT *, {single_line_sql('shown')} AS line FROM ({shown})"
        return f"SELECT *, {match_sql('line', self.pattern)} AS has_phrase FROM ({line})"


def _text_search(table: Table, expressions: Mapping[str, object], texts: TextFilter, as_of: date) -> _TextSearch | None:
    """Keep a text only where a phrase is found in it, else an empty one: it says that somebody wrote.

    Texts from before the window are not searched; cleaning and searching them is most of the time of a large read.
    None where the source has no column with texts.
    """
    day, names, whole = TEXT_COLUMNS[table.name]
    there = [name for name in names if name in expressions]
    if not there:
        return None
    first = as_of - timedelta(days=texts.window_days)
    recent = f"v_{day} BETWEEN {sql_date(first)} AND {sql_date(as_of)}"
    clean = ", ".join(f"CASE WHEN {recent} THEN {clean_long_text(f'v_{name}')} END AS l_{name}" for name in there)
    line = whole.format(**{name: f"l_{name}" if name in there else "NULL" for name in names})
    cells = {name: f"CASE WHEN has_phrase THEN l_{name} WHEN v_{name} IS NOT NULL THEN '' END" for name in there}
    return _TextSearch(clean, line, texts.pattern, cells)


def read_fast_path(
    connection: duckdb.DuckDBPyConnection,
    staging: StagingTable,
    plan: ReadPlan,
    as_of: date,
    rates: CurrencyRates,
    texts: TextFilter | None,
) -> None:
    """Create the typed table from the columns that the signals read, in the order of the source."""
    name = staging.table.name
    hashed = "" if staging.table.key else f", {row_hash(staging.raw_table)} AS row_hash"
    staging.sql = fast_path_sql(staging, plan, as_of, rates, texts, sorted(columns_read(staging.table)), hashed)
    connection.execute(f"DROP TABLE {sql_identifier(name)}")
    connection.execute(f"CREATE TABLE {sql_identifier(name)} AS {staging.sql}")
    if hashed:
        _leave_out_repeats(connection, staging)


def _leave_out_repeats(connection: duckdb.DuckDBPyConnection, staging: StagingTable) -> None:
    """Leave out all but the first of the rows that are equal in every column of the source, and keep their numbers."""
    # Equal rows have equal hashes. Among ten million different rows two have the same one in three of a million cases.
    name = sql_identifier(staging.table.name)
    repeats = _repeats_table(staging)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {repeats} AS SELECT row_no FROM {name} JOIN (SELECT row_hash, min(row_no) AS first"
        f" FROM {name} GROUP BY row_hash HAVING count(*) > 1) USING (row_hash) WHERE row_no > first"
    )
    count, rows = connection.execute(f"SELECT count(*), min(row_no, 5) FROM {repeats}").fetchone() or (0, ())
    if count:
        connection.execute(f"DELETE FROM {name} WHERE row_no IN (FROM {repeats})")
        staging.repeats = count, tuple(rows)
    connection.execute(f"ALTER TABLE {name} DROP COLUMN row_hash")


def _repeats_table(staging: StagingTable) -> str:
    return sql_identifier(f"repeats_{staging.table.name}")


def all_columns_sql(staging: StagingTable, plan: ReadPlan, as_of: date, rates: CurrencyRates) -> str:
    """SQL that can follow FROM and yields every column of a table that took the fast path."""
    rows = fast_path_sql(staging, plan, as_of, rates, None, staging.table.names)
    once = f" WHERE row_no NOT IN (FROM {_repeats_table(staging)})" if staging.repeats[0] else ""
    return f"(SELECT * FROM ({rows}){once})"


def tables_with_faults(connection: duckdb.DuckDBPyConnection, staging_tables: Sequence[StagingTable]) -> set[str]:
    """The names of the tables on the fast path that have to be validated row by row; all of them where accounts have to."""
    names = {staging.table.name for staging in staging_tables}
    found = {each.table.name for each in staging_tables if _is_true(connection, _fault_query(each.table))}
    if "accounts" in found:
        return names
    # Every row must belong to an account. Usage is checked as one row an account, which is a hundred times fewer rows.
    held = sorted({"usage_by_account" if name == "usage" else name for name in names - {"accounts"}})
    if held:
        ids = " UNION ALL ".join(
            f"SELECT {number} AS number, account_id FROM {name}" for number, name in enumerate(held)
        )
        rows = connection.execute(
            f"SELECT DISTINCT number FROM ({ids}) s ANTI JOIN accounts a ON a.account_id = s.account_id"
        ).fetchall()
        found |= {held[number].removesuffix("_by_account") for (number,) in rows}
    if {"touchpoints", "contacts"} <= names and _is_true(connection, _CONTACT_IDS):
        found.add("touchpoints")
    return found


_CONTACT_IDS = (
    "SELECT count(DISTINCT length(contact_id)) > 1 FROM (SELECT contact_id FROM touchpoints UNION ALL"
    " SELECT contact_id FROM contacts) WHERE length(contact_id) IN (15, 18)"
)
"""True where contacts are written with Salesforce ids of both lengths, which only the validated path matches."""


def _fault_query(table: Table) -> str:
    """A query that yields true where a row has a problem, repeats its key, or has an amount without a rate."""
    name = table.name
    if name == "usage":
        return "SELECT EXISTS (SELECT 1 FROM usage_as_read WHERE unusual > 0)"  # footers of Parquet often know without reading
    tests = ["bool_or(has_problem)"]
    if name in AMOUNT_COLUMNS:
        tests.append(f"count({AMOUNT_COLUMNS[name]}) <> count({AMOUNT_COLUMNS[name]}_home)")
    if key := table.key:
        tests.append(f"count(*) <> count(DISTINCT {key})")
    if name == "accounts":
        tests.append("count(*) = 0")
        tests.append("bool_or(length(account_id) IN (15, 18)) AND min(length(account_id)) <> max(length(account_id))")
        tests.append(
            "count(parent_account_id) > 0 AND (SELECT count(*) FROM accounts c ANTI JOIN accounts p ON"
            " p.account_id = c.parent_account_id WHERE c.parent_account_id IS NOT NULL) > 0"
        )
    return f"SELECT {' OR '.join(f'coalesce({test}, false)' for test in tests)} FROM {sql_identifier(name)}"


def _is_true(connection: duckdb.DuckDBPyConnection, query: str) -> bool:
    row = connection.execute(query).fetchone()
    return bool(row and row[0])
