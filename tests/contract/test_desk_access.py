"""Access rules of the desk: every address for every role, and requests from other sites.

The table is written by hand. A test fails when an address is only in the desk or only in the table.
"""

# ruff: noqa: F811  (fixtures are imported by name)

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from app.desk.security import MAX_REQUEST_BYTES, SECURITY_HEADERS
from app.desk.sessions import COOKIE
from app.desk.settings import DeskSettings
from domain.desk import DESK_ROLES, DeskRole, Member
from tests.desk_in_process import DESK_URL, MEMBER_NAMES, InProcessDesk, SignedInBrowser, monday_store, own_copy  # noqa: F401  fixtures
from tests.e2e.shared_stores import W47, W48, StoreFolder, read_csv_rows, shared_stores, team_data, team_first_week  # noqa: F401  fixtures

pytestmark = pytest.mark.timeout(400)

OTHERS = "P-12"
"""The CSM that signs in here; Diego Marin in the data."""
WHO = ("nobody", *DESK_ROLES)

# Answer without a session, and to a viewer, a CSM, a manager, a leader:
#   door  a page leads to the sign-in          401  nobody has signed in       403  not for this role
#   200   the page                             303  done, with a redirect to the next page
#   404, 409, 422  allowed, but the content sent below does not exist, is stale, or is not valid
TABLE = """
GET  /                                                door 303 303 303 303
GET  /go                                              door 303 303 303 303
GET  /r/{review_id}/week                              door 200 200 200 200
GET  /r/{review_id}/account                           door 200 200 200 200
GET  /r/{review_id}/play                              door 200 200 200 200
GET  /r/{review_id}/meeting                           door 200 200 200 200
GET  /r/{review_id}/capacity                          door 403 403 200 200
GET  /r/{review_id}/my-week                           door 403 200 200 200
GET  /r/{review_id}/follow-up                         door 200 200 200 200
GET  /r/{review_id}/metrics                           door 200 200 200 200
GET  /r/{review_id}/stand-up                          door 200 200 200 200
GET  /r/{review_id}/renewals                          door 200 200 200 200
GET  /r/{review_id}/renewals.csv                      door 200 200 200 200
GET  /r/{review_id}/renewal_accounts.csv              door 200 200 200 200
GET  /r/{review_id}/data                              door 200 200 200 200
GET  /r/{review_id}/what-if                           door 200 200 200 200
GET  /r/{review_id}/what-if/scoring.yaml              door 200 200 200 200
GET  /r/{review_id}/ask                               door 200 200 200 200
GET  /r/{review_id}/send                              door 403 403 403 200
GET  /audit                                           door 403 403 200 200
GET  /people                                          door 403 403 403 200
GET  /live                                            door 200 200 200 200
POST /r/{review_id}/choices                           401  403 403 403 422
POST /r/{review_id}/undo                              401  403 403 403 409
POST /r/{review_id}/plan                              401  403 403 403 422
POST /r/{review_id}/close                             401  403 403 403 409
POST /r/{review_id}/actions                           401  403 422 422 422
POST /r/{review_id}/override                          401  403 422 422 422
POST /r/{review_id}/notes                             401  403 422 422 422
POST /r/{review_id}/readings                          401  403 422 422 422
POST /r/{review_id}/wrong                             401  403 404 404 404
GET  /r/{review_id}/drafts                            door 403 200 200 200
POST /r/{review_id}/drafts                            401  403 422 422 422
POST /r/{review_id}/drafts/confirm                    401  403 404 404 404
GET  /r/{review_id}/draft-file                        door 403 404 404 404
POST /r/{review_id}/ask                               401  422 422 422 422
POST /r/{review_id}/open-week                         401  403 403 403 422
POST /r/{review_id}/refresh                           401  403 403 422 422
POST /r/{review_id}/again                             401  403 403 403 303
POST /r/{review_id}/send                              401  403 403 403 422
POST /first-run/sample                                401  403 403 403 409
POST /first-run/check                                 401  403 403 403 409
POST /first-run/start                                 401  403 403 403 409
POST /views                                           401  422 422 422 422
POST /people                                          401  403 403 403 422
POST /people/revoke                                   401  403 403 403 422
POST /people/remove                                   401  403 403 403 422
POST /sign-out                                        401  303 303 303 303
GET  /sign-in                                         200  200 200 200 200
GET  /enter                                           200  200 200 200 200
POST /enter                                           403  403 403 403 403
GET  /oidc/start                                      404  404 404 404 404
GET  /oidc/back                                       404  404 404 404 404
GET  /static/{digest}/{name}                          200  200 200 200 200
GET  /api                                             door 200 200 200 200
GET  /api/openapi.json                                200  200 200 200 200
GET  /api/v1/reviews                                  401  200 200 200 200
GET  /api/v1/reviews/{review_id}                      401  200 200 200 200
GET  /api/v1/reviews/{review_id}/accounts             401  200 200 200 200
GET  /api/v1/reviews/{review_id}/choices              401  200 200 200 200
POST /api/v1/reviews/{review_id}/choices              401  403 403 403 409
POST /api/v1/reviews/{review_id}/undo                 401  403 403 403 409
POST /api/v1/reviews/{review_id}/plan                 401  403 403 403 422
POST /api/v1/reviews/{review_id}/close                401  403 403 403 409
POST /api/v1/actions/{action_id:path}                 401  403 404 404 404
POST /api/v1/reviews/{review_id}/overrides/{account:path}  401 403 422 422 422
POST /api/v1/reviews/{review_id}/notes                401  403 422 422 422
POST /api/v1/reviews/{review_id}/readings             401  403 422 422 422
POST /api/v1/reviews/{review_id}/wrong                401  403 404 404 404
GET  /api/v1/audit                                    401  403 403 200 200
"""
ROWS = [(method, path, *cells) for method, path, *cells in (line.split() for line in TABLE.strip().splitlines())]
SENT: dict[str, dict[str, Any]] = {
    "/r/{review_id}/choices": {"seen": "0", "decision": "approve"},
    "/r/{review_id}/plan": {},
    "/enter": {"key": "a link that was never made"},
    "/r/{review_id}/actions": {"action": "{mine}", "state": "forgotten"},
    "/r/{review_id}/undo": {"account": "{my_account}", "seen": "3"},
    "/r/{review_id}/override": {"account": "{my_account}", "band": "purple", "until": "2026-12-31"},
    "/r/{review_id}/drafts": {"account": "{my_account}", "kind": "a poem"},
    "/r/{review_id}/drafts/confirm": {"account": "{my_account}", "kind": "talk_track", "text": "Hello", "seen": "0"},
    "/r/{review_id}/readings": {"account": "{my_account}", "text": "text:0", "kind": "a guess"},
    "/r/{review_id}/wrong": {"account": "{my_account}", "statement": "quote:0"},
    "/r/{review_id}/open-week": {"as_of": "2020-01-06"},
    "/r/{review_id}/refresh": {"day": "2020-01-06"},
    "/people": {"name": "Somebody", "role": "owner"},
    "/people/revoke": {"number": "00000000"},
    "/people/remove": {"number": "00000000", "kind": "session"},
    "/r/{review_id}/again": {"next": "/"},
    "/api/v1/reviews/{review_id}/choices": {
        "decision": {"account": "{my_account}", "decision": "approve", "version": "0" * 12}
    },
    "/api/v1/reviews/{review_id}/undo": {"account": "{my_account}", "seen": 3},
    "/api/v1/reviews/{review_id}/plan": {"others": "perhaps"},
    "/api/v1/reviews/{review_id}/close": {},
    "/api/v1/actions/{action_id:path}": {"state": "done", "on": "2026-11-20"},
    "/api/v1/reviews/{review_id}/overrides/{account:path}": {"band": "purple", "reason": "so", "until": "2999-01-01"},
    "/api/v1/reviews/{review_id}/notes": {"text": " "},
    "/api/v1/reviews/{review_id}/readings": {"account": "{my_account}", "text": "text:0", "kind": "a guess"},
    "/api/v1/reviews/{review_id}/wrong": {"account": "{my_account}", "statement": "quote:0"},
}
"""Content of the requests. It is not valid, so that an allowed request is refused without changing anything."""


