"""HubSpot: company properties, and tasks and notes by upsert on a unique property of ours."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import quote

from domain.errors import DeliveryError, DeliveryRefused
from domain.outbox import Content, Found, OutboxItem, SinkSettings
from tools.outbox.http import Receiver
from tools.outbox.sinks.hubspot_batches import MOST, read_batch, write_batch
from tools.outbox.sinks.sink import Guarantee, Written
from tools.outbox.text import for_html, plain

_TASKS, _COMPANIES, _NOTES = "/crm/v3/objects/tasks", "/crm/v3/objects/companies", "/crm/v3/objects/notes"
_COMPARED = ("hs_task_subject", "hs_task_body", "hs_timestamp")
_TASK_READ = (*_COMPARED, "hs_task_status", "hs_task_completion_date")
_TAKEN_BACK = "Taken back: "
_DECIDED = {
    "approve": "approved", "edit": "approved with changes", "reject": "rejected", "defer": "deferred", "continue": "continued",
}  # fmt: skip
_PRIORITIES = {"immediate": "HIGH", "urgent": "MEDIUM", "standard": "LOW"}


class HubSpot:
    """One HubSpot account. Companies are never created: a missing one is refused, and a person looks."""

    guarantee: Guarantee = "once, by the receiver's key"
    looks = has_tasks = True
    batched: Mapping[str, int] = {"field": MOST, "action": MOST}

    def __init__(self, receiver: Receiver, settings: SinkSettings) -> None:
        self._receiver, self._settings = receiver, settings

    def fields(self, content: Content) -> Content:
        """Value of a company property, text of a note, or subject, body and due day of a task."""
        if "field" in content:
            return {"value": plain(content["value"])}
        if "decision" in content:
            return {"hs_note_body": _note_body(content)}
        return {name: self._task(content)[name] for name in _COMPARED}

    def find(self, item: OutboxItem) -> Found | None:
        """The company's property, or the task or note with our key."""
        content = item.desired or item.sent or item.tried or {}
        if item.kind == "field":
            return self._find_field(content)
        if item.kind == "note":
            return self._find_note(item)
        names = ",".join(_TASK_READ)
        path = f"{_TASKS}/{quote(item.key, safe='')}?idProperty={quote(self._settings.task_key)}&properties={names}"
        answer = self._receiver.call("GET", path, accept=(404,))
        if answer.status == 404:
            return None
        return self._as_task(answer.json(), item)

    def _as_task(self, found: Mapping[str, Any], item: OutboxItem) -> Found:
        properties: dict[str, Any] = found.get("properties", {})
        compared = {name: str(properties.get(name) or "") for name in _COMPARED}
        compared["hs_timestamp"] = _moment(compared["hs_timestamp"])
        done = _day(properties, item) if properties.get("hs_task_status") == "COMPLETED" else None
        is_over = done is not None and compared["hs_task_subject"].startswith(_TAKEN_BACK)
        return Found(remote_id=str(found.get("id", "")), content=compared, done_on=done, is_taken_back=is_over)

    def _find_note(self, item: OutboxItem) -> Found | None:
        """The note with our key. One without its company was begun and not finished: it is not there yet."""
        name = quote(self._settings.note_key)
        path = f"{_NOTES}/{quote(item.key, safe='')}?idProperty={name}&properties=hs_note_body&associations=companies"
        answer = self._receiver.call("GET", path, accept=(404,))
        if answer.status == 404:
            return None
        found: dict[str, Any] = answer.json()
        is_linked = bool(((found.get("associations") or {}).get("companies") or {}).get("results"))
        if not is_linked and item.desired is not None:
            return None
        body = str((found.get("properties") or {}).get("hs_note_body") or "")
        is_over = body.startswith(_TAKEN_BACK)
        return Found(remote_id=str(found.get("id", "")), content={"hs_note_body": body}, is_taken_back=is_over)

    def _find_field(self, content: Content) -> Found:
        name = self._property(content["field"])
        answer = self._receiver.call("GET", f"{self._company(content)}&properties={quote(name)}", accept=(404,))
        if answer.status == 404:
            raise self._no_company(content)
        return _as_field(answer.json(), name)

    def find_many(self, items: Sequence[OutboxItem]) -> dict[str, Found | DeliveryError | None]:
        """``find`` for fields or tasks."""
        contents = {item.key: item.desired or {} for item in items}
        if items[0].kind == "field":
            key, names = self._settings.account_key, [self._property(each["field"]) for each in contents.values()]
            accounts = [str(each["account_id"]) for each in contents.values()]
            there = read_batch(self._receiver, _COMPANIES, key, accounts, [*dict.fromkeys(names)])
            return {
                name: _as_field(there[account], self._property(contents[name]["field"]))
                if (account := str(contents[name]["account_id"])) in there
                else self._no_company(contents[name])
                for name in contents
            }
        there = read_batch(self._receiver, _TASKS, self._settings.task_key, contents, _TASK_READ)
        return {item.key: self._as_task(there[item.key], item) if item.key in there else None for item in items}

    def put_many(self, items: Sequence[tuple[OutboxItem, Found | None]]) -> dict[str, Written | DeliveryError]:
        """``put`` for fields or tasks. Fields of one company go in one line."""
        lines: dict[str, dict[str, str]] = {}
        names: dict[str, str] = {}
        for item, found in items:
            assert item.desired is not None
            if item.kind == "field":
                names[item.key] = str(item.desired["account_id"])
                fields = lines.setdefault(names[item.key], {})
                fields[self._property(item.desired["field"])] = plain(item.desired["value"])
            else:
                names[item.key] = item.key
                opened = {"hs_task_status": "NOT_STARTED"} if found is None or found.is_taken_back else {}
                lines[item.key] = {**self._task(item.desired), **opened, self._settings.task_key: item.key}
        is_field = items[0][0].kind == "field"
        address = f"{_COMPANIES}/batch/update" if is_field else f"{_TASKS}/batch/upsert"
        key = self._settings.account_key if is_field else self._settings.task_key
        made = write_batch(self._receiver, address, key, lines)
        return {
            item: answer if isinstance(answer, DeliveryError) else (answer, None)
            for item, name in names.items()
            for answer in [made[name]]
        }

    def put(self, item: OutboxItem, found: Found | None) -> tuple[str, str | None]:
        """Set the property, or create or change the task."""
        assert item.desired is not None
        if item.kind == "field":
            return self._set_field(item.desired, plain(item.desired["value"])), None
        if item.kind == "note":
            return self._put_note(item.key, item.desired), None
        opened = {"hs_task_status": "NOT_STARTED"} if found is None or found.is_taken_back else {}
        return self._upsert(_TASKS, self._settings.task_key, item.key, self._task(item.desired) | opened), None

    def take_back(self, item: OutboxItem, found: Found | None) -> None:
        """Put back the value from before us, or close the task or change the note with the reason."""
        content = item.sent or item.tried
        assert content is not None
        if item.kind == "field":
            self._set_field(content, item.before or "")
            return
        reason = for_html(item.reason or "no longer decided")
        if item.kind == "note":
            self._upsert(_NOTES, self._settings.note_key, item.key, {"hs_note_body": f"{_TAKEN_BACK}{reason}"})
            return
        subject = plain(f"{_TAKEN_BACK}{content['title']}", 200)
        closed = {"hs_task_subject": subject, "hs_task_body": f"{_TAKEN_BACK}{reason}", "hs_task_status": "COMPLETED"}
        self._upsert(_TASKS, self._settings.task_key, item.key, closed)

    def _set_field(self, content: Content, value: str) -> str:
        body = {"properties": {self._property(content["field"]): value}}
        answer: dict[str, Any] = self._receiver.call("PATCH", self._company(content), body).json()
        return str(answer.get("id", ""))

    def _put_note(self, key: str, content: Content) -> str:
        """Write the note, then link it to its company; both may be done again. Without the company nothing is written."""
        answer = self._receiver.call("GET", self._company(content), accept=(404,))
        if answer.status == 404:
            raise self._no_company(content)
        company = str(answer.json().get("id", ""))
        day = datetime.combine(date.fromisoformat(content["on"]), datetime.min.time(), UTC)
        properties = {"hs_note_body": _note_body(content), "hs_timestamp": day.isoformat().replace("+00:00", "Z")}
        note = self._upsert(_NOTES, self._settings.note_key, key, properties)
        self._receiver.call(
            "PUT", f"/crm/v4/objects/notes/{quote(note)}/associations/default/companies/{quote(company)}"
        )
        return note

    def _upsert(self, objects: str, name: str, key: str, properties: Mapping[str, str]) -> str:
        """Create or change by our key. Several answers in one (207) name what is wrong with a line."""
        line = {"idProperty": name, "id": key, "properties": {**properties, name: key}}
        answer: dict[str, Any] = self._receiver.call("POST", f"{objects}/batch/upsert", {"inputs": [line]}).json()
        results = answer.get("results") or []
        if not results:
            errors = "; ".join(str(each.get("message", "")) for each in answer.get("errors") or [])
            raise DeliveryRefused(f"HubSpot stored nothing: {plain(errors or 'no reason given', 160)}", 200)
        return str(results[0].get("id", ""))

    def _no_company(self, content: Content) -> DeliveryRefused:
        account = plain(content["account_id"], 60)
        return DeliveryRefused(f"no company with {self._settings.account_key} = {account}", 404)

    def _company(self, content: Content) -> str:
        account = quote(str(content["account_id"]), safe="")
        return f"{_COMPANIES}/{account}?idProperty={quote(self._settings.account_key)}"

    def _property(self, field: str) -> str:
        return self._settings.fields.get(field, field.lower())

    def _task(self, content: Content) -> dict[str, str]:
        due = datetime.combine(date.fromisoformat(content["due"]), datetime.min.time(), UTC)
        body = [content["action"], f"Why: {content['purpose']}", f"Account: {content['account']}"]
        task = {
            "hs_task_subject": plain(f"{content['account']}: {content['title']}", 200),
            "hs_task_body": "<br>".join(for_html(line) for line in body),
            "hs_timestamp": due.isoformat().replace("+00:00", "Z"),
            "hs_task_priority": _PRIORITIES.get(content["urgency"], "LOW"),
        }
        owner = self._settings.people.get(str(content["owner_id"]))
        return task | ({"hubspot_owner_id": owner} if owner else {})


def _as_field(found: Mapping[str, Any], name: str) -> Found:
    value = found.get("properties", {}).get(name)
    return Found(remote_id=str(found.get("id", "")), content={"value": "" if value is None else str(value)})


def _note_body(content: Content) -> str:
    until = f" until {content['until']}" if content["until"] else ""
    lines = [
        f"Weekly review {content['review']}: play {_DECIDED.get(content['decision'], content['decision'])}{until} by {content['by']}",
        f"Cause: {content['cause']}",
    ]
    lines += [f"Why: {content['reason']}"] if content["reason"] else []
    lines += [f"First step: {content['first']}"] if content["first"] else []
    return "<br>".join(for_html(line) for line in lines)


def _moment(text: str) -> str:
    """A time as HubSpot writes it, without fractions of a second."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    except ValueError:
        return text


def _day(properties: Mapping[str, Any], item: OutboxItem) -> date:
    """Day of completion; the due day where HubSpot gives none."""
    try:
        return datetime.fromisoformat(str(properties.get("hs_task_completion_date"))).date()
    except ValueError:
        return date.fromisoformat((item.desired or item.sent or item.tried or {})["due"])
