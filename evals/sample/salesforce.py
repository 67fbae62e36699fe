"""Salesforce ids: 15 case-sensitive characters, or 18 with three check characters."""

import random

_SIGNS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_BASE62 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def short_id(prefix: str, our_id: str, seed: int) -> str:
    """The 15-character id of a record, always the same for the same record; empty for an empty id."""
    if not our_id:
        return ""
    rng = random.Random(f"{seed}/{prefix}/{our_id}")
    return f"{prefix}5g00000{''.join(rng.choices(_BASE62, k=5))}"


def long_id(short: str) -> str:
    """The id with three check characters, one per five characters; bit n is set when character n is a capital."""
    if not short:
        return ""
    blocks = (short[start : start + 5] for start in (0, 5, 10))
    return short + "".join(
        _SIGNS[sum(1 << bit for bit, sign in enumerate(block) if "A" <= sign <= "Z")] for block in blocks
    )
