"""States to record from a filled-in actions.csv, checked against the store."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from app.report.csv_files import read_text
from domain.errors import InputError
from tools.sources.action_list import ActionLine, ListLayout, read_action_lines

IMPORTED_STATES = {
    "done": "done",
    "done_late": "done",
    "dropped": "dropped",
    "open": "open",
    "late": "open",
    "missed": "open",
    "deferred": "open",
    "": "",
}
"""The state that a status in a list means. An open action says nothing new, an empty status says nothing at all."""
_SHOWN_PROBLEMS = 10

State = tuple[str, str, date]
"""Action id, ``done`` or ``dropped``, and the day."""


@dataclass(frozen=True)
class KnownActions:
    """Knowledge of the store: by action id the day it was approved on, and its state and day where it is marked."""

    approved: Mapping[str, date]
    progress: Mapping[str, tuple[str, date | None]]


@dataclass(frozen=True)
class ImportedList:
    """The states to record, and the number of lines that say nothing new."""

    states: list[State]
    nothing_new: int


def read_action_list(file: Path, layout: ListLayout, known: KnownActions, on: date, latest: date) -> ImportedList:
    """Read a list and check all of it; nothing is recorded here.

    ``on`` is the day where a line gives none, ``latest`` the last day that has come. Raises InputError with the first ten
    problems, each with its row.
    """
    checked: list[tuple[ActionLine, State | None]] = []
    problems: list[tuple[int, str]] = []
    for each in read_action_lines(file, layout, known.approved):
        # ``actions.csv`` guards its cells against formulas; an id that needed a guard is read without it.
        line = replace(each, action_id=read_text(each.action_id)) if each.action_id not in known.approved else each
        problem = line.problem or _line_problem(line, known, on, latest)
        if problem is not None:
            problems.append((line.row, problem))
        else:
            checked.append((line, _state(line, known, on)))
    problems += _contradictions([line for line, _ in checked])
    if problems:
        raise InputError(_problem_text(file.name, sorted(problems)))
    states = list(dict.fromkeys(state for _, state in checked if state is not None))
    return ImportedList(states, len(checked) - len(states))


def _line_problem(line: ActionLine, known: KnownActions, on: date, latest: date) -> str | None:
    """The reason why a line cannot be recorded, or None."""
    if not line.action_id:
        return "no action id"
    if line.action_id not in known.approved:
        return f"no action {_shortened(line.action_id)!r} in this store"
    state = _meaning(line)
    if state is None:
        return f"status {_shortened(line.status)!r}; use done, open or dropped"
    approved = known.approved[line.action_id]
    if line.done_on is None:
        is_early = state in ("done", "dropped") and _is_new(line, state, known) and on < approved
        return f"the action was approved on {approved}, after {on}; give the day with --on" if is_early else None
    if state not in ("done", "dropped"):
        return f"done_on is {line.done_on}, but the status is {line.status or 'empty'}; write done or clear the date"
    if line.done_on > latest:
        return f"done_on {line.done_on} lies in the future"
    if line.done_on < approved:
        return f"done_on {line.done_on} lies before the action was approved ({approved})"
    return None


def _meaning(line: ActionLine) -> str | None:
    """The state that the status means, "" for an empty one, None for another word."""
    return IMPORTED_STATES.get("_".join(line.status.lower().replace("-", " ").replace("_", " ").split()))


def _is_new(line: ActionLine, state: str, known: KnownActions) -> bool:
    """True unless the store says the same already; a line without a day leaves the recorded day alone."""
    recorded = known.progress.get(line.action_id)
    return recorded is None or recorded[0] != state or line.done_on not in (None, recorded[1])


def _state(line: ActionLine, known: KnownActions, on: date) -> State | None:
    """The state to record, or None for a line that says nothing new."""
    state = _meaning(line)
    if state not in ("done", "dropped") or not _is_new(line, state, known):
        return None
    return line.action_id, state, line.done_on or on


def _contradictions(lines: list[ActionLine]) -> list[tuple[int, str]]:
    """Lines that say something else about an action than an earlier line does."""
    found = []
    first: dict[str, ActionLine] = {}
    for line in lines:
        if not _meaning(line):
            continue
        earlier = first.setdefault(line.action_id, line)
        if (_meaning(earlier), earlier.done_on) != (_meaning(line), line.done_on):
            found.append((line.row, f"{line.action_id} is {_said(line)}, but {_said(earlier)} in row {earlier.row}"))
    return found


def _said(line: ActionLine) -> str:
    return f"{line.status} on {line.done_on}" if line.done_on else line.status


def _shortened(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:59]}…"


def _problem_text(name: str, problems: list[tuple[int, str]]) -> str:
    shown = "; ".join(f"row {row}: {problem}" for row, problem in problems[:_SHOWN_PROBLEMS])
    more = f"; and {len(problems) - _SHOWN_PROBLEMS} more" if len(problems) > _SHOWN_PROBLEMS else ""
    return f"{name} {shown}{more}; nothing was recorded"
