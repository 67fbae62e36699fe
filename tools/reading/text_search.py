"""The search in an engine for the texts that can hold a statement: first cheap, then exact enough.

Pure. Nothing is missed: what the phrases find in Python passes both steps in every engine. The first step looks for
pieces of words only, which costs the same for ten or for five thousand of them. The second tries the phrases on what is
left, a few at a time: one expression of them all would outgrow the memory of the engine's library and become slow.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from domain.phrase_notation import Phrase, wide_stem
from domain.phrases import PhraseSettings
from tools.signals.plain_text import UNDECIDED

_LONGEST = 3000
"""Characters of one expression of the second step."""


@dataclass(frozen=True)
class TextSearch:
    """Two steps over a text that an engine has made plain and put on one line, both without regard to case."""

    stems: str
    """Expression that every text with a statement matches."""
    phrases: tuple[str, ...]
    """Expressions of which every text with a statement matches at least one."""


def build_search(settings: PhraseSettings) -> TextSearch:
    """The search for all kinds in all languages that are read."""
    found: list[Phrase] = []
    for code in settings.read:
        for kind in settings.languages[code].kinds.values():
            found += settings.phrases(code, kind.phrases)
    return TextSearch(_any_stem(found), (*_packed(found), UNDECIDED))


def _any_stem(phrases: Iterable[Phrase]) -> str:
    stems = {stem for phrase in phrases for stem in phrase.stems}
    # A stem that holds another one adds nothing.
    least = [stem for stem in stems if not any(stem[i:j] in stems for i, j in _pieces(stem))]
    return "|".join([*sorted({wide_stem(stem) for stem in least}), UNDECIDED])


def _pieces(stem: str) -> Iterable[tuple[int, int]]:
    size = len(stem)
    return ((i, j) for i in range(size) for j in range(i + 1, size + 1) if j - i < size)


def _packed(phrases: Sequence[Phrase]) -> Iterable[str]:
    """The phrases in expressions of a limited length."""
    pack: list[str] = []
    for wide in dict.fromkeys(phrase.wide for phrase in phrases):
        if pack and sum(map(len, pack)) + len(wide) > _LONGEST:
            yield "|".join(pack)
            pack = []
        pack.append(wide)
    if pack:
        yield "|".join(pack)
