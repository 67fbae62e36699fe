"""A daily re-score between two reviews: the stand-up of the critical accounts, stored and written as files.

One rule: nothing of a review is touched. The day is one more document of the newest review, with an audit line, in one
transaction; the history, the decisions and the folder of the review stay as they are.
"""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from app.publishing import replace_folder
from app.service import check_output_folder, load_review_document
from app.timing import Timing
from app.wiring import ReviewRequest, StoreSession, absolute_location, build_context, load_scored_base
from domain.errors import BusyError, DecisionError, InputError
from domain.phase_results import IdentifyResult
from domain.stand_up import StandUp

if TYPE_CHECKING:
    from app.report.stand_up_text import StandUpTasks
    from domain.review import Review
    from tools.engine import StepWatcher

_KIND = "day:"
"""Begins the kind of a stored day; its date follows."""
FOLDER = "stand-up"
"""Folder of the days, beside the folders of the reviews."""


def refresh(session: StoreSession, data: str | None, day: date, by: str, watch: "StepWatcher | None" = None) -> StandUp:
    """Score the data as of ``day`` and store the stand-up of the newest review. ``data``: by default that of the review.

    The same day with the same data stores nothing a second time. Raises InputError for a day before the newest review or
    after the next one, DecisionError for a review that was interrupted, BusyError when its week was started again meanwhile.
    """
    from graph.stand_up import stand_up

    review_id = newest_review(session, day)
    check_day(session, review_id, day)
    stored, _, run = session.store.request(review_id)
    identified = session.store.get(review_id, "identified", IdentifyResult)
    request = ReviewRequest.from_stored(stored)
    request = replace(request, as_of=day, data=absolute_location(data) if data else request.data)
    context = build_context(session, review_id, Timing())
    base = load_scored_base(request, context.configuration, context.history, watch, session.people(day))
    try:
        found = stand_up(context, base, identified, latest_day(session, review_id, before=day))
    finally:
        base.close()
    with session.store.transaction():
        if session.store.request(review_id)[2] != run:
            raise BusyError(f"{review_id} was started again meanwhile; refresh once more")
        if stored_day(session, review_id, day) != found:
            session.store.save(review_id, _KIND + day.isoformat(), found)
            session.store.log(
                review_id, by, "refreshed", day=day.isoformat(), data=request.data, fingerprint=found.fingerprint,
                critical=found.accounts, alerts=[account.account_id for account in found.alerts],
            )  # fmt: skip
    return found


def newest_review(session: StoreSession, day: date) -> str:
    """The review that a day belongs to. Raises InputError where there is none yet, and for a day before the newest one."""
    reviews = session.store.reviews()
    if not reviews:
        raise InputError(no_review_yet(day))
    review_id, as_of, _ = max(reviews, key=lambda each: each[1])
    if day < as_of:
        raise InputError(
            f"{day} is before the newest review, {review_id} of {as_of}; a refresh is for the days from {as_of} on"
        )
    return review_id


def no_review_yet(day: date) -> str:
    """The refusal where there is no review to belong to."""
    return f"no review has been run in this store yet; begin with: saveplay review --data … --as-of {day}"


def check_day(session: StoreSession, review_id: str, day: date) -> None:
    """Check that a day lies between a review, the newest one, and the next.

    Raises InputError for any other day, DecisionError for a review that was interrupted.
    """
    if newest_review(session, day) != review_id:
        raise InputError(f"{review_id} is not the newest review; a refresh is for the newest one")
    if not session.store.has(review_id, "planned"):
        raise DecisionError(f"{review_id} was interrupted; first: saveplay resume {review_id}")
    following = next_review_of(session, review_id)
    if day > following:
        raise InputError(
            f"{day} is after the next review, which was due on {following}; run it first: "
            f"saveplay review --data … --as-of {following}"
        )


def next_review_of(session: StoreSession, review_id: str) -> date:
    """The day on which the review after this one is due."""
    from tools.planning.next_steps import next_review_day
    from tools.working_days import WorkingDays

    settings = session.review_configuration(review_id).review
    identified = session.store.get(review_id, "identified", IdentifyResult)
    interval = settings.profile_for(identified.portfolio.accounts).interval_days
    return next_review_day(identified.as_of, interval, WorkingDays(settings))


def stored_days(session: StoreSession, review_id: str) -> list[date]:
    """The days that were refreshed since a review, oldest first."""
    kinds = session.store.kinds(review_id)
    return [date.fromisoformat(kind.removeprefix(_KIND)) for kind in kinds if kind.startswith(_KIND)]


def latest_day(session: StoreSession, review_id: str, before: date | None = None) -> StandUp | None:
    """The stand-up of the latest day, or of the latest one before a day; None where there is none."""
    days = [day for day in stored_days(session, review_id) if before is None or day < before]
    return stored_day(session, review_id, days[-1]) if days else None


def stored_day(session: StoreSession, review_id: str, day: date) -> StandUp | None:
    """The stand-up of a day, or None."""
    return session.store.find(review_id, _KIND + day.isoformat(), StandUp)


def tasks_of(session: StoreSession, review: "Review", found: StandUp) -> "StandUpTasks":
    """Open actions of the critical accounts that are late or due on the day, with what people marked by then."""
    from app.report.stand_up_text import due_tasks

    settings = session.review_configuration(review.review_id).review
    return due_tasks(review, found, session.store.progress(), settings)


def write_day(session: StoreSession, found: StandUp, out: str | None) -> Path:
    """Write the files of a day into ``out``/stand-up/<day>, by default beside the folder of the review. Returns the folder."""
    from app.report.stand_up import render_day

    folder = Path(out or session.store.request(found.review_id)[0]["out"])
    check_output_folder(folder / FOLDER)
    review = load_review_document(session, found.review_id)
    files = render_day(review, found, tasks_of(session, review, found))
    replace_folder(folder / FOLDER / found.as_of.isoformat(), files)
    return folder / FOLDER / found.as_of.isoformat()
