"""The tools about accounts: find them, one of them, who is at risk, what changed. Each reads what the desk shows."""

from collections.abc import Sequence
from urllib.parse import quote

from app.desk.score_table import Row, TableQuery
from app.mcp.actions import open_rows
from app.mcp.paging import page_of
from app.mcp.reader import ReviewReader, owner_name
from app.mcp.records import (
    AccountAnswer,
    AccountList,
    AccountRow,
    AtRiskList,
    AtRiskRow,
    BridgeRow,
    ChangeList,
    CustomerWords,
    EvidencePage,
    EvidenceRow,
    FactGroup,
    MovementRow,
    NextStep,
    StoryRow,
    WeekScore,
)
from app.questions import AccountLook, look_at_account
from app.report.formatting import probability, word
from domain.dossier import Dossier
from domain.errors import InputError, UnknownReference
from domain.facts import Fact, QuotationFact
from domain.portfolio import AtRiskAccount
from tools.evidence.fact_text import GROUP_TITLES, FactText
from tools.wording import format_money, format_total, known_amount, plain_name, plural

ACCOUNTS_A_PAGE = 20
PRIORITIES = ("critical", "high", "medium")
"""Priorities of accounts at risk."""
CHANGES = ("new", "worsened", "improved", "resolved")
"""Kinds of change since the review before."""
LINES_A_PAGE = 10
_REASONS = 4
_FACTS = 5
_QUOTES = 6
_WEEKS = 9
_ACTIONS = 5
_EVIDENCE = 20
_SOURCE_ROWS = 3
_SAID = GROUP_TITLES["said"]

# lists ---------------------------------------------------------------------------------------------------------------


def find_accounts(
    reader: ReviewReader, name: str, segment: str, csm: str, priority: str, change: str, at_risk: bool, page: int
) -> AccountList:
    """Accounts that fit, those with the most to lose first. Raises InputError for an unknown name, segment or person."""
    _check("priority", priority, PRIORITIES)
    _check("change", change, CHANGES)
    person = _csm(reader, csm) if csm else ""
    words = name.strip()
    if words and not reader.scores.page(TableQuery(show="all", search=words), 1).accounts:
        words = reader.account_id(words)  # misspelt
    query = TableQuery(
        show="at-risk" if at_risk else "all",
        search=words,
        segment=segment.strip(),
        csm=person,
        priority=priority,
        change=change,
        page=page,
    )
    found = reader.scores.page(reader.scores.check(query) if segment else query, ACCOUNTS_A_PAGE)
    shown = found.wanted.page * ACCOUNTS_A_PAGE
    return AccountList(
        about=reader.about,
        total=found.accounts,
        left_out=found.accounts - len(found.rows),
        next_page=found.wanted.page + 1 if shown < found.accounts else None,
        arr=round(found.arr, 2),
        currency=reader.currency,
        accounts=tuple(_account_row(row) for row in found.rows),
    )


def _check(name: str, value: str, known: Sequence[str]) -> None:
    """Raises InputError for an unknown value of a filter."""
    if value and value not in known:
        raise InputError(f"{name} “{plain_name(value, 40)}” is unknown; use {', '.join(known)}, or leave it out")


def _csm(reader: ReviewReader, words: str) -> str:
    """The id of a CSM. A viewer gets no list of one person's accounts: its totals are figures about the person."""
    if words.strip().casefold() == "nobody":
        return "nobody"
    if reader.member.role == "csm":
        choices = dict(reader.scores.choices["csm"])
        named = [
            key for key, shown in choices.items() if words.strip().casefold() in (key.casefold(), shown.casefold())
        ]
        if len(named) == 1:
            return named[0]
    return reader.person(words, "the list of accounts").person_id


def _account_row(row: Row) -> AccountRow:
    return AccountRow(
        account_id=row["account_id"],
        name=plain_name(row["name"]) or row["account_id"],
        segment=row["segment"],
        arr=known_amount(row["arr"]),
        renewal_date=row["renewal_date"],
        csm=plain_name(row["csm"] or row["csm_id"]) or None,
        at_risk=row["at_risk"],
        priority=row["intervention_tier"],
        health=_rounded(row["health"]),
        risk=round(float(row["risk"]), 1),
        change=row["change"],
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), 1)


def list_at_risk(reader: ReviewReader, priority: str, page: int) -> AtRiskList:
    """The accounts at risk on the meeting list, by rank."""
    _check("priority", priority, PRIORITIES)
    lines = [line for line in reader.review.at_risk if not priority or line.intervention_tier == priority]
    shown = page_of(lines, page, LINES_A_PAGE)
    portfolio = reader.review.portfolio
    arr = format_total(
        portfolio.arr_at_risk, portfolio.at_risk_accounts, portfolio.at_risk_unknown_arr, reader.currency
    )
    summary = f"{plural(portfolio.at_risk_accounts, 'account')} at risk with {arr} of ARR"
    more = portfolio.at_risk_accounts - len(reader.review.at_risk)
    if more > 0:
        summary += f"; {more} of them are not on the meeting list: find_accounts with at_risk has all"
    return AtRiskList(
        about=reader.about,
        **shown.counts,
        summary=f"{summary}.",
        currency=reader.currency,
        accounts=tuple(_risk_row(reader, line) for line in shown.rows),
    )