@dataclass(frozen=True)
class Known:
    """Known ids in the store of these tests."""

    mine: str
    """An action of the CSM who signs in here."""
    others: str
    """An action of another CSM."""
    my_account: str
    """An account with a play of the CSM who signs in here."""
    others_account: str

    def filled(self, text: str) -> str:
        """An address or a text with its placeholders filled in."""
        stands = {
            "{review_id}": W48, "{mine}": self.mine, "{my_account}": self.my_account, "{account:path}": self.my_account,
            "{action_id:path}": "no.such.action", "{digest}": "0", "{name}": "desk.js",
        }  # fmt: skip
        for name, value in stands.items():
            text = text.replace(name, value)
        return text


@pytest.fixture(scope="module")
def known(monday_store: StoreFolder, team_data: Path) -> Known:
    actions = [json.loads(body) for _, _, body in monday_store.actions()]
    review = monday_store.document(W48)
    header, rows = read_csv_rows(team_data / "accounts.csv")
    owner = {row[header.index("account_id")]: row[header.index("csm_id")] for row in rows}
    with_play = [play["account_id"] for play in review["plays"]]
    return Known(
        mine=next(each["id"] for each in actions if each["owner_id"] == OTHERS),
        others=next(each["id"] for each in actions if each["owner_id"] not in (OTHERS, None)),
        my_account=next(account for account in with_play if owner[account] == OTHERS),
        others_account=next(account for account in with_play if owner[account] not in (OTHERS, "")),
    )


@pytest.fixture(scope="module")
def inside(monday_store: StoreFolder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcessDesk]:
    """A desk on a Monday, shared by tests that do not depend on each other's changes."""
    place = own_copy(monday_store, tmp_path_factory.mktemp("access") / "place")
    inside = InProcessDesk(place.store, DeskSettings(tries_a_minute=1000))
    yield inside
    inside.close()


def somebody(inside: InProcessDesk, who: str) -> Member:
    role: DeskRole = who  # type: ignore[assignment]
    return inside.member(role, OTHERS if role == "csm" else None)


