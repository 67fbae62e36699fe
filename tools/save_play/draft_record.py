"""Content that a draft about one account may use: facts, plan, people and days, in code's words. Pure."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property

from domain.configuration import DraftKind, WordLists
from domain.facts import Fact, GoalFact, InvoiceFact, PromiseFact, QuotationFact, TicketFact
from domain.save_play import SavePlay
from domain.text_drafts import DRAFT_SENTENCES, DRAFT_TITLES, FOR_CUSTOMER
from tools.evidence.fact_text import FactText
from tools.evidence.fact_words import fact_name, fact_reason
from tools.save_play.context import PlayContext
from tools.wording import format_date, format_day, format_money, format_short_day, plain_name

_SENTENCE_END = re.compile(r"(?<=[.!?]) +(?=[A-Z“])")
_QUOTED = re.compile(r"“[^”]*”")
_EVIDENCE_ID = re.compile(r" \(E\d+\)")
_WORD = re.compile(r"[^\W\d_]+")
_ADDS = re.compile(r"[,;:] | and | \(")
_MIN_PHRASE_WORDS = 2
_MIN_BEGINNING_WORDS = 5


@dataclass(frozen=True)
class RecordLine:
    """One sentence of code about the account, or an outsider's own words."""

    text: str
    source: str
    """Fact, step or part of the play that it comes from, for people."""
    days: frozenset[date] = frozenset()
    is_step: bool = False
    is_outsiders: bool = False
    internal: bool = False
    """True for what the customer must not read: a note of ours about them."""
    is_topic: bool = True
    """False for the library's general sentences: their words say nothing about this account."""

    @cached_property
    def stems(self) -> frozenset[str]:
        """Its words without their endings; of code's sentences without what they quote."""
        return _stems(self.text if self.is_outsiders else _QUOTED.sub(" ", self.text))

    @cached_property
    def all_stems(self) -> frozenset[str]:
        """The same, with what it quotes."""
        return _stems(self.text)


@dataclass(frozen=True)
class DraftRecord:
    """The record of one account for drafts of one kind."""

    lines: tuple[RecordLine, ...]
    names: frozenset[str]
    """Words of the names of people and of the account, in small letters."""
    words: WordLists
    for_customer: bool

    @cached_property
    def phrases(self) -> dict[str, RecordLine]:
        """Code's sentences by their text in small letters: what stands in a draft word for word is traced to them."""
        own = [line for line in self.lines if not line.is_outsiders]
        found = {line.text.casefold().rstrip("."): line for line in reversed(own)}
        return {text: line for text, line in found.items() if len(text.split()) >= _MIN_PHRASE_WORDS}

    @cached_property
    def outsiders(self) -> tuple[RecordLine, ...]:
        """Texts that people outside wrote, word for word."""
        return tuple(line for line in self.lines if line.is_outsiders)

    @cached_property
    def steps(self) -> tuple[RecordLine, ...]:
        """The steps of the plan with owner and day."""
        return tuple(line for line in self.lines if line.is_step)

    @cached_property
    def stems(self) -> frozenset[str]:
        """The words of what code says about the account, without their endings. An outsider's words support nothing by
        themselves: they may say anything.
        """
        return frozenset(stem for line in self.lines if line.is_topic and not line.is_outsiders for stem in line.stems)

    @cached_property
    def listed(self) -> frozenset[str]:
        """Words that are marked for what they are: no name, and no strange word besides."""
        lists = self.words
        return frozenset((*lists.dates, *lists.absolutes, *lists.numbers, *lists.ordinals))

    @cached_property
    def _talk(self) -> frozenset[str]:
        words = self.words.conversation
        return frozenset({*words, *(stem(word) for word in words if len(word) > 3)})

    def is_talk(self, word: str) -> bool:
        """True for a word of ordinary talk, which says nothing about an account."""
        plain = word.casefold().replace("’", "'").removesuffix("'s")
        return plain in self._talk or stem(plain) in self._talk

    @cached_property
    def capitals(self) -> frozenset[str]:
        """Words with a capital that the record knows as something else than the beginning of a sentence."""
        found = set()
        for line in self.lines:
            words = _WORD.findall(_QUOTED.sub(" ", line.text) if not line.is_outsiders else line.text)
            found |= {word for word in words[1:] if word != word.lower() or (len(word) > 1 and word.isupper())}
            found |= {word for word in words[:1] if len(word) > 1 and word.isupper()}
        return frozenset(found)


