"""A process that has imported the product and its libraries, and forks itself for every command of a test.

Each command is a separate process, like one started from a shell: it has its own directory, environment, streams and
exit code, and can be killed. This saves more than a second of importing per command. A command that runs elsewhere than in
the folder of the project imports the product itself: it may be a changed copy.
"""

import atexit
import importlib
import json
import os
import runpy
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import NoReturn

LIBRARIES = (
    "aiosqlite", "asyncio", "concurrent.futures", "duckdb", "filelock", "highspy", "holidays.countries", "icalendar",
    "jinja2.ext", "langchain_core.runnables", "langchain_core.tracers.event_stream", "langchain_core.tracers.langchain",
    "langgraph.checkpoint.sqlite.aio", "langgraph.graph", "langgraph.runtime", "langgraph.types", "langsmith.run_trees",
    "numpy", "platformdirs", "pydantic", "rapidfuzz", "rich.console", "rich.panel", "rich.prompt", "rich.table",
    "sqlite3", "typer", "typer.rich_utils", "yaml", "zoneinfo",
)  # fmt: skip
"""Importing them starts no thread and opens no file of a review, so that forking afterwards is safe."""

OPTIONAL_LIBRARIES = ("langgraph.checkpoint.postgres.aio", "psycopg", "fastapi.testclient", "pytest")
"""The same for libraries that may not be installed, and for those of the tests' own programs."""
PRODUCT = ("app.commands", "app.decision_file", "app.publishing", "app.read_commands", "graph.weekly_review")
"""Modules of the product that bring most of the others. Importing them does nothing else."""
ROOT = Path(__file__).parents[2]

CAN_FORK = sys.platform == "linux" and not os.environ.get("SAVEPLAY_TESTS_COLD")
"""Forking is safe on Linux only. With the variable set, every command starts a new interpreter."""
NUMBER_BYTES = 4
"""Length in bytes of a number in the protocol."""


class ForkedCommand:
    """A running command, with the part of the interface of ``subprocess.Popen`` that the tests use."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.pid = self._number()
        self.returncode: int | None = None

    def _number(self) -> int:
        said = self._connection.recv(NUMBER_BYTES)
        assert len(said) == NUMBER_BYTES, "the process that forks is gone"
        return int.from_bytes(said, "big", signed=True)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the exit code; negative when a signal ended the command. Raises TimeoutError."""
        if self.returncode is None:
            self._connection.settimeout(timeout)
            self.returncode = self._number()
            self._connection.close()
        return self.returncode

    def poll(self) -> int | None:
        """The exit code, or None while the command runs."""
        try:
            return self.wait(timeout=0)
        except BlockingIOError:
            return None

    def kill(self) -> None:
        """``kill -9``."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)


def start_forked(
    arguments: Sequence[str], cwd: Path, environment: Mapping[str, str], streams: Sequence[int]
) -> ForkedCommand:
    """Start ``saveplay`` with these arguments, no input, and these descriptors for its two outputs."""
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(_address())
    asked = json.dumps({"arguments": list(arguments), "cwd": str(cwd), "environment": dict(environment)}).encode()
    socket.send_fds(connection, [len(asked).to_bytes(NUMBER_BYTES, "big")], streams)
    connection.sendall(asked)
    return ForkedCommand(connection)


@cache
def _address() -> str:
    """Socket of the forking process; that process is started here and ends with this process."""
    address = str(Path(tempfile.mkdtemp(prefix="saveplay-warm-")) / "socket")
    command = [sys.executable, "-m", "tests.e2e.fork_server", address, str(os.getpid())]
    server = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL)
    atexit.register(_end, server, address)
    while not os.path.exists(address):
        assert server.poll() is None, "the process that forks did not come up"
        time.sleep(0.01)
    return address


def _end(server: subprocess.Popen[bytes], address: str) -> None:
    server.terminate()
    server.wait()
    shutil.rmtree(Path(address).parent)


# in the process that forks -------------------------------------------------------------------------------------------


def serve_forks(address: str, owner: int) -> None:
    """Fork for every requested command until the owner has ended."""
    for library in LIBRARIES:
        importlib.import_module(library)
    for library in OPTIONAL_LIBRARIES:
        with suppress(ImportError):
            importlib.import_module(library)
    for module in PRODUCT:
        importlib.import_module(module)
    # What is imported later is compiled once, and not for every command.
    sys.pycache_prefix = str(Path(address).parent / "compiled")
    sys.dont_write_bytecode = False
    door = socket.socket(socket.AF_UNIX)
    door.bind(f"{address}.new")
    door.listen()
    door.settimeout(1)
    os.rename(f"{address}.new", address)
    attendants: list[int] = []
    while os.getppid() == owner:
        attendants = [each for each in attendants if os.waitpid(each, os.WNOHANG) == (0, 0)]
        with suppress(TimeoutError):
            connection, _ = door.accept()
            if (attendant := os.fork()) == 0:
                fork_command(connection)
            attendants.append(attendant)
            connection.close()


def fork_command(connection: socket.socket) -> NoReturn:
    """Fork again: the new process becomes the command, this process reports its id and its exit code."""
    length, streams, *_ = socket.recv_fds(connection, NUMBER_BYTES, 2)
    asked = b""
    while len(asked) < int.from_bytes(length, "big"):
        asked += connection.recv(1 << 16)
    command = os.fork()
    if command == 0:
        connection.close()
        run_command(streams, **json.loads(asked))
    for stream in streams:
        os.close(stream)
    with suppress(BrokenPipeError):
        connection.sendall(command.to_bytes(NUMBER_BYTES, "big", signed=True))
        code = os.waitstatus_to_exitcode(os.waitpid(command, 0)[1])
        connection.sendall(code.to_bytes(NUMBER_BYTES, "big", signed=True))
    os._exit(0)


def run_command(streams: Sequence[int], arguments: list[str], cwd: str, environment: dict[str, str]) -> NoReturn:
    """Run ``python -m app.cli`` with these arguments in this process."""
    code = 1
    try:
        for place, stream in enumerate(streams, start=1):
            os.dup2(stream, place)
            os.close(stream)
        sys.stdout = os.fdopen(1, "w", closefd=False)
        sys.stderr = os.fdopen(2, "w", errors="backslashreplace", closefd=False)
        os.environ.clear()
        os.environ.update(environment)
        os.chdir(cwd)
        if cwd != str(ROOT):
            _forget_product()
        sys.path[:1] = [cwd, environment["PYTHONPATH"]]
        sys.argv = ["saveplay", *arguments]
        if "SAVEPLAY_TESTS_KILL_AT" in environment:
            from tests.e2e.kill_points import watch_points

            watch_points(int(environment["SAVEPLAY_TESTS_KILL_AT"]), environment.get("SAVEPLAY_TESTS_POINTS"))
        runpy.run_module(environment.get("SAVEPLAY_TESTS_MODULE", "app.cli"), run_name="__main__", alter_sys=True)
        code = 0
    except BaseException:  # noqa: BLE001 - the interpreter does the same with an uncaught error
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _forget_product() -> None:
    """Let this process import the product anew, from wherever it runs, and compile it again."""
    sys.dont_write_bytecode = True
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if name != "__main__" and file and Path(file).is_relative_to(ROOT) and ".venv" not in file:
            del sys.modules[name]


if __name__ == "__main__":
    serve_forks(sys.argv[1], int(sys.argv[2]))
