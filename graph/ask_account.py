"""Answers about one account or one person: facts, a briefing, why it changed, who somebody is. Read-only.

None: another answer fits better.
"""

import re

from domain.configuration import FactTopic
from domain.dossier import Person
from domain.questions import AnswerPart, AnswerTable, Condition, ParsedQuestion, PortfolioQuery
from graph.ask_context import AskContext
from tools.ask.account_facts import AccountFacts
from tools.ask.find_people import named_people
from tools.ask.parse_question import begins, matches
from tools.ask.run_query import run_query
from tools.scoring.scored_base import Row
from tools.wording import format_date, plain_name, plural

_MOST_PEOPLE = 10
_BRIEFING: tuple[FactTopic, ...] = ("renewal", "amount", "owner", "health", "people", "said", "owed", "tickets", "met")


def _account_facts(context: AskContext, account_id: str, text: str = "") -> AccountFacts:
    """The facts of one account. ``text``: the plain question, for "open tickets"."""
    dossier = context.dossier(account_id)
    children = context.base.rows(
        "select name from scored where parent_account_id = ? order by arr desc nulls last, account_id limit ?",
        [account_id, _MOST_PEOPLE],
    )
    return AccountFacts(
        dossier=dossier,
        people=context.people,
        incidents=context.incidents,
        as_of=context.as_of,
        currency=context.configuration.scoring.money.home,
        only_open=matches(_open_words(context), text),
        parent=context.account_name(dossier.parent_account_id) if dossier.parent_account_id else None,
        children=tuple(plain_name(row["name"]) for row in children),
    )


def _open_words(context: AskContext) -> list[str]:
    """Words for open tickets: those of the filter on tickets."""
    rules = context.configuration.asking.subjects["tickets"].filters
    return [phrase for rule in rules if rule.values == ("open",) for phrase in rule.phrases]


def answer_briefing(context: AskContext, question: str, text: str, reading: ParsedQuestion) -> AnswerPart | None:
    """Facts to know before a call, from all topics."""
    if not matches(context.configuration.asking.briefing, text) or reading.kind in (
        "save_play",
        "why",
        "load",
        "late",
    ):
        return None
    account = context.resolve_account(question, reading)
    if isinstance(account, AnswerPart):
        return account if account.candidates or len(text.split()) < 12 else None
    facts = _account_facts(context, account)
    sentences, tables = [f"Call {facts.dossier.name} first; write after the call."], list[AnswerTable]()
    why = context.explain_risk(account, reading.said)
    for topic in _BRIEFING:
        said, rows = facts.about(topic)
        sentences += said[:2]
        tables += rows[:1] if topic in ("said", "owed", "tickets", "people") else []
    sentences += why.sentences[1:3]
    return AnswerPart(kind="briefing", sentences=tuple(dict.fromkeys(sentences)), account_id=account, name=facts.dossier.name,
                      said=reading.said, tables=tuple(tables), evidence=why.evidence)  # fmt: skip


def answer_why_changed(context: AskContext, question: str, text: str, reading: ParsedQuestion) -> AnswerPart | None:
    """Why one account changed: its reasons, and its figures of then and now."""
    if reading.kind != "changes" or not begins(context.configuration.asking.cues.why, text):
        return None
    account = context.resolve_account(question, reading)
    if isinstance(account, AnswerPart):
        return None
    why = context.explain_risk(account, reading.said)
    then = _account_facts(context, account).health()[0][1:]
    return why.model_copy(update={"sentences": (why.sentences[0], *then, *why.sentences[1:])})


def answer_facts(context: AskContext, question: str, text: str, reading: ParsedQuestion) -> AnswerPart | None:
    """Facts of record on the topics that the question names."""
    topics = [topic for topic, patterns in context.configuration.asking.topics.items() if matches(patterns, text)]
    is_late = (
        reading.kind == "late"
        and "invoices" not in topics
        and ("owed" not in topics or matches(context.configuration.asking.cues.late, text))
    )
    if not topics or is_late or reading.kind in ("changes", "load"):
        return None
    account = context.resolve_account(question, reading)
    if isinstance(account, AnswerPart):
        return account if account.kind == "which_account" or (_proper_name(question) and reading.kind is None) else None
    facts = _account_facts(context, account, text)
    sentences: list[str] = []
    tables: list[AnswerTable] = []
    for topic in topics[:3]:
        said, rows = facts.about(topic)
        sentences += said
        tables += rows
    return AnswerPart(kind="facts", sentences=tuple(dict.fromkeys(sentences)), account_id=account, name=facts.dossier.name,
                      tables=tuple(dict.fromkeys(tables)))  # fmt: skip


