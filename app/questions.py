"""Answers to questions, for Python, the command line and the desk. Nothing is written unless a proposal is wanted."""

import asyncio
import os
import tempfile
from collections.abc import Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

from app.stores import open_location
from app.timing import Timing
from app.wiring import (
    ReviewRequest,
    StoreSession,
    absolute_location,
    load_scored_base,
    model_client,
    open_store,
    run_review,
)
from domain.desk import EntryPoint
from domain.errors import InputError
from domain.questions import MOST_EARLIER as MOST_EARLIER
from domain.questions import QuestionAnswer
from tools.wording import format_date

if TYPE_CHECKING:
    from domain.configuration import Configuration
    from domain.dossier import Dossier, Person
    from domain.facts import Incident
    from domain.questions import AnswerPart
    from graph.ask_context import AskContext

T = TypeVar("T")

MAX_QUESTION_LENGTH = 2000


def answer_question(
    question: str,
    data: str | None = None,
    as_of: date | None = None,
    *,
    store: str | None = None,
    configs: str | None = None,
    propose_by: str | None = None,
    asker: str | None = None,
    earlier: Sequence[str] = (),
    way: EntryPoint = "command line",
    timing: Timing | None = None,
    cache: "BaseCache | None" = None,
) -> QuestionAnswer:
    """Answer a question about the customer base in ``data`` as it was on ``as_of``; by default the latest review's.

    ``asker`` is the name or id of who asks, for "my" and "I". ``earlier`` are the questions before it in a conversation.
    ``propose_by`` is the name of a person who proposes the play in the answer for the next decision; None writes nothing.
    ``way`` is the interface that the audit log names for it. ``cache`` keeps the base for the next question.
    Raises InputError for data or configuration that cannot be used, and for an empty or too long question.
    """
    check_question(question)
    timing = timing or Timing()
    with _question_store(store, keep=propose_by is not None) as session:
        session.store.way = way
        request, about = _question_request(session, data, as_of, configs)
        with _ready_context(session, request, timing, asker, cache) as context:
            answered = asyncio.run(_run_question(question, context, earlier)).model_copy(update={"about": about})
            if propose_by is not None:
                answered = _propose_play(session, context, answered, propose_by, timing)
        return answered


def answer_conversation(
    questions: Iterable[str],
    data: str | None = None,
    as_of: date | None = None,
    *,
    store: str | None = None,
    configs: str | None = None,
    asker: str | None = None,
    timing: Timing | None = None,
) -> Iterator[QuestionAnswer]:
    """Answer one question after another on data that are read once; ``new`` drops what came before."""
    timing = timing or Timing()
    with _question_store(store, keep=False) as session:
        request, about = _question_request(session, data, as_of, configs)
        context = ask_context(session, request, session.configuration(request), timing, asker)
        earlier: list[str] = []
        for question in questions:
            if question.strip().casefold() in ("new", "neu", "nouveau", "nuevo"):
                earlier.clear()
                continue
            check_question(question)
            answered = asyncio.run(_run_question(question, context, earlier))
            yield answered.model_copy(update={"about": "" if earlier else about})
            earlier.append(question)


@dataclass(frozen=True)
class AccountLook:
    """One account as a question sees it: its dossier, why it is or is not at risk, and who and what it is tied to."""

    dossier: "Dossier"
    why: "AnswerPart"
    people: "Mapping[str, Person]"
    """Our people, by id."""
    incidents: "Sequence[Incident]"


