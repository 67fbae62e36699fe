"""The renewal view on the desk: the page, and its two tables as CSV. Reading only."""

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse, Response

from app.desk.request_context import RequestContext, require_role
from app.report.csv_files import renewal_accounts_csv, renewals_csv
from domain.errors import UnknownReference
from domain.renewals import RenewalView

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
Reader = Annotated[RequestContext, Depends(require_role("viewer"), scope="function")]


@router.get("/r/{review_id}/renewals")
def renewals_page(context: Reader, review_id: str) -> Response:
    """Renewals of four quarters by month, with the accounts behind each."""
    return context.render_review(context.load_review(review_id), "renewals_desk.html")


@router.get("/r/{review_id}/renewals.csv")
def renewals_table(context: Reader, review_id: str) -> Response:
    """The renewal view by month. Raises UnknownReference for a review of an older version."""
    return _csv(renewals_csv(_renewals(context, review_id)), "renewals.csv")


@router.get("/r/{review_id}/renewal_accounts.csv")
def renewal_accounts_table(context: Reader, review_id: str) -> Response:
    """The accounts of the renewal view. Raises UnknownReference for a review of an older version."""
    return _csv(renewal_accounts_csv(_renewals(context, review_id)), "renewal_accounts.csv")


def _renewals(context: RequestContext, review_id: str) -> RenewalView:
    found = context.load_review(review_id).review.renewals
    if found is None:
        raise UnknownReference(f"{review_id} was run by an older version, which has no renewal view")
    return found


def _csv(content: bytes, name: str) -> Response:
    return Response(
        content, media_type="text/csv; charset=utf-8", headers={"content-disposition": f'attachment; filename="{name}"'}
    )
