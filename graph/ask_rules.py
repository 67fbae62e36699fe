"""The answer to a question by rules alone: the typed query first, then the account that it is about."""

import re
from collections.abc import Sequence

from domain.questions import AnswerPart, ParsedQuestion
from graph.ask_answers import answer_typed
from graph.ask_context import AskContext
from graph.ask_listing import PLAN_FIELDS, listed, portfolio_query
from tools.ask.parse_question import matches, normalize_text, unknown_person
from tools.wording import plain_name


async def answer_draft(context: AskContext, question: str, reading: ParsedQuestion) -> AnswerPart | None:
    """The draft that a question asks for, or the question which account is meant; None for any other question."""
    text = normalize_text(question)
    drafts = context.configuration.asking.drafts.items()
    kind = next((kind for kind, phrases in drafts if any(re.search(phrase, text) for phrase in phrases)), None)
    if kind is None:
        return None
    found = context.resolve_account(question, reading)
    return found if isinstance(found, AnswerPart) else await context.draft_text(found, kind, reading.said)


async def answer_from_rules(context: AskContext, question: str, reading: ParsedQuestion) -> AnswerPart:
    """The whole answer by rules alone, without a model."""
    typed = answer_typed(context, question, reading)
    if typed is not None:
        return typed
    kind = reading.kind
    if kind == "changes":
        return context.changes()
    if kind == "load":
        return context.csm_workload(reading.csm_id)
    found = context.resolve_account(question, reading)
    if kind == "late":
        return context.late_commitments(reading.csm_id, found if isinstance(found, str) else None)
    sliced = reading.tier or reading.segment or reading.csm_id
    if (part := _read_in_part(context, question, reading, found)) is not None:
        return part
    if isinstance(found, AnswerPart) and kind == "plan" and (name := unknown_person(question, reading)) is not None:
        return AnswerPart(
            kind="unclear", sentences=(f"Nobody of ours is called {name}; use the name as the data has it.",)
        )
    if isinstance(found, AnswerPart) and (kind == "plan" or (kind != "why" and sliced and not found.candidates)):
        return context.list_plan(reading.tier, reading.segment, reading.csm_id)
    if isinstance(found, AnswerPart):
        return found if kind is not None or found.candidates or reading.said else context.not_understood()
    if kind in ("save_play", "plan") or (kind is None and (reading.said or reading.tried)):
        return await context.save_play(found, reading.said, reading.tried)
    return context.explain_risk(found, reading.said)


def _read_in_part(
    context: AskContext, question: str, reading: ParsedQuestion, found: str | AnswerPart
) -> AnswerPart | None:
    """The answer to a question of which a word was not read; None where the rest of the rules may answer.

    How an account is, and what to do with a part of the portfolio, are asked in many words: those are not held to each.
    """
    asking, text = context.configuration.asking, normalize_text(question)
    is_sliced = bool(reading.tier or reading.segment or reading.csm_id)
    if isinstance(found, str):
        left = portfolio_query(context, question, found).unapplied
        is_free = reading.kind is not None or reading.said or reading.tried or matches(asking.cues.trouble, text)
        return _not_read(context, left, found) if left and not is_free else None
    if found.candidates:
        return None
    query = portfolio_query(context, question)
    if is_sliced and {condition.field for condition in query.conditions} - PLAN_FIELDS:
        return listed(context, query)
    if reading.kind is not None or reading.said or reading.tried or not query.unapplied:
        return None
    if is_sliced and not matches(asking.cues.planned, text):
        return _not_read(context, query.unapplied, None)
    return found if _is_a_name(question, query.unapplied) else None


def _not_read(context: AskContext, words: Sequence[str], account: str | None) -> AnswerPart:
    """The words that nothing understood, and questions about the account that are understood."""
    named = ", ".join(f"“{plain_name(word)}”" for word in words)
    if account is None:
        return AnswerPart(kind="unclear", sentences=(f"{named} was not understood. {context.suggestions()}",))
    says = (
        f"{named} was not understood. Of {context.account_name(account)} you can ask: why it is at risk, its renewal, owner, ARR, people,"
        " tickets, invoices, goals, usage, health, what they said, what we promised, when we met, or a save play."
    )
    return AnswerPart(kind="unclear", sentences=(says,), account_id=account, name=context.account_name(account))


def _is_a_name(question: str, words: Sequence[str]) -> bool:
    """True if the words that nothing understood are written like a name."""
    capitals = {normalize_text(word) for word in re.findall(r"(?<=\s)[A-ZÀ-Þ][\w-]+", question)}
    return bool(capitals) and set(words) <= capitals
