"""One entry for each signal: when it was observed, and which input rows are behind it.

Pure. To add a signal, write its column into ``<category>.sql`` here, its meaning into ``configs/scoring.yaml`` and one
entry below. Everything else is derived; what is missing is named when the configuration is loaded.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from domain.tables import TABLES, Table

USAGE_WINDOW_DAYS = 28
"""Days of usage that are compared with as many days before. All usage signals share it, because their SQL reads the table
once; the phrases in ``configs/scoring.yaml`` say "four weeks"."""


@dataclass(frozen=True)
class InputRow:
    """One row of one input table, of one account under review."""

    table: str
    row: int
    on: date | None
    columns: Mapping[str, Any]

    def age(self, as_of: date) -> int:
        """Days before the review; 0 when undated."""
        return (as_of - self.on).days if self.on else 0


@dataclass(frozen=True)
class Period:
    """The review date, and how many days before it the signal looks back: ``window_days`` of its configuration."""

    as_of: date
    window_days: int = 0


RowTest = Callable[[InputRow, Period], bool]
RowFilter = Callable[[list[InputRow], list[InputRow]], list[InputRow]]


@dataclass(frozen=True)
class SignalEntry:
    """One signal. Its SQL column has the same name, and so has its entry in ``configs/scoring.yaml``."""

    observed_on: str
    """The column of its SQL file that holds the day of the observation; such a column ends in ``_on``."""
    rows: Mapping[str, RowTest] = field(default_factory=dict)
    """By input table: the test for the rows that the signal is made of. Empty for a stated intent, whose rows are texts."""
    needs: tuple[tuple[str, ...], ...] = ()
    """Columns of its table. Of each group at least one must be filled in some row, or the signal is unknown everywhere."""
    not_shown: str = ""
    """The reason, where it is unknown everywhere though those columns are filled: what no row of its table shows."""
    row_filter: RowFilter | None = None
    """For a signal that compares rows: keeps some of the rows that passed, given them and all rows of the account."""
    is_whole: bool = False
    """True for a count or a number of days, which needs no rounding."""
    is_stated: bool = False
    """True if it is found in what people wrote, and not measured."""


def _in_window(windows: int = 1, first_day: int = 0) -> RowTest:
    """Rows of the last ``windows`` windows of the signal that are at least ``first_day`` days old."""
    return lambda row, period: first_day <= row.age(period.as_of) <= windows * period.window_days


def _used(column: str, windows: int) -> RowTest:
    """Days of usage with a value in ``column``, from the last ``windows`` windows; the review date is the newest day."""
    days = windows * USAGE_WINDOW_DAYS
    return lambda row, period: 0 <= row.age(period.as_of) < days and row.columns.get(column) is not None


def _not(test: RowTest) -> RowTest:
    return lambda row, period: not test(row, period)


def _all_of(*tests: RowTest) -> RowTest:
    return lambda row, period: all(test(row, period) for test in tests)


def _is(column: str, *values: Any) -> RowTest:
    return lambda row, _: row.columns.get(column) in values


def _has(column: str) -> RowTest:
    return lambda row, _: row.columns.get(column) is not None


def _is_unpaid(row: InputRow, _: Period) -> bool:
    # A credit note or a zero is owed by nobody.
    is_debt = (row.columns.get("amount") or 0) > 0
    return is_debt and row.columns.get("status") in ("open", "failed") and row.columns.get("paid_on") is None


def _is_past_due(row: InputRow, period: Period) -> bool:
    return row.on is not None and row.on < period.as_of


def _is_executive_touch(row: InputRow, _: Period) -> bool:
    columns = row.columns
    met = columns.get("kind") == "exec_meeting"
    spoke = columns.get("kind") in ("qbr", "call") and columns.get("contact_role") in ("exec_sponsor", "economic_buyer")
    return columns.get("attended") is not False and (met or spoke)


def is_answered(columns: Mapping[str, Any]) -> bool:
    """True if the customer came to the meeting or answered the message; ``columns`` of a touchpoint."""
    return bool(columns.get("attended")) or columns.get("responded_at") is not None


def _is_answered(row: InputRow, _: Period) -> bool:
    return is_answered(row.columns)


def _has_sponsor_left(row: InputRow, period: Period) -> bool:
    gone = row.columns.get("status") == "departed" and row.columns.get("role") in ("economic_buyer", "exec_sponsor")
    left = row.columns.get("departed_on")
    return gone and (left is None or (period.as_of - left).days <= period.window_days)


def _since_last_answer(candidates: list[InputRow], all_rows: list[InputRow]) -> list[InputRow]:
    """The candidates that are later than the customer's last answer: later outreach only."""
    touches = [row for row in all_rows if row.table == "touchpoints" and is_answered(row.columns)]
    answered = [row.on if row.columns.get("attended") else row.columns.get("responded_at") for row in touches]
    last = max((day for day in answered if day), default=None)
    return [row for row in candidates if last is None or (row.on is not None and row.on > last)]


_USED = {"usage": _used("active_users", 2)}
_OVERDUE = {"invoices": _all_of(_is_unpaid, _is_past_due)}
_NPS = {"surveys": _is("kind", "nps")}
_IS_MEETING = _is("kind", "exec_meeting", "qbr", "call", "training")
_STATED = SignalEntry("written_on", is_stated=True)
_IS_OPEN = _all_of(_is("closed_at", None), _not(_is("status", "closed")))
_TICKET_ENDS = ("closed_at", "status")
_ANSWERS = ("attended", "responded_at")
_INVOICE_STATE = (("status", "paid_on"),)

