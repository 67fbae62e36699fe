"""Suite ``ask``: questions about the sample portfolio, with the expected kind and account of the answer."""

import asyncio
import csv
import re
import tempfile
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from agents.conversation import ModelClient
from domain.configuration import Configuration
from domain.phase_results import RunningPlay, RunningPlays
from domain.questions import AnswerPart, QuestionAnswer
from domain.record import Record
from domain.tracking import Action
from evals.cases import FIXTURES, OneOrMore, load_yaml
from evals.engine import Judgement, Question, ReportProgress, Verdict, judge_suite
from evals.figures import SuiteResult
from graph.ask_context import AskContext
from graph.ask_conversation import answer_follow_up
from tools.scoring.scored_base import read_base
from tools.scoring.snapshots import SnapshotStore
from tools.store.review_store import ReviewStore
from tools.wording import review_id_of
from tools.working_days import WorkingDays

SAYS = "Questions in people's own words about the sample portfolio: is the answer of the right kind and about the right account?"
SAMPLE = Path(__file__).resolve().parents[2] / "examples" / "portfolio"
TODAY, LAST_WEEK = date(2026, 11, 23), date(2026, 11, 16)


class AskCase(Record):
    """One question and its expected answer. ``said`` counts the statements to be used as evidence."""

    ask: str
    kind: OneOrMore
    account: str | None = None
    candidates: tuple[str, ...] = ()
    cause: OneOrMore = ()
    said: int = 0
    slice: Mapping[str, str] = {}
    note: str = ""
    language: str = "en"
    tags: tuple[str, ...] = ()
    asker: str = ""
    topic: str = ""
    weeks: int = 1
    """Kept weeks before the day of the question."""
    earlier: tuple[str, ...] = ()
    """Questions asked before it, in a conversation."""
    accounts: tuple[str, ...] | None = None
    """Exactly these accounts are in the answer."""
    includes: tuple[str, ...] = ()
    """At least these are."""
    says: tuple[str, ...] = ()
    """Regular expressions that the shown answer matches, all of them."""
    never: tuple[str, ...] = ()
    """Regular expressions that it does not match."""


def read_questions(path: Path = FIXTURES / "questions.yaml") -> tuple[AskCase, ...]:
    """Read all questions of a file."""
    content = load_yaml(path)
    return tuple(AskCase(**entry) for entry in content["questions"])


ASKED = tuple(f"asked_{name}.yaml" for name in ("a", "b", "conversations", "c", "d", "e", "f", "g", "h", "i"))


def read_all_questions() -> tuple[AskCase, ...]:
    """The questions about kind and account, and those of six kinds of people about content."""
    return (*read_questions(), *(case for name in ASKED for case in read_questions(FIXTURES / name)))


def _labels(case: AskCase) -> dict[str, str]:
    """The slices that a case belongs to."""
    labels = {"language": case.language, "kind": case.kind[0].replace("_", " ")}
    return labels | ({"topic": case.topic, "asker": case.asker} if case.topic else {})


@cache
def _sample_accounts() -> Mapping[str, Mapping[str, str]]:
    with (SAMPLE / "accounts.csv").open(encoding="utf-8", newline="") as file:
        return {row["account_id"]: row for row in csv.DictReader(file)}


class AnswerKindRight(Question):
    """The answer is of an accepted kind."""

    figure_name, description = "kind", "the answer is of the expected kind, or the product asks back where it should"

    def verdict(self, case: AskCase, got: QuestionAnswer) -> Verdict:
        kinds = [part.kind for part in got.parts]
        return bool(kinds) and kinds[
            0
        ] in case.kind, f"expected {' or '.join(case.kind)}, got {', '.join(kinds) or 'nothing'}"


class RightAccount(Question):
    """The answer is about the expected account and no other."""

    figure_name, description = "account", "the answer is about the expected account and no other"

    def applies(self, case: AskCase) -> bool:
        return not case.topic  # questions about content name their accounts there

    def verdict(self, case: AskCase, got: QuestionAnswer) -> Verdict:
        named = [part.account_id for part in got.parts if part.kind in ("why", "save_play")]
        wanted = [case.account] * len(named) if case.account else []
        return named == wanted, f"expected {case.account or 'no account'}, got {', '.join(map(str, named)) or 'none'}"


