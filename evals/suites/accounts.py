"""Suite ``accounts``: hand-written customers, and the conclusions of an experienced leader about each."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from domain.configuration import Configuration
from evals.agent_outputs import AgentOutput, OpenModel, no_model, run_agents
from evals.case_portfolio import CasePortfolio, group_cases, score_cases_apart
from evals.cases import AccountCase
from evals.engine import Judgement, ReportProgress, judge_suite
from evals.evaluators import QUESTIONS
from evals.figures import SuiteResult

SAYS = "Hand-written accounts: the conclusions of the product, compared with those of an experienced leader."


def run_accounts(
    cases: Sequence[AccountCase],
    configuration: Configuration,
    report_progress: ReportProgress,
    model: str = "none",
    open_model: OpenModel = no_model,
) -> SuiteResult:
    """Judge all cases. With a model, it drafts the plays of the accounts at risk."""
    outputs = judge_cases(cases, configuration, report_progress, open_model)
    judgements = []
    for case in cases:
        output = outputs.get(case.name, "the case was not judged")
        error = output if isinstance(output, str) else None
        judgements.append(Judgement(case.name, case.why, case, output, error, _slices(case, output)))
    return judge_suite("accounts", SAYS, model, judgements, QUESTIONS, describe_conclusions)


def _slices(case: AccountCase, output: AgentOutput | str) -> dict[str, str]:
    """Kind of case: the cause and the tier that a leader expects, and the size of the account."""
    found = {"cause": next(iter(case.expect.cause), ""), "tier": next(iter(case.expect.tier), "")}
    if isinstance(output, AgentOutput):
        found["segment"] = case.account.segment or output.dossier.size
    return {dimension: value.replace("_", " ") for dimension, value in found.items() if value}


def judge_cases(
    cases: Sequence[AccountCase], configuration: Configuration, report_progress: ReportProgress, open_model: OpenModel
) -> dict[str, AgentOutput | str]:
    """Output by case name, or the reason why there is none."""
    found: dict[str, AgentOutput | str] = {}
    with tempfile.TemporaryDirectory(prefix="saveplay-eval-") as scratch:
        for number, group in enumerate(group_cases(cases)):
            report_progress("accounts", len(found), len(cases))
            for portfolio in score_cases_apart(group, Path(scratch) / str(number), configuration):
                if isinstance(portfolio, CasePortfolio):
                    found |= _judge_portfolio(portfolio, open_model)
                    portfolio.base.close()
                else:
                    found |= portfolio
    report_progress("accounts", len(cases), len(cases))
    return found


def _judge_portfolio(portfolio: CasePortfolio, open_model: OpenModel) -> Mapping[str, AgentOutput | str]:
    """Run all cases together, or one by one if that raises, so that one failure does not hide the other cases."""
    try:
        return run_agents(portfolio, open_model)
    except Exception as error:  # noqa: BLE001 - whatever the agents raise is a finding about the case
        if len(portfolio.cases) == 1:
            return {portfolio.cases[0].name: f"{type(error).__name__}: {error}"}
        each = [_judge_portfolio(replace(portfolio, cases=(case,)), open_model) for case in portfolio.cases]
        return {name: output for found in each for name, output in found.items()}


def describe_conclusions(got: AgentOutput) -> dict[str, str]:
    """The conclusions as text, for the report and for the comparison with the baseline."""
    health = "not scored" if got.dossier.health is None else f"{got.dossier.health:.1f}"
    return {
        "health": health,
        "band": got.dossier.health_band,
        "risk": f"{got.dossier.risk:.1f}",
        "risk tier": got.dossier.risk_tier,
        "tier": got.tier,
        "rule": got.dossier.rule or "none",
        "action": got.line.action if got.line else "nothing planned",
        "cause": got.finding.category,
        "runner-up": got.finding.runner_up or "none",
        "pillar": got.finding.pillar,
        "difficulty": got.finding.difficulty,
        "drafting": got.play.drafting.outcome,
    }
