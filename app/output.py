"""Output of the command line: results on standard output, progress on standard error, and the exit codes.

Imports nothing of the product but timing, so that every command can use it.
"""

import json
import sys
from collections.abc import Callable
from io import TextIOWrapper
from typing import Any

from app.timing import Timing

EXIT_DONE, EXIT_FAILURE, EXIT_BAD_INPUT, EXIT_WAITING = 0, 1, 2, 3
"""Done; something failed; the input was refused; people have to decide first."""
_LINE_WIDTH = 100
"""Columns that a progress line on a terminal may fill."""


def print_progress(text: str) -> None:
    """Print progress on standard error."""
    print(text, file=sys.stderr, flush=True)


def print_result(text: str) -> None:
    """Print a result on standard output, with one line break at its end."""
    sys.stdout.write(text if text.endswith("\n") else text + "\n")


def to_json_text(value: Any) -> str:
    """JSON text in the form that every command prints."""
    return json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n"


def terminal_line() -> Callable[[str], None] | None:
    """A function that writes over the current line of the terminal; an empty text clears the line.

    None when standard error is not a terminal: a log file needs whole lines.
    """
    if not sys.stderr.isatty():
        return None

    def overwrite(text: str) -> None:
        sys.stderr.write(f"\r{text:<{_LINE_WIDTH}}" + ("" if text else "\r"))
        sys.stderr.flush()

    return overwrite


def printed_timing(verbose: bool = False) -> Timing:
    """A new record of times that prints progress on standard error."""
    return Timing(print_progress, verbose, overwrite=terminal_line())


def use_utf8() -> None:
    """Encode pipes as UTF-8, because names come in every script; a terminal that cannot show a character gets "?"."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            if stream.isatty():
                stream.reconfigure(errors="replace")
            else:
                stream.reconfigure(encoding="utf-8")
