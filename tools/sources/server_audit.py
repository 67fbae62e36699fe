"""The audit of one table of a server: one statement counts everything, and its one row becomes the audit records."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from domain.data_audit import (
    ACCOUNT_DELETED,
    DELETED_AT_SOURCE,
    EXACT_REPEAT,
    UNKNOWN_PREFIX,
    LeftOutRows,
    SourceAudit,
)
from domain.errors import DataError
from tools.signals.registry import needed_columns
from tools.sources.deleted_rows import ignored_mark_notices
from tools.sources.reasons import ACCOUNT_LEFT_OUT, NO_SUCH_ACCOUNT, repeated_key
from tools.sources.server_rows import ServerRows
from tools.sources.server_tables import ServerTable
from tools.sources.staging_table import AMOUNT_COLUMNS
from tools.sources.table_audit import with_right_advice
from tools.sources.usage_grain import RECENT_DAYS, RecentRows, choose_grain
from tools.sql import sql_date, sql_identifier

_Gone = tuple[str | None, str, int, str | None]
_KEPT = "s.problem = 0 and s.place = 1"


@dataclass(frozen=True)
class CountStatement:
    """A statement that yields one row of counts and days; ``columns`` are its names and types."""

    sql: str
    columns: list[tuple[str, str]]


def count_statement(rows: ServerRows, name: str) -> CountStatement:
    """Count the rows of a table by problem, and find the first and last day of those that are kept."""
    source = rows.sources[name]
    counts = {"kept": _count(_KEPT), "repeated": _count("s.problem = 0 and s.place > 1")}
    counts |= {f"problem_{number}": _count(f"s.problem = {number}") for number in _numbers(rows.problems(source))}
    for column, tests in rows.optional_tests(source).items():
        for number in _numbers(tests):
            counts[f"bad_{column}_{number}"] = _count(f"{_KEPT} and s.bad_{column} = {number}")
    days: dict[str, str] = {}
    for day in source.table.freshness_columns:
        seen = f"case when {_KEPT} and s.{day} <= {sql_date(rows.as_of)} then s.{day} end"
        days |= {f"first_{day}": f"min({seen})", f"last_{day}": f"max({seen})"}
    if name in AMOUNT_COLUMNS:
        amount = f"s.{AMOUNT_COLUMNS[name]}"
        counts["without_rate"] = _count(f"{_KEPT} and {amount} is not null and {amount}_home is null")
    # A column that no row fills; texts are not among them, so that this is a count of what is read anyway.
    needed = [column for column in needed_columns(source.table) if column in source.columns]
    counts |= {f"filled_{column}": _count(f"{_KEPT} and {_is_filled(rows, source, column)}") for column in needed}
    joins = ""
    if name == "usage":
        counts |= _grain_counts(rows)
    # Usage has a row per account and day. Joining them all to accounts is only worth it here, once: the signals join what
    # is one row an account already.
    if name == "usage":
        joins = rows.join_account("s.account_id")
        unknown = f"{_KEPT} and all_accounts.any_account_id is null"
        counts["account_deleted"] = _count(f"{unknown} and gone.gone_account_id is not null")
        counts["without_account"] = _count(f"{unknown} and gone.gone_account_id is null")
        counts["account_left_out"] = _count(
            f"{_KEPT} and all_accounts.any_account_id is not null and known.account_id is null"
        )
    for number, mark in enumerate(source.marks, 1):
        before = [f"not {earlier.condition(sql_identifier(earlier.name))}" for earlier in source.marks[: number - 1]]
        deleted = " and ".join([mark.condition(sql_identifier(mark.name)), *before])
        counts[f"deleted_{number}"] = f"(select count(*) from {rows.origin_sql(source)} o where {deleted})"
    keys = _first_keys(rows, source)
    chosen = ", ".join(f"{expression} as {column}" for column, expression in (counts | days | keys).items())
    columns = [*((column, "BIGINT") for column in counts), *((column, "DATE") for column in days)]
    columns += [(column, "VARCHAR") for column in keys]
    return CountStatement(f"{rows.with_clause([name])} select {chosen} from {name}__checked s{joins}", columns)


def _grain_counts(rows: ServerRows) -> dict[str, str]:
    """The rows of usage beyond the first of an account and day, and the ages and weekdays of the recent rows."""
    age = f"date_diff('day', s.date, {sql_date(rows.as_of)})"
    recent = f"{_KEPT} and {age} < {RECENT_DAYS}"
    repeated = (
        f"select count(*) as n from usage__checked s where {recent} group by s.account_id, s.date having count(*) > 1"
    )
    weekday = f"case when {recent} then {age} % 7 end"
    return {
        "day_repeats": f"(select sum(d.n - 1) from ({repeated}) d)",
        "newest": f"min(case when {recent} then {age} end)",
        "days": f"(select count(*) from (select distinct s.date as day from usage__checked s where {recent}) w)",
        "weekday_low": f"min({weekday})",
        "weekday_high": f"max({weekday})",
    }


def found_recent_rows(found: Mapping[str, Any]) -> RecentRows:
    """The grain of usage from its counts."""
    same = found["weekday_low"] is not None and found["weekday_low"] == found["weekday_high"]
    return RecentRows(int(found["day_repeats"] or 0), found["newest"], int(found["days"] or 0), same)


def _first_keys(rows: ServerRows, source: ServerTable) -> dict[str, str]:
    """By count of a problem: the first key (the account, in a table without one) of its rows, for a person to find."""
    key = f"s.{source.table.key or 'account_id'}"
    conditions = {f"problem_{number}": f"s.problem = {number}" for number in _numbers(rows.problems(source))}
    for column, tests in rows.optional_tests(source).items():
        for number in _numbers(tests):
            conditions[f"bad_{column}_{number}"] = f"{_KEPT} and s.bad_{column} = {number}"
    return {f"key_{name}": f"min(case when {condition} then {key} end)" for name, condition in conditions.items()}


def _is_filled(rows: ServerRows, source: ServerTable, column: str) -> str:
    if source.user and column == "active_users":  # they are counted from the users
        return "s.user_id is not null"
    doubtful = f" and s.bad_{column} = 0" if column in rows.optional_tests(source) else ""
    return f"s.{column} is not null{doubtful}"


def _count(condition: str) -> str:
    return f"sum(case when {condition} then 1 else 0 end)"


def _numbers(tests: list[Any]) -> range:
    return range(1, len(tests) + 1)


def server_audit(rows: ServerRows, name: str, found: Mapping[str, Any]) -> tuple[SourceAudit, tuple[LeftOutRows, ...]]:
    """The audit of a table from its counts. Raises DataError for an amount in a currency without a rate."""
    source = rows.sources[name]
    if found.get("without_rate"):
        raise DataError(
            f"{source.name}: {found['without_rate']} rows are in a currency without a rate. Add it to"
            " configs/scoring.yaml: money.rates (home-currency units for 1 unit)."
        )
    reasons = _row_reasons(rows, source, found)
    gone = sum(count for _, _, count, _ in reasons)
    reasons += _cell_reasons(rows, source, found)
    left_out = with_right_advice(
        [left_out_entry(source, column, reason, count, key) for column, reason, count, key in reasons if count]
    )
    return _source_audit(rows, source, found, gone), left_out


def _row_reasons(rows: ServerRows, source: ServerTable, found: Mapping[str, Any]) -> list[_Gone]:
    """Column, reason, count and first key of the rows left out, in the order in which the reasons are tested."""
    table = source.table
    reasons: list[_Gone] = [
        (mark.name, DELETED_AT_SOURCE, int(found[f"deleted_{number}"] or 0), None)
        for number, mark in enumerate(source.marks, 1)
    ]
    reasons += [
        (column, reason, int(found[f"problem_{number}"] or 0), found[f"key_problem_{number}"])
        for number, (column, _, reason) in enumerate(rows.problems(source), 1)
    ]
    if table.name == "usage":
        reasons.append(("account_id", ACCOUNT_DELETED, int(found["account_deleted"] or 0), None))
        reasons.append(("account_id", NO_SUCH_ACCOUNT, int(found["without_account"] or 0), None))
        reasons.append(("account_id", ACCOUNT_LEFT_OUT, int(found["account_left_out"] or 0), None))
    if table.key:
        reasons.append((table.key, repeated_key(table.key), int(found["repeated"] or 0), None))
    else:
        reasons.append((None, EXACT_REPEAT, int(found["repeated"] or 0), None))
    return reasons


def _cell_reasons(rows: ServerRows, source: ServerTable, found: Mapping[str, Any]) -> list[_Gone]:
    """The same for cells that are set to unknown."""
    return [
        (
            column,
            UNKNOWN_PREFIX + reason,
            int(found[f"bad_{column}_{number}"] or 0),
            found[f"key_bad_{column}_{number}"],
        )
        for column, tests in rows.optional_tests(source).items()
        for number, (_, reason) in enumerate(tests, 1)
    ]


def left_out_entry(
    source: ServerTable, column: str | None, reason: str, count: int, key: str | None = None
) -> LeftOutRows:
    """One audit record. A server's rows have no numbers, so the example is the count and the first key."""
    first = f" ({source.table.key or 'account_id'} {key}{' and others' if count > 1 else ''})" if key else ""
    examples = (f"{source.name}: {count} rows{first}",)
    return LeftOutRows(table=source.table.name, column=column, reason=reason, rows=count, examples=examples)


