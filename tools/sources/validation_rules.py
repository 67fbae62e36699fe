"""The rules for cells and rows of each table, and the cells that are hidden because they lie after the review date."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta

from domain.data_audit import ACCOUNT_DELETED, FUTURE_DATED
from domain.tables import Table
from tools.sources.reasons import ACCOUNT_LEFT_OUT, NO_SUCH_ACCOUNT
from tools.sources.scales import csat_limits
from tools.sources.staging_table import RowRule
from tools.sql import sql_date, sql_identifier

ValueLimits = dict[str, Sequence[tuple[str, str]]]


def first_day_read(table: Table, as_of: date, lookback_days: Mapping[str, int]) -> date | None:
    """The first day that is read of a table; None where all of it is."""
    days = lookback_days.get(table.name)
    return as_of - timedelta(days=days) if table.date_column and days is not None else None


def value_limits(table: str, units: dict[str, str]) -> ValueLimits:
    """By column: (condition over v_ columns, reason) for values that can be read and are impossible.

    NPS is 0 to 10, CSAT 1 to 5, a pulse 1 to 5; money, counts and hours are not below zero.
    """
    below_zero = {
        "accounts": ("arr", "seats", "term_months"),
        "usage": ("active_users", "logins", "core_actions", "features_used"),
        "people": ("weekly_hours",),
    }
    found: ValueLimits = {name: [(f"v_{name} < 0", "below zero")] for name in below_zero.get(table, ())}
    if table == "tickets":
        found["csat"] = csat_limits("csat", "v_csat", units.get("csat"))
    if table == "surveys":
        nps = (
            "v_kind = 'nps' AND v_score NOT BETWEEN 0 AND 10",
            "an NPS answer is 0 to 10 per person; −100 to 100 exists only for a group",
        )
        csat = [
            (f"v_kind = 'csat' AND {test}", why) for test, why in csat_limits("score", "v_score", units.get("score"))
        ]
        found["score"] = [nps, *csat]
    if table == "notes":
        found["pulse"] = [("v_pulse NOT BETWEEN 1 AND 5", "a pulse is 1 to 5")]
    return found


def row_rules(table: Table, as_of: date, some_left_out: bool = False) -> list[RowRule]:
    """Rules over the staging table ``s`` and the kept accounts ``a``; where some are left out also all accounts ``f``."""
    rules = []
    if table.date_column:
        late = f"s.{sql_identifier(table.date_column)} > {sql_date(as_of)}"
        rules.append(RowRule(table.date_column, late, FUTURE_DATED))
    if table.name not in ("accounts", "people"):
        known = "f.account_id" if some_left_out else "a.account_id"
        deleted = f"{known} IS NULL AND s.account_id IN (SELECT account_id FROM deleted_accounts)"
        rules.append(RowRule("account_id", deleted, ACCOUNT_DELETED))
        rules.append(RowRule("account_id", f"{known} IS NULL", NO_SUCH_ACCOUNT))
        if some_left_out:
            rules.append(RowRule("account_id", "a.account_id IS NULL", ACCOUNT_LEFT_OUT))
    return rules


_YEAR = 12
"""Months of a contract that does not say its term: ARR is an amount of a year."""


def next_renewal(cell: str, as_of: date) -> str:
    """The renewal date; for a contract that renews by itself the first one from ``as_of`` on, whole terms after ``cell``.

    Every engine reads this expression: it has no intervals, and no functions of one engine.
    """
    term = f"coalesce(s.term_months, {_YEAR})"
    year, month, day = (f"extract({part} from {cell})" for part in ("year", "month", "day"))
    # Months from the date in the cell to the first day with its day of the month on or after the review.
    ahead = (
        f"({as_of.year * 12 + as_of.month} - ({year} * 12 + {month}) + case when {day} < {as_of.day} then 1 else 0 end)"
    )
    terms = f"cast(floor(({ahead} + {term} - 1) * 1e0 / {term}) as integer)"
    then = f"cast({year} * 12 + {month} - 1 + {terms} * {term} as integer)"
    then_year = f"cast(floor({then} / 12e0) as integer)"
    then_month = f"({then} - 12 * {then_year} + 1)"
    # The 31st of a month that has none is its last day; a leap day is the 28th in every year.
    last = f"case when {then_month} = 2 then 28 when {then_month} in (4, 6, 9, 11) then 30 else 31 end"
    then_day = f"cast(case when {day} > {last} then {last} else {day} end as integer)"
    parts = [f"cast({then_year} as varchar)"]
    parts += [f"lpad(cast({part} as varchar), 2, '0')" for part in (then_month, then_day)]
    renewed = "cast(" + " || '-' || ".join(parts) + " as date)"
    is_past = f"s.auto_renews and {cell} < {sql_date(as_of)} and {term} between 1 and 120"
    return f"case when {is_past} then {renewed} else {cell} end"


def hide_future(table: str, as_of: date, columns: Collection[str]) -> dict[str, str]:
    """By column: an expression ({0} is the cell) for the cell as it was on the review date, without what happened later.

    A review of a past week must give what it would have given then: an invoice paid next month is still open. A contract
    that renews by itself has its next renewal, counted from the one in the cell. ``columns`` are those that the source has.
    """
    day = sql_date(as_of)
    happened = f"CASE WHEN {{0}} <= {day} THEN {{0}} END"
    return {
        "accounts": {"renewal_date": next_renewal("{0}", as_of)} if "auto_renews" in columns else {},
        "tickets": {
            "closed_at": happened,
            "status": f"CASE WHEN s.closed_at > {day} AND {{0}} = 'closed' THEN 'open' ELSE {{0}} END",
        },
        "touchpoints": {"responded_at": happened},
        "invoices": {
            "paid_on": happened,
            "status": f"CASE WHEN s.paid_on > {day} AND coalesce({{0}}, 'paid') = 'paid' THEN 'open'"
            f" WHEN {{0}} = 'failed' AND s.due_date > {day} THEN 'open' ELSE {{0}} END",
        },
        "contacts": {
            "departed_on": happened,
            "status": f"CASE WHEN s.departed_on > {day} AND {{0}} = 'departed' THEN 'active' ELSE {{0}} END",
        },
    }.get(table, {})
