"""The kept weeks whose horizon has passed, account by account, with what became of each: the material of learning and backtest.

Everything stays in the engine, in the table ``past``. One rule: an account-week of which the renewal date or the fate is not
known is left out, and how many were is said.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import duckdb

from domain.churn_settings import ChurnSettings
from tools.scoring.snapshots import Snapshot
from tools.sql import sql_date, sql_files, sql_number

_FATES = """
create or replace temp table fates as
with weeks as (select unnest(?) as week, unnest(?) as as_of),
seen as (
    select s.account_id, w.as_of, lead(w.as_of) over (partition by s.account_id order by w.as_of) as seen_next
    from {rows} s join weeks w on w.week = s.filename),
ends as (
    select account_id, max(as_of) as last_seen from seen group by account_id),
following as (select as_of, lead(as_of) over (order by as_of) as next_week from weeks),
vanished as (
    select e.account_id, coalesce(f.next_week, {today}) as gone_on, f.as_of from ends e join following f on f.as_of = e.last_seen
    where e.account_id not in (select account_id from accounts)),
sizes as (select as_of, count(*) as n from seen group by as_of),
believed as (
    select v.account_id, v.gone_on from vanished v join sizes z on z.as_of = v.as_of
    qualify count(*) over (partition by v.as_of) <= {limit} * z.n),
churned as (
    select account_id, max(date) as gone_on from outcomes where kind = 'churned' and date <= {today} group by account_id)
select coalesce(c.account_id, b.account_id) as account_id, coalesce(c.gone_on, b.gone_on) as gone_on from churned c full join believed b on b.account_id = c.account_id"""
"""When each account left: the day of its outcome, else the first kept week that no longer has it."""

_PAST = """
create or replace temp table past as
with weeks as (select unnest(?) as week, unnest(?) as as_of, unnest(?) as reviewed),
raw as (
    select w.as_of, w.reviewed, s.account_id, cast(s.arr as double) as arr, s.risk, s.at_risk, s.intervention_tier, s.renewal_date,
        s.started_on, f.gone_on from {rows} s join weeks w on w.week = s.filename
    left join fates f on f.account_id = s.account_id and f.gone_on > w.as_of),
known as (
    select raw.*, (select min(o.date) from outcomes o where o.account_id = raw.account_id and o.kind = 'renewed'
        and o.date > raw.as_of and o.date <= {today}) as renewed_on from raw),
dated as (
    select *, case when reviewed then renewal_date when renewed_on is not null then renewed_on
        when gone_on is not null or date_diff('day', as_of, renewal_date) <= {term} then renewal_date end as renewal_then,
        reviewed or renewed_on is not null or gone_on is not null or renewal_date is null
            or date_diff('day', as_of, renewal_date) <= {term} as is_known from known)
select dated.as_of, dated.reviewed, dated.account_id, arr, risk, at_risk, intervention_tier, gone_on, is_known,
    case when date_diff('day', renewal_then, dated.as_of) <= {overdue}
        then cast(date_diff('day', dated.as_of, renewal_then) as double) end as renewal_in_days, t.term_days,
    coalesce(gone_on <= dated.as_of + {soon}, false) as left_soon,
    coalesce(gone_on <= dated.as_of + {later}, false) as left_later
from dated left join terms t on t.account_id = dated.account_id
where dated.as_of + {soon} <= {today}"""
"""One row an account and week: what was known then, and if it left within each horizon."""


@dataclass(frozen=True)
class PastWeeks:
    """Content of the table ``past``, and what was left out of it."""

    weeks: int
    left_out: str = ""
    """One sentence on weeks and accounts that were left out; empty when none were."""


def load_past_weeks(
    connection: duckdb.DuckDBPyConnection,
    snapshots: Sequence[Snapshot],
    churn: ChurnSettings,
    as_of: date,
    longest_overdue: int,
) -> PastWeeks:
    """Make the table ``past``; without a week whose horizon has passed there is none, and ``weeks`` is 0.

    A renewal more than ``longest_overdue`` days past was a question about the data then, and counts as unknown.
    """
    passed = timedelta(weeks=churn.horizon_weeks.value)
    if not any(each.as_of + passed <= as_of for each in snapshots):
        return PastWeeks(0)
    files, days = [str(each.path) for each in snapshots], [each.as_of for each in snapshots]
    rows = f"read_parquet({sql_files(each.path for each in snapshots)}, filename = true, union_by_name = true)"
    words = {
        "rows": rows,
        "today": sql_date(as_of),
        "limit": sql_number(churn.vanish_limit.value),
        "term": sql_number(churn.usual_term.value),
        "overdue": str(longest_overdue),
        "soon": str(int(churn.horizon_weeks.value * 7)),
        "later": str(int(churn.order_weeks.value * 7)),
    }
    connection.execute(_FATES.format(**words), [files, days])
    connection.execute(_PAST.format(**words), [files, days, [each.reviewed for each in snapshots]])
    left_out = _leave_out(connection)
    (count,) = connection.execute("select count(distinct as_of) from past").fetchall()[0]
    return PastWeeks(int(count), left_out)


_FORGETFUL = """
select distinct p.as_of from past p where not p.reviewed group by p.as_of having not bool_or(p.left_soon) or (
    select count(*) from outcomes o where o.kind = 'churned' and o.date > p.as_of and o.account_id not in (
        select q.account_id from past q where q.as_of = p.as_of)) > 0"""
"""Weeks that were filled in afterwards from an export that no longer has everybody who left."""


def _leave_out(connection: duckdb.DuckDBPyConnection) -> str:
    """Delete what cannot teach. Returns the sentence about it."""
    forgetful = [row[0] for row in connection.execute(_FORGETFUL).fetchall()]
    connection.execute("delete from past where list_contains(?, as_of)", [forgetful])
    (unknown,) = connection.execute("select count(*) from past where not is_known").fetchall()[0]
    connection.execute("delete from past where not is_known")
    found = []
    if forgetful:
        found.append(f"{len(forgetful)} filled-in weeks are left out, because those who left are not in the data")
    if unknown:
        found.append(f"{unknown:,} account-weeks are left out, because their renewal date of that time is not known")
    return f"{'; '.join(found)}." if found else ""
