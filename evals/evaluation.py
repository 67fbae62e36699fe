"""Run of the evaluation suites, labelled with the configuration, the prompts and the model that it used."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, get_args

from agents.conversation import ModelClient
from domain.configuration import Configuration
from domain.errors import ConfigurationError
from domain.record import Record
from evals.cases import read_cases
from evals.engine import ReportProgress
from evals.figures import SuiteResult
from tools.prompts import prompt_texts, short_hash

Suite = Literal["accounts", "plays", "agents", "ask", "hostile", "drafts", "worlds", "outside", "reading"]
SUITES: tuple[Suite, ...] = get_args(Suite)
DraftingMode = Literal["playbook", "replay", "live"]
DRAFTING_MODES: tuple[DraftingMode, ...] = get_args(DraftingMode)
"""Source of the drafts: the playbooks only, a real model's recorded answers, or the configured model now."""


class Evaluation(Record):
    """Results of one run. ``way`` is the drafting mode; the key is stored in JSON and keeps its name."""

    way: DraftingMode
    model: str
    scoring_hash: str
    prompts_hash: str
    suites: tuple[SuiteResult, ...]


def evaluate_suites(
    suites: Sequence[Suite],
    mode: DraftingMode,
    configuration: Configuration,
    report_progress: ReportProgress,
) -> Evaluation:
    """Run the suites. Raises ConfigurationError when a live model is asked for and none is configured."""
    if mode == "live" and configuration.model.name is None:
        raise ConfigurationError("--model live: no model is configured; set SAVEPLAY_MODEL, or name in model.yaml")
    runs: Mapping[Suite, Callable[[], SuiteResult]] = {
        "accounts": lambda: _run_accounts(mode, configuration, report_progress),
        "plays": lambda: _run_plays(configuration, report_progress),
        "agents": lambda: _run_agents(configuration, report_progress),
        "ask": lambda: _run_ask(mode, configuration, report_progress),
        "hostile": lambda: _run_hostile(configuration, report_progress),
        "drafts": lambda: _run_drafts(mode, configuration, report_progress),
        "worlds": lambda: _run_worlds(configuration, report_progress),
        "outside": lambda: _run_outside(configuration, report_progress),
        "reading": lambda: _run_reading(mode, configuration, report_progress),
    }
    return Evaluation(
        way=mode,
        model=_model_label(mode, configuration),
        scoring_hash=configuration.scoring_hash,
        prompts_hash=short_hash(*prompt_texts()),
        suites=tuple(runs[suite]() for suite in SUITES if suite in suites),
    )


def _model_label(mode: DraftingMode, configuration: Configuration) -> str:
    from evals.recorded_model import RECORDED_MODEL

    return {"playbook": "none", "replay": f"{RECORDED_MODEL}, recorded", "live": configuration.model.name or ""}[mode]


def _run_accounts(mode: DraftingMode, configuration: Configuration, report_progress: ReportProgress) -> SuiteResult:
    from evals.recorded_model import build_model_client
    from evals.suites.accounts import run_accounts

    if mode != "live":
        return run_accounts(read_cases(), configuration, report_progress)
    model = _model_label(mode, configuration)
    return run_accounts(
        read_cases(), configuration, report_progress, model, lambda: build_model_client(configuration, lambda *_: None)
    )


def _run_ask(mode: DraftingMode, configuration: Configuration, report_progress: ReportProgress) -> SuiteResult:
    from evals.recorded_model import build_model_client
    from evals.suites.ask import read_all_questions, run_ask

    client = build_model_client(configuration, lambda *_: None) if mode == "live" else None
    return run_ask(
        read_all_questions(),
        configuration,
        client,
        _model_label(mode, configuration) if client else "none",
        report_progress,
    )


def _run_hostile(configuration: Configuration, report_progress: ReportProgress) -> SuiteResult:
    from evals.suites.hostile import read_hostile_texts, run_hostile

    return run_hostile(read_hostile_texts(), configuration, report_progress)


def _run_agents(configuration: Configuration, report_progress: ReportProgress) -> SuiteResult:
    from evals.suites.agents import run_agents_suite

    return run_agents_suite(configuration, report_progress)


def _run_plays(configuration: Configuration, report_progress: ReportProgress) -> SuiteResult:
    from evals.suites.plays import run_plays

    return run_plays(configuration, report_progress)


def _run_worlds(configuration: Configuration, report_progress: ReportProgress) -> SuiteResult:
    from evals.suites.worlds import run_worlds

    return run_worlds(configuration, report_progress)


def _run_outside(configuration: Configuration, report_progress: ReportProgress) -> SuiteResult:
    from evals.suites.outside import run_outside

    return run_outside(configuration, report_progress)


def _run_reading(mode: DraftingMode, configuration: Configuration, report_progress: ReportProgress) -> SuiteResult:
    from evals.recorded_model import ReplayClient, build_model_client, cassette, has_recording, recorded_configuration
    from evals.suites.model_reading import run_reading

    if mode == "live":
        return run_reading(configuration, build_model_client(configuration, lambda *_: None), report_progress)
    if mode == "replay" and has_recording("reading"):
        recorded = recorded_configuration(configuration)
        with cassette("reading"):
            client = ReplayClient(build_model_client(recorded, lambda *_: None))
            return run_reading(recorded, client, report_progress, is_sample=True)
    return run_reading(configuration, None, report_progress)


def _run_drafts(mode: DraftingMode, configuration: Configuration, report_progress: ReportProgress) -> SuiteResult:
    from evals.recorded_model import ReplayClient, build_model_client, cassette, has_recording, recorded_configuration
    from evals.suites.drafts import run_drafts

    if mode == "playbook" or (mode == "replay" and not has_recording("drafts")):
        return run_drafts(configuration, None, "none", report_progress)
    if mode == "replay":
        recorded = recorded_configuration(configuration)
        with cassette("drafts"):
            return run_drafts(
                recorded,
                ReplayClient(build_model_client(recorded, lambda *_: None)),
                _model_label(mode, configuration),
                report_progress,
            )
    seconds: dict[str, float] = {}

    def heard(model: str, took: float, outcome: str) -> None:
        seconds[f"call {len(seconds) + 1:03d}"] = took

    client: ModelClient = build_model_client(configuration, heard)
    return run_drafts(configuration, client, _model_label(mode, configuration), report_progress, lambda: seconds)
