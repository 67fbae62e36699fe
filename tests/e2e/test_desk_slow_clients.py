"""Slow clients: one that sends or takes slowly costs the others nothing. A real server, on this machine only."""

# ruff: noqa: F811  (fixtures are imported by name)

import socket
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.desk.connections import HEAD_SECONDS
from app.desk.security import BODY_SECONDS, MAX_REQUEST_BYTES
from tests.desk_in_process import monday_store, own_copy  # noqa: F401  fixture
from tests.e2e.shared_stores import W48, StoreFolder, shared_stores, team_data, team_first_week  # noqa: F401  fixtures
from tests.served_desk import ServedClient, ServedDesk, csrf_token, running_desk, sign_in_by_link

pytestmark = [pytest.mark.servers, pytest.mark.timeout(400)]
PAGES = ("week", "meeting", "follow-up", "metrics", "data", "week?show=all", "week?priority=critical", "ask")
ROUNDS = 3
LIMIT_SECONDS = 1.0
"""The longest that a page of somebody else may take."""
MEMORY_MB = 150
"""Growth of the server's memory under one attack: 24 bodies of at most a megabyte, and what Python does not give back."""


@dataclass(frozen=True)
class Attack:
    """A desk, somebody at work, and the cookie of a slow client of another person."""

    desk: ServedDesk
    reader: ServedClient
    cookie: str

    def connect(self, *sent: str, receive_bytes: int = 0) -> socket.socket:
        """A connection that has sent this much."""
        host, port = self.desk.at.removeprefix("http://").split(":")
        client = socket.socket()
        if receive_bytes:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        client.settimeout(30)
        client.connect((host, int(port)))
        client.sendall("".join(sent).encode())
        return client

    def head(self, method: str, path: str, more: str = "") -> str:
        """The whole head of a request of the slow client."""
        host = self.desk.at.removeprefix("http://")
        return f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nCookie: saveplay-desk={self.cookie}\r\n{more}\r\n"

    @property
    def memory(self) -> float:
        """Memory of the server in MB."""
        status = Path(f"/proc/{self.desk.process.pid}/status").read_text(encoding="utf-8")
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024

    def measure(self, name: str) -> None:
        """Open every page as the other person; each under a second. Prints median and maximum."""
        took = []
        for page in PAGES * ROUNDS:
            begun = time.perf_counter()
            answer = self.reader.get(f"/r/{W48}/{page}")
            took.append(time.perf_counter() - begun)
            assert answer.status_code == 200, (name, page, answer.status_code)
        print(f"{name}: median {statistics.median(took) * 1000:.0f} ms, maximum {max(took) * 1000:.0f} ms")
        assert max(took) < LIMIT_SECONDS, (name, took)


@pytest.fixture(scope="module")
def attack(monday_store: StoreFolder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attack]:
    place = own_copy(monday_store, tmp_path_factory.mktemp("slow") / "place")
    with running_desk(place.store) as desk:
        with closing(sign_in_by_link(desk.link("Slow Client", "csm", "P-12"))) as slow:
            cookie = slow.cookies["saveplay-desk"]
        with closing(sign_in_by_link(desk.leader_link)) as reader:
            for page in PAGES:
                assert reader.get(f"/r/{W48}/{page}").status_code == 200
            yield Attack(desk, reader, cookie)


@contextmanager
def many(count: int, connect: Callable[[], socket.socket]) -> Iterator[list[socket.socket]]:
    """So many connections during the block."""
    with ExitStack() as stack:
        yield [stack.enter_context(connect()) for _ in range(count)]


def said_at_the_end(client: socket.socket, seconds: float) -> str:
    """Everything that the server sends until it closes the connection."""
    client.settimeout(seconds)
    parts = []
    try:
        while part := client.recv(65536):
            parts.append(part)
    except ConnectionError:
        pass
    return b"".join(parts).decode()


