"""Clients of the MCP server, from the SDK itself: over the standard streams of a process, and over HTTP with a token."""

import json
import os
import re
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from anyio.from_thread import BlockingPortal, start_blocking_portal
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

from tests.e2e.commands import ROOT, clean_environment, command_line, start_command

_OPEN = re.compile(r"MCP server is open at (http://\S+/mcp)")
_PATIENCE_SECONDS = 60


class ToolRefused(AssertionError):
    """A tool answered with an error; the message is what the agent reads."""


@dataclass(frozen=True)
class Agent:
    """A connected client, used from a test without ``async``."""

    portal: BlockingPortal
    client: Client

    def tools(self) -> dict[str, Any]:
        """The tools by name."""
        return {tool.name: tool for tool in self.portal.call(self.client.list_tools).tools}

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """The structured answer of a tool, which the client checked against its schema. Raises ToolRefused."""
        answer = self.portal.call(self.client.call_tool, tool, arguments)
        text = answer.content[0].text
        if answer.is_error:
            raise ToolRefused(text)
        assert json.loads(text) == answer.structured_content, "the text is the structured answer"
        return answer.structured_content

    def refusal(self, tool: str, **arguments: Any) -> str:
        """The error of a tool. Fails when it answers."""
        try:
            answered = self.call(tool, **arguments)
        except ToolRefused as refused:
            return str(refused)
        raise AssertionError(f"{tool} answered: {str(answered)[:300]}")

    def read(self, uri: str) -> str:
        """The text of a resource. Raises MCPError."""
        return str(self.portal.call(self.client.read_resource, uri).contents[0].text)

    def read_refusal(self, uri: str) -> str:
        """The error of a resource. Fails when it can be read."""
        try:
            found = self.read(uri)
        except MCPError as refused:
            return str(refused)
        raise AssertionError(f"{uri} was read: {found[:300]}")


@contextmanager
def agent_over_stdio(store: Path | str, *more: str) -> Iterator[Agent]:
    """An agent of a server process that talks over standard input and output, as desktop clients start it."""
    command, *arguments = command_line(["mcp", "--store", store, *more])
    server = StdioServerParameters(command=command, args=arguments, env=clean_environment(), cwd=ROOT)
    with _connected(Client(server, read_timeout_seconds=_PATIENCE_SECONDS)) as agent:
        yield agent


@contextmanager
def agent_over_http(address: str, token: str) -> Iterator[Agent]:
    """An agent with a token."""
    headers = {"authorization": f"Bearer {token}"}
    http = httpx2.AsyncClient(headers=headers, trust_env=False, timeout=_PATIENCE_SECONDS)
    with _connected(Client(streamable_http_client(address, http_client=http)), http) as agent:
        yield agent


@contextmanager
def _connected(client: Client, *also: Any) -> Iterator[Agent]:
    with start_blocking_portal() as portal, ExitStack() as stack:
        for each in (*also, client):
            entered = stack.enter_context(portal.wrap_async_context_manager(each))
        yield Agent(portal, entered)


@contextmanager
def mcp_over_http(store: Path, *more: str | Path) -> Iterator[str]:
    """The address of a server process over HTTP, on a free port, for the block."""
    with tempfile.TemporaryFile() as said:
        arguments = ["mcp", "--http", "--port", "0", "--store", store, *more]
        process = start_command(arguments, said.fileno(), said.fileno())
        try:
            deadline = time.monotonic() + _PATIENCE_SECONDS
            while not (found := _OPEN.search(os.pread(said.fileno(), 65536, 0).decode())):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise AssertionError(
                        f"the server does not open: {os.pread(said.fileno(), 65536, 0).decode()[-2000:]}"
                    )
                time.sleep(0.02)
            yield found[1]
        finally:
            if process.poll() is None:
                os.kill(process.pid, signal.SIGINT)
            try:
                process.wait(15)
            finally:
                process.kill()
