"""The share of questions about many things that the typed query can express and answer rightly at all.

    python -m evals.ask_oracle            # the figure, and what it cannot express or answer
    python -m evals.ask_oracle --write    # write the grammar's own reading for questions that the fixture does not have yet

The fixture holds the right query for each question, or null where the language has none. Code runs it as if a model had
picked it, and the content is judged as in the suite ``ask``. So it is an upper bound for any reader of questions.
"""

import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from domain.configuration import Configuration
from domain.questions import PortfolioQuery, QuestionAnswer
from evals.cases import FIXTURES
from evals.suites.ask import (
    ASKED,
    AskCase,
    content_problem,
    open_sample_context,
    read_questions,
    save_sample_actions,
    save_sample_plays,
)
from graph.ask_context import AskContext
from graph.ask_listing import portfolio_query
from graph.ask_model_query import run_typed
from tools.configuration import read_configuration

QUERIES = FIXTURES / "asked_queries.jsonl"
_TOPICS = frozenset(
    ("filter", "count", "history", "actions", "people", "incident", "plays", "renewals", "quotations", "tickets", "invoices",
     "outcomes", "compare", "worked", "lost")
)  # fmt: skip
"""Topics about many things; the others are about one account or are no question."""


@dataclass(frozen=True)
class OracleResult:
    """Number of questions, of those answered rightly, and the rest with the reason."""

    questions: int
    right: int
    faults: tuple[str, ...]


def oracle_cases() -> tuple[AskCase, ...]:
    """The questions about many things for which somebody wrote down the right query, or that there is none."""
    asked = (case for name in ASKED for case in read_questions(FIXTURES / name))
    cases = [case for case in asked if case.topic in _TOPICS and not case.earlier and "facts" not in case.kind[:1]]
    known = read_queries()
    return tuple(case for case in cases if case.ask in known)


def read_queries(path: Path = QUERIES) -> dict[str, PortfolioQuery | None]:
    """The right query by question; None where the language has none."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return {row["ask"]: PortfolioQuery.model_validate(row["query"]) if row["query"] else None for row in rows}


def run_oracle(configuration: Configuration) -> OracleResult:
    """Run the right query of every question and judge the content; the kind of the answer is not judged."""
    queries, faults, right = read_queries(), list[str](), 0
    cases = oracle_cases()
    for weeks in sorted({case.weeks for case in cases}):
        with tempfile.TemporaryDirectory(prefix="saveplay-oracle-") as scratch:
            context = _context(Path(scratch), configuration, weeks)
            for case in cases:
                if case.weeks == weeks:
                    problem = _problem(context, case, queries.get(case.ask))
                    right += not problem
                    faults += [f"{case.ask}: {problem}"] if problem else []
            context.store.close()
    return OracleResult(len(cases), right, tuple(faults))


def _context(folder: Path, configuration: Configuration, weeks: int) -> AskContext:
    context = open_sample_context(folder, configuration, None, weeks)
    save_sample_actions(context)
    if weeks > 1:
        save_sample_plays(context)
    return context


def _problem(context: AskContext, case: AskCase, query: PortfolioQuery | None) -> str:
    if query is None:
        return "no query can say it"
    part = run_typed(context, query)
    answer = QuestionAnswer(question=case.ask, as_of=context.as_of, parts=(part,), answered_by="rules")
    return content_problem(case.model_copy(update={"kind": (part.kind,)}), answer)


def write_queries(configuration: Configuration, cases: Sequence[AskCase], path: Path = QUERIES) -> None:
    """Add the grammar's reading of each question that the fixture does not have; people correct it."""
    known = read_queries(path) if path.exists() else {}
    with tempfile.TemporaryDirectory(prefix="saveplay-oracle-") as scratch:
        context = _context(Path(scratch), configuration, 5)
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        for case in cases:
            if case.ask not in known:
                query = portfolio_query(context, case.ask).model_copy(update={"unapplied": ()})
                row = {"ask": case.ask, "query": query.model_dump(mode="json", exclude_defaults=True)}
                lines.append(json.dumps(row, ensure_ascii=False))
        context.store.close()
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    CONFIGURATION = read_configuration()
    if "--write" in sys.argv[1:]:
        write_queries(CONFIGURATION, oracle_cases())
    RESULT = run_oracle(CONFIGURATION)
    sys.stdout.write(f"{RESULT.right} of {RESULT.questions} questions about many things\n")
    sys.stdout.writelines(f"{fault}\n" for fault in RESULT.faults)
