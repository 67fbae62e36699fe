"""A served desk: ``saveplay serve`` as a real process on a store of its own, and the ways to come in at it."""

import os
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from tests.e2e.commands import saveplay, start_command
from tests.e2e.fork_server import ForkedCommand

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext

LEADER = "Marguerite Oyelaran"
CHROMIUM = Path("/usr/bin/chromium")
BROWSER_REQUIRED = os.environ.get("SAVEPLAY_REQUIRE_BROWSER") == "1"
_PATIENCE_SECONDS = 60
_LINK = re.compile(r"(http://[^/\s]+)/enter\?key=(\S+)")
_CSRF = re.compile(r'name="csrf" value="([^"]+)"')


@dataclass(frozen=True)
class ServedDesk:
    """A desk that answers."""

    at: str
    """Its address, like http://127.0.0.1:41234."""
    store: Path
    leader_link: str
    """The link that the process printed: it opens once, for the leader."""
    process: ForkedCommand | subprocess.Popen[bytes]

    def link(self, name: str, role: str, person: str | None = None) -> str:
        """A link that opens once for somebody, made by ``saveplay invite``."""
        more = ("--person", person) if person else ()
        said = saveplay("invite", name, "--role", role, *more, "--store", self.store).ended(0)
        return self.at + "/enter" + said.out.strip().partition("/enter")[2]

    def token(self, name: str, role: str, person: str | None = None) -> str:
        """A token for a program that acts for somebody, made by ``saveplay invite --token``."""
        more = ("--person", person) if person else ()
        return saveplay("invite", name, "--role", role, *more, "--token", "--store", self.store).ended(0).out.strip()

    def stop(self) -> int:
        """Ctrl-C; its exit code. A desk that does not end by itself is killed."""
        if self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGINT)
        try:
            return self.process.wait(15)
        except (TimeoutError, subprocess.TimeoutExpired):
            self.process.kill()
            return self.process.wait(15)


def start_desk(store: Path, *more: str | Path, name: str = LEADER) -> ServedDesk:
    """Serve a store on any free port. Whoever calls this stops it."""
    with tempfile.TemporaryFile() as said:
        process = start_command(
            ["serve", "--store", store, "--port", "0", "--as", name, *more], said.fileno(), said.fileno()
        )
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            printed = os.pread(said.fileno(), 65536, 0).decode()
            if link := _LINK.search(printed):
                return ServedDesk(link[1], store, link[0], process)
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                raise AssertionError(f"the desk does not open: {printed[-2000:]}")
            time.sleep(0.02)


@contextmanager
def running_desk(store: Path, *more: str | Path, name: str = LEADER) -> Iterator[ServedDesk]:
    """A desk for the length of the block."""
    desk = start_desk(store, *more, name=name)
    try:
        yield desk
    finally:
        desk.stop()


def sign_in_by_link(link: str) -> httpx.Client:
    """A client with the cookie of whom the link lets in. It follows no redirects and starts at the desk's address."""
    address, _, key = link.partition("/enter?key=")
    client = httpx.Client(base_url=address, timeout=60, trust_env=False)
    answer = client.post("/enter", data={"key": key})
    assert answer.status_code == 303, f"{answer.status_code}: {answer.text[-500:]}"
    return client


def csrf_token(page: str) -> str:
    """The session's own mark, which every form carries, off any page of the desk."""
    found = _CSRF.search(page)
    assert found, "the page has no form of the desk"
    return unescape(found[1])


@contextmanager
def chromium() -> "Iterator[Browser]":
    """A browser for the length of the block."""
    from playwright.sync_api import sync_playwright

    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=str(CHROMIUM), args=flags)
        try:
            yield browser
        finally:
            browser.close()


def open_sign_in_link(context: "BrowserContext", link: str) -> Any:
    """Press the button behind a one-time link in a browser. The page it leads to."""
    page = context.new_page()
    page.goto(link)
    page.get_by_role("button", name="Come in").click()
    page.wait_for_url(lambda url: "/enter" not in url)
    return page
