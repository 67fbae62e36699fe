"""Suite ``agents``: input and output of the agents that no other suite judges, and tool calls in their order.

The capacity analyzer gets books, promises and plays; the briefer gets facts and a model's answers; the ask flow gets a
model's calls, one turn after the other. The models are scripted: what is judged is what the product makes of them.
"""

import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any, TypeVar, cast

from agents.briefer import Briefer
from agents.capacity_analyzer import assess_capacity
from agents.conversation import Message, ModelAnswer, ToolCall
from domain.configuration import Configuration
from domain.diagnosis import CapacityLine, Handover
from domain.dossier import Person
from domain.errors import Unreachable
from domain.phase_results import CsmBook, IdentifyResult, MovableAccount
from domain.plan import Briefing
from domain.questions import QuestionAnswer
from domain.record import Record
from domain.save_play import PlayAction, PlayPhase, SavePlay
from domain.score_configuration import Size
from domain.tables import Role
from domain.tracking import Action
from evals.cases import FIXTURES, load_yaml
from evals.engine import Judgement, Question, ReportProgress, Verdict, answer_questions
from evals.figures import CaseResult, SuiteResult, question_figures
from evals.suites.ask import open_sample_context
from graph.ask_flow import answer_question
from tools.planning.briefing import BriefingFact

SAYS = "Agents: the capacity analyzer, the briefer, and tools called in order, each from a written input to its output."
FOLDER = FIXTURES / "agents"
AS_OF = date(2026, 11, 23)
_MODEL = "scripted"
R = TypeVar("R", bound=Record)


class ScriptedModel:
    """A model that gives these answers one after the other, and then is gone."""

    def __init__(self, answers: Sequence[ModelAnswer]) -> None:
        self._answers = list(answers)

    async def complete(
        self, model: str, messages: Sequence[Message], schema: Mapping[str, Any] | None = None,
        tools: Sequence[Mapping[str, Any]] = (),
    ) -> ModelAnswer:  # fmt: skip
        """The next answer. Raises Unreachable when there is none."""
        if not self._answers:
            raise Unreachable("the script has no further answer")
        return self._answers.pop(0)

    async def close(self) -> None:
        """Nothing to close."""


def _only(model: type[R], **fields: Any) -> R:
    """A record with only these fields: what an agent does not read need not be invented."""
    return cast(R, model.model_construct(None, **fields))


def _with_scripted_model(configuration: Configuration) -> Configuration:
    named = configuration.model.model_copy(update={"name": _MODEL, "fast_name": None})
    return configuration.model_copy(update={"model": named})


# the capacity analyzer ---------------------------------------------------------------------------------------------------


class CaseCsm(Record):
    """A person with a book of accounts."""

    id: str
    role: Role = "csm"
    hours: float | None = 40
    accounts: int = 0
    size: Size = "mid_market"
    red: int = 0


class CaseStep(Record):
    """Work of a person, due so many days after the review."""

    owner: str
    due_in: int
    hours: float


class CaseQuiet(Record):
    """An account that may change hands."""

    id: str
    csm: str
    arr: float | None = 10_000
    size: Size = "mid_market"


class ExpectedLoad(Record):
    """Load of a person. A key that is left out is not judged."""

    overloaded: bool | None = None
    free: float | None = None
    committed: float | None = None
    asked: float | None = None
    actions_a_week: float | None = None
    note_has: str = ""


class CapacityCase(Record):
    """One Monday: books, open actions and plays, and what a manager reads."""

    name: str
    why: str
    team: tuple[CaseCsm, ...]
    promised: tuple[CaseStep, ...] = ()
    plays: Mapping[str, tuple[CaseStep, ...]] = {}
    quiet: tuple[CaseQuiet, ...] = ()
    load: Mapping[str, ExpectedLoad] = {}
    handovers: tuple[str, ...] | None = None
    """Handovers like ``A-1: P-1 to P-2``, in order; None when they are not judged."""


Capacity = tuple[tuple[CapacityLine, ...], tuple[Handover, ...]]


