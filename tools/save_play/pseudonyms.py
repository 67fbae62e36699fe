"""Texts with pseudonyms in place of names, and the way back from a quotation to the words of the text. Pure.

A pseudonym comes from the lasting id of a person or an account, so that it is the same in every text and week. The way
back goes by places, never by words: a pseudonym that somebody wrote into a text, or that a model invents, leads nowhere.
Names that no list knows are not found, nor is an ordinary word in small letters that is somebody's name ("mark").
"""

import hashlib
import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from domain.text_to_read import KnownName, NameKind
from tools.save_play.quotation_filter import name_parts, private_spans

_TITLES: Mapping[NameKind, str] = {"customer": "Customer", "colleague": "Colleague", "company": "Company"}
_CONSONANTS, _VOWELS = "bdfgklmnprstvz", "aeiou"
_SYLLABLES = 3
_LETTER, _NO_LETTER = r"(?<![^\W_])", r"(?![^\W_])"
_GENITIVE_FROM = 4
"""Letters of a name from which on an s behind it may be a genitive: "Baumanns"."""
_LOOK_ALIKES = {**dict.fromkeys("‘’‚‛´`", "'"), **dict.fromkeys("“”„‟«»", '"'), **dict.fromkeys("‐‑‒–—−", "-")}
_LOOK_ALIKES |= {"‹": "<", "›": ">", "…": "..."}
_MARGIN = 100
"""Letters that are looked at and not sent where a text is cut: a number that the cut goes through would not be found."""
_AROUND = " \t\r\n\"'“”„«»‘’."
_MARKS = {ord("<"): "‹", ord(">"): "›"}
"""Signs that could close the fence around a text, or stand for an order of the model's own language."""


@dataclass(frozen=True)
class _Piece:
    """A part of what is sent, and where it comes from."""

    sent: int
    sent_end: int
    start: int
    end: int
    hidden: bool


@dataclass(frozen=True)
class HiddenText:
    """A text as it may be sent."""

    text: str
    """The text as it is sent."""
    people: Mapping[str, KnownName | None]
    """By pseudonym in the text whose it is; None where several people share the part of a name that stands there."""
    is_cut: bool
    _original: str = field(repr=False)
    _pieces: tuple[_Piece, ...] = field(repr=False)

    def original(self, quotation: str) -> str | None:
        """The words of the text, on one line, that a quotation from what was sent stands for; None where it does not stand there."""
        signs, places = self._squeezed
        wanted = _squeeze(quotation.strip(_AROUND))[0].strip()
        at = signs.find(wanted) if wanted else -1
        while at >= 0:
            end = at + len(wanted)
            if not _cuts_a_word(signs, at) and not _cuts_a_word(signs, end):
                start, last = self._start(places[at]), self._end(places[end - 1])
                return " ".join(self._original[start:last].split())
            at = signs.find(wanted, at + 1)
        return None

    @cached_property
    def _squeezed(self) -> tuple[str, list[int]]:
        return _squeeze(self.text)

    def _start(self, place: int) -> int:
        piece = self._piece(place)
        return piece.start if piece.hidden else piece.start + place - piece.sent

    def _end(self, place: int) -> int:
        piece = self._piece(place)
        return piece.end if piece.hidden else piece.start + place - piece.sent + 1

    def _piece(self, place: int) -> _Piece:
        return next(piece for piece in self._pieces if piece.sent <= place < piece.sent_end)


def hide_names(text: str, names: Sequence[KnownName], ordinary_words: Collection[str], longest: int) -> HiddenText:
    """The beginning of the text, at most ``longest`` letters, with pseudonyms for the names and marks for what is private.

    Parts of names that are ``ordinary_words`` count only with a capital letter.
    """
    original = "".join(c if c.isprintable() or c == "\n" else " " for c in text[: longest + 2 * _MARGIN])
    ends = len(original) - (_MARGIN if len(text) > len(original) else 0)
    pseudonyms = _Pseudonyms(original)
    pieces: list[_Piece] = []
    people: dict[str, KnownName | None] = {}
    sent, at, is_cut = "", 0, False
    spans = list(_hidden_spans(original, _Names(names, ordinary_words)))
    ends = min([ends, *(start for start, end, *_ in spans if end > ends)])  # nothing that is cut through is sent
    spans = [span for span in spans if span[1] <= ends]
    for start, end, word, owners in [*spans, (ends, ends, "", ())]:
        room = longest - len(sent)
        is_cut = start - at > room
        plain = original[at : at + room] if is_cut else original[at:start]
        if is_cut:
            plain = plain[: plain.rfind(" ") + 1] or plain
        sent, pieces = _add(sent, pieces, plain.translate(_MARKS), at, at + len(plain), hidden=False)
        if is_cut or not (word or owners):
            break
        name = pseudonyms.of(owners) if owners else word
        if len(sent) + len(name) > longest:
            is_cut = True
            break
        sent, pieces = _add(sent, pieces, name, start, end, hidden=True)
        if owners and owners[0].kind != "company":
            people[name] = owners[0] if len(owners) == 1 else None
        at = end
    return HiddenText(sent, people, is_cut or len(text) > len(original), text[: len(original)], tuple(pieces))


