"""The product as a real process: start it, read its output, kill it. Nothing is faked, no product code is imported."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO

from tests.e2e.fork_server import CAN_FORK, ForkedCommand, start_forked

ROOT = Path(__file__).resolve().parents[2]
PORTFOLIO = ROOT / "examples" / "portfolio"
EXPORTS = ROOT / "examples" / "exports"
DONE, FAULT, REFUSED, WAITING = 0, 1, 2, 3
_OUR_VARIABLES = ("SAVEPLAY_", "OPENAI_", "PYTEST_", "COV_")
_TIMEOUT_SECONDS = 120
CONFIGURATION_HOME = str(Path(tempfile.gettempdir()) / "saveplay-tests-configuration")
"""Home of the keys of audit logs, the same for all processes of the tests: stores are copied between them."""
FORKED_VARIABLES = {
    "SAVEPLAY_CACHE", "SAVEPLAY_STORE", "SAVEPLAY_TESTS_KILL_AT", "SAVEPLAY_TESTS_MODULE", "SAVEPLAY_TESTS_POINTS",
}  # fmt: skip
"""Variables with which a command may be forked; the last three are read by the tests' own ``fork_server``."""


@dataclass(frozen=True)
class CommandResult:
    """Exit code and output of a process."""

    code: int
    out: str
    err: str

    @property
    def refusal(self) -> str:
        """The one sentence of a refused command. Fails when the command was not refused or printed anything else."""
        lines = [line for line in self.err.splitlines() if line.strip()]
        assert self.code == REFUSED, f"exit {self.code}: {self.err[-2000:]}"
        assert not self.out, self.out[:500]
        assert len(lines) == 1, self.err[-2000:]
        assert lines[0].startswith("saveplay: "), lines[0]
        assert "Traceback" not in self.err
        return lines[0].removeprefix("saveplay: ")

    def check_exit(self, code: int) -> "CommandResult":
        """Return the result if the process ended with this code and without a traceback, else fail."""
        assert self.code == code, f"exit {self.code} instead of {code}: {self.err[-3000:]}"
        assert "Traceback" not in self.err
        return self


@cache
def _home() -> str:
    """An empty home folder, so that no test sees the developer's own reviews."""
    return tempfile.mkdtemp(prefix="saveplay-home-")


def clean_environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment without the product's settings and keys, with an empty home folder."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OUR_VARIABLES)}
    homes = {
        "HOME": _home(),
        "XDG_DATA_HOME": _home(),
        "XDG_CACHE_HOME": _home(),
        "XDG_CONFIG_HOME": CONFIGURATION_HOME,
    }
    return {**kept, **homes, "PYTHONPATH": str(ROOT), **(more or {})}


def command_line(arguments: Sequence[str | Path]) -> list[str]:
    """The command line of ``saveplay`` with these arguments."""
    return [sys.executable, "-m", "app.cli", *map(str, arguments)]


def start_command(
    arguments: Sequence[str | Path], out: int, err: int, env: Mapping[str, str] | None = None, cwd: Path = ROOT
) -> ForkedCommand | subprocess.Popen[bytes]:
    """Start one command without a terminal. It is forked, unless its environment sets more than ``FORKED_VARIABLES``;
    then it starts a new interpreter."""
    if CAN_FORK and set(env or {}) <= FORKED_VARIABLES:
        return start_forked([*map(str, arguments)], cwd, clean_environment(env), (out, err))
    return subprocess.Popen(
        command_line(arguments), cwd=cwd, env=clean_environment(env), stdin=subprocess.DEVNULL, stdout=out, stderr=err
    )


