"""Every page and every form of the desk, for every role, on a store with content: the status, and a sentence of the content."""

# ruff: noqa: F811  (fixtures are imported by name)

import re
from collections.abc import Iterator
from datetime import date, timedelta
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from app.timing import Timing
from app.wiring import open_store, run_review
from domain.desk import DESK_ROLES, DeskRole
from tests.contract.test_desk_access import OTHERS, ROWS, SENT, Known, known, plain  # noqa: F401  fixture
from tests.desk_in_process import InProcessDesk, SignedInBrowser, monday_store, own_copy  # noqa: F401  fixtures
from tests.e2e.shared_stores import W47, W48, StoreFolder, shared_stores, team_data, team_first_week  # noqa: F401  fixtures

pytestmark = pytest.mark.timeout(400)
RANK = {role: rank for rank, role in enumerate(DESK_ROLES)}
NOT_FOR = "Not for your role"

PAGES: dict[str, tuple[DeskRole, str]] = {
    "/r/{review_id}/week": ("viewer", "ARR at risk"),
    "/r/{review_id}/account?account={my_account}": ("viewer", "Renewal"),
    "/r/{review_id}/play?account={my_account}": ("viewer", "save play"),
    "/r/{review_id}/meeting": ("viewer", "undecided"),
    "/r/{review_id}/capacity": ("manager", "Hours of the coming"),
    "/r/{review_id}/my-week": ("csm", "week"),
    "/r/{review_id}/follow-up": ("viewer", "This week's actions"),
    "/r/{review_id}/stand-up": ("viewer", "No day was scored"),
    "/r/{review_id}/renewals": ("viewer", "Gross retention"),
    "/r/{review_id}/renewals.csv": ("viewer", "expected_arr"),
    "/r/{review_id}/renewal_accounts.csv": ("viewer", "chance_of_leaving"),
    "/r/{review_id}/week?show=all&renewal=2027-01": ("viewer", "Jan 2027"),
    "/r/{review_id}/metrics": ("viewer", "Metrics"),
    "/r/{review_id}/data": ("viewer", "Sources"),
    "/r/{review_id}/what-if": ("viewer", "At risk from a risk of"),
    "/r/{review_id}/what-if?at_risk_above=40": ("viewer", "At risk from a risk of"),
    "/r/{review_id}/what-if/scoring.yaml?at_risk_above=40": ("viewer", "at_risk_above"),
    "/r/{review_id}/ask": ("viewer", "Your question"),
    "/r/{review_id}/drafts?account={my_account}": ("csm", "Talk track"),
    "/r/{review_id}/send": ("leader", "outbox.yaml"),
    "/audit": ("manager", "each as it was written"),
    "/people": ("leader", "Links that nobody opened yet"),
    "/api": ("viewer", "/api/v1/reviews"),
    "/sign-in": ("viewer", "link"),
    "/enter?key=x": ("viewer", "Come in"),
    "/api/openapi.json": ("viewer", "Idempotency-Key"),
    "/static/0/desk.js": ("viewer", "addEventListener"),
}
"""Role from which each page is shown, and words that it has."""


@pytest.fixture(scope="module")
def inside(monday_store: StoreFolder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcessDesk]:
    inside = InProcessDesk(own_copy(monday_store, tmp_path_factory.mktemp("walk") / "place").store)
    yield inside
    inside.close()


@pytest.fixture
def fresh(monday_store: StoreFolder, tmp_path: Path) -> Iterator[InProcessDesk]:
    inside = InProcessDesk(own_copy(monday_store, tmp_path / "place").store)
    yield inside
    inside.close()


def come_in(inside: InProcessDesk, role: DeskRole) -> SignedInBrowser:
    return inside.browser(inside.member(role, OTHERS if role == "csm" else None))


def read(response: Any, status: int, *words: str) -> str:
    """The visible text of an answer with this status and these words."""
    text = plain(response.text)
    assert response.status_code == status, f"{response.status_code}: {text[-300:]}"
    missing = [each for each in words if each.lower() not in text.lower()]
    assert not missing, f"{missing} not in: {text[:1500]}"
    return text


@pytest.mark.parametrize("role", DESK_ROLES)
@pytest.mark.parametrize("at", PAGES)
def test_each_page_shows_its_content_to_those_it_is_for(
    inside: InProcessDesk, known: Known, role: DeskRole, at: str
) -> None:
    least, words = PAGES[at]
    answer = come_in(inside, role).get(known.filled(at))
    if RANK[role] >= RANK[least]:
        read(answer, 200, words)
    else:
        read(answer, 403, NOT_FOR)