def _add(
    sent: str, pieces: list[_Piece], shown: str, start: int, end: int, *, hidden: bool
) -> tuple[str, list[_Piece]]:
    if not shown:
        return sent, pieces
    return sent + shown, [*pieces, _Piece(len(sent), len(sent) + len(shown), start, end, hidden)]


_Span = tuple[int, int, str, tuple[KnownName, ...]]


def _hidden_spans(text: str, known: "_Names") -> Iterator[_Span]:
    """Places to hide, in order: private data with its word, names with those whose they are."""
    private: list[_Span] = [(start, end, word, ()) for start, end, word in private_spans(text)]
    named: list[_Span] = [(start, end, "", owners) for start, end, owners in known.find(text)]
    last = 0
    for start, end, word, owners in sorted([*private, *named], key=lambda each: (each[0], -each[1])):
        if end <= last:
            continue
        yield max(start, last), end, word, owners
        last = end


class _Names:
    """The names of one account's texts, by how they may be written."""

    def __init__(self, names: Sequence[KnownName], ordinary_words: Collection[str]) -> None:
        self._owners: dict[str, dict[str, KnownName]] = {}
        forms: dict[str, bool] = {}
        for name in names:
            for form in _forms(name):
                self._owners.setdefault(form.casefold(), {})[name.key] = name
                is_strict = form.casefold() in ordinary_words
                forms[form] = forms.get(form, False) or is_strict
        self._strict = frozenset(form.casefold() for form, is_strict in forms.items() if is_strict)
        longest = sorted({form.casefold() for form in forms}, key=lambda form: (-len(form), form))
        bounded = [re.escape(form) for form in longest if not _is_unspaced(form)]
        unspaced = [re.escape(form) for form in longest if _is_unspaced(form)]
        parts = [f"{_LETTER}(?:{'|'.join(bounded)})(?P<s>s?){_NO_LETTER}"] if bounded else []
        parts += [f"(?:{'|'.join(unspaced)})"] if unspaced else []
        self._pattern = re.compile("|".join(parts), re.IGNORECASE) if parts else None

    def find(self, text: str) -> Iterator[tuple[int, int, tuple[KnownName, ...]]]:
        """Places of names in the text, and those whose they may be, by id."""
        for match in self._pattern.finditer(text) if self._pattern else ():
            found = match[0].casefold()
            if found not in self._owners and match.groupdict().get("s"):
                if len(found) <= _GENITIVE_FROM or not match[0][:1].isupper():
                    continue
                found = found[:-1]
            owners = self._owners.get(found) or self._like(found)
            if found in self._strict and not match[0][:1].isupper():
                continue
            yield match.start(), match.end(), tuple(owners[key] for key in sorted(owners))

    def _like(self, found: str) -> dict[str, KnownName]:
        """The owners of a form that differs in letters of which the capital has a form of its own, like the Turkish I."""
        return next(
            (each for form, each in self._owners.items() if re.fullmatch(re.escape(form), found, re.IGNORECASE)),
            next(iter(self._owners.values())),
        )


def _forms(name: KnownName) -> set[str]:
    """The ways in which a name may be written."""
    whole = " ".join(unicodedata.normalize("NFC", name.name).split())
    if not name.in_parts:
        return {whole} if len(whole) > 1 else set()
    joined = re.sub(r"[\s\-.]+", "", whole)
    return name_parts(name.name) | ({joined} if len(joined) > 1 else set())


def _is_unspaced(form: str) -> bool:
    """True for names in a writing that sets no spaces between words."""
    return any("\u0e00" <= sign <= "\u0eff" or "\u3040" <= sign <= "\u9fff" for sign in form)


class _Pseudonyms:
    """Pseudonyms that do not stand in the text already."""

    def __init__(self, text: str) -> None:
        self._text = text.casefold()
        self._given: dict[tuple[str, ...], str] = {}

    def of(self, owners: Sequence[KnownName]) -> str:
        """The pseudonym of one person or company; of several who share the part of a name, one of its own."""
        keys = tuple(owner.key for owner in owners)
        if keys not in self._given:
            title, salt = _TITLES[owners[0].kind], 0
            while (name := f"{title}-{_invented_name('+'.join(keys), salt)}") in self._given.values() or (
                name.partition("-")[2].casefold() in self._text
            ):
                salt += 1
            self._given[keys] = name
        return self._given[keys]


def _invented_name(key: str, salt: int) -> str:
    digest = hashlib.sha256(f"{key}\0{salt}".encode("utf-8", "replace")).digest()
    pairs = zip(digest[::2], digest[1::2], strict=True)
    syllables = (_CONSONANTS[one % len(_CONSONANTS)] + _VOWELS[other % len(_VOWELS)] for one, other in pairs)
    return "".join(next(syllables) for _ in range(_SYLLABLES)).capitalize()


def _squeeze(text: str) -> tuple[str, list[int]]:
    """The text with single spaces and signs written in one way, and for each of its letters the place in the text."""
    signs: list[str] = []
    places: list[int] = []
    for place, sign in enumerate(text):
        for written in " " if sign.isspace() else _LOOK_ALIKES.get(sign, sign):
            if written == " " and signs and signs[-1] == " ":
                continue
            signs.append(written)
            places.append(place)
    return "".join(signs), places


def _cuts_a_word(signs: str, at: int) -> bool:
    return 0 < at < len(signs) and signs[at - 1].isalnum() and signs[at].isalnum()