def saveplay(*arguments: str | Path, env: Mapping[str, str] | None = None, cwd: Path = ROOT) -> CommandResult:
    """Run one command to its end, at most 120 seconds."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = start_command(arguments, out.fileno(), err.fileno(), env, cwd)
        try:
            code = process.wait(_TIMEOUT_SECONDS)
        finally:
            process.kill()
        return CommandResult(code, _read_all(out), _read_all(err))


KillCondition = Callable[[Sequence[str]], bool]


def has_printed(text: str) -> KillCondition:
    """Condition: the process has printed this text on standard error."""
    return lambda lines: any(text in line for line in lines)


def file_exists(folder: Path, pattern: str) -> KillCondition:
    """Condition: the folder contains a file that matches the pattern."""

    def there(_: object) -> bool:
        try:
            return any(folder.glob(pattern))
        except FileNotFoundError:  # the process renamed a folder during the search
            return False

    return there


class EndedTooEarly(AssertionError):
    """A command ended before it was killed or stopped, as may happen on a busy machine. The attempt is repeated."""


def run_in_parallel(*commands: Sequence[str | Path]) -> list[CommandResult]:
    """Run several commands at the same time."""
    said: dict[int, CommandResult] = {}

    def run(place: int, arguments: Sequence[str | Path]) -> None:
        said[place] = saveplay(*arguments)

    threads = [threading.Thread(target=run, args=each) for each in enumerate(commands)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [said[place] for place in sorted(said)]


def race_commands(*commands: tuple[Sequence[str | Path], Mapping[str, str] | None]) -> list[CommandResult]:
    """Start commands at the same time, each with its environment. The first one at work is stopped until the others
    have ended. Raises EndedTooEarly when it ended before."""
    with ExitStack() as stack:
        streams = [
            (stack.enter_context(tempfile.TemporaryFile()), stack.enter_context(tempfile.TemporaryFile()))
            for _ in commands
        ]
        processes = [
            start_command(arguments, out.fileno(), err.fileno(), env)
            for (arguments, env), (out, err) in zip(commands, streams, strict=True)
        ]
        for process in processes:
            stack.callback(process.kill)
        ahead = _first_at_work([err.fileno() for _, err in streams])
        os.kill(processes[ahead].pid, signal.SIGSTOP)
        if processes[ahead].poll() is not None:
            raise EndedTooEarly("the first was over before the others were")
        codes = {place: each.wait(_TIMEOUT_SECONDS) for place, each in enumerate(processes) if place != ahead}
        os.kill(processes[ahead].pid, signal.SIGCONT)
        codes[ahead] = processes[ahead].wait(_TIMEOUT_SECONDS)
        return [CommandResult(codes[place], *map(_read_all, each)) for place, each in enumerate(streams)]


def _first_at_work(streams: Sequence[int]) -> int:
    """Index of the first process that reports the start of the review."""
    deadline = time.monotonic() + _TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        for place, stream in enumerate(streams):
            if b"1 Risk identification" in os.pread(stream, 4096, 0):
                return place
        time.sleep(0.001)
    raise AssertionError("none of the processes has begun")


def _read_all(stream: IO[bytes]) -> str:
    stream.seek(0)
    return stream.read().decode("utf-8")


def kill_when(
    arguments: Sequence[str | Path], moment: KillCondition, env: Mapping[str, str] | None = None
) -> list[str]:
    """Start a command and ``kill -9`` it at a moment. Returns its standard error. Raises EndedTooEarly."""
    end, said = os.pipe()
    with open(os.devnull, "wb") as nowhere:
        process = start_command(arguments, nowhere.fileno(), said, env)
    os.close(said)
    lines: list[str] = []
    with open(end, encoding="utf-8") as stream:
        listener = threading.Thread(target=lambda: lines.extend(iter(stream.readline, "")))
        listener.start()
        deadline = time.monotonic() + _TIMEOUT_SECONDS
        while process.poll() is None and not moment(lines) and time.monotonic() < deadline:
            time.sleep(0.001)
        process.kill()
        process.wait()
        listener.join()
    said_last = f"exit {process.returncode} before the kill: {''.join(lines)[-2000:]}"
    if process.returncode in (DONE, WAITING):
        raise EndedTooEarly(said_last)
    assert process.returncode == -9, said_last
    return lines
