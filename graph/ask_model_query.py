"""A question about many things that the grammar does not read whole: the model fills in the same query. Read-only."""

from agents.query_filler import fill_query
from domain.drafting import DraftingRecord
from domain.questions import AnswerPart, ParsedQuestion, PortfolioQuery
from graph.ask_context import AskContext
from graph.ask_listing import listed, named_account, portfolio_query, question_terms
from graph.ask_weeks import weeks_part
from tools.ask.parse_question import plain_question
from tools.ask.query_draft import DraftCheck
from tools.ask.run_query import subject_line
from tools.prompts import render_prompt

_TOOL_KINDS = ("save_play", "why", "load", "late", "plan", "changes")
"""Kinds of question for which there is a tool."""


def asks_for_many(context: AskContext, question: str, reading: ParsedQuestion) -> bool:
    """True if the question is about a list, a figure or the weeks before: no tool of the model fits it."""
    if reading.kind in _TOOL_KINDS or reading.said or named_account(context, question) is not None:
        return False
    query = portfolio_query(context, question)
    asking = context.configuration.asking
    nouns = set(plain_question(question).split()) & set(asking.accounts)
    is_figure = query.measure != "list" or query.group is not None or query.history is not None
    return bool(nouns or query.conditions or is_figure) or query.subject != "accounts"


async def answer_from_model(context: AskContext, question: str) -> tuple[AnswerPart | None, DraftingRecord, str]:
    """The answer to the query that the model filled in, how that went, and the query in one line.

    No answer: the question is no query, or no draft passed the checks.
    """
    assert context.client is not None
    account = named_account(context, question)
    grammar = portfolio_query(context, question, account)
    check = DraftCheck(
        question=question,
        asking=context.configuration.asking,
        terms=question_terms(context, account),
        find=lambda words: context.find(words).account_id,
        named=account,
        grammar=grammar,
    )
    rules = render_prompt(
        "ask_query_rules",
        today=context.as_of.isoformat(),
        segments=", ".join(context.segments),
        people=", ".join(person.name for person in context.people.values()),
    )
    asked = render_prompt(
        "ask_query",
        question=question,
        understood=f"{grammar.subject}: {subject_line(grammar)}",
        unapplied=", ".join(grammar.unapplied) or "nothing",
    )
    draft, drafting = await fill_query(context.client, context.configuration, rules, asked, check)
    if draft is None or check.query is None:
        return None, drafting, ""
    return run_typed(context, check.query), drafting, f"query({check.query.subject}: {subject_line(check.query)})"


def run_typed(context: AskContext, query: PortfolioQuery) -> AnswerPart:
    """The answer to a typed query, whoever filled it in."""
    return weeks_part(context, query) if query.history else listed(context, query)
