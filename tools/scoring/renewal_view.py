"""The renewal view: what is up for renewal in four quarters, by month, and what came of it. Aggregated in the engine.

One rule: every account is in exactly one period, by its next renewal date, and money is summed as decimals, so that the
periods add up to the base to the cent.
"""

from collections.abc import Sequence
from datetime import date, timedelta

from domain.churn_settings import ChurnSettings
from domain.renewals import (
    PlayCommitment,
    RenewalAccount,
    RenewalOutcomes,
    RenewalPeriod,
    RenewalQuarter,
    RenewalSums,
    RenewalView,
    Retention,
)
from tools.scoring.churn_odds import chance_sql, term_weeks
from tools.scoring.scored_base import Row, ScoredBase
from tools.scoring.scoring_steps import SqlLog, find_level, weigh_year
from tools.sql import sql_date, sql_number, sql_string
from tools.wording import format_date, known_amount, plural

_QUARTERS = 4
_MONTHS_A_QUARTER = 3


def renewal_view(base: ScoredBase, on_plays: Sequence[PlayCommitment]) -> RenewalView:
    """The view of the running quarter and the three after it. ``on_plays``: intent that the team's plays brought."""
    months = _months(base.as_of)
    _create_tables(base, months, on_plays)
    by_period = {row["key"]: _sums(row) for row in base.rows(_SUMS.format(key="period", where="true"))}
    by_quarter = {row["key"]: _sums(row) for row in base.rows(_SUMS.format(key="quarter", where="quarter <> ''"))}
    in_view = base.rows(_SUMS.format(key="'total'", where="period not in ('later', 'unknown')"))
    outcomes = {
        row["key"]: _outcomes(row) for key in ("month", _QUARTER) for row in base.rows(_OUTCOMES.format(key=key))
    }
    listed = _listed(base)
    names = ["overdue", *(name for name, _, _ in months), "later", "unknown"]
    quarter_of = {name: quarter for name, quarter, _ in months}
    running = f"{base.as_of:%Y-%m}"
    periods = tuple(
        RenewalPeriod(
            **{
                **by_period.get(name, _no_renewals(name in ("later", "unknown"))).model_dump(),
                "outcomes": outcomes.get(name, RenewalOutcomes()) if name in quarter_of and name <= running else None,
            },
            id=name,
            quarter=quarter_of.get(name, ""),
            listed=tuple(listed.get(name, ())),
        )
        for name in names
    )
    retention = _retention(base)
    return RenewalView(
        first=date.fromisoformat(f"{months[0][0]}-01"),
        last=months[-1][2],
        periods=periods,
        quarters=tuple(
            RenewalQuarter(
                **{
                    **by_quarter.get(quarter, _no_renewals(False)).model_dump(),
                    "outcomes": outcomes.get(quarter, RenewalOutcomes()) if quarter == quarter_of[running] else None,
                },
                id=quarter,
            )
            for quarter in dict.fromkeys(quarter_of.values())
        ),
        total=_sums(in_view[0]) if in_view else _no_renewals(False),
        retention=retention,
        notes=_notes(base.configuration.scoring.churn, {period.id: period for period in periods}),
    )