SIGNALS: dict[str, SignalEntry] = {
    "active_users_trend": SignalEntry("usage_on", _USED, (("active_users",),)),
    "core_actions_trend": SignalEntry("actions_on", {"usage": _used("core_actions", 2)}, (("core_actions",),)),
    "seat_utilisation": SignalEntry("usage_on", {"usage": _used("active_users", 1)}, (("active_users",),)),
    "logins_per_user": SignalEntry("logins_on", {"usage": _used("logins", 1)}, (("logins",), ("active_users",))),
    "feature_breadth": SignalEntry("features_on", {"usage": _used("features_used", 1)}, (("features_used",),)),
    "days_silent": SignalEntry("usage_on", _USED, (("active_users",),), is_whole=True),
    "ticket_spike": SignalEntry("tickets_on", {"tickets": _in_window(4)}),
    "escalations": SignalEntry(
        "tickets_on", {"tickets": _all_of(_in_window(), _is("escalated", True))}, (("escalated",),), is_whole=True
    ),
    "open_escalations": SignalEntry(
        "tickets_on",
        {"tickets": _all_of(_is("escalated", True), _IS_OPEN)},
        (("escalated",), _TICKET_ENDS),
        is_whole=True,
    ),
    "sla_breaches": SignalEntry(
        "tickets_on", {"tickets": _all_of(_in_window(), _is("sla_breached", True))}, (("sla_breached",),), is_whole=True
    ),
    "support_csat": SignalEntry(
        "rated_on",
        {"tickets": _all_of(_in_window(), _has("csat")), "surveys": _all_of(_in_window(), _is("kind", "csat"))},
    ),
    "oldest_urgent_ticket": SignalEntry(
        "tickets_on",
        {"tickets": _all_of(_is("priority", "high", "urgent"), _IS_OPEN)},
        (("priority",), _TICKET_ENDS),
        is_whole=True,
    ),
    "nps": SignalEntry("answered_on", _NPS),
    "nps_change": SignalEntry("answered_on", _NPS),
    "csm_pulse": SignalEntry("felt_on", {"notes": _has("pulse")}, (("pulse",),)),
    "evaluating_alternatives": _STATED,
    "competitor_named": _STATED,
    "budget_cut": _STATED,
    "value_doubted": _STATED,
    "feature_gap": _STATED,
    "reorganisation": _STATED,
    "leaving_stated": _STATED,
    "sponsor_lost_stated": _STATED,
    "service_complaints": _STATED,
    "waiting_for_answer": _STATED,
    "days_since_exec_touch": SignalEntry(
        "touchpoints_on",
        {"touchpoints": _is_executive_touch},
        not_shown="no row of touchpoints names an executive (kind exec_meeting, or a contact with the role exec_sponsor or"
        " economic_buyer)",
        is_whole=True,
    ),
    "champion_status": SignalEntry(
        "contacts_on",
        {"contacts": _is("role", "champion")},
        (("role",),),
        not_shown="no row of contacts has the role champion",
        is_whole=True,
    ),
    "sponsor_changed": SignalEntry(
        "contacts_on",
        {"contacts": _has_sponsor_left},
        (("role",), ("status", "departed_on")),
        not_shown="no row of contacts has the role exec_sponsor or economic_buyer",
        is_whole=True,
    ),
    "active_contacts": SignalEntry(
        "touchpoints_on",
        {"touchpoints": _all_of(_in_window(), _is_answered, _has("contact_id"))},
        (("contact_id",), _ANSWERS),
        is_whole=True,
    ),
    "unanswered_outreach": SignalEntry(
        "touchpoints_on",
        # From four days on: a younger message has not had time for an answer.
        {
            "touchpoints": _all_of(
                _in_window(first_day=4), _is("outbound", True), _is("kind", "email", "call"), _not(_is_answered)
            )
        },
        (("outbound",), _ANSWERS),
        row_filter=_since_last_answer,
        is_whole=True,
    ),
    "missed_meetings": SignalEntry(
        "touchpoints_on",
        {"touchpoints": _all_of(_in_window(), _is("attended", False), _IS_MEETING)},
        (("attended",),),
        is_whole=True,
    ),
    "response_days": SignalEntry(
        "touchpoints_on", {"touchpoints": _all_of(_in_window(), _has("responded_at"))}, (("responded_at",),)
    ),
    "payment_failed": SignalEntry(
        "invoices_on", {"invoices": _all_of(_is_unpaid, _is("status", "failed"))}, _INVOICE_STATE, is_whole=True
    ),
    "invoice_overdue": SignalEntry("invoices_on", _OVERDUE, _INVOICE_STATE, is_whole=True),
    "overdue_share": SignalEntry("invoices_on", _OVERDUE, _INVOICE_STATE),
    "arr_trend": SignalEntry("outcomes_on", {"outcomes": _in_window()}),
    "goals_behind": SignalEntry("goals_on", {"goals": _has("status")}, (("status",),)),
}
"""Every signal, in the order in which its columns are saved."""


def needed_columns(table: Table) -> tuple[str, ...]:
    """The columns of a table that some signal cannot do without; of a table of the team's own, all that is optional."""
    if table.name not in TABLES:
        return tuple(column.name for column in table.columns if not column.required)
    entries = [entry for entry in SIGNALS.values() if entry.needs and table.name in entry.rows]
    return tuple(sorted({column for entry in entries for group in entry.needs for column in group}))


EARLIER_DAYS = {"actions_on": "usage_on", "logins_on": "usage_on", "features_on": "usage_on"}
"""Days that weeks saved before did not have each for itself, by the column that held them then."""

CONTEXT_COLUMNS = {
    "active_users_before": "usage", "active_users_now": "usage", "amount_overdue": "commercial",
    "renewal_in_days": "commercial",
}  # fmt: skip
"""Measured beside the signals, by the file of which category: rules and evidence use them, scores do not."""

WHOLE_CONTEXT = frozenset(("renewal_in_days",))
"""The context that is a whole number."""
