"""The key of an audit log: outside the store where possible, so that who can write to the store cannot forge the log.

A store in a folder has its key in a file of the user's configuration folder. A store in PostgreSQL, which several machines share,
and a folder that a group shares hold the key themselves, unless SAVEPLAY_AUDIT_KEY is set on every machine.
"""

import errno
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


def read_or_make(path: Path, secret: Callable[[], str], is_begun: bool) -> bytes | None:
    """The key in the file, made if missing. None if there is no place to make it.

    Raises InputError if the log has begun, because then another key would make all of it look forged, and if the file cannot be read.
    """
    try:
        return _read(path)
    except FileNotFoundError:
        if is_begun:
            raise InputError(
                f"the key of the audit log of this store is not on this machine: copy {path.name} from the machine that made the "
                f"store to {path.parent}, or set SAVEPLAY_AUDIT_KEY to it; if it is lost, set SAVEPLAY_AUDIT_KEY to a new secret, "
                "and earlier entries can no longer be verified"
            ) from None
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


def _read(path: Path) -> bytes:
    content = path.read_bytes().strip()
    if not content:
        raise OSError(errno.EINVAL, "it is empty", str(path))
    return content
