"""Sessions, links and tokens of others: who has one, how they end, and what a person may still do after a change."""

# ruff: noqa: F811  (fixtures are imported by name)

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.desk.sessions import COOKIE, find_member
from app.desk.settings import DeskSettings
from domain.desk import DeskRole, Member
from domain.dossier import Person
from domain.errors import InputError, NotAllowed
from domain.phase_results import IdentifyResult
from tests.contract.test_desk_access import OTHERS, Known, known, plain  # noqa: F401  fixture
from tests.desk_in_process import MEMBER_NAMES, InProcessDesk, SignedInBrowser, monday_store, own_copy  # noqa: F401  fixtures
from tests.e2e.shared_stores import W47, W48, StoreFolder, shared_stores, team_data, team_first_week  # noqa: F401  fixtures
from tools.store.desk_store import credential_number

pytestmark = pytest.mark.timeout(400)
HOME = f"/r/{W48}/week"
API = f"/api/v1/reviews/{W48}"


@pytest.fixture
def fresh(monday_store: StoreFolder, tmp_path: Path) -> Iterator[InProcessDesk]:
    """A new desk for one test."""
    inside = InProcessDesk(own_copy(monday_store, tmp_path / "place").store)
    yield inside
    inside.close()


@pytest.fixture(scope="module")
def inside(monday_store: StoreFolder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcessDesk]:
    """A desk for tests that change nothing."""
    inside = InProcessDesk(own_copy(monday_store, tmp_path_factory.mktemp("people") / "place").store)
    yield inside
    inside.close()


def people(inside: InProcessDesk) -> Mapping[str, Person]:
    with inside.desk.store_pool.borrow() as place:
        found = inside.desk.people_cache.people(place)
    assert found
    return found


@contextmanager
def after_people_changed(inside: InProcessDesk, change: Mapping[str, dict[str, Any] | None]) -> Iterator[InProcessDesk]:
    """The desk after its next review: the people of the data with some changed, or gone (None)."""
    with inside.desk.store_pool.borrow() as place:
        identified = place.store.get(W48, "identified", IdentifyResult)
        kept = {
            person_id: person.model_copy(update=change.get(person_id) or {})
            for person_id, person in identified.people.items()
            if change.get(person_id, {}) is not None
        }
        place.store.save(W48, "identified", identified.model_copy(update={"people": kept}))
    later = InProcessDesk(inside.store, inside.settings)
    try:
        yield later
    finally:
        later.close()


def by_openid(inside: InProcessDesk, name: str) -> SignedInBrowser:
    """The browser of somebody who signed in under this name."""
    with inside.desk.store_pool.borrow() as place:
        member = find_member(name, inside.desk.settings, people(inside))
        session = inside.desk.sessions(place).start_session(member, "OpenID", name)
    return elsewhere(inside, session.secret, SignedInBrowser(inside.anonymous_client(), session))


def elsewhere(inside: InProcessDesk, secret: str, browser: SignedInBrowser) -> SignedInBrowser:
    """The same session at this desk."""
    client = inside.anonymous_client()
    client.cookies.set(COOKIE, secret)
    return SignedInBrowser(client, browser.session)


def program(inside: InProcessDesk, token: str) -> Any:
    client = inside.anonymous_client()
    client.headers["authorization"] = f"Bearer {token}"
    return client


def is_in(browser: SignedInBrowser) -> bool:
    answer = browser.get(HOME)
    assert answer.status_code in (200, 303)
    return bool(answer.status_code == 200)


# what a leader sees and ends -----------------------------------------------------------------------------------------


def test_a_leader_sees_who_is_in_since_when_and_by_which_way(fresh: InProcessDesk) -> None:
    email = people(fresh)[OTHERS].email
    assert email
    csm, leader = by_openid(fresh, email), fresh.browser(fresh.member("leader"))
    assert is_in(csm)
    with fresh.desk.store_pool.borrow() as place:
        fresh.desk.sessions(place).create_link(Member(name="New One", role="viewer"), "Marguerite Oyelaran")
    page = leader.get("/people")
    assert page.status_code == 200
    sessions, links = plain(page.text).partition("Links that nobody opened yet")[::2]
    today = fresh.desk.clock()[:10]
    assert re.search(rf"{csm.session.member.name} CSM OpenID {today} [\d:]+ {today} [\d:]+ ", sessions), sessions
    assert re.search(rf"{MEMBER_NAMES['leader']} this browser leader link {today} ", sessions), sessions
    assert re.search(rf"New One viewer Marguerite Oyelaran {today} ", links), links


