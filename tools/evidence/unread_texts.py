"""Texts since the last review that nothing understood and nobody has read: a person has to read them. Pure."""

from domain.fact_settings import UnreadSettings
from domain.facts import UnreadText
from tools.evidence.account_record import AccountRecord, cut_text, newest_first, row_key, text_id
from tools.evidence.speakers import Speakers


def unread_texts(record: AccountRecord, settings: UnreadSettings) -> tuple[UnreadText, ...]:
    """Notes, tickets and comments that are newer than the last review and have no statement and no reader, newest first.

    A model that found nothing in a text is no reader: a small one misses much. Such texts come after the others.
    """
    understood: dict[tuple[str, str], list[str]] = {}
    for statement in record.statements:
        understood.setdefault((statement.table, statement.key), []).append(statement.quotation)
    found = [
        UnreadText(
            id=text_id(record.account_id, row.table, row_key(row), text),
            account_id=record.account_id,
            table=row.table,
            key=row_key(row),
            on=row.on,
            text=cut_text(text, int(settings.longest.value)),
            recorded_by=Speakers.recorded_by(row),
            looked_at_by=record.model_read.get(text_id(record.account_id, row.table, row_key(row), text)),
        )
        for row, text in record.texts()
        if row.on is not None
        and (record.last_review is None or row.on > record.last_review)
        and not any(said in " ".join(text.split()) for said in understood.get((row.table, row_key(row)), ()))
    ]
    found = [each for each in found if each.id not in record.read_texts]
    unique = {(each.table, each.key, each.text): each for each in found}
    ordered = sorted(
        unique.values(),
        key=lambda each: (each.looked_at_by is not None, newest_first(each.on), each.table, each.key, each.text),
    )
    return tuple(ordered[: int(settings.per_account.value)])
