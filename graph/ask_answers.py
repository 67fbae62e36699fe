"""Answers to lists, counts, facts, comparisons, lost customers and requests that are no question. Read-only.

Each answer says how the question was understood; what no filter understands is said. None: another answer fits better.
"""

import re
from collections.abc import Sequence

from rapidfuzz import fuzz

from domain.configuration import FactTopic
from domain.dossier import Person
from domain.questions import AnswerPart, AnswerTable, Condition, ParsedQuestion, PortfolioQuery
from graph.ask_context import AskContext
from tools.ask.account_facts import AccountFacts
from tools.ask.find_account import find_account
from tools.ask.find_people import named_people
from tools.ask.parse_query import QuestionTerms, parse_query
from tools.ask.parse_question import normalize_text, split_words
from tools.ask.run_query import run_query
from tools.wording import format_date, format_money, format_total, known_amount, plain_name, plural

_PLAN_FIELDS = {"tier", "segment", "csm", "at_risk"}
_WHO_IS = re.compile(r"\b(?:who is|who s|who are|what does .* do|which (?:customer|account|company) is .* (?:from|at|with)|where does .* work|wer ist|qui est|quien es)\b")  # fmt: skip
_WHY = re.compile(r"(?:and |so )?(?:why|how come|warum|wieso|pourquoi|por que)\b")
_INCIDENT = re.compile(
    r"\bsame (?:problem|issue|thing|error|bug)\b|\bincidents?\b|\bwho is affected\b|\bshared problem"
)
_TO_DO = re.compile(r"\b(?:should|to do|what do we do|plan|planned|actions?|massnahmen)\b")
_RECENT = re.compile(r"\bweek|\bdays\b|\bsince\b|\brecovered\b|\bwoche\b|\bsemaine\b|\bsemana\b")
_SPLIT = re.compile(r"\b(?:and|v|vs\.?|versus|or|with|und|oder|et|ou|y|o|entre|between|zwischen|compare|than|mit|avec|con)\b|[,:?]", re.IGNORECASE)  # fmt: skip
_MIN_FORMER = 88
_MOST_PEOPLE = 10
_BRIEFING: tuple[FactTopic, ...] = ("renewal", "amount", "owner", "health", "people", "said", "owed", "tickets", "met")


def answer_typed(context: AskContext, question: str, reading: ParsedQuestion) -> AnswerPart | None:
    """The answer to a question that the grammar reads as a fact, a list, a comparison or no question at all."""
    text = " ".join(re.sub(r"['’]s\b|['’]", " ", normalize_text(question)).split())
    if (refused := _refused(context, text, reading)) is not None:
        return refused
    for answer in (_lost, _compare, _briefing, _person, _incident, _late_renewals):
        if (part := answer(context, question, text, reading)) is not None:
            return part
    if (part := _why_changed(context, question, text, reading)) is not None:
        return part
    is_about_one = reading.kind in ("why", "load") or (reading.kind == "save_play" and not _is_plural(context, text))
    if is_about_one and not _groups(context, text):
        return None
    orders = (_list, _facts) if _is_plural(context, text) or _is_figure(context, question) else (_facts, _list)
    for answer in orders:
        if (part := answer(context, question, text, reading)) is not None:
            return part
    return None


def _matches(patterns: Sequence[str], text: str) -> bool:
    return any(re.search(pattern, text) for pattern in patterns)


def _is_plural(context: AskContext, text: str) -> bool:
    return _matches([rf"\b(?:{'|'.join(context.configuration.asking.accounts)})\b"], text)


def _groups(context: AskContext, text: str) -> bool:
    asking = context.configuration.asking
    return _is_plural(context, text) and any(_matches(patterns, text) for patterns in asking.groups.values())


def _is_figure(context: AskContext, question: str) -> bool:
    """True for a count, a sum or a mean over filtered or grouped accounts."""
    query = portfolio_query(context, question)
    return query.measure != "list" and bool(query.conditions or query.group)


def portfolio_query(context: AskContext, question: str) -> PortfolioQuery:
    """The question as a typed query over all accounts."""
    terms = QuestionTerms(
        people=context.people,
        segments=context.segments,
        today=context.as_of,
        currency=context.configuration.scoring.money.home,
        asker=context.asker,
    )
    return parse_query(question, context.configuration.asking, terms)