@pytest.mark.parametrize("role", ["viewer", "csm", "manager"])
def test_nobody_but_a_leader_ends_what_others_have(fresh: InProcessDesk, role: DeskRole) -> None:
    other = fresh.browser(fresh.member("leader"))
    number = credential_number(other.session.secret)
    for path in ("/people/revoke", "/people/remove"):
        answer = fresh.browser(fresh.member(role)).send(path, {"kind": "session", "number": number})
        assert answer.status_code == 403
    assert is_in(other)


def test_a_leader_ends_one_session_and_the_same_persons_other_one_goes_on(fresh: InProcessDesk) -> None:
    leader = fresh.browser(fresh.member("leader"))
    first, second = fresh.browser(fresh.member("csm", OTHERS)), fresh.browser(fresh.member("csm", OTHERS))
    number = credential_number(first.session.secret)
    assert leader.send("/people/revoke", {"kind": "session", "number": number}).status_code == 303
    assert (is_in(first), is_in(second), is_in(leader)) == (False, True, True)
    line = fresh.audit()[-1]
    assert (line["what"], line["who"], line["name"]) == ("ended a session", MEMBER_NAMES["leader"], MEMBER_NAMES["csm"])
    again = leader.send("/people/revoke", {"kind": "session", "number": number})
    assert (again.status_code, "there is no such session" in again.text) == (422, True)


def test_a_link_that_a_leader_ended_opens_nothing(fresh: InProcessDesk) -> None:
    leader = fresh.browser(fresh.member("leader"))
    with fresh.desk.store_pool.borrow() as place:
        key = fresh.desk.sessions(place).create_link(Member(name="New One", role="viewer"), "tests")
    sent = {"kind": "link", "number": credential_number(key)}
    assert leader.send("/people/revoke", sent).status_code == 303
    assert fresh.anonymous_client().post("/enter", data={"key": key}).status_code == 403
    assert fresh.audit()[-2]["what"] == "ended a link"


def test_removing_a_person_ends_every_session_link_and_token_of_theirs_and_nobody_elses(fresh: InProcessDesk) -> None:
    leader, csm = fresh.browser(fresh.member("leader")), fresh.member("csm", OTHERS)
    first, second, token = fresh.browser(csm), fresh.browser(csm), fresh.token(csm)
    under_another_name = fresh.browser(Member(name="C. Own", role="viewer", person_id=OTHERS))
    other, others_token = fresh.browser(fresh.member("manager")), fresh.token(fresh.member("manager"))
    with fresh.desk.store_pool.borrow() as place:
        key = fresh.desk.sessions(place).create_link(csm, "tests")
    sent = {"kind": "session", "number": credential_number(first.session.secret)}
    assert leader.send("/people/remove", sent).status_code == 303
    assert [is_in(each) for each in (first, second, under_another_name, other, leader)] == [False] * 3 + [True] * 2
    assert program(fresh, token).get("/api/v1/reviews").status_code == 401
    assert program(fresh, others_token).get("/api/v1/reviews").status_code == 200
    line = fresh.audit()[-1]
    assert (line["what"], line["sessions"], line["links"], line["tokens"]) == ("removed a person", 3, 1, 1)
    assert fresh.anonymous_client().post("/enter", data={"key": key}).status_code == 403


@pytest.mark.parametrize("path", ["/people/revoke", "/people/remove"])
@pytest.mark.parametrize("number", ["", "%", "________", "0" * 8, "0" * 5000, "\u0661" * 8])
def test_a_number_that_is_none_ends_nothing(fresh: InProcessDesk, path: str, number: str) -> None:
    leader, token = fresh.browser(fresh.member("leader")), fresh.token(fresh.member("viewer"))
    for kind in ("session", "link", "token", "", "audit"):
        assert leader.send(path, {"kind": kind, "number": number}).status_code == 422
    assert is_in(leader)
    assert program(fresh, token).get("/api/v1/reviews").status_code == 200


def test_when_the_audit_line_cannot_be_written_nothing_is_ended(fresh: InProcessDesk) -> None:
    leader, csm = fresh.browser(fresh.member("leader")), fresh.browser(fresh.member("csm", OTHERS))
    leader.client.fault_is_expected = True
    with fresh.desk.store_pool.borrow() as place:
        place.store.database.execute("alter table audit rename to away", {})
    sent = {"kind": "session", "number": credential_number(csm.session.secret)}
    assert [leader.send(path, sent).status_code for path in ("/people/revoke", "/people/remove")] == [503, 503]
    with fresh.desk.store_pool.borrow() as place:
        place.store.database.execute("alter table away rename to audit", {})
    assert is_in(csm)


