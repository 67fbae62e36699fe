-- usage as one row an account
create or replace temp table usage_by_account as
-- Usage brought to one row an account, in one pass over the only table that grows with accounts times days.
-- Reads `usage`, rows dated on or before DATE '2026-11-23'. "Four weeks" is the 28 days that end on the review date (from
-- age 0), "before" as many days ahead of them. Averages are over recorded days: a day without a row is a gap, a row that says
-- zero is measured.
with
    usage_rows as (
        select
            account_id,
            cast(date_diff('day', date, cast(DATE '2026-11-23' as date)) as integer) as age,
            active_users,
            logins,
            core_actions,
            features_used
        from usage
        where date <= cast(DATE '2026-11-23' as date)
    )
select
    account_id,
    count(case when age < 2 * 28 then 1 end) as recent_rows,
    0 as recent_days,
    min(case when active_users is not null then age end) as age_last_row,
    max(case when active_users is not null then age end) as age_first_row,
    min(case when active_users > 0 then age end) as age_last_active,
    min(case when greatest(active_users, logins, core_actions) > 0 then age end) as age_last_used,
    -- Each signal is as old as the newest row that has its own column. Where a source says that a column is filled in every
    -- row, the test is "true", and the engine works the same minimum out only once.
    min(case when core_actions is not null then age end) as age_last_actions,
    min(case when logins is not null then age end) as age_last_logins,
    min(case when features_used is not null then age end) as age_last_features,
    avg(case when age < 28 then active_users end) as active_now,
    avg(case when age >= 28 and age < 2 * 28 then active_users end) as active_before,
    avg(case when age < 28 then core_actions end) as actions_now,
    avg(case when age >= 28 and age < 2 * 28 then core_actions end) as actions_before,
    sum(case when age < 28 then logins end) as logins_now,
    sum(case when age < 28 then active_users end) as user_days_now,
    max(case when age < 28 then features_used end) as features_now
from usage_rows
group by account_id;

-- loading 2026-W44
create or replace temp table month_then as
select
    * replace (
        cast(
            round(
                cast(
                    contract_arr * case
                        contract_currency
                        when 'AUD' then 0.56
                        when 'CAD' then 0.61
                        when 'CHF' then 1.07
                        when 'DKK' then 0.134
                        when 'GBP' then 1.14
                        when 'JPY' then 0.0056
                        when 'NOK' then 0.085
                        when 'PLN' then 0.236
                        when 'SEK' then 0.091
                        when 'USD' then 0.86
                        else 1
                    end as decimal(38, 8)
                ),
                2
            ) as decimal(18, 2)
        ) as arr
    ),
    arr as reported_arr,
    at_risk as reported_at_risk,
    velocity as reported_velocity
from read_parquet(['2026-W44.parquet']);

-- loading 2026-W44
create or replace temp view month_measured as
select
    * exclude (
        health,
        health_band,
        coverage,
        confidence,
        velocity,
        velocity_band,
        risk,
        score_tier,
        risk_tier,
        flagged,
        alarm,
        at_risk,
        rule,
        intervention_tier,
        reported_arr,
        reported_at_risk
    ) replace (
        case
            when arr > 100000.0e0 then 'enterprise'
            when arr < 20000.0e0 then 'small_business'
            else 'mid_market'
        end as size
    )
from month_then;

-- loading 2026-W44
create or replace temp table month as select * from month_then;

-- measuring usage
create or replace temp table usage_signals as
select
    part.account_id,
    part.arr_home > 100000.0e0 as is_enterprise,
    part.arr_home < 20000.0e0 as is_small_business,
    round((active_users_trend) * 1e6) / 1e6 as active_users_trend,
    round((core_actions_trend) * 1e6) / 1e6 as core_actions_trend,
    round((seat_utilisation) * 1e6) / 1e6 as seat_utilisation,
    round((logins_per_user) * 1e6) / 1e6 as logins_per_user,
    round((feature_breadth) * 1e6) / 1e6 as feature_breadth,
    cast(days_silent as double) as days_silent,
    round((active_users_before) * 1e6) / 1e6 as active_users_before,
    round((active_users_now) * 1e6) / 1e6 as active_users_now,
    actions_on,
    features_on,
    logins_on,
    usage_on
from
    (
        -- Usage signals, one row an account. Reads `usage_by_account` and the seats in `accounts`.
        -- Silence is counted between rows: from the latest recorded day back to the latest one with anybody active.
        select
            a.account_id,
            a.arr_home,
            case
                when w.active_before > 0 then 100 * (w.active_now - w.active_before) / w.active_before
            end as active_users_trend,
            w.active_before as active_users_before,
            w.active_now as active_users_now,
            case
                when w.actions_before > 0 then 100 * (w.actions_now - w.actions_before) / w.actions_before
            end as core_actions_trend,
            case
                when a.seats > 0 and w.active_now >= a.seats then 100
                when a.seats > 0 then 100 * w.active_now / a.seats
            end as seat_utilisation,
            case when w.user_days_now > 0 then w.logins_now / w.user_days_now end as logins_per_user,
            w.features_now as feature_breadth,
            coalesce(w.age_last_active, w.age_first_row + 1) - w.age_last_row as days_silent,
            cast(DATE '2026-11-23' as date) - cast(w.age_last_row as integer) as usage_on,
            cast(DATE '2026-11-23' as date) - cast(w.age_last_actions as integer) as actions_on,
            cast(DATE '2026-11-23' as date) - cast(w.age_last_logins as integer) as logins_on,
            cast(DATE '2026-11-23' as date) - cast(w.age_last_features as integer) as features_on
        from accounts a
        left join usage_by_account w on w.account_id = a.account_id
    ) part
order by account_id;

-- adding up usage
create or replace temp table usage_sums as
with
    step_0 as (
        select
            * replace (
                case when usage_on >= DATE '2026-11-16' then active_users_trend end as active_users_trend,
                case when actions_on >= DATE '2026-11-16' then core_actions_trend end as core_actions_trend,
                case when usage_on >= DATE '2026-11-16' then seat_utilisation end as seat_utilisation,
                case when logins_on >= DATE '2026-11-16' then logins_per_user end as logins_per_user,
                case when features_on >= DATE '2026-11-16' then feature_breadth end as feature_breadth,
                case when usage_on >= DATE '2026-11-16' then days_silent end as days_silent
            )
        from (select rowid as place, * from usage_signals)
    ),
    step_1 as (
        select
            *,
            round(
                (
                    case
                        when active_users_trend <= -50.0e0 then 0.0e0
                        when active_users_trend <= -30.0e0 then active_users_trend * 0.5e0 + 25.0e0
                        when active_users_trend <= -10.0e0 then active_users_trend * 2.5e0 + 85.0e0
                        when active_users_trend <= 0.0e0 then active_users_trend * 2.5e0 + 85.0e0
                        when active_users_trend <= 15.0e0 then active_users_trend * 1.0e0 + 85.0e0
                        when active_users_trend > 15.0e0 then 100.0e0
                    end
                ) * 1e6
            ) / 1e6 as c_active_users_trend,
            round(
                (
                    case
                        when core_actions_trend <= -50.0e0 then 0.0e0
                        when core_actions_trend <= -30.0e0 then core_actions_trend * 0.5e0 + 25.0e0
                        when core_actions_trend <= -10.0e0 then core_actions_trend * 2.5e0 + 85.0e0
                        when core_actions_trend <= 0.0e0 then core_actions_trend * 2.5e0 + 85.0e0
                        when core_actions_trend <= 15.0e0 then core_actions_trend * 1.0e0 + 85.0e0
                        when core_actions_trend > 15.0e0 then 100.0e0
                    end
                ) * 1e6
            ) / 1e6 as c_core_actions_trend,
            round(
                (
                    case
                        when seat_utilisation <= 10.0e0 then 0.0e0
                        when seat_utilisation <= 30.0e0 then seat_utilisation * 0.75e0 + -7.5e0
                        when seat_utilisation <= 60.0e0 then seat_utilisation * 1.8333333333333333e0 + -40.0e0
                        when seat_utilisation <= 85.0e0 then seat_utilisation * 1.2e0 + -2.0e0
                        when seat_utilisation > 85.0e0 then 100.0e0
                    end
                ) * 1e6
            ) / 1e6 as c_seat_utilisation,
            round(
                (
                    case
                        when logins_per_user <= 0.5e0 then 10.0e0
                        when logins_per_user <= 2.0e0 then logins_per_user * 33.333333333333336e0
                        + -6.666666666666668e0
                        when logins_per_user <= 5.0e0 then logins_per_user * 13.333333333333334e0
                        + 33.33333333333333e0
                        when logins_per_user > 5.0e0 then 100.0e0
                    end
                ) * 1e6
            ) / 1e6 as c_logins_per_user,
            round(
                (
                    case
                        when feature_breadth <= 1.0e0 then 10.0e0
                        when feature_breadth <= 3.0e0 then feature_breadth * 22.5e0 + -12.5e0
                        when feature_breadth <= 6.0e0 then feature_breadth * 11.666666666666666e0 + 20.0e0
                        when feature_breadth <= 9.0e0 then feature_breadth * 3.3333333333333335e0 + 70.0e0
                        when feature_breadth > 9.0e0 then 100.0e0
                    end
                ) * 1e6
            ) / 1e6 as c_feature_breadth,
            round(
                (
                    case
                        when days_silent <= 0.0e0 then 100.0e0
                        when days_silent <= 7.0e0 then days_silent * -3.5714285714285716e0 + 100.0e0
                        when days_silent <= 14.0e0 then days_silent * -6.428571428571429e0 + 120.0e0
                        when days_silent <= 28.0e0 then days_silent * -2.142857142857143e0 + 60.0e0
                        when days_silent > 28.0e0 then 0.0e0
                    end
                ) * 1e6
            ) / 1e6 as c_days_silent,
            active_users_trend < -30.0e0 as holds_7,
            active_users_before >= 5.0e0 as holds_8
        from step_0
    ),
    step_2 as (
        select
            *,
            case when c_active_users_trend is null then 0 else 40.0e0 end
            + case when c_core_actions_trend is null then 0 else 20.0e0 end
            + case when c_seat_utilisation is null then 0 else 14.0e0 end
            + case when c_logins_per_user is null then 0 else 4.0e0 end
            + case when c_feature_breadth is null then 0 else 6.0e0 end
            + case when c_days_silent is null then 0 else 10.0e0 end as k_usage,
            coalesce(c_active_users_trend * 40.0e0, 0)
            + coalesce(c_core_actions_trend * 20.0e0, 0)
            + coalesce(c_seat_utilisation * 14.0e0, 0)
            + coalesce(c_logins_per_user * 4.0e0, 0)
            + coalesce(c_feature_breadth * 6.0e0, 0)
            + coalesce(c_days_silent * 10.0e0, 0) as s_usage,
            case
                when c_active_users_trend < 70.0e0 then 0.42857142857142855e0 * (70.0e0 - c_active_users_trend)
                else 0
            end
            + case
                when c_core_actions_trend < 70.0e0 then 0.22857142857142856e0 * (70.0e0 - c_core_actions_trend)
                else 0
            end
            + case
                when c_seat_utilisation < 70.0e0 then 0.17142857142857143e0 * (70.0e0 - c_seat_utilisation)
                else 0
            end
            + case
                when c_logins_per_user < 70.0e0 then 0.05714285714285714e0 * (70.0e0 - c_logins_per_user)
                else 0
            end
            + case
                when c_feature_breadth < 70.0e0 then 0.08571428571428572e0 * (70.0e0 - c_feature_breadth)
                else 0
            end
            + case
                when c_days_silent < 70.0e0 then 0.45714285714285713e0 * (70.0e0 - c_days_silent) else 0
            end as p_usage
        from step_1
    ),
    final as (select * from step_2)