def assess_case(case: CapacityCase, configuration: Configuration) -> Capacity:
    """Output of the capacity analyzer. Only what it reads is filled in."""
    people = {
        each.id: Person(
            person_id=each.id, name=each.id, email=None, role=each.role, manager_id=None, weekly_hours=each.hours
        )
        for each in case.team
    }
    books = tuple(
        CsmBook(csm_id=each.id, accounts=each.accounts, arr=each.accounts * 10_000, red_accounts=each.red,
                at_risk_accounts=each.red, at_risk_arr=each.red * 10_000,
                by_size={"enterprise": 0, "mid_market": 0, "small_business": 0, each.size: each.accounts})
        for each in case.team if each.role == "csm"
    )  # fmt: skip
    movable = tuple(
        MovableAccount(account_id=each.id, name=each.id, arr=each.arr, csm_id=each.csm, size=each.size)
        for each in case.quiet
    )
    identified = _only(IdentifyResult, as_of=AS_OF, books=books, people=people, movable=movable, plan_rows=())
    promised = [
        _only(
            Action,
            account_id=f"promised-{n}",
            owner_id=step.owner,
            due=AS_OF + timedelta(days=step.due_in),
            effort_hours=step.hours,
        )
        for n, step in enumerate(case.promised)
    ]
    plays = [_play(account, steps) for account, steps in case.plays.items()]
    return assess_capacity(identified, promised, plays, configuration)


def _play(account: str, steps: Sequence[CaseStep]) -> SavePlay:
    actions = tuple(
        _only(
            PlayAction,
            id=f"step-{n}",
            owner_id=step.owner,
            owner_role="csm",
            due=AS_OF + timedelta(days=step.due_in),
            effort_hours=step.hours,
        )
        for n, step in enumerate(steps)
    )
    return _only(SavePlay, account_id=account, phases=(_only(PlayPhase, actions=actions),))


class LoadRight(Question):
    """Hours, overload and note of each person are those that a manager works out by hand."""

    figure_name, description = "load", "hours, overload and actions a week of each CSM are those worked out by hand"

    def verdict(self, case: CapacityCase, got: Capacity) -> Verdict:
        lines = {line.person_id: line for line in got[0]}
        wrong = []
        for person, expected in case.load.items():
            line = lines[person]
            known = {
                "overloaded": line.overloaded, "free": line.hours_free, "committed": line.hours_committed,
                "asked": line.hours_asked, "actions_a_week": line.actions_a_week,
            }  # fmt: skip
            wanted = expected.model_dump(exclude_none=True, exclude={"note_has"})
            wrong += [
                f"{person}: {key} {known[key]}, not {value}" for key, value in wanted.items() if known[key] != value
            ]
            if expected.note_has.lower() not in line.note.lower():
                wrong.append(f"{person}: note {line.note!r}")
        return not wrong, "; ".join(wrong) or "as expected"


class HandoversRight(Question):
    """The proposed handovers are those that help, to people with room."""

    figure_name, description = "handovers", "handovers are proposed to people with room, and only where they help"

    def applies(self, case: CapacityCase) -> bool:
        return case.handovers is not None

    def verdict(self, case: CapacityCase, got: Capacity) -> Verdict:
        found = tuple(f"{each.account_id}: {each.from_person} to {each.to_person}" for each in got[1])
        return found == case.handovers, f"expected {case.handovers}, got {found}"


# the briefer -------------------------------------------------------------------------------------------------------------


class BriefingCase(Record):
    """A model's answer about the facts, and the briefing that people get."""

    name: str
    why: str
    answers: tuple[str, ...] = ()
    """Answers one after the other; none: no model is configured."""
    sentences: tuple[str, ...] = ()
    """Empty: the plain ones of the file."""
    outcome: str
    faults: tuple[str, ...] = ()
    """Codes for which answers were sent back, each once, in order."""


class BriefingFile(Record):
    """Facts of one Monday, the briefing without a model, and the cases."""

    facts: tuple[BriefingFact, ...]
    plain: tuple[str, ...]
    cases: tuple[BriefingCase, ...]

    def filled_cases(self) -> list[BriefingCase]:
        """The cases with their sentences."""
        return [case if case.sentences else case.model_copy(update={"sentences": self.plain}) for case in self.cases]


async def brief_case(case: BriefingCase, facts: Sequence[BriefingFact], configuration: Configuration) -> Briefing:
    """Output of the briefer."""
    client = ScriptedModel([ModelAnswer(text, 10, 5) for text in case.answers]) if case.answers else None
    names = frozenset(name for fact in facts for name in fact.names)
    return await Briefer(_with_scripted_model(configuration), names, client).write(facts)


class SentencesRight(Question):
    """The briefing has exactly these sentences."""

    figure_name, description = "sentences", "the briefing says exactly what the facts say"

    def verdict(self, case: BriefingCase, got: Briefing) -> Verdict:
        return got.sentences == case.sentences, f"expected {case.sentences}, got {got.sentences}"


class FaultsNamed(Question):
    """Answers are sent back for these faults, and the outcome is this."""

    figure_name, description = "faults", "unfit answers are sent back for the fault that they have"

    def verdict(self, case: BriefingCase, got: Briefing) -> Verdict:
        codes = tuple(dict.fromkeys(fault.code for fault in got.drafting.refused))
        right = (codes, got.drafting.outcome) == (case.faults, case.outcome)
        return right, f"expected {case.outcome} {case.faults}, got {got.drafting.outcome} {codes}"


