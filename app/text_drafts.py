"""Drafts of texts about the plays of a review: made, stored beside the play, and confirmed by a person.

A draft is in no plan, no list and nothing that is sent. It counts for nothing until a person has edited or confirmed it.
"""

import asyncio
import hashlib
from collections.abc import Mapping
from datetime import date

from agents.text_drafter import TextDrafter
from app.timing import Timing
from app.wiring import StoreSession, model_client
from domain.configuration import DraftKind
from domain.errors import InputError, StaleDecision, UnknownReference
from domain.save_play import SavePlay
from domain.text_drafts import DRAFT_TITLES, MAX_DRAFT, TextDraft
from tools.save_play.context import PlayContext
from tools.save_play.draft_claims import check_text, claims_of
from tools.save_play.draft_record import draft_record, normalise
from tools.save_play.editing import edited_context
from tools.save_play.play_texts import draft_from_play
from tools.wording import plain_name


def draft_key(kind: DraftKind, account: str) -> str:
    """Name under which a draft is stored. No id of an account begins with a space, so no play's draft has it."""
    return f"draft: {kind} {account}"


def check_kind(kind: str) -> DraftKind:
    """The kind of a draft. Raises InputError for another word."""
    for known in DRAFT_TITLES:
        if kind == known:
            return known
    raise InputError(f"no draft is called {plain_name(kind, 40)!r}; choose {', '.join(DRAFT_TITLES)}")


def stored_drafts(session: StoreSession, review_id: str, account: str) -> dict[DraftKind, TextDraft]:
    """The drafts about one account, by kind."""
    found = {kind: session.store.find(review_id, draft_key(kind, account), TextDraft) for kind in DRAFT_TITLES}
    return {kind: draft for kind, draft in found.items() if draft is not None}


def text_hash(draft: TextDraft | None) -> str:
    """Hash of a draft, by which a form says what was read: 12 hexadecimal digits; empty without one."""
    return hashlib.sha256(draft.model_dump_json().encode()).hexdigest()[:12] if draft is not None else ""


def make_draft(
    session: StoreSession, review_id: str, context: PlayContext, play: SavePlay, kind: DraftKind, *, by_model: bool
) -> TextDraft:
    """Make a draft, by the model or from the play's own sentences, and store it in place of the one before."""
    context = edited_context(context, play.edits)
    session.at.check_writable()
    draft = (
        _ask_model(context, play, kind)
        if by_model and context.configuration.model.name is not None
        else draft_from_play(context, play, kind)
    )
    draft = draft.model_copy(update={"review_id": review_id})
    session.store.save(review_id, draft_key(kind, play.account_id), draft)
    return draft


def _ask_model(context: PlayContext, play: SavePlay, kind: DraftKind) -> TextDraft:
    client = model_client(context.configuration, Timing().called)

    async def ask() -> TextDraft:
        try:
            return await TextDrafter(context.configuration, client).draft(context, play, kind)
        finally:
            if client is not None:
                await client.close()

    return asyncio.run(ask())


def confirm_draft(
    session: StoreSession,
    context: PlayContext,
    play: SavePlay,
    old: TextDraft | None,
    change: Mapping[str, str],
    on: date,
) -> TextDraft:
    """Store a draft as a person confirmed it, with their changes. ``change``: ``text``, ``seen`` and ``by``.

    Raises UnknownReference without a draft, StaleDecision when another text was read, InputError for an empty or too long one.
    """
    if old is None:
        raise UnknownReference(f"{play.name} has no such draft; ask for one first")
    if change["seen"] != text_hash(old):
        raise StaleDecision("the draft is another one than was read; read it again")
    text = normalise(change["text"])
    if not text:
        raise InputError("the text is empty")
    if len(text) > MAX_DRAFT:
        raise InputError(f"the text has {len(text):,} characters; at most {MAX_DRAFT:,}")
    edited = text != old.text
    draft = old.model_copy(
        update={
            "text": text,
            "edited": edited or old.edited,
            "confirmed_by": plain_name(change["by"]),
            "confirmed_on": on,
        }
    )
    record = draft_record(edited_context(context, play.edits), play, old.kind)
    claims = claims_of(check_text(text, record))
    with session.store.transaction():
        session.store.save(draft.review_id, draft_key(draft.kind, draft.account_id), draft)
        session.store.log(
            draft.review_id, draft.confirmed_by, "confirmed a draft", account=draft.account_id, kind=draft.kind,
            made_by=draft.made_by or "play", edited=draft.edited, prompt=draft.drafting.prompt_hash,
            text_hash=hashlib.sha256(text.encode()).hexdigest(), without_fact=[f"{each.kind} {each.words}" for each in claims],
        )  # fmt: skip
    return draft
