"""Texts on the account page: a person says what one means or marks a statement as wrong, sees it, and can take it back."""

# ruff: noqa: F811  (fixtures are imported by name)

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract.test_desk_access import plain
from tests.desk_in_process import InProcessDesk, SignedInBrowser, monday_store, own_copy  # noqa: F401  fixtures
from tests.e2e.shared_stores import W48, StoreFolder, shared_stores, team_data, team_first_week  # noqa: F401  fixtures

pytestmark = pytest.mark.timeout(400)
HOSTILE = "<script>alert(1)</script> & 'so'"


@pytest.fixture
def fresh(monday_store: StoreFolder, tmp_path: Path) -> Iterator[InProcessDesk]:
    inside = InProcessDesk(own_copy(monday_store, tmp_path / "place").store)
    yield inside
    inside.close()


@pytest.fixture
def review(monday_store: StoreFolder) -> dict[str, Any]:
    return monday_store.document(W48)


def page_of(browser: SignedInBrowser, account: str) -> str:
    answer = browser.get(f"/r/{W48}/account?account={account}")
    assert answer.status_code == 200
    return str(answer.text)


def send(browser: SignedInBrowser, form: str, **given: str) -> int:
    return int(browser.send(f"/r/{W48}/{form}", given).status_code)


def events(inside: InProcessDesk) -> list[tuple[str, str]]:
    said = ("read", "took back a reading", "marked as wrong", "took back a mark")
    return [(entry["what"], entry["who"]) for entry in inside.audit() if entry["what"] in said]


def test_a_text_is_read_with_one_choice_shown_as_read_and_can_be_taken_back(
    fresh: InProcessDesk, review: dict[str, Any]
) -> None:
    text = review["unread_texts"][0]
    browser, account = fresh.browser(fresh.member("manager")), text["account_id"]
    before = page_of(browser, account)
    assert "please read" in before
    assert f'value="{text["id"]}"' in before
    said = {"account": account, "text": text["id"]}
    for _ in range(2):
        assert send(browser, "readings", **said, kind="feature_gap") == 303
    shown = plain(page_of(browser, account))
    assert "Blocking gap" in shown
    assert "Read by Mina Head on" in shown
    assert "it counts from the next review on" in shown
    assert send(browser, "readings", **said, kind="nothing_to_note") == 303
    assert "Nothing to note" in plain(page_of(browser, account))
    assert "1 text read by people" in plain(browser.get(f"/r/{W48}/metrics").text)
    assert send(browser, "readings", **said, undo="1") == 303
    assert "Read by people" not in plain(page_of(browser, account))
    assert f'value="{text["id"]}"' in page_of(browser, account)
    assert events(fresh) == [("read", "Mina Head"), ("read", "Mina Head"), ("took back a reading", "Mina Head")]


def test_a_statement_is_marked_as_wrong_with_a_reason_and_counts_again_when_that_is_taken_back(
    fresh: InProcessDesk, review: dict[str, Any]
) -> None:
    statement = review["statements"][0]
    browser, account = fresh.browser(fresh.member("leader")), statement["account_id"]
    said = {"account": account, "statement": statement["id"]}
    for _ in range(2):
        assert send(browser, "wrong", **said, reason=HOSTILE) == 303
    page = page_of(browser, account)
    assert "<script>alert" not in page
    assert "Wrong, says Marguerite Oyelaran on" in plain(page)
    assert "It counts no more from the next review on" in plain(page)
    assert "1 statement marked as wrong" in plain(browser.get(f"/r/{W48}/metrics").text)
    assert send(browser, "wrong", **said, undo="1") == 303
    assert "Wrong, says" not in plain(page_of(browser, account))
    assert [what for what, _ in events(fresh)] == ["marked as wrong", "took back a mark"]


@pytest.mark.parametrize(
    ("changed", "status", "reason"),
    [
        ({"kind": "a guess"}, 422, "is no kind of statement; use notice, "),
        ({"kind": ""}, 422, "is no kind of statement"),
        ({"words": "Words that nobody wrote"}, 422, "does not stand in the text"),
        ({"text": "text:000000000000"}, 404, "has no text"),
        ({"account": "TF-nowhere"}, 404, "knows no account"),
    ],
)
def test_a_choice_that_cannot_be_is_refused_with_its_reason(
    fresh: InProcessDesk, review: dict[str, Any], changed: dict[str, str], status: int, reason: str
) -> None:
    text = review["unread_texts"][0]
    said = {"account": text["account_id"], "text": text["id"], "kind": "feature_gap", **changed}
    answer = fresh.browser(fresh.member("leader")).send(f"/r/{W48}/readings", said)
    assert (answer.status_code, reason in plain(answer.text)) == (status, True), plain(answer.text)[-300:]
    assert events(fresh) == []


def test_the_words_that_a_person_marks_become_the_quotation(fresh: InProcessDesk, review: dict[str, Any]) -> None:
    text = next(each for each in review["unread_texts"] if len(each["text"].split()) > 6)
    words = " ".join(text["text"].split()[1:5])
    program = fresh.token_client(fresh.member("manager"))
    said = {"account": text["account_id"], "text": text["id"], "kind": "budget_cut", "words": f"“{words}”"}
    answer = program.post(f"/api/v1/reviews/{W48}/readings", json=said)
    assert (answer.status_code, answer.json()["quotation"], answer.json()["by"]) == (200, words, "Mina Head")


def test_a_csm_reads_the_texts_of_their_own_accounts_only(fresh: InProcessDesk, review: dict[str, Any]) -> None:
    csm_of = {line["account_id"]: line["csm_id"] for line in review["at_risk"]}
    text = next(each for each in review["unread_texts"] if csm_of.get(each["account_id"]))
    said = {"account": text["account_id"], "text": text["id"], "kind": "feature_gap"}
    own = fresh.browser(fresh.member("csm", csm_of[text["account_id"]]))
    other = fresh.browser(fresh.member("csm"))
    assert send(other, "readings", **said) == 403
    assert "It means" not in plain(page_of(other, text["account_id"]))
    assert send(own, "readings", **said) == 303
