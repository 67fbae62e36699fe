"""The tables that other programs read: action list and CRM updates as CSV.

No text can become a formula of a spreadsheet: neither a whole cell, nor a piece of it. In countries whose list separator
is ``;`` a double click on the file splits its lines at every ``;``, also inside quotation marks, and a line break inside
a cell begins a new row there. An apostrophe goes before what such a piece would begin with. It keeps the text readable,
and ``read_text`` takes exactly it away again; a look-alike of ``;`` would have changed names for good. A number stays a
number.
"""

import csv
import io
import re
from collections.abc import Iterable, Sequence

from domain.portfolio import AtRiskAccount, ListedAccount
from domain.renewals import RenewalPeriod, RenewalView
from domain.review import Review
from domain.tracking import Action

Cell = str | float | int | None
_BLANK = " \\x00-\\x08\\x0b\\x0c\\x0e-\\x20\\x7f-\\xa0\u1680\u2000-\u200f\u2028-\u202f\u205f-\u2069\u3000\ufeff"
_RISKY = f"'*[{_BLANK}\"]*[=+\\-@\uff1d\uff0b\uff0d\uff20]"
"""A sign that begins a formula, also after blanks, quotation marks and apostrophes that were there before."""
_START = f"(?={_RISKY}|'*[\\t\\r\\n])"
_PIECE = f"(?:(?<=\\t)(?={_RISKY})|(?<=[;\\r\\n])(?={_RISKY}|'*\"*\\t|'*\"+[\\r\\n]))"
_RISKY_START, _RISKY_PIECE = re.compile(_START), re.compile(_PIECE)
_GUARD_AT_START, _GUARD_IN_TEXT = re.compile(f"'{_START}"), re.compile(_PIECE.replace(")(?=", ")'(?="))
ACTION_COLUMNS = (
    "id", "review_id", "account_id", "account", "owner", "due", "follow_up", "kind", "title", "action", "purpose",
    "urgency", "effort_hours", "status", "done_on", "note",
)  # fmt: skip
LIST_COLUMNS = (
    "rank", "account_id", "account", "at_risk", "arr", "currency", "renewal_date", "chance_of_leaving", "within_weeks", "priority",
    "why", "owner",
)  # fmt: skip
COMMITMENT_COLUMNS = (
    "id", "review_id", "account_id", "account", "owner", "title", "due", "status", "done_on",
)  # fmt: skip
SAVES_COLUMNS = (
    "on", "review_id", "account_id", "account", "arr", "outcome", "cause", "play_of", "begun", "steps_done", "steps", "people",
    "learnt",
)  # fmt: skip
RENEWAL_COLUMNS = (
    "period", "quarter", "accounts", "arr", "unknown_arr", "expected_arr", "at_risk_accounts", "at_risk_arr",
    "at_risk_unknown_arr", "committed_accounts", "committed_arr", "committed_unknown_arr", "renewed_accounts", "renewed_arr",
    "lost_accounts", "lost_arr", "contracted_arr", "expanded_arr", "unknown_amounts",
)  # fmt: skip
RENEWAL_ACCOUNT_COLUMNS = (
    "period", "account_id", "account", "arr", "renewal_date", "at_risk", "priority", "risk", "chance_of_leaving",
    "within_weeks", "expected_arr", "commitment", "committed_on", "csm",
)  # fmt: skip
CRM_COLUMNS = ("account_id", "account", "field", "value", "reason")


def escape_formula(cell: Cell) -> Cell:
    """The cell, with an apostrophe before everything that could run as a formula."""
    if not isinstance(cell, str):
        return "" if cell is None else cell
    text = _RISKY_PIECE.sub("'", cell)
    return f"'{text}" if not text[:1].isalnum() and _RISKY_START.match(text) else text


def read_text(cell: str) -> str:
    """The text of a cell that ``escape_formula`` wrote."""
    text = cell[1:] if _GUARD_AT_START.match(cell) else cell
    return _GUARD_IN_TEXT.sub("", text)