def answer_play(
    account_id: str,
    said: str,
    request: ReviewRequest,
    *,
    store: str | None = None,
    propose_by: str | None = None,
    way: EntryPoint = "command line",
    timing: Timing | None = None,
    cache: "BaseCache | None" = None,
) -> QuestionAnswer:
    """A save play for the account with this id, with what is said about it: a question whose account is certain.

    ``propose_by`` as in ``answer_question``. Raises InputError for data that cannot be used and for a text too long.
    """
    timing = timing or Timing()
    question = f"save play for {account_id}{f': {said}' if said.strip() else ''}"
    check_question(question)
    with _question_store(store, keep=propose_by is not None) as session:
        session.store.way = way
        with _ready_context(session, request, timing, None, cache) as context:
            reading = context.parse(said)
            part = asyncio.run(_closing(context, context.save_play(account_id, reading.said, reading.tried)))
            answered = QuestionAnswer(question=question, as_of=context.as_of, parts=(part,), answered_by="rules")
            if propose_by is not None:
                answered = _propose_play(session, context, answered, propose_by, timing)
        return answered


def name_account(
    words: str, request: ReviewRequest, *, store: str | None = None, cache: "BaseCache | None" = None
) -> "str | AnswerPart":
    """Id of the account that the words name, however they are spelt, or the question back. Writes nothing."""
    check_question(words)
    with (
        _question_store(store, keep=False) as session,
        _ready_context(session, request, Timing(), None, cache) as context,
    ):
        return context.resolve_account(words, context.parse(words))


def look_at_account(
    account_id: str, request: ReviewRequest, *, store: str | None = None, cache: "BaseCache | None" = None
) -> AccountLook:
    """The dossier of any account of the data, also of one that no review looked at closely. Writes nothing."""
    with (
        _question_store(store, keep=False) as session,
        _ready_context(session, request, Timing(), None, cache) as context,
    ):
        why = context.explain_risk(account_id)
        return AccountLook(context.dossier(account_id), why, context.people, context.incidents)


def check_question(question: str) -> None:
    """Raise InputError for a question that is empty or too long."""
    if not question.strip():
        raise InputError('the question is empty; for example: saveplay ask "who is overloaded?"')
    if len(question) > MAX_QUESTION_LENGTH:
        raise InputError(f"the question has {len(question)} characters; at most {MAX_QUESTION_LENGTH}")


def _question_request(
    session: StoreSession, data: str | None, as_of: date | None, configs: str | None
) -> tuple[ReviewRequest, str]:
    """The data and the day that are asked about: as given, or those of the latest review, with a sentence that says so."""
    config_folder = absolute_location(configs) if configs else None
    if data is not None and as_of is not None:
        return ReviewRequest(absolute_location(data), as_of, "", config_folder), ""
    reviews = [item for item in session.store.reviews() if as_of is None or item[1] <= as_of]
    if not reviews:
        raise InputError("no review is in the store to ask about; give --data and --as-of, or --store")
    review_id, day, _ = max(reviews, key=lambda item: (item[1], item[0]))
    stored = ReviewRequest.from_stored(session.store.request(review_id)[0])
    location = absolute_location(data) if data is not None else stored.data
    about = f"About {review_id}, the latest review in the store, as of {format_date(day)}."
    return ReviewRequest(location, day, "", config_folder or stored.configs), about


async def _run_question(question: str, context: "AskContext", earlier: Sequence[str] = ()) -> QuestionAnswer:
    os.environ["LANGSMITH_TRACING"] = "false"  # nothing about a customer is sent to a tracing service
    from graph.ask_conversation import answer_follow_up

    return await _closing(context, answer_follow_up(question, context, earlier))


async def _closing(context: "AskContext", answer: Coroutine[object, object, T]) -> T:
    """The answer; the connections to the model are closed after it."""
    try:
        return await answer
    finally:
        if context.client is not None:
            await context.client.close()


@contextmanager
def _question_store(store: str | None, keep: bool) -> Iterator[StoreSession]:
    """The store. A store that does not exist is made only when ``keep`` is true: asking alone creates nothing."""
    with open_location(store) as location:
        is_wanted = keep or location.exists()
    if is_wanted:
        with open_store(store) as session:
            yield session
        return
    with tempfile.TemporaryDirectory() as empty, open_store(empty) as session:
        yield session


