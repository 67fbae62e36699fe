"""Configuration of reading: kinds of statements, and the words of each language by which they are recognised.

One model for ``configs/phrases/kinds.yaml`` and one for each ``configs/phrases/<language>.yaml``. Words are separated by
commas. ``*`` at the end of a word stands for any ending; several words stand next to each other, in this order; ``/``
separates words of which one stands there: ``another/other vendor*``.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from domain.record import Record
from domain.setting import SomeCount, SomeDays

TextTable = Literal["notes", "tickets", "surveys"]
TEXT_TABLES: tuple[TextTable, ...] = ("notes", "tickets", "surveys")
Language = Annotated[str, Field(pattern="^[a-z]{2}$")]
"""ISO 639-1 code."""
KindName = Annotated[str, Field(pattern="^[a-z_]+$")]
ConceptName = Annotated[str, Field(pattern="^[a-z_]+$")]
COMPETITOR = "competitor"
"""A concept of every language: the names in ``kinds.yaml``."""

_WORD = re.compile(r"[^\W_]+\*?")
_NOT = re.compile(r"n't\b", re.IGNORECASE)
_COMBINATION = re.compile(
    r"(?P<parts>[a-z_]+(?: \+ [a-z_]+)+|[a-z]+_[a-z_]+|competitor)(?: within (?P<within>[0-9]{1,2}))?$"
)


@dataclass(frozen=True)
class Combination:
    """Concepts that say something when all stand in one sentence, near each other, in any order."""

    concepts: tuple[str, ...] = ()
    expressions: tuple[tuple[str, ...], ...] = ()
    """Words next to each other, where it is a fixed expression and no combination of concepts."""
    within: int | None = None
    """Words from the first to the last; None: as many as ``kinds.yaml`` says."""


def split_expression(text: str) -> tuple[str, ...]:
    """The words of one expression, in lower case, ``don't`` as one word."""
    plain = _NOT.sub("nt", text) if "'" in text else text
    return tuple(_WORD.findall(plain.lower()))


def split_words(text: str) -> list[tuple[str, ...]]:
    """The expressions of a list that is separated by commas, each as its words."""
    found = []
    for part in text.split(","):
        if "/" in part:
            chosen = product(*(word.split("/") for word in part.split()))
            found += [split_expression(" ".join(each)) for each in chosen]
        elif words := split_expression(part):
            found.append(words)
    return found


def read_combination(text: str) -> Combination:
    """``rival + tries within 8`` as its concepts; anything else is a fixed expression."""
    found = _COMBINATION.match(text.strip())
    if found is None:
        return Combination(expressions=tuple(split_words(text)))
    return Combination(tuple(found["parts"].split(" + ")), within=int(found["within"]) if found["within"] else None)


class StatementKind(Record):
    """One kind of thing that people write: its meaning, and the signals that it feeds."""

    label: str
    definition: str = Field(min_length=10)
    tone: Literal["bad", "good", "neutral"]
    side: Literal["theirs", "ours"] = Field(default="theirs", description="Whose doing it is.")
    signals: tuple[str, ...] = Field(default=(), description="Stated signals that count rows with such a statement.")
    tables: tuple[TextTable, ...] = TEXT_TABLES
    weaker_than: tuple[KindName, ...] = Field(
        default=(), description="A sentence that is also of one of these kinds is not of this one."
    )
    questions_count: bool = Field(default=False, description="A question can state it: 'Any news?'")
    conditions_count: bool = Field(default=False, description="A condition is part of it: 'Ten per cent, or we leave.'")
    denials_inside: bool = Field(
        default=False, description="'Not' among or behind its words belongs to it: 'no answer'."
    )
    why: str = Field(min_length=10)


class Marks(Record):
    """Words by which a sentence is read as something other than an assertion, separated by commas."""

    plain: str = ""
    """Expressions that hold such words and mean nothing of the kind: ``not only``, ``if possible``."""
    negated: str
    """Shortly before the words that say something, among them, or right behind them."""
    denied: str
    """Anywhere in the same part of the sentence: ``ruled out``, ``called off``."""
    conditional: str
    """Anywhere in the sentence: ``if``, ``unless``."""
    uncertain: str
    """In the same part of the sentence: ``might``, ``rumour``."""
    past: str
    still: str
    """With one of these a sentence is about today, whatever else it says."""
    about_others: str
    new_part: str
    """Words after a comma that begin a new part of a sentence, up to which a negation reaches."""
    contrast: str
    """Words that begin a new part without a comma: ``but``."""


