"""The expressions that an engine searches, so that only texts that may hold a statement leave it.

Pure. They find more than there is, never less: of each combination the words of its rarest concept, and of each
expression its rarest word, or two words that stand beside each other where all are frequent.
"""

from collections.abc import Iterable, Iterator

from tools.reading.vocabulary import WITHOUT_ACCENTS, Vocabulary
from tools.signals.plain_text import UNDECIDED

_LONGEST = 6_000
"""Characters of one expression. An engine's automaton for a longer one does not fit its memory and takes 100 times as long."""
_NO_LETTER = "[^a-z0-9]"
# Engines differ in which letters belong to a word, so \\b is not used: for some, it fails beside an accent.
_BEGIN, _END = f"(?:^|{_NO_LETTER})", f"(?:$|{_NO_LETTER})"
_SPELLED_OUT = {"ä": "ae", "ö": "oe", "ü": "ue"}


def text_filters(vocabulary: Vocabulary) -> tuple[str, ...]:
    """Expressions in the syntax that all engines share, for the plain text on one line: one of them has to match."""
    found = [UNDECIDED]
    for words in vocabulary.anchor_words():
        found += [_alternatives(part) for part in _parts(sorted({_pattern(*each) for each in words}))]
    return tuple(found)


def _parts(patterns: Iterable[tuple[str, bool]]) -> Iterator[list[tuple[str, bool]]]:
    """The patterns in as many lists as are needed so that none is too long."""
    part: list[tuple[str, bool]] = []
    length = 0
    for pattern in patterns:
        if part and length + len(pattern[0]) > _LONGEST:
            yield part
            part, length = [], 0
        part.append(pattern)
        length += len(pattern[0]) + 1
    if part:
        yield part


def _alternatives(patterns: Iterable[tuple[str, bool]]) -> str:
    """One expression: a word that begins like one of these, or is one of these."""
    whole: list[str] = []
    beginnings: list[str] = []
    for pattern, is_whole in patterns:
        (whole if is_whole else beginnings).append(pattern)
    if whole:
        beginnings.append(f"(?:{'|'.join(whole)}){_END}")
    return f"{_BEGIN}(?:{'|'.join(beginnings)})"


def _pattern(words: tuple[str, ...], spelled_out: bool) -> tuple[str, bool]:
    """One or two words as they may be written, and True where the last is a whole word."""
    first, last = (_letters(word, spelled_out) for word in (words[0], words[-1]))
    if len(words) == 1:
        return last, not words[0].endswith("*")
    ending = "[a-z0-9]*" if words[0].endswith("*") else ""
    return f"{first}{ending}{_NO_LETTER}+{last}", not words[-1].endswith("*")


def _letters(word: str, spelled_out: bool) -> str:
    letters = "".join(_letter(letter, spelled_out) for letter in word.rstrip("*"))
    return f"{letters[:-1]}'?t" if word.endswith("nt") else letters


def _letter(letter: str, spelled_out: bool) -> str:
    if letter.isascii():
        return letter
    if letter == "ß":
        return "(?:ß|ss)"
    # Both cases are written out: not every engine knows that É is é.
    either = f"[{letter.translate(WITHOUT_ACCENTS)}{letter}{letter.upper()}]"
    return f"(?:{either}|{_SPELLED_OUT[letter]})" if spelled_out and letter in _SPELLED_OUT else either
