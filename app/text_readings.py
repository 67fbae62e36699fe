"""People's readings of texts and their marks of wrong statements: operations that the command line and the desk share.

Each checks first, then writes the change and its audit line in one transaction. The same choice twice is one: the second
writes nothing.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

from app.service import check_length
from app.wiring import StoreSession
from domain.configuration import Configuration
from domain.dossier import Dossier
from domain.errors import InputError, UnknownReference
from domain.facts import UnreadText
from domain.phase_results import IdentifyResult
from domain.readings import PersonsReading, WrongMark
from domain.statements import Statement
from tools.evidence.account_record import cut_text, sentences
from tools.evidence.quotations import SentenceTone
from tools.evidence.statement_kinds import reading_choices
from tools.store.reading_store import ReadingStore


@dataclass(frozen=True)
class AccountTexts:
    """Texts and statements of one account in one review, with what people have said about them since."""

    review_id: str
    as_of: date
    account_id: str
    name: str
    unread: tuple[UnreadText, ...]
    """Texts that nothing understood and nobody has read."""
    statements: tuple[Statement, ...]
    """Statements of the review that nobody has marked as wrong, newest first."""
    readings: dict[str, PersonsReading]
    """By id of the text what people said, the newest text first."""
    marks: dict[str, WrongMark]
    """By id of the statement the marks, the newest statement first."""
    new: tuple[UnreadText, ...]
    """All texts that the review asked people to read."""

    marked_since: frozenset[str]
    """Ids of the statements that the review still counts and somebody has marked as wrong since."""

    def counts_already(self, reading: PersonsReading) -> bool:
        """True if the review itself was made with this reading."""
        return all(text.id != reading.text_id for text in self.new)

    def text(self, text_id: str) -> UnreadText | PersonsReading:
        """The text to read, or what somebody said about it before. Raises UnknownReference."""
        new = next((text for text in self.new if text.id == text_id), None)
        found = new or self.readings.get(text_id)
        if found is None:
            raise UnknownReference(
                f"{self.review_id} has no text {text_id!r} of {self.name} to read; open the list again"
            )
        return found


def account_texts(session: StoreSession, review_id: str, as_of: date, dossier: Dossier) -> AccountTexts:
    """The texts of an account that the review looked at, as they stand now."""
    said = ReadingStore(session.store).said_by(as_of, dossier.account_id)
    readings = {each.text_id: each for each in sorted(said.readings, key=_newest_first)}
    marks = {each.statement_id: each for each in sorted(said.marks, key=_newest_first)}
    return AccountTexts(
        review_id=review_id,
        as_of=as_of,
        account_id=dossier.account_id,
        name=dossier.name,
        unread=tuple(text for text in dossier.unread_texts if text.id not in readings),
        statements=tuple(each for each in dossier.statements if each.id not in marks),
        readings=readings,
        marks=marks,
        new=dossier.unread_texts,
        marked_since=frozenset(each.id for each in dossier.statements if each.id in marks),
    )


def _newest_first(said: PersonsReading | WrongMark) -> tuple[int, str, str]:
    return (-said.written_on.toordinal(), said.table, said.quotation)


def find_account_texts(session: StoreSession, account: str, review_id: str | None) -> AccountTexts:
    """The texts of an account in a review; in the newest one where none is named. Raises UnknownReference."""
    store = session.store
    for name, as_of, _ in reversed(store.reviews()):
        if review_id not in (None, name):
            continue
        identified = store.find(name, "identified", IdentifyResult)
        found = [each for each in identified.all_dossiers if each.account_id == account] if identified else []
        if found:
            return account_texts(session, name, as_of, found[0])
        if identified is not None:
            raise UnknownReference(
                f"{name} did not look closely at the account {account!r}; use the id of an account on its list"
            )
    if review_id is not None:
        store.request(review_id)  # says which reviews there are
    raise UnknownReference("no review in the store has read texts yet; run the week's review first")


# what a text means ---------------------------------------------------------------------------------------------------


def read_text(
    session: StoreSession,
    texts: AccountTexts,
    configuration: Configuration,
    chosen: tuple[str, str, str],
    by: str,
    on: date,
) -> PersonsReading:
    """Save what a text means. ``chosen``: id of the text, kind, and the words that say so (empty: the plainest sentence).

    Raises InputError for a kind that the configuration does not have and for words that do not stand in the text.
    """
    text_id, kind, words = chosen
    choices = reading_choices(configuration)
    if kind not in choices:
        raise InputError(f"{kind!r} is no kind of statement; use {', '.join(choices)}")
    before, text = texts.readings.get(text_id), texts.text(text_id)
    reading = PersonsReading(
        text_id=text_id,
        account_id=texts.account_id,
        table=text.table,
        key=text.key,
        written_on=text.written_on if isinstance(text, PersonsReading) else text.on,
        quotation=_quotation(text, words, configuration),
        kind=kind,
        by=_name(by),
        on=on,
    )
    if before is not None and (before.kind, before.quotation) == (kind, reading.quotation):
        return before
    with session.store.transaction():
        ReadingStore(session.store).save_reading(reading, texts.as_of)
        _log(session, texts, "read", reading, {"text": text_id}, before)
        for mark in texts.marks.values():
            if _is_about(mark, reading):
                take_back_mark(session, texts, mark.statement_id, by, on)
    return reading


def take_back_reading(session: StoreSession, texts: AccountTexts, text_id: str, by: str, on: date) -> None:
    """Take back what somebody said about a text: it stands as unread again. Raises UnknownReference."""
    before = texts.readings.get(text_id)
    if before is None:
        raise UnknownReference(f"nobody has said what {text_id!r} of {texts.name} means; there is nothing to take back")
    reading = before.model_copy(update={"kind": None, "by": _name(by), "on": on})
    with session.store.transaction():
        ReadingStore(session.store).save_reading(reading, texts.as_of)
        _log(session, texts, "took back a reading", reading, {"text": text_id}, before)


def _quotation(text: UnreadText | PersonsReading, words: str, configuration: Configuration) -> str:
    """The words that a person marked, or the plainest sentence of the text."""
    settings = configuration.facts.quotations
    longest, whole = int(settings.longest.value), text.text if isinstance(text, UnreadText) else text.quotation
    marked = " ".join(words.split()).strip('“”"')
    if not marked:
        return cut_text(SentenceTone(settings).plainest(sentences(whole) or [whole]), longest)
    if marked not in " ".join(whole.split()):
        raise InputError(
            f"“{cut_text(marked, longest)}” does not stand in the text; copy the words as they are written"
        )
    if len(marked) > longest:
        raise InputError(f"the marked words have {len(marked)} characters; at most {longest}")
    return marked


def _is_about(mark: WrongMark, reading: PersonsReading) -> bool:
    place = (mark.table, mark.key, mark.kind) == (reading.table, reading.key, reading.kind)
    return place and (mark.quotation in reading.quotation or reading.quotation in mark.quotation)


# what is wrong -------------------------------------------------------------------------------------------------------


def mark_wrong(
    session: StoreSession, texts: AccountTexts, statement_id: str, reason: str, by: str, on: date
) -> WrongMark:
    """Mark a statement as wrong: it counts no more. Raises UnknownReference, and InputError for a reason too long."""
    before = texts.marks.get(statement_id)
    statement = next((each for each in texts.statements if each.id == statement_id), None)
    if before is None and statement is None:
        raise UnknownReference(
            f"{texts.review_id} has no statement {statement_id!r} of {texts.name}; open the list again"
        )
    if before is not None:
        return before
    assert statement is not None
    mark = WrongMark(
        statement_id=statement_id,
        account_id=texts.account_id,
        kind=statement.kind,
        table=statement.table,
        key=statement.key,
        written_on=statement.on,
        quotation=statement.quotation,
        read_by=statement.read_by,
        by=_name(by),
        on=on,
        reason=check_length(reason, "the reason"),
    )
    with session.store.transaction():
        ReadingStore(session.store).save_mark(mark, texts.as_of)
        _log(session, texts, "marked as wrong", mark, {"statement": statement_id}, None)
    return mark


def take_back_mark(session: StoreSession, texts: AccountTexts, statement_id: str, by: str, on: date) -> None:
    """Take back that a statement is wrong: it counts again. Raises UnknownReference."""
    before = texts.marks.get(statement_id)
    if before is None:
        raise UnknownReference(
            f"nobody has marked {statement_id!r} of {texts.name} as wrong; there is nothing to take back"
        )
    mark = before.model_copy(update={"wrong": False, "by": _name(by), "on": on, "reason": ""})
    with session.store.transaction():
        ReadingStore(session.store).save_mark(mark, texts.as_of)
        _log(session, texts, "took back a mark", mark, {"statement": statement_id}, before)


def _name(by: str) -> str:
    if not by.strip():
        raise InputError("say who reads it: a name")
    return check_length(by, "the name")


def _log(
    session: StoreSession,
    texts: AccountTexts,
    what: str,
    after: PersonsReading | WrongMark,
    about: dict[str, str],
    before: PersonsReading | WrongMark | None,
) -> None:
    session.store.log(
        texts.review_id, after.by, what, account=texts.account_id, **about, before=_facts(before), after=_facts(after)
    )


def _facts(said: PersonsReading | WrongMark | None) -> dict[str, Any] | None:
    """Facts for an audit entry: everything but the account and the name, which stand beside it."""
    return said.model_dump(mode="json", exclude={"account_id", "text_id", "statement_id"}) if said else None
