"""Order of the steps of a play: by date, and a step behind the one whose result it needs. Pure."""

from collections.abc import Iterable
from datetime import date
from operator import is_

from domain.save_play import PlayAction, PlayPhase


def number_steps(phases: Iterable[PlayPhase]) -> tuple[PlayPhase, ...]:
    """The phases with their actions in order, a step behind the one that it waits for, and the words for that ("after step 2")."""
    phases = tuple(phases)
    by_id = {action.id: action for phase in phases for action in phase.actions}

    def waits_for(action: PlayAction) -> str | None:
        after = action.step.after if action.step else None
        return after if after in by_id else None

    def depth(action: PlayAction, most: int) -> int:
        after = waits_for(action)
        return 0 if after is None or most == 0 else 1 + depth(by_id[after], most - 1)

    def place(action: PlayAction) -> tuple[date, int, str]:
        return action.due, depth(action, len(by_id)), action.id

    ordered = [sorted(phase.actions, key=place) for phase in phases]
    numbers = {action.id: number for number, action in enumerate((a for actions in ordered for a in actions), 1)}

    def numbered(action: PlayAction) -> PlayAction:
        after = waits_for(action)
        words = f"after step {numbers[after]}" if after else ""
        if action.after == words and (after is not None or action.step is None or action.step.after is None):
            return action
        step = action.step.model_copy(update={"after": after}) if action.step else None
        return action.model_copy(update={"after": words, "step": step})

    again = [tuple(numbered(action) for action in actions) for actions in ordered]
    return tuple(
        phase
        if len(phase.actions) == len(actions) and all(map(is_, phase.actions, actions))
        else phase.model_copy(update={"actions": actions})
        for phase, actions in zip(phases, again, strict=True)
    )
