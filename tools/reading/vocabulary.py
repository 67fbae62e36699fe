"""The words of all languages that are read, in one table: which concepts a word stands for, or begins.

Pure. A word is looked up once and remembered, so that reading a sentence is one look-up a word.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple, TypeVar

from domain.phrases import Combination, Marks, PhraseSettings, read_combination, split_words

WORD = re.compile(r"[^\W_]+(?:(?<=n)'t\b)?", re.IGNORECASE)
"""One word of a text. A negated verb is one word: ``don't``."""
_REMEMBERED = 200_000
_COMMON_SHARE, _FREQUENT_SHARE = 0.2, 0.05
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})
WITHOUT_ACCENTS = str.maketrans("àáâãäåçèéêëìíîïñòóôõöùúûüýÿ", "aaaaaaceeeeiiiinooooouuuuyy", "")


class Key(NamedTuple):
    """An expression of a concept, found by its rarest word: what has to stand around that word."""

    concept: int
    words: tuple[tuple[str, bool], ...] = ()
    """All words of the expression, each with True where only its beginning is given; none where it is one word."""
    place: int = 0
    """Place of the rarest word among them."""

    @property
    def neighbour(self) -> int:
        """The word beside the rarest one: 1 for the one after it, -1 for the one before it, where there is none after."""
        return 1 if self.place + 1 < len(self.words) else -1

    def span(self, words: Sequence["Word"], place: int) -> tuple[int, int] | None:
        """Places of the first word and after the last one, with the rarest word at ``place``; None if others differ."""
        start = place - self.place
        if start < 0 or start + len(self.words) > len(words):
            return None
        for offset, (stem, is_beginning) in enumerate(self.words):
            lower = words[start + offset].lower
            if lower != stem and not (is_beginning and lower.startswith(stem)):
                return None
        return start, start + (len(self.words) or 1)


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a text, and the expressions that are found by it."""

    lower: str
    alone: tuple[int, ...]
    """Concepts for which it stands alone."""
    after: Mapping[str, tuple[Key, ...]]
    """Expressions found by it, by the word after it."""
    before: Mapping[str, tuple[Key, ...]]
    """The same by the word before it, where it is the last word of the expression."""
    others: tuple[Key, ...]
    """Those of which only the beginning of the neighbouring word is given."""
    is_known: bool
    """True where an expression may be found by it; False for most words."""
    bits: int
    """The concepts of combinations for which it stands whatever is beside it."""
    bits_after: Mapping[str, int]
    """Those for which it stands with a certain word after it."""
    bits_before: Mapping[str, int]
    """Those for which it stands with a certain word before it."""
    common: tuple[int, ...]
    """Numbers of the languages of which it is a frequent word."""


@dataclass(frozen=True)
class CompiledCombination:
    """A combination with the numbers of its concepts."""

    language: int
    kind: str
    concepts: tuple[int, ...]
    within: int


_NOTHING: Mapping[str, tuple[Key, ...]] = {}
_NO_BITS: Mapping[str, int] = {}
_Found = TypeVar("_Found")


class _Remembered(dict[str, _Found]):
    """What was found for a text; it is looked for once."""

    def __init__(self, find: Callable[[str], _Found]) -> None:
        super().__init__()
        self._find = find

    def __missing__(self, text: str) -> _Found:
        found = self[text] = self._find(text)
        return found


class Vocabulary:
    """The compiled words and combinations of a configuration."""

    def __init__(self, settings: PhraseSettings) -> None:
        self.settings = settings
        self.codes = tuple(settings.read)
        self._exact: dict[str, list[Key]] = defaultdict(list)
        self._prefixes: dict[str, list[Key]] = defaultdict(list)
        self._concepts: dict[tuple[int, str], int] = {}
        self._common: dict[str, list[int]] = defaultdict(list)
        self._frequent: set[str] = set()
        self._remembered = _Remembered(self._look_up)
        self._chunks = _Remembered(self._split_chunk)
        self.said: list[CompiledCombination] = []
        self.unless: dict[tuple[int, str], list[CompiledCombination]] = {}
        self.marks: list[dict[str, int]] = []
        for number in range(len(self.codes)):
            self._add_language(number)
        self._lengths = sorted({len(stem) for stem in self._prefixes})
        combined = dict.fromkeys(concept for combination in self.said for concept in combination.concepts)
        self._bits = {concept: 1 << place for place, concept in enumerate(combined)}
        self._anchored: dict[int, list[CompiledCombination]] = defaultdict(list)
        for combination in self.said:
            self._anchored[combination.concepts[0]].append(combination)
        self._anchor_bits = {
            self._bits[concept]: {
                sum({self._bits[each] for each in combination.concepts}) for combination in combinations
            }
            for concept, combinations in self._anchored.items()
        }
        self._anchors = sum(self._anchor_bits)

    def _add_language(self, number: int) -> None:
        code = self.codes[number]
        language = self.settings.languages[code]
        for words in split_words(language.common):
            self._common[words[0]].append(number)
        self._frequent.update(words[0] for words in split_words(language.frequent))
        for concept, text in self.settings.words(code).items():
            self._add_words(number, concept, split_words(text))
        self.marks.append(
            {
                name: self._add_words(number, f"marks.{name}", split_words(getattr(language.marks, name)))
                for name in Marks.model_fields
            }
        )
        for kind, given in language.kinds.items():
            self.said += [self._compile(number, kind, read_combination(text)) for text in given.said_by]
            self.unless[number, kind] = [self._compile(number, kind, read_combination(text)) for text in given.unless]

    def _concept(self, language: int, name: str) -> int:
        return self._concepts.setdefault((language, name), len(self._concepts))

    def _add_words(self, language: int, name: str, expressions: Iterable[tuple[str, ...]]) -> int:
        concept = self._concept(language, name)
        spelled_out = self.settings.languages[self.codes[language]].umlauts_are_spelled_out
        alone = Key(concept)
        for expression in expressions:
            if len(expression) == 1 and expression[0].isascii():
                self._index(expression[0], alone)
                continue
            place = self._rarest(expression)
            for words in _spellings(expression, spelled_out):
                stems = tuple((word.rstrip("*"), word.endswith("*")) for word in words) if len(words) > 1 else ()
                self._index(words[place], Key(concept, stems, place))
        return concept

    def _index(self, word: str, key: Key) -> None:
        if word.endswith("*"):
            self._prefixes[word[:-1]].append(key)
        else:
            self._exact[word].append(key)

    def _compile(self, language: int, kind: str, given: Combination) -> CompiledCombination:
        if given.concepts:
            concepts = tuple(self._concept(language, name) for name in given.concepts)
        else:
            concepts = (self._add_words(language, f"fixed {given.expressions}", given.expressions),)
        within = given.within or int(self.settings.near.value)
        return CompiledCombination(language, kind, concepts, within)

    def _rarest(self, expression: tuple[str, ...]) -> int:
        """The place of the word by which an expression is found."""
        if len(expression) == 1:
            return 0
        return min(range(len(expression)), key=lambda at: (self._word_share(expression[at]), -len(expression[at]), at))

    def _word_share(self, word: str) -> float:
        """A rough share of the words of a text: high for frequent words, lower the longer a word is."""
        if word in self._common:
            return _COMMON_SHARE
        return _FREQUENT_SHARE if word in self._frequent else 2.0 ** -len(word) / 4

    def may_say(self, words: Sequence[Word]) -> bool:
        """False where the concepts of no combination are there: quick, and true too often. Most texts end here."""
        bits = self._bits_of(words)
        anchors = bits & self._anchors
        while anchors:
            lowest = anchors & -anchors
            if any(needed & bits == needed for needed in self._anchor_bits[lowest]):
                return True
            anchors ^= lowest
        return False

    def _bits_of(self, words: Sequence[Word]) -> int:
        """The concepts that may stand among the words: of an expression, two words beside each other are looked at."""
        bits, last = 0, len(words) - 1
        for place in [place for place, word in enumerate(words) if word.is_known]:
            word = words[place]
            bits |= word.bits
            if word.bits_after and place < last:
                bits |= word.bits_after.get(words[place + 1].lower, 0)
            if word.bits_before and place:
                bits |= word.bits_before.get(words[place - 1].lower, 0)
            for key in word.others:
                if key.span(words, place) is not None:
                    bits |= self._bits.get(key.concept, 0)
        return bits

    def says(self, words: Sequence[Word]) -> bool:
        """False where the concepts of no combination stand near each other; never where a sentence of it says a kind."""
        spans = self.spans(words)
        return any(_is_near(combination, spans) for combination in self.likely(spans))

    def spans(self, words: Sequence[Word]) -> dict[int, list[tuple[int, int]]]:
        """By concept: the places at which it stands."""
        found: dict[int, list[tuple[int, int]]] = {}
        for place, word in enumerate(words):
            if word.is_known:
                for concept, span in self._found_by(word, words, place):
                    found.setdefault(concept, []).append(span)
        return found

    def likely(self, spans: Mapping[int, object]) -> list[CompiledCombination]:
        """The combinations of which every concept is there, however far apart."""
        return [
            combination
            for concept in spans
            for combination in self._anchored.get(concept, ())
            if all(each in spans for each in combination.concepts)
        ]

    def _found_by(self, word: Word, words: Sequence[Word], place: int) -> list[tuple[int, tuple[int, int]]]:
        """Concepts that stand at a word, each with its places."""
        found = [(concept, (place, place + 1)) for concept in word.alone] if word.alone else []
        keys = word.others
        if word.after and place + 1 < len(words):
            keys += word.after.get(words[place + 1].lower, ())
        if word.before and place:
            keys += word.before.get(words[place - 1].lower, ())
        for key in keys:
            if (span := key.span(words, place)) is not None:
                found.append((key.concept, span))
        return found

    def words(self, text: str) -> list[Word]:
        """The words of a text. What stands between two blanks is looked up at once."""
        if len(self._chunks) >= _REMEMBERED:
            self._chunks.clear()
        return list(chain.from_iterable(map(self._chunks.__getitem__, text.split())))

    def word(self, written: str) -> Word:
        """A word of a text, as it was written."""
        if len(self._remembered) >= _REMEMBERED:
            self._remembered.clear()
        return self._remembered[written]

    def _split_chunk(self, chunk: str) -> tuple[Word, ...]:
        return tuple(map(self.word, WORD.findall(chunk)))

    def _look_up(self, written: str) -> Word:
        lower = written.lower()
        if lower.endswith("n't"):
            lower = f"{lower[:-3]}nt"
        keys = list(self._exact.get(lower, ()))
        for length in self._lengths:
            if length > len(lower):
                break
            keys += self._prefixes.get(lower[:length], ())
        common = tuple(self._common.get(lower, ()))
        if not keys:  # most names and numbers: nothing more is made for them
            return Word(lower, (), _NOTHING, _NOTHING, (), False, 0, _NO_BITS, _NO_BITS, common)
        alone = [key.concept for key in keys if not key.words]
        beside: tuple[dict[str, list[Key]], dict[str, list[Key]]] = ({}, {})
        others = []
        for key in (key for key in keys if key.words):
            stem, is_beginning = key.words[key.place + key.neighbour]
            if is_beginning:
                others.append(key)
            else:
                beside[key.neighbour < 0].setdefault(stem, []).append(key)
        after, before = ({stem: tuple(each) for stem, each in found.items()} for found in beside)
        bits_after, bits_before = ({stem: self._bits_for(each) for stem, each in found.items()} for found in beside)
        return Word(
            lower,
            tuple(dict.fromkeys(alone)),
            after,
            before,
            tuple(others),
            True,
            sum(self._bits.get(concept, 0) for concept in set(alone)),
            {stem: bits for stem, bits in bits_after.items() if bits},
            {stem: bits for stem, bits in bits_before.items() if bits},
            common,
        )

    def _bits_for(self, keys: Iterable[Key]) -> int:
        return sum(self._bits.get(concept, 0) for concept in {key.concept for key in keys})


def _is_near(combination: CompiledCombination, spans: Mapping[int, Sequence[tuple[int, int]]]) -> bool:
    """True where every concept stands near enough to one place of the first."""
    reach = combination.within
    return any(
        all(
            any(end - first[0] <= reach and first[1] - start <= reach for start, end in spans[other])
            for other in combination.concepts[1:]
        )
        for first in spans[combination.concepts[0]]
    )


def _spellings(expression: tuple[str, ...], spelled_out: bool) -> set[tuple[str, ...]]:
    """The expression as it is written, without its accents, and where people do so with its umlauts spelled out."""
    if all(map(str.isascii, expression)):
        return {expression}
    found = {expression, tuple(word.translate(WITHOUT_ACCENTS).replace("ß", "ss") for word in expression)}
    if spelled_out:
        found.add(tuple(word.translate(_UMLAUTS) for word in expression))
    return found
