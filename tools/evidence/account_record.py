"""Material of the facts: the rows, statements and promises of one account, and ids that last.

Pure. An id is made from what a row says and never from its place, so that it is the same next week and in another order
of rows.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from domain.facts import FactSource
from domain.statements import Statement
from domain.tracking import Action
from tools.signals import TEXT_COLUMNS
from tools.signals.registry import InputRow

_ROW_IDS = {"tickets": "ticket_id", "invoices": "invoice_id", "contacts": "contact_id_own"}
_SENTENCE = re.compile(r"[^\n]*?[.!?]+[\"'\u201d\u2019\u00bb\u201c)]*(?=\s|$)|[^\n]+")
_DIGEST_LENGTH = 12


@dataclass(frozen=True)
class AccountRecord:
    """Rows by table, statements and open actions of one account."""

    account_id: str
    as_of: date
    rows: Mapping[str, Sequence[InputRow]]
    statements: Sequence[Statement] = ()
    actions: Sequence[Action] = ()
    """Actions of earlier reviews that are neither done nor dropped."""
    seats: int | None = None
    renewal_date: date | None = None
    last_review: date | None = None
    """Day from which a text is new: the last review, or where there is none, as far back as reviews are apart."""
    closing_is_known: bool = True
    """False where the data has no column that says when a ticket was closed."""
    read_texts: frozenset[str] = frozenset()
    """Ids of the texts that a person has read."""
    model_read: Mapping[str, str] = field(default_factory=dict)
    """Model by id of the text that it read, whatever it found."""
    people: Mapping[str, str] = field(default_factory=dict)
    """Name by id of our people."""

    def of(self, table: str) -> Sequence[InputRow]:
        """The rows of one table."""
        return self.rows.get(table, ())

    def texts(self) -> Iterator[tuple[InputRow, str]]:
        """The rows that hold a text, with it: subject and body of a ticket on lines of their own."""
        for table in TEXT_COLUMNS:
            for row in self.of(table):
                if text := text_of(row):
                    yield row, text


def text_of(row: InputRow) -> str:
    """The text of a row; empty where it has none."""
    names = TEXT_COLUMNS[row.table][1] if row.table in TEXT_COLUMNS else ()
    return "\n".join(str(row.columns[name]) for name in names if row.columns.get(name))


def content_digest(*parts: object) -> str:
    """Twelve hexadecimal digits of these parts."""
    text = "\0".join("" if part is None else str(part) for part in parts)
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:_DIGEST_LENGTH]


def row_key(row: InputRow) -> str:
    """Id of the row in its table; its day where the table has no ids."""
    own = row.columns.get(_ROW_IDS.get(row.table, ""))
    return str(own) if own else row.on.isoformat() if row.on else content_digest(*row.columns.values())


def source_of(row: InputRow, key: str | None = None) -> FactSource:
    """Where a row is on record."""
    return FactSource(table=row.table, key=key or row_key(row))


def quotation_id(account_id: str, table: str, key: str, kind: str, sentence: str) -> str:
    """Id of a sentence that was read as ``kind``; an empty kind where nothing understood it."""
    return f"quote:{content_digest(account_id, table, key, kind, sentence)}"


def text_id(account_id: str, table: str, key: str, text: str) -> str:
    """Id of a whole text, by which people say what it means."""
    return f"text:{content_digest(account_id, table, key, ' '.join(text.split()))}"


def sentences(text: str) -> list[str]:
    """The sentences of a text as they were written, each on one line."""
    found = (" ".join(match.split()) for match in _SENTENCE.findall(text))
    return [sentence for sentence in found if sentence]


def cut_text(text: str, longest: int) -> str:
    """The beginning of a text, cut at a word; still verbatim."""
    if len(text) <= longest:
        return text
    cut = text[:longest]
    return (cut[: cut.rfind(" ")] if " " in cut[longest // 2 :] else cut).rstrip()


def days_between(earlier: date | None, later: date | None) -> int | None:
    """Days from one day to another; None when one is unknown."""
    return (later - earlier).days if earlier and later else None


def newest_first(on: date | None) -> int:
    """Sort key: the newest first, the undated last."""
    return -on.toordinal() if on else 0
