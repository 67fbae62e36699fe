"""Primary actions of earlier reviews: an account keeps one, with its date, until it is done or another one fits better. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from domain.tracking import Action
from tools.planning.follow_up import ProgressLog, progress_on


@dataclass(frozen=True)
class EarlierPrimaryActions:
    """Primary actions that earlier reviews handed out, as known at the end of one day."""

    open: Mapping[str, Action] = field(default_factory=dict)
    """The newest open one of each account."""
    done: Mapping[tuple[str, str], date] = field(default_factory=dict)
    """Account and title to the last day on which it was done."""

    def continues(self, account: str, title: str) -> Action | None:
        """The open action of the account, if it is this one."""
        action = self.open.get(account)
        return action if action is not None and action.title == title else None


def earlier_primary_actions(actions: Sequence[Action], progress: ProgressLog, day: date) -> EarlierPrimaryActions:
    """Sorted from all actions of earlier reviews. An action that was done without a date counts from its due date."""
    newest: dict[str, Action] = {}
    done: dict[tuple[str, str], date] = {}
    for action in sorted((each for each in actions if each.kind == "primary"), key=lambda each: (each.due, each.id)):
        state, on = progress_on(action, progress, day)
        if state == "open":
            newest[action.account_id] = action
        elif state == "done":
            key = (action.account_id, action.title)
            done[key] = max(on or action.due, done.get(key, date.min))
    return EarlierPrimaryActions(newest, done)
