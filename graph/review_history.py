"""What earlier reviews left behind: who was at risk, which plays run, what became of them."""

from collections.abc import Mapping
from datetime import date, timedelta

from domain.phase_results import AtRiskSnapshot, IdentifyResult, RunningPlay, RunningPlays
from domain.tracking import Action
from graph.context import ReviewContext
from tools.planning.follow_up import completed_actions, open_actions
from tools.planning.metrics import ReviewHistory
from tools.save_play.expected_value import SaveRecord

_MAX_REVIEWS = 26
_PLAY_DAYS = 56
_REGAIN_DAYS = 60


def _reviews_before(context: ReviewContext, day: date) -> list[tuple[str, date]]:
    """Reviews before ``day``, newest first, as many as are remembered."""
    found = [(review_id, as_of) for review_id, as_of, _ in context.store.reviews() if as_of < day]
    return found[::-1][:_MAX_REVIEWS]


def earlier_snapshots(context: ReviewContext, day: date) -> list[AtRiskSnapshot]:
    """Who was at risk in earlier reviews, newest first."""
    found = (
        context.store.find(review_id, "standing", AtRiskSnapshot) for review_id, _ in _reviews_before(context, day)
    )
    return [standing for standing in found if standing is not None]


def running_plays(context: ReviewContext, day: date) -> dict[str, RunningPlay]:
    """The plays that run since the last review, by account; those older than eight weeks have ended."""
    for review_id, _ in _reviews_before(context, day):
        running = context.store.find(review_id, "running", RunningPlays)
        if running is not None:
            return {p.account_id: p for p in running.plays if day - p.created <= timedelta(days=_PLAY_DAYS)}
    return {}


def open_actions_on(context: ReviewContext, day: date) -> list[Action]:
    """Actions of reviews before ``day`` that were neither done nor dropped at its end."""
    return open_actions(context.store.actions_before(day), context.store.progress(), day)


def completed_actions_on(context: ReviewContext, day: date) -> set[tuple[str, str]]:
    """Account id and playbook action of what reviews before ``day`` approved and somebody had done at its end."""
    return completed_actions(context.store.actions_before(day), context.store.progress(), day)


def carried_actions(context: ReviewContext, day: date) -> list[Action]:
    """Actions that the last review before ``day`` still had to follow: what was settled before it is left out."""
    last = max((as_of for _, as_of, _ in context.store.reviews() if as_of < day), default=day)
    return open_actions(context.store.actions_before(day), context.store.progress(), last - timedelta(days=1))


def _approved_plays(context: ReviewContext, day: date) -> list[RunningPlay]:
    """Every play that was ever approved, once, oldest first."""
    found: dict[tuple[str, date], RunningPlay] = {}
    for review_id, _ in _reviews_before(context, day)[::-1]:
        running = context.store.find(review_id, "running", RunningPlays)
        for play in running.plays if running else ():
            found.setdefault((play.account_id, play.created), play)
    return [found[key] for key in sorted(found, key=lambda key: (key[1], key[0]))]


def save_records(context: ReviewContext, identified: IdentifyResult) -> dict[str, SaveRecord]:
    """Saves and losses by cause, from the plays of earlier reviews and the outcomes since."""
    counts: dict[str, list[int]] = {}
    for play in _approved_plays(context, identified.as_of):
        kind = identified.outcomes.get(play.account_id)
        if kind is not None:
            counts.setdefault(play.cause, [0, 0])[1 if kind == "churned" else 0] += 1
    return {cause: SaveRecord(saved, lost) for cause, (saved, lost) in counts.items()}


def metrics_history(
    context: ReviewContext, identified: IdentifyResult, by_cause: Mapping[str, SaveRecord]
) -> ReviewHistory:
    """All that the metrics need of earlier reviews."""
    standings = earlier_snapshots(context, identified.as_of)
    oldest = standings[-1] if standings else None
    old = [
        play
        for play in _approved_plays(context, identified.as_of)
        if identified.as_of - play.created >= timedelta(days=_REGAIN_DAYS)
    ]
    return ReviewHistory(
        first_found={item.account_id: s.as_of for s in standings for item in s.at_risk},
        outcomes=identified.outcomes,
        health_then={play.account_id: play.health for play in old},
        health_now=identified.standing_now,
        expected_losses=round(sum(item.churn_probability for item in oldest.at_risk), 4) if oldest else None,
        records=by_cause,
    )