# no question ------------------------------------------------------------------------------------------------------


def _refused(context: AskContext, text: str, reading: ParsedQuestion) -> AnswerPart | None:
    for rule in context.configuration.asking.refused:
        phrases = [phrase for phrase in rule.phrases if reading.kind != "why" or phrase.startswith("^")]
        if _matches(phrases, text):
            return AnswerPart(kind="refused", sentences=(f"I don't do that. {rule.says}", context.suggestions()))
    return None


# lost customers ---------------------------------------------------------------------------------------------------


def _lost(context: AskContext, question: str, text: str, reading: ParsedQuestion) -> AnswerPart | None:
    former = context.former
    if not former:
        return None
    named = [
        row for row in former if _names(str(row["name"]), text, context) or row["account_id"].casefold() in text.split()
    ]
    if len(named) == 1:
        row = named[0]
        currency = context.configuration.scoring.money.home
        says = (
            f"{plain_name(row['name'])} is no longer a customer: it churned on {format_date(row['churned_on'])}"
            f" (outcomes). Its ARR was {format_money(known_amount(row['arr']), currency)}."
        )
        return AnswerPart(kind="facts", sentences=(says, "Lost customers are not reviewed, so there is no risk and no play."),
                          account_id=row["account_id"], name=plain_name(row["name"]))  # fmt: skip
    asking = context.configuration.asking
    if not _matches(asking.lost, text) or not _is_plural(context, text) or _RECENT.search(text) or reading.said:
        return None
    return _lost_list(context, text)


def _lost_list(context: AskContext, text: str) -> AnswerPart:
    rows, when = context.former, ""
    year = re.search(r"\b(20\d\d)\b", text)
    wanted = int(year[1]) if year else context.as_of.year if re.search(r"\bthis year\b|\bdieses jahr\b", text) else None
    if wanted:
        rows, when = [row for row in rows if row["churned_on"].year == wanted], f" in {wanted}"
    currency = context.configuration.scoring.money.home
    known = [row["arr"] for row in rows if row["arr"] is not None]
    total = format_total(float(sum(known)), len(rows), len(rows) - len(known), currency)
    table = AnswerTable(
        title="Lost customers",
        columns=("id", "account", "ARR", "churned on"),
        rows=tuple(
            (r["account_id"], plain_name(r["name"]), format_money(known_amount(r["arr"]), currency), str(r["churned_on"])) for r in rows
        ),
        source="outcomes and accounts",
    )  # fmt: skip
    says = f"{plural(len(rows), 'customer')} lost{when} and not come back; their ARR: {total}."
    return AnswerPart(kind="list", sentences=(says,), tables=(table,), account_ids=tuple(r["account_id"] for r in rows))


def _names(name: str, text: str, context: AskContext) -> bool:
    """True if the text has the name, legal form aside."""
    core = " ".join(word for word in split_words(name) if word not in context.configuration.asking.legal_forms)
    return (
        len(core) > 3
        and len(core) <= len(text)
        and fuzz.partial_ratio(core, text) >= _MIN_FORMER
        and core.split()[0][:4] in text
    )


# comparisons ------------------------------------------------------------------------------------------------------


def _compare(context: AskContext, question: str, text: str, reading: ParsedQuestion) -> AnswerPart | None:
    if not _matches(context.configuration.asking.comparing, text):
        return None
    persons = [named.person for named in named_people(question, context.people) if named.person.role == "csm"]
    segments = [name for name in context.segments if re.search(rf"\b{re.escape(normalize_text(name))}\b", text)]
    if len(persons) == 2:
        return _compare_groups(context, "csm", [(p.person_id, p.name) for p in persons])
    if len(segments) == 2:
        return _compare_groups(context, "segment", [(name, name) for name in segments])
    found: dict[str, None] = {}
    for chunk in _SPLIT.split(question):
        if len(chunk.strip()) < 3:
            continue
        match = find_account(context.base, chunk, context.parse(chunk))
        if match.account_id is not None:
            found[match.account_id] = None
    return _compare_accounts(context, list(found)) if len(found) in (2, 3) else None


