"""The same operations for programs: JSON, a token per person, an idempotency key on everything that is written.

Described at /api/openapi.json. Refusals are 401 without a token, 403 for the role, 404, 409 when something newer stands,
422 for what cannot be done, 503 while a review is being prepared.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import Field

from app.desk.desk_app import NotSignedIn, get_desk
from app.desk.loaded_review import MeetingState, review_progress
from app.desk.operations import check_role
from app.desk.request_context import RequestContext, require_role
from app.desk.score_table import TableQuery
from app.desk.sessions import Session
from domain.decisions import PlayDecision
from domain.desk import DeskRole, EntryPoint
from domain.errors import StaleDecision
from domain.record import Record
from tools.store.desk_store import DeskStore
from tools.store.review_store import Row

MAX_ID_LENGTH = 200


class require_token(require_role):  # noqa: N801  read as a sentence: Depends(bearer("leader"))
    """Opens a visit for the holder of a token with at least this role."""

    way: EntryPoint = "API"

    def __init__(self, role: DeskRole) -> None:
        super().__init__(role, "this call")

    @contextmanager
    def _visit(self, request: Request) -> Iterator[RequestContext]:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        desk = get_desk(request)
        with desk.store_pool.borrow() as place:
            place.store.way = self.way
            member = (
                desk.sessions(place).find_token_owner(token.strip()) if kind.lower() == "bearer" and token else None
            )
            if member is None:
                raise NotSignedIn
            request.state.member = member
            check_role(member, self.role, self.what)
            yield RequestContext(request, desk, place, Session(member, "", ""))


class Failure(Record):
    """Why a call was refused."""

    error: str
    message: str


class ChoiceBody(Record):
    """One decision about one play or plan line, and what its maker had read."""

    decision: PlayDecision
    seen: int = Field(
        default=0, ge=0, le=1_000_000_000, description="The number of the choice that was read, 0 for none."
    )


class PlanBody(Record):
    """What is recorded with the choices."""

    others: str = Field(default="", description="approve or reject: primary actions of accounts without a play.")
    budget: float | None = Field(default=None, ge=0, lt=1e12)
    hours: dict[str, Annotated[float, Field(ge=0, lt=1e6)]] = Field(default_factory=dict)


class CloseBody(Record):
    """The close of the meeting."""

    owners: dict[str, str] = Field(default_factory=dict, description="Account id to person id.")
    notes: str = Field(default="", max_length=2000)


class ActionStateBody(Record):
    """What became of an action."""

    state: str = Field(description="done, dropped or open.")
    on: date
    note: str = Field(default="", max_length=2000)


class OverrideBody(Record):
    """Somebody's own band beside the computed one."""

    band: str
    reason: str = Field(max_length=2000)
    until: date


class NoteBody(Record):
    """A note of the meeting."""

    account: str = ""
    text: str = Field(max_length=2000)


_REFUSALS: dict[int | str, dict[str, Any]] = {code: {"model": Failure} for code in (401, 403, 404, 409, 422, 503)}
router = APIRouter(prefix="/api/v1", responses=_REFUSALS)
Reader = Annotated[RequestContext, Depends(require_token("viewer"))]
Csm = Annotated[RequestContext, Depends(require_token("csm"))]
Manager = Annotated[RequestContext, Depends(require_token("manager"))]
Leader = Annotated[RequestContext, Depends(require_token("leader"))]
Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key", max_length=200, description="The same key and call again: the same answer, done once."
    ),
]


def run_once(visit: RequestContext, key: str | None, asked: object, do: Callable[[], object]) -> Response:
    """Do something once a key. The same key with another call is refused; without a key it is simply done."""
    if key is None:
        return JSONResponse(do())
    store, call = DeskStore(visit.place.store), json.dumps([visit.member.name, key])
    text = f"{visit.request.method} {visit.request.url.path} {asked!r}"
    digest = hashlib.sha256(text.encode()).hexdigest()
    with visit.place.store.together():
        before = store.answered(call)
        if before is not None:
            if before[0] != digest:
                raise StaleDecision("this Idempotency-Key was used for another call")
            return Response(before[2], before[1], media_type="application/json", headers={"idempotent-replay": "true"})
        response = JSONResponse(do())
        store.save_answer(call, digest, 200, bytes(response.body).decode(), visit.desk.clock())
    return response


@router.get("/reviews")
def get_reviews(visit: Reader) -> list[Row]:
    """Every review with its date and how far it is, oldest first."""
    return [
        {"review_id": review_id, "as_of": as_of.isoformat(), "stage": review_progress(visit.place, review_id).stage}
        for review_id, as_of, _ in visit.place.store.reviews()
    ]


@router.get("/reviews/{review_id}")
def get_review(visit: Reader, review_id: str) -> Response:
    """The whole review, as review.json holds it; what is said about people of ours only for managers."""
    book = visit.book(review_id)
    found = book.review if visit.member.is_at_least("manager") else book.public_review
    return Response(found.model_dump_json(), media_type="application/json")