# who somebody is now -------------------------------------------------------------------------------------------------


def test_a_session_by_openid_has_the_role_that_its_person_has_now(fresh: InProcessDesk) -> None:
    fresh.desk.settings = DeskSettings(roles={"leader": ("ops@example.com",)})
    browser = by_openid(fresh, "ops@example.com")
    assert browser.get("/people").status_code == 200
    fresh.desk.settings = DeskSettings(roles={"viewer": ("ops@example.com",)})
    assert browser.get("/people").status_code == 403
    assert browser.send(f"/r/{W48}/again").status_code == 403
    assert is_in(browser)


def test_a_session_ends_when_desk_yaml_names_its_person_no_more(fresh: InProcessDesk) -> None:
    fresh.desk.settings = DeskSettings(roles={"leader": ("ops@example.com",)})
    browser = by_openid(fresh, "ops@example.com")
    fresh.desk.settings = DeskSettings()
    assert not is_in(browser)
    assert browser.send(f"/r/{W48}/again").status_code == 401
    ended = [line for line in fresh.audit() if line["what"] == "session ended"]
    assert [(line["who"], line["why"]) for line in ended] == [
        ("ops@example.com", "neither desk.yaml nor the newest review's people name them")
    ]
    fresh.desk.settings = DeskSettings(roles={"leader": ("ops@example.com",)})
    assert not is_in(browser), "they sign in again"


@pytest.mark.parametrize("way", ["OpenID", "link", "token"])
def test_what_a_person_has_ends_when_they_leave_the_data(fresh: InProcessDesk, way: str) -> None:
    csm = fresh.member("csm", OTHERS)
    browser = by_openid(fresh, people(fresh)[OTHERS].email or "") if way == "OpenID" else fresh.browser(csm)
    token = fresh.token(csm)
    with after_people_changed(fresh, {OTHERS: None}) as later:
        if way == "token":
            assert program(later, token).get("/api/v1/reviews").status_code == 401
            return
        there = elsewhere(later, browser.session.secret, browser)
        assert there.get("/").headers["location"] == "/sign-in"


def test_a_link_for_somebody_who_left_meanwhile_opens_nothing(fresh: InProcessDesk) -> None:
    with fresh.desk.store_pool.borrow() as place:
        key = fresh.desk.sessions(place).create_link(fresh.member("csm", OTHERS), "tests")
    with after_people_changed(fresh, {OTHERS: None}) as later:
        assert later.anonymous_client().post("/enter", data={"key": key}).status_code == 403


def test_a_token_loses_the_role_that_its_person_lost(fresh: InProcessDesk) -> None:
    manager = next(each for each in people(fresh).values() if each.role == "cs_manager")
    token = fresh.token(Member(name=manager.name, role="manager", person_id=manager.person_id))
    assert program(fresh, token).get("/api/v1/audit").status_code == 200
    with after_people_changed(fresh, {manager.person_id: {"role": "csm"}}) as later:
        assert program(later, token).get("/api/v1/audit").status_code == 403
        assert program(later, token).get("/api/v1/reviews").status_code == 200


def test_a_token_for_a_name_in_desk_yaml_ends_with_that_name(fresh: InProcessDesk) -> None:
    fresh.desk.settings = DeskSettings(roles={"manager": ("ops@example.com",)})
    token, guest = fresh.token(Member(name="ops@example.com", role="manager")), fresh.token(fresh.member("manager"))
    fresh.desk.settings = DeskSettings(roles={"viewer": ("ops@example.com",)})
    assert program(fresh, token).get("/api/v1/audit").status_code == 403
    fresh.desk.settings = DeskSettings()
    assert program(fresh, token).get("/api/v1/reviews").status_code == 401
    assert program(fresh, guest).get("/api/v1/audit").status_code == 200, "it was made for nobody in particular"
    page = fresh.browser(fresh.member("leader")).get("/people")
    assert page.status_code == 200
    assert "ended: no longer in the data or in desk.yaml" in page.text


def test_a_link_gives_the_role_that_its_maker_chose_until_it_is_ended(fresh: InProcessDesk) -> None:
    browser = fresh.browser(Member(name="Diego Marin", role="leader", person_id=OTHERS))
    with after_people_changed(fresh, {OTHERS: {"role": "product"}}) as later:
        assert elsewhere(later, browser.session.secret, browser).get("/people").status_code == 200


