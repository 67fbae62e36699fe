"""The look back on kept weeks: the list against simple rules, and the chances against what came. Counted in the engine."""

from datetime import date
from typing import TYPE_CHECKING

from domain.backtest import Backtest, ReliabilityBand, RuleResult
from tools.scoring.churn_odds import chance_sql, decision_sql
from tools.scoring.scored_base import ScoredBase
from tools.signals import round_sql
from tools.sql import sql_date, sql_number, sql_string
from tools.wording import plural

if TYPE_CHECKING:
    from domain.configuration import Configuration

_BANDS = (0.0, 0.01, 0.02, 0.05, 0.10, 0.20, 1.0)
LIST_RULE = "the list: ARR × chance of leaving, decision ahead"
_TOO_YOUNG = "No kept week is old enough: the look back needs weeks of which the horizon has passed."


def backtest(base: ScoredBase) -> Backtest:
    """The look back over the table ``past``; it says so when there is nothing to look back on."""
    churn = base.configuration.scoring.churn
    later, size = int(churn.order_weeks.value * 7), int(churn.backtest_list.value)
    rules: tuple[RuleResult, ...] = ()
    first = last = None
    weeks = left = 0
    bands: tuple[ReliabilityBand, ...] = ()
    if base.past.weeks:
        _weigh(base)
        whole = f"as_of + {later} <= {sql_date(base.as_of)}"
        span = base.rows(
            "select count(distinct as_of) as weeks, min(as_of) as first, max(as_of) as last, "
            f"count(distinct account_id) filter (left_later) as gone from weighed where {whole}"
        )[0]
        weeks, first, last, left = span["weeks"], span["first"], span["last"], span["gone"]
        rules = _rules(base, whole, size) if weeks else ()
        bands = _bands(base)
    return Backtest(
        weeks=weeks,
        first=first,
        last=last,
        list_horizon_weeks=int(churn.order_weeks.value),
        chance_horizon_weeks=int(churn.horizon_weeks.value),
        list_size=size,
        accounts_left=left,
        rules=rules,
        bands=bands,
        note=_note(base, weeks, first, last, left),
    )


def _note(base: ScoredBase, weeks: int, first: date | None, last: date | None, left: int) -> str:
    if not weeks:
        return f"{_TOO_YOUNG} {base.past.left_out}".rstrip()
    said = f"{plural(weeks, 'kept week')} from {first} to {last}; {plural(left, 'account')} left within the list's horizon."
    plays = "Accounts that a play saved count as not lost, so the figures are too low for accounts that had plays."
    return f"{said} {plays} {base.past.left_out}".rstrip()


def _weigh(base: ScoredBase) -> None:
    """Make ``weighed``: the past weeks with both chances by today's odds."""
    churn, odds = base.configuration.scoring.churn, base.odds
    points = round_sql(f"{sql_number(odds.slopes.risk)} * risk")
    shown = decision_sql(churn, odds.slopes, churn.horizon_weeks.value)
    order = decision_sql(churn, odds.slopes, churn.order_weeks.value)
    base.connection.execute(
        f"create or replace temp table weighed as select *, {chance_sql(odds.shown_level, 'decision_odds')} as chance, "
        f"{chance_sql(odds.order_level, 'order_decision_odds')} as order_chance from (select *, {points} as risk_odds, "
        f"{shown} as decision_odds, {order} as order_decision_odds from past)"
    )


def _rule_orders(configuration: "Configuration") -> dict[str, str]:
    """By rule: an expression whose highest values come first; NULL leaves an account out."""
    churn, soonest = configuration.scoring.churn, sql_number(configuration.review.decision_ahead.value)
    latest = sql_number(churn.order_weeks.value * 7 + churn.decision_lead.value)
    window = f"renewal_in_days between {soonest} and {latest}"
    return {
        LIST_RULE: f"case when (at_risk and coalesce(renewal_in_days < 0 or renewal_in_days >= {soonest}, true)) "
        f"or (not at_risk and {window}) then arr * order_chance end",
        "renewal window × ARR": f"case when {window} then arr end",
        "largest ARR": "arr",
        "risk × ARR of accounts at risk": "case when at_risk then risk * arr end",
        "nearest renewal": "case when renewal_in_days >= 0 then -renewal_in_days end",
    }


def _rules(base: ScoredBase, whole: str, size: int) -> tuple[RuleResult, ...]:
    orders = _rule_orders(base.configuration)
    placed = " union all ".join(
        f"select {sql_string(name)} as rule, {number} as number, as_of, account_id, arr, gone_on, left_later, "
        f"value is not null and row_number() over (partition by as_of order by value desc nulls last, account_id) <= {size} "
        f"as listed from (select *, {value} as value from weighed where {whole})"
        for number, (name, value) in enumerate(orders.items())
    )
    rows = base.rows(
        f"with placed as ({placed}), firsts as (select number, account_id, min(as_of) as since, max(gone_on) as gone_on "
        "from placed where listed and gone_on is not null group by number, account_id), leads as (select number, "
        "avg(date_diff('day', since, gone_on)) / 7 as lead from firsts group by number) "
        "select rule, p.number, sum(cast(round(arr, 2) as decimal(38, 2))) filter (left_later) as lost, "
        "sum(cast(round(arr, 2) as decimal(38, 2))) filter (left_later and listed) as caught, "
        "count(*) filter (left_later) as leavers, count(*) filter (left_later and listed) as found, any_value(l.lead) as lead "
        "from placed p left join leads l on l.number = p.number group by rule, p.number order by p.number"
    )
    return tuple(
        RuleResult(
            name=row["rule"],
            arr_caught=round(float(row["caught"] or 0) / float(row["lost"]), 6) if row["lost"] else None,
            leavers_caught=round(row["found"] / row["leavers"], 6) if row["leavers"] else None,
            lead_weeks=round(row["lead"], 2) if row["lead"] is not None else None,
        )
        for row in rows
    )


def _bands(base: ScoredBase) -> tuple[ReliabilityBand, ...]:
    cases = " ".join(f"when chance < {high} then {place}" for place, high in enumerate(_BANDS[1:-1]))
    rows = base.rows(
        f"select case {cases} else {len(_BANDS) - 2} end as place, count(*) as n, "
        "sum(cast(chance as decimal(38, 9))) as said, count(*) filter (left_soon) as came from weighed group by 1 order by 1"
    )
    return tuple(
        ReliabilityBand(
            low=_BANDS[row["place"]],
            high=_BANDS[row["place"] + 1],
            account_weeks=row["n"],
            said=round(float(row["said"]) / row["n"], 6),
            came=round(row["came"] / row["n"], 6),
        )
        for row in rows
    )
