-- How many texts state what feeds each signal, one row an account that stated anything. Reads `statements`: what was
-- asserted in notes, tickets and survey comments, by the signals that configs/phrases/kinds.yaml gives its kind.
select
    account_id,
    cast(sum(case when signal = 'evaluating_alternatives' then 1 else 0 end) as double) as evaluating_alternatives,
    cast(sum(case when signal = 'competitor_named' then 1 else 0 end) as double) as competitor_named,
    cast(sum(case when signal = 'budget_cut' then 1 else 0 end) as double) as budget_cut,
    cast(sum(case when signal = 'value_doubted' then 1 else 0 end) as double) as value_doubted,
    cast(sum(case when signal = 'feature_gap' then 1 else 0 end) as double) as feature_gap,
    cast(sum(case when signal = 'reorganisation' then 1 else 0 end) as double) as reorganisation,
    cast(sum(case when signal = 'leaving_stated' then 1 else 0 end) as double) as leaving_stated,
    cast(sum(case when signal = 'sponsor_lost_stated' then 1 else 0 end) as double) as sponsor_lost_stated,
    cast(sum(case when signal = 'service_complaints' then 1 else 0 end) as double) as service_complaints,
    cast(sum(case when signal = 'waiting_for_answer' then 1 else 0 end) as double) as waiting_for_answer
from (select distinct account_id, signal, source, row_no from statements where signal is not null) rows_stating
group by account_id