select place, k_usage, s_usage, p_usage, holds_7, holds_8
from final;

-- measuring support
create or replace temp table support_signals as
select
    part.account_id,
    part.arr_home > 100000.0e0 as is_enterprise,
    part.arr_home < 20000.0e0 as is_small_business,
    round((ticket_spike) * 1e6) / 1e6 as ticket_spike,
    cast(escalations as double) as escalations,
    cast(open_escalations as double) as open_escalations,
    cast(sla_breaches as double) as sla_breaches,
    round((support_csat) * 1e6) / 1e6 as support_csat,
    cast(oldest_urgent_ticket as double) as oldest_urgent_ticket,
    rated_on,
    tickets_on
from
    (
        -- Support signals, one row an account. Reads `tickets` and the CSAT answers in `surveys`.
        -- With tickets connected, an account without a ticket is a measured zero. Windows are inclusive: 90 days ago counts.
        with
            support_filled as (
                -- A column that no row fills is absent: it cannot prove that nothing happened.
                select
                    max(case when escalated is not null then 1 else 0 end) as has_escalated,
                    max(case when sla_breached is not null then 1 else 0 end) as has_breached,
                    max(case when priority is not null then 1 else 0 end) as has_priority,
                    max(case when closed_at is not null then 1 else 0 end) as has_closed,
                    max(case when closed_at is not null or status is not null then 1 else 0 end) as has_ends
                from tickets
            ),
            ticket_rows as (
                select
                    account_id,
                    opened_at,
                    date_diff('day', opened_at, cast(DATE '2026-11-23' as date)) as age,
                    -- Without a status, a ticket that was not closed is open only where the source records when tickets are closed.
                    case
                        when closed_at is not null or status = 'closed' then 0
                        when status = 'open' then 1
                        else h.has_closed
                    end as is_open,
                    case when escalated then 1 else 0 end as is_escalated,
                    case when sla_breached then 1 else 0 end as is_breached,
                    case when priority in ('high', 'urgent') then 1 else 0 end as is_urgent,
                    csat
                from tickets
                cross join support_filled h
                where opened_at <= cast(DATE '2026-11-23' as date)
            ),
            counts as (
                select
                    account_id,
                    sum(case when age <= 30 then 1 else 0 end) as month_now,
                    cast(sum(case when age > 30 and age <= 4 * 30 then 1 else 0 end) as double) / 3 as month_before,
                    sum(case when age <= 90 then is_escalated else 0 end) as escalations,
                    sum(is_escalated * is_open) as open_escalations,
                    sum(case when age <= 90 then is_breached else 0 end) as sla_breaches,
                    max(is_urgent * is_open * age) as oldest_urgent
                from ticket_rows
                group by account_id
            ),
            ratings as (
                select account_id, opened_at as date, csat as score
                from ticket_rows
                where csat is not null and age <= 90
                union all select account_id, date, score
                from surveys
                where
                    kind = 'csat'
                    and date <= cast(DATE '2026-11-23' as date)
                    and date_diff('day', date, cast(DATE '2026-11-23' as date)) <= 90
            ),
            satisfaction as (
                select account_id, avg(score) as support_csat, max(date) as rated_on
                from ratings
                group by account_id
            ),
            support_seen as ( select cast(DATE '2026-11-23' as date) as tickets_seen ),
            rates as (
                -- A usual month of less than one ticket counts as one: five tickets after a silent quarter are five times it.
                select
                    a.account_id,
                    a.arr_home,
                    coalesce(c.month_now, 0) as month_now,
                    cast(coalesce(c.month_now, 0) as double) / case when c.month_before > 1 then c.month_before else 1 end as ratio,
                    coalesce(c.escalations, 0) as escalations,
                    coalesce(c.open_escalations, 0) as open_escalations,
                    coalesce(c.sla_breaches, 0) as sla_breaches,
                    coalesce(c.oldest_urgent, 0) as oldest_urgent
                from accounts a
                left join counts c on c.account_id = a.account_id
            )
        select
            r.account_id,
            r.arr_home,
            case
                when s.tickets_seen is null then null
                when r.month_now >= 5 or r.ratio <= 1 then r.ratio
                else 1
            end as ticket_spike,
            case when s.tickets_seen is not null and h.has_escalated = 1 then r.escalations end as escalations,
            case
                when s.tickets_seen is not null
                and h.has_escalated = 1
                and h.has_ends = 1 then r.open_escalations
            end as open_escalations,
            case when s.tickets_seen is not null and h.has_breached = 1 then r.sla_breaches end as sla_breaches,
            f.support_csat,
            case
                when s.tickets_seen is not null and h.has_priority = 1 and h.has_ends = 1 then r.oldest_urgent
            end as oldest_urgent_ticket,
            s.tickets_seen as tickets_on,
            f.rated_on
        from rates r
        cross join support_seen s
        cross join support_filled h
        left join satisfaction f on f.account_id = r.account_id
    ) part
order by account_id;

-- adding up support
create or replace temp table support_sums as
with
    step_0 as (
        select
            * replace (
                case when tickets_on >= DATE '2026-11-20' or ticket_spike > 0 then ticket_spike end as ticket_spike,
                case when tickets_on >= DATE '2026-11-20' or escalations > 0 then escalations end as escalations,
                case
                    when tickets_on >= DATE '2026-11-20' or open_escalations > 0 then open_escalations
                end as open_escalations,
                case when tickets_on >= DATE '2026-11-20' or sla_breaches > 0 then sla_breaches end as sla_breaches,
                case when rated_on >= DATE '2026-08-25' then support_csat end as support_csat,
                case when tickets_on >= DATE '2026-11-20' then oldest_urgent_ticket end as oldest_urgent_ticket
            )
        from (select rowid as place, * from support_signals)
    ),
    step_1 as (
        select
            *,
            round(
                (
                    case
                        when ticket_spike <= 0.0e0 then 100.0e0
                        when ticket_spike <= 1.0e0 then ticket_spike * -10.0e0 + 100.0e0
                        when ticket_spike <= 1.5e0 then ticket_spike * -40.0e0 + 130.0e0
                        when ticket_spike <= 2.0e0 then ticket_spike * -80.0e0 + 190.0e0
                        when ticket_spike <= 4.0e0 then ticket_spike * -15.0e0 + 60.0e0
                        when ticket_spike > 4.0e0 then 0.0e0
                    end
                ) * 1e6
            ) / 1e6 as c_ticket_spike,
            round(
                (
                    case
                        when escalations <= 0.0e0 then 100.0e0
                        when escalations <= 1.0e0 then escalations * -85.0e0 + 100.0e0
                        when escalations <= 2.0e0 then escalations * -15.0e0 + 30.0e0
                        when escalations > 2.0e0 then 0.0e0
                    end
                ) * 1e6
            ) / 1e6 as c_escalations,
            round(
                (
                    case
                        when open_escalations <= 0.0e0 then 100.0e0
                        when open_escalations <= 1.0e0 then open_escalations * -80.0e0 + 100.0e0
                        when open_escalations <= 2.0e0 then open_escalations * -20.0e0 + 40.0e0
                        when open_escalations > 2.0e0 then 0.0e0
                    end
                ) * 1e6
            ) / 1e6 as c_open_escalations,
            round(
                (
                    case
                        when sla_breaches <= 0.0e0 then 100.0e0
                        when sla_breaches <= 1.0e0 then sla_breaches * -50.0e0 + 100.0e0
                        when sla_breaches <= 3.0e0 then sla_breaches * -20.0e0 + 70.0e0
                        when sla_breaches <= 5.0e0 then sla_breaches * -5.0e0 + 25.0e0
                        when sla_breaches > 5.0e0 then 0.0e0
                    end
                ) * 1e6
            ) / 1e6 as c_sla_breaches,
            round(
                (
                    case
                        when support_csat <= 1.0e0 then 0.0e0
                        when support_csat <= 3.0e0 then support_csat * 12.5e0 + -12.5e0
                        when support_csat <= 4.0e0 then support_csat * 55.0e0 + -140.0e0
                        when support_csat <= 5.0e0 then support_csat * 20.0e0 + 0.0e0
                        when support_csat > 5.0e0 then 100.0e0
                    end
                ) * 1e6
            ) / 1e6 as c_support_csat,
            round(
                (
                    case
                        when oldest_urgent_ticket <= 0.0e0 then 100.0e0
                        when oldest_urgent_ticket <= 7.0e0 then oldest_urgent_ticket * -4.285714285714286e0
                        + 100.0e0
                        when oldest_urgent_ticket <= 21.0e0 then oldest_urgent_ticket * -2.857142857142857e0
                        + 90.0e0
                        when oldest_urgent_ticket <= 45.0e0 then oldest_urgent_ticket * -1.25e0 + 56.25e0
                        when oldest_urgent_ticket > 45.0e0 then 0.0e0
                    end
                ) * 1e6
            ) / 1e6 as c_oldest_urgent_ticket,
            escalations >= 1.0e0 as holds_0,
            ticket_spike >= 2.0e0 as holds_6
        from step_0
    ),
    step_2 as (
        select
            *,
            case when c_ticket_spike is null then 0 else 20.0e0 end
            + case when c_escalations is null then 0 else 34.0e0 end
            + case when c_open_escalations is null then 0 else 10.0e0 end
            + case when c_sla_breaches is null then 0 else 14.0e0 end
            + case when c_support_csat is null then 0 else 20.0e0 end
            + case when c_oldest_urgent_ticket is null then 0 else 8.0e0 end as k_support,
            coalesce(c_ticket_spike * 20.0e0, 0)
            + coalesce(c_escalations * 34.0e0, 0)
            + coalesce(c_open_escalations * 10.0e0, 0)
            + coalesce(c_sla_breaches * 14.0e0, 0)
            + coalesce(c_support_csat * 20.0e0, 0)
            + coalesce(c_oldest_urgent_ticket * 8.0e0, 0) as s_support,
            case when c_ticket_spike < 70.0e0 then 0.2571428571428571e0 * (70.0e0 - c_ticket_spike) else 0 end
            + case when c_escalations < 70.0e0 then 0.4857142857142857e0 * (70.0e0 - c_escalations) else 0 end
            + case
                when c_open_escalations < 70.0e0 then 0.22857142857142856e0 * (70.0e0 - c_open_escalations)
                else 0
            end
            + case when c_sla_breaches < 70.0e0 then 0.2e0 * (70.0e0 - c_sla_breaches) else 0 end
            + case
                when c_support_csat < 70.0e0 then 0.17142857142857143e0 * (70.0e0 - c_support_csat) else 0
            end
            + case
                when c_oldest_urgent_ticket < 70.0e0 then 0.14285714285714285e0 * (70.0e0 - c_oldest_urgent_ticket)
                else 0
            end as p_support
        from step_1
    ),
    final as (select * from step_2)
