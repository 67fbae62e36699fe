"""Incidents: the same thing reported by several accounts in the same weeks.

Deterministic and explainable. The engine counts by how many accounts each code, version or phrase is reported, now and
before; here the words that stand in the same reports become one incident. A sentence that says all is well reports
nothing.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from domain.fact_settings import IncidentSettings, WordThresholds
from domain.facts import Incident, IncidentAccount, IncidentReport
from tools.evidence.account_record import content_digest, cut_text, quotation_id, sentences
from tools.evidence.incident_sql import (
    candidates_sql,
    code_words_sql,
    companion_words_sql,
    escalations_sql,
    phrase_words_sql,
    texts_sql,
)
from tools.scoring.scored_base import ScoredBase
from tools.signals.plain_text import plain_text
from tools.sql import sql_strings
from tools.wording import known_amount

Rows = list[dict[str, Any]]
Query = Callable[[str], Rows]
_VERSION = re.compile(r"\d+(?:\.\d+)+")
_CODES_IN_TITLE = 3
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class Report:
    """One row of the input that holds at least one word."""

    account_id: str
    source: str
    key: str
    on: date
    subject: str | None
    written: str
    """The text as it was written, by which rows without an id are told apart."""
    text: str = field(compare=False)
    """The text without the sentences that say that all is well, where these were looked for."""
    escalated: bool
    serious: bool | None
    """True for a ticket that is urgent, escalated or late; None for a note, and where the data cannot say."""
    closed_on: date | None

    @property
    def fact_id(self) -> str:
        """The id of the ticket, or of the sentence of the note."""
        return f"ticket:{self.key}" if self.source == "tickets" else ""


@dataclass
class WordReports:
    """One word with the rows of the window that hold it."""

    word: str
    earlier: int
    reports: set[Report] = field(default_factory=set)

    @property
    def accounts(self) -> set[str]:
        """Accounts that report it."""
        return {report.account_id for report in self.reports}

    @property
    def first_on(self) -> date:
        """Day of the first report."""
        return min(report.on for report in self.reports)


@dataclass
class _Group:
    """The words of one incident."""

    words: list[WordReports]

    @property
    def reports(self) -> set[Report]:
        return set().union(*(word.reports for word in self.words))

    @property
    def accounts(self) -> set[str]:
        return {report.account_id for report in self.reports}


class IncidentFinder:
    """Finds the incidents of one review. ``query`` runs SQL in the engine."""

    def __init__(
        self, query: Query, tables: Callable[[str], str], settings: IncidentSettings, as_of: date, longest: int
    ) -> None:
        self._query = query
        self._settings = settings
        self._as_of = as_of
        self._longest = longest
        self._texts = texts_sql(tables("tickets"), tables("notes"), settings, as_of)

    def find(self, owner: str | None) -> tuple[Incident, ...]:
        """The largest incidents by ARR. ``owner`` is the person of ours who owns them, if there is one."""
        settings = self._settings
        codes = self._words(code_words_sql(self._texts, settings), settings.codes)
        codes = [each for each in codes if self._is_code_or_version(each)]
        groups = _merge_codes(codes, int(settings.shared_accounts.value))
        phrases = self._words(phrase_words_sql(self._texts, settings), settings.phrases)
        groups = _add_phrases(groups, phrases, settings.phrase_share.value)
        found = [self._incident(self._with_escalations(self._with_companions(group)), owner) for group in groups]
        ordered = sorted((each for each in found if each), key=lambda each: (-each.arr, each.id))
        return tuple(ordered[: int(settings.most.value)])

    def _words(self, words: str, thresholds: WordThresholds) -> list[WordReports]:
        """The words that are reported often enough, within the same weeks, lately, and as something serious."""
        found: dict[str, WordReports] = {}
        for row in self._query(candidates_sql(words, self._settings, thresholds)):
            found.setdefault(row["word"], WordReports(row["word"], row["earlier"])).reports.add(_report(row))
        return [each for each in found.values() if self._in_the_same_weeks(each, thresholds)]

    def _in_the_same_weeks(self, word: WordReports, thresholds: WordThresholds) -> bool:
        settings = self._settings
        within = timedelta(days=int(settings.within.value))
        most = max(
            len({report.account_id for report in word.reports if day <= report.on < day + within})
            for day in {report.on for report in word.reports}
        )
        usual = word.earlier / settings.earlier.value
        known = [report.serious for report in word.reports if report.serious is not None]
        if known and sum(known) < thresholds.serious.value * len(known):
            return False
        is_many = most >= thresholds.accounts.value and most / settings.within.value >= thresholds.lift.value * usual
        return is_many and any(self._as_of - report.on < within for report in word.reports)

    def _is_code_or_version(self, word: WordReports) -> bool:
        """A number with a point is a version only where somebody calls it one: it may be an amount."""
        if not _VERSION.fullmatch(word.word):
            return True
        named = re.compile(self._settings.version_context, re.IGNORECASE)
        at = re.compile(rf"(?<![\w.]){re.escape(word.word)}(?![\w.]*\d)")
        return any(named.search(r.text[: m.start()]) for r in word.reports for m in at.finditer(r.text))

    def _with_companions(self, group: _Group) -> _Group:
        """The group with the phrases that its accounts use for the same thing, and the rows that hold only these."""
        thresholds = self._settings.companions
        users: dict[str, set[str]] = {}
        for report in group.reports:
            for phrase in self._phrases_in(report.text):
                users.setdefault(phrase, set()).add(report.account_id)
        common = {phrase for phrase, who in users.items() if len(who) >= thresholds.accounts.value}
        common |= {word.word for word in group.words if _is_phrase(word)}
        if not common:
            return group
        found = self._words(companion_words_sql(self._texts, sorted(common), self._settings), thresholds)
        replaced = {word.word for word in found}
        return _Group([*(word for word in group.words if word.word not in replaced), *found])

    def _with_escalations(self, group: _Group) -> _Group:
        """The group with what its accounts escalated since their first report, where the ticket names the same thing.

        "Still no fix for the sync, please escalate" has neither the code nor the phrase, only the word that the phrases share.
        """
        first = {account: min(r.on for r in group.reports if r.account_id == account) for account in group.accounts}
        words = self._shared_words(group)
        if not words:
            return group
        known = {report.fact_id for report in group.reports}
        added: dict[str, WordReports] = {}
        for row in self._query(escalations_sql(self._texts, words, sorted(first), self._settings)):
            report = _report(row)
            if report.on >= first[report.account_id] and report.fact_id not in known:
                added.setdefault(row["word"], WordReports(row["word"], 0)).reports.add(report)
        return _Group([*group.words, *added.values()])

    def _shared_words(self, group: _Group) -> list[str]:
        """Words that stand in at least two phrases of the incident and in reports of most of its accounts."""
        phrases = [word for word in group.words if _is_phrase(word)]
        users: dict[str, list[set[str]]] = {}
        for phrase in phrases:
            for word in phrase.word.split():
                users.setdefault(word, []).append(phrase.accounts)
        least = self._settings.phrase_share.value * len(group.accounts)
        return sorted(word for word, who in users.items() if len(who) > 1 and len(set().union(*who)) >= least)

    def _phrases_in(self, text: str) -> set[str]:
        words = _WORD.findall(text.lower())
        stop = frozenset(self._settings.stop_words)
        fits = [len(w) > 2 and w not in stop and not any(c.isdigit() for c in w) for w in words]
        return {f"{words[i]} {words[i + 1]}" for i in range(len(words) - 1) if fits[i] and fits[i + 1]}

    def _incident(self, group: _Group, owner: str | None) -> Incident | None:
        names = self._accounts(group.accounts)
        reports = sorted(
            (each for each in group.reports if each.account_id in names),
            key=lambda each: (-each.on.toordinal(), each.account_id, each.source, each.key, each.written),
        )
        if not reports:
            return None
        words = _ordered_words(group.words)
        accounts = [
            IncidentAccount(
                account_id=account,
                name=row["name"],
                arr=known_amount(row["arr"]),
                reports=sum(1 for report in reports if report.account_id == account),
            )
            for account, row in names.items()
        ]
        shown = [self._shown(report, group.words) for report in reports]
        tickets = [report for report in reports if report.source == "tickets"]
        return Incident(
            id=f"incident:{content_digest(_lasting_word(words))}",
            title=_title(words),
            words=tuple(word.word for word in words[: int(self._settings.words_shown.value)]),
            account_ids=tuple(account.account_id for account in accounts),
            arr=float(sum((Decimal(str(row["arr"])) for row in names.values() if row["arr"] is not None), Decimal(0))),
            facts=tuple(sorted({each.fact for each in shown})),
            escalated=sum(1 for report in reports if report.escalated),
            first_on=min(report.on for report in reports),
            last_on=max(report.on for report in reports),
            open=any(report.closed_on is None for report in tickets) if tickets else None,
            owner=owner,
            accounts=tuple(accounts),
            reports=tuple(shown[: int(self._settings.reports_shown.value)]),
            earlier=words[0].earlier,
        )

    def _accounts(self, ids: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Name and ARR of those that are customers, the largest first."""
        rows = self._query(
            f"select account_id, name, arr from scored where account_id in ({sql_strings(sorted(ids))}) "
            "order by arr desc nulls last, account_id"
        )
        return {row["account_id"]: row for row in rows}

    def _shown(self, report: Report, words: Sequence[WordReports]) -> IncidentReport:
        held = [word.word for word in _ordered_words(words) if report in word.reports]
        text = report.subject or _sentence_with(report.text, held)
        text = cut_text(" ".join(plain_text(text).split()), self._longest)
        is_ticket = report.source == "tickets"
        return IncidentReport(
            account_id=report.account_id,
            fact=report.fact_id or quotation_id(report.account_id, report.source, report.key, "", text),
            on=report.on,
            text=text,
            words=tuple(held),
            escalated=report.escalated,
            open=report.closed_on is None if is_ticket else None,
        )


