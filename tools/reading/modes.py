"""The mode of a statement: asserted, or negated, hypothetical, past, or about somebody else.

Pure. In doubt a sentence is not asserted: a denial or a condition must never be read the wrong way round.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from domain.phrase_notation import Phrase
from domain.phrases import Marks, PhraseSettings, StatementKind
from domain.statements import StatementMode

_NEVER = re.compile(r"[^\s\S]")
_NEAR_WORDS = 9
"""Words before a phrase among which a negation denies it."""
_HARD_STOP = r"[;:–—]|\s-\s|\.\s|[!?]"
_YEAR = re.compile(
    r"\b(?:in|back in|im jahr|im jahre|en|em|seit|desde|depuis|since)?\s?\b((?:19|20)\d\d)\b", re.IGNORECASE
)
_SINCE = ("since", "seit", "desde", "depuis")
_OLD_DAYS = 120
"""A year that ended longer ago than this is the past."""


@dataclass(frozen=True)
class Found:
    """One place at which a phrase was found in a sentence."""

    start: int
    end: int
    phrase: Phrase

    def moved(self, by: int) -> "Found":
        """The same place counted from a later sign."""
        return Found(self.start - by, self.end - by, self.phrase)

    def overlaps(self, other: "Found") -> bool:
        """True where both share a sign."""
        return self.start < other.end and other.start < self.end


class ModeReader:
    """Reads the mode of what was found, by the marks of one language."""

    def __init__(self, settings: PhraseSettings, language: str) -> None:
        self._settings, self._language = settings, language
        self._marks: Marks = settings.languages[language].marks
        self._own: dict[tuple[str, str], bool] = {}

    def mode(self, sentence: str, found: Found, kind: StatementKind, on: date) -> StatementMode:
        """The mode of one phrase in its sentence, written on a day."""
        if self._about_others.search(sentence):
            return "about_others"
        if self._is_hypothetical(sentence, found, kind):
            return "hypothetical"
        if self._is_negated(sentence, found):
            return "negated"
        if self._is_past(sentence, on) and not self._still.search(sentence):
            return "past"
        return "asserted"

    def same_part(self, sentence: str, first: Found, second: Found) -> bool:
        """True where both stand in one part of the sentence."""
        begin, end = self._part(sentence, first)
        return begin <= second.start < end

    def is_negation(self, phrase: Phrase) -> bool:
        """True for a phrase that is itself put as a negation: ``cannot see the value``."""
        return self._has_own(phrase, "negated")

    def _is_hypothetical(self, sentence: str, found: Found, kind: StatementKind) -> bool:
        if not kind.questions_count and self._is_question(sentence, found):
            return True
        if not kind.conditions_count:
            plain = _blanked(self._not_conditional, sentence)
            plain = plain[: found.start] + _blanked(self._indirect, plain[found.start :])
            if self._outside(self._conditional, plain, found, "conditional"):
                return True
        begin, _ = self._part(sentence, found)
        plain = _blanked(self._not_conditional, sentence)
        return self._outside(self._uncertain, plain[begin : found.end], found.moved(begin), "uncertain")

    def _is_question(self, sentence: str, found: Found) -> bool:
        mark = sentence.find("?", found.end - 1)
        return mark >= 0 or ("¿" in sentence[: found.start] and "?" in sentence)

    def _is_negated(self, sentence: str, found: Found) -> bool:
        begin, end = self._part(sentence, found)
        if self._denied.search(sentence[begin:end]) and not self._has_own(found.phrase, "denied"):
            return True
        plain = _blanked(self._not_negated, sentence)
        near = self._near(plain, begin, found.start)
        if self._outside(self._negated, plain[near : found.end], found.moved(near), "negated"):
            return True
        return bool(self._negated_after.match(plain[found.end : end]))

    def _near(self, sentence: str, begin: int, start: int) -> int:
        """Where the last words before ``start`` begin, not before ``begin``."""
        words = [word.start() for word in re.finditer(r"\S+", sentence[begin:start])]
        return begin + words[-_NEAR_WORDS] if len(words) > _NEAR_WORDS else begin

    def _outside(self, mark: re.Pattern[str], text: str, found: Found, field: str) -> bool:
        """True if a mark stands in the text other than as a part of the phrase itself."""
        own = self._has_own(found.phrase, field)
        if own and field == "negated":
            return False  # two negations in one part are nearly always one: "no answer, not even a call"
        return any(not (own and _overlap(each.span(), found)) for each in mark.finditer(text))

    def _has_own(self, phrase: Phrase, field: str) -> bool:
        """True if the phrase is itself written with such a mark: ``not renew``."""
        key = (phrase.text, field)
        if key not in self._own:
            words = re.sub(r"[()|?~*^]+", " ", phrase.text)
            self._own[key] = bool(getattr(self, f"_{field}").search(words))
        return self._own[key]

    def _is_past(self, sentence: str, on: date) -> bool:
        if self._past.search(sentence):
            return True
        for year in _YEAR.finditer(sentence):
            named = not year.group().casefold().startswith(_SINCE)
            if named and (on - date(int(year[1]), 12, 31)).days > _OLD_DAYS:
                return True
        return False

    def _part(self, sentence: str, found: Found) -> tuple[int, int]:
        """The part of the sentence in which the phrase begins: up to a new subject, or a word of contrast."""
        begin, end = 0, len(sentence)
        for stop in self._stops.finditer(sentence):
            if stop.end() <= found.start:
                begin = stop.end() if stop.end() > begin else begin
            elif stop.start() >= found.end:
                end = stop.start()
                break
        return begin, end

    @cached_property
    def _stops(self) -> re.Pattern[str]:
        new, contrast = self._expression(self._marks.new_part), self._expression(self._marks.contrast)
        return re.compile(rf"{_HARD_STOP}|,\s*(?={new.pattern})|{contrast.pattern}", re.IGNORECASE)

    def _expression(self, texts: Iterable[str]) -> re.Pattern[str]:
        phrases = self._settings.phrases(self._language, texts)
        return re.compile("|".join(phrase.exact for phrase in phrases), re.IGNORECASE) if phrases else _NEVER

    @cached_property
    def _negated(self) -> re.Pattern[str]:
        return self._expression(self._marks.negated)

    @cached_property
    def _negated_after(self) -> re.Pattern[str]:
        after = self._expression(self._marks.negated_after)
        # At most two words between the phrase and its denial: "wir kündigen den Vertrag nicht".
        return (
            after if after is _NEVER else re.compile(rf"\W*(?:[^\s,;.]+\s+){{0,2}}(?:{after.pattern})", re.IGNORECASE)
        )

    @cached_property
    def _not_negated(self) -> re.Pattern[str]:
        return self._expression(self._marks.not_negated)

    @cached_property
    def _denied(self) -> re.Pattern[str]:
        return self._expression(self._marks.denied)

    @cached_property
    def _conditional(self) -> re.Pattern[str]:
        return self._expression(self._marks.conditional)

    @cached_property
    def _not_conditional(self) -> re.Pattern[str]:
        return self._expression(self._marks.not_conditional)

    @cached_property
    def _indirect(self) -> re.Pattern[str]:
        return self._expression(self._marks.indirect)

    @cached_property
    def _uncertain(self) -> re.Pattern[str]:
        return self._expression(self._marks.uncertain)

    @cached_property
    def _past(self) -> re.Pattern[str]:
        return self._expression(self._marks.past)

    @cached_property
    def _still(self) -> re.Pattern[str]:
        return self._expression(self._marks.still)

    @cached_property
    def _about_others(self) -> re.Pattern[str]:
        return self._expression(self._marks.about_others)


def _overlap(span: tuple[int, int], found: Found) -> bool:
    return span[0] < found.end and found.start < span[1]


def _blanked(mark: re.Pattern[str], sentence: str) -> str:
    """The sentence with the marks replaced by as many signs that mean nothing."""
    return mark.sub(lambda each: "·" * len(each.group()), sentence)