def csv_bytes(columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """A CSV file in UTF-8."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([escape_formula(cell) for cell in row] for row in rows)
    return text.getvalue().encode("utf-8")


def actions_csv(review: Review) -> bytes:
    """Every action of the review, then those it closed; people fill in ``status`` and ``done_on`` and it is read again."""
    return csv_bytes(ACTION_COLUMNS, (_action_row(action) for action in (*review.actions, *review.closed_actions)))


def _action_row(action: Action) -> tuple[Cell, ...]:
    return (
        action.id, action.review_id, action.account_id, action.account_name, action.owner, action.due.isoformat(),
        action.follow_up.isoformat() if action.follow_up else None, action.kind, action.title, action.action,
        action.purpose, action.urgency, action.effort_hours, action.status,
        action.done_on.isoformat() if action.done_on else None, action.note,
    )  # fmt: skip


def commitments_csv(review: Review) -> bytes:
    """Every action of earlier reviews and what became of it."""
    rows = (
        (c.action_id, c.review_id, c.account_id, c.account_name, c.owner, c.title, c.due.isoformat(), c.status,
         c.done_on.isoformat() if c.done_on else None)
        for c in review.followup.commitments
    )  # fmt: skip
    return csv_bytes(COMMITMENT_COLUMNS, rows)


def list_csv(listed: Iterable[ListedAccount]) -> bytes:
    """The list of the meeting by rank, at risk or not."""
    return csv_bytes(LIST_COLUMNS, (_list_row(line) for line in listed))


def _list_row(line: ListedAccount) -> tuple[Cell, ...]:
    if isinstance(line, AtRiskAccount):
        at_risk, priority, why = "true", str(line.intervention_tier), "; ".join(line.reasons)
    else:
        at_risk, priority, why = "false", "watch", line.reason
    return (
        line.rank, line.account_id, line.name, at_risk, line.arr, line.currency,
        line.renewal_date.isoformat() if line.renewal_date else None, line.order_probability, line.order_horizon_weeks,
        priority, why, line.csm or "TBD",
    )  # fmt: skip


def saves_csv(review: Review) -> bytes:
    """Saves and losses with the play that led there and what was learnt, newest first."""
    rows = (
        (
            s.on.isoformat(), s.review_id, s.account_id, s.name, s.arr, s.status, s.cause, s.origin, s.begun.isoformat(),
            s.steps_done, s.steps, ", ".join(s.people), s.learnt,
        )
        for s in review.followup.settled
    )  # fmt: skip
    return csv_bytes(SAVES_COLUMNS, rows)


def renewals_csv(view: RenewalView) -> bytes:
    """The renewal view by month; amounts of unknown ARR are counted in columns of their own."""
    return csv_bytes(RENEWAL_COLUMNS, (_renewal_row(period) for period in view.periods))


def _renewal_row(period: RenewalPeriod) -> tuple[Cell, ...]:
    o = period.outcomes
    outcomes: tuple[Cell, ...] = (None,) * 7
    if o is not None:
        outcomes = (
            o.renewed_accounts, o.renewed_arr, o.lost_accounts, o.lost_arr, o.contracted_arr, o.expanded_arr, o.unknown_amounts,
        )  # fmt: skip
    return (
        period.id, period.quarter, period.accounts, period.arr, period.unknown_arr, period.expected_arr, period.at_risk_accounts,
        period.at_risk_arr, period.at_risk_unknown_arr, period.committed_accounts, period.committed_arr,
        period.committed_unknown_arr, *outcomes,
    )  # fmt: skip


def renewal_accounts_csv(view: RenewalView) -> bytes:
    """The accounts behind each row of the renewal view, largest ARR first."""
    return csv_bytes(
        RENEWAL_ACCOUNT_COLUMNS,
        (
            (
                period.id, a.account_id, a.name, a.arr, a.renewal_date.isoformat() if a.renewal_date else None,
                "true" if a.at_risk else "false", a.priority, a.risk, a.chance_of_leaving, a.chance_weeks, a.expected_arr,
                a.commitment, a.committed_on.isoformat() if a.committed_on else None, a.csm or "TBD",
            )
            for period in view.periods
            for a in period.listed
        ),
    )  # fmt: skip


def crm_csv(review: Review) -> bytes:
    """Every field to be set in the CRM."""
    return csv_bytes(CRM_COLUMNS, ((u.account_id, u.name, u.field, u.value, u.reason) for u in review.crm_updates))