class BaseCache:
    """The base that was asked about last, scored and ready for the next question of a server that stays.

    It is read again when a file of the data, the configuration or anything in the store changed. One question at a time
    uses it. Nothing is kept of data in a database, whose changes do not show, nor with a model, for which others would wait.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._state: object = None
        self._context: AskContext | None = None

    @contextmanager
    def context(
        self, session: StoreSession, request: ReviewRequest, timing: Timing, asker: str | None
    ) -> "Iterator[AskContext]":
        """The context of one question for the block."""
        configuration = session.configuration(request)
        files = _file_states(request.data)
        if files is None or configuration.model.name is not None:
            yield ask_context(session, request, configuration, timing, asker)
            return
        state = (request, configuration.hash, files, session.store.revision())
        with self._lock:
            if self._context is None or state != self._state:
                self.close()
                self._context, self._state = ask_context(session, request, configuration, timing), state
            context = self._context
            context.store, context.history = session.store, session.history()
            context.asker = context.person_id(asker) if asker else None
            yield context

    def close(self) -> None:
        """Forget the base."""
        if self._context is not None:
            self._context.base.close()
        self._context = None


def _file_states(location: str) -> tuple[tuple[str, int, int], ...] | None:
    """Name, size and time of every file of the data; None for data in a database or in a place that cannot be read."""
    if "://" in location:
        return None
    try:
        place = Path(location)
        files = sorted(each for each in place.rglob("*") if each.is_file()) if place.is_dir() else [place]
        return tuple((str(each), (about := each.stat()).st_size, about.st_mtime_ns) for each in files)
    except OSError:
        return None


@contextmanager
def _ready_context(
    session: StoreSession, request: ReviewRequest, timing: Timing, asker: str | None, cache: BaseCache | None
) -> "Iterator[AskContext]":
    """The context of a question for the block: made for it, or that of the cache."""
    if cache is None:
        yield ask_context(session, request, session.configuration(request), timing, asker)
        return
    with cache.context(session, request, timing, asker) as context:
        yield context


def ask_context(
    session: StoreSession,
    request: ReviewRequest,
    configuration: "Configuration",
    timing: Timing,
    asker: str | None = None,
) -> "AskContext":
    """Everything that answers a question: the scored base, the store, the history, the calendar and the model."""
    from graph.ask_context import AskContext
    from tools.working_days import WorkingDays

    history = session.history()
    context = AskContext(
        base=load_scored_base(request, configuration, history, people=session.people(request.as_of)),
        store=session.store,
        history=history,
        calendar=WorkingDays(configuration.review),
        client=model_client(configuration, timing.called),
    )
    context.asker = context.person_id(asker) if asker else None
    return context


def _propose_play(
    session: StoreSession, context: "AskContext", answered: QuestionAnswer, by: str, timing: Timing
) -> QuestionAnswer:
    """Propose the play for the next decision: in the review that waits for its plan, or else in the next review."""
    from app.service import save_proposal, start_review

    part = next((part for part in answered.parts if part.kind == "save_play"), None)
    if part is None:
        needs_answer = any(part.needs_clarification for part in answered.parts)
        why = "say first which account you mean" if needs_answer else "only a save play can be proposed"
        return answered.model_copy(update={"proposed": f"Nothing was proposed: {why}."})
    tried = context.parse(answered.question).tried
    proposal = context.build_proposal(part, answered.question, by, tried)
    waiting = [
        review_id
        for review_id, day, state in session.store.reviews()
        if state == "waiting:plan" and day >= proposal.on and session.store.decision(review_id, "plan") is None
    ]
    for review_id in waiting[:1]:
        session.lock_review(review_id)
        save_proposal(session, proposal, review_id)
        stored_request = session.store.request(review_id)[0]
        start_review(session, ReviewRequest.from_stored(stored_request), review_id, 0, timing, by=by, again=True)
        run_review(session, review_id, timing)
        return answered.model_copy(update={"proposed": f"The play is put before the decision of {review_id}."})
    save_proposal(session, proposal)
    return answered.model_copy(update={"proposed": "The play is put before the next review's decision."})
