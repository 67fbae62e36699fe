"""People's readings of texts, and their marks of wrong statements.

A reading says what the text means to the person who read it; the quotation stays the customer's own words.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import date

from domain.record import Record

NOTHING_TO_NOTE = "nothing_to_note"
"""Choice of a person who has read a text and found nothing in it that the review has to know."""


class PersonsReading(Record):
    """A person's reading of one text."""

    text_id: str
    """``text:`` and a digest of account, table, key of the row and text: the same next week and in another row order."""
    account_id: str
    table: str
    """``notes``, ``tickets`` or ``surveys``."""
    key: str
    """Id of the row, or its date where the table has no ids."""
    written_on: date
    """Day of the text's own row."""
    quotation: str
    """The sentence that says so, verbatim: the words that the person marked, else the plainest sentence of the text."""
    kind: str | None
    """Kind of the configuration, or ``nothing_to_note``; None where the reading was taken back."""
    by: str
    """Name of the person who read it."""
    on: date
    """Day on which they said so."""


class WrongMark(Record):
    """A statement that a person marked as wrong."""

    statement_id: str
    account_id: str
    kind: str
    table: str
    key: str
    written_on: date
    quotation: str
    read_by: str
    """Reader of the statement: ``phrases``, ``person:<name>`` or ``model:<name>``."""
    by: str
    on: date
    reason: str = ""
    wrong: bool = True
    """False where the mark was taken back."""


class PeoplesReadings(Record):
    """Everything that people had said about texts by a review: part of what the review is made from."""

    readings: tuple[PersonsReading, ...] = ()
    """By id of the text; the latest of each, without those that were taken back."""
    marks: tuple[WrongMark, ...] = ()
    """By id of the statement, without those that were taken back."""


class ReadingCounts(Record):
    """Counts of texts that people read and of statements that they marked as wrong."""

    texts: int = 0
    by_kind: dict[str, int] = {}
    """Texts by what they mean; ``nothing_to_note`` is one of the keys."""
    wrong: int = 0
    wrong_by_kind: dict[str, int] = {}
    wrong_by_reader: dict[str, int] = {}
    """Statements marked as wrong by who had read them: ``phrases``, ``person`` or ``model``."""


def count_readings(people: PeoplesReadings) -> ReadingCounts:
    """The counts, with the most frequent first."""
    return ReadingCounts(
        texts=len(people.readings),
        by_kind=_counted(reading.kind or NOTHING_TO_NOTE for reading in people.readings),
        wrong=len(people.marks),
        wrong_by_kind=_counted(mark.kind for mark in people.marks),
        wrong_by_reader=_counted(mark.read_by.partition(":")[0] for mark in people.marks),
    )


def _counted(keys: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(keys).items(), key=lambda pair: (-pair[1], pair[0])))
