"""Is this save play fit to be read by people? Pure checks; each violation has a code and says what to change."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta

from domain.dossier import Person
from domain.playbook import Playbook
from domain.review import InterventionTier, PlayAction, SavePlay, Violation
from tools.calendar import WorkingDays

MINIMUM_ACTIONS = 3
FIRST_TOUCH_DAYS: dict[InterventionTier, int] = {"critical": 2, "high": 7, "medium": 28, "watch": 90}
_SPOKEN = ("call", "meeting")


def verify(
    play: SavePlay, playbook: Playbook, people: Mapping[str, Person], calendar: WorkingDays
) -> tuple[Violation, ...]:
    """All that must not stand, in a fixed order; empty when the play is fit."""
    return (
        *_actions(play, playbook),
        *_first_touch(play),
        *_owners(play, people),
        *_dates(play, calendar),
        *_evidence(play),
        *_criteria(play),
    )


def _all(play: SavePlay) -> Iterator[PlayAction]:
    for phase in play.phases:
        yield from phase.actions


def _actions(play: SavePlay, playbook: Playbook) -> Iterator[Violation]:
    for phase in play.phases:
        known = {action.id for action in playbook.phase(phase.phase)}
        for action in phase.actions:
            if action.id not in known:
                yield Violation(
                    code="action_not_of_cause",
                    message=f"{action.id} does not belong to {phase.phase} of the playbook {playbook.cause}; choose from it",
                )
        if len(phase.actions) < MINIMUM_ACTIONS:
            yield Violation(
                code="phase_too_thin",
                message=f"{phase.phase} has {len(phase.actions)} actions; it needs {MINIMUM_ACTIONS}",
            )


def _first_touch(play: SavePlay) -> Iterator[Violation]:
    touches = [action for action in _all(play) if action.customer_facing]
    if not touches:
        yield Violation(code="no_first_touch", message="nobody speaks with the customer; add a call or a meeting")
        return
    first = min(touches, key=lambda action: (action.due, _SPOKEN.count(action.channel) == 0))
    if first.channel not in _SPOKEN:
        yield Violation(
            code="first_touch_written", message=f"{first.id} comes first and is written; call or meet first"
        )
    limit = play.created + timedelta(days=FIRST_TOUCH_DAYS[play.intervention_tier] + 4)
    if first.due > limit:
        yield Violation(code="first_touch_late", message=f"{first.id} is due {first.due}; the tier asks for {limit}")


def _owners(play: SavePlay, people: Mapping[str, Person]) -> Iterator[Violation]:
    for action in _all(play):
        if action.owner_id is None:
            continue
        person = people.get(action.owner_id)
        if person is None or person.name != action.owner:
            yield Violation(
                code="owner_unknown", message=f"{action.id}: {action.owner} is nobody of ours; name a person"
            )


def _dates(play: SavePlay, calendar: WorkingDays) -> Iterator[Violation]:
    last = date.min
    for phase in play.phases:
        for action in phase.actions:
            if not calendar.is_working(action.due):
                yield Violation(code="not_a_working_day", message=f"{action.id} is due {action.due}, a day off")
            if action.due < play.created or action.due > phase.ends + timedelta(days=5):
                yield Violation(
                    code="date_outside_phase", message=f"{action.id} is due {action.due}, outside {phase.phase}"
                )
            if action.due < last:
                yield Violation(code="dates_out_of_order", message=f"{action.id} is due before the action ahead of it")
            last = action.due
        last = date.min


def _evidence(play: SavePlay) -> Iterator[Violation]:
    known = {fact.id for fact in play.evidence}
    for action in _all(play):
        for evidence_id in action.evidence:
            if evidence_id not in known:
                yield Violation(
                    code="evidence_unknown", message=f"{action.id} cites {evidence_id}, which does not exist"
                )


def _criteria(play: SavePlay) -> Iterator[Violation]:
    if len(play.success_criteria) < 3:
        yield Violation(code="success_missing", message="three success criteria are needed")
    if len(play.walk_away) < 3:
        yield Violation(code="walk_away_missing", message="three walk-away criteria are needed")
