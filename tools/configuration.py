"""The one reader of ``configs/``: YAML in, typed configuration out, or an error that names file and key."""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from domain.configuration import Configuration, ConfigurationT, ScoreConfiguration
from domain.errors import ConfigurationError
from tools.rule_texts import state_review_numbers, state_tier_numbers
from tools.signals import INTENTS
from tools.signals.sql_columns import registration_problem

DEFAULT_FOLDER = Path(__file__).resolve().parent.parent / "configs"
_FILES = {
    "scoring": "scoring", "tiers": "tiers", "causes": "causes", "wording": "phrases", "review": "review",
    "model": "model", "asking": "ask",
}  # fmt: skip
_SCORE_PARTS = ("scoring", "tiers", "wording")


def _read(path: Path) -> Any:
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    except FileNotFoundError:
        raise ConfigurationError(f"{path.name} is missing in the configuration folder {path.parent.name}/") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path.name} is not valid YAML: {' '.join(str(error).split())}") from None


def _hash(paths: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def _first_problem(error: ValidationError) -> str:
    """The first problem, as file and key."""
    problem = error.errors()[0]
    if not problem["loc"]:
        return str(problem["msg"]).removeprefix("Value error, ")
    keys = [str(key) for key in problem["loc"]]
    part = _FILES.get(keys[0], keys[0]) if keys else "configs"
    name = f"playbooks/{keys[1]}.yaml" if part == "playbooks" and len(keys) > 1 else f"{part}.yaml"
    return f"{name}: {'.'.join(keys[1:]) or 'the whole file'}: {str(problem['msg']).removeprefix('Value error, ')}"


def read_configuration(folder: Path | None = None) -> Configuration:
    """All of ``configs/`` (the shipped one by default), checked.

    Raises ConfigurationError naming the file and the key.
    """
    folder = folder or DEFAULT_FOLDER
    books = sorted((folder / "playbooks").glob("*.yaml"))
    names = sorted(f"{file}.yaml" for file in _FILES.values())
    content = _content(folder, _FILES)
    content["playbooks"] = {path.stem: _read(path) for path in books}
    content["hash"] = _hash([folder / name for name in names] + books)
    found = _validate(Configuration, content)
    review = state_review_numbers(found.review, found.tiers, found.scoring, found.windows)
    return found.model_copy(update={"review": review})


def read_score_configuration(folder: Path | None = None) -> ScoreConfiguration:
    """The configuration of the scores alone, checked: a sixth of ``configs/``. Raises ConfigurationError naming the file and the key."""
    return _validate(ScoreConfiguration, _content(folder or DEFAULT_FOLDER, _SCORE_PARTS))


def _content(folder: Path, parts: Iterable[str]) -> dict[str, Any]:
    content = {part: _read(folder / f"{_FILES[part]}.yaml") for part in parts}
    _share_text_window(content)
    return content | {"scoring_hash": _hash(sorted(folder / f"{_FILES[part]}.yaml" for part in _SCORE_PARTS))}


def _share_text_window(content: dict[str, Any]) -> None:
    """Give stated intents the window of the texts that they are read from, so that their phrases can say it."""
    try:
        days = int(content["wording"]["window_days"]["value"])
        for name in INTENTS:
            content["scoring"]["signals"].get(name, {})["window_days"] = days
    except (AttributeError, KeyError, TypeError, ValueError):
        return  # not in the expected form: the validation that follows names file and key


def _validate(kind: type[ConfigurationT], content: Mapping[str, Any]) -> ConfigurationT:
    try:
        configuration = kind.model_validate(content)
    except ValidationError as error:
        raise ConfigurationError(f"configuration: {_first_problem(error)}") from None
    problem = registration_problem(configuration.scoring.signals)
    if problem:
        raise ConfigurationError(f"configuration: {problem}")
    tiers = state_tier_numbers(configuration.tiers, configuration.windows)
    return configuration.model_copy(update={"tiers": tiers})
