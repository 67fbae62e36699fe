-- Usage signals, one row an account. Reads `usage`, rows dated on or before :as_of.
-- "Four weeks" is the 28 days that end on the review date (age 0 to 27), "before" the 28 days ahead of them.
-- Averages are over recorded days: a day without a row is a gap, a row that says zero is measured.
with usage_rows as (
    select
        account_id,
        date,
        date_diff('day', date, cast(:as_of as date)) as age,
        active_users,
        logins,
        core_actions,
        features_used
    from usage
    where date <= cast(:as_of as date)
),
windows as (
    select
        account_id,
        max(case when active_users is not null then date end) as last_day,
        min(case when active_users is not null then age end) as age_last_row,
        max(case when active_users is not null then age end) as age_first_row,
        min(case when active_users > 0 then age end) as age_last_active,
        avg(case when age < 28 then active_users end) as active_now,
        avg(case when age >= 28 and age < 56 then active_users end) as active_before,
        avg(case when age < 28 then core_actions end) as actions_now,
        avg(case when age >= 28 and age < 56 then core_actions end) as actions_before,
        sum(case when age < 28 then logins end) as logins_now,
        sum(case when age < 28 then active_users end) as user_days_now,
        max(case when age < 28 then features_used end) as features_now
    from usage_rows
    group by account_id
)
select
    a.account_id,
    case when w.active_before > 0 then 100 * (w.active_now - w.active_before) / w.active_before end
        as active_users_trend,
    w.active_before as active_users_before,
    w.active_now as active_users_now,
    case when w.actions_before > 0 then 100 * (w.actions_now - w.actions_before) / w.actions_before end
        as core_actions_trend,
    case
        when a.seats > 0 and w.active_now >= a.seats then 100
        when a.seats > 0 then 100 * w.active_now / a.seats
    end as seat_utilisation,
    case when w.user_days_now > 0 then w.logins_now / w.user_days_now end as logins_per_user,
    w.features_now as feature_breadth,
    case
        when w.age_last_active is not null then w.age_last_active - w.age_last_row
        else w.age_first_row - w.age_last_row + 1
    end as days_silent,
    w.last_day as usage_on
from accounts a
left join windows w on w.account_id = a.account_id
