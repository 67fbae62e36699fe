"""Quotations: the few sentences of an account that matter, word for word, each from another text. Pure.

Statements of decisive kinds come first, then the customer's direct speech, tickets and survey comments, then what a CSM
wrote down in a bad week. Praise never stands as a complaint.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from domain.fact_settings import FactSettings, QuotationSettings
from domain.facts import ContactFact, FactSource, FactTone, QuotationFact
from domain.statements import Statement
from tools.evidence.account_record import (
    AccountRecord,
    cut_text,
    newest_first,
    quotation_id,
    row_key,
    sentences,
    text_of,
)
from tools.evidence.fact_people import named_person
from tools.evidence.fact_tickets import is_serious
from tools.evidence.speakers import Speakers
from tools.signals.registry import InputRow

_DIRECT_SPEECH = re.compile(
    r"[\u201c\u201e\u00ab\"][^\u201c\u201d\u201e\u00ab\u00bb\"]{3,}?\s[^\u201c\u201d\u201e\u00ab\u00bb\"]*[\u201d\u201c\u00bb\"]"
    r"|(?:^|[\s:(])['\u2018](?=\S)[^'\u2018\u2019]{2,}(?:['\u2019](?=\w)[^'\u2018\u2019]*)*\s[^'\u2018\u2019]*(?:['\u2019](?=\w)[^'\u2018\u2019]*)*['\u2019](?!\w)"
)
_STATEMENT, _SPEECH, _OWN_TEXT, _LOW_PULSE, _GOOD = range(5)
_BAD_SCORES = {"nps": 6, "csat": 2}
_GOOD_SCORES = {"nps": 9, "csat": 4}


@dataclass(frozen=True)
class _Candidate:
    rank: int
    decisive: int
    fact: QuotationFact

    @property
    def order(self) -> tuple[int, int, int, str, str]:
        """The most telling group first, in it the newest."""
        return (self.rank, self.decisive, newest_first(self.fact.on), self.fact.source.table, self.fact.id)


class SentenceTone:
    """Which words complain and which praise, by the configuration."""

    def __init__(self, settings: QuotationSettings) -> None:
        self._settings = settings

    @cached_property
    def _trouble(self) -> list[re.Pattern[str]]:
        return [re.compile(pattern, re.IGNORECASE) for pattern in self._settings.trouble]

    @cached_property
    def _praise(self) -> re.Pattern[str] | None:
        return re.compile("|".join(self._settings.praise), re.IGNORECASE) if self._settings.praise else None

    def trouble(self, sentence: str) -> int:
        """Number of ways in which a sentence says that something is wrong."""
        return sum(len(pattern.findall(sentence)) for pattern in self._trouble)

    def is_praise(self, sentence: str) -> bool:
        """True for a sentence that praises and does not complain."""
        return self._praise is not None and self._praise.search(sentence) is not None and not self.trouble(sentence)

    def plainest(self, found: Sequence[str]) -> str:
        """The sentence that says most plainly what is wrong; a figure in it makes it plainer.

        Of equals the last one, because people end with their point; where none says what is wrong, the first.
        """
        weights = [(self.trouble(each), bool(re.search(r"\d", each)), index) for index, each in enumerate(found)]
        heaviest = max(weights)
        return found[heaviest[2]] if heaviest[0] else found[0]


class QuotationFinder:
    """Chooses the quotations of one account after the other."""

    def __init__(self, settings: FactSettings) -> None:
        self._settings = settings.quotations
        self._people = settings.people
        self.tone = SentenceTone(settings.quotations)

    @cached_property
    def _new_role(self) -> re.Pattern[str]:
        return re.compile("|".join(self._people.new_roles), re.IGNORECASE)

    @cached_property
    def _not_new(self) -> re.Pattern[str]:
        return re.compile("|".join(self._people.not_new), re.IGNORECASE)

    def find(self, record: AccountRecord, speakers: Speakers) -> tuple[QuotationFact, ...]:
        """At most ``per_account`` quotations, the most telling first, one from each text."""
        promises = self._settings.promise_kinds
        theirs = [each for each in record.statements if each.kind not in promises]
        candidates = [*map(self._stated, theirs), *self._spoken(record, speakers), *self._own_texts(record, speakers)]
        candidates += self._low_pulse(record, speakers)
        kept: dict[object, QuotationFact] = {}
        texts: set[str] = set()
        good = 0
        for each in sorted(candidates, key=lambda candidate: candidate.order):
            place = (each.fact.source.table, each.fact.source.key)
            same_words = each.fact.text.casefold()
            if place in kept or same_words in texts or self._is_old(each.fact, record):
                continue
            good += each.fact.tone == "good"
            if each.fact.tone == "good" and good > self._settings.good_per_account.value:
                continue
            kept[place] = each.fact
            texts.add(same_words)
            if len(kept) >= self._settings.per_account.value:
                break
        return tuple(kept.values())

    def _is_old(self, fact: QuotationFact, record: AccountRecord) -> bool:
        return fact.on is None or (record.as_of - fact.on).days > self._settings.window.value

    def _stated(self, statement: Statement) -> _Candidate:
        """A statement; only one that is asserted counts as said."""
        decisive = self._settings.decisive
        tone: FactTone = "neutral"
        if statement.mode == "asserted":
            tone = "good" if statement.kind in self._settings.good_kinds else "bad"
        place = decisive.index(statement.kind) if statement.kind in decisive else len(decisive)
        rank = _STATEMENT if tone == "bad" else _GOOD
        return _Candidate(rank, place, statement_quotation(statement, tone))

    def _spoken(self, record: AccountRecord, speakers: Speakers) -> Iterator[_Candidate]:
        """Sentences of notes with the customer's direct speech."""
        for row in record.of("notes"):
            spoken = [each for each in sentences(text_of(row)) if _DIRECT_SPEECH.search(each)]
            if spoken:
                sentence = self.tone.plainest(spoken)
                tone = self._tone_of_note(sentence, row)
                yield _Candidate(_GOOD if tone == "good" else _SPEECH, 0, self._quote(sentence, row, record, speakers, tone))  # fmt: skip

    def _own_texts(self, record: AccountRecord, speakers: Speakers) -> Iterator[_Candidate]:
        """The plainest sentence of each ticket that matters and of each survey comment."""
        for row in record.of("tickets"):
            is_open = record.closing_is_known and row.columns.get("closed_at") is None
            said = sentences(str(row.columns.get("body") or ""))
            if said and is_serious(row, is_open):
                sentence = self.tone.plainest(said)
                tone: FactTone = "good" if self.tone.is_praise(sentence) else "bad"
                calm = not row.columns.get("escalated")
                yield _Candidate(_OWN_TEXT, calm, self._quote(sentence, row, record, speakers, tone))
        for row in record.of("surveys"):
            if said := sentences(text_of(row)):
                sentence = self.tone.plainest(said)
                tone = self._tone_of_survey(sentence, row)
                yield _Candidate(_OWN_TEXT if tone == "bad" else _GOOD, 1, self._quote(sentence, row, record, speakers, tone))  # fmt: skip

    def _low_pulse(self, record: AccountRecord, speakers: Speakers) -> Iterator[_Candidate]:
        """Sentences that a CSM wrote down while the pulse was low."""
        for row in record.of("notes"):
            pulse, said = row.columns.get("pulse"), sentences(text_of(row))
            if said and pulse is not None and pulse <= self._settings.low_pulse.value:
                sentence = self.tone.plainest(said)
                if not self.tone.is_praise(sentence):
                    yield _Candidate(_LOW_PULSE, 0, self._quote(sentence, row, record, speakers, "bad"))

    def _tone_of_note(self, sentence: str, row: InputRow) -> FactTone:
        if self.tone.is_praise(sentence):
            return "good"
        pulse = row.columns.get("pulse")
        low = pulse is not None and pulse <= self._settings.low_pulse.value
        return "bad" if low or self.tone.trouble(sentence) else "neutral"

    def _tone_of_survey(self, sentence: str, row: InputRow) -> FactTone:
        """By the score; praise with a bad score is no complaint, and a complaint with a good score no praise."""
        kind, score = str(row.columns.get("kind")), row.columns.get("score")
        if score is None:
            return "neutral"
        if score <= _BAD_SCORES.get(kind, 0):
            return "good" if self.tone.is_praise(sentence) else "bad"
        if self.tone.trouble(sentence):
            return "bad" if score < _GOOD_SCORES.get(kind, 10) else "neutral"
        return "good" if score >= _GOOD_SCORES.get(kind, 10) or self.tone.is_praise(sentence) else "neutral"

    def _quote(
        self, sentence: str, row: InputRow, record: AccountRecord, speakers: Speakers, tone: FactTone
    ) -> QuotationFact:
        return plain_quotation(sentence, row, record.account_id, speakers, tone, int(self._settings.longest.value))

    def named_people(self, record: AccountRecord, speakers: Speakers) -> list[tuple[ContactFact, QuotationFact]]:
        """People whom a text names by a new role, each with the newest sentence that does; newest first."""
        stated = {(each.table, each.key, each.quotation): each for each in record.statements}
        found: dict[str, tuple[ContactFact, QuotationFact]] = {}
        for row, role, sentence in sorted(self._new_roles(record), key=lambda each: _row_order(each[0])):
            if role.casefold() not in found and row.on and (record.as_of - row.on).days <= self._settings.window.value:
                quoted = cut_text(sentence, int(self._settings.longest.value))
                statement = stated.get((row.table, row_key(row), quoted))
                fact = statement_quotation(statement, "bad") if statement else self._quote(sentence, row, record, speakers, "neutral")  # fmt: skip
                found[role.casefold()] = (named_person(role, fact), fact)
        return list(found.values())

    def _new_roles(self, record: AccountRecord) -> Iterator[tuple[InputRow, str, str]]:
        for row, text in record.texts():
            for sentence in sentences(text):
                match = self._new_role.search(sentence)
                if match and not self._not_new.search(sentence[: match.start()].rstrip()):
                    yield row, match.group(), sentence


