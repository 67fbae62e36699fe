-- The last signs of life, one row an account: the day of the last use, and the day of the last bill. They tell whether an
-- account that churned came back. Reads `usage_by_account` and `invoices`. A credit note or a void invoice bills nothing.
with last_bills as (
    select
        account_id,
        max(due_date) as last_billed_on
    from invoices
    where amount > 0 and coalesce(status, 'open') <> 'void'
    group by account_id
)
select
    a.account_id,
    cast(:as_of as date) - cast(w.age_last_used as integer) as last_used_on,
    b.last_billed_on
from accounts a
left join usage_by_account w on w.account_id = a.account_id
left join last_bills b on b.account_id = a.account_id