class CandidatesOffered(Question):
    """A question back offers every account that may be meant."""

    figure_name, description = "candidates", "a question back offers every account that may be meant"

    def applies(self, case: AskCase) -> bool:
        return bool(case.candidates)

    def verdict(self, case: AskCase, got: QuestionAnswer) -> Verdict:
        if not any(part.kind == "which_account" for part in got.parts):
            return True, "not asked back"
        offered = {candidate.account_id for part in got.parts for candidate in part.candidates}
        missing = sorted(set(case.candidates) - offered)
        return not missing, f"missing: {', '.join(missing)}" if missing else "all of them"


class StatementUsed(Question):
    """Statements of the user become evidence, and the cause follows them where expected."""

    figure_name, description = "heard", "statements of the user become evidence and change the cause where expected"

    def applies(self, case: AskCase) -> bool:
        return bool(case.said or case.cause)

    def verdict(self, case: AskCase, got: QuestionAnswer) -> Verdict:
        said = sum(len(part.said) for part in got.parts)
        causes = [part.cause.category for part in got.parts if part.cause is not None]
        right = said >= case.said and (not case.cause or any(cause in case.cause for cause in causes))
        return (
            right,
            f"expected at least {case.said} statement(s), {' or '.join(case.cause) or 'any cause'}; got {said}, {', '.join(causes)}",
        )


class PlanSlice(Question):
    """The plan holds only accounts of the tier, segment or CSM in the question."""

    figure_name, description = "slice", "a plan contains only the accounts that the question asks for"

    def applies(self, case: AskCase) -> bool:
        return bool(case.slice)

    def verdict(self, case: AskCase, got: QuestionAnswer) -> Verdict:
        lines = [line for part in got.parts for line in part.plan]
        accounts = _sample_accounts()
        wrong = [
            line.name
            for line in lines
            if case.slice.get("tier", line.tier) != line.tier
            or case.slice.get("csm", accounts[line.account_id]["csm_id"]) != accounts[line.account_id]["csm_id"]
            or case.slice.get("segment", accounts[line.account_id]["segment"]) != accounts[line.account_id]["segment"]
        ]
        return bool(lines) and not wrong, f"{len(lines)} lines, wrong: {', '.join(wrong[:3]) or 'none'}"


class Grounded(Question):
    """Reasons and plays show evidence, and plays are verified."""

    figure_name, description = "grounded", "reasons and plays show their evidence, and plays are verified"

    def verdict(self, case: AskCase, got: QuestionAnswer) -> Verdict:
        bare: list[str] = [
            part.kind
            for part in got.parts
            if part.kind in ("why", "save_play") and not (part.evidence or "not at risk" in " ".join(part.sentences))
        ]
        unfit: list[str] = [part.kind for part in got.parts if part.play is not None and not part.play.verified]
        return not (bare or unfit), f"without evidence: {', '.join(bare + unfit) or 'none'}"


def shown_text(got: QuestionAnswer) -> str:
    """Everything that the answer shows: sentences, statements, tables, plays, lines of a plan, commitments."""
    lines: list[str] = []
    for part in got.parts:
        lines += [*part.sentences, *part.known]
        lines += [f"You said: {said.says}" for said in part.said]
        lines += [" ".join((fact.statement, fact.shown)) for fact in part.evidence]
        lines += [" ".join((*table.columns, *cells)) for table in part.tables for cells in table.rows]
        lines += [f"{line.name} {line.action} {line.owner}" for line in part.plan]
        lines += [f"{move.name} {move.note}" for move in part.movements]
        lines += [candidate.name for candidate in part.candidates]
        lines += [part.play.model_dump_json()] if part.play is not None else []
    return "\n".join(lines)


def accounts_of(part: AnswerPart) -> set[str]:
    """The accounts that a part is about."""
    found = (
        {line.account_id for line in part.plan} | {move.account_id for move in part.movements} | set(part.account_ids)
    )
    return found | ({part.account_id} if part.account_id else set())