select place, k_support, s_support, p_support, holds_0, holds_6
from final;

-- measuring sentiment
create or replace temp table sentiment_signals as
select
    part.account_id,
    part.arr_home > 100000.0e0 as is_enterprise,
    part.arr_home < 20000.0e0 as is_small_business,
    round((nps) * 1e6) / 1e6 as nps,
    round((nps_change) * 1e6) / 1e6 as nps_change,
    round((csm_pulse) * 1e6) / 1e6 as csm_pulse,
    case when written_on is not null then coalesce(evaluating_alternatives, 0.0::double) end as evaluating_alternatives,
    case when written_on is not null then coalesce(competitor_named, 0.0::double) end as competitor_named,
    case when written_on is not null then coalesce(budget_cut, 0.0::double) end as budget_cut,
    case when written_on is not null then coalesce(value_doubted, 0.0::double) end as value_doubted,
    case when written_on is not null then coalesce(feature_gap, 0.0::double) end as feature_gap,
    case when written_on is not null then coalesce(reorganisation, 0.0::double) end as reorganisation,
    answered_on,
    felt_on,
    written_on
from
    (
        -- Sentiment signals, one row an account. Reads `surveys`, `notes` and when anything was written in `tickets`. What was
        -- stated in those texts is found by reading them; "nothing stated" is known only where somebody wrote something.
        -- Where several answers share the latest day, the lowest one counts: the order of rows never matters.
        with
            answers as (
                select
                    account_id,
                    date,
                    score,
                    dense_rank() over (partition by account_id order by date desc) as recency
                from surveys
                where kind = 'nps' and date <= cast(DATE '2026-11-23' as date)
            ),
            nps as (
                select
                    account_id,
                    min(case when recency = 1 then score end) as latest,
                    min(case when recency = 2 then score end) as previous,
                    max(date) as answered_on
                from answers
                group by account_id
            ),
            pulses as (
                select
                    account_id,
                    date,
                    pulse,
                    dense_rank() over (partition by account_id order by date desc) as recency
                from notes
                where pulse is not null and date <= cast(DATE '2026-11-23' as date)
            ),
            pulse as (
                select account_id, min(pulse) as csm_pulse, max(date) as felt_on
                from pulses
                where recency = 1
                group by account_id
            ),
            texts as (
                select account_id, date
                from notes
                union all select account_id, opened_at as date
                from tickets
                where subject is not null or body is not null
                union all select account_id, date
                from surveys
                where comment is not null
            ),
            written as (
                select account_id, max(date) as written_on
                from texts
                where
                    date <= cast(DATE '2026-11-23' as date)
                    and date_diff('day', date, cast(DATE '2026-11-23' as date)) <= 90
                group by account_id
            )
        select
            a.account_id,
            a.arr_home,
            n.latest as nps,
            n.latest - n.previous as nps_change,
            p.csm_pulse,
            n.answered_on,
            p.felt_on,
            w.written_on
        from accounts a
        left join nps n on n.account_id = a.account_id
        left join pulse p on p.account_id = a.account_id
        left join written w on w.account_id = a.account_id
    ) part
left join
    (
        -- How often each intent was stated, one row an account that stated any. Reads `statements`: what was found in notes,
        -- tickets and survey comments.
        select
            account_id,
            cast(sum(case when intent = 'evaluating_alternatives' then 1 else 0 end) as double) as evaluating_alternatives,
            cast(sum(case when intent = 'competitor_named' then 1 else 0 end) as double) as competitor_named,
            cast(sum(case when intent = 'budget_cut' then 1 else 0 end) as double) as budget_cut,
            cast(sum(case when intent = 'value_doubted' then 1 else 0 end) as double) as value_doubted,
            cast(sum(case when intent = 'feature_gap' then 1 else 0 end) as double) as feature_gap,
            cast(sum(case when intent = 'reorganisation' then 1 else 0 end) as double) as reorganisation
        from statements
        group by account_id
    ) stated on stated.account_id = part.account_id
order by account_id;

-- adding up sentiment
create or replace temp table sentiment_sums as
with
    step_0 as (
        select
            * replace (
                case when answered_on >= DATE '2026-08-25' then nps end as nps,
                case when answered_on >= DATE '2026-08-25' then nps_change end as nps_change,
                case when felt_on >= DATE '2026-10-24' then csm_pulse end as csm_pulse,
                case
                    when written_on >= DATE '2026-10-24'
                    or evaluating_alternatives > 0 then evaluating_alternatives
                end as evaluating_alternatives,
                case
                    when written_on >= DATE '2026-10-24' or competitor_named > 0 then competitor_named
                end as competitor_named,
                case when written_on >= DATE '2026-10-24' or budget_cut > 0 then budget_cut end as budget_cut,
                case when written_on >= DATE '2026-10-24' or value_doubted > 0 then value_doubted end as value_doubted,
                case when written_on >= DATE '2026-10-24' or feature_gap > 0 then feature_gap end as feature_gap,
                case when written_on >= DATE '2026-10-24' or reorganisation > 0 then reorganisation end as reorganisation
            )
        from (select rowid as place, * from sentiment_signals)
    ),
    step_1 as (
        select
            *,
            round(
                (
                    case
                        when nps <= 0.0e0 then 0.0e0
                        when nps <= 6.0e0 then nps * 3.3333333333333335e0 + 0.0e0
                        when nps <= 7.0e0 then nps * 35.0e0 + -190.0e0
                        when nps <= 8.0e0 then nps * 25.0e0 + -120.0e0
                        when nps <= 10.0e0 then nps * 10.0e0 + 0.0e0
                        when nps > 10.0e0 then 100.0e0
                    end
                ) * 1e6
            ) / 1e6 as c_nps,
            round(
                (
                    case
                        when nps_change <= -6.0e0 then 0.0e0
                        when nps_change <= -3.0e0 then nps_change * 11.666666666666666e0 + 70.0e0
                        when nps_change <= 0.0e0 then nps_change * 16.666666666666668e0 + 85.0e0
                        when nps_change <= 2.0e0 then nps_change * 7.5e0 + 85.0e0
                        when nps_change > 2.0e0 then 100.0e0
                    end
                ) * 1e6
            ) / 1e6 as c_nps_change,
            round(
                (
                    case
                        when csm_pulse <= 1.0e0 then 0.0e0
                        when csm_pulse <= 2.0e0 then csm_pulse * 10.0e0 + -10.0e0
                        when csm_pulse <= 3.0e0 then csm_pulse * 45.0e0 + -80.0e0
                        when csm_pulse <= 4.0e0 then csm_pulse * 33.0e0 + -44.0e0
                        when csm_pulse <= 5.0e0 then csm_pulse * 12.0e0 + 40.0e0
                        when csm_pulse > 5.0e0 then 100.0e0
                    end
                ) * 1e6
            ) / 1e6 as c_csm_pulse,
            round(
                (
                    case
                        when evaluating_alternatives <= 0.0e0 then 100.0e0
                        when evaluating_alternatives <= 1.0e0 then evaluating_alternatives * -95.0e0 + 100.0e0
                        when evaluating_alternatives <= 3.0e0 then evaluating_alternatives * -2.5e0 + 7.5e0
                        when evaluating_alternatives > 3.0e0 then 0.0e0
                    end
                ) * 1e6
            ) / 1e6 as c_evaluating_alternatives,
            round(
                (
                    case
                        when competitor_named <= 0.0e0 then 100.0e0
                        when competitor_named <= 1.0e0 then competitor_named * -75.0e0 + 100.0e0
                        when competitor_named <= 3.0e0 then competitor_named * -12.5e0 + 37.5e0
                        when competitor_named > 3.0e0 then 0.0e0
                    end
                ) * 1e6
            ) / 1e6 as c_competitor_named,
            round(
                (
                    case
                        when budget_cut <= 0.0e0 then 100.0e0
                        when budget_cut <= 1.0e0 then budget_cut * -80.0e0 + 100.0e0
                        when budget_cut <= 3.0e0 then budget_cut * -10.0e0 + 30.0e0
                        when budget_cut > 3.0e0 then 0.0e0
                    end
                ) * 1e6
            ) / 1e6 as c_budget_cut,
            round(
                (
                    case
                        when value_doubted <= 0.0e0 then 100.0e0
                        when value_doubted <= 1.0e0 then value_doubted * -80.0e0 + 100.0e0
                        when value_doubted <= 3.0e0 then value_doubted * -10.0e0 + 30.0e0
                        when value_doubted > 3.0e0 then 0.0e0
                    end
                ) * 1e6
            ) / 1e6 as c_value_doubted,
            round(
                (
                    case
                        when feature_gap <= 0.0e0 then 100.0e0
                        when feature_gap <= 1.0e0 then feature_gap * -80.0e0 + 100.0e0
                        when feature_gap <= 3.0e0 then feature_gap * -10.0e0 + 30.0e0
                        when feature_gap > 3.0e0 then 0.0e0
                    end
                ) * 1e6
            ) / 1e6 as c_feature_gap,
            round(
                (
                    case
                        when reorganisation <= 0.0e0 then 100.0e0
                        when reorganisation <= 1.0e0 then reorganisation * -75.0e0 + 100.0e0
                        when reorganisation <= 3.0e0 then reorganisation * -12.5e0 + 37.5e0
                        when reorganisation > 3.0e0 then 0.0e0
                    end
                ) * 1e6
            ) / 1e6 as c_reorganisation,
            evaluating_alternatives >= 1.0e0 as holds_3,
            nps <= 6.0e0 as holds_4,
            feature_gap >= 1.0e0 as holds_11,
            value_doubted >= 1.0e0 as holds_12,
            budget_cut >= 1.0e0 as holds_13,
            reorganisation >= 1.0e0 as holds_14,
            csm_pulse <= 2.0e0 as holds_16
        from step_0
    ),
    step_2 as (
        select
            *,
            case when c_nps is null then 0 else 32.0e0 end
            + case when c_nps_change is null then 0 else 4.0e0 end
            + case when c_csm_pulse is null then 0 else 34.0e0 end
            + case when c_evaluating_alternatives is null then 0 else 14.0e0 end
            + case when c_competitor_named is null then 0 else 4.0e0 end
            + case when c_budget_cut is null then 0 else 4.0e0 end
            + case when c_value_doubted is null then 0 else 4.0e0 end
            + case when c_feature_gap is null then 0 else 4.0e0 end
            + case when c_reorganisation is null then 0 else 4.0e0 end as k_sentiment,
            coalesce(c_nps * 32.0e0, 0)
            + coalesce(c_nps_change * 4.0e0, 0)
            + coalesce(c_csm_pulse * 34.0e0, 0)
            + coalesce(c_evaluating_alternatives * 14.0e0, 0)
            + coalesce(c_competitor_named * 4.0e0, 0)
            + coalesce(c_budget_cut * 4.0e0, 0)
            + coalesce(c_value_doubted * 4.0e0, 0)
            + coalesce(c_feature_gap * 4.0e0, 0)
            + coalesce(c_reorganisation * 4.0e0, 0) as s_sentiment,
            case when c_nps < 70.0e0 then 0.2857142857142857e0 * (70.0e0 - c_nps) else 0 end
            + case when c_nps_change < 70.0e0 then 0.11428571428571428e0 * (70.0e0 - c_nps_change) else 0 end
            + case when c_csm_pulse < 70.0e0 then 0.22857142857142856e0 * (70.0e0 - c_csm_pulse) else 0 end
            + case
                when c_evaluating_alternatives < 70.0e0 then 0.6e0 * (70.0e0 - c_evaluating_alternatives)
                else 0
            end
            + case
                when c_competitor_named < 70.0e0 then 0.22857142857142856e0 * (70.0e0 - c_competitor_named)
                else 0
            end
            + case when c_budget_cut < 70.0e0 then 0.2571428571428571e0 * (70.0e0 - c_budget_cut) else 0 end
            + case
                when c_value_doubted < 70.0e0 then 0.2571428571428571e0 * (70.0e0 - c_value_doubted) else 0
            end
            + case when c_feature_gap < 70.0e0 then 0.2571428571428571e0 * (70.0e0 - c_feature_gap) else 0 end
            + case
                when c_reorganisation < 70.0e0 then 0.2571428571428571e0 * (70.0e0 - c_reorganisation) else 0
            end as p_sentiment
        from step_1
    ),
    final as (select * from step_2)
