"""The notation of the phrase files: words as people write them, with a few signs, and the expressions made from it.

Pure. One notation gives two expressions: an exact one for Python, and a wider one for every engine, which never misses
what the exact one finds. No phrase can stall a search: repetitions are bounded, and nothing nests without end.

======================  =====================================================================================
sign                    meaning
======================  =====================================================================================
a space                 one or more signs that are no letters: a blank, a comma, a quotation mark
``*``                   the rest of the word, or nothing: ``cancel*`` is cancel, cancels, cancelled
``~``                   up to seven words in between
``(a|b)``               one of these; ``(a )?`` is one that may be missing, ``(a |b )*`` up to four of them
``{name}``              words listed under ``words`` in the same file; ``{competitor}`` the names in ``kinds.yaml``
``'`` and ``-``         may be missing: ``don't`` is also dont, ``show-stopper`` also show stopper
``{number}``            a number; ``{name}`` is a word with a capital letter, such as a name that nobody has listed
``^``                   the beginning of a sentence or of a part of it after a comma
======================  =====================================================================================
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

MAX_LENGTH = 2000
"""Signs of one phrase, with the words put in."""
MAX_DEPTH = 8
"""Groups within groups."""
_SHORTEST_STEM = 2
_BLANKS = (" ", " ~ ")
_SHORT = 4
"""A piece of a word of at most this length is looked for as a whole word, where it is one."""
_PIECES = 3
"""Pieces of words of one phrase that an engine looks for."""
_LONG_ENOUGH = 7
"""A stem of this length is rare in ordinary texts; a longer one is no better."""

_SIGNS = "* ~ ( | ) ? { } ^"
_GAP = r"[^\w.!?;]+(?:\w+[^\w.!?;]+){0,7}"
_TOKEN = re.compile(r" ~ | |\(|\)\?|\)\*|\)|\*|\||\^|#|@|'|-|[\w%&€$£/+.]")
_BUILT_IN = {"number": "#", "name": "@"}
"""Words that every language has, by the sign that stands for them once they are put in."""
_NAME = re.compile(r"\{([a-z_]+)\}")

_EXACT = {" ~ ": _GAP, " ": r"\W+", "*": r"\w*", "(": "(?:", ")": ")", ")?": ")?", ")*": "){0,4}", "|": "|", "'": "'?",
          "-": r"[\s-]?", "^": r"(?:^|(?<=[,;:–—(])\s?)", "#": "[0-9][0-9.,]*", "%": r"(?:%|(?<=%))"}  # fmt: skip


_WIDE = {" ~ ": "[^a-z0-9][^.!?;]*", " ": "[^a-z0-9]+", "*": r"\S*", "(": "(?:", ")": ")", ")?": ")?", ")*": ")*", "|": "|",
         "'": "'?", "-": r"[\s-]?", "^": "", "#": "[0-9][0-9.,]*", "@": r"\S+", "%": "%?"}  # fmt: skip


@dataclass(frozen=True)
class Phrase:
    """One phrase in the notation, with all words put in."""

    text: str
    no_names: tuple[str, ...] = ()
    """Words that are no name when they are written with a capital letter."""

    @property
    def exact(self) -> str:
        """Expression for Python, to be compiled without regard to case: the phrase as whole words."""
        others = "|".join(word.capitalize() for word in self.no_names)
        name = rf"(?-i:(?!(?:{others})\b)[A-ZÀ-Ý][\w.&-]+)"
        signs = _EXACT | {"@": name}
        return (
            rf"(?<!\w)(?:{''.join(signs.get(token) or re.escape(token) for token in _TOKEN.findall(self.text))})(?!\w)"
        )

    @cached_property
    def wide(self) -> str:
        """Expression for any engine: it matches every text on one line in which ``exact`` finds something.

        Letters outside ASCII are any sign, because engines compare them, and read ``\\w`` and ``\\b``, in different ways.
        """
        return "".join(_WIDE.get(token, wide_stem(token)) for token in _TOKEN.findall(self.text))

    @cached_property
    def outline(self) -> str:
        """A shorter expression that matches even more: the rarest pieces of words, in their order."""
        return _outline(_parse(self.text), _PIECES)

    @property
    def stems(self) -> frozenset[str]:
        """Pieces of words of which every match has at least one; empty where there is none."""
        return self.stem_sets[0] if self.stem_sets else frozenset()

    @cached_property
    def stem_sets(self) -> tuple[frozenset[str], ...]:
        """The rarest pieces of words: every match has at least one of each set."""
        parsed = _parse(self.text)
        found = {stems for piece in parsed if (stems := _stems((piece,)))}
        return tuple(sorted(found, key=lambda stems: (_worth(stems), sorted(stems)), reverse=True)[:_PIECES])


def read_phrase(text: str, words: Mapping[str, str], no_names: tuple[str, ...] = ()) -> Phrase | None:
    """A phrase with its words put in; None where it needs words of which there are none.

    Raises ValueError with the reason when it is not in the notation.
    """
    return _read(text, tuple(sorted(words.items())), no_names)


@lru_cache(maxsize=20_000)
def _read(text: str, words: Sequence[tuple[str, str]], no_names: tuple[str, ...]) -> Phrase | None:
    known = dict(words)
    full = " ".join(text.split())
    if sign := next((sign for sign in _BUILT_IN.values() if sign in full), None):
        raise ValueError(f"{text!r}: {sign!r} means nothing here; write words, and only the signs {_SIGNS}")
    for _ in range(MAX_DEPTH):
        full, count = _NAME.subn(lambda found: _group(found[1], known, text), full)
        if not count:
            break
        if len(full) > MAX_LENGTH:
            raise ValueError(f"{text!r} is longer than {MAX_LENGTH} signs with its words put in; make it shorter")
    full = full.lower()
    if problem := _problem(full):
        raise ValueError(f"{text!r}: {problem}")
    pruned = _without_nothing(full)
    return Phrase(pruned, no_names) if pruned else None


_NOTHING = "\N{EMPTY SET}"


def _group(name: str, words: Mapping[str, str], text: str) -> str:
    if name in _BUILT_IN:
        return _BUILT_IN[name]
    if name not in words:
        raise ValueError(f"{text!r}: there is no {name!r} under words; known: {', '.join(sorted(words)) or 'none'}")
    return f"({words[name] or _NOTHING})"


def _problem(text: str) -> str | None:
    """The first reason why this is not in the notation; None when it is."""
    rest = _TOKEN.sub("", text.replace(_NOTHING, "x"))
    if rest:
        return f"{rest[0]!r} means nothing here; write words, and only the signs {_SIGNS}"
    depth = 0
    for token in _TOKEN.findall(text):
        depth += {"(": 1, ")": -1, ")?": -1, ")*": -1}.get(token, 0)
        if depth < 0 or depth > MAX_DEPTH:
            break
    if depth:
        return f"parentheses do not close, or more than {MAX_DEPTH} are open"
    if re.search(r"\(\s*[|)]|\|\s*[|)]|^\s*\||\|\s*$", text) or not text.strip():
        return "a choice is empty"
    if "~" in text and re.search(r"(?:^|[(|]) ?~|~ ?(?:$|[|)])| ~ ~ ", text):
        return "words have to stand before and after ~"
    if re.search(r"\*\*", text):
        return "one * is enough"
    return None


@dataclass(frozen=True)
class _Choice:
    """One of several sequences; ``often`` is ``?`` when it may be missing, ``*`` when it may be repeated."""

    options: tuple[tuple["str | _Choice", ...], ...]
    often: str = ""


_Sequence = tuple["str | _Choice", ...]


def _parse(text: str) -> _Sequence:
    """The phrase as sequences of pieces of words and of choices."""
    open_: list[list[list[str | _Choice]]] = [[[]]]
    for token in _TOKEN.findall(text):
        if token == "(":
            open_.append([[]])
        elif token == "|":
            open_[-1].append([])
        elif token in (")", ")?", ")*"):
            options = tuple(tuple(option) for option in open_.pop())
            open_[-1][-1].append(_Choice(options, "" if token == ")" else token[1]))
        else:
            place = open_[-1][-1]
            if _is_letter(token) and place and isinstance(place[-1], str) and _is_letter(place[-1][-1]):
                place[-1] += token
            else:
                place.append(token)
    whole = open_[0]
    return (_Choice(tuple(tuple(option) for option in whole)),) if len(whole) > 1 else tuple(whole[0])


def _is_alike(sign: str) -> bool:
    """True where every engine reads the sign alike: ASCII, or of a script without capital letters."""
    return sign.isascii() or sign.lower() == sign.upper()


def wide_stem(stem: str) -> str:
    """A piece of a word for any engine: letters that engines compare in different ways are any sign."""
    return "".join(re.escape(sign) if _is_alike(sign) else r"\S" for sign in stem)


def _is_letter(token: str) -> bool:
    """True for a sign that a stem may hold."""
    return token.isalnum()


def _stems(sequence: _Sequence) -> frozenset[str] | None:
    """The set of stems that says most: its shortest is long, and it is small. None where nothing is certain."""
    found = []
    for piece in sequence:
        if isinstance(piece, str):
            if _is_letter(piece[-1]) and len(piece) >= (
                1 if piece.isalpha() and piece.lower() == piece.upper() else _SHORTEST_STEM
            ):
                found.append(frozenset((piece,)))
        elif not piece.often:
            each = [_stems(option) for option in piece.options]
            if all(each):
                found.append(frozenset().union(*(stems for stems in each if stems)))
    return max(found, key=_worth, default=None)


def _outline(sequence: _Sequence, most: int, starts: bool = True, ends: bool = True) -> str:
    """The rarest pieces of words in their order, with anything in between.

    ``starts`` and ``ends`` say that the sequence begins and ends with the beginning and the end of a word.
    """
    found: list[tuple[tuple[int, int], str]] = []
    for place, piece in enumerate(sequence):
        begins = sequence[place - 1] in _BLANKS if place else starts
        closes = sequence[place + 1] in _BLANKS if place + 1 < len(sequence) else ends
        if piece == "#":
            found.append(((2, 0), "[0-9]"))
        elif stems := _stems((piece,)):
            found.append((_worth(stems), _piece(piece, most, begins, closes)))
    rare = sorted((worth for worth, _ in found), reverse=True)[:most]
    kept = [text for worth, text in found if worth in rare]
    return ".*".join(kept)


def _piece(piece: "str | _Choice", most: int, begins: bool, closes: bool) -> str:
    if isinstance(piece, str):
        short = len(piece) <= _SHORT
        left = r"\b" if short and begins and piece[0].isascii() else ""
        right = r"\b" if short and closes and piece[-1].isascii() else ""
        return f"{left}{wide_stem(piece)}{right}"
    fewer = max(most - 1, 1) if most < _PIECES else most
    return f"(?:{'|'.join(sorted({_outline(option, fewer, begins, closes) for option in piece.options}))})"


def _worth(stems: frozenset[str]) -> tuple[int, int]:
    return min(min(len(stem) for stem in stems), _LONG_ENOUGH), -len(stems)


def _without_nothing(text: str) -> str:
    """The phrase without the choices that need words of which there are none; empty where nothing is left."""
    if _NOTHING not in text:
        return text
    return "|".join(
        option for option in (_shown(option) for option in _options(_parse_with_nothing(text))) if option is not None
    )


def _options(sequence: _Sequence) -> tuple[_Sequence, ...]:
    only = sequence[0] if len(sequence) == 1 else None
    return only.options if isinstance(only, _Choice) and not only.often else (sequence,)


def _parse_with_nothing(text: str) -> _Sequence:
    # A sign that is no letter of any word stands for the missing words while choices are taken out.
    return _parse(text.replace(_NOTHING, "+"))


def _shown(sequence: _Sequence) -> str | None:
    """The sequence in the notation; None where it cannot be."""
    parts = []
    for piece in sequence:
        if isinstance(piece, str):
            if piece == "+":
                return None
            parts.append(piece)
            continue
        options = [option for option in map(_shown, piece.options) if option is not None]
        if options:
            parts.append(f"({'|'.join(options)}){piece.often}")
        elif not piece.often:
            return None
    return "".join(parts)
