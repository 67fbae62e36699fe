"""Signed webhook after the Standard Webhooks convention. A receiver takes each ``webhook-id`` once, and the newest ``revision``."""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Callable
from urllib.parse import urlsplit

from domain.errors import ConfigurationError
from domain.outbox import Content, Found, OutboxItem
from tools.outbox.http import Receiver
from tools.outbox.sinks.sink import Guarantee


class Webhook:
    """One address that takes events."""

    guarantee: Guarantee = "once, by the receiver's key"
    looks = has_tasks = False

    def __init__(self, receiver: Receiver, secret: str, seconds: Callable[[], int]) -> None:
        """``seconds`` gives the time of the signature: receivers refuse old ones. Raises ConfigurationError."""
        self._receiver, self._seconds = receiver, seconds
        try:
            self._key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        except (binascii.Error, ValueError):
            raise ConfigurationError("SAVEPLAY_WEBHOOK_SECRET has to be whsec_ and a base64 text") from None

    def fields(self, content: Content) -> Content:
        """The content itself."""
        return content

    def find(self, item: OutboxItem) -> Found | None:
        """Nothing: a webhook cannot be asked."""
        return None

    def put(self, item: OutboxItem, found: Found | None) -> tuple[str, str | None]:
        """Send the item as it should be."""
        return self._send(item, "set", item.desired), None

    def take_back(self, item: OutboxItem, found: Found | None) -> None:
        """Say that the item is no longer wanted, and why."""
        self._send(item, "taken_back", None)

    def _send(self, item: OutboxItem, event: str, content: Content | None) -> str:
        body = {
            "type": f"{item.kind}.{event}", "key": item.key, "revision": item.revision, "data": content,
            "reason": item.reason,
        }  # fmt: skip
        message_id = event_id(item)
        raw = _json(body)
        at = str(self._seconds())
        signed = hmac.new(self._key, f"{message_id}.{at}.".encode() + raw, hashlib.sha256).digest()
        headers = {
            "webhook-id": message_id, "webhook-timestamp": at, "Content-Type": "application/json",
            "webhook-signature": "v1," + base64.b64encode(signed).decode(),
        }  # fmt: skip
        self._receiver.call("POST", urlsplit(self._receiver.url).path or "/", raw, headers)
        return message_id


def event_id(item: OutboxItem) -> str:
    """Id of an event: the same for every attempt, another one for every change."""
    return "msg_" + hashlib.sha256(f"{item.key}\n{item.revision}".encode()).hexdigest()[:24]


def _json(body: Content) -> bytes:
    return json.dumps(body, sort_keys=True, ensure_ascii=False).encode()
