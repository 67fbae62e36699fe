"""The pages of the desk. Reading only: nothing here changes anything."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from app.desk import timeline, what_if
from app.desk.edit_form import build_form, fields_of
from app.desk.first_run import show_first_run
from app.desk.loaded_review import LoadedReview, MeetingState, latest_review_id
from app.desk.request_context import RequestContext, require_role
from app.desk.score_table import CHANGES, PAGE_SIZE, PRIORITIES, SORTS, TableQuery
from app.desk.sessions import current_member
from app.report.my_week import week_of
from domain.desk import Member
from domain.errors import InputError, UnknownReference
from domain.plan import TBD
from domain.readings import count_readings
from domain.running_play import PlayProgress
from domain.save_play import SavePlay
from domain.score_configuration import CATEGORIES, SIZES
from tools.evidence.statement_kinds import reading_choices
from tools.planning.follow_up import find_settled
from tools.planning.running_play import with_marks
from tools.save_play.editing import describe_edit
from tools.store.desk_store import DeskStore, credential_number

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
Reader = Annotated[RequestContext, Depends(require_role("viewer"), scope="function")]
Csm = Annotated[RequestContext, Depends(require_role("csm", "a week of one's own"), scope="function")]
Manager = Annotated[
    RequestContext, Depends(require_role("manager", "what is said about people of ours"), scope="function")
]
Leader = Annotated[RequestContext, Depends(require_role("leader", "letting people in"), scope="function")]


@router.get("/")
def home_page(context: Reader) -> Response:
    """The newest review, or how to begin."""
    review_id = latest_review_id(context.store_session)
    if review_id is None:
        return show_first_run(context)
    return RedirectResponse(f"/r/{review_id}/week", 303)


@router.get("/go")
def go_to_week(context: Reader, review: str) -> Response:
    """The week that was chosen at the top."""
    context.store_session.store.request(review)
    return RedirectResponse(f"/r/{quote(review, safe='')}/week", 303)


@router.get("/r/{review_id}/week")
def week_page(context: Reader, review_id: str) -> Response:
    """Portfolio, bridge, and every account to sort, filter and search."""
    loaded = context.load_review(review_id)
    given = dict(context.request.query_params)
    mine = context.member.role == "csm" and context.member.person_id
    if mine and not given:
        given = {"csm": str(context.member.person_id)}
    scores = context.desk.score_cache.scores(context.store_session, loaded)
    wanted = TableQuery.of(given)
    if not mine or wanted.csm != mine:  # a CSM without an account in this week sees an empty table
        scores.check(wanted)
    table, part = MeetingState.read(context.store_session, loaded), scores.page(wanted)
    return context.render_review(
        loaded,
        "week.html",
        page=part,
        rows=context.cached_fragment(
            loaded, "week_rows.html", (part.wanted, table.cache_key), page=part, wanted=wanted, table=table
        ),
        wanted=wanted,
        choices=scores.choices,
        views=DeskStore(context.store_session.store).views(context.member.name),
        sorts=SORTS,
        priorities=PRIORITIES,
        changes=CHANGES,
        next_date=loaded.next_review_date,
    )


@router.get("/r/{review_id}/account")
def account_page(context: Reader, review_id: str, account: str) -> Response:
    """The page of one account."""
    loaded = context.load_review(review_id)
    scores = context.desk.score_cache.scores(context.store_session, loaded)
    row = scores.account(account)
    line = loaded.view.lines.get(account)
    if row is None and line is None:
        raise UnknownReference(f"{review_id} knows no account {account!r}; look for it on This week")
    store = context.store_session.store
    return context.render_review(
        loaded,
        "account.html",
        scorecard=context.cached_fragment(loaded, "scorecard.html", account, line=line) if line else "",
        row=row,
        line=line,
        account=account,
        dossier=loaded.dossiers.get(account),
        texts=context.operations.texts(loaded, account) if account in loaded.dossiers else None,
        kinds=reading_choices(loaded.configuration),
        weeks=scores.weeks(account),
        events=timeline.account_timeline(loaded, store, account),
        override=store.overrides(context.desk.today(loaded.review.time_zone)).get(account),
        owns=loaded.can_act_on(context.member, account),
        audit=store.account_audit(account, 30) if loaded.can_act_on(context.member, account) else [],
    )


@router.get("/r/{review_id}/play")
def play_page(context: Reader, review_id: str, account: str) -> Response:
    """One save play: read it, edit it, decide."""
    loaded = context.load_review(review_id)
    found = loaded.plays.get(account)
    if found is None:
        raise UnknownReference(f"{loaded.view.name(account)} has no save play in {review_id}; ask for one on Ask")
    return show_play(context, loaded, found)


def show_play(
    context: RequestContext,
    loaded: LoadedReview,
    play: SavePlay,
    typed: Mapping[str, str] | None = None,
    faults: Mapping[str, str] | None = None,
) -> Response:
    """The page of a play. ``typed`` and ``faults``: the fields of an edit that has to be corrected."""
    table = MeetingState.read(context.store_session, loaded)
    choice, query = table.choices.get(play.account_id), context.request.query_params
    pending = choice.decision if choice is not None and choice.decision.decision == "edit" else None
    preview = loaded.decision_preview(context.store_session)
    as_edited = preview.play(pending) if pending is not None and play.status == "proposed" else play
    may_edit = context.member.is_at_least("leader") and loaded.progress.stage == "deciding"
    names = {person.person_id: person.name for person in loaded.people.values()}
    form = None
    if may_edit and (faults or query.get("edit")):
        fields = typed if typed is not None else fields_of(pending) if pending is not None else {}
        cause = query.get("cause") or fields.get("cause", "")
        form = build_form(preview, play, loaded.people, context.member.name, cause, fields, faults)
    return context.render_review(
        loaded,
        "play.html",
        422 if faults else 200,
        table=table,
        evidence_mark=context.operations.evidence_mark(loaded, play.account_id),
        last=table.last_of(context.member),
        play=play,
        running=running_play(context, loaded, play.account_id),
        edited=as_edited,
        choice=choice,
        changes=describe_edit(pending, _titles(play) | _titles(as_edited), names) if pending is not None else (),
        waiting=loaded.waiting(context.store_session, table),
        form=form,
        editing=form is not None,
        people=sorted(loaded.people.values(), key=lambda person: (person.name, person.person_id)),
    )


def _titles(play: SavePlay) -> dict[str, str]:
    return {action.id: action.title for phase in play.phases for action in phase.actions}


def running_play(context: RequestContext, loaded: LoadedReview, account: str) -> PlayProgress | None:
    """Where the account's running play stands, with what people marked since the review ran; None without one."""
    found = loaded.review.running.get(account)
    if found is None:
        return None
    today = max(context.desk.today(loaded.review.time_zone), loaded.review.as_of)
    return with_marks(found, context.store_session.store.progress(), today)


