"""Sentences that people have labelled in their weekly work: material to measure how well texts are read.

A label is one person's word. A sentence that a reader took for something else is a label too: it says what it is not.
"""

from domain.readings import NOTHING_TO_NOTE, PeoplesReadings
from domain.record import Record


class LabelledSentence(Record):
    """One sentence of a customer's text, with what a person said about it."""

    sentence: str
    """Verbatim, at most 200 characters."""
    table: str
    is_kind: str | None = None
    """Kind that it states; None where it states nothing, or where only ``is_not`` is known."""
    is_not: str | None = None
    """Kind that it does not state, although a reader said so."""
    read_by: str | None = None
    """The reader that was wrong: ``phrases``, ``model:<name>`` or ``person:<name>``; None for a label of another kind."""
    by: str
    on: str
    """Day of the label, in ISO form."""


def labelled_sentences(people: PeoplesReadings) -> tuple[LabelledSentence, ...]:
    """The labels of a store, in a fixed order: readings first, then what was marked as wrong."""
    read = [
        LabelledSentence(
            sentence=each.quotation,
            table=each.table,
            is_kind=None if each.kind == NOTHING_TO_NOTE else each.kind,
            by=each.by,
            on=each.on.isoformat(),
        )
        for each in people.readings
    ]
    wrong = [
        LabelledSentence(
            sentence=each.quotation,
            table=each.table,
            is_not=each.kind,
            read_by=each.read_by,
            by=each.by,
            on=each.on.isoformat(),
        )
        for each in people.marks
    ]
    return tuple(sorted(read, key=_order) + sorted(wrong, key=_order))


def _order(label: LabelledSentence) -> tuple[str, str, str]:
    return (label.sentence, label.on, label.by)
