"""Speaker of a sentence: a contact of the customer named in it or in the one before, or the contact of the survey. Pure."""

import re
from collections.abc import Sequence

from tools.evidence.account_record import sentences, text_of
from tools.signals.registry import InputRow


class Speakers:
    """The contacts of one account by name."""

    def __init__(self, contacts: Sequence[InputRow], addressed: Sequence[str]) -> None:
        self._by_id = {str(row.columns["contact_id"]): str(row.columns["name"]) for row in contacts}
        names = sorted({name for name in self._by_id.values() if name.strip()}, key=lambda name: (-len(name), name))
        self._named = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, names))})(?!\w)") if names else None
        self._addressed = re.compile("|".join(addressed), re.IGNORECASE) if addressed else None

    def speaker(self, sentence: str, row: InputRow) -> str | None:
        """Name of the speaker, or None when the text does not say."""
        if row.table == "surveys":
            return self._by_id.get(str(row.columns.get("contact_id")))
        said = sentences(text_of(row))
        at = said.index(sentence) if sentence in said else 0
        before = said[at - 1] if at else ""
        return self._name_in(sentence) or self._name_in(before)

    def _name_in(self, sentence: str) -> str | None:
        """The contact who speaks in the sentence; somebody who is told something does not."""
        if self._named is None:
            return None
        for match in self._named.finditer(sentence):
            if self._addressed is None or not self._addressed.search(sentence[: match.start()].rstrip()):
                return match.group()
        return None

    @staticmethod
    def recorded_by(row: InputRow) -> str | None:
        """Author of a note; None for the customer's own text."""
        author = row.columns.get("author") if row.table == "notes" else None
        return str(author) if author else None
