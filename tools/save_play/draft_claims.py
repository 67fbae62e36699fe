"""Checks of a draft, sentence by sentence: what is traced to the record, and what a sentence says that nothing supports. Pure.

It marks rather too much: a mark costs a look, an unsupported promise in an e-mail costs more. What stands here refuses nothing.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import date

from domain.text_drafts import CheckedSentence, ClaimKind, TextPart, UnsupportedClaim
from tools.save_play.draft_record import DraftRecord, RecordLine, normalise, stem
from tools.wording import plural

_SENTENCES = re.compile(r"(?<=[.!?])\s+(?=[^a-z])")
_QUOTED = re.compile(r"“([^“”]*)”|\"([^\"]*)\"|„([^“”„]*)[“”]|»([^«»]*)«")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_NUMBER = re.compile(r"(?<![\w.])\d[\d.,]*(?![\w])|\d+")
_RECORD_ID = re.compile(r"\b[A-Z]{1,4}-\d[\w-]*\b")
_MONEY = re.compile(r"[$€£¥]")
_ADDRESS = re.compile(
    r"https?|www\.|://|\S@\S|\.(?:com|net|org|io|example)\b|[\[\]{}<>|`=~*\\]|/\w+/|&\w+;|<!--|#", re.IGNORECASE
)
_MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_DAY = re.compile(
    rf"\b(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*,? )?(?:(?P<d1>\d{{1,2}})(?:st|nd|rd|th)?(?: of)? (?P<m1>{_MONTHS})[a-z]*"
    rf"|(?P<m2>{_MONTHS})[a-z]* (?P<d2>\d{{1,2}})(?:st|nd|rd|th)?)(?:,? (?P<y1>\d{{4}}))?\b"
    r"|\b(?P<y2>\d{4})-(?P<m3>\d\d)-(?P<d3>\d\d)\b",
    re.IGNORECASE,
)
_LOOSE_DAY = re.compile(
    r"\b(?:within|in a few|in some) (?:days|weeks)\b|\b(?:in|by|until|before|of|for) (?:march|may)\b|\bsoon\b|\bnoon\b|\bmidnight\b"
    r"|\b(?:mon|tue|tues|wed|weds|thu|thurs|fri|sat|sun)\b",
    re.IGNORECASE,
)
_FIRST_PERSON = r"(?:we|i|our (?:\w+ ){0,2}\w+|you(?:r \w+)?|everything|it|this|that|they)"
_PROMISE = re.compile(
    rf"\b(?:will|shall)\b|(?:'|’)ll\b|\b{_FIRST_PERSON} (?:can|could|promise|guarantee|commit|swear|are going to|am going to|is going to|agree to)\b"
    r"|\byou (?:\w+ )?(?:get|receive|shall|need not|may have|do not have to|don['’]t have to|have our word)\b"
    r"|\b(?:is|are|be) (?:repaired|fixed|solved|gone|done|settled|ready|delivered) (?:by|until|before|within|soon|on)\b",
    re.IGNORECASE,
)
_CONCESSION = re.compile(
    r"\b(?:cut|lower|reduce|halve|drop|freeze)\w* (?:\w+ ){0,3}(?:price|prices|fee|fees|invoice|cost)\w*"
    r"|\b(?:price|fee|cost)s? (?:\w+ ){0,2}(?:by half|down|lower)\b|\b(?:no|without|at no) (?:extra |further )?(?:cost|charge|fee)\b"
    r"|\b(?:not|n['’]t|nothing|need not|never) (?:\w+ ){0,2}pay\b|\bfor nothing\b|\bon the house\b|\bon us\b|\bgratis\b|\bliab\w+|\bextend\w*\b"
    r"|\b(?:stop|skip|delay|withhold)\w* (?:\w+ )?pay\w*|\b(?:smaller|reduced|cheaper|lower) (?:invoice|price|fee|contract)s?\b"
    r"|\bwithout a signature\b|\bfree\b|\bindemn\w+|\bpenalt\w+",
    re.IGNORECASE,
)
_GREETING = re.compile(r"\b(?:best|kind|warm) (?:regards|wishes)\b|\blook(?:ing)? forward\b", re.IGNORECASE)
_NUMBERED = re.compile(r"^\d{1,2}[.)] ")
_ORDER = re.compile(r"^\W*(?:do not|don['’]t|stop|never|system:|assistant:|user:)", re.IGNORECASE)
_LETTERS_BETWEEN = re.compile(r"(?<=[a-z])-(?=[a-z])")
_NEAR, _REACH = 3, 40
"""Words, and letters, on each side of a number that tell what it counts."""
_LINKS = frozenset(
    {"of", "the", "in", "on", "for", "to", "from", "by", "a", "and", "is", "are", "at", "your", "our", "their"}
)
_SHARED, _MOST_SHARED = 2, 0.6
"""A promise is one of the plan when it shares two words, and three of five, with a step."""
_MODALS = frozenset({"will", "shall", "would", "could", "should"})
_RUN = 5
"""Words in a row, two of them with a meaning, that make a sentence the customer's own words."""
_STRANGE_ASKED = 2
"""Unknown words from which on a question is marked: it asks, and may ask for something new."""
_SHOWN = 4


