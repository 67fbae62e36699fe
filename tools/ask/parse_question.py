"""Reading a question without a model: what kind it is, which slice it means, what the asker says along with it. Pure."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from rapidfuzz import fuzz

from domain.configuration import AskSettings, Configuration, QuestionKind
from domain.dossier import Person
from domain.questions import ParsedQuestion, UserStatement
from domain.score_configuration import InterventionTier

_SENTENCE = re.compile(r"[.!?;,:\n]+\s+|\s+(?:but|and|aber|und|mais|et|pero|y)\s+", re.IGNORECASE)
_WORD = re.compile(r"[\w'’-]+")
_BOOK_OWNER = re.compile(r"\b([A-ZÀ-Þ][\w-]+ [A-ZÀ-Þ][\w-]+)['’]s (?:accounts|customers|clients|book|portfolio)\b")
_MIN_NAME_MATCH = 84
_MIN_PHRASE_LENGTH = 8
_MIN_WORD_MATCH = 60


def normalize_text(text: str) -> str:
    """Small letters without accents, one space between words."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return " ".join(bare.casefold().split())


@lru_cache(maxsize=4096)
def compiled(pattern: str) -> re.Pattern[str]:
    """The expression, compiled once however many there are."""
    return re.compile(pattern, re.IGNORECASE)


def first_match(patterns: Iterable[str], text: str) -> re.Match[str] | None:
    """The match of the first of the expressions that is in the text."""
    return next((match for pattern in patterns if (match := compiled(pattern).search(text))), None)


def matches(patterns: Iterable[str], text: str) -> bool:
    """True if one of the expressions is in the text."""
    return first_match(patterns, text) is not None


def begins(patterns: Iterable[str], text: str) -> bool:
    """True if the text begins with one of the expressions."""
    return any(compiled(pattern).match(text) for pattern in patterns)


def plain_question(question: str) -> str:
    """The question in plain small letters, without apostrophes, as the expressions read it."""
    return " ".join(re.sub(r"['’]s\b|['’]", " ", normalize_text(question)).split())


def split_words(text: str) -> list[str]:
    """The words of a text, plain."""
    return _WORD.findall(normalize_text(text))


def parse_question(
    question: str, configuration: Configuration, people: Mapping[str, Person], segments: Sequence[str]
) -> ParsedQuestion:
    """Kind, slice and statements of the question. ``segments`` are those of the customer base."""
    asking, text = configuration.asking, normalize_text(question)
    said, tried = find_statements(question, configuration)
    return ParsedQuestion(
        kind=question_kind(text, asking),
        tier=_tier(text, asking),
        segment=_segment(text, segments),
        csm_id=_csm(text, people),
        month=_month(text, asking),
        said=said,
        tried=tried,
    )


def question_kind(text: str, asking: AskSettings) -> QuestionKind | None:
    """The kind whose phrases come nearest; earlier kinds win a tie; None when none is near."""
    best: tuple[float, QuestionKind | None] = (asking.close_enough.value, None)
    for kind, phrases in asking.kinds.items():
        near = max((_phrase_similarity(normalize_text(phrase), text) for phrase in phrases), default=0.0)
        if near > best[0] or (near == best[0] and best[1] is None):
            best = (near, kind)
    return best[1]


def _phrase_similarity(phrase: str, text: str) -> float:
    """Similarity from 0 to 100; more than 100 for a phrase that the text has word for word, the longer the more."""
    if re.search(rf"\b{re.escape(phrase)}\b", text):
        return 100 + len(phrase) / 10
    if len(phrase) < _MIN_PHRASE_LENGTH:  # a short word is near to too many others
        return 0.0
    said_words, wanted = text.split(), phrase.split()
    runs = (said_words[start : start + len(wanted)] for start in range(len(said_words) - len(wanted) + 1))
    return max((_run_similarity(wanted, run) for run in runs), default=0.0)


def _run_similarity(wanted: Sequence[str], run: Sequence[str]) -> float:
    """Similarity of two runs of words, 0 to 100; 0 if one of the words is a different word."""
    if min(fuzz.ratio(word, other) for word, other in zip(wanted, run, strict=True)) < _MIN_WORD_MATCH:
        return 0.0
    return fuzz.ratio(" ".join(wanted), " ".join(run))