@router.get("/r/{review_id}/meeting")
def meeting_page(context: Reader, review_id: str, account: str = "") -> Response:
    """The meeting: its clock, one account at a time, what is undecided, recording and closing."""
    loaded = context.load_review(review_id)
    table = MeetingState.read(context.store_session, loaded)
    order = [*loaded.plays, *loaded.critical_lines]
    undecided = [*(play.account_id for play in table.undecided(loaded)), *table.undecided_lines(loaded)]
    at = account if account in order else (undecided or order or [""])[0]
    position = order.index(at) if at in order else 0
    unowned = [line for line in loaded.review.intervention_plan if line.tier == "critical" and line.owner == TBD]
    return context.render_review(
        loaded,
        "meeting.html",
        table=table,
        at=at,
        play=loaded.plays.get(at),
        plan_line=loaded.critical_lines.get(at),
        evidence_mark=context.operations.evidence_mark(loaded, at),
        last=table.last_of(context.member),
        running=running_play(context, loaded, at),
        choice=table.choices.get(at),
        line=loaded.view.lines.get(at),
        cause=loaded.view.causes.get(at),
        before=order[position - 1] if position > 0 else None,
        after=order[position + 1] if position + 1 < len(order) else None,
        undecided=undecided,
        unowned=unowned,
        people=sorted(loaded.people.values(), key=lambda person: (person.name, person.person_id)),
        notes=[note for note in table.notes if note.account_id in ("", at)],
        open_lines=[
            line for account, line in loaded.lines_without_play.items() if account not in loaded.critical_lines
        ],
        waiting_lines=[play for play in loaded.plays.values() if table.waits(play, loaded)],
        waiting=loaded.waiting(context.store_session, table),
    )


