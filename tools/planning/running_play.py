"""Where a running play stands, and the proposal for the meeting: continue, change or stop. Pure.

A proposal is a reasoned offer; people decide.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from domain.configuration import ReviewSettings
from domain.dossier import Dossier
from domain.facts import Incident
from domain.phase_results import RunningPlay
from domain.plan_language import Step
from domain.running_play import (
    AccountMove,
    Deferral,
    PlayProgress,
    PlaySnapshot,
    Proposal,
    StepProgress,
    StepState,
)
from domain.save_play import SavePlay
from domain.tracking import AccountOutcome, Action
from tools.planning.account_moves import account_moves
from tools.planning.follow_up import ProgressLog, apply_progress
from tools.wording import capitalize_first, format_short_day, plural

_DAYS_A_WEEK = 7
_OPEN: tuple[StepState, ...] = ("open", "late", "deferred")
_STATES: Mapping[str, StepState] = {"missed": "late"}


@dataclass(frozen=True)
class WeekOfPlay:
    """Input of one week to a running play."""

    as_of: date
    settings: ReviewSettings
    currency: str
    incidents: Sequence[Incident]
    progress: ProgressLog
    notes: Mapping[str, str]
    """Action id to the note of the person who marked it."""
    outcomes: Mapping[str, AccountOutcome]
    """By account: what became of it since the last review."""
    deferrals: Mapping[str, Deferral]
    """By account: deferrals that end today."""


@dataclass(frozen=True)
class PlayChange:
    """Reason why another play is proposed, and that play."""

    why: str
    play: SavePlay


def play_progress(
    old: RunningPlay, actions: Sequence[Action], dossier: Dossier, week: WeekOfPlay, change: PlayChange | None
) -> PlayProgress:
    """Where the play stands. ``actions``: those of the play, as the latest review left them."""
    steps = tuple(_step(action, old, week) for action in sorted(actions, key=lambda each: (each.due, each.id)))
    moves: tuple[AccountMove, ...] = ()
    if old.seen is not None:
        resting = _resting(old, steps)
        moves = account_moves(old.seen, dossier, week.incidents, week.as_of, resting, week.currency)
    proposal, why = _propose(old, steps, moves, dossier, week, change)
    kept = {action.id for phase in change.play.phases for action in phase.actions} if change else set()
    mine = {action for actions in old.actions.values() for action in actions}
    return PlayProgress(
        account_id=old.account_id,
        origin=old.origin,
        created=old.created,
        week=(week.as_of - old.created).days // _DAYS_A_WEEK + 1,
        since=old.seen.as_of if old.seen else None,
        steps=steps,
        moves=moves,
        proposal=proposal,
        why=why,
        adds=tuple(a.title for phase in change.play.phases for a in phase.actions if a.id not in mine)
        if change
        else (),
        ends=tuple(step.title for step in steps if step.state in _OPEN and step.action not in kept) if change else (),
    )


def snapshot(
    review_id: str, as_of: date, dossier: Dossier, cause_label: str, situations: Iterable[str]
) -> PlaySnapshot:
    """The account as this review sees it, for the next one."""
    return PlaySnapshot(
        review_id=review_id,
        as_of=as_of,
        cause_label=cause_label,
        health=dossier.health,
        risk=dossier.risk,
        arr=dossier.arr,
        renewal_date=dossier.renewal_date,
        situations=tuple(situations),
        facts=dossier.facts,
    )


def with_marks(found: PlayProgress, progress: ProgressLog, today: date) -> PlayProgress:
    """The same with what people marked since the review ran: for pages that are read during the meeting."""
    steps = tuple(_marked(step, progress, today) for step in found.steps)
    return found if steps == found.steps else found.model_copy(update={"steps": steps})


def _marked(step: StepProgress, progress: ProgressLog, today: date) -> StepProgress:
    state, on = progress.get(step.id, ("open", None))
    if state == "done":
        late = max((on - step.due).days, 0) if on else 0
        return step.model_copy(update={"state": "done_late" if late else "done", "done_on": on, "days_late": late})
    if state == "dropped" or step.state not in ("done", "done_late"):
        return step.model_copy(update={"state": "dropped"}) if state == "dropped" else step
    late = max((today - step.due).days, 0)  # opened again
    return step.model_copy(update={"state": "late" if late else "open", "done_on": None, "days_late": late})


def _step(action: Action, old: RunningPlay, week: WeekOfPlay) -> StepProgress:
    now = apply_progress(action, week.progress, week.as_of, week.settings)
    state: StepState = _STATES.get(now.status, now.status)  # type: ignore[arg-type]
    ends = now.done_on if state == "done_late" else week.as_of if state == "late" else None
    name = action.playbook_action or ""
    kept = old.steps.get(name)
    return StepProgress(
        id=action.id,
        action=name,
        title=action.title,
        owner=action.owner,
        due=action.due,
        state=state,
        done_on=now.done_on,
        days_late=(ends - action.due).days if ends else 0,
        moved_from=old.moved.get(name),
        note=week.notes.get(action.id, "") if state in ("done", "done_late") else "",
        result=kept.result if kept else "",
    )


def _resting(old: RunningPlay, steps: Sequence[StepProgress]) -> dict[str, list[str]]:
    """Fact id to the titles of the open steps that rest on it."""
    found: dict[str, list[str]] = {}
    for step in steps:
        kept = old.steps.get(step.action)
        if step.state in _OPEN and kept is not None and kept.step is not None:
            for fact in facts_of(kept.step):
                found.setdefault(fact, []).append(step.title)
    return found


def facts_of(step: Step) -> list[str]:
    """Ids of the facts that a step names, each once."""
    named = [step.about, *step.because, step.person.fact if step.person else None]
    return list(dict.fromkeys(fact for fact in named if fact))


def _propose(
    old: RunningPlay,
    steps: Sequence[StepProgress],
    moves: Sequence[AccountMove],
    dossier: Dossier,
    week: WeekOfPlay,
    change: PlayChange | None,
) -> tuple[Proposal, str]:
    """The proposal with its reason: what is settled comes first, then what is new, then how far the steps are."""
    outcome, back = week.outcomes.get(old.account_id), week.deferrals.get(old.account_id)
    said = f"Back today: deferred by {back.by} on {format_short_day(back.since)}. " if back else ""
    if outcome is not None and outcome.status == "saved":
        return "stop", f"{said}They renewed. {_open_text(steps)}"
    if change is not None:
        return "change", said + change.why
    if not dossier.at_risk and dossier.health_band == "green":
        return "stop", f"{said}The account is no longer at risk and its health is green. {_open_text(steps)}"
    if steps and not [step for step in steps if step.state in _OPEN]:
        return "stop", f"{said}Every step is done. Compare the result with the success criteria."
    news = next(
        (f"{move.text.rstrip('.')}. " for move in moves if move.tone == "bad" and move.kind in ("new", "changed")), ""
    )
    return "continue", said + news + _direction(old, dossier, moves, week.settings) + _standing_text(steps, moves)


def _direction(old: RunningPlay, dossier: Dossier, moves: Sequence[AccountMove], settings: ReviewSettings) -> str:
    """One sentence where health moved much since the last review, or since the play began; otherwise empty."""
    figures = ", ".join(
        move.text[:1].lower() + move.text[1:]
        for move in moves
        if move.kind == "figure" and not move.text.startswith("R")
    )
    now, last = dossier.health, old.seen.health if old.seen else None
    if now is None or last is None or not figures:
        return ""
    if dossier.fell:
        return f"It gets worse: {figures}. "
    return f"It works: {figures}. " if now - last >= settings.health_gain.value else ""


def _open_text(steps: Sequence[StepProgress]) -> str:
    count = sum(step.state in _OPEN for step in steps)
    return f"{plural(count, 'step')} would end." if count else "Every step is done."


def _standing_text(steps: Sequence[StepProgress], moves: Sequence[AccountMove]) -> str:
    """Progress of the steps, the next one, and open steps that lost their reason."""
    done, late = (sum(step.state in states for step in steps) for states in (("done", "done_late"), ("late",)))
    text = f"{done} of {plural(len(steps), 'step')} {'is' if done == 1 else 'are'} done"
    text += f", {late} {'is' if late == 1 else 'are'} late." if late else "."
    waiting = [step for step in steps if step.state in _OPEN and step.state != "late"]
    overdue = [step for step in steps if step.state == "late"]
    if overdue:
        first = max(overdue, key=lambda step: (step.days_late, step.id))
        text += f" {plural(first.days_late, 'day')} late: {first.title} ({first.owner})."
    if waiting:
        following = min(waiting, key=lambda step: (step.due, step.id))
        text += f" Next: {following.title}, {following.owner}, by {format_short_day(following.due)}."
    settled = [move for move in moves if move.kind == "settled" and move.steps]
    if settled:
        text += f" {capitalize_first(plural(len(settled), 'fact'))} behind open steps {'is' if len(settled) == 1 else 'are'} settled: mark or edit them."
    return text
