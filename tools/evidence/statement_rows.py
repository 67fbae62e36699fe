"""Statements of the accounts under review as records with lasting ids: the one place that knows how they are read.

Pure. A statement found by the reading of texts has a row number; here it gets the key of its row, its speaker and its
author, which last when rows change places.
"""

from collections.abc import Iterable, Mapping, Sequence

from domain.statements import Statement
from tools.evidence.account_record import cut_text, newest_first, quotation_id, row_key, sentences, text_of
from tools.evidence.speakers import Speakers
from tools.signals.registry import InputRow
from tools.signals.statements import Statement as FoundStatement


def statement_records(
    found: Iterable[FoundStatement], rows: Mapping[str, Sequence[InputRow]], speakers: Speakers, longest: int
) -> tuple[Statement, ...]:
    """The statements of one account, newest first."""
    records = {}
    for each in found:
        row = _row_of(each, rows)
        record = _statement(each, row, speakers, longest)
        records[record.id] = record
    return tuple(sorted(records.values(), key=lambda each: (newest_first(each.on), each.table, each.key, each.id)))


def _row_of(found: FoundStatement, rows: Mapping[str, Sequence[InputRow]]) -> InputRow | None:
    """The row with the text. A server numbers its rows in another way for each question, so the text itself decides."""
    same_day = [row for row in rows.get(found.table, ()) if row.on == found.on]
    numbered = [row for row in same_day if row.row == found.row]
    for row in (*numbered, *same_day):
        if found.quote in " ".join(text_of(row).split()):
            return row
    return numbered[0] if numbered else None


def _statement(found: FoundStatement, row: InputRow | None, speakers: Speakers, longest: int) -> Statement:
    sentence = _exact_sentence(found.quote, row)
    key = row_key(row) if row else found.on.isoformat()
    quotation = cut_text(sentence, longest)
    return Statement(
        id=quotation_id(found.account_id, found.table, key, found.intent, quotation),
        account_id=found.account_id,
        kind=found.intent,
        mode=found.mode,
        on=found.on,
        table=found.table,
        key=key,
        row=found.row,
        quotation=quotation,
        speaker=found.speaker or (speakers.speaker(sentence, row) if row else None),
        recorded_by=speakers.recorded_by(row) if row else None,
        read_by=found.read_by,
        read_on=found.read_on,
        since=found.since,
    )


def _exact_sentence(quote: str, row: InputRow | None) -> str:
    """The sentence of the row that holds the quotation, or the quotation itself."""
    found = [sentence for sentence in sentences(text_of(row)) if quote in sentence] if row else []
    return min(found, key=len) if found else quote
