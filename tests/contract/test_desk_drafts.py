"""The page of drafts: marked until a person has edited or confirmed them, no copy and no file before, and nowhere else.

The desk runs in this process. The model is a local server; hostile answers are shown as text.
"""

# ruff: noqa: F811  (fixtures are imported by name)

import html
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.desk_in_process import InProcessDesk, SignedInBrowser, monday_store, own_copy  # noqa: F401  fixtures
from tests.e2e.shared_stores import W48, StoreFolder, shared_stores, team_data, team_first_week  # noqa: F401  fixtures
from tests.model_server import ModelServer, answers, answers_from_request, fails, huge_answer, well_behaved
from tools.store.review_store import ReviewStore

pytestmark = pytest.mark.timeout(400)

ANOTHER_CSM = "P-12"
"""Diego Marin in the data; the first play is of another CSM's account."""
HOSTILE = {
    "sections": [
        {
            "heading": "<h1>Hi</h1>",
            "sentences": ["{F1} <script>alert(1)</script>", "We will cut your price by half.", "See T-99999."],
        }
    ]
}


@pytest.fixture
def inside(monday_store: StoreFolder, tmp_path: Path) -> Iterator[InProcessDesk]:
    inside = InProcessDesk(own_copy(monday_store, tmp_path / "place").store)
    yield inside
    inside.close()


@pytest.fixture
def account(monday_store: StoreFolder) -> str:
    return str(monday_store.document(W48)["plays"][0]["account_id"])


def at(account: str, kind: str = "talk_track") -> str:
    return f"/r/{W48}/drafts?account={account}&kind={kind}"


def file_at(account: str) -> str:
    return f"/r/{W48}/draft-file?account={account}&kind=talk_track"


def ask(browser: SignedInBrowser, account: str, way: str = "play") -> str:
    """Ask for a draft and read its page."""
    given = {"account": account, "kind": "talk_track", "way": way}
    assert browser.send(f"/r/{W48}/drafts", given).status_code == 303
    return str(browser.get(at(account)).text)


def text_of(page: str) -> str:
    return html.unescape(re.search(r"<textarea[^>]*>\n(.*?)</textarea>", page, re.DOTALL)[1])  # type: ignore[index]


def seen_of(page: str) -> str:
    return re.search(r'name="seen" value="(\w+)"', page)[1]  # type: ignore[index]


def confirm(browser: SignedInBrowser, account: str, page: str, text: str) -> Any:
    given = {"account": account, "kind": "talk_track", "text": text, "seen": seen_of(page)}
    return browser.send(f"/r/{W48}/drafts/confirm", given)


def test_there_is_no_copy_and_no_file_before_a_person_has_confirmed_the_text(
    inside: InProcessDesk, account: str
) -> None:
    browser = inside.browser(inside.member("leader"))
    page = ask(browser, account)
    assert "Draft made from the play&#39;s own sentences, edit before use." in page
    assert "data-copy=" not in page
    assert "draft-file" not in page
    assert browser.get(file_at(account)).status_code == 404
    text = text_of(page)
    assert confirm(browser, account, page, text.replace("\n", "\r\n")).status_code == 303
    page = browser.get(at(account)).text
    assert "Confirmed by Marguerite Oyelaran on " in page, "the text is as it was"
    assert "data-copy=" in page
    file = browser.get(file_at(account))
    assert file.text.strip() == text.strip()
    assert file.headers["content-disposition"].startswith("attachment;")
    assert file.headers["content-type"].startswith("text/plain")


def test_a_confirmed_text_is_in_the_audit_log_with_what_no_fact_supports(inside: InProcessDesk, account: str) -> None:
    browser = inside.browser(inside.member("leader"))
    assert confirm(browser, account, ask(browser, account), "We will cut your price by half.").status_code == 303
    (entry,) = [each for each in inside.audit() if each["what"] == "confirmed a draft"]
    assert (entry["who"], entry["account"], entry["kind"], entry["made_by"]) == (
        "Marguerite Oyelaran", account, "talk_track", "play",
    )  # fmt: skip
    assert entry["edited"] is True
    assert "promise We will" in entry["without_fact"] or "promise will" in entry["without_fact"]
    assert "Edited by Marguerite Oyelaran" in browser.get(at(account)).text


