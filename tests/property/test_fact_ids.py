"""Facts do not depend on the place of their rows, and keep their ids from week to week."""

import random
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.dossier import Dossier
from domain.facts import QuotationFact
from tests.builders import AS_OF, PortfolioBuilder
from tools.evidence.dossier import Known, build_dossiers
from tools.evidence.incidents import find_incidents

pytestmark = pytest.mark.long

WORDS = st.sampled_from(
    ["They are evaluating alternatives.", "'We cannot wait any longer', Ada Obi said.", "A new CFO since May.", "All calm.",
     "Sync fails since release 5.2.", "The update to 5.2 went fine, no problems."]
)  # fmt: skip
ROWS = st.lists(st.tuples(st.integers(0, 60), WORDS, st.integers(1, 5)), min_size=1, max_size=8)


def portfolio(rows: list[tuple[int, str, int]], later: int = 0) -> PortfolioBuilder:
    """The same rows, reviewed ``later`` days after."""
    made = PortfolioBuilder(AS_OF + timedelta(days=later))
    for name in ("A", "B", "C", "D"):
        made.account(name, seats=50).contact(name, "champion", name="Ada Obi")
        contact_id = made.tables["contacts"][-1]["contact_id"]
        for days, text, pulse in rows:
            made.note(name, text, days + later, pulse=pulse, author="Dana")
            made.ticket(name, days + later, subject=text, body=text, priority="high", escalated=pulse == 1)
            made.touch(name, days + later, "email", outbound=pulse > 2, contact_id=contact_id)
        made.usage(name, [20.0, 18, 15, 12, 10, 10, 10, 10], last=later).goal(name, "behind").invoice(name, 9 + later)
    return made


def dossiers(made: PortfolioBuilder, shuffled: random.Random | None = None) -> list[Dossier]:
    scored = made.score(shuffled=shuffled)
    scored.base.select_accounts(["A", "B"])
    known = Known(incidents=find_incidents(scored.base))
    return build_dossiers(scored.base, ["A", "B"], scored.history, scored.base.signal_details(), known)


@settings(max_examples=15, deadline=None)
@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_no_fact(rows: list[tuple[int, str, int]], chance: random.Random) -> None:
    plain, mixed = dossiers(portfolio(rows)), dossiers(portfolio(rows), chance)
    assert [each.facts for each in plain] == [each.facts for each in mixed]
    assert [each.unread_texts for each in plain] == [each.unread_texts for each in mixed]


@settings(max_examples=10, deadline=None)
@given(ROWS)
def test_a_week_later_a_fact_of_the_same_row_has_the_same_id(rows: list[tuple[int, str, int]]) -> None:
    now, next_week = dossiers(portfolio(rows)), dossiers(portfolio(rows, later=7))
    for before, after in zip(now, next_week, strict=True):
        later = {fact.id for fact in after.facts}
        lasting = [fact.id for fact in before.facts if fact.kind not in ("quotation", "contact", "incident")]
        assert set(lasting) <= later
        quoted = {(fact.source.key, fact.text): fact.id for fact in after.facts if isinstance(fact, QuotationFact)}
        for fact in before.facts:
            if isinstance(fact, QuotationFact):
                assert quoted.get((fact.source.key, fact.text), fact.id) == fact.id