def _row_order(row: InputRow) -> tuple[int, str, str, str]:
    return (newest_first(row.on), row.table, row_key(row), text_of(row))


def statement_quotation(statement: Statement, tone: FactTone) -> QuotationFact:
    """The quotation of a statement; it has the statement's id."""
    return QuotationFact(
        id=statement.id,
        on=statement.on,
        side="theirs",
        tone=tone,
        source=FactSource(table=statement.table, key=statement.key),
        text=statement.quotation,
        speaker=statement.speaker,
        recorded_by=statement.recorded_by,
        language=statement.language,
        says=statement.kind,
        mode=statement.mode,
        read_by=statement.read_by,
        read_on=statement.read_on,
        since=statement.since,
    )


def plain_quotation(
    sentence: str, row: InputRow, account_id: str, speakers: Speakers, tone: FactTone, longest: int
) -> QuotationFact:
    """The quotation of a sentence that no statement was read from."""
    text, key = cut_text(sentence, longest), row_key(row)
    return QuotationFact(
        id=quotation_id(account_id, row.table, key, "", text),
        on=row.on,
        side="theirs",
        tone=tone,
        source=FactSource(table=row.table, key=key),
        text=text,
        speaker=speakers.speaker(sentence, row),
        recorded_by=speakers.recorded_by(row),
        language=None,
        says=None,
        mode=None,
        read_by=None,
    )