def routes(routers: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Method and path of every route of the application."""
    for route in routers:
        if hasattr(route, "original_router"):
            yield from routes(route.original_router.routes)
        else:
            assert isinstance(route, APIRoute) or route.path == "/api/openapi.json", route
            yield from ((method, route.path) for method in route.methods - {"HEAD"})


# every address for every role ----------------------------------------------------------------------------------------


def test_the_table_has_every_address_of_the_desk_and_no_other(inside: InProcessDesk) -> None:
    real, ours = sorted(set(routes(inside.app.routes))), sorted((method, path) for method, path, *_ in ROWS)
    assert ours == real
    assert len(ours) == len(set(ours))


@pytest.mark.parametrize("who", WHO)
def test_each_role_gets_exactly_where_the_table_says(inside: InProcessDesk, known: Known, who: str) -> None:
    differs = []
    for method, path, *cells in ROWS:
        expected = cells[WHO.index(who)]
        answer = asked(inside, known, who, method, path)
        status = str(answer.status_code)
        if status == "303" and answer.headers["location"] == "/sign-in" and path != "/sign-out":
            status = "door"
        if status != expected:
            differs.append(f"{method} {path}: {status} instead of {expected}: {answer.text[-300:]}")
    assert not differs, "\n".join(differs)


def asked(inside: InProcessDesk, known: Known, who: str, method: str, path: str) -> Any:
    """Send one request with the role, by form or by token depending on the address."""
    at, given = known.filled(path), {k: _filled(known, v) for k, v in SENT.get(path, {}).items()}
    if method == "GET" and path.endswith(("/account", "/play", "/drafts", "/draft-file")):
        at += f"?account={known.my_account}"
    at += f"?review={W48}" if path == "/go" else ""
    if path.startswith("/api/v1/"):
        client = inside.anonymous_client() if who == "nobody" else inside.token_client(somebody(inside, who))
        return client.get(at) if method == "GET" else client.post(at, json=given)
    if who == "nobody":
        client = inside.anonymous_client()
        return client.get(at) if method == "GET" else client.post(at, data={"csrf": "", **given})
    browser = inside.browser(somebody(inside, who))
    return browser.get(at) if method == "GET" else browser.send(at, given)


def _filled(known: Known, value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _filled(known, each) for key, each in value.items()}
    return known.filled(value) if isinstance(value, str) else value


def test_nothing_that_was_refused_has_left_a_trace_but_in_the_log(inside: InProcessDesk, known: Known) -> None:
    before = contents(inside)
    for who in ("nobody", "viewer"):
        for method, path, *_ in ROWS:
            if method == "POST" and path != "/sign-out":
                assert asked(inside, known, who, method, path).status_code in (303, 401, 403, 422), path
    assert contents(inside) == before


def contents(inside: InProcessDesk) -> dict[str, Any]:
    tables = ("reviews", "decisions", "actions", "progress", "overrides", "choices", "notes", "views", "answers")
    with inside.desk.store_pool.borrow() as place:
        return {table: place.store.database.rows(f"select * from {table}", {}) for table in tables}


# what is one's own ---------------------------------------------------------------------------------------------------


@pytest.fixture
def fresh(monday_store: StoreFolder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcessDesk]:
    """A new desk for one test."""
    inside = InProcessDesk(own_copy(monday_store, tmp_path_factory.mktemp("fresh") / "place").store)
    yield inside
    inside.close()


@pytest.mark.parametrize("way", ["desk", "API"])
def test_a_csm_marks_their_own_actions_and_nobody_elses(fresh: InProcessDesk, known: Known, way: str) -> None:
    assert mark(fresh, fresh.member("csm", OTHERS), known.mine, way) in (200, 303)
    assert mark(fresh, fresh.member("csm", OTHERS), known.others, way) == 403
    assert mark(fresh, fresh.member("csm"), known.mine, way) == 403, "a CSM who is nobody of ours owns nothing"
    assert mark(fresh, fresh.member("manager"), known.others, way) in (200, 303)
    with fresh.desk.store_pool.borrow() as place:
        assert set(place.store.progress()) == {known.mine, known.others}


def mark(inside: InProcessDesk, member: Member, action: str, way: str) -> int:
    if way == "desk":
        sent = {"action": action, "state": "done", "on": "2026-11-20"}
        return int(inside.browser(member).send(f"/r/{W48}/actions", sent).status_code)
    answer = inside.token_client(member).post(f"/api/v1/actions/{action}", json={"state": "done", "on": "2026-11-20"})
    return int(answer.status_code)


@pytest.mark.parametrize("way", ["desk", "API"])
def test_a_csm_overrides_and_writes_about_their_own_accounts_only(fresh: InProcessDesk, known: Known, way: str) -> None:
    csm, manager = fresh.member("csm", OTHERS), fresh.member("manager")
    assert written(fresh, csm, known.my_account, way) == {200 if way == "API" else 303}
    assert written(fresh, csm, known.others_account, way) == {403}
    assert written(fresh, fresh.member("csm"), known.my_account, way) == {403}
    assert written(fresh, manager, known.others_account, way) == {200 if way == "API" else 303}
    with fresh.desk.store_pool.borrow() as place:
        rows = place.store.database.rows("select distinct account_id, who from notes", {})
    assert {(row["account_id"], row["who"]) for row in rows} == {
        (known.my_account, MEMBER_NAMES["csm"]), (known.others_account, MEMBER_NAMES["manager"]),
    }  # fmt: skip


def written(inside: InProcessDesk, member: Member, account: str, way: str) -> set[int]:
    """An override and a note about an account."""
    said = {"band": "yellow", "reason": "They told me", "until": (date.today() + timedelta(days=30)).isoformat()}
    if way == "desk":
        browser = inside.browser(member)
        answers = [
            browser.send(f"/r/{W48}/override", {"account": account, **said}),
            browser.send(f"/r/{W48}/notes", {"account": account, "text": "They told me"}),
        ]
    else:
        program, api = inside.token_client(member), f"/api/v1/reviews/{W48}"
        answers = [
            program.post(f"{api}/overrides/{account}", json=said),
            program.post(f"{api}/notes", json={"account": account, "text": "They told me"}),
        ]
    return {int(answer.status_code) for answer in answers}


def test_a_small_team_opens_its_next_review_two_weeks_later(fresh: InProcessDesk) -> None:
    answer = fresh.browser(fresh.member("leader")).send(f"/r/{W48}/open-week")
    assert (answer.status_code, list(fresh.desk.runner.progress)) == (303, ["2026-W50"])


def test_a_viewer_may_ask_and_not_propose(fresh: InProcessDesk, known: Known) -> None:
    question = {"question": f"build a save play for {known.my_account}", "propose": "1"}
    assert fresh.browser(fresh.member("viewer")).send(f"/r/{W48}/ask", question).status_code == 403


@pytest.mark.parametrize("as_of", ["2026-11-24", "2026-11-29"])
def test_a_week_that_was_begun_is_not_begun_again_at_the_desk(fresh: InProcessDesk, as_of: str) -> None:
    """A second start in the same week would lose the decisions already made."""
    leader = fresh.browser(fresh.member("leader"))
    assert leader.send(f"/r/{W48}/open-week", {"as_of": as_of}).status_code == 409
    before = leader.send(f"/r/{W47}/open-week", {"as_of": "2026-11-23"})
    assert before.status_code == 409, "from the page of a week before"
    assert fresh.desk.runner.progress == {}
    answer = leader.send(f"/r/{W48}/open-week", {"as_of": "2026-11-30"})
    assert (answer.status_code, list(fresh.desk.runner.progress)) == (303, ["2026-W49"])


def test_what_the_page_of_a_choice_had_read_is_a_number(fresh: InProcessDesk, known: Known) -> None:
    leader = fresh.browser(fresh.member("leader"))
    for seen in ("", "-1", "x", "9" * 5000):
        given = {"account": known.my_account, "decision": "approve", "seen": seen}
        assert leader.send(f"/r/{W48}/choices", given).status_code == 422


# what is said about people of ours -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def personal(monday_store: StoreFolder) -> dict[str, list[str]]:
    """Texts of the two reviews that only managers may read, by kind."""
    found: dict[str, list[str]] = {}
    for review_id in (W47, W48):
        review = monday_store.document(review_id)
        notes = [line["note"] for line in review["capacity"] if line["note"]]
        reasons = [handover["reason"] for handover in review["handovers"]]
        about = [p["message"] for p in review["patterns"] if p["kind"] in ("csm", "person", "owner")]
        found[review_id] = [*notes, *reasons, *about]
    return found


READ = [path for method, path, *cells in ROWS if method == "GET" and cells[WHO.index("viewer")] == "200"]
ONCE = ("/live", "/static/{digest}/{name}", "/api/openapi.json")


def plain(text: str) -> str:
    """The visible text of a page."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", text)).split())