select
    place,
    k_sentiment,
    s_sentiment,
    p_sentiment,
    holds_3,
    holds_4,
    holds_11,
    holds_12,
    holds_13,
    holds_14,
    holds_16
from final;

-- measuring relationship
create or replace temp table relationship_signals as
select
    part.account_id,
    part.arr_home > 100000.0e0 as is_enterprise,
    part.arr_home < 20000.0e0 as is_small_business,
    cast(days_since_exec_touch as double) as days_since_exec_touch,
    cast(champion_status as double) as champion_status,
    cast(sponsor_changed as double) as sponsor_changed,
    cast(active_contacts as double) as active_contacts,
    cast(unanswered_outreach as double) as unanswered_outreach,
    cast(missed_meetings as double) as missed_meetings,
    round((response_days) * 1e6) / 1e6 as response_days,
    contacts_on,
    touchpoints_on
from
    (
        -- Relationship signals, one row an account. Reads `touchpoints` and `contacts`.
        -- An account without a single touchpoint on record is a gap, not neglect; one with touchpoints but no executive among
        -- them counts from the first day that the source covers (or the customer's start, if later).
        with
            executives as (
                select contact_id, account_id from contacts where role in ('exec_sponsor', 'economic_buyer')
            ),
            touch_rows as (
                select
                    t.account_id,
                    t.date,
                    date_diff('day', t.date, cast(DATE '2026-11-23' as date)) as age,
                    t.kind,
                    t.attended,
                    t.responded_at,
                    t.contact_id,
                    case
                        when t.attended = false then 0
                        when t.kind = 'exec_meeting' then 1
                        when t.kind in ('qbr', 'call') and e.contact_id is not null then 1
                        else 0
                    end as is_executive,
                    case when t.kind = 'exec_meeting' or e.contact_id is not null then 1 else 0 end as names_executive,
                    case
                        when t.attended then t.date
                        when t.responded_at <= cast(DATE '2026-11-23' as date) then t.responded_at
                    end as answered_on
                from touchpoints t
                left join executives e on e.contact_id = t.contact_id and e.account_id = t.account_id
                where t.date <= cast(DATE '2026-11-23' as date)
            ),
            touched as (
                -- By contact first: how many answered is then a count, and no row has to be looked at twice.
                select
                    account_id,
                    contact_id,
                    min(case when is_executive = 1 then age end) as exec_age,
                    max(names_executive) as names_executive,
                    max(answered_on) as last_answer,
                    max(
                        case
                            when contact_id is not null and answered_on is not null and age <= 60 then 1
                            else 0
                        end
                    ) as is_active,
                    sum(case when attended = false and kind <> 'email' and age <= 90 then 1 else 0 end) as missed_meetings,
                    sum(
                        case
                            when age <= 90
                            and responded_at is not null then date_diff('day', date, responded_at)
                        end
                    ) as waited,
                    sum(case when age <= 90 and responded_at is not null then 1 else 0 end) as responses
                from touch_rows
                group by account_id, contact_id
            ),
            touches as (
                select
                    account_id,
                    min(exec_age) as exec_age,
                    max(names_executive) as names_executive,
                    max(last_answer) as last_answer,
                    count(contact_id) as named_contacts,
                    sum(is_active) as active_contacts,
                    sum(missed_meetings) as missed_meetings,
                    case when sum(responses) > 0 then cast(sum(waited) as double) / sum(responses) end as response_days
                from touched
                group by account_id
            ),
            unanswered as (
                -- Outreach younger than three days has not had time for an answer. Read again rather than kept: it is few rows.
                select r.account_id, count(*) as outreach
                from touchpoints r
                join touches t on t.account_id = r.account_id
                where
                    r.outbound
                    and r.kind in ('email', 'call')
                    and not coalesce(r.attended, false)
                    and (r.responded_at is null or r.responded_at > cast(DATE '2026-11-23' as date))
                    and date_diff('day', r.date, cast(DATE '2026-11-23' as date)) between 4 and 60
                    and (t.last_answer is null or r.date > t.last_answer)
                group by r.account_id
            ),
            contact_rows as (
                select
                    account_id,
                    role,
                    departed_on,
                    case
                        when status is not null then status
                        when departed_on is not null then 'departed'
                        else 'active'
                    end as status
                from contacts
            ),
            people as (
                select
                    account_id,
                    sum(case when role = 'champion' and status = 'active' then 1 else 0 end) as champions,
                    sum(case when role = 'champion' and status = 'departed' then 1 else 0 end) as champions_gone,
                    sum(
                        case
                            when role in ('economic_buyer', 'exec_sponsor')
                            and status = 'departed'
                            and (
                                departed_on is null
                                or date_diff('day', departed_on, cast(DATE '2026-11-23' as date)) <= 180
                            ) then 1
                            else 0
                        end
                    ) as sponsors_gone
                from contact_rows
                group by account_id
            ),
            relationship_filled as (
                -- A column that no row fills is absent: it cannot prove that nothing was missed or left unanswered.
                select
                    max(case when outbound is not null then 1 else 0 end) as has_outbound,
                    max(case when attended is not null then 1 else 0 end) as has_attended,
                    max(case when attended is not null or responded_at is not null then 1 else 0 end) as has_answers
                from touchpoints
            ),
            executives_filled as (
                -- A source that names no executive anywhere has no word for one: it cannot show that nobody met them.
                select max(names_executive) as has_executives from touches
            ),
            contacts_filled as (
                -- The same for roles: where nobody is a champion, or nothing says who left, the source does not record it.
                select
                    max(case when role = 'champion' then 1 else 0 end) as has_champions,
                    max(case when role in ('economic_buyer', 'exec_sponsor') then 1 else 0 end) as has_sponsors,
                    max(case when status is not null or departed_on is not null then 1 else 0 end) as has_departures
                from contacts
            ),
            relationship_seen as (
                select
                    cast(DATE '2026-11-23' as date) as touchpoints_seen,
                    cast(DATE '2026-01-27' as date) as touchpoints_from,
                    -- Contacts carry no day of their own: they are as old as the export says, and else as they were read.
                    cast(NULL as date) as contacts_seen
            )
        select
            a.account_id,
            a.arr_home,
            case
                when x.has_executives is null or x.has_executives = 0 then null
                when t.exec_age is not null then t.exec_age
                when t.account_id is not null
                and a.started_on > s.touchpoints_from then date_diff('day', a.started_on, cast(DATE '2026-11-23' as date))
                when t.account_id is not null then date_diff('day', s.touchpoints_from, cast(DATE '2026-11-23' as date))
            end as days_since_exec_touch,
            case
                when p.account_id is null or c.has_champions = 0 then null
                when p.champions > 0 then 0
                when p.champions_gone > 0 then 2
                else 1
            end as champion_status,
            case when c.has_sponsors = 1 and c.has_departures = 1 then p.sponsors_gone end as sponsor_changed,
            case when t.named_contacts > 0 and h.has_answers = 1 then t.active_contacts end as active_contacts,
            case
                when t.account_id is not null
                and h.has_outbound = 1
                and h.has_answers = 1 then coalesce(u.outreach, 0)
            end as unanswered_outreach,
            case when h.has_attended = 1 then t.missed_meetings end as missed_meetings,
            t.response_days,
            s.touchpoints_seen as touchpoints_on,
            case
                when p.account_id is not null then coalesce(s.contacts_seen, cast(DATE '2026-11-23' as date))
            end as contacts_on
        from accounts a
        cross join relationship_seen s
        cross join relationship_filled h
        cross join executives_filled x
        cross join contacts_filled c
        left join touches t on t.account_id = a.account_id
        left join unanswered u on u.account_id = a.account_id
        left join people p on p.account_id = a.account_id
    ) part
order by account_id;

-- adding up relationship
create or replace temp table relationship_sums as
with
    step_0 as (
        select
            * replace (
                case when touchpoints_on >= DATE '2026-11-09' then days_since_exec_touch end as days_since_exec_touch,
                champion_status as champion_status,
                sponsor_changed as sponsor_changed,
                case when touchpoints_on >= DATE '2026-11-09' then active_contacts end as active_contacts,
                case
                    when touchpoints_on >= DATE '2026-11-09'
                    or unanswered_outreach > 0 then unanswered_outreach
                end as unanswered_outreach,
                case
                    when touchpoints_on >= DATE '2026-11-09' or missed_meetings > 0 then missed_meetings
                end as missed_meetings,
                case when touchpoints_on >= DATE '2026-11-09' then response_days end as response_days
            )
        from (select rowid as place, * from relationship_signals)
    ),
    step_1 as (
        select
            *,
            round(
                (
                    case
                        when days_since_exec_touch <= 30.0e0 then 100.0e0
                        when days_since_exec_touch <= 60.0e0 then days_since_exec_touch * -0.6666666666666666e0
                        + 120.0e0
                        when days_since_exec_touch <= 90.0e0 then days_since_exec_touch * -1.6666666666666667e0
                        + 180.0e0
                        when days_since_exec_touch <= 120.0e0 then days_since_exec_touch * -1.0e0 + 120.0e0
                        when days_since_exec_touch > 120.0e0 then 0.0e0
                    end
                ) * 1e6
            ) / 1e6 as c_days_since_exec_touch,
            round(
                (
                    case
                        when champion_status <= 0.0e0 then 100.0e0
                        when champion_status <= 1.0e0 then champion_status * -50.0e0 + 100.0e0
                        when champion_status <= 2.0e0 then champion_status * -50.0e0 + 100.0e0
                        when champion_status > 2.0e0 then 0.0e0
                    end
                ) * 1e6
            ) / 1e6 as c_champion_status,
            round(
                (
                    case
                        when sponsor_changed <= 0.0e0 then 100.0e0
                        when sponsor_changed <= 1.0e0 then sponsor_changed * -80.0e0 + 100.0e0
                        when sponsor_changed <= 2.0e0 then sponsor_changed * -20.0e0 + 40.0e0
                        when sponsor_changed > 2.0e0 then 0.0e0
                    end
                ) * 1e6
            ) / 1e6 as c_sponsor_changed,
            round(
                (
                    case
                        when active_contacts <= 0.0e0 then 0.0e0
                        when active_contacts <= 1.0e0 then active_contacts * 15.0e0 + 0.0e0
                        when active_contacts <= 2.0e0 then active_contacts * 50.0e0 + -35.0e0
                        when active_contacts <= 3.0e0 then active_contacts * 25.0e0 + 15.0e0
                        when active_contacts <= 5.0e0 then active_contacts * 5.0e0 + 75.0e0
                        when active_contacts > 5.0e0 then 100.0e0
                    end
                ) * 1e6
            ) / 1e6 as c_active_contacts,
            round(
                (
                    case
                        when unanswered_outreach <= 0.0e0 then 100.0e0
                        when unanswered_outreach <= 1.0e0 then unanswered_outreach * -25.0e0 + 100.0e0
                        when unanswered_outreach <= 3.0e0 then unanswered_outreach * -32.5e0 + 107.5e0
                        when unanswered_outreach <= 5.0e0 then unanswered_outreach * -5.0e0 + 25.0e0
                        when unanswered_outreach > 5.0e0 then 0.0e0
                    end
                ) * 1e6
            ) / 1e6 as c_unanswered_outreach,
            round(
                (
                    case
                        when missed_meetings <= 0.0e0 then 100.0e0
                        when missed_meetings <= 1.0e0 then missed_meetings * -30.0e0 + 100.0e0
                        when missed_meetings <= 2.0e0 then missed_meetings * -35.0e0 + 105.0e0
                        when missed_meetings <= 4.0e0 then missed_meetings * -17.5e0 + 70.0e0
                        when missed_meetings > 4.0e0 then 0.0e0
                    end
                ) * 1e6
            ) / 1e6 as c_missed_meetings,
            round(
                (
                    case
                        when response_days <= 1.0e0 then 100.0e0
                        when response_days <= 3.0e0 then response_days * -10.0e0 + 110.0e0
                        when response_days <= 7.0e0 then response_days * -10.0e0 + 110.0e0
                        when response_days <= 14.0e0 then response_days * -5.714285714285714e0 + 80.0e0
                        when response_days > 14.0e0 then 0.0e0
                    end
                ) * 1e6
            ) / 1e6 as c_response_days,
            days_since_exec_touch >= 90.0e0 as holds_9,
            champion_status >= 2.0e0 as holds_15
        from step_0
    ),
    step_2 as (
        select
            *,
            case
                when c_days_since_exec_touch is null then 0
                else case when is_enterprise then 28.0e0 when is_small_business then 8.0e0 else 20.0e0 end
            end
            + case when c_champion_status is null then 0 else 34.0e0 end
            + case when c_sponsor_changed is null then 0 else 8.0e0 end
            + case when c_active_contacts is null then 0 else 18.0e0 end
            + case when c_unanswered_outreach is null then 0 else 18.0e0 end
            + case when c_missed_meetings is null then 0 else 6.0e0 end
            + case when c_response_days is null then 0 else 2.0e0 end as k_relationship,
            coalesce(
                c_days_since_exec_touch * case when is_enterprise then 28.0e0 when is_small_business then 8.0e0 else 20.0e0 end,
                0
            )
            + coalesce(c_champion_status * 34.0e0, 0)
            + coalesce(c_sponsor_changed * 8.0e0, 0)
            + coalesce(c_active_contacts * 18.0e0, 0)
            + coalesce(c_unanswered_outreach * 18.0e0, 0)
            + coalesce(c_missed_meetings * 6.0e0, 0)
            + coalesce(c_response_days * 2.0e0, 0) as s_relationship,
            case
                when c_days_since_exec_touch < 70.0e0 then 0.2e0 * (70.0e0 - c_days_since_exec_touch) else 0
            end
            + case
                when c_champion_status < 70.0e0 then 0.37142857142857144e0 * (70.0e0 - c_champion_status)
                else 0
            end
            + case
                when c_sponsor_changed < 70.0e0 then 0.2571428571428571e0 * (70.0e0 - c_sponsor_changed)
                else 0
            end
            + case
                when c_active_contacts < 70.0e0 then 0.17142857142857143e0 * (70.0e0 - c_active_contacts)
                else 0
            end
            + case
                when c_unanswered_outreach < 70.0e0 then 0.2571428571428571e0 * (70.0e0 - c_unanswered_outreach)
                else 0
            end
            + case
                when c_missed_meetings < 70.0e0 then 0.17142857142857143e0 * (70.0e0 - c_missed_meetings)
                else 0
            end
            + case
                when c_response_days < 70.0e0 then 0.08571428571428572e0 * (70.0e0 - c_response_days) else 0
            end as p_relationship
        from step_1
    ),
    final as (select * from step_2)
select place, k_relationship, s_relationship, p_relationship, holds_9, holds_15
from final;

-- measuring commercial
create or replace temp table commercial_signals as
select
    part.account_id,
    part.arr_home > 100000.0e0 as is_enterprise,
    part.arr_home < 20000.0e0 as is_small_business,
    cast(payment_failed as double) as payment_failed,
    cast(invoice_overdue as double) as invoice_overdue,
    round((overdue_share) * 1e6) / 1e6 as overdue_share,
    round((arr_trend) * 1e6) / 1e6 as arr_trend,
    round((goals_behind) * 1e6) / 1e6 as goals_behind,
    round((amount_overdue) * 1e6) / 1e6 as amount_overdue,
    cast(renewal_in_days as double) as renewal_in_days,
    goals_on,
    invoices_on,
    outcomes_on
from
    (
        -- Commercial signals, one row an account. Reads `invoices`, `outcomes`, `goals` and the contract in `accounts`.
        -- A failed payment counts until it is made good. Renewal nearness amplifies risk; it is no signal of ill health.
        with
            invoice_rows as (
                -- An invoice that is not yet due, or of which nothing is known, proves nothing. A credit note (below zero) is what we
                -- owe, and nobody owes a zero. An invoice is not set off against a credit note: the export does not say which.
                select
                    account_id,
                    date_diff('day', due_date, cast(DATE '2026-11-23' as date)) as days_past,
                    case
                        when status in ('open', 'failed') and paid_on is null and amount > 0 then 1 else 0
                    end as is_owed,
                    case when status = 'failed' then 1 else 0 end as is_failed,
                    case when status is not null or paid_on is not null then 1 else 0 end as is_known,
                    case when due_date is null then 1 else 0 end as is_undated,
                    amount_home
                from invoices
            ),
            billed as (
                select
                    account_id,
                    sum(
                        case
                            when days_past >= 0 then is_known
                            when is_undated = 1 and is_owed = 0 then is_known
                            else 0
                        end
                    ) as known,
                    sum(case when days_past >= 0 or is_undated = 1 then is_failed * is_owed else 0 end) as failed,
                    -- Owed, and nobody knows since when: such an account is not known to owe nothing.
                    max(is_undated * is_owed) as undated,
                    max(case when days_past > 0 then days_past * is_owed else 0 end) as days_overdue,
                    sum(case when days_past > 0 and is_owed = 1 then amount_home end) as amount_overdue
                from invoice_rows
                group by account_id
            ),
            changes as (
                select
                    account_id,
                    -- Money is summed as a decimal, which is exact, and only the sum becomes a double: the order of rows, the
                    -- number of threads and the version of the engine cannot move a cent.
                    cast(sum(coalesce(arr_change, 0)) as double) as arr_change,
                    max(date) as outcomes_on,
                    max(
                        case when kind in ('contracted', 'expanded') and arr_change is null then 1 else 0 end
                    ) as is_partial
                from outcomes
                where
                    date <= cast(DATE '2026-11-23' as date)
                    and date_diff('day', date, cast(DATE '2026-11-23' as date)) <= 365
                group by account_id
            ),
            agreed as (
                select
                    account_id,
                    cast(sum(case when status in ('behind', 'missed') then 1 else 0 end) as double) as behind,
                    sum(case when status is not null then 1 else 0 end) as known
                from goals
                group by account_id
            ),
            commercial_seen as ( select cast(DATE '2026-11-23' as date) as invoices_seen, cast(NULL as date) as goals_seen )
        select
            a.account_id,
            a.arr_home,
            case when b.failed > 0 or (b.known > 0 and b.undated = 0) then b.failed end as payment_failed,
            case when b.days_overdue > 0 or (b.known > 0 and b.undated = 0) then b.days_overdue end as invoice_overdue,
            case
                when (b.days_overdue > 0 or (b.known > 0 and b.undated = 0))
                and a.arr_home > 0 then 100 * cast(coalesce(b.amount_overdue, 0) as double) / cast(a.arr_home as double)
            end as overdue_share,
            cast(coalesce(b.amount_overdue, 0) as double) as amount_overdue,
            case
                when c.is_partial = 0
                and cast(a.arr as double) - c.arr_change > 0 then 100 * c.arr_change / (cast(a.arr as double) - c.arr_change)
            end as arr_trend,
            case when g.known > 0 then 100 * g.behind / g.known end as goals_behind,
            -- A renewal long past is a question about the data: nobody knows when the contract really ends.
            case
                when date_diff('day', a.renewal_date, cast(DATE '2026-11-23' as date)) <= 365 then date_diff('day', cast(DATE '2026-11-23' as date), a.renewal_date)
            end as renewal_in_days,
            s.invoices_seen as invoices_on,
            c.outcomes_on,
            -- Goals carry no day of their own: they are as old as the export says, and else as they were read.
            case when g.known > 0 then coalesce(s.goals_seen, cast(DATE '2026-11-23' as date)) end as goals_on
        from accounts a
        cross join commercial_seen s
        left join billed b on b.account_id = a.account_id
        left join changes c on c.account_id = a.account_id
        left join agreed g on g.account_id = a.account_id
    ) part
order by account_id;

-- adding up commercial
create or replace temp table commercial_sums as
with
    step_0 as (
        select
            * replace (
                case when invoices_on >= DATE '2026-10-24' or payment_failed > 0 then payment_failed end as payment_failed,
                case when invoices_on >= DATE '2026-10-24' or invoice_overdue > 0 then invoice_overdue end as invoice_overdue,
                case when invoices_on >= DATE '2026-10-24' or overdue_share > 0 then overdue_share end as overdue_share,
                arr_trend as arr_trend,
                goals_behind as goals_behind
            )
        from (select rowid as place, * from commercial_signals)
    ),
    step_1 as (
        select
            *,
            round(
                (
                    case
                        when payment_failed <= 0.0e0 then 100.0e0
                        when payment_failed <= 1.0e0 then payment_failed * -90.0e0 + 100.0e0
                        when payment_failed <= 2.0e0 then payment_failed * -10.0e0 + 20.0e0
                        when payment_failed > 2.0e0 then 0.0e0
                    end
                ) * 1e6
            ) / 1e6 as c_payment_failed,
            round(
                (
                    case
                        when invoice_overdue <= 0.0e0 then 100.0e0
                        when invoice_overdue <= 15.0e0 then invoice_overdue * -2.0e0 + 100.0e0
                        when invoice_overdue <= 30.0e0 then invoice_overdue * -1.6666666666666667e0 + 95.0e0
                        when invoice_overdue <= 60.0e0 then invoice_overdue * -1.1666666666666667e0 + 80.0e0
                        when invoice_overdue <= 90.0e0 then invoice_overdue * -0.3333333333333333e0 + 30.0e0
                        when invoice_overdue > 90.0e0 then 0.0e0
                    end
                ) * 1e6
            ) / 1e6 as c_invoice_overdue,
            round(
                (
                    case
                        when overdue_share <= 0.0e0 then 100.0e0
                        when overdue_share <= 10.0e0 then overdue_share * -3.0e0 + 100.0e0
                        when overdue_share <= 25.0e0 then overdue_share * -2.6666666666666665e0
                        + 96.66666666666666e0
                        when overdue_share <= 50.0e0 then overdue_share * -1.2e0 + 60.0e0
                        when overdue_share > 50.0e0 then 0.0e0
                    end
                ) * 1e6
            ) / 1e6 as c_overdue_share,
            round(
                (
                    case
                        when arr_trend <= -40.0e0 then 0.0e0
                        when arr_trend <= -15.0e0 then arr_trend * 1.6e0 + 64.0e0
                        when arr_trend <= 0.0e0 then arr_trend * 3.0e0 + 85.0e0
                        when arr_trend <= 15.0e0 then arr_trend * 1.0e0 + 85.0e0
                        when arr_trend > 15.0e0 then 100.0e0
                    end
                ) * 1e6
            ) / 1e6 as c_arr_trend,
            round(
                (
                    case
                        when goals_behind <= 0.0e0 then 100.0e0
                        when goals_behind <= 25.0e0 then goals_behind * -1.2e0 + 100.0e0
                        when goals_behind <= 50.0e0 then goals_behind * -2.2e0 + 125.0e0
                        when goals_behind <= 100.0e0 then goals_behind * -0.3e0 + 30.0e0
                        when goals_behind > 100.0e0 then 0.0e0
                    end
                ) * 1e6
            ) / 1e6 as c_goals_behind,
            payment_failed >= 1.0e0 as holds_1,
            invoice_overdue > 60.0e0 as holds_2,
            renewal_in_days <= 90.0e0 as holds_5,
            renewal_in_days <= 180.0e0 as holds_10,
            renewal_in_days <= 120.0e0 as holds_17
        from step_0
    ),
    step_2 as (
        select
            *,
            case when c_payment_failed is null then 0 else 24.0e0 end
            + case when c_invoice_overdue is null then 0 else 24.0e0 end
            + case when c_overdue_share is null then 0 else 4.0e0 end
            + case when c_arr_trend is null then 0 else 16.0e0 end
            + case when c_goals_behind is null then 0 else 32.0e0 end as k_commercial,
            coalesce(c_payment_failed * 24.0e0, 0)
            + coalesce(c_invoice_overdue * 24.0e0, 0)
            + coalesce(c_overdue_share * 4.0e0, 0)
            + coalesce(c_arr_trend * 16.0e0, 0)
            + coalesce(c_goals_behind * 32.0e0, 0) as s_commercial,
            case
                when c_payment_failed < 70.0e0 then 0.45714285714285713e0 * (70.0e0 - c_payment_failed) else 0
            end
            + case
                when c_invoice_overdue < 70.0e0 then 0.2571428571428571e0 * (70.0e0 - c_invoice_overdue)
                else 0
            end
            + case
                when c_overdue_share < 70.0e0 then 0.08571428571428572e0 * (70.0e0 - c_overdue_share) else 0
            end
            + case when c_arr_trend < 70.0e0 then 0.17142857142857143e0 * (70.0e0 - c_arr_trend) else 0 end
            + case
                when c_goals_behind < 70.0e0 then 0.22857142857142856e0 * (70.0e0 - c_goals_behind) else 0
            end as p_commercial
        from step_1
    ),
    final as (select * from step_2)
select place, k_commercial, s_commercial, p_commercial, holds_1, holds_2, holds_5, holds_10, holds_17
from final;

-- health about a month ago
create or replace temp table month_health as
select a.account_id, m.health
from accounts a
left join month m on m.account_id = a.account_id
order by account_id;

-- the signals side by side
create or replace temp view measured as
select
    accounts.account_id as account_id,
    accounts.name as name,
    coalesce(
        accounts.segment,
        case
            when accounts.arr_home > 100000.0e0 then 'enterprise'
            when accounts.arr_home < 20000.0e0 then 'small_business'
            else 'mid_market'
        end
    ) as segment,
    case
        when accounts.arr_home > 100000.0e0 then 'enterprise'
        when accounts.arr_home < 20000.0e0 then 'small_business'
        else 'mid_market'
    end as size,
    accounts.arr_home as arr,
    accounts.arr as contract_arr,
    coalesce(upper(accounts.currency), 'EUR') as contract_currency,
    accounts.renewal_date as renewal_date,
    accounts.csm_id as csm_id,
    accounts.exec_sponsor_id as exec_sponsor_id,
    accounts.lifecycle_stage as lifecycle_stage,
    accounts.parent_account_id as parent_account_id,
    accounts.started_on as started_on,
    month_health.health as health_month_ago,
    active_users_trend,
    core_actions_trend,
    seat_utilisation,
    logins_per_user,
    feature_breadth,
    days_silent,
    ticket_spike,
    escalations,
    open_escalations,
    sla_breaches,
    support_csat,
    oldest_urgent_ticket,
    nps,
    nps_change,
    csm_pulse,
    evaluating_alternatives,
    competitor_named,
    budget_cut,
    value_doubted,
    feature_gap,
    reorganisation,
    days_since_exec_touch,
    champion_status,
    sponsor_changed,
    active_contacts,
    unanswered_outreach,
    missed_meetings,
    response_days,
    payment_failed,
    invoice_overdue,
    overdue_share,
    arr_trend,
    goals_behind,
    active_users_before,
    active_users_now,
    amount_overdue,
    renewal_in_days,
    actions_on,
    answered_on,
    contacts_on,
    features_on,
    felt_on,
    goals_on,
    invoices_on,
    logins_on,
    outcomes_on,
    rated_on,
    tickets_on,
    touchpoints_on,
    usage_on,
    written_on
from accounts
positional join usage_signals
positional join support_signals
positional join sentiment_signals
positional join relationship_signals
positional join commercial_signals
positional join month_health;

-- health, risk and the rules that fire
create or replace temp table scores as
with
    step_0 as (
        select
            case
                when accounts.arr_home > 100000.0e0 then 'enterprise'
                when accounts.arr_home < 20000.0e0 then 'small_business'
                else 'mid_market'
            end as size,
            accounts.arr_home as arr,
            month_health.health as health_month_ago,
            usage_signals.rowid as place,
            renewal_in_days,
            k_usage,
            s_usage,
            p_usage,
            k_support,
            s_support,
            p_support,
            k_sentiment,
            s_sentiment,
            p_sentiment,
            k_relationship,
            s_relationship,
            p_relationship,
            k_commercial,
            s_commercial,
            p_commercial,
            holds_0,
            holds_1,
            holds_2,
            holds_3,
            holds_4,
            holds_5,
            holds_6,
            holds_7,
            holds_8,
            holds_9,
            holds_10,
            holds_11,
            holds_12,
            holds_13,
            holds_14,
            holds_15,
            holds_16,
            holds_17
        from accounts
        positional join usage_signals
        positional join support_signals
        positional join sentiment_signals
        positional join relationship_signals
        positional join commercial_signals
        positional join month_health
        positional join usage_sums
        positional join support_sums
        positional join sentiment_sums
        positional join relationship_sums
        positional join commercial_sums
    ),
    step_1 as (
        select *, size = 'enterprise' as is_enterprise, size = 'small_business' as is_small_business
        from step_0
    ),
    step_2 as (
        select
            *,
            case
                when k_usage > 0 then case when is_enterprise then 25.0e0 when is_small_business then 40.0e0 else 30.0e0 end
                else 0
            end as w_usage,
            case
                when k_support > 0 then case when is_enterprise then 15.0e0 when is_small_business then 20.0e0 else 20.0e0 end
                else 0
            end as w_support,
            case when k_sentiment > 0 then 15.0e0 else 0 end as w_sentiment,
            case
                when k_relationship > 0 then case when is_enterprise then 30.0e0 when is_small_business then 10.0e0 else 20.0e0 end
                else 0
            end as w_relationship,
            case when k_commercial > 0 then 15.0e0 else 0 end as w_commercial,
            p_usage + p_support + p_sentiment + p_relationship + p_commercial as base,
            case when p_usage >= 10.0e0 then 1 else p_usage / 10.0e0 end
            + case when p_support >= 10.0e0 then 1 else p_support / 10.0e0 end
            + case when p_sentiment >= 10.0e0 then 1 else p_sentiment / 10.0e0 end
            + case when p_relationship >= 10.0e0 then 1 else p_relationship / 10.0e0 end
            + case when p_commercial >= 10.0e0 then 1 else p_commercial / 10.0e0 end as warning
        from step_1
    ),
    step_3 as (
        select
            *,
            w_usage + w_support + w_sentiment + w_relationship + w_commercial as w_known,
            round(
                (
                    (
                        w_usage * k_usage / 94.0e0
                        + w_support * k_support / 106.0e0
                        + w_sentiment * k_sentiment / 104.0e0
                        + w_relationship * k_relationship / case
                            when is_enterprise then 114.0e0 when is_small_business then 94.0e0 else 106.0e0
                        end
                        + w_commercial * k_commercial / 100.0e0
                    ) / 97.6e0
                ) * 1e6
            ) / 1e6 as coverage,
            case when warning > 1 then 1 + 0.12e0 * (warning - 1) else 1 end as clustering,
            1
            + 0.35e0 * (
                180.0e0 - (
                    case
                        when renewal_in_days is null or renewal_in_days >= 180.0e0 then 180.0e0
                        when renewal_in_days <= 0 then 0
                        else renewal_in_days
                    end
                )
            ) / 180.0e0 as nearness
        from step_2
    ),
    step_4 as (
        select
            *,
            case
                when coverage >= 0.5e0 then round(
                    (
                        (
                            case when k_usage > 0 then w_usage * s_usage / k_usage else 0 end
                            + case when k_support > 0 then w_support * s_support / k_support else 0 end
                            + case
                                when k_sentiment > 0 then w_sentiment * s_sentiment / k_sentiment else 0
                            end
                            + case
                                when k_relationship > 0 then w_relationship * s_relationship / k_relationship
                                else 0
                            end
                            + case
                                when k_commercial > 0 then w_commercial * s_commercial / k_commercial else 0
                            end
                        ) / w_known
                    ) * 1e6
                ) / 1e6
            end as health,
            round((100 * (1 - exp(-(base * clustering * nearness / 72.0e0)))) * 1e6) / 1e6 as risk
        from step_3
    ),
    step_5 as (select *, round(((health - health_month_ago) / 30.0e0) * 1e6) / 1e6 as velocity from step_4),
    step_6 as (
        select
            *,
            coalesce(
                (holds_0)
                or (holds_1)
                or (holds_2)
                or (holds_3)
                or (holds_4 and holds_5)
                or (holds_6)
                or (holds_7 and holds_8)
                or ((holds_9 and size <> 'small_business') and holds_10 and risk >= 25.0e0)
                or (holds_11 and holds_5)
                or (holds_12 and holds_5)
                or (holds_13 and holds_5)
                or (holds_14 and holds_5)
                or (holds_15 and holds_5)
                or (holds_11 and holds_10)
                or (holds_12 and holds_10)
                or (holds_13 and holds_10)
                or (holds_14 and holds_10)
                or (holds_15 and holds_10)
                or (holds_16 and holds_17),
                false
            ) as flagged,
            coalesce(velocity <= -0.5e0, false) as alarm
        from step_5
    ),
    step_7 as (select *, (risk > 60.0e0 or alarm or flagged) as at_risk from step_6),
    step_8 as (
        select
            *,
            cast(
                case
                    when at_risk then case
                        when (holds_0) then 1
                        when (holds_1) then 2
                        when (holds_2) then 3
                        when (holds_3) then 4
                        when (holds_4 and holds_5) then 5
                        when (holds_6) then 6
                        when (holds_7 and holds_8) then 7
                        when (holds_9 and size <> 'small_business') then 8
                        when (holds_11 and holds_5) then 9
                        when (holds_12 and holds_5) then 10
                        when (holds_13 and holds_5) then 11
                        when (holds_14 and holds_5) then 12
                        when (holds_15 and holds_5) then 13
                        when (holds_11 and holds_10) then 14
                        when (holds_12 and holds_10) then 15
                        when (holds_13 and holds_10) then 16
                        when (holds_14 and holds_10) then 17
                        when (holds_15 and holds_10) then 18
                        when (holds_16 and holds_17) then 19
                    end
                end as utinyint
            ) as rule_number
        from step_7
    ),
    final as (select * from step_8)
select place, health, coverage, velocity, risk, flagged, alarm, at_risk, renewal_in_days, rule_number
from final;

-- the terms of the contracts
create or replace temp table terms as
select a.account_id, case when a.days >= 25.0e0 and a.days < 365.0e0 then a.days end as term_days
from
    (
        select
            accounts.account_id,
            coalesce(
                cast(round(accounts.term_months * 365e0 / 12) as bigint),
                date_diff('day', coalesce(r.renewed_on, accounts.started_on), accounts.renewal_date)
            ) as days
        from accounts
        left join
            (
                select account_id, max(date) as renewed_on
                from outcomes
                where kind = 'renewed' and date <= DATE '2026-11-23'
                group by account_id
            ) r on r.account_id = accounts.account_id
    ) a
order by a.account_id;

-- what decisions and risk add to the odds
create or replace temp table odds as
select
    place,
    round(
        (
            (
                case
                    when term_days <= 121.0e0 or renewal_in_days <= 121.0e0 then 1
                    when renewal_in_days is null then 0.4e0
                    else 0
                end
            ) * ln(1 + 2.1180158574537225e0 / least(121.0e0 / least(coalesce(term_days, 365.0e0), 365.0e0), 1))
        ) * 1e6
    ) / 1e6 as decision_odds,
    round(
        (
            (
                case
                    when term_days <= 212.0e0 or renewal_in_days <= 212.0e0 then 1
                    when renewal_in_days is null then 0.4e0
                    else 0
                end
            ) * ln(1 + 3.7109038163651995e0 / least(212.0e0 / least(coalesce(term_days, 365.0e0), 365.0e0), 1))
        ) * 1e6
    ) / 1e6 as order_decision_odds,
    round((0.04e0 * risk) * 1e6) / 1e6 as risk_odds
from
    (
        select scores.rowid as place, scores.risk, scores.renewal_in_days, terms.term_days
        from scores
        positional join terms
    );

-- the level at which the mean chance is 0.0259
with
    recursive lines as materialized (
        select cast(round(decision_odds + risk_odds, 3) as double) as odds, count(*) as n from odds group by 1
    ),
    halving as (
        select 0 as step, -40e0 as low, 40e0 as high
        union all
            select
                step + 1,
                case when below then (low + high) / 2 else low end,
                case when below then high else (low + high) / 2 end
        from
            (
                select
                    h.step,
                    h.low,
                    h.high,
                    sum(cast(l.n / (1 + exp(-((h.low + h.high) / 2 + l.odds))) as decimal(18, 9))) < (select sum(n) * 0.025925962314502393e0 from lines) as below
                from halving h, lines l
                where h.step < 42
                group by h.step, h.low, h.high
            )
    )
select round((low + high) / 2, 9)
from halving
order by step desc
limit 1;

-- the level at which the mean chance is 0.0512
with
    recursive lines as materialized (
        select cast(round(order_decision_odds + risk_odds, 3) as double) as odds, count(*) as n
        from odds
        group by 1
    ),
    halving as (
        select 0 as step, -40e0 as low, 40e0 as high
        union all
            select
                step + 1,
                case when below then (low + high) / 2 else low end,
                case when below then high else (low + high) / 2 end
        from
            (
                select
                    h.step,
                    h.low,
                    h.high,
                    sum(cast(l.n / (1 + exp(-((h.low + h.high) / 2 + l.odds))) as decimal(18, 9))) < (select sum(n) * 0.05117976910707178e0 from lines) as below
                from halving h, lines l
                where h.step < 42
                group by h.step, h.low, h.high
            )
    )
select round((low + high) / 2, 9)
from halving
order by step desc
limit 1;

-- the names of bands and tiers, the chance of leaving and money
create or replace temp view scored as
with
    step_0 as (
        select
            accounts.account_id as account_id,
            accounts.name as name,
            coalesce(
                accounts.segment,
                case
                    when accounts.arr_home > 100000.0e0 then 'enterprise'
                    when accounts.arr_home < 20000.0e0 then 'small_business'
                    else 'mid_market'
                end
            ) as segment,
            case
                when accounts.arr_home > 100000.0e0 then 'enterprise'
                when accounts.arr_home < 20000.0e0 then 'small_business'
                else 'mid_market'
            end as size,
            accounts.arr_home as arr,
            accounts.arr as contract_arr,
            coalesce(upper(accounts.currency), 'EUR') as contract_currency,
            accounts.renewal_date as renewal_date,
            accounts.csm_id as csm_id,
            accounts.exec_sponsor_id as exec_sponsor_id,
            accounts.lifecycle_stage as lifecycle_stage,
            accounts.parent_account_id as parent_account_id,
            accounts.started_on as started_on,
            month_health.health as health_month_ago,
            scores.health,
            scores.coverage,
            scores.velocity,
            scores.risk,
            scores.flagged,
            scores.alarm,
            scores.at_risk,
            scores.renewal_in_days,
            scores.rule_number,
            odds.decision_odds,
            odds.order_decision_odds,
            odds.risk_odds
        from accounts
        positional join scores
        positional join odds
        positional join month_health
    ),
    step_1 as (
        select
            *,
            case
                when health is null then 'not_scored'
                when health >= 80.0e0 then 'green'
                when health >= 60.0e0 then 'yellow'
                when health >= 0.0e0 then 'red'
            end as health_band,
            case
                when velocity is null then 'unknown'
                when velocity <= -0.5e0 then 'alarm'
                when velocity <= -0.2e0 then 'concern'
                when velocity <= 0.2e0 then 'stable'
                else 'improving'
            end as velocity_band,
            case
                when (
                    coverage * case
                        size when 'enterprise' then 0.976e0 when 'small_business' then 0.976e0 else 0.976e0
                    end
                ) >= 0.85e0 then 'high'
                when (
                    coverage * case
                        size when 'enterprise' then 0.976e0 when 'small_business' then 0.976e0 else 0.976e0
                    end
                ) >= 0.65e0 then 'medium'
                else 'low'
            end as confidence,
            case
                when risk >= 85.0e0 then 'critical'
                when risk >= 65.0e0 then 'high'
                when risk >= 45.0e0 then 'medium'
                when risk >= 0.0e0 then 'low'
            end as score_tier
        from step_0
    ),
    step_2 as (
        select
            *,
            list_extract(
                [
                    'escalation',
                    'payment_failed',
                    'payment_overdue',
                    'evaluating',
                    'detractor_near_renewal',
                    'support_spike',
                    'usage_down',
                    'no_executive_touch',
                    'gap_soon',
                    'value_doubt_soon',
                    'budget_cut_soon',
                    'new_owners_soon',
                    'champion_gone_soon',
                    'gap',
                    'value_doubt',
                    'budget_cut',
                    'new_owners',
                    'champion_gone',
                    'low_pulse'
                ],
                rule_number
            ) as rule,
            case when at_risk and score_tier = 'low' then 'medium' else score_tier end as risk_tier,
            case
                when not at_risk and renewal_in_days <= 90.0e0 then 'watch'
                when not at_risk then null
                when rule_number = 1 then 'critical'
                when rule_number = 2 then 'critical'
                when rule_number = 3 then 'critical'
                when rule_number = 4 then 'critical'
                when rule_number = 5 then 'critical'
                when rule_number = 6 then 'high'
                when rule_number = 7 then 'high'
                when rule_number = 8 then 'high'
                when rule_number = 9 then 'high'
                when rule_number = 10 then 'high'
                when rule_number = 11 then 'high'
                when rule_number = 12 then 'high'
                when rule_number = 13 then 'high'
                when rule_number = 14 then 'medium'
                when rule_number = 15 then 'medium'
                when rule_number = 16 then 'medium'
                when rule_number = 17 then 'medium'
                when rule_number = 18 then 'medium'
                when rule_number = 19 then 'medium'
                else 'medium'
            end as intervention_tier
        from step_1
    ),
    step_3 as (
        select
            *,
            round((1 / (1 + exp(-(-4.037963007e0 + decision_odds + risk_odds)))) * 1e6) / 1e6 as churn_probability,
            round((1 / (1 + exp(-(-5.328647442e0 + order_decision_odds + risk_odds)))) * 1e6) / 1e6 as order_probability
        from step_2
    ),
    step_4 as (
        select
            *, cast(round(cast(arr as double) * churn_probability, 2) as decimal(18, 2)) as expected_churn_arr
        from step_3
    ),
    final as (select * from step_4)
select
    account_id,
    name,
    segment,
    size,
    arr,
    contract_arr,
    contract_currency,
    renewal_date,
    csm_id,
    exec_sponsor_id,
    lifecycle_stage,
    parent_account_id,
    started_on,
    health_month_ago,
    health,
    health_band,
    coverage,
    confidence,
    velocity,
    velocity_band,
    risk,
    score_tier,
    risk_tier,
    flagged,
    alarm,
    at_risk,
    rule,
    intervention_tier,
    renewal_in_days,
    decision_odds,
    order_decision_odds,
    risk_odds,
    churn_probability,
    order_probability,
    expected_churn_arr
from final;

-- what the history keeps of the week
with
    step_0 as (
        select
            accounts.account_id as account_id,
            accounts.name as name,
            coalesce(
                accounts.segment,
                case
                    when accounts.arr_home > 100000.0e0 then 'enterprise'
                    when accounts.arr_home < 20000.0e0 then 'small_business'
                    else 'mid_market'
                end
            ) as segment,
            case
                when accounts.arr_home > 100000.0e0 then 'enterprise'
                when accounts.arr_home < 20000.0e0 then 'small_business'
                else 'mid_market'
            end as size,
            accounts.arr_home as arr,
            accounts.arr as contract_arr,
            coalesce(upper(accounts.currency), 'EUR') as contract_currency,
            accounts.renewal_date as renewal_date,
            accounts.csm_id as csm_id,
            accounts.exec_sponsor_id as exec_sponsor_id,
            accounts.lifecycle_stage as lifecycle_stage,
            accounts.parent_account_id as parent_account_id,
            accounts.started_on as started_on,
            month_health.health as health_month_ago,
            scores.health,
            scores.coverage,
            scores.velocity,
            scores.risk,
            scores.flagged,
            scores.alarm,
            scores.at_risk,
            scores.renewal_in_days,
            scores.rule_number,
            active_users_trend,
            core_actions_trend,
            seat_utilisation,
            logins_per_user,
            feature_breadth,
            days_silent,
            ticket_spike,
            escalations,
            open_escalations,
            sla_breaches,
            support_csat,
            oldest_urgent_ticket,
            nps,
            nps_change,
            csm_pulse,
            evaluating_alternatives,
            competitor_named,
            budget_cut,
            value_doubted,
            feature_gap,
            reorganisation,
            days_since_exec_touch,
            champion_status,
            sponsor_changed,
            active_contacts,
            unanswered_outreach,
            missed_meetings,
            response_days,
            payment_failed,
            invoice_overdue,
            overdue_share,
            arr_trend,
            goals_behind,
            active_users_before,
            active_users_now,
            amount_overdue,
            actions_on,
            answered_on,
            contacts_on,
            features_on,
            felt_on,
            goals_on,
            invoices_on,
            logins_on,
            outcomes_on,
            rated_on,
            tickets_on,
            touchpoints_on,
            usage_on,
            written_on
        from accounts
        positional join usage_signals
        positional join support_signals
        positional join sentiment_signals
        positional join relationship_signals
        positional join commercial_signals
        positional join month_health
        positional join scores
    ),
    step_1 as (
        select
            *,
            case
                when health is null then 'not_scored'
                when health >= 80.0e0 then 'green'
                when health >= 60.0e0 then 'yellow'
                when health >= 0.0e0 then 'red'
            end as health_band,
            case
                when velocity is null then 'unknown'
                when velocity <= -0.5e0 then 'alarm'
                when velocity <= -0.2e0 then 'concern'
                when velocity <= 0.2e0 then 'stable'
                else 'improving'
            end as velocity_band,
            case
                when (
                    coverage * case
                        size when 'enterprise' then 0.976e0 when 'small_business' then 0.976e0 else 0.976e0
                    end
                ) >= 0.85e0 then 'high'
                when (
                    coverage * case
                        size when 'enterprise' then 0.976e0 when 'small_business' then 0.976e0 else 0.976e0
                    end
                ) >= 0.65e0 then 'medium'
                else 'low'
            end as confidence,
            case
                when risk >= 85.0e0 then 'critical'
                when risk >= 65.0e0 then 'high'
                when risk >= 45.0e0 then 'medium'
                when risk >= 0.0e0 then 'low'
            end as score_tier
        from step_0
    ),
    step_2 as (
        select
            *,
            list_extract(
                [
                    'escalation',
                    'payment_failed',
                    'payment_overdue',
                    'evaluating',
                    'detractor_near_renewal',
                    'support_spike',
                    'usage_down',
                    'no_executive_touch',
                    'gap_soon',
                    'value_doubt_soon',
                    'budget_cut_soon',
                    'new_owners_soon',
                    'champion_gone_soon',
                    'gap',
                    'value_doubt',
                    'budget_cut',
                    'new_owners',
                    'champion_gone',
                    'low_pulse'
                ],
                rule_number
            ) as rule,
            case when at_risk and score_tier = 'low' then 'medium' else score_tier end as risk_tier,
            case
                when not at_risk and renewal_in_days <= 90.0e0 then 'watch'
                when not at_risk then null
                when rule_number = 1 then 'critical'
                when rule_number = 2 then 'critical'
                when rule_number = 3 then 'critical'
                when rule_number = 4 then 'critical'
                when rule_number = 5 then 'critical'
                when rule_number = 6 then 'high'
                when rule_number = 7 then 'high'
                when rule_number = 8 then 'high'
                when rule_number = 9 then 'high'
                when rule_number = 10 then 'high'
                when rule_number = 11 then 'high'
                when rule_number = 12 then 'high'
                when rule_number = 13 then 'high'
                when rule_number = 14 then 'medium'
                when rule_number = 15 then 'medium'
                when rule_number = 16 then 'medium'
                when rule_number = 17 then 'medium'
                when rule_number = 18 then 'medium'
                when rule_number = 19 then 'medium'
                else 'medium'
            end as intervention_tier
        from step_1
    ),
    final as (select * from step_2)
select
    account_id,
    name,
    segment,
    size,
    arr,
    contract_arr,
    contract_currency,
    renewal_date,
    csm_id,
    exec_sponsor_id,
    lifecycle_stage,
    parent_account_id,
    started_on,
    health_month_ago,
    active_users_trend,
    core_actions_trend,
    seat_utilisation,
    logins_per_user,
    feature_breadth,
    days_silent,
    ticket_spike,
    escalations,
    open_escalations,
    sla_breaches,
    support_csat,
    oldest_urgent_ticket,
    nps,
    nps_change,
    csm_pulse,
    evaluating_alternatives,
    competitor_named,
    budget_cut,
    value_doubted,
    feature_gap,
    reorganisation,
    days_since_exec_touch,
    champion_status,
    sponsor_changed,
    active_contacts,
    unanswered_outreach,
    missed_meetings,
    response_days,
    payment_failed,
    invoice_overdue,
    overdue_share,
    arr_trend,
    goals_behind,
    active_users_before,
    active_users_now,
    amount_overdue,
    renewal_in_days,
    actions_on,
    answered_on,
    contacts_on,
    features_on,
    felt_on,
    goals_on,
    invoices_on,
    logins_on,
    outcomes_on,
    rated_on,
    tickets_on,
    touchpoints_on,
    usage_on,
    written_on,
    health,
    health_band,
    coverage,
    confidence,
    velocity,
    velocity_band,
    risk,
    score_tier,
    risk_tier,
    flagged,
    alarm,
    at_risk,
    rule,
    intervention_tier
from final;

-- loading 2026-W47
create or replace temp table previous_then as
select
    * replace (
        cast(
            round(
                cast(
                    contract_arr * case
                        contract_currency
                        when 'AUD' then 0.56
                        when 'CAD' then 0.61
                        when 'CHF' then 1.07
                        when 'DKK' then 0.134
                        when 'GBP' then 1.14
                        when 'JPY' then 0.0056
                        when 'NOK' then 0.085
                        when 'PLN' then 0.236
                        when 'SEK' then 0.091
                        when 'USD' then 0.86
                        else 1
                    end as decimal(38, 8)
                ),
                2
            ) as decimal(18, 2)
        ) as arr
    ),
    arr as reported_arr,
    at_risk as reported_at_risk,
    velocity as reported_velocity
from read_parquet(['2026-W47.parquet']);

-- loading 2026-W47
create or replace temp view previous_measured as
select
    * exclude (
        health,
        health_band,
        coverage,
        confidence,
        velocity,
        velocity_band,
        risk,
        score_tier,
        risk_tier,
        flagged,
        alarm,
        at_risk,
        rule,
        intervention_tier,
        reported_arr,
        reported_at_risk
    ) replace (
        case
            when arr > 100000.0e0 then 'enterprise'
            when arr < 20000.0e0 then 'small_business'
            else 'mid_market'
        end as size
    )
from previous_then;

-- loading 2026-W47
create or replace temp table previous as select * from previous_then;

-- this week against last week
create or replace temp table compared as
select
    coalesce(s.account_id, p.account_id) as account_id,
    coalesce(s.name, p.name) as name,
    s.arr,
    coalesce(s.at_risk, false) as at_risk,
    case
        when s.account_id is null and p.at_risk then 'gone'
        when s.account_id is null then 'unchanged'
        when s.at_risk and not coalesce(p.at_risk, false) then 'new'
        when not s.at_risk and coalesce(p.at_risk, false) then 'resolved'
        when not s.at_risk then 'unchanged'
        when case s.risk_tier when 'critical' then 3 when 'high' then 2 when 'medium' then 1 else 0 end > case p.risk_tier when 'critical' then 3 when 'high' then 2 when 'medium' then 1 else 0 end
        or s.risk - p.risk >= 5.0e0 then 'worsened'
        when case s.risk_tier when 'critical' then 3 when 'high' then 2 when 'medium' then 1 else 0 end < case p.risk_tier when 'critical' then 3 when 'high' then 2 when 'medium' then 1 else 0 end
        or p.risk - s.risk >= 5.0e0 then 'improved'
        else 'unchanged'
    end as change,
    p.risk as risk_then,
    p.health as health_then,
    p.at_risk as at_risk_then,
    p.risk_tier as tier_then,
    p.arr as arr_then,
    s.risk,
    s.health,
    s.risk_tier,
    s.health_band,
    coalesce(
        p.health - s.health > 10.0e0 or (s.health_band = 'red' and p.health_band in ('yellow', 'green')),
        false
    ) as fell
from scored s
full join previous p on p.account_id = s.account_id;
