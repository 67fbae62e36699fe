"""Asana: one task an action. Our key is the task's ``external.gid``, and it is looked up before anything is written."""

from datetime import date, datetime
from typing import Any
from urllib.parse import quote

from domain.errors import DeliveryRefused
from domain.outbox import Content, Found, OutboxItem, SinkSettings
from tools.outbox.http import Receiver
from tools.outbox.sinks.sink import Guarantee
from tools.outbox.text import plain

_TASKS = "/api/1.0/tasks"
_TAKEN_BACK = "Taken back: "
_FIELDS = "name,notes,due_on,completed,completed_at"


class Asana:
    """One project."""

    guarantee: Guarantee = "once, by looking first"
    looks = has_tasks = True

    def __init__(self, receiver: Receiver, settings: SinkSettings) -> None:
        self._receiver, self._settings = receiver, settings

    def fields(self, content: Content) -> Content:
        """Name, notes and due day of the task."""
        notes = [content["action"], f"Why: {content['purpose']}", f"Account: {content['account']}"]
        return {
            "name": plain(f"{content['account']}: {content['title']}", 200),
            "notes": "\n".join(plain(line, 2_000) for line in notes),
            "due_on": content["due"],
        }

    def find(self, item: OutboxItem) -> Found | None:
        """The task with our key."""
        path = f"{_TASKS}/external:{quote(item.key, safe='')}?opt_fields={_FIELDS}"
        answer = self._receiver.call("GET", path, accept=(404,))
        if answer.status == 404:
            return None
        task: dict[str, Any] = answer.json().get("data", {})
        content = {name: str(task.get(name) or "") for name in ("name", "notes", "due_on")}
        done = _day(task.get("completed_at"), item) if task.get("completed") else None
        is_over = done is not None and content["name"].startswith(_TAKEN_BACK)
        return Found(remote_id=str(task.get("gid", "")), content=content, done_on=done, is_taken_back=is_over)

    def put(self, item: OutboxItem, found: Found | None) -> tuple[str, str | None]:
        """Create the task, or change the one that was found."""
        assert item.desired is not None
        data: Content = dict(self.fields(item.desired))
        assignee = self._settings.people.get(str(item.desired["owner_id"]))
        if found is None:
            data |= {"projects": [self._settings.place], "external": {"gid": item.key, "data": item.desired["review"]}}
        elif found.is_taken_back:
            data["completed"] = False
        if assignee:
            data["assignee"] = assignee
        answer = (
            self._receiver.call("POST", _TASKS, {"data": data})
            if found is None
            else self._receiver.call("PUT", f"{_TASKS}/{quote(found.remote_id)}", {"data": data})
        )
        gid = str(answer.json().get("data", {}).get("gid", ""))
        if not gid:
            raise DeliveryRefused("Asana accepted the call and named no task", 200)
        return gid, None

    def take_back(self, item: OutboxItem, found: Found | None) -> None:
        """Close the task with the reason."""
        assert found is not None
        content = item.sent or item.tried or {}
        reason = plain(item.reason or "no longer decided", 500)
        data = {
            "name": plain(f"{_TAKEN_BACK}{content.get('title', '')}", 200),
            "notes": f"{_TAKEN_BACK}{reason}",
            "completed": True,
        }
        self._receiver.call("PUT", f"{_TASKS}/{quote(found.remote_id)}", {"data": data})


def _day(text: object, item: OutboxItem) -> date:
    """Day of completion; the due day where Asana gives none."""
    try:
        return datetime.fromisoformat(str(text)).date()
    except ValueError:
        return date.fromisoformat((item.desired or item.sent or item.tried or {})["due"])