@router.get("/reviews/{review_id}/accounts")
def get_accounts(
    visit: Reader,
    review_id: str,
    show: Annotated[str, Query(max_length=20)] = "at-risk",
    tier: Annotated[str, Query(max_length=20)] = "",
    csm: Annotated[str, Query(max_length=MAX_ID_LENGTH)] = "",
    segment: Annotated[str, Query(max_length=MAX_ID_LENGTH)] = "",
    change: Annotated[str, Query(max_length=20)] = "",
    search: Annotated[str, Query(max_length=MAX_ID_LENGTH)] = "",
    sort: Annotated[str, Query(max_length=20)] = "money",
    page: Annotated[int, Query(ge=1, le=100_000)] = 1,
) -> Row:
    """The scores of the base, a page at a time."""
    book = visit.book(review_id)
    given = {
        "show": show,
        "tier": tier,
        "csm": csm,
        "segment": segment,
        "change": change,
        "search": search,
        "sort": sort,
    }
    found = visit.desk.score_cache.scores(visit.place, book).page(TableQuery.of({**given, "page": str(page)}))
    return {
        "page": found.wanted.page, "pages": found.pages, "accounts": found.accounts, "arr": found.arr,
        "currency": book.review.portfolio.currency, "rows": found.rows,
    }  # fmt: skip


@router.get("/reviews/{review_id}/choices")
def get_choices(visit: Reader, review_id: str) -> Row:
    """What was said so far about each play, and what is undecided."""
    book = visit.book(review_id)
    table = MeetingState.of(visit.place, book)
    return {
        "choices": {account: choice.model_dump(mode="json") for account, choice in table.choices.items()},
        "undecided": [play.account_id for play in table.undecided(book)],
        "stage": book.standing.stage,
    }


@router.post("/reviews/{review_id}/choices")
def post_choice(visit: Leader, review_id: str, said: ChoiceBody, key: Key = None) -> Response:
    """Approve, edit, reject or defer one play, or one plan line."""
    book = visit.book(review_id)
    given = said.decision.model_dump(exclude_defaults=True)
    return run_once(visit, key, said, lambda: visit.operations.choose(book, given, said.seen).model_dump(mode="json"))


@router.post("/reviews/{review_id}/plan")
def post_plan(visit: Leader, review_id: str, given: PlanBody, key: Key = None) -> Response:
    """Record all choices as the decision on the plan; the review goes on."""
    book = visit.book(review_id)

    def do() -> Row:
        decided = visit.operations.record_plan(book, given.others, given.budget, given.hours)
        return {"recorded": len(decided.plays)}

    response = run_once(visit, key, given, do)
    visit.desk.runner.resume_review(review_id)
    return response


@router.post("/reviews/{review_id}/close")
def post_close(visit: Leader, review_id: str, given: CloseBody, key: Key = None) -> Response:
    """Close the meeting."""
    book = visit.book(review_id)

    def do() -> Row:
        visit.operations.close(book, given.owners, given.notes)
        return {"closed": review_id}

    response = run_once(visit, key, given, do)
    visit.desk.runner.resume_review(review_id)
    return response


@router.post("/actions/{action_id:path}")
def post_action_state(visit: Csm, action_id: str, given: ActionStateBody, key: Key = None) -> Response:
    """Say that an action is done, dropped or open again."""

    def do() -> Row:
        action = visit.operations.mark(action_id, given.state, given.on, given.note)
        return {"action": action.id, "state": given.state}

    return run_once(visit, key, given, do)


@router.post("/reviews/{review_id}/overrides/{account:path}")
def post_override(visit: Csm, review_id: str, account: str, given: OverrideBody, key: Key = None) -> Response:
    """One's own band beside the computed one, until a date."""
    book = visit.book(review_id)
    today = visit.desk.today(book.review.time_zone)
    return run_once(
        visit,
        key,
        given,
        lambda: visit.operations.override(book, account, given.band, given.reason, given.until, today).model_dump(
            mode="json"
        ),
    )


@router.post("/reviews/{review_id}/notes")
def post_note(visit: Csm, review_id: str, given: NoteBody, key: Key = None) -> Response:
    """A note of the meeting."""
    book = visit.book(review_id)

    def do() -> Row:
        visit.operations.write_down(book, given.account, given.text)
        return {"noted": True}

    return run_once(visit, key, given, do)


@router.get("/audit")
def get_audit_log(
    visit: Manager,
    before: Annotated[int | None, Query(ge=1, le=2**53)] = None,
    most: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> Row:
    """The audit log, newest first, and whether the chain is whole."""
    verdict = visit.place.store.verify_audit()
    lines = visit.place.store.audit_lines(most, before)
    return {"lines": [line.model_dump(mode="json") for line in lines], "verdict": verdict.model_dump(mode="json")}
