"""Binding: a playbook action's open places filled with the facts of one account.

Pure. An action is offered only when its places can be filled. The same facts always fill the same places, in whatever order
they come.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from domain.facts import ContactFact, Fact, GoalFact, InvoiceFact, PromiseFact, QuotationFact, TicketFact, UsageFact
from domain.plan_language import Amount, FactQuery, PersonQuery, Step, StepPerson
from domain.playbook import PlaybookAction
from domain.tables import Role
from tools.evidence.fact_words import invoice_amount, person_name
from tools.save_play.fact_tests import passes
from tools.wording import format_money, format_number

_WORD = re.compile(r"[A-Za-zÀ-ÖØ-öø-ÿ0-9.]{3,}")
_MAX_REASONS = 3
_ORDINARY = frozenset({"active", "on_record"})


@dataclass(frozen=True)
class AccountFacts:
    """The facts of one account as the places of a plan see them.

    ``decisive``: ids of the facts that decided the cause, the strongest first. They fill a place before others do.
    """

    facts: Sequence[Fact]
    decisive: tuple[str, ...] = ()
    contract: tuple[float | None, str] = (None, "")
    """ARR in the currency of the contract; None where nobody knows it."""

    def by_id(self, fact_id: str | None) -> Fact | None:
        """The fact with this id."""
        return self._by_id.get(fact_id) if fact_id else None

    def all_of(self, fact_ids: Iterable[str]) -> list[Fact]:
        """The facts with these ids, in their order; an id that is no longer on record is left out."""
        return [fact for fact_id in fact_ids if (fact := self.by_id(fact_id)) is not None]

    def date_of(self, fact_id: str | None) -> date | None:
        """The day by which the fact matters: the due date of an invoice, a goal or a promise; None for others."""
        fact = self.by_id(fact_id)
        return fact.due_on if isinstance(fact, InvoiceFact | GoalFact | PromiseFact) else None

    def find(self, query: FactQuery) -> list[Fact]:
        """The facts that fit the place, the best first."""
        key = (query.kind, query.tests, query.says, query.role)  # the library asks the same of many places
        if key not in self._found:
            self._found[key] = self._find(query)
        return self._found[key]

    def _find(self, query: FactQuery) -> list[Fact]:
        fitting = [fact for fact in self._by_kind.get(query.kind, ()) if passes(fact, query.tests)]
        if query.says:
            fitting = [fact for fact in fitting if isinstance(fact, QuotationFact) and fact.says in query.says]
        if query.role:
            fitting = [fact for fact in fitting if isinstance(fact, ContactFact) and fact.role in query.role]
        return sorted(fitting, key=lambda fact: self._rank(fact, query))

    @cached_property
    def _found(self) -> dict[tuple[object, ...], list[Fact]]:
        return {}

    @cached_property
    def _by_kind(self) -> dict[str, list[Fact]]:
        """The facts that may fill a place: of quotations only what somebody asserted about the account itself."""
        kinds: dict[str, list[Fact]] = {}
        for fact in self.facts:
            if not isinstance(fact, QuotationFact) or fact.mode in (None, "asserted"):
                kinds.setdefault(fact.kind, []).append(fact)
        return kinds

    @cached_property
    def _by_id(self) -> dict[str, Fact]:
        return {fact.id: fact for fact in reversed(self.facts)}

    def first(self, queries: Iterable[FactQuery]) -> Fact | None:
        """The best fact for a place with alternatives: the first alternative that anything fits."""
        return next((found[0] for query in queries if (found := self.find(query))), None)

    def _rank(self, fact: Fact, query: FactQuery) -> tuple[Any, ...]:
        decided = self.decisive.index(fact.id) if fact.id in self.decisive else len(self.decisive)
        newest = -(fact.on.toordinal() if fact.on else 0)
        if isinstance(fact, TicketFact):
            shared = len(self._decisive_words & _words(fact.subject))
            oldest = -(fact.age_days or 0)
            return (not fact.escalated, -shared, decided, fact.priority not in ("high", "urgent"), oldest, fact.id)
        if isinstance(fact, ContactFact):
            role = query.role.index(fact.role) if fact.role in query.role else len(query.role)
            return (role, fact.waiting_since is None, -(fact.last_met.toordinal() if fact.last_met else 0), fact.id)
        if isinstance(fact, InvoiceFact):
            return (-(fact.days_overdue or 0), -fact.amount, fact.id)
        return (decided, fact.tone != "bad", newest, fact.id)

    @cached_property
    def _decisive_words(self) -> set[str]:
        quotations = [fact for fact in self.facts if fact.id in self.decisive and isinstance(fact, QuotationFact)]
        return set().union(*(_words(fact.text) for fact in quotations))


def _words(text: str | None) -> set[str]:
    return {word.lower() for word in _WORD.findall(text or "")}


def bind(action: PlaybookAction, facts: AccountFacts, colleague: Callable[[Role], StepPerson | None]) -> Step | None:
    """The step for this account; None where a place that needs a fact stays empty.

    ``colleague`` gives our person of a role.
    """
    about = facts.first(action.about)
    if action.about and about is None and not action.about_else:
        return None
    amount = _amount(action, facts, about)
    if action.amount is not None and amount is None:
        return None
    person = _person(action.person, facts, colleague)
    if action.person and person is None and not _anybody_will_do(action.person):
        return None
    reasons = [found[0] for query in action.because if (found := facts.find(query))]
    because = dict.fromkeys(fact.id for fact in (*([about] if about else []), *reasons))
    return Step(
        verb=action.verb,
        about=about.id if about else None,
        person=person,
        asks=action.asks,
        because=tuple(because)[:_MAX_REASONS],
        result=action.result,
        amount=amount,
    )


def _anybody_will_do(queries: Sequence[PersonQuery]) -> bool:
    """True if the main contact may stand in: the place asks for a role, not for somebody who left, came or waits."""
    contacts = [query.contact for query in queries if query.contact is not None]
    return any(set(contact.tests) <= _ORDINARY for contact in contacts)


def _person(
    queries: Sequence[PersonQuery], facts: AccountFacts, colleague: Callable[[Role], StepPerson | None]
) -> StepPerson | None:
    for query in queries:
        if query.ours is not None:
            if (ours := colleague(query.ours)) is not None:
                return ours
        elif query.contact is not None and (found := facts.find(query.contact)):
            contact = found[0]
            assert isinstance(contact, ContactFact)
            return StepPerson(name=person_name(contact, with_title=False), fact=contact.id, person_id=None)
    return None


def _amount(action: PlaybookAction, facts: AccountFacts, about: Fact | None) -> Amount | None:
    match action.amount:
        case "seats_in_use":
            measured = [fact for fact in facts.facts if isinstance(fact, UsageFact) and fact.measure == "active_users"]
            if not measured:
                return None
            value = measured[0].to_value
            return Amount(kind="seats_in_use", fact=measured[0].id, value=value, shown=format_number(value, 0))
        case "amount_due":
            if not isinstance(about, InvoiceFact):
                return None
            return Amount(kind="amount_due", fact=about.id, value=about.amount, shown=invoice_amount(about))
        case "contract_amount":
            arr, currency = facts.contract
            if arr is None:
                return None
            return Amount(kind="contract_amount", fact="renewal", value=arr, shown=format_money(arr, currency))
    return None
