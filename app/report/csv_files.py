"""The tables that other programs read: action list and CRM updates as CSV.

A text cell that a spreadsheet could take for a formula is written with a leading apostrophe; a number stays a number.
"""

import csv
import io
import re
from collections.abc import Iterable, Sequence

from domain.review import Review
from domain.tracking import Action

Cell = str | float | int | None
_FORMULA = re.compile(
    "[\\s\\x00-\\x20\\x7f-\\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]*[=+\\-@\uff1d\uff0b\uff0d\uff20]"
)
_BREAK = ("\t", "\r", "\n")
ACTION_COLUMNS = (
    "id", "review_id", "account_id", "account", "owner", "due", "follow_up", "kind", "title", "action", "purpose",
    "urgency", "effort_hours", "status", "done_on",
)  # fmt: skip
CRM_COLUMNS = ("account_id", "account", "field", "value", "reason")


def escape_formula(cell: Cell) -> Cell:
    """The cell, with an apostrophe before anything that could run as a formula."""
    if not isinstance(cell, str):
        return "" if cell is None else cell
    is_risky = not cell[:1].isalnum() and (cell.startswith(_BREAK) or _FORMULA.match(cell))
    return f"'{cell}" if is_risky else cell


def csv_bytes(columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """A CSV file in UTF-8."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([escape_formula(cell) for cell in row] for row in rows)
    return text.getvalue().encode("utf-8")


def actions_csv(review: Review) -> bytes:
    """Every action of the review; people fill in ``status`` and ``done_on`` and it is read again."""
    return csv_bytes(ACTION_COLUMNS, (_action_row(action) for action in review.actions))


def _action_row(action: Action) -> tuple[Cell, ...]:
    return (
        action.id, action.review_id, action.account_id, action.account_name, action.owner, action.due.isoformat(),
        action.follow_up.isoformat() if action.follow_up else None, action.kind, action.title, action.action,
        action.purpose, action.urgency, action.effort_hours, action.status,
        action.done_on.isoformat() if action.done_on else None,
    )  # fmt: skip


def crm_csv(review: Review) -> bytes:
    """Every field to be set in the CRM."""
    return csv_bytes(CRM_COLUMNS, ((u.account_id, u.name, u.field, u.value, u.reason) for u in review.crm_updates))
