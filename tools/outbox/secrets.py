"""Tokens and passwords of receivers: from the environment, else from the keyring of the machine if one is installed.

They are used for a call and hidden in every text that leaves this package: errors, plans, the audit log.
"""

import os
from collections.abc import Iterable
from importlib import import_module
from importlib.util import find_spec

from domain.errors import ConfigurationError
from domain.outbox import SinkName

VARIABLES: dict[SinkName, str] = {
    "webhook": "SAVEPLAY_WEBHOOK_SECRET",
    "calendar": "SAVEPLAY_CALENDAR_PASSWORD",
    "hubspot": "SAVEPLAY_HUBSPOT_TOKEN",
    "slack": "SAVEPLAY_SLACK_TOKEN",
    "asana": "SAVEPLAY_ASANA_TOKEN",
    "mail": "SAVEPLAY_MAIL_PASSWORD",
}


def read_secret(sink: SinkName) -> str:
    """The token or password of a receiver. Raises ConfigurationError that names the variable to set."""
    name = VARIABLES[sink]
    found = os.environ.get(name) or _from_keyring(name)
    if not found:
        raise ConfigurationError(f"{sink} is on in outbox.yaml, but {name} is not set in the environment")
    if not found.isprintable() or " " in found:
        raise ConfigurationError(f"{name} holds a space or a line break; set it again")
    return found


def _from_keyring(name: str) -> str | None:
    if find_spec("keyring") is None:
        return None
    found = import_module("keyring").get_password("saveplay", name)
    return str(found) if found else None


def hide(text: str, secrets: Iterable[str]) -> str:
    """The text with every secret as ``…``."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, "…")
    return text
