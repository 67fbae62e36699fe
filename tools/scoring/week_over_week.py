"""This week against last week: accounts that are new, worse, better or off the list, and how at-risk ARR moved.

Pure: writes SQL over ``scored`` (this week) and ``previous`` (last week, under today's configuration and today's
exchange rates; with what was reported then in ``reported_at_risk`` and ``reported_arr``).
"""

from domain.score_configuration import ScoringSettings
from tools.sql import sql_number

_RANK = "case {column} when 'critical' then 3 when 'high' then 2 when 'medium' then 1 else 0 end"


def comparison_sql(scoring: ScoringSettings, has_previous: bool) -> str:
    """One row an account of either week: ``change`` and the figures of both weeks."""
    if not has_previous:
        return (
            "select account_id, name, arr, at_risk, case when at_risk then 'baseline' else 'unchanged' end as change, "
            "cast(null as double) as risk_then, cast(null as double) as health_then, cast(null as boolean) as "
            "at_risk_then, cast(null as varchar) as tier_then, cast(null as decimal(18, 2)) as arr_then, risk, "
            "health, risk_tier, health_band, false as fell from scored"
        )
    # A full join: accounts that came or left since last week belong to the comparison, too.
    notable = sql_number(scoring.notable_change.value)
    drop = sql_number(scoring.degradation_points.value)
    now, then = _RANK.format(column="s.risk_tier"), _RANK.format(column="p.risk_tier")
    return f"""
        select coalesce(s.account_id, p.account_id) as account_id, coalesce(s.name, p.name) as name, s.arr,
            coalesce(s.at_risk, false) as at_risk,
            case
                when s.account_id is null and p.at_risk then 'gone'
                when s.account_id is null then 'unchanged'
                when s.at_risk and not coalesce(p.at_risk, false) then 'new'
                when not s.at_risk and coalesce(p.at_risk, false) then 'resolved'
                when not s.at_risk then 'unchanged'
                when {now} > {then} or s.risk - p.risk >= {notable} then 'worsened'
                when {now} < {then} or p.risk - s.risk >= {notable} then 'improved'
                else 'unchanged'
            end as change,
            p.risk as risk_then, p.health as health_then, p.at_risk as at_risk_then, p.risk_tier as tier_then,
            p.arr as arr_then, s.risk, s.health, s.risk_tier, s.health_band,
            coalesce(p.health - s.health > {drop}
                or (s.health_band = 'red' and p.health_band in ('yellow', 'green')), false) as fell
        from scored s full join previous p on p.account_id = s.account_id"""


BRIDGE_SQL = """
    with steps as (
        select 'opening' as step, account_id, reported_arr as arr from previous where reported_at_risk
        union all
        select 'exchange_rates', account_id, arr - reported_arr from previous where reported_at_risk
        union all
        select 'configuration', account_id, case when at_risk then arr else -arr end
        from previous where at_risk <> reported_at_risk
        union all
        select 'entered', account_id, arr from compared where change = 'new'
        union all
        select 'left', account_id, -arr_then from compared where change = 'resolved'
        union all
        select 'gone', account_id, -arr_then from compared where change = 'gone'
        union all
        select 'arr_changed', account_id, coalesce(arr, 0) - coalesce(arr_then, 0) from compared where at_risk and at_risk_then
        union all
        select 'closing', account_id, arr from compared where at_risk
    )
    select step, coalesce(sum(arr), 0) as arr, count(*) as accounts, list(account_id order by account_id) as account_ids
    from steps where arr <> 0 or (arr is null and step <> 'exchange_rates') or step in ('opening', 'closing') group by step"""
"""The at-risk ARR bridge: every step from ``opening`` on sums to ``closing``, in cents. An account without ARR is counted in
its step and adds nothing."""
