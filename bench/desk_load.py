"""The review desk under load: readers and deciders at once, over local HTTP. ``python -m bench.desk_load FOLDER``.

Prints one JSON document: server time of the pages as the desk reports it, errors, and the check that every decision
answered with success is in the audit log.
"""

import argparse
import asyncio
import json
import random
import re
import shutil
import sqlite3
import statistics
import sys
import time
from contextlib import closing
from html import unescape
from pathlib import Path

import httpx

from bench import portfolio
from tests.e2e.commands import DONE, WAITING, saveplay
from tests.served_desk import ServedDesk, running_desk, sign_in_by_link

ROOT = Path(__file__).resolve().parent.parent
PAGES = ("week", "week?show=all&page=7", "week?tier=critical", "meeting", "follow-up", "metrics", "data", "ask")
ACCOUNT_PAGES = ("account", "play", "meeting")


def prepare_store(folder: Path, accounts: int) -> Path:
    """Create a store with a review that waits for decisions."""
    data, store = folder / f"{accounts}-desk", folder / "desk-store"
    if not (data / "done").exists():
        portfolio.write_portfolio(data, accounts, 50, 7)
        (data / "done").touch()
    shutil.rmtree(store, ignore_errors=True)
    options = ("--data", data, "--store", store, "--out", folder / "desk-reviews")
    saveplay("review", *options, "--as-of", "2026-11-16", "--approve", "all").check_exit(DONE)
    saveplay("review", *options, "--as-of", portfolio.AS_OF.isoformat()).check_exit(WAITING)
    return store


def signed_in_client(desk: ServedDesk, name: str, role: str) -> httpx.AsyncClient:
    """An asynchronous client with a session of this person."""
    with closing(sign_in_by_link(desk.link(name, role))) as client:
        return httpx.AsyncClient(base_url=desk.at, cookies=client.cookies, follow_redirects=True, timeout=60)


class LoadRun:
    """Requests and answers of one run."""

    def __init__(self, until: float) -> None:
        self.until = until
        self.took: list[float] = []
        self.by_page: dict[str, list[float]] = {}
        self.errors: list[str] = []
        self.kept = 0
        self.stale = 0

    def note(self, response: httpx.Response) -> None:
        """Record the server time of a response, and server errors."""
        found = re.search(r"dur=([\d.]+)", response.headers.get("server-timing", ""))
        if found:
            self.took.append(float(found[1]))
            page = f"{response.request.method} {response.request.url.path.rpartition('/')[2]}"
            self.by_page.setdefault(page, []).append(float(found[1]))
        if response.status_code >= 500:
            self.errors.append(f"{response.status_code} {response.request.url}")

    async def read(self, client: httpx.AsyncClient, review: str, accounts: list[str], seed: int, pause: float) -> None:
        """Open random pages of the review until the end of the run."""
        chance = random.Random(seed)
        while time.monotonic() < self.until:
            if chance.random() < 0.4:
                page = f"{chance.choice(ACCOUNT_PAGES)}?account={chance.choice(accounts)}"
            else:
                page = chance.choice(PAGES)
            self.note(await client.get(f"/r/{review}/{page}"))
            await asyncio.sleep(chance.uniform(0.5, 1.5) * pause)

    async def decide(
        self, client: httpx.AsyncClient, review: str, accounts: list[str], seed: int, pause: float
    ) -> None:
        """Decide on random plays until the end of the run."""
        chance = random.Random(seed)
        while time.monotonic() < self.until:
            account = chance.choice(accounts)
            shown = await client.get(f"/r/{review}/play", params={"account": account})
            self.note(shown)
            facts = dict(re.findall(r'name="(csrf|version|seen)" value="([^"]*)"', shown.text))
            said = {"account": account, "decision": "reject", "reason": f"said {seed}", "next": "/metrics", **facts}
            answer = await client.post(f"/r/{review}/choices", data=said, follow_redirects=False)
            self.note(answer)
            self.kept += answer.status_code == 303
            self.stale += answer.status_code == 409
            if answer.status_code not in (303, 409):
                self.errors.append(f"{answer.status_code} deciding")
            await asyncio.sleep(chance.uniform(0.5, 1.5) * pause)


async def run_load(desk: ServedDesk, seconds: float, pause: float) -> dict[str, object]:
    """Load the desk for so many seconds and return the figures. ``pause`` is the mean reading time in seconds."""
    leaders = [signed_in_client(desk, f"Leader {n}", "leader") for n in range(3)]
    readers = [signed_in_client(desk, f"Reader {n}", "viewer") for n in range(4)]
    week = await leaders[0].get("/")
    review = str(week.url).split("/r/")[1].split("/")[0]
    meeting = await leaders[0].get(f"/r/{review}/meeting")
    plays = list(dict.fromkeys(unescape(each) for each in re.findall(r'meeting\?account=([^"&]+)"', meeting.text)))
    before = len(re.findall(r">chose<", (await leaders[0].get("/audit")).text))
    size = len(week.content)  # the size on the wire: pages that contain a secret are never compressed
    for path in re.findall(r'(?:href|src)="(/static/[^"]+)"', week.text):
        size += (await leaders[0].get(path)).num_bytes_downloaded
    for page in PAGES:
        await leaders[0].get(f"/r/{review}/{page}")
    load = LoadRun(time.monotonic() + seconds)
    await asyncio.gather(
        *(load.read(readers[n % len(readers)], review, plays, n, pause) for n in range(20)),
        *(load.decide(leader, review, plays, 100 + n, pause) for n, leader in enumerate(leaders)),
    )
    for client in (*leaders, *readers):
        await client.aclose()
    found = sorted(load.took)
    verified = saveplay("audit", "verify", "--store", desk.store).out
    with sqlite3.connect(desk.store / "saveplay.db") as database:
        logged = database.execute("select count(*) from audit where what = 'chose'").fetchone()[0]
    return {
        "requests": len(found),
        "a second": round(len(found) / seconds, 1),
        "median ms": round(statistics.median(found), 1),
        "95th ms": round(found[int(len(found) * 0.95)], 1),
        "largest ms": round(found[-1], 1),
        "median and 95th ms by page": {
            page: [round(statistics.median(each), 1), round(sorted(each)[int(len(each) * 0.95)], 1)]
            for page, each in sorted(load.by_page.items())
        },
        "errors": load.errors[:5],
        "decisions kept": load.kept,
        "told to read again": load.stale,
        "decisions in the log": logged - before,
        "log": verified.strip(),
        "first page bytes": size,
    }


def main() -> None:
    """Load a served desk from the command line and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=ROOT / "build" / "bench")
    parser.add_argument("--accounts", type=int, default=12_500, help="about 8 in 100 are at risk")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--pause", type=float, default=1.0, help="seconds that a reader looks at a page, on average")
    given = parser.parse_args()
    given.data.mkdir(parents=True, exist_ok=True)
    store = prepare_store(given.data, given.accounts)
    with running_desk(store) as desk:
        found = asyncio.run(run_load(desk, given.seconds, given.pause))
    sys.stdout.write(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
