"""Last week's commitments: what was promised, done, late, missed, and what became of the accounts. Pure."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Literal

from domain.configuration import ReviewSettings
from domain.tracking import AccountOutcome, Action, Commitment, Followup, PersonFollowup
from tools.wording import plural

CommitmentStatus = Literal["open", "done", "done_late", "late", "missed", "dropped"]


def commitment_status(
    due: date, done_on: date | None, dropped: bool, as_of: date, settings: ReviewSettings
) -> CommitmentStatus:
    """Where a commitment stands on ``as_of``; what was done later is not known yet."""
    if done_on is not None and done_on <= as_of:
        return "done" if done_on <= due else "done_late"
    if dropped:
        return "dropped"
    if due >= as_of:
        return "open"
    return "missed" if (as_of - due).days > settings.late_becomes_missed.value else "late"


def list_commitments(
    actions: Sequence[Action],
    progress: Mapping[str, tuple[str, date | None]],
    as_of: date,
    settings: ReviewSettings,
) -> tuple[Commitment, ...]:
    """Every action promised before, as it stands now; by due date."""
    found = []
    for action in sorted(actions, key=lambda action: (action.due, action.id)):
        state, done_on = progress.get(action.id, ("open", None))
        seen = done_on if state == "done" and done_on is not None and done_on <= as_of else None
        found.append(
            Commitment(
                action_id=action.id,
                review_id=action.review_id,
                account_id=action.account_id,
                account_name=action.account_name,
                owner=action.owner,
                owner_id=action.owner_id,
                title=action.title,
                due=action.due,
                status=commitment_status(action.due, seen, state == "dropped", as_of, settings),
                done_on=seen,
            )
        )
    return tuple(found)


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


def account_outcome(
    account_id: str,
    name: str,
    arr: float,
    standing: tuple[str | None, bool, float | None, float | None],
    carried: Sequence[Commitment],
) -> AccountOutcome:
    """What became of one account. ``standing``: outcome kind since last review, at risk now, health then and now."""
    kind, at_risk, before, now = standing
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
    elif not at_risk:
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


def learnings(items: Sequence[Commitment], outcomes: Sequence[AccountOutcome]) -> tuple[str, ...]:
    """What last week teaches, in sentences made from its counts."""
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
    previous: tuple[str, date] | None, items: Sequence[Commitment], outcomes: Sequence[AccountOutcome]
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
    )
