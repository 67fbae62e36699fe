"""The stand-up on the desk: the critical accounts between two reviews, and the form that scores a day."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse, Response

from app.desk.forms import Form, form_text
from app.desk.request_context import RequestContext, require_role
from app.parsing import parse_date
from app.refresh import check_day, next_review_of, stored_day, stored_days, tasks_of
from domain.errors import UnknownReference

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
Reader = Annotated[RequestContext, Depends(require_role("viewer"), scope="function")]
Manager = Annotated[RequestContext, Depends(require_role("manager", "scoring a day"), scope="function")]


@router.get("/r/{review_id}/stand-up")
def stand_up_page(context: Reader, review_id: str, day: str = "") -> Response:
    """The latest day that was scored since the review, or the one that is asked for."""
    loaded, session = context.load_review(review_id), context.store_session
    days = stored_days(session, review_id)
    wanted = parse_date(day, "day") if day else (days[-1] if days else None)
    if wanted is not None and wanted not in days:
        raise UnknownReference(f"{wanted} was not scored since {review_id}; choose a day under Day")
    found = stored_day(session, review_id, wanted) if wanted is not None else None
    return context.render_review(
        loaded,
        "stand_up_desk.html",
        day=found,
        days_scored=days[::-1],
        tasks=tasks_of(session, loaded.review, found) if found is not None else None,
        is_newest=session.store.reviews()[-1][0] == review_id,
        suggested=_suggested(context, review_id, loaded.review.as_of, loaded.review.time_zone),
        refreshing=context.desk.runner.progress.get(f"refresh:{review_id}"),
        may_refresh=context.member.is_at_least("manager"),
    )


def _suggested(context: RequestContext, review_id: str, as_of: date, zone: str) -> date:
    """Today, held between the review and the next one."""
    return min(max(context.desk.today(zone), as_of), next_review_of(context.store_session, review_id))


@router.post("/r/{review_id}/refresh")
def submit_refresh(context: Manager, form: Form, review_id: str) -> Response:
    """Score a day in the background; the page shows it when it is there. Raises InputError for a day that is none of the review's."""
    context.load_review(review_id)
    day = parse_date(form_text(form, "day"), "the day")
    check_day(context.store_session, review_id, day)
    context.desk.runner.refresh_day(review_id, day, context.member.name)
    return context.back(f"/r/{review_id}/stand-up")
