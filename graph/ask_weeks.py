"""Answers about the kept weeks and the plays before: development, two weeks compared, who joined, what worked. Read-only.

None: another answer fits better.
"""

from collections import Counter
from collections.abc import Sequence

from domain.questions import AnswerPart, AnswerTable, ParsedQuestion, PortfolioQuery
from graph.ask_context import AskContext
from graph.ask_listing import named_account, portfolio_query
from graph.ask_rows import write_rows
from graph.past_plays import PastPlay
from tools.ask.parse_question import matches
from tools.ask.week_history import (
    WeeksAnswer,
    account_course,
    compare_weeks,
    moved_accounts,
    portfolio_course,
    week_note,
)
from tools.evidence.causes import diagnose
from tools.wording import capitalize_first, format_date, format_money, plain_name, plural

_STATE_FIELDS = ("at_risk", "change")
"""Filters on today's state: a question about the weeks asks how that came."""
_FEW = 5
"""Plays below which a share proves nothing."""
_MOST_STEPS = 8


def answer_history(context: AskContext, question: str, text: str, reading: ParsedQuestion) -> AnswerPart | None:
    """The development of an account or of the portfolio, two weeks side by side, who joined or left the list."""
    account = named_account(context, question)
    query = portfolio_query(context, question, account)
    if (
        query.history is None
        or query.subject not in ("accounts", "renewals")
        or reading.kind in ("save_play", "late", "load")
    ):
        return None
    if query.history != "course" and _is_last_week(context, query):
        return None  # what changed since the review before has its own answer
    if account is not None:
        return _account_history(context, account, query)
    return weeks_part(context, query)


def _is_last_week(context: AskContext, query: PortfolioQuery) -> bool:
    previous = context.base.previous
    return query.since is None or (previous is not None and query.since >= previous.as_of)


def weeks_part(context: AskContext, query: PortfolioQuery) -> AnswerPart:
    """The answer to a query about the kept weeks of the portfolio."""
    kept = tuple(each for each in query.conditions if each.field not in _STATE_FIELDS)
    query = query.model_copy(update={"conditions": kept})
    write_rows(context, query.subject, [condition.field for condition in kept])
    answers = {"course": portfolio_course, "compare": compare_weeks}
    answer = answers.get(query.history or "")
    found: WeeksAnswer = (
        answer(context.base, query) if answer else moved_accounts(context.base, query, query.history or "joined")
    )
    kind = "compare" if query.history == "compare" else "changes" if query.history == "course" else "list"
    return AnswerPart(
        kind=kind,
        sentences=(*found.sentences, *_unapplied(query)),
        query=query,
        tables=found.tables,
        account_ids=found.account_ids,
        about_people=any(condition.field in ("csm", "team", "sponsor") for condition in kept),
    )


def _unapplied(query: PortfolioQuery) -> list[str]:
    if not query.unapplied:
        return []
    return [
        f"Not applied, because no filter understands it: {', '.join(f'“{plain_name(w)}”' for w in query.unapplied)}."
    ]


def _account_history(context: AskContext, account_id: str, query: PortfolioQuery) -> AnswerPart:
    """Health and risk of one account by week, then and now."""
    rows, notes = account_course(context.base, account_id, query.since)
    currency = context.configuration.scoring.money.home
    name = plain_name(context.account_name(account_id))
    if len(rows) < 2:
        return AnswerPart(
            kind="facts",
            sentences=(f"No earlier week of {name} is kept in this store.",),
            account_id=account_id,
            name=name,
        )
    first, last = rows[0], rows[-1]
    sentences = [
        f"{name}: health {_score(first['health'])} on {format_date(first['as_of'])}, {_score(last['health'])} on"
        f" {format_date(last['as_of'])} (high is good); risk {first['risk']:.0f} then, {last['risk']:.0f} now (high is bad).",
        *_list_sentence(rows), *notes,
    ]  # fmt: skip
    week = next((each for each in context.base.snapshots if each.as_of == first["as_of"]), None)
    sentences += week_note(week, query.since) if week else []
    cells = tuple(
        (str(r["as_of"]), _score(r["health"]), f"{r['risk']:.0f}", "at risk" if r["at_risk"] else "", r["intervention_tier"] or "",
         format_money(r["arr"], currency))
        for r in rows
    )  # fmt: skip
    columns = ("week", "health", "risk", "on the list", "priority", "ARR")
    table = AnswerTable(
        title="Week by week", columns=columns, rows=cells, source="the kept weeks and the scores of today"
    )
    return AnswerPart(
        kind="facts", sentences=tuple(sentences), account_id=account_id, name=name, tables=(table,), query=query
    )


