"""Reader of a filled-in actions.csv: the status that people wrote beside each action."""

import csv
from collections.abc import Collection
from datetime import date
from pathlib import Path

from app.parsing import parse_date
from app.report.csv_files import read_text
from domain.errors import InputError

IMPORTED_STATES = {
    "done": "done",
    "done_late": "done",
    "dropped": "dropped",
    "open": "",
    "late": "",
    "missed": "",
    "": "",
}
"""The state that a status in an imported list sets; empty where the line says nothing new."""


def read_action_list(file: Path, on: date, known: Collection[str]) -> list[tuple[str, str, date]]:
    """Id, state and day of each line that sets a state; ``on`` is the day where none is given.

    Raises InputError naming the row; nothing is recorded then.
    """
    found: list[tuple[str, str, date]] = []
    for number, row in _read_rows(file):
        at = f"{file.name} row {number}"
        action_id = read_text(row["id"] or "").strip()
        status = (row["status"] or "").strip().lower().replace(" ", "_")
        if action_id not in known:
            raise InputError(f"{at}: no action {action_id!r} in this store")
        if status not in IMPORTED_STATES:
            raise InputError(f"{at}: status {status!r}; use done, open or dropped")
        if IMPORTED_STATES[status]:
            day = (row.get("done_on") or "").strip()
            found.append((action_id, IMPORTED_STATES[status], parse_date(day, f"{at}: done_on") if day else on))
    return found


def _read_rows(file: Path) -> list[tuple[int, dict[str, str | None]]]:
    """The rows with their line numbers; the heading is line 1. Raises InputError."""
    try:
        with file.open(newline="", encoding="utf-8-sig") as handle:
            reader = csv.DictReader(handle)
            missing = {"id", "status"} - set(reader.fieldnames or ())
            if missing:
                raise InputError(f"{file.name}: no column {sorted(missing)[0]!r}; import the actions.csv of a review")
            return list(enumerate(reader, start=2))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{file}: {getattr(error, 'strerror', None) or 'not a text file'}") from None
