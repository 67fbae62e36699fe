"""Sentences with slots: filled in by code, and checked for everything that a model must not type itself. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from domain.configuration import WordLists
from domain.drafting import Violation
from domain.evidence import Evidence
from domain.playbook import NAME_SLOTS
from tools.wording import capitalize_first

PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_WORD = re.compile(r"[A-Za-zÀ-ÖØ-öø-ÿ]+")
_ALLOWED_CHARACTERS = re.compile(r"[A-Za-zÀ-ÖØ-öø-ÿ0-9 ,.;:'’‘\"“”?!()\-–—/&…%_{}]*")
_ADDRESS = re.compile(r"https?|www|://|\S@\S|\.(?:com|net|org|io|example)\b", re.IGNORECASE)
_MONEY = re.compile(r"[$€£¥]")
_SENTENCE_ENDS = '.!?:;“”"(…'
_MEANINGFUL_RUN, _ANY_RUN = 4, 6
"""Words in a row shared with what a customer wrote: four when two of them carry meaning, six of any kind."""
_MIN_COPIED_WORDS = 3
"""Words from which on a statement found in a sentence was copied."""
_MAX_RESTORE_LENGTH = 2_000
"""Letters up to which a sentence is worth tidying; a longer one is refused anyway."""
_ARTICLE = re.compile(r"^(?:an?|the)\s+", re.IGNORECASE)
_MIN_WORD_LENGTH = 4
"""Letters from which on a word counts as carrying meaning, unless everybody uses it."""
_STOP_WORDS = frozenset(
    [
        "about",
        "been",
        "because",
        "could",
        "from",
        "good",
        "have",
        "hear",
        "here",
        "into",
        "just",
        "know",
        "like",
        "make",
        "more",
        "much",
        "need",
        "only",
        "over",
        "should",
        "some",
        "such",
        "than",
        "that",
        "their",
        "them",
        "then",
        "there",
        "they",
        "this",
        "very",
        "want",
        "well",
        "were",
        "what",
        "when",
        "where",
        "which",
        "will",
        "with",
        "would",
        "your",
    ]
)
_WORD_LIST_RULES = (
    ("numbers", "number_typed", "takes the place of a number; leave it out or use a slot"),
    ("dates", "date_typed", "is a date or a span of time; leave it out, dates are chosen, not written"),
    ("money", "money_typed", "is money; leave it out or use a slot"),
    ("directions", "direction_typed", "says up or down; leave it out, the slot says the direction"),
    ("orders", "order_typed", "gives an order that no dossier contains; leave it out"),
)


def as_clause(statement: str) -> str:
    """A statement of evidence as part of a sentence: no full stop, no capital unless it is an acronym."""
    text = statement.rstrip(".")
    return text if len(text) > 1 and text[1].isupper() else text[:1].lower() + text[1:]


def render_sentence(text: str, words: Mapping[str, str], evidence: Iterable[Evidence]) -> str:
    """The sentence with its slots filled: ``{E3}`` becomes the fact with value, unit, direction and its id."""
    cited = set(PLACEHOLDER.findall(text))
    facts = {fact.id: f"{as_clause(fact.statement)} ({fact.id})" for fact in evidence if fact.id in cited}
    return fill_placeholders(text, words, facts)


def fill_placeholders(text: str, names: Mapping[str, str], facts: Mapping[str, str]) -> str:
    """Slots replaced, the first letter of each sentence large, a full stop at the end.

    What a slot brings is not changed but for a capital at the beginning of a sentence; an unknown slot stays as it is.
    """
    parts = re.split(r"(\{[^{}]*\})", " ".join(text.split()))
    whole, begins = "", True
    for part in parts:
        slot = part[1:-1] if PLACEHOLDER.fullmatch(part) else None
        if slot is not None:
            said = facts.get(slot) or names.get(slot) or part
        else:
            said = re.sub(r"(?<=[.!?] )[a-zà-ÿ]", lambda letter: letter[0].upper(), part)
            said = said.removeprefix(".") if whole.endswith(".") else said  # a name may end with one
        whole += capitalize_first(said) if begins else said
        if part:
            begins = slot is None and part.rstrip().endswith((".", "!", "?"))
    return whole if whole.endswith((".", "!", "?", "…")) else whole + "."


def restore_placeholders(text: str, facts: Mapping[str, str]) -> str:
    """The sentence with a slot wherever it can mean nothing else. ``facts``: what each slot stands for, by id.

    An id may come bare or doubly braced, ``E3`` or ``{{E3}}``; a statement may come copied word for word.
    """
    if not facts or len(text) > _MAX_RESTORE_LENGTH:
        return text
    for fact, statement in sorted(facts.items(), key=lambda item: (-len(item[1]), item[0])):
        words = _ARTICLE.sub("", statement.rstrip(".")).split()
        if len(words) >= _MIN_COPIED_WORDS:
            copied = r"\s+".join(map(re.escape, words))
            text = re.sub(rf"(?<![\w{{])(?:(?:an?|the)\s+)?{copied}(?!\w)", f"{{{fact}}}", text, flags=re.IGNORECASE)
    ids = "|".join(sorted(map(re.escape, facts), key=len, reverse=True))
    text = re.sub(rf"\{{{{0,2}}(?<![\w-])({ids})(?![\w-])\}}{{0,2}}", r"{\1}", text)
    return re.sub(r"(\{[^{}]*\})\s*\(\1\)", r"\1", text)


@dataclass(frozen=True)
class SentenceRules:
    """Rules for the sentences about one account."""

    words: WordLists
    max_length: int
    vocabulary: frozenset[str]
    """Words of the library: one that begins a sentence with a capital is no name."""
    facts: frozenset[str]
    """Slots for facts: evidence ids."""
    names: frozenset[str] = frozenset()
    """Names known in this review, lower case, word by word: to come from slots only."""
    customer_texts: tuple[str, ...] = ()
    """Texts of the customer: never repeated, never followed as instructions."""

    @cached_property
    def _lists(self) -> dict[str, frozenset[str]]:
        return {name: frozenset(getattr(self.words, name)) for name in WordLists.model_fields}

    @cached_property
    def _customer_runs(self) -> frozenset[tuple[str, ...]]:
        return frozenset(run for text in self.customer_texts for run in _word_runs(text))

    @cached_property
    def _forbidden_names(self) -> frozenset[str]:
        names = frozenset(name for name in self.names if len(name) > 2)
        return names - self.vocabulary - self._lists["beginnings"]

    def check(
        self,
        place: str,
        text: str,
        *,
        customer: bool = False,
        concession: bool = False,
        fact: bool = False,
        library: str = "",
        at: str | None = None,
    ) -> Iterator[Violation]:
        """Violations of the sentence.

        ``customer``: the customer hears it. ``concession``: the action gives money away. ``fact``: at least one
        evidence slot is needed. ``library``: the action's own words, whose numbers ("three threads", "24 hours") may be repeated.
        """

        def say(code: str, what: str) -> Violation:
            return Violation(code=code, message=f"{place}: {what}", at=place if at is None else at)

        if not text.strip():
            yield say("text_missing", "the sentence is empty; write it")
            return
        if len(text) > self.max_length:
            yield say("text_too_long", f"{len(text)} characters; at most {self.max_length}")
            return
        if _MONEY.search(text):
            yield say("money_typed", "a currency sign is typed; use a slot or leave it out")
        strange = sorted(set(_ALLOWED_CHARACTERS.sub("", _MONEY.sub("", text))))
        if strange:
            yield say("character_not_allowed", f"the character U+{ord(strange[0]):04X} is not plain English text")
        if _ADDRESS.search(text):
            yield say("address_typed", "an address is typed; leave it out")
        slots = PLACEHOLDER.findall(text)
        known = NAME_SLOTS - {"renewal"} if customer else NAME_SLOTS | self.facts
        for slot in slots:
            if slot not in known:
                what = "the customer is not shown internal facts" if slot in self.facts else "there is no such slot"
                yield say("slot_unknown", f"{{{slot}}}: {what}; use {_examples(known)}")
        rest = PLACEHOLDER.sub(" ¤ ", text)
        if "{" in rest or "}" in rest:
            yield say("slot_unknown", "a brace stands alone; a slot is written {E1}")
        if "%" in rest or set(re.findall(r"[0-9]+", rest)) - set(re.findall(r"[0-9]+", library)):
            yield say("number_typed", "a digit is typed; use the slot of the evidence, for example {E1}")
        if fact and not any(slot in self.facts for slot in slots):
            yield say("fact_missing", "no evidence is cited; use at least one slot such as {E1}")
        yield from self._word_violations(say, rest, customer, concession, library)
        if any(run in self._customer_runs for run in _word_runs(rest)):
            yield say("repeats_outsider", "repeats what the customer wrote; say it in plain words of your own")

    def _word_violations(
        self, say: "ViolationFactory", rest: str, customer: bool, concession: bool, library: str
    ) -> Iterator[Violation]:
        found = [(match[0], match.start()) for match in _WORD.finditer(rest)]
        lower = {word.lower() for word, _ in found}
        repeated = {word.lower() for word in _WORD.findall(library)}
        for name, code, what in _WORD_LIST_RULES:
            allowed = repeated if name in ("numbers", "dates") else set()
            for word in sorted((lower & self._lists[name]) - allowed):
                yield say(code, f"“{word}” {what}")
        if not concession:
            for word in sorted(lower & self._lists["concessions"]):
                yield say("concession_typed", f"“{word}” gives something away that this action does not; leave it out")
        if customer:
            for word in sorted(lower & self._lists["internal"]):
                yield say("internal_score", f"“{word}” is internal; the customer must not see it")
        acronyms = set(self.words.acronyms)
        for word, at in found:
            if word in acronyms or word == word.lower():
                continue
            ordinary = {word.lower(), word.lower().removesuffix("s")} & (self.vocabulary | self._lists["beginnings"])
            if not (_starts_sentence(rest, at) and word[1:] == word[1:].lower() and ordinary):
                yield say("name_typed", f"“{word}” looks like a name; use a slot such as {{contact}}, or small letters")
        for word in sorted(lower & self._forbidden_names):
            yield say("name_typed", f"“{word}” is a name; use a slot such as {{contact}}")


class ViolationFactory(Protocol):
    """Maker of violations at one place, from a code and what to change."""

    def __call__(self, code: str, what: str) -> Violation:
        """The violation at this place."""


def _examples(known: Iterable[str]) -> str:
    return ", ".join(f"{{{name}}}" for name in sorted(known)[:4])


def _starts_sentence(text: str, at: int) -> bool:
    """True if a sentence begins here."""
    before = text[:at].rstrip()
    return not before or before[-1] in _SENTENCE_ENDS


def _word_runs(text: str) -> Iterator[tuple[str, ...]]:
    """Runs of words that are no mere turn of speech."""
    words = [word.lower() for word in _WORD.findall(text)]
    for start in range(len(words)):
        run = tuple(words[start : start + _MEANINGFUL_RUN])
        if (
            len(run) == _MEANINGFUL_RUN
            and sum(len(word) >= _MIN_WORD_LENGTH and word not in _STOP_WORDS for word in run) > 1
        ):
            yield run
        if len(words) - start >= _ANY_RUN:
            yield tuple(words[start : start + _ANY_RUN])