def _months(as_of: date) -> list[tuple[str, str, date]]:
    """Months of the running quarter and the three after it: id, quarter and last day."""
    first = (as_of.month - 1) // _MONTHS_A_QUARTER * _MONTHS_A_QUARTER
    found = []
    for number in range(_QUARTERS * _MONTHS_A_QUARTER):
        year, month = as_of.year + (first + number) // 12, (first + number) % 12 + 1
        following = date(year + month // 12, month % 12 + 1, 1)
        quarter = f"{year}-Q{(month - 1) // _MONTHS_A_QUARTER + 1}"
        found.append((f"{year:04d}-{month:02d}", quarter, following - timedelta(days=1)))
    return found


# tables --------------------------------------------------------------------------------------------------------------


def _create_tables(
    base: ScoredBase, months: Sequence[tuple[str, str, date]], on_plays: Sequence[PlayCommitment]
) -> None:
    """Make ``changes`` (outcomes in the home currency), ``committed`` and ``renewals`` (one row an account)."""
    churn, log = base.configuration.scoring.churn, SqlLog(base.connection)
    log.create("outcomes in the home currency", "table", "changes", _changes_sql(base))
    plays = "select unnest(?) as account_id, unnest(?) as on_day, 'play' as source"
    base.connection.execute(
        f"create or replace temp table intents as {plays}",
        [[each.account_id for each in on_plays], [each.on for each in on_plays]],
    )
    log.create("commitments", "table", "committed", _committed_sql(churn))
    weigh_year(log, churn, base.odds.slopes)
    level = find_level(log, "year_odds", "decision_odds", base.odds.rate.within(term_weeks(churn)))
    log.create("renewals", "table", "renewals", _renewals_sql(churn, level, months))


def _changes_sql(base: ScoredBase) -> str:
    """Outcomes up to the review, each with its amount in the home currency: NULL where that is unknown."""
    money = base.configuration.scoring.money
    rates = " ".join(f"when {sql_string(code)} then {rate}" for code, rate in sorted(money.rates.items()))
    rate = f"case coalesce(upper(k.currency), {sql_string(money.home)}) {rates} else 1 end" if rates else "1"
    return (
        "select o.account_id, o.date, o.kind, "
        f"cast(round(cast(o.arr_change * {rate} as decimal(38, 8)), 2) as decimal(18, 2)) as amount "
        "from outcomes o join (select account_id, currency from accounts union all select account_id, currency from former) k "
        f"on k.account_id = o.account_id where o.date <= {sql_date(base.as_of)}"
    )


def _committed_sql(churn: ChurnSettings) -> str:
    """One row an account with a commitment for the renewal ahead: nearer to it than to the one before or after."""
    term = f"coalesce(round(a.term_months * 365e0 / 12), {sql_number(churn.usual_term.value)})"
    return (
        "select c.account_id, max(case when c.source = 'outcome' then c.on_day end) as outcome_on, "
        "max(case when c.source = 'play' then c.on_day end) as play_on from ("
        "select account_id, date as on_day, 'outcome' as source from changes where kind = 'renewed' "
        "union all select account_id, on_day, source from intents) c "
        "join accounts a on a.account_id = c.account_id "
        f"where abs(date_diff('day', c.on_day, a.renewal_date)) * 2 < {term} group by c.account_id"
    )


def _renewals_sql(churn: ChurnSettings, level: float, months: Sequence[tuple[str, str, date]]) -> str:
    """One row an account: its period, the chance of leaving that holds its renewal, and what is expected of its ARR."""
    soon, later = (
        sql_number(weeks.value * 7 + churn.decision_lead.value) for weeks in (churn.horizon_weeks, churn.order_weeks)
    )
    last = sql_date(months[-1][2])
    outside = f"s.renewal_in_days is null or s.renewal_date > {last}"
    quarters = " ".join(f"when {sql_string(month)} then {sql_string(quarter)}" for month, quarter, _ in months)
    horizons = (churn.horizon_weeks.value, churn.order_weeks.value, term_weeks(churn))
    weeks = [str(round(each)) for each in horizons]
    return (
        "with dated as (select s.account_id, s.name, s.arr, s.renewal_date, s.csm_id, s.risk, s.at_risk, "
        "s.intervention_tier, c.outcome_on, c.play_on, "
        "case when s.renewal_in_days is null then 'unknown' when s.renewal_in_days < 0 then 'overdue' "
        f"when s.renewal_date > {last} then 'later' else strftime(s.renewal_date, '%Y-%m') end as period, "
        f"case when {outside} then null when s.renewal_in_days <= {soon} then s.churn_probability "
        f"when s.renewal_in_days <= {later} then s.order_probability else y.chance end as chance, "
        f"case when {outside} then null when s.renewal_in_days <= {soon} then {weeks[0]} "
        f"when s.renewal_in_days <= {later} then {weeks[1]} else {weeks[2]} end as chance_weeks "
        f"from scored s join (select accounts.account_id, {chance_sql(level, 'decision_odds')} as chance "
        "from accounts positional join year_odds) y on y.account_id = s.account_id "
        "left join committed c on c.account_id = s.account_id) "
        f"select *, case period {quarters} else '' end as quarter, "
        "outcome_on is not null or play_on is not null as is_committed, "
        "case when chance is null then null when outcome_on is not null then arr "
        "else cast(round(cast(arr as double) * (1 - chance), 2) as decimal(18, 2)) end as expected_arr from dated"
    )


# sums ----------------------------------------------------------------------------------------------------------------

_SUMS = """
    select {key} as key, count(*) as accounts, coalesce(sum(arr), 0) as arr, count(*) filter (arr is null) as unknown_arr,
        case when count(chance) > 0 then coalesce(sum(expected_arr), 0) end as expected_arr,
        count(*) filter (at_risk) as at_risk_accounts, coalesce(sum(arr) filter (at_risk), 0) as at_risk_arr,
        count(*) filter (at_risk and arr is null) as at_risk_unknown_arr,
        count(*) filter (is_committed) as committed_accounts, coalesce(sum(arr) filter (is_committed), 0) as committed_arr,
        count(*) filter (is_committed and arr is null) as committed_unknown_arr
    from renewals where {where} group by 1"""

_QUARTER = "substr(month, 1, 4) || '-Q' || ((cast(substr(month, 6, 2) as integer) + 2) // 3)"
"""The quarter of a month such as 2026-12."""
_OUTCOMES = """
    with open_commitments as (
        -- A renewal on record for a date to come, or for one that has passed and was not moved, is counted there.
        select r.account_id, r.outcome_on from renewals r where r.outcome_on is not null and r.period <> 'unknown'
    ),
    by_account as (
        select c.account_id, strftime(c.date, '%Y-%m') as month,
            bool_or(c.kind = 'renewed' and o.account_id is null) as renewed, bool_or(c.kind = 'churned') as churned,
            sum(case when c.kind <> 'churned' and c.amount < 0 then -c.amount else 0 end) as down,
            sum(case when c.kind <> 'churned' and c.amount > 0 then c.amount else 0 end) as up,
            sum(case when c.kind = 'churned' then -c.amount end) as lost,
            count(*) filter (c.kind in ('contracted', 'expanded') and c.amount is null) as without_amount
        from changes c left join open_commitments o on o.account_id = c.account_id and o.outcome_on = c.date
        group by 1, 2
    ),
    valued as (
        select b.*, a.arr_home, f.account_id is not null as gone, coalesce(nullif(f.arr, 0), b.lost) as lost_arr
        from by_account b left join accounts a on a.account_id = b.account_id
        left join former f on f.account_id = b.account_id and strftime(f.churned_on, '%Y-%m') = b.month
    )
    select {key} as key, count(*) filter (renewed) as renewed_accounts, coalesce(sum(arr_home) filter (renewed), 0) as renewed_arr,
        count(*) filter (churned and gone) as lost_accounts, coalesce(sum(lost_arr) filter (churned and gone), 0) as lost_arr,
        sum(down) as contracted_arr, sum(up) as expanded_arr,
        sum(without_amount) + count(*) filter (renewed and arr_home is null)
            + count(*) filter (churned and gone and lost_arr is null) as unknown_amounts
    from valued group by 1"""


def _sums(row: Row) -> RenewalSums:
    expected = row["expected_arr"]
    return RenewalSums(
        accounts=row["accounts"],
        arr=float(row["arr"]),
        unknown_arr=row["unknown_arr"],
        expected_arr=known_amount(expected),
        at_risk_accounts=row["at_risk_accounts"],
        at_risk_arr=float(row["at_risk_arr"]),
        at_risk_unknown_arr=row["at_risk_unknown_arr"],
        committed_accounts=row["committed_accounts"],
        committed_arr=float(row["committed_arr"]),
        committed_unknown_arr=row["committed_unknown_arr"],
    )


def _no_renewals(is_outside: bool) -> RenewalSums:
    return RenewalSums(
        accounts=0, arr=0.0, expected_arr=None if is_outside else 0.0, at_risk_accounts=0, at_risk_arr=0.0,
        committed_accounts=0, committed_arr=0.0,
    )  # fmt: skip


def _outcomes(row: Row) -> RenewalOutcomes:
    return RenewalOutcomes(
        renewed_accounts=row["renewed_accounts"],
        renewed_arr=float(row["renewed_arr"]),
        lost_accounts=row["lost_accounts"],
        lost_arr=float(row["lost_arr"]),
        contracted_arr=float(row["contracted_arr"]),
        expanded_arr=float(row["expanded_arr"]),
        unknown_amounts=int(row["unknown_amounts"]),
    )


def _listed(base: ScoredBase) -> dict[str, list[RenewalAccount]]:
    """The accounts of each period by ARR, cut at the configured length of a table."""
    rows = base.rows(
        "select r.*, p.name as csm, coalesce(r.outcome_on, r.play_on) as committed_on, "
        "case when r.outcome_on is not null then 'outcome' when r.play_on is not null then 'play' else '' end as commitment "
        "from renewals r left join people p on p.person_id = r.csm_id "
        "qualify row_number() over (partition by r.period order by r.arr desc nulls last, r.account_id) <= ? "
        "order by r.arr desc nulls last, r.account_id",
        [int(base.configuration.review.plan_rows_per_tier.value)],
    )
    found: dict[str, list[RenewalAccount]] = {}
    for row in rows:
        found.setdefault(row["period"], []).append(_account(row))
    return found


def _account(row: Row) -> RenewalAccount:
    return RenewalAccount(
        account_id=row["account_id"],
        name=row["name"],
        arr=known_amount(row["arr"]),
        renewal_date=row["renewal_date"],
        csm_id=row["csm_id"],
        csm=row["csm"],
        risk=row["risk"],
        at_risk=row["at_risk"],
        priority=row["intervention_tier"],
        chance_of_leaving=row["chance"],
        chance_weeks=row["chance_weeks"],
        expected_arr=known_amount(row["expected_arr"]),
        committed_on=row["committed_on"],
        commitment=row["commitment"],
    )


# retention -----------------------------------------------------------------------------------------------------------

_RETENTION = """
    with moved as (
        select account_id, sum(case when kind <> 'churned' then amount end) as moved,
            count(*) filter (kind in ('contracted', 'expanded') and amount is null) as without_amount,
            sum(case when kind = 'churned' then -amount end) as lost
        from changes where date > {since} group by 1
    ),
    customers as (
        select a.arr_home - coalesce(m.moved, 0) as arr_then, a.arr_home as arr_now, false as is_lost,
            a.started_on is null as no_start, coalesce(m.without_amount, 0) > 0 as is_partial
        from accounts a left join moved m on m.account_id = a.account_id where coalesce(a.started_on <= {since}, true)
        union all
        select coalesce(nullif(f.arr, 0), m.lost) - coalesce(m.moved, 0), 0, true,
            f.started_on is null, coalesce(m.without_amount, 0) > 0
        from former f left join moved m on m.account_id = f.account_id
        where f.churned_on > {since} and coalesce(f.started_on <= {since}, true)
    ),
    judged as (select *, coalesce(arr_then >= 0, false) and not is_partial as is_known from customers)
    select count(*) filter (is_known) as accounts, coalesce(sum(arr_then) filter (is_known), 0) as starting_arr,
        coalesce(sum(least(arr_then, arr_now)) filter (is_known), 0) as kept_arr,
        coalesce(sum(arr_now) filter (is_known), 0) as arr_now,
        count(*) filter (is_known and is_lost) as lost_accounts,
        coalesce(sum(arr_then) filter (is_known and is_lost), 0) as lost_arr,
        count(*) filter (not is_known) as unknown_accounts, count(*) filter (no_start) as without_start
    from judged"""


def _retention(base: ScoredBase) -> Retention:
    since = base.as_of - timedelta(days=int(base.configuration.scoring.churn.rate_days.value))
    row = base.rows(_RETENTION.format(since=sql_date(since)))[0]
    start = row["starting_arr"]
    return Retention(
        since=since,
        accounts=row["accounts"],
        starting_arr=float(start),
        kept_arr=float(row["kept_arr"]),
        arr_now=float(row["arr_now"]),
        lost_accounts=row["lost_accounts"],
        lost_arr=float(row["lost_arr"]),
        gross=round(float(row["kept_arr"] / start), 6) if start else None,
        net=round(float(row["arr_now"] / start), 6) if start else None,
        unknown_accounts=row["unknown_accounts"],
        without_start=row["without_start"],
        definition=_definition(row, since),
    )


def _definition(row: Row, since: date) -> str:
    found = [
        f"Of the ARR that the customers of {format_date(since)} had then: gross retention is the share that is still there, "
        "growth left out; net retention counts growth as well. ARR then is ARR today less the changes that the outcomes have "
        "since; a churned account has none today. Customers who are gone from the data without an outcome are in neither."
    ]
    if row["unknown_accounts"]:
        found.append(f"{plural(row['unknown_accounts'], 'account')} with an unknown amount left out.")
    if row["without_start"]:
        found.append(
            f"{plural(row['without_start'], 'account')} without a start date counted as customers of that day."
        )
    return " ".join(found)


# words ---------------------------------------------------------------------------------------------------------------


def _notes(churn: ChurnSettings, periods: dict[str, RenewalPeriod]) -> tuple[str, ...]:
    lead = churn.decision_lead.value
    soon, later = churn.horizon_weeks.value, churn.order_weeks.value
    unknown, overdue = periods["unknown"], periods["overdue"]
    no_arr = sum(period.unknown_arr for period in periods.values())
    found = [
        "Every account counts once, by its next renewal date.",
        f"Expected: ARR × chance of staying. The chance is the one of this review that holds the renewal: within {soon:.0f} weeks "
        f"up to {soon * 7 + lead:.0f} days ahead, within {later:.0f} weeks up to {later * 7 + lead:.0f} days, else within a year. "
        "A renewal on record counts whole.",
        "Committed: a renewal on record whose date is still to come or was not moved, or the intent to renew in writing as "
        "the result of a step of a play.",
        "Outcome: what the outcomes of that month say; a loss counts with the ARR that the account had.",
    ]
    if overdue.accounts:
        found.append(f"Overdue: the date of {plural(overdue.accounts, 'account')} has passed. They are in no month.")
    if unknown.accounts:
        found.append(
            f"Renewal date unknown, or too long past to be believed: {plural(unknown.accounts, 'account')}, in no month."
        )
    if no_arr:
        found.append(f"ARR unknown: {plural(no_arr, 'account')}, counted and in no sum.")
    return tuple(found)
