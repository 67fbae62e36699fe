"""Suite ``accounts``: hand-written customers, and what an experienced leader concludes about each."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from domain.configuration import Configuration
from evals.cases import AccountCase
from evals.engine import Judgement, Tell, judged
from evals.evaluators import QUESTIONS
from evals.figures import SuiteResult
from evals.judged import Connect, Judged, judge, no_model
from evals.staging import Stage, grouped, staged_apart

SAYS = "Hand-written accounts: what is concluded about each, against what an experienced leader concludes."


def run_accounts(
    cases: Sequence[AccountCase],
    configuration: Configuration,
    tell: Tell,
    model: str = "none",
    connect: Connect = no_model,
) -> SuiteResult:
    """Judge all cases; with a model, it drafts the plays of those at risk."""
    outputs = judge_cases(cases, configuration, tell, connect)
    judgements = []
    for case in cases:
        output = outputs.get(case.name, "it was not judged")
        error = output if isinstance(output, str) else None
        judgements.append(Judgement(case.name, case.why, case, output, error))
    return judged("accounts", SAYS, model, judgements, QUESTIONS, concluded)


def judge_cases(
    cases: Sequence[AccountCase], configuration: Configuration, tell: Tell, connect: Connect
) -> dict[str, Judged | str]:
    """What is concluded about each case, or why nothing could be."""
    found: dict[str, Judged | str] = {}
    with tempfile.TemporaryDirectory(prefix="saveplay-eval-") as scratch:
        for number, group in enumerate(grouped(cases)):
            tell("accounts", len(found), len(cases))
            for stage in staged_apart(group, Path(scratch) / str(number), configuration):
                if isinstance(stage, Stage):
                    found |= _judged(stage, connect)
                    stage.base.close()
                else:
                    found |= stage
    tell("accounts", len(cases), len(cases))
    return found


def _judged(stage: Stage, connect: Connect) -> Mapping[str, Judged | str]:
    """All together; one by one when that raises, so that a case takes no other along."""
    try:
        return judge(stage, connect)
    except Exception as error:  # noqa: BLE001 - whatever the agents raise is a finding about the case
        if len(stage.cases) == 1:
            return {stage.cases[0].name: f"{type(error).__name__}: {error}"}
        each = [_judged(replace(stage, cases=(case,)), connect) for case in stage.cases]
        return {name: output for found in each for name, output in found.items()}


def concluded(got: Judged) -> dict[str, str]:
    """The conclusions in words, for the report and for telling what a change moved."""
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
