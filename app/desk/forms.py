"""Routes for the forms of the pages. Each checks its input, acts and redirects to a page."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from app.desk.answers import answer_for, named_colleagues, without_drafts
from app.desk.edit_form import edit_from_fields, field_of, typed_fields
from app.desk.operations import TextReading, WrongStatement
from app.desk.pages import show_people, show_play
from app.desk.request_context import RequestContext, read_form, require_role
from app.desk.review_runner import next_week_request
from app.earlier_run import read_worked_week
from app.parsing import parse_date
from app.questions import MAX_QUESTION_LENGTH, MOST_EARLIER, answer_question
from app.timing import Timing
from domain.desk import DESK_ROLES, CredentialKind, Member, check_role
from domain.errors import EditError, InputError
from tools.store.desk_store import DeskStore
from tools.wording import review_id_of

router = APIRouter(include_in_schema=False)
Form = Annotated[dict[str, list[str]], Depends(read_form)]
Csm = Annotated[RequestContext, Depends(require_role("csm", "acting here"), scope="function")]
Leader = Annotated[RequestContext, Depends(require_role("leader", "this decision"), scope="function")]
Reader = Annotated[RequestContext, Depends(require_role("viewer"), scope="function")]


def form_text(form: Mapping[str, list[str]], name: str) -> str:
    """The first value of a field; empty when it is absent."""
    return form.get(name, [""])[0].strip()


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
    """The number of the choice that was on the page. Raises InputError without one."""
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
        said |= edit_from_fields(typed_fields(form))
    return said


@router.post("/r/{review_id}/choices")
def submit_choice(context: Leader, form: Form, review_id: str) -> Response:
    """Approve, edit, reject or defer one play, or say what happens to one plan line."""
    loaded = context.load_review(review_id)
    try:
        evidence = form_text(form, "evidence")
        context.operations.record_choice(loaded, decision_from_form(form), parse_seen(form), evidence)
    except EditError as error:
        faults = {field_of(place): reason for place, reason in error.faults}
        return show_play(context, loaded, loaded.plays[form_text(form, "account")], typed_fields(form), faults)
    return context.back(form_text(form, "next"))


@router.post("/r/{review_id}/undo")
def submit_undo(context: Leader, form: Form, review_id: str) -> Response:
    """Take back one choice; until the decisions are recorded."""
    context.operations.take_back_choice(context.load_review(review_id), form_text(form, "account"), parse_seen(form))
    return context.back(form_text(form, "next"))


@router.post("/r/{review_id}/plan")
def submit_plan(context: Leader, form: Form, review_id: str) -> Response:
    """Record all choices as the decision on the plan; the review goes on."""
    loaded = context.load_review(review_id)
    context.operations.check_critical_lines(loaded)
    budget = parse_amount(form_text(form, "budget"), "the budget") if form_text(form, "budget") else None
    left_out = [account for account in form.get("out", []) if account]
    context.operations.record_plan(loaded, form_text(form, "others"), budget, left_out=left_out)
    context.desk.runner.resume_review(review_id)
    return context.back(form_text(form, "next"))


@router.post("/r/{review_id}/close")
def submit_close(context: Leader, form: Form, review_id: str) -> Response:
    """Close the meeting; the pages and lists are written."""
    loaded = context.load_review(review_id)
    owners = {field.partition(":")[2]: form_text(form, field) for field in form if field.startswith("owner:")}
    context.operations.close(loaded, owners, form_text(form, "notes"))
    context.desk.runner.resume_review(review_id)
    return context.back(form_text(form, "next"))


@router.post("/r/{review_id}/actions")
def submit_action_state(context: Csm, form: Form, review_id: str) -> Response:
    """Mark an action as done, dropped, blocked or open again."""
    loaded = context.load_review(review_id)
    on = (
        parse_date(form_text(form, "on"), "the day")
        if form_text(form, "on")
        else context.desk.today(loaded.review.time_zone)
    )
    context.operations.mark_action(form_text(form, "action"), form_text(form, "state"), on, form_text(form, "note"))
    return context.back(form_text(form, "next"))


@router.post("/r/{review_id}/override")
def submit_override(context: Csm, form: Form, review_id: str) -> Response:
    """Set a band beside the computed one."""
    loaded = context.load_review(review_id)
    today = context.desk.today(loaded.review.time_zone)
    until = parse_date(form_text(form, "until"), "until")
    context.operations.override(
        loaded, form_text(form, "account"), form_text(form, "band"), form_text(form, "reason"), until, today
    )
    return context.back(form_text(form, "next"))


@router.post("/r/{review_id}/readings")
def submit_reading(context: Csm, form: Form, review_id: str) -> Response:
    """Say what a text means, or take it back."""
    loaded = context.load_review(review_id)
    text, kind, words = (form_text(form, name) for name in ("text", "kind", "words"))
    choice = TextReading(text, kind, words, undo=form_text(form, "undo") == "1")
    today = context.desk.today(loaded.review.time_zone)
    context.operations.read_text(loaded, form_text(form, "account"), choice, today)
    return context.back(form_text(form, "next"))


@router.post("/r/{review_id}/wrong")
def submit_wrong_mark(context: Csm, form: Form, review_id: str) -> Response:
    """Mark a statement as wrong, or take the mark back."""
    loaded = context.load_review(review_id)
    choice = WrongStatement(form_text(form, "statement"), form_text(form, "reason"), form_text(form, "undo") == "1")
    today = context.desk.today(loaded.review.time_zone)
    context.operations.mark_wrong(loaded, form_text(form, "account"), choice, today)
    return context.back(form_text(form, "next"))


@router.post("/r/{review_id}/notes")
def submit_note(context: Csm, form: Form, review_id: str) -> Response:
    """A note of the meeting."""
    context.operations.add_note(context.load_review(review_id), form_text(form, "account"), form_text(form, "text"))
    return context.back(form_text(form, "next"))


@router.post("/r/{review_id}/ask")
def submit_question(context: Reader, form: Form, review_id: str) -> Response:
    """Answer a question; with `propose`, add the play that it asks for to the next decision."""
    loaded = context.load_review(review_id)
    question, propose = form_text(form, "question"), form_text(form, "propose") == "1"
    if propose:
        check_role(context.member, "csm", "proposing a play")
    earlier = tuple(each[:MAX_QUESTION_LENGTH] for each in form.get("earlier", []) if each.strip())[-MOST_EARLIER:]
    request = loaded.request
    answered = answer_question(
        question,
        request.data,
        request.as_of,
        store=context.desk.store,
        configs=request.configs,
        propose_by=context.member.name if propose else None,
        asker=context.member.person_id,
        earlier=earlier,
        way="desk",
        timing=Timing(),
    )
    asked = " ".join((*earlier, question))
    answered = answer_for(context.member, answered, named_colleagues(asked, loaded.people, context.member))
    answered = without_drafts(answered, lambda account: loaded.can_act_on(context.member, account))
    return context.render_review(loaded, "ask.html", answered=answered, question=question, earlier=earlier)


@router.post("/r/{review_id}/open-week")
def submit_next_week(context: Leader, form: Form, review_id: str) -> Response:
    """Start the next week's review on the same data location."""
    as_of = parse_date(form_text(form, "as_of"), "the review date") if form_text(form, "as_of") else None
    loaded = context.load_review(review_id)
    as_of = as_of or loaded.next_review_date
    if as_of <= loaded.review.as_of:
        raise InputError(f"the next review lies after {loaded.review.as_of}")
    new, again = review_id_of(as_of), form_text(form, "again") == "1"
    week = read_worked_week(context.store_session, new)
    if week is not None and not again:
        return context.show("again.html", status=409, week=week, review_id=review_id, as_of=as_of)
    request = next_week_request(context.store_session, review_id, as_of)
    context.desk.runner.start_week(new, request, context.member.name, again)
    return context.back(f"/r/{new}/week")


