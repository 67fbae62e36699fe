"""A model as judge of two plays. It reads each pair in both orders, and a choice that follows the place counts as none.

Its labels stand under its name and never count as those of people; how often it agrees with people is reported.
"""

import asyncio
from collections.abc import Sequence
from typing import Literal

from agents.conversation import Message, ModelClient
from agents.repair_loop import parse_answer
from domain.errors import ModelError
from domain.record import Record
from evals.engine import ReportProgress
from evals.preference import JUDGE, Choice, Label, PlayPair
from tools.prompts import render_prompt

_CHOICES: tuple[Choice, ...] = ("left", "right", "same")
JUDGE_SCHEMA = {
    "type": "object",
    "properties": {"better": {"type": "string", "enum": list(_CHOICES)}},
    "required": ["better"],
    "additionalProperties": False,
}


class JudgeAnswer(Record):
    """Answer of the model about one pair."""

    better: Literal["left", "right", "same"]


def judge_pairs(
    pairs: Sequence[PlayPair], seed: int, model: str, client: ModelClient, report_progress: ReportProgress
) -> tuple[tuple[Label, ...], tuple[str, ...]]:
    """Labels of the model, and the reasons for which pairs have none. Account names are not sent."""

    async def everything() -> list[Label | str]:
        try:
            found: list[Label | str] = []
            for pair in pairs:
                report_progress("judge", len(found), len(pairs))
                found.append(await _judge(pair, seed, model, client))
            report_progress("judge", len(pairs), len(pairs))
            return found
        finally:
            await client.close()

    found = asyncio.run(everything())
    return tuple(item for item in found if isinstance(item, Label)), tuple(
        item for item in found if isinstance(item, str)
    )


async def _judge(pair: PlayPair, seed: int, model: str, client: ModelClient) -> Label | str:
    left, right = (text.replace(pair.name, "the customer") for text in pair.shown(seed))
    situation = pair.situation.replace(pair.name, "the customer")
    try:
        first = await _ask(situation, left, right, model, client)
        second = await _ask(situation, right, left, model, client)
    except ModelError as error:
        return f"{pair.account}: {error}"
    turned: dict[Choice, Choice] = {"left": "right", "right": "left", "same": "same"}
    choice: Choice = first if turned[second] == first else "same"
    return Label(by=f"{JUDGE}{model}", account=pair.account, pair=pair.key, seed=seed, choice=choice)


async def _ask(situation: str, left: str, right: str, model: str, client: ModelClient) -> Choice:
    question = render_prompt("judge_pair", situation=situation, left=left, right=right)
    messages = (Message("system", render_prompt("judge_rules")), Message("user", question))
    answer = await client.complete(model, messages, JUDGE_SCHEMA)
    return parse_answer(answer.text, JudgeAnswer).better