def _compare_groups(context: AskContext, field: str, wanted: Sequence[tuple[str, str]]) -> AnswerPart:
    condition = Condition(
        field=field, values=tuple(key for key, _ in wanted), says=" or ".join(name for _, name in wanted)
    )
    query = PortfolioQuery(conditions=(condition,), measure="sum", group="csm" if field == "csm" else "segment")
    found = run_query(context.base, query, context.people)
    rows = found.tables[0].rows if found.tables else ()
    sentences = [f"{row[0]}: {row[1]} accounts, {row[2]} at risk, ARR {row[3]}, ARR at risk {row[4]}." for row in rows]
    return AnswerPart(
        kind="compare", sentences=tuple(sentences), query=query, tables=found.tables, about_people=field == "csm"
    )


def _compare_accounts(context: AskContext, ids: Sequence[str]) -> AnswerPart:
    dossiers = [context.dossier(account) for account in ids]
    currency = context.configuration.scoring.money.home
    lines: list[tuple[str, ...]] = [
        ("ARR", *(format_money(d.arr, currency) for d in dossiers)),
        ("renewal", *(str(d.renewal_date or "unknown") for d in dossiers)),
        ("risk (high is bad)", *(f"{d.risk:.0f}" for d in dossiers)),
        ("health (high is good)", *("not scored" if d.health is None else f"{d.health:.0f}" for d in dossiers)),
        ("priority", *(d.intervention_tier or "none" for d in dossiers)),
        ("CSM", *(context.person_name(d.csm_id) for d in dossiers)),
        ("since the review before", *(d.change for d in dossiers)),
    ]
    worst, least = max(dossiers, key=lambda d: d.risk), min(dossiers, key=lambda d: d.risk)
    says = f"{worst.name} is worse: risk {worst.risk:.0f}, against {least.risk:.0f} of {least.name}."
    if round(worst.risk) == round(least.risk):
        says = f"{worst.name} and {least.name} have the same risk: {worst.risk:.0f}."
    table = AnswerTable(title="Compared", columns=("", *(d.name for d in dossiers)), rows=tuple(lines),
                        source=f"accounts and the scores of {format_date(context.as_of)}")  # fmt: skip
    return AnswerPart(kind="compare", sentences=(says,), tables=(table,), account_ids=tuple(ids))


# one account ------------------------------------------------------------------------------------------------------


def _account_facts(context: AskContext, account_id: str) -> AccountFacts:
    return AccountFacts(
        dossier=context.dossier(account_id),
        people=context.people,
        incidents=context.incidents,
        as_of=context.as_of,
        currency=context.configuration.scoring.money.home,
    )


