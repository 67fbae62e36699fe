"""The review desk on a Monday, for tests without a browser: a store with a review that waits for decisions.

The desk runs in the process of the test, as the ASGI application that ``saveplay serve`` serves. Tests that need real
processes use ``tests/served_desk.py``.
"""

import json
import re
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.desk.desk_app import DeskApp
from app.desk.server import create_app
from app.desk.sessions import COOKIE, Session
from app.desk.settings import DeskSettings
from domain.desk import DeskRole, Member
from tests.e2e.commands import DONE, WAITING
from tests.e2e.shared_stores import SECOND_DAY, W48, MeetingWishes, SharedStores, StoreFolder, wishes_for
from tests.read_responses import ReadsResponses
from tests.served_desk import LEADER

DESK_URL = "http://127.0.0.1:8470"
MEMBER_NAMES: dict[DeskRole, str] = {
    "viewer": "Vera Onlooker", "csm": "Cecil Own", "manager": "Mina Head", "leader": "Marguerite Oyelaran",
}  # fmt: skip


@pytest.fixture(scope="session")
def monday_store(shared_stores: SharedStores, team_data: Path, team_first_week: StoreFolder) -> StoreFolder:
    """The second week of the small team, waiting for decisions. Only read it, or copy it with `own_copy`."""

    def make(place: StoreFolder) -> None:
        own_copy(team_first_week, place.folder).review(team_data, SECOND_DAY, code=WAITING)

    return shared_stores.place("monday", make)[0]


def own_copy(place: StoreFolder, folder: Path) -> StoreFolder:
    """A copy of the store; all its reviews, old ones too, are written into the copy's folder."""
    copy = place.copy_to(folder)
    with closing(sqlite3.connect(copy.store / "saveplay.db")) as connection, connection:
        connection.execute("update reviews set request = replace(request, ?, ?)", [str(place.out), str(copy.out)])
    return copy


class DeskClient(ReadsResponses, TestClient):
    """A client of the desk in this process; a test has to read what it gets."""


@dataclass
class InProcessDesk:
    """A desk in this process without a background runner: decisions wait until the store is served."""

    store: Path
    settings: DeskSettings = field(default_factory=DeskSettings)

    @cached_property
    def desk(self) -> DeskApp:
        """State shared by all requests."""
        desk = DeskApp(str(self.store), self.settings)
        desk.runner.stop()  # the stream of events sends one event and ends
        return desk

    @cached_property
    def app(self) -> Any:
        """The ASGI application."""
        return create_app(self.desk)

    def anonymous_client(self) -> DeskClient:
        """A browser without a cookie."""
        return DeskClient(self.app, DESK_URL, raise_server_exceptions=False, follow_redirects=False)

    def member(self, role: DeskRole, person: str | None = None) -> Member:
        """A member with this role."""
        return Member(name=MEMBER_NAMES[role], role=role, person_id=person)

    def session(self, member: Member) -> Session:
        """Start a session for the member."""
        with self.desk.store_pool.borrow() as place:
            return self.desk.sessions(place).start_session(member)

    def browser(self, member: Member) -> "SignedInBrowser":
        """The browser of a member with a session."""
        session = self.session(member)
        client = self.anonymous_client()
        client.cookies.set(COOKIE, session.secret)
        return SignedInBrowser(client, session)

    def token(self, member: Member, days: int = 1) -> str:
        """A token for a program that acts for the member."""
        with self.desk.store_pool.borrow() as place:
            return self.desk.sessions(place).create_token(member, "tests", days)

    def token_client(self, member: Member) -> DeskClient:
        """A client of a program that acts for the member."""
        client = self.anonymous_client()
        client.headers["authorization"] = f"Bearer {self.token(member)}"
        return client

    def audit(self) -> list[dict[str, Any]]:
        """The audit log, oldest first, with the facts decoded."""
        with closing(sqlite3.connect(self.store / "saveplay.db")) as connection:
            connection.row_factory = sqlite3.Row
            rows = [dict(row) for row in connection.execute("select * from audit order by seq")]
        return [{**row, **json.loads(row.pop("facts"))} for row in rows]

    def close(self) -> None:
        """Close the stores."""
        self.desk.store_pool.close()


@dataclass(frozen=True)
class SignedInBrowser:
    """The browser of a member with a session."""

    client: DeskClient
    session: Session

    def get(self, path: str) -> Any:
        """Open a page."""
        return self.client.get(path)

    def send(self, path: str, given: Mapping[str, Any] | None = None, **changes: Any) -> Any:
        """Send a form with the CSRF token of the session. ``changes`` are passed to the client."""
        return self.client.post(path, data={"csrf": self.session.csrf, **(given or {})}, **changes)


def evidence_mark(page: str) -> str:
    """The mark of a page that shows the evidence of an account; empty on any other page."""
    found = re.search(r'name="evidence" value="([^"]+)"', page)
    return found[1] if found else ""


@dataclass(frozen=True)
class MeetingDecisions:
    """The decisions of a meeting."""

    wanted: MeetingWishes
    plays: list[dict[str, Any]]
    """One decision per play, in the form of the decisions file and the API."""
    others: str
    budget: float
    close: dict[str, Any]


@pytest.fixture(scope="session")
def meeting_decisions(monday_store: StoreFolder) -> MeetingDecisions:
    """Decisions of the meeting at the desk: some of each kind, with the version of the play that was read."""
    review = monday_store.document(W48)
    wanted = wishes_for(review)
    versions = {play["account_id"]: play["version"] for play in review["plays"]}
    said = []
    for each in wanted.content["plays"]:
        known = {"version": versions[each["account"]]} if each["account"] in versions else {}
        said.append({**({"reason": "Worth it"} if each["decision"] in ("approve", "edit") else {}), **each, **known})
    return MeetingDecisions(wanted, said, wanted.content["others"], wanted.content["budget"], wanted.content["close"])


@pytest.fixture(scope="session")
def monday_by_file(
    shared_stores: SharedStores, monday_store: StoreFolder, meeting_decisions: MeetingDecisions
) -> StoreFolder:
    """The same Monday, decided on the command line with a decisions file."""

    def make(place: StoreFolder) -> None:
        own_copy(monday_store, place.folder)
        file = meeting_decisions.wanted.file(
            place.folder / "decisions.yaml", plays=meeting_decisions.plays, decided_by=LEADER
        )
        place.run("decide", W48, "--file", file).check_exit(DONE)

    return shared_stores.place("monday-by-file", make)[0]
