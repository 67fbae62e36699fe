"""The MCP server reads and proposes. What it could call at all is read from its source and from its registered tools."""

import ast
import asyncio
from collections.abc import Iterator
from pathlib import Path

from app.mcp.reader import ReviewService
from app.mcp.server import create_server
from domain.desk import Member

SOURCE = Path(__file__).resolve().parents[2] / "app" / "mcp"
READING = {
    "ask", "find_accounts", "account", "save_play", "at_risk", "open_actions", "capacity", "changes",
}  # fmt: skip
STORE_CALLS = {"reviews", "progress", "progress_notes", "actions_before", "log"}
"""Methods of the store that the server calls: all read, but the audit line of a refusal."""
QUESTIONS = {
    "AccountLook", "BaseCache", "answer_play", "answer_question", "look_at_account", "name_account", "MAX_QUESTION_LENGTH", "MOST_EARLIER",
}  # fmt: skip


def _trees() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(SOURCE.glob("*.py")):
        yield path.name, ast.parse(path.read_text(encoding="utf-8"))


def test_nine_tools_exist_and_only_the_proposal_is_not_marked_as_reading(tmp_path: Path) -> None:
    server = create_server(ReviewService(str(tmp_path)), lambda _: Member(name="Nobody", role="leader"))
    tools = {tool.name: tool for tool in asyncio.run(server.list_tools())}
    assert set(tools) == {*READING, "propose"}
    assert {name for name, tool in tools.items() if tool.annotations and tool.annotations.read_only_hint} == READING
    assert all(tool.output_schema and tool.description for tool in tools.values())


def test_the_server_calls_no_method_of_the_store_that_changes_a_review() -> None:
    called = {
        node.func.attr
        for _, tree in _trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _is_store(node.func.value)
    }
    assert called
    assert called <= STORE_CALLS


def _is_store(value: ast.expr) -> bool:
    return (isinstance(value, ast.Attribute) and value.attr == "store") or (
        isinstance(value, ast.Name) and value.id == "store"
    )


def test_the_one_way_to_write_is_the_proposal_of_the_question_service_in_one_place() -> None:
    imported: set[str] = set()
    proposing: list[str] = []
    for name, tree in _trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module == "app.questions":
                imported |= {alias.name for alias in node.names}
            if isinstance(node, ast.keyword) and node.arg == "propose_by":
                proposing.append(name)
    assert imported <= QUESTIONS
    assert proposing == ["questions.py"]
