"""The list of the meeting: the accounts where most ARR can still be kept, at risk or not, and the overdue renewals.

One query over the scored base. One rule: nobody critical is missing, whatever the order.
"""

from dataclasses import dataclass

from domain.configuration import Configuration, ReviewProfile
from tools.scoring.scored_base import Row, ScoredBase
from tools.sql import sql_date, sql_number


@dataclass(frozen=True)
class MeetingList:
    """Account ids by rank, and why some are on it."""

    account_ids: tuple[str, ...]
    ahead: frozenset[str]
    """Those that are not at risk."""
    appended: tuple[str, ...]
    """Critical accounts that the order alone would have left out; they are the last ones."""


def meeting_list(base: ScoredBase, profile: ReviewProfile) -> MeetingList:
    """The list, in the configured order, ties by account id. Accounts of which the ARR is unknown come after the others."""
    rows = base.rows(meeting_list_sql(base.configuration, profile))
    return MeetingList(
        account_ids=tuple(row["account_id"] for row in rows),
        ahead=frozenset(row["account_id"] for row in rows if not row["at_risk"]),
        appended=tuple(row["account_id"] for row in rows if row["appended"]),
    )


def meeting_list_sql(configuration: Configuration, profile: ReviewProfile) -> str:
    """One row a listed account, in order: its id, at risk or not, and if it is there only because it is critical."""
    literal = configuration.review.list_order == "risk_times_arr"
    weight = "risk * cast(arr as double)" if literal else "cast(arr as double) * order_probability"
    overdue_first = "coalesce(renewal_in_days < 0, false) desc, " if literal else ""
    eligible = "at_risk" if literal else _changeable_sql(configuration)
    whole = "at_risk or health_band in ('red', 'yellow')" if profile.all_yellow_and_red else "false"
    return (
        f"with weighed as (select account_id, at_risk, coalesce(intervention_tier = 'critical', false) as is_critical, "
        f"({whole}) as always, row_number() over (order by ({eligible}) desc, {overdue_first}{weight} desc nulls last, account_id) as place, "
        f"({eligible}) as eligible from scored) "
        f"select account_id, at_risk, not always and is_critical and not (eligible and place <= {profile.list_size}) as appended "
        f"from weighed where (eligible and place <= {profile.list_size}) or always or is_critical "
        "order by appended, place"
    )


def _changeable_sql(configuration: Configuration) -> str:
    """A condition: what is done this week can still change the decision.

    An account at risk is in unless its renewal is too near; another one only if its renewal is decided within the horizon.
    """
    churn = configuration.scoring.churn
    soonest = sql_number(configuration.review.decision_ahead.value)
    latest = sql_number(churn.order_weeks.value * 7 + churn.decision_lead.value)
    return (
        f"case when at_risk then coalesce(renewal_in_days < 0 or renewal_in_days >= {soonest}, true) "
        f"else coalesce(renewal_in_days between {soonest} and {latest}, false) end"
    )


def read_overdue(base: ScoredBase) -> list[Row]:
    """The overdue renewals, largest ARR first, cut at the configured length of a table.

    Those so long past that they are a question about the data, and count as unknown, come after the others.
    """
    limit = int(base.configuration.review.plan_rows_per_tier.value)
    today = sql_date(base.as_of)
    return base.rows(
        f"select account_id, name, arr, renewal_date, cast(date_diff('day', renewal_date, {today}) as integer) as days_overdue, "
        f"csm_id, at_risk, intervention_tier from scored where renewal_date < {today} "
        "order by renewal_in_days is null, arr desc nulls last, account_id limit ?",
        [limit],
    )
