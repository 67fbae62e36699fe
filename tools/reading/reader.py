"""The reader: rows of text in, statements out, by the words of the configuration.

Pure. The same rows give the same statements in whatever order they come. Text is evidence to quote, never followed.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property, lru_cache
from itertools import pairwise, product

from domain.phrases import PhraseSettings
from domain.statements import StatementMode
from tools.reading.modes import Match, SentenceModes, SentenceWords, Span
from tools.reading.sentences import quotation, sentences
from tools.reading.vocabulary import WORD, CompiledCombination, Vocabulary, Word
from tools.signals.plain_text import plain_text

_LONGEST_TEXT = 40_000
"""Characters of a text that are read; what follows is a log or a list."""
_MOST_PLACES = 12
"""Places of one concept in a sentence that are tried; a sentence with more is a list of words."""
_SURE = 2
"""Different frequent words of a language from which on a sentence counts as written in it."""


@dataclass(frozen=True)
class TextRow:
    """One text of one account, as it was written: a note, a ticket or a survey comment."""

    account_id: str
    on: date
    table: str
    row: int
    text: str


@dataclass(frozen=True)
class FoundStatement:
    """One kind that one sentence of one row states. ``quote`` is the sentence on one line, at most 200 characters."""

    account_id: str
    kind: str
    mode: StatementMode
    on: date
    table: str
    row: int
    quote: str
    language: str | None
    """None where a person read it."""
    read_by: str = "phrases"
    """``phrases`` or ``person:<name>``."""
    read_on: date | None = None
    """Day on which a person read it."""


@dataclass(frozen=True, eq=False)
class _Same:
    """Settings as a key of the cache: two that are equal but not the same are compiled twice."""

    settings: PhraseSettings

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.settings is self.settings

    def __hash__(self) -> int:
        return id(self.settings)


@lru_cache(maxsize=4)
def _compile(key: _Same) -> Vocabulary:
    """The words of a configuration: a review reads several times by the same one."""
    return Vocabulary(key.settings)


class StatementReader:
    """Reads texts by the words of a configuration."""

    def __init__(self, settings: PhraseSettings) -> None:
        self._settings = settings

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The words of all languages that are read."""
        return _compile(_Same(self._settings))

    def read(self, rows: Iterable[TextRow]) -> Iterator[FoundStatement]:
        """Every statement of every row: a sentence states a kind at most once, and the same sentence counts once a row."""
        vocabulary = self.vocabulary
        for row in rows:
            text = plain_text(row.text)[:_LONGEST_TEXT]
            words = vocabulary.words(text)
            if vocabulary.may_say(words) and vocabulary.says(words):
                likely = (each for each in sentences(text) if vocabulary.may_say(vocabulary.words(each)))
                yield from self.read_whole(row, likely, text)

    def read_whole(self, row: TextRow, sentences: Iterable[str], text: str) -> Iterator[FoundStatement]:
        """Read these sentences of a text with modes and distances, without the quick look that most texts do not pass."""
        words = self.vocabulary.words(text)
        for sentence in dict.fromkeys(sentences):
            yield from self._read_sentence(row, SentenceWords.of(sentence, self.vocabulary), words)

    def themes(self, text: str) -> list[str]:
        """The themes that a text touches, in the order of the configuration."""
        return [theme for theme, pattern in self._themes.items() if pattern.search(text)]

    def _read_sentence(self, row: TextRow, words: SentenceWords, text: Sequence[Word]) -> Iterator[FoundStatement]:
        found: dict[tuple[str, int], list[Match]] = defaultdict(list)
        for combination in self.vocabulary.likely(words.spans):
            for match in _matches(combination, words):
                found[combination.kind, combination.language].append(match)
        if not found:
            return
        spoken = self._languages_of(words, text)
        ruled = {key: each for key, each in found.items() if key[1] in spoken and not self._is_ruled_out(*key, words)}
        kinds = {kind for kind, _ in ruled}
        modes = {language: self._modes(row, words, language) for _, language in ruled}
        for name, kind in self._settings.kinds.items():
            language = next((code for code in spoken if (name, code) in ruled), None)
            if language is None or row.table not in kind.tables or kinds & set(kind.weaker_than):
                continue
            match, mode = self._weigh(ruled[name, language], name, modes[language])
            begin, end = _characters(words, match)
            quote = quotation(words.text, begin, end)
            yield FoundStatement(
                row.account_id, name, mode, row.on, row.table, row.row, quote, self.vocabulary.codes[language]
            )

    def _modes(self, row: TextRow, words: SentenceWords, language: int) -> SentenceModes:
        return SentenceModes(words, self.vocabulary.marks[language], int(self._settings.negation_reach.value), row.on)

    def _weigh(self, matches: list[Match], name: str, modes: SentenceModes) -> tuple[Match, StatementMode]:
        """The match that counts: an assertion only where nothing in the same part of the sentence speaks against it."""
        kind = self._settings.kinds[name]
        words = frozenset(place for match in matches for span in match.spans for place in range(*span))
        read = [
            (match, modes.mode(match, kind, words))
            for match in sorted(matches, key=lambda each: (each.first, each.end))
        ]
        others = [match for match, mode in read if mode != "asserted"]
        for match, mode in read:
            if mode == "asserted" and not any(modes.same_part(match, other) for other in others):
                return match, mode
        return next((each for each in read if each[1] != "asserted"), read[0])

    def _is_ruled_out(self, kind: str, language: int, words: SentenceWords) -> bool:
        return any(True for each in self.vocabulary.unless[language, kind] for _ in _matches(each, words))

    def _languages_of(self, words: SentenceWords, text: Sequence[Word]) -> tuple[int, ...]:
        """The languages that the sentence, or else its text, may be written in, likeliest first; all where few words tell."""
        for each in (words.words, text):
            counts = Counter(
                language for word in {word.lower: word for word in each}.values() for language in word.common
            )
            most = max(counts.values(), default=0)
            if most >= _SURE:
                near = [language for language, count in counts.items() if count >= most - 1]
                return tuple(sorted(near, key=lambda language: (-counts[language], language)))
        return tuple(range(len(self.vocabulary.codes)))

    @cached_property
    def _themes(self) -> Mapping[str, re.Pattern[str]]:
        return {theme: re.compile("|".join(each), re.IGNORECASE) for theme, each in self._settings.themes.items()}


