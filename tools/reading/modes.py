"""The mode of a statement: asserted, or negated, hypothetical, past, or about somebody else.

Pure. In doubt a sentence is not asserted: a denial or a condition must never be read the wrong way round.
"""

import re
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from datetime import date

from domain.phrases import StatementKind
from domain.statements import StatementMode
from tools.reading.vocabulary import WORD, Vocabulary, Word

Span = tuple[int, int]
"""Places of the first word and after the last word."""

_STOP = re.compile(r"[;:\u2013\u2014!?\u2026]|\s-+\s|\.\s")
_AFTER = 3
"""Words behind a statement among which a negation denies it: "wir kündigen den Vertrag nicht"."""
_YEAR = re.compile(r"(?:19|20)\d\d")


@dataclass
class SentenceWords:
    """The words of one sentence, and where the concepts of one language stand in it."""

    text: str
    words: list[Word] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)
    """The signs before each word, and those behind the last."""
    spans: dict[int, list[Span]] = field(default_factory=dict)

    @classmethod
    def of(cls, text: str, vocabulary: Vocabulary) -> "SentenceWords":
        """Look every word of the sentence up, and every expression that begins with it."""
        sentence, end = cls(text), 0
        for match in WORD.finditer(text):
            sentence.gaps.append(text[end : match.start()])
            sentence.words.append(vocabulary.word(match.group()))
            end = match.end()
        sentence.gaps.append(text[end:])
        sentence.spans = vocabulary.spans(sentence.words)
        return sentence

    def at(self, concept: int) -> list[Span]:
        """The places of a concept."""
        return self.spans.get(concept, [])


@dataclass(frozen=True)
class Match:
    """Places at which the concepts of one combination stand."""

    kind: str
    language: int
    spans: tuple[Span, ...]

    @property
    def first(self) -> int:
        """The first word."""
        return min(start for start, _ in self.spans)

    @property
    def end(self) -> int:
        """The place after the last word."""
        return max(end for _, end in self.spans)

    def holds(self, span: Span) -> bool:
        """True where a word of the span is one of the match's own."""
        return any(start < span[1] and span[0] < end for start, end in self.spans)


class SentenceModes:
    """Reads the modes of what was found in one sentence, by the marks of one language."""

    def __init__(self, sentence: SentenceWords, marks: Mapping[str, int], reach: int, on: date) -> None:
        self._sentence, self._marks, self._reach, self._on = sentence, marks, reach, on
        self._plain = {place for span in sentence.at(marks["plain"]) for place in range(*span)}
        self._own: Set[int] = frozenset()
        self._parts = self._number_parts()

    def mode(self, match: Match, kind: StatementKind, words: Set[int] = frozenset()) -> StatementMode:
        """The mode of one match. ``words`` are the places of all words that say the kind: they deny nothing."""
        self._own = words
        if self._is_marked("about_others", match):
            return "about_others"
        if self._is_negated(match, kind):
            return "negated"
        if self._is_hypothetical(match, kind):
            return "hypothetical"
        if self._is_past(match):
            return "past"
        return "asserted"

    def same_part(self, one: Match, other: Match) -> bool:
        """True where both begin in one part of the sentence."""
        return self._parts[one.first] == self._parts[other.first]

    def _number_parts(self) -> list[int]:
        """By word: the number of its part. A part ends at a stop, a word of contrast, or a comma with a new subject."""
        contrast = {start for start, _ in self._sentence.at(self._marks["contrast"])}
        new_part = {start for start, _ in self._sentence.at(self._marks["new_part"])}
        numbers, part = [], 0
        for place in range(len(self._sentence.words)):
            gap = self._sentence.gaps[place]
            if place and (place in contrast or _STOP.search(gap) or ("," in gap and place in new_part)):
                part += 1
            numbers.append(part)
        return numbers

    def _outside(self, name: str, match: Match) -> Iterable[Span]:
        """Places of a mark that are neither words of the match itself nor of an expression that means nothing."""
        for span in self._sentence.at(self._marks[name]):
            if not match.holds(span) and span[0] not in self._plain and span[0] not in self._own:
                yield span

    def _is_marked(self, name: str, match: Match) -> bool:
        return any(True for _ in self._outside(name, match))

    def _in_part(self, name: str, match: Match) -> bool:
        parts = set(self._parts[match.first : match.end])
        return any(self._parts[start] in parts for start, _ in self._outside(name, match))

    def _is_negated(self, match: Match, kind: StatementKind) -> bool:
        if self._in_part("denied", match):
            return True
        own = kind.denials_inside or any(match.holds(span) for span in self._sentence.at(self._marks["negated"]))
        first = self._parts[match.first]
        last = self._parts[match.end - 1]
        for start, _ in self._outside("negated", match):
            if match.first - self._reach <= start < match.first and self._parts[start] == first:
                return True
            # A second negation behind the first denies nothing: "no answer, not even a call".
            if not own and match.first <= start < match.end + _AFTER and self._parts[start] in (first, last):
                return True
        return False

    def _is_hypothetical(self, match: Match, kind: StatementKind) -> bool:
        if not kind.questions_count and self._is_question(match):
            return True
        if not kind.conditions_count and self._is_marked("conditional", match):
            return True
        return self._in_part("uncertain", match)

    def _is_question(self, match: Match) -> bool:
        return any("?" in gap for gap in self._sentence.gaps[match.first + 1 :])

    def _is_past(self, match: Match) -> bool:
        if self._sentence.at(self._marks["still"]):
            return False
        years = (int(word.lower) for word in self._sentence.words if _YEAR.fullmatch(word.lower))
        return self._is_marked("past", match) or any(year < self._on.year for year in years)
