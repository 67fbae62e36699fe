"""Former customers: accounts whose latest outcome is a churn, and of which nothing later says that they came back.

They are not reviewed. One rule: nobody leaves the base without being counted, with their ARR, on the first page.
"""

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import duckdb

from domain.errors import DataError
from domain.score_configuration import ScoringSettings
from tools.signals import last_signs_sql
from tools.sql import sql_number
from tools.wording import format_date, format_total, plural

if TYPE_CHECKING:
    from domain.portfolio import DataGap

_CHURNED_SQL = """
    select account_id, max(case when kind = 'churned' then date end) as churned_on from outcomes group by account_id
    having max(case when kind = 'churned' then date end) >=
        coalesce(max(case when kind <> 'churned' then date end), date '0001-01-01')"""
"""Accounts whose latest outcome is a churn. One that renewed, or was changed, since then is a customer."""

_NAMED = 3


@dataclass(frozen=True)
class DoubtfulChurn:
    """Accounts that churned, and whose other data say something else, without a clear new start."""

    reviewed: bool
    """True where the accounts are reviewed nevertheless."""
    accounts: int
    named: tuple[str, ...]
    """Some of them, each with what speaks against the churn."""

    @property
    def message(self) -> str:
        """The question about the data."""
        more = self.accounts - len(self.named)
        names = "; ".join(self.named) + (f" and {plural(more, 'more account')}" if more else "")
        one = self.accounts == 1
        what = ("as a customer" if one else "as customers") if self.reviewed else ""
        so = f"{'It is' if one else 'They are'} {'reviewed ' + what if self.reviewed else 'not reviewed'}"
        return f"Churned, and started, used or billed since: {names}. {so}; correct the outcomes if that is wrong."


@dataclass(frozen=True)
class FormerCustomers:
    """Accounts with a churn as their latest outcome, by what follows from it. ``arr`` is in the home currency."""

    left_out: int = 0
    arr: float = 0.0
    unknown_arr: int = 0
    """Those of them without ARR."""
    returned: int = 0
    """Accounts that started again, or were used or billed so much later that they are reviewed."""
    doubtful: tuple[DoubtfulChurn, ...] = ()

    def note(self, currency: str) -> str:
        """A sentence or two for the first page; empty where no account has churned."""
        found = []
        if self.left_out:
            is_one = self.left_out == 1
            found.append(
                f"{plural(self.left_out, 'account')} with {self._arr_text(currency)}"
                f" {'is' if is_one else 'are'} not reviewed: {'its' if is_one else 'their'} latest outcome is churned."
            )
        if self.returned:
            verb = "is" if self.returned == 1 else "are"
            found.append(f"{plural(self.returned, 'account')} came back after a churn and {verb} reviewed.")
        return " ".join(found)

    def _arr_text(self, currency: str) -> str:
        if self.unknown_arr == self.left_out:
            return "unknown ARR"
        return f"{format_total(self.arr, self.left_out, self.unknown_arr, currency)} of ARR"

    def gaps(self) -> "list[DataGap]":
        """The questions about the data."""
        from domain.portfolio import DataGap  # `score` shows none

        return [
            DataGap(kind="accounts", subject="outcomes", message=each.message, accounts=each.accounts)
            for each in self.doubtful
        ]


def leave_out_former_customers(
    connection: duckdb.DuckDBPyConnection, scoring: ScoringSettings, as_of: date, on_server: bool, location: str
) -> FormerCustomers:
    """Move former customers from ``accounts`` to the table ``former``. Raises DataError where nobody would be left.

    ``on_server``: the last signs of life were measured there, in ``warehouse_signals``.
    """
    connection.execute(f"create or replace temp table churned as {_CHURNED_SQL}")
    connection.execute(
        "create or replace temp table former (account_id varchar, name varchar, arr decimal(18, 2), churned_on date, "
        "currency varchar, started_on date)"
    )
    if connection.execute("select count(*) from churned").fetchone() == (0,):
        return FormerCustomers()
    connection.execute(f"create or replace temp table churned as {_judged_sql(scoring, as_of, on_server)}")
    left_out, arr, unknown, returned = connection.execute(
        "select count(*) filter (not came_back), coalesce(sum(arr_home) filter (not came_back), 0),"
        " count(*) filter (not came_back and arr_home is null),"
        " count(*) filter (came_back) from churned"
    ).fetchone() or (0, 0, 0, 0)
    found = FormerCustomers(left_out, float(arr), unknown, returned, _doubtful(connection))
    if left_out:
        connection.execute(
            "insert into former select account_id, name, arr_home, churned_on, currency, started_on from churned"
            " where not came_back"
        )
        connection.execute(
            "delete from accounts where account_id in (select account_id from churned where not came_back)"
        )
        if connection.execute("select count(*) from accounts").fetchone() == (0,):
            raise DataError(
                f"{location}: there are no accounts to review. {found.note(scoring.money.home)} Check the outcomes, and"
                " that the accounts are the customers of today."
            )
    connection.execute("drop table churned")
    return found


def _judged_sql(scoring: ScoringSettings, as_of: date, on_server: bool) -> str:
    """Accounts with a churn, the days that speak for or against it, and whether they came back."""
    signs = "warehouse_signals" if on_server else f"({last_signs_sql(as_of)})"
    used, billed = (sql_number(each.value) for each in (scoring.came_back_used_after, scoring.came_back_billed_after))
    tests = (
        # An account that is being closed has not started again, whatever its date says.
        "a.started_on > c.churned_on and coalesce(a.lifecycle_stage, 'live') <> 'offboarding'",
        f"s.last_used_on > c.churned_on + cast({used} as integer)",
        f"s.last_billed_on > c.churned_on + cast({billed} as integer)",
    )
    came_back = " or ".join(f"coalesce({test}, false)" for test in tests)
    return (
        "select a.account_id, a.name, a.arr_home, a.currency, c.churned_on, a.started_on, s.last_used_on, s.last_billed_on,"
        f" {came_back} as came_back from accounts a join churned c on c.account_id = a.account_id"
        f" left join {signs} s on s.account_id = a.account_id"
    )


def _doubtful(connection: duckdb.DuckDBPyConnection) -> tuple[DoubtfulChurn, ...]:
    rows = connection.execute(
        "select came_back, name, churned_on, started_on, last_used_on, last_billed_on, count(*) over (partition by came_back),"
        " row_number() over (partition by came_back order by arr_home desc nulls last, account_id) as place from churned"
        " where coalesce(greatest(last_used_on, last_billed_on, started_on) > churned_on, false)"
        f" and not (came_back and coalesce(started_on > churned_on, false)) qualify place <= {_NAMED} order by came_back desc, place"
    ).fetchall()
    groups: dict[tuple[bool, int], list[str]] = {}
    for came_back, name, churned, started, used, billed, accounts, _ in rows:
        why = [f"churned on {format_date(churned)}"]
        why += [f"started on {format_date(started)}"] if started and started > churned else []
        why += [f"used until {format_date(used)}"] if used and used > churned else []
        why += [f"an invoice due on {format_date(billed)}"] if billed and billed > churned else []
        groups.setdefault((came_back, accounts), []).append(f"{name}: {', '.join(why)}")
    return tuple(DoubtfulChurn(reviewed, accounts, tuple(named)) for (reviewed, accounts), named in groups.items())