def _report(row: Mapping[str, Any]) -> Report:
    return Report(
        account_id=row["account_id"],
        source=row["source"],
        key=str(row["key"]),
        on=row["on_day"],
        subject=row["subject"],
        written=row["written"],
        text=row["text"],
        escalated=bool(row["escalated"]),
        serious=row["serious"],
        closed_on=row["closed_at"],
    )


def _merge_codes(codes: Sequence[WordReports], shared: int) -> list[_Group]:
    """Codes that at least ``shared`` accounts name in one text are one incident, also by way of a third."""
    groups: list[_Group] = []
    for code in sorted(codes, key=lambda each: each.word):
        tied = [group for group in groups if any(_shared_accounts(code, other) >= shared for other in group.words)]
        merged = _Group([code, *(word for group in tied for word in group.words)])
        groups = [merged, *(group for group in groups if group not in tied)]
    return groups


def _shared_accounts(one: WordReports, other: WordReports) -> int:
    return len({report.account_id for report in one.reports & other.reports})


def _add_phrases(groups: list[_Group], phrases: Sequence[WordReports], share: float) -> list[_Group]:
    """A phrase joins the incident that most of its reports belong to; else it is an incident of its own."""
    by_code = list(groups)
    alone: list[_Group] = []
    for phrase in sorted(phrases, key=lambda each: (-len(each.reports), each.word)):
        home = max(by_code + alone, key=lambda group: len(group.reports & phrase.reports), default=None)
        if home is not None and len(home.reports & phrase.reports) >= share * len(phrase.reports):
            home.words.append(phrase)
        else:
            alone.append(_Group([phrase]))
    return by_code + alone


