"""Configuration of reading: kinds of statements, and the phrases of each language by which they are heard.

One model for ``configs/phrases/kinds.yaml`` and one for each ``configs/phrases/<language>.yaml``.
"""

import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from domain.phrase_notation import Phrase, read_phrase
from domain.record import Record
from domain.setting import SomeDays

TextTable = Literal["notes", "tickets", "surveys"]
TEXT_TABLES: tuple[TextTable, ...] = ("notes", "tickets", "surveys")
Language = Annotated[str, Field(pattern="^[a-z]{2}$")]
"""ISO 639-1 code."""
KindName = Annotated[str, Field(pattern="^[a-z_]+$")]
COMPETITOR = "competitor"
"""Name under which the competitors stand among the words of every language."""

_SAMPLE_WORDS = {COMPETITOR: "corvane"}


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
    why: str = Field(min_length=10)


class Marks(Record):
    """Words by which a sentence is read as something other than an assertion. Each is in the notation of phrases."""

    negated: tuple[str, ...]
    """Before the phrase, or within it; ``negated_after`` right behind it."""
    negated_after: tuple[str, ...] = ()
    not_negated: tuple[str, ...] = ()
    """Taken out first: ``not only`` denies nothing."""
    denied: tuple[str, ...] = ()
    """Anywhere in the same part of the sentence: ``ruled out``, ``denied``, ``called off``."""
    conditional: tuple[str, ...]
    """Anywhere in the sentence: ``if``, ``unless``."""
    not_conditional: tuple[str, ...] = ()
    """Taken out first: ``if possible``, ``as if``."""
    indirect: tuple[str, ...] = ()
    """No condition of what stands before them: ``asked if``. What follows is a question all the same."""
    uncertain: tuple[str, ...]
    """Before the phrase, in the same part of the sentence: ``might``, ``would``, ``rumour``."""
    past: tuple[str, ...]
    still: tuple[str, ...]
    """With one of these a sentence is about today, whatever else it says."""
    about_others: tuple[str, ...]
    new_part: tuple[str, ...]
    """Words after a comma that begin a new part of a sentence, up to which a negation reaches."""
    contrast: tuple[str, ...]
    """Words that begin a new part without a comma: ``but``."""


class KindPhrases(Record):
    """Phrases of one kind in one language."""

    phrases: tuple[str, ...] = Field(min_length=1)
    unless: tuple[str, ...] = Field(default=(), description="A sentence with one of these is not of this kind.")


class LanguagePhrases(Record):
    """``configs/phrases/<language>.yaml``: the phrases of one language."""

    label: str
    common: tuple[str, ...] = Field(min_length=5, description="Frequent words by which the language is recognised.")
    words: dict[KindName, str] = Field(default={}, description="Words for phrases: {name} stands for one of them.")
    marks: Marks
    kinds: dict[KindName, KindPhrases]

    @model_validator(mode="after")
    def _phrases_are_in_the_notation(self) -> Self:
        words = self.words | _SAMPLE_WORDS
        for field in Marks.model_fields:
            _check(f"marks.{field}", getattr(self.marks, field), words, stems=False)
        for name, kind in self.kinds.items():
            _check(f"kinds.{name}.phrases", kind.phrases, words, stems=True)
            _check(f"kinds.{name}.unless", kind.unless, words, stems=False)
        return self


def _check(key: str, phrases: Iterable[str], words: Mapping[str, str], *, stems: bool) -> None:
    for text in phrases:
        try:
            phrase = read_phrase(text, words)
        except ValueError as error:
            raise ValueError(f"{key}: {error}") from None
        if stems and phrase is not None and not phrase.stems:
            raise ValueError(f"{key}: {text!r}: at least one word of two letters has to be in it")


class PhraseSettings(Record):
    """``configs/phrases/``: kinds, competitors, themes, and the languages that are read."""

    read: tuple[Language, ...] = Field(min_length=1, description="The languages that are read, each with its file.")
    window_days: SomeDays
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
        return self

    @property
    def stated_signals(self) -> tuple[str, ...]:
        """The signals that statements feed, in the order of the kinds."""
        return tuple(dict.fromkeys(signal for kind in self.kinds.values() for signal in kind.signals))

    def words(self, language: str) -> dict[str, str]:
        """The words of a language for its phrases, with the names of the competitors."""
        names = "|".join(_in_notation(name) for name in self.competitors)
        return self.languages[language].words | {COMPETITOR: names}

    def phrases(self, language: str, texts: Iterable[str]) -> tuple[Phrase, ...]:
        """Phrases of a language, without those that need words of which there are none."""
        words, common = self.words(language), self.languages[language].common
        return tuple(phrase for text in texts if (phrase := read_phrase(text, words, common)) is not None)

    @cached_property
    def negation(self) -> re.Pattern[str]:
        """Expression that matches a negation in any of the languages."""
        each = [p.exact for code, found in self.languages.items() for p in self.phrases(code, found.marks.negated)]
        return re.compile("|".join(each) or r"[^\s\S]", re.IGNORECASE)


def _in_notation(name: str) -> str:
    """The name of a competitor as a phrase: signs that mean something in the notation are blanks."""
    return " ".join(re.sub(r"[^\w&.']", " ", name).split())