@pytest.mark.parametrize("path", [f"/r/{W48}/ask", f"/r/{W48}/notes", "/enter", f"/api/v1/reviews/{W48}/notes"])
def test_bodies_that_never_end_hold_nobody_up_and_are_given_up(attack: Attack, path: str) -> None:
    form = "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 500\r\n"
    before = attack.memory
    with many(24, lambda: attack.connect(attack.head("POST", path, form), "question=w")) as open_:
        begun = time.monotonic()
        time.sleep(0.3)
        attack.measure(f"24 bodies without an end to {path}")
        answers = {said_at_the_end(client, BODY_SECONDS + 5).partition("\r\n")[0] for client in open_}
        assert time.monotonic() - begun < BODY_SECONDS + 5
    assert answers == {"HTTP/1.1 408 Request Timeout"}
    assert attack.memory - before < MEMORY_MB


def test_large_bodies_that_come_in_drops_are_not_gathered(attack: Attack) -> None:
    before = attack.memory
    head = attack.head("POST", f"/r/{W48}/notes", "Transfer-Encoding: chunked\r\n")
    with many(24, lambda: attack.connect(head)) as open_:
        piece = b"10000\r\n" + b"x" * 65536 + b"\r\n"
        for client in open_:
            for _ in range(MAX_REQUEST_BYTES // 65536):
                client.sendall(piece)
        attack.measure("24 bodies of a megabyte, nearly whole")
        for client in open_:
            client.sendall(piece)
        answers = {said_at_the_end(client, 20).partition("\r\n")[0] for client in open_}
    assert answers <= {
        "HTTP/1.1 413 Content Too Large",
        "HTTP/1.1 413 Request Entity Too Large",
        "HTTP/1.1 408 Request Timeout",
    }
    assert attack.memory - before < MEMORY_MB


def test_heads_that_never_end_hold_nobody_up_and_are_closed(attack: Attack) -> None:
    before = attack.memory
    with many(200, lambda: attack.connect("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nCook")) as open_:
        begun = time.monotonic()
        attack.measure("200 heads without an end")
        for client in open_:
            assert said_at_the_end(client, HEAD_SECONDS + 5) == ""
        assert time.monotonic() - begun < HEAD_SECONDS + 10
    assert attack.memory - before < MEMORY_MB


def test_a_second_head_that_never_ends_is_closed_as_well(attack: Attack) -> None:
    with many(1, lambda: attack.connect(attack.head("GET", "/sign-in"))) as (client,):
        assert client.recv(65536).startswith(b"HTTP/1.1 200")
        time.sleep(0.5)
        client.sendall(b"GET /sign-in HT")
        assert "HTTP/1.1" not in said_at_the_end(client, HEAD_SECONDS + 5)


@pytest.mark.parametrize("path", [f"/r/{W48}/week?show=all", f"/r/{W48}/follow-up"])
def test_readers_that_take_nothing_hold_nobody_up(attack: Attack, path: str) -> None:
    before = attack.memory
    head = attack.head("GET", path)
    with many(50, lambda: attack.connect(head, receive_bytes=4096)):
        time.sleep(3)  # the pages are made; nobody takes them
        attack.measure(f"50 readers that do not read {path}")
    assert attack.memory - before < MEMORY_MB


def test_event_streams_hold_nobody_up(attack: Attack) -> None:
    before = attack.memory
    with many(300, lambda: attack.connect(attack.head("GET", "/live"))) as open_:
        assert all(client.recv(4096).startswith(b"HTTP/1.1 200") for client in open_)
        attack.measure("300 event streams")
        page = attack.reader.get(f"/r/{W48}/data")
        sent = {"csrf": csrf_token(page.text), "text": "Still here"}
        assert attack.reader.post(f"/r/{W48}/notes", data=sent).status_code == 303
    assert attack.memory - before < MEMORY_MB


def test_all_of_them_at_once_hold_nobody_up(attack: Attack) -> None:
    form = "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 500\r\n"
    body = attack.head("POST", f"/r/{W48}/ask", form)
    with (
        many(200, lambda: attack.connect("GET / HTTP/1.1\r\nHo")),
        many(300, lambda: attack.connect(attack.head("GET", "/live"))),
        many(50, lambda: attack.connect(attack.head("GET", f"/r/{W48}/week"), receive_bytes=4096)),
        many(50, lambda: attack.connect(body, "q")),
    ):
        time.sleep(2)
        attack.measure("all of them at once")
