"""Answers to lists, counts, facts, comparisons, the weeks before and requests that are no question. Read-only.

Each answer says how the question was understood; what no filter understands is said. None: another answer fits better.
"""

import re

from domain.configuration import Subject
from domain.questions import AnswerPart, AnswerTable, Condition, ParsedQuestion, PortfolioQuery
from graph.ask_account import answer_briefing, answer_facts, answer_person, answer_why_changed
from graph.ask_compare import answer_compare, answer_lost
from graph.ask_context import AskContext
from graph.ask_listing import PLAN_FIELDS, asks_for_rows, is_plural, listed, named_account, no_filter, portfolio_query
from graph.ask_weeks import answer_history, answer_worked
from tools.ask.parse_question import first_match, matches, normalize_text, plain_question
from tools.ask.run_query import share_of_base
from tools.wording import format_date, format_money, plain_name, plural

_LATE = ("late", "missed")
_ID = re.compile(r"\b[A-Za-z]{1,6}[-_#]?\d[\w-]{2,}")
"""Text that looks like the id of a record: letters, then digits."""
_MOST_UNREAD = 15
"""Words; a text of which more are left over is no question about the rows that one of its words names."""
_NEVER_LISTED = ("why", "save_play", "load")
"""Kinds of question that no list answers."""


def answer_typed(context: AskContext, question: str, reading: ParsedQuestion) -> AnswerPart | None:
    """The answer to a question that the grammar reads as a fact, a list, a comparison or no question at all."""
    text = plain_question(question)
    if (refused := _refused(context, text, reading)) is not None:
        return refused
    before = (
        _record,
        _share,
        answer_worked,
        answer_history,
        answer_lost,
        answer_compare,
        answer_briefing,
        answer_person,
    )
    for answer in (*before, _subject, _incident, _late_renewals, answer_why_changed):
        if (part := answer(context, question, text, reading)) is not None:
            return part
    is_about_one = reading.kind in ("why", "load") or (reading.kind == "save_play" and not is_plural(context, text))
    if is_about_one and not _groups(context, text):
        return None
    orders = (
        (_list, answer_facts) if is_plural(context, text) or _is_figure(context, question) else (answer_facts, _list)
    )
    for answer in orders:
        if (part := answer(context, question, text, reading)) is not None:
            return part
    return None


def _groups(context: AskContext, text: str) -> bool:
    asking = context.configuration.asking
    return is_plural(context, text) and any(matches(patterns, text) for patterns in asking.groups.values())


def _is_figure(context: AskContext, question: str) -> bool:
    """True for a count, a sum or a mean over filtered or grouped accounts."""
    query = portfolio_query(context, question)
    return query.measure != "list" and bool(query.conditions or query.group)


def _refused(context: AskContext, text: str, reading: ParsedQuestion) -> AnswerPart | None:
    for rule in context.configuration.asking.refused:
        phrases = [phrase for phrase in rule.phrases if reading.kind != "why" or phrase.startswith("^")]
        if matches(phrases, text):
            return AnswerPart(kind="refused", sentences=(f"I don't do that. {rule.says}", context.suggestions()))
    return None


def _record(context: AskContext, question: str, text: str, reading: ParsedQuestion) -> AnswerPart | None:
    """The ticket or the invoice whose id the question names."""
    if context.base.warehouse is not None or reading.kind in ("save_play", "why"):
        return None  # those rows stay on the server
    ids = [token.upper().rstrip(".,-") for token in _ID.findall(question)]
    columns: tuple[tuple[Subject, str], ...] = (("tickets", "ticket_id"), ("invoices", "invoice_id"))
    for subject, column in columns if ids else ():
        table = context.base.full_table(subject)
        known = context.base.rows(
            f"select distinct upper({column}) as id from {table} where list_contains(?, upper({column})) order by 1",
            [ids],
        )
        if known:
            found = tuple(row["id"] for row in known)
            condition = Condition(field="id", values=found, says=", ".join(map(plain_name, found)))
            return listed(context, PortfolioQuery(subject=subject, conditions=(condition,)))
    return None


# subjects besides accounts ----------------------------------------------------------------------------------------


def _subject(context: AskContext, question: str, text: str, reading: ParsedQuestion) -> AnswerPart | None:
    """A list or a figure of actions, people, tickets and the other subjects."""
    account = named_account(context, question)
    query = portfolio_query(context, question, account)
    is_for_plays = query.subject == "plays" and reading.kind == "save_play" and account is None
    is_for_hours = query.subject == "colleagues" and reading.kind == "load" and bool(query.conditions)
    if (
        query.subject == "accounts"
        or (reading.kind in _NEVER_LISTED and not is_for_plays and not is_for_hours)
        or (reading.said and account)
    ):
        return None
    if len(query.unapplied) > _MOST_UNREAD:
        return None
    days = any(condition.field == "day" for condition in query.conditions)
    is_narrow = days or query.measure != "list" or query.group is not None or _is_about_some(query)
    topics = context.configuration.asking.topics
    is_fact = any(matches(patterns, text) for patterns in topics.values())
    if account is not None and is_fact and not is_narrow:
        return None  # the facts of the account say more
    if query.subject == "actions" and not is_narrow and _asks_late(query):
        return context.late_commitments(reading.csm_id, account)
    has_state = any(condition.field == "state" for condition in query.conditions)
    is_partly = bool(query.unapplied) or (reading.kind in ("late", "plan", "changes") and not has_state)
    if is_partly and not is_narrow and query.subject in ("actions", "plays"):
        return None  # the commitments and the plan say more
    if account is None and context.find(question).candidates and not _is_whole(query):
        return None
    if query.subject == "incidents":
        return _incident(context, question, text, reading) if not query.conditions else listed(context, query)
    is_empty = not query.conditions and not is_narrow and query.top is None and query.sort is None
    if (is_empty and query.unapplied) or _is_turned_round(context, query):
        return no_filter(query.unapplied)
    return listed(context, query)


