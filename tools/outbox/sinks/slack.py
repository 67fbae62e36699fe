"""Slack: the digest of the week as one message, edited while the week changes; reminders and alerts to one person.

Slack has no key of ours for a message. Each message carries the key in its metadata, and the channel is searched first.
"""

from typing import Any
from urllib.parse import quote

from domain.errors import DeliveryRefused, NotDelivered
from domain.outbox import Content, Found, OutboxItem, content_hash
from tools.outbox.http import Receiver
from tools.outbox.sinks.sink import Guarantee
from tools.outbox.text import for_slack

_EVENT = "saveplay_digest"
_TAKEN_BACK = "taken back"
_PAGES = 20
"""Pages of 200 messages that are searched: more than a channel of this kind has in a quarter."""
_PASSING = ("ratelimited", "internal_error", "fatal_error", "service_unavailable", "request_timeout")


class Slack:
    """One channel of a workspace."""

    guarantee: Guarantee = "once, by looking first"
    looks = True
    has_tasks = False

    def __init__(self, receiver: Receiver, channel: str) -> None:
        self._receiver, self._channel = receiver, channel

    def fields(self, content: Content) -> Content:
        """The hash of the content, which the message carries: nobody else can edit it."""
        return {"hash": content_hash(content)}

    def find(self, item: OutboxItem) -> Found | None:
        """Our message in the history of the channel."""
        cursor, channel = "", self._channel_of(item)
        for _ in range(_PAGES):
            asked = f"channel={quote(channel)}&limit=200&include_all_metadata=true&cursor={quote(cursor)}"
            answer = self._call("GET", f"/api/conversations.history?{asked}", None)
            for message in answer.get("messages", []):
                metadata = message.get("metadata") or {}
                payload = metadata.get("event_payload") or {}
                if metadata.get("event_type") == _EVENT and payload.get("key") == item.key:
                    digest = payload.get("hash")
                    is_over = digest == _TAKEN_BACK
                    return Found(remote_id=str(message["ts"]), content={"hash": digest}, is_taken_back=is_over)
            cursor = str((answer.get("response_metadata") or {}).get("next_cursor") or "")
            if not cursor:
                return None
        raise DeliveryRefused(f"the channel {channel} has too many messages to look for ours; use its own channel", 0)

    def put(self, item: OutboxItem, found: Found | None) -> tuple[str, str | None]:
        """Post the digest, or edit the message that was found."""
        assert item.desired is not None
        text = _notices(item.desired) if item.kind == "message" else _digest(item.desired)
        return self._write(item, text, content_hash(item.desired), found), None

    def take_back(self, item: OutboxItem, found: Found | None) -> None:
        """Replace the text of the message: a deleted message leaves people guessing."""
        self._write(item, f"This {item.kind} was taken back. {for_slack(item.reason)}", None, found)

    def _write(self, item: OutboxItem, text: str, digest: str | None, found: Found | None) -> str:
        payload = {"key": item.key, "hash": digest or _TAKEN_BACK}
        body = {
            "channel": self._channel_of(item), "text": text, "unfurl_links": False, "unfurl_media": False, "parse": "none",
            "link_names": False, "metadata": {"event_type": _EVENT, "event_payload": payload},
        }  # fmt: skip
        method = "chat.postMessage" if found is None else "chat.update"
        answer = self._call("POST", f"/api/{method}", body if found is None else {**body, "ts": found.remote_id})
        return str(answer.get("ts", ""))

    def _channel_of(self, item: OutboxItem) -> str:
        """The channel of the team, or the conversation with one person; opening that twice opens the same one."""
        if item.kind != "message":
            return self._channel
        user = str((item.desired or item.sent or item.tried or {})["to"])
        answer = self._call("POST", "/api/conversations.open", {"users": user})
        return str((answer.get("channel") or {}).get("id", ""))

    def _call(self, method: str, path: str, body: Content | None) -> dict[str, Any]:
        """Call once. Slack says most errors inside an answer 200."""
        answer: dict[str, Any] = self._receiver.call(method, path, body).json()
        if answer.get("ok"):
            return answer
        error = for_slack(answer.get("error", "no reason given"))
        if error in _PASSING:
            raise NotDelivered(f"Slack says {error}", is_certain=error == "ratelimited")
        raise DeliveryRefused(f"Slack says {error}", 200)


def _notices(content: Content) -> str:
    lines = [f"• {for_slack(line)}" for line in content["lines"]]
    return "\n".join([f"*{'Critical for' if content['critical'] else 'For'} {content['day']}*", *lines])


def _digest(content: Content) -> str:
    lines = [
        f"*Weekly review {content['review']}*: {content['at_risk']} accounts at risk, {content['actions']} actions"
    ]
    for story in content["stories"]:
        by = f" by {story['by']}" if story["by"] else ""
        lines.append(f"• {for_slack(story['title'])}. {for_slack(story['detail'])}")
        lines.append(f"   Next: {for_slack(story['next'])} ({for_slack(story['owner'])}{by})")
    if content.get("desk"):
        lines.append(f"The whole review: {for_slack(content['desk'])}")
    return "\n".join(lines)
