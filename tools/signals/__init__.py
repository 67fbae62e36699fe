"""The signals: one SQL file a category, joined into one row an account.

Pure text: this module assembles SQL and never runs it. ``:name`` in a file stands for a typed literal.
What a signal means (direction, breakpoints, freshness, weight) is in ``configs/scoring.yaml``.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from pathlib import Path

from domain.tables import TABLES
from tools.sql import sql_date, sql_string

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

INTENTS = tuple(name for name, day in OBSERVED_ON.items() if day == "written_on")
"""The signals that count stated intents: they are found by reading, not by the engine."""

CONTEXT_COLUMNS = {
    "active_users_before": "usage", "active_users_now": "usage", "amount_overdue": "commercial",
    "renewal_in_days": "commercial",
}  # fmt: skip
"""Measured beside the signals, by the file of which category: rules and evidence use them, scores do not."""

WHOLE_NUMBERS = frozenset((
    "days_silent", "escalations", "open_escalations", "sla_breaches", "oldest_urgent_ticket", "days_since_exec_touch",
    "champion_status", "sponsor_changed", "active_contacts", "unanswered_outreach", "missed_meetings", "payment_failed",
    "invoice_overdue", "renewal_in_days",
))  # fmt: skip
"""Counts and days: whole numbers, which need no rounding."""

SIGNAL_INPUTS: dict[str, frozenset[str]] = {
    "accounts": frozenset(TABLES["accounts"].names),
    "usage": frozenset(("account_id", "date", "active_users", "logins", "core_actions", "features_used")),
    "tickets": frozenset(
        ("ticket_id", "account_id", "opened_at", "closed_at", "priority", "escalated", "sla_breached", "csat", "subject",
         "body")
    ),
    "invoices": frozenset(("invoice_id", "account_id", "due_date", "amount", "currency", "status", "paid_on")),
    "surveys": frozenset(("account_id", "date", "kind", "score", "comment")),
    "contacts": frozenset(("contact_id", "account_id", "role", "status", "departed_on")),
    "touchpoints": frozenset(
        ("account_id", "date", "kind", "outbound", "attended", "responded_at", "contact_id")
    ),
    "goals": frozenset(("account_id", "status")),
    "notes": frozenset(("account_id", "date", "text", "pulse")),
    "outcomes": frozenset(("account_id", "date", "kind", "arr_change")),
}  # fmt: skip
"""The columns that the signals, the phrases and the calibration read, and the keys that must not repeat."""

TEXT_COLUMNS: dict[str, tuple[str, tuple[str, ...], str]] = {
    "notes": ("date", ("text",), "{text}"),
    "tickets": ("opened_at", ("subject", "body"), "concat_ws('. ', {subject}, {body})"),
    "surveys": ("date", ("comment",), "{comment}"),
}
"""Where people write: the day, the columns, and the one text that they make."""

FEW_TEXTS = 20_000
"""Rows; among so few, preparing one search for all phrases costs more than it saves."""


@cache
def category_sql(category: str) -> str:
    """The text of one category's file."""
    return (_FOLDER / f"{category}.sql").read_text(encoding="utf-8")


def bind_literals(sql: str, values: Mapping[str, date | str | None]) -> str:
    """Replace each ``:name`` by its literal, or by the SQL given for it. Raises KeyError for a name that is not given."""

    def text(match: re.Match[str]) -> str:
        value = values[match.group(1)]
        return value if isinstance(value, str) else sql_date(value)

    return re.sub(r"(?<![:\w]):([a-z_]+)\b", text, sql)


def usage_by_account_sql(as_of: date, unusual: str = "0") -> str:
    """Usage as one row an account. ``unusual`` is 1 for a row that has a cell which cannot be used."""
    return bind_literals(category_sql("usage_by_account"), {"as_of": as_of, "unusual": unusual})


def category_signals_sql(category: str, as_of: date, seen: Mapping[str, date | None]) -> str:
    """The signals of one category, one row an account.

    ``seen`` gives per source when it was last seen (``tickets_seen``, ``touchpoints_seen``, ``invoices_seen``) and the
    first day that touchpoints cover (``touchpoints_from``).
    """
    return bind_literals(category_sql(category), {"as_of": as_of, **seen})


def signal_columns(names: Sequence[str]) -> list[str]:
    """These signals and this context, and the days they were observed, from a relation that holds what is measured.

    Values are rounded to six decimals, so that neither the order of rows nor the engine can move a threshold. Stated
    intents are known where somebody wrote something.
    """
    columns = []
    for name in names:
        if name in INTENTS:
            columns.append(f"case when written_on is not null then coalesce({name}, 0.0::double) end as {name}")
        else:
            columns.append(f"{f'cast({name} as double)' if name in WHOLE_NUMBERS else round_sql(name)} as {name}")
    return columns + sorted({OBSERVED_ON[name] for name in names if name in OBSERVED_ON})


def round_sql(expression: str) -> str:
    """Rounded to six decimals, in the embedded engine."""
    return f"round(({expression}) * 1e6) / 1e6"


def single_line_sql(text: str) -> str:
    """A text with single spaces for all that is blank."""
    wide = " or ".join(f"contains({text}, {blank})" for blank in ("'  '", "chr(10)", "chr(9)"))
    return f"case when {wide} then regexp_replace({text}, '\\s+', ' ', 'g') else {text} end"


def match_sql(line: str, pattern: str) -> str:
    """Whether a text on one line matches the pattern, without regard to case."""
    return f"regexp_matches({line}, {sql_string(pattern)}, 'i')"
