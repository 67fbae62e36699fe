"""The form in which people change a play at the desk: it works without a script, and each mistake marks its own field."""

# ruff: noqa: F811  (fixtures are imported by name)

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.desk_in_process import InProcessDesk, SignedInBrowser, evidence_mark, monday_store, own_copy  # noqa: F401
from tests.e2e.shared_stores import W48, StoreFolder, shared_stores, team_data, team_first_week  # noqa: F401  fixtures

PAGE = f"/r/{W48}/play"


@pytest.fixture(scope="module")
def desk(monday_store: StoreFolder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcessDesk]:
    inside = InProcessDesk(own_copy(monday_store, tmp_path_factory.mktemp("forms") / "place").store)
    yield inside
    inside.close()


@pytest.fixture(scope="module")
def leader(desk: InProcessDesk) -> SignedInBrowser:
    return desk.browser(desk.member("leader"))


@pytest.fixture(scope="module")
def play(monday_store: StoreFolder) -> dict[str, Any]:
    found: dict[str, Any] = monday_store.document(W48)["plays"][1]
    return found


def page_of(leader: SignedInBrowser, play: dict[str, Any], **query: str) -> str:
    answer = leader.get(f"{PAGE}?{urlencode({'account': play['account_id'], 'edit': '1', **query})}")
    assert answer.status_code == 200
    text: str = answer.text
    return text


def options_of(page: str, name: str) -> list[str]:
    """The values that a list of the form offers."""
    listed = re.search(rf'<select name="{re.escape(name)}".*?</select>', page, re.DOTALL)
    assert listed is not None, name
    return [value for value in re.findall(r'<option value="([^"]*)"', listed[0]) if value]


def send(leader: SignedInBrowser, play: dict[str, Any], **fields: str) -> Any:
    usual = {"account": play["account_id"], "version": play["version"], "seen": "0", "decision": "edit", "next": PAGE}
    usual["evidence"] = evidence_mark(page_of(leader, play))
    return leader.send(f"/r/{W48}/choices", {**usual, "reason": "Sven knows them", **fields})


def row(page: str, **terms: str) -> dict[str, str]:
    """A row for an added step, of choices that the page offers."""
    usual = {
        "verb": "meet", "about": options_of(page, "add:1:about")[0], "with": options_of(page, "add:1:with")[0],
        "owner": options_of(page, "add:1:owner")[0], "by": "2026-11-25",
    }  # fmt: skip
    return {f"add:1:{part}": value for part, value in {**usual, **terms}.items()}


def test_every_mistake_marks_its_field_and_nothing_that_was_typed_is_lost(
    leader: SignedInBrowser, play: dict[str, Any]
) -> None:
    page = page_of(leader, play)
    first = play["phases"][0]["actions"][0]["id"]
    wrong = {f"due:{first}": "2026-11-01", "remark:play": "Ring them early", **row(page, owner="", by="soon")}
    answer = send(leader, play, **wrong)
    assert answer.status_code == 422
    text = answer.text
    assert 'value="soon" aria-label="Step 1: due" aria-invalid="true" aria-describedby="fault-add:1:by"' in text
    assert "This is no date; write it like 2026-11-23" in text
    answer = send(leader, play, **{**wrong, "add:1:by": "2026-11-25"})
    assert answer.status_code == 422
    text = answer.text
    assert "Say who does it" in text
    assert "2026-11-01 is past" in text
    assert "Ring them early</textarea>" in text
    assert text.count('aria-invalid="true"') == 2


def test_another_cause_is_planned_again_on_the_page_before_anything_is_saved(
    leader: SignedInBrowser, play: dict[str, Any]
) -> None:
    other = next(cause for cause in options_of(page_of(leader, play), "cause") if cause != play["cause"])
    page = page_of(leader, play, cause=other)
    assert "changed the cause from" in page
    assert f'<input type="hidden" name="cause" value="{other}">' in page


def test_a_step_is_added_and_a_remark_stands_beside_the_plan(
    leader: SignedInBrowser, desk: InProcessDesk, play: dict[str, Any]
) -> None:
    page = page_of(leader, play)
    remark = "<b>Ask</b> about 5.2 and the 777 users"
    assert send(leader, play, **row(page), **{"remark:play": remark}).status_code == 303
    shown = leader.get(f"{PAGE}?{urlencode({'account': play['account_id']})}")
    assert shown.status_code == 200
    assert "&lt;b&gt;Ask&lt;/b&gt; about 5.2 and the 777 users" in shown.text
    assert "not on record: 777" in shown.text
    assert "People added this step to the play." in shown.text
    again = page_of(leader, play)
    assert '<option value="meet" selected>' in again
    assert "about 5.2" in again
