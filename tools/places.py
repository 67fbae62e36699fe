"""Files and folders that saveplay makes: for their owner only, and with one sentence when the disk refuses.

A folder that exists is taken as it is. Only a folder that its group may write to is meant to be shared: new files in it are open
to the group, never to everybody.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from domain.errors import PlaceError

_OWNER_FOLDER, _OWNER_FILE = 0o700, 0o600
_REASONS = {
    errno.ENOSPC: "the disk is full; free some space, then run the command again",
    errno.EDQUOT: "your share of the disk is used up; free some space, then run the command again",
    errno.EFBIG: "the limit on the size of files is reached (ulimit -f); raise it, then run the command again",
    errno.EROFS: "the disk is read-only; name another {option}, or make it writable",
    errno.EACCES: "you have no right to use it; ask its owner for the right, or name another {option}",
    errno.EPERM: "you have no right to use it; ask its owner for the right, or name another {option}",
    errno.EEXIST: "a file is there, and a folder is needed; name another {option}",
    errno.ENOTDIR: "a file is there, and a folder is needed; name another {option}",
    errno.ENOENT: "a folder above it does not exist; make it, or name another {option}",
    errno.EIO: "the disk cannot be read or written; check the disk, then run the command again",
}
DISK_REASONS = frozenset(_REASONS)
"""Error numbers that a person can mend on the disk."""


@contextmanager
def translate_os_errors(place: Path | str, doing: str, option: str = "place") -> Iterator[None]:
    """Raise an OSError of the block as PlaceError: ``doing``, the place, the reason and what to do.

    ``option`` names what a person may choose another of.
    """
    try:
        yield
    except OSError as error:
        raise PlaceError(f"{doing} {place}: {reason_of(error, option)}") from None


@contextmanager
def translate_disk_errors(place: Path | str, doing: str, option: str = "place") -> Iterator[None]:
    """`translate_os_errors` for a block in which DuckDB reads or writes a file: it gives the system's reason as text."""
    with translate_os_errors(place, doing, option):
        try:
            yield
        except Exception as error:
            number = _number_in(str(error)) if type(error).__module__.startswith(("duckdb", "_duckdb")) else None
            if number is None:
                raise
            raise OSError(number, os.strerror(number), str(place)) from None


def _number_in(message: str) -> int | None:
    """The error number whose text of the system is in the message."""
    return next((number for number in _REASONS if os.strerror(number) in message), None)


def reason_of(error: OSError, option: str = "place") -> str:
    """Reason of a failed access with what to do next; no whole sentence."""
    other = f"{error.strerror or error}; mend that, or name another " + "{option}"
    return _REASONS.get(error.errno or 0, other).replace("{option}", option)


def make_private_folder(folder: Path) -> None:
    """Make a folder for its owner only, unless it exists. Missing folders above it are made in the usual way."""
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            folder.mkdir(mode=_OWNER_FOLDER)
        if not folder.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, "not a folder", str(folder))


def file_mode(folder: Path) -> int:
    """Mode of new files in a folder: for the owner only, or also for the group that may write to the folder."""
    shared = folder.stat().st_mode & stat.S_IWGRP
    return _OWNER_FILE | (0o060 if shared else 0)


def make_private_file(path: Path) -> None:
    """Make an empty file with the mode of its folder, unless the file exists."""
    with suppress(FileExistsError):
        mode = file_mode(path.parent)
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode))
        path.chmod(mode)  # whatever the umask is: it must not close a shared folder


def is_open_to_others(path: Path) -> bool:
    """True if others than the owner may read or enter it. False for what does not exist, and where modes mean nothing."""
    if os.name != "posix":
        return False
    try:
        return bool(path.stat().st_mode & 0o077)
    except OSError:
        return False
