"""The key of an audit log: outside the store where possible, so that who can write to the store cannot forge the log.

A store in a folder has its key in a file of the user's configuration folder. A store in PostgreSQL, which several machines share,
and a folder that a group shares hold the key themselves, unless SAVEPLAY_AUDIT_KEY is set on every machine.
"""

import errno
import hashlib
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from domain.errors import InputError
from domain.record import Record
from tools.places import make_private_folder


class KeyPlace(Record):
    """Where the key of an audit log is."""

    kind: Literal["environment", "file", "store"]
    file: str = ""

    @property
    def sentence(self) -> str:
        """The place, and what it means."""
        if self.kind == "environment":
            return "The key of the audit log is SAVEPLAY_AUDIT_KEY."
        if self.kind == "file":
            return f"The key of the audit log is in {self.file}, outside the store; keep a copy of it apart from the store."
        return (
            "The key of the audit log is in the store itself: somebody who can write to the store could also forge the log. "
            "Set SAVEPLAY_AUDIT_KEY before the first entry of a new store, or keep anchors elsewhere (saveplay audit anchor)."
        )


def is_kept_outside(store: Path) -> bool:
    """True if the key of a store in this folder goes into a file of the user: not if a group shares the folder."""
    try:
        return not store.stat().st_mode & stat.S_IWGRP
    except OSError:
        return True


def read_or_make(path: Path, secret: Callable[[], str]) -> list[bytes] | None:
    """The keys in the file, one a line, the one in use last; a new file with a new key if it is missing.

    None if there is no place to make it. A lost key stops nobody: the log goes on with a new one, and a check names the
    entries that only the old key can confirm. Raises InputError if the file cannot be read.
    """
    try:
        return _read(path)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise InputError(f"cannot read the key of the audit log in {path}: {error.strerror}; mend that file") from None
    try:
        make_private_folder(path.parent)
        aside = path.with_name(f".{path.name}.{os.getpid()}.aside")
        aside.unlink(missing_ok=True)
        with open(os.open(aside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="ascii") as file:
            file.write(secret())
            file.flush()
            os.fsync(file.fileno())
        aside.rename(path)  # whole or not at all
    except OSError:
        return None  # no home, or one that is read-only: the store keeps the key, and says so
    return _read(path)


def fingerprint(key: bytes) -> str:
    """A short name of a key that does not betray it: 16 hexadecimal digits."""
    return hashlib.sha256(b"audit key " + key).hexdigest()[:16]


def _read(path: Path) -> list[bytes]:
    keys = path.read_bytes().split()
    if not keys:
        raise OSError(errno.EINVAL, "it is empty", str(path))
    return keys
