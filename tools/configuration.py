"""The one reader of ``configs/``: YAML in, typed configuration out, or an error that names file, line and key.

Files are read first and parsed then, so that a review can go on with the files that it began with.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from pydantic import TypeAdapter, ValidationError

from domain.errors import ConfigurationError
from domain.score_configuration import ConfigurationFiles, ConfigurationT, ScoreConfiguration
from domain.setting import MAX_DAYS
from tools.rule_texts import state_review_numbers, state_tier_numbers
from tools.signals import INTENTS
from tools.signals.sql_columns import registration_problem
from tools.yaml_file import YamlDocument, parse_yaml, read_text

if TYPE_CHECKING:
    from domain.configuration import Configuration

DEFAULT_FOLDER = Path(__file__).resolve().parent.parent / "configs"
_FILES = {
    "scoring": "scoring", "tiers": "tiers", "causes": "causes", "wording": "phrases", "review": "review",
    "model": "model", "asking": "ask", "facts": "facts", "plan": "plan",
}  # fmt: skip
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


def _first_problem(error: ValidationError, documents: Documents) -> str:
    """The first problem, as file, line and key."""
    problem = error.errors(include_url=False, include_input=False)[0]
    keys = [str(key) for key in problem["loc"]]
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


def read_configuration(folder: Path | None = None) -> "Configuration":
    """All of ``configs/`` (the shipped one by default), checked.

    Raises ConfigurationError naming the file, the line and the key.
    """
    return parse_configuration(read_configuration_files(folder))


def read_configuration_files(folder: Path | None = None) -> ConfigurationFiles:
    """The files of a configuration folder, unchecked. Raises ConfigurationError naming a file that cannot be read."""
    folder = folder or DEFAULT_FOLDER
    names = [f"{file}.yaml" for file in _FILES.values()]
    books = [f"{part}/{path.name}" for part in _LIBRARY for path in sorted((folder / part).glob("*.yaml"))]
    return ConfigurationFiles(files=_read_files(folder, [*names, *books]))


def with_newer_files(stored: ConfigurationFiles) -> ConfigurationFiles:
    """The files of a review that began with an older version, with the shipped ones that did not exist then."""
    missing = [name for file in _FILES.values() if (name := f"{file}.yaml") not in stored.files]
    return ConfigurationFiles(files={**stored.files, **_read_files(DEFAULT_FOLDER, missing)}) if missing else stored


def parse_kept_configuration(stored: ConfigurationFiles) -> "Configuration":
    """The configuration that a review began with, maybe under an older version. Raises ConfigurationError."""
    given = with_newer_files(stored)
    try:
        return parse_configuration(given)
    except ConfigurationError:
        old = files_of_an_older_form(given)
        if not old:
            raise
        return parse_configuration(ConfigurationFiles(files={**given.files, **_read_files(DEFAULT_FOLDER, old)}))


def files_of_an_older_form(stored: ConfigurationFiles) -> list[str]:
    """Kept files that this version cannot read; the shipped ones stand in for them. The vocabulary of plans and the
    library that is written in it belong together: where one is old, all of both are.
    """
    documents = _parse(stored.files)
    content = {part: documents[f"{file}.yaml"].content for part, file in _FILES.items()}
    _share_text_window(content)
    old = [f"{file}.yaml" for part, file in _FILES.items() if not _is_read(content[part], part)]
    books = [name for name in stored.files if name.partition("/")[0] in _LIBRARY]
    if "plan.yaml" in old or not all(_is_read(documents[name].content, name.partition("/")[0]) for name in books):
        shipped = [
            f"{part}/{path.name}" for part in _LIBRARY for path in sorted((DEFAULT_FOLDER / part).glob("*.yaml"))
        ]
        old = [*dict.fromkeys([*old, "plan.yaml"]), *shipped]
    return old


def _is_read(content: Any, part: str) -> bool:
    """True if the content has the form of this version's file of that part."""
    from domain.configuration import Configuration  # a score needs the part alone

    model: Any = Configuration.model_fields[part].annotation
    try:
        TypeAdapter(get_args(model)[1] if part in _LIBRARY else model).validate_python(content)
    except ValidationError:
        return False
    return True


def parse_configuration(given: ConfigurationFiles) -> "Configuration":
    """The configuration in these files, checked. Raises ConfigurationError naming the file, the line and the key."""
    from domain.configuration import Configuration  # a score needs the part alone

    documents = _parse(given.files)
    books = sorted(name for name in given.files if name.partition("/")[0] in _LIBRARY)
    content = _content(given.files, documents, _FILES)
    for part in _LIBRARY:
        content[part] = {Path(name).stem: documents[name].content for name in books if name.startswith(f"{part}/")}
    content["hash"] = _hash(given.files, sorted(f"{file}.yaml" for file in _FILES.values()) + books)
    found = _validate(Configuration, content, documents)
    with _lines_in_errors(documents):
        review = state_review_numbers(found.review, found.tiers, found.scoring, found.windows)
    return found.model_copy(update={"review": review})


def read_score_configuration(folder: Path | None = None) -> ScoreConfiguration:
    """The configuration of the scores alone, checked: a sixth of ``configs/``. Raises as ``read_configuration`` does."""
    files = _read_files(folder or DEFAULT_FOLDER, [f"{_FILES[part]}.yaml" for part in _SCORE_PARTS])
    documents = _parse(files)
    return _validate(ScoreConfiguration, _content(files, documents, _SCORE_PARTS), documents)


def _content(files: Mapping[str, str], documents: Documents, parts: Iterable[str]) -> dict[str, Any]:
    content = {part: documents[f"{_FILES[part]}.yaml"].content for part in parts}
    _share_text_window(content)
    return content | {"scoring_hash": _hash(files, sorted(f"{_FILES[part]}.yaml" for part in _SCORE_PARTS))}


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
