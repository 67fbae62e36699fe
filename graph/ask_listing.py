"""A question about many things as a typed query, and its answer: rows, figures, and how it was understood. Read-only."""

from collections.abc import Sequence
from datetime import date

from rapidfuzz import fuzz

from domain.questions import AnswerPart, Condition, PortfolioQuery
from graph.ask_context import AskContext
from graph.ask_rows import write_rows
from tools.ask.parse_query import QuestionTerms, parse_query
from tools.ask.parse_question import begins, matches, split_words
from tools.ask.query_subject import run_subject_query
from tools.ask.run_query import run_query
from tools.ask.subject_tables import SUBJECTS
from tools.wording import format_date, plain_name

_MIN_LIKENESS = 80
PLAN_FIELDS = frozenset(("tier", "segment", "csm", "at_risk"))
"""Filters that the intervention plan knows."""
_ON_THE_SERVER = frozenset(("champion", "touched", "answered"))
"""Filters on rows that a database server keeps."""
CAN_FILTER = (
    "segment, CSM, sponsor, manager's team, stage, health, priority, ARR, renewal, risk, change, seats, usage, NPS and other figures,"
    " and what customers said"
)


def portfolio_query(context: AskContext, question: str, account_id: str | None = None) -> PortfolioQuery:
    """The question as a typed query over all accounts, or over what is recorded of them."""
    return parse_query(question, context.configuration.asking, question_terms(context, account_id))


def question_terms(context: AskContext, account_id: str | None = None) -> QuestionTerms:
    """The people, segments, causes and problems of this portfolio that a question may refer to."""
    return QuestionTerms(
        people=context.people,
        segments=context.segments,
        today=context.as_of,
        currency=context.configuration.scoring.money.home,
        asker=context.asker,
        account=(account_id, context.account_name(account_id)) if account_id else None,
        causes={key: rule.label for key, rule in context.configuration.causes.causes.items()},
        incidents={incident.title: incident.words for incident in context.incidents},
    )


def is_plural(context: AskContext, text: str) -> bool:
    """True if the question is about accounts, not one account."""
    return matches([rf"\b(?:{'|'.join(context.configuration.asking.accounts)})\b"], text)


def named_account(context: AskContext, question: str) -> str | None:
    """The one account that the question names; None for nobody, for several, and where only small words are alike."""
    found = context.find(question).account_id
    return found if found is not None and _is_named(context, question, found) else None


def _is_named(context: AskContext, question: str, account_id: str) -> bool:
    """True if a word that names the account is no word of the subject or of a filter: a list of "renewals" names nobody."""
    if account_id.casefold() in question.casefold():
        return True
    asking = context.configuration.asking
    taken = [pattern for rule in asking.subjects.values() for pattern in rule.words]
    taken += [phrase for rule in asking.filters for phrase in rule.phrases]
    name = split_words(context.account_name(account_id))
    words = [word for word in split_words(question) if any(fuzz.ratio(word, each) >= _MIN_LIKENESS for each in name)]
    return not words or any(word not in asking.no_filter and not matches(taken, word) for word in words)


def listed(context: AskContext, query: PortfolioQuery) -> AnswerPart:
    """The answer to a query: how it was understood, figures and rows, and what could not be applied and why."""
    query, limits = _applicable(context, query)
    if _asks_ahead(context, query):
        limits.append(f"Nothing that is dated after {format_date(context.as_of)} is read.")
    run = run_query if query.subject == "accounts" else run_subject_query
    found = run(context.base, query, context.people)
    left_out = (_without(query.unapplied),) if query.unapplied else ()
    return AnswerPart(
        kind="list",
        sentences=(*left_out, *found.sentences, *limits),
        query=query,
        tables=found.tables,
        account_ids=found.account_ids,
        about_people=query.subject == "colleagues"
        or query.group in ("csm", "sponsor", "team", "owner")
        or _is_about_a_colleague(context, query),
    )


def _asks_ahead(context: AskContext, query: PortfolioQuery) -> bool:
    """True for "meetings next week": rows of what happened have no such days."""
    table = SUBJECTS.get(query.subject)
    is_past = table is not None and table.past and query.subject != "invoices"
    days = [each.low for each in query.conditions if each.field == "day" and isinstance(each.low, date)]
    return is_past and any(day > context.as_of for day in days)


def _is_about_a_colleague(context: AskContext, query: PortfolioQuery) -> bool:
    """True for the actions, meetings or notes of somebody other than who asks."""
    owners = {value for each in query.conditions if each.field == "owner_id" for value in each.values}
    return bool(owners - {context.asker})


def _applicable(context: AskContext, query: PortfolioQuery) -> tuple[PortfolioQuery, list[str]]:
    """The query with the conditions that can be applied to this portfolio, and a sentence for each of the others."""
    kept, limits = list[Condition](), list[str]()
    for condition in query.conditions:
        why = _why_not(context, query, condition)
        if why:
            limits.append(f"Not applied, because {why}: “{condition.says}”.")
        else:
            kept.append(condition)
    write_rows(context, query.subject, [condition.field for condition in kept])
    return query.model_copy(update={"conditions": tuple(kept)}), limits


def _why_not(context: AskContext, query: PortfolioQuery, condition: Condition) -> str:
    if condition.field in _ON_THE_SERVER and context.base.warehouse is not None:
        return "those rows stay on the server"
    if condition.field == "cause" and query.subject != "plays" and context.diagnosed is None:
        return "no review in the store has found causes yet"
    return ""


def asks_for_rows(context: AskContext, text: str) -> bool:
    """True if the question begins with a word that asks for rows."""
    return begins(context.configuration.asking.cues.rows, text)


def _without(unapplied: Sequence[str]) -> str:
    """The first sentence of a list that leaves out a word of the question: it may not be what was asked."""
    words = ", ".join(f"“{plain_name(word)}”" for word in unapplied)
    return f"No filter understands {words}, so this may not be what you ask. Without {'it' if len(unapplied) == 1 else 'them'}:"


def no_filter(unapplied: Sequence[str]) -> AnswerPart:
    """The answer that no filter understands these words, and what can be filtered by."""
    words = ", ".join(f"“{plain_name(word)}”" for word in unapplied) or "that"
    says = f"No filter understands {words}. Accounts can be filtered by {CAN_FILTER}."
    return AnswerPart(kind="unclear", sentences=(says,))
