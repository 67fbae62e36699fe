"""Comparisons of accounts, owners and segments, and answers about lost customers. Read-only.

None: another answer fits better.
"""

import re
from collections.abc import Sequence

from rapidfuzz import fuzz

from domain.questions import AnswerPart, AnswerTable, Condition, ParsedQuestion, PortfolioQuery
from graph.ask_context import AskContext
from graph.ask_listing import is_plural
from tools.ask.find_account import find_account
from tools.ask.find_people import named_people
from tools.ask.parse_days import day_range
from tools.ask.parse_question import begins, compiled, matches, normalize_text, split_words
from tools.ask.run_query import run_query
from tools.wording import format_date, format_money, format_total, known_amount, plain_name, plural

_MIN_FORMER = 88


def answer_compare(context: AskContext, question: str, text: str, reading: ParsedQuestion) -> AnswerPart | None:
    """Two or three accounts, two owners or two segments side by side."""
    if not matches(context.configuration.asking.comparing, text):
        return None
    persons = [named.person for named in named_people(question, context.people) if named.person.role == "csm"]
    segments = [name for name in context.segments if re.search(rf"\b{re.escape(normalize_text(name))}\b", text)]
    if len(persons) == 2:
        return _compare_groups(context, "csm", [(p.person_id, p.name) for p in persons])
    if len(segments) == 2:
        return _compare_groups(context, "segment", [(name, name) for name in segments])
    found: dict[str, None] = {}
    for chunk in compiled("|".join(context.configuration.asking.cues.between_names)).split(question):
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


def answer_lost(context: AskContext, question: str, text: str, reading: ParsedQuestion) -> AnswerPart | None:
    """A lost customer, or the list of them."""
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
    if (
        not matches(asking.lost, text)
        or not (is_plural(context, text) or matches([*asking.measures["sum"], *asking.cues.anybody], text))
        or matches(asking.cues.recently, text)
        or begins(asking.cues.what_if, text)
        or reading.said
    ):
        return None
    return _lost_list(context, text)


def _lost_list(context: AskContext, text: str) -> AnswerPart:
    rows, when = context.former, ""
    days = day_range(text, context.configuration.asking, context.as_of, True, "churned")
    if days is not None:
        low, high = days.condition.low, days.condition.high
        rows = [row for row in rows if (not low or row["churned_on"] >= low) and (not high or row["churned_on"] < high)]
        when = f" {days.words}"
    year = re.search(r"\b(20\d\d)\b", text) if days is None else None
    wanted = (
        int(year[1])
        if year
        else context.as_of.year
        if matches(context.configuration.asking.cues.this_year, text)
        else None
    )
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
