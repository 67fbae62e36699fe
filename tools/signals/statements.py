"""Stated intents: what people wrote about leaving, money, value, gaps and change, found in their own sentences.

Pure. The text is evidence to quote; nothing in it is ever followed.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from domain.score_configuration import PhraseSettings
from domain.statements import StatementMode
from tools.signals.plain_text import UNDECIDED, plain_text

_SENTENCE = re.compile(r"(?<=[.!?;])\s+|\n\s*\n|\n(?!\s*[a-z])")
_NEGATION_WINDOW = 8
_ESCAPED = re.compile(r"\\.")
_YEAR = re.compile(r"(?<![\w-])(?:19|20)\d\d(?![\w/-])")
_LONGEST_SENTENCE = 600
_OVERLAP = 200


@dataclass(frozen=True)
class TextRow:
    """One text of one account, as it was written: a note, a ticket or a survey comment."""

    account_id: str
    on: date
    table: str
    row: int
    text: str
    candidate_intents: tuple[str, ...] | None = None
    """The intents of which a phrase stands in it; None where nobody has looked yet."""


@dataclass(frozen=True)
class Statement:
    """One kind of statement in one row of text; ``quote`` is the sentence it was found in."""

    account_id: str
    intent: str
    """Kind of the configuration; what phrases find are those of the stated signals."""
    on: date
    table: str
    row: int
    quote: str
    read_by: str = "phrases"
    """``phrases``, ``model:<name>`` or ``person:<name>``."""
    read_on: date | None = None
    """Day on which a person read it."""
    mode: StatementMode = "asserted"
    speaker: str | None = None
    """Speaker as a model read it; None where the text itself has to tell."""
    since: str | None = None
    """Words of the text that say since when, as a model read them."""


class StatementFinder:
    """Finds stated intents by the phrases of a configuration."""

    def __init__(self, wording: PhraseSettings) -> None:
        names = (
            "(?:" + "|".join(re.escape(name.lower()) for name in wording.competitors) + ")"
            if wording.competitors
            else r"[^\s\S]"
        )
        self._wording = wording
        self._phrases = {
            intent: [phrase.replace("{competitor}", names) for phrase in rule.phrases]
            for intent, rule in wording.intents.items()
        }
        self._exceptions = {
            intent: [phrase.replace("{competitor}", names) for phrase in rule.unless]
            for intent, rule in wording.intents.items()
        }

    @cached_property
    def _intents(self) -> dict[str, list[re.Pattern[str]]]:
        return {intent: [_compile(phrase) for phrase in phrases] for intent, phrases in self._phrases.items()}

    @cached_property
    def _unless(self) -> dict[str, list[re.Pattern[str]]]:
        return {intent: [_compile(phrase) for phrase in phrases] for intent, phrases in self._exceptions.items()}

    @cached_property
    def _negation(self) -> re.Pattern[str] | None:
        return _compile("|".join(self._wording.negations)) if self._wording.negations else None

    @cached_property
    def _condition(self) -> re.Pattern[str] | None:
        return _compile("|".join(self._wording.conditions)) if self._wording.conditions else None

    @cached_property
    def _themes(self) -> dict[str, re.Pattern[str]]:
        return {theme: _compile("|".join(phrases)) for theme, phrases in self._wording.themes.items()}

    @property
    def filter(self) -> str:
        """One expression that every text with a statement in it matches: what leaves the engine at all.

        It is for texts that an engine has made plain, and matches those that the engine cannot make plain.
        """
        phrases = [f"(?:{phrase})" for phrases in self._phrases.values() for phrase in phrases]
        return "|".join([*phrases, UNDECIDED])

    @cached_property
    def filters(self) -> dict[str, str]:
        """The same by intent."""
        return {
            intent: "|".join([*(f"(?:{phrase})" for phrase in phrases), UNDECIDED])
            for intent, phrases in self._phrases.items()
        }

    def find(self, rows: Iterable[TextRow]) -> Iterator[Statement]:
        """Each intent at most once a row, with the first sentence that states it."""
        for row in rows:
            text = plain_text(row.text)
            phrased = (
                self._intents_in(" ".join(text.split())) if row.candidate_intents is None else row.candidate_intents
            )
            possible = [intent for intent in phrased if row.table in self._wording.intents[intent].tables]
            sentences = list(_sentences(text)) if possible else []
            for intent in possible:
                quote = next(
                    (sentence for sentence in sentences if self._states(sentence.lower(), intent, row.on)), None
                )
                if quote is not None:
                    yield Statement(row.account_id, intent, row.on, row.table, row.row, quote)

    def _intents_in(self, text: str) -> list[str]:
        said = text.lower()
        return [i for i, patterns in self._intents.items() if any(pattern.search(said) for pattern in patterns)]

    def themes(self, text: str) -> list[str]:
        """The themes that a text touches, in the order of the configuration."""
        said = text.lower()
        return [theme for theme, pattern in self._themes.items() if pattern.search(said)]

    def _states(self, sentence: str, intent: str, on: date) -> bool:
        """True where a sentence, in lower case, states the intent."""
        if any(pattern.search(sentence) for pattern in self._unless[intent]):
            return False
        found = (match for pattern in self._intents[intent] for match in pattern.finditer(sentence))
        said = any(not self._negated(sentence[: match.start()]) for match in found)
        return said and self._is_now(sentence, on)

    def _is_now(self, sentence: str, on: date) -> bool:
        """False for what may be, what was in an earlier year, and what is true of somebody else."""
        if self._condition is not None and self._condition.search(sentence):
            return False
        return all(int(year) >= on.year for year in _YEAR.findall(sentence))

    def _negated(self, before: str) -> bool:
        if self._negation is None:
            return False
        near = " ".join(before.split()[-_NEGATION_WINDOW:])
        return self._negation.search(near) is not None


def by_signal(found: Iterable[Statement], wording: PhraseSettings) -> dict[tuple[str, str], list[Statement]]:
    """By account and signal the statements that count for it: what is asserted, one for each row of text."""
    counted: dict[tuple[str, str], list[Statement]] = {}
    rows: set[tuple[str, str, str, int]] = set()
    for said in found:
        for signal in wording.signals_of(said.intent) if said.mode == "asserted" else ():
            row = (said.account_id, signal, said.table, said.row)
            if row not in rows:
                rows.add(row)
                counted.setdefault((said.account_id, signal), []).append(said)
    return counted


def _compile(phrase: str) -> re.Pattern[str]:
    """The phrase for a text in lower case, which halves the time of a search that ignores case.

    Only a phrase that has capital letters of its own still needs to ignore case.
    """
    has_capitals = any(letter.isupper() for letter in _ESCAPED.sub("", phrase))
    return re.compile(phrase, re.IGNORECASE if has_capitals else 0)


def _sentences(text: str) -> Iterator[str]:
    """The sentences of a text; a line that goes on in lower case belongs to the one before, a very long one is cut up."""
    for part in _SENTENCE.split(text):
        sentence = " ".join(part.split())
        for start in range(0, max(len(sentence) - _OVERLAP, 1), _LONGEST_SENTENCE - _OVERLAP):
            if piece := sentence[start : start + _LONGEST_SENTENCE]:
                yield piece