def check_text(text: str, record: DraftRecord) -> tuple[tuple[CheckedSentence, ...], ...]:
    """The lines of a draft, each as its sentences, with what is traced and what is not supported."""
    return tuple(tuple(_check_line(line, record)) for line in normalise(text).split("\n"))


def _check_line(line: str, record: DraftRecord) -> Iterator[CheckedSentence]:
    """The sentences of a line. A sentence of code or a quotation is never cut, whatever stands in it."""
    spans = _traced(line, record)
    whole = [*(span[:2] for span in spans), *(match.span() for match in _QUOTED.finditer(line))]
    ends = [m.end() for m in _SENTENCES.finditer(line) if not any(a < m.end() and m.start() < b for a, b in whole)]
    for start, end in zip([0, *ends], [*ends, len(line)], strict=True):
        own = [(a - start, b - start, source) for a, b, source in spans if start <= a < end]
        if line[start:end].strip():
            yield _check(line[start:end], own, record)


def claims_of(lines: Sequence[Sequence[CheckedSentence]]) -> list[UnsupportedClaim]:
    """Everything that nothing supports, in the order of the text."""
    return [claim for line in lines for sentence in line for claim in sentence.claims]


def marks_note(lines: Sequence[Sequence[CheckedSentence]]) -> str:
    """One sentence on the marks of a draft."""
    marked = sum(bool(sentence.claims) for line in lines for sentence in line)
    if not marked:
        return "Everything in it is traced to the record, or says nothing about the account."
    return f"{plural(marked, 'sentence')} {'say' if marked > 1 else 'says'} something that no fact supports; check what is marked."


def _check(sentence: str, spans: list["Span"], record: DraftRecord) -> CheckedSentence:
    rest = _GREETING.sub(lambda found: " " * len(found[0]), _without(sentence, spans))
    claims = dict.fromkeys((*_quotation_claims(sentence, spans, record), *_claims(rest, sentence, spans, record)))
    return CheckedSentence(parts=_parts(sentence, [*spans, *_traced_figures(rest, record)]), claims=tuple(claims))


Span = tuple[int, int, RecordLine]


# what is traced ----------------------------------------------------------------------------------------------------


def _traced(sentence: str, record: DraftRecord) -> list[Span]:
    """Sentences of code, quotations that stand on record, and numbers of records. None overlaps another."""
    found: list[Span] = []
    plain = sentence.casefold()
    for phrase, line in sorted(record.phrases.items(), key=lambda item: (-len(item[0]), item[0])):
        start = plain.find(phrase)
        while start >= 0:
            end = start + len(phrase)
            if _is_whole(plain, start, end) and _is_free(found, start, end):
                found.append((start, end, line))
            start = plain.find(phrase, end)
    for match in _QUOTED.finditer(sentence):
        said = _said(next(filter(None, match.groups()), ""), record)
        if said is not None and _is_free(found, *match.span()):
            found.append((*match.span(), said))
    for match in _RECORD_ID.finditer(sentence):
        own = [
            each
            for each in record.lines
            if not each.is_outsiders and re.search(rf"\b{re.escape(match[0])}\b", each.text)
        ]
        own.sort(key=lambda each: not each.text.startswith(match[0]))
        known = next(iter(own), None)
        if known is not None and _is_free(found, *match.span()):
            found.append((*match.span(), known))
    return found


def _is_whole(text: str, start: int, end: int) -> bool:
    return not text[max(start - 1, 0) : start].isalnum() and not text[end : end + 1].isalnum()


def _is_free(spans: Sequence[Span], start: int, end: int) -> bool:
    return all(end <= other or start >= until for other, until, _ in spans)


def _said(words: str, record: DraftRecord) -> RecordLine | None:
    """The text in which an outsider said this, word for word."""
    plain = words.strip().rstrip(".,!?…").strip().casefold()
    if len(plain) < 2:
        return None
    return next((line for line in record.outsiders if plain in line.text.casefold()), None)


def _without(sentence: str, spans: Sequence[Span]) -> str:
    """The sentence with what is traced and what is quoted made blank, letter for letter."""
    blank = [*(span[:2] for span in spans), *(match.span() for match in _QUOTED.finditer(sentence))]
    letters = list(sentence)
    for start, end in blank:
        letters[start:end] = " " * (end - start)
    return _NUMBERED.sub(lambda found: " " * len(found[0]), "".join(letters))


