"""Wording of the stand-up of one day, and what is due on it: alerts, moves, the text for a terminal.

Pure: made from the review, the day's record and the progress that is passed in.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from app.report.formatting import counted, rounded_money
from domain.configuration import ReviewSettings
from domain.review import Review
from domain.running_play import AccountMove
from domain.stand_up import StandUp, StandUpAccount
from domain.tracking import Action, Commitment
from tools.planning.follow_up import ProgressLog
from tools.wording import format_short_day

_OPEN = ("open", "late", "missed")
_SHOWN = 10
"""Actions of a list in the terminal; the files have all."""


@dataclass(frozen=True)
class StandUpTasks:
    """Open actions of critical accounts, soonest first."""

    late: tuple[Action | Commitment, ...]
    today: tuple[Action | Commitment, ...]


def due_tasks(review: Review, found: StandUp, progress: ProgressLog, settings: ReviewSettings) -> StandUpTasks:
    """Actions of the review and of earlier ones about the critical accounts, as they stand on the day."""
    critical = {account.account_id for account in found.critical}
    items: dict[str, Action | Commitment] = {each.action_id: each for each in review.followup.commitments}
    items |= {action.id: action for action in review.actions}
    waiting = [
        (id_, item)
        for id_, item in items.items()
        if item.account_id in critical and item.status in _OPEN and _is_open(id_, progress, found)
    ]
    waiting.sort(key=lambda pair: (pair[1].due, pair[1].owner, pair[0]))
    return StandUpTasks(
        late=tuple(item for _, item in waiting if item.due < found.as_of),
        today=tuple(item for _, item in waiting if item.due == found.as_of),
    )


def _is_open(action_id: str, progress: ProgressLog, found: StandUp) -> bool:
    state, on = progress.get(action_id, ("open", None))
    return state not in ("done", "dropped") or (on is not None and on > found.as_of)


def message(found: StandUp) -> str:
    """The day in one sentence."""
    news = len(found.alerts)
    changed = sum(bool(account.moves) for account in found.critical)
    said = f"{counted(news, 'account')} newly critical" if news else "No account is newly critical"
    rest = f"{counted(changed, 'account')} moved" if changed else "nothing moved"
    return f"{said} since {format_short_day(found.last_look)}; {rest}; {counted(found.accounts, 'account')} critical in all."


def moved(found: StandUp) -> list[StandUpAccount]:
    """The critical accounts that are new or that moved since the last look, new ones first."""
    news = [account for account in found.critical if account.new_since_look or account.moves]
    return sorted(news, key=lambda account: not account.new_since_look)


def unmoved(found: StandUp) -> list[StandUpAccount]:
    """The other critical accounts, in the order of the record."""
    return [account for account in found.critical if not account.new_since_look and not account.moves]


def day_text(found: StandUp, tasks: StandUpTasks) -> str:
    """The day for a terminal: alerts first, then what moved, then what is due."""
    lines = [f"Stand-up of {found.as_of} ({found.review_id}). {message(found)}"]
    for account in found.alerts:
        step = account.first_step
        lines.append(
            f"\nALERT {account.name} ({rounded_money(account.arr, found.currency)}, {account.owner}): "
            f"{'; '.join(account.why) or 'critical'}.\n  First: {step.title} ({step.owner}, {format_short_day(step.by)})"
        )
    others = [account for account in moved(found) if not account.new_since_look]
    lines += [f"\nMoved since {format_short_day(found.last_look)}:"] if others else []
    for account in others:
        lines.append(f"* {account.name} ({account.owner}): " + moves_text(account.moves))
    for each in found.no_longer:
        lines.append(f"* {each.name}: no longer critical, {each.now}.")
    for title, items in (("Late", tasks.late), ("Due today", tasks.today)):
        lines += [f"\n{title}:"] if items else []
        lines += [f"* {item.due} {item.owner}: {item.title} ({item.account_name})" for item in items[:_SHOWN]]
        lines += [f"  and {len(items) - _SHOWN} more"] if len(items) > _SHOWN else []
    return "\n".join(lines)


def moves_text(moves: Sequence[AccountMove]) -> str:
    """The moves as sentences, one after the other."""
    return " ".join(_sentence(move.text) for move in moves) or "nothing."


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?", "”")) else f"{text}."