def _tier(text: str, asking: AskSettings) -> InterventionTier | None:
    for tier, names in asking.tiers.items():
        if any(re.search(rf"\b{re.escape(normalize_text(name))}\b", text) for name in names):
            return tier
    return None


def _segment(text: str, segments: Sequence[str]) -> str | None:
    found = [name for name in segments if name and re.search(rf"\b{re.escape(normalize_text(name))}s?\b", text)]
    if not found:
        found = [
            name for name in segments if name and re.search(rf"\b{_hyphen_pattern(normalize_text(name))}s?\b", text)
        ]
    return max(found, key=len, default=None)


def _hyphen_pattern(name: str) -> str:
    """Mid-market, mid market and midmarket are one word."""
    return r"[\s-]?".join(re.escape(part) for part in re.split(r"[\s-]+", name))


def unknown_person(question: str, reading: ParsedQuestion) -> str | None:
    """Somebody whose accounts are asked for and whom nobody knows."""
    found = _BOOK_OWNER.search(question)
    return found[1] if found and reading.csm_id is None else None


def _csm(text: str, people: Mapping[str, Person]) -> str | None:
    """The one CSM whom the question names; None if nobody or more than one fits."""
    full, partly = [], []
    for person in people.values():
        if person.role not in ("csm", "cs_manager"):
            continue
        if re.search(rf"(?<![\w-]){re.escape(normalize_text(person.person_id))}(?![\w-])", text):
            return person.person_id
        name = normalize_text(person.name)
        if fuzz.partial_ratio(name, text) >= _MIN_NAME_MATCH and len(name) <= len(text):
            full.append(person.person_id)
        elif any(len(part) > 2 and re.search(rf"\b{re.escape(part)}\b", text) for part in name.split()):
            partly.append(person.person_id)
    if full:
        return full[0] if len(full) == 1 else None
    return partly[0] if len(partly) == 1 else None


def _month(text: str, asking: AskSettings) -> int | None:
    """The month of a renewal; ``may`` and ``mars`` only after a preposition."""
    for number, names in enumerate(asking.months, start=1):
        for name in names:
            before = r"(?:in|im|en|until|by|before|of|this|next) " if len(name) <= 4 else ""
            if re.search(rf"\b{before}{re.escape(normalize_text(name))}\b", text):
                return number
    return None


def find_statements(question: str, configuration: Configuration) -> tuple[tuple[UserStatement, ...], tuple[str, ...]]:
    """Statements of the asker about the account, and what was tried; a negation before one in its sentence switches it off."""
    negation = re.compile("|".join(configuration.wording.negations), re.IGNORECASE)
    rivals = configuration.wording.competitors
    names = f"(?:{'|'.join(map(re.escape, rivals))})" if rivals else r"[^\s\S]"
    parts = [
        stated
        for part in _SENTENCE.split(" ".join(question.split()))
        if part and (stated := _stated_part(part, configuration.asking))
    ]
    said: dict[str, UserStatement] = {}
    tried: dict[str, None] = {}
    for part in parts:
        for signal, rule in configuration.asking.said.items():
            phrases = [phrase.replace("{competitor}", names) for phrase in rule.phrases]
            if signal not in said and _matches_any(part, phrases, negation, own_negation=signal in _NEGATED_SIGNALS):
                said[signal] = UserStatement(signal=signal, says=rule.says, quote=part[:200])
        for before in configuration.asking.tried.values():
            if _matches_any(part, before.phrases, negation):
                tried[before.says] = None
    if tried:
        said.pop("budget_cut", None)
    return tuple(said.values()), tuple(tried)


def _stated_part(part: str, asking: AskSettings) -> str:
    """Statement in a part of a question: none in "is the champion gone", the rest of "is it risky now that …"."""
    if not begins(asking.cues.yes_or_no, part):
        return part
    reason = first_match(asking.cues.reason, part)
    return part[reason.start() :] if reason else ""


_NEGATED_SIGNALS = ("unanswered_outreach", "payment_failed", "feature_gap")
"""Statements that are themselves put as a negation: ``they do not answer``."""


def _matches_any(part: str, phrases: Sequence[str], negation: re.Pattern[str], own_negation: bool = False) -> bool:
    for phrase in phrases:
        match = compiled(phrase).search(part)
        if match and (own_negation or not negation.search(part[: match.start()])):
            return True
    return False