def _traced_figures(rest: str, record: DraftRecord) -> list[Span]:
    found: list[Span] = []
    for match in _DAY.finditer(rest):
        line = _day_line(match, rest, record)
        if line is not None:
            found.append((*match.span(), line))
    for match in _NUMBER.finditer(rest):
        line = _number_line(match, rest, record) if _is_free(found, *match.span()) else None
        if line is not None:
            found.append((*match.span(), line))
    return found


def _parts(sentence: str, spans: Sequence[Span]) -> tuple[TextPart, ...]:
    parts, at = [], 0
    for start, end, line in sorted(spans, key=lambda span: span[0]):
        if start > at:
            parts.append(TextPart(text=sentence[at:start]))
        parts.append(TextPart(text=sentence[start:end], source=line.source))
        at = end
    return (*parts, *([TextPart(text=sentence[at:])] if at < len(sentence) else []))


# what is not -------------------------------------------------------------------------------------------------------


def _claim(kind: ClaimKind, words: str) -> UnsupportedClaim:
    return UnsupportedClaim(kind=kind, words=" ".join(words.split())[:80])


def _quotation_claims(sentence: str, spans: Sequence[Span], record: DraftRecord) -> Iterator[UnsupportedClaim]:
    traced = {span[:2]: span[2] for span in spans}
    inside = [(start, end) for start, end, line in spans]
    for match in _QUOTED.finditer(sentence):
        if match.span() not in traced and not any(a <= match.start() and match.end() <= b for a, b in inside):
            yield _claim("quotation", match[0])
    bare = _QUOTED.sub("", sentence)
    if set("“”„»«‟") & set(bare):
        yield _claim("quotation", "quotation marks that do not close")
    if record.for_customer:
        for _, _, line in spans:
            if line.internal:
                yield _claim("internal", line.text)


def _claims(rest: str, sentence: str, spans: Sequence[Span], record: DraftRecord) -> Iterator[UnsupportedClaim]:
    lists, words = record.words, [match[0] for match in _WORD.finditer(rest)]
    lower = [word.casefold() for word in words]
    yield from (_claim("address", match[0]) for match in list(_ADDRESS.finditer(rest))[:1])
    yield from (_claim("money", match[0]) for match in _MONEY.finditer(rest))
    dated = [match.span() for match in _DAY.finditer(rest)]
    for match in _DAY.finditer(rest):
        if _day_line(match, rest, record) is None:
            yield _claim("date", match[0])
    undated = "".join(" " if any(a <= at < b for a, b in dated) else letter for at, letter in enumerate(rest))
    for match in _NUMBER.finditer(undated):
        if _number_line(match, rest, record) is None:
            yield _claim("number", match[0])
    yield from (_claim("date", match[0]) for match in _LOOSE_DAY.finditer(undated))
    plain = [match[0].casefold() for match in _WORD.finditer(undated)]
    for kind, listed in (
        ("number", (*lists.numbers, *lists.ordinals)), ("date", lists.dates), ("money", lists.money), ("direction", lists.directions),
        ("order", lists.orders), ("claim", lists.absolutes), ("concession", lists.concessions),
    ):  # fmt: skip
        yield from (_claim(kind, word) for word in plain if word in set(listed))  # type: ignore[arg-type]
    if record.for_customer:
        yield from (_claim("internal", word) for word in lower if word in set(lists.internal))
    yield from (_claim("concession", match[0]) for match in _CONCESSION.finditer(_LETTERS_BETWEEN.sub("", rest)))
    yield from (_claim("order", match[0]) for match in _ORDER.finditer(rest))
    yield from _promises(rest, sentence, record)
    low = " ".join(lower)
    asks = sentence.rstrip().endswith("?")
    for phrase in (*lists.denials, *(() if asks else lists.states)):
        if re.search(rf"\b{re.escape(phrase)}\b", low):
            yield _claim("claim", phrase)
    yield from _repeated(words, record)
    cited = [line for _, _, line in (*spans, *_traced_figures(rest, record))]
    yield from _names_and_strange_words(rest, dated, record, cited, _STRANGE_ASKED if asks else 1)


def _day_line(match: re.Match[str], rest: str, record: DraftRecord) -> RecordLine | None:
    """The line of the record with this day that is about what the sentence is about."""
    if match["y2"]:
        year, month, day = int(match["y2"]), int(match["m3"]), int(match["d3"])
    else:
        month = _MONTHS.split("|").index((match["m1"] or match["m2"])[:3].casefold()) + 1
        day, year = int(match["d1"] or match["d2"]), int(match["y1"] or 0)

    def is_same(on: date) -> bool:
        return (on.month, on.day) == (month, day) and year in (0, on.year)

    about = {stem(word) for word in _content(rest, record)}
    fitting = [line for line in record.lines if any(map(is_same, line.days))]
    near = [line for line in fitting if about & line.all_stems] if about else fitting
    return max(near, key=lambda line: len(about & line.all_stems), default=None)


