"""Answers to questions, for readers below a manager: without figures about people of the team. Pure."""

import re
from collections.abc import Callable, Mapping

from rapidfuzz import fuzz

from domain.desk import Member
from domain.dossier import Person
from domain.questions import AnswerPart, AnswerTable, QuestionAnswer
from tools.ask.parse_question import normalize_text
from tools.wording import format_day

_MIN_NAME_MATCH = 80
_DRAFTS = "Drafts are for the CSM of the account, a manager or a leader."
_LOAD = "Only managers and leaders see who has how much to do."
_ROWS_OF_PEOPLE, _OUR_PEOPLE = ("actions", "touchpoints", "notes"), ("owner", "our person", "author")
"""Subjects whose rows could be counted by colleague, and the columns that name them."""
_COLLEAGUE = "Only managers and leaders see figures about a colleague; ask about an account instead."


def named_colleagues(question: str, people: Mapping[str, Person], member: Member) -> bool:
    """True if the question names somebody of the team other than the member: by id, by name or by a part of it."""
    text = normalize_text(question)
    return any(_is_named(person, text) for person in people.values() if person.person_id != member.person_id)


def _is_named(person: Person, text: str) -> bool:
    name = normalize_text(person.name)
    if re.search(rf"(?<![\w-]){re.escape(normalize_text(person.person_id))}(?![\w-])", text):
        return True
    if name and len(name) <= len(text) and fuzz.partial_ratio(name, text) >= _MIN_NAME_MATCH:
        return True
    return any(len(part) > 2 and re.search(rf"\b{re.escape(part)}\b", text) for part in name.split())


def answer_for(member: Member, answered: QuestionAnswer, colleague_named: bool) -> QuestionAnswer:
    """The answer as the member may read it: managers and leaders all of it."""
    if member.is_at_least("manager"):
        return answered
    parts = tuple(_part_for(member, part, colleague_named) for part in answered.parts)
    return answered.model_copy(update={"parts": parts})


def without_drafts(answered: QuestionAnswer, may_act: Callable[[str], bool]) -> QuestionAnswer:
    """The answer without drafts about accounts for which the member may not act."""
    parts = tuple(
        AnswerPart(kind="draft", sentences=(_DRAFTS,), account_id=part.account_id, name=part.name)
        if part.kind == "draft" and not may_act(part.account_id or "")
        else part
        for part in answered.parts
    )
    return answered.model_copy(update={"parts": parts})


def _part_for(member: Member, part: AnswerPart, colleague_named: bool) -> AnswerPart:
    if part.kind == "load":
        return part.model_copy(update={"sentences": (_LOAD,), "capacity": ()})
    if part.about_people:
        return AnswerPart(kind=part.kind, sentences=(_COLLEAGUE,))
    if colleague_named and member.role == "viewer" and part.kind in ("list", "compare"):
        return AnswerPart(kind=part.kind, sentences=(_COLLEAGUE,))
    if colleague_named and (part.kind == "late" or (part.kind == "plan" and member.role == "viewer")):
        return AnswerPart(kind=part.kind, sentences=(_COLLEAGUE,))
    if part.kind == "late" and member.role == "viewer" and part.commitments:
        return _late_without_owners(part)
    if member.role == "viewer" and part.query is not None and part.query.subject in _ROWS_OF_PEOPLE:
        return part.model_copy(update={"tables": tuple(_without_people(table) for table in part.tables)})
    return part


def _without_people(table: AnswerTable) -> AnswerTable:
    """The table without the columns that say which colleague did or owns what."""
    kept = [place for place, title in enumerate(table.columns) if title not in _OUR_PEOPLE]
    columns = tuple(table.columns[place] for place in kept)
    return table.model_copy(
        update={"columns": columns, "rows": tuple(tuple(row[p] for p in kept) for row in table.rows)}
    )


def _late_without_owners(part: AnswerPart) -> AnswerPart:
    """Late actions, without their owners."""
    listed = part.sentences[1:]  # the first sentence counts them
    sentences = [
        f"{each.title} for {each.account_name}, due {format_day(each.due)} ({each.status})."
        for each in part.commitments[: len(listed)]
    ]
    return part.model_copy(update={"sentences": (part.sentences[0], *sentences), "commitments": ()})
