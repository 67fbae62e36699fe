"""Repository layout: packages are imported from this checkout, and each signal has its definition and its evidence."""

import importlib
from pathlib import Path

import pytest

from tools.configuration import read_configuration
from tools.evidence.evidence import SIGNAL_ROWS
from tools.signals import CONTEXT_COLUMNS, INTENTS, OBSERVED_ON, category_sql

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("folder", ["domain", "tools", "agents", "graph", "app", "evals"])
def test_each_folder_is_imported_from_this_checkout(folder: str) -> None:
    module = importlib.import_module(folder)
    assert Path(str(module.__file__)).resolve() == ROOT / folder / "__init__.py"


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
    assert set(SIGNAL_ROWS) | set(configuration.wording.intents) == set(configuration.scoring.signals)
    for name, (table, _) in SIGNAL_ROWS.items():
        assert configuration.scoring.signals[name].table == table


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-extras.lock"])
def test_nothing_committed_names_a_registry_or_a_machine(name: str) -> None:
    lock = (ROOT / name).read_text()
    assert "--index-url" not in lock
    assert "http" not in {line.split("==")[0] for line in lock.splitlines()}
    assert "://" not in lock


def test_every_target_installs_what_was_locked_and_nothing_newer() -> None:
    installs = [line for line in (ROOT / "Makefile").read_text().splitlines() if "pip install" in line]
    from_an_index = [line for line in installs if "--no-deps" not in line and not line.endswith(" uv")]
    assert len(from_an_index) == 2
    assert all("--require-hashes" in line for line in from_an_index)


def test_what_both_locks_name_has_one_version() -> None:
    dev, extras = (
        {line.split(" ")[0] for line in (ROOT / name).read_text().splitlines() if "==" in line}
        for name in ("requirements.lock", "requirements-extras.lock")
    )
    names = {pinned.split("==")[0] for pinned in dev}
    assert {pinned for pinned in extras - dev if pinned.split("==")[0] in names} == set()


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
