"""Follow-up questions: what is carried over from the question before, and the whole question that results.

Only earlier questions are kept, never an answer: they are read again, so nothing that a page sends back is trusted.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from domain.questions import MOST_EARLIER, AnswerPart, PortfolioQuery, QuestionAnswer
from graph.ask_answers import answer_typed
from graph.ask_context import AskContext
from graph.ask_flow import answer_question, is_understood
from graph.ask_listing import listed, portfolio_query
from tools.ask.find_people import named_people
from tools.ask.parse_question import first_match, matches, normalize_text

_ACCOUNT_ID = re.compile(r"\S*\d\S*")
_LONGEST = 12
"""Words of a follow-up; a longer question says itself what it is about."""


@dataclass(frozen=True)
class Turn:
    """Subject of an earlier question."""

    question: str
    account_ids: tuple[str, ...]
    query: PortfolioQuery | None


@dataclass(frozen=True)
class FollowUp:
    """The whole question, or a query, and what was carried over in words."""

    question: str
    carried: str = ""
    query: PortfolioQuery | None = None


def read_turn(context: AskContext, question: str) -> Turn:
    """The accounts and the query of an earlier question."""
    reading = context.parse(question)
    part = answer_typed(context, question, reading)
    if part is None:
        found = context.find(question, reading)
        ids = (found.account_id,) if found.account_id else tuple(item.account_id for item in found.candidates)
        return Turn(question, ids, None)
    ids = part.account_ids or ((part.account_id,) if part.account_id else ())
    return Turn(question, ids, part.query)


def follow_up(context: AskContext, question: str, earlier: Sequence[str]) -> FollowUp:
    """The question with what it leaves out, taken from the latest earlier question that has it."""
    text = normalize_text(question)
    if not earlier or len(text.split()) > _LONGEST:
        return FollowUp(question)
    cues = context.configuration.asking.cues
    turns = _turns(context, earlier)
    last = turns[-1]
    named = context.find(question).account_id
    if named is None and last.query is not None and _narrows(context, text):
        return _narrowed(context, question, last)
    if matches(cues.the_other, text) and (other := _other(turns)) is not None:
        return _with_account(context, last.question, other)
    if named is not None and matches(cues.and_then, text) and len(text.split()) <= 5:
        return _with_account(context, last.question, named)
    one = next((turn.account_ids[0] for turn in reversed(turns) if len(turn.account_ids) == 1), None)
    if named is None and one is not None:
        if matches(cues.why_alone, text):
            return _with_account(context, "why is it at risk", one)
        if matches(cues.pronoun, text) or matches(cues.and_then, text):
            return _with_account(context, question, one)
    return FollowUp(question)


def _narrows(context: AskContext, text: str) -> bool:
    """True if the question goes on with the list before: "only red", "and in January?", "who owns them"."""
    cues = context.configuration.asking.cues
    return any(matches(patterns, text) for patterns in (cues.only, cues.of_those, cues.and_then, cues.them))


def _turns(context: AskContext, earlier: Sequence[str]) -> list[Turn]:
    """The earlier questions, each with what it took over itself."""
    turns: list[Turn] = []
    for place, question in enumerate(earlier[-MOST_EARLIER:]):
        before = earlier[-MOST_EARLIER:][:place]
        whole = follow_up(context, question, before) if before else FollowUp(question)
        turn = read_turn(context, whole.question)
        turns.append(Turn(whole.question, turn.account_ids, whole.query or turn.query))
    return turns


def _with_account(context: AskContext, question: str, account_id: str) -> FollowUp:
    asked = " ".join(
        word
        for word in question.split()
        if not _ACCOUNT_ID.fullmatch(word.strip("?!.,")) or not _is_account(context, word)
    )
    names = context.base.rows("select name from scored where account_id = ?", [account_id])
    name = names[0]["name"] if names else account_id
    return FollowUp(f"{asked.rstrip('?!. ')} {account_id}?", f"Taken over from before: {name} ({account_id}).")


def _is_account(context: AskContext, word: str) -> bool:
    """True for the id of an account."""
    return bool(context.base.rows("select 1 from scored where account_id = ?", [word.strip("?!.,")]))


def _other(turns: Sequence[Turn]) -> str | None:
    """The second of two accounts, when the latest question was about the first; also the second of a comparison."""
    pair = next((turn.account_ids for turn in reversed(turns) if len(turn.account_ids) == 2), None)
    if pair is None:
        return None
    last = turns[-1].account_ids
    return pair[1] if last == (pair[0],) or len(last) != 1 else pair[0]


def _narrowed(context: AskContext, question: str, last: Turn) -> FollowUp:
    """The last query, with the filters of the new question in the place of those on the same field."""
    assert last.query is not None
    new = portfolio_query(
        context, re.sub(r"(?i)^\s*(?:and |und |et |y )?(?:only|just|nur|seulement|uniquement|solo)\b", "", question)
    )
    fields = {condition.field for condition in new.conditions}
    kept = tuple(condition for condition in last.query.conditions if condition.field not in fields)
    asks_owner = matches(context.configuration.asking.topics["owner"], normalize_text(question))
    sorts = re.search(r"(?i)\b(?:sort|order|by)", question) is not None
    query = last.query.model_copy(
        update={
            "conditions": (*kept, *new.conditions),
            "unapplied": () if asks_owner else new.unapplied,
            "measure": new.measure if new.measure != "list" else last.query.measure,
            "group": new.group or ("csm" if asks_owner else last.query.group),
            "top": new.top or last.query.top,
            "sort": new.sort if sorts else last.query.sort,
            "ascending": new.ascending if sorts else last.query.ascending,
        }
    )
    carried = ", ".join(condition.says for condition in kept) or "all accounts"
    return FollowUp(last.question, f"Taken over from before: {carried}.", query)


async def answer_follow_up(question: str, context: AskContext, earlier: Sequence[str]) -> QuestionAnswer:
    """The answer to a question of a conversation, and what was carried over."""
    whole = follow_up(context, question, earlier)
    if whole.query is not None:
        part: AnswerPart = listed(context, whole.query)
        return QuestionAnswer(
            question=question, as_of=context.as_of, parts=(part,), answered_by="rules", carried=whole.carried
        )
    asked = _two_questions(context, whole.question) or (whole.question,)
    answers = [await answer_question(each, context) for each in asked]
    parts = tuple(part for answered in answers for part in answered.parts)
    return answers[-1].model_copy(update={"question": question, "carried": whole.carried, "parts": parts})


def _two_questions(context: AskContext, question: str) -> tuple[str, str] | None:
    """A question that is two, "how old is the ticket, and who owns the account?", where the rules read both whole but not the one."""
    cues = context.configuration.asking.cues
    match = first_match(cues.second_question, question)
    if match is None or is_understood(answer_typed(context, question, context.parse(question))):
        return None
    first, second = question[: match.start()].strip(), question[match.end() :].strip()
    people = named_people(first, context.people)
    if len(people) == 1 and (pronoun := first_match(cues.third_person, second)):
        second = f"{second[: pronoun.start()]}{people[0].person.name}{second[pronoun.end() :]}"
    second = follow_up(context, second, [first]).question
    both = (first, second)
    return both if all(is_understood(answer_typed(context, each, context.parse(each))) for each in both) else None
