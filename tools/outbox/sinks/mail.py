"""Mail: what each person brings to the next meeting, reminders and alerts. A mail cannot be looked up or taken back: it is sent once, or it may be sent again.

Which of the two is the choice ``no_answer`` of the configuration.
"""

import smtplib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from hashlib import sha256
from urllib.parse import urlsplit

from domain.errors import DeliveryRefused, NoAnswer, NotDelivered
from domain.outbox import Content, Found, OutboxItem, SinkSettings
from tools.outbox.secrets import hide
from tools.outbox.sinks.sink import Guarantee
from tools.outbox.text import plain


class Mail:
    """One SMTP server."""

    looks = has_tasks = False

    def __init__(self, settings: SinkSettings, password: str, timeout: float) -> None:
        self.guarantee: Guarantee = settings.no_answer
        self._settings, self._password, self._timeout = settings, password, timeout

    def fields(self, content: Content) -> Content:
        """The content itself."""
        return content

    def find(self, item: OutboxItem) -> Found | None:
        """Nothing: a mail cannot be asked for."""
        return None

    def put(self, item: OutboxItem, found: Found | None) -> tuple[str, str | None]:
        """Send the mail."""
        assert item.desired is not None
        message = _message(item, item.desired, self._settings.place)
        self._send(message)
        return str(message["Message-ID"]), None

    def take_back(self, item: OutboxItem, found: Found | None) -> None:
        """Do nothing: what was read was read. The next week's mail says what holds."""

    def _send(self, message: EmailMessage) -> None:
        went_out = False
        try:
            with self._server() as server:
                went_out = True
                server.send_message(message)
        except smtplib.SMTPServerDisconnected as error:
            raise self._lost(error, went_out) from None
        except smtplib.SMTPResponseException as error:
            raise self._answered(error.smtp_code, str(error.smtp_error)) from None
        except smtplib.SMTPRecipientsRefused as error:
            code, said = next(iter(error.recipients.values()))
            raise self._answered(code, said.decode("utf-8", "replace")) from None
        except (smtplib.SMTPException, OSError) as error:
            raise self._lost(error, went_out) from None

    @contextmanager
    def _server(self) -> Iterator[smtplib.SMTP]:
        """A session; how it ends says nothing about the mail."""
        parts = urlsplit(self._settings.url)
        kind = smtplib.SMTP_SSL if parts.scheme == "smtps" else smtplib.SMTP
        server = kind(parts.hostname or "", parts.port or 0, timeout=self._timeout)
        try:
            if self._settings.user:
                server.login(self._settings.user, self._password)
            yield server
            with suppress(smtplib.SMTPException, OSError):
                server.quit()
        finally:
            server.close()

    def _lost(self, error: Exception, went_out: bool) -> NotDelivered | NoAnswer:
        said = f"the mail server: {plain(hide(str(error), [self._password]), 160)}"
        return NoAnswer(said) if went_out else NotDelivered(said)

    def _answered(self, code: int, text: str) -> NotDelivered | DeliveryRefused:
        said = f"the mail server answered {code}: {plain(hide(text, [self._password]), 160)}"
        return NotDelivered(said) if 400 <= code < 500 else DeliveryRefused(said, code)


def _message(item: OutboxItem, content: Content, sender: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"] = sender, plain(content["to"], 200)
    message["Subject"] = _subject(item, content)
    digest = sha256(f"{item.key}\n{item.revision}".encode()).hexdigest()[:32]
    message["Message-ID"] = f"<{digest}@{sender.rpartition('@')[2] or 'saveplay.invalid'}>"
    message.set_content("\n".join(_notices(content) if item.kind == "message" else _preread(content)))
    return message


def _subject(item: OutboxItem, content: Content) -> str:
    if item.kind != "message":
        return f"What you bring to the meeting after {content['review']}"
    count = len(content["lines"])
    urgent = "Critical: " if content["critical"] else ""
    return f"{urgent}{count} {'thing' if count == 1 else 'things'} to look at on {content['day']}"


def _notices(content: Content) -> list[str]:
    return ["What you have to know today:", *(f"- {plain(line)}" for line in content["lines"])]


def _preread(content: Content) -> list[str]:
    lines = [
        "Your actions:",
        *(f"- {each['due']}  {plain(each['account'])}: {plain(each['title'])}" for each in content["actions"]),
    ]
    return [*lines, "", "Agenda of the next meeting:", *(f"- {plain(title)}" for title in content["agenda"])]