def _risk_row(reader: ReviewReader, line: AtRiskAccount) -> AtRiskRow:
    cause = reader.view.causes.get(line.account_id)
    return AtRiskRow(
        rank=line.rank,
        account_id=line.account_id,
        name=plain_name(line.name),
        segment=line.segment,
        arr=line.arr,
        renewal_date=line.renewal_date,
        renewal_in_days=line.renewal_in_days,
        chance_of_leaving=probability(line.churn_probability, line.calibrated, line.churn_horizon_weeks),
        csm=plain_name(line.csm) or None,
        at_risk=True,
        priority=line.intervention_tier,
        health=_rounded(line.health),
        risk=round(line.risk_score, 1),
        change=line.change,
        reasons=line.reasons[:_REASONS],
        cause=cause.label if cause else None,
        next_step=_next_step(reader, line.account_id),
        play=play_state(reader, line.account_id),
    )


def _next_step(reader: ReviewReader, account_id: str) -> NextStep | None:
    line = reader.view.plan_line(account_id)
    return NextStep(action=line.action, owner=owner_name(line.owner), by=line.by) if line else None


def play_state(reader: ReviewReader, account_id: str) -> str | None:
    """Decision of people about the account's play, in a word; None without a play."""
    play = reader.view.plays.get(account_id)
    if play is None:
        return None
    if play.status == "proposed":
        return "waits for hours" if reader.view.waits(play) else "waits for a decision"
    running = reader.review.running.get(account_id)
    return f"{play.status}, running since {running.origin}" if running else play.status


def list_changes(reader: ReviewReader, kind: str, page: int) -> ChangeList:
    """Changes since the review before: stories, the ARR at risk step by step, and the accounts that moved."""
    _check("change", kind, CHANGES)
    review, portfolio = reader.review, reader.review.portfolio
    moves = [move for move in portfolio.movements if not kind or move.change == kind]
    shown = page_of(moves, page, LINES_A_PAGE)
    if review.baseline:
        summary = "This is the first review: there is no earlier one to compare with."
    else:
        counts = {name: sum(move.change == name for move in portfolio.movements) for name in CHANGES}
        change = reader.view.at_risk_change or 0.0
        summary = (
            f"Since {review.previous_review_id}, ARR at risk {'rose' if change > 0 else 'fell'} by "
            f"{format_money(abs(change), reader.currency)} to {format_money(portfolio.arr_at_risk, reader.currency)}. "
            f"Accounts: {', '.join(f'{count} {name}' for name, count in counts.items())}."
        )
    return ChangeList(
        about=reader.about,
        **shown.counts,
        summary=summary,
        currency=reader.currency,
        stories=tuple(
            StoryRow(
                title=story.title,
                detail=story.detail,
                arr=story.arr,
                accounts=_named(reader, story.account_ids),
                proposal=story.proposal,
                owner=owner_name(story.owner),
                by=story.by,
            )
            for story in review.stories
        ),
        bridge=tuple(
            BridgeRow(step=word(each.name), arr=each.arr, accounts=each.accounts) for each in portfolio.bridge
        ),
        accounts=tuple(
            MovementRow(
                account_id=move.account_id, name=plain_name(move.name), arr=move.arr, change=move.change, note=move.note
            )
            for move in shown.rows
        ),
    )


def _named(reader: ReviewReader, accounts: Sequence[str]) -> tuple[str, ...]:
    named = tuple(f"{plain_name(reader.view.name(each))} ({each})" for each in accounts[:LINES_A_PAGE])
    more = len(accounts) - len(named)
    return (*named, f"and {more} more") if more > 0 else named


# one account ---------------------------------------------------------------------------------------------------------


