-- Usage signals, one row an account. Reads `usage_by_account` and the seats in `accounts`.
-- Silence is counted between rows: from the latest recorded day back to the latest one with anybody active.
select
    a.account_id,
    a.arr_home,
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
    coalesce(w.age_last_active, w.age_first_row + 1) - w.age_last_row as days_silent,
    cast(:as_of as date) - cast(w.age_last_row as integer) as usage_on,
    cast(:as_of as date) - cast(w.age_last_actions as integer) as actions_on,
    cast(:as_of as date) - cast(w.age_last_logins as integer) as logins_on,
    cast(:as_of as date) - cast(w.age_last_features as integer) as features_on
from accounts a
left join usage_by_account w on w.account_id = a.account_id
