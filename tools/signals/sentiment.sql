-- Sentiment signals, one row an account. Reads `surveys`, `notes` and when anything was written in `tickets`. What was
-- stated in those texts is found by reading them; "nothing stated" is known only where somebody wrote something.
-- Where several answers share the latest day, the lowest one counts: the order of rows never matters.
with answers as (
    select
        account_id,
        date,
        score,
        dense_rank() over (partition by account_id order by date desc) as recency
    from surveys
    where kind = 'nps' and date <= cast(:as_of as date)
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
    where pulse is not null and date <= cast(:as_of as date)
),
pulse as (
    select account_id, min(pulse) as csm_pulse, max(date) as felt_on
    from pulses
    where recency = 1
    group by account_id
),
texts as (
    select account_id, date from notes
    union all
    select account_id, opened_at as date from tickets where subject is not null or body is not null
    union all
    select account_id, date from surveys where comment is not null
),
written as (
    select account_id, max(date) as written_on
    from texts
    where date <= cast(:as_of as date) and date_diff('day', date, cast(:as_of as date)) <= :window_texts
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