def read_account(reader: ReviewReader, words: str) -> AccountAnswer:
    """One account: from the review where it looked closely, else from the same data. Raises UnknownReference."""
    account_id = reader.account_id(words)
    line = reader.view.lines.get(account_id)
    dossier = reader.loaded.dossiers.get(account_id)
    look = None
    if dossier is None:
        look = look_at_account(account_id, reader.loaded.request, store=reader.service.store, cache=reader.service.base)
        dossier = look.dossier
    cause = reader.view.causes.get(account_id) or (look.why.cause if look and dossier.at_risk else None)
    quotes = _quotes(dossier.facts)
    actions = open_rows(reader, account_id)
    play = play_state(reader, account_id)
    return AccountAnswer(
        about=reader.about,
        account_id=account_id,
        name=plain_name(dossier.name) or account_id,
        segment=dossier.segment,
        stage=dossier.lifecycle_stage,
        arr=dossier.arr,
        currency=reader.currency,
        renewal_date=dossier.renewal_date,
        renewal_in_days=dossier.renewal_in_days,
        csm=_person(reader, dossier.csm_id),
        sponsor=_person(reader, dossier.exec_sponsor_id),
        at_risk=dossier.at_risk,
        priority=dossier.intervention_tier,
        health=_rounded(dossier.health),
        health_before=_rounded(dossier.health_then),
        risk=round(dossier.risk, 1),
        risk_before=_rounded(dossier.risk_then),
        change=dossier.change,
        reasons=(line.reasons if line else _why(look))[:_REASONS],
        cause=cause.label if cause else None,
        cause_confidence=cause.confidence if cause else None,
        question_to_ask=cause.would_tell_apart if cause else None,
        customer_words=quotes[:_QUOTES],
        customer_words_left_out=max(len(quotes) - _QUOTES, 0),
        facts=_fact_groups(reader, dossier, look),
        weeks=_weeks(reader, account_id),
        next_step=_next_step(reader, account_id),
        play=play,
        open_actions=actions[:_ACTIONS],
        open_actions_left_out=max(len(actions) - _ACTIONS, 0),
        more="; ".join(
            filter(
                None,
                (
                    "save_play has its play" if play else "save_play drafts a play",
                    "open_actions has all its actions" if len(actions) > _ACTIONS else "",
                    f"the evidence with its rows is in {evidence_uri(reader.loaded.review_id, account_id)}"
                    if look is None
                    else "",
                ),
            )
        ),
    )


def evidence_uri(review_id: str, account_id: str) -> str:
    """The address of the evidence of one account."""
    return f"saveplay://reviews/{review_id}/evidence/{encoded(account_id)}"


def encoded(account_id: str) -> str:
    """An account id as a part of an address."""
    return quote(account_id, safe="")


def _person(reader: ReviewReader, person_id: str | None) -> str | None:
    if person_id is None:
        return None
    known = reader.loaded.people.get(person_id)
    return plain_name(known.name) if known else person_id


def _why(look: AccountLook | None) -> tuple[str, ...]:
    """Reasons of an account that the review did not look at closely; its first and last sentence say what is said above."""
    return look.why.sentences[1:-1] if look else ()


def _quotes(facts: Sequence[Fact]) -> tuple[CustomerWords, ...]:
    return tuple(
        CustomerWords(
            text=plain_name(fact.text, 300),
            speaker=_speaker(fact),
            on=fact.on,
            source=f"{fact.source.table} {plain_name(fact.source.key)}",
        )
        for fact in facts
        if isinstance(fact, QuotationFact)
    )


def _speaker(fact: QuotationFact) -> str | None:
    if fact.speaker:
        return plain_name(fact.speaker)
    return f"noted by {plain_name(fact.recorded_by)}" if fact.recorded_by else None


def _fact_groups(reader: ReviewReader, dossier: Dossier, look: AccountLook | None) -> tuple[FactGroup, ...]:
    """The facts by topic, without the customer's words, which stand for themselves."""
    incidents = look.incidents if look else reader.review.incidents
    groups = FactText.of(dossier.facts, incidents, reader.review.as_of).groups()
    return tuple(
        FactGroup(topic=title, facts=tuple(line.text for line in lines[:_FACTS]), left_out=max(len(lines) - _FACTS, 0))
        for title, lines in groups
        if title != _SAID
    )


def _weeks(reader: ReviewReader, account_id: str) -> tuple[WeekScore, ...]:
    weeks = [week for week in reader.scores.weeks(account_id) if week["as_of"] <= reader.review.as_of]
    return tuple(
        WeekScore(on=week["as_of"], health=_rounded(week["health"]), risk=_rounded(week["risk"]))
        for week in weeks[-_WEEKS:]
    )


def read_evidence(reader: ReviewReader, account_id: str) -> EvidencePage:
    """The evidence of one account that the review looked at closely. Raises UnknownReference for any other."""
    dossier = reader.loaded.dossiers.get(account_id)
    if dossier is None:
        raise UnknownReference(
            f"{reader.loaded.review_id} did not look closely at “{plain_name(account_id, 60)}”; the tool account reads it"
        )
    rows = tuple(
        EvidenceRow(
            id=fact.id,
            statement=fact.statement,
            direction=fact.direction,
            observed_on=fact.observed_on,
            source=fact.source,
            rows=tuple(
                f"{row.table} row {row.row}, {plain_name(row.key)}: “{plain_name(row.text, 200)}”"
                for row in fact.rows[:_SOURCE_ROWS]
            ),
            rows_left_out=fact.row_count - min(len(fact.rows), _SOURCE_ROWS),
        )
        for fact in dossier.evidence[:_EVIDENCE]
    )
    return EvidencePage(
        about=reader.about,
        account_id=account_id,
        name=plain_name(dossier.name),
        evidence=rows,
        customer_words=_quotes(dossier.facts)[:_EVIDENCE],
        left_out=max(len(dossier.evidence) - _EVIDENCE, 0),
    )