class KindWords(Record):
    """The combinations by which one kind is recognised in one language."""

    said_by: tuple[str, ...] = Field(min_length=1)
    unless: tuple[str, ...] = Field(default=(), description="A sentence with one of these is not of this kind.")


class LanguagePhrases(Record):
    """``configs/phrases/<language>.yaml``: the words of one language."""

    label: str
    common: str = Field(description="Frequent words by which the language is recognised.")
    frequent: str = Field(
        description="Frequent words of the trade: where an expression has another word, it is found by that."
    )
    umlauts_are_spelled_out: bool = Field(default=False, description="ae, oe, ue are also written for ä, ö, ü.")
    words: dict[ConceptName, str] = Field(description="By concept: the words that stand for it.")
    marks: Marks
    kinds: dict[KindName, KindWords]

    @model_validator(mode="after")
    def _concepts_are_known(self) -> Self:
        for name, text in self.words.items():
            if name == COMPETITOR:
                raise ValueError(f"words.{name}: every language has this concept already; choose another name")
            if not split_words(text):
                raise ValueError(f"words.{name}: write words, separated by commas")
        for name, kind in self.kinds.items():
            for key, texts in (("said_by", kind.said_by), ("unless", kind.unless)):
                self._check_combinations(f"kinds.{name}.{key}", texts)
        return self

    def _check_combinations(self, key: str, texts: Iterable[str]) -> None:
        for text in texts:
            found = read_combination(text)
            unknown = [name for name in found.concepts if name not in self.words and name != COMPETITOR]
            if unknown:
                raise ValueError(f"{key}: {text!r}: there is no concept {unknown[0]!r} under words")
            if not found.concepts and not found.expressions:
                raise ValueError(f"{key}: {text!r}: write concepts with + between them, or words")


class PhraseSettings(Record):
    """``configs/phrases/``: kinds, competitors, themes, and the languages that are read."""

    read: tuple[Language, ...] = Field(min_length=1, description="The languages that are read, each with its file.")
    window_days: SomeDays
    near: SomeCount
    """Words within which the concepts of a combination stand, unless it says otherwise."""
    negation_reach: SomeCount
    """Words before a statement among which a negation denies it."""
    texts_per_account: SomeCount
    """Newest texts of an account that are read, of those in which the engine found a word of a statement."""
    competitors: tuple[str, ...]
    kinds: dict[KindName, StatementKind] = Field(min_length=1)
    themes: dict[str, tuple[str, ...]]
    languages: dict[Language, LanguagePhrases]

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        for theme, phrases in self.themes.items():
            for phrase in phrases:
                try:
                    re.compile(phrase, re.IGNORECASE)
                except re.error as error:
                    raise ValueError(f"themes: {theme}: {phrase!r} is not a regular expression: {error}") from None
        for name, kind in self.kinds.items():
            if unknown := sorted(set(kind.weaker_than) - set(self.kinds)):
                raise ValueError(f"kinds: {name}: weaker_than: there is no kind {unknown[0]!r}")
        for code, language in self.languages.items():
            if unknown := sorted(set(language.kinds) - set(self.kinds)):
                raise ValueError(f"phrases/{code}.yaml: kinds: {unknown[0]}: there is no such kind in kinds.yaml")
        return self

    @property
    def stated_signals(self) -> tuple[str, ...]:
        """The signals that statements feed, in the order of the kinds."""
        return tuple(dict.fromkeys(signal for kind in self.kinds.values() for signal in kind.signals))

    def words(self, language: str) -> Mapping[str, str]:
        """The words of a language by concept, with the names of the competitors."""
        names = ", ".join(name.replace(",", " ") for name in self.competitors)
        return {**self.languages[language].words, COMPETITOR: names}

    @cached_property
    def negation(self) -> re.Pattern[str]:
        """Expression that matches a negation in any of the languages."""
        each = [words for language in self.languages.values() for words in split_words(language.marks.negated)]
        patterns = (r"\W+".join(_pattern(word) for word in words) for words in each)
        return re.compile(rf"\b(?:{'|'.join(patterns)})\b", re.IGNORECASE)


def _pattern(word: str) -> str:
    stem = re.escape(word.rstrip("*"))
    stem = f"{stem[:-1]}'?t" if stem.endswith("nt") else stem
    return stem + r"\w*" if word.endswith("*") else stem
