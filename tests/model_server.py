"""A local model server for tests that behaves or misbehaves as scripted, one behaviour per request.

    with ModelServer(answers('{"summary": "…"}'), fails(500)) as server:
        ...                           # point a client, or the SAVEPLAY_MODEL_URL of a process, at server.url
        server.asked[0].body["model"]

Each request uses up one behaviour; ``otherwise`` serves all further requests. Sockets and HTTP are real, so that faults
occur as in production. A behaviour is a function of the request and of the writer for the response.
"""

import gzip
import json
import re
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

LONGEST_WAIT = 20.0
"""Seconds after which even a behaviour that never answers ends."""
_CHUNK = 16_384


@dataclass
class ReceivedRequest:
    """One received request and its outcome."""

    path: str
    headers: dict[str, str]
    """Headers by name in lower case."""
    body: dict[str, Any]
    at: float
    """Time of arrival, on ``time.monotonic``."""
    answered: float | None = None
    """Time of the end of the answer, on ``time.monotonic``; None before."""
    sent: int = 0
    """Bytes of the response body that were sent."""

    @property
    def schema(self) -> dict[str, Any] | None:
        """The JSON schema of a request for structured output, else None."""
        wanted = self.body.get("response_format") or {}
        return wanted["json_schema"]["schema"] if wanted.get("type") == "json_schema" else None

    @property
    def last(self) -> str:
        """Text of the last message."""
        return str(self.body["messages"][-1]["content"])


class ResponseWriter:
    """Writer for the response to one request."""

    def __init__(
        self,
        handler: BaseHTTPRequestHandler,
        asked: ReceivedRequest,
        done: Callable[[ReceivedRequest], None],
        closing: threading.Event,
    ) -> None:
        self._handler, self._asked, self._done, self.closing = handler, asked, done, closing

    def head(self, status: int, headers: Mapping[str, str]) -> None:
        """Send status and headers."""
        self._handler.send_response(status)
        for name, value in headers.items():
            self._handler.send_header(name, value)
        self._handler.end_headers()

    def write(self, data: bytes) -> None:
        """Send a piece of the body. Raises OSError when the client has closed the connection."""
        for start in range(0, len(data), _CHUNK):
            piece = data[start : start + _CHUNK]
            self._handler.wfile.write(piece)
            self._asked.sent += len(piece)

    def whole(self, status: int, data: bytes, kind: str = "application/json", **headers: str) -> None:
        """Send a whole response; underscores in the names of headers become hyphens."""
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        self._done(self._asked)  # before the client sees the answer and sends the next request
        self.head(status, {"content-type": kind, "content-length": str(len(data)), **more})
        self.write(data)

    def cut(self) -> None:
        """Close the connection, even in the middle of a response."""
        self._handler.close_connection = True
        self._handler.connection.shutdown(socket.SHUT_RDWR)

    def wait(self, seconds: float) -> None:
        """Wait, but no longer than the server runs."""
        self.closing.wait(seconds)


Behaviour = Callable[[ReceivedRequest, ResponseWriter], None]
Writer = Callable[[ReceivedRequest], str]
"""Creates the text of an answer from the request."""


# a server that works -------------------------------------------------------------------------------------------------


