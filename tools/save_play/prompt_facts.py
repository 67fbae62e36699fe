"""Facts of one account as a model reads them: numbered, in code's words, with roles in place of names. Pure."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from domain.evidence import Evidence
from domain.facts import Fact, QuotationFact
from tools.evidence.fact_text import FactText
from tools.save_play.context import PlayContext, our_role
from tools.save_play.quotation_filter import name_parts, names_pattern, remove_private_data

_MARKUP = re.compile(r"[<>{}`]")
"""Signs that could close a fence or look like a place to fill."""
_POSSESSIVE = re.compile(r"['’´`]s?$")
_QUOTED = re.compile(r"“[^”]*”")


@dataclass(frozen=True)
class PromptFact:
    """One fact of record under the number by which an answer names it."""

    handle: str
    """``F1``, ``F2`` and so on, within one prompt."""
    fact: Fact
    sentence: str
    """The fact in one sentence, with names."""


def prompt_facts(context: PlayContext, most: int) -> tuple[PromptFact, ...]:
    """The facts that matter most: what decided the cause, then what is bad, in the order of the record."""
    facts = [fact for fact in context.facts.facts if not isinstance(fact, QuotationFact) or fact.mode != "negated"]
    decisive = context.facts.decisive
    facts.sort(key=lambda fact: (decisive.index(fact.id) if fact.id in decisive else len(decisive), fact.tone != "bad"))
    words = FactText.of(context.dossier.facts, (), context.today)
    chosen = [*facts[: most // 2], *_one_of_each_kind(facts[most // 2 :], most - most // 2)]
    return tuple(PromptFact(f"F{number}", fact, words.sentence(fact)) for number, fact in enumerate(chosen, 1))


def _one_of_each_kind(facts: Iterable[Fact], most: int) -> list[Fact]:
    """The first of each kind, then the rest: ten sentences of one note are not all that there is to know."""
    first, rest, kinds = list[Fact](), list[Fact](), set[str]()
    for fact in facts:
        (rest if fact.kind in kinds else first).append(fact)
        kinds.add(fact.kind)
    return [*first, *rest][:most]


def resolve_fact(handle: str, facts: Iterable[PromptFact], evidence: Iterable[Evidence]) -> tuple[str, str] | None:
    """Id and words of what an answer cites, ``F2`` or ``E1``; None for what the prompt does not have."""
    plain = handle.strip().strip("{}")
    for each in facts:
        if each.handle == plain:
            return each.fact.id, each.sentence
    return next(((item.id, item.statement) for item in evidence if item.id == plain), None)


@dataclass(frozen=True)
class Anonymiser:
    """Removes from texts what a model must not see. A name becomes the role of who bears it."""

    names: re.Pattern[str] | None
    roles: Callable[[str], str]
    quotes: bool
    """False: quotations and subjects are left out, too."""

    @classmethod
    def of(cls, context: PlayContext) -> "Anonymiser":
        """For the people and the name of one account."""
        people = [*(c.name for c in context.dossier.contacts), *(p.name for p in context.people.values())]
        pattern = names_pattern(people, context.dossier.name, context.configuration.vocabulary)
        return cls(pattern, _role_finder(context), bool(context.configuration.model.quotes.value))

    def __call__(self, text: str) -> str:
        """The text in one line."""
        if not self.quotes:
            text = _QUOTED.sub("“…”", text)
        return _MARKUP.sub(" ", remove_private_data(text, self.names, self.roles))


def _role_finder(context: PlayContext) -> Callable[[str], str]:
    """Words for a name or a part of one. A part that two people share is only "somebody"."""
    found: dict[str, set[str]] = {}
    for contact in context.dossier.contacts:
        role = (contact.role or "contact").replace("_", " ")
        words = f"their {role}" if contact.active else f"their former {role}"
        for part in name_parts(contact.name):
            found.setdefault(part.casefold(), set()).add(words)
    for person in context.people.values():
        words = our_role(person, context.dossier.csm_id)
        for part in name_parts(person.name):
            found.setdefault(part.casefold(), set()).add(words)
    for part in name_parts(context.dossier.name):
        found.setdefault(part.casefold(), set()).add("the account")

    def role_of(name: str) -> str:
        roles = found.get(_POSSESSIVE.sub("", name).casefold(), set())
        return next(iter(roles)) if len(roles) == 1 else "somebody"

    return role_of
