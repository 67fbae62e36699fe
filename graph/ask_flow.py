"""The ask flow: read the question, let a model choose tools or the rules answer, and stop after a few steps.

    question -> [a list, a fact, a comparison? -> answer] -> [a model? -> it fills in the query, or calls tools -> ...]
             -> the rules where no model helps -> answer

Read-only: every tool reads, none writes. Every sentence of the answer comes from a tool, none from the model.
"""

from dataclasses import dataclass, field
from typing import Any

from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime

from agents.conversation import Message, ModelAnswer
from domain.errors import ModelError
from domain.questions import AnswerPart, ParsedQuestion, QuestionAnswer
from domain.token_usage import TokenUsage
from graph.ask_answers import answer_typed
from graph.ask_context import AskContext
from graph.ask_model_query import answer_from_model, asks_for_many
from graph.ask_rules import answer_draft, answer_from_rules
from graph.ask_tools import AskTools
from tools.prompts import render_prompt

_OTHER_KIND_NOTE = "The model took the question for one of another kind; the grammar answered."
_NO_TOOL_NOTE = "The model called no tool; the grammar answered."


@dataclass
class AskState:
    """One question on its way."""

    question: str
    reading: ParsedQuestion | None = None
    messages: list[Message] = field(default_factory=list)
    wanted: ModelAnswer | None = None
    """The model's last turn: the tools that it wants."""
    read_in_part: bool = False
    """True if the grammar has rows for the question, without a word that it left out and names."""
    parts: list[AnswerPart] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    tokens: TokenUsage = field(default_factory=TokenUsage)
    note: str = ""
    by: str = "rules"


async def read_question(state: AskState, *, runtime: Runtime[AskContext]) -> dict[str, Any]:
    """Kind, slice and what the asker says, by the rules; the model gets the question as it is."""
    opening = [
        Message("system", render_prompt("ask_rules")),
        Message("user", render_prompt("ask_question", question=state.question)),
    ]
    context = runtime.context
    reading = context.parse(state.question)
    drafted = await answer_draft(context, state.question, reading)
    if drafted is not None:
        return {"reading": reading, "messages": opening, "parts": [drafted]}
    typed = answer_typed(context, state.question, reading)
    found = {"reading": reading, "messages": opening}
    if is_understood(typed):
        return {**found, "parts": [typed]}
    return {**found, "read_in_part": typed is not None and not typed.needs_clarification}


def is_understood(part: AnswerPart | None) -> bool:
    """True for an answer whose every word the grammar took: no model reads it better."""
    return part is not None and not part.needs_clarification and not (part.query and part.query.unapplied)


def route_question(state: AskState, runtime: Runtime[AskContext]) -> str:
    """The end for what the grammar understands whole, the model when there is one, else the rules."""
    if state.parts:
        return END
    if runtime.context.client is None:
        return "answer_by_grammar"
    assert state.reading is not None
    if asks_for_many(runtime.context, state.question, state.reading):
        return "fill_query"
    return "answer_by_grammar" if state.read_in_part else "choose_tools"


async def fill_query(state: AskState, *, runtime: Runtime[AskContext]) -> dict[str, Any]:
    """The model fills in the typed query, code checks and runs it. After its faults the grammar's reading stands."""
    context = runtime.context
    part, drafting, step = await answer_from_model(context, state.question)
    found = {"tokens": state.tokens + drafting.tokens}
    if part is not None:
        return {**found, "parts": [part], "steps": [step], "by": "model"}
    if drafting.outcome == "fell_back":
        return {**found, "note": f"The grammar answered: {drafting.reason.rstrip('.')}."}
    return found


def route_filled(state: AskState, runtime: Runtime[AskContext]) -> str:
    """The end for an answer; the grammar after faults, and where it has rows; the tools for a question that is no query."""
    if state.parts:
        return END
    return "answer_by_grammar" if state.note or state.read_in_part else "choose_tools"


async def choose_tools(state: AskState, *, runtime: Runtime[AskContext]) -> dict[str, Any]:
    """One turn of the model. After a failure the rules answer."""
    context = runtime.context
    assert context.client is not None
    assert state.reading is not None
    name = context.configuration.model.model_for("ask")
    assert name is not None
    try:
        answer = await context.client.complete(
            name, state.messages, tools=AskTools(context, state.question, state.reading).to_openai()
        )
    except ModelError as error:
        return {"wanted": None, "note": f"The grammar answered: {error}."}
    tokens = state.tokens + TokenUsage(read=answer.read, written=answer.written, calls=1)
    turn = Message("assistant", answer.text, answer.calls)
    return {"wanted": answer, "tokens": tokens, "messages": [*state.messages, turn]}


