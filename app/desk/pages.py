"""The pages of the desk. Reading only: nothing here changes anything."""

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from app.desk import timeline, what_if
from app.desk.loaded_review import MeetingState, latest_review_id
from app.desk.request_context import RequestContext, require_role
from app.desk.score_table import CHANGES, PAGE_SIZE, RISK_TIERS, SORTS, TableQuery
from domain.configuration import CATEGORIES, SIZES
from domain.errors import UnknownReference
from domain.plan import TBD
from tools.store.desk_store import DeskStore

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
Reader = Annotated[RequestContext, Depends(require_role("viewer"))]
Manager = Annotated[RequestContext, Depends(require_role("manager", "what is said about people of ours"))]
Leader = Annotated[RequestContext, Depends(require_role("leader", "letting people in"))]


@router.get("/")
def home_page(visit: Reader) -> Response:
    """The newest review, or how to begin."""
    review_id = latest_review_id(visit.place)
    if review_id is None:
        return visit.show("empty.html")
    return RedirectResponse(f"/r/{review_id}/week", 303)


@router.get("/go")
def go_to_week(visit: Reader, review: str) -> Response:
    """The week that was chosen at the top."""
    visit.place.store.request(review)
    return RedirectResponse(f"/r/{quote(review, safe='')}/week", 303)


@router.get("/r/{review_id}/week")
def week_page(visit: Reader, review_id: str) -> Response:
    """Portfolio, bridge, and every account to sort, filter and search."""
    book = visit.book(review_id)
    given = dict(visit.request.query_params)
    mine = visit.member.role == "csm" and visit.member.person_id
    if mine and not given:
        given = {"csm": str(visit.member.person_id)}
    scores = visit.desk.review_cache.scores(visit.place, book)
    wanted = TableQuery.of(given)
    table, part = MeetingState.of(visit.place, book), scores.page(wanted)
    return visit.render_review(
        book,
        "week.html",
        page=part,
        rows=visit.cached_fragment(
            book, "week_rows.html", (part.wanted, table.key), page=part, wanted=wanted, table=table
        ),
        wanted=wanted,
        choices=scores.choices,
        views=DeskStore(visit.place.store).views(visit.member.name),
        sorts=SORTS,
        tiers=RISK_TIERS,
        changes=CHANGES,
        next_date=book.next_review_date,
    )


@router.get("/r/{review_id}/account")
def account_page(visit: Reader, review_id: str, account: str) -> Response:
    """All that is known about one account."""
    book = visit.book(review_id)
    scores = visit.desk.review_cache.scores(visit.place, book)
    row = scores.account(account)
    line = book.view.lines.get(account)
    if row is None and line is None:
        raise UnknownReference(f"{review_id} knows no account {account!r}; look for it on This week")
    store = visit.place.store
    return visit.render_review(
        book,
        "account.html",
        scorecard=visit.cached_fragment(book, "scorecard.html", account, line=line) if line else "",
        row=row,
        line=line,
        account=account,
        dossier=book.dossiers.get(account),
        weeks=scores.weeks(account),
        events=timeline.account_timeline(book, store, account),
        override=store.overrides(visit.desk.today(book.review.time_zone)).get(account),
        owns=book.can_act_on(visit.member, account),
        audit=store.account_audit(account, 30) if visit.member.is_at_least("csm") else [],
    )


@router.get("/r/{review_id}/play")
def play_page(visit: Reader, review_id: str, account: str) -> Response:
    """One save play: read it, edit it, decide."""
    book = visit.book(review_id)
    found = book.plays.get(account)
    if found is None:
        raise UnknownReference(f"{book.view.name(account)} has no save play in {review_id}; ask for one on Ask")
    table = MeetingState.of(visit.place, book)
    choice = table.choices.get(account)
    as_edited = found
    outlook = book.outlook(visit.place)
    if choice is not None and choice.decision.decision == "edit" and found.status == "proposed":
        as_edited = outlook.play(choice.decision)
    may_edit = visit.member.is_at_least("leader") and book.standing.stage == "deciding"
    others = {}
    if may_edit and visit.request.query_params.get("edit"):
        others = {
            action.id: outlook.replacement_actions(account, action.id)
            for phase in found.phases
            for action in phase.actions
        }
    return visit.render_review(
        book,
        "play.html",
        table=table,
        play=found,
        edited=as_edited,
        choice=choice,
        others=others,
        editing=may_edit and bool(visit.request.query_params.get("edit")),
        people=sorted(book.people.values(), key=lambda person: (person.name, person.person_id)),
    )


@router.get("/r/{review_id}/meeting")
def meeting_page(visit: Reader, review_id: str, account: str = "") -> Response:
    """The meeting: its clock, one account at a time, what is undecided, recording and closing."""
    book = visit.book(review_id)
    table = MeetingState.of(visit.place, book)
    order = list(book.plays)
    undecided = [play.account_id for play in table.undecided(book)]
    at = account if account in book.plays else (undecided or order or [""])[0]
    place = order.index(at) if at in order else 0
    unowned = [line for line in book.review.intervention_plan if line.tier == "critical" and line.owner == TBD]
    return visit.render_review(
        book,
        "meeting.html",
        table=table,
        at=at,
        play=book.plays.get(at),
        line=book.view.lines.get(at),
        cause=book.view.causes.get(at),
        before=order[place - 1] if place > 0 else None,
        after=order[place + 1] if place + 1 < len(order) else None,
        undecided=undecided,
        unowned=unowned,
        people=sorted(book.people.values(), key=lambda person: (person.name, person.person_id)),
        notes=[note for note in table.notes if note.account_id in ("", at)],
        open_lines=len(set(book.lines) - set(book.plays)),
    )