def _number_line(match: re.Match[str], rest: str, record: DraftRecord) -> RecordLine | None:
    """The line with this number that also counts what the sentence counts: the words behind it, else those before it."""
    number, wanted = _plain_number(match[0]), _counted(rest, *match.span())
    for line in record.lines if wanted else ():
        same = (each for each in _NUMBER.finditer(line.text) if _plain_number(each[0]) == number)
        if not line.is_outsiders and any(wanted & _counted(line.text, *each.span()) for each in same):
            return line
    return None


def _counted(text: str, start: int, end: int) -> set[str]:
    """The words that tell what a number counts."""
    after = [word for word in _WORD.findall(text[end : end + _REACH])[:_NEAR] if word.casefold() not in _LINKS]
    before = [
        word for word in _WORD.findall(text[max(start - _REACH, 0) : start])[-_NEAR:] if word.casefold() not in _LINKS
    ]
    return {stem(word) for word in (after[:1] or before)}


def _plain_number(text: str) -> str:
    plain = text.replace(",", "").rstrip(".")
    return plain.rstrip("0").rstrip(".") if "." in plain else plain.lstrip("0") or "0"


def _promises(rest: str, sentence: str, record: DraftRecord) -> Iterator[UnsupportedClaim]:
    verbs = "|".join(map(re.escape, record.words.promises))
    present = re.search(
        rf"\b(?:we|i|our (?:\w+ ){{0,2}}\w+) (?:would |could |might |may |can )?(?:\w+ly )?(?:{verbs})\b",
        rest,
        re.IGNORECASE,
    )
    if present is not None and present[0].split()[-1].casefold() in record.names:
        present = None  # a name that is a verb, too
    found = _PROMISE.search(rest) or present
    if found is None or rest.rstrip().endswith("?"):
        return
    said = {word.casefold() for word in _WORD.findall(sentence) if len(word) > 3} - record.names - _MODALS
    meant = {stem(word) for word in said}
    for step in record.steps:
        shared = meant & step.all_stems
        if len(shared) >= _SHARED and len(shared) >= _MOST_SHARED * len(meant):
            return
    yield _claim("promise", found[0])


def _repeated(words: Sequence[str], record: DraftRecord) -> Iterator[UnsupportedClaim]:
    """Runs of an outsider's words that do not stand between quotation marks."""
    lower = [word.casefold() for word in words]
    runs = {tuple(lower[at : at + _RUN]) for at in range(len(lower) - _RUN + 1)}
    runs = {run for run in runs if sum(not record.is_talk(word) for word in run) > 1}
    for line in record.outsiders if runs else ():
        theirs = [word.casefold() for word in _WORD.findall(line.text)]
        for at in range(len(theirs) - _RUN + 1):
            if (run := tuple(theirs[at : at + _RUN])) in runs:
                yield _claim("quotation", f"their words, not quoted: {' '.join(run)}")
                return


def _names_and_strange_words(
    rest: str, dated: Sequence[tuple[int, int]], record: DraftRecord, cited: Sequence[RecordLine], most: int
) -> Iterator[UnsupportedClaim]:
    """Names that the record does not have, and words that are neither of what is cited or on record, nor of ordinary talk."""
    names, strange = list[str](), list[str]()
    known = record.stems | {each for line in cited for each in line.all_stems}
    for match in _WORD.finditer(rest):
        word, first = match[0], not rest[: match.start()].strip(" -–—•“”(")
        if any(start <= match.start() < end for start, end in dated) or word.casefold() in record.names | record.listed:
            continue
        is_ordinary = record.is_talk(word) or stem(word) in known
        if word != word.lower() and word != "I" and not (first and word[1:] == word[1:].lower()):
            if word not in record.capitals and not (
                is_ordinary and word[1:] == word[1:].lower() and _begins(rest, match.start())
            ):
                names.append(word)
        elif not is_ordinary and (len(word) > 2 or not word.isascii()):
            (names if word != word.lower() and not first else strange).append(word)
    yield from (_claim("name", name) for name in dict.fromkeys(names))
    if len(strange) >= most:
        yield _claim("claim", ", ".join(dict.fromkeys(strange[:_SHOWN])))


def _begins(rest: str, at: int) -> bool:
    before = rest[:at].rstrip()
    return not before or before[-1] in ":.!?;“(-–—•"


# words -------------------------------------------------------------------------------------------------------------


def _content(text: str, record: DraftRecord) -> list[str]:
    """The words of a text that say something about an account."""
    return [word for word in _WORD.findall(text) if len(word) > 2 and not record.is_talk(word)]
