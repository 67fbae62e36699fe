"""Every output of the weekly process is part of the document and of the page."""

from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any, NamedTuple

import pytest

from tests.e2e.shared_stores import W48, StoreFolder

Review = dict[str, Any]


class Promise(NamedTuple):
    """One output of one phase: its part of the document, and its section on the page."""

    phase: str
    output: str
    part: Callable[[Review], Any]
    """The part of ``review.json``; it may not be empty."""
    section: str
    """Id of a part of ``review.html``, or the beginning of the paths of the files that hold it."""
    shows: Callable[[Review], list[str]]
    """Text that people find in this section."""


def names(lines: list[Review], key: str = "name") -> list[str]:
    return [line[key] for line in lines]


def money(amount: float) -> str:
    return f"{amount:,.0f}"


def plays(review: Review, *keys: str) -> list[Any]:
    """A part of every play; empty when one play lacks it."""
    parts = [[play[key] for key in keys] for play in review["plays"]]
    return parts if all(all(part) for part in parts) else []


def moved(review: Review, change: str) -> list[Review]:
    return [movement for movement in review["portfolio"]["movements"] if movement["change"] == change]


def of_plays(review: Review) -> list[Review]:
    """The causes of the accounts that have a play."""
    accounts = {play["account_id"] for play in review["plays"]}
    return [cause for cause in review["causes"] if cause["account_id"] in accounts]


ONE, TWO, THREE, FOUR = (
    "1 Risk identification", "2 Root cause analysis", "3 Intervention planning", "4 Action assignment and tracking",
)  # fmt: skip
PROMISES = (
    Promise(ONE, "list of 25 accounts: at risk", lambda r: len(r["at_risk"]) + len(r["ahead"]) >= 25, "at-risk",
            lambda r: [*names(r["at_risk"]), r["list_note"]]),
    Promise(ONE, "list of 25 accounts: ahead", lambda r: r["ahead"], "ahead", lambda r: names(r["ahead"])),
    Promise(ONE, "overdue renewals", lambda r: r["overdue"], "overdue", lambda r: names(r["overdue"])),
    Promise(ONE, "new risks identified this week", lambda r: moved(r, "new"), "new",
            lambda r: names(moved(r, "new"))),
    Promise(ONE, "health degradation alerts", lambda r: r["alerts"], "new", lambda r: names(r["alerts"], "message")),
    Promise("meeting", "stories of the week: an incident, a change, a decision", lambda r: len(r["stories"]) == 3, "briefing",
            lambda r: names(r["stories"], "title") + names(r["stories"], "proposal")),
    Promise(ONE, "portfolio risk summary: ARR at risk", lambda r: r["portfolio"]["arr_at_risk"], "about",
            lambda r: [money(r["portfolio"]["arr_at_risk"]), money(r["portfolio"]["expected_churn_arr"])]),
    Promise(ONE, "portfolio risk summary: count by tier", lambda r: r["plan_counts"], "overview",
            lambda r: [money(t["at_risk_arr"]) for t in r["plan_counts"]]),
    Promise(TWO, "root cause summary for the top 10", lambda r: len(r["plays"]) >= 10 and r["causes"], "decide",
            lambda r: names(r["plays"]) + names(r["plays"], "cause_label")),
    Promise(TWO, "root cause with driver, evidence, difficulty, time to churn",
            lambda r: all(c["driver"] and c["evidence"] and c["difficulty_note"] for c in r["causes"][:10]), "accounts/",
            lambda r: names(of_plays(r), "driver_note") + names(of_plays(r), "difficulty_note")),
    Promise(TWO, "risk driver patterns", lambda r: r["patterns"], "patterns",
            lambda r: [p["message"] for p in r["patterns"] if p["kind"] not in ("csm", "person", "owner")]),
    Promise(TWO, "CSM capacity assessment, overload warnings", lambda r: r["capacity"], "resources",
            lambda r: [f"{sum(line['overloaded'] for line in r['capacity'])} of {len(r['capacity'])}"]),
    Promise(TWO, "resource needs: CSM time, executives, budget",
            lambda r: r["needs"]["roles"] and r["needs"]["budget"], "resources",
            lambda r: [money(r["needs"]["budget_needed"]), "Hours by role", "ponsor", "CSM"]),
    Promise(THREE, "intervention plans: actions, owners, timelines", lambda r: plays(r, "phases", "owner"), "accounts/",
            lambda r: [a["title"] for play in r["plays"] for phase in play["phases"] for a in phase["actions"]]),
    Promise(THREE, "intervention plan of every account", lambda r: r["intervention_plan"], "plan",
            lambda r: names(r["intervention_plan"]) + names(r["intervention_plan"], "action")),
    Promise(THREE, "resource commitments",
            lambda r: [d for d in r["decisions"] if d["subject"] == "others"] and r["needs"]["chosen"], "resources",
            lambda r: ["Hours by role", money(r["needs"]["budget"])]),
    Promise(THREE, "success metrics and checkpoints", lambda r: plays(r, "success_criteria", "cadence"), "accounts/",
            lambda r: [c["target"] for play in r["plays"] for c in play["success_criteria"]]),
    Promise(THREE, "escalation pathways", lambda r: r["escalations"] and plays(r, "escalation"), "resources",
            lambda r: names(r["escalations"]) + names(r["escalations"], "when")),
    Promise(FOUR, "action lists: what, when, who", lambda r: r["actions"], "actions.csv",
            lambda r: names(r["actions"], "title") + names(r["actions"], "owner") + names(r["actions"], "due")),
    Promise(FOUR, "CRM updates", lambda r: r["crm_updates"], "crm_updates.csv",
            lambda r: names(r["crm_updates"], "field") + names(r["crm_updates"], "value")),
    Promise(FOUR, "calendar holds: calls, executives, managers",
            lambda r: {"customer_call", "executive_call", "manager_review", "weekly_check"}
            <= {t["kind"] for t in r["touchpoints"]}, "handoff",
            lambda r: [f"{len(r['touchpoints'])} holds", *names(r["touchpoints"], "owner")]),
    Promise(FOUR, "next week's follow-up agenda", lambda r: len(r["next_agenda"]) == 6, "next-steps",
            lambda r: names(r["next_agenda"], "title")),
    Promise("meeting", "agenda of 90 minutes in six blocks",
            lambda r: sum(item["minutes"] for item in r["agenda"]) == 90 and len(r["agenda"]) == 6, "agenda",
            lambda r: names(r["agenda"], "title")),
    Promise("meeting", "prior week follow-up", lambda r: r["followup"]["commitments"], "follow-up",
            lambda r: names(r["followup"]["outcomes"]) + r["followup"]["learnings"]),
    Promise("metrics", "process and outcome metrics",
            lambda r: {f["kind"] for f in r["metrics"]["figures"]} == {"process", "outcome"}, "metrics",
            lambda r: names(r["metrics"]["figures"], "label")),
)  # fmt: skip