@dataclass(frozen=True)
class ListPage:
    """One page of a long list."""

    name: str
    page: int
    pages: int
    of: int

    @property
    def first(self) -> int:
        """Place of the first shown."""
        return (self.page - 1) * PAGE_SIZE

    @property
    def last(self) -> int:
        """Place after the last shown."""
        return self.page * PAGE_SIZE


def list_page(context: RequestContext, count: int, name: str = "page") -> ListPage:
    """The part of a list of so many that the address asks for."""
    text = context.request.query_params.get(name, "1")
    pages = max(-(-count // PAGE_SIZE), 1)
    if not text.isascii() or not text.isdecimal() or len(text) > 6:
        raise InputError(f"{name} {text!r} is not the number of a page")
    return ListPage(name, min(max(int(text), 1), pages), pages, count)


@router.get("/r/{review_id}/capacity")
def capacity_page(context: Manager, review_id: str) -> Response:
    """Hours of each CSM before this week's plays and after the decisions so far."""
    loaded = context.load_review(review_id)
    table = MeetingState.read(context.store_session, loaded)
    deciding = loaded.progress.stage == "deciding"
    load = loaded.load(context.store_session, table) if deciding else None
    return context.render_review(
        loaded,
        "capacity_desk.html",
        table=table,
        load=load,
        before={line.person_id: line for line in loaded.review.capacity},
        lines=load.capacity if load else loaded.review.capacity,
        handovers=load.handovers if load else loaded.review.handovers,
        needs=load.needs if load else loaded.review.needs,
    )


@router.get("/r/{review_id}/follow-up")
def follow_up_page(context: Reader, review_id: str) -> Response:
    """Commitments of earlier reviews with their state, and this week's actions."""
    loaded = context.load_review(review_id)
    progress = context.store_session.store.progress()
    mine = context.member.person_id
    only = context.request.query_params.get("person", mine if context.member.role == "csm" and mine else "")
    people = {a.owner_id: a.owner for a in loaded.review.actions if a.owner_id}
    people |= {c.owner_id: c.owner for c in loaded.review.followup.commitments if c.owner_id}
    if only and only != mine and only not in people and only not in loaded.people:
        raise InputError(f"person {only!r} is unknown in {review_id}; choose one under Whose")
    actions = [
        (action, *progress.get(action.id, ("open", None)))
        for action in sorted(loaded.review.actions, key=lambda a: (a.due, a.owner, a.account_name, a.id))
        if not only or action.owner_id == only
    ]
    promised = [
        (commitment, *progress.get(commitment.action_id, ("open", None)))
        for commitment in loaded.review.followup.commitments
        if not only or commitment.owner_id == only
    ]
    search = context.request.query_params.get("search", "").strip()[:200]
    at = list_page(context, len(actions)), list_page(context, len(promised), "before")
    return context.render_review(
        loaded,
        "follow_up_desk.html",
        actions=actions[at[0].first : at[0].last],
        promised=promised[at[1].first : at[1].last],
        at=at,
        only=only,
        search=search,
        settled=find_settled(loaded.review.followup.settled, search),
        owners=sorted(people.items(), key=lambda pair: (pair[1], pair[0])),
    )


@router.get("/r/{review_id}/my-week")
def my_week_page(context: Csm, review_id: str) -> Response:
    """One person's week: a CSM sees their own, managers and leaders that of anybody."""
    loaded = context.load_review(review_id)
    mine = context.member.person_id or ""
    owners = [(o.person_id, o.name) for o in loaded.view.people if o.person_id]
    if not context.member.is_at_least("manager"):
        owners = [(person_id, name) for person_id, name in owners if person_id == mine]
    wanted = context.request.query_params.get("person") or mine
    if wanted and wanted != mine and wanted not in dict(owners):
        raise InputError(f"person {wanted!r} is unknown in {review_id}, or is not yours to see; choose one under Whose")
    person = next((o for o in loaded.view.people if o.person_id and o.person_id == wanted), None)
    store, today = context.store_session.store, context.desk.today(loaded.review.time_zone)
    week = week_of(loaded.view, person, today, store.progress()) if person else None
    return context.render_review(
        loaded,
        "my_week.html",
        only=wanted,
        person=person,
        owners=owners,
        week=week,
        notes=store.progress_notes(),
        may_mark=bool(person) and (wanted == mine or context.member.is_at_least("manager")),
    )


@router.get("/r/{review_id}/metrics")
def metrics_page(context: Reader, review_id: str) -> Response:
    """Figures about the review process and its results."""
    loaded = context.load_review(review_id)
    reading = count_readings(context.store_session.people(loaded.review.as_of))
    return context.render_review(loaded, "metrics_desk.html", reading=reading)


@router.get("/r/{review_id}/data")
def data_page(context: Reader, review_id: str) -> Response:
    """Sources, gaps, rows left out with their reasons, and the limits of the review."""
    return context.render_review(context.load_review(review_id), "data_desk.html")


@router.get("/r/{review_id}/what-if")
def what_if_page(context: Reader, review_id: str) -> Response:
    """Move a weight or a threshold and see who changes tier."""
    loaded = context.load_review(review_id)
    changes = what_if.WhatIfChanges.of(dict(context.request.query_params), loaded.configuration)
    scores, settings = (
        context.desk.score_cache.scores(context.store_session, loaded),
        what_if.adjustable_numbers(loaded.configuration),
    )
    return context.render_review(
        loaded,
        "what_if.html",
        changes=changes,
        found=what_if.compute_effect(scores, loaded.configuration, loaded.review.as_of, changes),
        groups=what_if.group_numbers(settings),
        by_name={setting.name: setting for setting in settings},
        categories=CATEGORIES,
        sizes=SIZES,
    )


@router.get("/r/{review_id}/what-if/scoring.yaml")
def what_if_file(context: Reader, review_id: str) -> Response:
    """The changed scoring as a file for a configuration folder."""
    loaded = context.load_review(review_id)
    changes = what_if.WhatIfChanges.of(dict(context.request.query_params), loaded.configuration)
    text = what_if.scoring_file(changes, context.store_session.review_files(review_id), review_id)
    return Response(
        text,
        media_type="application/yaml",
        headers={"content-disposition": 'attachment; filename="scoring.yaml"'},
    )


@router.get("/r/{review_id}/ask")
def question_page(context: Reader, review_id: str) -> Response:
    """A box for questions."""
    return context.render_review(context.load_review(review_id), "ask.html", answered=None, question="", earlier=())


@router.get("/audit")
def audit_page(context: Manager) -> Response:
    """The audit log, newest first, and the check of its chain."""
    return context.show(
        "audit.html",
        lines=context.store_session.store.audit_lines(200),
        verdict=context.store_session.store.verify_audit(),
    )


@router.get("/api")
def api_page(context: Reader) -> Response:
    """The API for people: every call, what it takes and answers."""
    spec = context.request.app.openapi()
    calls = [
        (method.upper(), path, call) for path, methods in spec["paths"].items() for method, call in methods.items()
    ]
    return context.show("api.html", calls=calls, schemas=spec["components"]["schemas"])


@router.get("/people")
def people_page(context: Leader) -> Response:
    """Sessions, unopened links and tokens, and the form for further ones."""
    return show_people(context)


def show_people(context: RequestContext, made: str = "", made_for: Member | None = None) -> Response:
    """The page of people; ``made`` is a new link or token, which is shown this once."""
    desk, people = context.desk, context.desk.people_cache.people(context.store_session)
    found = DeskStore(context.store_session.store).credentials(desk.clock())
    return context.show(
        "people.html",
        ours=sorted((people or {}).values(), key=lambda person: (person.name, person.person_id)),
        made=made,
        made_for=made_for,
        own=credential_number(context.session.secret) if context.session.secret else "",
        held={
            kind: [
                (each, current_member(each, desk.settings, people), desk.last_uses.time(each.number))
                for each in found
                if each.kind == kind
            ]
            for kind in ("session", "link", "token")
        },
    )
