"""One HTTP call to a receiver: no redirects, no retries, only hosts that are allowed.

It tells apart what the outbox has to know: refused before it went out, went out without an answer, and answered.
"""

import base64
import http.client
import json
import ssl
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from domain.errors import ChangedThere, ConfigurationError, DeliveryError, DeliveryRefused, NoAnswer, NotDelivered
from tools.outbox.secrets import hide
from tools.outbox.text import plain

_MOST_BYTES = 5_000_000
_CHUNK = 65_536
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_READS = ("GET", "HEAD", "PROPFIND", "REPORT")
_SHOWN = 160
"""Characters of an answer that an error repeats."""


@dataclass(frozen=True)
class Response:
    """An answer of a receiver."""

    status: int
    headers: Mapping[str, str]
    """Names in small letters."""
    body: bytes

    def json(self) -> Any:
        """The body as JSON; an empty object when it is none."""
        try:
            return json.loads(self.body or b"{}")
        except ValueError:
            return {}


@dataclass(frozen=True)
class Receiver:
    """Address of a receiver with what every call carries."""

    url: str
    timeout: float
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @property
    def host(self) -> str:
        """Host for messages."""
        return urlsplit(self.url).hostname or ""

    @property
    def path(self) -> str:
        """Path of the address without a slash at its end."""
        return urlsplit(self.url).path.rstrip("/")

    def call(
        self,
        method: str,
        path: str,
        body: bytes | Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        accept: Collection[int] = (),
        is_read: bool = False,
    ) -> Response:
        """Call once. ``is_read``: a call by another method than GET that changes nothing. Returns answers 2xx and those in ``accept``; raises a DeliveryError for all others."""
        sent = dict(self.headers) | dict(headers or {})
        if isinstance(body, Mapping):
            body = json.dumps(body, ensure_ascii=False).encode()
            sent.setdefault("Content-Type", "application/json; charset=utf-8")
        connection = self._connect()
        try:
            answer = self._exchange(connection, method, path, body, sent, is_read or method in _READS)
        finally:
            connection.close()
        if 200 <= answer.status < 300 or answer.status in accept:
            return answer
        raise self._error(answer)

    def _connect(self) -> http.client.HTTPConnection:
        parts = urlsplit(self.url)
        if parts.scheme == "https":
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                self.host, parts.port, timeout=self.timeout, context=ssl.create_default_context()
            )
        else:
            connection = http.client.HTTPConnection(self.host, parts.port, timeout=self.timeout)
        try:
            connection.connect()
        except OSError as error:
            raise NotDelivered(f"{self.host} cannot be reached: {self._said(error)}") from None
        return connection

    def _exchange(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        body: bytes | None,
        headers: dict[str, str],
        is_read: bool,
    ) -> Response:
        ends = time.monotonic() + self.timeout
        try:
            connection.request(method, path, body=body, headers=headers)
            answer = connection.getresponse()
            read = b""
            while chunk := answer.read1(_CHUNK):
                read += chunk
                if len(read) > _MOST_BYTES or time.monotonic() > ends:
                    raise TimeoutError("the answer is too long or too slow")
            if answer.length:
                raise TimeoutError("the answer ended in its middle")
        except (OSError, http.client.HTTPException) as error:
            said = f"{self.host} gave no answer: {self._said(error)}"
            raise (NotDelivered(said) if is_read else NoAnswer(said)) from None
        return Response(answer.status, {name.lower(): value for name, value in answer.getheaders()}, read)

    def _error(self, answer: Response) -> DeliveryError:
        shown = plain(hide(answer.body[:_CHUNK].decode("utf-8", "replace"), self.secrets), _SHOWN)
        said = f"{self.host} answered {answer.status}" + (f": {shown}" if shown else "")
        if answer.status in (409, 412):
            return ChangedThere(said)
        if answer.status == 429 or answer.status >= 500:
            return NotDelivered(said, wait=_wait(answer.headers.get("retry-after")), is_certain=answer.status == 429)
        return DeliveryRefused(said, answer.status)

    def _said(self, error: Exception) -> str:
        return plain(hide(str(error) or type(error).__name__, self.secrets), _SHOWN)


def _wait(given: str | None) -> float | None:
    """Seconds of a ``Retry-After``: a number, or a date."""
    if not given:
        return None
    if given.strip().isdecimal():
        return float(given)
    try:
        return max(0.0, (parsedate_to_datetime(given) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


def check_address(name: str, url: str, hosts: Collection[str], scheme: str = "https") -> None:
    """Raise ConfigurationError for an address that may not be called. A host of this machine may do without TLS."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ConfigurationError(f"outbox.yaml: {name}: the url holds more than scheme, host and path; remove it")
    if host not in hosts:
        raise ConfigurationError(f"outbox.yaml: {name}: the host {host!r} is not in hosts; add it if it may be called")
    if parts.scheme != scheme and not (host in _LOOPBACK and parts.scheme in ("http", "smtp")):
        raise ConfigurationError(f"outbox.yaml: {name}: the url has to begin with {scheme}://")


def bearer(token: str) -> dict[str, str]:
    """Header of a token."""
    return {"Authorization": f"Bearer {token}"}


def basic(user: str, password: str) -> dict[str, str]:
    """Header of a user and a password."""
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}
