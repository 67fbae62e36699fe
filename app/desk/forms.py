"""What the forms of the pages send. Each checks, acts, and leads back to the page to see what came of it."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from app.desk.operations import check_role
from app.desk.request_context import RequestContext, read_form, require_role
from app.desk.review_runner import next_week_request
from app.questions import answer_question
from app.timing import Timing
from domain.desk import DESK_ROLES, Member
from domain.errors import InputError, StaleDecision
from domain.questions import QuestionAnswer
from tools.store.desk_store import DeskStore
from tools.wording import review_id_of

router = APIRouter(include_in_schema=False)
Form = Annotated[dict[str, list[str]], Depends(read_form)]
Csm = Annotated[RequestContext, Depends(require_role("csm", "acting here"))]
Leader = Annotated[RequestContext, Depends(require_role("leader", "this decision"))]
Reader = Annotated[RequestContext, Depends(require_role("viewer"))]


def form_text(form: Mapping[str, list[str]], name: str) -> str:
    """A field that stands once; empty when it is not there."""
    return form.get(name, [""])[0].strip()


def parse_date(text: str, what: str) -> date:
    """A date. Raises InputError."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InputError(f"{what} {text!r} is not a date; write it like 2026-12-07") from None


def parse_amount(text: str, what: str) -> float:
    """An amount. Raises InputError."""
    try:
        found = float(text)
    except ValueError:
        raise InputError(f"{what} {text!r} is not a number") from None
    if not 0 <= found < 1e12:
        raise InputError(f"{what} {text!r} is not an amount")
    return found


def parse_seen(form: Mapping[str, list[str]]) -> int:
    """The number of the choice that whoever decides had before them."""
    text = form_text(form, "seen")
    if not text.isdecimal() or len(text) > 9:
        raise InputError("the form does not say what was read; open the page again")
    return int(text)


def decision_from_form(form: Mapping[str, list[str]]) -> dict[str, object]:
    """One decision from a form; of an edit only what differs from the play as it was shown."""
    said: dict[str, object] = {"account": form_text(form, "account"), "decision": form_text(form, "decision")}
    if version := form_text(form, "version"):
        said["version"] = version
    if reason := form_text(form, "reason"):
        said["reason"] = reason
    if said["decision"] == "defer":
        said["until"] = parse_date(form_text(form, "until"), "until")
    if said["decision"] == "edit":
        said |= _edit_from_form(form)
    return said


def _edit_from_form(form: Mapping[str, list[str]]) -> dict[str, object]:
    """Fields named like ``owner:ACTION``; each with ``was:owner:ACTION``, what the page showed."""
    changed: dict[str, dict[str, object]] = {"owner": {}, "due": {}, "wording": {}, "swap": {}}
    dropped = []
    for field in form:
        kind, _, action = field.partition(":")
        if kind == "drop" and action:
            dropped.append(action)
        if kind not in changed or not action:
            continue
        now, was = form_text(form, field), form_text(form, f"was:{field}")
        if now and " ".join(now.split()) != " ".join(was.split()):
            changed[kind][action] = parse_date(now, f"{action}: due") if kind == "due" else now
    swap = changed["swap"]
    # A swapped action brings its own owner, date and words; what was typed for the old one goes with it.
    kept = {k: {a: v for a, v in values.items() if a not in swap and a not in dropped} for k, values in changed.items()}
    return {
        "owners": kept["owner"],
        "dates": kept["due"],
        "wording": kept["wording"],
        "swap": {a: v for a, v in swap.items() if a not in dropped},
        "drop": tuple(dropped),
    }


@router.post("/r/{review_id}/choices")
def submit_choice(visit: Leader, form: Form, review_id: str) -> Response:
    """Approve, edit, reject or defer one play, or say what happens to one plan line."""
    book = visit.book(review_id)
    visit.operations.choose(book, decision_from_form(form), parse_seen(form))
    return visit.back(form_text(form, "next"))


@router.post("/r/{review_id}/plan")
def submit_plan(visit: Leader, form: Form, review_id: str) -> Response:
    """Record all choices as the decision on the plan; the review goes on."""
    book = visit.book(review_id)
    budget = parse_amount(form_text(form, "budget"), "the budget") if form_text(form, "budget") else None
    visit.operations.record_plan(book, form_text(form, "others"), budget)
    visit.desk.runner.resume_review(review_id)
    return visit.back(form_text(form, "next"))


@router.post("/r/{review_id}/close")
def submit_close(visit: Leader, form: Form, review_id: str) -> Response:
    """Close the meeting; the pages and lists are written."""
    book = visit.book(review_id)
    owners = {field.partition(":")[2]: form_text(form, field) for field in form if field.startswith("owner:")}
    visit.operations.close(book, owners, form_text(form, "notes"))
    visit.desk.runner.resume_review(review_id)
    return visit.back(form_text(form, "next"))


@router.post("/r/{review_id}/actions")
def submit_action_state(visit: Csm, form: Form, review_id: str) -> Response:
    """An action is done, dropped, or open again."""
    book = visit.book(review_id)
    on = (
        parse_date(form_text(form, "on"), "the day")
        if form_text(form, "on")
        else visit.desk.today(book.review.time_zone)
    )
    visit.operations.mark(form_text(form, "action"), form_text(form, "state"), on, form_text(form, "note"))
    return visit.back(form_text(form, "next"))


