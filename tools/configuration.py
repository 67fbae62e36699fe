"""The one reader of ``configs/``: YAML in, typed configuration out, or an error that names file, line and key.

Files are read first and parsed then, so that a review can go on with the files that it began with.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from domain.configuration import Configuration, ConfigurationFiles, ConfigurationT, ScoreConfiguration
from domain.errors import ConfigurationError
from domain.setting import MAX_DAYS
from tools.rule_texts import state_review_numbers, state_tier_numbers
from tools.signals import INTENTS
from tools.signals.sql_columns import registration_problem
from tools.yaml_file import YamlDocument, parse_yaml, read_text

DEFAULT_FOLDER = Path(__file__).resolve().parent.parent / "configs"
_FILES = {
    "scoring": "scoring", "tiers": "tiers", "causes": "causes", "wording": "phrases/kinds", "review": "review",
    "model": "model", "asking": "ask", "facts": "facts", "plan": "plan",
}  # fmt: skip
_KINDS = "phrases/kinds.yaml"
_LIBRARY = ("playbooks", "situations")
"""Folders of which every file is read."""
_SCORE_PARTS = ("scoring", "tiers", "wording")


Documents = Mapping[str, YamlDocument]
"""The files of a folder by name, like ``scoring.yaml`` and ``playbooks/value_gap.yaml``."""


def _read_files(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """Texts of a configuration folder by name. Raises ConfigurationError naming a file that cannot be read."""
    return {name: _read_file(folder, name) for name in names}


def _read_file(folder: Path, name: str) -> str:
    try:
        return read_text(folder / name, ConfigurationError, name)
    except FileNotFoundError:
        raise ConfigurationError(f"{name} is missing in the configuration folder {folder.name}/") from None


def _parse(files: Mapping[str, str]) -> Documents:
    """The documents in these texts. Raises ConfigurationError naming file, line and key."""
    return {name: parse_yaml(text, name, ConfigurationError) for name, text in files.items()}


def _hash(files: Mapping[str, str], names: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for name in names:
        digest.update(Path(name).name.encode() + b"\0" + files[name].encode() + b"\0")
    return digest.hexdigest()[:16]


def _language_files(kinds: YamlDocument) -> list[str]:
    """The phrase files of the languages that ``phrases/kinds.yaml`` says are read; wrong ones are refused later."""
    read = kinds.content.get("read") if isinstance(kinds.content, dict) else None
    codes = [code for code in read if isinstance(code, str)] if isinstance(read, list) else []
    return [f"phrases/{code}.yaml" for code in dict.fromkeys(codes) if re.fullmatch("[a-z]{2}", code)]


def _first_problem(error: ValidationError, documents: Documents) -> str:
    """The first problem, as file, line and key."""
    problem = error.errors(include_url=False, include_input=False)[0]
    keys = [str(key) for key in problem["loc"]]
    if keys[:2] == ["wording", "languages"] and len(keys) > 2:
        return documents[f"phrases/{keys[2]}.yaml"].explain(error, 3, "the whole file")
    if not keys:
        return _with_line(str(problem["msg"]).removeprefix("Value error, "), documents)
    is_book = keys[0] in _LIBRARY and len(keys) > 1
    name = f"{keys[0]}/{keys[1]}.yaml" if is_book else f"{_FILES.get(keys[0], keys[0])}.yaml"
    if name not in documents:
        return _with_line(f"{name}: {'.'.join(keys[1:])}: {problem['msg']}", documents)
    return documents[name].explain(error, 2 if is_book else 1, "the whole file")


def _with_line(problem: str, documents: Documents) -> str:
    """A problem that begins with a file and a place in it, with the line of that place."""
    name, _, rest = problem.partition(": ")
    line = documents[name].line_of(rest) if name in documents else None
    return problem if line is None else f"{name} line {line}: {rest}"


def read_configuration(folder: Path | None = None) -> Configuration:
    """All of ``configs/`` (the shipped one by default), checked.

    Raises ConfigurationError naming the file, the line and the key.
    """
    return parse_configuration(read_configuration_files(folder))


def _with_languages(files: Mapping[str, str], folder: Path) -> dict[str, str]:
    """The files with those of the languages that are read and not among them."""
    kinds = parse_yaml(files[_KINDS], _KINDS, ConfigurationError)
    return {**files, **_read_files(folder, [name for name in _language_files(kinds) if name not in files])}


def read_configuration_files(folder: Path | None = None) -> ConfigurationFiles:
    """The files of a configuration folder, unchecked. Raises ConfigurationError naming a file that cannot be read."""
    folder = folder or DEFAULT_FOLDER
    names = [f"{file}.yaml" for file in _FILES.values()]
    books = [f"{part}/{path.name}" for part in _LIBRARY for path in sorted((folder / part).glob("*.yaml"))]
    return ConfigurationFiles(files=_with_languages(_read_files(folder, [*names, *books]), folder))


def with_newer_files(stored: ConfigurationFiles) -> ConfigurationFiles:
    """The files of a review that began with an older version, with the shipped ones that did not exist then."""
    missing = [name for file in _FILES.values() if (name := f"{file}.yaml") not in stored.files]
    files = {**stored.files, **_read_files(DEFAULT_FOLDER, missing)} if missing else stored.files
    return ConfigurationFiles(files=_with_languages(files, DEFAULT_FOLDER)) if missing else stored


def parse_configuration(given: ConfigurationFiles) -> Configuration:
    """The configuration in these files, checked. Raises ConfigurationError naming the file, the line and the key."""
    documents = _parse(given.files)
    books = sorted(name for name in given.files if name.partition("/")[0] in _LIBRARY)
    content = _content(given.files, documents, _FILES)
    for part in _LIBRARY:
        content[part] = {Path(name).stem: documents[name].content for name in books if name.startswith(f"{part}/")}
    languages = _language_files(documents[_KINDS])
    content["hash"] = _hash(given.files, sorted(f"{file}.yaml" for file in _FILES.values()) + languages + books)
    found = _validate(Configuration, content, documents)
    with _lines_in_errors(documents):
        review = state_review_numbers(found.review, found.tiers, found.scoring, found.windows)
    return found.model_copy(update={"review": review})


def read_score_configuration(folder: Path | None = None) -> ScoreConfiguration:
    """The configuration of the scores alone, checked: a sixth of ``configs/``. Raises as ``read_configuration`` does."""
    folder = folder or DEFAULT_FOLDER
    files = _read_files(folder, [f"{_FILES[part]}.yaml" for part in _SCORE_PARTS])
    documents = dict(_parse(files))
    phrases = _read_files(folder, _language_files(documents[_KINDS]))
    files, documents = {**files, **phrases}, {**documents, **_parse(phrases)}
    return _validate(ScoreConfiguration, _content(files, documents, _SCORE_PARTS), documents)


def _content(files: Mapping[str, str], documents: Documents, parts: Iterable[str]) -> dict[str, Any]:
    content = {part: documents[f"{_FILES[part]}.yaml"].content for part in parts}
    languages = _language_files(documents[_KINDS])
    if isinstance(content["wording"], dict):
        content["wording"] = content["wording"] | {
            "languages": {Path(name).stem: documents[name].content for name in languages if name in documents}
        }
    _share_text_window(content)
    names = sorted(f"{_FILES[part]}.yaml" for part in _SCORE_PARTS)
    return content | {"scoring_hash": _hash(files, [*names, *languages])}


def _share_text_window(content: dict[str, Any]) -> None:
    """Give stated intents the window of the texts that they are read from, so that their phrases can say it."""
    try:
        days = int(content["wording"]["window_days"]["value"])
        days = days if 1 <= days <= MAX_DAYS else 1  # a wrong one is refused where it is written, not in scoring.yaml
        for name in INTENTS:
            content["scoring"]["signals"].get(name, {})["window_days"] = days
    except (AttributeError, KeyError, TypeError, ValueError):
        return  # not in the expected form: the validation that follows names file and key


def _validate(kind: type[ConfigurationT], content: Mapping[str, Any], documents: Documents) -> ConfigurationT:
    try:
        configuration = kind.model_validate(content)
    except ValidationError as error:
        raise ConfigurationError(f"configuration: {_first_problem(error, documents)}") from None
    with _lines_in_errors(documents):
        problem = registration_problem(configuration.scoring.signals)
        if problem:
            raise ConfigurationError(f"configuration: {problem}")
        tiers = state_tier_numbers(configuration.tiers, configuration.windows)
    return configuration.model_copy(update={"tiers": tiers})


@contextmanager
def _lines_in_errors(documents: Documents) -> Iterator[None]:
    """Add the line to what checks of the whole configuration refuse: they know file and key only."""
    try:
        yield
    except ConfigurationError as error:
        problem = str(error).removeprefix("configuration: ")
        raise ConfigurationError(f"configuration: {_with_line(problem, documents)}") from None