def content_problem(case: AskCase, got: QuestionAnswer) -> str:
    """The fault of the content; empty where the question is really answered."""
    if not got.parts or got.parts[0].kind not in case.kind:
        return f"kind {', '.join(part.kind for part in got.parts)}"
    named = set().union(*(accounts_of(part) for part in got.parts))
    if case.accounts is not None and named != set(case.accounts):
        return f"accounts {', '.join(sorted(named)) or 'none'}, expected {', '.join(case.accounts)}"
    if missing := sorted(set(case.includes) - named):
        return f"missing {', '.join(missing)}"
    text = shown_text(got)
    absent = [pattern for pattern in case.says if not re.search(pattern, text)]
    if absent:
        return f"does not say {', '.join(absent)}"
    wrong = [pattern for pattern in case.never if re.search(pattern, text)]
    return f"says {', '.join(wrong)}" if wrong else ""


def is_confidently_wrong(case: AskCase, got: QuestionAnswer) -> bool:
    """True if the answer is wrong and neither asks back nor declines."""
    asks_back = any(part.needs_clarification or part.kind == "refused" for part in got.parts)
    return bool(content_problem(case, got)) and not asks_back


def is_wrong_without_warning(case: AskCase, got: QuestionAnswer) -> bool:
    """True if it is also silent on words of the question that it leaves out, and on how a model took it."""
    is_warned = any(part.taken_as or (part.query and part.query.unapplied) for part in got.parts)
    return is_confidently_wrong(case, got) and not is_warned


class ReallyAnswered(Question):
    """The content is right: accounts, figures, words; not only the kind."""

    figure_name, description = "answered", "the content of the answer is right: its accounts, its figures, its words"

    def applies(self, case: AskCase) -> bool:
        return bool(case.topic)

    def verdict(self, case: AskCase, got: QuestionAnswer) -> Verdict:
        problem = content_problem(case, got)
        return not problem, problem or "answered"


class NotConfidentlyWrong(Question):
    """A question that is not answered is asked back or declined."""

    figure_name, description = (
        "honest",
        "what is not answered is asked back or declined, not answered wrongly",
    )

    def applies(self, case: AskCase) -> bool:
        return bool(case.topic)

    def verdict(self, case: AskCase, got: QuestionAnswer) -> Verdict:
        wrong = is_confidently_wrong(case, got)
        return not wrong, content_problem(case, got) if wrong else "honest"


class WrongWithWarning(Question):
    """A wrong answer says first which words of the question it leaves out."""

    figure_name, description = (
        "warned",
        "what is not answered is asked back, declined, or begins with what it leaves out",
    )

    def applies(self, case: AskCase) -> bool:
        return bool(case.topic)

    def verdict(self, case: AskCase, got: QuestionAnswer) -> Verdict:
        wrong = is_wrong_without_warning(case, got)
        return not wrong, content_problem(case, got) if wrong else "warned"


QUESTIONS: tuple[Question, ...] = (
    AnswerKindRight(),
    RightAccount(),
    CandidatesOffered(),
    StatementUsed(),
    PlanSlice(),
    Grounded(),
    ReallyAnswered(),
    NotConfidentlyWrong(),
    WrongWithWarning(),
)


def run_ask(
    cases: Sequence[AskCase],
    configuration: Configuration,
    client: ModelClient | None,
    model: str,
    report_progress: ReportProgress,
) -> SuiteResult:
    """Ask every question once and judge the answers."""
    answers: dict[int, QuestionAnswer | str] = {}
    for weeks in sorted({case.weeks for case in cases}):
        numbers = [number for number, case in enumerate(cases) if case.weeks == weeks]
        with tempfile.TemporaryDirectory(prefix="saveplay-eval-") as scratch:
            context = open_sample_context(Path(scratch), configuration, client, weeks)
            save_sample_actions(context)
            if weeks > 1:
                save_sample_plays(context)
            found = asyncio.run(_answer_all([cases[number] for number in numbers], context, report_progress))
            context.store.close()
        answers |= dict(zip(numbers, found, strict=True))
    judgements = [
        Judgement(
            f"{number + 1:02d} {case.ask[:70]}",
            case.note,
            case,
            answer,
            answer if isinstance(answer, str) else None,
            _labels(case),
        )
        for number, (case, answer) in enumerate((case, answers[place]) for place, case in enumerate(cases))
    ]
    return judge_suite("ask", SAYS, model, judgements, QUESTIONS, _describe_answer)


