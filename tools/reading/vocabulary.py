"""The words of all languages that are read, in one table: which concepts a word stands for, or begins.

Pure. A word is looked up once and remembered, so that reading a sentence is one look-up a word.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

from domain.phrases import NAME, NUMBER, Combination, Marks, PhraseSettings, read_combination, split_words

WORD = re.compile(r"[^\W_]+(?:(?<=n)'t\b)?", re.IGNORECASE)
"""One word of a text. A negated verb is one word: ``don't``."""
_REMEMBERED = 200_000
_COMMON_SHARE, _FREQUENT_SHARE, _RARE_SHARE = 0.2, 0.05, 2.0**-8
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})
WITHOUT_ACCENTS = str.maketrans("àáâãäåçèéêëìíîïñòóôõöùúûüýÿ", "aaaaaaceeeeiiiinooooouuuuyy", "")


@dataclass(frozen=True)
class Key:
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


@dataclass(frozen=True)
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
    bits: int
    """The concepts of which something may be found by it; 0 for most words."""
    anchors: tuple[int, ...]
    """Those among them by which combinations are looked up."""
    common: tuple[int, ...]
    """Numbers of the languages of which it is a frequent word."""


@dataclass(frozen=True)
class CompiledCombination:
    """A combination with the numbers of its concepts."""

    language: int
    kind: str
    concepts: tuple[int, ...]
    within: int

    @cached_property
    def bits(self) -> int:
        """The concepts as a set of bits."""
        return sum({1 << concept for concept in self.concepts})


@dataclass
class _Language:
    code: str
    concepts: dict[str, int] = field(default_factory=dict)


