"""The signals: one SQL file a category, joined into one row an account.

Pure text: this module assembles SQL and never runs it. ``:name`` in a file stands for a typed literal.
What a signal means (direction, breakpoints, freshness, weight) is in ``configs/scoring.yaml``.
"""

import re
from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path

from domain.configuration import CATEGORIES

_FOLDER = Path(__file__).parent

OBSERVED_ON: dict[str, str] = {
    "active_users_trend": "usage_on",
    "core_actions_trend": "usage_on",
    "seat_utilisation": "usage_on",
    "logins_per_user": "usage_on",
    "feature_breadth": "usage_on",
    "days_silent": "usage_on",
    "ticket_spike": "tickets_on",
    "escalations": "tickets_on",
    "open_escalations": "tickets_on",
    "sla_breaches": "tickets_on",
    "support_csat": "rated_on",
    "oldest_urgent_ticket": "tickets_on",
    "nps": "answered_on",
    "nps_change": "answered_on",
    "csm_pulse": "felt_on",
    "evaluating_alternatives": "written_on",
    "competitor_named": "written_on",
    "budget_cut": "written_on",
    "value_doubted": "written_on",
    "feature_gap": "written_on",
    "reorganisation": "written_on",
    "days_since_exec_touch": "touchpoints_on",
    "champion_status": "contacts_on",
    "sponsor_changed": "contacts_on",
    "active_contacts": "touchpoints_on",
    "unanswered_outreach": "touchpoints_on",
    "missed_meetings": "touchpoints_on",
    "response_days": "touchpoints_on",
    "payment_failed": "invoices_on",
    "invoice_overdue": "invoices_on",
    "overdue_share": "invoices_on",
    "arr_trend": "outcomes_on",
    "goals_behind": "goals_on",
}
"""The column that holds the day each signal was observed."""

CONTEXT = ("active_users_before", "active_users_now", "amount_overdue", "renewal_in_days")
"""Measured beside the signals: rules and evidence use them, scores do not."""


@cache
def category_sql(category: str) -> str:
    """The text of one category's file."""
    return (_FOLDER / f"{category}.sql").read_text(encoding="utf-8")


def literal(value: date | None) -> str:
    """A date as SQL text; unknown is NULL."""
    return "NULL" if value is None else f"DATE '{value.isoformat()}'"


def bind(sql: str, values: Mapping[str, date | None]) -> str:
    """Replace each ``:name`` by its literal. Raises KeyError for a name that is not given."""
    return re.sub(r"(?<![:\w]):([a-z_]+)\b", lambda match: literal(values[match.group(1)]), sql)


def signals_sql(as_of: date, seen: Mapping[str, date | None]) -> str:
    """One query: ``account_id``, every signal, the context columns and the observation days.

    ``seen`` gives per source when it was last seen (``tickets_seen``, ``touchpoints_seen``, ``invoices_seen``) and the
    first day that touchpoints cover (``touchpoints_from``). Values are rounded to six decimals, so that neither the
    order of rows nor the number of threads can move a threshold.
    """
    values = {"as_of": as_of, **seen}
    parts = [f"{category}_signals as (\n{bind(category_sql(category), values)}\n)" for category in CATEGORIES]
    columns = ["a.account_id"]
    columns += [f"round(cast({name} as double), 6) as {name}" for name in (*OBSERVED_ON, *CONTEXT)]
    columns += sorted(set(OBSERVED_ON.values()))
    joins = [f"join {category}_signals on {category}_signals.account_id = a.account_id" for category in CATEGORIES]
    return (
        "with " + ",\n".join(parts) + "\nselect " + ",\n    ".join(columns) + "\nfrom accounts a\n" + "\n".join(joins)
    )
