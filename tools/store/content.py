"""Hashes of stored content in the audit log, so that a change in a table that no entry explains is found.

An entry carries the rows that changed with it in its facts, under ``content``: for each table a list of key and hash of what is
stored after the change; the hash is None when nothing is. The chain covers the facts, so the hashes cannot be changed either.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tools.store.database import Database

Key = tuple[Any, ...]
COVER_BEGAN = "covered from here on"
"""Entry that holds the hashes of everything that was stored before entries had hashes."""
COVER_BEGAN_AGAIN = "covered from here on, after the log was removed"
"""The same in a store whose entries had hashes already: somebody emptied the log and all that belongs to it."""
_MAX_QUERIES = 20
"""Rows of a table that are read one by one; for more, the table is read once."""


@dataclass(frozen=True)
class CoveredTable:
    """Table with content that people decided. One hash covers all rows with the same key."""

    key: tuple[str, ...]
    columns: tuple[str, ...]
    """Columns that the hash covers, in this order. Listed, because a column added later must not change old hashes."""
    label: str
    """Name of the content in messages, with the parts of the key."""


COVERED: Mapping[str, CoveredTable] = {
    "decisions": CoveredTable(("review_id", "gate"), ("body",), "the decision on the {1} of {0}"),
    "actions": CoveredTable(("approved_in",), ("action_id", "approved_on", "body"), "the list of actions of {0}"),
    "progress": CoveredTable(("action_id",), ("state", "on_day", "note", "said_by"), "the state of action {0}"),
    "overrides": CoveredTable(("account_id", "set_on"), ("body",), "the override of {0} from {1}"),
    "proposals": CoveredTable(("account_id",), ("on_day", "body", "settled"), "the play proposed for {0}"),
    "choices": CoveredTable(
        ("review_id", "run", "account_id"), ("number", "body"), "the choice about {2} in run {1} of {0}"
    ),
    "readings": CoveredTable(("text_id", "counts_from"), ("account_id", "body"), "the reading of {0} from {1}"),
    "wrong_marks": CoveredTable(
        ("statement_id", "counts_from"), ("account_id", "body"), "the mark on statement {0} from {1}"
    ),
    "outbox": CoveredTable(("key",), ("sink", "target", "desired", "sent"), "the outgoing item {0}"),
    "notes": CoveredTable(("seq",), ("review_id", "account_id", "at", "who", "body"), "note {0}"),
}


def hash_content(database: Database, table: str, key: Key) -> str | None:
    """SHA-256 of what is stored under a key: 64 hexadecimal digits; None when nothing is."""
    where = " and ".join(f"{name} = :{name}" for name in COVERED[table].key)
    values = dict(zip(COVERED[table].key, key, strict=True))
    return dict(_hashes(database, table, f" where {where}", values)).get(key)


def hash_contents(database: Database, table: str, keys: Sequence[Key]) -> list[list[Any]]:
    """Key and hash of each, in the form that an entry holds."""
    if len(keys) <= _MAX_QUERIES:
        return [[*key, hash_content(database, table, key)] for key in keys]
    stored = dict(_hashes(database, table))
    return [[*key, stored.get(key)] for key in keys]


def hash_everything(database: Database) -> dict[str, list[list[Any]]]:
    """All stored content, by table, in the form that an entry holds."""
    found = {table: [[*key, digest] for key, digest in _hashes(database, table)] for table in COVERED}
    return {table: hashes for table, hashes in found.items() if hashes}


def _hashes(
    database: Database, table: str, where: str = "", values: Mapping[str, Any] | None = None
) -> Iterator[tuple[Key, str]]:
    """Key and hash of the content of a table, sorted by key."""
    covered = COVERED[table]
    names = ", ".join((*covered.key, *covered.columns))
    groups: dict[Key, list[str]] = {}
    for row in database.rows(f"select {names} from {table}{where}", values or {}):
        body = json.dumps([row[name] for name in covered.columns], separators=(",", ":"))
        groups.setdefault(tuple(row[name] for name in covered.key), []).append(body)
    for key in sorted(groups):
        yield key, hashlib.sha256("\n".join(sorted(groups[key])).encode()).hexdigest()


@dataclass(frozen=True)
class ContentReport:
    """Result of a comparison of the tables with the audit log."""

    faults: tuple[str, ...]
    covered: int
    """Number of stored contents with a hash from the moment they were written."""
    uncovered: int
    """Number of stored contents from before entries had hashes."""


def check_content(
    lines: Iterable[Mapping[str, Any]], stored: Mapping[str, Sequence[Sequence[Any]]], is_begun: bool
) -> ContentReport:
    """Compare what is ``stored`` with the hash that the newest entry about it holds. ``lines`` are sorted by number.

    Without ``is_begun`` no entry has hashes yet, and content without one is not a fault.
    """
    written = _last_written(lines)
    faults, covered, uncovered = [], 0, 0
    for table, hashes in stored.items():
        for *key, digest in hashes:
            expected, line = written.pop((table, tuple(key)), (None, None))
            label = COVERED[table].label.format(*key)
            if expected is None and not is_begun:
                uncovered += 1
            elif expected is None or line is None:
                faults.append(f"{label} was added without an entry")
            elif expected != digest:
                faults.append(f"{label} is not the one that {line['who']} recorded at entry {line['seq']}")
            else:
                is_older = line["what"] in (COVER_BEGAN, COVER_BEGAN_AGAIN)
                uncovered += is_older
                covered += not is_older
    for (table, gone), (expected, line) in written.items():
        if expected is not None:
            label = COVERED[table].label.format(*gone)
            faults.append(f"{label}, which {line['who']} recorded at entry {line['seq']}, was removed")
    return ContentReport(tuple(faults), covered, uncovered)


def _last_written(lines: Iterable[Mapping[str, Any]]) -> dict[tuple[str, Key], tuple[str | None, Mapping[str, Any]]]:
    """Hash and entry that hold for each content. An entry that cannot be read is passed over: the chain names it."""
    written: dict[tuple[str, Key], tuple[str | None, Mapping[str, Any]]] = {}
    for line in lines:
        for table, key, digest in _content_of(line):
            written[table, key] = (digest, line)
    return written


def _content_of(line: Mapping[str, Any]) -> list[tuple[str, Key, str | None]]:
    if '"content"' not in line["facts"]:
        return []
    try:
        content = json.loads(line["facts"])["content"]
        return [(table, tuple(key), digest) for table in COVERED for *key, digest in content.get(table, ())]
    except (ValueError, KeyError, TypeError, AttributeError):
        return []


def has_content(line: Mapping[str, Any]) -> bool:
    """True if the entry holds hashes."""
    return bool(_content_of(line))