@router.post("/r/{review_id}/again")
def submit_resume(context: Leader, form: Form, review_id: str) -> Response:
    """Continue a review that stopped on an error."""
    context.store_session.store.request(review_id)
    context.desk.runner.resume_review(review_id)
    return context.back(form_text(form, "next"))


@router.post("/views")
def submit_view(context: Reader, form: Form) -> Response:
    """Save the filters of the table under a name, or remove a saved view."""
    name, query = form_text(form, "name")[:60], form_text(form, "query")[:500]
    if not name:
        raise InputError("a view needs a name")
    DeskStore(context.store_session.store).save_view(
        context.member.name, name, "" if form_text(form, "remove") else query or "show=at-risk"
    )
    return context.back(form_text(form, "next"))


@router.post("/people")
def submit_invitation(context: Leader, form: Form) -> Response:
    """Create a one-time link or a token for a person. It is shown once."""
    role, name = form_text(form, "role"), form_text(form, "name")
    if role not in DESK_ROLES or not name:
        raise InputError("say who it is for and what they may do")
    member = Member(name=name[:120], role=role, person_id=form_text(form, "person") or None)
    sessions = context.desk.sessions(context.store_session)
    if form_text(form, "kind") == "token":
        days = int(parse_amount(form_text(form, "days") or "30", "the days"))
        made = sessions.create_token(member, context.member.name, max(days, 1))
    else:
        root = context.desk.settings.address or str(context.request.base_url).rstrip("/")
        made = f"{root}/enter?key={sessions.create_link(member, context.member.name)}"
    return show_people(context, made, member)


@router.post("/people/revoke")
def submit_credential_end(context: Leader, form: Form) -> Response:
    """End a session, an unopened link or a token."""
    sessions = context.desk.sessions(context.store_session)
    sessions.end_credential(_credential_kind(form), form_text(form, "number"), context.member.name)
    return context.back("/people")


@router.post("/people/remove")
def submit_person_end(context: Leader, form: Form) -> Response:
    """End every session, link and token of one person."""
    sessions = context.desk.sessions(context.store_session)
    sessions.remove_person(_credential_kind(form), form_text(form, "number"), context.member.name)
    return context.back("/people")


def _credential_kind(form: Mapping[str, list[str]]) -> CredentialKind:
    """The kind in a form; a token when it names none."""
    kinds: dict[str, CredentialKind] = {"session": "session", "link": "link", "token": "token", "": "token"}
    kind = kinds.get(form_text(form, "kind"))
    if kind is None:
        raise InputError("say which is meant: a session, a link or a token")
    return kind