_PARTS = ("section", "details", "ul")


class Sections(HTMLParser):
    """The text of every part of the page by its id; a part holds the text of the parts in it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.text: dict[str, list[str]] = {}
        self._open: list[str | None] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _PARTS:
            self._open.append(dict(attrs).get("id"))

    def handle_endtag(self, tag: str) -> None:
        if tag in _PARTS:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        for section in self._open:
            if section:
                self.text.setdefault(section, []).append(data)

    def of(self, section: str) -> str:
        return plain("".join(self.text.get(section, [])))


def plain(text: str) -> str:
    """Text without the invisible characters and repeated spaces that pages put into names."""
    return " ".join("".join(letter for letter in text if letter.isprintable() or letter.isspace()).split())


@pytest.fixture(scope="module")
def files(both_weeks: StoreFolder) -> dict[str, str]:
    return {name: content.decode("utf-8", "replace") for name, content in both_weeks.pages(W48).items()}


@pytest.fixture(scope="module")
def page(files: dict[str, str]) -> Sections:
    return Sections(files["review.html"])


def shown_in(place: str, page: Sections, files: dict[str, str]) -> str:
    """The text of a part of the page, or of all files whose paths begin so."""
    if not set("./") & set(place):
        return page.of(place)
    found = Sections("<section id='all'>" + "".join(text for name, text in files.items() if name.startswith(place)))
    return (
        found.of("all") if place.endswith("/") else plain("".join(t for n, t in files.items() if n.startswith(place)))
    )


@pytest.fixture(scope="module")
def document(both_weeks: StoreFolder) -> Review:
    return both_weeks.document(W48)


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: f"{promise.phase}: {promise.output}")
def test_every_promised_output_is_there_for_programs_and_for_people(
    document: Review, page: Sections, files: dict[str, str], promise: Promise
) -> None:
    assert promise.part(document), f"review.json has no {promise.output}"
    text, wanted = shown_in(promise.section, page, files), promise.shows(document)
    assert wanted
    assert [each for each in wanted if plain(each) not in text] == [], f"not in #{promise.section}"


def test_every_phase_has_its_outputs() -> None:
    assert [sum(promise.phase == phase for promise in PROMISES) for phase in (ONE, TWO, THREE, FOUR)] == [7, 5, 5, 4]
