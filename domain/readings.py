"""Readings of texts by people and by a language model, and people's marks of wrong statements.

A reading says what the text means to whoever read it; the quotation stays the customer's own words. People's word goes before
the model's, and the model's before what phrases find.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import date

from domain.record import Record
from domain.statements import StatementMode
from domain.token_usage import TokenUsage

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


class ModelStatement(Record):
    """One statement that a model read in a text, as far as code could check it."""

    kind: str
    mode: StatementMode
    quotation: str
    """Stands verbatim in the text, on one line; names are put back."""
    speaker: str | None = None
    """Name of the customer's person who says it; None where the model named nobody whom the text names."""
    since: str | None = None
    """Words of the text that say since when; verbatim."""


class ModelReading(Record):
    """A model's reading of one text."""

    digest: str
    """Digest of text, prompt, schema and model: the same request is not sent twice."""
    text_id: str
    account_id: str
    table: str
    key: str
    written_on: date
    """Day of the text's own row."""
    model: str
    read_for: date
    """Day of the review that sent the text."""
    statements: tuple[ModelStatement, ...] = ()
    dropped: dict[str, int] = {}
    """Statements that did not pass a check, by the reason."""
    failed: str = ""
    """Why the model's answers to this text could not be used; empty where one could."""
    is_cut: bool = False
    """True if only the beginning of a long text was sent."""
    tokens: TokenUsage = TokenUsage()
    cost: float | None = 0.0


class ReadingReport(Record):
    """Count of what a model read for one review, and of what came of it."""

    model: str | None = None
    """None where the team has reading switched off or has no model: nothing was sent."""
    texts: int = 0
    """Texts that were sent, or had been sent for an earlier run of the same week."""
    accounts: int = 0
    not_sent: int = 0
    """New texts beyond the budget."""
    cut: int = 0
    """Long texts of which only the beginning was sent."""
    not_answered: dict[str, int] = {}
    """Texts without an answer, by the reason."""
    statements: int = 0
    by_kind: dict[str, int] = {}
    """Statements that are asserted, by kind."""
    dropped: dict[str, int] = {}
    """Statements that did not pass a check, by the reason."""
    is_measured: bool = False
    """True if the configuration lists the model among those that passed the suite ``reading``."""
    tokens: TokenUsage = TokenUsage()
    cost: float | None = 0.0


class TextsRead(Record):
    """The readings of a model that count in one review, and the report on those made for it."""

    readings: tuple[ModelReading, ...] = ()
    """By id of the text; those of earlier reviews whose text is still in the window, and those made for this one."""
    report: ReadingReport = ReadingReport()


class PeoplesReadings(Record):
    """Everything that people and a model had said about texts by a review: part of what the review is made from."""

    readings: tuple[PersonsReading, ...] = ()
    """By id of the text; the latest of each, without those that were taken back."""
    by_model: tuple[ModelReading, ...] = ()
    """By id of the text: what a model had read."""
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
