"""Runs suites, and says what they rest on: configuration, prompts, model."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, get_args

from agents.model_client import ModelClient
from domain.configuration import Configuration
from domain.errors import ConfigurationError
from domain.model import Record
from evals.cases import read_cases
from evals.engine import Tell
from evals.figures import SuiteResult
from tools.prompts import hash_of, texts

Suite = Literal["accounts", "ask", "hostile", "drafts", "worlds"]
SUITES: tuple[Suite, ...] = get_args(Suite)
Way = Literal["playbook", "replay", "live"]
WAYS: tuple[Way, ...] = get_args(Way)
"""Who drafts: nobody but the library; a real model as recorded; the configured model now."""


class Evaluation(Record):
    """Everything that one run found."""

    way: Way
    model: str
    scoring_hash: str
    prompts_hash: str
    suites: tuple[SuiteResult, ...]


def evaluate(
    suites: Sequence[Suite],
    way: Way,
    configuration: Configuration,
    tell: Tell,
) -> Evaluation:
    """Run the suites. Raises ConfigurationError when a live model is asked for and none is configured."""
    if way == "live" and configuration.model.name is None:
        raise ConfigurationError("--model live: no model is configured; set SAVEPLAY_MODEL, or name in model.yaml")
    runs: Mapping[Suite, Callable[[], SuiteResult]] = {
        "accounts": lambda: _accounts(way, configuration, tell),
        "ask": lambda: _ask(way, configuration, tell),
        "hostile": lambda: _hostile(configuration, tell),
        "drafts": lambda: _drafts(way, configuration, tell),
        "worlds": lambda: _worlds(configuration, tell),
    }
    return Evaluation(
        way=way,
        model=_model(way, configuration),
        scoring_hash=configuration.scoring_hash,
        prompts_hash=hash_of(*texts()),
        suites=tuple(runs[suite]() for suite in SUITES if suite in suites),
    )


def _model(way: Way, configuration: Configuration) -> str:
    from evals.recorded import MODEL

    return {"playbook": "none", "replay": f"{MODEL}, recorded", "live": configuration.model.name or ""}[way]


def _accounts(way: Way, configuration: Configuration, tell: Tell) -> SuiteResult:
    from evals.recorded import client_of
    from evals.suites.accounts import run_accounts

    if way != "live":
        return run_accounts(read_cases(), configuration, tell)
    model = _model(way, configuration)
    return run_accounts(read_cases(), configuration, tell, model, lambda: client_of(configuration, lambda *_: None))


def _ask(way: Way, configuration: Configuration, tell: Tell) -> SuiteResult:
    from evals.recorded import client_of
    from evals.suites.ask import read_questions, run_ask

    client = client_of(configuration, lambda *_: None) if way == "live" else None
    return run_ask(read_questions(), configuration, client, _model(way, configuration) if client else "none", tell)


def _hostile(configuration: Configuration, tell: Tell) -> SuiteResult:
    from evals.suites.hostile import read_texts, run_hostile

    return run_hostile(read_texts(), configuration, tell)


def _worlds(configuration: Configuration, tell: Tell) -> SuiteResult:
    from evals.suites.worlds import run_worlds

    return run_worlds(configuration, tell)


def _drafts(way: Way, configuration: Configuration, tell: Tell) -> SuiteResult:
    from evals.recorded import Replayed, as_recorded, cassette, client_of
    from evals.suites.drafts import run_drafts

    if way == "playbook":
        return run_drafts(configuration, None, "none", tell)
    if way == "replay":
        recorded = as_recorded(configuration)
        with cassette("review"):
            return run_drafts(
                recorded, Replayed(client_of(recorded, lambda *_: None)), _model(way, configuration), tell
            )
    seconds: dict[str, float] = {}

    def heard(model: str, took: float, outcome: str) -> None:
        seconds[f"call {len(seconds) + 1:03d}"] = took

    client: ModelClient = client_of(configuration, heard)
    return run_drafts(configuration, client, _model(way, configuration), tell, lambda: seconds)
