"""A model fills in the typed query of a question; code checks it and sends the faults back, at most as often as configured."""

from collections.abc import Callable

from agents.conversation import Message, ModelClient
from agents.repair_loop import RepairLoop, parse_answer
from domain.configuration import Configuration
from domain.drafting import DraftingRecord, Violation
from domain.questions import QueryDraft
from tools.ask.query_draft import draft_schema


async def fill_query(
    client: ModelClient,
    configuration: Configuration,
    rules: str,
    question: str,
    check: Callable[[QueryDraft], list[Violation]],
) -> tuple[QueryDraft | None, DraftingRecord]:
    """The first draft without a fault, or None with the reason in the record."""
    messages = (Message("system", rules), Message("user", question))
    loop = RepairLoop(client, configuration, "ask", messages, draft_schema(configuration.asking))
    draft = await loop.run(lambda text: parse_answer(text, QueryDraft), check)
    return draft, loop.drafting
