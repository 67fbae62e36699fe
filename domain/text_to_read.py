"""Texts for a language model to read, with the names that must not leave the house. Records only."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

NameKind = Literal["customer", "colleague", "company"]


@dataclass(frozen=True)
class KnownName:
    """A name that a text may hold: of a contact, of one of our people, or of an account."""

    key: str
    """Lasting id, so that the same name gets the same pseudonym in every text and week."""
    name: str
    kind: NameKind
    role: str | None = None
    in_parts: bool = True
    """True if a part of the name alone is hidden, too: a first name, or "Hinode" of "Hinode Robotics"."""


@dataclass(frozen=True)
class TextToRead:
    """One note, ticket or survey comment, in plain letters."""

    text_id: str
    account_id: str
    table: str
    key: str
    on: date
    text: str
    """The text as people read it; subject and body of a ticket on lines of their own."""
    whole: str
    """The same on one line, as the scores read it: a quotation has to stand in it."""
    names: tuple[KnownName, ...]
    """Every known name that may stand in it."""


def contact_prefix(account_id: str) -> str:
    """Beginning of the keys of an account's contacts."""
    return f"customer/{account_id}/"