def _briefing(context: AskContext, question: str, text: str, reading: ParsedQuestion) -> AnswerPart | None:
    if not _matches(context.configuration.asking.briefing, text) or reading.kind in (
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


def _why_changed(context: AskContext, question: str, text: str, reading: ParsedQuestion) -> AnswerPart | None:
    """Why one account changed: its reasons, and its figures of then and now."""
    if reading.kind != "changes" or not _WHY.match(text):
        return None
    account = context.resolve_account(question, reading)
    if isinstance(account, AnswerPart):
        return None
    why = context.explain_risk(account, reading.said)
    then = _account_facts(context, account).health()[0][1:]
    return why.model_copy(update={"sentences": (why.sentences[0], *then, *why.sentences[1:])})


def _facts(context: AskContext, question: str, text: str, reading: ParsedQuestion) -> AnswerPart | None:
    topics = [topic for topic, patterns in context.configuration.asking.topics.items() if _matches(patterns, text)]
    is_late = (
        reading.kind == "late"
        and "invoices" not in topics
        and ("owed" not in topics or re.search(r"\b(?:late|overdue|missed)\b", text))
    )
    if not topics or is_late or reading.kind in ("changes", "load"):
        return None
    account = context.resolve_account(question, reading)
    if isinstance(account, AnswerPart):
        return account if account.kind == "which_account" or (_proper_name(question) and reading.kind is None) else None
    facts = _account_facts(context, account)
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


# people, incidents, renewals --------------------------------------------------------------------------------------


def _person(context: AskContext, question: str, text: str, reading: ParsedQuestion) -> AnswerPart | None:
    if not _WHO_IS.search(text):
        return None
    ours = [named for named in named_people(question, context.people) if " " in named.words or len(text.split()) < 5]
    topics = [topic for topic, patterns in context.configuration.asking.topics.items() if _matches(patterns, text)]
    if ours and not topics and reading.kind is None:
        return _colleague(context, ours[0].person)
    contacts = context.base.rows(
        "select k.name, k.title, k.role, k.status, s.name as account, s.account_id from contacts k join scored s using (account_id)"
        " where length(k.name) > 5 and contains(?, lower(strip_accents(k.name)))"
        f" order by s.arr desc nulls last limit {_MOST_PEOPLE}",
        [text],
    )
    if not contacts:
        return None
    sentences = [
        f"{plain_name(c['name'])} is {plain_name(c['title']) or 'a contact'} at {plain_name(c['account'])}"
        f"{', ' + c['role'].replace('_', ' ') if c['role'] else ''}{', ' + c['status'] if c['status'] else ''} (contacts)."
        for c in contacts
    ]
    return AnswerPart(
        kind="facts", sentences=tuple(sentences), account_ids=tuple(dict.fromkeys(c["account_id"] for c in contacts))
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


def _incident(context: AskContext, question: str, text: str, reading: ParsedQuestion) -> AnswerPart | None:
    named = [i for i in context.incidents if any(normalize_text(word) in text for word in i.words if len(word) > 3)]
    if not named and not _INCIDENT.search(text):
        return None
    if reading.kind in ("save_play", "why") or (
        not named and isinstance(context.resolve_account(question, reading), str)
    ):
        return None
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
        tables.append(
            AnswerTable(
                title=incident.title, columns=("id", "account", "ARR", "reports"), rows=rows, source="tickets and notes"
            )
        )
    ids = tuple(dict.fromkeys(account for incident in found for account in incident.account_ids))
    return AnswerPart(kind="list", sentences=tuple(sentences), tables=tuple(tables), account_ids=ids)


def _late_renewals(context: AskContext, question: str, text: str, reading: ParsedQuestion) -> AnswerPart | None:
    if not re.search(r"\b(?:overdue renewals?|renewals? (?:is |are )?overdue)\b", text):
        return None
    return listed(context, portfolio_query(context, question))


# many accounts ----------------------------------------------------------------------------------------------------


def _list(context: AskContext, question: str, text: str, reading: ParsedQuestion) -> AnswerPart | None:
    query = portfolio_query(context, question)
    fields = {condition.field if condition.known is None else f"no {condition.field}" for condition in query.conditions}
    if reading.kind in ("late", "why") or (reading.kind == "save_play" and fields <= _PLAN_FIELDS):
        return None
    has_figure = query.measure != "list" or query.group is not None or query.top is not None
    if not fields and not has_figure:
        return (
            _no_filter(query) if _is_plural(context, text) and reading.kind is None and _asks_for_rows(text) else None
        )
    is_figure = has_figure and bool(fields or query.group)
    if not _is_plural(context, text) and not is_figure and "change" not in fields:
        return None
    if fields <= _PLAN_FIELDS and not has_figure and _TO_DO.search(text):
        return None
    if (
        reading.kind == "plan"
        and fields <= _PLAN_FIELDS
        and not has_figure
        and not re.search(r"\b(?:sort|order|first)", text)
    ):
        return None
    if reading.kind == "changes" and fields <= {"change", "at_risk"} and not has_figure:
        return None
    if not fields and query.unapplied and query.group is None:
        return _no_filter(query)
    return listed(context, query)


def _asks_for_rows(text: str) -> bool:
    return re.match(r"(?:which|what|list|show|give|zeig|welche|quels|quelles|que|cuales)\b", text) is not None


def _no_filter(query: PortfolioQuery) -> AnswerPart:
    words = ", ".join(f"“{plain_name(word)}”" for word in query.unapplied) or "that"
    can = "segment, CSM, sponsor, manager's team, stage, health, priority, ARR, renewal, risk, change, and what customers said"
    return AnswerPart(kind="unclear", sentences=(f"No filter understands {words}. Accounts can be filtered by {can}.",))


def listed(context: AskContext, query: PortfolioQuery) -> AnswerPart:
    """The answer to a query: how it was understood, figures and rows."""
    found = run_query(context.base, query, context.people)
    return AnswerPart(
        kind="list",
        sentences=found.sentences,
        query=query,
        tables=found.tables,
        account_ids=found.account_ids,
        about_people=query.group == "csm",
    )
