"""`saveplay eval` as a team uses it: output, comparison and exit codes, with the smallest suite."""

import json
from pathlib import Path

import pytest
import yaml

from evals.cases import read_case, read_cases
from evals.engine import Judgement, answer_questions
from evals.recorded_model import build_model_client
from evals.suites.accounts import run_accounts
from evals.suites.drafts import DRAFT_FAULTS, RefusalCodes, RefusedByCode
from tests.builders import SHIPPED
from tests.e2e.commands import DONE, FAULT, PORTFOLIO, ROOT, saveplay
from tests.model_server import ModelServer, answers_from_request, well_behaved

pytestmark = pytest.mark.long

DRAFTS = ("eval", "--suite", "drafts")


@pytest.fixture(scope="module")
def accepted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A baseline of the suite, and the report beside it."""
    folder = tmp_path_factory.mktemp("eval")
    ran = saveplay(
        *DRAFTS, "--baseline", folder / "baseline.json", "--accept", "--html", folder / "eval.html"
    ).check_exit(DONE)
    assert "Nothing is worse than the baseline." in ran.out
    return folder


def test_only_a_case_that_is_gone_since_the_baseline_is_worse_and_ends_with_exit_code_1(
    accepted: Path, tmp_path: Path
) -> None:
    baseline = json.loads((accepted / "baseline.json").read_text(encoding="utf-8"))
    baseline["suites"]["drafts/none"]["cases"]["a fault that nobody makes"] = {
        "right": {"judged": True, "refused": True}
    }
    changed = tmp_path / "baseline.json"
    changed.write_text(json.dumps(baseline), encoding="utf-8")
    ran = saveplay(*DRAFTS, "--baseline", changed, "--json").check_exit(FAULT)
    said = json.loads(ran.out)
    assert not said["passed"]
    assert [(c["kind"], c["name"], c["message"]) for c in said["changes"]] == [
        ("worse", "a fault that nobody makes", "the case no longer exists")
    ]
    assert [suite["suite"] for suite in said["evaluation"]["suites"]] == ["drafts"]


def test_the_report_is_one_page_that_fetches_nothing(accepted: Path) -> None:
    page = (accepted / "eval.html").read_text(encoding="utf-8")
    assert "a careful draft" in page
    assert "http" not in page.replace("http-equiv", "")
    assert "default-src 'none'" in page


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (
            ("--suite", "everything"),
            "use accounts, plays, agents, ask, hostile, drafts, worlds, outside, reading or all",
        ),
        (("--model", "clever"), "use playbook, replay or live"),
        (("--suite", "drafts", "--model", "live"), "set SAVEPLAY_MODEL"),
        (("--suite", "drafts", "--baseline", "no-such-file.json"), "write one with --accept"),
        (("--explain", "spike_about_one_gab"), "nearest: spike_about_one_gap"),
    ],
)
def test_what_cannot_be_run_is_refused_with_what_can(options: tuple[str, ...], says: str) -> None:
    assert says in saveplay("eval", *options).refusal


def test_a_case_is_explained_from_its_rows_to_its_play() -> None:
    ran = saveplay("eval", "--explain", "escalation_90_days_ago").check_exit(DONE)
    for heading in ("ROWS", "SIGNALS", "SCORES", "CAUSE", "PLAY", "CHECKS"):
        assert f"\n{heading}" in ran.out
    assert "rule that fired first: escalation" in ran.out
    assert "WRONG" not in ran.out


def test_a_real_account_becomes_a_case_without_its_names(tmp_path: Path) -> None:
    told = ("eval", "add", "--account", "TF-1340", "--data", PORTFOLIO, "--as-of", "2026-11-23", "--folder", tmp_path)
    ran = saveplay(*told, "--name", "service_trouble").check_exit(DONE)
    path = tmp_path / "service_trouble.yaml"
    assert str(path) in ran.out
    case = read_case(path)
    assert (case.expect.at_risk, case.expect.tier) == (True, ("critical",))
    text = path.read_text(encoding="utf-8")
    assert not [word for word in ("Zenobia", "TF-1340", "Sadia", "@") if word in text]
    assert yaml.safe_load(text)["account"]["renewal_in_days"] == -4
    assert "exists; give the case another --name" in saveplay(*told, "--name", "service_trouble").refusal


def test_an_account_that_is_not_there_is_refused(tmp_path: Path) -> None:
    told = ("--data", PORTFOLIO, "--as-of", "2026-11-23", "--folder", tmp_path)
    assert "there is no account 'TF-0'" in saveplay("eval", "add", "--account", "TF-0", *told).refusal


@pytest.mark.parametrize(
    "more", [("--suite", "drafts"), ("add", "--account", "A", "--data", "x", "--as-of", "2026-11-23")]
)
def test_without_the_packages_of_the_evaluation_it_says_what_to_install(tmp_path: Path, more: tuple[str, ...]) -> None:
    missing = tmp_path / "pydantic_evals.py"
    missing.write_text("raise ModuleNotFoundError('not there', name='pydantic_evals')\n", encoding="utf-8")
    ran = saveplay("eval", *more, env={"PYTHONPATH": f"{tmp_path}:{ROOT}"})
    assert ran.refusal == "`saveplay eval` needs pydantic_evals: pip install 'saveplay[evals]'"


def test_a_live_model_is_asked_for_the_plays_and_its_latency_and_cost_are_figures(tmp_path: Path) -> None:
    with ModelServer(otherwise=answers_from_request(well_behaved)) as server:
        env = {"SAVEPLAY_MODEL": "gpt-5-mini", "SAVEPLAY_MODEL_URL": server.url}
        told = (*DRAFTS, "--model", "live", "--baseline", tmp_path / "baseline.json", "--accept", "--json")
        ran = saveplay(*told, env=env).check_exit(DONE)
    (suite,) = json.loads(ran.out)["evaluation"]["suites"]
    figures = {figure["name"]: figure["value"] for figure in suite["figures"]}
    assert (figures["first_try"], figures["answered"], figures["verified"]) == (1, 1, 1)
    assert figures["specific"] > 0.5
    assert figures["latency"] >= 0
    assert figures["cost"] > 0
    assert suite["model"] == "gpt-5-mini"
    assert len(server.asked) == 18, "ten plays, and four texts about each of two"


def test_a_live_model_drafts_the_hand_written_accounts_at_risk_and_no_others() -> None:
    chosen = [case for case in read_cases() if case.name in ("escalation_90_days_ago", "all_healthy_midsize")]
    with ModelServer(otherwise=answers_from_request(well_behaved)) as server:
        named = SHIPPED.model.model_copy(update={"name": "made-up", "url": server.url})
        configuration = SHIPPED.model_copy(update={"model": named})
        found = run_accounts(
            chosen,
            configuration,
            lambda *_: None,
            "made-up",
            lambda: build_model_client(configuration, lambda *_: None),
        )
    assert {case.name: case.got["drafting"] for case in found.cases} == {
        "escalation_90_days_ago": "first_try", "all_healthy_midsize": "playbook",
    }  # fmt: skip
    assert len(server.asked) == 1


def test_two_cases_made_of_the_same_thing_are_judged_each_by_its_own_output() -> None:
    fault = DRAFT_FAULTS[1]
    both = [
        Judgement("caught", "", fault, RefusalCodes((fault.code or "",))),
        Judgement("passed", "", fault, RefusalCodes(())),
    ]
    found = {case.name: case.right for case in answer_questions("drafts", both, (RefusedByCode(),), lambda _: {})}
    assert found == {"caught": True, "passed": False}