def test_the_walk_leaves_out_no_page_and_no_form() -> None:
    walked = {at.partition("?")[0] for at in PAGES} | {"/", "/go", "/live", "/oidc/start", "/oidc/back"}
    forms = {path for method, path, *_ in ROWS if method == "POST" and "/api/v1/" not in path}
    pages = {path for method, path, *_ in ROWS if method == "GET" and "/api/v1/" not in path}
    needs_a_confirmed_draft = "/r/{review_id}/draft-file"  # test_desk_drafts.py confirms one
    assert pages - walked - {"/static/{digest}/{name}", needs_a_confirmed_draft} == set()
    assert forms == set(FORMS) | {"/enter"}


SOON = (date.today() + timedelta(days=20)).isoformat()
FORMS: dict[str, tuple[DeskRole, dict[str, str], int, str]] = {
    "/r/{review_id}/choices": ("leader", {"account": "{my_account}", "decision": "reject", "reason": "They left", "seen": "0"}, 303, "They left"),
    "/r/{review_id}/undo": ("leader", {"account": "{my_account}", "seen": "1"}, 409, "read what stands now"),
    "/r/{review_id}/plan": ("leader", {"others": "reject"}, 422, "plays not decided"),
    "/r/{review_id}/close": ("leader", {}, 409, "does not wait for its close"),
    "/r/{review_id}/actions": ("csm", {"action": "{mine}", "state": "done", "on": "2026-11-20", "note": "Sent"}, 303, ""),
    "/r/{review_id}/override": ("csm", {"account": "{my_account}", "band": "yellow", "reason": "They called me", "until": SOON}, 303, "They called me"),
    "/r/{review_id}/notes": ("csm", {"account": "{my_account}", "text": "Budget is frozen"}, 303, ""),
    "/r/{review_id}/readings": ("csm", {"account": "{my_account}", "text": "text:0", "kind": "nothing_to_note"}, 404, "has no text"),
    "/r/{review_id}/wrong": ("csm", {"account": "{my_account}", "statement": "quote:0"}, 404, "has no statement"),
    "/r/{review_id}/drafts": ("csm", {"account": "{my_account}", "kind": "talk_track"}, 303, "Talk track"),
    "/r/{review_id}/drafts/confirm": ("csm", {"account": "{my_account}", "kind": "talk_track", "text": "Hello", "seen": "0"}, 404, "draft"),
    "/r/{review_id}/send": ("leader", {"plan": "old"}, 422, ""),
    "/r/{review_id}/ask": ("viewer", {"question": "why is {my_account} at risk?"}, 200, "Answered by"),
    "/r/{review_id}/open-week": ("leader", {}, 303, ""),
    "/r/{review_id}/refresh": ("manager", {"day": "2026-11-24"}, 303, "Stand-up"),
    "/r/{review_id}/again": ("leader", {"next": "/"}, 303, ""),
    "/first-run/sample": ("leader", {}, 409, "there is a review in this store by now"),
    "/first-run/check": ("leader", {"data": "/etc"}, 409, "there is a review in this store by now"),
    "/first-run/start": ("leader", {"data": "/etc"}, 409, "there is a review in this store by now"),
    "/views": ("viewer", {"name": "All of them", "query": "show=all", "next": f"/r/{W48}/week"}, 303, "All of them"),
    "/people": ("leader", {"name": "Robot", "role": "viewer", "kind": "token", "days": "9"}, 200, "It is shown once"),
    "/people/revoke": ("leader", {"number": "00000000"}, 422, "there is no such token"),
    "/people/remove": ("leader", {"number": "00000000", "kind": "link"}, 422, "there is no such link"),
    "/sign-out": ("viewer", {}, 303, ""),
}  # fmt: skip
"""Least role, content, status for that role, and words on the page that it leads to."""


