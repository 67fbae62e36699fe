"""The same operations for programs: JSON, a token per person, an idempotency key on everything that is written.

Described at /api/openapi.json. Refusals are 401 without a token, 403 for the role, 404, 409 when a newer decision exists,
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
from app.desk.operations import TextReading, WrongStatement
from app.desk.request_context import RequestContext, require_role
from app.desk.score_table import TableQuery
from app.desk.sessions import Session
from domain.decisions import PlayDecision
from domain.desk import DeskRole, EntryPoint, check_role
from domain.errors import StaleDecision
from domain.record import Record, Row
from tools.store.desk_store import DeskStore

MAX_ID_LENGTH = 200


class require_token(require_role):  # noqa: N801  reads as a sentence: Depends(require_token("leader"))
    """Open a request for the holder of a token with at least this role."""

    way: EntryPoint = "API"

    def __init__(self, role: DeskRole) -> None:
        super().__init__(role, "this call")

    @contextmanager
    def _open_context(self, request: Request) -> Iterator[RequestContext]:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        desk = get_desk(request)
        with desk.store_pool.borrow() as store_session:
            store_session.store.way = self.way
            member = (
                desk.sessions(store_session).find_token_owner(token.strip())
                if kind.lower() == "bearer" and token
                else None
            )
            if member is None:
                raise NotSignedIn
            desk.last_uses.note(token.strip(), desk.clock())
            request.state.member = member
            check_role(member, self.role, self.what)
            yield RequestContext(request, desk, store_session, Session(member, "", ""))


class Failure(Record):
    """The reason why a call was refused."""

    error: str
    message: str


class ChoiceBody(Record):
    """One decision about one play or plan line, and the number of the choice that was read before it."""

    decision: PlayDecision
    seen: int = Field(
        default=0, ge=0, le=1_000_000_000, description="The number of the choice that was read, 0 for none."
    )


class UndoBody(Record):
    """The decision that is taken back: its account, and the number of the choice that was read."""

    account: str
    seen: int = Field(ge=1, le=1_000_000_000)


class PlanBody(Record):
    """The part of the decision that is not about one play."""

    others: str = Field(default="", description="approve or reject: primary actions of accounts without a play.")
    budget: float | None = Field(default=None, ge=0, lt=1e12)
    hours: dict[str, Annotated[float, Field(ge=0, lt=1e6)]] = Field(default_factory=dict)


class CloseBody(Record):
    """The close of the meeting."""

    owners: dict[str, str] = Field(default_factory=dict, description="Account id to person id.")
    notes: str = Field(default="", max_length=2000)


class ActionStateBody(Record):
    """The result of an action."""

    state: str = Field(description="done, dropped, blocked (with a note) or open.")
    on: date
    note: str = Field(default="", max_length=2000)


class OverrideBody(Record):
    """A band set by a person, beside the computed one."""

    band: str
    reason: str = Field(max_length=2000)
    until: date


class NoteBody(Record):
    """A note of the meeting."""

    account: str = ""
    text: str = Field(max_length=2000)


class ReadingBody(Record):
    """Meaning of one text."""

    account: str
    text: str = Field(description="Id of the text, from unread_texts of the review.")
    kind: str = Field(default="", description="A kind of statement, or nothing_to_note.")
    words: str = Field(default="", max_length=2000, description="The words that say so, as they are written.")
    undo: bool = Field(default=False, description="Take back what was said about the text.")


class WrongBody(Record):
    """A statement that is wrong."""

    account: str
    statement: str = Field(description="Id of the statement, from statements of the review.")
    reason: str = Field(default="", max_length=2000)
    undo: bool = Field(default=False, description="Take the mark back.")


_REFUSALS: dict[int | str, dict[str, Any]] = {code: {"model": Failure} for code in (401, 403, 404, 409, 422, 503)}
router = APIRouter(prefix="/api/v1", responses=_REFUSALS)
Reader = Annotated[RequestContext, Depends(require_token("viewer"), scope="function")]
Csm = Annotated[RequestContext, Depends(require_token("csm"), scope="function")]
Manager = Annotated[RequestContext, Depends(require_token("manager"), scope="function")]
Leader = Annotated[RequestContext, Depends(require_token("leader"), scope="function")]
Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key", max_length=200, description="The same key and call again: the same answer, done once."
    ),
]


def run_once(context: RequestContext, key: str | None, asked: object, do: Callable[[], object]) -> Response:
    """Run an operation once for each key; without a key, or with an empty one, every time.

    Raises StaleDecision for a key of another call.
    """
    if not key or not key.strip():
        return JSONResponse(do())
    store, call = DeskStore(context.store_session.store), json.dumps([context.member.name, key])
    text = f"{context.request.method} {context.request.url.path} {asked!r}"
    digest = hashlib.sha256(text.encode()).hexdigest()
    with context.store_session.store.transaction():
        before = store.find_answer(call)
        if before is not None:
            if before[0] != digest:
                raise StaleDecision("this Idempotency-Key was used for another call")
            return Response(before[2], before[1], media_type="application/json", headers={"idempotent-replay": "true"})
        response = JSONResponse(do())
        store.save_answer(call, digest, 200, bytes(response.body).decode(), context.desk.clock())
    return response


@router.get("/reviews")
def get_reviews(context: Reader) -> list[Row]:
    """Every review with its date and stage, oldest first."""
    return [
        {
            "review_id": review_id,
            "as_of": as_of.isoformat(),
            "stage": review_progress(context.store_session, review_id).stage,
        }
        for review_id, as_of, _ in context.store_session.store.reviews()
    ]


@router.get("/reviews/{review_id}")
def get_review(context: Reader, review_id: str) -> Response:
    """The whole review, as in review.json; figures about our own people are for managers only."""
    loaded = context.load_review(review_id)
    found = loaded.review if context.member.is_at_least("manager") else loaded.public_review
    return Response(found.model_dump_json(), media_type="application/json")


@router.get("/reviews/{review_id}/accounts")
def get_accounts(
    context: Reader,
    review_id: str,
    show: Annotated[str, Query(max_length=20)] = "at-risk",
    priority: Annotated[str, Query(max_length=20)] = "",
    csm: Annotated[str, Query(max_length=MAX_ID_LENGTH)] = "",
    segment: Annotated[str, Query(max_length=MAX_ID_LENGTH)] = "",
    change: Annotated[str, Query(max_length=20)] = "",
    search: Annotated[str, Query(max_length=MAX_ID_LENGTH)] = "",
    sort: Annotated[str, Query(max_length=20)] = "money",
    page: Annotated[int, Query(ge=1, le=100_000)] = 1,
) -> Row:
    """One page of the scores of all accounts."""
    loaded = context.load_review(review_id)
    given = {
        "show": show,
        "priority": priority,
        "csm": csm,
        "segment": segment,
        "change": change,
        "search": search,
        "sort": sort,
    }
    scores = context.desk.score_cache.scores(context.store_session, loaded)
    found = scores.page(scores.check(TableQuery.of({**given, "page": str(page)})))
    return {
        "page": found.wanted.page, "pages": found.pages, "accounts": found.accounts, "arr": found.arr,
        "currency": loaded.review.portfolio.currency, "rows": found.rows,
    }  # fmt: skip


@router.get("/reviews/{review_id}/choices")
def get_choices(context: Reader, review_id: str) -> Row:
    """The choices so far, by account, and the plays without one."""
    loaded = context.load_review(review_id)
    table = MeetingState.read(context.store_session, loaded)
    return {
        "choices": {account: choice.model_dump(mode="json") for account, choice in table.choices.items()},
        "undecided": [play.account_id for play in table.undecided(loaded)],
        "stage": loaded.progress.stage,
    }


@router.post("/reviews/{review_id}/choices")
def post_choice(context: Leader, review_id: str, said: ChoiceBody, key: Key = None) -> Response:
    """Approve, edit, reject or defer one play, or one plan line."""
    loaded = context.load_review(review_id)
    given = said.decision.model_dump(exclude_defaults=True)
    return run_once(
        context, key, said, lambda: context.operations.record_choice(loaded, given, said.seen).model_dump(mode="json")
    )


@router.post("/reviews/{review_id}/undo")
def post_undo(context: Leader, review_id: str, given: UndoBody, key: Key = None) -> Response:
    """Take back the choice about one account; answers with the choice that stands now, or null."""
    loaded = context.load_review(review_id)

    def do() -> Row:
        back = context.operations.take_back_choice(loaded, given.account, given.seen)
        return {"choice": back.model_dump(mode="json") if back is not None else None}

    return run_once(context, key, given, do)


@router.post("/reviews/{review_id}/plan")
def post_plan(context: Leader, review_id: str, given: PlanBody, key: Key = None) -> Response:
    """Record all choices as the decision on the plan; the review goes on."""
    loaded = context.load_review(review_id)

    def do() -> Row:
        decided = context.operations.record_plan(loaded, given.others, given.budget, given.hours)
        return {"recorded": len(decided.plays)}

    response = run_once(context, key, given, do)
    context.desk.runner.resume_review(review_id)
    return response


@router.post("/reviews/{review_id}/close")
def post_close(context: Leader, review_id: str, given: CloseBody, key: Key = None) -> Response:
    """Close the meeting."""
    loaded = context.load_review(review_id)

    def do() -> Row:
        context.operations.close(loaded, given.owners, given.notes)
        return {"closed": review_id}

    response = run_once(context, key, given, do)
    context.desk.runner.resume_review(review_id)
    return response


@router.post("/actions/{action_id:path}")
def post_action_state(context: Csm, action_id: str, given: ActionStateBody, key: Key = None) -> Response:
    """Mark an action as done, dropped, blocked or open again."""

    def do() -> Row:
        action = context.operations.mark_action(action_id, given.state, given.on, given.note)
        return {"action": action.id, "state": given.state}

    return run_once(context, key, given, do)


@router.post("/reviews/{review_id}/overrides/{account:path}")
def post_override(context: Csm, review_id: str, account: str, given: OverrideBody, key: Key = None) -> Response:
    """Set a band beside the computed one, until a date."""
    loaded = context.load_review(review_id)
    today = context.desk.today(loaded.review.time_zone)
    return run_once(
        context,
        key,
        given,
        lambda: context.operations.override(loaded, account, given.band, given.reason, given.until, today).model_dump(
            mode="json"
        ),
    )


@router.post("/reviews/{review_id}/notes")
def post_note(context: Csm, review_id: str, given: NoteBody, key: Key = None) -> Response:
    """A note of the meeting."""
    loaded = context.load_review(review_id)

    def do() -> Row:
        context.operations.add_note(loaded, given.account, given.text)
        return {"noted": True}

    return run_once(context, key, given, do)


@router.post("/reviews/{review_id}/readings")
def post_reading(context: Csm, review_id: str, given: ReadingBody, key: Key = None) -> Response:
    """Say what a text means, or take it back. It counts from the next review on."""
    loaded = context.load_review(review_id)
    today = context.desk.today(loaded.review.time_zone)
    choice = TextReading(given.text, given.kind, given.words, given.undo)

    def do() -> Row:
        reading = context.operations.read_text(loaded, given.account, choice, today)
        return reading.model_dump(mode="json") if reading else {"taken_back": given.text}

    return run_once(context, key, given, do)


@router.post("/reviews/{review_id}/wrong")
def post_wrong_mark(context: Csm, review_id: str, given: WrongBody, key: Key = None) -> Response:
    """Mark a statement as wrong, or take the mark back. It counts no more from the next review on."""
    loaded = context.load_review(review_id)
    today = context.desk.today(loaded.review.time_zone)
    choice = WrongStatement(given.statement, given.reason, given.undo)

    def do() -> Row:
        mark = context.operations.mark_wrong(loaded, given.account, choice, today)
        return mark.model_dump(mode="json") if mark else {"taken_back": given.statement}

    return run_once(context, key, given, do)


@router.get("/audit")
def get_audit_log(
    context: Manager,
    before: Annotated[int | None, Query(ge=1, le=2**53)] = None,
    most: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> Row:
    """The audit log, newest first, and whether the chain is whole."""
    verdict = context.store_session.store.verify_audit()
    lines = context.store_session.store.audit_lines(most, before)
    return {"lines": [line.model_dump(mode="json") for line in lines], "verdict": verdict.model_dump(mode="json")}
