"""The rows of a server's tables as common table expressions of one statement, so that reading rights are enough.

Pure SQL text. For each table ``<name>__checked`` has every row with the number of its first problem (0 is none), and
``<name>`` has the rows and cells that can be used. Both follow the rules of the validated path; the audits have to agree.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from domain.data_audit import ACCOUNT_DELETED, FUTURE_DATED
from domain.own_signals import OWN
from domain.tables import Table
from tools.sources.currencies import CurrencyRates
from tools.sources.deleted_rows import server_condition
from tools.sources.mapping import MAY_BE_UNKNOWN
from tools.sources.parse import SQL_TYPES
from tools.sources.reasons import ACCOUNT_LEFT_OUT, NO_SUCH_ACCOUNT, REQUIRED_IS_EMPTY
from tools.sources.server_tables import ServerTable
from tools.sources.staging_table import AMOUNT_COLUMNS
from tools.sources.usage_grain import UsageGrain
from tools.sources.validation_rules import first_day_read, hide_future, value_limits
from tools.sql import sql_date, sql_identifier, sql_string

_JOIN_ACCOUNT = (
    " left join accounts known on known.account_id = {id}"
    " left join (select distinct account_id as any_account_id from accounts__checked) all_accounts"
    " on all_accounts.any_account_id = {id}"
    " left join ({gone}) gone on gone.gone_account_id = {id}"
)


_UNKNOWN = "all_accounts.any_account_id is null"


@dataclass(frozen=True)
class ServerRows:
    """The usable rows of every table on ``as_of``. ``table_sql`` gives a table's name as SQL of the server."""

    as_of: date
    rates: CurrencyRates
    lookback_days: Mapping[str, int]
    sources: Mapping[str, ServerTable]
    table_sql: Callable[[str], str]
    usage_grain: UsageGrain = field(default_factory=UsageGrain)
    usage_may_repeat: bool = False
    """True where several rows of a day were found in usage, so that some may be equal in all columns."""

    def since(self, table: Table) -> date | None:
        """The first day that is read of a table."""
        return first_day_read(table, self.as_of, self.lookback_days)

    def join_account(self, account: str) -> str:
        """Join a row's account: among those kept (``known``), all that the accounts table names (``all_accounts``), and
        those that are deleted there (``gone``)."""
        source = self.sources["accounts"]
        if source.name is None or not source.marks:
            gone = "select cast(null as varchar) as gone_account_id from (select 1 as one) nothing where one = 0"
        else:
            origin, deleted = self.table_sql(source.name), server_condition(source.marks)
            gone = (
                f"select distinct {source.cells['account_id']} as gone_account_id from {origin} origin where {deleted}"
            )
        return _JOIN_ACCOUNT.format(id=account, gone=gone)

    def with_clause(self, names: Sequence[str]) -> str:
        """``with …``: accounts and the named tables, each holding the rows and cells that can be used."""
        ordered = ["accounts", *(name for name in names if name != "accounts")]
        # An own table may stand in a table of the server that another one is read from. Its rows are taken first: further
        # on, the name of that table means the usable rows of the other one.
        own = [self.sources[name] for name in ordered if name.startswith(OWN)]
        origins = [
            f"{self.origin_sql(each)} as (select * from {self.table_sql(each.name)})" for each in own if each.name
        ]
        checked = [
            f"{name}__checked as ({self._checked_rows(name)}),\n{name} as ({self._usable_rows(name)})"
            for name in ordered
        ]
        return "with " + ",\n".join([*origins, *checked])

    def origin_sql(self, source: ServerTable) -> str:
        """SQL that can follow FROM and yields the rows of the server's table as they are."""
        name = source.table.name
        return f"{name}__origin" if name.startswith(OWN) else self.table_sql(str(source.name))

    def _checked_rows(self, name: str) -> str:
        """Every row of the look-back with its problem (0 is none) and the flags of cells that cannot be used."""
        source = self.sources[name]
        table = source.table
        if source.name is None:
            return _no_rows(table)
        own = {"currency": self._currency(name)} if name in AMOUNT_COLUMNS else {}
        columns = [f"{own.get(column, f'c.v_{column}')} as {column}" for column in table.names]
        columns += [f"{_first_problem(tests)} as bad_{column}" for column, tests in self.optional_tests(source).items()]
        columns.append(f"{_first_problem([(test, why) for _, test, why in self.problems(source)])} as problem")
        if name in AMOUNT_COLUMNS:
            home = self.rates.home_amount(f"c.v_{AMOUNT_COLUMNS[name]}", self._currency(name))
            columns.append(f"{home} as {AMOUNT_COLUMNS[name]}_home")
        if source.user:
            columns.append("c.v_user_id as user_id")
        columns.append(f"{self._place_among_repeats(source)} as place")
        join = self.join_account("c.v_account_id") if _is_checked_against_accounts(table) else ""
        return f"select {', '.join(columns)} from ({self._cells(source)}) c{join}"

    def _cells(self, source: ServerTable) -> str:
        """The values ``v_…`` of the rows of the look-back, and ``u_…``: 1 where a cell cannot be read."""
        cells = [f"{source.cells[column]} as v_{column}" for column in source.table.names]
        cells += [
            f"case when {test} then 1 else 0 end as u_{column}" for column, (test, _) in source.unreadable.items()
        ]
        if source.user:
            cells.append(f"cast({sql_identifier(source.user)} as varchar) as v_user_id")
        if self._counts_exact_repeats(source):
            cells += [
                f"cast({sql_identifier(own)} as varchar) as r_{place}" for place, own in enumerate(source.all_columns)
            ]
        since, day = self.since(source.table), f"v_{source.table.date_column}"
        bound = f" where {day} is null or {day} >= {sql_date(since)}" if since else ""
        counted = f" where not ({server_condition(source.marks)})" if source.marks else ""
        return f"select * from (select {', '.join(cells)} from {self.origin_sql(source)} origin{counted}) given{bound}"

    def _counts_exact_repeats(self, source: ServerTable) -> bool:
        """True for tables without a key. Usage is large, so only when several rows of a day were found in it."""
        return not source.table.key and (source.table.name != "usage" or self.usage_may_repeat)

    def _place_among_repeats(self, source: ServerTable) -> str:
        """1 for the row that is kept of those with the same key, or of equal ones. A server has no row order: the other
        columns decide."""
        table = source.table
        if self._counts_exact_repeats(source):
            equal = ", ".join(f"c.r_{place}" for place in range(len(source.all_columns)))
            return f"row_number() over (partition by {equal} order by c.v_account_id)"
        if not table.key or table.name == "accounts":
            return "1"
        order = ", ".join(f"c.v_{column.name}" for column in table.columns if column.name != table.key)
        return f"row_number() over (partition by c.v_{table.key} order by {order})"

    def _currency(self, name: str) -> str:
        """The currency of a row: its own, else its account's, else the home currency."""
        of_account = "" if name == "accounts" else "upper(known.currency), "
        return f"coalesce(upper(c.v_currency), {of_account}{sql_string(self.rates.home)})"

    def problems(self, source: ServerTable) -> list[tuple[str, str, str]]:
        """Column, condition and reason for leaving out a row; the first that holds counts."""
        table, found = source.table, []
        tests = self._tests(source)
        for column in table.columns:
            if not column.required:
                continue
            found += [(column.name, test, why) for test, why in tests.get(column.name, ())]
            if column.name in MAY_BE_UNKNOWN:
                continue
            found.append((column.name, f"c.v_{column.name} is null", REQUIRED_IS_EMPTY))
        if table.date_column:
            found.append((table.date_column, f"c.v_{table.date_column} > {sql_date(self.as_of)}", FUTURE_DATED))
        if _is_checked_against_accounts(table):
            found.append(("account_id", f"{_UNKNOWN} and gone.gone_account_id is not null", ACCOUNT_DELETED))
            found.append(("account_id", _UNKNOWN, NO_SUCH_ACCOUNT))
            found.append(("account_id", "known.account_id is null", ACCOUNT_LEFT_OUT))
        return found

    def _tests(self, source: ServerTable) -> dict[str, list[tuple[str, str]]]:
        """By column: (condition, reason) of a cell that cannot be used; the first that holds counts."""
        found: dict[str, list[tuple[str, str]]] = {}
        for name, (_, why) in source.unreadable.items():
            found.setdefault(name, []).append((f"c.u_{name} = 1", why))
        for name, rules in value_limits(source.table.name, {}).items():
            if name in source.columns:
                found.setdefault(name, []).extend((test.replace("v_", "c.v_"), why) for test, why in rules)
        return found

    def optional_tests(self, source: ServerTable) -> dict[str, list[tuple[str, str]]]:
        """The same for the columns that a row can do without."""
        return {name: tests for name, tests in self._tests(source).items() if name not in source.table.required}

    def _usable_rows(self, name: str) -> str:
        """The rows without a problem, their unusable cells set to NULL, and without what happened after the review day."""
        source = self.sources[name]
        hidden = hide_future(name, self.as_of, source.columns)
        doubtful = self.optional_tests(source)
        cells = []
        for column in source.table.columns:
            cell = f"s.{column.name}"
            cell = f"case when s.bad_{column.name} = 0 then {cell} end" if column.name in doubtful else cell
            cells.append(f"{hidden.get(column.name, '{0}').format(cell).replace(chr(34), '')} as {column.name}")
        if name in AMOUNT_COLUMNS:
            cells.append(f"s.{AMOUNT_COLUMNS[name]}_home as {AMOUNT_COLUMNS[name]}_home")
        if source.user:
            cells.append("s.user_id as user_id")
        rows = f"select {', '.join(cells)} from {name}__checked s where s.problem = 0 and s.place = 1"
        if name != "usage" or self.usage_grain.is_daily:
            return rows
        return self.usage_grain.daily_sql(f"({rows})", self.as_of)


def _no_rows(table: Table) -> str:
    """The shape of a table that the server does not have, so that every statement finds all tables."""
    nothing = ", ".join(f"cast(null as {SQL_TYPES[column.kind]}) as {column.name}" for column in table.columns)
    home = (
        f", cast(null as decimal(18, 2)) as {AMOUNT_COLUMNS[table.name]}_home" if table.name in AMOUNT_COLUMNS else ""
    )
    return f"select {nothing}{home}, 0 as problem, 1 as place from (select 1 as one) nothing where one = 0"


def _is_checked_against_accounts(table: Table) -> bool:
    """True for tables whose rows belong to an account; usage is checked after it is one row an account."""
    return "account_id" in table.names and table.name not in ("accounts", "usage")


def _first_problem(tests: Sequence[tuple[str, str]]) -> str:
    """The number of the first test that holds, from 1; 0 where none does."""
    whens = " ".join(f"when {test} then {number}" for number, (test, _) in enumerate(tests, 1))
    return f"case {whens} else 0 end" if whens else "0"