def completion_body(
    text: Any = "",
    *,
    reason: Any = "stop",
    read: Any = 100,
    written: Any = 50,
    message: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The body of a chat completion; ``message`` adds to the assistant's message or replaces parts of it."""
    says = {"role": "assistant", "content": text, **(message or {})}
    return {
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "small",
        "choices": [{"index": 0, "message": says, "finish_reason": reason}],
        "usage": {"prompt_tokens": read, "completion_tokens": written, "total_tokens": 0},
    }  # fmt: skip


def sends(body: Any, status: int = 200) -> Behaviour:
    """Send any JSON as the body of the response."""

    def behave(_: ReceivedRequest, line: ResponseWriter) -> None:
        line.whole(status, json.dumps(body).encode())

    return behave


def answers(text: Any, **more: Any) -> Behaviour:
    """Send a correct answer with this text; ``read`` and ``written`` are the reported tokens."""
    return sends(completion_body(text, **more))


def answers_from_request(writer: Writer, after: float = 0.0) -> Behaviour:
    """Send an answer created from the request, after a delay in seconds."""

    def behave(asked: ReceivedRequest, line: ResponseWriter) -> None:
        line.wait(after)
        text = writer(asked)
        said = sum(len(message["content"]) for message in asked.body["messages"])
        line.whole(200, json.dumps(completion_body(text, read=said // 4, written=len(text) // 4)).encode())

    return behave


def calls_a_tool(name: str, arguments: str, text: str | None = None) -> Behaviour:
    """Send a call of a tool."""
    call = {"id": "call-1", "type": "function", "function": {"name": name, "arguments": arguments}}
    return sends(completion_body(text, reason="tool_calls", message={"tool_calls": [call]}))


def well_behaved(asked: ReceivedRequest) -> str:
    """JSON that fits the schema of the request: the first of every choice, plain sentences for a briefing, no statement for a text.

    Use it with ``answers_from_request``.
    """
    schema = asked.schema
    assert schema is not None, "asked without a schema"
    properties = schema["properties"]
    if "statements" in properties:
        return json.dumps({"statements": []})
    if "sentences" in properties:
        facts = re.findall(r"^\{(F\d+)\} ", asked.last, re.MULTILINE)
        most = properties["sentences"]["maxItems"]
        size = 1 if len(facts) <= most else 2
        groups = [facts[start : start + size] for start in range(0, len(facts), size)]
        return json.dumps({"sentences": [", and ".join(f"{{{fact}}}" for fact in group) + "." for group in groups]})
    if "sections" in properties:
        slots = re.findall(r"^(\{[FP]\d+\}) ", asked.last, re.MULTILINE)
        return json.dumps(
            {"sections": [{"heading": "What is known", "sentences": [f"This is {slot}." for slot in slots[:6]]}]}
        )
    return json.dumps(_draft(properties))


def _draft(properties: Mapping[str, Any]) -> dict[str, Any]:
    """A save play from the first choices, without repeated actions."""
    chosen: set[str] = set()

    def line(options: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        free = (each["properties"] for each in options if each["properties"]["action"]["enum"][0] not in chosen)
        first = {name: choices["enum"][0] for name, choices in next(free).items()}
        chosen.add(first["action"])
        return first

    opens = line(properties["first_touch"]["anyOf"])
    lists = {
        name: [line(wanted["items"]["anyOf"]) for _ in range(wanted["minItems"])]
        for name, wanted in properties.items()
        if wanted.get("type") == "array"
    }
    doubt = {"doubt": None} if "doubt" in properties else {}
    return {"first_touch": opens, **lists, **doubt}


# a model that does not -----------------------------------------------------------------------------------------------


def refuses(why: str = "I cannot help with that.") -> Behaviour:
    """Send a refusal of the model."""
    return sends(completion_body(None, message={"refusal": why}))


def content_filtered(text: str = "") -> Behaviour:
    """Send an answer that a content filter removed."""
    return sends(completion_body(text, reason="content_filter"))


def stops_short(text: str = '{"summary": "It') -> Behaviour:
    """Send an answer that ends at the length limit."""
    return sends(completion_body(text, reason="length"))


def nested_answer(depth: int = 100_000) -> Behaviour:
    """Send an answer whose text is very deeply nested JSON."""
    return answers('{"a":' * depth)


def huge_answer(size: int = 10_000_000) -> Behaviour:
    """Send a correct answer of several megabytes."""

    def behave(_: ReceivedRequest, line: ResponseWriter) -> None:
        line.whole(200, json.dumps(completion_body("x" * size)).encode())

    return behave


# a server that does not ----------------------------------------------------------------------------------------------


def without_choices() -> Behaviour:
    """Send a chat completion without choices."""
    return sends({**completion_body(), "choices": []})


def without_usage(text: str) -> Behaviour:
    """Send a correct answer that does not report tokens."""
    return sends({name: value for name, value in completion_body(text).items() if name != "usage"})


def sends_bytes(data: bytes, kind: str = "application/json", status: int = 200, **headers: str) -> Behaviour:
    """Send these bytes as the body."""

    def behave(_: ReceivedRequest, line: ResponseWriter) -> None:
        line.whole(status, data, kind, **headers)

    return behave


def compressed_answer(size: int = 12_000_000) -> Behaviour:
    """Send a small compressed response that unpacks to megabytes."""
    return sends_bytes(gzip.compress(b" " * size), content_encoding="gzip")


def proxy_page() -> Behaviour:
    """Send the web page of a proxy, with status 200."""
    return sends_bytes(b"<!doctype html><html><body><h1>Please sign in</h1></body></html>", "text/html; charset=utf-8")


def nested_body(depth: int = 100_000) -> Behaviour:
    """Send a response that is very deeply nested JSON."""
    return sends_bytes(b'{"choices":' + b"[" * depth)


def fails(status: int, **headers: str) -> Behaviour:
    """Send an HTTP error like a model server; ``retry_after`` is a header."""
    said = {"error": {"message": f"error {status}", "type": "made_up", "code": None}}
    return sends_bytes(json.dumps(said).encode(), status=status, **headers)


def knows_no_schemas(then: Behaviour) -> Behaviour:
    """Send 400 for structured output, else follow ``then``."""
    refusal = sends({"error": {"message": "response_format of type json_schema is not supported"}}, 400)

    def behave(asked: ReceivedRequest, line: ResponseWriter) -> None:
        (then if asked.schema is None else refusal)(asked, line)

    return behave


def never_answers() -> Behaviour:
    """Receive the request and never answer."""

    def behave(_: ReceivedRequest, line: ResponseWriter) -> None:
        line.wait(LONGEST_WAIT)

    return behave


def hangs_up() -> Behaviour:
    """Close the connection at once."""

    def behave(_: ReceivedRequest, line: ResponseWriter) -> None:
        line.cut()

    return behave


def breaks_off(text: str = '{"id": "chatcmpl-1", ') -> Behaviour:
    """Close the connection in the middle of the response."""

    def behave(_: ReceivedRequest, line: ResponseWriter) -> None:
        line.head(200, {"content-type": "application/json", "content-length": str(len(text) + 100)})
        line.write(text.encode())
        line.cut()

    return behave


def sends_bytes_slowly(every: float = 0.01) -> Behaviour:
    """Send a response without end, byte by byte, so that no read waits long."""

    def behave(_: ReceivedRequest, line: ResponseWriter) -> None:
        line.head(200, {"content-type": "application/json", "connection": "close"})
        until = time.monotonic() + LONGEST_WAIT
        while time.monotonic() < until and not line.closing.is_set():
            line.write(b" ")
            line.wait(every)

    return behave


def sends_without_end(most: int = 30_000_000, status: int = 200) -> Behaviour:
    """Send a very long response as fast as the client reads."""

    def behave(asked: ReceivedRequest, line: ResponseWriter) -> None:
        line.head(status, {"content-type": "application/json", "connection": "close"})
        while asked.sent < most and not line.closing.is_set():
            line.write(b"x" * _CHUNK)

    return behave


# the server ----------------------------------------------------------------------------------------------------------


class ModelServer:
    """The server; it runs inside ``with``. ``asked`` holds the received requests in the order of arrival.

    Without ``otherwise``, a request beyond the behaviours is a fault of the test and gets an error 599.
    """

    def __init__(self, *behaviours: Behaviour, otherwise: Behaviour | None = None) -> None:
        self.otherwise = otherwise or fails(599)
        self.asked: list[ReceivedRequest] = []
        self.most_at_once = 0
        """Largest number of requests in progress at one moment."""
        self._queue, self._at_once = deque(behaviours), 0
        self._lock, self._closing = threading.Lock(), threading.Event()
        self._http = _Http(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    @property
    def url(self) -> str:
        """Base URL for a client."""
        return f"http://127.0.0.1:{self._http.server_address[1]}/v1"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening and close open connections. A second call has no effect."""
        if not self._closing.is_set():
            self._closing.set()
            self._http.shutdown()
            self._http.server_close()
            self._thread.join()

    def _take(self, asked: ReceivedRequest) -> Behaviour:
        with self._lock:
            self.asked.append(asked)
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
            return self._queue.popleft() if self._queue else self.otherwise

    def _done(self, asked: ReceivedRequest) -> None:
        with self._lock:
            if asked.answered is None:
                self._at_once -= 1
                asked.answered = time.monotonic()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = LONGEST_WAIT
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                data = self.rfile.read(int(self.headers.get("content-length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                asked = ReceivedRequest(self.path, headers, json.loads(data), time.monotonic())
                behave = server._take(asked)
                try:
                    behave(asked, ResponseWriter(self, asked, server._done, server._closing))
                except OSError:
                    self.close_connection = True  # the client has gone
                finally:
                    server._done(asked)
                self.close_connection = self.close_connection or server._closing.is_set()

            def log_message(self, format: str, *args: Any) -> None:
                """Log nothing."""

        return Handler


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that close the connection early."""


def refused_address() -> str:
    """Address of a port on which nobody listens any more."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{door.getsockname()[1]}/v1"