def everything(inside: InProcessDesk, known: Known, who: str, review_id: str) -> dict[str, str]:
    """Text of every page and answer of a review that the role can read, by path."""
    browser, program = inside.browser(somebody(inside, who)), inside.token_client(somebody(inside, who))
    found = {}
    for path in READ:
        if path in ONCE:
            continue
        at = known.filled(path.replace("{review_id}", review_id))
        queries = [""]
        if path in ("/r/{review_id}/account", "/r/{review_id}/play", "/r/{review_id}/meeting"):
            queries = [f"?account={account}" for account in (known.my_account, known.others_account)]
        elif path.endswith("/follow-up"):
            queries = ["", "?person=", "?person=P-13", f"?person={OTHERS}"]
        for query in queries:
            answer = (program if path.startswith("/api/") else browser).get(at + query)
            assert answer.status_code == 200, (at + query, answer.status_code)
            found[at + query] = plain(answer.text)
    for question in ("who is overloaded?", "who has time?", "how busy is Sadia Karim?", "what is late?"):
        answer = browser.send(f"/r/{review_id}/ask", {"question": question})
        assert answer.status_code == 200
        found[question] = plain(answer.text)
    for path in (f"/r/{review_id}/capacity", "/audit"):
        found[path] = plain(browser.get(path).text)
    found["/api/v1/audit"] = program.get("/api/v1/audit").text
    return found


LOAD_IN_WORDS = (
    r"[\d.,]+ hours more asked than free",
    r"(?<!who )is overloaded|are overloaded",
    r"most time free",
    r"hours_free\":\s*[\d.-]+,\"hours_asked",
    r"weekly_hours\"\s*:",
    r"receiver_(?:accounts|red|hours)_after",
    r"who would then have",
    r"by person, as they stood",
    r"Hours of the coming 14 days",
)
"""Wording of hours, handovers and follow-up by person on pages and in answers."""


@pytest.fixture(scope="module")
def managers(inside: InProcessDesk, known: Known) -> dict[str, str]:
    """Text of every page and answer that a manager can read."""
    return everything(inside, known, "manager", W48)