def _matches(combination: CompiledCombination, words: SentenceWords) -> Iterator[Match]:
    """For each place of the first concept, the nearest places of the others that are near enough and not the same words."""
    places = [words.at(concept)[:_MOST_PLACES] for concept in combination.concepts]
    if not all(places):
        return
    for first in places[0]:
        best: tuple[int, tuple[Span, ...]] | None = None
        for others in product(*places[1:]):
            spans = (first, *others)
            extent = max(end for _, end in spans) - min(start for start, _ in spans)
            if extent <= combination.within and _are_apart(spans) and (best is None or (extent, spans) < best):
                best = (extent, spans)
        if best is not None:
            yield Match(combination.kind, combination.language, best[1])


def _are_apart(spans: tuple[Span, ...]) -> bool:
    ordered = sorted(spans)
    return all(one[1] <= other[0] for one, other in pairwise(ordered))


def _characters(words: SentenceWords, match: Match) -> tuple[int, int]:
    """Where the match begins and ends in the sentence, counted in characters."""
    places = [found.span() for found in WORD.finditer(words.text)]
    return places[match.first][0], places[match.end - 1][1]


def asserted_signals(statements: Iterable[FoundStatement], settings: PhraseSettings) -> list[tuple[str, str]]:
    """Account and signal of each row with an asserted statement that feeds the signal, sorted."""
    rows = {
        (said.account_id, signal, said.table, said.row)
        for said in statements
        if said.mode == "asserted"
        for signal in settings.kinds[said.kind].signals
    }
    return sorted((account, signal) for account, signal, *_ in rows)
