"""Dated events of one account: from the customer, our actions, and our decisions."""

from dataclasses import dataclass
from datetime import date

from app.desk.loaded_review import LoadedReview
from app.report import formatting
from tools.store.review_store import ReviewStore

_KINDS = {
    "tickets": "ticket", "touchpoints": "touchpoint", "notes": "note", "surveys": "survey", "invoices": "invoice",
    "contacts": "contact", "usage": "usage", "outcomes": "outcome", "goals": "goal",
}  # fmt: skip


@dataclass(frozen=True)
class TimelineEvent:
    """One line."""

    on: date
    kind: str
    text: str
    source: str


def account_timeline(loaded: LoadedReview, store: ReviewStore, account: str) -> list[TimelineEvent]:
    """Newest first, each once."""
    found: set[TimelineEvent] = set()
    dossier = loaded.dossiers.get(account)
    for fact in dossier.evidence if dossier else ():
        for row in fact.rows:
            if row.on is not None and row.table in _KINDS and row.table != "usage":
                key = "" if row.key == str(row.on) else f"{row.key}: "
                found.add(TimelineEvent(row.on, _KINDS[row.table], f"{key}{row.text}", f"{fact.source}, row {row.row}"))
    for contact in dossier.contacts if dossier else ():
        if contact.departed_on is not None:
            role = f", {formatting.word(contact.role)}," if contact.role else ""
            found.add(TimelineEvent(contact.departed_on, "contact", f"{contact.name}{role} left", "contacts"))
    progress = store.progress()
    for action in store.actions_before(loaded.next_review_date, account):
        state, on = progress.get(action.id, ("open", None))
        if state == "done" and on is not None:
            found.add(TimelineEvent(on, "done", f"{action.title} ({action.owner})", action.review_id))
        else:
            found.add(TimelineEvent(action.due, "due", f"{action.title} ({action.owner})", action.review_id))
    for review_id, as_of, _ in store.reviews():
        decided = store.decision(review_id, "plan")
        for each in decided.plays if decided else ():
            if each.account == account:
                by = each.by or (decided.decided_by if decided else "")
                why = f": {each.reason}" if each.reason else ""
                found.add(TimelineEvent(as_of, "decision", f"{formatting.word(each.decision)} by {by}{why}", review_id))
    return sorted(found, key=lambda each: (each.on, each.kind, each.text), reverse=True)
