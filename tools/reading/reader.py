"""The reader: rows of text in, statements out, by the phrases of the configuration.

Pure. The same rows give the same statements with the same ids, in whatever order the rows come.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from domain.phrase_notation import Phrase
from domain.phrases import PhraseSettings
from domain.statements import Statement
from tools.reading.modes import Found, ModeReader
from tools.reading.sentences import quotation, sentences
from tools.reading.text_search import TextSearch, build_search
from tools.signals.plain_text import plain_text

_INDEXED = 3
"""First letters of a piece of a word by which phrases are looked up."""
_LONGEST_TEXT = 40_000
"""Signs of a text that are read; what follows is a log or a list."""
_SURE = 2
"""Different frequent words of a language from which on a text counts as written in it."""


@dataclass(frozen=True)
class TextRow:
    """One text of one account, as it was written: a note, a ticket or a survey comment."""

    account_id: str
    on: date
    table: str
    key: str
    """Id of the row, or its date where the table has no ids."""
    row: int
    text: str


@dataclass(frozen=True)
class _Place:
    """One phrase with the language and the kind that it belongs to."""

    language: str
    kind: str
    phrase: Phrase


class StatementReader:
    """Reads texts by the phrases of a configuration."""

    def __init__(self, settings: PhraseSettings) -> None:
        self._settings = settings
        self._compiled: dict[str, re.Pattern[str]] = {}
        self._unless: dict[tuple[str, str], re.Pattern[str]] = {}
        self._modes = {code: ModeReader(settings, code) for code in settings.read}

    @cached_property
    def search(self) -> TextSearch:
        """What an engine looks for, so that only texts that may hold a statement leave it."""
        return build_search(self._settings)

    def read(self, rows: Iterable[TextRow]) -> Iterator[Statement]:
        """Every statement of every row: a sentence states a kind at most once, and the same row counts once."""
        seen: set[str] = set()
        for row in rows:
            for statement in self._read_row(row):
                if statement.id not in seen:
                    seen.add(statement.id)
                    yield statement

    def themes(self, text: str) -> list[str]:
        """The themes that a text touches, in the order of the configuration."""
        return [theme for theme, pattern in self._themes.items() if pattern.search(text)]

    def _read_row(self, row: TextRow) -> Iterator[Statement]:
        text = plain_text(row.text)[:_LONGEST_TEXT]
        spoken = self._languages_of(text)
        for sentence in dict.fromkeys(sentences(text)):
            places = self._places(sentence.lower())
            if not places:
                continue
            own = self._languages_of(sentence)
            yield from self._read_sentence(row, sentence, places, own if len(own) < len(spoken) else spoken)

    def _read_sentence(
        self, row: TextRow, sentence: str, places: Iterable[_Place], languages: tuple[str, ...]
    ) -> Iterator[Statement]:
        found: dict[str, dict[str, list[Found]]] = defaultdict(lambda: defaultdict(list))
        for place in places:
            if place.language in languages:
                for match in self._expression(place.phrase).finditer(sentence):
                    found[place.kind][place.language].append(Found(match.start(), match.end(), place.phrase))
        kinds = {
            kind: each
            for kind, each in found.items()
            if not all(self._ruled_out(sentence, kind, code) for code in each)
        }
        for name, by_language in kinds.items():
            kind = self._settings.kinds[name]
            if row.table in kind.tables and not kinds.keys() & set(kind.weaker_than):
                code = next(c for c in languages if c in by_language and not self._ruled_out(sentence, name, c))
                yield self._statement(row, sentence, name, code, by_language[code])

    def _statement(self, row: TextRow, sentence: str, name: str, code: str, found: list[Found]) -> Statement:
        kind, reader = self._settings.kinds[name], self._modes[code]
        modes = [(each, reader.mode(sentence, each, kind, row.on)) for each in sorted(found, key=lambda f: f.start)]
        meant = [each for each, mode in modes if mode == "asserted" and reader.is_negation(each.phrase)]
        others = [
            each
            for each, mode in modes
            if mode != "asserted" and not (mode == "negated" and any(each.overlaps(other) for other in meant))
        ]
        # An assertion counts only where no other reading of the same part of the sentence speaks against it.
        sure = [m for m in modes if m[1] == "asserted" and not any(reader.same_part(sentence, m[0], o) for o in others)]
        place, mode = sure[0] if sure else next((m for m in modes if m[1] != "asserted"), modes[0])
        words = quotation(sentence, place.start, place.end)
        return Statement(
            id=statement_id(row, name, words),
            account_id=row.account_id,
            kind=name,
            mode=mode,
            on=row.on,
            table=row.table,
            key=row.key,
            row=row.row,
            quotation=words,
            language=code,
        )

    def _ruled_out(self, sentence: str, kind: str, language: str) -> bool:
        key = (language, kind)
        if key not in self._unless:
            texts = self._settings.languages[language].kinds[kind].unless
            each = [phrase.exact for phrase in self._settings.phrases(language, texts)]
            self._unless[key] = re.compile("|".join(each) or r"[^\s\S]", re.IGNORECASE)
        return self._unless[key].search(sentence) is not None

    def _places(self, sentence: str) -> list[_Place]:
        """The phrases of which a piece of a word stands in the sentence, in the order of the configuration."""
        hit: set[int] = set()
        for start in range(len(sentence) - 1):
            for stem, numbers in self._index.get(sentence[start : start + _INDEXED], ()):
                if sentence.startswith(stem, start):
                    hit.update(numbers)
        for stem, numbers in self._short:
            if stem in sentence:
                hit.update(numbers)
        found = [self._all_places[number] for number in sorted(hit)]
        return [place for place in found if all(_has_any(sentence, stems) for stems in place.phrase.stem_sets[1:])]

    def _expression(self, phrase: Phrase) -> re.Pattern[str]:
        if phrase.text not in self._compiled:
            self._compiled[phrase.text] = re.compile(phrase.exact, re.IGNORECASE)
        return self._compiled[phrase.text]

    def _languages_of(self, text: str) -> tuple[str, ...]:
        """The languages that a text may be written in: those with most frequent words, or all when it has too few."""
        words = set(re.findall(r"\w+", text.lower()))
        counts = {code: len(words & common) for code, common in self._common.items()}
        most = max(counts.values(), default=0)
        return tuple(code for code, count in counts.items() if count == most or (count and most < _SURE))

    @cached_property
    def _common(self) -> Mapping[str, frozenset[str]]:
        return {code: frozenset(self._settings.languages[code].common) for code in self._settings.read}

    @cached_property
    def _all_places(self) -> list[_Place]:
        return [
            _Place(code, name, phrase)
            for name in self._settings.kinds
            for code in self._settings.read
            if name in self._settings.languages[code].kinds
            for phrase in self._settings.phrases(code, self._settings.languages[code].kinds[name].phrases)
        ]

    @cached_property
    def _by_stem(self) -> Mapping[str, set[int]]:
        numbers: dict[str, set[int]] = defaultdict(set)
        for number, place in enumerate(self._all_places):
            for stem in place.phrase.stems:
                numbers[stem].add(number)
        return numbers

    @cached_property
    def _index(self) -> Mapping[str, list[tuple[str, set[int]]]]:
        index: dict[str, list[tuple[str, set[int]]]] = defaultdict(list)
        for stem, numbers in self._by_stem.items():
            if len(stem) >= _INDEXED:
                index[stem[:_INDEXED]].append((stem, numbers))
        return dict(index)

    @cached_property
    def _short(self) -> list[tuple[str, set[int]]]:
        return [(stem, numbers) for stem, numbers in self._by_stem.items() if len(stem) < _INDEXED]

    @cached_property
    def _themes(self) -> Mapping[str, re.Pattern[str]]:
        return {theme: re.compile("|".join(each), re.IGNORECASE) for theme, each in self._settings.themes.items()}


def _has_any(sentence: str, stems: Iterable[str]) -> bool:
    return any(stem in sentence for stem in stems)


def asserted_signals(statements: Iterable[Statement], settings: PhraseSettings) -> list[tuple[str, str]]:
    """Account and signal of each row with an asserted statement that feeds the signal, sorted."""
    rows = {
        (said.account_id, signal, said.table, said.key, said.row)
        for said in statements
        if said.mode == "asserted"
        for signal in settings.kinds[said.kind].signals
    }
    return sorted((account, signal) for account, signal, *_ in rows)


def statement_id(row: TextRow, kind: str, sentence: str) -> str:
    """The same next week and in another row order: the row number is no part of it."""
    parts = "\0".join((row.account_id, row.table, row.key, kind, sentence))
    return f"quote:{hashlib.sha256(parts.encode()).hexdigest()[:16]}"