def _stems(text: str) -> frozenset[str]:
    return frozenset(stem(word) for word in _WORD.findall(text) if len(word) > 2)


def stem(word: str) -> str:
    """The word without the ending that grammar gives it: reports, reported and reporting are one."""
    plain = word.casefold().replace("’", "'").removesuffix("'s")
    for ending in ("ing", "ied", "ies", "ed", "es", "s", "e", "y", "ly"):
        if plain.endswith(ending) and len(plain) - len(ending) >= 3:
            return plain.removesuffix(ending)
    return plain


def without_ids(text: str) -> str:
    """The text without the ids of evidence in brackets."""
    return _EVIDENCE_ID.sub("", text)


def normalise(text: str) -> str:
    """The text in plain letters: what looks like another letter or cannot be seen does not hide anything."""
    text = unicodedata.normalize("NFKC", text.replace("\0", " ").replace("…", "\0"))
    lines = (
        "".join(c if c.isprintable() else " " * (c == "\t") for c in line)
        for line in text.replace("\0", "…").splitlines()
    )
    return "\n".join(" ".join(line.split()) for line in lines).strip()


def draft_record(context: PlayContext, play: SavePlay, kind: DraftKind) -> DraftRecord:
    """The record for a draft of this kind about this play."""
    people = [person.name for person in context.people.values()]
    contacts = [contact.name for contact in context.dossier.contacts]
    names = {word.casefold() for name in (*people, *contacts, play.name) for word in _WORD.findall(normalise(name))}
    lines = (*_fact_lines(context), *_play_lines(context, play), *_outsider_lines(context, play))
    return DraftRecord(
        lines=tuple(line for each in lines if (line := _plain(each)).text),
        names=frozenset(names),
        words=context.configuration.model.words,
        for_customer=kind in FOR_CUSTOMER,
    )


def _plain(line: RecordLine) -> RecordLine:
    return replace(line, text=normalise(line.text).replace("\n", " "))


def _fact_lines(context: PlayContext) -> Iterator[RecordLine]:
    words = FactText.of(context.dossier.facts, (), context.today)
    for fact in context.dossier.facts:
        internal = is_internal(fact)
        said = (words.sentence(fact), fact_reason(fact), fact_name(fact))
        for text in dict.fromkeys((*said, *(beginning for whole in said for beginning in _beginnings(whole)))):
            yield RecordLine(text, fact_name(fact), _days_of(fact), internal=internal)
    for item in context.dossier.evidence:
        days = frozenset({item.observed_on} - {None})
        yield RecordLine(item.statement, f"{item.id} {item.statement}", days, internal=True)  # type: ignore[arg-type]


def _beginnings(text: str) -> Iterator[str]:
    """Beginning of a sentence before it adds something: nobody has to repeat all of it."""
    for end in _ADDS.finditer(_QUOTED.sub(lambda quoted: "“" + "x" * (len(quoted[0]) - 2) + "”", text)):
        if len(text[: end.start()].split()) >= _MIN_BEGINNING_WORDS:
            yield text[: end.start()]


def is_internal(fact: Fact) -> bool:
    """True for a note of ours about the customer: they must not read it."""
    return isinstance(fact, QuotationFact) and (fact.recorded_by is not None or fact.source.table == "notes")


def _days_of(fact: Fact) -> frozenset[date]:
    found = {value for name in type(fact).model_fields if isinstance(value := getattr(fact, name), date)}
    return frozenset(found)


