"""The sentences of a text, on one line each, and a quotation of at most 200 characters from one of them.

Pure. A sentence is never put together from two places: it stands verbatim in the text on one line.
"""

import re
from collections.abc import Iterator

LONGEST_QUOTATION = 200
_LONGEST_SENTENCE = 600
_OVERLAP = 200
# Where a sentence may end. A line that goes on in lower case belongs to the one before, unless it is an entry of a list.
_BREAK = re.compile(
    r"(?<=[.!?;…])[\"'»”’)\]]*\s+|(?<=[.!?][\"'»”’)\]])\s+|\s*\n\s*\n\s*|\s*\n(?=\s*(?:[-*•–+>]|\d{1,2}[.)])\s)|\s*\n(?!\s*[a-zß-öø-ÿ])"
    r"|\s+(?:\||//|•)\s+"
)
_BLANKS = re.compile(r"[^\S\n]+")
_BLANK_LINES = re.compile(r"\n ?\n[\n ]*")
_TITLE = re.compile(r"(?:^|[\s(\"'])(?:[A-Z]|mr|mrs|ms|dr|prof|st|mme|sr|sra|hr|fr)\.$", re.IGNORECASE)
_ABBREVIATION = re.compile(
    r"(?:^|[\s(\"'])(?:approx|appt|incl|excl|resp|dept|vs|etc|inc|ltd|co|corp|no|nos|fig|est|min|max|hrs|wk|mgmt|acct|jan|feb|mar|apr|jun|jul"
    r"|aug|sept?|oct|nov|dec|bzw|ca|evtl|ggf|inkl|exkl|nr|str|usw|zzgl|tel|abt|mio|vgl|sog|div|mind|mlle|env|cf|éd|srta|ud|uds|pág|núm|aprox"
    r"|dpto|exmo|exma|art|e\.g|i\.e|z\.\s?b|d\.\s?h|u\.\s?a|p\.\s?ex|p\.\s?ej|o\.\s?ä|a\.m|p\.m|\d{1,2})\.$",
    re.IGNORECASE,
)
_GOES_ON = re.compile(r"[\"'(]*[a-zß-öø-ÿ0-9]")
_MONTH = re.compile(
    r"(?:januar|februar|märz|april|mai|juni|juli|august|september|oktober|november|dezember)\b", re.IGNORECASE
)


def _is_inside(before: str, after: str) -> bool:
    """True where a full stop ends an abbreviation or a number and not the sentence."""
    if _TITLE.search(before):
        return True
    return bool(_ABBREVIATION.search(before) and (_GOES_ON.match(after) or _MONTH.match(after)))


def sentences(text: str) -> Iterator[str]:
    """The sentences of a plain text in their order; a very long one comes in pieces that overlap."""
    for part in _whole_sentences(_BLANK_LINES.sub("\n\n", _BLANKS.sub(" ", text))):
        sentence = " ".join(part.split())
        for start in range(0, max(len(sentence) - _OVERLAP, 1), _LONGEST_SENTENCE - _OVERLAP):
            if piece := _between_blanks(sentence, start, start + _LONGEST_SENTENCE):
                yield piece


def _between_blanks(sentence: str, start: int, end: int) -> str:
    """A piece of the sentence that begins and ends with a whole word, where it has blanks."""
    if start > 0:
        start = max(sentence.find(" ", start, end), start)
    if end < len(sentence):
        blank = sentence.rfind(" ", start + 1, end)
        end = blank if blank > 0 else end
    return sentence[start:end].strip()


def _whole_sentences(text: str) -> Iterator[str]:
    """Pieces between the places where a sentence ends; a full stop of an abbreviation is none."""
    begin = 0
    for found in _BREAK.finditer(text):
        part = text[begin : found.start()]
        if "\n" not in found.group() and _is_inside(part[-14:], text[found.end() : found.end() + 14]):
            continue
        yield text[begin : found.end()]
        begin = found.end()
    yield text[begin:]


def quotation(sentence: str, start: int, end: int) -> str:
    """The sentence, or as much of it around ``start`` to ``end`` as is allowed, cut between words."""
    if len(sentence) <= LONGEST_QUOTATION:
        return sentence
    room = LONGEST_QUOTATION - min(end - start, LONGEST_QUOTATION)
    first = 0 if end <= LONGEST_QUOTATION else max(0, start - room // 2)
    last = min(len(sentence), first + LONGEST_QUOTATION)
    first = max(0, last - LONGEST_QUOTATION)
    if first > 0:
        blank = sentence.find(" ", first, max(start, first) + 1)
        first = blank + 1 if blank >= 0 else first
    if last < len(sentence):
        blank = sentence.rfind(" ", min(end, last), last + 1)
        blank = blank if blank >= 0 else sentence.rfind(" ", first, last)
        last = blank if blank > first else last
    return sentence[first:last].strip()
