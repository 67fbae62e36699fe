"""Next steps after a rejected or deferred play: an owner, an action and a date for the account. Pure.

Nothing falls off the table: whatever people decide, somebody looks at the account again on a day. The same sentences are
said before the decision and stand in the outputs after it.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from domain.configuration import Configuration
from domain.dossier import Person
from domain.plan import TBD, PlanLine
from domain.running_play import Consequences, Deferral, PlayProgress, StepProgress
from domain.save_play import SavePlay
from domain.tracking import Action, Decision
from tools.planning.assignment import action_id, plan_line_action
from tools.planning.decisions import DECIDED_STATUS, AppliedDecisions
from tools.wording import format_number, format_short_day, plain_name, plural
from tools.working_days import WorkingDays

LOOK_AGAIN = "look-again"
_SHOWN = 3
"""Titles in a sentence; the page has all of them."""


@dataclass(frozen=True)
class LeftAccounts:
    """Accounts whose play or primary action people rejected or deferred, with everything that their next step needs."""

    review_id: str
    as_of: date
    next_review: date
    calendar: WorkingDays
    configuration: Configuration
    people: Mapping[str, Person]
    csms: Mapping[str, str]
    """Account to the person id of its owner."""
    lines: Mapping[str, PlanLine]

    def actions(self, decided: AppliedDecisions) -> list[Action]:
        """One next step for each account: the primary action of a rejected play, or a look at the account on a day."""
        record = decided.by_account
        left: list[SavePlay | PlanLine] = [
            play
            for play in decided.plays
            if play.status in ("rejected", "deferred") and play.account_id not in decided.waited
        ]
        return [self._next_step(each, record[each.account_id]) for each in (*left, *decided.left)]

    def _next_step(self, left: SavePlay | PlanLine, decision: Decision) -> Action:
        csm, line = self.people.get(self.csms.get(left.account_id, "")), self.lines.get(left.account_id)
        is_play = isinstance(left, SavePlay)
        if is_play and decision.decision == "reject" and line is not None:
            owned = line.model_copy(update={"owner": csm.name}) if csm else line
            return plan_line_action(owned, self.review_id, csm, self.calendar, self.as_of, self.configuration)
        due = self.calendar.on_or_after(decision.until or self.next_review)
        what = "the save play" if is_play else "the primary action"
        reason = f": {decision.reason}" if decision.reason else ""
        return Action(
            id=action_id(self.review_id, left.account_id, LOOK_AGAIN),
            review_id=self.review_id,
            account_id=left.account_id,
            account_name=left.name,
            owner=csm.name if csm else left.owner,
            owner_id=csm.person_id if csm else None,
            due=due,
            follow_up=self.calendar.follow_up(due, self.as_of),
            kind="look_again",
            title="Look at the account again",
            action=f"Read what is new at {plain_name(left.name)} and bring it to the review of {format_short_day(due)}.",
            purpose=f"{decision.by} {DECIDED_STATUS[decision.decision]} {what}{reason}",
            phase="stabilise",
            urgency="standard",
            effort_hours=0.0,
            channel="internal",
            playbook_action=None,
            contact=None,
        )


def deferred_actions(
    deferrals: Sequence[Deferral], open_actions: Sequence[Action], as_of: date, calendar: WorkingDays
) -> list[Action]:
    """Open actions of deferred plays: those deferred today move, those of an earlier week wait as they are."""
    found, by_account = [], {each.account_id: each for each in deferrals}
    for action in open_actions:
        deferral = by_account.get(action.account_id)
        if deferral is None:
            continue
        if deferral.since == as_of and action.playbook_action:
            found.append(defer_action(action, deferral, calendar))
        elif deferral.since < as_of and (action.deferred_until is not None or action.kind == "look_again"):
            found.append(action)
    return found


def closed_actions(
    decided: AppliedDecisions,
    open_actions: Sequence[Action],
    handed_out: Collection[str],
    progress: Mapping[str, PlayProgress],
    as_of: date,
) -> list[Action]:
    """Open actions that these decisions close, each with its reason. ``handed_out``: ids of all actions that go on."""
    record = decided.by_account
    plays = {play.account_id: play for play in decided.plays if play.account_id not in decided.waited}
    with_line = {line.account_id for line in decided.lines}
    found = []
    for action in open_actions:
        if action.id in handed_out:
            continue
        play, decision = plays.get(action.account_id), record.get(action.account_id)
        if action.kind == "look_again":
            found.append(close_action(action, f"Looked at in the review of {format_short_day(as_of)}"))
        elif action.kind == "primary" and play is not None and play.status in ("approved", "edited"):
            found.append(close_action(action, "The first action of the save play takes its place"))
        elif action.kind == "primary" and action.account_id in with_line:
            found.append(close_action(action, "Another primary action takes its place"))
        elif play is not None and decision is not None and action.playbook_action and play.status != "deferred":
            found.append(close_action(action, _closing_note(play, decision, progress.get(action.account_id))))
    return found


def _closing_note(play: SavePlay, decision: Decision, progress: PlayProgress | None) -> str:
    if play.status == "rejected":
        return f"Stopped by {decision.by}: {decision.reason}"
    if play.origin:
        return f"Left out by {decision.by}" + (f": {decision.reason}" if decision.reason else "")
    return f"Not in the changed play. {progress.why if progress else ''}".rstrip()


def close_action(action: Action, why: str) -> Action:
    """The action as closed by a decision, with the reason."""
    return action.model_copy(update={"status": "dropped", "note": why, "deferred_until": None})


def defer_action(action: Action, deferral: Deferral, calendar: WorkingDays) -> Action:
    """The action moved by as many days as the play waits; what is late today is due on the day it comes back."""
    days = deferral.until - deferral.since
    due = calendar.on_or_after(max(action.due, deferral.since) + days)
    return action.model_copy(
        update={
            "due": due,
            "follow_up": calendar.follow_up(due, deferral.until),
            "deferred_until": deferral.until,
            "note": deferral_note(deferral),
        }
    )


def deferral_note(deferral: Deferral) -> str:
    """The deferral in one sentence."""
    reason = f": {deferral.reason}" if deferral.reason else ""
    return f"Deferred to {format_short_day(deferral.until)} by {deferral.by}{reason}"


def deferrals_of(
    plays: Sequence[SavePlay], record: Mapping[str, Decision], as_of: date, earlier: Sequence[Deferral]
) -> tuple[Deferral, ...]:
    """Deferrals that hold after this review: those of today, and earlier ones whose day has not come."""
    found = {each.account_id: each for each in earlier if each.until > as_of}
    for play in plays:
        found.pop(play.account_id, None)
        decision = record.get(play.account_id)
        if play.status == "deferred" and decision is not None and decision.until is not None:
            found[play.account_id] = Deferral(
                account_id=play.account_id,
                name=play.name,
                since=as_of,
                until=decision.until,
                by=decision.by,
                reason=decision.reason,
            )
    return tuple(found[account] for account in sorted(found))


# said before the decision ------------------------------------------------------------------------------------------


def consequences(
    play: SavePlay,
    progress: PlayProgress | None,
    line: PlanLine | None,
    next_review: date,
    open_actions: Sequence[Action] = (),
) -> Consequences:
    """Effect of each decision on the account and its open actions. ``open_actions``: those of the account, not done yet."""
    stays = _stays(play, line, next_review)
    if progress is None:
        replaced = [each for each in open_actions if each.kind == "primary"]
        return Consequences(
            approve=_handed_out(play) + _replaced(replaced),
            defer=f"No action goes out. {_owner(play)} looks at the account again on that day, and the play comes back.",
            reject=f"No play. {stays}",
        )
    waiting = progress.of("open", "late", "deferred")
    open_ones, done = plural(len(waiting), "open action"), len(progress.of("done", "done_late"))
    keep = f"{open_ones} {'goes' if len(waiting) == 1 else 'go'} on with the same ids, owners and dates."
    return Consequences(
        approve=_change_text(progress) if progress.proposal == "change" else keep,
        continue_=keep,
        defer=f"{open_ones} {'waits' if len(waiting) == 1 else 'wait'} until that day and move by as many days; none is late "
        f"before. {_owner(play)} looks at the account again then.",
        reject=f"{open_ones} {'is' if len(waiting) == 1 else 'are'} closed with your reason{_titles(waiting)}. "
        f"{done} done {'stays' if done == 1 else 'stay'} on record. {stays}",
    )


def line_consequences(line: PlanLine, hours: float, next_review: date, open_actions: Sequence[Action]) -> Consequences:
    """Effect of each decision on an account that has no play. ``hours`` of a primary action."""
    owner = "Nobody yet" if line.owner == TBD else line.owner
    goes_on = line.since is not None
    after = "" if goes_on else _replaced([each for each in open_actions if each.kind == "primary"])
    looks = "The owner" if line.owner == TBD else line.owner
    return Consequences(
        approve=f"{owner} {'keeps' if goes_on else 'gets'} 1 action: {line.action}, {_hours(hours)}, by "
        f"{format_short_day(line.by)}.{after}",
        defer=f"No action goes out. {looks} looks at the account again on that day.",
        reject=f"No action goes out. {looks} looks at the account again by {format_short_day(next_review)}.",
    )


def _handed_out(play: SavePlay) -> str:
    """Actions of a play with their owners, hours and first day, in one sentence."""
    actions = [action for phase in play.phases for action in phase.actions]
    if not actions:
        return "No action goes out."
    counts = Counter("nobody yet" if action.owner == TBD else action.owner for action in actions)
    owners = [f"{owner} ({count})" for owner, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))]
    first, hours = min(action.due for action in actions), sum(action.effort_hours for action in actions)
    verb = "goes" if len(actions) == 1 else "go"
    return (
        f"{plural(len(actions), 'action')} {verb} to {', '.join(owners)}: {_hours(hours)}, the first due "
        f"{format_short_day(first)}."
    )


def _hours(hours: float) -> str:
    return f"{format_number(hours)} {'hour' if hours == 1 else 'hours'}"


def _replaced(actions: Sequence[Action]) -> str:
    """Open actions that the decision closes."""
    if not actions:
        return ""
    titles = "; ".join(action.title for action in actions[:_SHOWN])
    return f" {plural(len(actions), 'open action')} {'is' if len(actions) == 1 else 'are'} closed: {titles}."


def _change_text(progress: PlayProgress) -> str:
    waiting = progress.of("open", "late", "deferred")
    kept = len(waiting) - len(progress.ends)
    return (
        f"{plural(len(progress.adds), 'step')} {'is' if len(progress.adds) == 1 else 'are'} added, {kept} open "
        f"{'stays' if kept == 1 else 'stay'} with the same id, {len(progress.ends)} {'is' if len(progress.ends) == 1 else 'are'} closed."
    )


def _titles(steps: Sequence[StepProgress]) -> str:
    if not steps:
        return ""
    more = f" and {len(steps) - _SHOWN} more" if len(steps) > _SHOWN else ""
    return ": " + "; ".join(step.title for step in steps[:_SHOWN]) + more


def _stays(play: SavePlay, line: PlanLine | None, next_review: date) -> str:
    """The next step that is left."""
    if line is None:
        return f"{_owner(play)} looks at the account again by {format_short_day(next_review)}."
    owner = "nobody yet, a manager names an owner" if line.owner == TBD else line.owner
    return f"The primary action stays: {line.action} ({owner}, by {format_short_day(line.by)})."


def _owner(play: SavePlay) -> str:
    return "The owner" if play.owner == TBD else play.owner


def next_review_day(as_of: date, interval_days: int, calendar: WorkingDays) -> date:
    """The working day of the next review."""
    return calendar.on_or_after(as_of + timedelta(days=interval_days))
