"""Where statements that phrases find meet those that a model read: a model's word goes before the phrases'.

A model's statement counts while its quotation stands in a text of its account, table and day. It takes the place of what
phrases found in the same sentence, whatever the kind and also where it is not asserted; other sentences stay as they are.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from domain.readings import ModelReading, ModelStatement
from tools.signals.statements import Statement, TextRow

Place = tuple[str, str, date]
"""Account, table and day of a text."""


def texts_by_place(texts: Iterable[TextRow]) -> dict[Place, list[TextRow]]:
    """The texts of each account, table and day."""
    found: dict[Place, list[TextRow]] = {}
    for text in texts:
        found.setdefault((text.account_id, text.table, text.on), []).append(text)
    return found


def add_model_readings(
    found: Sequence[Statement], readings: Sequence[ModelReading], texts: Mapping[Place, Sequence[TextRow]]
) -> list[Statement]:
    """Both, the model's behind those of the phrases that it does not replace."""
    read: list[Statement] = []
    replaced: dict[Place, list[tuple[TextRow, ModelStatement]]] = {}
    for reading in readings:
        place = (reading.account_id, reading.table, reading.written_on)
        for said in reading.statements:
            row = next((text for text in texts.get(place, ()) if said.quotation in text.text), None)
            if row is not None:
                read.append(_statement(reading, said, row))
                replaced.setdefault(place, []).append((row, said))
    kept = [
        each
        for each in found
        if not any(_same_sentence(each, *one) for one in replaced.get((each.account_id, each.table, each.on), ()))
    ]
    return [*kept, *read]


def _statement(reading: ModelReading, said: ModelStatement, row: TextRow) -> Statement:
    return Statement(
        row.account_id,
        said.kind,
        row.on,
        row.table,
        row.row,
        said.quotation,
        f"model:{reading.model}",
        mode=said.mode,
        speaker=said.speaker,
        since=said.since,
    )


def _same_sentence(found: Statement, row: TextRow, said: ModelStatement) -> bool:
    """True if the phrase stands in a sentence that the model quotes from, or the other way round."""
    sentence = " ".join(found.quote.split())
    start, other = row.text.find(sentence), row.text.find(said.quotation)
    return start >= 0 and start < other + len(said.quotation) and other < start + len(sentence)