def test_a_manager_reads_hours_handovers_and_follow_up_by_person(managers: dict[str, str]) -> None:
    """Control for the next test: these texts exist on a manager's pages."""
    all_of_it = "\n".join(managers.values())
    missing = [words for words in LOAD_IN_WORDS if not re.search(words, all_of_it)]
    absent = {r"receiver_(?:accounts|red|hours)_after", "who would then have", r"(?<!who )is overloaded|are overloaded"}
    assert set(missing) <= absent, "the sample has none: no play goes beyond the hours"
    assert "Hours of the coming 14 days" in managers[f"/r/{W48}/capacity"]
    assert "by person, as they stood" in managers[f"/r/{W48}/follow-up"]


@pytest.mark.long
@pytest.mark.parametrize("who", ["viewer", "csm"])
def test_nobody_below_a_manager_reads_a_figure_about_a_person_of_ours(
    inside: InProcessDesk, known: Known, personal: dict[str, list[str]], managers: dict[str, str], who: str
) -> None:
    found = everything(inside, known, who, W48)
    told = "\n".join(managers.values())
    assert any(sentence in told for sentence in personal[W48])
    for at, text in found.items():
        for sentence in personal[W48]:
            assert sentence not in text, (at, sentence)
        for words in LOAD_IN_WORDS:
            seen = re.search(words, text)
            assert seen is None, (at, text[max(seen.start() - 80, 0) : seen.end() + 80])


@pytest.mark.parametrize("who", ["viewer", "csm"])
@pytest.mark.parametrize("review_id", [W47, W48])
def test_the_review_for_programs_is_without_people_of_ours_below_a_manager(
    inside: InProcessDesk, monday_store: StoreFolder, who: str, review_id: str
) -> None:
    at = f"/api/v1/reviews/{review_id}"
    found = inside.token_client(somebody(inside, who)).get(at).json()
    whole = inside.token_client(inside.member("manager")).get(at).json()
    assert (found["capacity"], found["handovers"], found["followup"]["by_person"]) == ([], [], [])
    assert whole["capacity"]
    assert whole["capacity"] == monday_store.document(review_id)["capacity"]
    assert all(not waiting["breaks"] for waiting in found["needs"]["waiting"]), "whose hours a play would break"
    spared = ("capacity", "handovers", "patterns", "followup", "needs")
    assert {k: v for k, v in found.items() if k not in spared} == {k: v for k, v in whole.items() if k not in spared}


# keys ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header",
    [
        None, "Bearer", "Bearer ", "Bearer of-nothing", "bearer \u00e4\u00f6\u00fc", "Basic dXNlcjpwYXNz", "{token}",
        "Basic {token}", "Bearer {cookie}", "Bearer {link}", "Bearer {token}x",
    ],
)  # fmt: skip
def test_a_program_without_a_good_token_is_told_401(inside: InProcessDesk, header: str | None) -> None:
    leader = inside.member("leader")
    with inside.desk.store_pool.borrow() as place:
        link = inside.desk.sessions(place).create_link(leader, "tests")
    session, client = inside.session(leader), inside.anonymous_client()
    client.cookies.set(COOKIE, session.secret)
    if header is not None:
        known = {"{token}": inside.token(leader), "{cookie}": session.secret, "{link}": link}
        for name, secret in known.items():
            header = header.replace(name, secret)
    given = {"authorization": header.encode("latin-1")} if header is not None else {}
    answer = client.get("/api/v1/reviews", headers=given)
    assert (answer.status_code, answer.json()["error"]) == (401, "not_signed_in")
    assert client.post(f"/api/v1/reviews/{W48}/plan", headers=given, json={}).status_code == 401


def test_a_token_works_until_a_leader_ends_it(inside: InProcessDesk) -> None:
    program, leader = inside.token_client(Member(name="Robot", role="viewer")), inside.browser(inside.member("leader"))
    assert program.get("/api/v1/reviews").status_code == 200
    with inside.desk.store_pool.borrow() as place:
        from tools.store.desk_store import DeskStore

        [number] = [row["number"] for row in DeskStore(place.store).tokens() if row["name"] == "Robot"]
    assert leader.send("/people/revoke", {"number": number}).status_code == 303
    assert program.get("/api/v1/reviews").status_code == 401
    assert leader.send("/people/revoke", {"number": number}).status_code == 422


def test_a_token_is_worth_nothing_after_its_last_day(fresh: InProcessDesk) -> None:
    program = fresh.token_client(fresh.member("leader"))
    assert program.get("/api/v1/reviews").status_code == 200
    fresh.desk.clock = lambda: "2999-01-01T00:00:00.000+00:00"
    assert program.get("/api/v1/reviews").status_code == 401


def test_a_session_ends_by_itself_after_a_day_of_work(fresh: InProcessDesk) -> None:
    browser = fresh.browser(fresh.member("leader"))
    assert browser.get(f"/r/{W48}/week").status_code == 200
    fresh.desk.clock = lambda: "2999-01-01T00:00:00.000+00:00"
    assert browser.get(f"/r/{W48}/week").headers["location"] == "/sign-in"