def route_tool_calls(state: AskState, runtime: Runtime[AskContext]) -> str:
    """On to the tools, to the end when something was answered, to the rules when nothing was."""
    if state.wanted is not None and state.wanted.calls:
        return "use_tools"
    return END if state.parts else "answer_by_grammar"


async def use_tools(state: AskState, *, runtime: Runtime[AskContext]) -> dict[str, Any]:
    """Each tool that was asked for, once; what it found goes back to the model."""
    context = runtime.context
    assert state.wanted is not None
    assert state.reading is not None
    toolbox = AskTools(context, state.question, state.reading)
    most = int(context.configuration.model.ask_steps.value)
    parts, steps, messages = list(state.parts), list(state.steps), list(state.messages)
    for call in state.wanted.calls:
        if len(steps) >= most:
            break
        step = f"{call.name}({call.arguments[:200]})"
        part, found = await toolbox.use(call.name, call.arguments) if step not in steps else (None, "already done")
        steps.append(step)
        if part is not None and part.taken_as:
            by_rules = await answer_from_rules(context, state.question, state.reading)
            if by_rules.kind not in ("unclear", "unknown_account"):  # a guess of another kind replaces no answer
                return {
                    "parts": [by_rules],
                    "steps": steps,
                    "messages": messages,
                    "by": "rules",
                    "note": _OTHER_KIND_NOTE,
                }
        if part is not None and part not in parts:
            parts.append(part)
        messages.append(Message("tool", found, answers=call.id))
    return {"parts": parts, "steps": steps, "messages": messages, "by": "model" if parts else "rules"}


def route_after_tools(state: AskState, runtime: Runtime[AskContext]) -> str:
    """An answer ends it; so do too many steps; else the model has another turn."""
    if state.parts:
        return END
    most = int(runtime.context.configuration.model.ask_steps.value)
    return "choose_tools" if len(state.steps) < most else "answer_by_grammar"


async def answer_by_grammar(state: AskState, *, runtime: Runtime[AskContext]) -> dict[str, Any]:
    """The same functions, chosen by phrases and names."""
    assert state.reading is not None
    part = await answer_from_rules(runtime.context, state.question, state.reading)
    is_asked = runtime.context.client is not None and not state.read_in_part
    note = state.note or (_NO_TOOL_NOTE if is_asked else "")
    return {"parts": [part], "by": "rules", "note": note}


def ask_graph() -> StateGraph[AskState, AskContext]:
    """The graph, not yet compiled; it needs no checkpointer, since nothing is written."""
    graph = StateGraph(AskState, context_schema=AskContext)
    graph.add_node("read_question", read_question)
    graph.add_node("fill_query", fill_query)
    graph.add_node("choose_tools", choose_tools)
    graph.add_node("use_tools", use_tools)
    graph.add_node("answer_by_grammar", answer_by_grammar)
    graph.add_edge(START, "read_question")
    graph.add_conditional_edges(
        "read_question", route_question, ["fill_query", "choose_tools", "answer_by_grammar", END]
    )
    graph.add_conditional_edges("fill_query", route_filled, ["choose_tools", "answer_by_grammar", END])
    graph.add_conditional_edges("choose_tools", route_tool_calls, ["use_tools", "answer_by_grammar", END])
    graph.add_conditional_edges("use_tools", route_after_tools, ["choose_tools", "answer_by_grammar", END])
    graph.add_edge("answer_by_grammar", END)
    return graph


async def answer_question(question: str, context: AskContext) -> QuestionAnswer:
    """The answer to one question."""
    final = await ask_graph().compile().ainvoke(AskState(question), context=context, config={"recursion_limit": 50})
    by_model = final["by"] == "model"
    return QuestionAnswer(
        question=question,
        as_of=context.as_of,
        parts=tuple(final["parts"]),
        answered_by="model" if by_model else "rules",
        model=context.configuration.model.model_for("ask") if context.client is not None else None,
        steps=tuple(final["steps"]),
        tokens=final["tokens"],
        note=final["note"],
    )
