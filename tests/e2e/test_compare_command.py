"""`saveplay eval --compare` as a team uses it: two prompts that differ by one rule, and people who choose blind."""

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from evals.labels import read_labels, write_labels
from evals.preference import Label, PlayPair
from tests.e2e.commands import DONE, REFUSED, ROOT, clean_environment, command_line, saveplay
from tests.model_server import ModelServer, ReceivedRequest, answers_from_request, well_behaved

pytestmark = pytest.mark.long

RULE = "- Take the latest day that is offered."


def writes_by_the_rule(asked: ReceivedRequest) -> str:
    """A draft by a model that follows the rule when the prompt has it; a judge that takes the plan with the later days."""
    properties = (asked.schema or {})["properties"]
    if "better" in properties:
        _, right = asked.last.split("Plan on the left")[1].split("Plan on the right")
        return json.dumps({"better": "left" if "30 Nov" in right else "right"})
    draft: dict[str, Any] = json.loads(well_behaved(asked))
    if RULE in asked.body["messages"][0]["content"]:
        days = {
            line["properties"]["action"]["enum"][0]: line["properties"]["due"]["enum"][-1]
            for name, place in properties.items()
            if name != "doubt"
            for line in (place.get("items") or place)["anyOf"]
        }
        for line in [draft["first_touch"], *draft["stabilise"]]:
            line["due"] = days[line["action"]]
    return json.dumps(draft)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two folders of prompts that differ by one rule; only changed prompts are in them."""
    folder = tmp_path_factory.mktemp("compare")
    text = (ROOT / "prompts" / "draft_rules.j2").read_text(encoding="utf-8")
    for name, more in (("plain", ""), ("late", f"{RULE}\n"), ("other", "- Prefer Tuesdays.\n")):
        (folder / name).mkdir()
        (folder / name / "draft_rules.j2").write_text(text + more, encoding="utf-8")
    return folder


def compare(folder: Path, *more: str | Path, typed: str = "") -> Mapping[str, Any]:
    """The comparison as JSON; ``typed`` is what a person types."""
    sides = ("eval", "--compare", folder / "plain", folder / "late", "--model", "live", "--seed", "5", "--json")
    with ModelServer(otherwise=answers_from_request(writes_by_the_rule)) as server:
        environment = clean_environment({"SAVEPLAY_MODEL": "gpt-5-mini", "SAVEPLAY_MODEL_URL": server.url})
        ran = subprocess.run(
            command_line([*sides, *more]),
            cwd=ROOT,
            env=environment,
            input=typed,
            capture_output=True,
            text=True,
            check=False,
        )
    assert ran.returncode == DONE, ran.stderr[-2000:]
    found: Mapping[str, Any] = json.loads(ran.stdout)
    return found


def test_two_prompts_that_differ_by_one_rule_are_told_apart_by_a_persons_choices(folder: Path) -> None:
    kept = folder / "labels.json"
    first = compare(
        folder, "--choose", "Ada", "--labels", kept, "--html", folder / "page.html", typed="1\n?\n2\n0\nq\n"
    )
    assert [label.choice for label in read_labels([kept])] == ["left", "right", "same"]
    assert first["preference"]["labelled"] == 3
    pairs = [
        PlayPair(account=each["account"], name="", situation="", a=each["a"], b=each["b"]) for each in first["pairs"]
    ]
    assert 10 <= len(pairs) <= 20
    page = (folder / "page.html").read_text(encoding="utf-8")
    assert page.count("<fieldset") == len(pairs)
    assert str(folder) not in page

    bo = [
        Label(by="Bo", account=each.account, pair=each.key, seed=9, choice="left" if each.left_is_a(9) else "right")
        for each in pairs
    ]
    write_labels(folder / "bo.json", bo)
    second = compare(folder, "--labels", kept, "--labels", folder / "bo.json", "--judge")
    found = second["preference"]
    assert second["pairs"] == first["pairs"], "the same prompts give the same plays"
    assert found["people"] == ["Ada", "Bo"]
    assert found["preferred"]["A"] > found["preferred"]["B"]
    assert found["p_value"] < 0.05
    assert found["agreement"]["n"] == 3
    assert found["judge"]["n"] == len(pairs)
    assert second["not_judged"] == []
    steps = {figure["name"]: figure for figure in second["figures"]}
    assert steps["kept"]["a"] == steps["kept"]["b"] == 1


@pytest.mark.parametrize("options", [("plain", "other"), ("plain", "plain", "--accounts", "4")])
def test_plays_of_the_playbook_never_stand_in_for_answers_that_were_not_recorded(
    folder: Path, options: tuple[str, ...]
) -> None:
    a, b, *more = options
    ran = saveplay("eval", "--compare", folder / a, folder / b, "--model", "replay", *more)
    last = ran.err.splitlines()[-1]
    assert (ran.code, ran.out) == (REFUSED, "")
    assert (
        f"{folder / b}: nothing is recorded for 2 requests; use --model live, or the prompts and the 2 accounts" in last
    )


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("plain", "late"), "prompts make a difference only with a model; add --model live"),
        (("plain", "late", "--model", "live"), "no model is configured; set SAVEPLAY_MODEL"),
        (("plain", "late", "--choose", "Ada"), "name a file that keeps the labels: --labels FILE"),
        (("plain", "odd", "--model", "live"), "there is no prompt of this name"),
    ],
)
def test_what_cannot_be_compared_is_refused_with_what_can(folder: Path, options: tuple[str, ...], says: str) -> None:
    (folder / "odd").mkdir(exist_ok=True)
    shutil.copy(folder / "plain" / "draft_rules.j2", folder / "odd" / "draft_rule.j2")
    a, b, *more = options
    assert says in saveplay("eval", "--compare", folder / a, folder / b, *more).refusal
