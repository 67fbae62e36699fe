"""Two weeks of the sample portfolio: complete, repeatable, and the second week uses the first."""

import csv
import io
import json
import re
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from domain.review import Review
from tests.e2e.commands import DONE, PORTFOLIO, ROOT, WAITING, CommandResult
from tests.e2e.shared_stores import (
    FILES_WITH_TIMES,
    FIRST_DAY,
    SECOND_DAY,
    W47,
    W48,
    SharedStores,
    StoreFolder,
    write_team_data,
)

KEYS = {
    "": (
        "review_id as_of profile config_hash data portfolio at_risk intervention_plan alerts causes patterns capacity "
        "needs plays decisions actions crm_updates touchpoints owners_to_assign followup metrics agenda ahead overdue list_note "
        "facts statements unread_texts incidents"
    ),
    "data": "sources gaps rows_left_out",
    "portfolio": "accounts arr arr_at_risk expected_churn_arr expected_churn_low expected_churn_high by_tier bridge",
    "at_risk": (
        "rank account_id name arr currency renewal_date health health_band coverage velocity risk_score "
        "churn_probability churn_horizon_weeks order_probability order_horizon_weeks calibrated risk_tier intervention_tier reasons contributions change"
    ),
    "intervention_plan": "tier account_id arr why action secondary owner by",
    "causes": "account_id category runner_up confidence pillar driver difficulty time_to_churn evidence",
    "plays": (
        "account_id drafted_by verified violations cause phases success_criteria walk_away cadence expected_value"
    ),
    "actions": "id account_id owner due kind",
}
"""Keys that ``review.json`` must have; programs of users read them."""


def stem(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower())


def without(text: str, names: tuple[str, ...]) -> str:
    return next((name for name in names if name in text), "")


@pytest.fixture(scope="module", params=[W47, W48])
def week(request: pytest.FixtureRequest, both_weeks: StoreFolder) -> tuple[StoreFolder, str, dict[str, Any]]:
    return both_weeks, request.param, both_weeks.document(request.param)


Week = tuple[StoreFolder, str, dict[str, Any]]


def test_every_output_of_the_design_is_there(week: Week) -> None:
    place, review_id, review = week
    pages = place.pages(review_id)
    whole = (
        "review.md review.html review.json actions.csv crm_updates.csv agenda.md next_agenda.md standup.md run.json "
        "audit.jsonl"
    )
    assert [name for name in whole.split() if not pages.get(name)] == []
    plays = {f"plays/{stem(play['account_id'])}.md" for play in review["plays"]}
    assert plays
    assert {name for name in pages if name.startswith("plays/")} == plays
    assert "decisions.yaml" not in pages, "a closed review asks for nothing"


def test_everybody_with_an_action_has_a_list_and_a_calendar_and_every_csm_a_pre_read(week: Week) -> None:
    place, review_id, review = week
    pages = place.pages(review_id)
    for kind, ending, people in (
        ("actions", "md", {(a["owner"], a["owner_id"]) for a in review["actions"]}),
        ("calendar", "ics", {(t["owner"], t["owner_id"]) for t in review["touchpoints"]}),
        ("prework", "md", {(p["person"], p["person_id"]) for p in review["prework"]}),
    ):
        files = {name for name in pages if name.startswith(f"{kind}/") and name.endswith(ending)}
        for _, person_id in people:
            mine = [name for name in files if person_id is None or name.endswith(f"-{stem(person_id)}.{ending}")]
            assert mine, f"{person_id} has no file in {kind}/"
        if kind == "calendar":
            assert len(files) == len(people), "nobody gets a calendar without an event: RFC 5545 knows none"
    for action in review["actions"]:
        if action["owner_id"]:
            name = next(n for n in pages if re.match(rf"actions/.*-{stem(action['owner_id'])}\.md", n))
            assert action["due"] in pages[name].decode() or str(int(action["due"][-2:])) in pages[name].decode()


def test_the_review_keeps_the_names_that_programs_read(week: Week) -> None:
    _, _, review = week
    for part, names in KEYS.items():
        found = review[part] if part else review
        for each in found if isinstance(found, list) else [found]:
            assert set(names.split()) <= set(each), part


def test_the_review_is_the_document_of_the_domain_model(week: Week) -> None:
    place, review_id, _ = week
    content = place.pages(review_id)["review.json"]
    review = Review.model_validate_json(content)
    assert review.state == "closed"
    assert (review.model_dump_json(indent=2) + "\n").encode() == content


def test_the_page_stands_alone(week: Week) -> None:
    place, review_id, _ = week
    page = place.pages(review_id)["review.html"].decode()
    loads = re.findall(r"<(?:link|iframe|object|embed)\b|(?:src|srcset)\s*=|url\(\s*['\"]?(?!data:|#)|@import", page)
    assert loads == []


