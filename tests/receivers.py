"""Fake receivers that misbehave: one server for the APIs of HubSpot, Slack, Asana, a CalDAV calendar and a signed webhook.

It follows the published calls that the product uses, counts what each of them brought about, and can commit and then drop the
connection, answer 429 or 500, be slow, and change records as a person would. No vendor was called to build it.
"""

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

Fault = Callable[[str, str], str | None]
"""Method and path of a call in, the name of a fault out: ``drop``, ``commit and drop``, ``429``, ``500``, ``slow`` or None."""


def no_fault(method: str, path: str) -> str | None:
    return None


def random_faults(seed: int, share: float) -> Fault:
    """A share of the calls goes wrong, in every way."""
    chosen = random.Random(seed)
    kinds = ("drop", "commit and drop", "commit and drop", "429", "500")
    return lambda method, path: chosen.choice(kinds) if chosen.random() < share else None


class Exchange(NamedTuple):
    """One call and its answer."""

    method: str
    path: str
    body: bytes
    status: int
    answer: bytes


class Receivers:
    """State of all receivers, and the effects that calls had."""

    def __init__(self) -> None:
        self.fault: Fault = no_fault
        self.lock = threading.Lock()
        self.companies: dict[str, dict[str, str]] = {}
        self.tasks: dict[str, dict[str, str]] = {}
        """HubSpot tasks by our key."""
        self.notes: dict[str, dict[str, str]] = {}
        """HubSpot notes by our key."""
        self.links: dict[str, str] = {}
        """Company of each HubSpot note, by id."""
        self.messages: list[dict[str, Any]] = []
        self.asana: dict[str, dict[str, Any]] = {}
        self.events: dict[str, tuple[int, bytes]] = {}
        self.webhooks: dict[str, dict[str, Any]] = {}
        """Events by ``webhook-id``: a receiver takes each once."""
        self.raw_webhooks: list[tuple[dict[str, str], bytes]] = []
        self.created: Counter[str] = Counter()
        """Number of times that a thing was created, by our key; more than once is a doubled effect."""
        self.writes = 0
        self.calls: list[tuple[str, str, int]] = []
        self.exchanges: list[Exchange] = []
        self.url = ""

    def answer(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        parts = urlsplit(path)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        place = parts.path
        if place.startswith("/calendar/"):
            return self._calendar(method, place, body, headers)
        given = json.loads(body) if body else {}
        if place == "/hook":
            self.raw_webhooks.append((headers, body))
            self.webhooks.setdefault(headers["webhook-id"], given)
            return 204, {}, b""
        if place.endswith("/batch/read"):
            return self._read_batch(place.split("/")[4], given)
        if place == "/crm/v3/objects/companies/batch/update":
            return self._update(given)
        if place.startswith("/crm/v3/objects/companies/"):
            return self._company(method, unquote(place.rpartition("/")[2]), given)
        for kind, stored in (("tasks", self.tasks), ("notes", self.notes)):
            if place == f"/crm/v3/objects/{kind}/batch/upsert":
                return self._upsert(given, stored)
            if place.startswith(f"/crm/v3/objects/{kind}/"):
                found = stored.get(unquote(place.rpartition("/")[2]))
                if found is None:
                    return _json(404, {"message": f"nothing in {kind}"})
                linked = self.links.get(found["id"]) if "associations" in asked else None
                types = {"companies": {"results": [{"id": linked, "type": "note_to_company"}]}} if linked else {}
                return _json(200, _object(found) | ({"associations": types} if types else {}))
        if place.startswith("/crm/v4/objects/notes/"):
            note, company = place.split("/")[5], place.rpartition("/")[2]
            self.links[note] = company
            link = {"from": {"id": note}, "to": {"id": company}, "associationSpec": _NOTE_TO_COMPANY}
            return _json(200, {**_COMPLETE, "results": [link]})
        if place.startswith("/api/1.0/tasks"):
            return self._asana(method, place, given)
        if place == "/api/conversations.open":
            return _json(200, {"ok": True, "channel": {"id": f"D-{given['users']}"}})
        if place == "/api/conversations.history":
            assert asked["include_all_metadata"] == "true"
            there = [each for each in self.messages if each["channel"] == asked["channel"]]
            return _json(200, {"ok": True, "messages": there[::-1]})
        return self._slack(place, given)

    def _company(self, method: str, account: str, given: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        if account not in self.companies:
            return _json(404, {"message": "no company"})
        if method == "PATCH":
            self.companies[account].update(given["properties"])
        return _json(200, _object({"id": f"c-{account}", **self.companies[account]}))

    def _read_batch(self, kind: str, given: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        stored = self.tasks
        if kind == "companies":
            stored = {name: {"id": f"c-{name}", "account_id": name, **own} for name, own in self.companies.items()}
        asked = [each["id"] for each in given["inputs"]]
        assert len(asked) <= _MOST
        missing = [name for name in asked if name not in stored]
        return _statuses([_object(stored[name]) for name in asked if name in stored], [(name, "") for name in missing])

    def _update(self, given: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        made, missing = [], []
        assert len(given["inputs"]) <= _MOST
        for each in given["inputs"]:
            if each["id"] not in self.companies:
                missing.append((each["id"], each["objectWriteTraceId"]))
                continue
            own = self.companies[each["id"]]
            own.update(each["properties"])
            made.append({**_object({"id": f"c-{each['id']}", **own}), "objectWriteTraceId": each["objectWriteTraceId"]})
        return _statuses(made, missing)

    def _upsert(self, given: dict[str, Any], stored: dict[str, dict[str, str]]) -> tuple[int, dict[str, str], bytes]:
        results = []
        for each in given["inputs"]:
            is_new = each["id"] not in stored
            if is_new:
                self.created[each["id"]] += 1
                stored[each["id"]] = {"id": str(len(stored) + 1)}
            stored[each["id"]].update(each["properties"])
            trace = {name: each[name] for name in ("objectWriteTraceId",) if name in each}
            results.append({**_object(stored[each["id"]]), "new": is_new, **trace})
        return _json(200, {**_COMPLETE, "results": results})

    def _asana(self, method: str, place: str, given: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        name = unquote(place.removeprefix("/api/1.0/tasks").strip("/"))
        if method == "POST":
            gid = str(len(self.asana) + 1)
            self.asana[gid] = {"resource_type": "task", "completed": False, **given["data"], "gid": gid}
            self.created[given["data"]["external"]["gid"]] += 1
            return _json(201, {"data": _task(self.asana[gid])})
        found = self.asana.get(name)
        if name.startswith("external:"):
            key = name.removeprefix("external:")
            found = next((task for task in self.asana.values() if task["external"]["gid"] == key), None)
        if found is None:
            return _json(404, {"errors": [{"message": "no task"}]})
        if method == "PUT":
            found.update(given["data"])
        return _json(200, {"data": _task(found)})

    def _slack(self, place: str, given: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        key = given["metadata"]["event_payload"]["key"]
        if place == "/api/chat.postMessage":
            self.created[key] += 1
            self.messages.append({**given, "ts": f"{len(self.messages) + 1}.0"})
            return _json(200, {"ok": True, "ts": self.messages[-1]["ts"]})
        found = next((each for each in self.messages if each["ts"] == given["ts"]), None)
        if found is None:
            return _json(200, {"ok": False, "error": "message_not_found"})
        found.update(given)
        return _json(200, {"ok": True, "ts": found["ts"]})

    def _calendar(
        self, method: str, place: str, body: bytes, headers: dict[str, str]
    ) -> tuple[int, dict[str, str], bytes]:
        number, stored = self.events.get(place, (0, b""))
        tag = f'"{number}"'
        if method == "GET":
            return (200, {"ETag": tag}, stored) if number else (404, {}, b"")
        if (headers.get("if-none-match") == "*" and number) or headers.get("if-match", tag) != tag:
            return 412, {}, b""
        if not number:
            self.created[place] += 1
        self.events[place] = (number + 1, body)
        return 201, {"ETag": f'"{number + 1}"'}, b""


_NOW = "2026-11-23T10:00:00.000Z"
_MOST = 100
_COMPLETE = {"status": "COMPLETE", "startedAt": _NOW, "completedAt": _NOW}
_NOTE_TO_COMPANY = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 190}


def _object(properties: dict[str, str]) -> dict[str, Any]:
    """A record as HubSpot answers it."""
    own = {name: value for name, value in properties.items() if name != "id"}
    return {"id": properties["id"], "properties": own, "createdAt": _NOW, "updatedAt": _NOW, "archived": False}


def _statuses(results: list[Any], missing: list[tuple[str, str]]) -> tuple[int, dict[str, str], bytes]:
    """Answer for many records: 207 when some are missing."""
    errors = [
        {"status": "error", "category": "OBJECT_NOT_FOUND", "message": f"nothing with {name}", "errors": [], "links": {},
         "context": {"ids": [name], **({"objectWriteTraceId": [trace]} if trace else {})}}
        for name, trace in missing
    ]  # fmt: skip
    more = {"numErrors": len(errors), "errors": errors} if errors else {}
    return _json(207 if errors else 200, {**_COMPLETE, "results": results, **more})


def _task(stored: dict[str, Any]) -> dict[str, Any]:
    """A task as Asana answers it: projects and people are records."""
    names = {"projects": [{"gid": each, "resource_type": "project"} for each in stored["projects"]]}
    assignee = {"assignee": {"gid": stored["assignee"], "resource_type": "user"}} if "assignee" in stored else {}
    return {**stored, **names, **assignee}


def _json(status: int, body: Any) -> tuple[int, dict[str, str], bytes]:
    return status, {"Content-Type": "application/json"}, json.dumps(body).encode()


def _handler(receivers: Receivers) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            fault = receivers.fault(self.command, self.path)
            if fault == "slow":
                time.sleep(0.5)
            if fault == "drop":
                self.close_connection = True
                return
            if fault in ("429", "500"):
                self._reply(int(fault), {"Retry-After": "0"} if fault == "429" else {}, b'{"message": "later"}')
                return
            headers = {name.lower(): value for name, value in self.headers.items()}
            with receivers.lock:
                status, sent, answer = receivers.answer(self.command, self.path, body, headers)
                receivers.writes += self.command != "GET" and status < 300
                receivers.calls.append((self.command, self.path, status))
                receivers.exchanges.append(Exchange(self.command, self.path, body, status, answer))
            if fault == "commit and drop":
                self.close_connection = True
                return
            self._reply(status, sent, answer)

        do_GET = do_POST = do_PUT = do_PATCH = _serve

        def _reply(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed is no fault of the server."""


@contextmanager
def serve_receivers() -> Iterator[Receivers]:
    """The fakes on a free port of this machine."""
    receivers = Receivers()
    server = _Server(("127.0.0.1", 0), _handler(receivers))
    receivers.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield receivers
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


SECRETS = {
    "SAVEPLAY_WEBHOOK_SECRET": "whsec_cGxhbnRlZC13ZWJob29rLXNlY3JldC0x",
    "SAVEPLAY_CALENDAR_PASSWORD": "planted-calendar-2",
    "SAVEPLAY_HUBSPOT_TOKEN": "planted-hubspot-3",
    "SAVEPLAY_SLACK_TOKEN": "planted-slack-4",
    "SAVEPLAY_ASANA_TOKEN": "planted-asana-5",
    "SAVEPLAY_MAIL_PASSWORD": "planted-mail-6",
}
"""Secrets that no file, log or error may repeat."""


def outbox_yaml(url: str, *names: str, timeout: float = 2, lease: float = 6, deadline: float = 20) -> dict[str, Any]:
    """Content of an ``outbox.yaml`` for the fakes, with these receivers on."""
    why = "fast enough for a test"
    sinks: dict[str, dict[str, Any]] = {
        "webhook": {"url": f"{url}/hook", "sends": ["action", "field", "hold", "digest"]},
        "calendar": {"url": f"{url}/calendar/", "user": "saveplay", "sends": ["hold"]},
        "hubspot": {
            "url": url,
            "sends": ["field", "action", "note"],
            "account_key": "account_id",
            "task_key": "saveplay_key",
            "note_key": "saveplay_key",
        },
        "slack": {"url": url, "place": "C1", "sends": ["digest"]},
        "asana": {"url": url, "place": "P1", "sends": ["action"]},
        "mail": {"url": url.replace("http", "smtp"), "place": "saveplay@example.com", "sends": ["preread", "message"]},
    }
    numbers = {"timeout": timeout, "lease": lease, "deadline": deadline, "first_wait": 0.01, "longest_wait": 0.1}
    return {
        "hosts": ["127.0.0.1"],
        **{name: {"value": value, "unit": "seconds", "why": why} for name, value in numbers.items()},
        "sinks": {name: {**sink, "enabled": name in names} for name, sink in sinks.items()},
    }
