"""Runs questions over cases with pydantic-evals. A case that could not be judged counts as wrong in every question.

The library leaves such cases out of its averages. Here they count and are named.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from pydantic_evals import Case, Dataset
from pydantic_evals.evaluators import EvaluationReason, Evaluator, EvaluatorContext

from evals.figures import CaseResult, Check, SuiteResult, question_figures, slice_figures

Verdict = tuple[bool, str]
ReportProgress = Callable[[str, int, int], None]
"""Called with the suite, the number of cases done, and the number of all cases."""


class NotJudged(Exception):
    """No output for the case. The message gives the reason."""


@dataclass
class Question(Evaluator[Any, Any, None]):
    """Base: one question about one case. ``figure_name`` is the key of the figure in reports and in the baseline, ``description`` its meaning."""

    figure_name: ClassVar[str] = ""
    description: ClassVar[str] = ""

    def applies(self, case: Any) -> bool:
        """True if the case expects an answer to this question."""
        return True

    def verdict(self, case: Any, got: Any) -> Verdict:
        """Compare output and expectation. Returns right or wrong, and "expected …, got …" in words."""
        raise NotImplementedError

    def evaluate(self, ctx: EvaluatorContext[Any, Any, None]) -> dict[str, EvaluationReason]:
        """Entry point for pydantic-evals. Returns nothing when the question does not apply."""
        case = ctx.inputs.case
        if not self.applies(case):
            return {}
        right, why = self.verdict(case, ctx.output)
        return {self.figure_name: EvaluationReason(right, why)}


@dataclass(frozen=True)
class Judgement:
    """A case with its name, the reason for the expectation, and the output or the reason for its absence."""

    name: str
    note: str
    case: Any
    output: Any
    error: str | None = None
    slices: Mapping[str, str] = field(default_factory=dict)
    """Kind of case by dimension."""


def answer_questions(
    suite: str,
    judgements: Sequence[Judgement],
    questions: Sequence[Question],
    describe: Callable[[Any], Mapping[str, str]],
) -> tuple[CaseResult, ...]:
    """Results of all questions for all cases, sorted by case name."""
    by_name = {item.name: item for item in judgements}

    async def task(item: Judgement) -> Any:
        if item.error is not None:
            raise NotJudged(item.error)
        return item.output

    dataset = Dataset[Any, Any, None](
        name=suite,
        cases=[Case(name=item.name, inputs=item) for item in judgements],
        evaluators=list(questions),
    )
    report = asyncio.run(dataset.evaluate(task, progress=False))
    found = [
        CaseResult(
            name=item.name,
            note=by_name[item.name].note,
            checks=(
                *(Check(name=name, right=bool(r.value), why=r.reason or "") for name, r in item.assertions.items()),
                *(Check(name=f.name, right=False, why=f.error_message) for f in item.evaluator_failures),
            ),
            got=describe(item.output),
            slices=by_name[item.name].slices,
        )
        for item in report.cases
    ]
    for failure in report.failures:
        item = by_name[failure.name]
        why = item.error or failure.error_message
        wrong = tuple(Check(name=q.figure_name, right=False, why=why) for q in questions if q.applies(item.case))
        found.append(CaseResult(name=item.name, note=item.note, checks=wrong, error=why, slices=item.slices))
    lost = sorted(set(by_name) - {case.name for case in found})
    assert not lost, f"cases that the engine lost: {lost}"
    return tuple(sorted(found, key=lambda case: case.name))


def judge_suite(
    suite: str,
    says: str,
    model: str,
    judgements: Sequence[Judgement],
    questions: Sequence[Question],
    describe: Callable[[Any], Mapping[str, str]],
) -> SuiteResult:
    """Result of a suite: all questions for all cases, and one figure per question."""
    results = answer_questions(suite, judgements, questions, describe)
    figures = question_figures(results, {question.figure_name: question.description for question in questions})
    return SuiteResult(
        suite=suite, model=model, says=says, figures=figures, cases=results, slices=slice_figures(results)
    )
