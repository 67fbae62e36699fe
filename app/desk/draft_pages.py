"""The page of drafts about one play: ask for one, read it with its marks, edit and confirm it, then copy it."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse, Response

from app.desk.forms import form_text
from app.desk.loaded_review import LoadedReview
from app.desk.request_context import RequestContext, read_form, require_role
from app.report.file_names import stems
from app.text_drafts import check_kind, confirm_draft, make_draft, stored_drafts, text_hash
from domain.configuration import DraftKind
from domain.errors import NotAllowed, UnknownReference
from domain.save_play import SavePlay
from domain.text_drafts import DRAFT_TITLES, FOR_CUSTOMER, MAX_DRAFT, TextDraft
from tools.save_play.context import PlayContext
from tools.save_play.draft_claims import check_text, marks_note
from tools.save_play.draft_record import draft_record
from tools.save_play.editing import edited_context

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
Form = Annotated[dict[str, list[str]], Depends(read_form)]
Csm = Annotated[RequestContext, Depends(require_role("csm", "drafts of texts"), scope="function")]


def _play_of(context: RequestContext, loaded: LoadedReview, account: str) -> tuple[SavePlay, PlayContext]:
    """The play with everything it may use. Raises UnknownReference without one, NotAllowed for another CSM's account."""
    play = loaded.plays.get(account)
    if play is None:
        raise UnknownReference(
            f"{loaded.view.name(account)} has no save play in {loaded.review_id}; drafts are about plays"
        )
    if not loaded.can_act_on(context.member, account):
        raise NotAllowed(f"drafts about {play.name} are for its CSM, a manager or a leader")
    return play, loaded.decision_preview(context.store_session).edit_context(account)


@router.get("/r/{review_id}/drafts")
def drafts_page(context: Csm, review_id: str, account: str, kind: str = "talk_track") -> Response:
    """The drafts about one play, one kind at a time."""
    loaded = context.load_review(review_id)
    play, play_context = _play_of(context, loaded, account)
    return show_draft(context, loaded, play, play_context, check_kind(kind))


def show_draft(
    context: RequestContext, loaded: LoadedReview, play: SavePlay, play_context: PlayContext, kind: DraftKind
) -> Response:
    """The page with the draft of one kind, each sentence checked against the record as it stands."""
    drafts = stored_drafts(context.store_session, loaded.review_id, play.account_id)
    draft = drafts.get(kind)
    own = edited_context(play_context, play.edits)
    lines = check_text(draft.text, draft_record(own, play, kind)) if draft is not None else ()
    return context.render_review(
        loaded,
        "drafts.html",
        play=play,
        kind=kind,
        titles=DRAFT_TITLES,
        for_customer=kind in FOR_CUSTOMER,
        drafts=drafts,
        draft=draft,
        lines=lines,
        note=marks_note(lines),
        seen=text_hash(draft),
        most=MAX_DRAFT,
        model=loaded.configuration.model.name,
        is_old=draft is not None and draft.play_version != play.version,
    )


@router.post("/r/{review_id}/drafts")
def submit_draft_request(context: Csm, form: Form, review_id: str) -> Response:
    """Ask for a draft, from the model or from the play; the one before is replaced."""
    loaded = context.load_review(review_id)
    play, play_context = _play_of(context, loaded, form_text(form, "account"))
    kind = check_kind(form_text(form, "kind"))
    by_model = form_text(form, "way") == "model"
    make_draft(context.store_session, review_id, play_context, play, kind, by_model=by_model)
    return context.back(_address(review_id, play, kind))


@router.post("/r/{review_id}/drafts/confirm")
def submit_draft(context: Csm, form: Form, review_id: str) -> Response:
    """Confirm a draft as it stands, or as it was edited."""
    loaded = context.load_review(review_id)
    play, play_context = _play_of(context, loaded, form_text(form, "account"))
    kind = check_kind(form_text(form, "kind"))
    old = stored_drafts(context.store_session, review_id, play.account_id).get(kind)
    change = {"text": form_text(form, "text"), "seen": form_text(form, "seen"), "by": context.member.name}
    confirm_draft(context.store_session, play_context, play, old, change, context.desk.today(loaded.review.time_zone))
    return context.back(_address(review_id, play, kind))


@router.get("/r/{review_id}/draft-file")
def draft_file(context: Csm, review_id: str, account: str, kind: str = "talk_track") -> Response:
    """The confirmed text as a file. Raises UnknownReference while nobody has confirmed it."""
    loaded = context.load_review(review_id)
    play, _ = _play_of(context, loaded, account)
    chosen = check_kind(kind)
    draft: TextDraft | None = stored_drafts(context.store_session, review_id, account).get(chosen)
    if draft is None or not draft.confirmed_by:
        raise UnknownReference("nobody has edited or confirmed this draft; there is no file before that")
    name = f"{stems([play.account_id])[play.account_id]}-{chosen.replace('_', '-')}.txt"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(draft.text + "\n", media_type="text/plain; charset=utf-8", headers=headers)


def _address(review_id: str, play: SavePlay, kind: DraftKind) -> str:
    return f"/r/{review_id}/drafts?{urlencode({'account': play.account_id, 'kind': kind})}"
