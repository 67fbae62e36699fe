"""Reads ``configs/outbox.yaml`` and opens the receivers that are on. It stands apart from the review's configuration.

Where decisions go does not change what a review says, so this file is no part of the configuration's hash.
"""

import time
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from domain.errors import ConfigurationError
from domain.outbox import OutboxSettings, SinkName, SinkSettings
from tools.configuration import DEFAULT_FOLDER
from tools.outbox.http import Receiver, basic, bearer, check_address
from tools.outbox.secrets import read_secret
from tools.outbox.sinks.sink import Sink
from tools.yaml_file import parse_yaml, read_text

_NAME = "outbox.yaml"


def read_outbox_settings(folder: Path | None) -> OutboxSettings:
    """The settings in a configuration folder; the shipped ones, with every receiver off, if it has no such file.

    Raises ConfigurationError naming file, line and key.
    """
    path = (folder or DEFAULT_FOLDER) / _NAME
    if not path.exists():
        path = DEFAULT_FOLDER / _NAME
    document = parse_yaml(read_text(path, ConfigurationError, _NAME), _NAME, ConfigurationError)
    try:
        return OutboxSettings.model_validate(document.content)
    except ValidationError as error:
        raise ConfigurationError(document.explain(error)) from None


def open_sinks(settings: OutboxSettings, names: Iterable[SinkName]) -> dict[SinkName, Sink]:
    """The receivers, ready to be called. Raises ConfigurationError for a host that is not allowed or a secret that is not set."""
    return {name: _open(name, settings.sinks[name], settings) for name in names}


def _open(name: SinkName, sink: SinkSettings, settings: OutboxSettings) -> Any:
    timeout = settings.timeout.value
    check_address(name, sink.url, settings.hosts, "smtps" if name == "mail" else "https")
    secret = read_secret(name) if name != "mail" or sink.user else ""
    if name == "mail":
        return _class("mail", "Mail")(sink, secret, timeout)
    if name == "webhook":
        receiver = Receiver(sink.url, timeout, secrets=(secret,))
        return _class("webhook", "Webhook")(receiver, secret, lambda: int(time.time()))
    if name == "calendar":
        headers = basic(sink.user, secret)
        receiver = Receiver(sink.url, timeout, headers, (secret, headers["Authorization"].partition(" ")[2]))
        return _class("calendar", "Calendar")(receiver, sink.people)
    receiver = Receiver(sink.url, timeout, bearer(secret), (secret,))
    if name == "slack":
        return _class("slack", "Slack")(receiver, sink.place)
    return _class(name, "HubSpot" if name == "hubspot" else "Asana")(receiver, sink)


def _class(module: str, name: str) -> Any:
    """A class of a receiver, imported when it is used."""
    return getattr(import_module(f"tools.outbox.sinks.{module}"), name)
