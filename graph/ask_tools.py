"""The tools that a model may call to answer a question: all read, none writes, and none lets it name another account.

An account goes in as words and is found by the same rules as without a model; when the question itself means somebody
else, or nobody for certain, the tool asks back.
"""

import json
from typing import Any

from langchain_core.tools import BaseTool, tool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import ValidationError

from domain.asking import Part, Reading
from domain.configuration import Tier
from graph.ask_desk import AskDesk
from tools.ask.find_account import find_account
from tools.ask.parse_question import plain

_TIERS: dict[str, Tier] = {"critical": "critical", "high": "high", "medium": "medium", "watch": "watch"}


class Toolbox:
    """The tools for one question. ``use`` gives the answer, if the tool has one, and what the model reads of it."""

    def __init__(self, desk: AskDesk, question: str, reading: Reading) -> None:
        self._desk, self._question, self._reading = desk, question, reading
        self._part: Part | None = None
        self._tools: dict[str, BaseTool] = {made.name: made for made in self._made()}

    def sent(self) -> list[dict[str, Any]]:
        """As the server takes them."""
        return [convert_to_openai_tool(made) for made in self._tools.values()]

    async def use(self, name: str, arguments: str) -> tuple[Part | None, str]:
        """Run one tool. What is wrong with the call is told to the model, not raised."""
        made = self._tools.get(name)
        if made is None:
            return None, f"there is no tool {name[:40]!r}; there are {', '.join(self._tools)}"
        try:
            given = json.loads(arguments or "{}")
            self._part = None
            found = await made.ainvoke(given if isinstance(given, dict) else {})
        except (ValueError, TypeError, RecursionError, ValidationError) as error:
            return None, f"the arguments do not fit: {str(error)[:200]}"
        return self._part, str(found)

    def _answered(self, part: Part) -> str:
        self._part = part
        return " ".join(part.sentences)

    def _account(self, words: str) -> str | Part:
        """The account in the model's words, as far as the question bears it out."""
        meant = find_account(self._desk.base, self._question, self._reading)
        if meant.account_id is not None:
            return meant.account_id
        named = find_account(self._desk.base, words, self._desk.read(words))
        possible = {candidate.account_id for candidate in meant.candidates}
        if named.account_id in possible and _in_question(words, self._question):
            return str(named.account_id)
        return self._desk.account(self._question, self._reading)

    def _made(self) -> list[BaseTool]:
        desk, reading = self._desk, self._reading

        @tool
        async def save_play(account: str) -> str:
            """Build a save play for one account: what to do, who, by when. Give the account as the question names it."""
            found = self._account(account)
            if isinstance(found, Part):
                return self._answered(found)
            return self._answered(await desk.save_play(found, reading.said, reading.tried))

        @tool
        async def why_at_risk(account: str) -> str:
            """Explain why one account is at risk, with its evidence. Give the account as the question names it."""
            found = self._account(account)
            return self._answered(found if isinstance(found, Part) else desk.why(found, reading.said))

        @tool
        async def intervention_plan(tier: str = "", segment: str = "", csm: str = "") -> str:
            """List the accounts that must be acted on, with action, owner and date, for a tier (critical, high, medium,
            watch), a segment or a CSM. Not for one account."""
            chosen = desk.read(f"{tier} {segment} {csm} {self._question}")
            wanted = _TIERS.get(tier.strip().lower(), reading.tier)
            return self._answered(desk.plan(wanted, reading.segment or chosen.segment, reading.csm_id or chosen.csm_id))

        @tool
        async def changes_since_last_week() -> str:
            """Tell what changed since the last review: who came onto the list, left it, got worse or better."""
            return self._answered(desk.changes())

        @tool
        async def who_is_overloaded() -> str:
            """Tell which CSMs have more accounts at risk or hours than they can handle, and who has time."""
            return self._answered(desk.load(reading.csm_id))

        @tool
        async def late_commitments() -> str:
            """Tell which promised actions are late or missed, and whose they are."""
            found = self._account(self._question)
            return self._answered(desk.late(reading.csm_id, found if isinstance(found, str) else None))

        return [save_play, why_at_risk, intervention_plan, changes_since_last_week, who_is_overloaded, late_commitments]


def _in_question(words: str, question: str) -> bool:
    """Whether the model's words for the account stand in the question."""
    return plain(words) in plain(question)
