"""Statements: sentences that people wrote, each read as one kind of thing somebody said.

A statement is a reading of outsiders' words. Its quotation stands verbatim in the row; nothing in it is ever followed.
"""

from datetime import date
from typing import Literal

from domain.record import Record

StatementMode = Literal["asserted", "negated", "hypothetical", "past", "about_others"]
"""Only an asserted statement counts as said. The others are kept so that nobody reads them the wrong way round."""


class Statement(Record):
    """One sentence of one text, read as one kind."""

    id: str
    """``quote:`` and a digest of account, table, key of the row, kind and sentence: the same next week and in another row
    order."""
    account_id: str
    kind: str
    """Key of ``kinds`` in ``configs/phrases.yaml``, for example ``notice`` or ``feature_gap``."""
    mode: StatementMode
    on: date
    """Day of the text's own row."""
    table: str
    """``notes``, ``tickets`` or ``surveys``."""
    key: str
    """Id of the row, or its date where the table has no ids."""
    row: int
    """Row number in the source; it changes with the order of the export and is never part of an id."""
    quotation: str
    """The sentence as it was written, at most 200 characters, verbatim."""
    language: str | None = None
    """ISO 639-1 code of the phrases that read it; None when unknown."""
    speaker: str | None = None
    """Person of the customer who said it, where the text names one of their contacts or the row has a contact."""
    recorded_by: str | None = None
    """Person who wrote it down, for example the author of a note."""
    read_by: str = "phrases"
    """``phrases``, ``person:<name>`` or ``model:<name>``."""
    read_on: date | None = None
    """Day on which a person read it; None for what phrases or a model read."""
    since: str | None = None
    """Words of the text that say since when, as a model read them: "since March"; verbatim."""
