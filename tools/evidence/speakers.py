"""Speaker of a sentence: a contact of the customer named in it or in the one before, or the contact of the survey. Pure."""

import re
from collections.abc import Sequence
from datetime import date

from domain.fact_settings import QuotationSettings
from tools.evidence.account_record import sentences, text_of
from tools.signals.registry import InputRow


class Speakers:
    """The contacts of one account by name."""

    def __init__(self, contacts: Sequence[InputRow], settings: QuotationSettings) -> None:
        self._by_id = {str(row.columns["contact_id"]): str(row.columns["name"]) for row in contacts}
        self._left = {str(row.columns["name"]): row.columns.get("departed_on") for row in contacts}
        names = sorted({name for name in self._by_id.values() if name.strip()}, key=lambda name: (-len(name), name))
        self._named = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, names))})(?!\w)") if names else None
        self._addressed = _any_of(settings.addressed)
        self._speaking = _any_of(settings.speaking)

    def speaker(self, sentence: str, row: InputRow) -> str | None:
        """Name of the speaker, or None when the text does not say."""
        if row.table == "surveys":
            return self._by_id.get(str(row.columns.get("contact_id")))
        said = sentences(text_of(row))
        at = said.index(sentence) if sentence in said else 0
        before = said[at - 1] if at else ""
        return self._name_in(sentence, row.on) or self._name_in(before, row.on)

    def _name_in(self, sentence: str, on: date | None) -> str | None:
        """The contact who speaks in the sentence: first who is said to, else who is named and neither told nor gone."""
        found = list(self._named.finditer(sentence)) if self._named else []
        found = [match for match in found if not self._has_left(match.group(), on)]
        speaking = (match.group() for match in found if self._speaking.search(sentence[match.end() :]))
        told = self._addressed
        named = (match.group() for match in found if not told.search(sentence[: match.start()].rstrip()))
        return next(speaking, None) or next(named, None)

    def _has_left(self, name: str, on: date | None) -> bool:
        """True if the contact had left by the day of the text."""
        left = self._left.get(name)
        return left is not None and on is not None and left <= on

    @staticmethod
    def recorded_by(row: InputRow) -> str | None:
        """Author of a note; None for the customer's own text."""
        author = row.columns.get("author") if row.table == "notes" else None
        return str(author) if author else None


def _any_of(expressions: Sequence[str]) -> re.Pattern[str]:
    """One expression for any of these; one that nothing matches where there are none."""
    return re.compile("|".join(expressions) or r"(?!)", re.IGNORECASE)