def _ordered_words(words: Sequence[WordReports]) -> list[WordReports]:
    """Codes, the one that was reported first at the top, so that it stays there; then the most common phrases."""
    codes = [word for word in words if _is_code(word)]
    phrases = [word for word in words if not _is_code(word)]
    return [
        *sorted(codes, key=lambda each: (each.first_on, each.word)),
        *sorted(phrases, key=lambda each: (-len(each.accounts), -len(each.reports), each.word)),
    ]


def _lasting_word(words: Sequence[WordReports]) -> str:
    """The word that was reported first, a code before a phrase: it stays the same while others are added."""
    return min(words, key=lambda each: (not _is_code(each), each.first_on, each.word)).word


def _title(words: Sequence[WordReports]) -> str:
    codes = [f"release {word.word}" if _VERSION.fullmatch(word.word) else word.word for word in words if _is_code(word)]
    phrases = [word.word for word in words if _is_phrase(word)]
    if not codes:
        return phrases[0]
    return ", ".join(codes[:_CODES_IN_TITLE]) + (f" ({phrases[0]})" if phrases else "")


def _is_code(word: WordReports) -> bool:
    return any(sign.isdigit() for sign in word.word)


def _is_phrase(word: WordReports) -> bool:
    return " " in word.word and not _is_code(word)


def _sentence_with(text: str, words: Sequence[str]) -> str:
    said = sentences(text)
    found = (each for each in said if any(word.casefold() in each.casefold() for word in words))
    return next(found, said[0] if said else text)


def find_incidents(base: ScoredBase) -> tuple[Incident, ...]:
    """The incidents of a review. Where a server holds the rows, those of the accounts in ``picked`` are searched."""
    facts, as_of = base.configuration.facts, base.as_of
    role = facts.incidents.owner_role
    owners = base.rows("select person_id from people where role = ? order by person_id", [role])
    finder = IncidentFinder(base.rows, base.full_table, facts.incidents, as_of, int(facts.quotations.longest.value))
    return finder.find(owners[0]["person_id"] if len(owners) == 1 else None)
