"""Items that other tools should hold after a closed review. Pure: a review and settings in, wanted items out.

Only what people approved is wanted. Text that a model drafted (talk tracks, e-mails, briefs) is in no item.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from domain.outbox import Content, OutboxItem, OutboxSettings, SinkName, SinkSettings, Wanted, content_hash
from domain.review import Review
from domain.tracking import Action, CalendarHold, CrmUpdate

_TAKEN_BACK = "no longer decided in {review}"
_FINISHED = ("done", "done_late")


class Mark(NamedTuple):
    """Mark of a person on an action since the review."""

    state: str
    """``done``, ``dropped``, ``blocked`` or ``open``."""
    note: str = ""


def wanted_items(
    review: Review, settings: OutboxSettings, addresses: Mapping[str, str], marks: Mapping[str, Mark] = {}
) -> list[Wanted]:
    """Everything that a closed review says to the receivers that are on, sorted by key.

    ``addresses``: person id to e-mail. ``marks``: action id to what people said about it since.
    """
    if review.state != "closed":
        return []
    found: dict[str, Wanted] = {}
    for name, sink in settings.on().items():
        for wanted in _for_sink(review, name, sink, settings.desk, addresses, marks):
            found[wanted.key] = wanted
    return [found[key] for key in sorted(found)]


def _for_sink(
    review: Review,
    name: SinkName,
    sink: SinkSettings,
    desk: str,
    addresses: Mapping[str, str],
    marks: Mapping[str, Mark],
) -> Iterator[Wanted]:
    if "action" in sink.sends:
        for action in (*review.closed_actions, *review.actions):
            yield wanted_action(action, name, marks.get(action.id))
    if "field" in sink.sends:
        for update in review.crm_updates:
            yield _field(update, name)
    if "hold" in sink.sends:
        for hold in review.touchpoints:
            yield _hold(hold, name)
    if "note" in sink.sends:
        yield from _notes(review, name)
    if "digest" in sink.sends:
        key = f"digest:{review.review_id}:{sink.place}@{name}"
        target = sink.place or "the receiver"
        yield Wanted(key=key, sink=name, kind="digest", target=target, content=_digest(review, desk))
    if "preread" in sink.sends:
        yield from _prereads(review, name, addresses)


def wanted_action(action: Action, sink: SinkName, mark: Mark | None = None) -> Wanted:
    """One action at one receiver. A mark counts more than the state that the review saw; what is done stays as it is there."""
    key = f"action:{action.id}@{sink}"
    is_over = action.status == "dropped" or (mark is not None and mark.state == "dropped")
    is_done = action.status in _FINISHED or (mark is not None and mark.state == "done")
    content: Content = {
        "id": action.id, "review": action.review_id, "account_id": action.account_id, "account": action.account_name,
        "title": action.title, "action": action.action, "purpose": action.purpose, "owner": action.owner,
        "owner_id": action.owner_id, "due": action.due.isoformat(), "urgency": action.urgency,
    }  # fmt: skip
    return Wanted(
        key=key, sink=sink, kind="action", target=action.owner, content=None if is_over else content,
        reason=((mark.note if mark else "") or action.note or "dropped") if is_over else "", keep=is_done,
    )  # fmt: skip


def _field(update: CrmUpdate, sink: SinkName) -> Wanted:
    key = f"field:{update.account_id}:{update.field}@{sink}"
    content = {"account_id": update.account_id, "account": update.name, "field": update.field, "value": update.value}
    return Wanted(key=key, sink=sink, kind="field", target=f"{update.name}: {update.field}", content=content)


def _hold(hold: CalendarHold, sink: SinkName) -> Wanted:
    content = hold.model_dump(mode="json", exclude={"cancelled"})
    return Wanted(
        key=f"hold:{hold.uid}@{sink}", sink=sink, kind="hold", target=hold.owner,
        content=None if hold.cancelled else content, reason=hold.note if hold.cancelled else "",
    )  # fmt: skip


def _notes(review: Review, sink: SinkName) -> Iterator[Wanted]:
    """One note for each play that people decided: the decision, who took it and why, the cause, and the first step."""
    decided = {each.subject: each for each in review.decisions}
    for play in review.plays:
        decision = decided.get(play.account_id)
        if decision is None or decision.decision == "close":
            continue
        is_on = play.status in ("approved", "edited")
        first = min(
            (step for phase in play.phases for step in phase.actions),
            key=lambda step: (step.due, step.id),
            default=None,
        )
        content: Content = {
            "review": review.review_id, "on": review.as_of.isoformat(), "account_id": play.account_id, "account": play.name,
            "decision": decision.decision, "by": decision.by, "reason": decision.reason,
            "until": decision.until.isoformat() if decision.until else None, "cause": play.cause_label,
            "first": f"{first.title} ({first.owner}, {first.due})" if is_on and first is not None else "",
        }  # fmt: skip
        key = f"note:{review.review_id}:{play.account_id}@{sink}"
        yield Wanted(key=key, sink=sink, kind="note", target=play.name, content=content)


def _digest(review: Review, desk: str) -> Content:
    stories = [
        {"title": story.title, "detail": story.detail, "next": story.proposal, "owner": story.owner,
         "by": story.by.isoformat() if story.by else None}
        for story in review.stories
    ]  # fmt: skip
    counts = {"at_risk": len(review.at_risk), "actions": len(review.actions)}
    return {"review": review.review_id, "as_of": review.as_of.isoformat(), **counts, "stories": stories} | _link(
        review, desk
    )


def _link(review: Review, desk: str) -> Content:
    return {"desk": f"{desk.rstrip('/')}/r/{review.review_id}/week"} if desk else {}


def _prereads(review: Review, sink: SinkName, addresses: Mapping[str, str]) -> Iterator[Wanted]:
    by_person: dict[str, list[Action]] = {}
    for action in review.actions:
        if action.owner_id in addresses and action.status not in ("dropped", *_FINISHED):
            by_person.setdefault(action.owner_id or "", []).append(action)
    for person, actions in sorted(by_person.items()):
        lines: list[dict[str, Any]] = [
            {"title": each.title, "account": each.account_name, "due": each.due.isoformat()} for each in actions
        ]
        agenda = [item.title for item in review.next_agenda]
        content = {"review": review.review_id, "to": addresses[person], "actions": lines, "agenda": agenda}
        key = f"preread:{review.review_id}:{person}@{sink}"
        yield Wanted(key=key, sink=sink, kind="preread", target=addresses[person], content=content)


def merge(
    items: Iterable[OutboxItem], wanted: Sequence[Wanted], review_id: str, sinks: Collection[SinkName]
) -> list[OutboxItem]:
    """The items that a closed review changes, as they are then. Merging twice changes nothing the second time.

    The newest week counts: what a later review decided is left alone. What an earlier run of this week decided, and this one
    did not, is taken back. Items of receivers that are off are left as they are.
    """
    known = {item.key: item for item in items}
    changed = [_decided(known.get(each.key), each, review_id) for each in wanted if not each.keep]
    named = {each.key for each in wanted}
    for item in known.values():
        is_own = item.review_id == review_id and _decided_by(item) == review_id
        if is_own and item.sink in sinks and item.key not in named and item.desired is not None:
            reason = _TAKEN_BACK.format(review=review_id)
            changed.append(_with(item, None, item.target, reason, review_id))
    return [item for item in changed if item is not None and item != known.get(item.key)]


def action_id_of(item: OutboxItem) -> str:
    """Id of the action that an item is about."""
    return item.key.removeprefix("action:").rpartition("@")[0]


def items_after_marks(
    items: Iterable[OutboxItem], actions: Mapping[str, Action], marks: Mapping[str, Mark]
) -> list[OutboxItem]:
    """The items that marks of people change: a dropped action is taken back, one that is open again comes back."""
    changed = []
    for item in items:
        action_id = action_id_of(item)
        if item.kind == "action" and action_id in actions:
            wanted = wanted_action(actions[action_id], item.sink, marks.get(action_id))
            if not wanted.keep:
                changed.append((item, _with(item, wanted.content, wanted.target, wanted.reason, item.review_id)))
    return [after for before, after in changed if before != after]


def _decided_by(item: OutboxItem) -> str:
    """The week that an item came from. An action of an earlier week that nobody decided again is as that week left it."""
    is_action = item.kind == "action" and item.desired is not None
    return str(item.desired["review"]) if is_action and item.desired is not None else item.review_id


def _decided(item: OutboxItem | None, wanted: Wanted, review_id: str) -> OutboxItem | None:
    if item is None:
        return None if wanted.content is None else OutboxItem(
            key=wanted.key, sink=wanted.sink, kind=wanted.kind, target=wanted.target, review_id=review_id,
            desired=wanted.content, desired_hash=content_hash(wanted.content),
        )  # fmt: skip
    if item.review_id > review_id:
        return item
    return _with(item, wanted.content, wanted.target, wanted.reason, review_id)


def _with(item: OutboxItem, content: Content | None, target: str, reason: str, review_id: str) -> OutboxItem:
    digest = content_hash(content)
    said = item.model_copy(update={"review_id": review_id, "target": target})
    if digest == item.desired_hash:
        return said
    changed = {"desired": content, "desired_hash": digest, "reason": reason, "revision": item.revision + 1}
    is_there = item.tried is None and digest == item.sent_hash and digest is not None
    state = "sent" if is_there else "planned"
    return said.model_copy(update={**changed, "released": "", "state": state, "last_error": ""})