# tools in order ----------------------------------------------------------------------------------------------------------


class ToolTurn(Record):
    """One turn of the model: calls of tools, or a text."""

    calls: tuple[Mapping[str, str], ...] = ()
    """Each the name of a tool and its arguments as JSON."""
    text: str = ""


class ToolCase(Record):
    """A question, the turns of the model, and the tools that run, in order."""

    name: str
    why: str
    ask: str
    turns: tuple[ToolTurn, ...]
    tools: tuple[str, ...]
    kind: str
    account: str | None = None
    answered_by: str = "model"


class ToolsInOrder(Question):
    """The tools ran in this order, each once."""

    figure_name, description = "tools", "tools run in the order in which they were called, each once"

    def verdict(self, case: ToolCase, got: QuestionAnswer) -> Verdict:
        found = tuple(step.split("(")[0] for step in got.steps)
        right = (found, got.answered_by) == (case.tools, case.answered_by)
        return right, f"expected {case.tools} by {case.answered_by}, got {found} by {got.answered_by}"


class AnswerRight(Question):
    """The answer is of this kind and about this account."""

    figure_name, description = "answer", "the answer is of the right kind and about the account of the question"

    def verdict(self, case: ToolCase, got: QuestionAnswer) -> Verdict:
        found = [(part.kind, part.account_id) for part in got.parts]
        return found == [(case.kind, case.account)], f"expected {case.kind} {case.account}, got {found}"


def _turns(case: ToolCase) -> ScriptedModel:
    answers = []
    for number, turn in enumerate(case.turns):
        pairs = [pair for call in turn.calls for pair in call.items()]
        calls = tuple(ToolCall(f"call-{number}-{n}", name, arguments) for n, (name, arguments) in enumerate(pairs))
        answers.append(ModelAnswer(turn.text, 10, 5, calls))
    return ScriptedModel(answers)


async def _answer_cases(cases: Sequence[ToolCase], configuration: Configuration) -> list[QuestionAnswer]:
    with tempfile.TemporaryDirectory(prefix="saveplay-eval-") as scratch:
        context = open_sample_context(Path(scratch), _with_scripted_model(configuration), None)
        found = []
        for case in cases:
            context.client = _turns(case)
            found.append(await answer_question(case.ask, context))
        context.base.close()
        context.store.close()
    return found


# all of them -------------------------------------------------------------------------------------------------------------

_QUESTIONS: Mapping[str, tuple[Question, ...]] = {
    "capacity": (LoadRight(), HandoversRight()),
    "briefing": (SentencesRight(), FaultsNamed()),
    "tools": (ToolsInOrder(), AnswerRight()),
}


def run_agents_suite(
    configuration: Configuration, report_progress: ReportProgress, folder: Path = FOLDER
) -> SuiteResult:
    """Judge every fixture of the folder."""
    capacity = [CapacityCase(**entry) for entry in load_yaml(folder / "capacity.yaml")]
    monday = BriefingFile(**load_yaml(folder / "briefing.yaml"))
    briefing = monday.filled_cases()
    tools = [ToolCase(**entry) for entry in load_yaml(folder / "tool_calls.yaml")]
    report_progress("agents", 0, len(capacity) + len(briefing) + len(tools))

    async def everything() -> tuple[list[Briefing], list[QuestionAnswer]]:
        briefings = [await brief_case(case, monday.facts, configuration) for case in briefing]
        return briefings, await _answer_cases(tools, configuration)

    briefings, answered = asyncio.run(everything())
    judged: dict[str, list[Judgement]] = {
        "capacity": [Judgement(f"capacity: {c.name}", c.why, c, assess_case(c, configuration)) for c in capacity],
        "briefing": [
            Judgement(f"briefing: {c.name}", c.why, c, got) for c, got in zip(briefing, briefings, strict=True)
        ],
        "tools": [Judgement(f"tools: {c.name}", c.why, c, got) for c, got in zip(tools, answered, strict=True)],
    }
    results: list[CaseResult] = []
    for kind, items in judged.items():
        results += answer_questions("agents", items, _QUESTIONS[kind], lambda _: {})
    says = {question.figure_name: question.description for kind in _QUESTIONS.values() for question in kind}
    report_progress("agents", len(results), len(results))
    results.sort(key=lambda case: case.name)
    return SuiteResult(
        suite="agents", model="none", says=SAYS, figures=question_figures(results, says), cases=tuple(results)
    )