@router.post("/r/{review_id}/override")
def submit_override(visit: Csm, form: Form, review_id: str) -> Response:
    """One's own band beside the computed one."""
    book = visit.book(review_id)
    today = visit.desk.today(book.review.time_zone)
    until = parse_date(form_text(form, "until"), "until")
    visit.operations.override(
        book, form_text(form, "account"), form_text(form, "band"), form_text(form, "reason"), until, today
    )
    return visit.back(form_text(form, "next"))


@router.post("/r/{review_id}/notes")
def submit_note(visit: Csm, form: Form, review_id: str) -> Response:
    """A note of the meeting."""
    visit.operations.write_down(visit.book(review_id), form_text(form, "account"), form_text(form, "text"))
    return visit.back(form_text(form, "next"))


@router.post("/r/{review_id}/ask")
def submit_question(visit: Reader, form: Form, review_id: str) -> Response:
    """Answer a question; put the play that it asks for before the next decision when that is wanted."""
    book = visit.book(review_id)
    question, propose = form_text(form, "question"), form_text(form, "propose") == "1"
    if propose:
        check_role(visit.member, "csm", "proposing a play")
    request = book.request
    answered = answer_question(
        question,
        request.data,
        request.as_of,
        store=visit.desk.store,
        configs=request.configs,
        propose_by=visit.member.name if propose else None,
        timing=Timing(),
    )
    if not visit.member.is_at_least("manager"):
        answered = _without_workload(answered)
    if propose:
        visit.place.store.log(review_id, visit.member.name, "proposed", question=question, answer=answered.proposed)
    return visit.render_review(book, "ask.html", answered=answered, question=question)


def _without_workload(answered: QuestionAnswer) -> QuestionAnswer:
    """An answer without what is said about the hours of people of ours: that is for managers, however it is asked."""
    told = ("Who has how much to do is told to managers and leaders only.",)
    parts = (part.model_copy(update={"sentences": told, "capacity": ()}) if part.kind == "load" else part
             for part in answered.parts)  # fmt: skip
    return answered.model_copy(update={"parts": tuple(parts)})


@router.post("/r/{review_id}/open-week")
def submit_next_week(visit: Leader, form: Form, review_id: str) -> Response:
    """Start the next week's review on the same data location."""
    as_of = parse_date(form_text(form, "as_of"), "the review date") if form_text(form, "as_of") else None
    book = visit.book(review_id)
    as_of = as_of or book.next_review_date
    if as_of <= book.review.as_of:
        raise InputError(f"the next review lies after {book.review.as_of}")
    new = review_id_of(as_of)
    if new in [begun for begun, _, _ in visit.place.store.reviews()]:
        raise StaleDecision(f"{new} was begun already; it is in the list of weeks")
    visit.desk.runner.start_week(new, next_week_request(visit.place, review_id, as_of), visit.member.name)
    return visit.back(f"/r/{new}/week")


@router.post("/r/{review_id}/again")
def submit_resume(visit: Leader, form: Form, review_id: str) -> Response:
    """Let a review that stopped on an error go on."""
    visit.place.store.request(review_id)
    visit.desk.runner.resume_review(review_id)
    return visit.back(form_text(form, "next"))


@router.post("/views")
def submit_view(visit: Reader, form: Form) -> Response:
    """Keep the filters of the table under a name, or take a view away."""
    name, query = form_text(form, "name")[:60], form_text(form, "query")[:500]
    if not name:
        raise InputError("a view needs a name")
    DeskStore(visit.place.store).save_view(
        visit.member.name, name, "" if form_text(form, "remove") else query or "show=at-risk"
    )
    return visit.back(form_text(form, "next"))


@router.post("/people")
def submit_invitation(visit: Leader, form: Form) -> Response:
    """Make a one-time link or a token for somebody. It is shown once."""
    role, name = form_text(form, "role"), form_text(form, "name")
    if role not in DESK_ROLES or not name:
        raise InputError("say who it is for and what they may do")
    member = Member(name=name[:120], role=role, person_id=form_text(form, "person") or None)
    door, made = visit.desk.sessions(visit.place), {}
    if form_text(form, "kind") == "token":
        days = int(parse_amount(form_text(form, "days") or "30", "the days"))
        made = {"token": door.token(member, visit.member.name, max(days, 1))}
    else:
        root = visit.desk.settings.address or str(visit.request.base_url).rstrip("/")
        made = {"link": f"{root}/enter?key={door.link(member, visit.member.name)}"}
    return visit.show("people.html", tokens=DeskStore(visit.place.store).tokens(), ours=[], made=made, made_for=member)


@router.post("/people/revoke")
def submit_token_end(visit: Leader, form: Form) -> Response:
    """End a token."""
    number_of = form_text(form, "number")
    if not number_of.isalnum() or len(number_of) != 8 or not DeskStore(visit.place.store).revoke_token(number_of):
        raise InputError("there is no such token")
    visit.place.store.log("", visit.member.name, "revoked a token", number=number_of)
    return visit.back("/people")