def test_a_text_that_changed_meanwhile_is_not_confirmed(inside: InProcessDesk, account: str) -> None:
    browser = inside.browser(inside.member("leader"))
    page = ask(browser, account)
    assert confirm(browser, account, page, "First.").status_code == 303
    assert confirm(browser, account, page, "Second.").status_code == 409
    assert text_of(browser.get(at(account)).text).strip() == "First."
    for wrong in ("", " ", "x" * 9_000):
        assert confirm(browser, account, browser.get(at(account)).text, wrong).status_code == 422


def test_a_viewer_and_another_csm_see_no_draft(inside: InProcessDesk, account: str) -> None:
    ask(inside.browser(inside.member("leader")), account)
    for member in (inside.member("viewer"), inside.member("csm", ANOTHER_CSM)):
        browser = inside.browser(member)
        assert browser.get(at(account)).status_code == 403
        assert browser.get(file_at(account)).status_code == 403
        given = {"account": account, "kind": "talk_track", "way": "play"}
        assert browser.send(f"/r/{W48}/drafts", given).status_code == 403
        answer = browser.send(f"/r/{W48}/ask", {"question": f"draft the e-mail to {account}"})
        assert "Drafts are for the CSM of the account" in answer.text
        assert "Thank you for the conversation" not in answer.text


def test_whoever_may_act_for_the_account_gets_the_draft_from_a_question(inside: InProcessDesk, account: str) -> None:
    answer = inside.browser(inside.member("manager")).send(
        f"/r/{W48}/ask", {"question": f"draft the e-mail to {account}"}
    )
    assert answer.status_code == 200
    assert "Thank you for the conversation" in answer.text
    assert "edit before use" in answer.text
    assert "data-copy=" not in answer.text


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelServer]:
    with ModelServer(otherwise=answers_from_request(well_behaved)) as server:
        monkeypatch.setenv("SAVEPLAY_MODEL", "gpt-5-mini")
        monkeypatch.setenv("SAVEPLAY_MODEL_URL", server.url)
        monkeypatch.setenv("OPENAI_API_KEY", "k")
        yield server


def test_a_draft_of_a_model_names_the_model_and_the_play_keeps_its_version(
    model: ModelServer, inside: InProcessDesk, account: str
) -> None:
    browser = inside.browser(inside.member("leader"))
    before = browser.get(f"/api/v1/reviews/{W48}").text
    page = ask(browser, account, "model")
    assert "Draft by gpt-5-mini, edit before use." in page
    assert "What is known:" in text_of(page)
    assert browser.get(f"/api/v1/reviews/{W48}").text == before, "no draft is part of the review"


def test_html_promises_and_other_accounts_facts_show_as_text_and_are_marked(
    model: ModelServer, inside: InProcessDesk, account: str
) -> None:
    model.otherwise = answers(json.dumps(HOSTILE))
    page = ask(inside.browser(inside.member("leader")), account, "model")
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    marked = " ".join(re.findall(r"no fact: ([^<]*)</span>", page))
    assert all(kind in marked for kind in ("promise", "concession", "number", "address"))


@pytest.mark.parametrize("behaviour", [huge_answer(1_000_000), fails(500), answers("I would rather not.")])
def test_an_answer_that_cannot_be_used_gives_the_plays_own_draft_with_the_reason(
    model: ModelServer, inside: InProcessDesk, account: str, behaviour: Any
) -> None:
    model.otherwise = behaviour
    page = ask(inside.browser(inside.member("leader")), account, "model")
    assert "Draft made from the play&#39;s own sentences" in page
    assert "The draft of gpt-5-mini was not used:" in page


def test_a_draft_stays_when_the_week_is_run_again_and_is_no_result_of_it(inside: InProcessDesk, account: str) -> None:
    ask(inside.browser(inside.member("leader")), account)
    with inside.desk.store_pool.borrow() as place:
        store: ReviewStore = place.store
        assert not any("talk_track" in kind for kind in store.kinds(W48))
        request, _, _ = store.request(W48)
        store.start(W48, store.reviews()[-1][1], request)
        from app.text_drafts import stored_drafts

        assert list(stored_drafts(place, W48, account)) == ["talk_track"]
