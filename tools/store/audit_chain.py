"""The audit log as a chain: each entry carries a keyed hash over itself and the one before. Pure.

An entry that was edited, removed or moved breaks the chain there. Entries cut off at the end leave no mark: they show
only against an anchor, the head of the chain as it was once, kept elsewhere.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from typing import Any

from domain.desk import AuditAnchor
from domain.record import Record

GENESIS_MAC = "0" * 64
"""What stands before the first entry."""
_SIGNED = ("seq", "at", "review_id", "who", "what", "facts")


class ChainReport(Record):
    """What a look at the whole chain found."""

    entries: int
    before_chain: int
    """Entries from before there was a chain: nothing protects them."""
    faults: tuple[str, ...]
    """What is wrong, in words; empty when the log is as it was written."""
    head: AuditAnchor

    @property
    def is_sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults


def entry_mac(key: bytes, before: str, line: Mapping[str, Any]) -> str:
    """The keyed hash of one entry after the one before, as 64 hexadecimal digits."""
    body = json.dumps([before, *(line[name] for name in _SIGNED)], separators=(",", ":"))
    return hmac.new(key, body.encode(), hashlib.sha256).hexdigest()


def verify_chain(
    key: bytes,
    lines: Sequence[Mapping[str, Any]],
    links: Sequence[tuple[int, str]],
    anchor: AuditAnchor | None = None,
    is_begun: bool = False,
) -> ChainReport:
    """Check every link. ``lines`` are the entries, ``links`` the hash kept for each, both by number.

    ``is_begun``: there has to be a chain, so that entries without any are a fault and not from before it.
    """
    by_number = {line["seq"]: line for line in lines}
    linked = {seq for seq, _ in links}
    first = links[0][0] if links else None
    faults, before = [], GENESIS_MAC
    for seq, kept in links:
        line = by_number.get(seq)
        if line is None:
            faults.append(f"entry {seq} was removed")
        elif not hmac.compare_digest(entry_mac(key, before, line), kept):
            faults.append(f"entry {seq} ({line['at']}, {line['who']}: {line['what']}) is not as it was written")
        before = kept
    # No database numbers an entry below 1: one that stands there was put before the others by hand.
    loose = [seq for seq in by_number if seq not in linked and (seq < 1 or (first is not None and seq > first))]
    faults += [f"entry {seq} was added without its link" for seq in sorted(loose)]
    old = len([seq for seq in by_number if seq >= 1 and (first is None or seq < first)])
    if is_begun and lines and not links:
        faults.append("no entry has its link: the chain was removed, or never begun")
    head = AuditAnchor(entries=len(links), seq=links[-1][0] if links else 0, mac=before)
    if anchor is not None:
        faults += _anchor_faults(anchor, dict(links), head)
    return ChainReport(entries=len(links), before_chain=old, faults=tuple(faults), head=head)


def _anchor_faults(anchor: AuditAnchor, links: Mapping[int, str], head: AuditAnchor) -> list[str]:
    if anchor.entries == 0:
        return []
    if anchor.seq not in links:
        return [f"the log was cut off: it ends at entry {head.seq}, and the anchor is of entry {anchor.seq}"]
    if links[anchor.seq] != anchor.mac:
        return [f"entry {anchor.seq} is another one than the anchor was taken of: the log was written anew"]
    if head.entries < anchor.entries:
        return [f"the log holds {head.entries} entries and held {anchor.entries} when the anchor was taken"]
    return []
