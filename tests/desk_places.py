"""A Monday at the review desk for tests without a browser: a store that waits for decisions, and the desk over it.

The desk runs in the process of the test, as the ASGI application that ``saveplay serve`` serves. What needs real
processes takes ``tests/desks.py``.
"""

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.desk.door import COOKIE, Session
from app.desk.server import Desk, create_app
from app.desk.settings import DeskSettings
from domain.desk import DeskRole, Member
from tests.desks import LEADER
from tests.e2e.running import DONE, WAITING
from tests.e2e.worlds import SECOND, W48, Place, Shelf, Wishes, wishes

HERE = "http://127.0.0.1:8470"
NAMES: dict[DeskRole, str] = {
    "viewer": "Vera Onlooker", "csm": "Cecil Own", "manager": "Mina Head", "leader": "Marguerite Oyelaran",
}  # fmt: skip


@pytest.fixture(scope="session")
def monday(shelf: Shelf, desk: Path, desk_first: Place) -> Place:
    """The second week of the small team, waiting for decisions. To be read, or copied with `own`."""

    def make(place: Place) -> None:
        own(desk_first, place.folder).review(desk, SECOND, code=WAITING)

    return shelf.place("monday", make)[0]


def own(place: Place, folder: Path) -> Place:
    """A copy whose reviews are written into the copy's folder, the old ones too."""
    copy = place.copied(folder)
    with closing(sqlite3.connect(copy.store / "saveplay.db")) as connection, connection:
        connection.execute("update reviews set request = replace(request, ?, ?)", [str(place.out), str(copy.out)])
    return copy


@dataclass
class Inside:
    """A desk in this process, nobody working behind it: what is decided waits until somebody serves the store."""

    store: Path
    settings: DeskSettings = field(default_factory=DeskSettings)

    @cached_property
    def desk(self) -> Desk:
        """What every request uses."""
        desk = Desk(str(self.store), self.settings)
        desk.runner.stop()  # a page that listens for news hears once and ends
        return desk

    @cached_property
    def app(self) -> Any:
        """The application."""
        return create_app(self.desk)

    def nobody(self) -> TestClient:
        """A browser without a cookie."""
        return TestClient(self.app, HERE, raise_server_exceptions=False, follow_redirects=False)

    def member(self, role: DeskRole, person: str | None = None) -> Member:
        """Somebody with this role."""
        return Member(name=NAMES[role], role=role, person_id=person)

    def session(self, member: Member) -> Session:
        """Somebody signs in."""
        with self.desk.places.one() as place:
            return self.desk.door(place).let_in(member)

    def browser(self, member: Member) -> "Browser":
        """The browser of somebody who has signed in."""
        session = self.session(member)
        client = self.nobody()
        client.cookies.set(COOKIE, session.secret)
        return Browser(client, session)

    def token(self, member: Member, days: int = 1) -> str:
        """A token for a program that acts for somebody."""
        with self.desk.places.one() as place:
            return self.desk.door(place).token(member, "tests", days)

    def program(self, member: Member) -> TestClient:
        """A program that acts for somebody."""
        client = self.nobody()
        client.headers["authorization"] = f"Bearer {self.token(member)}"
        return client

    def audit(self) -> list[dict[str, Any]]:
        """The audit log, oldest first, with the facts beside the rest."""
        with closing(sqlite3.connect(self.store / "saveplay.db")) as connection:
            connection.row_factory = sqlite3.Row
            rows = [dict(row) for row in connection.execute("select * from audit order by seq")]
        return [{**row, **json.loads(row.pop("facts"))} for row in rows]

    def close(self) -> None:
        """Close the stores."""
        self.desk.places.close()


@dataclass(frozen=True)
class Browser:
    """Somebody at the desk."""

    client: TestClient
    session: Session

    def get(self, path: str) -> Any:
        """Open a page."""
        return self.client.get(path)

    def send(self, path: str, given: Mapping[str, Any] | None = None, **changes: Any) -> Any:
        """Send a form of the desk's own, as the browser of the session does."""
        return self.client.post(path, data={"csrf": self.session.csrf, **(given or {})}, **changes)


@dataclass(frozen=True)
class Meant:
    """What a meeting decides."""

    wanted: Wishes
    plays: list[dict[str, Any]]
    """One decision each, as a decisions file and the API have it."""
    others: str
    budget: float
    close: dict[str, Any]


@pytest.fixture(scope="session")
def meant(monday: Place) -> Meant:
    """What the meeting decides at the desk: some of each, every play with the version that was read."""
    review = monday.document(W48)
    wanted = wishes(review)
    versions = {play["account_id"]: play["version"] for play in review["plays"]}
    said = []
    for each in wanted.content["plays"]:
        known = {"version": versions[each["account"]]} if each["account"] in versions else {}
        said.append({**({"reason": "Worth it"} if each["decision"] in ("approve", "edit") else {}), **each, **known})
    return Meant(wanted, said, wanted.content["others"], wanted.content["budget"], wanted.content["close"])


@pytest.fixture(scope="session")
def by_file(shelf: Shelf, monday: Place, meant: Meant) -> Place:
    """The same Monday, decided on the command line with a decisions file, undisturbed."""

    def make(place: Place) -> None:
        own(monday, place.folder)
        file = meant.wanted.file(place.folder / "decisions.yaml", plays=meant.plays, decided_by=LEADER)
        place.run("decide", W48, "--file", file).ended(DONE)

    return shelf.place("monday-by-file", make)[0]
