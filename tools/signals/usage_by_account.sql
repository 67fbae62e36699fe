-- Usage brought to one row an account, in one pass over the only table that grows with accounts times days.
-- Reads `usage`, rows dated on or before :as_of. "Four weeks" is the :window_usage days that end on the review date (from
-- age 0), "before" as many days ahead of them. Averages are over recorded days: a day without a row is a gap, a row that says
-- zero is measured.
with usage_rows as (
    select
        account_id,
        cast(date_diff('day', date, cast(:as_of as date)) as integer) as age,
        active_users,
        logins,
        core_actions,
        features_used
    from usage
    where date <= cast(:as_of as date)
)
select
    account_id,
    count(case when age < 2 * :window_usage then 1 end) as recent_rows,
    :recent_days as recent_days,
    min(case when :has_active_users then age end) as age_last_row,
    max(case when :has_active_users then age end) as age_first_row,
    min(case when active_users > 0 then age end) as age_last_active,
    min(case when greatest(active_users, logins, core_actions) > 0 then age end) as age_last_used,
    -- Each signal is as old as the newest row that has its own column. Where a source says that a column is filled in every
    -- row, the test is "true", and the engine works the same minimum out only once.
    min(case when :has_core_actions then age end) as age_last_actions,
    min(case when :has_logins then age end) as age_last_logins,
    min(case when :has_features_used then age end) as age_last_features,
    avg(case when age < :window_usage then active_users end) as active_now,
    avg(case when age >= :window_usage and age < 2 * :window_usage then active_users end) as active_before,
    avg(case when age < :window_usage then core_actions end) as actions_now,
    avg(case when age >= :window_usage and age < 2 * :window_usage then core_actions end) as actions_before,
    sum(case when age < :window_usage then logins end) as logins_now,
    sum(case when age < :window_usage then active_users end) as user_days_now,
    max(case when age < :window_usage then features_used end) as features_now
from usage_rows
group by account_id
