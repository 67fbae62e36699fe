"""The page that shows what the team's tools would get, and its release by the leader. Sending happens in the background."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from app.desk.pages import ListPage, list_page
from app.desk.request_context import RequestContext, read_form, require_role
from app.outgoing import SINK_NAMES, guarantee, outbox_settings, preview_outgoing
from domain.errors import ConfigurationError
from domain.outbox import ChangeKind, ItemState, OutboxItem, OutboxSettings, PlannedChange, PushPlan, SinkName

router = APIRouter(include_in_schema=False)
Leader = Annotated[RequestContext, Depends(require_role("leader", "what other tools get"), scope="function")]
Form = Annotated[dict[str, list[str]], Depends(read_form)]
Group = Literal["look", "open", "there"]
GROUPS: dict[Group, str] = {
    "look": "needs a person", "open": "to be sent", "there": "there as decided",
}  # fmt: skip
_NEXT: dict[ItemState, str] = {
    "refused": "Correct what the receiver names, there or in outbox.yaml; then release again.",
    "conflict": "People changed it there, and it is left as it is. Change it there by hand, or undo the change there and release again.",
    "unknown": "No answer came. Release again: it is looked up first, and never made twice.",
    "retry": "It could not be delivered yet. Release again to try now.",
}
_HELD_BACK = "It may have arrived, and nobody can look it up. Ask the reader; it is not sent again by itself."
_NO_ANSWER = "No answer came. Release again: it goes out under the same id, or as no_answer in outbox.yaml says."


@dataclass(frozen=True)
class OutgoingRow:
    """One item on the page."""

    sink: SinkName
    group: Group
    change: ChangeKind
    line: str
    state: ItemState
    error: str
    next: str
    """Advice on what a person does; empty when nothing."""


@dataclass(frozen=True)
class SinkSummary:
    """One receiver on the page."""

    name: SinkName
    guarantee: str
    changes: Mapping[ChangeKind, int]
    states: Mapping[Group, int]


@router.get("/r/{review_id}/send")
def send_page(context: Leader, review_id: str) -> Response:
    """By receiver what would be created, changed, left and taken back, and how far each item is."""
    loaded = context.load_review(review_id)
    problem, settings = "", None
    try:
        settings = outbox_settings(context.store_session, review_id, None)
    except ConfigurationError as error:
        problem = error.public_message
    if settings is None or not settings.on() or loaded.progress.stage != "closed":
        return context.render_review(loaded, "send.html", problem=problem, settings=settings, plan=None)
    plan, items = preview_outgoing(context.store_session, loaded.review, settings)
    rows = [_row(change, item, settings) for change, item in _pairs(plan, items)]
    rows.sort(key=lambda row: list(GROUPS).index(row.group))  # stable: by receiver and key within a group
    shown = _filtered(rows, context.request.query_params)
    part: ListPage = list_page(context, len(shown))
    open_rows = [change for change in plan.changes if change.change != "leave"]
    return context.render_review(
        loaded,
        "send.html",
        problem="",
        settings=settings,
        plan=plan,
        to_send=len(open_rows),
        sinks=[_summary(name, settings, plan, rows) for name in sorted(settings.on())],
        rows=shown[part.first : part.last],
        at=part,
        groups=GROUPS,
        names=SINK_NAMES,
        sending=context.desk.sender.progress.get(review_id),
        counts=Counter(row.group for row in rows),
    )


@router.post("/r/{review_id}/send")
def submit_release(context: Leader, form: Form, review_id: str) -> Response:
    """Release exactly the plan that was shown. It is sent in the background."""
    loaded = context.load_review(review_id)
    plan_hash = form.get("plan", [""])[0].strip()
    plan = context.operations.release(loaded, plan_hash)
    context.desk.sender.send(review_id, plan_hash, context.member.name)
    assert plan.review_id == review_id
    return context.back(f"/r/{review_id}/send")


def _pairs(plan: PushPlan, items: Sequence[OutboxItem]) -> list[tuple[PlannedChange, OutboxItem]]:
    by_key = {item.key: item for item in items}
    return [(change, by_key[change.key]) for change in plan.changes]


def _row(change: PlannedChange, item: OutboxItem, settings: OutboxSettings) -> OutgoingRow:
    is_there = change.change == "leave"
    group: Group = "there" if is_there else "look" if item.state in ("refused", "conflict", "unknown") else "open"
    what = change.line.partition(": ")[2]
    error = "" if is_there else item.last_error
    return OutgoingRow(
        item.sink, group, change.change, what, item.state, error, "" if is_there else _next(item, settings)
    )


def _next(item: OutboxItem, settings: OutboxSettings) -> str:
    if item.state == "unknown" and item.sink in ("mail", "webhook"):
        is_held = item.sink == "mail" and settings.sinks[item.sink].no_answer == "at most once"
        return _HELD_BACK if is_held else _NO_ANSWER
    return _NEXT.get(item.state, "")


def _summary(name: SinkName, settings: OutboxSettings, plan: PushPlan, rows: Sequence[OutgoingRow]) -> SinkSummary:
    changes = Counter(change.change for change in plan.changes if change.sink == name)
    states = Counter(row.group for row in rows if row.sink == name)
    return SinkSummary(name, guarantee(name, settings.sinks[name]), changes, states)


def _filtered(rows: Sequence[OutgoingRow], asked: Mapping[str, str]) -> list[OutgoingRow]:
    sink, group = asked.get("receiver", ""), asked.get("state", "")
    return [row for row in rows if sink in ("", row.sink) and group in ("", row.group)]
