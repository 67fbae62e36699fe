"""The review desk as a real process: ``saveplay serve`` on a store, and the means to sign in."""

import os
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from tests.e2e.commands import ROOT, saveplay, start_command
from tests.e2e.fork_server import ForkedCommand
from tests.read_responses import ReadsResponses

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
    """A running desk that answers requests."""

    at: str
    """Base URL, like http://127.0.0.1:41234."""
    store: Path
    leader_link: str
    """The one-time link for the leader that the process printed."""
    process: ForkedCommand | subprocess.Popen[bytes]

    def link(self, name: str, role: str, person: str | None = None) -> str:
        """A one-time link for a member, created by ``saveplay invite``."""
        more = ("--person", person) if person else ()
        said = saveplay("invite", name, "--role", role, *more, "--store", self.store).check_exit(0)
        return self.at + "/enter" + said.out.strip().partition("/enter")[2]

    def token(self, name: str, role: str, person: str | None = None) -> str:
        """A token for a program that acts for a member, created by ``saveplay invite --token``."""
        more = ("--person", person) if person else ()
        return (
            saveplay("invite", name, "--role", role, *more, "--token", "--store", self.store).check_exit(0).out.strip()
        )

    def stop(self) -> int:
        """Stop the desk with Ctrl-C, or kill it after 15 seconds. Returns the exit code."""
        if self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGINT)
        try:
            return self.process.wait(15)
        except (TimeoutError, subprocess.TimeoutExpired):
            self.process.kill()
            return self.process.wait(15)


def start_desk(
    store: Path, *more: str | Path, name: str = LEADER, cwd: Path = ROOT, env: Mapping[str, str] | None = None
) -> ServedDesk:
    """Serve a store on a free port, started in ``cwd``. The caller has to stop the desk."""
    with tempfile.TemporaryFile() as said:
        process = start_command(
            ["serve", "--store", store, "--port", "0", "--as", name, *more],
            said.fileno(),
            said.fileno(),
            env,
            cwd=cwd,
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
def running_desk(
    store: Path, *more: str | Path, name: str = LEADER, cwd: Path = ROOT, env: Mapping[str, str] | None = None
) -> Iterator[ServedDesk]:
    """A desk that runs during the block."""
    desk = start_desk(store, *more, name=name, cwd=cwd, env=env)
    try:
        yield desk
    finally:
        desk.stop()


class ServedClient(ReadsResponses, httpx.Client):
    """A client of a served desk; a test has to read what it gets."""


def sign_in_by_link(link: str) -> ServedClient:
    """A client with the session of a one-time link. It follows no redirects."""
    address, _, key = link.partition("/enter?key=")
    client = ServedClient(base_url=address, timeout=60, trust_env=False)
    answer = client.post("/enter", data={"key": key})
    assert answer.status_code == 303, f"{answer.status_code}: {answer.text[-500:]}"
    return client


def csrf_token(page: str) -> str:
    """The CSRF token of the session, taken from a page of the desk."""
    found = _CSRF.search(page)
    assert found, "the page has no form of the desk"
    return unescape(found[1])


@contextmanager
def chromium() -> "Iterator[Browser]":
    """A browser that runs during the block."""
    from playwright.sync_api import sync_playwright

    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=str(CHROMIUM), args=flags)
        try:
            yield browser
        finally:
            browser.close()


def open_sign_in_link(context: "BrowserContext", link: str) -> Any:
    """Sign in with a one-time link in a browser. Returns the first page."""
    page = context.new_page()
    page.goto(link)
    page.get_by_role("button", name="Come in").click()
    page.wait_for_url(lambda url: "/enter" not in url)
    return page
