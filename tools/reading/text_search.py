"""The search in an engine for the texts that can hold a statement: first cheap, then exact enough.

Pure. Nothing is missed: what the phrases find in Python passes both steps in every engine. The first step looks for
pieces of words only, which costs the same for ten or for five thousand of them. The second tries the phrases on what is
left, a few at a time, and only those of the languages in which a text may be written: one expression of them all would
outgrow the memory of the engine's library and become a hundred times slower.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from domain.phrase_notation import Phrase, wide_stem
from domain.phrases import PhraseSettings
from tools.signals import match_sql
from tools.signals.plain_text import UNDECIDED

_LONGEST = 8000
"""Characters of one expression of phrases. Shorter ones are more of them; from about 12,000 on each is three times as slow."""
_LONGEST_OUTLINE = 12_000


@dataclass(frozen=True)
class TextSearch:
    """Expressions over a text that an engine has made plain and put on one line, all without regard to case."""

    stems: str
    """Every text with a statement matches it."""
    languages: dict[str, str]
    """By language its frequent words. A text without one of any language may be in every language."""
    packs: dict[str, tuple[str, ...]]
    """By language its phrases. A text with a statement matches one of these expressions."""
    outlines: tuple[str, ...]
    """For a server: every text with a statement matches one of them. They are fewer, shorter and wider."""


def build_search(settings: PhraseSettings) -> TextSearch:
    """The search for all kinds in all languages that are read."""
    found = {
        code: [settings.phrases(code, kind.phrases) for kind in settings.languages[code].kinds.values()]
        for code in settings.read
    }
    every = [phrase for kinds in found.values() for phrases in kinds for phrase in phrases]
    outlines = dict.fromkeys(phrase.outline for phrase in every)
    return TextSearch(
        stems="|".join([_any_stem(every), UNDECIDED]),
        languages={code: whole_words(map(wide_stem, settings.languages[code].common)) for code in settings.read},
        packs={code: _packs([phrase for phrases in kinds for phrase in phrases]) for code, kinds in found.items()},
        outlines=(*("|".join(each) for each in _parts(list(outlines), _LONGEST_OUTLINE)), UNDECIDED),
    )


def whole_words(words: Iterable[str]) -> str:
    """An expression of these words, begun and ended by a sign that is no letter in ASCII."""
    return f"(?:^|[^a-z0-9])(?:{'|'.join(words)})(?:[^a-z0-9]|$)"


def _packs(phrases: Iterable[Phrase]) -> tuple[str, ...]:
    return tuple(whole_words(part) for part in _parts(list(dict.fromkeys(phrase.wide for phrase in phrases)), _LONGEST))


def _parts(texts: Sequence[str], longest: int) -> Iterable[list[str]]:
    """The texts in their order, in parts of a limited length."""
    part: list[str] = []
    for text in texts:
        if part and sum(map(len, part)) + len(text) > longest:
            yield part
            part = []
        part.append(text)
    if part:
        yield part


def _any_stem(phrases: Iterable[Phrase]) -> str:
    stems = {stem for phrase in phrases for stem in phrase.stems}
    # A stem that holds another one adds nothing.
    least = [stem for stem in stems if not any(stem[i:j] in stems for i, j in _pieces(len(stem)))]
    return "|".join(sorted({wide_stem(stem) for stem in least}))


def _pieces(size: int) -> Iterable[tuple[int, int]]:
    return ((i, j) for i in range(size) for j in range(i + 1, size + 1) if j - i < size)


def search_sql(line: str, search: TextSearch) -> str:
    """A condition of the embedded engine: the line passes both steps."""
    known = {code: match_sql(line, words) for code, words in search.languages.items()}
    each = []
    for code, packs in search.packs.items():
        others = " or ".join(words for other, words in known.items() if other != code)
        written = f"({known[code]} or not ({others}))" if others else "true"
        found = [match_sql(line, pack) for pack in packs]
        each.append(f"({written} and ({' or '.join(found)}))")
    return f"({match_sql(line, search.stems)} and ({' or '.join(each)} or {match_sql(line, UNDECIDED)}))"