def _is_turned_round(context: AskContext, query: PortfolioQuery) -> bool:
    """True if a "not" or an "except" is left over: the rows without it would be others than those asked for."""
    patterns = context.configuration.asking.cues.turning
    return any(re.fullmatch(pattern, word) for pattern in patterns for word in query.unapplied)


def _is_about_some(query: PortfolioQuery) -> bool:
    """True for goals that are behind, missed calls, the last QBR: some rows of a subject, of which the facts of an account say all."""
    is_filtered = any(
        condition.field in ("state", "kind") and len(condition.values) == 1 for condition in query.conditions
    )
    return query.subject in ("goals", "touchpoints", "surveys", "notes") and (is_filtered or query.subject == "notes")


def _asks_late(query: PortfolioQuery) -> bool:
    """True for late actions, of one owner or of all: the promises that are late."""
    fields = {condition.field for condition in query.conditions}
    states = [condition.values for condition in query.conditions if condition.field == "state"]
    return fields <= {"state", "owner_id"} and states == [_LATE]


def _is_whole(query: PortfolioQuery) -> bool:
    """True if every word of the question was understood."""
    return not query.unapplied


def _incident(context: AskContext, question: str, text: str, reading: ParsedQuestion) -> AnswerPart | None:
    """The problems that several accounts share, with their accounts."""
    named = [i for i in context.incidents if any(normalize_text(word) in text for word in i.words if len(word) > 3)]
    if not named and not matches(context.configuration.asking.cues.incident, text):
        return None
    if reading.kind in ("save_play", "why") or (not named and named_account(context, question) is not None):
        return None
    query = portfolio_query(context, question)
    if any(condition.field != "incident" for condition in query.conditions):
        return listed(context, query)
    currency = context.configuration.scoring.money.home
    found = named or list(context.incidents)
    if not found:
        return AnswerPart(kind="list", sentences=("No problem is reported by several accounts.",))
    sentences, tables = [], []
    for incident in found:
        sentences.append(
            f"{plural(len(incident.account_ids), 'account')} with {format_money(incident.arr, currency)} of ARR report"
            f" {incident.title}, since {format_date(incident.first_on)}; {incident.escalated} escalated."
        )
        rows = tuple(
            (a.account_id, plain_name(a.name), format_money(a.arr, currency), str(a.reports)) for a in incident.accounts
        )
        columns = ("id", "account", "ARR", "reports")
        tables.append(AnswerTable(title=incident.title, columns=columns, rows=rows, source="tickets and notes"))
    ids = tuple(dict.fromkeys(account for incident in found for account in incident.account_ids))
    return AnswerPart(kind="list", sentences=tuple(sentences), tables=tuple(tables), account_ids=ids)


def _late_renewals(context: AskContext, question: str, text: str, reading: ParsedQuestion) -> AnswerPart | None:
    if reading.kind == "save_play" or not matches(context.configuration.asking.cues.overdue_renewal, text):
        return None
    return listed(context, portfolio_query(context, question))


def _share(context: AskContext, question: str, text: str, reading: ParsedQuestion) -> AnswerPart | None:
    """The share of all ARR and of all accounts that the filters of a question take."""
    asked = first_match(context.configuration.asking.cues.share, text)
    if asked is None:
        return None
    query = portfolio_query(context, text.replace(asked[0], " ", 1))
    if query.subject != "accounts" or not query.conditions:
        return None
    part = listed(context, query.model_copy(update={"measure": "list", "group": None}))
    arr, accounts = share_of_base(context.base, part.query or query)
    warning = int(bool(query.unapplied))
    sentences = (*part.sentences[:warning], f"{arr}; {accounts}.", *part.sentences[warning:])
    return part.model_copy(update={"sentences": sentences})


# many accounts ----------------------------------------------------------------------------------------------------


def _list(context: AskContext, question: str, text: str, reading: ParsedQuestion) -> AnswerPart | None:
    query = portfolio_query(context, question)
    cues = context.configuration.asking.cues
    fields = {condition.field if condition.known is None else f"no {condition.field}" for condition in query.conditions}
    if reading.kind == "why" or (reading.kind in ("late", "save_play") and fields <= PLAN_FIELDS):
        return None
    if len(query.unapplied) > _MOST_UNREAD:
        return None
    if _is_turned_round(context, query) and (is_plural(context, text) or query.measure != "list"):
        return no_filter(query.unapplied)
    has_figure = query.measure != "list" or query.group is not None or query.top is not None
    is_many = is_plural(context, text)
    if not fields and not has_figure:
        is_asked = is_many and reading.kind is None and asks_for_rows(context, text)
        return no_filter(query.unapplied) if is_asked else None
    is_figure = has_figure and bool(fields or query.group or query.top)
    if not is_many and not is_figure and "change" not in fields:
        return None
    is_plan = fields <= PLAN_FIELDS and not has_figure
    if is_plan and (matches(cues.planned, text) or (reading.kind == "plan" and not matches(cues.sorting, text))):
        return None
    if reading.kind == "changes" and fields <= {"change", "at_risk"} and not has_figure:
        return None
    if not fields and query.unapplied and query.group is None and query.top is None:
        return no_filter(query.unapplied)
    return listed(context, query)