def open_sample_context(
    folder: Path, configuration: Configuration, client: ModelClient | None, weeks: int = 1
) -> AskContext:
    """Context for questions: the sample portfolio, with so many weeks before in the history, and an empty store."""
    history = SnapshotStore(folder / "history")
    for back in range(weeks, 0, -1):
        day = TODAY - timedelta(weeks=back)
        past = read_base(str(SAMPLE), day, configuration, history)
        past.save_scores(history, review_id_of(day), reviewed=True)
        past.connection.close()
    return AskContext(
        base=read_base(str(SAMPLE), TODAY, configuration, history),
        store=ReviewStore(folder, TODAY.isoformat),
        history=history,
        calendar=WorkingDays(configuration.review),
        client=client,
    )


def save_sample_actions(context: AskContext, path: Path = FIXTURES / "asked_actions.jsonl") -> None:
    """Save the actions of the week before, of which some are late, so that questions about promises have an answer."""
    lines = path.read_text(encoding="utf-8").splitlines()
    actions = [Action.model_validate_json(line) for line in lines]
    context.store.save_actions(review_id_of(LAST_WEEK), LAST_WEEK, actions)


def save_sample_plays(context: AskContext, path: Path = FIXTURES / "asked_plays.yaml") -> None:
    """Save the approved plays of earlier reviews and mark what was done, so that "what worked before" has an answer."""
    for review in load_yaml(path)["reviews"]:
        day, review_id = review["as_of"], review_id_of(review["as_of"])
        context.store.start(review_id, day, {})
        actions = [_sample_action(review_id, play, step) for play in review["plays"] for step in play["actions"]]
        plays = tuple(_sample_play(review_id, day, play) for play in review["plays"])
        context.store.save(review_id, "running", RunningPlays(plays=plays))
        if not actions:
            continue
        context.store.save_actions(review_id, day, actions)
        done = {
            f"{review_id}.{p['account_id']}.{a['id']}": a.get("done_on") for p in review["plays"] for a in p["actions"]
        }
        marks = [(action_id, "done" if on else "dropped", on or day) for action_id, on in done.items()]
        context.store.mark(marks, "", "Ruth Castellanos")


def _sample_play(review_id: str, day: date, play: Mapping[str, Any]) -> RunningPlay:
    return RunningPlay(
        account_id=play["account_id"], name=play["name"], arr=None, cause=play["cause"], created=day, origin=review_id,
        actions={"address": tuple(step["id"] for step in play["actions"])}, health=None,
    )  # fmt: skip


def _sample_action(review_id: str, play: Mapping[str, Any], step: Mapping[str, Any]) -> Action:
    return Action(
        id=f"{review_id}.{play['account_id']}.{step['id']}", review_id=review_id, account_id=play["account_id"],
        account_name=play["name"], owner=step["owner"], owner_id=step["owner_id"], due=step["due"], follow_up=None, kind="play",
        title=step["title"], action=step["title"], purpose="", phase="address", urgency="standard", effort_hours=1.0,
        channel="meeting", playbook_action=step["id"], contact=None,
    )  # fmt: skip


async def _answer_all(
    cases: Sequence[AskCase], context: AskContext, report_progress: ReportProgress
) -> list[QuestionAnswer | str]:
    found: list[QuestionAnswer | str] = []
    try:
        for case in cases:
            report_progress("ask", len(found), len(cases))
            found.append(await _answer(case.ask, context, case.earlier))
    finally:
        if context.client is not None:
            await context.client.close()
    report_progress("ask", len(cases), len(cases))
    return found


async def _answer(question: str, context: AskContext, earlier: Sequence[str] = ()) -> QuestionAnswer | str:
    try:
        return await answer_follow_up(question, context, earlier)
    except Exception as error:  # noqa: BLE001 - any error while answering is a result of that question
        return f"{type(error).__name__}: {error}"


def _describe_answer(got: QuestionAnswer) -> dict[str, str]:
    first: AnswerPart | None = got.parts[0] if got.parts else None
    return {
        "kind": ", ".join(part.kind for part in got.parts),
        "account": ", ".join(part.account_id for part in got.parts if part.account_id) or "none",
        "cause": first.cause.category if first and first.cause else "none",
        "answered by": got.answered_by,
        "says": " ".join(first.sentences)[:240] if first else "",
    }
