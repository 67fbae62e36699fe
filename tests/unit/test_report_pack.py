"""The whole pack of a review: its files, and required and forbidden content of the two review pages."""

import json
import posixpath
import re
from html.parser import HTMLParser

import pytest

from app.report import render_files
from domain.drafting import DraftingRecord
from domain.plan import Briefing
from domain.review import Review
from tests.sample_review import sample_review

STATES = ("waiting_for_decisions", "waiting_for_close", "closed")
OUTPUTS = {
    "At-risk account list": ("At-risk accounts", 'id="at-risk"'),
    "New risks identified this week": ("## New risks and movements this week", "New and worse"),
    "Health degradation alerts": ("### Health degradation alerts", "Health degradation alerts"),
    "Stories of the week": ("## This week", 'class="stories"'),
    "Total portfolio risk summary": ("## Portfolio risk", "Expected churn in 13 weeks"),
    "Root cause summary for top 10 accounts": ("## Root causes of the top accounts", "Competitive displacement"),
    "Risk driver patterns": ("### Patterns", "Patterns across accounts"),
    "CSM capacity assessment": ("2 of 4 CSMs", "CSMs over their limit"),
    "Resource needs for intervention": ("## Resources", "Hours by role"),
    "Intervention plans for top 10 accounts": ("## Save plays", "Phase 1: Stabilise (Week 1)"),
    "Resource commitments": ("Budget: EUR 12,000 needed", "Budget needed"),
    "Success metrics and checkpoints": ("## Metrics", "Renewal commitment"),
    "Escalation pathways": ("### Escalation pathways", "escalation pathway"),
    "CSM action item lists": ("## Actions", "Due within 48 hours"),
    "CRM/CS platform updates": ("### CRM updates", "CRM updates"),
    "Calendar holds": ("### Calendar holds", "Calendar holds"),
    "Next week's follow-up agenda": ("### Next week's agenda", "Next week&#39;s agenda"),
    "Prior week follow-up": ("## Prior week follow-up", "Saved: well done"),
    "Intervention plan by tier": ("## Intervention Plan", "Renewals to watch"),
    "Risk and opportunity matrix": ("## Risk and opportunity", 'id="matrix"'),
    "Alert and workflow checklist": ("## Workflow checklist", 'id="workflow"'),
    "Data gaps": ("Surveys are not connected", "Surveys are not connected"),
    "Rows left out": ("no such account", "no such account"),
}


def pack(state: str = "closed", **how: bool) -> dict[str, str]:
    return {name: content.decode("utf-8") for name, content in render_files(sample_review(state, **how)).items()}


@pytest.fixture(scope="module")
def closed() -> dict[str, str]:
    return pack()


@pytest.mark.parametrize("output", OUTPUTS)
def test_every_output_of_the_weekly_review_stands_on_both_pages(closed: dict[str, str], output: str) -> None:
    in_markdown, in_html = OUTPUTS[output]
    assert in_markdown in closed["review.md"]
    pages = "".join(text for name, text in closed.items() if name == "review.html" or name.startswith("accounts/"))
    assert in_html in pages.replace("'", "&#39;")


def test_a_review_leaves_every_promised_file(closed: dict[str, str]) -> None:
    promised = {"review.md", "review.html", "review.json", "actions.csv", "commitments.csv", "crm_updates.csv", "agenda.md",
                "next_agenda.md", "standup.md", "managers/capacity.md", "managers/capacity.html"}  # fmt: skip
    assert promised <= closed.keys()
    for folder, files in (("plays", 10), ("actions", 6), ("calendar", 6), ("prework", 4)):
        assert sum(name.startswith(f"{folder}/") for name in closed) == files


def test_the_files_are_there_before_people_decided_and_say_so() -> None:
    waiting = pack("waiting_for_decisions")
    assert len(waiting["actions.csv"].splitlines()) == 1
    assert len(waiting["crm_updates.csv"].splitlines()) == 1
    assert "None yet: waiting for the decisions of people." in waiting["actions/nora-lindqvist-p01.md"]
    assert not [name for name in waiting if name.startswith("calendar/")], "a calendar holds at least one event"
    assert "none yet: waiting for the decisions of people" in waiting["review.md"]


@pytest.mark.parametrize("state", STATES)
def test_the_briefing_opens_the_meeting_and_is_gone_once_people_decided(state: str) -> None:
    told = Briefing(sentences=("1,855 accounts are at risk.",), drafted_by="rules", drafting=DraftingRecord())
    files = render_files(sample_review(state).model_copy(update={"briefing": told}))
    for page in ("review.md", "review.html"):
        assert (b"1,855 accounts are at risk." in files[page]) == (state == "waiting_for_decisions")


@pytest.mark.parametrize("state", STATES)
def test_the_same_review_gives_the_same_bytes_in_a_sorted_pack(state: str) -> None:
    first, second = render_files(sample_review(state)), render_files(sample_review(state))
    assert list(first) == sorted(first)
    assert first == second


def test_the_json_is_the_document_itself() -> None:
    review = sample_review()
    text = render_files(review)["review.json"].decode("utf-8")
    assert Review.model_validate_json(text) == review
    assert list(json.loads(text)) == list(Review.model_fields)
    assert text.endswith("}\n")
    assert "مجموعة" in text