@pytest.mark.parametrize("kind", ["link", "token"])
def test_nothing_is_made_for_somebody_whom_the_data_do_not_know(fresh: InProcessDesk, kind: str) -> None:
    sent = {"name": "Somebody", "role": "csm", "person": "P-none", "kind": kind}
    answer = fresh.browser(fresh.member("leader")).send("/people", sent)
    assert answer.status_code == 422
    assert "nobody in the newest review" in answer.text
    with fresh.desk.store_pool.borrow() as place, pytest.raises(InputError, match="P-none"):
        fresh.desk.sessions(place).create_link(Member(name="S", role="csm", person_id="P-none"), "tests")


@pytest.mark.parametrize("odd", [" {}", "{} ", "{}\x1f", "{}\u2003", "\u0085{}", "{}\u00a0", "\t{}"])
def test_an_address_is_compared_as_it_is(inside: InProcessDesk, odd: str) -> None:
    email = people(inside)[OTHERS].email or ""
    assert find_member(email.upper(), DeskSettings(), people(inside)).person_id == OTHERS
    with pytest.raises(NotAllowed):
        find_member(odd.format(email), DeskSettings(), people(inside))


# what is said about colleagues ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["viewer", "csm"])
@pytest.mark.parametrize(
    "question",
    ["what is late of {name}?", "what has {last} promised and not done?", "is {id} late?", "how busy is {name}?", "who is overloaded?"],
)  # fmt: skip
def test_below_a_manager_ask_says_nothing_about_a_named_colleague(
    inside: InProcessDesk, role: DeskRole, question: str
) -> None:
    colleague = next(each for each in people(inside).values() if each.role == "csm" and each.person_id != OTHERS)
    words = question.format(name=colleague.name, last=colleague.name.split()[-1], id=colleague.person_id)
    answer = inside.browser(inside.member(role, OTHERS)).send(f"/r/{W48}/ask", {"question": words})
    assert answer.status_code == 200
    text = plain(answer.text.partition("data-answer>")[2])
    assert "Only managers and leaders see" in text
    assert colleague.name not in text


def test_a_viewer_reads_no_plan_of_a_named_colleague_and_a_manager_does(inside: InProcessDesk) -> None:
    colleague = people(inside)[OTHERS]
    asked = {"question": f"which accounts of {colleague.name} need action?"}
    seen: dict[DeskRole, str] = {}
    for role in ("viewer", "manager"):
        answer = inside.browser(inside.member(role)).send(f"/r/{W48}/ask", asked)
        assert answer.status_code == 200
        seen[role] = plain(answer.text.partition("data-answer>")[2])
    assert "Only managers and leaders see figures about a colleague" in seen["viewer"]
    assert colleague.name not in seen["viewer"]
    assert f"of {colleague.name} in the plan" in seen["manager"]


def test_ask_and_the_capacity_page_say_the_same_hours_of_a_colleague(
    inside: InProcessDesk, monday_store: StoreFolder
) -> None:
    lines = monday_store.document(W48)["capacity"]
    answer = inside.browser(inside.member("manager")).send(f"/r/{W48}/ask", {"question": "who is overloaded?"})
    text = plain(answer.text.partition("data-answer>")[2])
    able = [line for line in lines if not line["overloaded"] and (line["hours_free"] or 0) > 0]
    best = max(able, key=lambda line: (line["hours_free"], line["name"]))
    assert f"{best['name']} has the most time free: {best['hours_free']:.0f} hours" in text
    assert [
        line["name"] for line in lines if line["overloaded"] and f"{line['name']}: {line['note']}." not in text
    ] == []
    assert any(line["overloaded"] for line in lines)


def test_a_viewer_reads_what_is_late_without_whose_it_is(inside: InProcessDesk) -> None:
    answer = inside.browser(inside.member("viewer")).send(f"/r/{W48}/ask", {"question": "what is late?"})
    assert answer.status_code == 200
    text = plain(answer.text.partition("data-answer>")[2].partition("Answered by")[0])
    assert not [each.name for each in people(inside).values() if each.name in text]


def test_a_csm_reads_the_log_of_their_own_accounts_only(fresh: InProcessDesk, known: Known) -> None:
    manager = fresh.browser(fresh.member("manager"))
    for account in (known.my_account, known.others_account):
        sent = {"account": account, "text": "Budget is frozen"}
        assert manager.send(f"/r/{W48}/notes", sent).status_code == 303
    seen = {}
    for role in ("viewer", "csm", "manager"):
        reader = fresh.browser(fresh.member(role, OTHERS if role == "csm" else None))
        for account in (known.my_account, known.others_account):
            page = reader.get(f"/r/{W48}/account?account={account}")
            assert page.status_code == 200
            seen[role, account] = "What was done here" in page.text
    assert seen == {
        ("viewer", known.my_account): False, ("viewer", known.others_account): False,
        ("csm", known.my_account): True, ("csm", known.others_account): False,
        ("manager", known.my_account): True, ("manager", known.others_account): True,
    }  # fmt: skip