@pytest.mark.long
@pytest.mark.parametrize("path", FORMS)
def test_each_form_does_what_it_says_for_those_it_is_for_and_is_refused_to_others(
    fresh: InProcessDesk, known: Known, path: str
) -> None:
    least, content, status, words = FORMS[path]
    for role in DESK_ROLES:
        given = {name: known.filled(value) for name, value in content.items()}
        if path == "/r/{review_id}/choices":
            given["version"] = versions(fresh)[known.my_account]
        if path in ("/r/{review_id}/choices", "/r/{review_id}/override", "/r/{review_id}/notes"):
            given["next"] = f"/r/{W48}/account?account={known.my_account}"
            given["next"] = given["next"].replace("account?", "play?") if path.endswith("/choices") else given["next"]
        browser = come_in(fresh, role)
        answer = browser.send(known.filled(path), given)
        if RANK[role] < RANK[least]:
            read(answer, 403, NOT_FOR)
        elif status == 303:
            assert answer.status_code == 303, plain(answer.text)
            if words:
                read(browser.get(answer.headers["location"]), 200, words)
        else:
            read(answer, status, words)


def versions(inside: InProcessDesk) -> dict[str, str]:
    api = inside.token_client(inside.member("leader")).get(f"/api/v1/reviews/{W48}")
    assert api.status_code == 200
    return {play["account_id"]: play["version"] for play in api.json()["plays"]}


def test_a_meeting_is_walked_from_the_first_choice_to_the_close(fresh: InProcessDesk) -> None:
    """Each page is opened after each step; the steps between are those of the server's runner."""
    leader = come_in(fresh, "leader")
    for account, version in versions(fresh).items():
        said = {"account": account, "version": version, "decision": "reject", "reason": "Too late", "seen": "0"}
        assert leader.send(f"/r/{W48}/choices", said).status_code == 303
    read(leader.send(f"/r/{W48}/plan", {"others": "approve"}), 422, "critical accounts without a play not decided")
    meeting = leader.get(f"/r/{W48}/meeting").text
    for account in re.findall(
        r'account=([^"]+)"', meeting.partition("Critical, without a play")[2].partition("</ol>")[0]
    ):
        given = {"account": unquote(account), "decision": "reject", "reason": "Somebody calls today", "seen": "0"}
        assert leader.send(f"/r/{W48}/choices", given).status_code == 303
    assert leader.send(f"/r/{W48}/plan", {"others": "approve"}).status_code == 303
    for page in ("week", "meeting", "my-week", "follow-up", "capacity"):
        read(leader.get(f"/r/{W48}/{page}"), 200, "being handed out")
    with open_store(str(fresh.store)) as session:
        assert run_review(session, W48, Timing()) == "close"
    meeting = leader.get(f"/r/{W48}/meeting")
    read(meeting, 200, "Waiting for the close")
    owners = {unescape(name): OTHERS for name in re.findall(r'name="(owner:[^"]+)"', meeting.text)}
    assert leader.send(f"/r/{W48}/close", {**owners, "notes": "All heard"}).status_code == 303
    with open_store(str(fresh.store)) as session:
        assert run_review(session, W48, Timing()) is None
    for page in ("week", "meeting", "my-week", "follow-up", "capacity", "metrics", "data", "what-if", "ask"):
        read(leader.get(f"/r/{W48}/{page}"), 200, "Closed")


def test_a_token_for_a_program_is_shown_once_and_works(fresh: InProcessDesk) -> None:
    leader = come_in(fresh, "leader")
    answer = leader.send("/people", {"name": "BI export", "role": "viewer", "kind": "token", "days": "90"})
    read(answer, 200, "For BI export (Viewer). It is shown once")
    [token] = re.findall(r"<code>([^<]+)</code>", answer.text)
    program = fresh.anonymous_client()
    program.headers["authorization"] = f"Bearer {unescape(token)}"
    reviews = program.get("/api/v1/reviews")
    assert (reviews.status_code, [each["review_id"] for each in reviews.json()]) == (200, [W47, W48])
    page = leader.get("/people")
    read(page, 200, "BI export")
    assert token not in page.text


def test_a_link_for_somebody_is_shown_once_and_opens_the_desk(fresh: InProcessDesk) -> None:
    answer = come_in(fresh, "leader").send("/people", {"name": "Sadia Karim", "role": "csm", "person": OTHERS})
    read(answer, 200, "For Sadia Karim (CSM). It is shown once")
    [link] = re.findall(r"<code>([^<]+)</code>", answer.text)
    client = fresh.anonymous_client()
    assert client.post("/enter", data={"key": link.partition("key=")[2]}).status_code == 303
    read(client.get(f"/r/{W48}/week"), 200, "Sadia Karim")


def test_what_is_sent_is_described_for_every_form_of_the_table() -> None:
    assert set(SENT) <= {path for _, path, *_ in ROWS}