def _proper_name(question: str) -> bool:
    """True if the question has a capitalised word after its first: probably the name of an account."""
    return re.search(r"\s[A-ZÀ-Þ][\w-]{2,}", question) is not None


def answer_person(context: AskContext, question: str, text: str, reading: ParsedQuestion) -> AnswerPart | None:
    """Answer to who somebody is: one of ours, or a contact of a customer."""
    cues = context.configuration.asking.cues
    if not matches([*cues.person, *cues.reports_to], text):
        return None
    named = named_people(question, context.people)
    if len(named) == 1 and matches(cues.reports_to, text):
        return _team_of(context, named[0].person)
    ours = [each for each in named if " " in each.words or len(text.split()) < 5]
    topics = [topic for topic, patterns in context.configuration.asking.topics.items() if matches(patterns, text)]
    if ours and not topics and reading.kind is None:
        return _colleague(context, ours[0].person)
    if context.base.warehouse is not None:
        return None  # the contacts stay on the server
    contacts = context.base.rows(
        "select k.name, k.title, k.role, k.status, k.departed_on, s.name as account, s.account_id"
        f" from {context.base.full_table('contacts')} k join scored s using (account_id)"
        " where length(k.name) > 5 and contains(?, lower(strip_accents(k.name)))"
        f" order by s.arr desc nulls last limit {_MOST_PEOPLE}",
        [text],
    )
    if not contacts:
        return None
    sentences = [
        f"{plain_name(c['name'])} is {plain_name(c['title']) or 'a contact'} at {plain_name(c['account'])}"
        f"{', ' + c['role'].replace('_', ' ') if c['role'] else ''}{', ' + c['status'] if c['status'] else ''}{_left_on(c)} (contacts)."
        for c in contacts
    ]
    return AnswerPart(
        kind="facts", sentences=tuple(sentences), account_ids=tuple(dict.fromkeys(c["account_id"] for c in contacts))
    )


def _left_on(contact: Row) -> str:
    return f" on {format_date(contact['departed_on'])}" if contact["departed_on"] else ""


def _team_of(context: AskContext, manager: Person) -> AnswerPart:
    team = sorted((p for p in context.people.values() if p.manager_id == manager.person_id), key=lambda p: p.name)
    if not team:
        return AnswerPart(kind="facts", sentences=(f"Nobody reports to {manager.name} (people).",), about_people=True)
    rows = tuple((p.person_id, p.name, p.role.replace("_", " ")) for p in team)
    return AnswerPart(
        kind="facts",
        sentences=(f"{plural(len(team), 'person reports', 'people report')} to {manager.name} (people).",),
        tables=(
            AnswerTable(title=f"Team of {manager.name}", columns=("id", "name", "role"), rows=rows, source="people"),
        ),
        about_people=True,
    )


def _colleague(context: AskContext, person: Person) -> AnswerPart:
    role = {
        "csm": "CSM",
        "cs_manager": "customer success manager of the team (manager)",
        "exec_sponsor": "executive sponsor",
    }
    shown = role.get(person.role, person.role.replace("_", " "))
    sentences = [f"{person.name} is our {shown}, in people as {person.person_id}."]
    if person.manager_id in context.people:
        sentences.append(f"Reports to {context.people[person.manager_id].name}.")
    field = {"csm": "csm", "exec_sponsor": "sponsor", "cs_manager": "team"}.get(person.role)
    if field is None:
        return AnswerPart(kind="facts", sentences=tuple(sentences))
    query = PortfolioQuery(
        conditions=(Condition(field=field, values=(person.person_id,), says=f"accounts of {person.name}"),)
    )
    found = run_query(context.base, query, context.people)
    return AnswerPart(
        kind="facts", sentences=(*sentences, *found.sentences), tables=found.tables, query=query, about_people=True
    )
