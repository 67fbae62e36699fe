"""Two weeks of the sample: what a CS leader would open with is among the facts, and keeps its id.

Everything is real; nothing is faked.
"""

import json
from datetime import date
from typing import Any

import pytest

from tests.e2e.commands import PORTFOLIO
from tests.e2e.shared_stores import SECOND_DAY, W47, W48, StoreFolder

REPORTING = {
    "TF-1013",
    "TF-1094",
    "TF-1124",
    "TF-1253",
    "TF-1277",
    "TF-1340",
    "TF-1367",
    "TF-1370",
    "TF-1397",
    "TF-1409",
}
"""The accounts that report release 5.2 or error E-417."""
NIMBARA, QUILLMARK, JASPERINE, ZENOBIA = "TF-1256", "TF-1295", "TF-1409", "TF-1340"


@pytest.fixture(scope="module")
def review(both_weeks: StoreFolder) -> dict[str, Any]:
    return both_weeks.document(W48)


def facts(review: dict[str, Any], account: str, kind: str) -> list[dict[str, Any]]:
    return [fact for fact in review["facts"][account] if fact["kind"] == kind]


def test_the_blocking_gap_of_nimbara_and_quillmark_is_quoted(review: dict[str, Any]) -> None:
    nimbara = {fact["text"]: fact for fact in facts(review, NIMBARA, "quotation")}
    assert nimbara["Greta Baumann: 'a blocker, not a wish'."]["speaker"] == "Greta Baumann"
    assert nimbara["Greta Baumann: 'a blocker, not a wish'."]["recorded_by"] == "Diego Marin"
    assert "It blocks us more every week." in nimbara
    assert "This is a blocking requirement for us." in {f["text"] for f in facts(review, QUILLMARK, "quotation")}


def test_the_open_tickets_and_the_end_of_the_fall_are_facts_of_nimbara(review: dict[str, Any]) -> None:
    tickets = {fact["ticket_id"]: fact for fact in facts(review, NIMBARA, "ticket")}
    assert (tickets["T-22263"]["open"], tickets["T-22263"]["age_days"], tickets["T-22617"]["open"]) == (True, 75, True)
    (usage,) = facts(review, NIMBARA, "usage")
    assert usage["from_value"] > 420 > 300 > usage["to_value"] > 270
    assert date(2026, 10, 19) <= date.fromisoformat(usage["turned_on"]) <= date(2026, 11, 2)
    assert usage["seats"] == 490


def test_an_executive_of_jasperine_has_waited_for_our_answer_since_6_november(review: dict[str, Any]) -> None:
    waiting = {
        fact["role"]: fact["waiting_since"] for fact in facts(review, JASPERINE, "contact") if fact["waiting_since"]
    }
    assert waiting["exec_sponsor"] == "2026-11-06"


def test_the_incident_of_release_5_2_is_complete_and_leads_the_patterns(review: dict[str, Any]) -> None:
    (incident,) = review["incidents"]
    assert set(incident["account_ids"]) == REPORTING
    assert {"5.2", "E-417"} <= set(incident["words"])
    arr = {account["account_id"]: account["arr"] for account in incident["accounts"]}
    assert incident["arr"] == round(sum(arr.values()), 2)
    assert (incident["first_on"], incident["escalated"], incident["open"]) == ("2026-10-20", 5, True)
    unsent = [report for report in incident["reports"] if report["account_id"] == ZENOBIA and report["escalated"]]
    assert [report["fact"] for report in unsent] == ["ticket:T-22653"]
    assert "1,900 invoices" in " ".join(fact["text"] for fact in facts(review, ZENOBIA, "quotation"))
    assert review["patterns"][0]["kind"] == "incident"
    assert review["patterns"][0]["message"].startswith(
        "10 accounts with EUR 1,180,712 of ARR have reported the same thing"
    )


def test_every_account_of_the_incident_that_is_listed_has_its_part_in_it(review: dict[str, Any]) -> None:
    for account in REPORTING & review["facts"].keys():
        (part,) = facts(review, account, "incident")
        assert part["incident_id"] == review["incidents"][0]["id"]
        assert set(part["tied_by"]) <= {fact["id"] for fact in review["facts"][account]}


def test_the_ids_of_the_week_before_are_the_same(both_weeks: StoreFolder, review: dict[str, Any]) -> None:
    before = both_weeks.document(W47)
    assert [each["id"] for each in before["incidents"]] == [each["id"] for each in review["incidents"]]
    for account in before["facts"].keys() & review["facts"].keys():
        then = {
            (fact["kind"], fact["source"]["key"], fact.get("text")): fact["id"] for fact in before["facts"][account]
        }
        now = {(fact["kind"], fact["source"]["key"], fact.get("text")): fact["id"] for fact in review["facts"][account]}
        shared = then.keys() & now.keys()
        assert shared
        assert {place: then[place] for place in shared} == {place: now[place] for place in shared}


def test_what_is_known_is_bounded(review: dict[str, Any]) -> None:
    assert set(review["facts"]) >= {line["account_id"] for line in review["at_risk"]}
    assert max(len(found) for found in review["facts"].values()) <= 45
    assert all(
        len(fact["text"]) <= 200 for found in review["facts"].values() for fact in found if fact["kind"] == "quotation"
    )
    assert all(text["on"] > "2026-11-16" for text in review["unread_texts"])


def test_the_pages_show_the_words_before_the_signals_and_the_new_texts_to_read(both_weeks: StoreFolder) -> None:
    pages = both_weeks.pages(W48)
    play = next(text.decode() for name, text in pages.items() if name.startswith("plays/") and b"Nimbara" in text)
    assert play.index("a blocker, not a wish") < play.index("Evidence")
    prework = "".join(text.decode() for name, text in pages.items() if name.startswith("prework/"))
    assert "New since last week, please read" in prework


def test_the_answer_to_why_names_the_quotation_and_the_open_ticket(both_weeks: StoreFolder) -> None:
    asked = both_weeks.run(
        "ask", "why is Nimbara Textiles at risk?", "--data", PORTFOLIO, "--as-of", SECOND_DAY, "--json"
    )
    (part,) = json.loads(asked.out)["parts"]
    assert "It blocks us more every week" in " ".join(part["known"])
    assert "T-22263" in " ".join(part["known"])
