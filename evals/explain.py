"""One case from its rows to its play, in plain lines: rows, signals, scores, rule, cause, play and checks."""

import tempfile
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path

from domain.configuration import Configuration
from domain.errors import UnknownReference
from evals.agent_outputs import AgentOutput, run_agents
from evals.case_portfolio import score_cases
from evals.cases import AccountCase
from evals.evaluators import QUESTIONS
from tools.evidence.causes import rank_causes


def explain_one_case(name: str, cases: Sequence[AccountCase], configuration: Configuration) -> str:
    """Explanation of one case as text. Raises UnknownReference with the nearest names when there is no such case."""
    case = next((case for case in cases if case.name == name), None)
    if case is None:
        near = get_close_matches(name, [c.name for c in cases], n=3, cutoff=0.3)
        raise UnknownReference(f"there is no case {name!r}; nearest: {', '.join(near) or 'none'}")
    with tempfile.TemporaryDirectory(prefix="saveplay-eval-") as scratch:
        portfolio = score_cases([case], Path(scratch), configuration)
        got = run_agents(portfolio)[case.account_id]
        portfolio.base.close()
    return "\n".join(_lines(case, got, configuration)) + "\n"


def _lines(case: AccountCase, got: AgentOutput, configuration: Configuration) -> Iterator[str]:
    yield f"{case.name}, as of {case.as_of}"
    yield case.why
    yield ""
    yield "ROWS"
    for table, rows in got.rows.items():
        shown = rows if table != "usage" else rows[-5:]
        for row in shown:
            cells = ", ".join(
                f"{key} {value}" for key, value in row.items() if value not in (None, "") and key != "account_id"
            )
            yield f"  {table}: {cells}"
    yield ""
    yield "SIGNALS (component: 100 is good; health and risk: points added)"
    for part in got.dossier.contributions:
        if part.state == "known":
            numbers = f"component {part.component:5.1f}  health {part.health_points:5.2f}  risk {part.risk_points:5.2f}"
            yield f"  {part.signal:24} {part.shown:>14}  {numbers}"
    unknown = [f"{part.signal} ({part.state})" for part in got.dossier.contributions if part.state != "known"]
    yield f"  not known: {', '.join(unknown) or 'nothing'}"
    yield ""
    yield "SCORES"
    d = got.dossier
    health = "not scored" if d.health is None else f"{d.health:.1f} ({d.health_band}, high is good)"
    yield f"  health {health}, {d.coverage:.0%} of the weight known"
    yield f"  risk {d.risk:.1f} (high is bad), {'at risk' if d.at_risk else 'not at risk'}, risk tier {d.risk_tier}"
    speed = "unknown" if d.velocity is None else f"{d.velocity:+.2f} points a day ({d.velocity_band})"
    yield f"  velocity of health {speed}"
    yield f"  rule that fired first: {d.rule or 'none'}; intervention tier {got.tier}"
    yield f"  plan: {got.line.action + ', ' + got.line.owner + ', by ' + str(got.line.by) if got.line else 'nothing'}"
    yield ""
    yield "CAUSE"
    for candidate in rank_causes(d, configuration.causes, configuration.scoring):
        yield f"  {candidate.cause:26} {candidate.points:6.2f} points from {', '.join(candidate.signals)}"
    yield f"  concluded: {got.finding.category} ({got.finding.confidence} confidence). {got.finding.reasoning}"
    yield ""
    yield "PLAY"
    for phase in got.play.phases:
        for action in phase.actions:
            cites = ", ".join(action.evidence) or "no evidence"
            yield f"  {phase.phase:10} {action.due} {action.owner}: {action.title} ({cites})"
    yield ""
    yield "CHECKS"
    for question in QUESTIONS:
        if question.applies(case):
            right, why = question.verdict(case, got)
            yield f"  {'right' if right else 'WRONG':6} {question.figure_name}: {why}"
