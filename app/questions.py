"""Answers to questions, for Python, the command line and the desk. Nothing is written unless a proposal is wanted."""

import asyncio
import os
import tempfile
from collections.abc import Iterator
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
from domain.questions import QuestionAnswer

if TYPE_CHECKING:
    from domain.configuration import Configuration
    from graph.ask_context import AskContext

MAX_QUESTION_LENGTH = 2000


def answer_question(
    question: str,
    data: str,
    as_of: date,
    *,
    store: str | None = None,
    configs: str | None = None,
    propose_by: str | None = None,
    way: EntryPoint = "command line",
    timing: Timing | None = None,
) -> QuestionAnswer:
    """Answer a question about the customer base in ``data`` as it was on ``as_of``.

    ``propose_by`` is the name of a person who proposes the play in the answer for the next decision; None writes nothing.
    ``way`` is the interface that the audit log names for it.
    Raises InputError for data or configuration that cannot be used, and for an empty or too long question.
    """
    if not question.strip():
        raise InputError('the question is empty; for example: saveplay ask "why is Northwind at risk?"')
    if len(question) > MAX_QUESTION_LENGTH:
        raise InputError(f"the question has {len(question)} characters; at most {MAX_QUESTION_LENGTH}")
    timing = timing or Timing()
    request = ReviewRequest(absolute_location(data), as_of, "", absolute_location(configs) if configs else None)
    with _question_store(store, keep=propose_by is not None) as session:
        session.store.way = way
        configuration = session.configuration(request)
        context = ask_context(session, request, configuration, timing)
        answered = asyncio.run(_run_question(question, context))
        if propose_by is not None:
            answered = _propose_play(session, context, answered, propose_by, timing)
        return answered


async def _run_question(question: str, context: "AskContext") -> QuestionAnswer:
    os.environ["LANGSMITH_TRACING"] = "false"  # nothing about a customer is sent to a tracing service
    from graph.ask_flow import answer_question as run_question_graph

    try:
        return await run_question_graph(question, context)
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
    session: StoreSession, request: ReviewRequest, configuration: "Configuration", timing: Timing
) -> "AskContext":
    """Everything that answers a question: the scored base, the store, the history, the calendar and the model."""
    from graph.ask_context import AskContext
    from tools.working_days import WorkingDays

    history = session.history()
    return AskContext(
        base=load_scored_base(request, configuration, history, people=session.people(request.as_of)),
        store=session.store,
        history=history,
        calendar=WorkingDays(configuration.review),
        client=model_client(configuration, timing.called),
    )


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