def test_only_the_two_named_files_know_the_clock_and_the_machine(week: Week) -> None:
    place, review_id, _ = week
    local = (str(place.folder), str(ROOT), "/tmp/")
    assert {
        name: without(content.decode("utf-8", "replace"), local)
        for name, content in place.pages(review_id).items()
        if name not in FILES_WITH_TIMES and without(content.decode("utf-8", "replace"), local)
    } == {}


def test_the_numbers_of_one_review_agree_with_each_other(week: Week) -> None:
    place, review_id, review = week
    portfolio, plan = review["portfolio"], review["intervention_plan"]
    assert sum(tier["accounts"] for tier in portfolio["by_tier"]) == portfolio["accounts"]
    assert sum(tier["at_risk_arr"] for tier in portfolio["by_tier"]) == pytest.approx(portfolio["arr_at_risk"])
    ranks = sorted(line["rank"] for line in (*review["at_risk"], *review["ahead"]))
    assert ranks == list(range(1, len(ranks) + 1))
    assert len(ranks) >= 25
    assert {line["account_id"] for line in review["at_risk"]}.isdisjoint(a["account_id"] for a in review["ahead"])
    assert len({line["account_id"] for line in plan}) == len(plan)
    for line in review["at_risk"]:
        if line["health"] is not None:
            assert sum(c["health_points"] for c in line["contributions"]) == pytest.approx(line["health"], abs=1e-4)
    ids = [row["id"] for row in place.table(review_id, "actions.csv")]
    assert ids == [action["id"] for action in (*review["actions"], *review["closed_actions"])]
    assert len(set(ids)) == len(ids)
    assert len(place.table(review_id, "crm_updates.csv")) == len(review["crm_updates"])


def test_unattended_decisions_are_recorded_as_such_in_the_review_and_in_the_audit_log(week: Week) -> None:
    place, review_id, review = week
    assert {play["account_id"] for play in review["plays"]} <= {d["subject"] for d in review["decisions"]}
    assert all(decision["unattended"] for decision in review["decisions"])
    log = place.pages(review_id)["audit.jsonl"].decode()
    assert "--approve all" in log, "who decided, when and why is kept"


# twice the same ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def again(shared_stores: SharedStores) -> tuple[StoreFolder, dict[str, CommandResult]]:
    """Both weeks again in a new store: the first decided afterwards, the second printed as JSON."""

    def make(place: StoreFolder) -> dict[str, CommandResult]:
        elsewhere = {"PYTHONHASHSEED": "2", "TZ": "America/Los_Angeles", "LC_ALL": "C"}
        return {
            "waiting": place.review(PORTFOLIO, FIRST_DAY, code=WAITING, env=elsewhere),
            "decided": place.run("decide", W47, "--approve", "all").check_exit(DONE),
            "json": place.review(PORTFOLIO, SECOND_DAY, "--approve", "all", "--json", env=elsewhere),
        }

    return shared_stores.place("again", make)


@pytest.mark.parametrize("review_id", [W47, W48])
def test_the_same_data_and_history_give_the_same_bytes(
    both_weeks: StoreFolder, again: tuple[StoreFolder, dict[str, CommandResult]], review_id: str
) -> None:
    assert both_weeks.digests(review_id) == again[0].digests(review_id)


def test_what_is_printed_as_json_is_the_document(again: tuple[StoreFolder, dict[str, CommandResult]]) -> None:
    place, said = again
    assert said["json"].out.encode() == place.pages(W48)["review.json"]


# the second week -----------------------------------------------------------------------------------------------------


def test_the_first_review_is_the_baseline_and_invents_no_change(both_weeks: StoreFolder) -> None:
    review = both_weeks.document(W47)
    assert review["baseline"]
    assert review["previous_review_id"] is None
    assert {line["change"] for line in review["at_risk"]} == {"baseline"}
    assert review["portfolio"]["bridge"] == []
    assert review["portfolio"]["movements"] == []
    assert review["followup"]["commitments"] == []


def test_the_second_review_compares_with_the_first(both_weeks: StoreFolder) -> None:
    before, review = both_weeks.document(W47), both_weeks.document(W48)
    assert not review["baseline"]
    assert review["previous_review_id"] == W47
    assert not review["configuration_changed"]
    steps = {step["name"]: step["arr"] for step in review["portfolio"]["bridge"]}
    assert sum(arr for name, arr in steps.items() if name != "closing") == pytest.approx(steps["closing"], abs=0.005)
    assert steps["opening"] == pytest.approx(before["portfolio"]["arr_at_risk"])
    assert steps["closing"] == pytest.approx(review["portfolio"]["arr_at_risk"])


