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