class Vocabulary:
    """The compiled words and combinations of a configuration."""

    def __init__(self, settings: PhraseSettings) -> None:
        self.settings = settings
        self.codes = tuple(settings.read)
        self._exact: dict[str, list[Key]] = defaultdict(list)
        self._prefixes: dict[str, list[Key]] = defaultdict(list)
        self._expressions: dict[int, list[tuple[str, ...]]] = {}
        self._concepts: dict[tuple[int, str], int] = {}
        self._common: dict[str, list[int]] = defaultdict(list)
        self._frequent: set[str] = set()
        self._remembered: dict[str, Word] = {}
        self._chunks: dict[str, tuple[Word, ...]] = {}
        self.said: list[CompiledCombination] = []
        self.unless: dict[tuple[int, str], list[CompiledCombination]] = {}
        self.names: dict[int, int] = {}
        self.numbers: dict[int, int] = {}
        self.marks: list[dict[str, int]] = []
        for number in range(len(self.codes)):
            self._add_language(number)
        self._language_of = {number: language for (language, _), number in self._concepts.items()}
        self._lengths = sorted({len(stem) for stem in self._prefixes})
        self._anchored: dict[int, list[CompiledCombination]] = defaultdict(list)
        for combination in self.said:
            self._anchored[self.anchor(combination)].append(combination)

    def _add_language(self, number: int) -> None:
        code = self.codes[number]
        language = self.settings.languages[code]
        for words in split_words(language.common):
            self._common[words[0]].append(number)
        self._frequent.update(words[0] for words in split_words(language.frequent))
        self.names[number] = self._concept(number, NAME)
        self.numbers[number] = self._concept(number, NUMBER)
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
        known = self._expressions.setdefault(concept, [])
        for expression in expressions:
            known.append(expression)
            place = min(
                range(len(expression)), key=lambda at: (self._word_share(expression[at]), -len(expression[at]), at)
            )
            if len(expression) == 1 and expression[0].isascii():
                index = self._prefixes if expression[0].endswith("*") else self._exact
                index[expression[0].rstrip("*")].append(Key(concept))
                continue
            for words in _spellings(expression, spelled_out):
                stems = tuple((word.rstrip("*"), word.endswith("*")) for word in words) if len(words) > 1 else ()
                index = self._prefixes if words[place].endswith("*") else self._exact
                index[words[place].rstrip("*")].append(Key(concept, stems, place))
        return concept

    def _compile(self, language: int, kind: str, given: Combination) -> CompiledCombination:
        if given.concepts:
            concepts = tuple(self._concept(language, name) for name in given.concepts)
        else:
            concepts = (self._add_words(language, f"fixed {given.expressions}", given.expressions),)
        within = given.within or int(self.settings.near.value)
        return CompiledCombination(language, kind, concepts, within)

    def anchor(self, combination: CompiledCombination) -> int:
        """The concept by which a combination is found: the one that is written first."""
        return combination.concepts[0]

    def rarest(self, expression: tuple[str, ...]) -> str:
        """The word by which an expression is found."""
        return min(expression, key=lambda word: (self._word_share(word), -len(word)))

    def _word_share(self, word: str) -> float:
        """A rough share of the words of a text: high for frequent words, lower the longer a word is."""
        if word in self._common:
            return _COMMON_SHARE
        return _FREQUENT_SHARE if word in self._frequent else 2.0 ** -len(word) / 4

    def anchor_words(self) -> list[set[tuple[tuple[str, ...], bool]]]:
        """By language: words without one of which nothing is said, each with True where umlauts may be spelled out.

        Of an expression its rarest word; where that is a frequent one, the two beside each other that are rarest.
        """
        found: list[set[tuple[tuple[str, ...], bool]]] = [set() for _ in self.codes]
        for concept in self._anchored:
            language = self._language_of[concept]
            spelled_out = self.settings.languages[self.codes[language]].umlauts_are_spelled_out
            for each in self._expressions.get(concept, ()):
                found[language].add((self._rare_words(each), spelled_out))
        return found

    def _rare_words(self, expression: tuple[str, ...]) -> tuple[str, ...]:
        word = self.rarest(expression)
        if len(expression) == 1 or self._word_share(word) < _RARE_SHARE:
            return (word,)
        return min(pairwise(expression), key=lambda pair: self._word_share(pair[0]) * self._word_share(pair[1]))

    def may_say(self, words: Sequence[Word]) -> bool:
        """False where no combination can stand among the words: quick, and true too often."""
        bits = 0
        anchors = []
        for place, word in enumerate(words):
            if word.bits:
                bits |= word.bits
                if word.anchors:
                    anchors.append((place, word))
        for place, word in anchors:
            for concept, _ in self._found_by(word, words, place):
                for combination in self._anchored.get(concept, ()):
                    if combination.bits & bits == combination.bits:
                        return True
        return False

    def spans(self, words: Sequence[Word]) -> dict[int, list[tuple[int, int]]]:
        """By concept: the places at which it stands."""
        found: dict[int, list[tuple[int, int]]] = {}
        for place, word in enumerate(words):
            if word.bits:
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
        found = [(concept, (place, place + 1)) for concept in word.alone]
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
        found: list[Word] = []
        known = self._chunks
        for chunk in text.split():
            words = known.get(chunk)
            if words is None:
                if len(known) >= _REMEMBERED:
                    known.clear()
                words = known[chunk] = tuple(map(self.word, WORD.findall(chunk)))
            found += words
        return found

    def word(self, written: str) -> Word:
        """A word of a text, as it was written."""
        found = self._remembered.get(written)
        if found is None:
            if len(self._remembered) >= _REMEMBERED:
                self._remembered.clear()
            found = self._remembered[written] = self._look_up(written)
        return found

    def _look_up(self, written: str) -> Word:
        lower = written.lower()
        if lower.endswith("n't"):
            lower = f"{lower[:-3]}nt"
        keys = list(self._exact.get(lower, ()))
        for length in self._lengths:
            if length > len(lower):
                break
            keys += self._prefixes.get(lower[:length], ())
        alone = [key.concept for key in keys if not key.words]
        alone += self._shapes(written, lower, {self._language_of[concept] for concept in alone})
        beside: tuple[dict[str, list[Key]], dict[str, list[Key]]] = ({}, {})
        others = []
        for key in (key for key in keys if key.words):
            stem, is_beginning = key.words[key.place + key.neighbour]
            if is_beginning:
                others.append(key)
            else:
                beside[key.neighbour < 0].setdefault(stem, []).append(key)
        after, before = ({stem: tuple(each) for stem, each in found.items()} for found in beside)
        concepts = sorted({*alone, *(key.concept for key in keys)})
        return Word(
            lower,
            tuple(dict.fromkeys(alone)),
            after,
            before,
            tuple(others),
            sum(1 << concept for concept in concepts),
            tuple(concept for concept in concepts if concept in self._anchored),
            tuple(self._common.get(lower, ())),
        )

    def _shapes(self, written: str, lower: str, known_in: Set[int]) -> Iterator[int]:
        """The concepts of a number, and of a name: a word with a capital letter that is no word of the language."""
        if written[0].isdigit():
            yield from self.numbers.values()
        elif len(written) > 2 and lower not in self._common and lower not in self._frequent:
            inner = any(letter.isupper() for letter in written[1:]) and not written.isupper()
            for number, concept in self.names.items():
                if number not in known_in and (
                    inner
                    or (written[0].isupper() and not self.settings.languages[self.codes[number]].nouns_have_capitals)
                ):
                    yield concept


def _spellings(expression: tuple[str, ...], spelled_out: bool) -> set[tuple[str, ...]]:
    """The expression as it is written, without its accents, and where people do so with its umlauts spelled out."""
    if all(map(str.isascii, expression)):
        return {expression}
    found = {expression, tuple(word.translate(WITHOUT_ACCENTS).replace("ß", "ss") for word in expression)}
    if spelled_out:
        found.add(tuple(word.translate(_UMLAUTS) for word in expression))
    return found