@dataclass(frozen=True)
class ListPage:
    """Which part of a long list is shown."""

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


def list_page(visit: RequestContext, count: int, name: str = "page") -> ListPage:
    """The part of a list of so many that the address asks for."""
    text = visit.request.query_params.get(name, "1")
    pages = max(-(-count // PAGE_SIZE), 1)
    return ListPage(name, min(max(int(text), 1), pages) if text.isdecimal() and len(text) < 7 else 1, pages, count)


@router.get("/r/{review_id}/capacity")
def capacity_page(visit: Manager, review_id: str) -> Response:
    """Who has how much to do, before this week's plays and after the decisions so far."""
    book = visit.book(review_id)
    table = MeetingState.of(visit.place, book)
    deciding = book.standing.stage == "deciding"
    load = book.load(visit.place, table) if deciding else None
    return visit.render_review(
        book,
        "capacity_desk.html",
        table=table,
        load=load,
        before={line.person_id: line for line in book.review.capacity},
        lines=load.capacity if load else book.review.capacity,
        handovers=load.handovers if load else book.review.handovers,
        needs=load.needs if load else book.review.needs,
    )


@router.get("/r/{review_id}/follow-up")
def follow_up_page(visit: Reader, review_id: str) -> Response:
    """What was promised, by whom, what became of it, and this week's actions."""
    book = visit.book(review_id)
    progress = visit.place.store.progress()
    mine = visit.member.person_id
    only = visit.request.query_params.get("person", mine if visit.member.role == "csm" and mine else "")
    actions = [
        (action, *progress.get(action.id, ("open", None)))
        for action in sorted(book.review.actions, key=lambda a: (a.due, a.owner, a.account_name, a.id))
        if not only or action.owner_id == only
    ]
    promised = [
        (commitment, *progress.get(commitment.action_id, ("open", None)))
        for commitment in book.review.followup.commitments
        if not only or commitment.owner_id == only
    ]
    at = list_page(visit, len(actions)), list_page(visit, len(promised), "before")
    people = {a.owner_id: a.owner for a in book.review.actions if a.owner_id}
    people |= {c.owner_id: c.owner for c in book.review.followup.commitments if c.owner_id}
    return visit.render_review(
        book,
        "follow_up_desk.html",
        actions=actions[at[0].first : at[0].last],
        promised=promised[at[1].first : at[1].last],
        at=at,
        only=only,
        owners=sorted(people.items(), key=lambda pair: (pair[1], pair[0])),
    )


@router.get("/r/{review_id}/metrics")
def metrics_page(visit: Reader, review_id: str) -> Response:
    """Is the review itself working?"""
    return visit.render_review(visit.book(review_id), "metrics_desk.html")


@router.get("/r/{review_id}/data")
def data_page(visit: Reader, review_id: str) -> Response:
    """What the review rests on, what it lacks, which rows were left out and why."""
    return visit.render_review(visit.book(review_id), "data_desk.html")


@router.get("/r/{review_id}/what-if")
def what_if_page(visit: Reader, review_id: str) -> Response:
    """Move a weight or a threshold and see who changes tier."""
    book = visit.book(review_id)
    asked = what_if.WhatIfChanges.of(dict(visit.request.query_params), book.configuration)
    scores, knobs = visit.desk.review_cache.scores(visit.place, book), what_if.adjustable_numbers(book.configuration)
    return visit.render_review(
        book,
        "what_if.html",
        asked=asked,
        found=what_if.compute_effect(scores, book, asked),
        knobs=knobs,
        by_name={knob.name: knob for knob in knobs},
        categories=CATEGORIES,
        sizes=SIZES,
    )


@router.get("/r/{review_id}/what-if/scoring.yaml")
def what_if_file(visit: Reader, review_id: str) -> Response:
    """The changed scoring as a file for a configuration folder."""
    book = visit.book(review_id)
    asked = what_if.WhatIfChanges.of(dict(visit.request.query_params), book.configuration)
    text = what_if.scoring_file(asked, book)
    return Response(
        text,
        media_type="application/yaml",
        headers={"content-disposition": 'attachment; filename="scoring.yaml"'},
    )


@router.get("/r/{review_id}/ask")
def question_page(visit: Reader, review_id: str) -> Response:
    """A box for questions."""
    return visit.render_review(visit.book(review_id), "ask.html", answered=None, question="")


@router.get("/audit")
def audit_page(visit: Manager) -> Response:
    """Who did what, newest first, and whether the log is as it was written."""
    return visit.show("audit.html", lines=visit.place.store.audit_lines(200), verdict=visit.place.store.verify_audit())


@router.get("/api")
def api_page(visit: Reader) -> Response:
    """The API for people: every call, what it takes and answers."""
    spec = visit.request.app.openapi()
    calls = [
        (method.upper(), path, call) for path, methods in spec["paths"].items() for method, call in methods.items()
    ]
    return visit.show("api.html", calls=calls, schemas=spec["components"]["schemas"])


@router.get("/people")
def people_page(visit: Leader) -> Response:
    """Who may come in: one-time links and tokens."""
    review_id = latest_review_id(visit.place)
    book = visit.desk.review_cache.book(visit.place, review_id) if review_id else None
    return visit.show(
        "people.html",
        tokens=DeskStore(visit.place.store).tokens(),
        ours=sorted(book.people.values(), key=lambda person: person.name) if book else [],
        made=None,
    )