def test_new_resolved_and_lost_accounts_are_named(both_weeks: StoreFolder) -> None:
    review = both_weeks.document(W48)
    moved = {movement["account_id"]: movement["change"] for movement in review["portfolio"]["movements"]}
    assert {"TF-1253", "TF-1145", "TF-1049", "TF-1214"} <= {a for a, change in moved.items() if change == "new"}
    assert {"TF-1160", "TF-1313"} <= {a for a, change in moved.items() if change == "resolved"}
    gone = next(step for step in review["portfolio"]["bridge"] if step["name"] == "gone")
    assert gone["account_ids"] == ["TF-1328"]
    assert [line["change"] for line in review["at_risk"] if line["account_id"] == "TF-1253"] == ["new"]


def test_the_second_review_opens_with_every_promise_of_the_first(both_weeks: StoreFolder) -> None:
    followup = both_weeks.document(W48)["followup"]
    promised = {action["id"]: action for action in both_weeks.document(W47)["actions"]}
    assert {item["action_id"] for item in followup["commitments"]} == set(promised)
    for item in followup["commitments"]:
        assert item["status"] == ("open" if promised[item["action_id"]]["due"] >= SECOND_DAY else "late")
    assert sum(p["late"] + p["open"] for p in followup["by_person"]) == len(promised)


def test_a_play_that_runs_goes_on_with_the_same_action_ids(both_weeks: StoreFolder) -> None:
    first = {action["id"] for action in both_weeks.document(W47)["actions"] if action["kind"] == "play"}
    second = {action["id"] for action in both_weeks.document(W48)["actions"] if action["kind"] == "play"}
    assert first & second
    assert {action_id.split(".")[1] for action_id in second - first}.isdisjoint(
        {action_id.split(".")[1] for action_id in first & second}
    )


# progress between the weeks -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def progressed(
    shared_stores: SharedStores, again: tuple[StoreFolder, dict[str, CommandResult]]
) -> tuple[StoreFolder, dict[str, CommandResult]]:
    """People report progress, then the second week runs again. ``before`` keeps the earlier pages."""

    def make(place: StoreFolder) -> dict[str, CommandResult]:
        for source, target in ((again[0].out, "before"), (again[0].out, "reviews"), (again[0].store, "store")):
            shutil.copytree(source, place.folder / target)
        actions = place.document(W47)["actions"]
        told, late, imported, dropped = chosen(actions)
        filled = place.folder / "actions.csv"
        states = {late["id"]: ("done", "2026-11-20"), imported: ("done", ""), dropped: ("dropped", "")}
        filled.write_bytes(fill_in(place.pages(W47)["actions.csv"], states))
        return {
            "done": place.run("done", told["id"], "--on", told["due"], "--by", "Sadia Karim", "--note", "They agreed"),
            "import": place.run("done", "--import", filled, "--on", "2026-11-17"),
            "again": place.review(PORTFOLIO, SECOND_DAY, "--approve", "all", "--again"),
        }

    return shared_stores.place("progressed", make)


def chosen(actions: list[dict[str, Any]]) -> tuple[dict[str, Any], dict[str, Any], str, str]:
    """Actions of a play: one done on time, one done late, one imported as done, one imported as dropped."""
    plays = [action for action in actions if action["kind"] == "play" and action["account_id"] == "TF-1409"]
    late = next(action for action in actions if action["due"] < "2026-11-20" and action not in plays)
    others = [action["id"] for action in actions if action["due"] >= "2026-11-18" and action["kind"] == "primary"]
    return plays[0], late, others[-1], others[-2]


def fill_in(content: bytes, states: dict[str, tuple[str, str]]) -> bytes:
    """The action list filled in by a person: a few lines with status and day, the others deleted."""
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    for row in rows:
        if row["id"] in states:
            status, on = states[row["id"]]
            writer.writerow({**row, "status": status, "done_on": on})
    return text.getvalue().encode("utf-8-sig")


def test_what_was_done_shows_in_the_follow_up(progressed: tuple[StoreFolder, dict[str, CommandResult]]) -> None:
    place, said = progressed
    assert {each.code for each in said.values()} == {DONE}
    told, late, imported, dropped = chosen(place.document(W47)["actions"])
    found = {item["action_id"]: (item["status"], item["done_on"]) for item in commitments(place)}
    assert found.pop(told["id"]) == ("done", told["due"])
    assert found.pop(late["id"]) == ("done_late", "2026-11-20")
    assert found.pop(imported) == ("done", "2026-11-17")
    found.pop(dropped, None)
    assert {status for status, _ in found.values()} == {"open", "late"}
    figures = {figure["id"]: figure for figure in place.document(W48)["metrics"]["figures"]}
    assert figures["days_to_action"]["value"] is not None
    assert ("done", "Sadia Karim") in place.audit(W47)