def _play_lines(context: PlayContext, play: SavePlay) -> Iterator[RecordLine]:
    """The plan's own sentences; those with a date carry it."""
    for phase in play.phases:
        for step in phase.actions:
            source = f"step “{step.title}”"
            said = f"{step.title} ({step.owner}, {format_short_day(step.due)})"
            yield RecordLine(said, source, frozenset({step.due}), is_step=True)
            for text in (
                step.title,
                *_SENTENCE_END.split(step.whole),
                step.purpose,
                step.result,
                step.metric,
                *step.asks,
            ):
                yield RecordLine(text, source, frozenset({step.due}))
    for item in play.success_criteria:
        is_health = item.terms is not None and item.terms.measure == "health"
        for text in (item.name, item.metric, item.target, f"{item.metric} {item.target} {format_day(item.by)}"):
            yield RecordLine(text, f"success: {item.name}", frozenset({item.by}), internal=is_health)
    for end in play.walk_away:
        for text in (end.when, end.exit, end.way_back):
            yield RecordLine(text, "walk-away", internal=True, is_topic=False)
    for question in play.questions:
        yield RecordLine(question, "question of the play", is_topic=False)
    causes = (*_SENTENCE_END.split(play.root_cause), *_SENTENCE_END.split(without_ids(play.root_cause)))
    for text in (*causes, *play.escalation, play.cadence.note, play.cause_label):
        yield RecordLine(text, "root cause", internal=True, is_topic=False)
    decision = play.cadence.decision_point
    yield RecordLine(f"Decision point {format_day(decision)}", "review cadence", frozenset({decision}))
    check = play.cadence.next_check
    checks = f"every {play.cadence.weekly_check}, next on {format_date(check)}"
    yield RecordLine(checks, "review cadence", frozenset({check}))
    for text in (*DRAFT_SENTENCES.values(), *DRAFT_TITLES.values()):
        yield RecordLine(text, "fixed words of a draft", is_topic=False)
    yield from _header_lines(context, play)


def _header_lines(context: PlayContext, play: SavePlay) -> Iterator[RecordLine]:
    yield RecordLine(f"ARR {format_money(play.arr, play.currency)}", "the account", internal=True)
    yield RecordLine(f"Contract {format_money(play.contract_arr, play.contract_currency)}", "the account")
    if play.renewal_date is not None:
        yield RecordLine(f"Renewal on {format_date(play.renewal_date)}", "the account", frozenset({play.renewal_date}))
        yield RecordLine(
            f"The renewal is in {play.renewal_in_days} days", "the account", frozenset({play.renewal_date})
        )
    for contact in context.dossier.contacts:
        role = (contact.role or "contact").replace("_", " ")
        yield RecordLine(f"{plain_name(contact.name)} {plain_name(contact.title)} {role}", "a contact")
    for person in context.people.values():
        yield RecordLine(f"{plain_name(person.name)} {person.role.replace('_', ' ')}", "a colleague")
    yield RecordLine(f"Today {format_short_day(context.today)}", "the day of the review", frozenset({context.today}))


def _outsider_lines(context: PlayContext, play: SavePlay) -> Iterator[RecordLine]:
    for fact in context.dossier.facts:
        match fact:
            case TicketFact():
                yield RecordLine(fact.subject or "", fact_name(fact), is_outsiders=True)
            case QuotationFact():
                yield RecordLine(fact.text, fact_reason(fact), is_outsiders=True, internal=is_internal(fact))
            case GoalFact():
                yield RecordLine(fact.goal, fact_name(fact), is_outsiders=True)
            case PromiseFact():
                yield RecordLine(fact.text, fact_name(fact), is_outsiders=True, internal=True)
            case InvoiceFact():
                yield RecordLine(plain_name(fact.invoice_id), fact_name(fact), is_outsiders=True)
    for item in play.evidence:
        for row in item.rows:
            if row.table in ("tickets", "notes", "surveys"):
                internal = row.table == "notes"
                yield RecordLine(row.text, f"{row.table} {row.key}", is_outsiders=True, internal=internal)
