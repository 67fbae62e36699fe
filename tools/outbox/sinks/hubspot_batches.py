"""Calls of HubSpot that take many records at once, and answer for each of them (207 names what went wrong with which)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from domain.errors import DeliveryError, DeliveryRefused, NoAnswer, NotDelivered
from tools.outbox.http import Receiver
from tools.outbox.text import plain

MOST = 100
"""Records that HubSpot takes in one call."""
_MISSING = "OBJECT_NOT_FOUND"
Lines = Mapping[str, Mapping[str, str]]
"""Unique value of a record to its properties."""


def read_batch(
    receiver: Receiver, objects: str, name: str, values: Iterable[str], properties: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """Records by the value of a unique property; those that are not there are left out. Raises a DeliveryError."""
    wanted = [*dict.fromkeys(values)]
    body = {
        "idProperty": name,
        "inputs": [{"id": value} for value in wanted],
        "properties": [name, *properties],
        "propertiesWithHistory": [],
    }
    answer: dict[str, Any] = receiver.call("POST", f"{objects}/batch/read", body, is_read=True).json()
    other = [each for each in answer.get("errors") or [] if each.get("category") != _MISSING]
    if other:
        raise NotDelivered(f"HubSpot could not look: {plain(other[0].get('message', ''), 160)}")
    found = answer.get("results") or []
    return {str((each.get("properties") or {}).get(name)): each for each in found}


def write_batch(receiver: Receiver, address: str, name: str, lines: Lines) -> dict[str, str | DeliveryError]:
    """Write records; their ids at HubSpot, or what went wrong, by unique value. Raises a DeliveryError that counts for all."""
    keys = list(lines)
    inputs = [
        {"idProperty": name, "id": key, "objectWriteTraceId": str(place), "properties": dict(lines[key])}
        for place, key in enumerate(keys)
    ]
    answer: dict[str, Any] = receiver.call("POST", address, {"inputs": inputs}).json()
    made: dict[str, str | DeliveryError] = {}
    for each in answer.get("results") or []:
        key = _key(each.get("objectWriteTraceId"), keys) or str((each.get("properties") or {}).get(name))
        made[key] = str(each.get("id", ""))
    for each in answer.get("errors") or []:
        for trace in (each.get("context") or {}).get("objectWriteTraceId") or []:
            said = f"HubSpot says {plain(each.get('message') or each.get('category') or 'no reason', 160)}"
            made[_key(trace, keys)] = DeliveryRefused(said, 207)
    unsaid = NoAnswer("HubSpot answered for other records, and not for this one")
    return {key: made.get(key, unsaid) for key in keys}


def _key(trace: object, keys: Sequence[str]) -> str:
    text = str(trace)
    return keys[int(text)] if text.isdecimal() and int(text) < len(keys) else ""
