"""The tools that a model may call to answer a question: all read, none writes, and none lets it name another account.

An account goes in as words and is found by the same rules as without a model; when the question itself means somebody
else, or nobody for certain, the tool asks back.
"""

import json
from typing import Any

from langchain_core.tools import BaseTool, tool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import ValidationError

from domain.configuration import QuestionKind
from domain.questions import AnswerPart, ParsedQuestion
from domain.score_configuration import InterventionTier
from graph.ask_context import AskContext
from tools.ask.find_account import find_account
from tools.ask.parse_question import normalize_text

_TIERS: dict[str, InterventionTier] = {"critical": "critical", "high": "high", "medium": "medium", "watch": "watch"}

_KIND: dict[str, QuestionKind] = {
    "save_play": "save_play", "why_at_risk": "why", "intervention_plan": "plan", "changes_since_last_week": "changes",
    "who_is_overloaded": "load", "late_commitments": "late",
}  # fmt: skip
"""The kind of question that each tool answers."""
_TAKEN_AS = {
    "save_play": "a save play for",
    "why_at_risk": "the risk of",
    "intervention_plan": "the plan of this week",
    "changes_since_last_week": "what changed since last week",
    "who_is_overloaded": "who is overloaded",
    "late_commitments": "what was promised and is late",
}


class AskTools:
    """The tools for one question. ``use`` gives the answer, if the tool has one, and what the model reads of it."""

    def __init__(self, context: AskContext, question: str, reading: ParsedQuestion) -> None:
        self._context, self._question, self._reading = context, question, reading
        self._part: AnswerPart | None = None
        self._tools: dict[str, BaseTool] = {made.name: made for made in self._build_tools()}

    def to_openai(self) -> list[dict[str, Any]]:
        """The tools in the format of the OpenAI interface."""
        return [convert_to_openai_tool(made) for made in self._tools.values()]

    async def use(self, name: str, arguments: str) -> tuple[AnswerPart | None, str]:
        """Run one tool. An error in the call is returned to the model as text, not raised."""
        made = self._tools.get(name)
        if made is None:
            return None, f"there is no tool {name[:40]!r}; there are {', '.join(self._tools)}"
        try:
            given = json.loads(arguments or "{}")
            self._part = None
            found = await made.ainvoke(given if isinstance(given, dict) else {})
        except (ValueError, TypeError, RecursionError, ValidationError) as error:
            return None, f"the arguments do not fit: {str(error)[:200]}"
        if self._part is not None and not self._part.needs_clarification and self._reading.kind != _KIND[name]:
            self._part = self._said_how(self._part, _TAKEN_AS[name])
        return self._part, str(found)

    def _said_how(self, part: AnswerPart, taken_as: str) -> AnswerPart:
        """The answer with a first sentence that says how the model took a question of this kind, which the grammar does not see in it."""
        about = f" {part.name}" if part.name else ""
        says = f"The model took this as a question about {taken_as}{about}; it may not be what you ask."
        return part.model_copy(update={"sentences": (says, *part.sentences), "taken_as": taken_as})

    def _record_answer(self, part: AnswerPart) -> str:
        self._part = part
        return " ".join(part.sentences)

    def _account(self, words: str) -> str | AnswerPart:
        """The account that the model names, if the question can mean it; else the question back."""
        meant = find_account(self._context.base, self._question, self._reading)
        if meant.account_id is not None:
            return meant.account_id
        named = find_account(self._context.base, words, self._context.parse(words))
        possible = {candidate.account_id for candidate in meant.candidates}
        if named.account_id in possible and _named_in_question(words, self._question):
            return str(named.account_id)
        return self._context.resolve_account(self._question, self._reading)

    def _build_tools(self) -> list[BaseTool]:
        context, reading = self._context, self._reading

        @tool
        async def save_play(account: str) -> str:
            """Build a save play for one account: what to do, who, by when. Give the account as the question names it."""
            found = self._account(account)
            if isinstance(found, AnswerPart):
                return self._record_answer(found)
            return self._record_answer(await context.save_play(found, reading.said, reading.tried))

        @tool
        async def why_at_risk(account: str) -> str:
            """Explain why one account is at risk, with its evidence. Give the account as the question names it."""
            found = self._account(account)
            return self._record_answer(
                found if isinstance(found, AnswerPart) else context.explain_risk(found, reading.said)
            )

        @tool
        async def intervention_plan(tier: str = "", segment: str = "", csm: str = "") -> str:
            """List the accounts that must be acted on, with action, owner and date, for a tier (critical, high, medium,
            watch), a segment or a CSM. Not for one account."""
            chosen = context.parse(f"{tier} {segment} {csm} {self._question}")
            wanted = _TIERS.get(tier.strip().lower(), reading.tier)
            return self._record_answer(
                context.list_plan(wanted, reading.segment or chosen.segment, reading.csm_id or chosen.csm_id)
            )

        @tool
        async def changes_since_last_week() -> str:
            """Tell what changed since the last review: who came onto the list, left it, got worse or better."""
            return self._record_answer(context.changes())

        @tool
        async def who_is_overloaded() -> str:
            """Tell which CSMs have more accounts at risk or hours than they can handle, and who has time."""
            return self._record_answer(context.csm_workload(reading.csm_id))

        @tool
        async def late_commitments() -> str:
            """Tell which promised actions are late or missed, and whose they are."""
            found = self._account(self._question)
            return self._record_answer(
                context.late_commitments(reading.csm_id, found if isinstance(found, str) else None)
            )

        return [save_play, why_at_risk, intervention_plan, changes_since_last_week, who_is_overloaded, late_commitments]


def _named_in_question(words: str, question: str) -> bool:
    """True if the question contains the model's words for the account."""
    return normalize_text(words) in normalize_text(question)
