"""Asking from Python or the command line: one question, one answer, nothing changed unless a proposal is wanted."""

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
    timing: Timing | None = None,
) -> QuestionAnswer:
    """Answer a question about the customer base in ``data`` as it was on ``as_of``.

    ``propose_by`` names who wants the asked-for play put before the next decision; without it nothing is written.
    Raises InputError for data or configuration that cannot be used and for a question that is none.
    """
    if not question.strip():
        raise InputError('the question is empty; for example: saveplay ask "why is Northwind at risk?"')
    if len(question) > MAX_QUESTION_LENGTH:
        raise InputError(f"the question has {len(question)} characters; at most {MAX_QUESTION_LENGTH}")
    timing = timing or Timing()
    request = ReviewRequest(absolute_location(data), as_of, "", absolute_location(configs) if configs else None)
    with _question_store(store, keep=propose_by is not None) as place:
        configuration = place.configuration(request)
        desk = open_ask_desk(place, request, configuration, timing)
        answered = asyncio.run(_run_question(question, desk))
        if propose_by is not None:
            answered = _propose_play(place, desk, answered, propose_by, timing)
        return answered


async def _run_question(question: str, desk: "AskContext") -> QuestionAnswer:
    os.environ["LANGSMITH_TRACING"] = "false"  # nothing about a customer is sent to a tracing service
    from graph.ask_flow import answer_question as run

    try:
        return await run(question, desk)
    finally:
        if desk.client is not None:
            await desk.client.close()


@contextmanager
def _question_store(store: str | None, keep: bool) -> Iterator[StoreSession]:
    """The store; one that does not exist yet is not made just because somebody asks."""
    with open_location(store) as there:
        made = keep or there.exists()
    if made:
        with open_store(store) as place:
            yield place
        return
    with tempfile.TemporaryDirectory() as empty, open_store(empty) as place:
        yield place


def open_ask_desk(
    place: StoreSession, request: ReviewRequest, configuration: "Configuration", timing: Timing
) -> "AskContext":
    """Everything a question may be about, opened."""
    from graph.ask_context import AskContext
    from tools.working_days import WorkingDays

    history = place.history()
    return AskContext(
        base=load_scored_base(request, configuration, history),
        store=place.store,
        history=history,
        calendar=WorkingDays(configuration.review),
        client=model_client(configuration, timing.called),
    )


def _propose_play(
    place: StoreSession, desk: "AskContext", answered: QuestionAnswer, by: str, timing: Timing
) -> QuestionAnswer:
    """Put the play before the next decision: of the review that waits, else of the next one."""
    from app.commands import start_review
    from tools.store.desk_store import DeskStore

    part = next((part for part in answered.parts if part.kind == "save_play"), None)
    if part is None:
        asked_back = any(part.needs_clarification for part in answered.parts)
        why = "say first which account is meant" if asked_back else "only a save play can be proposed"
        return answered.model_copy(update={"proposed": f"Nothing was proposed: {why}."})
    tried = desk.parse(answered.question).tried
    proposal = desk.build_proposal(part, answered.question, by, tried)
    place.store.propose(proposal)
    waiting = [
        review_id
        for review_id, day, state in place.store.reviews()
        if state == "waiting:plan" and day >= proposal.on and place.store.decision(review_id, "plan") is None
    ]
    for review_id in waiting[:1]:
        kept, _, run = place.store.request(review_id)
        start_review(place, ReviewRequest.of(kept), review_id, 0, timing, by=by)
        DeskStore(place.store).move_choices(review_id, run, place.store.request(review_id)[2])
        run_review(place, review_id, timing)
        return answered.model_copy(update={"proposed": f"The play is put before the decision of {review_id}."})
    return answered.model_copy(update={"proposed": "The play is put before the next review's decision."})
