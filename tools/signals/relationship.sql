-- Relationship signals, one row an account. Reads `touchpoints` and `contacts`.
-- An account without a single touchpoint on record is a gap, not neglect; one with touchpoints but no executive among
-- them counts from the first day that the source covers (or the customer's start, if later).
with executives as (
    select contact_id, account_id from contacts where role in ('exec_sponsor', 'economic_buyer')
),
touch_rows as (
    select
        t.account_id,
        t.date,
        date_diff('day', t.date, cast(:as_of as date)) as age,
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
            when t.responded_at <= cast(:as_of as date) then t.responded_at
        end as answered_on
    from touchpoints t
    left join executives e on e.contact_id = t.contact_id and e.account_id = t.account_id
    where t.date <= cast(:as_of as date)
),
touched as (
    -- By contact first: how many answered is then a count, and no row has to be looked at twice.
    select
        account_id,
        contact_id,
        min(case when is_executive = 1 then age end) as exec_age,
        max(names_executive) as names_executive,
        max(answered_on) as last_answer,
        max(case when contact_id is not null and answered_on is not null and age <= :window_active_contacts then 1 else 0 end) as is_active,
        sum(case when attended = false and kind <> 'email' and age <= :window_missed_meetings then 1 else 0 end) as missed_meetings,
        sum(case when age <= :window_response_days and responded_at is not null then date_diff('day', date, responded_at) end) as waited,
        sum(case when age <= :window_response_days and responded_at is not null then 1 else 0 end) as responses
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
    where r.outbound and r.kind in ('email', 'call')
        and not coalesce(r.attended, false) and (r.responded_at is null or r.responded_at > cast(:as_of as date))
        and date_diff('day', r.date, cast(:as_of as date)) between 4 and :window_unanswered_outreach
        and (t.last_answer is null or r.date > t.last_answer)
    group by r.account_id
),
contact_rows as (
    select
        account_id,
        role,
        departed_on,
        case when status is not null then status when departed_on is not null then 'departed' else 'active' end
            as status
    from contacts
),
people as (
    select
        account_id,
        sum(case when role = 'champion' and status = 'active' then 1 else 0 end) as champions,
        sum(case when role = 'champion' and status = 'departed' then 1 else 0 end) as champions_gone,
        sum(case
            when role in ('economic_buyer', 'exec_sponsor') and status = 'departed'
                and (departed_on is null or date_diff('day', departed_on, cast(:as_of as date)) <= :window_sponsor_changed) then 1
            else 0
        end) as sponsors_gone
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
        cast(:touchpoints_seen as date) as touchpoints_seen,
        cast(:touchpoints_from as date) as touchpoints_from,
        -- Contacts carry no day of their own: they are as old as the export says, and else as they were read.
        cast(:contacts_seen as date) as contacts_seen
)
select
    a.account_id,
    a.arr_home,
    case
        when x.has_executives is null or x.has_executives = 0 then null
        when t.exec_age is not null then t.exec_age
        when t.account_id is not null and a.started_on > s.touchpoints_from
            then date_diff('day', a.started_on, cast(:as_of as date))
        when t.account_id is not null then date_diff('day', s.touchpoints_from, cast(:as_of as date))
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
        when t.account_id is not null and h.has_outbound = 1 and h.has_answers = 1 then coalesce(u.outreach, 0)
    end as unanswered_outreach,
    case when h.has_attended = 1 then t.missed_meetings end as missed_meetings,
    t.response_days,
    s.touchpoints_seen as touchpoints_on,
    case when p.account_id is not null then coalesce(s.contacts_seen, cast(:as_of as date)) end as contacts_on
from accounts a
cross join relationship_seen s
cross join relationship_filled h
cross join executives_filled x
cross join contacts_filled c
left join touches t on t.account_id = a.account_id
left join unanswered u on u.account_id = a.account_id
left join people p on p.account_id = a.account_id