def _list_sentence(rows: Sequence[dict[str, object]]) -> list[str]:
    """Since when the account is at risk without a break."""
    since = None
    for row in reversed(rows):
        if not row["at_risk"]:
            break
        since = row["as_of"]
    if since is None:
        return (
            ["It is not at risk now."]
            if any(row["at_risk"] for row in rows)
            else ["It was not at risk in these weeks."]
        )
    if since == rows[0]["as_of"]:
        return ["It was at risk in every one of these weeks."]
    return [f"At risk since {format_date(since)}."]  # type: ignore[arg-type]


def _score(value: object) -> str:
    return "not scored" if value is None else f"{value:.0f}"


# what worked before -----------------------------------------------------------------------------------------------


def answer_worked(context: AskContext, question: str, text: str, reading: ParsedQuestion) -> AnswerPart | None:
    """Plays of the kept reviews for the same cause: what was done, who stayed, who left."""
    if not matches(context.configuration.asking.worked, text):
        return None
    account = named_account(context, question)
    query = portfolio_query(context, question, account)
    named = [value for condition in query.conditions if condition.field == "cause" for value in condition.values]
    segments = [value for condition in query.conditions if condition.field == "segment" for value in condition.values]
    intro: list[str] = []
    if account is not None and not named:
        finding = diagnose(context.dossier(account), context.configuration.causes, context.configuration.scoring)
        named = [finding.category]
        intro = [f"{plain_name(context.account_name(account))}: {finding.label.lower()}."]
    return worked_part(context, named, segments, intro)


def worked_part(
    context: AskContext, causes: Sequence[str], segments: Sequence[str], intro: Sequence[str] = ()
) -> AnswerPart:
    """The plays for these causes and segments, or for all, with the actions that were done in them."""
    plays = [play for play in context.plays if not causes or play.cause in causes]
    own = _segments(context, plays)
    plays = [play for play in plays if not segments or own.get(play.account_id) in segments]
    rules = context.configuration.causes.causes
    about = " or ".join(rules[cause].label.lower() if cause in rules else cause.replace("_", " ") for cause in causes)
    of = f" for {about}" if about else ""
    of += f" in {' or '.join(segments)}" if segments else ""
    if not plays:
        return AnswerPart(kind="list", sentences=(*intro, f"No play{of} was approved in the kept reviews."))
    over = [p for p in plays if p.state != "running"]
    kept, lost = [p for p in over if p.is_kept], [p for p in over if p.is_lost]
    running = sum(play.state == "running" for play in plays)
    ended = len(plays) - running
    sentences = [
        *intro,
        f"{plural(ended, 'play')}{of} ended in the kept reviews: {len(kept)} renewed or grew since, {len(lost)} left,"
        f" {ended - len(kept) - len(lost)} without an outcome yet; {running} still {'runs' if running == 1 else 'run'}.",
        *_step_sentences(kept, lost),
    ]  # fmt: skip
    if len(kept) + len(lost) < _FEW:
        sentences.append("That is too few to prove anything; who stayed may have stayed anyway.")
    rows = tuple(
        (p.account_id, plain_name(p.name), own.get(p.account_id) or "", p.label, str(p.began), p.outcome, "; ".join(map(plain_name, p.done)) or "nothing marked as done")
        for p in plays
    )  # fmt: skip
    columns = ("id", "account", "segment", "cause", "began", "since then", "done")
    table = AnswerTable(title="Plays before", columns=columns, rows=rows, source="the kept reviews and outcomes")
    return AnswerPart(
        kind="list",
        sentences=tuple(sentences),
        tables=(table,),
        account_ids=tuple(dict.fromkeys(p.account_id for p in plays)),
    )


def _segments(context: AskContext, plays: Sequence[PastPlay]) -> dict[str, str | None]:
    ids = [play.account_id for play in plays]
    rows = context.base.rows("select account_id, segment from accounts where list_contains(?, account_id)", [ids])
    return {row["account_id"]: row["segment"] for row in rows}


def _step_sentences(kept: Sequence[PastPlay], lost: Sequence[PastPlay]) -> list[str]:
    """The steps that were done, with how many of their accounts stayed and left."""
    stayed = Counter(step for play in kept for step, _ in dict(play.steps).items())
    left = Counter(step for play in lost for step, _ in dict(play.steps).items())
    titles = {step: title for play in (*lost, *kept) for step, title in play.steps}
    order = sorted(titles, key=lambda step: (-stayed[step], left[step], step))[:_MOST_STEPS]
    return [
        f"{capitalize_first(plain_name(titles[step]))}: done in {plural(stayed[step] + left[step], 'play')}, {stayed[step]} stayed, {left[step]} left."
        for step in order
    ]
