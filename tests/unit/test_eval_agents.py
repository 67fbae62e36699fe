"""Suite ``agents``: what goes in and what comes out, and that a changed rule is noticed by name."""

from evals.figures import CaseResult, Check, SuiteResult, slice_figures
from evals.suites.agents import run_agents_suite
from tests.builders import SHIPPED


def judged(configuration: object = SHIPPED) -> SuiteResult:
    assert isinstance(configuration, type(SHIPPED))
    return run_agents_suite(configuration, lambda *_: None)


def test_every_agent_turns_its_written_input_into_its_written_output() -> None:
    found = judged()
    wrong = {
        case.name: [check.why for check in case.checks if not check.right] for case in found.cases if not case.right
    }
    assert wrong == {}
    assert {case.name.split(":")[0] for case in found.cases} == {"capacity", "briefing", "tools"}
    assert len(found.cases) >= 25


def test_a_changed_limit_and_a_changed_number_of_repairs_are_noticed_by_name() -> None:
    limit = SHIPPED.review.red_account_limit.model_copy(update={"value": 3})
    rounds = SHIPPED.model.repair_rounds.model_copy(update={"value": 0})
    changed = SHIPPED.model_copy(
        update={
            "review": SHIPPED.review.model_copy(update={"red_account_limit": limit}),
            "model": SHIPPED.model.model_copy(update={"repair_rounds": rounds}),
        }
    )
    wrong = {case.name for case in judged(changed).cases if not case.right}
    assert "capacity: five red accounts are too many" in wrong
    assert "briefing: a decision left out is put in" in wrong
    assert "capacity: a quiet book has hours" not in wrong


def test_a_part_of_the_cases_has_its_own_share() -> None:
    def case(name: str, right: bool, **slices: str) -> CaseResult:
        return CaseResult(name=name, note="", checks=(Check(name="kind", right=right, why=""),), slices=slices)

    cases = (
        case("a", True, language="de"),
        case("b", False, language="de", tier="high"),
        case("c", True, language="en"),
    )
    found = slice_figures(cases)
    shares = {(by, figure.name): (figure.value, figure.n) for by, figures in found.items() for figure in figures}
    assert shares == {("language", "de"): (0.5, 2), ("language", "en"): (1, 1), ("tier", "high"): (0, 1)}
    assert not any(figure.gated for figures in found.values() for figure in figures)