def commitments(place: StoreFolder) -> list[dict[str, Any]]:
    return place.document(W48)["followup"]["commitments"]


def test_a_promise_that_somebody_dropped_is_named_and_does_not_vanish(
    progressed: tuple[StoreFolder, dict[str, CommandResult]],
) -> None:
    place, _ = progressed
    dropped = chosen(place.document(W47)["actions"])[3]
    assert [item["status"] for item in commitments(place) if item["action_id"] == dropped] == ["dropped"]


def test_what_is_done_is_not_handed_out_again_as_open(progressed: tuple[StoreFolder, dict[str, CommandResult]]) -> None:
    place, _ = progressed
    told = chosen(place.document(W47)["actions"])[0]
    listed = {row["id"]: row for row in place.table(W48, "actions.csv")}
    assert told["id"] in listed, "its play goes on"
    assert (listed[told["id"]]["status"], listed[told["id"]]["done_on"]) == ("done", told["due"])


def test_running_a_week_again_replaces_that_week_only(progressed: tuple[StoreFolder, dict[str, CommandResult]]) -> None:
    place, _ = progressed
    before = {p.name: p.read_bytes() for p in (place.folder / "before" / W47).rglob("*") if p.is_file()}
    after = {p.name: p.read_bytes() for p in (place.out / W47).rglob("*") if p.is_file()}
    assert before == after
    old, new = StoreFolder(place.folder / "old"), place
    shutil.copytree(place.folder / "before", old.out, dirs_exist_ok=True)
    for part in ("at_risk", "causes", "portfolio", "intervention_plan", "data"):
        assert old.document(W48)[part] == new.document(W48)[part], f"progress changes no {part}"
    assert old.document(W48)["previous_review_id"] == new.document(W48)["previous_review_id"] == W47
    shutil.rmtree(old.folder)


# a changed configuration ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def reweighted(shared_stores: SharedStores, team_first_week: StoreFolder) -> StoreFolder:
    """The same customers a week later with other weights; every date of the data moves by seven days."""

    def make(place: StoreFolder) -> None:
        team_first_week.copy_to(place.folder)
        data = write_team_data(place.folder / "data", days=7)
        configs = Path(shutil.copytree(ROOT / "configs", place.folder / "configs"))
        scoring = (configs / "scoring.yaml").read_text(encoding="utf-8")
        changed = scoring.replace("at_risk_above: {value: 60,", "at_risk_above: {value: 30,").replace(
            "renewal_step: {value: 0.35,", "renewal_step: {value: 0.6,"
        )
        assert changed != scoring
        (configs / "scoring.yaml").write_text(changed, encoding="utf-8")
        place.review(data, SECOND_DAY, "--approve", "all", "--configs", configs)

    return shared_stores.place("reweighted", make)[0]


def test_a_change_of_weights_is_not_read_as_a_change_of_customers(reweighted: StoreFolder) -> None:
    before, review = reweighted.document(W47), reweighted.document(W48)
    assert review["configuration_changed"]
    assert review["config_hash"] != before["config_hash"]
    assert review["portfolio"]["arr_at_risk"] > before["portfolio"]["arr_at_risk"]
    assert review["portfolio"]["movements"] == []
    assert {line["change"] for line in review["at_risk"]} == {"unchanged"}
    assert {line["risk_change"] for line in review["at_risk"]} == {0.0}
    steps = {step["name"]: step["arr"] for step in review["portfolio"]["bridge"]}
    rise = review["portfolio"]["arr_at_risk"] - before["portfolio"]["arr_at_risk"]
    assert steps["configuration"] == pytest.approx(rise)
    assert [steps[name] for name in ("entered", "left", "gone", "arr_changed") if steps.get(name)] == []
    assert [alert for alert in review["alerts"] if "fell" in alert["message"]] == []
    assert "onfiguration changed" in reweighted.pages(W48)["review.html"].decode()
    assert date.fromisoformat(review["as_of"]) > date.fromisoformat(before["as_of"])


def test_a_play_that_is_asked_for_counts_the_same_known_outcomes_as_the_review(
    both_weeks: StoreFolder, tmp_path: Path
) -> None:
    place = both_weeks.copy_to(tmp_path / "world")
    plays = place.document(W48)["plays"]
    known = next((play for play in plays if "known outcomes" in play["expected_value"]["save_basis"]), plays[0])
    asked = place.run(
        "ask", f"save play for {known['account_id']}", "--data", PORTFOLIO, "--as-of", SECOND_DAY, "--json"
    )
    (part,) = json.loads(asked.check_exit(DONE).out)["parts"]
    asked_value = part["play"]["expected_value"]
    for name in ("save_basis", "save_probability", "save_low", "save_high"):
        assert asked_value[name] == known["expected_value"][name]
