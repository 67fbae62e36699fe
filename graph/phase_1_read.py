"""Phase 1, before the scores that count: the text reader has new texts read by the model, where the team switched that on.

The base is scored once with what is known so far, to see who is on the list, asked about or newly worse. Their new texts
are read, and the base is scored again with the readings: they count in the same review. Which texts are read depends on
the data and on earlier weeks alone, never on an earlier run of this week, and each reading is saved as it arrives. So a
killed run goes on without paying twice, and the week run again asks nothing and gives the same bytes.
"""

import asyncio
from collections.abc import Sequence

from langgraph.runtime import Runtime

from agents.churn_predictor import profile_for
from agents.text_reader import TextReader, TextRequest, reading_report
from domain.drafting import DraftingRecord
from domain.errors import OverBudget
from domain.readings import ModelReading, TextsRead
from domain.text_to_read import TextToRead
from graph.context import ReviewContext, ReviewState, StateUpdate, review_date, review_node
from graph.phase_1_identify import requests_of_customers
from tools.evidence.texts_to_read import choose_texts, worse_accounts
from tools.planning.meeting_list import meeting_list
from tools.store.reading_store import TEXTS_READ, ReadingStore

_SAVED = "draft:reading:{digest}"
"""Name of a stored reading. It begins like that of a draft: what a model was paid for is kept when the week is run again."""
_ACCOUNTS_A_TEXT = 3
"""Accounts that are newly worse are looked at, for each text of the budget: most have no new text."""


async def read_texts(state: ReviewState, *, runtime: Runtime[ReviewContext]) -> StateUpdate:
    """Read new texts and have the base scored with them. Does nothing, and shows nothing, where reading is off."""
    context = runtime.context
    reads, earlier = context.configuration.model.reads, _earlier(context, state)
    is_needed = context.client is not None if reads else bool(earlier)
    if not is_needed or context.store.has(state["review_id"], TEXTS_READ):
        return {}
    return await (_read_new_texts if reads else _forget_readings)(state, runtime=runtime)


@review_node("1 Risk identification", "text reader")
def _forget_readings(state: ReviewState, context: ReviewContext) -> StateUpdate:
    """The team switched reading off: nothing that a model read earlier counts any more."""
    context.store.save(state["review_id"], TEXTS_READ, TextsRead())
    context.score_again()
    return {}


@review_node("1 Risk identification", "text reader")
async def _read_new_texts(state: ReviewState, context: ReviewContext) -> StateUpdate:
    settings, day, review_id = context.configuration.model.reading, review_date(state), state["review_id"]
    assert settings is not None
    assert context.client is not None
    earlier = _earlier(context, state)
    model = context.configuration.model.model_for("reading")
    known = {reading.text_id for reading in earlier if reading.model == model}
    accounts = _accounts(context, state, int(settings.texts.value) * _ACCOUNTS_A_TEXT)
    texts, beyond = choose_texts(context.base(), accounts, settings, known)
    reader = TextReader(context.configuration, context.client, day)
    answers = await _read_all(reader, texts, context, review_id)
    made = [answer for answer in answers if isinstance(answer, ModelReading)]
    not_answered = [answer for answer in answers if isinstance(answer, DraftingRecord)]
    window, anew = context.configuration.wording.window_days.value, {reading.text_id for reading in made}
    kept = [each for each in earlier if (day - each.written_on).days <= window and each.text_id not in anew]
    read = TextsRead(
        readings=tuple(sorted([*kept, *made], key=lambda each: each.text_id)),
        report=reading_report(made, not_answered, beyond, context.configuration),
    )
    context.store.save(review_id, TEXTS_READ, read)
    if made:
        context.score_again()
    return {}


def _earlier(context: ReviewContext, state: ReviewState) -> tuple[ModelReading, ...]:
    """Readings by a model from the reviews before this one."""
    return ReadingStore(context.store).read_by_model(review_date(state), besides=state["review_id"])


def _accounts(context: ReviewContext, state: ReviewState, most: int) -> list[str]:
    """The accounts whose texts are read: asked about, on the list by rank, newly worse."""
    base = context.base()
    ((count,),) = base.connection.execute("select count(*) from scored").fetchall()
    profile = profile_for(context.configuration, count)
    asked = requests_of_customers(base, context.store.proposals(state["review_id"], review_date(state)))
    listed = meeting_list(base, profile).account_ids
    return list(dict.fromkeys([*(each.account_id for each in asked), *listed, *worse_accounts(base, most)]))


async def _read_all(
    reader: TextReader, texts: Sequence[TextToRead], context: ReviewContext, review_id: str
) -> list[ModelReading | DraftingRecord]:
    """An answer for each text in their order. Before a text is sent the audit log says so; each reading is saved as it arrives."""
    model, settings = context.configuration.model, context.configuration.model.reading
    assert settings is not None
    requests = [reader.request(text) for text in texts]
    stored = {
        request.digest: context.store.find(review_id, _SAVED.format(digest=request.digest), ModelReading)
        for request in requests
    }
    used = sum(reading.tokens.total for reading in stored.values() if reading is not None)
    to_send = [request.text for request in requests if stored[request.digest] is None]
    if to_send and used < settings.budget_tokens.value:
        accounts, name = sorted({text.account_id for text in to_send}), model.model_for("reading")
        what = "sends texts to a model"
        context.store.log_list(review_id, "saveplay", what, "accounts", accounts, model=name, texts=len(to_send))
    places = asyncio.Semaphore(int(model.at_once.value))

    async def answer(request: TextRequest) -> ModelReading | DraftingRecord:
        nonlocal used
        async with places:
            saved = stored[request.digest]
            if saved is not None:
                return saved
            if used >= settings.budget_tokens.value:
                reason = f"the review's {settings.budget_tokens.value:,.0f} tokens for reading are spent."
                return DraftingRecord(outcome="fell_back", error=OverBudget.code, reason=reason)
            read = await reader.read(request)
            used += read.tokens.total
            if isinstance(read, ModelReading):
                context.store.save(review_id, _SAVED.format(digest=request.digest), read)
            return read

    return list(await asyncio.gather(*(answer(request) for request in requests)))
