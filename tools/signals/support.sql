-- Support signals, one row an account. Reads `tickets` and the CSAT answers in `surveys`.
-- With tickets connected, an account without a ticket is a measured zero. Windows are inclusive: 90 days ago counts.
with support_filled as (
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
        date_diff('day', opened_at, cast(:as_of as date)) as age,
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
    where opened_at <= cast(:as_of as date)
),
counts as (
    select
        account_id,
        sum(case when age <= :window_ticket_spike then 1 else 0 end) as month_now,
        cast(sum(case when age > :window_ticket_spike and age <= 4 * :window_ticket_spike then 1 else 0 end) as double) / 3 as month_before,
        sum(case when age <= :window_escalations then is_escalated else 0 end) as escalations,
        sum(is_escalated * is_open) as open_escalations,
        sum(case when age <= :window_sla_breaches then is_breached else 0 end) as sla_breaches,
        max(is_urgent * is_open * age) as oldest_urgent
    from ticket_rows
    group by account_id
),
ratings as (
    select account_id, opened_at as date, csat as score from ticket_rows where csat is not null and age <= :window_support_csat
    union all
    select account_id, date, score
    from surveys
    where kind = 'csat' and date <= cast(:as_of as date) and date_diff('day', date, cast(:as_of as date)) <= :window_support_csat
),
satisfaction as (
    select account_id, avg(score) as support_csat, max(date) as rated_on from ratings group by account_id
),
support_seen as (
    select cast(:tickets_seen as date) as tickets_seen
),
rates as (
    -- A usual month of less than one ticket counts as one: five tickets after a silent quarter are five times it.
    select
        a.account_id,
        a.arr_home,
        coalesce(c.month_now, 0) as month_now,
        cast(coalesce(c.month_now, 0) as double)
            / case when c.month_before > 1 then c.month_before else 1 end as ratio,
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
    case when s.tickets_seen is not null and h.has_escalated = 1 and h.has_ends = 1
        then r.open_escalations end as open_escalations,
    case when s.tickets_seen is not null and h.has_breached = 1 then r.sla_breaches end as sla_breaches,
    f.support_csat,
    case when s.tickets_seen is not null and h.has_priority = 1 and h.has_ends = 1
        then r.oldest_urgent end as oldest_urgent_ticket,
    s.tickets_seen as tickets_on,
    f.rated_on
from rates r
cross join support_seen s
cross join support_filled h
left join satisfaction f on f.account_id = r.account_id
