"""Five mistakes that a team could make, planted one by one: the evaluation names each of them.

A dozen cases of one group stand for the suite, so that each run needs one portfolio only.
"""

from collections.abc import Sequence

import pytest

from domain.configuration import Configuration
from evals.baseline import accept_results, compare_with_baseline, regressions
from evals.cases import AccountCase, read_cases
from evals.evaluation import Evaluation
from evals.figures import SuiteResult
from evals.suites.accounts import run_accounts
from evals.suites.drafts import FAULT_CASES, run_drafts
from tests.builders import SHIPPED, with_scoring
from tools.save_play import verification

pytestmark = pytest.mark.long

NAMES = (
    "escalation_90_days_ago", "escalation_91_days_ago", "invoice_60_days_overdue", "invoice_61_days_overdue",
    "champion_left_nobody_there", "cfo_asks_what_they_get", "all_healthy_midsize", "usage_slow_leak", *FAULT_CASES,
)  # fmt: skip


def quiet(*_: object) -> None:
    """Ignore the progress."""


@pytest.fixture(scope="module")
def cases() -> tuple[AccountCase, ...]:
    chosen = tuple(case for case in read_cases() if case.name in NAMES or "weights" in case.tests)
    assert {case.name for case in chosen} >= set(NAMES)
    return chosen


def accounts(cases: Sequence[AccountCase], configuration: Configuration = SHIPPED) -> SuiteResult:
    return run_accounts(cases, configuration, quiet)


@pytest.fixture(scope="module")
def sound(cases: Sequence[AccountCase]) -> SuiteResult:
    return accounts(cases)


def named(before: SuiteResult, after: SuiteResult) -> dict[str, list[str]]:
    """Messages of the regressions by the name of the case or figure."""

    def whole(result: SuiteResult) -> Evaluation:
        return Evaluation(way="playbook", model="none", scoring_hash="", prompts_hash="", suites=(result,))

    found = regressions(compare_with_baseline(whole(after), accept_results(whole(before), None)))
    by_name: dict[str, list[str]] = {}
    for change in found:
        by_name.setdefault(change.name, []).append(change.message)
    return by_name


def test_the_same_again_is_no_regression(cases: Sequence[AccountCase], sound: SuiteResult) -> None:
    assert named(sound, accounts(cases)) == {}


def test_swapped_weights_are_named(cases: Sequence[AccountCase], sound: SuiteResult) -> None:
    weights = {
        size: {**given, "usage": given["commercial"], "commercial": given["usage"]}
        for size, given in SHIPPED.scoring.model_dump()["category_weights"].items()
    }
    found = named(sound, accounts(cases, with_scoring({"category_weights": weights})))
    assert any(message.startswith("band") for messages in found.values() for message in messages), found


def test_a_broken_tier_boundary_is_named(cases: Sequence[AccountCase], sound: SuiteResult) -> None:
    rules = [
        rule.model_copy(update={"when": tuple(c.model_copy(update={"above": 61}) for c in rule.when)})
        if rule.id == "payment_overdue"
        else rule
        for rule in SHIPPED.tiers.rules
    ]
    broken = SHIPPED.model_copy(update={"tiers": SHIPPED.tiers.model_copy(update={"rules": tuple(rules)})})
    found = named(sound, accounts(cases, broken))["invoice_61_days_overdue"]
    assert any("expected critical" in message for message in found), found


def test_a_playbook_file_with_the_wrong_cause_is_named(cases: Sequence[AccountCase], sound: SuiteResult) -> None:
    books = SHIPPED.playbooks
    swapped = {**books, "value_gap": books["relationship_erosion"], "relationship_erosion": books["value_gap"]}
    found = named(sound, accounts(cases, SHIPPED.model_copy(update={"playbooks": swapped})))
    assert "plan_fits_cause: actions of re" in found["cfo_asks_what_they_get"]
    assert "plan_fits_cause: actions of vg" in found["champion_left_nobody_there"]


def test_a_check_taken_out_of_the_verifier_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    before = run_drafts(SHIPPED, None, "none", quiet)
    assert before.figure("refused").value == 1
    monkeypatch.setattr(verification, "_cited", lambda _: iter(()))
    found = named(before, run_drafts(SHIPPED, None, "none", quiet))
    assert {name.split(" (")[0] for name in found} >= {"a citation that does not exist"}
    assert all("expected " in message for name, messages in found.items() if "(" in name for message in messages)