def test_a_token_opens_no_page_and_a_cookie_no_answer_for_programs(inside: InProcessDesk) -> None:
    leader = inside.member("leader")
    assert inside.token_client(leader).get(f"/r/{W48}/week").headers["location"] == "/sign-in"
    assert inside.browser(leader).get("/api/v1/reviews").status_code == 401


def test_a_one_time_link_opens_once_and_looking_at_it_does_not_use_it_up(fresh: InProcessDesk) -> None:
    with fresh.desk.store_pool.borrow() as place:
        key = fresh.desk.sessions(place).create_link(fresh.member("leader"), "tests")
    for _ in range(3):
        assert fresh.anonymous_client().get(f"/enter?key={key}").status_code == 200
    first, second = fresh.anonymous_client(), fresh.anonymous_client()
    assert first.post("/enter", data={"key": key}).status_code == 303
    assert first.get(f"/r/{W48}/week").status_code == 200
    answer = second.post("/enter", data={"key": key})
    assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)
    assert second.get(f"/r/{W48}/week").headers["location"] == "/sign-in"


def test_a_link_that_waited_too_long_opens_nothing(fresh: InProcessDesk) -> None:
    with fresh.desk.store_pool.borrow() as place:
        key = fresh.desk.sessions(place).create_link(fresh.member("leader"), "tests")
    fresh.desk.clock = lambda: "2999-01-01T00:00:00.000+00:00"
    assert fresh.anonymous_client().post("/enter", data={"key": key}).status_code == 403