def _source_audit(rows: ServerRows, source: ServerTable, found: Mapping[str, Any], gone: int) -> SourceAudit:
    table, exported = source.table, source.exported_on
    ends = [found[f"{end}_{day}"] for day in table.freshness_columns for end in ("first", "last")]
    days = [day for day in ends if day is not None]
    first, last = min(days, default=None), max(days, default=None)
    notices = ignored_mark_notices(source.ignored)
    if table.name == "usage":
        grain, told = choose_grain(source.mapped, found_recent_rows(found), str(source.name), rows.as_of)
        first, last = grain.shown_days(first, last, rows.as_of)
        notices += told
    # Without an account a row of usage has no problem of its own: it is counted as kept, and taken off here.
    needed = [column for column in needed_columns(table) if column in source.columns]
    empty = tuple(column for column in needed if not found[f"filled_{column}"])
    foreign = sum(found.get(name) or 0 for name in ("account_deleted", "without_account", "account_left_out"))
    kept = int((found["kept"] or 0) - foreign)
    return SourceAudit(
        table=table.name,
        connected=True,
        location=str(source.name),
        rows=kept,
        rows_left_out=gone,
        first_date=first,
        last_date=last,
        seen_until=min(exported, rows.as_of) if exported and (kept or not gone) else last,
        columns=source.columns,
        columns_absent=tuple(
            c.name for c in table.columns if c.missed and not c.required and c.name not in source.columns
        ),
        columns_ignored=source.ignored,
        columns_empty=empty if found["kept"] else (),
        notices=tuple(notices),
    )
