"""Hash chain over the audit log: the hash of each entry covers the entry and the hash before it. Pure.

A plain log in a database can be edited by anybody with write access, and nobody would see it. With the chain, an entry that was
edited, removed, added or moved breaks the chain at that place. Entries cut off at the end leave no trace in it. They show against the
head that the store keeps apart, and, if that was put back as well, only against an anchor: an earlier head, kept outside the store.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from typing import Any

from domain.desk import AuditAnchor
from domain.record import Record
from tools.store.content import has_content

GENESIS_MAC = "0" * 64
"""Hash before the first entry."""
_SIGNED = ("seq", "at", "review_id", "who", "what", "facts")
"""Columns that the hash covers, in this order. Listed, because a column added later must not change the hash of old entries."""


class ChainReport(Record):
    """Result of a check of the whole chain."""

    entries: int
    before_chain: int
    """Number of entries from before the chain existed; they are not protected."""
    faults: tuple[str, ...]
    """One sentence for each fault; empty when the log is unchanged."""
    head: AuditAnchor
    covered: int = 0
    """Number of stored decisions, choices and the like that were compared with the hash of their entry."""
    uncovered: int = 0
    """Number of those that are older than the hashes; only what changed since shows."""

    @property
    def is_sound(self) -> bool:
        """True if no fault was found."""
        return not self.faults


def entry_mac(key: bytes, before: str, line: Mapping[str, Any]) -> str:
    """HMAC-SHA256 of one entry and of ``before``, the hash of the entry before it: 64 hexadecimal digits."""
    body = json.dumps([before, *(line[name] for name in _SIGNED)], separators=(",", ":"))
    return hmac.new(key, body.encode(), hashlib.sha256).hexdigest()


def verify_chain(
    keys: Mapping[str, bytes],
    epochs: Sequence[tuple[int, str]],
    lines: Sequence[Mapping[str, Any]],
    links: Sequence[tuple[int, str]],
    anchor: AuditAnchor | None = None,
    is_begun: bool = False,
) -> ChainReport:
    """Check every link. ``lines`` are the entries, ``links`` the number and stored hash of each, both sorted by number.

    ``keys`` are the known keys by fingerprint, the one in use last; ``epochs`` say from which entry on which key was used.
    Entries of a key that is not known cannot be checked, which is one fault for all of them. With ``is_begun`` there has to be a chain: entries without one are then a fault, not older than the chain.
    """
    by_number = {line["seq"]: line for line in lines}
    linked = {seq for seq, _ in links}
    first = links[0][0] if links else None
    faults, unchecked, before = [], [], GENESIS_MAC
    for seq, kept in links:
        line = by_number.get(seq)
        if line is None:
            faults.append(f"entry {seq} was removed")
        elif (tried := _keys_of(seq, keys, epochs)) is None:
            unchecked.append(seq)
        elif not any(hmac.compare_digest(entry_mac(key, before, line), kept) for key in tried):
            faults.append(f"entry {seq} ({line['at']}, {line['who']}: {line['what']}) is not as it was written")
        before = kept
    if unchecked:
        faults.append(
            f"entries {unchecked[0]} to {unchecked[-1]} were written with a key that is not on this machine; add it as a line "
            "before the last one of the key file (saveplay doctor names it), then check again"
        )
    # Databases number entries from 1: an entry below that was inserted by hand.
    loose = [seq for seq in by_number if seq not in linked and (seq < 1 or (first is not None and seq > first))]
    faults += [f"entry {seq} was added without its link" for seq in sorted(loose)]
    old = len([seq for seq in by_number if seq >= 1 and (first is None or seq < first)])
    if is_begun and lines and not links:
        faults.append("no entry has its link: the chain was removed, or never begun")
    head = AuditAnchor(entries=len(links), seq=links[-1][0] if links else 0, mac=before)
    if anchor is not None:
        faults += anchor_faults(anchor, dict(links), head)
    return ChainReport(entries=len(links), before_chain=old, faults=tuple(faults), head=head)


def _keys_of(seq: int, keys: Mapping[str, bytes], epochs: Sequence[tuple[int, str]]) -> list[bytes] | None:
    """Keys that may have signed an entry; None if its key is not known here."""
    name = next((name for first, name in reversed(epochs) if first <= seq), None)
    if name is None:
        return list(keys.values())
    return [keys[name]] if name in keys else None


def head_faults(
    kept: str | None, links: Sequence[tuple[int, str]], lines: Sequence[Mapping[str, Any]], stored: Mapping[str, Any]
) -> list[str]:
    """Faults against the head that the store keeps apart from the chain, as JSON. ``stored`` is the content of the tables."""
    if kept is None:
        if stored and not lines:
            return ["the log is empty, and the store holds what people decided: the log was removed"]
        is_lost = any(has_content(line) for line in lines)
        return ["the store no longer holds the head of its chain: somebody removed it"] if is_lost else []
    try:
        head = AuditAnchor.model_validate_json(kept)
    except ValueError:
        return ["the head of the chain that the store keeps cannot be read: somebody changed it"]
    newest, mac = links[-1] if links else (0, GENESIS_MAC)
    if newest < head.seq:
        return [f"the log was cut off: it ends at entry {newest}, and the store wrote entry {head.seq}"]
    if (newest, mac) != (head.seq, head.mac):
        return [
            f"the chain was written anew: its end at entry {newest} is not entry {head.seq} that the store wrote last"
        ]
    return []


def anchor_faults(anchor: AuditAnchor, links: Mapping[int, str], head: AuditAnchor) -> list[str]:
    """Faults against an earlier head: entries cut off, or the whole log written again with a new chain."""
    if anchor.entries == 0:
        return []
    if anchor.seq not in links:
        return [f"the log was cut off: it ends at entry {head.seq}, and the anchor is of entry {anchor.seq}"]
    if links[anchor.seq] != anchor.mac:
        return [f"entry {anchor.seq} is another one than the anchor was taken of: the log was written anew"]
    if head.entries < anchor.entries:
        return [f"the log holds {head.entries} entries and held {anchor.entries} when the anchor was taken"]
    return []
