"""Answers to questions, for Python, the command line and the desk. Nothing is written unless a proposal is wanted."""

import asyncio
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING

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
    from graph.ask_context import AskContext

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
) -> QuestionAnswer:
    """Answer a question about the customer base in ``data`` as it was on ``as_of``; by default the latest review's.

    ``asker`` is the name or id of who asks, for "my" and "I". ``earlier`` are the questions before it in a conversation.
    ``propose_by`` is the name of a person who proposes the play in the answer for the next decision; None writes nothing.
    ``way`` is the interface that the audit log names for it.
    Raises InputError for data or configuration that cannot be used, and for an empty or too long question.
    """
    check_question(question)
    timing = timing or Timing()
    with _question_store(store, keep=propose_by is not None) as session:
        session.store.way = way
        request, about = _question_request(session, data, as_of, configs)
        context = ask_context(session, request, session.configuration(request), timing, asker)
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

    try:
        return await answer_follow_up(question, context, earlier)
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
