-- Commercial signals, one row an account. Reads `invoices`, `outcomes`, `goals` and the contract in `accounts`.
-- A failed payment counts until it is made good. Renewal nearness amplifies risk; it is no signal of ill health.
with invoice_rows as (
    -- An invoice that is not yet due, or of which nothing is known, proves nothing. A credit note (below zero) is what we
    -- owe, and nobody owes a zero. An invoice is not set off against a credit note: the export does not say which.
    select
        account_id,
        date_diff('day', due_date, cast(:as_of as date)) as days_past,
        case when status in ('open', 'failed') and paid_on is null and amount > 0 then 1 else 0 end as is_owed,
        case when status = 'failed' then 1 else 0 end as is_failed,
        case when status is not null or paid_on is not null then 1 else 0 end as is_known,
        case when due_date is null then 1 else 0 end as is_undated,
        amount_home
    from invoices
),
billed as (
    select
        account_id,
        sum(case when days_past >= 0 then is_known when is_undated = 1 and is_owed = 0 then is_known else 0 end) as known,
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
        max(case when kind in ('contracted', 'expanded') and arr_change is null then 1 else 0 end) as is_partial
    from outcomes
    where date <= cast(:as_of as date) and date_diff('day', date, cast(:as_of as date)) <= :window_arr_trend
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
commercial_seen as (
    select cast(:invoices_seen as date) as invoices_seen, cast(:goals_seen as date) as goals_seen
)
select
    a.account_id,
    a.arr_home,
    case when b.failed > 0 or (b.known > 0 and b.undated = 0) then b.failed end as payment_failed,
    case when b.days_overdue > 0 or (b.known > 0 and b.undated = 0) then b.days_overdue end as invoice_overdue,
    case
        when (b.days_overdue > 0 or (b.known > 0 and b.undated = 0)) and a.arr_home > 0
            then 100 * cast(coalesce(b.amount_overdue, 0) as double) / cast(a.arr_home as double)
    end as overdue_share,
    cast(coalesce(b.amount_overdue, 0) as double) as amount_overdue,
    case
        when c.is_partial = 0 and cast(a.arr as double) - c.arr_change > 0
            then 100 * c.arr_change / (cast(a.arr as double) - c.arr_change)
    end as arr_trend,
    case when g.known > 0 then 100 * g.behind / g.known end as goals_behind,
    -- A renewal long past is a question about the data: nobody knows when the contract really ends.
    case
        when date_diff('day', a.renewal_date, cast(:as_of as date)) <= :window_overdue_renewal
            then date_diff('day', cast(:as_of as date), a.renewal_date)
    end as renewal_in_days,
    s.invoices_seen as invoices_on,
    c.outcomes_on,
    -- Goals carry no day of their own: they are as old as the export says, and else as they were read.
    case when g.known > 0 then coalesce(s.goals_seen, cast(:as_of as date)) end as goals_on
from accounts a
cross join commercial_seen s
left join billed b on b.account_id = a.account_id
left join changes c on c.account_id = a.account_id
left join agreed g on g.account_id = a.account_id