@pytest.mark.parametrize("how", [{}, {"baseline": True}, {"hostile": True}])
@pytest.mark.parametrize("state", STATES)
def test_no_page_shows_a_python_name_or_an_unfilled_slot(state: str, how: dict[str, bool]) -> None:
    for name, text in pack(state, **how).items():
        if name.endswith((".md", ".html")):
            spoken = re.sub(r"<(style|svg).*?</\1>", "", text, flags=re.DOTALL)
            assert not re.search(r"\b(None(?! yet)|True|False|nan|datetime|Markup|Undefined)\b", spoken), name


def test_what_is_unknown_is_called_unknown() -> None:
    review = pack("waiting_for_decisions", baseline=True)
    assert "unknown (first review)" in review["review.md"]
    line = next(text for text in review["review.md"].splitlines() if text.startswith("| 9 | Vega Diagnostics"))
    assert "unknown not scored" in line
    undated = next(text for text in review["review.md"].splitlines() if text.startswith("| 12 | Tidewater"))
    assert "| unknown |" in undated
    assert "unknown" in pack()["managers/capacity.md"]


def test_a_renewal_in_the_past_is_overdue_and_not_a_negative_number(closed: dict[str, str]) -> None:
    for name in ("review.md", "review.html", "standup.md", "plays/acc-1003.md"):
        assert "overdue by 12 days" in closed[name]
        assert "-12 days" not in closed[name]


def test_the_direction_of_every_score_is_said(closed: dict[str, str]) -> None:
    for name in ("review.md", "review.html"):
        assert "ealth: high is good" in closed[name]
        assert "isk: high is bad" in closed[name]


def test_a_chance_of_leaving_says_its_horizon_its_parts_and_that_it_is_an_estimate(closed: dict[str, str]) -> None:
    assert "73 % in 13 weeks (estimate)" in closed["review.md"]
    assert "73 % in 13 weeks (estimate)" in closed["accounts/acc-1001.html"]
    assert "1 % without risk and without a renewal decision; the odds × 7.4" in closed["accounts/acc-1001.html"]


def test_expected_churn_says_its_interval_and_what_it_rests_on(closed: dict[str, str]) -> None:
    for name in ("review.md", "review.html"):
        assert "in 13 weeks" in closed[name]
        assert "80 % interval EUR 400,000 to EUR 900,000; estimate from a churn rate of 10 % a year" in closed[name]


def test_money_in_another_currency_is_shown_in_both(closed: dict[str, str]) -> None:
    assert "EUR 365,500 (USD 398,395)" in closed["plays/acc-1002.md"]


def test_each_state_says_what_people_do_next() -> None:
    assert "saveplay decide 2026-W48 --file decisions.yaml" in pack("waiting_for_decisions")["review.html"]
    assert "Waiting for the close." in pack("waiting_for_close")["review.html"]
    assert "People decided on every play" in pack("closed")["review.html"]


def test_a_review_that_nobody_attended_does_not_claim_that_people_decided() -> None:
    review = sample_review("closed")
    alone = tuple(decision.model_copy(update={"unattended": True}) for decision in review.decisions)
    page = render_files(review.model_copy(update={"decisions": alone}))["review.html"].decode("utf-8")
    assert "without a meeting" in page
    assert "People decided" not in page


def test_the_first_review_sets_the_baseline_and_invents_no_change() -> None:
    first = pack(baseline=True)
    assert "First review." in first["review.html"]
    assert "more than last week" not in first["review.html"]
    assert "there is nothing to follow up" in first["review.md"]


def test_figures_about_people_are_for_managers_only(closed: dict[str, str]) -> None:
    for page in ("review.md", "review.html"):
        assert "Six red accounts are more than four." not in closed[page]
        assert "Three of the accounts at risk have the same CSM." not in closed[page]
        assert "more than 4 red accounts" not in closed[page]
    for page in ("managers/capacity.md", "managers/capacity.html"):
        assert "Six red accounts are more than four." in closed[page]
        assert "Three of the accounts at risk have the same CSM." in closed[page]


def test_people_who_made_a_save_are_thanked_by_name(closed: dict[str, str]) -> None:
    assert "Thank you, Aiko Tanaka, Priya Raman." in closed["review.md"]
    assert "Thank you" in closed["review.html"]


class Links(HTMLParser):
    """Ids and addresses of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.fetches: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.ids += [found["id"]] if found.get("id") else []
        self.addresses += [found["href"] or ""] if "href" in found else []
        if tag in {"script", "img", "link", "iframe", "object", "embed"} or "src" in found:
            self.fetches.append(tag)


@pytest.mark.parametrize("how", [{}, {"baseline": True}, {"hostile": True}])
def test_every_link_of_every_page_leads_to_a_place_in_the_pack(how: dict[str, bool]) -> None:
    files = pack("closed", **how)
    found = {name: Links() for name in files if name.endswith(".html")}
    for name, links in found.items():
        links.feed(files[name])
        assert len(links.ids) == len(set(links.ids)), name
    for name, links in found.items():
        for address in links.addresses:
            path, _, place = address.partition("#")
            target = posixpath.normpath(posixpath.join(posixpath.dirname(name), path)) if path else name
            assert target in files, (name, address)
            assert not place or place in found[target].ids, (name, address)


@pytest.mark.parametrize("page", ["review.html", "managers/capacity.html", "accounts/"])
def test_the_page_is_self_contained_and_holds_no_script(page: str) -> None:
    links = Links()
    text = "".join(content for name, content in pack(hostile=True).items() if name.startswith(page))
    links.feed(text)
    assert links.fetches == []
    assert "<script" not in text
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in text
