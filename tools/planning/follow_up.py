"""Last week's commitments: what was promised, done, late, missed, and what became of the accounts. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from domain.configuration import ReviewSettings
from domain.tracking import AccountOutcome, Action, ActionStatus, Commitment, Followup, PersonFollowup, SettledPlay
from tools.wording import plural

ProgressState = Literal["open", "done", "dropped"]
ProgressLog = Mapping[str, tuple[str, date | None]]
"""Action id to the last state that was recorded (open, done or dropped) and its day; None where no day was given."""


def commitment_status(
    due: date, done_on: date | None, dropped: bool, as_of: date, settings: ReviewSettings
) -> ActionStatus:
    """Status of a commitment on ``as_of``; what was done later is not known yet."""
    if done_on is not None and done_on <= as_of:
        return "done" if done_on <= due else "done_late"
    if dropped:
        return "dropped"
    if due >= as_of:
        return "open"
    return "missed" if (as_of - due).days > settings.late_becomes_missed.value else "late"


def progress_on(action: Action, progress: ProgressLog, day: date) -> tuple[ProgressState, date | None]:
    """State of an action as known at the end of ``day``, and the day on which it was settled.

    Progress dated after ``day`` is not known yet; progress without a date is. What a review dropped stays dropped unless
    somebody did it all the same.
    """
    state, on = progress.get(action.id, ("open", None))
    known = on is None or on <= day
    if known and state == "done":
        return "done", on
    if action.status == "dropped" or (known and state == "dropped"):
        return "dropped", on if known else None
    return "open", None


def open_actions(actions: Sequence[Action], progress: ProgressLog, day: date) -> list[Action]:
    """Actions that were neither done nor dropped at the end of ``day``, in the order given."""
    return [action for action in actions if progress_on(action, progress, day)[0] == "open"]


def completed_actions(actions: Sequence[Action], progress: ProgressLog, day: date) -> set[tuple[str, str]]:
    """Account id and playbook action of each playbook action that was done by the end of ``day``."""
    return {
        (action.account_id, action.playbook_action)
        for action in actions
        if action.playbook_action and progress_on(action, progress, day)[0] == "done"
    }


def apply_progress(action: Action, progress: ProgressLog, day: date, settings: ReviewSettings) -> Action:
    """The action with its status and the day it was done, as known at the end of ``day``.

    An open action of a deferred play is deferred until the play comes back, and not late.
    """
    state, on = progress_on(action, progress, day)
    done_on = on if state == "done" else None
    status = commitment_status(action.due, done_on, state == "dropped", day, settings)
    if state == "done" and done_on is None:
        status = "done"
    if state == "open" and action.deferred_until is not None and day < action.deferred_until:
        status = "deferred"
    return action.model_copy(update={"status": status, "done_on": done_on})


def list_commitments(
    actions: Sequence[Action], progress: ProgressLog, as_of: date, settings: ReviewSettings
) -> tuple[Commitment, ...]:
    """Every action promised before ``as_of`` with its status on that day; by due date."""
    ordered = sorted(actions, key=lambda action: (action.due, action.id))
    return tuple(_commitment(apply_progress(action, progress, as_of, settings)) for action in ordered)


def _commitment(action: Action) -> Commitment:
    return Commitment(
        action_id=action.id,
        review_id=action.review_id,
        account_id=action.account_id,
        account_name=action.account_name,
        owner=action.owner,
        owner_id=action.owner_id,
        title=action.title,
        due=action.due,
        status=action.status,
        done_on=action.done_on,
        note=action.note,
    )


def count_by_person(items: Sequence[Commitment]) -> tuple[PersonFollowup, ...]:
    """The commitments of each person, counted; by name."""
    people = sorted({(item.owner, item.owner_id) for item in items}, key=lambda pair: (pair[0], pair[1] or ""))
    found = []
    for name, person_id in people:
        mine = [item.status for item in items if (item.owner, item.owner_id) == (name, person_id)]
        counts: dict[str, int] = {
            status: mine.count(status) for status in ("done", "done_late", "late", "missed", "open")
        }
        found.append(PersonFollowup(person=name, person_id=person_id, **counts))
    return tuple(found)


@dataclass(frozen=True)
class AccountStatus:
    """One account today, beside the review before."""

    outcome: str | None
    """Renewed, expanded, contracted or churned since the last review; None if nothing is known."""
    at_risk: bool
    is_customer: bool
    """True if the account is among those of today."""
    health_before: float | None
    health_now: float | None


def account_outcome(
    account_id: str, name: str, arr: float | None, status_now: AccountStatus, carried: Sequence[Commitment]
) -> AccountOutcome:
    """Outcome of one account that had a play. ``carried``: the commitments for it."""
    kind, before, now = status_now.outcome, status_now.health_before, status_now.health_now
    people = tuple(sorted({item.owner for item in carried if item.status in ("done", "done_late")}))
    moved = (
        f"health {before:.0f} → {now:.0f}"
        if before is not None and now is not None
        else "health not known in both weeks"
    )
    if kind == "churned":
        status, note = "lost", f"Left; {moved}."
    elif kind in ("renewed", "expanded"):
        status, note = "saved", f"{kind.capitalize()}; {moved}."
    elif not status_now.is_customer:
        status, note = "left_list", "No longer in the accounts, and no outcome says why."
    elif not status_now.at_risk:
        status, note = "recovered", f"No longer at risk; {moved}."
    else:
        status, note = "in_play", f"Still in play; {moved}."
    return AccountOutcome(
        account_id=account_id,
        name=name,
        arr=arr,
        status=status,
        health_before=before,
        health_now=now,
        note=note,
        people=people,
    )


@dataclass(frozen=True)
class PlayRecord:
    """The play behind an outcome."""

    cause: str
    """In words."""
    origin: str
    begun: date
    steps: int
    done: Sequence[tuple[date, str, str]]
    """Day, owner and note of each step that was done."""


def settled_play(outcome: AccountOutcome, play: PlayRecord, review_id: str, on: date) -> SettledPlay | None:
    """The line about a play that ended; None while it goes on, or where nothing says how it ended."""
    if outcome.status not in ("saved", "lost", "recovered"):
        return None
    notes = [note for _, _, note in sorted(play.done) if note]
    return SettledPlay(
        account_id=outcome.account_id,
        name=outcome.name,
        arr=outcome.arr,
        status=outcome.status,
        review_id=review_id,
        on=on,
        cause=play.cause,
        origin=play.origin,
        begun=play.begun,
        steps=play.steps,
        steps_done=len(play.done),
        people=tuple(sorted({owner for _, owner, _ in play.done})),
        learnt=notes[-1] if notes else _how_far(outcome, play),
    )


def _how_far(outcome: AccountOutcome, play: PlayRecord) -> str:
    if not play.done:
        return "Lost before anything was done." if outcome.status == "lost" else "Without a step of the play."
    return f"After {len(play.done)} of {plural(play.steps, 'step')}; nobody noted why."


def merge_settled(earlier: Sequence[SettledPlay], new: Sequence[SettledPlay]) -> tuple[SettledPlay, ...]:
    """All of them, one line a play, newest first. The same outcome seen again keeps its first line; a later one replaces it."""
    found = {(play.account_id, play.origin): play for play in earlier}
    for play in new:
        known = found.get((play.account_id, play.origin))
        if known is None or known.status != play.status:
            found[play.account_id, play.origin] = play
    return tuple(sorted(found.values(), key=lambda play: (-play.on.toordinal(), play.name, play.account_id)))


def find_settled(plays: Sequence[SettledPlay], search: str) -> list[SettledPlay]:
    """The plays in which every word of a search stands: in the name, the cause, a person, the outcome or what was learnt."""
    words = search.casefold().split()
    return [play for play in plays if all(word in _searched(play) for word in words)]


def _searched(play: SettledPlay) -> str:
    return " ".join((play.name, play.account_id, play.cause, play.status, *play.people, play.learnt)).casefold()


def learnings(items: Sequence[Commitment], outcomes: Sequence[AccountOutcome]) -> tuple[str, ...]:
    """Lessons of last week, in sentences made from its counts."""
    found = []
    due = [item for item in items if item.status in ("done", "done_late", "late", "missed")]
    kept = sum(1 for item in due if item.status == "done")
    if due:
        found.append(f"{kept} of {plural(len(due), 'commitment')} due by now were kept on time.")
    untouched = [
        outcome
        for outcome in outcomes
        if outcome.status == "lost" and not any(i.account_id == outcome.account_id and i.done_on for i in items)
    ]
    if untouched:
        names = ", ".join(outcome.name for outcome in untouched)
        found.append(f"Lost before anything was done: {names}. Was it found too late, or acted on too late?")
    saved = [outcome for outcome in outcomes if outcome.status == "saved"]
    if saved:
        found.append(f"Saved: {', '.join(outcome.name for outcome in saved)}. Thank the people who did it.")
    return tuple(found)


def build_follow_up(
    previous: tuple[str, date] | None,
    items: Sequence[Commitment],
    outcomes: Sequence[AccountOutcome],
    settled: Sequence[SettledPlay] = (),
) -> Followup:
    """The follow-up block of the meeting."""
    return Followup(
        baseline=previous is None,
        previous_review_id=previous[0] if previous else None,
        previous_as_of=previous[1] if previous else None,
        commitments=tuple(items),
        by_person=count_by_person(items),
        outcomes=tuple(outcomes),
        learnings=learnings(items, outcomes),
        settled=tuple(settled),
    )
