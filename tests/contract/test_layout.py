"""The house: folders are imported from this checkout, and signals, their meaning and their rows stay together."""

import importlib
from pathlib import Path

import pytest

from tools.configuration import read_configuration
from tools.signals import CONTEXT_COLUMNS, INTENTS, OBSERVED_ON, category_sql
from tools.signals.registry import SIGNALS

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
    with_rows = {name: entry for name, entry in SIGNALS.items() if entry.rows}
    assert set(with_rows) | set(configuration.wording.intents) == set(configuration.scoring.signals)
    for name, entry in with_rows.items():
        assert configuration.scoring.signals[name].table in entry.rows


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
