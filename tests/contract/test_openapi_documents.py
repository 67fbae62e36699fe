"""What clients send and fakes answer, against the OpenAPI documents that HubSpot and Asana publish.

The documents are theirs and are not kept here. ``SAVEPLAY_OPENAPI`` names a folder with ``tasks.json``, ``companies.json``,
``notes.json`` (v3) and ``associations.json`` (v4) of github.com/HubSpot/HubSpot-public-api-spec-collection, PublicApiSpecs/CRM,
and ``asana_oas.yaml`` of github.com/Asana/openapi, defs. Without it these tests are skipped.
"""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from domain.outbox import OutboxSettings
from tests.outgoing import action, field, note, push
from tests.receivers import SECRETS, Exchange, Receivers, outbox_yaml, serve_receivers
from tools.outbox.reading_back import read_back
from tools.outbox.settings import open_sinks
from tools.store.outbox_store import OutboxStore
from tools.store.review_store import ReviewStore

FOLDER = os.environ.get("SAVEPLAY_OPENAPI", "")
pytestmark = pytest.mark.skipif(not FOLDER, reason="SAVEPLAY_OPENAPI names no folder with the published documents")
DOCUMENTS = {
    "tasks.json": "",
    "companies.json": "",
    "notes.json": "",
    "associations.json": "",
    "asana_oas.yaml": "/api/1.0",
}
"""By file the part of a path that its document leaves to the server's address."""
FIRST_ERROR = 400


@pytest.fixture(scope="module")
def published() -> dict[str, Any]:
    def read(name: str) -> Any:
        text = (Path(FOLDER) / name).read_text(encoding="utf-8")
        return _with_null(yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader)))

    return {name: read(name) for name in DOCUMENTS}


@pytest.fixture
def exchanges(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Exchange]]:
    """All calls of a week that is sent, changed, changed there by people, read back and taken back."""
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    with serve_receivers() as there:
        there.companies = {f"acc-{number}": {"risk_tier": "low"} for number in range(3)}
        store = ReviewStore(tmp_path / "store", lambda: "2026-11-23T10:00:00.000+00:00")
        settings = OutboxSettings.model_validate(outbox_yaml(there.url, "hubspot", "asana"))
        push(store, settings, week("Call the sponsor"))
        push(store, settings, [*week("Call the new sponsor"), field(9, "no such company")])
        _close_as_people(there)
        read_back(OutboxStore(store).items(), open_sinks(settings, settings.on()))
        push(store, settings, [])
        store.close()
        yield list(there.exchanges)


def week(title: str) -> list[Any]:
    tasks = [action(number, sink, title) for number in range(3) for sink in ("hubspot", "asana")]
    return [*tasks, *(field(number, title) for number in range(3)), note(1, title)]


def _close_as_people(there: Receivers) -> None:
    next(iter(there.asana.values())).update(completed=True, completed_at="2026-11-24T09:00:00.000Z")


def test_every_call_and_every_answer_is_of_the_published_form(
    exchanges: list[Exchange], published: dict[str, Any]
) -> None:
    seen: set[tuple[str, str]] = set()
    faults = []
    for exchange in exchanges:
        name, template, operation = _operation(exchange, published)
        seen.add((exchange.method, template))
        faults += [f"{exchange.method} {template}: {fault}" for fault in _faults(exchange, operation, published[name])]
    assert sorted(set(faults)) == []
    assert seen >= {
        ("POST", "/crm/v3/objects/tasks/batch/upsert"), ("POST", "/crm/v3/objects/notes/batch/upsert"),
        ("POST", "/tasks"), ("PUT", "/tasks/{task_gid}"), ("GET", "/tasks/{task_gid}"),
    }  # fmt: skip


def test_the_check_sees_what_is_not_of_the_published_form(exchanges: list[Exchange], published: dict[str, Any]) -> None:
    sent = next(each for each in exchanges if each.path.startswith("/crm/v3/objects/tasks/batch/upsert"))
    body = json.loads(sent.body)
    body["inputs"][0].pop("id")
    broken = sent._replace(body=json.dumps(body).encode(), answer=b'{"results": []}')
    name, _, operation = _operation(broken, published)
    assert len(_faults(broken, operation, published[name])) > 1


def _operation(exchange: Exchange, published: dict[str, Any]) -> tuple[str, str, Any]:
    """Document, path and operation of a call; a fixed path before one with a variable part."""
    place = urlsplit(exchange.path).path
    for name, prefix in DOCUMENTS.items():
        for template, methods in sorted(published[name]["paths"].items(), key=lambda each: each[0].count("{")):
            pattern = re.sub(r"\{[^}]+\}", "[^/]+", template)
            if re.fullmatch(prefix + pattern, place) and exchange.method.lower() in methods:
                shared = methods.get("parameters", [])
                operation = methods[exchange.method.lower()]
                return name, template, {**operation, "parameters": [*shared, *operation.get("parameters", [])]}
    raise AssertionError(f"{exchange.method} {place} is in no document")


def _faults(exchange: Exchange, operation: Any, document: Any) -> list[str]:
    parameters = [_resolved(each, document) for each in operation["parameters"]]
    known = {each["name"] for each in parameters if each["in"] == "query"}
    faults = [f"unknown parameter {name}" for name in parse_qs(urlsplit(exchange.path).query) if name not in known]
    if exchange.body:
        content = _resolved(operation["requestBody"], document)["content"]
        faults += [f"sent: {each}" for each in _differences(json.loads(exchange.body), content, document)]
    answers = operation["responses"]
    answer = answers.get(str(exchange.status)) or answers.get("default")
    if answer is None:
        return [*faults, f"status {exchange.status} is not in the document"]
    if exchange.status < FIRST_ERROR:
        content = _resolved(answer, document)["content"]
        faults += [f"answered: {each}" for each in _differences(json.loads(exchange.answer), content, document)]
    return faults


def _differences(body: Any, content: Any, document: Any) -> list[str]:
    jsonschema_rs = pytest.importorskip("jsonschema_rs")
    schema = {**content["application/json"]["schema"], "components": document["components"]}
    validator = jsonschema_rs.Draft202012Validator(schema)
    return [
        f"{'/'.join(map(str, error.instance_path))}: {error.message[:160]}" for error in validator.iter_errors(body)
    ]


def _resolved(given: Any, document: Any) -> Any:
    while "$ref" in given:
        found = document
        for part in given["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        given = found
    return given


def _with_null(given: Any) -> Any:
    """``nullable`` of OpenAPI 3.0 as JSON Schema says it; dates that YAML made are text again."""
    if isinstance(given, list):
        return [_with_null(each) for each in given]
    if not isinstance(given, dict):
        return given if isinstance(given, str | int | float | bool | None) else str(given)
    made = {str(name): _with_null(each) for name, each in given.items() if name != "nullable"}
    return {"anyOf": [made, {"type": "null"}]} if given.get("nullable") is True else made