# what is possible ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["desk", "API"])
@pytest.mark.parametrize("on", ["0001-01-01", "1999-12-31", "2199-01-01", "9999-12-31"])
def test_an_action_is_done_on_a_day_that_is_possible(inside: InProcessDesk, known: Known, way: str, on: str) -> None:
    manager = inside.member("manager")
    if way == "desk":
        sent = {"action": known.mine, "state": "done", "on": on}
        answer = inside.browser(manager).send(f"/r/{W48}/actions", sent)
    else:
        answer = inside.token_client(manager).post(f"/api/v1/actions/{known.mine}", json={"state": "done", "on": on})
    assert answer.status_code == 422
    assert f"{on} cannot be the day of" in answer.text


@pytest.mark.parametrize("way", ["desk", "API"])
@pytest.mark.parametrize(
    ("account", "days", "status", "words"),
    [("", 370, 422, "give a day within 366 days"), ("", -1, 422, "before it begins"), ("TF-nowhere", 30, 404, "knows no account")],
)  # fmt: skip
def test_an_override_is_for_an_account_that_exists_and_ends_on_a_day_that_is_possible(
    inside: InProcessDesk, known: Known, way: str, account: str, days: int, status: int, words: str
) -> None:
    manager, account = inside.member("manager"), account or known.my_account
    said = {"band": "red", "reason": "So", "until": (date.today() + timedelta(days=days)).isoformat()}
    if way == "desk":
        answer = inside.browser(manager).send(f"/r/{W48}/override", {"account": account, **said})
    else:
        answer = inside.token_client(manager).post(f"{API}/overrides/{account}", json=said)
    assert (answer.status_code, words in answer.text) == (status, True), plain(answer.text)


@pytest.mark.parametrize("way", ["desk", "API"])
def test_a_note_is_about_an_account_that_exists(inside: InProcessDesk, way: str) -> None:
    leader, said = inside.member("leader"), {"account": "TF-nowhere", "text": "They called"}
    if way == "desk":
        answer = inside.browser(leader).send(f"/r/{W48}/notes", said)
    else:
        answer = inside.token_client(leader).post(f"{API}/notes", json=said)
    assert (answer.status_code, "knows no account" in answer.text) == (404, True)


@pytest.mark.parametrize("way", ["desk", "API"])
@pytest.mark.parametrize(
    "query", ["priority=worst", "show=none", "change=odd", "sort=1;drop", "csm=P-none", "segment=none", "page=x"]
)
def test_an_unknown_filter_is_refused(inside: InProcessDesk, way: str, query: str) -> None:
    leader = inside.member("leader")
    if way == "desk":
        answer = inside.browser(leader).get(f"{HOME}?{query}")
    else:
        answer = inside.token_client(leader).get(f"{API}/accounts?{query}")
    assert (answer.status_code, query.partition("=")[0] in plain(answer.text)) == (422, True)


@pytest.mark.parametrize("query", ["person=P-none", "page=x", "before=-1"])
def test_an_unknown_filter_of_the_follow_up_is_refused(inside: InProcessDesk, query: str) -> None:
    answer = inside.browser(inside.member("leader")).get(f"/r/{W48}/follow-up?{query}")
    assert (answer.status_code, query.partition("=")[0] in plain(answer.text)) == (422, True)


def test_empty_filters_are_none(inside: InProcessDesk) -> None:
    answer = inside.browser(inside.member("leader")).get(
        f"{HOME}?priority=&csm=&segment=&change=&search=&sort=&show=&page="
    )
    assert answer.status_code == 200


@pytest.mark.parametrize("key", ["", " "])
def test_an_empty_idempotency_key_is_none(fresh: InProcessDesk, key: str) -> None:
    client, headers = fresh.token_client(fresh.member("leader")), {"idempotency-key": key}
    for text in ("First", "Second"):
        answer = client.post(f"{API}/notes", json={"text": text}, headers=headers)
        assert (answer.status_code, "idempotent-replay" in answer.headers) == (200, False)
    with fresh.desk.store_pool.borrow() as place:
        assert [row["body"] for row in place.store.database.rows("select body from notes", {})] == ["First", "Second"]