def test_a_token_or_a_cookie_offered_as_a_link_opens_nothing_and_stays_good(fresh: InProcessDesk) -> None:
    leader = fresh.member("leader")
    token, browser = fresh.token(leader), fresh.browser(leader)
    for secret in (token, browser.session.secret):
        assert fresh.anonymous_client().post("/enter", data={"key": secret}).status_code == 403
    assert browser.get(f"/r/{W48}/week").status_code == 200
    answer = fresh.anonymous_client().get("/api/v1/reviews", headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == 200


def test_signing_out_ends_every_copy_of_the_cookie_and_no_other_session(fresh: InProcessDesk) -> None:
    leader = fresh.member("leader")
    browser, elsewhere = fresh.browser(leader), fresh.browser(leader)
    copy = SignedInBrowser(fresh.anonymous_client(), browser.session)
    copy.client.cookies.set(COOKIE, browser.session.secret)
    assert browser.send("/sign-out").status_code == 303
    for each in (browser, copy):
        assert each.get(f"/r/{W48}/week").headers["location"] == "/sign-in"
        assert each.send("/views", {"name": "mine"}).status_code == 401
    assert elsewhere.get(f"/r/{W48}/week").status_code == 200


def test_too_many_attempts_to_come_in_have_to_wait(
    monday_store: StoreFolder, tmp_path_factory: pytest.TempPathFactory
) -> None:
    place = own_copy(monday_store, tmp_path_factory.mktemp("tries") / "place")
    inside = InProcessDesk(place.store, DeskSettings(tries_a_minute=3))
    seconds = [0.0]
    inside.desk.sign_in_attempts._seconds = lambda: seconds[0]
    with inside.desk.store_pool.borrow() as opened:
        key = inside.desk.sessions(opened).create_link(inside.member("leader"), "tests")
    tries = [inside.anonymous_client().post("/enter", data={"key": "guessed"}).status_code for _ in range(4)]
    assert tries == [403, 403, 403, 429]
    assert inside.anonymous_client().post("/enter", data={"key": key}).status_code == 429, "not even with the right one"
    seconds[0] = 61.0
    assert inside.anonymous_client().post("/enter", data={"key": key}).status_code == 303
    inside.close()


def test_the_cookie_is_for_this_site_only_and_out_of_reach_of_scripts(fresh: InProcessDesk) -> None:
    flags = cookie_of(fresh)
    assert {"httponly", "samesite=strict", "path=/"} <= flags
    assert "secure" not in flags
    assert not any(flag.startswith("domain=") for flag in flags)


def test_a_desk_that_is_reached_by_https_sends_its_cookie_nowhere_else(
    monday_store: StoreFolder, tmp_path_factory: pytest.TempPathFactory
) -> None:
    place = own_copy(monday_store, tmp_path_factory.mktemp("https") / "place")
    inside = InProcessDesk(place.store, DeskSettings(address="https://desk.example.com"))
    assert {"httponly", "samesite=strict", "secure"} <= cookie_of(inside, {"host": "desk.example.com"})
    inside.close()


def cookie_of(inside: InProcessDesk, headers: dict[str, str] | None = None) -> set[str]:
    with inside.desk.store_pool.borrow() as place:
        key = inside.desk.sessions(place).create_link(inside.member("leader"), "tests")
    answer = inside.anonymous_client().post("/enter", data={"key": key}, headers=headers or {})
    name, *flags = [part.strip() for part in answer.headers["set-cookie"].split(";")]
    assert name.startswith(f"{COOKIE}=")
    return {flag.lower() for flag in flags}


def test_nothing_that_opens_the_door_is_kept_as_it_is(inside: InProcessDesk) -> None:
    leader = inside.member("leader")
    with inside.desk.store_pool.borrow() as place:
        secrets = [
            inside.session(leader).secret,
            inside.token(leader),
            inside.desk.sessions(place).create_link(leader, "tests"),
        ]
        rows = place.store.database.rows("select * from keys", {})
        assert not [secret for secret in secrets if secret in str(rows)]
        assert not [secret for secret in secrets if secret in str(place.store.audit_lines(1000))]


# what comes from elsewhere -------------------------------------------------------------------------------------------

FORMS = [path for method, path, *cells in ROWS if method == "POST" and cells[0] == "401" and "/api/" not in path]


@pytest.mark.parametrize("path", [path for path in FORMS if path != "/sign-out"])
def test_a_form_without_the_sessions_own_mark_is_refused(inside: InProcessDesk, known: Known, path: str) -> None:
    leader, other = inside.browser(inside.member("leader")), inside.browser(inside.member("leader"))
    given = {k: _filled(known, v) for k, v in SENT.get(path, {}).items()}
    marks = ({}, {"csrf": ""}, {"csrf": "\u00e4"}, {"csrf": other.session.csrf}, {"csrf": leader.session.csrf + "x"})
    answers = [leader.client.post(known.filled(path), data={**given, **mark}) for mark in marks]
    assert [answer.status_code for answer in answers] == [403] * 5


FOREIGN: tuple[dict[str, str], ...] = (
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {"origin": "http://127.0.0.1:9999"},
    {"origin": "http://127.0.0.1:8470.evil.example"},
    {"origin": "https://evil.example", "sec-fetch-site": "none"},
    {"origin": "https://evil.example", "authorization": "Basic dXNlcjpwYXNz"},
)


@pytest.mark.parametrize("headers", FOREIGN)
def test_what_another_site_makes_a_browser_send_is_refused(inside: InProcessDesk, headers: dict[str, str]) -> None:
    leader = inside.browser(inside.member("leader"))
    answer = leader.send("/views", {"name": "mine"}, headers=headers)
    assert (answer.status_code, answer.text) == (403, "this came from another site and was refused\n")
    assert inside.anonymous_client().post("/enter", data={"key": "x"}, headers=headers).text == answer.text


@pytest.mark.parametrize("headers", [{"origin": DESK_URL}, {"origin": DESK_URL, "sec-fetch-site": "same-origin"}, {}])
def test_what_the_desks_own_pages_send_is_taken(inside: InProcessDesk, headers: dict[str, str]) -> None:
    leader = inside.browser(inside.member("leader"))
    assert leader.send("/views", {"name": "mine", "query": "show=all"}, headers=headers).status_code == 303


def test_a_link_from_another_site_may_be_followed_to_a_page(inside: InProcessDesk) -> None:
    client = inside.anonymous_client()
    assert client.get("/sign-in", headers={"sec-fetch-site": "cross-site"}).status_code == 200


HOSTS = ("evil.example", "evil.example:8470", "127.0.0.1.evil.example", "localhost.evil.example:80", "", "0.0.0.0:8470")


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("path", ["/sign-in", "/static/0/desk.js", "/api/v1/reviews", f"/r/{W48}/week"])
def test_a_desk_that_is_asked_under_a_foreign_name_does_not_answer(inside: InProcessDesk, host: str, path: str) -> None:
    answer = inside.browser(inside.member("leader")).client.get(path, headers={"host": host})
    assert answer.status_code == 421
    assert "set address in configs/desk.yaml" in answer.text


def test_a_desk_answers_under_the_name_that_is_set(
    monday_store: StoreFolder, tmp_path_factory: pytest.TempPathFactory
) -> None:
    place = own_copy(monday_store, tmp_path_factory.mktemp("named") / "place")
    inside = InProcessDesk(place.store, DeskSettings(address="https://Desk.Example.com"))
    hosts = ("desk.example.com", "desk.example.com:443", "localhost:8470", "[::1]:8470", "[::1]")
    for host in hosts:
        assert inside.anonymous_client().get("/sign-in", headers={"host": host}).status_code == 200, host
    assert inside.anonymous_client().get("/sign-in", headers={"host": "example.com"}).status_code == 421
    inside.close()


LARGE = b"x" * (MAX_REQUEST_BYTES + 1)


def in_pieces() -> Iterator[bytes]:
    for at in range(0, len(LARGE), 100_000):
        yield LARGE[at : at + 100_000]


@pytest.mark.parametrize("pieces", [False, True], ids=["said beforehand", "found while reading"])
@pytest.mark.parametrize("path", ["/enter", "/views", f"/api/v1/reviews/{W48}/notes"])
def test_a_request_of_more_than_a_megabyte_is_refused(inside: InProcessDesk, path: str, pieces: bool) -> None:
    client = inside.browser(inside.member("leader")).client
    headers = {"content-type": "application/x-www-form-urlencoded"}
    if path.startswith("/api/"):
        headers = {
            "content-type": "application/json",
            "authorization": f"Bearer {inside.token(inside.member('leader'))}",
        }
    answer = client.post(path, content=in_pieces() if pieces else LARGE, headers=headers)
    assert answer.status_code == 413


# what is written down, and what every answer carries -----------------------------------------------------------------


def test_every_refusal_of_somebody_who_is_in_is_in_the_log(inside: InProcessDesk, known: Known) -> None:
    for who in DESK_ROLES:
        for method, path, *cells in ROWS:
            if cells[WHO.index(who)] != "403" or path == "/enter":
                continue
            before = len(inside.audit())
            assert asked(inside, known, who, method, path).status_code == 403, path
            refused = [entry for entry in inside.audit()[before:] if entry["what"] == "refused"]
            assert [(entry["who"], entry["path"], entry["way"]) for entry in refused] == [
                (MEMBER_NAMES[who], known.filled(path), "API" if path.startswith("/api/") else "desk")  # type: ignore[index]
            ], path


def test_a_refused_form_an_attempt_on_anothers_action_and_a_bad_link_are_in_the_log(
    fresh: InProcessDesk, known: Known
) -> None:
    csm = fresh.member("csm", OTHERS)
    made_up = {"csrf": "made up", "name": "mine"}
    assert fresh.browser(csm).client.post("/views", data=made_up).status_code == 403
    assert mark(fresh, csm, known.others, "desk") == 403
    assert mark(fresh, csm, known.others, "API") == 403
    assert fresh.anonymous_client().post("/enter", data={"key": "guessed"}).status_code == 403
    refused = [(entry["who"], entry["way"], entry["path"]) for entry in fresh.audit() if entry["what"] == "refused"]
    assert refused == [
        (MEMBER_NAMES["csm"], "desk", "/views"),
        (MEMBER_NAMES["csm"], "desk", f"/r/{W48}/actions"),
        (MEMBER_NAMES["csm"], "API", f"/api/v1/actions/{known.others}"),
        ("somebody", "desk", "/enter"),
    ]
    with fresh.desk.store_pool.borrow() as place:
        assert place.store.verify_audit().is_sound


def test_coming_and_going_and_every_key_that_is_made_are_in_the_log(fresh: InProcessDesk) -> None:
    browser = fresh.browser(fresh.member("leader"))
    robot = {"name": "Robot", "role": "viewer", "kind": "token", "days": "7"}
    assert browser.send("/people", robot).status_code == 200
    assert browser.send("/people", {"name": "New One", "role": "csm", "person": OTHERS}).status_code == 200
    assert browser.send("/sign-out").status_code == 303
    done = [(entry["what"], entry.get("name", "")) for entry in fresh.audit() if entry["who"] == MEMBER_NAMES["leader"]]
    assert done[-4:] == [("signed in", ""), ("made a token", "Robot"), ("made a link", "New One"), ("signed out", "")]


def answers(inside: InProcessDesk, known: Known) -> Iterator[tuple[str, Any]]:
    """One of each kind of answer."""
    leader, nobody = inside.browser(inside.member("leader")), inside.anonymous_client()
    for who in ("nobody", "leader"):
        for method, path, *_ in ROWS:
            yield f"{who} {method} {path}", asked(inside, known, who, method, path)
    yield "unknown page", nobody.get("/nowhere")
    yield "unknown file", nobody.get("/static/0/nowhere.js")
    yield "another file", nobody.get("/static/0/..%2fdesk.py")
    yield "method", nobody.put("/sign-in")
    yield "unknown review", leader.get("/r/2020-W01/week")
    yield "foreign host", nobody.get("/", headers={"host": "evil.example"})
    yield "foreign site", nobody.post("/enter", headers={"origin": "https://evil.example"})
    yield "too large", nobody.post("/enter", content=LARGE)
    yield "too large in pieces", nobody.post("/enter", content=in_pieces())
    yield "malformed", nobody.post("/enter", data={})


def test_every_answer_forbids_scripts_frames_sniffing_and_keeping(inside: InProcessDesk, known: Known) -> None:
    seen = set()
    for name, answer in answers(inside, known):
        seen.add(answer.status_code)
        for header, value in SECURITY_HEADERS.items():
            if header == "cache-control" and "/static/" in name and answer.status_code == 200:
                assert answer.headers[header] == "public, max-age=31536000, immutable", name
            else:
                assert answer.headers.get(header) == value, (name, header)
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert "server" not in answer.headers, name
    assert seen >= {200, 303, 401, 403, 404, 405, 409, 413, 421, 422}


def test_an_answer_about_our_own_fault_says_nothing_of_its_inside(fresh: InProcessDesk) -> None:
    browser, program = fresh.browser(fresh.member("leader")), fresh.token_client(fresh.member("leader"))
    browser.client.fault_is_expected = program.fault_is_expected = True
    with fresh.desk.store_pool.borrow() as place:
        place.store.database.execute("update reviews set request = 'no JSON: choices'", {})
    for answer in (browser.get(f"/r/{W48}/week"), program.get(f"/api/v1/reviews/{W48}/choices")):
        assert answer.status_code == 500
        assert "Traceback" not in answer.text
        assert "choices" not in plain(answer.text)
        assert all(answer.headers.get(header) == value for header, value in SECURITY_HEADERS.items())


def test_a_page_is_never_left_for_another_site(inside: InProcessDesk) -> None:
    leader = inside.browser(inside.member("leader"))
    for to in (
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "javascript:alert(1)",
        "",
    ):
        answer = leader.send("/views", {"name": "mine", "next": to})
        assert (answer.status_code, answer.headers["location"].partition("?")[0]) == (303, "/"), to


def test_two_clients_here_are_two_browsers(inside: InProcessDesk) -> None:
    """Control for the tests above: clients do not share cookies."""
    assert isinstance(inside.anonymous_client(), TestClient)
    inside.browser(inside.member("leader"))
    assert inside.anonymous_client().get("/").headers["location"] == "/sign-in"
