"""The one reader of ``configs/``: YAML in, typed configuration out, or an error that names file and key.

Files are read first and parsed then, so that a review can go on with the files that it began with."""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from domain.configuration import Configuration, ConfigurationFiles, ConfigurationT, ScoreConfiguration
from domain.errors import ConfigurationError
from tools.signals import INTENTS
from tools.signals.sql_columns import registration_problem
from tools.stated_numbers import state_review_numbers, state_tier_numbers

DEFAULT_FOLDER = Path(__file__).resolve().parent.parent / "configs"
_FILES = {
    "scoring": "scoring", "tiers": "tiers", "causes": "causes", "wording": "phrases", "review": "review",
    "model": "model", "asking": "ask",
}  # fmt: skip
_SCORE_PARTS = ("scoring", "tiers", "wording")


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        raise ConfigurationError(f"{path.name} is missing in the configuration folder {path.parent.name}/") from None
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path.name} is not valid YAML: {' '.join(str(error).split())}") from None


def _parse(files: Mapping[str, str], name: str) -> Any:
    try:
        return yaml.load(files[name], Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{Path(name).name} is not valid YAML: {' '.join(str(error).split())}") from None


def _hash(files: Mapping[str, str], names: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for name in names:
        digest.update(Path(name).name.encode() + b"\0" + files[name].encode() + b"\0")
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
    return parse_configuration(read_configuration_files(folder))


def read_configuration_files(folder: Path | None = None) -> ConfigurationFiles:
    """The files of a configuration folder, unchecked. Raises ConfigurationError naming a file that cannot be read."""
    folder = folder or DEFAULT_FOLDER
    paths = [folder / f"{file}.yaml" for file in _FILES.values()] + sorted((folder / "playbooks").glob("*.yaml"))
    return ConfigurationFiles(files={path.relative_to(folder).as_posix(): _read(path) for path in paths})


def parse_configuration(given: ConfigurationFiles) -> Configuration:
    """The configuration in these files, checked. Raises ConfigurationError naming the file and the key."""
    files = given.files
    books = sorted(name for name in files if name.startswith("playbooks/"))
    content = _content(files, _FILES)
    content["playbooks"] = {Path(name).stem: _parse(files, name) for name in books}
    content["hash"] = _hash(files, sorted(f"{file}.yaml" for file in _FILES.values()) + books)
    found = _validate(Configuration, content)
    review = state_review_numbers(found.review, found.tiers, found.scoring, found.windows)
    return found.model_copy(update={"review": review})


def read_score_configuration(folder: Path | None = None) -> ScoreConfiguration:
    """What makes a score, checked: a sixth of ``configs/``. Raises ConfigurationError naming the file and the key."""
    names = [f"{_FILES[part]}.yaml" for part in _SCORE_PARTS]
    files = {name: _read((folder or DEFAULT_FOLDER) / name) for name in names}
    return _validate(ScoreConfiguration, _content(files, _SCORE_PARTS))


def _content(files: Mapping[str, str], parts: Iterable[str]) -> dict[str, Any]:
    content = {part: _parse(files, f"{_FILES[part]}.yaml") for part in parts}
    _share_text_window(content)
    return content | {"scoring_hash": _hash(files, sorted(f"{_FILES[part]}.yaml" for part in _SCORE_PARTS))}


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
